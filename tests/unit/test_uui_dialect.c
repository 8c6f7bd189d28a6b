/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialects: what each row reads and writes, what it refuses with which rule, and that what it
 * writes it reads as the same octets, for every length and every discriminator.
 */
#include "base/err.h"
#include "test.h"
#include "uui/dialect.h"
#include "uui/shared.h"
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

static void begin(void)
{
    arena_init(&arena, &mem_libc, 65536);
}

static void end(void)
{
    arena_fini(&arena);
    test_context(NULL);
}

static struct uui_far far_of(const char *name)
{
    struct uui_far f = {.dialect = uui_dialect_named(str_c(name))};
    CHECK(f.dialect != NULL);
    return f;
}

static struct uui_value read_as(const struct uui_far *far, const char *text)
{
    struct uui_value v;
    CHECK_INT(uui_dialect_read(far, NULL, str_c(text), &arena, &v), 0);
    return v;
}

/** The canonical value of octets. */
static struct uui_value value_of(struct str octets)
{
    struct uui_format f = {0};
    struct uui_value v;
    struct out o;
    char *buf = arena_alloc(&arena, 2 * octets.n + 64);
    CHECK(buf != NULL);
    out_init(&o, buf, 2 * octets.n + 64);
    CHECK_INT(uui_write(&o, octets, &f, NULL), 0);
    CHECK_INT(uui_parse(out_str_of(&o), NULL, &arena, &v), 0);
    CHECK_INT(v.verdict, UUI_VALID);
    return v;
}

/* ------------------------------------------------------------------------ the table */

static void test_rows_write_their_example(void)
{
    begin();
    for (size_t i = 0; uui_dialect_at(i); i++) {
        const struct uui_dialect *d = uui_dialect_at(i);
        struct uui_far far = {.dialect = d, .pd = UUI_PD_IA5, .has_pd = true};
        struct uui_dialect_text t;
        enum uui_rule why;
        char context[32];
        snprintf(context, sizeof(context), "%.*s", STR_ARG(d->name));
        test_context(context);
        bool world = strstr(d->writes, "world") != NULL;
        struct str octets = !world       ? STR("\004Hello")
                            : d->escapes ? STR("\004Hello world")
                                         : STR("\004Hello;world");
        struct uui_value v = value_of(octets);
        CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
        if (d->as_is) {
            CHECK_STR(t.value, "0448656C6C6F;encoding=hex;purpose=isdn-uui");
        } else {
            CHECK_STR(t.value, d->writes);
        }
        CHECK(uui_dialect_named(d->name) == d);
        CHECK(uui_dialect_owns(d, (enum uui_place)t.place, t.name));
        CHECK(uui_dialect_any_owns((enum uui_place)t.place, t.name));
        CHECK(strlen(d->text) > 10);
    }
    CHECK(uui_dialect_named(STR("GENESYS-PD")) != NULL);
    CHECK(uui_dialect_named(STR("genesys-")) == NULL);
    CHECK(!uui_dialect_any_owns(UUI_AT_HEADER, STR("X-Other")));
    CHECK(!uui_dialect_any_owns(UUI_AT_HEADER, STR("aai")));
    CHECK(!uui_dialect_any_owns(UUI_AT_NONE, STR("")));
    end();
}

/** The documentation has a row for each dialect, with what Baton sends. */
static void test_documentation_has_them(void)
{
    struct str text = test_project_file("docs/uui-dialects.md");
    const struct uui_dialect *d;
    REQUIRE(text.p != NULL);
    for (size_t i = 0; (d = uui_dialect_at(i)) != NULL; i++) {
        char row[64], sent[160];
        const struct uui_carrier *c = &d->carrier[0];
        snprintf(row, sizeof(row), "| `%.*s` |", STR_ARG(d->name));
        snprintf(sent, sizeof(sent), "%.*s%s%s` |",
                 c->place == UUI_AT_BODY ? 0 : (int)c->name.n, c->name.p,
                 c->place == UUI_AT_HEADER      ? ": "
                 : c->place == UUI_AT_URI_PARAM ? "="
                                                : "",
                 d->writes);
        test_context(row);
        size_t at = str_find(text, str_c(row));
        CHECK(at < text.n);
        struct str line = str_upto(str_from(text, at), str_index(str_from(text, at), '\n'));
        CHECK(str_find(line, str_c(sent)) < line.n);
    }
    test_context(NULL);
    free((void *)(uintptr_t)text.p);
}

