/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A leg: one INVITE usage (RFC 3261 §13-15, RFC 5057), ours end of it. Both the two sides of a
 * bridged call and each CSTA application session are legs; so are the calls of `baton phone`
 * and the session of `baton csta`.
 *
 * What a leg does by itself: dialogs for forked responses; ACK to extra 2xx of a fork followed
 * by BYE; repeating its 2xx until the ACK; answering CANCEL and 487; CSeq order; 491 and 500 on
 * crossing re-INVITE and UPDATE (§14.2, RFC 3311 §5.2); session timers in both roles (RFC
 * 4028); credentials for 401/407 when it has them; 481 and 408 to a request inside the dialog
 * end it. What it leaves to its user: what to answer, bodies, policy.
 *
 *   UAC   CALLING → EARLY → CONFIRMED → ENDING → ENDED
 *   UAS   INCOMING → EARLY → ANSWERED → CONFIRMED → ENDING → ENDED
 *
 * A refusal before the answer leads to ENDED at once.
 *
 * MESSAGES IN AND OUT. What is sent is either made from lines and a body, or an incoming
 * message that is passed on (`pass`): then everything that is not hop-by-hop and not the
 * leg's own (flags `hop` and `own` of gen/sip_headers.txt) stays byte for byte, and the leg
 * puts its own identity in its place. Option tags in Supported and Require pass when they are
 * end to end (100rel, uui, …); the leg's own (timer) are added.
 *
 * OWNERSHIP. The layer owns legs and dialogs. A user keeps a plain pointer until `on_gone`;
 * leg_free ends a leg at once (used when the owner dies). Dialogs other than leg->dialog are
 * gone for the user at on_answered. In every callback the message is borrowed for the duration
 * of the call.
 */
#ifndef BATON_DIALOG_LEG_H
#define BATON_DIALOG_LEG_H

#include "auth/auth.h"
#include "base/store.h"
#include "dialog/dialog.h"

enum leg_state {
    LEG_CALLING,
    LEG_INCOMING,
    LEG_EARLY,
    LEG_ANSWERED, /**< UAS: 2xx sent, no ACK yet */
    LEG_CONFIRMED,
    LEG_ENDING, /**< BYE sent or received, or CANCEL sent, and not yet answered */
    LEG_ENDED,
};

enum leg_end {
    LEG_END_BYE,     /**< the peer sent BYE (told by on_bye before) */
    LEG_END_LOCAL,   /**< our BYE, CANCEL or final response has done it */
    LEG_END_NO_ACK,  /**< our 2xx was never acknowledged: BYE was sent */
    LEG_END_EXPIRED, /**< the session timer ran out: BYE was sent */
    LEG_END_LOST,    /**< 481 or 408 or no answer to a request inside the dialog */
};

struct leg_request;

/** What the user of a leg is told. Every member must be set (empty functions are fine). */
struct leg_user {
    /** UAC: a 101-199. `d` is its early dialog, NULL when the response had no To tag. */
    void (*on_provisional)(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms);
    /** UAC: the first 2xx. The leg is CONFIRMED with leg->dialog; the user must leg_ack. */
    void (*on_answered)(struct leg *leg, const struct sip_msg *m, uint64_t now_ms);
    /** UAC: a final refusal; m is NULL for 408 and 503 made here. The leg is ENDED. */
    void (*on_rejected)(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms);
    /** UAS: the caller cancelled; 200 and 487 are sent. The leg is ENDED. `m`: the CANCEL */
    void (*on_cancelled)(struct leg *leg, const struct sip_msg *m, uint64_t now_ms);
    /** ACK to our 2xx of the INVITE, initial or re-INVITE (`initial` tells). */
    void (*on_acked)(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms);
    /**
     * A request inside a dialog, other than BYE, ACK and CANCEL, which passed all checks. The
     * user answers with leg_answer (now or later). Refreshes without a body that the leg deals
     * with itself (UPDATE or re-INVITE of the session timer) come as well: is_refresh is true
     * when there is no body, and leg_answer with 200 is enough for UPDATE.
     */
    void (*on_request)(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms);
    /** CANCEL of a re-INVITE that on_request gave and that has no final answer yet: the user
        cancels what it sent on its behalf; the leg has answered 200 to the CANCEL, not 487. */
    void (*on_request_cancelled)(struct leg *leg, struct txn *t, uint64_t now_ms);
    /** What on_request or on_bye gave is answered, by the user or by the leg, or too late for
       an answer: `t` may not be used any more. Other requests are told too. May be NULL. */
    void (*on_request_gone)(struct leg *leg, struct txn *t);
    /** BYE came. The user answers `t` with leg_answer (a bridge: with the far side's answer).
        on_ended(LEG_END_BYE) follows right after this has returned. */
    void (*on_bye)(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms);
    /** The leg is ENDED (not told after on_rejected, on_cancelled). */
    void (*on_ended)(struct leg *leg, enum leg_end why, uint64_t now_ms);
    /** The leg is about to be freed: nothing refers to it any more. */
    void (*on_gone)(struct leg *leg);
};

