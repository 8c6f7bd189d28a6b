/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction layer: who lives, who is called, who is freed.
 *
 * LIFE. txn__alloc takes a transaction from the pool; one of the machines drives it; in
 * Terminated txn__die takes it out of every table, stops its timers and frees its bytes, so
 * that no message, timer or flow reaches it any more; the struct itself waits on `dying`
 * until `reap`, a timer of the layer, fires at the next tick, tells on_gone and puts it back
 * into the pool. So a pointer that someone holds further up the stack is never dangling, and
 * on_gone is called from a clean stack.
 *
 * INVARIANTS. A transaction is on `dying` exactly when it is Terminated; else it is in
 * by_branch, and a server of a request that can be merged (match.c) in by_call too. `link` is
 * in one list at a time: `resolving`, the list of its flow, `dying`.
 *
 * COST. One pool object of some 300 octets, and one block for the request or the response.
 * Everything is O(1) but a closed flow, which walks one of TXN_FLOW_LISTS lists, and the end
 * of a look-up, which walks what waits for one.
 */
#include "txn/priv.h"

#define PER_SLAB 32
#define FIRST_SLOTS 64
#define BLACK_MAX 1024

static void on_retransmit(struct timer *timer, uint64_t now_ms)
{
    struct txn *t = container_of(timer, struct txn, retransmit);
    switch ((enum txn_kind)t->kind) {
    case TXN_ICT:
        txn__ict_on_retransmit(t, now_ms);
        break;
    case TXN_NICT:
        txn__nict_on_retransmit(t, now_ms);
        break;
    case TXN_IST:
        txn__ist_on_retransmit(t, now_ms);
        break;
    case TXN_NIST:
        txn__nist_on_retransmit(t, now_ms);
        break;
    }
}

static void on_expire(struct timer *timer, uint64_t now_ms)
{
    struct txn *t = container_of(timer, struct txn, expire);
    switch ((enum txn_kind)t->kind) {
    case TXN_ICT:
        txn__ict_on_expire(t, now_ms);
        break;
    case TXN_NICT:
        txn__nict_on_expire(t, now_ms);
        break;
    case TXN_IST:
        txn__ist_on_expire(t, now_ms);
        break;
    case TXN_NIST:
        txn__nist_on_expire(t, now_ms);
        break;
    }
}

/* ---- life and death ---- */

struct txn *txn__alloc(struct txn_layer *l, enum txn_kind kind, enum sip_method method,
                       const struct txn_user *user, void *owner)
{
    struct txn *t = pool_get(&l->pool);
    if (t == NULL) {
        l->stats.refused++;
        return NULL;
    }
    t->layer = l;
    t->kind = (uint8_t)kind;
    t->method = (uint8_t)method;
    t->user = user;
    t->owner = owner;
    timer_init(&t->retransmit, on_retransmit);
    timer_init(&t->expire, on_expire);
    return t;
}

void txn__drop_sent(struct txn *t)
{
    mem_free(&t->layer->env->mem, (void *)(uintptr_t)t->sent.p);
    t->sent = STR_NONE;
}

/** Out of every table and list, without memory of its own. */
static void strip(struct txn *t)
{
    struct txn_layer *l = t->layer;
    const struct mem *mem = &l->env->mem;
    timer_stop(l->wheel, &t->retransmit);
    timer_stop(l->wheel, &t->expire);
    list_remove(&t->link);
    map_remove(&l->by_branch, &t->by_branch);
    txn__drop_sent(t);
    mem_free(mem, t->req);
    t->req = NULL;
    if (txn__is_server(t)) {
        map_remove(&l->by_call, &t->by_call);
        return;
    }
    mem_free(mem, t->way);
    mem_free(mem, (void *)(uintptr_t)t->plain.p);
    mem_free(mem, (void *)(uintptr_t)t->cancel_lines.p);
    t->way = NULL;
    t->plain = STR_NONE;
    t->cancel_lines = STR_NONE;
}

void txn__die(struct txn *t)
{
    struct txn_layer *l = t->layer;
    strip(t);
    list_append(&l->dying, &t->link);
    if (!timer_running(&l->reap)) {
        timer_set(l->wheel, &l->reap, l->wheel->now_ms);
    }
}

void txn__discard(struct txn *t)
{
    struct txn_layer *l = t->layer;
    l->stats.refused++;
    strip(t);
    pool_put(&l->pool, t);
}

