/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a store, and the engine's side of it.
 *
 * A batch is filled without a lock and goes to the mailbox when the input is done with. The
 * engine takes the lock once an input, and finds it held only for the moment in which the
 * thread exchanges two buffers.
 */
#include "store/parts.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { QUEUE_BYTES = 64 << 20, WAIT_MS = 200, RECENT = 4096, GROUP_COUNT = 256 };

static int64_t wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what the engine hands over ---- */

static void note_lost(struct store *st, uint64_t changes, uint64_t first, uint64_t last)
{
    pthread_mutex_lock(&st->lock);
    st->lost += changes;
    st->count.lost += changes;
    st->flag_resync = true;
    if (first != 0) {
        st->gap_from = st->gap_from == 0 ? first : st->gap_from;
        st->gap_to = last;
    }
    pthread_mutex_unlock(&st->lock);
}

static void on_event(void *ctx, const struct store_event *e)
{
    struct store *st = ctx;

    if (!mail_event(&st->local, e, wall_ms())) {
        note_lost(st, 1, e->number, e->number);
    }
}

static void on_put(void *ctx, enum store_kind kind, struct str key, struct str value)
{
    struct store *st = ctx;

    if (!mail_put(&st->local, kind, key, value)) {
        note_lost(st, 1, 0, 0);
    }
}

static void on_drop(void *ctx, enum store_kind kind, struct str key)
{
    struct store *st = ctx;

    if (!mail_drop(&st->local, kind, key)) {
        note_lost(st, 1, 0, 0);
    }
}

static void on_clear(void *ctx)
{
    struct store *st = ctx;

    if (!mail_clear(&st->local)) {
        note_lost(st, 1, 0, 0);
    }
}

const struct store_ops *store_ops(struct store *st)
{
    return &st->ops;
}

