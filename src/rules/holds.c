/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a rule hold? One function for each condition, in the order of their cost.
 *
 * Each says in words what failed when somebody wants to know; for a request nobody does,
 * `why` is NULL, and then nothing is written.
 */
#include "base/hash.h"
#include "rules/rules.h"
#include "sip/hdr.h"
#include "uui/message.h"

/* ---- saying why ---- */

static bool differs(struct out *why, const char *what, struct str have, const char *how)
{
    if (why != NULL) {
        out_c(why, what);
        if (have.n > 0) {
            out_ch(why, ' ');
            out_str(why, str_upto(have, 80));
        }
        out_ch(why, ' ');
        out_c(why, how);
    }
    return false;
}

static void list_item(struct out *why, size_t i, struct str text)
{
    if (why != NULL) {
        out_c(why, i == 0 ? " " : ", ");
        out_str(why, str_upto(text, 80));
    }
}

static bool none_of_patterns(struct out *why, const char *what, struct str have,
                             const struct pattern *p, size_t n)
{
    (void)differs(why, what, have, n == 1 ? "does not match" : "matches none of");
    for (size_t i = 0; i < n; i++) {
        list_item(why, i, p[i].text);
    }
    return false;
}

static bool none_of_texts(struct out *why, const char *what, struct str have,
                          const struct str *text, size_t n)
{
    (void)differs(why, what, have, n == 1 ? "is not" : "is none of");
    for (size_t i = 0; i < n; i++) {
        list_item(why, i, text[i]);
    }
    return false;
}

/* ---- numbers ---- */

/** A pattern with an '@' is about number and domain. */
static bool address_matches(const struct pattern *p, struct str number, struct str address)
{
    return pattern_matches(p, str_index(p->text, '@') < p->text.n ? address : number, NULL);
}

static bool any_matches(const struct pattern *p, size_t n, struct str number,
                        struct str address)
{
    for (size_t i = 0; i < n; i++) {
        if (address_matches(&p[i], number, address)) {
            return true;
        }
    }
    return n == 0;
}

static bool holds_numbers(const struct rule *r, const struct rule_query *q, struct out *why)
{
    if (!any_matches(r->to, r->to_count, q->called, q->called_address)) {
        return none_of_patterns(why, "the called number", q->called, r->to, r->to_count);
    }
    if (!any_matches(r->from, r->from_count, q->calling, q->calling_address)) {
        return none_of_patterns(why, "the calling number", q->calling, r->from, r->from_count);
    }
    if (!any_matches(r->domain, r->domain_count, q->domain, q->domain)) {
        return none_of_patterns(why, "the domain", q->domain, r->domain, r->domain_count);
    }
    return true;
}

/* ---- who and where from ---- */

static bool holds_peer(const struct rule *r, const struct rule_query *q, struct out *why)
{
    for (size_t i = 0; i < r->peer_count; i++) {
        bool from_peer = str_is_set(q->peer);
        if (str_eq(r->peer[i], STR("none"))
                ? !from_peer
                : from_peer && (str_eq(r->peer[i], STR("*")) || str_eq(r->peer[i], q->peer))) {
            return true;
        }
    }
    return r->peer_count == 0 ||
           none_of_texts(why, "the peer", str_is_set(q->peer) ? q->peer : STR("(none)"),
                         r->peer, r->peer_count);
}

static bool holds_sender(const struct rule *r, const struct rule_query *q, struct out *why)
{
    static const char *const states[] = {[RULE_CALLED_OTHER] = "no device of ours",
                                         [RULE_CALLED_REGISTERED] = "registered",
                                         [RULE_CALLED_UNREGISTERED] = "not registered"};
    if (r->transports != 0 && (r->transports >> q->transport & 1) == 0) {
        return differs(why, "the transport", str_c(transport_name(q->transport)),
                       "is none of those wanted");
    }
    if (r->device_count > 0 && !str_is_set(q->device)) {
        return differs(why, "the request", STR_NONE, "does not come from a device");
    }
    if (!any_matches(r->device, r->device_count, q->device, q->calling_address)) {
        return none_of_patterns(why, "the device", q->device, r->device, r->device_count);
    }
    if (r->called != 0 && (r->called >> q->called_state & 1) == 0) {
        return differs(why, "the called number is", str_c(states[q->called_state]),
                       "and that is not wanted");
    }
    return holds_peer(r, q, why);
}

