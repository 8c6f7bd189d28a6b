/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bindings that outlive the process.
 *
 * A binding is one row, under its id. It is written whenever the registrar tells of it and
 * dropped when it goes; so phones need not register again after a restart, however it came.
 *
 * FLOWS. Over UDP the binding stands as it did: the phone is reached through the same listener,
 * at the address that its REGISTER came from. A connection is gone with the process: its
 * binding comes back without a flow, is reached at its contact if that can be, and else waits
 * for the phone, which finds its connection closed and registers again (RFC 5626 §4.4). A
 * flow of outbound is not replaced by another way in (§5.3); it counts as failed until then.
 *
 * GRUU. Public ones need nothing. Temporary ones are read with a key, and mean a life of an
 * instance: both are kept. Lives that begin after a restart have numbers that no life before
 * can have had (the time of day is in them), so that a GRUU of a phone that is gone never leads
 * to another.
 */
#include "base/err.h"
#include "base/hop.h"
#include "registrar/parts.h"

enum { VERSION = 1, ROW_MAX = REGISTRAR_TEXT_MAX + 2048 };

static struct str row_key_of(const struct binding *b, char *buf, size_t cap)
{
    struct out o;

    out_init(&o, buf, cap);
    out_u64(&o, b->id);
    return out_str_of(&o);
}

static void write(struct out *o, const struct binding *b, uint64_t now_ms)
{
    const struct env *env = b->record->registrar->env;

    pack_number(o, VERSION);
    pack_str(o, b->record->key);
    pack_str(o, b->contact);
    pack_str(o, b->params);
    pack_str(o, b->call_id);
    pack_str(o, b->user_agent);
    pack_str(o, b->routes);
    pack_str(o, b->supported);
    pack_number(o, b->reg_id);
    pack_number(o, b->cseq);
    pack_number(o, b->q_milli);
    pack_bool(o, b->has_q);
    pack_hop(o, env, &b->hop);
    pack_number(o, b->methods);
    pack_bool(o, b->event_talk);
    pack_number(o, b->gruu_life);
    pack_number(o, b->gruu_count);
    pack_number(o, b->serial);
    pack_date(o, env, b->expires_ms, now_ms);
}

void registrar_keep(const struct binding *b, bool gone, uint64_t now_ms)
{
    const struct registrar *r = b->record->registrar;
    char key[24], *row;
    struct out o;

    if (r->store == NULL) {
        return;
    }
    if (gone) {
        r->store->drop(r->store->ctx, STORE_BINDING, row_key_of(b, key, sizeof(key)));
        return;
    }
    row = mem_alloc(&r->env->mem, ROW_MAX + b->record->key.n);
    if (row == NULL) {
        return; /* its next refresh writes it */
    }
    out_init(&o, row, ROW_MAX + b->record->key.n);
    write(&o, b, now_ms);
    r->store->put(r->store->ctx, STORE_BINDING, row_key_of(b, key, sizeof(key)),
                  out_str_of(&o));
    mem_free(&r->env->mem, row);
}

void registrar_keep_all(const struct registrar *r, uint64_t now_ms)
{
    size_t slot = 0;

    for (struct map_node *n = map_walk(&r->records, &slot, NULL); n != NULL;
         n = map_walk(&r->records, &slot, n)) {
        const struct record *rec = container_of(n, struct record, node);
        list_each(it, &rec->bindings)
        {
            registrar_keep(list_entry(it, struct binding, link), false, now_ms);
        }
    }
    registrar_keep_secret(r);
}

void registrar_keep_secret(const struct registrar *r)
{
    char row[64];
    struct out o;

    if (r->store == NULL) {
        return;
    }
    out_init(&o, row, sizeof(row));
    pack_number(&o, VERSION);
    pack_str(&o, str_make((const char *)&r->key, sizeof(r->key)));
    pack_str(&o, str_make((const char *)r->gruu_key, sizeof(r->gruu_key)));
    r->store->put(r->store->ctx, STORE_SECRET, STR("registrar"), out_str_of(&o));
}

/* ---- putting back ---- */

int registrar_restore_secret(struct registrar *r, struct str value)
{
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u);
    struct str key = unpack_str(&u), gruu = unpack_str(&u);

    if (u.bad || version != VERSION || key.n != sizeof(r->key) ||
        gruu.n != sizeof(r->gruu_key)) {
        return u.bad || version == VERSION ? E_SYNTAX : E_VERSION;
    }
    memcpy(&r->key, key.p, key.n); /* nothing stands in a table yet */
    memcpy(r->gruu_key, gruu.p, gruu.n);
    r->last_life = r->env->wall_s(r->env->ctx) << 16;
    return registrar_gruu_take_key(r);
}

