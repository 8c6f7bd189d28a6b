/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of keys for sealed User-to-User Information.
 *
 * A row is made once and not changed; a reload makes a new table. Everything that can be made
 * ready before the first frame is made ready here: expanded keys, the shared secret of an
 * X25519 pair. Secrets lie in memory of the table only and are wiped when it is freed.
 */
#ifndef BATON_SEAL_KEYS_H
#define BATON_SEAL_KEYS_H

#include "base/attr.h"
#include "base/mem.h"

/** Key ids are 1 to this. Up to 127 they take one octet in a frame, above that two. */
#define SEAL_KEY_ID_MAX 32767

enum seal_alg { SEAL_AES_SIV, SEAL_X25519, SEAL_ED25519, SEAL_ALG_COUNT };

/** "aes-siv", "x25519", "ed25519". */
const char *seal_alg_name(enum seal_alg alg);
/** @return false: not one of ours */
bool seal_alg_of(struct str name, enum seal_alg *out);

/** What a key is used for. */
enum seal_use { SEAL_USE_BOTH, SEAL_USE_SEAL, SEAL_USE_OPEN };

/** A row as it is given. All strings are borrowed until seal_keys_add returns. */
struct seal_key {
    uint16_t id;
    uint8_t alg; /**< enum seal_alg */
    uint8_t use; /**< enum seal_use */
    /** aes-siv: 32 octets (AES-128 inside) or 64 (AES-256); x25519, ed25519: our 32 octets. */
    struct str secret;
    /** x25519: the other party's 32 octets. ed25519: of who signs, instead of `secret`. */
    struct str public_key;
    struct str identity;        /**< URI of who seals with it; x25519: of the other party */
    const struct str *packages; /**< that it is for */
    size_t package_count;       /**< 0: all */
    uint64_t not_before_s, not_after_s; /**< seconds since 1970; 0: no bound */
};

struct seal_keys;

/** @return NULL when memory is out */
struct seal_keys *seal_keys_new(const struct mem *mem);
/** Wipes every secret. NULL is harmless. */
void seal_keys_free(struct seal_keys *k);

/**
 * @param why  static text for E_VALUE and E_EXISTS
 * @return 0; E_EXISTS: the id is taken; E_VALUE: secret or public key have not the length, or
 *         are no key; E_TOOMANY; E_NOMEM
 */
int seal_keys_add(struct seal_keys *k, const struct seal_key *row, const char **why) MUST_USE;
size_t seal_keys_count(const struct seal_keys *k);

/** Does the table have a key of that id with which `package` may be sealed at this time? 0: at
    some time. */
bool seal_keys_can_seal(const struct seal_keys *k, uint16_t id, struct str package,
                        uint64_t wall_s);

#endif
