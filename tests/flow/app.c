/* SPDX-License-Identifier: Apache-2.0 */
/* See app.h. */
#include "app.h"

#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct str csta_lines =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

const char *call_name(struct call_names *names, struct str id)
{
    static const char *const text[APP_CALLS + 1] = {"c1",  "c2",  "c3",  "c4",  "c5",  "c6",
                                                    "c7",  "c8",  "c9",  "c10", "c11", "c12",
                                                    "c13", "c14", "c15", "c16", "c?"};
    size_t i = 0;
    while (i < names->n && !str_eq(str_c(names->id[i]), id)) {
        i++;
    }
    if (i == names->n && i < APP_CALLS) {
        snprintf(names->id[names->n++], sizeof(names->id[0]), "%.*s", STR_ARG(id));
    }
    return text[i];
}

const char *app_call_id(const struct app *a, const char *call)
{
    size_t i = (size_t)strtoul(call + 1, NULL, 10) - 1;
    return i < a->names->n ? a->names->id[i] : call;
}

/* ---- as text ---- */

struct text {
    struct app *a;
    struct out o;
};

static void put_device(struct text *t, struct str id)
{
    struct csta_device_parts parts;
    csta_device_split(id, &parts);
    out_str(&t->o, parts.user.n > 0 ? parts.user : STR("-"));
}

static void put_ref(struct text *t, const char *label, const struct csta_device_ref *d)
{
    static const char *const kind[] = {
        [CSTA_DEVICE_REF_NOT_KNOWN] = "?", [CSTA_DEVICE_REF_RESTRICTED] = "restricted"};
    if (d->kind == CSTA_DEVICE_REF_ID) {
        out_c(&t->o, label);
        put_device(t, d->id.value);
    } else if (d->kind == CSTA_DEVICE_REF_NOT_KNOWN || d->kind == CSTA_DEVICE_REF_RESTRICTED) {
        out_c(&t->o, label);
        out_c(&t->o, kind[d->kind]);
    }
}

static void put_connection(struct text *t, const struct csta_connection_id *c)
{
    out_fmt(&t->o, " %s:", call_name(t->a->names, c->call_id));
    put_device(t, c->device_id.value);
}

static void put_state(struct text *t, enum csta_local_connection_state local,
                      enum csta_event_cause cause)
{
    if (local != CSTA_STATE_ABSENT) { /* monitors of calls are told none */
        out_fmt(&t->o, " %.*s", STR_ARG(csta_local_connection_state_name(local)));
    }
    out_fmt(&t->o, " %.*s", STR_ARG(csta_event_cause_name(cause)));
}

static void put_data(struct text *t, const char *label, const struct csta_data *d)
{
    struct str octets = csta_data_octets(d);
    bool plain = true;
    if (d->kind == CSTA_DATA_ABSENT) {
        return;
    }
    for (size_t i = 0; i < octets.n; i++) {
        plain = plain && octets.p[i] > ' ' && octets.p[i] < 0x7f;
    }
    out_c(&t->o, label);
    if (plain) {
        out_str(&t->o, octets);
    } else {
        out_hex(&t->o, octets, false);
    }
}

/** What all events on one connection have. */
static void head(struct text *t, struct note *n, const char *name, struct str ref,
                 const struct csta_connection_id *c, enum csta_local_connection_state local,
                 enum csta_event_cause cause)
{
    out_c(&t->o, name);
    put_connection(t, c);
    put_state(t, local, cause);
    snprintf(n->ref, sizeof(n->ref), "%.*s", STR_ARG(ref));
    snprintf(n->call, sizeof(n->call), "%.*s", STR_ARG(c->call_id));
    snprintf(n->device, sizeof(n->device), "%.*s", STR_ARG(c->device_id.value));
    n->terminal = local == CSTA_STATE_NULL;
}

static void put_parties(struct text *t, const struct csta_device_ref *calling,
                        const struct csta_device_ref *called,
                        const struct csta_device_ref *last)
{
    put_ref(t, " ", calling);
    put_ref(t, ">", called);
    if (last != NULL) {
        put_ref(t, " last=", last);
    }
}

static void put_list(struct text *t, const struct csta_connection_list_item_list *list)
{
    out_c(&t->o, " [");
    for (size_t i = 0; i < list->n; i++) {
        out_c(&t->o, i > 0 ? "," : "");
        put_device(t, list->item[i].new_connection.device_id.value);
    }
    out_c(&t->o, "]");
}

/** Each party with the call in which it was before; "+": in none. */
static void put_members(struct text *t, const struct csta_connection_list_item_list *list)
{
    out_c(&t->o, " [");
    for (size_t i = 0; i < list->n; i++) {
        const struct csta_connection_list_item *item = &list->item[i];
        out_c(&t->o, i > 0 ? "," : "");
        put_device(t, item->new_connection.device_id.value);
        if (item->old_connection.call_id.n == 0) {
            out_c(&t->o, "+");
        } else {
            out_fmt(&t->o, "<%s", call_name(t->a->names, item->old_connection.call_id));
        }
    }
    out_c(&t->o, "]");
}

