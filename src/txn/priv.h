/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the transaction layer know of each other.
 *
 *   txn.c     the layer: lifetime, timers, dispatch to the four machines
 *   match.c   which transaction a message belongs to
 *   ict.c nict.c ist.c nist.c   the machines: one handler for each event, all states in it
 *   way.c     requests: from the target to a hop, Via; the next server when one has failed
 *   send.c    requests: repeating them, CANCEL, ACK
 *   reply.c   responses: building them
 *   back.c    responses: the way back
 *   via.c     the top Via: response address, received, rport
 *   border.c  what the border says of messages that leave
 *
 * In each machine a static `enter` is the only place that writes `state`; it asserts the
 * step against a constant matrix and stamps the deadlines of the new state. A timer whose
 * value is zero on reliable transports is not armed: the handler goes on to Terminated.
 */
#ifndef BATON_TXN_PRIV_H
#define BATON_TXN_PRIV_H

#include "base/err.h"
#include "txn/txn.h"
#include <assert.h>

#define STATE_BIT(state) (1u << (state))

/** 64*T1: Timers B, F, H, J, L, M. */
static inline uint64_t txn__64t1(const struct txn *t)
{
    return 64u * (uint64_t)t->layer->timing.t1;
}

static inline bool txn__reliable(const struct txn *t)
{
    return transport_is_reliable((enum transport)t->hop.transport);
}

static inline bool txn__is_server(const struct txn *t)
{
    return t->kind == TXN_IST || t->kind == TXN_NIST;
}

/** Write the state; `follows` has for each state the bits of those that may come next. */
static inline void txn__step(struct txn *t, enum txn_state state, const uint8_t *follows)
{
    assert((follows[t->state] & STATE_BIT(state)) != 0);
    (void)follows;
    t->state = (uint8_t)state;
}

/* ---- txn.c ---- */

/** A transaction in no table, or NULL (counted). */
struct txn *txn__alloc(struct txn_layer *l, enum txn_kind kind, enum sip_method method,
                       const struct txn_user *user, void *owner);

/** Out of all tables, timers stopped, bytes freed; the struct goes at the next tick. */
void txn__die(struct txn *t);

/** Give back one that txn__alloc made and nobody has seen. */
void txn__discard(struct txn *t);

/** Put it on the list of the flow that it stands on now. */
void txn__bind_flow(struct txn *t, uint32_t flow);

/** Nothing more is sent; `expire` tells `why` at the next tick. */
void txn__fail_soon(struct txn *t, enum txn_failure why, uint64_t now_ms);

/** Count and tell; the state is Terminated (or stays, for an IST). */
void txn__tell_failure(struct txn *t, enum txn_failure why, uint64_t now_ms);

void txn__drop_sent(struct txn *t);

/* ---- match.c ---- */

/** Enter a server transaction into both tables. */
void txn__index_server(struct txn *t, const struct sip_msg *m, const struct txn_seen *seen);
/** Top Via and hash of a request: what matching has read, or read now. NULL: no usable Via.
   Good until the next message is looked at. */
const struct txn_seen *txn__look(struct txn_layer *l, const struct sip_msg *m);
void txn__index_client(struct txn *t);

/** The server transaction of `m`, seen as a request of `method` (for ACK and CANCEL). */
struct txn *txn__find_server(struct txn_layer *l, const struct sip_msg *m,
                             enum sip_method method);
struct txn *txn__find_merged(struct txn_layer *l, const struct sip_msg *m);
struct txn *txn__find_client(struct txn_layer *l, const struct sip_msg *m);

/** 16 characters that only this layer makes of this request, and always the same. */
void txn__tag(const struct txn_layer *l, const struct sip_msg *m, char out[static 17]);

/* ---- via.c ---- */

/** What txn.reply_hop says: the hop of a response over UDP; over a stream that to which to
    connect when the connection is gone. */
void txn__reply_hop(const struct sip_via *via, const struct hop *from, struct hop *out);

