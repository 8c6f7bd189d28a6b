/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share: the table of contents of call/. What they share of
 * User-to-User is in carry.h.
 *
 * A call lives until it is ENDING and its last leg is gone; then it is put on the layer's
 * `dead` list and freed by call_layer_sweep, when no callback of it is on the stack. Until
 * then every pointer between call, connections, branches and steps is good.
 */
#ifndef BATON_CALL_PARTS_H
#define BATON_CALL_PARTS_H

#include "call/call.h"
#include "call/carry.h"
#include "call/keep.h"
#include "call/place.h"
#include "call/services.h"
#include "peers/peers.h"
#include "sip/disposition.h"
#include "sip/embed.h"
#include "uui/message.h"

/* ---- call.c: life ---- */

/** Pools of relays and steps, whose sizes only their files know. */
void relay_pool_init(struct call_layer *l);
void step_pool_init(struct call_layer *l);
void duo_pool_init(struct call_layer *l);
void digits_pool_init(struct call_layer *l);
void gather_pool_init(struct call_layer *l);
void referral_pool_init(struct call_layer *l);

/** May this device begin one more call? NULL, a peer: yes. */
bool call_room_for(const struct call_layer *l, const struct device *d);

/** A call without connections; NULL when memory or the limit is out. */
struct call *call_new(struct call_layer *l);

/** Append a connection. `id` is copied. NULL when memory is out. */
struct connection *call_add_connection(struct call *c, struct device *dev, struct str id);

struct branch *connection_add_branch(struct connection *conn);
/** Its leg is the dialog with that Call-ID: who watches hears it. */
void branch_watched(const struct branch *b, struct str sip_call);
/** It has ended: room for another call on its peer. */
void branch_leave_peer(struct branch *b);
/** Its leg, if it has one, is the other's from now on, whatever call that is of. */
void branch_hand_over(struct branch *from, struct branch *to);
/** The leg of that branch is gone; the call may be freed at the next sweep. */
void branch_gone(struct branch *b);

/** Everything about the call is told and nothing is running: free it when the legs are gone. */
void call_check_dead(struct call *c);

/** A time limit for the phase that begins: 0 stops it. */
void call_set_timer(struct call *c, uint32_t after_ms, uint64_t now_ms);

/* ---- keep.c: calls that outlive the process ---- */

/** It is over: nobody keeps it any more. */
void call_unkeep(struct call *c);

/* ---- event.c: telling ---- */

struct call_event call_event_make(const struct call *c, enum call_event_kind kind,
                                  const struct connection *subject, const char *cause,
                                  uint64_t now_ms);
/** Tells; and marks in *e what User-to-User has been told before. */
void call_tell(struct call_event *e);

/** States and events in one: each is told once and only once. */
void connection_alerting(struct connection *conn, const struct sip_msg *m, const char *cause,
                         uint64_t now_ms);
void connection_established(struct connection *conn, const struct sip_msg *m, const char *cause,
                            uint64_t now_ms);
/** The same with what is kept of the answer's User-to-User. */
void connection_established_with(struct connection *conn, struct str uui, const char *cause,
                                 uint64_t now_ms);
/** It has sent these User-to-User values to the caller. */
void connection_informs(struct connection *conn, struct str uui, uint64_t now_ms);
/** Those digits of the number that it calls were taken. */
void connection_dialed(struct connection *conn, struct str digits, const char *cause,
                       uint64_t now_ms);
/** It waits at its device: in the queue, at a routing device, or parked. */
void connection_queued(struct connection *conn, const char *cause, uint64_t now_ms);
void connection_cleared(struct connection *conn, const struct connection *by, const char *cause,
                        struct str uui, uint64_t now_ms);
void connection_failed(struct connection *conn, unsigned status, const char *cause,
                       struct str uui, uint64_t now_ms);

/* ---- fits.c ---- */

/** Would these values arrive there? Either of `n` and `far` may be NULL: nothing is known. */
bool context_fits(struct call_layer *l, const struct neighbour *n, const struct uui_far *far,
                  struct str values);
