/* SPDX-License-Identifier: Apache-2.0 */
/* All elements of a message: cutting, the count rules, embedded URIs, the SIP message. */
#include "base/err.h"
#include "sip/uri.h"
#include "test.h"
#include "uui/message.h"
#include "uui/uui.h"
#include <stdio.h>

static struct arena arena;

static void begin(void)
{
    arena_init(&arena, &mem_libc, 4096);
}

static void end(void)
{
    arena_fini(&arena);
}

/** Rules of all elements as one text: "NONE PACKAGE". */
static struct str rules_of(const struct uui_list *l)
{
    struct str s = STR("");
    for (size_t i = 0; i < l->n; i++) {
        s = arena_fmt(&arena, "%.*s%s%s", STR_ARG(s), i > 0 ? " " : "",
                      uui_rule_name(l->v[i].rule));
    }
    return s;
}

static struct uui_list list_of(const char *first, const char *second)
{
    struct str lines[2] = {str_c(first), str_c(second)};
    struct uui_list l;
    CHECK_INT(uui_list_parse(lines, second ? 2 : 1, NULL, &arena, &l), 0);
    return l;
}

static void test_lines_and_commas_are_one_list(void)
{
    begin();
    struct uui_list l =
        list_of("0a0b;purpose=pk1, 04C8;x=\"a,b\" ,\"c,d\";purpose=pk2", "99;purpose=pk3");
    CHECK_INT(l.n, 4);
    CHECK_STR(rules_of(&l), "PACKAGE NONE PACKAGE PACKAGE");
    CHECK(l.isdn == &l.v[1]);
    CHECK_INT(l.isdn_seen, 1);
    CHECK_STR(l.v[1].text, "04C8;x=\"a,b\"");
    CHECK_STR(l.v[2].octets, "c,d");
    end();
}

static void test_empty_elements_do_not_vanish(void)
{
    begin();
    struct uui_list l = list_of("0448,", NULL);
    CHECK_STR(rules_of(&l), "NONE EMPTY");
    CHECK(l.isdn == &l.v[0]);
    l = list_of("", NULL);
    CHECK_STR(rules_of(&l), "EMPTY");
    l = list_of(",,", NULL);
    CHECK_STR(rules_of(&l), "EMPTY EMPTY EMPTY");
    l = list_of("\"open, 0448", "0448");
    CHECK_STR(rules_of(&l), "QUOTE_OPEN NONE");
    struct uui_list none;
    CHECK_INT(uui_list_parse(NULL, 0, NULL, &arena, &none), 0);
    CHECK_INT(none.n, 0);
    end();
}

static void test_two_isdn_values_discard_all(void)
{
    begin();
    struct uui_list l = list_of("0448;encoding=hex, 0449;purpose=isdn-uui", "05;purpose=pk1");
    CHECK_STR(rules_of(&l), "MANY MANY PACKAGE");
    CHECK(l.isdn == NULL);
    CHECK_INT(l.isdn_seen, 2);
    CHECK_INT(l.v[0].verdict, UUI_IGNORED);
    CHECK_BYTES(l.v[1].octets, STR("\x04\x49"));
    l = list_of("0448", "0448;purpose=isdn-interwork");
    CHECK_STR(rules_of(&l), "MANY MANY");
    /* One that cannot be used still makes it unclear which is meant. */
    l = list_of("0448", "04G8");
    CHECK_STR(rules_of(&l), "MANY HEX_CHAR");
    l = list_of("0448", "eyJ;encoding=jwt");
    CHECK_STR(rules_of(&l), "MANY ENCODING");
    /* One whose package cannot be told does not. */
    l = list_of("0448", "04 48");
    CHECK_STR(rules_of(&l), "NONE CHAR");
    l = list_of("0448", "0449;purpose=\"isdn-uui\"");
    CHECK_STR(rules_of(&l), "NONE PURPOSE_FORM");
    end();
}

static void test_count_of_own_packages(void)
{
    static const struct uui_package rows[] = {
        {.name = STR_INIT("two"), .max_count = 2},
        {.name = STR_INIT("any")},
    };
    const struct uui_packages known = {.row = rows, .n = 2};
    struct uui_list l;
    begin();
    const struct str fits[] = {STR("01;purpose=two,02;purpose=TWO"),
                               STR("1A;purpose=any,1B;purpose=any,1C;purpose=any")};
    CHECK_INT(uui_list_parse(fits, 2, &known, &arena, &l), 0);
    CHECK_STR(rules_of(&l), "NONE NONE NONE NONE NONE");
    const struct str more[] = {STR("01;purpose=two,02;purpose=Two,03;purpose=two,04")};
    CHECK_INT(uui_list_parse(more, 1, &known, &arena, &l), 0);
    CHECK_STR(rules_of(&l), "MANY MANY MANY NONE");
    CHECK(l.isdn == &l.v[3]);
    end();
}

