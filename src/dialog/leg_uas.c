/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initial INVITE as server (RFC 3261 §13.3, §9.2, §12.1.1), and the 2xx to any INVITE until
 * its ACK.
 *
 * A leg has one tag of its own; its first dialog has that, further ones (forks behind a bridge)
 * have others. Finals below 200 and above 299 go out under the first.
 *
 *   timer of a served INVITE   T1 after the 2xx, doubling up to T2: the 2xx again, also over
 *                              streams (§13.3.1.4); 64*T1: BYE, on_ended(NO_ACK)
 *
 * The transaction goes when Timer L fires, at the same 64*T1; repetitions find it gone then
 * and only the end is left.
 */
#include "dialog/leg_impl.h"

/** Before there is a leg. */
static void refuse(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                   unsigned status)
{
    struct txn_reply reply = {.status = status};
    (void)txn_reply_stateless(l->txn, m, from, &reply); /* not sent: the peer repeats itself */
}

struct leg *leg_incoming(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                         const struct leg_user *user, void *owner, uint64_t now_ms)
{
    struct leg *leg = leg_new(l, user, owner);
    if (leg == NULL) {
        refuse(l, m, from, 503);
        return NULL;
    }
    leg->state = LEG_INCOMING;
    leg->hop = *from;
    struct leg_served *s = leg_served_new(leg, NULL, m, from, true, now_ms);
    if (s == NULL) {
        refuse(l, m, from, 503);
        leg_discard(leg);
        return NULL;
    }
    leg->invite = s->txn;
    if (dialog_contact_of(m).n == 0) {
        leg_served_refuse(s, 400, now_ms); /* nowhere to send the BYE */
    } else if (!dialog_routes_fit(m)) {
        leg_served_refuse(s, 513, now_ms);
    } else if (!leg_served_check(s, m, now_ms)) {
        return leg;
    }
    leg_discard(leg);
    return NULL;
}

struct dialog *leg_fork(struct leg *leg)
{
    struct leg_layer *l = leg->layer;
    struct txn *t = leg->invite;
    char tag[20];
    if (leg->uac || t == NULL || t->req == NULL ||
        (leg->state != LEG_INCOMING && leg->state != LEG_EARLY) ||
        leg_dialog_count(leg) >= LEG_DIALOGS_MAX) {
        return NULL;
    }
    struct dialog *d = leg_dialog_new(leg);
    if (d == NULL) {
        return NULL;
    }
    leg_mint_tag(l, tag);
    if (dialog_from_request(d, &l->env->mem, &t->req->m, &t->hop,
                            str_c(list_empty(&leg->dialogs) ? leg->tag : tag)) != 0) {
        pool_put(&l->dialog_pool, d);
        return NULL;
    }
    if (leg_msg_has_offer(&t->req->m)) {
        d->offer = DIALOG_OFFER_THEIRS;
    }
    leg_dialog_enter(d);
    leg->dialog = leg->dialog != NULL ? leg->dialog : d;
    return d;
}

/* ---- answers ---- */

static int send(struct leg *leg, struct leg_served *s, const struct leg_answer_args *a,
                uint64_t now_ms)
{
    struct leg_wire w;
    int err = leg_write_response(leg, a, &w);
    if (err == 0) {
        err = txn_respond(s->txn, a->status, w.run, w.n, now_ms);
    }
    /* What could not be sent counts as sent: the peer repeats itself, or is gone. */
    return err == E_STATE || err == E_VALUE || err == E_NOMEM ? err : 0;
}

static void answered(struct leg *leg, struct leg_served *s, struct dialog *d,
                     const struct leg_session *session, uint64_t now_ms)
{
    s->dialog = d;
    d->state = DIALOG_CONFIRMED;
    leg->dialog = d;
    leg->state = LEG_ANSWERED;
    leg_drop_early(leg, d);
    leg_timer_agree(leg, session, now_ms);
    leg_uas_await_ack(s, now_ms);
}

static int make_dialog(struct leg *leg, struct dialog **d, unsigned status)
{
    if (*d == NULL) {
        *d = leg->dialog;
    }
    if (status > 100 && status < 300) {
        if (*d == NULL) {
            *d = leg_fork(leg);
        }
        if (*d == NULL) {
            return E_NOMEM;
        }
        if ((*d)->state != DIALOG_EARLY) {
            return E_STATE;
        }
    }
    return 0;
}

