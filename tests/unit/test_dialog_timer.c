/* SPDX-License-Identifier: Apache-2.0 */
/* Session timers (RFC 4028): both roles, both ways to refresh, refusal, expiry. */
#include "base/err.h"
#include "fixture_leg.h"
#include <stdio.h>

#define ALLOW_UPDATE STR("INVITE, ACK, CANCEL, BYE, UPDATE, INFO")
#define ALLOW_PLAIN STR("INVITE, ACK, CANCEL, BYE, INFO")

static void up(struct two *w, const struct leg_config *a, const struct leg_config *b)
{
    two_up(w, 1, a, b);
    w->b.answer_body = SDP_B;
}

static void down(struct two *w)
{
    two_hang_up(w);
    two_down(w);
}

static struct leg_config with(uint32_t interval, uint32_t min, struct str allow)
{
    return (struct leg_config){.session_expires_s = interval, .min_se_s = min, .allow = allow};
}

static void test_caller_refreshes_by_update(void)
{
    struct leg_config c = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &c, &c);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(w.a.leg->interval_s, 600);
    CHECK(w.a.leg->we_refresh);
    CHECK(!w.b.leg->we_refresh);
    CHECK_STR(station_last(&w.a, "Session-Expires"), "600;refresher=uac");
    CHECK_STR(station_last(&w.a, "Require"), "timer");
    vnet_run_for(&w.net, 299000);
    CHECK_STR(str_c(w.b.log), "");
    vnet_run_for(&w.net, 1500);
    CHECK_STR(str_c(w.b.log), "UPDATE");
    CHECK_INT(sip_msg_body(&w.b.last->m).n, 0);
    CHECK_STR(station_last(&w.b, "Session-Expires"), "600;refresher=uac");
    CHECK_STR(station_last(&w.b, "Supported"), "timer");
    vnet_run_for(&w.net, 3000000);
    CHECK_STR(str_c(w.a.log), "");
    CHECK_STR(str_c(w.b.log), "UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE UPDATE "
                              "UPDATE UPDATE");
    CHECK_INT(w.a.legs.refreshed, 11);
    down(&w);
}

static void test_refresh_by_reinvite_repeats_the_description(void)
{
    struct leg_config c = with(600, 90, ALLOW_PLAIN);
    struct two w;
    up(&w, &c, &c);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    vnet_run_for(&w.net, 300500);
    CHECK_STR(str_c(w.a.log), "");
    CHECK_STR(str_c(w.b.log), "INVITE reacked");
    CHECK_INT(w.a.legs.refreshed, 1);
    /* the description that was agreed on last is the one that is repeated */
    station_clear_log(&w.b);
    CHECK_INT(station_send(&w.a, "INVITE", STR("v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n")), 0);
    vnet_run_for(&w.net, 100);
    w.b.auto_answer = false;
    CHECK_INT(station_send(&w.a, "INVITE", STR("v=0\r\no=- refused\r\n")), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_answer(&w.b, 488, STR_NONE), 0);
    w.b.auto_answer = true;
    vnet_run_for(&w.net, 299000);
    station_clear_log(&w.b);
    w.b.auto_answer = false;
    vnet_run_for(&w.net, 1100);
    CHECK_STR(str_c(w.b.log), "INVITE");
    CHECK_STR(sip_msg_body(&w.b.last->m), "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n");
    CHECK_INT(station_answer(&w.b, 200, SDP_B), 0);
    w.b.auto_answer = true;
    down(&w);
}

