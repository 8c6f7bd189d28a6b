/* SPDX-License-Identifier: Apache-2.0 */
/* Writing elements, reading back what was written, and the public interface over both. */
#include "base/err.h"
#include "baton/uui.h"
#include "sip/uri.h"
#include "test.h"
#include "uui/uui.h"
#include <stdio.h>
#include <stdlib.h>

struct request {
    const char *octets;
    struct uui_format f;
    const char *want; /* NULL: refused */
    uint8_t why;
};

static const struct request requests[] = {
    {"\x04Hi", {.has_pd = false}, "044869;encoding=hex;purpose=isdn-uui", 0},
    {"Hi", {.has_pd = true, .pd = 4}, "044869;encoding=hex;purpose=isdn-uui", 0},
    {"", {.has_pd = true, .pd = 0}, "00;encoding=hex;purpose=isdn-uui", 0},
    {"\xAB",
     {.package = STR_INIT("ISDN-uui"),
      .content = STR_INIT("isdn-uui"),
      .encoding = STR_INIT("HEX")},
     "AB;encoding=HEX;purpose=ISDN-uui;content=isdn-uui",
     0},
    {"\x01\xFF", {.package = STR_INIT("pk1")}, "01FF;encoding=hex;purpose=pk1", 0},
    {"", {.package = STR_INIT("pk1")}, "\"\";encoding=hex;purpose=pk1", 0},
    {"k-17",
     {.package = STR_INIT("crm"), .encoding = STR_INIT("text")},
     "k-17;encoding=text;purpose=crm",
     0},
    {"k=1;\"\\\xC3\xA4\t",
     {.package = STR_INIT("crm"), .encoding = STR_INIT("text")},
     "\"k=1;\\\"\\\\\xC3\xA4\t\";encoding=text;purpose=crm",
     0},
    {"",
     {.package = STR_INIT("crm"), .encoding = STR_INIT("text")},
     "\"\";encoding=text;purpose=crm",
     0},
    {"", {.has_pd = false}, NULL, UUI_R_NO_PD},
    {"x", {.package = STR_INIT("a b")}, NULL, UUI_R_PURPOSE_FORM},
    {"x", {.package = STR_INIT("")}, NULL, UUI_R_PURPOSE_FORM},
    {"x", {.package = STR_INIT("p"), .content = STR_INIT("c;d")}, NULL, UUI_R_CONTENT_FORM},
    {"x",
     {.package = STR_INIT("p"), .encoding = STR_INIT("\"hex\"")},
     NULL,
     UUI_R_ENCODING_FORM},
    {"x", {.package = STR_INIT("isdn-interwork")}, NULL, UUI_R_PACKAGE},
    {"x", {.content = STR_INIT("other")}, NULL, UUI_R_CONTENT},
    {"x", {.encoding = STR_INIT("text")}, NULL, UUI_R_ENCODING},
    {"x",
     {.package = STR_INIT("p"), .encoding = STR_INIT("text"), .has_pd = true},
     NULL,
     UUI_R_ENCODING},
    {"a\nb", {.package = STR_INIT("p"), .encoding = STR_INIT("text")}, NULL, UUI_R_QUOTE_CHAR},
    {"a\x80", {.package = STR_INIT("p"), .encoding = STR_INIT("text")}, NULL, UUI_R_QUOTE_CHAR},
};

static void test_write_and_refuse(void)
{
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        const struct request *r = &requests[i];
        char buf[128], small[128];
        struct out o;
        enum uui_rule why = UUI_R_NONE;
        test_context(r->want ? r->want : r->octets);
        out_init(&o, buf, sizeof(buf));
        int err = uui_write(&o, str_c(r->octets), &r->f, &why);
        CHECK_INT(err, r->want ? 0 : E_VALUE);
        CHECK_INT(why, r->why);
        CHECK_STR(out_str_of(&o), r->want ? r->want : "");
        for (size_t cap = 0; r->want && cap < o.n; cap++) {
            struct out s;
            out_init(&s, small, cap);
            CHECK_INT(uui_write(&s, str_c(r->octets), &r->f, NULL), E_SPACE);
            CHECK_INT(s.need, o.n);
        }
    }
    test_context(NULL);
}

