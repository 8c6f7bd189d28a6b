/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/trace and GET /v1/trace/{callID}: which calls were captured, and the story of one of
 * them (capture/story.h), as a ladder, a picture or packets. The story is made by the worker.
 */
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "api/work.h"
#include "base/err.h"
#include "capture/pcap.h"
#include <stdlib.h>

/* ---- the list ---- */

static void put_time(struct text *t, const char *name, int64_t us)
{
    char buf[40];
    struct out o;

    if (us != 0) {
        out_init(&o, buf, sizeof(buf));
        story_time(us, &o);
        text_member(t, name, out_str_of(&o));
    }
}

static void put_call(struct text *t, const struct capture_call *c)
{
    text_c(t, "{");
    text_member(t, "callID", c->id);
    put_time(t, "began", c->began_us);
    put_time(t, "ended", c->ended_us);
    text_c(t, ",\"legs\":[");
    for (size_t i = 0, n = 0; i < c->legs; i++) {
        if (c->leg[i].named.n > 0) {
            continue; /* the session of a phone is of other calls as well */
        }
        text_c(t, n++ > 0 ? ",{" : "{");
        text_member(t, "sipCallID", c->leg[i].sip_call);
        text_member(t, "deviceID", c->leg[i].party);
        text_c(t, "}");
    }
    text_c(t, "],\"joined\":[");
    for (size_t i = 0; i < c->others; i++) {
        text_c(t, i > 0 ? "," : "");
        text_json(t, c->other[i]);
    }
    text_c(t, "]}");
}

/** @return false: there is no capture, and that was answered */
static bool has_capture(struct api_request *r)
{
    if (r->api->config.capture == NULL) {
        api_refuse(r, 409, "noTrace",
                   "Messages are not kept: set trace.enabled in the configuration.");
        return false;
    }
    return true;
}

void api_list_traces(struct api_request *r)
{
    struct text t = text_in(r->arena);
    struct capture_call *call;
    uint64_t limit = 100, before_us = 0;
    size_t n;

    if (!has_capture(r) || api_query_u64(r, "limit", 1, 1000, &limit) != 0 ||
        api_query_u64(r, "after", 1, INT64_MAX, &before_us) != 0) {
        return;
    }
    n = capture_calls(r->api->config.capture, (int64_t)before_us, (size_t)limit, r->arena,
                      &call);
    text_c(&t, "{\"items\":[");
    for (size_t i = 0; i < n; i++) {
        text_c(&t, i > 0 ? "," : "");
        put_call(&t, &call[i]);
    }
    text_c(&t, "]");
    if (n == limit) {
        text_fmt(&t, ",\"next\":\"%lld\"", (long long)call[n - 1].began_us);
    }
    text_c(&t, "}");
    text_reply(r, &t);
}

/* ---- one story ---- */

enum form { FORM_JSON, FORM_SVG, FORM_PCAP };

static const struct {
    const char *name, *type;
} forms[] = {
    [FORM_JSON] = {"json", "application/json"},
    [FORM_SVG] = {"svg", "image/svg+xml"},
    [FORM_PCAP] = {"pcap", "application/vnd.tcpdump.pcap"},
};

struct telling {
    struct api_work work;
    struct api_request *r;
    struct capture *capture;
    struct story_options o;
    struct str id;
    enum form form;
    bool bytes;
    int err;
    char *text; /**< of malloc */
    size_t n;
};

static void write_story(const struct telling *t, const struct story *s, struct out *o)
{
    switch (t->form) {
    case FORM_JSON:
        story_json(s, &t->o, t->bytes, o);
        break;
    case FORM_SVG:
        story_svg(s, &t->o, o);
        break;
    case FORM_PCAP:
        pcap_write(s, o);
        break;
    }
}

static void run(struct api_work *w)
{
    struct telling *t = container_of(w, struct telling, work);
    struct story s;
    struct out o;

    t->err = story_read(t->capture, t->id, &t->o, &s);
    if (t->err != 0) {
        return;
    }
    out_init(&o, NULL, 0);
    write_story(t, &s, &o);
    t->text = malloc(o.need + 1);
    if (t->text == NULL) {
        t->err = E_NOMEM;
    } else {
        out_init(&o, t->text, o.need + 1);
        write_story(t, &s, &o);
        t->n = o.n;
    }
    story_fini(&s);
}

static void done(struct api_work *w)
{
    struct telling *t = container_of(w, struct telling, work);
    struct api_request *r = t->r;
    struct str name = arena_fmt(r->arena, "attachment; filename=\"%s\"",
                                t->form == FORM_PCAP ? "call.pcap" : "");
    struct api_header file = {"Content-Disposition", name};
    char *text = t->text;

    if (t->err == E_NOTFOUND) {
        api_refuse(r, 404, "unknownCall",
                   "No message of that call is kept (any more); GET /v1/trace lists those that "
                   "are. A longer memory: trace.memory_mb.");
    } else if (t->err != 0) {
        api_busy(r, E_TOOMANY);
    } else {
        api_reply(r, 200, forms[t->form].type, str_make(text, t->n), &file,
                  t->form == FORM_PCAP ? 1 : 0);
    }
    free(text);
}

static bool read_form(struct api_request *r, enum form *out)
{
    struct str wanted = api_query(r, "format");

    *out = FORM_JSON;
    if (!str_is_set(wanted)) {
        return true;
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (str_eq(wanted, str_c(forms[i].name))) {
            *out = (enum form)i;
            return true;
        }
    }
    api_refuse(r, 400, "invalidQuery", "format is json, svg or pcap.");
    return false;
}

static bool is_true(struct api_request *r, const char *name, bool otherwise)
{
    struct str value = api_query(r, name);
    return str_is_set(value) ? str_eq(value, STR("true")) || str_eq(value, STR("1"))
                             : otherwise;
}

void api_get_trace(struct api_request *r)
{
    struct telling *t = arena_zalloc(r->arena, sizeof(*t));
    int err;

    if (!has_capture(r)) {
        return;
    }
    if (t == NULL) {
        api_busy(r, E_TOOMANY);
        return;
    }
    if (!read_form(r, &t->form)) {
        return;
    }
    t->r = r;
    t->capture = r->api->config.capture;
    t->o = r->api->config.story;
    t->o.packages = uui_packages_copy(r->api->rules->rules.packages, r->arena);
    t->o.raw = is_true(r, "raw", false);
    t->bytes = is_true(r, "bytes", true);
    t->id = api_param(r, "callID");
    t->work.run = run;
    t->work.done = done;
    err = t->o.packages != NULL ? api_work(r->api, &t->work) : E_NOMEM;
    if (err != 0) {
        api_busy(r, E_TOOMANY);
    }
}
