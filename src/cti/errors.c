/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why not: the driver's answer in CSTA's words (ECMA-269 §12.2; TR/87 13).
 *
 * Every refusal has two parts: the standard's error, for programs, which names a class of
 * reasons, and a sentence for people, which goes into a Warning header of the same answer.
 */
#include "cti/parts.h"

struct csta_error error_of_state(enum csta_msg_id service)
{
    unsigned value = CSTA_INCOMPATIBLE_INVALID_CONNECTION_STATE;

    switch (service) {
    case CSTA_MSG_MAKE_CALL:
        value = CSTA_INCOMPATIBLE_INVALID_CALLING_DEVICE_STATE;
        break;
    case CSTA_MSG_ANSWER_CALL:
    case CSTA_MSG_DIRECTED_PICKUP_CALL:
    case CSTA_MSG_GROUP_PICKUP_CALL:
        value = CSTA_INCOMPATIBLE_NO_CALL_TO_ANSWER;
        break;
    case CSTA_MSG_CLEAR_CONNECTION:
        value = CSTA_INCOMPATIBLE_NO_CONNECTION_TO_CLEAR;
        break;
    case CSTA_MSG_CALL_BACK:
        value = CSTA_INCOMPATIBLE_NO_CALL_TO_COMPLETE;
        break;
    case CSTA_MSG_HOLD_CALL:
    case CSTA_MSG_PARK_CALL:
    case CSTA_MSG_SINGLE_STEP_TRANSFER_CALL:
    case CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL:
    case CSTA_MSG_CONSULTATION_CALL:
    case CSTA_MSG_GENERATE_DIGITS:
        value = CSTA_INCOMPATIBLE_NO_ACTIVE_CALL;
        break;
    case CSTA_MSG_RETRIEVE_CALL:
    case CSTA_MSG_ALTERNATE_CALL:
    case CSTA_MSG_RECONNECT_CALL:
    case CSTA_MSG_TRANSFER_CALL:
        value = CSTA_INCOMPATIBLE_NO_HELD_CALL;
        break;
    default:
        break;
    }
    return csta_error_of(CSTA_ERROR_STATE_INCOMPATIBILITY, value);
}

/** Does it bring a new party into a call that stands? */
static bool calls_somebody(enum csta_msg_id service)
{
    return service == CSTA_MSG_SINGLE_STEP_TRANSFER_CALL ||
           service == CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL;
}

static bool is_pickup(enum csta_msg_id service)
{
    return service == CSTA_MSG_DIRECTED_PICKUP_CALL || service == CSTA_MSG_GROUP_PICKUP_CALL;
}

static struct outcome unknown_destination(enum csta_msg_id service)
{
    if (service == CSTA_MSG_GENERATE_DIGITS) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                             "charactersToSend are 1 to 64 of 0-9 * # A-D and ','");
    }
    if (service == CSTA_MSG_PARK_CALL) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARK_TO_DEVICE_ID,
                             "a call is parked at a device of ours that is not in it");
    }
    if (is_pickup(service)) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_NOT_DIFFERENT_DEVICES,
                             "the device is in that call already");
    }
    return outcome_error(
        CSTA_ERROR_OPERATION,
        service == CSTA_MSG_MAKE_CALL || service == CSTA_MSG_CONSULTATION_CALL ||
                service == CSTA_MSG_DIAL_DIGITS || service == CSTA_MSG_CALL_BACK ||
                service == CSTA_MSG_CALL_BACK_NON_CALL_RELATED
            ? CSTA_OPERATION_INVALID_CALLED_DEVICE_ID
            : CSTA_OPERATION_INVALID_DESTINATION,
        "the destination is no device of ours and no number that a peer takes, "
        "or is a party of the call");
}

static struct outcome not_registered(enum csta_msg_id service)
{
    if (service == CSTA_MSG_DEFLECT_CALL || is_pickup(service) || calls_somebody(service)) {
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_DESTINATION_DEVICE_OUT_OF_SERVICE,
                             "the destination is not registered");
    }
    return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                         CSTA_SYSTEM_DEVICE_OUT_OF_SERVICE, "the device is not registered");
}

/** The phone or the far side said no. */
static struct outcome refused(enum csta_msg_id service, unsigned status, struct arena *arena)
{
    enum csta_error_kind kind = CSTA_ERROR_OPERATION;
    unsigned value = CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CONNECTION;
    struct outcome o;

    switch (status) {
    case 486:
    case 491:
    case 600:
        kind = CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY;
        value = CSTA_SYSTEM_RESOURCE_BUSY;
        break;
    case 408:
    case 480:
    case 503:
    case 504:
        kind = CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY;
        value = calls_somebody(service) ? CSTA_SYSTEM_DESTINATION_DEVICE_OUT_OF_SERVICE
                                        : CSTA_SYSTEM_DEVICE_OUT_OF_SERVICE;
        break;
    case 404:
    case 410:
    case 484:
    case 604:
        if (calls_somebody(service)) {
            value = CSTA_OPERATION_INVALID_DESTINATION;
        }
        break;
    default:
        break;
    }
    o = outcome_error(kind, value, "the phone refused it");
    if (status != 0) {
        o.why = arena_fmt(arena, "the phone refused it: %u %s", status, sip_reason(status));
    }
    return o;
}

