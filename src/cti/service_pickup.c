/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DirectedPickupCall and GroupPickupCall (ECMA-269 §17.1.9, §17.1.10): a device takes a call of
 * another one; ParkCall (§17.1.16): it is left for that at a device.
 *
 * Directed, the application must be granted both devices. The call may be one that is only
 * offered: it has no events yet, but callID and deviceID name it all the same. In a group the
 * device that takes the call must be granted; whose calls it may take is said by the groups of
 * the configuration. A group that is named must have it; without pickGroup all are
 * meant that the device is in.
 */
#include "cti/serve.h"

/** A connection whose phone has not rung yet; NULL: that is not what the ConnectionID means. */
static struct connection *offered(const struct request *r, const struct csta_connection_id *id)
{
    struct device *dev = directory_device_named(r->cti->directory, id->device_id.value);
    struct call *call = id->call_id.n > 0 ? call_find(r->cti->calls, id->call_id) : NULL;
    struct connection *conn = call != NULL && dev != NULL ? call_connection(call, dev) : NULL;

    return conn != NULL && conn == call->b && conn->state == CONN_NULL &&
                   call->phase == CALL_SETUP && request_may(r, conn->device)
               ? conn
               : NULL;
}

static struct outcome pick_up(struct request *r, struct connection *conn, struct data *data,
                              struct device *by)
{
    const struct cti_driver *driver = r->cti->driver;
    struct call_pickup args = {.by = by, .uui = data->uui};
    struct outcome err;
    struct pending *p = hold_on(r, conn, &err);

    if (p == NULL) {
        return err;
    }
    if (!correlate(r, conn->call, data, &err)) {
        pending_free(p);
        return err;
    }
    return begun(r, p, conn, data,
                 driver->pickup(r->cti->driver_ctx, conn, &args, &p->made, pending_on_done, p,
                                r->now_ms));
}

struct outcome service_directed_pickup_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_DIRECTED_PICKUP_CALL,
                                       STATE(ALERTING) | STATE(QUEUED) | STATE(HOLD)};
    const struct csta_directed_pickup_call *m = r->msg->directed_pickup_call;
    struct connection *conn;
    struct device *by;
    struct outcome err;
    struct data data;

    if (r->cti->driver->pickup == NULL) {
        return not_for_this_device();
    }
    if (!take_both(r, &m->user_data, &m->correlator_data, &data, &err) ||
        !resolve_device(r, &m->requesting_device, CSTA_OPERATION_INVALID_DEVICE_ID, &by,
                        &err)) {
        return err;
    }
    conn = offered(r, &m->call_to_be_picked_up);
    return conn == NULL && !resolve_connection(r, &m->call_to_be_picked_up, &want, &conn, &err)
               ? err
               : pick_up(r, conn, &data, by);
}

/** The call of that group, or of any that the device is in. @return NULL with *err */
static struct connection *find_in_groups(const struct request *r, struct str name,
                                         const struct device *by, struct outcome *err)
{
    const struct call_config *config = &r->cti->calls->config;
    struct connection *found = NULL;
    bool known = false;

    for (size_t i = 0; found == NULL && i < config->group_count; i++) {
        const struct call_group *g = &config->groups[i];
        if ((name.n == 0 || str_eq(g->name, name)) && call_group_has(g, by)) {
            known = true;
            found = call_group_call(r->cti->calls, g, by);
        }
    }
    *err = outcome_error(CSTA_ERROR_STATE_INCOMPATIBILITY, CSTA_INCOMPATIBLE_NO_CALL_TO_ANSWER,
                         "nobody is called in the group");
    if (!known && name.n > 0) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PICK_UP_DEVICE_ID,
                             "the device is in no such group");
    } else if (!known) {
        *err =
            outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_DEVICE,
                          "the device is in no group");
    }
    return found;
}

struct outcome service_group_pickup_call(struct request *r)
{
    const struct csta_group_pickup_call *m = r->msg->group_pickup_call;
    struct connection *conn;
    struct device *by;
    struct outcome err;
    struct data data;

    if (r->cti->driver->pickup == NULL) {
        return not_for_this_device();
    }
    if (!take_both(r, &m->user_data, &m->correlator_data, &data, &err) ||
        !resolve_device(r, &m->new_destination, CSTA_OPERATION_INVALID_DEVICE_ID, &by, &err)) {
        return err;
    }
    conn = find_in_groups(r, m->pick_group.value, by, &err);
    return conn == NULL ? err : pick_up(r, conn, &data, by);
}

struct outcome service_park_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_PARK_CALL, STATE(CONNECTED) | STATE(HOLD)};
    const struct csta_park_call *m = r->msg->park_call;
    const struct cti_driver *driver = r->cti->driver;
    struct connection *conn;
    struct pending *p;
    struct outcome err;
    struct data data = {0};

    if (driver->park == NULL) {
        return not_for_this_device();
    }
    if (!take_correlator(r, &m->correlator_data, &data.correlator, &err) ||
        !resolve_connection(r, &m->parking, &want, &conn, &err) ||
        (p = hold_on(r, conn, &err)) == NULL) {
        return err;
    }
    if (!correlate(r, conn->call, &data, &err)) {
        pending_free(p);
        return err;
    }
    return begun(r, p, conn, &data,
                 driver->park(r->cti->driver_ctx, conn, m->park_to.value, &p->made,
                              pending_on_done, p, r->now_ms));
}
