/* SPDX-License-Identifier: Apache-2.0 */
/* Diversion, and RFC 7544: its examples, its tables, and both ways one after the other. */
#include "history/diversion.h"

#include "kit_history.h"

static struct hist k;

static struct hi_list list_of(const char *uri, const char *lines)
{
    struct hi_list l;
    CHECK_INT(hi_list_parse(&k.arena, hist_invite(&k, uri, lines), &l), 0);
    return l;
}

static struct diversion_list diversions_of(const char *uri, const char *lines)
{
    struct diversion_list l;
    CHECK_INT(diversion_list_parse(&k.arena, hist_invite(&k, uri, lines), &l), 0);
    return l;
}

/** The History-Info that a request with these lines becomes. */
static struct str to_history(const char *uri, const char *lines)
{
    struct hi_list l = list_of(uri, lines);
    struct diversion_list d;
    CHECK_INT(diversion_list_parse(&k.arena, &k.msg.m, &d), 0);
    CHECK_INT(diversion_to_history(&k.arena, &d, str_c(uri), &l), 0);
    return hist_list(&k, &l);
}

static struct str to_diversion(const char *uri, const char *lines)
{
    struct hi_list l = list_of(uri, lines);
    struct diversion_list d;
    struct str out = STR_NONE;
    CHECK_INT(diversion_list_parse(&k.arena, &k.msg.m, &d), 0);
    CHECK_INT(diversion_from_history(&k.arena, &l, &d, &out), 0);
    return out;
}

static void test_diversion_reads(void)
{
    struct diversion d;
    hist_init(&k);
    REQUIRE(diversion_parse(STR("\"Bob, B\" <sip:bob@x;user=phone> ;reason=user-busy;counter=2;"
                                "limit=5;privacy=\"full\";screen=yes;ext=1"),
                            &d) == 0);
    CHECK_STR(d.uri, "sip:bob@x;user=phone");
    CHECK_STR(d.reason, "user-busy");
    CHECK_STR(d.privacy, "full");
    CHECK_STR(d.screen, "yes");
    CHECK_INT(d.counter, 2);
    CHECK_INT(d.limit, 5);
    CHECK(diversion_is_private(&d));
    REQUIRE(diversion_parse(STR("<tel:+49301>"), &d) == 0);
    CHECK_INT(d.counter, 1);
    CHECK(!str_is_set(d.reason) && !diversion_is_private(&d));
    CHECK_INT(diversion_parse(STR("<sip:a@b>;counter=123"), &d), E_SYNTAX);
    CHECK_INT(diversion_parse(STR("<sip:a@b>;limit=x"), &d), E_SYNTAX);
    CHECK_INT(diversion_parse(STR("*"), &d), E_SYNTAX);
    CHECK_INT(diversion_parse(STR("<sip:a@b"), &d), E_SYNTAX);
    CHECK_INT(diversion_parse(STR(""), &d), E_SYNTAX);
    struct diversion_list l = diversions_of(
        "sip:c@x", "Diversion: <sip:b@x>;reason=away, <sip:a@x>\r\nDiversion: <sip:0@x>\r\n");
    CHECK_INT(l.count, 3);
    CHECK_STR(l.entry[2].uri, "sip:0@x");
    hist_fini(&k);
}

/** RFC 7544 §7.1. */
static void test_example_diversion_to_history(void)
{
    hist_init(&k);
    CHECK_STR(to_history("sip:last_diverting_target",
                         "Diversion: <sip:diverting_user3_address>;reason=unconditional;"
                         "counter=1;privacy=off,\r\n"
                         " <sip:diverting_user2_address>;reason=user-busy;counter=1;"
                         "privacy=full,\r\n"
                         " <sip:diverting_user1_address>;reason=no-answer;counter=1;"
                         "privacy=off\r\n"),
              "<sip:diverting_user1_address?Privacy=none>;index=1\n"
              "<sip:diverting_user2_address;cause=408?Privacy=history>;index=1.1;mp=1\n"
              "<sip:diverting_user3_address;cause=486?Privacy=none>;index=1.1.1;mp=1.1\n"
              "<sip:last_diverting_target;cause=302>;index=1.1.1.1;mp=1.1.1\n");
    hist_fini(&k);
}

/** RFC 7544 §7.2. */
static void test_example_history_to_diversion(void)
{
    hist_init(&k);
    CHECK_STR(to_diversion("sip:last_diverting_target;cause=486",
                           "History-Info: <sip:diverting_user1_address?Privacy=history>;"
                           "index=1,\r\n"
                           " <sip:diverting_user2_address;cause=302?Privacy=none>;"
                           "index=1.1;mp=1,\r\n"
                           " <sip:last_diverting_target;cause=486>;index=1.1.1;mp=1.1\r\n"),
              "<sip:diverting_user2_address>;reason=user-busy;counter=1;privacy=off, "
              "<sip:diverting_user1_address>;reason=unconditional;counter=1;privacy=full");
    hist_fini(&k);
}

