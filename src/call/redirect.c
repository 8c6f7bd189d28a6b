/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirections that Baton acts on: 300, 301 and 302 of a party that was called (RFC 3261
 * §8.1.3.4, §19.1.5).
 *
 * The Contacts of a 3xx are remembered when it comes; when all phones of the party have refused
 * and one of them has redirected, the best of them by q that leads somewhere is called instead,
 * and when that refuses, the next. It is told as Diverted, like DeflectCall. What a Contact
 * embeds becomes headers of the new INVITE, in place of the caller's own of that name
 * (embed.h), and its User-to-User joins with what the call has (context_move).
 *
 * A party is called once in a call: whom the call has rung before is not rung again, nor is the
 * caller, so redirections cannot go in circles; `max_redirects` bounds them besides.
 *
 * When nothing leads anywhere (a foreign domain, an unknown number, one that the route rules
 * refuse to the phone that redirects, another scheme), with `calls.redirect: pass`, or when he
 * said no-recurse (RFC 3841), the caller gets the 3xx with its Contacts as they came. 305 and
 * 380 always pass: Baton takes its next hops from nobody, and an alternative service is not the
 * same call.
 */
#include "base/err.h"
#include "call/parts.h"
#include "sip/embed.h"

enum { TARGETS = 8 };

struct redirect {
    struct {
        struct str uri;        /**< in the call's arena */
        struct str contact;    /**< the whole Contact value, likewise */
        struct str of;         /**< index of the attempt that it answers; absent: no history */
        struct connection *by; /**< who redirects */
        struct hop over;       /**< and over which hop he said so */
        struct str given;      /**< User-to-User that the 3xx has in its body; absent: none */
        uint16_t q_milli;
        bool used;
    } target[TARGETS];
    size_t n;
    unsigned followed;
};

static bool is_followed(const struct call_layer *l, unsigned status)
{
    return !l->config.pass_redirects && status >= 300 && status <= 302;
}

/** In thousandths; 1000 when it is not there or cannot be read. */
static uint16_t q_of(struct str params)
{
    struct str q;
    uint16_t milli = 1000;

    if (sip_param(params, STR("q"), &q)) {
        (void)sip_q_parse(q, &milli);
    }
    return milli;
}

static void note_one(const struct branch *b, const struct sip_addr *contact, struct str given)
{
    struct connection *from = b->conn;
    struct call *c = from->call;
    struct redirect *r = c->redirect;

    if (contact->star || r->n == TARGETS) {
        return;
    }
    r->target[r->n].uri = arena_dup(&c->arena, contact->uri_text);
    r->target[r->n].contact = arena_dup(&c->arena, contact->text);
    r->target[r->n].of = trail_last(from);
    r->target[r->n].by = from;
    r->target[r->n].over = b->leg != NULL ? b->leg->hop : (struct hop){0};
    r->target[r->n].given = given;
    r->target[r->n].q_milli = q_of(contact->params);
    r->target[r->n].used = false;
    r->n += r->target[r->n].uri.p != NULL ? 1 : 0;
}

void redirect_note(struct branch *b, unsigned status, const struct sip_msg *m)
{
    struct call *c = b->conn->call;
    struct sip_values it = {0};
    struct sip_addr contact;
    struct str value, given;
    uint32_t at;

    if (m == NULL || !is_followed(c->layer, status) || call_wishes(c).recurse == DIRECTIVE_NO) {
        return;
    }
    if (c->redirect == NULL) {
        c->redirect = arena_zalloc(&c->arena, sizeof(*c->redirect));
    }
    given = uus_for_target(b->conn, m);
    if (given.n > 0) {
        given = arena_dup(&c->arena, given);
        if (given.n == 0) {
            return; /* without what it is to know nobody is called */
        }
    }
    while (c->redirect != NULL && sip_msg_each(m, SIP_HDR_CONTACT, &it, &value)) {
        if (sip_addr_parse(value, &contact, &at) == 0) {
            note_one(b, &contact, given);
        }
    }
}

/** A peer may send a call on to another number of its own. */
static bool is_peers_own(struct call_layer *l, const struct connection *from,
                         const struct sip_uri *u, struct destination *out)
{
    const struct directory *dir = l->directory;
    struct addr addr;

    if (!from->outside || u->scheme == SIP_SCHEME_TEL || u->user.n == 0) {
        return false;
    }
    for (size_t i = 0; i < dir->peer_count; i++) {
        const struct peer *p = &dir->peers[i];
        bool same = str_ieq(p->host, u->host) ||
                    (addr_parse_host(u->host, p->addr.port, &addr) &&
                     p->addr.family != ADDR_NONE && addr_ip_eq(&addr, &p->addr));
        if (same && peer_is_inside(p) == from->trusted) {
            *out = (struct destination){.peer = p,
                                        .number = u->user,
                                        .id = u->text,
                                        .sips = u->scheme == SIP_SCHEME_SIPS};
            return true;
        }
    }
    return false;
}

