/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reaching a destination: what a dialled text means, and INVITE to every contact of it.
 *
 * A destination is one of our devices (reached over the flows of its bindings), a number that a
 * peer takes, or a URI that a route rule has. Anything else is unknown: Baton relays to nobody
 * whom the configuration does not name. A GRUU (RFC 5627) is one phone of a device.
 *
 * A call that begins with a sips URI goes only where TLS leads: to sips contacts, peers over
 * TLS, sips URIs of rules; whoever joins it later, likewise. It is never made from a sip call,
 * whose other leg would make the promise a lie (RFC 5630).
 *
 * A device with several contacts rings on several at once (search.c), each a branch with a leg
 * of its own; the first that answers becomes the stem and the others are cancelled. When all
 * have refused, the best refusal counts: a 6xx, else the lowest class and number
 * (RFC 3261 §16.7 step 6).
 */
#include "base/err.h"
#include "call/parts.h"
#include "registrar/select.h"

/** The phone of a binding; all phones of its device when it has no GRUU. */
static bool destination_of_phone(struct call_layer *l, const struct binding *only,
                                 struct destination *out)
{
    struct out o;
    size_t room = only->instance.n * 3;
    char *text;

    out->gr = STR_NONE;
    if (only->gruu_life != 0) {
        text = arena_alloc(l->scratch, room);
        if (text == NULL) {
            return false;
        }
        out_init(&o, text, room);
        gruu_write_value(&o, only->instance);
        out->gr = out_str_of(&o);
    }
    out->device = directory_device(l->directory, only->record->key);
    return out->device != NULL;
}

/** A temporary GRUU: only the registrar knows whose it is. */
static bool destination_of_temporary(struct call_layer *l, const struct sip_uri *u,
                                     struct destination *out)
{
    struct binding *only;

    return registrar_find_gruu(l->registrar, u, &only) != NULL &&
           destination_of_phone(l, only, out);
}

/** A contact of a phone of ours: who follows a redirection to it may have us on his way. */
static bool destination_of_contact(struct call_layer *l, const struct sip_uri *u,
                                   struct destination *out)
{
    const struct binding *only = registrar_find_contact(l->registrar, u);

    return only != NULL && destination_of_phone(l, only, out);
}

static bool destination_of_device(struct call_layer *l, const struct sip_uri *u,
                                  struct destination *out)
{
    struct str gr = STR_NONE;

    if (gruu_in_uri(u, &gr) && gr.n == 0) {
        return destination_of_temporary(l, u, out);
    }
    out->gr = gr;
    out->device = directory_device_of_uri(l->directory, u);
    return out->device != NULL ||
           (!directory_is_ours(l->directory, u) && destination_of_contact(l, u, out));
}

bool destination_of_uri(struct call_layer *l, const struct sip_uri *u, struct destination *out)
{
    struct directory *dir = l->directory;
    struct str gr;

    *out = (struct destination){.sips = u->scheme == SIP_SCHEME_SIPS};
    if (destination_of_device(l, u, out)) {
        out->id = out->device->uri;
        out->number = out->device->number;
        return true;
    }
    if (!str_is_set(u->user) || u->user.n == 0 || (gruu_in_uri(u, &gr) && gr.n == 0)) {
        return false;
    }
    if (u->scheme != SIP_SCHEME_TEL && !directory_is_ours(dir, u)) {
        return false;
    }
    out->number = u->user;
    out->peer = peer_for(l->env, dir, out->number);
    out->chosen = true;
    out->id =
        u->scheme == SIP_SCHEME_TEL
            ? arena_fmt(l->scratch, "tel:%.*s", STR_ARG(out->number))
            : arena_fmt(l->scratch, "sip:%.*s@%.*s", STR_ARG(out->number), STR_ARG(u->host));
    return out->peer != NULL && out->id.p != NULL;
}

enum fit destination_fit(struct call_layer *l, const struct demand *w, struct destination *to)
{
    const struct peer *p;
    enum fit best;

