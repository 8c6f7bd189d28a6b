/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody has said that he supports, and what a request demands: every combination of
 * Supported, `extensions` and feature tags; which phones of a record Require: uui leaves.
 */
#include "kit_registrar.h"
#include "registrar/select.h"

#define ABSENT NULL

static struct support said(const char *supported, const char *features)
{
    return (struct support){.supported = supported != NULL ? str_c(supported) : STR_NONE,
                            .features = str_c(features)};
}

static void test_option_tags(void)
{
    static const struct {
        const char *supported, *features;
        enum understands want;
    } row[] = {
        {ABSENT, "", UNDERSTANDS_UNKNOWN},
        {"", "", UNDERSTANDS_NO}, /* an empty Supported: none (RFC 3261 §20.37) */
        {"timer,100rel", "", UNDERSTANDS_NO},
        {"timer, UUI", "", UNDERSTANDS_YES},
        {"uuix", "", UNDERSTANDS_NO},
        {ABSENT, ";audio", UNDERSTANDS_UNKNOWN},
        {ABSENT, ";extensions=\"histinfo,uui\"", UNDERSTANDS_YES},
        {ABSENT, ";extensions=\"histinfo\"", UNDERSTANDS_NO},
        {ABSENT, ";extensions=\"!uui,histinfo\"", UNDERSTANDS_NO},
        {"timer", ";extensions=\"uui\"", UNDERSTANDS_YES},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct support s = said(row[i].supported, row[i].features);
        test_context(row[i].features);
        CHECK_STR(str_c(understands_text(support_option(&s, STR("uui")))),
                  understands_text(row[i].want));
    }
    test_context(NULL);
}

static void test_packages(void)
{
    static const struct {
        const char *supported, *features;
        bool declared;
        enum understands isdn, crm, plain; /* crm has a feature tag, plain has none */
    } row[] = {
        {ABSENT, "", false, UNDERSTANDS_UNKNOWN, UNDERSTANDS_UNKNOWN, UNDERSTANDS_UNKNOWN},
        /* RFC 7434 §10: that the option tag is missing says nothing about isdn-uui */
        {"timer", "", false, UNDERSTANDS_UNKNOWN, UNDERSTANDS_NO, UNDERSTANDS_NO},
        {"uui", "", false, UNDERSTANDS_UNKNOWN, UNDERSTANDS_UNKNOWN, UNDERSTANDS_UNKNOWN},
        {"timer", ";+sip.uui-isdn", false, UNDERSTANDS_YES, UNDERSTANDS_NO, UNDERSTANDS_NO},
        {"uui", ";+sip.uui-isdn", false, UNDERSTANDS_YES, UNDERSTANDS_NO, UNDERSTANDS_UNKNOWN},
        {"uui", ";+SIP.UUI-ISDN=\"FALSE\"", false, UNDERSTANDS_NO, UNDERSTANDS_NO,
         UNDERSTANDS_UNKNOWN},
        {"uui", ";+sip.uui-isdn=\"!TRUE\"", false, UNDERSTANDS_NO, UNDERSTANDS_NO,
         UNDERSTANDS_UNKNOWN},
        {ABSENT, ";+com.example.crm", false, UNDERSTANDS_UNKNOWN, UNDERSTANDS_YES,
         UNDERSTANDS_UNKNOWN},
        {"uui,plain", ";+com.example.crm", true, UNDERSTANDS_NO, UNDERSTANDS_YES,
         UNDERSTANDS_YES},
        {"isdn-uui", "", true, UNDERSTANDS_YES, UNDERSTANDS_NO, UNDERSTANDS_NO},
        {"", "", true, UNDERSTANDS_NO, UNDERSTANDS_NO, UNDERSTANDS_NO},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct support s = said(row[i].supported, row[i].features);
        s.declared = row[i].declared;
        CHECK_INT(support_package(&s, STR("isdn-uui"), STR_NONE), row[i].isdn);
        CHECK_INT(support_package(&s, STR("ISDN-UUI"), STR("+other")), row[i].isdn);
        CHECK_INT(support_package(&s, STR("crm"), STR("+com.example.crm")), row[i].crm);
        CHECK_INT(support_package(&s, STR("plain"), STR_NONE), row[i].plain);
    }
}

