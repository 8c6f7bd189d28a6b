/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meaning: from what is written in the file to what the parts of the server want.
 *
 * Each function maps one section and checks what needs more than one value, or more than form.
 * An error points to the value it is about.
 */
#include "server/config_map.h"
#include "base/err.h"
#include "base/map.h"
#include "call/services.h"
#include "net/sockaddr.h"

#define PRODUCT "Baton/" BATON_VERSION

/** Room for addresses of this machine that a wildcard listener stands for. */
#define INTERFACES_MAX 64

static bool out_of_memory(struct config_tree *t)
{
    return tree_fault(t, NULL, "out of memory");
}

/** `n` zeroed objects; never NULL for n == 0. */
static void *many(struct config *c, size_t n, size_t size)
{
    return arena_zalloc(&c->arena, n == 0 ? size : n * size);
}

/** A node of a list below the root, for errors. */
static yaml_node_t *entry_of(struct config_tree *t, const char *key, size_t i)
{
    return tree_entry(t, tree_key(t, tree_root(t), key), i);
}

/* ---- domains ---- */

static bool is_host(struct str s)
{
    struct addr a;
    if (addr_parse_host(s, 0, &a)) {
        return true;
    }
    for (size_t i = 0; i < s.n; i++) {
        char ch = ascii_lower(s.p[i]);
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-' || ch == '.')) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 253;
}

void config_add_own_address(struct config *c, const struct addr *a)
{
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    addr_write_host(&o, a);
    for (size_t i = 0; i < c->domain_count; i++) {
        if (str_ieq(c->domains[i], out_str_of(&o))) {
            return;
        }
    }
    if (addr_is_any(a) || c->domain_count == c->domain_room) {
        return;
    }
    struct str copy = arena_dup(&c->arena, out_str_of(&o));
    if (copy.p != NULL) {
        c->domains[c->domain_count++] = copy;
    }
}

/** Where we are reached. Empty when a port is only known later (0): then any port is ours. */
static int map_own(struct config *c)
{
    c->own = many(c, 4 * c->listen_count + 1, sizeof(*c->own));
    c->own_count = 0;
    if (c->own == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < c->listen_count; i++) {
        const struct config_listen *l = &c->listen[i];
        struct addr at[] = {l->at, l->shown, c->net.advertise[0], c->net.advertise[1]};
        if (l->at.port == 0) {
            c->own_count = 0;
            return 0;
        }
        for (size_t k = 0; k < ARRAY_LEN(at); k++) {
            if (at[k].family != ADDR_NONE) {
                at[k].port = at[k].port != 0 ? at[k].port : l->at.port;
                c->own[c->own_count++] = at[k];
            }
        }
    }
    return 0;
}

int config_map_domains(struct config *c)
{
    const struct raw_root *raw = c->raw;
    size_t n = raw->domains_count > 0 ? raw->domains_count : 1;
    c->domain_room = n + 2 * c->listen_count + 2 + INTERFACES_MAX;
    c->domains = many(c, c->domain_room, sizeof(*c->domains));
    if (c->domains == NULL) {
        return E_NOMEM;
    }
    c->domain_count = n;
    c->domains[0] = STR("localhost");
    for (size_t i = 0; i < raw->domains_count; i++) {
        c->domains[i] = str_c(raw->domains[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        if (c->net.advertise[i].family != ADDR_NONE) {
            config_add_own_address(c, &c->net.advertise[i]);
        }
    }
    for (size_t i = 0; i < c->listen_count; i++) {
        config_add_own_address(c, &c->listen[i].at);
        if (c->listen[i].shown.family != ADDR_NONE) {
            config_add_own_address(c, &c->listen[i].shown);
        }
    }
    return map_own(c);
}

static bool map_domains(struct config_tree *t, struct config *c)
{
    const struct raw_root *raw = c->raw;
    for (size_t i = 0; i < raw->domains_count; i++) {
        if (!is_host(str_c(raw->domains[i]))) {
            return tree_fault(t, entry_of(t, "domains", i),
                              "domains: a host name or address is wanted");
        }
    }
    return config_map_domains(c) == 0 || out_of_memory(t);
}

/* ---- who there is ---- */

/** RFC 3261 §25.1: what may stand in a user part without an escape; no ':' or '@'. */
static bool is_user(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = ascii_lower(s.p[i]);
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') ||
              memchr("-_.!~*'()&=+$,?/", ch, 16) != NULL)) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 64;
}

/** Lower-cased canonical spelling of a domain of ours; absent when it is none. */
static struct str domain_named(struct config *c, const char *name)
{
    struct str want = name != NULL ? str_c(name) : c->domains[0];
    for (size_t i = 0; i < c->domain_count; i++) {
        if (str_ieq(c->domains[i], want)) {
            struct str copy = arena_dup(&c->arena, c->domains[i]);
            char *p = (char *)(uintptr_t)copy.p; /* just copied: ours to write */
            for (size_t k = 0; k < copy.n; k++) {
                p[k] = ascii_lower(p[k]);
            }
            return copy;
        }
    }
    return STR_NONE;
}

struct seen {
    struct map_node node;
    struct str text;
};

/** Remember a name. @return false when it was there already */
static bool first_time(struct map *m, struct seen *entry, struct str text)
{
    static const struct hash_key key = {0x6261746f6e, 1}; /* the file is no attacker */
    uint64_t h = hash_bytes(&key, text);
    for (struct map_node *n = map_first(m, h); n != NULL; n = map_next(n)) {
        if (str_eq(container_of(n, struct seen, node)->text, text)) {
            return false;
        }
    }
    entry->text = text;
    map_add(m, &entry->node, h);
    return true;
}

static bool map_device(struct config_tree *t, struct config *c, yaml_node_t *at,
                       const struct raw_device *raw, struct device *to)
{
    to->number = str_c(raw->number);
    if (!is_user(to->number)) {
        return tree_fault(
            t, tree_key(t, at, "number"),
            "number: letters, digits and -_.!~*'()&=+$,?/ are allowed, at most 64");
    }
    struct str domain = domain_named(c, raw->domain);
    if (domain.p == NULL) {
        return tree_fault(t, tree_key(t, at, "domain"), "domain: %s is not one of domains",
                          raw->domain);
    }
    to->key = arena_fmt(&c->arena, "%s@%.*s", raw->number, STR_ARG(domain));
    to->uri = arena_fmt(&c->arena, "sip:%s@%.*s", raw->number, STR_ARG(domain));
    to->display = str_c(raw->display);
    to->phone_profile = str_c(raw->phone_profile);
    if (to->key.p == NULL || to->uri.p == NULL) {
        return out_of_memory(t);
    }
    struct raw_secret secret = {raw->password, raw->password_file, raw->password_env,
                                raw->ha1_md5, raw->ha1_sha256};
    return config_secret(t, c, at, &secret, &to->secret, &to->has_secret);
}

static bool map_devices(struct config_tree *t, struct config *c)
{
    size_t n = c->raw->devices_count;
    struct seen *seen = many(c, n, sizeof(*seen));
    c->devices = many(c, n, sizeof(*c->devices));
    c->device_count = n;
    struct map names;
    if (c->devices == NULL || seen == NULL || map_init(&names, &mem_libc, n) != 0) {
        return out_of_memory(t);
    }
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        yaml_node_t *at = entry_of(t, "devices", i);
        ok = map_device(t, c, at, &c->raw->devices[i], &c->devices[i]);
        if (ok && !first_time(&names, &seen[i], c->devices[i].key)) {
            ok = tree_fault(t, tree_key(t, at, "number"),
                            "number: there is a device %s already", c->raw->devices[i].number);
        }
    }
    map_fini(&names);
    return ok;
}

