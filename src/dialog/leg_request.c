/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of ours: their life, and those inside the dialog (RFC 3261 §12.2.1).
 *
 * A request record lives from sending to the final answer; that of an INVITE with 2xx lives on,
 * marked `done`, as long as its transaction, to repeat the ACK. The initial INVITE and BYE are
 * such records too.
 *
 * WHEN AN ANSWER ENDS THE LEG (RFC 5057 §5, narrowed): in a confirmed dialog, to one of the
 * methods in `ends_leg` (others speak of something else than this dialog when they say 481):
 *
 *   481, 408 from the wire              always
 *   no answer over UDP                  yes
 *   no answer over a stream             no: the flow is alive, or we had heard of its end
 *   flow lost, dialog pinned to it      no: the next request goes to the target
 *   flow lost, sent to the target       yes
 */
#include "dialog/leg_impl.h"

struct leg_request *leg_request_new(struct leg *leg, struct dialog *d, struct str name)
{
    struct leg_request *r = pool_get(&leg->layer->request_pool);
    if (r == NULL) {
        return NULL;
    }
    r->leg = leg;
    r->dialog = d;
    r->method = (uint8_t)sip_method_of(name);
    r->name =
        r->method != SIP_METHOD_OTHER ? sip_method_name((enum sip_method)r->method) : name;
    list_append(&leg->requests, &r->link);
    return r;
}

void leg_request_free(struct leg_request *r)
{
    struct leg *leg = r->leg;
    const struct mem *mem = &leg->layer->env->mem;
    if (r->txn != NULL) {
        if (leg->invite == r->txn) {
            leg->invite = NULL;
        }
        txn_detach(r->txn);
    }
    leg->unacked = leg->unacked == r ? NULL : leg->unacked;
    leg->first = leg->first == r ? NULL : leg->first;
    leg_parts_clear(mem, &r->parts);
    mem_free(mem, (void *)(uintptr_t)r->credentials.p);
    mem_free(mem, (void *)(uintptr_t)r->ack.p);
    list_remove(&r->link);
    pool_put(&leg->layer->request_pool, r);
}

static bool is_session(const struct leg_request *r)
{
    return r->method == SIP_METHOD_INVITE || r->method == SIP_METHOD_UPDATE;
}

static void mark_offer(struct leg_request *r, const struct leg_parts *p)
{
    struct dialog *d = r->dialog;
    if (p->body.n == 0 || !leg_type_is_offer(p->type)) {
        return;
    }
    if (r->method == SIP_METHOD_PRACK) {
        leg_remember(r->leg, p);
        if (d->offer == DIALOG_OFFER_THEIRS) {
            d->offer = DIALOG_OFFER_NONE; /* it is the answer to what a reliable 1xx offered */
            return;
        }
    } else if (!is_session(r)) {
        return;
    }
    r->offer = true;
    d->offer = DIALOG_OFFER_OURS;
}

int leg_request_start(struct leg_request *r, const struct leg_parts *parts, uint64_t now_ms)
{
    struct leg *leg = r->leg;
    struct leg_layer *l = leg->layer;
    struct dialog *d = r->dialog;
    struct leg_wire w;
    char mark[LEG_MARK];
    int err = 0;
    if (parts != NULL && (leg->auth != NULL || (is_session(r) && leg_timer_is_on(leg)))) {
        err = leg_parts_keep(&l->env->mem, parts, &r->name, &r->parts);
    }
    const struct leg_parts *p = r->parts.block != NULL ? &r->parts : parts;
    r->cseq = d->local_cseq + 1;
    (void)dialog_locate(d, &l->locator, &l->env->mem);
    if (err == 0) {
        err = leg_write_request(r, d, r->name, (enum sip_method)r->method, p, &w);
    }
    if (err != 0) {
        return err;
    }
    struct txn_target to = d->next;
    if (r->txn != NULL && to.hop.flow == 0 && to.hop.remote.family == ADDR_NONE) {
        /* Once more, for credentials or the like: to the server that has asked for them. */
        to.hop = r->txn->hop;
        to.hop.flow = 0;
    }
    if (r->method == SIP_METHOD_INVITE) {
        to.mark = leg_mark(l, d, r->cseq, mark);
    }
    r->txn = txn_client_new(l->txn, (enum sip_method)r->method, &to, w.run, w.n,
                            &leg_client_user, r, now_ms);
    if (r->txn == NULL) {
        return E_NOMEM;
    }
    d->local_cseq = r->cseq;
    leg_touch(leg);
    r->pinned = d->pinned;
    if (r->initial) {
        leg->invite = r->txn;
    }
    if (parts != NULL) {
        mark_offer(r, p);
    }
    return 0;
}

