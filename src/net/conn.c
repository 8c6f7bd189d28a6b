/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP connections: accepted, made, looked up, limited.
 *
 * A connection is known by its flow number and by (transport, remote address): a request for
 * an address that has a connection goes over that one, whoever opened it (RFC 3261 §18.1.1,
 * RFC 5923). Over TLS it must also be the one that was made for the same name, or whose other
 * end has proved that name: an address alone is not whom the request is for. When
 * `max_connections` are there, the one that has been silent for the longest time makes room for
 * a new one if that time is at least `evict_ms`; else the new one is refused. So is one from an
 * address that has `max_per_address` already: nobody alone takes them all by keeping each of
 * them busy.
 */
#include "base/err.h"
#include "net/net_int.h"
#include "net/tls_store.h"
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG 1024
#define KEEPALIVE_S 60
#define RETRY_MS 100

static const struct stream_ops transports[] = {
    {.transport = TP_TCP,
     .wire_in = stream_message_bytes,
     .clear_in = stream_message_bytes,
     .clear_out = stream_wire_out,
     .plain_out = stream_wire_out},
    {.transport = TP_TLS,
     .tls = true,
     .wire_in = tls_wire_in,
     .clear_in = stream_message_bytes,
     .clear_out = tls_clear_out,
     .plain_out = tls_clear_out},
    {.transport = TP_TCP,
     .csta = true,
     .wire_in = stream_message_bytes,
     .clear_in = stream_message_bytes,
     .clear_out = stream_wire_out,
     .plain_out = stream_wire_out},
    {.transport = TP_TLS,
     .tls = true,
     .csta = true,
     .wire_in = tls_wire_in,
     .clear_in = stream_message_bytes,
     .clear_out = tls_clear_out,
     .plain_out = tls_clear_out},
    {.transport = TP_WS,
     .ws = true,
     .wire_in = ws_clear_in,
     .clear_in = ws_clear_in,
     .clear_out = stream_wire_out,
     .plain_out = ws_plain_out},
    {.transport = TP_WSS,
     .tls = true,
     .ws = true,
     .wire_in = tls_wire_in,
     .clear_in = ws_clear_in,
     .clear_out = tls_clear_out,
     .plain_out = ws_plain_out},
};

static const struct stream_ops *ops_of(enum transport transport, bool csta)
{
    for (size_t i = 0; i < ARRAY_LEN(transports); i++) {
        if (transports[i].transport == transport && transports[i].csta == csta) {
            return &transports[i];
        }
    }
    return NULL;
}

static uint64_t ip_hash(const struct net *n, const struct addr *a)
{
    return hash_bytes(&n->key, str_make((const char *)a->ip, a->family == ADDR_IP4 ? 4 : 16));
}

static uint64_t remote_hash(const struct net *n, uint8_t transport, const struct addr *a)
{
    return hash_mix(ip_hash(n, a), (uint64_t)a->port << 8 | transport);
}

/** May this address have one more? */
static bool room_for(const struct net *n, const struct addr *a)
{
    uint32_t count = 0, half = 0;
    struct map_node *node = map_first(&n->by_ip, ip_hash(n, a));
    for (; node != NULL && count < n->config.max_per_address; node = map_next(node)) {
        const struct conn *c = container_of(node, struct conn, by_ip);
        bool same = addr_ip_eq(&c->remote, a);
        count += same;
        half += same && list_linked(&c->half);
    }
    return count < n->config.max_per_address && half < n->config.max_handshakes_per_address;
}

/** Does it lead to whom the caller wants, over TLS? */
static bool leads_to(const struct conn *c, struct str name)
{
    if (c->tls == NULL) {
        return true;
    }
    return c->acceptor == NULL ? str_ieq(tls_name(c), name) : tls_proves(c, name);
}

static struct conn *find_remote(const struct net *n, uint8_t transport, const struct addr *a,
                                struct str name)
{
    struct map_node *node = map_first(&n->by_remote, remote_hash(n, transport, a));
    for (; node != NULL; node = map_next(node)) {
        struct conn *c = container_of(node, struct conn, by_remote);
        if (c->ops->transport == transport && !c->ops->csta && addr_eq(&c->remote, a) &&
            leads_to(c, name)) {
            return c;
        }
    }
    return NULL;
}

void conn_forget_remote(struct conn *c)
{
    map_remove(&c->net->by_remote, &c->by_remote);
}

static void on_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    stream_free_buffers(c);
    free(c);
}

