/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Procedures that take time: one step per call at a time, with a limit and one outcome.
 *
 * HOLD (the connection `conn` suspends its partner), as RFC 3264 §8.4 by third party: first the
 * device itself is told that its partner is inactive, so that its microphone stops; then the
 * partner gets the device's description as sendonly. If the partner refuses, the device gets
 * the old description back and nothing has changed.
 *
 *   HOLD_SELF ─ 2xx ─► HOLD_OTHER ─ 2xx ─► done, Held
 *       └ refusal ► done      └ refusal ► UNDO_SELF ─► done (refused)
 *
 * RETRIEVE: re-INVITE without offer to the device; what it offers goes to the partner, whose
 * answer goes back in the ACK (join.c). When the device's leg is in another call that is held
 * (share.c), it comes over first. RESTORE is the same without an event.
 *
 * SILENCE is the first stage of HOLD alone: for a device whose leg has come back to a call that
 * is held already. Nobody has asked for it, so nobody has to wait for it: a retrieval that is
 * asked for meanwhile takes the step over, and begins when the phone has answered. As a part of
 * a procedure on two calls (duo.c), HOLD can begin with its second stage, since the device gets
 * another description at once.
 *
 * PARK (park.c) is the second stage of HOLD alone, with silence for a description.
 *
 * A re-INVITE that meets another one (491) is tried again after the time of RFC 3261 §14.1.
 *
 * OWNERSHIP. The step belongs to its call. The one who asked (`owner`) hears exactly once; when
 * he is gone (call_forget) nobody does.
 */
#include "base/err.h"
#include "call/parts.h"
#include "sdp/sdp.h"

enum { RETRIES = 3 };

enum hold_stage { HOLD_SELF, HOLD_OTHER, UNDO_SELF };

struct step {
    struct call *call;
    struct connection *conn;
    uint8_t kind;
    uint8_t stage;
    uint8_t retries;
    bool taken_over;       /**< it was a SILENCE, whose answer is on its way */
    bool waiting;          /**< the timer runs for a retry, not for the limit */
    struct step_plan plan; /**< cause NULL: it stands for itself */
    unsigned status;       /**< of the refusal that is being undone */
    call_done_fn fn;
    void *owner;
    struct leg_request *request;
    struct timer timer;
    uint64_t limit_ms; /**< when the whole step is over time */
};

static void run(struct step *s, uint64_t now_ms);

/**
 * The limit is reached. What still waits for an answer is cancelled, else the phone's own
 * re-INVITEs would meet it for ever; a device that was silenced already gets its partner back,
 * with nobody waiting for that.
 */
static void out_of_time(struct step *s, uint64_t now_ms)
{
    call_done_fn fn = s->fn;

    if (s->kind == STEP_PICKUP) {
        pickup_call_off(s->call, now_ms);
    } else {
        transfer_call_off(s->call, now_ms);
    }
    if (s->request != NULL) {
        leg_request_cancel(s->request, now_ms);
    }
    if (s->kind != STEP_HOLD || s->stage != HOLD_OTHER || s->plan.other_only) {
        step_done(s, CALL_TIMEOUT, 0, now_ms);
        return;
    }
    if (s->request != NULL) {
        leg_request_detach(s->request);
        s->request = NULL;
    }
    if (s->plan.cause != NULL) { /* what it is a part of goes on when all is undone */
        s->status = 408;
        fn = NULL;
    } else {
        s->fn = NULL;
    }
    s->stage = UNDO_SELF;
    s->retries = 0;
    s->limit_ms = now_ms + (uint64_t)s->call->layer->config.step_s * 1000;
    timer_set(s->call->layer->wheel, &s->timer, s->limit_ms);
    if (fn != NULL) {
        fn(s->owner, CALL_TIMEOUT, 0, now_ms);
    }
    run(s, now_ms);
}

static void step_on_timer(struct timer *t, uint64_t now_ms)
{
    struct step *s = container_of(t, struct step, timer);

    if (s->waiting && now_ms < s->limit_ms) {
        s->waiting = false;
        timer_set(s->call->layer->wheel, &s->timer, s->limit_ms);
        run(s, now_ms);
    } else {
        out_of_time(s, now_ms);
    }
}

void step_pool_init(struct call_layer *l)
{
    pool_init(&l->step_pool, &l->env->mem, sizeof(struct step), 16, 0);
}

struct step *step_new(struct connection *conn, enum step_kind kind, call_done_fn fn,
                      void *owner, uint64_t now_ms)
{
    struct call *c = conn->call;
    struct step *s = pool_get(&c->layer->step_pool);

    if (s == NULL) {
        return NULL;
    }
    *s =
        (struct step){.call = c, .conn = conn, .kind = (uint8_t)kind, .fn = fn, .owner = owner};
    s->limit_ms = now_ms + (uint64_t)c->layer->config.step_s * 1000;
    timer_init(&s->timer, step_on_timer);
    timer_set(c->layer->wheel, &s->timer, s->limit_ms);
    c->step = s;
    return s;
}