struct str *config_strings(struct config *c, char *const *list, size_t n)
{
    struct str *to = many(c, n, sizeof(*to));
    for (size_t i = 0; to != NULL && i < n; i++) {
        to[i] = str_c(list[i]);
    }
    return to;
}

bool config_check_patterns(struct config_tree *t, yaml_node_t *list, char *const *patterns,
                           size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        struct str s = str_c(patterns[i]);
        if (str_index(s, '*') + 1 < s.n) {
            return tree_fault(t, tree_entry(t, list, i), "%s: '*' is possible only at the end",
                              name);
        }
    }
    return true;
}

/** Who is known by a certificate must be asked for one. */
static bool map_tls_name(struct config_tree *t, const struct config *c, yaml_node_t *at,
                         const char *name, struct str *to)
{
    *to = str_c(name);
    if (name == NULL) {
        return true;
    }
    if (!is_host(*to)) {
        return tree_fault(t, tree_key(t, at, "tls_name"), "tls_name: a host name is wanted");
    }
    return c->tls.client_verify != NET_TLS_NO_CLIENT_CERT ||
           tree_fault(t, tree_key(t, at, "tls_name"),
                      "tls_name: tls.verify_client must be request or require");
}

/** How an application is known without a password. */
static bool map_hosts(struct config_tree *t, struct config *c, yaml_node_t *at,
                      const struct raw_application *raw, struct application *to)
{
    struct addr *hosts = many(c, raw->hosts_count, sizeof(*hosts));
    yaml_node_t *list = tree_key(t, at, "hosts");
    if (hosts == NULL) {
        return out_of_memory(t);
    }
    for (size_t i = 0; i < raw->hosts_count; i++) {
        if (!addr_parse_host(str_c(raw->hosts[i]), 0, &hosts[i])) {
            return tree_fault(t, tree_entry(t, list, i),
                              "hosts: a numeric address is wanted, e.g. 192.0.2.7");
        }
    }
    to->hosts = hosts;
    to->host_count = raw->hosts_count;
    return map_tls_name(t, c, at, raw->tls_name, &to->tls_name);
}

