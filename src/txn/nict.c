/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Non-INVITE client transaction (RFC 3261 §17.1.2). CANCEL is one of these too.
 *
 *         | txn_client_new                         Timer F, transport error,
 *         v                                        no address: tell the user
 *   +-----------+ name not known yet   +-----------+
 *   | Resolving |--------------------->|           |
 *   +-----------+                      |           |
 *         | request sent               |           |
 *         v                            |           |
 *   +-----------+ E: request sent      |           |
 *   |  Trying   |--------------------->|           |
 *   +-----------+                      |           |
 *     |   | 1xx to user                |Terminated |
 *     |   v                            |           |
 *     | +------------+ E: request sent |           |
 *     | | Proceeding |---------------->|           |
 *     | +------------+   1xx to user   |           |
 *     |   | 200-699 to user            |           |
 *     v   v                            |           |
 *   +-----------+ K                    |           |
 *   | Completed |--------------------->|           |
 *   +-----------+                      +-----------+
 *
 *   timer   value                     armed on entry to   reliable   effect
 *   E       T1, doubling up to T2;    Trying              no         request again
 *           T2 in Proceeding
 *   F       64*T1                     Resolving, Trying   yes        on_failure
 *   silent  timing.silent             Trying              yes        another way, if any
 *   K       T4                        Completed           0          end
 *
 * ANOTHER WAY (way.c). A 503, silence, or a failure to send leads back to
 * Trying when the target has another server, and the user hears nothing.
 *
 * F goes on through Proceeding. E runs on `retransmit`, F and K on `expire`.
 *
 * OWNERSHIP. `sent` is the request until there is a final response, then it is freed.
 */
#include "txn/priv.h"

/** To Calling (Trying) from itself and from Proceeding: on another way. */
static const uint8_t follows[] = {
    [TXN_RESOLVING] = STATE_BIT(TXN_CALLING) | STATE_BIT(TXN_TERMINATED),
    [TXN_CALLING] = STATE_BIT(TXN_CALLING) | STATE_BIT(TXN_PROCEEDING) |
                    STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_TERMINATED),
    [TXN_PROCEEDING] =
        STATE_BIT(TXN_CALLING) | STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_TERMINATED),
    [TXN_COMPLETED] = STATE_BIT(TXN_TERMINATED),
    [TXN_CONFIRMED] = 0,
    [TXN_ACCEPTED] = 0,
    [TXN_TERMINATED] = 0,
};

