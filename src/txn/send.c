/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on their way out (RFC 3261 §8.1.1.7, §8.1.2, §9.1, §17.1.1.3, §18.1.1).
 *
 * A target is a flow, an address, or a name. From a name comes an address (route/locate.h,
 * which may take its time: then the transaction stands in Resolving with the bytes as the user
 * gave them), from an address a flow (env->open), and from the flow our own address, which the
 * Via shows. So the Via is the last thing to be known; it is put behind the start line.
 *
 * CANCEL and the ACK to a 300-699 are made from the INVITE's own bytes, which are indexed
 * again for that: it happens once or twice in a call, and keeping an index would cost every
 * transaction more memory than the request itself.
 *
 * NOT DONE. The choice of TCP for large requests, and the next address after a failure (RFC
 * 3263 §4): the user hears TXN_TRANSPORT and makes a new transaction.
 */
#include "txn/priv.h"

#include "route/locate.h"
#include "sip/edit.h"

#define BRANCH_RANDOM (TXN_BRANCH_OWN - (sizeof SIP_BRANCH_COOKIE - 1))
#define VIA_MAX 200

/** What we sent is not to be measured by the limits for what others send. */
static const struct sip_limits no_limits = {UINT32_MAX, SIP_HDR_MAX, UINT32_MAX};

int txn__text_init(struct txn__text *x, const struct mem *mem, txn__write_fn write,
                   const void *arg)
{
    struct out o;
    x->heap = NULL;
    out_init(&o, x->stack, sizeof x->stack);
    write(&o, arg);
    if (o.over) {
        size_t need = o.need;
        x->heap = mem_alloc(mem, need);
        if (x->heap == NULL) {
            return E_NOMEM;
        }
        out_init(&o, x->heap, need);
        write(&o, arg);
    }
    x->s = out_str_of(&o);
    return 0;
}

void txn__text_fini(struct txn__text *x, const struct mem *mem)
{
    mem_free(mem, x->heap);
    x->heap = NULL;
}

int txn__text_keep(struct txn__text *x, const struct mem *mem, struct str *out)
{
    if (x->heap == NULL) {
        return mem_dup(mem, x->s, out);
    }
    *out = x->s;
    x->heap = NULL;
    return 0;
}

bool txn__index_sent(struct str sent, struct sip_hdr *hdr, struct sip_msg *m)
{
    struct sip_fault fault;
    m->hdr = hdr;
    int err = sent.n > 0 ? sip_msg_index(m, sent, true, &no_limits, &fault) : E_SYNTAX;
    /* What is asked of it stands in front; what two ends together wrote may be too many lines.
     */
    return err == 0 || err == E_TOOMANY;
}

int txn__send_request(struct txn *t)
{
    const struct env *env = t->layer->env;
    int err = env->send(env->ctx, &t->hop, &t->sent, 1);
    if (err != 0) {
        t->layer->stats.transport_errors++;
    }
    return err;
}

/* ---- the way to the target ---- */

/** @return 0, E_AGAIN, E_NOTFOUND: no address; else what env->open says */
static int find_way(const struct txn_layer *l, struct hop *hop, struct str host, uint16_t port)
{
    const struct env *env = l->env;
    if (hop->flow != 0) {
        return 0;
    }
    if (hop->remote.family == ADDR_NONE) {
        struct route_want want = {
            .host = host, .port = port, .transport = (enum transport)hop->transport};
        struct route_hops hops;
        int err = route_locate(env, &want, &hops);
        if (err != 0) {
            return err == E_AGAIN || err == E_UNSUPPORTED ? err : E_NOTFOUND;
        }
        *hop = hops.hop[0];
    }
    if (hop->remote.port == 0) {
        hop->remote.port = transport_port((enum transport)hop->transport);
    }
    return env->open(env->ctx, hop, host);
}

