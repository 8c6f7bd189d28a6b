/* SPDX-License-Identifier: Apache-2.0 */
/* Requests inside the dialog: order, glare, offers, early dialogs, what ends a leg,
 * credentials. */
#include "base/err.h"
#include "fixture_leg.h"
#include <stdio.h>

static void up(struct two *w, uint64_t seed)
{
    two_up(w, seed, NULL, NULL);
}

static void down(struct two *w)
{
    two_hang_up(w);
    two_down(w);
}

struct filter {
    const char *start;
    unsigned drop, seen;
};

static void drop_some(void *ctx, struct vpacket *p)
{
    struct filter *f = ctx;
    if (str_starts(p->bytes, str_c(f->start))) {
        f->seen++;
        p->copies = f->seen <= f->drop ? 0 : p->copies;
    }
}

static void test_info_both_ways(void)
{
    struct two w;
    up(&w, 1);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
    CHECK_INT(station_send(&w.b, "FROB", STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.a.log), "FROB answer:200");
    CHECK_STR(str_c(w.b.log), "INFO answer:200");
    CHECK_INT(station_send(&w.a, "BYE", STR_NONE), E_STATE);
    CHECK_INT(station_send(&w.a, "ACK", STR_NONE), E_STATE);
    CHECK_INT(station_send(&w.a, "CANCEL", STR_NONE), E_STATE);
    down(&w);
}

static void test_reinvite_and_update(void)
{
    static const char *const method[] = {"INVITE", "UPDATE"};
    for (size_t i = 0; i < 4; i++) {
        struct two w;
        up(&w, 2 + i);
        REQUIRE(stations_talk(&w.a, &w.b, i % 2 ? TP_TCP : TP_UDP));
        struct station *x = i < 2 ? &w.a : &w.b, *y = i < 2 ? &w.b : &w.a;
        CHECK_INT(station_send(x, method[i % 2], SDP_A), 0);
        CHECK_INT(station_send(x, method[i % 2], SDP_A), E_STATE);
        CHECK(!leg_can_offer(x->leg));
        vnet_run_for(&w.net, 50);
        CHECK_BYTES(sip_msg_body(&x->last->m), SDP_B);
        CHECK(leg_can_offer(x->leg));
        CHECK(leg_can_offer(y->leg));
        CHECK_STR(str_c(y->log), i % 2 ? "UPDATE" : "INVITE reacked");
        down(&w);
    }
}

static void test_reinvite_cross(void)
{
    static const char *const method[] = {"INVITE", "UPDATE"};
    for (size_t i = 0; i < 2; i++) {
        struct two w;
        up(&w, 6);
        REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
        CHECK_INT(station_send(&w.a, method[i], SDP_A), 0);
        CHECK_INT(station_send(&w.b, method[i], SDP_B), 0);
        vnet_run_for(&w.net, 1000);
        CHECK_STR(str_c(w.a.log), "answer:491");
        CHECK_STR(str_c(w.b.log), "answer:491");
        CHECK_INT(w.a.legs.glare + w.b.legs.glare, 2);
        CHECK_INT(station_send(&w.b, method[i], SDP_B), 0);
        vnet_run_for(&w.net, 1000);
        CHECK_INT(w.b.last_status, 200);
        down(&w);
    }
}