/* ---- answers ---- */

static bool ends_leg(const struct leg_request *r, unsigned status, const struct sip_msg *m)
{
    static const uint32_t methods = 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_UPDATE |
                                    1u << SIP_METHOD_INFO | 1u << SIP_METHOD_OPTIONS |
                                    1u << SIP_METHOD_REFER | 1u << SIP_METHOD_MESSAGE;
    if (r->dialog->state != DIALOG_CONFIRMED || (methods & 1u << r->method) == 0) {
        return false;
    }
    enum transport tp = r->txn != NULL ? (enum transport)r->txn->hop.transport : TP_NONE;
    if (m != NULL) {
        return status == 481 || status == 408;
    }
    if (r->dialog->lost && !r->pinned && status == 503) {
        return true; /* not even a way there is known any more */
    }
    return transport_is_reliable(tp) ? status == 503 && !r->pinned : status == 408;
}

static void on_session_2xx(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg *leg = r->leg;
    /* Without memory the old target stays, which answered a moment ago. */
    (void)dialog_refresh(r->dialog, &leg->layer->env->mem, m, NULL);
    if (leg->state == LEG_CONFIRMED) {
        leg_timer_on_2xx(leg, m, now_ms);
    }
    if (r->offer) {
        leg_remember(leg, &r->parts);
    }
    if (r->method == SIP_METHOD_INVITE) {
        r->done = true;
        leg_parts_clear(&leg->layer->env->mem, &r->parts);
        leg->unacked = r;
        if (r->on_response == NULL || leg->state != LEG_CONFIRMED) {
            leg_ack_plain(r, r->dialog);
        }
    }
}

static void on_final(struct leg_request *r, unsigned status, const struct sip_msg *m,
                     uint64_t now_ms)
{
    struct leg *leg = r->leg;
    bool lost = ends_leg(r, status, m);
    bool bye = r->bye;
    leg_offer_on_response(r, r->dialog, status, m);
    if (status < 300 && is_session(r)) {
        on_session_2xx(r, m, now_ms);
    }
    if (r->refresh) {
        leg_timer_on_refreshed(r, status, m, now_ms);
    } else if (r->on_response != NULL) {
        leg_response_fn fn = r->on_response;
        r->on_response = r->done ? NULL : fn;
        fn(r, status, m, now_ms);
    }
    if (!r->done) {
        leg_request_free(r);
    }
    if (leg->freed) {
        return;
    }
    if (bye) {
        leg_bye_done(leg, now_ms);
    } else if (lost) {
        leg_give_up(leg, LEG_END_LOST, status != 481, now_ms);
    }
    leg_settle(leg);
}

void leg_request_on_response(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms)
{
    if (r->done) {
        if (m->status >= 200 && m->status < 300) {
            leg_ack_again(r, r->dialog);
        }
    } else if (m->status < 200) {
        leg_offer_on_response(r, r->dialog, m->status, m);
        if (r->on_response != NULL && m->status > 100) {
            r->on_response(r, m->status, m, now_ms);
        }
    } else if (!leg_retry(r, m, now_ms)) {
        on_final(r, m->status, m, now_ms);
    }
}

void leg_request_on_failure(struct leg_request *r, unsigned status, uint64_t now_ms)
{
    on_final(r, status, NULL, now_ms);
}

/* ---- sending ---- */

