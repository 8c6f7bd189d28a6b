/* SPDX-License-Identifier: Apache-2.0 */
/* Whole calls of two stations: set-up, ending, CANCEL and what crosses, loss of 2xx and ACK. */
#include "fixture_leg.h"

struct two {
    struct vnet net;
    struct station a, b;
};

static void up(struct two *w, uint64_t seed)
{
    vnet_init(&w->net, seed);
    station_up(&w->a, &w->net, "alice", "10.0.0.1", NULL);
    station_up(&w->b, &w->net, "bob", "10.0.0.2", NULL);
}

static void down(struct two *w)
{
    CHECK(vnet_run_quiet(&w->net, 400000));
    station_check_empty(&w->a);
    station_check_empty(&w->b);
    station_down(&w->a);
    station_down(&w->b);
    vnet_fini(&w->net);
}

static void call_and_hang_up(enum transport transport, bool caller)
{
    struct two w;
    up(&w, 1);
    REQUIRE(station_call(&w.a, &w.b.node, transport, SDP_A, STR_NONE) != NULL);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->state, LEG_EARLY);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    CHECK_INT(w.b.leg->state, LEG_ANSWERED);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->state, LEG_CONFIRMED);
    CHECK_INT(w.b.leg->state, LEG_CONFIRMED);
    struct station *x = caller ? &w.a : &w.b;
    leg_end(x->leg, 0, NULL, station_listen, x, w.net.now_ms);
    CHECK_INT(x->leg->state, LEG_ENDING);
    down(&w);
    CHECK_STR(str_c(w.a.log), caller ? "180 answered answer:200 ended:local gone"
                                     : "180 answered bye ended:bye gone");
    CHECK_STR(str_c(w.b.log), caller ? "call acked bye ended:bye gone"
                                     : "call acked answer:200 ended:local gone");
}

static void test_call_both_ways(void)
{
    call_and_hang_up(TP_UDP, true);
    call_and_hang_up(TP_UDP, false);
    call_and_hang_up(TP_TCP, true);
    call_and_hang_up(TP_TLS, false);
}

TEST_MAIN(T(test_call_both_ways))
