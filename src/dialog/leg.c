/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer of legs: life and death of a leg and its dialogs, and the sweep.
 *
 * A leg dies in two steps. leg_finish makes it ENDED: it stops its timers, leaves the table of
 * dialogs, so that requests for it get 481, and refuses what the peer still waits for. It stays
 * in memory as long as something of it is open: a BYE that has no answer yet, in either
 * direction, or a request of its user. Then leg_settle puts it on the list of the ended, and
 * the sweep at the end of the input frees it. An INVITE transaction that only waits for
 * repeated 2xx does not hold it: that goes on as an orphan (leg_stray.c).
 *
 * INVARIANTS  A leg is in `legs` while it lives, in `ended` once when nothing is open. A
 *             dialog in the table belongs to a leg that is not ENDED. Nothing is freed before
 *             the sweep, except dialogs of forks that lost, when their INVITE's transaction
 *             is gone.
 * OWNERSHIP   Layer -> legs -> dialogs, requests, served. Transactions are the lower layer's;
 *             their owner pointers lead here until they are gone or detached.
 * COST        A leg is 0.5 KiB, a dialog 0.3 KiB and its strings; a caller has one dialog
 *             more (the seed). A closed flow walks the dialogs of one list in 256.
 */
#include "dialog/leg.h"

#include "dialog/leg_impl.h"

/* ---- transactions that are over ---- */

static void prune(struct leg *leg)
{
    list_each(it, &leg->dialogs)
    {
        struct dialog *d = list_entry(it, struct dialog, link);
        bool used = d->state != DIALOG_ENDED || d == leg->dialog;
        list_each(ri, &leg->requests)
        {
            used = used || list_entry(ri, struct leg_request, link)->dialog == d;
        }
        list_each(si, &leg->served)
        {
            used = used || list_entry(si, struct leg_served, link)->dialog == d;
        }
        if (!used) {
            leg_dialog_free(d);
        }
    }
}

static void on_client_gone(struct txn *t)
{
    struct leg_request *r = t->owner;
    struct leg *leg = r->leg;
    bool initial = r->initial;
    r->txn = NULL;
    if (leg->invite == t) {
        leg->invite = NULL;
    }
    if (!r->done) {
        /* Its 2xx came, and there was never memory for a dialog; the peer has given up too. */
        if (initial) {
            leg_uac_on_failure(r, 503, leg->layer->wheel->now_ms);
        }
        return;
    }
    if (leg->unacked == r) {
        leg->unacked = NULL; /* the peer has given up waiting for the ACK */
    }
    leg_request_free(r);
    if (initial) {
        prune(leg);
    }
    leg_settle(leg);
}

static void on_client_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                               uint64_t now_ms);
static void on_client_failure(struct txn *t, enum txn_failure why, uint64_t now_ms);

static void on_client_way(struct txn *t, struct out *o)
{
    const struct leg_request *r = t->owner;
    if (!r->late_contact) {
        return;
    }
    struct str contact = leg_contact(r->leg, &t->hop, r->dialog->secure);
    out_c(o, "Contact: ");
    out_str(o, contact);
    out_c(o, "\r\n");
    o->over = o->over || contact.p == NULL; /* no memory: not sent without one */
}

static void on_server_gone(struct txn *t)
{
    struct leg_served *s = t->owner;
    struct leg *leg = s->leg;
    leg_served_tell_gone(s);
    s->txn = NULL;
    if (leg->invite == t) {
        leg->invite = NULL;
    }
    if (!s->waits_ack) {
        if (s->offer && s->dialog != NULL && s->dialog->offer == DIALOG_OFFER_THEIRS) {
            s->dialog->offer = DIALOG_OFFER_NONE; /* nor for an answer to the offer in it */
        }
        leg_served_free(s); /* unanswered, and nobody waits for the answer any more */
        leg_settle(leg);
    }
}

const struct txn_user leg_client_user = {.on_response = on_client_response,
                                         .on_failure = on_client_failure,
                                         .on_gone = on_client_gone,
                                         .on_way = on_client_way};
const struct txn_user leg_server_user = {.on_gone = on_server_gone};

static void on_client_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                               uint64_t now_ms)
{
    struct leg_request *r = t->owner;
    r->leg->hop = *from;
    leg_touch(r->leg);
    if (r->initial) {
        leg_uac_on_response(r, m, now_ms);
    } else {
        leg_request_on_response(r, m, now_ms);
    }
}

static void on_client_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct leg_request *r = t->owner;
    unsigned status = why == TXN_TIMEOUT ? 408 : 503;
    if (r->done) {
        return;
    }
    if (r->initial) {
        leg_uac_on_failure(r, status, now_ms);
    } else {
        leg_request_on_failure(r, status, now_ms);
    }
}

