/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who follow the journal: cursors, not queues.
 *
 *   store's thread                         the feed's thread
 *   committed ──wake──► feed_run ──store_read──► tail ──► RING of the newest events, each
 *                                                          written once, for all
 *                                                            │
 *                         READER (cursor, filter, rights) ───┤ at the tail: from the ring
 *                                                            └ behind: pages of its own
 *                                                                 │
 *                                            sink: SSE, WebSocket, webhook
 *
 * A READER has passed a number, and that is all that is kept of its place. It is given the
 * events behind that number, in order, that its filter chooses and that it may have, until its
 * sink is full; then it stands still, costs nothing, and goes on at the same place when there
 * is room (feed_go). So a slow one only loses its own place in the queue. One that takes
 * nothing for `slow_ms` is ended.
 *
 * NO HOLE, NO DOUBLE. A number is passed when the sink has taken its event, or does not get it.
 * What is not kept any more is told: an event `gap` with from, to and the reason.
 *
 * RIGHTS are looked at for each event when it is given out (sink.may), so what is taken from
 * somebody is taken at once.
 *
 * BOUNDS. The ring has `ring_events` and `ring_octets`. At most READS pages are on their way at
 * a time, of PAGE_EVENTS each, whoever wants them; others wait for their turn. So readers who
 * want all of it take turns, and the store's thread is never busy with them for long.
 *
 * All functions are the feed's thread's, unless they say otherwise.
 */
#ifndef BATON_FEED_FEED_H
#define BATON_FEED_FEED_H

#include "access/access.h"
#include "base/list.h"
#include "cti/cloud.h"
#include "store/store.h"

struct feed;
struct feed_reader;

/** Zeros mean the defaults. */
struct feed_config {
    struct store *store;
    struct str source; /**< of CloudEvents: "/baton/NODE". Copied */
    /** Have feed_run called in the feed's thread. Any thread. */
    void (*wake)(void *ctx);
    void *ctx;
    uint32_t ring_events; /**< default 4096 */
    size_t ring_octets;   /**< default 8 MiB */
    uint32_t beat_ms;     /**< how long a reader hears nothing; default 20 s */
    uint32_t slow_ms;     /**< how long it may take nothing; default 30 s */
};

/** Before store_start: it listens. @return NULL: no memory, or too many listen */
struct feed *feed_new(const struct feed_config *config);
/** No readers are left, and the store is closed: no page is on its way. */
void feed_free(struct feed *f);
/** Pages have come, or there is something new. */
void feed_run(struct feed *f, uint64_t now_ms);
/** Each second or so: heart-beats, and who is too slow. */
void feed_tick(struct feed *f, uint64_t now_ms);

/** An event as readers get it; of the feed, for the call. */
struct feed_event {
    struct cloud_event e;
    struct str sse; /**< as an event of a stream (HTML, Server-sent events) */
};

/** What a reader wants. Strings are its owner's and live as long as the reader. */
struct feed_filter {
    const struct access_scope *device; /**< patterns, as scopes have them; none: of all */
    size_t devices;
    const struct str *type; /**< as feed_type_matches has it; none: all */
    size_t types;
    struct str call_id; /**< absent: of all */
};
/** "org.baton.csta.delivered.v1" by its name, by "delivered", or by a beginning with '*'. */
bool feed_type_matches(struct str pattern, struct str type);
/** Is there a type that the pattern could match? Else it is a slip, and nothing would ever
 * come. */
bool feed_type_is_known(struct str pattern);
/** The short names of all, with commas between them: "operation, audit, …, delivered, …". */
void feed_types(struct out *o);
/** Does the filter choose it? Gaps are always chosen. */
bool feed_wants(const struct feed_filter *filter, const struct cloud_event *e);
/** May he have it? Gaps are everybody's; what has no audience is for administrators. */
bool feed_may(const struct access_principal *who, const struct cloud_event *e);

enum feed_end {
    FEED_SLOW,  /**< it takes nothing */
    FEED_DENIED /**< sink.alive has said no */
};

