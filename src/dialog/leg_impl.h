/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the leg know of each other.
 *
 *   leg.c          the layer, life and death of a leg, sweep
 *   leg_message.c  a message from content: parts, request, response
 *   leg_pass.c     what of a passed message stays; option tags
 *   leg_offer.c    whose offer is pending; the last session description
 *   leg_uac.c      the initial INVITE as client: responses, ACK, forks, CANCEL
 *   leg_uas.c      the initial INVITE as server: answers, 2xx until ACK, CANCEL
 *   leg_stray.c    2xx to an INVITE that no leg waits for
 *   leg_request.c  our requests inside the dialog
 *   leg_retry.c    the same request again: 401, 407, 422
 *   leg_serve.c    their requests inside the dialog, and our answers
 *   leg_end.c      BYE and what else ends a leg
 *   leg_timer.c    session timer
 *   keep.c         legs that outlive the process
 *
 * DEFERRED FREEING. A leg, its requests and what it serves stay in memory until the sweep, so
 * that any of them may be ended inside any callback. What is over is taken off its transaction
 * and marked; leg_settle puts a leg on the layer's list when nothing of it is open.
 */
#ifndef BATON_DIALOG_LEG_IMPL_H
#define BATON_DIALOG_LEG_IMPL_H

#include "base/err.h"
#include "dialog/dialog_impl.h"
#include "dialog/leg.h"

/** The most dialogs (forks) of one leg; further ones are not followed. */
#define LEG_DIALOGS_MAX 32

/** The most requests of the peer that a leg keeps open; an application's session needs many. */
#define LEG_SERVED_MAX 256

/** A request of the peer without final answer, or an INVITE whose 2xx waits for its ACK. */
struct leg_served {
    struct list link;
    struct leg *leg;
    struct dialog *dialog; /**< NULL: initial INVITE before there is one */
    struct txn *txn;
    uint8_t method;
    bool initial;
    bool waits_ack;
    bool offer; /**< it carried one */
    uint32_t cseq;
    uint32_t interval_ms; /**< between repetitions of the 2xx */
    uint64_t give_up_ms;
    struct timer timer;
};

extern const struct txn_user leg_client_user; /**< owner: struct leg_request */
extern const struct txn_user leg_server_user; /**< owner: struct leg_served */

/* ---- keep.c ---- */

/** Something of it is another than when it was kept. */
void leg_touch(struct leg *leg);

/* ---- leg.c ---- */

struct leg *leg_new(struct leg_layer *l, const struct leg_user *user, void *owner);
/** Give back one that nobody has seen. */
void leg_discard(struct leg *leg);
struct dialog *leg_dialog_new(struct leg *leg);
void leg_dialog_free(struct dialog *d);
void leg_dialog_enter(struct dialog *d); /**< into the table */
void leg_dialog_end(struct dialog *d);   /**< out of the table, ENDED */
size_t leg_dialog_count(const struct leg *leg);
/** All early dialogs but `keep` end. */
void leg_drop_early(struct leg *leg, const struct dialog *keep);
/** ENDED: timers, table, open requests of the peer. Tells nobody. */
void leg_finish(struct leg *leg, uint64_t now_ms);
void leg_tell_ended(struct leg *leg, enum leg_end why, uint64_t now_ms);
/** Put it on the list of the dead if it is. */
void leg_settle(struct leg *leg);
void leg_mint_tag(const struct leg_layer *l, char out[static 20]);
struct str leg_contact(struct leg *leg, const struct hop *hop, bool secure);

/* ---- leg_message.c ---- */

struct leg_wire {
    struct str run[SIP_RUN_MAX + 2];
    size_t n;
};

/** From what the user gave. @param status 0: a request. @return 0, E_NOMEM, E_TOOMANY, E_VALUE
 */
int leg_parts_make(struct leg *leg, const struct leg_content *c, unsigned status,
                   struct leg_parts *p);
/** A copy in one block that also holds `name`. @return 0, E_NOMEM */
int leg_parts_keep(const struct mem *mem, const struct leg_parts *p, struct str *name,
                   struct leg_parts *out);
void leg_parts_clear(const struct mem *mem, struct leg_parts *p);

int leg_write_request(struct leg_request *r, const struct dialog *d, struct str name,
                      enum sip_method method, const struct leg_parts *p, struct leg_wire *w);

/** What a 2xx of ours agrees to (RFC 4028 §9). */
struct leg_session {
    uint32_t interval_s; /**< 0: no timer */
    bool we_refresh;
    bool require; /**< "Require: timer" */
};

struct leg_answer_args {
    const struct sip_msg *req;
    const struct hop *hop; /**< of the request */
    enum sip_method method;
    unsigned status;
    struct str reason;
    struct str to_tag; /**< absent: To stays as it is */
    bool secure;
    bool record_route;
    const struct leg_session *session; /**< NULL: none */
    const struct leg_content *content;
    const struct leg_parts *parts;
};
int leg_write_response(struct leg *leg, const struct leg_answer_args *a, struct leg_wire *w);

/* ---- leg_pass.c ---- */

/** Tags of Require that nobody here knows, for Unsupported. @return true: there are some */
bool leg_unsupported(const struct leg_layer *l, const struct sip_msg *m, struct out *o);
/** Has one of these header lines that name? */
bool leg_lines_have(struct str lines, struct str name);

/* ---- leg_offer.c ---- */