void step_prolong(struct step *s, uint64_t now_ms)
{
    s->limit_ms = now_ms + (uint64_t)s->call->layer->config.step_s * 1000;
    timer_set(s->call->layer->wheel, &s->timer, s->limit_ms);
}

void step_done(struct step *s, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct call *c = s->call;
    call_done_fn fn = s->fn;
    void *owner = s->owner;

    timer_stop(c->layer->wheel, &s->timer);
    if (s->request != NULL) {
        leg_request_detach(s->request);
    }
    c->step = NULL;
    pool_put(&c->layer->step_pool, s);
    if (fn != NULL) {
        fn(owner, err, status, now_ms);
    }
}

void step_cancel(struct step *s, uint64_t now_ms)
{
    s->fn = NULL;
    step_done(s, CALL_GONE, 0, now_ms);
}

void step_abort(struct call *c, uint64_t now_ms)
{
    if (c->step != NULL) {
        if (c->step->kind == STEP_PICKUP) {
            pickup_call_off(c, now_ms);
        }
        step_done(c->step, CALL_GONE, 0, now_ms);
    }
}

void step_answered(struct connection *conn, uint64_t now_ms)
{
    struct step *s = conn->call->step;

    if (s != NULL && s->kind == STEP_ANSWER && s->conn == conn) {
        step_done(s, CALL_OK, 0, now_ms);
    } else if (s != NULL && s->kind == STEP_PICKUP && s->conn == conn) {
        pickup_call_off(conn->call, now_ms); /* its own phone was quicker */
        step_done(s, CALL_BAD_STATE, 0, now_ms);
    }
}

struct leg_request **step_request(struct step *s)
{
    return &s->request;
}

struct connection *step_connection(const struct step *s)
{
    return s->conn;
}

enum step_kind step_kind_of(const struct step *s)
{
    return s->kind;
}

void call_forget(struct call_layer *l, void *owner)
{
    duo_forget(l, owner);
    list_each(it, &l->calls)
    {
        struct call *c = list_entry(it, struct call, link);
        digits_forget(c, owner);
        gather_forget(c, owner);
        if (c->step != NULL && c->step->owner == owner) {
            c->step->fn = NULL;
        }
        if (c->heard.owner == owner) {
            c->heard.fn = NULL;
        }
        referrals_forget(c, owner);
    }
}

/* ---- hold ---- */

static void told(struct step *s, enum call_event_kind kind, enum connection_state state,
                 uint64_t now_ms)
{
    struct connection *conn = s->conn;
    bool first = s->plan.cause != NULL;
    struct call_event e =
        call_event_make(conn->call, kind, conn, first ? s->plan.cause : "normal", now_ms);

    conn->state = (uint8_t)state;
    if (first) { /* what the procedure does next has events of its own */
        call_tell(&e);
        step_done(s, CALL_OK, 0, now_ms);
    } else {
        step_done(s, CALL_OK, 0, now_ms);
        call_tell(&e);
    }
}

static void retry(struct step *s, uint64_t now_ms)
{
    /* §14.1: 2.1-4 s for the owner of the Call-ID, 0-2 s for the other; the first suits both */
    uint64_t wait = 2100 + env_random64(s->call->layer->env) % 1900;

    s->retries++;
    s->waiting = true;
    timer_set(s->call->layer->wheel, &s->timer, now_ms + wait);
}

static void hold_refused(struct step *s, unsigned status, uint64_t now_ms)
{
    if (status == 491 && s->retries < RETRIES) {
        retry(s, now_ms);
    } else if (s->stage == HOLD_OTHER && !s->plan.other_only) {
        s->status = status;
        s->stage = UNDO_SELF;
        run(s, now_ms);
    } else {
        step_done(s, CALL_REFUSED, s->stage == UNDO_SELF ? s->status : status, now_ms);
    }
}

static void hold_on_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                             uint64_t now_ms)
{
    struct step *s = r->owner;
    (void)m;

    if (status < 200) {
        return;
    }
    s->request = NULL;
    if (status < 300) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
    }
    if (s->taken_over) {
        s->taken_over = false;
        run(s, now_ms);
        return;
    }
    if (status >= 300) {
        hold_refused(s, status, now_ms);
        return;
    }
    if (s->kind == STEP_SILENCE) {
        step_done(s, CALL_OK, 0, now_ms);
    } else if (s->kind == STEP_PARK) {
        park_done(s->conn, now_ms);
    } else if (s->stage == HOLD_SELF) {
        s->stage = HOLD_OTHER;
        run(s, now_ms);
    } else if (s->stage == HOLD_OTHER) {
        told(s, CALL_EV_HELD, CONN_HOLD, now_ms);
    } else {
        step_done(s, CALL_REFUSED, s->status, now_ms);
    }
}