/** The focus has refused, or is not there. */
static struct outcome no_focus(unsigned status, struct arena *arena)
{
    bool busy = status == 486 || status == 503 || status == 600;
    struct outcome o =
        outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                      busy ? CSTA_SYSTEM_RESOURCE_BUSY : CSTA_SYSTEM_RESOURCE_OUT_OF_SERVICE,
                      "the focus refused it, or is not there");

    o.why = arena_fmt(arena, "the focus refused it, or is not there: %u %s", status,
                      sip_reason(status));
    return o;
}

static struct outcome taken(unsigned value, const char *why)
{
    return outcome_error(CSTA_ERROR_STATE_INCOMPATIBILITY, value, why);
}

static struct outcome drained(void)
{
    return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                         CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY,
                         "the server is drained: it lets no new calls in");
}

/** Neither the phone nor the other end has what it takes. */
static struct outcome unsupported(enum csta_msg_id service)
{
    if (service == CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_PARTICIPATION_TYPE_OUT_OF_RANGE,
                             "the focus has no silent room: conference.silent_room is not set");
    }
    if (service == CSTA_MSG_SEND_USER_INFORMATION) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CONNECTION,
                             "in this state no message to the other end could carry user "
                             "data: it goes with MakeCall, with ClearConnection, and from "
                             "who is called while the call rings");
    }
    if (service == CSTA_MSG_GENERATE_DIGITS) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CONNECTION,
                             "the other end's Allow has no INFO, and telephone-events are "
                             "media, which does not pass here");
    }
    return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_DEVICE,
                         "the phone does not let itself be answered: neither its "
                         "registration nor its ringing has 'Allow-Events: talk'");
}

static struct outcome why_not(enum csta_msg_id service, enum call_error err, unsigned status,
                              struct arena *arena)
{
    struct outcome o;

    switch (err) {
    case CALL_OK:
        break;
    case CALL_UNKNOWN_DESTINATION:
        return unknown_destination(service);
    case CALL_NOT_REGISTERED:
        return not_registered(service);
    case CALL_BAD_STATE:
        o = outcome_error(CSTA_ERROR_ABSENT, 0, "not possible in the state of the connection");
        o.error = error_of_state(service);
        return o;
    case CALL_BUSY_STEP:
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_RESOURCE_BUSY,
                             "something else is going on in this call, try again");
    case CALL_UNSUPPORTED:
        return unsupported(service);
    case CALL_NO_SERVICE:
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED,
                             "the phone that has the call has no such service");
    case CALL_NO_RESOURCES:
        return outcome_nomem();
    case CALL_DRAINED:
        return drained();
    case CALL_REFUSED:
        return refused(service, status, arena);
    case CALL_TIMEOUT:
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_RESOURCE_OUT_OF_SERVICE, "no answer in time");
    case CALL_IN_CONFERENCE:
        return outcome_error(
            CSTA_ERROR_OPERATION, CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CONNECTION,
            "the call is a conference at the focus: nobody takes a place in it "
            "over, and two conferences are not made one");
    case CALL_RESTRICTED:
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CONNECTION,
                             "the consultation was made with consultOptions that forbid it");
    case CALL_UNFIT_DATA:
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_VALUE_OUT_OF_RANGE,
                             "userData is more than the network or the system there takes, or "
                             "than there is room for under its seal");
    case CALL_NO_FOCUS:
        return no_focus(status, arena);
    case CALL_FULL:
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_CONFERENCE_MEMBER_LIMIT_EXCEEDED,
                             "the conference takes no more parties");
    case CALL_OCCUPIED:
        return taken(CSTA_INCOMPATIBLE_INVALID_PARK_TO_DEVICE_STATE,
                     "another call is parked there");
    case CALL_ID_TAKEN:
        return taken(CSTA_INCOMPATIBLE_INVALID_OBJECT_STATE,
                     "another call has that callID, or it is not 20 characters of 0-9 and a-z");
    case CALL_GONE:
        return taken(CSTA_INCOMPATIBLE_INVALID_CONNECTION_STATE,
                     "the call has ended meanwhile");
    }
    return outcome_error(CSTA_ERROR_UNSPECIFIED, 0, "unknown reason");
}

struct outcome error_of_call(enum csta_msg_id service, enum call_error err, unsigned status,
                             struct arena *arena)
{
    struct outcome o = why_not(service, err, status, arena);

    o.sip = status;
    return o;
}
