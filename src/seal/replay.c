/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of frames: which were opened here, with which messages, and which were made here.
 *
 * A frame is known by a mark, 128 bits of SHA-256 over all its octets and what they are for.
 * Only frames whose tag was right get in, so strangers cannot fill the memory; and what has the
 * mark of a frame that is in need not be verified again.
 *
 * EVICTION   An entry goes when its frame is stale anyway, or, when the memory is full, in the
 *            order of arrival. A frame that was pushed out could be replayed, so `floor` rises
 *            to its time: no frame of that time or before gets in again.
 * INVARIANTS by_mark and by_age hold the same entries; none above the limit of the pool.
 * COST       120 octets an entry; O(1).
 */
#include "base/err.h"
#include "seal/parts.h"
#include <openssl/evp.h>

int seal_replay_init(struct seal *s)
{
    pool_init(&s->pool, &s->env->mem, sizeof(struct remembered), 64, s->config.max_entries);
    list_init(&s->by_age);
    return map_init(&s->by_mark, &s->env->mem, 64);
}

void seal_replay_fini(struct seal *s)
{
    map_fini(&s->by_mark);
    pool_fini(&s->pool);
}

bool seal_mark(struct seal *s, struct str aad, struct str rest, uint8_t *mark)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned n;
    if (EVP_DigestInit_ex2(s->md, s->sha256, NULL) != 1 ||
        EVP_DigestUpdate(s->md, aad.p, aad.n) != 1 ||
        EVP_DigestUpdate(s->md, rest.p, rest.n) != 1 ||
        EVP_DigestFinal_ex(s->md, hash, &n) != 1) {
        return false;
    }
    memcpy(mark, hash, SEAL_MARK);
    return true;
}

static uint64_t hash_of(const struct seal *s, const uint8_t *mark)
{
    return hash_bytes(&s->key, str_make((const char *)mark, SEAL_MARK));
}

struct remembered *seal_recall(const struct seal *s, const uint8_t *mark)
{
    for (struct map_node *n = map_first(&s->by_mark, hash_of(s, mark)); n != NULL;
         n = map_next(n)) {
        struct remembered *r = container_of(n, struct remembered, by_mark);
        if (memcmp(r->mark, mark, SEAL_MARK) == 0) {
            return r;
        }
    }
    return NULL;
}

static struct remembered *oldest(const struct seal *s)
{
    return list_empty(&s->by_age) ? NULL
                                  : list_entry(s->by_age.next, struct remembered, by_age);
}

static void forget(struct seal *s, struct remembered *r)
{
    map_remove(&s->by_mark, &r->by_mark);
    list_remove(&r->by_age);
    pool_put(&s->pool, r);
}

static bool is_before_floor(const struct seal *s, uint32_t time)
{
    return s->has_floor && (int32_t)(time - s->floor) <= 0;
}

struct remembered *seal_remember(struct seal *s, const uint8_t *mark, uint32_t time,
                                 uint64_t wall_s, bool *full)
{
    struct remembered *r;
    *full = false;
    while ((r = oldest(s)) != NULL && seal_age(r->time, wall_s) > (int32_t)s->config.window_s) {
        forget(s, r);
    }
    if (is_before_floor(s, time)) {
        return NULL;
    }
    struct remembered *entry = pool_get(&s->pool);
    if (entry == NULL && r != NULL) {
        s->floor = is_before_floor(s, r->time) ? s->floor : r->time;
        s->has_floor = true;
        s->evicted++;
        forget(s, r);
        if (is_before_floor(s, time)) {
            return NULL;
        }
        entry = pool_get(&s->pool);
    }
    *full = entry == NULL;
    if (entry == NULL) {
        return NULL;
    }
    memcpy(entry->mark, mark, SEAL_MARK);
    entry->time = time;
    map_add(&s->by_mark, &entry->by_mark, hash_of(s, mark));
    list_append(&s->by_age, &entry->by_age);
    return entry;
}

bool seal_add_message(struct remembered *r, uint64_t message)
{
    if (r->message_count == SEAL_MESSAGES) {
        return false;
    }
    r->message[r->message_count++] = message;
    return true;
}

bool seal_has_message(const struct remembered *r, uint64_t message)
{
    for (size_t i = 0; i < r->message_count; i++) {
        if (r->message[i] == message) {
            return true;
        }
    }
    return false;
}
