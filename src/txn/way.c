/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request (RFC 3261 §8.1.2, §18.1.1; RFC 3263 §4): from its target to a hop, and
 * to the next hop when a server has failed.
 *
 * A target is a flow, an address, or a name. From a name come hops (route/locate.h, which may
 * take its time: then the transaction stands in Resolving with the bytes as the user gave
 * them), from a hop a flow (env->open), and from the flow our own address, which the Via shows.
 * So the Via, and what the user puts behind it (on_way), is the last thing to be known; it is
 * put behind the start line, and its length is kept so that it can be taken out again.
 *
 *   flow, address        one hop, nothing is kept
 *   name, one server     one hop, nothing is kept
 *   name, several        a block (struct txn__way) with the hops that are left
 *
 * THE NEXT SERVER, after a 503, silence, or a failure to send: the request is written
 * again with a new branch, for the same transaction. Servers that have failed are remembered
 * (route/black.h), so that the next request begins with one that works. It does not go on when
 * the user has cancelled, or once a phone rings: then what happens is the user's.
 *
 * SILENCE is timing.silent without any response as long as there is another server, for the
 * last one 64*T1. An INVITE that is left so early may have been heard: if anything but a
 * refusal comes of it yet it is cancelled.
 *
 * THE SIZE. What would be longer than `udp_max` goes over TCP to the same address; when that
 * cannot be connected it goes over UDP after all (§18.1.1), and until the blacklist lets it go,
 * so do others. Not on flows, which lead through address translators, and not when the
 * transport is fixed.
 *
 * NOT DONE. The size of an ACK to a 2xx. A 2xx that is the first thing to be heard of a server
 * which was left for its silence is not acknowledged: its sender ends that call (RFC 3261
 * §13.3.1.4).
 */
#include "txn/priv.h"

#include "route/locate.h"
#include "sip/edit.h"

#define BRANCH_RANDOM (TXN_BRANCH_OWN - (sizeof SIP_BRANCH_COOKIE - 1))
#define VIA_MAX 200

/** The target of a name, in one block with its hops and its text. */
struct txn__way {
    struct route_want want; /**< host is behind the hops */
    uint8_t at, n;          /**< hops not yet tried: [at, n); while it is looked up: none */
    struct hop hop[];
};

/* ---- bytes ---- */

static void write_random(const struct env *env, char *branch)
{
    env_random_token(env, branch + sizeof SIP_BRANCH_COOKIE - 1, BRANCH_RANDOM);
}

static void write_branch(const struct env *env, struct str mark,
                         char branch[static TXN_BRANCH_OWN + TXN_MARK_MAX + 1])
{
    mark = str_upto(mark, TXN_MARK_MAX);
    memcpy(branch, SIP_BRANCH_COOKIE, sizeof SIP_BRANCH_COOKIE - 1);
    write_random(env, branch);
    if (mark.n > 0) {
        memcpy(branch + TXN_BRANCH_OWN, mark.p, mark.n);
    }
    branch[TXN_BRANCH_OWN + mark.n] = '\0';
}

static void write_via(struct out *o, const struct env *env, const struct hop *hop,
                      struct str branch)
{
    struct addr local = {0};
    env->local(env->ctx, hop, &local);
    out_c(o, "Via: SIP/2.0/");
    out_c(o, transport_name((enum transport)hop->transport));
    out_ch(o, ' ');
    addr_write(o, &local);
    out_c(o, ";branch=");
    out_str(o, branch);
    if (!transport_is_reliable((enum transport)hop->transport)) {
        out_c(o, ";rport");
    }
    out_c(o, "\r\n");
}

/**
 * The runs in one block, with the Via, and what the user wants behind it, behind the first.
 * {NULL,0} when memory is out, or the user wants too much.
 */
static struct str join_via(struct txn *t, const struct str *run, size_t n)
{
    const struct env *env = t->layer->env;
    char buf[VIA_MAX + TXN_WAY_MAX];
    struct out via;
    out_init(&via, buf, sizeof buf);
    write_via(&via, env, &t->hop, str_c(t->branch));
    if (t->user != NULL && t->user->on_way != NULL) {
        t->user->on_way(t, &via);
    }
    if (via.over) {
        return STR_NONE;
    }
    t->top_n = (uint16_t)via.n;
    size_t len = sip_runs_len(run, n) + via.n;
    char *p = mem_alloc(&env->mem, len);
    if (p == NULL) {
        return STR_NONE;
    }
    struct out o;
    out_init(&o, p, len);
    out_str(&o, run[0]);
    out_str(&o, out_str_of(&via));
    for (size_t i = 1; i < n; i++) {
        out_str(&o, run[i]);
    }
    return out_str_of(&o);
}

