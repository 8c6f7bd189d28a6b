/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConferenceCall, and SingleStepConferenceCall: who may meet whom.
 *
 * SingleStepConferenceCall calls the party first, without an offer, in the name of the device
 * whose application asks. Until it answers nothing has changed: the others talk on, and may
 * press hold; a refusal, or nobody there in the ring time, is told and that is all. When it has
 * answered, it and the others are brought to the focus (gather.c), which takes a moment; it
 * hears nothing until then, for its own offer has its answer from the focus.
 *
 * SILENT participation is the focus's: a room, or a way into it, where nobody is heard
 * (`conference.silent_room`). Muting a party by its description alone would end with the next
 * offer of its phone, so without such a room it is refused.
 *
 * A call that is a conference already takes one more; two conferences are not made one: that
 * would be for two foci to agree on.
 */
#include "call/gather.h"
#include "call/referral.h"

static bool is_up(const struct connection *conn)
{
    const struct leg *leg = connection_leg(conn);

    return leg != NULL && leg->state == LEG_CONFIRMED;
}

static bool talks(const struct connection *conn)
{
    return !conn->ended && conn->call->phase == CALL_ACTIVE &&
           (conn->state == CONN_CONNECTED || conn->state == CONN_HOLD);
}

static bool may_confer(const struct connection *conn)
{
    return conn->consult != CALL_CONSULT_ONLY && conn->consult != CALL_CONSULT_TRANSFER;
}

static bool is_full(const struct call *c, unsigned more)
{
    return conference_count(c) + more > c->layer->config.max_parties;
}

static enum call_error judge(const struct connection *held, const struct connection *active)
{
    const struct connection *p = call_other(held), *q = call_other(active);

    if (held->device == NULL || held->device != active->device || held->call == active->call ||
        !talks(held) || !talks(active) || !is_up(p) || !is_up(q) ||
        (!is_up(held) && !share_is_parked(held)) ||
        (!is_up(active) && !share_is_parked(active))) {
        return CALL_BAD_STATE;
    }
    if (held->seat != NULL && active->seat != NULL) {
        return CALL_IN_CONFERENCE; /* two rooms */
    }
    if (held->call->duo != NULL || active->call->duo != NULL || call_is_busy(held->call) ||
        call_is_busy(active->call)) {
        return CALL_BUSY_STEP;
    }
    return may_confer(held) && may_confer(active) ? CALL_OK : CALL_RESTRICTED;
}

/** Its room, if it has none yet. @return false: no memory */
static bool prepare_room(struct call *c)
{
    if (c->conference == NULL) {
        c->conference = focus_room(c);
    }
    return c->conference != NULL;
}

/** Is it there already, talking? */
static bool is_seated(const struct connection *conn)
{
    return conn->seat != NULL && conn->state == CONN_CONNECTED && is_up(conn);
}

/** Which parties need a seat. `by`: the device in the call that remains, `with`: in the other.
 */
static bool name_members(struct gather *g)
{
    struct connection *by = g->by, *with = g->with, *stays = call_other(by);
    struct connection *holds = is_up(by) ? by : with;

    g->husk = call_other(with);
    g->added = merge_like(g->call, g->husk);
    if (g->added == NULL) {
        return false;
    }
    g->added->ended = true; /* until it is there */
    g->added->moved = "conference";
    return (is_seated(by) || gather_add(g, holds, by)) &&
           (stays->is_seat || gather_add(g, stays, stays)) && gather_add(g, g->husk, g->added);
}

static void discard(struct gather *g)
{
    if (g->added != NULL) {
        g->added->ended = true;
    }
    for (size_t i = 0; i < g->count; i++) {
        g->member[i].seat->ended = true;
    }
    gather_free(g);
}

enum call_error call_conference(struct connection *held, struct connection *active,
                                struct connection **out, call_done_fn fn, void *owner,
                                uint64_t now_ms)
{
    bool swap = active->seat != NULL && held->seat == NULL;
    struct connection *by = swap ? active : held, *with = swap ? held : active;
    const struct connection *comes = call_other(with);
    enum call_error err = call_has_focus(by->call->layer) ? judge(held, active) : CALL_NO_FOCUS;
    struct gather *g;

    if (err == CALL_OK && comes->device != NULL &&
        call_connection(by->call, comes->device) != NULL) {
        err = CALL_BAD_STATE; /* nobody talks to himself */
    }
    if (err == CALL_OK && is_full(by->call, 1)) {
        err = CALL_FULL;
    }
    if (err != CALL_OK) {
        return err;
    }
    g = prepare_room(by->call) ? gather_new(by->call, with->call, fn, owner) : NULL;
    if (g == NULL) {
        return CALL_NO_RESOURCES;
    }
    g->by = by;
    g->with = with;
    g->first = by->seat == NULL;
    if (!name_members(g)) {
        discard(g);
        return CALL_NO_RESOURCES;
    }
    step_unsilence(by->call, now_ms);
    step_unsilence(with->call, now_ms);
    *out = by;
    gather_go(g, now_ms);
    return CALL_OK;
}

/* ---- SingleStepConferenceCall ---- */

