/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal as a ring in memory.
 *
 *   ring     number % records → block           (one record and its strings)
 *   chain    device key → first, last, lost     (records of that device, linked by number)
 *
 * INVARIANTS
 *   A record is in the ring as long as fewer than `records` numbers were given out after it.
 *   chain->first and chain->last are in the ring, or both 0. Following `next` from first visits
 *   all records of the device in order and ends at last.
 *   chain->lost is the highest number of the device that is not in the ring any more (or that
 *   there was no memory for). So a cursor has a gap exactly when chain->lost > cursor->after.
 *   A cursor's `after` is a number of its own chain, or lies before the chain's first record.
 *
 * OWNERSHIP. The journal owns blocks and chains. A chain lives while it has records or
 * cursors. A block is used again for the record that takes its place when it is large enough,
 * so a warm ring hardly allocates.
 *
 * COST. append, peek, step: O(1). open: O(1) from the head, else the records of the device.
 */
#include "cti/journal.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/map.h"
#include "cti/record.h"

struct journal_chain {
    struct map_node node;
    uint64_t first, last, lost;
    uint32_t cursors;
    struct str device; /* behind the struct */
};

struct block {
    size_t cap; /* octets for strings */
    struct journal_chain *chain;
    struct journal_record r;
};

struct journal {
    const struct mem *mem;
    struct hash_key key;
    struct map chains;
    uint64_t head;
    uint64_t forgotten; /* highest `lost` of the chains that are gone */
    uint32_t records;
    struct block **ring;
    const struct store_ops *store; /* NULL: nothing outlives the process */
    struct pack_room room;
};

/* The fewest octets of a block's strings: what most records need, so that blocks fit again. */
enum { BLOCK_MIN = 256 };

struct journal *journal_new(const struct env *env, uint32_t records)
{
    struct journal *j = mem_zalloc(&env->mem, sizeof(*j));

    if (j == NULL) {
        return NULL;
    }
    j->mem = &env->mem;
    j->room.mem = &env->mem;
    j->key = (struct hash_key){env_random64(env), env_random64(env)};
    j->records = records == 0 ? 1 : records;
    j->ring = mem_zalloc(j->mem, j->records * sizeof(*j->ring));
    if (j->ring == NULL || map_init(&j->chains, j->mem, 64) != 0) {
        mem_free(j->mem, j->ring);
        mem_free(j->mem, j);
        return NULL;
    }
    return j;
}

void journal_free(struct journal *j)
{
    struct map_node *n;
    size_t slot = 0;

    if (j == NULL) {
        return;
    }
    for (n = map_walk(&j->chains, &slot, NULL); n != NULL;) {
        struct journal_chain *chain = container_of(n, struct journal_chain, node);
        n = map_walk(&j->chains, &slot, n);
        mem_free(j->mem, chain);
    }
    for (uint32_t i = 0; i < j->records; i++) {
        mem_free(j->mem, j->ring[i]);
    }
    map_fini(&j->chains);
    pack_room_fini(&j->room);
    mem_free(j->mem, j->ring);
    mem_free(j->mem, j);
}

uint64_t journal_head(const struct journal *j)
{
    return j->head;
}

/* ---- chains ---- */

static struct journal_chain *chain_find(const struct journal *j, struct str device)
{
    struct map_node *n = map_first(&j->chains, hash_bytes(&j->key, device));

    for (; n != NULL; n = map_next(n)) {
        struct journal_chain *chain = container_of(n, struct journal_chain, node);
        if (str_eq(chain->device, device)) {
            return chain;
        }
    }
    return NULL;
}

static struct journal_chain *chain_get(struct journal *j, struct str device)
{
    struct journal_chain *chain = chain_find(j, device);
    char *text;

    if (chain != NULL) {
        return chain;
    }
    chain = mem_zalloc(j->mem, sizeof(*chain) + device.n);
    if (chain == NULL) {
        return NULL;
    }
    text = (char *)(chain + 1);
    if (device.n > 0) {
        memcpy(text, device.p, device.n);
    }
    chain->device = str_make(text, device.n);
    chain->lost = j->forgotten;
    map_add(&j->chains, &chain->node, hash_bytes(&j->key, device));
    return chain;
}

static void chain_drop(struct journal *j, struct journal_chain *chain)
{
    if (chain->cursors == 0 && chain->first == 0) {
        j->forgotten = chain->lost > j->forgotten ? chain->lost : j->forgotten;
        map_remove(&j->chains, &chain->node);
        mem_free(j->mem, chain);
    }
}

/* ---- append ---- */

static struct block **slot_of(const struct journal *j, uint64_t number)
{
    return &j->ring[number % j->records];
}

