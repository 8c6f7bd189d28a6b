/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relays: requests inside the dialogs of a call (RFC 3261 §12.2, §14, §15), passed from one leg
 * to the other.
 *
 * A relay is a request that came in on one leg, the request that went out on the other for
 * it, and nothing else: responses of the second become responses of the first. INVITE and
 * UPDATE carry offers, so what they mean for hold is seen here: when a phone's offer puts its
 * partner on hold and the partner agrees, Held is told, and Retrieved when it takes it back.
 *
 * EARLY DIALOGS. Behind a fork the caller has one early dialog for each of the callee's. The
 * callee's dialog knows its partner (`owner`); the other way it is looked for, because a
 * caller's early dialog may outlive its partner.
 *
 * TOO EARLY. Who is called has its ACK at once, and may put the caller on hold before the
 * caller has acknowledged in its turn. Such an offer waits (call->early) for that ACK: some
 * phones do not try again after a 491.
 *
 * Not passed: REFER, which is carried out here (refer.c), SUBSCRIBE (405, but to the outcome of
 * a REFER), and an offer while a procedure of ours is changing the media (491).
 *
 * A party whose partner's phone is in another call of its own is answered by Baton (share.c).
 *
 * OWNERSHIP. A relay is in its call's list and in the layer's pool. It ends with the final
 * response, or when the leg on either side is gone: then whoever still waits is answered. The
 * relay of a BYE stays until the BYE that went out has its answer, even when the side that
 * waited was answered before (patience is limited, call_on_timer).
 */
#include "base/err.h"
#include "call/parts.h"

struct relay {
    struct list link;
    struct call *call;
    struct branch *from; /**< where the request came in */
    const struct leg *from_leg, *to_leg;
    struct txn *in;
    struct leg_request *out;
    uint8_t method;
    bool offer;      /**< the request had a session description … */
    struct str desc; /**< … this one */
};

void relay_pool_init(struct call_layer *l)
{
    pool_init(&l->relay_pool, &l->env->mem, sizeof(struct relay), 16, 0);
}

static void relay_free(struct relay *r)
{
    struct call *c = r->call;

    list_remove(&r->link);
    mem_free(&c->layer->env->mem, (void *)(uintptr_t)r->desc.p);
    pool_put(&c->layer->relay_pool, r);
    call_check_dead(c);
}

void relays_fini(struct call *c)
{
    list_each(it, &c->relays)
    {
        struct relay *r = list_entry(it, struct relay, link);
        list_remove(&r->link);
        mem_free(&c->layer->env->mem, (void *)(uintptr_t)r->desc.p);
        pool_put(&c->layer->relay_pool, r);
    }
}

static struct relay *relay_new(struct branch *from, struct leg *to, struct txn *in,
                               const struct sip_msg *m)
{
    struct call *c = from->conn->call;
    struct relay *r = pool_get(&c->layer->relay_pool);

    if (r == NULL) {
        return NULL;
    }
    *r = (struct relay){.call = c,
                        .from = from,
                        .from_leg = from->leg,
                        .to_leg = to,
                        .in = in,
                        .method = in->method,
                        .offer = media_has_sdp(m)};
    if (r->offer && mem_dup(&c->layer->env->mem, sip_msg_body(m), &r->desc) != 0) {
        pool_put(&c->layer->relay_pool, r);
        return NULL;
    }
    list_append(&c->relays, &r->link);
    return r;
}

bool relays_pending_offer(const struct call *c)
{
    list_each(it, &c->relays)
    {
        const struct relay *r = list_entry(it, struct relay, link);
        if (r->method == SIP_METHOD_INVITE || r->method == SIP_METHOD_UPDATE) {
            return true;
        }
    }
    return false;
}

bool relays_empty(const struct call *c)
{
    return list_empty(&c->relays);
}

static void refuse(struct branch *from, struct txn *t, unsigned status, const char *reason,
                   uint64_t now_ms)
{
    struct leg_content none = {0};

    if (leg_answer(from->leg, t, status, str_c(reason), &none, now_ms) == E_NOMEM) {
        leg_refuse(from->leg, t, status, now_ms);
    }
}

/** The leg and dialog on the other side for a request that came in dialog `d` of `from`. */
static struct leg *opposite(struct branch *from, struct dialog *d, struct dialog **out)
{
    struct connection *other = call_other(from->conn);
    struct leg *leg = connection_leg(other);

    *out = NULL;
    if (other == NULL) {
        return NULL;
    }
    if (leg != NULL && leg->state == LEG_CONFIRMED) {
        return leg; /* leg_send takes its dialog */
    }
    if (from->leg->uac) { /* the callee, before the answer */
        *out = d == NULL ? NULL : d->owner;
        return *out == NULL ? NULL : leg;
    }
    list_each(it, &other->branches)
    {
        struct branch *b = list_entry(it, struct branch, link);
        if (b->leg == NULL) {
            continue;
        }
        list_each(jt, &b->leg->dialogs)
        {
            struct dialog *theirs = list_entry(jt, struct dialog, link);
            if (theirs->owner == d && theirs->state == DIALOG_EARLY) {
                *out = theirs;
                return b->leg;
            }
        }
    }
    return NULL;
}

