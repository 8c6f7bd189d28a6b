/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a forwarded request (RFC 3261 §16.6).
 *
 *   1  a copy: runs over the bytes that came, by an edit list
 *   2  Request-URI of the target
 *   3  Max-Forwards one less, or 70; Max-Breadth (RFC 5393 §5.3.3)
 *   4  Record-Route: by on_way, when transport and address of both sides are known. When they
 *      differ there are two, ours towards the target above ours towards the caller (RFC 5658)
 *   5  what the plan says: lines, and headers that are cut. Credentials that were for us are
 *      cut too (§22.3): whoever is behind us has no use for them, but a bad one. Where no plan
 *      has judged it (inside dialogs, along a Route, after a redirection) identities that one
 *      from outside asserts go
 *   6  Route: ours go, the target's come on top; a strict router in front gets its way
 *   7  next hop: the target's, else the first Route, else the Request-URI
 *   8  Via: by the transaction layer, with our mark; the one below it gets received and rport
 *      (§18.2.1)
 *   9  Content-Length: by on_way, when it is missing and the way is a stream
 *
 * Everything else leaves as it came, in its order and spelling.
 */
#include "auth/auth.h"
#include "proxy/priv.h"

/** Who a message says that its sender is: worth what the sender's word is (RFC 3325 §5). */
static const enum sip_hdr_id assertions[] = {SIP_HDR_P_ASSERTED_IDENTITY,
                                             SIP_HDR_P_PREFERRED_IDENTITY,
                                             SIP_HDR_REMOTE_PARTY_ID, SIP_HDR_OTHER};

static uint32_t head_start(const struct sip_msg *m)
{
    return m->hdr_count > 0 ? m->hdr[0].name_off : m->head_len - 2;
}

/* ---- where to ---- */

/** The first Route that the copy will have. */
static struct str first_route(const struct proxy__copy *c)
{
    struct str routes = c->target != NULL ? c->target->routes : STR_NONE;
    if (routes.n == 0) {
        return c->request->route.next;
    }
    struct str line = str_upto(routes, str_find(routes, STR("\r\n"))), value;
    line = str_trim(str_from(line, str_index(line, ':') + 1));
    return sip_list_next(&line, &value) ? value : STR_NONE;
}

/** The URI without maddr, transport and port. Absent: memory is out. */
static struct str without_maddr(struct arena *a, struct str text)
{
    struct sip_uri u;
    uint32_t at;
    if (sip_uri_parse(text, 0, &u, &at) != 0) {
        return text;
    }
    struct str all = str_upto(text, (size_t)(u.host.p + u.host.n - text.p));
    struct str rest = u.params, name, value;
    while (str_is_set(u.params) && sip_param_next(&rest, &name, &value)) {
        if (!str_ieq(name, STR("maddr")) && !str_ieq(name, STR("transport"))) {
            struct str part[] = {all, STR(";"), name, str_is_set(value) ? STR("=") : STR(""),
                                 value};
            all = arena_join(a, part, ARRAY_LEN(part));
        }
    }
    struct str part[] = {all, str_is_set(u.headers) ? STR("?") : STR(""), u.headers};
    return arena_join(a, part, ARRAY_LEN(part));
}

struct way {
    struct str ruri;       /**< of the copy */
    struct str route;      /**< the first Route value; absent: none */
    struct sip_uri strict; /**< of that value, when it is no loose router */
    bool is_strict;
};

static bool has_way(const struct txn_target *to)
{
    return to->hop.flow != 0 || to->hop.remote.family != ADDR_NONE || to->host.n > 0;
}

/** The flow on which the other side of the dialog is reached, by the token; 0: by address. */
static struct hop flow_of_token(const struct proxy__route *r)
{
    if (str_is_set(r->next) || r->last_cut) {
        return (struct hop){0}; /* somebody else is between us */
    }
    return r->side == PROXY_FROM_CALLER   ? r->ways.callee
           : r->side == PROXY_FROM_CALLEE ? r->ways.caller
                                          : (struct hop){0};
}

static bool is_sips(struct str uri)
{
    return str_istarts(uri, STR("sips:"));
}

/** A sips request leaves over TLS or not at all (RFC 5630 §5.3). */
static bool keeps_sips(struct str ruri, struct txn_target *to)
{
    enum transport t = (enum transport)to->hop.transport;
    if (!is_sips(ruri)) {
        return true;
    }
    to->sips = true;
    return t == TP_NONE || transport_is_secure(t);
}