/** The oldest record gives up its place. It is its chain's first one. */
static void forget(struct journal *j, struct block *b)
{
    struct journal_chain *chain = b->chain;

    if (chain == NULL) {
        return;
    }
    chain->lost = b->r.number;
    chain->first = b->r.next;
    if (chain->first == 0) {
        chain->last = 0;
    }
    b->chain = NULL;
    chain_drop(j, chain);
}

static size_t strings_len(const struct journal_record *r)
{
    size_t n = r->call_id.n + r->user_data.n + r->correlator.n + r->secondary.n + r->digits.n +
               r->parties.n + r->about.n + r->body.n + r->audience.n + r->sip_call_id.n;

    for (size_t i = 0; i < JOURNAL_PARTY_COUNT; i++) {
        n += r->party[i].n;
    }
    return n;
}

static void keep(char **at, struct str *s)
{
    if (!str_is_set(*s)) {
        return;
    }
    if (s->n > 0) {
        memcpy(*at, s->p, s->n);
    }
    s->p = *at;
    *at += s->n;
}

static void fill(struct block *b, const struct journal_record *r)
{
    char *at = (char *)(b + 1);

    b->r = *r;
    b->r.next = 0;
    keep(&at, &b->r.call_id);
    keep(&at, &b->r.user_data);
    keep(&at, &b->r.correlator);
    keep(&at, &b->r.secondary);
    keep(&at, &b->r.parties);
    keep(&at, &b->r.digits);
    keep(&at, &b->r.about);
    keep(&at, &b->r.body);
    keep(&at, &b->r.audience);
    keep(&at, &b->r.sip_call_id);
    for (size_t i = 0; i < JOURNAL_PARTY_COUNT; i++) {
        keep(&at, &b->r.party[i]);
    }
}

/** A block in that place with room for `n` octets; NULL when memory is out. */
static struct block *make_room(struct journal *j, struct block **slot, size_t n)
{
    struct block *b = *slot;
    size_t cap = n < BLOCK_MIN ? BLOCK_MIN : n;

    if (b != NULL && b->cap >= n) {
        return b;
    }
    mem_free(j->mem, b);
    *slot = b = mem_alloc(j->mem, sizeof(*b) + cap);
    if (b != NULL) {
        b->cap = cap;
        b->chain = NULL;
    }
    return b;
}

/** A record of this device could not be kept: the story breaks here for everybody. */
static void lose(struct journal *j, struct journal_chain *chain, uint64_t number)
{
    for (uint64_t at = chain->first; at != 0;) {
        struct block *b = *slot_of(j, at);
        at = b->r.next;
        b->chain = NULL;
    }
    chain->first = chain->last = 0;
    chain->lost = number;
    chain_drop(j, chain);
}

/** Into the ring, under that number. */
static void ring_append(struct journal *j, const struct journal_record *r, uint64_t number)
{
    struct block **slot = slot_of(j, number), *b;
    struct journal_chain *chain;

    if (*slot != NULL) {
        forget(j, *slot);
    }
    chain = chain_get(j, r->device);
    if (chain == NULL) {
        return; /* without a chain there is no cursor that could miss it */
    }
    b = make_room(j, slot, strings_len(r));
    if (b == NULL) {
        lose(j, chain, number);
        return;
    }
    fill(b, r);
    b->r.number = number;
    b->r.device = chain->device;
    b->chain = chain;
    if (chain->first == 0) {
        chain->first = number;
    } else {
        (*slot_of(j, chain->last))->r.next = number;
    }
    chain->last = number;
}

static void ring_miss(struct journal *j, struct str device, uint64_t number)
{
    struct block **slot = slot_of(j, number);
    struct journal_chain *chain;

    if (*slot != NULL) {
        forget(j, *slot);
    }
    chain = chain_find(j, device);
    if (chain != NULL) {
        lose(j, chain, number);
    }
}

uint64_t journal_append(struct journal *j, const struct journal_record *r)
{
    uint64_t number = ++j->head;

    if (j->store != NULL) {
        record_keep(j->store, &j->room, r, number, r->device);
    }
    ring_append(j, r, number);
    return number;
}

uint64_t journal_miss(struct journal *j, struct str device)
{
    uint64_t number = ++j->head;

    if (j->store != NULL) {
        struct store_event e = {.number = number, .watched = device, .event = STORE_GAP};
        j->store->event(j->store->ctx, &e);
    }
    ring_miss(j, device, number);
    return number;
}

/* ---- what outlives the process ---- */

void journal_set_store(struct journal *j, const struct store_ops *store)
{
    j->store = store;
}

bool journal_notes(const struct journal *j)
{
    return j->store != NULL;
}

void journal_note(struct journal *j, const struct journal_record *r)
{
    uint64_t number;

    if (j->store == NULL) {
        return;
    }
    number = ++j->head;
    record_keep(j->store, &j->room, r, number, STR(""));
    if (*slot_of(j, number) != NULL) {
        forget(j, *slot_of(j, number));
    }
}

