/* SPDX-License-Identifier: Apache-2.0 */
/* See uaphone.h: services, calls, and what is told of them. */
#include "uaphone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- identifiers ---- */

static const char *in_form(const struct uaphone *u, const char *number)
{
    static char text[4][96];
    static unsigned next;
    char *to = text[next++ % 4];
    bool no_scheme = (u->profile->quirks & PHONE_QUIRK_NO_SCHEME) != 0;
    switch (u->profile->name_form) {
    case PHONE_NAME_USER:
        (void)snprintf(to, sizeof(text[0]), "%s", number);
        break;
    case PHONE_NAME_TEL:
        (void)snprintf(to, sizeof(text[0]), "tel:%s", number);
        break;
    case PHONE_NAME_MAC:
        (void)snprintf(to, sizeof(text[0]), "%s",
                       strcmp(number, u->p.number) == 0 ? "00:10:49:54:3B:4C" : number);
        break;
    case PHONE_NAME_AOR:
        (void)snprintf(to, sizeof(text[0]), "%s%s@%s", no_scheme ? "" : "sip:", number,
                       u->p.domain);
        break;
    }
    return to;
}

const char *uaphone_self(const struct uaphone *u)
{
    return in_form(u, u->p.number);
}

/** Does the phone know its own line by that? */
static bool is_self(const struct uaphone *u, struct str id)
{
    char whole[96];
    (void)snprintf(whole, sizeof(whole), "sip:%s@%s", u->p.number, u->p.domain);
    return str_eq(id, str_c(uaphone_self(u))) ||
           (u->profile->name_form == PHONE_NAME_AOR && str_eq(id, str_c(whole)));
}

/** "sip:4711@example.com", "tel:4711", "4711" */
static void number_of(struct str id, char *to, size_t cap)
{
    struct csta_device_parts parts;
    csta_device_split(id, &parts);
    (void)snprintf(to, cap, "%.*s", STR_ARG(parts.user));
}

/* ---- calls ---- */

struct uaphone_call *uaphone_find(struct uaphone *u, enum uaphone_state state)
{
    for (size_t i = 0; i < UAPHONE_CALLS; i++) {
        if (u->call[i].state == state) {
            return &u->call[i];
        }
    }
    return NULL;
}

static struct uaphone_call *sip_call(struct uaphone *u)
{
    for (size_t i = 0; i < UAPHONE_CALLS; i++) {
        if (u->call[i].state != UACALL_NONE && u->call[i].sip) {
            return &u->call[i];
        }
    }
    return NULL;
}

static struct uaphone_call *new_call(struct uaphone *u, const char *other, bool incoming,
                                     enum uaphone_state state)
{
    struct uaphone_call *c = uaphone_find(u, UACALL_NONE);
    if (c == NULL) {
        abort();
    }
    *c = (struct uaphone_call){.state = state, .incoming = incoming};
    (void)snprintf(c->other, sizeof(c->other), "%s", other);
    if ((u->profile->quirks & PHONE_QUIRK_CALL_ID_COUNTS) != 0) {
        (void)snprintf(c->id, sizeof(c->id), "%s%u", incoming ? "-" : "", u->next_call++);
    } else {
        env_random_token(&u->p.s.node.env, c->id, 16);
    }
    return c;
}

/** `<ELEMENT>…</ELEMENT>` of a connection in the call. */
static const char *connection(const struct uaphone *u, const struct uaphone_call *c,
                              const char *element, const char *number)
{
    static char text[4][320];
    static unsigned next;
    char *to = text[next++ % 4];
    (void)snprintf(to, sizeof(text[0]), "<%s><callID>%s</callID><deviceID>%s</deviceID></%s>",
                   element, c->id, in_form(u, number), element);
    return to;
}

static const char *device(const struct uaphone *u, const char *element, const char *number)
{
    static char text[8][192];
    static unsigned next;
    char *to = text[next++ % 8];
    (void)snprintf(to, sizeof(text[0]), "<%s><deviceIdentifier>%s</deviceIdentifier></%s>",
                   element, in_form(u, number), element);
    return to;
}