/** The same for a destination; values of an application alone. */
static inline bool context_fits_peer(struct call_layer *l, const struct peer *to,
                                     struct str values)
{
    return to == NULL || context_fits(l, &to->policy, &to->uui, values);
}

/** What the caller's INVITE carries, and who put it in. @return false: no memory */
bool context_received(struct call *c, const struct sip_msg *m);

/** These values are of an application or a rule, or of `identity` (may be absent). @param from
    NULL: they go to who is called; else with the end of this party. @return false: no memory */
bool context_mark(struct call *c, const struct connection *from, struct str values,
                  enum uui_role role, struct str identity);

/** Values that came back from there. @param m  the message, or NULL: it is gone already */
void context_came_back(const struct connection *from, struct str values, enum uui_role role,
                       const struct sip_msg *m);

/* ---- cause.c: tables ---- */

/** EventCause for a final response (TR/87 digest 12.2; a Reason header goes before). */
const char *cause_of_status(unsigned status, const struct sip_msg *m, bool alerted);
/** Final response for ClearConnection of an alerting call; 0: unknown reason. */
unsigned cause_to_status(struct str reason, unsigned decline);
/** "Reason: Q.850;cause=…" line with CRLF for a BYE or CANCEL, absent when none fits. */
struct str cause_to_reason_line(struct str reason);

/** The EventCause that an application gave, as static text; "normalClearing" for others. */
const char *cause_name(struct str reason);

/* ---- setup.c: reaching a destination ---- */

/** What a dialled text means. @return false: nobody, or nowhere that Baton relays to */
bool destination_of_text(struct call_layer *l, struct str text, struct destination *out);

/** May Baton send a call there, on behalf of that device (NULL: of somebody outside)? */
bool destination_permitted(const struct call_layer *l, const struct device *by,
                           const struct destination *to);

/** What the INVITEs to a connection are made of. */
struct ring {
    const struct sip_msg *pass; /**< the caller's INVITE to pass on, or NULL: offerless */
    struct str from, to;        /**< header values without tags */
    struct str lines;           /**< further header lines */
    bool replace_uui;      /**< with pass: `lines` has User-to-User, the message's are cut */
    struct str type, body; /**< without pass: a body that is no session description */
    /** With pass: headers that `lines` has instead; in the call's arena, ends with
     * SIP_HDR_OTHER */
    const enum sip_hdr_id *cut;
    bool trail; /**< without pass: the history of the party, or else of the call, goes along */
    const struct leg_user *user;
};
/** How one contact is reached. */
struct way {
    struct way *next;      /**< of the search */
    struct way *next_flow; /**< to the same phone, when this one fails */
    uint32_t group;
    uint64_t binding; /**< id of the registration; 0: a peer */
    struct str request_uri, routes;
    struct txn_target target;
    bool talk; /**< Allow-Events: talk */
};
/** One INVITE; `w` is kept by the branch only when it has other flows behind it. @return 0 or
   the status that says why not */
unsigned connection_ring_way(struct connection *conn, const struct way *w, const struct ring *r,
                             uint64_t now_ms);

/* search.c: the contacts of a device, group by group */

/** Ring the first group. @return 0 or a status */
unsigned search_device(struct connection *conn, const struct destination *to,
                       const struct ring *r, uint64_t now_ms);
/** All that rang have refused. @return true: the next ones ring */
bool search_next(struct connection *conn, uint64_t now_ms);
/**
 * A branch has refused, or has failed without a word (`silent`).
 * @return true: that was its flow, and the phone is being called over another one
 */
bool search_other_flow(struct branch *b, unsigned status, bool silent, uint64_t now_ms);
/** Nobody else is to ring. */
void search_stop(struct connection *conn);

/** Send INVITE to all contacts (or to the peer). @return 0 or the status that says why not */
unsigned connection_ring(struct connection *conn, const struct destination *to,
                         const struct ring *r, uint64_t now_ms);

/** Why the other phones stop ringing when one has answered (RFC 3326 §3.1). */
#define CALL_ELSEWHERE "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"

/** CANCEL or forget all branches but `keep`. */
void connection_stop_ringing(struct connection *conn, const struct branch *keep,
                             struct str lines, uint64_t now_ms);