static void on_reap(struct timer *timer, uint64_t now_ms)
{
    struct txn_layer *l = container_of(timer, struct txn_layer, reap);
    (void)now_ms;
    while (!list_empty(&l->dying)) {
        struct txn *t = list_entry(l->dying.next, struct txn, link);
        list_remove(&t->link);
        if (t->user != NULL && t->user->on_gone != NULL) {
            t->user->on_gone(t);
        }
        pool_put(&l->pool, t);
    }
}

void txn__bind_flow(struct txn *t, uint32_t flow)
{
    list_remove(&t->link);
    if (flow != 0) {
        list_append(&t->layer->flows[flow % TXN_FLOW_LISTS], &t->link);
    }
}

void txn__fail_soon(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct wheel *wheel = t->layer->wheel;
    t->why = (uint8_t)why;
    timer_stop(wheel, &t->retransmit);
    timer_set(wheel, &t->expire, now_ms);
    if (!txn__is_server(t) && t->state == TXN_RESOLVING) {
        list_remove(&t->link); /* the answer of the look-up comes too late */
    }
}

void txn__tell_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    if (why == TXN_TIMEOUT) {
        t->layer->stats.timeouts++;
    }
    if (t->user != NULL && t->user->on_failure != NULL) {
        t->user->on_failure(t, why, now_ms);
    }
}

/* ---- the layer ---- */

int txn_layer_init(struct txn_layer *l, const struct env *env, struct wheel *wheel,
                   const struct txn_timing *timing, size_t max)
{
    static const struct txn_timing none = {0};
    const struct txn_timing *given = timing != NULL ? timing : &none;
    memset(l, 0, sizeof *l);
    l->env = env;
    l->wheel = wheel;
    l->timing.t1 = or_default(given->t1, 500);
    l->timing.t2 = or_default(given->t2, 4000);
    l->timing.t4 = or_default(given->t4, 5000);
    l->timing.silent = given->silent;
    l->timing.trying = or_default(given->trying, 200);
    env->random(env->ctx, &l->key, sizeof l->key);
    timer_init(&l->reap, on_reap);
    list_init(&l->resolving);
    list_init(&l->dying);
    for (size_t i = 0; i < TXN_FLOW_LISTS; i++) {
        list_init(&l->flows[i]);
    }
    if (route_black_init(&l->black, env, BLACK_MAX) != 0 ||
        map_init(&l->by_branch, &env->mem, FIRST_SLOTS) != 0 ||
        map_init(&l->by_call, &env->mem, FIRST_SLOTS) != 0) {
        map_fini(&l->by_branch);
        route_black_fini(&l->black);
        return E_NOMEM;
    }
    pool_init(&l->pool, &env->mem, sizeof(struct txn), PER_SLAB, max);
    return 0;
}

void txn_layer_fini(struct txn_layer *l)
{
    size_t slot = 0;
    struct map_node *n = map_walk(&l->by_branch, &slot, NULL);
    while (n != NULL) {
        struct txn *t = container_of(n, struct txn, by_branch);
        n = map_walk(&l->by_branch, &slot, n);
        strip(t);
        pool_put(&l->pool, t);
    }
    while (!list_empty(&l->dying)) {
        struct txn *t = list_entry(l->dying.next, struct txn, link);
        list_remove(&t->link);
        pool_put(&l->pool, t);
    }
    timer_stop(l->wheel, &l->reap);
    map_fini(&l->by_branch);
    map_fini(&l->by_call);
    route_black_fini(&l->black);
    pool_fini(&l->pool);
}

/* ---- what comes in ---- */

static void on_repeated_request(struct txn *t, uint64_t now_ms)
{
    if (t->kind == TXN_IST) {
        txn__ist_on_request(t, now_ms);
    } else {
        txn__nist_on_request(t, now_ms);
    }
}

static enum txn_in on_ack(struct txn_layer *l, const struct sip_msg *m, uint64_t now_ms,
                          struct txn **out)
{
    *out = txn__find_server(l, m, SIP_METHOD_INVITE);
    if (*out == NULL) {
        return TXN_IN_ACK;
    }
    return txn__ist_on_ack(*out, now_ms);
}

/**
 * The INVITE that a CANCEL means. A CANCEL cannot be challenged, so what it proves is that it
 * comes from the hop that sent the INVITE (RFC 3261 §22.1): from its address. The port may
 * be another one (a new connection); branches can be guessed, some phones count them.
 */
static struct txn *find_cancelled(struct txn_layer *l, const struct sip_msg *m,
                                  const struct hop *from)
{
    struct txn *t = txn__find_server(l, m, SIP_METHOD_INVITE);
    return t != NULL && addr_ip_eq(&t->hop.remote, &from->remote) ? t : NULL;
}