#define HEAD(name, e, conn)                                                             \
    head(t, n, name, (e)->monitor_cross_ref_id, &(e)->conn, (e)->local_connection_info, \
         (e)->cause)

static void put_queued(struct text *t, struct note *n, const struct csta_queued_event *e)
{
    HEAD("Queued", e, queued_connection);
    out_fmt(&t->o, " %lld/%lld", (long long)e->calls_in_front.value,
            (long long)e->number_queued.value);
    put_parties(t, &e->calling_device, &e->called_device, &e->last_redirection_device);
    put_data(t, " uui=", &e->user_data);
    put_data(t, " corr=", &e->correlator_data);
}

static void put_set_up(struct text *t, struct note *n, const struct csta_msg *m)
{
    if (m->id == CSTA_MSG_DELIVERED_EVENT) {
        const struct csta_delivered_event *e = m->delivered_event;
        HEAD("Delivered", e, connection);
        put_parties(t, &e->calling_device, &e->called_device, &e->last_redirection_device);
        put_data(t, " uui=", &e->user_data);
        put_data(t, " corr=", &e->correlator_data);
    } else if (m->id == CSTA_MSG_ESTABLISHED_EVENT) {
        const struct csta_established_event *e = m->established_event;
        HEAD("Established", e, established_connection);
        put_parties(t, &e->calling_device, &e->called_device, &e->last_redirection_device);
        put_data(t, " uui=", &e->user_data);
        put_data(t, " corr=", &e->correlator_data);
    } else if (m->id == CSTA_MSG_NETWORK_REACHED_EVENT) {
        const struct csta_network_reached_event *e = m->network_reached_event;
        HEAD("NetworkReached", e, outbound_connection);
        put_data(t, " uui=", &e->user_data);
    } else if (m->id == CSTA_MSG_ORIGINATED_EVENT) {
        const struct csta_originated_event *e = m->originated_event;
        HEAD("Originated", e, originated_connection);
        put_parties(t, &e->calling_device, &e->called_device, NULL);
        put_data(t, " corr=", &e->correlator_data);
    } else {
        const struct csta_service_initiated_event *e = m->service_initiated_event;
        HEAD("ServiceInitiated", e, initiated_connection);
    }
}

static void put_change(struct text *t, struct note *n, const struct csta_msg *m)
{
    if (m->id == CSTA_MSG_HELD_EVENT) {
        const struct csta_held_event *e = m->held_event;
        HEAD("Held", e, held_connection);
    } else if (m->id == CSTA_MSG_RETRIEVED_EVENT) {
        const struct csta_retrieved_event *e = m->retrieved_event;
        HEAD("Retrieved", e, retrieved_connection);
    } else if (m->id == CSTA_MSG_DIVERTED_EVENT) {
        const struct csta_diverted_event *e = m->diverted_event;
        HEAD("Diverted", e, connection);
        put_ref(t, " to=", &e->new_destination);
        put_data(t, " uui=", &e->user_data);
    } else if (m->id == CSTA_MSG_TRANSFERRED_EVENT) {
        const struct csta_transferred_event *e = m->transferred_event;
        HEAD("Transferred", e, primary_old_call);
        if (e->secondary_old_call.call_id.n > 0) {
            out_c(&t->o, " and");
            put_connection(t, &e->secondary_old_call);
            snprintf(n->other, sizeof(n->other), "%.*s",
                     STR_ARG(e->secondary_old_call.call_id));
        }
        put_ref(t, " to=", &e->transferred_to_device);
        put_list(t, &e->transferred_connections);
    } else if (m->id == CSTA_MSG_CONFERENCED_EVENT) {
        const struct csta_conferenced_event *e = m->conferenced_event;
        HEAD("Conferenced", e, primary_old_call);
        if (e->secondary_old_call.call_id.n > 0) {
            out_c(&t->o, " and");
            put_connection(t, &e->secondary_old_call);
            snprintf(n->other, sizeof(n->other), "%.*s",
                     STR_ARG(e->secondary_old_call.call_id));
        }
        put_ref(t, " by=", &e->conferencing_device);
        put_ref(t, " added=", &e->added_party);
        put_members(t, &e->conference_connections);
        put_data(t, " uui=", &e->user_data);
        put_data(t, " corr=", &e->correlator_data);
    } else if (m->id == CSTA_MSG_FAILED_EVENT) {
        const struct csta_failed_event *e = m->failed_event;
        HEAD("Failed", e, failed_connection);
        put_data(t, " uui=", &e->user_data);
    } else {
        const struct csta_connection_cleared_event *e = m->connection_cleared_event;
        HEAD("Cleared", e, dropped_connection);
        put_ref(t, " by=", &e->releasing_device);
        put_data(t, " uui=", &e->user_data);
    }
}

static void put_digits(struct text *t, struct note *n,
                       const struct csta_digits_generated_event *e)
{
    out_c(&t->o, "Digits");
    put_connection(t, &e->connection);
    out_fmt(&t->o, " %.*s", STR_ARG(e->digit_generated_list));
    snprintf(n->ref, sizeof(n->ref), "%.*s", STR_ARG(e->monitor_cross_ref_id));
    snprintf(n->call, sizeof(n->call), "%.*s", STR_ARG(e->connection.call_id));
}

