/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's thread.
 *
 *   wait ──► group ──► commit ──► tell ──► readers ──► retention ──► wait
 *              ▲          │ refused
 *              └── 1 s ◄──┘  (broken; the group is kept and tried again)
 *
 * Whoever wakes it gets his turn between two groups, so a reader with a long way to go delays
 * a group by one page at most, and retention by a few hundred rows.
 *
 * BROKEN. The group stays in `work`, and what comes meanwhile in the mailbox, until that is
 * full. When it works again the hole, if there is one, is told by an event `gap` in the place
 * of the first event that was lost, with the number of the last as its data.
 */
#include "store/parts.h"
#include <errno.h>
#include <stdio.h>
#include <time.h>

enum {
    RETRY_MS = 1000,
    RETENTION_MS = 60000,
    RETENTION_MEMORY_MS = 2000, /* memory is dearer than disk */
    FORGET_AT_ONCE = 500,
    DAY_MS = 86400000
};

uint64_t keeper_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct timespec keeper_time(uint64_t ms)
{
    return (struct timespec){.tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)(ms % 1000) * 1000000};
}

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void wake_all(struct store *st)
{
    for (size_t i = 0; i < st->listeners; i++) {
        st->listener[i].fn(st->listener[i].ctx);
    }
}

/** Locked: until there is something to do, or `until` on keeper_now. */
static void sleep_until(struct store *st, uint64_t until_ms)
{
    struct timespec t = keeper_time(until_ms);

    (void)pthread_cond_timedwait(&st->news, &st->lock, &t);
}

/** Locked: until there is work, and the last group is long enough ago, or there is much of it.
 */
static void gather(struct store *st, uint64_t due_ms)
{
    uint64_t next = st->last_group_ms + st->config.group_ms;

    for (;;) {
        uint64_t now = keeper_now();
        if (st->stop || !list_empty(&st->reads) || now >= due_ms) {
            return;
        }
        if (st->in.n > 0 && (st->in.batches >= st->config.group_count || now >= next)) {
            return;
        }
        sleep_until(st, st->in.n > 0 ? next : due_ms);
    }
}

/** Locked: what waits becomes work. */
static void take(struct store *st)
{
    struct mail empty = st->work;

    if (st->work.n > 0 || st->in.n == 0) {
        return; /* the last group is not done with */
    }
    st->work = st->in;
    st->in = (struct mail){.p = empty.p, .cap = empty.cap};
    st->work_upto = st->accepted;
    (void)pthread_cond_broadcast(&st->room);
}

/** Locked: the numbers that were lost, when all before them is on disk. */
static bool take_gap(struct store *st, struct store_event *e, struct out *last)
{
    if (st->gap_from == 0 || (st->in.first != 0 && st->in.first < st->gap_from)) {
        return false;
    }
    *e = (struct store_event){.number = st->gap_from, .watched = STR(""), .event = STORE_GAP};
    out_u64(last, st->gap_to);
    st->head = st->gap_to > st->head ? st->gap_to : st->head;
    st->gap_from = st->gap_to = 0;
    return true;
}

/** They are said in the journal. */
static void tell_gap(struct store *st)
{
    struct mail m = {0};
    struct store_event e;
    char text[24];
    struct out last;
    bool any;

    out_init(&last, text, sizeof(text));
    pthread_mutex_lock(&st->lock);
    any = take_gap(st, &e, &last);
    pthread_mutex_unlock(&st->lock);
    if (!any) {
        return;
    }
    e.data = out_str_of(&last);
    if (!mail_event(&m, &e, (int64_t)time(NULL) * 1000) ||
        db_commit(&st->db, &m) != SQLITE_OK) {
        pthread_mutex_lock(&st->lock); /* next time */
        st->gap_from = e.number;
        st->gap_to = st->gap_to != 0 ? st->gap_to : st->head;
        pthread_mutex_unlock(&st->lock);
    }
    mail_free(&m);
}

