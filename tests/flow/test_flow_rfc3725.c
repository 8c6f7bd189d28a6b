/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Third party call control (RFC 3725) by an application's MakeCall: flow III, message by
 * message, what goes wrong (§6), and what goes on (§7).
 *
 * Flows I, II and IV are not made. A's 2xx is acknowledged at once, so this is not I; A is
 * called without a description, so it is neither II nor IV, and no phone has to take an offer
 * without media. In place of 0.0.0.0 the answer is inactive in all streams.
 */
#include "service.h"

#include <stdio.h>

static struct service s;

static void up(void)
{
    service_begin(&s, ROLE_BRIDGE);
    s.apps = true;
    service_up(&s);
}

static struct str body(const struct phone *p, const char *pattern, size_t nth)
{
    return wire_body(service_to(&s, &p->s.node, pattern, nth, NULL));
}

static bool has(struct str text, const char *what)
{
    return str_find(text, str_c(what)) < text.n;
}

/** A (ann) has picked up, B (bob) rings. */
static struct ask *make(void)
{
    service_mark(&s);
    struct ask *q = app_make_call(&s.w.crm, "1001", "1002", true, "hello");
    service_run(&s, 200);
    LADDER(&s, s.ann, "<INVITE >180");
    LADDER(&s, s.bob, "");
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 200);
    CHECK(str_starts(str_c(service_ladder(&s, &s.ann->s.node)), STR("<INVITE >180 >200 <ACK")));
    CHECK_STR(str_c(q->text), "MakeCallResponse c1:1001");
    return q;
}

static void test_flow_3(void)
{
    up();
    (void)make();
    LADDER(&s, s.bob, "<INVITE >180");
    CHECK_INT(body(s.ann, "INVITE", 0).n, 0);   /* (1) no SDP */
    struct str silence = body(s.ann, "ACK", 0); /* (3) answer1 */
    CHECK(has(silence, "a=inactive\r\n"));
    CHECK(has(silence, "m=audio "));
    CHECK(!has(silence, "m=audio 0 "));       /* the stream lives on */
    CHECK_INT(body(s.bob, "INVITE", 0).n, 0); /* (4) no SDP */
    CHECK_STR(service_to(&s, &s.bob->s.node, "INVITE", 0, "User-to-User"),
              "68656C6C6F;encoding=hex;purpose=isdn-uui");
    service_mark(&s);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    LADDER(&s, s.bob, ">200 <ACK");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    /* (6) offer2' is offer2 but for the origin, which goes on from answer1; (8) the same way */
    struct str offer = body(s.ann, "INVITE", 0), answer = body(s.bob, "ACK", 0);
    struct str media = str_from(offer, str_find(offer, STR("m=audio")));
    CHECK(media.n > 0 && str_ends(str_c(s.bob->media.text), media));
    struct sdp first, second;
    CHECK_INT(sdp_parse(silence, &first, NULL), 0);
    CHECK_INT(sdp_parse(offer, &second, NULL), 0);
    CHECK_BYTES(second.id, first.id);
    CHECK_BYTES(second.username, first.username);
    media = str_from(answer, str_find(answer, STR("m=audio")));
    CHECK(media.n > 0 && str_ends(str_c(s.ann->media.text), media));
    CHECK_INT(service_to(&s, &s.ann->s.node, "ACK", 0, "Content-Length").n, 1); /* (9) */
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendrecv|sendrecv");
    service_down(&s);
}

/* ---- §6 ---- */

/** B refuses: A gets BYE, and the Reason says why. */
static void refused(unsigned status, const char *reason)
{
    up();
    s.bob->on_call = status;
    s.bob->answer_lines = STR("User-to-User: 00C8;encoding=hex\r\nReason: Q.850;cause=17\r\n");
    (void)make();
    service_run(&s, 500);
    LADDER(&s, s.ann, "<INVITE >180 >200 <ACK <BYE >200.BYE");
    struct str got = service_to(&s, &s.ann->s.node, "BYE", 0, "Reason");
    if (!CHECK(str_starts(got, str_c(reason)))) {
        printf("#   %.*s\n", STR_ARG(got));
    }
    struct str bye = service_to(&s, &s.ann->s.node, "BYE", 0, NULL);
    CHECK_STR(str_trim(wire_raw(bye, "Reason", 1)), "Q.850;cause=17");
    CHECK_STR(str_trim(wire_raw(bye, "User-to-User", 0)), "00C8;encoding=hex");
    CHECK_INT(world_stat(&s.w, "calls_active"), 0);
    service_down(&s);
}

static void test_6_b_refuses(void)
{
    refused(486, "SIP;cause=486");
    refused(404, "SIP;cause=404");
    refused(603, "SIP;cause=603");
}

/** B rings and rings. */
static void test_6_b_does_not_answer(void)
{
    up();
    (void)make();
    service_run(&s, 125000);
    LADDER(&s, s.bob, "<INVITE >180 <CANCEL >200.CANCEL >487 <ACK");
    LADDER(&s, s.ann, "<INVITE >180 >200 <ACK <BYE >200.BYE");
    struct str got = service_to(&s, &s.ann->s.node, "BYE", 0, "Reason");
    if (!CHECK(str_starts(got, STR("SIP;cause=4")))) {
        printf("#   %.*s\n", STR_ARG(got));
    }
    service_down(&s);
}

