/* SPDX-License-Identifier: Apache-2.0 */
/* Views of header values. */
#include "sip/hdr.h"

#include "sip_helpers.h"
#include "test.h"

static uint32_t at;

static void test_via_plain(void)
{
    struct sip_via v;
    REQUIRE(sip_via_parse(STR("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;rport;ttl=16"), &v,
                          &at) == 0);
    CHECK_STR(v.transport, "UDP");
    CHECK_STR(v.host, "192.0.2.1");
    CHECK_INT(v.port, 5070);
    CHECK_STR(v.branch, "z9hG4bK1");
    CHECK_STR(v.params, "branch=z9hG4bK1;rport;ttl=16");
    CHECK(v.has_rport && v.rport == 0);
    CHECK(!str_is_set(v.received) && !str_is_set(v.maddr));
    REQUIRE(sip_via_parse(STR("SIP/2.0/TLS h"), &v, &at) == 0);
    CHECK_INT(v.port, 0);
    CHECK(!str_is_set(v.branch) && !str_is_set(v.params) && !v.has_rport);
}

static void test_via_odd_but_right(void)
{
    struct sip_via v;
    REQUIRE(sip_via_parse(STR("SIP  /    2.0\r\n / UDP  first.example.com: 4000 ;ttl=16\r\n"
                              "\t;MADDR = 224.2.0.1 ; Branch\r\n =\r\n z9hG4bKa7c6"),
                          &v, &at) == 0);
    CHECK_STR(v.transport, "UDP");
    CHECK_STR(v.host, "first.example.com");
    CHECK_INT(v.port, 4000);
    CHECK_STR(v.maddr, "224.2.0.1");
    CHECK_STR(v.branch, "z9hG4bKa7c6");
    REQUIRE(sip_via_parse(STR("SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];"
                              "rport=9;branch=z"),
                          &v, &at) == 0);
    CHECK_STR(v.host, "[2001:db8::9:1]");
    CHECK_INT(v.port, 6050);
    CHECK_STR(v.received, "[2001:db8::9:255]");
    CHECK_INT(v.rport, 9);
    REQUIRE(sip_via_parse(STR("SIP/2.0/UDP h;received=2001:db8::9;x=\"a;b\";;"), &v, &at) == 0);
    CHECK_STR(v.received, "2001:db8::9");
    REQUIRE(sip_via_parse(STR("SIP/2.0/TCP h;branch=z9hG4bK-.!%66*_+`'~"), &v, &at) == 0);
    CHECK_STR(v.branch, "z9hG4bK-.!%66*_+`'~");
    REQUIRE(sip_via_parse(STR("sip/2.0/ws df7jal23ls0d.invalid"), &v, &at) == 0);
    CHECK_STR(v.transport, "ws");
}

struct bad {
    const char *text;
    unsigned at;
};

static void test_via_refused(void)
{
    static const struct bad rows[] = {
        {"", 0},
        {"SIP", 0},
        {"SIP/2.0", 4},
        {"SIP/2.0/", 8},
        {"SIP/2.0/UDP", 11},
        {"SIP/2.0/UDP ", 12},
        {"SIP/2.0/UDP[::1]", 11},
        {"SIP/2.0/UDP ;x", 12},
        {"SIP/2.0/UDP h:", 14},
        {"SIP/2.0/UDP h:0", 14},
        {"SIP/2.0/UDP h:65536", 14},
        {"SIP/2.0/UDP h:1x", 15},
        {"SIP/2.0/UDP h x", 14},
        {"SIP/2.0/UDP [h]", 12},
        {"SIP/2.0/UDP [::1", 12},
        {"SIP/2.0/UDP h;rport=x", 14},
        {"SIP/2.0/UDP h;rport=65536", 14},
        {"SIP/2.0/UDP h;a=\"open", 16},
        {"SIP/2.0/UDP h;=x", 14},
        {"SIP/2.0/UDP h;a=b c", 18},
        {"SIP/2.0/UDP h, SIP/2.0/UDP i", 13},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_via v;
        test_context(rows[i].text);
        CHECK_INT(sip_via_parse(str_c(rows[i].text), &v, &at), E_SYNTAX);
        CHECK_INT(at, rows[i].at);
    }
    test_context(NULL);
}

