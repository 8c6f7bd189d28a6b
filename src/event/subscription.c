/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a subscription, and those that another module feeds.
 *
 * A subscription stands in five places from its making to its end: the table of dialogs, the
 * list of its resource, that of its subscriber, the list of the flow that it is pinned to, and
 * the wheel. subscription_free takes it off all of them.
 */
#include "event/parts.h"

enum { TAG_LEN = 12 };

void subscription_bind_flow(struct subscription *s)
{
    struct dialog *d = &s->dialog;
    list_remove(&d->flow_link);
    if (d->pinned && d->next.hop.flow != 0) {
        list_append(&s->layer->flows[d->next.hop.flow % EVENT_FLOW_LISTS], &d->flow_link);
    }
}

static void on_expire(struct timer *t, uint64_t now_ms)
{
    struct subscription *s = container_of(t, struct subscription, expire);
    (void)now_ms;
    s->layer->count.expired++;
    subscription_end(s, EVENT_TIMEOUT);
}

static void on_pause(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    subscription_wake(container_of(t, struct subscription, pause));
}

static void enlist(struct subscription *s, const struct subscription_args *args)
{
    struct event_layer *l = s->layer;
    map_add(&l->dialogs, &s->dialog.node,
            dialog_hash(&l->key, s->dialog.call_id, s->dialog.local_tag));
    s->package = args->package;
    s->resource = args->resource;
    s->subscriber = args->subscriber;
    if (s->resource != NULL) {
        list_append(&s->resource->subscriptions, &s->of_resource);
        s->resource->count++;
    }
    if (s->subscriber != NULL) {
        list_append(&s->subscriber->subscriptions, &s->of_subscriber);
        s->subscriber->count++;
    }
    subscription_bind_flow(s);
}

struct subscription *subscription_new(struct event_layer *l, const struct sip_msg *m,
                                      const struct hop *from,
                                      const struct subscription_args *args, uint64_t now_ms)
{
    struct subscription *s = pool_get(&l->subscription_pool);
    const struct mem *mem = &l->env->mem;
    (void)now_ms;
    if (s == NULL) {
        return NULL;
    }
    s->layer = l;
    timer_init(&s->expire, on_expire);
    timer_init(&s->pause, on_pause);
    env_random_token(l->env, s->tag, TAG_LEN);
    if (mem_dup(mem, args->id, &s->id) != 0) {
        pool_put(&l->subscription_pool, s);
        return NULL;
    }
    if (dialog_from_request(&s->dialog, mem, m, from, str_make(s->tag, TAG_LEN)) != 0) {
        mem_free(mem, (void *)(uintptr_t)s->id.p);
        pool_put(&l->subscription_pool, s);
        return NULL;
    }
    s->dialog.state = DIALOG_CONFIRMED;
    enlist(s, args);
    return s;
}

void subscription_restored(struct subscription *s, const struct subscription_args *args)
{
    timer_init(&s->expire, on_expire);
    timer_init(&s->pause, on_pause);
    memcpy(s->tag, s->dialog.local_tag.p,
           s->dialog.local_tag.n < TAG_LEN ? s->dialog.local_tag.n : TAG_LEN);
    enlist(s, args);
    timer_set(s->layer->wheel, &s->expire, s->expires_ms);
    s->dirty = s->full = true;
    subscription_wake(s);
}

void subscription_free(struct subscription *s, uint64_t now_ms)
{
    struct event_layer *l = s->layer;
    const struct mem *mem = &l->env->mem;
    if (s->notify != NULL) {
        txn_detach(s->notify);
    }
    timer_stop(l->wheel, &s->expire);
    timer_stop(l->wheel, &s->pause);
    subscription_unkeep(s);
    list_remove(&s->work);
    list_remove(&s->dialog.flow_link);
    map_remove(&l->dialogs, &s->dialog.node);
    if (s->resource != NULL) {
        list_remove(&s->of_resource);
        s->resource->count--;
        resource_settle(s->resource);
    }
    if (s->subscriber != NULL) {
        list_remove(&s->of_subscriber);
        s->subscriber->count--;
        subscriber_settle(l, s->subscriber);
    }
    dialog_clear(&s->dialog, mem);
    mem_free(mem, (void *)(uintptr_t)s->id.p);
    mem_free(mem, (void *)(uintptr_t)s->body.p);
    event_feed_gone_fn gone = s->gone;
    void *owner = s->owner;
    pool_put(&l->subscription_pool, s);
    l->count.ended++;
    if (gone != NULL) {
        gone(owner, now_ms);
    }
}

