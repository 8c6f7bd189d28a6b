/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a neighbour supports, as far as he has said so, and whether that is what a request
 * demands (RFC 3261 §20.32, RFC 3840, RFC 3841, RFC 7433 §3, RFC 7434 §10).
 *
 * A SUPPORT is two texts: option tags of a Supported, and feature parameters of a Contact. They
 * come from a registration, from an answer to OPTIONS, or from the configuration. Who has said
 * neither is not known, and that is an answer of its own: UNDERSTANDS_UNKNOWN is never a
 * reason to keep something from somebody, only a reason to ask others first.
 *
 * A DEMAND is what a request says about whom it may reach: `Require: uui`, and the preferences
 * of RFC 3841, of which a proxy that knows only what somebody declared can judge only that.
 *
 * ISDN-UUI. The option tag `uui` says nothing about it: RFC 7434 §10 forbids to take a missing
 * tag for a reason not to interwork. Only the feature tag counts, and only when it is there
 * (also negated: +sip.uui-isdn=FALSE), or a declaration of the configuration, which is
 * complete.
 */
#ifndef BATON_REGISTRAR_SUPPORT_H
#define BATON_REGISTRAR_SUPPORT_H

#include "registrar/prefs.h"

enum understands { UNDERSTANDS_UNKNOWN, UNDERSTANDS_NO, UNDERSTANDS_YES };

/** "unknown", "no", "yes". */
const char *understands_text(enum understands u);

/** Borrowed texts. Zeros: nothing is known. */
struct support {
    struct str supported; /**< option tags, separated by commas; absent: nothing was said */
    struct str features;  /**< ";+sip.uui-isdn;extensions=\"uui\"", contact parameters */
    bool declared;        /**< by the configuration: what is not there is not understood */
};

/** Is that option tag supported? `extensions` among the features counts as Supported does. */
enum understands support_option(const struct support *s, struct str option_tag);

/**
 * Is that package of User-to-User understood?
 * @param feature_tag  of the package, "+com.example.crm"; absent: it has none. For isdn-uui it
 *                     is always +sip.uui-isdn (RFC 7434 §12)
 */
enum understands support_package(const struct support *s, struct str package,
                                 struct str feature_tag);

/** Option tags of all Supported lines of a message as one list, in the arena. Absent: there is
   no such line. @return 0 or E_NOMEM */
int support_tags_of(const struct sip_msg *m, struct arena *arena, struct str *out) MUST_USE;

/** What a request demands of whom it reaches. Zeros: nothing. */
struct demand {
    bool uui;     /**< Require: uui */
    bool prefers; /**< Accept-Contact or Reject-Contact */
    struct prefs prefs;
};

/** @return 0; E_NOMEM; E_TOOMANY: more preferences than anybody needs, answer 400 */
int demand_read(const struct sip_msg *m, struct arena *arena, struct demand *out) MUST_USE;

/** In the order in which others go before. */
enum fit {
    FIT_NO_OPTION,  /**< it does not support what Require says: 420 */
    FIT_NO_FEATURE, /**< Accept-Contact or Reject-Contact excludes it: 480 */
    FIT_UNKNOWN,    /**< it has not said */
    FIT_YES,
};

enum fit demand_fit(const struct demand *w, const struct support *s);

static inline bool fits(enum fit f)
{
    return f >= FIT_UNKNOWN;
}

/** The answer when nobody fits better than that, and the line with it (NULL: none). */
unsigned fit_status(enum fit best, const char **line);

/** With a 420: what is demanded and nobody has (RFC 3261 §20.40). */
#define UNSUPPORTED_UUI "Unsupported: uui\r\n"

#endif
