/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions over networks that lose, double and reorder, and with memory that fails.
 *
 * Whatever happens: NOTIFYs of a subscription come one at a time, in order, without a gap in
 * the versions; who is still subscribed in the end knows the state as it is; nothing is left
 * behind; and where memory failed, the next subscription works.
 */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher lamp, mail, keys, bindings;
static char where[96];

#define SUMMARY "Event: message-summary\r\nContent-Type: application/simple-message-summary\r\n"
#define KEYS "Content-Type: application/x-as-feature-event+xml\r\n"

static void tweak(struct world *world)
{
    world->config.event.interval_ms = 200;
    world->config.event.unsolicited_mwi = true;
    world->config.event.dialog_partial = true;
}

static void up(uint64_t seed)
{
    world_up(&w, &(struct world_options){.no_apps = true, .seed = seed, .tweak = tweak});
    watcher_up(&lamp, &w.net, &w.node, "lamp", "10.0.4.1", "1003", "pw1003", TP_UDP);
    watcher_up(&mail, &w.net, &w.node, "mail", "10.0.4.2", "1002", "pw1002", TP_UDP);
    watcher_up(&keys, &w.net, &w.node, "keys", "10.0.4.3", "1002", "pw1002", TP_UDP);
    watcher_up(&bindings, &w.net, &w.node, "bindings", "10.0.4.4", "1002", "pw1002", TP_UDP);
    w.hard = true;
    w.where = where;
    test_context(where);
}

static void down(void)
{
    test_context(where);
    w.net.loss = w.net.duplicate = w.net.reorder = 0;
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    CHECK(vnet_run_quiet(&w.net, 200000000));
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    CHECK_INT(world_stat(&w, "event_publications"), 0);
    CHECK_INT(world_stat(&w, "event_resources"), 0);
    world_down(&w);
    watcher_down(&lamp);
    watcher_down(&mail);
    watcher_down(&keys);
    watcher_down(&bindings);
    test_context(NULL);
}

static void settle(uint64_t ms)
{
    for (uint64_t t = 0; t < ms; t += 1000) {
        world_run(&w, 1000);
    }
}

/** All packages, a call, a message, a key, a registration. */
static void play(uint64_t pace_ms)
{
    watcher_subscribe(&lamp, "1002", "dialog", 3600, "", "");
    watcher_subscribe(&mail, "1002", "message-summary", 3600, "", "");
    watcher_subscribe(&keys, "1002", "as-feature-event", 3600, "", "");
    watcher_subscribe(&bindings, "1002", "reg", 3600, "", "");
    settle(pace_ms);
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    settle(pace_ms);
    if (PHONE(&w, 1)->s.leg != NULL) {
        (void)phone_answer(PHONE(&w, 1));
    }
    settle(pace_ms);
    if (keys.status == 200) {
        watcher_refresh(&keys, 3600, KEYS,
                        "<SetDoNotDisturb><device>1</device><doNotDisturbOn>true"
                        "</doNotDisturbOn></SetDoNotDisturb>");
    }
    watcher_send_out(&mail, "PUBLISH", "1002", SUMMARY "Expires: 600\r\n",
                     "Messages-Waiting: yes\r\n");
    phone_register(PHONE(&w, 1), 1800);
    settle(pace_ms);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    settle(pace_ms);
}

static void lossy(uint32_t loss, uint32_t duplicate, uint32_t reorder, uint64_t seed)
{
    (void)snprintf(where, sizeof(where), "loss %u double %u reorder %u seed %llu", loss,
                   duplicate, reorder, (unsigned long long)seed);
    up(seed);
    w.net.loss = loss;
    w.net.duplicate = duplicate;
    w.net.reorder = reorder;
    play(40000);
    test_context(where);
    if (loss <= 20 && lamp.status == 200 && world_stat(&w, "event_notify_failed") == 0) {
        CHECK(lamp.notes > 0);
        CHECK(!watcher_has(&lamp, "<state>confirmed</state>"));
        CHECK(!watcher_has(&lamp, "<state>early</state>"));
        if (keys.status == 200 && keys.notes > 1) {
            CHECK(watcher_has(&keys, "<doNotDisturbOn>true"));
        }
    }
    down();
}

static void test_network(void)
{
    static const uint32_t losses[] = {0, 10, 20, 40};
    for (size_t l = 0; l < ARRAY_LEN(losses); l++) {
        for (unsigned mix = 0; mix < 4; mix++) {
            lossy(losses[l], mix & 1 ? 20 : 0, mix & 2 ? 20 : 0, 100 + l * 10 + mix);
        }
    }
}

static size_t starved(size_t at, bool on)
{
    (void)snprintf(where, sizeof(where), "allocation %zu%s", at, on ? " and on" : "");
    up(1);
    size_t before = w.mem.calls;
    w.mem.fail_at = at == 0 ? 0 : before + at;
    w.mem.fail_on = on;
    lamp.sloppy = mail.sloppy = keys.sloppy = bindings.sloppy = true;
    play(2000);
    size_t calls = w.mem.calls - before;
    w.mem.fail_at = 0;
    test_context(where);
    settle(80000);
    watcher_subscribe(&lamp, "1002", "dialog", 600, "", "");
    world_run(&w, 1000);
    CHECK_INT(lamp.status, 200);
    CHECK(strstr(watcher_last(&lamp)->state, "active") != NULL);
    CHECK(watcher_has(&lamp, "version=\"0\" state=\"full\""));
    down();
    return calls;
}

static void test_memory(void)
{
    size_t n = starved(0, false);
    CHECK(n > 20);
    for (size_t at = 1; at <= n; at++) {
        (void)starved(at, false);
    }
    for (size_t at = 1; at <= n; at += 7) {
        (void)starved(at, true);
    }
}

TEST_MAIN(T(test_network), T(test_memory))
