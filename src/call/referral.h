/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A referral: one REFER that was accepted, from the 202 to the last NOTIFY.
 *
 *   CALLING ──► ASKING ──► JOINING ──► OVER ──► (forgotten)
 *      │           the party that is called is up     it worked, or failed
 *      └───────────────────────────────►
 *
 * ASKING is for parties that are up without having made an offer (merge.c). `left`: the one who
 * referred has hung up on the way; then there is no way back.
 *
 * refer.c makes it, referral.c leads it, progress.c tells the one who sent the REFER, merge.c
 * lends it a party of another call. It lies in its call's list and in the layer's pool.
 */
#ifndef BATON_CALL_REFERRAL_H
#define BATON_CALL_REFERRAL_H

#include "call/parts.h"

enum referral_stage {
    REFERRAL_CALLING, /**< the party it names is being called, or rings */
    REFERRAL_ASKING,  /**< it is up: it is being asked for an offer */
    REFERRAL_JOINING, /**< and its offer goes to who stays */
    REFERRAL_OVER,
};

struct referral {
    struct list link;
    struct call *call;
    struct branch *by;    /**< who refers: the leg over which the REFER came */
    struct connection *x; /**< whom it names; NULL: none yet */
    uint8_t stage;        /**< enum referral_stage */
    bool left;            /**< who refers is out of the call, x is in */
    bool merged;          /**< x was a party of another call */
    bool offered;         /**< the INVITE to x had an offer: its 2xx has none */
    bool service; /**< no REFER, but TransferCall (unite.c): `by` does not hang up itself */
    uint8_t retries;
    struct str uui_answer; /**< User-to-User of the answer, for its event */
    struct str lines;      /**< Referred-By, for whom x redirects to; may be empty */
    struct timer timer;    /**< ring time; waiting for another try; patience with the BYE */
    struct leg_request *request; /**< the re-INVITE that asks x for an offer */

    /* merge.c: x is a party of another call */
    bool news;               /**< its context there is not what the call has now: x is told */
    struct str correlator;   /**< correlatorData that the call gets from there; absent: none */
    struct call *lender;     /**< that call while it lives and has not given x up */
    struct connection *husk; /**< x as it stands there */

    struct call_progress heard; /**< instead of NOTIFY in the dialog: who hears */
    call_done_fn done;          /**< of TransferCall, once; NULL: told, or nobody */
    void *done_owner;

    /* progress.c: the implicit subscription */
    struct leg *leg; /**< NULL: nobody is told (any more) */
    struct dialog *dialog;
    uint32_t id;  /**< CSeq of the REFER … */
    bool with_id; /**< … which Event has to name (RFC 3515 §2.4.6) */
    bool dirty, final;
    uint16_t status;            /**< what there is to tell */
    const char *reason;         /**< with which it ends */
    struct leg_request *notify; /**< in flight */
    uint64_t expires_ms;
};

/** NULL: memory. */
struct referral *referral_new(struct branch *by, struct dialog *d, uint32_t cseq);
/** The stage of it may be its last: give it back when nothing is open. */
void referral_settle(struct referral *r);
/** Begin to call x: its branches' legs have `referred_user`. The ring time runs. */
void referral_start(struct referral *r, uint64_t now_ms);
/** Nothing has changed but that x is let go; `status` is told. */
void referral_fail(struct referral *r, unsigned status, uint64_t now_ms);
/** x has answered (or was up): ask it for an offer. */
void referral_ask(struct referral *r, uint64_t now_ms);

/** The one who refers is out of the call now, whether x has answered or not. */
void referral_leave(struct referral *r, uint64_t now_ms);

/** For legs to x. */
extern const struct leg_user referred_user;

/* ---- progress.c ---- */

/** Tell this status (RFC 3515 §2.4.5); `final`: and end the subscription. */
void progress_tell(struct referral *r, unsigned status, bool final, uint64_t now_ms);
/** Tell again what there is, because a SUBSCRIBE asks for it. */
void progress_repeat(struct referral *r, uint64_t now_ms);
/** Nobody is told any more. */
void progress_stop(struct referral *r);
/** Seconds that the subscription has left. */
unsigned progress_left_s(const struct referral *r, uint64_t now_ms);

/* ---- merge.c ---- */

/**
 * Refer-To names a dialog (RFC 3891) that is one of ours: the party at the other end of it
 * becomes x. @return 0: then merge_go; else the status that says why not
 */
unsigned merge_borrow(struct referral *r, struct dialog *named, bool early_only);
/** The same for the dialog of a branch. */
unsigned merge_take(struct referral *r, struct branch *named, bool early_only);
/**
 * What x gets of the contexts of both calls, and this call when x is in it.
 * @param given  User-to-User that the REFER brings; absent: none
 * @return false: no memory
 */
bool merge_contexts(struct referral *r, struct str given);
/** Ask it for an offer, at once or when it answers. */
void merge_go(struct referral *r, uint64_t now_ms);
/** May who has sent something over `by` speak for the party at `other`? */
bool merge_same_party(const struct connection *by, const struct connection *other);
/** The connection in the other call of the party that refers; NULL: there is none. */
struct connection *merge_theirs(const struct referral *r);
/** A connection of `c` like that of another call, with branches for its legs but without them;
    `ended` is cleared. NULL: no memory */
struct connection *merge_like(struct call *c, const struct connection *other);
/** All its legs, and what is known of its media, are the other's, which was made like it. */
void merge_move_legs(struct connection *from, struct connection *to);
/** x is no party of the other call any more; that call ends. */
void merge_done(struct referral *r, uint64_t now_ms);
/** Give x back to the other call, if it can be; else that fails with this status. */
void merge_undo(struct referral *r, unsigned status, uint64_t now_ms);
/** The branch of a leg that belongs to a call, or NULL. */
struct branch *branch_of_leg(const struct leg *leg);

#endif
