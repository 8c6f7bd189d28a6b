/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens over HTTP: made, listed, revoked; for pages; and who am I.
 *
 * The table belongs to the API's thread (access/table.h), the rows to the engine's, which hands
 * them to the store:
 *
 *   create   table ──► row ──kept──► the text is shown, once
 *   revoke   row dropped ──kept──► table: from then on, and for good
 *
 * What cannot be kept is not made: a token that a restart would forget is none.
 */
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "base/err.h"
#include "engine/engine.h"
#include "store/store.h"
#include <jansson.h>

enum { ROW_MAX = 16384, YEARS_MAX_S = 10 * 366 * 86400 };

/* ---- what stands in a body ---- */

/** What is asked for; strings are the body's, which lives as long as the request. */
struct asked {
    struct str name, origin;
    struct access_scope *scopes;
    size_t count;
    uint64_t expires_in_s; /**< 0: not said */
};

static void bad_body(struct api_request *r, struct str pointer, const char *why)
{
    api_problem(r,
                &(struct api_fault){.status = 400, .code = "invalidBody", .pointer = pointer},
                "%s", why);
}

static struct str text_of(struct api_request *r, const json_t *v)
{
    return arena_dup(r->arena, str_make(json_string_value(v), json_string_length(v)));
}

static bool read_scopes(struct api_request *r, const json_t *list, struct asked *out)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > ACCESS_SCOPES_MAX) {
        bad_body(r, STR("/scopes"),
                 "scopes: a list of 1 to 64 scopes, e.g. [\"observe:10*\"].");
        return false;
    }
    out->scopes = arena_alloc(r->arena, n * sizeof(*out->scopes));
    for (size_t i = 0; out->scopes != NULL && i < n; i++) {
        const json_t *v = json_array_get(list, i);
        if (!json_is_string(v) ||
            access_scope_read(text_of(r, v), &out->scopes[out->count++]) != 0) {
            bad_body(
                r, arena_fmt(r->arena, "/scopes/%zu", i),
                "A scope is observe:PATTERN, control:PATTERN or admin; PATTERN is a number, "
                "number@domain, or a beginning with * at its end.");
            return false;
        }
    }
    if (out->scopes == NULL) {
        api_busy(r, E_NOMEM);
    }
    return out->scopes != NULL;
}

static bool read_member(struct api_request *r, const char *key, const json_t *v,
                        struct asked *out)
{
    if (strcmp(key, "scopes") == 0) {
        return read_scopes(r, v, out);
    }
    if (strcmp(key, "expiresIn") == 0) {
        json_int_t s = json_integer_value(v);
        if (!json_is_integer(v) || s < 1 || s > YEARS_MAX_S) {
            bad_body(r, STR("/expiresIn"), "expiresIn: seconds, from 1 to ten years.");
            return false;
        }
        out->expires_in_s = (uint64_t)s;
        return true;
    }
    struct str *to = strcmp(key, "name") == 0     ? &out->name
                     : strcmp(key, "origin") == 0 ? &out->origin
                                                  : NULL;
    if (to != NULL && !json_is_string(v)) {
        bad_body(r, arena_fmt(r->arena, "/%s", key), "This is a text.");
        return false;
    }
    if (to != NULL) {
        *to = text_of(r, v);
    }
    return true; /* unknown members are passed over */
}

/** @return false: answered */
static bool read_body(struct api_request *r, struct asked *out)
{
    json_error_t e;
    const char *key;
    json_t *v;
    *out = (struct asked){.name = STR_NONE};
    if (r->body.n == 0) {
        return true;
    }
    json_t *all = json_loadb(r->body.p, r->body.n, JSON_REJECT_DUPLICATES, &e);
    bool ok = json_is_object(all);
    if (!ok) {
        bad_body(r, STR(""), "The body must be one object of JSON.");
    }
    json_object_foreach(all, key, v)
    {
        ok = ok && read_member(r, key, v, out);
    }
    json_decref(all);
    return ok;
}

/* ---- what is shown ---- */

static void put_scopes(struct text *t, const struct access_principal *p)
{
    char buf[ACCESS_SCOPE_TEXT];
    text_name(t, "scopes");
    text_c(t, "[");
    for (size_t i = 0; i < p->count; i++) {
        struct out o;
        out_init(&o, buf, sizeof(buf));
        access_scope_write(&o, &p->scopes[i]);
        text_c(t, i > 0 ? "," : "");
        text_json(t, out_str_of(&o));
    }
    text_c(t, "]");
}

static void put_time(struct text *t, const char *name, uint64_t at_ms)
{
    if (at_ms != 0) {
        text_name(t, name);
        text_c(t, "\"");
        text_time(t, at_ms);
        text_c(t, "\"");
    }
}