/** Bytes of ours as the user gave them: the start line, and what is behind `top_n` octets. */
static void take_apart(struct str sent, size_t top_n, struct str part[2])
{
    static const struct str crlf = STR_INIT("\r\n");
    size_t line = str_find(sent, crlf) + crlf.n;
    part[0] = str_upto(sent, line);
    part[1] = str_from(sent, line + top_n);
}

/* ---- one hop ---- */

static struct str name_of(const struct txn *t)
{
    return t->way != NULL ? t->way->want.host : STR_NONE;
}

static uint8_t usual_transport(const struct txn_target *to)
{
    return (uint8_t)(to->hop.transport != TP_NONE ? to->hop.transport
                     : to->sips                   ? TP_TLS
                                                  : TP_UDP);
}

/**
 * Write the request for t->hop and show it to the border. What the user gave is kept for the
 * servers that are left: they may be told what this one is not.
 * @return 0; E_NOMEM; E_DENIED: t->sent is the answer
 */
static int write_for_hop(struct txn *t, struct str name, const struct str *run, size_t n)
{
    const struct mem *mem = &t->layer->env->mem;
    struct txn_exit_out x;
    struct str changed;
    t->sent = join_via(t, run, n);
    if (!str_is_set(t->sent)) {
        return E_NOMEM;
    }
    struct txn_leaving what = {.name = name, .run = run, .n = n, .bytes = t->sent};
    switch (txn__leave(t->layer, t->layer->same, &t->hop, &what, &x)) {
    case TXN_EXIT_PASS:
        return 0;
    case TXN_EXIT_FAILED:
        return E_NOMEM;
    case TXN_EXIT_REFUSED:
        return txn__deny(t, &x.refusal);
    case TXN_EXIT_CHANGED:
        break;
    }
    if (t->way != NULL && t->plain.n == 0) {
        t->plain = sip_runs_flatten(mem, run, n);
    }
    if ((t->way != NULL && t->plain.n == 0) || mem_dup(mem, x.bytes, &changed) != 0) {
        return E_NOMEM;
    }
    txn__drop_sent(t);
    t->sent = changed;
    return 0;
}

/** The same request over TCP, if that can be had. `t->sent` is replaced. */
static void grow(struct txn *t, struct str name, const struct str *run, size_t n)
{
    struct txn_layer *l = t->layer;
    const struct env *env = l->env;
    struct hop udp = t->hop, tcp = t->hop;
    uint16_t top_n = t->top_n;
    tcp.transport = TP_TCP;
    tcp.flow = 0;
    if ((env->reaches != NULL && !env->reaches(env->ctx, &tcp)) ||
        route_black_until(&l->black, &tcp, STR_NONE, l->wheel->now_ms) != 0 ||
        env->open(env->ctx, &tcp, STR_NONE) != 0) {
        return;
    }
    struct str small = t->sent;
    t->hop = tcp;
    if (write_for_hop(t, name, run, n) != 0) {
        txn__drop_sent(t);
        t->sent = small;
        t->hop = udp;
        t->top_n = top_n;
        return;
    }
    mem_free(&env->mem, (void *)(uintptr_t)small.p);
    t->grown = true;
    l->stats.grown++;
}

/**
 * Take a hop, whose flow is opened unless it is known, and write the request for it. What
 * t->sent was is the caller's. @return 0, E_NOMEM, what env->open says; E_DENIED: the border
 * has refused it, t->sent is its answer
 */
static int step_onto(struct txn *t, const struct hop *hop, struct str name, bool may_grow,
                     const struct str *run, size_t n)
{
    struct txn_layer *l = t->layer;
    bool given = hop->flow != 0;
    t->hop = *hop;
    t->grown = false;
    int err = given ? 0 : l->env->open(l->env->ctx, &t->hop, name);
    err = err == 0 ? write_for_hop(t, name, run, n) : err;
    if (err != 0) {
        return err;
    }
    if (l->udp_max != 0 && t->sent.n > l->udp_max && t->hop.transport == TP_UDP && may_grow &&
        !given && !t->fixed) {
        grow(t, name, run, n);
    }
    route_black_use(&l->black, &t->hop, name, l->wheel->now_ms);
    return 0;
}

/** The first of the hops that are left which can be opened. */
static int next_hop(struct txn *t, const struct str *run, size_t n)
{
    struct txn__way *way = t->way;
    int err = E_IO;
    while (way != NULL && way->at < way->n) {
        struct hop hop = way->hop[way->at++];
        err = step_onto(t, &hop, way->want.host, true, run, n);
        if (err == 0 || err == E_NOMEM || err == E_DENIED) {
            break;
        }
        t->layer->stats.transport_errors++;
        route_black_add(&t->layer->black, &hop, way->want.host, 0, t->layer->wheel->now_ms);
    }
    return err;
}