static void put_dialed(struct text *t, struct note *n, const struct csta_digits_dialed_event *e)
{
    HEAD("Dialed", e, dialing_connection);
    out_fmt(&t->o, " %.*s", STR_ARG(e->dialing_sequence.value));
}

static void put_service(struct text *t, struct note *n, const char *name, struct str ref,
                        const struct csta_device_ref *device)
{
    snprintf(n->ref, sizeof(n->ref), "%.*s", STR_ARG(ref));
    out_c(&t->o, name);
    put_ref(t, " ", device);
}

/* ---- routeing: what it is asked ---- */

/** "x1", as crossRefIdentifier 1. */
static void put_route(struct text *t, struct note *n, const char *name, struct str id,
                      const struct csta_data *correlator)
{
    snprintf(n->ref, sizeof(n->ref), "x%.*s", STR_ARG(id));
    out_fmt(&t->o, "%s x%.*s", name, STR_ARG(id));
    put_data(t, " corr=", correlator);
}

/** Private data as they stand. */
static void put_private(struct text *t, const struct csta_common_arguments *args)
{
    if (args != NULL && args->private_data.kind == CSTA_DATA_FOREIGN) {
        out_c(&t->o, " ");
        out_str(&t->o, args->private_data.foreign.body);
    }
}

static void put_request(struct text *t, struct note *n, const struct csta_route_request *m)
{
    put_route(t, n, "RouteRequest", m->cross_ref_identifier, &m->correlator_data);
    put_ref(t, " ", &m->calling_device);
    put_ref(t, ">", &m->current_route);
    put_ref(t, " at=", &m->routeing_device);
    put_connection(t, &m->routed_call);
    out_fmt(&t->o, " %d ms", (int)m->reply_timeout.value);
    put_private(t, m->extensions);
}

static void put_end(struct text *t, struct note *n, const struct csta_route_end *m)
{
    put_route(t, n, "RouteEnd", m->cross_ref_identifier, &m->correlator_data);
    if (m->error_value.kind != CSTA_ERROR_ABSENT) {
        out_c(&t->o, " ");
        out_str(&t->o, csta_error_value_name(m->error_value));
    }
}

/** @return false: nothing about routes */
static bool put_routeing(struct text *t, struct note *n)
{
    const struct csta_msg *m = &n->msg;
    if (m->id == CSTA_MSG_ROUTE_REQUEST) {
        put_request(t, n, m->route_request);
    } else if (m->id == CSTA_MSG_RE_ROUTE) {
        put_route(t, n, "ReRoute", m->re_route->cross_ref_identifier,
                  &m->re_route->correlator_data);
    } else if (m->id == CSTA_MSG_ROUTE_USED) {
        put_route(t, n, "RouteUsed", m->route_used->cross_ref_identifier,
                  &m->route_used->correlator_data);
        put_ref(t, " ", &m->route_used->calling_device);
        put_ref(t, ">", &m->route_used->route_used);
    } else if (m->id == CSTA_MSG_ROUTE_END) {
        put_end(t, n, m->route_end);
    } else if (m->id == CSTA_MSG_ROUTE_REGISTER_ABORT) {
        out_fmt(&t->o, "RouteRegisterAbort %.*s",
                STR_ARG(m->route_register_abort->route_register_req_id));
    } else {
        return false;
    }
    return true;
}

static void put_information(struct text *t, struct note *n,
                            const struct csta_call_information_event *e)
{
    snprintf(n->ref, sizeof(n->ref), "%.*s", STR_ARG(e->monitor_cross_ref_id));
    out_c(&t->o, "CallInformation");
    put_connection(t, &e->connection);
    put_data(t, " uui=", &e->user_data);
    put_data(t, " corr=", &e->correlator_data);
}

static void put_bool(struct text *t, enum csta_bool on)
{
    out_c(&t->o, on == CSTA_TRUE ? " on" : " off");
}

static void put_text(struct text *t, const char *label, struct str s)
{
    if (s.n > 0) {
        out_fmt(&t->o, "%s%.*s", label, STR_ARG(s));
    }
}

static void put_number(struct text *t, const char *label, const struct csta_int *i)
{
    if (i->set) {
        out_fmt(&t->o, "%s%d", label, (int)i->value);
    }
}

static void put_forwarding(struct text *t, struct note *n,
                           const struct csta_forwarding_event *e)
{
    put_service(t, n, "Forwarding", e->monitor_cross_ref_id, &e->device);
    out_fmt(&t->o, " %.*s", STR_ARG(csta_forwarding_type_name(e->forwarding_type)));
    put_bool(t, e->forward_status);
    if (e->forward_to.value.n > 0) {
        out_fmt(&t->o, " to=%.*s", STR_ARG(e->forward_to.value));
    }
    put_number(t, " rings=", &e->ring_count);
    put_number(t, " seconds=", &e->ring_duration);
}

#define AGENT(name, e) \
    put_agent(t, n, name, (e)->monitor_cross_ref_id, &(e)->agent_device, (e)->agent_id)

