/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole calls on a bad network and with memory that fails: whatever is lost, doubled or late,
 * each side hears exactly one end, and nothing is left.
 */
#include "base/err.h"
#include "fixture_leg.h"
#include <stdio.h>
#include <stdlib.h>

static const struct leg_config config = {
    .session_expires_s = 120,
    .min_se_s = 90,
    .allow = STR_INIT("INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK"),
};

static void up(struct two *w, uint64_t seed)
{
    two_up(w, seed, &config, &config);
}

static void life(uint64_t seed, uint32_t loss, uint32_t dup, uint32_t reorder,
                 enum transport transport)
{
    struct two w;
    char context[96];
    up(&w, seed);
    w.net.loss = loss;
    w.net.duplicate = dup;
    w.net.reorder = reorder;
    snprintf(context, sizeof(context), "seed %llu loss %u dup %u reorder %u transport %u",
             (unsigned long long)seed, loss, dup, reorder, transport);
    test_context(context);
    CHECK(station_call(&w.a, &w.b.node, transport, SDP_A, STR_NONE) != NULL);
    vnet_run_for(&w.net, vnet_random(&w.net) % 2000);
    if (w.b.leg != NULL && vnet_random(&w.net) % 8 != 0) {
        (void)station_respond(&w.b, 180, STR_NONE);
        vnet_run_for(&w.net, vnet_random(&w.net) % 1000);
    }
    unsigned fate = (unsigned)(vnet_random(&w.net) % 8);
    if (fate == 0) {
        station_stop(&w.a);
    }
    if (w.b.leg != NULL && fate != 1) {
        (void)station_respond(&w.b, 200, SDP_B);
    } else {
        station_stop(&w.b);
    }
    for (int i = 0; i < 12; i++) {
        station_act(&w.net, &w.a);
        station_act(&w.net, &w.b);
        vnet_run_for(&w.net, vnet_random(&w.net) % (i % 4 == 3 ? 30000 : 700));
    }
    station_stop(&w.a);
    vnet_run_for(&w.net, vnet_random(&w.net) % 200);
    station_stop(&w.b);
    vnet_run_for(&w.net, 40000);
    station_stop(&w.b); /* its call may have come only now, and nobody else answers it */
    CHECK(vnet_run_quiet(&w.net, 1000000));
    CHECK_INT(station_ends(&w.a), 1);
    CHECK_INT(test_count(w.a.log, "gone"), 1);
    CHECK_INT(station_ends(&w.b), test_count(w.b.log, "call"));
    CHECK_INT(test_count(w.b.log, "gone"), test_count(w.b.log, "call"));
    station_check_empty(&w.a);
    station_check_empty(&w.b);
    station_down(&w.a);
    station_down(&w.b);
    vnet_fini(&w.net);
    test_context(NULL);
}

static void test_bad_network(void)
{
    for (uint32_t loss = 0; loss <= 50; loss += 10) {
        for (uint64_t seed = 1; seed <= 60; seed++) {
            life(seed * 7919 + loss, loss, seed % 3 == 0 ? 30 : 0, seed % 2 == 0 ? 40 : 0,
                 TP_UDP);
        }
    }
}

static void test_streams(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        life(seed * 104729, 0, 0, 0, seed % 2 ? TP_TCP : TP_TLS);
    }
}

/** Connections break in the middle of everything. */
static void test_broken_streams(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct two w;
        up(&w, seed);
        CHECK(station_call(&w.a, &w.b.node, TP_TCP, SDP_A, STR_NONE) != NULL);
        for (int i = 0; i < 14; i++) {
            vnet_run_for(&w.net, vnet_random(&w.net) % 40);
            if (i == 3 && w.b.leg != NULL) {
                (void)station_respond(&w.b, 200, SDP_B);
            }
            station_act(&w.net, &w.a);
            station_act(&w.net, &w.b);
            if (vnet_random(&w.net) % 4 == 0) {
                (void)vnet_close(&w.net, &w.a.node, &w.b.node);
            }
        }
        station_stop(&w.a);
        station_stop(&w.b);
        CHECK(vnet_run_quiet(&w.net, 1000000));
        CHECK_INT(station_ends(&w.a), 1);
        CHECK_INT(station_ends(&w.b), test_count(w.b.log, "call"));
        station_check_empty(&w.a);
        station_check_empty(&w.b);
        station_down(&w.a);
        station_down(&w.b);
        vnet_fini(&w.net);
    }
}