/* ---- names ---- */

/** @return NULL when memory is out */
static struct txn__way *way_new(const struct mem *mem, const struct route_want *want,
                                const struct route_hops *hops)
{
    size_t n = hops != NULL ? hops->n : 0, list = n * sizeof(struct hop);
    struct txn__way *way = mem_alloc(mem, sizeof *way + list + want->host.n);
    if (way == NULL) {
        return NULL;
    }
    way->want = *want;
    way->at = 0;
    way->n = (uint8_t)n;
    if (n > 0) {
        memcpy(way->hop, hops->hop, list);
    }
    char *host = (char *)way->hop + list;
    if (want->host.n > 0) {
        memcpy(host, want->host.p, want->host.n);
    }
    way->want.host = str_make(host, want->host.n);
    return way;
}

static struct route_want want_of(const struct txn_target *to)
{
    return (struct route_want){.host = to->host,
                               .port = to->port,
                               .sips = to->sips,
                               .transport = (enum transport)to->hop.transport};
}

/** One of the servers of a name; the others are kept for later. `want` may be of t->way. */
static int choose(struct txn *t, const struct route_want *want, struct route_hops *hops,
                  const struct str *run, size_t n)
{
    struct txn_layer *l = t->layer;
    if (hops->n == 1) {
        return step_onto(t, &hops->hop[0], want->host, true, run, n);
    }
    route_black_sort(&l->black, hops, want->host, l->wheel->now_ms);
    struct txn__way *way = way_new(&l->env->mem, want, hops);
    if (way == NULL) {
        return E_NOMEM;
    }
    mem_free(&l->env->mem, t->way);
    t->way = way;
    return next_hop(t, run, n);
}

/** Resolving begins: keep what is needed to go on. @return E_AGAIN or E_NOMEM */
static int wait_for_name(struct txn *t, const struct route_want *want, const struct str *run,
                         size_t n)
{
    const struct mem *mem = &t->layer->env->mem;
    t->way = way_new(mem, want, NULL);
    t->sent = sip_runs_flatten(mem, run, n);
    return t->way != NULL && str_is_set(t->sent) ? E_AGAIN : E_NOMEM;
}

static int locate(struct txn *t, const struct txn_target *to, const struct str *run, size_t n)
{
    struct route_want want = want_of(to);
    struct route_hops hops;
    if (to->host.n == 0) {
        return E_NOTFOUND;
    }
    int err = route_locate(t->layer->env, &want, &hops);
    if (err == E_AGAIN) {
        return wait_for_name(t, &want, run, n);
    }
    return err == 0 ? choose(t, &want, &hops, run, n) : err == E_IO ? E_NOTFOUND : err;
}

/** @return 0; E_AGAIN: Resolving; E_NOMEM; E_NOTFOUND; else it cannot be sent */
static int aim(struct txn *t, const struct txn_target *to, const struct str *run, size_t n)
{
    struct hop hop = to->hop;
    if (hop.flow == 0 && hop.remote.family == ADDR_NONE) {
        return locate(t, to, run, n);
    }
    if (hop.flow == 0) {
        hop.transport = usual_transport(to);
        if (hop.remote.port == 0) {
            hop.remote.port = transport_port((enum transport)hop.transport);
        }
    }
    return step_onto(t, &hop, to->host, true, run, n);
}

/* ---- making it ---- */

void txn__start(struct txn *t, uint64_t now_ms)
{
    txn__bind_flow(t, t->hop.flow);
    if (t->kind == TXN_ICT) {
        txn__ict_start(t, now_ms);
    } else {
        txn__nict_start(t, now_ms);
    }
}

static void fail(struct txn *t, int err, uint64_t now_ms)
{
    if (err == E_DENIED) {
        txn__fail_soon(t, (enum txn_failure)TXN__DENIED, now_ms);
    } else {
        txn__fail_soon(t, err == E_NOTFOUND ? TXN_UNRESOLVED : TXN_TRANSPORT, now_ms);
    }
}

