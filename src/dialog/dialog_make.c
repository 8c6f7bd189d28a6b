/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making dialogs: from a request (RFC 3261 §12.1.1), from a response (§12.1.2), and their
 * block of strings.
 *
 * THE BLOCK holds, one behind the other: Call-ID, tags, addresses, target, the route set as
 * header lines, one more Route line with the target, and the host of `next`. A loose router
 * needs the lines of the route set; a strict one (first Route without ;lr) gets its own
 * URI as Request-URI and the lines from the second on with the target behind them
 * (§12.2.1.1): both are slices of the same lines.
 *
 * A block is built whole before the old one is freed, because the parts may be slices of the
 * old one; so a failure leaves the dialog as it was.
 *
 * COST: one allocation a block, one pass over the Record-Route lines to measure and one to
 * write.
 */
#include "dialog/dialog_impl.h"

#include "base/err.h"

/** An address in two: what stands before its parameters, and those. */
struct halves {
    struct str head, params;
};

/** Tolerate what RFC 2543 peers and careless ones send: an address is copied as it is then. */
static struct halves halves_of(struct str value)
{
    struct sip_addr a;
    uint32_t at;
    if (sip_addr_parse(value, &a, &at) != 0 || !str_is_set(a.params)) {
        return (struct halves){value, STR_NONE};
    }
    const char *end = a.params.p;
    while (end > value.p && end[-1] != ';') {
        end--;
    }
    struct str head = str_make(value.p, (size_t)(end - value.p) - (end > value.p ? 1 : 0));
    return (struct halves){str_trim(head), a.params};
}

/** Without its tag. */
static struct str put_addr(struct out *o, const struct halves *addr)
{
    size_t at = o->n;
    out_str(o, addr->head);
    if (str_is_set(addr->params)) {
        sip_params_write(o, addr->params, STR("tag"));
    }
    return str_make(o->p + at, o->n - at);
}

static void write_route(struct out *o, struct str value)
{
    out_c(o, "Route: ");
    out_str(o, value);
    out_c(o, "\r\n");
}

static void write_route_set(struct out *o, const struct dialog_parts *p)
{
    struct str route[DIALOG_ROUTES_MAX];
    size_t n = 0;
    if (p->record == NULL) {
        out_str(o, p->route_set);
        return;
    }
    struct sip_values it = {0};
    struct str v;
    while (n < DIALOG_ROUTES_MAX && sip_msg_each(p->record, SIP_HDR_RECORD_ROUTE, &it, &v)) {
        route[n++] = v;
    }
    for (size_t i = 0; i < n; i++) {
        write_route(o, route[p->reverse ? n - 1 - i : i]);
    }
}

bool dialog_routes_fit(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str v;
    size_t n = 0;
    while (n <= DIALOG_ROUTES_MAX && sip_msg_each(m, SIP_HDR_RECORD_ROUTE, &it, &v)) {
        n++;
    }
    return n <= DIALOG_ROUTES_MAX;
}

struct layout {
    struct str call_id, local_tag, remote_tag, local_addr, remote_addr, remote_target;
    struct str route_set, target_line, host;
};

static struct str put(struct out *o, struct str s)
{
    size_t at = o->n;
    out_str(o, s);
    return str_make(o->p + at, o->n - at);
}

static void write_block(struct out *o, const struct dialog_parts *p, const struct halves *local,
                        const struct halves *remote, struct str host, struct layout *l)
{
    size_t at;
    l->call_id = put(o, p->call_id);
    l->local_tag = put(o, p->local_tag);
    l->remote_tag = put(o, p->remote_tag);
    l->local_addr = put_addr(o, local);
    l->remote_addr = put_addr(o, remote);
    l->remote_target = put(o, p->remote_target);
    size_t before = o->need;
    at = o->n;
    write_route_set(o, p);
    l->route_set = str_make(o->p + at, o->n - at);
    at = o->n;
    if (o->need > before) {
        out_c(o, "Route: <");
        out_str(o, p->remote_target);
        out_c(o, ">\r\n");
    }
    l->target_line = str_make(o->p + at, o->n - at);
    l->host = put(o, host);
}

/** The value of the first line of a route set, and what stands behind that line. */
static struct str first_route(struct str routes, struct str *rest)
{
    static const size_t name = sizeof("Route: ") - 1;
    size_t end = str_find(routes, STR("\r\n"));
    /* A folded value has line ends of its own, followed by white space. */
    while (end + 2 < routes.n && (routes.p[end + 2] == ' ' || routes.p[end + 2] == '\t')) {
        end += 2 + str_find(str_from(routes, end + 2), STR("\r\n"));
    }
    *rest = str_from(routes, end + 2);
    return routes.n > name ? str_from(str_upto(routes, end), name) : STR_NONE;
}

