/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hunting: an INVITE that may go to several destinations, one after another.
 *
 *   ring the first ──refused with a status to go on with, or nobody answers──► ring the next …
 *                  └─any other refusal, or nothing left──► the call has failed
 *
 * Each destination is a connection of its own; the one that has failed leaves without a word
 * when nobody has seen it, else it is told as Diverted. What was refused last is passed to the
 * caller. A destination that rings and is given up hears CANCEL; what it answers after that is
 * acknowledged and ended, as for every branch that nobody wants.
 *
 * What the plan changes in the INVITE, From and further lines, stays with the call: whoever it
 * is sent on to from here gets it as well.
 *
 * OWNERSHIP. The plan is copied into the call's arena.
 */
#include "base/err.h"
#include "call/parts.h"

struct hunt {
    struct destination *to;
    size_t count, next;
    uint32_t ring_ms;
    uint16_t next_on[CALL_NEXT_MAX];
    size_t next_count;
};

/** Copy a text that may be absent. @return false: no memory */
static bool keep(struct arena *a, struct str *s)
{
    struct str copy = str_is_set(*s) ? arena_dup(a, *s) : STR_NONE;
    bool ok = str_is_set(copy) == str_is_set(*s) || s->n == 0;

    *s = copy;
    return ok;
}

static bool keep_destinations(struct call *c, struct hunt *h, const struct call_plan *plan)
{
    bool ok;

    h->to = arena_alloc(&c->arena, (plan->count + 1) * sizeof(*h->to));
    ok = h->to != NULL;
    for (size_t i = 0; ok && i < plan->count; i++) {
        h->to[i] = plan->to[i];
        ok = keep(&c->arena, &h->to[i].id) && keep(&c->arena, &h->to[i].number) &&
             keep(&c->arena, &h->to[i].uri) && keep(&c->arena, &h->to[i].gr);
    }
    h->count = plan->count;
    h->next = 1;
    return ok;
}

/** The rule's value beside what the caller has sent; of one package the caller's stays. */
static bool add_context(struct call *c, const struct call_plan *plan)
{
    struct uui_merge_args q = {.given = plan->uui, .had = c->uui, .known = c->layer->packages};
    struct uui_merged joined;
    struct str line;

    if (uui_merge(c->layer->scratch, &q, &joined) != 0) {
        return false;
    }
    if (joined.fresh.n == 0) {
        return true;
    }
    line = call_uui_values_line(&c->arena, joined.values);
    if (line.p == NULL || !context_mark(c, NULL, joined.fresh, UUI_ROLE_BATON, STR_NONE) ||
        !context_sealed(c, plan->uui_package, joined.fresh, plan->uui_octets)) {
        return false;
    }
    call_set_uui(c, line);
    return true;
}

int hunt_begin(struct call *c, const struct call_plan *plan, const struct sip_msg *m)
{
    struct hunt *h = arena_zalloc(&c->arena, sizeof(*h));

    if (h == NULL || !keep_destinations(c, h, plan)) {
        return E_NOMEM;
    }
    c->from = plan->from;
    c->lines = plan->lines;
    h->ring_ms = plan->ring_s * 1000;
    if (sip_msg_has(m, SIP_HDR_REQUEST_DISPOSITION)) {
        struct disposition said;
        disposition_read(m, &said);
        h->count = said.fork == DIRECTIVE_NO ? 1 : h->count; /* RFC 3841 §9.1 */
    }
    h->next_count = plan->next_count < CALL_NEXT_MAX ? plan->next_count : CALL_NEXT_MAX;
    for (size_t i = 0; i < h->next_count; i++) {
        h->next_on[i] = plan->next_on[i];
    }
    if (!keep(&c->arena, &c->from) || !keep(&c->arena, &c->lines)) {
        return E_NOMEM;
    }
    if (plan->uui.n > 0 && !add_context(c, plan)) {
        return E_NOMEM;
    }
    if (asked_wanted(c->layer, plan)) {
        h->next = 0; /* the routing device is none of them */
    }
    c->hunt = h;
    return 0;
}

