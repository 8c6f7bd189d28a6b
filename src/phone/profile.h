/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of phones: what a make of phone can be asked, by which means, and how it wants it.
 *
 * A profile is data. Two are built in: "generic", which is TR/87 as it is written, and "none",
 * for a phone that is to be left alone. All others are files (profiles/NAME.yaml; read by the
 * server, docs/phones.md), so that a user adds his own without a new program.
 *
 *     phone_profile_choose(profiles, user_agent, configured name) ──► profile, and why
 *
 * A phone has the profile that the configuration names, or else the one whose pattern fits its
 * User-Agent best: the one with the most characters that are not '*', and of two such the one
 * that stands first (the user's files stand before those that were installed). A phone that
 * none fits has no profile: an INVITE with CSTA is sent to nobody who is not known to take it,
 * for there are phones that ring on it.
 *
 * A profile says what is worth trying. What a phone refuses in spite of it is struck out at run
 * time by who asks; the profile stays as it is.
 *
 * OWNERSHIP. A set of profiles is never changed: a reload makes another one, and whoever keeps
 * a profile chooses anew before the old set is freed. COST. A look-up walks all patterns; it is
 * made once per registration.
 */
#ifndef BATON_PHONE_PROFILE_H
#define BATON_PHONE_PROFILE_H

#include "csta/csta.h"

/** How CSTA reaches the phone. */
enum phone_means {
    PHONE_MEANS_NONE,    /**< not at all */
    PHONE_MEANS_SESSION, /**< INFO in a dialog that we open (TR/87 §7) */
    PHONE_MEANS_NOTIFY,  /**< NOTIFY with `Event: uaCSTA`, each on its own, no dialog */
};

/** How the phone wants its own line to be named in requests. */
enum phone_name_form {
    PHONE_NAME_AOR,  /**< sip:1001@example.com */
    PHONE_NAME_USER, /**< 1001 */
    PHONE_NAME_TEL,  /**< tel:1001 */
    PHONE_NAME_MAC,  /**< 00:10:49:54:3B:4C, from its +sip.instance or the configuration */
};

/** What a key of the phone does that is pressed from here (action.h). */
enum phone_act {
    PHONE_ACT_ANSWER,
    PHONE_ACT_CLEAR,
    PHONE_ACT_HOLD,
    PHONE_ACT_RETRIEVE,
    PHONE_ACT_MAKE,
    PHONE_ACT_DND_ON,
    PHONE_ACT_DND_OFF,
    PHONE_ACT_COUNT
};

/** What is peculiar about a phone; each is named for what it does, not for who does it. */
enum phone_quirk {
    /** A connection is named by its deviceID; callIDs are empty, in both directions. */
    PHONE_QUIRK_DEVICE_ONLY = 1U << 0,
    /** callIDs are counters, perhaps negative, that begin again when the phone does: one from
        an earlier session means nothing. */
    PHONE_QUIRK_CALL_ID_COUNTS = 1U << 1,
    /** Answers are in an edition of its own, whatever was asked in. */
    PHONE_QUIRK_OWN_EDITION = 1U << 2,
    /** Devices in answers and events lack the scheme. */
    PHONE_QUIRK_NO_SCHEME = 1U << 3,
    /** A monitor counts once BackInService has come for it. */
    PHONE_QUIRK_BACK_IN_SERVICE = 1U << 4,
    /** Numbers to call have to be SIP URIs of the phone's domain. */
    PHONE_QUIRK_DIAL_URI = 1U << 5,
    /** A second session takes the place of the first, and nothing tells the first. */
    PHONE_QUIRK_ONE_SESSION = 1U << 6,
    /** It takes CSTA over TLS only. */
    PHONE_QUIRK_TLS_ONLY = 1U << 7,
    /** The refresh has to be a re-INVITE with RequestSystemStatus in it. */
    PHONE_QUIRK_STATUS_IN_REFRESH = 1U << 8,
    /** The answer to RequestSystemStatus does not come with the 200: an empty one is no fault.
     */
    PHONE_QUIRK_NO_STATUS_ANSWER = 1U << 9,
    /** It deflects only what is alerting. */
    PHONE_QUIRK_DEFLECT_ALERTING = 1U << 10,
    /** The CSTA of the phone is on a line of its own, whose contact is not that of its calls.
     */
    PHONE_QUIRK_OWN_LINE = 1U << 11,
    /** It is no phone but a system that speaks for several lines over one session. */
    PHONE_QUIRK_MANY_LINES = 1U << 12,
};
#define PHONE_QUIRK_COUNT 13

/** A set of messages. */
struct phone_messages {
    uint64_t bit[(CSTA_MSG_COUNT + 63) / 64];
};

static inline bool phone_messages_has(const struct phone_messages *m, enum csta_msg_id id)
{
    return (unsigned)id < CSTA_MSG_COUNT && (m->bit[id / 64] >> (id % 64) & 1) != 0;
}

static inline void phone_messages_add(struct phone_messages *m, enum csta_msg_id id)
{
    m->bit[id / 64] |= UINT64_C(1) << (id % 64);
}

static inline void phone_messages_remove(struct phone_messages *m, enum csta_msg_id id)
{
    m->bit[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

/** All zero: a phone that is left alone. */
struct phone_profile {
    struct str name;          /**< "snom" */
    struct str text;          /**< one sentence: which phones */
    struct str origin;        /**< the file it stands in; absent: built in */
    const struct str *agents; /**< User-Agent patterns with '*'; no case */
    size_t agent_count;
    enum phone_means means;
    enum csta_edition edition; /**< of our requests; whatever the answers have is taken */
    enum phone_name_form name_form;
    bool status_first; /**< the INVITE carries RequestSystemStatus (S-1); false: no body */
    bool own_events;   /**< it reports calls; false: device features only */
    struct phone_messages services; /**< requests that it serves */
    bool talk;             /**< NOTIFY `Event: talk` answers, whatever its registration says */
    bool hold;             /**< NOTIFY `Event: hold` holds; noted only: Baton holds by itself */
    bool feature_event;    /**< as-feature-event in place of CSTA for do-not-disturb and
                                forwarding */
    struct str action_uri; /**< template of an HTTP request that makes it press a key; absent:
                                it takes none. See action.h */
    bool action_notify;    /**< it takes the key in a NOTIFY `Event: ACTION-URI` as well */
    struct str action_key[PHONE_ACT_COUNT]; /**< what stands for each key in it, or absent */
    unsigned quirks;                        /**< bits of enum phone_quirk */
    struct str settings; /**< what to set on the phone, in the vendor's words; lines */
    struct str evidence; /**< where all this is known from; lines */
};

/** A set of profiles, in the order in which they go before each other. */
struct phone_profiles {
    const struct phone_profile *item;
    size_t count;
};

/** TR/87 as it is written: for a phone that is not known but speaks it. */
extern const struct phone_profile phone_profile_generic;
/** For a phone that is to be left alone. */
extern const struct phone_profile phone_profile_none;

/** Why a phone has its profile. */
enum phone_choice_why {
    PHONE_CHOICE_NAMED,    /**< the configuration says so */
    PHONE_CHOICE_AGENT,    /**< its User-Agent fits */
    PHONE_CHOICE_UNKNOWN,  /**< there is no profile of the name that the configuration has */
    PHONE_CHOICE_NO_AGENT, /**< it has not said what it is */
    PHONE_CHOICE_NO_MATCH, /**< no pattern fits */
};

struct phone_choice {
    const struct phone_profile *profile; /**< NULL: none */
    enum phone_choice_why why;
    struct str pattern; /**< the one that fits, of PHONE_CHOICE_AGENT */
};

/**
 * The profile of a phone.
 * @param profiles    may be NULL: the built-in ones alone
 * @param user_agent  of its REGISTER; may be absent
 * @param configured  the device's `phone_profile`; absent or empty: by User-Agent
 */
struct phone_choice phone_profile_choose(const struct phone_profiles *profiles,
                                         struct str user_agent, struct str configured);

/** The same without the reason. NULL: none */
const struct phone_profile *phone_profile_for(const struct phone_profiles *profiles,
                                              struct str user_agent, struct str configured);

/** By name, without case, the built-in ones too; NULL: there is none. */
const struct phone_profile *phone_profile_named(const struct phone_profiles *profiles,
                                                struct str name);

/**
 * Does the text fit the pattern: the same without case, where each '*' stands for anything?
 * "*" fits everything, the empty pattern nothing.
 */
bool phone_pattern_fits(struct str pattern, struct str text);

/** Does the profile say that the phone serves this request? */
static inline bool phone_profile_has(const struct phone_profile *p, enum csta_msg_id service)
{
    return phone_messages_has(&p->services, service);
}

/** Names as the files have them: "session", "aor", "device-only" … */
struct str phone_means_name(enum phone_means means);
struct str phone_name_form_name(enum phone_name_form form);
/** @param bit one of enum phone_quirk; absent for any other */
struct str phone_quirk_name(unsigned bit);
/** What the quirk means, for people. */
const char *phone_quirk_text(unsigned bit);
/** @return false: there is none of that name */
bool phone_means_find(struct str name, enum phone_means *out);
bool phone_name_form_find(struct str name, enum phone_name_form *out);
/** 0: there is none of that name */
unsigned phone_quirk_find(struct str name);
/** The reason in a few words: "its User-Agent fits". */
const char *phone_choice_text(enum phone_choice_why why);

#endif
