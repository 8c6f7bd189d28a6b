/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SingleStepTransferCall: one party leaves, its partner talks to somebody else.
 *
 * The new party is called without an offer, in the name of the partner who stays. Until it
 * rings or answers nothing has changed: a refusal calls the transfer off and the call goes on.
 * When it rings, the transferring device leaves (BYE), Transferred is told, and from then
 * on it is a call being set up like any other; when it answers, join.c connects the two.
 *
 * The context stays with the call: the new party gets the User-to-User of the request, joined
 * with the call's own (context_move).
 */
#include "base/err.h"
#include "call/parts.h"

/** The connection that leaves while `x` is being called, or NULL: this is no transfer. */
static struct connection *leaving(const struct connection *x)
{
    const struct call *c = x->call;

    return c->step != NULL && step_kind_of(c->step) == STEP_TRANSFER ? step_connection(c->step)
                                                                     : NULL;
}

void transfer_on_progress(struct connection *x, uint64_t now_ms)
{
    struct connection *leaver = leaving(x);
    struct call *c = x->call;
    struct call_event e;

    if (leaver == NULL) {
        return;
    }
    c->layer->transferred++;
    c->phase = CALL_SETUP;
    if (c->a == leaver) {
        c->a = call_other(leaver);
    }
    c->b = x;
    c->joining = NULL;
    c->offerless = true; /* its INVITE was: who is deflected to from here gets one like it */
    c->trail = NULL;     /* and its history begins there */
    if (leaver->originating) { /* to the new party it is its partner who calls, and calls it */
        leaver->originating = false;
        c->a->originating = true;
        c->called = x->id;
    }
    c->last_redirection = leaver->id;
    if (x->uui_lines.n > 0) {
        call_set_uui(c, x->uui_lines);
    }
    uus_transferred(c);
    step_done(c->step, CALL_OK, 0, now_ms);
    e = call_event_make(c, CALL_EV_TRANSFERRED, leaver, "singleStepTransfer", now_ms);
    e.by = leaver;
    e.by_id = leaver->id;
    e.to_id = x->id;
    leaver->ended = true;
    leaver->state = CONN_NULL;
    call_tell(&e);
    call_set_timer(c, c->layer->config.ring_s * 1000, now_ms);
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

bool transfer_on_failed(struct connection *x, unsigned status, uint64_t now_ms)
{
    if (leaving(x) == NULL) {
        return false;
    }
    x->ended = true;
    x->call->joining = NULL;
    step_done(x->call->step, CALL_REFUSED, status, now_ms);
    return true;
}

void transfer_call_off(struct call *c, uint64_t now_ms)
{
    struct connection *x = c->joining;

    if (x != NULL) {
        c->joining = NULL;
        x->ended = true;
        connection_stop_ringing(x, NULL, STR_NONE, now_ms);
    }
}

enum call_error call_transfer(struct connection *conn, struct str to, struct str uui,
                              call_done_fn fn, void *owner, uint64_t now_ms)
{
    enum call_error err = call_step_ready(conn, CONN_CONNECTED);
    struct call *c = conn->call;
    struct connection *stays = call_other(conn), *x;
    struct destination dest;
    struct str lines;
    unsigned status;

    if (err != CALL_OK) {
        return err;
    }
    if (conn->seat != NULL) {
        return CALL_IN_CONFERENCE; /* nobody takes a place at the focus over */
    }
    if (!destination_of_text(c->layer, to, &dest) ||
        !destination_permitted(c->layer, conn->device, &dest) ||
        (dest.device != NULL &&
         (dest.device == conn->device || dest.device == stays->device))) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (dest.device != NULL && registrar_find(c->layer->registrar, dest.device->key) == NULL) {
        return CALL_NOT_REGISTERED;
    }
    err = context_of_service(c, uui, &dest, &lines);
    if (err != CALL_OK) {
        return err;
    }
    x = call_add_connection(c, dest.device, dest.id);
    if (x == NULL) {
        return CALL_NO_RESOURCES;
    }
    x->ended = true; /* until it is being called */
    if (step_new(conn, STEP_TRANSFER, fn, owner, now_ms) == NULL) {
        return CALL_NO_RESOURCES;
    }
    x->ended = false;
    x->moved = "singleStepTransfer";
    x->uui_lines = lines;
    c->joining = x;
    status = call_invite_with(x, &dest, stays, &(struct ring){.lines = lines}, now_ms);
    if (status != 0) {
        x->ended = true;
        c->joining = NULL;
        step_cancel(c->step, now_ms);
        return status == 480 ? CALL_NOT_REGISTERED : CALL_NO_RESOURCES;
    }
    return CALL_OK;
}
