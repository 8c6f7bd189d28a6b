/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package as-feature-event (no RFC; BroadWorks device feature key synchronisation): the phone's
 * keys for do not disturb and forwarding, and their lamps.
 *
 * A SUBSCRIBE with a body sets a switch of the device (call/features.h), one without asks. The
 * vocabulary is that of ECMA-323, edition 3:
 *
 *   SetDoNotDisturb, SetForwarding          from the phone
 *   DoNotDisturbEvent, ForwardingEvent      to all who subscribed, without monitorCrossRefID
 *
 * DOCUMENTS. After a SUBSCRIBE all switches are told, as a multipart/mixed with a part for
 * each; after a change the one that has changed, alone. The phone that made the change is told
 * too: its lamp shows what the server has, not what its key meant. Declared is ISO-8859-1,
 * which some firmware insists on; all that is written is ASCII. The namespace must be there,
 * without it some phones restart.
 *
 * A body that cannot be read is refused with 415, a number to which calls cannot go with 403;
 * what other types of forwarding there are (by origin, or under do not disturb) with 501.
 */
#include "csta/csta.h"
#include "csta/xml.h"
#include "event/parts.h"
#include "mime/multipart.h"

#define TYPE "application/x-as-feature-event+xml"
#define BOUNDARY "baton-feature-event"

enum { SWITCHES = FEATURE_DND + 1 };

/** resource->state: when each switch was set last. */
struct keys {
    uint64_t rev[SWITCHES];
};

static const char *const type_names[] = {[FORWARD_IMMEDIATE] = "forwardImmediate",
                                         [FORWARD_BUSY] = "forwardBusy",
                                         [FORWARD_NO_ANSWER] = "forwardNoAns"};

/* ---- setting ---- */

static bool forward_type_of(enum csta_forwarding_type type, enum forward_type *out)
{
    switch (type) {
    case CSTA_FORWARDING_TYPE_ABSENT:
    case CSTA_FORWARDING_TYPE_FORWARD_IMMEDIATE:
        *out = FORWARD_IMMEDIATE;
        return true;
    case CSTA_FORWARDING_TYPE_FORWARD_BUSY:
        *out = FORWARD_BUSY;
        return true;
    case CSTA_FORWARDING_TYPE_FORWARD_NO_ANS:
        *out = FORWARD_NO_ANSWER;
        return true;
    default:
        return false;
    }
}

static unsigned status_of(int err)
{
    return err == 0 ? 0 : err == E_NOMEM ? 503 : 403;
}

static unsigned set_forwarding(struct event_layer *l, struct device *d,
                               const struct csta_set_forwarding *set, uint64_t now_ms)
{
    enum forward_type type;
    uint32_t rings = 0;
    if (!forward_type_of(set->forwarding_type, &type)) {
        return 501;
    }
    if (set->ring_count.set && set->ring_count.value > 0) {
        rings = set->ring_count.value < FORWARD_RINGS_MAX ? (uint32_t)set->ring_count.value
                                                          : FORWARD_RINGS_MAX;
    }
    return status_of(call_set_forward(l->calls, d, type, set->activate_forward == CSTA_TRUE,
                                      str_trim(set->forward_dn.value), rings, now_ms));
}

static unsigned ask(struct event_layer *l, struct device *d, const struct sip_msg *m,
                    uint64_t now_ms)
{
    struct csta_limits limits = {.bytes = 8192};
    struct csta_msg msg;
    if (!sip_msg_content_is(m, STR("application"), STR("x-as-feature-event+xml")) ||
        csta_decode(sip_msg_body(m), &limits, l->scratch, &msg, NULL) != 0) {
        return 415;
    }
    if (msg.id == CSTA_MSG_SET_DO_NOT_DISTURB) {
        bool on = msg.set_do_not_disturb->do_not_disturb_on == CSTA_TRUE;
        return status_of(call_set_dnd(l->calls, d, on, now_ms));
    }
    return msg.id == CSTA_MSG_SET_FORWARDING ? set_forwarding(l, d, msg.set_forwarding, now_ms)
                                             : 415;
}

