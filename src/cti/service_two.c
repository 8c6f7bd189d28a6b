/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services on two calls of a device (ECMA-269 §17.1; TR/87 7.5 to 7.7, 7.10), and ClearCall.
 *
 * Each takes two connections of one device. Where a ConnectionID has a deviceID only, heldCall
 * means the one call that the device holds and activeCall the one in which it talks; a
 * ReconnectCall without heldCall means the one that the device of activeCall holds.
 */
#include "cti/serve.h"

struct outcome service_consultation_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_CONSULTATION_CALL, STATE(CONNECTED)};
    static const enum call_consult_for options[CSTA_CONSULT_OPTIONS_COUNT] = {
        [CSTA_CONSULT_OPTIONS_CONSULT_ONLY] = CALL_CONSULT_ONLY,
        [CSTA_CONSULT_OPTIONS_TRANSFER_ONLY] = CALL_CONSULT_TRANSFER,
        [CSTA_CONSULT_OPTIONS_CONFERENCE_ONLY] = CALL_CONSULT_CONFERENCE,
    };
    const struct csta_consultation_call *m = r->msg->consultation_call;
    const struct cti_driver *driver = r->cti->driver;
    struct call_make args = {.to = number_dialled(r, m->consulted_device.value)};
    struct data none = {0};
    struct connection *conn;
    struct pending *p;
    struct outcome err;

    if (driver->consult == NULL) {
        return not_for_this_device();
    }
    if (!take_user_data(r, &m->user_data, &args.uui, &err) ||
        !take_correlator(r, &m->correlator_data, &args.correlator, &err) ||
        !resolve_connection(r, &m->existing_call, &want, &conn, &err) ||
        (p = hold_on(r, conn, &err)) == NULL) {
        return err;
    }
    return begun(r, p, conn, &none,
                 driver->consult(r->cti->driver_ctx, conn, &args, options[m->consult_options],
                                 &p->made, pending_on_done, p, r->now_ms));
}

typedef enum call_error (*two_fn)(void *ctx, struct connection *one, struct connection *two,
                                  call_done_fn fn, void *owner, uint64_t now_ms);

/** @param of  whose call the request is about: its callID is in the answer */
static struct outcome start(struct request *r, two_fn fn, struct connection *one,
                            struct connection *two)
{
    struct data none = {0};
    struct outcome err;
    struct pending *p;

    if (one->call == two->call) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CONNECTION_ID,
                             "it takes two different calls");
    }
    p = hold_on(r, one, &err);
    if (p == NULL) {
        return err;
    }
    memcpy(p->second_id, two->call->id, CALL_ID_LEN);
    return begun(r, p, one, &none,
                 fn(r->cti->driver_ctx, one, two, pending_on_done, p, r->now_ms));
}

struct outcome service_alternate_call(struct request *r)
{
    static const struct wanted held_want = {CSTA_MSG_ALTERNATE_CALL, STATE(HOLD)};
    static const struct wanted active_want = {CSTA_MSG_ALTERNATE_CALL, STATE(CONNECTED)};
    const struct csta_alternate_call *m = r->msg->alternate_call;
    struct connection *held, *active;
    struct outcome err;

    if (r->cti->driver->alternate == NULL) {
        return not_for_this_device();
    }
    return !resolve_connection(r, &m->held_call, &held_want, &held, &err) ||
                   !resolve_connection(r, &m->active_call, &active_want, &active, &err)
               ? err
               : start(r, r->cti->driver->alternate, held, active);
}

struct outcome service_reconnect_call(struct request *r)
{
    static const struct wanted held_want = {CSTA_MSG_RECONNECT_CALL, STATE(HOLD)};
    static const struct wanted active_want = {CSTA_MSG_RECONNECT_CALL,
                                              STATE(CONNECTED) | STATE(ALERTING) | STATE(FAIL) |
                                                  STATE(INITIATED) | STATE(QUEUED)};
    const struct csta_reconnect_call *m = r->msg->reconnect_call;
    struct csta_connection_id other = m->held_call;
    struct connection *held, *active;
    struct outcome err;

    if (r->cti->driver->reconnect == NULL) {
        return not_for_this_device();
    }
    if (!resolve_connection(r, &m->active_call, &active_want, &active, &err)) {
        return err;
    }
    if (csta_connection_is_absent(&other)) {
        other.device_id.value = active->id;
    }
    return !resolve_connection(r, &other, &held_want, &held, &err)
               ? err
               : start(r, r->cti->driver->reconnect, active, held);
}

struct outcome service_transfer_call(struct request *r)
{
    static const struct wanted held_want = {CSTA_MSG_TRANSFER_CALL, STATE(HOLD)};
    static const struct wanted active_want = {CSTA_MSG_TRANSFER_CALL, STATE(CONNECTED)};
    const struct csta_transfer_call *m = r->msg->transfer_call;
    struct connection *held, *active;
    struct outcome err;

    if (r->cti->driver->unite == NULL) {
        return not_for_this_device();
    }
    return !resolve_connection(r, &m->held_call, &held_want, &held, &err) ||
                   !resolve_connection(r, &m->active_call, &active_want, &active, &err)
               ? err
               : start(r, r->cti->driver->unite, held, active);
}

/** A party that is still in the call. @param of  only those whose device this request may
    command; NULL: whoever it is, also from outside */
static struct connection *party_left(const struct request *of, const struct call *call)
{
    list_each(it, &call->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (connection_is_live(conn) &&
            (of == NULL || (conn->device != NULL && request_may(of, conn->device)))) {
            return conn;
        }
    }
    return NULL;
}

/** A party in whose name a whole call is cleared: with a callID alone any that the application
    may command. An administrator ends every call that stands: one that our devices have left,
   too, for nobody else could. */
static bool resolve_clearer(const struct request *r, struct connection **out,
                            struct outcome *err)
{
    static const struct wanted want = {CSTA_MSG_CLEAR_CALL, ~STATE(NULL)};
    const struct csta_connection_id *id = &r->msg->clear_call->call_to_be_cleared;
    const struct application *app = r->from.session->app;
    struct call *call;

    if (id->call_id.n == 0 || id->device_id.value.n > 0) {
        return resolve_connection(r, id, &want, out, err);
    }
    if (!resolve_call(r, id, &call, err)) {
        return false;
    }
    *out = party_left(r, call);
    if (*out == NULL && access_scopes_admin(app->scopes, app->scope_count)) {
        *out = party_left(NULL, call);
    }
    return *out != NULL || resolve_connection(r, id, &want, out, err);
}

struct outcome service_clear_call(struct request *r)
{
    static const struct csta_clear_call_response answer;
    const struct csta_clear_call *m = r->msg->clear_call;
    struct str reason = STR_NONE;
    struct connection *conn;
    struct outcome err;
    struct data data = {0};

    if (r->cti->driver->clear_all == NULL) {
        return not_for_this_device();
    }
    if (!take_user_data(r, &m->user_data, &data.uui, &err) ||
        !resolve_clearer(r, &conn, &err)) {
        return err;
    }
    if (m->reason != CSTA_CAUSE_ABSENT) {
        reason = csta_event_cause_name(m->reason);
    }
    return answer_of(
        r, &answer, conn, &data,
        r->cti->driver->clear_all(r->cti->driver_ctx, conn, reason, data.uui, r->now_ms));
}
