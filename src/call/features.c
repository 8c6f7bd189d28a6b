/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switches of a device: see features.h.
 *
 * A device that has never had one set has no memory for them; one that has keeps it, with the
 * numbers of forwardings that are off, until the layer goes.
 *
 * KEPT (base/store.h) is all of a device's in one row under its key, with each change. What
 * comes back is not judged again but for its form: a forwarding to a number that is configured
 * no more fails as it would have failed without a restart.
 */
#include "call/features.h"

#include "base/err.h"
#include "base/pack.h"
#include "call/parts.h"

enum { VERSION = 1, ROW_MAX = 512 };
_Static_assert(ROW_MAX > 2 + FORWARD_COUNT * (FORWARD_TO_MAX + 4 * PACK_NUMBER_MAX),
               "room for a device's features");

const struct device_features *call_features(const struct device *d)
{
    static const struct device_features none;

    return d != NULL && d->features != NULL ? d->features : &none;
}

static struct device_features *get(struct call_layer *l, struct device *d)
{
    struct device_features *f = d->features;

    if (f == NULL && (f = mem_zalloc(&l->env->mem, sizeof(*f))) != NULL) {
        f->device = d;
        d->features = f;
        list_append(&l->features, &f->link);
    }
    return f;
}

static void release(struct call_layer *l, struct device *d)
{
    list_remove(&d->features->link);
    mem_free(&l->env->mem, d->features);
    d->features = NULL;
}

void call_clear_features(struct call_layer *l, struct device *d)
{
    if (d->features != NULL) {
        release(l, d);
        if (l->store != NULL) {
            l->store->drop(l->store->ctx, STORE_FEATURES, d->key);
        }
    }
}

void features_fini(struct call_layer *l)
{
    list_each(it, &l->features)
    {
        release(l, list_entry(it, struct device_features, link)->device);
    }
}

/* ---- what outlives the process ---- */

static void keep(const struct call_layer *l, const struct device_features *f)
{
    char row[ROW_MAX];
    struct out o;

    if (l->store == NULL) {
        return;
    }
    out_init(&o, row, sizeof(row));
    pack_number(&o, VERSION);
    pack_bool(&o, f->dnd);
    for (size_t i = 0; i < FORWARD_COUNT; i++) {
        const struct forward *to = &f->forward[i];
        pack_bool(&o, to->on);
        pack_number(&o, to->rings);
        pack_number(&o, to->seconds);
        pack_str(&o, str_c(to->to));
    }
    l->store->put(l->store->ctx, STORE_FEATURES, f->device->key, out_str_of(&o));
}

void call_keep_features(const struct call_layer *l)
{
    for (const struct list *it = l->features.next; it != &l->features; it = it->next) {
        keep(l, list_entry((struct list *)(uintptr_t)it, struct device_features, link));
    }
}

static bool is_visible(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] > '~') {
            return false;
        }
    }
    return true;
}

static void read_forward(struct unpack *u, struct forward *f)
{
    struct str to;

    f->on = unpack_bool(u);
    f->rings = (uint32_t)unpack_upto(u, FORWARD_RINGS_MAX);
    f->seconds = (uint32_t)unpack_upto(u, FORWARD_SECONDS_MAX);
    to = unpack_str(u);
    if (to.n > FORWARD_TO_MAX || !is_visible(to) || (f->on && to.n == 0)) {
        u->bad = true;
    } else if (to.n > 0) {
        memcpy(f->to, to.p, to.n);
    }
}

int call_restore_features(struct call_layer *l, struct str key, struct str value)
{
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u);
    struct device *d = directory_device(l->directory, key);
    struct device_features read = {.dnd = unpack_bool(&u)}, *f;

    for (size_t i = 0; i < FORWARD_COUNT; i++) {
        read_forward(&u, &read.forward[i]);
    }
    if (u.bad || version != VERSION) {
        return version == VERSION || value.n == 0 ? E_SYNTAX : E_VERSION;
    }
    if (d == NULL) {
        return E_NOTFOUND;
    }
    f = get(l, d);
    if (f == NULL) {
        return E_NOMEM;
    }
    f->dnd = read.dnd;
    memcpy(f->forward, read.forward, sizeof(f->forward));
    return 0;
}

/* ---- switching ---- */

static void tell(struct call_layer *l, struct device *d, unsigned which, bool changed,
                 uint64_t now_ms)
{
    if (changed) {
        keep(l, d->features);
    }
    if (l->on_feature != NULL) {
        l->on_feature(l->ctx, d, which, changed, now_ms);
    }
}

int call_set_dnd(struct call_layer *l, struct device *d, bool on, uint64_t now_ms)
{
    bool changed = call_features(d)->dnd != on;
    struct device_features *f = get(l, d);

    if (f == NULL) {
        return E_NOMEM;
    }
    f->dnd = on;
    tell(l, d, FEATURE_DND, changed, now_ms);
    return 0;
}

/** Is this a place to which calls for `d` can be forwarded? */
static int check_target(struct call_layer *l, const struct device *d, struct str to)
{
    struct destination dest;

    if (to.n > FORWARD_TO_MAX) {
        return E_TOOBIG;
    }
    if (!is_visible(to)) {
        return E_VALUE;
    }
    return destination_of_text(l, to, &dest) && (dest.device == NULL || dest.device != d)
               ? 0
               : E_VALUE;
}

/** After how long there is no answer: the newer word counts. */
static void set_patience(struct forward *f, const struct forward_change *change)
{
    if (change->rings != 0) {
        f->rings = change->rings;
        f->seconds = 0;
    }
    if (change->seconds != 0) {
        f->seconds = change->seconds;
    }
}

static bool is_same(const struct forward *a, const struct forward *b)
{
    return a->on == b->on && str_eq(str_c(a->to), str_c(b->to)) &&
           forward_ring_ms(a) == forward_ring_ms(b);
}

int call_change_forward(struct call_layer *l, struct device *d, enum forward_type type,
                        const struct forward_change *change, uint64_t now_ms)
{
    const struct forward was = call_features(d)->forward[type];
    struct str to = change->to, number = to.n > 0 ? to : str_c(was.to);
    struct device_features *f;
    struct forward *now;
    int err = change->on || to.n > 0 ? check_target(l, d, number) : 0;

    if (err != 0) {
        return err;
    }
    f = get(l, d);
    if (f == NULL) {
        return E_NOMEM;
    }
    now = &f->forward[type];
    if (to.n > 0) {
        memcpy(now->to, to.p, to.n);
        now->to[to.n] = '\0';
    }
    now->on = change->on;
    set_patience(now, change);
    tell(l, d, type, !is_same(&was, now), now_ms);
    return 0;
}

int call_set_forward(struct call_layer *l, struct device *d, enum forward_type type, bool on,
                     struct str to, uint32_t rings, uint64_t now_ms)
{
    struct forward_change change = {.on = on, .to = to, .rings = rings};

    return call_change_forward(l, d, type, &change, now_ms);
}

uint32_t forward_ring_ms(const struct forward *f)
{
    return f->seconds != 0 ? f->seconds * 1000
                           : (f->rings != 0 ? f->rings : FORWARD_RINGS) * FORWARD_RING_MS;
}

uint32_t forward_ring_count(const struct forward *f)
{
    uint32_t ms = forward_ring_ms(f);

    return ms < FORWARD_RING_MS ? 1 : ms / FORWARD_RING_MS;
}
