/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From where a request comes, as a browser tells it, and what a browser may do with the answer.
 *
 * HOST. A page of somebody else's can have its own name lead to 127.0.0.1 and then is, for the
 * browser, of the same origin as we ("DNS rebinding"). So on loopback Host must be an address,
 * `localhost`, or a name of api.hosts: names that nobody else can give to that page.
 *
 * ORIGIN. A request that a page of another origin makes says so. Those of api.origins may; all
 * others get 403 before anything is looked at, whatever token they have. There is no wildcard.
 * Programs that are no browser send no Origin and are not concerned.
 *
 * ANSWERS tell the browser to take nothing for what it is not, to put pages in no frame but
 * those of api.origins, and to run no script that is not a file of ours. Tokens are never in
 * cookies, so there are no credentials for a browser to add by itself.
 */
#include "api/parts.h"

/** The host of an authority: without its port, brackets kept. */
static struct str host_of(struct str authority)
{
    size_t end = str_starts(authority, STR("[")) ? str_index(authority, ']') + 1
                                                 : str_index(authority, ':');
    return str_upto(authority, end);
}

static bool is_authority(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);
        bool ok = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
                  c == ':' || c == '[' || c == ']' || c == '_';
        if (!ok) {
            return false;
        }
    }
    return s.n > 0 && s.n <= 255;
}

static bool in_list(const struct str *list, size_t n, struct str what)
{
    for (size_t i = 0; i < n; i++) {
        if (str_ieq(list[i], what)) {
            return true;
        }
    }
    return false;
}

static bool host_is_ours(const struct api *a, struct str host, const struct wire_conn *c)
{
    const struct api_rules *rules = &a->rules->rules;
    struct addr numeric;
    if (c->face == API_FACE_UNIX || !addr_is_loopback(&c->local)) {
        return true;
    }
    return addr_parse_host(host, 0, &numeric) || str_ieq(host, STR("localhost")) ||
           in_list(rules->host, rules->host_count, host);
}

/** "https://" or "http://" and the Host that was asked for? */
static bool same_origin(const struct api_request *r, struct str origin)
{
    struct str scheme = r->face == API_FACE_TLS ? STR("https://") : STR("http://");
    return str_istarts(origin, scheme) &&
           str_ieq(str_from(origin, scheme.n), r->field[API_HOST]);
}

bool site_request(struct api_request *r, const struct wire_conn *c)
{
    struct exchange *x = exchange_of(r);
    const struct api_rules *rules = &r->api->rules->rules;
    struct str host = r->field[API_HOST], origin = r->field[API_ORIGIN];
    if (str_is_set(host) && host.n > 0 && !is_authority(host)) {
        api_refuse(r, 400, "badHost", "Host is no name and no address.");
        return false;
    }
    if (!host_is_ours(r->api, host_of(host), c)) {
        api_refuse(r, 421, "unknownHost",
                   "%.*s is no name of this server; api.hosts lists those that are.",
                   STR_ARG(host_of(host)));
        return false;
    }
    if (!str_is_set(origin) || same_origin(r, origin)) {
        return true;
    }
    if (!in_list(rules->origin, rules->origin_count, origin)) {
        api_refuse(r, 403, "originRefused",
                   "Pages of this origin may not ask; api.origins lists those that may.");
        return false;
    }
    x->cross = true;
    return true;
}

/* ---- what answers say to browsers ---- */

static void write_ancestors(const struct api_rules *rules, struct out *o)
{
    out_c(o, "frame-ancestors 'self'");
    for (size_t i = 0; i < rules->origin_count; i++) {
        out_fmt(o, " %.*s", STR_ARG(rules->origin[i]));
    }
}

/** A page talks to us, and, for the browser phone, to the WebSocket of SIP on the same host. */
static void write_page_policy(const struct exchange *x, struct out *o)
{
    struct str host = host_of(x->r.field[API_HOST]);
    out_c(o,
          "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
          "img-src 'self' data:; font-src 'self'; media-src 'self' blob:; manifest-src 'self'; "
          "base-uri 'none'; form-action 'none'; connect-src 'self'");
    if (host.n > 0) {
        out_fmt(o, " ws://%.*s:* wss://%.*s:*", STR_ARG(host), STR_ARG(host));
    }
    out_c(o, "; ");
    write_ancestors(&x->r.api->rules->rules, o);
    out_c(o, "\r\nPermissions-Policy: microphone=(self), camera=(), geolocation=()\r\n");
}

void site_headers(const struct exchange *x, struct out *o, bool html)
{
    struct str origin = x->r.field[API_ORIGIN];
    out_c(o, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
             "Cross-Origin-Resource-Policy: same-origin\r\n");
    if (html) {
        write_page_policy(x, o);
    } else {
        out_c(o, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n");
    }
    if (x->cross) {
        out_fmt(o,
                "Access-Control-Allow-Origin: %.*s\r\nVary: Origin\r\n"
                "Access-Control-Expose-Headers: Location, ETag, Retry-After, X-Request-Id\r\n",
                STR_ARG(origin));
    }
}

void site_preflight(struct api_request *r, unsigned allow)
{
    struct exchange *x = exchange_of(r);
    char methods[64];
    struct out o;
    struct api_header headers[4];
    size_t n = 0;
    if (r->route != NULL) { /* there is a route for OPTIONS itself: there is none now */
        allow |= 1U << r->route->method;
    }
    if (allow == 0 && !str_eq(r->path, STR("*"))) {
        allow = 1U << API_GET | 1U << API_HEAD; /* a file, perhaps */
    }
    out_init(&o, methods, sizeof(methods));
    route_write_methods(&o, allow);
    headers[n++] = (struct api_header){"Allow", out_str_of(&o)};
    if (x->cross && x->preflight) {
        headers[n++] = (struct api_header){"Access-Control-Allow-Methods", out_str_of(&o)};
        headers[n++] = (struct api_header){
            "Access-Control-Allow-Headers",
            STR("Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
                "Last-Event-ID, Prefer, traceparent")};
        headers[n++] = (struct api_header){"Access-Control-Max-Age", STR("600")};
    }
    api_reply(r, 204, NULL, STR(""), headers, n);
}
