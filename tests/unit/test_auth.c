/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server side of digest authentication: every verdict, nonces over time, the replay
 * window, the bounded table, several lines, and form errors of every kind.
 */
#include "auth/auth.h"
#include "auth/digest.h"
#include "base/err.h"
#include "kit_msg.h"
#include <stdlib.h>

#define REALM "biloxi.com"
#define URI "sip:bob@biloxi.com"

/* ---- a server with two users, and credentials whose every part can be bent ---- */

struct fixture {
    struct kit k;
    struct auth_server a;
    unsigned lookups;
    struct str user; /* out of the last check; points into text */
    char text[8192];
    struct kit_msg msg;
};

static bool lookup(void *ctx, struct str user, struct auth_secret *out)
{
    struct fixture *f = ctx;
    f->lookups++;
    if (str_eq(user, STR("bob")) || str_eq(user, STR("b\"o\\b"))) {
        out->password = STR("zanzibar");
        return true;
    }
    if (str_eq(user, STR("hashed"))) { /* hashed:biloxi.com:zanzibar */
        out->ha1[AUTH_MD5] = STR("fa70f9169b39492912ac38c7a16cab7f");
        return true;
    }
    return str_eq(user, STR("empty")); /* known, but without a secret */
}

static void setup(struct fixture *f, size_t max)
{
    *f = (struct fixture){0};
    kit_init(&f->k);
    CHECK_INT(auth_server_init(&f->a, &f->k.env, STR(REALM), max), 0);
}

static void teardown(struct fixture *f)
{
    auth_server_fini(&f->a);
    CHECK_INT(f->k.mem.live, 0);
    auth_server_fini(&f->a); /* twice is harmless */
}

/* Members that are NULL take what is right. */
struct cred {
    const char *user;     /* what is hashed */
    const char *username; /* what is written */
    const char *password, *realm, *uri, *nonce, *nc, *cnonce, *qop, *method;
    bool no_qop;
    enum auth_alg alg;
    const char *algorithm; /* as written; "" leaves it out */
};

static const char *either(const char *s, const char *fallback)
{
    return s != NULL ? s : fallback;
}

static const char *credentials(const struct cred *c, char *line, size_t size)
{
    char ha1[AUTH_HEX_MAX];
    char hex[AUTH_HEX_MAX];
    struct auth_digest d;
    const char *user = either(c->user, "bob");
    const char *realm = either(c->realm, REALM);
    CHECK_INT(auth_digest_init(&d), 0);
    struct auth_response_input in = {
        .alg = c->alg,
        .ha1 = auth_digest_ha1(&d, c->alg, str_c(user), str_c(realm), false,
                               str_c(either(c->password, "zanzibar")), ha1),
        .method = str_c(either(c->method, "REGISTER")),
        .uri = str_c(either(c->uri, URI)),
        .nonce = str_c(c->nonce),
        .qop = c->no_qop ? STR_NONE : str_c(either(c->qop, "auth")),
        .nc = str_c(either(c->nc, "00000001")),
        .cnonce = str_c(either(c->cnonce, "0a4f113b")),
    };
    struct str response = auth_digest_response(&d, &in, hex);
    char qop[300] = "";
    char algorithm[64] = "";
    if (!c->no_qop) {
        snprintf(qop, sizeof(qop), ", qop=%.*s, nc=%.*s, cnonce=\"%.*s\"", STR_ARG(in.qop),
                 STR_ARG(in.nc), STR_ARG(in.cnonce));
    }
    const char *name = either(c->algorithm, c->alg == AUTH_MD5 ? "MD5" : "SHA-256");
    if (name[0] != '\0') {
        snprintf(algorithm, sizeof(algorithm), ", algorithm=%s", name);
    }
    snprintf(line, size,
             "Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", "
             "response=\"%.*s\"%s%s\r\n",
             either(c->username, user), realm, c->nonce, either(c->uri, URI), STR_ARG(response),
             algorithm, qop);
    auth_digest_fini(&d);
    return line;
}

