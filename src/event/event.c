/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer: what is watched, who watches, and what waits to be told.
 *
 * INVARIANTS. A resource has at least one subscription, a subscriber too, except inside a call
 * of this module. A subscription that has something to tell is on the work list, or its NOTIFY
 * is in the air, or its pause runs.
 *
 * OWNERSHIP. The layer owns all; a subscriber owns its key, packages own resource->state.
 */
#include "event/parts.h"

/* ---- resources ---- */

static uint64_t resource_hash(const struct event_layer *l, const struct event_package *p,
                              const struct device *d)
{
    return hash_mix(hash_bytes(&l->key, d->key), (uint64_t)(uintptr_t)p);
}

struct resource *resource_find(const struct event_layer *l, const struct event_package *p,
                               const struct device *d)
{
    if (l->resources.count == 0) {
        return NULL; /* nobody watches anything: calls pay nothing */
    }
    struct map_node *n = map_first(&l->resources, resource_hash(l, p, d));
    for (; n != NULL; n = map_next(n)) {
        struct resource *r = container_of(n, struct resource, node);
        if (r->package == p && r->device == d) {
            return r;
        }
    }
    return NULL;
}

static void resource_free(struct resource *r)
{
    struct event_layer *l = r->layer;
    if (r->package->close != NULL) {
        r->package->close(r);
    }
    map_remove(&l->resources, &r->node);
    pool_put(&l->resource_pool, r);
}

struct resource *resource_get(struct event_layer *l, const struct event_package *p,
                              struct device *d, uint64_t now_ms)
{
    struct resource *r = resource_find(l, p, d);
    if (r != NULL) {
        return r;
    }
    r = pool_get(&l->resource_pool);
    if (r == NULL) {
        return NULL;
    }
    r->layer = l;
    r->package = p;
    r->device = d;
    r->rev = 1;
    list_init(&r->subscriptions);
    map_add(&l->resources, &r->node, resource_hash(l, p, d));
    if (p->open != NULL && p->open(r, now_ms) != 0) {
        resource_free(r);
        return NULL;
    }
    return r;
}

void resource_settle(struct resource *r)
{
    if (r != NULL && r->count == 0) {
        resource_free(r);
    }
}

void resource_changed(struct resource *r)
{
    r->rev++;
    list_each(it, &r->subscriptions)
    {
        struct subscription *s = list_entry(it, struct subscription, of_resource);
        if (s->dirty || s->notify != NULL) {
            r->layer->count.coalesced++;
        }
        s->dirty = true;
        subscription_wake(s);
    }
}

uint64_t resource_told(const struct resource *r)
{
    uint64_t told = r->rev;
    list_each(it, &r->subscriptions)
    {
        const struct subscription *s = list_entry(it, struct subscription, of_resource);
        told = s->told_rev < told ? s->told_rev : told;
    }
    return told;
}

/* ---- subscribers ---- */

struct str event_party_key(struct arena *a, const struct event_party *who)
{
    if (who->device != NULL) {
        return who->device->key;
    }
    if (who->application != NULL) {
        return arena_fmt(a, "app:%.*s", STR_ARG(who->application->name));
    }
    return who->peer != NULL ? arena_fmt(a, "peer:%.*s", STR_ARG(who->peer->name)) : STR_NONE;
}

bool event_party_keyed(const struct event_layer *l, struct str key, struct event_party *out)
{
    static const struct str app = STR_INIT("app:"), peer = STR_INIT("peer:");

    *out = (struct event_party){.device = NULL};
    if (str_starts(key, app)) {
        out->application = directory_application(l->directory, str_from(key, app.n));
    } else if (str_starts(key, peer)) {
        const struct peer *p = directory_peer_named(l->directory, str_from(key, peer.n));
        out->peer = p != NULL && p->trusted ? p : NULL; /* others prove nothing */
    } else {
        out->device = directory_device(l->directory, key);
    }
    return out->device != NULL || out->application != NULL || out->peer != NULL;
}

