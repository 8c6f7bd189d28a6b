/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digest computations against the examples of the RFCs, and the client side: which challenge
 * it answers, how it writes, when it gives up; and client and server against each other.
 */
#include "auth/auth.h"
#include "auth/digest.h"
#include "base/err.h"
#include "kit_msg.h"

/* ---- vectors ---- */

static void test_vectors_of_the_rfcs(void)
{
    static const struct {
        const char *source;
        enum auth_alg alg;
        const char *realm, *password, *nonce, *qop, *cnonce, *want;
    } row[] = {
        {"RFC 2617 §3.5", AUTH_MD5, "testrealm@host.com", "Circle Of Life",
         "dcd98b7102dd2f0e8b11d0f600bfb0c093", "auth", "0a4f113b",
         "6629fae49393a05397450978507c4ef1"},
        {"RFC 2069 §2.4 with its erratum", AUTH_MD5, "testrealm@host.com", "CircleOfLife",
         "dcd98b7102dd2f0e8b11d0f600bfb0c093", NULL, NULL, "1949323746fe6a43ef61f9606e7febea"},
        {"RFC 7616 §3.9.1", AUTH_MD5, "http-auth@example.org", "Circle of Life",
         "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "auth",
         "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "8ca523f5e9506fed4657c9700eebdbec"},
        {"RFC 7616 §3.9.1", AUTH_SHA256, "http-auth@example.org", "Circle of Life",
         "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "auth",
         "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"},
    };
    struct auth_digest d;
    REQUIRE(auth_digest_init(&d) == 0);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char ha1[AUTH_HEX_MAX];
        char hex[AUTH_HEX_MAX];
        test_context(row[i].source);
        struct auth_response_input in = {
            .alg = row[i].alg,
            .ha1 = auth_digest_ha1(&d, row[i].alg, STR("Mufasa"), str_c(row[i].realm), false,
                                   str_c(row[i].password), ha1),
            .method = STR("GET"),
            .uri = STR("/dir/index.html"),
            .nonce = str_c(row[i].nonce),
            .qop = str_c(row[i].qop),
            .nc = STR("00000001"),
            .cnonce = str_c(row[i].cnonce),
        };
        for (int twice = 0; twice < 2; twice++) { /* contexts can be used again */
            CHECK_STR(auth_digest_response(&d, &in, hex), row[i].want);
        }
    }
    test_context(NULL);
    auth_digest_fini(&d);
    auth_digest_fini(&d);
}

static void test_ha1(void)
{
    struct auth_digest d;
    char hex[AUTH_HEX_MAX];
    char other[AUTH_HEX_MAX];
    REQUIRE(auth_digest_init(&d) == 0);
    CHECK_STR(auth_digest_ha1(&d, AUTH_MD5, STR("Mufasa"), STR("testrealm@host.com"), false,
                              STR("Circle Of Life"), hex),
              "939e7578ed9e3c518a452acee763bce9");
    /* a backslash in a realm of ours is itself, one in a header an escape */
    const struct str realm = STR("b\\c");
    struct str own = auth_digest_ha1(&d, AUTH_MD5, STR("a"), realm, false, STR("d"), hex);
    struct str bare =
        auth_digest_ha1(&d, AUTH_MD5, STR("a"), STR("bc"), false, STR("d"), other);
    CHECK(!str_eq(own, bare));
    CHECK_BYTES(auth_digest_ha1(&d, AUTH_MD5, STR("a"), realm, true, STR("d"), hex), bare);
    struct str long_one =
        auth_digest_ha1(&d, AUTH_SHA256, STR(""), STR(""), false, STR(""), hex);
    CHECK_INT(long_one.n, 64);
    auth_digest_fini(&d);
}

/* ---- the client alone ---- */

struct fixture {
    struct kit k;
    struct auth_client c;
    char text[8192], line[4096], had[4096];
    size_t had_n; /* of what was written last */
    struct kit_msg msg;
    struct str out;
};

static void setup(struct fixture *f)
{
    *f = (struct fixture){.c = {.user = STR("bob"), .password = STR("zanzibar")}};
    kit_init(&f->k);
}