/** A second request of the same kind before the first has its answer (§14.2, RFC 3311 §5.2). */
static void test_second_before_first_is_answered(void)
{
    static const char *const method[] = {"INVITE", "UPDATE"};
    for (size_t i = 0; i < 2; i++) {
        struct vnet net;
        struct station b;
        struct raw p;
        vnet_init(&net, 7);
        station_up(&b, &net, "bob", "10.0.0.2", NULL);
        raw_up(&p, &net, "peer", "10.0.0.7");
        struct hop to = vnet_hop(&b.node, TP_UDP);
        raw_send(&p, &to,
                 "INVITE sip:b@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n"
                 "From: <sip:a@x>;tag=1\nTo: <sip:b@x>\nCall-ID: 1\nCSeq: 5 INVITE\n"
                 "Contact: <sip:a@10.0.0.7>\nContent-Type: application/sdp\n\nv=0\n");
        vnet_run_for(&net, 20);
        CHECK_INT(station_respond(&b, 200, SDP_B), 0);
        vnet_run_for(&net, 20);
        struct text_msg ok = raw_take(&p);
        char tag[64];
        snprintf(tag, sizeof(tag), "%.*s", STR_ARG(sip_msg_tag(ok.m, SIP_HDR_TO)));
        const char *common = "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=%s\nCall-ID: 1\n"
                             "Contact: <sip:new@10.0.0.7>\nContent-Type: application/sdp\n"
                             "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK%u\nCSeq: %u %s\n\n%s";
        char fmt[512];
        snprintf(fmt, sizeof(fmt), "%%s sip:b@10.0.0.2 SIP/2.0\n%s", common);
        b.auto_answer = false;
#define SEND(m, cseq, body) raw_sendf(&p, &to, fmt, m, tag, cseq, cseq, m, body)
#define EXPECT(text)                      \
    do {                                  \
        vnet_run_for(&net, 20);           \
        text_free(&ok);                   \
        ok = raw_take(&p);                \
        CHECK_STR(text_start(&ok), text); \
    } while (0)
        SEND("INVITE", 6u, "v=0"); /* our 2xx is not acknowledged yet */
        EXPECT("SIP/2.0 491 Request Pending");
        SEND("ACK", 5u, "");
        SEND(method[i], 7u, "v=0");
        vnet_run_for(&net, 20);
        SEND(method[i], 8u, "v=0");
        EXPECT("SIP/2.0 500 Server Internal Error");
        uint32_t after = 99;
        CHECK(str_to_u32(text_value(&ok, "Retry-After"), &after) && after <= 10);
        SEND("INFO", 8u, ""); /* not higher than the last */
        EXPECT("SIP/2.0 500 Server Internal Error");
        CHECK_BYTES(text_value(&ok, "Retry-After"), STR(""));
        SEND("INFO", 3u, "");
        EXPECT("SIP/2.0 500 Server Internal Error");
        /* the target changes when it is answered with 2xx, not before */
        CHECK_STR(b.leg->dialog->remote_target, "sip:a@10.0.0.7");
        CHECK_INT(station_answer(&b, 200, SDP_B), 0);
        CHECK_INT(station_answer(&b, 200, SDP_B), E_STATE);
        EXPECT("SIP/2.0 200 OK");
        CHECK_STR(b.leg->dialog->remote_target, "sip:new@10.0.0.7");
        if (i == 0) {
            SEND("ACK", 7u, "");
        }
        SEND("BYE", 9u, "");
        vnet_run_for(&net, 20);
        CHECK_STR(str_c(b.log), i == 0 ? "call acked INVITE reacked bye ended:bye"
                                       : "call acked UPDATE bye ended:bye");
        CHECK_INT(leg_answer(b.leg, b.bye, 200, STR_NONE, NULL, net.now_ms), 0);
        EXPECT("SIP/2.0 200 OK");
        text_free(&ok);
        CHECK(vnet_run_quiet(&net, 100000));
        station_check_empty(&b);
        station_down(&b);
        raw_down(&p);
        vnet_fini(&net);
    }
}

static void test_update_in_early_dialog(void)
{
    struct two w;
    up(&w, 8);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR("Supported: 100rel\r\n"));
    vnet_run_for(&w.net, 50);
    struct leg_content c = {.lines = STR("Require: 100rel\r\nRSeq: 1\r\n"),
                            .type = STR("application/sdp"),
                            .body = SDP_B};
    CHECK_INT(leg_respond(w.b.leg, NULL, 180, STR_NONE, NULL, w.net.now_ms), 0);
    vnet_run_for(&w.net, 50);
    /* the offer of the INVITE has no answer yet */
    CHECK_INT(station_send(&w.a, "UPDATE", SDP_A), E_STATE);
    CHECK_INT(station_send(&w.b, "UPDATE", SDP_A), E_STATE);
    CHECK_INT(leg_respond(w.b.leg, NULL, 183, STR_NONE, &c, w.net.now_ms), 0);
    vnet_run_for(&w.net, 50);
    CHECK(leg_can_offer(w.a.leg));
    CHECK(leg_can_offer(w.b.leg));
    struct leg_content rack = {.lines = STR("RAck: 1 1 INVITE\r\n")};
    CHECK_INT(
        leg_send(w.a.leg, NULL, STR("PRACK"), &rack, station_listen, &w.a, NULL, w.net.now_ms),
        0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(station_last(&w.b, "RAck"), "1 1 INVITE");
    CHECK_INT(station_send(&w.a, "UPDATE", SDP_A), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_send(&w.b, "UPDATE", SDP_B), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), E_STATE);
    CHECK_STR(str_c(w.a.log), "180 183 answer:200 answer:200 UPDATE");
    CHECK_STR(str_c(w.b.log), "call PRACK UPDATE answer:200");
    CHECK_INT(station_respond(&w.b, 200, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->state, LEG_CONFIRMED);
    CHECK(leg_can_offer(w.a.leg));
    down(&w);
}