bool leg_type_is_offer(struct str type);
bool leg_msg_has_offer(const struct sip_msg *m);
bool leg_is_reliable(const struct sip_msg *m, struct str lines);
void leg_remember(struct leg *leg, const struct leg_parts *p);
bool leg_invite_pending(const struct leg *leg);
bool leg_update_pending(const struct leg *leg);
void leg_offer_on_response(struct leg_request *r, struct dialog *d, unsigned status,
                           const struct sip_msg *m);
void leg_offer_on_answer(struct leg_served *s, struct dialog *d, unsigned status,
                         const struct leg_parts *p, bool reliable);

/* ---- leg_uac.c ---- */

void leg_uac_on_response(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms);
void leg_uac_on_failure(struct leg_request *r, unsigned status, uint64_t now_ms);
/** Repeat the ACK of a 2xx, if there was one. */
void leg_ack_again(struct leg_request *r, const struct dialog *d);
/** ACK without content for a 2xx that nobody waits for. */
void leg_ack_plain(struct leg_request *r, struct dialog *d);

/* ---- leg_stray.c ---- */

/** The INVITE's transaction goes on without the leg: late 2xx get ACK and BYE. */
void leg_uac_orphan(struct leg_request *r);

void leg_marks_init(struct leg_layer *l);
/** For the branch of an INVITE: shows a later process that it was ours. Absent: none will come
    that could know. */
struct str leg_mark(const struct leg_layer *l, const struct dialog *d, uint32_t cseq,
                    char buf[static LEG_MARK]);

/* ---- leg_uas.c ---- */

void leg_uas_on_ack(struct dialog *d, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms);
/** The 2xx was sent: repeat it until the ACK. */
void leg_uas_await_ack(struct leg_served *s, uint64_t now_ms);

/* ---- leg_request.c ---- */

void leg_request_on_response(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms);
void leg_request_on_failure(struct leg_request *r, unsigned status, uint64_t now_ms);

/** Kept in leg->requests; `parts` is copied when a retry is possible. NULL: memory */
struct leg_request *leg_request_new(struct leg *leg, struct dialog *d, struct str name);
/** Give it a transaction. `parts`: NULL for what it keeps. @return 0, E_NOMEM */
int leg_request_start(struct leg_request *r, const struct leg_parts *parts, uint64_t now_ms);
void leg_request_free(struct leg_request *r);
/** Send BYE with these parts (NULL: none). @return NULL: memory */
struct leg_request *leg_send_bye(struct leg *leg, struct dialog *d,
                                 const struct leg_parts *parts, leg_response_fn fn, void *owner,
                                 uint64_t now_ms);

/* ---- leg_retry.c ---- */

/** 401, 407, 422: send it again if that can help. @return true: it was */
bool leg_retry(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms);

/* ---- leg_serve.c ---- */

/** With a server transaction. NULL: memory or limit, nothing was answered. */
struct leg_served *leg_served_new(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                                  const struct hop *from, bool initial, uint64_t now_ms);
void leg_served_free(struct leg_served *s);
/** Before its transaction goes: the user may not use that any more. */
void leg_served_tell_gone(const struct leg_served *s);
struct leg_served *leg_served_find(const struct leg *leg, const struct txn *t);
/** Answer with a status of ours and forget it. */
void leg_served_refuse(struct leg_served *s, unsigned status, uint64_t now_ms);
void leg_served_refuse_with(struct leg_served *s, unsigned status, struct str lines,
                            uint64_t now_ms);
/** 420 and 422 for INVITE, inside a dialog or not. @return true: it was refused */
bool leg_served_check(struct leg_served *s, const struct sip_msg *m, uint64_t now_ms);

/* ---- leg_end.c ---- */

void leg_on_bye(struct leg_served *s, const struct sip_msg *m, uint64_t now_ms);
/** Our BYE has its answer, or nothing is left to wait for. */
void leg_bye_done(struct leg *leg, uint64_t now_ms);
/** The BYE that waited, or a plain one. */
void leg_bye_now(struct leg *leg, uint64_t now_ms);
/** End it because the peer is gone; BYE when `bye`. Tells `why` at once. */
void leg_give_up(struct leg *leg, enum leg_end why, bool bye, uint64_t now_ms);

/* ---- leg_timer.c ---- */

void leg_timer_fire(struct timer *t, uint64_t now_ms);
/** Lines for INVITE and UPDATE of ours. */
void leg_timer_write_request(const struct leg *leg, bool initial, struct out *o);
/** @return true: too small, answer 422 with Min-SE */
bool leg_timer_refuses(const struct leg *leg, const struct sip_msg *m);
bool leg_timer_is_on(const struct leg *leg);
/** What a 2xx of ours to `m` agrees to. */
struct leg_session leg_timer_answer(const struct leg *leg, const struct sip_msg *m);
void leg_timer_agree(struct leg *leg, const struct leg_session *s, uint64_t now_ms);
/** A 2xx to INVITE or UPDATE of ours. */
void leg_timer_on_2xx(struct leg *leg, const struct sip_msg *m, uint64_t now_ms);
/** Final answer to a refresh of ours. */
void leg_timer_on_refreshed(struct leg_request *r, unsigned status, const struct sip_msg *m,
                            uint64_t now_ms);
void leg_timer_stop(struct leg *leg);
/** It was put back: its dates are set, what was in the air is not any more. */
void leg_timer_restored(struct leg *leg, uint64_t now_ms);
/** The flow of this dialog has closed. */
void leg_timer_on_lost(struct dialog *d, uint64_t now_ms);

#endif
