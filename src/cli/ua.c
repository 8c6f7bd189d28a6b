/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small user agent: an engine without a registrar.
 *
 * The dispatch is that of src/engine reduced to what a phone or a client meets: requests inside
 * its dialogs, new INVITEs, OPTIONS; everything else is refused.
 */
#include "cli/ua.h"

#include "base/err.h"
#include "cli/ua_knock.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

enum { SLOTS = 5, LINE_MAX_LEN = 4096, SCRATCH = 32 * 1024, UDP_MOST = 1300 };

struct slot {
    uv_timer_t timer;
    void (*fn)(void *ctx);
    void *ctx;
    struct ua *ua;
};

/** The loop's handles: they outlive a callback, so they have memory of their own. */
struct ua_loop {
    struct slot slot[SLOTS];
    struct ua_knock knock;
    uv_signal_t sigint, sigterm;
    void (*on_signal)(void *ctx);
    void *signal_ctx;
    bool signalled;
    uv_handle_t *input; /* what reads standard input, or NULL */
    union {
        uv_stream_t stream;
        uv_tty_t tty;
        uv_pipe_t pipe;
        uv_idle_t idle; /* a file is always ready */
    } in;
    char line[LINE_MAX_LEN];
    size_t line_len;
    bool skipping; /* the rest of a line that was too long */
    ua_line_fn on_line;
    void *line_ctx;
    struct ua *ua;
};

struct ua_full {
    struct ua ua; /* first: struct ua * is struct ua_full * */
    struct ua_loop loop;
};

static struct ua_loop *loop_of(struct ua *u)
{
    return &((struct ua_full *)u)->loop;
}

void ua_settle(struct ua *u)
{
    leg_layer_sweep(&u->legs);
    arena_reset(&u->scratch);
}

/* ---- what comes in ---- */

static void answer(struct ua *u, const struct sip_msg *m, const struct hop *from,
                   unsigned status, uint64_t now_ms)
{
    struct txn *t = txn_server_new(&u->txn, m, from, NULL, NULL, now_ms);
    struct txn_reply r = {.status = status};

    r.lines = arena_fmt(&u->scratch, "Allow: %.*s\r\n", STR_ARG(u->config.allow));
    if (t != NULL) {
        (void)txn_reply(t, &r, now_ms);
    }
}

static void on_new_request(struct ua *u, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms)
{
    if (str_is_set(sip_msg_tag(m, SIP_HDR_TO))) {
        if (!leg_on_request(&u->legs, m, from, now_ms) &&
            (u->config.on_request == NULL ||
             !u->config.on_request(u->config.ctx, m, from, now_ms))) {
            answer(u, m, from, 481, now_ms);
        }
    } else if (m->method == SIP_METHOD_INVITE && u->config.on_invite != NULL) {
        u->config.on_invite(u->config.ctx, m, from, now_ms);
    } else {
        answer(u, m, from, m->method == SIP_METHOD_OPTIONS ? 200 : 405, now_ms);
    }
}

static void on_request(struct ua *u, const struct sip_msg *m, const struct hop *from,
                       uint64_t now_ms)
{
    struct txn *t = NULL;

    switch (txn_on_request(&u->txn, m, from, now_ms, &t)) {
    case TXN_IN_ABSORBED:
        break;
    case TXN_IN_CANCEL:
        leg_on_cancel(&u->legs, t, m, from, now_ms);
        break;
    case TXN_IN_MERGED:
        answer(u, m, from, 482, now_ms);
        break;
    case TXN_IN_ACK:
        (void)leg_on_request(&u->legs, m, from, now_ms);
        break;
    case TXN_IN_NEW:
        on_new_request(u, m, from, now_ms);
        break;
    }
}

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    struct ua *u = ctx;
    struct sip_msg m = {.hdr = u->hdr};
    struct sip_fault fault = {0};

    (void)wheel_advance(&u->wheel, now_ms);
    if (sip_msg_index(&m, bytes, datagram, &sip_limits_default, &fault) == 0 &&
        sip_msg_check(&m, &sip_limits_default, &fault) == 0) {
        if (sip_is_request(&m)) {
            on_request(u, &m, from, now_ms);
        } else {
            (void)txn_on_response(&u->txn, &m, from, now_ms);
        }
    }
    ua_settle(u);
}

static void on_tick(void *ctx, uint64_t now_ms)
{
    struct ua *u = ctx;

    (void)wheel_advance(&u->wheel, now_ms);
    ua_settle(u);
}

static uint64_t on_deadline(void *ctx)
{
    struct ua *u = ctx;

    return u->ready ? wheel_next(&u->wheel) : WHEEL_NEVER;
}

