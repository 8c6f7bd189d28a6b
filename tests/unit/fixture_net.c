/* SPDX-License-Identifier: Apache-2.0 */
/* See fixture_net.h. Events are kept sorted by time, then by the order in which they were made.
 */
#include "fixture_net.h"

#include "base/err.h"
#include "base/wheel.h"
#include <stdio.h>
#include <stdlib.h>

enum kind { EV_PACKET, EV_CLOSED, EV_RESOLVED };

struct event {
    struct list link;
    enum kind kind;
    uint64_t due_ms, sequence;
    struct vnode *node;
    uint32_t flow;
    struct hop from;
    size_t n;
    char bytes[];
};

/** One end of a stream. */
struct flow {
    struct list link;
    uint32_t id, peer; /**< peer 0: nobody answered */
    struct vnode *node;
    uint8_t transport;
    struct addr remote;
    bool open, closing;
    uint64_t last_due_ms;
    char name[256]; /**< TLS, WSS: whom it was opened for; empty: the address, or it came in */
};

/** A record, and how long the first question for its name and type takes. */
struct name {
    struct list link;
    struct kit_zone zone; /**< of the one record */
    uint32_t delay_ms;
    bool asked, known;
};

uint64_t vnet_random(struct vnet *net)
{
    net->random += 0x9e3779b97f4a7c15ull; /* splitmix64 */
    uint64_t z = net->random;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

static bool chance(struct vnet *net, uint32_t percent)
{
    return percent > 0 && vnet_random(net) % 100 < percent;
}

static void *need(size_t n)
{
    void *p = calloc(1, n);
    if (p == NULL) {
        abort();
    }
    return p;
}

static struct event *add_event(struct vnet *net, enum kind kind, struct vnode *node,
                               uint64_t due_ms, struct str bytes)
{
    struct event *e = need(sizeof(*e) + bytes.n);
    e->kind = kind;
    e->node = node;
    e->due_ms = due_ms;
    e->sequence = net->sequence++;
    e->n = bytes.n;
    if (bytes.n > 0) {
        memcpy(e->bytes, bytes.p, bytes.n);
    }
    struct list *at = &net->events;
    while (at->prev != &net->events &&
           list_entry(at->prev, struct event, link)->due_ms > due_ms) {
        at = at->prev;
    }
    list_insert_before(at, &e->link);
    return e;
}

static bool is_node(const struct vnode *node, const struct addr *a)
{
    if (node->outside.family != ADDR_NONE) {
        return addr_eq(&node->outside, a);
    }
    return addr_ip_eq(&node->addr, a);
}

static struct vnode *node_at(struct vnet *net, const struct addr *a)
{
    list_each(it, &net->nodes)
    {
        struct vnode *node = list_entry(it, struct vnode, link);
        if (is_node(node, a)) {
            return node;
        }
    }
    return NULL;
}

static struct flow *flow_of(struct vnet *net, uint32_t id)
{
    list_each(it, &net->flows)
    {
        struct flow *f = list_entry(it, struct flow, link);
        if (f->id == id) {
            return f;
        }
    }
    return NULL;
}

/* ---- trace ---- */

static struct str first_line(struct str bytes)
{
    return str_upto(bytes, str_find(bytes, STR("\r\n")));
}

static struct str cseq_line(struct str bytes)
{
    size_t at = str_find(bytes, STR("\r\nCSeq:"));
    return first_line(str_from(bytes, at + 2));
}

static void trace(const struct vnet *net, const struct vpacket *p, const char *fate)
{
    if (net->trace) {
        fprintf(stderr, "%9llu  %-8s -> %-8s %-3s %.*s  %.*s %s\n",
                (unsigned long long)net->now_ms, p->from->name, p->to ? p->to->name : "?",
                transport_name((enum transport)p->transport), STR_ARG(first_line(p->bytes)),
                STR_ARG(cseq_line(p->bytes)), fate);
    }
}

/* ---- env ---- */

static void env_random_bytes(void *ctx, void *out, size_t n)
{
    struct vnode *node = ctx;
    unsigned char *p = out;
    for (size_t i = 0; i < n; i++) {
        p[i] = (unsigned char)(vnet_random(node->net) >> 32);
    }
}

static uint64_t env_wall(void *ctx)
{
    const struct vnode *node = ctx;
    return 1700000000u + node->net->now_ms / 1000;
}

static uint16_t port_of(enum transport t)
{
    return t == TP_TLS || t == TP_WSS ? 5061 : 5060;
}

static void env_local_addr(void *ctx, const struct hop *hop, struct addr *out)
{
    const struct vnode *node = ctx;
    *out = node->addr;
    out->port = port_of((enum transport)hop->transport);
}

/** Is it a connection of that node to there, for that name (env.h)? */
static bool leads_to(const struct flow *f, const struct vnode *node, const struct hop *hop,
                     struct str name)
{
    return f->open && f->node == node && f->transport == hop->transport &&
           addr_eq(&f->remote, &hop->remote) && str_ieq(str_c(f->name), name);
}

static int env_open(void *ctx, struct hop *hop, struct str name)
{
    struct vnode *node = ctx;
    struct vnet *net = node->net;
    bool named = hop->transport == TP_TLS || hop->transport == TP_WSS;
    name = named && str_is_set(name) ? name : STR("");
    if (hop->transport == TP_UDP) {
        hop->flow = node->udp_flow;
        return 0;
    }
    if (!transport_is_reliable((enum transport)hop->transport)) {
        return E_UNSUPPORTED;
    }
    list_each(it, &net->flows)
    {
        struct flow *f = list_entry(it, struct flow, link);
        if (leads_to(f, node, hop, name)) {
            hop->flow = f->id;
            return 0;
        }
    }
    struct vnode *to = node_at(net, &hop->remote);
    bool listens = to != NULL && to->outside.family == ADDR_NONE &&
                   hop->remote.port == port_of((enum transport)hop->transport);
    struct flow *f = need(sizeof(*f));
    *f = (struct flow){.id = net->next_flow++,
                       .node = node,
                       .transport = hop->transport,
                       .remote = hop->remote,
                       .open = true};
    snprintf(f->name, sizeof(f->name), "%.*s", STR_ARG(name));
    list_append(&net->flows, &f->link);
    hop->flow = f->id;
    if (!listens) {
        add_event(net, EV_CLOSED, node, net->now_ms + net->latency_ms, STR_NONE)->flow = f->id;
        return 0;
    }
    struct flow *peer = need(sizeof(*peer));
    *peer = (struct flow){.id = net->next_flow++,
                          .node = to,
                          .transport = hop->transport,
                          .remote = node->outside.family ? node->outside : node->addr,
                          .open = true,
                          .peer = f->id};
    peer->remote.port = node->next_port++;
    f->peer = peer->id;
    list_append(&net->flows, &peer->link);
    return 0;
}

static int send_stream(struct vnode *node, const struct hop *hop, struct str bytes)
{
    struct vnet *net = node->net;
    struct flow *f = flow_of(net, hop->flow);
    if (f == NULL || !f->open || f->node != node) {
        return E_IO;
    }
    struct flow *peer = flow_of(net, f->peer);
    struct vpacket p = {node, peer ? peer->node : NULL, f->transport, bytes,
                        1,    net->latency_ms};
    if (net->tap != NULL) {
        net->tap(net->tap_ctx, &p);
    }
    net->sent++;
    trace(net, &p, p.copies == 0 ? "(dropped)" : peer == NULL ? "(nobody)" : "");
    if (peer == NULL || p.copies == 0) {
        return 0;
    }
    uint64_t due = net->now_ms + p.delay_ms;
    f->last_due_ms = due > f->last_due_ms ? due : f->last_due_ms;
    struct event *e = add_event(net, EV_PACKET, peer->node, f->last_due_ms, p.bytes);
    e->from = (struct hop){peer->id, peer->transport, peer->remote};
    return 0;
}

static int send_datagram(struct vnode *node, const struct hop *hop, struct str bytes)
{
    struct vnet *net = node->net;
    struct vpacket p = {node, node_at(net, &hop->remote), TP_UDP, bytes, 1, net->latency_ms};
    if (chance(net, net->loss)) {
        p.copies = 0;
    } else if (chance(net, net->duplicate)) {
        p.copies = 2;
    }
    if (chance(net, net->reorder)) {
        p.delay_ms += (uint32_t)(vnet_random(net) % 400);
    }
    if (net->tap != NULL) {
        net->tap(net->tap_ctx, &p);
    }
    net->sent++;
    net->lost += p.copies == 0;
    trace(net, &p,
          p.copies == 0  ? "(lost)"
          : p.to == NULL ? "(nobody)"
          : p.copies > 1 ? "(twice)"
                         : "");
    for (uint32_t i = 0; p.to != NULL && i < p.copies; i++) {
        struct event *e = add_event(net, EV_PACKET, p.to,
                                    net->now_ms + p.delay_ms + i * net->latency_ms, p.bytes);
        e->from = (struct hop){p.to->udp_flow, TP_UDP,
                               node->outside.family ? node->outside : node->addr};
    }
    return 0;
}

/** What is under way still arrives. */
static void env_close(void *ctx, uint32_t flow)
{
    struct vnode *node = ctx;
    struct vnet *net = node->net;
    struct flow *f = flow_of(net, flow);
    struct flow *peer = f == NULL ? NULL : flow_of(net, f->peer);
    uint64_t due;
    if (f == NULL || !f->open || f->closing) {
        return;
    }
    f->closing = true;
    add_event(net, EV_CLOSED, node, net->now_ms, STR_NONE)->flow = f->id;
    if (peer != NULL) {
        due = net->now_ms + net->latency_ms;
        due = f->last_due_ms > due ? f->last_due_ms : due;
        add_event(net, EV_CLOSED, peer->node, due, STR_NONE)->flow = peer->id;
    }
}

static size_t env_queued(void *ctx, uint32_t flow)
{
    const struct vnode *node = ctx;
    (void)flow;
    return node->queued;
}

static int env_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct vnode *node = ctx;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        len += run[i].n;
    }
    char *buf = need(len + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (run[i].n > 0) {
            memcpy(buf + at, run[i].p, run[i].n);
            at += run[i].n;
        }
    }
    int err = hop->transport == TP_UDP ? send_datagram(node, hop, str_make(buf, len))
                                       : send_stream(node, hop, str_make(buf, len));
    free(buf);
    return err;
}