static struct str without_headers(struct str uri)
{
    struct sip_uri u;
    uint32_t at;
    if (sip_uri_parse(uri, 0, &u, &at) != 0 || !str_is_set(u.headers)) {
        return uri;
    }
    return str_upto(uri, (size_t)(u.headers.p - uri.p) - 1);
}

static void set_request_uri(struct dialog *d, struct str target_line)
{
    struct str rest, lr;
    struct sip_addr a;
    uint32_t at;
    d->request_uri = without_headers(d->remote_target);
    d->routes = d->route_set;
    if (d->route_set.n == 0 || sip_addr_parse(first_route(d->route_set, &rest), &a, &at) != 0 ||
        sip_param(a.uri.params, STR("lr"), &lr)) {
        return;
    }
    /* rest and the line of the target stand next to each other in the block */
    d->request_uri = without_headers(a.uri_text);
    d->routes = str_make(rest.p, rest.n + target_line.n);
}

int dialog_build(struct dialog *d, const struct mem *mem, const struct dialog_parts *p)
{
    struct out o;
    struct layout l;
    char none[1];
    if (p->record != NULL && !dialog_routes_fit(p->record)) {
        return E_TOOMANY;
    }
    struct halves local = halves_of(p->local_addr), remote = halves_of(p->remote_addr);
    out_init(&o, none, 0);
    write_block(&o, p, &local, &remote, d->next.host, &l);
    size_t size = o.need;
    char *block = mem_alloc(mem, size + 1);
    if (block == NULL) {
        return E_NOMEM;
    }
    out_init(&o, block, size);
    write_block(&o, p, &local, &remote, d->next.host, &l);
    d->call_id = l.call_id;
    d->local_tag = l.local_tag;
    d->remote_tag = l.remote_tag;
    d->local_addr = l.local_addr;
    d->remote_addr = l.remote_addr;
    d->remote_target = l.remote_target;
    d->route_set = l.route_set;
    d->next.host = d->next.host.n > 0 ? l.host : STR_NONE;
    set_request_uri(d, l.target_line);
    mem_free(mem, d->block);
    d->block = block;
    return 0;
}

void dialog_clear(struct dialog *d, const struct mem *mem)
{
    mem_free(mem, d->block);
    mem_free(mem, d->place);
    d->block = NULL;
    d->place = NULL;
}

/* ---- next hop ---- */

void dialog_aim(struct dialog *d)
{
    struct sip_uri u;
    struct sip_addr a;
    struct txn_target next;
    struct str rest;
    uint32_t at;
    if (d->route_set.n > 0 && sip_addr_parse(first_route(d->route_set, &rest), &a, &at) == 0) {
        u = a.uri;
    } else if (sip_uri_parse(d->remote_target, 0, &u, &at) != 0) {
        return; /* stays where it points: the source of the last message */
    }
    if (txn_target_of_uri(&u, &next)) {
        d->next = next;
    }
}

/** RFC 3581: the sender wants its answers at its source, so that is the way in. */
static bool behind_nat(const struct dialog *d, const struct sip_via *via,
                       const struct hop *from)
{
    struct sip_uri u;
    struct addr contact;
    uint32_t at;
    if (via->has_rport || sip_uri_parse(d->remote_target, 0, &u, &at) != 0) {
        return true;
    }
    return !addr_parse_host(u.host, sip_uri_port(&u), &contact) ||
           !addr_eq(&contact, &from->remote);
}

static bool is_same_hop(const struct hop *a, const struct hop *b)
{
    return a->flow == b->flow && a->transport == b->transport &&
           addr_eq(&a->remote, &b->remote);
}

void dialog_pin(struct dialog *d, const struct sip_msg *m, const struct hop *from)
{
    struct sip_values it = {0};
    struct sip_via via;
    struct str v;
    size_t vias = 0;
    if (d->pinned && is_same_hop(&d->next.hop, from)) {
        return; /* the Vias could only say so again */
    }
    while (sip_msg_each(m, SIP_HDR_VIA, &it, &v)) {
        vias++;
    }
    if (vias != 1 || sip_msg_via(m, &via) != 0 || from->flow == 0) {
        return;
    }
    if (!d->pinned &&
        (d->route_set.n > 0 || (!transport_is_reliable((enum transport)from->transport) &&
                                !behind_nat(d, &via, from)))) {
        return;
    }
    d->pinned = true;
    d->lost = false;
    d->next = (struct txn_target){.hop = *from};
    dialog_bind_flow(d);
}

/* ---- what messages say ---- */