static enum fit fit_of(const char *lines, const char *supported, const char *features)
{
    struct arena a;
    struct test_mem mem;
    struct kit_msg msg;
    struct demand d;
    char text[512];
    struct out o;
    struct support s = said(supported, features);
    test_mem_init(&mem);
    arena_init(&a, &mem.mem, 4096);
    out_init(&o, text, sizeof(text));
    out_fmt(&o, "INVITE sip:x SIP/2.0\r\n%s\r\n", lines);
    CHECK(kit_index(&msg, out_str_of(&o)));
    CHECK_INT(demand_read(&msg.m, &a, &d), 0);
    enum fit f = demand_fit(&d, &s);
    arena_fini(&a);
    CHECK_INT(mem.live, 0);
    return f;
}

#define REQUIRE_UUI "Require: 100rel, uui\r\n"
#define WANTS_ISDN "Accept-Contact: *;+sip.uui-isdn;require;explicit\r\n"
#define WANTS_TAG "Accept-Contact: *;extensions=\"uui\";require;explicit\r\n"
#define LIKES_ISDN "Accept-Contact: *;+sip.uui-isdn\r\n"

static void test_demands(void)
{
    static const struct {
        const char *lines, *supported, *features;
        enum fit want;
    } row[] = {
        {"", ABSENT, "", FIT_YES},
        {"Require: 100rel\r\n", "timer", "", FIT_YES}, /* that one is for the transaction */
        {REQUIRE_UUI, ABSENT, "", FIT_UNKNOWN},
        {REQUIRE_UUI, "uui", "", FIT_YES},
        {REQUIRE_UUI, "timer", "", FIT_NO_OPTION},
        {WANTS_ISDN, ABSENT, "", FIT_UNKNOWN}, /* immune: RFC 3841 §7.2.3 */
        {WANTS_ISDN, "timer", ";audio", FIT_NO_FEATURE},
        {WANTS_ISDN, ABSENT, ";+sip.uui-isdn", FIT_YES},
        {WANTS_ISDN, ABSENT, ";+sip.uui-isdn=\"FALSE\"", FIT_NO_FEATURE},
        {WANTS_TAG, ABSENT, ";extensions=\"timer,uui\"", FIT_YES},
        {WANTS_TAG, ABSENT, ";extensions=\"timer\"", FIT_NO_FEATURE},
        {LIKES_ISDN, ABSENT, ";audio", FIT_UNKNOWN},
        {LIKES_ISDN, ABSENT, ";+sip.uui-isdn", FIT_YES},
        {"Reject-Contact: *;+sip.uui-isdn\r\n", ABSENT, ";+sip.uui-isdn", FIT_NO_FEATURE},
        {REQUIRE_UUI WANTS_ISDN, "uui", ";audio", FIT_NO_FEATURE},
        {REQUIRE_UUI WANTS_ISDN, "timer", ";+sip.uui-isdn", FIT_NO_OPTION},
        {REQUIRE_UUI WANTS_ISDN, "uui", ";+sip.uui-isdn", FIT_YES},
        {REQUIRE_UUI WANTS_ISDN, "uui", "", FIT_UNKNOWN},
    };
    const char *line;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        test_context(row[i].lines);
        CHECK_INT(fit_of(row[i].lines, row[i].supported, row[i].features), row[i].want);
    }
    test_context(NULL);
    CHECK_INT(fit_status(FIT_NO_OPTION, &line), 420);
    CHECK_STR(str_c(line), "Unsupported: uui\r\n");
    CHECK_INT(fit_status(FIT_NO_FEATURE, &line), 480);
    CHECK(line == NULL);
}

