/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the `seal` of a package makes of a value: off, optional and required against no seal, a
 * whole one, a broken one, and one that we have no key for.
 */
#include "base/err.h"
#include "kit_seal.h"
#include "seal/value.h"
#include "uui/dialect.h"

static const struct str contents[] = {STR_INIT("record"), STR_INIT("note")};

/** An element that carries `octets` as hex. */
static struct str element(struct arena *a, struct str octets, const char *params)
{
    char *buf = arena_alloc(a, octets.n * 2 + 128);
    struct out o;
    out_init(&o, buf, octets.n * 2 + 128);
    out_hex(&o, octets, true);
    out_c(&o, ";encoding=hex");
    out_c(&o, params);
    return out_str_of(&o);
}

struct fixture {
    struct kit_end a, b;
    struct uui_package row[2];
    struct uui_packages known;
    struct seal_opened opened;
};

static void setup(struct fixture *f, enum uui_seal seal)
{
    kit_end_init(&f->a, true, &(struct seal_config){0});
    kit_end_init(&f->b, false, &(struct seal_config){0});
    f->row[0] = *uui_package_of(NULL, uui_isdn);
    f->row[0].seal = (uint8_t)seal;
    f->row[1] = (struct uui_package){
        .name = STR("crm"), .contents = contents, .content_n = 2, .seal = (uint8_t)seal};
    f->known = (struct uui_packages){.row = f->row, .n = 2};
}

static void teardown(struct fixture *f)
{
    kit_end_fini(&f->a);
    kit_end_fini(&f->b);
}

static enum seal_result look(struct fixture *f, struct str octets, const char *params,
                             uint64_t message, struct uui_value *v)
{
    struct seal_from from = {.way = SEAL_FORWARD, .message = message, .wall_s = f->b.k.wall_s};
    CHECK_INT(uui_parse(element(&f->b.a, octets, params), &f->known, &f->b.a, v), 0);
    return seal_value(&f->b.s, &f->known, v, &from, &f->b.a, &f->opened);
}

static void test_table(void)
{
    static const struct {
        enum uui_seal seal;
        int whole, none, broken, foreign; /* rules */
    } table[] = {
        {UUI_SEAL_OFF, UUI_R_NONE, UUI_R_NONE, UUI_R_NONE, UUI_R_NONE},
        {UUI_SEAL_OPTIONAL, UUI_R_NONE, UUI_R_NONE, UUI_R_BAD_SEAL, UUI_R_NONE},
        {UUI_SEAL_REQUIRED, UUI_R_NONE, UUI_R_NO_SEAL, UUI_R_BAD_SEAL, UUI_R_BAD_SEAL},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct fixture f;
        struct uui_value v;
        setup(&f, table[i].seal);
        bool off = table[i].seal == UUI_SEAL_OFF;
        struct str frame = kit_close(&f.a, BOX_KEY, STR("\x04Hello"), UUI_ISDN_OCTETS, 0);
        struct str octets = arena_dup(&f.b.a, frame);

        CHECK_INT(look(&f, octets, "", 1, &v), off ? SEAL_NOT_SEALED : SEAL_OK);
        CHECK_INT(v.rule, table[i].whole);
        CHECK_BYTES(v.octets, off ? octets : STR("\x04Hello"));

        CHECK_INT(look(&f, octets, "", 2, &v), off ? SEAL_NOT_SEALED : SEAL_REPLAYED);
        CHECK_INT(v.rule, table[i].broken);

        CHECK_INT(look(&f, STR("\x04Hello"), "", 1, &v), SEAL_NOT_SEALED);
        CHECK_INT(v.rule, table[i].none);
        CHECK_INT(v.verdict, uui_rule_verdict((enum uui_rule)table[i].none));

        f.a.frame[20] ^= 1;
        CHECK_INT(look(&f, frame, "", 1, &v), off ? SEAL_NOT_SEALED : SEAL_FORGED);
        CHECK_INT(v.rule, table[i].broken);
        CHECK_INT(v.octets.p == NULL, !off);

        f.a.frame[2] = 99;
        CHECK_INT(look(&f, frame, "", 1, &v), off ? SEAL_NOT_SEALED : SEAL_UNKNOWN_KEY);
        CHECK_INT(v.rule, table[i].foreign);
        teardown(&f);
    }
}

/* The package's default content counts as written (RFC 7433 §4). */
static void test_default_content(void)
{
    struct fixture f;
    struct uui_value v;
    struct out o;
    char frame[128];
    setup(&f, UUI_SEAL_REQUIRED);
    struct seal_about about = seal_about_of(&f.row[1], STR("crm"), STR_NONE, SEAL_FORWARD);
    CHECK_STR(about.content, "record");
    out_init(&o, frame, sizeof(frame));
    CHECK_INT(seal_close(&f.a.s, SIV_KEY, &about, STR("x"), 0, f.a.k.wall_s, &o), 0);
    struct str octets = out_str_of(&o);
    CHECK_INT(look(&f, octets, ";purpose=crm", 1, &v), SEAL_OK);
    CHECK_INT(look(&f, octets, ";purpose=crm;content=record", 1, &v), SEAL_OK);
    CHECK_INT(look(&f, octets, ";purpose=crm;content=note", 1, &v), SEAL_FORGED);
    CHECK_INT(look(&f, octets, "", 1, &v), SEAL_FORGED); /* as isdn-uui */
    teardown(&f);
}

