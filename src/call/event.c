/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling what happened: the only place from which call events leave.
 *
 * A connection's state changes here and nowhere else, together with the event that reports it,
 * so that state and report cannot disagree. The flags alerted, established, ended make each
 * of these events happen once: a second 180, a fork's second 2xx, BYE from both sides at
 * once are no news. `ended` is the terminal event; after it a connection is never told of.
 *
 * User-to-User of one message can stand in several events: that of the set-up in all of them,
 * that of the message which ends the call in Failed and each ConnectionCleared. All but the
 * first say so, for those who count messages.
 */
#include "call/parts.h"

/** A party that a referral is calling: its caller is the one who stays, if all goes well. */
static void on_behalf(struct call_event *e)
{
    const struct connection *x = e->subject;
    const struct connection *leaver = call_other(x->behalf);

    e->calling = x->behalf;
    e->calling_id = x->behalf->id;
    e->uui_to = call_uui_values(x->uui_lines);
    e->uui_to_came = context_came(x->call->layer, SEAL_FORWARD, NULL);
    if (gather_invites(x)) { /* nobody leaves for it */
        e->called_id = x->id;
        e->last_redirection = STR_NONE;
        return;
    }
    if (leaver != NULL) {
        e->called_id = leaver->originating ? x->id : e->called_id;
        e->last_redirection = leaver->id;
    }
}

struct call_event call_event_make(const struct call *c, enum call_event_kind kind,
                                  const struct connection *subject, const char *cause,
                                  uint64_t now_ms)
{
    struct call_event e = {
        .kind = kind,
        .call = c,
        .subject = subject,
        .cause = cause,
        .now_ms = now_ms,
        .called_id = c->called,
        .last_redirection = c->last_redirection,
        .uui_to = c->uui,
        .uui_to_came = c->uui_came,
    };
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->originating) {
            e.calling = conn->ended ? NULL : conn;
            e.calling_id = conn->id;
            break;
        }
    }
    if (subject->behalf != NULL) {
        on_behalf(&e);
    }
    return e;
}

/** The connection of its call that this pointer to const means. */
static struct connection *call_party(const struct connection *conn)
{
    list_each(it, &conn->call->connections)
    {
        struct connection *own = list_entry(it, struct connection, link);
        if (own == conn) {
            return own;
        }
    }
    return NULL;
}

/** What an event of a made call means to who asked for it with a REFER. */
static void tell_progress(struct call *c, const struct call_event *e)
{
    struct call_progress heard = c->heard;
    unsigned status = 0;

    if (e->kind == CALL_EV_DELIVERED && e->subject == c->b) {
        status = 180;
    } else if (e->kind == CALL_EV_ESTABLISHED && e->subject == c->b) {
        status = 200;
    } else if (e->kind == CALL_EV_FAILED && e->subject == c->b) {
        status = e->status != 0 ? e->status : 487;
    } else if (e->kind == CALL_EV_CONNECTION_CLEARED && e->subject == c->a) {
        status = 487;
    }
    if (status != 0) {
        c->heard.fn = status >= 200 ? NULL : heard.fn;
        heard.fn(heard.owner, status, status >= 200, e->now_ms);
    }
}

void call_tell(struct call_event *e)
{
    struct call *c = e->subject->call;
    struct call_layer *l = c->layer;
    struct connection *own = e->subject->behalf == NULL ? NULL : call_party(e->subject);
    bool *told = own != NULL ? &own->uui_told : &c->uui_told;

    call_touch(c);
    if (e->secondary != NULL && l->env->watch != NULL) {
        l->env->watch->joined(l->env->watch->ctx, str_make(c->id, CALL_ID_LEN),
                              str_make(e->secondary->call->id, CALL_ID_LEN));
    }
    e->uui_to_again = *told;
    *told = *told || str_is_set(e->uui_to);
    if (e->kind == CALL_EV_CONNECTION_CLEARED || e->kind == CALL_EV_FAILED) {
        e->uui_from_again = c->end_uui_told;
        c->end_uui_told = c->end_uui_told || str_is_set(e->uui_from);
    }
    if (l->on_event != NULL) {
        l->on_event(l->ctx, e);
    }
    if (c->heard.fn != NULL) {
        tell_progress(c, e);
    }
}

/** A value of the other side, in a message that has just come from this one. */
static void from_party(struct call_event *e, const struct connection *from, enum seal_way way,
                       struct str uui)
{
    const struct leg *leg = from != NULL && from->stem != NULL ? from->stem->leg : NULL;
    const struct dialog *d = leg == NULL ? NULL : leg->dialog != NULL ? leg->dialog : leg->seed;

    e->uui_from = uui;
    if (uui.n > 0) {
        e->uui_from_came = context_came(e->call->layer, way, d);
    }
}

