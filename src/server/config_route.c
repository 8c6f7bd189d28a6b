/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the configuration: from libcyaml's structs to a table of rules.
 *
 * Everything that can be wrong with a rule is found here, with line and column: patterns are
 * compiled, times read, names of peers, devices and dialling plans looked up, URIs parsed. The
 * table that comes out cannot fail.
 */
#include "base/err.h"
#include "server/config_map.h"
#include "sip/names.h"
#include "uui/uui.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ZONE_DIR "/usr/share/zoneinfo"
#define ZONE_FILE_MAX (256u << 10)

/** One rule on its way: the tree, where it stands, and what it becomes. */
struct making {
    struct config_tree *t;
    struct config *c;
    yaml_node_t *at;    /**< the rule's mapping */
    yaml_node_t *match; /**< its match section, or NULL */
    const struct raw_route *raw;
    struct rule *to;
};

static bool no_memory(struct config_tree *t)
{
    return tree_fault(t, NULL, "out of memory");
}

static yaml_node_t *item(struct making *k, yaml_node_t *section, const char *key, size_t i)
{
    return tree_entry(k->t, tree_key(k->t, section, key), i);
}

/* ---- time zone and plans ---- */

static bool zone_file(struct config *c, const char *name, struct zone *out)
{
    char path[256];
    const char *dir = getenv("TZDIR");
    bool plain = strstr(name, "..") == NULL && name[0] != '/' && strlen(name) < 64;
    (void)snprintf(path, sizeof(path), "%s/%s", dir != NULL ? dir : ZONE_DIR, name);
    FILE *f = plain ? fopen(path, "re") : NULL;
    if (f == NULL) {
        return false;
    }
    char *bytes = malloc(ZONE_FILE_MAX);
    size_t n = bytes != NULL ? fread(bytes, 1, ZONE_FILE_MAX, f) : 0;
    bool ok =
        n > 0 && n < ZONE_FILE_MAX && zone_parse_tzif(&c->arena, str_make(bytes, n), out) == 0;
    free(bytes);
    (void)fclose(f);
    return ok;
}

static bool map_zone(struct config_tree *t, struct config *c)
{
    const char *name = c->raw->time_zone != NULL ? c->raw->time_zone : "UTC";
    return zone_parse_offset(str_c(name), &c->zone) ||
           zone_parse_posix(str_c(name), &c->zone) || zone_file(c, name, &c->zone) ||
           tree_fault(
               t, tree_key(t, tree_root(t), "time_zone"),
               "time_zone: %s is no offset such as +01:00, no POSIX rule, and there is no "
               "such zone in " ZONE_DIR,
               name);
}

static bool is_digits(const char *s)
{
    return s == NULL || s[strspn(s, "0123456789")] == '\0';
}

static bool map_plans(struct config_tree *t, struct config *c)
{
    size_t n = c->raw->dial_plans_count;
    c->plans = arena_zalloc(&c->arena, (n + 1) * sizeof(*c->plans));
    c->plan_count = n;
    if (c->plans == NULL) {
        return no_memory(t);
    }
    for (size_t i = 0; i < n; i++) {
        const struct raw_plan *raw = &c->raw->dial_plans[i];
        yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "dial_plans"), i);
        const struct {
            const char *key, *value;
        } digits[] = {{"country", raw->country},
                      {"area", raw->area},
                      {"trunk", raw->trunk},
                      {"international", raw->international}};
        for (size_t k = 0; k < ARRAY_LEN(digits); k++) {
            if (!is_digits(digits[k].value) ||
                (digits[k].value != NULL && strlen(digits[k].value) > 8)) {
                return tree_fault(t, tree_key(t, at, digits[k].key),
                                  "%s: at most eight digits are wanted", digits[k].key);
            }
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(c->plans[k].name, str_c(raw->name))) {
                return tree_fault(t, tree_key(t, at, "name"),
                                  "name: there is a dialling plan %s already", raw->name);
            }
        }
        c->plans[i] = (struct dial_plan){str_c(raw->name),          str_c(raw->country),
                                         str_c(raw->area),          str_c(raw->trunk),
                                         str_c(raw->international), raw->extension_digits};
    }
    return true;
}

