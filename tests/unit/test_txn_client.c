/* SPDX-License-Identifier: Apache-2.0 */
/* Client side: what is sent, ACK, CANCEL, targets, closed flows, limits. */
#include "fixture_txn.h"

/** `fmt` has one %s, for the branch, and \n for CRLF. */
static void check_sent(const struct fx *f, size_t i, const char *branch, const char *fmt)
{
    struct fx_msg want;
    REQUIRE(i < f->sent_n);
    size_t at = str_find(str_c(fmt), STR("%s"));
    (void)fx_parse(&want, "%.*s%s%s", (int)at, fmt, branch, fmt + at + 2);
    CHECK_BYTES(f->sent[i].bytes, str_make(want.buf, want.m.len));
}

/** The branch of the i-th sent message. */
static struct str branch_of(const struct fx *f, size_t i, struct fx_msg *x)
{
    struct sip_via via = {0};
    CHECK_INT(sip_msg_via(fx_sent_msg(f, i, x), &via), 0);
    return via.branch;
}

static void test_via_line_is_put_behind_the_start_line(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK_INT(strlen(t->branch), 23);
    CHECK(str_starts(str_c(t->branch), STR(SIP_BRANCH_COOKIE)));
    check_sent(&f, 0, t->branch,
               "INVITE sip:bob@203.0.113.9:5070 SIP/2.0\n"
               "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
               "Via: SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKupstream\n"
               "Max-Forwards: 69\nRoute: <sip:p1.example.com;lr>\n"
               "Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\n"
               "From: \"Alice\" <sip:alice@example.com>;tag=ours\nTo: <sip:bob@example.com>\n"
               "Call-ID: outgoing@example.com\nCSeq: 314 INVITE\nContent-Length: 0\n\n");
    struct txn *other = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(strcmp(t->branch, other->branch) != 0);
    fx_fini(&f);
}

static void test_via_of_streams_and_ipv6(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_OPTIONS, TP_TLS);
    CHECK(str_find(f.sent[0].bytes, STR("\r\nVia: SIP/2.0/TLS 192.0.2.1:5060;branch=")) <
          f.sent[0].bytes.n);
    CHECK(str_find(f.sent[0].bytes, STR(";rport")) == f.sent[0].bytes.n);
    CHECK(t != NULL);
    struct txn_target to = {
        .hop = {.transport = TP_UDP, .remote = fx_addr("[2001:db8::7]:5060")}};
    CHECK(fx_client_to(&f, SIP_METHOD_OPTIONS, &to, &fx_user) != NULL);
    CHECK(str_find(f.sent[1].bytes, STR("\r\nVia: SIP/2.0/UDP [2001:db8::1]:5060;branch=")) <
          f.sent[1].bytes.n);
    fx_fini(&f);
}

/** What a proxy adds: a mark in the branch, lines behind the Via. */
static void on_way(struct txn *t, struct out *o)
{
    out_c(o, "Record-Route: <sip:");
    addr_write(o, &t->hop.remote);
    out_c(o, ";lr>\r\n");
}

static void test_mark_and_lines_of_the_way(void)
{
    static const struct txn_user user = {fx_on_response, fx_on_failure, fx_on_gone, on_way};
    struct str run[] = {STR("INVITE sip:b@h SIP/2.0\r\n"), STR("CSeq: 1 INVITE\r\n\r\n")};
    struct txn_target to = {.hop = fx_hop(TP_UDP), .mark = STR("0123456789abcdef-too-long")};
    struct fx f;
    fx_init(&f);
    struct txn *t = txn_client_new(&f.l, SIP_METHOD_INVITE, &to, run, 2, &user, &f, f.now);
    REQUIRE(t != NULL);
    CHECK_INT(strlen(t->branch), TXN_BRANCH_OWN + TXN_MARK_MAX);
    CHECK_STR(str_c(t->branch + TXN_BRANCH_OWN), "0123456789abcdef");
    check_sent(&f, 0, t->branch,
               "INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
               "Record-Route: <sip:192.0.2.9:5060;lr>\nCSeq: 1 INVITE\n\n");
    CHECK_INT(t->top_n, f.sent[0].bytes.n - run[0].n - run[1].n);
    /* A name that is known later: the lines come then. */
    f.resolve_err = E_AGAIN;
    to = (struct txn_target){.hop = {.transport = TP_UDP}, .host = STR("phone.example.com")};
    t = txn_client_new(&f.l, SIP_METHOD_INVITE, &to, run, 2, &user, &f, f.now);
    REQUIRE(t != NULL);
    f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    check_sent(&f, 1, t->branch,
               "INVITE sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
               "Record-Route: <sip:203.0.113.7:5060;lr>\nCSeq: 1 INVITE\n\n");
    fx_fini(&f);
}