void connection_informs(struct connection *conn, struct str uui, uint64_t now_ms)
{
    struct call_event e =
        call_event_make(conn->call, CALL_EV_INFORMATION, conn, "normal", now_ms);

    e.uui_to = STR_NONE;
    from_party(&e, conn, SEAL_BACKWARD, uui);
    call_tell(&e);
}

void connection_dialed(struct connection *conn, struct str digits, const char *cause,
                       uint64_t now_ms)
{
    struct call_event e =
        call_event_make(conn->call, CALL_EV_DIGITS_DIALED, conn, cause, now_ms);

    e.uui_to = STR_NONE; /* it goes out with the call, not with the digits */
    e.digits = digits;
    call_tell(&e);
}

void connection_alerting(struct connection *conn, const struct sip_msg *m, const char *cause,
                         uint64_t now_ms)
{
    struct call *c = conn->call;
    struct call_event e;

    if (conn->alerted || conn->established || conn->ended) {
        return;
    }
    conn->alerted = true;
    conn->state = CONN_ALERTING;
    e = call_event_make(c, CALL_EV_DELIVERED, conn, cause, now_ms);
    from_party(&e, conn, SEAL_BACKWARD, uus_values(conn, UUS_ANSWER, m));
    context_came_back(conn, e.uui_from, UUI_ROLE_ANSWERER, m);
    call_tell(&e);
}

/** Calls that wait at that device. */
static uint32_t waiting_at(const struct device *d)
{
    const struct connection *conn = NULL;
    uint32_t n = 0;

    while (d != NULL && (conn = call_of_device(d, conn)) != NULL) {
        n += conn->state == CONN_QUEUED;
    }
    return n;
}

void connection_queued(struct connection *conn, const char *cause, uint64_t now_ms)
{
    struct call_event e;

    conn->state = CONN_QUEUED;
    if (conn->queued || conn->ended) {
        return; /* its place is the one that it had */
    }
    conn->queued = true;
    e = call_event_make(conn->call, CALL_EV_QUEUED, conn, cause, now_ms);
    e.number_queued = waiting_at(conn->device);
    e.in_front = e.number_queued > 0 ? e.number_queued - 1 : 0;
    call_tell(&e);
}

void connection_established(struct connection *conn, const struct sip_msg *m, const char *cause,
                            uint64_t now_ms)
{
    struct str uui = uus_values(conn, UUS_ANSWER, m);

    context_came_back(conn, uui, UUI_ROLE_ANSWERER, m);
    connection_established_with(conn, uui, cause, now_ms);
}

void connection_established_with(struct connection *conn, struct str uui, const char *cause,
                                 uint64_t now_ms)
{
    struct call *c = conn->call;
    struct call_event e;

    if (conn->established || conn->ended) {
        return;
    }
    step_answered(conn, now_ms);
    conn->established = true;
    conn->state = CONN_CONNECTED;
    if (c->answered_s == 0 && !conn->originating) {
        c->answered_s = c->layer->env->wall_s(c->layer->env->ctx);
    }
    e = call_event_make(c, CALL_EV_ESTABLISHED, conn, cause, now_ms);
    from_party(&e, conn, SEAL_BACKWARD, uui);
    context_came_back(conn, uui, UUI_ROLE_ANSWERER, NULL);
    call_tell(&e);
}

void connection_cleared(struct connection *conn, const struct connection *by, const char *cause,
                        struct str uui, uint64_t now_ms)
{
    const struct connection *called = conn->call->b;
    bool answered = called == NULL || called->established;
    struct call_event e;

    if (conn->ended) {
        return;
    }
    conn->ended = true;
    conn->state = CONN_NULL;
    e = call_event_make(conn->call, CALL_EV_CONNECTION_CLEARED, conn, cause, now_ms);
    e.by = by;
    e.by_id = by == NULL ? conn->id : by->id;
    e.uui_to = STR_NONE;
    /* a call that nobody has answered ends by a response */
    from_party(&e, by, answered ? SEAL_END : SEAL_BACKWARD, uui);
    if (by != NULL) {
        context_came_back(by, uui, answered ? UUI_ROLE_ORIGINATOR : UUI_ROLE_ANSWERER, NULL);
    }
    call_tell(&e);
}

void connection_failed(struct connection *conn, unsigned status, const char *cause,
                       struct str uui, uint64_t now_ms)
{
    struct call_event e;

    if (!conn->ended) {
        conn->state = CONN_FAIL;
    }
    e = call_event_make(conn->call, CALL_EV_FAILED, conn, cause, now_ms);
    e.status = status;
    from_party(&e, conn, SEAL_BACKWARD, uui);
    context_came_back(conn, uui, UUI_ROLE_ANSWERER, NULL);
    call_tell(&e);
}