/** How numbers are dialled where applications are. */
static bool map_places(struct config_tree *t, struct config *c)
{
    for (size_t i = 0; i < c->application_count; i++) {
        const char *name = c->raw->applications[i].dial_plan;
        yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "applications"), i);
        for (size_t k = 0; name != NULL && k < c->plan_count; k++) {
            if (str_eq(c->plans[k].name, str_c(name))) {
                c->applications[i].dial_plan = &c->plans[k];
            }
        }
        if (name != NULL && c->applications[i].dial_plan == NULL) {
            return tree_fault(t, tree_key(t, at, "dial_plan"),
                              "dial_plan: there is no dialling plan %s in dial_plans", name);
        }
    }
    return true;
}

/* ---- conditions ---- */

static bool pattern_at(struct making *k, yaml_node_t *at, const char *key, const char *text,
                       unsigned flags, struct pattern *out)
{
    struct pattern_fault fault;
    int err = pattern_compile(&k->c->arena, str_c(text), flags, out, &fault);
    return err == 0 || tree_fault(k->t, at, "%s: %s, at character %zu of %s", key, fault.what,
                                  fault.at + 1, text);
}

static bool patterns(struct making *k, const char *key, char *const *list, size_t n,
                     unsigned flags, const struct pattern **out, size_t *count)
{
    struct pattern *p = arena_zalloc(&k->c->arena, (n + 1) * sizeof(*p));
    if (p == NULL) {
        return no_memory(k->t);
    }
    for (size_t i = 0; i < n; i++) {
        if (!pattern_at(k, item(k, k->match, key, i), key, list[i], flags, &p[i])) {
            return false;
        }
    }
    *out = p;
    *count = n;
    return true;
}

static bool methods(struct making *k)
{
    static const uint8_t inside[] = {SIP_METHOD_ACK, SIP_METHOD_CANCEL, SIP_METHOD_BYE,
                                     SIP_METHOD_PRACK, SIP_METHOD_UPDATE};
    const struct raw_route_match *m = &k->raw->match;
    k->to->methods = m->method_count == 0 ? 1u << SIP_METHOD_INVITE : 0;
    for (size_t i = 0; i < m->method_count; i++) {
        enum sip_method method = sip_method_of(str_c(m->method[i]));
        bool all = strcmp(m->method[i], "*") == 0;
        bool known = method != SIP_METHOD_OTHER;
        for (size_t j = 0; j < sizeof(inside); j++) {
            known = known && method != inside[j];
        }
        if (!all && !known) {
            return tree_fault(k->t, item(k, k->match, "method", i),
                              "method: %s begins nothing; INVITE, MESSAGE, SUBSCRIBE … or * is "
                              "wanted",
                              m->method[i]);
        }
        k->to->methods |= all ? ~(1u << SIP_METHOD_REGISTER) : 1u << method;
    }
    return true;
}

static bool transports_and_states(struct making *k)
{
    static const struct {
        const char *word;
        uint8_t bits;
    } states[] = {
        {"registered", 1 << RULE_CALLED_REGISTERED},
        {"unregistered", 1 << RULE_CALLED_UNREGISTERED},
        {"device", 1 << RULE_CALLED_REGISTERED | 1 << RULE_CALLED_UNREGISTERED},
        {"other", 1 << RULE_CALLED_OTHER},
    };
    const struct raw_route_match *m = &k->raw->match;
    for (size_t i = 0; i < m->transport_count; i++) {
        enum transport tp = transport_of(str_c(m->transport[i]));
        if (tp == TP_NONE) {
            return tree_fault(k->t, item(k, k->match, "transport", i),
                              "transport: udp, tcp, tls, ws or wss is wanted");
        }
        k->to->transports |= (uint16_t)(1u << tp);
    }
    for (size_t i = 0; i < m->called_count; i++) {
        uint8_t bits = 0;
        for (size_t j = 0; j < ARRAY_LEN(states); j++) {
            bits = strcmp(m->called[i], states[j].word) == 0 ? states[j].bits : bits;
        }
        if (bits == 0) {
            return tree_fault(k->t, item(k, k->match, "called", i),
                              "called: registered, unregistered, device or other is wanted");
        }
        k->to->called |= bits;
    }
    return true;
}

static bool peer_exists(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->peer_count; i++) {
        if (str_eq(c->peers[i].name, name)) {
            return true;
        }
    }
    return false;
}

/** Borrowed strings of a list. */
static bool texts(struct making *k, char *const *list, size_t n, const struct str **out,
                  size_t *count)
{
    *out = config_strings(k->c, list, n);
    *count = n;
    return *out != NULL || no_memory(k->t);
}