static const char *parties(const struct uaphone *u, const struct uaphone_call *c)
{
    static char text[400];
    const char *calling = c->incoming ? c->other : u->p.number;
    const char *called = c->incoming ? u->p.number : c->other;
    (void)snprintf(text, sizeof(text), "%s%s", device(u, "callingDevice", calling),
                   device(u, "calledDevice", called));
    return text;
}

#define LAST "<lastRedirectionDevice><notRequired/></lastRedirectionDevice>"
#define LOCAL(state, cause) \
    "<localConnectionInfo>" state "</localConnectionInfo><cause>" cause "</cause>"

static void tell_delivered(struct uaphone *u, const struct uaphone_call *c)
{
    const char *who = c->incoming ? u->p.number : c->other;
    uaphone_tell(u, "DeliveredEvent", "%s%s%s" LAST "%s", connection(u, c, "connection", who),
                 device(u, "alertingDevice", who), parties(u, c),
                 c->incoming ? LOCAL("alerting", "newCall") : LOCAL("connected", "newCall"));
}

static void tell_originated(struct uaphone *u, const struct uaphone_call *c)
{
    uaphone_tell(u, "OriginatedEvent", "%s%s%s",
                 connection(u, c, "originatedConnection", u->p.number), parties(u, c),
                 LOCAL("connected", "newCall"));
}

static void tell_established(struct uaphone *u, const struct uaphone_call *c)
{
    const char *who = c->incoming ? u->p.number : c->other;
    uaphone_tell(u, "EstablishedEvent", "%s%s%s" LAST "%s",
                 connection(u, c, "establishedConnection", who),
                 device(u, "answeringDevice", who), parties(u, c),
                 LOCAL("connected", "newCall"));
}

static void tell_cleared(struct uaphone *u, const struct uaphone_call *c, bool by_far_end)
{
    uaphone_tell(u, "ConnectionClearedEvent", "%s%s%s",
                 connection(u, c, "droppedConnection", u->p.number),
                 device(u, "releasingDevice", by_far_end ? c->other : u->p.number),
                 LOCAL("null", "normalClearing"));
}

struct uaphone_call *uaphone_rings(struct uaphone *u, const char *from)
{
    struct uaphone_call *c = new_call(u, from, true, UACALL_ALERTING);
    tell_delivered(u, c);
    uaphone_flush(u);
    return c;
}

struct uaphone_call *uaphone_dials(struct uaphone *u, const char *to)
{
    struct uaphone_call *c = new_call(u, to, false, UACALL_DIALLING);
    tell_originated(u, c);
    uaphone_flush(u);
    return c;
}

void uaphone_far_rings(struct uaphone *u, struct uaphone_call *c)
{
    tell_delivered(u, c);
    uaphone_flush(u);
}

static void establish(struct uaphone *u, struct uaphone_call *c)
{
    c->state = UACALL_TALKING;
    tell_established(u, c);
}

void uaphone_far_answers(struct uaphone *u, struct uaphone_call *c)
{
    establish(u, c);
    uaphone_flush(u);
}

static void do_answer(struct uaphone *u, struct uaphone_call *c)
{
    if (c->sip) {
        (void)phone_answer(&u->p);
    }
    establish(u, c);
}

void uaphone_answers(struct uaphone *u, struct uaphone_call *c)
{
    do_answer(u, c);
    uaphone_flush(u);
}

static void do_hold(struct uaphone *u, struct uaphone_call *c, bool hold)
{
    c->state = hold ? UACALL_HELD : UACALL_TALKING;
    if (c->sip) {
        (void)phone_offer(&u->p, hold ? SDP_SENDONLY : SDP_SENDRECV);
    }
    uaphone_tell(u, hold ? "HeldEvent" : "RetrievedEvent", "%s%s%s",
                 connection(u, c, hold ? "heldConnection" : "retrievedConnection", u->p.number),
                 device(u, hold ? "holdingDevice" : "retrievingDevice", u->p.number),
                 hold ? LOCAL("hold", "normal") : LOCAL("connected", "normal"));
}

void uaphone_holds(struct uaphone *u, struct uaphone_call *c)
{
    do_hold(u, c, true);
    uaphone_flush(u);
}

