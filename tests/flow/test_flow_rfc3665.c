/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session establishment as in RFC 3665 §3, seen by the two ends of a bridge, and what the
 * answer to an INVITE can run into: forks, CANCEL that crosses the answer, silence.
 */
#include "world.h"

#include <stdio.h>

static struct world w;
static struct phone *ann, *bob, *cleo;

static void up(void)
{
    world_up(&w, &(struct world_options){.no_apps = true});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
}

static const struct vnode *node(const struct phone *p)
{
    return &p->s.node;
}

/** Messages from the engine to a phone. */
static size_t to(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), node(p), pattern);
}

static size_t from(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, node(p), ENGINE(&w), pattern);
}

/** §3.1: either side hangs up. */
static void session(enum transport transport, bool caller_hangs_up)
{
    world_up(&w, &(struct world_options){.no_apps = true, .transport = transport});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(ann->s.leg->state, LEG_EARLY);
    CHECK_INT(bob->s.leg->state, LEG_EARLY);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    /* the description of the far end came through as it was */
    CHECK_STR(str_make(ann->media.remote, ann->media.remote_n), bob->media.text);
    CHECK_STR(str_make(bob->media.remote, bob->media.remote_n), ann->media.text);
    /* two dialogs, not one: nothing of the one side's identity is seen on the other */
    struct str in = wire_find(&w.wire, node(ann), ENGINE(&w), "INVITE", 1);
    struct str out = wire_find(&w.wire, ENGINE(&w), node(bob), "INVITE", 0);
    CHECK(!str_eq(str_trim(wire_raw(in, "Call-ID", 0)), str_trim(wire_raw(out, "Call-ID", 0))));
    CHECK(!str_is_set(wire_raw(out, "Authorization", 0)));
    CHECK(str_starts(str_trim(wire_raw(out, "Max-Forwards", 0)), STR("69")));
    phone_hang_up(caller_hangs_up ? ann : bob, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(to(ann, "BYE") + to(bob, "BYE"), 1);
    CHECK_INT(to(ann, "200 BYE") + to(bob, "200 BYE"), 1);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

static void test_session(void)
{
    session(TP_UDP, true);
    session(TP_UDP, false);
    session(TP_TCP, true);
    session(TP_TLS, false);
}

/** The caller proves who he is; who gives a wrong password or another's name calls nobody. */
static void test_caller_is_asked(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    CHECK_INT(to(ann, "401 INVITE"), 1);
    CHECK_INT(from(ann, "INVITE"), 2);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 100);
    ann->auth.password = STR("guess");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    CHECK(ann->s.leg == NULL);
    CHECK(str_find(str_c(ann->s.log), STR("rejected:401")) < ann->s.log_n);
    ann->auth.user = STR("1003"); /* a right one, but the call says it is from 1001 */
    ann->auth.password = STR("pw1003");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    CHECK(str_find(str_c(ann->s.log), STR("rejected:403")) < ann->s.log_n);
    CHECK_INT(to(bob, "INVITE"), 1);
    ann->auth.user = STR("1001");
    ann->auth.password = STR("pw1001");
    world_down(&w);
}

/** The values of a header, joined: how many stand on a line means nothing. */
static struct str values(const struct text_msg *t, enum sip_hdr_id id)
{
    static char buf[4][1024];
    static unsigned next;
    struct sip_values it = {0};
    struct str v;
    struct out o;
    out_init(&o, buf[next++ % 4], sizeof(buf[0]));
    while (t->m != NULL && sip_msg_each(t->m, id, &it, &v)) {
        out_c(&o, o.n > 0 ? ", " : "");
        out_str(&o, v);
    }
    return out_str_of(&o);
}

/** §3.2, §3.3: the caller is behind two proxies that record their route. */
static void test_proxies_in_front(void)
{
    struct text_msg ringing, ok, bye;
    up();
    world_raw_invite(&w, &w.gateway, "p1", "1002",
                     "Via: SIP/2.0/UDP p1.example.net;branch=z9hG4bK-a, SIP/2.0/TCP "
                     "p0.example.net;branch=z9hG4bK-b\n"
                     "Via: SIP/2.0/UDP caller.example.net:5066;branch=z9hG4bK-c\n"
                     "Record-Route: <sip:10.0.2.1;lr>\n"
                     "Record-Route: <sip:p0.example.net;lr;x=y>\n",
                     world_sdp);
    world_run(&w, 100);
    ringing = world_take(&w.gateway, "180 INVITE");
    CHECK_STR(values(&ringing, SIP_HDR_VIA),
              "SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-p1, "
              "SIP/2.0/UDP p1.example.net;branch=z9hG4bK-a, "
              "SIP/2.0/TCP p0.example.net;branch=z9hG4bK-b, "
              "SIP/2.0/UDP caller.example.net:5066;branch=z9hG4bK-c");
    /* the proxies' business ends here: the phone sees a Via of ours only, and no route */
    struct str out = wire_find(&w.wire, ENGINE(&w), node(bob), "INVITE", 0);
    CHECK(!str_is_set(wire_raw(out, "Via", 1)));
    CHECK(!str_is_set(wire_raw(out, "Record-Route", 0)));
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    ok = world_take(&w.gateway, "200 INVITE");
    CHECK_STR(values(&ok, SIP_HDR_RECORD_ROUTE),
              "<sip:10.0.2.1;lr>, <sip:p0.example.net;lr;x=y>");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 100);
    CHECK(phone_talks(bob));
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 100);
    bye = world_take(&w.gateway, "BYE");
    CHECK_STR(sip_msg_ruri(bye.m), "sip:raw@10.0.2.1");
    CHECK_STR(values(&bye, SIP_HDR_ROUTE), "<sip:10.0.2.1;lr>, <sip:p0.example.net;lr;x=y>");
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, bye.m, "200 OK", "", "", "");
    text_free(&ringing);
    text_free(&ok);
    text_free(&bye);
    world_down(&w);
}

