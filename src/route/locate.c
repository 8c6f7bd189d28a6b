/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How servers are found. First `servers` are collected: names with port, transport and rank,
 * from SRV records or the host itself; then each is turned into hops.
 *
 * DNS belongs to others: whatever it says is bounded here (servers, hops, names), and a name
 * that cannot be used is as good as none. A question that nobody answers (SERVFAIL, a router
 * that drops NAPTR) counts as answered with nothing, so that the next kind of record is asked
 * for; only when nothing at all comes out of it is it told apart from "there is none".
 *
 * SRV records are sorted by priority, and inside of one by drawing lots with their weights.
 * Zero weights stand in front while lots are drawn, so that they have a small chance (RFC
 * 2782). The lots are drawn anew when a look-up is begun again: the order that counts is the
 * last.
 *
 * NOT DONE. NAPTR of a higher order than the first that we can use: RFC 3403 §4.1 forbids it.
 * The flags "a" and "u" of NAPTR, which RFC 3263 does not use. RFC 6724's choice among several
 * addresses of a family: they come as DNS has them.
 */
#include "route/locate.h"

#include "base/err.h"

#define NAME_MAX_LEN 253
#define SERVERS 16
#define NAPTRS 8

struct server {
    char name[NAME_MAX_LEN + 1];
    uint8_t name_n;
    uint8_t transport;
    uint16_t port, priority, weight;
};

struct search {
    const struct env *env;
    bool again;  /**< some question is still open */
    bool failed; /**< some question was not answered */
    size_t n;
    struct server server[SERVERS];
};

/** Records of that name, or none; notes why there are none. Good until the next question. */
static size_t ask(struct search *s, enum dns_type type, struct str name,
                  const struct dns_record **records)
{
    size_t n = 0;
    int err = s->env->query(s->env->ctx, type, name, records, &n);
    s->again = s->again || err == E_AGAIN;
    s->failed = s->failed || (err != 0 && err != E_AGAIN && err != E_NOTFOUND);
    return err == 0 ? n : 0;
}

static bool reaches(const struct env *env, const struct hop *hop)
{
    return env->reaches == NULL || env->reaches(env->ctx, hop);
}

static bool reaches_family(const struct env *env, uint8_t transport, uint8_t family)
{
    return reaches(env, &(struct hop){.transport = transport, .remote = {.family = family}});
}

static bool has_transport(const struct env *env, uint8_t transport)
{
    return reaches_family(env, transport, ADDR_IP6) || reaches_family(env, transport, ADDR_IP4);
}

/** A name without the dot of the root. */
static struct str plain_name(struct str name)
{
    return name.n > 0 && name.p[name.n - 1] == '.' ? str_upto(name, name.n - 1) : name;
}

/** @return NULL when there is no room, or it is no name */
static struct server *add_server(struct search *s, struct str name, uint8_t transport,
                                 uint16_t port)
{
    name = plain_name(name);
    if (s->n == SERVERS || name.n == 0 || name.n > NAME_MAX_LEN) {
        return NULL;
    }
    struct server *v = &s->server[s->n++];
    memcpy(v->name, name.p, name.n);
    v->name_n = (uint8_t)name.n;
    v->transport = transport;
    v->port = port;
    v->priority = v->weight = 0;
    return v;
}

/* ---- SRV ---- */

static void swap(struct server *a, struct server *b)
{
    struct server t = *a;
    *a = *b;
    *b = t;
}

static void sort_by_rank(struct server *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        for (size_t k = i; k > 0; k--) {
            const struct server *a = &v[k - 1], *b = &v[k];
            if (a->priority < b->priority ||
                (a->priority == b->priority && (a->weight == 0 || b->weight != 0))) {
                break;
            }
            swap(&v[k - 1], &v[k]);
        }
    }
}

/** RFC 2782: each is chosen with the chance of its weight among those that are left. */
static void draw_lots(const struct env *env, struct server *v, size_t n)
{
    for (; n > 1; v++, n--) {
        uint32_t sum = 0, run = 0;
        size_t i = 0;
        for (size_t k = 0; k < n; k++) {
            sum += v[k].weight;
        }
        uint32_t lot = (uint32_t)(env_random64(env) % ((uint64_t)sum + 1));
        for (run = v[0].weight; run < lot; run += v[i].weight) {
            i++;
        }
        for (; i > 0; i--) { /* to the front; the others keep their order */
            swap(&v[i - 1], &v[i]);
        }
    }
}