/* ---- headers ---- */

/** The line's value, or any later one's of the same name. */
static bool some_line_matches(const struct sip_msg *m, const struct rule_header_test *t)
{
    enum sip_hdr_id id = sip_hdr_id_of(t->name);
    for (size_t i = 0; i < m->hdr_count; i++) {
        const struct sip_hdr *h = &m->hdr[i];
        bool same = id != SIP_HDR_OTHER ? h->id == id : str_ieq(sip_hdr_name(m, h), t->name);
        if (same && (!t->has_value || pattern_matches(&t->value, sip_hdr_value(m, h), NULL))) {
            return true;
        }
    }
    return false;
}

static bool holds_headers(const struct rule *r, const struct rule_query *q, struct out *why)
{
    for (size_t i = 0; i < r->header_count; i++) {
        const struct rule_header_test *t = &r->header[i];
        if (some_line_matches(q->m, t) != t->absent) {
            continue;
        }
        (void)differs(why, "the header", t->name,
                      t->absent      ? "is there"
                      : t->has_value ? "is missing or does not match"
                                     : "is missing");
        if (t->has_value) {
            list_item(why, 0, t->value.text);
        }
        return false;
    }
    return true;
}

static bool uui_holds(const struct uui_list *l, bool any, struct str want)
{
    if (str_eq(want, STR("any"))) {
        return any;
    }
    if (str_eq(want, STR("none"))) {
        return !any;
    }
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i].verdict != UUI_WRONG && str_ieq(l->v[i].package, want)) {
            return true;
        }
    }
    return false;
}

static bool holds_uui(const struct rule *r, const struct rule_query *q, struct out *why)
{
    struct uui_list list = {0};
    bool any = sip_msg_has(q->m, SIP_HDR_USER_TO_USER);
    if (r->uui_count == 0) {
        return true;
    }
    if (any && uui_list_of_msg(q->m, NULL, q->scratch, &list) != 0) {
        list = (struct uui_list){0}; /* more than anybody looks at, or no memory: no package */
    }
    for (size_t i = 0; i < r->uui_count; i++) {
        if (uui_holds(&list, any, r->uui[i])) {
            return true;
        }
    }
    return none_of_texts(why, "User-to-User",
                         any ? STR("present, but its package") : STR("absent"), r->uui,
                         r->uui_count);
}

/* ---- feature tags ---- */

/** Is `value` one of the values of a feature parameter: "a,b", perhaps in quotes (RFC 3840 §9)?
 */
static bool has_tag_value(struct str text, struct str value)
{
    if (text.n >= 2 && text.p[0] == '"') {
        text = str_make(text.p + 1, text.n - 2);
    }
    while (text.n > 0) {
        size_t n = str_index(text, ',');
        struct str one = str_trim(str_upto(text, n));
        if (one.n >= 2 && one.p[0] == '<') { /* a string-value */
            one = str_make(one.p + 1, one.n - 2);
        }
        if (str_ieq(one, value)) {
            return true;
        }
        text = str_from(text, n + 1);
    }
    return false;
}

static bool params_have(struct str params, const struct rule_tag *t)
{
    struct str name, value;
    while (sip_param_next(&params, &name, &value)) {
        if (str_ieq(name, t->name) &&
            (!str_is_set(t->value) || (str_is_set(value) ? has_tag_value(value, t->value)
                                                         : str_ieq(t->value, STR("true"))))) {
            return true;
        }
    }
    return false;
}

