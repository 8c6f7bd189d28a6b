/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of HTTP/1.1 (RFC 9112) come in on a connection, one after the other.
 *
 *   Head ──whole──> Body ──whole──> Busy ──answered──> Head …
 *     │               │              └──> Stream, Socket ──> Ending
 *     └── 400 408 414 431 501 505 ── 413 408 ──> Ending
 *
 * http_parser does the syntax, from a copy of the head that belongs to the request. All that
 * can be judged by the head is judged before the body comes: whether there is room, a route, a
 * right. So a body of somebody who may not send it is not kept; the connection ends instead,
 * because the octets behind the head could not be told from a request.
 *
 * LIMITS. A head has API_HEAD_MAX octets, a body api.max_body_kb, both together api.request_s
 * seconds, however slowly they trickle. Who sends the next request before he has his answer
 * waits in the kernel's buffer. Who does not take his answers is not asked what else he wants.
 *
 * When all places are taken, the client that has been idle longest gives way; if all are busy
 * the new one is told 503.
 *
 * AT THE END, and when another process goes on with the listeners, who has not been answered is
 * told 503 with Retry-After, whether his request has come or is on its way.
 */
#include "api/parts.h"
#include "base/err.h"
#include <stdlib.h>
#include <wslay/wslay.h>

enum { EVICT_MS = 250 };

/* ---- exchanges ---- */

static struct str peer_text(struct exchange *x, const struct wire_conn *w)
{
    char text[96];
    struct out o;
    out_init(&o, text, sizeof(text));
    wire_write_peer(&o, w);
    return arena_dup(&x->arena, out_str_of(&o));
}

static struct exchange *exchange_new(struct client *c)
{
    struct api *a = c->api;
    struct exchange *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        return NULL;
    }
    arena_init(&x->arena, &mem_libc, 2048);
    x->client = c;
    x->r.api = a;
    x->r.arena = &x->arena;
    x->r.number = ++a->last_number;
    x->r.face = c->wire->face;
    x->came_ns = uv_hrtime();
    x->r.peer = peer_text(x, c->wire);
    list_append(&a->exchanges, &x->link);
    c->x = x;
    return x;
}

void exchange_free(struct exchange *x)
{
    list_remove(&x->link);
    pace_left(x);
    access_release(x->r.who);
    bytes_free(&x->body);
    arena_fini(&x->arena);
    free(x);
}

/* ---- clients ---- */

static void end_client(struct client *c)
{
    c->state = CLIENT_ENDING;
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    wire_end(c->wire);
}

static void await_head(struct client *c)
{
    struct api *a = c->api;
    c->state = CLIENT_HEAD;
    c->complete = false;
    c->fault = 0;
    c->begun_ms = 0;
    list_remove(&c->idle);
    if (bytes_left(&c->in) == 0) {
        bytes_free(&c->in);
        list_append(&a->idle, &c->idle);
        c->idle_ms = wire_now(a->wire);
    }
    timer_set(wire_wheel(a->wire), &c->timer, wire_now(a->wire) + a->config.idle_ms);
}

void exchange_finish(struct exchange *x)
{
    struct client *c = x->client;
    bool keep = x->keep && !x->early;
    exchange_free(x);
    if (c == NULL) {
        return;
    }
    c->x = NULL;
    c->served = true;
    if (!keep || c->api->draining || c->wire->eof) {
        end_client(c);
        return;
    }
    await_head(c);
    wire_pause(c->wire, false);
    client_serve(c);
}

/** What has come of a request goes no further: its answer, which follows, is the last.
    @return false: no memory, dropped */
static bool take_over(struct client *c)
{
    struct exchange *x = c->x != NULL ? c->x : exchange_new(c);
    if (x == NULL) {
        wire_drop(c->wire);
        return false;
    }
    x->early = true;
    x->keep = false;
    c->state = CLIENT_BUSY;
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    list_remove(&c->idle);
    return true;
}

/** What goes wrong before there is a handler, and ends the connection. */
static void refuse(struct client *c, unsigned status, const char *code, const char *why)
{
    if (take_over(c)) {
        count_one(status == 408 ? &c->api->count.closed_slow : &c->api->count.closed_bad);
        api_refuse(&c->x->r, status, code, "%s", why);
    }
}

