/* SPDX-License-Identifier: Apache-2.0 */
/* The server's store: see keeping.h. */
#include "server/keeping.h"
#include <stdlib.h>
#include <uv.h>

enum { SETTLE_MS = 1000 };

static void on_wake(void *ctx)
{
    (void)uv_async_send(((struct keeping *)ctx)->async);
}

static void tell(struct keeping *k, const struct store_news *news)
{
    if (news->broken) {
        log_fmt(k->log, TRACE_ERROR, "store", "cannot be written: %s; %s until it can",
                news->why,
                k->refuses ? "nothing new comes in" : "events are told without being kept");
    } else {
        log_fmt(k->log, TRACE_WARN, "store",
                "can be written again; %llu changes were lost so far",
                (unsigned long long)news->lost);
    }
}

static void on_async(uv_async_t *a)
{
    struct keeping *k = a->data;
    struct store_news news;

    if (k->engine == NULL) {
        return;
    }
    store_poll(k->store, &news);
    if (news.changed) {
        tell(k, &news);
        engine_close_gate(k->engine, news.broken && k->refuses);
    }
    if (news.resync) {
        engine_store_all(k->engine, net_now(k->net));
    }
    keeping_after(k);
    k->woken(k->ctx);
}

bool keeping_open(struct keeping *k, const struct config *c, struct log *log, struct net *net,
                  const struct env **env)
{
    struct store_config config = c->store;
    char why[512];

    config.streams = c->api.listen_count > 0;
    k->log = log;
    k->net = net;
    k->refuses = c->store_refuses;
    if (config.path == NULL && !config.streams) {
        return true;
    }
    k->store = store_open(&config, why, sizeof(why));
    if (k->store == NULL) {
        log_fmt(log, TRACE_ERROR, "store", "%s", why);
        return false;
    }
    k->hold = store_lasts(k->store) ? hold_new(*env, k->store, 0) : NULL;
    k->async = calloc(1, sizeof(*k->async));
    if ((k->hold == NULL && store_lasts(k->store)) || k->async == NULL ||
        uv_async_init(net_loop(net), k->async, on_async) != 0) {
        free(k->async);
        k->async = NULL;
        log_fmt(log, TRACE_ERROR, "store", "out of memory");
        return false;
    }
    k->async->data = k;
    if (!store_listen(k->store, on_wake, k)) {
        return false;
    }
    *env = k->hold != NULL ? hold_env(k->hold) : *env;
    return true;
}

void keeping_trace_from(struct keeping *k)
{
    if (k->hold != NULL) {
        (void)hold_env(k->hold);
    }
}

const struct store_ops *keeping_ops(struct keeping *k)
{
    return k->store != NULL ? store_ops(k->store) : NULL;
}

/* ---- putting back ---- */

struct back {
    struct engine *engine;
    enum store_kind kind;
    uint64_t now_ms;
};

static void event_back(void *ctx, const struct store_event *e)
{
    engine_restore_event(((struct back *)ctx)->engine, e);
}

static void row_back(void *ctx, struct str key, struct str value)
{
    const struct back *b = ctx;

    engine_restore_row(b->engine, b->kind, key, value, b->now_ms);
}

static void adopted(void *ctx, const struct hop *hop)
{
    engine_adopted(ctx, hop);
}

bool keeping_restore(struct keeping *k, struct engine *e)
{
    struct back b = {.engine = e};
    bool ok;

    if (k->store == NULL) {
        return true;
    }
    b.now_ms = net_now(k->net);
    engine_restore_head(e, store_reach(k->store), store_head(k->store));
    ok = store_each_event(k->store, engine_journal_records(e), event_back, &b);
    for (int kind = 0; ok && kind < STORE_KINDS; kind++) {
        b.kind = (enum store_kind)kind;
        ok = store_each_row(k->store, b.kind, row_back, &b);
    }
    if (!ok || !store_start(k->store)) {
        log_fmt(k->log, TRACE_ERROR, "store",
                ok ? "no thread can be started" : "what was kept cannot be read");
        return false;
    }
    k->engine = e;
    net_each_csta(k->net, adopted, e);
    engine_restored(e, b.now_ms);
    keeping_after(k);
    return true;
}

/* ---- while it runs ---- */

void keeping_after(struct keeping *k)
{
    if (k->store != NULL) {
        store_flush(k->store);
        if (k->hold != NULL) {
            hold_release(k->hold);
        }
    }
}

bool keeping_waits(const struct keeping *k)
{
    struct hold_stats s;

    if (k->hold == NULL) {
        return false;
    }
    hold_stats(k->hold, &s);
    return s.waiting > 0;
}

void keeping_settle(struct keeping *k)
{
    for (int i = 0; i < SETTLE_MS && keeping_waits(k); i++) {
        uv_sleep(1);
        keeping_after(k);
    }
}

void keeping_each_stat(struct keeping *k,
                       void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx)
{
    struct store_stats s;
    struct hold_stats h = {0};

    if (k->store == NULL) {
        return;
    }
    store_stats(k->store, &s);
    if (k->hold != NULL) {
        hold_stats(k->hold, &h);
    }
    fn(ctx, "groups", s.groups);
    fn(ctx, "events", s.events);
    fn(ctx, "changes", s.rows);
    fn(ctx, "failed", s.failed);
    fn(ctx, "lost", s.lost);
    fn(ctx, "waited", s.waited);
    fn(ctx, "forgotten", s.forgotten);
    fn(ctx, "held", h.held);
    fn(ctx, "hold_refused", h.refused);
    fn(ctx, "commit_us_mean", s.groups != 0 ? s.commit_us_total / s.groups : 0);
    fn(ctx, "commit_us_max", s.commit_us_max);
    fn(ctx, "queued_octets", s.queued);
    fn(ctx, "broken", s.broken);
    fn(ctx, "head", s.head);
    fn(ctx, "oldest", s.oldest);
    fn(ctx, "used", s.used);
}

static void on_closed(uv_handle_t *h)
{
    free(h);
}

void keeping_close(struct keeping *k)
{
    uint64_t lost;

    k->engine = NULL;
    if (k->store == NULL) {
        return;
    }
    lost = store_close(k->store);
    if (lost > 0) {
        log_fmt(k->log, TRACE_ERROR, "store", "%llu changes were never written",
                (unsigned long long)lost);
    }
    if (k->async != NULL) {
        uv_close((uv_handle_t *)k->async, on_closed);
    }
    hold_free(k->hold);
    k->store = NULL;
    k->hold = NULL;
    k->async = NULL;
}