/** Write, read back through the list and through a URI, compare. */
static void round_trip(struct arena *a, struct str octets)
{
    static const struct uui_format isdn = {0};
    char buf[512], escaped[1024];
    struct out o, e;
    struct uui_list l;
    out_init(&o, buf, sizeof(buf));
    REQUIRE(uui_write(&o, octets, &isdn, NULL) == 0);
    struct str line = out_str_of(&o);
    REQUIRE(uui_list_parse(&line, 1, NULL, a, &l) == 0 && l.n == 1);
    CHECK(l.isdn == &l.v[0]);
    CHECK_BYTES(l.v[0].octets, octets);
    CHECK_INT(uui_discriminator(&l.v[0]), (unsigned char)octets.p[0]);
    CHECK_INT(l.v[0].notes, octets.n > 129 ? UUI_NOTE_LONG : 0);
    out_init(&e, escaped, sizeof(escaped));
    out_c(&e, "User-to-User=");
    sip_escape_header(&e, line);
    REQUIRE(uui_list_parse_uri(out_str_of(&e), NULL, a, &l) == 0 && l.n == 1);
    CHECK_BYTES(l.v[0].octets, octets);
}

static void test_round_trip_of_all_lengths_and_discriminators(void)
{
    char octets[131];
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    for (size_t n = 1; n <= 131; n++) {
        for (size_t i = 0; i < n; i++) {
            octets[i] = (char)(unsigned char)(i * 37 + n);
        }
        round_trip(&a, str_make(octets, n));
        arena_reset(&a);
    }
    for (int pd = 0; pd < 256; pd++) {
        octets[0] = (char)(unsigned char)pd;
        round_trip(&a, str_make(octets, 1));
        round_trip(&a, str_make(octets, 129));
        arena_reset(&a);
    }
    arena_fini(&a);
}

static void test_api_parse(void)
{
    static const char text[] = " 04C8;x;y=\"1\";encoding=hex;purpose=isdn-interwork ";
    unsigned char octets[sizeof(text)];
    struct baton_uui_value v;
    CHECK_INT(baton_uui_parse(text, strlen(text), octets, sizeof(octets), &v), 0);
    CHECK_INT(v.verdict, BATON_UUI_VALID);
    CHECK_INT(v.notes, BATON_UUI_NOTE_DRAFT_PURPOSE);
    CHECK_INT(v.octets_len, 2);
    CHECK(v.octets == octets && octets[0] == 4 && octets[1] == 0xC8);
    CHECK_STR(str_make(v.package, v.package_len), "isdn-uui");
    CHECK_STR(str_make(v.purpose, v.purpose_len), "isdn-interwork");
    CHECK(v.text == text + 1 && v.content == NULL);
    CHECK_INT(baton_uui_discriminator(&v), 4);
    size_t at = 0, n = 0, name_len, value_len;
    const char *name, *value;
    static const char *const names[] = {"x", "y", "encoding", "purpose"};
    while (baton_uui_param(&v, &at, &name, &name_len, &value, &value_len)) {
        REQUIRE(n < ARRAY_LEN(names));
        CHECK_STR(str_make(name, name_len), names[n]);
        CHECK_INT(value != NULL, n > 0);
        n++;
    }
    CHECK_INT(n, 4);
    struct baton_uui_value same = v;
    CHECK_INT(baton_uui_parse(text, strlen(text), octets, 1, &v), BATON_UUI_ESPACE);
    CHECK(memcmp(&same, &v, sizeof(v)) == 0);
    CHECK_INT(baton_uui_parse("0G", 2, NULL, 0, &v), 0);
    CHECK_INT(v.rule, BATON_UUI_RULE_HEX_CHAR);
    CHECK_INT(v.at, 1);
    CHECK(v.octets == NULL && baton_uui_discriminator(&v) == -1);
    CHECK_STR(str_c(baton_uui_rule_source(v.rule)), "RFC 7433 §4.2");
    CHECK_STR(str_c(baton_uui_rule_text(v.rule)), "not a hex digit");
    CHECK_STR(str_c(baton_uui_rule_name(v.rule)), "HEX_CHAR");
    CHECK_STR(str_c(baton_uui_verdict_text(v.verdict)), "wrong");
    CHECK_STR(str_c(baton_uui_discriminator_text(4)), "IA5 characters");
}