/** What is granted it may control; what stands in `observe` it may only see. */
static bool map_scopes(struct config_tree *t, struct config *c, yaml_node_t *at,
                       const struct raw_application *raw, struct application *to)
{
    struct access_scope *s = many(c, raw->grants_count + raw->observe_count, sizeof(*s));
    size_t n = 0;
    if (s == NULL) {
        return out_of_memory(t);
    }
    for (size_t i = 0; i < raw->grants_count; i++) {
        s[n++] = (struct access_scope){str_c(raw->grants[i]), ACCESS_CONTROL};
    }
    for (size_t i = 0; i < raw->observe_count; i++) {
        s[n++] = (struct access_scope){str_c(raw->observe[i]), ACCESS_OBSERVE};
    }
    to->scopes = s;
    to->scope_count = n;
    return config_check_patterns(t, tree_key(t, at, "grants"), raw->grants, raw->grants_count,
                                 "grants") &&
           config_check_patterns(t, tree_key(t, at, "observe"), raw->observe,
                                 raw->observe_count, "observe");
}

static bool map_applications(struct config_tree *t, struct config *c)
{
    size_t n = c->raw->applications_count;
    struct seen *seen = many(c, n, sizeof(*seen));
    c->applications = many(c, n, sizeof(*c->applications));
    c->application_count = n;
    struct map names;
    if (c->applications == NULL || seen == NULL || map_init(&names, &mem_libc, n) != 0) {
        return out_of_memory(t);
    }
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        const struct raw_application *raw = &c->raw->applications[i];
        struct application *to = &c->applications[i];
        yaml_node_t *at = entry_of(t, "applications", i);
        struct raw_secret secret = {raw->password, raw->password_file, raw->password_env,
                                    raw->ha1_md5, raw->ha1_sha256};
        bool has = false;
        to->name = str_c(raw->name);
        to->max_monitors = raw->max_monitors;
        to->max_sessions = raw->max_sessions;
        ok = map_scopes(t, c, at, raw, to) &&
             (is_user(to->name) ||
              tree_fault(
                  t, tree_key(t, at, "name"),
                  "name: letters, digits and -_.!~*'()&=+$,?/ are allowed, at most 64")) &&
             (first_time(&names, &seen[i], to->name) ||
              tree_fault(t, tree_key(t, at, "name"), "name: there is an application %s already",
                         raw->name)) &&
             config_secret(t, c, at, &secret, &to->secret, &has) &&
             map_hosts(t, c, at, raw, to) &&
             (has || to->host_count > 0 || str_is_set(to->tls_name) ||
              tree_fault(t, at, "an application needs a password"));
    }
    map_fini(&names);
    return ok;
}