struct subscription *subscription_find(const struct event_layer *l, const struct sip_msg *m)
{
    if (l->dialogs.count == 0) {
        return NULL;
    }
    struct str call_id = sip_msg_value(m, SIP_HDR_CALL_ID);
    struct str local = sip_msg_tag(m, SIP_HDR_TO), remote = sip_msg_tag(m, SIP_HDR_FROM);
    struct map_node *n = map_first(&l->dialogs, dialog_hash(&l->key, call_id, local));
    for (; n != NULL; n = map_next(n)) {
        struct subscription *s = container_of(n, struct subscription, dialog.node);
        const struct dialog *d = &s->dialog;
        if (str_eq(d->call_id, call_id) && str_eq(d->local_tag, local) &&
            str_eq(d->remote_tag, remote)) {
            return s;
        }
    }
    return NULL;
}

void subscription_live(struct subscription *s, uint32_t seconds, uint64_t now_ms)
{
    s->expires_ms = now_ms + (uint64_t)seconds * 1000;
    timer_set(s->layer->wheel, &s->expire, s->expires_ms);
    subscription_touch(s);
}

void subscription_wake(struct subscription *s)
{
    if (!list_linked(&s->work)) {
        list_append(&s->layer->work, &s->work);
    }
}

void subscription_end(struct subscription *s, enum event_reason why)
{
    if (s->ending) {
        return;
    }
    timer_stop(s->layer->wheel, &s->expire);
    s->ending = true;
    s->reason = (uint8_t)why;
    subscription_wake(s);
}

struct str subscription_contact(const struct subscription *s)
{
    const struct event_layer *l = s->layer;
    struct str value = dialog_own_contact(l->env, l->scratch, l->config.contact_user,
                                          &s->dialog.next.hop, s->dialog.secure);
    struct str part[] = {STR("Contact: "), value, STR("\r\n")};
    return value.p == NULL ? STR_NONE : arena_join(l->scratch, part, ARRAY_LEN(part));
}

/* ---- feeds ---- */

static bool write_feed(struct subscription *s, bool full, struct event_body *out,
                       uint64_t now_ms)
{
    (void)full;
    (void)now_ms;
    out->type = s->package->type;
    out->body = s->body;
    return true;
}

const struct event_package event_refer = {
    .name = STR_INIT("refer"),
    .type = STR_INIT("message/sipfrag;version=2.0"),
    .expires_s = 60,
    .implicit = true,
    .write = write_feed,
};

static int set_body(struct subscription *s, struct str body)
{
    const struct mem *mem = &s->layer->env->mem;
    struct str copy;
    if (mem_dup(mem, body, &copy) != 0) {
        return E_NOMEM;
    }
    mem_free(mem, (void *)(uintptr_t)s->body.p);
    s->body = copy;
    return 0;
}

struct subscription *event_feed_new(struct event_layer *l, const struct sip_msg *m,
                                    const struct hop *from, const struct event_party *who,
                                    const struct event_feed_args *args, event_feed_gone_fn gone,
                                    void *owner, uint64_t now_ms)
{
    struct subscription_args sub = {.package = &event_refer, .id = args->id};
    if (who != NULL) {
        sub.subscriber = subscriber_get(l, who);
        if (sub.subscriber == NULL) {
            return NULL;
        }
    }
    bool room = sub.subscriber == NULL || sub.subscriber->count < l->config.max_per_subscriber;
    struct subscription *s = room ? subscription_new(l, m, from, &sub, now_ms) : NULL;
    if (s == NULL || set_body(s, args->body) != 0) {
        if (s != NULL) {
            subscription_free(s, now_ms);
        } else {
            subscriber_settle(l, sub.subscriber);
        }
        l->count.refused++;
        return NULL;
    }
    s->gone = gone;
    s->owner = owner;
    l->count.subscribed++;
    subscription_live(s, args->expires_s != 0 ? args->expires_s : sub.package->expires_s,
                      now_ms);
    s->dirty = s->full = s->urgent = true;
    subscription_wake(s);
    return s;
}

struct str event_feed_tag(const struct subscription *s)
{
    return s->dialog.local_tag;
}

struct str event_feed_contact(const struct subscription *s)
{
    return subscription_contact(s);
}

int event_feed(struct subscription *s, struct str body, bool last)
{
    int err = set_body(s, body);
    if (err == 0) {
        s->dirty = true;
        subscription_wake(s);
    }
    if (last) {
        s->gone = NULL;
        subscription_end(s, EVENT_NORESOURCE);
    }
    return err;
}
