/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest authentication, server and client (RFC 3261 §22, RFC 2617, RFC 7616, RFC 8760).
 *
 * Algorithms MD5 and SHA-256, qop "auth" (and, when a client sends none, the RFC 2069 form for
 * MD5 only if `allow_no_qop`). Secrets are compared in constant time and never traced.
 *
 * SERVER NONCES. A nonce carries its time of birth and a MAC over it, so that one which
 * is not ours is told apart from one that is only too old (stale=true: the password was
 * right, try again without asking the user). A nonce that is not ours with a right response
 * (the phone kept it over a restart of this server) is stale too, as RFC 2617 §3.2.1 has it; it
 * is counted apart. A bounded table remembers for each nonce in use the nc values seen (a
 * window of 64), so that a recorded request cannot be replayed; when the table is full, the
 * oldest entry goes and its nonce counts as stale. Only who knows a secret gets an entry.
 *
 * Not checked here: ACK and CANCEL, which cannot be challenged (RFC 3261 §22.1); their callers
 * let them through with the INVITE that they belong to.
 */
#ifndef BATON_AUTH_AUTH_H
#define BATON_AUTH_AUTH_H

#include "base/arena.h"
#include "base/env.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "sip/hdr.h"
#include "sip/msg.h"

enum auth_alg { AUTH_MD5, AUTH_SHA256, AUTH_ALG_COUNT };

/** Hex digits of the longest digest. */
#define AUTH_HEX_MAX 64

/**
 * The hash machinery: one fetched digest and one context per algorithm, so that a warm
 * computation allocates nothing. A member of whoever computes; see auth/digest.h.
 */
struct auth_digest {
    struct evp_md_st *md[AUTH_ALG_COUNT]; /**< NULL: the library has it not (FIPS: MD5) */
    struct evp_md_ctx_st *ctx[AUTH_ALG_COUNT];
    uint8_t alg; /**< of the computation that runs */
    bool failed; /**< sticky until the next one begins */
};

/** What is known of a user: either the password, or H(user:realm:password) per algorithm. */
struct auth_secret {
    struct str password;            /**< absent when only hashes are known */
    struct str ha1[AUTH_ALG_COUNT]; /**< lower-case hex; absent when not known */
};

enum auth_verdict {
    AUTH_OK,
    AUTH_MISSING,   /**< no credentials that we can check for our realm: challenge */
    AUTH_STALE,     /**< right secret, nonce too old, not ours or pushed out: stale=true */
    AUTH_REPLAY,    /**< right secret, nc seen before: challenge stale=true, counted apart */
    AUTH_WRONG,     /**< wrong secret, unknown user, uri that does not match */
    AUTH_MALFORMED, /**< cannot be read, or a required parameter is missing: 400 */
};

/** The longest user name that may contain escapes ("a\"b"); others have no limit. */
#define AUTH_USER_MAX 255

/** Look a user up. @return false: unknown (the check then costs the same and says WRONG) */
typedef bool (*auth_lookup_fn)(void *ctx, struct str user, struct auth_secret *out);

struct auth_server {
    const struct env *env;
    struct str realm;       /**< borrowed from the configuration */
    uint32_t nonce_life_ms; /**< default 300 000 */
    bool allow_no_qop;
    bool md5, sha256; /**< which are offered; both by default, SHA-256 first */
    uint64_t ok, missing, stale, replay, wrong, malformed; /**< counters by verdict */
    uint64_t foreign;   /**< of stale: the nonce was not one of ours */
    uint64_t evicted;   /**< replay entries that went because the table was full */
    struct str claimed; /**< who the last credentials say they are, right or wrong; as `user` of
                             auth_server_check */

    /* the rest is the module's own */
    struct auth_digest digest;
    uint8_t mac_key[32];
    uint64_t serial;  /**< of the last nonce given out */
    uint64_t floor;   /**< nonces up to this serial that have no entry are stale */
    struct pool pool; /**< struct nonce_use */
    struct map by_serial;
    struct list by_age;           /**< in the order of first use */
    char user[AUTH_USER_MAX + 1]; /**< a user name without its escapes */
};

/** @param max_nonces bound of the replay table (0: 65536). @return 0 or E_NOMEM */
int auth_server_init(struct auth_server *a, const struct env *env, struct str realm,
                     size_t max_nonces) MUST_USE;
void auth_server_fini(struct auth_server *a);

/**
 * Check the credentials of a request.
 * @param which  SIP_HDR_AUTHORIZATION or SIP_HDR_PROXY_AUTHORIZATION
 * @param user   out: the user name when OK, else absent. A slice of the message, or, when it
 *               was written with escapes, of `a`: valid until the next check
 *
 * Among several lines the first one counts that is Digest, for our realm and of an algorithm
 * that is offered. The method hashed is the request's, the uri the one in the credentials,
 * which must be equivalent to the Request-URI (RFC 3261 §19.1.4; a default port may be
 * written or not).
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

/**
 * Is that the password of the user with this secret? For those who send it as it is. Takes the
 * same time whatever is wrong.
 * @param secret  NULL: there is no such user
 */
bool auth_server_password(struct auth_server *a, struct str user,
                          const struct auth_secret *secret, struct str password);

/** Are these the value of credentials for that realm? */
bool auth_is_for_realm(struct str value, struct str realm);

/** Realms that one client keeps apart; a further one takes the place of the oldest. */
#define AUTH_CLIENT_REALMS 4

/** What a client remembers of one realm. Hashes, so that no length is a limit. */
struct auth_client_realm {
    uint64_t realm; /**< hash of header and realm, 0: free */
    uint64_t nonce; /**< hash of the nonce that nc counts for */
    uint32_t nc;    /**< requests answered with it */
    uint8_t again;  /**< answers for the request that runs, beyond the first */
};

/** What a client remembers between a challenge and the requests that answer it. Zero the rest.
 */
struct auth_client {
    struct str user, password; /**< borrowed */
    struct auth_client_realm seen[AUTH_CLIENT_REALMS];
    uint8_t oldest;
    uint8_t rounds; /**< answers for the request that runs, whatever their realms */
};

/**
 * Answer the challenge of a 401/407: writes one "Authorization: …" or "Proxy-Authorization: …"
 * line per challenged realm with CRLF. Chooses SHA-256 when offered (a local policy in the
 * sense of RFC 8760 §2.4), else the first that it can answer; ignores what it does not know.
 *
 * Credentials of other realms with which the request was refused stay with it (RFC 3261
 * §22.3): a server that was satisfied must be so again, and then who stands behind it. They are
 * written anew, each with the next nc, so that nobody takes them for a replay.
 *
 * A realm that the refused request had credentials for is answered only once more when its
 * nonce is new, and at most three times when it says stale=true. Seven answers to one request
 * are the most, so that nobody is kept going with ever new realms.
 *
 * @param uri  the Request-URI of the request that will carry the lines
 * @param had  the lines of the refused request, as they were written here; absent or empty: it
 *             had none. Not in `o`
 * @return 0; E_UNSUPPORTED (no scheme, qop or algorithm that we have); E_DENIED (wrong
 *         password); E_VALUE (user, method or uri that cannot stand in a header); E_TOOMANY
 *         (more than 8 realms); E_NOMEM; E_SPACE (`o` is too small). Nothing is written unless
 *         it returns 0 or E_SPACE
 */
int auth_client_answer(struct auth_client *c, const struct env *env,
                       const struct sip_msg *response, struct str method, struct str uri,
                       struct str had, struct out *o) MUST_USE;

#endif
