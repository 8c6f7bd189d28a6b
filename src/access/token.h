/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens as text (RFC 6750 §2.1).
 *
 *     bt_ k3v0q9x2m7ab _ Jh0…43 characters…
 *         id             secret: 32 random octets, base64url
 *
 * The id finds the token and may be seen by anybody; the secret proves it. At rest there is
 * SHA-256 of the secret's octets only: they are random, so nobody guesses them, and a slow
 * hash would buy nothing. Hashes are compared in constant time.
 */
#ifndef BATON_ACCESS_TOKEN_H
#define BATON_ACCESS_TOKEN_H

#include "access/access.h"
#include "base/attr.h"
#include "base/env.h"

enum {
    ACCESS_ID = 12,                      /**< characters of [0-9a-z] */
    ACCESS_SECRET = 32,                  /**< octets */
    ACCESS_HASH = 32,                    /**< octets */
    ACCESS_TAG = 16,                     /**< characters that stand for a list of scopes */
    ACCESS_TEXT = 3 + ACCESS_ID + 1 + 43 /**< characters of a token */
};

/** A token that was just made: the only time that its text is known. */
struct access_fresh {
    char text[ACCESS_TEXT];
    uint8_t hash[ACCESS_HASH];
};

/** @return 0; E_NOMEM: the library does not hash */
int access_token_make(const struct env *env, struct access_fresh *out) MUST_USE;

/** What a text that came in says. */
struct access_claim {
    struct str id; /**< a slice of the text */
    uint8_t hash[ACCESS_HASH];
};

/**
 * @return 0; E_SYNTAX: it is no token of ours; E_NOMEM: the library does not hash. Spaces
 * around it are not its own
 */
int access_token_read(struct str text, struct access_claim *out) MUST_USE;

/** The id of a token's text, which may be shown; absent: it is none. */
struct str access_token_id(struct str text);

/** Characters that are the same for the same list of scopes, and for no other that anybody
   finds.
    @return false: the library does not hash */
bool access_scopes_tag(const struct access_scope *scopes, size_t n, char out[ACCESS_TAG]);

/** In constant time. */
bool access_hash_eq(const uint8_t *a, const uint8_t *b);

#endif
