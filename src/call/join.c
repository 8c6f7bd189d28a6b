/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining two legs without media of our own (RFC 3725 §4.3, flow III, second half).
 *
 *   offerer                Baton                 other
 *     │── 200 (offer) ──────►│                     │     the answer to an offerless INVITE
 *     │                      │── INVITE (offer) ──►│
 *     │                      │◄── 200 (answer) ────│
 *     │◄── ACK (answer) ─────│──── ACK ───────────►│
 *
 * The offerer's 2xx must be acknowledged with an answer in any case: when the other side
 * refuses, with one that stops all media. 491 from the other side is tried again a few
 * times, after the time of RFC 3261 §14.1.
 *
 * An offer that came in an INVITE (RFC 3891, replace.c) goes the same way; then the answer is
 * the 200 to that INVITE, and a refusal its refusal.
 *
 * An INVITE without an offer wants one: `other` is asked for it by a re-INVITE without a body.
 *
 *   offerer                Baton                 other
 *     │── INVITE ───────────►│── INVITE ──────────►│
 *     │◄── 200 (offer) ──────│◄── 200 (offer) ─────│
 *     │── ACK (answer) ─────►│── ACK (answer) ────►│
 *
 * When that comes to nothing (no ACK in `timers.step_s`, sooner than `other` gives up on its
 * own), the answer that `other` gets is its partner's description.
 *
 * One join runs per call at a time; it lies in the call.
 */
#include "base/err.h"
#include "call/parts.h"

enum { RETRIES = 3 };

static void run(struct call *c, uint64_t now_ms);
static void offer(struct call *c, uint64_t now_ms);
static void finish_asking(struct call *c, enum call_error err, unsigned status,
                          uint64_t now_ms);

static void on_retry(struct timer *t, uint64_t now_ms)
{
    struct call *c = container_of(t, struct call, join.retry);

    if (c->join.waits) {
        finish_asking(c, CALL_TIMEOUT, 408, now_ms);
    } else {
        run(c, now_ms);
    }
}

void join_init(struct call *c)
{
    timer_init(&c->join.retry, on_retry);
}

/** The offer came in an INVITE (replace.c): its answer is a response. status 0: 200 */
static bool respond(struct connection *offerer, struct str answer, unsigned status,
                    uint64_t now_ms)
{
    struct call *c = offerer->call;
    struct leg_content content = {.lines = call_uui_values_line(c->layer->scratch, c->uui),
                                  .type = STR("application/sdp"),
                                  .body = answer};
    struct leg *leg = connection_leg(offerer);

    if (status != 0) {
        (void)leg_respond(leg, NULL, status, STR_NONE, NULL, now_ms);
        return true;
    }
    uus_pass(NULL, offerer, UUS_ANSWER, &content);
    return media_sent(offerer, answer) &&
           leg_respond(leg, NULL, 200, STR_NONE, &content, now_ms) == 0;
}

/** @return false: the answer could not be given */
static bool acknowledge(struct connection *offerer, struct str answer, unsigned status,
                        uint64_t now_ms)
{
    struct arena *a = offerer->call->layer->scratch;
    struct leg_content content = {.type = STR("application/sdp"), .body = answer};
    struct str continued;
    bool known = true;

    if (connection_leg(offerer) == NULL) {
        return true;
    }
    if (!connection_leg(offerer)->uac && connection_leg(offerer)->state <= LEG_EARLY) {
        return respond(offerer, answer, status, now_ms);
    }
    continued = media_continue(offerer, answer, a);
    if (str_is_set(continued)) {
        content.body = continued;
    }
    if (!str_is_set(answer)) {
        content = (struct leg_content){0};
    } else {
        known = media_sent(offerer, content.body);
    }
    return leg_ack(connection_leg(offerer), &content, now_ms) == 0 && known;
}

/** The description that it has got back is the one it had before: whatever it says to that. */
static void on_restored(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)m;
    if (status >= 200 && status < 300) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
    }
}

/** It has accepted an offer that does not stand any more: it gets its partner's again. */
static void restore(struct connection *other, uint64_t now_ms)
{
    struct connection *partner = call_other(other);
    struct leg_content content = {.type = STR("application/sdp")};
    struct leg *leg = connection_leg(other);
    struct str continued;

    if (other->call->phase == CALL_ENDING || partner == NULL || leg == NULL) {
        return;
    }
    content.body = share_is_parked(partner)
                       ? media_silence_offer(other, other->call->layer->scratch)
                       : partner->desc;
    if (!str_is_set(content.body)) {
        return;
    }
    continued = media_continue(other, content.body, other->call->layer->scratch);
    content.body = str_is_set(continued) ? continued : content.body;
    if (leg_send(leg, NULL, STR("INVITE"), &content, on_restored, NULL, NULL, now_ms) == 0) {
        (void)media_sent(other, content.body);
    }
}

