/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Webhooks: events are brought to a URL (docs/events.md).
 *
 *   webhook.c        what there is; one event after the other, retries, pauses
 *   webhook_row.c    as a row of the store, and back
 *   webhook_send.c   HTTP: libcurl in the API's loop; which addresses, and the signature
 *   webhook_push.c   the form that telephone integrations of CRM take
 *   webhook_past.c   what that form does not know of calls that began before
 *   webhook_routes.c POST, GET, DELETE /v1/webhooks …
 *
 * A webhook is a reader of the feed (feed.h) whose sink has room for one event: the one that is
 * on its way, or waits to be tried again. So order is kept whatever fails. Its cursor is the
 * last number that was taken; it is a row of the store, written soon after, so after a kill the
 * last events may be brought once more, under the same id, and none is missing.
 *
 *   active ──► 2xx: on; else again after 1 s, 2 s … 5 min
 *      │       (push form: 400, 409 and 422 are an answer to this event, which it has already,
 * or │       will never take; on) │  404, 410; too far behind; its owner is gone ▼ paused
 * ──resume──► active, at its cursor
 */
#ifndef BATON_API_WEBHOOK_H
#define BATON_API_WEBHOOK_H

#include "api/events.h"
#include "base/pack.h"

enum {
    WEBHOOK_ID_MAX = 24,
    WEBHOOK_URL_MAX = 2048,
    WEBHOOK_SECRET_MAX = 128,
    WEBHOOK_WHY_MAX = 160,
    PUSH_CALL_MAX = 64,
};

enum webhook_form { WEBHOOK_CLOUDEVENTS, WEBHOOK_PUSH };

struct webhooks;
struct sending;
struct push;

struct webhook {
    struct list link;
    struct webhooks *all;
    struct feed_reader reader;
    struct arena arena; /**< strings */
    char id[WEBHOOK_ID_MAX];
    struct str url, secret, owner;
    enum webhook_form form;
    uint64_t created_ms; /**< since 1970 */
    bool paused, gone;
    bool orphan;                        /**< its owner has gone just now */
    const struct access_principal *who; /**< its owner, held while it is open */
    char why[WEBHOOK_WHY_MAX];          /**< why it is paused, or what failed last; "" */
    uint64_t cursor;                    /**< taken, or not for it */
    uint64_t saved;                     /**< cursor of its row */
    uint32_t saving;                    /**< jobs that write its row */
    struct sending *sending;            /**< on its way */
    char *body; /**< that is being brought, until it is taken; NULL: nothing */
    size_t body_n;
    uint64_t number; /**< of its event */
    bool half;       /**< the same event comes once more, for what follows */
    uint32_t attempts;
    struct timer again;
    struct push *push;    /**< of that form: calls; else NULL */
    struct feed_ask past; /**< events of that call before this number are being looked for */
    char past_call[PUSH_CALL_MAX];
    uint64_t past_upto;
    uint64_t delivered, refused, failed;
    unsigned status; /**< of the last answer; 0: none */
};

struct webhooks *webhooks_new(struct api_events *ev, struct api *a,
                              const struct api_events_config *config);
/** In the API's thread: those that were kept come back. */
void webhooks_begin(struct webhooks *all);
void webhooks_tick(struct webhooks *all, uint64_t now_ms);
/** Somebody may nothing any more: his webhooks rest until the next tick, which pauses them, or
    goes on when another has his name by then. */
void webhooks_who_gone(struct webhooks *all);
void webhooks_stop(struct webhooks *all);
void webhooks_free(struct webhooks *all);

struct webhook_stats {
    uint64_t active, retrying, paused;   /**< now */
    uint64_t lag;                        /**< records behind, of the one that is furthest */
    uint64_t delivered, refused, failed; /**< so far, of those that are gone, too */
};
void webhooks_stats(const struct webhooks *all, struct webhook_stats *out);

