/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caller preferences (RFC 3841): what a request says about whom it wants to reach, and how.
 *
 *   Request-Disposition   sip/disposition.h: proxy or redirect, fork, in which order …
 *   Accept-Contact        prefs_score: how well a contact fits, or that it must not be tried
 *   Reject-Contact        prefs_score as well
 *   neither of the two    the method and the event package of the request are preferences of
 *                         their own (§7.2.2)
 *
 * Everything is a slice of the request. Bounded: PREFS_RULES_MAX values (§11 says around 20).
 */
#ifndef BATON_REGISTRAR_PREFS_H
#define BATON_REGISTRAR_PREFS_H

#include "base/arena.h"
#include "registrar/feature.h"
#include "sip/disposition.h"
#include "sip/msg.h"

#define PREFS_RULES_MAX 20

/** One value of Accept-Contact or Reject-Contact. */
struct prefs_rule {
    struct feature_set want;
    bool reject, require, explicit_;
};

struct prefs {
    struct prefs_rule *rule; /**< in the arena */
    size_t count;
    bool implicit; /**< the caller said nothing: the rule is from the method */
};

/**
 * The preferences of a request.
 * @return 0; E_NOMEM; E_TOOMANY: more rules or tags than anybody needs, answer 400
 */
int prefs_read(const struct sip_msg *m, struct arena *arena, struct prefs *out) MUST_USE;

/**
 * How well a contact with these parameters (";audio;methods=…") fits: the overall caller
 * preference Qa of §7.2.4 in thousandths, 1000 for one that has no features and so is immune.
 * @return false: it must not be tried
 */
bool prefs_score(const struct prefs *prefs, struct str params, uint32_t *qa_milli);

#endif
