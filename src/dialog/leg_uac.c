/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The initial INVITE as client (RFC 3261 §13.2, §9.1, §12.1.2).
 *
 *   response          what happens
 *   101-199           early dialog by To tag, on_provisional
 *   first 2xx         its dialog is confirmed, the others end, on_answered; the user's ACK
 *   repeated 2xx      the ACK again, as it was
 *   2xx of a fork     the ACK each time, BYE once
 *   2xx after CANCEL  ACK and BYE; on_rejected(487) at once, or on_ended after the BYE
 *   401 407 422       again with what was missing (leg_retry.c)
 *   300-699           on_rejected
 *
 * When there is no memory for the dialog of a 2xx, nothing is done: the peer repeats it.
 *
 * A 2xx that no leg waits for any more is leg_stray.c's.
 */
#include "dialog/leg_impl.h"

static struct dialog *find_fork(const struct leg *leg, const struct sip_msg *m)
{
    struct str tag = sip_msg_tag(m, SIP_HDR_TO);
    list_each(it, &leg->dialogs)
    {
        struct dialog *d = list_entry(it, struct dialog, link);
        if (str_eq(d->remote_tag, tag)) {
            return d;
        }
    }
    return NULL;
}

static struct dialog *make_fork(struct leg *leg, const struct sip_msg *m)
{
    struct leg_layer *l = leg->layer;
    if (leg_dialog_count(leg) >= LEG_DIALOGS_MAX) {
        return NULL;
    }
    struct dialog *d = leg_dialog_new(leg);
    if (d == NULL) {
        return NULL;
    }
    if (dialog_from_response(d, &l->env->mem, leg->seed, m) != 0) {
        pool_put(&l->dialog_pool, d);
        return NULL;
    }
    leg_dialog_enter(d);
    return d;
}

/* ---- ACK ---- */

void leg_ack_again(struct leg_request *r, const struct dialog *d)
{
    size_t end = str_find(r->ack, STR("\r\n")) + 2;
    struct str run[] = {str_upto(r->ack, end), str_from(r->ack, end)};
    if (r->ack.n > 0) {
        /* What is not sent now is asked for again by the next 2xx. */
        (void)txn_send_ack(r->leg->layer->txn, &d->next, run, ARRAY_LEN(run));
    }
}

static int write_ack(struct leg_request *r, struct dialog *d, const struct leg_parts *p)
{
    const struct mem *mem = &r->leg->layer->env->mem;
    struct leg_wire w;
    (void)dialog_locate(d, &r->leg->layer->locator, mem);
    int err = leg_write_request(r, d, STR("ACK"), SIP_METHOD_ACK, p, &w);
    if (err != 0) {
        return err;
    }
    struct str ack = sip_runs_flatten(mem, w.run, w.n);
    if (ack.p == NULL) {
        return E_NOMEM;
    }
    mem_free(mem, (void *)(uintptr_t)r->ack.p);
    r->ack = ack;
    return 0;
}

int leg_ack(struct leg *leg, const struct leg_content *c, uint64_t now_ms)
{
    struct leg_request *r = leg->unacked;
    struct leg_parts p;
    (void)now_ms;
    if (r == NULL) {
        return E_STATE;
    }
    struct dialog *d = r->initial ? leg->dialog : r->dialog;
    int err = leg_parts_make(leg, c, 0, &p);
    if (err == 0) {
        err = write_ack(r, d, &p);
    }
    if (err != 0) {
        return err;
    }
    leg->unacked = NULL;
    d->offer = DIALOG_OFFER_NONE;
    leg_remember(leg, &p);
    leg_ack_again(r, d);
    return 0;
}

void leg_ack_plain(struct leg_request *r, struct dialog *d)
{
    struct leg_parts p;
    struct leg_wire w;
    bool winner = d == r->leg->dialog;
    if (leg_parts_make(r->leg, NULL, 0, &p) != 0) {
        return;
    }
    if (winner) {
        if (write_ack(r, d, &p) == 0) {
            d->offer = DIALOG_OFFER_NONE;
            r->leg->unacked = r->leg->unacked == r ? NULL : r->leg->unacked;
            leg_ack_again(r, d);
        }
        return;
    }
    /* RFC 5627 §6.1 */
    (void)dialog_locate(d, &r->leg->layer->locator, &r->leg->layer->env->mem);
    if (leg_write_request(r, d, STR("ACK"), SIP_METHOD_ACK, &p, &w) == 0) {
        (void)txn_send_ack(r->leg->layer->txn, &d->next, w.run, w.n);
    }
}

/* ---- responses ---- */

static void on_provisional(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg *leg = r->leg;
    struct dialog *d = NULL;
    if (m->status == 100 || (leg->state != LEG_CALLING && leg->state != LEG_EARLY)) {
        return;
    }
    if (sip_msg_tag(m, SIP_HDR_TO).n > 0) {
        d = find_fork(leg, m);
        if (d == NULL) {
            d = make_fork(leg, m);
        } else if (d->state == DIALOG_ENDED) {
            return;
        } else if (leg_is_reliable(m, STR_NONE)) {
            (void)dialog_refresh(d, &leg->layer->env->mem, m,
                                 NULL); /* without memory the target stays (RFC 3262 §4) */
        } else {
            dialog_learn(d, m);
        }
    }
    if (d != NULL) {
        leg_offer_on_response(r, d, m->status, m);
        leg->dialog = leg->dialog != NULL ? leg->dialog : d;
    }
    leg->state = LEG_EARLY;
    leg->user->on_provisional(leg, d, m, now_ms);
}