struct leg_request *leg_send_bye(struct leg *leg, struct dialog *d,
                                 const struct leg_parts *parts, leg_response_fn fn, void *owner,
                                 uint64_t now_ms)
{
    struct leg_parts none;
    if (parts == NULL) {
        if (leg_parts_make(leg, NULL, 0, &none) != 0) {
            return NULL;
        }
        parts = &none;
    }
    struct leg_request *r = leg_request_new(leg, d, STR("BYE"));
    if (r == NULL) {
        return NULL;
    }
    r->bye = d == leg->dialog;
    r->on_response = fn;
    r->owner = owner;
    if (leg_request_start(r, parts, now_ms) != 0) {
        leg_request_free(r);
        return NULL;
    }
    return r;
}

static bool may_send(const struct leg *leg, const struct dialog *d, enum sip_method method,
                     bool offer)
{
    if (d == NULL || d->state == DIALOG_ENDED ||
        (leg->state != LEG_EARLY && leg->state != LEG_ANSWERED &&
         leg->state != LEG_CONFIRMED)) {
        return false;
    }
    switch (method) {
    case SIP_METHOD_BYE:
    case SIP_METHOD_ACK:
    case SIP_METHOD_CANCEL:
        return false;
    case SIP_METHOD_INVITE:
        return leg->state == LEG_CONFIRMED && leg_can_offer(leg);
    case SIP_METHOD_UPDATE:
        return !leg_update_pending(leg) && !(offer && d->offer != DIALOG_OFFER_NONE);
    default:
        return true;
    }
}

/** RAck names the INVITE by its CSeq, which is another one in each dialog (RFC 3262 §7.2). */
static int add_rack(const struct leg *leg, const struct leg_content *c, struct leg_parts *p)
{
    struct sip_rack rack;
    uint32_t at, cseq = 0;
    if (c == NULL || c->pass == NULL || !sip_msg_has(c->pass, SIP_HDR_RACK) ||
        sip_rack_parse(sip_msg_value(c->pass, SIP_HDR_RACK), &rack, &at) != 0) {
        return 0;
    }
    list_each(it, &leg->requests)
    {
        const struct leg_request *r = list_entry(it, struct leg_request, link);
        if (r->method == SIP_METHOD_INVITE && !r->done) {
            cseq = r->cseq;
        }
    }
    if (cseq == 0) {
        return E_STATE;
    }
    struct str part[] = {
        p->lines, arena_fmt(leg->layer->scratch, "RAck: %u %u INVITE\r\n", rack.rseq, cseq)};
    p->lines = arena_join(leg->layer->scratch, part, ARRAY_LEN(part));
    return part[1].p != NULL && p->lines.p != NULL ? 0 : E_NOMEM;
}

int leg_send(struct leg *leg, struct dialog *d, struct str method, const struct leg_content *c,
             leg_response_fn fn, void *owner, struct leg_request **out, uint64_t now_ms)
{
    struct leg_parts p;
    enum sip_method id = sip_method_of(method);
    int err = leg_parts_make(leg, c, 0, &p);
    if (err == 0 && id == SIP_METHOD_PRACK) {
        err = add_rack(leg, c, &p);
    }
    if (err != 0) {
        return err;
    }
    d = d != NULL ? d : leg->dialog;
    if (!may_send(leg, d, id, p.body.n > 0 && leg_type_is_offer(p.type))) {
        return E_STATE;
    }
    struct leg_request *r = leg_request_new(leg, d, method);
    if (r == NULL) {
        return E_NOMEM;
    }
    r->on_response = fn;
    r->owner = owner;
    err = leg_request_start(r, &p, now_ms);
    if (err != 0) {
        leg_request_free(r);
        return err;
    }
    if (out != NULL) {
        *out = r;
    }
    return 0;
}

void leg_request_detach(struct leg_request *r)
{
    r->on_response = NULL;
    r->owner = NULL;
}

void leg_request_cancel(struct leg_request *r, uint64_t now_ms)
{
    if (r->method == SIP_METHOD_INVITE && r->txn != NULL && !r->done) {
        (void)txn_cancel(r->txn, STR_NONE, now_ms); /* without memory it goes on ringing */
    }
}