static void on_client_timer(struct timer *t, uint64_t now_ms)
{
    struct client *c = list_entry(t, struct client, timer);
    switch (c->state) {
    case CLIENT_SOCKET:
        socket_tick(c, now_ms);
        break;
    case CLIENT_HEAD:
        if (c->begun_ms == 0) {
            end_client(c); /* idle */
            break;
        }
        refuse(c, 408, "requestTimeout", "The head of the request did not come in time.");
        break;
    case CLIENT_BODY:
        refuse(c, 408, "requestTimeout", "The body of the request did not come in time.");
        break;
    default:
        break;
    }
}

/* ---- a head ---- */

struct reading {
    struct client *client;
    struct str name; /**< of the field whose value comes next */
    unsigned hosts, lengths;
    bool expect, other_expect, other_coding, websocket;
};

static int on_url(http_parser *p, const char *at, size_t n)
{
    struct reading *g = p->data;
    g->client->x->r.target = str_make(at, n);
    return 0;
}

static int on_field(http_parser *p, const char *at, size_t n)
{
    struct reading *g = p->data;
    g->name = str_make(at, n);
    return 0;
}

static const struct {
    const char *name;
    enum api_field field;
} field_names[] = {
    {"Authorization", API_AUTHORIZATION},
    {"Accept", API_ACCEPT},
    {"Content-Type", API_CONTENT_TYPE},
    {"Prefer", API_PREFER},
    {"Idempotency-Key", API_IDEMPOTENCY_KEY},
    {"If-Match", API_IF_MATCH},
    {"If-None-Match", API_IF_NONE_MATCH},
    {"Origin", API_ORIGIN},
    {"Host", API_HOST},
    {"Last-Event-ID", API_LAST_EVENT_ID},
    {"traceparent", API_TRACEPARENT},
    {"User-Agent", API_USER_AGENT},
    {"Accept-Encoding", API_ACCEPT_ENCODING},
    {"Sec-WebSocket-Protocol", API_WS_PROTOCOL},
};

/** A field that may come several times is one list (RFC 9110 §5.3); of others two are a fault.
 */
static int keep_field(struct exchange *x, enum api_field field, struct str value)
{
    struct str *at = &x->r.field[field];
    if (!str_is_set(*at)) {
        *at = value;
        return 0;
    }
    if (field != API_ACCEPT && field != API_PREFER && field != API_IF_MATCH &&
        field != API_IF_NONE_MATCH && field != API_ACCEPT_ENCODING &&
        field != API_WS_PROTOCOL) {
        return 1;
    }
    *at = arena_join(&x->arena, (struct str[]){*at, STR(", "), value}, 3);
    return at->p == NULL;
}

static int on_value(http_parser *p, const char *at, size_t n)
{
    struct reading *g = p->data;
    struct exchange *x = g->client->x;
    struct str value = str_trim(str_make(at, n)), name = g->name;
    if (name.n == 0) {
        return 1; /* a folded line: RFC 9112 §5.2 lets us refuse it */
    }
    g->name = STR_NONE;
    value = value.p != NULL ? value : STR("");
    for (size_t i = 0; i < ARRAY_LEN(field_names); i++) {
        if (str_ieq(name, str_c(field_names[i].name))) {
            return keep_field(x, field_names[i].field, value);
        }
    }
    if (str_ieq(name, STR("Expect"))) {
        g->expect = str_ieq(value, STR("100-continue"));
        g->other_expect = !g->expect;
    } else if (str_ieq(name, STR("Transfer-Encoding"))) {
        g->other_coding = !str_ieq(value, STR("chunked"));
    } else if (str_ieq(name, STR("Upgrade"))) {
        g->websocket = str_ieq(value, STR("websocket"));
    } else if (str_ieq(name, STR("Sec-WebSocket-Key"))) {
        x->ws_key = value;
    } else if (str_ieq(name, STR("Sec-WebSocket-Version"))) {
        x->ws_version = value;
    } else if (str_ieq(name, STR("Access-Control-Request-Method"))) {
        x->preflight = true;
    }
    return 0;
}

