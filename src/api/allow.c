/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and may he? The one place where the scope of a route is checked, before its handler
 * runs. Who it is, in this order:
 *
 *   a token        Authorization: Bearer, on whatever face
 *   his uid        on the UNIX socket, by the kernel's word: root, or who runs the server
 *   a certificate  over TLS, when api.clients knows it
 *   nobody
 *
 * A token that is not good is refused also where none is wanted: who shows one means it. Wrong
 * ones are counted by address, and who goes on is told to wait (access/slow.h).
 *
 * A principal is held as long as the request lives. When it is gone meanwhile, because its
 * token was revoked or has expired, answers in parts and WebSockets end at once; what it had
 * begun in the engine ends there. A webhook goes on without a request: it names its owner, who
 * is looked up again then (allow_owner).
 */
#include "api/events.h"
#include "api/handlers.h"
#include "api/parts.h"
#include "base/err.h"
#include "engine/operation.h"
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SWEEP_MOST_MS = 60000, CODE_AUTH = 4001 };

static const struct access_principal nobody = {.name = STR_INIT("nobody")};

/* ---- life ---- */

static void random_octets(void *ctx, void *out, size_t n)
{
    (void)ctx;
    if (RAND_bytes(out, (int)n) != 1) {
        abort(); /* a secret that is none must not be given out */
    }
}

uint64_t allow_now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void on_sweep(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    allow_sweep(container_of(t, struct api, access.sweep));
}

/* The clock of the wall may jump: it is looked at once a minute in any case. */
void allow_sweep(struct api *a)
{
    uint64_t now = allow_now_ms();
    uint64_t at = access_sweep(&a->access.table, now);
    uint64_t wait = at > now ? at - now : 1;
    if (at != UINT64_MAX) {
        timer_set(wire_wheel(a->wire), &a->access.sweep,
                  wire_now(a->wire) + (wait < SWEEP_MOST_MS ? wait : SWEEP_MOST_MS));
    }
}

/** What a principal began in the engine, ended there. */
struct farewell {
    struct api_job job;
    size_t n;
    char name[];
};

static void leave_engine(struct api_job *job, struct engine *e, uint64_t now_ms)
{
    const struct farewell *f = container_of(job, struct farewell, job);
    operation_drop_principal(e, str_make(f->name, f->n), now_ms);
    api_job_finish(job);
}

static void left_engine(struct api_job *job)
{
    free(container_of(job, struct farewell, job));
}

static void say_farewell(struct api *a, struct str name)
{
    struct farewell *f = calloc(1, sizeof(*f) + name.n);
    if (f == NULL) {
        return; /* it is asked for nothing more, and rests in the end */
    }
    memcpy(f->name, name.p, name.n);
    f->n = name.n;
    f->job.own = true;
    f->job.run = leave_engine;
    f->job.done = f->job.abandon = left_engine;
    if (api_post(a, &f->job) != 0) {
        free(f);
    }
}

/** Is somebody of that name left? Pages that were given tokens by one token have one name. */
static bool is_known(const struct api *a, const struct access_entry *gone)
{
    const struct access_entry *e = NULL;
    while ((e = access_next(&a->access.table, e)) != NULL) {
        if (e != gone && !e->who.gone && str_eq(e->who.name, gone->who.name)) {
            return true;
        }
    }
    return false;
}

static void on_gone(void *ctx, const struct access_entry *e)
{
    struct api *a = ctx;
    list_each(it, &a->exchanges)
    {
        struct exchange *x = list_entry(it, struct exchange, link);
        if (x->r.who != &e->who) {
            continue;
        }
        if (x->socket != NULL) {
            api_socket_close(&x->r, CODE_AUTH, STR("the token is not good any more"));
        } else if (x->stream != NULL) {
            stream_denied(&x->r);
        }
    }
    events_who_gone(a->events);
    if (!is_known(a, e)) {
        say_farewell(a, e->who.name);
    }
}

int allow_init(struct api *a)
{
    static const struct access_limits limits = {0};
    a->access.env = (struct env){.mem = mem_libc, .random = random_octets};
    timer_init(&a->access.sweep, on_sweep);
    int err = access_table_init(&a->access.table, &a->access.env, &limits);
    if (err == 0) {
        err = access_slow_init(&a->access.slow, &a->access.env, 0);
    }
    if (err == 0) {
        err = pace_init(a, &a->access.env);
    }
    a->access.table.on_gone = on_gone;
    a->access.table.gone_ctx = a;
    return err;
}

