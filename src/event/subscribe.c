/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SUBSCRIBE (RFC 6665 §4.2.1): what may be subscribed, by whom, for how long.
 *
 * The order of judgement for a new one: package (489), Contact, whom it is for (404),
 * permission (403), Accept (406), time (423), what its body asks (as-feature-event), room.
 * Nothing changes before the last of them that can refuse, but for what the body asks.
 *
 * A fetch (Expires: 0 outside of any dialog) makes a subscription that ends at once: its first
 * NOTIFY is its last.
 *
 * A SUBSCRIBE inside a dialog refreshes or ends the subscription that the dialog is; one for
 * another package or another id would share the dialog, and is refused (§4.5.2).
 */
#include "event/parts.h"

struct event_header {
    struct str package, id;
};

static bool read_event(const struct sip_msg *m, struct event_header *out)
{
    struct str params;
    out->package = sip_value_head(sip_msg_value(m, SIP_HDR_EVENT), &params);
    (void)sip_param(params, STR("id"), &out->id);
    return out->package.n > 0;
}

static const struct event_package *package_of(struct str name)
{
    for (const struct event_package *const *p = event_packages; *p != NULL; p++) {
        if (str_eq((*p)->name, name)) { /* event types are case-sensitive (§8.2.1) */
            return *p;
        }
    }
    return NULL;
}

static void refuse(struct event_layer *l, struct txn_reply *out, unsigned status,
                   struct str reason, struct str lines)
{
    l->count.refused++;
    *out = (struct txn_reply){.status = status, .reason = reason, .lines = lines};
}

static void no_room(struct event_layer *l, struct txn_reply *out)
{
    refuse(l, out, 503, STR_NONE, STR("Retry-After: 30\r\n"));
}

static void bad_event(struct event_layer *l, struct txn_reply *out)
{
    refuse(l, out, 489, STR_NONE, STR("Allow-Events: " EVENT_ALLOW "\r\n"));
}

bool event_known(struct event_layer *l, const struct sip_msg *m, struct txn_reply *out)
{
    struct event_header h;
    bool known = read_event(m, &h) && package_of(h.package) != NULL;
    if (!known) {
        bad_event(l, out);
    }
    return known;
}

/* ---- permission ---- */

static bool in_list(const struct str *list, size_t n, const struct device *d)
{
    for (size_t i = 0; i < n; i++) {
        if (access_matches(list[i], d->number) || access_matches(list[i], d->key)) {
            return true;
        }
    }
    return false;
}

static bool is_who(const struct event_rule *r, const struct event_party *who)
{
    for (size_t i = 0; i < r->who_count && who->peer != NULL; i++) {
        if (str_starts(r->who[i], STR("peer:")) &&
            access_matches(str_from(r->who[i], 5), who->peer->name)) {
            return true;
        }
    }
    return who->device != NULL && in_list(r->who, r->who_count, who->device);
}

static bool is_listed(const struct event_rule *r, const struct event_package *p)
{
    for (size_t i = 0; i < r->package_count; i++) {
        if (str_eq(r->packages[i], p->name)) {
            return true;
        }
    }
    return r->package_count == 0;
}

static bool same_domain(const struct device *a, const struct device *b)
{
    return str_eq(str_from(a->key, a->number.n), str_from(b->key, b->number.n));
}

bool subscribe_may_watch(const struct event_layer *l, const struct event_party *who,
                         const struct event_package *p, const struct device *d)
{
    const struct event_config *c = &l->config;
    if (who->device == d) {
        return true;
    }
    if (who->application != NULL) {
        return directory_may_observe(who->application, d);
    }
    for (size_t i = 0; i < c->rule_count; i++) {
        const struct event_rule *r = &c->rules[i];
        if (is_listed(r, p) && is_who(r, who) && in_list(r->devices, r->device_count, d)) {
            return true;
        }
    }
    if (c->rule_count > 0) {
        return false;
    }
    return who->peer != NULL ||
           (p->open_to_domain && who->device != NULL && same_domain(who->device, d));
}

/* ---- what it asks for ---- */

/** Does Accept, when it is there, have room for our type (§4.2.1.1)? */
static bool accepts(const struct sip_msg *m, struct str type)
{
    struct sip_values it = {0};
    struct sip_media ours, theirs;
    struct str value;
    if (!sip_msg_has(m, SIP_HDR_ACCEPT) || sip_media_parse(type, &ours) != 0) {
        return true;
    }
    while (sip_msg_each(m, SIP_HDR_ACCEPT, &it, &value)) {
        if (sip_media_parse(value, &theirs) == 0 &&
            (str_eq(theirs.type, STR("*")) || str_ieq(theirs.type, ours.type)) &&
            (str_eq(theirs.subtype, STR("*")) || str_ieq(theirs.subtype, ours.subtype))) {
            return true;
        }
    }
    return false;
}

