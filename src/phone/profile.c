/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a profile, the two that are built in, and the names of what stands in one.
 *
 * What a pattern is worth is the number of its characters that are not '*': "Yealink SIP-T4*"
 * goes before "Yealink*", and both before "*".
 */
#include "phone/profile.h"

/* What TR/87 has in all its profiles (8.1 to 8.6), and what it takes to run a session. */
/* clang-format off */
#define GENERIC_SERVICES(X)                                                                \
    X(MAKE_CALL) X(ANSWER_CALL) X(CLEAR_CONNECTION) X(DEFLECT_CALL) X(HOLD_CALL)           \
    X(RETRIEVE_CALL) X(SINGLE_STEP_TRANSFER_CALL) X(ALTERNATE_CALL) X(CONSULTATION_CALL)   \
    X(RECONNECT_CALL) X(TRANSFER_CALL) X(GENERATE_DIGITS) X(CONFERENCE_CALL)               \
    X(SINGLE_STEP_CONFERENCE_CALL) X(GET_DO_NOT_DISTURB) X(SET_DO_NOT_DISTURB)             \
    X(GET_FORWARDING) X(SET_FORWARDING) X(GET_MESSAGE_WAITING_INDICATOR)                   \
    X(SET_MESSAGE_WAITING_INDICATOR) X(GET_SPEAKER_MUTE) X(SET_SPEAKER_MUTE)               \
    X(GET_SPEAKER_VOLUME) X(SET_SPEAKER_VOLUME) X(GET_MICROPHONE_MUTE)                     \
    X(SET_MICROPHONE_MUTE) X(MONITOR_START) X(MONITOR_STOP) X(SNAPSHOT_DEVICE)             \
    X(REQUEST_SYSTEM_STATUS) X(GET_CSTA_FEATURES)
/* clang-format on */

/* An initialiser cannot shift bits of a set into its words one by one: each word picks its own.
 */
#define IN_WORD_0(id) | ((CSTA_MSG_##id) / 64 == 0 ? UINT64_C(1) << (CSTA_MSG_##id) % 64 : 0)
#define IN_WORD_1(id) | ((CSTA_MSG_##id) / 64 == 1 ? UINT64_C(1) << (CSTA_MSG_##id) % 64 : 0)
#define IN_WORD_2(id) | ((CSTA_MSG_##id) / 64 == 2 ? UINT64_C(1) << (CSTA_MSG_##id) % 64 : 0)
#define IN_WORD_3(id) | ((CSTA_MSG_##id) / 64 == 3 ? UINT64_C(1) << (CSTA_MSG_##id) % 64 : 0)
#define BEYOND(id) || (CSTA_MSG_##id) >= 256
_Static_assert(!(false GENERIC_SERVICES(BEYOND)), "four words hold what TR/87 has");

const struct phone_profile phone_profile_generic = {
    .name = STR_INIT("generic"),
    .text = STR_INIT("Any phone that speaks TR/87 as it is written."),
    .means = PHONE_MEANS_SESSION,
    .edition = CSTA_ED3,
    .name_form = PHONE_NAME_AOR,
    .status_first = true,
    .own_events = true,
    .services = {.bit = {0 GENERIC_SERVICES(IN_WORD_0), 0 GENERIC_SERVICES(IN_WORD_1),
                         0 GENERIC_SERVICES(IN_WORD_2), 0 GENERIC_SERVICES(IN_WORD_3)}},
};

const struct phone_profile phone_profile_none = {
    .name = STR_INIT("none"),
    .text = STR_INIT("A phone that is left alone."),
};

/* ------------------------------------------------------------------------ choosing */

bool phone_pattern_fits(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = pattern.n, from = 0;

    if (pattern.n == 0) {
        return false;
    }
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.n && ascii_lower(pattern.p[p]) == ascii_lower(text.p[t])) {
            p++;
            t++;
        } else if (star < pattern.n) { /* the last star takes one more */
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*') {
        p++;
    }
    return p == pattern.n;
}

static size_t weight_of(struct str pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < pattern.n; i++) {
        n += pattern.p[i] != '*';
    }
    return n;
}

static struct phone_choice by_agent(const struct phone_profiles *profiles, struct str agent)
{
    struct phone_choice best = {.why = PHONE_CHOICE_NO_MATCH};

    for (size_t i = 0; profiles != NULL && i < profiles->count; i++) {
        const struct phone_profile *p = &profiles->item[i];
        for (size_t k = 0; k < p->agent_count; k++) {
            struct str pattern = p->agents[k];
            if (phone_pattern_fits(pattern, agent) &&
                (best.profile == NULL || weight_of(pattern) > weight_of(best.pattern))) {
                best = (struct phone_choice){
                    .profile = p, .why = PHONE_CHOICE_AGENT, .pattern = pattern};
            }
        }
    }
    return best;
}