static int env_query(void *ctx, enum dns_type type, struct str host,
                     const struct dns_record **records, size_t *n)
{
    struct vnode *node = ctx;
    struct vnet *net = node->net;
    bool again = false;
    int err = E_NOTFOUND;
    *n = 0;
    list_each(it, &net->names)
    {
        struct name *name = list_entry(it, struct name, link);
        const struct dns_record *r = NULL;
        size_t found = 0;
        int own = kit_dns_query(&name->zone, type, host, &r, &found);
        if (own == E_NOTFOUND) {
            continue;
        }
        if (!name->known && name->delay_ms > 0) {
            if (!name->asked) {
                name->asked = true;
                add_event(net, EV_RESOLVED, node, net->now_ms + name->delay_ms, STR_NONE);
            }
            again = true;
        }
        err = own != 0 ? own : err == E_NOTFOUND ? 0 : err;
        if (own == 0 && *n < ARRAY_LEN(net->answer)) {
            net->answer[(*n)++] = *r;
        }
    }
    *records = net->answer;
    return again ? E_AGAIN : err;
}

/* ---- set-up ---- */

void vnet_init(struct vnet *net, uint64_t seed)
{
    *net = (struct vnet){.now_ms = 1000, .random = seed, .latency_ms = 5, .next_flow = 1};
    net->trace = getenv("BATON_TRACE") != NULL;
    list_init(&net->nodes);
    list_init(&net->events);
    list_init(&net->flows);
    list_init(&net->names);
}