struct leg;
struct leg_request;
typedef void (*leg_response_fn)(struct leg_request *r, unsigned status, const struct sip_msg *m,
                                uint64_t now_ms);

/** What a message of ours is made of. Zeros are fine. */
struct leg_content {
    const struct sip_msg *pass; /**< pass this message on … */
    struct str lines;           /**< … and/or add these header lines (each with CRLF) */
    struct str type;            /**< Content-Type of `body`; with `pass`: replaces its body */
    struct str body;
    bool no_body; /**< with `pass`: leave its body out */
    /** With `type`: Content-Disposition; empty: none. Absent: that of `pass`, if it has one */
    struct str disposition;
    /** With `type`: octets of `body` that are the session description; what else it has is said
        once, and a refresh (RFC 4028 §7.4) does not repeat it. sdp_n 0: all of it is */
    size_t sdp_at, sdp_n;
    /** With `pass`: headers that are cut besides, by id; ends with SIP_HDR_OTHER (0). */
    const enum sip_hdr_id *cut;
};

struct leg_config {
    uint32_t session_expires_s; /**< offered and accepted at most; default 1800, 0: no timer */
    uint32_t min_se_s;          /**< default 90 (RFC 4028 §5) */
    uint32_t flow_lost_s;    /**< a phone whose flow has closed is asked after this whether it
                                  is still there; 0: when something is to be said */
    uint32_t late_s;         /**< so long after a restart answers to INVITEs of before are dealt
                                  with (leg_stray.c); default 600 */
    uint32_t late_rate;      /**< so many of them a second; default 100 */
    uint32_t max_forwards;   /**< default 70 */
    struct str contact_user; /**< user part of our Contact, or absent */
    struct str supported;    /**< option tags of ours besides timer, absent: none */
    struct str allow;        /**< "INVITE, ACK, …": our Allow value */
    struct str accept;       /**< our Accept value */
    struct str allow_events; /**< our Allow-Events value, absent: none */
};

/** Lists over which pinned dialogs are spread: a closed flow walks only one. */
#define LEG_FLOW_LISTS 256

/** How many processes before this one count, and the octets of a mark. */
#define LEG_LIVES 8
#define LEG_MARK TXN_MARK_MAX

/** Keys by which answers to INVITEs of earlier processes are known (leg_stray.c). */
struct leg_marks {
    struct hash_key own;
    struct {
        struct hash_key key;
        uint64_t until_ms; /**< it counts */
    } before[LEG_LIVES];
    size_t before_n;
    uint64_t since_ms;         /**< the second that runs, … */
    unsigned lately;           /**< … and how many were dealt with in it */
    uint64_t hung_up, refused; /**< counters */
};

struct leg_layer {
    const struct env *env;
    struct wheel *wheel;
    struct txn_layer *txn;
    struct arena *scratch; /**< the event arena: reset by the engine after each input */
    struct leg_config config;
    struct dialog_locator locator; /**< may be zeros; set after init */
    struct hash_key key;
    struct map dialogs;
    struct pool leg_pool, dialog_pool, request_pool, served_pool;
    struct list legs;                  /**< all: struct leg.all */
    struct list flows[LEG_FLOW_LISTS]; /**< pinned dialogs, spread by flow */
    struct list ended;                 /**< legs to free when the callback stack has unwound */
    uint32_t told;                     /**< legs with `told` */
    bool keeps;                        /**< somebody keeps legs (keep.h): set after init */
    struct list touched;               /**< struct leg.touch */
    struct leg_marks marks;
    uint64_t glare, stray, refreshed, expired; /**< counters */
};