/* ---- dialogs of a leg ---- */

struct dialog *leg_dialog_new(struct leg *leg)
{
    struct dialog *d = pool_get(&leg->layer->dialog_pool);
    if (d != NULL) {
        d->leg = leg;
    }
    return d;
}

void leg_dialog_free(struct dialog *d)
{
    struct leg_layer *l = d->leg->layer;
    map_remove(&l->dialogs, &d->node);
    list_remove(&d->link);
    list_remove(&d->flow_link);
    dialog_clear(d, &l->env->mem);
    pool_put(&l->dialog_pool, d);
}

void leg_dialog_enter(struct dialog *d)
{
    struct leg_layer *l = d->leg->layer;
    list_append(&d->leg->dialogs, &d->link);
    map_add(&l->dialogs, &d->node, dialog_hash(&l->key, d->call_id, d->local_tag));
}

void leg_dialog_end(struct dialog *d)
{
    d->state = DIALOG_ENDED;
    map_remove(&d->leg->layer->dialogs, &d->node);
}

size_t leg_dialog_count(const struct leg *leg)
{
    size_t n = 0;
    list_each(it, &leg->dialogs)
    {
        n++;
    }
    return n;
}

void leg_drop_early(struct leg *leg, const struct dialog *keep)
{
    list_each(it, &leg->dialogs)
    {
        struct dialog *d = list_entry(it, struct dialog, link);
        if (d != keep) {
            leg_dialog_end(d);
        }
    }
}

/* ---- a leg ---- */

void leg_mint_tag(const struct leg_layer *l, char out[static 20])
{
    env_random_token(l->env, out, 16);
    out[16] = '\0';
}

struct leg *leg_new(struct leg_layer *l, const struct leg_user *user, void *owner)
{
    struct leg *leg = pool_get(&l->leg_pool);
    if (leg == NULL) {
        return NULL;
    }
    leg->layer = l;
    leg->user = user;
    leg->owner = owner;
    list_init(&leg->dialogs);
    list_init(&leg->requests);
    list_init(&leg->served);
    timer_init(&leg->session, leg_timer_fire);
    leg_mint_tag(l, leg->tag);
    list_append(&l->legs, &leg->all);
    return leg;
}

static void release_request(struct leg_request *r, bool quiet)
{
    if (r->txn != NULL && r->method == SIP_METHOD_INVITE && !quiet) {
        leg_uac_orphan(r);
    }
    leg_request_free(r);
}

static void release(struct leg *leg, bool quiet)
{
    struct leg_layer *l = leg->layer;
    const struct mem *mem = &l->env->mem;
    leg->freed = true; /* nobody is told of what goes with it */
    timer_stop(l->wheel, &leg->session);
    list_each(it, &leg->requests)
    {
        release_request(list_entry(it, struct leg_request, link), quiet);
    }
    list_each(it, &leg->served)
    {
        leg_served_free(list_entry(it, struct leg_served, link));
    }
    list_each(it, &leg->dialogs)
    {
        leg_dialog_free(list_entry(it, struct dialog, link));
    }
    if (leg->seed != NULL) {
        leg_dialog_free(leg->seed);
    }
    leg_parts_clear(mem, &leg->bye);
    mem_free(mem, (void *)(uintptr_t)leg->last_type.p);
    list_remove(&leg->link);
    list_remove(&leg->all);
    list_remove(&leg->touch);
    l->told -= leg->told ? 1 : 0;
    pool_put(&l->leg_pool, leg);
}

void leg_discard(struct leg *leg)
{
    release(leg, true);
}

void leg_settle(struct leg *leg)
{
    if (leg->state != LEG_ENDED || list_linked(&leg->link) || !list_empty(&leg->served)) {
        return;
    }
    list_each(it, &leg->requests)
    {
        if (!list_entry(it, struct leg_request, link)->done) {
            return;
        }
    }
    list_append(&leg->layer->ended, &leg->link);
}

void leg_finish(struct leg *leg, uint64_t now_ms)
{
    leg->state = LEG_ENDED;
    leg->unacked = NULL;
    leg_timer_stop(leg);
    leg_drop_early(leg, NULL);
    list_each(it, &leg->served)
    {
        struct leg_served *s = list_entry(it, struct leg_served, link);
        if (s->waits_ack) {
            leg_served_free(s);
        } else if (s->method != SIP_METHOD_BYE) {
            leg_served_refuse(s, 487, now_ms); /* §15.1.2 */
        }
    }
    list_each(it, &leg->requests)
    {
        struct leg_request *r = list_entry(it, struct leg_request, link);
        if (r->method == SIP_METHOD_INVITE && !r->done && r->txn != NULL) {
            (void)txn_cancel(r->txn, STR_NONE, now_ms); /* else it may ring for ever */
        }
    }
    leg_settle(leg);
}