/* -------------------------------------------------------------------- what is read */

struct reading {
    const char *dialect, *text;
    const char *hex; /**< octets; NULL: none */
    uint8_t rule;
    uint16_t notes; /**< those that must be there */
    unsigned at;
};

enum { NO_PD = UUI_NOTE_PD_ADDED };

static const struct reading readings[] = {
    {"rfc7434", "0448;encoding=hex", "0448", UUI_R_NONE, 0, 0},
    {"rfc7434", "48;pd=04;encoding=hex", "48", UUI_R_NONE, 0, 0},
    {"rfc7434", "Hello;encoding=ascii", "48656C6C6F", UUI_R_ENCODING, 0, 15},
    {"rfc7434", "0448;purpose=isdn-interwork", "0448", UUI_R_NONE, UUI_NOTE_DRAFT_PURPOSE, 0},
    {"rfc7434", "01;purpose=crm", "3031", UUI_R_PACKAGE, 0, 11},
    {"avaya-shared", "00FA080019001038F725B3;encoding=hex", "00FA080019001038F725B3",
     UUI_R_NONE, 0, 0},
    {"avaya-shared", "04C80C48656C6C6F20776F726C6421FA082713D65569A124C4;encoding=hex",
     "04C80C48656C6C6F20776F726C6421FA082713D65569A124C4", UUI_R_NONE, 0, 0},
    {"avaya-shared", "00FAC9640001000100000001;encoding=hex", NULL, UUI_R_SHARED_ITEM, 0, 2},
    {"avaya-shared", "04FA0801020304050607085AC8", NULL, UUI_R_SHARED_ITEM, 0, 22},
    {"avaya-shared", "0448656C6C6F;encoding=hex", "0448656C6C6F", UUI_R_NONE, 0, 0},
    {"genesys", "0054686973;encoding=hex;purpose=isdn-uui;content=isdn-uui", "0054686973",
     UUI_R_NONE, 0, 0},
    {"genesys", "0054686973", "0054686973", UUI_R_NONE, UUI_NOTE_NO_ENCODING, 0},
    {"genesys", "54686973;pd=00;encoding=hex", "0054686973", UUI_R_NONE, 0, 0},
    {"genesys", "54686973;encoding=hex;pd=0G", NULL, UUI_R_DIALECT, 0, 25},
    {"genesys", "0412344321;encoding=ascii", "043132333434333231", UUI_R_NONE,
     UUI_NOTE_LOOKS_HEX, 0},
    {"genesys", "XX12344321;encoding=ascii", NULL, UUI_R_DIALECT, 0, 0},
    {"genesys", "a;encoding=ascii", NULL, UUI_R_DIALECT, 0, 0},
    {"genesys-pd", "48656c6c6f;pd=00;encoding=hex", "0048656C6C6F", UUI_R_NONE, 0, 0},
    {"genesys-pd", "54686973;pd=FE;encoding=hex;purpose=isdn-uui;content=isdn-uui",
     "FE54686973", UUI_R_NONE, 0, 0},
    {"genesys-pd", "0454;encoding=hex", "0454", UUI_R_NONE, 0, 0},
    {"genesys-pd", "0454;pd;encoding=hex", NULL, UUI_R_DIALECT, 0, 0},
    {"genesys-ascii", "01d9a3c1f0-5b7e;encoding=ascii",
     "01643961336331663"
     "02D35623765",
     UUI_R_NONE, 0, 0},
    {"genesys-ascii", "\"00a b\";encoding=ascii", "00612062", UUI_R_NONE, 0, 0},
    {"genesys-x", "54686973;encoding=hex", "0054686973", UUI_R_NONE, NO_PD, 0},
    {"genesys-x", "asciidata;encoding=ascii",
     "006173636969"
     "64617461",
     UUI_R_NONE, NO_PD, 0},
    {"pureconnect", "0048656c6c6f;encoding=hex", "0048656C6C6F", UUI_R_NONE, 0, 0},
    {"pureconnect-x", "48656c6c6f", "0048656C6C6F", UUI_R_NONE, NO_PD, 0},
    {"audiocodes-x", "3030373435313734313635353b313233343b3834",
     "043030373435313734313635353B313233343B3834", UUI_R_NONE, NO_PD, 0},
    {"audiocodes-pd", "3030373435313734313635353b313233343b3834;pd=4",
     "043030373435313734313635353B313233343B3834", UUI_R_NONE, 0, 0},
    {"audiocodes-pd", "3030;pd=16", "103030", UUI_R_NONE, 0, 0},
    {"audiocodes-pd", "3030;pd=256", NULL, UUI_R_DIALECT, 0, 8},
    {"audiocodes-hex", "043030373435313734313635353b313233343b3834;encoding=hex",
     "043030373435313734313635353B313233343B3834", UUI_R_NONE, 0, 0},
    {"audiocodes-text", "01800213027b712a;NULL;4582166",
     "04303138303032313330323762373132613B4E554C4C3B34353832313636", UUI_R_NONE, NO_PD, 0},
    {"sangoma", "protocol-discriminator=4;user-information=sangomaTechnologies.com",
     "0473616E676F6D61546563686E6F6C6F676965732E636F6D", UUI_R_NONE, 0, 0},
    {"sangoma", "user-information=a%40b%3Bc", "046140623B63", UUI_R_NONE, NO_PD, 0},
    {"sangoma", "user-information=a;protocol-discriminator=8", "0861", UUI_R_NONE, 0, 0},
    {"sangoma", "protocol-discriminator=256;user-information=a", NULL, UUI_R_DIALECT, 0, 0},
    {"sangoma", "protocol-discriminator=4", NULL, UUI_R_EMPTY, 0, 24},
    {"sangoma", "user-information=a%4", NULL, UUI_R_DIALECT, 0, 18},
    {"sangoma", "user-information=a;user-information=b", NULL, UUI_R_DIALECT, 0, 19},
    {"sangoma", "sangomaTechnologies.com", NULL, UUI_R_DIALECT, 0, 0},
    {"sangoma", "", NULL, UUI_R_EMPTY, 0, 0},
    {"telcobridges", "303030;encoding=hex;purpose=isdn-interwork;content=isdn-uui", "04303030",
     UUI_R_NONE, NO_PD | UUI_NOTE_DRAFT_PURPOSE, 0},
    {"telcobridges-text",
     "0000001.This is a test;encoding=text;purpose=isdn-interwork;content=isdn-uui",
     "04303030303030312E5468697320697320612074657374", UUI_R_NONE, NO_PD, 0},
    {"telcobridges-text", "%00%00%03.Th;encoding=text;purpose=isdn-interwork;content=isdn-uui",
     "040000032E5468", UUI_R_NONE, NO_PD, 0},
    {"telcobridges-text", "303030;encoding=hex;purpose=isdn-interwork", "04303030", UUI_R_NONE,
     NO_PD, 0},
    {"telcobridges-text", "50%;encoding=text", NULL, UUI_R_DIALECT, 0, 2},
    {"telcobridges-text", ";encoding=text", NULL, UUI_R_EMPTY, 0, 0},
    {"oracle", "0448;encoding=hex", "0448", UUI_R_NONE, 0, 0},
    {"cisco-gtd", "UUS,3,3132333435", "043132333435", UUI_R_NONE, 0, 0},
    {"cisco-gtd", "UUS,0,31", "0031", UUI_R_NONE, 0, 0},
    {"cisco-gtd", "UUS,3,313", NULL, UUI_R_HEX_ODD, 0, 8},
    {"cisco-gtd", "UUS,3,31G3", NULL, UUI_R_HEX_CHAR, 0, 8},
    {"cisco-gtd", "UUS,x,31", NULL, UUI_R_DIALECT, 0, 4},
    {"cisco-gtd", "GCI,3,31", NULL, UUI_R_DIALECT, 0, 0},
    {"cisco-gtd", "UUS,3", NULL, UUI_R_DIALECT, 0, 4},
    {"cisco-aai", "PD%2C04%3BC8%2C48656c6c6f%3BFA%2C0000101642131107",
     "04C80548656C6C6FFA080000101642131107", UUI_R_NONE, 0, 0},
    {"cisco-aai", "PD%2C04%3BFA%2C00001016421311070956", "04FA080001066A4E255AEC", UUI_R_NONE,
     0, 0},
    {"cisco-aai", "C8%2C48", "04C80148", UUI_R_NONE, NO_PD, 0},
    {"cisco-aai", "PD%2C0", NULL, UUI_R_HEX_ODD, 0, 3},
    {"cisco-aai", "PD%2C04%3BC8", NULL, UUI_R_DIALECT, 0, 6},
    {"cisco-aai", "PD%2", NULL, UUI_R_URI_ESCAPE, 0, 2},
    {"cisco-aai", "", NULL, UUI_R_EMPTY, 0, 0},
    {"twilio", "123456789;encoding=hex", NULL, UUI_R_HEX_ODD, 0, 8},
    {"twilio", "foobar", "04666F6F626172", UUI_R_NONE, NO_PD | UUI_NOTE_NO_ENCODING, 0},
    {"twilio", "0448;encoding=hex", "0448", UUI_R_NONE, 0, 0},
    {"twilio", "01;purpose=crm", "3031", UUI_R_PACKAGE, 0, 11},
    {"vonage", "1234567890abcdef;encoding=hex", "1234567890ABCDEF", UUI_R_NONE, 0, 0},
    {"bandwidth", "aGVsbG8;encoding=base64",
     "6147567362473"
     "8",
     UUI_R_ENCODING, 0, 17},
    {"amazon", "7B22;encoding=hex", "047B22", UUI_R_NONE, NO_PD, 0},
    {"talkdesk", "48656c6c6f", "0448656C6C6F", UUI_R_NONE, NO_PD, 0},
    {"bare-hex", "Hello", NULL, UUI_R_HEX_CHAR, UUI_NOTE_LOOKS_TEXT, 0},
    {"bare-hex", "123", NULL, UUI_R_HEX_ODD, 0, 2},
    {"ascii", "call-8a1f;encoding=ascii", "0463616C6C2D38613166", UUI_R_NONE, NO_PD, 0},
    {"x-header", "48656c6c6f", "0448656C6C6F", UUI_R_NONE, NO_PD, 0},
    {"x-header", "00C8%3Bencoding%3Dhex", NULL, UUI_R_ESCAPED, 0, 4},
};

