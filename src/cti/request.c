/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request: from the octets of a body to exactly one answer.
 *
 * The checks come in the order of TR/87 V-3, so that a client learns of the first thing that is
 * wrong: is it XML (SIP 400) → is the service known (serviceNotSupported) → are the parameters
 * right → is the device known and granted → is there such a connection → is its state right.
 * The first three are here, the rest is with each service.
 *
 *   parse ──► services[id] ──► OUTCOME_ANSWER   200 with the response
 *                         ──► OUTCOME_ERROR    200 with CSTAErrorCode and a Warning
 *                         ──► OUTCOME_LATER    pending.c answers, once the outcome is known
 *
 * A response that comes as a request (TR/87 S-11: some clients answer so) is answered with an
 * empty 200 and taken, if it is the one to a request of ours (ask.c).
 *
 * While a request is served its session sends no events (`busy`), so what the service causes is
 * told behind its answer (S-16).
 */
#include "cti/parts.h"

static const service_fn services[CSTA_MSG_COUNT] = {
    [CSTA_MSG_MAKE_CALL] = service_make_call,
    [CSTA_MSG_ANSWER_CALL] = service_answer_call,
    [CSTA_MSG_CLEAR_CONNECTION] = service_clear_connection,
    [CSTA_MSG_DEFLECT_CALL] = service_deflect_call,
    [CSTA_MSG_HOLD_CALL] = service_hold_call,
    [CSTA_MSG_RETRIEVE_CALL] = service_retrieve_call,
    [CSTA_MSG_SINGLE_STEP_TRANSFER_CALL] = service_single_step_transfer_call,
    [CSTA_MSG_ALTERNATE_CALL] = service_alternate_call,
    [CSTA_MSG_CLEAR_CALL] = service_clear_call,
    [CSTA_MSG_CONSULTATION_CALL] = service_consultation_call,
    [CSTA_MSG_DIAL_DIGITS] = service_dial_digits,
    [CSTA_MSG_GENERATE_DIGITS] = service_generate_digits,
    [CSTA_MSG_RECONNECT_CALL] = service_reconnect_call,
    [CSTA_MSG_TRANSFER_CALL] = service_transfer_call,
    [CSTA_MSG_CONFERENCE_CALL] = service_conference_call,
    [CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL] = service_single_step_conference_call,
    [CSTA_MSG_DIRECTED_PICKUP_CALL] = service_directed_pickup_call,
    [CSTA_MSG_GROUP_PICKUP_CALL] = service_group_pickup_call,
    [CSTA_MSG_PARK_CALL] = service_park_call,
    [CSTA_MSG_CALL_BACK] = service_call_back,
    [CSTA_MSG_CALL_BACK_NON_CALL_RELATED] = service_call_back_non_call_related,
    [CSTA_MSG_CANCEL_CALL_BACK] = service_cancel_call_back,
    [CSTA_MSG_GET_CALL_BACK] = service_get_call_back,
    [CSTA_MSG_SEND_USER_INFORMATION] = service_send_user_information,
    [CSTA_MSG_MONITOR_START] = service_monitor_start,
    [CSTA_MSG_MONITOR_STOP] = service_monitor_stop,
    [CSTA_MSG_ASSOCIATE_DATA] = service_associate_data,
    [CSTA_MSG_ROUTE_END] = service_route_end,
    [CSTA_MSG_ROUTE_REGISTER] = service_route_register,
    [CSTA_MSG_ROUTE_REGISTER_CANCEL] = service_route_register_cancel,
    [CSTA_MSG_ROUTE_REJECT] = service_route_reject,
    [CSTA_MSG_ROUTE_SELECT] = service_route_select,
    [CSTA_MSG_GET_LOGICAL_DEVICE_INFORMATION] = service_get_logical_device_information,
    [CSTA_MSG_GET_PHYSICAL_DEVICE_INFORMATION] = service_get_physical_device_information,
    [CSTA_MSG_GET_SWITCHING_FUNCTION_CAPS] = service_get_switching_function_caps,
    [CSTA_MSG_GET_SWITCHING_FUNCTION_DEVICES] = service_get_switching_function_devices,
    [CSTA_MSG_SYSTEM_REGISTER] = service_system_register,
    [CSTA_MSG_SYSTEM_REGISTER_CANCEL] = service_system_register_cancel,
    [CSTA_MSG_CHANGE_MONITOR_FILTER] = service_change_monitor_filter,
    [CSTA_MSG_SNAPSHOT_CALL] = service_snapshot_call,
    [CSTA_MSG_SNAPSHOT_DEVICE] = service_snapshot_device,
    [CSTA_MSG_REQUEST_SYSTEM_STATUS] = service_request_system_status,
    [CSTA_MSG_SYSTEM_STATUS] = service_system_status,
    [CSTA_MSG_GET_CSTA_FEATURES] = service_get_csta_features,
    [CSTA_MSG_GET_AGENT_STATE] = service_get_agent_state,
    [CSTA_MSG_GET_DO_NOT_DISTURB] = service_get_do_not_disturb,
    [CSTA_MSG_GET_FORWARDING] = service_get_forwarding,
    [CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR] = service_get_message_waiting_indicator,
    [CSTA_MSG_SET_AGENT_STATE] = service_set_agent_state,
    [CSTA_MSG_SET_DO_NOT_DISTURB] = service_set_do_not_disturb,
    [CSTA_MSG_SET_FORWARDING] = service_set_forwarding,
    [CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR] = service_set_message_waiting_indicator,
    [CSTA_MSG_GET_HOOKSWITCH_STATUS] = service_phone,
    [CSTA_MSG_SET_HOOKSWITCH_STATUS] = service_phone,
    [CSTA_MSG_GET_MICROPHONE_MUTE] = service_phone,
    [CSTA_MSG_SET_MICROPHONE_MUTE] = service_phone,
    [CSTA_MSG_GET_RINGER_STATUS] = service_phone,
    [CSTA_MSG_SET_RINGER_STATUS] = service_phone,
    [CSTA_MSG_GET_SPEAKER_MUTE] = service_phone,
    [CSTA_MSG_SET_SPEAKER_MUTE] = service_phone,
    [CSTA_MSG_GET_SPEAKER_VOLUME] = service_phone,
    [CSTA_MSG_SET_SPEAKER_VOLUME] = service_phone,
};

