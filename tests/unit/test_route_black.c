/* SPDX-License-Identifier: Apache-2.0 */
/* Servers that have failed: blocked, on trial, healed, forgotten. */
#include "kit_msg.h"
#include "route/black.h"

struct world {
    struct kit kit;
    struct route_black b;
};

static void up(struct world *w, size_t max)
{
    kit_init(&w->kit);
    CHECK_INT(route_black_init(&w->b, &w->kit.env, max), 0);
    CHECK_INT(w->b.first_ms, 10000);
    CHECK_INT(w->b.most_ms, 300000);
}

static void down(struct world *w)
{
    route_black_fini(&w->b);
    CHECK_INT(w->kit.mem.live, 0);
}

static struct hop hop(enum transport t, uint8_t last)
{
    return (struct hop){.transport = (uint8_t)t,
                        .remote = {.ip = {192, 0, 2, last}, .port = 5060, .family = ADDR_IP4}};
}

static uint64_t left(struct world *w, const struct hop *h, uint64_t now)
{
    uint64_t until = route_black_until(&w->b, h, STR_NONE, now);
    return until > now ? until - now : 0;
}

static void test_block_grows_and_heals(void)
{
    struct world w;
    struct hop a = hop(TP_UDP, 1), other = hop(TP_TCP, 1);
    up(&w, 8);
    uint64_t now = 1000;
    static const uint64_t want[] = {10000, 20000, 40000, 80000, 160000, 300000, 300000};
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        route_black_add(&w.b, &a, STR_NONE, 0, now);
        CHECK_INT(left(&w, &a, now), want[i]);
        CHECK_INT(left(&w, &other, now), 0);
        now += want[i];
        CHECK_INT(left(&w, &a, now), 0);
    }
    CHECK_INT(route_black_count(&w.b), 1);
    route_black_clear(&w.b, &a, STR_NONE);
    CHECK_INT(route_black_count(&w.b), 0);
    route_black_add(&w.b, &a, STR_NONE, 0, now);
    CHECK_INT(left(&w, &a, now), 10000); /* healed: it begins anew */
    route_black_clear(&w.b, &other, STR_NONE);
    CHECK_INT(route_black_count(&w.b), 1);
    down(&w);
}

/** What fails at the same time fails once; Retry-After can only make it longer. */
static void test_many_failures_at_once(void)
{
    struct world w;
    struct hop a = hop(TP_UDP, 1);
    up(&w, 8);
    for (int i = 0; i < 100; i++) {
        route_black_add(&w.b, &a, STR_NONE, 0, 1000);
    }
    CHECK_INT(left(&w, &a, 1000), 10000);
    route_black_add(&w.b, &a, STR_NONE, 60000, 2000);
    CHECK_INT(left(&w, &a, 2000), 60000);
    route_black_add(&w.b, &a, STR_NONE, 5000, 3000);
    CHECK_INT(left(&w, &a, 3000), 59000);
    route_black_add(&w.b, &a, STR_NONE, UINT32_MAX, 3000);
    CHECK_INT(left(&w, &a, 3000), 300000);
    down(&w);
}

/** When the time is over one request goes there; the others wait for what comes of it. */
static void test_trial(void)
{
    struct world w;
    struct hop a = hop(TP_UDP, 1);
    up(&w, 8);
    route_black_add(&w.b, &a, STR_NONE, 0, 0);
    route_black_use(&w.b, &a, STR_NONE, 9999); /* for want of another: no trial */
    CHECK_INT(left(&w, &a, 9999), 1);
    route_black_use(&w.b, &a, STR_NONE, 10000);
    CHECK_INT(left(&w, &a, 10000), 32000);
    route_black_add(&w.b, &a, STR_NONE, 0, 20000);
    CHECK_INT(left(&w, &a, 20000), 20000);
    route_black_use(&w.b, &a, STR_NONE, 40000);
    route_black_clear(&w.b, &a, STR_NONE);
    CHECK_INT(left(&w, &a, 40000), 0);
    /* Nobody knows any more whether it was bad. */
    route_black_add(&w.b, &a, STR_NONE, 0, 50000);
    route_black_use(&w.b, &a, STR_NONE, 60000 + 300000);
    CHECK_INT(route_black_count(&w.b), 0);
    route_black_add(&w.b, &a, STR_NONE, 0, 400000);
    route_black_add(&w.b, &a, STR_NONE, 0, 410000);
    route_black_add(&w.b, &a, STR_NONE, 0, 430000 + 300000);
    CHECK_INT(left(&w, &a, 730000), 10000);
    down(&w);
}

static void test_names_over_tls(void)
{
    struct world w;
    struct hop tls = hop(TP_TLS, 1), udp = hop(TP_UDP, 1);
    up(&w, 8);
    route_black_add(&w.b, &tls, STR("a.example"), 0, 0);
    CHECK(route_black_until(&w.b, &tls, STR("A.example"), 1) > 0);
    CHECK(route_black_until(&w.b, &tls, STR("b.example"), 1) == 0);
    route_black_add(&w.b, &udp, STR("a.example"), 0, 0);
    CHECK(route_black_until(&w.b, &udp, STR("b.example"), 1) > 0); /* no name matters there */
    down(&w);
}

static void test_order(void)
{
    struct world w;
    up(&w, 8);
    struct route_hops hops = {.n = 4};
    for (uint8_t i = 0; i < 4; i++) {
        hops.hop[i] = hop(TP_UDP, (uint8_t)(i + 1));
    }
    route_black_sort(&w.b, &hops, STR_NONE, 0);
    CHECK_INT(hops.hop[0].remote.ip[3], 1);
    route_black_add(&w.b, &hops.hop[0], STR_NONE, 50000, 0);
    route_black_add(&w.b, &hops.hop[1], STR_NONE, 0, 0);
    route_black_sort(&w.b, &hops, STR_NONE, 1);
    static const uint8_t want[] = {3, 4, 2, 1};
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(hops.hop[i].remote.ip[3], want[i]);
    }
    hops.n = 2;
    route_black_add(&w.b, &hops.hop[0], STR_NONE, 90000, 1);
    route_black_add(&w.b, &hops.hop[1], STR_NONE, 80000, 1);
    route_black_sort(&w.b, &hops, STR_NONE, 1); /* the least bad one, when all are bad */
    CHECK_INT(hops.hop[0].remote.ip[3], 4);
    down(&w);
}

static void test_bounds_and_off(void)
{
    struct world w;
    up(&w, 3);
    for (uint8_t i = 0; i < 5; i++) {
        struct hop h = hop(TP_UDP, i);
        route_black_add(&w.b, &h, STR_NONE, 0, 0);
    }
    CHECK_INT(route_black_count(&w.b), 3);
    struct hop first = hop(TP_UDP, 0), last = hop(TP_UDP, 4);
    CHECK_INT(left(&w, &first, 1), 0);
    CHECK(left(&w, &last, 1) > 0);
    down(&w);
    up(&w, 3);
    w.b.most_ms = 0;
    route_black_add(&w.b, &first, STR_NONE, 5000, 0);
    CHECK_INT(route_black_count(&w.b), 0);
    down(&w);
}

TEST_MAIN(T(test_block_grows_and_heals), T(test_many_failures_at_once), T(test_trial),
          T(test_names_over_tls), T(test_order), T(test_bounds_and_off))