static int find_way(struct proxy *p, const struct proxy__copy *c, struct way *w,
                    struct txn_target *to)
{
    const struct proxy__request *r = c->request;
    struct sip_uri uri;
    uint32_t at;
    bool loose = true;
    *w = (struct way){.ruri = r->route.ruri, .route = first_route(c)};
    if (c->target != NULL && str_is_set(c->target->request_uri)) {
        w->ruri = c->target->request_uri;
    } else if (r->route.strip) {
        w->ruri = without_maddr(p->scratch, r->route.ruri);
        if (!str_is_set(w->ruri)) {
            return E_NOMEM;
        }
    }
    if (str_is_set(w->route)) {
        if (!proxy__route_uri(w->route, &uri, &loose)) {
            return E_NOTFOUND;
        }
        w->is_strict = !loose;
        w->strict = uri;
    }
    *to = c->target != NULL ? c->target->to : (struct txn_target){0};
    if (c->target == NULL) {
        to->hop = r->route.by_path ? r->route.path : flow_of_token(&r->route);
    }
    if (!has_way(to)) {
        if (!str_is_set(w->route) && sip_uri_parse(w->ruri, 0, &uri, &at) != 0) {
            return E_NOTFOUND;
        }
        if (is_sips(w->ruri)) {
            uri.scheme = SIP_SCHEME_SIPS; /* what a Route says of TCP means TLS over it */
        }
        if (!txn_target_of_uri(&uri, to)) {
            return E_NOTFOUND;
        }
    }
    if (!keeps_sips(w->ruri, to)) {
        return E_DENIED;
    }
    to->mark = str_c(r->mark);
    return 0;
}

/* ---- the changes ---- */

static void write_number(struct proxy *p, struct sip_edit *e, enum sip_hdr_id id, uint32_t n)
{
    const struct sip_hdr *h = sip_msg_line(e->m, id);
    char digits[12];
    struct out o;
    out_init(&o, digits, sizeof(digits));
    out_u64(&o, n);
    if (h != NULL && str_eq(sip_hdr_value(e->m, h), out_str_of(&o))) {
        return;
    }
    struct str text = arena_dup(p->scratch, out_str_of(&o));
    if (!str_is_set(text)) {
        e->err = E_NOMEM;
    } else if (h != NULL) {
        sip_edit_value(e, h, text);
    } else {
        sip_edit_append(e, sip_hdr_id_name(id), text);
    }
}

/** §18.2.1 and RFC 3581 §4: the sender's Via says where it came from. */
static void mark_sender(struct proxy *p, struct sip_edit *e, const struct hop *from)
{
    struct sip_values it = {0};
    struct str value;
    struct out o;
    if (!sip_msg_each(e->m, SIP_HDR_VIA, &it, &value)) {
        return;
    }
    size_t cap = value.n + 96;
    char *buf = arena_alloc(p->scratch, cap);
    if (buf == NULL) {
        e->err = E_NOMEM;
        return;
    }
    out_init(&o, buf, cap);
    txn_write_top_via(&o, value, from);
    if (o.over) {
        e->err = E_TOOBIG;
    } else if (!str_eq(out_str_of(&o), value)) {
        sip_edit_span(e, (uint32_t)(value.p - e->m->buf), (uint32_t)value.n, out_str_of(&o));
    }
}

/** Lines of the target, without the first Route value when that became the Request-URI. */
static void put_routes(struct proxy *p, struct sip_edit *e, const struct proxy__copy *c,
                       const struct way *w)
{
    struct str routes = c->target != NULL ? c->target->routes : STR_NONE;
    if (w->is_strict) {
        /* §16.6 step 6: the Request-URI goes to the end, the strict router's URI to its place
         */
        if (routes.n > 0) {
            struct str line = str_upto(routes, str_find(routes, STR("\r\n"))), rest, first;
            rest = str_trim(str_from(line, str_index(line, ':') + 1));
            (void)sip_list_next(&rest, &first);
            rest = str_trim(rest);
            struct str tail = str_from(routes, line.n + 2);
            routes = rest.n > 0 ? arena_fmt(p->scratch, "Route: %.*s\r\n%.*s", STR_ARG(rest),
                                            STR_ARG(tail))
                                : tail;
        }
        struct str last = arena_fmt(p->scratch, "<%.*s>", STR_ARG(w->ruri));
        const struct sip_hdr *h = sip_msg_line(e->m, SIP_HDR_ROUTE), *end = h;
        for (; h != NULL; h = sip_msg_next_line(e->m, h)) {
            end = h;
        }
        struct str line = arena_fmt(p->scratch, "Route: %.*s\r\n", STR_ARG(last));
        if (!str_is_set(line)) {
            e->err = E_NOMEM;
        } else if (end == NULL) {
            struct str both[] = {routes, line};
            routes = arena_join(p->scratch, both, 2);
        } else {
            uint32_t at =
                end + 1 < e->m->hdr + e->m->hdr_count ? end[1].name_off : e->m->head_len - 2;
            sip_edit_span(e, at, 0, line);
        }
    }
    sip_edit_top(e, routes);
}