/** RFC 7544 §7.3: History-Info from one network, Diversion from the next, made one. */
static void test_example_three_networks(void)
{
    static const char known[] = "History-Info: <sip:proxyP1>;index=1\r\n"
                                "History-Info: <sip:userB>;index=1.1;rc=1\r\n"
                                "History-Info: <sip:proxyP2;cause=302>;index=1.1.1;mp=1.1\r\n";
    char lines[2048];
    hist_init(&k);
    CHECK_STR(to_diversion("sip:userC", known),
              "<sip:userB>;reason=unconditional;counter=1;privacy=off");
    (void)snprintf(lines, sizeof(lines),
                   "Diversion: <sip:userD>;reason=time-of-day;counter=1;privacy=off,\r\n"
                   " <sip:userC>;reason=no-answer;counter=1;privacy=full,\r\n"
                   " <sip:userB>;reason=unconditional;counter=1;privacy=off\r\n%s",
                   known);
    CHECK_STR(to_history("sip:userE", lines),
              "<sip:proxyP1>;index=1\n<sip:userB>;index=1.1;rc=1\n"
              "<sip:proxyP2;cause=302>;index=1.1.1;mp=1.1\n"
              "<sip:userC?Privacy=history>;index=1.1.1.0.1\n"
              "<sip:userD;cause=408?Privacy=none>;index=1.1.1.0.1.1;mp=1.1.1.0.1\n"
              "<sip:userE;cause=404>;index=1.1.1.0.1.1.1;mp=1.1.1.0.1.1\n");
    CHECK_STR(to_diversion("sip:userE", lines), ""); /* Diversion has all of them */
    struct hi_list l = list_of("sip:userE", known);
    CHECK(!diversion_is_all(&l));
    hist_fini(&k);
}

/** RFC 7544 §5: a counter of N becomes N-1 placeholders; tel becomes sip. */
static void test_counter_and_tel(void)
{
    hist_init(&k);
    CHECK_STR(to_history("sip:c@x", "Diversion: <sip:bob_addr>;reason=user-busy;counter=3,"
                                    "<tel:+4930;ext=2>;reason=no-answer\r\n"),
              "<sip:+4930;ext=2@unknown.invalid;user=phone>;index=1\n"
              "<sip:unknown@unknown.invalid;cause=408>;index=1.1;mp=1\n"
              "<sip:unknown@unknown.invalid;cause=404>;index=1.1.1;mp=1.1\n"
              "<sip:bob_addr;cause=404>;index=1.1.1.1;mp=1.1.1\n"
              "<sip:c@x;cause=486>;index=1.1.1.1.1;mp=1.1.1.1\n");
    /* what a parameter may hold, and a user part not */
    CHECK_STR(to_history("sip:c@x", "Diversion: <tel:+4930;ext=2:[1]%3a>;reason=no-answer\r\n"),
              "<sip:+4930;ext=2%3A%5B1%5D%3a@unknown.invalid;user=phone>;index=1\n"
              "<sip:c@x;cause=408>;index=1.1;mp=1\n");
    struct hi_list l = {0};
    struct diversion_list d = diversions_of("sip:c@x", "Diversion: <sip:b@x>;counter=99\r\n");
    CHECK_INT(diversion_to_history(&k.arena, &d, STR("sip:c@x"), &l), E_TOOMANY);
    CHECK_INT(l.count, 0);
    hist_fini(&k);
}

