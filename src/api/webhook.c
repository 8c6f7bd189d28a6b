/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks, one event after the other: see webhook.h.
 *
 * An event that was taken out of the feed stays in `body` until the other side has taken it.
 * Meanwhile the sink is full, and the reader stands. The cursor is written as a row of the
 * store at most each SAVE_MS, by a job of its own; only one of them is on its way for each
 * webhook.
 */
#include "api/webhook.h"
#include "api/parts.h"
#include "base/err.h"
#include "engine/engine.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAX_WEBHOOKS = 100,
    AGAIN_MS = 1000,
    AGAIN_MAX_MS = 300000,
    BEHIND_MAX = 100000, /* records of the journal, while nothing can be brought */
    ROW_ROOM = 65536,
};

struct webhooks {
    struct api_events *ev;
    struct api *api;
    struct list list;
    size_t count;
    uint32_t max;
    bool private_targets, stopped;
    struct sender *sender;
    struct webhook_stats total; /**< of all that there was */
};

struct api_events *webhooks_events(const struct webhooks *all)
{
    return all->ev;
}

struct api *webhooks_api(const struct webhooks *all)
{
    return all->api;
}

bool webhooks_private(const struct webhooks *all)
{
    return all->private_targets;
}

bool webhooks_full(const struct webhooks *all, struct str owner)
{
    uint32_t half = all->max / 2, own = 0;

    list_each(it, (struct list *)(uintptr_t)&all->list)
    {
        own += str_eq(list_entry(it, struct webhook, link)->owner, owner);
    }
    return all->count >= all->max || own >= (half > 2 ? half : 2);
}

struct sender *webhooks_sender(const struct webhooks *all)
{
    return all->sender;
}

/* ---- bringing ---- */

static void deliver(struct webhook *w);
static void begin(struct webhook *w);
static void stop(struct webhook *w);

static void on_again(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    deliver(container_of(t, struct webhook, again));
}

/** On to the next event. */
static void go_on(struct webhook *w)
{
    free(w->body);
    w->body = NULL;
    w->attempts = 0;
    if (!w->half) {
        w->cursor = w->number;
        webhook_save(w);
    }
    feed_go(&w->reader, api_now(w->all->api));
}

/** 1 s, 2 s, 4 s … 5 min, of which a random part of up to a half is left out. */
static uint32_t pause_of(uint32_t attempts)
{
    uint32_t ms = AGAIN_MAX_MS;
    uint16_t r = 0;

    if (attempts < 9) {
        ms = (uint32_t)AGAIN_MS << (attempts - 1);
    }
    (void)RAND_bytes((unsigned char *)&r, sizeof(r));
    return ms - (uint32_t)((uint64_t)ms * r / (2 * 65536));
}

static void failed(struct webhook *w, uint32_t wait_s, const char *why)
{
    uint64_t head = feed_head(events_feed(w->all->ev));
    uint32_t ms = pause_of(++w->attempts);

    w->failed++;
    w->all->total.failed++;
    (void)snprintf(w->why, sizeof(w->why), "%s", why);
    if (head > w->cursor + BEHIND_MAX) {
        webhook_pause(w, "tooFarBehind");
        return;
    }
    ms = wait_s > ms / 1000 ? (wait_s < 3600 ? wait_s : 3600) * 1000 : ms;
    timer_set(api_wheel(w->all->api), &w->again, api_now(w->all->api) + ms);
}

static void on_sent(void *owner, unsigned status, uint32_t wait_s, const char *why)
{
    struct webhook *w = owner;

    w->sending = NULL;
    w->status = status;
    if (status >= 200 && status <= 299) {
        w->why[0] = '\0';
        w->delivered++;
        w->all->total.delivered++;
        go_on(w);
    } else if (w->form == WEBHOOK_PUSH && (status == 400 || status == 409 || status == 422)) {
        (void)snprintf(w->why, sizeof(w->why), "%s", why);
        w->refused++;
        w->all->total.refused++;
        go_on(w);
    } else if (status == 404 || status == 410) {
        webhook_pause(w, why);
    } else {
        failed(w, wait_s, why);
    }
}

static void deliver(struct webhook *w)
{
    struct delivery d = {.url = w->url,
                         .secret = w->secret,
                         .body = str_make(w->body, w->body_n),
                         .type = w->form == WEBHOOK_PUSH
                                     ? "application/x-www-form-urlencoded"
                                     : "application/cloudevents+json; charset=utf-8",
                         .webhook = str_c(w->id),
                         .number = w->number};

    if (w->paused || w->gone || w->sending != NULL || w->body == NULL) {
        return;
    }
    w->sending = sender_post(w->all->sender, &d, on_sent, w);
    if (w->sending == NULL) {
        failed(w, 0, "there is no memory for it");
    }
}