static void on_loser(struct leg_request *r, struct dialog *d, const struct sip_msg *m,
                     uint64_t now_ms)
{
    struct leg *leg = r->leg;
    if (d == NULL) {
        d = make_fork(leg, m);
    } else if (!d->bye_sent &&
               dialog_from_response(d, &leg->layer->env->mem, leg->seed, m) != 0) {
        return;
    }
    if (d == NULL) {
        return; /* it is repeated, and gives up when memory stays out */
    }
    leg_dialog_end(d);
    leg_ack_plain(r, d);
    if (!d->bye_sent) {
        d->bye_sent = leg_send_bye(leg, d, NULL, NULL, NULL, now_ms) != NULL;
    }
}

static void on_too_late(struct leg_request *r, struct dialog *d, uint64_t now_ms)
{
    struct leg *leg = r->leg;
    leg_ack_plain(r, d);
    leg_bye_now(leg, now_ms);
    if (!leg->end_wanted && leg->state != LEG_ENDED) {
        leg_finish(leg, now_ms);
        leg->user->on_rejected(leg, 487, NULL, now_ms);
    }
}

static void on_success(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg *leg = r->leg;
    const struct mem *mem = &leg->layer->env->mem;
    struct dialog *d = find_fork(leg, m);
    if (leg->answered) {
        if (d != NULL && d == leg->dialog) {
            leg_ack_again(r, d);
        } else {
            on_loser(r, d, m, now_ms);
        }
        return;
    }
    if (d == NULL) {
        d = make_fork(leg, m);
    } else if (dialog_from_response(d, mem, leg->seed, m) != 0) {
        return;
    }
    if (d == NULL) {
        return;
    }
    leg->answered = r->done = true;
    leg->dialog = d;
    d->state = DIALOG_CONFIRMED;
    leg_drop_early(leg, d);
    leg_parts_clear(mem, &r->parts);
    leg_offer_on_response(r, d, m->status, m);
    if (leg->state == LEG_ENDING) {
        on_too_late(r, d, now_ms);
        return;
    }
    leg->state = LEG_CONFIRMED;
    leg->unacked = r;
    leg_timer_on_2xx(leg, m, now_ms);
    leg->user->on_answered(leg, m, now_ms);
}

static void reject(struct leg_request *r, unsigned status, const struct sip_msg *m,
                   uint64_t now_ms)
{
    struct leg *leg = r->leg;
    bool asked = leg->end_wanted;
    r->done = true;
    leg_request_free(r);
    leg_finish(leg, now_ms);
    if (asked) {
        leg->user->on_ended(leg, LEG_END_LOCAL, now_ms);
    } else {
        leg->user->on_rejected(leg, status, m, now_ms);
    }
}

void leg_uac_on_response(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms)
{
    if (m->status < 200) {
        on_provisional(r, m, now_ms);
    } else if (m->status < 300) {
        on_success(r, m, now_ms);
    } else if (!r->done && (r->leg->cancelled || !leg_retry(r, m, now_ms))) {
        reject(r, m->status, m, now_ms);
    }
}

void leg_uac_on_failure(struct leg_request *r, unsigned status, uint64_t now_ms)
{
    reject(r, status, NULL, now_ms);
}

/* ---- INVITE, CANCEL ---- */

static int make_seed(struct leg *leg, const struct leg_invite *args)
{
    char call_id[33];
    struct dialog_parts p = {.call_id = args->call_id,
                             .local_tag = str_c(leg->tag),
                             .local_addr = args->from,
                             .remote_addr = args->to,
                             .remote_target = args->request_uri,
                             .route_set = args->routes};
    if (args->call_id.n == 0) {
        env_random_token(leg->layer->env, call_id, 32);
        p.call_id = str_make(call_id, 32);
    }
    struct dialog *d = leg_dialog_new(leg);
    if (d == NULL) {
        return E_NOMEM;
    }
    leg->seed = d;
    d->next = args->target;
    d->pinned = args->pin;
    d->secure = str_istarts(args->request_uri, STR("sips:"));
    dialog_bind_flow(d);
    return dialog_build(d, &leg->layer->env->mem, &p);
}

static int start(struct leg *leg, const struct leg_invite *args, uint64_t now_ms)
{
    struct leg_parts p;
    int err = make_seed(leg, args);
    if (err == 0) {
        err = leg_parts_make(leg, &args->content, 0, &p);
    }
    if (err != 0) {
        return err;
    }
    if (args->max_forwards > 0) {
        p.max_forwards = args->max_forwards;
    }
    leg->first = leg_request_new(leg, leg->seed, STR("INVITE"));
    if (leg->first == NULL) {
        return E_NOMEM;
    }
    leg->first->initial = true;
    leg_remember(leg, &p);
    return leg_request_start(leg->first, &p, now_ms);
}

struct leg *leg_invite(struct leg_layer *l, const struct leg_invite *args,
                       const struct leg_user *user, void *owner, uint64_t now_ms)
{
    struct leg *leg = leg_new(l, user, owner);
    if (leg == NULL) {
        return NULL;
    }
    leg->uac = true;
    leg->state = LEG_CALLING;
    leg->auth = args->auth;
    leg->no_timer = args->no_timer;
    leg->hop = args->target.hop;
    if (start(leg, args, now_ms) != 0) {
        leg_discard(leg);
        return NULL;
    }
    return leg;
}

void leg_cancel(struct leg *leg, struct str lines, uint64_t now_ms)
{
    if (!leg->uac || (leg->state != LEG_CALLING && leg->state != LEG_EARLY)) {
        return;
    }
    leg->state = LEG_ENDING;
    leg->cancelled = true;
    struct txn *t = leg->first->txn;
    if (t != NULL && txn_cancel(t, lines, now_ms) != 0) {
        (void)txn_cancel(t, STR_NONE, now_ms); /* without memory: at least without the lines */
    }
}
