/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much one principal may ask.
 *
 * Each name has an allowance that fills with time: `per_s` requests in a second, and BURST_S
 * seconds' worth of them at once after a pause. Who has used his up is told how long to wait;
 * asking meanwhile costs him nothing and gains him nothing. Besides, he may hold so many
 * streams at a time: answers that stay open.
 *
 * Pages that were given tokens by one token have one name, and share what it may.
 *
 * BOUNDS. When the table is full, who holds no stream and was heard of longest ago is forgotten
 * for a new name; nobody is refused for want of room. A look-up is one hash.
 */
#ifndef BATON_ACCESS_PACE_H
#define BATON_ACCESS_PACE_H

#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"

struct access_pace_limits {
    uint32_t per_s;   /**< requests; 0: as many as he likes */
    uint32_t streams; /**< at a time; 0: as many as he likes */
    uint32_t names;   /**< that are remembered; 0: 4096 */
};

struct access_pace {
    struct access_pace_limits limits;
    struct hash_key key;
    struct map map;
    struct list quiet; /**< who was heard of longest ago stands first */
    struct pool pool;
};

/** @return 0 or E_NOMEM */
int access_pace_init(struct access_pace *p, const struct env *env,
                     const struct access_pace_limits *limits) MUST_USE;
void access_pace_fini(struct access_pace *p);

/** One more request. @param now_ms never goes back. @return milliseconds until one would be
    allowed; 0: this one is */
uint32_t access_pace_ask(struct access_pace *p, struct str name, uint64_t now_ms);

/** One more stream. @return false: he holds as many as he may; else access_pace_leave follows
 */
bool access_pace_enter(struct access_pace *p, struct str name);
void access_pace_leave(struct access_pace *p, struct str name);

#endif
