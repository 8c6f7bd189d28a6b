/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side of digest authentication (RFC 3261 §22, RFC 2617 §3, RFC 8760).
 *
 * ORDER OF THE CHECK
 *   1. the line: Digest, our realm, an algorithm that is offered; else MISSING
 *   2. form: the parameters that a response needs, nc of 8 hex digits; else MALFORMED
 *   3. the response, with the user's secret or, for an unknown user, with one nobody
 *      knows: the same work, the same answer
 *   4. uri against the Request-URI; with 3. else WRONG
 *   5. the nonce: ours, young, nc not seen; else STALE or REPLAY, both of which tell a client
 *      that the password was right (RFC 2617 §3.2.1), hence after 3.
 *
 * Credentials with an empty nonce or response are those of a client that has not been
 * challenged yet (RFC 8760 §2.7): MISSING, not MALFORMED.
 *
 * Without qop (RFC 2069) there is no nc, so such a nonce serves one request only.
 *
 * COST       four short hashes, none skipped for any user: about 2.4 us; one table entry for
 *            each nonce in use.
 * OWNERSHIP  realm and secrets are borrowed for the call; `user` may be lent by the server.
 */
#include "auth/auth.h"
#include "auth/digest.h"
#include "auth/nonce.h"
#include "base/err.h"
#include "sip/uri.h"
#include <openssl/crypto.h>

void auth_server_fini(struct auth_server *a)
{
    if (a->env == NULL) {
        return;
    }
    auth_nonce_table_fini(a);
    auth_digest_fini(&a->digest);
    OPENSSL_cleanse(a->mac_key, sizeof(a->mac_key));
    *a = (struct auth_server){0};
}

int auth_server_init(struct auth_server *a, const struct env *env, struct str realm,
                     size_t max_nonces)
{
    *a = (struct auth_server){.env = env, .realm = realm, .nonce_life_ms = 300000};
    int err = auth_nonce_table_init(a, max_nonces);
    if (err == 0) {
        err = auth_digest_init(&a->digest);
    }
    if (err < 0) {
        auth_server_fini(a);
        return err;
    }
    a->md5 = auth_digest_has(&a->digest, AUTH_MD5);
    a->sha256 = true;
    env->random(env->ctx, a->mac_key, sizeof(a->mac_key));
    return 0;
}

static bool offered(const struct auth_server *a, enum auth_alg alg)
{
    return (alg == AUTH_MD5 ? a->md5 : a->sha256) && auth_digest_has(&a->digest, alg);
}

/* The line that is meant for us among several. */
static enum auth_verdict find_line(const struct auth_server *a, const struct sip_msg *m,
                                   enum sip_hdr_id which, struct auth_params *p,
                                   enum auth_alg *alg)
{
    bool bad = false;
    for (const struct sip_hdr *h = sip_msg_line(m, which); h != NULL;
         h = sip_msg_next_line(m, h)) {
        int err = auth_params_parse(sip_hdr_value(m, h), p);
        if (err == E_UNSUPPORTED) {
            continue;
        }
        if (str_is_set(p->realm) && !auth_raw_eq(p->realm, a->realm)) {
            continue; /* for another hop; what is wrong with it is that hop's business */
        }
        if (err < 0 || !str_is_set(p->realm)) {
            bad = true;
            continue;
        }
        bool unchallenged = (str_is_set(p->nonce) && p->nonce.n == 0) ||
                            (str_is_set(p->response) && p->response.n == 0);
        if (unchallenged || !auth_alg_of(p->algorithm, alg) || !offered(a, *alg)) {
            continue;
        }
        return AUTH_OK;
    }
    return bad ? AUTH_MALFORMED : AUTH_MISSING;
}

bool auth_is_for_realm(struct str value, struct str realm)
{
    struct auth_params p;
    int err = auth_params_parse(value, &p);
    return err != E_UNSUPPORTED && str_is_set(p.realm) && auth_raw_eq(p.realm, realm);
}

static bool parse_nc(struct str s, uint32_t *out)
{
    uint32_t v = 0;
    if (s.n != 8) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_digit(s.p[i]);
        if (digit < 0) {
            return false;
        }
        v = v << 4 | (uint32_t)digit;
    }
    *out = v;
    return true;
}