/** §16.11: each copy of an ACK that is passed on has the same branch. */
static void test_ack_with_a_branch_of_the_users(void)
{
    struct str run[] = {STR("ACK sip:b@h SIP/2.0\r\n"), STR("CSeq: 1 ACK\r\n\r\n")};
    struct txn_target to = {.hop = fx_hop(TP_UDP), .branch = STR("z9hG4bKsame")};
    struct fx f;
    fx_init(&f);
    CHECK_INT(txn_send_ack(&f.l, &to, run, 2), 0);
    check_sent(&f, 0, "z9hG4bKsame",
               "ACK sip:b@h SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
               "CSeq: 1 ACK\n\n");
    fx_fini(&f);
}

static void test_ack_to_a_refusal(void)
{
    static const char want[] = "ACK sip:bob@203.0.113.9:5070 SIP/2.0\n"
                               "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
                               "Max-Forwards: 70\nRoute: <sip:p1.example.com;lr>\n"
                               "Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\n"
                               "From: \"Alice\" <sip:alice@example.com>;tag=ours\n"
                               "To: <sip:bob@example.com>;tag=theirs\n"
                               "Call-ID: outgoing@example.com\nCSeq: 314 ACK\n"
                               "User-Agent: test\nContent-Length: 0\n\n";
    struct fx f;
    fx_init(&f);
    f.l.user_agent_line = STR("User-Agent: test\r\n");
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 0, 180, "theirs"));
    CHECK(fx_answer(&f, 0, 486, "theirs"));
    check_sent(&f, 1, t->branch, want);
    CHECK(addr_eq(&f.sent[1].hop.remote, &f.sent[0].hop.remote));
    CHECK_INT(f.sent[1].hop.flow, f.sent[0].hop.flow);
    /* Repeated responses get the same ACK and are not told. */
    CHECK(fx_answer(&f, 0, 486, "theirs"));
    CHECK(fx_answer(&f, 0, 486, "theirs"));
    CHECK_INT(f.sent_n, 4);
    check_sent(&f, 3, t->branch, want);
    CHECK_INT(f.heard_n, 2);
    CHECK_INT(f.l.stats.absorbed, 2);
    fx_fini(&f);
}

static void test_ack_longer_than_the_stack_buffer(void)
{
    struct fx f;
    struct fx_msg x;
    char head[6000];
    fx_init(&f);
    int n = snprintf(head, sizeof head,
                     "Max-Forwards: 9\r\nFrom: <sip:%05000d@h>;tag=a\r\nTo: <sip:b@h>\r\n"
                     "Call-ID: c\r\nCSeq: 1 INVITE\r\n\r\n",
                     7);
    struct str run[] = {STR("INVITE sip:b@h SIP/2.0\r\n"), {head, (size_t)n}};
    struct txn_target to = {.hop = fx_hop(TP_UDP)};
    CHECK(txn_client_new(&f.l, SIP_METHOD_INVITE, &to, run, 2, &fx_user, &f, f.now) != NULL);
    CHECK(fx_answer(&f, 0, 404, "x"));
    const struct sip_msg *m = fx_sent_msg(&f, 1, &x);
    CHECK_INT(m->method, SIP_METHOD_ACK);
    CHECK(m->len > 5000);
    fx_fini(&f);
}

static void test_bytes_are_freed_when_they_are_not_needed(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *invite = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK(invite->sent.n > 0);
    CHECK(fx_answer(&f, 0, 200, "x"));
    CHECK(!str_is_set(invite->sent));
    struct txn *info = fx_client(&f, SIP_METHOD_INFO, TP_UDP);
    size_t live = f.tm.live;
    CHECK(fx_answer(&f, 1, 200, "x"));
    CHECK(!str_is_set(info->sent));
    CHECK_INT(f.tm.live, live - 1);
    struct txn *refused = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 2, 603, "x"));
    CHECK(str_starts(refused->sent, STR("ACK ")));
    fx_fini(&f);
}