/* Check a REGISTER that carries these header lines. */
static enum auth_verdict ask_uri(struct fixture *f, const char *uri, const char *lines,
                                 uint64_t now_ms)
{
    int n = snprintf(f->text, sizeof(f->text),
                     "REGISTER %s SIP/2.0\r\nCSeq: 1 REGISTER\r\n%s\r\n", uri, lines);
    if (!CHECK(n > 0 && (size_t)n < sizeof(f->text)) ||
        !CHECK(kit_index(&f->msg, str_c(f->text)))) {
        return AUTH_MALFORMED;
    }
    return auth_server_check(&f->a, &f->msg.m, SIP_HDR_AUTHORIZATION, lookup, f, now_ms,
                             &f->user);
}

static enum auth_verdict ask(struct fixture *f, const char *lines, uint64_t now_ms)
{
    return ask_uri(f, URI, lines, now_ms);
}

static enum auth_verdict try(struct fixture *f, const struct cred *c, uint64_t now_ms)
{
    char line[2048];
    return ask(f, credentials(c, line, sizeof(line)), now_ms);
}

/* A fresh nonce, taken out of a challenge as a client would. */
static const char *nonce_of(struct fixture *f, uint64_t now_ms, char *nonce)
{
    char buf[1024];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    auth_server_challenge(&f->a, SIP_HDR_WWW_AUTHENTICATE, false, now_ms, &o);
    struct str text = out_str_of(&o);
    size_t at = str_find(text, STR("nonce=\""));
    if (!CHECK(at < text.n)) {
        return "";
    }
    text = str_from(text, at + 7);
    text = str_upto(text, str_index(text, '"'));
    memcpy(nonce, text.p, text.n);
    nonce[text.n] = '\0';
    return nonce;
}

/* ---- tests ---- */

static void test_challenge_offers_both_algorithms(void)
{
    struct fixture f;
    char buf[1024];
    struct out o;
    setup(&f, 0);
    out_init(&o, buf, sizeof(buf));
    auth_server_challenge(&f.a, SIP_HDR_PROXY_AUTHENTICATE, true, 5, &o);
    struct str text = out_str_of(&o);
    size_t line = str_find(text, STR("\r\n")) + 2;
    struct str second = str_from(text, line);
    CHECK(str_starts(text, STR("Proxy-Authenticate: Digest realm=\"biloxi.com\", nonce=\"")));
    CHECK(str_find(str_upto(text, line),
                   STR("algorithm=SHA-256, qop=\"auth\", stale=true\r\n")) < line);
    CHECK(str_starts(second, STR("Proxy-Authenticate: Digest ")));
    CHECK(str_ends(second, STR("algorithm=MD5, qop=\"auth\", stale=true\r\n")));
    f.a.sha256 = false;
    out_init(&o, buf, sizeof(buf));
    auth_server_challenge(&f.a, SIP_HDR_WWW_AUTHENTICATE, false, 5, &o);
    text = out_str_of(&o);
    CHECK(str_starts(text, STR("WWW-Authenticate: Digest ")));
    CHECK(str_ends(text, STR("algorithm=MD5, qop=\"auth\"\r\n")));
    CHECK_INT(str_find(text, STR("SHA-256")), text.n);
    teardown(&f);
}

static void test_right_credentials_are_accepted(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce)};
    CHECK_INT(try(&f, &c, 10), AUTH_OK);
    CHECK_STR(f.user, "bob");
    c.nc = "00000002";
    c.alg = AUTH_SHA256;
    CHECK_INT(try(&f, &c, 20), AUTH_OK);
    c.nc = "00000003";
    c.alg = AUTH_MD5;
    c.algorithm = ""; /* absent means MD5 */
    CHECK_INT(try(&f, &c, 20), AUTH_OK);
    c.nc = "0000000A"; /* hex of either case */
    c.algorithm = "md5";
    CHECK_INT(try(&f, &c, 20), AUTH_OK);
    char line[2048];
    c.nc = "0000000c";
    credentials(&c, line, sizeof(line));
    for (char *p = strstr(line, "response=") + 9; *p != ','; p++) {
        *p = (char)(*p >= 'a' && *p <= 'f' ? *p - 'a' + 'A' : *p);
    }
    CHECK_INT(ask(&f, line, 20), AUTH_OK);
    c = (struct cred){.nonce = nonce, .user = "hashed", .nc = "0000000b"};
    CHECK_INT(try(&f, &c, 20), AUTH_OK);
    CHECK_STR(f.user, "hashed");
    CHECK_INT(f.a.ok, 6);
    teardown(&f);
}

