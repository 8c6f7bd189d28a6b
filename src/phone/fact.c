/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event of a phone as one fact: what happened to which connection of which call.
 *
 * Phones differ in what they fill in. So whose connection it is is taken from the deviceID of
 * the connection, else from the device that the event names, else from localConnectionInfo;
 * and what is missing is absent, not guessed.
 */
#include "phone/parts.h"

const char *fact_cause(enum csta_event_cause cause)
{
    struct str name = csta_event_cause_name(cause);

    return cause == CSTA_CAUSE_ABSENT || name.n == 0 ? "normal" : name.p;
}

static struct str id_of(const struct phone *f, const struct csta_device_ref *r)
{
    return r->kind == CSTA_DEVICE_REF_ID ? phone_party(f, str_trim(r->id.value)) : STR_NONE;
}

/** @param hint  the state that localConnectionInfo has when the subject is the line itself */
static void about(const struct phone *f, struct fact *out,
                  const struct csta_connection_id *conn, const struct csta_device_ref *subject,
                  enum csta_local_connection_state local, enum csta_local_connection_state hint,
                  enum csta_event_cause cause)
{
    out->conn = conn;
    out->subject = id_of(f, subject);
    out->local = local;
    out->cause = fact_cause(cause);
    if (conn->device_id.value.n > 0) {
        out->own = phone_is_self(f, conn->device_id.value);
    } else if (out->subject.n > 0) {
        out->own = str_eq(out->subject, f->device->uri);
    } else {
        out->own = local == hint || local == CSTA_STATE_ABSENT;
    }
}

static void parties(const struct phone *f, struct fact *out,
                    const struct csta_device_ref *calling, const struct csta_device_ref *called)
{
    out->calling = id_of(f, calling);
    out->called = id_of(f, called);
    out->restricted = calling->kind == CSTA_DEVICE_REF_RESTRICTED;
}

#define ABOUT(e, conn, subject, hint)                                                       \
    about(f, out, &(e)->conn, &(e)->subject, (e)->local_connection_info, CSTA_STATE_##hint, \
          (e)->cause)
#define PARTIES(e) parties(f, out, &(e)->calling_device, &(e)->called_device)

static bool set_up(const struct phone *f, const struct csta_msg *m, struct fact *out)
{
    switch (m->id) {
    case CSTA_MSG_SERVICE_INITIATED_EVENT:
        ABOUT(m->service_initiated_event, initiated_connection, initiating_device, INITIATED);
        out->calling = f->device->uri;
        out->own = true;
        return true;
    case CSTA_MSG_ORIGINATED_EVENT:
        ABOUT(m->originated_event, originated_connection, calling_device, CONNECTED);
        PARTIES(m->originated_event);
        out->calling = f->device->uri;
        out->own = true;
        return true;
    case CSTA_MSG_DIGITS_DIALED_EVENT:
        ABOUT(m->digits_dialed_event, dialing_connection, dialing_device, INITIATED);
        out->digits = str_trim(m->digits_dialed_event->dialing_sequence.value);
        out->calling = f->device->uri;
        out->own = true;
        return true;
    case CSTA_MSG_NETWORK_REACHED_EVENT:
        ABOUT(m->network_reached_event, outbound_connection, network_interface_used, ABSENT);
        PARTIES(m->network_reached_event);
        out->own = false;
        return true;
    case CSTA_MSG_DELIVERED_EVENT:
        ABOUT(m->delivered_event, connection, alerting_device, ALERTING);
        PARTIES(m->delivered_event);
        if (m->delivered_event->local_connection_info == CSTA_STATE_ALERTING) {
            out->own = true; /* whatever it names: the phone rings */
        }
        return true;
    case CSTA_MSG_ESTABLISHED_EVENT:
        ABOUT(m->established_event, established_connection, answering_device, CONNECTED);
        PARTIES(m->established_event);
        return true;
    default:
        return false;
    }
}

/** callID of the call that the connections go on in; absent: none is told. */
static struct str call_after(const struct csta_connection_list_item_list *list)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->item[i].new_connection.call_id.n > 0) {
            return list->item[i].new_connection.call_id;
        }
    }
    return STR_NONE;
}

static bool joined(const struct phone *f, const struct csta_msg *m, struct fact *out)
{
    if (m->id == CSTA_MSG_TRANSFERRED_EVENT) {
        const struct csta_transferred_event *e = m->transferred_event;
        ABOUT(e, primary_old_call, transferring_device, NULL);
        out->own = out->subject.n > 0 ? str_eq(out->subject, f->device->uri)
                                      : e->local_connection_info == CSTA_STATE_NULL;
        out->to = id_of(f, &e->transferred_to_device);
        out->second = e->secondary_old_call.call_id.n > 0 ? &e->secondary_old_call : NULL;
        out->new_id = call_after(&e->transferred_connections);
        return true;
    }
    if (m->id == CSTA_MSG_CONFERENCED_EVENT) {
        const struct csta_conferenced_event *e = m->conferenced_event;
        ABOUT(e, primary_old_call, conferencing_device, CONNECTED);
        if (out->subject.n > 0) {
            out->own = str_eq(out->subject, f->device->uri);
        }
        out->to = id_of(f, &e->added_party);
        out->parties = &e->conference_connections;
        out->second = e->secondary_old_call.call_id.n > 0 ? &e->secondary_old_call : NULL;
        out->new_id = call_after(&e->conference_connections);
        return true;
    }
    return false;
}

static bool change(const struct phone *f, const struct csta_msg *m, struct fact *out)
{
    switch (m->id) {
    case CSTA_MSG_HELD_EVENT:
        ABOUT(m->held_event, held_connection, holding_device, HOLD);
        return true;
    case CSTA_MSG_RETRIEVED_EVENT:
        ABOUT(m->retrieved_event, retrieved_connection, retrieving_device, CONNECTED);
        return true;
    case CSTA_MSG_DIVERTED_EVENT:
        ABOUT(m->diverted_event, connection, diverting_device, NULL);
        PARTIES(m->diverted_event);
        out->to = id_of(f, &m->diverted_event->new_destination);
        return true;
    case CSTA_MSG_FAILED_EVENT:
        ABOUT(m->failed_event, failed_connection, failing_device, FAIL);
        PARTIES(m->failed_event);
        return true;
    case CSTA_MSG_CONNECTION_CLEARED_EVENT:
        ABOUT(m->connection_cleared_event, dropped_connection, releasing_device, NULL);
        if (m->connection_cleared_event->local_connection_info == CSTA_STATE_NULL) {
            out->own = true;
        }
        return true;
    default:
        return joined(f, m, out);
    }
}

bool fact_of(const struct phone *f, const struct csta_msg *event, struct fact *out)
{
    *out = (struct fact){.event = event->id};
    return set_up(f, event, out) || change(f, event, out);
}