void conn_close(struct conn *c)
{
    uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/** Room for one more? Evicts if that helps. */
static bool make_room(struct net *n)
{
    if (n->stats.connections < n->config.max_connections) {
        return true;
    }
    struct conn *oldest = list_entry(n->conns.next, struct conn, link);
    bool silent = net_now(n) - oldest->active_ms >= n->config.evict_ms;
    if (oldest->state == STREAM_CONNECTING || (stream_takes_input(oldest) && !silent)) {
        return false;
    }
    n->stats.evicted++;
    stream_drop(oldest);
    return true;
}

/** @return NULL when memory is out */
static struct conn *conn_new(struct net *n, const struct stream_ops *ops,
                             const struct acceptor *a)
{
    struct conn *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return NULL;
    }
    c->net = n;
    c->ops = ops;
    c->acceptor = a;
    c->flow.stream = true;
    c->state = STREAM_CONNECTING;
    c->active_ms = net_now(n);
    timer_init(&c->timer, stream_timer);
    uv_tcp_init(&n->loop, &c->tcp);
    c->tcp.data = c;
    return c;
}

/** From here on it counts, and ends through net_sweep. */
static void conn_add(struct conn *c)
{
    struct net *n = c->net;
    flow_add(n, &c->flow);
    list_append(&n->conns, &c->link);
    map_add(&n->by_remote, &c->by_remote, remote_hash(n, c->ops->transport, &c->remote));
    map_add(&n->by_ip, &c->by_ip, ip_hash(n, &c->remote));
    n->stats.connections++;
    (void)uv_tcp_nodelay(&c->tcp, 1);
    (void)uv_tcp_keepalive(&c->tcp, 1, KEEPALIVE_S);
}

static bool read_local(struct conn *c)
{
    union net_sockaddr sa;
    int len = sizeof(sa);
    return uv_tcp_getsockname(&c->tcp, &sa.sa, &len) == 0 && sockaddr_read(&sa.sa, &c->local);
}

/* ---- in ---- */

static void on_connection(uv_stream_t *server, int status)
{
    struct acceptor *a = server->data;
    struct net *n = a->net;
    if (status != 0) {
        n->stats.refused++;
        if (net_may_complain(n, &(struct addr){0})) {
            env_trace(&n->env, TRACE_WARN, "net", "accept: %s", uv_strerror(status));
        }
        return;
    }
    struct conn *c = conn_new(n, a->ops, a);
    if (c == NULL) {
        /* libuv holds it, and accepts no other, until we take it. */
        timer_set(&n->wheel, &a->retry, net_now(n) + RETRY_MS);
        return;
    }
    union net_sockaddr sa;
    int len = sizeof(sa);
    if (uv_accept(server, (uv_stream_t *)&c->tcp) != 0 || !read_local(c) ||
        uv_tcp_getpeername(&c->tcp, &sa.sa, &len) != 0 || !sockaddr_read(&sa.sa, &c->remote) ||
        !room_for(n, &c->remote) || !make_room(n) ||
        (a->ops->tls && tls_attach(c, STR_NONE) != 0) || (a->ops->ws && ws_attach(c) != 0)) {
        n->stats.refused++;
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return;
    }
    n->stats.accepted++;
    conn_add(c);
    stream_started(c);
}

static void on_retry(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    on_connection((uv_stream_t *)&container_of(t, struct acceptor, retry)->tcp, 0);
}

static void on_acceptor_closed(uv_handle_t *h)
{
    free(h->data);
}

void acceptor_close(struct acceptor *a)
{
    list_remove(&a->link);
    timer_stop(&a->net->wheel, &a->retry);
    uv_close((uv_handle_t *)&a->tcp, on_acceptor_closed);
}

/** The socket that was given for it, or one of our own. @return 0 or an error of libuv */
static int take_or_bind(struct acceptor *a, enum transport transport, bool csta,
                        const struct addr *at)
{
    union net_sockaddr sa;
    int fd = given_take(a->net, transport, csta, at);
    if (fd < 0) {
        (void)sockaddr_of(at, &sa);
        return uv_tcp_bind(&a->tcp, &sa.sa, at->family == ADDR_IP6 ? UV_TCP_IPV6ONLY : 0);
    }
    int err = uv_tcp_open(&a->tcp, fd);
    if (err != 0) {
        (void)close(fd);
    }
    return err;
}

int conn_listen(struct net *n, enum transport transport, bool csta, const struct addr *at,
                const struct addr *shown, struct addr *bound)
{
    union net_sockaddr sa;
    const struct stream_ops *ops = ops_of(transport, csta);
    if (ops == NULL || sockaddr_of(at, &sa) == 0) {
        return E_UNSUPPORTED;
    }
    if (ops->tls && !tls_store_serves(n->tls)) {
        return E_STATE;
    }
    struct acceptor *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        return E_NOMEM;
    }
    a->net = n;
    a->ops = ops;
    a->shown = *shown;
    timer_init(&a->retry, on_retry);
    uv_tcp_init(&n->loop, &a->tcp);
    a->tcp.data = a;
    int err = take_or_bind(a, transport, csta, at);
    if (err == 0) {
        err = uv_listen((uv_stream_t *)&a->tcp, BACKLOG, on_connection);
    }
    int len = sizeof(sa);
    if (err == 0) {
        err = uv_tcp_getsockname(&a->tcp, &sa.sa, &len);
    }
    list_append(&n->acceptors, &a->link);
    if (err != 0) {
        acceptor_close(a);
        return net_err(err);
    }
    (void)sockaddr_read(&sa.sa, &a->bound);
    *bound = a->bound;
    return 0;
}

