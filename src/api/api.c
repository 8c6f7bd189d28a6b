/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's life: made in the server's thread, run in its own, given up in the server's again.
 *
 *   Running ──api_stop──> Draining ──nobody left, or `within` is over──> out
 *
 * What other threads want of it (stop, take other rules) they leave under the lock and wake the
 * loop; api_look_around takes it from there.
 */
#include "api/events.h"
#include "api/parts.h"
#include "api/work.h"
#include "base/err.h"
#include "net/tls_store.h"
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINGER_MS = 1000, SHAKE_MS = 10000 };

static void write_log(struct api *a, enum trace_level level, const struct trace_ids *ids,
                      const char *fmt, va_list args)
{
    char line[512];
    int n = vsnprintf(line, sizeof(line), fmt, args);
    if (n > 0) {
        size_t len = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
        a->config.log(a->config.log_ctx, level, "api", ids, str_make(line, len));
    }
}

void api_log(struct api *a, enum trace_level level, const char *fmt, ...)
{
    static const struct trace_ids nobody = {0};
    va_list args;
    va_start(args, fmt);
    write_log(a, level, &nobody, fmt, args);
    va_end(args);
}

void api_log_of(const struct api_request *r, enum trace_level level, const char *fmt, ...)
{
    char number[24];
    struct out o;
    struct str device = exchange_of(r)->device;
    struct trace_ids ids = {.who = r->who != NULL ? r->who->name : STR_NONE,
                            .parent = r->field[API_TRACEPARENT],
                            .call = r->route != NULL ? api_param(r, "callID") : STR_NONE,
                            .device = device};
    if (device.n == 0 && r->route != NULL) {
        ids.device = api_param(r, "device");
    }
    va_list args;
    out_init(&o, number, sizeof(number));
    out_u64(&o, r->number);
    ids.request = out_str_of(&o);
    va_start(args, fmt);
    write_log(r->api, level, &ids, fmt, args);
    va_end(args);
}

void *api_host(const struct api *a)
{
    return a->config.host;
}

/* ---- rules ---- */

static void rules_free(struct api_kept_rules *k)
{
    if (k != NULL) {
        tls_store_free(k->tls);
        arena_fini(&k->arena);
        free(k);
    }
}

static bool keep_list(struct arena *a, const struct str *from, size_t n, const struct str **to)
{
    struct str *all = arena_alloc(a, (n + 1) * sizeof(*all));
    for (size_t i = 0; all != NULL && i < n; i++) {
        all[i] = arena_dup(a, from[i]);
    }
    *to = all;
    return all != NULL;
}

static bool keep_clients(struct arena *a, struct api_rules *to, const struct api_rules *from)
{
    struct access_client *all = arena_alloc(a, (from->client_count + 1) * sizeof(*all));
    for (size_t i = 0; all != NULL && i < from->client_count; i++) {
        const struct access_client *c = &from->client[i];
        struct access_scope *scopes = arena_alloc(a, (c->count + 1) * sizeof(*scopes));
        all[i] = (struct access_client){arena_dup(a, c->certificate), scopes, c->count};
        for (size_t k = 0; k < c->count; k++) {
            if (scopes == NULL) {
                return false;
            }
            scopes[k] =
                (struct access_scope){arena_dup(a, c->scopes[k].pattern), c->scopes[k].kind};
        }
    }
    to->client = all;
    return all != NULL;
}

static struct api_kept_rules *rules_keep(const struct api_rules *from, char *why, size_t cap)
{
    struct api_kept_rules *k = calloc(1, sizeof(*k));
    struct net_tls_fault fault;
    if (k == NULL) {
        (void)snprintf(why, cap, "out of memory");
        return NULL;
    }
    arena_init(&k->arena, &mem_libc, 1024);
    k->rules = *from;
    k->rules.tls = NULL;
    bool ok = keep_list(&k->arena, from->origin, from->origin_count, &k->rules.origin) &&
              keep_list(&k->arena, from->host, from->host_count, &k->rules.host) &&
              keep_clients(&k->arena, &k->rules, from) &&
              (k->rules.packages = uui_packages_copy(from->packages, &k->arena)) != NULL;
    if (ok && from->web_root != NULL) {
        k->rules.web_root = arena_fmt(&k->arena, "%s%c", from->web_root, '\0').p;
        ok = k->rules.web_root != NULL;
    }
    if (!ok) {
        (void)snprintf(why, cap, "out of memory");
    } else if (from->tls != NULL && net_tls_read(from->tls, &k->tls, &fault) != 0) {
        (void)snprintf(why, cap, "%s", fault.why);
        ok = false;
    }
    if (!ok) {
        rules_free(k);
        return NULL;
    }
    return k;
}

