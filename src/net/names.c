/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: DNS records through c-ares on our loop, and a cache of them.
 *
 * A name of a type is Asking until its look-up ends. Then it is kept for the TTL of its
 * records, within `resolve_min_ms` and `resolve_max_ms`; that it does not exist for
 * `resolve_fail_ms`. When the name servers are silent or broken, what they said before is used
 * for `resolve_stale_ms` after its end (RFC 8767), and they are asked again every
 * `resolve_fail_ms`.
 *
 * A and AAAA are looked for in the hosts file first. When that knows a name in one family, DNS
 * is not asked for the other one, as the C library does it. A name without a dot is completed
 * by the search path of resolv.conf.
 *
 * BOUNDS. At most `max_names` are known: the one whose look-up ended first is forgotten for a
 * new one, and when all are being asked, the new one is not found. At most `max_lookups` are
 * asked at a time: who comes then waits with E_AGAIN, and asks again when any look-up has
 * ended.
 *
 * OWNERSHIP. struct net owns the names; a name owns its records. The pointer that a query gives
 * stays good until the next query, since only a new name may push an old one out.
 *
 * NOT DONE. resolv.conf is read at the start only. The SOA of a negative answer is not read.
 */
#include "base/err.h"
#include "net/net_int.h"
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdlib.h>

#define NAME_MAX_LEN 253
#define EDNS_SIZE 1232 /* fits into what every path carries */

struct name {
    struct map_node node; /**< net->names */
    struct list age;      /**< net->name_age unless it is being asked */
    struct net *net;
    uint8_t type; /**< enum dns_type */
    bool asking;
    int err; /**< of the last answer: 0, E_NOTFOUND, E_IO */
    struct dns_record *record;
    size_t n;
    uint64_t until_ms, stale_ms; /**< good until; to be used at need until */
    char text[NAME_MAX_LEN + 1];
};

/* ---- the table ---- */

static struct name *find(const struct net *n, enum dns_type type, struct str host,
                         uint64_t hash)
{
    struct map_node *node = map_first(&n->names, hash);
    for (; node != NULL; node = map_next(node)) {
        struct name *name = container_of(node, struct name, node);
        if (name->type == type && str_ieq(str_c(name->text), host)) {
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
    free(name->record);
    free(name);
}

/** Letters, digits, '-', '.', '_' only: nothing else is a host name, or worth a packet. */
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

/** @return NULL: no room or no memory */
static struct name *add(struct net *n, enum dns_type type, struct str host, uint64_t hash)
{
    if (n->names.count >= n->config.max_names) {
        if (list_empty(&n->name_age)) {
            return NULL;
        }
        forget(list_entry(n->name_age.next, struct name, age));
    }
    struct name *name = calloc(1, sizeof *name);
    if (name == NULL) {
        return NULL;
    }
    name->net = n;
    name->type = (uint8_t)type;
    memcpy(name->text, host.p, host.n);
    map_add(&n->names, &name->node, hash);
    n->stats.names++;
    return name;
}

/* ---- answers ---- */

static uint64_t within(uint64_t ms, uint64_t least, uint64_t most)
{
    return ms < least ? least : ms > most ? most : ms;
}

/** Take over what a look-up has brought. */
static void learn(struct name *name, int err, struct dns_record *record, size_t count,
                  uint64_t ttl_ms)
{
    struct net *n = name->net;
    const struct net_config *c = &n->config;
    uint64_t now = net_now(n);
    list_remove(&name->age);
    list_append(&n->name_age, &name->age);
    name->asking = false;
    name->until_ms = now + c->resolve_fail_ms;
    if (err == E_IO && name->n > 0 && now < name->stale_ms) {
        n->stats.names_stale++;
        return; /* what was said before is better than nothing */
    }
    free(name->record);
    name->record = record;
    name->n = count;
    name->err = err;
    if (err == 0) {
        name->until_ms = now + within(ttl_ms, c->resolve_min_ms, c->resolve_max_ms);
        name->stale_ms = name->until_ms + c->resolve_stale_ms;
    } else {
        n->stats.names_failed++;
    }
}

/** Names that do not exist are told once in a while only: strangers may ask for any. */
static void complain(const struct name *name, int status)
{
    enum trace_level level =
        status == ARES_ENOTFOUND || status == ARES_ENODATA ? TRACE_DEBUG : TRACE_INFO;
    static const char *const types[DNS_TYPES] = {"A", "AAAA", "SRV", "NAPTR"};
    env_trace(&name->net->env, level, "net", "%s %s: %s", name->text, types[name->type],
              ares_strerror(status));
}

static void on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int len)
{
    struct name *name = arg;
    struct net *n = name->net;
    struct dns_record *record = NULL;
    size_t count = 0;
    int err = status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME
                  ? E_NOTFOUND
                  : E_IO;
    (void)timeouts;
    n->stats.lookups--;
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) {
        name->asking = false;
        list_append(&n->name_age, &name->age);
        return;
    }
    if (status == ARES_SUCCESS) {
        err = answer_read((enum dns_type)name->type, bytes, len, &record, &count);
    }
    if (err != 0) {
        complain(name, status == ARES_SUCCESS && err == E_NOTFOUND ? ARES_ENODATA
                       : status == ARES_SUCCESS                    ? ARES_EBADRESP
                                                                   : status);
    }
    learn(name, err, record, count, err == 0 ? answer_ttl(bytes, len) * UINT64_C(1000) : 0);
    n->dns.answered = true;
}

