/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DirectedPickupCall and GroupPickupCall: the user of another device takes a call (ECMA-269
 * §17.1.9, §17.1.10).
 *
 *   the call at B                    B                    Baton ── INVITE, no offer ──► N
 *   rings there, is being called,    goes on as it was      │
 *   waits in the queue, is parked,                          │ ◄── 200 (offer) ──────── N
 *   or B holds it                    leaves: Diverted     N has its place: Established
 *
 * N's phone is asked to answer by itself, as by MakeCall without a prompt; one that does not
 * rings, for as long as a procedure may take. It has no part in the call before it has
 * answered, so whatever goes wrong until then (it refuses, nobody picks it up, B's own phone is
 * quicker) leaves the call as it was, and the one who asked hears why. How the two that talk
 * then come together is place.c's business.
 *
 * A call that is only offered, whose phone has not said 180 yet, can be picked up too: its
 * connection has no state for observers, but the callID and the device name it.
 *
 * GROUPS are lists of devices in the configuration. The call that was made first is taken.
 * COST of finding it: a walk over the calls that there are.
 */
#include "call/parts.h"

static bool is_up(const struct connection *conn)
{
    const struct leg *leg = connection_leg(conn);

    return leg != NULL && leg->state == LEG_CONFIRMED;
}

/** Is it called, and has not answered? */
static bool is_called(const struct connection *conn)
{
    const struct call *c = conn->call;

    return c->phase == CALL_SETUP && conn == c->b && !conn->ended && !conn->established &&
           conn->behalf == NULL && c->away == NULL && connection_leg(c->a) != NULL;
}

static bool is_kept(const struct connection *conn)
{
    const struct connection *stays = call_other(conn);

    /* at a focus there is no partner whose place could be taken */
    return conn->call->phase == CALL_ACTIVE && !conn->ended && conn->seat == NULL &&
           !conn->is_seat && stays != NULL && !stays->is_seat &&
           (conn->state == CONN_HOLD || conn->state == CONN_QUEUED) && is_up(call_other(conn));
}

/** It is at a place and not at a phone: parked. */
static bool is_at_no_phone(const struct connection *conn)
{
    return conn->state == CONN_QUEUED && conn->call->phase == CALL_ACTIVE;
}

static enum call_error judge(const struct connection *conn, const struct device *by)
{
    struct call *c = conn->call;
    const struct connection *stays = call_other(conn);

    if (c->foreign) {
        return CALL_NO_SERVICE;
    }
    if (!is_called(conn) && !is_kept(conn)) {
        return CALL_BAD_STATE;
    }
    if (by == stays->device || (by == conn->device && !is_at_no_phone(conn))) {
        return CALL_UNKNOWN_DESTINATION; /* it has the call already */
    }
    if (c->duo != NULL || call_is_busy(c)) {
        return CALL_BUSY_STEP;
    }
    if (registrar_find(c->layer->registrar, by->key) == NULL) {
        return CALL_NOT_REGISTERED;
    }
    return call_room_for(c->layer, by) ? CALL_OK : CALL_NO_RESOURCES;
}

/* ---- the phone that picks up ---- */

/** It is not to come: the call is as it was. */
static void failed(struct connection *n, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct call *c = n->call;

    n->ended = true;
    c->joining = c->joining == n ? NULL : c->joining;
    if (c->step != NULL && step_kind_of(c->step) == STEP_PICKUP) {
        step_done(c->step, err, status, now_ms);
    }
}

/** It has worked; the answer goes before the events. */
static void taken(struct connection *n, uint64_t now_ms)
{
    struct call *c = n->call;

    if (n->uui_lines.n > 0) {
        call_set_uui(c, n->uui_lines);
    }
    if (c->step != NULL) {
        step_done(c->step, CALL_OK, 0, now_ms);
    }
}

static void on_joined(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct connection *n = owner;

    if (err == CALL_OK) {
        taken(n, now_ms);
        place_on_joined(n, CALL_OK, 0, now_ms);
    } else {
        place_on_joined(n, err, status, now_ms);
        failed(n, err, status, now_ms);
    }
}

/** Nobody talks to the caller yet: N has the place at once. */
static void take_at_once(struct connection *n, const struct sip_msg *m, uint64_t now_ms)
{
    struct call *c = n->call;
    struct connection *old = step_connection(c->step);
    struct leg_content content = {.type = STR("application/sdp")};

    if (str_is_set(c->a->desc)) {
        content.body = media_silence(n, c->layer->scratch);
        if (!str_is_set(content.body) || !media_sent(n, content.body) ||
            leg_ack(connection_leg(n), &content, now_ms) != 0) {
            branch_let_go(connection_leg(n), now_ms);
            failed(n, CALL_NO_RESOURCES, 0, now_ms);
            return;
        }
    }
    taken(n, now_ms);
    place_take(n, old, now_ms);
    if (str_is_set(c->a->desc)) {
        place_bring_together(n, now_ms);
    } else {
        place_answer_caller(n, m, now_ms);
    }
}

static void on_connected(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct call *c = owner;

    (void)status;
    if (err != CALL_OK && c->phase != CALL_ENDING) {
        call_release(c, NULL, "incompatibleDestination", NULL, STR_NONE, now_ms);
    }
}

