/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Procedures on two calls of one device: ConsultationCall, AlternateCall, ReconnectCall
 * (ECMA-269 §17.1; TR/87 7.5 to 7.7).
 *
 * Each is a row of steps (step.c), one after another, each with a limit of its own:
 *
 *   CONSULT     hold the first ──► the second call sets out ─► done
 *                  └ fails ► the second call has never been
 *   ALTERNATE   hold the active one ──► retrieve (or answer) the held one ─► done
 *                  └ fails ► as before      └ fails ► resume the active one ─► told why
 *   RECONNECT   clear the active one ─► retrieve the held one ─► done
 *                                           └ fails ► it stays held, and that is told
 *
 * The calls are of the same device, over one leg (share.c) or over two: a phone whose keys made
 * two calls has two dialogs. With one leg AlternateCall spares the phone being silenced between
 * the calls, and moves the leg when the first step is done.
 *
 * While it runs both calls refuse other procedures (CALL_BUSY_STEP) and offers of their phones
 * (491). A call that ends meanwhile leaves: `first` or `second` is NULL then, and the procedure
 * goes on as far as it makes sense without it.
 *
 * OWNERSHIP. A duo lies in the layer's pool and list; both calls point to it. The one who asked
 * hears exactly once, or, when he is gone (call_forget), not at all.
 */
#include "call/parts.h"

enum duo_kind { DUO_CONSULT, DUO_ALTERNATE, DUO_RECONNECT };

enum duo_stage {
    DUO_HOLDING,    /**< `first` is being held */
    DUO_RETRIEVING, /**< `second` is being retrieved or answered */
    DUO_RESUMING,   /**< that has failed: `first` gets its media back */
};

struct duo {
    struct list link;
    struct call_layer *layer;
    struct connection *first;  /**< the one that is held or cleared; NULL: its call has ended */
    struct connection *second; /**< the new one, or the one that is retrieved; NULL likewise */
    uint8_t kind, stage;
    enum call_error err; /**< why it is being undone */
    unsigned status;
    call_done_fn fn;
    void *owner;
};

static void on_step(void *owner, enum call_error err, unsigned status, uint64_t now_ms);

void duo_pool_init(struct call_layer *l)
{
    pool_init(&l->duo_pool, &l->env->mem, sizeof(struct duo), 8, 0);
}

static struct duo *duo_new(enum duo_kind kind, struct connection *first,
                           struct connection *second, call_done_fn fn, void *owner)
{
    struct call_layer *l = first->call->layer;
    struct duo *d = pool_get(&l->duo_pool);

    if (d == NULL) {
        return NULL;
    }
    *d = (struct duo){.layer = l,
                      .first = first,
                      .second = second,
                      .kind = (uint8_t)kind,
                      .fn = fn,
                      .owner = owner};
    list_append(&l->duos, &d->link);
    first->call->duo = d;
    second->call->duo = d;
    return d;
}

static void duo_free(struct duo *d)
{
    if (d->first != NULL) {
        d->first->call->duo = NULL;
    }
    if (d->second != NULL) {
        d->second->call->duo = NULL;
    }
    list_remove(&d->link);
    pool_put(&d->layer->duo_pool, d);
}

/** A consultation that does not come about: nobody has been told of that call. */
static void discard(struct connection *conn)
{
    conn->call->phase = CALL_ENDING;
    conn->ended = true;
    call_check_dead(conn->call);
}

static void finish(struct duo *d, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct connection *unborn = d->kind == DUO_CONSULT && err != CALL_OK ? d->second : NULL;
    call_done_fn fn = d->fn;
    void *owner = d->owner;

    duo_free(d);
    if (unborn != NULL) {
        discard(unborn);
    }
    if (fn != NULL) {
        fn(owner, err, status, now_ms);
    }
}

void duo_forget(struct call_layer *l, const void *owner)
{
    list_each(it, &l->duos)
    {
        struct duo *d = list_entry(it, struct duo, link);
        if (d->owner == owner) {
            d->fn = NULL;
        }
    }
}

