/* SPDX-License-Identifier: Apache-2.0 */
/* Timers of the four machines, to the millisecond (RFC 3261 table 4, RFC 6026, RFC 4320). */
#include "fixture_txn.h"

/** Were the messages sent `what` at these times after the start, and no others? */
static void check_times(const struct fx *f, const char *what, const uint64_t *at, size_t n)
{
    CHECK_INT(f->sent_n, n);
    for (size_t i = 0; i < n && i < f->sent_n; i++) {
        CHECK_STR(fx_sent_what(f, i), what);
        CHECK_INT(f->sent[i].at - FX_START, at[i]);
    }
}

static void check_heard(const struct fx *f, size_t i, char what, int value, uint64_t at)
{
    REQUIRE(i < f->heard_n);
    CHECK_INT(f->heard[i].what, what);
    CHECK_INT(f->heard[i].value, value);
    CHECK_INT(f->heard[i].at - FX_START, at);
}

static void test_ict_timer_a_and_b(void)
{
    static const uint64_t at[] = {0, 500, 1500, 3500, 7500, 15500, 31500};
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    fx_run(&f, 100000);
    check_times(&f, "INVITE", at, ARRAY_LEN(at));
    CHECK_INT(f.heard_n, 2);
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 32000);
    check_heard(&f, 1, 'g', 0, 32000);
    CHECK_INT(f.l.stats.timeouts, 1);
    CHECK_INT(f.l.stats.retransmitted, 6);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

static void test_ict_reliable_is_sent_once(void)
{
    static const uint64_t at[] = {0};
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_TLS) != NULL);
    fx_run(&f, 31999);
    check_times(&f, "INVITE", at, 1);
    CHECK_INT(f.heard_n, 0);
    fx_run(&f, 1);
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 32000);
    fx_fini(&f);
}

static void test_nict_timer_e_and_f(void)
{
    static const uint64_t at[] = {0,     500,   1500,  3500,  7500, 11500,
                                  15500, 19500, 23500, 27500, 31500};
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_OPTIONS, TP_UDP) != NULL);
    fx_run(&f, 100000);
    check_times(&f, "OPTIONS", at, ARRAY_LEN(at));
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 32000);
    CHECK_INT(f.heard_n, 2);
    fx_fini(&f);
}

static void test_nict_proceeding_repeats_at_t2(void)
{
    static const uint64_t at[] = {0, 500, 1500, 5500, 9500, 13500, 17500, 21500, 25500, 29500};
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_INFO, TP_UDP) != NULL);
    fx_run(&f, 600);
    CHECK(fx_answer(&f, 0, 100, ""));
    fx_run(&f, 100000);
    check_times(&f, "INFO", at, ARRAY_LEN(at));
    check_heard(&f, 0, 'r', 100, 600);
    check_heard(&f, 1, 'f', TXN_TIMEOUT, 32000);
    fx_fini(&f);
}

static void test_given_timing_scales_everything(void)
{
    static const uint64_t at[] = {0,   10,  30,  70,  110, 150, 190, 230, 270,
                                  310, 350, 390, 430, 470, 510, 550, 590, 630};
    struct txn_timing timing = {.t1 = 10, .t2 = 40, .t4 = 50, .trying = 5};
    struct fx f;
    fx_init_with(&f, &timing, 0);
    CHECK(fx_client(&f, SIP_METHOD_OPTIONS, TP_UDP) != NULL);
    fx_run(&f, 10000);
    check_times(&f, "OPTIONS", at, ARRAY_LEN(at));
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 640);
    fx_fini(&f);
}

/** Answer a client and say how long it lives after that. */
static uint64_t life_after(enum sip_method method, enum transport tp, unsigned status)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, method, tp);
    CHECK(t != NULL);
    fx_run(&f, 250);
    CHECK(fx_answer(&f, 0, status, "x"));
    fx_run(&f, 500000);
    uint64_t life = UINT64_MAX;
    if (f.heard_n == 2 && f.heard[0].what == 'r' && f.heard[1].what == 'g') {
        life = f.heard[1].at - FX_START - 250;
    }
    fx_fini(&f);
    return life;
}

static void test_client_ends(void)
{
    CHECK_INT(life_after(SIP_METHOD_INVITE, TP_UDP, 486), 32000); /* D */
    CHECK_INT(life_after(SIP_METHOD_INVITE, TP_TCP, 486), 0);
    CHECK_INT(life_after(SIP_METHOD_INVITE, TP_UDP, 200), 32000); /* M */
    CHECK_INT(life_after(SIP_METHOD_INVITE, TP_TCP, 200), 32000);
    CHECK_INT(life_after(SIP_METHOD_BYE, TP_UDP, 200), 5000); /* K */
    CHECK_INT(life_after(SIP_METHOD_BYE, TP_TCP, 200), 0);
    CHECK_INT(life_after(SIP_METHOD_BYE, TP_WS, 481), 0);
}

