/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop, and struct env over it.
 *
 * ONE ROUND of the loop is: due timers, waiting, what arrived. What the program's layers send
 * meanwhile is only queued; the prepare handle, which runs before each wait, flushes it: a
 * batch that came in by one system call goes out by one. Closing works the same way: a
 * connection that must go is put on the `ended` list, and net_sweep tells the program at the
 * end of the round, so that no layer hears of a closed flow while it is in the middle of
 * sending on it.
 *
 * TIME. One libuv timer stands for the nearest of two deadlines: the program's and that of
 * the wheel which holds the limits of connections.
 *
 * OWNERSHIP. struct net owns listeners, connections, names. A flow number is looked up at each
 * use; nobody outside holds a pointer.
 */
#include "base/err.h"
#include "net/net_int.h"
#include "net/tls_store.h"
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/** Buffers larger than this are given back when they are empty. */
#define KEEP_BUFFER 4096

bool buf_room(struct buf *b, size_t more)
{
    if (b->cap - b->n >= more) {
        return true;
    }
    if (b->from > 0) {
        memmove(b->p, b->p + b->from, b->n - b->from);
        b->n -= b->from;
        b->from = 0;
        if (b->cap - b->n >= more) {
            return true;
        }
    }
    size_t cap = b->cap == 0 ? 2048 : b->cap;
    while (cap - b->n < more) {
        cap *= 2;
    }
    char *p = realloc(b->p, cap);
    if (p == NULL) {
        return false;
    }
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_free(struct buf *b)
{
    free(b->p);
    memset(b, 0, sizeof(*b));
}

void buf_emptied(struct buf *b)
{
    b->from = b->n = 0;
    if (b->cap > KEEP_BUFFER) {
        buf_free(b);
    }
}

void flow_add(struct net *n, struct flow *f)
{
    do {
        n->last_flow++;
    } while (n->last_flow == 0 || flow_find(n, n->last_flow) != NULL);
    f->id = n->last_flow;
    map_add(&n->flows, &f->node, hash_mix(n->key.k0, f->id));
}

struct flow *flow_find(const struct net *n, uint32_t id)
{
    struct map_node *node = map_first(&n->flows, hash_mix(n->key.k0, id));
    for (; node != NULL; node = map_next(node)) {
        struct flow *f = container_of(node, struct flow, node);
        if (f->id == id) {
            return f;
        }
    }
    return NULL;
}

/* ---- the env ---- */

static void env_random(void *ctx, void *out, size_t len)
{
    struct net *n = ctx;
    char *p = out;
    while (len > 0) {
        if (n->random_left == 0) {
            if (RAND_bytes(n->random, sizeof(n->random)) != 1) {
                /* Without it tags and nonces could be guessed: there is no way to go on. */
                fputs("baton: the random generator failed\n", stderr);
                abort();
            }
            n->random_left = sizeof(n->random);
        }
        size_t take = len < n->random_left ? len : n->random_left;
        unsigned char *from = n->random + sizeof(n->random) - n->random_left;
        memcpy(p, from, take);
        memset(from, 0, take); /* given out once, kept nowhere */
        n->random_left -= take;
        p += take;
        len -= take;
    }
}

static uint64_t env_wall_s(void *ctx)
{
    (void)ctx;
    return (uint64_t)time(NULL);
}

static int send_to(struct flow *f, const struct hop *hop, const struct str *run, size_t count)
{
    if (f == NULL) {
        return E_IO;
    }
    if (f->stream) {
        return stream_send(container_of(f, struct conn, flow), run, count);
    }
    return udp_send(container_of(f, struct udp, flow), &hop->remote, run, count);
}

static int env_send(void *ctx, const struct hop *hop, const struct str *run, size_t count)
{
    struct net *n = ctx;
    int err = send_to(flow_find(n, hop->flow), hop, run, count);
    if (n->config.handler.sent != NULL) {
        n->config.handler.sent(n->config.handler.ctx, hop, run, count, err);
    }
    return err;
}

static int env_open(void *ctx, struct hop *hop, struct str name)
{
    struct net *n = ctx;
    if (hop->transport == TP_UDP) {
        struct udp *u = udp_for(n, &hop->remote);
        if (u == NULL) {
            return E_UNSUPPORTED;
        }
        hop->flow = u->flow.id;
        return 0;
    }
    if (hop->transport == TP_TCP || hop->transport == TP_TLS) {
        return conn_open(n, hop, name);
    }
    return E_UNSUPPORTED;
}

static bool env_proves(void *ctx, const struct hop *hop, struct str name)
{
    struct flow *f = flow_find(ctx, hop->flow);
    return f != NULL && f->stream && tls_proves(container_of(f, struct conn, flow), name);
}

static int env_query(void *ctx, enum dns_type type, struct str name,
                     const struct dns_record **records, size_t *count)
{
    return names_query(ctx, type, name, records, count);
}

static bool env_reaches(void *ctx, const struct hop *hop)
{
    const struct net *n = ctx;
    bool tls = hop->transport == TP_TLS && n->tls != NULL;
    return (hop->transport == TP_UDP || hop->transport == TP_TCP || tls) &&
           local_reaches(n, hop); /* over WebSocket others come to us, never we to them */
}

static void env_local(void *ctx, const struct hop *hop, struct addr *out)
{
    local_address(ctx, hop, out);
}

static void env_close(void *ctx, uint32_t id)
{
    struct flow *f = flow_find(ctx, id);
    if (f != NULL && f->stream) {
        stream_drain(container_of(f, struct conn, flow));
    }
}

static size_t env_queued(void *ctx, uint32_t id)
{
    struct flow *f = flow_find(ctx, id);
    if (f == NULL || !f->stream) {
        return 0;
    }
    const struct conn *c = container_of(f, struct conn, flow);
    return buf_pending(&c->out) + buf_pending(&c->busy);
}

static int env_fetch(void *ctx, struct str url, uint32_t timeout_ms, uint64_t tag)
{
    return fetch_start(ctx, url, timeout_ms, tag);
}

static void env_trace_line(void *ctx, enum trace_level level, const char *module,
                           const struct trace_ids *ids, struct str text)
{
    struct net *n = ctx;
    n->config.handler.trace(n->config.handler.ctx, level, module, ids, text);
}

/* ---- the loop ---- */

uint64_t net_now(const struct net *n)
{
    (void)n;
    return uv_hrtime() / 1000000;
}

static uint64_t next_deadline(const struct net *n)
{
    const struct net_handler *h = &n->config.handler;
    uint64_t next = wheel_next(&n->wheel);
    if (h->deadline != NULL && h->tick != NULL) {
        uint64_t due = h->deadline(h->ctx);
        if (due < next) {
            next = due;
        }
    }
    return next;
}

static void run_due(struct net *n)
{
    const struct net_handler *h = &n->config.handler;
    uint64_t now = net_now(n);
    wheel_advance(&n->wheel, now);
    if (h->deadline != NULL && h->tick != NULL && h->deadline(h->ctx) <= now) {
        h->tick(h->ctx, now);
    }
}

static void on_timer(uv_timer_t *t)
{
    struct net *n = t->data;
    n->armed_ms = WHEEL_NEVER;
    run_due(n);
}

static void arm(struct net *n)
{
    uint64_t next = next_deadline(n);
    if (next == n->armed_ms) {
        return;
    }
    n->armed_ms = next;
    if (next == WHEEL_NEVER) {
        uv_timer_stop(&n->timer);
        return;
    }
    /* libuv counts from its own cached time, not from now. */
    uint64_t base = uv_now(&n->loop);
    uv_timer_start(&n->timer, on_timer, next > base ? next - base : 0, 0);
}

/** Tell the program of flows that ended in this round, and give them up. */
static void net_sweep(struct net *n)
{
    const struct net_handler *h = &n->config.handler;
    while (!list_empty(&n->ended)) {
        struct conn *c = list_entry(n->ended.next, struct conn, ended);
        list_remove(&c->ended);
        bool tell = !c->told;
        uint32_t id = c->flow.id;
        c->told = true;
        map_remove(&n->flows, &c->flow.node);
        if (c->state == STREAM_CLOSED) {
            conn_close(c);
        }
        if (tell && h->flow_closed != NULL) {
            h->flow_closed(h->ctx, id, net_now(n));
        }
    }
}

void net_flush(struct net *n)
{
    do {
        net_sweep(n);
        while (!list_empty(&n->dirty)) {
            struct conn *c = list_entry(n->dirty.next, struct conn, dirty);
            list_remove(&c->dirty);
            stream_flush(c);
        }
        while (!list_empty(&n->udp_dirty)) {
            struct udp *u = list_entry(n->udp_dirty.next, struct udp, dirty);
            list_remove(&u->dirty);
            udp_flush(u);
        }
    } while (!list_empty(&n->ended) || !list_empty(&n->dirty));
}

static void on_prepare(uv_prepare_t *p)
{
    struct net *n = p->data;
    net_flush(n);
    arm(n);
    n->env.turn++;
}

static void set_defaults(struct net_config *c)
{
    if (c->limits.message == 0) {
        c->limits.message = sip_limits_default.message;
    }
    if (c->limits.headers == 0) {
        c->limits.headers = sip_limits_default.headers;
    }
    if (c->limits.uri == 0) {
        c->limits.uri = sip_limits_default.uri;
    }
    struct {
        uint32_t *value, def;
    } table[] = {
        {&c->write_queue, 1u << 20},
        {&c->udp_queue, 1024},
        {&c->udp_receive_buffer, 4u << 20},
        {&c->max_connections, 10000},
        {&c->max_per_address, 500},
        {&c->max_handshakes, 1000},
        {&c->max_handshakes_per_address, 100},
        {&c->handshake_ms, 10000},
        {&c->pong_ms, 10000},
        {&c->connect_ms, 5000},
        {&c->message_ms, 30000},
        {&c->idle_ms, 3900000},
        {&c->evict_ms, 60000},
        {&c->drain_ms, 2000},
        {&c->resolve_min_ms, 5000},
        {&c->resolve_max_ms, 86400000},
        {&c->resolve_fail_ms, 5000},
        {&c->dns_timeout_ms, 2000},
        {&c->dns_tries, 2},
        {&c->max_names, 1024},
        {&c->max_lookups, 256},
        {&c->max_fetches, 100},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (*table[i].value == 0) {
            *table[i].value = table[i].def;
        }
    }
}

static bool init_tables(struct net *n)
{
    n->wire_in = malloc(WIRE_IN_SIZE);
    n->tls_in = malloc(TLS_RECORD);
    n->tls_out = malloc(TLS_RECORD);
    return udp_init(n) && n->wire_in != NULL && n->tls_in != NULL && n->tls_out != NULL &&
           map_init(&n->flows, &mem_libc, 64) == 0 &&
           map_init(&n->by_remote, &mem_libc, 64) == 0 &&
           map_init(&n->by_ip, &mem_libc, 64) == 0 && map_init(&n->names, &mem_libc, 64) == 0;
}

static void free_tables(struct net *n)
{
    map_fini(&n->flows);
    map_fini(&n->by_remote);
    map_fini(&n->by_ip);
    map_fini(&n->names);
    free(n->udp_in.bytes);
    free(n->wire_in);
    free(n->tls_in);
    free(n->tls_out);
    BIO_meth_free(n->tls_bio);
    free(n);
}

static uint32_t env_listener(void *ctx, const struct hop *hop, const struct addr *local)
{
    struct net *n = ctx;
    if (hop->transport != TP_UDP) {
        const struct conn *c = conn_with(n, hop->transport, &hop->remote);
        return c != NULL ? c->flow.id : 0;
    }
    list_each(it, &n->udp)
    {
        const struct udp *u = list_entry(it, struct udp, link);
        struct hop by = *hop;
        struct addr shown;
        by.flow = u->flow.id;
        env_local(n, &by, &shown);
        if (addr_eq(&shown, local)) {
            return by.flow;
        }
    }
    return 0;
}

struct net *net_new(const struct net_config *config)
{
    struct net *n = calloc(1, sizeof(*n));
    if (n == NULL) {
        return NULL;
    }
    n->config = *config;
    set_defaults(&n->config);
    n->env = (struct env){
        .ctx = n,
        .mem = mem_libc,
        .random = env_random,
        .wall_s = env_wall_s,
        .send = env_send,
        .open = env_open,
        .proves = env_proves,
        .query = env_query,
        .reaches = env_reaches,
        .local = env_local,
        .close = env_close,
        .listener = env_listener,
        .queued = env_queued,
        .fetch = env_fetch,
        .trace = config->handler.trace != NULL ? env_trace_line : NULL,
        .trace_from = config->handler.trace_from,
    };
    env_random(n, &n->key, sizeof(n->key));
    struct list *heads[] = {&n->udp,   &n->udp_dirty, &n->acceptors, &n->conns, &n->dirty,
                            &n->ended, &n->name_age,  &n->half,      &n->given};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        list_init(heads[i]);
    }
    wheel_init(&n->wheel, net_now(n));
    fetch_init(n);
    if (!init_tables(n) || !names_init(n) || uv_loop_init(&n->loop) != 0) {
        names_cancel(n);
        free_tables(n);
        return NULL;
    }
    n->armed_ms = WHEEL_NEVER;
    uv_timer_init(&n->loop, &n->timer);
    uv_prepare_init(&n->loop, &n->prepare);
    n->timer.data = n->prepare.data = n;
    uv_prepare_start(&n->prepare, on_prepare);
    n->env.turn = 1;
    return n;
}