static void put_agent(struct text *t, struct note *n, const char *name, struct str ref,
                      const struct csta_device_ref *device, struct str id)
{
    put_service(t, n, name, ref, device);
    put_text(t, " ", id);
}

/** @return false: no event of an agent */
static bool put_agent_event(struct text *t, struct note *n)
{
    const struct csta_msg *m = &n->msg;
    switch ((unsigned)m->id) {
    case CSTA_MSG_AGENT_BUSY_EVENT:
        AGENT("AgentBusy", m->agent_busy_event);
        put_text(t, " pending=",
                 csta_pending_agent_state_name(m->agent_busy_event->pending_agent_state));
        return true;
    case CSTA_MSG_AGENT_LOGGED_OFF_EVENT:
        AGENT("AgentLoggedOff", m->agent_logged_off_event);
        return true;
    case CSTA_MSG_AGENT_LOGGED_ON_EVENT:
        AGENT("AgentLoggedOn", m->agent_logged_on_event);
        return true;
    case CSTA_MSG_AGENT_NOT_READY_EVENT:
        AGENT("AgentNotReady", m->agent_not_ready_event);
        return true;
    case CSTA_MSG_AGENT_READY_EVENT:
        AGENT("AgentReady", m->agent_ready_event);
        return true;
    case CSTA_MSG_AGENT_WORKING_AFTER_CALL_EVENT:
        AGENT("AgentWorking", m->agent_working_after_call_event);
        return true;
    default:
        return false;
    }
}

/** What a phone's body does. @return false: no such event */
static bool put_body(struct text *t, struct note *n)
{
    const struct csta_msg *m = &n->msg;
    if (m->id == CSTA_MSG_SPEAKER_MUTE_EVENT) {
        const struct csta_speaker_mute_event *e = m->speaker_mute_event;
        put_service(t, n, "SpeakerMute", e->monitor_cross_ref_id, &e->invoking_device);
        put_bool(t, e->speaker_mute_on);
    } else if (m->id == CSTA_MSG_SPEAKER_VOLUME_EVENT) {
        const struct csta_speaker_volume_event *e = m->speaker_volume_event;
        put_service(t, n, "SpeakerVolume", e->monitor_cross_ref_id, &e->invoking_device);
    } else if (m->id == CSTA_MSG_MICROPHONE_MUTE_EVENT) {
        const struct csta_microphone_mute_event *e = m->microphone_mute_event;
        put_service(t, n, "MicrophoneMute", e->monitor_cross_ref_id, &e->invoking_device);
        put_bool(t, e->microphone_mute_on);
    } else if (m->id == CSTA_MSG_RINGER_STATUS_EVENT) {
        const struct csta_ringer_status_event *e = m->ringer_status_event;
        put_service(t, n, "RingerStatus", e->monitor_cross_ref_id, &e->device);
    } else if (m->id == CSTA_MSG_HOOKSWITCH_EVENT) {
        const struct csta_hookswitch_event *e = m->hookswitch_event;
        put_service(t, n, "Hookswitch", e->monitor_cross_ref_id, &e->device);
        put_text(t, " ", e->hookswitch);
        put_bool(t, e->hookswitch_on_hook);
    } else {
        return put_agent_event(t, n);
    }
    return true;
}

/** Events about a device and no call. @return false: no such event */
static bool put_device_event(struct text *t, struct note *n)
{
    const struct csta_msg *m = &n->msg;
    if (m->id == CSTA_MSG_DO_NOT_DISTURB_EVENT) {
        const struct csta_do_not_disturb_event *e = m->do_not_disturb_event;
        put_service(t, n, "DoNotDisturb", e->monitor_cross_ref_id, &e->device);
        put_bool(t, e->do_not_disturb_on);
    } else if (m->id == CSTA_MSG_FORWARDING_EVENT) {
        put_forwarding(t, n, m->forwarding_event);
    } else if (m->id == CSTA_MSG_MESSAGE_WAITING_EVENT) {
        const struct csta_message_waiting_event *e = m->message_waiting_event;
        put_service(t, n, "MessageWaiting", e->monitor_cross_ref_id, &e->target_device);
        put_bool(t, e->message_waiting_on);
        put_text(t, " at=", e->device_for_message.value);
    } else {
        return put_body(t, n);
    }
    return true;
}

/** @return false: nothing about the system, nor the end of a call */
static bool put_system(struct text *t, struct note *n)
{
    const struct csta_msg *m = &n->msg;
    if (m->id == CSTA_MSG_CALL_BACK_EVENT) {
        const struct csta_call_back_event *e = m->call_back_event;
        snprintf(n->ref, sizeof(n->ref), "%.*s", STR_ARG(e->monitor_cross_ref_id));
        out_c(&t->o, "CallBack");
        put_ref(t, " ", &e->originating_device);
        put_ref(t, ">", &e->target_device);
        out_c(&t->o, e->call_back_set_canceled == CSTA_TRUE ? " set" : " over");
        return true;
    }
    if (m->id == CSTA_MSG_SYSTEM_STATUS) {
        out_fmt(&t->o, "SystemStatus %.*s",
                STR_ARG(csta_system_status_value_name(m->system_status->system_status)));
    } else if (m->id == CSTA_MSG_CALL_CLEARED_EVENT) {
        const struct csta_call_cleared_event *e = m->call_cleared_event;
        snprintf(n->ref, sizeof(n->ref), "%.*s", STR_ARG(e->monitor_cross_ref_id));
        out_fmt(&t->o, "CallCleared %s", call_name(t->a->names, e->cleared_call.call_id));
        snprintf(n->call, sizeof(n->call), "%.*s", STR_ARG(e->cleared_call.call_id));
        n->terminal = true;
    } else {
        return false;
    }
    return true;
}