static int on_body(http_parser *p, const char *at, size_t n)
{
    struct client *c = ((struct reading *)p->data)->client;
    struct bytes *body = &c->x->body;
    if (bytes_left(body) + n > c->api->config.max_body) {
        c->fault = 413;
        return 1;
    }
    c->fault = bytes_add(body, str_make(at, n)) ? 0 : 503;
    return c->fault != 0;
}

static int on_complete(http_parser *p)
{
    struct client *c = ((struct reading *)p->data)->client;
    c->complete = true;
    http_parser_pause(p, 1);
    return 0;
}

static const http_parser_settings settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

/** What stands behind a body in chunks is not looked at. */
static const http_parser_settings body_settings = {
    .on_body = on_body,
    .on_message_complete = on_complete,
};

static const char no_request[] = "This is no request of HTTP/1.1 as RFC 9112 has it.";

static void refuse_parser(struct client *c)
{
    switch (c->fault != 0 ? HPE_OK : HTTP_PARSER_ERRNO(&c->parser)) {
    case HPE_INVALID_METHOD:
        refuse(c, 501, "unknownMethod", "The method is none that this server knows.");
        break;
    case HPE_INVALID_VERSION:
        refuse(c, 505, "unknownVersion", "HTTP/1.1 is spoken here.");
        break;
    case HPE_OK:
        if (c->fault == 413) {
            refuse(c, 413, "bodyTooLarge", "The body is longer than api.max_body_kb allows.");
        } else {
            refuse(c, 503, "outOfMemory", "The server is short of memory; try again.");
        }
        break;
    default:
        refuse(c, 400, "badRequest", no_request);
        break;
    }
}

static bool read_method(const http_parser *p, struct exchange *x)
{
    switch (p->method) {
    case HTTP_GET:
        x->r.method = API_GET;
        return true;
    case HTTP_HEAD:
        x->r.method = API_HEAD;
        x->head = true;
        return true;
    case HTTP_POST:
        x->r.method = API_POST;
        return true;
    case HTTP_PUT:
        x->r.method = API_PUT;
        return true;
    case HTTP_PATCH:
        x->r.method = API_PATCH;
        return true;
    case HTTP_DELETE:
        x->r.method = API_DELETE;
        return true;
    case HTTP_OPTIONS:
        x->r.method = API_OPTIONS;
        return true;
    default:
        return false;
    }
}

/** Absolute form (RFC 9112 §3.2.2): the authority counts as Host. */
static void split_absolute(struct api_request *r)
{
    size_t skip = str_istarts(r->target, STR("http://"))    ? 7
                  : str_istarts(r->target, STR("https://")) ? 8
                                                            : 0;
    if (skip > 0) {
        struct str rest = str_from(r->target, skip);
        size_t slash = str_index(rest, '/');
        r->field[API_HOST] = str_upto(rest, slash);
        r->target = slash < rest.n ? str_from(rest, slash) : STR("/");
    }
}

/** Is it the request of a WebSocket as RFC 6455 §4.2.1 wants it? */
static bool good_handshake(const struct exchange *x)
{
    return x->r.method == API_GET && x->chunked && x->ws_key.n == 24 &&
           str_ends(x->ws_key, STR("==")) && str_eq(x->ws_version, STR("13"));
}