/** The identity of a message that is kept because it may have to be sent again. */
struct leg_parts {
    struct str lines;              /**< header lines of the user's */
    struct str supported, require; /**< option tags that pass */
    const struct str *run;         /**< passed lines, Content-*, the empty line, the body */
    size_t n;
    struct str type, body; /**< of what goes out */
    size_t sdp_at, sdp_n;  /**< as in leg_content */
    uint32_t max_forwards;
    bool accept, events, agent; /**< Accept, Allow-Events, User-Agent are there already */
    void *block;                /**< when kept: one block with all of it … */
    struct str kept;            /**< … and its only run */
};

struct leg {
    struct leg_layer *layer;
    const struct leg_user *user;
    void *owner;
    uint8_t state; /**< enum leg_state */
    bool uac;
    struct dialog *dialog;    /**< the confirmed one, or the only one; NULL before any */
    struct list dialogs;      /**< all of them: struct dialog.link */
    struct txn *invite;       /**< the initial INVITE's transaction while it lives */
    struct auth_client *auth; /**< borrowed; NULL: 401/407 are refusals */
    struct hop hop;           /**< where the peer's last message came from */
    struct list link;
    bool told; /**< leg_tell was called */
    /* session timer */
    uint32_t interval_s; /**< agreed session interval; 0: none */
    bool we_refresh;
    struct timer session;

    /* the rest is the layer's own */
    struct list all;             /**< of the layer */
    struct list touch;           /**< of the layer: it has changed (keep.c) */
    struct list requests;        /**< ours in progress: leg_request.link */
    struct list served;          /**< theirs in progress, 2xx that wait for ACK: leg_served */
    struct dialog *seed;         /**< UAC: what the INVITE is written from; no remote tag */
    struct leg_request *first;   /**< UAC: the initial INVITE while it lives */
    struct leg_request *unacked; /**< our INVITE whose 2xx was told and is not acknowledged */
    char tag[20];                /**< our tag, NUL-terminated */
    bool no_timer;
    bool freed;        /**< leg_free was called */
    bool answered;     /**< UAC: a 2xx was taken */
    bool end_wanted;   /**< leg_end was called: on_ended is due */
    bool cancelled;    /**< leg_cancel or leg_end before the answer */
    uint32_t min_se_s; /**< the largest Min-SE that we were told; 0: none */
    uint64_t refresh_ms, expires_ms, lost_ms;
    struct leg_parts bye; /**< kept for the BYE that has to wait */
    leg_response_fn bye_fn;
    void *bye_owner;
    struct str last_type, last_body; /**< last session description that we sent */
    size_t last_cap;                 /**< octets of the block under last_type */
};

/** Others than its party are told Call-ID and tags (RFC 4235): knowing them proves no more that
    somebody is that party. */
static inline void leg_tell(struct leg *leg)
{
    leg->layer->told += leg->told ? 0 : 1;
    leg->told = true;
}

/** @param max_legs 0: no limit. @return 0 or E_NOMEM */
int leg_layer_init(struct leg_layer *l, const struct env *env, struct wheel *wheel,
                   struct txn_layer *txn, struct arena *scratch,
                   const struct leg_config *config, size_t max_legs);
/** Frees all legs without callback or message. Before txn_layer_fini. */
void leg_layer_fini(struct leg_layer *l);

/** Free what has ended; the engine calls it at the end of each input. */
void leg_layer_sweep(struct leg_layer *l);

/* ---- UAC ---- */

struct leg_invite {
    struct str request_uri;
    struct str from;          /**< From value without tag: `"Alice" <sip:alice@example.com>` */
    struct str to;            /**< To value without tag */
    struct str call_id;       /**< absent: minted */
    struct txn_target target; /**< where the request goes (flow, address, or name) */
    struct str routes;        /**< "Route: …" lines with CRLF that it carries, may be empty */
    struct leg_content content;
    uint32_t max_forwards;    /**< 0: the configured one; with pass: one less than it has */
    struct auth_client *auth; /**< must outlive the leg */
    bool pin;                 /**< keep to target.hop for the dialog (registered phone) */
    bool no_timer;            /**< do not offer a session timer */
};

/** Send an INVITE. @return the leg, or NULL (memory or limit) */
struct leg *leg_invite(struct leg_layer *l, const struct leg_invite *args,
                       const struct leg_user *user, void *owner, uint64_t now_ms);

