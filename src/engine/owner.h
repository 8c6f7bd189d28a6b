/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of whom there are operations (operation.h): how many each has, and which of them have ended.
 * So who has too many can be asked to give up his own.
 *
 * An owner is there as long as an operation is his. COST: one look-up by name for each that
 * begins.
 */
#ifndef BATON_ENGINE_OWNER_H
#define BATON_ENGINE_OWNER_H

#include "base/attr.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

struct owners {
    struct map map;
    struct hash_key key;
    const struct mem *mem;
};

struct owner {
    struct map_node node;
    struct list ended; /**< his operations that have ended, the oldest first */
    uint32_t count;    /**< of all that are his */
    struct str name;   /**< lies behind it */
};

/** @return 0 or E_NOMEM; owners_fini in either case */
int owners_init(struct owners *all, const struct mem *mem, struct hash_key key) MUST_USE;
/** Nobody is left. */
void owners_fini(struct owners *all);

/** NULL: he has none. */
struct owner *owner_find(const struct owners *all, struct str name);
/** One more is his: owner_leave. @return NULL: no memory */
struct owner *owner_take(struct owners *all, struct str name) MUST_USE;
void owner_leave(struct owners *all, struct owner *of);

#endif
