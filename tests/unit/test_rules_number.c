/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to and from E.164; times, dates and zones. */
#include "base/err.h"
#include "kit_msg.h"
#include "rules/number.h"
#include "rules/when.h"

#define PLAN(country, area, trunk, international, ext)                     \
    {                                                                      \
        STR_INIT("p"), STR_INIT(country), STR_INIT(area), STR_INIT(trunk), \
            STR_INIT(international), ext                                   \
    }

static const struct dial_plan berlin = PLAN("49", "30", "0", "00", 4);
static const struct dial_plan new_york = PLAN("1", "212", "1", "011", 0);
static const struct dial_plan madrid = PLAN("34", "", "", "00", 3);
static const struct dial_plan bare = PLAN("49", "30", "", "", 0);

static const char *to(const struct dial_plan *p, const char *number)
{
    static char buf[200];
    struct out o;
    out_init(&o, buf, sizeof(buf) - 1);
    number_to_e164(&o, p, str_c(number));
    buf[o.n] = '\0';
    return buf;
}

static const char *from(const struct dial_plan *p, const char *number)
{
    static char buf[200];
    struct out o;
    out_init(&o, buf, sizeof(buf) - 1);
    number_from_e164(&o, p, str_c(number));
    buf[o.n] = '\0';
    return buf;
}

static void test_to_e164(void)
{
    static const struct {
        const struct dial_plan *plan;
        const char *dialled, *e164;
    } t[] = {
        {&berlin, "123456", "+4930123456"},
        {&berlin, "0891234", "+49891234"},
        {&berlin, "004312345", "+4312345"},
        {&berlin, "+4312345", "+4312345"},
        {&berlin, "1001", "1001"},
        {&berlin, "+49 (30) 123-456", "+4930123456"},
        {&berlin, "030/123", "030/123"}, /* no telephone number */
        {&berlin, "alice", "alice"},
        {&berlin, "*97", "*97"},
        {&berlin, "", ""},
        {&berlin, "+", "+"},
        {&new_york, "5551234", "+12125551234"},
        {&new_york, "13125551234", "+13125551234"},
        {&new_york, "011493012345", "+493012345"},
        {&madrid, "912345678", "+34912345678"},
        {&madrid, "112", "112"},
        {&bare, "555", "+4930555"},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        test_context(t[i].dialled);
        CHECK_STR(str_c(to(t[i].plan, t[i].dialled)), t[i].e164);
    }
}

static void test_from_e164_takes_the_shortest(void)
{
    static const struct {
        const struct dial_plan *plan;
        const char *e164, *dialled;
    } t[] = {
        {&berlin, "+4930123456", "123456"},
        {&berlin, "+493012", "03012"},           /* 12 alone would be an extension */
        {&berlin, "+49300123456", "0300123456"}, /* 0123456 would be another area's */
        {&berlin, "+49891234", "0891234"},
        {&berlin, "+4912345", "012345"},
        {&berlin, "+490123", "00490123"}, /* 00123 would be abroad */
        {&berlin, "+4312345", "004312345"},
        {&berlin, "1001", "1001"},
        {&berlin, "alice", "alice"},
        {&new_york, "+12125551234", "5551234"},
        {&new_york, "+13125551234", "13125551234"},
        {&madrid, "+34912345678", "912345678"},
        {&bare, "+4930555", "555"},
        {&bare, "+4989555", "+4989555"}, /* cannot be dialled there */
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        test_context(t[i].e164);
        CHECK_STR(str_c(from(t[i].plan, t[i].e164)), t[i].dialled);
    }
}

/** Whatever the plan is, what comes out leads back; and E.164 stays E.164. */
static void test_there_and_back(void)
{
    static const struct dial_plan plans[] = {
        PLAN("49", "30", "0", "00", 4),  PLAN("1", "212", "1", "011", 0),
        PLAN("34", "", "", "00", 3),     PLAN("49", "30", "", "", 0),
        PLAN("7", "495", "8", "810", 2), PLAN("44", "", "0", "00", 5),
        PLAN("1", "1", "1", "1", 1),     PLAN("0", "0", "0", "0", 0),
    };
    uint64_t seed = 3;
    for (int round = 0; round < 50000; round++) {
        const struct dial_plan *p = &plans[kit_next(&seed) % ARRAY_LEN(plans)];
        char number[24] = "+", dialled[64];
        size_t n = 1 + kit_next(&seed) % 14;
        if (kit_next(&seed) % 2 == 0) {
            (void)snprintf(number, sizeof(number), "+%.*s%.*s", STR_ARG(p->country),
                           STR_ARG(kit_next(&seed) % 2 == 0 ? p->area : STR("0")));
        }
        for (size_t i = strlen(number), end = i + n; i < end && i + 1 < sizeof(number); i++) {
            number[i] = "001234"[kit_next(&seed) % 6];
            number[i + 1] = '\0';
        }
        test_context(number);
        int length = snprintf(dialled, sizeof(dialled), "%s", from(p, number));
        CHECK(length > 0 && (size_t)length < sizeof(dialled));
        CHECK_STR(str_c(to(p, dialled)), number);
        CHECK_STR(str_c(to(p, to(p, number))), number);
    }
}

