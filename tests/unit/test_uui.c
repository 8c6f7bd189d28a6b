/* SPDX-License-Identifier: Apache-2.0 */
/* One User-to-User element: every rule with a vector of its own, and what valid ones hold. */
#include "base/err.h"
#include "test.h"
#include "uui/uui.h"
#include <stdio.h>

static struct arena arena;

static struct uui_value parse(struct str text, const struct uui_packages *known)
{
    struct uui_value v;
    CHECK_INT(uui_parse(text, known, &arena, &v), 0);
    return v;
}

static void begin(void)
{
    arena_init(&arena, &mem_libc, 4096);
}

static void end(void)
{
    arena_fini(&arena);
    test_context(NULL);
}

struct vector {
    const char *text;
    uint8_t verdict, rule;
    unsigned at;
};

static const struct vector vectors[] = {
    /* the grammar */
    {"", UUI_WRONG, UUI_R_EMPTY, 0},
    {" \t ", UUI_WRONG, UUI_R_EMPTY, 0},
    {";encoding=hex", UUI_WRONG, UUI_R_EMPTY, 0},
    {"{\"a\":1}", UUI_WRONG, UUI_R_CHAR, 0},
    {"04 48", UUI_WRONG, UUI_R_CHAR, 3},
    {"eyJhIjoiMSJ9==;encoding=base64", UUI_WRONG, UUI_R_CHAR, 12},
    {"1123|1380", UUI_WRONG, UUI_R_CHAR, 4},
    {"1@h;encoding=text", UUI_WRONG, UUI_R_CHAR, 1},
    {"0448;encoding=hex hex", UUI_WRONG, UUI_R_CHAR, 18},
    {"0448;encoding=@", UUI_WRONG, UUI_R_CHAR, 14},
    {"0448;a=[::1", UUI_WRONG, UUI_R_CHAR, 7},
    {"0448;a=[::g]", UUI_WRONG, UUI_R_CHAR, 10},
    {"04\r\n48", UUI_WRONG, UUI_R_CHAR, 2},
    {"\"unterminated;encoding=hex", UUI_WRONG, UUI_R_QUOTE_OPEN, 0},
    {"\"ab\\", UUI_WRONG, UUI_R_QUOTE_OPEN, 0},
    {"0448;a=\"x", UUI_WRONG, UUI_R_QUOTE_OPEN, 7},
    {"\"a\001b\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 2},
    {"\"a\177b\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 2},
    {"\"a\r\nb\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 2},
    {"\"a\\\nb\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 2},
    {"\"\xC3(\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 1},
    {"\"\x80\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 1},
    {"\"\xFE\x80\x80\x80\x80\x80\x80\"", UUI_WRONG, UUI_R_QUOTE_CHAR, 1},
    {"0448;", UUI_WRONG, UUI_R_PARAM_NAME, 5},
    {"0448;;a", UUI_WRONG, UUI_R_PARAM_NAME, 5},
    {"0448;=a", UUI_WRONG, UUI_R_CHAR, 5},
    {"0448;a=", UUI_WRONG, UUI_R_PARAM_VALUE, 7},
    {"0448;a= ;b", UUI_WRONG, UUI_R_PARAM_VALUE, 8},
    {"0448;encoding=hex;ENCODING=hex", UUI_WRONG, UUI_R_PARAM_TWICE, 18},
    {"0448;x=\"a;y=1\";z;y;x", UUI_WRONG, UUI_R_PARAM_TWICE, 19},
    /* parameters that have to be tokens */
    {"0448;purpose=\"isdn-uui\"", UUI_WRONG, UUI_R_PURPOSE_FORM, 13},
    {"uui-0123456789;purpose=\"abcd\"", UUI_WRONG, UUI_R_PURPOSE_FORM, 23},
    {"0448;purpose", UUI_WRONG, UUI_R_PURPOSE_FORM, 12},
    {"0448;content=\"isdn-uui\"", UUI_WRONG, UUI_R_CONTENT_FORM, 13},
    {"0448;encoding=\"hex\"", UUI_WRONG, UUI_R_ENCODING_FORM, 14},
    {"0448;encoding=[::1]", UUI_WRONG, UUI_R_ENCODING_FORM, 14},
    /* escaped and never unescaped */
    {"00C8%3Bencoding%3Dhex", UUI_WRONG, UUI_R_ESCAPED, 4},
    {"00C8%3bENCODING%3dhex", UUI_WRONG, UUI_R_ESCAPED, 4},
    {"00C8%253Bpurpose%253Dfoo", UUI_WRONG, UUI_R_ESCAPED, 4},
    {"a%20b%3Bcontent%3Dx;encoding=ascii", UUI_WRONG, UUI_R_ESCAPED, 5},
    {"00C8%3Bencoding%3", UUI_WRONG, UUI_R_HEX_CHAR, 4},
    {"00C8%3Bencodin%3Dhex", UUI_WRONG, UUI_R_HEX_CHAR, 4},
    {"\"00C8%3Bencoding%3Dhex\"", UUI_WRONG, UUI_R_HEX_CHAR, 5},
    /* hex */
    {"foobar", UUI_WRONG, UUI_R_HEX_CHAR, 1},
    {"04G8;encoding=hex", UUI_WRONG, UUI_R_HEX_CHAR, 2},
    {"\"04 8\";encoding=hex", UUI_WRONG, UUI_R_HEX_CHAR, 3},
    {"\"04\\48\";encoding=hex", UUI_WRONG, UUI_R_HEX_CHAR, 3},
    {"123456789;encoding=hex", UUI_WRONG, UUI_R_HEX_ODD, 8},
    {"abc;encoding=hex;purpose=unknown", UUI_WRONG, UUI_R_HEX_ODD, 2},
    {"sid-1;encoding=hex;purpose=unknown", UUI_WRONG, UUI_R_HEX_CHAR, 0},
    {"\"\"", UUI_WRONG, UUI_R_NO_PD, 1},
    {"\"\";encoding=hex;purpose=isdn-interwork", UUI_WRONG, UUI_R_NO_PD, 1},
    /* ignored */
    {"0448;purpose=pk1", UUI_IGNORED, UUI_R_PACKAGE, 13},
    {"\"\";encoding=hex;purpose=pk1", UUI_IGNORED, UUI_R_PACKAGE, 24},
    {"root-1;purpose=call-center", UUI_IGNORED, UUI_R_PACKAGE, 15},
    {"0448;encoding=ascii", UUI_IGNORED, UUI_R_ENCODING, 14},
    {"0448;purpose=isdn-uui;encoding=text", UUI_IGNORED, UUI_R_ENCODING, 31},
    {"0448;content=other", UUI_IGNORED, UUI_R_CONTENT, 13},
    /* valid */
    {"00", UUI_VALID, UUI_R_NONE, 0},
    {"342342ef34;encoding=hex", UUI_VALID, UUI_R_NONE, 0},
    {"\"0448656C6C6F\";encoding=hex", UUI_VALID, UUI_R_NONE, 0},
    {"0448 ; ENCODING = HeX ;\r\n Purpose = ISDN-UUI", UUI_VALID, UUI_R_NONE, 0},
    {"0448\n ;content=ISDN-uui", UUI_VALID, UUI_R_NONE, 0},
    {"0448;foo;bar=baz;q=\"x;y,z\";h=[2001:db8::1.2.3.4]", UUI_VALID, UUI_R_NONE, 0},
    {"0448;purpose=isdn-interwork", UUI_VALID, UUI_R_NONE, 0},
};

static void test_every_rule_has_its_vector(void)
{
    bool seen[UUI_R_COUNT] = {0};
    begin();
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *e = &vectors[i];
        test_context(e->text);
        struct uui_value v = parse(str_c(e->text), NULL);
        CHECK_STR(str_c(uui_rule_name(v.rule)), uui_rule_name(e->rule));
        CHECK_INT(v.verdict, e->verdict);
        CHECK_INT(v.at, e->at);
        CHECK_INT(str_is_set(v.octets), e->verdict != UUI_WRONG);
        seen[e->rule] = true;
    }
    test_context(NULL);
    /* Those of the URI, of the list, of packages and of dialects are tested apart. */
    for (int r = 0; r < UUI_R_COUNT; r++) {
        bool apart = r >= UUI_R_MANY || r == UUI_R_PARAM_COUNT ||
                     (r >= UUI_R_URI_CHAR && r <= UUI_R_URI_EQUALS);
        CHECK_INT(seen[r], !apart);
        CHECK(uui_rule_text(r)[0] != '\0');
        CHECK_INT(uui_rule_source(r)[0] == '\0', r == UUI_R_NONE);
    }
    end();
}

static void test_octets_and_parts(void)
{
    begin();
    struct uui_value v = parse(
        STR("  56a390F3D2b7310023a2;encoding=hex;purpose=foo;content=bar;x=\"1\" "), NULL);
    CHECK_BYTES(v.octets, STR("\x56\xa3\x90\xf3\xd2\xb7\x31\x00\x23\xa2"));
    CHECK_STR(v.data, "56a390F3D2b7310023a2");
    CHECK_STR(v.package, "foo");
    CHECK_STR(v.purpose, "foo");
    CHECK_STR(v.content, "bar");
    CHECK_STR(v.encoding, "hex");
    CHECK_STR(v.params, "encoding=hex;purpose=foo;content=bar;x=\"1\"");
    CHECK_INT(v.encoding_id, UUI_ENC_HEX);
    CHECK_INT(uui_discriminator(&v), -1);
    CHECK(!v.isdn && !v.quoted);

    v = parse(STR("04c8"), NULL);
    CHECK_BYTES(v.octets, STR("\x04\xc8"));
    CHECK_STR(v.package, "isdn-uui");
    CHECK(v.isdn && !str_is_set(v.purpose) && !str_is_set(v.params));
    CHECK_INT(uui_discriminator(&v), 4);

    v = parse(STR("\"04C8\" ; flag ; encoding=hex"), NULL);
    CHECK(v.quoted);
    CHECK_BYTES(v.octets, STR("\x04\xc8"));
    end();
}

static void test_text_is_unquoted(void)
{
    begin();
    struct uui_value v = parse(STR("\"a\\\"b\\\\,\xC3\xA4;c\r\n \td\";encoding=jwt"), NULL);
    CHECK_INT(v.rule, UUI_R_ENCODING);
    CHECK_INT(v.encoding_id, UUI_ENC_OTHER);
    CHECK_STR(v.octets, "a\"b\\,\xC3\xA4;c d");
    v = parse(STR("a%20b;purpose=x"), NULL);
    CHECK_STR(v.octets, "a%20b");
    end();
}

static void test_draft_purpose_and_length_are_noted(void)
{
    char text[2 * 131];
    begin();
    struct uui_value v = parse(STR("0448;purpose=ISDN-Interwork;encoding=hex"), NULL);
    CHECK_INT(v.verdict, UUI_VALID);
    CHECK_INT(v.notes, UUI_NOTE_DRAFT_PURPOSE);
    CHECK_STR(v.package, "isdn-uui");
    CHECK_STR(v.purpose, "ISDN-Interwork");
    memset(text, '0', sizeof(text));
    v = parse(str_make(text, 2 * 129), NULL);
    CHECK_INT(v.notes, UUI_NOTE_NO_ENCODING);
    CHECK_INT(v.octets.n, 129);
    v = parse(str_make(text, 2 * 130), NULL);
    CHECK_INT(v.verdict, UUI_VALID);
    CHECK_INT(v.notes, UUI_NOTE_LONG | UUI_NOTE_NO_ENCODING);
    end();
}

static void test_packages_of_the_application(void)
{
    static const struct str texts[] = {STR_INIT("text"), STR_INIT("hex")};
    static const struct str keys[] = {STR_INIT("key"), STR_INIT("code")};
    static const struct uui_package rows[] = {
        {.name = STR_INIT("crm"),
         .encodings = texts,
         .encoding_n = 2,
         .contents = keys,
         .content_n = 2,
         .max_octets = 4,
         .max_count = 2},
        {.name = STR_INIT("blob")},
        {.name = STR_INIT("told"), .encodings = texts, .encoding_n = 1, .direction = UUI_OUT},
    };
    const struct uui_packages known = {.row = rows, .n = ARRAY_LEN(rows)};
    static const struct vector cases[] = {
        {"k.17;purpose=CRM", UUI_VALID, UUI_R_NONE, 0},
        {"\"k 17\";purpose=crm;encoding=TEXT;content=KEY", UUI_VALID, UUI_R_NONE, 0},
        {"6B17;purpose=crm;encoding=hex", UUI_VALID, UUI_R_NONE, 0},
        {"k17;purpose=crm;encoding=hex", UUI_WRONG, UUI_R_HEX_CHAR, 0},
        {"k17;purpose=crm;encoding=jwt", UUI_IGNORED, UUI_R_ENCODING, 25},
        {"k17;purpose=crm;content=x", UUI_IGNORED, UUI_R_CONTENT, 24},
        {"0102;purpose=blob;content=anything", UUI_VALID, UUI_R_NONE, 0},
        {"010;purpose=blob", UUI_WRONG, UUI_R_HEX_ODD, 2},
        {"k17;purpose=other", UUI_IGNORED, UUI_R_PACKAGE, 12},
        {"k17;purpose=crm;content=CODE", UUI_VALID, UUI_R_NONE, 0},
        {"k.175;purpose=crm", UUI_IGNORED, UUI_R_LONG, 0},
        {"6B3137353A;purpose=crm;encoding=hex", UUI_IGNORED, UUI_R_LONG, 0},
        {"6B31;purpose=told;encoding=hex", UUI_IGNORED, UUI_R_ENCODING, 27},
        {"6B3;purpose=told;encoding=hex", UUI_WRONG, UUI_R_HEX_ODD, 2},
        {"key;purpose=told", UUI_IGNORED, UUI_R_DIRECTION, 12},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        test_context(cases[i].text);
        struct uui_value v = parse(str_c(cases[i].text), &known);
        CHECK_INT(v.rule, cases[i].rule);
        CHECK_INT(v.verdict, cases[i].verdict);
        CHECK_INT(v.at, cases[i].at);
    }
    struct uui_value v = parse(STR("\"k 17\";purpose=crm"), &known);
    CHECK_STR(v.octets, "k 17");
    CHECK_INT(v.notes, UUI_NOTE_NO_ENCODING);
    end();
}

static void test_param_walk(void)
{
    begin();
    struct uui_value v =
        parse(STR("04 ; a = 1;flag;q=\"x;\\\"y\" ;\r\n h=[::1]; purpose=isdn-uui"), NULL);
    static const char *const want[][2] = {{"a", "1"},
                                          {"flag", NULL},
                                          {"q", "\"x;\\\"y\""},
                                          {"h", "[::1]"},
                                          {"purpose", "isdn-uui"}};
    struct str rest = v.params, name, value;
    size_t n = 0;
    CHECK_INT(v.verdict, UUI_VALID);
    while (uui_param_next(&rest, &name, &value)) {
        REQUIRE(n < ARRAY_LEN(want));
        CHECK_STR(name, want[n][0]);
        CHECK_INT(str_is_set(value), want[n][1] != NULL);
        if (want[n][1]) {
            CHECK_STR(value, want[n][1]);
        }
        n++;
    }
    CHECK_INT(n, ARRAY_LEN(want));
    CHECK(!uui_param_next(&rest, &name, &value));
    end();
}

static void test_param_limit(void)
{
    char text[8 * (UUI_PARAMS_MAX + 2)];
    struct out o;
    begin();
    out_init(&o, text, sizeof(text));
    out_c(&o, "0448");
    for (unsigned i = 0; i < UUI_PARAMS_MAX; i++) {
        out_fmt(&o, ";p%u", i);
    }
    struct uui_value v = parse(out_str_of(&o), NULL);
    CHECK_INT(v.verdict, UUI_VALID);
    size_t at = o.n;
    out_c(&o, ";one");
    v = parse(out_str_of(&o), NULL);
    CHECK_INT(v.rule, UUI_R_PARAM_COUNT);
    CHECK_INT(v.at, at);
    end();
}

static void test_discriminator_names(void)
{
    CHECK_STR(str_c(uui_pd_text(0)), "user-specific protocol");
    CHECK_STR(str_c(uui_pd_text(4)), "IA5 characters");
    CHECK_STR(str_c(uui_pd_text(6)), "reserved");
    CHECK_STR(str_c(uui_pd_text(8)), "Q.931 user-network call control messages");
    CHECK_STR(str_c(uui_pd_text(9)), "reserved");
    CHECK_STR(str_c(uui_pd_text(0x10)),
              "reserved for other network layer or layer 3 protocols");
    CHECK_STR(str_c(uui_pd_text(0x40)), "national use");
    CHECK_STR(str_c(uui_pd_text(0x4F)), "3GPP capability exchange");
    CHECK_STR(str_c(uui_pd_text(0x50)),
              "reserved for other network layer or layer 3 protocols");
    CHECK_STR(str_c(uui_pd_text(0xFF)), "reserved");
}

TEST_MAIN(T(test_every_rule_has_its_vector), T(test_octets_and_parts), T(test_text_is_unquoted),
          T(test_draft_purpose_and_length_are_noted), T(test_packages_of_the_application),
          T(test_param_walk), T(test_param_limit), T(test_discriminator_names))
