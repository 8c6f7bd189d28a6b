/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses (RFC 3261 §8.2.6, §8.2.7); how they go is back.c's matter.
 *
 * Three ways to one: txn_respond takes bytes that the user made (a proxy, a bridge),
 * txn_reply builds a response from the request, txn_reply_stateless does the same with no
 * transaction. What is built is written to the stack first and copied once at its size.
 *
 * The order in a response is: first everything that can fail for want of memory, then the
 * step of the machine, then the sending. So E_NOMEM means that nothing happened, and a
 * failure to send leaves a machine that knows its response.
 */
#include "txn/priv.h"

#include "sip/edit.h"

struct reply {
    const struct txn_layer *l;
    const struct sip_msg *m;
    const struct hop *from;
    const struct txn_reply *r;
    uint32_t delay_ms; /**< for the Timestamp of a 100; 0: none to speak of */
};

static void copy_line(struct out *o, const struct sip_msg *m, enum sip_hdr_id id)
{
    if (sip_msg_has(m, id)) {
        out_str(o, sip_hdr_id_name(id));
        out_c(o, ": ");
        out_str(o, sip_msg_value(m, id));
        out_c(o, "\r\n");
    }
}

static void write_to(struct out *o, const struct reply *a)
{
    struct str value = sip_msg_value(a->m, SIP_HDR_TO);
    struct str tag = a->r->to_tag;
    char own[17];
    if (!str_is_set(value)) {
        return;
    }
    if (!str_is_set(tag) && a->r->status > 100) {
        txn__tag(a->l, a->m, own);
        tag = str_c(own);
    }
    out_c(o, "To: ");
    out_str(o, value);
    if (str_is_set(tag) && !str_is_set(sip_msg_tag(a->m, SIP_HDR_TO))) {
        out_c(o, ";tag=");
        out_str(o, tag);
    }
    out_c(o, "\r\n");
}

/** §8.2.6.1: copied into a 100, with our delay behind it when there was one. */
static void write_timestamp(struct out *o, const struct reply *a)
{
    struct str value = sip_msg_value(a->m, SIP_HDR_TIMESTAMP);
    if (a->r->status != 100 || !str_is_set(value)) {
        return;
    }
    out_c(o, "Timestamp: ");
    out_str(o, value);
    if (a->delay_ms > 0 && str_index(value, ' ') == value.n) {
        out_fmt(o, " %u.%03u", (unsigned)(a->delay_ms / 1000), (unsigned)(a->delay_ms % 1000));
    }
    out_c(o, "\r\n");
}

static void write_reply(struct out *o, const void *arg)
{
    const struct reply *a = arg;
    const struct txn_reply *r = a->r;
    out_c(o, "SIP/2.0 ");
    out_u64(o, r->status);
    out_ch(o, ' ');
    out_str(o, str_is_set(r->reason) ? r->reason : str_c(sip_reason(r->status)));
    out_c(o, "\r\n");
    txn_write_vias(o, a->m, a->from);
    if (r->record_route) {
        const struct sip_hdr *h = sip_msg_line(a->m, SIP_HDR_RECORD_ROUTE);
        for (; h != NULL; h = sip_msg_next_line(a->m, h)) {
            out_c(o, "Record-Route: ");
            out_str(o, sip_hdr_value(a->m, h));
            out_c(o, "\r\n");
        }
    }
    copy_line(o, a->m, SIP_HDR_FROM);
    write_to(o, a);
    copy_line(o, a->m, SIP_HDR_CALL_ID);
    copy_line(o, a->m, SIP_HDR_CSEQ);
    write_timestamp(o, a);
    out_str(o, r->lines);
    out_str(o, a->l->server_line);
    if (str_is_set(r->type)) {
        out_c(o, "Content-Type: ");
        out_str(o, r->type);
        out_c(o, "\r\n");
    }
    out_c(o, "Content-Length: ");
    out_u64(o, r->body.n);
    out_c(o, "\r\n\r\n");
    out_str(o, r->body);
}

/** May this status be sent now? */
static int accepts(const struct txn *t, unsigned status)
{
    if (status < 100 || status > 699) {
        return E_VALUE;
    }
    switch ((enum txn_kind)t->kind) {
    case TXN_IST:
        return txn__ist_accepts(t, status);
    case TXN_NIST:
        return txn__nist_accepts(t, status);
    case TXN_ICT:
    case TXN_NICT:
        break;
    }
    return E_STATE;
}

/** Take over `bytes` and send them. */
static int respond(struct txn *t, unsigned status, struct str bytes, uint64_t now_ms)
{
    const struct mem *mem = &t->layer->env->mem;
    txn__drop_sent(t);
    t->sent = bytes;
    t->status = (uint16_t)status;
    if (status >= 200) {
        mem_free(mem, t->req);
        t->req = NULL;
    }
    return t->kind == TXN_IST ? txn__ist_on_respond(t, now_ms)
                              : txn__nist_on_respond(t, now_ms);
}