static int answer_to(struct fixture *f, const char *lines, const char *method, const char *uri,
                     struct str had)
{
    struct out o;
    int n = snprintf(f->text, sizeof(f->text), "SIP/2.0 401 Unauthorized\r\n%s\r\n", lines);
    if (!CHECK(n > 0 && (size_t)n < sizeof(f->text)) ||
        !CHECK(kit_index(&f->msg, str_c(f->text)))) {
        return E_SYNTAX;
    }
    out_init(&o, f->line, sizeof(f->line));
    int err =
        auth_client_answer(&f->c, &f->k.env, &f->msg.m, str_c(method), str_c(uri), had, &o);
    f->out = out_str_of(&o);
    CHECK(err == 0 || f->out.n == 0);
    return err;
}

/** @param tried  the request that was refused had what was written last */
static int answer_as(struct fixture *f, const char *lines, const char *method, const char *uri,
                     bool tried)
{
    int err = answer_to(f, lines, method, uri, str_make(f->had, tried ? f->had_n : 0));
    if (err == 0) {
        memcpy(f->had, f->out.p, f->out.n);
        f->had_n = f->out.n;
    }
    return err;
}

static int answer(struct fixture *f, const char *lines, bool tried)
{
    return answer_as(f, lines, "REGISTER", "sip:biloxi.com", tried);
}

static bool has(const struct fixture *f, const char *what)
{
    return str_find(f->out, str_c(what)) < f->out.n;
}

static size_t lines_in(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += s.p[i] == '\n';
    }
    return n;
}

#define WWW(rest) "WWW-Authenticate: Digest realm=\"r\", " rest "\r\n"
#define PROXY(rest) "Proxy-Authenticate: Digest realm=\"r\", " rest "\r\n"

static void test_form_of_the_answer(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(answer(&f,
                     WWW("nonce=\"n1\", opaque=\"o1\", algorithm=MD5, qop=\"auth,auth-int\""),
                     false),
              0);
    CHECK(str_starts(f.out, STR("Authorization: Digest username=\"bob\", realm=\"r\", "
                                "nonce=\"n1\", uri=\"sip:biloxi.com\", response=\"")));
    CHECK(has(&f, ", algorithm=MD5,"));
    CHECK(has(&f, ", qop=auth, nc=00000001"));
    CHECK(has(&f, ", cnonce=\""));
    CHECK(str_ends(f.out, STR(", opaque=\"o1\"\r\n")));
    /* no qop: the form of RFC 2069, and no algorithm that was not named */
    CHECK_INT(answer(&f, WWW("nonce=\"n2\""), false), 0);
    CHECK(!has(&f, "qop"));
    CHECK(!has(&f, "nc="));
    CHECK(!has(&f, "cnonce"));
    CHECK(!has(&f, "algorithm"));
    CHECK(!has(&f, "opaque"));
    CHECK(has(&f, "response=\"48cbbfb132ca1230b3a7adcd44bf0a17\"\r\n"));
    CHECK_INT(answer(&f, PROXY("nonce=\"n3\", opaque=\"\""), false), 0);
    CHECK(str_starts(f.out, STR("Proxy-Authorization: Digest ")));
    CHECK(str_ends(f.out, STR(", opaque=\"\"\r\n")));
}

static void test_quoting(void)
{
    struct fixture f;
    setup(&f);
    f.c.user = STR("b\"o\\b");
    CHECK_INT(
        answer(&f,
               "WWW-Authenticate: Digest realm=\"a\\\"b\\\\c\\d\", nonce=\"x\r\n y\\\"\", "
               "opaque=\"\\\\\"\r\n",
               false),
        0);
    CHECK(has(&f, "username=\"b\\\"o\\\\b\", realm=\"a\\\"b\\\\cd\", nonce=\"x y\\\"\""));
    CHECK(has(&f, "opaque=\"\\\\\"\r\n"));
    CHECK_INT(lines_in(f.out), 1);
    /* a token that ends in a backslash must not swallow our quote */
    CHECK_INT(answer(&f, "WWW-Authenticate: Digest realm=r\\, nonce=n\r\n", false), 0);
    CHECK(has(&f, "realm=\"r\\\\\", nonce=\"n\""));
    /* what would break the line is refused */
    f.c.user = STR("bob\r\nX: y");
    CHECK_INT(answer(&f, WWW("nonce=\"n\""), false), E_VALUE);
    f.c.user = STR("bob");
    CHECK_INT(answer_as(&f, WWW("nonce=\"n\""), "INVITE", "sip:a\"b", false), E_VALUE);
    CHECK_INT(answer_as(&f, WWW("nonce=\"n\""), "IN\rVITE", "sip:b", false), E_VALUE);
}