/** A CSTA session has no SDP; its description is what is repeated. */
static void test_csta_body_is_repeated(void)
{
    struct leg_config c = with(600, 90, ALLOW_PLAIN);
    struct two w;
    up(&w, &c, &c);
    struct leg_invite args = {.request_uri = STR("sip:b@10.0.0.2"),
                              .from = STR("<sip:a@x>"),
                              .to = STR("<sip:b@x>"),
                              .target = {.hop = vnet_hop(&w.b.node, TP_UDP)},
                              .content = {.type = STR("application/csta+xml"),
                                          .body = STR("<RequestSystemStatus/>")}};
    w.a.leg = leg_invite(&w.a.legs, &args, &station_user, &w.a, w.net.now_ms);
    vnet_run_for(&w.net, 50);
    CHECK_INT(leg_respond(w.b.leg, NULL, 200, STR_NONE, NULL, w.net.now_ms), 0);
    vnet_run_for(&w.net, 100);
    station_clear_log(&w.b);
    w.b.auto_answer = false;
    vnet_run_for(&w.net, 300500);
    CHECK_STR(str_c(w.b.log), "INVITE");
    CHECK_STR(sip_msg_body(&w.b.last->m), "<RequestSystemStatus/>");
    CHECK_STR(station_last(&w.b, "Content-Type"), "application/csta+xml");
    CHECK_INT(station_answer(&w.b, 200, STR_NONE), 0);
    w.b.auto_answer = true;
    down(&w);
}

/** What one side of a raw peer says decides who refreshes. */
struct agreed {
    const char *lines;
    unsigned interval;
    bool we;
    const char *answer;
    bool require;
};

static void test_what_a_callee_agrees_to(void)
{
    static const struct agreed table[] = {
        {"", 0, false, "", false},
        {"Supported: timer\n", 600, false, "600;refresher=uac", true},
        {"Supported: timer\nSession-Expires: 200\n", 200, false, "200;refresher=uac", true},
        {"Supported: timer\nx: 200;refresher=uas\n", 200, true, "200;refresher=uas", true},
        {"Supported: timer\nx: 200;refresher=uac\n", 200, false, "200;refresher=uac", true},
        {"Supported: timer\nx: 9000\n", 600, false, "600;refresher=uac", true},
        {"Supported: timer\nx: 9000\nMin-SE: 700\n", 700, false, "700;refresher=uac", true},
        {"Session-Expires: 300\n", 300, true, "300;refresher=uas", false},
        {"Session-Expires: 30\n", 90, true, "90;refresher=uas", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct leg_config c = with(600, 90, ALLOW_UPDATE);
        struct vnet net;
        struct station b;
        struct raw p;
        vnet_init(&net, 2);
        station_up(&b, &net, "bob", "10.0.0.2", &c);
        raw_up(&p, &net, "peer", "10.0.0.7");
        struct hop to = vnet_hop(&b.node, TP_UDP);
        raw_sendf(&p, &to,
                  "INVITE sip:b@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n"
                  "From: <sip:a@x>;tag=1\nTo: <sip:b@x>\nCall-ID: 1\nCSeq: 5 INVITE\n%s"
                  "Contact: <sip:a@10.0.0.7>\n\n",
                  table[i].lines);
        vnet_run_for(&net, 20);
        CHECK_INT(station_respond(&b, 200, SDP_B), 0);
        vnet_run_for(&net, 20);
        struct text_msg ok = raw_take(&p);
        test_context(table[i].lines);
        CHECK_INT(b.leg->interval_s, table[i].interval);
        CHECK_INT(b.leg->we_refresh, table[i].we);
        CHECK_STR(text_value(&ok, "Session-Expires"), table[i].answer);
        CHECK_STR(text_value(&ok, "Require"), table[i].require ? "timer" : "");
        CHECK_INT(b.leg->expires_ms != WHEEL_NEVER, table[i].interval > 0);
        test_context(NULL);
        text_free(&ok);
        leg_free(b.leg);
        CHECK(vnet_run_quiet(&net, 100000));
        station_check_empty(&b);
        station_down(&b);
        raw_down(&p);
        vnet_fini(&net);
    }
}

static void test_what_a_caller_agrees_to(void)
{
    static const struct agreed table[] = {
        {"", 0, false, NULL, false},
        {"Session-Expires: 300;refresher=uas\n", 300, false, NULL, false},
        {"Session-Expires: 300;refresher=uac\n", 300, true, NULL, false},
        {"Session-Expires: 300\n", 300, true, NULL, false},
        {"Session-Expires: 1;refresher=uac\n", 10, true, NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct leg_config c = with(600, 90, ALLOW_UPDATE);
        struct vnet net;
        struct station a;
        struct raw p;
        char lines[128];
        vnet_init(&net, 3);
        station_up(&a, &net, "alice", "10.0.0.1", &c);
        raw_up(&p, &net, "peer", "10.0.0.7");
        REQUIRE(station_call(&a, &p.node, TP_UDP, SDP_A, STR_NONE) != NULL);
        vnet_run_for(&net, 20);
        struct text_msg m = raw_take(&p);
        struct hop back = raw_from(&p);
        CHECK_STR(text_value(&m, "Session-Expires"), "600");
        CHECK_STR(text_value(&m, "Min-SE"), "");
        snprintf(lines, sizeof(lines), "Contact: <sip:c@10.0.0.7>\n%s", table[i].lines);
        raw_reply(&p, &back, m.m, "200 OK", "c", lines, "");
        vnet_run_for(&net, 20);
        CHECK_INT(a.leg->interval_s, table[i].interval);
        CHECK_INT(a.leg->we_refresh, table[i].we);
        text_free(&m);
        leg_free(a.leg);
        CHECK(vnet_run_quiet(&net, 100000));
        station_check_empty(&a);
        station_down(&a);
        raw_down(&p);
        vnet_fini(&net);
    }
}

static void test_interval_too_small(void)
{
    struct leg_config a = with(100, 90, ALLOW_UPDATE), b = with(1800, 600, ALLOW_UPDATE);
    struct two w;
    up(&w, &a, &b);
    REQUIRE(station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR("X-Keep: 1\r\n")) != NULL);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.b.log), "refused call");
    CHECK_STR(station_last(&w.b, "Session-Expires"), "600");
    CHECK_STR(station_last(&w.b, "Min-SE"), "600");
    CHECK_STR(station_last(&w.b, "CSeq"), "2 INVITE");
    CHECK_STR(station_last(&w.b, "X-Keep"), "1");
    CHECK_BYTES(sip_msg_body(&w.b.last->m), SDP_A);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.a.leg->interval_s, 600);
    down(&w);
}

