/* SPDX-License-Identifier: Apache-2.0 */
/* Errands, whatever carries them. See means.h. */
#include "phone/means.h"
#include "base/err.h"

void phone_carrier_init(struct phone_carrier *c, const struct env *env, struct txn_layer *txn,
                        struct arena *scratch, struct str contact_user, uint32_t max)
{
    *c = (struct phone_carrier){.env = env,
                                .txn = txn,
                                .scratch = scratch,
                                .contact_user = contact_user,
                                .max = or_default(max, 1000),
                                .next_tag = 1};
    list_init(&c->errands);
}

void phone_carrier_fini(struct phone_carrier *c)
{
    while (!list_empty(&c->errands)) {
        struct phone_errand *e = list_entry(c->errands.next, struct phone_errand, link);
        if (e->txn != NULL) {
            txn_detach(e->txn);
        }
        phone_errand_free(e);
    }
}

struct phone_errand *phone_errand_new(struct phone_carrier *by, phone_errand_fn fn, void *owner,
                                      int *err)
{
    struct phone_errand *e;

    *err = E_TOOMANY;
    if (by->count >= by->max) {
        return NULL;
    }
    *err = E_NOMEM;
    e = mem_zalloc(&by->env->mem, sizeof(*e));
    if (e != NULL) {
        e->by = by;
        e->fn = fn;
        e->owner = owner;
        list_append(&by->errands, &e->link);
        by->count++;
        *err = 0;
    }
    return e;
}

void phone_errand_free(struct phone_errand *e)
{
    list_remove(&e->link);
    e->by->count--;
    mem_free(&e->by->env->mem, e);
}

void phone_errand_forget(struct phone_errand *e)
{
    e->fn = NULL;
    e->owner = NULL;
}

void phone_errand_done(struct phone_errand *e, unsigned status, struct str csta,
                       uint64_t now_ms)
{
    phone_errand_fn fn = e->fn;
    void *owner = e->owner;
    uint64_t *count = status >= 300 ? &e->by->failed : &e->by->answered;

    ++*count;
    phone_errand_free(e);
    if (fn != NULL) {
        fn(owner, status, csta, now_ms);
    }
}

const struct phone_means_ops *phone_means_for(const struct phone_profile *p,
                                              const struct csta_msg *msg)
{
    if (phone_means_notify.takes(p, msg)) {
        return &phone_means_notify;
    }
    if (phone_means_key.takes(p, msg)) {
        return &phone_means_key;
    }
    return phone_means_action.takes(p, msg) ? &phone_means_action : NULL;
}