static uint32_t ring_ms_of(const struct call *c)
{
    return c->hunt != NULL && c->hunt->ring_ms != 0 ? c->hunt->ring_ms
                                                    : c->layer->config.ring_s * 1000;
}

struct str call_from(const struct call *c, const struct sip_msg *m)
{
    return str_is_set(c->from) ? c->from : call_without_tag(c->layer->scratch, m, SIP_HDR_FROM);
}

unsigned hunt_ring(struct call *c, const struct destination *to, const struct sip_msg *m,
                   uint64_t now_ms)
{
    struct arena *a = c->layer->scratch;
    struct str more[2] = {c->uui_lines, c->lines};
    struct ring ring = {.pass = m,
                        .from = call_from(c, m),
                        .to = call_without_tag(a, m, SIP_HDR_TO),
                        .replace_uui = c->uui_lines.n > 0,
                        .user = &callee_user};

    if (more[0].n + more[1].n > 0) {
        ring.lines = arena_join(a, more, 2);
        if (ring.lines.p == NULL) {
            return 503;
        }
    }
    call_set_timer(c, call_ring_ms(c, ring_ms_of(c)), now_ms);
    return connection_ring(c->b, to, &ring, now_ms);
}

static bool goes_on_after(const struct hunt *h, unsigned status)
{
    for (size_t i = 0; i < h->next_count; i++) {
        if (h->next_on[i] == status) {
            return true;
        }
    }
    return false;
}

/** The one that has failed leaves; observers who have seen it hear that the call moves on. */
static void leave(struct connection *conn, const struct connection *next, uint64_t now_ms)
{
    struct call *c = conn->call;
    bool seen = conn->reached || conn->alerted ||
                (conn->state == CONN_QUEUED && conn->device != next->device);
    struct call_event e;

    step_abort(c, now_ms);
    referral_moves_on(c, now_ms);
    connection_stop_ringing(conn, NULL, STR("Reason: SIP;cause=480\r\n"), now_ms);
    if (seen) {
        e = call_event_make(c, CALL_EV_DIVERTED, conn, "redirected", now_ms);
        e.to_id = next->id;
    }
    conn->ended = true;
    conn->state = CONN_NULL;
    if (seen) {
        call_tell(&e);
        c->last_redirection = conn->id;
    }
}

/** Why it goes to somebody else, in the numbers of RFC 4458 §2. */
static unsigned diversion_cause_of(unsigned status)
{
    if (status == 0) {
        return 302;
    }
    return status == 486 || status == 408 || status == 503 ? status : status == 480 ? 408 : 404;
}

/** Ring at the next destination. @param status  0: nothing has failed yet */
static bool go_on(struct call *c, unsigned status, uint64_t now_ms)
{
    struct hunt *h = c->hunt;
    const struct leg *caller = connection_leg(c->a);

    if (h == NULL || c->phase != CALL_SETUP || caller == NULL || caller->invite == NULL) {
        return false;
    }
    while (h->next < h->count && (status == 0 || goes_on_after(h, status))) {
        const struct destination *to = &h->to[h->next++];
        struct connection *next;
        if (to->peer != NULL && !peer_usable(to->peer)) {
            continue; /* nobody needs to see that it was not even tried */
        }
        next = call_add_connection(c, to->device, to->id);
        if (next == NULL) {
            return false;
        }
        c->layer->hunted++;
        trail_given_up(c->b, status);
        if (!str_eq(c->b->id, next->id)) {
            trail_divert(c, next->id, diversion_cause_of(status));
        }
        leave(c->b, next, now_ms);
        c->b = next;
        next->moved = "redirected";
        status = hunt_ring(c, to, &caller->invite->req->m, now_ms);
        if (status == 0) {
            return true;
        }
        if (h->next == h->count || !goes_on_after(h, status)) {
            call_setup_failed(c, status, NULL, now_ms);
            return true;
        }
    }
    return false;
}

bool hunt_start(struct call *c, uint64_t now_ms)
{
    if (c->hunt != NULL) {
        c->hunt->next = 0;
    }
    return go_on(c, 0, now_ms);
}

bool hunt_next(struct call *c, unsigned status, uint64_t now_ms)
{
    return asked_again(c, status, now_ms) || go_on(c, status, now_ms);
}