/** All branches of `conn` have refused: the status to pass on, 0 while one is still open. */
unsigned connection_refusal(const struct connection *conn);

/* ---- hunt.c: one destination after another ---- */

/** Keep the plan with the call; plan->to[0] is the one that rings first. @return 0 or E_NOMEM
 */
int hunt_begin(struct call *c, const struct call_plan *plan, const struct sip_msg *m);
/** INVITE to the destination that c->b stands for. @return 0 or the status that says why not */
unsigned hunt_ring(struct call *c, const struct destination *to, const struct sip_msg *m,
                   uint64_t now_ms);
/**
 * The present destination has failed with `status` (408: nobody answered in time): try the next
 * one. @return false: the call fails, there is none or the status is not one to go on with
 */
bool hunt_next(struct call *c, unsigned status, uint64_t now_ms);

/** From of the INVITEs that pass `m` on: the plan's, else the message's. */
struct str call_from(const struct call *c, const struct sip_msg *m);

/** From or To value without its tag: what the other leg shows. */
struct str call_without_tag(struct arena *arena, const struct sip_msg *m, enum sip_hdr_id id);

/** The plan's targets from the first on, whatever has happened. @return false: there is none
    that could be tried */
bool hunt_start(struct call *c, uint64_t now_ms);

/* ---- asked.c: somebody says where it goes ---- */

/** Is the plan's routing device one that somebody routes for? */
bool asked_wanted(const struct call_layer *l, const struct call_plan *plan);
/** The routing device as a destination. */
void asked_place(const struct call_plan *plan, struct destination *to);
/** c->b is the routing device: ask. @return 0 or the status of a refusal */
unsigned asked_begin(struct call *c, const struct call_plan *plan, uint64_t now_ms);
/** Does the call wait for that just now? */
bool asked_waits(const struct call *c);
/** It waits for that no more. */
void asked_leave(struct call *c);
/** The call's timer, while it waits. */
void asked_on_timer(struct call *c, uint64_t now_ms);
/** c->b, where it was sent, has failed with `status`. @return true: the call has moved on, or
    waits again */
bool asked_again(struct call *c, unsigned status, uint64_t now_ms);

/* ---- queue.c: waiting for a device that is busy ---- */

/**
 * c->b has refused with `status`, and there is nobody else to try. @return true: the caller has
 * asked to wait (RFC 3841 §9.1) and does so now
 */
bool queue_wait(struct call *c, unsigned status, uint64_t now_ms);
/** Does it wait just now? */
bool queue_has(const struct call *c);
/** It waits for nobody any more. Harmless when it does not. */
void queue_leave(struct call *c);
/** A leg of that connection is gone: its device may be free now. */
void queue_freed(const struct connection *conn, uint64_t now_ms);

/* ---- incoming.c ---- */

/** Who sends that INVITE, as observers see it: our device, or what From says. NULL: memory */
struct connection *call_add_caller(struct call *c, const struct sip_msg *m,
                                   const struct hop *from, struct device *device);
/** The INVITE of the caller, while it has no final answer; NULL: he sent none. */
const struct sip_msg *call_invite(const struct call *c);
/** What it says of how it is to be treated (RFC 3841). */
struct disposition call_wishes(const struct call *c);
/** Refuse an INVITE of which no call was made. `lines` may be NULL. */
void call_refuse(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                 unsigned status, const char *lines, uint64_t now_ms);

/* ---- redirect.c, deflect.c: the same call to somebody else ---- */

/** What a Contact of a 3xx leads to. */
struct redirect_to {
    struct destination to;
    struct str uui;   /**< User-to-User values of the new INVITE; empty: as before … */
    struct str fresh; /**< … and those of them that the Contact brought */
    struct str lines; /**< what it asks for besides, may be empty */
    enum sip_hdr_id cut[SIP_EMBED_MAX + 1];
    struct str contact, of; /**< for the call's history: the Contact, what it answers */
};

/** A party has refused; remember its Contacts when it redirects. */
void redirect_note(struct branch *b, unsigned status, const struct sip_msg *m);
/**
 * The next one to call when `from` has failed with `status`: of those that were noted the best
 * that leads somewhere. @param had  User-to-User that the call has. @return false: none
 */
