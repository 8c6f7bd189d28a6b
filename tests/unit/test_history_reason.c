/* SPDX-License-Identifier: Apache-2.0 */
/* Reason values, and RFC 3398's two tables. */
#include "history/reason.h"

#include "kit_history.h"

static struct hist k;

static void test_reason_forms(void)
{
    struct reason r;
    REQUIRE(reason_parse(STR("SIP ;cause=200 ;text=\"Call completed elsewhere\""), &r) == 0);
    CHECK_STR(r.protocol, "SIP");
    CHECK(r.has_cause);
    CHECK_INT(r.cause, 200);
    CHECK_STR(r.text, "\"Call completed elsewhere\"");
    REQUIRE(reason_parse(STR("preemption ;cause=1 ;text=\"UA; Preemption\""), &r) == 0);
    CHECK_INT(r.cause, 1);
    REQUIRE(reason_parse(STR("Q.850"), &r) == 0);
    CHECK(!r.has_cause && !str_is_set(r.text));
    REQUIRE(reason_parse(STR("Q.850;cause=x"), &r) == 0);
    CHECK(!r.has_cause);
    REQUIRE(reason_parse(STR("Q.850;cause=99999999999"), &r) == 0);
    CHECK(!r.has_cause);
    CHECK_INT(reason_parse(STR(""), &r), E_SYNTAX);
    CHECK_INT(reason_parse(STR(";cause=1"), &r), E_SYNTAX);
    CHECK_INT(reason_parse(STR("a b;cause=1"), &r), E_SYNTAX);
}

static void test_reason_find_and_lines(void)
{
    struct reason r;
    hist_init(&k);
    const struct sip_msg *m =
        hist_text(&k, "BYE sip:b@x SIP/2.0", "BYE",
                  "Reason: SIP;cause=486;text=\"a, b\", q.850;cause=17\r\n"
                  "reason :preemption;cause=5\r\n");
    CHECK(reason_find(m, STR("Q.850"), &r) && r.cause == 17);
    CHECK(reason_find(m, STR("preemption"), &r) && r.cause == 5);
    CHECK(!reason_find(m, STR("emergency"), &r));
    CHECK_STR(reason_lines(&k.arena, m),
              "Reason: SIP;cause=486;text=\"a, b\", q.850;cause=17\r\n"
              "Reason: preemption;cause=5\r\n");
    CHECK(!str_is_set(reason_q850_line(&k.arena, 486, m)));
    m = hist_text(&k, "BYE sip:b@x SIP/2.0", "BYE", "");
    CHECK(!str_is_set(reason_lines(&k.arena, m)));
    CHECK(!str_is_set(reason_lines(&k.arena, NULL)));
    CHECK_STR(reason_q850_line(&k.arena, 486, m), "Reason: Q.850;cause=17\r\n");
    CHECK_STR(reason_q850_line(&k.arena, 499, NULL), "Reason: Q.850;cause=31\r\n");
    CHECK(!str_is_set(reason_q850_line(&k.arena, 487, NULL)));
    CHECK(!str_is_set(reason_q850_line(&k.arena, 200, NULL)));
    hist_fini(&k);
}

/** RFC 3398 §8.2.6.1. */
static void test_status_to_q850(void)
{
    static const unsigned rows[][2] = {
        {400, 41}, {401, 21},  {403, 21},  {404, 1},  {405, 63}, {408, 102}, {410, 22},
        {415, 79}, {416, 127}, {480, 18},  {481, 41}, {482, 25}, {483, 25},  {484, 28},
        {485, 1},  {486, 17},  {487, 0},   {488, 31}, {500, 41}, {501, 79},  {502, 38},
        {503, 41}, {504, 102}, {513, 127}, {600, 17}, {603, 21}, {604, 1},   {606, 31},
        {200, 0},  {180, 0},   {302, 31},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(reason_q850_of_status(rows[i][0]), rows[i][1]);
    }
}

TEST_MAIN(T(test_reason_forms), T(test_reason_find_and_lines), T(test_status_to_q850))