/* ---- the sink ---- */

static struct webhook *webhook_of(const struct feed_reader *r)
{
    return container_of((struct feed_reader *)(uintptr_t)r, struct webhook, reader);
}

/** What is to be brought of it. @return 0; 1: nothing; E_NOMEM */
static int make_body(struct webhook *w, const struct cloud_event *e)
{
    char room[2048];
    struct str body = e->text;
    enum push_told told = PUSH_ALL;
    struct out o;

    if (w->form == WEBHOOK_PUSH) {
        out_init(&o, room, sizeof(room));
        told = push_write(w->push, e, &o);
        if (told == PUSH_NOTHING || o.over) {
            return 1;
        }
        body = out_str_of(&o);
    }
    w->body = malloc(body.n + 1);
    if (w->body == NULL) {
        push_undo(w->push);
        return E_NOMEM;
    }
    memcpy(w->body, body.p, body.n);
    w->body_n = body.n;
    w->number = e->number;
    w->half = told == PUSH_FIRST;
    return 0;
}

static int on_event(struct feed_reader *r, const struct feed_event *e)
{
    struct webhook *w = webhook_of(r);
    bool waits = w->body != NULL || webhook_waits_for_past(w, &e->e);
    int err = waits ? E_SPACE : make_body(w, &e->e);

    if (err == 1) {
        w->cursor = e->e.number;
        return 0;
    }
    if (err == E_NOMEM) {
        return E_SPACE; /* the tick tries again */
    }
    if (err == 0) {
        deliver(w);
        err = w->half ? E_SPACE : 0;
    }
    return err;
}

/** All up to there was not for it. */
static void on_beat(struct feed_reader *r)
{
    struct webhook *w = webhook_of(r);

    if (w->body == NULL && r->after > w->cursor) {
        w->cursor = r->after;
        webhook_save(w);
    }
}

static bool on_may(const struct feed_reader *r, const struct cloud_event *e)
{
    return feed_may(webhook_of(r)->who, e);
}

static bool on_alive(const struct feed_reader *r, uint64_t now_ms)
{
    const struct webhook *w = webhook_of(r);

    (void)now_ms;
    return access_alive(w->who, events_wall_ms(w->all->ev));
}

/** It is patient, so its owner may not go on: who else has his name may. */
static void on_end(struct feed_reader *r, enum feed_end why)
{
    struct webhook *w = webhook_of(r);

    (void)why;
    stop(w);
    begin(w);
}

static const struct feed_sink sink = {on_event, on_beat, on_may, on_alive, on_end, NULL};

/** In the name of its owner, who is looked up; of nobody it is paused. */
static void begin(struct webhook *w)
{
    const char *why;

    w->who = allow_owner(w->all->api, w->owner, &why);
    if (w->who == NULL) {
        webhook_pause(w, why);
        return;
    }
    w->reader.sink = &sink;
    w->reader.kind = "webhook";
    w->reader.name = w->owner;
    w->reader.peer = str_c(w->id); /* its URL may be a secret */
    w->reader.patient = true;
    feed_open(events_feed(w->all->ev), &w->reader, FEED_AFTER, w->cursor, api_now(w->all->api));
}

/* ---- rows ---- */

struct saving {
    struct events_job own;
    struct webhook *w; /**< lives until it is home */
    char key[WEBHOOK_ID_MAX];
    uint64_t cursor;
    size_t n;
    char row[];
};

static void run_save(struct api_job *job, struct engine *e, uint64_t now_ms)
{
    struct saving *s = container_of(job, struct saving, own.job);

    (void)now_ms;
    if (s->n == 0) {
        engine_drop_row(e, STORE_WEBHOOK, str_c(s->key));
    } else {
        (void)!engine_put_row(e, STORE_WEBHOOK, str_c(s->key), str_make(s->row, s->n));
    }
    api_job_finish(job);
}

static void destroy_saving(struct events_job *j)
{
    struct saving *s = container_of(j, struct saving, own);

    if (s->w->gone && --s->w->saving == 0) {
        webhook_free(s->w);
    }
    free(s);
}

static void on_saved(struct api_job *job)
{
    struct saving *s = container_of(job, struct saving, own.job);
    struct webhook *w = s->w;

    events_home(&s->own);
    w->saving--;
    w->saved = job->refused ? w->saved : s->cursor;
    if (w->gone && w->saving == 0) {
        webhook_free(w);
    }
    free(s);
}