static void drop_updates(void *ctx, struct vpacket *p)
{
    (void)ctx;
    if (str_starts(p->bytes, STR("UPDATE"))) {
        p->copies = 0;
    }
}

static void test_expiry(void)
{
    struct leg_config c = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &c, &c);
    REQUIRE(stations_talk(&w.a, &w.b, TP_TCP));
    uint64_t start = w.net.now_ms;
    w.net.tap = drop_updates;
    /* over a stream the lost refresh does not end it, and is tried again; the peer gives up
       min(32 s, interval / 3) before the end */
    vnet_run_until(&w.net, start + (600 - 32) * 1000 - 200);
    CHECK_STR(str_c(w.a.log), "");
    vnet_run_until(&w.net, start + (600 - 32) * 1000 + 100);
    CHECK_STR(str_c(w.b.log), "ended:expired gone");
    CHECK_STR(str_c(w.a.log), "bye ended:bye gone");
    CHECK_INT(w.b.legs.expired, 1);
    down(&w);
}

static void test_refresh_that_times_out_on_udp(void)
{
    struct leg_config c = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &c, &c);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    w.net.tap = drop_updates;
    vnet_run_for(&w.net, 333000);
    CHECK_STR(str_c(w.a.log), "ended:lost gone");
    CHECK_STR(str_c(w.b.log), "bye ended:bye gone");
    down(&w);
}

