/* SPDX-License-Identifier: Apache-2.0 */
/* A device as JSON: what it is, where its phones are, its calls, its switches, who is logged on
   there, and what can be asked of it now. See view.h and docs/api.md. */
#include "engine/view_parts.h"

/* ---- registrations ---- */

static void put_binding(const struct view *v, const struct binding *b)
{
    struct out *o = v->o;
    char text[64];
    struct out from;

    out_init(&from, text, sizeof(text));
    addr_write(&from, &b->hop.remote);
    json_next(o);
    out_ch(o, '{');
    json_text(o, "contact", b->contact);
    json_text(o, "transport", str_c(transport_name((enum transport)b->hop.transport)));
    json_text(o, "address", out_str_of(&from));
    json_text(o, "userAgent", b->user_agent.n > 0 ? b->user_agent : STR_NONE);
    json_text(o, "instance", b->instance.n > 0 ? b->instance : STR_NONE);
    json_time(o, "expires", view_wall_ms(v, b->expires_ms));
    json_flag(o, "reachable", !b->failed);
    if (b->hop.transport != TP_UDP) {
        json_flag(o, "connected", b->hop.flow != 0);
    }
    out_ch(o, '}');
}

void view_put_bindings(const struct view *v, struct str key)
{
    const struct record *rec = registrar_find(&v->e->registrar, key);

    json_key(v->o, "bindings");
    out_ch(v->o, '[');
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            put_binding(v, list_entry(it, struct binding, link));
        }
    }
    out_ch(v->o, ']');
}

/* ---- switches ---- */

static void put_forwarding(struct out *o, const struct forward *f, const char *type,
                           bool patient)
{
    json_next(o);
    out_ch(o, '{');
    json_text(o, "forwardingType", str_c(type));
    json_flag(o, "forwardStatus", f->on);
    if (f->to[0] != '\0') {
        json_text(o, "forwardDN", str_c(f->to));
    }
    if (patient) {
        json_number(o, "ringCount", forward_ring_count(f));
    }
    out_ch(o, '}');
}

static void put_features(const struct view *v, const struct device *d)
{
    static const char *const types[] = {[FORWARD_IMMEDIATE] = "forwardImmediate",
                                        [FORWARD_BUSY] = "forwardBusy",
                                        [FORWARD_NO_ANSWER] = "forwardNoAns"};
    const struct device_features *f = call_features(d);
    struct event_waiting w = event_waiting(v->e->events, d);
    struct out *o = v->o;

    json_key(o, "features");
    out_ch(o, '{');
    json_flag(o, "doNotDisturb", f->dnd);
    json_key(o, "forwarding");
    out_ch(o, '[');
    for (unsigned i = 0; i < FORWARD_COUNT; i++) {
        put_forwarding(o, &f->forward[i], types[i], i == FORWARD_NO_ANSWER);
    }
    out_ch(o, ']');
    json_flag(o, "messageWaiting", w.on);
    out_ch(o, '}');
}

/* ---- agents ---- */

void view_put_agent(const struct view *v, const struct cti_agent_about *a)
{
    struct out *o = v->o;

    out_ch(o, '{');
    json_text(o, "agentID", a->id);
    json_text(o, "deviceID", a->device->uri);
    json_text(o, "agentState", a->state);
    json_text(o, "pendingAgentState", a->pending);
    out_ch(o, '}');
}

static void put_agent_item(void *ctx, const struct cti_agent_about *a)
{
    const struct view *v = ctx;

    json_next(v->o);
    view_put_agent(v, a);
}

/* ---- what works ---- */

static const enum csta_msg_id device_services[] = {
    CSTA_MSG_MAKE_CALL,
    CSTA_MSG_GROUP_PICKUP_CALL,
    CSTA_MSG_SET_DO_NOT_DISTURB,
    CSTA_MSG_SET_FORWARDING,
    CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR,
    CSTA_MSG_SET_AGENT_STATE,
    CSTA_MSG_SET_HOOKSWITCH_STATUS,
    CSTA_MSG_SET_MICROPHONE_MUTE,
    CSTA_MSG_SET_RINGER_STATUS,
    CSTA_MSG_SET_SPEAKER_MUTE,
    CSTA_MSG_SET_SPEAKER_VOLUME,
};

static bool works(const struct view *v, const struct device *d, enum csta_msg_id id)
{
    if (id == CSTA_MSG_MAKE_CALL) {
        return registrar_find(&v->e->registrar, d->key) != NULL;
    }
    return cti_device_serves(v->e->cti, d, id);
}

static void put_services(const struct view *v, const struct device *d)
{
    json_key(v->o, "services");
    out_ch(v->o, '[');
    for (size_t i = 0; i < ARRAY_LEN(device_services); i++) {
        if (works(v, d, device_services[i])) {
            json_next(v->o);
            json_put_string(v->o, csta_msg_name(device_services[i]));
        }
    }
    out_ch(v->o, ']');
}

static void find_phone(void *ctx, const struct phone_about *a)
{
    if (a->state == PHONE_UP) {
        *(bool *)ctx = true;
    }
}

static void put_drivers(const struct view *v, const struct device *d)
{
    bool phone = false;

    phones_each(v->e->phones, d, find_phone, &phone);
    json_key(v->o, "drivers");
    out_c(v->o, phone ? "[\"switch\",\"phone\"]" : "[\"switch\"]");
}

/* ---- the device ---- */

static void put_calls(const struct view *v, const struct device *d)
{
    json_key(v->o, "calls");
    out_ch(v->o, '[');
    for (const struct connection *conn = NULL; (conn = call_of_device(d, conn)) != NULL;) {
        if (cti_connection_is_live(conn)) {
            json_next(v->o);
            json_put_string(v->o, str_make(conn->call->id, CALL_ID_LEN));
        }
    }
    out_ch(v->o, ']');
}

void view_put_device(const struct view *v, const struct device *d)
{
    struct out *o = v->o;

    out_ch(o, '{');
    json_text(o, "deviceID", d->uri);
    json_text(o, "number", d->number);
    json_text(o, "tel", d->tel.n > 0 ? d->tel : STR_NONE);
    json_text(o, "display", d->display.n > 0 ? d->display : STR_NONE);
    json_flag(o, "registered", registrar_find(&v->e->registrar, d->key) != NULL);
    view_put_bindings(v, d->key);
    put_calls(v, d);
    put_features(v, d);
    json_key(o, "agents");
    out_ch(o, '[');
    cti_each_agent(v->e->cti, d, put_agent_item, (void *)(uintptr_t)v);
    out_ch(o, ']');
    put_drivers(v, d);
    if (access_control(v->who, d->key)) {
        put_services(v, d);
    }
    out_ch(o, '}');
}
