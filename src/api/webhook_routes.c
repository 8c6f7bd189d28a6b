/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /v1/webhooks: made, shown, paused, resumed, tried, removed. Everybody has his own; an
 * administrator sees all. The secret is told once, in the answer to who made it.
 */
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "api/webhook.h"
#include "base/err.h"
#include "engine/engine.h"
#include <stdio.h>
#include <stdlib.h>

static struct webhooks *of(const struct api_request *r)
{
    return events_webhooks(api_events(r->api));
}

static bool is_his(const struct api_request *r, const struct webhook *w)
{
    return access_is_admin(r->who) || str_eq(r->who->name, w->owner);
}

static struct webhook *find(struct api_request *r)
{
    struct webhook *w = NULL;

    if (!events_there(r)) {
        return NULL;
    }
    w = webhooks_find(of(r), api_param(r, "webhook"));
    if (w == NULL || !is_his(r, w)) {
        api_refuse(r, 404, "unknownWebhook", "There is no such webhook, or it is another's.");
        return NULL;
    }
    return w;
}

static void put_number(struct text *t, const char *name, uint64_t n)
{
    text_name(t, name);
    text_fmt(t, "%llu", (unsigned long long)n);
}

static void put_webhook(struct text *t, const struct webhook *w, bool secret)
{
    json_t *filter = choice_filter_json(&w->reader.filter);
    char *said = filter != NULL ? json_dumps(filter, JSON_COMPACT) : NULL;
    uint64_t head = feed_head(events_feed(api_events(webhooks_api(w->all))));

    text_c(t, "{");
    text_member(t, "webhook", str_c(w->id));
    text_member(t, "url", w->url);
    text_member(t, "form", w->form == WEBHOOK_PUSH ? STR("push") : STR("cloudevents"));
    text_name(t, "filter");
    text_c(t, said != NULL ? said : "{}");
    text_member(t, "owner", w->owner);
    text_name(t, "created");
    text_c(t, "\"");
    text_time(t, w->created_ms);
    text_c(t, "\"");
    text_member(t, "state",
                w->paused         ? STR("paused")
                : w->attempts > 0 ? STR("retrying")
                                  : STR("active"));
    if (w->why[0] != '\0') {
        text_member(t, "reason", str_c(w->why));
    }
    text_name(t, "sequence");
    text_fmt(t, "\"%llu\"", (unsigned long long)w->cursor);
    put_number(t, "lag", head > w->cursor && w->body != NULL ? head - w->cursor : 0);
    put_number(t, "delivered", w->delivered);
    put_number(t, "refused", w->refused);
    put_number(t, "failed", w->failed);
    if (w->status != 0) {
        put_number(t, "status", w->status);
    }
    if (secret) {
        text_member(t, "secret", w->secret);
    }
    text_c(t, "}");
    free(said);
    json_decref(filter);
}

static void reply_one(struct api_request *r, const struct webhook *w)
{
    struct text t = text_in(r->arena);

    put_webhook(&t, w, false);
    text_reply(r, &t);
}

void api_get_webhooks(struct api_request *r)
{
    struct text t = text_in(r->arena);
    bool first = true;

    if (!events_there(r)) {
        return;
    }
    text_c(&t, "{\"items\":[");
    for (struct webhook *w = NULL; (w = webhooks_next(of(r), w)) != NULL;) {
        if (is_his(r, w)) {
            text_c(&t, first ? "" : ",");
            put_webhook(&t, w, false);
            first = false;
        }
    }
    text_c(&t, "]}");
    text_reply(r, &t);
}

void api_get_webhook(struct api_request *r)
{
    struct webhook *w = find(r);

    if (w != NULL) {
        reply_one(r, w);
    }
}

void api_delete_webhook(struct api_request *r)
{
    struct webhook *w = find(r);

    if (w != NULL) {
        webhook_drop(w);
        api_reply(r, 204, NULL, STR(""), NULL, 0);
    }
}

void api_pause_webhook(struct api_request *r)
{
    struct webhook *w = find(r);

    if (w != NULL) {
        webhook_pause(w, "paused by request");
        reply_one(r, w);
    }
}

void api_resume_webhook(struct api_request *r)
{
    struct webhook *w = find(r);

    if (w != NULL) {
        webhook_resume(w);
        reply_one(r, w);
    }
}

/* ---- made ---- */

struct making {
    struct webhook *w;
    enum feed_from from;
    int err;
};

/** In the engine's thread: where it begins is known here, and it is kept from the beginning. */
static bool run_make(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct making *m = r->ctx;
    struct out o;
    char *row;

    (void)now_ms;
    if (m->from == FEED_NOW) {
        m->w->cursor = engine_head(e);
    }
    out_init(&o, NULL, 0);
    webhook_pack(&o, m->w);
    row = arena_alloc(r->arena, o.need);
    m->err = row == NULL ? E_NOMEM : 0;
    if (m->err == 0) {
        out_init(&o, row, o.need);
        webhook_pack(&o, m->w);
        m->err = engine_put_row(e, STORE_WEBHOOK, str_c(m->w->id), out_str_of(&o));
    }
    return false;
}

static void on_made(struct api_request *r)
{
    struct making *m = r->ctx;
    struct text t = text_in(r->arena);
    char where[64];

    if (m->err != 0) {
        webhook_free(m->w);
        api_busy(r, m->err);
        return;
    }
    m->w->saved = m->w->cursor;
    webhook_add(m->w);
    put_webhook(&t, m->w, true);
    (void)snprintf(where, sizeof(where), "/v1/webhooks/%s", m->w->id);
    struct api_header location = {"Location", arena_dup(r->arena, str_c(where))};
    if (t.failed) {
        api_busy(r, E_NOMEM);
        return;
    }
    api_reply(r, 201, "application/json", text_str(&t), &location, 1);
}

