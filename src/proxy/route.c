/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route (RFC 3261 §16.4, §16.6 steps 6 and 7, §16.12).
 *
 * OURS is a Route value that is a Path of ours, whose user part is a token of ours for this
 * dialog, or one that names us by host: an address on which the request could have come, or a
 * domain of ours. The first proves something, the second nothing. As many values in front as
 * are ours go: with double record-routing (RFC 5658) that is two.
 *
 * STRICT ROUTERS in front of us put our Record-Route URI into the Request-URI and the real one
 * at the end of the Route; that is turned back. A Request-URI with a maddr that is ours loses
 * it, and with it the port and the transport by which it came.
 */
#include "proxy/priv.h"

bool proxy__route_uri(struct str value, struct sip_uri *uri, bool *loose)
{
    struct sip_addr a;
    struct str v;
    uint32_t at;
    if (sip_addr_parse(value, &a, &at) != 0 ||
        (a.uri.scheme != SIP_SCHEME_SIP && a.uri.scheme != SIP_SCHEME_SIPS)) {
        return false;
    }
    *uri = a.uri;
    *loose = sip_param(a.uri.params, STR("lr"), &v);
    return true;
}

/** Does the URI name us: the address on which `from` reaches us, or a domain of ours? */
static bool names_us(const struct proxy *p, const struct sip_uri *u, const struct hop *from)
{
    struct addr named, local = {0};
    struct str host = u->host, maddr;
    if (sip_param(u->params, STR("maddr"), &maddr) && str_is_set(maddr)) {
        host = maddr;
    }
    if (!addr_parse_host(host, sip_uri_port(u), &named)) {
        return p->directory != NULL && directory_is_domain(p->directory, host);
    }
    p->env->local(p->env->ctx, from, &local);
    return addr_eq(&named, &local);
}

/** What makes a URI ours? Notes the side and the ways of a token. */
static bool is_ours(const struct proxy *p, const struct sip_uri *u, const struct sip_msg *m,
                    const struct hop *from, struct proxy__route *out)
{
    struct proxy__ways ways;
    enum proxy__side side = PROXY_FROM_NOBODY;
    if (str_is_set(u->user)) {
        side = proxy__token_read(p, u->user, m, &ways);
    }
    if (side != PROXY_FROM_NOBODY) {
        out->side = (uint8_t)side;
        out->ways = ways;
        return true;
    }
    if (str_is_set(u->user) && out->cut == 0 && proxy__path_read(p, u->user, &out->path)) {
        /* who uses it as his own Route (RFC 5626 §5.3) goes on, and is not sent back */
        bool own = out->path.flow == from->flow && addr_eq(&out->path.remote, &from->remote);
        out->by_path = !own;
        return own || out->path.flow != 0 || names_us(p, u, from);
    }
    if (names_us(p, u, from)) {
        out->named = true;
        return true;
    }
    return false;
}

/** §16.4, first paragraph: the Request-URI is what we put into a Record-Route. */
static void undo_strict(const struct proxy *p, const struct sip_msg *m, const struct hop *from,
                        struct proxy__route *out)
{
    struct sip_values it = {0};
    struct str value, last = STR_NONE;
    struct sip_uri uri;
    uint32_t at;
    bool loose;
    if (!sip_msg_has(m, SIP_HDR_ROUTE) || sip_uri_parse(out->ruri, 0, &uri, &at) != 0 ||
        !sip_param(uri.params, STR("lr"), &value) || !is_ours(p, &uri, m, from, out)) {
        return;
    }
    while (sip_msg_each(m, SIP_HDR_ROUTE, &it, &value)) {
        last = value;
    }
    if (proxy__route_uri(last, &uri, &loose)) {
        out->ruri = uri.text;
        out->last_cut = true;
    }
}

/** §16.4, third paragraph: a Request-URI whose maddr is ours means what it says without it. */
static bool has_own_maddr(const struct proxy *p, struct str ruri, const struct hop *from)
{
    struct sip_uri u;
    struct str maddr;
    uint32_t at;
    return str_find(ruri, STR("maddr")) < ruri.n && sip_uri_parse(ruri, 0, &u, &at) == 0 &&
           sip_param(u.params, STR("maddr"), &maddr) && names_us(p, &u, from);
}

void proxy__preprocess(const struct proxy *p, const struct sip_msg *m, const struct hop *from,
                       struct proxy__route *out)
{
    struct sip_values it = {0};
    struct sip_uri uri;
    struct str value;
    uint32_t n = 0;
    bool ours = true, loose;
    *out = (struct proxy__route){.ruri = sip_msg_ruri(m)};
    undo_strict(p, m, from, out);
    out->strip = has_own_maddr(p, out->ruri, from);
    while (sip_msg_each(m, SIP_HDR_ROUTE, &it, &value)) {
        n++;
        if (ours && out->cut < 2 && proxy__route_uri(value, &uri, &loose) &&
            is_ours(p, &uri, m, from, out)) {
            out->cut++;
            continue;
        }
        ours = false;
        if (!str_is_set(out->next)) {
            out->next = value;
        }
    }
    if (out->last_cut && n == out->cut + 1) {
        out->next = STR_NONE; /* the only one that is left has become the Request-URI */
    } else if (out->last_cut && n <= out->cut) {
        out->cut = n - 1; /* and if it is ours, it is not cut twice */
    }
}

void proxy__cut_routes(struct sip_edit *e, const struct proxy__route *r)
{
    const struct sip_msg *m = e->m;
    struct sip_values it = {0};
    struct str value;
    uint32_t total = 0, i = 0;
    if (r->cut == 0 && !r->last_cut) {
        return;
    }
    while (sip_msg_each(m, SIP_HDR_ROUTE, &it, &value)) {
        total++;
    }
    uint32_t keep_to = r->last_cut ? total - 1 : total;
    it = (struct sip_values){0};
    const struct sip_hdr *line = NULL;
    const char *from = NULL, *kept = NULL, *end = NULL; /* in the present line */
    for (bool more = true; more; i++) {
        more = sip_msg_each(m, SIP_HDR_ROUTE, &it, &value);
        if (line != NULL && (!more || it.line != line)) {
            /* the line is over: all of it goes, or its tail */
            if (kept == NULL) {
                sip_edit_cut_line(e, line);
            } else if (end > kept) {
                sip_edit_span(e, (uint32_t)(kept - m->buf), (uint32_t)(end - kept), STR_NONE);
            }
            line = NULL;
        }
        if (!more) {
            break;
        }
        if (line == NULL) {
            line = it.line;
            from = value.p;
            kept = end = NULL;
        }
        if (i >= r->cut && i < keep_to) {
            if (kept == NULL && value.p > from) {
                sip_edit_span(e, (uint32_t)(from - m->buf), (uint32_t)(value.p - from),
                              STR_NONE);
            }
            kept = value.p + value.n;
        }
        end = value.p + value.n;
    }
}

bool proxy__needs_flow(const struct sip_msg *m, const struct hop *from)
{
    struct sip_addr contact;
    struct addr a;
    if (from->flow == 0 || m->count[SIP_HDR_VIA] > 1 ||
        sip_msg_addr(m, SIP_HDR_CONTACT, &contact) != 0) {
        return false; /* who has passed it on is not the one whom the Contact names */
    }
    if (from->transport == TP_WS || from->transport == TP_WSS) {
        return true; /* nobody can connect to a browser (RFC 7118 §5) */
    }
    return addr_parse_host(contact.uri.host, 0, &a) && !addr_ip_eq(&a, &from->remote);
}
