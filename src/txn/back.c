/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way back of responses (RFC 3261 §18.2.2, RFC 3263 §5).
 *
 *   UDP      reply_hop, as via.c has read it from the top Via
 *   stream   the connection of the request; when that is gone, a new one
 *              1. to the source address at the port of sent-by
 *              2. when that cannot be had: to the servers of the name in sent-by
 *            and when sent-by is a name, whoever is there must prove it over TLS (RFC 5922)
 *
 * The host name of sent-by is not kept: it is read again from the request, or, once that is
 * gone, from the response that is to be sent, which has the same Via. So the common case pays
 * nothing, neither memory nor time.
 *
 * A new connection may fail after the response was handed to it. While the transaction lives,
 * that leads to step 2; a non-INVITE transaction therefore stays for its 64*T1 when it
 * completes over a connection that we have opened (nist.c).
 */
#include "txn/priv.h"

#include "route/locate.h"

/** Responses of a stream go over its connection while that stands. */
static bool on_connection(const struct txn *t)
{
    return txn__reliable(t) && t->hop.flow != 0;
}

/** The sent-by of the request, whose host is a slice of what `t` keeps; absent: an address. */
static struct str name_of_sender(const struct txn *t, uint16_t *port)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg sent;
    struct sip_via via;
    struct addr numeric;
    const struct sip_msg *m = t->req != NULL ? &t->req->m : &sent;
    *port = 0;
    if (!txn__reliable(t) || (t->req == NULL && !txn__index_sent(t->sent, hdr, &sent)) ||
        sip_msg_via(m, &via) != 0 || addr_parse_host(via.host, 0, &numeric)) {
        return STR_NONE;
    }
    *port = (uint16_t)via.port;
    return via.host;
}

static int send_to(struct txn *t, struct hop hop, struct str name)
{
    const struct env *env = t->layer->env;
    int err = env->open(env->ctx, &hop, name);
    if (err == 0) {
        t->reply_hop = hop;
        t->reopened = true;
        txn__bind_flow(t, hop.flow);
        err = env->send(env->ctx, &hop, &t->sent, 1);
    }
    return err;
}

/** Step 2. @return 0 also while the name is being looked up */
static int send_by_name(struct txn *t, struct str name, uint16_t port)
{
    struct route_want want = {
        .host = name, .port = port, .transport = (enum transport)t->hop.transport};
    struct route_hops hops;
    int err = route_locate(t->layer->env, &want, &hops);
    if (err == E_AGAIN) {
        t->reopened = true;
        list_remove(&t->link);
        list_append(&t->layer->resolving, &t->link);
        return 0;
    }
    if (err != 0) {
        return E_IO;
    }
    for (size_t i = 0; i < hops.n; i++) {
        err = send_to(t, hops.hop[i], name);
        if (err == 0) {
            break;
        }
    }
    return err;
}

static int send_anew(struct txn *t)
{
    uint16_t port;
    struct str name = name_of_sender(t, &port);
    int err = E_IO;
    if (!t->by_name) {
        err = send_to(t, t->reply_hop, name);
        t->by_name = err != 0 && name.n > 0;
    }
    return err != 0 && t->by_name ? send_by_name(t, name, port) : err;
}

int txn__send_response(struct txn *t)
{
    const struct env *env = t->layer->env;
    int err = E_IO;
    if (on_connection(t)) {
        err = env->send(env->ctx, &t->hop, &t->sent, 1);
        if (err == E_IO) {
            t->hop.flow = 0; /* gone, although nobody said so yet */
        }
    } else if (t->reply_hop.flow != 0) {
        err = env->send(env->ctx, &t->reply_hop, &t->sent, 1);
        if (err == E_IO && txn__reliable(t)) {
            t->reply_hop.flow = 0;
        }
    }
    if (err == E_IO && !on_connection(t) && t->reply_hop.flow == 0) {
        err = send_anew(t);
    }
    if (err != 0) {
        t->layer->stats.transport_errors++;
    }
    return err;
}

static void send_again(struct txn *t, uint64_t now_ms)
{
    if (txn__send_response(t) != 0 && t->kind == TXN_NIST) {
        txn__fail_soon(t, TXN_TRANSPORT, now_ms); /* of an INVITE Timer H, or its user, tells */
    }
}

void txn__back_lost(struct txn *t, uint64_t now_ms)
{
    uint16_t port;
    bool waits =
        t->state == TXN_PROCEEDING || t->state == TXN_COMPLETED || t->state == TXN_ACCEPTED;
    if (t->by_name || !waits || t->sent.n == 0 || name_of_sender(t, &port).n == 0) {
        return;
    }
    t->by_name = true;
    send_again(t, now_ms);
}

void txn__back_resolved(struct txn *t, uint64_t now_ms)
{
    list_remove(&t->link);
    send_again(t, now_ms);
}
