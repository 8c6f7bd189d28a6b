/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is now: lists in pages, single things, and their ends. The engine writes them
 * (engine/view.h) into a buffer of the request; here is only what HTTP adds.
 */
#include "api/handlers.h"
#include "api/request.h"
#include "base/err.h"
#include "engine/view.h"

/** Octets of a page, which bounds what it costs the engine, too: about half a millisecond. */
enum { PAGE_MAX = 128 * 1024 };

/** What is asked of the engine. */
struct look {
    enum view_list what;
    uint32_t limit;
    struct str after;
    char *buf;
    size_t cap;
    const struct single *single;
};

static struct look *look_new(struct api_request *r, size_t cap)
{
    struct look *k = arena_zalloc(r->arena, sizeof(*k));

    if (k != NULL) {
        k->cap = cap;
        k->buf = arena_alloc(r->arena, cap);
    }
    if (k == NULL || k->buf == NULL) {
        api_busy(r, E_TOOMANY);
        return NULL;
    }
    r->ctx = k;
    return k;
}

/** What a view came to. */
static void answer(struct api_request *r, int err, const struct out *o, const char *code,
                   const char *what)
{
    switch (err) {
    case 0:
        api_reply_json(r, out_str_of(o));
        break;
    case E_NOTFOUND:
        api_refuse(r, 404, code, "There is no such %s, or this token may not observe it.",
                   what);
        break;
    case E_DENIED:
        api_refuse(r, 403, "notYours", "This %s is another's; administrators may end it.",
                   what);
        break;
    case E_VALUE:
        api_refuse(r, 400, "badParameter",
                   "`after` must be `next` of a page of this list; begin without it.");
        break;
    default:
        api_refuse(r, 503, "busy", "There is no room for the answer; ask for less.");
    }
}

/* ---- lists ---- */

static bool run_list(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct look *k = r->ctx;
    struct view_ask ask = {.who = r->who, .after = k->after, .limit = k->limit};
    struct out o;

    out_init(&o, k->buf, k->cap);
    answer(r, view_list(e, k->what, &ask, &o, now_ms), &o, "", "list");
    return false;
}

static void list(struct api_request *r, enum view_list what)
{
    uint64_t limit = VIEW_LIMIT;
    struct look *k;

    if (api_query_u64(r, "limit", 1, VIEW_LIMIT_MAX, &limit) != 0) {
        return;
    }
    k = look_new(r, PAGE_MAX);
    if (k != NULL) {
        k->what = what;
        k->limit = (uint32_t)limit;
        k->after = api_query(r, "after");
        api_ask(r, run_list, NULL);
    }
}

void api_list_devices(struct api_request *r)
{
    list(r, VIEW_DEVICES);
}

void api_list_calls(struct api_request *r)
{
    list(r, VIEW_CALLS);
}

void api_list_registrations(struct api_request *r)
{
    list(r, VIEW_REGISTRATIONS);
}

void api_list_agents(struct api_request *r)
{
    list(r, VIEW_AGENTS);
}

void api_list_monitors(struct api_request *r)
{
    list(r, VIEW_MONITORS);
}

void api_list_sessions(struct api_request *r)
{
    list(r, VIEW_SESSIONS);
}

void api_list_peers(struct api_request *r)
{
    list(r, VIEW_PEERS);
}

void api_list_routes(struct api_request *r)
{
    list(r, VIEW_ROUTES);
}

/* ---- single things ---- */

/** What is shown of one thing, and how it is called. */
struct single {
    int (*view)(struct engine *e, const struct access_principal *who, struct str id,
                struct out *out, uint64_t now_ms);
    const char *param, *code, *what;
};

static bool run_single(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    const struct look *k = r->ctx;
    const struct single *s = k->single;
    struct out o;

    out_init(&o, k->buf, k->cap);
    answer(r, s->view(e, r->who, api_param(r, s->param), &o, now_ms), &o, s->code, s->what);
    return false;
}

static void look_at(struct api_request *r, const struct single *s)
{
    struct look *k = look_new(r, VIEW_ITEM_MAX);

    if (k != NULL) {
        k->single = s;
        api_ask(r, run_single, NULL);
    }
}

void api_get_device(struct api_request *r)
{
    static const struct single device = {view_device, "device", "unknownDevice", "device"};

    look_at(r, &device);
}

void api_get_diagnosis(struct api_request *r)
{
    static const struct single diagnosis = {view_diagnosis, "device", "unknownDevice",
                                            "device"};

    look_at(r, &diagnosis);
}

void api_get_call(struct api_request *r)
{
    static const struct single call = {view_call, "callID", "unknownCall", "call"};

    look_at(r, &call);
}

static bool run_connection(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    const struct look *k = r->ctx;
    struct out o;

    out_init(&o, k->buf, k->cap);
    answer(
        r,
        view_connection(e, r->who, api_param(r, "callID"), api_param(r, "device"), &o, now_ms),
        &o, "unknownConnection", "connection");
    return false;
}

void api_get_connection(struct api_request *r)
{
    if (look_new(r, VIEW_ITEM_MAX) != NULL) {
        api_ask(r, run_connection, NULL);
    }
}

/* ---- to end something ---- */

static void ended(struct api_request *r, int err, const char *code, const char *what)
{
    if (err == 0) {
        api_reply(r, 204, NULL, STR(""), NULL, 0);
    } else {
        answer(r, err, NULL, code, what);
    }
}

static bool run_end_monitor(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    ended(r, view_end_monitor(e, r->who, api_param(r, "monitor"), now_ms), "unknownMonitor",
          "monitor");
    return false;
}

void api_end_monitor(struct api_request *r)
{
    api_ask(r, run_end_monitor, NULL);
}

static bool run_end_session(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    ended(r, view_end_session(e, r->who, api_param(r, "session"), now_ms), "unknownSession",
          "session");
    return false;
}

void api_end_session(struct api_request *r)
{
    api_ask(r, run_end_session, NULL);
}
