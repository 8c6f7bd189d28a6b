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

static void tell(struct call_layer *l, struct device *d, unsigned which, uint64_t now_ms)
{
    if (l->on_feature != NULL) {
        l->on_feature(l->ctx, d, which, now_ms);
    }
}

int call_set_dnd(struct call_layer *l, struct device *d, bool on, uint64_t now_ms)
{
    struct device_features *f = get(l, d);

    if (f == NULL) {
        return E_NOMEM;
    }
    f->dnd = on;
    tell(l, d, FEATURE_DND, now_ms);
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

int call_set_forward(struct call_layer *l, struct device *d, enum forward_type type, bool on,
                     struct str to, uint32_t rings, uint64_t now_ms)
{
    const struct forward *was = &call_features(d)->forward[type];
    struct str number = to.n > 0 ? to : str_c(was->to);
    struct device_features *f;
    int err = on || to.n > 0 ? check_target(l, d, number) : 0;

    if (err != 0) {
        return err;
    }
    f = get(l, d);
    if (f == NULL) {
        return E_NOMEM;
    }
    if (to.n > 0) {
        memcpy(f->forward[type].to, to.p, to.n);
        f->forward[type].to[to.n] = '\0';
    }
    f->forward[type].on = on;
    f->forward[type].rings = rings != 0 ? rings : f->forward[type].rings;
    tell(l, d, type, now_ms);
    return 0;
}