/** How long? @return false: refused with 423 */
static bool read_expires(struct event_layer *l, const struct sip_msg *m,
                         const struct event_package *p, uint32_t *out, struct txn_reply *reply)
{
    const struct event_config *c = &l->config;
    uint32_t seconds = p->expires_s;
    struct str ignored;
    if (sip_msg_has(m, SIP_HDR_EXPIRES)) {
        int err = sip_number_parse(sip_msg_value(m, SIP_HDR_EXPIRES), &seconds, &ignored);
        if (err != 0) { /* larger than any number: as long as may be */
            seconds = c->max_expires_s;
        }
    }
    if (seconds > 0 && seconds < 3600 && seconds < c->min_expires_s) {
        refuse(l, reply, 423, STR_NONE,
               arena_fmt(l->scratch, "Min-Expires: %u\r\n", (unsigned)c->min_expires_s));
        return false;
    }
    *out = seconds < c->max_expires_s ? seconds : c->max_expires_s;
    return true;
}

bool subscribe_may_set(const struct event_party *who, const struct device *d)
{
    return who->device == d || who->peer != NULL ||
           (who->application != NULL && directory_may_control(who->application, d));
}

static bool asks(const struct event_package *p, const struct sip_msg *m)
{
    return p->ask != NULL && sip_msg_body(m).n > 0;
}

/** What the body says is done. @return false: refused */
static bool do_body(struct event_layer *l, const struct event_package *p, struct device *d,
                    const struct sip_msg *m, bool may, struct txn_reply *reply, uint64_t now_ms)
{
    if (!asks(p, m)) {
        return true;
    }
    if (!may) {
        refuse(l, reply, 403, STR_NONE, STR_NONE);
        return false;
    }
    unsigned status = p->ask(l, d, m, now_ms);
    if (status == 0) {
        return true;
    }
    refuse(l, reply, status, STR_NONE,
           status == 415 ? arena_fmt(l->scratch, "Accept: %.*s\r\n", STR_ARG(p->type))
                         : STR_NONE);
    return false;
}

static bool is_acceptable(struct event_layer *l, const struct event_package *p,
                          const struct sip_msg *m, struct txn_reply *reply)
{
    struct sip_addr contact;
    if (sip_msg_addr(m, SIP_HDR_CONTACT, &contact) != 0 || contact.star ||
        (contact.uri.scheme != SIP_SCHEME_SIP && contact.uri.scheme != SIP_SCHEME_SIPS)) {
        refuse(l, reply, 400, STR("A SIP Contact Is Needed"), STR_NONE);
        return false;
    }
    if (!dialog_routes_fit(m)) {
        refuse(l, reply, 400, STR("Too Many Record-Routes"), STR_NONE);
        return false;
    }
    if (!accepts(m, p->type)) {
        refuse(l, reply, 406, STR_NONE,
               arena_fmt(l->scratch, "Accept: %.*s\r\n", STR_ARG(p->type)));
        return false;
    }
    return true;
}

/* ---- a new one ---- */

/** @param full  all of the state is told, not only what has changed */
static void accepted(struct subscription *s, uint32_t seconds, bool full, struct txn_reply *out)
{
    struct str contact = subscription_contact(s);
    struct str lines = arena_fmt(s->layer->scratch, "Expires: %u\r\nAllow-Events: %s\r\n%.*s",
                                 (unsigned)seconds, EVENT_ALLOW, STR_ARG(contact));
    *out = (struct txn_reply){
        .status = 200, .to_tag = s->dialog.local_tag, .lines = lines, .record_route = true};
    s->dirty = s->urgent = true;
    s->full = s->full || full;
    subscription_wake(s);
}

static struct subscription *make(struct event_layer *l, const struct sip_msg *m,
                                 const struct hop *from, const struct event_party *who,
                                 const struct event_package *p, struct device *d,
                                 struct txn_reply *out, uint64_t now_ms)
{
    struct event_header h;
    (void)read_event(m, &h);
    struct subscription_args args = {.package = p, .id = h.id};
    struct subscription *s = NULL;
    args.subscriber = subscriber_get(l, who);
    args.resource = args.subscriber != NULL ? resource_get(l, p, d, now_ms) : NULL;
    if (args.resource == NULL) {
        no_room(l, out);
    } else if (args.subscriber->count >= l->config.max_per_subscriber) {
        refuse(l, out, 403, STR("Too Many Subscriptions Of One Subscriber"), STR_NONE);
    } else if (args.resource->count >= l->config.max_per_resource) {
        refuse(l, out, 403, STR("Too Many Subscriptions For This Address"), STR_NONE);
    } else if ((s = subscription_new(l, m, from, &args, now_ms)) == NULL) {
        no_room(l, out);
    }
    if (s == NULL) {
        resource_settle(args.resource);
        subscriber_settle(l, args.subscriber);
    }
    return s;
}

