/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's frame: what it holds is made in the order directory, sockets, engine, listeners,
 * signals, and given up in the opposite one.
 *
 *   Running ──SIGTERM──> Stopping ──engine idle──> out (0)
 *                            └──── stop_s over, or a second signal ──> out (1)
 *
 * The engine is asked whether it is idle after each thing that happened to it, so that a server
 * without calls stops in the same round.
 */
#include "server/server.h"
#include "base/err.h"
#include "engine/engine.h"
#include "net/sockaddr.h"
#include "server/admin.h"
#include "server/capturing.h"
#include "server/counters.h"
#include "server/inherit.h"
#include "server/keeping.h"
#include "server/metrics.h"
#include "server/pid_file.h"
#include "server/reload.h"
#include "server/service.h"
#include "server/serving.h"
#include "server/trace.h"
#include "server/upgrade.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <uv.h>

static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

struct server {
    struct config *config;
    struct log *log;
    struct sip_trace *trace; /**< NULL: nobody wants one */
    struct capturing capturing;
    struct directory directory;
    struct reload reload; /**< what of the configuration can change */
    int pid_file;
    struct keeping keeping; /**< what outlives the process */
    struct service service; /**< who started us and watches over us */
    struct inherited *inherited;
    struct upgrade upgrade;
    struct serving serving; /**< the HTTP API */
    struct admin admin;     /**< its routes about the server itself */
    uv_timer_t follow;      /**< until the next following in the log ends */
    struct net *net;
    struct engine *engine;
    uv_signal_t signals[ARRAY_LEN(signal_numbers)];
    uv_timer_t limit; /**< of Stopping */
    bool handles;     /**< signals and limit are initialised */
    bool stopping;
    int code;
};

/** Signals that arrive between two programs wait for the second one. */
static void block_signals(bool block)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(signal_numbers); i++) {
        sigaddset(&set, signal_numbers[i]);
    }
    (void)pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* ---- what the sockets tell ---- */

static void after(struct server *s)
{
    keeping_after(&s->keeping);
    serving_after(&s->serving);
    if (s->stopping && engine_idle(s->engine) && !keeping_waits(&s->keeping)) {
        net_stop(s->net);
    }
}

static void on_woken(void *ctx)
{
    after(ctx);
}

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    struct server *s = ctx;
    if (s->trace != NULL) {
        sip_trace_received(s->trace, from, bytes);
    }
    engine_input(s->engine, from, bytes, datagram, now_ms);
    after(s);
}

static void on_sent(void *ctx, const struct hop *hop, const struct str *run, size_t n, int err)
{
    capturing_sent(&((struct server *)ctx)->capturing, hop, run, n, err);
}

/**
 * With a trace the engine gets a stream message by message, so that what it answers stands
 * behind what was asked. What it has looked at before lies within the first message.
 */
static size_t traced_stream_input(struct server *s, struct sip_framer *f,
                                  const struct hop *from, struct str bytes, uint64_t now_ms)
{
    size_t done = 0;
    for (;;) {
        struct sip_framer own;
        struct str msg, rest = str_from(bytes, done);
        struct sip_fault fault;
        size_t used = 0, taken;
        sip_framer_init(&own);
        enum sip_frame frame =
            sip_framer_next(&own, rest, &s->config->engine.limits, &msg, &used, &fault);
        if (frame == SIP_FRAME_MESSAGE) {
            sip_trace_received(s->trace, from, msg);
        }
        if (frame == SIP_FRAME_MORE || frame == SIP_FRAME_BAD) {
            used = rest.n;
        }
        taken = engine_stream_input(s->engine, f, from, str_upto(rest, used), now_ms);
        if (taken == SIZE_MAX) {
            return taken;
        }
        done += taken;
        if (taken == 0 || done == bytes.n) {
            return done;
        }
    }
}

static size_t on_stream_input(void *ctx, struct sip_framer *f, const struct hop *from,
                              struct str bytes, uint64_t now_ms)
{
    struct server *s = ctx;
    size_t used = s->trace != NULL ? traced_stream_input(s, f, from, bytes, now_ms)
                                   : engine_stream_input(s->engine, f, from, bytes, now_ms);
    after(s);
    return used;
}