static bool save(struct webhook *w, bool drop)
{
    struct out o;
    struct saving *s;

    out_init(&o, NULL, 0);
    webhook_pack(&o, w);
    s = calloc(1, sizeof(*s) + o.need);
    if (s == NULL) {
        return false;
    }
    s->w = w;
    s->cursor = w->cursor;
    s->own.job.own = true;
    s->own.job.run = run_save;
    s->own.job.done = on_saved;
    s->own.destroy = destroy_saving;
    (void)snprintf(s->key, sizeof(s->key), "%s", w->id);
    if (!drop) {
        out_init(&o, s->row, o.need);
        webhook_pack(&o, w);
        s->n = o.n;
    }
    if (events_post(w->all->ev, &s->own) != 0) {
        free(s);
        return false;
    }
    w->saving++;
    return true;
}

void webhook_save(struct webhook *w)
{
    if (w->saving == 0 && !w->gone) {
        (void)save(w, false); /* else the tick does */
    }
}

/* ---- life ---- */

struct webhook *webhook_new(struct webhooks *all)
{
    struct webhook *w = calloc(1, sizeof(*w));
    unsigned char octets[8 + 32];
    struct out o;

    if (w == NULL) {
        return NULL;
    }
    w->all = all;
    arena_init(&w->arena, &mem_libc, 1024);
    timer_init(&w->again, on_again);
    if (RAND_bytes(octets, sizeof(octets)) != 1) {
        webhook_free(w);
        return NULL;
    }
    out_init(&o, w->id, sizeof(w->id) - 1);
    out_c(&o, "wh_");
    out_hex(&o, str_make((const char *)octets, 8), false);
    char *secret = arena_zalloc(&w->arena, 64);
    if (secret == NULL) {
        webhook_free(w);
        return NULL;
    }
    out_init(&o, secret, 64);
    out_hex(&o, str_make((const char *)octets + 8, 32), false);
    w->secret = out_str_of(&o);
    return w;
}

bool webhook_set_form(struct webhook *w, enum webhook_form form)
{
    w->form = form;
    if (form == WEBHOOK_PUSH && w->push == NULL) {
        w->push = push_new();
    }
    return form != WEBHOOK_PUSH || w->push != NULL;
}

void webhook_free(struct webhook *w)
{
    if (w != NULL) {
        push_free(w->push);
        free(w->body);
        arena_fini(&w->arena);
        free(w);
    }
}

void webhook_add(struct webhook *w)
{
    list_append(&w->all->list, &w->link);
    w->all->count++;
    if (!w->paused && !w->all->stopped) {
        begin(w);
    }
}

/** Closed; what was on its way is brought again, if it goes on. */
static void stop(struct webhook *w)
{
    feed_close(&w->reader);
    feed_forget(&w->past);
    access_release(w->who);
    w->who = NULL;
    timer_stop(api_wheel(w->all->api), &w->again);
    sending_forget(w->sending);
    w->sending = NULL;
    if (w->body != NULL) {
        push_undo(w->push);
    }
    free(w->body);
    w->body = NULL;
}

void webhook_drop(struct webhook *w)
{
    stop(w);
    list_remove(&w->link);
    w->all->count--;
    w->gone = true;
    if (!save(w, true) && w->saving == 0) {
        webhook_free(w); /* its row comes back with the next start */
    }
}

void webhook_pause(struct webhook *w, const char *why)
{
    stop(w); /* what was on its way is brought again */
    w->paused = true;
    w->orphan = false;
    if (why != w->why) {
        (void)snprintf(w->why, sizeof(w->why), "%s", why);
    }
    api_log(w->all->api, TRACE_WARN, "webhook %s is paused: %s", w->id, w->why);
    webhook_save(w);
}

void webhook_resume(struct webhook *w)
{
    if (!w->paused) { /* at once, if it waits */
        timer_stop(api_wheel(w->all->api), &w->again);
        deliver(w);
        return;
    }
    w->paused = false;
    w->why[0] = '\0';
    w->attempts = 0;
    begin(w);
    webhook_save(w);
}

struct webhook *webhooks_next(struct webhooks *all, struct webhook *w)
{
    struct list *at = w == NULL ? all->list.next : w->link.next;

    return at == &all->list ? NULL : list_entry(at, struct webhook, link);
}

struct webhook *webhooks_find(struct webhooks *all, struct str id)
{
    for (struct webhook *w = NULL; (w = webhooks_next(all, w)) != NULL;) {
        if (str_eq(str_c(w->id), id)) {
            return w;
        }
    }
    return NULL;
}

/* ---- of before ---- */

struct loading {
    struct events_job own;
    struct webhooks *all;
    struct arena arena;
    struct {
        struct str key, row;
    } * row;
    size_t n, cap;
};

