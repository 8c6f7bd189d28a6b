/* SPDX-License-Identifier: Apache-2.0 */
/* See black.h. An entry is in the map and in `age` from its making to its end. */
#include "route/black.h"

#include "base/err.h"

#define PER_SLAB 32

struct entry {
    struct map_node node;
    struct list link;
    struct addr remote;
    uint8_t transport;
    bool trial; /**< `until_ms` is the end of a trial, not of a block */
    uint8_t fails;
    uint64_t name; /**< keyed hash of the name, over TLS */
    uint64_t until_ms;
};

int route_black_init(struct route_black *b, const struct env *env, size_t max)
{
    memset(b, 0, sizeof *b);
    b->first_ms = 10000;
    b->most_ms = 300000;
    b->trial_ms = 32000;
    env->random(env->ctx, &b->key, sizeof b->key);
    list_init(&b->age);
    pool_init(&b->pool, &env->mem, sizeof(struct entry), PER_SLAB, max);
    return map_init(&b->map, &env->mem, 16);
}

static void drop(struct route_black *b, struct entry *e)
{
    map_remove(&b->map, &e->node);
    list_remove(&e->link);
    pool_put(&b->pool, e);
}

void route_black_fini(struct route_black *b)
{
    while (b->pool.size != 0 && !list_empty(&b->age)) {
        drop(b, list_entry(b->age.next, struct entry, link));
    }
    map_fini(&b->map);
    pool_fini(&b->pool);
}

static uint64_t name_hash(const struct route_black *b, const struct hop *hop, struct str name)
{
    return hop->transport == TP_TLS || hop->transport == TP_WSS ? hash_ibytes(&b->key, name)
                                                                : 0;
}

static uint64_t entry_hash(const struct route_black *b, const struct hop *hop, uint64_t name)
{
    const struct addr *a = &hop->remote;
    size_t n = a->family == ADDR_IP4 ? 4 : 16;
    uint64_t h = hash_bytes(&b->key, str_make((const char *)a->ip, n));
    return hash_mix(hash_mix(h, (uint64_t)a->port << 8 | hop->transport), name);
}

static struct entry *find(const struct route_black *b, const struct hop *hop, uint64_t name)
{
    if (b->map.count == 0) {
        return NULL;
    }
    struct map_node *n = map_first(&b->map, entry_hash(b, hop, name));
    for (; n != NULL; n = map_next(n)) {
        struct entry *e = container_of(n, struct entry, node);
        if (e->transport == hop->transport && e->name == name &&
            addr_eq(&e->remote, &hop->remote)) {
            return e;
        }
    }
    return NULL;
}

static struct entry *add(struct route_black *b, const struct hop *hop, uint64_t name)
{
    struct entry *e = pool_get(&b->pool);
    if (e == NULL && !list_empty(&b->age)) {
        drop(b, list_entry(b->age.next, struct entry, link));
        e = pool_get(&b->pool);
    }
    if (e == NULL) {
        return NULL;
    }
    e->remote = hop->remote;
    e->transport = hop->transport;
    e->name = name;
    map_add(&b->map, &e->node, entry_hash(b, hop, name));
    list_append(&b->age, &e->link);
    return e;
}

static uint64_t block_ms(const struct route_black *b, uint8_t fails)
{
    uint64_t ms = b->first_ms;
    for (unsigned i = 1; i < fails && ms < b->most_ms; i++) {
        ms *= 2;
    }
    return ms < b->most_ms ? ms : b->most_ms;
}

void route_black_add(struct route_black *b, const struct hop *hop, struct str name,
                     uint32_t at_least_ms, uint64_t now_ms)
{
    uint64_t hash = name_hash(b, hop, name);
    if (b->most_ms == 0) {
        return;
    }
    struct entry *e = find(b, hop, hash);
    if (e != NULL && now_ms >= e->until_ms + b->most_ms) {
        e->fails = 0; /* too long ago to count */
    }
    if (e == NULL) {
        e = add(b, hop, hash);
        if (e == NULL) {
            return;
        }
    }
    if (e->trial || now_ms >= e->until_ms) {
        e->fails = (uint8_t)(e->fails < UINT8_MAX ? e->fails + 1 : e->fails);
        e->until_ms = now_ms + block_ms(b, e->fails);
        e->trial = false;
    }
    uint64_t asked = now_ms + (at_least_ms < b->most_ms ? at_least_ms : b->most_ms);
    e->until_ms = asked > e->until_ms ? asked : e->until_ms;
}

void route_black_clear(struct route_black *b, const struct hop *hop, struct str name)
{
    struct entry *e = b->map.count > 0 ? find(b, hop, name_hash(b, hop, name)) : NULL;
    if (e != NULL) {
        drop(b, e);
    }
}

void route_black_use(struct route_black *b, const struct hop *hop, struct str name,
                     uint64_t now_ms)
{
    struct entry *e = b->map.count > 0 ? find(b, hop, name_hash(b, hop, name)) : NULL;
    if (e == NULL || now_ms < e->until_ms) {
        return;
    }
    if (now_ms >= e->until_ms + b->most_ms) {
        drop(b, e);
        return;
    }
    e->trial = true;
    e->until_ms = now_ms + b->trial_ms;
}

uint64_t route_black_until(const struct route_black *b, const struct hop *hop, struct str name,
                           uint64_t now_ms)
{
    const struct entry *e = b->map.count > 0 ? find(b, hop, name_hash(b, hop, name)) : NULL;
    return e != NULL && now_ms < e->until_ms ? e->until_ms : 0;
}

void route_black_sort(const struct route_black *b, struct route_hops *hops, struct str name,
                      uint64_t now_ms)
{
    uint64_t until[ROUTE_HOPS];
    if (b->map.count == 0) {
        return;
    }
    for (size_t i = 0; i < hops->n; i++) {
        struct hop hop = hops->hop[i];
        uint64_t own = route_black_until(b, &hop, name, now_ms);
        size_t k = i;
        for (; k > 0 && until[k - 1] > own; k--) {
            hops->hop[k] = hops->hop[k - 1];
            until[k] = until[k - 1];
        }
        hops->hop[k] = hop;
        until[k] = own;
    }
}
