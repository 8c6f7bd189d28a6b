/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 3xx that the proxy acts on itself (RFC 3261 §16.7 step 4, §16.5).
 *
 * Its contacts become targets, at the head of the queue, in the order of q; equal ones ring
 * together. They are tried in place of the branch that was redirected, so beside those that
 * still ring. A contact is passed over when
 *
 *   it is no SIP URI, or plain sip although the caller asked for sips (§16.5),
 *   the request has been there already (a loop ends here, not at Max-Forwards),
 *   or the fork has had as many targets as it may.
 *
 * When none remains, the 3xx is a response like any other and the caller may follow it himself.
 */
#include "proxy/priv.h"

enum { CONTACTS_MAX = 16 };

struct contact {
    struct sip_addr addr;
    uint32_t q_milli;
};

/** q in thousandths; 1000 when it is absent or no q. */
static uint32_t read_q(const struct sip_addr *a)
{
    struct str v;
    uint32_t q = 0, unit = 100;
    if (!sip_param(a->params, STR("q"), &v) || v.n == 0 || v.p[0] != '0') {
        return 1000;
    }
    for (size_t i = 2; i < v.n && i < 5; i++) {
        if (v.p[1] != '.' || v.p[i] < '0' || v.p[i] > '9') {
            return 1000;
        }
        q += (uint32_t)(v.p[i] - '0') * unit;
        unit /= 10;
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
    return u->scheme == SIP_SCHEME_SIPS ||
           (u->scheme == SIP_SCHEME_SIP && !str_istarts(f->request.route.ruri, STR("sips:")));
}

/** Target of a contact. @return false: it cannot be one */
static bool make_target(struct proxy__fork *f, const struct contact *c, struct proxy_target *t)
{
    struct sip_uri u = c->addr.uri;
    uint32_t at;
    struct str text =
        str_upto(u.text, u.headers.p != NULL ? (size_t)(u.headers.p - u.text.p) - 1 : u.text.n);
    *t = (struct proxy_target){.request_uri = text};
    return sip_uri_parse(text, 0, &u, &at) == 0 && is_allowed(f, &u) && !was_tried(f, &u);
}

size_t proxy__recurse(struct proxy__fork *f, const struct sip_msg *m)
{
    struct contact list[CONTACTS_MAX];
    struct proxy__waiting **at = &f->queue;
    size_t taken = 0, n = f->request.m != NULL ? read_contacts(m, list) : 0;
    for (size_t i = 0; i < n; i++) {
        struct proxy_target t;
        if (i == 0 || list[i].q_milli != list[i - 1].q_milli) {
            f->recursions++;
        }
        if (!make_target(f, &list[i], &t)) {
            continue;
        }
        t.group = UINT32_MAX - f->recursions;
        if (proxy__enqueue(f, &at, &t) != 0) {
            break;
        }
        taken++;
    }
    f->proxy->stats.recursed += taken;
    return taken;
}
