/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that feed whole SIP messages to a pure module: an environment with a seeded
 * generator, a wall clock that stands, and memory that counts; and a message made from text.
 */
#ifndef BATON_TESTS_KIT_MSG_H
#define BATON_TESTS_KIT_MSG_H

#include "base/env.h"
#include "sip/msg.h"
#include "test.h"
#include <stdio.h>

struct kit {
    struct test_mem mem;
    struct env env;
    uint64_t seed;
    uint64_t wall_s;
};

static inline uint64_t kit_next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline void kit_random(void *ctx, void *out, size_t n)
{
    struct kit *k = ctx;
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)out)[i] = (uint8_t)kit_next(&k->seed);
    }
}

static inline uint64_t kit_wall(void *ctx)
{
    return ((struct kit *)ctx)->wall_s;
}

static inline void kit_init(struct kit *k)
{
    *k = (struct kit){.seed = 1, .wall_s = 1289690940};
    test_mem_init(&k->mem);
    k->env =
        (struct env){.ctx = k, .mem = k->mem.mem, .random = kit_random, .wall_s = kit_wall};
}

/** A message in memory of its own, whose text may be followed by an unreadable page. */
struct kit_msg {
    struct sip_msg m;
    struct sip_hdr hdr[SIP_HDR_MAX];
};

static inline bool kit_index(struct kit_msg *k, struct str text)
{
    struct sip_fault fault;
    k->m.hdr = k->hdr;
    return sip_msg_index(&k->m, text, true, &sip_limits_default, &fault) == 0;
}

#endif