bool cti_has(const struct cti *c, enum csta_msg_id id)
{
    bool confers = id == CSTA_MSG_CONFERENCE_CALL || id == CSTA_MSG_CONFERENCED_EVENT ||
                   id == CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL;

    return csta_msg_is_supported(id) &&
           (!confers || (c->driver->has_focus != NULL && c->driver->has_focus(c->driver_ctx)) ||
            (id != CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL && c->driver->has != NULL &&
             c->driver->has(c->driver_ctx, NULL, CSTA_MSG_CONFERENCE_CALL)));
}

bool cti_serves(const struct cti *c, enum csta_msg_id id)
{
    return services[id] != NULL &&
           (services[id] != service_phone || c->driver->phone != NULL) &&
           (!csta_msg_is_supported(id) || cti_has(c, id));
}

struct outcome outcome_answer(const struct request *r, const void *body)
{
    struct outcome o = {.kind = OUTCOME_ANSWER};

    if (body == NULL) {
        return outcome_nomem();
    }
    o.msg.id = csta_msg_response(r->msg->id);
    o.msg.body = body;
    return o;
}

struct outcome outcome_error(enum csta_error_kind kind, unsigned value, const char *why)
{
    return (struct outcome){
        .kind = OUTCOME_ERROR, .error = csta_error_of(kind, value), .why = str_c(why)};
}

struct outcome outcome_nomem(void)
{
    return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                         CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY, "no memory or no room left");
}

struct outcome outcome_nothing(void)
{
    return (struct outcome){.kind = OUTCOME_NOTHING};
}

struct outcome outcome_later(void)
{
    return (struct outcome){.kind = OUTCOME_LATER};
}

