/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a target to a route. The path is split before it is decoded, so "%2F" in a segment is a
 * part of it and no separator; a segment that is "." or ".." is none that we have.
 */
#include "api/parts.h"

struct path {
    struct str segment[API_SEGMENTS_MAX];
    size_t n;
};

bool route_read_target(struct api_request *r)
{
    size_t mark = str_index(r->target, '?');
    r->path = str_upto(r->target, mark);
    r->query = mark < r->target.n ? str_from(r->target, mark + 1) : STR("");
    r->query = str_upto(r->query, str_index(r->query, '#'));
    if (r->method == API_OPTIONS && str_eq(r->path, STR("*"))) {
        return true;
    }
    struct str whole;
    return str_starts(r->path, STR("/")) && request_decode(r->path, false, r->arena, &whole);
}

/** @return false: more segments than any route has */
static bool split(struct api_request *r, struct path *to)
{
    struct str rest = str_from(r->path, 1);
    to->n = 0;
    for (;;) {
        size_t slash = str_index(rest, '/');
        if (to->n == API_SEGMENTS_MAX ||
            !request_decode(str_upto(rest, slash), false, r->arena, &to->segment[to->n])) {
            return false;
        }
        to->n++;
        if (slash == rest.n) {
            return true;
        }
        rest = str_from(rest, slash + 1);
    }
}

static bool fits(const struct api_route *route, const struct path *p)
{
    if (route->segments != p->n) {
        return false;
    }
    for (size_t i = 0; i < p->n; i++) {
        const struct api_segment *s = &route->segment[i];
        if (str_is_set(s->literal) ? !str_eq(s->literal, p->segment[i])
                                   : p->segment[i].n == 0) {
            return false;
        }
    }
    return true;
}

const struct api_route *route_find(struct api_request *r, unsigned *allow)
{
    enum api_method method = r->method == API_HEAD ? API_GET : r->method;
    struct path p;
    *allow = 0;
    if (!str_starts(r->path, STR("/")) || !split(r, &p)) {
        return NULL;
    }
    for (size_t i = 0; i < api_route_count; i++) {
        const struct api_route *route = &api_routes[i];
        if (!fits(route, &p)) {
            continue;
        }
        if (route->method == method) {
            for (size_t k = 0; k < p.n; k++) {
                if (!str_is_set(route->segment[k].literal)) {
                    r->param[route->segment[k].param] = p.segment[k];
                }
            }
            return route;
        }
        *allow |= 1U << route->method;
        *allow |= route->method == API_GET ? 1U << API_HEAD : 0;
    }
    return NULL;
}

const char *api_method_name(enum api_method method)
{
    static const char *const names[API_METHODS] = {"GET",   "HEAD",   "POST",   "PUT",
                                                   "PATCH", "DELETE", "OPTIONS"};
    return method < API_METHODS ? names[method] : "?";
}

const char *api_scope_name(enum api_scope scope)
{
    static const char *const names[] = {"none",    "observe",        "observe:device",
                                        "control", "control:device", "admin"};
    return scope <= API_SCOPE_ADMIN ? names[scope] : "?";
}

void route_write_methods(struct out *o, unsigned allow)
{
    for (unsigned m = 0; m < API_METHODS; m++) {
        if ((allow & 1U << m) != 0) {
            out_fmt(o, "%s, ", api_method_name((enum api_method)m));
        }
    }
    out_c(o, "OPTIONS");
}
