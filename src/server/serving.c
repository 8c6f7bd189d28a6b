/* SPDX-License-Identifier: Apache-2.0 */
/* The server's HTTP API: see serving.h. */
#include "server/serving.h"
#include "base/err.h"
#include <stdlib.h>
#include <uv.h>

static void wake(void *ctx)
{
    (void)uv_async_send(((struct serving *)ctx)->async);
}

static void on_async(uv_async_t *a)
{
    struct serving *s = a->data;
    if (s->engine != NULL) {
        api_run_jobs(s->api, s->engine, net_now(s->net));
        s->ran(s->ctx);
    }
}

static void on_closed(uv_handle_t *h)
{
    free(h);
}

/** From any thread: log_write takes care of that. */
static void write_log(void *ctx, enum trace_level level, const char *module,
                      const struct trace_ids *ids, struct str text)
{
    log_write(((struct serving *)ctx)->log, level, module, ids, text);
}

static bool open_async(struct serving *s)
{
    s->async = calloc(1, sizeof(*s->async));
    if (s->async == NULL || uv_async_init(net_loop(s->net), s->async, on_async) != 0) {
        free(s->async);
        s->async = NULL;
        return false;
    }
    s->async->data = s;
    return true;
}

static const char *kind_of(const struct api_listen *l)
{
    return l->face == API_FACE_TLS    ? NET_KIND_API_TLS
           : l->face != API_FACE_UNIX ? NET_KIND_API
           : l->ours                  ? NET_KIND_API_UNIX_OURS
                                      : NET_KIND_API_UNIX;
}

static void tell_listener(void *ctx, const struct api_listen *l)
{
    char room[64];
    struct out o;
    out_init(&o, room, sizeof(room));
    if (l->face == API_FACE_UNIX) {
        log_fmt(ctx, TRACE_INFO, "api", "listening on %s",
                l->path != NULL ? l->path : "a socket that was handed over");
        return;
    }
    addr_write(&o, &l->at);
    log_fmt(ctx, TRACE_INFO, "api", "listening on %s %.*s",
            l->face == API_FACE_TLS ? "TLS" : "TCP", STR_ARG(out_str_of(&o)));
}

/** The configured listeners, each with the socket that was given for it. NULL: no memory */
static struct api_listen *take_sockets(struct net *net, const struct api_config *c)
{
    struct api_listen *all = malloc(c->listen_count * sizeof(*all));
    for (size_t i = 0; all != NULL && i < c->listen_count; i++) {
        struct api_listen *l = &all[i];
        *l = c->listen[i];
        if (l->face == API_FACE_UNIX) {
            l->fd = net_take_given(net, NET_KIND_API_UNIX, &l->at, l->path);
            if (l->fd < 0) {
                l->fd = net_take_given(net, NET_KIND_API_UNIX_OURS, &l->at, l->path);
                l->ours = l->fd >= 0;
            }
        } else {
            l->fd = net_take_given(net, kind_of(l), &l->at, NULL);
        }
    }
    return all;
}

bool serving_open(struct serving *s, const struct config *c, struct log *log, struct net *net,
                  struct keeping *keeping)
{
    struct api_config config = c->api;
    char why[512] = "out of memory";
    s->log = log;
    s->net = net;
    s->keeping = keeping;
    if (config.listen_count == 0) {
        return true;
    }
    config.env = net_env(net);
    config.capture = s->capture;
    config.story = c->story;
    config.database = keeping->store != NULL ? store_database(keeping->store) : NULL;
    config.store = keeping->store;
    config.node = c->domain_count > 0 ? c->domains[0] : STR_NONE;
    config.log = write_log;
    config.each_count = s->each_count;
    config.count_ctx = s->ctx;
    config.host = s->host;
    config.wake_engine = wake;
    config.log_ctx = config.wake_ctx = s;
    struct api_listen *listen = take_sockets(net, &c->api);
    config.listen = listen;
    s->api = listen != NULL && open_async(s) ? api_new(&config, why, sizeof(why)) : NULL;
    free(listen);
    if (s->api == NULL) {
        log_fmt(log, TRACE_ERROR, "api", "%s", why);
        return false;
    }
    api_each_listener(s->api, tell_listener, log);
    return true;
}

bool serving_start(struct serving *s, struct engine *e)
{
    if (s->api == NULL) {
        return true;
    }
    s->engine = e;
    api_restore(s->api, e);
    if (!api_start(s->api)) {
        log_fmt(s->log, TRACE_ERROR, "api", "no thread can be started");
        return false;
    }
    return true;
}

void serving_after(struct serving *s)
{
    if (s->api != NULL) {
        struct store *st = s->keeping->store;
        api_release(s->api, st != NULL ? store_mark(st) : 0,
                    st != NULL ? store_done(st) : UINT64_MAX);
    }
}

void serving_stopping(struct serving *s)
{
    if (s->api != NULL) {
        api_set_stopping(s->api);
    }
}

void serving_reload(struct serving *s, const struct config *c)
{
    char why[512];
    if (s->api != NULL && !api_reload(s->api, &c->api.rules, why, sizeof(why))) {
        log_fmt(s->log, TRACE_ERROR, "api", "%s", why);
    }
}

struct taker {
    void (*fn)(void *ctx, const char *kind, int fd);
    void *ctx;
    bool paths; /**< UNIX sockets, too */
};

static void tell_taker(void *ctx, const struct api_listen *l)
{
    const struct taker *t = ctx;
    if (l->fd >= 0 && (t->paths || l->face != API_FACE_UNIX)) {
        t->fn(t->ctx, kind_of(l), l->fd);
    }
}

void serving_hand_over(struct serving *s, void (*fn)(void *ctx, const char *kind, int fd),
                       void *ctx)
{
    struct taker t = {fn, ctx, true};
    if (s->api != NULL) {
        api_hand_over(s->api, tell_taker, &t);
    }
}

void serving_each_listener(const struct serving *s,
                           void (*fn)(void *ctx, const char *kind, int fd), void *ctx)
{
    struct taker t = {fn, ctx, false};
    if (s->api != NULL) {
        api_each_listener(s->api, tell_taker, &t);
    }
}

void serving_stop(struct serving *s, uint32_t within_ms)
{
    s->engine = NULL;
    if (s->api != NULL) {
        api_stop(s->api, within_ms);
    }
}

void serving_close(struct serving *s)
{
    api_free(s->api);
    s->api = NULL;
    if (s->async != NULL) {
        uv_close((uv_handle_t *)s->async, on_closed);
        s->async = NULL;
    }
}