static void write_branch(const struct env *env, struct str mark,
                         char branch[static TXN_BRANCH_OWN + TXN_MARK_MAX + 1])
{
    mark = str_upto(mark, TXN_MARK_MAX);
    memcpy(branch, SIP_BRANCH_COOKIE, sizeof SIP_BRANCH_COOKIE - 1);
    env_random_token(env, branch + sizeof SIP_BRANCH_COOKIE - 1, BRANCH_RANDOM);
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

static void start(struct txn *t, uint64_t now_ms)
{
    txn__bind_flow(t, t->hop.flow);
    if (t->kind == TXN_ICT) {
        txn__ict_start(t, now_ms);
    } else {
        txn__nict_start(t, now_ms);
    }
}

/** Resolving begins: keep what is needed to go on. @return 0 or E_NOMEM */
static int wait_for_name(struct txn *t, struct str host, const struct str *run, size_t n,
                         uint64_t now_ms)
{
    struct txn_layer *l = t->layer;
    if (mem_dup(&l->env->mem, host, &t->host) != 0) {
        return E_NOMEM;
    }
    t->sent = sip_runs_flatten(&l->env->mem, run, n);
    if (!str_is_set(t->sent)) {
        return E_NOMEM;
    }
    t->why = TXN_UNRESOLVED;
    list_append(&l->resolving, &t->link);
    timer_set(l->wheel, &t->expire, now_ms + txn__64t1(t));
    return 0;
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
    t->hop = to->hop;
    t->port = to->port;
    int err = find_way(l, &t->hop, to->host, to->port);
    int mem_err = 0;
    if (err == 0) {
        t->sent = join_via(t, run, n);
        mem_err = str_is_set(t->sent) ? 0 : E_NOMEM;
    } else if (err == E_AGAIN) {
        mem_err = wait_for_name(t, to->host, run, n, now_ms);
    }
    if (mem_err != 0) {
        txn__discard(t);
        return NULL;
    }
    txn__index_client(t);
    l->stats.client_created++;
    if (err == 0) {
        start(t, now_ms);
    } else if (err != E_AGAIN) {
        txn__fail_soon(t, err == E_NOTFOUND ? TXN_UNRESOLVED : TXN_TRANSPORT, now_ms);
    }
    return t;
}

void txn__resolve(struct txn *t, uint64_t now_ms)
{
    const struct mem *mem = &t->layer->env->mem;
    int err = find_way(t->layer, &t->hop, t->host, t->port);
    if (err == E_AGAIN) {
        return;
    }
    if (err == 0) {
        static const struct str crlf = STR_INIT("\r\n");
        size_t line = str_find(t->sent, crlf) + crlf.n;
        struct str part[2] = {str_upto(t->sent, line), str_from(t->sent, line)};
        struct str whole = join_via(t, part, 2);
        if (str_is_set(whole)) {
            txn__drop_sent(t);
            t->sent = whole;
            mem_free(mem, (void *)(uintptr_t)t->host.p);
            t->host = STR_NONE;
            start(t, now_ms);
            return;
        }
        err = E_NOMEM;
    }
    if (err != E_NOTFOUND) {
        t->layer->stats.transport_errors++;
    }
    txn__fail_soon(t, err == E_NOTFOUND ? TXN_UNRESOLVED : TXN_TRANSPORT, now_ms);
}

/* ---- requests that follow an INVITE hop by hop ---- */

struct follow_up {
    struct str method;
    const struct sip_msg *invite;
    const struct sip_msg *to; /**< the message whose To it has */
    struct str lines, user_agent_line;
};

static void copy_lines(struct out *o, const struct sip_msg *m, enum sip_hdr_id id)
{
    const struct sip_hdr *h = sip_msg_line(m, id);
    for (; h != NULL; h = sip_msg_next_line(m, h)) {
        out_str(o, sip_hdr_id_name(id));
        out_c(o, ": ");
        out_str(o, sip_hdr_value(m, h));
        out_c(o, "\r\n");
    }
}

static void write_follow_up(struct out *o, const void *arg)
{
    const struct follow_up *f = arg;
    struct sip_values it = {0};
    struct str via = STR_NONE;
    struct sip_cseq cseq = {0};
    (void)sip_msg_each(f->invite, SIP_HDR_VIA, &it, &via); /* ours, so it is there */
    (void)sip_msg_cseq(f->invite, &cseq);
    out_str(o, f->method);
    out_ch(o, ' ');
    out_str(o, sip_msg_ruri(f->invite));
    out_c(o, " SIP/2.0\r\nVia: ");
    out_str(o, via);
    out_c(o, "\r\nMax-Forwards: 70\r\n");
    copy_lines(o, f->invite, SIP_HDR_ROUTE);
    copy_lines(o, f->invite, SIP_HDR_FROM);
    copy_lines(o, f->to, SIP_HDR_TO);
    copy_lines(o, f->invite, SIP_HDR_CALL_ID);
    out_c(o, "CSeq: ");
    out_u64(o, cseq.number);
    out_ch(o, ' ');
    out_str(o, f->method);
    out_c(o, "\r\n");
    out_str(o, f->lines);
    out_str(o, f->user_agent_line);
    out_c(o, "Content-Length: 0\r\n\r\n");
}

int txn__send_ack(struct txn *t, const struct sip_msg *m)
{
    const struct env *env = t->layer->env;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg invite;
    struct txn__text x;
    struct str own;
    if (str_starts(t->sent, STR("ACK "))) {
        t->layer->stats.retransmitted++;
        return txn__send_request(t);
    }
    if (!txn__index_sent(t->sent, hdr, &invite)) {
        return E_SYNTAX; /* the user's bytes were no message */
    }
    struct follow_up f = {.method = STR("ACK"),
                          .invite = &invite,
                          .to = m,
                          .user_agent_line = t->layer->user_agent_line};
    int err = txn__text_init(&x, &env->mem, write_follow_up, &f);
    if (err != 0) {
        return err;
    }
    err = env->send(env->ctx, &t->hop, &x.s, 1);
    if (err != 0) {
        t->layer->stats.transport_errors++;
    } else if (!txn__reliable(t) && txn__text_keep(&x, &env->mem, &own) == 0) {
        txn__drop_sent(t); /* else the INVITE stays, and the ACK is made again */
        t->sent = own;
    }
    txn__text_fini(&x, &env->mem);
    return err;
}

int txn__send_cancel(struct txn *t, struct str lines, uint64_t now_ms)
{
    struct txn_layer *l = t->layer;
    const struct mem *mem = &l->env->mem;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg invite;
    struct txn__text x;
    if (!txn__index_sent(t->sent, hdr, &invite)) {
        return E_SYNTAX; /* the user's bytes were no message: the guard ends the call */
    }
    struct follow_up f = {.method = STR("CANCEL"),
                          .invite = &invite,
                          .to = &invite,
                          .lines = lines,
                          .user_agent_line = l->user_agent_line};
    struct txn *c = txn__alloc(l, TXN_NICT, SIP_METHOD_CANCEL, NULL, NULL);
    if (c == NULL) {
        return E_NOMEM;
    }
    int err = txn__text_init(&x, mem, write_follow_up, &f);
    if (err == 0) {
        err = txn__text_keep(&x, mem, &c->sent);
        txn__text_fini(&x, mem);
    }
    if (err != 0) {
        txn__discard(c);
        return err;
    }
    memcpy(c->branch, t->branch, sizeof c->branch);
    c->hop = t->hop;
    txn__index_client(c);
    l->stats.client_created++;
    start(c, now_ms);
    return 0;
}

int txn_send_ack(struct txn_layer *l, const struct txn_target *to, const struct str *run,
                 size_t n)
{
    const struct env *env = l->env;
    struct str all[SIP_RUN_MAX + 1];
    struct hop hop = to->hop;
    char own[TXN_BRANCH_OWN + TXN_MARK_MAX + 1], buf[VIA_MAX];
    struct str branch = str_upto(to->branch, 80);
    struct out via;
    if (n == 0 || n > SIP_RUN_MAX) {
        return E_TOOMANY;
    }
    int err = find_way(l, &hop, to->host, to->port);
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
    err = env->send(env->ctx, &hop, all, n + 1);
    if (err != 0) {
        l->stats.transport_errors++;
    }
    return err;
}
