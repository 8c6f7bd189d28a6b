/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that waits at a routing device until somebody says where it goes: an application that
 * is the ACD (ECMA-269, routeing services).
 *
 *   INVITE ──► c->b: the routing device, `queued`; the caller hears 182
 *                │
 *                ├─ call_route: the call is diverted to what was named, and rings there
 *                │     └─ it fails: the alternates, then the one who is asked again
 *                │        (back to `queued`), then the plan's own targets
 *                ├─ call_route_default, or the time is over: the plan's own targets
 *                └─ call_route_refuse: that answer
 *
 * WHO IS ASKED is behind struct call_router; this file knows of calls only. It is asked when
 * the call exists, so whatever it does may be done before `ask` returns.
 *
 * THE PLAN'S OWN TARGETS are a hunt (hunt.c) that has not begun. A device that has forwarded
 * its calls ends it, as always: its user has decided.
 *
 * BOUNDS. The plan says how long the call waits each time; calls.max_reroutes how often it is
 * asked about again. While it waits the 182 is repeated every minute, so that no proxy on the
 * way gives up (RFC 3261 §13.3.1.1).
 *
 * OWNERSHIP. All in the call's arena; the time limit is the call's own timer. COST. Nothing for
 * other calls.
 */
#include "base/err.h"
#include "call/parts.h"

enum { ASKED_SAY_MS = 60000, ASKED_ALTERNATES = 8 };

struct asked {
    struct destination at; /**< the routing device */
    uint32_t wait_ms;
    uint64_t until_ms;
    bool waits;      /**< nobody has said yet */
    uint32_t rounds; /**< times that it was asked about again */
    struct str alternate[ASKED_ALTERNATES];
    size_t alternates, next; /**< those that have not been tried begin at `next` */
};

bool asked_waits(const struct call *c)
{
    return c->asked != NULL && c->asked->waits && c->phase == CALL_SETUP;
}

bool call_is_routed(const struct call_layer *l, const struct device *at)
{
    return l->router != NULL && l->router->can(l->router_ctx, at);
}

bool asked_wanted(const struct call_layer *l, const struct call_plan *plan)
{
    return plan != NULL && plan->ask != NULL && call_is_routed(l, plan->ask);
}

void asked_place(const struct call_plan *plan, struct destination *to)
{
    *to = (struct destination){
        .device = plan->ask, .id = plan->ask->uri, .number = plan->ask->number};
}

void asked_leave(struct call *c)
{
    if (c->asked != NULL) {
        c->asked->waits = false;
        c->asked->rounds = UINT32_MAX; /* not asked about any more */
    }
}

/* ---- waiting ---- */

static void set_timer(struct call *c, uint64_t now_ms)
{
    uint64_t left = c->asked->until_ms > now_ms ? c->asked->until_ms - now_ms : 1;

    call_set_timer(c, (uint32_t)(left < ASKED_SAY_MS ? left : ASKED_SAY_MS), now_ms);
}

static void wait_on(struct call *c, uint64_t now_ms)
{
    struct asked *q = c->asked;

    q->waits = true;
    q->until_ms = now_ms + q->wait_ms;
    q->alternates = q->next = 0;
    call_say(c, 182, now_ms);
    set_timer(c, now_ms);
    connection_queued(c->b, "normal", now_ms);
}

unsigned asked_begin(struct call *c, const struct call_plan *plan, uint64_t now_ms)
{
    const struct call_layer *l = c->layer;
    struct asked *q = arena_zalloc(&c->arena, sizeof(*q));

    if (q == NULL) {
        return 503;
    }
    q->at = (struct destination){.device = plan->ask, .id = c->b->id};
    q->wait_ms = (plan->ask_s != 0 ? plan->ask_s : CALL_ASK_S) * 1000;
    c->asked = q;
    wait_on(c, now_ms);
    if (!l->router->ask(l->router_ctx, c, q->wait_ms, now_ms) && asked_waits(c)) {
        (void)call_route_default(c, now_ms);
    }
    return 0;
}

void asked_on_timer(struct call *c, uint64_t now_ms)
{
    const struct call_layer *l = c->layer;

    if (now_ms < c->asked->until_ms) {
        call_say(c, 182, now_ms);
        set_timer(c, now_ms);
        return;
    }
    l->router->late(l->router_ctx, c, now_ms);
    if (asked_waits(c)) {
        (void)call_route_default(c, now_ms);
    }
}

/* ---- going on ---- */

/** May the call go there from the routing device? */
static enum call_error judge(const struct call *c, struct str text, struct destination *to)
{
    struct call_layer *l = c->layer;
    const struct asked *q = c->asked;

    if (!destination_of_text(l, text, to) || !destination_permitted(l, q->at.device, to) ||
        (to->device != NULL && (to->device == q->at.device || to->device == c->a->device))) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (to->device != NULL && registrar_find(l->registrar, to->device->key) == NULL &&
        !call_features(to->device)->forward[FORWARD_IMMEDIATE].on) {
        return CALL_NOT_REGISTERED;
    }
    return CALL_OK;
}

