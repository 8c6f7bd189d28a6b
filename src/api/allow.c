/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, and may he? The one place where the scope of a route is checked, before its handler
 * runs. A principal is found by how he came: on the UNIX socket by the kernel's word for his
 * uid.
 */
#include "api/handlers.h"
#include "api/parts.h"
#include <unistd.h>

/** Root and whoever runs the server may everything on the UNIX socket. */
static const struct access_principal *by_socket(struct exchange *x, const struct wire_conn *c)
{
    static const struct access_scope everything = {.kind = ACCESS_ADMIN};
    if (c->uid != 0 && c->uid != geteuid()) {
        return NULL;
    }
    x->own = (struct access_principal){
        .name = arena_fmt(&x->arena, "uid:%u", c->uid),
        .scopes = &everything,
        .count = 1,
        .admin = true,
    };
    return &x->own;
}

static const struct access_principal *find(struct exchange *x, const struct wire_conn *c)
{
    return c->face == API_FACE_UNIX ? by_socket(x, c) : NULL;
}

static bool may(const struct api_request *r, const struct access_principal *who)
{
    if (r->api->config.metrics_open && r->route->handler == api_get_metrics) {
        return true;
    }
    switch (r->route->scope) {
    case API_SCOPE_NONE:
        return true;
    case API_SCOPE_OBSERVE:
    case API_SCOPE_OBSERVE_DEVICE:
        return access_may_some(who, ACCESS_OBSERVE);
    case API_SCOPE_CONTROL:
    case API_SCOPE_CONTROL_DEVICE:
        return access_may_some(who, ACCESS_CONTROL);
    default:
        return access_is_admin(who);
    }
}

static void ask_for_token(struct api_request *r)
{
    static const struct api_header bearer = {"WWW-Authenticate",
                                             STR_INIT("Bearer realm=\"baton\"")};
    answer_fault(
        r, &(struct api_fault){.status = 401, .code = "tokenWanted"}, &bearer, 1,
        "This needs a token, sent as \"Authorization: Bearer ...\". Who runs the server "
        "makes one with: baton token create NAME --scope observe:*");
}

bool allow_by_token(struct api_request *r, struct str token)
{
    (void)r;
    (void)token;
    return false; /* there are no tokens yet */
}

bool allow_request(struct api_request *r, const struct wire_conn *c)
{
    static const struct access_principal nobody = {0};
    struct exchange *x = exchange_of(r);
    char text[96];
    struct out o;
    out_init(&o, text, sizeof(text));
    wire_write_peer(&o, c);
    r->peer = arena_dup(&x->arena, out_str_of(&o));
    const struct access_principal *who = find(x, c);
    r->who = who != NULL ? who : &nobody;
    if (may(r, r->who)) {
        return true;
    }
    if (who == NULL) {
        ask_for_token(r);
    } else {
        api_refuse(r, 403, "scopeMissing", "%.*s lacks the scope %s.", STR_ARG(who->name),
                   api_scope_name(r->route->scope));
    }
    return false;
}