/* ---- from the process before us ---- */

struct conn *conn_with(const struct net *n, uint8_t transport, const struct addr *remote)
{
    struct conn *c = find_remote(n, transport, remote, STR_NONE);
    return c != NULL && c->tls == NULL ? c : NULL;
}

static const struct acceptor *acceptor_at(const struct net *n, const struct stream_ops *ops,
                                          const struct addr *at)
{
    list_each(it, &n->acceptors)
    {
        const struct acceptor *a = list_entry(it, struct acceptor, link);
        if (a->ops == ops && addr_eq(&a->bound, at)) {
            return a;
        }
    }
    return NULL;
}

/** What waited on either way waits again. */
static void put_back(struct conn *c, const struct conn_past *past)
{
    if (past->out.n > 0) {
        (void)stream_wire_out(c, &past->out, 1);
    }
    if (past->in.n > 0 && c->state == STREAM_OPEN) {
        (void)stream_keep(c, past->in);
    }
}

int conn_adopt(struct net *n, int fd, const struct conn_past *past)
{
    const struct stream_ops *ops = ops_of(TP_TCP, past->csta);
    const struct acceptor *a = past->ours ? NULL : acceptor_at(n, ops, &past->at);
    struct conn *c = past->ours || a != NULL ? conn_new(n, ops, a) : NULL;
    if (c == NULL) {
        (void)close(fd);
        return past->ours || a != NULL ? E_NOMEM : E_NOTFOUND;
    }
    c->remote = past->remote;
    int err = uv_tcp_open(&c->tcp, fd);
    if (err != 0) {
        (void)close(fd);
    }
    if (err != 0 || !read_local(c)) {
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return E_IO;
    }
    conn_add(c);
    stream_started(c);
    put_back(c, past);
    return 0;
}

/* ---- out ---- */

static void on_connect(uv_connect_t *req, int status)
{
    struct conn *c = req->data;
    struct net *n = c->net;
    if (c->state != STREAM_CONNECTING) {
        return; /* given up meanwhile */
    }
    if (status != 0) {
        n->stats.connect_failed++;
        conn_trace(c, TRACE_INFO, "cannot be connected: %s", uv_strerror(status));
        stream_drop(c);
        return;
    }
    n->stats.connected++;
    (void)read_local(c);
    stream_started(c);
}

/** Peers that know us by address expect the one that we listen on. */
static void bind_source(struct net *n, struct conn *c)
{
    const struct acceptor *a = local_acceptor(n, c->ops->transport, &c->remote);
    if (a == NULL || addr_is_any(&a->bound) ||
        addr_is_loopback(&a->bound) != addr_is_loopback(&c->remote)) {
        return;
    }
    struct addr from = a->bound;
    from.port = 0;
    union net_sockaddr sa;
    sockaddr_of(&from, &sa);
    (void)uv_tcp_bind(&c->tcp, &sa.sa, 0); /* not possible: the kernel chooses */
}

/** @return 0, E_TOOMANY, E_IO */
static int begin_connect(struct conn *c, struct str name)
{
    union net_sockaddr sa;
    (void)sockaddr_of(&c->remote, &sa);
    if (c->ops->tls && tls_attach(c, name) != 0) {
        return E_IO;
    }
    bind_source(c->net, c);
    c->connect.data = c;
    int err = uv_tcp_connect(&c->connect, &c->tcp, &sa.sa, on_connect);
    if (err != 0) {
        return net_err(err) == E_TOOMANY ? E_TOOMANY : E_IO;
    }
    return 0;
}

int conn_open(struct net *n, struct hop *hop, struct str name)
{
    const struct stream_ops *ops = ops_of(hop->transport, false);
    char numeric[64];
    struct out o;
    if (hop->remote.family == ADDR_NONE || hop->remote.port == 0 ||
        (ops->tls && n->tls == NULL)) {
        return E_UNSUPPORTED;
    }
    if (!str_is_set(name) || name.n == 0) {
        out_init(&o, numeric, sizeof(numeric));
        addr_write_host(&o, &hop->remote);
        name = out_str_of(&o);
    }
    struct conn *c = find_remote(n, hop->transport, &hop->remote, name);
    if (c != NULL) {
        hop->flow = c->flow.id;
        return 0;
    }
    if (!make_room(n)) {
        n->stats.refused++;
        return E_TOOMANY;
    }
    c = conn_new(n, ops, NULL);
    if (c == NULL) {
        return E_IO;
    }
    c->remote = hop->remote;
    int err = begin_connect(c, name);
    if (err != 0) {
        n->stats.connect_failed++;
        uv_close((uv_handle_t *)&c->tcp, on_closed);
        return err;
    }
    conn_add(c);
    (void)read_local(c);
    timer_set(&n->wheel, &c->timer, net_now(n) + n->config.connect_ms);
    hop->flow = c->flow.id;
    return 0;
}