void allow_fini(struct api *a)
{
    if (a->access.env.random != NULL) {
        access_table_fini(&a->access.table);
        access_slow_fini(&a->access.slow);
        access_pace_fini(&a->access.pace);
    }
}

void allow_clients(struct api *a, const struct access_client *client, size_t n)
{
    if (access_set_clients(&a->access.table, client, n) != 0) {
        api_log(a, TRACE_ERROR, "api.clients: out of memory, those of before stay");
    }
}

/* ---- who ---- */

/** One whom api.clients names: by a name that his certificate proves, or by its common name. */
static const struct access_principal *by_certificate(struct api *a, const struct wire_conn *c)
{
    const struct access_entry *e = NULL;
    char buf[256];
    struct out o;
    while ((e = access_next(&a->access.table, e)) != NULL) {
        if (e->source == ACCESS_CERTIFICATE && wire_proves(c, e->name)) {
            return access_certificate(&a->access.table, e->name, allow_now_ms());
        }
    }
    out_init(&o, buf, sizeof(buf));
    wire_write_certificate(&o, c);
    return o.over ? NULL : access_certificate(&a->access.table, out_str_of(&o), allow_now_ms());
}

static const struct access_principal *by_face(struct api *a, const struct wire_conn *c)
{
    if (c->face == API_FACE_UNIX) {
        bool ours = c->uid == 0 || c->uid == geteuid();
        return ours ? access_local(&a->access.table, c->uid, allow_now_ms()) : NULL;
    }
    return c->face == API_FACE_TLS ? by_certificate(a, c) : NULL;
}

/** The token of "Bearer TOKEN"; not set: another scheme. */
static struct str bearer(struct str field)
{
    static const struct str scheme = STR_INIT("Bearer ");
    return str_istarts(field, scheme) ? str_trim(str_from(field, scheme.n)) : STR_NONE;
}

static void refuse_slow(struct api_request *r, uint32_t wait_s)
{
    struct api_header after = {"Retry-After", arena_fmt(r->arena, "%u", wait_s)};
    answer_fault(r, &(struct api_fault){.status = 429, .code = "tooManyWrongTokens"}, &after, 1,
                 "Too many wrong tokens came from this address. Wait %u seconds.", wait_s);
}

static const char *const why_not[] = {
    [ACCESS_OK] = "",
    [ACCESS_UNKNOWN] = "This token is not known: it was revoked, or is none of this server.",
    [ACCESS_EXPIRED] = "This token has expired. Make another one: baton token create.",
    [ACCESS_ELSEWHERE] = "This token was made for a page of another origin.",
};

/** Counted; a line in the log when it begins to be slowed. @return seconds that it is to wait
 */
static uint32_t count_wrong(struct api_request *r, enum access_verdict v)
{
    struct api *a = r->api;
    const struct wire_conn *c = exchange_of(r)->client->wire;
    bool begins = false;
    if (v != ACCESS_UNKNOWN) {
        return 0; /* who has a secret that was good does not guess */
    }
    uint32_t wait = access_slow_failed(&a->access.slow, &c->remote, wire_now(a->wire), &begins);
    if (begins) {
        api_log(a, TRACE_WARN, "%.*s: too many wrong tokens, slowed", STR_ARG(r->peer));
    }
    return wait;
}

/** @return false: the token is not good, and that was answered */
static bool by_token(struct api_request *r, const struct access_principal **who)
{
    static const struct api_header wrong = {
        "WWW-Authenticate", STR_INIT("Bearer realm=\"baton\", error=\"invalid_token\"")};
    struct str text = bearer(r->field[API_AUTHORIZATION]);
    enum access_verdict v =
        access_find(&r->api->access.table, text, r->field[API_ORIGIN], allow_now_ms(), who);
    if (v == ACCESS_OK) {
        return true;
    }
    uint32_t wait = count_wrong(r, v);
    if (wait > 0) {
        refuse_slow(r, wait);
    } else {
        answer_fault(
            r, &(struct api_fault){.status = 401, .code = "invalidToken"}, &wrong, 1, "%s",
            str_is_set(text) ? why_not[v]
                             : "The header must read \"Authorization: Bearer TOKEN\".");
    }
    return false;
}

bool allow_by_token(struct api_request *r, struct str token)
{
    const struct access_principal *who = NULL;
    enum access_verdict v =
        access_find(&r->api->access.table, token, r->field[API_ORIGIN], allow_now_ms(), &who);
    if (v != ACCESS_OK) {
        (void)count_wrong(r, v);
        return false;
    }
    if (!access_may_some(who, ACCESS_OBSERVE)) {
        access_release(who);
        return false;
    }
    access_release(r->who);
    r->who = who;
    return true;
}