/* ---- zones ---- */

static int64_t at(int32_t year, unsigned month, unsigned day, unsigned hour, unsigned minute)
{
    return (int64_t)days_of_date(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static void test_the_calendar(void)
{
    static const struct zone utc = {0};
    CHECK_INT(days_of_date(1970, 1, 1), 0);
    CHECK_INT(days_of_date(2000, 3, 1), 11017);
    CHECK_INT(days_of_date(1969, 12, 31), -1);
    for (int32_t day = -800000; day < 800000; day += 13) {
        struct local_time t;
        local_time_of(&utc, (int64_t)day * 86400, &t);
        CHECK_INT(days_of_date(t.year, t.month, t.month_day), day);
    }
    struct local_time t;
    local_time_of(&utc, at(2026, 11, 20, 14, 47), &t);
    CHECK_INT(t.week_day, 5);
    CHECK_INT(t.minute, 14 * 60 + 47);
    CHECK_INT(t.month_day, 20);
}

static void test_posix_rules(void)
{
    struct zone z;
    REQUIRE(zone_parse_posix(STR("CET-1CEST,M3.5.0,M10.5.0/3"), &z));
    CHECK_INT(zone_offset(&z, at(2026, 1, 1, 0, 0)), 3600);
    CHECK_INT(zone_offset(&z, at(2026, 7, 1, 0, 0)), 7200);
    CHECK_INT(zone_offset(&z, at(2026, 3, 29, 0, 59)), 3600); /* 01:00 UTC is the change */
    CHECK_INT(zone_offset(&z, at(2026, 3, 29, 1, 0)), 7200);
    CHECK_INT(zone_offset(&z, at(2026, 10, 25, 0, 59)), 7200);
    CHECK_INT(zone_offset(&z, at(2026, 10, 25, 1, 0)), 3600);
    REQUIRE(zone_parse_posix(STR("AEST-10AEDT,M10.1.0,M4.1.0/3"), &z)); /* south */
    CHECK_INT(zone_offset(&z, at(2026, 1, 1, 0, 0)), 39600);
    CHECK_INT(zone_offset(&z, at(2026, 7, 1, 0, 0)), 36000);
    REQUIRE(zone_parse_posix(STR("<-03>3"), &z));
    CHECK_INT(zone_offset(&z, 0), -10800);
    REQUIRE(zone_parse_posix(STR("EST5EDT4,J60,300/-1:30:15"), &z));
    CHECK_INT(zone_offset(&z, at(2024, 3, 1, 6, 59)), -18000); /* J60 is 1 March always */
    CHECK_INT(zone_offset(&z, at(2024, 3, 1, 7, 0)), -14400);
    static const char *const wrong[] = {"",
                                        "CET",
                                        "C-1",
                                        "CET-1CEST",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M1.1.1",
                                        "<CET-1",
                                        "CET-1 ",
                                        "CET-1CEST,M3.5.0,M10.5.0/3x"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_context(wrong[i]);
        CHECK(!zone_parse_posix(str_c(wrong[i]), &z));
    }
}

static void test_offsets(void)
{
    struct zone z;
    REQUIRE(zone_parse_offset(STR("+01:00"), &z));
    CHECK_INT(zone_offset(&z, 0), 3600);
    REQUIRE(zone_parse_offset(STR("-0330"), &z));
    CHECK_INT(zone_offset(&z, 0), -12600);
    REQUIRE(zone_parse_offset(STR("utc"), &z));
    CHECK_INT(zone_offset(&z, 0), 0);
    static const char *const wrong[] = {"",       "01:00",  "+1:00", "+01:60",
                                        "+15:00", "+01.00", "+01:0"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        test_context(wrong[i]);
        CHECK(!zone_parse_offset(str_c(wrong[i]), &z));
    }
}

static void put32(char **p, uint32_t v)
{
    for (int i = 3; i >= 0; i--) {
        *(*p)++ = (char)(v >> (8 * i));
    }
}

/** A version 2 file: nothing in the first block, two steps in the second, and a rule. */
static struct str make_tzif(char *buf, const char *rule)
{
    char *p = buf;
    for (int block = 0; block < 2; block++) {
        memcpy(p, "TZif2", 5);
        memset(p + 5, 0, 15);
        p += 20;
        put32(&p, 0);
        put32(&p, 0);
        put32(&p, 0);
        put32(&p, block == 0 ? 0 : 2);
        put32(&p, block == 0 ? 1 : 2);
        put32(&p, 4);
        if (block == 1) {
            put32(&p, 0);
            put32(&p, 1000);
            put32(&p, 0);
            put32(&p, 2000);
            *p++ = 1;
            *p++ = 0;
        }
        for (int type = 0; type <= block; type++) {
            put32(&p, type == 0 ? 600 : 1200);
            *p++ = 0;
            *p++ = 0;
        }
        memcpy(p, "LMT", 4);
        p += 4;
    }
    p += sprintf(p, "\n%s\n", rule);
    return str_make(buf, (size_t)(p - buf));
}

static void test_tzif(void)
{
    char buf[400];
    struct arena a;
    struct zone z;
    arena_init(&a, &mem_libc, 1024);
    struct str file = make_tzif(buf, "<+02>-2");
    struct str copy = test_guard(file);
    REQUIRE(zone_parse_tzif(&a, copy, &z) == 0);
    CHECK_INT(zone_offset(&z, 999), 600);
    CHECK_INT(zone_offset(&z, 1000), 1200);
    CHECK_INT(zone_offset(&z, 1999), 1200);
    CHECK_INT(zone_offset(&z, 2000), 7200); /* the rule is for what comes after the last */
    test_guard_free(copy);
    for (size_t n = 0; n < file.n - 9; n++) { /* every beginning without the rule */
        copy = test_guard(str_upto(file, n));
        CHECK_INT(zone_parse_tzif(&a, copy, &z), E_SYNTAX);
        test_guard_free(copy);
    }
    uint64_t seed = 5;
    for (int i = 0; i < 20000; i++) { /* nothing worse than an odd offset comes of rubbish */
        char bad[400];
        memcpy(bad, buf, file.n);
        bad[kit_next(&seed) % file.n] = (char)kit_next(&seed);
        bad[kit_next(&seed) % file.n] = (char)kit_next(&seed);
        copy = test_guard(str_make(bad, file.n));
        int err = zone_parse_tzif(&a, copy, &z);
        CHECK(err == 0 || err == E_SYNTAX);
        int32_t offset = err == 0 ? zone_offset(&z, (int64_t)(kit_next(&seed) % 5000)) : 0;
        CHECK(offset > -700000 && offset < 700000);
        test_guard_free(copy);
        arena_reset(&a);
    }
    arena_fini(&a);
}

/* ---- periods ---- */

static bool holds(const char *text, int64_t when)
{
    struct zone z;
    struct period p;
    size_t where = 0;
    test_context(text);
    return CHECK(zone_parse_offset(STR("+01:00"), &z)) &&
           CHECK(period_parse(str_c(text), &p, &where)) && period_holds(&p, &z, when);
}

static void test_periods(void)
{
    int64_t friday_noon = at(2026, 11, 20, 11, 0); /* 12:00 in the zone */
    CHECK(holds("mon-fri 08:00-18:00", friday_noon));
    CHECK(holds("12:00-12:01", friday_noon));
    CHECK(!holds("11:00-12:00", friday_noon)); /* the end is not within */
    CHECK(!holds("sat,sun", friday_noon));
    CHECK(holds("sat,Fri", friday_noon));
    CHECK(holds("thu-sat", friday_noon));
    CHECK(holds("sat-fri", friday_noon)); /* over the end of the week: all days */
    CHECK(!holds("sun-wed", friday_noon));
    CHECK(holds("2026-11-20", friday_noon));
    CHECK(!holds("2026-11-21", friday_noon));
    CHECK(holds("2026-11-01..2026-11-20 fri", friday_noon));
    CHECK(holds("11-20", friday_noon));
    CHECK(holds("11-01..01-06", friday_noon)); /* over the new year */
    CHECK(!holds("11-21..01-06", friday_noon));
    CHECK(holds("00:00-24:00", friday_noon));
    int64_t saturday_4 = at(2026, 11, 21, 3, 0); /* 04:00 in the zone */
    CHECK(holds("fri 22:00-06:00", saturday_4)); /* the night of Friday */
    CHECK(!holds("sat 22:00-06:00", saturday_4));
    CHECK(holds("2026-11-20 22:00-06:00", saturday_4));
    CHECK(!holds("22:00-04:00", saturday_4));
    CHECK(holds("sat 22:00-06:00", at(2026, 11, 21, 21, 0)));
    CHECK(holds("2026-11-21", at(2026, 11, 20, 23, 0))); /* the day of the zone, not of UTC */
}

static void test_periods_that_are_none(void)
{
    static const struct {
        const char *text;
        size_t at;
    } t[] = {{"", 0},
             {"  ", 0},
             {"mon-", 0},
             {"mon,", 0},
             {"mon tue", 4},
             {"08:00", 0},
             {"08:00-08:00", 0},
             {"08:00-25:00", 0},
             {"fri 8:00-9:00", 4},
             {"24:00-25:00", 0},
             {"2026-02-29", 0},
             {"2026-13-01", 0},
             {"02-30", 0},
             {"2026-12-24..12-26", 0},
             {"2026-12-24..2026-12-23", 0},
             {"08:00-09:00 10:00-11:00", 12},
             {"12-24 12-25", 6},
             {"monday", 0}};
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct period p;
        size_t where = 0;
        struct str copy = test_guard(str_c(t[i].text));
        test_context(t[i].text);
        CHECK(!period_parse(copy, &p, &where));
        CHECK_INT(where, t[i].at);
        test_guard_free(copy);
    }
}

TEST_MAIN(T(test_to_e164), T(test_from_e164_takes_the_shortest), T(test_there_and_back),
          T(test_the_calendar), T(test_posix_rules), T(test_offsets), T(test_tzif),
          T(test_periods), T(test_periods_that_are_none))