static void test_the_strongest_of_one_realm(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(answer(&f,
                     WWW("nonce=\"a\", algorithm=MD5, qop=\"auth\"")
                         WWW("nonce=\"b\", algorithm=SHA-256, qop=\"auth\"")
                             WWW("nonce=\"c\", algorithm=sha-256, qop=\"auth\""),
                     false),
              0);
    CHECK_INT(lines_in(f.out), 1);
    CHECK(has(&f, "nonce=\"b\""));
    CHECK(has(&f, "algorithm=SHA-256"));
    /* what it does not know it ignores */
    CHECK_INT(
        answer(&f,
               "WWW-Authenticate: Basic realm=\"r\"\r\n" WWW("nonce=\"a\", algorithm=MD5-sess")
                   WWW("nonce=\"b\", algorithm=SHA-512-256")
                       WWW("nonce=\"c\", qop=\"auth-int\"")
                           WWW("algorithm=MD5") "WWW-Authenticate: Digest nonce=\"e\"\r\n"
                                                "WWW-Authenticate: @\r\n" WWW("nonce=\"d\""),
               false),
        0);
    CHECK_INT(lines_in(f.out), 1);
    CHECK(has(&f, "nonce=\"d\""));
    CHECK_INT(answer(&f, WWW("nonce=\"b\", algorithm=SHA-512-256"), false), E_UNSUPPORTED);
    CHECK_INT(answer(&f, "WWW-Authenticate: Basic realm=\"r\"\r\n", false), E_UNSUPPORTED);
    CHECK_INT(answer(&f, "", false), E_UNSUPPORTED);
}

static void test_several_realms(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(
        answer(&f,
               "WWW-Authenticate: Digest realm=\"a\", nonce=\"1\", qop=\"auth\"\r\n"
               "Proxy-Authenticate: Digest realm=\"a\", nonce=\"2\"\r\n"
               "Proxy-Authenticate: Digest realm=\"b\", nonce=\"3\"\r\n"
               "WWW-Authenticate: Digest realm=\"b\", nonce=\"4\", algorithm=SHA-512-256\r\n",
               false),
        0);
    CHECK_INT(lines_in(f.out), 3);
    CHECK(has(&f, "Authorization: Digest username=\"bob\", realm=\"a\", nonce=\"1\""));
    CHECK(has(&f, "Proxy-Authorization: Digest username=\"bob\", realm=\"a\", nonce=\"2\""));
    CHECK(has(&f, "Proxy-Authorization: Digest username=\"bob\", realm=\"b\", nonce=\"3\""));
    char many[2048] = "";
    for (int i = 0; i < 9; i++) {
        size_t n = strlen(many);
        snprintf(many + n, sizeof(many) - n,
                 "WWW-Authenticate: Digest realm=\"%d\", nonce=\"1\"\r\n", i);
        CHECK_INT(answer(&f, many, false), i < 8 ? 0 : E_TOOMANY);
    }
}

