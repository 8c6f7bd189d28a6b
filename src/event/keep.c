/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions that outlive the process (RFC 6665), under our tag of their dialog.
 *
 * Who has subscribed goes on being told: after a restart each subscription hears all of the
 * state that is now, as after a refresh, in its old dialog and with the next version of its
 * document. What is fed by somebody else (REFER) ends with him and is not kept. Mailboxes are
 * rows of their own (mailbox_keep.c).
 *
 * Nobody is told what he may not know any more: who subscribes and what he may are judged anew,
 * as in a SUBSCRIBE, by the configuration that is now. Whose row is dropped hears 481 when he
 * refreshes, and is judged by his next SUBSCRIBE.
 */
#include "base/hop.h"
#include "event/parts.h"

enum { VERSION = 1 };

static void write_subscription(struct out *o, const void *what, uint64_t now_ms)
{
    const struct subscription *s = what;
    const struct event_layer *l = s->layer;

    pack_number(o, VERSION);
    pack_str(o, s->package->name);
    pack_str(o, s->resource->device->key);
    pack_str(o, s->subscriber->key);
    pack_str(o, s->id);
    pack_number(o, s->version);
    pack_bool(o, s->may_set);
    pack_date(o, l->env, s->expires_ms, now_ms);
    dialog_pack(o, &s->dialog, l->env, &l->locator);
}

static bool is_kept(const struct subscription *s)
{
    return s->layer->store != NULL && s->resource != NULL && s->subscriber != NULL;
}

void subscription_touch(struct subscription *s)
{
    if (is_kept(s) && !list_linked(&s->touch)) {
        list_append(&s->layer->touched, &s->touch);
    }
}

void subscription_unkeep(struct subscription *s)
{
    const struct store_ops *store = s->layer->store;

    list_remove(&s->touch);
    if (store != NULL && s->kept) {
        store->drop(store->ctx, STORE_SUBSCRIPTION, s->dialog.local_tag);
    }
}

void event_keep(struct event_layer *l, uint64_t now_ms)
{
    while (!list_empty(&l->touched)) {
        struct subscription *s = list_entry(l->touched.next, struct subscription, touch);
        struct str row;
        list_remove(&s->touch);
        row = is_kept(s) ? pack_in(&l->room, write_subscription, s, now_ms) : STR_NONE;
        if (row.n > 0) {
            s->kept = true;
            l->store->put(l->store->ctx, STORE_SUBSCRIPTION, s->dialog.local_tag, row);
        }
    }
}

void event_keep_all(struct event_layer *l, uint64_t now_ms)
{
    size_t slot = 0;

    for (struct map_node *n = NULL; (n = map_walk(&l->dialogs, &slot, n)) != NULL;) {
        subscription_touch(container_of(n, struct subscription, dialog.node));
    }
    event_keep(l, now_ms);
    mailbox_keep_all(l, now_ms);
}

void event_keep_in(struct event_layer *l, const struct store_ops *store)
{
    l->store = store;
}

/* ---- putting back ---- */

static const struct event_package *package_named(struct str name)
{
    for (size_t i = 0; event_packages[i] != NULL; i++) {
        if (str_eq(event_packages[i]->name, name)) {
            return event_packages[i];
        }
    }
    return NULL;
}

static int read_subscription(struct subscription *s, struct unpack *u, uint64_t now_ms)
{
    const struct event_layer *l = s->layer;
    int err = mem_dup(&l->env->mem, unpack_str(u), &s->id);

    s->version = (uint32_t)unpack_upto(u, UINT32_MAX);
    (void)unpack_bool(u); /* judged anew */
    s->expires_ms = unpack_date(u, l->env, now_ms);
    if (err == 0) {
        err = dialog_unpack(u, &s->dialog, &l->env->mem, l->env);
    }
    return err != 0 ? err : u->bad ? E_SYNTAX : s->expires_ms <= now_ms ? E_NOTFOUND : 0;
}

int event_restore(struct event_layer *l, struct str value, uint64_t now_ms)
{
    struct unpack u = unpack_of(value);
    const struct mem *mem = &l->env->mem;
    struct subscription_args args = {.package = NULL};
    struct subscription *s;
    struct event_party party;
    struct device *d;
    int err;

    if (unpack_number(&u) != VERSION) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    args.package = package_named(unpack_str(&u));
    d = directory_device(l->directory, unpack_str(&u));
    struct str who = unpack_str(&u);
    if (u.bad || who.n == 0 || args.package == NULL || d == NULL) {
        return u.bad ? E_SYNTAX : E_NOTFOUND;
    }
    if (!event_party_keyed(l, who, &party)) {
        return E_NOTFOUND;
    }
    if (!subscribe_may_watch(l, &party, args.package, d)) {
        return E_DENIED;
    }
    s = pool_get(&l->subscription_pool);
    if (s == NULL) {
        return E_NOMEM;
    }
    s->layer = l;
    err = read_subscription(s, &u, now_ms);
    s->may_set = subscribe_may_set(&party, d);
    if (err == 0) {
        args.subscriber = subscriber_keyed(l, who);
        args.resource = resource_get(l, args.package, d, now_ms);
        err = args.subscriber == NULL || args.resource == NULL ? E_NOMEM : 0;
    }
    if (err != 0) {
        resource_settle(args.resource);
        subscriber_settle(l, args.subscriber);
        dialog_clear(&s->dialog, mem);
        mem_free(mem, (void *)(uintptr_t)s->id.p);
        pool_put(&l->subscription_pool, s);
        return err;
    }
    s->kept = true;
    subscription_restored(s, &args);
    return 0;
}