/* ---- send.c ---- */

/** A text that is written once and then sent, kept, or both: on the stack while it is small. */
struct txn__text {
    struct str s;
    char *heap;
    char stack[4096];
};
typedef void (*txn__write_fn)(struct out *o, const void *arg);
int txn__text_init(struct txn__text *x, const struct mem *mem, txn__write_fn write,
                   const void *arg) MUST_USE;
void txn__text_fini(struct txn__text *x, const struct mem *mem);
/** Memory of its own, of the right size, for as long as the caller wants. */
int txn__text_keep(struct txn__text *x, const struct mem *mem, struct str *out) MUST_USE;

/** Index bytes that this layer has sent. `hdr` has SIP_HDR_MAX entries. */
bool txn__index_sent(struct str sent, struct sip_hdr *hdr, struct sip_msg *m);

/** Send t->sent to t->hop. */
int txn__send_request(struct txn *t);

/** Build and send the ACK to the final response `m` (§17.1.1.3); keep it for repeats. */
int txn__send_ack(struct txn *t, const struct sip_msg *m);

/** Start the CANCEL of an ICT. `lines` as in txn_cancel. @return 0, E_NOMEM, E_SYNTAX */
int txn__send_cancel(struct txn *t, struct str lines, uint64_t now_ms);

/* ---- way.c ---- */

/** Its bytes and its way are there: into Calling or Trying. */
void txn__start(struct txn *t, uint64_t now_ms);

/** Look the target up again. */
void txn__resolve(struct txn *t, uint64_t now_ms);

/** What went wrong with a server. */
enum txn__lost { TXN__NO_ANSWER, TXN__BROKEN, TXN__REFUSED };

/**
 * Remember that the server of `t` has failed, and go on to the next one with a new branch (RFC
 * 3263 §4.3), unless there is none, the user has cancelled, or more than 100 has been heard.
 * @param retry_ms  Retry-After of a 503, or 0
 * @param husk      for a refused INVITE: out, a transaction without a user that now has the old
 *                  branch and its bytes, to acknowledge the refusal; NULL: not wanted
 * @return true: `t` is Calling (Trying) on another way; false: it is as it was
 */
bool txn__go_on(struct txn *t, enum txn__lost why, uint32_t retry_ms, struct txn **husk,
                uint64_t now_ms);

/** How long to wait in Calling or Trying, until Timer B or F or, when there is another server
   or another way, until that is tried (t->hasty). */
uint64_t txn__patience(struct txn *t);
/** How much later Timer B or F is. */
uint64_t txn__patience_left(const struct txn *t);
/** An INVITE is given up before Timer B: what is left of its branch cancels what may still come
    of it (txn__ict_linger). Without memory nothing does. */
void txn__leave_branch(struct txn *t, uint64_t now_ms);

/** A response came, so its server lives: note that, and what was said. */
void txn__heard(struct txn *t, const struct sip_msg *m);

/** Retry-After of a response in milliseconds, 0: none. */
uint32_t txn__retry_after(const struct sip_msg *m);

/* ---- border.c ---- */

/** txn.why of a request that the border has refused: `sent` is the answer. */
#define TXN__DENIED 3

static inline bool txn__is_known(const struct txn_layer *l, const char *same)
{
    const struct txn_known *k = l->border.known;
    return same != NULL && k != NULL && (same == k->octets || same == k->copy);
}

/** Ask it; without one everything passes. @param same  as of txn_target */
static inline enum txn_exit txn__leave(const struct txn_layer *l, const char *same,
                                       const struct hop *hop, struct txn_leaving *what,
                                       struct txn_exit_out *out)
{
    *out = (struct txn_exit_out){0};
    what->known = txn__is_known(l, same);
    bool clean = what->known && l->border.known->clean && what->run[0].p == same;
    return l->border.leaves == NULL || clean ? TXN_EXIT_PASS
                                             : l->border.leaves(l->border.ctx, hop, what, out);
}