static void check_octets(const struct uui_value *v, const char *hex)
{
    char text[600];
    struct out o;
    CHECK_INT(str_is_set(v->octets), hex != NULL);
    if (hex) {
        out_init(&o, text, sizeof(text));
        out_hex(&o, v->octets, true);
        CHECK_STR(out_str_of(&o), hex);
    }
}

static void test_what_they_read(void)
{
    begin();
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        const struct reading *r = &readings[i];
        struct uui_far far = far_of(r->dialect);
        char context[128];
        snprintf(context, sizeof(context), "%s: %s", r->dialect, r->text);
        test_context(context);
        struct uui_value v = read_as(&far, r->text);
        CHECK_STR(str_c(uui_rule_name(v.rule)), uui_rule_name(r->rule));
        CHECK_INT(v.verdict, uui_rule_verdict(r->rule));
        CHECK_INT(v.notes & r->notes, r->notes);
        CHECK_INT(v.notes & UUI_NOTE_FORGIVEN, 0);
        CHECK_INT(v.notes & UUI_NOTE_PD_ADDED, r->notes & UUI_NOTE_PD_ADDED);
        CHECK_INT(v.at, r->at);
        check_octets(&v, r->hex);
    }
    end();
}

/** What a neighbour writes in order already is left as he wrote it. */
static void test_canonical_stays(void)
{
    static const char *const names[] = {"rfc7434", "genesys",        "avaya-shared",
                                        "oracle",  "audiocodes-hex", "twilio"};
    begin();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct uui_far far = far_of(names[i]);
        test_context(names[i]);
        struct uui_value v = read_as(&far, "00c80148;x=1;encoding=hex");
        CHECK_STR(v.text, "00c80148;x=1;encoding=hex");
        check_octets(&v, "00C80148");
    }
    struct uui_far far = far_of("genesys-pd");
    struct uui_value v = read_as(&far, "c8;pd=00;encoding=hex");
    CHECK_STR(v.text, "00C8;encoding=hex;purpose=isdn-uui");
    struct uui_far none = {0};
    v = read_as(&none, "c8;pd=00;encoding=hex");
    CHECK_STR(v.text, "c8;pd=00;encoding=hex");
    end();
}

