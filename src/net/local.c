/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which address of ours a peer should see in Via and Contact.
 *
 * In this order: what the listener advertises; what the configuration advertises for that
 * family; the address a connection has at our end; the address that a UDP listener is bound to;
 * when that is the wildcard, the one from which the kernel would send to this peer. The last is
 * asked of the kernel by connecting a UDP socket (which sends nothing), and remembered for ten
 * seconds in a small direct-mapped cache. The port is always the listener's: a connection that
 * we opened has a port of its own on which nobody could reach us.
 */
#include "net/net_int.h"
#include <unistd.h>

#define ROUTE_LIFE_MS 10000

int local_score(const struct addr *at, const struct addr *remote)
{
    if (at->family != remote->family) {
        return 0;
    }
    if (addr_is_any(at)) {
        return 2;
    }
    return addr_is_loopback(at) == addr_is_loopback(remote) ? 3 : 1;
}

struct acceptor *local_acceptor(const struct net *n, uint8_t transport,
                                const struct addr *remote)
{
    struct acceptor *best = NULL;
    int best_score = 0;
    list_each(it, &n->acceptors)
    {
        struct acceptor *a = list_entry(it, struct acceptor, link);
        int score = a->ops->transport == transport ? local_score(&a->bound, remote) : 0;
        if (score > best_score) {
            best = a;
            best_score = score;
        }
    }
    return best;
}

/** Does that listener's address lead there? From the loopback nothing leaves the machine. */
static bool leads(const struct addr *at, const struct addr *remote)
{
    return at->family == remote->family &&
           (addr_is_any(remote) || !addr_is_loopback(at) || addr_is_loopback(remote));
}

bool local_reaches(const struct net *n, const struct hop *hop)
{
    /* Connections may begin at any address of this machine; which families it has is seen by
       where it listens, unless it does not listen at all. */
    bool stream = transport_is_reliable((enum transport)hop->transport);
    if (hop->transport == TP_WS || hop->transport == TP_WSS ||
        (hop->transport == TP_TLS && n->tls == NULL)) {
        return false; /* a WebSocket is opened by the browser */
    }
    if (stream && list_empty(&n->udp) && list_empty(&n->acceptors)) {
        return true;
    }
    list_each(it, &n->udp)
    {
        const struct addr *at = &list_entry(it, struct udp, link)->bound;
        if (stream ? at->family == hop->remote.family : leads(at, &hop->remote)) {
            return true;
        }
    }
    list_each(it, &n->acceptors)
    {
        if (stream &&
            list_entry(it, struct acceptor, link)->bound.family == hop->remote.family) {
            return true;
        }
    }
    return false;
}

static bool ask_kernel(const struct addr *remote, struct addr *out)
{
    union net_sockaddr sa;
    struct addr to = *remote;
    to.port = to.port == 0 ? 5060 : to.port;
    socklen_t len = sockaddr_of(&to, &sa);
    if (len == 0) {
        return false;
    }
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool ok = connect(fd, &sa.sa, len) == 0;
    len = sizeof(sa);
    ok = ok && getsockname(fd, &sa.sa, &len) == 0 && sockaddr_read(&sa.sa, out);
    close(fd);
    return ok;
}

/** The address that routes to `remote`; unchanged `ip` when there is no route. */
static void route_to(struct net *n, const struct addr *remote, struct addr *ip)
{
    uint64_t h = hash_bytes(&n->key, str_make((const char *)remote->ip, sizeof(remote->ip)));
    struct route *r = &n->routes[h % ROUTE_CACHE];
    uint64_t now = net_now(n);
    if (now >= r->until_ms || !addr_ip_eq(&r->remote, remote)) {
        struct addr found;
        if (!ask_kernel(remote, &found)) {
            return;
        }
        *r = (struct route){*remote, found, now + ROUTE_LIFE_MS};
    }
    uint16_t port = ip->port;
    *ip = r->local;
    ip->port = port;
}

/** What a listener says about itself: its own address, and what it has peers shown. */
struct self {
    struct addr bound, shown;
};

static struct self of_datagrams(struct net *n, struct flow *f, const struct hop *hop)
{
    const struct udp *u =
        f != NULL && !f->stream ? container_of(f, struct udp, flow) : udp_for(n, &hop->remote);
    return u != NULL ? (struct self){u->bound, u->shown} : (struct self){0};
}

static struct self of_streams(const struct net *n, struct flow *f, const struct hop *hop)
{
    const struct conn *c = f != NULL && f->stream ? container_of(f, struct conn, flow) : NULL;
    const struct acceptor *a = c != NULL && c->acceptor != NULL
                                   ? c->acceptor
                                   : local_acceptor(n, hop->transport, &hop->remote);
    struct self s = a != NULL ? (struct self){a->bound, a->shown} : (struct self){0};
    if (c != NULL) {
        uint16_t port = a != NULL ? a->bound.port : c->local.port;
        s.bound = c->local;
        s.bound.port = port;
    }
    return s;
}

void local_address(struct net *n, const struct hop *hop, struct addr *out)
{
    struct flow *f = hop->flow != 0 ? flow_find(n, hop->flow) : NULL;
    bool datagrams = hop->transport == TP_UDP || hop->transport == TP_NONE;
    struct self s = datagrams ? of_datagrams(n, f, hop) : of_streams(n, f, hop);
    *out = s.bound;
    if (s.shown.family != ADDR_NONE) {
        *out = s.shown;
        out->port = s.shown.port != 0 ? s.shown.port : s.bound.port;
        return;
    }
    if (out->family == ADDR_NONE) {
        out->family = hop->remote.family;
    }
    for (size_t i = 0; i < ARRAY_LEN(n->config.advertise); i++) {
        const struct addr *shown = &n->config.advertise[i];
        if (shown->family != ADDR_NONE && shown->family == out->family) {
            uint16_t port = shown->port != 0 ? shown->port : out->port;
            *out = *shown;
            out->port = port;
            return;
        }
    }
    if (addr_is_any(out)) {
        route_to(n, &hop->remote, out);
    }
}
