/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who guesses is slowed.
 *
 * Wrong credentials are counted for each address (an IPv6 /64 is one). Five in a minute are
 * forgiven; after that whoever comes from there with wrong ones is told to wait, a second, two,
 * four, at most a minute. Right credentials are never refused for what others from the same
 * address did: secrets of 32 octets are not found by trying, and a proxy in front of us has one
 * address for everybody.
 *
 * The table is bounded; when it is full, the address that was quiet longest is forgotten.
 */
#ifndef BATON_ACCESS_SLOW_H
#define BATON_ACCESS_SLOW_H

#include "base/addr.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"

struct access_slow {
    struct hash_key key;
    struct map map;
    struct list quiet;
    struct pool pool;
    uint64_t failed, slowed; /**< counters: wrong ones so far; those that were told to wait */
};

/** @param max  addresses; 0: 4096. @return 0 or E_NOMEM */
int access_slow_init(struct access_slow *s, const struct env *env, size_t max);
void access_slow_fini(struct access_slow *s);

/**
 * Wrong credentials came from there. @return seconds for which it is to wait, 0: none
 * @param from    ADDR_NONE: the UNIX socket
 * @param begins  out, or NULL: this is the first time that it is slowed (for a log line)
 */
uint32_t access_slow_failed(struct access_slow *s, const struct addr *from, uint64_t now_ms,
                            bool *begins);

#endif