/* ------------------------------------------------------------------- what is refused */

struct writing {
    const char *dialect;
    struct str octets;
    uint8_t rule;
    int err;
};

static void test_what_they_refuse(void)
{
    char long_text[140];
    begin();
    memset(long_text, 'a', sizeof(long_text));
    long_text[0] = UUI_PD_IA5;
    const struct writing cases[] = {
        {"avaya-shared", {long_text, 128}, UUI_R_FAR_LENGTH, E_TOOBIG},
        {"avaya-shared", {long_text, 127}, UUI_R_NONE, 0},
        {"audiocodes-hex", {long_text, 129}, UUI_R_NONE, 0},
        {"audiocodes-hex", {long_text, 130}, UUI_R_FAR_LENGTH, E_TOOBIG},
        {"oracle", {long_text, 130}, UUI_R_FAR_LENGTH, E_TOOBIG},
        {"rfc7434", {long_text, 140}, UUI_R_NONE, 0},
        {"vonage", {long_text, 121}, UUI_R_NONE, 0},
        {"vonage", {long_text, 122}, UUI_R_FAR_LENGTH, E_TOOBIG},
        {"genesys", STR_INIT("\004\x7F"), UUI_R_NONE, 0},
        {"genesys", STR_INIT("\x84\x41"), UUI_R_NONE, 0},
        {"genesys", STR_INIT("\004A\x80"), UUI_R_FAR_CHAR, E_VALUE},
        {"genesys-ascii", STR_INIT("\004A\x80"), UUI_R_FAR_CHAR, E_VALUE},
        {"genesys-ascii", STR_INIT("\004A\xC3\xA4"), UUI_R_NONE, 0},
        {"genesys-x", STR_INIT("\004A"), UUI_R_FAR_PD, E_VALUE},
        {"genesys-x", STR_INIT("\000A"), UUI_R_NONE, 0},
        {"bare-hex", STR_INIT("\000A"), UUI_R_FAR_PD, E_VALUE},
        {"bare-hex", STR_INIT("\004"), UUI_R_EMPTY, E_VALUE},
        {"genesys-pd", STR_INIT("\004"), UUI_R_EMPTY, E_VALUE},
        {"ascii", STR_INIT("\004a\nb"), UUI_R_FAR_CHAR, E_VALUE},
        {"audiocodes-text", STR_INIT("\004a\tb"), UUI_R_FAR_CHAR, E_VALUE},
        {"audiocodes-text", STR_INIT("\004a "), UUI_R_FAR_CHAR, E_VALUE},
        {"cisco-gtd", STR_INIT("\003a"), UUI_R_FAR_PD, E_VALUE},
        {"cisco-aai", STR_INIT("\004\xFA\0121234567890"), UUI_R_SHARED_ITEM, E_VALUE},
        {"cisco-aai", STR_INIT("\004\xFA\01012345678"), UUI_R_NONE, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uui_far far = far_of(cases[i].dialect);
        struct uui_value v = value_of(cases[i].octets);
        struct uui_dialect_text t;
        enum uui_rule why;
        char context[64];
        snprintf(context, sizeof(context), "%s %zu", cases[i].dialect, cases[i].octets.n);
        test_context(context);
        CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), cases[i].err);
        CHECK_STR(str_c(uui_rule_name(why)), uui_rule_name(cases[i].rule));
        CHECK_INT(str_is_set(t.value), cases[i].err == 0);
    }
    end();
}

