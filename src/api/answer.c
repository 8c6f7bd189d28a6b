/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One answer to a request: noted, when the engine has the request; written, when we have it.
 */
#include "api/parts.h"
#include "base/err.h"
#include "csta/json_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

/** A head that we write: security headers and a few of a handler's. */
enum { HEAD_ROOM = 8192, DETAIL_MAX = 1536 };

const char *answer_phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } table[] = {
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {304, "Not Modified"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {428, "Precondition Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].status == status) {
            return table[i].phrase;
        }
    }
    return status < 400 ? "Done" : "Refused";
}

void answer_full(struct out *o)
{
    static const char body[] =
        "{\"type\":\"urn:baton:problem:tooManyClients\",\"title\":\"Service Unavailable\","
        "\"status\":503,\"code\":\"tooManyClients\",\"detail\":\"As many clients are "
        "connected as api.max_clients or api.max_per_address allow; ask again in a moment.\"}";
    out_fmt(o,
            "HTTP/1.1 503 %s\r\nContent-Type: application/problem+json\r\n"
            "Content-Length: %zu\r\nRetry-After: 2\r\nConnection: close\r\n\r\n%s",
            answer_phrase(503), sizeof(body) - 1, body);
}

/* ---- the head ---- */

/** IMF-fixdate (RFC 9110 §5.6.7), made once a second. */
static const char *date_of(struct api *a)
{
    uint64_t now_s = a->config.env->wall_s(a->config.env->ctx);
    if (now_s != a->date_s) {
        time_t t = (time_t)now_s;
        struct tm tm;
        (void)gmtime_r(&t, &tm);
        (void)strftime(a->date, sizeof(a->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
        a->date_s = now_s;
    }
    return a->date;
}

/** CR and LF in a value would begin another field. */
static void write_field(struct out *o, const struct api_header *h)
{
    out_fmt(o, "%s: ", h->name);
    for (size_t i = 0; i < h->value.n; i++) {
        char ch = h->value.p[i];
        out_ch(o, (unsigned char)ch < 0x20 || ch == 0x7f ? ' ' : ch);
    }
    out_c(o, "\r\n");
}

static bool has_header(const struct api_header *headers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (str_ieq(str_c(headers[i].name), str_c(name))) {
            return true;
        }
    }
    return false;
}

void answer_head(struct exchange *x, struct out *o, unsigned status, const char *type,
                 size_t length, const struct api_header *headers, size_t header_count)
{
    out_fmt(o, "HTTP/1.1 %u %s\r\nDate: %s\r\n", status, answer_phrase(status),
            date_of(x->r.api));
    if (type != NULL && status != 304) {
        out_fmt(o, "Content-Type: %s\r\n", type);
    }
    if (length != SIZE_MAX && status != 204 && status != 304 && status != 101) {
        out_fmt(o, "Content-Length: %zu\r\n", length);
    }
    for (size_t i = 0; i < header_count; i++) {
        write_field(o, &headers[i]);
    }
    if (!has_header(headers, header_count, "Cache-Control")) {
        out_c(o, "Cache-Control: no-store\r\n");
    }
    out_fmt(o, "X-Request-Id: %llu\r\n", (unsigned long long)x->r.number);
    if (str_is_set(api_traceparent(&x->r))) {
        out_fmt(o, "traceparent: %.*s\r\n", STR_ARG(x->r.field[API_TRACEPARENT]));
    }
    /* Of a 304, too: a browser takes its policy in the place of the one that it has kept. */
    site_headers(x, o, type != NULL && str_istarts(str_c(type), STR("text/html")));
    if (status != 101 && (!x->keep || x->early || x->r.api->draining)) {
        out_c(o, "Connection: close\r\n");
    }
}

/* ---- sending ---- */

void answer_noted(struct exchange *x, unsigned status, const char *what)
{
    struct api *a = x->r.api;
    uint64_t took_us = (uv_hrtime() - x->came_ns) / 1000;
    count_one(&a->count.answers[status / 100 < 6 ? status / 100 : 0]);
    (void)pthread_mutex_lock(&a->lock);
    histogram_add(&a->took, took_us);
    (void)pthread_mutex_unlock(&a->lock);
    api_log_of(&x->r, TRACE_DEBUG, "%.*s: %s %.*s %u%s, %llu us", STR_ARG(x->r.peer),
               api_method_name(x->r.method), STR_ARG(x->r.path), status, what,
               (unsigned long long)took_us);
}

void answer_send(struct exchange *x)
{
    struct api_answer *w = &x->answer;
    struct client *c = x->client;
    char room[HEAD_ROOM];
    struct out o;
    if (x->begun) {
        return;
    }
    x->begun = x->over = true;
    answer_noted(x, w->status, "");
    audit_answer(x, w->status);
    if (c == NULL) {
        exchange_finish(x);
        return;
    }
    out_init(&o, room, sizeof(room));
    answer_head(x, &o, w->status, w->type, w->body.n, w->headers, w->header_count);
    out_c(&o, "\r\n");
    if (o.over) {
        api_log(x->r.api, TRACE_ERROR, "answer to %s has too many header fields",
                x->r.route != NULL ? x->r.route->operation : "?");
        wire_drop(c->wire);
        exchange_finish(x);
        return;
    }
    heard_answer(x, out_str_of(&o), w->body);
    struct str run[2] = {out_str_of(&o), x->head || w->status == 304 ? STR("") : w->body};
    atomic_fetch_add_explicit(&x->r.api->count.octets_out, run[0].n + run[1].n,
                              memory_order_relaxed);
    (void)wire_send(c->wire, run, 2);
    exchange_finish(x);
}

/** Header fields into the arena, for an answer that leaves later. */
static const struct api_header *keep_headers(struct exchange *x,
                                             const struct api_header *headers, size_t n)
{
    struct api_header *all = arena_alloc(&x->arena, (n + 1) * sizeof(*all));
    for (size_t i = 0; all != NULL && i < n; i++) {
        all[i] = (struct api_header){headers[i].name, arena_dup(&x->arena, headers[i].value)};
    }
    return all;
}

static bool etag_matches(struct str list, struct str etag)
{
    if (str_eq(str_trim(list), STR("*"))) {
        return true;
    }
    while (list.n > 0) {
        size_t comma = str_index(list, ',');
        struct str one = str_trim(str_upto(list, comma));
        one = str_starts(one, STR("W/")) ? str_from(one, 2) : one;
        if (str_eq(one, etag)) {
            return true;
        }
        list = str_from(list, comma < list.n ? comma + 1 : comma);
    }
    return false;
}

/** GET of what the client has already (RFC 9110 §13.1.2)? */
static bool not_modified(const struct exchange *x, unsigned status,
                         const struct api_header *headers, size_t n)
{
    struct str list = x->r.field[API_IF_NONE_MATCH];
    if (status != 200 || !str_is_set(list) || (x->r.method != API_GET && !x->head)) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (str_ieq(str_c(headers[i].name), STR("ETag"))) {
            return etag_matches(list, headers[i].value);
        }
    }
    return false;
}