struct phone_choice phone_profile_choose(const struct phone_profiles *profiles,
                                         struct str user_agent, struct str configured)
{
    if (configured.n > 0) {
        const struct phone_profile *p = phone_profile_named(profiles, configured);
        return (struct phone_choice){
            .profile = p, .why = p != NULL ? PHONE_CHOICE_NAMED : PHONE_CHOICE_UNKNOWN};
    }
    user_agent = str_trim(user_agent);
    if (user_agent.n == 0) {
        return (struct phone_choice){.why = PHONE_CHOICE_NO_AGENT};
    }
    return by_agent(profiles, user_agent);
}

const struct phone_profile *phone_profile_for(const struct phone_profiles *profiles,
                                              struct str user_agent, struct str configured)
{
    return phone_profile_choose(profiles, user_agent, configured).profile;
}

const struct phone_profile *phone_profile_named(const struct phone_profiles *profiles,
                                                struct str name)
{
    for (size_t i = 0; profiles != NULL && i < profiles->count; i++) {
        if (str_ieq(profiles->item[i].name, name)) {
            return &profiles->item[i];
        }
    }
    if (str_ieq(phone_profile_generic.name, name)) {
        return &phone_profile_generic;
    }
    return str_ieq(phone_profile_none.name, name) ? &phone_profile_none : NULL;
}

/* ------------------------------------------------------------------------ names */

static const struct str means_names[] = {
    [PHONE_MEANS_NONE] = STR_INIT("none"),
    [PHONE_MEANS_SESSION] = STR_INIT("session"),
    [PHONE_MEANS_NOTIFY] = STR_INIT("notify"),
};

static const struct str form_names[] = {
    [PHONE_NAME_AOR] = STR_INIT("aor"),
    [PHONE_NAME_USER] = STR_INIT("user"),
    [PHONE_NAME_TEL] = STR_INIT("tel"),
    [PHONE_NAME_MAC] = STR_INIT("mac"),
};

/* In the order of the bits. */
static const struct {
    struct str name;
    const char *text;
} quirks[PHONE_QUIRK_COUNT] = {
    {STR_INIT("device-only"), "connections are named by the device alone"},
    {STR_INIT("call-id-counts"), "callIDs are counters that begin again with the phone"},
    {STR_INIT("own-edition"), "answers are in its own edition, whatever was asked in"},
    {STR_INIT("no-scheme"), "devices in answers and events lack the scheme"},
    {STR_INIT("back-in-service"), "a monitor counts once BackInService has come"},
    {STR_INIT("dial-uri"), "numbers to call have to be SIP URIs"},
    {STR_INIT("one-session"), "a second session silently takes the place of the first"},
    {STR_INIT("tls-only"), "CSTA is taken over TLS only"},
    {STR_INIT("status-in-refresh"), "the refresh has to ask for the system status again"},
    {STR_INIT("no-status-answer"), "the status may be missing in the answer to INVITE"},
    {STR_INIT("deflect-alerting"), "only an alerting call can be deflected"},
    {STR_INIT("own-line"), "CSTA is on a line of its own, apart from the calls"},
    {STR_INIT("many-lines"), "one session speaks for several lines"},
};

static bool find_name(const struct str *names, size_t n, struct str name, unsigned *out)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq(names[i], name)) {
            *out = (unsigned)i;
            return true;
        }
    }
    return false;
}

struct str phone_means_name(enum phone_means means)
{
    return (size_t)means < ARRAY_LEN(means_names) ? means_names[means] : STR_NONE;
}

struct str phone_name_form_name(enum phone_name_form form)
{
    return (size_t)form < ARRAY_LEN(form_names) ? form_names[form] : STR_NONE;
}

bool phone_means_find(struct str name, enum phone_means *out)
{
    unsigned i;
    if (!find_name(means_names, ARRAY_LEN(means_names), name, &i)) {
        return false;
    }
    *out = (enum phone_means)i;
    return true;
}

bool phone_name_form_find(struct str name, enum phone_name_form *out)
{
    unsigned i;
    if (!find_name(form_names, ARRAY_LEN(form_names), name, &i)) {
        return false;
    }
    *out = (enum phone_name_form)i;
    return true;
}

struct str phone_quirk_name(unsigned bit)
{
    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        if (bit == 1U << i) {
            return quirks[i].name;
        }
    }
    return STR_NONE;
}

const char *phone_quirk_text(unsigned bit)
{
    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        if (bit == 1U << i) {
            return quirks[i].text;
        }
    }
    return "";
}

unsigned phone_quirk_find(struct str name)
{
    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        if (str_eq(quirks[i].name, name)) {
            return 1U << i;
        }
    }
    return 0;
}

const char *phone_choice_text(enum phone_choice_why why)
{
    switch (why) {
    case PHONE_CHOICE_NAMED:
        return "the configuration says so";
    case PHONE_CHOICE_AGENT:
        return "its User-Agent fits";
    case PHONE_CHOICE_UNKNOWN:
        return "there is no profile of the configured name";
    case PHONE_CHOICE_NO_AGENT:
        return "the phone has not said what it is";
    case PHONE_CHOICE_NO_MATCH:
        break;
    }
    return "no profile fits its User-Agent";
}