/** @return false: no event that this application knows */
static bool note_text(struct app *a, struct note *n)
{
    struct text t = {.a = a};
    out_init(&t.o, n->text, sizeof(n->text) - 1);
    switch (n->msg.id) {
    case CSTA_MSG_CALL_INFORMATION_EVENT:
        put_information(&t, n, n->msg.call_information_event);
        break;
    case CSTA_MSG_SERVICE_INITIATED_EVENT:
    case CSTA_MSG_ORIGINATED_EVENT:
    case CSTA_MSG_NETWORK_REACHED_EVENT:
    case CSTA_MSG_DELIVERED_EVENT:
    case CSTA_MSG_ESTABLISHED_EVENT:
        put_set_up(&t, n, &n->msg);
        break;
    case CSTA_MSG_QUEUED_EVENT:
        put_queued(&t, n, n->msg.queued_event);
        break;
    case CSTA_MSG_HELD_EVENT:
    case CSTA_MSG_RETRIEVED_EVENT:
    case CSTA_MSG_DIVERTED_EVENT:
    case CSTA_MSG_TRANSFERRED_EVENT:
    case CSTA_MSG_CONFERENCED_EVENT:
    case CSTA_MSG_FAILED_EVENT:
    case CSTA_MSG_CONNECTION_CLEARED_EVENT:
        put_change(&t, n, &n->msg);
        break;
    case CSTA_MSG_DIGITS_DIALED_EVENT:
        put_dialed(&t, n, n->msg.digits_dialed_event);
        break;
    case CSTA_MSG_DIGITS_GENERATED_EVENT:
        put_digits(&t, n, n->msg.digits_generated_event);
        break;
    case CSTA_MSG_BACK_IN_SERVICE_EVENT:
        put_service(&t, n, "BackInService", n->msg.back_in_service_event->monitor_cross_ref_id,
                    &n->msg.back_in_service_event->device);
        break;
    case CSTA_MSG_OUT_OF_SERVICE_EVENT:
        put_service(&t, n, "OutOfService", n->msg.out_of_service_event->monitor_cross_ref_id,
                    &n->msg.out_of_service_event->device);
        break;
    case CSTA_MSG_MONITOR_STOP:
        out_c(&t.o, "MonitorStop");
        break;
    default:
        if (!put_routeing(&t, n) && !put_device_event(&t, n) && !put_system(&t, n)) {
            return false;
        }
        break;
    }
    n->text[t.o.n] = '\0';
    return !t.o.over;
}

static void put_snapshot(struct text *t, const struct csta_snapshot_device_response *r)
{
    const struct csta_snapshot_device_response_info_list *l;
    if (r->content.kind != CSTA_SNAPSHOT_CONTENT_SNAPSHOT_DATA) {
        return;
    }
    l = &r->content.snapshot_data->snapshot_device_response_info;
    for (size_t i = 0; i < l->n; i++) {
        const struct csta_call_state *s = &l->item[i].local_call_state;
        put_connection(t, &l->item[i].connection_identifier);
        for (size_t k = 0; s->kind == CSTA_CALL_STATE_COMPOUND_CALL_STATE &&
                           k < s->compound_call_state.local_connection_state.n;
             k++) {
            out_c(&t->o, k > 0 ? "," : " ");
            out_str(&t->o, csta_local_connection_state_name(
                               s->compound_call_state.local_connection_state.item[k]));
        }
        put_ref(t, " with=", &l->item[i].endpoint_device);
    }
}

/** What the answer to a question about a device's features says. */
static void put_features(struct text *t, const struct csta_msg *m)
{
    if (m->id == CSTA_MSG_GET_DO_NOT_DISTURB_RESPONSE) {
        put_bool(t, m->get_do_not_disturb_response->do_not_disturb_on);
    } else if (m->id == CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR_RESPONSE) {
        put_bool(t, m->get_message_waiting_indicator_response->message_waiting_on);
        put_text(t,
                 " at=", m->get_message_waiting_indicator_response->device_for_message.value);
    } else if (m->id == CSTA_MSG_GET_FORWARDING_RESPONSE) {
        const struct csta_forward_list_item_list *l =
            &m->get_forwarding_response->forwarding_list;
        for (size_t i = 0; i < l->n; i++) {
            const struct csta_forward_list_item *f = &l->item[i];
            out_fmt(&t->o, " %.*s", STR_ARG(csta_forwarding_type_name(f->forwarding_type)));
            put_bool(t, f->forward_status);
            if (f->forward_dn.value.n > 0) {
                out_fmt(&t->o, " to=%.*s", STR_ARG(f->forward_dn.value));
            }
            put_number(t, " rings=", &f->ring_count);
            put_number(t, " seconds=", &f->ring_duration);
        }
    }
}