struct txn *txn_client_new(struct txn_layer *l, enum sip_method method,
                           const struct txn_target *to, const struct str *run, size_t n,
                           const struct txn_user *user, void *owner, uint64_t now_ms)
{
    if (method == SIP_METHOD_ACK || n == 0) {
        return NULL; /* an ACK is no transaction: txn_send_ack */
    }
    enum txn_kind kind = method == SIP_METHOD_INVITE ? TXN_ICT : TXN_NICT;
    struct txn *t = txn__alloc(l, kind, method, user, owner);
    if (t == NULL) {
        return NULL;
    }
    write_branch(l->env, to->mark, t->branch);
    t->fixed = to->fixed;
    t->has_other = to->has_other;
    l->same = to->same;
    int err = aim(t, to, run, n);
    l->same = NULL; /* its octets are there for this call only */
    if (err == E_NOMEM) {
        txn__discard(t);
        return NULL;
    }
    txn__index_client(t);
    l->stats.client_created++;
    if (err == 0) {
        txn__start(t, now_ms);
    } else if (err == E_AGAIN) {
        t->why = TXN_UNRESOLVED;
        list_append(&l->resolving, &t->link);
        timer_set(l->wheel, &t->expire, now_ms + txn__64t1(t));
    } else {
        fail(t, err, now_ms);
    }
    return t;
}

void txn__resolve(struct txn *t, uint64_t now_ms)
{
    struct txn_layer *l = t->layer;
    struct txn__way *old = t->way;
    struct route_hops hops;
    int err = route_locate(l->env, &old->want, &hops);
    if (err == E_AGAIN) {
        return;
    }
    if (err == 0) {
        struct str part[2], given = t->sent;
        take_apart(given, 0, part);
        t->sent = STR_NONE;
        err = choose(t, &old->want, &hops, part, 2);
        if (err == 0) {
            mem_free(&l->env->mem, (void *)(uintptr_t)given.p);
            if (t->way == old) { /* one server: nothing to go on to */
                mem_free(&l->env->mem, old);
                t->way = NULL;
            }
            txn__start(t, now_ms);
            return;
        }
        if (err == E_DENIED) {
            mem_free(&l->env->mem, (void *)(uintptr_t)given.p);
        } else {
            txn__drop_sent(t);
            t->sent = given;
            l->stats.transport_errors++;
        }
    }
    fail(t, err == E_IO && hops.n == 0 ? E_NOTFOUND : err, now_ms);
}

/* ---- the next server ---- */

uint32_t txn__retry_after(const struct sip_msg *m)
{
    struct str v = sip_msg_value(m, SIP_HDR_RETRY_AFTER);
    uint32_t s = 0;
    size_t n = 0;
    while (n < v.n && v.p[n] >= '0' && v.p[n] <= '9') {
        n++;
    }
    return str_to_u32(str_upto(v, n), &s) && s < UINT32_MAX / 1000 ? s * 1000 : 0;
}

void txn__heard(struct txn *t, const struct sip_msg *m)
{
    struct route_black *black = &t->layer->black;
    t->status = m->status;
    t->rang = t->rang || (m->status > 100 && m->status < 200);
    if (m->status != 503 && route_black_count(black) > 0) {
        route_black_clear(black, &t->hop, name_of(t));
    }
}

/** The branch that a transaction leaves. */
struct branch {
    char text[TXN_BRANCH_OWN + TXN_MARK_MAX + 1];
    struct hop hop;
    struct str sent;
    uint16_t top_n;
    bool grown;
};

static void branch_save(struct branch *b, struct txn *t)
{
    memcpy(b->text, t->branch, sizeof b->text);
    b->hop = t->hop;
    b->sent = t->sent;
    b->top_n = t->top_n;
    b->grown = t->grown;
    t->sent = STR_NONE;
}

static void branch_restore(const struct branch *b, struct txn *t)
{
    memcpy(t->branch, b->text, sizeof b->text);
    t->hop = b->hop;
    t->sent = b->sent;
    t->top_n = b->top_n;
    t->grown = b->grown;
}

static bool may_go_on(const struct txn *t, enum txn__lost why)
{
    bool other = t->way != NULL && t->way->at < t->way->n;
    bool orphan = t->kind == TXN_ICT && t->user == NULL; /* nobody wants the call any more */
    return !t->cancel_wanted && !t->rang && !orphan &&
           (other || (t->grown && why == TXN__BROKEN));
}

static int go(struct txn *t, const struct branch *old, enum txn__lost why)
{
    struct str part[2];
    bool plain = t->plain.n > 0;
    take_apart(plain ? t->plain : old->sent, plain ? 0 : old->top_n, part);
    write_random(t->layer->env, t->branch);
    if (old->grown && why == TXN__BROKEN) {
        struct hop udp = old->hop;
        udp.transport = TP_UDP;
        udp.flow = 0;
        return step_onto(t, &udp, name_of(t), false, part, 2);
    }
    return next_hop(t, part, 2);
}