static void test_every_2xx_is_told(void)
{
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    CHECK(fx_answer(&f, 0, 200, "one"));
    fx_run(&f, 500);
    CHECK(fx_answer(&f, 0, 200, "one"));
    CHECK(fx_answer(&f, 0, 200, "two")); /* a fork */
    fx_run(&f, 31499);
    CHECK(fx_answer(&f, 0, 200, "two"));
    CHECK_INT(f.heard_n, 4);
    fx_run(&f, 2);
    CHECK(!fx_answer(&f, 0, 200, "two"));
    CHECK_INT(f.l.stats.stray_responses, 1);
    CHECK_INT(f.sent_n, 1); /* no ACK: the dialog's business */
    fx_fini(&f);
}

static void test_only_one_final_to_other_requests(void)
{
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_BYE, TP_UDP) != NULL);
    CHECK(fx_answer(&f, 0, 200, "x"));
    CHECK(fx_answer(&f, 0, 200, "x"));
    CHECK(fx_answer(&f, 0, 481, "x"));
    CHECK_INT(f.heard_n, 1);
    CHECK_INT(f.l.stats.absorbed, 2);
    fx_fini(&f);
}

static void test_responses_that_match_nothing(void)
{
    struct fx f;
    struct fx_msg x;
    struct hop from = fx_hop(TP_UDP);
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INFO, TP_UDP);
    static const char *const texts[] = {
        ("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKnot-this-one\n"
         "CSeq: 314 INFO\n\n"),
        "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.1\nCSeq: 314 INFO\n\n",
        "SIP/2.0 200 OK\nCSeq: 314 INFO\n\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        CHECK(!txn_on_response(&f.l, fx_parse(&x, "%s", texts[i]), &from, f.now));
    }
    /* The right branch with another method: CANCEL shares the branch with its INVITE. */
    CHECK(!txn_on_response(&f.l,
                           fx_parse(&x,
                                    "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h;branch=%s\n"
                                    "CSeq: 314 CANCEL\n\n",
                                    t->branch),
                           &from, f.now));
    CHECK_INT(f.l.stats.stray_responses, 4);
    CHECK_INT(f.heard_n, 0);
    fx_fini(&f);
}

/* ---- CANCEL ---- */

static void test_cancel_waits_for_a_provisional(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK_INT(txn_cancel(t, STR("Reason: SIP;cause=200\r\n"), f.now), 0);
    CHECK_INT(txn_cancel(t, STR("Reason: another\r\n"), f.now), 0);
    fx_run(&f, 600);
    CHECK_INT(f.sent_n, 2); /* the INVITE, twice */
    CHECK(fx_answer(&f, 0, 100, ""));
    CHECK_INT(f.sent_n, 3);
    check_sent(&f, 2, t->branch,
               "CANCEL sip:bob@203.0.113.9:5070 SIP/2.0\n"
               "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=%s;rport\n"
               "Max-Forwards: 70\nRoute: <sip:p1.example.com;lr>\n"
               "Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\n"
               "From: \"Alice\" <sip:alice@example.com>;tag=ours\n"
               "To: <sip:bob@example.com>\nCall-ID: outgoing@example.com\n"
               "CSeq: 314 CANCEL\nReason: SIP;cause=200\nContent-Length: 0\n\n");
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK_INT(f.sent_n, 3); /* one is enough */
    CHECK(fx_answer(&f, 2, 200, "x"));
    CHECK(fx_answer(&f, 0, 487, "x"));
    CHECK_STR(fx_sent_what(&f, 3), "ACK");
    fx_run(&f, 100000);
    CHECK_INT(txn_count(&f.l), 0);
    CHECK_INT(f.heard_n, 4); /* 100, 180, 487, gone: nothing of the CANCEL */
    fx_fini(&f);
}