static void cut_headers(struct sip_edit *e, const enum sip_hdr_id *cut)
{
    for (; cut != NULL && *cut != SIP_HDR_OTHER; cut++) {
        sip_edit_cut(e, *cut);
    }
}

static void cut_credentials(const struct proxy *p, struct sip_edit *e, enum sip_hdr_id id)
{
    const struct sip_hdr *h = p->realm.n > 0 ? sip_msg_line(e->m, id) : NULL;
    for (; h != NULL; h = sip_msg_next_line(e->m, h)) {
        if (auth_is_for_realm(sip_hdr_value(e->m, h), p->realm)) {
            sip_edit_cut_line(e, h);
        }
    }
}

/** Has who made the target decided what is told of the sender? Then it cuts what it replaces.
 */
static bool is_judged(const struct proxy_target *t)
{
    const enum sip_hdr_id *cut = t != NULL ? t->cut : NULL;
    while (cut != NULL && *cut != SIP_HDR_OTHER && *cut != SIP_HDR_P_PREFERRED_IDENTITY) {
        cut++;
    }
    return cut != NULL && *cut != SIP_HDR_OTHER;
}

/** "METHOD uri SIP/2.0" CRLF: as it came when the Request-URI stays. */
static struct str start_line(struct proxy *p, const struct sip_msg *m, struct str ruri)
{
    struct str old = sip_msg_ruri(m), whole = str_make(m->buf, head_start(m));
    size_t at = (size_t)(old.p - m->buf);
    if (str_eq(old, ruri)) {
        return whole;
    }
    struct str part[] = {str_upto(whole, at), ruri, str_from(whole, at + old.n)};
    return arena_join(p->scratch, part, ARRAY_LEN(part));
}

int proxy__write_copy(struct proxy *p, const struct proxy__copy *c, struct str *run,
                      struct txn_target *to)
{
    const struct proxy__request *r = c->request;
    struct proxy__route routes = r->route;
    struct proxy__said said;
    struct sip_edit e;
    struct way w;
    int err = find_way(p, c, &w, to);
    err = err != 0 ? err : proxy__uus_request(p, c, to, &said);
    if (err != 0) {
        return err;
    }
    bool own_route = c->target == NULL || c->target->routes.n == 0;
    if (w.is_strict && own_route) {
        routes.cut++; /* the strict router's URI leaves the Route */
    }
    run[0] = start_line(p, r->m, w.is_strict ? w.strict.text : w.ruri);
    if (!str_is_set(run[0])) {
        return E_NOMEM;
    }
    sip_edit_init(&e, r->m, p->scratch);
    sip_edit_span(&e, 0, head_start(r->m), STR_NONE);
    mark_sender(p, &e, r->from);
    write_number(p, &e, SIP_HDR_MAX_FORWARDS, r->max_forwards);
    if (r->m->method != SIP_METHOD_ACK) {
        write_number(p, &e, SIP_HDR_MAX_BREADTH, c->breadth);
    }
    cut_credentials(p, &e, SIP_HDR_AUTHORIZATION);
    cut_credentials(p, &e, SIP_HDR_PROXY_AUTHORIZATION);
    proxy__cut_routes(&e, &routes);
    put_routes(p, &e, c, &w);
    sip_edit_top(&e, said.lines);
    proxy__put_said(&e, &said);
    if (c->sized != NULL) {
        *c->sized = said.body;
    }
    if (c->target != NULL) {
        cut_headers(&e, c->target->cut);
    }
    if (r->outside && !is_judged(c->target)) {
        cut_headers(&e, assertions);
    }
    if (said.lines.n == 0 && !said.header && !said.body) {
        to->same = r->m->buf; /* what is put into it are Via, Route and numbers */
    }
    int n = sip_edit_emit(&e, run + 1);
    return n < 0 ? n : n + 1;
}

/* ---- what depends on the way ---- */