/** Locked: wait for room, but not for ever. @return false: there is none */
static bool make_room(struct store *st)
{
    struct timespec until;

    if (st->in.n + st->local.n <= st->config.queue_bytes) {
        return true;
    }
    if (atomic_load(&st->broken) || !st->running) {
        return false;
    }
    st->count.waited++;
    until = keeper_time(keeper_now() + st->config.wait_ms);
    while (st->in.n + st->local.n > st->config.queue_bytes && !atomic_load(&st->broken)) {
        if (pthread_cond_timedwait(&st->room, &st->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
    return st->in.n + st->local.n <= st->config.queue_bytes;
}

void store_flush(struct store *st)
{
    struct mail *l = &st->local;
    uint64_t changes = l->changes, first = l->first, last = l->last;
    bool ok;

    if (l->n == 0) {
        return;
    }
    l->batches = 1;
    pthread_mutex_lock(&st->lock);
    ok = make_room(st) && mail_join(&st->in, l);
    if (ok) {
        st->accepted++;
        (void)pthread_cond_signal(&st->news);
    }
    pthread_mutex_unlock(&st->lock);
    if (!ok) {
        note_lost(st, changes, first, last);
        *l = (struct mail){.p = l->p, .cap = l->cap};
    }
}

uint64_t store_mark(const struct store *st)
{
    return st->accepted + (st->local.n > 0 ? 1 : 0); /* nobody else changes `accepted` */
}

uint64_t store_done(const struct store *st)
{
    return atomic_load(&st->broken) ? UINT64_MAX : atomic_load(&st->done);
}

void store_poll(struct store *st, struct store_news *out)
{
    pthread_mutex_lock(&st->lock);
    *out = (struct store_news){.changed = st->flag_changed,
                               .broken = atomic_load(&st->broken),
                               .resync = st->flag_resync,
                               .lost = st->lost};
    (void)snprintf(out->why, sizeof(out->why), "%s", st->why);
    if (out->broken) {
        out->resync = false; /* when it works again */
    } else {
        st->flag_resync = false;
    }
    st->flag_changed = false;
    pthread_mutex_unlock(&st->lock);
}

void store_stats(struct store *st, struct store_stats *out)
{
    pthread_mutex_lock(&st->lock);
    *out = st->count;
    out->queued = st->in.n;
    out->broken = atomic_load(&st->broken);
    pthread_mutex_unlock(&st->lock);
}

/* ---- before the thread ---- */

bool store_lasts(const struct store *st)
{
    return st->config.path != NULL;
}

const char *store_database(const struct store *st)
{
    return st->config.path != NULL ? st->config.path : st->db.memory;
}

uint64_t store_head(const struct store *st)
{
    return st->head;
}

static sqlite3_stmt *ask(struct store *st, const char *sql)
{
    sqlite3_stmt *s = NULL;

    return sqlite3_prepare_v2(st->db.handle, sql, -1, &s, NULL) == SQLITE_OK ? s : NULL;
}

bool store_each_row(struct store *st, enum store_kind kind,
                    void (*fn)(void *ctx, struct str key, struct str value), void *ctx)
{
    sqlite3_stmt *s = ask(st, "SELECT key, value FROM rows WHERE kind = ? ORDER BY key");
    int err = SQLITE_ERROR;

    if (s != NULL) {
        (void)sqlite3_bind_int(s, 1, (int)kind);
        while ((err = sqlite3_step(s)) == SQLITE_ROW) {
            fn(ctx, db_str(s, 0), db_str(s, 1));
        }
    }
    (void)sqlite3_finalize(s);
    return err == SQLITE_DONE;
}

uint64_t store_reach(const struct store *st)
{
    return st->oldest > 0 ? st->oldest - 1 : st->head;
}

/* The first part walks from device to device in the index, and does not read what is between.
 */
static const char each_event[] =
    "WITH RECURSIVE device(name) AS ("
    "  SELECT min(watched) FROM events WHERE watched <> '' UNION ALL"
    "  SELECT (SELECT min(watched) FROM events WHERE watched <> '' AND watched > name)"
    "    FROM device WHERE name NOT NULL) "
    "SELECT " EVENT_COLUMNS "FROM events WHERE seq IN ("
    "  SELECT (SELECT max(seq) FROM events WHERE watched <> '' AND watched = name"
    "    AND seq <= ?1) FROM device UNION ALL"
    "  SELECT max(seq) FROM events WHERE event = 'gap' AND seq <= ?1) "
    "UNION ALL SELECT " EVENT_COLUMNS "FROM events WHERE seq > ?1"
    "  AND (watched <> '' OR event = 'gap') ORDER BY seq";

bool store_each_event(struct store *st, uint32_t most,
                      void (*fn)(void *ctx, const struct store_event *e), void *ctx)
{
    uint64_t cut = st->head > most ? st->head - most : 0;
    sqlite3_stmt *s = ask(st, each_event);
    int err = SQLITE_ERROR;

    if (s != NULL) {
        (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)cut);
        while ((err = sqlite3_step(s)) == SQLITE_ROW) {
            struct store_row row;
            db_row(s, &row);
            fn(ctx, &row.event);
        }
    }
    (void)sqlite3_finalize(s);
    return err == SQLITE_DONE;
}

bool store_listen(struct store *st, store_wake_fn fn, void *ctx)
{
    if (st->listeners == ARRAY_LEN(st->listener)) {
        return false;
    }
    st->listener[st->listeners].fn = fn;
    st->listener[st->listeners++].ctx = ctx;
    return true;
}

/* ---- life ---- */

static struct store_config defaults_of(const struct store_config *config)
{
    struct store_config c = *config;

    c.queue_bytes = c.queue_bytes != 0 ? c.queue_bytes : QUEUE_BYTES;
    c.wait_ms = c.wait_ms != 0 ? c.wait_ms : WAIT_MS;
    c.recent = c.recent != 0 ? c.recent : RECENT;
    c.group_count = c.group_count != 0 ? c.group_count : GROUP_COUNT;
    return c;
}

static void free_all(struct store *st)
{
    db_close(&st->db);
    recent_fini(&st->recent);
    mail_free(&st->local);
    mail_free(&st->in);
    mail_free(&st->work);
    (void)pthread_cond_destroy(&st->news);
    (void)pthread_cond_destroy(&st->room);
    (void)pthread_mutex_destroy(&st->lock);
    free(st);
}

static void look_at_numbers(struct store *st)
{
    sqlite3_stmt *s = st->db.stmt[STMT_OLDEST];

    if (sqlite3_step(s) == SQLITE_ROW) {
        st->oldest = (uint64_t)sqlite3_column_int64(s, 0);
        st->head = (uint64_t)sqlite3_column_int64(s, 1);
    }
    (void)sqlite3_reset(s);
    /* a gap reaches further than its own number */
    s = ask(st, "SELECT max(CAST(data AS INTEGER)) FROM events WHERE event = 'gap'");
    if (s != NULL && sqlite3_step(s) == SQLITE_ROW &&
        (uint64_t)sqlite3_column_int64(s, 0) > st->head) {
        st->head = (uint64_t)sqlite3_column_int64(s, 0);
    }
    (void)sqlite3_finalize(s);
    st->count.head = st->head;
    st->count.oldest = st->oldest;
}

struct store *store_open(const struct store_config *config, char *why, size_t cap)
{
    struct store *st = calloc(1, sizeof(*st));
    pthread_condattr_t attr;

    if (st == NULL) {
        (void)snprintf(why, cap, "out of memory");
        return NULL;
    }
    st->config = defaults_of(config);
    st->ops = (struct store_ops){.ctx = st,
                                 .streams = config->streams,
                                 .event = on_event,
                                 .put = on_put,
                                 .drop = on_drop,
                                 .clear = on_clear};
    st->db.lock_fd = -1;
    list_init(&st->reads);
    (void)pthread_mutex_init(&st->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&st->news, &attr);
    (void)pthread_cond_init(&st->room, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (!recent_init(&st->recent, st->config.recent)) {
        (void)snprintf(why, cap, "out of memory");
        free_all(st);
        return NULL;
    }
    if (!db_open(&st->db, &st->config, why, cap)) {
        free_all(st);
        return NULL;
    }
    look_at_numbers(st);
    if (config->path == NULL) {
        st->head = (uint64_t)wall_ms() * 1000;
    }
    return st;
}

bool store_start(struct store *st)
{
    sigset_t all, had;

    (void)sigfillset(&all); /* signals are the program's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &had);
    st->running = pthread_create(&st->thread, NULL, keeper_run, st) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &had, NULL);
    return st->running;
}

uint64_t store_close(struct store *st)
{
    uint64_t lost;

    if (st == NULL) {
        return 0;
    }
    store_flush(st);
    if (st->running) {
        pthread_mutex_lock(&st->lock);
        st->stop = true;
        (void)pthread_cond_signal(&st->news);
        pthread_mutex_unlock(&st->lock);
        (void)pthread_join(st->thread, NULL);
    }
    lost = st->lost + st->work.changes + st->in.changes;
    free_all(st);
    return lost;
}