void vnet_fini(struct vnet *net)
{
    list_each(it, &net->events)
    {
        free(list_entry(it, struct event, link));
    }
    list_each(it, &net->flows)
    {
        free(list_entry(it, struct flow, link));
    }
    list_each(it, &net->names)
    {
        free(list_entry(it, struct name, link));
    }
}

void vnet_add(struct vnet *net, struct vnode *node, const char *name, const char *ip,
              const struct mem *mem, const struct vnode_user *user, void *ctx)
{
    *node = (struct vnode){.net = net, .name = name, .user = user, .ctx = ctx};
    if (!addr_parse_host(str_c(ip), 5060, &node->addr)) {
        abort();
    }
    node->udp_flow = net->next_flow++;
    node->next_port = 40000;
    node->env = (struct env){.ctx = node,
                             .mem = *mem,
                             .random = env_random_bytes,
                             .wall_s = env_wall,
                             .send = env_send,
                             .open = env_open,
                             .query = env_query,
                             .local = env_local_addr,
                             .close = env_close,
                             .queued = env_queued};
    list_append(&net->nodes, &node->link);
}

void vnet_record(struct vnet *net, const char *name, const char *record, uint32_t delay_ms)
{
    struct name *n = need(sizeof(*n));
    (void)kit_dns_add(&n->zone, name, record);
    n->delay_ms = delay_ms;
    list_append(&net->names, &n->link);
}