/* A row of isdn-uui that leaves things out, or allows more, is RFC 7434's; `loose` means it. */
static void test_rows_of_isdn(void)
{
    static const struct str two[] = {STR_INIT("isdn-uui"), STR_INIT("x")};
    static const struct str text[] = {STR_INIT("hex"), STR_INIT("text")};
    static const struct uui_package empty = {.name = STR_INIT("ISDN-uui")};
    static const struct uui_package more = {.name = STR_INIT("isdn-uui"),
                                            .contents = two,
                                            .content_n = 2,
                                            .encodings = text,
                                            .encoding_n = 2,
                                            .max_count = 2};
    struct uui_package loose = more, bare = empty;
    loose.loose = bare.loose = true;
    static const struct {
        const char *line, *strict, *loose;
    } cases[] = {
        {"0448;content=isdn-uui;encoding=hex", "NONE", "NONE"},
        {"0448;content=x", "CONTENT", "NONE"},
        {"0448;content=y", "CONTENT", "CONTENT"},
        {"0448;encoding=text", "ENCODING", "NONE"},
        {"0448;encoding=jwt", "ENCODING", "ENCODING"},
        {"0448, 0449", "MANY MANY", "NONE NONE"},
        {"0448, 0449, 04", "MANY MANY MANY", "MANY MANY MANY"},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct uui_package *const row[] = {&empty, &more, &bare, &loose};
        for (size_t k = 0; k < ARRAY_LEN(row); k++) {
            const struct uui_packages known = {row[k], 1, false};
            struct str line = str_c(cases[i].line);
            struct uui_list l;
            test_context(cases[i].line);
            CHECK_INT(uui_list_parse(&line, 1, &known, &arena, &l), 0);
            CHECK_STR(rules_of(&l), k == 3 ? cases[i].loose : cases[i].strict);
        }
    }
    test_context(NULL);
    const struct uui_packages known = {&loose, 1, false};
    struct str line = STR("0448, 0449");
    struct uui_list l;
    CHECK_INT(uui_list_parse(&line, 1, &known, &arena, &l), 0);
    CHECK(l.isdn == &l.v[0]);
    end();
}

static void test_limit_of_values(void)
{
    char text[UUI_VALUES_MAX + 1];
    struct str lines[UUI_VALUES_MAX + 1];
    struct uui_list l;
    begin();
    memset(text, ',', sizeof(text));
    struct str line = {text, UUI_VALUES_MAX - 1};
    CHECK_INT(uui_list_parse(&line, 1, NULL, &arena, &l), 0);
    CHECK_INT(l.n, UUI_VALUES_MAX);
    line.n++;
    CHECK_INT(uui_list_parse(&line, 1, NULL, &arena, &l), E_TOOMANY);
    CHECK_INT(l.n, 0);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        lines[i] = STR("00");
    }
    CHECK_INT(uui_list_parse(lines, UUI_VALUES_MAX, NULL, &arena, &l), 0);
    CHECK_INT(uui_list_parse(lines, UUI_VALUES_MAX + 1, NULL, &arena, &l), E_TOOMANY);
    end();
}

struct uri_case {
    const char *address, *rules, *text;
};

static void test_embedded_in_uris(void)
{
    static const struct uri_case cases[] = {
        {"<sip:a@h?User-to-User=56a390%3Bencoding%3Dhex%3Bpurpose%3Dfoo>;x=?User-to-User=00",
         "PACKAGE", "56a390;encoding=hex;purpose=foo"},
        {"\"a <b> ?\\\" c\" <sip:a@h;lr?X=1&user-TO-user=%220448%22%3bencoding%3dhex&Y=2>",
         "NONE", "\"0448\";encoding=hex"},
        {"sip:a?b@h?%55ser-to-User=0448", "NONE", "0448"},
        {"<sip:h?User-to-User=0448&User-to-User=0a0b%3Bpurpose%3Dpk1>", "NONE PACKAGE", "0448"},
        {"<sip:h?User-to-User=0448&User-to-User=0449>", "MANY MANY", "0448"},
        {"<sip:h?User-to-User=0448%2C04%3Bpurpose%3Dx>", "NONE PACKAGE", "0448"},
        {"<sip:h?User-to-User=>", "EMPTY", ""},
        {"<sip:h?User-to-User=0448%253Bencoding%253Dhex>", "ESCAPED", "0448%3Bencoding%3Dhex"},
        {"<sip:h?User-to-User=0054;encoding=hex>", "URI_CHAR",
         "User-to-User=0054;encoding=hex"},
        {"<sip:h?User-to-User=00%3bx=1>", "URI_CHAR", "User-to-User=00%3bx=1"},
        {"<sip:h?User-to-User%3D0054%3Bencoding%3Dhex>", "URI_EQUALS",
         "User-to-User%3D0054%3Bencoding%3Dhex"},
        {"<sip:h?User-to-User>", "URI_EQUALS", "User-to-User"},
        {"<sip:h?User-to-User=04%4>", "URI_ESCAPE", "User-to-User=04%4"},
        {"<sip:h?User-to-User=04%4G>", "URI_ESCAPE", "User-to-User=04%4G"},
        {"<sip:h?User-to-User=04%0D%0A X:>", "URI_ESCAPE", "User-to-User=04%0D%0A X:"},
        {"<sip:h?User-to-User=04%00>", "URI_ESCAPE", "User-to-User=04%00"},
        {"<sip:h?User-to-User-X=04&X-User-to-User=05>", "", NULL},
        {"<sip:h;uui=04>", "", NULL},
        {"", "", NULL},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uui_list l;
        test_context(cases[i].address);
        struct str headers = uui_uri_headers(str_c(cases[i].address));
        CHECK_INT(uui_list_parse_uri(headers, NULL, &arena, &l), 0);
        CHECK_STR(rules_of(&l), cases[i].rules);
        if (cases[i].text && l.n > 0) {
            CHECK_STR(l.v[0].text, cases[i].text);
        }
    }
    test_context(NULL);
    struct uui_list l;
    CHECK_INT(uui_list_parse_uri(STR("a=b&User-to-User=04;e"), NULL, &arena, &l), 0);
    CHECK_INT(l.v[0].at, 15);
    CHECK_INT(uui_list_parse_uri(STR("User-to-User%3d04"), NULL, &arena, &l), 0);
    CHECK_INT(l.v[0].at, 12);
    end();
}

