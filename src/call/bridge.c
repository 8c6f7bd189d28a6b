/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bridge: a call that came in, and the end of every call.
 *
 *   caller's INVITE ──► leg (UAS)      connection a, originating, connected
 *                        │ pass
 *                        ▼
 *                      legs (UAC)      connection b: null → alerting → connected
 *
 * Responses go back as they come: each early dialog of the callee's side gets one of its own on
 * the caller's side, the first 2xx ends the search and is passed, refusals wait for each
 * other. After that both legs are equal: what comes in on one goes out on the other (relay.c).
 *
 * ENDING. Whoever ends it (BYE, CANCEL, a lost leg, an application, a timer), the same three
 * things happen, in call_release: the phase becomes ENDING, every connection gets its one
 * terminal event, every leg is ended. A call in ENDING is deaf to all news but on_gone.
 */
#include "base/err.h"
#include "call/features.h"
#include "call/parts.h"
#include "history/reason.h"
#include "registrar/support.h"

enum { BYE_PATIENCE_MS = 4000 };

static struct branch *branch_of(const struct leg *leg)
{
    return leg->owner;
}

static bool is_over(const struct branch *b)
{
    return b->conn->call->phase == CALL_ENDING;
}

/* ---- the way out ---- */

static void end_leg(struct leg *leg, unsigned status, const struct leg_content *content,
                    uint64_t now_ms)
{
    if (leg != NULL && leg->state < LEG_ENDING) {
        leg_end(leg, status, content, NULL, NULL, now_ms);
    }
}

static bool has_open_leg(const struct connection *conn)
{
    list_each(it, &conn->branches)
    {
        const struct leg *leg = list_entry(it, struct branch, link)->leg;
        if (leg != NULL && leg->state < LEG_ENDING) {
            return true;
        }
    }
    return false;
}

void connection_end(struct connection *conn, unsigned status, const struct leg_content *content,
                    uint64_t now_ms)
{
    struct leg_content own = content != NULL ? *content : (struct leg_content){0};

    if (has_open_leg(conn)) {
        uus_pass(NULL, conn, UUS_END, &own);
    }
    list_each(it, &conn->branches)
    {
        end_leg(list_entry(it, struct branch, link)->leg, status, &own, now_ms);
    }
}

static void enter_ending(struct call *c, uint64_t now_ms)
{
    const struct leg *caller = connection_leg(c->a);

    c->phase = CALL_ENDING;
    queue_leave(c);
    park_leave(c);
    if (caller != NULL && !caller->uac && caller->state < LEG_ANSWERED) {
        branch_leave_peer(c->a->stem); /* refused: no on_ended will tell */
    }
    call_set_timer(c, BYE_PATIENCE_MS, now_ms);
    digits_stop(c, now_ms);
    referral_abort(c, now_ms);
    join_abort(c, now_ms);
    duo_abort(c, now_ms);
    gather_abort(c, now_ms);
    step_abort(c, now_ms);
    list_each(it, &c->connections)
    {
        (void)share_leave(list_entry(it, struct connection, link), now_ms);
    }
}

void call_release(struct call *c, struct connection *by, const char *cause,
                  const struct leg_content *content, struct str uui, uint64_t now_ms)
{
    if (c->phase == CALL_ENDING) {
        return;
    }
    enter_ending(c, now_ms);
    if (by != NULL && !by->ended) {
        connection_cleared(by, by, cause, uui, now_ms);
    }
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (conn->alerted || conn->queued || conn->established || conn->originating) {
            connection_cleared(conn, by, cause, uui, now_ms);
        }
        conn->ended = true;
    }
    list_each(jt, &c->connections)
    {
        connection_end(list_entry(jt, struct connection, link), 0, content, now_ms);
    }
    conference_end(c, content, now_ms);
    call_check_dead(c);
}

/**
 * To a caller whom we have called, and who has answered (RFC 3725 §6): the status in a Reason,
 * what the refusal `m` said in its own, and its User-to-User.
 */
static struct str why_it_failed(struct call *c, unsigned status, const struct sip_msg *m,
                                struct str uui)
{
    struct arena *a = c->layer->scratch;
    struct reason known;
    struct str part[] = {STR_NONE, reason_lines(a, m), call_uui_values_line(a, uui)};

    if (m == NULL || !reason_find(m, STR("SIP"), &known)) {
        part[0] =
            arena_fmt(a, "Reason: SIP;cause=%u;text=\"%s\"\r\n", status, sip_reason(status));
    }
    return arena_join(a, part, ARRAY_LEN(part));
}