static void test_causes(void)
{
    static const struct {
        const char *reason;
        unsigned cause;
        const char *back;
    } rows[] = {
        {"unknown", 404, "unknown"},       {"unconditional", 302, "unconditional"},
        {"user-busy", 486, "user-busy"},   {"no-answer", 408, "no-answer"},
        {"deflection", 480, "deflection"}, {"unavailable", 503, "unavailable"},
        {"time-of-day", 404, "unknown"},   {"do-not-disturb", 404, "unknown"},
        {"follow-me", 404, "unknown"},     {"out-of-service", 404, "unknown"},
        {"away", 404, "unknown"},          {"something-else", 404, "unknown"},
        {"USER-BUSY", 486, "user-busy"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        test_context(rows[i].reason);
        CHECK_INT(diversion_cause(str_c(rows[i].reason)), rows[i].cause);
        CHECK_STR(diversion_reason(rows[i].cause), rows[i].back);
    }
    test_context(NULL);
    CHECK_STR(diversion_reason(487), "deflection");
    CHECK(!str_is_set(diversion_reason(200)) && !str_is_set(diversion_reason(0)));
}

/** Without `mp` the entry before the target is who diverted (RFC 7544 §6). */
static void test_old_history_without_mp(void)
{
    hist_init(&k);
    CHECK_STR(to_diversion("sip:c@x", "History-Info: <sip:a@x>;index=1, <sip:b@x;cause=408>;"
                                      "index=1.1, <sip:b@10.0.0.1>;index=1.1.1\r\n"),
              "<sip:a@x>;reason=no-answer;counter=1;privacy=off");
    CHECK_STR(to_diversion("sip:c@x", "History-Info: <sip:b@x;cause=408>;index=1\r\n"), "");
    CHECK_STR(to_diversion("sip:c@x", "History-Info: <sip:b@x;cause=401>;index=1,"
                                      "<sip:d@x>;index=1.1;mp=1\r\n"),
              "");
    CHECK_STR(to_diversion("sip:c@x", "History-Info: <sip:a@x;cause=302;ttl=3>;index=1,"
                                      "<sip:d@x;cause=503>;index=1.1;mp=7.7\r\n"),
              "<sip:a@x;ttl=3>;reason=unavailable;counter=1;privacy=off");
    hist_fini(&k);
}

static void test_already_equal(void)
{
    static const char both[] =
        "History-Info: <sip:a@x>;index=1,<sip:b@x;cause=486>;index=1.1;mp=1\r\n"
        "Diversion: <sip:a@x>;reason=user-busy;counter=1;screen=yes\r\n";
    hist_init(&k);
    CHECK_STR(to_history("sip:b@x", both),
              "<sip:a@x>;index=1\n<sip:b@x;cause=486>;index=1.1;mp=1\n");
    CHECK_STR(to_diversion("sip:b@x", both), "");
    hist_fini(&k);
}

static void test_concealed(void)
{
    struct diversion d;
    hist_init(&k);
    REQUIRE(diversion_parse(STR("\"Bob\" <sip:bob@x>;privacy=full;reason=away;x=\"y\""), &d) ==
            0);
    CHECK_STR(diversion_concealed(&k.arena, &d),
              "<sip:anonymous@anonymous.invalid>;reason=away;x=\"y\"");
    hist_fini(&k);
}

/** Any chain of diversions, written as History-Info, survives the way through Diversion. */
static void test_round_trip(void)
{
    static const char *const causes[] = {"302", "486", "408", "480", "503", "404"};
    uint64_t seed = 7;
    for (int round = 0; round < 200; round++) {
        char lines[4096] = "";
        char want[4096] = "";
        char index[64] = "1";
        char of[64] = "";
        char target[64] = "";
        unsigned n = 2 + (unsigned)(kit_next(&seed) % 6);
        hist_init(&k);
        for (unsigned i = 0; i < n; i++) {
            char entry[256];
            char cause[16] = "";
            if (i > 0) {
                (void)snprintf(cause, sizeof(cause), ";cause=%s", causes[kit_next(&seed) % 6]);
            }
            const char *privacy = i + 1 == n                 ? ""
                                  : kit_next(&seed) % 2 == 0 ? "?Privacy=history"
                                                             : "?Privacy=none";
            (void)snprintf(target, sizeof(target), "sip:u%u@x", i);
            (void)snprintf(entry, sizeof(entry), "<%s%s%s>;index=%s%s%s", target, cause,
                           privacy, index, i > 0 ? ";mp=" : "", of);
            (void)snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines),
                           "History-Info: %s\r\n", entry);
            (void)snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s\n", entry);
            memcpy(of, index, sizeof(of));
            (void)snprintf(index + strlen(index), sizeof(index) - strlen(index), ".1");
        }
        struct str value = to_diversion(target, lines);
        struct str line = arena_fmt(&k.arena, "Diversion: %.*s\r\n", STR_ARG(value));
        CHECK(diversion_is_all(&(struct hi_list){0}));
        struct hi_list all = list_of(target, lines);
        CHECK(diversion_is_all(&all));
        line = arena_fmt(&k.arena, "%.*s", STR_ARG(line));
        char copy[4096];
        (void)snprintf(copy, sizeof(copy), "%.*s", STR_ARG(line));
        CHECK_STR(to_history(target, copy), want);
        hist_fini(&k);
    }
}

TEST_MAIN(T(test_diversion_reads), T(test_example_diversion_to_history),
          T(test_example_history_to_diversion), T(test_example_three_networks),
          T(test_counter_and_tel), T(test_causes), T(test_old_history_without_mp),
          T(test_already_equal), T(test_concealed), T(test_round_trip))
