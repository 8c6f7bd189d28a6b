/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which servers have failed lately (RFC 3263 §4.3 does not say how long one remembers that).
 *
 *           failed                        time is over, or one is let through
 *   free ──────────> blocked for `first_ms` ──────────> on trial ── answered ──> free
 *    ^                    ^                                 │
 *    │                    └── failed: twice as long, ───────┘
 *    │                        `most_ms` at most
 *    └──── answered at any time; forgotten `most_ms` after the end
 *
 * A server is a transport and an address; over TLS also the name that it has to prove. Being
 * blocked does not mean being out of reach: blocked hops go to the end of a list, the one that
 * is free soonest first, and when there is no other they are tried.
 *
 * ON TRIAL. When the time is over, the first request goes there, and others only when it has
 * been answered or `trial_ms` have passed: not every call waits for a server that is still
 * dead.
 *
 * A failure of many requests at once counts once.
 *
 * BOUNDS. `max` entries; the oldest goes for a new one.
 * COST. One look-up in a keyed map for each hop; nothing while nobody has failed.
 */
#ifndef BATON_ROUTE_BLACK_H
#define BATON_ROUTE_BLACK_H

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "route/locate.h"

struct route_black {
    uint32_t first_ms; /**< default 10000 */
    uint32_t most_ms;  /**< 0: nobody is ever blocked; default 300000 */
    uint32_t trial_ms; /**< default 32000, as long as a transaction waits */
    struct hash_key key;
    struct map map;
    struct list age; /**< oldest first */
    struct pool pool;
};

/** With the defaults. @return 0 or E_NOMEM */
int route_black_init(struct route_black *b, const struct env *env, size_t max);
void route_black_fini(struct route_black *b);

/** How many servers are remembered. */
static inline size_t route_black_count(const struct route_black *b)
{
    return b->map.count;
}

/**
 * A request has failed there. Without memory it is not remembered.
 * @param at_least_ms  what Retry-After says, or 0; cut to most_ms
 */
void route_black_add(struct route_black *b, const struct hop *hop, struct str name,
                     uint32_t at_least_ms, uint64_t now_ms);

/** It has answered. */
void route_black_clear(struct route_black *b, const struct hop *hop, struct str name);

/** A request goes there now: if its time is over, this is the trial. */
void route_black_use(struct route_black *b, const struct hop *hop, struct str name,
                     uint64_t now_ms);

/** @return when it is free again; 0: it is */
uint64_t route_black_until(const struct route_black *b, const struct hop *hop, struct str name,
                           uint64_t now_ms);

/** Blocked ones to the end; the order of the others stays. */
void route_black_sort(const struct route_black *b, struct route_hops *hops, struct str name,
                      uint64_t now_ms);

#endif
