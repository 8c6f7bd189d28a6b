/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the dialogs of a bridged call: reliable provisionals (RFC 3262), UPDATE (RFC 3311),
 * hold by re-INVITE, requests that cross, INFO and OPTIONS, session timers (RFC 4028), and what
 * the events say about it.
 */
#include "world.h"

#include "base/err.h"
#include <stdio.h>

static struct world w;
static struct phone *ann, *bob;
static const char *ref_a, *ref_b;

static void up_with(struct world_options o)
{
    world_up(&w, &o);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    if (!o.no_apps) {
        ref_a = world_monitor(&w, &w.crm, "1001");
        ref_b = world_monitor(&w, &w.crm, "1002");
        app_forget(&w.crm);
    }
}

static void up(void)
{
    up_with((struct world_options){0});
}

static size_t to(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, pattern);
}

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)

/* ---- hold by the phone ---- */

static void hold_and_back(struct phone *p, struct phone *other, enum sdp_dir dir,
                          const char *media)
{
    char word[64];
    app_forget(&w.crm);
    CHECK_INT(phone_offer(p, dir), 0);
    world_run(&w, 200);
    CHECK_INT(p->s.last_status, 200);
    CHECK_STR(str_c(phones_media(p, other)), media);
    snprintf(word, sizeof(word), "Held c1:%s hold normal", p->number);
    CHECK_STR(str_c(app_events(&w.crm, p == ann ? ref_a : ref_b)), word);
    snprintf(word, sizeof(word), "Held c1:%s connected normal", p->number);
    CHECK_STR(str_c(app_events(&w.crm, p == ann ? ref_b : ref_a)), word);
    app_forget(&w.crm);
    CHECK_INT(phone_offer(p, SDP_SENDRECV), 0);
    world_run(&w, 200);
    CHECK_STR(str_c(phones_media(p, other)), "sendrecv|sendrecv");
    snprintf(word, sizeof(word), "Retrieved c1:%s connected normal", p->number);
    EVENTS(ref_a, word);
    EVENTS(ref_b, word);
}

static void test_hold_by_phone(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    hold_and_back(ann, bob, SDP_SENDONLY, "sendonly|recvonly");
    hold_and_back(bob, ann, SDP_SENDONLY, "sendonly|recvonly");
    hold_and_back(bob, ann, SDP_INACTIVE, "inactive|inactive");
    world_down(&w);
}

/** Both hold: each has its own state, and one comes back alone. */
static void test_both_hold(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
    world_run(&w, 200);
    CHECK_INT(phone_offer(bob, SDP_INACTIVE), 0);
    world_run(&w, 200);
    EVENTS(ref_a, "Held c1:1001 hold normal; Held c1:1002 hold normal");
    EVENTS(ref_b, "Held c1:1001 connected normal; Held c1:1002 hold normal");
    struct ask *q = app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    world_run(&w, 100);
    CHECK_STR(str_c(q->text), "SnapshotDeviceResponse c1:1001 hold,hold with=1002");
    world_down(&w);
}

/** A hold that the partner refuses is none. */
static void test_hold_refused(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    bob->refuse_offers = 488;
    CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
    world_run(&w, 200);
    CHECK_INT(ann->s.last_status, 488);
    EVENTS(NULL, "");
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
}

/** An offer in an UPDATE holds as well. */
static void test_hold_by_update(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    CHECK_INT(station_send(&ann->s, "UPDATE", phone_sdp(ann, SDP_SENDONLY)), 0);
    world_run(&w, 200);
    CHECK_INT(ann->s.last_status, 200);
    CHECK_INT(to(bob, "UPDATE"), 1);
    CHECK_STR(str_c(sdp_dir_text((enum sdp_dir)bob->media.dir).p), "recvonly");
    EVENTS(ref_a, "Held c1:1001 hold normal");
    world_down(&w);
}

