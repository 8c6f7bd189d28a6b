/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collected User-to-User values and what a grammar checker that was written apart from this
 * one says of them: samples/{valid,invalid,legacy}.txt, one value a line with the verdict in
 * words, and values/ with the verdicts in MANIFEST.tsv.
 *
 * Two lines of invalid.txt are well-formed and fall under a rule that says "discard", so
 * they are IGNORED here: U109 (two isdn-uui) and U112 (isdn-uui with another content).
 *
 * Lines of legacy.txt are read twice: by the standard, where ";pd=" (U021, U027, U078) is a
 * generic parameter, the value VALID and its first octet the discriminator, and where other
 * header names and URI parameters have no User-to-User value at all; and in the dialects of
 * those who write them. messages/ has whole messages, in which values stand in URIs, too.
 *
 * Where the folder is not there, test_uui.c, test_uui_dialect.c and test_uui_list.c have
 * values of the same kinds.
 */
#include "sip/hdr.h"
#include "test.h"
#include "uui/dialect.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

struct sample {
    struct str id, kind, value, note;
};

/** Cut at the first tab. */
static struct str column(struct str *rest)
{
    size_t tab = str_index(*rest, '\t');
    struct str s = str_upto(*rest, tab);
    *rest = str_from(*rest, tab + 1);
    return s;
}

static struct uui_list list_of(const struct sample *s)
{
    struct uui_list l = {0};
    if (str_eq(s->kind, STR("h"))) {
        struct str line = str_from(s->value, strlen("User-to-User: "));
        CHECK(str_starts(s->value, STR("User-to-User: ")));
        CHECK_INT(uui_list_parse(&line, 1, NULL, &arena, &l), 0);
    } else if (str_eq(s->kind, STR("u"))) {
        struct str headers = uui_uri_headers(s->value);
        CHECK_INT(uui_list_parse_uri(headers, NULL, &arena, &l), 0);
    }
    return l;
}

static bool has(struct str s, const char *what)
{
    return str_find(s, str_c(what)) < s.n;
}

/** The decimal number behind `what`, or -1. */
static long number_after(struct str s, const char *what)
{
    size_t at = str_find(s, str_c(what));
    uint32_t n = 0;
    s = str_from(s, at + strlen(what));
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9') {
        digits++;
    }
    return str_to_u32(str_upto(s, digits), &n) ? (long)n : -1;
}

/** The number in front of " octets". */
static long octets_of(struct str note)
{
    size_t end = str_find(note, STR(" octets"));
    size_t begin = end;
    uint32_t n = 0;
    while (begin > 0 && note.p[begin - 1] >= '0' && note.p[begin - 1] <= '9') {
        begin--;
    }
    return str_to_u32(str_make(note.p + begin, end - begin), &n) ? (long)n : -1;
}

static void check_valid(const struct sample *s, const struct uui_list *l)
{
    CHECK(l->n > 0);
    for (size_t i = 0; i < l->n; i++) {
        const struct uui_value *v = &l->v[i];
        bool foreign = str_is_set(v->purpose) && !str_ieq(v->purpose, uui_isdn);
        CHECK_INT(v->rule, foreign ? UUI_R_PACKAGE : UUI_R_NONE);
    }
    CHECK_INT(has(s->note, "not registered"), l->n > l->isdn_seen);
    CHECK_INT(has(s->note, ">129"), l->isdn && (l->isdn->notes & UUI_NOTE_LONG) != 0);
    if (l->n == 1 && str_is_set(l->v[0].encoding)) {
        CHECK_INT(l->v[0].octets.n, octets_of(s->note));
    }
    size_t pd = str_find(s->note, STR("PD 0x"));
    if (l->isdn && pd < s->note.n) {
        int high = hex_digit(s->note.p[pd + 5]);
        int low = hex_digit(s->note.p[pd + 6]);
        CHECK_INT(uui_discriminator(l->isdn), high * 16 + low);
    }
}

