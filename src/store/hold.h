/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing leaves before what it tells of is kept.
 *
 * The engine knows nothing of disks: it changes what it holds, hands the change to the store,
 * and sends. This stands between it and the sockets. What is sent while a change waits for the
 * disk waits behind it, in order, and leaves when the change is kept: an event after its
 * record, the 200 of a REGISTER after the binding, the answer of a service after what it did.
 * So whatever anybody was told is there after `kill -9`, and what is not there, nobody was
 * told. It costs a copy of the message, and the time of a group (store.h).
 *
 * While nothing waits, messages go straight through. A broken store (store_done) is not waited
 * for.
 *
 * BOUND. `hold_bytes` may wait; beyond that sending fails with E_TOOBIG like a full socket.
 */
#ifndef BATON_STORE_HOLD_H
#define BATON_STORE_HOLD_H

#include "base/env.h"
#include "store/store.h"

struct hold;

/** @param inner, st  must outlive it. @return NULL when memory is out */
struct hold *hold_new(const struct env *inner, struct store *st, size_t hold_bytes);
void hold_free(struct hold *h);

/** What the engine gets; as `inner`, but `send` and `close` wait. */
const struct env *hold_env(struct hold *h);

/** What is kept now may leave. Call it after store_flush, and when the store wakes. */
void hold_release(struct hold *h);

/** Messages and octets that wait now; how many had to, and how many found no room. */
struct hold_stats {
    uint64_t waiting, octets, held, refused;
};
void hold_stats(const struct hold *h, struct hold_stats *out);

#endif
