/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers and where they stand.
 *
 *   from_tail ──head known──► AT THE TAIL ◄──────────── page ◄─┐
 *   fresh, or before the ring ──► waits for its turn ──► on its way
 *   blocked: the sink was full; feed_go
 *   held:    the owner has something to say first; feed_go
 *
 * INVARIANTS. A reader waits for a turn, has a page on its way, or neither; never both. All
 * events up to reader->after were taken or were not for it. The ring has all of nobody's events
 * behind ring.after and up to ring.upto.
 *
 * When there is no reader nothing is read; the first one starts the ring at the newest number.
 */
#include "feed/parts.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RING_EVENTS = 4096, RING_OCTETS = 8 << 20, BEAT_MS = 20000, SLOW_MS = 30000 };

static int64_t wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct str source_of(const struct feed *f)
{
    return str_c(f->source);
}

int feed_make(const struct feed *f, const struct store_row *row, struct arena *a,
              struct cloud_event *out)
{
    int err = cloud_event(&row->event, row->at_ms, source_of(f), a, out);

    return err == 0 || err == E_NOMEM ? err
                                      : cloud_gap(row->number, row->number, "unreadable",
                                                  row->at_ms, source_of(f), a, out);
}

/* ---- one event to one reader ---- */

/** @return false: it takes no more now */
static bool give(struct feed_reader *r, const struct feed_event *e, uint64_t now_ms)
{
    struct feed *f = r->feed;
    int err;

    if (!feed_wants(&r->filter, &e->e) || !r->sink->may(r, &e->e)) {
        r->after = e->e.number;
        return true;
    }
    err = r->sink->event(r, e);
    if (err == E_SPACE) {
        r->blocked = true;
        r->blocked_ms = now_ms;
        return false;
    }
    if (err != 0) {
        feed_close(r);
        return false;
    }
    r->after = e->e.number;
    r->sent++;
    r->octets += e->e.text.n;
    r->told_ms = now_ms;
    f->count.sent++;
    return true;
}

/** An event of its own page. @return false: no more now */
static bool give_own(struct feed_reader *r, const struct cloud_event *e, uint64_t now_ms)
{
    struct feed_event one = {.e = *e};

    one.sse = feed_sse(e, &r->feed->scratch);
    return str_is_set(one.sse) && give(r, &one, now_ms);
}

static bool give_gap(struct feed_reader *r, uint64_t from, uint64_t to, const char *why,
                     uint64_t now_ms)
{
    struct feed *f = r->feed;
    struct cloud_event e;

    return cloud_gap(from, to, why, wall_ms(), source_of(f), &f->scratch, &e) == 0 &&
           give_own(r, &e, now_ms);
}

/* ---- turns ---- */

static void turns(struct feed *f)
{
    while (f->reads < READS && !list_empty(&f->turns)) {
        struct feed_reader *r = list_entry(f->turns.next, struct feed_reader, turn);
        struct feed_page *p = calloc(1, sizeof(*p));
        const struct store_query q = {.after = r->after, .limit = PAGE_EVENTS};
        if (p == NULL || page_ask(f, &q, p) != 0) {
            page_free(p); /* again at the next tick */
            return;
        }
        list_remove(&r->turn);
        p->reader = r;
        r->page = p;
        f->reads++;
    }
}

/** From the ring, as far as there is something and it takes it. */
static void from_ring(struct feed *f, struct feed_reader *r, uint64_t now_ms)
{
    uint32_t place = ring_find(&f->ring, r->after);

    for (uint32_t n = 0; place < f->ring.count; place++, n++) {
        if (n == TURN_EVENTS) { /* the others, too */
            atomic_store(&f->news, true);
            f->config.wake(f->config.ctx);
            return;
        }
        if (!give(r, ring_at(&f->ring, place), now_ms)) {
            return;
        }
    }
    r->after = f->ring.upto > r->after ? f->ring.upto : r->after;
}

/** Whatever it can have now. */
static void pump(struct feed *f, struct feed_reader *r, uint64_t now_ms)
{
    if (!f->started || r->held || r->blocked || r->page != NULL || list_linked(&r->turn)) {
        return;
    }
    if (r->from_tail) {
        r->after = f->ring.upto;
        r->from_tail = r->fresh = false;
        if (r->sink->placed != NULL) {
            r->sink->placed(r);
        }
    }
    if (r->after >= f->ring.after && r->after <= f->ring.upto) {
        r->fresh = false;
    }
    if (r->fresh || r->after < f->ring.after) {
        list_append(&f->turns, &r->turn);
        turns(f);
    } else {
        from_ring(f, r, now_ms);
    }
}

/** It stands behind the newest number: the journal is another one, or was put back. */
static void begin_anew(struct feed_reader *r, uint64_t head, uint64_t now_ms)
{
    uint64_t had = r->after;
    struct feed *f = r->feed;

    r->after = head; /* whatever becomes of the word about it */
    r->fresh = false;
    if (give_gap(r, head + 1, had, "reset", now_ms)) {
        r->after = head;
        pump(f, r, now_ms);
    }
}

