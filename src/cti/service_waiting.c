/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetMessageWaitingIndicator, SetMessageWaitingIndicator, MessageWaitingEvent (ECMA-269 §21;
 * TR/87 8.3).
 *
 * The indicator is the mailbox of the device (event/mailbox.c): what a voice mail system
 * publishes there and what an application says are one thing, the newest word counts, and
 * phones are told by message-summary whoever has spoken. deviceForMessage is its
 * Message-Account: where the message is, when that is not the device itself.
 *
 * Whether the phone has a lamp is not known, so lampIsPresent is not said.
 */
#include "cti/parts.h"
#include "event/event.h"

void cti_on_waiting(void *cti, struct device *d, uint64_t now_ms)
{
    struct cti *c = cti;
    struct event_waiting w = event_waiting(c->events, d);
    const struct csta_message_waiting_event event = {
        .target_device = csta_device_ref_of(d->uri),
        .device_for_message.value = w.account,
        .message_waiting_on = w.on ? CSTA_TRUE : CSTA_FALSE,
    };
    const struct csta_msg msg = {.message_waiting_event = &event};

    (void)cti_device_event(c, d, CSTA_MSG_MESSAGE_WAITING_EVENT, &msg, now_ms);
}

static bool has_mailboxes(const struct request *r, struct outcome *err)
{
    if (r->cti->events != NULL) {
        return true;
    }
    *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED,
                         "there are no mailboxes");
    return false;
}

struct outcome service_get_message_waiting_indicator(struct request *r)
{
    struct csta_get_message_waiting_indicator_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct event_waiting w;
    struct outcome err;
    struct device *d;

    if (!has_mailboxes(r, &err) ||
        !resolve_device(r, &r->msg->get_message_waiting_indicator->device,
                        CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    if (answer != NULL) {
        w = event_waiting(r->cti->events, d);
        answer->message_waiting_on = w.on ? CSTA_TRUE : CSTA_FALSE;
        if (w.account.n > 0) {
            answer->device_for_message.value = session_spelling(r->from.session, w.account);
        }
    }
    return outcome_answer(r, answer);
}

/** Where the message is, as a URI: a device of ours, or one that is written as such. */
static bool take_account(const struct request *r, struct str id, struct str *out,
                         struct outcome *err)
{
    const struct device *d;
    struct sip_uri uri;
    uint32_t at;

    *out = STR_NONE;
    id = str_trim(id);
    if (id.n == 0) {
        return true;
    }
    d = directory_device_named(r->cti->directory, id);
    if (d != NULL || sip_uri_parse(id, 0, &uri, &at) == 0) {
        *out = d != NULL ? d->uri : id;
        return true;
    }
    *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                         "deviceForMessage is neither a device nor a URI");
    return false;
}

struct outcome service_set_message_waiting_indicator(struct request *r)
{
    static const struct csta_set_message_waiting_indicator_response answer;
    const struct csta_set_message_waiting_indicator *m = r->msg->set_message_waiting_indicator;
    struct str account;
    struct outcome err;
    struct device *d;

    if (!has_mailboxes(r, &err) ||
        !take_account(r, m->device_for_message.value, &account, &err) ||
        !resolve_device(r, &m->device, CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    switch (event_set_waiting(r->cti->events, d, m->message_waiting_on == CSTA_TRUE, account,
                              r->now_ms)) {
    case 0:
        return outcome_answer(r, &answer);
    case E_VALUE:
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                             "deviceForMessage cannot stand in a message summary");
    default:
        return outcome_nomem();
    }
}
