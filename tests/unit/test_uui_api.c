/* SPDX-License-Identifier: Apache-2.0 */
/* Dialects and shared UUI through the public header: the caller's buffer is all there is. */
#include "base/attr.h"
#include "baton/uui.h"
#include "test.h"
#include <stdlib.h>

static struct str text_of(const char *p, size_t n)
{
    return str_make(p, n);
}

static void test_read(void)
{
    const char text[] = "protocol-discriminator=8;user-information=a%40b";
    const struct baton_uui_far vega = {.dialect = "sangoma"};
    char buf[BATON_UUI_ROOM(sizeof(text))];
    struct baton_uui_value v;
    CHECK_INT(baton_uui_read(text, sizeof(text) - 1, &vega, buf, sizeof(buf), &v), 0);
    CHECK_INT(v.verdict, BATON_UUI_VALID);
    CHECK_STR(text_of(v.text, v.text_len), "08614062;encoding=hex;purpose=isdn-uui");
    CHECK_STR(text_of((const char *)v.octets, v.octets_len), "\010a@b");
    CHECK_INT(baton_uui_discriminator(&v), 8);
    CHECK_INT(v.notes, 0);
    CHECK_INT(baton_uui_read("0448", 4, NULL, buf, sizeof(buf), &v), 0);
    CHECK_STR(text_of(v.text, v.text_len), "0448");
    const struct baton_uui_far nobody = {.dialect = "klingon"};
    CHECK_INT(baton_uui_read("0448", 4, &nobody, buf, sizeof(buf), &v), BATON_UUI_EVALUE);
}

static void test_read_leniently(void)
{
    const struct baton_uui_far strict = {.dialect = "bare-hex", .has_pd = true, .pd = 0};
    struct baton_uui_far lenient = strict;
    char buf[BATON_UUI_ROOM(5)];
    struct baton_uui_value v;
    lenient.lenient = true;
    CHECK_INT(baton_uui_read("Hello", 5, &strict, buf, sizeof(buf), &v), 0);
    CHECK_INT(v.rule, BATON_UUI_RULE_HEX_CHAR);
    CHECK_INT(v.forgiven, BATON_UUI_RULE_NONE);
    CHECK(v.octets == NULL);
    CHECK_INT(baton_uui_read("Hello", 5, &lenient, buf, sizeof(buf), &v), 0);
    CHECK_INT(v.verdict, BATON_UUI_VALID);
    CHECK_INT(v.forgiven, BATON_UUI_RULE_HEX_CHAR);
    CHECK_INT(v.notes & (BATON_UUI_NOTE_FORGIVEN | BATON_UUI_NOTE_PD_ADDED),
              BATON_UUI_NOTE_FORGIVEN | BATON_UUI_NOTE_PD_ADDED);
    CHECK_INT(v.octets[0], 0);
}

static void test_write(void)
{
    const char text[] = "0448656C6C6F;encoding=hex";
    const struct baton_uui_far cvp = {.dialect = "cisco-aai"};
    const struct baton_uui_far narrow = {.dialect = "genesys", .max_octets = 4};
    char buf[BATON_UUI_ROOM(sizeof(text))];
    struct baton_uui_text t = {0};
    enum baton_uui_rule why;
    CHECK_INT(baton_uui_write(text, sizeof(text) - 1, &cvp, buf, sizeof(buf), &t, &why), 0);
    CHECK_INT(t.place, BATON_UUI_AT_URI_PARAM);
    CHECK_STR(text_of(t.name, t.name_len), "aai");
    CHECK_STR(text_of(t.value, t.value_len), "PD%2C04%3BC8%2C48656C6C6F");
    CHECK_INT(t.notes, BATON_UUI_NOTE_WRAPPED);
    CHECK_INT(why, BATON_UUI_RULE_NONE);
    CHECK_INT(baton_uui_write(text, sizeof(text) - 1, &narrow, buf, sizeof(buf), &t, &why),
              BATON_UUI_EVALUE);
    CHECK_INT(why, BATON_UUI_RULE_FAR_LENGTH);
    CHECK_INT(t.place, BATON_UUI_AT_URI_PARAM); /* unchanged */
    CHECK_INT(baton_uui_write("044", 3, NULL, buf, sizeof(buf), &t, &why), BATON_UUI_EVALUE);
    CHECK_INT(why, BATON_UUI_RULE_HEX_ODD);
    CHECK_INT(baton_uui_write("0448", 4, NULL, buf, sizeof(buf), &t, NULL), 0);
    CHECK_STR(text_of(t.name, t.name_len), "User-to-User");
}

