/* SPDX-License-Identifier: Apache-2.0 */
/* Peers that do not mean well, or stop in the middle: what it costs, and what it does not. */
#include "fixture_call.h"

#include "base/err.h"
#include <stdio.h>

static bool has(struct str text, const char *what)
{
    return str_find(text, str_c(what)) < text.n;
}

/** 1002 transfers 1001 to 1003, which rings; the application sends it on to 1002. */
static void test_deflect_after_transfer(void)
{
    struct trio w;
    trio_up(&w, 1);
    REQUIRE(trio_talk(&w));
    CHECK_INT(call_transfer(exchange_connection(&w.x, 1), STR("1003"), STR("\x04tx"),
                            exchange_done, &w.x, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 200);
    CHECK_INT(w.x.done, CALL_OK);
    w.s[0].answer_body = SDP_A;
    CHECK_INT(call_deflect(exchange_connection(&w.x, 2), STR("1002"), STR_NONE, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[1], "User-to-User"), "047478;encoding=hex;purpose=isdn-uui");
    CHECK_INT(station_respond(&w.s[1], 200, SDP_B), 0);
    vnet_run_for(&w.net, 300);
    CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    trio_down(&w);
}

static void raw_invite(struct raw *r, const struct hop *to, unsigned n, const char *lines)
{
    static char text[16384];
    (void)snprintf(text, sizeof(text),
                   "INVITE sip:1002@example.com SIP/2.0\n"
                   "Via: SIP/2.0/UDP 10.0.0.4;branch=z9hG4bKh%u\n%s"
                   "Max-Forwards: 70\nt:<sip:1002@example.com>\ni:h%u\n"
                   "CSeq: 1 INVITE\nm:<sip:1004@10.0.0.4>\n%s\n",
                   n, has(str_c(lines), "From") ? "" : "From: <sip:1004@example.com>;tag=h\n",
                   n, lines);
    raw_send(r, to, text);
}

static void raw_ack_and_drop(struct raw *r)
{
    struct text_msg m;
    while ((m = raw_take(r)).m != NULL) {
        text_free(&m);
    }
}

/** A list of Via in compact form is longer when it is written out, and still answered. */
static void test_many_vias(void)
{
    struct trio w;
    struct raw r;
    char lines[12288];
    size_t n = (size_t)snprintf(lines, sizeof(lines), "v:SIP/2.0/UDP a");
    trio_up(&w, 2);
    raw_up(&r, &w.net, "1004", "10.0.0.4");
    for (int i = 0; i < 126; i++) {
        n += (size_t)snprintf(lines + n, sizeof(lines) - n, ",SIP/2.0/UDP a");
    }
    (void)snprintf(lines + n, sizeof(lines) - n, "\n");
    struct hop to = vnet_hop(&w.x.node, TP_UDP);
    raw_invite(&r, &to, 1, lines);
    vnet_run_for(&w.net, 100);
    REQUIRE(w.s[1].leg != NULL);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    struct text_msg m = raw_take(&r);
    CHECK(m.m != NULL && str_starts(text_start(&m), STR("SIP/2.0 180 ")));
    text_free(&m);
    CHECK_INT(station_respond(&w.s[1], 486, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    m = raw_take(&r);
    CHECK(m.m != NULL && str_starts(text_start(&m), STR("SIP/2.0 486 ")));
    text_free(&m);
    vnet_run_for(&w.net, 40000);
    raw_ack_and_drop(&r);
    trio_down(&w);
    raw_down(&r);
}

/** What a phone says of itself beyond its From is not passed on as if we had checked it. */
static void test_a_phone_asserts_nothing(void)
{
    struct trio w;
    trio_up(&w, 3);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A,
                  STR("P-Asserted-Identity: \"Boss\" <sip:1@example.com>\r\n"
                      "p-asserted-identity: <tel:+1>\r\n"
                      "P-Preferred-Identity: <sip:1@example.com>\r\n"
                      "Remote-Party-ID: \"Boss\" <sip:1@example.com>;party=calling\r\n"
                      "Subject: kept\r\n"));
    vnet_run_for(&w.net, 100);
    REQUIRE(w.s[1].leg != NULL);
    CHECK_STR(station_last(&w.s[1], "Subject"), "kept");
    CHECK_STR(station_last(&w.s[1], "P-Asserted-Identity"), "");
    CHECK_STR(station_last(&w.s[1], "P-Preferred-Identity"), "");
    CHECK_STR(station_last(&w.s[1], "Remote-Party-ID"), "");
    CHECK_INT(leg_respond(w.s[1].leg, NULL, 180, STR_NONE,
                          &(struct leg_content){
                              .lines = STR("P-Asserted-Identity: <sip:1@example.com>\r\n")},
                          w.net.now_ms),
              0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[0], "P-Asserted-Identity"), "");
    leg_cancel(w.s[0].leg, STR_NONE, w.net.now_ms);
    trio_down(&w);
}

/** A trusted peer is believed, and its caller's wish to stay unknown is respected. */
static void test_a_peer_asserts(void)
{
    static const char *const lines[] = {
        "P-Asserted-Identity: <tel:+4930>\r\n",
        "Privacy: header;id\r\nP-Asserted-Identity: <tel:+4930>\r\n",
        "Privacy: hidden\r\nP-Asserted-Identity: <tel:+4930>\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct trio w;
        trio_up(&w, 4);
        exchange_dial(&w.x, &w.s[2], 7777, "1002", SDP_A, str_c(lines[i]));
        vnet_run_for(&w.net, 100);
        REQUIRE(w.s[1].leg != NULL);
        CHECK_STR(station_last(&w.s[1], "P-Asserted-Identity"), i == 1 ? "" : "<tel:+4930>");
        CHECK_INT(call_other(exchange_connection(&w.x, 1))->restricted, i == 1);
        CHECK_STR(call_other(exchange_connection(&w.x, 1))->id, "tel:+4930");
        leg_cancel(w.s[2].leg, STR_NONE, w.net.now_ms);
        trio_down(&w);
    }
}

/** Wherever From is folded, what goes out is one well-formed From (the callee indexes it). */
static void test_folded_from(void)
{
    static const char from[] = "\"A B\" <sip:1004@example.com> ; x = y ; tag = h ; z";
    for (size_t i = 1; i + 1 < sizeof(from); i++) {
        struct trio w;
        struct raw r;
        char lines[256];
        if (from[i] != ' ') {
            continue;
        }
        trio_up(&w, 5);
        raw_up(&r, &w.net, "1004", "10.0.0.4");
        struct hop to = vnet_hop(&w.x.node, TP_UDP);
        (void)snprintf(lines, sizeof(lines), "From: %.*s\r\n %s\nX-After: here\n", (int)i, from,
                       from + i);
        test_context(lines);
        raw_invite(&r, &to, (unsigned)i, lines);
        vnet_run_for(&w.net, 100);
        if (CHECK(w.s[1].leg != NULL)) {
            CHECK(str_starts(station_last(&w.s[1], "From"), STR("\"A")));
            CHECK_INT(w.s[1].last->m.count[SIP_HDR_FROM], 1);
            CHECK_STR(station_last(&w.s[1], "X-After"), "here");
            CHECK_INT(station_respond(&w.s[1], 486, STR_NONE), 0);
        }
        vnet_run_for(&w.net, 40000);
        raw_ack_and_drop(&r);
        trio_down(&w);
        raw_down(&r);
    }
    test_context(NULL);
}

static void test_calls_of_one_device_are_bounded(void)
{
    struct trio w;
    struct raw r;
    trio_up(&w, 6);
    raw_up(&r, &w.net, "1004", "10.0.0.4");
    w.x.calls.config.max_device_calls = 3;
    struct hop to = vnet_hop(&w.x.node, TP_UDP);
    for (unsigned i = 0; i < 5; i++) {
        raw_invite(&r, &to, i, "");
    }
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.x.calls.by_id.count, 3);
    struct text_msg m = raw_take(&r);
    CHECK(m.m != NULL && str_starts(text_start(&m), STR("SIP/2.0 403 ")));
    text_free(&m);
    struct connection *conn;
    CHECK_INT(call_make(&w.x.calls,
                        &(struct call_make){.from = &w.x.device[0], .to = STR("1002")}, &conn,
                        w.net.now_ms),
              CALL_OK); /* others are not touched */
    call_end_all(&w.x.calls, w.net.now_ms);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 40000);
    raw_ack_and_drop(&r);
    trio_down(&w);
    raw_down(&r);
}