/** A re-INVITE without an offer: the far end makes one, the ACK carries the answer. */
static void test_reinvite_without_offer(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    CHECK_INT(station_send(&ann->s, "INVITE", STR_NONE), 0);
    world_run(&w, 200);
    CHECK_INT(ann->s.last_status, 200);
    CHECK_INT(to(ann, "200 INVITE"), 2);
    CHECK_INT(to(bob, "ACK"), 2);
    struct str ack = wire_find(&w.wire, ENGINE(&w), &bob->s.node, "ACK", 1);
    CHECK(wire_body(ack).n > 0);
    CHECK_INT(phone_offer(bob, SDP_SENDRECV), 0);
    world_run(&w, 200);
    CHECK_INT(bob->s.last_status, 200);
    world_down(&w);
}

/* ---- requests that cross ---- */

/** Both offer at once: 491 to both or one wins, and afterwards it works. */
static void test_glare(void)
{
    for (uint32_t ms = 0; ms <= 15; ms += 5) {
        up();
        REQUIRE(world_call(&w, ann, bob));
        app_forget(&w.crm);
        CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
        world_run(&w, ms);
        (void)phone_offer(bob, SDP_SENDONLY); /* refused here when the other one is known */
        world_run(&w, 500);
        CHECK(ann->s.last_status == 491 || ann->s.last_status == 200);
        CHECK(phone_talks(ann) && phone_talks(bob));
        world_run(&w, 4000);
        app_forget(&w.crm);
        CHECK_INT(phone_offer(ann, SDP_SENDRECV), 0);
        world_run(&w, 500);
        CHECK_INT(ann->s.last_status, 200);
        world_down(&w);
    }
}

/** A re-INVITE meets the far end's BYE. */
static void test_offer_crosses_bye(void)
{
    for (uint32_t ms = 0; ms <= 20; ms += 5) {
        up();
        REQUIRE(world_call(&w, ann, bob));
        CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
        world_run(&w, ms);
        phone_hang_up(bob, STR_NONE);
        world_run(&w, 1000);
        CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
        world_down(&w);
    }
}

/** A re-INVITE whose sender changes his mind: CANCEL goes across. */
static void test_reinvite_cancelled(void)
{
    struct leg_request *r = NULL;
    struct leg_content c = {.type = STR("application/sdp")};
    up();
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    bob->idle = true;
    c.body = phone_sdp(ann, SDP_SENDONLY);
    CHECK_INT(leg_send(ann->s.leg, NULL, STR("INVITE"), &c, station_listen, &ann->s, &r,
                       station_now(&ann->s)),
              0);
    world_run(&w, 500);
    leg_request_cancel(r, station_now(&ann->s));
    world_run(&w, 500);
    CHECK_INT(to(bob, "CANCEL"), 1);
    CHECK(str_find(str_c(bob->s.log), STR("request-cancelled")) < bob->s.log_n);
    CHECK_INT(station_answer(&bob->s, 487, STR_NONE), 0);
    world_run(&w, 500);
    CHECK_INT(ann->s.last_status, 487);
    CHECK(phone_talks(ann) && phone_talks(bob));
    EVENTS(NULL, "");
    bob->idle = false;
    world_down(&w);
}

/* ---- reliable provisional responses ---- */