static void finish(struct call *c, enum call_error err, unsigned status, struct str answer,
                   uint64_t now_ms)
{
    struct join j = c->join;

    timer_stop(c->layer->wheel, &c->join.retry);
    c->join.offerer = NULL;
    c->join.request = NULL;
    c->join.lines = STR_NONE;
    if (err != CALL_OK && status == 0) {
        status = 603; /* it is over, and so is what would have replaced it (RFC 3891 §3) */
    }
    if (!acknowledge(j.offerer, answer, status, now_ms) && err == CALL_OK) {
        err = CALL_NO_RESOURCES;
        restore(j.other, now_ms);
    }
    if (j.fn != NULL) {
        j.fn(j.owner, err, status, now_ms);
    }
}

static struct str silence(struct call *c)
{
    return media_silence(c->join.offerer, c->layer->scratch);
}

static void refused(struct call *c, unsigned status, uint64_t now_ms)
{
    if (status == 491 && c->join.retries < RETRIES) {
        c->join.retries++;
        timer_set(c->layer->wheel, &c->join.retry,
                  now_ms + 2100 + env_random64(c->layer->env) % 1900);
        return;
    }
    if (c->join.asks) {
        finish(c, CALL_REFUSED, status, STR_NONE, now_ms);
    } else {
        finish(c, CALL_REFUSED, status, silence(c), now_ms);
    }
}

static void on_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct call *c = r->owner;
    struct connection *other = c->join.other;

    if (status < 200) {
        return;
    }
    c->join.request = NULL;
    if (status >= 300) {
        refused(c, status, now_ms);
        return;
    }
    (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
    if (!media_has_sdp(m)) {
        finish(c, CALL_REFUSED, 488, silence(c), now_ms);
        return;
    }
    media_received(other, m);
    finish(c, CALL_OK, 0, sip_msg_body(m), now_ms);
}

/* ---- for an INVITE without an offer ---- */

/** `other` has offered, and nobody answers that: its media stays where it was. */
static void answer_for_partner(struct connection *other, uint64_t now_ms)
{
    struct arena *a = other->call->layer->scratch;
    struct connection *partner = call_other(other);
    struct leg_content content = {.type = STR("application/sdp")};
    struct str continued;

    if (connection_leg(other) == NULL) {
        return;
    }
    content.body =
        partner != NULL && str_is_set(partner->desc) ? partner->desc : media_silence(other, a);
    continued = media_continue(other, content.body, a);
    content.body = str_is_set(continued) ? continued : content.body;
    (void)media_sent(other, content.body);
    (void)leg_ack(connection_leg(other), &content, now_ms);
}

/** What became of it is told; the one who wanted an offer is the caller's of join_ask. */
static void finish_asking(struct call *c, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct join j = c->join;
    const struct leg *leg = connection_leg(j.offerer);

    if (j.waits && err != CALL_OK) {
        answer_for_partner(j.other, now_ms);
    }
    c->join.waits = false; /* else finish would ask again */
    if (leg != NULL && leg->state <= LEG_EARLY) {
        finish(c, err, status, STR_NONE, now_ms);
        return;
    }
    timer_stop(c->layer->wheel, &c->join.retry);
    c->join.offerer = NULL;
    c->join.request = NULL;
    c->join.lines = STR_NONE;
    if (j.fn != NULL) {
        j.fn(j.owner, err, status, now_ms);
    }
}

static void on_asked(struct leg_request *r, unsigned status, const struct sip_msg *m,
                     uint64_t now_ms)
{
    struct call *c = r->owner;
    struct join *j = &c->join;
    struct leg_content content = {.lines = call_uui_values_line(c->layer->scratch, c->uui),
                                  .type = STR("application/sdp")};

    if (status < 200) {
        return;
    }
    j->request = NULL;
    if (status >= 300) {
        refused(c, status, now_ms);
    } else if (!media_has_sdp(m)) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
        finish_asking(c, CALL_REFUSED, 488, now_ms);
    } else {
        j->waits = true;
        media_received(j->other, m);
        content.body = sip_msg_body(m);
        uus_pass(NULL, j->offerer, UUS_ANSWER, &content);
        if (!media_sent(j->offerer, sip_msg_body(m)) ||
            leg_respond(connection_leg(j->offerer), NULL, 200, STR_NONE, &content, now_ms) !=
                0) {
            finish_asking(c, CALL_NO_RESOURCES, 500, now_ms);
        } else {
            timer_set(c->layer->wheel, &j->retry,
                      now_ms + (uint64_t)c->layer->config.step_s * 1000);
        }
    }
}