static bool header_has_tag(const struct sip_msg *m, enum sip_hdr_id id,
                           const struct rule_tag *t)
{
    struct sip_values it = {0};
    struct sip_addr addr;
    struct str v;
    uint32_t at;
    while (sip_msg_each(m, id, &it, &v)) {
        struct str params = str_from(v, str_index(v, ';') + 1); /* "*;audio" */
        if (id == SIP_HDR_CONTACT) {
            params = sip_addr_parse(v, &addr, &at) == 0 ? addr.params : STR_NONE;
        }
        if (params_have(params, t)) {
            return true;
        }
    }
    return false;
}

static bool holds_tags(const struct rule *r, const struct rule_query *q, struct out *why)
{
    for (size_t i = 0; i < r->wants_count; i++) {
        if (!header_has_tag(q->m, SIP_HDR_ACCEPT_CONTACT, &r->wants[i])) {
            return differs(why, "Accept-Contact does not ask for", r->wants[i].name,
                           "as the rule wants");
        }
    }
    for (size_t i = 0; i < r->has_count; i++) {
        if (!header_has_tag(q->m, SIP_HDR_CONTACT, &r->has[i])) {
            return differs(why, "Contact does not have", r->has[i].name, "as the rule wants");
        }
    }
    for (size_t i = 0; i < r->supported_count; i++) {
        if (!sip_msg_has_token(q->m, SIP_HDR_SUPPORTED, r->supported[i]) &&
            !sip_msg_has_token(q->m, SIP_HDR_REQUIRE, r->supported[i])) {
            return differs(why, "the caller does not support", r->supported[i],
                           "as the rule wants");
        }
    }
    return true;
}

/* ---- time and chance ---- */

static bool holds_time(const struct rule *r, const struct zone *zone,
                       const struct rule_query *q, struct out *why)
{
    static const struct zone utc = {0};
    for (size_t i = 0; i < r->time_count; i++) {
        if (period_holds(&r->time[i], zone != NULL ? zone : &utc, q->unix_s)) {
            return true;
        }
    }
    if (r->time_count > 0 && why != NULL) {
        struct local_time t;
        local_time_of(zone != NULL ? zone : &utc, q->unix_s, &t);
        out_fmt(why, "the time %04d-%02u-%02u %02u:%02u is not within", (int)t.year, t.month,
                t.month_day, t.minute / 60u, t.minute % 60u);
        for (size_t i = 0; i < r->time_count; i++) {
            list_item(why, i, r->time_text[i]);
        }
    }
    return r->time_count == 0;
}

unsigned rule_draw(const struct rule *r, const struct sip_msg *m)
{
    /* the key is no secret: who chooses his Call-ID may choose his way */
    static const struct hash_key key = {0x726f757465, 1};
    uint64_t h =
        hash_mix(hash_mac(&key, sip_msg_value(m, SIP_HDR_CALL_ID)), hash_mac(&key, r->name));
    return (unsigned)((h >> 20) % 10000);
}

static bool holds_percent(const struct rule *r, const struct rule_query *q, struct out *why)
{
    if (r->percent >= 100) {
        return true;
    }
    unsigned draw = rule_draw(r, q->m);
    if (draw < r->percent * 100) {
        return true;
    }
    if (why != NULL) {
        out_fmt(why, "this Call-ID draws %u.%02u, and the rule takes those below %u percent",
                draw / 100, draw % 100, r->percent);
    }
    return false;
}

bool rule_holds(const struct rule *r, const struct zone *zone, const struct rule_query *q,
                struct out *why)
{
    if ((r->methods >> q->m->method & 1) == 0) {
        return differs(why, "the method", sip_msg_method(q->m), "is not the rule's");
    }
    return holds_numbers(r, q, why) && holds_sender(r, q, why) && holds_tags(r, q, why) &&
           holds_headers(r, q, why) && holds_time(r, zone, q, why) && holds_uui(r, q, why) &&
           holds_percent(r, q, why);
}
