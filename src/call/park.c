/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ParkCall: a party is left at a place, from which somebody else takes it (ECMA-269 §17.1.16).
 *
 *   parker ═══ P    P is offered silence      place ─── P    `queued` at the place, which is
 * any ──── accepted ────►                      device of ours; no leg leads there the parker
 * leaves (Diverted, park), its phone is let go; the place is told Queued, park
 *
 *   DirectedPickupCall of the connection at the place     pickup.c
 *   a call to the place, if no phone can be there         replace.c: the caller talks to P
 *   P hangs up, or the connection is cleared              it is over
 *   calls.park_s is over                                  the parker's phone rings for P:
 * Diverted and Delivered with cause recall
 *
 * Until P has accepted nothing has changed; a refusal or glare for too long is told to who
 * asked. P hears nothing while it is parked: there is no media of ours. What it offers
 * meanwhile (its session timer, its hold key) is answered with silence, as for every party
 * whose partner is not there (share.c). When it is taken it gets the description of who takes
 * it.
 *
 * A recall that comes to nothing ends the call, unless the parker forwards such calls.
 *
 * BOUNDS. calls.park_max calls at a time, one at a place. OWNERSHIP. All in the call's arena;
 * it leaves the layer's list with the place or with the call. COST. Nothing for other calls.
 */
#include "call/parts.h"

enum { PARK_AGAIN_MS = 2000 }; /* somebody is just taking it when the time is over */

struct parked {
    struct list link; /**< of the layer, while it is parked */
    struct call *call;
    struct connection *at;
    struct str by; /**< who has parked it */
    bool there;    /**< it is parked */
    struct timer timer;
};

bool park_is_at(const struct connection *conn)
{
    const struct parked *p = conn->call->parked;

    return p != NULL && p->there && p->at == conn && !conn->ended;
}

struct connection *park_find(const struct call_layer *l, const struct device *at)
{
    list_each(it, &l->parked)
    {
        struct parked *p = list_entry(it, struct parked, link);
        if (p->at->device == at) {
            return p->at;
        }
    }
    return NULL;
}

void park_leave(struct call *c)
{
    struct parked *p = c->parked;

    if (p != NULL && p->there) {
        timer_stop(c->layer->wheel, &p->timer);
        list_remove(&p->link);
        c->layer->parked_now--;
        p->there = false;
    }
}

/* ---- the time is over ---- */