/** All that the head alone can be refused for. @return false: answered */
static bool judge_head(struct client *c, const struct reading *g)
{
    struct exchange *x = c->x;
    struct api_request *r = &x->r;
    const http_parser *p = &c->parser;
    unsigned allow = 0;
    if (p->http_major != 1) {
        refuse(c, 505, "unknownVersion", "HTTP/1.1 is spoken here.");
        return false;
    }
    if (!read_method(p, x)) {
        refuse(c, 501, "unknownMethod", "The method is none that this server knows.");
        return false;
    }
    if (g->other_expect) {
        refuse(c, 417, "unknownExpectation", "Of Expect only 100-continue is known.");
        return false;
    }
    if (g->other_coding) {
        refuse(c, 501, "unknownCoding", "Of Transfer-Encoding only chunked is known.");
        return false;
    }
    split_absolute(r);
    if (p->http_minor >= 1 && !str_is_set(r->field[API_HOST])) {
        refuse(c, 400, "missingHost", "A request of HTTP/1.1 has one Host field.");
        return false;
    }
    if ((p->flags & F_CONTENTLENGTH) != 0 && p->content_length != UINT64_MAX &&
        p->content_length > c->api->config.max_body) {
        refuse(c, 413, "bodyTooLarge", "The body is longer than api.max_body_kb allows.");
        return false;
    }
    if (x->upgrade && !good_handshake(x)) {
        if (!str_eq(x->ws_version, STR("13"))) {
            static const struct api_header version = {"Sec-WebSocket-Version", STR_INIT("13")};
            x->keep = false;
            api_reply(r, 426, NULL, STR(""), &version, 1);
            return false;
        }
        refuse(c, 400, "badHandshake", "This is no handshake of WebSocket (RFC 6455).");
        return false;
    }
    if (!site_request(r, c->wire)) {
        return false;
    }
    if (!route_read_target(r)) {
        api_refuse(r, 400, "badPath", "The path or what is encoded in it is not valid UTF-8.");
        return false;
    }
    r->route = route_find(r, &allow);
    if (r->method == API_OPTIONS) {
        site_preflight(r, allow);
        return false;
    }
    if (r->route == NULL && allow == 0 && (r->method == API_GET || x->head) && asset_serve(r)) {
        return false;
    }
    if (r->route == NULL && allow == 0) {
        api_refuse(r, 404, "unknownPath",
                   "There is nothing at this path; /openapi.json lists "
                   "what there is.");
        return false;
    }
    if (r->route == NULL) {
        char text[64];
        struct out o;
        out_init(&o, text, sizeof(text));
        route_write_methods(&o, allow);
        struct api_header header = {"Allow", out_str_of(&o)};
        answer_fault(r, &(struct api_fault){.status = 405, .code = "methodNotAllowed"}, &header,
                     1, "This path knows %.*s.", STR_ARG(header.value));
        return false;
    }
    return allow_request(r, c->wire);
}

static void dispatch(struct client *c)
{
    struct exchange *x = c->x;
    c->state = CLIENT_BUSY;
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    x->r.body = bytes_str(&x->body);
    heard_request(x);
    if (x->r.route->socket && !x->upgrade) {
        api_refuse(&x->r, 426, "webSocketWanted", "Here is a WebSocket (RFC 6455).");
    } else if (judge_request(x)) {
        x->r.route->handler(&x->r);
    }
}

/** @return false: nothing more can be done now */
static bool feed_body(struct client *c)
{
    struct reading g = {.client = c};
    struct str bytes = bytes_str(&c->in);
    c->parser.data = &g;
    size_t used =
        bytes.n > 0 ? http_parser_execute(&c->parser, &body_settings, bytes.p, bytes.n) : 0;
    c->parser.data = NULL;
    if (!c->complete && HTTP_PARSER_ERRNO(&c->parser) != HPE_OK) {
        refuse_parser(c);
        return false;
    }
    c->in.from += used;
    if (!c->complete) {
        return false;
    }
    dispatch(c);
    return true;
}

/** A whole head: parsed, judged; then the body, or the handler. */
static void take_head(struct client *c, struct str head)
{
    struct exchange *x = exchange_new(c);
    struct reading g = {.client = c};
    struct str copy = x != NULL ? arena_dup(&x->arena, head) : STR_NONE;
    if (copy.p == NULL) {
        wire_drop(c->wire);
        return;
    }
    c->in.from += head.n;
    c->state = CLIENT_BODY;
    list_remove(&c->idle);
    count_one(&c->api->count.requests);
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = &g;
    (void)http_parser_execute(&c->parser, &settings, copy.p, copy.n);
    c->parser.data = NULL;
    if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK &&
        HTTP_PARSER_ERRNO(&c->parser) != HPE_PAUSED) {
        refuse_parser(c);
        return;
    }
    if (!head_is_sound(copy)) {
        refuse(c, 400, "badRequest", no_request);
        return;
    }
    http_parser_pause(&c->parser, 0);
    x->keep = http_should_keep_alive(&c->parser) != 0;
    x->chunked = c->parser.http_major == 1 && c->parser.http_minor >= 1;
    x->upgrade = g.websocket && c->parser.upgrade;
    x->early = !c->complete; /* until it was let in */
    if (!judge_head(c, &g)) {
        return;
    }
    x->early = false;
    if (c->complete) {
        dispatch(c);
        return;
    }
    if (g.expect) {
        static const struct str go_on = STR_INIT("HTTP/1.1 100 Continue\r\n\r\n");
        (void)wire_send(c->wire, &go_on, 1);
    }
}

