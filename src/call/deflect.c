/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same call to somebody else while it rings: DeflectCall, and what redirect.c shares with
 * it.
 *
 * The one who was called leaves (Diverted), the INVITE that the caller sent goes to the new
 * party as if it had been the first. A call without an INVITE of the caller's (MakeCall, after
 * a transfer) gets an offerless one again.
 *
 * The caller hears 181 (RFC 3261 §21.1.3), with the history if he wants one (RFC 7044 §9.4).
 * One who takes no provisional response unless it is reliable hears nothing: what comes next
 * says it.
 */
#include "base/err.h"
#include "call/parts.h"

/** RFC 4458 §2: deflected while it rang. */
#define DEFLECTED 487

void call_say(struct call *c, unsigned status, uint64_t now_ms)
{
    struct leg *caller = connection_leg(c->a);
    struct leg_content content = {0};

    if (c->phase != CALL_SETUP || caller == NULL || caller->uac || caller->invite == NULL ||
        caller->state > LEG_EARLY ||
        sip_msg_has_token(&caller->invite->req->m, SIP_HDR_REQUIRE, STR("100rel"))) {
        return;
    }
    trail_response(c, NULL, &content);
    if (caller->dialog == NULL) {
        c->spare = leg_fork(caller); /* the first one that rings answers in it */
    }
    (void)leg_respond(caller, NULL, status, STR_NONE, &content, now_ms); /* news, no more */
}

void deflect_leave(struct connection *conn, struct connection *next, const char *cause,
                   uint64_t now_ms)
{
    struct call *c = conn->call;
    struct call_event e;

    step_abort(c, now_ms); /* nobody answers here any more */
    referral_moves_on(c, now_ms);
    connection_stop_ringing(conn, NULL, STR("Reason: SIP;cause=302\r\n"), now_ms);
    e = call_event_make(c, CALL_EV_DIVERTED, conn, cause, now_ms);
    e.to_id = next->id;
    conn->ended = true;
    conn->state = CONN_NULL;
    call_tell(&e);
    c->last_redirection = conn->id;
    c->b = next;
    next->moved = cause;
    call_say(c, 181, now_ms);
}

/** The call's own lines, and what a redirection asks for. @return false: no memory */
static bool with_lines(struct call *c, struct ring *ring, const struct redirect_to *more)
{
    struct str part[] = {c->uui_lines, c->lines, more != NULL ? more->lines : STR_NONE};

    ring->lines = part[0];
    if (part[1].n + part[2].n > 0) {
        ring->lines = arena_join(c->layer->scratch, part, ARRAY_LEN(part));
    }
    return ring->lines.p != NULL || part[0].n + part[1].n + part[2].n == 0;
}

unsigned deflect_ring(struct call *c, const struct destination *dest,
                      const struct redirect_to *more, uint64_t now_ms)
{
    struct arena *a = c->layer->scratch;
    struct ring ring = {.user = &callee_user};

    call_set_timer(c, call_ring_ms(c, c->layer->config.ring_s * 1000), now_ms);
    if (!with_lines(c, &ring, more)) {
        return 503;
    }
    if (c->offerless) {
        ring.user = &joined_user;
        ring.trail = true;
        return call_invite_with(c->b, dest, c->a, &ring, now_ms);
    }
    ring.pass = &connection_leg(c->a)->invite->req->m;
    ring.replace_uui = c->uui_lines.n > 0;
    ring.from = call_from(c, ring.pass);
    ring.to = call_without_tag(a, ring.pass, SIP_HDR_TO);
    if (more != NULL && more->cut[0] != SIP_HDR_OTHER) {
        enum sip_hdr_id *cut = arena_alloc(&c->arena, sizeof(more->cut));
        if (cut == NULL) {
            return 503;
        }
        memcpy(cut, more->cut, sizeof(more->cut));
        ring.cut = cut;
    }
    return connection_ring(c->b, dest, &ring, now_ms);
}

/** DeflectCall: the same INVITE again, to somebody else. */
enum call_error call_deflect(struct connection *conn, struct str to, struct str uui,
                             uint64_t now_ms)
{
    struct call *c = conn->call;
    struct call_layer *l = c->layer;
    struct destination dest;
    struct connection *next;
    enum call_error err;
    struct str line;
    unsigned status;

    if (conn != c->b || conn->state != CONN_ALERTING || c->phase != CALL_SETUP) {
        return CALL_BAD_STATE;
    }
    if (!destination_of_text(l, to, &dest) || !destination_permitted(l, conn->device, &dest) ||
        (dest.device != NULL && (dest.device == conn->device || dest.device == c->a->device))) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (dest.device != NULL && registrar_find(l->registrar, dest.device->key) == NULL) {
        return CALL_NOT_REGISTERED;
    }
    err = context_of_service(c, uui, &dest, &line);
    next = err != CALL_OK ? NULL : call_add_connection(c, dest.device, dest.id);
    if (next == NULL) {
        return err != CALL_OK ? err : CALL_NO_RESOURCES;
    }
    c->hunt = NULL; /* an application has decided */
    trail_given_up(conn, 302);
    trail_divert(c, dest.id, DEFLECTED);
    deflect_leave(conn, next, "redirected", now_ms);
    if (uui.n > 0 && line.n > 0) {
        call_set_uui(c, line);
    }
    status = forward_before(c, &dest, now_ms);
    if (status == 0) {
        status = deflect_ring(c, &dest, NULL, now_ms);
    }
    if (status != 0 && !forward_after(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
    return CALL_OK;
}