static size_t on_csta_input(void *ctx, const struct hop *from, struct str bytes,
                            uint64_t now_ms)
{
    struct server *s = ctx;
    size_t used = engine_csta_input(s->engine, from, bytes, now_ms);
    after(s);
    return used;
}

static void on_tick(void *ctx, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_tick(s->engine, now_ms);
    after(s);
}

static uint64_t on_deadline(void *ctx)
{
    struct server *s = ctx;
    return s->engine != NULL ? engine_deadline(s->engine) : UINT64_MAX;
}

static void on_resolved(void *ctx, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_resolved(s->engine, now_ms);
    after(s);
}

static void on_fetched(void *ctx, uint64_t tag, unsigned status, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_fetched(s->engine, tag, status, now_ms);
    after(s);
}

static void on_flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_flow_closed(s->engine, flow, now_ms);
    after(s);
}

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    struct server *s = ctx;
    log_write(s->log, level, module, ids, text);
}

/* ---- counters ---- */

/** Of which part a counter is. */
struct part {
    api_count_fn fn;
    void *to;
    const char *name;
};

static void count_one(void *ctx, const char *name, uint64_t value)
{
    const struct part *p = ctx;
    p->fn(p->to, p->name, name, value);
}

/** Every counter there is, part by part. */
static void count_all(void *ctx, api_count_fn fn, void *to)
{
    struct server *s = ctx;
    struct part p = {.fn = fn, .to = to, .name = "net"};
    struct net_stats n;
    net_stats(s->net, &n);
    metrics_net_stats(&n, count_one, &p);
    p.name = "server";
    count_one(&p, "reloaded", s->reload.done);
    count_one(&p, "reload_refused", s->reload.refused);
    p.name = "engine";
    engine_each_stat(s->engine, count_one, &p);
    p.name = "store";
    keeping_each_stat(&s->keeping, count_one, &p);
    p.name = "trace";
    capturing_each_stat(&s->capturing, count_one, &p);
}

static void write_counters(struct server *s)
{
    counters_write(s->log, count_all, s);
}

/* ---- certificates ---- */

/** Calls stay: a connection keeps what it began with. */
static bool load_tls(struct server *s, const struct net_tls *tls)
{
    char why[512];
    if (net_tls_load(s->net, tls, why, sizeof(why)) != 0) {
        log_fmt(s->log, TRACE_ERROR, "server", "tls: %s", why);
        return false;
    }
    if (tls->cert_count > 0) {
        log_fmt(s->log, TRACE_INFO, "server", "%zu certificates read", tls->cert_count);
    }
    return true;
}

/* ---- the service manager ---- */

/** What `systemctl status` shows. */
static void write_status(void *ctx, struct out *o)
{
    const struct server *s = ctx;
    if (s->engine == NULL) {
        return;
    }
    out_fmt(o, "%s%llu calls, %llu of %zu devices registered, %llu CSTA sessions",
            s->stopping ? "Stopping: " : "",
            (unsigned long long)engine_stat(s->engine, "calls_active"),
            (unsigned long long)engine_stat(s->engine, "registrar_records"),
            s->reload.routes->device_count,
            (unsigned long long)engine_stat(s->engine, "csta_sessions"));
}

static void keep_listener(void *ctx, const char *kind, int fd)
{
    struct server *s = ctx;
    service_keep(&s->service, kind, fd);
}

static void complain_of_socket(void *ctx, const char *name, const char *what, const char *why)
{
    struct server *s = ctx;
    log_fmt(s->log, TRACE_WARN, "server",
            "the socket \"%s\"%s%s that was handed over is closed: %s", name,
            what[0] != '\0' ? ", " : "", what, why);
}

/* ---- stopping ---- */

static void on_limit(uv_timer_t *t)
{
    struct server *s = t->data;
    log_fmt(s->log, TRACE_WARN, "server",
            "%llu dialogs and %llu proxied requests have not ended within timers.stop_s, "
            "%llu s; stopping anyway",
            (unsigned long long)engine_stat(s->engine, "dialog_legs"),
            (unsigned long long)engine_stat(s->engine, "proxy_active"),
            (unsigned long long)(s->config->stop_ms / 1000));
    s->code = 1;
    net_stop(s->net);
}

