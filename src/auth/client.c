/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client side of digest authentication (RFC 3261 §22.2, RFC 2617 §3.2.2, RFC 8760 §2.4).
 *
 * One answer goes through three passes, so that it is whole or not at all:
 *   choose   walk the challenges of both headers and keep the best one of each realm
 *   permit   would an answer be the same refused password again?
 *   write    one credentials line per realm
 *
 * What is remembered between answers is kept as hashes of realm and nonce: they only decide
 * how nc goes on and when to give up, so a collision that a server makes up harms that
 * server's own dialogue with us and nobody else.
 *
 * A challenge is ignored when it cannot be answered: another scheme, another algorithm, a qop
 * list without "auth", no realm or no nonce, or a syntax error (RFC 8760 §2.4).
 *
 * COST  contexts of the crypto library are made per answer, about 3 us; challenges are rare.
 */
#include "auth/auth.h"
#include "auth/digest.h"
#include "base/err.h"
#include <openssl/crypto.h>

#define MAX_CHOSEN 8
#define MAX_STALE 3
#define MAX_ROUNDS 7 /* with one request, also when more realms ask than are remembered */
#define CNONCE_LEN 16

struct challenge {
    enum sip_hdr_id header;
    struct auth_params p;
    enum auth_alg alg;
    bool stale;
    bool tried; /**< the request that was refused had an answer for this realm */
};

/* FNV-1a: no secret and no table hangs on it. 0 is kept for "none". */
static uint64_t hash_of(uint64_t seed, struct str s)
{
    uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < s.n; i++) {
        h = (h ^ (uint8_t)s.p[i]) * 0x100000001b3u;
    }
    return h != 0 ? h : 1;
}

/* "auth" in the list, or no list at all (RFC 2069). */
static bool qop_usable(struct str qop)
{
    struct str one;
    if (!str_is_set(qop)) {
        return true;
    }
    while (sip_list_next(&qop, &one)) {
        if (str_ieq(str_trim(one), STR("auth"))) {
            return true;
        }
    }
    return false;
}

static bool read_challenge(const struct auth_digest *d, struct str value, struct challenge *out)
{
    if (auth_params_parse(value, &out->p) < 0 || !str_is_set(out->p.realm) ||
        !str_is_set(out->p.nonce) || !auth_alg_of(out->p.algorithm, &out->alg) ||
        !auth_digest_has(d, out->alg) || !qop_usable(out->p.qop)) {
        return false;
    }
    out->stale = str_ieq(out->p.stale, STR("true"));
    return true;
}

/* Keep `c` if it is the first of its realm or better than the one that was kept. */
static int keep(struct challenge *chosen, size_t *n, const struct challenge *c)
{
    for (size_t i = 0; i < *n; i++) {
        if (chosen[i].header == c->header && str_eq(chosen[i].p.realm, c->p.realm)) {
            if (c->alg > chosen[i].alg) {
                chosen[i] = *c;
            }
            return 0;
        }
    }
    if (*n == MAX_CHOSEN) {
        return E_TOOMANY;
    }
    chosen[(*n)++] = *c;
    return 0;
}

static int choose(const struct auth_digest *d, const struct sip_msg *m,
                  struct challenge *chosen, size_t *n)
{
    const enum sip_hdr_id header[] = {SIP_HDR_WWW_AUTHENTICATE, SIP_HDR_PROXY_AUTHENTICATE};
    for (size_t i = 0; i < ARRAY_LEN(header); i++) {
        for (const struct sip_hdr *h = sip_msg_line(m, header[i]); h != NULL;
             h = sip_msg_next_line(m, h)) {
            struct challenge c = {.header = header[i]};
            if (read_challenge(d, sip_hdr_value(m, h), &c) && keep(chosen, n, &c) < 0) {
                return E_TOOMANY;
            }
        }
    }
    return *n > 0 ? 0 : E_UNSUPPORTED;
}

static struct auth_client_realm *find_realm(struct auth_client *c, uint64_t realm)
{
    for (int i = 0; i < AUTH_CLIENT_REALMS; i++) {
        if (c->seen[i].realm == realm) {
            return &c->seen[i];
        }
    }
    return NULL;
}

/* Has this realm refused the very credentials that we would send again? */
static bool permitted(const struct auth_client_realm *r, const struct challenge *c)
{
    if (c->stale) {
        return r->again < MAX_STALE;
    }
    return r->again < 1 && r->nonce != hash_of(0, c->p.nonce);
}

static int permit(struct auth_client *c, const struct challenge *chosen, size_t n, bool first)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t realm = hash_of(chosen[i].header, chosen[i].p.realm);
        const struct auth_client_realm *r = find_realm(c, realm);
        if (chosen[i].tried && r != NULL && !permitted(r, &chosen[i])) {
            return E_DENIED;
        }
    }
    for (int i = 0; first && i < AUTH_CLIENT_REALMS; i++) {
        c->seen[i].again = 0;
    }
    c->rounds = first ? 0 : c->rounds;
    return c->rounds++ < MAX_ROUNDS ? 0 : E_DENIED;
}

/* Count the use that is about to be made. */
static uint32_t next_nc(struct auth_client *c, const struct challenge *ch)
{
    uint64_t nonce = hash_of(0, ch->p.nonce);
    uint64_t realm = hash_of(ch->header, ch->p.realm);
    /* look again: a line written before this one may have taken the place */
    struct auth_client_realm *r = find_realm(c, realm);
    if (r == NULL) {
        r = &c->seen[c->oldest];
        c->oldest = (uint8_t)((c->oldest + 1) % AUTH_CLIENT_REALMS);
        *r = (struct auth_client_realm){.realm = realm};
    } else if (ch->tried) {
        r->again++;
    }
    if (r->nonce != nonce) {
        r->nonce = nonce;
        r->nc = 0;
    }
    return ++r->nc;
}