static const char *read_form(const json_t *form, struct webhook *w)
{
    const char *text = json_string_value(form);

    if (form == NULL || (text != NULL && strcmp(text, "cloudevents") == 0)) {
        return NULL;
    }
    if (text == NULL || strcmp(text, "push") != 0) {
        return "`form` is cloudevents or push.";
    }
    return webhook_set_form(w, WEBHOOK_PUSH) ? NULL : "There is no memory for it.";
}

static struct str text_of(const json_t *v)
{
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR_NONE;
}

static const char *read_secret(const json_t *secret, struct webhook *w)
{
    struct str text = text_of(secret);

    if (secret == NULL) {
        return NULL;
    }
    if (text.n < 16 || text.n > WEBHOOK_SECRET_MAX) {
        return "`secret` has 16 to 128 octets; without it one is made.";
    }
    w->secret = arena_dup(&w->arena, text);
    return NULL;
}

static const char *only_known(const json_t *body)
{
    static const char *const known[] = {"url", "from", "filter", "form", "secret"};
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)body, name, v)
    {
        size_t i = 0;
        while (i < ARRAY_LEN(known) && strcmp(name, known[i]) != 0) {
            i++;
        }
        if (i == ARRAY_LEN(known)) {
            return "A webhook is made of url, filter, from, form and secret.";
        }
    }
    return NULL;
}

/** A page's token lives ten minutes; what it made would be nobody's after that. */
static bool may_own(const struct api_request *r)
{
    return r->who->entry == NULL || r->who->entry->source != ACCESS_BROWSER;
}

/** @return NULL, or what is wrong */
static const char *read_order(const json_t *body, struct webhook *w, struct making *m)
{
    struct str url = text_of(json_object_get(body, "url"));
    struct choice c;
    const char *why = json_is_object(body) ? only_known(body) : "An object is wanted.";

    if (why != NULL || !webhook_url_ok(w->all, url, &why) ||
        !choice_of_json(body, &w->arena, &c, &why)) {
        return why;
    }
    if (c.snapshot) {
        return "A webhook begins now, at the earliest, or behind a number.";
    }
    w->url = arena_dup(&w->arena, url);
    w->reader.filter = c.filter;
    w->cursor = c.after;
    m->from = c.from;
    why = read_form(json_object_get(body, "form"), w);
    return why != NULL ? why : read_secret(json_object_get(body, "secret"), w);
}

void api_post_webhooks(struct api_request *r)
{
    struct making *m = arena_zalloc(r->arena, sizeof(*m));
    json_t *body;
    const char *why;

    if (!events_there(r)) {
        return;
    }
    if (!may_own(r)) {
        api_refuse(r, 409, "tokenOfPage",
                   "A page's token may own no webhook: make it with the one it was made by.");
        return;
    }
    if (webhooks_full(of(r), r->who->name)) {
        api_refuse(r, 409, "tooManyWebhooks",
                   "There are as many webhooks as there may be, or half of them are yours "
                   "(api.max_webhooks): remove one.");
        return;
    }
    if (m == NULL || (m->w = webhook_new(of(r))) == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    m->w->owner = arena_dup(&m->w->arena, r->who->name);
    m->w->created_ms = events_wall_ms(api_events(r->api));
    body =
        json_loadb(r->body.p != NULL ? r->body.p : "", r->body.n, JSON_REJECT_DUPLICATES, NULL);
    why = read_order(body, m->w, m);
    json_decref(body);
    if (why != NULL) {
        struct webhook *w = m->w; /* which has the sentence; `m` goes with the request */
        api_refuse(r, 400, "badWebhook", "%s", why);
        webhook_free(w);
        return;
    }
    r->ctx = m;
    api_ask(r, run_make, on_made);
}

/* ---- tried ---- */

static void on_tried(void *owner, unsigned status, uint32_t wait_s, const char *why)
{
    struct api_request *r = owner;
    struct text t = text_in(r->arena);

    (void)wait_s;
    text_c(&t, "{");
    text_name(&t, "taken");
    text_c(&t, status >= 200 && status <= 299 ? "true" : "false");
    if (status != 0) {
        put_number(&t, "status", status);
    }
    if (why[0] != '\0') {
        text_member(&t, "reason", str_c(why));
    }
    text_c(&t, "}");
    text_reply(r, &t);
}

void api_test_webhook(struct api_request *r)
{
    struct webhook *w = find(r);
    struct cloud_event e = {.type = STR("org.baton.test.v1")};
    struct delivery d;

    if (w == NULL) {
        return;
    }
    e.at_ms = (int64_t)events_wall_ms(api_events(r->api));
    if (cloud_wrap(&e, events_source(api_events(r->api)), STR("{\"test\":true}"), r->arena) !=
        0) {
        api_busy(r, E_NOMEM);
        return;
    }
    d = (struct delivery){.url = w->url,
                          .secret = w->secret,
                          .body = e.text,
                          .type = "application/cloudevents+json; charset=utf-8",
                          .webhook = str_c(w->id)};
    if (w->form == WEBHOOK_PUSH) {
        d.type = "application/x-www-form-urlencoded";
        d.body = STR("event=newCall&from=anonymous&to=0&direction=in&callId=test");
    }
    if (sender_post(webhooks_sender(of(r)), &d, on_tried, r) == NULL) {
        api_busy(r, E_NOMEM);
    }
}