/** Offer in a reliable 183 to an INVITE without one; the PRACK answers it (RFC 3262 §5). */
static void test_offer_in_reliable_provisional(void)
{
    struct two w;
    up(&w, 9);
    station_call(&w.a, &w.b.node, TP_UDP, STR_NONE, STR_NONE);
    vnet_run_for(&w.net, 50);
    struct leg_content c = {.lines = STR("Require: 100rel\r\nRSeq: 7\r\n"),
                            .type = STR("application/sdp"),
                            .body = SDP_B};
    CHECK_INT(leg_respond(w.b.leg, NULL, 183, STR_NONE, &c, w.net.now_ms), 0);
    CHECK_INT(w.b.leg->dialog->offer, DIALOG_OFFER_OURS);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->dialog->offer, DIALOG_OFFER_THEIRS);
    CHECK_INT(station_send(&w.a, "UPDATE", SDP_A), E_STATE);
    CHECK_INT(station_send(&w.a, "PRACK", SDP_A), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->dialog->offer, DIALOG_OFFER_NONE);
    CHECK_INT(w.b.leg->dialog->offer, DIALOG_OFFER_NONE);
    down(&w);
}

static void test_cancel_of_reinvite(void)
{
    struct two w;
    up(&w, 10);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    struct leg_request *r = NULL;
    struct leg_content c = {.type = STR("application/sdp"), .body = SDP_A};
    CHECK_INT(
        leg_send(w.a.leg, NULL, STR("INVITE"), &c, station_listen, &w.a, &r, w.net.now_ms), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_answer(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    leg_request_cancel(r, w.net.now_ms);
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.b.log), "INVITE request-cancelled");
    CHECK_INT(station_answer(&w.b, 487, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.a.log), "answer:180 answer:487");
    CHECK_INT(w.a.leg->state, LEG_CONFIRMED);
    CHECK(leg_can_offer(w.b.leg));
    w.b.auto_answer = true;
    down(&w);
}

static void test_reinvite_2xx_and_ack_lost(void)
{
    struct two w;
    struct filter f = {"SIP/2.0 200", 1, 0}, g = {"ACK", 2, 0};
    up(&w, 11);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    w.net.tap = drop_some;
    w.net.tap_ctx = &f;
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 5000);
    CHECK_STR(str_c(w.b.log), "INVITE reacked");
    w.net.tap_ctx = &g;
    CHECK_INT(station_send(&w.b, "INVITE", SDP_B), 0);
    vnet_run_for(&w.net, 5000);
    CHECK_STR(str_c(w.a.log), "answer:200 INVITE reacked");
    CHECK_INT(g.seen, 3);
    down(&w);
}

static void test_reinvite_never_acknowledged(void)
{
    struct two w;
    struct filter g = {"ACK", 1000, 0};
    up(&w, 12);
    REQUIRE(stations_talk(&w.a, &w.b, TP_TCP));
    w.net.tap = drop_some;
    w.net.tap_ctx = &g;
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 33000);
    CHECK_STR(str_c(w.b.log), "INVITE ended:no-ack gone");
    CHECK_STR(str_c(w.a.log), "answer:200 bye ended:bye gone");
    CHECK_INT(g.seen, 11);
    down(&w);
}

static void test_detached_reinvite_is_acknowledged(void)
{
    struct two w;
    up(&w, 13);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    struct leg_request *r = NULL;
    struct leg_content c = {.type = STR("application/sdp"), .body = SDP_A};
    CHECK_INT(
        leg_send(w.a.leg, NULL, STR("INVITE"), &c, station_listen, &w.a, &r, w.net.now_ms), 0);
    leg_request_detach(r);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.a.log), "");
    CHECK_STR(str_c(w.b.log), "INVITE reacked");
    down(&w);
}

static void test_bye_while_reinvite_is_open(void)
{
    struct two w;
    up(&w, 14);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 300);
    leg_end(w.b.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 300);
    CHECK_STR(str_c(w.a.log), "bye ended:bye answer:487 gone");
    CHECK_STR(str_c(w.b.log), "INVITE ended:local gone");
    down(&w);
}

