/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much one principal may ask: see pace.h. An allowance is one number (GCRA): the time at
 * which it is whole again. A request moves that on by 1/per_s; it may lie BURST_S ahead.
 */
#include "access/pace.h"
#include "base/attr.h"
#include "base/err.h"

enum { BURST_S = 2, NAMES = 4096, NAME_MAX_OCTETS = 128 };

struct pace_entry {
    struct map_node node;
    struct list link;
    uint64_t whole_us; /**< its allowance is whole then */
    uint32_t streams;
    uint8_t name_n;
    char name[NAME_MAX_OCTETS];
};

int access_pace_init(struct access_pace *p, const struct env *env,
                     const struct access_pace_limits *limits)
{
    memset(p, 0, sizeof(*p));
    p->limits = *limits;
    p->key = (struct hash_key){env_random64(env), env_random64(env)};
    list_init(&p->quiet);
    pool_init(&p->pool, &env->mem, sizeof(struct pace_entry), 16,
              limits->names != 0 ? limits->names : NAMES);
    return map_init(&p->map, &env->mem, 64);
}

void access_pace_fini(struct access_pace *p)
{
    map_fini(&p->map);
    pool_fini(&p->pool);
}

/** Longer names than any that there is are told apart by their beginning. */
static struct str short_name(struct str name)
{
    return str_upto(name, NAME_MAX_OCTETS);
}

static struct pace_entry *find(const struct access_pace *p, struct str name)
{
    uint64_t hash = hash_bytes(&p->key, name);
    for (struct map_node *n = map_first(&p->map, hash); n != NULL; n = map_next(n)) {
        struct pace_entry *e = container_of(n, struct pace_entry, node);
        if (str_eq(str_make(e->name, e->name_n), name)) {
            return e;
        }
    }
    return NULL;
}

/** Somebody of whom nothing need be known. @return false: there is nobody */
static bool forget_one(struct access_pace *p)
{
    list_each(it, &p->quiet)
    {
        struct pace_entry *e = list_entry(it, struct pace_entry, link);
        if (e->streams == 0) {
            map_remove(&p->map, &e->node);
            list_remove(&e->link);
            pool_put(&p->pool, e);
            return true;
        }
    }
    return false;
}

/** NULL: no room, and nobody to be forgotten. */
static struct pace_entry *touch(struct access_pace *p, struct str name)
{
    struct pace_entry *e = find(p, name);
    if (e == NULL) {
        if (p->pool.in_use == p->pool.limit && !forget_one(p)) {
            return NULL;
        }
        e = pool_get(&p->pool);
        if (e == NULL) {
            return NULL;
        }
        memcpy(e->name, name.p, name.n);
        e->name_n = (uint8_t)name.n;
        map_add(&p->map, &e->node, hash_bytes(&p->key, name));
    } else {
        list_remove(&e->link);
    }
    list_append(&p->quiet, &e->link);
    return e;
}

uint32_t access_pace_ask(struct access_pace *p, struct str name, uint64_t now_ms)
{
    uint64_t now = now_ms * 1000, ahead = BURST_S * UINT64_C(1000000);
    struct pace_entry *e = p->limits.per_s != 0 ? touch(p, short_name(name)) : NULL;
    uint64_t step = p->limits.per_s != 0 ? UINT64_C(1000000) / p->limits.per_s : 0;
    if (e == NULL) {
        return 0;
    }
    if (e->whole_us < now) {
        e->whole_us = now;
    }
    if (e->whole_us + step > now + ahead) {
        return (uint32_t)((e->whole_us + step - now - ahead + 999) / 1000);
    }
    e->whole_us += step;
    return 0;
}

bool access_pace_enter(struct access_pace *p, struct str name)
{
    struct pace_entry *e = touch(p, short_name(name));
    if (e == NULL) {
        return true;
    }
    if (p->limits.streams != 0 && e->streams >= p->limits.streams) {
        return false;
    }
    e->streams++;
    return true;
}

void access_pace_leave(struct access_pace *p, struct str name)
{
    struct pace_entry *e = find(p, short_name(name));
    if (e != NULL && e->streams > 0) {
        e->streams--;
    }
}
