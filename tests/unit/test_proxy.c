/* SPDX-License-Identifier: Apache-2.0 */
/* One request, one target: what is forwarded, what is refused, what comes back. */
#include "kit_proxy.h"

/** Byte by byte what came and what goes. `%s` stands for our branch. */
static void check_bytes(struct px *x, size_t i, const char *fmt)
{
    static struct fx_msg want;
    struct sip_via via = {0};
    REQUIRE(i < x->fx.sent_n);
    CHECK_INT(sip_msg_via(px_sent(x, i), &via), 0);
    size_t at = str_find(str_c(fmt), STR("%s"));
    (void)fx_parse(&want, "%.*s%.*s%s", (int)at, fmt, STR_ARG(via.branch), fmt + at + 2);
    CHECK_BYTES(x->fx.sent[i].bytes, str_make(want.buf, want.m.len));
}

static void test_a_request_goes_on_and_its_response_comes_back(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    px_in(&x, fx_parse(&m, "INVITE sip:bob@example.com SIP/2.0\n"
                           "v:SIP/2.0/UDP  192.0.2.9:5060 ;branch=z9hG4bKone\n"
                           "Max-Forwards:  70\n"
                           "f:  \"Alice\"  <sip:alice@example.com>;tag=ft\n"
                           "x-ODD :\tyes,,  no\n folded\n"
                           "t: <sip:bob@example.com>\n"
                           "i: call-1\nCSeq: 7    INVITE\n"
                           "User-to-User: 56a390;encoding=hex\n"
                           "l: 4\n\nbody"));
    check_bytes(&x, 0,
                "INVITE sip:phone1@203.0.113.1 SIP/2.0\n"
                "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
                "v:SIP/2.0/UDP  192.0.2.9:5060 ;branch=z9hG4bKone\n"
                "Max-Forwards:  69\n"
                "f:  \"Alice\"  <sip:alice@example.com>;tag=ft\n"
                "x-ODD :\tyes,,  no\n folded\n"
                "t: <sip:bob@example.com>\n"
                "i: call-1\nCSeq: 7    INVITE\n"
                "User-to-User: 56a390;encoding=hex\n"
                "l: 4\nMax-Breadth: 60\n\nbody");
    CHECK_INT(px_to(&x, 0), 1);
    px_answer(&x, 0, 100, "");
    CHECK_INT(x.fx.sent_n, 1); /* it is for us */
    struct sip_via via = {0};
    CHECK_INT(sip_msg_via(px_sent(&x, 0), &via), 0);
    px_in(&x, fx_parse(&m,
                       "SIP/2.0 180 Es klingelt\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%.*s,\n"
                       "  SIP/2.0/UDP  192.0.2.9:5060 ;branch=z9hG4bKone\n"
                       "f:  \"Alice\"  <sip:alice@example.com>;tag=ft\nX-Odd:1 ,2\n"
                       "t: <sip:bob@example.com>;tag=b\ni: call-1\nCSeq: 7 INVITE\n\n",
                       STR_ARG(via.branch)));
    REQUIRE(x.fx.sent_n == 2);
    (void)fx_parse(&m, "SIP/2.0 180 Es klingelt\n"
                       "Via: SIP/2.0/UDP  192.0.2.9:5060 ;branch=z9hG4bKone\n"
                       "f:  \"Alice\"  <sip:alice@example.com>;tag=ft\nX-Odd:1 ,2\n"
                       "t: <sip:bob@example.com>;tag=b\ni: call-1\nCSeq: 7 INVITE\n\n");
    CHECK_BYTES(x.fx.sent[1].bytes, str_make(m.buf, m.m.len));
    CHECK_INT(px_to(&x, 1), 9);
    px_answer(&x, 0, 200, "b");
    CHECK_SENT(&x, 0, "INVITE 180 200");
    px_answer(&x, 0, 200, "b"); /* repeated by the phone, so repeated by us (RFC 6026) */
    px_answer(&x, 0, 200, "c");
    CHECK_SENT(&x, 0, "INVITE 180 200 200 200");
    CHECK_INT(proxy_count(&x.p), 1);
    px_end(&x);
}

