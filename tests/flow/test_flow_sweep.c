/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The representative flows over networks that lose, double and reorder, with several seeds; and
 * with memory that fails, once or from some allocation on. Whatever happens to a flow, in the
 * end nothing is left, every request was answered or given up, nobody hears of a call after its
 * end; and where memory failed, the next call works.
 *
 * BATON_FLOW_SEEDS: how many seeds (default 2); BATON_FLOW_STEP: every how many-th allocation
 * fails from then on (default 7; each one fails once in any case).
 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>

static struct world w;

static unsigned number(const char *name, unsigned fallback)
{
    const char *text = getenv(name);
    unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 0;
    return n == 0 ? fallback : (unsigned)n;
}

/* ---- networks ---- */

static void lossy(const struct script *s, uint32_t loss, uint32_t duplicate, uint32_t reorder,
                  uint64_t seed)
{
    static char where[128];
    world_up(&w, &(struct world_options){
                     .seed = seed, .unregistered = s->unregistered, .tweak = s->tweak});
    snprintf(where, sizeof(where), "%s, loss %u%% double %u%% reorder %u%% seed %llu", s->name,
             loss, duplicate, reorder, (unsigned long long)seed);
    test_context(where);
    w.net.loss = loss;
    w.net.duplicate = duplicate;
    w.net.reorder = reorder;
    w.hard = true;
    w.where = where;
    s->run(&w);
    test_context(where);
    world_down(&w);
}

static void sweep(const char *name)
{
    static const uint32_t losses[] = {0, 5, 10, 20, 30, 50};
    unsigned seeds = number("BATON_FLOW_SEEDS", 2);
    for (size_t i = 0; i < script_count; i++) {
        if (strcmp(scripts[i].name, name) != 0) {
            continue;
        }
        for (size_t l = 0; l < ARRAY_LEN(losses); l++) {
            for (unsigned mix = 0; mix < 4; mix++) {
                for (unsigned seed = 1; seed <= seeds; seed++) {
                    lossy(&scripts[i], losses[l], mix & 1 ? 20 : 0, mix & 2 ? 20 : 0,
                          seed * 1000 + l * 10 + mix);
                }
            }
        }
    }
}

static void test_net_registration(void)
{
    sweep("registration");
}

static void test_net_call(void)
{
    sweep("call");
}

static void test_net_make_call(void)
{
    sweep("MakeCall");
}

static void test_net_hold(void)
{
    sweep("hold");
}

static void test_net_transfer(void)
{
    sweep("transfer");
}

static void test_net_deflect(void)
{
    sweep("deflect");
}

static void test_net_reconnect(void)
{
    sweep("reconnect");
}

static void test_net_attended(void)
{
    sweep("attended");
}

static void test_net_digits(void)
{
    sweep("digits");
}

static void test_net_cancel(void)
{
    sweep("cancel");
}

static void test_net_forwarding(void)
{
    sweep("forwarding");
}

static void test_net_queue(void)
{
    sweep("queue");
}

static void test_net_pickup(void)
{
    sweep("pickup");
}

static void test_net_park(void)
{
    sweep("park");
}

static void test_net_callback(void)
{
    sweep("callback");
}

/* ---- memory ---- */