void invite_drop(struct gather *g, unsigned status, uint64_t now_ms)
{
    struct connection *x = g->added;
    const char *cause = cause_of_status(status, NULL, x->alerted);

    if (x->ended) {
        return;
    }
    x->behalf = NULL;
    connection_let_go(x, NULL, now_ms);
    if (x->call->phase == CALL_ENDING) {
        return; /* its end is told with that of the others */
    }
    if (x->alerted) {
        connection_cleared(x, x, cause, STR_NONE, now_ms);
        connection_failed(x, status, cause, STR_NONE, now_ms);
    }
    x->ended = true;
    x->state = CONN_NULL;
}

bool gather_clear(struct connection *x, unsigned status, uint64_t now_ms)
{
    if (!gather_invites(x)) {
        return false;
    }
    gather_fail(x->call->gather, CALL_REFUSED, status, now_ms);
    return true;
}

static struct gather *open_of(const struct branch *b)
{
    const struct connection *x = b->conn;

    return x->call->phase != CALL_ENDING && !b->refused && gather_invites(x) ? x->call->gather
                                                                             : NULL;
}

static void on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct gather *g = open_of(b);

    (void)d;
    if (g != NULL) {
        callee_news(b->conn, m, now_ms);
        if (b->conn->alerted) {
            gather_tell(g, CALL_OK, 0, now_ms);
        }
    }
}

/** Those of its call who have no seat yet come along. @return false: no memory */
static bool name_others(struct gather *g)
{
    struct call *c = g->call;

    if (g->by->seat == NULL) {
        g->first = true;
        if (!gather_add(g, c->a, c->a) || !gather_add(g, c->b, c->b)) {
            return false;
        }
    }
    return gather_add(g, g->added, g->added);
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *x = b->conn;
    struct gather *g = open_of(b);

    if (g == NULL) {
        branch_let_go(leg, now_ms);
        return;
    }
    x->stem = b;
    connection_stop_ringing(x, b, STR(CALL_ELSEWHERE), now_ms);
    callee_news(x, m, now_ms);
    g->uui_answer = arena_dup(&x->call->arena, uus_values(x, UUS_ANSWER, m));
    media_received(x, m);
    if (!media_has_sdp(m) || x->desc.n == 0) {
        gather_fail(g, CALL_REFUSED, 488, now_ms);
    } else if (!name_others(g)) {
        gather_fail(g, CALL_NO_RESOURCES, 503, now_ms);
    } else {
        gather_go(g, now_ms);
    }
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct gather *g = open_of(b);
    unsigned best = g == NULL ? 0 : branch_refused(b, status, m, now_ms);

    if (best != 0) {
        gather_fail(g, CALL_REFUSED, best, now_ms);
    }
}

static const struct leg_user invited_user = {
    .on_provisional = on_provisional,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = leg_no_cancel,
    BRANCH_LEG_USER,
};

static enum call_error find(struct connection *conn, struct str to, struct destination *out)
{
    struct call *c = conn->call;

    if (!destination_of_text(c->layer, to, out) ||
        !destination_permitted(c->layer, conn->device, out) ||
        (out->device != NULL && call_connection(c, out->device) != NULL)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    return out->device != NULL && registrar_find(c->layer->registrar, out->device->key) == NULL
               ? CALL_NOT_REGISTERED
               : CALL_OK;
}

enum call_error call_invite_party(struct connection *conn, const struct call_invite_args *args,
                                  struct connection **out, call_done_fn fn, void *owner,
                                  uint64_t now_ms)
{
    struct call *c = conn->call;
    struct call_layer *l = c->layer;
    struct destination to;
    enum call_error err =
        call_has_focus(l) ? call_step_ready(conn, CONN_CONNECTED) : CALL_NO_FOCUS;
    struct connection *x;
    struct gather *g;
    struct str lines;

    if (err == CALL_OK && args->silent && l->config.silent_room.n == 0) {
        err = CALL_UNSUPPORTED;
    }
    if (err == CALL_OK && c->phase != CALL_ACTIVE) {
        err = CALL_BAD_STATE;
    }
    err = err == CALL_OK && !may_confer(conn) ? CALL_RESTRICTED : err;
    err = err == CALL_OK ? find(conn, args->to, &to) : err;
    err = err == CALL_OK && is_full(c, 1) ? CALL_FULL : err;
    if (err != CALL_OK) {
        return err;
    }
    err = context_of_service(c, args->uui, &to, &lines);
    if (err != CALL_OK) {
        return err;
    }
    if (!prepare_room(c) || (x = call_add_connection(c, to.device, to.id)) == NULL) {
        return CALL_NO_RESOURCES;
    }
    x->ended = true; /* until it is being called */
    g = gather_new(c, NULL, fn, owner);
    if (g == NULL) {
        return CALL_NO_RESOURCES;
    }
    g->stage = GATHER_INVITING;
    g->by = conn;
    g->added = x;
    g->silent = args->silent;
    x->ended = false;
    x->moved = "singleStepConference";
    x->uui_lines = lines;
    x->behalf = conn;
    if (call_invite_with(x, &to, conn, &(struct ring){.lines = lines, .user = &invited_user},
                         now_ms) != 0) {
        x->behalf = NULL;
        discard(g);
        return CALL_NO_RESOURCES;
    }
    timer_set(l->wheel, &g->limit, now_ms + l->config.ring_s * 1000ull);
    *out = x;
    return CALL_OK;
}
