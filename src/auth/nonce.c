/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Server nonces: minting, recognising, and the window of nc values that were seen.
 *
 * A nonce is the hex of 32 octets: birth (8, milliseconds), serial (8), MAC (16). The MAC is
 * SHA-256 over a secret key and those 16 octets, cut to 128 bits: the input has one fixed
 * length and the output is cut, so a plain keyed hash is sound here, and it is one block.
 * Nothing is stored when a nonce is given out, so that challenging strangers costs no memory.
 *
 * An entry is made at the first right use. It remembers the highest nc and, in a bitmap, which
 * of the 63 below it came: requests overtake each other on UDP, so nc may arrive out of order,
 * but each only once (RFC 2617 §3.2.2). An nc below the window counts as seen.
 *
 * EVICTION   Entries go when they are too old anyway, or, when the table is full, in the order
 *            of their first use. A nonce whose entry was pushed out could be replayed, so
 *            `floor` is raised to its serial: no nonce up to there gets an entry again.
 *            A new nonce has a higher serial, hence there is always a way in.
 * INVARIANTS by_serial and by_age hold the same entries; none above the pool's limit.
 * COST       72 octets an entry; O(1).
 */
#include "auth/nonce.h"
#include "auth/digest.h"
#include "base/err.h"

#define WINDOW 64
#define TABLE_DEFAULT 65536

struct nonce_use {
    struct map_node by_serial;
    struct list by_age;
    struct auth_nonce nonce;
    uint64_t seen; /**< bit i: top - i was seen */
    uint32_t top;  /**< the highest nc seen */
    bool closed;   /**< used without nc: nothing more */
};

void auth_nonce_table_fini(struct auth_server *a)
{
    map_fini(&a->by_serial);
    pool_fini(&a->pool);
    list_init(&a->by_age);
}

int auth_nonce_table_init(struct auth_server *a, size_t max)
{
    pool_init(&a->pool, &a->env->mem, sizeof(struct nonce_use), 64,
              max > 0 ? max : TABLE_DEFAULT);
    list_init(&a->by_age);
    return map_init(&a->by_serial, &a->env->mem, 64);
}

static void put_u64(char *p, uint64_t v)
{
    for (int i = 0; i < 8; i++) {
        p[i] = (char)(v >> (56 - 8 * i));
    }
}

static uint64_t get_u64(const char *p)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++) {
        v = v << 8 | (uint8_t)p[i];
    }
    return v;
}

/* The MAC over octets[0..16) to octets[16..32). */
static bool write_mac(struct auth_server *a, char *octets)
{
    uint8_t mac[AUTH_HEX_MAX / 2];
    auth_digest_begin(&a->digest, AUTH_SHA256);
    auth_digest_add(&a->digest, str_make((const char *)a->mac_key, sizeof(a->mac_key)));
    auth_digest_add(&a->digest, str_make(octets, 16));
    if (auth_digest_end_octets(&a->digest, mac) == 0) {
        return false;
    }
    memcpy(octets + 16, mac, 16);
    return true;
}

struct str auth_nonce_mint(struct auth_server *a, uint64_t now_ms, char *text)
{
    char octets[AUTH_NONCE_LEN / 2];
    put_u64(octets, now_ms);
    put_u64(octets + 8, ++a->serial);
    if (!write_mac(a, octets)) {
        return STR_NONE;
    }
    struct out o;
    out_init(&o, text, AUTH_NONCE_LEN);
    out_hex(&o, str_make(octets, sizeof(octets)), false);
    return out_str_of(&o);
}

bool auth_nonce_read(struct auth_server *a, struct str text, struct auth_nonce *out)
{
    char octets[AUTH_NONCE_LEN / 2];
    char want[AUTH_NONCE_LEN / 2];
    if (text.n != AUTH_NONCE_LEN) {
        return false;
    }
    for (size_t i = 0; i < sizeof(octets); i++) {
        int hi = hex_digit(text.p[2 * i]);
        int lo = hex_digit(text.p[2 * i + 1]);
        if (hi < 0 || lo < 0) {
            return false;
        }
        octets[i] = (char)(hi << 4 | lo);
    }
    memcpy(want, octets, 16);
    if (!write_mac(a, want) ||
        !str_eq_secret(str_make(want + 16, 16), str_make(octets + 16, 16))) {
        return false;
    }
    *out = (struct auth_nonce){get_u64(octets), get_u64(octets + 8)};
    return true;
}

static bool too_old(const struct auth_server *a, uint64_t birth_ms, uint64_t now_ms)
{
    return now_ms - birth_ms > a->nonce_life_ms; /* one from the future wraps: too old, too */
}

static struct nonce_use *find(const struct auth_server *a, uint64_t serial)
{
    /* The serial is authentic and unique, so it needs no keyed hash. */
    struct map_node *n = map_first(&a->by_serial, serial);
    return n != NULL ? container_of(n, struct nonce_use, by_serial) : NULL;
}

static void drop_oldest(struct auth_server *a)
{
    struct nonce_use *u = list_entry(a->by_age.next, struct nonce_use, by_age);
    map_remove(&a->by_serial, &u->by_serial);
    list_remove(&u->by_age);
    pool_put(&a->pool, u);
}

static struct nonce_use *add(struct auth_server *a, const struct auth_nonce *n, uint64_t now_ms)
{
    while (!list_empty(&a->by_age)) {
        struct nonce_use *u = list_entry(a->by_age.next, struct nonce_use, by_age);
        if (!too_old(a, u->nonce.birth_ms, now_ms)) {
            break;
        }
        drop_oldest(a);
    }
    struct nonce_use *u = pool_get(&a->pool);
    if (u == NULL && !list_empty(&a->by_age)) {
        struct nonce_use *old = list_entry(a->by_age.next, struct nonce_use, by_age);
        if (n->serial < old->nonce.serial) {
            return NULL; /* itself the oldest: the floor would cover it */
        }
        a->floor = old->nonce.serial > a->floor ? old->nonce.serial : a->floor;
        a->evicted++;
        drop_oldest(a);
        u = pool_get(&a->pool);
    }
    if (u == NULL) {
        return NULL;
    }
    u->nonce = *n;
    map_add(&a->by_serial, &u->by_serial, n->serial);
    list_append(&a->by_age, &u->by_age);
    return u;
}

/* @return false: seen before, or too far below the highest to know */
static bool mark(struct nonce_use *u, uint32_t nc)
{
    if (u->seen == 0 || nc > u->top) {
        uint32_t ahead = u->seen == 0 ? WINDOW : nc - u->top;
        u->seen = ahead < WINDOW ? u->seen << ahead | 1 : 1;
        u->top = nc;
        return true;
    }
    uint32_t behind = u->top - nc;
    if (behind >= WINDOW || (u->seen >> behind & 1) != 0) {
        return false;
    }
    u->seen |= (uint64_t)1 << behind;
    return true;
}

enum auth_verdict auth_nonce_use(struct auth_server *a, const struct auth_nonce *n,
                                 bool counted, uint32_t nc, uint64_t now_ms)
{
    if (too_old(a, n->birth_ms, now_ms)) {
        return AUTH_STALE;
    }
    struct nonce_use *u = find(a, n->serial);
    if (u == NULL) {
        u = n->serial > a->floor ? add(a, n, now_ms) : NULL;
        if (u == NULL) {
            return AUTH_STALE;
        }
    } else if (!counted || u->closed) {
        return AUTH_REPLAY;
    }
    if (!counted) {
        u->closed = true;
        return AUTH_OK;
    }
    return mark(u, nc) ? AUTH_OK : AUTH_REPLAY;
}