static void ask(struct call *c, uint64_t now_ms)
{
    struct join *j = &c->join;
    struct leg_content content = {.lines = j->lines};
    struct leg *leg = connection_leg(j->other);
    int err = E_STATE;

    uus_pass(NULL, j->other, UUS_ELSEWHERE, &content);
    if (leg != NULL) {
        err = leg_send(leg, NULL, STR("INVITE"), &content, on_asked, c, &j->request, now_ms);
    }
    if (err != 0) {
        refused(c, leg == NULL ? 481 : err == E_STATE ? 491 : 500, now_ms);
    }
}

void join_ask(struct connection *offerer, struct connection *other, call_done_fn fn,
              void *owner, uint64_t now_ms)
{
    struct call *c = offerer->call;

    c->join.offerer = offerer;
    c->join.other = other;
    c->join.fn = fn;
    c->join.owner = owner;
    c->join.request = NULL;
    c->join.retries = 0;
    c->join.asks = true;
    c->join.waits = false;
    ask(c, now_ms);
}

bool join_acked(struct connection *offerer, const struct sip_msg *m, uint64_t now_ms)
{
    struct call *c = offerer->call;
    struct join *j = &c->join;
    struct leg_content content = {.type = STR("application/sdp"), .body = sip_msg_body(m)};
    struct str continued;

    if (j->offerer != offerer || !j->waits) {
        return false;
    }
    if (!media_has_sdp(m)) {
        finish_asking(c, CALL_REFUSED, 488, now_ms);
        return true;
    }
    media_received(offerer, m);
    continued = media_continue(j->other, content.body, c->layer->scratch);
    content.body = str_is_set(continued) ? continued : content.body;
    if (connection_leg(j->other) == NULL || !media_sent(j->other, content.body) ||
        leg_ack(connection_leg(j->other), &content, now_ms) != 0) {
        finish_asking(c, CALL_NO_RESOURCES, 500, now_ms);
    } else {
        finish_asking(c, CALL_OK, 0, now_ms);
    }
    return true;
}

static void run(struct call *c, uint64_t now_ms)
{
    struct join *j = &c->join;

    if (j->asks) {
        ask(c, now_ms);
    } else {
        offer(c, now_ms);
    }
}

static void offer(struct call *c, uint64_t now_ms)
{
    struct join *j = &c->join;
    struct leg *leg = connection_leg(j->other);
    struct leg_content content = {
        .type = STR("application/sdp"), .body = j->offerer->desc, .lines = j->lines};
    struct str continued = media_continue(j->other, content.body, c->layer->scratch);

    if (str_is_set(continued)) {
        content.body = continued;
    }
    if (leg == NULL || !str_is_set(j->offerer->desc)) {
        refused(c, leg == NULL ? 481 : 500, now_ms);
        return;
    }
    uus_pass(NULL, j->other, UUS_ELSEWHERE, &content);
    switch (leg_send(leg, NULL, STR("INVITE"), &content, on_response, c, &j->request, now_ms)) {
    case 0:
        (void)media_sent(j->other, content.body);
        break;
    case E_STATE:
        refused(c, 491, now_ms);
        break;
    default:
        refused(c, 500, now_ms);
        break;
    }
}

void join_start(struct connection *offerer, struct connection *other, const struct sip_msg *m,
                call_done_fn fn, void *owner, uint64_t now_ms)
{
    struct call *c = offerer->call;

    c->join.offerer = offerer;
    c->join.other = other;
    c->join.fn = fn;
    c->join.owner = owner;
    c->join.request = NULL;
    c->join.retries = 0;
    c->join.asks = c->join.waits = false;
    if (!media_has_sdp(m)) {
        finish(c, CALL_REFUSED, 488, STR_NONE, now_ms);
        return;
    }
    media_received(offerer, m);
    run(c, now_ms);
}

static void on_late_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                           uint64_t now_ms)
{
    if (status >= 200 && status < 300) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
        media_received(r->owner, m);
        restore(r->owner, now_ms);
    }
}

static void on_late_offer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                          uint64_t now_ms)
{
    if (status >= 200 && status < 300) {
        media_received(r->owner, m);
        answer_for_partner(r->owner, now_ms);
    }
}

void join_undo(struct call *c, uint64_t now_ms)
{
    struct leg_request *r = c->join.request;

    if (c->join.offerer != NULL && r != NULL) {
        r->on_response = c->join.asks ? on_late_offer : on_late_answer;
        r->owner = c->join.other;
        c->join.request = NULL;
        leg_request_cancel(r, now_ms);
    }
    join_abort(c, now_ms);
}

void join_abort(struct call *c, uint64_t now_ms)
{
    struct connection *offerer = c->join.offerer;

    if (offerer == NULL) {
        return;
    }
    if (c->join.request != NULL) {
        leg_request_detach(c->join.request);
    }
    c->join.fn = NULL;
    if (c->join.asks) {
        finish_asking(c, CALL_GONE, 0, now_ms);
    } else {
        finish(c, CALL_GONE, 0, silence(c), now_ms);
    }
}