static void test_senders_via_says_where_it_came_from(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.method = "MESSAGE",
                                 .via = "SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKa"});
    CHECK(px_has(
        &x, 0, "\r\nVia: SIP/2.0/UDP 10.0.0.1;rport=5060;branch=z9hG4bKa;received=192.0.2.9"));
    px_offer(&x, (struct fx_req){.method = "MESSAGE",
                                 .call_id = "b",
                                 .via = "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb, SIP/2.0/UDP h"});
    CHECK(px_has(&x, 1,
                 "\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb;received=192.0.2.9, "
                 "SIP/2.0/UDP h\r\n"));
    px_end(&x);
}

static void test_max_forwards(void)
{
    static const struct {
        const char *lines, *want;
    } table[] = {
        {"Max-Forwards: 1\n", "Max-Forwards: 0\r\n"},
        {"Max-Forwards: 255\n", "Max-Forwards: 254\r\n"},
        {"", "Max-Forwards: 70\r\n"},
        {"Max-Forwards: 0\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct px x;
        struct fx_msg m;
        px_init(&x);
        px_target(&x, 1, 0);
        px_in(&x,
              fx_parse(&m,
                       "OPTIONS sip:bob@example.com SIP/2.0\n"
                       "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKone\n%s"
                       "From: <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID: c\nCSeq: 1 OPTIONS\n\n",
                       table[i].lines));
        CHECK_SENT(&x, 0, table[i].want != NULL ? "OPTIONS" : "483");
        CHECK(table[i].want == NULL || px_has(&x, 0, table[i].want));
        CHECK_INT(x.p.stats.hops, table[i].want == NULL);
        px_end(&x);
    }
}

static void test_max_breadth(void)
{
    static const struct {
        const char *lines, *want;
    } table[] = {
        {"", "Max-Breadth: 60\r\n"},
        {"Max-Breadth: 5\n", "Max-Breadth: 5\r\n"},
        {"Max-Breadth: 1000\n", "Max-Breadth: 60\r\n"},
        {"Max-Breadth: 0\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct px x;
        px_init(&x);
        px_target(&x, 1, 0);
        px_offer(&x, (struct fx_req){.method = "MESSAGE", .lines = table[i].lines});
        CHECK_SENT(&x, 0, table[i].want != NULL ? "MESSAGE" : "440");
        CHECK(table[i].want == NULL || px_has(&x, 0, table[i].want));
        px_end(&x);
    }
}

static void test_proxy_require(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.lines = "Proxy-Require: foo, bar\nProxy-Require: baz\n"});
    CHECK_SENT(&x, 0, "420");
    CHECK(px_has(&x, 0, "\r\nUnsupported: foo, bar, baz\r\n"));
    CHECK_INT(proxy_count(&x.p), 0);
    px_end(&x);
}

static void test_session_interval_too_small(void)
{
    struct px x;
    px_init_with(&x, &(struct proxy_config){.min_se_s = 120});
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.lines = "Session-Expires: 90\nSupported: timer\n"});
    CHECK_SENT(&x, 0, "422");
    CHECK(px_has(&x, 0, "\r\nMin-SE: 120\r\n"));
    px_offer(&x, (struct fx_req){.call_id = "2",
                                 .via = "SIP/2.0/UDP h;branch=z9hG4bK2",
                                 .lines = "Session-Expires: 90\n"});
    px_offer(&x, (struct fx_req){.call_id = "3",
                                 .via = "SIP/2.0/UDP h;branch=z9hG4bK3",
                                 .lines = "Session-Expires: 120\nSupported: timer\n"});
    CHECK_SENT(&x, 0, "422 INVITE INVITE");
    px_end(&x);
}