static void rules_take(struct api *a, struct api_kept_rules *k)
{
    rules_free(a->rules);
    a->rules = k;
    allow_clients(a, k->rules.client, k->rules.client_count);
    if (k->tls != NULL) {
        wire_set_tls(a->wire, k->tls);
        k->tls = NULL;
    }
}

bool api_reload(struct api *a, const struct api_rules *rules, char *why, size_t cap)
{
    struct api_kept_rules *k = rules_keep(rules, why, cap), *unseen;
    if (k == NULL) {
        return false;
    }
    (void)pthread_mutex_lock(&a->lock);
    unseen = a->rules_next;
    a->rules_next = k;
    (void)pthread_mutex_unlock(&a->lock);
    rules_free(unseen);
    wire_wake(a->wire);
    return true;
}

/* ---- stopping ---- */

static void on_drained(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    wire_stop(list_entry(t, struct api, drain)->wire);
}

static void begin_to_stop(struct api *a)
{
    a->draining = true;
    events_stop(a->events);
    wire_close_listeners(a->wire);
    jobs_refuse(a);
    worker_stop(a->worker);
    clients_drain(a);
    timer_init(&a->drain, on_drained);
    timer_set(wire_wheel(a->wire), &a->drain, wire_now(a->wire) + a->within_ms);
}

void api_look_around(struct api *a)
{
    struct api_kept_rules *fresh;
    bool stop;
    (void)pthread_mutex_lock(&a->lock);
    stop = a->stopping;
    fresh = a->rules_next;
    a->rules_next = NULL;
    (void)pthread_mutex_unlock(&a->lock);
    if (fresh != NULL) {
        rules_take(a, fresh);
    }
    if (stop && !a->draining) {
        begin_to_stop(a);
    }
    if (a->draining && a->client_count == 0) {
        timer_stop(wire_wheel(a->wire), &a->drain);
        wire_stop(a->wire);
    }
}

void api_set_stopping(struct api *a)
{
    a->state.stopping_s = a->config.env->wall_s(a->config.env->ctx);
}

void api_set_draining(struct api *a, bool on)
{
    a->state.draining_s = on ? a->config.env->wall_s(a->config.env->ctx) : 0;
}

void api_stop(struct api *a, uint32_t within_ms)
{
    (void)pthread_mutex_lock(&a->lock);
    a->stopping = true;
    a->within_ms = within_ms;
    (void)pthread_mutex_unlock(&a->lock);
    if (a->running) {
        wire_wake(a->wire);
        (void)pthread_join(a->thread, NULL);
        a->running = false;
    }
}

/** The loop has ended: what it would still have told is told, and what nobody has any more is
    freed. */
static void exchanges_end(struct api *a)
{
    list_each(it, &a->exchanges)
    {
        struct exchange *x = list_entry(it, struct exchange, link);
        if (x->socket != NULL) {
            socket_closed(x);
        } else if (x->stream != NULL) {
            stream_closed(x);
        }
    }
    jobs_abandon(a);
    while (!list_empty(&a->exchanges)) { /* the engine had them, and is gone */
        exchange_free(list_entry(a->exchanges.next, struct exchange, link));
    }
}

