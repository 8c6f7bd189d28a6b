/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request of HTTP/1.1 says: its head taken apart and judged, its body collected.
 *
 * http_parser does the syntax, from a copy of the head that belongs to the exchange, so that
 * what is noted of it are slices of that copy. head.c refuses what the parser is kind to. Then
 * the head is judged in the order in which a client can do something about it: version and
 * method, what is expected, Host, length, a handshake of WebSocket, from where it comes
 * (site.c), the path, the route, the right (allow.c). Whatever is refused is answered here, and
 * most of it ends the connection.
 *
 * When bodies come, how long one waits for them and what is done with a request is http.c's.
 */
#include "api/parts.h"

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
        client_refuse(c, 501, "unknownMethod", "The method is none that this server knows.");
        break;
    case HPE_INVALID_VERSION:
        client_refuse(c, 505, "unknownVersion", "HTTP/1.1 is spoken here.");
        break;
    case HPE_OK:
        if (c->fault == 413) {
            client_refuse(c, 413, "bodyTooLarge",
                          "The body is longer than api.max_body_kb allows.");
        } else {
            client_refuse(c, 503, "outOfMemory", "The server is short of memory; try again.");
        }
        break;
    default:
        client_refuse(c, 400, "badRequest", no_request);
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
        client_refuse(c, 505, "unknownVersion", "HTTP/1.1 is spoken here.");
        return false;
    }
    if (!read_method(p, x)) {
        client_refuse(c, 501, "unknownMethod", "The method is none that this server knows.");
        return false;
    }
    if (g->other_expect) {
        client_refuse(c, 417, "unknownExpectation", "Of Expect only 100-continue is known.");
        return false;
    }
    if (g->other_coding) {
        client_refuse(c, 501, "unknownCoding", "Of Transfer-Encoding only chunked is known.");
        return false;
    }
    split_absolute(r);
    if (p->http_minor >= 1 && !str_is_set(r->field[API_HOST])) {
        client_refuse(c, 400, "missingHost", "A request of HTTP/1.1 has one Host field.");
        return false;
    }
    if ((p->flags & F_CONTENTLENGTH) != 0 && p->content_length != UINT64_MAX &&
        p->content_length > c->api->config.max_body) {
        client_refuse(c, 413, "bodyTooLarge",
                      "The body is longer than api.max_body_kb allows.");
        return false;
    }
    if (x->upgrade && !good_handshake(x)) {
        if (!str_eq(x->ws_version, STR("13"))) {
            static const struct api_header version = {"Sec-WebSocket-Version", STR_INIT("13")};
            x->keep = false;
            api_reply(r, 426, NULL, STR(""), &version, 1);
            return false;
        }
        client_refuse(c, 400, "badHandshake", "This is no handshake of WebSocket (RFC 6455).");
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

bool client_read_head(struct client *c, struct str head, bool *waits)
{
    struct exchange *x = c->x;
    struct reading g = {.client = c};
    http_parser_init(&c->parser, HTTP_REQUEST);
    c->parser.data = &g;
    (void)http_parser_execute(&c->parser, &settings, head.p, head.n);
    c->parser.data = NULL;
    if (HTTP_PARSER_ERRNO(&c->parser) != HPE_OK &&
        HTTP_PARSER_ERRNO(&c->parser) != HPE_PAUSED) {
        refuse_parser(c);
        return false;
    }
    if (!head_is_sound(head)) {
        client_refuse(c, 400, "badRequest", no_request);
        return false;
    }
    http_parser_pause(&c->parser, 0);
    x->keep = http_should_keep_alive(&c->parser) != 0;
    x->chunked = c->parser.http_major == 1 && c->parser.http_minor >= 1;
    x->upgrade = g.websocket && c->parser.upgrade;
    x->early = !c->complete; /* until it was let in */
    if (!judge_head(c, &g)) {
        return false;
    }
    x->early = false;
    *waits = g.expect;
    return true;
}

bool client_read_body(struct client *c)
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
    return true;
}
