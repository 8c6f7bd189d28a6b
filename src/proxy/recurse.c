/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 3xx that the proxy acts on itself (RFC 3261 §16.7 step 4, §16.5).
 *
 * Its contacts become targets, at the head of the queue, in the order of q; equal ones ring
 * together. They are tried in place of the branch that was redirected, so beside those that
 * still ring. A contact is passed over when
 *
 *   it is no SIP URI, or not of the scheme that the caller asked for (RFC 5630 §5.3),
 *   it asks for a request that cannot be made: another method, headers that are no headers, or
 *   an extension that the caller does not support (§19.1.5),
 *   the request has been there already (a loop ends here, not at Max-Forwards),
 *   or the fork has had as many targets as it may.
 *
 * Where a contact leads is asked above (proxy.places): to the phones of an address of ours, to
 * the peer that takes a number, or where it says.
 *
 * When none remains, the 3xx is a response like any other and the caller may follow it himself.
 *
 * Headers that are embedded in a contact become headers of the branch (sip_embed says which);
 * those of the same name go. User-to-User joins with what the redirected request had, by the
 * table of uui/merge.h: who redirects to another domain than his own replaces nothing.
 */
#include "proxy/priv.h"

#include "base/err.h"
#include "border/border.h"
#include "history/change.h"
#include "sip/embed.h"
#include "uui/merge.h"
#include "uui/message.h"

enum { CONTACTS_MAX = 16, PLACES_MAX = 8 };

struct contact {
    struct sip_addr addr;
    uint16_t q_milli;
};

/** q in thousandths; 1000 when it is absent or no q. */
static uint16_t read_q(const struct sip_addr *a)
{
    struct str v;
    uint16_t q = 1000;
    if (sip_param(a->params, STR("q"), &v)) {
        (void)sip_q_parse(v, &q);
    }
    return q;
}

/** In descending order of q; equal ones as they came. @return how many */
static size_t read_contacts(const struct sip_msg *m, struct contact *list)
{
    struct sip_values it = {0};
    struct str value;
    size_t n = 0;
    while (n < CONTACTS_MAX && sip_msg_each(m, SIP_HDR_CONTACT, &it, &value)) {
        struct contact c;
        uint32_t at;
        if (sip_addr_parse(value, &c.addr, &at) != 0 || c.addr.star) {
            continue;
        }
        c.q_milli = read_q(&c.addr);
        size_t i = n++;
        for (; i > 0 && list[i - 1].q_milli < c.q_milli; i--) {
            list[i] = list[i - 1];
        }
        list[i] = c;
    }
    return n;
}

static bool same_uri(struct str a, const struct sip_uri *u)
{
    struct sip_uri other;
    uint32_t at;
    return sip_uri_parse(a, 0, &other, &at) == 0 && sip_uri_eq(&other, u);
}

static bool was_tried(const struct proxy__fork *f, const struct sip_uri *u)
{
    if (same_uri(f->request.route.ruri, u)) {
        return true;
    }
    for (const struct proxy__waiting *w = f->queue; w != NULL; w = w->next) {
        if (str_is_set(w->target.request_uri) && same_uri(w->target.request_uri, u)) {
            return true;
        }
    }
    return false;
}

static bool is_allowed(const struct proxy__fork *f, const struct sip_uri *u)
{
    bool sips = str_istarts(f->request.route.ruri, STR("sips:"));
    return u->scheme == (sips ? SIP_SCHEME_SIPS : SIP_SCHEME_SIP);
}

/** Only what the caller supports may be required in his name. */
static bool may_require(const struct sip_msg *m, struct str tags)
{
    struct str tag;
    while (tags.n > 0 && sip_list_next(&tags, &tag)) {
        if (!sip_msg_has_token(m, SIP_HDR_SUPPORTED, tag)) {
            return false;
        }
    }
    return true;
}

/** One of the places of a contact: what the contact asks for is added. @return false: memory */
static bool add_wishes(struct arena *a, struct proxy_target *place,
                       const struct proxy_target *asked)
{
    struct history_out out;
    int err = change_begin(&out, a, place->lines, place->cut);
    for (const enum sip_hdr_id *id = asked->cut; id != NULL && *id != SIP_HDR_OTHER && err == 0;
         id++) {
        err = change_cut(&out, a, *id);
    }
    if (err != 0 || change_add(&out, a, asked->lines) != 0) {
        return false;
    }
    place->lines = out.lines;
    place->cut = out.cut;
    return true;
}

