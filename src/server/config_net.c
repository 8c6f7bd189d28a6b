/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where Baton listens and how it is seen there, certificates, WebSocket.
 *
 * Certificates are only named here: loading a configuration opens no file but itself and those
 * with passwords. The network layer reads them at start and on SIGHUP; `--check` does so too.
 */
#include "base/err.h"
#include "server/config_map.h"
#include "server/config_tree.h"

static bool out_of_memory(struct config_tree *t)
{
    return tree_fault(t, NULL, "out of memory");
}

const char *config_file_path(struct config_tree *t, struct config *c, yaml_node_t *at,
                             const char *name)
{
    const char *slash = strrchr(t->file, '/');
    struct str path =
        name[0] != '/' && slash != NULL
            ? arena_fmt(&c->arena, "%.*s/%s", (int)(slash - t->file), t->file, name)
            : str_c(name);
    char *file = path.p != NULL ? arena_alloc(&c->arena, path.n + 1) : NULL;
    if (file == NULL) {
        (void)tree_fault(t, at, "out of memory");
        return NULL;
    }
    memcpy(file, path.p, path.n);
    file[path.n] = '\0';
    return file;
}

/* ---- listeners ---- */

/** Where each transport is expected (RFC 3261 §19.1.2, RFC 7118 §5.5). */
static uint16_t usual_port(enum transport t)
{
    switch (t) {
    case TP_TLS:
        return 5061;
    case TP_WS:
        return 80;
    case TP_WSS:
        return 443;
    default:
        return 5060;
    }
}

bool config_parse_listen(struct str text, struct config_listen *out)
{
    static const struct str as = STR_INIT(" as ");
    size_t colon = str_index(text, ':'), split = str_find(text, as);
    enum transport tp = transport_of(str_upto(text, colon));
    struct config_listen l = {.transport = (uint8_t)tp};
    if (tp == TP_NONE || colon == text.n) {
        return false;
    }
    if (!addr_parse(str_trim(str_from(str_upto(text, split), colon + 1)), &l.at)) {
        return false;
    }
    if (split < text.n && (!addr_parse(str_trim(str_from(text, split + as.n)), &l.shown) ||
                           l.shown.family != l.at.family)) {
        return false;
    }
    if (l.at.port == 0) {
        l.at.port = usual_port(tp);
    }
    *out = l;
    return true;
}

/** A port is taken by one listener: all but UDP are TCP underneath. */
static bool collide(const struct config_listen *a, const struct config_listen *b)
{
    return (a->transport == TP_UDP) == (b->transport == TP_UDP) && addr_eq(&a->at, &b->at);
}

static bool needs_certificate(const struct config_listen *l)
{
    return l->transport == TP_TLS || l->transport == TP_WSS;
}

static bool check_listen(struct config_tree *t, const struct config *c, yaml_node_t *at,
                         const struct config_listen *list, size_t i)
{
    if (needs_certificate(&list[i]) && c->raw->tls.certificates_count == 0) {
        return tree_fault(t, at, "tls and wss need a certificate: tls.certificates");
    }
    for (size_t k = 0; k < i; k++) {
        if (collide(&list[k], &list[i])) {
            return tree_fault(t, at, "given twice");
        }
    }
    return true;
}

static bool map_listen(struct config_tree *t, struct config *c)
{
    const struct raw_root *raw = c->raw;
    static const struct config_listen loopback[] = {
        {.transport = TP_UDP, .at = {.ip = {127, 0, 0, 1}, .port = 5060, .family = ADDR_IP4}},
        {.transport = TP_TCP, .at = {.ip = {127, 0, 0, 1}, .port = 5060, .family = ADDR_IP4}},
    };
    yaml_node_t *list = tree_key(t, tree_root(t), "listen");
    size_t n = list == NULL ? ARRAY_LEN(loopback) : raw->listen_count;
    if (n == 0) {
        return tree_fault(t, list, "listen: at least one address is wanted");
    }
    struct config_listen *to = arena_zalloc(&c->arena, n * sizeof(*to));
    if (to == NULL) {
        return out_of_memory(t);
    }
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        if (list == NULL) {
            to[i] = loopback[i];
        } else if (!config_parse_listen(str_c(raw->listen[i]), &to[i])) {
            return tree_fault(t, at,
                              "listen: udp:ADDRESS:PORT, or tcp, tls, ws, wss, with a numeric "
                              "address is wanted, e.g. udp:127.0.0.1:5060, or "
                              "udp:10.0.0.5:5060 as 198.51.100.7");
        }
        if (!check_listen(t, c, at, to, i)) {
            return false;
        }
    }
    c->listen = to;
    c->listen_count = n;
    return true;
}

