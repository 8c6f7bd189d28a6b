/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pool: objects of one size, taken and given back in O(1).
 *
 * Slabs are allocated as needed and kept until fini, so a warm pool never allocates. The
 * number of objects is bounded by `limit` (0: unbounded): the bound of a table is the
 * bound of its pool.
 */
#ifndef BATON_BASE_POOL_H
#define BATON_BASE_POOL_H

#include "base/mem.h"

struct pool_slab;
struct pool_free;

struct pool {
    const struct mem *mem;
    struct pool_slab *slabs;
    struct pool_free *free;
    size_t size;     /**< bytes of one object, rounded up for alignment */
    size_t per_slab; /**< objects of one slab */
    size_t in_use;
    size_t limit;
};

void pool_init(struct pool *p, const struct mem *mem, size_t size, size_t per_slab,
               size_t limit);

/** Frees the slabs; every object must have been given back or be dead. */
void pool_fini(struct pool *p);

/** A zeroed object, or NULL when memory or the limit is reached. */
void *pool_get(struct pool *p);
void pool_put(struct pool *p, void *obj);

#endif