void dialog_learn(struct dialog *d, const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str v;
    if (sip_msg_has(m, SIP_HDR_ALLOW)) {
        d->peer_methods = 0;
        while (sip_msg_each(m, SIP_HDR_ALLOW, &it, &v)) {
            d->peer_methods |= 1u << sip_method_of(v);
        }
    }
    if (sip_msg_has(m, SIP_HDR_ALLOW_EVENTS)) {
        d->peer_talk = sip_msg_has_token(m, SIP_HDR_ALLOW_EVENTS, STR("talk"));
    }
}

struct str dialog_contact_of(const struct sip_msg *m)
{
    struct sip_addr a;
    if (sip_msg_addr(m, SIP_HDR_CONTACT, &a) != 0 || a.star) {
        return STR_NONE;
    }
    return a.uri_text;
}

static bool is_sips(struct str uri)
{
    return str_istarts(uri, STR("sips:"));
}

static bool wants_sips(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct sip_addr a;
    struct str v;
    uint32_t at;
    if (is_sips(sip_msg_ruri(m))) {
        return true;
    }
    if (sip_msg_each(m, SIP_HDR_RECORD_ROUTE, &it, &v)) {
        return sip_addr_parse(v, &a, &at) == 0 && a.uri.scheme == SIP_SCHEME_SIPS;
    }
    return is_sips(dialog_contact_of(m));
}

int dialog_from_request(struct dialog *d, const struct mem *mem, const struct sip_msg *m,
                        const struct hop *from, struct str local_tag)
{
    struct sip_cseq cseq;
    struct dialog_parts p = {.call_id = sip_msg_value(m, SIP_HDR_CALL_ID),
                             .local_tag = local_tag,
                             .remote_tag = sip_msg_tag(m, SIP_HDR_FROM),
                             .local_addr = sip_msg_value(m, SIP_HDR_TO),
                             .remote_addr = sip_msg_value(m, SIP_HDR_FROM),
                             .remote_target = dialog_contact_of(m),
                             .record = m};
    int err = dialog_build(d, mem, &p);
    if (err != 0) {
        return err;
    }
    d->state = DIALOG_EARLY;
    d->next = (struct txn_target){.hop = *from};
    if (sip_msg_cseq(m, &cseq) == 0) {
        d->remote_cseq = cseq.number;
        d->cseq_known = true;
    }
    d->secure = wants_sips(m);
    dialog_aim(d);
    dialog_pin(d, m, from);
    dialog_learn(d, m);
    return 0;
}

int dialog_from_response(struct dialog *d, const struct mem *mem, const struct dialog *seed,
                         const struct sip_msg *m)
{
    struct str contact = dialog_contact_of(m);
    struct dialog_parts p = {
        .call_id = seed->call_id,
        .local_tag = seed->local_tag,
        .remote_tag = sip_msg_tag(m, SIP_HDR_TO),
        .local_addr = seed->local_addr,
        .remote_addr = sip_msg_value(m, SIP_HDR_TO),
        .remote_target = contact.n > 0 ? contact : seed->remote_target,
        .record = m,
        .reverse = true,
    };
    bool fresh = d->block == NULL;
    if (fresh) {
        d->next = seed->next;
        d->next.has_other = false; /* only the INVITE had */
    }
    int err = dialog_build(d, mem, &p);
    if (err != 0) {
        return err;
    }
    if (fresh) {
        d->state = DIALOG_EARLY;
        d->local_cseq = seed->local_cseq;
        d->pinned = seed->pinned;
        d->secure = seed->secure;
        d->offer = seed->offer;
    }
    dialog_bind_flow(d);
    if (!d->pinned && (contact.n > 0 || d->route_set.n > 0)) {
        dialog_aim(d);
    }
    dialog_learn(d, m);
    return 0;
}

int dialog_from_response_only(struct dialog *d, const struct mem *mem, const struct sip_msg *m)
{
    struct sip_cseq cseq;
    struct dialog_parts p = {.call_id = sip_msg_value(m, SIP_HDR_CALL_ID),
                             .local_tag = sip_msg_tag(m, SIP_HDR_FROM),
                             .remote_tag = sip_msg_tag(m, SIP_HDR_TO),
                             .local_addr = sip_msg_value(m, SIP_HDR_FROM),
                             .remote_addr = sip_msg_value(m, SIP_HDR_TO),
                             .remote_target = dialog_contact_of(m),
                             .record = m,
                             .reverse = true};
    if (sip_msg_cseq(m, &cseq) != 0) {
        return E_SYNTAX;
    }
    int err = dialog_build(d, mem, &p);
    if (err == 0) {
        d->state = DIALOG_CONFIRMED;
        d->local_cseq = cseq.number;
        dialog_aim(d);
    }
    return err;
}