static void recall(struct call *c, const struct destination *to, struct connection *next,
                   uint64_t now_ms)
{
    struct destination dest = *to;
    struct connection *at = c->parked->at;
    unsigned status;

    park_leave(c);
    c->phase = CALL_SETUP;
    deflect_leave(at, next, "recall", now_ms);
    status = forward_before(c, &dest, now_ms);
    status = status != 0 ? status : deflect_ring(c, &dest, NULL, now_ms);
    if (status != 0 && !forward_after(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct parked *p = container_of(t, struct parked, timer);
    struct call *c = p->call;
    struct destination to;
    struct connection *next = NULL;

    if (!call_is_busy(c) && destination_of_text(c->layer, p->by, &to)) {
        next = call_add_connection(c, to.device, to.id);
    }
    if (next != NULL) {
        recall(c, &to, next, now_ms);
    } else {
        timer_set(c->layer->wheel, &p->timer, now_ms + PARK_AGAIN_MS);
    }
}

/* ---- parking ---- */

static bool is_up(const struct connection *conn)
{
    const struct leg *leg = connection_leg(conn);

    return leg != NULL && leg->state == LEG_CONFIRMED;
}

static enum call_error judge(const struct connection *conn, struct str to,
                             struct destination *dest)
{
    const struct call *c = conn->call;
    struct call_layer *l = c->layer;
    const struct connection *stays = call_other(conn);

    if (c->foreign) {
        return CALL_NO_SERVICE;
    }
    if (conn->seat != NULL) {
        return CALL_IN_CONFERENCE;
    }
    if (c->phase != CALL_ACTIVE || conn->is_seat || stays == NULL || stays->is_seat ||
        (conn->state != CONN_CONNECTED && conn->state != CONN_HOLD) || !is_up(stays) ||
        (!is_up(conn) && !share_is_parked(conn))) {
        return CALL_BAD_STATE;
    }
    if (c->duo != NULL || call_is_busy(c)) {
        return CALL_BUSY_STEP;
    }
    if (!destination_of_text(l, to, dest) || dest->device == NULL ||
        dest->device == stays->device || !destination_permitted(l, conn->device, dest)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (park_find(l, dest->device) != NULL) {
        return CALL_OCCUPIED;
    }
    return l->parked_now < l->config.park_max && c->parties < CALL_PARTIES_MAX
               ? CALL_OK
               : CALL_NO_RESOURCES;
}

/** A place in the call that is nobody's yet. @return false: no memory */
static bool prepare(struct connection *conn, const struct destination *dest)
{
    struct call *c = conn->call;
    struct parked *p = arena_zalloc(&c->arena, sizeof(*p));

    if (p == NULL) {
        return false;
    }
    p->call = c;
    p->by = conn->id;
    p->at = call_add_connection(c, dest->device, dest->id);
    timer_init(&p->timer, on_timer);
    if (p->at == NULL) {
        return false;
    }
    p->at->ended = true; /* until it is there */
    c->parked = p;
    return true;
}

enum call_error call_park(struct connection *conn, struct str to, struct connection **out,
                          call_done_fn fn, void *owner, uint64_t now_ms)
{
    struct destination dest;
    enum call_error err = judge(conn, to, &dest);

    if (err != CALL_OK) {
        return err;
    }
    if (!prepare(conn, &dest)) {
        return CALL_NO_RESOURCES;
    }
    *out = conn->call->parked->at;
    return step_park(conn, fn, owner, now_ms);
}

/** Who has parked it is out of the call. */
static void let_go(struct connection *leaver, uint64_t now_ms)
{
    if (share_leave(leaver, now_ms)) {
        return; /* its phone is on the other call again */
    }
    list_each(it, &leaver->branches)
    {
        struct branch *b = list_entry(it, struct branch, link);
        if (b->leg != NULL) {
            leg_end(b->leg, 0, NULL, NULL, NULL, now_ms);
        }
    }
}

/** The place stands where the parker stood. */
static void put_in_place(struct call *c, struct connection *leaver)
{
    struct parked *p = c->parked;

    p->at->ended = false;
    p->there = true;
    list_append(&c->layer->parked, &p->link);
    c->layer->parked_now++;
    c->a = call_other(leaver);
    c->b = p->at;
    c->offerless = true; /* whom it goes to from here gets an INVITE of ours */
    c->trail = NULL;
    if (leaver->originating) { /* for who takes it, it is P who called, and called the place */
        leaver->originating = false;
        c->a->originating = true;
        c->called = p->at->id;
    }
    c->last_redirection = leaver->id;
}

void park_done(struct connection *leaver, uint64_t now_ms)
{
    struct call *c = leaver->call;
    struct call_layer *l = c->layer;
    struct parked *p = c->parked;
    struct call_event e;

    put_in_place(c, leaver);
    uus_transferred(c);
    step_done(c->step, CALL_OK, 0, now_ms);
    e = call_event_make(c, CALL_EV_DIVERTED, leaver, "park", now_ms);
    e.by = leaver;
    e.by_id = leaver->id;
    e.to_id = p->at->id;
    leaver->ended = true;
    leaver->state = CONN_NULL;
    call_tell(&e);
    connection_queued(p->at, "park", now_ms);
    if (l->config.park_s != 0) {
        timer_set(l->wheel, &p->timer, now_ms + l->config.park_s * UINT64_C(1000));
    }
    let_go(leaver, now_ms);
}