/** The caller is up, since Baton has called him: as when the phone that rings had answered. */
static void take_for_made(struct connection *n, const struct sip_msg *m, uint64_t now_ms)
{
    struct call *c = n->call;
    struct connection *old = step_connection(c->step);

    taken(n, now_ms);
    place_take(n, old, now_ms);
    c->phase = CALL_ACTIVE;
    c->layer->bridged++;
    connection_established(n, m, n->moved, now_ms);
    join_start(n, call_other(n), m, on_connected, c, now_ms);
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *n = b->conn;
    struct call *c = n->call;
    struct connection *stays;

    if (c->phase == CALL_ENDING || b->refused || c->joining != n) {
        branch_let_go(leg, now_ms);
        return;
    }
    n->stem = b;
    connection_stop_ringing(n, b, STR(CALL_ELSEWHERE), now_ms);
    c->joining = NULL;
    if (!media_has_sdp(m)) {
        branch_let_go(leg, now_ms);
        failed(n, CALL_REFUSED, 488, now_ms);
        return;
    }
    stays = call_other(step_connection(c->step));
    media_received(n, m);
    if (c->phase == CALL_SETUP && is_up(stays)) {
        take_for_made(n, m, now_ms);
        return;
    }
    if (c->phase == CALL_SETUP) {
        take_at_once(n, m, now_ms);
        return;
    }
    n->replaces = step_connection(c->step);
    step_prolong(c->step, now_ms);
    join_start(n, stays, m, on_joined, n, now_ms);
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *n = b->conn;
    unsigned best;

    if (n->call->phase == CALL_ENDING || b->refused || n->call->joining != n) {
        return;
    }
    best = branch_refused(b, status, m, now_ms);
    if (best != 0) {
        failed(n, CALL_REFUSED, best, now_ms);
    }
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;

    if (place_left(b->conn, now_ms)) {
        failed(b->conn, CALL_REFUSED, 487, now_ms);
        call_answer_request(leg, t, 200, &(struct leg_content){0}, now_ms);
    } else {
        branch_on_bye(leg, t, m, now_ms);
    }
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    struct branch *b = leg->owner;

    if (place_left(b->conn, now_ms)) {
        failed(b->conn, CALL_REFUSED, 408, now_ms);
        branch_leave_peer(b);
    } else {
        branch_on_ended(leg, why, now_ms);
    }
}

static const struct leg_user picker_user = {
    .on_provisional = leg_no_response,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = leg_no_cancel,
    .on_acked = branch_on_acked,
    .on_request = branch_on_request,
    .on_request_cancelled = branch_on_request_cancelled,
    .on_request_gone = branch_on_request_gone,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = branch_on_gone,
};

void pickup_call_off(struct call *c, uint64_t now_ms)
{
    struct connection *n = c->join.offerer;

    transfer_call_off(c, now_ms);
    if (n != NULL && place_left(n, now_ms) && connection_leg(n) != NULL) {
        leg_end(connection_leg(n), 0, NULL, NULL, NULL, now_ms);
    }
}

/* ---- the services ---- */

/** INVITE to its phones. @return 0 or the status that says why not */
static unsigned call_picker(struct connection *n, const struct destination *to,
                            const struct connection *stays, uint64_t now_ms)
{
    struct call_layer *l = n->call->layer;
    struct str part[] = {n->uui_lines, l->config.auto_answer ? auto_answer_lines(l) : STR_NONE};
    struct ring ring = {.user = &picker_user};

    ring.lines = arena_join(l->scratch, part, ARRAY_LEN(part));
    if (ring.lines.p == NULL && part[0].n + part[1].n > 0) {
        return 503;
    }
    return call_invite_with(n, to, stays, &ring, now_ms);
}

enum call_error call_pickup(struct connection *conn, const struct call_pickup *args,
                            struct connection **out, call_done_fn fn, void *owner,
                            uint64_t now_ms)
{
    struct call *c = conn->call;
    struct destination to = {
        .device = args->by, .id = args->by->uri, .number = args->by->number};
    enum call_error err = judge(conn, args->by);
    struct connection *n;
    struct str lines;
    unsigned status;

    if (err != CALL_OK) {
        return err;
    }
    if (c->parties >= CALL_PARTIES_MAX) {
        return CALL_NO_RESOURCES; /* each attempt stays with the call */
    }
    step_unsilence(c, now_ms);
    err = context_of_service(c, args->uui, &to, &lines);
    if (err != CALL_OK) {
        return err;
    }
    n = call_add_connection(c, args->by, args->by->uri);
    if (n == NULL) {
        return CALL_NO_RESOURCES;
    }
    n->ended = true; /* until it is being called */
    if (step_new(conn, STEP_PICKUP, fn, owner, now_ms) == NULL) {
        return CALL_NO_RESOURCES;
    }
    n->ended = false;
    n->moved = "callPickup";
    n->uui_lines = lines;
    c->joining = n;
    *out = n;
    status = call_picker(n, &to, call_other(conn), now_ms);
    if (status != 0) {
        n->ended = true;
        c->joining = NULL;
        step_cancel(c->step, now_ms);
        return status == 480 ? CALL_NOT_REGISTERED : CALL_NO_RESOURCES;
    }
    return CALL_OK;
}

bool call_group_has(const struct call_group *g, const struct device *d)
{
    for (size_t i = 0; i < g->member_count; i++) {
        if (access_matches(g->members[i], d->number) || access_matches(g->members[i], d->key)) {
            return true;
        }
    }
    return false;
}

struct connection *call_group_call(const struct call_layer *l, const struct call_group *g,
                                   const struct device * not )
{
    list_each(it, &l->calls)
    {
        struct connection *conn = list_entry(it, struct call, link)->b;
        if (conn != NULL && conn->device != NULL && conn->device != not &&is_called(conn) &&
            conn->state != CONN_QUEUED && call_group_has(g, conn->device)) {
            return conn;
        }
    }
    return NULL;
}
