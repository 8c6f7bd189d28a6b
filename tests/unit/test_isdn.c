/* SPDX-License-Identifier: Apache-2.0 */
/* Q.931 and Q.763: the User-user element, the User-to-user information parameter. */
#include "base/err.h"
#include "isdn/isup.h"
#include "kit_hex.h"
#include "test.h"
#include "uui/uui.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

static char scratch[8][1024];

/** Octets of a literal; each place has its own memory. */
static struct str hex(int place, const char *text)
{
    return kit_hex(str_c(text), scratch[place]);
}

static struct str to_hex(struct str s)
{
    static char text[4096];
    struct out o;
    out_init(&o, text, sizeof(text));
    out_hex(&o, s, false);
    return out_str_of(&o);
}

/* ---- Q.931 ---- */

static void test_q931_element(void)
{
    static const struct {
        const char *element;
        int want;
        const char *octets;
    } t[] = {
        {"7e080430393221303932", 0, "0430393221303932"},
        {"7e0956a390f3d2b7310023ff", E_SYNTAX, ""}, /* ten octets, and it says nine */
        {"7e0a56a390f3d2b7310023ff", 0, "56a390f3d2b7310023ff"},
        {"7e0104", 0, "04"},
        {"7e00", E_NOTFOUND, ""},
        {"7e", E_SYNTAX, ""},
        {"", E_SYNTAX, ""},
        {"7e0204", E_SYNTAX, ""},
        {"7e010405", E_SYNTAX, ""},
        {"7d0104", E_SYNTAX, ""},
    };
    struct str got;

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        test_context(t[i].element);
        CHECK_INT(q931_uui_read(hex(0, t[i].element), &got), t[i].want);
        CHECK_STR(to_hex(got), t[i].octets);
    }
    test_context(NULL);
}

/** Every length, every discriminator, there and back; 130 octets are too many. */
static void test_q931_round_trip(void)
{
    char octets[ISDN_UUI_MAX + 2], buf[ISDN_UUI_MAX + 2];
    struct str got;
    struct out o;

    for (size_t n = 0; n <= ISDN_UUI_MAX + 1; n++) {
        for (size_t i = 0; i < n; i++) {
            octets[i] = (char)(i * 7 + n);
        }
        out_init(&o, buf, sizeof(buf));
        int err = q931_uui_write(&o, str_make(octets, n));
        CHECK_INT(err, n == 0 ? E_VALUE : n > ISDN_UUI_MAX ? E_TOOBIG : 0);
        if (err == 0) {
            CHECK_INT(q931_uui_read(out_str_of(&o), &got), 0);
            CHECK_BYTES(got, str_make(octets, n));
        } else {
            CHECK_INT(o.n, 0);
        }
    }
    for (unsigned pd = 0; pd < 256; pd++) {
        octets[0] = (char)pd;
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(q931_uui_write(&o, str_make(octets, 9)), 0);
        CHECK_INT(q931_uui_read(out_str_of(&o), &got), 0);
        CHECK_INT((uint8_t)got.p[0], pd);
    }
    out_init(&o, buf, 4); /* no room: nothing is written */
    CHECK_INT(q931_uui_write(&o, str_make(octets, 9)), E_SPACE);
    CHECK_INT(o.n, 0);
    CHECK_INT(o.need, 11);
    char longest[2 + 130] = {Q931_USER_USER, (char)130};
    CHECK_INT(q931_uui_read(str_make(longest, sizeof(longest)), &got), E_TOOBIG);
}

/** Element → header → parameter → header → element: the same octets, all lengths. */
static void test_loop(void)
{
    char first[ISDN_UUI_MAX + 2], header[400], anm[300], last[ISDN_UUI_MAX + 2],
        buf[ISDN_UUI_MAX];
    struct isup_msg m;
    struct uui_value v;
    struct str got;
    struct out o;

    for (size_t n = 1; n <= ISDN_UUI_MAX; n++) {
        for (size_t i = 0; i < n; i++) {
            first[2 + i] = (char)(n * 3 + i);
        }
        first[0] = Q931_USER_USER;
        first[1] = (char)n;
        CHECK_INT(q931_uui_read(str_make(first, n + 2), &got), 0);
        out_init(&o, header, sizeof(header));
        CHECK_INT(uui_write(&o, got, &(struct uui_format){0}, NULL), 0);
        uui_view(out_str_of(&o), &v);
        uui_judge(&v, NULL);
        CHECK_INT(v.verdict, UUI_VALID);
        CHECK_INT(v.notes, 0);
        REQUIRE(uui_decoded_len(&v) == n);
        struct str octets = str_make(buf, uui_decode(&v, buf));
        CHECK_INT(isup_view(STR("\x09\0"), ISUP_ITU, &m), 0);
        out_init(&o, anm, sizeof(anm));
        CHECK_INT(isup_uui_set(&m, octets, &o), 0);
        CHECK_INT(isup_view(out_str_of(&o), ISUP_ITU, &m), 0);
        CHECK_INT(isup_uui_get(&m, &got), 0);
        out_init(&o, last, sizeof(last));
        CHECK_INT(q931_uui_write(&o, got), 0);
        CHECK_BYTES(out_str_of(&o), str_make(first, n + 2));
    }
}