bool redirect_take(struct connection *from, unsigned status, struct str had,
                   struct redirect_to *out);
/** c->b has failed: call the next one instead. @return false: there is none */
bool redirect_follow(struct call *c, unsigned status, uint64_t now_ms);

/** Tell the caller 181 or 182 (RFC 3261 §21.1.3, §21.1.4), if he can be told. */
void call_say(struct call *c, unsigned status, uint64_t now_ms);
/** `conn` leaves for `next`, which is called from now on. Diverted is told with `cause`. */
void deflect_leave(struct connection *conn, struct connection *next, const char *cause,
                   uint64_t now_ms);
/** INVITE to c->b. @return 0 or the status that says why not */
unsigned deflect_ring(struct call *c, const struct destination *dest,
                      const struct redirect_to *more, uint64_t now_ms);

/** Can we fulfil what a URI has put into Require? */
bool call_may_require(struct str tags);

/* ---- features.c, forward.c: what the called device has switched on ---- */

void features_fini(struct call_layer *l);

/**
 * c->b, which is *to, is about to be called: follow its forwarding, and that of those after it.
 * @return 0: *to, which is c->b now, may ring; or the status of the refusal
 */
unsigned forward_before(struct call *c, struct destination *to, uint64_t now_ms);
/** c->b was not reached (408: it did not answer in time). @return true: it forwards such calls,
    and the call has moved on */
bool forward_after(struct call *c, unsigned status, uint64_t now_ms);
/** How long c->b may ring: `otherwise`, or less if it forwards then. */
uint32_t call_ring_ms(const struct call *c, uint32_t otherwise);

/* ---- pass.c: who is named, what happened before, why it ends ---- */

/**
 * `m` of `from` (may be NULL) passes to `to`: adds to c->lines, and writes c->cut, what is to
 * be different about identities (RFC 3325, RFC 3323). m NULL: nothing.
 */
void pass_identity(const struct connection *from, const struct connection *to,
                   const struct sip_msg *m, struct leg_content *c);
/** Cut one more header. */
void pass_without(const struct call *c, enum sip_hdr_id id, struct leg_content *content);
/** `value`, or an anonymous From when the request wants that. */
struct str pass_from(const struct connection *from, const struct connection *to,
                     const struct sip_msg *m, struct str value);

/** The INVITE `m` goes out on that branch: its History-Info and Diversion. @param m NULL: an
    offerless one of ours, whose history begins with whom it is for */
void trail_request(struct branch *b, struct str request_uri, const struct sip_msg *m,
                   struct leg_content *content);
/** The call goes to somebody else than c->b now. @param cause as history_divert */
void trail_divert(struct call *c, struct str to, unsigned cause);
/** The same for the Contact of a 3xx of `from`; `to->of`: trail_last when that came. */
void trail_redirected(struct connection *from, const struct redirect_to *to);
/** A REFER of `by` names x, with these User-to-User values: x has a history of its own when
    there are any, until it takes its place in the call. */
void trail_referred(struct connection *x, const struct connection *by, struct str uui);
/** Index of the attempt that was answered last; absent: there is no history. */
struct str trail_last(const struct connection *conn);
/** A response on that branch. @param m may be NULL */
void trail_answered(struct branch *b, unsigned status, const struct sip_msg *m);
/** The branches that have not refused are given up, with this status in the history. */
void trail_given_up(struct connection *conn, unsigned status);
/** A response goes to the caller. @param m may be NULL: made here */
void trail_response(struct call *c, const struct sip_msg *m, struct leg_content *content);

/** Where the neighbour wants a Q.850 cause and `m` has none: add it. @param status 0: a BYE */
void pass_q850(const struct connection *to, unsigned status, const struct sip_msg *m,
               struct leg_content *content);

/* ---- bridge.c: two legs ---- */

extern const struct leg_user caller_user; /**< the INVITE that came in */
extern const struct leg_user callee_user; /**< INVITEs that go out with the caller's offer */

/** What a provisional response of the callee's side means for its connection. */
void callee_news(struct connection *conn, const struct sip_msg *m, uint64_t now_ms);

