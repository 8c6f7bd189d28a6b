/* SPDX-License-Identifier: Apache-2.0 */
/* URIs: views, comparison by RFC 3261 §19.1.4 and RFC 3966 §4, escapes, keys. */
#include "base/err.h"
#include "sip/uri.h"
#include "test.h"

#include <stdio.h>

static int parse(const char *text, struct sip_uri *u)
{
    uint32_t at;
    return sip_uri_parse(str_c(text), 0, u, &at);
}

static void test_parts(void)
{
    struct sip_uri u;
    REQUIRE(parse("sips:alice:secret@atlanta.com:5071;transport=tcp;lr?subject=x&a=b", &u) ==
            0);
    CHECK_INT(u.scheme, SIP_SCHEME_SIPS);
    CHECK_STR(u.scheme_name, "sips");
    CHECK_STR(u.user, "alice");
    CHECK_STR(u.password, "secret");
    CHECK_STR(u.host, "atlanta.com");
    CHECK_INT(u.port, 5071);
    CHECK_STR(u.params, "transport=tcp;lr");
    CHECK_STR(u.headers, "subject=x&a=b");
    CHECK(!str_is_set(u.opaque));

    REQUIRE(parse("SIP:example.com", &u) == 0);
    CHECK_INT(u.scheme, SIP_SCHEME_SIP);
    CHECK(!str_is_set(u.user) && !str_is_set(u.password) && !str_is_set(u.params));
    CHECK(!str_is_set(u.headers));
    CHECK_STR(u.host, "example.com");
    CHECK_INT(u.port, 0);

    REQUIRE(parse("sip:a", &u) == 0);
    CHECK_STR(u.host, "a");

    REQUIRE(parse("sip:user;par=u%40example.net@example.com", &u) == 0);
    CHECK_STR(u.user, "user;par=u%40example.net");
    CHECK_STR(u.host, "example.com");

    REQUIRE(
        parse("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_"
              "too.(doesn't-it)@example.com",
              &u) == 0);
    CHECK_STR(u.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    CHECK_STR(u.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");

    REQUIRE(parse("sip:*21#@pbx_1.example", &u) == 0); /* as phones send it */
    CHECK_STR(u.user, "*21#");
    REQUIRE(parse("sip:h;a;;b=;", &u) == 0);
    CHECK_STR(u.params, "a;;b=;");
    REQUIRE(parse("sip:h?", &u) == 0);
    CHECK(str_is_set(u.headers) && u.headers.n == 0);
}

static void test_ipv6(void)
{
    struct sip_uri u;
    REQUIRE(parse("sip:[2001:db8::10:5070]", &u) == 0);
    CHECK_STR(u.host, "[2001:db8::10:5070]");
    CHECK_INT(u.port, 0);
    CHECK_INT(sip_uri_port(&u), 5060);
    REQUIRE(parse("sip:[2001:db8::10]:5070", &u) == 0);
    CHECK_STR(u.host, "[2001:db8::10]");
    CHECK_INT(u.port, 5070);
    REQUIRE(parse("sip:user@[2001:db8:::192.0.2.1]", &u) == 0); /* RFC 5118 §4.10 */
    CHECK_STR(u.user, "user");
    REQUIRE(parse("sip:u@[::ffff:192.0.2.2];lr", &u) == 0);
    CHECK_INT(parse("sip:[2001:db8::10", &u), E_SYNTAX);
    CHECK_INT(parse("sip:[nonsense]", &u), E_SYNTAX);
    CHECK_INT(parse("sip:2001:db8::10", &u), E_SYNTAX);
    CHECK_INT(parse("sip:[::1]x", &u), E_SYNTAX);
}

static void test_other_schemes(void)
{
    struct sip_uri u;
    REQUIRE(parse("tel:+1-201-555-0123;phone-context=x", &u) == 0);
    CHECK_INT(u.scheme, SIP_SCHEME_TEL);
    CHECK_STR(u.user, "+1-201-555-0123");
    CHECK_STR(u.params, "phone-context=x");
    CHECK(!str_is_set(u.host));
    REQUIRE(parse("tel:*21#", &u) == 0);
    REQUIRE(parse("tel:7", &u) == 0);
    CHECK_INT(u.scheme, SIP_SCHEME_TEL);
    CHECK_INT(parse("tel:", &u), E_SYNTAX);
    CHECK_INT(parse("tel:1+2", &u), E_SYNTAX);
    CHECK_INT(parse("tel:hello", &u), E_SYNTAX);
    REQUIRE(parse("soap.beep://192.0.2.103:3002", &u) == 0);
    CHECK_INT(u.scheme, SIP_SCHEME_OTHER);
    CHECK_STR(u.scheme_name, "soap.beep");
    CHECK_STR(u.opaque, "//192.0.2.103:3002");
    REQUIRE(parse("urn:service:sos", &u) == 0);
    CHECK_INT(u.scheme, SIP_SCHEME_OTHER);
    REQUIRE(parse("sipx:rest", &u) == 0);
    CHECK_INT(u.scheme, SIP_SCHEME_OTHER);
    REQUIRE(parse("s:r", &u) == 0);
    CHECK_STR(u.opaque, "r");
}

static void test_refused(void)
{
    static const struct {
        const char *text;
        unsigned at;
    } rows[] = {
        {"", 0},
        {"sip", 0},
        {":x", 0},
        {"1x:y", 0},
        {"<sip:a@b>", 0},
        {"x:", 2},
        {"sip:", 4},
        {"sips:", 5},
        {"sip:@host", 4},
        {"sip:a b@host", 5},
        {"sip: a@host", 4},
        {"sip:a@", 6},
        {"sip:a@b@c", 7},
        {"sip:a%4@b", 5},
        {"sip:a%zz@b", 5},
        {"sip:a%@b", 5},
        {"sip:h:", 6},
        {"sip:h:0", 6},
        {"sip:h:65536", 6},
        {"sip:h:99999999999999999999", 6},
        {"sip:h:5060x", 10},
        {"sip:h;a=%zz", 8},
        {"sip:h;a=b c", 9},
        {"sip:h?a=b;c", 9},
        {"sip:h?a=%4", 8},
        {"sip:h/path", 5},
        {"sip:\xc3\x9c@h", 4},
        {"odd:a b", 5},
        {"odd:a<b", 5},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_uri u;
        uint32_t at = 77;
        test_context(rows[i].text);
        CHECK_INT(sip_uri_parse(str_c(rows[i].text), 0, &u, &at), E_SYNTAX);
        CHECK_INT(at, rows[i].at);
        CHECK_STR(u.text, rows[i].text);
    }
    struct sip_uri u;
    uint32_t at;
    CHECK_INT(sip_uri_parse(STR("sip:a@b"), 6, &u, &at), E_TOOBIG);
    CHECK_INT(sip_uri_parse(STR("sip:a@b"), 7, &u, &at), 0);
    CHECK_INT(sip_uri_parse(STR_NONE, 7, &u, &at), E_SYNTAX);
    test_context(NULL);
}

struct pair {
    const char *a, *b;
};

static void expect_pairs(const struct pair *pairs, size_t n, bool equal)
{
    for (size_t i = 0; i < n; i++) {
        struct sip_uri a;
        struct sip_uri b;
        char what[600];
        snprintf(what, sizeof(what), "%s | %s", pairs[i].a, pairs[i].b);
        test_context(what);
        CHECK_INT(parse(pairs[i].a, &a), 0);
        CHECK_INT(parse(pairs[i].b, &b), 0);
        CHECK_INT(sip_uri_eq(&a, &b), equal);
        CHECK_INT(sip_uri_eq(&b, &a), equal);
        CHECK(sip_uri_eq(&a, &a) && sip_uri_eq(&b, &b));
    }
    test_context(NULL);
}

/* The examples of RFC 3261 §19.1.4, and what follows from its rules. */
static void test_equal(void)
{
    static const struct pair pairs[] = {
        {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on"},
        {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"},
        {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
         "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"},
        {"sip:alice@atlanta.com?subject=project%20x&priority=urgent",
         "sip:alice@atlanta.com?priority=urgent&subject=project%20x"},
        {"sip:a%2fb@h", "sip:a%2Fb@h"},
        {"sip:a#@h", "sip:a%23@h"},
        {"sip:h;a=1;a=2", "sip:h;a=1"}, /* not allowed; the first one counts */
        {"sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::1]"},
        {"SIP:a@h;LR", "sip:a@h;lr"},
        {"sip:a@h?X=1&x=1", "sip:a@h?x=1&X=1"},
        {"tel:+1-201-555-0123", "tel:+1(201)555.0123"},
        {"tel:7042;phone-context=example.com", "TEL:7042;Phone-Context=EXAMPLE.com"},
        {"tel:7042;phone-context=+1-212", "tel:70-42;phone-context=+1212"},
        {"tel:1;a=b;c=d", "tel:1;c=d;a=b"},
        {"tel:1;ext=1-2", "tel:1;ext=12"},
        {"URN:service:sos", "urn:service:sos"},
    };
    expect_pairs(pairs, sizeof(pairs) / sizeof(pairs[0]), true);
}

static void test_not_equal(void)
{
    static const struct pair pairs[] = {
        {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"},
        {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"},
        {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"},
        {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"},
        {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"},
        {"sip:a@h", "sips:a@h"},
        {"sip:a@h", "sip:h"},
        {"sip:a@h", "sip:a:@h"},
        {"sip:a:x@h", "sip:a:X@h"},
        {"sip:a%40b@h", "sip:a=b@h"},
        {"sip:a%3bb@h", "sip:a;b@h"},
        {"sip:null-%00@h", "sip:null-%00%00@h"},
        {"sip:%00@h", "sip:%01@h"},
        {"sip:h;user=phone", "sip:h"},
        {"sip:h;ttl=1", "sip:h"},
        {"sip:h;method=INVITE", "sip:h"},
        {"sip:h;maddr=192.0.2.1", "sip:h"},
        {"sip:h;lr", "sip:h;lr=on"},
        {"sip:h?a=b", "sip:h?a=B"},
        {"sip:h?a=b", "sip:h?a=b&a=b"},
        {"sip:[::1]", "sip:[::2]"},
        {"tel:+12015550123", "tel:12015550123"},
        {"tel:1", "tel:12"},
        {"tel:1", "tel:1;a=b"},
        {"tel:1;phone-context=a", "tel:1;phone-context=b"},
        {"tel:1", "sip:1"},
        {"urn:a", "urn:A"},
        {"urn:a", "xrn:a"},
    };
    expect_pairs(pairs, sizeof(pairs) / sizeof(pairs[0]), false);
}

/* Long lists are compared as they stand: see LIST_MAX in uri_eq.c. */
static void test_long_lists(void)
{
    static char text[2][8192];
    for (unsigned i = 0; i < 2; i++) {
        struct out o;
        out_init(&o, text[i], sizeof(text[i]));
        out_c(&o, i == 0 ? "sip:h?z=1" : "sip:h?x=1");
        for (unsigned k = 0; k < 1000; k++) {
            out_c(&o, "&y=2");
        }
        out_c(&o, i == 0 ? "&x=1" : "&z=1");
        out_ch(&o, 0);
        CHECK(!o.over);
    }
    const struct pair same[] = {{text[0], text[0]}};
    const struct pair turned[] = {{text[0], text[1]}};
    expect_pairs(same, 1, true);
    expect_pairs(turned, 1, false);
}

static void test_params(void)
{
    struct str v;
    struct str params = STR(" a = 1 ;b; c=\"x;y\\\"z\";;d=;=e; A=2");
    CHECK(sip_param(params, STR("A"), &v));
    CHECK_STR(v, "1");
    CHECK(sip_param(params, STR("b"), &v));
    CHECK(!str_is_set(v));
    CHECK(sip_param(params, STR("C"), &v));
    CHECK_STR(v, "\"x;y\\\"z\"");
    CHECK(sip_param(params, STR("d"), &v));
    CHECK(str_is_set(v) && v.n == 0);
    CHECK(!sip_param(params, STR("e"), &v));
    CHECK(!str_is_set(v));
    CHECK(!sip_param(STR_NONE, STR("e"), &v));
    struct str rest = params;
    struct str n;
    int count = 0;
    while (sip_param_next(&rest, &n, &v)) {
        count++;
    }
    CHECK_INT(count, 5);
    rest = STR("a=b&&c&=d&e=f=g");
    CHECK(sip_uri_header_next(&rest, &n, &v));
    CHECK_STR(n, "a");
    CHECK_STR(v, "b");
    CHECK(sip_uri_header_next(&rest, &n, &v));
    CHECK_STR(n, "c");
    CHECK(!str_is_set(v));
    CHECK(sip_uri_header_next(&rest, &n, &v));
    CHECK_INT(n.n, 0);
    CHECK(sip_uri_header_next(&rest, &n, &v));
    CHECK_STR(v, "f=g");
    CHECK(!sip_uri_header_next(&rest, &n, &v));
}

static void test_params_written(void)
{
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    sip_params_write(&o, STR("a=1; TAG=x ;lr;b=;tag"), STR("tag"));
    CHECK_STR(out_str_of(&o), ";a=1;lr;b=");
    sip_params_write(&o, STR("tag=y"), STR_NONE);
    sip_params_write(&o, STR_NONE, STR("tag"));
    CHECK_STR(out_str_of(&o), ";a=1;lr;b=;tag=y");
}

static void test_ports(void)
{
    static const struct {
        const char *text;
        int port;
    } rows[] = {
        {"sip:h", 5060},
        {"sips:h", 5061},
        {"sip:h;transport=TLS", 5061},
        {"sip:h;transport=tcp", 5060},
        {"sip:h;transport=ws", 80},
        {"sips:h;transport=ws", 443},
        {"sip:h;transport=wss", 443},
        {"sip:h:7;transport=tls", 7},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_uri u;
        test_context(rows[i].text);
        CHECK_INT(parse(rows[i].text, &u), 0);
        CHECK_INT(sip_uri_port(&u), rows[i].port);
    }
    test_context(NULL);
}

static void test_escapes(void)
{
    char buf[256];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    sip_unescape(&o, STR("%41b%2f%zz%4"));
    CHECK_STR(out_str_of(&o), "Ab/%zz%4");
    out_init(&o, buf, sizeof(buf));
    sip_escape_user(&o, STR("a b@c:%#\xc3;/?"));
    CHECK_STR(out_str_of(&o), "a%20b%40c%3A%25%23%C3;/?");
    out_init(&o, buf, sizeof(buf));
    sip_escape_header(&o, STR("<sip:a@b;x=y&z>"));
    CHECK_STR(out_str_of(&o), "%3Csip:a%40b%3Bx%3Dy%26z%3E");
    /* whatever is escaped comes back, and parses in its place */
    char all[255];
    for (int i = 0; i < 255; i++) {
        all[i] = (char)(i + 1);
    }
    char text[2048];
    char back[1024];
    struct out t;
    struct sip_uri u;
    uint32_t at;
    out_init(&t, text, sizeof(text));
    out_c(&t, "sip:");
    sip_escape_user(&t, str_make(all, sizeof(all)));
    out_c(&t, "@h?x=");
    sip_escape_header(&t, str_make(all, sizeof(all)));
    REQUIRE(!t.over && sip_uri_parse(out_str_of(&t), 0, &u, &at) == 0);
    out_init(&o, back, sizeof(back));
    sip_unescape(&o, u.user);
    CHECK_BYTES(out_str_of(&o), str_make(all, sizeof(all)));
    out_init(&o, back, sizeof(back));
    sip_unescape(&o, str_from(u.headers, 2));
    CHECK_BYTES(out_str_of(&o), str_make(all, sizeof(all)));
}

static void test_keys(void)
{
    static const struct pair rows[] = {
        {"sip:%61lice@ATLANTA.com:5060;transport=tcp?x=y", "alice@atlanta.com"},
        {"sip:Alice:pw@atlanta.com", "Alice@atlanta.com"},
        {"sips:a@h:5061", "a@h"},
        {"sip:a@h:5061", "a@h:5061"},
        {"sip:a@h:5061;transport=tls", "a@h"},
        {"sip:a%2fb%2F%c3@h", "a%2Fb%2F%C3@h"},
        {"sip:a%2D#@h", "a-%23@h"},
        {"sip:h", "h"},
        {"sip:u@[2001:DB8:0:0::1]:5060", "u@[2001:db8::1]"},
        {"tel:+1-(201)-555.0123;x=y", "+12015550123"},
        {"URN:Service:Sos", "urn:Service:Sos"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_uri u;
        char buf[128];
        struct out o;
        CHECK_INT(parse(rows[i].a, &u), 0);
        out_init(&o, buf, sizeof(buf));
        sip_uri_write_aor(&o, &u);
        CHECK_STR(out_str_of(&o), rows[i].b);
        out_init(&o, buf, 1); /* too small: says so, writes no more */
        sip_uri_write_aor(&o, &u);
        CHECK_INT(o.over, strlen(rows[i].b) > 1);
    }
}

/* Every prefix and every octet changed, before a guard page: no read outside; what is
   accepted equals itself, and its parts lie in the text. */
static void test_guarded(void)
{
    static const char *const texts[] = {
        "sips:al%69ce:pw@[2001:db8::1]:5061;transport=tcp;x=%41?a=b&c=%44",
        "tel:+1-201-555;phone-context=+1;ext=5",
        "http://x.example/?a=b",
    };
    static const char with[] = "\0 \"%,:;<=>?@[]a0\xff";
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        struct str text = str_c(texts[t]);
        for (size_t n = 0; n <= text.n; n++) {
            struct str g = test_guard(str_upto(text, n));
            for (size_t i = 0; i < n; i++) {
                char *p = (char *)(uintptr_t)g.p + i;
                char old = *p;
                for (size_t k = 0; k < sizeof(with) - 1 && (n == text.n || i + 2 > n); k++) {
                    struct sip_uri u;
                    uint32_t at;
                    *p = with[k];
                    int err = sip_uri_parse(g, 0, &u, &at);
                    CHECK(err == 0 ? sip_uri_eq(&u, &u) : at <= n);
                    CHECK(u.user.n + u.host.n + u.params.n + u.headers.n <= n);
                }
                *p = old;
            }
            test_guard_free(g);
        }
    }
}

TEST_MAIN(T(test_parts), T(test_ipv6), T(test_other_schemes), T(test_refused), T(test_equal),
          T(test_not_equal), T(test_long_lists), T(test_params), T(test_params_written),
          T(test_ports), T(test_escapes), T(test_keys), T(test_guarded))
