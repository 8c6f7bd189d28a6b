/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a binding is reached.
 *
 *   with Path        the first node of it (RFC 3327 §5.4); over the flow on which the
 *                    REGISTER came when that node is what is at its other end
 *   flow is open     that flow, whatever the contact says (RFC 5626 §7)
 *   flow has closed  a new connection to the contact, if its host is one that can be reached:
 *                    browsers write names in .invalid (RFC 7118 §5, RFC 2606)
 */
#include "registrar/registrar.h"

/** The first value of "Route: …" lines. */
static struct str first_route(struct str routes)
{
    struct str line = str_upto(routes, str_find(routes, STR("\r\n")));
    struct str rest = str_from(line, sizeof("Route: ") - 1);
    struct str value;

    return sip_list_next(&rest, &value) ? value : STR_NONE;
}

static bool path_target(const struct binding *b, struct txn_target *out)
{
    struct sip_addr a;
    uint32_t at;

    if (sip_addr_parse(first_route(b->routes), &a, &at) != 0 ||
        !txn_target_of_uri(&a.uri, out)) {
        return false;
    }
    if (b->hop.flow != 0 && b->hop.transport == out->hop.transport &&
        addr_eq(&b->hop.remote, &out->hop.remote)) {
        out->hop = b->hop;
    }
    return true;
}

static const struct str sips_scheme = STR_INIT("sips:");

/* RFC 5630 §4.1 */
bool binding_is_sips(const struct binding *b)
{
    return str_istarts(b->contact, sips_scheme);
}

struct str binding_request_uri(const struct binding *b, bool sips, struct arena *arena)
{
    struct str part[] = {STR("sip:"), str_from(b->contact, sips_scheme.n)};

    return sips || !binding_is_sips(b) ? b->contact : arena_join(arena, part, 2);
}

bool record_has_sips(const struct record *rec)
{
    bool any = false;

    list_each(it, &rec->bindings)
    {
        any = any || binding_is_sips(list_entry(it, struct binding, link));
    }
    return any;
}

bool binding_target(const struct binding *b, struct txn_target *out)
{
    struct sip_uri u;
    uint32_t at;

    *out = (struct txn_target){0};
    if (b->routes.n > 0) {
        return path_target(b, out);
    }
    if (b->hop.flow != 0) {
        out->hop = b->hop;
        return true;
    }
    return sip_uri_parse(b->contact, 0, &u, &at) == 0 && !str_ends(u.host, STR(".invalid")) &&
           txn_target_of_uri(&u, out);
}