static void test_nc_counts_per_nonce(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(answer(&f, WWW("nonce=\"a\", qop=auth"), false), 0);
    CHECK(has(&f, "nc=00000001"));
    CHECK_INT(answer(&f, WWW("nonce=\"a\", qop=auth"), false), 0);
    CHECK(has(&f, "nc=00000002"));
    CHECK_INT(answer(&f, PROXY("nonce=\"a\", qop=auth"), false), 0);
    CHECK(has(&f, "nc=00000001"));
    CHECK_INT(answer(&f, WWW("nonce=\"a\", qop=auth"), false), 0);
    CHECK(has(&f, "nc=00000003"));
    CHECK_INT(answer(&f, WWW("nonce=\"b\", qop=auth"), false), 0);
    CHECK(has(&f, "nc=00000001"));
    for (int i = 0; i < 20; i++) { /* further realms take the oldest place */
        char line[100];
        snprintf(line, sizeof(line),
                 "WWW-Authenticate: Digest realm=\"%d\", nonce=\"1\", qop=auth\r\n", i);
        CHECK_INT(answer(&f, line, false), 0);
        CHECK(has(&f, "nc=00000001"));
    }
}

static void test_when_it_gives_up(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(answer(&f, WWW("nonce=\"a\", qop=auth"), false), 0);
    CHECK_INT(answer(&f, WWW("nonce=\"a\", qop=auth"), true), E_DENIED);
    CHECK_INT(answer(&f, WWW("nonce=\"b\", qop=auth"), true), 0); /* a new nonce: once */
    CHECK_INT(answer(&f, WWW("nonce=\"c\", qop=auth"), true), E_DENIED);
    /* another request begins anew */
    CHECK_INT(answer(&f, WWW("nonce=\"c\", qop=auth"), false), 0);
    CHECK_INT(answer(&f, WWW("nonce=\"d\", qop=auth, stale=TRUE"), true), 0);
    CHECK_INT(answer(&f, WWW("nonce=\"d\", qop=auth, stale=true"), true), 0);
    CHECK(has(&f, "nc=00000002"));
    CHECK_INT(answer(&f, WWW("nonce=\"e\", qop=auth, stale=true"), true), 0);
    CHECK_INT(answer(&f, WWW("nonce=\"f\", qop=auth, stale=true"), true), E_DENIED);
    /* behind the first proxy there is another realm: that is no refusal */
    CHECK_INT(answer(&f, PROXY("nonce=\"a\""), false), 0);
    CHECK_INT(answer(&f, "WWW-Authenticate: Digest realm=\"q\", nonce=\"a\"\r\n", true), 0);
    /* one refused realm refuses the whole, and nothing is counted */
    struct auth_client before = f.c;
    CHECK_INT(answer(&f, PROXY("nonce=\"a\"") WWW("nonce=\"z\", qop=auth"), true), E_DENIED);
    CHECK(memcmp(&before, &f.c, sizeof(before)) == 0);
}

static int answer_too(struct fixture *f, const char *lines, struct str had)
{
    return answer_to(f, lines, "REGISTER", "sip:biloxi.com", had);
}

/** RFC 3261 §22.3: who was satisfied once must be so again, and then who stands behind it. */
static void test_one_behind_the_other(void)
{
    struct fixture f;
    char had[1024];
    setup(&f);
    CHECK_INT(answer_too(&f, WWW("nonce=\"a\", qop=\"auth\", opaque=\"o\""), STR_NONE), 0);
    CHECK_INT(lines_in(f.out), 1);
    memcpy(had, f.out.p, f.out.n);
    CHECK_INT(answer_too(&f, "Proxy-Authenticate: Digest realm=\"behind\", nonce=\"x\"\r\n",
                         str_make(had, f.out.n)),
              0);
    CHECK_INT(lines_in(f.out), 2);
    CHECK(
        has(&f, "Proxy-Authorization: Digest username=\"bob\", realm=\"behind\", nonce=\"x\""));
    /* the first one's is no replay: it has the next nc, and all else that belongs to it */
    CHECK(has(&f, "\r\nAuthorization: Digest username=\"bob\", realm=\"r\", nonce=\"a\""));
    CHECK(has(&f, "qop=auth, nc=00000002, opaque=\"o\""));
    /* a third realm: three lines; the same one again with another nonce: still three */
    memcpy(had, f.out.p, f.out.n);
    CHECK_INT(answer_too(&f, "Proxy-Authenticate: Digest realm=\"far\", nonce=\"y\"\r\n",
                         str_make(had, f.out.n)),
              0);
    CHECK_INT(lines_in(f.out), 3);
    memcpy(had, f.out.p, f.out.n);
    CHECK_INT(
        answer_too(&f, WWW("nonce=\"b\", qop=\"auth\", stale=true"), str_make(had, f.out.n)),
        0);
    CHECK_INT(lines_in(f.out), 3);
    CHECK(has(&f, "nonce=\"b\"") && !has(&f, "nonce=\"a\""));
    /* refused although it had an answer: the password is wrong */
    memcpy(had, f.out.p, f.out.n);
    CHECK_INT(answer_too(&f, "Proxy-Authenticate: Digest realm=\"far\", nonce=\"y\"\r\n",
                         str_make(had, f.out.n)),
              E_DENIED);
    /* a later request meets the same nonce of the second one first: that is no refusal */
    CHECK_INT(answer_too(&f, WWW("nonce=\"c\", qop=\"auth\""), STR_NONE), 0);
    memcpy(had, f.out.p, f.out.n);
    CHECK_INT(answer_too(&f, "Proxy-Authenticate: Digest realm=\"far\", nonce=\"y\"\r\n",
                         str_make(had, f.out.n)),
              0);
}