static void on_reader_page(struct feed *f, struct feed_page *p, uint64_t now_ms)
{
    struct feed_reader *r = p->reader;
    const struct store_page *c = &p->copy;
    struct cloud_event e;

    f->reads--;
    if (r == NULL) {
        return;
    }
    r->page = NULL;
    if (p->failed || r->blocked) {
        return;
    }
    arena_reset(&f->scratch);
    if (r->fresh && r->after > c->head) {
        begin_anew(r, c->head, now_ms);
        return;
    }
    if (c->gap_to != 0 && !r->quiet &&
        !give_gap(r, c->gap_from, c->gap_to, "retention", now_ms)) {
        return;
    }
    for (size_t i = 0; i < c->count; i++) {
        arena_reset(&f->scratch);
        if (feed_make(f, &c->row[i], &f->scratch, &e) != 0 || !give_own(r, &e, now_ms)) {
            return;
        }
    }
    r->fresh = r->quiet = false;
    r->after = c->after > r->after ? c->after : r->after;
    pump(f, r, now_ms);
}

/* ---- the tail ---- */

static void read_tail(struct feed *f)
{
    struct store_query q = {.after = INT64_MAX, .limit = 1}; /* where the head is */
    struct feed_page *p;

    if (f->tail_busy || list_empty(&f->readers)) {
        return;
    }
    if (f->started) {
        q = (struct store_query){.after = f->ring.upto, .limit = TAIL_EVENTS};
    }
    p = calloc(1, sizeof(*p));
    if (p != NULL) {
        p->tail = true;
        atomic_store(&f->news, false);
    }
    if (p == NULL || page_ask(f, &q, p) != 0) {
        page_free(p);
        atomic_store(&f->news, true); /* at the next tick */
        return;
    }
    f->tail_busy = true;
}

static void push(struct feed *f, const struct cloud_event *e)
{
    f->count.events++;
    if (!ring_push(&f->ring, e)) {
        ring_start(&f->ring, e->number); /* readers find it in pages of their own */
    }
}

static void on_tail_page(struct feed *f, const struct feed_page *p)
{
    const struct store_page *c = &p->copy;
    struct cloud_event e;

    f->tail_busy = false;
    if (p->failed || list_empty(&f->readers)) {
        return;
    }
    if (!f->started) {
        f->started = true;
        ring_start(&f->ring, c->head);
        return;
    }
    arena_reset(&f->scratch);
    if (c->gap_to != 0 && cloud_gap(c->gap_from, c->gap_to, "retention", wall_ms(),
                                    source_of(f), &f->scratch, &e) == 0) {
        push(f, &e);
    }
    for (size_t i = 0; i < c->count; i++) {
        arena_reset(&f->scratch);
        if (feed_make(f, &c->row[i], &f->scratch, &e) == 0) {
            push(f, &e);
        } else {
            ring_start(&f->ring, c->row[i].number);
        }
    }
    f->ring.upto = c->after > f->ring.upto ? c->after : f->ring.upto;
    if (f->ring.upto < c->head) {
        atomic_store(&f->news, true);
    }
}

static void on_asked_page(struct feed_page *p)
{
    if (p->ask != NULL) {
        p->copy.err = p->failed && p->copy.err == 0 ? E_NOMEM : p->copy.err;
        p->ask->page = NULL;
        p->ask->done(p->ask, &p->copy);
    }
}

/* ---- driven ---- */

static void pump_all(struct feed *f, uint64_t now_ms)
{
    list_each(it, &f->readers)
    {
        pump(f, list_entry(it, struct feed_reader, link), now_ms);
    }
}

void feed_run(struct feed *f, uint64_t now_ms)
{
    struct list pages;

    list_init(&pages);
    page_take(f, &pages);
    while (!list_empty(&pages)) {
        struct feed_page *p = list_entry(pages.next, struct feed_page, link);
        list_remove(&p->link);
        if (p->tail) {
            on_tail_page(f, p);
        } else if (p->asked) {
            on_asked_page(p);
        } else {
            on_reader_page(f, p, now_ms);
        }
        page_free(p);
    }
    turns(f);
    if (!f->started || atomic_load(&f->news)) {
        read_tail(f);
    }
    pump_all(f, now_ms);
}

static void look_at(struct feed *f, struct feed_reader *r, uint64_t now_ms)
{
    if (r->sink->alive != NULL && !r->sink->alive(r, now_ms)) {
        r->sink->end(r, FEED_DENIED);
        feed_close(r);
    } else if (r->blocked && !r->patient && now_ms - r->blocked_ms >= f->config.slow_ms) {
        f->count.slow++;
        r->sink->end(r, FEED_SLOW);
        feed_close(r);
    } else if (!r->blocked && !r->held && !r->from_tail && !r->fresh &&
               now_ms - r->told_ms >= f->config.beat_ms) {
        r->told_ms = now_ms;
        r->sink->beat(r);
    }
}

