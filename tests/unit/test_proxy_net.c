/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole calls through a proxy on a bad network: phones with real dialogs, loss, doubling,
 * disorder, broken connections, another transport on each side, forks. Whatever happens, each
 * phone hears exactly one end and the proxy has nothing left.
 */
#include "fixture_leg.h"
#include "proxy/proxy.h"
#include <stdio.h>

static const struct leg_config config = {
    .session_expires_s = 120,
    .min_se_s = 90,
    .allow = STR_INIT("INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK"),
};

/** A node with a proxy that sends every call to its targets. */
struct relay {
    struct vnode node;
    struct test_mem mem;
    struct wheel wheel;
    struct txn_layer txn;
    struct proxy proxy;
    struct arena scratch;
    struct proxy_target target[3];
    struct proxy_plan plan;
    uint64_t refused; /**< inside a dialog, and not the proxy's */
};

static void on_request(struct relay *r, const struct sip_msg *m, const struct hop *from,
                       uint64_t now_ms)
{
    struct txn *t = NULL;
    bool inside = str_is_set(sip_msg_tag(m, SIP_HDR_TO));
    switch (txn_on_request(&r->txn, m, from, now_ms, &t)) {
    case TXN_IN_ABSORBED:
        break;
    case TXN_IN_CANCEL:
        CHECK(proxy_on_cancel(&r->proxy, t, m, from, now_ms));
        break;
    case TXN_IN_ACK:
        r->refused += !proxy_on_request(&r->proxy, m, from, now_ms);
        break;
    case TXN_IN_MERGED:
    case TXN_IN_NEW:
        CHECK(t == NULL || proxy_owns(t)); /* of the first copy */
        if (inside || m->method == SIP_METHOD_CANCEL) {
            r->refused += !proxy_on_request(&r->proxy, m, from, now_ms);
        } else {
            proxy_forward(&r->proxy, m, from, &r->plan, now_ms);
        }
        break;
    }
}

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct relay *r = ctx;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    (void)wheel_advance(&r->wheel, now_ms);
    CHECK_INT(sip_msg_index(&m, bytes, true, &sip_limits_default, &fault), 0);
    CHECK_INT(sip_msg_check(&m, &sip_limits_default, &fault), 0);
    if (sip_is_request(&m)) {
        on_request(r, &m, from, now_ms);
    } else {
        (void)txn_on_response(&r->txn, &m, from, now_ms);
    }
    arena_reset(&r->scratch);
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct relay *r = ctx;
    (void)wheel_advance(&r->wheel, now_ms);
    arena_reset(&r->scratch);
}

static uint64_t deadline(void *ctx)
{
    struct relay *r = ctx;
    return wheel_next(&r->wheel);
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct relay *r = ctx;
    txn_on_flow_closed(&r->txn, flow, now_ms);
}

static const struct vnode_user relay_user = {
    .receive = receive, .tick = tick, .deadline = deadline, .flow_closed = flow_closed};

static void relay_up(struct relay *r, struct vnet *net)
{
    memset(r, 0, sizeof *r);
    test_mem_init(&r->mem);
    vnet_add(net, &r->node, "proxy", "10.0.0.9", &r->mem.mem, &relay_user, r);
    wheel_init(&r->wheel, net->now_ms);
    arena_init(&r->scratch, &r->mem.mem, 4096);
    CHECK_INT(txn_layer_init(&r->txn, &r->node.env, &r->wheel, NULL, 0), 0);
    CHECK_INT(proxy_init(&r->proxy, &r->node.env, &r->wheel, &r->txn, NULL, &r->scratch,
                         &(struct proxy_config){0}),
              0);
    r->plan.target = r->target;
    r->plan.record_route = true;
}

static void relay_target(struct relay *r, const struct vnode *to, enum transport transport,
                         uint32_t group)
{
    static const char *const uri[] = {"sip:bob@10.0.0.2", "sip:bob@10.0.0.3"};
    struct proxy_target *t = &r->target[r->plan.count];
    *t = (struct proxy_target){.request_uri = str_c(uri[r->plan.count++]),
                               .to = {.hop = vnet_hop(to, transport)},
                               .group = group};
}

static void relay_down(struct relay *r)
{
    CHECK_INT(proxy_count(&r->proxy), 0);
    CHECK_INT(r->proxy.branches.in_use, 0);
    CHECK_INT(txn_count(&r->txn), 0);
    proxy_fini(&r->proxy);
    txn_layer_fini(&r->txn);
    arena_fini(&r->scratch);
    CHECK_INT(r->mem.live, 0);
    CHECK_INT(r->wheel.count, 0);
}

struct four {
    struct vnet net;
    struct station a, b, c;
    struct relay proxy;
};

static void four_up(struct four *w, uint64_t seed)
{
    vnet_init(&w->net, seed);
    station_up(&w->a, &w->net, "alice", "10.0.0.1", &config);
    station_up(&w->b, &w->net, "bob", "10.0.0.2", &config);
    station_up(&w->c, &w->net, "carol", "10.0.0.3", &config);
    relay_up(&w->proxy, &w->net);
}

static void four_down(struct four *w)
{
    struct station *all[] = {&w->a, &w->b, &w->c};
    for (size_t i = 0; i < 3; i++) {
        struct station *s = all[i];
        CHECK_INT(station_ends(s), test_count(s->log, "gone"));
        station_check_empty(s);
        station_down(s);
    }
    relay_down(&w->proxy);
    vnet_fini(&w->net);
    test_context(NULL);
}

