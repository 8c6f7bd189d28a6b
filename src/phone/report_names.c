/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a device, as DNS knows them now (RFC 3263): the first thing that a command, or
 * a phone's REGISTER, needs.
 *
 *   domain    by which its phones look for this server, unless they are told an address
 *   peer      on which its line lives
 *   contact   that a phone has registered by name
 *
 * Numeric ones need no DNS and are not told. What is not known yet is asked for, and said to
 * be: who asks again a moment later hears more.
 */
#include "csta/xml.h"
#include "phone/parts.h"
#include "route/locate.h"

static bool is_numeric(struct str host)
{
    struct addr a;

    return addr_parse_host(host, 0, &a);
}

static bool is_here(const struct directory *dir, const struct addr *at)
{
    char text[64];
    struct out o;

    out_init(&o, text, sizeof(text));
    addr_write_host(&o, at);
    for (size_t i = 0; i < dir->own_count; i++) {
        /* of a listener at the wildcard the domains have the addresses of all interfaces */
        if (dir->own[i].port == at->port &&
            (addr_ip_eq(&dir->own[i], at) || directory_is_domain(dir, out_str_of(&o)))) {
            return true;
        }
    }
    return false;
}

static void put_found(const struct phones *p, const struct route_hops *hops, struct out *o)
{
    const struct directory *dir = p->world.directory;
    bool here = false;

    for (size_t i = 0; i < hops->n; i++) {
        here = here || is_here(dir, &hops->hop[i].remote);
    }
    out_c(o, " found=\"yes\" address=\"");
    addr_write(o, &hops->hop[0].remote);
    out_fmt(o, "\" transport=\"%s\"", transport_name((enum transport)hops->hop[0].transport));
    if (dir->own_count > 0) {
        out_fmt(o, " here=\"%s\"", here ? "yes" : "no");
    }
}

static void put_name(const struct phones *p, const char *of, const struct route_want *want,
                     struct out *o)
{
    struct route_hops hops;
    int err;

    if (want->host.n == 0 || is_numeric(want->host) || p->env->query == NULL) {
        return;
    }
    err = route_locate(p->env, want, &hops);
    out_fmt(o, "<name of=\"%s\" host=\"", of);
    xml_write(o, want->host, true);
    out_ch(o, '"');
    if (err == 0) {
        put_found(p, &hops, o);
    } else {
        out_fmt(o, " found=\"%s\"",
                err == E_AGAIN      ? "asking"
                : err == E_NOTFOUND ? "no"
                                    : "silent");
    }
    out_c(o, "/>");
}

void phone_report_names(const struct phones *p, const struct device *d, struct out *o)
{
    const struct record *rec = registrar_find(p->world.registrar, d->key);
    const struct peer *peer = directory_peer_named(p->world.directory, d->phone_peer);
    struct sip_uri uri;
    uint32_t at;

    put_name(p, "domain",
             &(struct route_want){.host = str_from(d->key, str_index(d->key, '@') + 1)}, o);
    if (d->phone_peer.n > 0 && peer != NULL) {
        put_name(p, "peer",
                 &(struct route_want){.host = peer->host,
                                      .port = peer->port,
                                      .transport = (enum transport)peer->transport},
                 o);
    }
    if (rec == NULL) {
        return;
    }
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        if (b->hop.flow == 0 && sip_uri_parse(b->contact, 0, &uri, &at) == 0 &&
            uri.port <= 65535) {
            put_name(p, "contact",
                     &(struct route_want){.host = uri.host, .port = (uint16_t)uri.port}, o);
        }
    }
}