static void test_cancel_after_a_provisional_is_sent_at_once(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_TCP);
    CHECK(fx_answer(&f, 0, 183, "x"));
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    CHECK_STR(fx_sent_what(&f, 1), "CANCEL");
    CHECK_INT(f.sent[1].hop.flow, f.sent[0].hop.flow);
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    CHECK_INT(f.sent_n, 2);
    CHECK_INT(txn_cancel(fx_client(&f, SIP_METHOD_INFO, TP_TCP), STR_NONE, f.now), E_STATE);
    fx_fini(&f);
}

static void test_cancel_crosses_a_200(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    CHECK(fx_answer(&f, 0, 200, "x")); /* it was sent before the CANCEL came there */
    CHECK(fx_answer(&f, 1, 200, "x")); /* and this is the answer to the CANCEL */
    CHECK_INT(t->state, TXN_ACCEPTED);
    CHECK_INT(f.heard[1].value, 200);
    fx_run(&f, 31999);
    CHECK_INT(f.heard_n, 2); /* the guard does not fire */
    fx_run(&f, 1);
    CHECK_INT(f.heard_n, 3);
    CHECK_INT(f.heard[2].what, 'g');
    fx_fini(&f);
}

static void test_cancel_after_the_final_is_harmless(void)
{
    static const unsigned status[] = {200, 486};
    for (size_t i = 0; i < ARRAY_LEN(status); i++) {
        struct fx f;
        fx_init(&f);
        struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
        CHECK(fx_answer(&f, 0, status[i], "x"));
        size_t sent = f.sent_n;
        CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
        CHECK_INT(f.sent_n, sent);
        fx_fini(&f);
    }
}

/** §9.1: an old server answers the CANCEL and never the INVITE. */
static void test_cancel_guard(void)
{
    static const bool before[] = {true, false};
    for (size_t i = 0; i < 2; i++) {
        struct fx f;
        fx_init(&f);
        struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_TCP);
        if (before[i]) {
            CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
        }
        fx_run(&f, 10000);
        CHECK(fx_answer(&f, 0, 180, "x"));
        if (!before[i]) {
            CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
        }
        CHECK(fx_answer(&f, 1, 200, "x"));
        fx_run(&f, 20000);
        CHECK(fx_answer(&f, 0, 180, "x")); /* ringing on does not help */
        fx_run(&f, 11999);
        CHECK_INT(f.heard_n, 2);
        fx_run(&f, 1);
        CHECK_INT(f.heard_n, 4);
        CHECK_INT(f.heard[2].what, 'f');
        CHECK_INT(f.heard[2].value, TXN_TIMEOUT);
        fx_fini(&f);
    }
}

static void test_cancel_without_room_is_tried_again(void)
{
    struct fx f;
    fx_init_with(&f, NULL, 1);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), E_NOMEM);
    CHECK_INT(f.sent_n, 1);
    f.l.pool.limit = 2;
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    CHECK_STR(fx_sent_what(&f, 1), "CANCEL");
    fx_fini(&f);
    /* Wanted before the provisional, no room at the first, room at the second. */
    fx_init_with(&f, NULL, 1);
    t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    CHECK(fx_answer(&f, 0, 100, ""));
    CHECK_INT(f.sent_n, 1);
    f.l.pool.limit = 2;
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK_STR(fx_sent_what(&f, 1), "CANCEL");
    fx_fini(&f);
}

#define ANY_RESPONSE "SIP/2.0 %d X\nVia: SIP/2.0/UDP h;branch=%s\nCSeq: 1 INVITE\n\n"

/** A user that sends nonsense does itself no good, and the layer no harm. */
static void test_an_invite_that_is_no_message(void)
{
    struct fx f;
    struct fx_msg x;
    struct str run[] = {STR("INVITE\r\n"), STR("nonsense")};
    struct txn_target to = {.hop = fx_hop(TP_UDP)};
    fx_init(&f);
    for (int i = 0; i < 2; i++) {
        struct txn *t =
            txn_client_new(&f.l, SIP_METHOD_INVITE, &to, run, 2, &fx_user, &f, f.now);
        CHECK(
            txn_on_response(&f.l, fx_parse(&x, ANY_RESPONSE, 180, t->branch), &to.hop, f.now));
        if (i == 0) {
            CHECK_INT(txn_cancel(t, STR_NONE, f.now), E_SYNTAX);
        }
        CHECK(
            txn_on_response(&f.l, fx_parse(&x, ANY_RESPONSE, 486, t->branch), &to.hop, f.now));
        CHECK_INT(t->state, TXN_COMPLETED);
    }
    CHECK_INT(f.sent_n, 2);
    CHECK_INT(f.heard_n, 4);
    fx_fini(&f);
}