static void enter(struct txn *t, enum txn_state state, uint64_t now_ms)
{
    struct wheel *wheel = t->layer->wheel;
    txn__step(t, state, follows);
    switch (state) {
    case TXN_CALLING:
        t->why = TXN_TIMEOUT;
        timer_stop(wheel, &t->retransmit);
        t->interval_ms = t->layer->timing.t1;
        if (!txn__reliable(t)) {
            timer_set(wheel, &t->retransmit, now_ms + t->interval_ms);
        }
        timer_set(wheel, &t->expire, now_ms + txn__patience(t));
        break;
    case TXN_PROCEEDING:
        /* The E that runs goes off when it was set to; T2 counts from then. */
        if (t->hasty) {
            t->hasty = false;
            timer_set(wheel, &t->expire, t->expire.due_ms + txn__patience_left(t));
        }
        break;
    case TXN_COMPLETED:
        txn__drop_sent(t);
        timer_stop(wheel, &t->retransmit);
        timer_stop(wheel, &t->expire);
        if (!txn__reliable(t)) {
            timer_set(wheel, &t->expire, now_ms + t->layer->timing.t4);
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

void txn__nict_start(struct txn *t, uint64_t now_ms)
{
    enter(t, TXN_CALLING, now_ms);
    if (txn__send_request(t) != 0) {
        txn__nict_on_error(t, now_ms);
    }
}

/** @return true: the user is to hear it */
static bool on_first(struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    txn__heard(t, m);
    if (m->status == 503 && txn__go_on(t, TXN__REFUSED, txn__retry_after(m), NULL, now_ms)) {
        t->layer->stats.absorbed++;
        return false;
    }
    if (m->status >= 200) {
        enter(t, TXN_COMPLETED, now_ms);
        if (txn__reliable(t)) {
            enter(t, TXN_TERMINATED, now_ms);
        }
    } else if (t->state == TXN_CALLING) {
        enter(t, TXN_PROCEEDING, now_ms);
    }
    return true;
}

void txn__nict_on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms)
{
    bool pass = false;
    switch ((enum txn_state)t->state) {
    case TXN_CALLING:
    case TXN_PROCEEDING:
        pass = on_first(t, m, now_ms);
        break;
    case TXN_COMPLETED:
        t->layer->stats.absorbed++;
        break;
    case TXN_RESOLVING: /* nothing was sent: somebody guesses */
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        t->layer->stats.stray_responses++;
        break;
    }
    if (pass && t->user != NULL && t->user->on_response != NULL) {
        t->user->on_response(t, m, from, now_ms);
    }
}

static void repeat(struct txn *t, uint32_t interval_ms, uint64_t now_ms)
{
    uint32_t t2 = t->layer->timing.t2;
    t->interval_ms = interval_ms < t2 ? interval_ms : t2;
    timer_set(t->layer->wheel, &t->retransmit, now_ms + t->interval_ms);
    t->layer->stats.retransmitted++;
    if (txn__send_request(t) != 0) {
        txn__nict_on_error(t, now_ms);
    }
}

void txn__nict_on_retransmit(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_CALLING: /* Timer E */
        repeat(t, t->interval_ms * 2, now_ms);
        break;
    case TXN_PROCEEDING:
        repeat(t, t->layer->timing.t2, now_ms);
        break;
    case TXN_RESOLVING:
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED: /* not armed there */
        break;
    }
}

/** Timer F, or a failure to send. Whoever said 100 is at work, unless the way is broken. */
static bool go_on(struct txn *t, uint64_t now_ms)
{
    if (t->why == TXN_TRANSPORT) {
        return txn__go_on(t, TXN__BROKEN, 0, NULL, now_ms);
    }
    return t->state == TXN_CALLING && txn__go_on(t, TXN__NO_ANSWER, 0, NULL, now_ms);
}

/** Nobody else can be tried after timing.silent: then it has until Timer F. */
static bool waits_on(struct txn *t, uint64_t now_ms)
{
    bool waits = t->hasty && t->why == TXN_TIMEOUT && !t->has_other;
    t->hasty = false;
    if (waits) {
        timer_set(t->layer->wheel, &t->expire, now_ms + txn__patience_left(t));
    }
    return waits;
}

void txn__nict_on_expire(struct txn *t, uint64_t now_ms)
{
    struct str answer;
    switch ((enum txn_state)t->state) {
    case TXN_CALLING: /* Timer F */
    case TXN_PROCEEDING:
        if (go_on(t, now_ms) || waits_on(t, now_ms)) {
            break;
        }
        enter(t, TXN_TERMINATED, now_ms);
        txn__tell_failure(t, (enum txn_failure)t->why, now_ms);
        break;
    case TXN_RESOLVING:
        if (t->why == TXN__DENIED) {
            answer = t->sent;
            t->sent = STR_NONE;
            enter(t, TXN_TERMINATED, now_ms);
            txn__tell_denied(t, answer, now_ms);
            break;
        }
        enter(t, TXN_TERMINATED, now_ms);
        txn__tell_failure(t, (enum txn_failure)t->why, now_ms);
        break;
    case TXN_COMPLETED: /* Timer K */
        enter(t, TXN_TERMINATED, now_ms);
        break;
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        break;
    }
}

void txn__nict_on_error(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_PROCEEDING:
        txn__fail_soon(t, TXN_TRANSPORT, now_ms);
        break;
    case TXN_COMPLETED: /* nothing is sent any more */
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED:
        break;
    }
}