/* ---- BYE with content ---- */

static void test_bye_with_body_and_uui(void)
{
    struct two w;
    up(&w, 15);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    struct leg_content c = {.lines = STR("User-to-User: 0401;encoding=hex\r\n"),
                            .type = STR("application/x-note"),
                            .body = STR("so long")};
    leg_end(w.a.leg, 0, &c, station_listen, &w.a, w.net.now_ms);
    vnet_run_for(&w.net, 50);
    CHECK_STR(station_last(&w.b, "User-to-User"), "0401;encoding=hex");
    CHECK_STR(sip_msg_body(&w.b.last->m), "so long");
    CHECK_STR(str_c(w.b.log), "bye ended:bye");
    vnet_run_for(&w.net, 2000); /* a bridge asks its far side first */
    struct leg_content ok = {.lines = STR("User-to-User: 0402;encoding=hex\r\n")};
    CHECK_INT(leg_answer(w.b.leg, w.b.bye, 200, STR_NONE, &ok, w.net.now_ms), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(station_last(&w.a, "User-to-User"), "0402;encoding=hex");
    CHECK_STR(str_c(w.a.log), "answer:200 ended:local gone");
    CHECK_STR(str_c(w.b.log), "bye ended:bye gone");
    down(&w);
}

static void test_bye_that_nobody_answers(void)
{
    struct two w;
    up(&w, 16);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    leg_end(w.a.leg, 0, NULL, station_listen, &w.a, w.net.now_ms);
    CHECK(vnet_run_quiet(&w.net, 400000));
    CHECK_STR(str_c(w.a.log), "answer:408(here) ended:local gone");
    CHECK_STR(str_c(w.b.log), "bye ended:bye gone"); /* its user forgot: nothing is left */
    down(&w);
}

/* ---- what ends a leg ---- */

static void test_481_ends_the_leg(void)
{
    struct two w;
    up(&w, 17);
    REQUIRE(stations_talk(&w.a, &w.b, TP_TCP));
    leg_free(w.b.leg);
    w.b.leg = NULL;
    CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.a.log), "answer:481 ended:lost gone");
    down(&w);
}

static void silence(enum transport transport, const char *want)
{
    struct two w;
    up(&w, 18);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, transport));
    CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 33000);
    CHECK_STR(str_c(w.a.log), want);
    w.b.auto_answer = true;
    down(&w);
}

static void test_timeout_ends_it_on_udp_only(void)
{
    struct two w;
    struct filter f = {"INFO", 100, 0};
    up(&w, 19);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    w.net.tap = drop_some;
    w.net.tap_ctx = &f;
    CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 33000);
    CHECK_STR(str_c(w.a.log), "answer:408(here) ended:lost gone");
    CHECK_STR(str_c(w.b.log), "bye ended:bye gone");
    down(&w);
    silence(TP_TCP, "answer:408(here)");
}

static void test_notify_481_does_not_end_it(void)
{
    struct two w;
    up(&w, 20);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(station_send(&w.a, "NOTIFY", STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_answer(&w.b, 481, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.a.log), "answer:481");
    w.b.auto_answer = true;
    down(&w);
}

static void test_408_goes_out_as_504(void)
{
    struct two w;
    up(&w, 21);
    w.b.auto_answer = false;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_answer(&w.b, 408, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.a.log), "answer:504");
    w.b.auto_answer = true;
    down(&w);
}

/* ---- credentials ---- */

static void challenge(struct raw *p, struct text_msg *req, const char *status, const char *line)
{
    struct hop back = raw_from(p);
    char lines[256];
    snprintf(lines, sizeof(lines),
             "%s: Digest realm=\"r\", nonce=\"n%s\", algorithm=MD5, qop=\"auth\"\n", line,
             text_value(req, "CSeq").p ? status : "");
    raw_reply(p, &back, req->m, status, "c", lines, "");
}

static void next(struct vnet *net, struct raw *p, struct text_msg *m)
{
    vnet_run_for(net, 20);
    text_free(m);
    *m = raw_take(p);
}