static void put_agents(struct text *t, const struct csta_msg *m)
{
    if (m->id == CSTA_MSG_SET_AGENT_STATE_RESPONSE) {
        put_text(
            t, " pending=",
            csta_pending_agent_state_name(m->set_agent_state_response->pending_agent_state));
    } else if (m->id == CSTA_MSG_GET_AGENT_STATE_RESPONSE) {
        const struct csta_agent_state_entry_list *l =
            &m->get_agent_state_response->agent_state_list;
        for (size_t i = 0; i < l->n; i++) {
            const struct csta_agent_info *info = &l->item[i].agent_info.item[0];
            put_text(t, " ", l->item[i].agent_id);
            put_text(t, "=", csta_agent_state_name(info->agent_state));
            put_text(t, "/", csta_pending_agent_state_name(info->pending_agent_state));
        }
    }
}

static void ask_text(struct app *a, struct ask *q)
{
    struct text t = {.a = a};
    out_init(&t.o, q->text, sizeof(q->text) - 1);
    if (q->msg.id == CSTA_MSG_NONE) {
        out_fmt(&t.o, "SIP %u", q->status);
    } else if (q->msg.id == CSTA_MSG_ERROR_CODE) {
        struct csta_error e = *q->msg.error_code;
        out_str(&t.o, csta_error_category_name(e.kind));
        out_ch(&t.o, '/');
        out_str(&t.o, csta_error_value_name(e));
    } else {
        out_str(&t.o, csta_msg_name(q->msg.id));
        if (q->msg.id == CSTA_MSG_MAKE_CALL_RESPONSE) {
            put_connection(&t, &q->msg.make_call_response->calling_device);
        } else if (q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE) {
            out_fmt(&t.o, " %.*s",
                    STR_ARG(q->msg.monitor_start_response->monitor_cross_ref_id));
        } else if (q->msg.id == CSTA_MSG_ROUTE_REGISTER_RESPONSE) {
            out_fmt(&t.o, " %.*s",
                    STR_ARG(q->msg.route_register_response->route_register_req_id));
        } else if (q->msg.id == CSTA_MSG_SINGLE_STEP_TRANSFER_CALL_RESPONSE) {
            put_connection(&t, &q->msg.single_step_transfer_call_response->transferred_call);
        } else if (q->msg.id == CSTA_MSG_CONSULTATION_CALL_RESPONSE) {
            put_connection(&t, &q->msg.consultation_call_response->initiated_call);
        } else if (q->msg.id == CSTA_MSG_TRANSFER_CALL_RESPONSE) {
            put_connection(&t, &q->msg.transfer_call_response->transferred_call);
        } else if (q->msg.id == CSTA_MSG_CONFERENCE_CALL_RESPONSE) {
            put_connection(&t, &q->msg.conference_call_response->conference_call);
        } else if (q->msg.id == CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL_RESPONSE) {
            put_connection(&t, &q->msg.single_step_conference_call_response->conferenced_call);
        } else if (q->msg.id == CSTA_MSG_DIRECTED_PICKUP_CALL_RESPONSE) {
            put_connection(&t, &q->msg.directed_pickup_call_response->picked_call);
        } else if (q->msg.id == CSTA_MSG_GROUP_PICKUP_CALL_RESPONSE) {
            put_connection(&t, &q->msg.group_pickup_call_response->picked_call);
        } else if (q->msg.id == CSTA_MSG_PARK_CALL_RESPONSE) {
            put_connection(&t, &q->msg.park_call_response->parked_to);
        } else if (q->msg.id == CSTA_MSG_CALL_BACK_RESPONSE) {
            out_c(&t.o, " ");
            put_device(&t, q->msg.call_back_response->target_device.value);
        } else if (q->msg.id == CSTA_MSG_GET_CALL_BACK_RESPONSE) {
            const struct csta_call_back_list_item_list *l =
                &q->msg.get_call_back_response->call_back_list;
            for (size_t i = 0; i < l->n; i++) {
                out_c(&t.o, " ");
                put_device(&t, l->item[i].target_device.value);
            }
        } else if (q->msg.id == CSTA_MSG_SNAPSHOT_DEVICE_RESPONSE) {
            put_snapshot(&t, q->msg.snapshot_device_response);
        }
    }
    put_features(&t, &q->msg);
    put_agents(&t, &q->msg);
    q->text[t.o.n] = '\0';
}

/* ---- what it hears ---- */

static struct str csta_body(const struct sip_msg *m)
{
    return m != NULL && sip_msg_content_is(m, STR("application"), STR("csta+xml"))
               ? sip_msg_body(m)
               : STR_NONE;
}

