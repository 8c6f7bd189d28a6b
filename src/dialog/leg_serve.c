/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the peer inside a dialog, and our answers (RFC 3261 §12.2.2, §14.2, RFC 3311
 * §5.2).
 *
 *   checked, in this order      refused with
 *   LEG_SERVED_MAX are open     503 (but BYE)
 *   CSeq below the last one     500
 *   leg is ENDING               481 (BYE: 200)
 *   Require                     420
 *   INVITE, UPDATE: interval    422
 *   INVITE: ours pending        491        theirs pending     500 and Retry-After
 *   UPDATE: theirs pending      500 and Retry-After
 *           with an offer: ours unanswered   491        theirs unanswered  500 and Retry-After
 *
 * What passes goes to the user, who answers now or later. Until then the record of it here is
 * what glare is judged by. An INVITE answered with 2xx stays until its ACK (leg_uas.c).
 *
 * A new Contact counts when the request is answered with 2xx (RFC 6141 §4), a new source at
 * once.
 */
#include "dialog/leg_impl.h"

/* ---- records ---- */

struct leg_served *leg_served_new(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                                  const struct hop *from, bool initial, uint64_t now_ms)
{
    struct leg_layer *l = leg->layer;
    struct leg_served *s = pool_get(&l->served_pool);
    struct sip_cseq cseq;
    if (s == NULL) {
        return NULL;
    }
    s->txn = txn_server_new(l->txn, m, from, &leg_server_user, s, now_ms);
    if (s->txn == NULL) {
        pool_put(&l->served_pool, s);
        return NULL;
    }
    s->leg = leg;
    s->dialog = d;
    s->method = m->method;
    s->initial = initial;
    s->offer = leg_msg_has_offer(m);
    s->cseq = sip_msg_cseq(m, &cseq) == 0 ? cseq.number : 0;
    list_append(&leg->served, &s->link);
    leg_touch(leg);
    return s;
}

void leg_served_tell_gone(const struct leg_served *s)
{
    const struct leg *leg = s->leg;
    if (s->txn != NULL && !leg->freed && leg->user->on_request_gone != NULL) {
        leg->user->on_request_gone(s->leg, s->txn);
    }
}

void leg_served_free(struct leg_served *s)
{
    struct leg *leg = s->leg;
    timer_stop(leg->layer->wheel, &s->timer);
    leg_served_tell_gone(s);
    if (s->txn != NULL) {
        if (leg->invite == s->txn) {
            leg->invite = NULL;
        }
        txn_detach(s->txn);
    }
    list_remove(&s->link);
    pool_put(&leg->layer->served_pool, s);
}

struct leg_served *leg_served_find(const struct leg *leg, const struct txn *t)
{
    list_each(it, &leg->served)
    {
        struct leg_served *s = list_entry(it, struct leg_served, link);
        if (s->txn == t) {
            return s;
        }
    }
    return NULL;
}

void leg_served_refuse_with(struct leg_served *s, unsigned status, struct str lines,
                            uint64_t now_ms)
{
    struct txn_reply reply = {
        .status = status, .to_tag = str_c(s->initial ? s->leg->tag : NULL), .lines = lines};
    if (s->txn != NULL && txn_reply(s->txn, &reply, now_ms) == E_NOMEM && s->txn->req != NULL) {
        /* The peer repeats a request that was not answered, and Timer F or B ends it. */
        (void)txn_reply_stateless(s->leg->layer->txn, &s->txn->req->m, &s->txn->hop, &reply);
    }
    leg_served_free(s);
}

void leg_served_refuse(struct leg_served *s, unsigned status, uint64_t now_ms)
{
    leg_served_refuse_with(s, status, STR_NONE, now_ms);
}

static void refuse_for_now(struct leg_served *s, uint64_t now_ms)
{
    struct leg_layer *l = s->leg->layer;
    unsigned after = (unsigned)(env_random64(l->env) % 11);
    l->glare++;
    leg_served_refuse_with(s, 500, arena_fmt(l->scratch, "Retry-After: %u\r\n", after), now_ms);
}

static void refuse_glare(struct leg_served *s, uint64_t now_ms)
{
    s->leg->layer->glare++;
    leg_served_refuse(s, 491, now_ms);
}

/* ---- checks ---- */