/** Acknowledge the 2xx (initial or re-INVITE) and every repetition of it. @return 0, E_NOMEM,
 * E_STATE */
int leg_ack(struct leg *leg, const struct leg_content *c, uint64_t now_ms);

/** CANCEL while no final response has come; on_rejected (487 or what came) follows. If the 2xx
    wins the race the leg acknowledges and sends BYE itself, and on_rejected(487) is told. */
void leg_cancel(struct leg *leg, struct str lines, uint64_t now_ms);

/* ---- UAS ---- */

/**
 * Take an initial INVITE that has a server transaction (made by this call).
 * Checks Require (420), session timer (422). @return the leg; NULL: it has been answered
 */
struct leg *leg_incoming(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                         const struct leg_user *user, void *owner, uint64_t now_ms);

/** A further early dialog with a tag of its own (forks behind a bridge), or the first one. */
struct dialog *leg_fork(struct leg *leg);

/**
 * Answer the initial INVITE. For 101-299 `d` says under which tag (NULL: leg->dialog, made
 * when there is none). A 2xx confirms `d`, drops the other early dialogs, and is repeated until
 * the ACK. With content.pass the response is passed on. @return 0, E_STATE, E_NOMEM
 */
int leg_respond(struct leg *leg, struct dialog *d, unsigned status, struct str reason,
                const struct leg_content *c, uint64_t now_ms);

/* ---- both ---- */

/** A request of ours inside a dialog. The layer owns it until its final response was told. */
struct leg_request {
    struct leg *leg;
    struct dialog *dialog;
    struct txn *txn;
    uint8_t method;
    /** Each response, provisional (but 100) too; m is NULL for 408 and 503 made here. After a
       final status the struct is gone. A 2xx to re-INVITE must be acknowledged with leg_ack. */
    leg_response_fn on_response;
    void *owner;
    struct list link;

    /* the rest is the layer's own */
    bool initial; /**< the INVITE that made the leg */
    bool done;    /**< 2xx to INVITE: lives on to repeat the ACK */
    bool refresh; /**< of the session timer */
    bool bye;
    bool offer;        /**< it carries one */
    bool late_contact; /**< its Contact is written when the way is known */
    bool pinned;       /**< it went to the flow that the dialog is pinned to */
    uint8_t auth_tries, interval_tries;
    uint32_t cseq;
    struct str name;        /**< the method; for an unknown one a slice of parts.block */
    struct leg_parts parts; /**< kept for a retry, or empty */
    struct str credentials; /**< header lines, in memory of their own */
    struct str ack;         /**< the ACK, in memory of its own */
};

/**
 * Send a request inside a dialog. INVITE and UPDATE with a body are refused with E_STATE while
 * another offer is pending in either direction.
 *
 * BYE, CANCEL and ACK are E_STATE: see leg_end, leg_request_cancel, leg_ack. PRACK with `pass`:
 * its RAck gets the CSeq of our INVITE.
 *
 * A 481, 408 or no answer to INVITE, UPDATE, INFO, OPTIONS, REFER and MESSAGE in a confirmed
 * dialog ends the leg with LEG_END_LOST after `fn` has heard of it (RFC 5057 §5.1), except that
 * over a stream a timeout seen here does not: there the flow is alive, only the peer is slow,
 * and an INFO that a phone does not answer shall not cost the call. When the flow was closed,
 * the dialog falls back to its target; failing there too ends the leg.
 *
 * @param d  NULL: leg->dialog
 * @param method  name as it goes into the start line, e.g. STR("INFO")
 * @param out     may be NULL
 * @return 0, E_STATE, E_NOMEM, E_VALUE (Max-Forwards of `pass` is used up: answer 483)
 */
int leg_send(struct leg *leg, struct dialog *d, struct str method, const struct leg_content *c,
             leg_response_fn fn, void *owner, struct leg_request **out, uint64_t now_ms);

/** The user of a request in progress leaves: no callback. A 2xx to its re-INVITE is
    acknowledged by the leg. */
void leg_request_detach(struct leg_request *r);

/** CANCEL a re-INVITE of ours that has no final response. */
void leg_request_cancel(struct leg_request *r, uint64_t now_ms);