void event_on_feature(struct event_layer *l, struct device *d, unsigned which)
{
    struct resource *r = resource_find(l, &event_features, d);
    if (r != NULL) {
        struct keys *keys = r->state;
        keys->rev[which] = r->rev + 1; /* resource_changed makes it that */
        resource_changed(r);
    }
}

bool event_features_watched(const struct event_layer *l, const struct device *d)
{
    return resource_find(l, &event_features, d) != NULL;
}

/* ---- telling ---- */

static int open_keys(struct resource *r, uint64_t now_ms)
{
    (void)now_ms;
    r->state = mem_zalloc(&r->layer->env->mem, sizeof(struct keys));
    return r->state != NULL ? 0 : E_NOMEM;
}

static void close_keys(struct resource *r)
{
    mem_free(&r->layer->env->mem, r->state);
}

static void open_event(struct out *o, const char *name, const struct device *d)
{
    out_fmt(o,
            "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<%s "
            "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"><device>",
            name);
    xml_write(o, d->number, false);
    out_c(o, "</device>");
}

static void write_switch(const struct device *d, unsigned which, struct out *o)
{
    const struct device_features *f = call_features(d);
    if (which == FEATURE_DND) {
        open_event(o, "DoNotDisturbEvent", d);
        out_fmt(o, "<doNotDisturbOn>%s</doNotDisturbOn></DoNotDisturbEvent>\r\n",
                f->dnd ? "true" : "false");
        return;
    }
    const struct forward *fwd = &f->forward[which];
    open_event(o, "ForwardingEvent", d);
    out_fmt(o, "<forwardingType>%s</forwardingType><forwardStatus>%s</forwardStatus>",
            type_names[which], fwd->on ? "true" : "false");
    if (fwd->to[0] != '\0') {
        out_c(o, "<forwardTo>");
        xml_write(o, str_c(fwd->to), false);
        out_c(o, "</forwardTo>");
    }
    if (which == FORWARD_NO_ANSWER) {
        out_fmt(o, "<ringCount>%u</ringCount>", (unsigned)forward_ring_count(fwd));
    }
    out_c(o, "</ForwardingEvent>\r\n");
}

struct view {
    struct event_layer *l;
    const struct device *device;
    bool told[SWITCHES];
    unsigned count;
};

static void write_single(const void *ctx, struct out *o)
{
    const struct view *v = ctx;
    for (unsigned i = 0; i < SWITCHES; i++) {
        if (v->told[i]) {
            write_switch(v->device, i, o);
        }
    }
}

static void write_parts(const void *ctx, struct out *o)
{
    const struct view *v = ctx;
    char text[1024];
    struct out part;
    for (unsigned i = 0; i < SWITCHES; i++) {
        if (v->told[i]) {
            out_init(&part, text, sizeof(text));
            write_switch(v->device, i, &part);
            multipart_write_part(o, STR(BOUNDARY), STR("Content-Type: " TYPE "\r\n"),
                                 out_str_of(&part));
        }
    }
    multipart_write_end(o, STR(BOUNDARY));
}

static bool write_keys(struct subscription *s, bool full, struct event_body *out,
                       uint64_t now_ms)
{
    const struct keys *keys = s->resource->state;
    struct view v = {.l = s->layer, .device = s->resource->device};
    (void)now_ms;
    for (unsigned i = 0; i < SWITCHES; i++) {
        v.told[i] = full || keys->rev[i] > s->told_rev;
        v.count += v.told[i];
    }
    bool one = v.count <= 1;
    out->type = one ? STR(TYPE) : STR("multipart/mixed;boundary=\"" BOUNDARY "\"");
    return event_render(s->layer, one ? write_single : write_parts, &v, &out->body);
}

const struct event_package event_features = {
    .name = STR_INIT("as-feature-event"),
    .type = STR_INIT(TYPE),
    .expires_s = 3600,
    .interval_ms = 1,
    .open = open_keys,
    .close = close_keys,
    .write = write_keys,
    .ask = ask,
};