/** A buffer that is too small is an error, whatever its size, and nothing beyond it is used. */
static void test_small_buffers(void)
{
    const struct baton_uui_far far = {.dialect = "cisco-aai", .lenient = true};
    const char text[] = "PD%2C04%3BC8%2C48656C6C6F%3BFA%2C00001016421311070956";
    struct baton_uui_value v;
    size_t enough = 0;
    for (size_t n = 0; enough == 0 && n <= BATON_UUI_ROOM(sizeof(text)); n += 16) {
        char *buf = malloc(n + 1);
        int rc = baton_uui_read(text, sizeof(text) - 1, &far, buf, n, &v);
        CHECK(rc == 0 || rc == BATON_UUI_ESPACE);
        enough = rc == 0 ? n : 0;
        free(buf);
    }
    CHECK(enough > 0);
}

static void test_items(void)
{
    static const unsigned char octets[] = {0x00, 0xFA, 8,    0x00, 0x01, 0x00, 0x88, 0x58,
                                           0xBF, 0xD6, 0xBD, 0xC8, 2,    'h',  'i'};
    const unsigned char *data;
    unsigned char back[BATON_UUI_UCID_OCTETS];
    char digits[BATON_UUI_UCID_DIGITS + 1];
    size_t at = 1, n;
    uint8_t id;
    CHECK(baton_uui_item(octets, sizeof(octets), &at, &id, &data, &n));
    CHECK_INT(id, BATON_UUI_ITEM_UCID);
    CHECK_INT(n, 8);
    CHECK(baton_uui_ucid_digits(data, digits));
    CHECK_STR(str_c(digits), "00001001361488967357");
    CHECK(baton_uui_ucid_octets(digits, back));
    CHECK(memcmp(back, data, sizeof(back)) == 0);
    CHECK(baton_uui_item(octets, sizeof(octets), &at, &id, &data, &n));
    CHECK_INT(id, BATON_UUI_ITEM_ASAI);
    CHECK(!baton_uui_item(octets, sizeof(octets), &at, &id, &data, &n));
    CHECK_INT(at, sizeof(octets));
    at = 1;
    CHECK(!baton_uui_item(octets, 5, &at, &id, &data, &n));
    CHECK_INT(at, 1);
}

static void test_packages(void)
{
    static const char *const texts[] = {"text", NULL}, *const keys[] = {"key", NULL};
    static const char *const many[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9", NULL};
    const struct baton_uui_package packages[] = {
        {.name = "crm", .contents = keys, .encodings = texts, .max_octets = 6},
        {.name = "told", .direction = BATON_UUI_OUT},
        {.name = "heard", .direction = BATON_UUI_IN},
    };
    struct baton_uui_far far = {.packages = packages, .packages_len = 3};
    static const struct {
        const char *text;
        enum baton_uui_rule rule;
    } cases[] = {
        {"ab.1;purpose=crm", BATON_UUI_RULE_NONE},
        {"ab.1;purpose=CRM;content=key;encoding=text", BATON_UUI_RULE_NONE},
        {"ab.1;purpose=crm;content=x", BATON_UUI_RULE_CONTENT},
        {"0448;purpose=crm;encoding=hex", BATON_UUI_RULE_ENCODING},
        {"ab.1234;purpose=crm", BATON_UUI_RULE_LONG},
        {"01;purpose=told", BATON_UUI_RULE_DIRECTION},
        {"01;purpose=heard", BATON_UUI_RULE_NONE},
        {"01;purpose=other", BATON_UUI_RULE_PACKAGE},
        {"0448", BATON_UUI_RULE_NONE},
    };
    char buf[BATON_UUI_ROOM(64)];
    struct baton_uui_value v;
    struct baton_uui_text t;
    enum baton_uui_rule why;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        test_context(cases[i].text);
        CHECK_INT(
            baton_uui_read(cases[i].text, strlen(cases[i].text), &far, buf, sizeof(buf), &v),
            0);
        CHECK_INT(v.rule, cases[i].rule);
    }
    test_context(NULL);
    CHECK_INT(baton_uui_write("01;purpose=heard", 16, &far, buf, sizeof(buf), &t, &why),
              BATON_UUI_EVALUE);
    CHECK_INT(why, BATON_UUI_RULE_DIRECTION);
    const struct baton_uui_package crowd = {.name = "x", .contents = many};
    far = (struct baton_uui_far){.packages = &crowd, .packages_len = 1};
    CHECK_INT(baton_uui_read("04", 2, &far, buf, sizeof(buf), &v), BATON_UUI_ETOOMANY);
    far.packages_len = BATON_UUI_PACKAGES_MAX + 1;
    CHECK_INT(baton_uui_write("04", 2, &far, buf, sizeof(buf), &t, &why), BATON_UUI_ETOOMANY);
}

static void test_names(void)
{
    const char *text;
    size_t n = 0;
    while (baton_uui_dialect(n, &text)) {
        CHECK(text != NULL);
        n++;
    }
    CHECK(n >= 20);
    CHECK(text == NULL);
    CHECK_STR(str_c(baton_uui_dialect(0, NULL)), "rfc7434");
    CHECK(strlen(baton_uui_note_text(BATON_UUI_NOTE_LONG)) > 0);
}

TEST_MAIN(T(test_read), T(test_read_leniently), T(test_write), T(test_small_buffers),
          T(test_items), T(test_packages), T(test_names))