void feed_tick(struct feed *f, uint64_t now_ms)
{
    list_each(it, &f->readers)
    {
        look_at(f, list_entry(it, struct feed_reader, link), now_ms);
    }
    feed_run(f, now_ms);
}

/* ---- readers come and go ---- */

void feed_open(struct feed *f, struct feed_reader *r, enum feed_from from, uint64_t after,
               uint64_t now_ms)
{
    r->feed = f;
    r->after = from == FEED_AFTER ? after : 0;
    r->from_tail = from == FEED_NOW;
    r->quiet = from == FEED_EARLIEST;
    r->fresh = true;
    r->blocked = false;
    r->page = NULL;
    r->number = ++f->last_number;
    r->begun_ms = r->told_ms = now_ms;
    list_append(&f->readers, &r->link);
    f->count.readers++;
    atomic_store(&f->listening, true);
    if (from != FEED_NOW && r->sink->placed != NULL) {
        r->sink->placed(r);
    }
    if (!f->started) {
        read_tail(f);
    }
    pump(f, r, now_ms);
}

void feed_go(struct feed_reader *r, uint64_t now_ms)
{
    if (r->feed != NULL) {
        r->blocked = false;
        pump(r->feed, r, now_ms);
    }
}

void feed_close(struct feed_reader *r)
{
    struct feed *f = r->feed;

    if (f == NULL) {
        return;
    }
    list_remove(&r->link);
    list_remove(&r->turn);
    if (r->page != NULL) {
        r->page->reader = NULL;
        r->page = NULL;
    }
    r->feed = NULL;
    f->count.readers--;
    if (list_empty(&f->readers)) {
        atomic_store(&f->listening, false);
        f->started = false;
        ring_start(&f->ring, 0);
    }
}

uint64_t feed_head(const struct feed *f)
{
    return f->started ? f->ring.upto : 0;
}

void feed_each(const struct feed *f, void (*fn)(void *ctx, const struct feed_reader *r),
               void *ctx)
{
    list_each(it, (struct list *)(uintptr_t)&f->readers)
    {
        fn(ctx, list_entry(it, struct feed_reader, link));
    }
}

/* ---- a page for one who does not follow ---- */

int feed_read(struct feed *f, struct feed_ask *ask)
{
    struct feed_page *p = calloc(1, sizeof(*p));
    int err = p == NULL ? E_NOMEM : 0;

    if (err == 0) {
        p->ask = ask;
        p->asked = true;
        err = page_ask(f,
                       &(struct store_query){
                           .after = ask->after, .limit = ask->limit, .call_id = ask->call_id},
                       p);
    }
    if (err != 0) {
        page_free(p);
        return err;
    }
    ask->page = p;
    return 0;
}

void feed_forget(struct feed_ask *ask)
{
    if (ask->page != NULL) {
        ask->page->ask = NULL;
        ask->page = NULL;
    }
}

/* ---- life ---- */

/** The store has committed something. In its thread. */
static void on_news(void *ctx)
{
    struct feed *f = ctx;

    if (atomic_load(&f->listening) && !atomic_exchange(&f->news, true)) {
        f->config.wake(f->config.ctx);
    }
}

struct feed *feed_new(const struct feed_config *config)
{
    struct feed *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        return NULL;
    }
    f->config = *config;
    f->config.beat_ms = config->beat_ms != 0 ? config->beat_ms : BEAT_MS;
    f->config.slow_ms = config->slow_ms != 0 ? config->slow_ms : SLOW_MS;
    (void)snprintf(f->source, sizeof(f->source), "%.*s", STR_ARG(config->source));
    list_init(&f->readers);
    list_init(&f->turns);
    list_init(&f->arrived);
    arena_init(&f->scratch, &mem_libc, 16384);
    (void)pthread_mutex_init(&f->lock, NULL);
    if (!ring_init(&f->ring, config->ring_events != 0 ? config->ring_events : RING_EVENTS,
                   config->ring_octets != 0 ? config->ring_octets : RING_OCTETS) ||
        !store_listen(config->store, on_news, f)) {
        feed_free(f);
        return NULL;
    }
    return f;
}

void feed_free(struct feed *f)
{
    if (f == NULL) {
        return;
    }
    while (!list_empty(&f->arrived)) {
        struct feed_page *p = list_entry(f->arrived.next, struct feed_page, link);
        list_remove(&p->link);
        page_free(p);
    }
    ring_fini(&f->ring);
    arena_fini(&f->scratch);
    (void)pthread_mutex_destroy(&f->lock);
    free(f);
}

void feed_stats(const struct feed *f, struct feed_stats *out)
{
    *out = f->count;
}