/** It cannot even be sent: as good as refused, when there is something to undo. */
static void cannot(struct step *s, enum call_error err, uint64_t now_ms)
{
    if (s->stage == HOLD_OTHER) {
        hold_refused(s, 500, now_ms);
    } else {
        step_done(s, s->stage == UNDO_SELF ? CALL_REFUSED : err, s->status, now_ms);
    }
}

/** The description that this stage sends, and to whom. */
static struct str hold_body(struct step *s, struct connection **to)
{
    struct arena *a = s->call->layer->scratch;
    struct connection *other = call_other(s->conn);
    struct str body, continued;

    switch (s->stage) {
    case HOLD_SELF:
        *to = s->conn;
        body = media_aimed(other->desc, SDP_SILENCE, a);
        break;
    case HOLD_OTHER:
        *to = other;
        /* a focus would mix what the phone plays to who is held */
        body = s->kind == STEP_PARK
                   ? media_silence_offer(other, a)
                   : media_aimed(s->conn->desc, other->is_seat ? SDP_SILENCE : SDP_HOLD, a);
        break;
    default:
        *to = s->conn;
        body = other->desc;
        break;
    }
    if (!str_is_set(body)) {
        return body;
    }
    continued = media_continue(*to, body, a);
    return str_is_set(continued) ? continued : body;
}

static void run_hold(struct step *s, uint64_t now_ms)
{
    struct connection *to = NULL;
    struct leg_content content = {.type = STR("application/sdp")};
    struct leg *leg;

    content.body = hold_body(s, &to);
    leg = connection_leg(to);
    if (leg == NULL || !str_is_set(content.body)) {
        cannot(s, CALL_BAD_STATE, now_ms);
        return;
    }
    switch (leg_send(leg, NULL, STR("INVITE"), &content, hold_on_response, s, &s->request,
                     now_ms)) {
    case 0:
        (void)media_sent(to, content.body); /* both phones have seen some by now */
        break;
    case E_STATE:
        hold_refused(s, 491, now_ms);
        break;
    default:
        cannot(s, CALL_NO_RESOURCES, now_ms);
        break;
    }
}

static bool is_up(const struct connection *conn)
{
    const struct leg *leg = connection_leg(conn);

    return leg != NULL && leg->state == LEG_CONFIRMED;
}

bool call_is_busy(const struct call *c)
{
    return (c->step != NULL && c->step->kind != STEP_SILENCE) || c->join.offerer != NULL ||
           c->referral != NULL || c->borrower != NULL || c->gather != NULL ||
           relays_pending_offer(c);
}

void step_unsilence(struct call *c, uint64_t now_ms)
{
    if (c->step != NULL && c->step->kind == STEP_SILENCE) {
        step_cancel(c->step, now_ms);
    }
}

/** The phone is just being silenced: that becomes the first part of what is wanted now. */
static void take_over(struct step *s, enum step_kind kind, call_done_fn fn, void *owner,
                      uint64_t now_ms)
{
    s->taken_over = s->request != NULL;
    s->waiting = false;
    s->kind = (uint8_t)kind;
    s->retries = 0;
    s->fn = fn;
    s->owner = owner;
    step_prolong(s, now_ms);
}

enum call_error call_step_ready(const struct connection *conn, enum connection_state want)
{
    if (conn->state != want || !is_up(conn) || !is_up(call_other(conn))) {
        return CALL_BAD_STATE;
    }
    return conn->call->duo != NULL || call_is_busy(conn->call) ? CALL_BUSY_STEP : CALL_OK;
}

/** A step of a plan (NULL: none), begun. */
static enum call_error begin(struct connection *conn, enum step_kind kind,
                             const struct step_plan *plan, call_done_fn fn, void *owner,
                             uint64_t now_ms)
{
    struct step *s = conn->call->step;

    if (s != NULL && s->conn == conn) {
        take_over(s, kind, fn, owner, now_ms);
    } else {
        s = step_new(conn, kind, fn, owner, now_ms);
    }
    if (s == NULL) {
        return CALL_NO_RESOURCES;
    }
    s->plan = plan != NULL ? *plan : (struct step_plan){0};
    s->stage = s->plan.other_only ? HOLD_OTHER : HOLD_SELF;
    if (!s->taken_over) {
        run(s, now_ms);
    }
    return CALL_OK;
}