/** The elements as `codeset/id:content `, then how it ended. */
static struct str q931_walk_text(struct str message, bool h225)
{
    static char text[2048];
    struct q931_msg m;
    struct q931_element e;
    struct out o;
    int got = q931_view(message, &m);

    out_init(&o, text, sizeof(text));
    if (got == 0) {
        struct q931_walk it = {.rest = m.elements, .h225 = h225};
        out_fmt(&o, "%s ", q931_type_name(m.type));
        while ((got = q931_next(&it, &e)) > 0) {
            out_fmt(&o, "%u/%02x", e.codeset, e.id);
            out_c(&o, str_is_set(e.content) ? ":" : "");
            out_hex(&o, e.content, false);
            out_ch(&o, ' ');
        }
    }
    out_fmt(&o, "%d", got);
    return out_str_of(&o);
}

static void test_q931_message(void)
{
    static const struct {
        const char *message, *want;
        int uui;
        const char *octets;
    } t[] = {
        /* SETUP with Sending complete, Bearer capability, User-user */
        {"08010105a104038090a37e03044869", "SETUP 0/a1 0/04:8090a3 0/7e:044869 0", 0, "044869"},
        /* a locking shift to codeset 6, a non-locking one back to 0 */
        {"0800057e0104967e0105987e010600", "SETUP 0/7e:04 0/96 6/7e:05 6/98 0/7e:06 -2",
         E_TOOMANY, ""},
        {"0800059e7e01057e0104", "SETUP 0/9e 6/7e:05 0/7e:04 0", 0, "04"},
        {"080005967e0105", "SETUP 0/96 6/7e:05 0", E_NOTFOUND, ""},
        {"0800057e01047e0105", "SETUP 0/7e:04 0/7e:05 0", E_TOOMANY, ""},
        {"0800457e00", "DISCONNECT 0/7e: 0", E_NOTFOUND, ""},
        {"08005a", "RELEASE COMPLETE 0", E_NOTFOUND, ""},
        {"0800057e02", "SETUP -2", E_SYNTAX, ""},
        {"0800057e", "SETUP -2", E_SYNTAX, ""},
        {"0802017e", "-2", E_SYNTAX, ""},
        {"080005", "SETUP 0", E_NOTFOUND, ""},
        {"0800", "-2", E_SYNTAX, ""},
        {"090005", "-2", E_SYNTAX, ""},
        {"081005", "-2", E_SYNTAX, ""},
        {"08000005", "-9", E_UNSUPPORTED, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct str message = test_guard(hex(0, t[i].message)), got = STR_NONE;
        struct q931_msg m;
        test_context(t[i].message);
        CHECK_STR(q931_walk_text(message, false), t[i].want);
        int err = q931_view(message, &m);
        CHECK_INT(err != 0 ? err : q931_uui_find(&m, &got), t[i].uui);
        CHECK_STR(to_hex(got), t[i].octets);
        test_guard_free(message);
    }
    test_context(NULL);
}

/** H.225.0 has a longer length in User-user, and what is there is no user's. */
static void test_q931_h225(void)
{
    struct str m = hex(0, "080280015a7e001f050380060008914a0002020120110000000000000000000000"
                          "000000000000");

    CHECK_STR(q931_walk_text(m, true),
              "RELEASE COMPLETE 0/7e:"
              "050380060008914a0002020120110000000000000000000000000000000000 0");
}

/* ---- ISUP ---- */

static struct str set(struct str message, enum isup_base base, struct str octets, int want)
{
    static char buf[2048];
    struct isup_msg m;
    struct out o;

    out_init(&o, buf, sizeof(buf));
    CHECK_INT(isup_view(message, base, &m), 0);
    CHECK_INT(isup_uui_set(&m, octets, &o), want);
    return want == 0 ? out_str_of(&o) : STR_NONE;
}

/** Each type that may have it: put in, read, replaced, taken out. */
static const struct {
    const char *name, *without, *with; /**< with 04 48 69 */
} messages[] = {
    {"IAM", "01 1020010a00 02 0a 0804109700000000f0 0a02841100",
     "01 1020010a00 02 0a 0804109700000000f0 0a028411 2003044869 00"},
    {"IAM", "01 1020010a00 02 00 0804109700000000f0",
     "01 1020010a00 02 0a 0804109700000000f0 2003044869 00"},
    {"ACM", "06 0120 01 2901 02 00", "06 0120 01 2901 02 2003044869 00"},
    {"CON", "07 0120 00", "07 0120 01 2003044869 00"},
    {"ANM", "09 00", "09 01 2003044869 00"},
    {"ANM", "09 01 2a0104 00", "09 01 2a0104 2003044869 00"},
    {"CPG", "2c 02 00", "2c 02 01 2003044869 00"},
    {"REL", "0c 02 00 02839f", "0c 02 04 02839f 2003044869 00"},
    {"SGM", "38 00", "38 01 2003044869 00"},
    /* a parameter of more than one, and the variable part behind the optional one */
    {"REL", "0c 07 01 0a0284110002839f", "0c 0c 01 0a028411 2003044869 00 02839f"},
};

static void test_isup_messages(void)
{
    struct str octets = hex(7, "044869"), got;

    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct str without = hex(0, messages[i].without), with = hex(1, messages[i].with);
        struct isup_msg m;
        test_context(messages[i].without);
        CHECK_INT(isup_view(without, ISUP_ITU, &m), 0);
        CHECK_STR(str_c(m.layout->name), messages[i].name);
        CHECK_INT(isup_uui_get(&m, &got), E_NOTFOUND);
        CHECK_BYTES(to_hex(set(without, ISUP_ITU, octets, 0)), to_hex(with));
        CHECK_INT(isup_view(with, ISUP_ITU, &m), 0);
        CHECK_INT(isup_uui_get(&m, &got), 0);
        CHECK_BYTES(got, octets);
        CHECK_BYTES(set(with, ISUP_ITU, octets, 0), with);
    }
    test_context(NULL);
}