static bool peers(struct making *k)
{
    const struct raw_route_match *m = &k->raw->match;
    for (size_t i = 0; i < m->peer_count; i++) {
        if (strcmp(m->peer[i], "*") != 0 && strcmp(m->peer[i], "none") != 0 &&
            !peer_exists(k->c, str_c(m->peer[i]))) {
            return tree_fault(k->t, item(k, k->match, "peer", i),
                              "peer: there is no peer %s; its name, * or none is wanted",
                              m->peer[i]);
        }
    }
    return texts(k, m->peer, m->peer_count, &k->to->peer, &k->to->peer_count);
}

static bool header_tests(struct making *k)
{
    const struct raw_route_match *m = &k->raw->match;
    struct rule_header_test *to =
        arena_zalloc(&k->c->arena, (m->header_count + 1) * sizeof(*to));
    if (to == NULL) {
        return no_memory(k->t);
    }
    for (size_t i = 0; i < m->header_count; i++) {
        yaml_node_t *at = item(k, k->match, "header", i);
        const struct raw_route_header *raw = &m->header[i];
        to[i].name = str_c(raw->name);
        to[i].absent = raw->absent;
        to[i].has_value = raw->value != NULL;
        if (!uui_is_token(to[i].name)) {
            return tree_fault(k->t, tree_key(k->t, at, "name"), "name: %s is no header name",
                              raw->name);
        }
        if (raw->value != NULL && !pattern_at(k, tree_key(k->t, at, "value"), "value",
                                              raw->value, PATTERN_NO_CASE, &to[i].value)) {
            return false;
        }
    }
    k->to->header = to;
    k->to->header_count = m->header_count;
    return true;
}

static bool tags(struct making *k, char *const *list, size_t n, const struct rule_tag **out,
                 size_t *count)
{
    struct rule_tag *to = arena_zalloc(&k->c->arena, (n + 1) * sizeof(*to));
    for (size_t i = 0; to != NULL && i < n; i++) {
        struct str s = str_c(list[i]);
        size_t eq = str_index(s, '=');
        to[i].name = str_upto(s, eq);
        to[i].value = eq < s.n ? str_from(s, eq + 1) : STR_NONE;
    }
    *out = to;
    *count = n;
    return to != NULL || no_memory(k->t);
}

static bool times(struct making *k)
{
    const struct raw_route_match *m = &k->raw->match;
    struct period *to = arena_zalloc(&k->c->arena, (m->time_count + 1) * sizeof(*to));
    if (to == NULL) {
        return no_memory(k->t);
    }
    for (size_t i = 0; i < m->time_count; i++) {
        size_t at;
        if (!period_parse(str_c(m->time[i]), &to[i], &at)) {
            return tree_fault(k->t, item(k, k->match, "time", i),
                              "time: not understood at character %zu; e.g. mon-fri "
                              "08:00-18:00, sat,sun, 2026-12-24..2026-12-26 or 12-24",
                              at + 1);
        }
    }
    k->to->time = to;
    return texts(k, m->time, m->time_count, &k->to->time_text, &k->to->time_count);
}

static bool conditions(struct making *k)
{
    const struct raw_route_match *m = &k->raw->match;
    struct rule *r = k->to;
    r->percent = m->percent;
    return methods(k) && transports_and_states(k) && peers(k) && header_tests(k) && times(k) &&
           patterns(k, "to", m->to, m->to_count, 0, &r->to, &r->to_count) &&
           patterns(k, "from", m->from, m->from_count, 0, &r->from, &r->from_count) &&
           patterns(k, "domain", m->domain, m->domain_count, PATTERN_NO_CASE, &r->domain,
                    &r->domain_count) &&
           patterns(k, "device", m->device, m->device_count, 0, &r->device, &r->device_count) &&
           tags(k, m->wants, m->wants_count, &r->wants, &r->wants_count) &&
           tags(k, m->has, m->has_count, &r->has, &r->has_count) &&
           texts(k, m->supported, m->supported_count, &r->supported, &r->supported_count) &&
           texts(k, m->uui, m->uui_count, &r->uui, &r->uui_count);
}

/* ---- numbers and targets ---- */

static bool plan_named(struct making *k, yaml_node_t *section, const char *key,
                       const char *name, const struct dial_plan **out)
{
    for (size_t i = 0; name != NULL && i < k->c->plan_count; i++) {
        if (str_eq(k->c->plans[i].name, str_c(name))) {
            *out = &k->c->plans[i];
            return true;
        }
    }
    return name == NULL ||
           tree_fault(k->t, tree_key(k->t, section, key),
                      "%s: there is no dialling plan %s in dial_plans", key, name);
}