static void test_wrong_credentials_are_refused(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    nonce_of(&f, 0, nonce);
    const struct cred wrong[] = {
        {.nonce = nonce, .password = "zanzibaR"},
        {.nonce = nonce, .user = "nobody"},
        {.nonce = nonce, .user = "empty", .password = ""},
        {.nonce = nonce, .user = "empty", .password = "nobody's one"},
        {.nonce = nonce, .user = "hashed", .alg = AUTH_SHA256}, /* only MD5 is known */
        {.nonce = nonce, .method = "INVITE"},
        {.nonce = nonce, .uri = "sip:alice@biloxi.com"},
        {.nonce = nonce, .username = "hashed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK_INT(try(&f, &wrong[i], 1), AUTH_WRONG);
        CHECK(!str_is_set(f.user));
        CHECK_INT(f.lookups, i + 1); /* the unknown cost the same look-up */
    }
    CHECK_INT(f.a.wrong, ARRAY_LEN(wrong));
    CHECK_INT(f.a.pool.in_use, 0); /* nobody without a secret makes an entry */
    struct cred c = {.nonce = nonce};
    CHECK_INT(try(&f, &c, 1), AUTH_OK); /* and no nc was spent */
    teardown(&f);
}

static unsigned told; /* that a right password was for another URI */

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    (void)ids;
    (void)ctx;
    (void)module;
    CHECK_INT(level, TRACE_WARN);
    told += str_starts(text, STR("the password is right"));
}

static void test_uri_may_differ_harmlessly(void)
{
    static const struct {
        const char *ruri, *uri;
        enum auth_verdict want;
    } row[] = {
        {"sip:biloxi.com", "sip:BILOXI.com", AUTH_OK},
        {"sip:b%6fb@biloxi.com", "sip:bob@biloxi.com", AUTH_OK},
        {"sip:biloxi.com", "sip:biloxi.com:5060", AUTH_OK},
        {"sip:biloxi.com:5060", "sip:biloxi.com", AUTH_OK},
        {"sips:biloxi.com", "sips:biloxi.com:5061", AUTH_OK},
        {"sip:biloxi.com", "sip:biloxi.com;foo=bar", AUTH_OK},
        {"tel:+1555", "tel:+1555", AUTH_OK},
        {"sip:biloxi.com", "sip:biloxi.com:5061", AUTH_WRONG},
        {"sip:biloxi.com", "sips:biloxi.com", AUTH_WRONG},
        {"sip:bob@biloxi.com", "sip:bob@atlanta.com", AUTH_WRONG},
        {"sip:bob@biloxi.com", "sip:biloxi.com", AUTH_WRONG},
        {"sip:bob@biloxi.com", "biloxi", AUTH_WRONG},
    };
    struct fixture f;
    setup(&f, 0);
    f.k.env.trace = on_trace;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char nonce[80];
        char line[2048];
        struct cred c = {.nonce = nonce_of(&f, 0, nonce), .uri = row[i].uri};
        test_context(row[i].uri);
        told = 0;
        CHECK_INT(ask_uri(&f, row[i].ruri, credentials(&c, line, sizeof(line)), 1),
                  row[i].want);
        CHECK_INT(told, row[i].want == AUTH_WRONG);
        c.password = "another";
        c.nonce = nonce_of(&f, 0, nonce);
        told = 0;
        CHECK_INT(ask_uri(&f, row[i].ruri, credentials(&c, line, sizeof(line)), 1), AUTH_WRONG);
        CHECK_INT(told, 0);
    }
    test_context(NULL);
    teardown(&f);
}