static void test_credentials(void)
{
    struct vnet net;
    struct station a;
    struct raw p;
    struct text_msg m = {NULL, NULL};
    struct auth_client auth = {.user = STR("alice"), .password = STR("secret")};
    vnet_init(&net, 22);
    station_up(&a, &net, "alice", "10.0.0.1", NULL);
    raw_up(&p, &net, "proxy", "10.0.0.7");
    struct leg_invite args = {.request_uri = STR("sip:bob@10.0.0.7"),
                              .from = STR("<sip:alice@x>;tag=old"),
                              .to = STR("<sip:bob@x>"),
                              .call_id = STR("call-1"),
                              .target = {.hop = vnet_hop(&p.node, TP_UDP)},
                              .content = {.type = STR("application/sdp"), .body = SDP_A},
                              .auth = &auth};
    a.leg = leg_invite(&a.legs, &args, &station_user, &a, net.now_ms);
    REQUIRE(a.leg != NULL);
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "1 INVITE");
    CHECK_STR(text_value(&m, "Call-ID"), "call-1");
    CHECK_BYTES(sip_msg_tag(m.m, SIP_HDR_FROM), str_c(a.leg->tag));
    challenge(&p, &m, "407 Proxy Authentication Required", "Proxy-Authenticate");
    next(&net, &p, &m);
    CHECK_STR(text_start(&m), "ACK sip:bob@10.0.0.7 SIP/2.0");
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "2 INVITE");
    CHECK_STR(text_value(&m, "Call-ID"), "call-1");
    CHECK_BYTES(sip_msg_tag(m.m, SIP_HDR_FROM), str_c(a.leg->tag));
    CHECK_BYTES(sip_msg_body(m.m), SDP_A);
    CHECK(str_starts(text_value(&m, "Proxy-Authorization"), STR("Digest ")));
    /* now the server wants to know as well: both stay */
    challenge(&p, &m, "401 Unauthorized", "WWW-Authenticate");
    next(&net, &p, &m); /* ACK */
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "3 INVITE");
    CHECK(str_starts(text_value(&m, "Proxy-Authorization"), STR("Digest ")));
    CHECK(str_starts(text_value(&m, "Authorization"), STR("Digest ")));
    struct hop back = raw_from(&p);
    raw_reply(&p, &back, m.m, "200 OK", "c", "Contact: <sip:c@10.0.0.7>\n", "");
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "3 ACK");
    CHECK(str_starts(text_value(&m, "Authorization"), STR("Digest ")));
    CHECK(str_starts(text_value(&m, "Proxy-Authorization"), STR("Digest ")));
    /* inside the dialog */
    struct leg_content c = {.type = STR("text/plain"), .body = STR("hi")};
    CHECK_INT(leg_send(a.leg, NULL, STR("FROB"), &c, station_listen, &a, NULL, net.now_ms), 0);
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "4 FROB");
    challenge(&p, &m, "401 Unauthorized", "WWW-Authenticate");
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "5 FROB");
    CHECK_STR(text_start(&m), "FROB sip:c@10.0.0.7 SIP/2.0");
    CHECK_STR(sip_msg_body(m.m), "hi");
    CHECK(str_starts(text_value(&m, "Authorization"), STR("Digest ")));
    /* the same nonce again: the password is wrong, and the user is told */
    challenge(&p, &m, "401 Unauthorized", "WWW-Authenticate");
    vnet_run_for(&net, 20);
    CHECK_STR(str_c(a.log), "answered answer:401");
    leg_end(a.leg, 0, NULL, NULL, NULL, net.now_ms);
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "6 BYE");
    challenge(&p, &m, "407 Proxy Authentication Required", "Proxy-Authenticate");
    next(&net, &p, &m);
    CHECK_STR(text_value(&m, "CSeq"), "7 BYE");
    CHECK(str_starts(text_value(&m, "Proxy-Authorization"), STR("Digest ")));
    raw_reply(&p, &back, m.m, "200 OK", "", "", "");
    CHECK(vnet_run_quiet(&net, 100000));
    CHECK_STR(str_c(a.log), "answered answer:401 ended:local gone");
    text_free(&m);
    station_check_empty(&a);
    station_down(&a);
    raw_down(&p);
    vnet_fini(&net);
}

