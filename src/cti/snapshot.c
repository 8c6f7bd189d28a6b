/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SnapshotDevice: the calls that a device has now (ECMA-269 §16; TR/87 9.2).
 *
 * For each connection of the device: its id, the states of the call (own end first, then the
 * others that are known), who is at the other end, and which services are possible right now. A
 * client asks after MonitorStart, and again when it has lost a session.
 */
#include "cti/parts.h"

static struct csta_device_ref endpoint_of(const struct request *r,
                                          const struct connection *conn)
{
    const struct connection *other = call_other(conn);

    if (other == NULL || other->ended) {
        return (struct csta_device_ref){0};
    }
    if (other->restricted) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_RESTRICTED};
    }
    if (other->id.n > CSTA_ID_MAX) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_KNOWN};
    }
    return csta_device_ref_of(session_spelling(r->from.session, other->id));
}

static bool write_states(struct arena *a, const struct connection *conn,
                         struct csta_local_connection_state_list *out)
{
    enum csta_local_connection_state *state;
    size_t n = 0;

    list_each(it, &conn->call->connections)
    {
        n++;
    }
    state = arena_alloc(a, n * sizeof(*state));
    if (state == NULL) {
        return false;
    }
    out->item = state;
    out->n = 0;
    state[out->n++] = connection_csta_state(conn);
    list_each(jt, &conn->call->connections)
    {
        const struct connection *other = list_entry(jt, struct connection, link);
        if (other != conn && connection_is_live(other)) {
            state[out->n++] = connection_csta_state(other);
        }
    }
    return true;
}

static enum csta_bool if_set(unsigned bits, unsigned bit)
{
    return (bits & bit) != 0 ? CSTA_TRUE : CSTA_BOOL_ABSENT;
}

static const struct csta_services_permitted *permitted(const struct request *r,
                                                       const struct connection *conn)
{
    unsigned can = r->cti->driver->services(r->cti->driver_ctx, conn);
    struct csta_services_permitted *out = arena_zalloc(r->cti->scratch, sizeof(*out));
    struct csta_call_associated_services *more;
    struct csta_call_control_services *calls = arena_zalloc(r->cti->scratch, sizeof(*calls));

    if (out == NULL || calls == NULL) {
        return NULL;
    }
    calls->answer_call = if_set(can, CALL_SVC_ANSWER);
    calls->clear_connection = if_set(can, CALL_SVC_CLEAR);
    calls->deflect_call = if_set(can, CALL_SVC_DEFLECT);
    calls->hold_call = if_set(can, CALL_SVC_HOLD);
    calls->retrieve_call = if_set(can, CALL_SVC_RETRIEVE);
    calls->single_step_transfer = if_set(can, CALL_SVC_TRANSFER);
    calls->consultation_call = if_set(can, CALL_SVC_CONSULT);
    calls->alternate_call = if_set(can, CALL_SVC_ALTERNATE);
    calls->reconnect_call = if_set(can, CALL_SVC_RECONNECT);
    calls->transfer_call = if_set(can, CALL_SVC_UNITE);
    calls->dial_digits = if_set(can, CALL_SVC_DIAL);
    calls->clear_call = if_set(can, CALL_SVC_CLEAR);
    out->call_control_services = calls;
    if ((can & CALL_SVC_DIGITS) != 0) {
        more = arena_zalloc(r->cti->scratch, sizeof(*more));
        if (more == NULL) {
            return NULL;
        }
        more->generate_digits = CSTA_TRUE;
        out->call_associated_services = more;
    }
    return out;
}

static bool write_info(const struct request *r, const struct connection *conn,
                       struct str device, struct csta_snapshot_device_response_info *out)
{
    *out = (struct csta_snapshot_device_response_info){
        .connection_identifier = {.call_id = str_make(conn->call->id, CALL_ID_LEN),
                                  .device_id = {.value = device}},
        .endpoint_device = endpoint_of(r, conn),
        .services_permitted = permitted(r, conn),
    };
    out->local_call_state.kind = CSTA_CALL_STATE_COMPOUND_CALL_STATE;
    return out->services_permitted != NULL &&
           write_states(r->cti->scratch, conn,
                        &out->local_call_state.compound_call_state.local_connection_state);
}

struct outcome service_snapshot_device(struct request *r)
{
    const struct csta_snapshot_device *m = r->msg->snapshot_device;
    struct arena *a = r->cti->scratch;
    struct csta_snapshot_device_response *answer = arena_zalloc(a, sizeof(*answer));
    struct csta_snapshot_device_data_list *data = arena_zalloc(a, sizeof(*data));
    struct csta_snapshot_device_response_info *info;
    struct device *dev;
    struct outcome err;
    size_t n = 0;

    if (!resolve_device(r, &m->snapshot_object, CSTA_OPERATION_INVALID_DEVICE_ID, &dev, &err)) {
        return err;
    }
    for (struct connection *conn = NULL; (conn = call_of_device(dev, conn)) != NULL;) {
        n++;
    }
    info = arena_alloc(a, (n + 1) * sizeof(*info));
    if (answer == NULL || data == NULL || info == NULL) {
        return outcome_nomem();
    }
    n = 0;
    for (struct connection *conn = NULL; (conn = call_of_device(dev, conn)) != NULL;) {
        if (connection_is_live(conn) &&
            !write_info(r, conn, m->snapshot_object.value, &info[n++])) {
            return outcome_nomem();
        }
    }
    data->snapshot_device_response_info.item = info;
    data->snapshot_device_response_info.n = n;
    answer->content.kind = CSTA_SNAPSHOT_CONTENT_SNAPSHOT_DATA;
    answer->content.snapshot_data = data;
    return outcome_answer(r, answer);
}
