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
    p->from.call_id = STR_NONE; /* it lives as long as the request */
    p->service = r->msg->id;
    p->audited = *r->audited;
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
    const struct csta_error unknown = csta_error_of(CSTA_ERROR_UNSPECIFIED, 0);
    struct cti *c = p->from.session->cti;

    audit_outcome(p->from.session, &p->audited, &unknown); /* nobody will know */
    c->stats.answered++;                                   /* 487, by the leg */
    c->stats.errors++;
    c->driver->forget(c->driver_ctx, p);
    pending_free(p);
}

/** What is known of a request when it is off its lists. */
struct done {
    enum csta_msg_id service;
    const struct connection *made;
    char call_id[CALL_ID_LEN], second_id[CALL_ID_LEN];
};

/** Its phone tells that it has gone when it has: the answer is before that. */
static bool leaves(const struct connection *conn)
{
    return conn->call->foreign && conn->device != NULL;
}

/**
 * The call after a transfer: each party under its connection now, and under the one that it
 * had. `second_id`: the call that the one who has come was in; absent: in none.
 */
static bool resulting(const struct cti_session *s, const struct call *call,
                      struct str second_id, struct csta_connection_list_item_list *out)
{
    struct csta_connection_list_item *item;
    unsigned place = 0;
    size_t n = 0;

    list_each(it, &call->connections)
    {
        n++;
    }
    item = arena_zalloc(s->cti->scratch, n * sizeof(*item));
    if (item == NULL) {
        return false;
    }
    n = 0;
    list_each(jt, &call->connections)
    {
        const struct connection *conn = list_entry(jt, struct connection, link);
        place++;
        if (conn->ended || (conn != call->a && conn != call->b) || leaves(conn)) {
            continue;
        }
        item[n].new_connection = party_id(s, conn, place);
        item[n].endpoint = party_ref(s, conn);
        if (conn == call->a || second_id.n > 0) {
            item[n].old_connection = item[n].new_connection;
        }
        if (conn == call->b && second_id.n > 0) {
            item[n].old_connection.call_id = second_id;
        }
        if (item[n++].new_connection.device_id.value.n == 0) {
            return false;
        }
    }
    *out = (struct csta_connection_list_item_list){item, n};
    return true;
}

/** What a transfer has made: who came, and all who are there. @return false: nobody, or no
 * memory */
static bool transferred(const struct cti_session *s, struct str call_id, struct str second_id,
                        struct csta_connection_id *came,
                        struct csta_connection_list_item_list *all)
{
    const struct call *call = call_find(s->cti->calls, call_id);

    if (call == NULL || call->b == NULL) {
        return false;
    }
    came->call_id = arena_dup(s->cti->scratch, call_id);
    came->device_id.value = session_spelling(s, leaves(call->b) ? call->a->id : call->b->id);
    second_id = second_id.n > 0 ? arena_dup(s->cti->scratch, second_id) : STR_NONE;
    return came->call_id.p != NULL && resulting(s, call, second_id, all);
}

static struct csta_connection_id connection_of(const struct cti_session *s,
                                               const struct connection *conn)
{
    return (struct csta_connection_id){
        .call_id = str_make(conn->call->id, CALL_ID_LEN),
        .device_id = {.value = session_spelling(s, conn->id)},
    };
}

