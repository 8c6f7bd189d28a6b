/* SPDX-License-Identifier: Apache-2.0 */
/* Which dialogs belong to which call: see calls.h. */
#include "capture/calls.h"
#include <stdlib.h>

enum { ID_MAX = 256 };

bool calls_init(struct calls *c, uint32_t most, const struct hash_key *key)
{
    *c = (struct calls){.key = *key, .most = most != 0 ? most : 1};
    list_init(&c->all);
    return map_init(&c->by_id, &mem_libc, 64) == 0 && map_init(&c->by_sip, &mem_libc, 64) == 0;
}

static void forget(struct calls *c, struct calls_call *call)
{
    struct calls_leg *leg = call->legs;

    while (leg != NULL) {
        struct calls_leg *next = leg->next;
        map_remove(&c->by_sip, &leg->by_sip);
        free(leg);
        leg = next;
    }
    for (uint32_t i = 0; i < call->other_count; i++) {
        free((char *)(uintptr_t)call->other[i].p);
    }
    map_remove(&c->by_id, &call->by_id);
    list_remove(&call->link);
    c->count--;
    free(call);
}

void calls_fini(struct calls *c)
{
    while (c->all.next != NULL && !list_empty(&c->all)) {
        forget(c, list_entry(c->all.next, struct calls_call, link));
    }
    map_fini(&c->by_id);
    map_fini(&c->by_sip);
}

static struct calls_call *find_hashed(const struct calls *c, struct str id, uint64_t hash)
{
    struct map_node *n = map_first(&c->by_id, hash);

    for (; n != NULL; n = map_next(n)) {
        struct calls_call *call = container_of(n, struct calls_call, by_id);
        if (str_eq(call->id, id)) {
            return call;
        }
    }
    return NULL;
}

struct calls_call *calls_find(const struct calls *c, struct str id)
{
    return find_hashed(c, id, hash_bytes(&c->key, id));
}

const struct calls_leg *calls_of_sip(const struct calls *c, struct str sip_call)
{
    struct map_node *n = map_first(&c->by_sip, hash_bytes(&c->key, sip_call));
    const struct calls_leg *best = NULL;

    for (; n != NULL; n = map_next(n)) {
        const struct calls_leg *leg = container_of(n, struct calls_leg, by_sip);
        if (str_eq(leg->sip_call, sip_call) &&
            (best == NULL || leg->call->first > best->call->first)) {
            best = leg;
        }
    }
    return best;
}

static char *copy(char *to, struct str s)
{
    if (s.n > 0) {
        memcpy(to, s.p, s.n);
    }
    return to + s.n;
}

/** The oldest that has ended, of the older half; else the oldest. */
static void make_room(struct calls *c)
{
    uint32_t looked = 0;

    list_each(it, &c->all)
    {
        struct calls_call *call = list_entry(it, struct calls_call, link);
        if (call->ended_us != 0) {
            forget(c, call);
            return;
        }
        if (++looked > c->most / 2) {
            break;
        }
    }
    forget(c, list_entry(c->all.next, struct calls_call, link));
}

static struct calls_call *call_add(struct calls *c, struct str id, uint64_t now,
                                   int64_t time_us)
{
    uint64_t hash = hash_bytes(&c->key, id);
    struct calls_call *call = find_hashed(c, id, hash);

    if (call != NULL || id.n == 0 || id.n > ID_MAX) {
        return call;
    }
    if (c->count >= c->most) {
        make_room(c);
    }
    call = calloc(1, sizeof(*call) + id.n);
    if (call == NULL) {
        return NULL;
    }
    call->id = str_make((char *)(call + 1), id.n);
    (void)copy((char *)(call + 1), id);
    call->first = now;
    call->began_us = time_us;
    map_add(&c->by_id, &call->by_id, hash);
    list_append(&c->all, &call->link);
    c->count++;
    return call;
}

static bool has_leg(const struct calls_call *call, const struct env_leg *one)
{
    for (const struct calls_leg *leg = call->legs; leg != NULL; leg = leg->next) {
        if (str_eq(leg->sip_call, one->sip_call) && str_eq(leg->named, one->named)) {
            return true;
        }
    }
    return false;
}

void calls_leg(struct calls *c, const struct env_leg *leg, uint64_t now, int64_t time_us)
{
    struct calls_call *call = call_add(c, leg->call, now, time_us);
    struct str party = str_upto(leg->party, ID_MAX);
    struct calls_leg *own;

    if (call == NULL || call->leg_count >= CALLS_LEGS_MAX || has_leg(call, leg)) {
        return;
    }
    own = calloc(1, sizeof(*own) + leg->sip_call.n + party.n + leg->named.n);
    if (own == NULL) {
        return;
    }
    own->call = call;
    own->device = leg->device;
    own->sip_call = str_make((char *)(own + 1), leg->sip_call.n);
    own->party = str_make((char *)(own + 1) + leg->sip_call.n, party.n);
    own->named = str_make((char *)(own + 1) + leg->sip_call.n + party.n, leg->named.n);
    (void)copy(copy(copy((char *)(own + 1), leg->sip_call), party), leg->named);
    own->next = call->legs;
    call->legs = own;
    call->leg_count++;
    if (leg->named.n == 0) {
        call->ended_us = 0;
        call->last = 0;
        map_add(&c->by_sip, &own->by_sip, hash_bytes(&c->key, leg->sip_call));
    }
}

static void add_other(struct calls_call *call, struct str other)
{
    char *p;

    for (uint32_t i = 0; i < call->other_count; i++) {
        if (str_eq(call->other[i], other)) {
            return;
        }
    }
    p = call->other_count < CALLS_FAMILY_MAX && other.n <= ID_MAX ? malloc(other.n + 1) : NULL;
    if (p != NULL) {
        (void)copy(p, other);
        call->other[call->other_count++] = str_make(p, other.n);
    }
}

void calls_joined(struct calls *c, struct str id, struct str other)
{
    struct calls_call *one = calls_find(c, id), *two = calls_find(c, other);

    if (one != NULL && !str_eq(id, other)) {
        add_other(one, other);
    }
    if (two != NULL && !str_eq(id, other)) {
        add_other(two, id);
    }
}

void calls_over(struct calls *c, struct str id, uint64_t now, int64_t time_us)
{
    struct calls_call *call = calls_find(c, id);

    if (call != NULL) {
        call->last = now;
        call->ended_us = time_us;
    }
}