/* ---- targets ---- */

static struct txn *to_name(struct fx *f, enum sip_method method, enum transport tp)
{
    struct txn_target to = {
        .hop = {.transport = (uint8_t)tp}, .host = STR("phone.example.com"), .port = 5066};
    return fx_client_to(f, method, &to, &fx_user);
}

static void test_target_address_opens_a_flow(void)
{
    struct fx f;
    fx_init(&f);
    struct txn_target to = {.hop = {.transport = TP_TCP, .remote = fx_addr("203.0.113.4")}};
    CHECK(fx_client_to(&f, SIP_METHOD_BYE, &to, &fx_user) != NULL);
    CHECK_INT(f.sent[0].hop.flow, 100);
    CHECK_INT(f.opened.remote.port, 5060);
    to = (struct txn_target){.hop = {.transport = TP_TLS}, .host = STR("[2001:db8::9]")};
    CHECK(fx_client_to(&f, SIP_METHOD_BYE, &to, &fx_user) != NULL);
    struct addr want = fx_addr("[2001:db8::9]:5061");
    CHECK(addr_eq(&f.sent[1].hop.remote, &want));
    CHECK_STR(str_c(f.opened_name), "[2001:db8::9]");
    fx_fini(&f);
}

/* Whom a TLS connection must reach is the name of the target, whoever found the address. */
static void test_target_name_goes_to_open(void)
{
    struct fx f;
    fx_init(&f);
    struct txn_target to = {.hop = {.transport = TP_TLS, .remote = fx_addr("203.0.113.4")},
                            .host = STR("example.com")};
    CHECK(fx_client_to(&f, SIP_METHOD_BYE, &to, &fx_user) != NULL);
    CHECK_STR(str_c(f.opened_name), "example.com");
    f.resolve_err = E_AGAIN;
    CHECK(to_name(&f, SIP_METHOD_OPTIONS, TP_TLS) != NULL);
    CHECK_STR(str_c(f.opened_name), "example.com"); /* nothing opened yet */
    f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    CHECK_STR(str_c(f.opened_name), "phone.example.com");
    fx_fini(&f);
}