/** @return false: it is not whole */
static bool look_for_head(struct client *c)
{
    struct api *a = c->api;
    struct str all;
    size_t end;
    while (bytes_left(&c->in) > 0 &&
           (c->in.p[c->in.from] == '\r' || c->in.p[c->in.from] == '\n')) {
        c->in.from++; /* RFC 9112 §2.2 */
    }
    all = bytes_str(&c->in);
    if (all.n == 0) {
        return false;
    }
    if (c->begun_ms == 0) {
        c->begun_ms = wire_now(a->wire);
        list_remove(&c->idle);
        timer_set(wire_wheel(a->wire), &c->timer, c->begun_ms + a->config.request_ms);
    }
    end = str_find(str_upto(all, API_HEAD_MAX), STR("\r\n\r\n"));
    if (end < all.n && end + 4 <= API_HEAD_MAX) {
        take_head(c, str_upto(all, end + 4));
        return true;
    }
    if (all.n >= API_HEAD_MAX) {
        bool line = str_find(str_upto(all, API_HEAD_MAX), STR("\r\n")) >= API_HEAD_MAX;
        refuse(c, line ? 414 : 431, line ? "targetTooLong" : "headTooLarge",
               "The head of the request is longer than 16384 octets.");
    }
    return false;
}

void client_serve(struct client *c)
{
    if (c->serving) {
        return;
    }
    c->serving = true;
    bool more = true;
    while (more && !c->wire->dropped) {
        if (c->state == CLIENT_HEAD && wire_waits(c->wire) > c->api->config.client_buffer / 2) {
            break; /* he does not take what he has asked for */
        }
        more = c->state == CLIENT_HEAD   ? look_for_head(c)
               : c->state == CLIENT_BODY ? feed_body(c)
                                         : false;
    }
    c->serving = false;
    if (c->state == CLIENT_ENDING || c->wire->dropped) {
        return;
    }
    wire_pause(c->wire, bytes_left(&c->in) > API_AHEAD_MAX);
}

/* ---- what the wire tells ---- */

static void turn_away(struct api *a, struct wire_conn *w)
{
    char room[512];
    struct out o;
    out_init(&o, room, sizeof(room));
    answer_full(&o);
    struct str text = out_str_of(&o);
    count_one(&a->count.turned_away);
    if (w->tls == NULL) { /* else there is nobody to talk to before the handshake */
        (void)wire_send(w, &text, 1);
    }
}

/** Of the UNIX socket, which is for who runs the server? It has as many places of its own. */
static bool is_local(const struct wire_conn *w)
{
    return w->face == API_FACE_UNIX;
}

/** Who has been idle longest gives his place; not who has just come: his request is on its way.
 */
static bool make_room(struct api *a, const struct wire_conn *w)
{
    uint32_t n = is_local(w) ? a->local_count : a->client_count - a->local_count;
    if (n < a->config.max_clients) {
        return true;
    }
    list_each(it, &a->idle)
    {
        struct client *oldest = list_entry(it, struct client, idle);
        if (wire_now(a->wire) - oldest->idle_ms < EVICT_MS) {
            break;
        }
        if (is_local(oldest->wire) == is_local(w)) {
            list_remove(&oldest->idle);
            end_client(oldest);
            return true;
        }
    }
    return false;
}

/** Nobody beyond this machine takes all places for himself. */
static bool has_too_many(const struct api *a, const struct wire_conn *w)
{
    uint32_t n = 0;
    if (w->face == API_FACE_UNIX || addr_is_loopback(&w->remote)) {
        return false;
    }
    list_each(it, &a->clients)
    {
        n += addr_ip_eq(&list_entry(it, struct client, link)->wire->remote, &w->remote);
    }
    return n >= a->config.max_per_address;
}