/** RFC 3262 through the bridge: RSeq and Require reach the caller, his PRACK the callee. */
static void test_prack(void)
{
    struct text_msg invite, progress, prack, ok, ack;
    up();
    world_raw_invite(&w, &w.gateway, "k1", "8555", "Supported: 100rel, timer\n", world_sdp);
    world_run(&w, 50);
    invite = world_take(&w.trunk, "INVITE");
    CHECK(sip_msg_has_token(invite.m, SIP_HDR_SUPPORTED, STR("100rel")));
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, invite.m, "183 Session Progress", "t1",
              "Require: 100rel\nRSeq: 4711\nContact: <sip:555@10.0.2.2>\n"
              "Content-Type: application/sdp\n",
              world_sdp);
    world_run(&w, 50);
    progress = world_take(&w.gateway, "183 INVITE");
    CHECK(sip_msg_has_token(progress.m, SIP_HDR_REQUIRE, STR("100rel")));
    char rack[64];
    snprintf(rack, sizeof(rack), "RAck: %.*s 1 INVITE\n",
             STR_ARG(text_value(&progress, "RSeq")));
    world_raw_request(&w, &w.gateway, "PRACK", 2, &progress, rack, "");
    world_run(&w, 50);
    prack = world_take(&w.trunk, "PRACK");
    char want[64];
    struct sip_cseq cseq;
    CHECK_INT(sip_msg_cseq(invite.m, &cseq), 0);
    snprintf(want, sizeof(want), "4711 %u INVITE", cseq.number);
    CHECK_STR(text_value(&prack, "RAck"), want);
    raw_reply(&w.trunk, &back, prack.m, "200 OK", "", "", "");
    world_run(&w, 50);
    ok = world_take(&w.gateway, "200 PRACK");
    text_free(&ok);
    /* the answer is known, so either side may offer again before the call is answered */
    world_raw_request(&w, &w.gateway, "UPDATE", 3, &progress, "", world_sdp);
    world_run(&w, 50);
    struct text_msg update = world_take(&w.trunk, "UPDATE");
    CHECK_STR(sip_msg_body(update.m), world_sdp);
    raw_reply(&w.trunk, &back, update.m, "200 OK", "",
              "Contact: <sip:555@10.0.2.2>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 50);
    text_free(&update);
    update = world_take(&w.gateway, "200 UPDATE");
    CHECK(sip_msg_body(update.m).n > 0);
    text_free(&update);
    raw_reply(&w.trunk, &back, invite.m, "200 OK", "t1", "Contact: <sip:555@10.0.2.2>\n", "");
    world_run(&w, 50);
    ok = world_take(&w.gateway, "200 INVITE");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    ack = world_take(&w.trunk, "ACK");
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    world_raw_request(&w, &w.gateway, "BYE", 4, &ok, "", "");
    world_run(&w, 50);
    struct text_msg bye = world_take(&w.trunk, "BYE");
    raw_reply(&w.trunk, &back, bye.m, "200 OK", "", "", "");
    world_run(&w, 50);
    text_free(&invite);
    text_free(&progress);
    text_free(&prack);
    text_free(&ok);
    text_free(&ack);
    text_free(&bye);
    world_down(&w);
}

/** A demand that nobody here knows is refused with its name (§8.2.2.3). */
static void test_require(void)
{
    struct text_msg t;
    up();
    world_raw_invite(&w, &w.gateway, "r1", "1002", "Require: teleport, 100rel\n", world_sdp);
    world_run(&w, 50);
    t = world_take(&w.gateway, "420 INVITE");
    CHECK_STR(text_value(&t, "Unsupported"), "teleport");
    CHECK(bob->s.leg == NULL);
    text_free(&t);
    world_down(&w);
}

/* ---- INFO, OPTIONS and others ---- */

static void test_info_and_options(void)
{
    static const char dtmf[] = "Signal=5\r\nDuration=160\r\n";
    struct leg_content c = {.type = STR("application/dtmf-relay"), .body = str_c(dtmf)};
    up();
    REQUIRE(world_call(&w, ann, bob));
    for (int i = 0; i < 2; i++) {
        struct phone *p = i == 0 ? ann : bob, *q = i == 0 ? bob : ann;
        CHECK_INT(leg_send(p->s.leg, NULL, STR("INFO"), &c, station_listen, &p->s, NULL,
                           station_now(&p->s)),
                  0);
        world_run(&w, 100);
        CHECK_INT(p->s.last_status, 200);
        struct str got = wire_find(&w.wire, ENGINE(&w), &q->s.node, "INFO", 0);
        CHECK_STR(wire_body(got), dtmf);
        CHECK_STR(str_trim(wire_raw(got, "Content-Type", 0)), "application/dtmf-relay");
        CHECK_INT(station_send(&p->s, "OPTIONS", STR_NONE), 0);
        world_run(&w, 100);
        CHECK_INT(p->s.last_status, 200);
        CHECK_INT(to(q, "OPTIONS"), 1);
    }
    CHECK_INT(station_send(&ann->s, "REFER", STR_NONE), 0);
    world_run(&w, 100);
    CHECK_INT(ann->s.last_status, 400); /* no Refer-To */
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
}