/** "tcp:ADDRESS:PORT", or "tcp:PORT" on this machine alone. */
static bool parse_csta_listen(struct str text, struct config_listen *out)
{
    size_t colon = str_index(text, ':');
    struct str where = colon < text.n ? str_from(text, colon + 1) : STR("");
    uint32_t port;
    *out = (struct config_listen){.transport = (uint8_t)transport_of(str_upto(text, colon))};
    if (out->transport != TP_TCP && out->transport != TP_TLS) {
        return false;
    }
    if (str_to_u32(where, &port)) {
        out->at =
            (struct addr){.ip = {127, 0, 0, 1}, .port = (uint16_t)port, .family = ADDR_IP4};
        return port > 0 && port <= UINT16_MAX;
    }
    return addr_parse(where, &out->at) && out->at.port != 0;
}

static bool map_csta_listen(struct config_tree *t, struct config *c)
{
    const struct raw_root *raw = c->raw;
    yaml_node_t *list = tree_key(t, tree_root(t), "csta_tcp");
    struct config_listen *to = arena_zalloc(&c->arena, (raw->csta_tcp_count + 1) * sizeof(*to));
    if (to == NULL) {
        return out_of_memory(t);
    }
    for (size_t i = 0; i < raw->csta_tcp_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        if (!parse_csta_listen(str_c(raw->csta_tcp[i]), &to[i])) {
            return tree_fault(t, at,
                              "csta_tcp: tcp:ADDRESS:PORT or tls:ADDRESS:PORT with a numeric "
                              "address is wanted, e.g. tcp:127.0.0.1:2555");
        }
        for (size_t k = 0; k < c->listen_count; k++) {
            if (collide(&c->listen[k], &to[i])) {
                return tree_fault(t, at, "csta_tcp: SIP listens there");
            }
        }
        if (!check_listen(t, c, at, to, i)) {
            return false;
        }
    }
    c->csta_listen = to;
    c->csta_listen_count = raw->csta_tcp_count;
    return true;
}

static bool map_advertise(struct config_tree *t, struct config *c)
{
    const struct raw_root *raw = c->raw;
    yaml_node_t *list = tree_key(t, tree_root(t), "advertise");
    for (size_t i = 0; i < raw->advertise_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        struct addr a;
        if (!addr_parse(str_c(raw->advertise[i]), &a)) {
            return tree_fault(t, at,
                              "advertise: a numeric address is wanted, e.g. 198.51.100.7");
        }
        struct addr *to = &c->net.advertise[a.family == ADDR_IP6];
        if (to->family != ADDR_NONE) {
            return tree_fault(t, at, "advertise: only one address per family is possible");
        }
        *to = a;
    }
    return true;
}

/* ---- TLS and WebSocket ---- */

static struct config_mark mark_of(const yaml_node_t *at)
{
    return at == NULL ? (struct config_mark){0}
                      : (struct config_mark){(unsigned)at->start_mark.line + 1,
                                             (unsigned)at->start_mark.column + 1};
}

struct config_mark config_tls_mark(const struct config *c, const struct net_tls_fault *fault)
{
    const struct config_tls_marks *m = &c->tls_marks;
    switch (fault->item) {
    case NET_TLS_CERT:
    case NET_TLS_KEY:
        return m->cert[fault->index][fault->item == NET_TLS_KEY];
    case NET_TLS_CA:
        return m->ca;
    case NET_TLS_CIPHERS:
        return m->ciphers;
    case NET_TLS_ANY:
        break;
    }
    return m->section;
}