static void test_refused_refreshes(void)
{
    struct leg_config c = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &c, &c);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    w.b.auto_answer = false;
    vnet_run_for(&w.net, 300100);
    CHECK_STR(str_c(w.b.log), "UPDATE");
    CHECK_INT(station_answer(&w.b, 491, STR_NONE), 0);
    vnet_run_for(&w.net, 2000);
    CHECK_STR(str_c(w.b.log), "UPDATE"); /* the caller waits 2.1 to 4 s */
    vnet_run_for(&w.net, 2200);
    CHECK_STR(str_c(w.b.log), "UPDATE UPDATE");
    struct leg_content after = {.lines = STR("Retry-After: 7\r\n")};
    CHECK_INT(leg_answer(w.b.leg, w.b.request, 500, STR_NONE, &after, w.net.now_ms), 0);
    vnet_run_for(&w.net, 6900);
    CHECK_STR(str_c(w.b.log), "UPDATE UPDATE");
    vnet_run_for(&w.net, 200);
    CHECK_STR(str_c(w.b.log), "UPDATE UPDATE UPDATE");
    CHECK_INT(station_answer(&w.b, 405, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.b.log), "UPDATE UPDATE UPDATE INVITE");
    CHECK_BYTES(sip_msg_body(&w.b.last->m), SDP_A);
    CHECK_INT(station_answer(&w.b, 200, SDP_B), 0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.b.log), "UPDATE UPDATE UPDATE INVITE reacked");
    CHECK_STR(str_c(w.a.log), "");
    CHECK_INT(w.a.legs.refreshed, 1);
    w.b.auto_answer = true;
    down(&w);
}

/** A re-INVITE of the other side is a refresh as well and keeps the roles. */
static void test_any_session_request_starts_it_again(void)
{
    struct leg_config c = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &c, &c);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    vnet_run_for(&w.net, 290000);
    CHECK_INT(station_send(&w.b, "UPDATE", STR_NONE), 0);
    vnet_run_for(&w.net, 290000);
    CHECK_STR(str_c(w.b.log), "answer:200");
    CHECK_STR(str_c(w.a.log), "UPDATE");
    CHECK_STR(station_last(&w.a, "Session-Expires"), "600;refresher=uas");
    CHECK(w.a.leg->we_refresh);
    CHECK(!w.b.leg->we_refresh);
    vnet_run_for(&w.net, 12000);
    CHECK_STR(str_c(w.b.log), "answer:200 UPDATE");
    down(&w);
}

static void test_no_timer(void)
{
    struct leg_config off = with(0, 0, ALLOW_UPDATE), on = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &off, &on);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(w.a.leg->interval_s, 0);
    CHECK_INT(w.b.leg->interval_s, 0);
    CHECK_STR(station_last(&w.a, "Session-Expires"), "");
    w.a.auto_answer = true;
    vnet_run_for(&w.net, 1000000);
    CHECK_STR(str_c(w.a.log), "OPTIONS OPTIONS OPTIONS"); /* it is asked whether it is there */
    CHECK_INT(station_send(&w.b, "INVITE", SDP_B), 0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.b.log), "answer:200");
    down(&w);
}

static void drop_all(void *ctx, struct vpacket *p)
{
    (void)ctx;
    p->copies = 0;
}

/** A phone without timers that goes away does not leave its call behind. */
static void test_no_timer_and_nobody_there(void)
{
    struct leg_config off = with(0, 0, ALLOW_UPDATE), on = with(600, 90, ALLOW_UPDATE);
    struct two w;
    up(&w, &off, &on);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    w.net.tap = drop_all;
    vnet_run_for(&w.net, 400000);
    CHECK_STR(str_c(w.b.log), "ended:lost gone");
    down(&w);
}

TEST_MAIN(T(test_caller_refreshes_by_update),
          T(test_refresh_by_reinvite_repeats_the_description), T(test_csta_body_is_repeated),
          T(test_what_a_callee_agrees_to), T(test_what_a_caller_agrees_to),
          T(test_interval_too_small), T(test_expiry), T(test_refresh_that_times_out_on_udp),
          T(test_refused_refreshes), T(test_any_session_request_starts_it_again),
          T(test_no_timer), T(test_no_timer_and_nobody_there))