/** OPTIONS and others outside of any dialog. */
static void test_outside(void)
{
    static const struct {
        const char *start, *method, *pattern;
    } row[] = {
        {"OPTIONS sip:10.0.0.1", "OPTIONS", "200 OPTIONS"},
        {"OPTIONS sip:1002@example.com", "OPTIONS", "200 OPTIONS"},
        {"OPTIONS sip:1004@example.com", "OPTIONS", "480 OPTIONS"},
        {"OPTIONS sip:1777@example.com", "OPTIONS", "404 OPTIONS"},
        {"INFO sip:1002@example.com", "INFO", "481 INFO"},
        {"SUBSCRIBE sip:1002@example.com", "SUBSCRIBE", "489 SUBSCRIBE"},
        {"MESSAGE sip:1002@example.com", "MESSAGE", "405 MESSAGE"},
        {"DANCE sip:1002@example.com", "DANCE", "501 DANCE"},
        {"OPTIONS soap.beep://x", "OPTIONS", "416 OPTIONS"},
    };
    struct hop hop;
    up();
    hop = vnet_hop(ENGINE(&w), TP_UDP);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        raw_sendf(&w.gateway, &hop,
                  "%s SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-o%zu\n"
                  "Max-Forwards: 70\nFrom: <sip:9000@10.0.2.1>;tag=1\nTo: <sip:x@example.com>\n"
                  "Call-ID: o%zu\nCSeq: 1 %s\n\n",
                  row[i].start, i, i, row[i].method);
        world_run(&w, 50);
        struct text_msg t = world_take(&w.gateway, row[i].pattern);
        text_free(&t);
    }
    CHECK_INT(world_stat(&w, "sip_unknown_method"), 1);
    world_down(&w);
}

/** Requests with tags that nobody gave out. */
static void test_forged_tags(void)
{
    static const char *const methods[] = {"BYE", "INFO", "UPDATE", "INVITE", "PRACK", "ACK"};
    struct hop hop;
    up();
    REQUIRE(world_call(&w, ann, bob));
    hop = vnet_hop(ENGINE(&w), TP_UDP);
    struct str ok = wire_find(&w.wire, ENGINE(&w), &ann->s.node, "200 INVITE", 0);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        char pattern[16];
        raw_sendf(
            &w.gateway, &hop,
            "%s sip:baton@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-g%zu\n"
            "Max-Forwards: 70\nFrom:%.*s-forged\nTo:%.*s\nCall-ID:%.*s\nCSeq: 77 %s\n"
            "Contact: <sip:evil@10.0.2.1>\n\n",
            methods[i], i, STR_ARG(wire_raw(ok, "From", 0)), STR_ARG(wire_raw(ok, "To", 0)),
            STR_ARG(wire_raw(ok, "Call-ID", 0)), methods[i]);
        world_run(&w, 50);
        snprintf(pattern, sizeof(pattern), "481 %s", methods[i]);
        if (strcmp(methods[i], "ACK") != 0) {
            struct text_msg t = world_take(&w.gateway, pattern);
            text_free(&t);
        }
    }
    CHECK_INT(world_stat(&w, "sip_no_dialog"), 5);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_INT(phone_offer(ann, SDP_SENDRECV), 0); /* the dialog is as it was */
    world_run(&w, 100);
    CHECK_INT(ann->s.last_status, 200);
    world_down(&w);
}

/** Responses that nobody waits for. */
static void test_stray_responses(void)
{
    struct hop hop;
    up();
    REQUIRE(world_call(&w, ann, bob));
    hop = vnet_hop(ENGINE(&w), TP_UDP);
    raw_send(&w.gateway, &hop,
             "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKnever\n"
             "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\nCall-ID: stray\nCSeq: 1 INVITE\n"
             "Contact: <sip:b@10.0.2.1>\n\n");
    raw_send(&w.gateway, &hop,
             "SIP/2.0 481 Gone\nVia: SIP/2.0/UDP 10.0.0.1:5060\n"
             "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=2\nCall-ID: stray\nCSeq: 1 BYE\n\n");
    size_t sent = w.net.sent;
    world_run(&w, 1000);
    CHECK_INT(w.net.sent, sent);
    CHECK_INT(world_stat(&w, "txn_stray_responses"), 2);
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
}

/* ---- session timers ---- */

/** Who refreshes is agreed; the call stands for hours, and nobody hears of the refreshes. */
static void session_timer(uint32_t phone_s)
{
    up_with((struct world_options){.phone_leg.session_expires_s = phone_s,
                                   .phone_leg.min_se_s = phone_s == 0 ? 0 : 90,
                                   .no_apps = true});
    REQUIRE(world_call(&w, ann, bob));
    world_run(&w, 3000000); /* short of the registrations' hour */
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_INT(world_stat(&w, "session_timer_expired"), 0);
    world_down(&w);
}

