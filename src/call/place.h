/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the table of contents of call/ that is about who stands where in a call: somebody
 * takes the place of a party, a call is parked, a call is to be made again.
 */
#ifndef BATON_CALL_PLACE_H
#define BATON_CALL_PLACE_H

#include "call/call.h"

/* ---- callback.c ---- */

void callback_pool_init(struct call_layer *l);
void callbacks_fini(struct call_layer *l);
/** A leg of that connection is gone: its device may be free now. */
void callback_freed(const struct connection *conn, uint64_t now_ms);

/* ---- park.c, step.c, share.c ---- */

/** Is nobody there: its phone's leg is at its mate, or it is a place where the call is parked?
    `conn` may be NULL. */
bool share_is_parked(const struct connection *conn);
/** The partner of `conn` is offered silence; when it has accepted, park_done. */
enum call_error step_park(struct connection *conn, call_done_fn fn, void *owner,
                          uint64_t now_ms);
/** The party that `leaver` talked to is parked now. */
void park_done(struct connection *leaver, uint64_t now_ms);
/** Is it a place where the call is parked? */
bool park_is_at(const struct connection *conn);
/** The connection of the call that is parked at that device, or NULL. */
struct connection *park_find(const struct call_layer *l, const struct device *at);
/** It is parked no more. Harmless when it was not. */
void park_leave(struct call *c);

/* ---- replace.c ---- */

/** Is a call parked at that device, where no phone can be? Then this INVITE is for it.
    @return true: it was dealt with */
bool replace_parked(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                    struct device *device, const struct device *at, uint64_t now_ms);

/* ---- place.c: somebody takes the place of a party ---- */

/** join.c has brought `owner`, a connection n, and who stays together, or has not: n has the
    place of n->replaces now, or is gone (call_done_fn). n->moved is the cause */
void place_on_joined(void *owner, enum call_error err, unsigned status, uint64_t now_ms);
/** n, which has answered, stands where `old` rang or waited; the caller has no answer yet. */
void place_take(struct connection *n, struct connection *old, uint64_t now_ms);
/** Then n is offered what the caller has, or asked for an offer, and he is answered. */
void place_bring_together(struct connection *n, uint64_t now_ms);
/** He is answered with the description in `m`, a message of n. */
void place_answer_caller(struct connection *n, const struct sip_msg *m, uint64_t now_ms);
/** n has left. @return true: before it had the place, and the call goes on as it was */
bool place_left(struct connection *n, uint64_t now_ms);

/* ---- pickup.c ---- */

/** The phone that picks up is let go, the call goes on as it was. */
void pickup_call_off(struct call *c, uint64_t now_ms);

/* ---- make.c ---- */

/** Header lines that ask a phone to answer by itself, in the scratch arena. */
struct str auto_answer_lines(struct call_layer *l);

#endif