/** Does more than the answer come of it? */
static bool needs_session(enum csta_msg_id id)
{
    return id == CSTA_MSG_MONITOR_START || id == CSTA_MSG_SYSTEM_REGISTER ||
           id == CSTA_MSG_ROUTE_REGISTER || id == CSTA_MSG_GET_SWITCHING_FUNCTION_DEVICES;
}

/** What only tells how things are. Whatever is not in this list takes control of its device. */
bool cti_only_looks(enum csta_msg_id id)
{
    switch (id) {
    case CSTA_MSG_MONITOR_START:
    case CSTA_MSG_MONITOR_STOP:
    case CSTA_MSG_CHANGE_MONITOR_FILTER:
    case CSTA_MSG_SNAPSHOT_CALL:
    case CSTA_MSG_SNAPSHOT_DEVICE:
    case CSTA_MSG_GET_CALL_BACK:
    case CSTA_MSG_GET_LOGICAL_DEVICE_INFORMATION:
    case CSTA_MSG_GET_PHYSICAL_DEVICE_INFORMATION:
    case CSTA_MSG_GET_SWITCHING_FUNCTION_CAPS:
    case CSTA_MSG_GET_SWITCHING_FUNCTION_DEVICES:
    case CSTA_MSG_GET_CSTA_FEATURES:
    case CSTA_MSG_GET_AGENT_STATE:
    case CSTA_MSG_GET_DO_NOT_DISTURB:
    case CSTA_MSG_GET_FORWARDING:
    case CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR:
    case CSTA_MSG_GET_HOOKSWITCH_STATUS:
    case CSTA_MSG_GET_MICROPHONE_MUTE:
    case CSTA_MSG_GET_RINGER_STATUS:
    case CSTA_MSG_GET_SPEAKER_MUTE:
    case CSTA_MSG_GET_SPEAKER_VOLUME:
    case CSTA_MSG_SYSTEM_REGISTER: /* of no device; what it tells of is looked at by itself */
    case CSTA_MSG_SYSTEM_REGISTER_CANCEL:
    case CSTA_MSG_SYSTEM_STATUS:
    case CSTA_MSG_REQUEST_SYSTEM_STATUS:
        return true;
    default:
        return false;
    }
}

static void serve(const struct asker *from, const struct csta_msg *msg, uint64_t now_ms)
{
    bool looks = cti_only_looks(msg->id);
    struct audited audited = {.service = looks ? CSTA_MSG_NONE : msg->id};
    struct request r = {.from = *from,
                        .audited = &audited,
                        .cti = from->session->cti,
                        .msg = msg,
                        .need = looks ? ACCESS_OBSERVE : ACCESS_CONTROL,
                        .now_ms = now_ms};
    struct outcome o = services[msg->id](&r);

    if (o.kind == OUTCOME_ANSWER) {
        if (o.msg.id == CSTA_MSG_MAKE_CALL_RESPONSE) {
            audit_call(&r, o.msg.make_call_response->calling_device.call_id);
        }
        audit_outcome(from->session, &audited, NULL);
        answer_csta(from, &o.msg, now_ms);
    } else if (o.kind == OUTCOME_ERROR) {
        audit_outcome(from->session, &audited, &o.error);
        answer_refusal(from, &o, now_ms);
    } else if (o.kind == OUTCOME_NOTHING) {
        audit_outcome(from->session, &audited, NULL);
        answer_count(from, now_ms);
        answer_status(from, 200, STR_NONE, now_ms);
    }
}

/* Longer than any name of the standard: such a one is not repeated, the answer has to fit. */
enum { NAME_SHOWN = 64 };

static void not_supported(const struct asker *from, const struct csta_msg *msg, uint64_t now_ms)
{
    struct str known = msg->root_name.n > 0 ? msg->root_name : csta_msg_name(msg->id);
    struct str name = known.n > NAME_SHOWN ? STR("that") : known;
    struct str why =
        arena_fmt(from->session->cti->scratch, "%.*s is not served here", STR_ARG(name));

    answer_error(from,
                 csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED), why,
                 now_ms);
}

void request_refuse(const struct asker *from, unsigned status, struct str why, uint64_t now_ms)
{
    answer_count(from, now_ms);
    from->session->cti->stats.errors++;
    answer_status(from, status, why, now_ms);
}

