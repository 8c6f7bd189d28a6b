/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intrusive hash map with chaining.
 *
 * Full means half as many nodes as slots: a look-up that finds nothing, which is what every new
 * message begins with, then mostly meets an empty slot and touches no node. Growing rehashes
 * all nodes at once; tables whose final size is known are made with that hint and never do.
 * When there is no memory for more slots the map stays correct with longer chains and tries
 * again at the next addition.
 *
 * INVARIANTS  the number of slots is a power of two; a node with `linked` is in exactly the
 *             chain hash & mask; count is the number of linked nodes.
 */
#include "base/map.h"
#include "base/err.h"
#include <assert.h>

#define MIN_SLOTS 8

int map_init(struct map *m, const struct mem *mem, size_t hint)
{
    size_t slots = MIN_SLOTS;
    *m = (struct map){.mem = mem};
    while (slots / 2 < hint) {
        if (slots > SIZE_MAX / 4 / sizeof(*m->slot)) {
            return E_NOMEM;
        }
        slots *= 2;
    }
    m->slot = mem_zalloc(mem, slots * sizeof(*m->slot));
    if (m->slot == NULL) {
        return E_NOMEM;
    }
    m->mask = slots - 1;
    return 0;
}

void map_fini(struct map *m)
{
    if (m->slot != NULL) {
        mem_free(m->mem, m->slot);
    }
    *m = (struct map){.mem = m->mem};
}

static void push(struct map *m, struct map_node *n)
{
    struct map_node **head = &m->slot[n->hash & m->mask];
    n->next = *head;
    *head = n;
}

static void grow(struct map *m)
{
    size_t old_slots = m->mask + 1;
    struct map_node **old = m->slot;
    if (old_slots > SIZE_MAX / 4 / sizeof(*old)) {
        return;
    }
    struct map_node **slot = mem_zalloc(m->mem, old_slots * 2 * sizeof(*slot));
    if (slot == NULL) {
        return;
    }
    m->slot = slot;
    m->mask = old_slots * 2 - 1;
    for (size_t i = 0; i < old_slots; i++) {
        struct map_node *next;
        for (struct map_node *n = old[i]; n != NULL; n = next) {
            next = n->next;
            push(m, n);
        }
    }
    mem_free(m->mem, old);
}

void map_add(struct map *m, struct map_node *n, uint64_t hash)
{
    assert(!n->linked);
    if (m->count > m->mask / 2) {
        grow(m);
    }
    n->hash = hash;
    n->linked = true;
    push(m, n);
    m->count++;
}

void map_remove(struct map *m, struct map_node *n)
{
    if (!n->linked) {
        return;
    }
    struct map_node **at = &m->slot[n->hash & m->mask];
    while (*at != n) {
        at = &(*at)->next;
    }
    *at = n->next;
    n->next = NULL;
    n->linked = false;
    m->count--;
}

/** The first node from `n` on, along the chain, that has this hash. */
static struct map_node *same_hash(struct map_node *n, uint64_t hash)
{
    while (n != NULL && n->hash != hash) {
        n = n->next;
    }
    return n;
}

struct map_node *map_first(const struct map *m, uint64_t hash)
{
    return m->slot != NULL ? same_hash(m->slot[hash & m->mask], hash) : NULL;
}

struct map_node *map_next(const struct map_node *n)
{
    return same_hash(n->next, n->hash);
}

struct map_node *map_walk(const struct map *m, size_t *slot, struct map_node *n)
{
    if (m->slot == NULL) {
        return NULL;
    }
    if (n != NULL) {
        if (n->next != NULL) {
            return n->next;
        }
        ++*slot;
    }
    while (*slot <= m->mask) {
        if (m->slot[*slot] != NULL) {
            return m->slot[*slot];
        }
        ++*slot;
    }
    return NULL;
}

static uint64_t reversed(uint64_t v)
{
    uint64_t r = 0;

    for (unsigned i = 0; i < 64; i++, v >>= 1) {
        r = r << 1 | (v & 1);
    }
    return r;
}

/** The first of a chain behind that place. */
static struct map_node *least(struct map_node *n, uint64_t place)
{
    struct map_node *best = NULL;

    for (; n != NULL; n = n->next) {
        uint64_t here = reversed(n->hash);
        if (here > place && (best == NULL || here < reversed(best->hash))) {
            best = n;
        }
    }
    return best;
}

/* The place of a node is its hash with the lowest bit first. A slot is the low bits of a hash,
   so slots counted from the highest bit of the mask down are in this order, whatever the mask
   is: growing splits a slot into two that stand next to each other. */
struct map_node *map_after(const struct map *m, uint64_t *place)
{
    uint64_t at = reversed(*place);

    if (m->slot == NULL) {
        return NULL;
    }
    do {
        struct map_node *n = least(m->slot[at & m->mask], *place);
        if (n != NULL) {
            *place = reversed(n->hash);
            return n;
        }
        at = reversed(reversed(at | ~(uint64_t)m->mask) + 1);
    } while (at != 0);
    return NULL;
}