static void test_addr_forms(void)
{
    struct sip_addr a;
    REQUIRE(sip_addr_parse(STR("\"J \\\"R\\\\\" <sip:j@x;lr>\r\n ;\r\n tag = 98asjd8"), &a,
                           &at) == 0);
    CHECK_STR(a.display, "J \\\"R\\\\");
    CHECK_STR(a.uri_text, "sip:j@x;lr");
    CHECK_STR(a.uri.params, "lr");
    CHECK(a.bracketed && !a.star);
    CHECK_STR(sip_addr_tag(&a), "98asjd8");
    REQUIRE(sip_addr_parse(STR("token1~` token2'+_ token3*%!.- <sip:m@x>;fromParam''~+*_!.-%="
                               "\"\xd1\x80\";TAG=_t~1'+`*%!-."),
                           &a, &at) == 0);
    CHECK_STR(a.display, "token1~` token2'+_ token3*%!.-");
    CHECK_STR(sip_addr_tag(&a), "_t~1'+`*%!-.");
    REQUIRE(sip_addr_parse(STR("sip:a@b;tag=1"), &a, &at) == 0);
    CHECK(!a.bracketed && !str_is_set(a.display));
    CHECK_STR(a.uri_text, "sip:a@b");
    CHECK(!str_is_set(a.uri.params));
    CHECK_STR(sip_addr_tag(&a), "1");
    REQUIRE(sip_addr_parse(STR("<sip:a@b;tag=uri>"), &a, &at) == 0);
    CHECK(!str_is_set(sip_addr_tag(&a)));
    CHECK(!str_is_set(a.display));
    REQUIRE(sip_addr_parse(STR("\"\"<sip:a@b>"), &a, &at) == 0);
    CHECK(str_is_set(a.display) && a.display.n == 0);
    REQUIRE(sip_addr_parse(STR("J\xc3\xbcrgen <sip:a@b>;x;y=\"a;tag=2\""), &a, &at) == 0);
    CHECK_STR(a.display, "J\xc3\xbcrgen");
    CHECK(!str_is_set(sip_addr_tag(&a)));
    REQUIRE(sip_addr_parse(STR(" * "), &a, &at) == 0);
    CHECK(a.star);
    REQUIRE(sip_addr_parse(STR("* <sip:a@b>"), &a, &at) == 0); /* '*' is a token */
    CHECK(!a.star);
    REQUIRE(sip_addr_parse(STR("<tel:+1-2>;q=0.5;+sip.instance=\"<urn:uuid:1>\""), &a, &at) ==
            0);
    CHECK_INT(a.uri.scheme, SIP_SCHEME_TEL);
    REQUIRE(sip_addr_parse(STR("<sip:a@b?Replaces=x%3Bto-tag%3D1>"), &a, &at) == 0);
    CHECK_STR(a.uri.headers, "Replaces=x%3Bto-tag%3D1");
}

