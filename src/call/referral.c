/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a REFER that was accepted: the party that it names is called, and when it has
 * answered, it takes the place of the one who refers (RFC 5589 §6, §7).
 *
 *   refers (by)            Baton              stays            x
 *     │── REFER ────────────►│                  │               │
 *     │◄── 202, NOTIFY 100 ──│── INVITE, no offer, in the name of `stays` ──►│
 *     │◄── NOTIFY 180 ───────│◄───────────────────────── 180 ───│
 *     │                      │◄───────────────── 200 (offer) ───│
 *     │                      │── INVITE (offer)►│               │
 *     │                      │◄── 200 (answer) ─│               │
 *     │◄── NOTIFY 200 ───────│─────────────────── ACK (answer) ─►│   join.c
 *     │─── BYE ─────────────►│                  (or ours, after a while)
 *
 * Until the new party has answered and its offer was accepted nothing has changed: the
 * two talk on, and a refusal is only told. That is what phones expect which take the call back
 * when they hear of a failure. A phone that does not wait but hangs up after the 202 has left
 * for good: then the call is one that is being set up, between the one who stays and x, and
 * ends when x cannot be had.
 *
 * EVENTS. x is told of as alerting (Delivered) while it rings, since its owner's screen
 * wants to know; the one who refers leaves (Transferred) when x is joined or when he hangs up,
 * then Established is told of x. One that fails after it rang has Failed and ConnectionCleared.
 */
#include "call/referral.h"

#include "base/err.h"

enum { RETRIES = 3, LINGER_MS = 4000, EXPIRES_S = 180 };

static void join_done(void *owner, enum call_error err, unsigned status, uint64_t now_ms);

/* ---- life ---- */

void referral_pool_init(struct call_layer *l)
{
    pool_init(&l->referral_pool, &l->env->mem, sizeof(struct referral), 16, 0);
}

static void referral_free(struct referral *r)
{
    struct call_layer *l = r->call->layer;

    timer_stop(l->wheel, &r->timer);
    list_remove(&r->link);
    pool_put(&l->referral_pool, r);
}

void referral_settle(struct referral *r)
{
    if (r->stage == REFERRAL_OVER && r->notify == NULL && r->request == NULL &&
        !timer_running(&r->timer) && (r->leg == NULL || r->final)) {
        referral_free(r);
    }
}

static void end_of_ring(struct referral *r, uint64_t now_ms)
{
    referral_fail(r, r->x->alerted ? 480 : 408, now_ms);
}

/** The phone of the one who refers has nothing to do with this call any more. */
static void dismiss(struct referral *r, uint64_t now_ms)
{
    struct leg *leg = r->by->leg;

    if (leg != NULL && leg->state < LEG_ENDING && !share_leave(r->by->conn, now_ms)) {
        leg_end(leg, 0, NULL, NULL, NULL, now_ms);
    }
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct referral *r = container_of(t, struct referral, timer);

    switch ((enum referral_stage)r->stage) {
    case REFERRAL_CALLING:
        end_of_ring(r, now_ms);
        break;
    case REFERRAL_ASKING:
        referral_ask(r, now_ms);
        break;
    case REFERRAL_JOINING:
        break;
    case REFERRAL_OVER: /* it does not hang up by itself */
        dismiss(r, now_ms);
        referral_settle(r);
        break;
    }
}

struct referral *referral_new(struct branch *by, struct dialog *d, uint32_t cseq)
{
    struct call *c = by->conn->call;
    struct referral *r = pool_get(&c->layer->referral_pool);

    if (r == NULL) {
        return NULL;
    }
    *r = (struct referral){.call = c, .by = by, .leg = by->leg, .dialog = d, .id = cseq};
    r->reason = "noresource";
    r->with_id = by->referred;
    r->expires_ms = c->layer->wheel->now_ms + EXPIRES_S * 1000ull;
    timer_init(&r->timer, on_timer);
    list_append(&c->referrals, &r->link);
    c->referral = r;
    c->layer->referred++;
    by->referred = true;
    return r;
}

void referrals_fini(struct call *c)
{
    list_each(it, &c->referrals)
    {
        referral_free(list_entry(it, struct referral, link));
    }
}

void referrals_forget(struct call *c, const void *owner)
{
    list_each(it, &c->referrals)
    {
        struct referral *r = list_entry(it, struct referral, link);
        if (r->heard.owner == owner) {
            r->heard.fn = NULL;
        }
        if (r->done_owner == owner) {
            r->done = NULL;
        }
    }
}

