/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events by HTTP: what the faces of the journal share (docs/events.md).
 *
 *   events.c           life: the feed is woken, time passes; GET /v1/subscribers
 *   events_choice.c    from where, and which events: of a query or of a message
 *   events_stream.c    GET /v1/events: Server-Sent Events, or a page
 *   events_socket.c    GET /v1/stream: WebSocket
 *   events_snapshot.c  what there is now, and at which number
 *
 *   webhook.c …        events are brought (webhook.h)
 *
 * All of it is the API thread's.
 */
#ifndef BATON_API_EVENTS_H
#define BATON_API_EVENTS_H

#include "api/request.h"
#include "feed/feed.h"
#include <jansson.h>

struct api_events;
struct webhooks;

struct api_events_config {
    struct store *store;   /**< NULL: there is no journal, and no events */
    bool private_targets;  /**< webhooks may go to loopback and private addresses */
    uint32_t max_webhooks; /**< default 100 */
    struct str node;       /**< name of this server in `source`; absent: "baton" */
};

/** Before store_start. @return NULL: out of memory */
struct api_events *events_new(struct api *a, const struct api_events_config *config);
/** The API's thread has begun. */
void events_begin(struct api_events *ev);
/** The API's thread comes to its end: no more is delivered. In it. */
void events_stop(struct api_events *ev);
/** The store is closed. */
void events_free(struct api_events *ev);

/** Somebody may nothing any more: what goes on in his name rests. `ev` may be NULL. */
void events_who_gone(struct api_events *ev);

/** Of the API; NULL: there is no journal. */
struct api_events *api_events(struct api *a);
struct api *events_api(struct api_events *ev);
struct feed *events_feed(struct api_events *ev);
struct webhooks *events_webhooks(struct api_events *ev);
struct str events_source(const struct api_events *ev);
/** Milliseconds since 1970. */
uint64_t events_wall_ms(const struct api_events *ev);

/** A job that is nobody's request: it is given back with the events when it never comes home.
 */
struct events_job {
    struct api_job job; /**< run and done are set */
    struct list own;
    void (*destroy)(struct events_job *j);
};
/** As api_post. */
int events_post(struct api_events *ev, struct events_job *j) MUST_USE;
/** It has come home: it is its owner's again. */
void events_home(struct events_job *j);

/** There is none: 503. @return false: answered */
bool events_there(struct api_request *r);

/* ---- events_choice.c ---- */

enum { CHOICE_ITEMS = 64 };

/** From where, and which. Strings are the request's, or of `arena`. */
struct choice {
    enum feed_from from;
    uint64_t after;
    bool snapshot;
    struct feed_filter filter;
};

/** `from`, `Last-Event-ID`, `device`, `type`, `callID` of a query. @return false: answered */
bool choice_of_query(struct api_request *r, struct choice *out);
/**
 * {"from":…,"filter":{"devices":[…],"types":[…],"callID":…}} of a message or webhook.
 * @param why  out: a sentence, perhaps in the arena
 * @return false with *why
 */
bool choice_of_json(const json_t *msg, struct arena *a, struct choice *out, const char **why);
/** The same as it was said, for who asks: `{"devices":[…],…}`. */
json_t *choice_filter_json(const struct feed_filter *f);

/* ---- events_snapshot.c ---- */

struct snapshot;
struct snapshots;

/** More than MOST, or than api.client_buffer_kb lets wait for a client. */
#define SNAPSHOT_TOO_BIG \
    "There is too much for one snapshot: choose devices, or read the lists page by page."
/**
 * What the principal may see now, told to `done` in this thread when all that it tells of is
 * kept: one event (org.baton.snapshot.v1), whose number is where the stream goes on.
 * @param err  0; E_TOOBIG: more than a snapshot may have; E_TOOMANY, E_STATE: the server has
 * too much to do, or stops; E_NOMEM
 * @return NULL: refused, `done` is not called
 */
struct snapshot *snapshot_ask(struct api_events *ev, const struct access_principal *who,
                              const struct feed_filter *filter,
                              void (*done)(void *owner, int err, const struct feed_event *e),
                              void *owner);
/** Its owner is gone: `done` is not called. */
void snapshot_forget(struct snapshot *s);

/** Those that wait for their turn. @return NULL: no memory */
struct snapshots *snapshots_new(struct api_events *ev);
/** Who waits is told E_STATE. */
void snapshots_stop(struct snapshots *all);
void snapshots_free(struct snapshots *all);
struct snapshots *events_snapshots(struct api_events *ev);

#endif