/* ---- User-to-User ---- */

/** The administration of a target: what the plan says, else the host of its URI. */
static struct str domain_of(const struct proxy__fork *f, const struct proxy_target *t)
{
    const struct directory *d = f->proxy->directory;
    struct sip_uri u;
    uint32_t at;
    if (t != NULL && t->domain.n > 0) {
        return t->domain;
    }
    struct str uri =
        t != NULL && str_is_set(t->request_uri) ? t->request_uri : f->request.route.ruri;
    if (sip_uri_parse(uri, 0, &u, &at) != 0) {
        return STR_NONE;
    }
    return d != NULL && directory_is_domain(d, u.host) ? d->domains[0] : u.host;
}

static void tell_merged(struct proxy *p, const struct sip_msg *m, const struct uui_merged *r,
                        struct str by)
{
    static const char *const text[] = {"replaced", "foreign replacement refused",
                                       "isdn-uui of a redirection dropped (RFC 7434 §8)"};
    const uint32_t n[] = {r->replaced, r->refused, r->forbidden};
    p->stats.uui_replaced += r->replaced;
    p->stats.uui_refused += r->refused;
    p->stats.uui_forbidden += r->forbidden;
    for (size_t i = 0; i < ARRAY_LEN(n); i++) {
        if (n[i] > 0) {
            struct str id = sip_msg_value(m, SIP_HDR_CALL_ID);
            env_trace_of(p->env, TRACE_INFO, "proxy", &(struct trace_ids){.sip_call = id},
                         "call %.*s: User-to-User %s: redirection by %.*s", STR_ARG(id),
                         text[i], STR_ARG(by));
        }
    }
}

static void on_lost(void *ctx, const struct uui_value *v, enum uui_fate fate)
{
    const struct proxy__branch *b = ctx;
    const struct proxy *p = b->fork->proxy;
    const struct proxy_target *t = b->target;
    struct border_moved moved = {.call_id = sip_msg_value(b->fork->request.m, SIP_HDR_CALL_ID),
                                 .by = {.peer = t != NULL ? t->peer : NULL},
                                 .value = v,
                                 .fate = fate,
                                 .in = SIP_HDR_CONTACT};
    moved.by.device = moved.by.peer == NULL;
    if (p->border != NULL) {
        border_note_moved(p->border, &moved);
    }
}

/** Who has redirected: over TLS what his certificate proves, unless the plan knows him. */
static struct str redirector_of(const struct proxy__branch *b, const struct uui_carriage *rules,
                                struct str to)
{
    struct str by = domain_of(b->fork, b->target);
    bool known = b->target != NULL && b->target->domain.n > 0;
    const struct hop *hop = known || b->txn == NULL ? NULL : &b->txn->hop;
    return uui_proven_domain(rules, b->fork->proxy->env, hop, by, to);
}

/** What of its User-to-User goes there. @return 0 or E_NOMEM */
static int put_uui(struct proxy__branch *b, struct str given, struct proxy_target *t)
{
    struct proxy__fork *f = b->fork;
    struct proxy *p = f->proxy;
    const struct uui_carriage *rules =
        p->config.carriage != NULL ? p->config.carriage : &uui_carriage_default;
    bool changed = b->target != NULL && str_is_set(b->target->uui);
    struct str had = changed ? b->target->uui : uui_of_msg(p->scratch, f->request.m);
    struct str to = domain_of(f, t), by = redirector_of(b, rules, to);
    struct uui_merge_args q = {.given = given,
                               .had = had,
                               .known = p->packages,
                               .may_replace = uui_may_replace(rules, UUI_MOVE_REDIRECT, by, to),
                               .lost = on_lost,
                               .ctx = b,
                               .isdn_strict = rules->isdn_strict};
    struct uui_merged r = {.values = had};
    struct history_out out;
    if (given.n > 0 && uui_merge(p->scratch, &q, &r) != 0) {
        return E_NOMEM;
    }
    tell_merged(p, f->request.m, &r, by);
    if (r.fresh.n == 0 && !changed) {
        return 0; /* the request's own lines stay as they are */
    }
    t->uui = r.values;
    t->fresh = r.fresh;
    struct str part[] = {STR("User-to-User: "), r.values, STR("\r\n")};
    int err = change_begin(&out, p->scratch, t->lines, t->cut);
    err = err != 0 ? err : change_cut(&out, p->scratch, SIP_HDR_USER_TO_USER);
    struct str line = r.values.n > 0 ? arena_join(p->scratch, part, ARRAY_LEN(part)) : STR("");
    if (err != 0 || !str_is_set(line) || change_add(&out, p->scratch, line) != 0) {
        return E_NOMEM;
    }
    t->lines = out.lines;
    t->cut = out.cut;
    return 0;
}

