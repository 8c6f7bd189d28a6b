/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of the journal.
 *
 * The newest events are kept in memory as they were committed; who follows the journal is
 * served from there. Who is further behind is served page by page from the database, in the
 * same thread, so that what he gets is a state of it and never half a group. What is to be
 * written waits for one page at most, however many are asked for: signalling may wait for it.
 *
 * RECENT is a ring by number: an event is in slot number % count until another takes its
 * place, and all between `first` and the head are there. Numbers without events (a gap, or
 * events that were lost) empty it.
 */
#include "base/err.h"
#include "store/parts.h"
#include <stdlib.h>

enum { READS_MAX = 1024, PAGE_MAX = 1000, READS_AT_ONCE = 16 };

/* ---- recent events ---- */

bool recent_init(struct recent *r, uint32_t count)
{
    *r = (struct recent){.slot = calloc(count, sizeof(struct store_row *)), .count = count};
    return r->slot != NULL;
}

void recent_fini(struct recent *r)
{
    for (uint32_t i = 0; r->slot != NULL && i < r->count; i++) {
        free(r->slot[i]);
    }
    free(r->slot);
    *r = (struct recent){0};
}

static void keep(char **at, struct str *s)
{
    if (str_is_set(*s)) {
        if (s->n > 0) {
            memcpy(*at, s->p, s->n);
        }
        s->p = *at;
        *at += s->n;
    }
}

static struct store_row *copy_of(const struct store_row *from)
{
    const struct store_event *f = &from->event;
    size_t n = f->watched.n + f->call_id.n + f->event.n + f->cause.n + f->subject.n +
               f->calling.n + f->called.n + f->other.n + f->data.n;
    struct store_row *row = malloc(sizeof(*row) + n);
    char *at;

    if (row == NULL) {
        return NULL;
    }
    *row = *from;
    row->event.user_data = STR_NONE; /* the database has it by the policy only */
    at = (char *)(row + 1);
    keep(&at, &row->event.watched);
    keep(&at, &row->event.call_id);
    keep(&at, &row->event.event);
    keep(&at, &row->event.cause);
    keep(&at, &row->event.subject);
    keep(&at, &row->event.calling);
    keep(&at, &row->event.called);
    keep(&at, &row->event.other);
    keep(&at, &row->event.data);
    return row;
}

static void add_one(struct recent *r, uint64_t last, const struct store_row *row)
{
    struct store_row **slot;
    struct store_row *copy;

    if (r->slot == NULL) {
        return;
    }
    slot = &r->slot[row->number % r->count];
    copy = copy_of(row);
    if (r->first == 0 || row->number != last + 1 || copy == NULL) {
        r->first = row->number + (copy == NULL ? 1 : 0);
    } else if (row->number - r->first >= r->count) {
        r->first = row->number - r->count + 1;
    }
    free(*slot);
    *slot = copy;
}

void recent_add(struct recent *r, const struct mail *work, uint64_t last)
{
    struct unpack u = unpack_of(str_make(work->p, work->n));
    struct change c;

    while (mail_next(&u, &c)) {
        if (c.what == MAIL_EVENT) {
            add_one(r, last, &c.row);
            last = c.row.number;
        }
    }
}

static bool recent_has(const struct store *st, uint64_t number)
{
    const struct recent *r = &st->recent;
    const struct store_row *row;

    if (r->slot == NULL || r->first == 0 || number < r->first || number > st->head) {
        return false;
    }
    row = r->slot[number % r->count];
    return row != NULL && row->number == number;
}

/* ---- pages ---- */

/** What is asked for and not kept any more. */
static void tell_gap(const struct store *st, const struct store_query *q, struct store_page *p)
{
    if (st->oldest > q->after + 1) {
        p->gap_from = q->after + 1;
        p->gap_to = st->oldest - 1;
    } else if (st->oldest == 0 && st->head > q->after) {
        p->gap_from = q->after + 1;
        p->gap_to = st->head;
    }
}

static bool wanted(const struct store_query *q, const struct store_row *row)
{
    return !q->shared || row->event.watched.n == 0;
}