static void test_api_list(void)
{
    static const char text[] = "0448;encoding=hex,01;encoding=hex;purpose=x,0449";
    unsigned char octets[5];
    struct baton_uui_value v[3];
    size_t n = 9;
    CHECK_INT(baton_uui_parse_list(text, strlen(text), octets, 5, v, 3, &n), 0);
    CHECK_INT(n, 3);
    CHECK_INT(v[0].rule, BATON_UUI_RULE_MANY);
    CHECK_INT(v[1].rule, BATON_UUI_RULE_PACKAGE);
    CHECK_INT(v[2].rule, BATON_UUI_RULE_MANY);
    CHECK(v[2].octets == octets + 3 && octets[4] == 0x49);
    CHECK_INT(baton_uui_parse_list(text, strlen(text), octets, 4, v, 3, &n), BATON_UUI_ESPACE);
    CHECK_INT(n, 0);
    n = 9;
    CHECK_INT(baton_uui_parse_list(text, strlen(text), octets, 5, v, 2, &n),
              BATON_UUI_ETOOMANY);
    CHECK_INT(n, 0);
    CHECK_INT(baton_uui_parse_list(text, 17, octets, 5, v, 3, &n), 0);
    CHECK_INT(n, 1);
    CHECK_INT(v[0].verdict, BATON_UUI_VALID);
    CHECK_INT(baton_uui_parse_list("", 0, NULL, 0, v, 3, &n), 0);
    CHECK_INT(n, 1);
    CHECK_INT(v[0].rule, BATON_UUI_RULE_EMPTY);
}

static void test_api_encode(void)
{
    static const char want[] = "0448;encoding=hex;purpose=isdn-uui";
    char buf[64];
    size_t len = 0;
    enum baton_uui_rule why = BATON_UUI_RULE_MANY;
    CHECK_INT(baton_uui_encode("\x04H", 2, NULL, buf, sizeof(buf), &len, &why), 0);
    CHECK_STR(str_c(buf), want);
    CHECK_INT(len, strlen(want));
    CHECK_INT(why, BATON_UUI_RULE_NONE);
    for (size_t size = 0; size <= strlen(want); size++) {
        memset(buf, '#', sizeof(buf));
        CHECK_INT(baton_uui_encode("\x04H", 2, NULL, buf, size, &len, NULL), BATON_UUI_ESPACE);
        CHECK_INT(len, strlen(want));
        CHECK_INT(buf[size], '#');
        CHECK(size == 0 || buf[0] == '\0');
    }
    struct baton_uui_format f = {.package = "crm", .content = "key", .encoding = "text"};
    CHECK_INT(baton_uui_encode("a b", 3, &f, buf, sizeof(buf), NULL, NULL), 0);
    CHECK_STR(str_c(buf), "\"a b\";encoding=text;purpose=crm;content=key");
    CHECK_INT(baton_uui_encode("a\r\nb", 4, &f, buf, sizeof(buf), &len, &why),
              BATON_UUI_EVALUE);
    CHECK_INT(why, BATON_UUI_RULE_QUOTE_CHAR);
    CHECK_STR(str_c(buf), "");
    CHECK_INT(len, 0);
    struct baton_uui_format pd = {.has_pd = true, .pd = 0xFF};
    CHECK_INT(baton_uui_encode(NULL, 0, &pd, buf, sizeof(buf), NULL, NULL), 0);
    CHECK_STR(str_c(buf), "FF;encoding=hex;purpose=isdn-uui");
}

static void test_api_uri(void)
{
    static const char uri[] = "\"x\" <sip:a@h?A=1&User-to-User=0448%3Bencoding%3Dhex&"
                              "user-to-user=05%3Bpurpose%3Dx>";
    static const char bad[] = "<sip:a@h?User-to-User=04;encoding=hex>";
    char buf[128];
    size_t len = 9, at = 0;
    enum baton_uui_rule why = BATON_UUI_RULE_NONE;
    CHECK_INT(baton_uui_from_uri(uri, strlen(uri), buf, sizeof(buf), &len, NULL, NULL), 0);
    CHECK_STR(str_make(buf, len), "0448;encoding=hex, 05;purpose=x");
    CHECK_INT(baton_uui_from_uri(uri, strlen(uri), buf, 10, &len, NULL, NULL),
              BATON_UUI_ESPACE);
    CHECK_INT(len, 0);
    CHECK_INT(baton_uui_from_uri(bad, strlen(bad), buf, sizeof(buf), &len, &why, &at),
              BATON_UUI_EVALUE);
    CHECK_INT(why, BATON_UUI_RULE_URI_CHAR);
    CHECK_INT(bad[at], ';');
    CHECK_INT(baton_uui_from_uri("sip:a@h", 7, buf, sizeof(buf), &len, NULL, NULL), 0);
    CHECK_INT(len, 0);
    CHECK_INT(baton_uui_to_uri("04;x=\"", 6, buf, 15, &len), 0);
    CHECK_STR(str_c(buf), "04%3Bx%3D%22");
    CHECK_INT(baton_uui_to_uri("04;x=\"", 6, buf, 12, &len), BATON_UUI_ESPACE);
    CHECK_INT(len, 12);
}

TEST_MAIN(T(test_write_and_refuse), T(test_round_trip_of_all_lengths_and_discriminators),
          T(test_api_parse), T(test_api_list), T(test_api_encode), T(test_api_uri))