void net_free(struct net *n)
{
    if (n == NULL) {
        return;
    }
    names_cancel(n);
    fetch_end(n);
    net_given_rest(n, NULL, NULL);
    list_each(it, &n->udp)
    {
        udp_close(list_entry(it, struct udp, link));
    }
    list_each(it, &n->acceptors)
    {
        acceptor_close(list_entry(it, struct acceptor, link));
    }
    list_each(it, &n->conns)
    {
        struct conn *c = list_entry(it, struct conn, link);
        c->told = true;
        stream_drop(c);
    }
    n->config.handler = (struct net_handler){0};
    net_sweep(n);
    uv_close((uv_handle_t *)&n->timer, NULL);
    uv_close((uv_handle_t *)&n->prepare, NULL);
    while (uv_run(&n->loop, UV_RUN_DEFAULT) != 0) {
        /* a net_stop that came when nothing ran ends the first run before it has begun */
    }
    uv_loop_close(&n->loop);
    names_free(n);
    tls_store_free(n->tls);
    free_tables(n);
}

int net_listen_as(struct net *n, enum transport transport, const struct addr *at,
                  const struct addr *shown, struct addr *bound)
{
    static const struct addr none = {.family = ADDR_NONE};
    struct addr scratch;
    bound = bound != NULL ? bound : &scratch;
    shown = shown != NULL ? shown : &none;
    if (transport == TP_UDP) {
        return udp_listen(n, at, shown, bound);
    }
    return conn_listen(n, transport, false, at, shown, bound);
}