static bool map_peer(struct config_tree *t, struct config *c, yaml_node_t *at,
                     const struct raw_peer *raw, struct peer *to)
{
    struct sip_uri u;
    uint32_t where;
    yaml_node_t *uri_at = tree_key(t, at, "uri");
    to->name = str_c(raw->name);
    to->uri = str_c(raw->uri);
    to->trusted = raw->trusted;
    to->takes_refer = raw->refer != NULL && strcmp(raw->refer, "pass") == 0;
    to->weight = raw->weight;
    to->max_calls = raw->max_calls;
    to->probe_s = raw->probe_s;
    to->probe_failures = raw->probe_failures;
    to->numbers = config_strings(c, raw->numbers, raw->numbers_count);
    to->number_count = raw->numbers_count;
    if (to->numbers == NULL) {
        return out_of_memory(t);
    }
    if (sip_uri_parse(to->uri, 0, &u, &where) != 0 || u.scheme != SIP_SCHEME_SIP ||
        u.host.n == 0) {
        return tree_fault(t, uri_at, "uri: a sip: URI is wanted, e.g. sip:192.0.2.7:5060");
    }
    struct str transport;
    bool named = sip_param(u.params, STR("transport"), &transport);
    bool numeric = addr_parse_host(u.host, 0, &to->addr);
    to->fixed = named;
    to->transport = (uint8_t)(named ? transport_of(transport) : numeric ? TP_UDP : TP_NONE);
    if ((named || numeric) && to->transport != TP_UDP && to->transport != TP_TCP &&
        to->transport != TP_TLS) {
        return tree_fault(t, uri_at, "uri: the transport must be udp, tcp or tls");
    }
    if (!map_tls_name(t, c, at, raw->tls_name, &to->tls_name) ||
        !config_map_support(t, c, tree_key(t, at, "uui_tags"), raw->uui_tags,
                            raw->uui_tags_count, to)) {
        return false;
    }
    to->host = u.host;
    to->port = numeric ? sip_uri_port(&u) : (uint16_t)u.port;
    /* Connections come from any port; datagrams from the one that we send to, if it was said.
     */
    uint16_t source = to->transport == TP_UDP ? (uint16_t)u.port : 0;
    to->addr.port = source;
    if (!numeric) {
        to->addr = (struct addr){0};
        if (raw->trusted && raw->tls_name == NULL) {
            return tree_fault(t, uri_at,
                              "uri: a trusted peer needs a numeric address or a tls_name");
        }
    }
    return config_check_patterns(t, tree_key(t, at, "numbers"), raw->numbers,
                                 raw->numbers_count, "numbers");
}

static bool map_peers(struct config_tree *t, struct config *c)
{
    size_t n = c->raw->peers_count;
    if (n > c->raw->limits.peers) {
        return tree_fault(t, entry_of(t, "peers", c->raw->limits.peers),
                          "peers: more than limits.peers (%u)", c->raw->limits.peers);
    }
    c->peers = many(c, n, sizeof(*c->peers));
    c->peer_count = n;
    if (c->peers == NULL) {
        return out_of_memory(t);
    }
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *at = entry_of(t, "peers", i);
        if (!map_peer(t, c, at, &c->raw->peers[i], &c->peers[i])) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(c->peers[k].name, c->peers[i].name)) {
                return tree_fault(t, tree_key(t, at, "name"),
                                  "name: there is a peer %s already", c->raw->peers[i].name);
            }
        }
    }
    return true;
}

static uint8_t ask_of(const char *word)
{
    return word == NULL || strcmp(word, "trusted") == 0 ? ENGINE_ASK_TRUSTED
           : strcmp(word, "all") == 0                   ? ENGINE_ASK_ALL
                                                        : ENGINE_ASK_NOBODY;
}

/* ---- numbers ---- */

static struct cti_config cti_of(const struct raw_cti *raw)
{
    const char *takes = raw->out_of_dialog != NULL ? raw->out_of_dialog : "off";

    return (struct cti_config){
        .max_sessions = raw->max_sessions,
        .out_of_dialog = strcmp(takes, "info") == 0     ? CTI_OUT_OF_DIALOG_INFO
                         : strcmp(takes, "notify") == 0 ? CTI_OUT_OF_DIALOG_NOTIFY
                                                        : CTI_OUT_OF_DIALOG_OFF,
        .max_app_sessions =
            raw->max_app_sessions != 0 ? raw->max_app_sessions : (raw->max_sessions + 3) / 4,
        .max_monitors = raw->max_monitors,
        .max_session_monitors = raw->max_session_monitors,
        .max_agents = raw->max_agents,
        .journal_records = raw->journal_records,
        .max_unsent = raw->max_unsent,
        .max_connections = raw->max_connections,
        .back_in_service_on_monitor = raw->back_in_service_on_monitor,
        .failed_local_fail = raw->failed_local_fail};
}