struct api_events *webhooks_events(const struct webhooks *all);
struct api *webhooks_api(const struct webhooks *all);
bool webhooks_private(const struct webhooks *all);
/** Are there as many as there may be, or as one owner may have? */
bool webhooks_full(const struct webhooks *all, struct str owner);
struct webhook *webhooks_find(struct webhooks *all, struct str id);
/** In the order of their making: NULL to begin with. */
struct webhook *webhooks_next(struct webhooks *all, struct webhook *w);

/** What that form needs. @return false: no memory */
bool webhook_set_form(struct webhook *w, enum webhook_form form);
/** Without id and secret given, they are made. Not yet among all. @return NULL: no memory */
struct webhook *webhook_new(struct webhooks *all);
void webhook_free(struct webhook *w);
/** It is kept: it begins. */
void webhook_add(struct webhook *w);
/** Nothing more is brought. */
void webhook_drop(struct webhook *w);
void webhook_pause(struct webhook *w, const char *why);
/** At its cursor, or behind that number. */
void webhook_resume(struct webhook *w);
/** Its row is to be written. */
void webhook_save(struct webhook *w);

/* ---- webhook_row.c ---- */
void webhook_pack(struct out *o, const struct webhook *w);
/** @return 0, E_SYNTAX, E_VERSION, E_NOMEM */
int webhook_unpack(struct webhook *w, struct str id, struct str row) MUST_USE;

/* ---- webhook_send.c ---- */
struct sender;
struct sender *sender_new(struct api *a, bool private_targets);
/** All transfers are given up, nobody is told. In the API's thread. */
void sender_stop(struct sender *s);
void sender_free(struct sender *s);

struct delivery {
    struct str url, secret, body;
    const char *type;   /**< media type */
    struct str webhook; /**< its id */
    uint64_t number;    /**< of the event; 0: a test */
};
/** @param status  0: no answer, `why` says what was wrong. @param wait_s  the other side wants
    that long a pause; 0: nothing said */
typedef void (*sent_fn)(void *owner, unsigned status, uint32_t wait_s, const char *why);
/** @return NULL: no memory; `done` is not called */
struct sending *sender_post(struct sender *s, const struct delivery *d, sent_fn done,
                            void *owner);
/** Nobody waits any more. */
void sending_forget(struct sending *g);
struct sender *webhooks_sender(const struct webhooks *all);
/** Is it http or https, without credentials, and if it is an address, one that may be called?
    @return false with *why */
bool webhook_url_ok(const struct webhooks *all, struct str url, const char **why);
/** "t=1772280000,v1=…" of a body. */
void webhook_sign(struct out *o, struct str secret, uint64_t at_s, struct str body);
/** May that address be called when only public ones may? */
struct sockaddr;
bool webhook_address_is_public(const struct sockaddr *sa);

/* ---- webhook_push.c ---- */
struct push *push_new(void);
void push_free(struct push *p);
enum push_told {
    PUSH_NOTHING, /**< of this event there is nothing to tell */
    PUSH_ALL,
    PUSH_FIRST, /**< that was the first half: ask again for the other one */
};
/** The event in that form into `o`. */
enum push_told push_write(struct push *p, const struct cloud_event *e, struct out *o);
/** Does it say how a call began? Of that alone nothing is told. */
bool push_begins(const struct cloud_event *e);
/** The last event has changed nothing: it will come again. Of none, and twice, it is harmless.
 */
void push_undo(struct push *p);

/** Is it of a call of which nothing is known? Its callID into `call` then. */
bool push_lacks(const struct push *p, const struct cloud_event *e, char call[PUSH_CALL_MAX]);
/** That was before: it is known, and not told. */
void push_learn(struct push *p, const struct cloud_event *e);
/** What is known of that call is all there is. */
void push_know(struct push *p, struct str call);

/* ---- webhook_past.c ---- */
/** Has the event to wait until the past of its call is known? It comes again then. */
bool webhook_waits_for_past(struct webhook *w, const struct cloud_event *e);

#endif