/** The set-up has failed: tell, answer the caller, end. `m`: the response to pass, or NULL. */
void call_setup_failed(struct call *c, unsigned status, const struct sip_msg *m,
                       uint64_t now_ms);

/** End both sides. `by` releases; `skip`: a leg that has ended already (may be NULL). */
void call_release(struct call *c, struct connection *by, const char *cause,
                  const struct leg_content *content, struct str uui, uint64_t now_ms);

/** Ring time is over, procedure over time, patience with BYE over. */
void call_on_timer(struct timer *t, uint64_t now_ms);

struct leg *connection_leg(const struct connection *conn);

/** All its legs end, whatever their state. `content` may be NULL. */
void connection_end(struct connection *conn, unsigned status, const struct leg_content *content,
                    uint64_t now_ms);

/** Answer a request inside a dialog; when there is no memory for `c`, without it. */
void call_answer_request(struct leg *leg, struct txn *t, unsigned status,
                         const struct leg_content *c, uint64_t now_ms);

/* shared by all users of legs in this module */
void branch_on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms);
void branch_on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms);
void branch_on_request_gone(struct leg *leg, struct txn *t);
void branch_on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms);
void branch_on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms);
void branch_on_gone(struct leg *leg);
void branch_on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms);

/** The part of a struct leg_user that is the same for all legs of calls. */
#define BRANCH_LEG_USER                                                 \
    .on_acked = branch_on_acked, .on_request = branch_on_request,       \
    .on_request_cancelled = branch_on_request_cancelled,                \
    .on_request_gone = branch_on_request_gone, .on_bye = branch_on_bye, \
    .on_ended = branch_on_ended, .on_gone = branch_on_gone

/** A 2xx that nobody wants any more: acknowledge it and hang up. */
void branch_let_go(struct leg *leg, uint64_t now_ms);
/**
 * A branch has refused with `m`, or NULL when no answer came. @return the status of its
 * connection once all have refused and nobody else is to ring, else 0
 */
unsigned branch_refused(struct branch *b, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms);

/* ---- relay.c: requests inside the dialogs, passed across ---- */

void relay_request(struct branch *from, struct dialog *d, struct txn *t,
                   const struct sip_msg *m, uint64_t now_ms);
void relay_cancel(struct branch *from, struct txn *t, uint64_t now_ms);
/** That leg has acknowledged our answer: what had to wait for it goes on. */
void relay_acked(struct call *c, const struct leg *leg, uint64_t now_ms);
/** BYE goes across; its answer comes back. */
void relay_bye(struct branch *from, struct txn *t, const struct sip_msg *m, uint64_t now_ms);
/** That request is answered, or nobody waits for an answer any more. */
void relays_forget(struct call *c, const struct txn *t);
/** The leg on either side of a relay is gone. */
void relays_drop_leg(struct call *c, const struct leg *leg, uint64_t now_ms);
/** BYEs that still wait for the far side are answered 200 now. */
void relays_answer_byes(struct call *c, uint64_t now_ms);
/** What relays have, when the call goes with them: the layer ends. */
void relays_fini(struct call *c);
bool relays_pending_offer(const struct call *c);
bool relays_empty(const struct call *c);
/** The leg leaves that call: what is passed on over it is over, and answered. */
void relays_part(struct call *c, const struct leg *leg, uint64_t now_ms);
/** A party's own offer was accepted: tell when it was hold, or the end of it. */
void relay_offer_accepted(struct connection *by, struct str offer, uint64_t now_ms);

/* ---- media.c: session descriptions ---- */

/** Remember what a phone sent. Other content than SDP is ignored. */
void media_received(struct connection *conn, const struct sip_msg *m);
/**
 * The body of `m` as it goes to `conn`: unchanged (absent is returned) as long as its origin
 * line continues what that phone has seen, else with that origin and a higher version.
 */
struct str media_continue(struct connection *conn, struct str body, struct arena *a);
/** Remember what is sent. @return false: no memory, and nothing is known of this phone yet */
bool media_sent(struct connection *conn, struct str body);
/** content for passing m of `from` to `to`: the body continued, identities cut. @return as
    media_sent */