void journal_note_missed(struct journal *j)
{
    if (j->store != NULL) {
        (void)journal_miss(j, STR(""));
    }
}

uint64_t journal_tell(struct journal *j, const struct journal_fact *f)
{
    uint64_t number = j->head + 1;

    if (j->store == NULL || !fact_keep(j->store, &j->room, f, number)) {
        return 0;
    }
    j->head = number;
    if (*slot_of(j, number) != NULL) {
        forget(j, *slot_of(j, number));
    }
    return number;
}

void journal_restore_head(struct journal *j, uint64_t from, uint64_t head)
{
    j->head = head;
    j->forgotten = from;
}

/** Numbers up to `last` were lost, of whatever device. */
static void restore_gap(struct journal *j, uint64_t last)
{
    struct map_node *n;
    size_t slot = 0;

    j->forgotten = last;
    for (n = map_walk(&j->chains, &slot, NULL); n != NULL;) {
        struct journal_chain *chain = container_of(n, struct journal_chain, node);
        n = map_walk(&j->chains, &slot, n);
        lose(j, chain, last);
    }
}

/** The chain stays for the cursors to come; journal_restored clears away. */
static void restore_lost(struct journal *j, struct str device, uint64_t number)
{
    struct journal_chain *chain = chain_get(j, device);

    if (chain != NULL && chain->first == 0) {
        chain->lost = number > chain->lost ? number : chain->lost;
    } else {
        j->forgotten = number > j->forgotten ? number : j->forgotten;
    }
}

void journal_restore(struct journal *j, const struct store_event *e)
{
    struct journal_record r;
    uint64_t last;

    if (e->watched.n == 0) {
        if (str_eq(e->event, STORE_GAP) && str_to_u64(e->data, UINT64_MAX, &last)) {
            restore_gap(j, last);
        }
        return;
    }
    if (e->number + j->records <= j->head) { /* no place: the ring does not reach so far back */
        restore_lost(j, e->watched, e->number);
        return;
    }
    if (record_read(e->data, &r) == 0) {
        r.device = e->watched;
        ring_append(j, &r, e->number);
    } else {
        struct journal_chain *chain = chain_get(j, e->watched);
        if (chain != NULL) {
            chain->cursors++; /* it must remember the gap */
            ring_miss(j, e->watched, e->number);
            chain->cursors--;
        }
    }
}

void journal_restored(struct journal *j)
{
    size_t slot = 0;
    struct map_node *n = map_walk(&j->chains, &slot, NULL);

    while (n != NULL) {
        struct journal_chain *chain = container_of(n, struct journal_chain, node);
        n = map_walk(&j->chains, &slot, n);
        chain_drop(j, chain);
    }
}

/* ---- cursors ---- */

int journal_open(struct journal *j, struct str device, uint64_t after, struct journal_cursor *c)
{
    struct journal_chain *chain = chain_get(j, device);
    uint64_t at;

    *c = (struct journal_cursor){NULL, 0};
    if (chain == NULL) {
        return E_NOMEM;
    }
    chain->cursors++;
    c->chain = chain;
    c->after = after;
    if (chain->last != 0 && after >= chain->last) {
        c->after = chain->last;
    } else if (chain->first != 0 && after >= chain->first) {
        for (at = chain->first; at != 0 && at <= after; at = (*slot_of(j, at))->r.next) {
            c->after = at;
        }
    }
    return 0;
}

void journal_close(struct journal *j, struct journal_cursor *c)
{
    struct journal_chain *chain = c->chain;

    c->chain = NULL;
    if (chain != NULL) {
        chain->cursors--;
        chain_drop(j, chain);
    }
}

int journal_peek(const struct journal *j, const struct journal_cursor *c,
                 const struct journal_record **out)
{
    const struct journal_chain *chain = c->chain;
    uint64_t next;

    if (chain->lost > c->after) {
        return E_NOTFOUND;
    }
    if (chain->last == 0 || c->after >= chain->last) {
        return E_AGAIN;
    }
    next = c->after < chain->first ? chain->first : (*slot_of(j, c->after))->r.next;
    *out = &(*slot_of(j, next))->r;
    return 0;
}

void journal_step(struct journal_cursor *c, const struct journal_record *r)
{
    c->after = r->number;
}

const struct journal_record *journal_find(const struct journal *j, uint64_t number)
{
    const struct block *b = *slot_of(j, number);

    return b != NULL && b->chain != NULL && b->r.number == number ? &b->r : NULL;
}

void journal_skip(struct journal_cursor *c)
{
    const struct journal_chain *chain = c->chain;
    uint64_t newest = chain->last > chain->lost ? chain->last : chain->lost;

    c->after = newest > c->after ? newest : c->after;
}
