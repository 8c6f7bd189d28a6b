/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AnswerCall, ClearConnection, and what is possible when.
 *
 * Only a phone can answer itself. Baton asks it with NOTIFY "Event: talk" inside the early
 * dialog, and only if the phone has said (Allow-Events in its registration or in its 180)
 * that it knows it; else the service is refused.
 *
 * Clearing depends on the state: BYE for a call that is up, the final response chosen by
 * `reason` for one that rings, CANCEL for one that Baton is calling.
 */
#include "base/err.h"
#include "call/conference.h"
#include "call/parts.h"

/* ---- answer ---- */

static void talk_on_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                             uint64_t now_ms)
{
    struct call *c = r->owner;

    (void)m;
    if (status < 200 || c->step == NULL) {
        return;
    }
    *step_request(c->step) = NULL;
    if (status < 300) {
        step_done(c->step, CALL_OK, 0, now_ms);
    } else {
        step_done(c->step, CALL_REFUSED, status, now_ms);
    }
}

/** A ringing branch whose phone takes `talk`, and the dialog to ask it in. */
static struct branch *talker(const struct connection *conn, struct dialog **d)
{
    list_each(it, &conn->branches)
    {
        struct branch *b = list_entry(it, struct branch, link);
        if (b->leg == NULL || b->refused || b->leg->state != LEG_EARLY) {
            continue;
        }
        list_each(jt, &b->leg->dialogs)
        {
            *d = list_entry(jt, struct dialog, link);
            if (b->talk || (*d)->peer_talk) {
                return b;
            }
        }
    }
    return NULL;
}

/** Has no phone been heard of that could be asked, but one still may? */
static bool rings_later(const struct connection *conn)
{
    list_each(it, &conn->branches)
    {
        const struct branch *b = list_entry(it, struct branch, link);
        if (b->leg != NULL && !b->refused && b->leg->state < LEG_EARLY) {
            return true;
        }
    }
    return false;
}

enum call_error call_answer(struct connection *conn, call_done_fn fn, void *owner,
                            uint64_t now_ms)
{
    static const char lines[] = "Event: talk\r\nSubscription-State: active\r\n";
    struct call *c = conn->call;
    struct dialog *d = NULL;
    struct branch *b;
    struct step *s;

    if (conn->state != CONN_ALERTING && conn->state != CONN_INITIATED) {
        return CALL_BAD_STATE;
    }
    if (c->step != NULL) {
        return CALL_BUSY_STEP;
    }
    b = talker(conn, &d);
    if (b == NULL) {
        return rings_later(conn) ? CALL_BAD_STATE : CALL_UNSUPPORTED;
    }
    s = step_new(conn, STEP_ANSWER, fn, owner, now_ms);
    if (s == NULL) {
        return CALL_NO_RESOURCES;
    }
    if (leg_send(b->leg, d, STR("NOTIFY"), &(struct leg_content){.lines = str_c(lines)},
                 talk_on_response, c, step_request(s), now_ms) != 0) {
        step_cancel(s, now_ms);
        return CALL_NO_RESOURCES;
    }
    return CALL_OK;
}

/* ---- clear ---- */

static void clear_alerting(struct connection *conn, struct str reason, uint64_t now_ms)
{
    struct call *c = conn->call;
    unsigned status = cause_to_status(reason, c->layer->config.decline_status);
    struct str line = cause_to_reason_line(reason);
    struct str name = str_is_set(reason) && line.n > 0 ? reason : STR("normalClearing");
    const char *cause = cause_name(name);

    if (referral_clear(conn, status, now_ms) || gather_clear(conn, status, now_ms)) {
        return;
    }
    connection_stop_ringing(conn, NULL, line, now_ms);
    connection_cleared(conn, conn, cause, STR_NONE, now_ms);
    call_setup_failed(c, status, NULL, now_ms);
}

/** Would the farewell arrive at everybody who is told? */
static bool all_take(struct call *c, struct str values)
{
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (!conn->ended && !context_fits(c->layer, &conn->policy, NULL, values)) {
            return false;
        }
    }
    return true;
}

/** @param whole  the call ends, even if it is a conference that could do without `conn` */
static enum call_error clear(struct connection *conn, struct str reason, struct str uui,
                             bool whole, uint64_t now_ms)
{
    struct call *c = conn->call;
    struct str parts[2];
    struct leg_content content = {0};
    enum call_error err;

    if (conn->ended || c->phase == CALL_ENDING) {
        return CALL_BAD_STATE;
    }
    if (conn->state == CONN_ALERTING ||
        (conn->state == CONN_QUEUED && c->phase == CALL_SETUP && conn == c->b)) {
        clear_alerting(conn, reason, now_ms);
        return CALL_OK;
    }
    parts[0] = cause_to_reason_line(reason);
    err = call_uui_sealed_line(c->layer, uui, SEAL_END, &parts[1]);
    if (err == CALL_OK && !all_take(c, call_uui_values(parts[1]))) {
        err = CALL_UNFIT_DATA;
    }
    if (err != CALL_OK) {
        return err;
    }
    if (!context_mark(c, conn, call_uui_values(parts[1]), UUI_ROLE_BATON, STR_NONE)) {
        return CALL_NO_RESOURCES;
    }
    content.lines = arena_join(c->layer->scratch, parts, 2);
    if (c->b != NULL && c->b->stem == NULL) {
        connection_stop_ringing(c->b, NULL, parts[0], now_ms);
    }
    uui = call_uui_values(parts[1]);
    if (whole || !conference_drop(conn, cause_name(reason), &content, uui, now_ms)) {
        call_release(c, conn, cause_name(reason), &content, uui, now_ms);
    }
    return CALL_OK;
}

