/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that somebody else has opened for us: the service manager (socket activation, or a
 * store of descriptors that outlives the process), or the process before us.
 *
 *   net_give ──► waits ──(a listener of its kind and address)──► that listener's
 *                  └──── net_given_rest: told, and closed
 *
 * A socket fits a listener when kind and address are the same; the name says what it is for
 * where both cannot: TCP, TLS and CSTA all are streams. So a listener that was configured at
 * port 0 takes the one that bears its name.
 *
 * A socket of IPv6 that takes IPv4 as well is nobody's: we would see IPv4 peers at addresses
 * of IPv6, where no rule about their network finds them.
 */
#include "base/err.h"
#include "net/net_int.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

static const struct {
    const char *name;
    enum transport transport;
    bool csta;
} kinds[] = {
    {"udp", TP_UDP, false},     {"tcp", TP_TCP, false}, {"tls", TP_TLS, false},
    {"ws", TP_WS, false},       {"wss", TP_WSS, false}, {"csta", TP_TCP, true},
    {"csta-tls", TP_TLS, true},
};

const char *net_kind_name(enum transport transport, bool csta)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].transport == transport && kinds[i].csta == csta) {
            return kinds[i].name;
        }
    }
    return "";
}

const char *net_kind(size_t i)
{
    static const char *const others[] = {NET_KIND_API, NET_KIND_API_TLS, NET_KIND_API_UNIX,
                                         NET_KIND_API_UNIX_OURS};
    if (i < ARRAY_LEN(kinds)) {
        return kinds[i].name;
    }
    i -= ARRAY_LEN(kinds);
    return i < ARRAY_LEN(others) ? others[i] : NULL;
}

static bool is_kind(const char *name)
{
    for (size_t i = 0; net_kind(i) != NULL; i++) {
        if (strcmp(net_kind(i), name) == 0) {
            return true;
        }
    }
    return false;
}

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof(value);
    return getsockopt(fd, level, name, &value, &len) == 0 ? value : -1;
}

/** Its address of IP, or its path. @return false when it has neither */
static bool read_name(struct given *g)
{
    union {
        union net_sockaddr ip;
        struct sockaddr_un un;
    } sa = {.un = {.sun_family = AF_UNSPEC}};
    socklen_t len = sizeof(sa);
    if (getsockname(g->fd, &sa.ip.sa, &len) != 0) {
        return false;
    }
    if (sa.un.sun_family == AF_UNIX && len > offsetof(struct sockaddr_un, sun_path)) {
        (void)snprintf(g->path, sizeof(g->path), "%.*s",
                       (int)(len - offsetof(struct sockaddr_un, sun_path)), sa.un.sun_path);
        return g->path[0] != '\0';
    }
    return sockaddr_read(&sa.ip.sa, &g->at);
}

/** What it is, and what speaks against it. */
static void look_at(struct given *g)
{
    int type = option(g->fd, SOL_SOCKET, SO_TYPE);
    if (type < 0) {
        g->why = "it is no socket";
        return;
    }
    if (!read_name(g)) {
        g->why = "it has no address of IPv4 or IPv6, and no path";
        return;
    }
    g->datagrams = type == SOCK_DGRAM;
    if (type != SOCK_DGRAM && type != SOCK_STREAM) {
        g->why = "it is neither of datagrams nor of streams";
    } else if (type == SOCK_STREAM && option(g->fd, SOL_SOCKET, SO_ACCEPTCONN) != 1) {
        g->why = "it does not listen";
    } else if (g->at.family == ADDR_IP6 && addr_is_any(&g->at) &&
               option(g->fd, IPPROTO_IPV6, IPV6_V6ONLY) == 0) {
        g->why = "it takes IPv4, too (BindIPv6Only=ipv6-only is wanted)";
    }
}

int net_give(struct net *n, int fd, const char *name)
{
    struct given *g = calloc(1, sizeof(*g));
    if (g == NULL) {
        return E_NOMEM;
    }
    g->fd = fd;
    (void)snprintf(g->name, sizeof(g->name), "%s", name != NULL ? name : "");
    look_at(g);
    int flags = fcntl(fd, F_GETFL);
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || flags < 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
        g->why = "it cannot be used";
    }
    list_append(&n->given, &g->link);
    return 0;
}

static bool fits(const struct given *g, const char *kind, const struct addr *at,
                 const char *path)
{
    bool named = strcmp(g->name, kind) == 0;
    if (g->why != NULL || g->datagrams != (strcmp(kind, "udp") == 0) ||
        (is_kind(g->name) && !named)) {
        return false;
    }
    if (path != NULL || g->path[0] != '\0') {
        return path != NULL && strcmp(g->path, path) == 0;
    }
    return addr_eq(&g->at, at) || (at->port == 0 && named && addr_ip_eq(&g->at, at));
}

int given_take(struct net *n, enum transport transport, bool csta, const struct addr *at)
{
    return net_take_given(n, net_kind_name(transport, csta), at, NULL);
}

int net_take_given(struct net *n, const char *kind, const struct addr *at, const char *path)
{
    list_each(it, &n->given)
    {
        struct given *g = list_entry(it, struct given, link);
        if (fits(g, kind, at, path)) {
            int fd = g->fd;
            list_remove(&g->link);
            free(g);
            return fd;
        }
    }
    return -1;
}

void net_given_rest(struct net *n,
                    void (*fn)(void *ctx, const char *name, const char *what, const char *why),
                    void *ctx)
{
    while (!list_empty(&n->given)) {
        struct given *g = list_entry(n->given.next, struct given, link);
        char what[128];
        struct out o;
        out_init(&o, what, sizeof(what) - 1);
        if (g->at.family != ADDR_NONE) {
            out_c(&o, g->datagrams ? "UDP " : "TCP ");
            addr_write(&o, &g->at);
        } else if (g->path[0] != '\0') {
            out_fmt(&o, "UNIX %s", g->path);
        }
        what[o.n] = '\0';
        if (fn != NULL) {
            fn(ctx, g->name, what,
               g->why != NULL ? g->why : "no listener of the configuration is for it");
        }
        list_remove(&g->link);
        (void)close(g->fd);
        free(g);
    }
}