void duo_abort(struct call *c, uint64_t now_ms)
{
    struct duo *d = c->duo;

    if (d == NULL) {
        return;
    }
    c->duo = NULL;
    if (d->first != NULL && d->first->call == c) {
        d->first = NULL;
    } else {
        d->second = NULL;
    }
    if (c->step == NULL) { /* else its end is told to on_step, which goes on from there */
        on_step(d, CALL_GONE, 0, now_ms);
    }
}

/** The retrieval of `conn` begins, its leg at hand; when it cannot, on_step hears. */
static void retrieve(struct duo *d, struct connection *conn, const char *cause, uint64_t now_ms)
{
    struct step_plan plan = {.cause = cause};
    enum call_error err = CALL_BAD_STATE;

    if (share_take(conn, now_ms) && conn->state == CONN_HOLD) {
        err = step_retrieve(conn, &plan, on_step, d, now_ms);
    }
    if (err != CALL_OK) {
        on_step(d, err, 0, now_ms);
    }
}

static void resume(struct duo *d, enum call_error err, unsigned status, uint64_t now_ms)
{
    d->err = err;
    d->status = status;
    d->stage = DUO_RESUMING;
    if (d->first == NULL || d->kind != DUO_ALTERNATE || d->first->state != CONN_HOLD) {
        finish(d, err, status, now_ms);
    } else {
        retrieve(d, d->first, "normal", now_ms);
    }
}

/** The first call is held: the new one sets out, over the leg of the first. */
static void set_out(struct duo *d, uint64_t now_ms)
{
    struct connection *first = d->first, *second = d->second;

    second->ended = false;
    share_begin(first, second, now_ms);
    finish(d, CALL_OK, 0, now_ms);
    call_set_out(second->call, "consultation", now_ms);
}

static void alternate(struct duo *d, uint64_t now_ms)
{
    enum call_error err;

    d->stage = DUO_RETRIEVING;
    if (d->second == NULL) {
        resume(d, CALL_GONE, 0, now_ms);
    } else if (d->second->state == CONN_ALERTING) {
        err = call_answer(d->second, on_step, d, now_ms);
        if (err != CALL_OK) {
            on_step(d, err, 0, now_ms);
        }
    } else {
        retrieve(d, d->second, "alternate", now_ms);
    }
}

/** The step that ran is over, or its call is. */
static void on_step(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct duo *d = owner;

    switch ((enum duo_stage)d->stage) {
    case DUO_HOLDING:
        if (d->first != NULL && d->first->call->step != NULL) {
            return; /* it was the other call that has ended: the step says when it is done */
        }
        if (err != CALL_OK || d->first == NULL ||
            (d->kind == DUO_CONSULT && d->second == NULL)) {
            finish(d, err != CALL_OK ? err : CALL_GONE, status, now_ms);
        } else if (d->kind == DUO_CONSULT) {
            set_out(d, now_ms);
        } else {
            alternate(d, now_ms);
        }
        break;
    case DUO_RETRIEVING:
        if (d->second != NULL && d->second->call->step != NULL) {
            return;
        }
        if (err == CALL_OK) {
            finish(d, CALL_OK, 0, now_ms);
        } else {
            resume(d, err, status, now_ms);
        }
        break;
    case DUO_RESUMING:
        if (d->first != NULL && d->first->call->step != NULL) {
            return;
        }
        finish(d, d->err, d->status, now_ms);
        break;
    }
}

/* ---- the services ---- */

static bool is_party(const struct call *c, const struct destination *to)
{
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (!conn->ended && to->device != NULL && conn->device == to->device) {
            return true;
        }
    }
    return false;
}