void referral_drop_leg(struct call *c, const struct leg *leg)
{
    list_each(it, &c->referrals)
    {
        struct referral *r = list_entry(it, struct referral, link);
        if (r->leg == leg) {
            progress_stop(r);
        }
        if (r->request != NULL && r->request->leg == leg) {
            leg_request_detach(r->request);
            r->request = NULL;
        }
        referral_settle(r);
    }
}

bool referral_moves_media(const struct call *c)
{
    return c->join.offerer != NULL ||
           (c->referral != NULL && c->referral->stage > REFERRAL_CALLING);
}

/** The outcome of TransferCall. */
static void tell_done(struct referral *r, enum call_error err, unsigned status, uint64_t now_ms)
{
    call_done_fn fn = r->done;

    r->done = NULL;
    if (fn != NULL) {
        fn(r->done_owner, err, status, now_ms);
    }
}

static void over(struct referral *r)
{
    r->stage = REFERRAL_OVER;
    r->call->referral = NULL;
    timer_stop(r->call->layer->wheel, &r->timer);
    if (r->x != NULL) {
        r->x->behalf = NULL;
    }
}

/** The referral that x belongs to while its outcome is open, or NULL. */
static struct referral *open_of(const struct connection *x)
{
    struct referral *r = x->call->referral;

    return r != NULL && r->x == x ? r : NULL;
}

static struct connection *stays_of(const struct referral *r)
{
    return call_other(r->left ? r->x : r->by->conn);
}

void referral_start(struct referral *r, uint64_t now_ms)
{
    struct call_layer *l = r->call->layer;

    r->x->behalf = stays_of(r);
    timer_set(l->wheel, &r->timer, now_ms + l->config.ring_s * 1000ull);
}

/* ---- it fails ---- */

static void let_go(struct connection *x, uint64_t now_ms)
{
    connection_stop_ringing(x, x->stem, STR_NONE, now_ms);
    if (connection_leg(x) != NULL) {
        leg_end(connection_leg(x), 0, NULL, NULL, NULL, now_ms);
    }
}

static void drop_request(struct referral *r, uint64_t now_ms)
{
    if (r->request != NULL) {
        leg_request_cancel(r->request, now_ms);
        leg_request_detach(r->request);
        r->request = NULL;
    }
}

/** x is no party of this call any more. Its end is told when its ringing was. */
static void drop_party(struct referral *r, unsigned status, uint64_t now_ms)
{
    struct connection *x = r->x;
    const char *cause = cause_of_status(status, NULL, x->alerted);

    if (r->stage == REFERRAL_JOINING) {
        join_undo(r->call, now_ms);
    }
    drop_request(r, now_ms);
    if (r->merged) {
        merge_undo(r, status, now_ms);
    } else if (x->alerted) {
        connection_cleared(x, x, cause, STR_NONE, now_ms);
        connection_failed(x, status, cause, STR_NONE, now_ms);
    }
    x->ended = true;
    x->state = CONN_NULL;
    let_go(x, now_ms);
}

void referral_fail(struct referral *r, unsigned status, uint64_t now_ms)
{
    struct call *c = r->call;

    if (r->left) {
        call_release(c, NULL, cause_of_status(status, NULL, true), NULL, STR_NONE, now_ms);
        return; /* which aborts it */
    }
    if (r->x != NULL) {
        drop_party(r, status, now_ms);
    }
    over(r);
    tell_done(r, c->phase == CALL_ENDING ? CALL_GONE : CALL_REFUSED, status, now_ms);
    progress_tell(r, status, true, now_ms);
    referral_settle(r);
}

void referral_abort(struct call *c, uint64_t now_ms)
{
    struct referral *r = c->referral;

    if (c->borrower != NULL) {
        c->borrower->lender = NULL;
        c->borrower = NULL;
    }
    if (r != NULL && r->left) {
        drop_request(r, now_ms);
        over(r);
        progress_tell(r, 487, true, now_ms);
        referral_settle(r);
    } else if (r != NULL) {
        referral_fail(r, 487, now_ms);
    }
}

bool referral_clear(struct connection *x, unsigned status, uint64_t now_ms)
{
    struct referral *r = open_of(x);

    if (r == NULL || r->left) {
        return false;
    }
    referral_fail(r, status, now_ms);
    return true;
}

void referral_moves_on(struct call *c, uint64_t now_ms)
{
    if (c->referral != NULL) {
        referral_abort(c, now_ms);
    }
}

/* ---- it works out ---- */

static void tell_transferred(struct call *c, struct connection *leaver,
                             const struct connection *x, const struct connection *secondary,
                             uint64_t now_ms)
{
    struct call_event e;

    uus_transferred(c);
    leaver->ended = true;
    leaver->state = CONN_NULL;
    e = call_event_make(c, CALL_EV_TRANSFERRED, leaver, x->moved, now_ms);
    e.by = leaver;
    e.by_id = leaver->id;
    e.to_id = x->id;
    e.secondary = secondary;
    call_tell(&e);
}

