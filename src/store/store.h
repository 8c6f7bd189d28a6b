/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: what happened and what stands, in a SQLite database, written by a thread of its
 * own.
 *
 *   engine's thread                              store's thread
 *   event, put, drop ──► batch ── store_flush ──► mailbox ──► one transaction ──► on disk
 *                                                                 │
 *                        store_done, listeners ◄── wake ──────────┘
 *
 * GROUPS. What one input caused is one batch and is kept whole or not at all. The thread takes
 * all batches that wait and commits them at once. Between two groups are `group_ms`, unless
 * `group_count` batches wait; so a quiet server commits at once and a busy one seldom.
 *
 * WHAT IS KEPT survives the end of the process at any moment, `kill -9` included. With
 * `sync_full` it survives the loss of power, too, at the price of a flush of the disk for each
 * group.
 *
 * BOUNDS. The mailbox holds `queue_bytes`. When it is full, store_flush waits for the disk,
 * at most `wait_ms`; then, and when the disk refuses, the store is BROKEN: what cannot wait is
 * dropped and counted, who runs the server is told (store_poll), and the thread tries again
 * each second. Once it works again, the numbers of events that are lost are one event of the
 * name `gap`, and store_poll asks for all rows anew, behind a `clear`: what should have been
 * dropped meanwhile does not come back. So a hole in the journal is always said.
 *
 * READERS of the journal ask for the next events behind a number, from any thread, and are
 * answered in the store's thread: from memory when they are recent, from the database
 * otherwise. Who asks for what is not kept any more is told from where to where.
 *
 * IN MEMORY. Without a path the database is in memory: those who follow the journal have one,
 * and nothing outlives the process. Numbers then begin at the time of day (a million a second),
 * so that a reader who stood at a number of an earlier run finds a gap, and not other events
 * under his numbers. Readers of the history in this process share it by its name
 * (store_database).
 *
 * ONE PROCESS writes: a lock beside the database keeps a second one away. Any number may read
 * meanwhile (history.h).
 */
#ifndef BATON_STORE_STORE_H
#define BATON_STORE_STORE_H

#include "base/attr.h"
#include "base/histogram.h"
#include "base/store.h"

struct store;

/** What of User-to-User stands in the history of calls. */
enum store_uui { STORE_UUI_NONE, STORE_UUI_LENGTH, STORE_UUI_FULL };

/** Zeros mean the defaults. Strings are the caller's and must outlive it. */
struct store_config {
    const char *path;  /**< NULL: in memory */
    bool streams;      /**< events that are nobody's are told to clients (store_ops.streams) */
    bool sync_full;    /**< flush the disk for each group */
    uint32_t group_ms; /**< between two groups, at least; 0: one after the other */
    uint32_t group_count; /**< batches that do not wait any more; default 256 */
    size_t queue_bytes;   /**< that wait for the disk; default 64 MiB */
    uint32_t wait_ms;     /**< for room in the mailbox; default 200 */
    uint32_t keep_days;   /**< events that are older go; 0: none does */
    uint64_t keep_bytes;  /**< the oldest events go when the database is larger; 0: any size */
    uint32_t recent;      /**< events for readers in memory; default 4096 */
    uint32_t max_pages;   /**< the database never has more; 0: any number. For tests */
    enum store_uui history_uui;
};

/**
 * Open or make the database: bring it to this version, look whether it is sound.
 * @param why  out: a sentence about what is wrong
 * @return NULL with *why
 */
struct store *store_open(const struct store_config *config, char *why, size_t cap);

/** Does anything outlive the process? */
bool store_lasts(const struct store *st);

/** What history_open reads, in this process: the path, or the name of what is in memory. The
    store's. */
const char *store_database(const struct store *st);

/**
 * Could this version open it? Looks at the first octets of the file only, so that it disturbs
 * nobody who writes to it.
 * @param why  out: a sentence about what is wrong
 * @return true also when there is no such file yet
 */
bool store_look(const char *path, char *why, size_t cap);