/** Who asks for another realm each time is answered a few times, not for ever. */
static void test_ever_new_realms(void)
{
    struct fixture f;
    char line[128];
    unsigned answers = 0;
    setup(&f);
    for (unsigned i = 0; i < 20; i++) {
        (void)snprintf(line, sizeof(line),
                       "WWW-Authenticate: Digest realm=\"%u\", nonce=\"a\"\r\n", i);
        answers += answer(&f, line, i > 0) == 0;
    }
    CHECK_INT(answers, 7);
    CHECK_INT(answer(&f, line, false), 0); /* another request begins anew */
}

static void test_buffer_too_small(void)
{
    struct fixture f;
    char small[64];
    struct out o;
    setup(&f);
    CHECK_INT(answer(&f, WWW("nonce=\"a\", qop=auth"), false), 0);
    out_init(&o, small, sizeof(small));
    CHECK_INT(
        auth_client_answer(&f.c, &f.k.env, &f.msg.m, STR("BYE"), STR("sip:b"), STR_NONE, &o),
        E_SPACE);
    CHECK(o.over);
}

/* ---- client and server together ---- */

static bool lookup(void *ctx, struct str user, struct auth_secret *out)
{
    const struct auth_client *c = ctx;
    out->password = c->password;
    return str_eq(user, c->user);
}

struct pair {
    struct fixture f;
    struct auth_server a;
    char request[8192], challenge[2048];
    struct kit_msg msg;
};

static enum auth_verdict present(struct pair *p, const char *method, const char *uri,
                                 uint64_t now_ms)
{
    struct str user;
    snprintf(p->request, sizeof(p->request), "%s %s SIP/2.0\r\n%.*s\r\n", method, uri,
             STR_ARG(p->f.out));
    if (!CHECK(kit_index(&p->msg, str_c(p->request)))) {
        return AUTH_MALFORMED;
    }
    enum auth_verdict v = auth_server_check(&p->a, &p->msg.m, SIP_HDR_PROXY_AUTHORIZATION,
                                            lookup, &p->f.c, now_ms, &user);
    CHECK(v != AUTH_OK || str_eq(user, p->f.c.user));
    return v;
}

static const char *challenge(struct pair *p, bool stale, uint64_t now_ms)
{
    struct out o;
    out_init(&o, p->challenge, sizeof(p->challenge) - 1);
    auth_server_challenge(&p->a, SIP_HDR_PROXY_AUTHENTICATE, stale, now_ms, &o);
    p->challenge[o.n] = '\0';
    return p->challenge;
}