static void test_session_timer(void)
{
    session_timer(0);
    session_timer(600);
    session_timer(1800);
}

/** Less than our Min-SE: 422 says what is possible, the phone comes again with that. */
static void test_session_too_short(void)
{
    up_with(
        (struct world_options){.phone_leg.session_expires_s = 60, .phone_leg.min_se_s = 60});
    REQUIRE(world_call(&w, ann, bob));
    CHECK_INT(to(ann, "422 INVITE"), 1);
    struct str refused = wire_find(&w.wire, ENGINE(&w), &ann->s.node, "422 INVITE", 0);
    CHECK_STR(str_trim(wire_raw(refused, "Min-SE", 0)), "90");
    world_down(&w);
}

/** A phone dies without a word: when its session runs out the other is told and let go. */
static void test_phone_dies(void)
{
    up_with(
        (struct world_options){.phone_leg.session_expires_s = 300, .phone_leg.min_se_s = 90});
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    wire_lose(&w.wire, &bob->s.node, NULL, "INVITE", 0, 100000);
    wire_lose(&w.wire, &bob->s.node, NULL, "UPDATE", 0, 100000);
    wire_lose(&w.wire, &bob->s.node, NULL, "200 UPDATE", 0, 100000);
    wire_lose(&w.wire, &bob->s.node, NULL, "200 INVITE", 0, 100000);
    wire_lose(&w.wire, &bob->s.node, NULL, "200 BYE", 0, 100000);
    wire_lose(&w.wire, &bob->s.node, NULL, "BYE", 0, 100000);
    world_run(&w, 400000);
    CHECK(ann->s.leg == NULL);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    EVENTS(ref_a, "Cleared c1:1001 null networkSignal by=1002");
    EVENTS(ref_b, "Cleared c1:1002 null networkSignal by=1002");
    w.wire.rules = 0;
    world_down(&w);
}

/** The far end has forgotten the call (481): the same, at once. */
static void test_far_end_forgot(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    leg_free(bob->s.leg);
    bob->s.leg = NULL;
    CHECK_INT(station_send(&ann->s, "INFO", STR_NONE), 0);
    world_run(&w, 500);
    CHECK_INT(ann->s.last_status, 481);
    CHECK(ann->s.leg == NULL);
    EVENTS(ref_a, "Cleared c1:1001 null networkSignal by=1002");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/* ---- streams ---- */

/** The connection is reset in the middle of a message; the call comes back on a new one. */
static void test_reset_mid_message(void)
{
    up_with((struct world_options){.transport = TP_TCP});
    REQUIRE(world_call(&w, ann, bob));
    struct raw half;
    raw_up(&half, &w.net, "half", "10.0.9.1");
    struct hop hop = vnet_hop(ENGINE(&w), TP_TCP);
    CHECK_INT(half.node.env.open(&half.node, &hop, STR_NONE), 0);
    struct str part =
        STR("INVITE sip:1002@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.9.1;br");
    CHECK_INT(half.node.env.send(&half.node, &hop, &part, 1), 0);
    world_run(&w, 50);
    uint64_t requests = world_stat(&w, "sip_requests");
    CHECK_INT(vnet_close(&w.net, &half.node, ENGINE(&w)), 1);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "sip_requests"), requests);
    CHECK_INT(world_stat(&w, "sip_malformed"), 0);
    /* the phones' own connections break too: what was agreed still stands */
    CHECK(vnet_close(&w.net, &ann->s.node, ENGINE(&w)) > 0);
    world_run(&w, 200);
    CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
    world_run(&w, 500);
    CHECK_INT(ann->s.last_status, 200);
    CHECK_INT(phone_offer(bob, SDP_SENDRECV), 0);
    world_run(&w, 500);
    CHECK_INT(bob->s.last_status, 200);
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
    raw_down(&half);
}