static enum uui_rule expected_fault(const struct sample *s)
{
    static const struct {
        const char *words;
        enum uui_rule rule;
    } table[] = {
        {"still URI-escaped", UUI_R_ESCAPED},
        {"odd number of hex", UUI_R_HEX_ODD},
        {"unescaped ;", UUI_R_URI_CHAR},
        {"header 'User-to-User%3D", UUI_R_URI_EQUALS},
        {"header 'x-foo", UUI_R_HEX_CHAR},
        {"purpose value must", UUI_R_PURPOSE_FORM},
        {"encoding value must", UUI_R_ENCODING_FORM},
        {"not hex", UUI_R_HEX_CHAR},
        {"unterminated", UUI_R_QUOTE_OPEN},
        {"unexpected '", UUI_R_CHAR},
        {"no token at 0 ('{')", UUI_R_CHAR},
        {"no token at 0", UUI_R_EMPTY},
        {"duplicate param", UUI_R_PARAM_TWICE},
        {"must be ignored", UUI_R_CONTENT},
        {"discard all", UUI_R_MANY},
    };
    if (str_eq(s->id, STR("U116"))) {
        return UUI_R_PARAM_NAME;
    }
    if (str_eq(s->id, STR("U117"))) {
        return UUI_R_EMPTY;
    }
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (has(s->note, table[i].words)) {
            return table[i].rule;
        }
    }
    return UUI_R_NONE;
}

static void check_invalid(const struct sample *s, const struct uui_list *l)
{
    const struct uui_value *worst = NULL;
    for (size_t i = 0; i < l->n; i++) {
        worst = !worst || l->v[i].verdict > worst->verdict ? &l->v[i] : worst;
    }
    REQUIRE(worst != NULL);
    CHECK_STR(str_c(uui_rule_name(worst->rule)), uui_rule_name(expected_fault(s)));
    bool discard = str_eq(s->id, STR("U109")) || str_eq(s->id, STR("U112"));
    CHECK_INT(worst->verdict, discard ? UUI_IGNORED : UUI_WRONG);
    long at = number_after(s->note, "' at ");
    at = at < 0 ? number_after(s->note, "no token at ") : at;
    if (at >= 0 && str_eq(s->kind, STR("h"))) {
        size_t offset = (size_t)(worst->text.p - s->value.p) - strlen("User-to-User: ");
        CHECK_INT(offset + worst->at, at);
    }
}

static void check_legacy(const struct sample *s, const struct uui_list *l)
{
    if (!str_eq(s->kind, STR("h"))) {
        CHECK_INT(l->n, 0);
        return;
    }
    CHECK(l->n > 0);
    for (size_t i = 0; i < l->n; i++) {
        bool ignored = has(s->note, "(receiver ignores)");
        CHECK_INT(l->v[i].verdict, ignored ? UUI_IGNORED : UUI_VALID);
        CHECK_INT((l->v[i].notes & UUI_NOTE_DRAFT_PURPOSE) != 0,
                  has(s->note, "isdn-interwork"));
    }
    if (has(s->note, "pd= param")) {
        REQUIRE(l->isdn != NULL);
        CHECK_INT(l->isdn->octets.n, octets_of(s->note));
    }
}

static void run_file(const char *name, unsigned lines,
                     void (*check)(const struct sample *, const struct uui_list *))
{
    const char *dir = test_data_dir("uui/samples");
    char path[512];
    if (!dir) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    struct str file = test_read_file(path);
    struct str rest = file;
    unsigned n = 0;
    REQUIRE(file.n > 0);
    while (rest.n > 0) {
        size_t end = str_index(rest, '\n');
        struct str line = str_upto(rest, end);
        rest = str_from(rest, end + 1);
        if (line.n == 0 || line.p[0] == '#') {
            continue;
        }
        struct sample s = {.id = column(&line), .kind = column(&line)};
        column(&line);
        s.value = column(&line);
        s.note = line;
        char context[16];
        snprintf(context, sizeof(context), "%.*s", STR_ARG(s.id));
        test_context(context);
        arena_init(&arena, &mem_libc, 4096);
        struct uui_list l = list_of(&s);
        check(&s, &l);
        arena_fini(&arena);
        test_context(NULL);
        n++;
    }
    CHECK(n >= lines);
    free((void *)(uintptr_t)file.p);
}

static void test_valid_samples(void)
{
    run_file("valid.txt", 48, check_valid);
}

static void test_invalid_samples(void)
{
    run_file("invalid.txt", 44, check_invalid);
}

static void test_legacy_samples(void)
{
    run_file("legacy.txt", 35, check_legacy);
}