static size_t chosen(struct fixture *f, const char *lines, unsigned *status,
                     struct selected **out)
{
    static struct kit_msg msg;
    char text[512];
    struct out o;
    out_init(&o, text, sizeof(text));
    out_fmt(&o, "INVITE sip:bob@biloxi.com SIP/2.0\r\n%s\r\n", lines);
    CHECK(kit_index(&msg, out_str_of(&o)));
    return registrar_select(registrar_find(&f->r, STR(KEY)), &msg.m, &f->arena, out, status);
}

/** A phone that says nothing, one that says no, one that says yes. */
static void test_phones_of_a_record(void)
{
    static const char *const contacts[] = {
        ID("a", 1) "Contact: <sip:mute@192.0.2.1>\r\n",
        ID("b", 1) "Contact: <sip:no@192.0.2.1>\r\nSupported: path,\r\n timer\r\n",
        ID("c", 1) "Contact: <sip:yes@192.0.2.1>;+sip.uui-isdn\r\nSupported: timer\r\n"
                   "Supported: uui\r\n",
    };
    struct fixture f;
    struct selected *s;
    struct demand uui = {.uui = true};
    unsigned status;
    setup(&f);
    CHECK_INT(record_fit(NULL, &uui), FIT_UNKNOWN);
    CHECK_INT(record_understands(NULL, STR("isdn-uui"), STR_NONE), UNDERSTANDS_UNKNOWN);
    CHECK_INT(put(&f, contacts[1]), 200);
    const struct record *rec = registrar_find(&f.r, STR(KEY));
    CHECK_INT(chosen(&f, REQUIRE_UUI, &status, &s), 0);
    CHECK_INT(status, 420);
    CHECK_INT(record_fit(rec, &uui), FIT_NO_OPTION);
    CHECK_INT(chosen(&f, "", &status, &s), 1);
    CHECK_INT(put(&f, contacts[0]), 200);
    CHECK_INT(chosen(&f, REQUIRE_UUI, &status, &s), 1);
    CHECK_STR(s[0].binding->contact, "sip:mute@192.0.2.1");
    CHECK_INT(record_fit(rec, &uui), FIT_UNKNOWN);
    CHECK_INT(record_understands(rec, STR("isdn-uui"), STR_NONE), UNDERSTANDS_UNKNOWN);
    CHECK_INT(record_understands(rec, STR("crm"), STR("+com.example.crm")),
              UNDERSTANDS_UNKNOWN);
    CHECK_INT(put(&f, contacts[2]), 200);
    CHECK_INT(chosen(&f, REQUIRE_UUI, &status, &s), 1);
    CHECK_STR(s[0].binding->contact, "sip:yes@192.0.2.1");
    CHECK_STR(s[0].binding->supported, "timer,uui");
    CHECK_INT(record_fit(rec, &uui), FIT_YES);
    CHECK_INT(record_understands(rec, STR("isdn-uui"), STR_NONE), UNDERSTANDS_YES);
    CHECK_INT(chosen(&f, "", &status, &s), 3);
    CHECK_INT(chosen(&f, WANTS_ISDN, &status, &s), 3); /* the others are immune */
    teardown(&f);
}

/** More tags than anybody has: as if nothing was said. The registration itself is in order. */
static void test_too_many_tags(void)
{
    struct fixture f;
    char lines[2048];
    struct out o;
    setup(&f);
    out_init(&o, lines, sizeof(lines) - 1);
    out_c(&o, ID("a", 1) "Contact: <sip:x@192.0.2.1>\r\nSupported: uui");
    while (o.n < 1000) {
        out_c(&o, ",another");
    }
    out_c(&o, "\r\n");
    lines[o.n] = '\0';
    CHECK_INT(put(&f, lines), 200);
    const struct record *rec = registrar_find(&f.r, STR(KEY));
    CHECK_INT(record_fit(rec, &(struct demand){.uui = true}), FIT_UNKNOWN);
    teardown(&f);
}

TEST_MAIN(T(test_option_tags), T(test_packages), T(test_demands), T(test_phones_of_a_record),
          T(test_too_many_tags))
