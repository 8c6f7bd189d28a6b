/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-INVITE server transaction (RFC 3261 §17.2.2, RFC 4320 §4).
 *
 *              | request: to the user
 *              v
 *        +------------+
 *        |   Trying   |  request: discarded
 *        +------------+
 *           |      | 100 sent, by the user or after the quiet time
 *           |      v
 *           |  +------------+
 *           |  | Proceeding |  request: 100 again
 *           |  +------------+
 *   200-699 |      | 200-699
 *   sent    v      v sent
 *        +------------+
 *        | Completed  |  request: final again
 *        +------------+
 *              | J, transport error: tell the user
 *              v
 *        +------------+
 *        | Terminated |
 *        +------------+
 *
 *   timer   value                      armed on entry to   reliable   effect
 *   100     until E reaches T2: 3.5 s  Trying              yes        100
 *   late    64*T1                      Trying              yes        on_failure
 *   J       64*T1                      Completed           0          end (back.c says when
 *                                                                     a stream has it, too)
 *
 * 100 runs on `retransmit`, the others on `expire`. "Late" is no timer of RFC 3261: after
 * 64*T1 the client's Timer F has fired, and an answer, even 408, must not be sent any more
 * (RFC 4320 §4.2), so the transaction ends whether the user has noticed or not.
 *
 * OWNERSHIP. `req` until the final response; `sent` is the last response.
 */
#include "txn/priv.h"

static const uint8_t follows[] = {
    [TXN_RESOLVING] = STATE_BIT(TXN_CALLING), /* the zeroed transaction, before its request */
    [TXN_CALLING] =
        STATE_BIT(TXN_PROCEEDING) | STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_TERMINATED),
    [TXN_PROCEEDING] = STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_TERMINATED),
    [TXN_COMPLETED] = STATE_BIT(TXN_TERMINATED),
    [TXN_CONFIRMED] = 0,
    [TXN_ACCEPTED] = 0,
    [TXN_TERMINATED] = 0,
};

/** How long a client repeats its request before Timer E stands at T2 (RFC 4320 §4.1). */
static uint32_t quiet_time(const struct txn_timing *timing)
{
    uint32_t sum = 0;
    for (uint64_t e = timing->t1; e < timing->t2; e *= 2) {
        sum += (uint32_t)e;
    }
    return sum > 0 ? sum : timing->t1;
}

static void enter(struct txn *t, enum txn_state state, uint64_t now_ms)
{
    struct wheel *wheel = t->layer->wheel;
    txn__step(t, state, follows);
    timer_stop(wheel, &t->retransmit);
    switch (state) {
    case TXN_CALLING:
        t->interval_ms = quiet_time(&t->layer->timing);
        timer_set(wheel, &t->retransmit, now_ms + t->interval_ms);
        timer_set(wheel, &t->expire, now_ms + txn__64t1(t));
        break;
    case TXN_PROCEEDING: /* "late" goes on */
        break;
    case TXN_COMPLETED:
        timer_stop(wheel, &t->expire);
        if (!txn__reliable(t)) {
            timer_set(wheel, &t->expire, now_ms + txn__64t1(t));
        }
        break;
    case TXN_TERMINATED:
        txn__die(t);
        break;
    case TXN_RESOLVING:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
        break;
    }
}

void txn__nist_start(struct txn *t, uint64_t now_ms)
{
    t->state = TXN_RESOLVING;
    enter(t, TXN_CALLING, now_ms);
}

static int transmit(struct txn *t, uint64_t now_ms)
{
    int err = txn__send_response(t);
    if (err != 0) {
        txn__fail_soon(t, TXN_TRANSPORT, now_ms);
    }
    return err;
}

void txn__nist_on_request(struct txn *t, uint64_t now_ms)
{
    t->layer->stats.absorbed++;
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
    case TXN_COMPLETED:
        t->layer->stats.retransmitted++;
        (void)transmit(t, now_ms); /* told by on_failure */
        break;
    case TXN_CALLING: /* the user has it already */
    case TXN_RESOLVING:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        break;
    }
}

int txn__nist_accepts(const struct txn *t, unsigned status)
{
    if ((status > 100 && status < 200) || status == 408) {
        return E_VALUE;
    }
    switch ((enum txn_state)t->state) {
    case TXN_CALLING: {
        /* Over UDP not before its time, when it would only be one more packet (§4.1). */
        bool early = status == 100 && !txn__reliable(t) && timer_running(&t->retransmit);
        return early ? E_STATE : 0;
    }
    case TXN_PROCEEDING:
        return 0;
    case TXN_COMPLETED:
    case TXN_RESOLVING:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        break;
    }
    return E_STATE;
}

int txn__nist_on_respond(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_CALLING:
    case TXN_PROCEEDING:
        if (t->status >= 200) {
            enter(t, TXN_COMPLETED, now_ms);
        } else if (t->state == TXN_CALLING) {
            enter(t, TXN_PROCEEDING, now_ms);
        }
        break;
    case TXN_COMPLETED:
    case TXN_RESOLVING:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        return E_STATE;
    }
    int err = transmit(t, now_ms);
    if (err == 0 && t->state == TXN_COMPLETED && t->reopened) {
        timer_set(t->layer->wheel, &t->expire, now_ms + txn__64t1(t)); /* it may fail yet */
    } else if (err == 0 && t->state == TXN_COMPLETED && txn__reliable(t)) {
        enter(t, TXN_TERMINATED, now_ms);
    }
    return err;
}

void txn__nist_on_retransmit(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_CALLING:
        (void)txn__auto_reply(t, 100, t->interval_ms, now_ms); /* told by on_failure */
        break;
    case TXN_RESOLVING:
    case TXN_PROCEEDING:
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED: /* not armed there */
        break;
    }
}

void txn__nist_on_expire(struct txn *t, uint64_t now_ms)
{
    enum txn_failure why = (enum txn_failure)t->why;
    bool tell = why == TXN_TRANSPORT;
    switch ((enum txn_state)t->state) {
    case TXN_CALLING: /* too late for an answer */
    case TXN_PROCEEDING:
        tell = true;
        enter(t, TXN_TERMINATED, now_ms);
        break;
    case TXN_COMPLETED: /* Timer J, or the transport error */
        enter(t, TXN_TERMINATED, now_ms);
        break;
    case TXN_RESOLVING:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        tell = false;
        break;
    }
    if (tell) {
        txn__tell_failure(t, why, now_ms);
    }
}