static void test_isup_removed(void)
{
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct str with = hex(1, messages[i].with);
        test_context(messages[i].with);
        CHECK_BYTES(to_hex(set(with, ISUP_ITU, STR_NONE, 0)),
                    to_hex(hex(0, messages[i].without)));
    }
    test_context(NULL);
    /* nothing to take out: octet for octet, even an optional part without parameters */
    CHECK_STR(to_hex(set(hex(0, "060120 01 00"), ISUP_ITU, STR_NONE, 0)), "0601200100");
    CHECK_STR(to_hex(set(hex(0, "12 ffff"), ISUP_ITU, STR_NONE, 0)), "12ffff");
    /* several: all of them go, and one takes the place of the first */
    struct str many = hex(0, "09 01 2a0104 200104 2901 02 20020405 00 ee");
    CHECK_STR(to_hex(set(many, ISUP_ITU, STR_NONE, 0)), "09012a010429010200ee");
    CHECK_STR(to_hex(set(many, ISUP_ITU, hex(1, "0899"), 0)), "09012a01042002089929010200ee");
}

static void test_isup_usr(void)
{
    struct str usr = hex(0, "2d 02 05 03044869 0302810000"), got;
    struct isup_msg m;

    CHECK_INT(isup_view(usr, ISUP_ITU, &m), 0);
    CHECK_INT(isup_uui_get(&m, &got), 0);
    CHECK_STR(to_hex(got), "044869");
    CHECK_STR(to_hex(set(usr, ISUP_ITU, hex(1, "04414243"), 0)), "2d02060404414243"
                                                                 "0302810000");
    CHECK_STR(to_hex(set(usr, ISUP_ITU, hex(1, "08"), 0)), "2d02030108"
                                                           "0302810000");
    (void)set(usr, ISUP_ITU, STR_NONE, E_UNSUPPORTED);
    /* one in the optional part besides: which is meant? */
    CHECK_INT(isup_view(hex(0, "2d 02 05 03044869 20010400"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_uui_get(&m, &got), E_TOOMANY);
}

static void test_isup_refused(void)
{
    static const struct {
        const char *message;
        int want;
    } t[] = {
        {"", E_SYNTAX},
        {"ff", E_UNSUPPORTED},
        {"01", E_SYNTAX},
        {"01 1020010a00 02", E_SYNTAX},          /* no pointer to the optional part */
        {"01 1020010a00 00 00 00", E_SYNTAX},    /* the mandatory pointer leads nowhere */
        {"01 1020010a00 01 00 00", E_SYNTAX},    /* onto a pointer */
        {"01 1020010a00 02 00 02 01", E_SYNTAX}, /* too long */
        {"01 1020010a00 02 02 01 01", E_SYNTAX}, /* the optional part is in the mandatory one */
        {"09 01", E_SYNTAX},
        {"09 01 20", E_SYNTAX},
        {"09 01 2001", E_SYNTAX},
        {"09 01 200104", E_SYNTAX}, /* no end of optional parameters */
        {"09 05 200104 00", E_SYNTAX},
        {"2b 02 02 00 00", 0},
        {"2b 02 01 00 00", E_SYNTAX}, /* both in the same octet */
        {"10 00", 0},
        {"10", E_SYNTAX},
    };
    struct isup_msg m;
    struct str got;

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct str message = test_guard(hex(0, t[i].message));
        test_context(t[i].message);
        CHECK_INT(isup_view(message, ISUP_ITU, &m), t[i].want);
        test_guard_free(message);
    }
    test_context(NULL);
    CHECK_INT(isup_view(hex(0, "09 01 2000 00"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_uui_get(&m, &got), E_NOTFOUND); /* not even a discriminator */
    CHECK_INT(isup_view(hex(0, "09 01 200104 200105 00"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_uui_get(&m, &got), E_TOOMANY);
    CHECK(!str_is_set(got));

    struct str anm = hex(5, "09 00");
    char big[ISDN_UUI_MAX + 1] = {4};
    (void)set(anm, ISUP_ITU, STR(""), E_VALUE);
    (void)set(anm, ISUP_ITU, str_make(big, sizeof(big)), E_TOOBIG);
    (void)set(hex(0, "10 00"), ISUP_ITU, hex(1, "04"), E_UNSUPPORTED); /* RLC has none */
    (void)set(hex(0, "1f 81 00"), ISUP_ITU, hex(1, "04"), E_UNSUPPORTED);
    struct out o;
    CHECK_INT(isup_view(anm, ISUP_ITU, &m), 0);
    out_init(&o, big, 5);
    CHECK_INT(isup_uui_set(&m, hex(1, "040506"), &o), E_SPACE);
    CHECK_INT(o.need, 8);
}

/** A pointer is one octet: what it could not say is refused, and not written. */
static void test_isup_far_pointer(void)
{
    char rel[300] = {ISUP_REL, 2, 0, (char)250};
    struct isup_msg m;
    struct out o;
    char buf[600];

    rel[2] = 0;
    CHECK_INT(isup_view(str_make(rel, 4 + 250), ISUP_ITU, &m), 0);
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(isup_uui_set(&m, hex(1, "04"), &o), 0); /* O = 252 */
    rel[3] = (char)254;
    CHECK_INT(isup_view(str_make(rel, 4 + 254), ISUP_ITU, &m), 0);
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(isup_uui_set(&m, hex(1, "04"), &o), E_TOOBIG); /* 256 */
}

static void test_isup_ansi(void)
{
    /* NCI, FCI, CPC; User service information, called party; calling party */
    struct str iam = hex(0, "01 00 6000 0a 03 06 0c 03 8090a2 06 031013325476 0a03111111 00");
    struct isup_msg m;

    CHECK_INT(isup_view(iam, ISUP_ANSI, &m), 0);
    CHECK_STR(to_hex(m.fixed), "0060000a");
    CHECK_STR(to_hex(m.variable[0]), "8090a2");
    CHECK_STR(to_hex(m.variable[1]), "031013325476");
    CHECK_STR(to_hex(set(iam, ISUP_ANSI, hex(1, "0448"), 0)),
              "010060000a03060c038090a206031013325476"
              "0a03111111"
              "20020448"
              "00");
    CHECK_INT(isup_view(hex(0, "10"), ISUP_ANSI, &m), 0); /* RLC: nothing but its type */
    CHECK_INT(isup_base_of(STR("application/isup;version=nxv3;base=ansi88")), ISUP_ANSI);
    CHECK_INT(isup_base_of(STR("application/ISUP; version=ansi00")), ISUP_ANSI);
    CHECK_INT(isup_base_of(STR("application/ISUP; base=GR317")), ISUP_ANSI);
    CHECK_INT(isup_base_of(STR("application/ISUP; version=ansi00;base=\"itu-t92+\"")),
              ISUP_ITU);
    CHECK_INT(isup_base_of(STR("application/ISUP;version=itu-t92+")), ISUP_ITU);
    CHECK_INT(isup_base_of(STR("application/ISUP")), ISUP_ITU);
}

static void test_indicators(void)
{
    static const struct {
        uint8_t octet;
        struct isup_indicators want;
    } t[] = {
        {0x00, {false, {0, 0, 0}, false}},
        {0x04, {false, {ISUP_UUS_NOT_ESSENTIAL, 0, 0}, false}},
        {0x06, {false, {ISUP_UUS_ESSENTIAL, 0, 0}, false}},
        {0x05, {true, {ISUP_UUS_PROVIDED, 0, 0}, false}},
        {0x03, {true, {ISUP_UUS_NOT_PROVIDED, 0, 0}, false}},
        {0x81, {true, {0, 0, 0}, true}},
        {0x58, {false, {0, ISUP_UUS_ESSENTIAL, ISUP_UUS_NOT_ESSENTIAL}, false}},
    };
    struct isup_indicators i;
    struct isup_msg m;

    for (size_t k = 0; k < ARRAY_LEN(t); k++) {
        i = isup_indicators_of(t[k].octet);
        CHECK_INT(i.response, t[k].want.response);
        CHECK_INT(i.discarded, t[k].want.discarded);
        for (size_t s = 0; s < 3; s++) {
            CHECK_INT(i.service[s], t[k].want.service[s]);
        }
    }
    for (unsigned octet = 0; octet < 256; octet++) {
        i = isup_indicators_of((uint8_t)octet);
        CHECK_INT(isup_indicators_octet(&i), octet);
    }
    CHECK_INT(isup_view(hex(0, "09 01 2a0105 00"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_indicators_get(&m, &i), 0);
    CHECK(i.response && i.service[0] == ISUP_UUS_PROVIDED);
    CHECK_INT(isup_view(hex(0, "09 01 2a020500 00"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_indicators_get(&m, &i), E_SYNTAX);
    CHECK_INT(isup_view(hex(0, "09 01 2a0105 2a0105 00"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_indicators_get(&m, &i), E_TOOMANY);
    CHECK_INT(isup_view(hex(0, "09 00"), ISUP_ITU, &m), 0);
    CHECK_INT(isup_indicators_get(&m, &i), E_NOTFOUND);
}

/** Every prefix of everything above, at the edge of a page: read, or refused. */
static void test_prefixes(void)
{
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        struct str with = hex(0, messages[i].with);
        for (size_t n = 0; n <= with.n; n++) {
            struct str cut = test_guard(str_upto(with, n)), got;
            struct isup_msg m;
            for (int base = ISUP_ITU; base <= ISUP_ANSI; base++) {
                if (isup_view(cut, (enum isup_base)base, &m) == 0) {
                    CHECK(isup_uui_get(&m, &got) <= 0);
                    char buf[1024];
                    struct out o;
                    out_init(&o, buf, sizeof(buf));
                    CHECK(isup_uui_set(&m, STR_NONE, &o) <= 0);
                } else if (base == ISUP_ITU) {
                    CHECK(n < with.n);
                }
            }
            test_guard_free(cut);
        }
    }
}

/* ---- collected vectors ---- */

/** A whole ISUP message from its CIC on. None of them has user-to-user information. */
static void check_isup(const char *name, struct str text, size_t *seen)
{
    struct str all = kit_hex(text, scratch[2]), got;
    struct isup_msg m;
    bool cfn = strcmp(name, "CNF_0.hex") == 0; /* it lacks the pointer to the optional part */

    test_context(name);
    CHECK_INT(isup_view(str_from(all, 2), ISUP_ITU, &m), cfn ? E_SYNTAX : 0);
    if (!cfn) {
        CHECK_INT(isup_uui_get(&m, &got), E_NOTFOUND);
        CHECK_BYTES(set(str_from(all, 2), ISUP_ITU, STR_NONE, 0), str_from(all, 2));
        if (m.layout->info) {
            char with[512];
            struct str put = set(str_from(all, 2), ISUP_ITU, hex(3, "00c8034b3d31"), 0);
            REQUIRE(put.n <= sizeof(with));
            memcpy(with, put.p, put.n);
            CHECK_BYTES(set(str_make(with, put.n), ISUP_ITU, STR_NONE, 0), str_from(all, 2));
        }
    }
    (*seen)++;
}

static void check_q931(const char *name, struct str text, size_t *seen)
{
    struct str all = kit_hex(text, scratch[2]), got;
    struct q931_walk it = {.h225 = strncmp(name, "h225", 4) == 0};
    struct q931_element e;
    struct q931_msg m;
    bool user_user = false;
    int more;

    test_context(name);
    all = str_from(all, it.h225 ? 0 : 4); /* without Q.921 */
    CHECK_INT(q931_view(all, &m), 0);
    CHECK(q931_type_name(m.type)[0] != '\0');
    it.rest = m.elements;
    while ((more = q931_next(&it, &e)) > 0) {
        user_user = user_user || (e.id == Q931_USER_USER && e.content.n > 0 &&
                                  e.content.p[0] == 5 /* ASN.1 */);
    }
    CHECK_INT(more, 0);
    CHECK_INT(user_user, it.h225);
    if (!it.h225) {
        CHECK_INT(q931_uui_find(&m, &got), E_NOTFOUND);
    }
    (*seen)++;
}

static void test_collected(void)
{
    const char *dir = test_data_dir("isdn/hex");
    DIR *d = dir != NULL ? opendir(dir) : NULL;
    struct dirent *file;
    size_t seen = 0;

    while (d != NULL && (file = readdir(d)) != NULL) {
        char path[512];
        struct str text;
        if (file->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof(path), "%s/%s", dir, file->d_name);
        text = test_read_file(path);
        REQUIRE(str_is_set(text));
        if (strstr(file->d_name, "q931") != NULL) {
            check_q931(file->d_name, text, &seen);
        } else {
            check_isup(file->d_name, text, &seen);
        }
        free((void *)(uintptr_t)text.p);
    }
    test_context(NULL);
    CHECK((dir != NULL) == (d != NULL));
    if (d != NULL) {
        closedir(d);
        CHECK(seen >= 43);
    }
}

/** Lines of q931.txt: an element, a parameter, or indicators. */
static void check_octets(struct str id, struct str octets)
{
    struct isup_indicators i;
    struct isup_param p;
    struct str rest = octets, got;
    int want = str_eq(id, STR("Q05")) ? E_NOTFOUND : 0;

    if (octets.p[0] == Q931_USER_USER) {
        CHECK_INT(q931_uui_read(octets, &got), want);
        CHECK_INT(got.n, want == 0 ? octets.n - 2 : 0);
        return;
    }
    CHECK(isup_param_next(&rest, &p) && rest.n == 0);
    CHECK(p.code == ISUP_USER_TO_USER || p.code == ISUP_USER_TO_USER_INDICATORS);
    if (p.code == ISUP_USER_TO_USER_INDICATORS) {
        i = isup_indicators_of((uint8_t)p.content.p[0]);
        CHECK_INT(isup_indicators_octet(&i), (uint8_t)p.content.p[0]);
        CHECK_INT(i.discarded, str_eq(id, STR("Q12")));
        CHECK_INT(i.response, str_cmp(id, STR("Q10")) >= 0);
    }
}

static void test_collected_octets(void)
{
    const char *dir = test_data_dir("uui/samples");
    struct str text, rest;
    char path[512];
    size_t seen = 0;

    if (dir == NULL) {
        return;
    }
    snprintf(path, sizeof(path), "%s/q931.txt", dir);
    text = rest = test_read_file(path);
    REQUIRE(str_is_set(text));
    while (rest.n > 0) {
        struct str line = str_upto(rest, str_index(rest, '\n'));
        struct str id = str_upto(line, str_index(line, '\t'));
        struct str value = str_from(line, id.n + 1);
        rest = str_from(rest, line.n + 1);
        if (line.n == 0 || line.p[0] == '#') {
            continue;
        }
        value = str_upto(value, str_index(value, '\t'));
        check_octets(id, kit_hex(value, scratch[4]));
        seen++;
    }
    CHECK(seen >= 12);
    free((void *)(uintptr_t)text.p);
}

TEST_MAIN(T(test_q931_element), T(test_q931_round_trip), T(test_loop), T(test_q931_message),
          T(test_q931_h225), T(test_isup_messages), T(test_isup_removed), T(test_isup_usr),
          T(test_isup_refused), T(test_isup_far_pointer), T(test_isup_ansi), T(test_indicators),
          T(test_prefixes), T(test_collected), T(test_collected_octets))
