/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SnapshotDevice: the calls that a device has now; SnapshotCall: the parties of a call
 * (ECMA-269 §16; TR/87 9.2).
 *
 * For each connection of the device: its id, the states of the call (own end first, then the
 * others that are known), who is at the other end, and which services are possible right now. A
 * client asks after MonitorStart, and again when it has lost a session. Of a call: each party
 * with its state, and for the application's own devices the services that are possible; one
 * who asked for privacy is `restricted`, as in events.
 */
#include "cti/parts.h"

struct csta_device_ref party_ref(const struct cti_session *s, const struct connection *conn)
{
    if (conn->restricted) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_RESTRICTED};
    }
    if (conn->id.n == 0 || conn->id.n > CSTA_ID_MAX) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_KNOWN};
    }
    return csta_device_ref_of(session_spelling(s, conn->id));
}

static struct csta_device_ref endpoint_of(const struct request *r,
                                          const struct connection *conn)
{
    const struct connection *other = call_other(conn);

    if (conn->seat != NULL) { /* a conference: there are several */
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_KNOWN};
    }
    return other == NULL || other->ended ? (struct csta_device_ref){0}
                                         : party_ref(r->from.session, other);
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

/** What the application can do with it now: nothing when it may only look. */
static const struct csta_services_permitted *permitted(const struct request *r,
                                                       const struct connection *conn)
{
    bool may =
        conn->device != NULL && directory_may_control(r->from.session->app, conn->device);
    unsigned can = may ? r->cti->driver->services(r->cti->driver_ctx, conn) : 0;
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
    calls->conference_call = if_set(can, CALL_SVC_CONFERENCE);
    calls->single_step_conference = if_set(can, CALL_SVC_INVITE);
    calls->dial_digits = if_set(can, CALL_SVC_DIAL);
    calls->clear_call = if_set(can, CALL_SVC_CLEAR);
    calls->call_back = if_set(can, CALL_SVC_CALL_BACK);
    calls->park_call = if_set(can, CALL_SVC_PARK);
    calls->directed_pickup_call = if_set(can, CALL_SVC_PICKUP);
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

/* ---- SnapshotCall ---- */

struct csta_connection_id party_id(const struct cti_session *s, const struct connection *conn,
                                   unsigned place)
{
    struct csta_connection_id id = {.call_id = str_make(conn->call->id, CALL_ID_LEN)};

    if (conn->restricted || conn->id.n == 0 || conn->id.n > CSTA_ID_MAX) {
        id.device_id.value = arena_fmt(s->cti->scratch, "%s%u",
                                       conn->restricted ? "restricted" : "unknown", place);
        id.device_id.type_of_number = CSTA_NUMBER_DYNAMIC;
    } else {
        id.device_id.value = session_spelling(s, conn->id);
    }
    return id;
}

static bool write_party(const struct request *r, const struct connection *conn, unsigned place,
                        struct csta_snapshot_call_response_info *out)
{
    *out = (struct csta_snapshot_call_response_info){
        .device_on_call = party_ref(r->from.session, conn),
        .call_identifier = party_id(r->from.session, conn, place),
        .local_connection_info = connection_csta_state(conn),
    };
    if (conn->device == NULL || !directory_may_control(r->from.session->app, conn->device)) {
        return out->call_identifier.device_id.value.n > 0;
    }
    out->services_permitted = permitted(r, conn);
    return out->services_permitted != NULL;
}

/** All who are in the call now. @return NULL: no memory */
static const struct csta_snapshot_call_data_list *write_parties(const struct request *r,
                                                                const struct call *call)
{
    struct csta_snapshot_call_data_list *data = arena_zalloc(r->cti->scratch, sizeof(*data));
    struct csta_snapshot_call_response_info *info;
    unsigned place = 0;
    size_t n = 0;

    list_each(it, &call->connections)
    {
        n++;
    }
    info = arena_alloc(r->cti->scratch, (n + 1) * sizeof(*info));
    if (data == NULL || info == NULL) {
        return NULL;
    }
    n = 0;
    list_each(jt, &call->connections)
    {
        const struct connection *conn = list_entry(jt, struct connection, link);
        place++;
        if (connection_is_live(conn) && !write_party(r, conn, place, &info[n++])) {
            return NULL;
        }
    }
    data->snapshot_call_response_info.item = info;
    data->snapshot_call_response_info.n = n;
    return data;
}

static struct csta_device_ref called_ref(const struct request *r, const struct call *call)
{
    if (call->called.n == 0 || call->called.n > CSTA_ID_MAX) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_KNOWN};
    }
    return csta_device_ref_of(session_spelling(r->from.session, call->called));
}

struct outcome service_snapshot_call(struct request *r)
{
    struct csta_snapshot_call_response *answer = arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct outcome err;
    struct call *call;

    if (!resolve_call(r, &r->msg->snapshot_call->snapshot_object, &call, &err)) {
        return err;
    }
    if (answer == NULL) {
        return outcome_nomem();
    }
    answer->content.kind = CSTA_SNAPSHOT_CALL_CONTENT_SNAPSHOT_DATA;
    answer->content.snapshot_data = write_parties(r, call);
    if (answer->content.snapshot_data == NULL) {
        return outcome_nomem();
    }
    list_each(it, &call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->originating && connection_is_live(conn)) {
            answer->calling_device = party_ref(r->from.session, conn);
        }
    }
    answer->called_device = called_ref(r, call);
    if (call->correlator.n > 0) {
        answer->correlator_data.kind = CSTA_DATA_STRING;
        answer->correlator_data.string = call->correlator;
    }
    return outcome_answer(r, answer);
}