static void test_challenge_without_credentials_is_a_refusal(void)
{
    struct vnet net;
    struct station a;
    struct raw p;
    struct text_msg m = {NULL, NULL};
    vnet_init(&net, 23);
    station_up(&a, &net, "alice", "10.0.0.1", NULL);
    raw_up(&p, &net, "proxy", "10.0.0.7");
    REQUIRE(station_call(&a, &p.node, TP_UDP, SDP_A, STR_NONE) != NULL);
    next(&net, &p, &m);
    challenge(&p, &m, "401 Unauthorized", "WWW-Authenticate");
    CHECK(vnet_run_quiet(&net, 100000));
    CHECK_STR(str_c(a.log), "rejected:401 gone");
    text_free(&m);
    station_check_empty(&a);
    station_down(&a);
    raw_down(&p);
    vnet_fini(&net);
}

/** An UPDATE whose answer never came must not stand in the way of all that follow. */
static void test_offer_that_was_never_answered(void)
{
    struct two w;
    up(&w, 40);
    REQUIRE(stations_talk(&w.a, &w.b, TP_TCP));
    w.b.auto_answer = false;
    CHECK_INT(station_send(&w.a, "UPDATE", SDP_A), 0);
    vnet_run_for(&w.net, 40000);
    CHECK_STR(str_c(w.a.log), "answer:408(here)");
    w.b.auto_answer = true;
    w.b.answer_body = SDP_B;
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.a.log), "answer:408(here) answer:200");
    down(&w);
}

static void raw_info(struct raw *r, const struct hop *to, const struct leg *leg, unsigned cseq)
{
    const struct dialog *d = leg->dialog;
    raw_sendf(
        r, to,
        "INFO sip:b@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKw%u;rport\n"
        "From: <sip:a@x>;tag=%.*s\nTo: <sip:b@x>;tag=%.*s\nCall-ID: %.*s\n"
        "CSeq: %u INFO\n\n",
        cseq, STR_ARG(d->remote_tag), STR_ARG(d->local_tag), STR_ARG(d->call_id), cseq);
}

/** A request that was heard before does not lead the dialog away, wherever it comes from. */
static void test_replay_moves_nothing(void)
{
    struct two w;
    struct raw thief;
    up(&w, 41);
    raw_up(&thief, &w.net, "thief", "10.0.0.66");
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    struct hop to = vnet_hop(&w.b.node, TP_UDP);
    raw_info(&thief, &to, w.b.leg, w.b.leg->dialog->remote_cseq);
    vnet_run_for(&w.net, 50);
    struct text_msg m = raw_take(&thief);
    CHECK(str_starts(text_start(&m), STR("SIP/2.0 500 ")));
    text_free(&m);
    CHECK(addr_ip_eq(&w.b.leg->dialog->next.hop.remote, &w.a.node.addr));
    CHECK(addr_ip_eq(&w.b.leg->hop.remote, &w.a.node.addr));
    down(&w);
    raw_down(&thief);
}

/** A peer that asks and asks while nothing is answered. */
static void test_open_requests_are_bounded(void)
{
    struct two w;
    struct raw r;
    up(&w, 42);
    raw_up(&r, &w.net, "flood", "10.0.0.66");
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    struct hop to = vnet_hop(&w.b.node, TP_UDP);
    w.b.auto_answer = false;
    for (unsigned i = 1; i <= 300; i++) {
        raw_info(&r, &to, w.b.leg, 1000 + i);
        vnet_run_for(&w.net, 1);
    }
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.b.legs.served_pool.in_use, 256);
    struct text_msg m = raw_take(&r);
    CHECK(str_starts(text_start(&m), STR("SIP/2.0 503 ")));
    CHECK_STR(text_value(&m, "Retry-After"), "5");
    text_free(&m);
    w.b.auto_answer = true;
    down(&w);
    raw_down(&r);
}

TEST_MAIN(T(test_offer_that_was_never_answered), T(test_replay_moves_nothing),
          T(test_open_requests_are_bounded), T(test_info_both_ways),
          T(test_reinvite_and_update), T(test_reinvite_cross),
          T(test_second_before_first_is_answered), T(test_update_in_early_dialog),
          T(test_offer_in_reliable_provisional), T(test_cancel_of_reinvite),
          T(test_reinvite_2xx_and_ack_lost), T(test_reinvite_never_acknowledged),
          T(test_detached_reinvite_is_acknowledged), T(test_bye_while_reinvite_is_open),
          T(test_bye_with_body_and_uui), T(test_bye_that_nobody_answers),
          T(test_481_ends_the_leg), T(test_timeout_ends_it_on_udp_only),
          T(test_notify_481_does_not_end_it), T(test_408_goes_out_as_504), T(test_credentials),
          T(test_challenge_without_credentials_is_a_refusal))