/** Does it work again? */
static void check_recovered(void)
{
    for (size_t i = 0; i < 2; i++) {
        phone_hang_up(PHONE(&w, i), STR_NONE);
    }
    world_run(&w, 80000); /* whatever had to be given up was */
    PHONE(&w, 0)->obeys_auto = false;
    phone_register(PHONE(&w, 0), 3600);
    phone_register(PHONE(&w, 1), 3600);
    world_run(&w, 300);
    CHECK_INT(PHONE(&w, 1)->register_status, 200);
    CHECK(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    struct ask *q = NULL;
    for (int i = 0; i < 2 && (q == NULL || q->msg.id == CSTA_MSG_NONE); i++) {
        if (!app_is_open(&w.crm)) {
            CHECK(app_open(&w.crm) != NULL);
            world_run(&w, 300);
        }
        q = app_monitor(&w.crm, "1001"); /* 481: the server has let the session go */
        world_run(&w, 200);
    }
    CHECK(q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE);
}

/** @return how many allocations the flow makes */
static size_t starved(const struct script *s, size_t at, bool on)
{
    static char where[64];
    world_up(&w, &(struct world_options){.unregistered = s->unregistered, .tweak = s->tweak});
    snprintf(where, sizeof(where), "%s, allocation %zu%s", s->name, at, on ? " and on" : "");
    w.hard = true;
    w.where = where;
    test_context(where);
    size_t before = w.mem.calls;
    w.mem.fail_at = at == 0 ? 0 : before + at;
    w.mem.fail_on = on;
    s->run(&w);
    size_t calls = w.mem.calls - before;
    w.mem.fail_at = 0;
    test_context(where);
    check_recovered();
    world_down(&w);
    return calls;
}

static void starve(const char *name)
{
    unsigned step = number("BATON_FLOW_STEP", 7);
    for (size_t i = 0; i < script_count; i++) {
        if (strcmp(scripts[i].name, name) != 0) {
            continue;
        }
        size_t n = starved(&scripts[i], 0, false);
        for (size_t at = 1; at <= n; at++) {
            (void)starved(&scripts[i], at, false);
        }
        for (size_t at = 1; at <= n; at += step) {
            (void)starved(&scripts[i], at, true);
        }
    }
}

static void test_memory_registration(void)
{
    starve("registration");
}

static void test_memory_call(void)
{
    starve("call");
}

static void test_memory_make_call(void)
{
    starve("MakeCall");
}

static void test_memory_hold(void)
{
    starve("hold");
}

static void test_memory_transfer(void)
{
    starve("transfer");
}

static void test_memory_deflect(void)
{
    starve("deflect");
}

static void test_memory_reconnect(void)
{
    starve("reconnect");
}

static void test_memory_attended(void)
{
    starve("attended");
}

static void test_memory_digits(void)
{
    starve("digits");
}

static void test_memory_cancel(void)
{
    starve("cancel");
}

static void test_memory_forwarding(void)
{
    starve("forwarding");
}

static void test_memory_queue(void)
{
    starve("queue");
}

static void test_memory_pickup(void)
{
    starve("pickup");
}

static void test_memory_park(void)
{
    starve("park");
}

static void test_memory_callback(void)
{
    starve("callback");
}

/** One run of either kind, for a closer look: BATON_FLOW_ONE="cancel 50 20 20 11053", "hold
   @17" or "hold @17+". */
static void test_one(void)
{
    const char *one = getenv("BATON_FLOW_ONE");
    char name[32] = "", on = 0;
    unsigned a = 0, b = 0, c = 0, seed = 0;
    CHECK(true);
    for (size_t i = 0; one != NULL && i < script_count; i++) {
        bool memory = sscanf(one, "%31s @%u%c", name, &a, &on) >= 2;
        if (!memory && sscanf(one, "%31s %u %u %u %u", name, &a, &b, &c, &seed) < 5) {
            break;
        }
        if (strcmp(scripts[i].name, name) == 0 && memory) {
            (void)starved(&scripts[i], a, on == '+');
        } else if (strcmp(scripts[i].name, name) == 0) {
            lossy(&scripts[i], a, b, c, seed);
        }
    }
}

/** Not enough memory even to begin: no engine, and nothing lost. */
static void test_memory_engine_new(void)
{
    world_up(&w, &(struct world_options){0});
    for (size_t at = 1;; at++) {
        struct test_mem mem;
        struct env env = w.plain;
        test_mem_init(&mem);
        mem.fail_at = at;
        env.mem = mem.mem;
        struct engine *e = engine_new(&env, &w.config, 1000);
        bool whole = mem.calls < at;
        CHECK((e != NULL) == whole);
        engine_free(e);
        CHECK_INT(mem.live, 0);
        if (whole) {
            break;
        }
    }
    world_down(&w);
}

TEST_MAIN(T(test_net_registration), T(test_net_call), T(test_net_make_call), T(test_net_hold),
          T(test_net_transfer), T(test_net_deflect), T(test_net_reconnect),
          T(test_net_attended), T(test_net_digits), T(test_net_cancel), T(test_net_forwarding),
          T(test_net_queue), T(test_net_pickup), T(test_net_park), T(test_net_callback),
          T(test_memory_registration), T(test_memory_call), T(test_memory_make_call),
          T(test_memory_hold), T(test_memory_transfer), T(test_memory_deflect),
          T(test_memory_reconnect), T(test_memory_attended), T(test_memory_digits),
          T(test_memory_cancel), T(test_memory_forwarding), T(test_memory_queue),
          T(test_memory_pickup), T(test_memory_park), T(test_memory_callback),
          T(test_memory_engine_new), T(test_one))