/** A stream that is no SIP is answered where possible, counted, and closed; others live on. */
static void test_stream_garbage(void)
{
    up_with((struct world_options){.transport = TP_TCP});
    struct raw odd;
    raw_up(&odd, &w.net, "odd", "10.0.9.1");
    struct hop hop = vnet_hop(ENGINE(&w), TP_TCP);
    CHECK_INT(odd.node.env.open(&odd.node, &hop, STR_NONE), 0);
    struct str junk =
        STR("OPTIONS sip:10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.9.1;branch=z9hG4"
            "bKj\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: j\r\n"
            "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: many\r\n\r\n");
    CHECK_INT(odd.node.env.send(&odd.node, &hop, &junk, 1), 0);
    world_run(&w, 100);
    struct text_msg t = world_take(&odd, "400 OPTIONS");
    text_free(&t);
    CHECK_INT(world_stat(&w, "sip_malformed"), 1);
    REQUIRE(world_call(&w, ann, bob));
    world_down(&w);
    raw_down(&odd);
}

/** Keep-alives cost nothing and are answered on streams (RFC 5626 §3.5.1). */
static void test_keepalives(void)
{
    up_with((struct world_options){.transport = TP_TCP});
    struct hop hop = vnet_hop(ENGINE(&w), TP_UDP);
    struct str crlf = STR("\r\n\r\n");
    CHECK_INT(w.gateway.node.env.open(&w.gateway.node, &hop, STR_NONE), 0);
    CHECK_INT(w.gateway.node.env.send(&w.gateway.node, &hop, &crlf, 1), 0);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "sip_keepalives"), 1);
    hop = vnet_hop(ENGINE(&w), TP_TCP);
    CHECK_INT(w.gateway.node.env.open(&w.gateway.node, &hop, STR_NONE), 0);
    CHECK_INT(w.gateway.node.env.send(&w.gateway.node, &hop, &crlf, 1), 0);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "sip_keepalives"), 2);
    CHECK_INT(w.gateway.in_n, 1);
    CHECK_STR(w.gateway.in[0], "\r\n");
    CHECK_INT(world_stat(&w, "sip_malformed"), 0);
    world_down(&w);
}

/* ---- names ---- */

static void gateway_by_name(struct world *world)
{
    world->peer[0].host = STR("gw.example.net");
    vnet_name(&world->net, "gw.example.net", "10.0.2.1", 300);
}

static void gateway_nowhere(struct world *world)
{
    world->peer[0].host = STR("nowhere.example.net");
}

/** A peer that is known by name: the INVITE waits for the look-up. */
static void test_peer_by_name(void)
{
    struct text_msg invite;
    up_with((struct world_options){.tweak = gateway_by_name});
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 250);
    CHECK_INT(w.gateway.in_n, 0);
    world_run(&w, 200);
    invite = world_take(&w.gateway, "INVITE");
    CHECK_STR(sip_msg_ruri(invite.m), "sip:9555@gw.example.net:5060");
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, invite.m, "486 Busy Here", "t", "", "");
    world_run(&w, 100);
    CHECK_INT(to(ann, "486 INVITE"), 1);
    text_free(&invite);
    world_down(&w);
}

/** A name that does not resolve: the caller hears at once, the application why. */
static void test_peer_unresolvable(void)
{
    up_with((struct world_options){.tweak = gateway_nowhere});
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 500);
    CHECK_INT(to(ann, "503 INVITE"), 1);
    EVENTS(ref_a, "Originated c1:1001 connected newCall 1001>9555; "
                  "Failed c1:9555 connected resourcesNotAvailable; "
                  "Cleared c1:1001 null resourcesNotAvailable by=1001");
    CHECK_INT(world_stat(&w, "calls_failed"), 1);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

TEST_MAIN(T(test_hold_by_phone), T(test_both_hold), T(test_hold_refused),
          T(test_hold_by_update), T(test_reinvite_without_offer), T(test_glare),
          T(test_offer_crosses_bye), T(test_reinvite_cancelled), T(test_prack), T(test_require),
          T(test_info_and_options), T(test_outside), T(test_forged_tags),
          T(test_stray_responses), T(test_session_timer), T(test_session_too_short),
          T(test_phone_dies), T(test_far_end_forgot), T(test_reset_mid_message),
          T(test_stream_garbage), T(test_keepalives), T(test_peer_by_name),
          T(test_peer_unresolvable))