void uaphone_retrieves(struct uaphone *u, struct uaphone_call *c)
{
    do_hold(u, c, false);
    uaphone_flush(u);
}

static void do_clear(struct uaphone *u, struct uaphone_call *c, bool by_far_end)
{
    struct uaphone_call was = *c;
    c->state = UACALL_NONE; /* what the leg says now is no news */
    if (was.sip && !by_far_end) {
        phone_hang_up(&u->p, STR_NONE);
    }
    tell_cleared(u, &was, by_far_end);
}

void uaphone_clears(struct uaphone *u, struct uaphone_call *c, bool by_far_end)
{
    do_clear(u, c, by_far_end);
    uaphone_flush(u);
}

static void do_dnd(struct uaphone *u, bool on)
{
    u->dnd = on;
    uaphone_tell(u, "DoNotDisturbEvent", "%s<doNotDisturbOn>%s</doNotDisturbOn>",
                 device(u, "device", u->p.number), on ? "true" : "false");
}

void uaphone_sets_dnd(struct uaphone *u, bool on)
{
    do_dnd(u, on);
    uaphone_flush(u);
}

/* ---- its own call, through the server ---- */

bool uaphone_press(struct uaphone *u, struct str key)
{
    struct uaphone_call *c;
    for (unsigned act = 0; act < PHONE_ACT_COUNT; act++) {
        if (!str_eq(key, u->profile->action_key[act])) {
            continue;
        }
        if (act == PHONE_ACT_ANSWER && (c = uaphone_find(u, UACALL_ALERTING)) != NULL) {
            do_answer(u, c);
            return true;
        }
        if (act == PHONE_ACT_HOLD && (c = uaphone_find(u, UACALL_TALKING)) != NULL) {
            do_hold(u, c, true);
            return true;
        }
        if (act == PHONE_ACT_RETRIEVE && (c = uaphone_find(u, UACALL_HELD)) != NULL) {
            do_hold(u, c, false);
            return true;
        }
        if (act == PHONE_ACT_CLEAR && ((c = uaphone_find(u, UACALL_TALKING)) != NULL ||
                                       (c = uaphone_find(u, UACALL_ALERTING)) != NULL)) {
            do_clear(u, c, false);
            return true;
        }
        if (act == PHONE_ACT_DND_ON || act == PHONE_ACT_DND_OFF) {
            do_dnd(u, act == PHONE_ACT_DND_ON);
            return true;
        }
    }
    return false;
}

static void on_incoming(struct uaphone *u, const struct sip_msg *m)
{
    char number[64] = "?";
    struct sip_addr from;
    uint32_t at;
    if (sip_addr_parse(sip_msg_value(m, SIP_HDR_FROM), &from, &at) == 0) {
        number_of(from.uri_text, number, sizeof(number));
    }
    struct uaphone_call *c = new_call(u, number, true, UACALL_ALERTING);
    c->sip = true;
    tell_delivered(u, c);
}

void uaphone_on_sip(struct uaphone *u, const char *what, const struct sip_msg *m)
{
    struct uaphone_call *c = sip_call(u);
    if (strcmp(what, "call") == 0 && m != NULL) {
        on_incoming(u, m);
        return;
    }
    if (c == NULL) {
        return;
    }
    if (strcmp(what, "provisional") == 0 && m != NULL && m->status == 180) {
        tell_delivered(u, c);
    } else if (strcmp(what, "answered") == 0 && c->state == UACALL_DIALLING) {
        establish(u, c);
    } else if (strcmp(what, "acked") == 0 && c->state == UACALL_ALERTING) {
        establish(u, c); /* its user has answered */
    } else if (strcmp(what, "bye") == 0 || strcmp(what, "cancelled") == 0 ||
               strcmp(what, "rejected") == 0) {
        do_clear(u, c, true);
    } else if (strcmp(what, "ended") == 0) {
        do_clear(u, c, false);
    }
}

/* ---- services ---- */

struct request {
    struct uaphone *u;
    struct csta_msg m;
    char root[64], inner[2048]; /**< the answer */
    unsigned status;            /**< of SIP, with UAPHONE_SIP_REFUSALS */
};