/** A phone's own offer was accepted: is it hold, or the end of it? */
void relay_offer_accepted(struct connection *by, struct str offer, uint64_t now_ms)
{
    struct call_event e;
    bool hold = media_is_hold(offer);

    if (by->state == CONN_CONNECTED && hold) {
        by->state = CONN_HOLD;
        e = call_event_make(by->call, CALL_EV_HELD, by, "normal", now_ms);
        call_tell(&e);
    } else if (by->state == CONN_HOLD && !hold) {
        by->state = CONN_CONNECTED;
        e = call_event_make(by->call, CALL_EV_RETRIEVED, by, "normal", now_ms);
        call_tell(&e);
    }
}

static void keep_descriptions(struct relay *r, const struct sip_msg *m, uint64_t now_ms)
{
    struct connection *from = r->from->conn;
    struct connection *to = call_other(from);

    if (to == NULL || (r->method != SIP_METHOD_INVITE && r->method != SIP_METHOD_UPDATE)) {
        return;
    }
    media_received(to, m);
    if (r->offer) {
        mem_free(&r->call->layer->env->mem, (void *)(uintptr_t)from->desc.p);
        from->desc = r->desc;
        r->desc = STR_NONE;
        relay_offer_accepted(from, from->desc, now_ms);
    }
}

static void on_response(struct leg_request *out, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct relay *r = out->owner;
    struct connection *from = r->from->conn;
    struct leg_content content = {0};
    struct leg *to = out->leg;

    if (status < 200) {
        content.pass = m;
        pass_identity(call_other(from), from, m, &content);
        uus_pass(call_other(from), from, UUS_ELSEWHERE, &content);
        if (r->in != NULL && r->from->leg != NULL) {
            (void)leg_answer(r->from->leg, r->in, status, STR_NONE, &content, now_ms);
        }
        return;
    }
    if (status < 300) {
        keep_descriptions(r, m, now_ms);
        if (r->method == SIP_METHOD_INVITE && r->offer) {
            struct leg_content none = {0};
            (void)leg_ack(to, &none, now_ms);
        }
    }
    if (m != NULL) {
        (void)media_pass(call_other(from), from, m, &content);
    }
    if (r->method == SIP_METHOD_BYE) {
        status = 200; /* whatever the far side made of it, this side has left */
        content.pass = m != NULL && m->status < 300 ? m : NULL;
    }
    uus_pass(call_other(from), from, r->method == SIP_METHOD_BYE ? UUS_ENDED : UUS_ELSEWHERE,
             &content);
    if (r->in != NULL && r->from->leg != NULL) {
        call_answer_request(r->from->leg, r->in, status, &content, now_ms);
    }
    relay_free(r);
}

static bool is_offer_request(const struct txn *t, const struct sip_msg *m)
{
    return t->method == SIP_METHOD_INVITE ||
           (t->method == SIP_METHOD_UPDATE && sip_msg_body(m).n > 0);
}

/** An offer for a leg that has not acknowledged our answer yet is put aside. */
static bool put_aside(struct branch *from, struct txn *t, const struct leg *to)
{
    struct call *c = from->conn->call;

    if (to == NULL || to->state != LEG_ANSWERED || c->early != NULL) {
        return false;
    }
    c->early = t;
    c->early_from = from;
    return true;
}

void relay_acked(struct call *c, const struct leg *leg, uint64_t now_ms)
{
    struct branch *from = c->early_from;
    struct txn *t = c->early;

    if (t == NULL || from->leg == leg) {
        return;
    }
    c->early = NULL;
    relay_request(from, from->leg->dialog, t, &t->req->m, now_ms);
}

