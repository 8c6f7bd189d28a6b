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
 * those of the same name go. User-to-User is merged: no value is lost, none is there twice.
 */
#include "proxy/priv.h"

#include "base/err.h"
#include "history/change.h"
#include "sip/embed.h"
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

/** Put a contact, or the places that it means here, into the queue. @return how many */
static size_t put(struct proxy__branch *b, struct proxy__waiting ***at, const struct contact *c,
                  struct proxy_target *t)
{
    struct proxy__fork *f = b->fork;
    struct proxy *p = f->proxy;
    struct proxy_target place[PLACES_MAX];
    struct sip_uri u;
    uint32_t fault;
    size_t n = 0, taken = 0;
    if (p->places == NULL) {
        t->group = UINT32_MAX - f->recursions;
        return proxy__enqueue(f, at, t) == 0;
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
            add_wishes(p->scratch, &place[i], t) && proxy__enqueue(f, at, &place[i]) == 0) {
            taken++;
        }
    }
    return taken;
}

/** What a contact embeds, as lines in place of the headers of the same name. @return 0, E_NOMEM
 */
static int put_wishes(struct arena *a, const struct sip_msg *m,
                      const struct sip_embedded *asked, struct proxy_target *t)
{
    struct history_out out;
    struct str uui = asked->uui.n > 0 ? uui_merge(a, asked->uui, uui_of_msg(a, m)) : STR("");
    struct str part[] = {uui.n > 0 ? STR("User-to-User: ") : STR(""), uui,
                         uui.n > 0 ? STR("\r\n") : STR(""), sip_embedded_lines(a, asked)};
    int err = change_begin(&out, a, STR_NONE, asked->cut);
    if (err == 0 && uui.n > 0) {
        err = change_cut(&out, a, SIP_HDR_USER_TO_USER);
    }
    if (err == 0 && asked->replaces.n > 0) {
        err = change_cut(&out, a, SIP_HDR_REPLACES);
    }
    if (err != 0 || !str_is_set(uui) || !str_is_set(part[3])) {
        return E_NOMEM;
    }
    t->lines = arena_join(a, part, ARRAY_LEN(part));
    t->cut = out.cut;
    return str_is_set(t->lines) ? 0 : E_NOMEM;
}

/** Target of a contact. @return false: it cannot be one. The texts are in the scratch arena */
static bool make_target(struct proxy__fork *f, const struct contact *c, struct proxy_target *t)
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
    return put_wishes(a, m, &asked, t) == 0;
}

size_t proxy__recurse(struct proxy__branch *b, const struct sip_msg *m)
{
    struct proxy__fork *f = b->fork;
    struct contact list[CONTACTS_MAX];
    struct proxy__waiting **at = &f->queue;
    size_t taken = 0, n = f->request.m != NULL ? read_contacts(m, list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct proxy_target t = {0};
        if (i == 0 || list[i].q_milli != list[i - 1].q_milli) {
            f->recursions++;
        }
        if (!make_target(f, &list[i], &t)) {
            continue;
        }
        taken += put(b, &at, &list[i], &t);
    }
    f->proxy->stats.recursed += taken;
    return taken;
}