/** No XML, or XML that nobody should send. */
static void unreadable(const struct asker *from, const struct csta_fault *fault,
                       uint64_t now_ms)
{
    request_refuse(from, 400,
                   arena_fmt(from->session->cti->scratch, "body, line %u, column %u: %s",
                             fault->line, fault->column, fault->reason),
                   now_ms);
}

/** What is wrong, where, and what could stand there. */
static void wrong_value(const struct asker *from, const struct csta_fault *fault,
                        uint64_t now_ms)
{
    struct cti *c = from->session->cti;
    char buf[CSTA_ALLOWED_MAX];
    struct out allowed;
    struct str why;

    out_init(&allowed, buf, sizeof(buf));
    csta_fault_allowed(fault, &allowed);
    why = arena_fmt(c->scratch, "%.*s%sline %u, column %u: %s%s%.*s%s", STR_ARG(fault->element),
                    fault->element.n > 0 ? ", " : "", fault->line, fault->column, fault->reason,
                    allowed.n > 0 ? " (" : "", (int)allowed.n, buf, allowed.n > 0 ? ")" : "");
    answer_error(from, fault->error, why, now_ms);
}

static bool is_monitoring(enum csta_msg_id id)
{
    return id == CSTA_MSG_MONITOR_START || id == CSTA_MSG_MONITOR_STOP ||
           id == CSTA_MSG_CHANGE_MONITOR_FILTER;
}

/** A known request whose parameters are right. */
static void take_message(const struct asker *from, const struct csta_msg *msg, uint64_t now_ms)
{
    static const struct csta_error unserved = {.kind = CSTA_ERROR_OPERATION,
                                               .value = CSTA_OPERATION_SERVICE_NOT_SUPPORTED};
    const struct cti_link *via = from->session->via;

    if (via->once && needs_session(msg->id)) {
        answer_error(from, unserved, STR("that takes a session: open one with INVITE"), now_ms);
    } else if (via->unmonitored && is_monitoring(msg->id)) {
        answer_error(from, unserved,
                     STR("events need no monitor here: they are told by GET /v1/events"),
                     now_ms);
    } else {
        serve(from, msg, now_ms);
    }
}

static void take(struct asker *from, struct str body, uint64_t now_ms)
{
    struct cti *c = from->session->cti;
    struct csta_limits limits = {.hash_salt = c->xml_salt};
    struct csta_fault fault = {0};
    struct csta_msg msg = {0};
    int err;

    c->stats.requests++;
    from->asked_ms = now_ms;
    err = csta_decode(body, &limits, c->scratch, &msg, &fault);
    if (err == E_NOMEM) {
        request_refuse(from, 503, STR_NONE, now_ms);
        return;
    }
    if (err != 0 && err != E_VALUE && err != E_UNSUPPORTED) {
        unreadable(from, &fault, now_ms);
        return;
    }
    from->edition = from->session->edition = msg.edition;
    if (err == 0 && csta_msg_role(msg.id) == CSTA_ROLE_RESPONSE) {
        answer_count(from, now_ms);
        answer_status(from, 200, STR_NONE, now_ms);
        (void)ask_on_response(from, &msg, now_ms);
    } else if (err == E_UNSUPPORTED || !cti_serves(c, msg.id)) {
        not_supported(from, &msg, now_ms);
    } else if (err == E_VALUE) {
        wrong_value(from, &fault, now_ms);
    } else {
        take_message(from, &msg, now_ms);
    }
}

void request_on_message(struct asker *from, const struct csta_msg *msg, uint64_t now_ms)
{
    struct cti_session *s = from->session;

    s->busy++;
    s->silent_routes = 0;
    s->cti->stats.requests++;
    from->asked_ms = now_ms;
    if (!cti_serves(s->cti, msg->id)) {
        not_supported(from, msg, now_ms);
    } else {
        take_message(from, msg, now_ms);
    }
    s->busy--;
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

void request_on_csta(struct asker *from, struct str csta, uint64_t now_ms)
{
    struct cti_session *s = from->session;

    s->busy++;
    take(from, csta, now_ms);
    s->busy--;
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}