bool leg_served_check(struct leg_served *s, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg_layer *l = s->leg->layer;
    size_t cap = 32 + 2 * (size_t)m->head_len; /* "a,b" becomes "a, b" */
    char *buf = arena_alloc(l->scratch, cap);
    struct out o;
    if (buf == NULL) {
        leg_served_refuse(s, 503, now_ms);
        return true;
    }
    out_init(&o, buf, cap);
    if (leg_unsupported(l, m, &o)) {
        leg_served_refuse_with(s, 420, out_str_of(&o), now_ms);
        return true;
    }
    if ((s->method == SIP_METHOD_INVITE || s->method == SIP_METHOD_UPDATE) &&
        leg_timer_refuses(s->leg, m)) {
        leg_served_refuse_with(
            s, 422, arena_fmt(l->scratch, "Min-SE: %u\r\n", l->config.min_se_s), now_ms);
        return true;
    }
    return false;
}

/** Others than `s` itself. */
static bool serving(const struct leg_served *s, enum sip_method method, bool *waits_ack)
{
    list_each(it, &s->leg->served)
    {
        struct leg_served *other = list_entry(it, struct leg_served, link);
        if (other != s && other->method == method) {
            *waits_ack = other->waits_ack;
            return true;
        }
    }
    return false;
}

static bool our_invite_pending(const struct leg *leg)
{
    list_each(it, &leg->requests)
    {
        struct leg_request *r = list_entry(it, struct leg_request, link);
        if (r->method == SIP_METHOD_INVITE && !r->done) {
            return true;
        }
    }
    return leg->unacked != NULL;
}

/** @return true: it was refused */
static bool invite_crosses(struct leg_served *s, uint64_t now_ms)
{
    bool waits_ack = false;
    if (our_invite_pending(s->leg) || s->dialog->offer == DIALOG_OFFER_OURS) {
        refuse_glare(s, now_ms);
        return true;
    }
    if (serving(s, SIP_METHOD_INVITE, &waits_ack)) {
        /* With the 2xx sent, the peer's next INVITE has overtaken its ACK, or that was lost:
           491 makes it come again after our 2xx has been repeated. */
        if (waits_ack) {
            refuse_glare(s, now_ms);
        } else {
            refuse_for_now(s, now_ms);
        }
        return true;
    }
    if (s->dialog->offer == DIALOG_OFFER_THEIRS) {
        refuse_for_now(s, now_ms);
        return true;
    }
    return false;
}

/** @return true: it was refused */
static bool update_crosses(struct leg_served *s, uint64_t now_ms)
{
    bool waits_ack;
    if (serving(s, SIP_METHOD_UPDATE, &waits_ack) ||
        (s->offer && s->dialog->offer == DIALOG_OFFER_THEIRS)) {
        refuse_for_now(s, now_ms);
        return true;
    }
    if (s->offer && s->dialog->offer == DIALOG_OFFER_OURS) {
        refuse_glare(s, now_ms);
        return true;
    }
    return false;
}

static void mark_offer(struct leg_served *s)
{
    struct dialog *d = s->dialog;
    if (!s->offer) {
        return;
    }
    if (s->method == SIP_METHOD_PRACK && d->offer == DIALOG_OFFER_OURS) {
        d->offer = DIALOG_OFFER_NONE; /* it answers what our reliable 1xx offered */
        s->offer = false;
    } else if (s->method == SIP_METHOD_INVITE || s->method == SIP_METHOD_UPDATE ||
               s->method == SIP_METHOD_PRACK) {
        d->offer = DIALOG_OFFER_THEIRS;
    } else {
        s->offer = false;
    }
}

static void serve(struct leg_served *s, const struct sip_msg *m, const struct hop *from,
                  uint64_t now_ms)
{
    struct leg *leg = s->leg;
    struct dialog *d = s->dialog;
    if (dialog_check_cseq(d, m) != 0) {
        leg_served_refuse(s, 500, now_ms);
        return;
    }
    /* Not before: a recorded request, sent again from elsewhere, must not move the dialog. */
    leg->hop = *from;
    dialog_pin(d, m, from);
    if (leg->state == LEG_ENDING) {
        leg_served_refuse(s, s->method == SIP_METHOD_BYE ? 200 : 481, now_ms);
        return;
    }
    if (s->method == SIP_METHOD_BYE) {
        leg_on_bye(s, m, now_ms);
        return;
    }
    if (leg_served_check(s, m, now_ms) ||
        (s->method == SIP_METHOD_INVITE && invite_crosses(s, now_ms)) ||
        (s->method == SIP_METHOD_UPDATE && update_crosses(s, now_ms))) {
        return;
    }
    mark_offer(s);
    leg->user->on_request(leg, d, s->txn, m, now_ms);
}

