/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1 and §8.5-8.8).
 *
 *              | INVITE: to the user
 *              v
 *        +------------+  INVITE: last provisional again
 *        | Proceeding |  1xx from user: sent
 *        +------------+  user silent for 200 ms: 100
 *           |      |
 *   300-699 |      | 2xx from user: sent
 *   sent    |      |
 *           v      v
 *   +-----------+  +-----------+  INVITE: absorbed
 *   | Completed |  | Accepted  |  2xx from user: sent
 *   |           |  |           |  ACK: to the user
 *   +-----------+  +-----------+
 *     |  |  G, INVITE: final again
 *     |  | ACK            |
 *     |  v                |
 *     | +-----------+     |
 *     | | Confirmed |     | L
 *     | +-----------+     |
 *   H |  | I              |
 *     v  v                v
 *   +----------------------------+
 *   |         Terminated         |
 *   +----------------------------+
 *
 *   timer    value                     armed on entry to   reliable   effect
 *   100      200 ms (timing.trying)    Proceeding          yes        100 Trying
 *   G        T1, doubling up to T2     Completed           no         final again
 *   H        64*T1                     Completed           yes        on_failure
 *   I        T4                        Confirmed           0          end
 *   L        64*T1                     Accepted            yes        end
 *   orphan   64*T1, without a user     Proceeding          yes        500
 *
 * 100 and G run on `retransmit`, all others on `expire`.
 *
 * TRANSPORT ERRORS never end this transaction (RFC 6026 §7.1): a repeated INVITE must still be
 * recognised. The user is told once for each response, at the next tick, by way of
 * `retransmit` (`tell`, `told`); G goes on afterwards, since a network may come back.
 *
 * OWNERSHIP. `req` until the final response; `sent` is the last response, kept to the end: it
 * is what a repeated INVITE or an ACK is compared with, and in Accepted what txn_resend sends.
 */
#include "txn/priv.h"

static const uint8_t follows[] = {
    [TXN_RESOLVING] = 0,
    [TXN_CALLING] = STATE_BIT(TXN_PROCEEDING), /* the zeroed transaction, before its INVITE */
    [TXN_PROCEEDING] =
        STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_ACCEPTED) | STATE_BIT(TXN_TERMINATED),
    [TXN_COMPLETED] = STATE_BIT(TXN_CONFIRMED) | STATE_BIT(TXN_TERMINATED),
    [TXN_CONFIRMED] = STATE_BIT(TXN_TERMINATED),
    [TXN_ACCEPTED] = STATE_BIT(TXN_TERMINATED),
    [TXN_TERMINATED] = 0,
};

static void enter(struct txn *t, enum txn_state state, uint64_t now_ms)
{
    struct wheel *wheel = t->layer->wheel;
    txn__step(t, state, follows);
    timer_stop(wheel, &t->retransmit);
    timer_stop(wheel, &t->expire);
    switch (state) {
    case TXN_PROCEEDING:
        timer_set(wheel, &t->retransmit, now_ms + t->layer->timing.trying);
        if (t->user == NULL) {
            timer_set(wheel, &t->expire, now_ms + txn__64t1(t));
        }
        break;
    case TXN_COMPLETED:
        t->interval_ms = t->layer->timing.t1;
        if (!txn__reliable(t)) {
            timer_set(wheel, &t->retransmit, now_ms + t->interval_ms);
        }
        timer_set(wheel, &t->expire, now_ms + txn__64t1(t));
        break;
    case TXN_CONFIRMED:
        if (!txn__reliable(t)) {
            timer_set(wheel, &t->expire, now_ms + t->layer->timing.t4);
        }
        break;
    case TXN_ACCEPTED:
        timer_set(wheel, &t->expire, now_ms + txn__64t1(t));
        break;
    case TXN_TERMINATED:
        txn__die(t);
        break;
    case TXN_RESOLVING:
    case TXN_CALLING:
        break;
    }
}

void txn__ist_start(struct txn *t, uint64_t now_ms)
{
    t->state = TXN_CALLING;
    enter(t, TXN_PROCEEDING, now_ms);
}

/** Send the last response; a failure is told once, at the next tick. */
static int transmit(struct txn *t, uint64_t now_ms)
{
    int err = txn__send_response(t);
    if (err != 0 && !t->told) {
        t->told = t->tell = true;
        timer_set(t->layer->wheel, &t->retransmit, now_ms);
    }
    return err;
}