enum call_error call_consult(struct connection *conn, const struct call_make *args,
                             enum call_consult_for options, struct connection **out,
                             call_done_fn fn, void *owner, uint64_t now_ms)
{
    static const struct step_plan plan = {.cause = "consultation"};
    struct call_layer *l = conn->call->layer;
    enum call_error err = call_step_ready(conn, CONN_CONNECTED);
    struct call_make own = *args;
    struct destination to;
    struct call *c;
    struct duo *d;

    if (err != CALL_OK) {
        return err;
    }
    if (conn->mate != NULL) {
        return CALL_BUSY_STEP; /* its phone is in two calls already */
    }
    if (!destination_of_text(l, args->to, &to) || is_party(conn->call, &to) ||
        !destination_permitted(l, conn->device, &to)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    own.from = conn->device;
    err = CALL_NO_RESOURCES;
    c = call_room_for(l, conn->device) ? call_prepare(l, &own, &to, &err) : NULL;
    if (c == NULL) {
        return err;
    }
    c->a->ended = true; /* until the first call is held */
    c->a->consult = (uint8_t)options;
    d = share_prepare(c, conn) == NULL ? NULL : duo_new(DUO_CONSULT, conn, c->a, fn, owner);
    if (d == NULL) {
        discard(c->a);
        return CALL_NO_RESOURCES;
    }
    *out = c->a;
    err = step_hold(conn, &plan, on_step, d, now_ms);
    if (err != CALL_OK) {
        d->fn = NULL;
        finish(d, err, 0, now_ms);
    }
    return err;
}

/** Are they calls of one device, with nothing going on in either? */
static enum call_error judge(const struct connection *one, const struct connection *two)
{
    if (one->device == NULL || one->device != two->device || one->call == two->call ||
        one->ended || two->ended || one->call->phase == CALL_ENDING ||
        two->call->phase == CALL_ENDING) {
        return CALL_BAD_STATE;
    }
    return one->call->duo != NULL || two->call->duo != NULL || call_is_busy(one->call) ||
                   call_is_busy(two->call)
               ? CALL_BUSY_STEP
               : CALL_OK;
}

enum call_error call_alternate(struct connection *held, struct connection *active,
                               call_done_fn fn, void *owner, uint64_t now_ms)
{
    struct step_plan plan = {.cause = "alternate", .other_only = active->mate == held};
    enum call_error err = judge(held, active);
    struct duo *d;

    if (err == CALL_OK) {
        err = call_step_ready(active, CONN_CONNECTED);
    }
    if (err == CALL_OK && held->state == CONN_ALERTING) {
        err = (call_services(held) & CALL_SVC_ANSWER) != 0 ? CALL_OK : CALL_UNSUPPORTED;
    } else if (err == CALL_OK && held->state != CONN_HOLD) {
        err = CALL_BAD_STATE;
    }
    if (err == CALL_OK && share_is_parked(held) && held->mate != active) {
        err = CALL_BAD_STATE; /* its phone is in a third call */
    }
    if (err != CALL_OK) {
        return err;
    }
    d = duo_new(DUO_ALTERNATE, active, held, fn, owner);
    if (d == NULL) {
        return CALL_NO_RESOURCES;
    }
    err = step_hold(active, &plan, on_step, d, now_ms);
    if (err != CALL_OK) {
        d->fn = NULL;
        finish(d, err, 0, now_ms);
    }
    return err;
}

enum call_error call_reconnect(struct connection *active, struct connection *held,
                               call_done_fn fn, void *owner, uint64_t now_ms)
{
    enum call_error err = judge(active, held);
    struct duo *d;

    if (err != CALL_OK && !(err == CALL_BUSY_STEP && !call_is_busy(held->call) &&
                            active->call->duo == NULL && held->call->duo == NULL)) {
        return err; /* what goes on in the call that is cleared does not matter */
    }
    if (active->state == CONN_HOLD || held->state != CONN_HOLD ||
        (share_is_parked(held) && held->mate != active)) {
        return CALL_BAD_STATE;
    }
    d = duo_new(DUO_RECONNECT, active, held, fn, owner);
    if (d == NULL) {
        return CALL_NO_RESOURCES;
    }
    d->stage = DUO_RETRIEVING;
    d->first = NULL;
    active->call->duo = NULL;
    err = call_clear(active, STR_NONE, STR_NONE, now_ms);
    if (err != CALL_OK) {
        d->fn = NULL;
        finish(d, err, 0, now_ms);
        return err;
    }
    retrieve(d, held, "normal", now_ms);
    return CALL_OK;
}
