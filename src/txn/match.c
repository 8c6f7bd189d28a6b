/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which transaction does a message belong to? (RFC 3261 §17.1.3, §17.2.3, §8.2.2.2, §9.2)
 *
 * One table for both sides, keyed by a hash under a secret key, so that nobody can choose
 * collisions. What the hash finds is compared in full:
 *
 *   client   branch and method of CSeq
 *   server   branch, sent-by and method, when the branch has the cookie and something behind
 *            it; else, as RFC 2543 did, Request-URI, Call-ID, From tag, To tag, CSeq and the
 *            top Via (RFC 4475 §3.2.1 has the cookie with nothing behind)
 *   merged   Call-ID, From tag and CSeq, in a table of its own
 *
 * A server transaction is compared with its request while it has that, and afterwards with
 * its last response, which carries the same Via, From, Call-ID and CSeq. Only the
 * Request-URI of the RFC 2543 way is then in the hash alone.
 *
 * Branches and hosts are compared without regard to case, as §7.3.1 has it. A response's
 * sent-by is not compared (§18.1.2): the branch holds 80 random bits of ours, which says
 * more, and address translators that rewrite sent-by do not always restore it.
 *
 * COST. One Via and two hashes for a message; a match costs a second Via, and once the
 * request is gone an index of the response.
 */
#include "txn/priv.h"

/** What identifies a request. The second half is read only when it is needed. */
struct ident {
    struct sip_via via;
    bool cookie; /**< the branch is worth its name */
    struct sip_cseq cseq;
    struct str call_id, from_tag;
};

static void ident_of_via(struct ident *id, const struct sip_via *via)
{
    const struct str cookie = STR_INIT(SIP_BRANCH_COOKIE);
    id->via = *via;
    id->cookie = via->branch.n > cookie.n && str_istarts(via->branch, cookie);
}

static void ident_of_call(struct ident *id, const struct sip_msg *m)
{
    if (sip_msg_cseq(m, &id->cseq) != 0) {
        id->cseq = (struct sip_cseq){0};
    }
    id->call_id = sip_msg_value(m, SIP_HDR_CALL_ID);
    id->from_tag = sip_msg_tag(m, SIP_HDR_FROM);
}

/** All that tells requests of this kind apart. @return false: no usable Via */
static bool ident_read(struct ident *id, const struct sip_msg *m, enum sip_method method)
{
    struct sip_via via;
    if (sip_msg_via(m, &via) != 0) {
        return false;
    }
    ident_of_via(id, &via);
    if (!id->cookie || method == SIP_METHOD_OTHER) {
        ident_of_call(id, m);
    }
    return true;
}

static uint32_t sent_by_port(const struct sip_via *v)
{
    return v->port != 0 ? v->port : transport_port(transport_of(v->transport));
}

/** Hash for a server transaction of this method. `ruri` counts in the RFC 2543 way only. */
static uint64_t server_hash(const struct txn_layer *l, const struct ident *id, struct str ruri,
                            enum sip_method method)
{
    uint64_t h;
    if (id->cookie) {
        h = hash_ibytes(&l->key, id->via.branch);
    } else {
        h = hash_bytes(&l->key, id->call_id);
        h = hash_mix(h, hash_ibytes(&l->key, id->from_tag));
        h = hash_mix(h, hash_bytes(&l->key, ruri));
        h = hash_mix(h, id->cseq.number);
    }
    h = hash_mix(h, hash_ibytes(&l->key, id->via.host));
    return hash_mix(h, ((uint64_t)sent_by_port(&id->via) << 16) | ((uint64_t)method << 8) | 1u);
}

static uint64_t client_hash(const struct txn_layer *l, struct str branch,
                            enum sip_method method)
{
    return hash_mix(hash_ibytes(&l->key, branch), ((uint64_t)method << 8) | 2u);
}

static uint64_t call_hash(const struct txn_layer *l, const struct ident *id)
{
    uint64_t h = hash_bytes(&l->key, id->call_id);
    h = hash_mix(h, hash_ibytes(&l->key, id->from_tag));
    return hash_mix(h, id->cseq.number);
}

/**
 * Can this request come a second time by another way (§8.2.2.2)? Forks of a request meet
 * outside of dialogs only, and a CANCEL has the CSeq of its INVITE.
 */
static bool can_merge(const struct sip_msg *m)
{
    return m->method != SIP_METHOD_CANCEL && !str_is_set(sip_msg_tag(m, SIP_HDR_TO));
}

const struct txn_seen *txn__look(struct txn_layer *l, const struct sip_msg *m)
{
    struct txn_seen *seen = &l->seen;
    struct ident id;
    if (seen->m == m && seen->buf == m->buf) {
        return seen;
    }
    seen->m = NULL;
    if (!ident_read(&id, m, (enum sip_method)m->method)) {
        return NULL;
    }
    *seen = (struct txn_seen){m, m->buf, id.via,
                              server_hash(l, &id, sip_msg_ruri(m), (enum sip_method)m->method)};
    return seen;
}

void txn__index_server(struct txn *t, const struct sip_msg *m, const struct txn_seen *seen)
{
    struct txn_layer *l = t->layer;
    struct ident id;
    bool merges = can_merge(m);
    if (merges) {
        ident_of_call(&id, m);
    }
    map_add(&l->by_branch, &t->by_branch, seen->hash);
    if (merges) {
        map_add(&l->by_call, &t->by_call, call_hash(l, &id));
    }
}