static void stop(struct server *s)
{
    if (s->stopping) {
        log_fmt(s->log, TRACE_WARN, "server", "told twice: stopping at once");
        s->code = 1;
        net_stop(s->net);
        return;
    }
    log_fmt(s->log, TRACE_INFO, "server", "stopping");
    s->stopping = s->admin.stopping = true;
    service_stopping(&s->service, s->config->stop_ms);
    serving_stopping(&s->serving);
    uv_timer_start(&s->limit, on_limit, s->config->stop_ms, 0);
    engine_stop(s->engine, net_now(s->net));
    after(s);
}

/* ---- upgrade ---- */

static bool is_settled(void *ctx)
{
    struct server *s = ctx;
    return engine_settled(s->engine) && !keeping_waits(&s->keeping);
}

static void leave_listener(void *ctx, const char *kind, int fd)
{
    legacy_add(ctx, fd, kind, STR_NONE);
}

/** Of a socket that is closed with the API's thread, before we go. */
static void leave_copy(void *ctx, const char *kind, int fd)
{
    legacy_add_copy(ctx, fd, kind);
}

static void leave_connection(void *ctx, int fd, struct str row)
{
    legacy_add(ctx, fd, NULL, row);
}

static void hush(void *ctx)
{
    (void)ctx;
    block_signals(true);
}

/** Become the other program. What comes in from here on is for that one. */
static void hand_over(void *ctx)
{
    struct server *s = ctx;
    struct legacy *l = legacy_new();
    if (l == NULL || s->stopping) {
        log_fmt(s->log, TRACE_WARN, "upgrade",
                l == NULL ? "out of memory" : "given up: stopping");
        legacy_free(l);
        block_signals(false);
        return;
    }
    service_reloading(&s->service);
    keeping_settle(&s->keeping);
    after(s);
    net_each_listener(s->net, leave_listener, l);
    serving_hand_over(&s->serving, leave_copy, l);
    size_t others = net_hand_over(s->net, leave_connection, l);
    if (!legacy_seal(l)) {
        log_fmt(s->log, TRACE_ERROR, "upgrade",
                "out of memory or descriptors; we go on as before");
        legacy_free(l);
        block_signals(false);
        service_ready(&s->service, s->keeping.store);
        return;
    }
    log_fmt(s->log, TRACE_INFO, "upgrade", "becoming %s; %zu connections end",
            s->upgrade.program, others);
    write_counters(s);
    net_say_goodbye(s->net);
    serving_stop(&s->serving, SERVING_UPGRADE_MS);
    keeping_close(&s->keeping);
    if (s->config->pid_file != NULL) {
        pid_file_drop(s->config->pid_file, s->pid_file);
        s->pid_file = -1;
    }
    legacy_exec(l, s->upgrade.program, s->upgrade.argv);
    log_fmt(s->log, TRACE_ERROR, "upgrade", "%s: %s; there is nothing left but to stop",
            s->upgrade.program, strerror(errno));
    _exit(1);
}

static void begin_upgrade(struct server *s)
{
    if (s->stopping || s->config->store.path == NULL) {
        log_fmt(s->log, TRACE_ERROR, "upgrade", "refused: %s",
                s->stopping ? "we are stopping"
                            : "without a store (store.path) calls would be forgotten; restart");
        return;
    }
    upgrade_begin(&s->upgrade);
}

static void on_follow_over(uv_timer_t *t);

/** Nobody makes lines that the log would not write. */
static void trace_from(struct server *s)
{
    struct log_levels now;
    uint64_t next_s = 0;
    log_levels_get(s->log, &now);
    for (size_t i = 0; i < now.followed; i++) { /* then fewer lines are made again */
        uint64_t left_s = log_seconds_until(now.follow[i].until_ms);
        next_s = next_s == 0 || left_s < next_s ? left_s : next_s;
    }
    if (next_s > 0) {
        uv_timer_start(&s->follow, on_follow_over, next_s * 1000, 0);
    }
    net_set_trace_from(s->net, log_lowest(s->log));
    keeping_trace_from(&s->keeping);
}