static void test_user_with_escapes(void)
{
    struct fixture f;
    char nonce[80];
    char line[2048];
    char lots[1200];
    setup(&f, 0);
    struct cred c = {
        .nonce = nonce_of(&f, 0, nonce), .user = "b\"o\\b", .username = "b\\\"o\\\\b"};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    CHECK_STR(f.user, "b\"o\\b");
    /* escapes that are not needed mean the same */
    c = (struct cred){.nonce = nonce, .username = "\\b\\o\\b", .nc = "00000002"};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    CHECK_STR(f.user, "bob");
    /* too long to undo: said, not cut */
    size_t n = 0;
    while (n < 2 * (AUTH_USER_MAX + 1)) {
        lots[n++] = '\\';
        lots[n++] = 'a';
    }
    lots[n] = '\0';
    c = (struct cred){.nonce = nonce, .username = lots};
    CHECK_INT(ask(&f, credentials(&c, line, sizeof(line)), 1), AUTH_MALFORMED);
    /* without escapes there is no limit */
    memset(lots, 'a', sizeof(lots) - 1);
    lots[sizeof(lots) - 1] = '\0';
    CHECK_INT(ask(&f, credentials(&c, line, sizeof(line)), 1), AUTH_WRONG);
    teardown(&f);
}

static void test_nonce_grows_old(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    f.a.nonce_life_ms = 1000;
    struct cred c = {.nonce = nonce_of(&f, 500, nonce)};
    CHECK_INT(try(&f, &c, 1500), AUTH_OK);
    c.nc = "00000002";
    CHECK_INT(try(&f, &c, 1501), AUTH_STALE);
    CHECK(!str_is_set(f.user));
    CHECK_INT(try(&f, &c, 499), AUTH_STALE); /* born in the future */
    c.password = "no";
    CHECK_INT(try(&f, &c, 1501), AUTH_WRONG); /* stale only for who knows the secret */
    CHECK_INT(f.a.stale, 2);
    CHECK_INT(f.a.foreign, 0);
    teardown(&f);
}

static void test_old_entries_leave_the_table(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    f.a.nonce_life_ms = 1000;
    for (uint64_t now = 0; now < 100000; now += 500) {
        struct cred c = {.nonce = nonce_of(&f, now, nonce)};
        CHECK_INT(try(&f, &c, now), AUTH_OK);
        CHECK(f.a.pool.in_use <= 3);
        CHECK_INT(f.a.by_serial.count, f.a.pool.in_use);
    }
    CHECK_INT(f.a.evicted, 0);
    teardown(&f);
}

static void test_nonce_of_somebody_else(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    nonce_of(&f, 0, nonce);
    struct cred c = {.nonce = nonce};
    for (size_t i = 0; i < 64; i++) { /* every digit is covered by the MAC */
        char kept = nonce[i];
        nonce[i] = kept == '0' ? '1' : '0';
        CHECK_INT(try(&f, &c, 1), AUTH_STALE);
        nonce[i] = kept;
    }
    CHECK_INT(f.a.foreign, 64);
    c.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093";
    CHECK_INT(try(&f, &c, 1), AUTH_STALE);
    c.password = "guess";
    CHECK_INT(try(&f, &c, 1), AUTH_WRONG);
    CHECK_INT(f.a.pool.in_use, 0);
    c = (struct cred){.nonce = nonce};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    teardown(&f);
}

static void test_replay_is_noticed(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce), .nc = "00000005"};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    CHECK_INT(try(&f, &c, 2), AUTH_REPLAY);
    CHECK(!str_is_set(f.user));
    CHECK_INT(f.a.replay, 1);
    c.password = "no";
    CHECK_INT(try(&f, &c, 2), AUTH_WRONG);
    teardown(&f);
}

static void test_nc_may_overtake_within_a_window(void)
{
    static const struct {
        const char *nc;
        enum auth_verdict want;
    } row[] = {
        {"00000001", AUTH_OK},     {"00000003", AUTH_OK},     {"00000002", AUTH_OK},
        {"00000002", AUTH_REPLAY}, {"00000003", AUTH_REPLAY}, {"00000042", AUTH_OK},
        {"00000003", AUTH_REPLAY}, {"00000004", AUTH_OK},     {"00000002", AUTH_REPLAY},
        {"00000041", AUTH_OK},     {"000000c2", AUTH_OK},     {"00000082", AUTH_REPLAY},
        {"00000083", AUTH_OK},     {"ffffffff", AUTH_OK},     {"fffffffe", AUTH_OK},
        {"ffffffff", AUTH_REPLAY}, {"000000c3", AUTH_REPLAY}, {"ffffffc0", AUTH_OK},
        {"ffffffbf", AUTH_REPLAY},
    };
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce)};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        c.nc = row[i].nc;
        test_context(c.nc);
        CHECK_INT(try(&f, &c, 1), row[i].want);
    }
    test_context(NULL);
    /* another nonce has a window of its own, which may begin with 0 */
    c = (struct cred){.nonce = nonce_of(&f, 0, nonce), .nc = "00000000"};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    CHECK_INT(try(&f, &c, 1), AUTH_REPLAY);
    teardown(&f);
}

