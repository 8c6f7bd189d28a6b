/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of bindings: records by canonical address, bindings in order of preference, the
 * timers that end them, and the way from a stream flow to its bindings.
 *
 * INVARIANTS  a record that is in the map has at least one binding, except inside a call of
 *             this module; `count` is the length of `bindings`; the list is sorted by q, the
 *             newest first among equals; every linked binding's timer runs; a binding is in a
 *             flow bucket exactly when it is on a stream flow that is open.
 * OWNERSHIP   pools own records and bindings; a record owns its key, a binding its block.
 * COST        look-up O(1); linking O(bindings of the record); expiry O(1). A UDP listener is
 *             one flow for everybody and never closes, so only stream flows are indexed.
 */
#include "registrar/registrar.h"
#include "base/err.h"
#include "registrar/parts.h"

void registrar_fini(struct registrar *r)
{
    if (r->env == NULL) {
        return;
    }
    r->on_binding = NULL;
    r->store = NULL;
    size_t slot = 0;
    struct map_node *n = r->records.slot != NULL ? map_walk(&r->records, &slot, NULL) : NULL;
    while (n != NULL) {
        struct record *rec = container_of(n, struct record, node);
        n = map_walk(&r->records, &slot, n);
        while (!list_empty(&rec->bindings)) {
            registrar_drop(list_entry(rec->bindings.next, struct binding, link),
                           BINDING_DEACTIVATED, 0);
        }
        registrar_hide_record(rec);
        registrar_free_record(rec);
    }
    map_fini(&r->records);
    map_fini(&r->contacts);
    registrar_gruu_fini(r);
    pool_fini(&r->record_pool);
    pool_fini(&r->binding_pool);
    mem_free(&r->env->mem, r->flows);
    *r = (struct registrar){0};
}

int registrar_init(struct registrar *r, const struct env *env, struct wheel *wheel,
                   const struct registrar_config *config)
{
    *r = (struct registrar){.env = env, .wheel = wheel};
    struct registrar_config *c = &r->config;
    c->min_expires_s = or_default(config->min_expires_s, 60);
    c->max_expires_s = or_default(config->max_expires_s, 86400);
    c->default_expires_s = or_default(config->default_expires_s, 3600);
    c->max_contacts = or_default(config->max_contacts, 10);
    c->max_records = or_default(config->max_records, 100000);
    /* a phone that names no time is never told that it is too short */
    if (c->default_expires_s < c->min_expires_s) {
        c->default_expires_s = c->min_expires_s;
    }
    if (c->max_expires_s < c->min_expires_s) {
        c->max_expires_s = c->min_expires_s;
    }
    c->flow_timer_s = config->flow_timer_s;
    c->path_lenient = config->path_lenient;
    c->service_route = config->service_route;
    env->random(env->ctx, &r->key, sizeof(r->key));
    pool_init(&r->record_pool, &env->mem, sizeof(struct record), 64, c->max_records);
    pool_init(&r->binding_pool, &env->mem, sizeof(struct binding), 32, 0);
    r->flows = mem_alloc(&env->mem, REGISTRAR_FLOW_BUCKETS * sizeof(*r->flows));
    if (r->flows == NULL || map_init(&r->records, &env->mem, 64) < 0 ||
        map_init(&r->contacts, &env->mem, 64) < 0 || registrar_gruu_init(r) < 0) {
        registrar_fini(r);
        return E_NOMEM;
    }
    for (size_t i = 0; i < REGISTRAR_FLOW_BUCKETS; i++) {
        list_init(&r->flows[i]);
    }
    return 0;
}

struct record *registrar_add_record(struct registrar *r, struct str key)
{
    struct record *rec = pool_get(&r->record_pool);
    if (rec == NULL) {
        return NULL;
    }
    if (mem_dup(&r->env->mem, key, &rec->key) < 0) {
        pool_put(&r->record_pool, rec);
        return NULL;
    }
    rec->registrar = r;
    list_init(&rec->bindings);
    map_add(&r->records, &rec->node, hash_bytes(&r->key, key));
    return rec;
}

void registrar_hide_record(struct record *rec)
{
    map_remove(&rec->registrar->records, &rec->node);
}

void registrar_free_record(struct record *rec)
{
    struct registrar *r = rec->registrar;
    /* the copy is ours: mem_dup made it */
    mem_free(&r->env->mem, (void *)(uintptr_t)rec->key.p);
    pool_put(&r->record_pool, rec);
}

/* The last binding went: tell, then free. */
static void retire(struct record *rec, uint64_t now_ms)
{
    struct registrar *r = rec->registrar;
    registrar_hide_record(rec);
    if (r->on_change != NULL) {
        r->on_change(r->ctx, rec, false, now_ms);
    }
    registrar_free_record(rec);
}