static void test_unknown_methods_and_headers_pass(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.method = "FROBNICATE", .lines = "P-Q: 1\nRequire: what\n"});
    CHECK_SENT(&x, 0, "FROBNICATE");
    CHECK(px_has(&x, 0, "\r\nP-Q: 1\r\nRequire: what\r\n"));
    px_answer(&x, 0, 299, "t");
    CHECK_SENT(&x, 0, "FROBNICATE 299");
    CHECK_INT(proxy_count(&x.p), 0);
    px_end(&x);
}

static void test_plan_adds_and_cuts(void)
{
    static const enum sip_hdr_id cut[] = {SIP_HDR_SUBJECT, SIP_HDR_P_ASSERTED_IDENTITY,
                                          SIP_HDR_OTHER};
    struct px x;
    px_init(&x);
    struct proxy_target *t = px_target(&x, 1, 0);
    t->routes = STR("Route: <sip:203.0.113.77;lr>\r\n");
    t->lines = STR("History-Info: <sip:a@b>;index=1\r\n");
    t->cut = cut;
    px_offer(&x, (struct fx_req){
                     .lines = "Subject: s\ns: t\nX: y\nP-Asserted-Identity: <sip:a@b>\n"});
    CHECK_SENT(&x, 0, "INVITE");
    CHECK(px_has(&x, 0,
                 ";rport\r\nRoute: <sip:203.0.113.77;lr>\r\n"
                 "History-Info: <sip:a@b>;index=1\r\nVia: "));
    CHECK(px_has(&x, 0, "7 INVITE\r\nX: y\r\nContent-Length"));
    CHECK_INT(px_to(&x, 0), 77);
    px_end(&x);
}

static void test_503_becomes_500_and_transport_errors_too(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer_lines(&x, 0, 503, "t", "Retry-After: 5\n");
    CHECK_SENT(&x, 0, "INVITE ACK 500");
    CHECK(px_has(&x, 2, "SIP/2.0 500 Server Internal Error\r\nVia: "));
    CHECK_INT(proxy_count(&x.p), 0);
    x.fx.send_err = E_IO;
    px_offer(&x,
             (struct fx_req){.call_id = "2", .via = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2"});
    x.fx.send_err = 0;
    fx_tick(&x.fx);
    CHECK_SENT(&x, 3, "500");
    px_end(&x);
}

static void test_invite_that_nobody_answers(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    fx_run(&x.fx, 32000);
    size_t n = x.fx.sent_n;
    CHECK_STR(fx_sent_what(&x.fx, n - 1), "408");
    CHECK_INT(proxy_count(&x.p), 0);
    px_end(&x);
}

/** RFC 4320 §4.2: a 408 to a non-INVITE is never sent, whoever made it. */
static void test_non_invite_that_nobody_answers(void)
{
    for (int made = 0; made < 2; made++) {
        struct px x;
        px_init(&x);
        px_target(&x, 1, 0);
        px_offer(&x, (struct fx_req){.method = "MESSAGE"});
        if (made) {
            px_answer(&x, 0, 408, "t");
        }
        fx_run(&x.fx, 100000);
        for (size_t i = 0; i < x.fx.sent_n; i++) {
            CHECK(!str_eq(fx_sent_what(&x.fx, i), STR("408")));
        }
        px_end(&x);
    }
}

/** RFC 4320 §4.1: a provisional response to a non-INVITE goes nowhere. */
static void test_provisional_to_non_invite_stays(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.method = "MESSAGE"});
    px_answer(&x, 0, 100, "");
    px_answer(&x, 0, 180, "t");
    CHECK_SENT(&x, 0, "MESSAGE");
    px_answer(&x, 0, 404, "t");
    px_answer(&x, 0, 200, "t"); /* late: absorbed */
    CHECK_SENT(&x, 0, "MESSAGE 404");
    px_end(&x);
}

