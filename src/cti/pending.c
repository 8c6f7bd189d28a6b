/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests whose outcome comes later: those that wait for a phone (Hold, Transfer, Answer …).
 *
 * The transaction of the INFO is held until then, because the response belongs into its 200 and
 * nowhere else. Whatever ends the wait takes the request off both lists first and answers after
 * that, so there is one answer and no more:
 *
 *   the driver tells the outcome            pending_on_done
 *   an event shows it earlier               pending_on_event   (a phone may answer the call
 *                                           before it answers the NOTIFY that asked for it)
 *   28 s are over (a client waits 32, S-10) on_limit           error
 *   the session ends, or CANCEL             pending_drop_…     the leg answers 487
 *
 * In the last three cases the driver is told that nobody waits any more.
 */
#include "cti/parts.h"

static void on_limit(struct timer *t, uint64_t now_ms);

struct pending *pending_new(const struct request *r, const struct connection *conn)
{
    struct cti_session *s = r->from.session;
    struct pending *p = pool_get(&r->cti->pending_pool);

    if (p == NULL) {
        return NULL;
    }
    p->from = r->from;
    p->service = r->msg->id;
    if (conn != NULL) {
        p->device = conn->device;
        memcpy(p->call_id, conn->call->id, CALL_ID_LEN);
    }
    timer_init(&p->limit, on_limit);
    timer_set(r->cti->wheel, &p->limit, r->now_ms + PENDING_LIMIT_MS);
    list_append(&s->pending, &p->of_session);
    list_append(&r->cti->pending, &p->of_cti);
    s->pending_count++;
    return p;
}

void pending_free(struct pending *p)
{
    struct cti_session *s = p->from.session;

    timer_stop(s->cti->wheel, &p->limit);
    list_remove(&p->of_session);
    list_remove(&p->of_cti);
    s->pending_count--;
    pool_put(&s->cti->pending_pool, p);
}

static void drop(struct pending *p)
{
    struct cti *c = p->from.session->cti;

    c->stats.answered++; /* 487, by the leg */
    c->stats.errors++;
    c->driver->forget(c->driver_ctx, p);
    pending_free(p);
}

/** The ConnectionID of the party that has come to the call. @return false: there is none */
static bool newcomer(const struct cti_session *s, struct str call_id,
                     struct csta_connection_id *out)
{
    const struct call *call = call_find(s->cti->calls, call_id);

    if (call == NULL || call->b == NULL) {
        return false;
    }
    out->call_id = arena_dup(s->cti->scratch, call_id);
    out->device_id.value = session_spelling(s, call->b->id);
    return out->call_id.p != NULL;
}

/** The body of the positive response, NULL when memory is out. */
static const void *positive_body(const struct cti_session *s, enum csta_msg_id service,
                                 struct str call_id, const struct connection *made)
{
    static const struct csta_hold_call_response plain; /* as all that have extensions only */
    struct csta_single_step_transfer_call_response *single;
    struct csta_transfer_call_response *transfer;
    struct csta_consultation_call_response *consult;
    struct arena *a = s->cti->scratch;

    switch (service) {
    case CSTA_MSG_SINGLE_STEP_TRANSFER_CALL:
        single = arena_zalloc(a, sizeof(*single));
        return single != NULL && newcomer(s, call_id, &single->transferred_call) ? single
                                                                                 : NULL;
    case CSTA_MSG_TRANSFER_CALL:
        transfer = arena_zalloc(a, sizeof(*transfer));
        return transfer != NULL && newcomer(s, call_id, &transfer->transferred_call) ? transfer
                                                                                     : NULL;
    case CSTA_MSG_CONSULTATION_CALL:
        consult = arena_zalloc(a, sizeof(*consult));
        if (consult != NULL) {
            consult->initiated_call.call_id = str_make(made->call->id, CALL_ID_LEN);
            consult->initiated_call.device_id.value = session_spelling(s, made->id);
        }
        return consult;
    default:
        return &plain;
    }
}

static void answer_ok(const struct asker *to, enum csta_msg_id service, struct str call_id,
                      const struct connection *made, uint64_t now_ms)
{
    struct csta_msg msg = {.id = csta_msg_response(service)};

    msg.body = positive_body(to->session, service, call_id, made);
    if (msg.body == NULL) {
        to->session->cti->stats.answered++;
        to->session->cti->stats.errors++;
        answer_status(to, 500, STR("done, but there is no memory to say so"), now_ms);
    } else {
        answer_csta(to, &msg, now_ms);
    }
}

static void finish(struct pending *p, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct asker to = p->from;
    enum csta_msg_id service = p->service;
    const struct connection *made = p->made;
    char call_id[CALL_ID_LEN];
    struct outcome o;

    memcpy(call_id, p->call_id, CALL_ID_LEN);
    pending_free(p);
    if (err == CALL_OK) {
        answer_ok(&to, service, str_make(call_id, CALL_ID_LEN), made, now_ms);
    } else {
        o = error_of_call(service, err, status, to.session->cti->scratch);
        answer_error(&to, o.error, o.why, now_ms);
    }
}

void pending_on_done(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    finish(owner, err, status, now_ms);
}

void pending_on_phone(void *owner, const struct csta_msg *answer, uint64_t now_ms)
{
    struct pending *p = owner;
    struct asker to = p->from;
    enum csta_msg_id response = csta_msg_response(p->service);

    if (answer == NULL) {
        finish(p, CALL_TIMEOUT, 0, now_ms);
        return;
    }
    pending_free(p);
    if (answer->id == response) {
        answer_csta(&to, answer, now_ms);
    } else {
        answer_error(&to,
                     answer->id == CSTA_MSG_ERROR_CODE
                         ? *answer->error_code
                         : csta_error_of(CSTA_ERROR_UNSPECIFIED, 0),
                     STR("the phone refused it"), now_ms);
    }
}

static void on_limit(struct timer *t, uint64_t now_ms)
{
    struct pending *p = container_of(t, struct pending, limit);
    struct cti *c = p->from.session->cti;

    c->driver->forget(c->driver_ctx, p);
    finish(p, CALL_TIMEOUT, 0, now_ms);
}

void pending_on_event(struct cti *c, const struct call_event *e)
{
    struct str id = str_make(e->call->id, CALL_ID_LEN);

    if (e->kind != CALL_EV_ESTABLISHED && e->kind != CALL_EV_ORIGINATED) {
        return;
    }
    list_each(it, &c->pending)
    {
        struct pending *p = list_entry(it, struct pending, of_cti);
        if (p->service == CSTA_MSG_ANSWER_CALL && p->device == e->subject->device &&
            str_eq(str_make(p->call_id, CALL_ID_LEN), id)) {
            c->driver->forget(c->driver_ctx, p);
            finish(p, CALL_OK, 0, e->now_ms);
        }
    }
}

void pending_drop_session(struct cti_session *s)
{
    while (!list_empty(&s->pending)) {
        drop(list_entry(s->pending.next, struct pending, of_session));
    }
}

bool pending_drop_txn(struct cti_session *s, const struct txn *t)
{
    list_each(it, &s->pending)
    {
        struct pending *p = list_entry(it, struct pending, of_session);
        if (p->from.txn == t) {
            drop(p);
            return true;
        }
    }
    return false;
}