/* Required parameters (RFC 2617 §3.2.2). `response` gets the response in lower case. */
static bool check_form(const struct auth_server *a, const struct auth_params *p,
                       enum auth_alg alg, uint32_t *nc, char *response)
{
    if (!str_is_set(p->username) || !str_is_set(p->nonce) || p->uri.n == 0 ||
        p->response.n != auth_alg_hex(alg)) {
        return false;
    }
    for (size_t i = 0; i < p->response.n; i++) {
        if (hex_digit(p->response.p[i]) < 0) {
            return false;
        }
        response[i] = ascii_lower(p->response.p[i]);
    }
    if (!str_is_set(p->qop)) {
        return a->allow_no_qop && alg == AUTH_MD5;
    }
    return str_ieq(p->qop, STR("auth")) && p->cnonce.n > 0 && parse_nc(p->nc, nc);
}

/* The user name as it was meant; absent when it has escapes and is too long to undo them. */
static struct str user_of(struct auth_server *a, struct str raw)
{
    if (str_index(raw, '\\') == raw.n) {
        return raw;
    }
    struct out o;
    out_init(&o, a->user, AUTH_USER_MAX);
    for (size_t i = 0; i < raw.n; i++) {
        if (raw.p[i] == '\\' && i + 1 < raw.n) {
            i++;
        }
        out_ch(&o, raw.p[i]);
    }
    return o.over ? STR_NONE : out_str_of(&o);
}

/* Equal but for a default port that one of them spells out. */
static bool same_target(struct str a, struct str b)
{
    struct sip_uri ua;
    struct sip_uri ub;
    uint32_t at = 0;
    if (str_eq(a, b)) {
        return true;
    }
    if (sip_uri_parse(a, 0, &ua, &at) < 0 || sip_uri_parse(b, 0, &ub, &at) < 0) {
        return false;
    }
    if (sip_uri_eq(&ua, &ub)) {
        return true;
    }
    bool hosts =
        (ua.scheme == SIP_SCHEME_SIP || ua.scheme == SIP_SCHEME_SIPS) && ub.scheme == ua.scheme;
    if (!hosts) {
        return false;
    }
    ua.port = sip_uri_port(&ua);
    ub.port = sip_uri_port(&ub);
    return sip_uri_eq(&ua, &ub);
}

/* Is the response the one of somebody who knows the secret? Always the same work. */
static bool response_right(struct auth_server *a, const struct sip_msg *m,
                           const struct auth_params *p, enum auth_alg alg, struct str user,
                           const struct auth_secret *secret, const char *response)
{
    char made[AUTH_HEX_MAX];
    char want[AUTH_HEX_MAX];
    struct str password = secret != NULL ? secret->password : STR_NONE;
    struct str known = secret != NULL ? secret->ha1[alg] : STR_NONE;
    bool usable = str_is_set(password) || known.n == auth_alg_hex(alg);
    if (!str_is_set(password)) {
        /* made in any case, so that nobody can tell by the time who exists */
        password = STR("nobody's one");
    }
    struct auth_response_input in = {
        .alg = alg,
        .ha1 = auth_digest_ha1(&a->digest, alg, user, a->realm, false, password, made),
        .method = sip_msg_method(m),
        .uri = p->uri,
        .nonce = p->nonce,
        .qop = p->qop,
        .nc = p->nc,
        .cnonce = p->cnonce,
    };
    if (known.n == auth_alg_hex(alg)) {
        in.ha1 = known;
    }
    struct str digest = auth_digest_response(&a->digest, &in, want);
    bool equal = str_eq_secret(digest, str_make(response, auth_alg_hex(alg)));
    OPENSSL_cleanse(made, sizeof(made));
    OPENSSL_cleanse(want, sizeof(want));
    return str_is_set(digest) && equal && usable;
}