/** Put a contact, or the places that it means here, into the queue. @return how many */
static size_t put(struct proxy__branch *b, struct proxy__waiting ***at, const struct contact *c,
                  struct proxy_target *t, struct str uui)
{
    struct proxy__fork *f = b->fork;
    struct proxy *p = f->proxy;
    struct proxy_target place[PLACES_MAX];
    struct sip_uri u;
    uint32_t fault;
    size_t n = 0, taken = 0;
    if (p->places == NULL) {
        t->group = UINT32_MAX - f->recursions;
        return put_uui(b, uui, t) == 0 && proxy__enqueue(f, at, t) == 0;
    }
    if (sip_uri_parse(t->request_uri, 0, &u, &fault) == 0) {
        n = p->places(p->ctx, f->request.m, &f->from, &u, place, PLACES_MAX);
    }
    for (size_t i = 0, last = 0; i < n; i++) {
        uint32_t group = place[i].group;
        f->recursions += i > 0 && group != last;
        last = group;
        place[i].group = UINT32_MAX - f->recursions;
        place[i].contact = c->addr.text;
        place[i].of = b->trail != NULL ? b->trail->index : STR_NONE;
        if (sip_uri_parse(place[i].request_uri, 0, &u, &fault) == 0 && !was_tried(f, &u) &&
            add_wishes(p->scratch, &place[i], t) && put_uui(b, uui, &place[i]) == 0 &&
            proxy__enqueue(f, at, &place[i]) == 0) {
            taken++;
        }
    }
    return taken;
}

/** What a contact embeds, as lines in place of the headers of the same name. @return 0, E_NOMEM
 */
static int put_wishes(struct arena *a, const struct sip_embedded *asked, struct proxy_target *t)
{
    struct history_out out;
    int err = change_begin(&out, a, STR_NONE, asked->cut);
    if (err == 0 && asked->replaces.n > 0) {
        err = change_cut(&out, a, SIP_HDR_REPLACES);
    }
    if (err != 0) {
        return E_NOMEM;
    }
    t->lines = sip_embedded_lines(a, asked);
    t->cut = out.cut;
    return str_is_set(t->lines) ? 0 : E_NOMEM;
}

/** Target of a contact, and its User-to-User. @return false: it cannot be one. The texts are in
    the scratch arena */
static bool make_target(struct proxy__fork *f, const struct contact *c, struct proxy_target *t,
                        struct str *uui)
{
    struct arena *a = f->proxy->scratch;
    const struct sip_msg *m = f->request.m;
    struct sip_embedded asked;
    struct sip_uri u;
    uint32_t at;
    if ((c->addr.uri.scheme != SIP_SCHEME_SIP && c->addr.uri.scheme != SIP_SCHEME_SIPS) ||
        sip_embed(&c->addr.uri, a, &asked) != 0 || sip_uri_parse(asked.uri, 0, &u, &at) != 0 ||
        !is_allowed(f, &u) || was_tried(f, &u) || !may_require(m, asked.require) ||
        (asked.method.n > 0 && !str_eq(asked.method, sip_msg_method(m)))) {
        return false;
    }
    t->request_uri = asked.uri;
    *uui = asked.uui;
    return put_wishes(a, &asked, t) == 0;
}

size_t proxy__recurse(struct proxy__branch *b, const struct sip_msg *m)
{
    struct proxy__fork *f = b->fork;
    struct contact list[CONTACTS_MAX];
    struct proxy__waiting **at = &f->queue;
    size_t taken = 0, n = f->request.m != NULL ? read_contacts(m, list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct proxy_target t = {0};
        struct str uui = STR_NONE;
        if (i == 0 || list[i].q_milli != list[i - 1].q_milli) {
            f->recursions++;
        }
        if (!make_target(f, &list[i], &t, &uui)) {
            continue;
        }
        taken += put(b, &at, &list[i], &t, uui);
    }
    f->proxy->stats.recursed += taken;
    return taken;
}
