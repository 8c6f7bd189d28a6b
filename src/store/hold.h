/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing leaves before what it tells of is kept.
 *
 * The engine knows nothing of disks: it changes what it holds, hands the change to the store,
 * and sends, in no particular order. This stands between it and the sockets. What it sends is
 * looked at when the input is done with (hold_release): if that has changed something, or what
 * was before still waits for the disk, it waits, too, and leaves when the change is kept: an
 * event after its record, the 200 of a REGISTER after the binding, the answer of a service
 * after what it did. So whatever anybody was told is there after `kill -9`, and what is not
 * there, nobody was told. It costs a copy of the message, and the time of a group (store.h).
 *
 * What changes nothing leaves at the end of its input, unless others are before it. A broken
 * store (store_done) is not waited for. That a flow is gone is told by its end
 * (engine_flow_closed) and not by `send`.
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

/** The input is done with, and what it has changed was flushed (store_flush): what is kept now
    may leave. After each input, and when the store wakes. */
void hold_release(struct hold *h);

/** Messages and octets that wait now; how many had to, and how many found no room. */
struct hold_stats {
    uint64_t waiting, octets, held, refused;
};
void hold_stats(const struct hold *h, struct hold_stats *out);

#endif