static void on_resolved(void *ctx, uint64_t now_ms)
{
    struct ua *u = ctx;

    txn_on_resolved(&u->txn, now_ms);
    if (u->config.on_resolved != NULL) {
        u->config.on_resolved(u->config.ctx);
    }
    ua_settle(u);
}

static void on_flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct ua *u = ctx;

    if (u->ready) {
        leg_on_flow_closed(&u->legs, flow, now_ms);
        txn_on_flow_closed(&u->txn, flow, now_ms);
        u->closed_flow = flow;
        if (u->config.on_flow_closed != NULL) {
            u->config.on_flow_closed(u->config.ctx);
        }
        ua_settle(u);
    }
}

static size_t on_stream(void *ctx, struct sip_framer *f, const struct hop *from,
                        struct str bytes, uint64_t now_ms)
{
    struct ua *u = ctx;
    size_t used;

    (void)f;
    (void)from; /* there is one connection */
    used = u->config.on_stream(u->config.ctx, bytes, now_ms);
    ua_settle(u);
    return used;
}

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    (void)ids;
    struct ua *u = ctx;

    (void)level;
    if (u->config.trace) {
        fprintf(stderr, "%s: %.*s\n", module, STR_ARG(text));
    }
}

/* ---- life ---- */

bool ua_server_parse(const char *text, struct ua_server *out)
{
    struct str s = str_c(text), tp;
    struct sip_uri uri;
    char buf[320];
    uint32_t at;

    *out = (struct ua_server){.transport = TP_NONE};
    if (!str_istarts(s, STR("sip:"))) {
        int n = snprintf(buf, sizeof(buf), "sip:%s", text);
        if (n < 0 || (size_t)n >= sizeof(buf)) {
            return false;
        }
        s = str_c(buf);
    }
    if (sip_uri_parse(s, 0, &uri, &at) != 0 || uri.host.n == 0 ||
        uri.host.n >= sizeof(out->host)) {
        return false;
    }
    if (str_is_set(uri.params) && sip_param(uri.params, STR("transport"), &tp)) {
        out->transport = (uint8_t)transport_of(tp);
    }
    memcpy(out->host, uri.host.p, uri.host.n);
    out->host[uri.host.n] = '\0';
    out->port = (uint16_t)uri.port;
    return out->transport == TP_NONE || out->transport == TP_UDP || out->transport == TP_TCP;
}

/** A phone on this machine binds loopback only when its server is there too. */
static int listen_for(struct ua *u)
{
    const struct ua_server *s = &u->config.server;
    struct addr to = {.family = ADDR_NONE}, at = {.family = ADDR_IP4};

    if (addr_parse_host(str_c(s->host), 0, &to)) {
        at.family = to.family;
        if (addr_is_loopback(&to)) {
            at = to;
        }
    }
    at.port = 0;
    int err = net_listen(u->net, TP_UDP, &at, NULL);
    if (err == 0 && to.family == ADDR_NONE) {
        /* A name may lead to either family, if this machine has both. */
        at.family = ADDR_IP6;
        (void)net_listen(u->net, TP_UDP, &at, NULL);
    }
    return err;
}

/** Sockets to listen on, and what connections over TLS need. @return false, having said why */
static bool prepare(struct ua *u)
{
    const struct net_tls_cert cert = {.cert_file = u->config.tls_cert,
                                      .key_file = u->config.tls_key};
    const struct net_tls tls = {.cert = &cert,
                                .cert_count = u->config.tls_cert != NULL ? 1 : 0,
                                .ca_file = u->config.tls_ca};
    char why[400];

    if (u->config.on_stream == NULL && listen_for(u) != 0) {
        fputs("baton: cannot open a socket\n", stderr);
        return false;
    }
    if (u->config.tls && net_tls_load(u->net, &tls, why, sizeof(why)) != 0) {
        fprintf(stderr, "baton: %s\n", why);
        return false;
    }
    return true;
}

static int init_layers(struct ua *u)
{
    const struct ua_config *c = &u->config;
    struct leg_config legs = {
        .session_expires_s = c->session_expires_s != 0 ? c->session_expires_s : 1800,
        .min_se_s = 90,
        .max_forwards = 70,
        .contact_user = c->contact_user,
        .allow = c->allow,
        .accept = c->accept,
        .allow_events = c->allow_events,
    };

    u->env = net_env(u->net);
    wheel_init(&u->wheel, net_now(u->net));
    arena_init(&u->scratch, &u->env->mem, SCRATCH);
    if (txn_layer_init(&u->txn, u->env, &u->wheel, &(struct txn_timing){0}, 0) != 0 ||
        leg_layer_init(&u->legs, u->env, &u->wheel, &u->txn, &u->scratch, &legs, 0) != 0) {
        return E_NOMEM;
    }
    u->txn.udp_max = UDP_MOST;
    u->ready = true;
    return 0;
}