void vnet_name(struct vnet *net, const char *name, const char *ip, uint32_t delay_ms)
{
    char record[80];
    snprintf(record, sizeof record, "%s %s", strchr(ip, ':') != NULL ? "AAAA" : "A", ip);
    vnet_record(net, name, record, delay_ms);
}

struct hop vnet_hop(const struct vnode *to, enum transport transport)
{
    struct hop hop = {.transport = (uint8_t)transport, .remote = to->addr};
    hop.remote.port = port_of(transport);
    return hop;
}

size_t vnet_close(struct vnet *net, const struct vnode *a, const struct vnode *b)
{
    size_t n = 0;
    list_each(it, &net->flows)
    {
        struct flow *f = list_entry(it, struct flow, link);
        struct flow *peer = flow_of(net, f->peer);
        if (f->open && peer != NULL && f->node == a && peer->node == b) {
            f->open = peer->open = false;
            add_event(net, EV_CLOSED, f->node, net->now_ms, STR_NONE)->flow = f->id;
            add_event(net, EV_CLOSED, peer->node, net->now_ms, STR_NONE)->flow = peer->id;
            n++;
        }
    }
    return n;
}

/* ---- time ---- */

static void deliver(struct vnet *net, struct event *e)
{
    const struct vnode_user *u = e->node->user;
    void *ctx = e->node->ctx;
    switch (e->kind) {
    case EV_PACKET: {
        struct flow *f = e->from.transport == TP_UDP ? NULL : flow_of(net, e->from.flow);
        if (u->receive != NULL && (f == NULL || f->open)) {
            u->receive(ctx, str_make(e->bytes, e->n), &e->from, net->now_ms);
        }
        break;
    }
    case EV_CLOSED: {
        struct flow *f = flow_of(net, e->flow);
        f->open = false;
        if (u->flow_closed != NULL) {
            u->flow_closed(ctx, e->flow, net->now_ms);
        }
        break;
    }
    case EV_RESOLVED:
        list_each(it, &net->names)
        {
            struct name *name = list_entry(it, struct name, link);
            name->known = name->known || name->asked;
        }
        if (u->resolved != NULL) {
            u->resolved(ctx, net->now_ms);
        }
        break;
    }
}

static uint64_t next_due(const struct vnet *net)
{
    uint64_t next = list_empty(&net->events)
                        ? WHEEL_NEVER
                        : list_entry(net->events.next, struct event, link)->due_ms;
    list_each(it, &net->nodes)
    {
        struct vnode *node = list_entry(it, struct vnode, link);
        uint64_t due = node->user->deadline ? node->user->deadline(node->ctx) : WHEEL_NEVER;
        next = due < next ? due : next;
    }
    return next;
}

static void step(struct vnet *net)
{
    while (!list_empty(&net->events)) {
        struct event *e = list_entry(net->events.next, struct event, link);
        if (e->due_ms > net->now_ms) {
            break;
        }
        list_remove(&e->link);
        deliver(net, e);
        free(e);
    }
    list_each(it, &net->nodes)
    {
        struct vnode *node = list_entry(it, struct vnode, link);
        if (node->user->tick != NULL) {
            node->user->tick(node->ctx, net->now_ms);
        }
    }
}

void vnet_run_until(struct vnet *net, uint64_t time_ms)
{
    uint64_t next;
    while ((next = next_due(net)) <= time_ms) {
        net->now_ms = next > net->now_ms ? next : net->now_ms;
        step(net);
    }
    net->now_ms = time_ms;
    step(net);
}

void vnet_run_for(struct vnet *net, uint64_t ms)
{
    vnet_run_until(net, net->now_ms + ms);
}

bool vnet_run_quiet(struct vnet *net, uint64_t limit_ms)
{
    uint64_t limit = net->now_ms + limit_ms, next;
    while ((next = next_due(net)) != WHEEL_NEVER) {
        if (next > limit) {
            return false;
        }
        vnet_run_until(net, next > net->now_ms ? next : net->now_ms);
    }
    return true;
}
