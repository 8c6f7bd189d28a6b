/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host names, through the system's resolver (getaddrinfo on libuv's threads) and a cache.
 *
 * A name is Asking until its look-up ends, then it is kept with its answer for `resolve_ok_ms`,
 * or with its failure for `resolve_fail_ms`; then the next request asks again. At most
 * `max_names` are known: the one whose look-up ended first is forgotten for a new one, and
 * when all are being asked, the new one is not found.
 *
 * The address taken is the first of the resolver's order (RFC 6724) of a family that we listen
 * on. NAPTR and SRV records (RFC 3263) are not asked for.
 */
#include "base/err.h"
#include "net/net_int.h"
#include <netdb.h>
#include <stdlib.h>

#define NAME_MAX_LEN 253

struct name {
    struct map_node node; /**< net->names */
    struct list age;      /**< net->name_age unless it is being asked */
    struct net *net;
    uv_getaddrinfo_t request;
    bool asking, found;
    struct addr addr;
    uint64_t until_ms;
    char text[NAME_MAX_LEN + 1];
};

static struct name *find(const struct net *n, struct str host, uint64_t hash)
{
    struct map_node *node = map_first(&n->names, hash);
    for (; node != NULL; node = map_next(node)) {
        struct name *name = container_of(node, struct name, node);
        if (str_ieq(str_c(name->text), host)) {
            return name;
        }
    }
    return NULL;
}

static void forget(struct name *name)
{
    map_remove(&name->net->names, &name->node);
    list_remove(&name->age);
    name->net->stats.names--;
    free(name);
}

/** Letters, digits, '-', '.', '_' only: nothing else is a host name, or worth a thread. */
static bool is_name(struct str host)
{
    if (host.n == 0 || host.n > NAME_MAX_LEN || host.p[0] == '-' || host.p[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < host.n; i++) {
        char c = ascii_lower(host.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
              c == '_')) {
            return false;
        }
    }
    return true;
}

static bool family_here(struct net *n, const struct addr *a)
{
    return udp_for(n, a) != NULL || local_acceptor(n, TP_TCP, a) != NULL;
}

static bool choose(struct net *n, const struct addrinfo *list, struct addr *out)
{
    bool any = false;
    for (const struct addrinfo *it = list; it != NULL; it = it->ai_next) {
        struct addr a;
        if (!sockaddr_read(it->ai_addr, &a)) {
            continue;
        }
        bool here = family_here(n, &a);
        if (here || !any) {
            *out = a;
            any = true;
        }
        if (here) {
            break;
        }
    }
    return any;
}

static void on_answer(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
    struct name *name = req->data;
    struct net *n = name->net;
    uint64_t now = net_now(n);
    name->asking = false;
    name->found = status == 0 && choose(n, list, &name->addr);
    name->until_ms = now + (name->found ? n->config.resolve_ok_ms : n->config.resolve_fail_ms);
    uv_freeaddrinfo(list);
    list_append(&n->name_age, &name->age);
    n->stats.lookups--;
    if (!name->found) {
        n->stats.names_failed++;
        env_trace(&n->env, TRACE_INFO, "net", "%s: %s", name->text,
                  status != 0 ? uv_strerror(status) : "no address");
    }
    const struct net_handler *h = &n->config.handler;
    if (h->resolved != NULL) {
        h->resolved(h->ctx, now);
    }
}

static int ask(struct name *name)
{
    struct net *n = name->net;
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM, .ai_flags = AI_ADDRCONFIG};
    name->request.data = name;
    list_remove(&name->age);
    if (uv_getaddrinfo(&n->loop, &name->request, on_answer, name->text, NULL, &hints) != 0) {
        forget(name);
        return E_NOTFOUND;
    }
    name->asking = true;
    n->stats.lookups++;
    n->stats.names_asked++;
    return E_AGAIN;
}

int names_resolve(struct net *n, struct str host, struct addr *out)
{
    struct addr numeric;
    if (addr_parse_host(host, out->port, &numeric)) {
        *out = numeric;
        return 0;
    }
    if (host.n > 1 && host.p[host.n - 1] == '.') {
        host.n--; /* the root's dot: the same name */
    }
    if (!is_name(host)) {
        return E_NOTFOUND;
    }
    uint64_t hash = hash_ibytes(&n->key, host);
    struct name *name = find(n, host, hash);
    if (name != NULL) {
        if (name->asking) {
            return E_AGAIN;
        }
        if (net_now(n) >= name->until_ms) {
            return ask(name);
        }
        if (!name->found) {
            return E_NOTFOUND;
        }
        uint16_t port = out->port;
        *out = name->addr;
        out->port = port;
        return 0;
    }
    if (n->names.count >= n->config.max_names) {
        if (list_empty(&n->name_age)) {
            return E_NOTFOUND;
        }
        forget(list_entry(n->name_age.next, struct name, age));
    }
    name = calloc(1, sizeof(*name));
    if (name == NULL) {
        return E_NOTFOUND;
    }
    name->net = n;
    memcpy(name->text, host.p, host.n);
    map_add(&n->names, &name->node, hash);
    n->stats.names++;
    return ask(name);
}

void names_cancel(struct net *n)
{
    size_t slot = 0;
    for (struct map_node *it = map_walk(&n->names, &slot, NULL); it != NULL;
         it = map_walk(&n->names, &slot, it)) {
        struct name *name = container_of(it, struct name, node);
        if (name->asking) {
            (void)uv_cancel((uv_req_t *)&name->request); /* it runs: its answer comes later */
        }
    }
}

void names_free(struct net *n)
{
    while (!list_empty(&n->name_age)) {
        forget(list_entry(n->name_age.next, struct name, age));
    }
}
