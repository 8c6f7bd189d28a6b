/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-1-3 and SipHash-2-4 (Aumasson and Bernstein, 2012), 64-bit result. A table needs no
 * more than the first, at half the price: who does not see hashes cannot choose what collides.
 *
 * Call-IDs, tags, branches and user names come from peers: with a plain hash anyone could
 * send keys that all fall into one chain. The key is random per worker and never leaves it.
 * hash_ibytes folds ASCII case eight bytes at a time while it reads.
 */
#include "base/hash.h"

struct sip_state {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotl(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static inline void sip_round(struct sip_state *s)
{
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 = rotl(s->v2, 32);
}

static inline void sip_word(struct sip_state *s, uint64_t word, int rounds)
{
    s->v3 ^= word;
    for (int i = 0; i < rounds; i++) {
        sip_round(s);
    }
    s->v0 ^= word;
}

/** Up to eight bytes as a little-endian word. */
static inline uint64_t load(const char *p, size_t n)
{
    uint64_t word = 0;
    memcpy(&word, p, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/** @param rounds  for each word; two more at the end */
static inline uint64_t siphash(const struct hash_key *key, struct str s, bool fold, int rounds)
{
    struct sip_state v = {key->k0 ^ 0x736f6d6570736575U, key->k1 ^ 0x646f72616e646f6dU,
                          key->k0 ^ 0x6c7967656e657261U, key->k1 ^ 0x7465646279746573U};
    size_t at = 0;
    for (; s.n - at >= 8; at += 8) {
        uint64_t word = load(s.p + at, 8);
        sip_word(&v, fold ? ascii_lower8(word) : word, rounds);
    }
    uint64_t last = at < s.n ? load(s.p + at, s.n - at) : 0;
    sip_word(&v, (fold ? ascii_lower8(last) : last) | (uint64_t)s.n << 56, rounds);
    v.v2 ^= 0xff;
    for (int i = 0; i < rounds + 2; i++) {
        sip_round(&v);
    }
    return v.v0 ^ v.v1 ^ v.v2 ^ v.v3;
}

uint64_t hash_bytes(const struct hash_key *key, struct str s)
{
    return siphash(key, s, false, 1);
}

uint64_t hash_mac(const struct hash_key *key, struct str s)
{
    return siphash(key, s, false, 2);
}

uint64_t hash_ibytes(const struct hash_key *key, struct str s)
{
    return siphash(key, s, true, 1);
}

uint64_t hash_mix(uint64_t h, uint64_t v)
{
    /* Unequal treatment of the two, so that mix(a, b) != mix(b, a); then an avalanche
       (the finaliser of SplitMix64), so that every bit of `v` reaches the low bits. */
    uint64_t x = h ^ rotl(v * 0x9e3779b97f4a7c15U, 29);
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}