struct feed_sink {
    /** @return 0: taken; E_SPACE: feed_go comes when there is room; else it is over, and its
       owner knows */
    int (*event)(struct feed_reader *r, const struct feed_event *e);
    /** He has heard nothing for a while; he stands at r->after. */
    void (*beat)(struct feed_reader *r);
    bool (*may)(const struct feed_reader *r, const struct cloud_event *e);
    /** May he go on at all? Asked each tick. NULL: yes */
    bool (*alive)(const struct feed_reader *r, uint64_t now_ms);
    /** It must be closed; it gets nothing more. */
    void (*end)(struct feed_reader *r, enum feed_end why);
    /** Where it begins is known: r->after. Once, before its first event. May be NULL. */
    void (*placed)(struct feed_reader *r);
};

/** One who follows. Part of its owner's struct. */
struct feed_reader {
    struct list link, turn; /**< feed's: all; those that wait for a page */
    struct feed *feed;      /**< NULL: not open */
    const struct feed_sink *sink;
    struct feed_filter filter;
    uint64_t after; /**< passed */
    uint64_t acked; /**< told by who reads; 0: nothing. The owner's */
    bool from_tail; /**< begins at the newest, once that is known */
    bool fresh;     /**< its first page has not come */
    bool quiet;     /**< no word about what is gone before the first event: from the earliest */
    bool held;      /**< the owner lets nothing through yet (feed_hold) */
    bool patient;   /**< it may be full for as long as it likes: its owner sees to that */
    bool blocked;   /**< its sink was full … */
    uint64_t blocked_ms;    /**< … since then */
    uint64_t told_ms;       /**< when it heard something last */
    struct feed_page *page; /**< on its way */
    uint64_t sent, octets;  /**< events and octets that it took */
    /* for who looks (feed_each) */
    uint64_t number;  /**< of the reader, in this run */
    const char *kind; /**< "sse", "websocket", "webhook" */
    struct str name;  /**< who; the owner's */
    struct str peer;  /**< from where, or to; the owner's */
    uint64_t begun_ms;
};

enum feed_from { FEED_NOW, FEED_EARLIEST, FEED_AFTER };

/**
 * Begin. sink, filter, kind, name, peer are set.
 * @param after  of FEED_AFTER: the number that was passed
 */
void feed_open(struct feed *f, struct feed_reader *r, enum feed_from from, uint64_t after,
               uint64_t now_ms);
/** There is room again, or it is not held any more. */
void feed_go(struct feed_reader *r, uint64_t now_ms);
/** It is gone. Harmless when it is not open. */
void feed_close(struct feed_reader *r);

/** Number of the newest event that is known here; 0: not known yet. */
uint64_t feed_head(const struct feed *f);
void feed_each(const struct feed *f, void (*fn)(void *ctx, const struct feed_reader *r),
               void *ctx);

/** One page for one who does not follow; the store's thread is asked at once. */
struct feed_ask {
    struct list link;
    uint64_t after;
    uint32_t limit;     /**< 1 to 1000 */
    struct str call_id; /**< of that call only; absent: of all. For the call of feed_read */
    /** In the feed's thread; `page` is for the call. Events: feed_ask_next. */
    void (*done)(struct feed_ask *ask, const struct store_page *page);
    struct feed_page *page;
};
/** @return 0; E_TOOMANY, E_NOMEM, E_STATE: `done` is not called */
int feed_read(struct feed *f, struct feed_ask *ask) MUST_USE;
/** Nobody waits any more. */
void feed_forget(struct feed_ask *ask);
/** That row as an event; an unreadable one is a gap. @return 0, E_NOMEM */
int feed_make(const struct feed *f, const struct store_row *row, struct arena *a,
              struct cloud_event *out) MUST_USE;

/** An event's text as one of a stream, in the arena; absent: no memory. */
struct str feed_sse(const struct cloud_event *e, struct arena *a);

struct feed_stats {
    uint64_t readers, events, sent, pages, slow;
};
void feed_stats(const struct feed *f, struct feed_stats *out);

#endif