void event_subscribe(struct event_layer *l, const struct sip_msg *m, const struct hop *from,
                     const struct event_party *who, struct txn_reply *out, uint64_t now_ms)
{
    struct event_header h;
    struct sip_uri uri;
    uint32_t at, seconds;
    const struct event_package *p = read_event(m, &h) ? package_of(h.package) : NULL;
    if (p == NULL) {
        bad_event(l, out);
        return;
    }
    if (p->implicit) {
        refuse(l, out, 403, STR("Only A REFER Makes This Subscription"), STR_NONE);
        return;
    }
    struct device *d = sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) == 0
                           ? directory_device_of_uri(l->directory, &uri)
                           : NULL;
    if (d == NULL) {
        refuse(l, out, 404, STR_NONE, STR_NONE);
        return;
    }
    if (!subscribe_may_watch(l, who, p, d)) {
        refuse(l, out, 403, STR_NONE, STR_NONE);
        return;
    }
    if (!is_acceptable(l, p, m, out) || !read_expires(l, m, p, &seconds, out) ||
        !do_body(l, p, d, m, subscribe_may_set(who, d), out, now_ms)) {
        return;
    }
    struct subscription *s = make(l, m, from, who, p, d, out, now_ms);
    if (s == NULL) {
        return;
    }
    l->count.subscribed++;
    s->told_rev = s->resource->rev; /* what is over by now is no news */
    s->may_set = subscribe_may_set(who, d);
    accepted(s, seconds, true, out);
    if (seconds == 0) {
        subscription_end(s, EVENT_TIMEOUT);
    } else {
        subscription_live(s, seconds, now_ms);
    }
}

/* ---- inside its dialog ---- */

static void refresh(struct subscription *s, const struct sip_msg *m, const struct hop *from,
                    struct txn_reply *out, uint64_t now_ms)
{
    struct event_layer *l = s->layer;
    struct event_header h;
    uint32_t seconds;
    if (!read_event(m, &h) || package_of(h.package) == NULL) {
        bad_event(l, out);
        return;
    }
    if (!str_eq(h.package, s->package->name) || !str_eq(h.id, s->id)) {
        refuse(l, out, 403, STR("Dialog Sharing Is Not Supported"), STR_NONE);
        return;
    }
    if (!accepts(m, s->package->type)) {
        refuse(l, out, 406, STR_NONE,
               arena_fmt(l->scratch, "Accept: %.*s\r\n", STR_ARG(s->package->type)));
        return;
    }
    if (!read_expires(l, m, s->package, &seconds, out) ||
        (s->resource != NULL &&
         !do_body(l, s->package, s->resource->device, m, s->may_set, out, now_ms))) {
        return;
    }
    if (dialog_refresh(&s->dialog, &l->env->mem, m, from) != 0) {
        no_room(l, out);
        return;
    }
    subscription_bind_flow(s);
    s->tries = 0;
    l->count.refreshed++;
    accepted(s, seconds, !asks(s->package, m), out);
    if (seconds == 0) {
        subscription_end(s, EVENT_TIMEOUT);
    } else {
        subscription_live(s, seconds, now_ms);
    }
}

bool event_on_request(struct event_layer *l, const struct sip_msg *m, const struct hop *from,
                      struct txn_reply *out, uint64_t now_ms)
{
    struct subscription *s = subscription_find(l, m);
    if (s == NULL || s->ending || m->method == SIP_METHOD_ACK) {
        return false;
    }
    if (dialog_check_cseq(&s->dialog, m) != 0) {
        *out = (struct txn_reply){.status = 500, .reason = STR("CSeq Is Not Higher")};
    } else if (m->method == SIP_METHOD_SUBSCRIBE) {
        refresh(s, m, from, out, now_ms);
    } else if (m->method == SIP_METHOD_BYE) {
        return false; /* there is no session in this dialog (RFC 5057 §4.2) */
    } else {
        *out = (struct txn_reply){.status = 405, .lines = STR("Allow: SUBSCRIBE\r\n")};
    }
    return true;
}