/** The called side is behind proxies: ACK and BYE take the recorded route, in reverse. */
static void test_proxies_behind(void)
{
    struct text_msg invite, ack, bye;
    static const char lines[] = "Record-Route: <sip:inner.example.net;lr>, <sip:10.0.2.1;lr>\n"
                                "Contact: <sip:555@inner.example.net:5070>\n"
                                "Content-Type: application/sdp\n";
    up();
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 100);
    invite = world_take(&w.gateway, "INVITE");
    CHECK_STR(sip_msg_ruri(invite.m), "sip:9555@10.0.2.1:5060");
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, invite.m, "100 Trying", "", "", "");
    raw_reply(&w.gateway, &back, invite.m, "183 Session Progress", "t1", lines, world_sdp);
    world_run(&w, 100);
    CHECK_INT(to(ann, "183 INVITE"), 1);
    CHECK(ann->media.seen); /* early media */
    raw_reply(&w.gateway, &back, invite.m, "200 OK", "t1", lines, world_sdp);
    world_run(&w, 100);
    ack = world_take(&w.gateway, "ACK");
    CHECK_STR(sip_msg_ruri(ack.m), "sip:555@inner.example.net:5070");
    CHECK_STR(values(&ack, SIP_HDR_ROUTE), "<sip:10.0.2.1;lr>, <sip:inner.example.net;lr>");
    CHECK(phone_talks(ann));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 50);
    bye = world_take(&w.gateway, "BYE");
    CHECK_STR(values(&bye, SIP_HDR_ROUTE), "<sip:10.0.2.1;lr>, <sip:inner.example.net;lr>");
    raw_reply(&w.gateway, &back, bye.m, "200 OK", "", "", "");
    text_free(&invite);
    text_free(&ack);
    text_free(&bye);
    world_down(&w);
}

/** §3.8: no answer, the caller gives up. */
static void test_cancel(void)
{
    up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 5000);
    phone_hang_up(ann, STR("Reason: SIP;cause=600;text=\"never mind\"\r\n"));
    world_run(&w, 100);
    CHECK_INT(to(bob, "CANCEL"), 1);
    CHECK_INT(from(bob, "487 INVITE"), 1);
    CHECK_INT(to(bob, "ACK"), 1);
    CHECK_INT(to(ann, "200 CANCEL"), 1);
    CHECK_INT(to(ann, "487 INVITE"), 1);
    struct str cancel = wire_find(&w.wire, ENGINE(&w), node(bob), "CANCEL", 0);
    CHECK_STR(str_trim(wire_raw(cancel, "Reason", 0)), "SIP;cause=600;text=\"never mind\"");
    world_down(&w);
}