static void test_round_trips(void)
{
    static const struct {
        const char *user, *password, *realm;
    } row[] = {
        {"bob", "zanzibar", "biloxi.com"},
        {"", "", "r"},
        {"b\"o\\b", "p:w\"\\", "a \"quoted\\\" realm, with=commas"},
        {"\\", "\\\\", "\\"},
        {"jos\xc3\xa9", "\xff\x01", "\xc3\xa9"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        for (int mask = 1; mask <= 3; mask++) {
            struct pair p = {0};
            setup(&p.f);
            p.f.c.user = str_c(row[i].user);
            p.f.c.password = str_c(row[i].password);
            test_context(row[i].realm);
            REQUIRE(auth_server_init(&p.a, &p.f.k.env, str_c(row[i].realm), 0) == 0);
            p.a.md5 = (mask & 1) != 0;
            p.a.sha256 = (mask & 2) != 0;
            CHECK_INT(answer_as(&p.f, challenge(&p, false, 0), "INVITE", "sip:a@b;x=y", false),
                      0);
            CHECK_INT(has(&p.f, "SHA-256"), mask & 2 ? 1 : 0);
            CHECK_INT(present(&p, "INVITE", "sip:a@b;x=y", 1), AUTH_OK);
            CHECK_INT(present(&p, "INVITE", "sip:a@b;x=y", 1), AUTH_REPLAY);
            CHECK_INT(present(&p, "BYE", "sip:a@b;x=y", 1), AUTH_WRONG);
            CHECK_INT(answer_as(&p.f, p.challenge, "BYE", "sip:a@b", false), 0);
            CHECK(has(&p.f, "nc=00000002"));
            CHECK_INT(present(&p, "BYE", "sip:a@b", 400000), AUTH_STALE);
            CHECK_INT(answer_as(&p.f, challenge(&p, true, 400000), "BYE", "sip:a@b", true), 0);
            CHECK_INT(present(&p, "BYE", "sip:a@b", 400001), AUTH_OK);
            auth_server_fini(&p.a);
            CHECK_INT(p.f.k.mem.live, 0);
        }
    }
    test_context(NULL);
}

static void test_wrong_password_ends(void)
{
    struct pair p = {0};
    setup(&p.f);
    REQUIRE(auth_server_init(&p.a, &p.f.k.env, STR("r"), 0) == 0);
    int rounds = 0;
    bool tried = false;
    struct auth_client right = p.f.c;
    struct str user;
    right.password = STR("other");
    while (answer_as(&p.f, challenge(&p, false, 0), "INVITE", "sip:b", tried) == 0) {
        tried = true;
        REQUIRE(++rounds < 10);
        snprintf(p.request, sizeof(p.request), "INVITE sip:b SIP/2.0\r\n%.*s\r\n",
                 STR_ARG(p.f.out));
        REQUIRE(kit_index(&p.msg, str_c(p.request)));
        CHECK_INT(auth_server_check(&p.a, &p.msg.m, SIP_HDR_PROXY_AUTHORIZATION, lookup, &right,
                                    1, &user),
                  AUTH_WRONG);
    }
    CHECK_INT(rounds, 2);
    auth_server_fini(&p.a);
}

static void test_restart_of_the_server_is_survived(void)
{
    struct pair p = {0};
    setup(&p.f);
    REQUIRE(auth_server_init(&p.a, &p.f.k.env, STR("r"), 0) == 0);
    CHECK_INT(answer_as(&p.f, challenge(&p, false, 0), "INVITE", "sip:b", false), 0);
    auth_server_fini(&p.a);
    REQUIRE(auth_server_init(&p.a, &p.f.k.env, STR("r"), 0) == 0);
    CHECK_INT(present(&p, "INVITE", "sip:b", 1), AUTH_STALE);
    CHECK_INT(p.a.foreign, 1);
    CHECK_INT(answer_as(&p.f, challenge(&p, true, 1), "INVITE", "sip:b", true), 0);
    CHECK_INT(present(&p, "INVITE", "sip:b", 2), AUTH_OK);
    auth_server_fini(&p.a);
}

TEST_MAIN(T(test_vectors_of_the_rfcs), T(test_ha1), T(test_form_of_the_answer), T(test_quoting),
          T(test_the_strongest_of_one_realm), T(test_several_realms),
          T(test_nc_counts_per_nonce), T(test_when_it_gives_up), T(test_one_behind_the_other),
          T(test_ever_new_realms), T(test_buffer_too_small), T(test_round_trips),
          T(test_wrong_password_ends), T(test_restart_of_the_server_is_survived))