/** A 420 of ours says what nobody has (only uui is ever asked of whom we reach), and a 480 that
    it is about sips (RFC 5630 §4.1). */
static void say_why(const struct call *c, unsigned status, const struct sip_msg *m,
                    struct leg_content *content)
{
    struct str lines;

    if (status == 420 && m == NULL) {
        lines = arena_fmt(c->layer->scratch, "%.*s" UNSUPPORTED_UUI, STR_ARG(content->lines));
        content->lines = lines.p != NULL ? lines : content->lines;
    }
    if (status != 480 || m != NULL || c->sips_warning == 0) {
        return;
    }
    lines = arena_fmt(c->layer->scratch, "%.*sWarning: %u baton \"%s\"\r\n",
                      STR_ARG(content->lines), c->sips_warning,
                      c->sips_warning == 380 ? "SIPS Not Allowed" : "SIPS Required");
    content->lines = lines.p != NULL ? lines : content->lines;
}

/** Was it refused here, for its device wants to be left alone? */
static bool is_not_disturbed(const struct call *c, unsigned status, const struct sip_msg *m)
{
    return m == NULL && status == c->layer->config.dnd_status && c->b != NULL &&
           c->b->device != NULL && !c->b->alerted && call_features(c->b->device)->dnd;
}

void call_setup_failed(struct call *c, unsigned status, const struct sip_msg *m,
                       uint64_t now_ms)
{
    struct connection *a = c->a, *b = c->b;
    struct leg *caller = connection_leg(a);
    const char *cause = is_not_disturbed(c, status, m)
                            ? "doNotDisturb"
                            : cause_of_status(status, m, b != NULL && b->alerted);
    struct leg_content content = {.pass = m};
    struct str uui = uus_values(b != NULL ? b : a, UUS_REFUSAL, m);

    if (c->phase == CALL_ENDING) {
        return;
    }
    c->layer->failed++;
    pass_identity(b, a, m, &content);
    trail_response(c, m, &content);
    pass_q850(a, status, m, &content);
    say_why(c, status, m, &content);
    uus_refuse(b, a, status, &content);
    if (b != NULL && (b->alerted || b->queued)) {
        connection_cleared(b, b, cause, uui, now_ms);
    }
    if (b != NULL) {
        connection_failed(b, status, cause, uui, now_ms);
    }
    enter_ending(c, now_ms);
    connection_cleared(a, a, cause, uui, now_ms);
    if (b != NULL) {
        b->ended = true;
        connection_end(b, 0, NULL, now_ms);
    }
    if (caller != NULL && !caller->uac && caller->state <= LEG_EARLY) {
        if (leg_respond(caller, NULL, status, STR_NONE, &content, now_ms) != 0) {
            end_leg(caller, status, NULL, now_ms); /* no room for it: at least it ends */
        }
    } else {
        content = (struct leg_content){.lines = why_it_failed(c, status, m, uui)};
        uus_refuse(b, a, status, &content);
        pass_q850(a, status, m, &content);
        connection_end(a, 0, &content, now_ms);
    }
    call_check_dead(c);
}

void call_on_timer(struct timer *t, uint64_t now_ms)
{
    struct call *c = container_of(t, struct call, timer);

    if (c->phase == CALL_ENDING) {
        relays_answer_byes(c, now_ms);
    } else if (c->away != NULL && c->phase == CALL_ACTIVE) {
        away_on_timer(c, now_ms);
    } else if (c->phase == CALL_PROMPTING) {
        connection_stop_ringing(c->a, NULL, STR_NONE, now_ms);
        call_release(c, c->a, "timeout", NULL, STR_NONE, now_ms);
    } else if (asked_waits(c)) {
        asked_on_timer(c, now_ms);
    } else if (c->phase == CALL_SETUP && c->b != NULL && !forward_after(c, 408, now_ms) &&
               !hunt_next(c, 408, now_ms)) {
        trail_given_up(c->b, 408);
        connection_stop_ringing(c->b, NULL, STR("Reason: Q.850;cause=19\r\n"), now_ms);
        call_setup_failed(c, c->b->alerted ? 480 : 408, NULL, now_ms);
    }
}

/* ---- callbacks that all legs of a call share ---- */

void call_answer_request(struct leg *leg, struct txn *t, unsigned status,
                         const struct leg_content *c, uint64_t now_ms)
{
    bool bye = t->method == SIP_METHOD_BYE;

    if (leg_answer(leg, t, status, STR_NONE, c, now_ms) == E_NOMEM && status >= 200) {
        leg_refuse(leg, t, status >= 300 || bye ? status : 500, now_ms);
    }
}