/** The body of the positive response, NULL when memory is out. */
static const void *positive_body(const struct cti_session *s, const struct done *d)
{
    static const struct csta_hold_call_response plain; /* as all that have extensions only */
    struct csta_single_step_transfer_call_response *single;
    struct csta_transfer_call_response *transfer;
    struct csta_consultation_call_response *consult;
    struct csta_directed_pickup_call_response *directed;
    struct csta_group_pickup_call_response *group;
    struct csta_park_call_response *park;
    struct str call_id = str_make(d->call_id, CALL_ID_LEN);
    struct csta_conference_call_response *conference;
    struct csta_single_step_conference_call_response *invited;
    struct arena *a = s->cti->scratch;

    switch (d->service) {
    case CSTA_MSG_SINGLE_STEP_TRANSFER_CALL:
        single = arena_zalloc(a, sizeof(*single));
        return single != NULL && transferred(s, call_id, STR_NONE, &single->transferred_call,
                                             &single->connections)
                   ? single
                   : NULL;
    case CSTA_MSG_TRANSFER_CALL:
        transfer = arena_zalloc(a, sizeof(*transfer));
        return transfer != NULL &&
                       transferred(s, call_id, str_make(d->second_id, CALL_ID_LEN),
                                   &transfer->transferred_call, &transfer->connections)
                   ? transfer
                   : NULL;
    case CSTA_MSG_CONSULTATION_CALL:
        consult = arena_zalloc(a, sizeof(*consult));
        if (consult != NULL) {
            consult->initiated_call = connection_of(s, d->made);
        }
        return consult;
    case CSTA_MSG_CONFERENCE_CALL:
        conference = arena_zalloc(a, sizeof(*conference));
        if (conference != NULL) {
            conference->conference_call = connection_of(s, d->made);
        }
        return conference;
    case CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL:
        invited = arena_zalloc(a, sizeof(*invited));
        if (invited != NULL) {
            invited->conferenced_call = connection_of(s, d->made);
        }
        return invited;
    case CSTA_MSG_DIRECTED_PICKUP_CALL:
        directed = arena_zalloc(a, sizeof(*directed));
        if (directed != NULL) {
            directed->picked_call = connection_of(s, d->made);
        }
        return directed;
    case CSTA_MSG_GROUP_PICKUP_CALL:
        group = arena_zalloc(a, sizeof(*group));
        if (group != NULL) {
            group->picked_call = connection_of(s, d->made);
        }
        return group;
    case CSTA_MSG_PARK_CALL:
        park = arena_zalloc(a, sizeof(*park));
        if (park != NULL) {
            park->parked_to = connection_of(s, d->made);
        }
        return park;
    default:
        return &plain;
    }
}

static void answer_ok(const struct asker *to, const struct done *d, uint64_t now_ms)
{
    struct csta_msg msg = {.id = csta_msg_response(d->service)};

    msg.body = positive_body(to->session, d);
    if (msg.body == NULL) {
        answer_count(to, now_ms);
        to->session->cti->stats.errors++;
        answer_status(to, 500, STR("done, but there is no memory to say so"), now_ms);
    } else {
        answer_csta(to, &msg, now_ms);
    }
}

static void finish(struct pending *p, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct asker to = p->from;
    struct done d = {.service = p->service, .made = p->made};
    struct audited audited = p->audited;
    struct outcome o;

    memcpy(d.call_id, p->call_id, CALL_ID_LEN);
    memcpy(d.second_id, p->second_id, CALL_ID_LEN);
    pending_free(p);
    if (err == CALL_OK) {
        audit_outcome(to.session, &audited, NULL);
        answer_ok(&to, &d, now_ms);
    } else {
        o = error_of_call(d.service, err, status, to.session->cti->scratch);
        audit_outcome(to.session, &audited, &o.error);
        answer_refusal(&to, &o, now_ms);
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
    struct csta_error error = answer->id == CSTA_MSG_ERROR_CODE
                                  ? *answer->error_code
                                  : csta_error_of(CSTA_ERROR_UNSPECIFIED, 0);
    audit_outcome(to.session, &p->audited, answer->id == response ? NULL : &error);
    pending_free(p);
    if (answer->id == response) {
        answer_csta(&to, answer, now_ms);
    } else {
        answer_error(&to, error, STR("the phone refused it"), now_ms);
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

void pending_forget(struct cti_session *s, const struct cti_client_ask *a)
{
    list_each(it, &s->pending)
    {
        struct pending *p = list_entry(it, struct pending, of_session);
        if (p->from.ask == a) {
            p->from.ask = NULL;
        }
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