static void map_calls(const struct raw_root *raw, struct engine_config *e)
{
    e->call = (struct call_config){.ring_s = raw->timers.ring_s,
                                   .prompt_s = raw->timers.prompt_s,
                                   .step_s = raw->timers.step_s,
                                   .group_s = raw->calls.group_s,
                                   .max_calls = raw->limits.calls,
                                   .decline_status = (uint16_t)raw->calls.decline_status,
                                   .dnd_status = (uint16_t)raw->calls.dnd_status,
                                   .max_device_calls = raw->calls.per_device,
                                   .auto_answer = raw->calls.auto_answer,
                                   .pickup = raw->calls.pickup,
                                   .max_redirects = raw->calls.redirects,
                                   .max_reroutes = raw->calls.max_reroutes,
                                   .queue_s = raw->calls.queue_s,
                                   .queue_max = raw->calls.queue_max,
                                   .queue_per_device = raw->calls.queue_per_device,
                                   .park_s = raw->calls.park_s,
                                   .park_max = raw->calls.park_max,
                                   .callback_s = raw->calls.callback_s,
                                   .callback_max = raw->calls.callback_max,
                                   .pass_redirects = raw->calls.redirect != NULL &&
                                                     strcmp(raw->calls.redirect, "pass") == 0};
}

static bool map_groups(struct config_tree *t, struct config *c)
{
    const struct raw_root *raw = c->raw;
    struct call_group *groups = many(c, raw->groups_count, sizeof(*groups));
    if (groups == NULL) {
        return out_of_memory(t);
    }
    if (raw->groups_count > CONFIG_GROUPS_MAX) {
        return tree_fault(t, tree_key(t, tree_root(t), "groups"), "groups: more than %d",
                          CONFIG_GROUPS_MAX);
    }
    for (size_t i = 0; i < raw->groups_count; i++) {
        const struct raw_group *from = &raw->groups[i];
        yaml_node_t *list = tree_key(t, entry_of(t, "groups", i), "members");
        groups[i] = (struct call_group){
            .name = str_c(from->name),
            .members = config_strings(c, from->members, from->members_count),
            .member_count = from->members_count};
        if (groups[i].members == NULL) {
            return out_of_memory(t);
        }
        if (from->members_count > CONFIG_GROUP_MEMBERS_MAX) {
            return tree_fault(t, list, "members: more than %d", CONFIG_GROUP_MEMBERS_MAX);
        }
        if (!config_check_patterns(t, list, from->members, from->members_count, "members")) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_eq(groups[k].name, groups[i].name)) {
                return tree_fault(t, entry_of(t, "groups", i), "groups: %s is there twice",
                                  from->name);
            }
        }
    }
    c->engine.call.groups = groups;
    c->engine.call.group_count = raw->groups_count;
    return true;
}