void api_free(struct api *a)
{
    if (a == NULL) {
        return;
    }
    worker_free(a->worker);
    if (a->wire != NULL) {
        wire_stop(a->wire); /* every client is told that it is closed */
    }
    exchanges_end(a);
    wire_free(a->wire);
    events_free(a->events);
    allow_fini(a);
    rules_free(a->rules_next);
    rules_free(a->rules);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- starting ---- */

static struct api_config defaults_of(const struct api_config *from)
{
    struct api_config c = *from;
    c.max_clients = or_default(c.max_clients, 1000);
    c.max_per_address = or_default(c.max_per_address, 100);
    c.max_jobs = or_default(c.max_jobs, 1000);
    c.requests_per_s = or_default(c.requests_per_s, 500);
    c.max_streams = or_default(c.max_streams, 500);
    c.max_body = c.max_body != 0 ? c.max_body : 256U << 10;
    c.client_buffer = c.client_buffer != 0 ? c.client_buffer : 1U << 20;
    c.request_ms = or_default(c.request_ms, 20000);
    c.idle_ms = or_default(c.idle_ms, 60000);
    c.stalled_ms = or_default(c.stalled_ms, 30000);
    return c;
}

static bool listen_all(struct api *a, const struct api_config *config, char *why, size_t cap)
{
    for (size_t i = 0; i < config->listen_count; i++) {
        if (wire_listen(a->wire, &config->listen[i], why, cap) != 0) {
            return false;
        }
    }
    return true;
}

struct api *api_new(const struct api_config *config, char *why, size_t cap)
{
    struct api *a = calloc(1, sizeof(*a));
    if (a == NULL) {
        (void)snprintf(why, cap, "out of memory");
        return NULL;
    }
    a->config = defaults_of(config);
    a->config.listen = NULL;
    a->config.rules = (struct api_rules){0};
    a->started_s = config->env->wall_s(config->env->ctx);
    a->started_ns = uv_hrtime();
    (void)pthread_mutex_init(&a->lock, NULL);
    jobs_init(a);
    list_init(&a->clients);
    list_init(&a->idle);
    list_init(&a->exchanges);
    struct wire_config wire = {
        .handler = api_wire_handler,
        .queue = a->config.client_buffer,
        .stalled_ms = a->config.stalled_ms,
        .linger_ms = LINGER_MS,
        .shake_ms = SHAKE_MS,
    };
    wire.handler.ctx = a;
    struct api_kept_rules *rules = rules_keep(&config->rules, why, cap);
    if (rules == NULL || allow_init(a) != 0 || (a->wire = wire_new(&wire)) == NULL) {
        if (rules != NULL) {
            (void)snprintf(why, cap, "no event loop: out of memory or descriptors");
        }
        rules_free(rules);
        api_free(a);
        return NULL;
    }
    rules_take(a, rules);
    if (config->store != NULL) {
        const struct api_events_config events = {.store = config->store,
                                                 .node = config->node,
                                                 .private_targets = config->webhook_private,
                                                 .max_webhooks = config->max_webhooks};
        a->events = events_new(a, &events);
        if (a->events == NULL) {
            (void)snprintf(why, cap, "out of memory");
            api_free(a);
            return NULL;
        }
    }
    if (!listen_all(a, config, why, cap)) {
        api_free(a);
        return NULL;
    }
    return a;
}

void api_each_listener(const struct api *a, void (*fn)(void *ctx, const struct api_listen *l),
                       void *ctx)
{
    wire_each_listener(a->wire, fn, ctx);
}

void api_hand_over(struct api *a, void (*fn)(void *ctx, const struct api_listen *l), void *ctx)
{
    wire_leave(a->wire);
    wire_each_listener(a->wire, fn, ctx);
}

static void *run(void *arg)
{
    events_begin(((struct api *)arg)->events);
    wire_run(((struct api *)arg)->wire);
    return NULL;
}

bool api_start(struct api *a)
{
    sigset_t all, had;
    (void)sigfillset(&all); /* signals are the program's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &had);
    a->running = pthread_create(&a->thread, NULL, run, a) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &had, NULL);
    return a->running;
}

void api_turn(struct api *a)
{
    wire_turn(a->wire);
}

void api_stats(struct api *a, struct api_stats *out)
{
    const struct api_counts *c = &a->count;
    struct histogram took;
    (void)pthread_mutex_lock(&a->lock);
    took = a->took;
    (void)pthread_mutex_unlock(&a->lock);
    *out = (struct api_stats){
        .clients = count_of(&c->clients),
        .accepted = count_of(&c->accepted),
        .turned_away = count_of(&c->turned_away),
        .requests = count_of(&c->requests),
        .jobs = count_of(&c->jobs),
        .jobs_refused = count_of(&c->jobs_refused),
        .closed_slow = count_of(&c->closed_slow),
        .closed_bad = count_of(&c->closed_bad),
        .refused_pace = count_of(&c->refused_pace),
        .refused_streams = count_of(&c->refused_streams),
        .octets_in = count_of(&c->octets_in),
        .octets_out = count_of(&c->octets_out),
        .took = took,
    };
    for (size_t i = 0; i < ARRAY_LEN(out->answers); i++) {
        out->answers[i] = count_of(&c->answers[i]);
    }
}
