/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients in the process: CSTA without a wire.
 *
 * A CLIENT acts for one principal (a token of the HTTP API) and is to the services what an
 * application over SIP or TCP is: a session of a `struct application` that has the principal's
 * scopes. So what it may do is decided in the same place, by the same checks, and told in the
 * same words.
 *
 *   cti_client_of ──► cti_client_ask ──► a->fn, exactly once, perhaps before it returns
 *                 ◄── asked: requests of ours to it (RouteRequest, RouteEnd …)
 *
 * Requests and answers are structs, not text: whoever calls has JSON to make of them.
 *
 * There are no monitors here. What happens is told to everybody by the journal, and a client
 * of the API follows that; so MonitorStart and its sisters are refused with a word about it.
 *
 * LIFE. A client is made when its principal first asks for something, and is forgotten when
 * it has been silent for CTI_CLIENT_IDLE_MS and has neither an open request nor a registration
 * for routing. cti_client_drop ends it: the principal is none any more.
 *
 * BOUNDS. A client is a session and counts as one (cti_config.max_sessions); it has at most
 * CTI_CLIENT_OPEN requests without an answer.
 */
#ifndef BATON_CTI_CLIENT_H
#define BATON_CTI_CLIENT_H

#include "access/access.h"
#include "cti/cti.h"

enum { CTI_CLIENT_IDLE_MS = 600000, CTI_CLIENT_OPEN = 1024 };

struct cti_client;

/** What became of a request. Borrowed for the call. */
struct cti_client_answer {
    const struct csta_msg *msg; /**< the positive response; NULL: refused */
    struct csta_error error;    /**< of a refusal; absent: `sip` alone says why */
    unsigned sip;               /**< SIP status behind it, or 0 */
    struct str why;             /**< a sentence, or absent */
    bool lost;                  /**< nobody knows: the client was dropped meanwhile */
};

/** A request that has no answer yet; the caller's memory until fn is called. */
struct cti_client_ask {
    struct list link;
    struct cti_client *client;
    void (*fn)(struct cti_client_ask *a, const struct cti_client_answer *answer,
               uint64_t now_ms);
};

/** The client of that principal, made if need be; from now on it has these scopes, copied.
    @return NULL when there are too many sessions or no memory */
struct cti_client *cti_client_of(struct cti *c, const struct access_principal *who,
                                 uint64_t now_ms);

/**
 * Serve a request. `msg` may die when this returns.
 * @param call_id  callID that a call made by MakeCall shall have (CALL_ID_LEN of [0-9a-z]), or
 *                 absent. One that a call has already is refused: 409
 */
void cti_client_ask(struct cti_client *cl, const struct csta_msg *msg, struct str call_id,
                    struct cti_client_ask *a, uint64_t now_ms);

/** Does that request only tell how things are, and change nothing? */
bool cti_only_looks(enum csta_msg_id id);

/** Nobody wants to know any more; harmless when it was answered. */
void cti_client_forget(struct cti_client_ask *a);

/** The principal is none any more: what is open is lost, its registrations end. */
void cti_client_drop(struct cti *c, struct str name, uint64_t now_ms);

/** What a client is asked by us: RouteRequest, ReRoute, RouteEnd, RouteUsed, SystemStatus …
   Dies when it returns. @return false: it could not be handed on */
typedef bool (*cti_asked_fn)(void *ctx, struct str name, const struct csta_msg *msg,
                             uint64_t now_ms);
/** NULL: nobody hands anything on, and clients do not route. */
void cti_set_asked(struct cti *c, cti_asked_fn fn, void *ctx);

#endif
