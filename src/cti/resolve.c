/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which device and which connection a request means, and whether this application may touch it.
 *
 * A ConnectionID names a connection by callID and deviceID. Either may be left out (TR/87
 * X-10), then the one connection is meant that is in a state which the service needs: of the
 * device, or, among the devices that the application may use, of the call. If several are, the
 * request is refused; nothing is guessed.
 */
#include "cti/parts.h"

static bool fail(struct outcome *err, enum csta_error_kind kind, unsigned value,
                 const char *why)
{
    *err = outcome_error(kind, value, why);
    return false;
}

bool request_may(const struct request *r, const struct device *d)
{
    const struct application *app = r->from.session->app;

    return r->need == ACCESS_OBSERVE ? directory_may_observe(app, d)
                                     : directory_may_control(app, d);
}

/** @param seen  the application may observe what it wanted to command */
static bool denied(struct outcome *err, bool seen)
{
    return fail(err, CSTA_ERROR_OPERATION, CSTA_OPERATION_PRIVILEGE_VIOLATION_SPECIFIED_DEVICE,
                seen ? "this application may observe the device, but not control it"
                     : "this application is not granted the device");
}

bool resolve_device(const struct request *r, const struct csta_device_id *id, unsigned unknown,
                    struct device **out, struct outcome *err)
{
    *out = device_named(r, id->value);
    if (*out == NULL) {
        return fail(err, CSTA_ERROR_OPERATION, unknown, "there is no such device");
    }
    audit_device(r, *out);
    return request_may(r, *out) ||
           denied(err, directory_may_observe(r->from.session->app, *out));
}

static bool no_connection(struct outcome *err)
{
    return fail(err, CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CONNECTION_ID,
                "there is no such connection");
}

/** Nothing there, or no more than one: the end of a search among candidates. */
static bool decide(struct connection *found, size_t count, enum csta_msg_id service,
                   struct connection **out, struct outcome *err)
{
    *out = found;
    if (count == 1) {
        return true;
    }
    if (count == 0) {
        *err = outcome_error(CSTA_ERROR_ABSENT, 0,
                             "no connection is in a state that the service needs");
        err->error = error_of_state(service);
        return false;
    }
    return fail(err, CSTA_ERROR_STATE_INCOMPATIBILITY,
                CSTA_INCOMPATIBLE_INVALID_CONNECTION_STATE,
                "several connections could be meant: give callID and deviceID");
}

static bool of_device(struct device *dev, const struct wanted *want, struct connection **out,
                      struct outcome *err)
{
    struct connection *found = NULL;
    size_t count = 0;

    for (struct connection *conn = NULL; (conn = call_of_device(dev, conn)) != NULL;) {
        if (connection_is_live(conn) && (want->states >> conn->state & 1U) != 0) {
            found = conn;
            count++;
        }
    }
    return decide(found, count, want->service, out, err);
}

/** One device of the call is enough, also one that has left; for an administrator none is
    needed. */
static bool request_may_call(const struct request *r, const struct call *call)
{
    const struct application *app = r->from.session->app;

    if (access_scopes_admin(app->scopes, app->scope_count)) {
        return true;
    }
    list_each(it, &call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->device != NULL && request_may(r, conn->device)) {
            return true;
        }
    }
    return false;
}

static bool of_call(const struct request *r, const struct call *call, const struct wanted *want,
                    struct connection **out, struct outcome *err)
{
    struct connection *found = NULL;
    size_t count = 0;
    bool live = false, any = false;

    list_each(it, &call->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (!connection_is_live(conn) || conn->device == NULL) {
            continue;
        }
        live = true;
        if (!request_may(r, conn->device)) {
            continue;
        }
        any = true;
        if ((want->states >> conn->state & 1U) != 0) {
            found = conn;
            count++;
        }
    }
    if (any) {
        return decide(found, count, want->service, out, err);
    }
    /* it is over for all, and only waits for their phones */
    return !live && request_may_call(r, call)
               ? no_connection(err)
               : denied(err, call_may_observe(call, r->from.session->app));
}

/** The connection that was found says the rest. @return found */
static bool audited_connection(const struct request *r, bool found,
                               struct connection *const *conn)
{
    if (found) {
        audit_device(r, (*conn)->device);
        audit_call(r, str_make((*conn)->call->id, CALL_ID_LEN));
    }
    return found;
}

bool resolve_connection(const struct request *r, const struct csta_connection_id *id,
                        const struct wanted *want, struct connection **out, struct outcome *err)
{
    struct device *dev = NULL;
    struct call *call;

    if (csta_connection_is_absent(id)) {
        return fail(err, CSTA_ERROR_OPERATION,
                    CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                    "the ConnectionID has neither callID nor deviceID");
    }
    if (id->device_id.value.n > 0 &&
        !resolve_device(r, &id->device_id, CSTA_OPERATION_INVALID_DEVICE_ID, &dev, err)) {
        return false;
    }
    if (id->call_id.n == 0) {
        return audited_connection(r, of_device(dev, want, out, err), out);
    }
    audit_call(r, id->call_id);
    call = call_find(r->cti->calls, id->call_id);
    if (call == NULL) {
        return no_connection(err);
    }
    if (dev == NULL) {
        return audited_connection(r, of_call(r, call, want, out, err), out);
    }
    *out = call_connection(call, dev);
    return *out != NULL && connection_is_live(*out) ? true : no_connection(err);
}

bool resolve_call(const struct request *r, const struct csta_connection_id *id,
                  struct call **out, struct outcome *err)
{
    const struct wanted any = {.service = r->msg->id, .states = ~0U};
    struct connection *conn;

    if (csta_connection_is_absent(id) || id->call_id.n == 0 || id->device_id.value.n > 0) {
        if (!resolve_connection(r, id, &any, &conn, err)) {
            return false;
        }
        *out = conn->call;
        return true;
    }
    *out = call_find(r->cti->calls, id->call_id);
    if (*out == NULL) {
        return no_connection(err);
    }
    audit_call(r, id->call_id);
    return request_may_call(r, *out) ||
           denied(err, call_may_observe(*out, r->from.session->app));
}