/** For complaints that come later: no file is opened here. */
static bool map_marks(struct config_tree *t, struct config *c, size_t n)
{
    yaml_node_t *at = tree_key(t, tree_root(t), "tls");
    yaml_node_t *list = tree_key(t, at, "certificates");
    struct config_tls_marks *m = &c->tls_marks;
    *m = (struct config_tls_marks){.section = mark_of(at),
                                   .ca = mark_of(tree_key(t, at, "ca")),
                                   .ciphers = mark_of(tree_key(t, at, "ciphers")),
                                   .cert = arena_zalloc(&c->arena, (n + 1) * sizeof(*m->cert))};
    for (size_t i = 0; m->cert != NULL && i < n; i++) {
        yaml_node_t *entry = tree_entry(t, list, i);
        m->cert[i][0] = mark_of(tree_key(t, entry, "cert"));
        m->cert[i][1] = mark_of(tree_key(t, entry, "key"));
    }
    return m->cert != NULL;
}

static bool map_certificate(struct config_tree *t, struct config *c, yaml_node_t *at,
                            const struct raw_certificate *raw, struct net_tls_cert *to)
{
    to->cert_file = config_file_path(t, c, at, raw->cert);
    to->key_file = config_file_path(t, c, at, raw->key);
    to->names = config_strings(c, raw->names, raw->names_count);
    to->name_count = raw->names_count;
    if (to->cert_file == NULL || to->key_file == NULL) {
        return false;
    }
    return to->names != NULL || out_of_memory(t);
}

static bool map_tls(struct config_tree *t, struct config *c)
{
    const struct raw_tls *raw = &c->raw->tls;
    yaml_node_t *at = tree_key(t, tree_root(t), "tls");
    yaml_node_t *list = tree_key(t, at, "certificates");
    const char *verify = raw->verify_client != NULL ? raw->verify_client : "none";
    size_t n = raw->certificates_count;
    struct net_tls_cert *certs = arena_zalloc(&c->arena, (n + 1) * sizeof(*certs));
    if (certs == NULL || !map_marks(t, c, n)) {
        return out_of_memory(t);
    }
    for (size_t i = 0; i < n; i++) {
        if (!map_certificate(t, c, tree_entry(t, list, i), &raw->certificates[i], &certs[i])) {
            return false;
        }
    }
    c->tls = (struct net_tls){
        .cert = certs,
        .cert_count = n,
        .client_verify = strcmp(verify, "require") == 0   ? NET_TLS_REQUIRE
                         : strcmp(verify, "request") == 0 ? NET_TLS_REQUEST
                                                          : NET_TLS_NO_CLIENT_CERT,
        .only_tls13 = raw->min_version != NULL && strcmp(raw->min_version, "1.3") == 0,
        .ciphers = raw->ciphers,
    };
    if (raw->ca != NULL) {
        c->tls.ca_file = config_file_path(t, c, tree_key(t, at, "ca"), raw->ca);
        return c->tls.ca_file != NULL;
    }
    return c->tls.client_verify == NET_TLS_NO_CLIENT_CERT ||
           tree_fault(t, tree_key(t, at, "verify_client"),
                      "verify_client: ca must say whose certificates count");
}

static bool map_websocket(struct config_tree *t, struct config *c)
{
    const struct raw_websocket *raw = &c->raw->websocket;
    yaml_node_t *at = tree_key(t, tree_root(t), "websocket");
    if (raw->path != NULL && raw->path[0] != '/') {
        return tree_fault(t, tree_key(t, at, "path"), "path: it begins with a slash");
    }
    c->net.ws = (struct ws_rules){.path = str_c(raw->path),
                                  .origin = config_strings(c, raw->origins, raw->origins_count),
                                  .origin_count = raw->origins_count};
    return c->net.ws.origin != NULL || out_of_memory(t);
}

bool config_map_net(struct config_tree *t, struct config *c)
{
    return map_listen(t, c) && map_csta_listen(t, c) && map_advertise(t, c) && map_tls(t, c) &&
           map_websocket(t, c);
}
