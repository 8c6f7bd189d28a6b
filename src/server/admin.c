/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Administration over the API: see admin.h.
 *
 * Bodies are small objects; jansson reads them. What a body does not name stays as it is, and a
 * body that is wrong changes nothing.
 */
#include "server/admin.h"
#include "api/handlers.h"
#include "api/text.h"
#include "base/err.h"
#include "net/sockaddr.h"
#include <jansson.h>
#include <sys/socket.h>

enum { FOLLOW_MAX_S = 86400 };

static struct admin *admin_of(const struct api_request *r)
{
    return api_host(r->api);
}

/** The body as an object; an empty one is {}. NULL: answered. */
static json_t *body_of(struct api_request *r)
{
    json_error_t error;
    json_t *body = r->body.n == 0
                       ? json_object()
                       : json_loadb(r->body.p, r->body.n, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(body)) {
        return body;
    }
    if (body == NULL) {
        api_refuse(r, 400, "malformedJson", "The body is no JSON: line %d, column %d: %s.",
                   error.line, error.column, error.text);
    } else {
        api_refuse(r, 400, "wrongType", "The body has to be an object.");
    }
    json_decref(body);
    return NULL;
}

static void wrong(struct api_request *r, const char *pointer, const char *sentence)
{
    api_problem(
        r, &(struct api_fault){.status = 422, .code = "wrongValue", .pointer = str_c(pointer)},
        "%s", sentence);
}

/* ---- reload ---- */

/** "routes, devices" as an array. */
static void write_names(struct text *t, const char *name, const char *names)
{
    text_name(t, name);
    text_c(t, "[");
    for (bool first = true; *names != '\0'; first = false) {
        size_t n = strcspn(names, ",");
        text_c(t, first ? "" : ",");
        text_json(t, str_make(names, n));
        names += n;
        names += strspn(names, ", ");
    }
    text_c(t, "]");
}

static void write_report(struct text *t, const struct reload *r)
{
    const struct config *c = r->routes;
    text_c(t, "{\"taken\":true");
    text_member(t, "file", str_c(c->file));
    write_names(t, "changed", r->last.changed);
    write_names(t, "needsRestart", r->last.restart);
    text_fmt(t,
             ",\"routes\":%zu,\"devices\":%zu,\"applications\":%zu,\"peers\":%zu,"
             "\"devicesGone\":%zu}",
             c->routes.count, c->device_count, c->application_count, c->peer_count,
             r->last.gone);
}

static bool run_reload(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct admin *a = admin_of(r);
    const struct reload_report *last = &a->reload->last;
    struct text t = text_in(r->arena);
    (void)e;
    (void)now_ms;
    if (a->config->file == NULL || !a->reload_now(a->ctx)) {
        api_refuse(r, 409, "stopping", "The server is stopping: it reads no configuration.");
    } else if (!last->taken && last->line > 0) {
        api_refuse(r, 422, "configurationWrong",
                   "%s, line %u, column %u: %s. The server goes on as it was.", a->config->file,
                   last->line, last->column, last->why);
    } else if (!last->taken) {
        api_refuse(r, 422, "configurationWrong", "%s: %s. The server goes on as it was.",
                   a->config->file, last->why);
    } else {
        write_report(&t, a->reload);
        text_reply(r, &t);
    }
    return false;
}

void api_post_reload(struct api_request *r)
{
    api_ask(r, run_reload, NULL);
}

/* ---- drain ---- */

static bool run_drain(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct admin *a = admin_of(r);
    const bool *on = r->ctx;
    struct text t = text_in(r->arena);
    (void)now_ms;
    if (a->draining != *on) {
        a->draining = *on;
        engine_drain(e, *on);
        api_set_draining(r->api, *on);
        log_fmt_of(a->log, TRACE_INFO, "server", &(struct trace_ids){.who = r->who->name},
                   *on ? "drained: no new calls; what stands goes on" : "new calls come in");
    }
    text_fmt(&t, "{\"draining\":%s,\"calls\":%llu,\"proxied\":%llu,\"sessions\":%llu}",
             *on ? "true" : "false", (unsigned long long)engine_stat(e, "calls_active"),
             (unsigned long long)engine_stat(e, "proxy_active"),
             (unsigned long long)engine_stat(e, "csta_sessions"));
    text_reply(r, &t);
    return false;
}

void api_post_drain(struct api_request *r)
{
    json_t *body = body_of(r);
    const json_t *drain = json_object_get(body, "drain");
    bool *on = arena_alloc(r->arena, sizeof(*on));
    if (body == NULL) {
        return;
    }
    if (on == NULL) {
        api_busy(r, E_NOMEM);
    } else if (drain != NULL && !json_is_boolean(drain)) {
        wrong(r, "/drain", "`drain` is true or false.");
    } else {
        *on = drain == NULL || json_is_true(drain);
        r->ctx = on;
        api_ask(r, run_drain, NULL);
    }
    json_decref(body);
}