bool media_pass(const struct connection *from, struct connection *to, const struct sip_msg *m,
                struct leg_content *c);
/** `body` with another direction (enum sdp_aim of sdp.h); absent when it cannot be read. */
struct str media_aimed(struct str body, unsigned aim, struct arena *a);
/** The answer to what the phone offered that takes the call and no media; absent: none fits. */
struct str media_silence(const struct connection *conn, struct arena *a);
/** The same as an offer of ours to that phone. */
struct str media_silence_offer(const struct connection *conn, struct arena *a);
/** ACK the 2xx of its phone so: what it offered is its description, and nobody talks yet.
   @return false: no memory, or the ACK cannot be sent */
bool media_ack_silence(struct connection *conn, struct leg *leg, const struct sip_msg *m,
                       uint64_t now_ms);
/** Does this description ask for silence? */
bool media_is_hold(struct str body);
bool media_has_sdp(const struct sip_msg *m);
/** All that is known of its phone's media is the other's from now on. */
void media_hand_over(struct connection *from, struct connection *to);
void media_fini(struct connection *conn);

/* ---- step.c: procedures ---- */

enum step_kind {
    STEP_HOLD,
    STEP_RETRIEVE,
    STEP_TRANSFER,
    STEP_ANSWER,
    STEP_SILENCE, /**< the first half of STEP_HOLD */
    STEP_RESTORE, /**< both ends are offered each other anew */
    STEP_PICKUP,
    STEP_PARK, /**< the second half of STEP_HOLD, with nobody at the other end */
};

struct step;

struct leg_request **step_request(struct step *s);
struct connection *step_connection(const struct step *s);
enum step_kind step_kind_of(const struct step *s);
/** Does a procedure run on it, or is an offer on its way? duo.c does not count. */
bool call_is_busy(const struct call *c);
/** CALL_OK: `conn` is in state `want`, both its legs are up and nothing else is going on. */
enum call_error call_step_ready(const struct connection *conn, enum connection_state want);

/** How a hold or retrieval differs that is part of a procedure on two calls (duo.c). */
struct step_plan {
    const char *cause; /**< of the event */
    bool other_only;   /**< the device itself is offered something else at once */
};
/** call_hold and call_retrieve so: without their checks of state, and the event is told before
    `fn` hears. */
enum call_error step_hold(struct connection *conn, const struct step_plan *plan,
                          call_done_fn fn, void *owner, uint64_t now_ms);
enum call_error step_retrieve(struct connection *conn, const struct step_plan *plan,
                              call_done_fn fn, void *owner, uint64_t now_ms);
/** The phone of `conn` is to be silent; nobody hears how that went. */
void step_silence(struct connection *conn, uint64_t now_ms);
/** It need not be, the phone leaves. */
void step_unsilence(struct call *c, uint64_t now_ms);
/** The phones of `conn` and its partner get each other's descriptions anew. */
void step_restore(struct connection *conn, uint64_t now_ms);

/** A step for `conn`; NULL when memory is out. One runs per call at a time. */
struct step *step_new(struct connection *conn, enum step_kind kind, call_done_fn fn,
                      void *owner, uint64_t now_ms);
/** Tell the outcome, free the step. */
void step_done(struct step *s, enum call_error err, unsigned status, uint64_t now_ms);
/** The same without telling: the one who asked gets his answer in another way. */
void step_cancel(struct step *s, uint64_t now_ms);
/** The call is ending, or moves on: whatever runs is over. */
void step_abort(struct call *c, uint64_t now_ms);
/** There is news of it: its limit begins anew. */
void step_prolong(struct step *s, uint64_t now_ms);
/** The phone has answered: who asked it to, knows, whatever becomes of the NOTIFY. */
void step_answered(struct connection *conn, uint64_t now_ms);

/* ---- share.c: two calls on one leg ---- */

