/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to phones and their outcomes.
 *
 *   driver.c ──► act ──► phone_ask ──► answer ──► call_done_fn, in the words of the call layer
 *
 * An ACT stands for the one who waits. When he leaves (cti_driver.forget) the command goes its
 * way and nobody hears. It refers to calls by callID: they may be gone when the answer comes.
 */
#include "phone/parts.h"

struct act *act_new(struct phones *p, call_done_fn fn, void *owner)
{
    struct act *a = pool_get(&p->act_pool);

    if (a != NULL) {
        a->phones = p;
        a->fn = fn;
        a->owner = owner;
        list_append(&p->acts, &a->link);
    }
    return a;
}

void act_free(struct act *a)
{
    if (a != NULL) {
        list_remove(&a->link);
        pool_put(&a->phones->act_pool, a);
    }
}

struct phone *phone_of_call(const struct connection *c, struct phone_call **pc)
{
    const struct phones *p = c->call->layer->phones;

    for (struct phone *f = NULL;
         p != NULL && c->device != NULL && (f = phone_of_device(p, c->device, f)) != NULL;) {
        *pc = phone_call_of(f, c);
        if (*pc != NULL) {
            return f;
        }
    }
    return NULL;
}

/* ---- what may be called ---- */

static bool permits(const struct phone *f, struct device *device, struct str id)
{
    const struct call_layer *l = f->phones->world.calls;
    const struct destination to = {.device = device, .id = id};
    struct sip_uri u;
    uint32_t at;

    return sip_uri_parse(id, 0, &u, &at) == 0 && l->permits(l->ctx, f->device, &to);
}

bool phone_may_call(const struct phone *f, struct str to)
{
    const struct phone_world *w = &f->phones->world;
    struct device *device = directory_device_named(w->directory, to);
    struct csta_device_parts parts;

    if (w->calls->permits == NULL || to.n == 0) {
        return true;
    }
    if (device != NULL) {
        return permits(f, device, device->uri);
    }
    /* Who carries the phone's calls may take a number by any name of his for ours: so what is
       in another domain is asked for as a number too. */
    csta_device_split(to, &parts);
    return permits(f, NULL,
                   arena_fmt(w->scratch, "sip:%.*s@%.*s", STR_ARG(parts.user),
                             STR_ARG(w->directory->domains[0]))) &&
           (parts.host.n == 0 || directory_is_domain(w->directory, parts.host) ||
            permits(f, NULL,
                    arena_fmt(w->scratch, "sip:%.*s@%.*s", STR_ARG(parts.user),
                              STR_ARG(parts.host))));
}

bool phone_may_dial(const struct phone *f, struct phone_call *pc, struct str digits)
{
    size_t n = strlen(pc->dialled);

    digits = str_trim(digits);
    if (digits.n > 0 && digits.p[digits.n - 1] == ';') { /* there are more to come */
        digits = str_upto(digits, digits.n - 1);
    }
    if (digits.n > PHONE_DIALLED_MAX - n) {
        return false;
    }
    memcpy(pc->dialled + n, digits.n > 0 ? digits.p : "", digits.n);
    pc->dialled[n + digits.n] = '\0';
    if (!phone_may_call(f, str_c(pc->dialled))) {
        pc->dialled[n] = '\0';
        return false;
    }
    return true;
}

struct csta_connection_id phone_connection(const struct phone *f, const struct phone_call *pc)
{
    bool nameless = pc == NULL || (f->profile->quirks & PHONE_QUIRK_DEVICE_ONLY) != 0;

    return (struct csta_connection_id){.call_id = nameless ? STR("") : str_c(pc->id),
                                       .device_id = {.value = phone_name(f)}};
}

enum call_error phone_error_of(const struct csta_msg *answer)
{
    const struct csta_error *e;

    if (answer == NULL) {
        return CALL_TIMEOUT;
    }
    if (answer->id != CSTA_MSG_ERROR_CODE) {
        return CALL_OK;
    }
    e = answer->error_code;
    switch (e->kind) {
    case CSTA_ERROR_STATE_INCOMPATIBILITY:
        return CALL_BAD_STATE;
    case CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY:
    case CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY:
    case CSTA_ERROR_PERFORMANCE_MANAGEMENT:
        return CALL_NO_RESOURCES;
    case CSTA_ERROR_OPERATION:
        if (e->value == CSTA_OPERATION_SERVICE_NOT_SUPPORTED) {
            return CALL_NO_SERVICE;
        }
        if (e->value == CSTA_OPERATION_INVALID_CALLED_DEVICE_ID ||
            e->value == CSTA_OPERATION_INVALID_DESTINATION) {
            return CALL_UNKNOWN_DESTINATION;
        }
        return CALL_REFUSED;
    default:
        return CALL_REFUSED;
    }
}

static void on_answer(void *owner, struct phone *f, const struct csta_msg *answer,
                      uint64_t now_ms)
{
    struct act *a = owner;
    call_done_fn fn = a->fn;
    void *who = a->owner;

    enum call_error err = phone_error_of(answer);

    (void)f;
    if (err == CALL_NO_SERVICE && phone_press_instead(a, now_ms)) {
        return;
    }
    act_free(a);
    if (fn != NULL) {
        fn(who, err, 0, now_ms);
    }
}

enum call_error phone_command(struct connection *c, const struct csta_msg *msg, call_done_fn fn,
                              void *owner, uint64_t now_ms)
{
    struct phone_call *pc;
    struct phone *f = phone_of_call(c, &pc);
    struct act *a;

    if (f == NULL || f->state < PHONE_STARTING) {
        return CALL_NOT_REGISTERED;
    }
    if (!phone_serves(f, msg->id)) {
        return phone_press(c, msg->id, fn, owner, now_ms);
    }
    a = act_new(f->phones, fn, owner);
    if (a != NULL) {
        a->service = msg->id;
        a->device = c->device;
        memcpy(a->call, c->call->id, CALL_ID_LEN);
    }
    if (a == NULL || phone_ask(f, msg, on_answer, a, now_ms) != 0) {
        act_free(a);
        return CALL_NO_RESOURCES;
    }
    return CALL_OK;
}