static void write_line(const struct challenge *ch, struct str user, struct str uri,
                       const struct auth_response_input *in, struct str response, struct out *o)
{
    bool www = ch->header == SIP_HDR_WWW_AUTHENTICATE;
    out_c(o, www ? "Authorization: Digest username=" : "Proxy-Authorization: Digest username=");
    sip_quote(o, user);
    out_c(o, ", realm=");
    auth_write_raw(o, ch->p.realm);
    out_c(o, ", nonce=");
    auth_write_raw(o, ch->p.nonce);
    out_c(o, ", uri=\"");
    out_str(o, uri);
    out_c(o, "\", response=\"");
    out_str(o, response);
    out_ch(o, '"');
    if (str_is_set(ch->p.algorithm)) {
        out_c(o, ", algorithm=");
        out_str(o, auth_alg_name(ch->alg));
    }
    if (str_is_set(in->qop)) {
        out_c(o, ", cnonce=\"");
        out_str(o, in->cnonce);
        out_c(o, "\", qop=auth, nc=");
        out_str(o, in->nc);
    }
    if (str_is_set(ch->p.opaque)) {
        out_c(o, ", opaque=");
        auth_write_raw(o, ch->p.opaque);
    }
    out_c(o, "\r\n");
}

static int answer_one(struct auth_client *c, struct auth_digest *d, const struct env *env,
                      const struct challenge *ch, struct str method, struct str uri,
                      struct out *o)
{
    char ha1[AUTH_HEX_MAX];
    char hex[AUTH_HEX_MAX];
    char cnonce[CNONCE_LEN];
    char nc_text[9];
    uint32_t nc = next_nc(c, ch);
    struct auth_response_input in = {
        .alg = ch->alg,
        .ha1 = auth_digest_ha1(d, ch->alg, c->user, ch->p.realm, true, c->password, ha1),
        .method = method,
        .uri = uri,
        .nonce = ch->p.nonce,
    };
    if (str_is_set(ch->p.qop)) {
        struct out nc_out;
        out_init(&nc_out, nc_text, sizeof(nc_text));
        out_fmt(&nc_out, "%08x", (unsigned)nc);
        env_random_token(env, cnonce, sizeof(cnonce));
        in.qop = STR("auth");
        in.nc = out_str_of(&nc_out);
        in.cnonce = str_make(cnonce, sizeof(cnonce));
    }
    struct str response = auth_digest_response(d, &in, hex);
    OPENSSL_cleanse(ha1, sizeof(ha1));
    if (!str_is_set(response)) {
        return E_NOMEM;
    }
    write_line(ch, c->user, uri, &in, response, o);
    return 0;
}

/* No control characters; in a URI no quotes either: they would end the quoted-string. */
static bool writable(struct str s, bool quoted_by_us)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c < 0x20 || c == 0x7f || (!quoted_by_us && (c == '"' || c == '\\'))) {
            return false;
        }
    }
    return true;
}

/* ---- credentials that the refused request had ---- */

static const struct {
    enum sip_hdr_id challenge;
    struct str line;
} answers[] = {{SIP_HDR_WWW_AUTHENTICATE, STR_INIT("Authorization: ")},
               {SIP_HDR_PROXY_AUTHENTICATE, STR_INIT("Proxy-Authorization: ")}};

/** Walk the lines that we once wrote: each is again the challenge that it answered. */
static bool next_line(const struct auth_digest *d, struct str *had, struct challenge *out)
{
    while (had->n > 0) {
        struct str line = str_upto(*had, str_find(*had, STR("\r\n")));
        *had = str_from(*had, line.n + 2 < had->n ? line.n + 2 : had->n);
        for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
            *out = (struct challenge){.header = answers[i].challenge};
            if (str_istarts(line, answers[i].line) &&
                read_challenge(d, str_from(line, answers[i].line.n), out)) {
                return true;
            }
        }
    }
    return false;
}

/** Add what no realm has asked for again; what one has is marked as tried. */
static int repeat(const struct auth_digest *d, struct str had, struct challenge *chosen,
                  size_t *n)
{
    struct challenge old;
    size_t asked = *n;
    while (next_line(d, &had, &old)) {
        bool again = false;
        for (size_t i = 0; i < asked; i++) {
            if (chosen[i].header == old.header && str_eq(chosen[i].p.realm, old.p.realm)) {
                chosen[i].tried = again = true;
            }
        }
        if (!again && keep(chosen, n, &old) < 0) {
            return E_TOOMANY;
        }
    }
    return 0;
}

int auth_client_answer(struct auth_client *c, const struct env *env,
                       const struct sip_msg *response, struct str method, struct str uri,
                       struct str had, struct out *o)
{
    struct auth_digest d;
    struct challenge chosen[MAX_CHOSEN];
    size_t n = 0, asked;
    size_t before = o->n;
    if (!writable(c->user, true) || !writable(method, false) || !writable(uri, false)) {
        return E_VALUE;
    }
    int err = auth_digest_init(&d);
    if (err < 0) {
        return err;
    }
    err = choose(&d, response, chosen, &n);
    asked = n;
    if (err == 0) {
        err = repeat(&d, had, chosen, &n);
    }
    if (err == 0) {
        err = permit(c, chosen, asked, had.n == 0);
    }
    for (size_t i = 0; err == 0 && i < n; i++) {
        err = answer_one(c, &d, env, &chosen[i], method, uri, o);
    }
    auth_digest_fini(&d);
    if (err < 0) {
        o->n = before;
        return err;
    }
    return o->over ? E_SPACE : 0;
}
