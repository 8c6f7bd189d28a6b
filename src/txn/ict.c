/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INVITE client transaction (RFC 3261 §17.1.1, RFC 6026 §7.2 and §8.4, RFC 3261 §9.1).
 *
 *         | txn_client_new                         Timer B, transport error,
 *         v                                        no address: tell the user
 *   +-----------+ name not known yet   +-----------+
 *   | Resolving |--------------------->|           |
 *   +-----------+                      |           |
 *         | INVITE sent                |           |
 *         v                            |           |
 *   +-----------+ A: INVITE sent       |           |
 *   |  Calling  |--------------------->|           |
 *   +-----------+                      |           |
 *     |   |   | 1xx to user            |           |
 *     |   |   v                        |           |
 *     |   |  +------------+ CANCEL unanswered      |
 *     |   |  | Proceeding |----------->|Terminated |
 *     |   |  +------------+            |           |
 *     |   |    |       | 300-699: ACK, to user     |
 *     |   +--------+   v               |           |
 *     | 2xx to |   | +-----------+  D  |           |
 *     | user   |   +>| Completed |---->|           |
 *     v        v     +-----------+     |           |
 *   +-----------+       300-699: ACK   |           |
 *   | Accepted  |  M                   |           |
 *   |           |--------------------->|           |
 *   +-----------+                      +-----------+
 *       2xx to user
 *
 *   timer   value                armed on entry to   reliable   effect
 *   A       T1, doubling         Calling             no         INVITE again
 *   B       64*T1                Resolving, Calling  yes        on_failure
 *   silent  timing.silent        Calling             yes        another way, if there is one
 *   D       max(32 s, 64*T1)     Completed           0          end
 *   M       64*T1                Accepted            yes        end
 *   guard   64*T1 after CANCEL   Proceeding          yes        on_failure
 *   C       181 s, no user       Proceeding          yes        end
 *
 * A runs on `retransmit`, all others on `expire`. In Proceeding with a user nothing runs: how
 * long a phone may ring is the user's decision.
 *
 * OWNERSHIP. `sent` is the INVITE until Proceeding, because CANCEL and ACK are made from it;
 * in Completed it is the ACK; in Accepted there is nothing left to send and it is freed.
 *
 * ANOTHER WAY (way.c). A 503, silence, or a failure to send leads back to Calling when the
 * target has another server, and the user hears nothing. After a 503 a husk, a transaction of
 * its own without a user, has the old branch: it goes straight to Completed, sends the ACK and
 * absorbs repetitions. After silence the husk stays in Calling without a timer A and sends
 * CANCEL if the server answers after all.
 *
 * NOT DONE. The ACK to a 2xx is the dialog's (§13.2.2.4). A transport error while sending an
 * ACK ends the transaction as the figure says, but is not told: on_failure means that no
 * final response will come, and one has come.
 */
#include "txn/priv.h"

/** Timer D is at least this, whatever T1 is, because the server's T1 is unknown. */
#define TIMER_D_MIN_MS 32000u

/** Timer C must be larger than three minutes (RFC 3261 §16.6 step 11). */
#define TIMER_C_MS 181000u

/** To Calling from Calling and Proceeding: on another way. Resolving to Completed: a husk. */
static const uint8_t follows[] = {
    [TXN_RESOLVING] =
        STATE_BIT(TXN_CALLING) | STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_TERMINATED),
    [TXN_CALLING] = STATE_BIT(TXN_CALLING) | STATE_BIT(TXN_PROCEEDING) |
                    STATE_BIT(TXN_COMPLETED) | STATE_BIT(TXN_ACCEPTED) |
                    STATE_BIT(TXN_TERMINATED),
    [TXN_PROCEEDING] = STATE_BIT(TXN_CALLING) | STATE_BIT(TXN_COMPLETED) |
                       STATE_BIT(TXN_ACCEPTED) | STATE_BIT(TXN_TERMINATED),
    [TXN_COMPLETED] = STATE_BIT(TXN_TERMINATED),
    [TXN_CONFIRMED] = 0,
    [TXN_ACCEPTED] = STATE_BIT(TXN_TERMINATED),
    [TXN_TERMINATED] = 0,
};

