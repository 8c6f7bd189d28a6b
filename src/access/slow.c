/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who guesses is slowed: see slow.h. An entry is forgotten after ten quiet minutes, by being
 * begun anew; nothing runs for that.
 */
#include "access/slow.h"

#include "base/attr.h"

enum { FORGIVEN = 5, WINDOW_MS = 60 * 1000, QUIET_MS = 10 * 60 * 1000, MOST_S = 60 };

struct slow_entry {
    struct map_node node;
    struct list link;
    uint64_t window_ms; /**< when counting began */
    uint64_t last_ms;
    uint64_t until_ms; /**< it waits until then */
    uint32_t wrong;    /**< in the window */
    uint32_t wait_s;   /**< that it was told last; 0: never */
};

int access_slow_init(struct access_slow *s, const struct env *env, size_t max)
{
    memset(s, 0, sizeof(*s));
    s->key = (struct hash_key){env_random64(env), env_random64(env)};
    list_init(&s->quiet);
    pool_init(&s->pool, &env->mem, sizeof(struct slow_entry), 32, max != 0 ? max : 4096);
    return map_init(&s->map, &env->mem, 64);
}

void access_slow_fini(struct access_slow *s)
{
    map_fini(&s->map);
    pool_fini(&s->pool);
}

static void forget(struct access_slow *s, struct slow_entry *e)
{
    map_remove(&s->map, &e->node);
    list_remove(&e->link);
    pool_put(&s->pool, e);
}

/** The entry of that address, heard of now. NULL: no memory. */
static struct slow_entry *touch(struct access_slow *s, const struct addr *from, uint64_t now_ms)
{
    uint64_t key = hash_bytes(&s->key, addr_source(from));
    struct map_node *n = map_first(&s->map, key);
    struct slow_entry *e = n != NULL ? container_of(n, struct slow_entry, node) : NULL;
    if (e != NULL && now_ms - e->last_ms > QUIET_MS) {
        forget(s, e);
        e = NULL;
    }
    if (e == NULL) {
        if (s->pool.in_use == s->pool.limit) {
            forget(s, list_entry(s->quiet.next, struct slow_entry, link));
        }
        e = pool_get(&s->pool);
        if (e == NULL) {
            return NULL;
        }
        e->window_ms = now_ms;
        map_add(&s->map, &e->node, key);
    } else {
        list_remove(&e->link);
    }
    list_append(&s->quiet, &e->link);
    e->last_ms = now_ms;
    return e;
}

uint32_t access_slow_failed(struct access_slow *s, const struct addr *from, uint64_t now_ms,
                            bool *begins)
{
    struct slow_entry *e = touch(s, from, now_ms);
    s->failed++;
    if (begins != NULL) {
        *begins = false;
    }
    if (e == NULL) {
        return 0;
    }
    if (now_ms < e->until_ms) { /* it did not wait: the time is not made longer by that */
        s->slowed++;
        return (uint32_t)((e->until_ms - now_ms + 999) / 1000);
    }
    if (now_ms - e->window_ms > WINDOW_MS && e->wait_s == 0) {
        e->window_ms = now_ms;
        e->wrong = 0;
    }
    if (++e->wrong <= FORGIVEN) {
        return 0;
    }
    if (begins != NULL) {
        *begins = e->wait_s == 0;
    }
    e->wait_s = e->wait_s == 0 ? 1 : e->wait_s >= MOST_S / 2 ? MOST_S : e->wait_s * 2;
    e->until_ms = now_ms + (uint64_t)e->wait_s * 1000;
    s->slowed++;
    return e->wait_s;
}