static void init_loop(struct ua *u)
{
    struct ua_loop *l = loop_of(u);
    uv_loop_t *loop = net_loop(u->net);

    l->ua = u;
    for (int i = 0; i < SLOTS; i++) {
        l->slot[i].ua = u;
        uv_timer_init(loop, &l->slot[i].timer);
        l->slot[i].timer.data = &l->slot[i];
    }
    uv_signal_init(loop, &l->sigint);
    uv_signal_init(loop, &l->sigterm);
    l->sigint.data = l->sigterm.data = l;
}

static void on_refused(void *ctx)
{
    struct ua *u = ctx;

    if (u->ready) {
        u->config.on_refused(u->config.ctx);
        ua_settle(u);
    }
}

/** Where datagrams would go to, when that is known already. */
static void knock(struct ua *u)
{
    enum { SIP_PORT = 5060 };
    const struct ua_server *s = &u->config.server;
    struct addr to;

    if (u->config.on_refused != NULL && u->config.on_stream == NULL &&
        (s->transport == TP_NONE || s->transport == TP_UDP) &&
        addr_parse_host(str_c(s->host), s->port != 0 ? s->port : SIP_PORT, &to)) {
        ua_knock_at(&loop_of(u)->knock, net_loop(u->net), &to, on_refused, u);
    }
}

struct ua *ua_new(const struct ua_config *config)
{
    struct ua_full *full = calloc(1, sizeof(*full));
    struct ua *u = &full->ua;
    struct net_config nc = {.handler = {.input = on_input,
                                        .tick = on_tick,
                                        .deadline = on_deadline,
                                        .resolved = on_resolved,
                                        .flow_closed = on_flow_closed,
                                        .trace = on_trace}};

    if (full == NULL) {
        fputs("baton: out of memory\n", stderr);
        return NULL;
    }
    u->config = *config;
    nc.handler.ctx = u;
    nc.handler.stream_input = config->on_stream != NULL ? on_stream : NULL;
    u->net = net_new(&nc);
    if (u->net == NULL || !prepare(u) || init_layers(u) != 0) {
        if (u->net != NULL) {
            net_free(u->net);
        }
        free(full);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    init_loop(u);
    knock(u);
    return u;
}

static void close_handle(uv_handle_t *h)
{
    if (h->type != UV_UNKNOWN_HANDLE && !uv_is_closing(h)) {
        uv_close(h, NULL);
    }
}

void ua_free(struct ua *u)
{
    struct ua_loop *l = loop_of(u);

    u->ready = false;
    leg_layer_fini(&u->legs);
    txn_layer_fini(&u->txn);
    arena_fini(&u->scratch);
    for (int i = 0; i < SLOTS; i++) {
        close_handle((uv_handle_t *)&l->slot[i].timer);
    }
    close_handle((uv_handle_t *)&l->sigint);
    close_handle((uv_handle_t *)&l->sigterm);
    ua_knock_end(&l->knock);
    if (l->input != NULL) {
        close_handle(l->input);
    }
    net_turn(u->net, false);
    net_free(u->net);
    free(u);
}

void ua_run(struct ua *u)
{
    net_run(u->net);
}

void ua_stop(struct ua *u)
{
    net_stop(u->net);
}

int ua_connect(struct ua *u, struct str name, struct hop *hop)
{
    const struct ua_server *s = &u->config.server;
    struct str host = str_c(s->host);
    const struct dns_record *r;
    size_t n;
    int err = 0;

    *hop = (struct hop){.transport = s->transport};
    if (!addr_parse_host(host, s->port, &hop->remote)) {
        err = u->env->query(u->env->ctx, DNS_A, host, &r, &n);
        if (err == E_NOTFOUND) {
            err = u->env->query(u->env->ctx, DNS_AAAA, host, &r, &n);
        }
        if (err != 0) {
            return err;
        }
        hop->remote = r[0].addr;
        hop->remote.port = s->port;
    }
    return u->env->open(u->env->ctx, hop, str_is_set(name) ? name : host);
}

struct txn_target ua_target(const struct ua *u)
{
    struct txn_target t = {.hop = {.transport = u->config.server.transport}};
    struct str host = str_c(u->config.server.host);