/** Decode in memory that stays. @return false: there is no CSTA */
static bool read_csta(struct app *a, const struct sip_msg *m, struct csta_msg *out)
{
    struct str body = arena_dup(&a->arena, csta_body(m));
    struct csta_fault fault;
    *out = (struct csta_msg){.id = CSTA_MSG_NONE};
    if (body.n == 0) {
        return false;
    }
    test_keep(body);
    CHECK(str_starts(sip_msg_value(m, SIP_HDR_CONTENT_DISPOSITION), STR("signal")));
    return CHECK(csta_decode(body, NULL, &a->arena, out, &fault) == 0);
}

static void pump(struct app *a);

static void on_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct ask *q = r->owner;
    struct app *a = (struct app *)r->leg->owner;
    (void)now_ms;
    if (status < 200) {
        return;
    }
    q->answers++;
    q->status = status;
    (void)read_csta(a, m, &q->msg);
    ask_text(a, q);
    pump(a);
}

static void on_event(struct app *a, struct leg *leg)
{
    const struct sip_msg *m = &a->s.last->m;
    struct leg_content none = {0};
    if (m->method != SIP_METHOD_INFO) {
        (void)leg_answer(leg, a->s.request, 200, STR_NONE, &none, station_now(&a->s));
        return;
    }
    if (CHECK(a->notes < APP_NOTES)) {
        struct note *n = &a->note[a->notes];
        *n = (struct note){.time_ms = station_now(&a->s), .session = a->sessions};
        if (CHECK(read_csta(a, m, &n->msg)) && CHECK(note_text(a, n))) {
            a->notes++;
        }
    }
    if (a->answer_body != NULL) {
        none = (struct leg_content){.lines = csta_lines,
                                    .type = STR("application/csta+xml"),
                                    .body = str_c(a->answer_body)};
    }
    if (!a->mute) {
        (void)leg_answer(leg, a->s.request, a->event_status, STR_NONE, &none,
                         station_now(&a->s));
    }
}

static void hook(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    struct app *a = (struct app *)s;
    struct leg_content none = {0};
    if (strcmp(what, "answered") == 0) {
        a->opened = arena_dup(&a->arena, csta_body(&s->last->m));
        pump(a);
    } else if (strcmp(what, "rejected") == 0) {
        a->open_status = s->last != NULL ? s->last->m.status : 408;
    } else if (strcmp(what, "request") == 0) {
        on_event(a, leg);
    } else if (strcmp(what, "bye") == 0) {
        (void)leg_answer(leg, s->bye, 200, STR_NONE, &none, now_ms);
    }
}

/* ---- what it says ---- */

static bool send_ask(struct app *a, struct ask *q)
{
    struct leg_content c = {
        .lines = csta_lines, .type = STR("application/csta+xml"), .body = str_c(q->body)};
    return leg_send(a->s.leg, NULL, STR("INFO"), &c, on_answer, q, NULL, station_now(&a->s)) ==
           0;
}

static void pump(struct app *a)
{
    for (size_t i = 0; i < a->asks && app_is_open(a); i++) {
        struct ask *q = &a->ask[i];
        if (!q->sent) {
            q->sent = true; /* before it: an immediate outcome looks at it */
            q->sent = send_ask(a, q);
        }
        if (!a->parallel && q->answers == 0) {
            return;
        }
    }
}

struct ask *app_ask_raw(struct app *a, const char *service, const char *body)
{
    if (a->asks == APP_ASKS) {
        abort();
    }
    struct ask *q = &a->ask[a->asks++];
    *q = (struct ask){.service = service, .body = strdup(body)};
    pump(a);
    return q;
}

struct ask *app_ask(struct app *a, const char *service, const char *fmt, ...)
{
    char inner[4096], body[6144];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(inner, sizeof(inner), fmt, ap);
    va_end(ap);
    snprintf(body, sizeof(body),
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<%s xmlns=\"http://www."
             "ecma-international.org/standards/ecma-323/csta/%s\">%s</%s>",
             service, a->edition, inner, service);
    return app_ask_raw(a, service, body);
}

struct ask *app_monitor(struct app *a, const char *device)
{
    return app_ask(a, "MonitorStart",
                   "<monitorObject><deviceObject>%s</deviceObject></monitorObject>", device);
}

struct ask *app_make_call(struct app *a, const char *from, const char *to, bool prompt,
                          const char *uui)
{
    char hex[600] = "";
    struct out o;
    out_init(&o, hex, sizeof(hex) - 1);
    if (uui != NULL) {
        out_c(&o, "<userData><string>");
        out_hex(&o, str_c(uui), false);
        out_c(&o, "</string></userData>");
    }
    return app_ask(a, "MakeCall",
                   "<callingDevice>%s</callingDevice><calledDirectoryNumber>%s"
                   "</calledDirectoryNumber><autoOriginate>%s</autoOriginate>%s",
                   from, to, prompt ? "prompt" : "doNotPrompt", hex);
}

struct ask *app_on_connection(struct app *a, const char *service, const char *element,
                              const char *call, const char *device, const char *more)
{
    return app_ask(a, service, "<%s><callID>%s</callID><deviceID>%s</deviceID></%s>%s", element,
                   app_call_id(a, call), device, element, more);
}