    if (to->device != NULL) {
        return record_fit(registrar_find(l->registrar, to->device->key), w);
    }
    if (to->peer == NULL || !to->chosen) {
        return to->peer != NULL ? peer_fit(to->peer, w) : FIT_UNKNOWN;
    }
    p = peer_for_demand(l->env, l->directory, to->number, w, &best);
    if (p == NULL) {
        return best;
    }
    to->peer = p;
    return peer_fit(p, w);
}

bool destination_of_text(struct call_layer *l, struct str text, struct destination *out)
{
    struct sip_uri u;
    struct str gr;
    uint32_t at;

    text = str_trim(text);
    *out = (struct destination){.sips = str_istarts(text, STR("sips:"))};
    if (sip_uri_parse(text, 0, &u, &at) == 0 && gruu_in_uri(&u, &gr)) {
        return destination_of_uri(l, &u, out);
    }
    out->device = directory_device_named(l->directory, text);
    if (out->device != NULL) {
        out->id = out->device->uri;
        out->number = out->device->number;
        return true;
    }
    if (str_index(text, ':') == text.n) {
        text = arena_fmt(l->scratch, "sip:%.*s@%.*s", STR_ARG(text),
                         STR_ARG(l->directory->domains[0]));
    }
    if (sip_uri_parse(text, 0, &u, &at) != 0 || u.scheme == SIP_SCHEME_OTHER) {
        return false;
    }
    return destination_of_uri(l, &u, out);
}

bool destination_permitted(const struct call_layer *l, const struct device *by,
                           const struct destination *to)
{
    return l->permits == NULL || l->permits(l->ctx, by, to);
}

unsigned connection_ring_way(struct connection *conn, const struct way *w, const struct ring *r,
                             uint64_t now_ms)
{
    struct call *c = conn->call;
    struct branch *b = connection_add_branch(conn);
    struct leg_invite args = {
        .request_uri = w->request_uri,
        .from = r->from,
        .to = r->to,
        .target = w->target,
        .pin = w->binding != 0 && w->routes.n == 0,
        .routes = w->routes,
        .content = {.pass = r->pass, .lines = r->lines, .type = r->type, .body = r->body},
    };

    args.target.has_other = w->next_flow != NULL;
    if (b == NULL) {
        return 503;
    }
    if (r->pass != NULL) {
        if (!media_pass(c->a, conn, r->pass, &args.content)) {
            list_remove(&b->link);
            return 503;
        }
        if (r->replace_uui) {
            pass_without(c, SIP_HDR_USER_TO_USER, &args.content);
        }
        for (const enum sip_hdr_id *id = r->cut; id != NULL && *id != SIP_HDR_OTHER; id++) {
            pass_without(c, *id, &args.content);
        }
        args.from = pass_from(c->a, conn, r->pass, r->from);
    }
    if (r->pass != NULL || r->trail) {
        trail_request(b, w->request_uri, r->pass, &args.content);
    }
    uus_invite(c->a, conn, w->request_uri, &args.content);
    b->talk = w->talk;
    b->binding = w->binding;
    b->group = w->group;
    b->way = w->next_flow != NULL ? w : NULL;
    b->leg = leg_invite(c->layer->legs, &args, r->user, b, now_ms);
    if (b->leg == NULL) {
        list_remove(&b->link);
        return 503;
    }
    c->legs++;
    branch_watched(b, b->leg->seed->call_id);
    context_passes_on(c, b->leg);
    return 0;
}

bool call_way_to_peer(const struct peer *p, struct str number, bool sips, struct out *uri,
                      struct txn_target *to)
{
    peer_target(p, to);
    if (!sips) {
        peer_write_uri(p, number, uri);
        return !uri->over;
    }
    if (p->transport != TP_NONE && !transport_is_secure((enum transport)p->transport)) {
        return false;
    }
    to->sips = true;
    peer_write_sips_uri(p, number, uri);
    return !uri->over;
}

/** A 480 that says why: sips is not possible (380), or was not asked for (381). */
static unsigned no_sips(struct call *c, uint16_t warning)
{
    c->sips_warning = warning;
    return 480;
}

