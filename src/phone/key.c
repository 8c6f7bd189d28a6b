/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key that answers, pressed over HTTP (means_action.c): the last means, for a phone that
 * rings and cannot be asked in any other way.
 *
 * WHICH PHONE. The one that rings: that of the registration to which a branch of the connection
 * leads, as long as the branch is early and not refused. Another phone of the device would
 * answer something else, or nothing.
 *
 * WHICH CALL. A key acts on what the phone shows. So it is not pressed while that phone has
 * another call, be it one that Baton carries or one of which the phone tells (phone.h).
 *
 * WHERE TO. From where the REGISTER came over a flow that is still there, or over UDP, and not
 * through a proxy that has put itself on the Path (RFC 3327): then that address is the proxy's.
 * Contact and Path are what the phone says, and it could name any machine.
 */
#include "phone/parts.h"

static const struct csta_answer_call no_call;
static const struct csta_msg answer_key = {.id = CSTA_MSG_ANSWER_CALL, .answer_call = &no_call};

static bool is_at(const struct branch *br, const struct binding *b)
{
    return br->leg != NULL && !br->refused && br->leg->state < LEG_ENDING &&
           (br->binding != 0 ? br->binding == b->id
                             : addr_eq(&br->leg->hop.remote, &b->hop.remote));
}

/** Has the phone of that registration a call besides? */
static bool has_another(struct phone *f, const struct binding *b, const struct connection *c)
{
    if (f->call_count > (phone_call_of(f, c) != NULL ? 1 : 0)) {
        return true;
    }
    for (struct connection *o = NULL; (o = call_of_device(c->device, o)) != NULL;) {
        list_each(it, &o->branches)
        {
            if (o != c && is_at(list_entry(it, struct branch, link), b)) {
                return true;
            }
        }
    }
    return false;
}

/** The registration of a phone that rings with `c`, and whose key may be pressed. */
static const struct binding *to_press(const struct connection *c, struct phone **f)
{
    struct phones *p = c->call->layer->phones;
    const struct binding *b = NULL;

    if (p->env->fetch == NULL || c->device == NULL || c->state != CONN_ALERTING) {
        return NULL;
    }
    list_each(it, &c->branches)
    {
        const struct branch *br = list_entry(it, struct branch, link);
        if (br->leg == NULL || br->refused || br->leg->state != LEG_EARLY) {
            continue;
        }
        *f = phone_registered_as(p, c->device, br->binding, &b);
        if (*f != NULL && phone_means_action.takes((*f)->profile, &answer_key) &&
            b->routes.n == 0 && (b->hop.flow != 0 || b->hop.transport == TP_UDP) &&
            !has_another(*f, b, c)) {
            return b;
        }
    }
    return NULL;
}

bool phone_has_answer_key(const struct connection *c)
{
    struct phone *f;

    return to_press(c, &f) != NULL;
}

/* The key was pressed, or not. */
static void on_key(void *owner, unsigned status, struct str csta, uint64_t now_ms)
{
    struct act *a = owner;
    call_done_fn fn = a->fn;
    void *who = a->owner;

    (void)csta;
    act_free(a);
    if (fn != NULL) {
        fn(who, status < 300 ? CALL_OK : CALL_REFUSED, 0, now_ms);
    }
}

enum call_error phone_press_answer(struct connection *c, call_done_fn fn, void *owner,
                                   uint64_t now_ms)
{
    struct phone *f;
    const struct binding *b = to_press(c, &f);
    struct act *a;
    int err;

    if (b == NULL) {
        return CALL_UNSUPPORTED;
    }
    const struct phone_way way = {.uri = f->device->uri,
                                  .target = {.hop = b->hop},
                                  .source = &b->hop.remote,
                                  .here = f->phones->world.directory};
    a = act_new(f->phones, fn, owner);
    err = a == NULL ? E_NOMEM
                    : phone_means_action.send(&f->phones->carrier, &way, f->profile,
                                              &answer_key, STR_NONE, on_key, a, NULL, now_ms);
    if (err != 0) {
        act_free(a);
        return err == E_VALUE ? CALL_UNSUPPORTED : CALL_NO_RESOURCES;
    }
    return CALL_OK;
}
