/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive hash map: chains of nodes that live inside the objects.
 *
 * The caller makes the 64-bit hash (keyed, `hash_bytes`, because peers choose many of
 * the keys) and compares keys itself, so the map needs no callbacks:
 *
 *     for (n = map_first(&m, h); n != NULL; n = map_next(n)) { obj = ...; if (same) ... }
 *
 * Grows by doubling when half of it is taken (never shrinks); if there is no memory to grow it
 * goes on with longer chains. O(1) expected; the objects are never moved.
 */
#ifndef BATON_BASE_MAP_H
#define BATON_BASE_MAP_H

#include "base/mem.h"

struct map_node {
    struct map_node *next;
    uint64_t hash;
    bool linked;
};

struct map {
    const struct mem *mem;
    struct map_node **slot;
    size_t mask; /**< number of slots - 1 */
    size_t count;
};

/** Room for `hint` nodes without growing. @return 0 or E_NOMEM */
int map_init(struct map *m, const struct mem *mem, size_t hint);

/** Frees the slots; nodes are the caller's. */
void map_fini(struct map *m);

void map_add(struct map *m, struct map_node *n, uint64_t hash);

/** Harmless when `n` is not in a map. */
void map_remove(struct map *m, struct map_node *n);

struct map_node *map_first(const struct map *m, uint64_t hash);

/** The next node with the same hash, or NULL. */
struct map_node *map_next(const struct map_node *n);

/**
 * Walk all nodes in no order: start with *slot = 0 and n = NULL. The node that was
 * returned may be removed before the next call only if map_walk was called again first.
 */
struct map_node *map_walk(const struct map *m, size_t *slot, struct map_node *n);

/**
 * Walk all nodes in pieces, between which the map may change. They have an order that stays
 * the same while the map grows: begin with *place = 0; a node that is in the map all the time
 * is seen exactly once. Nodes with the same hash have one place: walk them with map_next.
 * @return the first behind *place, which becomes its place; NULL: there is none
 */
struct map_node *map_after(const struct map *m, uint64_t *place);

#endif