void relay_request(struct branch *from, struct dialog *d, struct txn *t,
                   const struct sip_msg *m, uint64_t now_ms)
{
    struct call *c = from->conn->call;
    struct connection *other = call_other(from->conn);
    struct leg_content content = {0};
    struct sip_cseq cseq;
    struct dialog *theirs;
    struct leg *to;
    struct relay *r;
    int err;

    if (t->method == SIP_METHOD_UPDATE && sip_msg_body(m).n == 0) {
        call_answer_request(from->leg, t, 200, &content, now_ms);
        return; /* a session timer's refresh is between that phone and us */
    }
    if (t->method == SIP_METHOD_REFER && !refer_is_passed(from, m)) {
        refer_request(from, d, t, m, now_ms);
        return;
    }
    if (t->method == SIP_METHOD_SUBSCRIBE) {
        if (!refer_subscribe(from, t, m, now_ms)) {
            refuse(from, t, 405, NULL, now_ms);
        }
        return;
    }
    if (is_offer_request(t, m) &&
        (c->step != NULL || c->duo != NULL || c->phase == CALL_PROMPTING ||
         referral_moves_media(c) || gather_moves_media(c))) {
        refuse(from, t, 491, NULL, now_ms);
        return;
    }
    if (is_offer_request(t, m) &&
        (put_aside(from, t, connection_leg(other)) || share_answers(from, t, m, now_ms))) {
        return;
    }
    to = opposite(from, d, &theirs);
    if (to == NULL && is_offer_request(t, m)) {
        refuse(from, t, 491, NULL, now_ms); /* RFC 3725 §6: it may come again */
        return;
    }
    if (to == NULL) {
        refuse(from, t, 480, "The other party is not there yet", now_ms);
        return;
    }
    r = relay_new(from, to, t, m);
    if (r == NULL) {
        refuse(from, t, 500, NULL, now_ms);
        return;
    }
    (void)media_pass(from->conn, other, m, &content);
    uus_pass(from->conn, other, UUS_ELSEWHERE, &content);
    err = refer_pass_edit(from, m, &content);
    err = err != 0 ? err
                   : leg_send(to, theirs, sip_msg_method(m), &content, on_response, r, &r->out,
                              now_ms);
    if (err != 0) {
        refuse(from, t, err == E_STATE ? 491 : 500, NULL, now_ms);
        relay_free(r);
    } else if (t->method == SIP_METHOD_REFER && sip_msg_cseq(m, &cseq) == 0 && r->out != NULL) {
        from->passed_in = cseq.number;
        from->passed_out = r->out->cseq;
    }
}

void relay_cancel(struct branch *from, struct txn *t, uint64_t now_ms)
{
    struct call *c = from->conn->call;

    if (c->early == t) {
        c->early = NULL;
        refuse(from, t, 487, NULL, now_ms);
        return;
    }
    list_each(it, &c->relays)
    {
        struct relay *r = list_entry(it, struct relay, link);
        if (r->in == t && r->out != NULL) {
            leg_request_cancel(r->out, now_ms);
            return;
        }
    }
}

void relay_bye(struct branch *from, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct connection *other = call_other(from->conn);
    struct leg *to = connection_leg(other);
    struct leg_content content = {.pass = m};
    struct relay *r =
        to == NULL || to->state != LEG_CONFIRMED ? NULL : relay_new(from, to, t, m);

    if (to != NULL) {
        pass_identity(from->conn, other, m, &content);
        pass_q850(other, 0, m, &content);
        uus_pass(from->conn, other, UUS_END, &content);
    }
    if (r == NULL) {
        call_answer_request(from->leg, t, 200, &(struct leg_content){0}, now_ms);
        if (to != NULL) {
            leg_end(to, 0, &content, NULL, NULL, now_ms);
        }
        return;
    }
    leg_end(to, 0, &content, on_response, r, now_ms);
}

void relays_forget(struct call *c, const struct txn *t)
{
    c->early = c->early == t ? NULL : c->early;
    list_each(it, &c->relays)
    {
        struct relay *r = list_entry(it, struct relay, link);
        r->in = r->in == t ? NULL : r->in;
    }
}

/** Answer the waiting side, if it is still there; a relay answers once. */
static void answer_in(struct relay *r, unsigned status, uint64_t now_ms)
{
    struct txn *in = r->in;

    r->in = NULL;
    if (in != NULL && r->from->leg != NULL) {
        call_answer_request(r->from->leg, in, status, &(struct leg_content){0}, now_ms);
    }
}

void relays_drop_leg(struct call *c, const struct leg *leg, uint64_t now_ms)
{
    if (c->early != NULL && c->early_from->leg == leg) {
        c->early = NULL; /* answered by the leg */
    }
    list_each(it, &c->relays)
    {
        struct relay *r = list_entry(it, struct relay, link);
        if (r->from_leg == leg) {
            r->in = NULL; /* the leg has answered what was open when it ended */
            if (r->out != NULL) {
                leg_request_detach(r->out);
                relay_free(r);
            }
        } else if (r->to_leg == leg) {
            answer_in(r, r->method == SIP_METHOD_BYE ? 200 : 481, now_ms);
            relay_free(r);
        }
    }
}

void relays_part(struct call *c, const struct leg *leg, uint64_t now_ms)
{
    if (c->early != NULL) {
        struct txn *t = c->early;
        c->early = NULL;
        refuse(c->early_from, t, 491, NULL, now_ms);
    }
    list_each(it, &c->relays)
    {
        struct relay *r = list_entry(it, struct relay, link);
        if (r->from_leg == leg || r->to_leg == leg) {
            answer_in(r, r->method == SIP_METHOD_BYE ? 200 : 481, now_ms);
            if (r->out != NULL) {
                leg_request_detach(r->out);
            }
            relay_free(r);
        }
    }
}

void relays_answer_byes(struct call *c, uint64_t now_ms)
{
    list_each(it, &c->relays)
    {
        struct relay *r = list_entry(it, struct relay, link);
        if (r->method == SIP_METHOD_BYE) {
            answer_in(r, 200,
                      now_ms); /* the relay itself waits for its answer, or for the leg */
        }
    }
}
