/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about calls as CSTA messages. */
#include "cli/csta_draft.h"

static int build_make_call(struct draft *d)
{
    BODY(d, make_call, CSTA_MSG_MAKE_CALL, make_call);
    body->calling_device.value = d->order->subject.device_id.value = d->arg[0];
    body->called_directory_number.value = d->arg[1];
    body->auto_originate =
        d->prompt ? CSTA_AUTO_ORIGINATE_PROMPT : CSTA_AUTO_ORIGINATE_DO_NOT_PROMPT;
    body->user_data = d->user_data;
    body->correlator_data = d->correlator;
    return 0;
}

static int build_answer(struct draft *d)
{
    BODY(d, answer_call, CSTA_MSG_ANSWER_CALL, answer_call);
    body->call_to_be_answered = d->order->subject;
    body->user_data = d->user_data;
    body->correlator_data = d->correlator;
    return 0;
}

static int build_clear(struct draft *d)
{
    BODY(d, clear_connection, CSTA_MSG_CLEAR_CONNECTION, clear_connection);
    body->connection_to_be_cleared = d->order->subject;
    body->reason = d->reason;
    body->user_data = d->user_data;
    body->correlator_data = d->correlator;
    return 0;
}

static int build_hold(struct draft *d)
{
    BODY(d, hold_call, CSTA_MSG_HOLD_CALL, hold_call);
    body->call_to_be_held = d->order->subject;
    return 0;
}

static int build_retrieve(struct draft *d)
{
    BODY(d, retrieve_call, CSTA_MSG_RETRIEVE_CALL, retrieve_call);
    body->call_to_be_retrieved = d->order->subject;
    return 0;
}

static int build_deflect(struct draft *d)
{
    BODY(d, deflect_call, CSTA_MSG_DEFLECT_CALL, deflect_call);
    body->call_to_be_diverted = d->order->subject;
    body->new_destination.value = d->arg[1];
    body->reason = d->reason;
    body->user_data = d->user_data;
    body->correlator_data = d->correlator;
    return 0;
}

static int build_transfer(struct draft *d)
{
    BODY(d, single_step_transfer_call, CSTA_MSG_SINGLE_STEP_TRANSFER_CALL,
         single_step_transfer_call);
    body->active_call = d->order->subject;
    body->transferred_to.value = d->arg[1];
    body->reason = d->reason;
    body->user_data = d->user_data;
    body->correlator_data = d->correlator;
    return 0;
}

/* ---- two calls of a device ---- */

/** An argument that names a connection. @return 0 or E_VALUE */
static int connection(struct draft *d, size_t arg, struct csta_connection_id *out)
{
    *out = csta_connection_parse(d->arg[arg]);
    return csta_connection_is_absent(out)
               ? COMPLAIN(d, "\"%.*s\" is no connection: callID/deviceID, or a device",
                          STR_ARG(d->arg[arg]))
               : 0;
}

static int build_consult(struct draft *d)
{
    BODY(d, consultation_call, CSTA_MSG_CONSULTATION_CALL, consultation_call);
    body->existing_call = d->order->subject;
    body->consulted_device.value = d->arg[1];
    body->user_data = d->user_data;
    body->correlator_data = d->correlator;
    return 0;
}

static int build_alternate(struct draft *d)
{
    BODY(d, alternate_call, CSTA_MSG_ALTERNATE_CALL, alternate_call);
    body->held_call = d->order->subject;
    return connection(d, 1, &body->active_call);
}

static int build_reconnect(struct draft *d)
{
    BODY(d, reconnect_call, CSTA_MSG_RECONNECT_CALL, reconnect_call);
    body->active_call = d->order->subject;
    return d->narg > 1 ? connection(d, 1, &body->held_call) : 0;
}

static int build_join(struct draft *d)
{
    BODY(d, transfer_call, CSTA_MSG_TRANSFER_CALL, transfer_call);
    body->held_call = d->order->subject;
    return connection(d, 1, &body->active_call);
}

static int build_digits(struct draft *d)
{
    BODY(d, generate_digits, CSTA_MSG_GENERATE_DIGITS, generate_digits);
    body->connection_to_send_digits = d->order->subject;
    body->characters_to_send = d->arg[1];
    return 0;
}

static int build_dial(struct draft *d)
{
    BODY(d, dial_digits, CSTA_MSG_DIAL_DIGITS, dial_digits);
    body->dialling_connection = d->order->subject;
    body->dialling_sequence.value = d->arg[1];
    return 0;
}

static int build_clear_call(struct draft *d)
{
    BODY(d, clear_call, CSTA_MSG_CLEAR_CALL, clear_call);
    body->call_to_be_cleared = d->order->subject;
    body->user_data = d->user_data;
    return 0;
}

static int build_associate(struct draft *d)
{
    BODY(d, associate_data, CSTA_MSG_ASSOCIATE_DATA, associate_data);
    body->existing_call = d->order->subject;
    body->correlator_data = d->correlator;
    return d->correlator.kind != CSTA_DATA_ABSENT
               ? 0
               : COMPLAIN(d, "--correlator says what is to be associated");
}

int csta_build_call(struct draft *d)
{
    switch ((unsigned)d->order->verb) {
    case CSTA_VERB_MAKE_CALL:
        return build_make_call(d);
    case CSTA_VERB_ANSWER:
        return build_answer(d);
    case CSTA_VERB_CLEAR:
        return build_clear(d);
    case CSTA_VERB_HOLD:
        return build_hold(d);
    case CSTA_VERB_RETRIEVE:
        return build_retrieve(d);
    case CSTA_VERB_DEFLECT:
        return build_deflect(d);
    case CSTA_VERB_CONSULT:
        return build_consult(d);
    case CSTA_VERB_ALTERNATE:
        return build_alternate(d);
    case CSTA_VERB_RECONNECT:
        return build_reconnect(d);
    case CSTA_VERB_JOIN:
        return build_join(d);
    case CSTA_VERB_DIGITS:
        return build_digits(d);
    case CSTA_VERB_DIAL:
        return build_dial(d);
    case CSTA_VERB_CLEAR_CALL:
        return build_clear_call(d);
    case CSTA_VERB_ASSOCIATE:
        return build_associate(d);
    default:
        return build_transfer(d);
    }
}
