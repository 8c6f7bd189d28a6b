/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a device that is busy, for callers who would rather wait than be refused
 * (RFC 3841 §9.1, Request-Disposition: queue).
 *
 *   486, and nobody else to try ──► 182 Queued ──the device is free──► rings again ──► answer
 *                                      ▲  │                               │ 486
 *                                      │  └─calls.queue_s is over──► 486  │
 *                                      └──────────────────────────────────┘
 *
 * BUSY is a phone that says 486 without having rung: one that rang first was refused by
 * somebody, who is not to be asked again. Neither is who does not want to be disturbed, nor who
 * forwards when busy: what the device's user has switched on goes before what a caller wishes,
 * and so does a route rule with further targets.
 *
 * FREE is a device without a call of ours, when that has just ended or when it has not been
 * asked for QUEUE_AGAIN_MS: it may be busy with what we do not see. One caller at a time is put
 * through, who has waited longest.
 *
 * While he waits, and until the phone rings, the connection of the called device is `queued`
 * for observers (event Queued, campOn). The 182 is repeated every minute, so that no proxy on
 * the way gives up (RFC 3261 §13.3.1.1).
 *
 * BOUNDS. calls.queue_max waiting callers, calls.queue_per_device for one device, calls.queue_s
 * for each; beyond that he is refused as if he had not asked.
 *
 * OWNERSHIP. The place in the queue lies in the call's arena and leaves the layer's list with
 * the set-up. COST. Nothing for a call whose caller does not ask; the list of those who wait is
 * walked when a leg of a device ends while there is one.
 */
#include "call/parts.h"

enum {
    QUEUE_SETTLE_MS = 200,  /* a phone that has just hung up is given so long */
    QUEUE_AGAIN_MS = 15000, /* and one that is busy with something else */
    QUEUE_SAY_MS = 60000,
};

struct queued {
    struct list link; /**< of the layer, who came first in front */
    struct call *call;
    struct destination to;
    uint64_t until_ms; /**< then he has waited long enough */
    uint64_t said_ms;  /**< of the last 182 */
    bool waits;        /**< false: it rings again just now */
    struct timer timer;
};

bool queue_has(const struct call *c)
{
    return c->queued != NULL && c->queued->waits;
}

void queue_leave(struct call *c)
{
    struct queued *q = c->queued;

    if (q != NULL) {
        timer_stop(c->layer->wheel, &q->timer);
        list_remove(&q->link);
        c->layer->waiting--;
        c->queued = NULL;
    }
}

/* ---- who may wait ---- */

static bool has_room(const struct call_layer *l, const struct device *d)
{
    uint32_t n = 0;

    list_each(it, &l->queue)
    {
        n += list_entry(it, struct queued, link)->to.device == d;
    }
    return l->waiting < l->config.queue_max && n < l->config.queue_per_device;
}

/* ---- whether the device is free ---- */

static bool is_free(const struct device *d)
{
    const struct connection *conn = NULL;

    while ((conn = call_of_device(d, conn)) != NULL) {
        if (!queue_has(conn->call) || conn->call->b != conn) {
            return false;
        }
    }
    return true;
}

/** Who has waited longest for that device, and is not being put through. */
static struct queued *first_for(const struct call_layer *l, const struct device *d)
{
    list_each(it, &l->queue)
    {
        struct queued *q = list_entry(it, struct queued, link);
        if (q->to.device == d && q->waits) {
            return q;
        }
    }
    return NULL;
}

/* ---- putting through ---- */

static void forget_refusals(struct connection *conn)
{
    list_each(it, &conn->branches)
    {
        list_entry(it, struct branch, link)->status = 0;
    }
}

static void put_through(struct queued *q, uint64_t now_ms)
{
    struct call *c = q->call;
    struct destination to = q->to;
    unsigned status;

    q->waits = false;
    forget_refusals(c->b);
    status = forward_before(c, &to, now_ms);
    status = status != 0 ? status : hunt_ring(c, &to, call_invite(c), now_ms);
    if (status != 0 && !forward_after(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
}

static void say(struct queued *q, uint64_t now_ms)
{
    if (q->said_ms == 0 || now_ms >= q->said_ms + QUEUE_SAY_MS) {
        call_say(q->call, 182, now_ms);
        q->said_ms = now_ms;
    }
}

static void wait_on(struct queued *q, uint64_t now_ms)
{
    uint64_t again = now_ms + QUEUE_AGAIN_MS;

    timer_set(q->call->layer->wheel, &q->timer, again < q->until_ms ? again : q->until_ms);
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct queued *q = container_of(t, struct queued, timer);
    struct call *c = q->call;

    if (c->phase != CALL_SETUP || c->b == NULL || c->b->device != q->to.device) {
        queue_leave(c); /* somebody has taken it */
        return;
    }
    if (!q->waits) {
        return;
    }
    if (now_ms >= q->until_ms || call_invite(c) == NULL) {
        call_setup_failed(c, 486, NULL, now_ms);
    } else if (first_for(c->layer, q->to.device) == q && is_free(q->to.device)) {
        put_through(q, now_ms);
    } else {
        say(q, now_ms);
        wait_on(q, now_ms);
    }
}

void queue_freed(const struct connection *conn, uint64_t now_ms)
{
    struct call_layer *l = conn->call->layer;
    struct queued *q = conn->device != NULL ? first_for(l, conn->device) : NULL;
    uint64_t soon = now_ms + QUEUE_SETTLE_MS;

    if (q != NULL && q->call != conn->call) { /* its own refusal frees nobody */
        timer_set(l->wheel, &q->timer, soon < q->until_ms ? soon : q->until_ms);
    }
}

/* ---- getting into it ---- */

static struct queued *queue_new(struct call *c, uint64_t now_ms)
{
    struct call_layer *l = c->layer;
    struct queued *q = has_room(l, c->b->device) ? arena_zalloc(&c->arena, sizeof(*q)) : NULL;

    if (q == NULL) {
        l->queue_full++;
        return NULL;
    }
    q->call = c;
    q->until_ms = now_ms + l->config.queue_s * UINT64_C(1000);
    q->to = (struct destination){
        .device = c->b->device, .id = c->b->id, .number = c->b->device->number, .gr = c->b->gr};
    timer_init(&q->timer, on_timer);
    list_append(&l->queue, &q->link);
    l->waiting++;
    l->queued++;
    c->queued = q;
    return q;
}

bool queue_wait(struct call *c, unsigned status, uint64_t now_ms)
{
    struct connection *conn = c->b;
    struct queued *q = c->queued;

    if (status != 486 || c->phase != CALL_SETUP || c->layer->config.queue_s == 0 ||
        conn->device == NULL || conn->alerted || c->offerless ||
        call_wishes(c).queue != DIRECTIVE_YES) {
        return false;
    }
    if (q != NULL && q->to.device != conn->device) {
        queue_leave(c); /* it has moved on since */
        q = NULL;
    }
    q = q != NULL ? q : queue_new(c, now_ms);
    if (q == NULL || now_ms >= q->until_ms) {
        return false;
    }
    q->waits = true;
    call_set_timer(c, 0, now_ms);
    say(q, now_ms);
    wait_on(q, now_ms);
    connection_queued(conn, "campOn", now_ms);
    return true;
}
