/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading leniently: every rule that can be forgiven, what the value is taken for then, and
 * that strict reading calls the same value wrong. What nobody forgives stays as it was.
 */
#include "base/err.h"
#include "test.h"
#include "uui/uui.h"

static struct arena arena;

struct vector {
    const char *text, *octets; /**< octets NULL: none */
    uint8_t strict;            /**< rule without leniency */
    uint8_t rule;              /**< rule with it */
    bool forgiven;
};

static const struct str texts[] = {STR_INIT("text")};
static const struct uui_package rows[] = {
    {.name = STR_INIT("crm"), .encodings = texts, .encoding_n = 1, .max_octets = 6},
    {.name = STR_INIT("blob"), .max_count = 1},
};

static const struct vector vectors[] = {
    /* escaped once, twice, and text besides */
    {"00C8%3Bencoding%3Dhex", "\0\xC8", UUI_R_ESCAPED, UUI_R_NONE, true},
    {"00C8%253Bencoding%253Dhex", "\0\xC8", UUI_R_ESCAPED, UUI_R_NONE, true},
    {"a%20b%3Bencoding%3Dascii", "\004a b", UUI_R_ESCAPED, UUI_R_NONE, true},
    {"a%0Ab%3Bencoding%3Dascii", NULL, UUI_R_ESCAPED, UUI_R_ESCAPED, false},
    {"00C8%3Bpurpose%3Dnobody", "00C8", UUI_R_ESCAPED, UUI_R_PACKAGE, true},
    /* characters that are none of a token */
    {"1123|1380", "\0041123|1380", UUI_R_CHAR, UUI_R_NONE, true},
    {"a b;encoding=text;purpose=isdn-uui", "\004a b", UUI_R_CHAR, UUI_R_NONE, true},
    {"a b;purpose=crm", "a b", UUI_R_CHAR, UUI_R_NONE, true},
    {"a b c d;purpose=crm", "a b c d", UUI_R_CHAR, UUI_R_LONG, true},
    {"04 48;encoding=hex", "\00404 48", UUI_R_CHAR, UUI_R_NONE, true},
    {"a\tb;x=1;encoding=text", "\004a\tb;x=1", UUI_R_CHAR, UUI_R_NONE, true},
    {"a b;encoding=hex;encoding=hex", NULL, UUI_R_CHAR, UUI_R_CHAR, false},
    {"\"ab", NULL, UUI_R_QUOTE_OPEN, UUI_R_QUOTE_OPEN, false},
    {"", NULL, UUI_R_EMPTY, UUI_R_EMPTY, false},
    {";encoding=hex", NULL, UUI_R_EMPTY, UUI_R_EMPTY, false},
    /* a ';' at the end, quotes where none belong */
    {"0448; ;", "\004H", UUI_R_PARAM_NAME, UUI_R_NONE, true},
    {"0448;", "\004H", UUI_R_PARAM_NAME, UUI_R_NONE, true},
    {"0448;;a", NULL, UUI_R_PARAM_NAME, UUI_R_PARAM_NAME, false},
    {"0448;encoding=\"hex\"", "\004H", UUI_R_ENCODING_FORM, UUI_R_NONE, true},
    {"0448;purpose=\"isdn-uui\";content=\"isdn-uui\"", "\004H", UUI_R_PURPOSE_FORM, UUI_R_NONE,
     true},
    {"0448;purpose=\"a b\"", NULL, UUI_R_PURPOSE_FORM, UUI_R_PURPOSE_FORM, false},
    {"0448;purpose", NULL, UUI_R_PURPOSE_FORM, UUI_R_PURPOSE_FORM, false},
    {"0448;content=\"other\"", "\004H", UUI_R_CONTENT_FORM, UUI_R_CONTENT, true},
    /* hex that is none */
    {"foobar", "\004foobar", UUI_R_HEX_CHAR, UUI_R_NONE, true},
    {"sid-1;encoding=hex;purpose=nobody", "sid-1", UUI_R_HEX_CHAR, UUI_R_PACKAGE, true},
    {"04485;encoding=hex", "\004H", UUI_R_HEX_ODD, UUI_R_NONE, true},
    {"0", NULL, UUI_R_HEX_ODD, UUI_R_HEX_ODD, false},
    {"\"\"", NULL, UUI_R_NO_PD, UUI_R_NO_PD, false},
    /* encodings of isdn-uui */
    {"Hello;encoding=ascii", "\004Hello", UUI_R_ENCODING, UUI_R_NONE, true},
    {"Hello;encoding=base64", "Hello", UUI_R_ENCODING, UUI_R_ENCODING, false},
    {"0448;encoding=text;content=x", "\0040448", UUI_R_ENCODING, UUI_R_CONTENT, true},
    /* what a package forbids stays forbidden */
    {"0448;content=x", "\004H", UUI_R_CONTENT, UUI_R_CONTENT, false},
    {"key.123;purpose=crm", "key.123", UUI_R_LONG, UUI_R_LONG, false},
    {"0448;purpose=nobody", "0448", UUI_R_PACKAGE, UUI_R_PACKAGE, false},
};