/** The servers of one SRV name behind those that are known. @return false: there is no such
 * name */
static bool add_srv(struct search *s, struct str name, uint8_t transport)
{
    const struct dns_record *r;
    size_t n = ask(s, DNS_SRV, name, &r), first = s->n;
    for (size_t i = 0; i < n; i++) {
        /* "." as the target: the service is not offered (RFC 2782) */
        struct server *v = add_server(s, r[i].target, transport, r[i].port);
        if (v != NULL) {
            v->priority = r[i].priority;
            v->weight = r[i].weight;
        }
    }
    sort_by_rank(s->server + first, s->n - first);
    for (size_t at = first, end = first; at < s->n; at = end) {
        while (end < s->n && s->server[end].priority == s->server[at].priority) {
            end++;
        }
        draw_lots(s->env, s->server + at, end - at);
    }
    return n > 0;
}

/** _sip._udp.NAME and its like. */
static bool add_srv_of(struct search *s, struct str host, uint8_t transport)
{
    static const char *const prefix[TP_COUNT] = {
        [TP_UDP] = "_sip._udp.", [TP_TCP] = "_sip._tcp.", [TP_TLS] = "_sips._tcp."};
    char buf[NAME_MAX_LEN + 16];
    struct out o;
    out_init(&o, buf, sizeof buf);
    out_c(&o, prefix[transport]);
    out_str(&o, host);
    return !o.over && add_srv(s, out_str_of(&o), transport);
}

/* ---- NAPTR ---- */

struct service {
    char name[NAME_MAX_LEN + 1];
    uint8_t name_n, transport;
    uint16_t order, preference;
};

static enum transport transport_of_service(struct str service)
{
    static const struct {
        struct str name;
        enum transport transport;
    } table[] = {{STR_INIT("SIP+D2U"), TP_UDP},
                 {STR_INIT("SIP+D2T"), TP_TCP},
                 {STR_INIT("SIPS+D2T"), TP_TLS},
                 {STR_INIT("SIP+D2W"), TP_WS},
                 {STR_INIT("SIPS+D2W"), TP_WSS}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_ieq(table[i].name, service)) {
            return table[i].transport;
        }
    }
    return TP_NONE;
}

static bool is_connectable(const struct search *s, uint8_t transport, bool sips)
{
    return transport != TP_NONE && transport != TP_WS && transport != TP_WSS &&
           (!sips || transport == TP_TLS) && has_transport(s->env, transport);
}

/** Put a record where order and preference want it; the worst falls off the end. */
static void rank_service(struct service *list, size_t *n, const struct dns_record *r,
                         uint8_t transport)
{
    struct str name = plain_name(r->target);
    size_t at = *n;
    while (at > 0 &&
           (list[at - 1].order > r->priority ||
            (list[at - 1].order == r->priority && list[at - 1].preference > r->weight))) {
        at--;
    }
    if (at == NAPTRS || name.n == 0 || name.n > NAME_MAX_LEN) {
        return;
    }
    *n += *n < NAPTRS;
    memmove(list + at + 1, list + at, (*n - 1 - at) * sizeof *list);
    list[at] = (struct service){.name_n = (uint8_t)name.n,
                                .transport = transport,
                                .order = r->priority,
                                .preference = r->weight};
    memcpy(list[at].name, name.p, name.n);
}

/** @return true: NAPTR records for SIP exist, whether or not we can use one of them */
static bool add_naptr(struct search *s, const struct route_want *want)
{
    struct service list[NAPTRS];
    const struct dns_record *r;
    size_t found = ask(s, DNS_NAPTR, plain_name(want->host), &r), n = 0;
    bool any = false;
    for (size_t i = 0; i < found; i++) {
        enum transport t = transport_of_service(r[i].service);
        if (t == TP_NONE || !str_ieq(r[i].flags, STR("s"))) {
            continue;
        }
        any = true;
        if (is_connectable(s, (uint8_t)t, want->sips)) {
            rank_service(list, &n, &r[i], (uint8_t)t);
        }
    }
    for (size_t i = 0; i < n && list[i].order == list[0].order; i++) {
        (void)add_srv(s, str_make(list[i].name, list[i].name_n), list[i].transport);
    }
    return any;
}