void leg_tell_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    if (leg->state == LEG_ENDED) {
        return;
    }
    leg_finish(leg, now_ms);
    if (!leg->freed) {
        leg->user->on_ended(leg, why, now_ms);
    }
}

void leg_free(struct leg *leg)
{
    static const struct txn_user nobody = {.on_gone = NULL};
    struct leg_layer *l = leg->layer;
    leg->freed = true;
    leg->state = LEG_ENDED;
    leg_timer_stop(leg);
    leg_drop_early(leg, NULL);
    list_each(it, &leg->requests)
    {
        struct leg_request *r = list_entry(it, struct leg_request, link);
        r->on_response = NULL;
        if (r->txn == NULL) {
            continue;
        }
        if (r->method == SIP_METHOD_INVITE) {
            leg_uac_orphan(r);
        } else {
            txn_detach(r->txn);
        }
        r->txn = NULL;
    }
    list_each(it, &leg->served)
    {
        struct leg_served *s = list_entry(it, struct leg_served, link);
        timer_stop(l->wheel, &s->timer);
        if (s->txn != NULL) {
            s->txn->user = &nobody; /* while it may be calling */
            txn_detach(s->txn);
            s->txn = NULL;
        }
    }
    leg->invite = NULL;
    if (!list_linked(&leg->link)) {
        list_append(&l->ended, &leg->link);
    }
}

/* ---- the layer ---- */

static struct leg_config defaults_of(const struct leg_config *config)
{
    struct leg_config c = *config;
    c.min_se_s = c.min_se_s != 0 ? c.min_se_s : 90;
    c.max_forwards = c.max_forwards != 0 ? c.max_forwards : 70;
    c.late_s = c.late_s != 0 ? c.late_s : 600;
    c.late_rate = c.late_rate != 0 ? c.late_rate : 100;
    return c;
}

int leg_layer_init(struct leg_layer *l, const struct env *env, struct wheel *wheel,
                   struct txn_layer *txn, struct arena *scratch,
                   const struct leg_config *config, size_t max_legs)
{
    *l = (struct leg_layer){.env = env, .wheel = wheel, .txn = txn, .scratch = scratch};
    l->config = defaults_of(config);
    l->key = (struct hash_key){env_random64(env), env_random64(env)};
    leg_marks_init(l);
    list_init(&l->legs);
    list_init(&l->ended);
    list_init(&l->touched);
    for (size_t i = 0; i < LEG_FLOW_LISTS; i++) {
        list_init(&l->flows[i]);
    }
    pool_init(&l->leg_pool, &env->mem, sizeof(struct leg), 64, max_legs);
    pool_init(&l->dialog_pool, &env->mem, sizeof(struct dialog), 64, 0);
    pool_init(&l->request_pool, &env->mem, sizeof(struct leg_request), 64, 0);
    pool_init(&l->served_pool, &env->mem, sizeof(struct leg_served), 64, 0);
    return map_init(&l->dialogs, &env->mem, 64);
}

void leg_layer_fini(struct leg_layer *l)
{
    list_each(it, &l->legs)
    {
        release(list_entry(it, struct leg, all), true);
    }
    map_fini(&l->dialogs);
    pool_fini(&l->leg_pool);
    pool_fini(&l->dialog_pool);
    pool_fini(&l->request_pool);
    pool_fini(&l->served_pool);
}

void leg_layer_sweep(struct leg_layer *l)
{
    while (!list_empty(&l->ended)) {
        struct leg *leg = list_entry(l->ended.next, struct leg, link);
        if (!leg->freed) {
            leg->freed = true;
            leg->user->on_gone(leg);
        }
        release(leg, false);
    }
}

struct str leg_contact(struct leg *leg, const struct hop *hop, bool secure)
{
    const struct leg_layer *l = leg->layer;
    return dialog_own_contact(l->env, l->scratch, l->config.contact_user, hop, secure);
}

void leg_on_flow_closed(struct leg_layer *l, uint32_t flow, uint64_t now_ms)
{
    const struct dialog_locator *who = &l->locator;
    list_each(it, &l->flows[flow % LEG_FLOW_LISTS])
    {
        struct dialog *d = list_entry(it, struct dialog, flow_link);
        if (d->next.hop.flow == flow) {
            d->phone = who->phone != NULL ? who->phone(who->ctx, d) : 0;
            d->pinned = false;
            d->lost = true;
            d->next.hop.flow = 0;
            dialog_aim(d);
            dialog_bind_flow(d);
            leg_touch(d->leg);
            leg_timer_on_lost(d, now_ms);
        }
    }
}