static void test_target_name_known_at_once(void)
{
    struct fx f;
    struct addr want = fx_addr("203.0.113.7:5066");
    fx_init(&f);
    CHECK(to_name(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    REQUIRE(f.sent_n == 1);
    CHECK(addr_eq(&f.sent[0].hop.remote, &want));
    fx_fini(&f);
}

static void test_target_name_known_later(void)
{
    struct fx f;
    struct fx_msg x;
    fx_init(&f);
    f.resolve_err = E_AGAIN;
    struct txn *t = to_name(&f, SIP_METHOD_INVITE, TP_UDP);
    struct txn *info = to_name(&f, SIP_METHOD_INFO, TP_TCP);
    CHECK_INT(t->state, TXN_RESOLVING);
    txn_on_resolved(&f.l, f.now); /* another name's answer */
    CHECK_INT(f.sent_n, 0);
    fx_run(&f, 3000);
    f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    CHECK_INT(f.sent_n, 2);
    CHECK_BYTES(branch_of(&f, 0, &x), str_c(t->branch));
    CHECK_BYTES(branch_of(&f, 1, &x), str_c(info->branch));
    CHECK_INT(sip_msg_line(&x.m, SIP_HDR_VIA)->name_off, 39); /* behind the start line */
    CHECK(list_empty(&f.l.resolving));
    /* Timer B begins with the sending. */
    fx_run(&f, 31999);
    CHECK_INT(f.heard_n, 0);
    fx_run(&f, 1);
    CHECK_INT(f.heard_n, 4);
    fx_fini(&f);
}

/** One client that fails before anything is sent: what is told, and when. */
static void check_fails(struct fx *f, struct txn *t, enum txn_failure why, uint64_t after)
{
    CHECK(t != NULL);
    CHECK_INT(f->heard_n, 0); /* never from inside */
    fx_run(f, after > 0 ? after - 1 : 0);
    if (after > 0) {
        CHECK_INT(f->heard_n, 0);
        fx_run(f, 1);
    }
    REQUIRE(f->heard_n == 2);
    CHECK_INT(f->heard[0].what, 'f');
    CHECK_INT(f->heard[0].value, why);
    CHECK_INT(f->heard[1].what, 'g');
    CHECK_INT(f->sent_n, 0);
    fx_fini(f);
}

static void test_target_failures(void)
{
    struct fx f;
    fx_init(&f);
    f.resolve_err = E_NOTFOUND;
    check_fails(&f, to_name(&f, SIP_METHOD_INVITE, TP_UDP), TXN_UNRESOLVED, 0);
    fx_init(&f);
    struct txn_target nowhere = {.hop = {.transport = TP_UDP}};
    check_fails(&f, fx_client_to(&f, SIP_METHOD_INFO, &nowhere, &fx_user), TXN_UNRESOLVED, 0);
    fx_init(&f);
    f.open_err = E_UNSUPPORTED;
    check_fails(&f, to_name(&f, SIP_METHOD_INFO, TP_TLS), TXN_TRANSPORT, 0);
    fx_init(&f);
    f.send_err = E_TOOBIG;
    check_fails(&f, fx_client(&f, SIP_METHOD_INVITE, TP_UDP), TXN_TRANSPORT, 0);
    fx_init(&f);
    f.send_err = E_IO;
    check_fails(&f, fx_client(&f, SIP_METHOD_INFO, TP_TCP), TXN_TRANSPORT, 0);
    fx_init(&f);
    f.resolve_err = E_AGAIN;
    check_fails(&f, to_name(&f, SIP_METHOD_INVITE, TP_UDP), TXN_UNRESOLVED, 32000);
}

static void test_look_up_ends_badly(void)
{
    struct fx f;
    fx_init(&f);
    f.resolve_err = E_AGAIN;
    struct txn *t = to_name(&f, SIP_METHOD_INVITE, TP_UDP);
    f.resolve_err = E_NOTFOUND;
    txn_on_resolved(&f.l, f.now);
    check_fails(&f, t, TXN_UNRESOLVED, 0);
    fx_init(&f);
    f.resolve_err = E_AGAIN;
    t = to_name(&f, SIP_METHOD_INVITE, TP_TCP);
    f.resolve_err = 0;
    f.open_err = E_IO;
    txn_on_resolved(&f.l, f.now);
    check_fails(&f, t, TXN_TRANSPORT, 0);
    /* Cancelled while looking: the answer comes, and nothing is sent any more. */
    fx_init(&f);
    f.resolve_err = E_AGAIN;
    t = to_name(&f, SIP_METHOD_INVITE, TP_TCP);
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    check_fails(&f, t, TXN_TIMEOUT, 0);
}

static void test_a_closed_flow_fails_its_own_clients_only(void)
{
    struct fx f;
    fx_init(&f);
    struct txn_target to[2] = {{.hop = fx_hop(TP_TCP)}, {.hop = fx_hop(TP_TCP)}};
    to[1].hop.flow += TXN_FLOW_LISTS; /* the same list */
    struct txn *a = fx_client_to(&f, SIP_METHOD_INVITE, &to[0], &fx_user);
    struct txn *b = fx_client_to(&f, SIP_METHOD_INVITE, &to[1], &fx_user);
    struct txn *c = fx_client_to(&f, SIP_METHOD_INFO, &to[0], &fx_user);
    CHECK(fx_answer(&f, 0, 180, "x"));
    txn_on_flow_closed(&f.l, 0, f.now);
    txn_on_flow_closed(&f.l, to[0].hop.flow, f.now);
    CHECK(fx_answer(&f, 2, 100, "")); /* was on its way: does not save it */
    fx_tick(&f);
    CHECK_INT(f.heard_n, 6);
    CHECK(f.heard[2].t == a && f.heard[2].what == 'f' && f.heard[2].value == TXN_TRANSPORT);
    CHECK(f.heard[3].t == c && f.heard[3].what == 'f' && f.heard[3].value == TXN_TRANSPORT);
    CHECK_INT(b->state, TXN_CALLING);
    CHECK_INT(txn_count(&f.l), 1);
    fx_fini(&f);
}

/** An INVITE whose flow closes just before a provisional is handled must not stand for ever. */
static void test_a_provisional_does_not_hide_a_failure(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_TCP);
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    txn_on_flow_closed(&f.l, t->hop.flow, f.now);
    CHECK(fx_answer(&f, 0, 180, "x"));
    fx_tick(&f);
    CHECK_INT(f.heard_n, 3);
    CHECK_INT(f.heard[1].what, 'f');
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/* ---- the rest ---- */

static void test_limit_refuses(void)
{
    struct fx f;
    fx_init_with(&f, NULL, 2);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_TCP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_TCP) != NULL);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_TCP) == NULL);
    CHECK_INT(f.l.stats.refused, 1);
    CHECK(fx_answer(&f, 0, 200, ""));
    fx_tick(&f);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_TCP) != NULL);
    fx_fini(&f);
}