/** Ask it and send, without a transaction. @return E_NOMEM, E_DENIED, what env->send says */
int txn__send_past_border(const struct txn_layer *l, const char *same, const struct hop *hop,
                          struct str name, const struct str *run, size_t n);

/** Refused: make the answer of t->sent, which is the request as it would have been sent.
    @return E_DENIED, or E_NOMEM */
int txn__deny(struct txn *t, const struct txn_reply *why);

/** Tell it: the transaction has ended. `answer` is freed. */
void txn__tell_denied(struct txn *t, struct str answer, uint64_t now_ms);

/* ---- back.c ---- */

/** Send t->sent to where responses go, over a new connection when the old one is gone. */
int txn__send_response(struct txn *t);
/** The new connection is gone, too (RFC 3263 §5): what it was to carry goes another way. */
void txn__back_lost(struct txn *t, uint64_t now_ms);
/** The look-up for that has got on. */
void txn__back_resolved(struct txn *t, uint64_t now_ms);

/* ---- reply.c ---- */

/** The answer to our own request `m`, which never left. @return 0 or E_NOMEM */
int txn__answer_own(const struct txn_layer *l, const struct sip_msg *m, const struct hop *hop,
                    const struct txn_reply *r, struct str *out);

/** A status made by the layer itself. */
int txn__auto_reply(struct txn *t, unsigned status, uint32_t delay_ms, uint64_t now_ms);

/* ---- the machines ---- */

void txn__ict_start(struct txn *t, uint64_t now_ms);
/** Make `t` the rest of a branch that was refused with `m`: acknowledges it. */
void txn__ict_husk(struct txn *t, const struct sip_msg *m, uint64_t now_ms);
/** Make `t` the rest of a branch that said nothing: whatever comes yet is cancelled. */
void txn__ict_linger(struct txn *t, uint64_t now_ms);
void txn__ict_on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                          uint64_t now_ms);
void txn__ict_on_retransmit(struct txn *t, uint64_t now_ms);
void txn__ict_on_expire(struct txn *t, uint64_t now_ms);
void txn__ict_on_error(struct txn *t, uint64_t now_ms);
int txn__ict_on_cancel(struct txn *t, struct str lines, uint64_t now_ms);
void txn__ict_on_detach(struct txn *t, uint64_t now_ms);

void txn__nict_start(struct txn *t, uint64_t now_ms);
void txn__nict_on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms);
void txn__nict_on_retransmit(struct txn *t, uint64_t now_ms);
void txn__nict_on_expire(struct txn *t, uint64_t now_ms);
void txn__nict_on_error(struct txn *t, uint64_t now_ms);

void txn__ist_start(struct txn *t, uint64_t now_ms);
void txn__ist_on_request(struct txn *t, uint64_t now_ms);
enum txn_in txn__ist_on_ack(struct txn *t, uint64_t now_ms);
/** May a response of this status be sent now? @return 0, E_STATE, E_VALUE */
int txn__ist_accepts(const struct txn *t, unsigned status);
/** Send t->sent, which is a response of t->status. */
int txn__ist_on_respond(struct txn *t, uint64_t now_ms);
int txn__ist_on_resend(struct txn *t, uint64_t now_ms);
void txn__ist_on_retransmit(struct txn *t, uint64_t now_ms);
void txn__ist_on_expire(struct txn *t, uint64_t now_ms);
void txn__ist_on_detach(struct txn *t, uint64_t now_ms);

void txn__nist_start(struct txn *t, uint64_t now_ms);
void txn__nist_on_request(struct txn *t, uint64_t now_ms);
int txn__nist_accepts(const struct txn *t, unsigned status);
int txn__nist_on_respond(struct txn *t, uint64_t now_ms);
void txn__nist_on_retransmit(struct txn *t, uint64_t now_ms);
void txn__nist_on_expire(struct txn *t, uint64_t now_ms);

#endif