/** Parts are those of the patterns of `key`; each must have as many as are asked for. */
static bool number_change(struct making *k, const char *section_name,
                          const struct raw_route_number *raw, const struct pattern *p, size_t n,
                          struct rule_number *out)
{
    yaml_node_t *section = tree_key(k->t, k->at, section_name);
    struct pattern_fault fault;
    unsigned groups = n == 0 ? 0 : PATTERN_GROUPS;
    for (size_t i = 0; i < n; i++) {
        groups = p[i].groups < groups ? p[i].groups : groups;
    }
    out->replace = str_c(raw->rewrite);
    out->strip = raw->strip;
    out->prepend = str_c(raw->prepend);
    if (!pattern_replacement_ok(out->replace, groups, &fault)) {
        return tree_fault(k->t, tree_key(k->t, section, "rewrite"),
                          "rewrite: %s, at character %zu of %s", fault.what, fault.at + 1,
                          raw->rewrite);
    }
    return plan_named(k, section, "to_e164", raw->to_e164, &out->to_e164) &&
           plan_named(k, section, "from_e164", raw->from_e164, &out->from_e164);
}

static bool uri_is_good(struct making *k, struct str uri)
{
    struct sip_uri u;
    uint32_t where;
    char *buf = arena_alloc(&k->c->arena, uri.n + 2);
    struct out o;
    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, uri.n + 2);
    rule_write_uri(&o, uri, STR("0"), NULL);
    return !o.over && sip_uri_parse(out_str_of(&o), 0, &u, &where) == 0 &&
           u.scheme != SIP_SCHEME_OTHER;
}

static bool device_exists(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->device_count; i++) {
        if (str_eq(c->devices[i].number, name) || str_eq(c->devices[i].key, name)) {
            return true;
        }
    }
    return false;
}

static bool target(struct making *k, yaml_node_t *at, const struct raw_route_target *raw,
                   struct rule_target *out)
{
    struct str s = str_c(raw->to);
    yaml_node_t *to_at = tree_key(k->t, at, "to");
    *out = (struct rule_target){.text = s, .weight = raw->weight, .q = RULE_NO_Q};
    if (raw->q != NULL) {
        uint16_t q;
        if (!sip_q_parse(str_c(raw->q), &q)) {
            return tree_fault(k->t, tree_key(k->t, at, "q"),
                              "q: 0 to 1 with at most three places is wanted, e.g. 0.5");
        }
        out->q = q;
    }
    if (str_eq(s, STR("location"))) {
        out->kind = RULE_TO_LOCATION;
    } else if (str_starts(s, STR("device:"))) {
        out->kind = RULE_TO_DEVICE;
        out->text = str_from(s, 7);
        return device_exists(k->c, out->text) ||
               tree_fault(k->t, to_at, "to: there is no device %.*s", STR_ARG(out->text));
    } else if (str_starts(s, STR("peer:"))) {
        out->kind = RULE_TO_PEER;
        out->text = str_from(s, 5);
        return peer_exists(k->c, out->text) ||
               tree_fault(k->t, to_at, "to: there is no peer %.*s", STR_ARG(out->text));
    } else {
        out->kind = RULE_TO_URI;
        return uri_is_good(k, s) ||
               tree_fault(k->t, to_at,
                          "to: location, device:NUMBER, peer:NAME, or a sip:, sips: or tel: "
                          "URI is wanted");
    }
    return true;
}

static bool targets(struct making *k)
{
    size_t n = k->raw->targets_count;
    struct rule_target *to = arena_zalloc(&k->c->arena, (n + 1) * sizeof(*to));
    if (to == NULL) {
        return no_memory(k->t);
    }
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *at = item(k, k->at, "targets", i);
        if (!target(k, at, &k->raw->targets[i], &to[i])) {
            return false;
        }
        if ((k->to->action == RULE_REDIRECT || k->to->action == RULE_REFER) &&
            k->raw->headers_count > 0 && str_starts(to[i].text, STR("tel:"))) {
            return tree_fault(k->t, at, "to: a tel: URI carries no headers");
        }
    }
    k->to->target = to;
    k->to->target_count = n;
    k->to->by_weight = k->raw->order != NULL && strcmp(k->raw->order, "weight") == 0;
    return true;
}

/* ---- the action ---- */

