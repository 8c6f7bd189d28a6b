/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which targets a fork tries, and when.
 *
 * Those of a single group start from the plan, without a copy, when nothing is to be
 * remembered (recursion, further flows of a phone). Otherwise all are copied into a queue, in
 * the order in which they are tried: by group, and what a redirection brings at its head.
 * Started ones stay in it as "tried", so that a redirection to where the request has been
 * already leads nowhere.
 *
 * BREADTH (RFC 5393 §5.3.3). Each branch takes its share of the Incoming Max-Breadth and gives
 * it back with its final response; of a group that is wider than that the rest waits.
 */
#include "proxy/priv.h"

static bool keep_text(struct arena *a, struct str *s)
{
    if (s->n == 0) {
        return true;
    }
    *s = arena_dup(a, *s);
    return str_is_set(*s);
}

static bool keep_ids(struct arena *a, const enum sip_hdr_id **ids)
{
    size_t n = 0;
    if (*ids == NULL) {
        return true;
    }
    while ((*ids)[n++] != SIP_HDR_OTHER) {
    }
    enum sip_hdr_id *copy = arena_alloc(a, n * sizeof(*copy));
    if (copy != NULL) {
        memcpy(copy, *ids, n * sizeof(*copy));
    }
    *ids = copy;
    return copy != NULL;
}

/** The further flows of a phone. @return false: memory is out */
static bool keep_flows(struct arena *a, const struct proxy_flow **flows)
{
    const struct proxy_flow **at = flows;
    while (*at != NULL) {
        struct proxy_flow *copy = arena_alloc(a, sizeof(*copy));
        if (copy == NULL) {
            return false;
        }
        *copy = **at;
        copy->to.mark = copy->to.branch = STR_NONE;
        if (!keep_text(a, &copy->request_uri) || !keep_text(a, &copy->routes) ||
            !keep_text(a, &copy->to.host)) {
            return false;
        }
        *at = copy;
        at = &copy->next;
    }
    return true;
}

int proxy__enqueue(struct proxy__fork *f, struct proxy__waiting ***at,
                   const struct proxy_target *t)
{
    struct arena *a = &f->keep;
    uint32_t n = 0;
    for (const struct proxy__waiting *w = f->queue; w != NULL; w = w->next) {
        n++;
    }
    if (n >= f->proxy->config.max_branches) {
        return E_TOOMANY;
    }
    struct proxy__waiting *w = arena_zalloc(a, sizeof(*w));
    if (w == NULL) {
        return E_NOMEM;
    }
    w->target = *t;
    w->target.to.mark = w->target.to.branch = STR_NONE;
    if (!keep_text(a, &w->target.request_uri) || !keep_text(a, &w->target.to.host) ||
        !keep_text(a, &w->target.routes) || !keep_text(a, &w->target.lines) ||
        !keep_text(a, &w->target.user) || !keep_text(a, &w->target.contact) ||
        !keep_text(a, &w->target.of) || !keep_ids(a, &w->target.cut) ||
        !keep_text(a, &w->target.domain) || !keep_text(a, &w->target.uui) ||
        !keep_text(a, &w->target.fresh) || !keep_text(a, &w->target.record) ||
        !keep_flows(a, &w->target.flows)) {
        return E_NOMEM;
    }
    w->next = **at;
    **at = w;
    *at = &w->next;
    return 0;
}

struct proxy__waiting *proxy__first_waiting(const struct proxy__fork *f)
{
    struct proxy__waiting *w = f->queue;
    while (w != NULL && w->tried) {
        w = w->next;
    }
    return w;
}

/** How many wait in the group that `w` begins. */
static uint32_t group_size(const struct proxy__waiting *w)
{
    uint32_t n = 0;
    for (const struct proxy__waiting *o = w; o != NULL && o->target.group == w->target.group;
         o = o->next) {
        n += o->tried ? 0 : 1;
    }
    return n;
}

/** An equal share each, the first ones one more; none when there is nothing to share. */
static uint32_t share(uint32_t *breadth, uint32_t branches)
{
    uint32_t s = branches > 0 ? (*breadth + branches - 1) / branches : 0;
    *breadth -= s;
    return s;
}

bool proxy__start_group(struct proxy__fork *f, uint64_t now_ms)
{
    struct proxy__waiting *w = f->stopped ? NULL : proxy__first_waiting(f);
    if (w == NULL) {
        return false;
    }
    uint32_t group = w->target.group, left = group_size(w);
    uint32_t breadth = f->request.breadth - f->breadth_out;
    uint32_t width = left < breadth ? left : breadth;
    f->open_group = group;
    for (; w != NULL && width > 0 && w->target.group == group; w = w->next) {
        if (!w->tried) {
            w->tried = true;
            proxy__try(f, &w->target, share(&breadth, width--), now_ms);
        }
    }
    if (proxy__first_waiting(f) != NULL) {
        timer_set(f->proxy->wheel, &f->group, now_ms + f->group_ms);
    }
    return true;
}

/** Room for the plan's targets in ascending groups. @return false: memory is out */
static bool queue_plan(struct proxy__fork *f, const struct proxy_plan *plan)
{
    struct proxy__waiting **end = &f->queue;
    uint64_t from = 0;
    for (;;) {
        uint64_t group = UINT64_MAX;
        for (size_t i = 0; i < plan->count; i++) {
            if (plan->target[i].group >= from && plan->target[i].group < group) {
                group = plan->target[i].group;
            }
        }
        if (group == UINT64_MAX) {
            return true;
        }
        for (size_t i = 0; i < plan->count; i++) {
            if (plan->target[i].group == group) {
                int err = proxy__enqueue(f, &end, &plan->target[i]);
                if (err != 0) {
                    return err == E_TOOMANY && f->queue != NULL; /* the rest is not tried */
                }
            }
        }
        from = group + 1;
    }
}

static bool is_one_group(const struct proxy__fork *f, const struct proxy_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->target[i].group != plan->target[0].group || plan->target[i].binding != 0) {
            return false;
        }
    }
    return !f->recurse && plan->count <= f->request.breadth &&
           plan->count <= f->proxy->config.max_branches;
}

void proxy__fork_start(struct proxy__fork *f, const struct proxy_plan *plan, uint64_t now_ms)
{
    uint32_t breadth = f->request.breadth;
    if (plan->count == 0) {
        proxy__try(f, NULL, breadth, now_ms);
    } else if (is_one_group(f, plan)) {
        for (size_t i = 0; i < plan->count; i++) {
            proxy__try(f, &plan->target[i], share(&breadth, (uint32_t)(plan->count - i)),
                       now_ms);
        }
    } else if (queue_plan(f, plan)) {
        while (proxy__start_group(f, now_ms) && f->pending == 0) {
        }
    } else {
        f->best_status = 503;
    }
    if (f->pending == 0) {
        proxy__answer(f, NULL, now_ms);
    }
}