static bool map_engine(struct config_tree *t, struct config *c)
{
    const struct raw_root *raw = c->raw;
    struct engine_config *e = &c->engine;
    yaml_node_t *root = tree_root(t);
    if (!config_map_registrar(t, c)) {
        return false;
    }
    if (raw->timers.session_expires_s != 0 &&
        raw->timers.session_expires_s < raw->timers.min_se_s) {
        return tree_fault(t, tree_key(t, root, "timers"),
                          "timers: session_expires_s (%u) must be 0 or at least min_se_s (%u)",
                          raw->timers.session_expires_s, raw->timers.min_se_s);
    }
    if (raw->timers.t1_ms > raw->timers.t2_ms) {
        return tree_fault(t, tree_key(t, root, "timers"),
                          "timers: t1_ms (%u) must not be larger than t2_ms (%u)",
                          raw->timers.t1_ms, raw->timers.t2_ms);
    }
    e->limits = (struct sip_limits){raw->limits.message, raw->limits.headers, raw->limits.uri};
    e->timing = (struct txn_timing){.t1 = raw->timers.t1_ms,
                                    .t2 = raw->timers.t2_ms,
                                    .t4 = raw->timers.t4_ms,
                                    .silent = raw->network.silent_ms};
    e->max_transactions = raw->limits.transactions;
    e->udp_max = raw->network.udp_max;
    e->blacklist_ms = raw->network.blacklist_s * 1000;
    e->leg.session_expires_s = raw->timers.session_expires_s;
    e->leg.min_se_s = raw->timers.min_se_s;
    e->leg.flow_lost_s = raw->timers.flow_lost_s;
    e->leg.late_s = raw->timers.late_answer_s;
    e->leg.late_rate = raw->limits.late_answers;
    e->leg.allow =
        STR("INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, PRACK, UPDATE, INFO, NOTIFY, REFER, "
            "SUBSCRIBE, PUBLISH");
    /* histinfo: RFC 7044 §6.1, since we want the entries of responses, and RFC 7433 §4.3 */
    e->leg.supported = STR("replaces, norefersub, tdialog, histinfo");
    e->leg.accept = STR("application/sdp, application/csta+xml");
    map_calls(raw, e);
    e->redirect_asked = ask_of(raw->calls.redirect_asked);
    e->strip_untrusted_history = raw->calls.untrusted_history != NULL &&
                                 strcmp(raw->calls.untrusted_history, "strip") == 0;
    e->proxy = (struct proxy_config){.max_forks = raw->limits.proxied,
                                     .max_branches = raw->proxy.branches,
                                     .max_breadth = raw->proxy.breadth,
                                     .ring_s = raw->proxy.ring_s,
                                     .min_se_s = raw->proxy.min_se_s,
                                     .secret = str_c(raw->proxy.secret)};
    e->cti = cti_of(&raw->cti);
    e->realm = raw->realm != NULL ? str_c(raw->realm) : c->domains[0];
    if (str_index(e->realm, '"') < e->realm.n || str_index(e->realm, '\\') < e->realm.n) {
        return tree_fault(t, tree_key(t, root, "realm"),
                          "realm: quotation marks and backslashes are not allowed");
    }
    e->nonce_life_s = raw->timers.nonce_s;
    e->server_name = raw->server_name == NULL ? STR(PRODUCT) : str_c(raw->server_name);
    if (str_eq(e->server_name, STR("none"))) {
        e->server_name = STR_NONE;
    }
    return true;
}

/** A secret that is a hash serves its algorithm only: whoever has one must be offered that. */
static bool secret_fits(struct config_tree *t, yaml_node_t *at, const struct auth_secret *s,
                        const struct engine_config *e)
{
    bool md5 = str_is_set(s->ha1[AUTH_MD5]), sha256 = str_is_set(s->ha1[AUTH_SHA256]);
    if (str_is_set(s->password) || (!md5 && !sha256)) {
        return true;
    }
    if (e->digest_sha256 && !sha256) {
        return tree_fault(t, tree_key(t, at, "ha1_md5"),
                          "ha1_md5: `digest` offers SHA-256, so ha1_sha256 is needed too");
    }
    return (!e->digest_md5 || md5) ||
           tree_fault(t, tree_key(t, at, "ha1_sha256"),
                      "ha1_sha256: `digest` offers MD5, so ha1_md5 is needed too");
}