/** No media in common: A refuses what B offers. B's 2xx is acknowledged all the same. */
static void test_6_no_common_media(void)
{
    up();
    (void)make();
    s.ann->refuse_offers = 488;
    service_mark(&s);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 500);
    LADDER(&s, s.ann, "<INVITE >488 <ACK <BYE >200.BYE");
    LADDER(&s, s.bob, ">200 <ACK <BYE >200.BYE");
    CHECK(has(body(s.bob, "ACK", 0), "a=inactive\r\n") ||
          has(body(s.bob, "ACK", 0), "m=audio 0 "));
    service_down(&s);
}

/** Figure 5: A changes its media while B rings. 491; later it works. */
static void test_6_offer_while_b_rings(void)
{
    up();
    (void)make();
    service_mark(&s);
    CHECK_INT(phone_offer(s.ann, SDP_SENDRECV), 0);
    service_run(&s, 200);
    LADDER(&s, s.ann, ">INVITE <491 >ACK");
    LADDER(&s, s.bob, "");
    s.ann->media.offering = false;
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    service_mark(&s);
    CHECK_INT(phone_offer(s.ann, SDP_SENDONLY), 0);
    service_run(&s, 300);
    LADDER(&s, s.ann, ">INVITE <200 >ACK");
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendonly|recvonly");
    service_down(&s);
}

/** A hangs up while B rings, and while the two are being joined. */
static void test_6_a_hangs_up(void)
{
    up();
    (void)make();
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 300);
    LADDER(&s, s.ann, "<INVITE >180 >200 <ACK >BYE <200.BYE");
    LADDER(&s, s.bob, "<INVITE >180 <CANCEL >200.CANCEL >487 <ACK");
    service_down(&s);
    for (uint32_t ms = 0; ms <= 30; ms += 5) {
        up();
        (void)make();
        CHECK_INT(phone_answer(s.bob), 0);
        service_run(&s, ms);
        phone_hang_up(s.ann, STR_NONE);
        service_run(&s, 1000);
        CHECK(s.ann->s.leg == NULL && s.bob->s.leg == NULL);
        CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.bob->s.node, "ACK"), 1);
        CHECK_INT(world_stat(&s.w, "calls_active"), 0);
        service_down(&s);
    }
}

/** A does not pick up, or refuses: B never hears of it. */
static void test_6_a_refuses(void)
{
    up();
    s.ann->on_call = 486;
    struct ask *q = app_make_call(&s.w.crm, "1001", "1002", true, "hello");
    service_run(&s, 500);
    LADDER(&s, s.ann, "<INVITE >486 <ACK");
    LADDER(&s, s.bob, "");
    CHECK_INT(q->answers, 1);
    CHECK_INT(world_stat(&s.w, "calls_active"), 0);
    service_down(&s);
}

/* ---- §7 ---- */

static void joined(void)
{
    up();
    (void)make();
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    REQUIRE(phone_talks(s.ann) && phone_talks(s.bob));
    service_mark(&s);
}

/** Figure 6, either way. */
static void test_7_bye(void)
{
    for (int i = 0; i < 2; i++) {
        joined();
        struct phone *leaves = i == 0 ? s.ann : s.bob, *stays = i == 0 ? s.bob : s.ann;
        phone_hang_up(leaves, STR("User-to-User: 00C8;encoding=hex\r\n"));
        service_run(&s, 200);
        LADDER(&s, leaves, ">BYE <200.BYE");
        LADDER(&s, stays, "<BYE >200.BYE");
        CHECK_STR(service_to(&s, &stays->s.node, "BYE", 0, "User-to-User"),
                  "00C8;encoding=hex");
        service_down(&s);
    }
}

/** re-INVITEs go across, each side with versions that rise by one (the phones check that). */
static void test_7_offers(void)
{
    joined();
    for (int i = 0; i < 3; i++) {
        struct phone *p = i % 2 == 0 ? s.ann : s.bob, *q = i % 2 == 0 ? s.bob : s.ann;
        service_mark(&s);
        CHECK_INT(phone_offer(p, i == 1 ? SDP_INACTIVE : SDP_SENDONLY), 0);
        service_run(&s, 300);
        LADDER(&s, p, ">INVITE <200 >ACK");
        LADDER(&s, q, "<INVITE >200 <ACK");
        CHECK_INT(phone_offer(p, SDP_SENDRECV), 0);
        service_run(&s, 300);
        CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendrecv|sendrecv");
    }
    service_down(&s);
}

/** Figure 7: one party goes, a third one takes its place. */
static void test_7_third_party(void)
{
    joined();
    struct ask *q = app_on_connection(&s.w.crm, "SingleStepTransferCall", "activeCall", "c1",
                                      "1001", "<transferredTo>1003</transferredTo>");
    service_run(&s, 300);
    LADDER(&s, s.cleo, "<INVITE >180");
    CHECK_INT(body(s.cleo, "INVITE", 0).n, 0);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 500);
    CHECK_INT(q->answers, 1);
    CHECK(q->msg.id == CSTA_MSG_SINGLE_STEP_TRANSFER_CALL_RESPONSE);
    LADDER(&s, s.cleo, "<INVITE >180 >200 <ACK");
    LADDER(&s, s.bob, "<INVITE >200 <ACK");
    LADDER(&s, s.ann, "<BYE >200.BYE");
    CHECK(phone_talks(s.bob) && phone_talks(s.cleo) && s.ann->s.leg == NULL);
    CHECK_STR(str_c(phones_media(s.bob, s.cleo)), "sendrecv|sendrecv");
    service_down(&s);
}

TEST_MAIN(T(test_flow_3), T(test_6_b_refuses), T(test_6_b_does_not_answer),
          T(test_6_no_common_media), T(test_6_offer_while_b_rings), T(test_6_a_hangs_up),
          T(test_6_a_refuses), T(test_7_bye), T(test_7_offers), T(test_7_third_party))