/** c->b leaves: told when it was seen, and of the routing device always. */
static void leave(struct call *c, struct connection *next, const char *cause, uint64_t now_ms)
{
    struct connection *conn = c->b;

    if (conn->device == c->asked->at.device || conn->reached || conn->alerted) {
        deflect_leave(conn, next, cause, now_ms);
        return;
    }
    step_abort(c, now_ms);
    referral_moves_on(c, now_ms);
    connection_stop_ringing(conn, NULL, STR("Reason: SIP;cause=480\r\n"), now_ms);
    conn->ended = true;
    conn->state = CONN_NULL;
    c->b = next;
    next->moved = cause;
}

/** c->b leaves, and who is at `to` rings. `status` is why, 0: it was only waiting. */
static void ring(struct call *c, struct connection *next, struct destination *to,
                 unsigned status, uint64_t now_ms)
{
    trail_given_up(c->b, status != 0 ? status : 302);
    trail_divert(c, to->id, status == 486 || status == 408 ? status : 302);
    leave(c, next, "distributed", now_ms);
    status = forward_before(c, to, now_ms);
    status = status != 0 ? status : hunt_ring(c, to, call_invite(c), now_ms);
    if (status != 0 && !forward_after(c, status, now_ms) && !hunt_next(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
}

enum call_error call_route(struct call *c, const struct call_routed *r, uint64_t now_ms)
{
    struct asked *q = c->asked;
    struct destination to;
    struct connection *next;
    struct str line;
    enum call_error err;

    if (!asked_waits(c) || call_invite(c) == NULL) {
        return CALL_BAD_STATE;
    }
    err = judge(c, r->to, &to);
    if (err != CALL_OK) {
        return err;
    }
    q->alternates = q->next = 0;
    for (size_t i = 0; i < r->other_count && i < ASKED_ALTERNATES; i++) {
        q->alternate[i] = arena_dup(&c->arena, r->other[i]);
        q->alternates += str_is_set(q->alternate[i]) ? 1 : 0;
    }
    err = context_of_service(c, r->uui, &to, &line);
    next = err != CALL_OK ? NULL : call_add_connection(c, to.device, to.id);
    if (next == NULL) {
        return err != CALL_OK ? err : CALL_NO_RESOURCES;
    }
    q->waits = false;
    if (r->uui.n > 0 && line.n > 0) {
        call_set_uui(c, line);
    }
    ring(c, next, &to, 0, now_ms);
    return CALL_OK;
}

enum call_error call_route_default(struct call *c, uint64_t now_ms)
{
    if (!asked_waits(c)) {
        return CALL_BAD_STATE;
    }
    c->asked->waits = false;
    c->asked->alternates = 0;
    c->asked->rounds = UINT32_MAX; /* not asked about any more */
    if (!hunt_start(c, now_ms)) {
        call_setup_failed(c, 480, NULL, now_ms);
    }
    return CALL_OK;
}

enum call_error call_route_refuse(struct call *c, unsigned status, uint64_t now_ms)
{
    if (!asked_waits(c)) {
        return CALL_BAD_STATE;
    }
    c->asked->waits = false;
    call_setup_failed(c, status, NULL, now_ms);
    return CALL_OK;
}

/* ---- where it was sent, it did not get through ---- */

static bool next_alternate(struct call *c, unsigned status, uint64_t now_ms)
{
    struct asked *q = c->asked;

    while (q->next < q->alternates) {
        struct destination to;
        struct connection *next;
        if (judge(c, q->alternate[q->next++], &to) != CALL_OK) {
            continue;
        }
        next = call_add_connection(c, to.device, to.id);
        if (next != NULL) {
            ring(c, next, &to, status, now_ms);
            return true;
        }
    }
    return false;
}

bool asked_again(struct call *c, unsigned status, uint64_t now_ms)
{
    const struct call_layer *l = c->layer;
    struct asked *q = c->asked;
    struct connection *back;

    if (q == NULL || q->waits || q->rounds >= l->config.max_reroutes ||
        c->phase != CALL_SETUP || call_invite(c) == NULL) {
        return false;
    }
    if (next_alternate(c, status, now_ms)) {
        return true;
    }
    if (!l->router->can_again(l->router_ctx, c)) {
        return false;
    }
    back = call_add_connection(c, q->at.device, q->at.id);
    if (back == NULL) {
        return false;
    }
    q->rounds++;
    trail_given_up(c->b, status);
    leave(c, back, "redirected", now_ms);
    wait_on(c, now_ms);
    if (!l->router->again(l->router_ctx, c, status, q->wait_ms, now_ms) && asked_waits(c)) {
        (void)call_route_default(c, now_ms);
    }
    return true;
}