/** Files of a folder of the data with that ending; it is there. */
static size_t files_in(const char *dir, const char *ending)
{
    DIR *d = opendir(dir);
    const struct dirent *file;
    size_t n = 0;
    CHECK(d != NULL);
    while (d != NULL && (file = readdir(d)) != NULL) {
        n += str_ends(str_c(file->d_name), str_c(ending));
    }
    if (d != NULL) {
        (void)closedir(d);
    }
    return n;
}

/** values/: MANIFEST.tsv calls 09 and 10 valid, which they are by grammar; their packages
    are not registered. `shared`: read as shared UUI, for those that are noted as that. */
static void test_single_values(void)
{
    static const struct {
        const char *file;
        enum uui_rule rule;
        int pd; /**< -1: there is none, or no octets */
        uint16_t notes;
        int shared; /**< -1: it is none */
    } files[] = {
        {"uui_01", UUI_R_NONE, 0x00, 0, UUI_R_NONE},
        {"uui_03", UUI_R_NONE, 0x30, UUI_NOTE_DRAFT_PURPOSE, -1},
        {"uui_04", UUI_R_CHAR, -1, 0, -1},
        {"uui_06", UUI_R_HEX_ODD, -1, 0, -1},
        {"uui_07", UUI_R_NONE, 0x34, 0, -1},
        {"uui_09", UUI_R_PACKAGE, -1, 0, -1},
        {"uui_10", UUI_R_PACKAGE, -1, 0, -1},
        {"uui_12", UUI_R_HEX_ODD, -1, 0, -1},
        {"uui_13", UUI_R_NONE, 0x00, 0, -1},
        {"uui_15", UUI_R_NONE, 0x00, 0, UUI_R_NONE},
        {"uui_16", UUI_R_NONE, 0x00, 0, UUI_R_SHARED_ITEM},
        {"uui_18", UUI_R_ESCAPED, -1, 0, -1},
        {"uui_19", UUI_R_ESCAPED, -1, 0, -1},
        {"uui_21", UUI_R_NONE, 0x04, UUI_NOTE_NO_ENCODING, UUI_R_SHARED_ITEM},
        {"uui_22", UUI_R_NONE, 0x04, 0, -1},
        {"uui_24", UUI_R_HEX_CHAR, -1, UUI_NOTE_LOOKS_TEXT, -1},
        {"uui_25", UUI_R_HEX_CHAR, -1, UUI_NOTE_LOOKS_TEXT, -1},
        {"uui_27", UUI_R_EMPTY, -1, 0, -1},
        {"uui_28", UUI_R_PACKAGE, -1, 0, -1},
    };
    const char *dir = test_data_dir("uui/values");
    const struct uui_far avaya = {.dialect = uui_dialect_named(STR("avaya-shared"))};
    for (size_t i = 0; dir && i < ARRAY_LEN(files); i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s.txt", dir, files[i].file);
        struct str text = test_read_file(path);
        struct uui_value v;
        test_context(files[i].file);
        REQUIRE(text.n > 0);
        arena_init(&arena, &mem_libc, 4096);
        CHECK_INT(uui_parse(text, NULL, &arena, &v), 0);
        CHECK_STR(str_c(uui_rule_name(v.rule)), uui_rule_name(files[i].rule));
        CHECK_INT(uui_discriminator(&v), files[i].pd);
        CHECK_INT(v.notes, files[i].notes);
        if (files[i].shared >= 0) {
            CHECK_INT(uui_dialect_read(&avaya, NULL, text, &arena, &v), 0);
            CHECK_STR(str_c(uui_rule_name(v.rule)),
                      uui_rule_name((enum uui_rule)files[i].shared));
        }
        arena_fini(&arena);
        free((void *)(uintptr_t)text.p);
    }
    test_context(NULL);
    CHECK(dir == NULL ||
          files_in(dir, ".txt") == ARRAY_LEN(files)); /* and there are no others */
}

/** What lines of legacy.txt and invalid.txt are in the dialect of those who write them. */
struct in_dialect {
    const char *id, *dialect;
    uint8_t rule;
    int pd;
    const char *info; /**< as text or, behind "0x", as hex */
};