/** Requests that begin a dialog have a route set of their own (§16.6 step 4). */
static bool begins_dialog(const struct sip_msg *m)
{
    return (m->method == SIP_METHOD_INVITE || m->method == SIP_METHOD_SUBSCRIBE ||
            m->method == SIP_METHOD_REFER || m->method == SIP_METHOD_NOTIFY ||
            m->method == SIP_METHOD_OTHER) &&
           !str_is_set(sip_msg_tag(m, SIP_HDR_TO));
}

static const char *transport_param(enum transport t)
{
    switch (t) {
    case TP_TCP:
        return ";transport=tcp";
    case TP_TLS:
        return ";transport=tls";
    case TP_WS:
    case TP_WSS:
        return ";transport=ws";
    case TP_NONE:
    case TP_UDP:
    case TP_COUNT:
        break;
    }
    return "";
}

static void write_record_route(struct out *o, const struct hop *hop, const struct addr *local,
                               struct str token, bool sips)
{
    enum transport t = (enum transport)hop->transport;
    out_c(o, sips ? "Record-Route: <sips:" : "Record-Route: <sip:");
    out_str(o, token);
    out_ch(o, '@');
    addr_write(o, local);
    out_c(o, sips && t == TP_TLS ? "" : transport_param(t));
    out_c(o, ";lr>\r\n");
}

static void record_route(const struct proxy__branch *b, const struct hop *hop, struct out *o)
{
    const struct proxy__fork *f = b->fork;
    const struct env *env = f->proxy->env;
    struct proxy__ways ways = {.callee = b->pinned, .uus = b->uus.service};
    struct addr in = {0}, out = {0};
    char text[PROXY_TOKEN_MAX];
    struct out token;
    bool sips = is_sips(f->request.route.ruri);
    if (proxy__needs_flow(f->request.m, &f->from)) {
        ways.caller = f->from;
    }
    out_init(&token, text, sizeof(text));
    proxy__token_write(f->proxy, f->request.m, &ways, &token);
    env->local(env->ctx, &f->from, &in);
    env->local(env->ctx, hop, &out);
    write_record_route(o, hop, &out, out_str_of(&token), sips);
    if (hop->transport != f->from.transport || !addr_eq(&in, &out)) {
        write_record_route(o, &f->from, &in, out_str_of(&token), sips);
    }
}

/** RFC 3327 §5.2, RFC 5626 §5.1: who sends to this phone comes to us, and we know the flow.
    A phone that does not know of Path gets it too: it is reached in no other way. */
static void path(const struct proxy__branch *b, const struct hop *hop, struct out *o)
{
    const struct proxy__fork *f = b->fork;
    const struct sip_msg *m = f->request.m;
    const struct env *env = f->proxy->env;
    struct sip_addr contact;
    struct addr local = {0};
    struct str reg_id;
    bool sips = is_sips(f->request.route.ruri);
    bool flows = m->count[SIP_HDR_VIA] == 1 &&
                 sip_msg_addr(m, SIP_HDR_CONTACT, &contact) == 0 &&
                 sip_param(contact.params, STR("reg-id"), &reg_id);
    if (f->from.flow == 0) {
        return;
    }
    env->local(env->ctx, hop, &local);
    out_c(o, sips ? "Path: <sips:" : "Path: <sip:");
    proxy__path_write(f->proxy, &f->from, o);
    out_ch(o, '@');
    addr_write(o, &local);
    out_c(o, sips && hop->transport == TP_TLS
                 ? ""
                 : transport_param((enum transport)hop->transport));
    out_c(o, flows ? ";lr;ob>\r\n" : ";lr>\r\n");
    if (sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("path")) &&
        !sip_msg_has_token(m, SIP_HDR_REQUIRE, STR("path"))) {
        out_c(o, "Require: path\r\n");
    }
}

void proxy__on_way(struct txn *t, struct out *o)
{
    const struct proxy__branch *b = t->owner;
    const struct proxy__fork *f = b->fork;
    const struct sip_msg *m = f->request.m;
    if (m == NULL) {
        return; /* it was answered while the name was looked up */
    }
    if ((f->record_route || b->uus.service != PROXY_UUS_NONE) && begins_dialog(m)) {
        record_route(b, &t->hop, o);
    }
    if (f->record_route && m->method == SIP_METHOD_REGISTER) {
        path(b, &t->hop, o);
    }
    if (transport_is_reliable((enum transport)t->hop.transport) && !b->sized &&
        !sip_msg_has(m, SIP_HDR_CONTENT_LENGTH)) {
        out_c(o, "Content-Length: ");
        out_u64(o, m->len - m->head_len);
        out_c(o, "\r\n");
    }
}