void api_reply(struct api_request *r, unsigned status, const char *content_type,
               struct str body, const struct api_header *headers, size_t header_count)
{
    struct exchange *x = exchange_of(r);
    struct api_answer *w = &x->answer;
    if (x->over || w->status != 0) {
        return; /* the first one counts */
    }
    *w = (struct api_answer){status, content_type, body, headers, header_count};
    if (not_modified(x, status, headers, header_count)) {
        w->status = 304;
        w->body = STR("");
    }
    if (!x->away) {
        answer_send(x);
        return;
    }
    w->body = arena_dup(&x->arena, w->body);
    w->headers = keep_headers(x, headers, header_count);
    if ((w->body.p == NULL && body.n > 0 && w->status != 304) || w->headers == NULL) {
        *w = (struct api_answer){.status = 503, .body = STR("")};
    }
}

void api_reply_json(struct api_request *r, struct str body)
{
    api_reply(r, 200, "application/json", body, NULL, 0);
}

/* ---- problems ---- */

static void put_member(struct out *o, const char *name, struct str value)
{
    out_fmt(o, ",\"%s\":", name);
    json_put_string(o, value);
}

static void write_problem(struct out *o, const struct api_request *r,
                          const struct api_fault *fault, struct str detail)
{
    out_fmt(o, "{\"type\":\"urn:baton:problem:%s\",\"title\":\"%s\",\"status\":%u", fault->code,
            answer_phrase(fault->status), fault->status);
    put_member(o, "detail", detail);
    put_member(o, "code", str_c(fault->code));
    out_fmt(o, ",\"instance\":\"urn:baton:request:%llu\"", (unsigned long long)r->number);
    if (fault->csta_category != NULL) {
        out_fmt(o, ",\"csta\":{\"category\":\"%s\"", fault->csta_category);
        if (fault->csta_value != NULL) {
            put_member(o, "value", str_c(fault->csta_value));
        }
        out_ch(o, '}');
    }
    if (fault->sip != 0) {
        out_fmt(o, ",\"sip\":%u", fault->sip);
    }
    if (str_is_set(fault->pointer)) {
        put_member(o, "pointer", fault->pointer);
    }
    out_ch(o, '}');
}