/** A phone that says 100 to a re-INVITE of ours and then nothing: it is asked to stop that. */
static void test_reinvite_that_is_never_answered(void)
{
    struct trio w;
    trio_up(&w, 7);
    REQUIRE(trio_talk(&w));
    struct connection *a = exchange_connection(&w.x, 0);
    w.s[1].auto_answer = false;
    CHECK_INT(call_hold(a, exchange_done, &w.x, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 25000); /* it answers 100 by itself */
    CHECK_INT(w.x.done, CALL_TIMEOUT);
    CHECK_INT(a->state, CONN_CONNECTED);
    CHECK_INT(station_answer(&w.s[1], 487, STR_NONE), 0); /* to the CANCEL */
    vnet_run_for(&w.net, 40000);
    CHECK(!has(a->sent, "a=inactive")); /* the holder hears its partner again */
    CHECK(w.x.calls.step_pool.in_use == 0);
    w.s[1].auto_answer = true;
    w.s[0].answer_body = SDP_A;
    station_clear_log(&w.s[1]);
    CHECK_INT(station_send(&w.s[0], "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 200);
    CHECK(has(str_c(w.s[1].log), "INVITE"));
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    trio_down(&w);
}

/** The next request with that method that came to `r`. */
static struct text_msg take(struct raw *r, const char *method)
{
    struct text_msg t = raw_take(r);
    while (t.m != NULL && !str_eq(sip_msg_method(t.m), str_c(method))) {
        text_free(&t);
        t = raw_take(r);
    }
    CHECK(t.m != NULL);
    return t;
}

/** 1001 hangs up while its re-INVITE waits; 1005 answers that, but never the BYE, when the
 * transaction in which the re-INVITE came has long been forgotten. */
static void test_answer_for_who_has_left(void)
{
    struct trio w;
    struct raw r;
    char lines[256];
    trio_up(&w, 9);
    w.x.txn.timing.t4 = 1; /* as over TCP: the ACK of a refusal is the end of it */
    raw_up(&r, &w.net, "1005", "10.0.0.5");
    exchange_register(&w.x, 4, &r.node, false);
    struct hop to = vnet_hop(&w.x.node, TP_UDP);
    exchange_dial(&w.x, &w.s[0], 1001, "1005", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    struct text_msg invite = take(&r, "INVITE");
    REQUIRE(invite.m != NULL);
    (void)snprintf(lines, sizeof(lines),
                   "Contact: <sip:1005@10.0.0.5>\nContent-Type: application/sdp\n");
    raw_reply(&r, &to, invite.m, "200 OK", "five", lines, SDP_B.p);
    vnet_run_for(&w.net, 200);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    text_free(&invite);
    CHECK_INT(station_send(&w.s[0], "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 200);
    invite = take(&r, "INVITE");
    REQUIRE(invite.m != NULL);
    raw_reply(&r, &to, invite.m, "100 Trying", NULL, "", "");
    vnet_run_for(&w.net, 100);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 300);
    raw_reply(&r, &to, invite.m, "200 OK", NULL, lines, SDP_B.p);
    vnet_run_for(&w.net, 500);
    text_free(&invite);
    trio_down(&w);
    raw_down(&r);
}

/** Hundreds of early dialogs, and a 2xx from each: bounded, acknowledged, hung up. */
static void test_a_fork_with_hundreds_of_ends(void)
{
    struct trio w;
    struct raw r;
    trio_up(&w, 8);
    raw_up(&r, &w.net, "1005", "10.0.0.5");
    exchange_register(&w.x, 4, &r.node, false);
    exchange_dial(&w.x, &w.s[0], 1001, "1005", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    struct text_msg invite = raw_take(&r);
    REQUIRE(invite.m != NULL);
    struct hop to = vnet_hop(&w.x.node, TP_UDP);
    char tag[16];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 300; i++) {
            (void)snprintf(tag, sizeof(tag), "t%d", i);
            raw_reply(&r, &to, invite.m, round == 0 ? "180 Ringing" : "200 OK", tag,
                      "Contact: <sip:1005@10.0.0.5>\nContent-Type: application/sdp\n", SDP_B.p);
        }
        vnet_run_for(&w.net, 100);
        CHECK(w.x.legs.dialog_pool.in_use < 70);
    }
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    text_free(&invite);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 100000);
    raw_ack_and_drop(&r);
    trio_down(&w);
    raw_down(&r);
}

/** Names and texts with line ends in them do not become header lines. */
static void test_injection_by_commands(void)
{
    static const char *const to[] = {"1002\r\nX: y",
                                     "sip:1002\r\nX: y@example.com",
                                     "sip:1002@example.com\r\nX: y",
                                     "<sip:1002@example.com>\r\n",
                                     "1002>\r\nX: <y",
                                     "tel:1002\r\nX:y",
                                     "9\r\nX: y",
                                     "9 9",
                                     "9>9",
                                     "sip:9;x\r\n=y@example.com",
                                     "tel:9\r\nX:y",
                                     "9\xff",
                                     "9\"",
                                     ""};
    static const struct str nines[] = {STR_INIT("9*"), STR_INIT("*")};
    struct trio w;
    trio_up(&w, 9);
    w.x.peer = (struct peer){.name = STR("gw"),
                             .uri = STR("sip:10.0.0.3"),
                             .host = STR("10.0.0.3"),
                             .transport = TP_UDP,
                             .numbers = nines,
                             .number_count = 2};
    w.x.directory.peers = &w.x.peer;
    w.x.directory.peer_count = 1;
    for (size_t i = 0; i < ARRAY_LEN(to); i++) {
        struct connection *conn = NULL;
        test_context(to[i]);
        w.s[0].last_status = 0;
        if (call_make(&w.x.calls,
                      &(struct call_make){.from = &w.x.device[0], .to = str_c(to[i])}, &conn,
                      w.net.now_ms) == CALL_OK) {
            exchange_settle(&w.x);
            vnet_run_for(&w.net, 100);
            CHECK_STR(station_last(&w.s[0], "X"), "");
            CHECK_INT(call_clear(conn, STR("a\r\nX: y"), STR("\x04\r\nX: y"), w.net.now_ms),
                      CALL_OK);
            exchange_settle(&w.x);
        }
        vnet_run_for(&w.net, 1000);
    }
    test_context(NULL);
    trio_down(&w);
}

TEST_MAIN(T(test_deflect_after_transfer), T(test_many_vias), T(test_a_phone_asserts_nothing),
          T(test_a_peer_asserts), T(test_folded_from), T(test_calls_of_one_device_are_bounded),
          T(test_reinvite_that_is_never_answered), T(test_answer_for_who_has_left),
          T(test_a_fork_with_hundreds_of_ends), T(test_injection_by_commands))
