/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash: the keyed hash of every table whose keys a peer can choose (1-3, as the hash tables
 * of several languages have it), and of what a peer must not be able to make himself (2-4).
 */
#ifndef BATON_BASE_HASH_H
#define BATON_BASE_HASH_H

#include "base/str.h"

struct hash_key {
    uint64_t k0, k1;
};

/** SipHash-1-3: for tables. */
uint64_t hash_bytes(const struct hash_key *key, struct str s);

/** SipHash-2-4: half of a MAC, or a short one. */
uint64_t hash_mac(const struct hash_key *key, struct str s);

/** As hash_bytes over the ASCII-lower-cased bytes. */
uint64_t hash_ibytes(const struct hash_key *key, struct str s);

/** Combine a hash with another 64-bit value. */
uint64_t hash_mix(uint64_t h, uint64_t v);

#endif
