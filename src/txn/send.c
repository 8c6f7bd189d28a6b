/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests on the wire: their bytes again, and those that follow an INVITE hop by hop
 * (RFC 3261 §9.1, §17.1.1.3). Where a request goes, and its Via, is way.c's matter.
 *
 * CANCEL and the ACK to a 300-699 are made from the INVITE's own bytes, which are indexed
 * again for that: it happens once or twice in a call, and keeping an index would cost every
 * transaction more memory than the request itself.
 */
#include "txn/priv.h"

#include "sip/edit.h"

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
    txn__start(c, now_ms);
    return 0;
}