static void on_committed(struct store *st, uint64_t took_us)
{
    struct mail *w = &st->work;

    recent_add(&st->recent, w, st->head);
    if (w->last != 0) {
        st->head = w->last;
        st->oldest = st->oldest == 0 ? w->first : st->oldest;
    }
    pthread_mutex_lock(&st->lock);
    st->count.groups++;
    st->count.batches += w->batches;
    st->count.rows += w->changes;
    st->count.events += w->last != 0 ? w->last - w->first + 1 : 0;
    st->count.commit_us_total += took_us;
    st->count.head = st->head;
    st->count.oldest = st->oldest;
    histogram_add(&st->count.commit_time, took_us);
    if (took_us > st->count.commit_us_max) {
        st->count.commit_us_max = took_us;
    }
    st->flag_changed = st->flag_changed || atomic_load(&st->broken);
    pthread_mutex_unlock(&st->lock);
    *w = (struct mail){.p = w->p, .cap = w->cap};
    tell_gap(st);
    atomic_store(&st->broken, false);
    atomic_store(&st->done, st->work_upto);
}

static void on_refused(struct store *st)
{
    pthread_mutex_lock(&st->lock);
    st->count.failed++;
    st->flag_changed = st->flag_changed || !atomic_load(&st->broken);
    (void)snprintf(st->why, sizeof(st->why), "%s", sqlite3_errmsg(st->db.handle));
    pthread_mutex_unlock(&st->lock);
    atomic_store(&st->broken, true);
}

/** @return false: the disk refuses */
static bool commit(struct store *st)
{
    uint64_t begun = now_us();

    if (st->work.n == 0) {
        return true;
    }
    st->last_group_ms = keeper_now();
    if (db_commit(&st->db, &st->work) == SQLITE_OK) {
        on_committed(st, now_us() - begun);
    } else {
        on_refused(st);
    }
    wake_all(st);
    return st->work.n == 0;
}

/** Old events go, some at a time. */
static void forget(struct store *st)
{
    struct timespec wall;
    int n = 0;

    (void)clock_gettime(CLOCK_REALTIME, &wall);
    if (st->config.keep_days != 0) {
        int64_t before = ((int64_t)wall.tv_sec * 1000) - (int64_t)st->config.keep_days * DAY_MS;
        n = db_forget(&st->db, before, FORGET_AT_ONCE);
    }
    uint64_t used = db_used(&st->db);
    if (n <= 0 && st->config.keep_bytes != 0 && used > st->config.keep_bytes) {
        n = db_forget(&st->db, 0, FORGET_AT_ONCE);
    }
    st->oldest = n > 0 ? db_oldest(&st->db) : st->oldest;
    pthread_mutex_lock(&st->lock);
    st->count.forgotten += n > 0 ? (uint64_t)n : 0;
    st->count.oldest = st->oldest;
    st->count.used = used;
    pthread_mutex_unlock(&st->lock);
    st->retention_ms = keeper_now() + (n == FORGET_AT_ONCE       ? 0
                                       : st->config.path == NULL ? RETENTION_MEMORY_MS
                                                                 : RETENTION_MS);
}

void *keeper_run(void *arg)
{
    struct store *st = arg;
    uint64_t due = 0;

    st->retention_ms = keeper_now();
    for (;;) {
        pthread_mutex_lock(&st->lock);
        if (st->work.n > 0) {
            if (!st->stop && list_empty(&st->reads)) {
                sleep_until(st, due); /* broken */
            }
        } else {
            gather(st, st->retention_ms);
        }
        take(st);
        bool last = st->stop;
        pthread_mutex_unlock(&st->lock);
        if (st->work.n > 0 && (last || !atomic_load(&st->broken) || keeper_now() >= due)) {
            if (!commit(st)) {
                due = keeper_now() + RETRY_MS;
                if (last) {
                    break;
                }
            }
        }
        read_serve(st);
        if (keeper_now() >= st->retention_ms && !atomic_load(&st->broken) && !last) {
            forget(st);
        }
        pthread_mutex_lock(&st->lock);
        bool over = st->stop && st->in.n == 0 && list_empty(&st->reads);
        pthread_mutex_unlock(&st->lock);
        if (over && st->work.n == 0) {
            break;
        }
    }
    return NULL;
}