/** Is known what both phones have, so that they can get it back? */
static bool described(const struct connection *conn)
{
    return str_is_set(conn->desc) && str_is_set(call_other(conn)->desc);
}

enum call_error step_hold(struct connection *conn, const struct step_plan *plan,
                          call_done_fn fn, void *owner, uint64_t now_ms)
{
    return !described(conn) ? CALL_BAD_STATE : begin(conn, STEP_HOLD, plan, fn, owner, now_ms);
}

enum call_error step_retrieve(struct connection *conn, const struct step_plan *plan,
                              call_done_fn fn, void *owner, uint64_t now_ms)
{
    return begin(conn, STEP_RETRIEVE, plan, fn, owner, now_ms);
}

enum call_error step_park(struct connection *conn, call_done_fn fn, void *owner,
                          uint64_t now_ms)
{
    static const struct step_plan partner_only = {.cause = "park", .other_only = true};

    return begin(conn, STEP_PARK, &partner_only, fn, owner, now_ms);
}

void step_silence(struct connection *conn, uint64_t now_ms)
{
    if (conn->call->step == NULL && !call_is_busy(conn->call) && is_up(conn) &&
        call_other(conn) != NULL && str_is_set(call_other(conn)->desc) &&
        !media_is_hold(conn->sent)) {
        (void)begin(conn, STEP_SILENCE, NULL, NULL, NULL, now_ms);
    }
}

void step_restore(struct connection *conn, uint64_t now_ms)
{
    if (!call_is_busy(conn->call) && is_up(conn) && is_up(call_other(conn))) {
        (void)begin(conn, STEP_RESTORE, NULL, NULL, NULL, now_ms);
    }
}

enum call_error call_hold(struct connection *conn, call_done_fn fn, void *owner,
                          uint64_t now_ms)
{
    enum call_error err = call_step_ready(conn, CONN_CONNECTED);

    return err != CALL_OK ? err : step_hold(conn, NULL, fn, owner, now_ms);
}

/* ---- retrieve ---- */

static void retrieve_on_joined(void *owner, enum call_error err, unsigned status,
                               uint64_t now_ms)
{
    struct call *c = owner;

    if (c->step == NULL) {
        return;
    }
    if (err == CALL_OK && c->step->kind == STEP_RETRIEVE) {
        told(c->step, CALL_EV_RETRIEVED, CONN_CONNECTED, now_ms);
    } else {
        step_done(c->step, err, status, now_ms);
    }
}

static void retrieve_refused(struct step *s, unsigned status, uint64_t now_ms)
{
    if (status == 491 && s->retries < RETRIES) {
        retry(s, now_ms);
    } else {
        step_done(s, CALL_REFUSED, status, now_ms);
    }
}

static void retrieve_on_response(struct leg_request *r, unsigned status,
                                 const struct sip_msg *m, uint64_t now_ms)
{
    struct step *s = r->owner;
    struct connection *conn = s->conn;

    if (status < 200) {
        return;
    }
    s->request = NULL;
    if (status >= 300) {
        retrieve_refused(s, status, now_ms);
        return;
    }
    join_start(conn, call_other(conn), m, retrieve_on_joined, conn->call, now_ms);
}

static void run_retrieve(struct step *s, uint64_t now_ms)
{
    struct leg *leg = connection_leg(s->conn);
    int err = leg == NULL ? E_IO
                          : leg_send(leg, NULL, STR("INVITE"), &(struct leg_content){0},
                                     retrieve_on_response, s, &s->request, now_ms);

    if (err == E_STATE) {
        retrieve_refused(s, 491, now_ms);
    } else if (err != 0) {
        step_done(s, leg == NULL ? CALL_GONE : CALL_NO_RESOURCES, 0, now_ms);
    }
}

static void run(struct step *s, uint64_t now_ms)
{
    if (s->kind == STEP_RETRIEVE || s->kind == STEP_RESTORE) {
        run_retrieve(s, now_ms);
    } else {
        run_hold(s, now_ms);
    }
}

enum call_error call_retrieve(struct connection *conn, call_done_fn fn, void *owner,
                              uint64_t now_ms)
{
    struct connection *m = conn->mate;
    enum call_error err;

    if (share_is_parked(conn)) {
        if (conn->state != CONN_HOLD || m->state != CONN_HOLD) {
            return CALL_BAD_STATE; /* the phone talks: AlternateCall is meant */
        }
        if (m->call->duo != NULL || conn->call->duo != NULL || call_is_busy(m->call) ||
            call_is_busy(conn->call)) {
            return CALL_BUSY_STEP;
        }
        (void)share_take(conn, now_ms);
    }
    err = call_step_ready(conn, CONN_HOLD);
    return err != CALL_OK ? err : step_retrieve(conn, NULL, fn, owner, now_ms);
}