enum call_error call_clear(struct connection *conn, struct str reason, struct str uui,
                           uint64_t now_ms)
{
    return clear(conn, reason, uui, false, now_ms);
}

/** A party that does not ring, so that its end is the end of all; NULL: there is none. */
static struct connection *settled(const struct call *c)
{
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (!conn->ended && conn->state != CONN_NULL && conn->state != CONN_ALERTING) {
            return conn;
        }
    }
    return NULL;
}

enum call_error call_clear_all(struct connection *by, struct str reason, struct str uui,
                               uint64_t now_ms)
{
    struct call *c = by->call;
    struct connection *conn = by;

    if (by->state == CONN_ALERTING && gather_invites(by) && settled(c) != NULL) {
        conn = settled(c);
    } else if (by->state == CONN_ALERTING && c->a != NULL && !c->a->ended) {
        conn =
            c->a; /* else another phone could go on ringing: the caller takes the call back */
    }
    return clear(conn, reason, uui, true, now_ms);
}

/* ---- what is possible ---- */

/** Services on this call and another one of its device. */
static unsigned two_call_services(const struct connection *conn)
{
    unsigned can = 0, one = call_has_focus(conn->call->layer) ? CALL_SVC_CONFERENCE : 0U;

    for (const struct connection *o = NULL;
         conn->device != NULL && (o = call_of_device(conn->device, o)) != NULL;) {
        bool other_held = o->state == CONN_HOLD;
        unsigned merge = conn->seat == NULL && o->seat == NULL ? CALL_SVC_UNITE : 0U;
        if (o->call == conn->call || o->call->phase == CALL_ENDING) {
            continue;
        }
        merge |= conn->seat == NULL || o->seat == NULL ? one : 0U;
        if (conn->state == CONN_CONNECTED && other_held) {
            can |= CALL_SVC_ALTERNATE | CALL_SVC_RECONNECT | merge;
        } else if (conn->state == CONN_HOLD && (other_held || o->state == CONN_CONNECTED)) {
            can |= merge | (other_held ? 0U : CALL_SVC_ALTERNATE);
        } else if (conn->state == CONN_CONNECTED && o->state == CONN_CONNECTED) {
            can |= merge;
        }
    }
    return can;
}

unsigned call_services(const struct connection *conn)
{
    const struct connection *other = call_other(conn);
    bool two =
        connection_leg(other) != NULL && !other->ended && conn->call->phase == CALL_ACTIVE;
    struct dialog *d;

    switch ((enum connection_state)conn->state) {
    case CONN_ALERTING:
        return CALL_SVC_CLEAR | (conn->behalf == NULL ? CALL_SVC_DEFLECT : 0U) |
               (conn->behalf == NULL ? CALL_SVC_PICKUP : 0U) |
               (talker(conn, &d) != NULL ? CALL_SVC_ANSWER : 0U);
    case CONN_INITIATED:
        return CALL_SVC_CLEAR | (talker(conn, &d) != NULL ? CALL_SVC_ANSWER : 0U) |
               (conn->call->dialling ? CALL_SVC_DIAL : 0U);
    case CONN_CONNECTED:
        return CALL_SVC_CLEAR | two_call_services(conn) |
               (two ? CALL_SVC_HOLD | CALL_SVC_DIGITS : 0U) |
               (two && conn->seat == NULL ? CALL_SVC_TRANSFER | CALL_SVC_PARK : 0U) |
               (two && call_has_focus(conn->call->layer) ? CALL_SVC_INVITE : 0U) |
               (conn == conn->call->a && conn->call->phase == CALL_SETUP && other != NULL &&
                        other->device != NULL
                    ? CALL_SVC_CALL_BACK
                    : 0U) |
               (two && conn->mate == NULL ? CALL_SVC_CONSULT : 0U);
    case CONN_HOLD:
        return CALL_SVC_CLEAR | two_call_services(conn) |
               (two && conn->seat == NULL ? CALL_SVC_PICKUP | CALL_SVC_PARK : 0U) |
               (share_is_parked(conn) && conn->mate->state != CONN_HOLD ? 0U
                                                                        : CALL_SVC_RETRIEVE);
    case CONN_QUEUED:
        return CALL_SVC_CLEAR | CALL_SVC_PICKUP;
    case CONN_FAIL:
        return CALL_SVC_CLEAR;
    case CONN_NULL:
        break;
    }
    return 0;
}

void call_end_all(struct call_layer *l, uint64_t now_ms)
{
    list_each(jt, &l->calls)
    {
        list_each(kt, &list_entry(jt, struct call, link)->connections)
        {
            (void)share_cut(list_entry(kt, struct connection, link)); /* no leg goes back */
        }
    }
    list_each(it, &l->calls)
    {
        struct call *c = list_entry(it, struct call, link);
        struct leg *caller = connection_leg(c->a);
        if (caller != NULL && !caller->uac && caller->state <= LEG_EARLY) {
            if (c->b != NULL) {
                connection_stop_ringing(c->b, NULL, STR_NONE, now_ms);
            }
            call_setup_failed(c, 503, NULL, now_ms);
        } else {
            call_release(c, NULL, "switchingFunctionTerminated", NULL, STR_NONE, now_ms);
        }
    }
}