uint64_t txn__patience(struct txn *t)
{
    uint32_t silent = t->layer->timing.silent;
    bool other = t->has_other || (t->way != NULL && t->way->at < t->way->n);
    t->hasty = other && silent != 0 && silent < txn__64t1(t);
    return t->hasty ? silent : txn__64t1(t);
}

uint64_t txn__patience_left(const struct txn *t)
{
    return txn__64t1(t) - t->layer->timing.silent;
}

/** The branch belongs to `rest` now. */
static void branch_give(const struct branch *b, struct txn *rest)
{
    branch_restore(b, rest);
    txn__index_client(rest);
    txn__bind_flow(rest, rest->hop.flow);
}

void txn__leave_branch(struct txn *t, uint64_t now_ms)
{
    struct txn_layer *l = t->layer;
    struct txn *rest = txn__alloc(l, TXN_ICT, SIP_METHOD_INVITE, NULL, NULL);
    struct branch old;
    if (rest == NULL) {
        return;
    }
    branch_save(&old, t);
    map_remove(&l->by_branch, &t->by_branch);
    branch_give(&old, rest);
    txn__ict_linger(rest, now_ms);
}

bool txn__go_on(struct txn *t, enum txn__lost why, uint32_t retry_ms, struct txn **husk,
                uint64_t now_ms)
{
    struct txn_layer *l = t->layer;
    struct branch old;
    if (t->way != NULL || t->grown) {
        route_black_add(&l->black, &t->hop, name_of(t), retry_ms, now_ms);
    }
    if (!may_go_on(t, why)) {
        return false;
    }
    struct txn *rest = NULL;
    if (husk != NULL &&
        (rest = txn__alloc(l, TXN_ICT, SIP_METHOD_INVITE, NULL, NULL)) == NULL) {
        return false;
    }
    branch_save(&old, t);
    int err = go(t, &old, why);
    map_remove(&l->by_branch, &t->by_branch);
    if (err != 0) {
        txn__drop_sent(t); /* the answer, when the border has refused it there */
        branch_restore(&old, t);
        txn__index_client(t);
        if (rest != NULL) {
            txn__discard(rest);
        }
        return false;
    }
    txn__index_client(t);
    if (rest != NULL) {
        branch_give(&old, rest);
        *husk = rest;
    } else {
        mem_free(&l->env->mem, (void *)(uintptr_t)old.sent.p);
    }
    l->stats.retargeted++;
    t->status = 0;
    txn__start(t, now_ms);
    return true;
}

/* ---- without a transaction ---- */

/** @return 0, E_AGAIN, E_NOTFOUND: no address; else what env->open says */
static int find_way(const struct txn_layer *l, const struct txn_target *to, struct hop *hop)
{
    *hop = to->hop;
    if (hop->flow != 0) {
        return 0;
    }
    if (hop->remote.family == ADDR_NONE) {
        struct route_want want = want_of(to);
        struct route_hops hops;
        int err = route_locate(l->env, &want, &hops);
        if (err != 0) {
            return err == E_AGAIN || err == E_UNSUPPORTED ? err : E_NOTFOUND;
        }
        route_black_sort(&l->black, &hops, to->host, l->wheel->now_ms);
        *hop = hops.hop[0];
    }
    hop->transport = hop->transport != TP_NONE ? hop->transport : usual_transport(to);
    if (hop->remote.port == 0) {
        hop->remote.port = transport_port((enum transport)hop->transport);
    }
    return l->env->open(l->env->ctx, hop, to->host);
}

int txn_send_ack(struct txn_layer *l, const struct txn_target *to, const struct str *run,
                 size_t n)
{
    const struct env *env = l->env;
    struct str all[SIP_RUN_MAX + 1];
    struct hop hop;
    char own[TXN_BRANCH_OWN + TXN_MARK_MAX + 1], buf[VIA_MAX];
    struct str branch = str_upto(to->branch, 80);
    struct out via;
    if (n == 0 || n > SIP_RUN_MAX) {
        return E_TOOMANY;
    }
    int err = find_way(l, to, &hop);
    if (err != 0) {
        return err;
    }
    if (branch.n == 0) {
        write_branch(env, STR_NONE, own);
        branch = str_c(own);
    }
    out_init(&via, buf, sizeof buf);
    write_via(&via, env, &hop, branch);
    all[0] = run[0];
    all[1] = out_str_of(&via);
    memcpy(all + 2, run + 1, (n - 1) * sizeof *run);
    err = txn__send_past_border(l, to->same, &hop, to->host, all, n + 1);
    if (err != 0) {
        l->stats.transport_errors++;
    }
    return err;
}