static void count_row(void *ctx, struct str key, struct str value)
{
    (void)key;
    (void)value;
    ((struct loading *)ctx)->cap++;
}

static void copy_row(void *ctx, struct str key, struct str value)
{
    struct loading *l = ctx;

    if (l->row != NULL && l->n < l->cap) {
        l->row[l->n].key = arena_dup(&l->arena, key);
        l->row[l->n++].row = arena_dup(&l->arena, value);
    }
}

static void run_load(struct api_job *job, struct engine *e, uint64_t now_ms)
{
    struct loading *l = container_of(job, struct loading, own.job);

    (void)now_ms;
    engine_each_row(e, STORE_WEBHOOK, count_row, l);
    l->row = arena_alloc(&l->arena, (l->cap + 1) * sizeof(*l->row));
    engine_each_row(e, STORE_WEBHOOK, copy_row, l);
    api_job_finish(job);
}

static void destroy_loading(struct events_job *j)
{
    struct loading *l = container_of(j, struct loading, own);

    arena_fini(&l->arena);
    free(l);
}

static void on_loaded(struct api_job *job)
{
    struct loading *l = container_of(job, struct loading, own.job);

    events_home(&l->own);
    for (size_t i = 0; i < l->n && !job->refused && !l->all->stopped; i++) {
        struct webhook *w = webhook_new(l->all);
        int err = w == NULL ? E_NOMEM : webhook_unpack(w, l->row[i].key, l->row[i].row);
        if (err == 0) {
            webhook_add(w);
        } else {
            api_log(l->all->api, TRACE_ERROR, "a webhook of before cannot be read: %s",
                    err_text(err));
            webhook_free(w);
        }
    }
    destroy_loading(&l->own);
}

void webhooks_begin(struct webhooks *all)
{
    struct loading *l = calloc(1, sizeof(*l));

    if (l == NULL) {
        return;
    }
    l->all = all;
    arena_init(&l->arena, &mem_libc, 4096);
    l->own.job.own = true;
    l->own.job.run = run_load;
    l->own.job.done = on_loaded;
    l->own.destroy = destroy_loading;
    if (events_post(all->ev, &l->own) != 0) {
        destroy_loading(&l->own);
    }
}

/* ---- all of them ---- */

void webhooks_tick(struct webhooks *all, uint64_t now_ms)
{
    for (struct webhook *w = NULL; (w = webhooks_next(all, w)) != NULL;) {
        if (w->orphan) {
            w->orphan = false;
            begin(w);
        }
        if (w->cursor != w->saved) {
            webhook_save(w);
        }
        if (w->reader.blocked && w->body == NULL) {
            feed_go(&w->reader, now_ms);
        }
    }
}

void webhooks_who_gone(struct webhooks *all)
{
    for (struct webhook *w = NULL; (w = webhooks_next(all, w)) != NULL;) {
        if (w->who != NULL && w->who->gone) {
            stop(w);
            w->orphan = true;
        }
    }
}

struct webhooks *webhooks_new(struct api_events *ev, struct api *a,
                              const struct api_events_config *config)
{
    struct webhooks *all = calloc(1, sizeof(*all));

    if (all == NULL) {
        return NULL;
    }
    all->ev = ev;
    all->api = a;
    all->max = config->max_webhooks != 0 ? config->max_webhooks : MAX_WEBHOOKS;
    all->private_targets = config->private_targets;
    list_init(&all->list);
    all->sender = sender_new(a, config->private_targets);
    if (all->sender == NULL) {
        free(all);
        return NULL;
    }
    return all;
}

void webhooks_stats(const struct webhooks *all, struct webhook_stats *out)
{
    uint64_t head = feed_head(events_feed(all->ev));

    *out = all->total;
    list_each(it, (struct list *)(uintptr_t)&all->list)
    {
        const struct webhook *w = list_entry(it, struct webhook, link);
        uint64_t lag = w->body != NULL && head > w->cursor ? head - w->cursor : 0;
        *(w->paused ? &out->paused : w->attempts > 0 ? &out->retrying : &out->active) += 1;
        out->lag = lag > out->lag ? lag : out->lag;
    }
}

void webhooks_stop(struct webhooks *all)
{
    all->stopped = true;
    for (struct webhook *w = NULL; (w = webhooks_next(all, w)) != NULL;) {
        stop(w);
    }
    sender_stop(all->sender);
}

void webhooks_free(struct webhooks *all)
{
    if (all == NULL) {
        return;
    }
    while (!list_empty(&all->list)) {
        struct webhook *w = list_entry(all->list.next, struct webhook, link);
        list_remove(&w->link);
        webhook_free(w);
    }
    sender_free(all->sender);
    free(all);
}