int net_listen_csta(struct net *n, enum transport transport, const struct addr *at,
                    struct addr *bound)
{
    static const struct addr none = {.family = ADDR_NONE};
    struct addr scratch;
    if (n->config.handler.csta_input == NULL) {
        return E_UNSUPPORTED;
    }
    return conn_listen(n, transport, true, at, &none, bound != NULL ? bound : &scratch);
}

int net_listen(struct net *n, enum transport transport, const struct addr *at,
               struct addr *bound)
{
    return net_listen_as(n, transport, at, NULL, bound);
}

int net_tls_read(const struct net_tls *tls, struct tls_store **out, struct net_tls_fault *fault)
{
    *out = NULL;
    return tls_store_new(tls, out, fault);
}

void net_tls_take(struct net *n, struct tls_store *store, const struct net_tls *tls)
{
    tls_store_free(n->tls);
    n->tls = store;
    tls_store_warn(store, tls, &n->env);
}

void net_tls_drop(struct tls_store *store)
{
    tls_store_free(store);
}

int net_tls_load(struct net *n, const struct net_tls *tls, char *why, size_t cap)
{
    struct net_tls_fault fault = {.item = NET_TLS_ANY};
    struct tls_store *fresh;
    int err = net_tls_read(tls, &fresh, &fault);
    if (err == 0) {
        net_tls_take(n, fresh, tls);
    } else {
        struct out o;
        out_init(&o, why, cap - 1);
        out_c(&o, fault.why);
        why[o.n] = '\0';
    }
    return err;
}