static void enter(struct txn *t, enum txn_state state, uint64_t now_ms)
{
    struct wheel *wheel = t->layer->wheel;
    txn__step(t, state, follows);
    t->why = TXN_TIMEOUT;
    timer_stop(wheel, &t->retransmit);
    timer_stop(wheel, &t->expire);
    switch (state) {
    case TXN_CALLING:
        t->interval_ms = t->layer->timing.t1;
        if (!txn__reliable(t)) {
            timer_set(wheel, &t->retransmit, now_ms + t->interval_ms);
        }
        timer_set(wheel, &t->expire, now_ms + txn__patience(t));
        break;
    case TXN_PROCEEDING:
        if (t->user == NULL) {
            timer_set(wheel, &t->expire, now_ms + TIMER_C_MS);
        }
        break;
    case TXN_COMPLETED:
        if (!txn__reliable(t)) {
            uint64_t d = txn__64t1(t);
            timer_set(wheel, &t->expire, now_ms + (d > TIMER_D_MIN_MS ? d : TIMER_D_MIN_MS));
        }
        break;
    case TXN_ACCEPTED:
        txn__drop_sent(t);
        timer_set(wheel, &t->expire, now_ms + txn__64t1(t));
        break;
    case TXN_TERMINATED:
        txn__die(t);
        break;
    case TXN_RESOLVING:
    case TXN_CONFIRMED:
        break;
    }
}

void txn__ict_start(struct txn *t, uint64_t now_ms)
{
    enter(t, TXN_CALLING, now_ms);
    if (txn__send_request(t) != 0) {
        txn__ict_on_error(t, now_ms);
    }
}

static void arm_guard(struct txn *t, uint64_t now_ms)
{
    timer_set(t->layer->wheel, &t->expire, now_ms + txn__64t1(t));
}

static int cancel_now(struct txn *t, struct str lines, uint64_t now_ms)
{
    int err = txn__send_cancel(t, lines, now_ms);
    if (err == 0) {
        t->cancelled = true;
    }
    return err;
}

/** With a transport failure to be told at the next tick the state stays, to be ended by it. */
static void on_provisional(struct txn *t, uint64_t now_ms)
{
    if (t->why != TXN_TIMEOUT) {
        return;
    }
    if (t->state == TXN_CALLING) {
        enter(t, TXN_PROCEEDING, now_ms);
        if (t->cancel_wanted) {
            arm_guard(t, now_ms);
        }
    }
    if (t->cancel_wanted && !t->cancelled) {
        /* Without memory it is tried again at the next provisional; the guard runs anyway. */
        (void)cancel_now(t, t->cancel_lines, now_ms);
    }
}

static void on_refused(struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    int err = txn__send_ack(t, m);
    enter(t, TXN_COMPLETED, now_ms);
    if (err == E_IO || err == E_TOOBIG || txn__reliable(t)) {
        enter(t, TXN_TERMINATED, now_ms);
    }
}

void txn__ict_husk(struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    on_refused(t, m, now_ms);
}

void txn__ict_linger(struct txn *t, uint64_t now_ms)
{
    enter(t, TXN_CALLING, now_ms);
    t->hasty = false;
    t->cancel_wanted = true;
    timer_stop(t->layer->wheel, &t->retransmit);
    timer_set(t->layer->wheel, &t->expire, now_ms + txn__patience_left(t));
}

/** A 503: the next server instead, while what is left of this branch acknowledges. */
static bool on_unavailable(struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct txn *husk;
    if (!txn__go_on(t, TXN__REFUSED, txn__retry_after(m), &husk, now_ms)) {
        return false;
    }
    txn__ict_husk(husk, m, now_ms);
    return true;
}

/** A response while the final one is still awaited. @return true: the user is to hear it */
static bool on_first(struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    txn__heard(t, m);
    if (m->status < 200) {
        on_provisional(t, now_ms);
    } else if (m->status < 300) {
        enter(t, TXN_ACCEPTED, now_ms);
    } else if (m->status == 503 && on_unavailable(t, m, now_ms)) {
        return false;
    } else {
        on_refused(t, m, now_ms);
    }
    return true;
}

/** A response after a 300-699. @return true when it was a repetition */
static bool on_repeated(struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    if (m->status < 300) {
        return false;
    }
    int err = txn__send_ack(t, m);
    if (err == E_IO || err == E_TOOBIG) {
        enter(t, TXN_TERMINATED, now_ms);
    }
    return true;
}

void txn__ict_on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                          uint64_t now_ms)
{
    bool pass = false, absorbed = false;
    switch ((enum txn_state)t->state) {
    case TXN_CALLING:
    case TXN_PROCEEDING:
        pass = on_first(t, m, now_ms);
        absorbed = !pass;
        break;
    case TXN_COMPLETED:
        absorbed = on_repeated(t, m, now_ms);
        break;
    case TXN_ACCEPTED:
        pass = m->status >= 200 && m->status < 300;
        break;
    case TXN_RESOLVING: /* nothing was sent: somebody guesses */
    case TXN_CONFIRMED:
    case TXN_TERMINATED:
        break;
    }
    if (absorbed) {
        t->layer->stats.absorbed++;
    } else if (!pass) {
        t->layer->stats.stray_responses++;
    } else if (t->user != NULL && t->user->on_response != NULL) {
        t->user->on_response(t, m, from, now_ms);
    }
}

