/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User from two sources: what a redirection, a referral or a service gives, and what
 * the call had.
 *
 * By package, since a second value of isdn-uui would make both void (RFC 7434 §8):
 *
 *   the call has   given        may it be replaced   what goes on
 *   nothing        a value              –            the given one
 *   a value        nothing              –            the call's (RFC 3261 §8.1.3.4)
 *   a value        the same octets      –            the call's, once
 *   a value        another              yes          the given one: REPLACED
 *   a value        another              no           the call's: REFUSED
 *   of p           of q                 –            both
 *
 * MAY IT? A redirector of another administrative domain than the one whom the call goes to must
 * not touch what the caller has put in; within one domain he may. Which domains are one,
 * the configuration says in groups; what referrals and services may, likewise. Over TLS the
 * redirector's domain is what his certificate proves (uui_proven_domain).
 *
 * RFC 7434 forbids isdn-uui in redirections altogether, and half the world does it (RFC 7433
 * §4.3 among them): with `isdn_strict` what is given of isdn-uui is dropped.
 *
 * Values of which the package cannot be told stay as they are, unless the same text is given.
 * COST: given × had, a handful each; texts and decoded octets in the arena.
 */
#ifndef BATON_UUI_MERGE_H
#define BATON_UUI_MERGE_H

#include "base/env.h"
#include "uui/uui.h"

/** By what a call goes to somebody else. */
enum uui_move {
    UUI_MOVE_REDIRECT, /**< a 3xx, of others or of ours */
    UUI_MOVE_BLIND,    /**< a REFER */
    UUI_MOVE_ATTENDED, /**< a REFER with Replaces */
    UUI_MOVE_SERVICE,  /**< an application: DeflectCall, SingleStepTransferCall, TransferCall */
    UUI_MOVES
};

/** What a move may do to a value that the call has. */
enum uui_replacing { UUI_REPLACE_IN_DOMAIN, UUI_REPLACE, UUI_KEEP };

/** Domains of one administration. */
struct uui_domain_group {
    const struct str *domains;
    size_t n;
};

/** The rules, as configured. */
struct uui_carriage {
    const struct uui_domain_group *groups;
    size_t group_count;
    uint8_t replacing[UUI_MOVES]; /**< enum uui_replacing */
    bool isdn_strict;
};

/** Redirections within one domain, everything else always; not strict. */
extern const struct uui_carriage uui_carriage_default;

/** Are two hosts the same or of one group? Case does not count; an absent one is nobody's. */
bool uui_same_domain(const struct uui_carriage *c, struct str a, struct str b);

/**
 * The domain of somebody at the other end of a hop. Over TLS it is what his certificate proves:
 * `claimed`, or `to`, or one that is of a group with `to`; a certificate that proves none of
 * them makes him nobody's, whatever name he goes by. Without TLS, and without a hop, `claimed`.
 */
struct str uui_proven_domain(const struct uui_carriage *c, const struct env *env,
                             const struct hop *hop, struct str claimed, struct str to);

/** May somebody of the domain `by` replace a value of a call that he sends to the domain `to`?
    @param c  NULL: the default */
bool uui_may_replace(const struct uui_carriage *c, enum uui_move move, struct str by,
                     struct str to);

/** Why a value does not go on. */
enum uui_fate {
    UUI_FATE_REPLACED,  /**< the call's: another one stands for it */
    UUI_FATE_REFUSED,   /**< a given one that may not take the place of the call's */
    UUI_FATE_FORBIDDEN, /**< given isdn-uui, with `isdn_strict` */
};
/** In words: "foreign replacement refused" … */
const char *uui_fate_text(enum uui_fate f);

struct uui_merge_args {
    struct str given, had;            /**< values separated by commas; may be absent */
    const struct uui_packages *known; /**< NULL: isdn-uui alone */
    bool may_replace;
    bool isdn_strict;
    /** Hears of each value that does not go on. May be NULL */
    void (*lost)(void *ctx, const struct uui_value *v, enum uui_fate fate);
    void *ctx;
};

struct uui_merged {
    struct str values;  /**< in the arena or one of the two; empty: none */
    struct str fresh;   /**< those of `values` that are given, and were not had; empty: none */
    uint32_t replaced;  /**< values that the call had, and that others stand for now */
    uint32_t refused;   /**< given values that may not take the place of the call's */
    uint32_t forbidden; /**< given isdn-uui values that were dropped (`isdn_strict`) */
};

/** @return 0 or E_NOMEM */
int uui_merge(struct arena *a, const struct uui_merge_args *q, struct uui_merged *out) MUST_USE;

#endif
