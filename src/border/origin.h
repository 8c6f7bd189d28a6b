/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who put a User-to-User value into a message (RFC 7433 §4.3, requirement 12 of its
 * requirements): a role, an identity, and what speaks for and against it.
 *
 * A request without History-Info: its sender. One with History-Info: where an entry embeds the
 * same value (the same octets of the same package, whatever way they are written) somebody
 * redirected the request and put the value in; that is whom the entry before it names, or
 * better the one that its rc, mp or np parameter names (RFC 7044 §10.4). The earliest such
 * entry counts, since a later one repeats what was there already. A request that a REFER has
 * caused: who referred. A response: who answered.
 *
 * All this is worth what the path is worth. History-Info and P-Asserted-Identity count when the
 * neighbour from whom the message came is in our trust domain (RFC 3324), who for his part
 * believes no others; from anybody else they are noted, and prove nothing. A seal whose key
 * belongs to somebody outranks them all.
 *
 * NOT KNOWN AND WITHHELD are answers, and different ones. Privacy for the history makes its
 * entries anonymous (RFC 7044 §10.1): then nobody can tell whether one of them was the
 * inserter, and the sender is not blamed for it. A request that has been retargeted and brings
 * no history has lost it on the way.
 *
 * A pure function of a message and what is known about its neighbour. COST: linear in the
 * entries and values; embedded ones are decoded into the arena.
 */
#ifndef BATON_BORDER_ORIGIN_H
#define BATON_BORDER_ORIGIN_H

#include "base/arena.h"
#include "sip/msg.h"
#include "uui/uui.h"

/** The names stand in private data of CSTA (docs/csta-private.md): append only. */
#define UUI_ROLE_LIST(X)                                         \
    X(UNKNOWN, "unknown")       /* it cannot be told */          \
    X(ORIGINATOR, "originator") /* who sent the request */       \
    X(REDIRECTOR, "redirector") /* who answered it with a 3xx */ \
    X(REFERRER, "referrer")     /* who caused it with a REFER */ \
    X(ANSWERER, "answerer")     /* who sent the response */      \
    X(BATON, "baton")           /* a rule, or an application */  \
    X(WITHHELD, "withheld")     /* somebody does not want to be known */

enum uui_role {
#define UUI_ROLE_ENUM(name, text) UUI_ROLE_##name,
    UUI_ROLE_LIST(UUI_ROLE_ENUM)
#undef UUI_ROLE_ENUM
        UUI_ROLE_COUNT
};

/** What speaks for it, as bits. */
#define UUI_EVIDENCE_LIST(X)                                                            \
    X(FROM, "from", 0)              /* From of the request, To of the response */       \
    X(ASSERTED, "asserted", 1)      /* P-Asserted-Identity of a trusted hop */          \
    X(PROVEN, "authenticated", 2)   /* the sender has proven it to us */                \
    X(HISTORY, "history", 3)        /* an entry that embeds the value */                \
    X(REFERRED_BY, "referredBy", 4) /* Referred-By (RFC 3892) */                        \
    X(TOKEN, "referredByToken", 5)  /* … with a signed token, which nobody checked */ \
    X(SEAL, "seal", 6)              /* the value is sealed with his key */              \
    X(SEEN, "seen", 7)              /* we took it ourselves from his 3xx or REFER */

enum uui_evidence {
#define UUI_EVIDENCE_ENUM(name, text, bit) UUI_EVIDENCE_##name = 1 << (bit),
    UUI_EVIDENCE_LIST(UUI_EVIDENCE_ENUM)
#undef UUI_EVIDENCE_ENUM
};

/** What speaks against it, as bits. */
#define UUI_CONFLICT_LIST(X)                                                         \
    X(DIFFERS, "historyDiffers", 0)     /* an entry embeds another value */          \
    X(UNTRUSTED, "historyUntrusted", 1) /* entries of somebody who is not trusted */ \
    X(UNREADABLE, "historyUnreadable", 2)                                            \
    X(GAP, "historyGap", 3)   /* entries are missing (RFC 7044 §11) */              \
    X(LOST, "historyLost", 4) /* retargeted, and there is no history */              \
    X(SEAL, "sealDiffers", 5) /* the seal names another than the path */

enum uui_conflict {
#define UUI_CONFLICT_ENUM(name, text, bit) UUI_CONFLICT_##name = 1 << (bit),
    UUI_CONFLICT_LIST(UUI_CONFLICT_ENUM)
#undef UUI_CONFLICT_ENUM
};

enum uui_confidence {
    UUI_NOBODY_SAYS, /**< nothing points at anybody */
    UUI_CLAIMED,     /**< somebody says so who may say anything, or something contradicts it */
    UUI_TRUSTED,     /**< hops say so that we trust */
    UUI_PROVEN,      /**< the sender proved who he is, or the seal does */
};

struct uui_origin {
    struct str identity; /**< a URI, of the message or the arena; absent: not known */
    uint8_t role;        /**< enum uui_role */
    uint8_t confidence;  /**< enum uui_confidence */
    bool anonymous;      /**< there is one, and he wants to be anonymous */
    uint16_t evidence;   /**< bits of enum uui_evidence */
    uint16_t conflicts;  /**< bits of enum uui_conflict */
};

struct origin_args {
    const struct sip_msg *m;
    const struct uui_value *value; /**< of that message, judged; octets absent: compare text */
    const struct uui_packages *known; /**< with which it was; NULL: isdn-uui alone */
    bool trusted;      /**< the neighbour from whom the message came is in our trust domain */
    struct str proven; /**< URI of the sender, when it has been proven (digest); or absent */
    struct str sealed; /**< identity of the key of a seal that holds; absent: there is none */
};

/** @return 0, or E_NOMEM: *out says unknown then */
int origin_of(struct arena *a, const struct origin_args *q, struct uui_origin *out) MUST_USE;

/** A seal that holds names `sealed`: the rest of what is known stands behind that. */
void origin_seal(struct uui_origin *o, struct str sealed);

const char *uui_role_text(enum uui_role r);             /**< "redirector" */
const char *uui_confidence_text(enum uui_confidence c); /**< "none" "claimed" "trusted" … */

/** Name of the lowest bit, which is taken out of *bits; NULL when there is none left. */
const char *uui_evidence_next(unsigned *bits);
const char *uui_conflict_next(unsigned *bits);

#endif