/* What is not valid already stays what it is. */
static void test_other_verdicts_stay(void)
{
    struct fixture f;
    struct uui_value v;
    setup(&f, UUI_SEAL_REQUIRED);
    struct str frame = kit_close(&f.a, SIV_KEY, STR("x"), 0, 0);
    CHECK_INT(look(&f, frame, ";purpose=other", 1, &v), SEAL_NOT_SEALED);
    CHECK_INT(v.rule, UUI_R_PACKAGE);
    CHECK_INT(look(&f, frame, ";content=other", 1, &v), SEAL_NOT_SEALED);
    CHECK_INT(v.rule, UUI_R_CONTENT);
    teardown(&f);
}

static void test_without_keys(void)
{
    struct fixture f;
    struct uui_value v;
    setup(&f, UUI_SEAL_REQUIRED);
    struct seal_from from = {.message = 1, .wall_s = f.b.k.wall_s};
    struct str frame = kit_close(&f.a, SIV_KEY, STR("x"), 0, 0);
    CHECK_INT(uui_parse(element(&f.b.a, frame, ""), &f.known, &f.b.a, &v), 0);
    CHECK_INT(seal_value(NULL, &f.known, &v, &from, &f.b.a, &f.opened), SEAL_UNKNOWN_KEY);
    CHECK_INT(v.rule, UUI_R_BAD_SEAL);
    seal_set_keys(&f.b.s, NULL);
    CHECK_INT(look(&f, frame, "", 1, &v), SEAL_UNKNOWN_KEY);
    teardown(&f);
}

/* ---- through dialects ---- */

enum fate {
    WHOLE, /**< what comes back out of the dialect opens */
    NOT,   /**< it is not sent */
};

/** What becomes of a frame that is written in a dialect and read back, of isdn-uui and of
   another package. Not here: whole, and not sent. */
static const struct {
    const char *name;
    enum fate isdn, crm;
} dialects[] = {
    {"rfc7434", WHOLE, WHOLE},
    {"avaya-shared", WHOLE, WHOLE},
    {"oracle", WHOLE, WHOLE},
    {"twilio", WHOLE, WHOLE},
    {"vonage", WHOLE, WHOLE},
    {"bandwidth", WHOLE, WHOLE},
    {"telnyx", WHOLE, WHOLE},
    {"genesys", NOT, NOT},
    {"genesys-pd", NOT, NOT},
    {"genesys-ascii", NOT, NOT},
    {"genesys-x", NOT, NOT},
    {"audiocodes-x", NOT, NOT},
    {"audiocodes-text", NOT, NOT},
    {"telcobridges", NOT, NOT},
    {"telcobridges-text", NOT, NOT},
    {"amazon", NOT, NOT},
    {"talkdesk", NOT, NOT},
    {"bare-hex", NOT, NOT},
    {"ascii", NOT, NOT},
    {"x-header", NOT, NOT},
};

static enum fate through(struct fixture *f, const struct uui_dialect *d, const char *params,
                         struct str package)
{
    struct seal_about about =
        seal_about_of(uui_package_of(&f->known, package), package, STR_NONE, SEAL_FORWARD);
    struct seal_from from = {.way = SEAL_FORWARD, .wall_s = f->b.k.wall_s};
    struct uui_far far = {.dialect = d};
    struct uui_dialect_text text;
    struct uui_value v;
    enum uui_rule why;
    struct out o;
    out_init(&o, f->a.frame, sizeof(f->a.frame));
    CHECK_INT(seal_close(&f->a.s, SIV_KEY, &about, STR("\x04\xAA\x00\xFF"), UUI_ISDN_OCTETS,
                         f->a.k.wall_s, &o),
              0);
    CHECK_INT(uui_parse(element(&f->b.a, out_str_of(&o), params), &f->known, &f->b.a, &v), 0);
    int err = uui_dialect_write(&far, &f->known, &v, &f->b.a, &text, &why);
    CHECK(err == 0 || err == E_VALUE || err == E_TOOBIG);
    if (err != 0) {
        return NOT;
    }
    CHECK_INT(uui_dialect_read(&far, &f->known, text.value, &f->b.a, &v), 0);
    enum seal_result r = seal_value(&f->b.s, &f->known, &v, &from, &f->b.a, &f->opened);
    CHECK_INT(r, SEAL_OK);
    return WHOLE;
}

/** A frame lies in the octets: whatever form they take, they are the same ones, or it is not
    sent at all. Baton never gives a value another package or content. */
static void test_dialects(void)
{
    struct fixture f;
    setup(&f, UUI_SEAL_REQUIRED);
    for (size_t i = 0; uui_dialect_at(i) != NULL; i++) {
        const struct uui_dialect *d = uui_dialect_at(i);
        enum fate isdn = WHOLE, crm = NOT;
        for (size_t k = 0; k < ARRAY_LEN(dialects); k++) {
            if (str_eq(d->name, str_c(dialects[k].name))) {
                isdn = dialects[k].isdn;
                crm = dialects[k].crm;
            }
        }
        char name[32];
        (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(d->name));
        test_context(name);
        CHECK_INT(through(&f, d, ";purpose=isdn-uui", uui_isdn), isdn);
        CHECK_INT(through(&f, d, ";purpose=crm", STR("crm")), crm);
        test_context(NULL);
    }
    teardown(&f);
}

TEST_MAIN(T(test_table), T(test_dialects), T(test_default_content), T(test_other_verdicts_stay),
          T(test_without_keys))