int leg_respond(struct leg *leg, struct dialog *d, unsigned status, struct str reason,
                const struct leg_content *c, uint64_t now_ms)
{
    struct leg_served *s = leg->invite != NULL ? leg_served_find(leg, leg->invite) : NULL;
    struct leg_parts p;
    if (leg->uac || s == NULL || s->waits_ack ||
        (leg->state != LEG_INCOMING && leg->state != LEG_EARLY)) {
        return E_STATE;
    }
    if (status == 100) {
        return txn_reply_status(s->txn, 100, now_ms);
    }
    int err = make_dialog(leg, &d, status);
    if (err == 0) {
        err = leg_parts_make(leg, c, status, &p);
    }
    if (err != 0) {
        return err;
    }
    bool success = status >= 200 && status < 300;
    struct leg_session session = {0};
    if (success) {
        session = leg_timer_answer(leg, &s->txn->req->m);
    }
    struct leg_answer_args a = {
        .req = &s->txn->req->m,
        .hop = &s->txn->hop,
        .method = SIP_METHOD_INVITE,
        .status = status,
        .reason = reason,
        .to_tag = d != NULL ? d->local_tag : str_c(leg->tag),
        .secure = d != NULL && d->secure,
        .record_route = status < 300,
        .session = success ? &session : NULL,
        .content = c,
        .parts = &p,
    };
    err = send(leg, s, &a, now_ms);
    if (err != 0) {
        return err;
    }
    if (status < 300) {
        leg_offer_on_answer(s, d, status, &p,
                            leg_is_reliable(c != NULL ? c->pass : NULL, p.lines));
        leg_remember(leg, &p);
    }
    if (status < 200) {
        leg->state = LEG_EARLY;
    } else if (success) {
        answered(leg, s, d, &session, now_ms);
    } else {
        leg_served_free(s);
        leg_tell_ended(leg, LEG_END_LOCAL, now_ms);
    }
    return 0;
}

/* ---- 2xx until ACK ---- */

static void on_overdue(struct timer *t, uint64_t now_ms)
{
    struct leg_served *s = container_of(t, struct leg_served, timer);
    struct leg *leg = s->leg;
    struct leg_layer *l = leg->layer;
    if (now_ms < s->give_up_ms) {
        if (s->txn != NULL) {
            (void)txn_resend(s->txn); /* not sent now: the next time */
        }
        uint32_t t2 = l->txn->timing.t2;
        s->interval_ms = s->interval_ms * 2 < t2 ? s->interval_ms * 2 : t2;
        uint64_t next = now_ms + s->interval_ms;
        timer_set(l->wheel, &s->timer, next < s->give_up_ms ? next : s->give_up_ms);
        return;
    }
    bool initial = s->initial;
    leg_served_free(s);
    if (leg->state == LEG_ENDING && initial) {
        leg_bye_now(leg, now_ms);
    } else {
        leg_give_up(leg, LEG_END_NO_ACK, true, now_ms);
    }
}

void leg_uas_await_ack(struct leg_served *s, uint64_t now_ms)
{
    struct leg_layer *l = s->leg->layer;
    s->waits_ack = true;
    s->interval_ms = l->txn->timing.t1;
    s->give_up_ms = now_ms + 64ull * s->interval_ms;
    timer_init(&s->timer, on_overdue);
    timer_set(l->wheel, &s->timer, now_ms + s->interval_ms);
}

static struct leg_served *waiting(const struct dialog *d, uint32_t cseq)
{
    list_each(it, &d->leg->served)
    {
        struct leg_served *s = list_entry(it, struct leg_served, link);
        if (s->waits_ack && s->dialog == d && s->cseq == cseq) {
            return s;
        }
    }
    return NULL;
}

void leg_uas_on_ack(struct dialog *d, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms)
{
    struct leg *leg = d->leg;
    struct sip_cseq cseq;
    struct leg_served *s = sip_msg_cseq(m, &cseq) == 0 ? waiting(d, cseq.number) : NULL;
    if (s == NULL) {
        return; /* a repetition */
    }
    leg->hop = *from;
    dialog_pin(d, m, from);
    bool initial = s->initial;
    leg_served_free(s);
    if (d->offer == DIALOG_OFFER_OURS) {
        d->offer = DIALOG_OFFER_NONE;
    }
    if (leg->state == LEG_ENDING) {
        if (initial) {
            leg_bye_now(leg, now_ms);
        }
        return;
    }
    leg->state = initial ? LEG_CONFIRMED : leg->state;
    leg->user->on_acked(leg, m, initial, now_ms);
}

/* ---- CANCEL ---- */

static void answer_cancel(struct leg_layer *l, struct str tag, const struct sip_msg *m,
                          const struct hop *from, uint64_t now_ms)
{
    struct txn_reply reply = {.status = 200, .to_tag = tag};
    struct txn *t = txn_server_new(l->txn, m, from, NULL, NULL, now_ms);
    if (t == NULL || txn_reply(t, &reply, now_ms) == E_NOMEM) {
        refuse(l, m, from, 503);
    }
}

void leg_on_cancel(struct leg_layer *l, struct txn *invite, const struct sip_msg *m,
                   const struct hop *from, uint64_t now_ms)
{
    struct leg_served *s = invite->user == &leg_server_user ? invite->owner : NULL;
    answer_cancel(l, s != NULL && s->initial ? str_c(s->leg->tag) : STR_NONE, m, from, now_ms);
    if (s == NULL || s->waits_ack) {
        return; /* too late (§9.2) */
    }
    struct leg *leg = s->leg;
    leg->hop = *from;
    if (!s->initial) {
        leg->user->on_request_cancelled(leg, invite, now_ms);
    } else if (leg->state == LEG_INCOMING || leg->state == LEG_EARLY) {
        leg_served_refuse(s, 487, now_ms);
        leg_finish(leg, now_ms);
        leg->user->on_cancelled(leg, m, now_ms);
    }
}
