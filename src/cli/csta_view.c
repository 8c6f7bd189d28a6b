/* SPDX-License-Identifier: Apache-2.0 */
/* One shape for all events, and the words for errors. */
#include "cli/csta_view.h"

#include "uui/uui.h"

/* The names differ from event to event; what they mean does not. */

#define COMMON(v, e)                            \
    (v)->cross_ref = (e)->monitor_cross_ref_id; \
    (v)->cause = (e)->cause
#define LOCAL(v, e)                          \
    COMMON(v, e);                            \
    (v)->local = (e)->local_connection_info; \
    (v)->correlator = &(e)->correlator_data
#define WITH_DATA(v, e)                \
    LOCAL(v, e);                       \
    (v)->extensions = (e)->extensions; \
    (v)->user_data = &(e)->user_data
#define PARTIES(v, e)                    \
    (v)->calling = &(e)->calling_device; \
    (v)->called = &(e)->called_device
#define REDIRECTED(v, e) \
    WITH_DATA(v, e);     \
    PARTIES(v, e);       \
    (v)->redirection = &(e)->last_redirection_device

/** Set-up: from dial tone to the answer. */
static bool view_setup(const struct csta_msg *m, struct csta_event_view *v)
{
    switch ((unsigned)m->id) {
    case CSTA_MSG_SERVICE_INITIATED_EVENT: {
        const struct csta_service_initiated_event *e = m->service_initiated_event;
        LOCAL(v, e);
        v->connection = &e->initiated_connection;
        v->subject = v->calling = &e->initiating_device;
        v->called = &e->called_device;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_ORIGINATED_EVENT: {
        const struct csta_originated_event *e = m->originated_event;
        LOCAL(v, e);
        PARTIES(v, e);
        v->connection = &e->originated_connection;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_DIGITS_DIALED_EVENT: {
        const struct csta_digits_dialed_event *e = m->digits_dialed_event;
        LOCAL(v, e);
        v->connection = &e->dialing_connection;
        v->subject = v->calling = &e->dialing_device;
        return true;
    }
    case CSTA_MSG_OFFERED_EVENT: {
        const struct csta_offered_event *e = m->offered_event;
        REDIRECTED(v, e);
        v->connection = &e->offered_connection;
        v->subject = &e->offered_device;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_DELIVERED_EVENT: {
        const struct csta_delivered_event *e = m->delivered_event;
        REDIRECTED(v, e);
        v->connection = &e->connection;
        v->subject = &e->alerting_device;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_ESTABLISHED_EVENT: {
        const struct csta_established_event *e = m->established_event;
        REDIRECTED(v, e);
        v->connection = &e->established_connection;
        v->subject = &e->answering_device;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_NETWORK_REACHED_EVENT: {
        const struct csta_network_reached_event *e = m->network_reached_event;
        REDIRECTED(v, e);
        v->connection = &e->outbound_connection;
        return true;
    }
    case CSTA_MSG_QUEUED_EVENT: {
        const struct csta_queued_event *e = m->queued_event;
        REDIRECTED(v, e);
        v->connection = &e->queued_connection;
        v->subject = &e->queue;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    default:
        return false;
    }
}

/** A call that stands: hold, transfer, conference. */
static bool view_change(const struct csta_msg *m, struct csta_event_view *v)
{
    switch ((unsigned)m->id) {
    case CSTA_MSG_HELD_EVENT: {
        const struct csta_held_event *e = m->held_event;
        LOCAL(v, e);
        v->connection = &e->held_connection;
        v->subject = &e->holding_device;
        return true;
    }
    case CSTA_MSG_RETRIEVED_EVENT: {
        const struct csta_retrieved_event *e = m->retrieved_event;
        LOCAL(v, e);
        v->connection = &e->retrieved_connection;
        v->subject = &e->retrieving_device;
        return true;
    }
    case CSTA_MSG_CONFERENCED_EVENT: {
        const struct csta_conferenced_event *e = m->conferenced_event;
        WITH_DATA(v, e);
        v->connection = &e->primary_old_call;
        v->second = &e->secondary_old_call;
        v->subject = &e->conferencing_device;
        v->target = &e->added_party;
        v->connections = &e->conference_connections;
        return true;
    }
    case CSTA_MSG_TRANSFERRED_EVENT: {
        const struct csta_transferred_event *e = m->transferred_event;
        WITH_DATA(v, e);
        v->connection = &e->primary_old_call;
        v->second = &e->secondary_old_call;
        v->subject = &e->transferring_device;
        v->target = &e->transferred_to_device;
        v->connections = &e->transferred_connections;
        return true;
    }
    case CSTA_MSG_DIVERTED_EVENT: {
        const struct csta_diverted_event *e = m->diverted_event;
        REDIRECTED(v, e);
        v->connection = &e->connection;
        v->subject = &e->diverting_device;
        v->target = &e->new_destination;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_BRIDGED_EVENT: {
        const struct csta_bridged_event *e = m->bridged_event;
        WITH_DATA(v, e);
        v->connection = &e->bridged_connection;
        v->subject = &e->bridged_appearance;
        return true;
    }
    case CSTA_MSG_CALL_INFORMATION_EVENT: {
        const struct csta_call_information_event *e = m->call_information_event;
        v->cross_ref = e->monitor_cross_ref_id;
        v->connection = &e->connection;
        v->subject = &e->device;
        v->calling = &e->calling_device;
        v->user_data = &e->user_data;
        v->correlator = &e->correlator_data;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    default:
        return false;
    }
}

static bool view_end(const struct csta_msg *m, struct csta_event_view *v)
{
    switch ((unsigned)m->id) {
    case CSTA_MSG_CONNECTION_CLEARED_EVENT: {
        const struct csta_connection_cleared_event *e = m->connection_cleared_event;
        WITH_DATA(v, e);
        v->connection = &e->dropped_connection;
        v->subject = &e->releasing_device;
        return true;
    }
    case CSTA_MSG_CALL_CLEARED_EVENT: {
        const struct csta_call_cleared_event *e = m->call_cleared_event;
        COMMON(v, e);
        v->connection = &e->cleared_call;
        v->user_data = &e->user_data;
        v->correlator = &e->correlator_data;
        return true;
    }
    case CSTA_MSG_FAILED_EVENT: {
        const struct csta_failed_event *e = m->failed_event;
        REDIRECTED(v, e);
        v->connection = &e->failed_connection;
        v->subject = &e->failing_device;
        v->subject_of_call = e->subject_of_call;
        return true;
    }
    case CSTA_MSG_DIGITS_GENERATED_EVENT:
        v->cross_ref = m->digits_generated_event->monitor_cross_ref_id;
        v->connection = &m->digits_generated_event->connection;
        return true;
    case CSTA_MSG_SERVICE_COMPLETION_FAILURE_EVENT:
        COMMON(v, m->service_completion_failure_event);
        return true;
    default:
        return false;
    }
}

/** Events that are about a device and no call. */
static bool view_device(const struct csta_msg *m, struct csta_event_view *v)
{
#define CASE(ID, member, device_field)                  \
    case CSTA_MSG_##ID##_EVENT:                         \
        v->cross_ref = m->member->monitor_cross_ref_id; \
        v->subject = &m->member->device_field;          \
        return true

    switch ((unsigned)m->id) {
    case CSTA_MSG_BACK_IN_SERVICE_EVENT:
        COMMON(v, m->back_in_service_event);
        v->subject = &m->back_in_service_event->device;
        return true;
    case CSTA_MSG_OUT_OF_SERVICE_EVENT:
        COMMON(v, m->out_of_service_event);
        v->subject = &m->out_of_service_event->device;
        return true;
    case CSTA_MSG_CALL_BACK_EVENT:
        v->cross_ref = m->call_back_event->monitor_cross_ref_id;
        v->calling = v->subject = &m->call_back_event->originating_device;
        v->called = &m->call_back_event->target_device;
        return true;
        CASE(AGENT_BUSY, agent_busy_event, agent_device);
        CASE(AGENT_LOGGED_OFF, agent_logged_off_event, agent_device);
        CASE(AGENT_LOGGED_ON, agent_logged_on_event, agent_device);
        CASE(AGENT_NOT_READY, agent_not_ready_event, agent_device);
        CASE(AGENT_READY, agent_ready_event, agent_device);
        CASE(AGENT_WORKING_AFTER_CALL, agent_working_after_call_event, agent_device);
        CASE(RINGER_STATUS, ringer_status_event, device);
        CASE(HOOKSWITCH, hookswitch_event, device);
        CASE(MICROPHONE_MUTE, microphone_mute_event, invoking_device);
        CASE(DO_NOT_DISTURB, do_not_disturb_event, device);
        CASE(FORWARDING, forwarding_event, device);
        CASE(MESSAGE_WAITING, message_waiting_event, target_device);
        CASE(SPEAKER_MUTE, speaker_mute_event, invoking_device);
        CASE(SPEAKER_VOLUME, speaker_volume_event, invoking_device);
    default:
        return false;
    }
#undef CASE
}

bool csta_event_view(const struct csta_msg *m, struct csta_event_view *out)
{
    *out = (struct csta_event_view){.id = m->id};
    return m->body != NULL && (view_setup(m, out) || view_change(m, out) || view_end(m, out) ||
                               view_device(m, out));
}

const struct csta_snapshot_device_response_info_list *
csta_snapshot_calls(const struct csta_msg *m)
{
    static const struct csta_snapshot_device_response_info_list none;
    const struct csta_snapshot_content *s;

    if (m->body == NULL || m->id != CSTA_MSG_SNAPSHOT_DEVICE_RESPONSE) {
        return &none;
    }
    s = &m->snapshot_device_response->content;
    return s->kind == CSTA_SNAPSHOT_CONTENT_SNAPSHOT_DATA && s->snapshot_data != NULL
               ? &s->snapshot_data->snapshot_device_response_info
               : &none;
}

struct str csta_device_ref_text(const struct csta_device_ref *ref)
{
    switch (ref == NULL ? CSTA_DEVICE_REF_ABSENT : ref->kind) {
    case CSTA_DEVICE_REF_ID:
        return ref->id.value;
    case CSTA_DEVICE_REF_NOT_KNOWN:
        return STR("(not known)");
    case CSTA_DEVICE_REF_RESTRICTED:
        return STR("(restricted)");
    case CSTA_DEVICE_REF_NOT_REQUIRED:
        return STR("(none)");
    case CSTA_DEVICE_REF_NOT_SPECIFIED:
        return STR("(not specified)");
    case CSTA_DEVICE_REF_ABSENT:
        break;
    }
    return STR("");
}

struct str csta_data_text(const struct csta_data *data)
{
    struct str s = data == NULL ? STR_NONE : csta_data_octets(data);

    if (s.n > 1 && s.p[0] == UUI_PD_IA5) {
        s = str_from(s, 1);
    }
    return s.n > 0 && uui_is_quotable(s) ? s : STR_NONE;
}

bool csta_device_same(struct str a, struct str b)
{
    struct csta_device_parts x, y;

    csta_device_split(a, &x);
    csta_device_split(b, &y);
    return str_eq(x.user, y.user) &&
           (x.host.n == 0 || y.host.n == 0 || str_ieq(x.host, y.host));
}

enum csta_call_over csta_event_ends_call(const struct csta_event_view *v, struct str device)
{
    bool leaves = v->id == CSTA_MSG_CONNECTION_CLEARED_EVENT ||
                  v->id == CSTA_MSG_TRANSFERRED_EVENT || v->id == CSTA_MSG_DIVERTED_EVENT;

    if (v->id == CSTA_MSG_CALL_CLEARED_EVENT || (leaves && v->local == CSTA_STATE_NULL)) {
        return CSTA_CALL_OVER;
    }
    if (v->id != CSTA_MSG_CONNECTION_CLEARED_EVENT) {
        return CSTA_CALL_GOES_ON;
    }
    if (v->connection->device_id.value.n > 0 &&
        csta_device_same(v->connection->device_id.value, device)) {
        return CSTA_CALL_OVER;
    }
    return CSTA_CALL_MAYBE_OVER;
}

/* ---- errors ---- */

struct meaning {
    struct csta_error error;
    const char *text;
};

#define OPERATION(value, text)                                             \
    {                                                                      \
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_##value, STR_INIT("")}, text \
    }
#define STATE(value, text)                                                                \
    {                                                                                     \
        {CSTA_ERROR_STATE_INCOMPATIBILITY, CSTA_INCOMPATIBLE_##value, STR_INIT("")}, text \
    }
#define SYSTEM(value, text)                                                                \
    {                                                                                      \
        {CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_##value, STR_INIT("")}, text \
    }
#define SUBSCRIBED(value, text)                                                               \
    {                                                                                         \
        {CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY, CSTA_SUBSCRIBED_##value, STR_INIT("")}, \
            text                                                                              \
    }

static const struct meaning meanings[] = {
    OPERATION(SERVICE_NOT_SUPPORTED, "the server does not offer this service"),
    OPERATION(FEATURE_ALREADY_SET, "the feature has that setting already"),
    OPERATION(INVALID_PARAMETER_VALUE, "a value in the request is wrong or missing"),
    OPERATION(PARAMETER_NOT_SUPPORTED,
              "the request has a parameter that the server cannot serve"),
    OPERATION(VALUE_OUT_OF_RANGE, "a value in the request is out of its range"),
    OPERATION(AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
              "one of several parameters has to be given"),
    OPERATION(INVALID_DEVICE_ID, "the server does not know the device"),
    OPERATION(INVALID_CALLING_DEVICE_ID, "the server does not know the calling device"),
    OPERATION(INVALID_CALLED_DEVICE_ID, "the called number or address is not valid"),
    OPERATION(INVALID_DESTINATION_DEVICE_ID, "the destination is not valid"),
    OPERATION(INVALID_DESTINATION, "the destination is not valid"),
    OPERATION(INVALID_CONNECTION_ID, "there is no such connection; it may have ended"),
    OPERATION(INVALID_ACTIVE_CONNECTION_ID, "there is no such active connection"),
    OPERATION(INVALID_HELD_CONNECTION_ID, "there is no such held connection"),
    OPERATION(INVALID_CALL_ID, "there is no such call; it may have ended"),
    OPERATION(INVALID_MONITOR_CROSS_REF_ID, "there is no such monitor"),
    OPERATION(INVALID_CROSS_REF_ID, "there is no such monitor"),
    OPERATION(INVALID_MONITOR_OBJECT, "the server cannot monitor this object"),
    OPERATION(INVALID_MONITOR_OBJECT_TYPE, "the server monitors devices only, no calls"),
    OPERATION(INVALID_CORRELATOR_DATA, "the correlator data are not valid"),
    OPERATION(USER_DATA_NOT_SUPPORTED, "user data cannot be carried here"),
    OPERATION(CORRELATOR_DATA_NOT_SUPPORTED, "correlator data cannot be carried here"),
    OPERATION(OBJECT_NOT_KNOWN, "the server does not know the device or call"),
    OPERATION(PRIVILEGE_VIOLATION_SPECIFIED_DEVICE,
              "this application may not control the device"),
    OPERATION(PRIVILEGE_VIOLATION_CALLING_DEVICE,
              "this application may not make calls for the device"),
    OPERATION(PRIVILEGE_VIOLATION_CALLED_DEVICE, "this application may not call that device"),
    OPERATION(SECURITY_VIOLATION, "the application is not allowed to do this"),
    STATE(INVALID_CONNECTION_STATE,
          "the connection is in a state in which this cannot be done"),
    STATE(INVALID_DEVICE_STATE, "the device is in a state in which this cannot be done"),
    STATE(INVALID_CALLING_DEVICE_STATE, "the calling device cannot make a call now"),
    STATE(CONNECTED_CALL_EXISTS, "the device has another connected call"),
    STATE(NO_ACTIVE_CALL, "the device has no connected call"),
    STATE(NO_CALL_TO_ANSWER, "the device has no call to answer"),
    STATE(NO_CALL_TO_CLEAR, "there is no call to clear"),
    STATE(NO_CONNECTION_TO_CLEAR, "there is no connection to clear"),
    STATE(NO_HELD_CALL, "the device has no held call"),
    SYSTEM(RESOURCE_BUSY, "a resource that is needed is busy"),
    SYSTEM(DEVICE_OUT_OF_SERVICE,
           "the device is out of service: no phone is registered for it"),
    SYSTEM(CALLED_DEVICE_OUT_OF_SERVICE, "the called device is out of service"),
    SYSTEM(CALLING_DEVICE_OUT_OF_SERVICE, "the calling device is out of service"),
    SYSTEM(RESOURCE_OUT_OF_SERVICE, "a resource that is needed is out of service"),
    SYSTEM(RESOURCE_LIMIT_EXCEEDED, "a limit of the server is reached"),
    SYSTEM(OVERALL_MONITOR_LIMIT_EXCEEDED, "the server runs as many monitors as it may"),
    SUBSCRIBED(OBJECT_MONITOR_LIMIT_EXCEEDED, "the device is monitored as often as it may be"),
    SUBSCRIBED(OUTSTANDING_REQ_LIMIT_EXCEEDED, "too many requests are waiting for an answer"),
};

const char *csta_error_meaning(struct csta_error error)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
        if (meanings[i].error.kind == error.kind && meanings[i].error.value == error.value) {
            return meanings[i].text;
        }
    }
    switch (error.kind) {
    case CSTA_ERROR_OPERATION:
        return "the request is not one that the server can carry out";
    case CSTA_ERROR_STATE_INCOMPATIBILITY:
        return "the call or the device is in a state in which this cannot be done";
    case CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY:
        return "the server lacks a resource for it";
    case CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY:
        return "a limit for this application is reached";
    case CSTA_ERROR_PERFORMANCE_MANAGEMENT:
        return "the server limits the rate of requests; try again later";
    case CSTA_ERROR_SECURITY:
        return "the server's security checks refuse it";
    case CSTA_ERROR_PRIVATE_DATA:
        return "the private data of the request are wrong";
    default:
        return "the server gives no standard reason";
    }
}
