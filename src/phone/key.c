/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of a phone, pressed from here (action.h): the last means, where it can be asked in no
 * other way.
 *
 *   AnswerCall                    of a call that Baton carries, at the phone that rings
 *   AnswerCall, ClearConnection,
 *   HoldCall, RetrieveCall        of a call of the phone's own that it tells of, when it does
 *                                 not serve them
 *   SetDoNotDisturb               when it neither serves that nor subscribes to the switches
 *
 * WHICH PHONE. The one that rings: that of the registration to which a branch of the connection
 * leads, as long as the branch is early and not refused. Another phone of the device would
 * answer something else, or nothing. Of a call of its own: the phone that tells of it.
 *
 * WHICH CALL. A key acts on what the phone shows. So it is not pressed while that phone has
 * another call, be it one that Baton carries or one of which the phone tells (phone.h).
 *
 * BY WHICH MEANS. By NOTIFY on the way of the registration, when the profile says that the
 * phone takes it. One that refuses the event is not sent it again, and is asked over HTTP.
 * That a request was not answered says nothing about the key: it is not pressed twice.
 *
 * WHERE TO, over HTTP. From where the REGISTER came over a flow that is still there, or over
 * UDP, and not through a proxy that has put itself on the Path (RFC 3327): then that address is
 * the proxy's. Contact and Path are what the phone says, and it could name any machine.
 */
#include "phone/parts.h"

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

/* ---- by which means ---- */

static bool is_reached_over_http(const struct phones *p, const struct binding *b)
{
    return p->env->fetch != NULL && b->routes.n == 0 &&
           (b->hop.flow != 0 || b->hop.transport == TP_UDP);
}

/** @return NULL: by none */
static const struct phone_means_ops *means_of(const struct phone *f, const struct binding *b,
                                              const struct csta_msg *msg)
{
    struct txn_target target;

    if (!f->key_refused && phone_means_key.takes(f->profile, msg) &&
        binding_target(b, &target)) {
        return &phone_means_key;
    }
    return phone_means_action.takes(f->profile, msg) && is_reached_over_http(f->phones, b)
               ? &phone_means_action
               : NULL;
}

/** @return as phone_means_ops.send */
static int send_press(struct phone *f, const struct binding *b, const struct csta_msg *msg,
                      phone_errand_fn fn, struct act *a, uint64_t now_ms)
{
    struct phones *p = f->phones;
    const struct phone_means_ops *means = means_of(f, b, msg);
    struct phone_way way = {.request_uri = binding_request_uri(b, false, p->world.scratch),
                            .routes = b->routes,
                            .uri = f->device->uri,
                            .target = {.hop = b->hop},
                            .here = p->world.directory};

    if (means == NULL) {
        return E_UNSUPPORTED;
    }
    (void)binding_target(b, &way.target); /* of NOTIFY it is known to be there */
    if (is_reached_over_http(p, b)) {
        way.source = &b->hop.remote;
    }
    if (a != NULL) {
        a->by_notify = means == &phone_means_key;
    }
    return means->send(&p->carrier, &way, f->profile, msg, STR_NONE, fn, a, NULL, now_ms);
}

/* ---- at which phone ---- */

static const struct csta_answer_call no_call;
static const struct csta_msg answer_key = {.id = CSTA_MSG_ANSWER_CALL, .answer_call = &no_call};

/** The registration of a phone that rings with `c`, and whose key may be pressed. */
static const struct binding *that_rings(const struct connection *c, struct phone **f)
{
    struct phones *p = c->call->layer->phones;
    const struct binding *b = NULL;

    if (c->device == NULL || c->state != CONN_ALERTING) {
        return NULL;
    }
    list_each(it, &c->branches)
    {
        const struct branch *br = list_entry(it, struct branch, link);
        if (br->leg == NULL || br->refused || br->leg->state != LEG_EARLY) {
            continue;
        }
        *f = phone_registered_as(p, c->device, br->binding, &b);
        if (*f != NULL && means_of(*f, b, &answer_key) != NULL && !has_another(*f, b, c)) {
            return b;
        }
    }
    return NULL;
}

/** The same of the phone that tells of a foreign call. */
static const struct binding *that_tells(const struct connection *c, const struct csta_msg *msg,
                                        struct phone **f)
{
    const struct binding *b;
    struct phone_call *pc;

    *f = phone_of_call(c, &pc);
    b = *f == NULL || (*f)->state < PHONE_STARTING ? NULL : phone_binding(*f);
    return b != NULL && means_of(*f, b, msg) != NULL && !has_another(*f, b, c) ? b : NULL;
}