/** "uid:0", "uid:1000": an administrator, if he would be one now. */
static const struct access_principal *local_owner(struct api *a, struct str name)
{
    struct str digits = str_from(name, STR("uid:").n);
    uint32_t uid = 0;
    bool ours = str_starts(name, STR("uid:")) && str_to_u32(digits, &uid) &&
                (uid == 0 || uid == geteuid());
    return ours ? access_local(&a->access.table, uid, allow_now_ms()) : NULL;
}

const struct access_principal *allow_owner(struct api *a, struct str name, const char **why)
{
    const struct access_entry *e = NULL;
    *why = str_starts(name, STR("certificate:"))
               ? "the certificate of its owner is not named in api.clients any more"
               : "the token of its owner was revoked";
    while ((e = access_next(&a->access.table, e)) != NULL) {
        bool lasts = e->source == ACCESS_TOKEN || e->source == ACCESS_CERTIFICATE;
        if (!lasts || !str_eq(e->who.name, name)) {
            continue;
        }
        if (access_alive(&e->who, allow_now_ms())) {
            access_hold(&e->who);
            return &e->who;
        }
        *why = "the token of its owner has expired";
    }
    return local_owner(a, name);
}

/* ---- may he? ---- */

static bool wants(enum api_scope scope, enum access_kind *kind)
{
    static const uint8_t kinds[] = {
        [API_SCOPE_OBSERVE] = ACCESS_OBSERVE, [API_SCOPE_OBSERVE_DEVICE] = ACCESS_OBSERVE,
        [API_SCOPE_CONTROL] = ACCESS_CONTROL, [API_SCOPE_CONTROL_DEVICE] = ACCESS_CONTROL,
        [API_SCOPE_ADMIN] = ACCESS_ADMIN,
    };
    *kind = scope < ARRAY_LEN(kinds) ? kinds[scope] : ACCESS_ADMIN;
    return scope != API_SCOPE_NONE;
}

static void ask_for_token(struct api_request *r)
{
    static const struct api_header bearer_wanted = {"WWW-Authenticate",
                                                    STR_INIT("Bearer realm=\"baton\"")};
    answer_fault(
        r, &(struct api_fault){.status = 401, .code = "tokenWanted"}, &bearer_wanted, 1,
        "This needs a token, sent as \"Authorization: Bearer ...\". Who runs the server "
        "makes one with: baton token create NAME --scope observe:*");
}

/** RFC 6750 §3.1: which scope would do. */
static void refuse_scope(struct api_request *r, enum access_kind kind)
{
    char text[ACCESS_SCOPE_TEXT];
    struct out o;
    struct str device = api_param(r, "device");
    out_init(&o, text, sizeof(text));
    access_missing(&o, kind, device.n <= ACCESS_PATTERN_MAX ? device : STR_NONE);
    struct str missing = out_str_of(&o);
    /* In the field only what may stand in it: a device can be written with quotes. */
    struct str shown = access_kind_name(kind);
    struct api_header h = {"WWW-Authenticate",
                           arena_fmt(r->arena,
                                     "Bearer realm=\"baton\", error=\"insufficient_scope\", "
                                     "scope=\"%.*s%s\"",
                                     STR_ARG(shown), kind == ACCESS_ADMIN ? "" : ":*")};
    answer_fault(r, &(struct api_fault){.status = 403, .code = "scopeMissing"}, &h, 1,
                 "%.*s lacks the scope %.*s.", STR_ARG(r->who->name), STR_ARG(missing));
}

bool allow_request(struct api_request *r, const struct wire_conn *c)
{
    struct exchange *x = exchange_of(r);
    const struct access_principal *who = NULL;
    enum access_kind kind;
    char text[96];
    struct out o;
    out_init(&o, text, sizeof(text));
    wire_write_peer(&o, c);
    r->peer = arena_dup(&x->arena, out_str_of(&o));
    r->who = &nobody;
    if (str_is_set(r->field[API_AUTHORIZATION])) {
        if (!by_token(r, &who)) {
            return false;
        }
    } else {
        who = by_face(r->api, c);
    }
    r->who = who != NULL ? who : &nobody; /* released with the exchange */
    if (!pace_request(r)) {
        return false;
    }
    bool open = r->api->config.metrics_open && r->route->handler == api_get_metrics;
    if (open || !wants(r->route->scope, &kind) || access_may_some(r->who, kind)) {
        return true;
    }
    if (who == NULL) {
        ask_for_token(r);
    } else {
        x->denied = true;
        refuse_scope(r, kind);
    }
    return false;
}
