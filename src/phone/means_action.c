/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACTION-URI (action.h): the key that does what a request asks for, pressed over HTTP.
 *
 * The request leaves through env->fetch, by whoever has the network; without that nothing
 * leaves. It goes to the address from which the phone has registered and to no other
 * (action.h). A phone has one answer to it, that of its web server: 2xx means that the key was
 * pressed, not that anything came of it. So it stands for a service only where the phone has no
 * other means, and what came of it is seen in the call.
 *
 * Keys act on the call that the phone shows. Which one that is nobody knows here, so the caller
 * uses this only when the phone has one.
 */
#include "base/err.h"
#include "phone/action.h"
#include "phone/means.h"

enum { PATIENCE_MS = 5000 };

static bool takes(const struct phone_profile *p, const struct csta_msg *msg)
{
    struct str number;
    enum phone_act act;

    return str_is_set(p->action_uri) && phone_act_of(msg, &act, &number) &&
           str_is_set(p->action_key[act]);
}

static int send_action(struct phone_carrier *by, const struct phone_way *way,
                       const struct phone_profile *p, const struct csta_msg *msg,
                       struct str xml, phone_errand_fn fn, void *owner,
                       struct phone_errand **out, uint64_t now_ms)
{
    struct phone_errand *e;
    struct str number;
    enum phone_act act;
    struct out url;
    char *buf;
    int err;

    (void)xml;
    (void)now_ms;
    if (by->env->fetch == NULL || !takes(p, msg) || !phone_act_of(msg, &act, &number)) {
        return E_UNSUPPORTED;
    }
    if (way->source == NULL) {
        by->refused++;
        return E_VALUE;
    }
    buf = arena_alloc(by->scratch, 2 * PHONE_ACTION_MAX);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&url, buf, 2 * PHONE_ACTION_MAX);
    err = phone_action_write(p, act, way->source, way->here, number, &url);
    if (err != 0) {
        by->refused++;
        return err == E_SPACE ? E_VALUE : err;
    }
    e = phone_errand_new(by, fn, owner, &err);
    if (e == NULL) {
        return err;
    }
    e->tag = by->next_tag++;
    err = by->env->fetch(by->env->ctx, out_str_of(&url), PATIENCE_MS, e->tag);
    if (err != 0) {
        phone_errand_free(e);
        return err;
    }
    by->sent++;
    if (out != NULL) {
        *out = e;
    }
    return 0;
}

void phone_carrier_fetched(struct phone_carrier *c, uint64_t tag, unsigned status,
                           uint64_t now_ms)
{
    list_each(it, &c->errands)
    {
        struct phone_errand *e = list_entry(it, struct phone_errand, link);
        if (e->tag == tag && tag != 0) {
            phone_errand_done(e, status != 0 ? status : 408, STR_NONE, now_ms);
            return;
        }
    }
}

const struct phone_means_ops phone_means_action = {
    .name = "action",
    .takes = takes,
    .send = send_action,
};