/** What the border leaves of a response: *bytes, which are ours. @return 0 or E_NOMEM */
static int past_border(const struct txn *t, const char *same, const struct str *run, size_t n,
                       struct str *bytes)
{
    const struct mem *mem = &t->layer->env->mem;
    struct txn_exit_out x;
    struct str own = *bytes;
    struct txn_leaving what = {.run = run, .n = n, .bytes = own};
    enum txn_exit exit = txn__leave(t->layer, same, &t->hop, &what, &x);
    if (exit == TXN_EXIT_PASS) {
        return 0;
    }
    int err = exit == TXN_EXIT_CHANGED ? mem_dup(mem, x.bytes, bytes) : E_NOMEM;
    mem_free(mem, (void *)(uintptr_t)own.p);
    return err;
}

int txn_pass_response(struct txn *t, unsigned status, const struct str *run, size_t n,
                      const char *same, uint64_t now_ms)
{
    int err = accepts(t, status);
    if (err != 0) {
        return err;
    }
    struct str bytes = sip_runs_flatten(&t->layer->env->mem, run, n);
    err = str_is_set(bytes) ? past_border(t, same, run, n, &bytes) : E_NOMEM;
    return err == 0 ? respond(t, status, bytes, now_ms) : err;
}

int txn_respond(struct txn *t, unsigned status, const struct str *run, size_t n,
                uint64_t now_ms)
{
    return txn_pass_response(t, status, run, n, NULL, now_ms);
}

static int reply(struct txn *t, const struct txn_reply *r, uint32_t delay_ms, uint64_t now_ms)
{
    const struct mem *mem = &t->layer->env->mem;
    struct txn__text x;
    struct str bytes;
    int err = accepts(t, r->status);
    if (err != 0) {
        return err;
    }
    if (t->req == NULL) {
        return E_STATE;
    }
    struct reply a = {t->layer, &t->req->m, &t->hop, r, delay_ms};
    err = txn__text_init(&x, mem, write_reply, &a);
    if (err != 0) {
        return err;
    }
    err = txn__text_keep(&x, mem, &bytes);
    txn__text_fini(&x, mem);
    if (err == 0 && r->status != 100) {
        err = past_border(t, NULL, &bytes, 1, &bytes);
    }
    return err != 0 ? err : respond(t, r->status, bytes, now_ms);
}

int txn__answer_own(const struct txn_layer *l, const struct sip_msg *m, const struct hop *hop,
                    const struct txn_reply *r, struct str *out)
{
    const struct mem *mem = &l->env->mem;
    struct reply a = {l, m, hop, r, 0};
    struct txn__text x;
    int err = txn__text_init(&x, mem, write_reply, &a);
    if (err == 0) {
        err = txn__text_keep(&x, mem, out);
        txn__text_fini(&x, mem);
    }
    return err;
}

int txn_reply(struct txn *t, const struct txn_reply *r, uint64_t now_ms)
{
    return reply(t, r, 0, now_ms);
}

int txn_reply_status(struct txn *t, unsigned status, uint64_t now_ms)
{
    return reply(t, &(struct txn_reply){.status = status}, 0, now_ms);
}

int txn__auto_reply(struct txn *t, unsigned status, uint32_t delay_ms, uint64_t now_ms)
{
    return reply(t, &(struct txn_reply){.status = status}, delay_ms, now_ms);
}

int txn_resend(struct txn *t)
{
    if (t->kind != TXN_IST) {
        return E_STATE;
    }
    return txn__ist_on_resend(t, t->layer->wheel->now_ms);
}

int txn_reply_stateless(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                        const struct txn_reply *r)
{
    const struct env *env = l->env;
    struct txn__text x;
    struct sip_via via;
    struct hop hop;
    if (!sip_is_request(m) || m->method == SIP_METHOD_ACK) {
        return E_STATE;
    }
    if (r->status < 200 || r->status > 699) {
        return E_VALUE;
    }
    if (sip_msg_via(m, &via) != 0) {
        return E_SYNTAX;
    }
    struct reply a = {l, m, from, r, 0};
    int err = txn__text_init(&x, &env->mem, write_reply, &a);
    if (err != 0) {
        return err;
    }
    /* maddr (§18.2.2) is for those that are known: a stranger who sets it would have his
       answers sent to whomever he likes. */
    via.maddr = STR_NONE;
    hop = *from;
    if (!transport_is_reliable((enum transport)from->transport)) {
        txn__reply_hop(&via, from, &hop);
    }
    err = hop.flow != 0 ? 0 : env->open(env->ctx, &hop, STR_NONE);
    if (err == 0) {
        err = txn__send_past_border(l, NULL, &hop, STR_NONE, &x.s, 1);
    }
    if (err != 0) {
        l->stats.transport_errors++;
    }
    txn__text_fini(&x, &env->mem);
    return err;
}
