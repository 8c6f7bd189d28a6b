/* SPDX-License-Identifier: Apache-2.0 */
/* Embedded headers of a URI that becomes a request (RFC 3261 §19.1.5). */
#include "base/err.h"
#include "sip/embed.h"
#include "test.h"

#include <stdio.h>

struct got {
    struct test_mem mem;
    struct arena arena;
    struct sip_uri uri;
    struct sip_embedded e;
    int err;
};

static void embed(struct got *g, struct str text)
{
    uint32_t at;
    g->e = (struct sip_embedded){0};
    test_mem_init(&g->mem);
    arena_init(&g->arena, &g->mem.mem, 1024);
    g->err = sip_uri_parse(text, 0, &g->uri, &at);
    if (g->err == 0) {
        g->err = sip_embed(&g->uri, &g->arena, &g->e);
    }
}

static void done(struct got *g)
{
    arena_fini(&g->arena);
    CHECK_INT(g->mem.live, 0);
}

static void check(const char *uri, const char *bare, const char *lines, const char *uui)
{
    struct got g;
    embed(&g, str_c(uri));
    CHECK_INT(g.err, 0);
    CHECK_STR(g.e.uri, bare);
    CHECK_STR(g.e.lines, lines);
    CHECK_STR(g.e.uui, uui);
    done(&g);
}

static void test_taken(void)
{
    check("sip:c@example.com", "sip:c@example.com", "", "");
    check("sip:c@example.com?Subject=A%20call&Priority=urgent", "sip:c@example.com",
          "Subject: A call\r\nPriority: urgent\r\n", "");
    check("sip:c@example.com;user=phone?s=hi&X-Account=4711", "sip:c@example.com;user=phone",
          "Subject: hi\r\nX-Account: 4711\r\n", "");
    check("sip:c@example.com?User-to-User=00C8%3Bencoding%3Dhex&Subject=x", "sip:c@example.com",
          "Subject: x\r\n", "00C8;encoding=hex");
    check("tel:+15551234", "tel:+15551234", "", "");
}

/** A value stands there once, two of them both stand there, in their order. */
static void test_user_to_user(void)
{
    check("sip:c@e.com?User-to-User=01&user-to-user=01", "sip:c@e.com", "", "01");
    check("sip:c@e.com?User-to-User=02%3Bpurpose%3Dx&User-to-User=01", "sip:c@e.com", "",
          "02;purpose=x, 01");
    check("sip:c@e.com?User-to-User=01%2C02%2C01", "sip:c@e.com", "", "01, 02");
    check("sip:c@e.com?User-to-User=%22a%2Cb%22%3Bencoding%3Dtext", "sip:c@e.com", "",
          "\"a,b\";encoding=text");
}

/** §19.1.5: none of these is sent in our name. */
static void test_ignored(void)
{
    static const char *const names[] = {"From",
                                        "f",
                                        "Call-ID",
                                        "i",
                                        "CSeq",
                                        "Via",
                                        "v",
                                        "Record-Route",
                                        "Route",
                                        "Accept",
                                        "Accept-Encoding",
                                        "Accept-Language",
                                        "Allow",
                                        "Contact",
                                        "m",
                                        "Organization",
                                        "Supported",
                                        "k",
                                        "User-Agent",
                                        "Content-Disposition",
                                        "Content-Encoding",
                                        "Content-Language",
                                        "Content-Length",
                                        "Content-Type",
                                        "c",
                                        "Date",
                                        "Mime-Version",
                                        "Timestamp",
                                        "To",
                                        "Max-Forwards",
                                        "Authorization",
                                        "Proxy-Authorization",
                                        "body",
                                        "P-Asserted-Identity",
                                        "P-Preferred-Identity",
                                        "P-Asserted-Service",
                                        "p-charging-vector",
                                        "Privacy",
                                        "Identity",
                                        "Remote-Party-ID",
                                        "Referred-By",
                                        "b",
                                        "Diversion",
                                        "History-Info",
                                        "Session-Expires",
                                        "Min-SE",
                                        "Path",
                                        "Proxy-Require"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char uri[128];
        struct got g;
        (void)snprintf(uri, sizeof(uri), "sip:c@e.com?%s=1&Subject=x", names[i]);
        embed(&g, str_c(uri));
        CHECK_INT(g.err, 0);
        CHECK_STR(g.e.lines, "Subject: x\r\n");
        CHECK_INT(g.e.ignored, 1);
        done(&g);
    }
}

