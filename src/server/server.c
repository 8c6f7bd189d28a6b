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
#include "base/err.h"
#include "engine/engine.h"
#include "server/counters.h"
#include "server/frame.h"
#include "server/inherit.h"
#include "server/metrics.h"
#include "server/pid_file.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>

static const int signal_numbers[SERVER_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};

/* Those that arrive between two programs wait for the second one. */
void server_block_signals(bool block)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(signal_numbers); i++) {
        sigaddset(&set, signal_numbers[i]);
    }
    (void)pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

static void on_woken(void *ctx)
{
    server_after(ctx);
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

void server_write_counters(struct server *s)
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
    server_after(s);
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
    server_after(s);
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
        server_write_counters(s);
        break;
    case SIGUSR2:
        handing_begin(s);
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
    (void)signal(SIGXFSZ,
                 SIG_IGN); /* a file that may not grow is a full disk, no reason to die */
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
    server_block_signals(false);
    return true;
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

/** What the API may ask of the server. */
static void wire_api(struct server *s, uint64_t now_s)
{
    s->admin = (struct admin){.log = s->log,
                              .net = s->net,
                              .config = s->config,
                              .keeping = &s->keeping,
                              .reload = &s->reload,
                              .serving = &s->serving,
                              .capturing = &s->capturing,
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
    c->net.handler = server_ears(s);
    s->net = net_new(&c->net);
    if (s->net == NULL || !init_handles(s)) {
        log_fmt(s->log, TRACE_ERROR, "server", "no event loop: out of memory or descriptors");
        return false;
    }
    handing_init(s);
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
    listening_add_interfaces(c);
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
    if (!listening_open(s)) {
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
    listening_drop_rest(s);
    admin_note_listeners(&s->admin);
    if (!keeping_restore(&s->keeping, s->engine) || !serving_start(&s->serving, s->engine) ||
        !take_pid_file(s)) {
        return false;
    }
    listening_started(s);
    return true;
}

static void finish(struct server *s)
{
    if (s->engine != NULL) {
        server_write_counters(s);
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