/** The configuration anew; when it stays as it was, the files that it names are read anew. */
static void reload(struct server *s)
{
    s->reload.last.taken = false;
    if (s->stopping || s->config->file == NULL ||
        !reload_run(&s->reload, s->engine, s->net, s->log, net_now(s->net))) {
        (void)load_tls(s, &s->reload.routes->tls);
        serving_reload(&s->serving, s->reload.routes);
        return;
    }
    serving_reload(&s->serving, s->reload.routes);
    if (!s->config->log_all) {
        log_set_level(s->log, s->reload.routes->log_level);
    }
    log_set_uui(s->log, s->reload.routes->log_uui);
    trace_from(s);
    after(s);
}

/* ---- what the API asks of the server ---- */

static bool reload_asked(void *ctx)
{
    struct server *s = ctx;
    if (!s->stopping) {
        reload(s);
    }
    return !s->stopping;
}

static void levels_asked(void *ctx)
{
    trace_from(ctx);
}

static void on_follow_over(uv_timer_t *t)
{
    trace_from(t->data);
}

static void on_signal(uv_signal_t *h, int number)
{
    struct server *s = h->data;
    switch (number) {
    case SIGHUP:
        log_reopen(s->log);
        service_reloading(&s->service);
        reload(s);
        service_ready(&s->service, s->keeping.store);
        if (s->trace != NULL && !sip_trace_reopen(s->trace)) {
            log_fmt(s->log, TRACE_ERROR, "server", "%s: %s", s->config->sip_trace,
                    strerror(errno));
        }
        break;
    case SIGUSR1:
        write_counters(s);
        break;
    case SIGUSR2:
        begin_upgrade(s);
        break;
    default:
        stop(s);
        break;
    }
}

/* ---- starting ---- */

static bool init_handles(struct server *s)
{
    uv_loop_t *loop = net_loop(s->net);
    (void)signal(SIGPIPE, SIG_IGN);
    uv_timer_init(loop, &s->limit);
    uv_timer_init(loop, &s->follow);
    s->limit.data = s->follow.data = s;
    for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
        uv_signal_init(loop, &s->signals[i]);
        s->signals[i].data = s;
    }
    s->handles = true;
    for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
        if (uv_signal_start(&s->signals[i], on_signal, signal_numbers[i]) != 0) {
            return false;
        }
    }
    block_signals(false);
    return true;
}

/** Say where, or why not. */
static bool tell_listener(struct server *s, const char *what, uint8_t transport,
                          const struct addr *at, int err)
{
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    addr_write(&o, at);
    if (err != 0) {
        log_fmt(s->log, TRACE_ERROR, "server", "cannot listen on %s%s %.*s: %s", what,
                transport_name(transport), STR_ARG(out_str_of(&o)),
                err == E_EXISTS     ? "another program has it"
                : err == E_DENIED   ? "not permitted"
                : err == E_NOTFOUND ? "this machine does not have the address"
                : err == E_STATE    ? "there is no certificate (tls.certificates)"
                                    : err_text(err));
        return false;
    }
    log_fmt(s->log, TRACE_INFO, "server", "listening on %s%s %.*s", what,
            transport_name(transport), STR_ARG(out_str_of(&o)));
    return true;
}

/**
 * Who goes on with the calls of an earlier process does so also when an address that is new in
 * the configuration cannot be listened on.
 */
static bool can_do_without(const struct server *s)
{
    return s->inherited->state >= 0;
}

static bool listen_all(struct server *s)
{
    for (size_t i = 0; i < s->config->listen_count; i++) {
        const struct config_listen *at = &s->config->listen[i];
        struct addr bound = at->at;
        int err = net_listen_as(s->net, at->transport, &at->at, &at->shown, &bound);
        if (!tell_listener(s, "", at->transport, &bound, err) && !can_do_without(s)) {
            return false;
        }
    }
    for (size_t i = 0; i < s->config->csta_listen_count; i++) {
        const struct config_listen *at = &s->config->csta_listen[i];
        struct addr bound = at->at;
        int err = net_listen_csta(s->net, at->transport, &at->at, &bound);
        if (!tell_listener(s, "CSTA ", at->transport, &bound, err) && !can_do_without(s)) {
            return false;
        }
    }
    size_t connections = inherit_connections(s->inherited, s->net, s->log);
    if (connections > 0) {
        log_fmt(s->log, TRACE_INFO, "server", "%zu connections go on", connections);
    }
    return true;
}