static const struct in_dialect dialect_lines[] = {
    {"U021", "genesys-pd", UUI_R_NONE, 0, "This"},
    {"U022", "genesys-x", UUI_R_NONE, 0, "This"},
    {"U023", "genesys-x", UUI_R_NONE, 0, "asciidata"},
    {"U024", "genesys-ascii", UUI_R_NONE, 1, "d9a3c1f0-5b7e-4c0a-9a51-0f6f0b0e6d11"},
    {"U026", "genesys-ascii", UUI_R_DIALECT, -1, NULL},
    {"U027", "genesys-pd", UUI_R_NONE, 0, "Hello"},
    {"U070", "ascii", UUI_R_NONE, 4, "call-8a1f"},
    {"U073", "x-header", UUI_R_NONE, 4, "call-8a1f"},
    {"U074", "x-header", UUI_R_NONE, 4, "Hello"},
    {"U078", "audiocodes-pd", UUI_R_NONE, 4, "007451741655;1234;84"},
    {"U079", "audiocodes-x", UUI_R_NONE, 4, "007451741655;1234;84"},
    {"U080", "telcobridges", UUI_R_NONE, 4, "0000001.This is a test UUI value"},
    {"U081", "telcobridges-text", UUI_R_NONE, 4, "0000001.This is a test UUI value"},
    {"U082", "telcobridges-text", UUI_R_NONE, 4,
     "0x000000000000032E5468697320697320612074657374205555492076616C7565"},
    {"U083", "telcobridges-text", UUI_R_NONE, 4,
     "0000001.This is a test UUI value with only printable characters legal in a SIP header"},
    {"U085", "sangoma", UUI_R_NONE, 4, "sangomaTechnologies.com"},
    {"U086", "sangoma", UUI_R_NONE, 4, "sangomaTechnologies.com"},
    {"U087", "sangoma", UUI_R_NONE, 4,
     "12859888-3689057700-617952@xyz.mydomain.com;encoding=text"},
    {"U089", "cisco-aai", UUI_R_NONE, 4, "0xC80C48656C6C6520746865726521FA080001066A4E255AEC"},
    {"U090", "cisco-aai", UUI_R_NONE, 4, "0xC80C48656C6C6520746865726521FA080001066A4E255AEC"},
    {"U091", "cisco-gtd", UUI_R_NONE, 4, "12345"},
    {"U035", "twilio", UUI_R_NONE, 4, "foobar"},
    {"U029", "twilio", UUI_R_HEX_ODD, -1, NULL},
};

/** The value in a whole line: behind the header's name, or behind ";aai=" in its URI. */
static struct str value_of_line(const struct uui_dialect *d, struct str line)
{
    for (size_t i = 0; i < UUI_CARRIERS_MAX; i++) {
        const struct uui_carrier *c = &d->carrier[i];
        if (c->place == UUI_AT_HEADER && str_istarts(line, c->name)) {
            return str_from(line, c->name.n + 1);
        }
        size_t at = c->place == UUI_AT_URI_PARAM ? str_find(line, c->name) : line.n;
        if (at < line.n) {
            struct str value = str_from(line, at + c->name.n + 1);
            return str_upto(value, str_index(value, ' '));
        }
    }
    return line;
}

static size_t dialect_seen;

static void check_dialect(const struct sample *s, const struct uui_list *l)
{
    (void)l;
    for (size_t i = 0; i < ARRAY_LEN(dialect_lines); i++) {
        const struct in_dialect *e = &dialect_lines[i];
        struct uui_far far = {.dialect = uui_dialect_named(str_c(e->dialect))};
        char hex[256] = "";
        struct uui_value v;
        struct out o;
        if (!str_eq(s->id, str_c(e->id))) {
            continue;
        }
        REQUIRE(far.dialect != NULL);
        struct str text = value_of_line(far.dialect, s->value);
        CHECK_INT(uui_dialect_read(&far, NULL, text, &arena, &v), 0);
        CHECK_STR(str_c(uui_rule_name(v.rule)), uui_rule_name(e->rule));
        CHECK_INT(uui_discriminator(&v), e->pd);
        out_init(&o, hex, sizeof(hex));
        out_c(&o, "0x");
        out_hex(&o, str_from(v.octets, 1), true);
        if (e->info) {
            bool digits = strncmp(e->info, "0x", 2) == 0;
            CHECK_STR(digits ? out_str_of(&o) : str_from(v.octets, 1), e->info);
        }
        dialect_seen++;
    }
}