/** Make c->a, which has no branch yet, ready to take over the leg of `of`. NULL: no memory */
struct connection *share_prepare(struct call *c, const struct connection *of);
/** They are mates from now on, and `to` has the leg. */
void share_begin(struct connection *from, struct connection *to, uint64_t now_ms);
/** Will its phone stay when its call ends, since its mate takes the leg over? May be NULL. */
bool share_keeps(const struct connection *conn);
/** The leg comes here if it is at the mate. @return false: there is none to have */
bool share_take(struct connection *conn, uint64_t now_ms);
/** They are mates no more, the leg stays. @return the mate, if it is in a call still; or NULL
 */
struct connection *share_cut(struct connection *conn);
/** It is no party of its call any more. @return true: its mate has the leg now */
bool share_leave(struct connection *conn, uint64_t now_ms);
/** The phone has gone over the leg of what was the mate of `mate` (NULL: there was none). */
void share_phone_gone(struct connection *mate, const char *cause, uint64_t now_ms);
/** An offer of a party whose partner is parked. @return false: it is not, pass it on */
bool share_answers(struct branch *from, struct txn *t, const struct sip_msg *m,
                   uint64_t now_ms);

/* ---- duo.c: procedures on two calls ---- */

/** The call ends: what runs on it and another one goes on without it, or is over. */
void duo_abort(struct call *c, uint64_t now_ms);
/** Who waits for an outcome is gone. */
void duo_forget(struct call_layer *l, const void *owner);

/* ---- conference.c, gather.c, invite.c: conferences ---- */

/** The legs of its seats end with the call. */
void conference_end(struct call *c, const struct leg_content *content, uint64_t now_ms);
void conference_fini(struct call *c);
/** A phone in a conference hangs up. @return false: it is in none */
bool conference_on_bye(struct branch *b, struct txn *t, const struct sip_msg *m,
                       uint64_t now_ms);
/** That party leaves; its legs are ended. @return false: it is in no conference, or the call is
    over anyway */
bool conference_drop(struct connection *party, const char *cause,
                     const struct leg_content *content, struct str uui, uint64_t now_ms);
/** The call ends while parties are being brought to the focus. */
void gather_abort(struct call *c, uint64_t now_ms);
/** Does it move media, so that nobody else may? */
bool gather_moves_media(const struct call *c);
/** Is it being called to come to the focus? */
bool gather_invites(const struct connection *x);
/** It is not to come. @return false: nobody asks it to */
bool gather_clear(struct connection *x, unsigned status, uint64_t now_ms);
/** Who waits for the outcome is gone. */
void gather_forget(struct call *c, const void *owner);

/* ---- digits.c, dial.c ---- */

/** The call ends: no more of them. */
void digits_stop(struct call *c, uint64_t now_ms);
void digits_fini(struct call *c);
/** Are those of `owner` meant? Then nobody hears. */
void digits_forget(struct call *c, const void *owner);
/** The number so far, without the sign that more follows. */
struct str dial_number(struct str text, bool *more);

/* ---- join.c: connect a leg that has offered with one that is up (RFC 3725) ---- */

/**
 * `offerer` answered an offerless INVITE (initial or re-INVITE) with `offer` and waits for our
 * ACK; `other` is confirmed. Re-INVITE `other` with the offer, ACK with its answer. `fn` hears.
 */
void join_start(struct connection *offerer, struct connection *other,
                const struct sip_msg *offer, call_done_fn fn, void *owner, uint64_t now_ms);
/**
 * `offerer` has sent an INVITE without an offer: `other`, which is confirmed, is asked for one,
 * and it is answered with that. join_acked goes on. `fn` hears.
 */
void join_ask(struct connection *offerer, struct connection *other, call_done_fn fn,
              void *owner, uint64_t now_ms);
/** It has acknowledged, with its answer. @return false: nobody waits for that */
bool join_acked(struct connection *offerer, const struct sip_msg *m, uint64_t now_ms);
/** The call is ending: acknowledge what is open, forget the rest. Nobody is told. */
void join_abort(struct call *c, uint64_t now_ms);
/** It is called off, and the call goes on with the party that the other had before. */
void join_undo(struct call *c, uint64_t now_ms);
void join_init(struct call *c);

/* ---- make.c, transfer.c ---- */

extern const struct leg_user made_caller_user; /**< MakeCall: the caller's phone */
extern const struct leg_user joined_user; /**< offerless INVITE to the party that is to join */

