/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the feed share.
 *
 *   feed.c    readers: where they stand, who gets what next
 *   ring.c    the newest events, written once
 *   page.c    pages of the store: asked for, copied in its thread, handed over
 *   choose.c  filters and rights
 *
 * LOCK. `lock` guards `arrived` and the pages in it. `news` may be set by any thread.
 */
#ifndef BATON_FEED_PARTS_H
#define BATON_FEED_PARTS_H

#include "base/arena.h"
#include "base/err.h"
#include "feed/feed.h"
#include <pthread.h>
#include <stdatomic.h>

enum { READS = 4, PAGE_EVENTS = 100, TAIL_EVENTS = 1000, TURN_EVENTS = 256 };

/** A page on its way, or come. Of the feed's thread but for `copy`, which the store's fills. */
struct feed_page {
    struct list link;
    struct feed *feed;
    struct feed_reader *reader; /**< whose it is … */
    struct feed_ask *ask;       /**< … or his; both NULL: the tail's, or nobody's any more */
    bool tail, asked;
    bool failed; /**< there was no memory for it */
    struct store_page copy;
    void *block; /**< rows and their strings */
};

/** The newest events, in order of their numbers. All that is anybody's business behind `after`
    and up to `upto` is there. */
struct ring {
    struct feed_event **slot;
    uint32_t cap, first, count;
    size_t octets, octets_max;
    uint64_t after, upto;
};

struct feed {
    struct feed_config config;
    char source[128];
    struct list readers, turns;
    struct ring ring;
    struct arena scratch;
    bool started; /**< the ring's place is known */
    bool tail_busy;
    uint32_t reads; /**< pages of readers on their way */
    uint64_t last_number;
    struct feed_stats count;
    pthread_mutex_t lock;
    struct list arrived;
    atomic_bool news, listening;
};

/* ---- ring.c ---- */
bool ring_init(struct ring *r, uint32_t cap, size_t octets);
void ring_fini(struct ring *r);
/** Empty, at that place. */
void ring_start(struct ring *r, uint64_t at);
/** A copy of it. @return false: no memory */
bool ring_push(struct ring *r, const struct cloud_event *e);
/** Place of the first event behind a number; `count` when there is none. */
uint32_t ring_find(const struct ring *r, uint64_t after);
const struct feed_event *ring_at(const struct ring *r, uint32_t place);

/* ---- page.c ---- */
/** @return 0 or as store_read */
int page_ask(struct feed *f, const struct store_query *q, struct feed_page *page) MUST_USE;
/** All that have come, to be freed with page_free. */
void page_take(struct feed *f, struct list *into);
void page_free(struct feed_page *p);

#endif
