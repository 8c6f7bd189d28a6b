/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a rule's verdict and those who carry it out: private to the engine.
 *
 * A STEERING is one request that begins something, its identified sender, and what the rules
 * say. It lives on the stack for the time of one input.
 */
#ifndef BATON_ENGINE_STEER_H
#define BATON_ENGINE_STEER_H

#include "engine/parts.h"
#include "rules/rules.h"
#include "uui/merge.h"
#include "uui/message.h"

struct steering {
    struct engine *e;
    const struct sip_msg *m;
    const struct hop *from;
    const struct identity *who;
    uint64_t now_ms;
    struct rule_query query;
    struct rule_verdict verdict;
    struct demand demand; /**< what the request demands of whom it reaches */
    struct str uui;       /**< User-to-User of the rule, sealed when its package has a key */
};

/* ---- place.c: what the targets of a rule mean here and now ---- */

/** Where a target is. @return false: nowhere (no such number, device without a place) */
bool steer_place(const struct steering *s, const struct rule_target *t,
                 struct destination *out);

/** A URI: one of ours, a number that a peer takes, or an address elsewhere. @return false: it
    is ours and leads nowhere, or is none */
bool steer_place_of_uri(const struct steering *s, struct str text, struct destination *out);

/** From of the request that goes out, when the rule changes the calling number; else absent. */
struct str steer_from(const struct steering *s);

/** "Name: value" CRLF for each header of the rule; *none* set when memory is out. */
struct str steer_lines(const struct steering *s, bool *no_memory);

/** Is the device the one that the Request-URI names? */
bool steer_is_called(const struct steering *s, const struct device *d);

/* ---- suit.c: which targets fit what the request demands ---- */

/** Read what it demands. @return 0, or the status of a refusal */
unsigned steer_demand(struct steering *s);
bool steer_is_choosy(const struct steering *s);
/** How well a target fits; of the peers that take its number the best may take its place. */
enum fit steer_fit(const struct steering *s, struct destination *to);
/** Leave those out that do not fit, the best to the front. @return how many are left */
size_t steer_suit(const struct steering *s, struct destination *to, size_t n, enum fit *best);

/* ---- carry.c: its User-to-User ---- */

/** s->uui. @return false: no memory, or it cannot be sealed: then it must not be sent */
bool steer_value(struct steering *s);

/** The administration of a place, when it is ours; else absent. */
struct str steer_domain(const struct steering *s, const struct destination *to);

/**
 * What of the rule's goes to whom that URI names, joined with the request's own. Counted and
 * traced. @param domain  of his administration; absent: the host of the URI says
 * @return false: no memory
 */
bool steer_uui(const struct steering *s, enum uui_move how, struct str domain, struct str uri,
               struct uui_merged *out);

/* ---- redirect.c: the redirect role ---- */

/** Lines of the 3xx: Contacts of all targets, in order, and its history. Absent: there is
    nowhere to go; *best: how well the best target fits what is demanded. @return false: no
   memory */
bool steer_contacts(const struct steering *s, struct str *lines, enum fit *best);

/**
 * The same for a sender who asks to be redirected rather than put through (RFC 3841 §9.1).
 * @return false: he may not be, or there is more to the call than the phones of devices: it is
 * treated as if he had not asked
 */
bool steer_contacts_asked(const struct steering *s, struct str *lines);

/** The texts of Refer-To for all targets that have one, headers embedded. @return how many;
 *list in the arena */
size_t steer_references(const struct steering *s, struct str **list);

/* ---- forward.c: the plan of the proxy ---- */

/** Forward by the rule. @return 0, or the status of the refusal, with *lines of it or NULL */
unsigned steer_forward(const struct steering *s, const char **lines);

#endif
