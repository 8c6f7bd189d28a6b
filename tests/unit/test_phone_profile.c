/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of phones: which one a phone gets and why, what the built-in ones say, and that all
 * names that stand in files are read back as what they were written from.
 */
#include "phone/profile.h"
#include "test.h"

static const struct str wide_agents[] = {STR_INIT("Yealink*")};
static const struct str narrow_agents[] = {STR_INIT("Yealink SIP-T4*"), STR_INIT("*W52P*")};
static const struct str twin_agents[] = {STR_INIT("yealink*")};
static const struct phone_profile items[] = {
    {.name = STR_INIT("wide"), .agents = wide_agents, .agent_count = 1},
    {.name = STR_INIT("narrow"), .agents = narrow_agents, .agent_count = 2},
    {.name = STR_INIT("twin"), .agents = twin_agents, .agent_count = 1},
};
static const struct phone_profiles set = {.item = items, .count = 3};

static struct phone_choice choose(const char *agent, const char *name)
{
    return phone_profile_choose(&set, str_c(agent), str_c(name));
}

static bool fits(const char *pattern, const char *text)
{
    struct str p = test_guard(str_c(pattern));
    struct str t = test_guard(str_c(text));
    bool yes = phone_pattern_fits(p, t);
    test_guard_free(p);
    test_guard_free(t);
    return yes;
}

static void test_patterns(void)
{
    CHECK(fits("snom*", "snom320/8.7.3.25"));
    CHECK(fits("SNOM*", "snom320/8.7.3.25"));
    CHECK(!fits("snom*", "a snom"));
    CHECK(fits("*CSTA", "Phone with csta"));
    CHECK(!fits("*CSTA", "csta phone"));
    CHECK(fits("*edge e*", "PolyEdge Edge E450/8.3.1"));
    CHECK(fits("*edge e*", "edge e"));
    CHECK(!fits("*edge e*", "edge"));
    CHECK(fits("Phone", "phone"));
    CHECK(!fits("Phone", "phone 2"));
    CHECK(!fits("Phone 2", "phone"));
    CHECK(fits("*", "anything"));
    CHECK(fits("*", ""));
    CHECK(fits("**", "anything"));
    CHECK(!fits("", ""));
    CHECK(!fits("", "anything"));
    CHECK(fits("a*b", "axxB"));
    CHECK(fits("a*b", "ab"));
    CHECK(!fits("a*b", "axbc"));
    CHECK(fits("a*bc*d", "a-bx-bc-d"));
    CHECK(!fits("a*bc*d", "a-bx-bc-"));
    CHECK(fits("*a*a*", "aa"));
    CHECK(!fits("*a*a*", "a"));
}

static void test_the_longest_pattern_wins(void)
{
    struct phone_choice c = choose("Yealink SIP-T46S 66.85.0.5", NULL);
    CHECK_INT(c.why, PHONE_CHOICE_AGENT);
    REQUIRE(c.profile != NULL);
    CHECK_STR(c.profile->name, "narrow");
    CHECK_STR(c.pattern, "Yealink SIP-T4*");

    /* Of two of one length the first: "*W52P*" has four characters, "Yealink*" seven. */
    c = choose("Yealink W52P 25.30", NULL);
    REQUIRE(c.profile != NULL);
    CHECK_STR(c.profile->name, "wide");
    CHECK(c.profile == phone_profile_for(&set, STR("Yealink W52P 25.30"), STR_NONE));

    c = choose(" W52P ", NULL);
    REQUIRE(c.profile != NULL);
    CHECK_STR(c.profile->name, "narrow");
}

static void test_a_configured_name_goes_before_the_agent(void)
{
    struct phone_choice c = choose("Yealink SIP-T46S", "TWIN");
    CHECK_INT(c.why, PHONE_CHOICE_NAMED);
    REQUIRE(c.profile != NULL);
    CHECK_STR(c.profile->name, "twin");

    c = choose("Yealink SIP-T46S", "");
    REQUIRE(c.profile != NULL);
    CHECK_STR(c.profile->name, "narrow");

    /* A wrong name does not fall back: that would hide the mistake. */
    c = choose("Yealink SIP-T46S", "twim");
    CHECK_INT(c.why, PHONE_CHOICE_UNKNOWN);
    CHECK(c.profile == NULL);
}