static bool map_digest(struct config_tree *t, struct config *c)
{
    const char *word = c->raw->digest != NULL ? c->raw->digest : "md5";
    struct engine_config *e = &c->engine;
    e->digest_md5 = strcmp(word, "sha-256") != 0;
    e->digest_sha256 = strcmp(word, "md5") != 0;
    for (size_t i = 0; i < c->device_count; i++) {
        if (!secret_fits(t, entry_of(t, "devices", i), &c->devices[i].secret, e)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->application_count; i++) {
        if (!secret_fits(t, entry_of(t, "applications", i), &c->applications[i].secret, e)) {
            return false;
        }
    }
    return true;
}

/** Name servers as c-ares wants them: "127.0.0.1:53,[::1]:5353". */
static bool map_dns(struct config_tree *t, struct config *c)
{
    const struct raw_network *raw = &c->raw->network;
    size_t cap = raw->dns_servers_count * 56 + 1;
    struct out o;
    if (raw->dns_servers_count == 0) {
        return true;
    }
    char *text = many(c, cap, 1);
    if (text == NULL) {
        return out_of_memory(t);
    }
    out_init(&o, text, cap - 1);
    for (size_t i = 0; i < raw->dns_servers_count; i++) {
        struct addr a;
        if (!addr_parse(str_c(raw->dns_servers[i]), &a)) {
            yaml_node_t *network = tree_key(t, tree_root(t), "network");
            return tree_fault(t, tree_entry(t, tree_key(t, network, "dns_servers"), i),
                              "dns_servers: a numeric address is wanted, e.g. 127.0.0.1:5353");
        }
        a.port = a.port != 0 ? a.port : 53;
        out_c(&o, i > 0 ? "," : "");
        addr_write(&o, &a);
    }
    c->net.dns_servers = text;
    return true;
}

static void map_net(struct config *c)
{
    const struct raw_network *raw = &c->raw->network;
    struct net_config *n = &c->net;
    n->limits = c->engine.limits;
    n->write_queue = raw->write_queue;
    n->udp_queue = raw->udp_queue;
    n->udp_receive_buffer = raw->receive_buffer;
    n->max_connections = c->raw->limits.connections;
    n->max_per_address = c->raw->limits.per_address;
    n->max_handshakes = c->raw->limits.handshakes;
    n->max_handshakes_per_address = c->raw->limits.handshakes_per_address;
    n->handshake_ms = raw->handshake_ms;
    n->keepalive_ms = raw->keepalive_s * 1000;
    n->connect_ms = raw->connect_ms;
    n->message_ms = raw->message_ms;
    n->idle_ms = raw->idle_s * 1000;
    n->evict_ms = raw->evict_s * 1000;
    n->resolve_min_ms = raw->resolve_min_s * 1000;
    n->resolve_max_ms = raw->resolve_max_s * 1000;
    n->resolve_fail_ms = raw->resolve_fail_s * 1000;
    n->resolve_stale_ms = raw->resolve_stale_s * 1000;
    n->dns_timeout_ms = raw->dns_timeout_ms;
    n->dns_tries = raw->dns_tries;
    n->max_lookups = c->raw->limits.lookups;
    n->max_names = c->raw->limits.names;
    c->stop_ms = c->raw->timers.stop_s * 1000;
    c->upgrade_ms = c->raw->timers.upgrade_s * 1000;
}

static void map_log(struct config *c)
{
    const struct raw_log *raw = &c->raw->log;
    const char *level = raw->level != NULL ? raw->level : "info";
    c->log_level = strcmp(level, "debug") == 0  ? TRACE_DEBUG
                   : strcmp(level, "info") == 0 ? TRACE_INFO
                   : strcmp(level, "warn") == 0 ? TRACE_WARN
                                                : TRACE_ERROR;
    c->log_json = raw->format != NULL && strcmp(raw->format, "json") == 0;
    c->log_uui = raw->uui == NULL || strcmp(raw->uui, "redact") == 0 ? LOG_UUI_REDACT
                 : strcmp(raw->uui, "length") == 0                   ? LOG_UUI_LENGTH
                                                                     : LOG_UUI_FULL;
    c->log_file = raw->file;
    c->sip_trace = raw->sip_trace;
    c->pid_file = c->raw->pid_file;
    c->peer_room = c->raw->limits.peers;
}

bool config_map(struct config_tree *t, struct config *c)
{
    if (!config_map_net(t, c) || !map_domains(t, c) || !map_devices(t, c) ||
        !map_applications(t, c) || !map_peers(t, c) || !map_engine(t, c) || !map_digest(t, c) ||
        !config_map_conference(t, c) || !map_dns(t, c) || !config_map_policy(t, c) ||
        !config_map_guard(t, c) || !map_groups(t, c) || !config_map_routes(t, c) ||
        !config_map_events(t, c) || !config_map_packages(t, c) || !config_map_seal(t, c) ||
        !config_map_border(t, c) || !config_map_uui(t, c) || !config_map_phones(t, c) ||
        !config_map_store(t, c) || !config_map_api(t, c) || !config_map_trace(t, c)) {
        return false;
    }
    config_map_asking(c);
    map_net(c);
    map_log(c);
    return true;
}
