/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which contacts of an address a request goes to, and in which order (RFC 3261 §16.5, RFC 3841,
 * RFC 5626 §7, RFC 5627 §6.1).
 *
 * The answer is a list of phones, best first, in groups: contacts of one group ring at the same
 * time, groups one after another. A phone that registered several times (one instance) is one
 * entry with its other flows behind it: they are tried one by one, and only when the flow
 * before failed (408, 430, no way to send), because the phone behind them is the same.
 *
 * GROUPS are made of equal q. What the caller prefers orders the contacts of one q, and parts
 * them into groups of their own when he said so (Accept-Contact), or when the request is none
 * that rings: to ask two phones at once makes sense for an INVITE only. Request-Disposition has
 * the last word: parallel is one group, sequential as many as there are phones, no-fork only
 * the best.
 *
 * REQUIRE: uui (RFC 7433 §3). Phones that have said that they support it, else those that have
 * not said; they answer 420 themselves. When all have said that they do not, nobody is chosen.
 */
#ifndef BATON_REGISTRAR_SELECT_H
#define BATON_REGISTRAR_SELECT_H

#include "registrar/prefs.h"
#include "registrar/registrar.h"
#include "registrar/support.h"

struct selected {
    const struct binding *binding; /**< the registrar's, good until the record changes */
    uint16_t q_milli;              /**< what the callee gave it */
    uint32_t group;                /**< equal numbers ring in parallel, lower numbers first */
    const struct selected
        *next_flow;    /**< of the same phone, for when this one fails; or NULL */
    uint32_t qa_milli; /**< how well it fits what the caller prefers */
};

/**
 * The contacts of a record for a request; for a sips request those with sips contacts (RFC 5630
 * §5.3). `m` is the request as it came: its Request-URI may be
 * a GRUU of this record, then only that instance is chosen. NULL: a request of our own, no
 * preferences.
 * @param status  why there are none: 480; 420: nobody has what Require says (UNSUPPORTED_UUI);
 *                400: more preferences than anybody has; 503: memory
 * @return how many entries *out has (in the arena); 0 with *status
 */
size_t registrar_select(const struct record *rec, const struct sip_msg *m, struct arena *arena,
                        struct selected **out, unsigned *status);

/** What registrar_select_by is asked. */
struct select_query {
    const struct sip_msg *m; /**< as for registrar_select */
    struct str gr; /**< only the instance that this value of a gr parameter means; absent: as
                      the Request-URI has it */
    bool sips;     /**< only sips contacts, also when the Request-URI of `m` is none */
};
size_t registrar_select_by(const struct record *rec, const struct select_query *q,
                           struct arena *arena, struct selected **out, unsigned *status);

/** What a phone said of itself when it registered. Slices of the binding. */
struct support binding_support(const struct binding *b);

/** How well the best phone of a record (NULL: none is registered) fits. */
enum fit record_fit(const struct record *rec, const struct demand *w);

/** Does any phone of a record (NULL: none) support that option tag? The best answer counts. */
enum understands record_option(const struct record *rec, struct str option_tag);

/** Does any phone of a record (NULL: none) understand that package? The best answer counts. */
enum understands record_understands(const struct record *rec, struct str package,
                                    struct str feature_tag);

#endif