static void test_limits_of_a_neighbour(void)
{
    struct uui_far far = far_of("rfc7434");
    struct uui_dialect_text t;
    enum uui_rule why;
    begin();
    far.max_octets = 32;
    char octets[34] = {UUI_PD_IA5};
    struct uui_value v = value_of(str_make(octets, 33));
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
    v = value_of(str_make(octets, 34));
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), E_TOOBIG);
    CHECK_INT(why, UUI_R_FAR_LENGTH);
    far = far_of("bare-hex");
    far.pd = 0x08;
    far.has_pd = true;
    v = read_as(&far, "41");
    CHECK_STR(v.octets, "\010A");
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
    CHECK_STR(t.value, "41");
    end();
}

static void test_packages_on_the_way_out(void)
{
    static const struct str uui_content = STR_INIT("isdn-uui");
    static const struct uui_package rows[] = {
        {.name = STR_INIT("in"), .direction = UUI_IN},
        {.name = STR_INIT("short"), .max_octets = 2},
        {.name = STR_INIT("isdn-uui"),
         .contents = &uui_content,
         .content_n = 1,
         .max_octets = 3,
         .max_count = 1},
    };
    const struct uui_packages known = {.row = rows, .n = ARRAY_LEN(rows)};
    static const struct {
        const char *dialect, *text;
        uint8_t rule;
        int err;
    } cases[] = {
        {"rfc7434", "01;purpose=in", UUI_R_DIRECTION, E_VALUE},
        {"rfc7434", "0102;purpose=short", UUI_R_NONE, 0},
        {"rfc7434", "010203;purpose=short", UUI_R_LONG, E_TOOBIG},
        {"rfc7434", "010203;purpose=other", UUI_R_NONE, 0},
        {"genesys", "01;purpose=short", UUI_R_FAR_PACKAGE, E_VALUE},
        {"rfc7434", "04010203;encoding=hex", UUI_R_LONG, E_TOOBIG},
        {"rfc7434", "040", UUI_R_HEX_ODD, E_VALUE},
        {"rfc7434", "0448;content=x", UUI_R_CONTENT, E_VALUE},
        {"genesys", "Hello;encoding=ascii", UUI_R_ENCODING, E_VALUE},
        {"rfc7434", "04", UUI_R_NONE, 0},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uui_far far = far_of(cases[i].dialect);
        struct uui_dialect_text t;
        struct uui_value v;
        enum uui_rule why;
        test_context(cases[i].text);
        CHECK_INT(uui_parse(str_c(cases[i].text), &known, &arena, &v), 0);
        CHECK_INT(uui_dialect_write(&far, &known, &v, &arena, &t, &why), cases[i].err);
        CHECK_STR(str_c(uui_rule_name(why)), uui_rule_name(cases[i].rule));
        if (cases[i].err == 0) {
            CHECK_STR(t.value, cases[i].text);
        }
    }
    end();
}