struct ask *app_on_two(struct app *a, const char *service, const char *element,
                       const char *call, const char *element2, const char *call2,
                       const char *device)
{
    char second[256];
    snprintf(second, sizeof(second), "<%s><callID>%s</callID><deviceID>%s</deviceID></%s>",
             element2, app_call_id(a, call2), device, element2);
    return app_on_connection(a, service, element, call, device, second);
}

struct leg *app_open(struct app *a)
{
    char from[128], uri[64], to[64];
    snprintf(from, sizeof(from), "<sip:%s@%s>", a->name, a->domain);
    snprintf(uri, sizeof(uri), "sip:%s", a->domain);
    snprintf(to, sizeof(to), "<sip:%s>", a->domain);
    struct leg_invite args = {
        .request_uri = str_c(uri),
        .from = str_c(from),
        .to = str_c(to),
        .target = {.hop = vnet_hop(a->server, a->transport)},
        .content = {.lines = csta_lines,
                    .type = STR("application/csta+xml"),
                    .body =
                        STR("<?xml version=\"1.0\"?><RequestSystemStatus xmlns=\"http://www."
                            "ecma-international.org/standards/ecma-323/csta/ed3\"/>")},
        .auth = &a->auth,
    };
    a->sessions++;
    a->open_status = 0;
    a->opened = STR_NONE;
    a->s.leg = leg_invite(&a->s.legs, &args, &station_user, &a->s, station_now(&a->s));
    arena_reset(&a->s.arena);
    return a->s.leg;
}

bool app_is_open(const struct app *a)
{
    return a->s.leg != NULL && a->s.leg->state == LEG_CONFIRMED;
}

void app_close(struct app *a)
{
    if (a->s.leg != NULL && a->s.leg->state < LEG_ENDING) {
        leg_end(a->s.leg, 0, NULL, NULL, NULL, station_now(&a->s));
    }
}

/* ---- questions ---- */

const char *app_events(const struct app *a, const char *ref)
{
    static char text[8][8192];
    static unsigned next;
    char *buf = text[next++ % 8];
    struct out o;
    out_init(&o, buf, sizeof(text[0]) - 1);
    for (size_t i = a->forgotten; i < a->notes; i++) {
        if (ref == NULL || strcmp(a->note[i].ref, ref) == 0) {
            out_c(&o, o.n > 0 ? "; " : "");
            out_c(&o, a->note[i].text);
        }
    }
    buf[o.n] = '\0';
    return buf;
}

void app_forget(struct app *a)
{
    a->forgotten = a->notes;
}

static bool same(const struct note *x, const struct note *y)
{
    return x->session == y->session && strcmp(x->ref, y->ref) == 0 &&
           strcmp(x->call, y->call) == 0;
}

static void check_terminal(const struct app *a, const struct note *last, bool complete)
{
    size_t terminals = 0;
    bool later = false, ok = true;
    for (size_t i = 0; i < a->notes; i++) {
        const struct note *n = &a->note[i];
        bool merged = n->session == last->session && strcmp(n->ref, last->ref) == 0 &&
                      strcmp(n->other, last->call) == 0;
        if (same(n, last) || merged) {
            ok = CHECK(!later) && ok;
            later = n->terminal || merged;
            terminals += later;
        }
    }
    ok = CHECK(terminals <= 1) && ok;
    ok = CHECK(!complete || terminals == 1) && ok;
    if (!ok) {
        printf("#   events: %s\n", app_events(a, last->ref));
    }
}

void app_check(const struct app *a, bool complete, const char *where)
{
    test_context(where);
    for (size_t i = 0; i < a->asks; i++) {
        if (!CHECK_INT(a->ask[i].answers, a->ask[i].sent)) {
            printf("#   %s\n", a->ask[i].service);
        }
    }
    for (size_t i = 0; i < a->notes; i++) {
        bool last = a->note[i].call[0] != '\0';
        for (size_t k = i + 1; k < a->notes; k++) {
            last = last && !same(&a->note[i], &a->note[k]);
        }
        if (last) {
            check_terminal(a, &a->note[i], complete);
        }
    }
}

void app_up(struct app *a, struct vnet *net, struct vnode *server, const char *name,
            const char *ip, const char *user, const char *password, enum transport transport,
            struct call_names *names, const struct leg_config *config)
{
    *a = (struct app){.name = user,
                      .password = password,
                      .domain = "example.com",
                      .server = server,
                      .transport = transport,
                      .names = names,
                      .edition = "ed5",
                      .event_status = 200};
    if (config != NULL) {
        a->config = *config;
    }
    a->config.allow = STR("INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS");
    a->config.contact_user = str_c(user);
    station_up(&a->s, net, name, ip, &a->config);
    a->s.auto_answer = false;
    a->s.hook = hook;
    a->auth.user = str_c(user);
    a->auth.password = str_c(password);
    arena_init(&a->arena, &mem_libc, 16384);
}

void app_down(struct app *a)
{
    for (size_t i = 0; i < a->asks; i++) {
        free(a->ask[i].body);
    }
    arena_fini(&a->arena);
    station_down(&a->s);
}
