/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `api`: where the HTTP API listens, for whom, and what one client may cost.
 */
#include "base/err.h"
#include "server/config_map.h"

/** "tcp:ADDRESS:PORT", "tcp:PORT", "unix:PATH". */
static bool parse(struct str text, struct api_listen *out)
{
    size_t colon = str_index(text, ':');
    struct str word = str_upto(text, colon);
    struct str where = colon < text.n ? str_from(text, colon + 1) : STR("");
    uint32_t port;
    *out = (struct api_listen){.fd = -1};
    if (str_eq(word, STR("unix"))) {
        out->face = API_FACE_UNIX;
        return where.n > 0;
    }
    out->face = str_eq(word, STR("tls")) ? API_FACE_TLS : API_FACE_TCP;
    if (out->face == API_FACE_TCP && !str_eq(word, STR("tcp"))) {
        return false;
    }
    if (str_to_u32(where, &port) && port <= UINT16_MAX) {
        out->at =
            (struct addr){.ip = {127, 0, 0, 1}, .port = (uint16_t)port, .family = ADDR_IP4};
        return true;
    }
    return addr_parse(where, &out->at); /* port 0: any */
}

static bool map_listen(struct config_tree *t, struct config *c, yaml_node_t *section)
{
    const struct raw_api *raw = &c->raw->api;
    yaml_node_t *list = tree_key(t, section, "listen");
    struct api_listen *to = arena_zalloc(&c->arena, (raw->listen_count + 1) * sizeof(*to));
    for (size_t i = 0; to != NULL && i < raw->listen_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        if (!parse(str_c(raw->listen[i]), &to[i])) {
            return tree_fault(
                t, at,
                "listen: tcp:ADDRESS:PORT, tls:ADDRESS:PORT with a numeric address, "
                "or unix:PATH is wanted, e.g. tcp:127.0.0.1:8080");
        }
        if (to[i].face == API_FACE_TLS && c->tls.cert_count == 0) {
            return tree_fault(t, at, "tls needs a certificate: tls.certificates");
        }
        if (to[i].face == API_FACE_UNIX &&
            (to[i].path = config_file_path(t, c, at, raw->listen[i] + strlen("unix:"))) ==
                NULL) {
            return false;
        }
    }
    c->api.listen = to;
    c->api.listen_count = raw->listen_count;
    return to != NULL || tree_fault(t, NULL, "out of memory");
}

/** As browsers say it: scheme, host, perhaps a port, no path. */
static bool is_origin(struct str s)
{
    size_t skip = str_starts(s, STR("https://")) ? 8 : str_starts(s, STR("http://")) ? 7 : s.n;
    struct str host = str_from(s, skip);
    for (size_t i = 0; i < host.n; i++) {
        char ch = host.p[i];
        bool ok = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '.' ||
                  ch == '-' || ch == ':' || ch == '[' || ch == ']';
        if (!ok) {
            return false;
        }
    }
    return host.n > 0;
}

static bool map_scopes(struct config_tree *t, struct config *c, yaml_node_t *at,
                       const struct raw_api_client *raw, struct access_client *to)
{
    struct access_scope *scopes =
        arena_zalloc(&c->arena, (raw->scopes_count + 1) * sizeof(*scopes));
    yaml_node_t *list = tree_key(t, at, "scopes");
    if (scopes == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    for (size_t i = 0; i < raw->scopes_count; i++) {
        if (i >= ACCESS_SCOPES_MAX ||
            access_scope_read(str_c(raw->scopes[i]), &scopes[i]) != 0) {
            return tree_fault(t, tree_entry(t, list, i),
                              "scopes: observe:PATTERN, control:PATTERN or admin, at most %d",
                              ACCESS_SCOPES_MAX);
        }
    }
    *to = (struct access_client){str_c(raw->certificate), scopes, raw->scopes_count};
    return true;
}

static bool map_clients(struct config_tree *t, struct config *c, yaml_node_t *section)
{
    const struct raw_api *raw = &c->raw->api;
    yaml_node_t *list = tree_key(t, section, "clients");
    struct access_client *all =
        arena_zalloc(&c->arena, (raw->clients_count + 1) * sizeof(*all));
    if (all == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    for (size_t i = 0; i < raw->clients_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        if (!map_scopes(t, c, at, &raw->clients[i], &all[i])) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_ieq(all[k].certificate, all[i].certificate)) {
                return tree_fault(t, tree_key(t, at, "certificate"),
                                  "certificate: %s is there already",
                                  raw->clients[i].certificate);
            }
        }
    }
    c->api.rules.client = all;
    c->api.rules.client_count = raw->clients_count;
    return raw->clients_count == 0 || c->api_tls.client_verify != NET_TLS_NO_CLIENT_CERT ||
           tree_fault(t, list, "clients: api.verify_client must be request or require");
}

static bool map_rules(struct config_tree *t, struct config *c, yaml_node_t *section)
{
    const struct raw_api *raw = &c->raw->api;
    yaml_node_t *list = tree_key(t, section, "origins");
    const char *verify = raw->verify_client != NULL ? raw->verify_client : "none";
    struct api_rules *r = &c->api.rules;
    r->packages = c->engine.packages;
    r->origin = config_strings(c, raw->origins, raw->origins_count);
    r->origin_count = raw->origins_count;
    r->host = config_strings(c, raw->hosts, raw->hosts_count);
    r->host_count = raw->hosts_count;
    if (r->origin == NULL || r->host == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    for (size_t i = 0; i < r->origin_count; i++) {
        if (!is_origin(r->origin[i])) {
            return tree_fault(t, tree_entry(t, list, i),
                              "origins: scheme and host in small letters, as browsers say it: "
                              "https://crm.example.com");
        }
    }
    if (raw->web_root != NULL &&
        (r->web_root =
             config_file_path(t, c, tree_key(t, section, "web_root"), raw->web_root)) == NULL) {
        return false;
    }
    c->api_tls = c->tls;
    c->api_tls.client_verify = strcmp(verify, "require") == 0   ? NET_TLS_REQUIRE
                               : strcmp(verify, "request") == 0 ? NET_TLS_REQUEST
                                                                : NET_TLS_NO_CLIENT_CERT;
    r->tls = c->tls.cert_count > 0 ? &c->api_tls : NULL;
    return c->api_tls.client_verify == NET_TLS_NO_CLIENT_CERT || c->tls.ca_file != NULL ||
           tree_fault(t, tree_key(t, section, "verify_client"),
                      "verify_client: tls.ca must say whose certificates count");
}

bool config_map_api(struct config_tree *t, struct config *c)
{
    const struct raw_api *raw = &c->raw->api;
    yaml_node_t *section = tree_key(t, tree_root(t), "api");
    c->api.metrics_open = raw->metrics_open;
    c->api.max_clients = raw->max_clients;
    c->api.max_per_address = raw->max_per_address;
    c->api.max_jobs = raw->max_jobs;
    c->api.requests_per_s = raw->requests_per_s;
    c->api.max_streams = raw->max_streams;
    c->engine.operation.max = raw->max_operations;
    c->engine.operation.keep_s = raw->operation_keep_s;
    c->api.max_body = (size_t)raw->max_body_kb << 10;
    c->api.client_buffer = (size_t)raw->client_buffer_kb << 10;
    c->api.request_ms = raw->request_s * 1000;
    c->api.idle_ms = raw->idle_s * 1000;
    c->api.stalled_ms = raw->stalled_s * 1000;
    c->api.max_webhooks = raw->max_webhooks;
    c->api.webhook_private = raw->webhook_private;
    return map_listen(t, c, section) && map_rules(t, c, section) && map_clients(t, c, section);
}