/** @param secret  the token itself, to be shown once; absent in lists */
static void put_entry(struct text *t, const struct access_entry *e, struct str secret)
{
    text_c(t, "{");
    text_member(t, "id", e->id);
    text_member(t, "kind", e->source == ACCESS_BROWSER ? STR("browser") : STR("token"));
    text_member(t, "name", e->name);
    put_scopes(t, &e->who);
    put_time(t, "created", e->created_ms);
    put_time(t, "expires", e->who.expires_ms);
    put_time(t, "lastUsed", e->used_ms);
    text_name(t, "expired");
    text_c(t, access_alive(&e->who, allow_now_ms()) ? "false" : "true");
    if (e->by.n > 0) {
        text_member(t, "createdBy", e->by);
    }
    if (e->origin.n > 0) {
        text_member(t, "origin", e->origin);
    }
    if (secret.n > 0) {
        text_member(t, "token", secret);
    }
    text_c(t, "}");
}

void api_get_whoami(struct api_request *r)
{
    struct text t = text_in(r->arena);
    text_c(&t, "{");
    text_member(&t, "name", r->who->name);
    put_scopes(&t, r->who);
    put_time(&t, "expires", r->who->expires_ms);
    text_name(&t, "admin");
    text_c(&t, r->who->admin ? "true}" : "false}");
    text_reply(r, &t);
}

/** Behind that id; absent: the first. */
static const struct access_entry *first_after(const struct access_table *t, struct str after)
{
    const struct access_entry *e = access_next(t, NULL);
    if (str_is_set(after)) {
        while (e != NULL && !str_eq(e->id, after)) {
            e = access_next(t, e);
        }
        e = e != NULL ? access_next(t, e) : NULL;
    }
    return e;
}

void api_get_tokens(struct api_request *r)
{
    const struct access_table *table = &r->api->access.table;
    const struct access_entry *e = first_after(table, api_query(r, "after"));
    struct text t = text_in(r->arena);
    struct str last = STR_NONE;
    uint64_t limit = 1000, n = 0;
    if (api_query_u64(r, "limit", 1, 1000, &limit) != 0) {
        return;
    }
    text_c(&t, "{\"items\":[");
    for (; e != NULL && n < limit; e = access_next(table, e)) {
        if (e->source == ACCESS_TOKEN || e->source == ACCESS_BROWSER) {
            text_c(&t, n++ > 0 ? "," : "");
            put_entry(&t, e, STR_NONE);
            last = e->id;
        }
    }
    text_c(&t, "]");
    if (e != NULL) {
        text_member(&t, "next", last);
    }
    text_c(&t, "}");
    text_reply(r, &t);
}