/* ----------------------------------------------------------------------- round trips */

/** Why a dialect may refuse these octets; any other refusal is a fault. */
static bool may_refuse(const struct uui_dialect *d, uint8_t pd, struct str info,
                       enum uui_rule why)
{
    bool high = false, odd = false;
    for (size_t i = 0; i < info.n; i++) {
        high = high || (unsigned char)info.p[i] > 0x7F;
        odd = odd || info.p[i] < 0x20 || info.p[i] == 0x7F;
    }
    switch (why) {
    case UUI_R_FAR_LENGTH:
        return (d->max_octets > 0 && info.n + (d->shared ? 2 : 0) > d->max_octets) ||
               (d->max_chars > 0 && 2 * info.n + 40 > d->max_chars);
    case UUI_R_FAR_CHAR:
        return (d->seven_bit && high) || (d->writes_text && (high || odd || info.n > 0));
    case UUI_R_FAR_PD:
        return pd != d->pd || pd == 3;
    case UUI_R_EMPTY:
        return info.n == 0;
    default:
        return false;
    }
}

/** @return did it go? */
static bool round_trip(const struct uui_dialect *d, struct str octets)
{
    struct uui_far far = {.dialect = d};
    struct uui_value v = value_of(octets), back;
    struct uui_dialect_text t;
    enum uui_rule why;
    struct str info = str_from(octets, 1);
    int err = uui_dialect_write(&far, NULL, &v, &arena, &t, &why);
    if (err < 0) {
        CHECK(may_refuse(d, (uint8_t)octets.p[0], info, why));
        CHECK_INT(err, why == UUI_R_FAR_LENGTH ? E_TOOBIG : E_VALUE);
        return false;
    }
    CHECK_INT(why, UUI_R_NONE);
    CHECK_INT(uui_dialect_read(&far, NULL, t.value, &arena, &back), 0);
    CHECK_INT(back.verdict, UUI_VALID);
    if (t.notes & UUI_NOTE_WRAPPED) {
        CHECK(str_eq(uui_shared_find(str_from(back.octets, 1), UUI_SHARED_ASAI), info));
        CHECK_INT(uui_discriminator(&back), (unsigned char)octets.p[0]);
    } else {
        CHECK(str_eq(back.octets, octets));
    }
    return true;
}

