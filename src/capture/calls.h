/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which dialogs of SIP belong to which call: what the messages alone do not tell.
 *
 *     callID ──► Call-IDs of all its legs, each with who is there
 *        ├─────► Call-IDs of CSTA sessions with its phones, and how those call it
 *        └─────► callIDs of other calls, by transfer or conference
 *
 * The call layer tells of each leg when it begins (struct env_watch), which is after its INVITE
 * came in; so messages are related when somebody asks, by Call-ID, and those that came before
 * belong to the call, too. A Call-ID may be of two calls one after the other (a consultation).
 *
 * BOUND. So many calls; one more pushes out the oldest that has ended, or the oldest. Not for
 * several threads.
 */
#ifndef BATON_CAPTURE_CALLS_H
#define BATON_CAPTURE_CALLS_H

#include "base/arena.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"

/** Legs of one call, and calls of one family, that are remembered. */
enum { CALLS_LEGS_MAX = 256, CALLS_FAMILY_MAX = 32 };

struct calls_leg {
    struct map_node by_sip;
    struct calls_leg *next; /**< the one before it */
    struct calls_call *call;
    struct str sip_call, party, named; /**< behind it in memory; struct env_leg */
    bool device;
};

struct calls_call {
    struct map_node by_id;
    struct list link; /**< in order of their beginning */
    struct str id;    /**< behind it in memory */
    uint64_t first;   /**< the newest message when it began … */
    uint64_t last;    /**< … and when it ended; 0: it has not */
    int64_t began_us, ended_us;
    struct calls_leg *legs; /**< the newest first */
    uint32_t leg_count, other_count;
    struct str other[CALLS_FAMILY_MAX]; /**< callIDs, each memory of its own */
};

struct calls {
    struct hash_key key;
    struct map by_id, by_sip;
    struct list all;
    uint32_t count, most;
};

/** @return false: no memory */
bool calls_init(struct calls *c, uint32_t most, const struct hash_key *key) MUST_USE;
void calls_fini(struct calls *c);

/** @param now  number of the newest message. Without memory nothing is remembered. */
void calls_leg(struct calls *c, const struct env_leg *leg, uint64_t now, int64_t time_us);
void calls_joined(struct calls *c, struct str id, struct str other);
void calls_over(struct calls *c, struct str id, uint64_t now, int64_t time_us);

/** NULL: not known (any more). */
struct calls_call *calls_find(const struct calls *c, struct str id);
/** The newest call that the dialog belongs to, with the leg; NULL: none. */
const struct calls_leg *calls_of_sip(const struct calls *c, struct str sip_call);

#endif