    if (!addr_parse_host(host, u->config.server.port, &t.hop.remote)) {
        t.host = host;
        t.port = u->config.server.port;
    }
    return t;
}

/* ---- the loop's other sources ---- */

static void on_slot(uv_timer_t *t)
{
    struct slot *s = t->data;

    s->fn(s->ctx);
    ua_settle(s->ua);
}

void ua_after(struct ua *u, unsigned slot, uint64_t ms, void (*fn)(void *ctx), void *ctx)
{
    struct slot *s = &loop_of(u)->slot[slot];

    uv_timer_stop(&s->timer);
    if (ms > 0) {
        s->fn = fn;
        s->ctx = ctx;
        uv_update_time(net_loop(u->net));
        uv_timer_start(&s->timer, on_slot, ms, 0);
    }
}

static void on_signal(uv_signal_t *h, int signum)
{
    struct ua_loop *l = h->data;

    (void)signum;
    if (l->signalled) {
        _exit(130);
    }
    l->signalled = true;
    l->on_signal(l->signal_ctx);
    ua_settle(l->ua);
}

void ua_on_signal(struct ua *u, void (*fn)(void *ctx), void *ctx)
{
    struct ua_loop *l = loop_of(u);

    l->on_signal = fn;
    l->signal_ctx = ctx;
    uv_signal_start(&l->sigint, on_signal, SIGINT);
    uv_signal_start(&l->sigterm, on_signal, SIGTERM);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *buf)
{
    struct ua_loop *l = h->data;

    (void)suggested;
    if (l->line_len == sizeof(l->line)) {
        l->line_len = 0; /* a line that long is none of our commands: all of it goes */
        l->skipping = true;
    }
    *buf = uv_buf_init(l->line + l->line_len, (unsigned)(sizeof(l->line) - l->line_len));
}

/** A line that was too long is told as nothing, one of spaces as empty. */
static void give_line(struct ua_loop *l, struct str line)
{
    if (!l->skipping) {
        l->on_line(l->line_ctx, str_trim(line));
    }
    l->skipping = false;
}

/** `n` more octets stand in the buffer; below 0: the end. */
static void take_input(struct ua_loop *l, ssize_t n)
{
    if (n < 0) {
        if (l->line_len > 0) {
            give_line(l, str_make(l->line, l->line_len));
        }
        l->on_line(l->line_ctx, STR_NONE);
        ua_settle(l->ua);
        return;
    }
    l->line_len += (size_t)n;
    for (;;) {
        struct str have = str_make(l->line, l->line_len);
        size_t end = str_index(have, '\n');
        if (end == have.n) {
            break;
        }
        give_line(l, str_upto(have, end));
        l->line_len -= end + 1;
        memmove(l->line, l->line + end + 1, l->line_len);
    }
    ua_settle(l->ua);
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    (void)buf;
    if (n < 0) {
        uv_read_stop(s);
    }
    take_input(s->data, n);
}

/** A file does not make anybody wait, and the loop cannot watch it. */
static void on_idle(uv_idle_t *idle)
{
    struct ua_loop *l = idle->data;
    uv_buf_t buf;
    ssize_t n;

    on_alloc(l->input, 0, &buf);
    n = read(STDIN_FILENO, buf.base, buf.len);
    if (n <= 0) {
        uv_idle_stop(idle);
        n = -1;
    }
    take_input(l, n);
}

int ua_read_lines(struct ua *u, ua_line_fn fn, void *ctx)
{
    struct ua_loop *l = loop_of(u);
    uv_loop_t *loop = net_loop(u->net);

    l->on_line = fn;
    l->line_ctx = ctx;
    switch (uv_guess_handle(STDIN_FILENO)) {
    case UV_TTY:
        if (uv_tty_init(loop, &l->in.tty, STDIN_FILENO, 1) != 0) {
            return E_IO;
        }
        l->input = (uv_handle_t *)&l->in.tty;
        break;
    case UV_NAMED_PIPE:
        uv_pipe_init(loop, &l->in.pipe, 0);
        if (uv_pipe_open(&l->in.pipe, STDIN_FILENO) != 0) {
            return E_IO;
        }
        l->input = (uv_handle_t *)&l->in.pipe;
        break;
    default:
        uv_idle_init(loop, &l->in.idle);
        l->input = (uv_handle_t *)&l->in.idle;
        l->input->data = l;
        return uv_idle_start(&l->in.idle, on_idle) == 0 ? 0 : E_IO;
    }
    l->input->data = l;
    return uv_read_start(&l->in.stream, on_alloc, on_read) == 0 ? 0 : E_IO;
}