static void trips_of(const struct uui_dialect *d)
{
    char octets[131];
    size_t gone = 0, went = 0;
    for (size_t n = 1; n <= sizeof(octets); n++) { /* 0 to 130 octets of information */
        for (unsigned kind = 0; kind < 2; kind++) {
            for (size_t i = 1; i < n; i++) {
                octets[i] = (char)(kind == 0 ? 'a' + i % 26 : (i * 37 + n) & 0xFF);
            }
            octets[0] = (char)d->pd;
            gone += round_trip(d, str_make(octets, n)) ? 1 : 0;
            went++;
        }
        arena_reset(&arena);
    }
    CHECK(gone > 100);
    memcpy(octets + 1, "Hello", 5);
    gone = 0;
    for (unsigned pd = 0; pd < 256; pd++) {
        octets[0] = (char)(unsigned char)pd;
        gone += round_trip(d, str_make(octets, 6)) ? 1 : 0;
    }
    bool absent = d->pd_text != 0 && d->writes_text ? true : d->pd_hex == 2;
    CHECK_INT(gone, absent ? 1 : str_eq(d->name, STR("cisco-gtd")) ? 255 : 256);
    for (unsigned c = 0; c < 256; c++) {
        octets[0] = (char)d->pd;
        octets[1] = (char)(unsigned char)c;
        (void)round_trip(d, str_make(octets, 2));
        octets[2] = 'x';
        (void)round_trip(d, str_make(octets, 3));
    }
}

static void test_round_trips(void)
{
    begin();
    for (size_t i = 0; uui_dialect_at(i); i++) {
        char context[32];
        snprintf(context, sizeof(context), "%.*s", STR_ARG(uui_dialect_at(i)->name));
        test_context(context);
        trips_of(uui_dialect_at(i));
        arena_reset(&arena);
    }
    end();
}

/* --------------------------------------------------------------------------- lenient */

struct leniency {
    const char *dialect, *text, *hex;
    uint8_t forgiven;
    uint16_t notes;
};