static void test_replaces_and_require(void)
{
    struct got g;
    embed(&g, STR("sip:c@e.com?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag%3D2&Require=replaces"));
    CHECK_INT(g.err, 0);
    CHECK_STR(g.e.replaces, "abc@x;to-tag=1;from-tag=2");
    CHECK_STR(g.e.require, "replaces");
    CHECK_STR(g.e.lines, "");
    done(&g);
    embed(&g, STR("sip:c@e.com?Replaces=a%3Bto-tag%3D1%3Bfrom-tag%3D2&Replaces=b"));
    CHECK_INT(g.err, E_EXISTS);
    done(&g);
}

static void test_method(void)
{
    struct got g;
    embed(&g, STR("sip:c@e.com;method=SUBSCRIBE;user=phone;lr?Subject=x"));
    CHECK_INT(g.err, 0);
    CHECK_STR(g.e.method, "SUBSCRIBE");
    CHECK_STR(g.e.uri, "sip:c@e.com;user=phone;lr");
    done(&g);
}

/** No valid request can be made of these. */
static void test_refused(void)
{
    static const char *const bad[] = {
        "sip:c@e.com?Subject=a%0D%0AX-Evil:%201",
        "sip:c@e.com?Subject=a%00b",
        "sip:c@e.com?User-to-User=00%0A",
        "sip:c@e.com?X%20Y=1",
        "sip:c@e.com?Sub%0Aject=1",
        "sip:c@e.com?=1",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct got g;
        embed(&g, str_c(bad[i]));
        CHECK_INT(g.err, E_SYNTAX);
        done(&g);
    }
}

static void test_too_many(void)
{
    char uri[2048] = "sip:c@e.com?a=1";
    struct got g;
    for (int i = 0; i < SIP_EMBED_MAX; i++) {
        (void)strncat(uri, "&Subject=1", sizeof(uri) - strlen(uri) - 1);
    }
    embed(&g, str_c(uri));
    CHECK_INT(g.err, E_TOOMANY);
    done(&g);
}

/** Every prefix, at a guard page, and every allocation that fails. */
static void test_prefixes_and_memory(void)
{
    static const char text[] =
        "sip:c@e.com;method=INVITE;a=b?User-to-User=00%3Bx%2C01&Replaces=a%3Bto-tag%3D1&X=%41&s=1";
    for (size_t n = 0; n < sizeof(text); n++) {
        struct got g;
        struct str s = test_guard(str_make(text, n));
        embed(&g, s);
        CHECK(g.err == 0 || g.err == E_SYNTAX);
        done(&g);
        test_guard_free(s);
    }
    for (size_t nth = 0; nth < 20; nth++) {
        struct got g;
        uint32_t at;
        test_mem_init(&g.mem);
        arena_init(&g.arena, &g.mem.mem, 64);
        g.mem.fail_at = nth + 1;
        CHECK_INT(sip_uri_parse(str_c(text), 0, &g.uri, &at), 0);
        g.err = sip_embed(&g.uri, &g.arena, &g.e);
        CHECK(g.err == 0 || g.err == E_NOMEM);
        done(&g);
    }
}

TEST_MAIN(T(test_taken), T(test_user_to_user), T(test_ignored), T(test_replaces_and_require),
          T(test_method), T(test_refused), T(test_too_many), T(test_prefixes_and_memory))