struct str registrar_row_key(struct str value)
{
    struct unpack u = unpack_of(value);

    return unpack_number(&u) == VERSION ? unpack_str(&u) : STR_NONE;
}

struct row {
    struct str key, contact, params, call_id, user_agent, routes, supported;
};

static void read_row(struct unpack *u, const struct env *env, struct row *t, struct binding *b,
                     uint64_t now_ms)
{
    t->key = unpack_str(u);
    t->contact = unpack_str(u);
    t->params = unpack_str(u);
    t->call_id = unpack_str(u);
    t->user_agent = unpack_str(u);
    t->routes = unpack_str(u);
    t->supported = unpack_str(u);
    b->reg_id = (uint32_t)unpack_upto(u, UINT32_MAX);
    b->cseq = (uint32_t)unpack_upto(u, UINT32_MAX);
    b->q_milli = (uint16_t)unpack_upto(u, 1000);
    b->has_q = unpack_bool(u);
    unpack_hop(u, env, &b->hop);
    b->methods = (uint32_t)unpack_upto(u, UINT32_MAX);
    b->event_talk = unpack_bool(u);
    b->gruu_life = unpack_number(u);
    b->gruu_count = (uint32_t)unpack_upto(u, UINT32_MAX);
    b->serial = unpack_number(u);
    b->expires_ms = unpack_date(u, env, now_ms);
}

static struct str put(struct out *o, struct str s)
{
    size_t at = o->n;

    out_str(o, s);
    return str_is_set(s) ? str_make(o->p + at, o->n - at) : STR_NONE;
}

static int take_text(struct binding *b, const struct mem *mem, const struct row *t)
{
    size_t size = t->contact.n + t->params.n + t->call_id.n + t->user_agent.n + t->routes.n +
                  t->supported.n;
    struct out o;

    if (size > REGISTRAR_TEXT_MAX) {
        return E_TOOBIG;
    }
    b->block = mem_alloc(mem, size + 1);
    if (b->block == NULL) {
        return E_NOMEM;
    }
    out_init(&o, b->block, size);
    b->contact = put(&o, t->contact);
    b->params = put(&o, t->params);
    b->call_id = put(&o, t->call_id);
    b->user_agent = put(&o, t->user_agent);
    b->routes = put(&o, t->routes);
    b->supported = put(&o, t->supported);
    b->instance = registrar_contact_instance(str_from(b->params, 1));
    return 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/** Bindings of one instance share their life; the one that was written last knows it. */
static void join_life(const struct record *rec, const struct binding *b)
{
    list_each(it, &rec->bindings)
    {
        struct binding *s = list_entry(it, struct binding, link);
        if (s == b || s->gruu_life == 0 || !str_ieq(s->instance, b->instance)) {
            continue;
        }
        struct binding *old = s->serial < b->serial ? s : (struct binding *)(uintptr_t)b;
        const struct binding *last = old == s ? b : s;
        registrar_gruu_unlink(old);
        old->gruu_life = last->gruu_life;
        old->gruu_count = last->gruu_count;
        registrar_gruu_link(old);
    }
}

static int enter(struct registrar *r, struct binding *b, struct str key)
{
    struct record *rec = registrar_find(r, key);

    if (rec == NULL) {
        rec = registrar_add_record(r, key);
    }
    if (rec == NULL) {
        return E_NOMEM;
    }
    if (rec->count >= r->config.max_contacts) {
        return E_TOOMANY;
    }
    registrar_link(rec, b);
    if (b->gruu_life != 0) {
        join_life(rec, b);
    }
    r->last_id = larger(r->last_id, b->id);
    r->last_serial = larger(r->last_serial, b->serial);
    r->last_life = larger(r->last_life, b->gruu_life);
    return 0;
}

int registrar_restore(struct registrar *r, struct str key, struct str value, uint64_t now_ms)
{
    struct unpack u = unpack_of(value);
    struct binding *b;
    struct row t;
    int err;

    if (unpack_number(&u) != VERSION) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    b = pool_get(&r->binding_pool);
    if (b == NULL) {
        return E_NOMEM;
    }
    read_row(&u, r->env, &t, b, now_ms);
    b->created_ms = now_ms;
    err = u.bad || !str_to_u64(key, UINT64_MAX, &b->id) || b->id == 0 || t.contact.n == 0
              ? E_SYNTAX
          : b->expires_ms <= now_ms ? E_NOTFOUND
                                    : take_text(b, &r->env->mem, &t);
    b->failed = b->reg_id != 0 && b->hop.flow == 0;
    if (err == 0) {
        err = enter(r, b, t.key);
    }
    if (err != 0) {
        mem_free(&r->env->mem, b->block);
        pool_put(&r->binding_pool, b);
    }
    return err;
}