struct subscriber *subscriber_get(struct event_layer *l, const struct event_party *who)
{
    return subscriber_keyed(l, event_party_key(l->scratch, who));
}

struct subscriber *subscriber_keyed(struct event_layer *l, struct str key)
{
    uint64_t hash = hash_bytes(&l->key, key);
    if (key.n == 0) {
        return NULL;
    }
    for (struct map_node *n = map_first(&l->subscribers, hash); n != NULL; n = map_next(n)) {
        struct subscriber *s = container_of(n, struct subscriber, node);
        if (str_eq(s->key, key)) {
            return s;
        }
    }
    struct subscriber *s = pool_get(&l->subscriber_pool);
    if (s == NULL) {
        return NULL;
    }
    if (mem_dup(&l->env->mem, key, &s->key) != 0) {
        pool_put(&l->subscriber_pool, s);
        return NULL;
    }
    list_init(&s->subscriptions);
    map_add(&l->subscribers, &s->node, hash);
    return s;
}

void subscriber_settle(struct event_layer *l, struct subscriber *s)
{
    if (s != NULL && s->count == 0) {
        map_remove(&l->subscribers, &s->node);
        mem_free(&l->env->mem, (void *)(uintptr_t)s->key.p);
        pool_put(&l->subscriber_pool, s);
    }
}

/* ---- life ---- */

static void set_config(struct event_config *to, const struct event_config *c)
{
    *to = *c;
    to->max_subscriptions = or_default(c->max_subscriptions, 10000);
    to->max_per_subscriber = or_default(c->max_per_subscriber, 200);
    to->max_per_resource = or_default(c->max_per_resource, 200);
    to->max_publications = or_default(c->max_publications, 10000);
    to->min_expires_s = or_default(c->min_expires_s, 60);
    to->max_expires_s = or_default(c->max_expires_s, 86400);
    if (to->max_expires_s < to->min_expires_s) {
        to->max_expires_s = to->min_expires_s;
    }
}

static int make_tables(struct event_layer *l)
{
    const struct mem *mem = &l->env->mem;
    if (map_init(&l->dialogs, mem, 64) != 0 || map_init(&l->resources, mem, 64) != 0 ||
        map_init(&l->subscribers, mem, 64) != 0 || map_init(&l->mailboxes, mem, 64) != 0 ||
        map_init(&l->publications, mem, 64) != 0) {
        return E_NOMEM;
    }
    return 0;
}

struct event_layer *event_new(const struct event_world *w, const struct event_config *config)
{
    struct event_layer *l = mem_zalloc(&w->env->mem, sizeof(*l));
    if (l == NULL) {
        return NULL;
    }
    l->env = w->env;
    l->wheel = w->wheel;
    l->txn = w->txn;
    l->registrar = w->registrar;
    l->calls = w->calls;
    l->directory = w->directory;
    l->scratch = w->scratch;
    l->locator = w->locator;
    set_config(&l->config, config);
    l->key = (struct hash_key){env_random64(l->env), env_random64(l->env)};
    list_init(&l->work);
    list_init(&l->touched);
    l->room.mem = &l->env->mem;
    for (size_t i = 0; i < EVENT_FLOW_LISTS; i++) {
        list_init(&l->flows[i]);
    }
    const struct mem *mem = &l->env->mem;
    pool_init(&l->subscription_pool, mem, sizeof(struct subscription), 16,
              l->config.max_subscriptions);
    pool_init(&l->resource_pool, mem, sizeof(struct resource), 16, 0);
    pool_init(&l->subscriber_pool, mem, sizeof(struct subscriber), 16, 0);
    pool_init(&l->mailbox_pool, mem, sizeof(struct mailbox), 16, 0);
    pool_init(&l->publication_pool, mem, sizeof(struct publication), 16,
              l->config.max_publications);
    if (make_tables(l) != 0) {
        event_free(l);
        return NULL;
    }
    return l;
}