void branch_on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = branch_of(leg);

    if (is_over(b)) {
        call_answer_request(leg, t, 481, &(struct leg_content){0}, now_ms);
        return;
    }
    relay_request(b, d, t, m, now_ms);
}

void branch_on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    relay_cancel(branch_of(leg), t, now_ms);
}

void branch_on_request_gone(struct leg *leg, struct txn *t)
{
    relays_forget(branch_of(leg)->conn->call, t);
}

void branch_on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct connection *mate = b->conn->stem == b ? share_cut(b->conn) : NULL;
    struct call *c = b->conn->call;
    struct connection *other = call_other(b->conn);

    if (conference_on_bye(b, t, m, now_ms)) {
        share_phone_gone(mate, "normalClearing", now_ms);
        return;
    }
    if (!is_over(b) && referral_on_gone(b, now_ms)) {
        call_answer_request(leg, t, 200, &(struct leg_content){0}, now_ms);
        share_phone_gone(mate, "normalClearing", now_ms);
        return;
    }
    if (is_over(b) || b->conn->stem != b || other == NULL || share_keeps(other)) {
        call_answer_request(leg, t, 200, &(struct leg_content){0}, now_ms);
    } else {
        relay_bye(b, t, m, now_ms);
    }
    if (!is_over(b) && b->conn->stem == b && !b->conn->ended) {
        call_release(c, b->conn, "normalClearing", NULL, uus_values(b->conn, UUS_END, m),
                     now_ms);
    }
    share_phone_gone(mate, "normalClearing", now_ms);
}

void branch_on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct call *c = b->conn->call;
    struct connection *mate = b->conn->stem == b ? share_cut(b->conn) : NULL;
    const char *cause = why == LEG_END_BYE ? "normalClearing" : "networkSignal";
    const struct leg_content lost = {.lines = STR("Reason: Q.850;cause=27\r\n")};

    branch_leave_peer(b);
    if (!is_over(b) && !b->conn->ended && b->conn->stem == b && why != LEG_END_LOCAL &&
        !conference_drop(b->conn, cause, &lost, STR_NONE, now_ms) &&
        !referral_on_gone(b, now_ms)) {
        call_release(c, b->conn, cause, &lost, STR_NONE, now_ms);
    }
    share_phone_gone(mate, cause, now_ms);
}

void branch_on_gone(struct leg *leg)
{
    struct branch *b = branch_of(leg);

    referral_drop_leg(b->conn->call, leg);
    relays_drop_leg(b->conn->call, leg, leg->layer->wheel->now_ms);
    branch_gone(b);
}

void branch_on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct connection *other = call_other(b->conn);
    struct leg *to = connection_leg(other);
    struct leg_content content = {0};

    (void)initial;
    if (is_over(b)) {
        return;
    }
    media_received(b->conn, m);
    if (to == NULL) {
        return;
    }
    (void)media_pass(b->conn, other, m, &content);
    uus_pass(b->conn, other, UUS_ELSEWHERE, &content);
    (void)leg_ack(to, &content, now_ms); /* E_STATE: it was acknowledged with the answer */
    relay_acked(b->conn->call, leg, now_ms);
}

void branch_let_go(struct leg *leg, uint64_t now_ms)
{
    (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    leg_end(leg, 0, NULL, NULL, NULL, now_ms);
}

unsigned branch_refused(struct branch *b, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    unsigned best;

    b->refused = true;
    b->status = (uint16_t)status;
    branch_leave_peer(b);
    if (status >= 600) {
        search_stop(b->conn);
    } else if (search_other_flow(b, status, m == NULL, now_ms)) {
        return 0;
    }
    best = connection_refusal(b->conn);
    return best != 0 && search_next(b->conn, now_ms) ? 0 : best;
}

/* ---- the caller's leg ---- */

void leg_no_response(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                     uint64_t now_ms)
{
    (void)leg;
    (void)d;
    (void)m;
    (void)now_ms;
}

void leg_no_answer(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)now_ms;
}

void leg_no_refusal(struct leg *leg, unsigned status, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)status;
    (void)m;
    (void)now_ms;
}

static void caller_on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct call *c = b->conn->call;
    struct leg_content why = {.lines = reason_lines(c->layer->scratch, m)};

    if (c->phase == CALL_ENDING) {
        return;
    }
    if (c->b != NULL) {
        pass_q850(c->b, 0, m, &why);
        connection_stop_ringing(c->b, NULL, why.lines, now_ms);
    }
    call_release(c, b->conn, "callCancelled", NULL, STR_NONE, now_ms);
}