static bool on_opened(void *ctx, struct wire_conn *w)
{
    struct api *a = ctx;
    struct client *c;
    if (has_too_many(a, w) || !make_room(a, w) || (c = calloc(1, sizeof(*c))) == NULL) {
        turn_away(a, w);
        return false;
    }
    count_one(&a->count.accepted);
    a->client_count++;
    a->local_count += is_local(w);
    count_one(&a->count.clients);
    c->api = a;
    c->wire = w;
    w->user = c;
    timer_init(&c->timer, on_client_timer);
    list_append(&a->clients, &c->link);
    await_head(c);
    return true;
}

static void on_input(struct wire_conn *w, struct str bytes)
{
    struct client *c = w->user;
    atomic_fetch_add_explicit(&c->api->count.octets_in, bytes.n, memory_order_relaxed);
    if (c->state == CLIENT_SOCKET) {
        socket_input(c, bytes);
        return;
    }
    if (c->state == CLIENT_ENDING) {
        return;
    }
    if (!bytes_add(&c->in, bytes)) {
        wire_drop(w);
        return;
    }
    client_serve(c);
}

/** Half closed: who asked may still be waiting for his answer; who only listens is gone. */
static void on_eof(struct wire_conn *w)
{
    struct client *c = w->user;
    if (c->state != CLIENT_BUSY) {
        end_client(c);
    }
    if (c->state == CLIENT_ENDING && c->x != NULL) {
        wire_drop(w);
    }
}

static void on_drained(struct wire_conn *w)
{
    struct client *c = w->user;
    if (c->state == CLIENT_STREAM) {
        stream_drained(c->x);
    } else if (c->state == CLIENT_SOCKET) {
        socket_drained(c->x);
    } else if (c->state != CLIENT_ENDING) {
        client_serve(c);
    }
}

static void on_closed(struct wire_conn *w)
{
    struct client *c = w->user;
    struct api *a = c->api;
    struct exchange *x = c->x;
    enum client_state was = c->state;
    timer_stop(wire_wheel(a->wire), &c->timer);
    c->state = CLIENT_ENDING;
    list_remove(&c->link);
    list_remove(&c->idle);
    a->client_count--;
    a->local_count -= is_local(w);
    atomic_fetch_sub_explicit(&a->count.clients, 1, memory_order_relaxed);
    if (x != NULL) {
        x->client = NULL;
        if (!x->away) {
            x->r.gone = true;
        }
        if (x->socket != NULL) {
            socket_closed(x);
        } else if (x->stream != NULL) {
            stream_closed(x);
        } else if (was == CLIENT_HEAD || was == CLIENT_BODY) {
            exchange_free(x); /* no handler has heard of it */
        }
    }
    bytes_free(&c->in);
    if (c->frames != NULL) {
        wslay_event_context_free(c->frames);
    }
    free(c);
}

static void on_woken(void *ctx)
{
    struct api *a = ctx;
    jobs_home(a);
    api_look_around(a);
}

const struct wire_handler api_wire_handler = {
    .opened = on_opened,
    .input = on_input,
    .eof = on_eof,
    .drained = on_drained,
    .closed = on_closed,
    .woken = on_woken,
};

/** Of whom no answer is owed yet. Who has just come has asked something, or is about to: closed
    without a word he could not know that nothing was done. One that was served is idle, and
    RFC 9112 §9.5 has it closed like that. */
static void send_away(struct client *c)
{
    if (c->wire->shaking || (c->served && c->begun_ms == 0)) {
        end_client(c);
    } else if (take_over(c)) {
        api_busy(&c->x->r, E_STATE);
    }
}

void clients_drain(struct api *a)
{
    list_each(it, &a->clients)
    {
        struct client *c = list_entry(it, struct client, link);
        if (c->state == CLIENT_SOCKET) {
            socket_leave(c);
        } else if (c->state == CLIENT_STREAM) {
            (c->x->stream->whole ? api_stream_cut : api_stream_end)(&c->x->r);
        } else if (c->state == CLIENT_BUSY && c->x != NULL && c->x->away) {
            c->x->away = false; /* the engine has ended: it is ours again */
            api_busy(&c->x->r, E_STATE);
        } else if (c->state == CLIENT_HEAD || c->state == CLIENT_BODY) {
            send_away(c);
        }
    }
}
