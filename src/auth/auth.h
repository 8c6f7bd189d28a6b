/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest authentication, server and client (RFC 3261 §22, RFC 2617/7616, RFC 8760).
 *
 * Algorithms MD5 and SHA-256, qop "auth" (and, when a client sends none, the RFC 2069 form for
 * MD5 only if `allow_no_qop`). Secrets are compared in constant time and never traced.
 *
 * SERVER NONCES. A nonce carries its time of birth and a MAC over it, so that one which
 * is not ours is told apart from one that is only too old (stale=true: the password was
 * right, try again without asking the user). A bounded table remembers for each nonce in use
 * the nc values seen (a window of 64), so that a recorded request cannot be replayed; when
 * the table is full, the oldest entry goes and its nonce counts as stale.
 */
#ifndef BATON_AUTH_AUTH_H
#define BATON_AUTH_AUTH_H

#include "base/arena.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "sip/hdr.h"
#include "sip/msg.h"

enum auth_alg { AUTH_MD5, AUTH_SHA256, AUTH_ALG_COUNT };

/** What is known of a user: either the password, or H(user:realm:password) per algorithm. */
struct auth_secret {
    struct str password;              /**< absent when only hashes are known */
    struct str ha1[AUTH_ALG_COUNT];   /**< lower-case hex; absent when not known */
};

enum auth_verdict {
    AUTH_OK,
    AUTH_MISSING,   /**< no credentials for our realm: challenge */
    AUTH_STALE,     /**< right secret, nonce too old or table overflow: challenge stale=true */
    AUTH_REPLAY,    /**< right secret, nc seen before: challenge stale=true, counted apart */
    AUTH_WRONG,     /**< wrong secret, unknown user, foreign nonce, uri that does not match */
    AUTH_MALFORMED, /**< cannot be read: 400 */
};

/** Look a user up. @return false: unknown (the check then costs the same and says WRONG) */
typedef bool (*auth_lookup_fn)(void *ctx, struct str user, struct auth_secret *out);

struct auth_server {
    const struct env *env;
    struct str realm;          /**< borrowed from the configuration */
    uint32_t nonce_life_ms;    /**< default 300 000 */
    bool allow_no_qop;
    bool md5, sha256;          /**< which are offered; both by default, SHA-256 first */
    uint8_t mac_key[32];
    struct hash_key key;
    struct pool pool;
    struct map by_nonce;
    struct list by_age;
    uint64_t ok, missing, stale, replay, wrong, malformed; /**< counters by verdict */
};

/** @param max_nonces bound of the replay table (0: 65536). @return 0 or E_NOMEM */
int auth_server_init(struct auth_server *a, const struct env *env, struct str realm,
                     size_t max_nonces);
void auth_server_fini(struct auth_server *a);

/**
 * Check the credentials of a request.
 * @param which  SIP_HDR_AUTHORIZATION or SIP_HDR_PROXY_AUTHORIZATION
 * @param user   out: the user name (slice of the message) when OK, else absent
 */
enum auth_verdict auth_server_check(struct auth_server *a, const struct sip_msg *m,
                                    enum sip_hdr_id which, auth_lookup_fn lookup, void *ctx,
                                    uint64_t now_ms, struct str *user);

/**
 * Header lines (CRLF included) that challenge: one per algorithm, SHA-256 first.
 * @param which  SIP_HDR_WWW_AUTHENTICATE or SIP_HDR_PROXY_AUTHENTICATE
 */
void auth_server_challenge(struct auth_server *a, enum sip_hdr_id which, bool stale,
                           uint64_t now_ms, struct out *o);

/** What a client remembers between a challenge and the requests that answer it. */
struct auth_client {
    struct str user, password; /**< borrowed */
    uint32_t nc;               /**< requests answered with `nonce` */
    char nonce[256];           /**< the nonce that nc counts for, NUL-terminated */
};

/**
 * Answer the challenge of a 401/407: writes one "Authorization: …" or "Proxy-Authorization: …"
 * line per challenged realm with CRLF. Chooses SHA-256 when offered.
 * @param tried  the request that was refused carried credentials already: then only a
 *               challenge with stale=true or a new nonce is answered once more
 * @return 0; E_UNSUPPORTED (no scheme or algorithm that we have); E_DENIED (wrong password)
 */
int auth_client_answer(struct auth_client *c, const struct env *env,
                       const struct sip_msg *response, struct str method, struct str uri,
                       bool tried, struct out *o);

/** Lower-case hex of H(user:realm:password); `out` has room for 65. @return 0 or E_NOMEM */
int auth_ha1(enum auth_alg alg, struct str user, struct str realm, struct str password,
             char *out);

#endif