/** A wildcard listener is reached by every address of this machine: they all mean us. */
static void add_interfaces(struct config *c)
{
    uv_interface_address_t *list = NULL;
    int n = 0;
    if (uv_interface_addresses(&list, &n) != 0) {
        return;
    }
    for (int i = 0; i < n; i++) {
        struct addr a;
        bool here = sockaddr_read((const struct sockaddr *)&list[i].address, &a);
        for (size_t k = 0; here && k < c->listen_count; k++) {
            const struct addr *at = &c->listen[k].at;
            if (at->family == a.family && addr_is_any(at)) {
                config_add_own_address(c, &a);
            }
        }
    }
    uv_free_interface_addresses(list, n);
}

/** The sockets, with the trace around them when one is wanted. NULL after the complaint. */
static const struct env *engine_env(struct server *s)
{
    const struct env *env = net_env(s->net);
    if (!capturing_open(&s->capturing, s->config, s->log, s->net)) {
        return NULL;
    }
    s->serving.capture = s->config->trace_enabled ? s->capturing.capture : NULL;
    if (s->config->sip_trace == NULL) {
        return env;
    }
    s->trace = sip_trace_new(s->config->sip_trace, &s->config->engine.limits);
    if (s->trace == NULL) {
        log_fmt(s->log, TRACE_ERROR, "server", "%s: %s", s->config->sip_trace, strerror(errno));
        return NULL;
    }
    return sip_trace_env(s->trace, env);
}

/** Last, so that who finds the server by it finds one that listens. */
static bool take_pid_file(struct server *s)
{
    if (s->config->pid_file == NULL) {
        return true;
    }
    s->pid_file = pid_file_take(s->config->pid_file);
    if (s->pid_file < 0) {
        log_fmt(s->log, TRACE_ERROR, "server", "pid_file %s: %s", s->config->pid_file,
                errno == EEXIST ? "another server holds it" : strerror(errno));
    }
    return s->pid_file >= 0;
}

/** There is no way back any more; the service manager keeps what listens, and is told. */
static void started(struct server *s)
{
    inherit_close(s->inherited);
    for (size_t i = 0; net_kind(i) != NULL; i++) {
        service_forget(&s->service, net_kind(i));
    }
    net_each_listener(s->net, keep_listener, s);
    serving_each_listener(&s->serving, keep_listener, s);
    service_ready(&s->service, s->keeping.store);
}

/** What the API may ask of the server. */
static void wire_api(struct server *s, uint64_t now_s)
{
    s->admin = (struct admin){.log = s->log,
                              .net = s->net,
                              .config = s->config,
                              .keeping = &s->keeping,
                              .reload = &s->reload,
                              .serving = &s->serving,
                              .reload_now = reload_asked,
                              .levels = levels_asked,
                              .ctx = s,
                              .started_s = now_s};
    s->serving.host = &s->admin;
    s->serving.ran = on_woken;
    s->serving.each_count = count_all;
    s->serving.ctx = s;
}