/** With a T1 that is not the default, D has its minimum and its multiple. */
static void test_timer_d_is_never_below_32_s(void)
{
    for (int i = 0; i < 2; i++) {
        struct txn_timing timing = {.t1 = i == 0 ? 100 : 1000};
        struct fx f;
        fx_init_with(&f, &timing, 0);
        CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
        CHECK(fx_answer(&f, 0, 404, "x"));
        fx_run(&f, 500000);
        check_heard(&f, 1, 'g', 0, i == 0 ? 32000 : 64000);
        fx_fini(&f);
    }
}

static void test_ist_timer_g_and_h(void)
{
    static const uint64_t at[] = {0,     500,   1500,  3500,  7500, 11500,
                                  15500, 19500, 23500, 27500, 31500};
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    fx_run(&f, 100000);
    check_times(&f, "486", at, ARRAY_LEN(at));
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 32000);
    check_heard(&f, 1, 'g', 0, 32000);
    CHECK_INT(f.l.stats.timeouts, 1);
    fx_fini(&f);
}

static void test_ist_reliable_final_is_sent_once(void)
{
    static const uint64_t at[] = {0};
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_TCP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    fx_run(&f, 100000);
    check_times(&f, "486", at, 1);
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 32000);
    fx_fini(&f);
}

/** Answer an INVITE, let the ACK come, and say how long the transaction lives after. */
static void test_server_ends(void)
{
    static const struct {
        const char *method;
        enum transport tp;
        unsigned status;
        bool ack;
        uint64_t life;
    } rows[] = {
        {"INVITE", TP_UDP, 200, false, 32000},                                      /* L */
        {"INVITE", TP_TCP, 200, false, 32000}, {"INVITE", TP_UDP, 603, true, 5000}, /* I */
        {"INVITE", TP_TCP, 603, true, 0},      {"BYE", TP_UDP, 200, false, 32000},  /* J */
        {"BYE", TP_TCP, 200, false, 0},        {"CANCEL", TP_WSS, 481, false, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct fx f;
        struct txn *out;
        fx_init(&f);
        struct txn *t = fx_server(&f, rows[i].tp, (struct fx_req){.method = rows[i].method});
        fx_run(&f, 20);
        CHECK_INT(txn_reply_status(t, rows[i].status, f.now), 0);
        if (rows[i].ack) {
            CHECK_INT(fx_offer(&f, rows[i].tp, (struct fx_req){.method = "ACK"}, &out),
                      TXN_IN_ABSORBED);
        }
        fx_run(&f, 100000);
        CHECK_INT(f.sent_n, 1);
        CHECK_INT(f.heard_n, 1);
        check_heard(&f, 0, 'g', 0, 20 + rows[i].life);
        fx_fini(&f);
    }
}

static void test_100_after_200_ms_of_silence(void)
{
    struct fx f;
    struct fx_msg x;
    fx_init(&f);
    CHECK(fx_server(&f, TP_UDP, (struct fx_req){.lines = "Timestamp: 54.21\n"}) != NULL);
    fx_run(&f, 199);
    CHECK_INT(f.sent_n, 0);
    fx_run(&f, 1);
    REQUIRE(f.sent_n == 1);
    const struct sip_msg *m = fx_sent_msg(&f, 0, &x);
    CHECK_INT(m->status, 100);
    CHECK_STR(sip_msg_value(m, SIP_HDR_TIMESTAMP), "54.21 0.200");
    CHECK_STR(sip_msg_value(m, SIP_HDR_TO), "<sip:bob@example.com>");
    fx_run(&f, 100000);
    CHECK_INT(f.sent_n, 1); /* once, and the user may take its time */
    CHECK_INT(f.heard_n, 0);
    fx_fini(&f);
}

static void test_no_100_when_the_user_spoke(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_TCP, (struct fx_req){.lines = "Timestamp: 54\n"});
    fx_run(&f, 100);
    CHECK_INT(txn_reply_status(t, 180, f.now), 0);
    fx_run(&f, 5000);
    CHECK_INT(f.sent_n, 1);
    CHECK_STR(fx_sent_what(&f, 0), "180");
    CHECK(str_find(f.sent[0].bytes, STR("Timestamp")) == f.sent[0].bytes.n);
    fx_fini(&f);
}

/** RFC 4320 §4.1: 100 to a non-INVITE exactly when Timer E has got to T2. */
static void test_nist_100_when_e_reaches_t2(void)
{
    static const enum transport tps[] = {TP_UDP, TP_TCP};
    for (size_t i = 0; i < 2; i++) {
        struct fx f;
        fx_init(&f);
        struct txn *t = fx_server(&f, tps[i], (struct fx_req){.method = "INFO"});
        CHECK_INT(txn_reply_status(t, 100, f.now), i == 0 ? E_STATE : 0);
        fx_run(&f, 3499);
        CHECK_INT(f.sent_n, i);
        fx_run(&f, 1);
        CHECK_INT(f.sent_n, 1);
        CHECK_STR(fx_sent_what(&f, 0), "100");
        fx_run(&f, 20000);
        CHECK_INT(txn_reply_status(t, 200, f.now), 0);
        CHECK_INT(f.sent_n, 2);
        fx_fini(&f);
    }
}