/** Tell once of all that has come in one go, and never from inside of a query. */
static void tell(struct net *n)
{
    const struct net_handler *h = &n->config.handler;
    if (n->dns.answered && !n->dns.asking && h->resolved != NULL) {
        n->dns.answered = false;
        h->resolved(h->ctx, net_now(n));
    }
}

/* ---- c-ares on our loop ---- */

static void arm(struct net *n)
{
    struct timeval tv;
    timer_stop(&n->wheel, &n->dns.timer);
    if (n->dns.answered) {
        timer_set(&n->wheel, &n->dns.timer, net_now(n)); /* came while asking: told then */
    } else if (ares_timeout(n->dns.channel, NULL, &tv) != NULL) {
        uint64_t ms = (uint64_t)tv.tv_sec * 1000 + (uint64_t)tv.tv_usec / 1000 + 1;
        timer_set(&n->wheel, &n->dns.timer, net_now(n) + ms);
    }
}

static void process(struct net *n, int in, int out)
{
    ares_process_fd(n->dns.channel, in, out);
    tell(n);
    arm(n);
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    process(container_of(t, struct net, dns.timer), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

/** A socket of c-ares that the loop watches. */
struct watch {
    struct list link; /**< net->dns.watches */
    struct net *net;
    uv_poll_t poll;
    int fd;
};

static void on_watch(uv_poll_t *poll, int status, int events)
{
    struct watch *w = poll->data;
    bool in = status < 0 || (events & UV_READABLE) != 0; /* an error: reading finds it */
    bool out = status < 0 || (events & UV_WRITABLE) != 0;
    process(w->net, in ? w->fd : ARES_SOCKET_BAD, out ? w->fd : ARES_SOCKET_BAD);
}

static void on_watch_closed(uv_handle_t *h)
{
    free(h->data);
}

static struct watch *watch_of(struct net *n, int fd)
{
    list_each(it, &n->dns.watches)
    {
        struct watch *w = list_entry(it, struct watch, link);
        if (w->fd == fd) {
            return w;
        }
    }
    return NULL;
}

static struct watch *watch_new(struct net *n, int fd)
{
    struct watch *w = calloc(1, sizeof *w);
    if (w == NULL || uv_poll_init(&n->loop, &w->poll, fd) != 0) {
        free(w); /* the look-up runs into its time limit */
        return NULL;
    }
    w->net = n;
    w->fd = fd;
    w->poll.data = w;
    list_append(&n->dns.watches, &w->link);
    return w;
}

/** What c-ares wants of a socket; nothing: it is about to close it. */
static void on_socket(void *data, ares_socket_t fd, int readable, int writable)
{
    struct net *n = data;
    struct watch *w = watch_of(n, fd);
    if (!readable && !writable) {
        if (w != NULL) {
            list_remove(&w->link);
            uv_poll_stop(&w->poll);
            uv_close((uv_handle_t *)&w->poll, on_watch_closed);
        }
        return;
    }
    if (w == NULL) {
        w = watch_new(n, fd);
    }
    if (w != NULL) {
        uv_poll_start(&w->poll, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0),
                      on_watch);
    }
}

bool names_init(struct net *n)
{
    struct ares_options o = {
        .flags = ARES_FLAG_EDNS,
        .timeout = (int)n->config.dns_timeout_ms,
        .tries = (int)n->config.dns_tries,
        .ednspsz = EDNS_SIZE,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = n,
    };
    list_init(&n->dns.watches);
    timer_init(&n->dns.timer, on_timer);
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        return false;
    }
    n->dns.library = true;
    if (ares_init_options(&n->dns.channel, &o,
                          ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                              ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB) != ARES_SUCCESS) {
        n->dns.channel = NULL;
        return false;
    }
    return n->config.dns_servers == NULL ||
           ares_set_servers_ports_csv(n->dns.channel, n->config.dns_servers) == ARES_SUCCESS;
}