static void test_an_ack_is_no_transaction(void)
{
    struct fx f;
    struct fx_msg x;
    fx_init(&f);
    struct str run[] = {STR("ACK sip:b@h SIP/2.0\r\n"), STR("CSeq: 1 ACK\r\n\r\n")};
    struct txn_target to = {.hop = fx_hop(TP_UDP)};
    CHECK(txn_client_new(&f.l, SIP_METHOD_ACK, &to, run, 2, NULL, NULL, f.now) == NULL);
    CHECK(txn_client_new(&f.l, SIP_METHOD_INFO, &to, run, 0, NULL, NULL, f.now) == NULL);
    CHECK_INT(txn_send_ack(&f.l, &to, run, 2), 0);
    CHECK_INT(txn_send_ack(&f.l, &to, run, 2), 0);
    CHECK_INT(txn_count(&f.l), 0);
    REQUIRE(f.sent_n == 2);
    CHECK(str_starts(branch_of(&f, 0, &x), STR(SIP_BRANCH_COOKIE)));
    CHECK_INT(x.m.method, SIP_METHOD_ACK);
    CHECK_STR(sip_msg_value(&x.m, SIP_HDR_CSEQ), "1 ACK");
    CHECK(!str_eq(f.sent[0].bytes, f.sent[1].bytes)); /* a branch of its own each time */
    f.resolve_err = E_AGAIN;
    to = (struct txn_target){.hop = {.transport = TP_UDP}, .host = STR("phone.example.com")};
    CHECK_INT(txn_send_ack(&f.l, &to, run, 2), E_AGAIN);
    f.resolve_err = E_NOTFOUND;
    CHECK_INT(txn_send_ack(&f.l, &to, run, 2), E_NOTFOUND);
    f.resolve_err = 0;
    f.send_err = E_IO;
    CHECK_INT(txn_send_ack(&f.l, &to, run, 2), E_IO);
    CHECK_INT(txn_send_ack(&f.l, &to, run, 100000), E_TOOMANY);
    CHECK_INT(f.sent_n, 2);
    fx_fini(&f);
}

TEST_MAIN(T(test_via_line_is_put_behind_the_start_line), T(test_via_of_streams_and_ipv6),
          T(test_mark_and_lines_of_the_way), T(test_ack_with_a_branch_of_the_users),
          T(test_ack_to_a_refusal), T(test_ack_longer_than_the_stack_buffer),
          T(test_bytes_are_freed_when_they_are_not_needed), T(test_every_2xx_is_told),
          T(test_only_one_final_to_other_requests), T(test_responses_that_match_nothing),
          T(test_cancel_waits_for_a_provisional),
          T(test_cancel_after_a_provisional_is_sent_at_once), T(test_cancel_crosses_a_200),
          T(test_cancel_after_the_final_is_harmless), T(test_cancel_guard),
          T(test_cancel_without_room_is_tried_again), T(test_an_invite_that_is_no_message),
          T(test_target_address_opens_a_flow), T(test_target_name_goes_to_open),
          T(test_target_name_known_at_once), T(test_target_name_known_later),
          T(test_target_failures), T(test_look_up_ends_badly),
          T(test_a_closed_flow_fails_its_own_clients_only),
          T(test_a_provisional_does_not_hide_a_failure), T(test_limit_refuses),
          T(test_an_ack_is_no_transaction))