static void test_timer_c(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 0, 180, "t");
    fx_run(&x.fx, 180000);
    CHECK_SENT(&x, 0, "INVITE 180");
    px_answer(&x, 0, 180, "t"); /* begins anew */
    fx_run(&x.fx, 180999);
    CHECK_SENT(&x, 0, "INVITE 180 180");
    fx_run(&x.fx, 1);
    CHECK_SENT(&x, 0, "INVITE 180 180 CANCEL");
    CHECK_INT(x.p.stats.ring_timeouts, 1);
    px_answer(&x, 3, 200, "t");
    px_answer(&x, 0, 487, "t");
    CHECK_SENT(&x, 3, "CANCEL ACK 487");
    px_end(&x);
    /* Cancelled, and still no answer: it ends all the same. */
    px_init(&x);
    px_target(&x, 1, 0);
    x.plan.ring_s = 10;
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 0, 180, "t");
    fx_run(&x.fx, 10000);
    px_answer(&x, 2, 200, "t");
    fx_run(&x.fx, 32000);
    CHECK_SENT(&x, 0, "INVITE 180 CANCEL 408");
    px_end(&x);
}

static void test_cancel(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 0, 180, "t");
    px_offer(&x, (struct fx_req){.method = "CANCEL",
                                 .lines = "Reason: SIP;cause=200;text=\"elsewhere\"\n"});
    CHECK_SENT(&x, 0, "INVITE 180 200 CANCEL");
    CHECK(px_has(&x, 3, "\r\nReason: SIP;cause=200;text=\"elsewhere\"\r\n"));
    px_offer(&x, (struct fx_req){.method = "CANCEL"}); /* again: the answer again */
    CHECK_SENT(&x, 4, "200");
    px_answer(&x, 3, 200, "t");
    px_answer(&x, 0, 487, "t");
    CHECK_SENT(&x, 5, "ACK 487");
    CHECK_INT(x.p.stats.cancelled, 1);
    px_end(&x);
}

static void test_cancel_before_any_provisional_waits(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_offer(&x, (struct fx_req){.method = "CANCEL"});
    CHECK_SENT(&x, 0, "INVITE 200");
    px_answer(&x, 0, 100, "");
    CHECK_SENT(&x, 0, "INVITE 200 CANCEL");
    px_answer(&x, 2, 481, "t");
    fx_run(&x.fx, 32000);
    CHECK_STR(fx_sent_what(&x.fx, x.fx.sent_n - 1), "487"); /* he has asked for that */
    px_end(&x);
}

/** A 2xx that crosses the CANCEL goes to the caller, and so do its repetitions. */
static void test_cancel_crosses_200(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 0, 180, "t");
    px_offer(&x, (struct fx_req){.method = "CANCEL"});
    px_answer(&x, 0, 200, "t");
    px_answer(&x, 3, 200, "t");
    px_answer(&x, 0, 200, "t");
    CHECK_SENT(&x, 0, "INVITE 180 200 CANCEL 200 200");
    px_end(&x);
}

static void test_loop_and_spiral(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    struct sip_via via = {0};
    CHECK_INT(sip_msg_via(px_sent(&x, 0), &via), 0);
    /* The same request under another branch, below it our Via: it has looped. */
    for (int spiral = 0; spiral < 2; spiral++) {
        px_in(&x, fx_parse(&m,
                           "INVITE sip:%s@example.com SIP/2.0\n"
                           "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKloop%d\n"
                           "Via: %.*s\nMax-Forwards: 60\n"
                           "From: <sip:alice@example.com>;tag=ft\nTo: <sip:bob@example.com>\n"
                           "Call-ID: call-1\nCSeq: 7 INVITE\nContent-Length: 0\n\n",
                           spiral ? "carol" : "bob", spiral, STR_ARG(via.text)));
    }
    CHECK_SENT(&x, 0, "INVITE 482 INVITE");
    CHECK_INT(x.p.stats.loops, 1);
    px_end(&x);
}