bool auth_server_password(struct auth_server *a, struct str user,
                          const struct auth_secret *secret, struct str password)
{
    char given[AUTH_HEX_MAX], made[AUTH_HEX_MAX];
    bool md5 = secret != NULL && !str_is_set(secret->password) &&
               secret->ha1[AUTH_SHA256].n != auth_alg_hex(AUTH_SHA256);
    enum auth_alg alg = md5 ? AUTH_MD5 : AUTH_SHA256;
    struct str known = secret != NULL ? secret->ha1[alg] : STR_NONE;
    struct str own = secret != NULL ? secret->password : STR_NONE;
    bool usable = str_is_set(own) || known.n == auth_alg_hex(alg);
    struct str is = auth_digest_ha1(&a->digest, alg, user, a->realm, false, password, given);
    struct str want = auth_digest_ha1(&a->digest, alg, user, a->realm, false,
                                      str_is_set(own) ? own : STR("nobody's one"), made);
    bool equal;

    if (!str_is_set(own) && usable) {
        want = known;
    }
    equal = str_is_set(is) && str_eq_secret(is, want);
    OPENSSL_cleanse(given, sizeof(given));
    OPENSSL_cleanse(made, sizeof(made));
    if (equal && usable) {
        a->ok++;
    } else {
        a->wrong++;
    }
    return equal && usable;
}

static enum auth_verdict check(struct auth_server *a, const struct sip_msg *m,
                               enum sip_hdr_id which, auth_lookup_fn lookup, void *ctx,
                               uint64_t now_ms, struct str *user)
{
    struct auth_params p;
    enum auth_alg alg = AUTH_MD5;
    enum auth_verdict found = find_line(a, m, which, &p, &alg);
    if (found != AUTH_OK) {
        return found;
    }
    uint32_t nc = 0;
    char response[AUTH_HEX_MAX];
    struct str name = user_of(a, p.username);
    a->claimed = name;
    if (!str_is_set(name) || !check_form(a, &p, alg, &nc, response)) {
        return AUTH_MALFORMED;
    }
    struct auth_nonce nonce;
    bool ours = auth_nonce_read(a, p.nonce, &nonce);
    struct auth_secret secret = {0};
    bool known = lookup(ctx, name, &secret);
    bool right = response_right(a, m, &p, alg, name, known ? &secret : NULL, response);
    if (!right) {
        return AUTH_WRONG;
    }
    if (!same_target(p.uri, sip_msg_ruri(m))) {
        env_trace(a->env, TRACE_WARN, "auth",
                  "the password is right, but the credentials are for \"%.*s\" and the request "
                  "for \"%.*s\"",
                  STR_ARG(str_upto(p.uri, 128)), STR_ARG(str_upto(sip_msg_ruri(m), 128)));
        return AUTH_WRONG;
    }
    if (!ours) {
        a->foreign++;
        return AUTH_STALE;
    }
    enum auth_verdict verdict = auth_nonce_use(a, &nonce, str_is_set(p.qop), nc, now_ms);
    if (verdict == AUTH_OK) {
        *user = name;
    }
    return verdict;
}

enum auth_verdict auth_server_check(struct auth_server *a, const struct sip_msg *m,
                                    enum sip_hdr_id which, auth_lookup_fn lookup, void *ctx,
                                    uint64_t now_ms, struct str *user)
{
    *user = STR_NONE;
    a->claimed = STR_NONE;
    enum auth_verdict verdict = check(a, m, which, lookup, ctx, now_ms, user);
    uint64_t *counter[] = {
        [AUTH_OK] = &a->ok,       [AUTH_MISSING] = &a->missing,
        [AUTH_STALE] = &a->stale, [AUTH_REPLAY] = &a->replay,
        [AUTH_WRONG] = &a->wrong, [AUTH_MALFORMED] = &a->malformed,
    };
    (*counter[verdict])++;
    return verdict;
}

void auth_server_challenge(struct auth_server *a, enum sip_hdr_id which, bool stale,
                           uint64_t now_ms, struct out *o)
{
    char text[AUTH_NONCE_LEN];
    struct str nonce = auth_nonce_mint(a, now_ms, text);
    /* One nonce for all lines: a client answers one of them (RFC 8760 §2.3). */
    for (int alg = AUTH_ALG_COUNT - 1; alg >= 0; alg--) {
        if (!offered(a, (enum auth_alg)alg)) {
            continue;
        }
        out_str(o, sip_hdr_id_name(which));
        out_c(o, ": Digest realm=");
        sip_quote(o, a->realm);
        out_c(o, ", nonce=\"");
        out_str(o, nonce);
        out_c(o, "\", algorithm=");
        out_str(o, auth_alg_name((enum auth_alg)alg));
        out_c(o, ", qop=\"auth\"");
        out_c(o, stale ? ", stale=true\r\n" : "\r\n");
    }
}
