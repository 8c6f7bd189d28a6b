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
static void write_log(void *ctx, enum trace_level level, const char *module, struct str text)
{
    static const struct trace_ids nobody = {0};
    log_write(((struct serving *)ctx)->log, level, module, &nobody, text);
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
    config.store = keeping->store;
    config.node = c->domain_count > 0 ? c->domains[0] : STR_NONE;
    config.log = write_log;
    config.each_count = s->each_count;
    config.count_ctx = s->ctx;
    config.wake_engine = wake;
    config.log_ctx = config.wake_ctx = s;
    s->api = open_async(s) ? api_new(&config, why, sizeof(why)) : NULL;
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

void serving_stop(struct serving *s)
{
    s->engine = NULL;
    if (s->api != NULL) {
        api_stop(s->api);
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