enum txn_in txn_on_request(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms, struct txn **out)
{
    /* But for CANCEL, matching does not look at the source: a phone's address may change. */
    *out = NULL;
    if (m->method == SIP_METHOD_ACK) {
        return on_ack(l, m, now_ms, out);
    }
    *out = txn__find_server(l, m, (enum sip_method)m->method);
    if (*out != NULL) {
        on_repeated_request(*out, now_ms);
        return TXN_IN_ABSORBED;
    }
    if (m->method == SIP_METHOD_CANCEL) {
        *out = find_cancelled(l, m, from);
        return *out != NULL ? TXN_IN_CANCEL : TXN_IN_NEW;
    }
    *out = txn__find_merged(l, m);
    return *out != NULL ? TXN_IN_MERGED : TXN_IN_NEW;
}

struct txn *txn_server_new(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                           const struct txn_user *user, void *owner, uint64_t now_ms)
{
    const struct txn_seen *seen;
    if (!sip_is_request(m) || m->method == SIP_METHOD_ACK || (seen = txn__look(l, m)) == NULL) {
        return NULL;
    }
    l->seen.m = NULL; /* it serves one transaction; the next message may lie where this did */
    enum txn_kind kind = m->method == SIP_METHOD_INVITE ? TXN_IST : TXN_NIST;
    struct txn *t = txn__alloc(l, kind, (enum sip_method)m->method, user, owner);
    if (t == NULL) {
        return NULL;
    }
    t->hop = *from;
    t->req = sip_msg_dup(&l->env->mem, m);
    if (t->req == NULL) {
        txn__discard(t);
        return NULL;
    }
    if (l->border.copied != NULL) {
        l->border.copied(l->border.ctx, m, &t->req->m);
    }
    txn__reply_hop(&seen->via, from, &t->reply_hop);
    txn__index_server(t, m, seen);
    txn__bind_flow(t, t->hop.flow);
    l->stats.server_created++;
    if (kind == TXN_IST) {
        txn__ist_start(t, now_ms);
    } else {
        txn__nist_start(t, now_ms);
    }
    return t;
}

bool txn_on_response(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                     uint64_t now_ms)
{
    struct txn *t = txn__find_client(l, m);
    if (t == NULL) {
        l->stats.stray_responses++;
        return false;
    }
    if (t->kind == TXN_ICT) {
        txn__ict_on_response(t, m, from, now_ms);
    } else {
        txn__nict_on_response(t, m, from, now_ms);
    }
    return true;
}

void txn_on_resolved(struct txn_layer *l, uint64_t now_ms)
{
    /* Who has to wait on stands behind the others again: each gets its turn once. */
    size_t turns = 0;
    list_each(it, &l->resolving)
    {
        turns++;
    }
    for (; turns > 0 && !list_empty(&l->resolving); turns--) {
        struct txn *t = list_entry(l->resolving.next, struct txn, link);
        list_remove(&t->link);
        list_append(&l->resolving, &t->link);
        if (txn__is_server(t)) {
            txn__back_resolved(t, now_ms);
        } else {
            txn__resolve(t, now_ms);
        }
    }
}

/** A server forgets the flow: its next response finds another way (§18.2.2). */
static void forget_flow(struct txn *t, uint32_t flow, uint64_t now_ms)
{
    if (t->hop.flow == flow) {
        t->hop.flow = 0;
    }
    if (t->reply_hop.flow == flow) {
        t->reply_hop.flow = 0;
        txn__back_lost(t, now_ms);
    }
}

void txn_on_flow_closed(struct txn_layer *l, uint32_t flow, uint64_t now_ms)
{
    if (flow == 0) {
        return;
    }
    list_each(it, &l->flows[flow % TXN_FLOW_LISTS])
    {
        struct txn *t = list_entry(it, struct txn, link);
        if (txn__is_server(t)) {
            forget_flow(t, flow, now_ms);
        } else if (t->hop.flow != flow) {
            continue;
        } else if (t->kind == TXN_ICT) {
            txn__ict_on_error(t, now_ms);
        } else {
            txn__nict_on_error(t, now_ms);
        }
    }
}

/* ---- what the user asks ---- */

int txn_cancel(struct txn *t, struct str lines, uint64_t now_ms)
{
    return t->kind == TXN_ICT ? txn__ict_on_cancel(t, lines, now_ms) : E_STATE;
}

void txn_detach(struct txn *t)
{
    t->user = NULL;
    t->owner = NULL;
    if (t->kind == TXN_ICT) {
        txn__ict_on_detach(t, t->layer->wheel->now_ms);
    } else if (t->kind == TXN_IST) {
        txn__ist_on_detach(t, t->layer->wheel->now_ms);
    }
}
