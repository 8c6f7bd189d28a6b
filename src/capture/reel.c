/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: see reel.h. Seeking goes by halves: between the oldest record and the newest lie
 * places where a record is known to begin, one each STRIDE octets, in a table of their own.
 */
#include "capture/reel.h"
#include <stdlib.h>

enum { STRIDE = 65536, LARGEST_SHARE = 8 };

struct record {
    uint32_t size; /**< of the whole, with what fills it up; 8-aligned */
    uint16_t who_n, about_n;
    uint32_t bytes_n;
    bool skip; /**< nothing more until the end of the block */
    struct capture_msg m;
};

/** Where a record begins, somewhere in each STRIDE of the block. */
struct mark {
    uint64_t n, at;
};

static struct mark *marks(const struct reel *r)
{
    return (struct mark *)(void *)(r->p + r->size);
}

static size_t mark_count(const struct reel *r)
{
    return (r->size + STRIDE - 1) / STRIDE;
}

bool reel_init(struct reel *r, size_t octets, uint64_t most)
{
    *r = (struct reel){.most = most};
    r->size = (octets < 4096 ? 4096 : octets) / 8 * 8;
    /* zeroed by the system page by page, as it fills */
    r->p = calloc(1, r->size + mark_count(r) * sizeof(struct mark));
    return r->p != NULL;
}

void reel_fini(struct reel *r)
{
    free(r->p);
    *r = (struct reel){0};
}

static struct record *record_at(const struct reel *r, uint64_t at)
{
    return (struct record *)(void *)(r->p + at % r->size);
}

/** Is there not even a record's head left before the end of the block? */
static size_t left(const struct reel *r, uint64_t at)
{
    return r->size - (size_t)(at % r->size);
}

/** Past what only fills up. */
static uint64_t settle(const struct reel *r, uint64_t at)
{
    if (at < r->head && (left(r, at) < sizeof(struct record) || record_at(r, at)->skip)) {
        at += left(r, at);
    }
    return at;
}

static void drop_oldest(struct reel *r)
{
    r->tail = settle(r, r->tail);
    r->tail += record_at(r, r->tail)->size;
    r->tail = settle(r, r->tail);
    r->count--;
    r->gone++;
}

/** Room for one record of that size, all in one piece. */
static void make_room(struct reel *r, size_t size)
{
    size_t rest = left(r, r->head);

    if (rest < size) {
        while (r->count > 0 && r->head + rest - r->tail > r->size) {
            drop_oldest(r);
        }
        if (rest >= sizeof(struct record)) {
            record_at(r, r->head)->skip = true;
        }
        r->head += rest;
        r->tail = r->count == 0 ? r->head : r->tail;
    }
    while (r->count > 0 &&
           (r->head + size - r->tail > r->size || (r->most != 0 && r->count >= r->most))) {
        drop_oldest(r);
    }
    r->tail = r->count == 0 ? r->head : r->tail;
}

static char *put(char *to, struct str s)
{
    if (s.n > 0) {
        memcpy(to, s.p, s.n);
    }
    return to + s.n;
}

/** The next record goes where nothing was touched for a whole round of the ring: fetched now,
    it does not have to be waited for then. */
static void fetch_ahead(const struct reel *r)
{
    enum { LINE = 64, AHEAD = 768 };
    const char *p = r->p + r->head % r->size; /* a prefetch beyond the end does no harm */

    for (size_t i = 0; i < AHEAD; i += LINE) {
        __builtin_prefetch(p + i, 1);
    }
}

void reel_push(struct reel *r, const struct capture_msg *m)
{
    size_t most = r->size / LARGEST_SHARE - sizeof(struct record);
    struct str who = str_upto(m->who, 256), about = str_upto(m->about, 256);
    struct str bytes = str_upto(m->bytes, most > 512 ? most - 512 : 0);
    size_t size = (sizeof(struct record) + who.n + about.n + bytes.n + 7) / 8 * 8;
    struct record *rec;

    make_room(r, size);
    rec = record_at(r, r->head);
    *rec = (struct record){.size = (uint32_t)size,
                           .who_n = (uint16_t)who.n,
                           .about_n = (uint16_t)about.n,
                           .bytes_n = (uint32_t)bytes.n,
                           .m = *m};
    rec->m.cut = m->cut || bytes.n < m->bytes.n;
    (void)put(put(put((char *)(rec + 1), who), about), bytes);
    marks(r)[r->head % r->size / STRIDE] = (struct mark){m->n, r->head};
    r->head += size;
    r->count++;
    fetch_ahead(r);
}

bool reel_get(const struct reel *r, uint64_t *at, struct capture_msg *out, uint64_t *next)
{
    const struct record *rec;
    const char *p;

    *at = settle(r, *at < r->tail ? r->tail : *at);
    if (*at >= r->head) {
        return false;
    }
    rec = record_at(r, *at);
    p = (const char *)(rec + 1);
    *out = rec->m;
    out->who = rec->who_n > 0 ? str_make(p, rec->who_n) : STR_NONE;
    out->about = rec->about_n > 0 ? str_make(p + rec->who_n, rec->about_n) : STR_NONE;
    out->bytes = str_make(p + rec->who_n + rec->about_n, rec->bytes_n);
    *next = *at + rec->size;
    return true;
}

uint64_t reel_seek(const struct reel *r, uint64_t n)
{
    uint64_t best = r->tail;

    for (size_t i = 0; i < mark_count(r); i++) {
        const struct mark *m = &marks(r)[i];
        if (m->n != 0 && m->n <= n && m->at > best && m->at < r->head) {
            best = m->at;
        }
    }
    return best;
}
