/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The top Via of a request that came, seen from the server: where responses go, and what
 * they say about where the request came from (RFC 3261 §18.2, RFC 3581 §4).
 *
 *   stream   responses go back over the connection; if it is gone, to the source address at
 *            the port of sent-by
 *   UDP      maddr, when it is a numeric address; else the source address, at the source
 *            port when the client asked with rport, else at the port of sent-by
 *
 * `received` is written when sent-by is a name or another address than the source, and
 * always beside rport. A `received` that the client wrote itself is replaced: only we know.
 */
#include "txn/priv.h"

static uint16_t sent_by_port(const struct sip_via *v, const struct hop *from)
{
    return v->port != 0 ? (uint16_t)v->port : transport_port((enum transport)from->transport);
}

void txn__reply_hop(const struct sip_via *via, const struct hop *from, struct hop *out)
{
    uint16_t port = sent_by_port(via, from);
    struct addr maddr;
    *out = *from;
    if (transport_is_reliable((enum transport)from->transport)) {
        out->flow = 0;
        out->remote.port = port;
    } else if (str_is_set(via->maddr) && addr_parse_host(via->maddr, port, &maddr)) {
        out->remote = maddr;
        if (maddr.family != from->remote.family) {
            out->flow = 0; /* this socket cannot: let the environment choose one */
        }
    } else if (!via->has_rport) {
        out->remote.port = port;
    }
}

/** IPv6 without brackets, as the grammar of via-received has it (§25.1). */
static void write_received(struct out *o, const struct addr *a)
{
    char buf[64];
    struct out b;
    out_init(&b, buf, sizeof buf);
    addr_write_host(&b, a);
    struct str s = out_str_of(&b);
    if (s.n > 2 && s.p[0] == '[') {
        s = str_make(s.p + 1, s.n - 2);
    }
    out_c(o, ";received=");
    out_str(o, s);
}

static bool came_from_sent_by(const struct sip_via *v, const struct addr *source)
{
    struct addr a;
    return addr_parse_host(v->host, 0, &a) && addr_ip_eq(&a, source);
}

/** The text before the parameters, without the semicolon. */
static struct str before_params(const struct sip_via *v)
{
    if (!str_is_set(v->params)) {
        return v->text;
    }
    struct str s = str_trim(str_make(v->text.p, (size_t)(v->params.p - v->text.p)));
    if (s.n > 0 && s.p[s.n - 1] == ';') {
        s.n--;
    }
    return str_trim(s);
}

static bool has(struct str s, char c)
{
    return str_index(s, c) < s.n;
}

/**
 * The usual case, without taking the parameters apart: an empty rport, nothing received yet, no
 * white space (folds have some) and no quotes from the host on.
 */
static bool write_plain_rport(struct out *o, const struct sip_via *v, const struct hop *from)
{
    static const struct str flag = STR_INIT(";rport");
    struct str tail = str_from(v->text, (size_t)(v->host.p - v->text.p));
    size_t at = str_find(tail, flag), behind = at + flag.n;
    if (!v->has_rport || v->rport != 0 || str_is_set(v->received) || at == tail.n ||
        (behind < tail.n && tail.p[behind] != ';') || has(tail, ' ') || has(tail, '\t') ||
        has(tail, '"')) {
        return false;
    }
    out_str(o, str_make(v->text.p, (size_t)(tail.p + behind - v->text.p)));
    out_ch(o, '=');
    out_u64(o, from->remote.port);
    out_str(o, str_from(tail, behind));
    write_received(o, &from->remote);
    return true;
}

void txn_write_top_via(struct out *o, struct str value, const struct hop *from)
{
    struct sip_via v;
    uint32_t at;
    if (sip_via_parse(value, &v, &at) != 0 || from->remote.family == ADDR_NONE) {
        out_str(o, value);
        return;
    }
    bool received = v.has_rport || !came_from_sent_by(&v, &from->remote);
    if (!received && !str_is_set(v.received)) {
        out_str(o, value);
        return;
    }
    if (received && write_plain_rport(o, &v, from)) {
        return;
    }
    struct str rest = v.params, name, val;
    out_str(o, before_params(&v));
    while (str_is_set(v.params) && sip_param_next(&rest, &name, &val)) {
        if (str_ieq(name, STR("received"))) {
            continue;
        }
        out_ch(o, ';');
        out_str(o, name);
        if (str_ieq(name, STR("rport"))) {
            out_ch(o, '=');
            out_u64(o, from->remote.port);
        } else if (str_is_set(val)) {
            out_ch(o, '=');
            out_str(o, val);
        }
    }
    if (received) {
        write_received(o, &from->remote);
    }
}

void txn_write_vias(struct out *o, const struct sip_msg *m, const struct hop *from)
{
    struct sip_values it = {0};
    struct str value;
    bool top = true;
    while (sip_msg_each(m, SIP_HDR_VIA, &it, &value)) {
        out_c(o, "Via: ");
        if (top) {
            txn_write_top_via(o, value, from);
        } else {
            out_str(o, value);
        }
        out_c(o, "\r\n");
        top = false;
    }
}
