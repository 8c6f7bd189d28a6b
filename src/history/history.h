/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of one request on its way through Baton (RFC 7044 §9, as an intermediary, §6.3).
 *
 * A `struct history` is what RFC 7044 calls the cache: the entries that came with a request,
 * then one for each attempt that has been answered, in the preorder of the tree:
 *
 *   index=1        the Request-URI that we received (added when the sender did not write it)
 *   index=1.1      the first contact that we tried        rc=1   ?Reason=SIP;cause=302
 *   index=1.2      another user, to whom it was diverted  mp=1   ;cause=487
 *   index=1.2.1    her contact                            rc=1.2
 *
 * The entry of an attempt is in the request of that attempt at once, and in the cache as soon
 * as there is a response to it (§9.3), so that parallel branches do not know of each other.
 *
 *     history_begin → history_branch → history_request … history_divert → history_branch …
 *          response: history_answered → history_response
 *
 * RULES say what is written for one neighbour. `auto` writes where the request has entries or
 * its sender knows the header (Supported: histinfo), or the call has been diverted; a plain
 * call does not grow. Where a message leaves our trust domain, entries of our domain that want
 * privacy become anonymous (§10.1.2). Diversion and its mapping: diversion.h.
 *
 * A header that cannot be read, or has more than HI_MAX entries, is not worked on: it passes as
 * it is inside the trust domain, and does not leave it.
 *
 * OWNERSHIP. Everything is copied into the arena that history_begin was given.
 */
#ifndef BATON_HISTORY_HISTORY_H
#define BATON_HISTORY_HISTORY_H

#include "history/change.h"
#include "history/diversion.h"
#include "history/entry.h"

enum history_mode { HISTORY_AUTO, HISTORY_WRITE, HISTORY_PASS, HISTORY_STRIP };

/** What a neighbour understands of diversions (RFC 7544 §3). */
enum diversion_mode {
    DIVERSION_PASS,    /**< Diversion passes as it is and is not written */
    DIVERSION_HISTORY, /**< History-Info only: Diversion becomes History-Info */
    DIVERSION_WRITE,   /**< Diversion only; History-Info stays when it says more than that */
    DIVERSION_BOTH,    /**< both, and both say the same */
};

/** The neighbour to whom something goes. */
struct history_rules {
    uint8_t mode;      /**< enum history_mode */
    uint8_t diversion; /**< enum diversion_mode */
    bool leaves;       /**< he is outside of our trust domain */
    /** Is that a host of ours? NULL: every host counts as ours. */
    bool (*ours)(const void *ctx, struct str host);
    const void *ctx;
};

struct history {
    struct arena *arena;
    struct hi_list cache;
    struct diversion_list diversions; /**< of the request */
    struct str domain;                /**< host for tel: URIs */
    struct str root;                  /**< index of the Request-URI that we received */
    struct str target;   /**< index of who is being called: the root, or who was diverted to */
    struct str answered; /**< index of the branch that was answered last */
    uint32_t tried;      /**< branches below the root, diversions included */
    uint32_t contacts;   /**< branches below `target` when that is not the root */
    bool asked;          /**< the request has entries or Supported: histinfo (§9.4) */
    bool supplementary;  /**< what came says more than who diverted (RFC 7544 §3.5) */
    bool diverted;       /**< by us */
    bool unreadable;
};

/**
 * Take the history of a request (§9.1).
 * @param convert  Diversion counts as well: it becomes entries (RFC 7544 §5)
 * @param domain   for tel: URIs, borrowed
 * @return 0 or E_NOMEM. What is wrong with the header is no error: `unreadable` is set
 */
int history_begin(struct history *h, struct arena *a, const struct sip_msg *m, bool convert,
                  struct str domain);

/** The history of a request of our own that is for `uri`. @return as history_begin */
int history_begin_at(struct history *h, struct arena *a, struct str uri, struct str domain);

/**
 * The same request now goes to another user, by our decision (§10.3 rule 3, §10.4 "mp").
 * @param uri    her address
 * @param cause  why, in the numbers of RFC 4458: 302 unconditional, 486 busy, 408 no answer,
 * 487 deflected while ringing, 480 deflected at once, 503 not reachable, 404 unknown
 * @return 0, E_NOMEM, E_TOOMANY, E_SYNTAX (nothing is changed)
 */
int history_divert(struct history *h, struct str uri, uint32_t cause);

/**
 * A target that a 3xx named (§10.4): `contact` is its Contact value, whose rc or mp parameter
 * becomes that of the entry. Without one, the entry has none. A Contact without a cause of its
 * own gets 302, so that the mapping to Diversion knows it.
 * @param of  index of the entry of the branch that was redirected; absent: whom it was for
 */
int history_redirected(struct history *h, struct str of, struct str contact);

/**
 * Who is called now was named together with User-to-User, which his request carries: his entry
 * embeds it, so that whoever gets it can find out who put it in (RFC 7433 §4.3).
 * @param uui  values as they stand in the header
 * @return 0 or E_NOMEM
 */
int history_carry(struct history *h, struct str uui);

/**
 * A further request for the present target (§9.2). @param uri  its Request-URI; *e lies in the
 * arena of `h`. @return 0, E_NOMEM, E_TOOMANY, E_SYNTAX
 */
int history_branch(struct history *h, struct str uri, struct hi_entry *e);

/** Add to `out` what changes in the request of that branch. `e`: NULL when it has no entry.
   @param a  for the lines. @param m  NULL: it is made here. @return 0 or E_NOMEM */
int history_request(const struct history *h, struct arena *a, const struct hi_entry *e,
                    const struct sip_msg *m, const struct history_rules *rules,
                    struct history_out *out);

/**
 * A response, or none in time (408), or we have given up on the branch (`status` says why, as
 * 302 for a deflection): its entry is cached, with the reason when it is a refusal, and so are
 * the entries in the response (§9.3). @param m  NULL: there is no message
 * @return 0 or E_NOMEM; entries beyond HI_MAX are not kept
 */
int history_answered(struct history *h, struct hi_entry *e, unsigned status,
                     const struct sip_msg *m);

/** Add to `out` what changes in a response to the request (§9.4). @return 0 or E_NOMEM */
int history_response(const struct history *h, struct arena *a, const struct sip_msg *m,
                     const struct history_rules *rules, struct history_out *out);

/** ";mp=1" or ";rc=1" for a Contact of a 3xx of ours (§8); absent when memory is out. */
struct str history_contact(const struct history *h, struct arena *a, bool same_user);

/** Is there anything to do for that neighbour when the request has not been diverted? `m` may
    be NULL: a request of our own */
bool history_concerns(const struct sip_msg *m, const struct history_rules *rules);

#endif
