/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogs (RFC 3261 §12): identity, CSeq spaces, route set, remote target, next hop.
 *
 * A dialog is a plain record that a leg (leg.h) owns, or a subscription (event/), which is no
 * INVITE usage and has no leg. This file knows how to make one from a request or a response, to
 * find the one that a request belongs to, to check a request's CSeq, to refresh the target,
 * and to make a request that belongs to it. It sends nothing.
 *
 * NEXT HOP. Requests go to the first Route, or to the remote target. When the peer reached
 * us directly (one Via, no Record-Route) over a stream, or over UDP with rport or from another
 * address than its Contact says (NAT), the dialog is pinned: requests go back to where its
 * messages come from, as long as that flow is open; then to the target again.
 *
 * OWNERSHIP. All strings of a dialog are in one block of its own (`block`), replaced as a
 * whole when the target changes. Cost: about 0.6 KiB a dialog; look-up by keyed hash of
 * Call-ID and local tag, O(1).
 */
#ifndef BATON_DIALOG_DIALOG_H
#define BATON_DIALOG_DIALOG_H

#include "base/arena.h"
#include "base/env.h"
#include "base/list.h"
#include "base/map.h"
#include "sip/edit.h"
#include "sip/hdr.h"
#include "txn/txn.h"

enum dialog_state { DIALOG_EARLY, DIALOG_CONFIRMED, DIALOG_ENDED };

/** Whose offer waits for its answer (RFC 3264 §4, RFC 6337 §2.2). */
enum dialog_offer { DIALOG_OFFER_NONE, DIALOG_OFFER_OURS, DIALOG_OFFER_THEIRS };

struct leg;
struct leg_layer;

struct dialog {
    struct map_node node;
    struct list link;      /**< of its leg */
    struct list flow_link; /**< of the owner's list for the flow that it is pinned to */
    struct leg *leg;       /**< NULL: of another owner, who keeps `node`, `flow_link` himself */
    uint8_t state;
    uint8_t offer; /**< enum dialog_offer */
    bool pinned;
    bool lost;           /**< the flow that it was pinned to has closed; nothing came since */
    bool bye_sent;       /**< of a fork that lost */
    bool secure;         /**< sips: our Contact is one too (§12.1.1) */
    bool cseq_known;     /**< remote_cseq holds a value */
    uint32_t local_cseq; /**< of the last request that we sent */
    uint32_t remote_cseq;
    struct str call_id, local_tag, remote_tag;
    struct str local_addr;    /**< our From/To value without tag */
    struct str remote_addr;   /**< theirs */
    struct str remote_target; /**< URI */
    struct str request_uri;   /**< of requests: the target, or a strict router (§12.2.1.1) */
    struct str route_set;     /**< "Route: …" CRLF lines as learnt, or empty */
    struct str routes;        /**< the lines that requests carry: differ with a strict router */
    struct txn_target next;   /**< host is a slice of the block */
    uint32_t peer_methods;    /**< bit per enum sip_method in the peer's Allow; 0: not said */
    bool peer_talk;           /**< the peer's Allow-Events has talk */
    void *block;
    uint64_t phone; /**< when it is lost: who was there, in the locator's words; 0: unknown */
    void *place;    /**< what dialog_locate found; request_uri, routes and next may lie there */
    void *owner;    /**< the user's: e.g. the paired dialog of a bridge */
};

/** Has the message no more Record-Route values than a dialog can have routes? */
bool dialog_routes_fit(const struct sip_msg *m);

/** UAS: from an INVITE (§12.1.1) or a SUBSCRIBE, into a zeroed struct. @return 0, E_NOMEM,
    E_TOOMANY (routes) */
int dialog_from_request(struct dialog *d, const struct mem *mem, const struct sip_msg *m,
                        const struct hop *from, struct str local_tag);

/** The strings; the struct is its owner's. */
void dialog_clear(struct dialog *d, const struct mem *mem);

/** Where requests go when nothing is pinned: first Route or target. */
void dialog_aim(struct dialog *d);

/** Where a phone is that a GRUU of ours leads to. Borrowed. */
struct dialog_place {
    struct str request_uri; /**< its contact, without headers */
    struct str routes;      /**< "Route: …" lines with CRLF, or empty */
    struct txn_target target;
};

/** Who knows where phones are. Members may be NULL. */
struct dialog_locator {
    /** Whom a GRUU means. @return false: not one of ours, or nobody is there now */
    bool (*find)(void *ctx, const struct sip_uri *gruu, struct dialog_place *out);
    /** Its flow closes now: which phone is at the other end? @return 0: none that we know */
    uint64_t (*phone)(void *ctx, const struct dialog *d);
    /** That phone, or the owner of that remote target, when it has come back meanwhile. */
    bool (*follow)(void *ctx, const struct dialog *d, struct dialog_place *out);
    void *ctx;
};

/** Before a request is written: when the remote target is a GRUU of ours, or its flow was
   lost, aim at where its phone is now (RFC 5627 §6.1). Else, and without memory, nothing
   changes. @return false: it is not known to be anywhere else */
bool dialog_locate(struct dialog *d, const struct dialog_locator *locator,
                   const struct mem *mem);

/** The hash under which a dialog stands in a table. */
uint64_t dialog_hash(const struct hash_key *key, struct str call_id, struct str local_tag);

/** The dialog that an in-dialog request is for (To tag present), or NULL. */
struct dialog *dialog_find(struct leg_layer *l, const struct sip_msg *request);

/** By parts; `remote_tag` absent: not compared (Replaces of an early dialog needs that). */
struct dialog *dialog_find_parts(struct leg_layer *l, struct str call_id, struct str local_tag,
                                 struct str remote_tag);

/**
 * May this request be processed now (§12.2.2)? Updates remote_cseq.
 * @return 0, or E_STATE: CSeq too low, answer 500
 */
int dialog_check_cseq(struct dialog *d, const struct sip_msg *request);

/**
 * What a request or response of the peer says about how to reach it: a new Contact (target
 * refresh), its source for pinning (requests), Allow and Allow-Events.
 * @param mem   of its block
 * @param from  where a request came from; NULL for a response
 * @return 0, E_NOMEM
 */
int dialog_refresh(struct dialog *d, const struct mem *mem, const struct sip_msg *m,
                   const struct hop *from);

/**
 * The header lines that make a request one of this dialog, each with CRLF: Max-Forwards, From,
 * To, Call-ID, CSeq, Route and Contact (for methods that need one).
 * @param contact  our Contact value, absent: none
 */
void dialog_write_head(const struct dialog *d, struct out *o, struct str method, uint32_t cseq,
                       uint32_t max_forwards, struct str contact);

/** Most bytes that dialog_write_head writes without method and Contact. */
size_t dialog_head_size(const struct dialog *d);

/**
 * Our Contact value for who is reached by `hop`: "<sip:user@address;transport=tcp>".
 * @param user    absent or empty: none
 * @param secure  a sips URI
 * @return in the arena; absent when memory is out
 */
struct str dialog_own_contact(const struct env *env, struct arena *arena, struct str user,
                              const struct hop *hop, bool secure);

#endif