void txn__ist_on_request(struct txn *t, uint64_t now_ms)
{
    t->layer->stats.absorbed++;
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
    case TXN_COMPLETED:
        if (t->sent.n > 0) {
            t->layer->stats.retransmitted++;
            (void)transmit(t, now_ms); /* told by on_failure */
        }
        break;
    case TXN_ACCEPTED: /* whoever accepted repeats the 2xx itself */
    case TXN_CONFIRMED:
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        break;
    }
}

enum txn_in txn__ist_on_ack(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING: /* of what? */
        t->layer->stats.stray_acks++;
        break;
    case TXN_COMPLETED:
        enter(t, TXN_CONFIRMED, now_ms);
        if (txn__reliable(t)) {
            enter(t, TXN_TERMINATED, now_ms);
        }
        break;
    case TXN_CONFIRMED:
        t->layer->stats.absorbed++;
        break;
    case TXN_ACCEPTED:
        return TXN_IN_ACK;
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        break;
    }
    return TXN_IN_ABSORBED;
}

int txn__ist_accepts(const struct txn *t, unsigned status)
{
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
        return 0;
    case TXN_ACCEPTED:
        return status >= 200 && status < 300 ? 0 : E_STATE;
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        break;
    }
    return E_STATE;
}

int txn__ist_on_respond(struct txn *t, uint64_t now_ms)
{
    t->told = t->tell = false;
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
        if (t->status >= 300) {
            enter(t, TXN_COMPLETED, now_ms);
        } else if (t->status >= 200) {
            enter(t, TXN_ACCEPTED, now_ms);
        } else {
            timer_stop(t->layer->wheel, &t->retransmit); /* no 100 any more */
        }
        break;
    case TXN_ACCEPTED:
        break;
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        return E_STATE;
    }
    return transmit(t, now_ms);
}

int txn__ist_on_resend(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
    case TXN_ACCEPTED:
        if (t->sent.n == 0) {
            return E_STATE;
        }
        t->layer->stats.retransmitted++;
        return transmit(t, now_ms);
    case TXN_COMPLETED: /* G does it */
    case TXN_CONFIRMED:
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        break;
    }
    return E_STATE;
}

static void on_timer_g(struct txn *t, uint64_t now_ms)
{
    uint32_t t2 = t->layer->timing.t2;
    t->interval_ms = t->interval_ms * 2 < t2 ? t->interval_ms * 2 : t2;
    timer_set(t->layer->wheel, &t->retransmit, now_ms + t->interval_ms);
    t->layer->stats.retransmitted++;
    (void)transmit(t, now_ms); /* told by on_failure */
}

void txn__ist_on_retransmit(struct txn *t, uint64_t now_ms)
{
    bool told_now = t->tell;
    t->tell = false;
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
        if (!told_now && t->status == 0) {
            (void)txn__auto_reply(t, 100, t->layer->timing.trying, now_ms);
        }
        break;
    case TXN_COMPLETED:
        if (!told_now) {
            on_timer_g(t, now_ms);
        } else if (!txn__reliable(t)) {
            timer_set(t->layer->wheel, &t->retransmit, now_ms + t->interval_ms);
        }
        break;
    case TXN_ACCEPTED: /* only to tell */
    case TXN_CONFIRMED:
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        break;
    }
    if (told_now) {
        txn__tell_failure(t, TXN_TRANSPORT, now_ms);
    }
}

void txn__ist_on_expire(struct txn *t, uint64_t now_ms)
{
    bool told = t->told;
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING: /* nobody is there to answer */
        if (txn__auto_reply(t, 500, 0, now_ms) == E_NOMEM) {
            enter(t, TXN_TERMINATED, now_ms);
        }
        break;
    case TXN_COMPLETED: /* Timer H */
        enter(t, TXN_TERMINATED, now_ms);
        if (!told) {
            txn__tell_failure(t, TXN_TIMEOUT, now_ms);
        }
        break;
    case TXN_CONFIRMED: /* Timer I */
    case TXN_ACCEPTED:  /* Timer L */
        enter(t, TXN_TERMINATED, now_ms);
        break;
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED:
        break;
    }
}

void txn__ist_on_detach(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
        timer_set(t->layer->wheel, &t->expire, now_ms + txn__64t1(t));
        break;
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_TERMINATED: /* a timer runs, or it is over */
        break;
    }
}
