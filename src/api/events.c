/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed in the API's thread: it is woken by a job that is sent home from whatever thread has
 * something for it, and looked at each second.
 */
#include "api/events.h"
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "api/webhook.h"
#include "store/store.h"
#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 1000 };

struct api_events {
    struct api *api;
    struct feed *feed;
    struct webhooks *webhooks;
    struct snapshots *snapshots;
    struct api_job wake;
    atomic_bool woken; /**< the job is on its way */
    struct timer tick;
    struct list jobs; /**< struct events_job.own */
    char source[96];
    bool stopped;
};

struct api *events_api(struct api_events *ev)
{
    return ev->api;
}

struct feed *events_feed(struct api_events *ev)
{
    return ev->feed;
}

struct webhooks *events_webhooks(struct api_events *ev)
{
    return ev->webhooks;
}

struct snapshots *events_snapshots(struct api_events *ev)
{
    return ev->snapshots;
}

struct str events_source(const struct api_events *ev)
{
    return str_c(ev->source);
}

struct api_events *api_events(struct api *a)
{
    return a->events;
}

uint64_t events_wall_ms(const struct api_events *ev)
{
    struct timespec t;

    (void)ev;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool events_there(struct api_request *r)
{
    struct api_events *ev = api_events(r->api);

    if (ev == NULL || ev->stopped) {
        api_refuse(r, 503, "noJournal", "There is no journal to read from now.");
        return false;
    }
    return true;
}

int events_post(struct api_events *ev, struct events_job *j)
{
    int err = api_post(ev->api, &j->job);

    if (err == 0) {
        list_append(&ev->jobs, &j->own);
    }
    return err;
}

void events_home(struct events_job *j)
{
    list_remove(&j->own);
}

/* ---- figures ---- */

struct followers {
    uint64_t head, sse, websocket, lag;
};

static void count_follower(void *ctx, const struct feed_reader *r)
{
    struct followers *f = ctx;
    uint64_t lag = f->head > r->after && !r->from_tail ? f->head - r->after : 0;

    if (strcmp(r->kind, "webhook") == 0) {
        return; /* webhooks_stats */
    }
    *(strcmp(r->kind, "sse") == 0 ? &f->sse : &f->websocket) += 1;
    f->lag = lag > f->lag ? lag : f->lag;
}

void api_each_event_stat(struct api *a, void (*fn)(void *ctx, const char *name, uint64_t value),
                         void *ctx)
{
    struct api_events *ev = api_events(a);
    struct followers who = {0};
    struct webhook_stats w;
    struct feed_stats f;

    if (ev == NULL) {
        return;
    }
    who.head = feed_head(ev->feed);
    feed_each(ev->feed, count_follower, &who);
    feed_stats(ev->feed, &f);
    webhooks_stats(ev->webhooks, &w);
    fn(ctx, "sse", who.sse);
    fn(ctx, "websocket", who.websocket);
    fn(ctx, "lag", who.lag);
    fn(ctx, "sent", f.sent);
    fn(ctx, "slow", f.slow);
    fn(ctx, "webhooks_active", w.active);
    fn(ctx, "webhooks_retrying", w.retrying);
    fn(ctx, "webhooks_paused", w.paused);
    fn(ctx, "webhooks_lag", w.lag);
    fn(ctx, "webhooks_delivered", w.delivered);
    fn(ctx, "webhooks_refused", w.refused);
    fn(ctx, "webhooks_failed", w.failed);
}

/* ---- driven ---- */

static void on_home(struct api_job *job)
{
    struct api_events *ev = container_of(job, struct api_events, wake);

    atomic_store(&ev->woken, false);
    if (!ev->stopped) {
        feed_run(ev->feed, api_now(ev->api));
    }
}

/** Any thread. */
static void wake(void *ctx)
{
    struct api_events *ev = ctx;

    if (!atomic_exchange(&ev->woken, true)) {
        api_send_home(ev->api, &ev->wake);
    }
}

static void on_tick(struct timer *t, uint64_t now_ms)
{
    struct api_events *ev = container_of(t, struct api_events, tick);

    timer_set(api_wheel(ev->api), t, now_ms + TICK_MS);
    webhooks_tick(ev->webhooks, now_ms);
    feed_tick(ev->feed, now_ms);
}

struct api_events *events_new(struct api *a, const struct api_events_config *config)
{
    struct api_events *ev = calloc(1, sizeof(*ev));
    struct str node = config->node.n > 0 ? str_upto(config->node, 64) : STR("baton");

    if (ev == NULL) {
        return NULL;
    }
    ev->api = a;
    ev->wake.done = on_home;
    list_init(&ev->jobs);
    (void)snprintf(ev->source, sizeof(ev->source), "/baton/%.*s", STR_ARG(node));
    timer_init(&ev->tick, on_tick);
    ev->feed = feed_new(&(struct feed_config){.store = config->store,
                                              .source = str_c(ev->source),
                                              .wake = wake,
                                              .ctx = ev,
                                              .slow_ms = a->config.stalled_ms});
    ev->webhooks = ev->feed == NULL ? NULL : webhooks_new(ev, a, config);
    ev->snapshots = snapshots_new(ev);
    if (ev->webhooks == NULL || ev->snapshots == NULL) {
        events_free(ev);
        return NULL;
    }
    return ev;
}

void events_begin(struct api_events *ev)
{
    if (ev != NULL) {
        timer_set(api_wheel(ev->api), &ev->tick, api_now(ev->api) + TICK_MS);
        webhooks_begin(ev->webhooks);
    }
}

void events_stop(struct api_events *ev)
{
    if (ev != NULL && !ev->stopped) {
        ev->stopped = true;
        timer_stop(api_wheel(ev->api), &ev->tick);
        snapshots_stop(ev->snapshots);
        webhooks_stop(ev->webhooks);
    }
}

void events_who_gone(struct api_events *ev)
{
    if (ev != NULL) {
        webhooks_who_gone(ev->webhooks);
    }
}

void events_free(struct api_events *ev)
{
    if (ev != NULL) {
        while (!list_empty(&ev->jobs)) {
            struct events_job *j = list_entry(ev->jobs.next, struct events_job, own);
            list_remove(&j->own);
            j->destroy(j);
        }
        webhooks_free(ev->webhooks);
        snapshots_free(ev->snapshots);
        feed_free(ev->feed);
        free(ev);
    }
}

/* ---- GET /v1/subscribers ---- */

struct listing {
    struct text t;
    const struct api_request *r;
    struct api_events *ev;
    uint64_t head, now_ms;
    bool first;
};

static void put_number(struct text *t, const char *name, uint64_t n)
{
    text_name(t, name);
    text_fmt(t, "\"%llu\"", (unsigned long long)n);
}

static void list_one(void *ctx, const struct feed_reader *r)
{
    struct listing *l = ctx;
    struct text *t = &l->t;
    uint64_t at = r->acked != 0 ? r->acked : r->after;
    json_t *filter;
    char *said;

    if (!access_is_admin(l->r->who) && !str_eq(l->r->who->name, r->name)) {
        return;
    }
    text_c(t, l->first ? "{" : ",{");
    l->first = false;
    text_name(t, "subscriber");
    text_fmt(t, "\"%llu\"", (unsigned long long)r->number);
    text_member(t, "kind", str_c(r->kind));
    text_member(t, "who", r->name);
    text_member(t, "peer", r->peer);
    text_name(t, "since");
    text_c(t, "\"");
    text_time(t, events_wall_ms(l->ev) - (l->now_ms - r->begun_ms));
    text_c(t, "\"");
    put_number(t, "sequence", r->after);
    if (r->acked != 0) {
        put_number(t, "acked", r->acked);
    }
    text_name(t, "lag");
    text_fmt(t, "%llu", (unsigned long long)(l->head > at && !r->from_tail ? l->head - at : 0));
    text_name(t, "waits");
    text_c(t, r->blocked ? "true" : "false");
    text_name(t, "events");
    text_fmt(t, "%llu", (unsigned long long)r->sent);
    text_name(t, "octets");
    text_fmt(t, "%llu", (unsigned long long)r->octets);
    filter = choice_filter_json(&r->filter);
    said = filter != NULL ? json_dumps(filter, JSON_COMPACT) : NULL;
    if (said != NULL) {
        text_name(t, "filter");
        text_c(t, said);
    }
    free(said);
    json_decref(filter);
    text_c(t, "}");
}

void api_get_subscribers(struct api_request *r)
{
    struct listing l = {.t = text_in(r->arena), .r = r, .first = true};

    if (!events_there(r)) {
        return;
    }
    l.ev = api_events(r->api);
    l.head = feed_head(l.ev->feed);
    l.now_ms = api_now(r->api);
    text_c(&l.t, "{\"items\":[");
    feed_each(l.ev->feed, list_one, &l);
    text_c(&l.t, "]");
    if (l.head != 0) {
        put_number(&l.t, "sequence", l.head);
    }
    text_c(&l.t, "}");
    text_reply(r, &l.t);
}