static void test_lenient_reading(void)
{
    static const struct leniency cases[] = {
        {"rfc7434", "00C8%3Bencoding%3Dhex", "00C8", UUI_R_ESCAPED, 0},
        {"rfc7434", "00C8%253Bencoding%253Dhex", "00C8", UUI_R_ESCAPED, 0},
        {"rfc7434", "123456789;encoding=hex", "12345678", UUI_R_HEX_ODD, 0},
        {"rfc7434", "foobar", "04666F6F626172", UUI_R_HEX_CHAR,
         UUI_NOTE_PD_ADDED | UUI_NOTE_LOOKS_TEXT},
        {"rfc7434", "Hello;encoding=ascii", "0448656C6C6F", UUI_R_ENCODING, NO_PD},
        {"genesys", "XX12;encoding=ascii", "0058583132", UUI_R_DIALECT, NO_PD},
        {"avaya-shared", "00FAC9640001000100000001;encoding=hex", "00FAC9640001000100000001",
         UUI_R_SHARED_ITEM, 0},
        {"telcobridges-text", "50%;encoding=text", "04353025", UUI_R_DIALECT, NO_PD},
        {"audiocodes-x", "Hello", "0448656C6C6F", UUI_R_HEX_CHAR, NO_PD},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct uui_far far = far_of(cases[i].dialect);
        test_context(cases[i].text);
        struct uui_value strict = read_as(&far, cases[i].text);
        CHECK(strict.verdict != UUI_VALID);
        far.reading = UUI_READ_LENIENT;
        struct uui_value v = read_as(&far, cases[i].text);
        CHECK_INT(v.verdict, UUI_VALID);
        CHECK_STR(str_c(uui_rule_name(v.forgiven)), uui_rule_name(cases[i].forgiven));
        CHECK_INT(v.notes & UUI_NOTE_FORGIVEN, UUI_NOTE_FORGIVEN);
        CHECK_INT(v.notes & cases[i].notes, cases[i].notes);
        check_octets(&v, cases[i].hex);
    }
    const struct uui_packages lenient = {.lenient = true};
    struct uui_far far = far_of("rfc7434");
    struct uui_value v;
    CHECK_INT(uui_dialect_read(&far, &lenient, STR("foobar"), &arena, &v), 0);
    CHECK_INT(v.verdict, UUI_VALID);
    far.reading = UUI_READ_STRICT;
    CHECK_INT(uui_dialect_read(&far, &lenient, STR("foobar"), &arena, &v), 0);
    CHECK_INT(v.verdict, UUI_WRONG);
    end();
}

static void test_lenient_writing(void)
{
    struct uui_far far = far_of("bare-hex");
    struct uui_dialect_text t;
    enum uui_rule why;
    begin();
    far.reading = UUI_READ_LENIENT;
    struct uui_value v = value_of(STR("\010A"));
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
    CHECK_STR(t.value, "41");
    CHECK_INT(t.notes, UUI_NOTE_PD_DROPPED);
    far = far_of("avaya-shared");
    far.max_octets = 12;
    v = value_of(STR("\004\xFA\01012345678\xC8\003abc\xC9\001x"));
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), E_TOOBIG);
    far.reading = UUI_READ_LENIENT;
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
    CHECK_STR(t.value, "04C803616263C90178;encoding=hex");
    CHECK_INT(t.notes, UUI_NOTE_ITEMS_DROPPED);
    far.item[0] = 0xC9; /* the configuration may see that otherwise */
    far.item[1] = 0xFA;
    far.item_n = 2;
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
    CHECK_STR(t.value, "04C803616263C90178;encoding=hex");
    far.max_octets = 13;
    CHECK_INT(uui_dialect_write(&far, NULL, &v, &arena, &t, &why), 0);
    CHECK_STR(t.value, "04FA083132333435363738C90178;encoding=hex");
    end();
}

/* ---------------------------------------------------------------------- no memory */

/** Every allocation fails once: that is E_NOMEM, or it was not needed. */
static void test_memory_is_out(void)
{
    begin();
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        struct uui_far far = far_of(readings[i].dialect);
        far.reading = UUI_READ_LENIENT;
        struct uui_value whole = read_as(&far, readings[i].text);
        test_context(readings[i].text);
        int err = E_NOMEM;
        for (size_t k = 1; err == E_NOMEM && k < 20; k++) {
            struct test_mem mem;
            struct arena poor;
            struct uui_value v;
            test_mem_init(&mem);
            mem.fail_at = k;
            arena_init(&poor, &mem.mem, 1);
            err = uui_dialect_read(&far, NULL, str_c(readings[i].text), &poor, &v);
            CHECK(err == 0 || err == E_NOMEM);
            if (err == 0) {
                CHECK(str_eq(v.octets, whole.octets));
            }
            arena_fini(&poor);
        }
        CHECK_INT(err, 0);
    }
    end();
}

TEST_MAIN(T(test_rows_write_their_example), T(test_documentation_has_them),
          T(test_what_they_read), T(test_canonical_stays), T(test_what_they_refuse),
          T(test_limits_of_a_neighbour), T(test_packages_on_the_way_out), T(test_round_trips),
          T(test_lenient_reading), T(test_lenient_writing), T(test_memory_is_out))