static void test_lines_in_their_dialect(void)
{
    dialect_seen = 0;
    run_file("legacy.txt", 35, check_dialect);
    run_file("invalid.txt", 44, check_dialect);
    if (test_data_dir("uui/samples")) {
        CHECK_INT(dialect_seen, ARRAY_LEN(dialect_lines));
    }
}

/** Names of the rules of all values of a message: of the header, then of each URI. */
static struct str rules_of_message(struct str text, char *buf, size_t size)
{
    struct str lines[8], rest = text, address;
    size_t n = 0;
    struct uui_list l;
    struct out o;
    out_init(&o, buf, size);
    for (int pass = 0; pass < 2; pass++) {
        for (rest = text; rest.n > 0;) {
            struct str line = str_trim(str_upto(rest, str_index(rest, '\n')));
            size_t colon = str_index(line, ':');
            struct str name = str_upto(line, colon),
                       value = str_trim(str_from(line, colon + 1));
            rest = str_from(rest, str_index(rest, '\n') + 1);
            bool own = str_ieq(name, STR("User-to-User"));
            if (line.n > 0 && line.p[0] == '#') {
                continue;
            }
            if (pass == 0 && own && n < 8) {
                lines[n++] = value;
            }
            while (pass == 1 && !own && sip_list_next(&value, &address)) {
                CHECK_INT(uui_list_parse_uri(uui_uri_headers(address), NULL, &arena, &l), 0);
                for (size_t i = 0; i < l.n; i++) {
                    out_fmt(&o, " %.*s:%s", STR_ARG(name),
                            uui_rule_name((enum uui_rule)l.v[i].rule));
                }
            }
        }
        if (pass == 0) {
            CHECK_INT(uui_list_parse(lines, n, NULL, &arena, &l), 0);
            for (size_t i = 0; i < l.n; i++) {
                out_fmt(&o, " %s", uui_rule_name((enum uui_rule)l.v[i].rule));
            }
        }
    }
    return out_str_of(&o);
}

static void test_messages(void)
{
    static const struct {
        const char *file, *rules;
    } files[] = {
        {"samples/messages/m01_rfc7433_redirected_invite", " NONE History-Info:NONE"},
        {"samples/messages/m02_rfc7044_style_redirected_invite",
         " PACKAGE History-Info:PACKAGE"},
        {"samples/messages/m03_freeswitch_refer_real", " ESCAPED Refer-To:NONE"},
        {"samples/messages/m04_freeswitch_invite_after_refer_real", " ESCAPED"},
        {"samples/messages/m05_avaya_invite_real", " NONE"},
        {"samples/messages/m06_odd_hex_invite_real", " HEX_ODD"},
        {"samples/messages/m07_redirect_with_original_uui", " Contact:PACKAGE"},
        {"samples/messages/m08_420_require_uui", ""},
        {"samples/messages/m09_options_200_discovery", ""},
        {"samples/messages/m10_bye_with_uui", " NONE"},
        {"samples/messages/m11_register_feature_tags", ""},
        {"samples/messages/m12_invite_accept_contact", " NONE"},
        {"messages/fs_refer_uui_in_refer_to", " ESCAPED Refer-To:NONE"},
    };
    const char *dir = test_data_dir("uui");
    for (size_t i = 0; dir && i < ARRAY_LEN(files); i++) {
        char path[512], rules[256];
        snprintf(path, sizeof(path), "%s/%s.sip", dir, files[i].file);
        test_context(files[i].file);
        struct str text = test_read_file(path);
        REQUIRE(text.n > 0);
        arena_init(&arena, &mem_libc, 4096);
        CHECK_STR(rules_of_message(text, rules, sizeof(rules)), files[i].rules);
        arena_fini(&arena);
        free((void *)(uintptr_t)text.p);
    }
    test_context(NULL);
    if (dir != NULL) { /* and there are no others */
        char path[512];
        snprintf(path, sizeof(path), "%s/samples/messages", dir);
        size_t n = files_in(path, ".sip");
        snprintf(path, sizeof(path), "%s/messages", dir);
        CHECK_INT(n + files_in(path, ".sip"), ARRAY_LEN(files));
    }
}

TEST_MAIN(T(test_valid_samples), T(test_invalid_samples), T(test_legacy_samples),
          T(test_single_values), T(test_lines_in_their_dialect), T(test_messages))