/** What a peer says of its own numbers counts before what a phone says of its contact. */
static bool place(struct call_layer *l, const struct connection *from, const struct sip_uri *u,
                  struct destination *out)
{
    bool ours = directory_is_ours(l->directory, u);

    return (!ours && is_peers_own(l, from, u, out)) || destination_of_uri(l, u, out) ||
           (ours && is_peers_own(l, from, u, out));
}

/** Has the call rung it, or does it come from it? */
static bool is_in_call(const struct call *c, const struct destination *to)
{
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if ((to->device != NULL && conn->device == to->device) || str_eq(conn->id, to->id)) {
            return true;
        }
    }
    return false;
}

/** On behalf of the phone that forwards, or, when that is outside, of who would follow it. */
static bool is_permitted(const struct connection *from, const struct destination *to)
{
    const struct device *caller = from->call->a != NULL ? from->call->a->device : NULL;

    return destination_permitted(from->call->layer,
                                 from->device != NULL ? from->device : caller, to);
}

/** Its User-to-User, with what the call had. @return false: no memory */
static bool joins(const struct connection *from, const struct hop *over, struct str given,
                  struct str had, struct redirect_to *out)
{
    struct move m = {
        .how = UUI_MOVE_REDIRECT, .by = from, .over = over, .given = given, .had = had};
    struct uui_merged joined;

    if (given.n == 0) {
        return true;
    }
    m.to = context_domain_of(from->call->layer, &out->to);
    if (!context_move(from->call, &m, &joined)) {
        return false;
    }
    out->uui = joined.values;
    out->fresh = joined.fresh;
    return true;
}

/**
 * What that URI leads to.
 * @param given  User-to-User for it, when it has none itself
 * @return false: nowhere
 */
static bool leads(const struct connection *from, const struct hop *over, struct str text,
                  struct str given, struct str had, struct redirect_to *out)
{
    struct call_layer *l = from->call->layer;
    struct sip_embedded e;
    struct sip_uri u;
    uint32_t at;

    *out = (struct redirect_to){0};
    if (sip_uri_parse(text, 0, &u, &at) != 0 || u.scheme == SIP_SCHEME_OTHER ||
        sip_embed(&u, l->scratch, &e) != 0 || !call_may_require(e.require) ||
        (str_is_set(e.method) && !str_eq(e.method, STR("INVITE"))) ||
        sip_uri_parse(e.uri, 0, &u, &at) != 0 ||
        (u.scheme == SIP_SCHEME_SIPS) != from->call->sips || /* RFC 5630 §5.3 */
        !place(l, from, &u, &out->to) || is_in_call(from->call, &out->to) ||
        !is_permitted(from, &out->to) ||
        (out->to.device != NULL && registrar_find(l->registrar, out->to.device->key) == NULL)) {
        return false;
    }
    out->lines = sip_embedded_lines(l->scratch, &e);
    memcpy(out->cut, e.cut, sizeof(out->cut));
    return str_is_set(out->lines) && joins(from, over, e.uui.n > 0 ? e.uui : given, had, out);
}

bool redirect_take(struct connection *from, unsigned status, struct str had,
                   struct redirect_to *out)
{
    struct call *c = from->call;
    struct redirect *r = c->redirect;
    size_t best;

    if (r == NULL || (!is_followed(c->layer, status) && r->followed == 0)) {
        return false; /* what comes after a target of a redirection goes on with the next one */
    }
    while (status < 600 && r->followed < c->layer->config.max_redirects) {
        best = r->n;
        for (size_t i = 0; i < r->n; i++) {
            if (!r->target[i].used &&
                (best == r->n || r->target[i].q_milli > r->target[best].q_milli)) {
                best = i;
            }
        }
        if (best == r->n) {
            return false;
        }
        r->target[best].used = true;
        if (leads(r->target[best].by, &r->target[best].over, r->target[best].uri,
                  r->target[best].given, had, out)) {
            out->contact = r->target[best].contact;
            out->of = r->target[best].of;
            r->followed++;
            c->layer->redirected++;
            return true;
        }
    }
    return false;
}

bool redirect_follow(struct call *c, unsigned status, uint64_t now_ms)
{
    struct redirect_to to;
    struct connection *next;
    struct str line = STR_NONE;

    if (c->b == NULL || c->phase != CALL_SETUP || connection_leg(c->a) == NULL ||
        !redirect_take(c->b, status, c->uui, &to)) {
        return false;
    }
    next = call_add_connection(c, to.to.device, to.to.id);
    if (to.uui.n > 0 && !str_eq(to.uui, c->uui)) {
        line = arena_dup(&c->arena, call_uui_values_line(c->layer->scratch, to.uui));
        next = line.n == 0 ? NULL : next;
    }
    if (next == NULL) {
        return false;
    }
    trail_redirected(c->b, &to);
    deflect_leave(c->b, next, "redirected", now_ms);
    if (line.n > 0) {
        call_set_uui(c, line);
    }
    status = deflect_ring(c, &to.to, &to, now_ms);
    if (status != 0 && !redirect_follow(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
    return true;
}