const struct leg_user caller_user = {
    .on_provisional = leg_no_response,
    .on_answered = leg_no_answer,
    .on_rejected = leg_no_refusal,
    .on_cancelled = caller_on_cancelled,
    BRANCH_LEG_USER,
};

/* ---- the callee's legs ---- */

/** The caller's dialog that stands for the callee's `d`: an early one of its own for each. */
static struct dialog *mirror(struct call *c, struct dialog *d)
{
    struct leg *caller = connection_leg(c->a);

    if (d == NULL) {
        return NULL;
    }
    if (d->owner == NULL) {
        d->owner = c->spare != NULL ? c->spare : leg_fork(caller);
        c->spare = NULL;
    }
    return d->owner;
}

static void network_reached(struct connection *conn, uint64_t now_ms)
{
    struct call_event e;

    if (conn->outside && !conn->alerted && !conn->established && !conn->reached) {
        conn->reached = true;
        e = call_event_make(conn->call, CALL_EV_NETWORK_REACHED, conn, "normal", now_ms);
        call_tell(&e);
    }
}

void callee_news(struct connection *conn, const struct sip_msg *m, uint64_t now_ms)
{
    network_reached(conn, now_ms);
    if (m->status == 180 || m->status == 183) {
        connection_alerting(conn, m, conn->moved ? conn->moved : "newCall", now_ms);
    }
}

static void callee_on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                                  uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct call *c = b->conn->call;
    struct leg *caller = connection_leg(c->a);
    struct leg_content content = {0};

    if (is_over(b) || b->refused || caller == NULL || caller->state > LEG_EARLY) {
        return;
    }
    media_received(b->conn, m);
    callee_news(b->conn, m, now_ms);
    trail_answered(b, m->status, m);
    (void)media_pass(b->conn, c->a, m, &content);
    trail_response(c, m, &content);
    uus_pass(b->conn, c->a, UUS_ANSWER, &content);
    (void)leg_respond(caller, mirror(c, d), m->status, STR_NONE, &content, now_ms);
}

static void callee_on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct call *c = b->conn->call;
    struct leg *caller = connection_leg(c->a);
    struct leg_content content = {0};
    bool had_offer = c->a->desc.n > 0, room;

    if (is_over(b) || b->refused || caller == NULL || caller->state > LEG_EARLY) {
        branch_let_go(leg, now_ms);
        return;
    }
    b->conn->stem = b;
    connection_stop_ringing(b->conn, b, STR(CALL_ELSEWHERE), now_ms);
    media_received(b->conn, m);
    network_reached(b->conn, now_ms);
    trail_answered(b, m->status, m);
    room = media_pass(b->conn, c->a, m, &content);
    trail_response(c, m, &content);
    uus_pass(b->conn, c->a, UUS_ANSWER, &content);
    if (!room || leg_respond(caller, mirror(c, leg->dialog), m->status, STR_NONE, &content,
                             now_ms) != 0) {
        (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
        call_setup_failed(c, 500, NULL, now_ms);
        return;
    }
    if (had_offer) {
        (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    }
    call_set_timer(c, 0, now_ms);
    c->phase = CALL_ACTIVE;
    queue_leave(c);
    c->layer->bridged++;
    connection_established(b->conn, m, b->conn->moved ? b->conn->moved : "newCall", now_ms);
}

static void callee_on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                               uint64_t now_ms)
{
    struct branch *b = branch_of(leg);
    struct connection *conn = b->conn;
    struct call *c = conn->call;
    unsigned best;

    if (is_over(b) || b->refused || conn != c->b) {
        return;
    }
    trail_answered(b, status, m);
    if (status >= 600) {
        connection_stop_ringing(
            conn, b, arena_fmt(c->layer->scratch, "Reason: SIP;cause=%u\r\n", status), now_ms);
    }
    redirect_note(b, status, m);
    best = branch_refused(b, status, m, now_ms);
    if (best == 0) {
        return;
    }
    if (best == 401 || best == 407) {
        best = 500; /* a challenge is for us, and we have nothing to answer it with */
    }
    if (redirect_follow(c, best, now_ms) || forward_after(c, best, now_ms) ||
        hunt_next(c, best, now_ms) || queue_wait(c, best, now_ms)) {
        return;
    }
    call_setup_failed(c, best, best == status ? m : NULL, now_ms);
}

void leg_no_cancel(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)now_ms;
}

const struct leg_user callee_user = {
    .on_provisional = callee_on_provisional,
    .on_answered = callee_on_answered,
    .on_rejected = callee_on_rejected,
    .on_cancelled = leg_no_cancel,
    BRANCH_LEG_USER,
};