/** Are so many requests of this peer unanswered that no other is taken? */
static bool too_many(const struct leg *leg, const struct sip_msg *m)
{
    size_t n = 0;
    if (m->method == SIP_METHOD_BYE) {
        return false;
    }
    list_each(it, &leg->served)
    {
        n++;
    }
    return n >= LEG_SERVED_MAX;
}

bool leg_on_request(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms)
{
    struct dialog *d = dialog_find(l, m);
    if (d == NULL) {
        l->stray++;
        return false;
    }
    struct leg *leg = d->leg;
    if (m->method == SIP_METHOD_ACK) {
        leg_uas_on_ack(d, m, from, now_ms);
        return true;
    }
    struct leg_served *s =
        too_many(leg, m) ? NULL : leg_served_new(leg, d, m, from, false, now_ms);
    if (s == NULL) {
        struct txn_reply reply = {.status = 503, .lines = STR("Retry-After: 5\r\n")};
        (void)txn_reply_stateless(l->txn, m, from, &reply); /* not sent: it comes again */
        return true;
    }
    serve(s, m, from, now_ms);
    return true;
}

/* ---- answers ---- */

static bool is_target_refresh(const struct leg_served *s)
{
    return s->method == SIP_METHOD_INVITE || s->method == SIP_METHOD_UPDATE;
}

static int send_answer(struct leg_served *s, struct leg_answer_args *a, uint64_t now_ms)
{
    struct leg_wire w;
    int err = leg_write_response(s->leg, a, &w);
    if (err == 0) {
        err = txn_respond(s->txn, a->status, w.run, w.n, now_ms);
    }
    /* What could not be sent counts as answered: the peer repeats itself, or is gone. */
    return err == E_STATE || err == E_VALUE || err == E_NOMEM ? err : 0;
}

static void answered(struct leg_served *s, unsigned status, const struct leg_parts *p,
                     const struct leg_session *session, bool reliable, uint64_t now_ms)
{
    struct leg *leg = s->leg;
    bool success = status >= 200 && status < 300;
    leg_offer_on_answer(s, s->dialog, status, p, reliable);
    if (status < 300) {
        leg_remember(leg, p);
    }
    if (status < 200) {
        return;
    }
    if (success && session != NULL) {
        leg_timer_agree(leg, session, now_ms);
    }
    if (success && s->method == SIP_METHOD_INVITE) {
        leg_uas_await_ack(s, now_ms);
    } else {
        leg_served_free(s);
        leg_settle(leg);
    }
}

int leg_answer(struct leg *leg, struct txn *t, unsigned status, struct str reason,
               const struct leg_content *c, uint64_t now_ms)
{
    struct leg_served *s = leg_served_find(leg, t);
    struct leg_parts p;
    if (s == NULL || s->waits_ack || s->initial || t->req == NULL) {
        return E_STATE;
    }
    if (status == 408 && s->method != SIP_METHOD_INVITE) {
        status = 504;
        reason = STR_NONE;
    }
    bool success = status >= 200 && status < 300;
    int err = leg_parts_make(leg, c, status, &p);
    if (err == 0 && success && is_target_refresh(s)) {
        err = dialog_refresh(s->dialog, &leg->layer->env->mem, &t->req->m, NULL);
    }
    if (err != 0) {
        return err;
    }
    struct leg_session session = {0};
    bool timed = success && is_target_refresh(s) && leg->state == LEG_CONFIRMED;
    if (timed) {
        session = leg_timer_answer(leg, &t->req->m);
    }
    struct leg_answer_args a = {
        .req = &t->req->m,
        .hop = &t->hop,
        .method = (enum sip_method)s->method,
        .status = status,
        .reason = reason,
        .secure = s->dialog->secure,
        .session = timed ? &session : NULL,
        .content = c,
        .parts = &p,
    };
    err = send_answer(s, &a, now_ms);
    leg_touch(leg);
    if (err == 0) {
        answered(s, status, &p, a.session, leg_is_reliable(c != NULL ? c->pass : NULL, p.lines),
                 now_ms);
    }
    return err;
}

void leg_refuse(struct leg *leg, struct txn *t, unsigned status, uint64_t now_ms)
{
    struct leg_served *s = leg_served_find(leg, t);
    if (s == NULL || s->waits_ack || s->initial) {
        return;
    }
    if (s->offer && s->dialog->offer == DIALOG_OFFER_THEIRS) {
        s->dialog->offer = DIALOG_OFFER_NONE;
    }
    leg_served_refuse(s, status, now_ms);
    leg_settle(leg);
}