static void life(uint64_t seed, uint32_t loss, enum transport near, enum transport far,
                 uint32_t group)
{
    struct four w;
    char context[96];
    four_up(&w, seed);
    relay_target(&w.proxy, &w.b.node, far, 0);
    relay_target(&w.proxy, &w.c.node, far, group);
    w.net.loss = loss;
    w.net.duplicate = seed % 3 == 0 ? 30 : 0;
    w.net.reorder = seed % 2 == 0 ? 40 : 0;
    snprintf(context, sizeof(context), "seed %llu loss %u transports %u %u group %u",
             (unsigned long long)seed, loss, near, far, group);
    test_context(context);
    CHECK(station_call(&w.a, &w.proxy.node, near, SDP_A, STR_NONE) != NULL);
    struct station *phone[] = {&w.b, &w.c};
    for (int i = 0; i < 16; i++) {
        struct station *s = phone[vnet_random(&w.net) % 2];
        unsigned what = (unsigned)(vnet_random(&w.net) % 6);
        if (s->leg != NULL && what == 0) {
            station_stop(s);
        } else if (s->leg != NULL && what < 4) {
            (void)station_respond(s, what < 3 ? 180 : 200, what < 3 ? STR_NONE : SDP_B);
        }
        if (i > 8) {
            station_act(&w.net, &w.a);
            station_act(&w.net, s);
        }
        vnet_run_for(&w.net, vnet_random(&w.net) % (i % 4 == 3 ? 25000 : 700));
    }
    for (int i = 0; i < 3; i++) {
        station_stop(&w.a);
        vnet_run_for(&w.net, vnet_random(&w.net) % 200);
        station_stop(&w.b);
        station_stop(&w.c);
        vnet_run_for(&w.net, 40000); /* a call may come only now */
    }
    CHECK(vnet_run_quiet(&w.net, 1000000));
    CHECK_INT(station_ends(&w.a), 1);
    CHECK_INT(station_ends(&w.b), test_count(w.b.log, "call"));
    CHECK_INT(station_ends(&w.c), test_count(w.c.log, "call"));
    four_down(&w);
}

static void test_bad_network(void)
{
    for (uint32_t loss = 0; loss <= 40; loss += 10) {
        for (uint64_t seed = 1; seed <= 40; seed++) {
            life(seed * 7919 + loss, loss, TP_UDP, TP_UDP, seed % 2);
        }
    }
}

static void test_streams(void)
{
    static const enum transport sides[][2] = {
        {TP_TCP, TP_TCP}, {TP_UDP, TP_TCP}, {TP_TCP, TP_UDP}, {TP_TLS, TP_TCP}};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        life(seed * 104729, 0, sides[seed % 4][0], sides[seed % 4][1], seed % 3 == 0);
    }
}

/** On a good network everything that was asked comes about, on every mix of transports. */
static void test_a_plain_call(void)
{
    static const enum transport all[] = {TP_UDP, TP_TCP, TP_TLS};
    for (size_t i = 0; i < 9; i++) {
        struct four w;
        four_up(&w, i + 1);
        relay_target(&w.proxy, &w.b.node, all[i / 3], 0);
        w.a.auto_ack = w.a.auto_answer = w.b.auto_answer = true;
        station_call(&w.a, &w.proxy.node, all[i % 3], SDP_A, STR_NONE);
        vnet_run_for(&w.net, 100);
        REQUIRE(w.b.leg != NULL);
        CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
        vnet_run_for(&w.net, 100);
        CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
        vnet_run_for(&w.net, 1000);
        CHECK_INT(test_count(w.a.log, "answered"), 1);
        CHECK_INT(test_count(w.b.log, "acked"), 1);
        CHECK_INT(station_send(&w.b, "INFO", STR_NONE), 0);
        vnet_run_for(&w.net, 1000);
        CHECK_INT(w.b.last_status, 200);
        CHECK_INT(station_send(&w.a, "UPDATE", STR_NONE), 0);
        vnet_run_for(&w.net, 1000);
        CHECK_INT(w.a.last_status, 200);
        station_stop(&w.b);
        CHECK(vnet_run_quiet(&w.net, 200000));
        CHECK_INT(test_count(w.a.log, "ended:"), 1);
        CHECK_INT(w.proxy.refused, 0);
        four_down(&w);
    }
}

/** Connections break while the call is set up and while it stands. */
static void test_broken_streams(void)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct four w;
        four_up(&w, seed);
        relay_target(&w.proxy, &w.b.node, TP_TCP, 0);
        station_call(&w.a, &w.proxy.node, TP_TCP, SDP_A, STR_NONE);
        for (uint64_t i = 0; i < 8; i++) {
            if (i == 1 + seed % 4) {
                (void)vnet_close(&w.net, seed % 2 ? &w.a.node : &w.b.node, &w.proxy.node);
            }
            if (w.b.leg != NULL && i == 2) {
                (void)station_respond(&w.b, 180, STR_NONE);
            }
            if (w.b.leg != NULL && i == 4) {
                (void)station_respond(&w.b, 200, SDP_B);
            }
            vnet_run_for(&w.net, vnet_random(&w.net) % 300);
        }
        station_stop(&w.a);
        vnet_run_for(&w.net, 100);
        station_stop(&w.b);
        vnet_run_for(&w.net, 40000);
        station_stop(&w.b);
        CHECK(vnet_run_quiet(&w.net, 1000000));
        CHECK_INT(station_ends(&w.a), 1);
        four_down(&w);
    }
}

TEST_MAIN(T(test_a_plain_call), T(test_bad_network), T(test_streams), T(test_broken_streams))