/* ---- questions ---- */

/** The hosts file. @return true: it knows the name, in that family (*err 0) or another */
static bool ask_hosts(struct name *name, int *err, struct dns_record **record, size_t *count)
{
    static const int families[] = {[DNS_A] = AF_INET, [DNS_AAAA] = AF_INET6};
    struct net *n = name->net;
    struct hostent *host = NULL;
    if (name->type != DNS_A && name->type != DNS_AAAA) {
        return false;
    }
    if (ares_gethostbyname_file(n->dns.channel, name->text, families[name->type], &host) ==
        ARES_SUCCESS) {
        *err = answer_of_host(host, record, count);
        ares_free_hostent(host);
        return true;
    }
    if (ares_gethostbyname_file(n->dns.channel, name->text,
                                families[name->type == DNS_A ? DNS_AAAA : DNS_A],
                                &host) == ARES_SUCCESS) {
        ares_free_hostent(host);
        *err = E_NOTFOUND;
        return true;
    }
    return false;
}

static void ask_servers(struct name *name)
{
    static const int types[DNS_TYPES] = {ns_t_a, ns_t_aaaa, ns_t_srv, ns_t_naptr};
    struct net *n = name->net;
    bool short_name =
        (name->type == DNS_A || name->type == DNS_AAAA) && strchr(name->text, '.') == NULL;
    list_remove(&name->age);
    name->asking = true;
    n->stats.lookups++;
    n->stats.names_asked++;
    n->dns.asking = true; /* an answer may come at once, when nothing can be sent */
    if (short_name) {
        ares_search(n->dns.channel, name->text, ns_c_in, types[name->type], on_answer, name);
    } else {
        ares_query(n->dns.channel, name->text, ns_c_in, types[name->type], on_answer, name);
    }
    n->dns.asking = false;
    arm(n);
}

static int answer_of(const struct name *name, const struct dns_record **records, size_t *count)
{
    *records = name->record;
    *count = name->n;
    return name->err;
}

int names_query(struct net *n, enum dns_type type, struct str host,
                const struct dns_record **records, size_t *count)
{
    if (host.n > 1 && host.p[host.n - 1] == '.') {
        host.n--; /* the root's dot: the same name */
    }
    if (!is_name(host)) {
        return E_NOTFOUND;
    }
    uint64_t hash = hash_mix(hash_ibytes(&n->key, host), type);
    struct name *name = find(n, type, host, hash);
    if (name != NULL && !name->asking && net_now(n) < name->until_ms) {
        return answer_of(name, records, count);
    }
    if (name == NULL) {
        name = add(n, type, host, hash);
        if (name == NULL) {
            return E_NOTFOUND;
        }
    }
    if (!name->asking) {
        struct dns_record *record = NULL;
        size_t found = 0;
        int err = 0;
        if (ask_hosts(name, &err, &record, &found)) {
            learn(name, err, record, found, 0);
        } else if (n->stats.lookups >= n->config.max_lookups) {
            list_remove(&name->age);
            list_append(&n->name_age, &name->age);
            return E_AGAIN;
        } else {
            ask_servers(name);
        }
    }
    return name->asking ? E_AGAIN : answer_of(name, records, count);
}

void names_cancel(struct net *n)
{
    timer_stop(&n->wheel, &n->dns.timer);
    if (n->dns.channel != NULL) {
        ares_destroy(n->dns.channel);
        n->dns.channel = NULL;
    }
    if (n->dns.library) {
        ares_library_cleanup();
        n->dns.library = false;
    }
}

void names_free(struct net *n)
{
    while (!list_empty(&n->name_age)) {
        forget(list_entry(n->name_age.next, struct name, age));
    }
}