/** RFC 4320 §4.2: nothing late, no 408, no 1xx but 100. */
static void test_nist_refuses_what_rfc_4320_forbids(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.method = "BYE"});
    CHECK_INT(txn_reply_status(t, 180, f.now), E_VALUE);
    CHECK_INT(txn_reply_status(t, 199, f.now), E_VALUE);
    CHECK_INT(txn_reply_status(t, 408, f.now), E_VALUE);
    CHECK_INT(txn_reply_status(t, 99, f.now), E_VALUE);
    CHECK_INT(txn_reply_status(t, 700, f.now), E_VALUE);
    CHECK_INT(t->state, TXN_CALLING);
    CHECK_INT(f.sent_n, 0);
    fx_run(&f, 40000);
    CHECK_INT(f.sent_n, 1); /* the 100 at 3.5 s */
    CHECK_INT(f.heard_n, 2);
    check_heard(&f, 0, 'f', TXN_TIMEOUT, 32000);
    check_heard(&f, 1, 'g', 0, 32000);
    fx_fini(&f);
}

/* ---- transactions that nobody owns ---- */

static void test_orphan_invite_is_answered(void)
{
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 180, f.now), 0);
    fx_run(&f, 1000);
    txn_detach(t);
    fx_run(&f, 31999);
    CHECK_INT(f.sent_n, 1);
    fx_run(&f, 1);
    CHECK_INT(f.sent_n, 2);
    CHECK_STR(fx_sent_what(&f, 1), "500");
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.method = "ACK"}, &out), TXN_IN_ABSORBED);
    fx_run(&f, 10000);
    CHECK_INT(txn_count(&f.l), 0);
    CHECK_INT(f.heard_n, 0);
    fx_fini(&f);
}

static void test_invite_without_a_user_is_answered(void)
{
    struct fx f;
    struct fx_msg x;
    struct hop from = fx_hop(TP_TCP);
    fx_init(&f);
    const struct sip_msg *m = fx_request(&x, (struct fx_req){0});
    CHECK(txn_server_new(&f.l, m, &from, NULL, NULL, f.now) != NULL);
    fx_run(&f, 32000);
    CHECK_INT(f.sent_n, 2);
    CHECK_STR(fx_sent_what(&f, 0), "100");
    CHECK_STR(fx_sent_what(&f, 1), "500");
    fx_run(&f, 32000);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

static void test_orphan_that_rings_is_forgotten(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    CHECK(fx_answer(&f, 0, 180, "x"));
    fx_run(&f, 1000000);
    CHECK_INT(txn_count(&f.l), 1); /* with a user it may ring for as long as that wants */
    txn_detach(t);
    fx_run(&f, 180999);
    CHECK_INT(txn_count(&f.l), 1);
    fx_run(&f, 2);
    CHECK_INT(txn_count(&f.l), 0);
    CHECK_INT(f.heard_n, 1);
    fx_fini(&f);
}

static void test_detached_client_lives_on(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_client(&f, SIP_METHOD_INVITE, TP_UDP);
    txn_detach(t);
    fx_run(&f, 600);
    CHECK_INT(f.sent_n, 2); /* still repeated */
    CHECK(fx_answer(&f, 0, 180, "x"));
    CHECK(fx_answer(&f, 0, 404, "x"));
    CHECK_STR(fx_sent_what(&f, 2), "ACK");
    fx_run(&f, 40000);
    CHECK_INT(f.heard_n, 0);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

static void test_a_late_tick_catches_up(void)
{
    struct fx f;
    fx_init(&f);
    CHECK(fx_client(&f, SIP_METHOD_INVITE, TP_UDP) != NULL);
    f.now += 3600000;
    (void)wheel_advance(&f.wheel, f.now);
    (void)wheel_advance(&f.wheel, f.now);
    CHECK_INT(txn_count(&f.l), 0);
    CHECK_INT(f.heard_n, 2);
    fx_fini(&f);
}

TEST_MAIN(T(test_ict_timer_a_and_b), T(test_ict_reliable_is_sent_once),
          T(test_nict_timer_e_and_f), T(test_nict_proceeding_repeats_at_t2),
          T(test_given_timing_scales_everything), T(test_client_ends),
          T(test_timer_d_is_never_below_32_s), T(test_ist_timer_g_and_h),
          T(test_ist_reliable_final_is_sent_once), T(test_server_ends),
          T(test_100_after_200_ms_of_silence), T(test_no_100_when_the_user_spoke),
          T(test_nist_100_when_e_reaches_t2), T(test_nist_refuses_what_rfc_4320_forbids),
          T(test_orphan_invite_is_answered), T(test_invite_without_a_user_is_answered),
          T(test_orphan_that_rings_is_forgotten), T(test_detached_client_lives_on),
          T(test_a_late_tick_catches_up))