static void test_window_against_a_naive_set(void)
{
    struct fixture f;
    char nonce[80];
    char nc[12];
    bool seen[400] = {false};
    unsigned top = 0;
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce), .nc = nc};
    uint64_t seed = 42;
    for (int i = 0; i < 1500; i++) {
        unsigned v = 1 + (unsigned)(kit_next(&seed) % (unsigned)(i / 6 + 30));
        bool fresh = !seen[v] && v + 64 > top;
        snprintf(nc, sizeof(nc), "%08x", v);
        CHECK_INT(try(&f, &c, 1), fresh ? AUTH_OK : AUTH_REPLAY);
        seen[v] = true;
        top = v > top ? v : top;
    }
    teardown(&f);
}

static void test_table_overflow_makes_the_oldest_stale(void)
{
    enum { MAX = 8, MANY = 20 };
    struct fixture f;
    char nonce[MANY][80];
    setup(&f, MAX);
    for (int i = 0; i < MANY; i++) {
        struct cred c = {.nonce = nonce_of(&f, 0, nonce[i])};
        CHECK_INT(try(&f, &c, 1), AUTH_OK); /* there is always a way in */
        CHECK(f.a.pool.in_use <= MAX);
    }
    CHECK_INT(f.a.evicted, MANY - MAX);
    for (int i = 0; i < MANY; i++) {
        struct cred c = {.nonce = nonce[i]}; /* recorded, sent again */
        CHECK_INT(try(&f, &c, 1), i < MANY - MAX ? AUTH_STALE : AUTH_REPLAY);
        c.nc = "00000002";
        CHECK_INT(try(&f, &c, 1), i < MANY - MAX ? AUTH_STALE : AUTH_OK);
    }
    CHECK_INT(f.a.evicted, MANY - MAX); /* the stale ones pushed nobody out */
    teardown(&f);
}

static void test_overflow_with_nonces_out_of_order(void)
{
    struct fixture f;
    char nonce[4][80];
    setup(&f, 2);
    for (int i = 0; i < 4; i++) {
        nonce_of(&f, 0, nonce[i]);
    }
    struct cred c = {.nonce = nonce[2]};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    c.nonce = nonce[1];
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    c.nonce = nonce[0]; /* older than what would have to go for it */
    CHECK_INT(try(&f, &c, 1), AUTH_STALE);
    CHECK_INT(f.a.evicted, 0);
    c.nonce = nonce[3]; /* pushes out 2, and covers 0 and 1 as far as they have no entry */
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    CHECK_INT(f.a.evicted, 1);
    c.nc = "00000002";
    c.nonce = nonce[2];
    CHECK_INT(try(&f, &c, 1), AUTH_STALE);
    c.nonce = nonce[1];
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    teardown(&f);
}

static void test_without_qop_only_when_allowed(void)
{
    struct fixture f;
    char nonce[80];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce), .no_qop = true};
    CHECK_INT(try(&f, &c, 1), AUTH_MALFORMED);
    f.a.allow_no_qop = true;
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    CHECK_INT(try(&f, &c, 1), AUTH_REPLAY); /* without nc a nonce serves once */
    c.no_qop = false;
    CHECK_INT(try(&f, &c, 1), AUTH_REPLAY);
    c = (struct cred){.nonce = nonce_of(&f, 0, nonce), .no_qop = true, .alg = AUTH_SHA256};
    CHECK_INT(try(&f, &c, 1), AUTH_MALFORMED);
    c = (struct cred){.nonce = nonce};
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    c.no_qop = true; /* the other way about */
    CHECK_INT(try(&f, &c, 1), AUTH_REPLAY);
    teardown(&f);
}