static void test_a_phone_that_nobody_knows_has_none(void)
{
    CHECK_INT(choose("Nokia 3310", NULL).why, PHONE_CHOICE_NO_MATCH);
    CHECK(choose("Nokia 3310", NULL).profile == NULL);
    CHECK_INT(choose(NULL, NULL).why, PHONE_CHOICE_NO_AGENT);
    CHECK_INT(choose("  ", NULL).why, PHONE_CHOICE_NO_AGENT);
    CHECK(phone_profile_for(NULL, STR("Yealink"), STR_NONE) == NULL);
    CHECK(phone_profile_for(NULL, STR("Yealink"), STR("generic")) == &phone_profile_generic);
    CHECK(phone_profile_for(&set, STR("Yealink"), STR("none")) == &phone_profile_none);
}

static void test_the_generic_profile_is_tr87(void)
{
    static const enum csta_msg_id has[] = {
        CSTA_MSG_MAKE_CALL,      CSTA_MSG_ANSWER_CALL,       CSTA_MSG_CLEAR_CONNECTION,
        CSTA_MSG_TRANSFER_CALL,  CSTA_MSG_CONFERENCE_CALL,   CSTA_MSG_SET_SPEAKER_VOLUME,
        CSTA_MSG_SET_FORWARDING, CSTA_MSG_GET_CSTA_FEATURES, CSTA_MSG_MONITOR_START,
    };
    const struct phone_profile *g = &phone_profile_generic;
    size_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(has); i++) {
        CHECK(phone_profile_has(g, has[i]));
    }
    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        if (phone_profile_has(g, (enum csta_msg_id)id)) {
            CHECK_INT(csta_msg_role((enum csta_msg_id)id), CSTA_ROLE_REQUEST);
            count++;
        }
    }
    CHECK_INT(count, 31);
    CHECK(!phone_profile_has(g, CSTA_MSG_CLEAR_CALL));
    CHECK(!phone_profile_has(g, CSTA_MSG_COUNT));
    CHECK_INT(g->means, PHONE_MEANS_SESSION);
    CHECK_INT(g->edition, CSTA_ED3);
    CHECK_INT(g->quirks, 0);
    CHECK(g->own_events && g->status_first);
    CHECK_INT(phone_profile_none.means, PHONE_MEANS_NONE);
}

static void test_sets_of_messages(void)
{
    struct phone_messages m = {.bit = {0}};
    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        CHECK(!phone_messages_has(&m, (enum csta_msg_id)id));
        phone_messages_add(&m, (enum csta_msg_id)id);
        CHECK(phone_messages_has(&m, (enum csta_msg_id)id));
    }
    phone_messages_remove(&m, CSTA_MSG_HOLD_CALL);
    CHECK(!phone_messages_has(&m, CSTA_MSG_HOLD_CALL));
    CHECK(phone_messages_has(&m, CSTA_MSG_MAKE_CALL));
}

static void test_names_are_read_back(void)
{
    enum phone_means means;
    enum phone_name_form form;

    for (unsigned i = 0; i <= PHONE_MEANS_NOTIFY; i++) {
        CHECK(phone_means_find(phone_means_name((enum phone_means)i), &means) && means == i);
    }
    for (unsigned i = 0; i <= PHONE_NAME_MAC; i++) {
        CHECK(phone_name_form_find(phone_name_form_name((enum phone_name_form)i), &form) &&
              form == i);
    }
    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        CHECK_INT(phone_quirk_find(phone_quirk_name(1U << i)), 1U << i);
        CHECK(phone_quirk_text(1U << i)[0] != '\0');
    }
    CHECK(!phone_means_find(STR("nothing"), &means));
    CHECK(!phone_name_form_find(STR("nothing"), &form));
    CHECK_INT(phone_quirk_find(STR("nothing")), 0);
    CHECK(!str_is_set(phone_quirk_name(3)));
    CHECK(!str_is_set(phone_quirk_name(1U << PHONE_QUIRK_COUNT)));
    CHECK_STR(phone_quirk_name(PHONE_QUIRK_MANY_LINES), "many-lines");
    CHECK_STR(phone_quirk_name(PHONE_QUIRK_TLS_ONLY), "tls-only");
}

TEST_MAIN(T(test_patterns), T(test_the_longest_pattern_wins),
          T(test_a_configured_name_goes_before_the_agent),
          T(test_a_phone_that_nobody_knows_has_none), T(test_the_generic_profile_is_tr87),
          T(test_sets_of_messages), T(test_names_are_read_back))