static void test_vectors(void)
{
    const struct uui_packages strict = {.row = rows, .n = 2};
    const struct uui_packages lenient = {.row = rows, .n = 2, .lenient = true};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *e = &vectors[i];
        struct uui_value v, w;
        struct str text = test_guard(str_c(e->text));
        arena_init(&arena, &mem_libc, 4096);
        test_context(e->text);
        CHECK_INT(uui_parse(text, &strict, &arena, &v), 0);
        CHECK_STR(str_c(uui_rule_name(v.rule)), uui_rule_name(e->strict));
        CHECK_INT(v.notes & UUI_NOTE_FORGIVEN, 0);
        CHECK_INT(uui_parse(text, &lenient, &arena, &w), 0);
        CHECK_STR(str_c(uui_rule_name(w.rule)), uui_rule_name(e->rule));
        CHECK_INT(w.verdict, uui_rule_verdict(e->rule));
        CHECK_INT((w.notes & UUI_NOTE_FORGIVEN) != 0, e->forgiven);
        CHECK_INT(w.forgiven, e->forgiven ? e->strict : UUI_R_NONE);
        CHECK(str_eq(w.text, v.text));
        CHECK_INT(str_is_set(w.octets), e->octets != NULL);
        if (e->octets && e->octets[0] != '\0') {
            CHECK_STR(w.octets, e->octets);
        } else if (e->octets) {
            CHECK_BYTES(w.octets, STR("\0\xC8"));
        }
        arena_fini(&arena);
        test_guard_free(text);
    }
    test_context(NULL);
}

static void test_copies(void)
{
    const struct uui_packages lenient = {.row = rows, .n = 2, .lenient = true};
    struct uui_list l;
    const struct str same = STR("0448;encoding=hex, \"0448\";purpose=isdn-uui");
    const struct str other = STR("0448;encoding=hex, 0449;purpose=isdn-uui");
    const struct str third = STR("0448, 0448, 04 48;encoding=text");
    arena_init(&arena, &mem_libc, 4096);
    CHECK_INT(uui_list_parse(&same, 1, NULL, &arena, &l), 0);
    CHECK(l.isdn == NULL);
    CHECK_INT(uui_list_parse(&same, 1, &lenient, &arena, &l), 0);
    CHECK(l.isdn == &l.v[0]);
    CHECK_INT(l.v[0].forgiven, UUI_R_MANY);
    CHECK_INT(l.v[1].rule, UUI_R_MANY);
    CHECK_INT(uui_list_parse(&other, 1, &lenient, &arena, &l), 0);
    CHECK(l.isdn == NULL);
    CHECK_INT(l.v[0].rule, UUI_R_MANY);
    CHECK_INT(uui_list_parse(&third, 1, &lenient, &arena, &l), 0);
    CHECK(l.isdn == NULL);
    arena_fini(&arena);
}

static void test_notes(void)
{
    static const struct {
        const char *text;
        unsigned notes;
    } cases[] = {
        {"0448;encoding=hex", 0},
        {"0448", UUI_NOTE_NO_ENCODING},
        {"48656C6C;encoding=ascii", UUI_NOTE_LOOKS_HEX},
        {"48656C6;encoding=ascii", 0},
        {"41;encoding=ascii", 0},
        {"Hello;encoding=hex", UUI_NOTE_LOOKS_TEXT},
        {"Hello", UUI_NOTE_LOOKS_TEXT | UUI_NOTE_NO_ENCODING},
        {"4142;purpose=crm", UUI_NOTE_LOOKS_HEX | UUI_NOTE_NO_ENCODING},
    };
    const struct uui_packages known = {.row = rows, .n = 2};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uui_value v;
        arena_init(&arena, &mem_libc, 4096);
        test_context(cases[i].text);
        CHECK_INT(uui_parse(str_c(cases[i].text), &known, &arena, &v), 0);
        CHECK_INT(v.notes, cases[i].notes);
        arena_fini(&arena);
    }
    test_context(NULL);
    for (unsigned bit = 1; bit <= UUI_NOTE_WRAPPED; bit <<= 1) {
        CHECK(uui_note_name(bit)[0] != '\0');
        CHECK(uui_note_text(bit)[0] != '\0');
    }
    CHECK_STR(str_c(uui_note_name(3)), "");
}

static void test_memory_is_out(void)
{
    const struct uui_packages lenient = {.row = rows, .n = 2, .lenient = true};
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        int err = E_NOMEM;
        test_context(vectors[i].text);
        for (size_t k = 1; err == E_NOMEM && k < 12; k++) {
            struct test_mem mem;
            struct uui_value v;
            test_mem_init(&mem);
            mem.fail_at = k;
            arena_init(&arena, &mem.mem, 1);
            err = uui_parse(str_c(vectors[i].text), &lenient, &arena, &v);
            CHECK(err == 0 || err == E_NOMEM);
            arena_fini(&arena);
            CHECK_INT(mem.live, 0);
        }
        CHECK_INT(err, 0);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_vectors), T(test_copies), T(test_notes), T(test_memory_is_out))