/** §3.7 and §3.10: what the callee says is what the caller hears. */
static void refusal(unsigned status, const char *lines)
{
    char pattern[16];
    snprintf(pattern, sizeof(pattern), "%u INVITE", status);
    up();
    bob->on_call = status;
    bob->answer_lines = str_c(lines);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(to(ann, pattern), 1);
    CHECK_INT(to(bob, "ACK"), 1);
    CHECK(ann->s.leg == NULL);
    struct str got = wire_find(&w.wire, ENGINE(&w), node(ann), pattern, 0);
    CHECK(str_find(got, str_c(lines)) < got.n || lines[0] == '\0');
    world_down(&w);
}

static void test_refusals(void)
{
    refusal(486, "Retry-After: 120\r\n");
    refusal(480, "");
    refusal(603, "Reason: Q.850;cause=21\r\n");
    refusal(404, "");
    refusal(500, "Warning: 399 bob \"tired\"\r\n");
    refusal(302, "Contact: <sip:1002@elsewhere.example>;q=0.7\r\n");
    refusal(301,
            "Contact: \"B, the other\" <sip:b@a.example?User-to-User=56a390%3Bencoding%3Dhex>"
            "\r\n");
}

/** Nobody there: not registered, unknown, not ours. */
static void test_nobody(void)
{
    static const struct {
        const char *user;
        unsigned status;
    } row[] = {{"1004", 480}, {"1777", 404}, {"+33123", 404}};
    up();
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char word[32];
        station_clear_log(&ann->s);
        REQUIRE(phone_call(ann, row[i].user, true, STR_NONE) != NULL);
        world_run(&w, 100);
        snprintf(word, sizeof(word), "rejected:%u", row[i].status);
        test_context(row[i].user);
        CHECK(str_find(str_c(ann->s.log), str_c(word)) < ann->s.log_n);
    }
    world_down(&w);
}

/** §3.9: the phone is gone without a word: 408 when Timer B ends, to a caller who waits. */
static void test_no_response(void)
{
    up();
    wire_lose(&w.wire, ENGINE(&w), node(bob), "INVITE", 0, 100);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 31000);
    CHECK(ann->s.leg != NULL);
    CHECK_INT(to(ann, "100 INVITE"), 1);
    world_run(&w, 3000);
    CHECK_INT(to(ann, "408 INVITE"), 1);
    CHECK(ann->s.leg == NULL);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** It rings and rings: after two minutes the call ends on both sides. */
static void test_ring_limit(void)
{
    up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 119000);
    CHECK_INT(to(bob, "CANCEL"), 0);
    world_run(&w, 2000);
    CHECK_INT(to(bob, "CANCEL"), 1);
    CHECK_INT(to(ann, "480 INVITE"), 1);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** Offer in the 200, answer in the ACK. */
static void test_delayed_offer(void)
{
    up();
    REQUIRE(phone_call(ann, "1002", false, STR_NONE) != NULL);
    world_run(&w, 100);
    struct str out = wire_find(&w.wire, ENGINE(&w), node(bob), "INVITE", 0);
    CHECK_INT(wire_body(out).n, 0);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_STR(str_make(ann->media.remote, ann->media.remote_n), bob->media.text);
    CHECK_STR(str_make(bob->media.remote, bob->media.remote_n), ann->media.text);
    struct str ack = wire_find(&w.wire, ENGINE(&w), node(bob), "ACK", 0);
    CHECK_STR(wire_body(ack), ann->media.text);
    CHECK_INT(phone_offer(bob, SDP_SENDRECV), 0); /* and a later offer finds both ends free */
    world_run(&w, 100);
    CHECK_INT(bob->s.last_status, 200);
    world_down(&w);
}

/* ---- forks ---- */

/** Two phones of 1002. */
static struct phone *second_bob(void)
{
    return world_phone(&w, "bob2", "10.0.1.12", "1002", TP_UDP);
}

static void test_fork(void)
{
    struct phone *bob2;
    up();
    bob2 = second_bob();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(bob->s.leg->state, LEG_EARLY);
    CHECK_INT(bob2->s.leg->state, LEG_EARLY);
    CHECK_INT(to(ann, "180 INVITE"), 2);
    CHECK_INT(phone_answer(bob2), 0);
    world_run(&w, 100);
    CHECK(phone_talks(ann) && phone_talks(bob2));
    CHECK(bob->s.leg == NULL);
    CHECK_INT(to(bob, "CANCEL"), 1);
    struct str cancel = wire_find(&w.wire, ENGINE(&w), node(bob), "CANCEL", 0);
    CHECK(str_starts(str_trim(wire_raw(cancel, "Reason", 0)), STR("SIP;cause=200")));
    CHECK_INT(to(ann, "200 INVITE"), 1);
    world_down(&w);
}