static void test_addr_refused(void)
{
    static const struct bad rows[] = {
        {"", 0},
        {"  ", 0},
        {"<sip:a@b", 0},
        {"\"a <sip:a@b>", 0},
        {"\"a\" sip:a@b", 4},
        {"a, b <sip:a@b>", 1},
        {"< sip:a@b >", 1},
        {"<sip:a b@c>", 6},
        {"<>", 1},
        {"sip:a@b?c=d", 7},
        {"sip:a@b, sip:c@d", 7},
        {"<sip:a@b>x", 9},
        {"<sip:a@b>;x=\"open", 12},
        {"<sip:a@b>;=x", 10},
        {"sip:a@b x", 8},
        {"*;x", 0},
        {"me@example.com", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_addr a;
        test_context(rows[i].text);
        CHECK_INT(sip_addr_parse(str_c(rows[i].text), &a, &at), E_SYNTAX);
        CHECK_INT(at, rows[i].at);
    }
    test_context(NULL);
}

static void test_cseq_and_rack(void)
{
    struct sip_cseq c;
    REQUIRE(sip_cseq_parse(STR("0009\r\n  INVITE"), &c, &at) == 0);
    CHECK_INT(c.number, 9);
    CHECK_INT(c.method_id, SIP_METHOD_INVITE);
    REQUIRE(sip_cseq_parse(STR("2147483647 x.y"), &c, &at) == 0);
    CHECK_STR(c.method, "x.y");
    CHECK_INT(c.method_id, SIP_METHOD_OTHER);
    CHECK_INT(sip_cseq_parse(STR("2147483648 INVITE"), &c, &at), E_VALUE);
    CHECK_INT(sip_cseq_parse(STR("36893488147419103232 INVITE"), &c, &at), E_VALUE);
    CHECK_INT(sip_cseq_parse(STR("-1 INVITE"), &c, &at), E_SYNTAX);
    CHECK_INT(sip_cseq_parse(STR("1"), &c, &at), E_SYNTAX);
    CHECK_INT(sip_cseq_parse(STR("1INVITE"), &c, &at), E_SYNTAX);
    CHECK_INT(sip_cseq_parse(STR("1 INVITE x"), &c, &at), E_SYNTAX);
    CHECK_INT(at, 8);
    CHECK_INT(sip_cseq_parse(STR("INVITE 1"), &c, &at), E_SYNTAX);
    CHECK_INT(sip_cseq_parse(STR(""), &c, &at), E_SYNTAX);
    struct sip_rack r;
    REQUIRE(sip_rack_parse(STR("776656 1 INVITE"), &r, &at) == 0);
    CHECK_INT(r.rseq, 776656);
    CHECK_INT(r.cseq.number, 1);
    CHECK_INT(r.cseq.method_id, SIP_METHOD_INVITE);
    REQUIRE(sip_rack_parse(STR("4294967295 1 X"), &r, &at) == 0);
    CHECK_INT(sip_rack_parse(STR("4294967296 1 X"), &r, &at), E_VALUE);
    CHECK_INT(sip_rack_parse(STR("1 INVITE"), &r, &at), E_SYNTAX);
    CHECK_INT(at, 2);
    CHECK_INT(sip_rack_parse(STR("1"), &r, &at), E_SYNTAX);
}

static void test_numbers(void)
{
    uint32_t n = 77;
    struct str params;
    CHECK_INT(sip_number_parse(STR("3600"), &n, &params), 0);
    CHECK_INT(n, 3600);
    CHECK(!str_is_set(params));
    CHECK_INT(sip_number_parse(STR("18000 ;duration=3600"), &n, &params), 0);
    CHECK_STR(params, "duration=3600");
    CHECK_INT(sip_number_parse(STR("120 (I'm (very) busy \\) x);a"), &n, &params), 0);
    CHECK_INT(n, 120);
    CHECK_STR(params, "a");
    n = 77;
    CHECK_INT(sip_number_parse(STR("120 (open"), &n, &params), E_SYNTAX);
    CHECK_INT(sip_number_parse(STR("120 x"), &n, &params), E_SYNTAX);
    CHECK_INT(sip_number_parse(STR("x"), &n, &params), E_SYNTAX);
    CHECK_INT(sip_number_parse(STR(""), &n, &params), E_SYNTAX);
    CHECK_INT(sip_number_parse(STR("4294967296"), &n, &params), E_VALUE);
    CHECK_INT(sip_number_parse(STR("1000000000000000000000000000"), &n, &params), E_VALUE);
    CHECK_INT(n, 77);
    CHECK_INT(sip_number_parse(STR("4294967295"), &n, &params), 0);
    CHECK_INT(n, 4294967295U);
    struct sip_session_expires s;
    CHECK_INT(sip_session_expires_parse(STR("4000 ; refresher = UAC ;x"), &s), 0);
    CHECK_INT(s.seconds, 4000);
    CHECK_INT(s.refresher, SIP_REFRESHER_UAC);
    CHECK_INT(sip_session_expires_parse(STR("90;refresher=uas"), &s), 0);
    CHECK_INT(s.refresher, SIP_REFRESHER_UAS);
    CHECK_INT(sip_session_expires_parse(STR("90"), &s), 0);
    CHECK_INT(s.refresher, SIP_REFRESHER_NONE);
    CHECK_INT(sip_session_expires_parse(STR("90;refresher=me"), &s), E_SYNTAX);
    CHECK_INT(sip_session_expires_parse(STR("x"), &s), E_SYNTAX);
}

static void test_media(void)
{
    struct sip_media m;
    CHECK_INT(sip_media_parse(STR("Application / SDP ; charset=utf-8"), &m), 0);
    CHECK(sip_media_is(&m, STR("application"), STR("sdp")));
    CHECK(!sip_media_is(&m, STR("application"), STR("sd")));
    CHECK_STR(str_trim(m.params), "charset=utf-8");
    CHECK_INT(sip_media_parse(STR("*/*;q=0.1"), &m), 0);
    CHECK_INT(sip_media_parse(STR("text"), &m), E_SYNTAX);
    CHECK_INT(sip_media_parse(STR("text/"), &m), E_SYNTAX);
    CHECK_INT(sip_media_parse(STR("/x"), &m), E_SYNTAX);
    CHECK_INT(sip_media_parse(STR("a/b c"), &m), E_SYNTAX);
    CHECK_INT(sip_media_parse(STR(""), &m), E_SYNTAX);
}

static void test_credentials(void)
{
    struct sip_credentials c;
    struct str k;
    struct str v;
    REQUIRE(sip_credentials_parse(
                STR("Digest realm=\"a, \\\"b\\\"\",\r\n nonce = \"\" , qop=auth,x"), &c) == 0);
    CHECK_STR(c.scheme, "Digest");
    struct str rest = c.params;
    CHECK(sip_credentials_next(&rest, &k, &v));
    CHECK_STR(k, "realm");
    CHECK_STR(v, "a, \\\"b\\\"");
    CHECK(sip_credentials_next(&rest, &k, &v));
    CHECK_STR(k, "nonce");
    CHECK(str_is_set(v) && v.n == 0);
    CHECK(sip_credentials_next(&rest, &k, &v));
    CHECK_STR(k, "qop");
    CHECK_STR(v, "auth");
    CHECK(!sip_credentials_next(&rest, &k, &v));
    CHECK_INT(sip_credentials_parse(STR("NoOneKnowsThisScheme opaque-data=here"), &c), 0);
    CHECK_INT(sip_credentials_parse(STR("Digest"), &c), 0);
    CHECK_INT(c.params.n, 0);
    CHECK_INT(sip_credentials_parse(STR("=x"), &c), E_SYNTAX);
    CHECK_INT(sip_credentials_parse(STR(""), &c), E_SYNTAX);
}

static void test_replaces(void)
{
    struct sip_replaces r;
    REQUIRE(sip_replaces_parse(STR("98732@sip.example.com\r\n ;from-tag=r33th4x0r\r\n"
                                   " ;to-tag=ff87ff;Early-Only"),
                               &r) == 0);
    CHECK_STR(r.call_id, "98732@sip.example.com");
    CHECK_STR(r.to_tag, "ff87ff");
    CHECK_STR(r.from_tag, "r33th4x0r");
    CHECK(r.early_only);
    REQUIRE(sip_replaces_parse(STR("x;to-tag=0;from-tag=1;y=z"), &r) == 0);
    CHECK(!r.early_only);
    REQUIRE(sip_replaces_parse(STR("x;local-tag=kkaz;remote-tag=6544"), &r) == 0);
    CHECK_STR(r.to_tag, "6544"); /* RFC 4538 */
    CHECK_STR(r.from_tag, "kkaz");
    CHECK_INT(sip_replaces_parse(STR("x;to-tag=0"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR("x;from-tag=0"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR("x;to-tag=0;to-tag=0;from-tag=1"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR("x;to-tag=;from-tag=1"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR("x@;to-tag=1;from-tag=1"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR("x y;to-tag=1;from-tag=1"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR(";to-tag=1;from-tag=1"), &r), E_SYNTAX);
    CHECK_INT(sip_replaces_parse(STR(""), &r), E_SYNTAX);
}

static void test_quoting(void)
{
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    sip_quote(&o, STR("a \"b\" \\c"));
    CHECK_STR(out_str_of(&o), "\"a \\\"b\\\" \\\\c\"");
    char back[64];
    struct out p;
    out_init(&p, back, sizeof(back));
    sip_unquote(&p, out_str_of(&o));
    CHECK_STR(out_str_of(&p), "a \"b\" \\c");
    out_init(&p, back, sizeof(back));
    sip_unquote(&p, STR("plain\\"));
    sip_unquote(&p, STR("\""));
    sip_unquote(&p, STR("\"\""));
    sip_unquote(&p, STR("\"x\\\""));
    CHECK_STR(out_str_of(&p), "plain\\\"x\\");
}

static void test_heads(void)
{
    struct str params;
    CHECK_STR(sip_value_head(STR(" refer ; id=7;x"), &params), "refer");
    CHECK_STR(params, " id=7;x");
    CHECK_STR(sip_value_head(STR("presence"), &params), "presence");
    CHECK(!str_is_set(params));
    CHECK_STR(sip_value_head(STR(";id=7"), NULL), "");
}

static void test_q(void)
{
    static const struct {
        const char *text;
        int milli; /* -1: no qvalue */
    } row[] = {{"0", 0},      {"1", 1000},    {"1.", 1000}, {"1.000", 1000}, {"0.5", 500},
               {"0.25", 250}, {"0.123", 123}, {"", -1},     {"0.1234", -1},  {"1.001", -1},
               {"2", -1},     {"05", -1},     {".5", -1},   {"0.x", -1},     {"0,5", -1}};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        uint16_t milli = 7;
        struct str text = test_guard(str_c(row[i].text));
        CHECK_INT(sip_q_parse(text, &milli), row[i].milli >= 0);
        CHECK_INT(milli, row[i].milli >= 0 ? row[i].milli : 7);
        test_guard_free(text);
    }
}

static void test_shorthands(void)
{
    struct sip_parsed p;
    struct sip_via via;
    struct sip_cseq cseq;
    struct sip_addr a;
    uint32_t n;
    REQUIRE(
        sip_test_index(
            &p, STR("INVITE sip:b@h SIP/2.0\r\nVia: \r\nVia: , SIP/2.0/UDP a;branch=1, x\r\n"
                    "CSeq: 3 INVITE\r\nContact: <sip:x,y@h>, <sip:z@h>\r\n"
                    "From: \";tag=no\" <sip:a@h;tag=no>;x=\"tag=no\";tag=yes\r\n"
                    "To: sip:b@h;tag=t2\r\nc: application/sdp;a=b\r\nExpires: 60\r\n"
                    "Max-Forwards: x\r\n\r\n")) == 0);
    CHECK_INT(sip_msg_via(&p.m, &via), 0);
    CHECK_STR(via.branch, "1");
    CHECK_INT(sip_msg_cseq(&p.m, &cseq), 0);
    CHECK_INT(cseq.number, 3);
    CHECK_INT(sip_msg_addr(&p.m, SIP_HDR_CONTACT, &a), 0);
    CHECK_STR(a.uri.user, "x,y");
    CHECK_STR(sip_msg_tag(&p.m, SIP_HDR_FROM), "yes");
    CHECK_STR(sip_msg_tag(&p.m, SIP_HDR_TO), "t2");
    CHECK(sip_msg_content_is(&p.m, STR("application"), STR("sdp")));
    CHECK(!sip_msg_content_is(&p.m, STR("application"), STR("xml")));
    CHECK_INT(sip_msg_number(&p.m, SIP_HDR_EXPIRES, &n), 0);
    CHECK_INT(n, 60);
    CHECK_INT(sip_msg_number(&p.m, SIP_HDR_MAX_FORWARDS, &n), E_SYNTAX);
    CHECK_INT(sip_msg_number(&p.m, SIP_HDR_MIN_SE, &n), E_NOTFOUND);
    CHECK_INT(sip_msg_addr(&p.m, SIP_HDR_ROUTE, &a), E_NOTFOUND);
    REQUIRE(sip_test_index(&p, STR("INVITE sip:b@h SIP/2.0\r\nCSeq: 99999999999 INVITE\r\n"
                                   "From: \"open;tag=1\r\nTo: <open;tag=1\r\n\r\n")) == 0);
    CHECK_INT(sip_msg_via(&p.m, &via), E_NOTFOUND);
    CHECK_INT(sip_msg_cseq(&p.m, &cseq), E_SYNTAX);
    CHECK(!str_is_set(sip_msg_tag(&p.m, SIP_HDR_FROM)));
    CHECK(!str_is_set(sip_msg_tag(&p.m, SIP_HDR_TO)));
    CHECK(!str_is_set(sip_msg_tag(&p.m, SIP_HDR_ROUTE)));
    CHECK(!sip_msg_content_is(&p.m, STR("a"), STR("b")));
}

/* All views over one text; for the guard page. @return how many accepted it */
static int view_all(struct str s)
{
    struct sip_via via;
    struct sip_addr addr;
    struct sip_cseq cseq;
    struct sip_rack rack;
    struct sip_session_expires se;
    struct sip_media media;
    struct sip_credentials cred;
    struct sip_replaces rep;
    struct str params;
    struct str k;
    struct str v;
    uint32_t n;
    uint32_t where = 0;
    int ok = sip_via_parse(s, &via, &where) == 0;
    CHECK(where <= s.n);
    ok += sip_addr_parse(s, &addr, &where) == 0;
    CHECK(where <= s.n);
    ok += (int)(sip_addr_tag(&addr).n > s.n);
    ok += sip_cseq_parse(s, &cseq, &where) == 0;
    CHECK(where <= s.n);
    ok += sip_rack_parse(s, &rack, &where) == 0;
    CHECK(where <= s.n);
    ok += sip_number_parse(s, &n, &params) == 0;
    ok += sip_session_expires_parse(s, &se) == 0;
    ok += sip_media_parse(s, &media) == 0;
    ok += sip_replaces_parse(s, &rep) == 0;
    if (sip_credentials_parse(s, &cred) == 0) {
        while (sip_credentials_next(&cred.params, &k, &v)) {
            CHECK(k.n + v.n <= s.n);
        }
    }
    return ok;
}

static void test_guarded(void)
{
    static const char *const texts[] = {
        "SIP / 2.0 / UDP [2001:db8::1]:5060 ;branch=z9hG4bK\"a\\\"b\";rport=5",
        "\"A \\\"B\\\" C\" <sips:a%20b:c@[::1]:5061;lr?x=y>;tag=\"1\\\"\";q=0.7",
        "token <sip:h> ; tag = 1",
        "776656 12 INVITE",
        "3600 (a (nested) one) ;refresher=uac",
        "application/sdp;a=\"b\"",
        "Digest realm=\"a,b\", nonce=\"\\\"\"",
        "call@id;to-tag=1;from-tag=2;early-only",
    };
    static const char with[] = "\0\r\n \"%(),:;<=>@[\\]a0\xff";
    int accepted = 0;
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        struct str text = str_c(texts[t]);
        for (size_t n = 0; n <= text.n; n++) {
            struct str g = test_guard(str_upto(text, n));
            accepted += view_all(g);
            for (size_t i = n == text.n ? 0 : n - (n > 0); i < n; i++) {
                char *p = (char *)(uintptr_t)g.p + i;
                char old = *p;
                for (size_t k = 0; k < sizeof(with) - 1; k++) {
                    *p = with[k];
                    accepted += view_all(g);
                }
                *p = old;
            }
            test_guard_free(g);
        }
    }
    CHECK(accepted > 100);
}

TEST_MAIN(T(test_via_plain), T(test_via_odd_but_right), T(test_via_refused), T(test_addr_forms),
          T(test_addr_refused), T(test_cseq_and_rack), T(test_numbers), T(test_media),
          T(test_credentials), T(test_replaces), T(test_quoting), T(test_heads), T(test_q),
          T(test_shorthands), T(test_guarded))