/**
 * Answer a request that on_request or on_bye gave. 408 to anything but INVITE goes out as 504
 * (RFC 4320 §4.2). When the leg ends, what is still open (but BYE) is answered 487 by the leg,
 * and the user forgets `t` at on_ended; E_STATE also when `t` is none of the open ones.
 * Contact, Session-Expires, Allow are added as the method needs; a 2xx to a re-INVITE is
 * repeated until its ACK. @return 0, E_STATE, E_NOMEM
 */
int leg_answer(struct leg *leg, struct txn *t, unsigned status, struct str reason,
               const struct leg_content *c, uint64_t now_ms);

/**
 * Answer `t` with a bare status whatever the state of memory, and be done with it: for who
 * cannot try leg_answer again. Harmless when `t` is none of the open ones, or the initial
 * INVITE's.
 */
void leg_refuse(struct leg *leg, struct txn *t, unsigned status, uint64_t now_ms);

/**
 * End it, whatever the state: CANCEL, a final response (`status`, for UAS before the answer; 0:
 * 480), or BYE with `c` (may be NULL). on_ended(LEG_END_LOCAL) follows when it is done, at once
 * when nothing needs to be waited for. Idempotent. Before the answer only the lines of `c` are
 * used (CANCEL, final response). UAS between 2xx and ACK: the BYE waits for the ACK (§15).
 * @param fn  hears the answer to the BYE (a bridge passes it on), or NULL; not called when
 *            there is no BYE
 */
void leg_end(struct leg *leg, unsigned status, const struct leg_content *c, leg_response_fn fn,
             void *owner, uint64_t now_ms);

/**
 * Drop at once: no callback any more, not even on_gone; the pointer is dead for the user. No
 * message either, but that an INVITE of ours without final answer is cancelled, and a 2xx that
 * still comes is acknowledged and followed by BYE: no phone rings for nobody.
 */
void leg_free(struct leg *leg);

/** Are requests with an offer possible now (no offer pending either way)? */
bool leg_can_offer(const struct leg *leg);

/** An in-dialog request or ACK from the wire. @return false: no such dialog (answer 481; ACK:
 * drop) */
bool leg_on_request(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms);

/**
 * A response that txn_on_response knows nothing of. A 2xx to an INVITE that was sent in one of
 * these dialogs before the process began is acknowledged, without content: whether it has an
 * offer or an answer is not known any more, and the next offer says it all. One to an INVITE
 * that an earlier process provably sent, and that made no dialog which stands, is acknowledged
 * and followed by BYE (RFC 3261 §13.2.2.4), at a bounded rate.
 * @return false: neither; nothing was done
 */
bool leg_on_stray_response(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms);

/** What such proofs need is one row of STORE_SECRET, under this key; it is put when the rows of
    before are back, and whenever all are put again. */
#define LEG_MARKS_ROW STR("marks")
void leg_keep_marks(const struct leg_layer *l, const struct store_ops *store, uint64_t now_ms);
/** That of the process before. @return 0, E_SYNTAX, E_VERSION; nothing has changed then */
int leg_restore_marks(struct leg_layer *l, struct str value, uint64_t now_ms) MUST_USE;

/** CANCEL that txn_on_request matched with the INVITE server transaction `invite`. */
void leg_on_cancel(struct leg_layer *l, struct txn *invite, const struct sip_msg *m,
                   const struct hop *from, uint64_t now_ms);

/** A flow closed: pinned dialogs fall back to their targets, and confirmed ones are asked after
    flow_lost_s whether anybody is there: see leg_timer.c. Before the registrar hears of it. */
void leg_on_flow_closed(struct leg_layer *l, uint32_t flow, uint64_t now_ms);

/**
 * Edit a message so that it can go on in another dialog: cut every line that is hop-by-hop or
 * the leg's own (Content-Length stays, the body does), and the ids in `cut`. Used by leg.c for
 * `pass`; here because the bridge's tests need it too.
 */
void leg_edit_pass(struct sip_edit *e, const enum sip_hdr_id *cut);

/**
 * Max-Forwards for a request that passes `m` on: one less than it has, 70 without one.
 * @return 0; E_VALUE: used up, answer 483 (RFC 3261 §16.3)
 */
int leg_max_forwards(const struct sip_msg *m, uint32_t *out);

/**
 * What of a Require or Supported header goes on in another dialog: option tags that mean
 * something between the ends, without those that are `own` (a list). Written as a list to `o`;
 * nothing when none.
 */
void leg_write_tags(struct out *o, const struct sip_msg *m, enum sip_hdr_id id, struct str own);

#endif