static bool status_fits(struct making *k)
{
    static const uint16_t redirects[] = {300, 301, 302, 305, 380};
    unsigned status = k->raw->status;
    yaml_node_t *at = tree_key(k->t, k->at, "status");
    struct rule *r = k->to;
    if (r->action == RULE_REFUSE) {
        r->status = status == 0 ? 403 : status;
        return r->status >= 400 ||
               tree_fault(k->t, at, "status: a refusal is 400 to 699, not %u", status);
    }
    if (r->action != RULE_REDIRECT) {
        return status == 0 || tree_fault(k->t, at, "status: only redirect and refuse have one");
    }
    r->status = status == 0 ? 302 : status;
    for (size_t i = 0; i < ARRAY_LEN(redirects); i++) {
        if (redirects[i] == r->status) {
            return true;
        }
    }
    return tree_fault(k->t, at, "status: a redirect is 300, 301, 302, 305 or 380, not %u",
                      status);
}

static bool header_lines(struct making *k)
{
    size_t n = k->raw->headers_count;
    struct rule_line *to = arena_zalloc(&k->c->arena, (n + 1) * sizeof(*to));
    if (to == NULL) {
        return no_memory(k->t);
    }
    for (size_t i = 0; i < n; i++) {
        to[i] =
            (struct rule_line){str_c(k->raw->headers[i].name), str_c(k->raw->headers[i].value)};
        if (!rule_header_allowed(to[i].name)) {
            return tree_fault(
                k->t, tree_key(k->t, item(k, k->at, "headers", i), "name"),
                "name: a rule cannot set %s%s", k->raw->headers[i].name,
                str_ieq(to[i].name, STR("User-to-User")) ? "; uui or uui_hex is for that" : "");
        }
    }
    k->to->headers = to;
    k->to->header_lines = n;
    return true;
}

/** The octets of uui or uui_hex. @return false with a fault */
static bool uui_octets(struct making *k, struct str *out)
{
    const char *hex = k->raw->uui_hex;
    size_t n = hex != NULL ? strlen(hex) : 0;
    *out = str_c(k->raw->uui);
    if (hex == NULL) {
        return true;
    }
    char *buf = arena_alloc(&k->c->arena, n / 2 + 1);
    bool good = buf != NULL && n % 2 == 0 && k->raw->uui == NULL;
    for (size_t i = 0; good && i < n; i++) {
        good = hex_digit(hex[i]) >= 0;
        if (good && i % 2 == 1) {
            buf[i / 2] = (char)(hex_digit(hex[i - 1]) << 4 | hex_digit(hex[i]));
        }
    }
    *out = str_make(buf, n / 2);
    return good || tree_fault(k->t, tree_key(k->t, k->at, "uui_hex"),
                              "uui_hex: pairs of hexadecimal digits are wanted, and not uui as "
                              "well");
}

static bool uui_value(struct making *k)
{
    struct str octets, package = str_c(k->raw->uui_package);
    bool isdn = package.n == 0 || str_eq(package, uui_isdn);
    struct str pd[] = {isdn && k->raw->uui != NULL ? STR("\x04") : STR(""), STR_NONE}; /* IA5 */
    enum uui_rule why = UUI_R_NONE;
    if (!uui_octets(k, &octets)) {
        return false;
    }
    if (!str_is_set(octets)) {
        return k->raw->uui_package == NULL ||
               tree_fault(k->t, tree_key(k->t, k->at, "uui_package"),
                          "uui_package: uui or uui_hex is missing");
    }
    size_t cap = 2 * octets.n + package.n + 64;
    char *buf = arena_alloc(&k->c->arena, cap);
    struct out o;
    if (buf == NULL) {
        return no_memory(k->t);
    }
    out_init(&o, buf, cap);
    pd[1] = octets;
    octets = arena_join(&k->c->arena, pd, ARRAY_LEN(pd));
    if (uui_write(&o, octets, &(struct uui_format){.package = package}, &why) != 0) {
        return tree_fault(k->t, k->at, "uui: %s", uui_rule_text(why));
    }
    k->to->uui_value = out_str_of(&o);
    k->to->uui_octets = octets;
    k->to->uui_package = isdn ? uui_isdn : package;
    return true;
}

static bool next_on(struct making *k)
{
    static const uint16_t usual[] = {408, 480, 500, 502, 503, 504};
    size_t n = k->raw->next_on_count;
    if (n == 0) {
        memcpy(k->to->next_on, usual, sizeof(usual));
        k->to->next_count = ARRAY_LEN(usual);
        return true;
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t status;
        if (i == RULE_STATUSES_MAX || !str_to_u32(str_c(k->raw->next_on[i]), &status) ||
            status < 300 || status > 699) {
            return tree_fault(k->t, item(k, k->at, "next_on", i),
                              "next_on: at most %d statuses from 300 to 699 are wanted",
                              RULE_STATUSES_MAX);
        }
        k->to->next_on[i] = (uint16_t)status;
    }
    k->to->next_count = n;
    return true;
}