/** Both answer in the same moment: one call, the other is thanked and let go. */
static void test_fork_both_answer(void)
{
    struct phone *bob2;
    up();
    bob2 = second_bob();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(phone_answer(bob), 0);
    CHECK_INT(phone_answer(bob2), 0);
    world_run(&w, 300);
    CHECK(phone_talks(ann));
    CHECK_INT(phone_talks(bob) + phone_talks(bob2), 1);
    CHECK_INT(to(ann, "200 INVITE"), 1);
    CHECK_INT(to(bob, "BYE") + to(bob2, "BYE"), 1);
    CHECK_INT(to(bob, "ACK"), 1);
    CHECK_INT(to(bob2, "ACK"), 1);
    world_down(&w);
}

/** One is busy, the other answers; then both refuse: the better refusal counts. */
static void test_fork_refusals(void)
{
    struct phone *bob2;
    up();
    bob2 = second_bob();
    bob->on_call = 486;
    REQUIRE(world_call(&w, ann, bob2));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 100);
    bob2->on_call = 503;
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_INT(to(ann, "486 INVITE"), 1);
    bob->on_call = 180;
    bob2->on_call = 603; /* "nowhere": ends the search */
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_INT(to(bob, "CANCEL"), 1);
    CHECK_INT(to(ann, "603 INVITE"), 1);
    world_down(&w);
}

/* ---- races ---- */

/** The CANCEL meets the answer at the engine, in every order that one millisecond makes. */
static void test_cancel_crosses_answer(void)
{
    for (uint32_t ms = 0; ms <= 24; ms += 2) {
        up();
        REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
        world_run(&w, 100);
        CHECK_INT(phone_answer(bob), 0);
        world_run(&w, ms);
        phone_hang_up(ann, STR_NONE);
        world_run(&w, 1000);
        CHECK(ann->s.leg == NULL);
        CHECK(bob->s.leg == NULL);
        CHECK_INT(world_stat(&w, "calls_active"), 0);
        world_down(&w);
    }
}

/** CANCEL before the phone has said anything: it waits for the first response. */
static void test_cancel_early(void)
{
    up();
    bob->on_call = 0;
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 25); /* INVITE, 401, INVITE, and a little more */
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 5000);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    world_down(&w);
}

/** The 2xx to the caller is lost a few times: repeated until the ACK. */
static void test_lost_answer(void)
{
    up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    wire_lose(&w.wire, ENGINE(&w), node(ann), "200 INVITE", 0, 3);
    wire_lose(&w.wire, node(ann), ENGINE(&w), "ACK", 0, 2);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 20000);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK(to(ann, "200 INVITE") >= 5);
    world_down(&w);
}

/** A caller that never acknowledges: after 32 s both sides are let go. */
static void test_never_acks(void)
{
    up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    wire_lose(&w.wire, node(ann), ENGINE(&w), "ACK", 0, 1000);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 30000);
    CHECK(phone_talks(bob));
    world_run(&w, 4000);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK_INT(to(ann, "BYE"), 1);
    CHECK_INT(to(bob, "BYE"), 1);
    world_down(&w);
}

/** Both hang up at once: two BYEs cross, both are answered 200. */
static void test_both_hang_up(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    phone_hang_up(ann, STR_NONE);
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 200);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    CHECK_INT(to(ann, "200 BYE"), 1);
    CHECK_INT(to(bob, "200 BYE"), 1);
    world_down(&w);
}

TEST_MAIN(T(test_session), T(test_caller_is_asked), T(test_proxies_in_front),
          T(test_proxies_behind), T(test_cancel), T(test_refusals), T(test_nobody),
          T(test_no_response), T(test_ring_limit), T(test_delayed_offer), T(test_fork),
          T(test_fork_both_answer), T(test_fork_refusals), T(test_cancel_crosses_answer),
          T(test_cancel_early), T(test_lost_answer), T(test_never_acks), T(test_both_hang_up))