/* ---- log ---- */

static void write_levels(struct text *t, struct log *log)
{
    struct log_levels now;
    log_levels_get(log, &now);
    text_fmt(t, "{\"level\":\"%s\",\"modules\":{", log_level_name(now.all));
    for (size_t i = 0; i < now.modules; i++) {
        text_member(t, now.module[i].name, str_c(log_level_name(now.module[i].level)));
    }
    text_c(t, "},\"follow\":[");
    for (size_t i = 0; i < now.followed; i++) {
        text_c(t, i > 0 ? ",{" : "{");
        text_member(t, "id", str_c(now.follow[i].id));
        text_fmt(t, ",\"seconds\":%llu}",
                 (unsigned long long)log_seconds_until(now.follow[i].until_ms));
    }
    text_c(t, "]}");
}

void api_get_log(struct api_request *r)
{
    struct text t = text_in(r->arena);
    write_levels(&t, admin_of(r)->log); /* which any thread may ask */
    text_reply(r, &t);
}

/** Whose level is wanted, and what there is. */
static void no_module(struct api_request *r, const char *name)
{
    char all[512], at[LOG_MODULE_LEN + 16];
    struct out o;

    out_init(&o, all, sizeof(all));
    for (size_t i = 0; log_modules[i] != NULL; i++) {
        out_c(&o, i > 0 ? ", " : "");
        out_c(&o, log_modules[i]);
    }
    (void)snprintf(at, sizeof(at), "/modules/%.*s", LOG_MODULE_LEN, name);
    api_problem(
        r, &(struct api_fault){.status = 422, .code = "noSuchModule", .pointer = str_c(at)},
        "No module of the log is called %.*s. There are %.*s.", LOG_MODULE_LEN, name,
        STR_ARG(out_str_of(&o)));
}

static bool is_level(const json_t *v, enum trace_level *level)
{
    return json_is_string(v) && log_level_parse(str_c(json_string_value(v)), level);
}

/** Is every member what it should be? @return false: answered */
static bool check_levels(struct api_request *r, const json_t *body)
{
    const json_t *level = json_object_get(body, "level"),
                 *modules = json_object_get(body, "modules"),
                 *follow = json_object_get(body, "follow");
    enum trace_level any;
    const char *name;
    json_t *v;
    size_t i;

    if (level != NULL && !is_level(level, &any)) {
        wrong(r, "/level", "`level` is debug, info, warn or error.");
        return false;
    }
    if ((modules != NULL && !json_is_object(modules)) ||
        (follow != NULL && !json_is_array(follow))) {
        wrong(r, modules != NULL && !json_is_object(modules) ? "/modules" : "/follow",
              "`modules` is an object of levels by module, `follow` a list.");
        return false;
    }
    json_object_foreach((json_t *)(uintptr_t)modules, name, v)
    {
        if (!log_module_is(name)) {
            no_module(r, name);
            return false;
        }
        if (!json_is_null(v) && !is_level(v, &any)) {
            wrong(r, "/modules",
                  "A module's level is debug, info, warn or error, or null: the "
                  "one of all others.");
            return false;
        }
    }
    json_array_foreach(follow, i, v)
    {
        size_t n = json_string_length(json_object_get(v, "id"));
        const json_t *seconds = json_object_get(v, "seconds");
        json_int_t s = json_integer_value(seconds);
        if (n == 0 || n >= LOG_ID_LEN || !json_is_integer(seconds) || s < 0 ||
            s > FOLLOW_MAX_S) {
            wrong(
                r, "/follow",
                "Who is followed has an `id`, a callID, Call-ID or device, and `seconds` from "
                "0 (no longer) to 86400.");
            return false;
        }
    }
    return true;
}

static int change_levels(struct log *log, const json_t *body)
{
    enum trace_level level;
    const char *name;
    json_t *v;
    size_t i;
    int err = 0;

    json_object_foreach(json_object_get(body, "modules"), name, v)
    {
        err = err != 0
                  ? err
                  : log_level_change(log, str_c(name), is_level(v, &level) ? &level : NULL);
    }
    json_array_foreach(json_object_get(body, "follow"), i, v)
    {
        json_int_t s = json_integer_value(json_object_get(v, "seconds"));
        err = err != 0
                  ? err
                  : log_follow_change(log, str_c(json_string_value(json_object_get(v, "id"))),
                                      (uint64_t)s * 1000);
    }
    if (err == 0 && is_level(json_object_get(body, "level"), &level)) {
        log_set_level(log, level);
    }
    return err;
}