static const struct binding *to_press(const struct connection *c, const struct csta_msg *msg,
                                      struct phone **f)
{
    return c->call->foreign                  ? that_tells(c, msg, f)
           : msg->id == CSTA_MSG_ANSWER_CALL ? that_rings(c, f)
                                             : NULL;
}

/* ---- outcomes ---- */

/** It knows no such event; 403: it takes it from somebody else. */
static bool refuses_notify(unsigned status)
{
    return status == 403 || status == 405 || status == 415 || status == 481 || status == 489 ||
           status == 501;
}

static void on_key(void *owner, unsigned status, struct str csta, uint64_t now_ms);

/** @param refused  the phone does not take the NOTIFY. @return false: nothing is pressed */
static bool press_for(struct act *a, bool refused, uint64_t now_ms)
{
    const struct csta_msg msg = {.id = a->service};
    struct call *call = call_find(a->phones->world.calls, str_c(a->call));
    struct connection *c = call == NULL ? NULL : call_connection(call, a->device);
    struct phone *f = NULL;
    const struct binding *b = c == NULL ? NULL : to_press(c, &msg, &f);

    if (b != NULL && refused) {
        f->key_refused = true;
    }
    return b != NULL && send_press(f, b, &msg, on_key, a, now_ms) == 0;
}

/* The key was pressed, or not. */
static void on_key(void *owner, unsigned status, struct str csta, uint64_t now_ms)
{
    struct act *a = owner;
    call_done_fn fn = a->fn;
    void *who = a->owner;

    (void)csta;
    if (a->by_notify && refuses_notify(status) && press_for(a, true, now_ms)) {
        return;
    }
    act_free(a);
    if (fn != NULL) {
        fn(who, status < 300 ? CALL_OK : CALL_REFUSED, 0, now_ms);
    }
}

bool phone_press_instead(struct act *a, uint64_t now_ms)
{
    return press_for(a, false, now_ms);
}

/** @param none  the error when there is no key */
static enum call_error press(struct connection *c, enum csta_msg_id service,
                             enum call_error none, call_done_fn fn, void *owner,
                             uint64_t now_ms)
{
    const struct csta_msg msg = {.id = service};
    struct phone *f = NULL;
    const struct binding *b = to_press(c, &msg, &f);
    struct act *a = b == NULL ? NULL : act_new(f->phones, fn, owner);
    int err = E_NOMEM;

    if (b == NULL) {
        return none;
    }
    if (a != NULL) {
        a->service = service;
        a->device = c->device;
        memcpy(a->call, c->call->id, CALL_ID_LEN);
        err = send_press(f, b, &msg, on_key, a, now_ms);
    }
    if (err != 0) {
        act_free(a);
    }
    return err == 0                                 ? CALL_OK
           : err == E_VALUE || err == E_UNSUPPORTED ? none
                                                    : CALL_NO_RESOURCES;
}

/* ---- calls that Baton carries ---- */

bool phone_has_answer_key(const struct connection *c)
{
    struct phone *f;

    return that_rings(c, &f) != NULL;
}

enum call_error phone_press_answer(struct connection *c, call_done_fn fn, void *owner,
                                   uint64_t now_ms)
{
    return press(c, CSTA_MSG_ANSWER_CALL, CALL_UNSUPPORTED, fn, owner, now_ms);
}

/* ---- calls of its own ---- */

bool phone_has_key(const struct phone *f, enum csta_msg_id service)
{
    const struct binding *b = phone_binding(f);

    return b != NULL && means_of(f, b, &(struct csta_msg){.id = service}) != NULL;
}

bool phone_can_press(const struct connection *c, enum csta_msg_id service)
{
    struct phone *f;

    return that_tells(c, &(struct csta_msg){.id = service}, &f) != NULL;
}

enum call_error phone_press(struct connection *c, enum csta_msg_id service, call_done_fn fn,
                            void *owner, uint64_t now_ms)
{
    return press(c, service, CALL_NO_SERVICE, fn, owner, now_ms);
}

/* ---- switches ---- */

int phone_press_dnd(struct phone *f, const struct csta_msg *msg, uint64_t now_ms)
{
    const struct binding *b = phone_binding(f);
    int err = b == NULL ? E_UNSUPPORTED : send_press(f, b, msg, NULL, NULL, now_ms);

    return err == E_UNSUPPORTED || err == E_VALUE ? 0 : err;
}