void net_each_listener(struct net *n, void (*fn)(void *ctx, const char *kind, int fd),
                       void *ctx)
{
    list_each(it, &n->udp)
    {
        fn(ctx, "udp", list_entry(it, struct udp, link)->fd);
    }
    list_each(it, &n->acceptors)
    {
        struct acceptor *a = list_entry(it, struct acceptor, link);
        uv_os_fd_t fd;
        if (uv_fileno((uv_handle_t *)&a->tcp, &fd) == 0) {
            fn(ctx, net_kind_name((enum transport)a->ops->transport, a->ops->csta), fd);
        }
    }
}

void net_set_watch(struct net *n, const struct env_watch *watch)
{
    n->env.watch = watch;
}

void net_set_trace_from(struct net *n, enum trace_level level)
{
    n->env.trace_from = level;
}

const struct env *net_env(struct net *n)
{
    return &n->env;
}

void net_run(struct net *n)
{
    n->stopped = false;
    while (!n->stopped) {
        uv_run(&n->loop, UV_RUN_ONCE);
    }
    on_prepare(&n->prepare); /* what the last round still wanted to say */
}

void net_stop(struct net *n)
{
    n->stopped = true;
    uv_stop(&n->loop);
}

void net_turn(struct net *n, bool wait)
{
    uv_run(&n->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

struct uv_loop_s *net_loop(struct net *n)
{
    return &n->loop;
}

void net_stats(const struct net *n, struct net_stats *out)
{
    *out = n->stats;
}