/** The routing device. */
static bool asked(struct making *k)
{
    yaml_node_t *at = tree_key(k->t, k->at, "ask");
    k->to->ask = str_c(k->raw->ask);
    if (k->to->ask.n == 0) {
        return true;
    }
    if (k->to->action != RULE_BRIDGE) {
        return tree_fault(k->t, at, "ask: only a bridge asks an application where to go");
    }
    return device_exists(k->c, k->to->ask) ||
           tree_fault(k->t, at, "ask: there is no device %.*s", STR_ARG(k->to->ask));
}

static bool action(struct making *k)
{
    struct rule *r = k->to;
    const char *word = k->raw->action != NULL ? k->raw->action : "bridge";
    while (strcmp(rule_action_name(r->action), word) != 0) {
        r->action++;
    }
    if ((r->action == RULE_BRIDGE || r->action == RULE_REFER) &&
        r->methods != 1u << SIP_METHOD_INVITE) {
        return tree_fault(
            k->t, tree_key(k->t, k->match, "method"),
            "method: only INVITE can be bridged or referred; other methods can be "
            "proxied, redirected or refused");
    }
    if (r->action == RULE_REFER && k->raw->targets_count == 0) {
        return tree_fault(
            k->t, k->at,
            "targets: a rule that refers needs some; the called number's location "
            "would lead here again");
    }
    r->reason = str_c(k->raw->reason);
    r->ring_s = k->raw->ring_s;
    r->ask_s = k->raw->ask_s;
    r->record_route = k->raw->record_route;
    r->recurse = k->raw->recurse;
    r->parallel = k->raw->fork == NULL || strcmp(k->raw->fork, "parallel") == 0;
    if (r->action != RULE_REFUSE && k->raw->reason != NULL) {
        return tree_fault(k->t, tree_key(k->t, k->at, "reason"),
                          "reason: only a refusal has one");
    }
    if (r->action == RULE_REFUSE && k->raw->targets_count > 0) {
        return tree_fault(k->t, tree_key(k->t, k->at, "targets"),
                          "targets: a refusal has none");
    }
    if (r->action != RULE_BRIDGE && r->action != RULE_REFER &&
        tree_key(k->t, k->at, "calling") != NULL) {
        return tree_fault(k->t, tree_key(k->t, k->at, "calling"),
                          "calling: only a bridge changes the calling number");
    }
    return asked(k) && status_fits(k) && targets(k) && header_lines(k) && uui_value(k) &&
           next_on(k);
}

static bool map_rule(struct making *k, size_t i)
{
    struct rule *r = k->to;
    r->line = (unsigned)k->at->start_mark.line + 1;
    r->name =
        k->raw->name != NULL ? str_c(k->raw->name) : arena_fmt(&k->c->arena, "rule %zu", i + 1);
    if (r->name.p == NULL) {
        return no_memory(k->t);
    }
    for (size_t j = 0; j < i; j++) {
        if (k->raw->name != NULL && str_eq(k->to[-1 - (long)j].name, r->name)) {
            return tree_fault(k->t, tree_key(k->t, k->at, "name"),
                              "name: there is a rule %s already", k->raw->name);
        }
    }
    return conditions(k) && action(k) &&
           number_change(k, "called", &k->raw->called, r->to, r->to_count, &r->called_number) &&
           number_change(k, "calling", &k->raw->calling, r->from, r->from_count,
                         &r->calling_number);
}

bool config_map_routes(struct config_tree *t, struct config *c)
{
    size_t n = c->raw->routes_count;
    struct rule *rules = arena_zalloc(&c->arena, (n + 1) * sizeof(*rules));
    if (rules == NULL) {
        return no_memory(t);
    }
    if (!map_zone(t, c) || !map_plans(t, c) || !map_places(t, c)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "routes"), i);
        struct making k = {t, c, at, tree_key(t, at, "match"), &c->raw->routes[i], &rules[i]};
        if (!map_rule(&k, i)) {
            return false;
        }
    }
    return rule_table_init(&c->routes, &c->arena, rules, n, &c->zone) == 0 || no_memory(t);
}