static void on_expire(struct timer *t, uint64_t now_ms)
{
    struct binding *b = container_of(t, struct binding, expire);
    struct record *rec = b->record;
    registrar_drop(b, BINDING_EXPIRED, now_ms);
    rec->registrar->expired++;
    if (rec->count == 0) {
        retire(rec, now_ms);
    }
}

void registrar_expire_due(struct record *rec, uint64_t now_ms)
{
    list_each(it, &rec->bindings)
    {
        struct binding *b = list_entry(it, struct binding, link);
        if (b->expires_ms <= now_ms) {
            registrar_drop(b, BINDING_EXPIRED, now_ms);
            rec->registrar->expired++;
        }
    }
    if (rec->count == 0) {
        retire(rec, now_ms);
    }
}

void registrar_link(struct record *rec, struct binding *b)
{
    struct registrar *r = rec->registrar;
    struct list *at = rec->bindings.next;
    while (at != &rec->bindings && list_entry(at, struct binding, link)->q_milli > b->q_milli) {
        at = at->next;
    }
    b->record = rec;
    list_insert_before(at, &b->link);
    rec->count++;
    if (b->hop.flow != 0 && transport_is_reliable((enum transport)b->hop.transport)) {
        list_append(&r->flows[b->hop.flow % REGISTRAR_FLOW_BUCKETS], &b->flow_link);
    }
    registrar_contact_link(b);
    registrar_gruu_link(b);
    timer_init(&b->expire, on_expire);
    timer_set(r->wheel, &b->expire, b->expires_ms);
}

void registrar_unlink(struct binding *b)
{
    timer_stop(b->record->registrar->wheel, &b->expire);
    registrar_contact_unlink(b);
    registrar_gruu_unlink(b);
    list_remove(&b->flow_link);
    list_remove(&b->link);
    b->record->count--;
}

void registrar_tell(const struct binding *b, enum binding_event what, uint64_t now_ms)
{
    const struct registrar *r = b->record->registrar;
    registrar_keep(b,
                   what == BINDING_EXPIRED || what == BINDING_UNREGISTERED ||
                       what == BINDING_DEACTIVATED,
                   now_ms);
    if (r->on_binding != NULL) {
        r->on_binding(r->ctx, b->record, b, what, now_ms);
    }
}

void registrar_drop(struct binding *b, enum binding_event why, uint64_t now_ms)
{
    struct registrar *r = b->record->registrar;
    registrar_unlink(b);
    registrar_tell(b, why, now_ms);
    mem_free(&r->env->mem, b->block);
    pool_put(&r->binding_pool, b);
}

struct record *registrar_find(const struct registrar *r, struct str key)
{
    struct map_node *n = map_first(&r->records, hash_bytes(&r->key, key));
    for (; n != NULL; n = map_next(n)) {
        struct record *rec = container_of(n, struct record, node);
        if (str_eq(rec->key, key)) {
            return rec;
        }
    }
    return NULL;
}

/** The flow that the binding came on was the only way to it. */
static bool is_lost(const struct binding *b)
{
    struct txn_target target;
    return b->reg_id != 0 || !binding_target(b, &target);
}

void registrar_on_flow_closed(struct registrar *r, uint32_t flow, uint64_t now_ms)
{
    struct list lost;
    list_init(&lost);
    list_each(it, &r->flows[flow % REGISTRAR_FLOW_BUCKETS])
    {
        struct binding *b = list_entry(it, struct binding, flow_link);
        if (b->hop.flow == flow) {
            b->hop.flow = 0;
            list_remove(&b->flow_link);
            if (is_lost(b)) {
                list_append(&lost, &b->flow_link);
            }
        }
    }
    while (!list_empty(&lost)) { /* whoever hears of one may change the others */
        struct binding *b = list_entry(lost.next, struct binding, flow_link);
        struct record *rec = b->record;
        registrar_drop(b, BINDING_DEACTIVATED, now_ms);
        r->lost++;
        if (rec->count == 0) {
            retire(rec, now_ms);
        }
    }
}

void registrar_remove(struct registrar *r, struct str key, uint64_t now_ms)
{
    struct record *rec = registrar_find(r, key);
    if (rec == NULL) {
        return;
    }
    while (!list_empty(&rec->bindings)) {
        registrar_drop(list_entry(rec->bindings.next, struct binding, link),
                       BINDING_DEACTIVATED, now_ms);
        r->removed++;
    }
    retire(rec, now_ms);
}

void registrar_on_flow_failed(struct registrar *r, struct str key, uint64_t id)
{
    struct record *rec = registrar_find(r, key);
    if (rec == NULL) {
        return;
    }
    list_each(it, &rec->bindings)
    {
        struct binding *b = list_entry(it, struct binding, link);
        b->failed = b->failed || b->id == id;
    }
}
