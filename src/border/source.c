/* SPDX-License-Identifier: Apache-2.0 */
/* See source.h. Peers are kept by place and name, since a reload changes them in their places.
 */
#include "border/source.h"

#include "base/arena.h"

#define SOURCE_ROOM 8192u
#define ROW 4u
#define DEVICE UINT32_MAX

struct known {
    uint64_t value; /**< 0: free */
    uint64_t name;  /**< hash of the peer's */
    uint32_t peer;  /**< its place, or DEVICE */
    uint32_t age;   /**< larger is younger */
};

struct border_source {
    uint32_t clock;
    struct known known[SOURCE_ROOM];
};

struct border_source *border_source_new(const struct mem *mem)
{
    return mem_zalloc(mem, sizeof(struct border_source));
}

void border_source_free(const struct mem *mem, struct border_source *s)
{
    mem_free(mem, s);
}

uint64_t border_value_hash(const struct hash_key *key, const struct uui_value *v)
{
    uint64_t h = str_is_set(v->octets) ? hash_bytes(key, v->octets) : hash_bytes(key, v->text);
    return hash_mix(h, hash_ibytes(key, v->package)) | 1;
}

static struct known *row_of(struct border_source *s, uint64_t value)
{
    return &s->known[(value >> 1) % (SOURCE_ROOM / ROW) * ROW];
}

static uint64_t name_of(struct border *b, const struct peer *p)
{
    if (b->named.peer != p) {
        b->named.peer = p;
        b->named.hash = hash_bytes(&b->key, p->name);
    }
    return b->named.hash;
}

void border_source_put(struct border *b, uint64_t value, const struct border_party *from)
{
    struct border_source *s = b->source;
    if (s == NULL) {
        return;
    }
    struct known *row = row_of(s, value), *to = row;
    for (uint32_t i = 0; i < ROW; i++) {
        if (row[i].value == value) {
            to = &row[i];
            break;
        }
        if (s->clock - row[i].age > s->clock - to->age || row[i].value == 0) {
            to = &row[i];
        }
    }
    *to = (struct known){.value = value, .peer = DEVICE, .age = ++s->clock};
    if (from->peer != NULL) {
        to->peer = (uint32_t)(from->peer - b->directory->peers);
        to->name = name_of(b, from->peer);
    }
}

struct border_party border_source_get(struct border *b, uint64_t value)
{
    const struct known *row = b->source != NULL ? row_of(b->source, value) : NULL;
    for (uint32_t i = 0; row != NULL && i < ROW; i++) {
        if (row[i].value != value) {
            continue;
        }
        if (row[i].peer == DEVICE) {
            return (struct border_party){.device = true};
        }
        const struct peer *p =
            row[i].peer < b->directory->peer_count ? &b->directory->peers[row[i].peer] : NULL;
        if (p != NULL && name_of(b, p) == row[i].name) {
            return (struct border_party){.peer = p};
        }
        return (struct border_party){.device = true}; /* a peer that is none any more */
    }
    return (struct border_party){0};
}