/** x was up in the other call, and is so here. */
static void move_in(struct connection *x)
{
    x->established = true;
    x->state = CONN_CONNECTED;
}

/** x is up: both talk from now on, or will when its offer was accepted. */
static void talk(struct call *c, struct connection *x, struct str uui, uint64_t now_ms)
{
    call_set_timer(c, 0, now_ms);
    c->phase = CALL_ACTIVE;
    c->layer->bridged++;
    connection_established_with(x, uui, x->moved, now_ms);
}

/** The party that refers is out of the call, x is in. */
static void leave(struct referral *r, uint64_t now_ms)
{
    struct call *c = r->call;
    struct connection *leaver = r->by->conn, *x = r->x;
    const struct connection *secondary = merge_theirs(r);
    bool was_up = r->lender != NULL && r->lender->phase == CALL_ACTIVE;

    c->layer->transferred++;
    c->phase = CALL_SETUP;
    if (c->a == leaver) {
        c->a = call_other(leaver);
    }
    c->b = x;
    c->offerless = true; /* its INVITE was: who is deflected to from here gets one like it */
    c->trail = x->trail; /* and its history begins there */
    x->trail = NULL;
    r->left = true;
    x->behalf = NULL;
    if (leaver->originating) {
        leaver->originating = false;
        c->a->originating = true;
        c->called = x->id;
    }
    c->last_redirection = leaver->id;
    if (x->uui_lines.n > 0) {
        call_set_uui(c, x->uui_lines);
        c->uui_told = x->uui_told;
    }
    if (r->correlator.n > 0) {
        c->correlator = r->correlator;
    }
    if (r->news && connection_leg(x) != NULL) {
        context_passes_on(c, connection_leg(x));
    }
    if (was_up) {
        move_in(x);
    }
    tell_done(r, CALL_OK, 0, now_ms);
    tell_transferred(c, leaver, x, secondary, now_ms);
    if (r->stage != REFERRAL_CALLING) {
        talk(c, x, r->uui_answer, now_ms);
    } else {
        timer_stop(c->layer->wheel, &r->timer);
        call_set_timer(c, c->layer->config.ring_s * 1000, now_ms);
    }
    if (r->merged) {
        merge_done(r, now_ms);
    }
    if (r->service) {
        (void)share_cut(leaver);
        dismiss(r, now_ms);
    }
}

void referral_leave(struct referral *r, uint64_t now_ms)
{
    leave(r, now_ms);
}

static void join_done(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct referral *r = ((struct call *)owner)->referral;

    if (r == NULL) {
        return;
    }
    if (err != CALL_OK) {
        referral_fail(r, status != 0 ? status : 500, now_ms);
        return;
    }
    if (!r->left) {
        leave(r, now_ms);
        over(r);
        timer_set(r->call->layer->wheel, &r->timer, now_ms + LINGER_MS);
        progress_tell(r, 200, true, now_ms);
    } else {
        over(r);
        progress_tell(r, 200, true, now_ms); /* to nobody, unless it came from outside */
    }
    referral_settle(r);
}

bool referral_on_gone(struct branch *b, uint64_t now_ms)
{
    struct connection *conn = b->conn;
    struct referral *r = conn->call->referral;

    if (r == NULL || r->x == NULL || r->left || conn->stem != b) {
        return false;
    }
    if (conn == r->x) {
        referral_fail(r, 487, now_ms);
        return true;
    }
    if (b != r->by) { /* the one who was to stay: there is nobody to talk to */
        referral_fail(r, 487, now_ms);
        return false;
    }
    progress_stop(r);
    leave(r, now_ms);
    return true;
}

/* ---- asking a party that is up for an offer ---- */

static void refused(struct referral *r, unsigned status, uint64_t now_ms)
{
    struct call_layer *l = r->call->layer;

    if (status == 491 && r->retries < RETRIES) {
        r->retries++;
        timer_set(l->wheel, &r->timer, now_ms + 2100 + env_random64(l->env) % 1900);
        return;
    }
    referral_fail(r, status, now_ms);
}

static void on_offer(struct leg_request *req, unsigned status, const struct sip_msg *m,
                     uint64_t now_ms)
{
    struct referral *r = req->owner;

    if (status < 200) {
        return;
    }
    r->request = NULL;
    if (status >= 300) {
        refused(r, status, now_ms);
        return;
    }
    r->stage = REFERRAL_JOINING;
    join_start(r->x, stays_of(r), m, join_done, r->call, now_ms);
}

