/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of those who stand above the engine: tokens of the API, and whatever else they want
 * kept.
 *
 * They go to the store as all rows do, with whatever the same input has changed. A store that
 * has lost rows wants all of them again (engine_store_all), at once and in this thread, so a
 * copy stays here. What a row says is its owner's business; here it is a key and octets.
 *
 * COST: one block a row, one hash table. At most ROWS_MAX rows.
 */
#include "base/err.h"
#include "engine/parts.h"

enum { ROWS_MAX = 100000 };

struct own_row {
    struct map_node node;
    enum store_kind kind;
    struct str key, value; /**< in this block, behind it */
};

int rows_init(struct engine *e)
{
    e->row_key = (struct hash_key){env_random64(e->env), env_random64(e->env)};
    return map_init(&e->rows, &e->env->mem, 16);
}

void rows_fini(struct engine *e)
{
    size_t slot = 0;
    struct map_node *n = map_walk(&e->rows, &slot, NULL);
    while (n != NULL) {
        struct own_row *r = container_of(n, struct own_row, node);
        n = map_walk(&e->rows, &slot, n);
        mem_free(&e->env->mem, r);
    }
    map_fini(&e->rows);
}

static uint64_t hash_of(const struct engine *e, enum store_kind kind, struct str key)
{
    return hash_mix(hash_bytes(&e->row_key, key), kind);
}

static struct own_row *find(const struct engine *e, enum store_kind kind, struct str key)
{
    struct map_node *n = map_first(&e->rows, hash_of(e, kind, key));
    for (; n != NULL; n = map_next(n)) {
        struct own_row *r = container_of(n, struct own_row, node);
        if (r->kind == kind && str_eq(r->key, key)) {
            return r;
        }
    }
    return NULL;
}

static struct str place(char **at, struct str s)
{
    struct str copy = {*at, s.n};
    if (s.n > 0) {
        memcpy(*at, s.p, s.n);
        *at += s.n;
    }
    return copy;
}

static void forget(struct engine *e, struct own_row *r)
{
    if (r != NULL) {
        map_remove(&e->rows, &r->node);
        mem_free(&e->env->mem, r);
    }
}

int rows_restore(struct engine *e, enum store_kind kind, struct str key, struct str value)
{
    if (kind != STORE_TOKEN && kind != STORE_WEBHOOK) {
        return E_UNSUPPORTED;
    }
    if (key.n == 0 || value.n == 0) {
        return E_SYNTAX; /* nobody has written such a one */
    }
    if (e->rows.count >= ROWS_MAX) {
        return E_TOOMANY;
    }
    struct own_row *r = mem_zalloc(&e->env->mem, sizeof(*r) + key.n + value.n);
    if (r == NULL) {
        return E_NOMEM;
    }
    struct own_row *before = find(e, kind, key);
    char *at = (char *)(r + 1);
    r->kind = kind;
    r->key = place(&at, key);
    r->value = place(&at, value);
    forget(e, before);
    map_add(&e->rows, &r->node, hash_of(e, kind, r->key));
    return 0;
}

int engine_put_row(struct engine *e, enum store_kind kind, struct str key, struct str value)
{
    const struct store_ops *store = e->config.store;
    int err = store != NULL ? rows_restore(e, kind, key, value) : E_UNSUPPORTED;
    if (err == 0) {
        store->put(store->ctx, kind, key, value);
    }
    return err;
}

void engine_drop_row(struct engine *e, enum store_kind kind, struct str key)
{
    struct own_row *r = find(e, kind, key);
    if (r != NULL) {
        e->config.store->drop(e->config.store->ctx, kind, key);
        forget(e, r);
    }
}

void engine_each_row(const struct engine *e, enum store_kind kind,
                     void (*fn)(void *ctx, struct str key, struct str value), void *ctx)
{
    size_t slot = 0;
    for (struct map_node *n = map_walk(&e->rows, &slot, NULL); n != NULL;
         n = map_walk(&e->rows, &slot, n)) {
        const struct own_row *r = container_of(n, struct own_row, node);
        if (r->kind == kind) {
            fn(ctx, r->key, r->value);
        }
    }
}

void rows_keep_all(struct engine *e)
{
    const struct store_ops *store = e->config.store;
    size_t slot = 0;
    for (struct map_node *n = map_walk(&e->rows, &slot, NULL); n != NULL;
         n = map_walk(&e->rows, &slot, n)) {
        const struct own_row *r = container_of(n, struct own_row, node);
        store->put(store->ctx, r->kind, r->key, r->value);
    }
}
