/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What client and server of digest authentication share: hashing, and reading of the
 * comma-separated parameters. Internal to the module.
 *
 * Parameter values are slices of the header without the outer quotes and with their
 * escapes ("raw"). What is hashed and compared is the text without escapes (RFC 3261 §25.1:
 * the backslash is quoting, not content); the functions named _raw remove them on the way, so
 * that no buffer and no length limit is needed.
 */
#ifndef BATON_AUTH_DIGEST_H
#define BATON_AUTH_DIGEST_H

#include "auth/auth.h"

/** @return 0, E_NOMEM. MD5 may be missing (md[AUTH_MD5] == NULL), SHA-256 not. */
int auth_digest_init(struct auth_digest *d) MUST_USE;
/** Harmless on zeroed memory and when called twice. */
void auth_digest_fini(struct auth_digest *d);

static inline bool auth_digest_has(const struct auth_digest *d, enum auth_alg alg)
{
    return d->md[alg] != NULL;
}

/** Name as in the algorithm parameter. */
struct str auth_alg_name(enum auth_alg alg);
/** Any case; an absent name means MD5 (RFC 2617 §3.2.1). @return false: not one of ours */
bool auth_alg_of(struct str name, enum auth_alg *out);
/** Hex digits of a digest. */
static inline size_t auth_alg_hex(enum auth_alg alg)
{
    return alg == AUTH_MD5 ? 32 : 64;
}

/* One computation: begin, add…, end. */
void auth_digest_begin(struct auth_digest *d, enum auth_alg alg);
void auth_digest_add(struct auth_digest *d, struct str s);
void auth_digest_add_raw(struct auth_digest *d, struct str raw);
/** Writes the lower-case hex digits to `hex` (AUTH_HEX_MAX). Absent when the library failed. */
struct str auth_digest_end(struct auth_digest *d, char *hex);
/** As end, but the octets themselves, 32 at most. @return how many, 0: failed */
size_t auth_digest_end_octets(struct auth_digest *d, uint8_t *octets);

/** The parameters of Digest credentials and challenges. Absent ones are not set. */
struct auth_params {
    struct str username, realm, nonce, uri, response, cnonce, opaque, qop, nc, algorithm, stale;
};

/**
 * @return 0; E_SYNTAX: no scheme, a quoted-string that does not end, or one of the above
 *         twice (the members that were read before stay set); E_UNSUPPORTED: not Digest
 */
int auth_params_parse(struct str value, struct auth_params *out) MUST_USE;

/** Is the text of `raw` without escapes the same as `plain`? Not for secrets. */
bool auth_raw_eq(struct str raw, struct str plain);
/** Write the text of `raw` as a quoted-string, without line breaks. */
void auth_write_raw(struct out *o, struct str raw);

/** What a request digest is made of; all but alg, ha1 and method are raw. */
struct auth_response_input {
    enum auth_alg alg;
    struct str ha1;
    struct str method, uri, nonce;
    struct str qop; /**< absent: the form of RFC 2069 (RFC 2617 §3.2.2.1) */
    struct str nc, cnonce;
};

/**
 * H(user:realm:password) in hex. `hex` has AUTH_HEX_MAX bytes. Absent on failure.
 * @param raw  the realm is as it stands in a header, with escapes
 */
struct str auth_digest_ha1(struct auth_digest *d, enum auth_alg alg, struct str user,
                           struct str realm, bool raw, struct str password, char *hex);

/** The request digest in hex (RFC 2617 §3.2.2). `hex` has AUTH_HEX_MAX bytes. */
struct str auth_digest_response(struct auth_digest *d, const struct auth_response_input *in,
                                char *hex);

#endif