/** Number of the newest event, 0: there was none yet. Before store_start. */
uint64_t store_head(const struct store *st);

/** Each row of a kind. Before store_start. @return false: it could not be read (store_why) */
bool store_each_row(struct store *st, enum store_kind kind,
                    void (*fn)(void *ctx, struct str key, struct str value), void *ctx);

/** Numbers up to it are not kept any more; store_head when nothing is kept. */
uint64_t store_reach(const struct store *st);

/** Events as they were handed over, in order: of the newest `most` numbers those that are
    somebody's, and gaps; of older ones the last of each device, and the last gap, which tell
    what was missed. Before store_start. */
bool store_each_event(struct store *st, uint32_t most,
                      void (*fn)(void *ctx, const struct store_event *e), void *ctx);

/** The thread tells that something was committed, or that the store broke or works again.
    In the store's thread: wake somebody, do nothing else. */
typedef void (*store_wake_fn)(void *ctx);
/** @return false: there are too many, at most 8. Before store_start */
bool store_listen(struct store *st, store_wake_fn fn, void *ctx) MUST_USE;

/** Start the thread. @return false: there is none to be had */
bool store_start(struct store *st) MUST_USE;

/**
 * Commit what was handed over, end the thread, close.
 * @return how many changes could not be kept in the end; 0 when all is well
 */
uint64_t store_close(struct store *st);

/* ---- the engine's thread ---- */

const struct store_ops *store_ops(struct store *st);

/** The input is done with: what it caused goes to the thread. */
void store_flush(struct store *st);

/** What must be done (store_done) before all that was handed over is kept. */
uint64_t store_mark(const struct store *st);
/** That is kept. A store that is broken says UINT64_MAX: nobody waits for it. */
uint64_t store_done(const struct store *st);

struct store_news {
    bool changed;  /**< it broke, or works again, since the last question */
    bool broken;   /**< now */
    bool resync;   /**< rows were lost: hand all over again */
    uint64_t lost; /**< changes that were dropped so far */
    char why[256]; /**< what the disk said last */
};
void store_poll(struct store *st, struct store_news *out);

struct store_stats {
    uint64_t groups, batches, events, rows; /**< committed so far */
    uint64_t failed;                        /**< attempts that were refused */
    uint64_t lost, waited; /**< changes dropped; times that flush had to wait */
    uint64_t forgotten;    /**< events that were too old or too many */
    uint64_t queued;       /**< octets in the mailbox now */
    uint64_t commit_us_total, commit_us_max;
    struct histogram commit_time; /**< of groups */
    bool broken;                  /**< the disk refuses now */
    uint64_t head, oldest;        /**< numbers of the newest event and the oldest; 0: none */
    uint64_t used;                /**< octets of the database, as of the last look */
};
void store_stats(struct store *st, struct store_stats *out);

/* ---- readers, any thread ---- */

struct store_row {
    uint64_t number;
    int64_t at_ms; /**< since 1970 */
    struct store_event event;
};

/** The next events behind a number. */
struct store_query {
    uint64_t after;
    uint32_t limit; /**< 1 to 1000 */
    bool shared;    /**< only those that are nobody's (store_event.watched), and gaps */
    /** Only those of that call, of those that are nobody's; gaps are not among them. Copied.
        Absent: of all */
    struct str call_id;
};

struct store_page {
    int err;                   /**< 0; E_IO: the database cannot be read */
    uint64_t gap_from, gap_to; /**< numbers that are not kept any more; 0: none are missing */
    const struct store_row *row;
    size_t count;
    uint64_t after; /**< to go on from there */
    uint64_t head;  /**< the newest number */
};
/** In the store's thread; borrowed for the call. */
typedef void (*store_page_fn)(void *ctx, const struct store_page *page);

/** @return 0; E_TOOMANY: too many wait; E_STATE: the store is closing. Then fn is not called */
int store_read(struct store *st, const struct store_query *q, store_page_fn fn,
               void *ctx) MUST_USE;

#endif