/** Any subscription, or NULL. */
static struct subscription *any_of(const struct event_layer *l)
{
    size_t slot = 0;
    struct map_node *n = map_walk(&l->dialogs, &slot, NULL);
    return n != NULL ? container_of(n, struct subscription, dialog.node) : NULL;
}

static void free_mailboxes(struct event_layer *l)
{
    size_t slot = 0;
    struct map_node *n;
    while (l->mailboxes.slot != NULL && (n = map_walk(&l->mailboxes, &slot, NULL)) != NULL) {
        mailbox_free(l, container_of(n, struct mailbox, node));
        slot = 0;
    }
}

void event_free(struct event_layer *l)
{
    if (l == NULL) {
        return;
    }
    for (struct subscription *s; l->dialogs.slot != NULL && (s = any_of(l)) != NULL;) {
        s->gone = NULL;
        subscription_free(s, l->wheel->now_ms);
    }
    pack_room_fini(&l->room);
    map_fini(&l->dialogs);
    map_fini(&l->resources);
    free_mailboxes(l);
    map_fini(&l->subscribers);
    map_fini(&l->mailboxes);
    map_fini(&l->publications);
    pool_fini(&l->subscription_pool);
    pool_fini(&l->resource_pool);
    pool_fini(&l->subscriber_pool);
    pool_fini(&l->mailbox_pool);
    pool_fini(&l->publication_pool);
    mem_free(&l->env->mem, l);
}

void event_settle(struct event_layer *l, uint64_t now_ms)
{
    while (!list_empty(&l->work)) {
        struct subscription *s = list_entry(l->work.next, struct subscription, work);
        list_remove(&s->work);
        notify_try(s, now_ms);
    }
}

void event_on_flow_closed(struct event_layer *l, uint32_t flow)
{
    list_each(it, &l->flows[flow % EVENT_FLOW_LISTS])
    {
        struct dialog *d = list_entry(it, struct dialog, flow_link);
        if (d->next.hop.flow == flow) {
            d->pinned = false;
            d->next.hop.flow = 0;
            dialog_aim(d);
            list_remove(&d->flow_link);
        }
    }
}

static void end_of_resource(struct event_layer *l, const struct device *d)
{
    for (const struct event_package *const *p = event_packages; *p != NULL; p++) {
        struct resource *r = resource_find(l, *p, d);
        if (r == NULL) {
            continue;
        }
        list_each(it, &r->subscriptions)
        {
            struct subscription *s = list_entry(it, struct subscription, of_resource);
            list_remove(&s->of_resource);
            s->resource = NULL;
            r->count--;
            subscription_end(s, EVENT_NORESOURCE);
        }
        resource_settle(r);
    }
}

void event_device_gone(struct event_layer *l, struct device *d, uint64_t now_ms)
{
    struct subscriber *s = subscriber_get(l, &(struct event_party){.device = d});
    struct mailbox *box = mailbox_find(l, d);
    end_of_resource(l, d);
    if (box != NULL) {
        mailbox_free(l, box);
        mailbox_keep(l, d, now_ms);
    }
    if (s != NULL) {
        list_each(it, &s->subscriptions)
        {
            subscription_end(list_entry(it, struct subscription, of_subscriber),
                             EVENT_REJECTED);
        }
        subscriber_settle(l, s);
    }
    event_settle(l, now_ms);
}

void event_end_all(struct event_layer *l, uint64_t now_ms)
{
    size_t slot = 0;
    l->stopping = true;
    for (struct map_node *n = NULL; (n = map_walk(&l->dialogs, &slot, n)) != NULL;) {
        subscription_end(container_of(n, struct subscription, dialog.node), EVENT_PROBATION);
    }
    free_mailboxes(l); /* nobody is there to be told any more */
    event_settle(l, now_ms);
}

void event_stats(const struct event_layer *l, struct event_stats *out)
{
    *out = l->count;
    out->subscriptions = l->subscription_pool.in_use;
    out->resources = l->resource_pool.in_use;
    out->publications = l->publication_pool.in_use;
}
