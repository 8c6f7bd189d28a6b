/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone's next flow (RFC 5626 §5.3, §7).
 *
 * A phone that registered over several flows is one target, and one branch at a time: the same
 * phone is not to ring twice. When its flow has failed (430, nothing could be sent, nobody
 * answered, 408) the next flow takes its place in the group, with its breadth. Any other final
 * response is the phone's own word and stays.
 *
 * Such targets always stand in the fork's queue, because what a plan points to is gone by then;
 * the target there is rewritten to the flow that is in use.
 */
#include "proxy/priv.h"

static void take(struct proxy_target *t)
{
    const struct proxy_flow *next = t->flows;
    t->request_uri = next->request_uri;
    t->routes = next->routes;
    t->to = next->to;
    t->binding = next->binding;
    t->flows = next->next;
}

bool proxy__other_flow(struct proxy__branch *b, unsigned status, bool silent, uint64_t now_ms)
{
    struct proxy__fork *f = b->fork;
    struct proxy *p = f->proxy;
    struct proxy_target *t = b->phone;
    bool dead = status == 430 || (silent && status == 503);
    if (t == NULL) {
        return false;
    }
    if (dead && p->flow_failed != NULL) {
        p->flow_failed(p->ctx, t->record, t->binding);
    }
    if (f->answered || f->stopped || f->request.m == NULL || !(dead || status == 408)) {
        return false;
    }
    uint16_t pending = f->pending;
    while (t->flows != NULL && f->pending == pending) {
        take(t);
        p->stats.reflowed++;
        proxy__try(f, t, b->breadth, now_ms);
    }
    return f->pending > pending;
}