static bool run_levels(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct admin *a = admin_of(r);
    struct text t = text_in(r->arena);
    json_t *body = json_loadb(r->body.p, r->body.n, 0, NULL); /* it was looked at already */
    int err = change_levels(a->log, body);
    json_decref(body);
    (void)e;
    (void)now_ms;
    a->levels(a->ctx);
    if (err != 0) {
        api_refuse(r, 409, "tooMany",
                   "At most %d ids are followed at a time; what stood before that one in the "
                   "body was taken.",
                   LOG_FOLLOWED);
        return false;
    }
    log_fmt_of(a->log, TRACE_INFO, "log", &(struct trace_ids){.who = r->who->name},
               "levels were changed");
    write_levels(&t, a->log);
    text_reply(r, &t);
    return false;
}

void api_put_log(struct api_request *r)
{
    json_t *body = body_of(r);
    bool right = body != NULL && check_levels(r, body);
    json_decref(body);
    if (right) {
        api_ask(r, run_levels, NULL);
    }
}

/* ---- listeners ---- */

static void note_listener(void *ctx, const struct api_listen *l)
{
    struct admin *a = ctx;
    if (a->api_count < ADMIN_LISTENERS) {
        char *path = a->paths[a->api_count];
        struct api_listen *to = &a->api[a->api_count++];
        *to = *l;
        (void)snprintf(path, sizeof(a->paths[0]), "%s", l->path != NULL ? l->path : "");
        to->path = path;
    }
}

void admin_note_listeners(struct admin *a)
{
    if (a->serving->api != NULL) {
        api_each_listener(a->serving->api, note_listener, a);
    }
}

struct listing {
    struct text text;
    bool first;
};

static void write_listener(struct listing *l, const char *protocol, const char *transport,
                           struct str address)
{
    text_c(&l->text, l->first ? "{" : ",{");
    l->first = false;
    text_member(&l->text, "protocol", str_c(protocol));
    text_member(&l->text, "transport", str_c(transport));
    text_member(&l->text, "address", address);
    text_c(&l->text, "}");
}

static void write_addr(struct listing *l, const char *protocol, const char *transport,
                       const struct addr *at)
{
    char room[64];
    struct out o;
    out_init(&o, room, sizeof(room));
    addr_write(&o, at);
    write_listener(l, protocol, transport, out_str_of(&o));
}

/** `kind` of net_kind_name: "udp", "csta-tls". */
static void list_socket(void *ctx, const char *kind, int fd)
{
    struct listing *l = ctx;
    bool csta = strncmp(kind, "csta", 4) == 0;
    union net_sockaddr sa;
    socklen_t len = sizeof(sa);
    struct addr at;
    if (getsockname(fd, &sa.sa, &len) == 0 && sockaddr_read(&sa.sa, &at)) {
        write_addr(l, csta ? "csta" : "sip",
                   !csta                           ? kind
                   : strcmp(kind, "csta-tls") == 0 ? "tls"
                                                   : "tcp",
                   &at);
    }
}

static bool run_listeners(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct admin *a = admin_of(r);
    struct listing l = {.text = text_in(r->arena), .first = true};
    (void)e;
    (void)now_ms;
    text_c(&l.text, "{\"items\":[");
    net_each_listener(a->net, list_socket, &l);
    for (size_t i = 0; i < a->api_count; i++) {
        const struct api_listen *at = &a->api[i];
        if (at->face == API_FACE_UNIX) {
            write_listener(&l, "http", "unix", str_c(at->path));
        } else {
            write_addr(&l, "http", at->face == API_FACE_TLS ? "tls" : "tcp", &at->at);
        }
    }
    text_c(&l.text, "]}");
    text_reply(r, &l.text);
    return false;
}

void api_get_listeners(struct api_request *r)
{
    api_ask(r, run_listeners, NULL);
}

/* ---- is it well ---- */

/** The engine's loop turns, as it answers. */
static bool run_health(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    (void)e;
    (void)now_ms;
    api_reply_json(r, STR("{\"alive\":true}"));
    return false;
}

void api_get_health(struct api_request *r)
{
    api_ask(r, run_health, NULL);
}

static bool run_ready(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    const struct admin *a = admin_of(r);
    struct store_stats s = {0};
    (void)e;
    (void)now_ms;
    if (a->keeping->store != NULL) {
        store_stats(a->keeping->store, &s);
    }
    if (a->stopping || a->draining) {
        api_refuse(r, 503, a->stopping ? "stopping" : "draining",
                   "No new calls come in: the server %s.",
                   a->stopping ? "stops" : "is being drained");
    } else if (s.broken && a->keeping->refuses) {
        api_refuse(r, 503, "storeBroken", "No new calls come in: the disk cannot be written.");
    } else {
        api_reply_json(r, STR("{\"ready\":true}"));
    }
    return false;
}

void api_get_ready(struct api_request *r)
{
    api_ask(r, run_ready, NULL);
}