/** 201 with the token in it. */
static void reply_made(struct api_request *r, const struct access_entry *e, struct str secret)
{
    struct text t = text_in(r->arena);
    struct api_header location = {"Location",
                                  arena_fmt(r->arena, "/v1/tokens/%.*s", STR_ARG(e->id))};
    put_entry(&t, e, secret);
    if (t.failed || location.value.p == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    api_reply(r, 201, "application/json", text_str(&t), &location, 1);
}

static void refuse_order(struct api_request *r, int err)
{
    switch (err) {
    case E_EXISTS:
        api_refuse(r, 409, "tokenExists", "A token of that name is there: revoke it first.");
        break;
    case E_TOOMANY:
        api_refuse(r, 409, "tooManyTokens", "There are too many tokens: revoke some first.");
        break;
    case E_DENIED:
        api_refuse(r, 403, "scopeMissing",
                   "A token for a page may do no more than whoever asks for it.");
        break;
    case E_VALUE:
        api_refuse(r, 400, "invalidBody",
                   "A name (1 to 64 printable characters without blanks and quotes) and scopes "
                   "are wanted; for a page its origin, https://HOST.");
        break;
    default:
        api_busy(r, err);
        break;
    }
}

/* ---- create ---- */

/** A token on its way to the store. */
struct making {
    struct access_fresh fresh;
    struct str id, row;
    int err;
};

static bool keep_row(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct making *m = r->ctx;
    (void)now_ms;
    m->err = engine_put_row(e, STORE_TOKEN, m->id, m->row);
    return false;
}

static void on_kept(struct api_request *r)
{
    struct making *m = r->ctx;
    const struct access_entry *e = access_token(&r->api->access.table, m->id);
    if (m->err == 0 && e == NULL) {
        api_refuse(r, 409, "revoked", "Somebody has revoked it while it was made.");
    } else if (m->err == 0) {
        struct access_fresh fresh = m->fresh; /* the request ends with its answer */
        explicit_bzero(&m->fresh, sizeof(m->fresh));
        reply_made(r, e, str_make(fresh.text, ACCESS_TEXT));
        explicit_bzero(&fresh, sizeof(fresh));
    } else {
        (void)!access_revoke(&r->api->access.table, m->id);
        refuse_order(r, m->err);
    }
}

static struct str row_of(struct api_request *r, const struct access_entry *e)
{
    struct out o;
    char *room = arena_alloc(r->arena, ROW_MAX);
    if (room == NULL) {
        return STR_NONE;
    }
    out_init(&o, room, ROW_MAX);
    access_pack(&o, e);
    return o.over ? STR_NONE : out_str_of(&o);
}

static uint64_t expiry(const struct asked *a, uint64_t now_ms)
{
    return a->expires_in_s != 0 ? now_ms + a->expires_in_s * 1000 : 0;
}

void api_create_token(struct api_request *r)
{
    struct api *a = r->api;
    struct asked asked;
    struct making *m = arena_zalloc(r->arena, sizeof(*m));
    const struct access_entry *e;
    if (a->config.store == NULL || !store_lasts(a->config.store)) {
        api_refuse(r, 409, "noStore",
                   "Tokens are kept in the store, and there is none: set store.path.");
        return;
    }
    if (m == NULL || a->jobs_out[r->face == API_FACE_UNIX] >=
                         a->config.max_jobs) { /* none is made that is not kept */
        api_busy(r, m == NULL ? E_NOMEM : E_TOOMANY);
        return;
    }
    if (!read_body(r, &asked)) {
        return;
    }
    struct access_order order = {.name = asked.name,
                                 .by = r->who->name,
                                 .scopes = asked.scopes,
                                 .count = asked.count,
                                 .now_ms = allow_now_ms()};
    order.expires_ms = expiry(&asked, order.now_ms);
    int err = access_create(&a->access.table, &order, &m->fresh, &e);
    if (err != 0) {
        refuse_order(r, err);
        return;
    }
    allow_sweep(a);
    m->row = row_of(r, e);
    m->id = arena_dup(r->arena, e->id);
    r->ctx = m;
    if (m->row.p == NULL || m->id.p == NULL) {
        (void)!access_revoke(&a->access.table, order.name);
        api_busy(r, E_NOMEM);
        return;
    }
    api_ask(r, keep_row, on_kept);
}

void api_create_browser_token(struct api_request *r)
{
    struct api *a = r->api;
    const struct access_entry *e;
    struct access_fresh fresh;
    struct asked asked;
    struct str origin = r->field[API_ORIGIN];
    if (!read_body(r, &asked)) {
        return;
    }
    if (str_is_set(asked.origin) && str_is_set(origin) && !str_ieq(asked.origin, origin)) {
        bad_body(r, STR("/origin"), "A page can ask for itself only.");
        return;
    }
    struct access_order order = {
        .scopes = asked.scopes, .count = asked.count, .now_ms = allow_now_ms()};
    order.expires_ms = expiry(&asked, order.now_ms);
    int err = access_create_browser(&a->access.table, r->who,
                                    str_is_set(asked.origin) ? asked.origin : origin, &order,
                                    &fresh, &e);
    if (err != 0) {
        refuse_order(r, err);
        return;
    }
    allow_sweep(a);
    reply_made(r, e, str_make(fresh.text, ACCESS_TEXT));
    explicit_bzero(&fresh, sizeof(fresh));
}

/* ---- revoke ---- */

static bool drop_row(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    (void)now_ms;
    engine_drop_row(e, STORE_TOKEN, *(struct str *)r->ctx);
    return false;
}

static void on_dropped(struct api_request *r)
{
    /* Who revokes himself has his answer all the same: his principal is held. */
    (void)!access_revoke(&r->api->access.table, *(struct str *)r->ctx);
    api_reply(r, 204, NULL, STR(""), NULL, 0);
}

void api_revoke_token(struct api_request *r)
{
    const struct access_entry *e = access_token(&r->api->access.table, api_param(r, "token"));
    struct str *id = arena_zalloc(r->arena, sizeof(*id));
    if (e == NULL) {
        api_refuse(r, 404, "unknownToken", "There is no token of that id or name.");
        return;
    }
    if (id == NULL || (*id = arena_dup(r->arena, e->id)).p == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    r->ctx = id;
    api_ask(r, drop_row, on_dropped);
}

/* ---- at start ---- */

static void restore(void *ctx, struct str key, struct str row)
{
    struct api *a = ctx;
    int err = access_restore(&a->access.table, key, row);
    if (err != 0) {
        api_log(a, TRACE_WARN, "a token of before is not known any more: %s", err_text(err));
    }
}

void api_restore(struct api *a, const struct engine *e)
{
    engine_each_row(e, STORE_TOKEN, restore, a);
    allow_sweep(a);
}