static void test_the_line_for_our_realm(void)
{
    struct fixture f;
    char nonce[80];
    char line[2048];
    char all[6000];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce)};
    CHECK_INT(ask(&f, "", 1), AUTH_MISSING);
    CHECK_INT(ask(&f, "Authorization: Basic Ym9iOnphbnppYmFy\r\n", 1), AUTH_MISSING);
    c.realm = "atlanta.com";
    CHECK_INT(try(&f, &c, 1), AUTH_MISSING);
    c.realm = "BILOXI.com"; /* realms are case-sensitive */
    CHECK_INT(try(&f, &c, 1), AUTH_MISSING);
    c.realm = NULL;
    credentials(&c, line, sizeof(line));
    snprintf(
        all, sizeof(all),
        "Authorization: Digest realm=\"atlanta.com\", nonce=\"1\", nonce=\"2\"\r\n"
        "Authorization: Basic Ym9i\r\n"
        "Authorization: Digest username=\"x\", realm=\"biloxi.com\", algorithm=SHA-512-256,"
        " nonce=\"1\", uri=\"sip:x\", response=\"1\"\r\n"
        "Proxy-Authorization: Digest realm=\"biloxi.com\"\r\n"
        "%s",
        line);
    CHECK_INT(ask(&f, all, 1), AUTH_OK);
    CHECK_STR(f.user, "bob");
    /* an algorithm that is not offered is no credential to check */
    f.a.md5 = false;
    c.nc = "00000002";
    CHECK_INT(try(&f, &c, 1), AUTH_MISSING);
    c.alg = AUTH_SHA256;
    CHECK_INT(try(&f, &c, 1), AUTH_OK);
    f.a.sha256 = false;
    c.nc = "00000003";
    CHECK_INT(try(&f, &c, 1), AUTH_MISSING);
    CHECK_INT(f.a.missing, 6);
    teardown(&f);
}

static void test_scheme_in_any_case(void)
{
    struct fixture f;
    char nonce[80];
    char line[2048];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce)};
    credentials(&c, line, sizeof(line));
    memcpy(line + strlen("Authorization: "), "dIGEST", 6);
    CHECK_INT(ask(&f, line, 1), AUTH_OK);
    teardown(&f);
}

static void test_client_that_was_not_challenged_yet(void)
{
    struct fixture f;
    setup(&f, 0);
    CHECK_INT(ask(&f,
                  "Authorization: Digest username=\"bob\", realm=\"" REALM "\", nonce=\"\", "
                  "uri=\"" URI "\", response=\"\"\r\n",
                  1),
              AUTH_MISSING);
    teardown(&f);
}

#define DIGEST "Authorization: Digest username=\"bob\", realm=\"" REALM "\", nonce=\"1\""
#define RESPONSE ", response=\"0123456789abcdef0123456789abcdef\""

static void test_malformed_credentials(void)
{
    static const char *const line[] = {
        "Authorization:\r\n",
        "Authorization: =\r\n",
        "Authorization: Digest\r\n",
        "Authorization: Digest username=\"bob\"\r\n",
        "Authorization: Digest realm\r\n",
        DIGEST "\r\n",
        DIGEST RESPONSE "\r\n",
        DIGEST ", uri=\"" URI "\"\r\n",
        DIGEST RESPONSE ", uri=\"\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=00000001\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=00000001, cnonce=\"\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=0000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=000000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=0000000g, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth-int, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI
                        "\", qop=\"auth,auth-int\", nc=00000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE RESPONSE ", uri=\"" URI "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", realm=\"x\", uri=\"" URI
                        "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST ", response=\"0123\", uri=\"" URI "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST ", response=\"0123456789abcdef0123456789abcdeg\", uri=\"" URI
               "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", algorithm=SHA-256, uri=\"" URI
                        "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=00000001, cnonce=\"a\r\n",
        DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=00000001, cnonce=\"a\\\r\n b\"\r\n",
        "Authorization: Digest realm=\"" REALM "\", nonce=\"1\"" RESPONSE ", uri=\"" URI
        "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
        "Authorization: Digest username=\"bob\", realm=\"" REALM "\"" RESPONSE ", uri=\"" URI
        "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
    };
    struct fixture f;
    setup(&f, 0);
    for (size_t i = 0; i < ARRAY_LEN(line); i++) {
        test_context(line[i]);
        CHECK_INT(ask(&f, line[i], 1), AUTH_MALFORMED);
    }
    test_context(NULL);
    CHECK_INT(f.lookups, 0);
    CHECK_INT(f.a.malformed, ARRAY_LEN(line));
    /* the one that all these are bent from is well formed */
    CHECK_INT(ask(&f,
                  DIGEST RESPONSE ", uri=\"" URI "\", qop=auth, nc=00000001, cnonce=\"a\"\r\n",
                  1),
              AUTH_WRONG);
    teardown(&f);
}