static void page_of_recent(const struct store *st, const struct store_query *q,
                           struct store_row *room, struct store_page *p)
{
    while (p->count < q->limit && recent_has(st, p->after + 1)) {
        const struct store_row *row = st->recent.slot[(p->after + 1) % st->recent.count];
        p->after++;
        if (wanted(q, row)) {
            room[p->count++] = *row;
        }
    }
}

/** Rows of a statement with their strings, kept until the page was told. */
static void page_of_database(struct store *st, const struct store_query *q,
                             struct store_row *room, struct store_page *p)
{
    bool of_call = str_is_set(q->call_id);
    sqlite3_stmt *s = st->db.stmt[of_call     ? STMT_PAGE_CALL
                                  : q->shared ? STMT_PAGE_SHARED
                                              : STMT_PAGE];
    int err;

    (void)sqlite3_bind_int64(s, 1, (sqlite3_int64)p->after);
    (void)sqlite3_bind_int64(s, 2, q->limit);
    if (of_call) {
        (void)sqlite3_bind_text(s, 3, q->call_id.p, (int)q->call_id.n, SQLITE_STATIC);
    }
    while ((err = sqlite3_step(s)) == SQLITE_ROW) {
        struct store_row row, *copy;
        db_row(s, &row);
        copy = copy_of(&row);
        if (copy == NULL) {
            err = SQLITE_NOMEM;
            break;
        }
        room[p->count] = *copy;
        room[p->count].event.user_data = str_make((char *)copy, 0); /* to be freed by */
        p->count++;
        p->after = row.number;
    }
    (void)sqlite3_reset(s);
    if (err != SQLITE_DONE && err != SQLITE_NOMEM) {
        p->err = E_IO;
    } else if (err == SQLITE_DONE && p->count < q->limit) {
        p->after = st->head > p->after ? st->head : p->after;
    }
}

static void free_rows(struct store_row *room, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)room[i].event.user_data.p);
    }
}

static void answer(struct store *st, const struct read_request *r)
{
    struct store_page p = {.after = r->q.after, .head = st->head};
    struct store_row *room = calloc(r->q.limit, sizeof(*room));
    size_t owned = 0;

    if (room == NULL) {
        p.err = E_NOMEM;
        r->fn(r->ctx, &p);
        return;
    }
    tell_gap(st, &r->q, &p);
    if (p.gap_to > p.after) {
        p.after = p.gap_to;
    }
    if (!str_is_set(r->q.call_id) && recent_has(st, p.after + 1)) {
        page_of_recent(st, &r->q, room, &p);
    } else if (p.after < st->head) {
        page_of_database(st, &r->q, room, &p);
        owned = p.count;
    }
    p.row = room;
    r->fn(r->ctx, &p);
    free_rows(room, owned);
    free(room);
}

void read_serve(struct store *st)
{
    for (int i = 0; i < READS_AT_ONCE; i++) {
        struct read_request *r = NULL;
        pthread_mutex_lock(&st->lock);
        if (!list_empty(&st->reads) && (i == 0 || st->in.n == 0)) {
            r = list_entry(st->reads.next, struct read_request, link);
            list_remove(&r->link);
            st->read_count--;
        }
        pthread_mutex_unlock(&st->lock);
        if (r == NULL) {
            return;
        }
        answer(st, r);
        free(r);
    }
}

int store_read(struct store *st, const struct store_query *q, store_page_fn fn, void *ctx)
{
    struct read_request *r = malloc(sizeof(*r) + q->call_id.n);
    int err = 0;

    if (r == NULL) {
        return E_TOOMANY;
    }
    *r = (struct read_request){.q = *q, .fn = fn, .ctx = ctx};
    keep(&(char *){r->call_id}, &r->q.call_id);
    r->q.limit = q->limit == 0 ? 1 : q->limit > PAGE_MAX ? PAGE_MAX : q->limit;
    pthread_mutex_lock(&st->lock);
    if (st->stop) {
        err = E_STATE;
    } else if (st->read_count >= READS_MAX) {
        err = E_TOOMANY;
    } else {
        list_append(&st->reads, &r->link);
        st->read_count++;
        (void)pthread_cond_signal(&st->news);
    }
    pthread_mutex_unlock(&st->lock);
    if (err != 0) {
        free(r);
    }
    return err;
}