void txn__ict_on_retransmit(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_CALLING: /* Timer A */
        t->interval_ms *= 2;
        timer_set(t->layer->wheel, &t->retransmit, now_ms + t->interval_ms);
        t->layer->stats.retransmitted++;
        if (txn__send_request(t) != 0) {
            txn__ict_on_error(t, now_ms);
        }
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

/** Timer B, or a failure to send. In Proceeding somebody is at work unless the way is broken.
 */
static bool go_on(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    if (why == TXN_TRANSPORT) {
        return txn__go_on(t, TXN__BROKEN, 0, NULL, now_ms);
    }
    return t->state == TXN_CALLING && txn__go_on(t, TXN__NO_ANSWER, 0, NULL, now_ms);
}

/** Silence for timing.silent. @return false: that is all, the user goes another way */
static bool on_silence(struct txn *t, uint64_t now_ms)
{
    struct txn *husk;
    t->hasty = false;
    if (txn__go_on(t, TXN__NO_ANSWER, 0, &husk, now_ms)) {
        txn__ict_linger(husk, now_ms);
        return true;
    }
    if (t->has_other && !t->cancel_wanted && t->user != NULL) {
        txn__leave_branch(t, now_ms);
        return false;
    }
    timer_set(t->layer->wheel, &t->expire, now_ms + txn__patience_left(t));
    return true;
}

void txn__ict_on_expire(struct txn *t, uint64_t now_ms)
{
    struct str answer;
    enum txn_failure why = (enum txn_failure)t->why;
    switch ((enum txn_state)t->state) {
    case TXN_CALLING:    /* Timer B */
    case TXN_PROCEEDING: /* the guard of the CANCEL, or Timer C with nobody to tell */
        if (t->state == TXN_CALLING && t->hasty && why == TXN_TIMEOUT ? on_silence(t, now_ms)
                                                                      : go_on(t, why, now_ms)) {
            break;
        }
        enter(t, TXN_TERMINATED, now_ms);
        txn__tell_failure(t, why, now_ms);
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
        txn__tell_failure(t, why, now_ms);
        break;
    case TXN_COMPLETED: /* Timer D */
    case TXN_ACCEPTED:  /* Timer M */
        enter(t, TXN_TERMINATED, now_ms);
        break;
    case TXN_CONFIRMED:
    case TXN_TERMINATED:
        break;
    }
}

void txn__ict_on_error(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_PROCEEDING:
        txn__fail_soon(t, TXN_TRANSPORT, now_ms);
        break;
    case TXN_COMPLETED:
        enter(t, TXN_TERMINATED, now_ms);
        break;
    case TXN_CONFIRMED:
    case TXN_ACCEPTED: /* a further 2xx may come by another way */
    case TXN_TERMINATED:
        break;
    }
}

int txn__ict_on_cancel(struct txn *t, struct str lines, uint64_t now_ms)
{
    int err = 0;
    if (t->cancel_wanted) {
        return 0;
    }
    switch ((enum txn_state)t->state) {
    case TXN_RESOLVING:
        txn__fail_soon(t, TXN_TIMEOUT, now_ms);
        break;
    case TXN_CALLING: /* not before the first provisional (§9.1) */
        err = mem_dup(&t->layer->env->mem, lines, &t->cancel_lines);
        break;
    case TXN_PROCEEDING:
        err = cancel_now(t, lines, now_ms);
        if (err == 0 && t->why == TXN_TIMEOUT) {
            arm_guard(t, now_ms);
        }
        break;
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED: /* too late, and harmless (§9.1) */
        break;
    }
    t->cancel_wanted = err == 0;
    return err;
}

void txn__ict_on_detach(struct txn *t, uint64_t now_ms)
{
    switch ((enum txn_state)t->state) {
    case TXN_PROCEEDING:
        if (!timer_running(&t->expire)) {
            timer_set(t->layer->wheel, &t->expire, now_ms + TIMER_C_MS);
        }
        break;
    case TXN_RESOLVING:
    case TXN_CALLING:
    case TXN_COMPLETED:
    case TXN_CONFIRMED:
    case TXN_ACCEPTED:
    case TXN_TERMINATED: /* a timer runs, or it is over */
        break;
    }
}