/* What the mark is made of is gathered in a buffer: every way in which it fills up. */
static void test_mark_of_long_requests(void)
{
    char lines[640];
    for (int n = 1; n <= 560; n++) {
        struct px x;
        struct sip_via via = {0};
        px_init(&x);
        px_target(&x, 1, 0);
        (void)snprintf(lines, sizeof(lines), "User-to-User: %0*d\n", n, 0);
        px_offer(&x, (struct fx_req){.lines = lines});
        CHECK_SENT(&x, 0, "INVITE");
        CHECK_INT(sip_msg_via(px_sent(&x, 0), &via), 0);
        px_end(&x);
    }
}

static void test_table_is_full(void)
{
    struct px x;
    px_init_with(&x, &(struct proxy_config){.max_forks = 1});
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_offer(&x,
             (struct fx_req){.call_id = "2", .via = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK2"});
    CHECK_SENT(&x, 0, "INVITE 503");
    CHECK(px_has(&x, 1, "\r\nRetry-After: "));
    px_end(&x);
}

static void test_stream_gets_content_length(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    struct proxy_target *t = px_target(&x, 1, 0);
    t->to.hop = (struct hop){.transport = TP_TCP, .remote = fx_addr("203.0.113.1:5060")};
    px_in(&x,
          fx_parse(&m, "MESSAGE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\n"
                       "From: <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID: c\n"
                       "CSeq: 1 MESSAGE\n\nhello"));
    CHECK(px_has(&x, 0, "\r\nContent-Length: 5\r\nVia: "));
    px_end(&x);
    px_init(&x);
    px_target(&x, 1, 0);
    struct hop from = fx_hop(TP_TCP);
    px_in_from(&x, fx_request(&m, (struct fx_req){.method = "MESSAGE"}), &from);
    struct sip_via via = {0};
    CHECK_INT(sip_msg_via(px_sent(&x, 0), &via), 0);
    px_in(&x, fx_parse(&m,
                       "SIP/2.0 200 OK\nVia: %.*s\nVia: SIP/2.0/UDP 192.0.2.9\n"
                       "From: <sip:a@h>;tag=1\nTo: <sip:b@h>\nCall-ID: c\n"
                       "CSeq: 1 MESSAGE\n\nhello",
                       STR_ARG(via.text)));
    CHECK(px_has(&x, 1, "\r\nContent-Length: 5\r\n\r\nhello"));
    px_end(&x);
}

static void test_response_without_another_via(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    struct sip_via via = {0};
    CHECK_INT(sip_msg_via(px_sent(&x, 0), &via), 0);
    px_in(&x, fx_parse(&m,
                       "SIP/2.0 404 No\nVia: %.*s\nFrom: <sip:a@h>;tag=1\nTo: <sip:b@h>;tag=x\n"
                       "Call-ID: c\nCSeq: 7 INVITE\n\n",
                       STR_ARG(via.text)));
    CHECK_SENT(&x, 0, "INVITE ACK 502");
    px_end(&x);
}

/** A target that cannot be reached at all. */
static void test_no_way(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0)->request_uri = STR("tel:+4930");
    px_offer(&x, (struct fx_req){0});
    CHECK_SENT(&x, 0, "500");
    px_end(&x);
}

TEST_MAIN(T(test_a_request_goes_on_and_its_response_comes_back),
          T(test_senders_via_says_where_it_came_from), T(test_max_forwards),
          T(test_max_breadth), T(test_proxy_require), T(test_session_interval_too_small),
          T(test_unknown_methods_and_headers_pass), T(test_plan_adds_and_cuts),
          T(test_503_becomes_500_and_transport_errors_too), T(test_invite_that_nobody_answers),
          T(test_non_invite_that_nobody_answers), T(test_provisional_to_non_invite_stays),
          T(test_timer_c), T(test_cancel), T(test_cancel_before_any_provisional_waits),
          T(test_cancel_crosses_200), T(test_loop_and_spiral), T(test_mark_of_long_requests),
          T(test_table_is_full), T(test_stream_gets_content_length),
          T(test_response_without_another_via), T(test_no_way))