static void test_too_many_in_a_uri(void)
{
    char text[16 * (UUI_VALUES_MAX + 1)];
    struct out o;
    struct uui_list l;
    begin();
    out_init(&o, text, sizeof(text));
    for (int i = 0; i < UUI_VALUES_MAX; i++) {
        out_c(&o, "User-to-User=0&");
    }
    CHECK_INT(uui_list_parse_uri(out_str_of(&o), NULL, &arena, &l), 0);
    CHECK_INT(l.n, UUI_VALUES_MAX);
    out_c(&o, "User-to-User=0");
    CHECK_INT(uui_list_parse_uri(out_str_of(&o), NULL, &arena, &l), E_TOOMANY);
    CHECK_INT(uui_list_parse_uri(STR("User-to-User=0,"), NULL, &arena, &l), 0);
    CHECK_STR(rules_of(&l), "URI_CHAR");
    end();
}

static void test_escaping_round_trip(void)
{
    char all[253], escaped[3 * sizeof(all)], back[sizeof(all)];
    struct out o;
    for (size_t n = 0, c = 1; c < 256; c++) {
        if (c != '\r' && c != '\n') {
            all[n++] = (char)c;
        }
    }
    out_init(&o, escaped, sizeof(escaped));
    sip_escape_header(&o, str_make(all, sizeof(all)));
    CHECK(!o.over);
    struct uui_embedded e = {.value = out_str_of(&o)};
    CHECK_BYTES(str_make(back, uui_unescape(&e, back)), str_make(all, sizeof(all)));
    out_init(&o, escaped, sizeof(escaped));
    sip_escape_header(&o, STR("0448;encoding=hex, \"x\"&<y>@+%"));
    CHECK_STR(out_str_of(&o), "0448%3Bencoding%3Dhex%2C%20%22x%22%26%3Cy%3E%40+%25");
}

static void test_values_of_a_message(void)
{
    static const char text[] = "INVITE sip:a@h SIP/2.0\r\n"
                               "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                               "User-to-User: 0A;purpose=x,\r\n"
                               " 0448;encoding=hex\r\n"
                               "From: <sip:b@h>;tag=1\r\n"
                               "X-User-to-User: 0449\r\n"
                               "user-to-user: zz;purpose=y\r\n"
                               "Content-Length: 0\r\n\r\n";
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct uui_list l;
    begin();
    REQUIRE(sip_msg_index(&m, str_c(text), true, &sip_limits_default, &fault) == 0);
    CHECK_INT(uui_list_of_msg(&m, NULL, &arena, &l), 0);
    CHECK_STR(rules_of(&l), "PACKAGE NONE PACKAGE");
    CHECK_STR(l.isdn->text, "0448;encoding=hex");
    CHECK(l.isdn->text.p > text && l.isdn->text.p < text + sizeof(text));
    end();
}

TEST_MAIN(T(test_lines_and_commas_are_one_list), T(test_empty_elements_do_not_vanish),
          T(test_two_isdn_values_discard_all), T(test_count_of_own_packages),
          T(test_rows_of_isdn), T(test_limit_of_values), T(test_embedded_in_uris),
          T(test_too_many_in_a_uri), T(test_escaping_round_trip), T(test_values_of_a_message))