/* Every prefix, and every octet replaced: never OK, never a look beyond the message. */
static void test_mutations_are_never_accepted(void)
{
    struct fixture f;
    char nonce[80];
    char line[2048];
    char text[4096];
    setup(&f, 0);
    struct cred c = {.nonce = nonce_of(&f, 0, nonce), .algorithm = ""};
    credentials(&c, line, sizeof(line));
    size_t n = strlen(line) - 2;
    size_t digest = strlen("Authorization: ");
    for (size_t cut = digest; cut < n; cut++) {
        int len = snprintf(text, sizeof(text), "REGISTER " URI " SIP/2.0\r\n%.*s\r\n\r\n",
                           (int)cut, line);
        struct str guarded = test_guard(str_make(text, (size_t)len));
        CHECK(kit_index(&f.msg, guarded));
        CHECK(auth_server_check(&f.a, &f.msg.m, SIP_HDR_AUTHORIZATION, lookup, &f, 1,
                                &f.user) != AUTH_OK);
        test_guard_free(guarded);
    }
    /* what is hashed or compared may not change; white space, names of parameters that are
       not required and the quotes themselves may */
    for (size_t i = digest; i < n; i++) {
        static const char with[] = {'\0', '"', '\\', ',', '=', 'z', (char)0xff};
        char kept = line[i];
        for (size_t j = 0; j < sizeof(with); j++) {
            line[i] = with[j];
            if (with[j] != '\0' && with[j] != kept && strchr("\", ", kept) == NULL) {
                enum auth_verdict v = ask(&f, line, 1);
                CHECK(v != AUTH_OK);
                CHECK(v != AUTH_REPLAY);
            }
        }
        line[i] = kept;
    }
    CHECK_INT(ask(&f, line, 1), AUTH_OK);
    teardown(&f);
}

static void test_memory_failures(void)
{
    for (size_t at = 1; at < 12; at++) {
        struct fixture f = {0};
        char nonce[80];
        kit_init(&f.k);
        f.k.mem.fail_at = at;
        f.k.mem.fail_on = true;
        int err = auth_server_init(&f.a, &f.k.env, STR(REALM), 0);
        if (err < 0) {
            CHECK_INT(err, E_NOMEM);
            CHECK_INT(f.k.mem.live, 0);
            continue;
        }
        struct cred c = {.nonce = nonce_of(&f, 0, nonce)};
        enum auth_verdict v = try(&f, &c, 1);
        /* what cannot be remembered cannot be accepted */
        CHECK_INT(v, f.a.pool.in_use == 1 ? AUTH_OK : AUTH_STALE);
        f.k.mem.fail_at = 0;
        c.nc = "00000002";
        CHECK_INT(try(&f, &c, 1), AUTH_OK);
        auth_server_fini(&f.a);
        CHECK_INT(f.k.mem.live, 0);
    }
}

TEST_MAIN(T(test_challenge_offers_both_algorithms), T(test_right_credentials_are_accepted),
          T(test_wrong_credentials_are_refused), T(test_uri_may_differ_harmlessly),
          T(test_user_with_escapes), T(test_nonce_grows_old),
          T(test_old_entries_leave_the_table), T(test_nonce_of_somebody_else),
          T(test_replay_is_noticed), T(test_nc_may_overtake_within_a_window),
          T(test_window_against_a_naive_set), T(test_table_overflow_makes_the_oldest_stale),
          T(test_overflow_with_nonces_out_of_order), T(test_without_qop_only_when_allowed),
          T(test_the_line_for_our_realm), T(test_scheme_in_any_case),
          T(test_client_that_was_not_challenged_yet), T(test_malformed_credentials),
          T(test_mutations_are_never_accepted), T(test_memory_failures))