/** Without loss nothing is sent twice and nobody waits. */
static void test_good_network_costs_no_repetition(void)
{
    struct two w;
    up(&w, 1);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), 0);
    vnet_run_for(&w.net, 100);
    leg_end(w.b.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    CHECK(vnet_run_quiet(&w.net, 100000));
    CHECK_INT(w.net.sent, 8); /* INVITE 200 ACK, INVITE 200 ACK, BYE 200 */
    CHECK_INT(w.a.txn.stats.retransmitted + w.b.txn.stats.retransmitted, 0);
    station_down(&w.a);
    station_down(&w.b);
    vnet_fini(&w.net);
}

/* ---- memory ---- */

/** A life in which one side's n-th allocation fails (and all that follow, for a while).
    @return true: the allocation was reached */
static bool starved(size_t n, bool caller, bool for_long)
{
    struct two w;
    char context[64];
    up(&w, 5);
    struct station *s = caller ? &w.a : &w.b;
    snprintf(context, sizeof(context), "allocation %zu of the %s%s", n,
             caller ? "caller" : "callee", for_long ? ", and on" : "");
    test_context(context);
    s->mem.fail_at = s->mem.calls + n;
    s->mem.fail_on = for_long;
    bool called = station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE) != NULL;
    vnet_run_for(&w.net, 600);
    if (w.b.leg != NULL) {
        (void)station_respond(&w.b, 180, STR_NONE);
        vnet_run_for(&w.net, 600);
    }
    if (w.b.leg != NULL && station_respond(&w.b, 200, SDP_B) == E_NOMEM) {
        vnet_run_for(&w.net, 600);
        (void)station_respond(&w.b, 200, SDP_B);
    }
    vnet_run_for(&w.net, 600);
    if (w.a.leg != NULL && w.a.leg->state == LEG_CONFIRMED) {
        (void)station_send(&w.a, "INVITE", SDP_A);
        vnet_run_for(&w.net, 1500);
    }
    if (w.b.leg != NULL && w.b.leg->state == LEG_CONFIRMED) {
        (void)station_send(&w.b, "INFO", STR_NONE);
        vnet_run_for(&w.net, 600);
    }
    bool reached = s->mem.calls >= s->mem.fail_at;
    station_stop(&w.a);
    vnet_run_for(&w.net, 40000);
    s->mem.fail_at = 0;
    s->mem.fail_on = false;
    station_stop(&w.b);
    CHECK(vnet_run_quiet(&w.net, 1000000));
    if (w.a.request != NULL || called) {
        CHECK_INT(station_ends(&w.a), called);
    }
    CHECK_INT(station_ends(&w.b), test_count(w.b.log, "call"));
    station_check_empty(&w.a);
    station_check_empty(&w.b);
    station_down(&w.a);
    station_down(&w.b);
    vnet_fini(&w.net);
    test_context(NULL);
    return reached;
}

static void test_memory_runs_out(void)
{
    for (int side = 0; side < 4; side++) {
        size_t n = 1;
        while (n < 400 && starved(n, side % 2 == 0, side >= 2)) {
            n++;
        }
        CHECK(n > 5 && n < 400);
    }
}

static void test_leg_limit(void)
{
    struct two w;
    up(&w, 6);
    w.b.legs.leg_pool.limit = 1;
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    struct leg *first = w.a.leg;
    CHECK(station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE) != NULL);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.a.log), "rejected:503 gone");
    leg_end(first, 0, NULL, NULL, NULL, w.net.now_ms);
    CHECK(vnet_run_quiet(&w.net, 100000));
    station_check_empty(&w.a);
    station_check_empty(&w.b);
    station_down(&w.a);
    station_down(&w.b);
    vnet_fini(&w.net);
}

TEST_MAIN(T(test_good_network_costs_no_repetition), T(test_bad_network), T(test_streams),
          T(test_broken_streams), T(test_memory_runs_out), T(test_leg_limit))