void txn__index_client(struct txn *t)
{
    struct txn_layer *l = t->layer;
    map_add(&l->by_branch, &t->by_branch,
            client_hash(l, str_c(t->branch), (enum sip_method)t->method));
}

/** The message that a server transaction still has of its exchange. */
static const struct sip_msg *kept(const struct txn *t, struct sip_hdr *hdr,
                                  struct sip_msg *space)
{
    if (t->req != NULL) {
        return &t->req->m;
    }
    return txn__index_sent(t->sent, hdr, space) ? space : NULL;
}

static bool same_sent_by(const struct sip_via *a, const struct sip_via *b)
{
    return str_ieq(a->host, b->host) && sent_by_port(a) == sent_by_port(b);
}

/** The To tag by the rules of RFC 2543: an ACK has that of the response. */
static bool same_to_tag(const struct txn *t, const struct sip_msg *k, const struct sip_msg *m)
{
    struct str theirs = sip_msg_tag(m, SIP_HDR_TO);
    struct str ours = sip_msg_tag(k, SIP_HDR_TO);
    if (t->req == NULL && m->method != SIP_METHOD_ACK && theirs.n == 0) {
        return true; /* the tag in the response is ours */
    }
    return str_ieq(theirs, ours);
}

/** Is `t`, found by its hash, really the transaction of `m`? */
static bool same_server(const struct txn *t, const struct ident *id, const struct sip_msg *m)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg space;
    struct ident own;
    const struct sip_msg *k = kept(t, hdr, &space);
    if (k == NULL || !ident_read(&own, k, (enum sip_method)t->method) ||
        own.cookie != id->cookie || !same_sent_by(&own.via, &id->via)) {
        return false;
    }
    if (t->method == SIP_METHOD_OTHER && !str_eq(own.cseq.method, id->cseq.method)) {
        return false;
    }
    if (id->cookie) {
        return str_ieq(own.via.branch, id->via.branch);
    }
    return str_eq(own.call_id, id->call_id) && str_ieq(own.from_tag, id->from_tag) &&
           own.cseq.number == id->cseq.number && str_ieq(own.via.branch, id->via.branch) &&
           str_ieq(own.via.transport, id->via.transport) && same_to_tag(t, k, m);
}

struct txn *txn__find_server(struct txn_layer *l, const struct sip_msg *m,
                             enum sip_method method)
{
    struct ident id;
    if (!ident_read(&id, m, method)) {
        return NULL;
    }
    uint64_t h = server_hash(l, &id, sip_msg_ruri(m), method);
    if (method == (enum sip_method)m->method) {
        l->seen = (struct txn_seen){m, m->buf, id.via, h};
    }
    for (struct map_node *n = map_first(&l->by_branch, h); n != NULL; n = map_next(n)) {
        struct txn *t = container_of(n, struct txn, by_branch);
        if (txn__is_server(t) && t->method == method && same_server(t, &id, m)) {
            return t;
        }
    }
    return NULL;
}

struct txn *txn__find_merged(struct txn_layer *l, const struct sip_msg *m)
{
    struct ident id;
    if (!can_merge(m)) {
        return NULL;
    }
    ident_of_call(&id, m);
    uint64_t h = call_hash(l, &id);
    for (struct map_node *n = map_first(&l->by_call, h); n != NULL; n = map_next(n)) {
        struct sip_hdr hdr[SIP_HDR_MAX];
        struct sip_msg space;
        struct ident own;
        struct txn *t = container_of(n, struct txn, by_call);
        const struct sip_msg *k = kept(t, hdr, &space);
        if (k == NULL) {
            continue;
        }
        ident_of_call(&own, k);
        if (str_eq(own.call_id, id.call_id) && str_ieq(own.from_tag, id.from_tag) &&
            own.cseq.number == id.cseq.number && str_eq(own.cseq.method, id.cseq.method)) {
            return t;
        }
    }
    return NULL;
}

struct txn *txn__find_client(struct txn_layer *l, const struct sip_msg *m)
{
    struct str branch;
    if (!sip_msg_branch(m, &branch)) {
        return NULL;
    }
    uint64_t h = client_hash(l, branch, (enum sip_method)m->method);
    for (struct map_node *n = map_first(&l->by_branch, h); n != NULL; n = map_next(n)) {
        struct txn *t = container_of(n, struct txn, by_branch);
        if (!txn__is_server(t) && t->method == m->method && str_ieq(str_c(t->branch), branch)) {
            return t;
        }
    }
    return NULL;
}

void txn__tag(const struct txn_layer *l, const struct sip_msg *m, char out[static 17])
{
    /* A CANCEL has the branch of its INVITE, and is to get the tag of that (§9.2). */
    bool cancel = m->method == SIP_METHOD_CANCEL;
    enum sip_method method = cancel ? SIP_METHOD_INVITE : (enum sip_method)m->method;
    struct sip_via via;
    struct ident id;
    struct out o;
    uint64_t h = 0;
    if (sip_msg_via(m, &via) == 0) {
        ident_of_via(&id, &via);
        ident_of_call(&id, m);
        h = hash_mix(server_hash(l, &id, sip_msg_ruri(m), method), call_hash(l, &id));
    }
    h = hash_mac(&l->key, str_make((const char *)&h, sizeof h));
    out_init(&o, out, 17);
    out_hex(&o, str_make((const char *)&h, sizeof h), false);
    out_ch(&o, '\0');
}