void referral_ask(struct referral *r, uint64_t now_ms)
{
    struct leg *leg = connection_leg(r->x);
    struct leg_content content = {.lines = r->news ? r->x->uui_lines : STR_NONE};
    uus_pass(NULL, r->x, UUS_ELSEWHERE, &content);
    int err = leg == NULL ? E_IO
                          : leg_send(leg, NULL, STR("INVITE"), &content, on_offer, r,
                                     &r->request, now_ms);

    r->stage = REFERRAL_ASKING;
    timer_stop(r->call->layer->wheel, &r->timer);
    if (err != 0) {
        refused(r, err == E_STATE ? 491 : 500, now_ms);
    }
}

/* ---- the legs to x ---- */

static void on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct referral *r;

    (void)d;
    if (b->conn->call->phase == CALL_ENDING || b->refused || b->conn->ended) {
        return;
    }
    callee_news(b->conn, m, now_ms);
    r = open_of(b->conn);
    if (r != NULL && !r->left && m->status < 199) {
        progress_tell(r, m->status, false, now_ms);
    }
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *x = b->conn;
    struct referral *r = open_of(x);

    if (x->call->phase == CALL_ENDING || b->refused || x->ended || r == NULL) {
        branch_let_go(leg, now_ms);
        return;
    }
    x->stem = b;
    connection_stop_ringing(x, b, STR("Reason: SIP;cause=200\r\n"), now_ms);
    timer_stop(x->call->layer->wheel, &r->timer);
    r->uui_answer = arena_dup(&x->call->arena, uus_values(x, UUS_ANSWER, m));
    callee_news(x, m, now_ms);
    if (r->left) {
        talk(x->call, x, r->uui_answer, now_ms);
    }
    if (r->offered) { /* with an answer to what the other call had offered */
        media_received(x, m);
        (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
        referral_ask(r, now_ms);
        return;
    }
    if (r->news) { /* an ACK tells nobody (RFC 7433 §4.1): its offer waits for the re-INVITE */
        if (media_ack_silence(x, leg, m, now_ms)) {
            referral_ask(r, now_ms);
        } else {
            referral_fail(r, 500, now_ms);
        }
        return;
    }
    r->stage = REFERRAL_JOINING;
    join_start(x, stays_of(r), m, join_done, x->call, now_ms);
}

/** x redirects: the one whom it names is x from now on. @return false: there is none */
static bool call_instead(struct referral *r, unsigned status, uint64_t now_ms)
{
    struct connection *old = r->x, *x;
    struct call *c = r->call;
    struct ring ring = {.user = &referred_user};
    struct redirect_to to;
    struct call_event e;

    if (r->left || r->merged ||
        !redirect_take(old, status, call_uui_values(old->uui_lines), &to) ||
        (x = call_add_connection(c, to.to.device, to.to.id)) == NULL) {
        return false;
    }
    x->ended = true; /* until it is being called */
    x->moved = old->moved;
    x->uui_lines = to.uui.n == 0
                       ? old->uui_lines
                       : arena_dup(&c->arena, call_uui_values_line(c->layer->scratch, to.uui));
    struct str part[] = {x->uui_lines, r->lines, to.lines};
    ring.lines = arena_join(c->layer->scratch, part, ARRAY_LEN(part));
    if (ring.lines.p == NULL) {
        return false;
    }
    x->ended = false;
    trail_redirected(old, &to);
    x->trail = old->trail;
    ring.trail = x->trail != NULL;
    if (call_invite_with(x, &to.to, stays_of(r), &ring, now_ms) != 0) {
        x->ended = true;
        return false;
    }
    e = call_event_make(c, CALL_EV_DIVERTED, old, "redirected", now_ms);
    e.to_id = x->id;
    old->ended = true;
    old->state = CONN_NULL;
    if (old->alerted) {
        call_tell(&e);
    }
    old->behalf = NULL;
    r->x = x;
    referral_start(r, now_ms);
    progress_tell(r, 181, false, now_ms);
    return true;
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *x = b->conn;
    struct referral *r;
    unsigned best;

    if (x->call->phase == CALL_ENDING || b->refused || x->ended) {
        return;
    }
    redirect_note(b, status, m);
    best = branch_refused(b, status, m, now_ms);
    r = open_of(x);
    if (best == 0 || (r != NULL && call_instead(r, best, now_ms))) {
        return;
    }
    if (r != NULL && !r->left) {
        referral_fail(r, best, now_ms);
    } else if (x != x->call->b || !redirect_follow(x->call, best, now_ms)) {
        call_setup_failed(x->call, best, best == status ? m : NULL, now_ms);
    }
}

const struct leg_user referred_user = {
    .on_provisional = on_provisional,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = leg_no_cancel,
    BRANCH_LEG_USER,
};