static bool start(struct server *s)
{
    struct config *c = s->config;
    c->net.handler = (struct net_handler){.ctx = s,
                                          .input = on_input,
                                          .stream_input = on_stream_input,
                                          .csta_input = on_csta_input,
                                          .tick = on_tick,
                                          .deadline = on_deadline,
                                          .resolved = on_resolved,
                                          .fetched = on_fetched,
                                          .flow_closed = on_flow_closed,
                                          .sent = on_sent,
                                          .trace = on_trace,
                                          .trace_from = log_lowest(s->log)};
    s->net = net_new(&c->net);
    if (s->net == NULL || !init_handles(s)) {
        log_fmt(s->log, TRACE_ERROR, "server", "no event loop: out of memory or descriptors");
        return false;
    }
    s->upgrade.settled = is_settled;
    s->upgrade.hush = hush;
    s->upgrade.go = hand_over;
    s->upgrade.ctx = s;
    s->upgrade.wait_ms = c->upgrade_ms;
    upgrade_init(&s->upgrade, net_loop(s->net), s->log);
    if (!inherit_sockets(s->inherited, s->net, s->log) ||
        !service_open(&s->service, net_loop(s->net), s->log, write_status, s)) {
        return false;
    }
    const struct env *env = engine_env(s);
    if (env == NULL) {
        return false;
    }
    if (!load_tls(s, &c->tls)) {
        return false;
    }
    add_interfaces(c);
    if (directory_init(&s->directory, env, c->domains, c->domain_count) != 0 ||
        reload_init(&s->reload, c, &s->directory) != 0) {
        log_fmt(s->log, TRACE_ERROR, "server", "out of memory");
        return false;
    }
    s->directory.own = c->own;
    s->directory.own_count = c->own_count;
    c->engine.directory = &s->directory;
    c->engine.routes = &c->routes;
    config_set_start(c, env->wall_s(env->ctx));
    s->keeping.woken = on_woken;
    s->keeping.ctx = s;
    /* before the database is brought to this version: who cannot listen leaves it as it is */
    if (!listen_all(s)) {
        return false;
    }
    if (!keeping_open(&s->keeping, c, s->log, s->net, &env)) {
        return false;
    }
    c->engine.store = keeping_ops(&s->keeping);
    s->engine = engine_new(env, &c->engine, net_now(s->net));
    if (s->engine == NULL) {
        log_fmt(s->log, TRACE_ERROR, "server", "out of memory");
        return false;
    }
    wire_api(s, env->wall_s(env->ctx));
    if (!serving_open(&s->serving, c, s->log, s->net, &s->keeping)) {
        return false;
    }
    net_given_rest(s->net, complain_of_socket, s);
    admin_note_listeners(&s->admin);
    if (!keeping_restore(&s->keeping, s->engine) || !serving_start(&s->serving, s->engine) ||
        !take_pid_file(s)) {
        return false;
    }
    started(s);
    return true;
}

static void finish(struct server *s)
{
    if (s->engine != NULL) {
        write_counters(s);
    }
    if (s->handles) {
        for (size_t i = 0; i < ARRAY_LEN(s->signals); i++) {
            uv_close((uv_handle_t *)&s->signals[i], NULL);
        }
        uv_close((uv_handle_t *)&s->limit, NULL);
        uv_close((uv_handle_t *)&s->follow, NULL);
    }
    struct engine *e = s->engine;
    s->engine = NULL; /* closing sockets must not reach it any more */
    engine_free(e);
    serving_stop(&s->serving, SERVING_END_MS);
    admin_stop(&s->admin);
    keeping_close(&s->keeping);
    serving_close(&s->serving);
    service_close(&s->service);
    upgrade_close(&s->upgrade);
    reload_fini(&s->reload);
    if (s->directory.env != NULL) {
        directory_fini(&s->directory);
    }
    if (s->config->pid_file != NULL) {
        pid_file_drop(s->config->pid_file, s->pid_file);
    }
    net_free(s->net);
    capturing_close(&s->capturing);
    sip_trace_free(s->trace);
    log_fmt(s->log, TRACE_INFO, "server", "stopped");
}

int server_run(struct config *c, struct log *l, struct inherited *in, char *const *argv)
{
    struct server s = {.config = c,
                       .log = l,
                       .inherited = in,
                       .pid_file = -1,
                       .service = {.fd = -1},
                       .upgrade = {.argv = argv}};
    if (c->exposed) {
        log_fmt(
            l, TRACE_WARN, "server",
            "the configuration holds passwords and can be read by everybody on this machine: "
            "chmod o-r");
    }
    if (start(&s)) {
        log_fmt(l, TRACE_INFO, "server",
                "Baton %s: %zu routes, %zu devices, %zu applications, %zu peers", BATON_VERSION,
                c->routes.count, c->device_count, c->application_count, c->peer_count);
        net_run(s.net);
    } else {
        s.code = 1;
    }
    finish(&s);
    return s.code;
}