/** The party of an offerless INVITE rings or has answered: a transfer's first party leaves now.
 */
void transfer_on_progress(struct connection *x, uint64_t now_ms);
/** It refused. @return true: it was a transfer's, which is called off; the call goes on */
bool transfer_on_failed(struct connection *x, unsigned status, uint64_t now_ms);

/** Let the party that a transfer is calling go. Harmless when there is none. */
void transfer_call_off(struct call *c, uint64_t now_ms);

/** A call of args->from, whose connection is c->a, with everything in it that `args` say; `to`
    is whom they mean. NULL: *err says why */
struct call *call_prepare(struct call_layer *l, const struct call_make *args,
                          const struct destination *to, enum call_error *err);
/** The caller's phone is there: Originated is told, and c->called is called. */
void call_set_out(struct call *c, const char *cause, uint64_t now_ms);

/** Callbacks for a leg that has none of that kind. */
void leg_no_response(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                     uint64_t now_ms);
void leg_no_answer(struct leg *leg, const struct sip_msg *m, uint64_t now_ms);
void leg_no_refusal(struct leg *leg, unsigned status, const struct sip_msg *m, uint64_t now_ms);
void leg_no_cancel(struct leg *leg, const struct sip_msg *m, uint64_t now_ms);

/** What From or To shows of it. */
struct str connection_address(struct arena *a, const struct connection *conn);

/** Start the offerless INVITE to `to` as the call's other party, with what is set in `ring`:
    from, to and, when NULL, user are filled in. @return 0 or a status */
unsigned call_invite_with(struct connection *conn, const struct destination *to,
                          const struct connection *on_behalf, struct ring *ring,
                          uint64_t now_ms);

/* ---- refer.c: a REFER that came in a dialog ---- */

/** REFER of a party (RFC 3515): judged, answered, and carried out. */
void refer_request(struct branch *from, struct dialog *d, struct txn *t,
                   const struct sip_msg *m, uint64_t now_ms);
/** SUBSCRIBE to the outcome of one (RFC 3515 §2.4.4). @return false: to something else */
bool refer_subscribe(struct branch *from, struct txn *t, const struct sip_msg *m,
                     uint64_t now_ms);

/* ---- send_away.c: a caller is answered and sent somewhere else ---- */

extern const struct leg_user away_user; /**< of the caller's leg */

/** Can who sends this INVITE be sent away: is there an offer, and no Allow without REFER? */
bool away_suits(const struct sip_msg *m);
/** Answer the caller; when he has acknowledged, REFER. @return 0 or the status of a refusal */
unsigned away_begin(struct call *c, const struct call_plan *plan, uint64_t now_ms);
/** There was no news for too long. */
void away_on_timer(struct call *c, uint64_t now_ms);

/* ---- refer_pass.c: a peer carries it out ---- */

/** Does the other side want this REFER itself? */
bool refer_is_passed(const struct branch *from, const struct sip_msg *m);
/** Put right what of a REFER or NOTIFY means something else there. @return 0 or E_NOMEM */
int refer_pass_edit(const struct branch *from, const struct sip_msg *m, struct leg_content *c);

/* ---- referral.c: what became of it ---- */

/**
 * One end of the call is gone (BYE, lost, expired). @return true: the call goes on without it,
 * since it was the party that refers, or the one that is being called
 */
bool referral_on_gone(struct branch *b, uint64_t now_ms);
/** The call ends: nothing more becomes of it. */
void referral_abort(struct call *c, uint64_t now_ms);
/** ClearConnection of a party that is being called. @return false: it is none of a referral's
 */
bool referral_clear(struct connection *x, unsigned status, uint64_t now_ms);
/** The party that was called on behalf of a REFER is sent on to somebody else. */
void referral_moves_on(struct call *c, uint64_t now_ms);
/** No more NOTIFY over that leg. */
void referral_drop_leg(struct call *c, const struct leg *leg);
void referrals_fini(struct call *c);
/** Who heard of them is gone. */
void referrals_forget(struct call *c, const void *owner);
/** Is this call's media being moved, by a join or a referral? Then no other offers. */
bool referral_moves_media(const struct call *c);

#endif