static unsigned ring_peer(struct connection *conn, const struct destination *to,
                          const struct ring *r, uint64_t now_ms)
{
    const struct peer *p = to->peer;
    struct txn_target target;
    struct out o;
    char uri[512];

    out_init(&o, uri, sizeof(uri));
    if (!call_way_to_peer(p, to->number, conn->call->sips, &o, &target)) {
        return o.over ? 414 : no_sips(conn->call, 380);
    }
    if (!peer_take(p)) {
        return 503;
    }
    conn->outside = true;
    conn->trusted = peer_is_inside(p);
    conn->host = arena_dup(&conn->call->arena, p->host); /* without: a domain of its own */
    conn->policy = p->policy;
    conn->passes_refer = p->takes_refer;
    unsigned status = connection_ring_way(
        conn, &(struct way){.request_uri = out_str_of(&o), .target = target}, r, now_ms);
    if (status != 0) {
        peer_release(p);
        return status;
    }
    list_entry(conn->branches.prev, struct branch, link)->peer = p;
    return 0;
}

/** Somebody whom the configuration names by a URI. */
static unsigned ring_uri(struct connection *conn, const struct destination *to,
                         const struct ring *r, uint64_t now_ms)
{
    struct txn_target target;
    struct sip_uri u;
    uint32_t at;

    if (sip_uri_parse(to->uri, 0, &u, &at) != 0 || !txn_target_of_uri(&u, &target)) {
        return 416;
    }
    if (conn->call->sips && u.scheme != SIP_SCHEME_SIPS) {
        return no_sips(conn->call, 380);
    }
    conn->outside = true;
    conn->host = arena_dup(&conn->call->arena, u.host);
    return connection_ring_way(conn, &(struct way){.request_uri = to->uri, .target = target}, r,
                               now_ms);
}

unsigned connection_ring(struct connection *conn, const struct destination *to,
                         const struct ring *r, uint64_t now_ms)
{
    if (str_is_set(to->gr) && !str_is_set(conn->gr)) {
        conn->gr = arena_dup(&conn->call->arena, to->gr);
        if (!str_is_set(conn->gr)) {
            return 503;
        }
    }
    if (str_is_set(to->uri)) {
        return ring_uri(conn, to, r, now_ms);
    }
    if (to->sips && !conn->call->sips) {
        return no_sips(conn->call, 381); /* the other party's leg is none (RFC 5630 §4.1) */
    }
    if (to->device != NULL) {
        return search_device(conn, to, r, now_ms);
    }
    return to->peer != NULL ? ring_peer(conn, to, r, now_ms) : 404;
}

void connection_stop_ringing(struct connection *conn, const struct branch *keep,
                             struct str lines, uint64_t now_ms)
{
    search_stop(conn);
    list_each(it, &conn->branches)
    {
        struct branch *b = list_entry(it, struct branch, link);
        if (b != keep && b->leg != NULL && !b->refused) {
            b->refused = true;
            leg_cancel(b->leg, lines, now_ms);
        }
    }
}

/** Is `a` a better refusal to pass on than `b`? */
static bool refusal_better(unsigned a, unsigned b)
{
    if (b == 0) {
        return true;
    }
    if ((a >= 600) != (b >= 600)) {
        return a >= 600;
    }
    /* 401 and 407 ask for credentials that the caller cannot have; 408, 487 and 503 say least
     */
    static const uint16_t weak[] = {401, 407, 408, 487, 503};
    bool wa = false, wb = false;
    for (size_t i = 0; i < ARRAY_LEN(weak); i++) {
        wa = wa || weak[i] == a;
        wb = wb || weak[i] == b;
    }
    return wa != wb ? wb : a < b;
}

unsigned connection_refusal(const struct connection *conn)
{
    unsigned best = 0;

    list_each(it, &conn->branches)
    {
        const struct branch *b = list_entry(it, struct branch, link);
        if (!b->refused) {
            return 0;
        }
        if (b->status != 0 && refusal_better(b->status, best)) {
            best = b->status;
        }
    }
    return best == 0 ? 480 : best;
}