struct str answer_problem(struct api_request *r, const struct api_fault *fault,
                          const char *detail)
{
    char room[1024];
    struct out o;
    out_init(&o, room, sizeof(room));
    write_problem(&o, r, fault, str_c(detail));
    return o.over ? STR_NONE : arena_dup(r->arena, out_str_of(&o));
}

static void tell_fault(struct api_request *r, const struct api_fault *fault,
                       const struct api_header *headers, size_t header_count, const char *fmt,
                       va_list args) __attribute__((format(printf, 5, 0)));

static void tell_fault(struct api_request *r, const struct api_fault *fault,
                       const struct api_header *headers, size_t header_count, const char *fmt,
                       va_list args)
{
    char detail[DETAIL_MAX];
    int n = vsnprintf(detail, sizeof(detail), fmt, args);
    struct str text = str_make(detail, n < 0                        ? 0
                                       : (size_t)n < sizeof(detail) ? (size_t)n
                                                                    : sizeof(detail) - 1);
    char room[6 * DETAIL_MAX + 6 * 512 + 1024];
    struct out o;
    out_init(&o, room, sizeof(room));
    write_problem(&o, r, fault, text);
    if (o.over) {
        struct api_fault less = *fault;
        less.pointer = STR_NONE;
        out_init(&o, room, sizeof(room));
        write_problem(&o, r, &less, str_upto(text, 256));
    }
    api_reply(r, fault->status, "application/problem+json", out_str_of(&o), headers,
              header_count);
}

void answer_fault(struct api_request *r, const struct api_fault *fault,
                  const struct api_header *headers, size_t header_count, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell_fault(r, fault, headers, header_count, fmt, args);
    va_end(args);
}

void api_problem(struct api_request *r, const struct api_fault *fault, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell_fault(r, fault, NULL, 0, fmt, args);
    va_end(args);
}

void api_busy(struct api_request *r, int err)
{
    static const struct api_header soon = {"Retry-After", STR_INIT("1")},
                                   later = {"Retry-After", STR_INIT("10")};
    if (err == E_STATE) {
        answer_fault(r, &(struct api_fault){.status = 503, .code = "stopping"}, &later, 1,
                     "The server stops; ask again when it is back.");
    } else {
        answer_fault(r, &(struct api_fault){.status = 503, .code = "busy"}, &soon, 1,
                     "Too many requests are being worked on; ask again in a moment.");
    }
}