static void answer(struct request *r, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void answer(struct request *r, const char *fmt, ...)
{
    va_list ap;
    (void)snprintf(r->root, sizeof(r->root), "%.*sResponse", STR_ARG(csta_msg_name(r->m.id)));
    va_start(ap, fmt);
    (void)vsnprintf(r->inner, sizeof(r->inner), fmt, ap);
    va_end(ap);
}

static void refuse(struct request *r, const char *category, const char *value)
{
    (void)snprintf(r->root, sizeof(r->root), "CSTAErrorCode");
    (void)snprintf(r->inner, sizeof(r->inner), "<%s>%s</%s>", category, value, category);
    if ((r->u->odd & UAPHONE_SIP_REFUSALS) != 0) {
        r->status = 488;
    }
}

/** The call that a request means, in the state that the service wants. */
static struct uaphone_call *call_of(struct request *r, const struct csta_connection_id *id,
                                    unsigned states)
{
    struct uaphone *u = r->u;
    bool by_device = (u->profile->quirks & PHONE_QUIRK_DEVICE_ONLY) != 0;
    if (id->device_id.value.n > 0 && !is_self(u, id->device_id.value)) {
        refuse(r, "operation", "invalidDeviceID");
        return NULL;
    }
    for (size_t i = 0; i < UAPHONE_CALLS; i++) {
        struct uaphone_call *c = &u->call[i];
        bool meant = by_device ? id->call_id.n == 0 : str_eq(id->call_id, str_c(c->id));
        if (c->state == UACALL_NONE || !meant) {
            continue;
        }
        if ((states >> c->state & 1) != 0) {
            return c;
        }
        if (!by_device) {
            refuse(r, "stateIncompatibility", "invalidConnectionState");
            return NULL;
        }
    }
    refuse(r, "operation", "invalidConnectionID");
    return NULL;
}

#define IN(state) (1U << UACALL_##state)

static bool dial(struct request *r, struct str to, struct uaphone_call **out)
{
    struct uaphone *u = r->u;
    char number[64];
    if ((u->profile->quirks & PHONE_QUIRK_DIAL_URI) != 0 && !str_starts(to, STR("sip:"))) {
        refuse(r, "operation", "invalidCalledDeviceID");
        return false;
    }
    number_of(to, number, sizeof(number));
    *out = new_call(u, number, false, UACALL_DIALLING);
    bool busy = u->p.s.leg != NULL;
    (*out)->sip = !busy && phone_call(&u->p, number, true, STR_NONE) != NULL;
    tell_originated(u, *out);
    return true;
}

static void make_call(struct request *r)
{
    const struct csta_make_call *q = r->m.make_call;
    struct uaphone_call *c;
    if (!is_self(r->u, q->calling_device.value)) {
        refuse(r, "operation", "invalidCallingDeviceID");
    } else if (dial(r, q->called_directory_number.value, &c)) {
        answer(r, "%s", connection(r->u, c, "callingDevice", r->u->p.number));
    }
}

static void consultation_call(struct request *r)
{
    const struct csta_consultation_call *q = r->m.consultation_call;
    struct uaphone_call *first = call_of(r, &q->existing_call, IN(TALKING)), *c;
    if (first != NULL) {
        do_hold(r->u, first, true);
        if (dial(r, q->consulted_device.value, &c)) {
            answer(r, "%s", connection(r->u, c, "initiatedCall", r->u->p.number));
        }
    }
}

static void on_one_call(struct request *r)
{
    struct uaphone_call *c = NULL;
    switch ((unsigned)r->m.id) {
    case CSTA_MSG_ANSWER_CALL:
        c = call_of(r, &r->m.answer_call->call_to_be_answered, IN(ALERTING));
        if (c != NULL) {
            do_answer(r->u, c);
        }
        break;
    case CSTA_MSG_CLEAR_CONNECTION:
        c = call_of(r, &r->m.clear_connection->connection_to_be_cleared,
                    IN(ALERTING) | IN(DIALLING) | IN(TALKING) | IN(HELD));
        if (c != NULL) {
            do_clear(r->u, c, false);
        }
        break;
    case CSTA_MSG_HOLD_CALL:
        c = call_of(r, &r->m.hold_call->call_to_be_held, IN(TALKING));
        if (c != NULL) {
            do_hold(r->u, c, true);
        }
        break;
    case CSTA_MSG_RETRIEVE_CALL:
        c = call_of(r, &r->m.retrieve_call->call_to_be_retrieved, IN(HELD));
        if (c != NULL) {
            do_hold(r->u, c, false);
        }
        break;
    case CSTA_MSG_GENERATE_DIGITS:
        c = call_of(r, &r->m.generate_digits->connection_to_send_digits, IN(TALKING));
        if (c != NULL) {
            (void)snprintf(r->u->digits, sizeof(r->u->digits), "%.*s",
                           STR_ARG(r->m.generate_digits->characters_to_send));
        }
        break;
    }
    if (c != NULL) {
        answer(r, "%s", "");
    }
}

static void deflect_call(struct request *r)
{
    const struct csta_deflect_call *q = r->m.deflect_call;
    struct uaphone_call *c = call_of(r, &q->call_to_be_diverted, IN(ALERTING));
    char number[64];
    if (c == NULL) {
        return;
    }
    number_of(q->new_destination.value, number, sizeof(number));
    answer(r, "%s", "");
    uaphone_tell(r->u, "DivertedEvent", "%s%s%s" LAST "%s",
                 connection(r->u, c, "connection", r->u->p.number),
                 device(r->u, "divertingDevice", r->u->p.number),
                 device(r->u, "newDestination", number), LOCAL("null", "redirected"));
    c->state = UACALL_NONE;
}

static void single_step_transfer(struct request *r)
{
    const struct csta_single_step_transfer_call *q = r->m.single_step_transfer_call;
    struct uaphone_call *c = call_of(r, &q->active_call, IN(TALKING));
    char number[64];
    if (c == NULL) {
        return;
    }
    number_of(q->transferred_to.value, number, sizeof(number));
    answer(r, "%s", connection(r->u, c, "transferredCall", number));
    uaphone_tell(r->u, "TransferedEvent", "%s%s%s<transferredConnections/>%s",
                 connection(r->u, c, "primaryOldCall", r->u->p.number),
                 device(r->u, "transferringDevice", r->u->p.number),
                 device(r->u, "transferredToDevice", number),
                 LOCAL("null", "singleStepTransfer"));
    c->state = UACALL_NONE;
}

static void monitor_start(struct request *r)
{
    const struct csta_monitor_object *o = &r->m.monitor_start->monitor_object;
    struct uaphone *u = r->u;
    if (o->kind != CSTA_MONITOR_OBJECT_DEVICE_OBJECT || !is_self(u, o->device_object.value)) {
        refuse(r, "operation", "invalidDeviceID");
    } else if (u->session == NULL) {
        refuse(r, "operation", "serviceNotSupported");
    } else if (u->ref[0] != '\0') {
        refuse(r, "subscribedResourceAvailability", "objectMonitorLimitExceeded");
    } else {
        (void)snprintf(u->ref, sizeof(u->ref), "%u", ++u->monitors + 6);
        answer(r, "<monitorCrossRefID>%s</monitorCrossRefID>", u->ref);
        if ((u->profile->quirks & PHONE_QUIRK_BACK_IN_SERVICE) != 0) {
            uaphone_tell(u, "BackInServiceEvent", "%s<cause>normal</cause>",
                         device(u, "device", u->p.number));
        }
    }
}

static void monitor_stop(struct request *r)
{
    struct uaphone *u = r->u;
    if (u->ref[0] == '\0' || !str_eq(r->m.monitor_stop->monitor_cross_ref_id, str_c(u->ref))) {
        refuse(r, "operation", "invalidMonitorCrossRefID");
    } else {
        u->ref[0] = '\0';
        answer(r, "%s", "");
    }
}

static void snapshot_device(struct request *r)
{
    static const char *const states[] = {[UACALL_ALERTING] = "alerting",
                                         [UACALL_DIALLING] = "connected",
                                         [UACALL_TALKING] = "connected",
                                         [UACALL_HELD] = "hold"};
    struct uaphone *u = r->u;
    char list[1600] = "";
    size_t n = 0;
    if (!is_self(u, r->m.snapshot_device->snapshot_object.value)) {
        refuse(r, "operation", "invalidDeviceID");
        return;
    }
    for (size_t i = 0; i < UAPHONE_CALLS; i++) {
        const struct uaphone_call *c = &u->call[i];
        if (c->state != UACALL_NONE) {
            n += (size_t)snprintf(
                list + n, sizeof(list) - n,
                "<snapshotDeviceResponseInfo>%s%s<localCallState><compoundCallState>"
                "<localConnectionState>%s</localConnectionState></compoundCallState>"
                "</localCallState></snapshotDeviceResponseInfo>",
                connection(u, c, "connectionIdentifier", u->p.number),
                device(u, "endpointDevice", c->other), states[c->state]);
        }
    }
    answer(r,
           "<crossRefIDorSnapshotData><snapshotData>%s</snapshotData>"
           "</crossRefIDorSnapshotData>",
           list);
}

/** What is switched on it. */
static void features(struct request *r)
{
    struct uaphone *u = r->u;
    switch ((unsigned)r->m.id) {
    case CSTA_MSG_GET_DO_NOT_DISTURB:
        answer(r, "<doNotDisturbOn>%s</doNotDisturbOn>", u->dnd ? "true" : "false");
        break;
    case CSTA_MSG_SET_DO_NOT_DISTURB:
        answer(r, "%s", "");
        do_dnd(u, r->m.set_do_not_disturb->do_not_disturb_on == CSTA_TRUE);
        break;
    case CSTA_MSG_GET_FORWARDING:
        answer(r,
               "<forwardingList><forwardListItem><forwardingType>forwardImmediate"
               "</forwardingType><forwardStatus>%s</forwardStatus>%s%s%s</forwardListItem>"
               "</forwardingList>",
               u->forward_to[0] != '\0' ? "true" : "false",
               u->forward_to[0] != '\0' ? "<forwardDN>" : "", u->forward_to,
               u->forward_to[0] != '\0' ? "</forwardDN>" : "");
        break;
    case CSTA_MSG_SET_FORWARDING: {
        const struct csta_set_forwarding *q = r->m.set_forwarding;
        u->forward_to[0] = '\0';
        if (q->activate_forward == CSTA_TRUE) {
            number_of(q->forward_dn.value, u->forward_to, sizeof(u->forward_to));
        }
        answer(r, "%s", "");
        uaphone_tell(u, "ForwardingEvent",
                     "%s<forwardingType>forwardImmediate</forwardingType><forwardStatus>%s"
                     "</forwardStatus>%s%s%s",
                     device(u, "device", u->p.number),
                     u->forward_to[0] != '\0' ? "true" : "false",
                     u->forward_to[0] != '\0' ? "<forwardTo>" : "", u->forward_to,
                     u->forward_to[0] != '\0' ? "</forwardTo>" : "");
        break;
    }
    case CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR:
        answer(r, "<messageWaitingOn>false</messageWaitingOn>");
        break;
    default:
        answer(r, "%s", "");
        break;
    }
}

#define APPARATUS "<auditoryApparatus>1</auditoryApparatus>"

/** Its body. */
static void body(struct request *r)
{
    struct uaphone *u = r->u;
    switch ((unsigned)r->m.id) {
    case CSTA_MSG_GET_SPEAKER_VOLUME:
        answer(r,
               "<speakerVolumeList><speakerVolumeItem>" APPARATUS
               "<speakerVolAbs>%u</speakerVolAbs></speakerVolumeItem></speakerVolumeList>",
               u->volume);
        break;
    case CSTA_MSG_SET_SPEAKER_VOLUME:
        if (r->m.set_speaker_volume->speaker_volume.kind == CSTA_VOLUME_VOL_ABS) {
            u->volume = (unsigned)r->m.set_speaker_volume->speaker_volume.vol_abs.value;
        }
        answer(r, "%s", "");
        break;
    case CSTA_MSG_GET_MICROPHONE_MUTE:
        answer(r,
               "<microphoneMuteList><microphoneMuteItem>" APPARATUS
               "<microphoneMuteOn>%s</microphoneMuteOn></microphoneMuteItem>"
               "</microphoneMuteList>",
               u->mic_muted ? "true" : "false");
        break;
    case CSTA_MSG_SET_MICROPHONE_MUTE:
        u->mic_muted = r->m.set_microphone_mute->microphone_mute_on == CSTA_TRUE;
        answer(r, "%s", "");
        break;
    default:
        answer(r, "%s", "");
        break;
    }
}

static void serve(struct request *r)
{
    switch ((unsigned)r->m.id) {
    case CSTA_MSG_REQUEST_SYSTEM_STATUS:
        answer(r, "<systemStatus>normal</systemStatus>");
        break;
    case CSTA_MSG_SYSTEM_REGISTER:
        answer(r, "<sysStatRegisterID>1</sysStatRegisterID>");
        break;
    case CSTA_MSG_MONITOR_START:
        monitor_start(r);
        break;
    case CSTA_MSG_MONITOR_STOP:
        monitor_stop(r);
        break;
    case CSTA_MSG_SNAPSHOT_DEVICE:
        snapshot_device(r);
        break;
    case CSTA_MSG_MAKE_CALL:
        make_call(r);
        break;
    case CSTA_MSG_CONSULTATION_CALL:
        consultation_call(r);
        break;
    case CSTA_MSG_DEFLECT_CALL:
        deflect_call(r);
        break;
    case CSTA_MSG_SINGLE_STEP_TRANSFER_CALL:
        single_step_transfer(r);
        break;
    case CSTA_MSG_ANSWER_CALL:
    case CSTA_MSG_CLEAR_CONNECTION:
    case CSTA_MSG_HOLD_CALL:
    case CSTA_MSG_RETRIEVE_CALL:
    case CSTA_MSG_GENERATE_DIGITS:
        on_one_call(r);
        break;
    case CSTA_MSG_GET_SPEAKER_VOLUME:
    case CSTA_MSG_SET_SPEAKER_VOLUME:
    case CSTA_MSG_GET_MICROPHONE_MUTE:
    case CSTA_MSG_SET_MICROPHONE_MUTE:
        body(r);
        break;
    case CSTA_MSG_GET_DO_NOT_DISTURB:
    case CSTA_MSG_SET_DO_NOT_DISTURB:
    case CSTA_MSG_GET_FORWARDING:
    case CSTA_MSG_SET_FORWARDING:
    case CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR:
        features(r);
        break;
    default: /* the profile has it, and this phone of the profile has not */
        refuse(r, "operation", "serviceNotSupported");
        break;
    }
}

char *uaphone_serve(struct uaphone *u, struct str xml, unsigned *status)
{
    struct request r = {.u = u, .status = 200};
    struct arena arena;
    struct csta_fault fault;
    char *text = NULL;
    arena_init(&arena, &mem_libc, 8192);
    if (!CHECK(csta_decode(xml, NULL, &arena, &r.m, &fault) == 0)) {
        *status = 400;
        arena_fini(&arena);
        return NULL;
    }
    size_t n = strlen(u->heard);
    struct str name = csta_msg_name(r.m.id);
    (void)snprintf(u->heard + n, sizeof(u->heard) - n, "%s%.*s", n > 0 ? " " : "",
                   STR_ARG(name));
    CHECK_INT(r.m.edition, u->profile->edition);
    if (r.m.id != CSTA_MSG_REQUEST_SYSTEM_STATUS && !phone_profile_has(u->profile, r.m.id)) {
        refuse(&r, "operation", "serviceNotSupported");
    } else {
        serve(&r);
    }
    bool empty = r.inner[0] == '\0' && (u->odd & UAPHONE_EMPTY) != 0;
    *status = r.status;
    if (!empty && r.status < 300) {
        text = uaphone_text(u, r.m.edition, r.root, r.inner);
    }
    arena_fini(&arena);
    return text;
}