/* ---- the search ---- */

/** §4.1 and §4.2 for a name. */
static void find_servers(struct search *s, const struct route_want *want)
{
    static const uint8_t ways[] = {TP_UDP, TP_TCP, TP_TLS}; /* sips: only the last */
    struct str host = plain_name(want->host);
    uint8_t usual = (uint8_t)(want->transport != TP_NONE ? want->transport
                              : want->sips               ? TP_TLS
                                                         : TP_UDP);
    bool known = false;
    if (want->port != 0) {
        (void)add_server(s, host, usual, want->port);
        return;
    }
    if (want->transport != TP_NONE) {
        known = add_srv_of(s, host, usual);
    } else {
        known = add_naptr(s, want);
        if (known || s->again) {
            return;
        }
        for (size_t i = want->sips ? 2 : 0; i < (want->sips ? 3 : 2); i++) {
            known = (has_transport(s->env, ways[i]) && add_srv_of(s, host, ways[i])) || known;
        }
    }
    if (!known && !s->again) {
        (void)add_server(s, host, usual, transport_port((enum transport)usual));
    }
}

static void add_hop(const struct search *s, struct route_hops *out, const struct server *v,
                    const struct addr *a)
{
    struct hop hop = {.transport = v->transport, .remote = *a};
    hop.remote.port = v->port != 0 ? v->port : transport_port((enum transport)v->transport);
    if (out->n == ROUTE_HOPS || !reaches(s->env, &hop)) {
        return;
    }
    for (size_t i = 0; i < out->n; i++) {
        if (out->hop[i].transport == hop.transport &&
            addr_eq(&out->hop[i].remote, &hop.remote)) {
            return;
        }
    }
    out->hop[out->n++] = hop;
}

static void add_addresses(struct search *s, struct route_hops *out, const struct server *v)
{
    static const struct {
        uint8_t family;
        enum dns_type type;
    } kinds[] = {{ADDR_IP6, DNS_AAAA}, {ADDR_IP4, DNS_A}};
    struct str name = str_make(v->name, v->name_n);
    struct addr numeric;
    if (addr_parse_host(name, 0, &numeric)) { /* not allowed in SRV, and seen there */
        add_hop(s, out, v, &numeric);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct dns_record *r;
        if (!reaches_family(s->env, v->transport, kinds[i].family)) {
            continue;
        }
        size_t n = ask(s, kinds[i].type, name, &r);
        for (size_t k = 0; k < n; k++) {
            add_hop(s, out, v, &r[k].addr);
        }
    }
}

static int locate_numeric(const struct route_want *want, struct addr a, struct route_hops *out)
{
    enum transport t = want->transport != TP_NONE ? want->transport
                       : want->sips               ? TP_TLS
                                                  : TP_UDP;
    a.port = want->port != 0 ? want->port : transport_port(t);
    out->hop[0] = (struct hop){.transport = (uint8_t)t, .remote = a};
    out->n = 1;
    return 0;
}

int route_locate(const struct env *env, const struct route_want *want, struct route_hops *out)
{
    struct route_want w = *want;
    struct search s;
    struct addr numeric;
    out->n = 0;
    if (w.sips && (w.transport == TP_TCP || w.transport == TP_UDP)) {
        w.transport = w.transport == TP_TCP ? TP_TLS : TP_NONE; /* RFC 3261 §26.2.2 */
    }
    if (addr_parse_host(w.host, w.port, &numeric)) {
        return locate_numeric(&w, numeric, out);
    }
    if (w.transport == TP_WS || w.transport == TP_WSS) {
        return E_UNSUPPORTED;
    }
    if (w.host.n == 0 || w.host.n > NAME_MAX_LEN + 1) {
        return E_NOTFOUND;
    }
    s.env = env;
    s.again = s.failed = false;
    s.n = 0;
    find_servers(&s, &w);
    for (size_t i = 0; i < s.n; i++) {
        add_addresses(&s, out, &s.server[i]);
    }
    if (s.again) {
        return E_AGAIN;
    }
    return out->n > 0 ? 0 : s.failed ? E_IO : E_NOTFOUND;
}
