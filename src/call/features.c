/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switches of a device: see features.h.
 *
 * A device that has never had one set has no memory for them; one that has keeps it, with the
 * numbers of forwardings that are off, until the layer goes.
 */
#include "call/features.h"

#include "base/err.h"
#include "call/parts.h"

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

void call_clear_features(struct call_layer *l, struct device *d)
{
    if (d->features != NULL) {
        list_remove(&d->features->link);
        mem_free(&l->env->mem, d->features);
        d->features = NULL;
    }
}

void features_fini(struct call_layer *l)
{
    list_each(it, &l->features)
    {
        call_clear_features(l, list_entry(it, struct device_features, link)->device);
    }
}

static void tell(struct call_layer *l, struct device *d, unsigned which, bool changed,
                 uint64_t now_ms)
{
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
    for (size_t i = 0; i < to.n; i++) {
        if (to.p[i] <= ' ' || to.p[i] > '~') {
            return E_VALUE;
        }
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
