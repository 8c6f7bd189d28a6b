/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call back: who could not be reached is called again when he can be (ECMA-269 §17.1.3, §22.1).
 *
 *   set ──► waits ── both are free ──► the originator's phone rings (MakeCall, cause callBack);
 *             │                        when it is answered the target is called. It is set no
 *             │                        more, whatever becomes of that call
 *             └─ cancelled, calls.callback_s is over, or one of the devices is none any more
 *
 * FREE is a device that is registered, does not want to be left alone, and has no call of ours.
 * One that has just hung up is given CALLBACK_SETTLE_MS; the rest (it registers, do not disturb
 * is switched off) is looked at every CALLBACK_AGAIN_MS. A call that rang and was not answered
 * (`after_use`) is called back when the target has been used since: before that nobody is
 * there.
 *
 * Both devices are ours: of others it is not known when they are free.
 *
 * BOUNDS. calls.callback_max of them in all, one for each pair, CALLBACK_PER_DEVICE of one
 * originator, calls.callback_s for each. OWNERSHIP. The layer's pool. COST. A walk over them
 * when a leg of a device ends, while there are any.
 *
 * KEPT (base/store.h) is one row for each, under a number, from being set until it is over.
 * After a restart it goes on, for what is left of its time; one whose time has passed meanwhile
 * is over then, which is told. Whether it is permitted was judged when it was set.
 */
#include "call/parts.h"

#include "base/err.h"
#include "base/hop.h"
#include "call/keep.h"

enum {
    CALLBACK_SETTLE_MS = 500,
    CALLBACK_AGAIN_MS = 15000,
    CALLBACK_PER_DEVICE = 16,
    VERSION = 1,
    KEY_MAX = 24,
};

struct callback {
    struct list link; /**< of the layer, the oldest first */
    struct call_layer *layer;
    struct device *from, *to;
    uint64_t id;    /**< its row's key */
    bool after_use; /**< the target has to be used first */
    uint64_t until_ms;
    struct timer timer;
};

static void tell(struct call_layer *l, const struct device *from, const struct device *to,
                 bool set, uint64_t now_ms)
{
    if (l->on_callback != NULL) {
        l->on_callback(l->ctx, from, to, set, now_ms);
    }
}

/* ---- its row ---- */

static struct str key_of(const struct callback *cb, char *buf)
{
    struct out o;

    out_init(&o, buf, KEY_MAX);
    out_u64(&o, cb->id);
    return out_str_of(&o);
}

static void write_row(struct out *o, const void *what, uint64_t now_ms)
{
    const struct callback *cb = what;

    pack_number(o, VERSION);
    pack_str(o, cb->from->key);
    pack_str(o, cb->to->key);
    pack_bool(o, cb->after_use);
    pack_date(o, cb->layer->env, cb->until_ms, now_ms);
}

/** Without memory for it a restart forgets it. */
static void keep(const struct callback *cb, uint64_t now_ms)
{
    struct call_layer *l = cb->layer;
    char key[KEY_MAX];
    struct str row;

    if (l->store == NULL) {
        return;
    }
    row = pack_in(&l->room, write_row, cb, now_ms);
    if (row.n > 0) {
        l->store->put(l->store->ctx, STORE_CALLBACK, key_of(cb, key), row);
    }
}

static void unkeep(const struct callback *cb)
{
    const struct store_ops *store = cb->layer->store;
    char key[KEY_MAX];

    if (store != NULL) {
        store->drop(store->ctx, STORE_CALLBACK, key_of(cb, key));
    }
}

void call_keep_callbacks(const struct call_layer *l, uint64_t now_ms)
{
    for (const struct list *it = l->callbacks.next; it != &l->callbacks; it = it->next) {
        keep(list_entry((struct list *)(uintptr_t)it, struct callback, link), now_ms);
    }
}

/* ---- its end ---- */

static void drop(struct callback *cb)
{
    struct call_layer *l = cb->layer;

    timer_stop(l->wheel, &cb->timer);
    list_remove(&cb->link);
    pool_put(&l->callback_pool, cb);
}

static void end(struct callback *cb, uint64_t now_ms)
{
    struct call_layer *l = cb->layer;
    const struct device *from = cb->from, *to = cb->to;

    unkeep(cb);
    drop(cb);
    tell(l, from, to, false, now_ms);
}

/* ---- whether it is time ---- */

/** Is somebody just being asked to call that device back? */
static bool is_meant(const struct call_layer *l, const struct device *d)
{
    list_each(it, &l->calls)
    {
        const struct call *c = list_entry(it, struct call, link);
        if (c->phase == CALL_PROMPTING && c->made_as != NULL && str_eq(c->called, d->uri)) {
            return true;
        }
    }
    return false;
}

static bool is_free(const struct call_layer *l, const struct device *d)
{
    return call_of_device(d, NULL) == NULL && registrar_find(l->registrar, d->key) != NULL &&
           !call_features(d)->dnd;
}

static void look_again(struct callback *cb, uint64_t now_ms)
{
    uint64_t again = now_ms + CALLBACK_AGAIN_MS;

    timer_set(cb->layer->wheel, &cb->timer, again < cb->until_ms ? again : cb->until_ms);
}

static void look_soon(struct callback *cb, uint64_t now_ms)
{
    uint64_t soon = now_ms + CALLBACK_SETTLE_MS;

    timer_set(cb->layer->wheel, &cb->timer, soon < cb->until_ms ? soon : cb->until_ms);
}

/** @return false: there is no room for a call just now */
static bool call_them(struct callback *cb, uint64_t now_ms)
{
    struct call_make args = {
        .from = cb->from, .to = cb->to->uri, .prompt = true, .cause = "callBack"};
    struct connection *conn;

    return call_make(cb->layer, &args, &conn, now_ms) == CALL_OK;
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct callback *cb = container_of(t, struct callback, timer);
    const struct call_layer *l = cb->layer;

    if (now_ms >= cb->until_ms) {
        end(cb, now_ms);
    } else if (!cb->after_use && is_free(l, cb->to) && is_free(l, cb->from) &&
               !is_meant(l, cb->to) && call_them(cb, now_ms)) {
        end(cb, now_ms);
    } else {
        look_again(cb, now_ms);
    }
}

void callback_freed(const struct connection *conn, uint64_t now_ms)
{
    const struct call_layer *l = conn->call->layer;

    list_each(it, &l->callbacks)
    {
        struct callback *cb = list_entry(it, struct callback, link);
        if (cb->to == conn->device && (conn->established || conn->originating) &&
            cb->after_use) {
            cb->after_use = false;
            keep(cb, now_ms);
        }
        if (cb->to == conn->device || cb->from == conn->device) {
            look_soon(cb, now_ms);
        }
    }
}

/* ---- the services ---- */

static struct callback *find(const struct call_layer *l, const struct device *from,
                             const struct device *to)
{
    list_each(it, &l->callbacks)
    {
        struct callback *cb = list_entry(it, struct callback, link);
        if (cb->from == from && cb->to == to) {
            return cb;
        }
    }
    return NULL;
}

static enum call_error judge(const struct call_layer *l, const struct device *from,
                             struct device *to)
{
    struct destination dest = {.device = to, .id = to->uri, .number = to->number};
    unsigned n = 0;

    if (from == to || !destination_permitted(l, from, &dest)) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (find(l, from, to) != NULL) {
        return CALL_OCCUPIED;
    }
    list_each(it, &l->callbacks)
    {
        n += list_entry(it, struct callback, link)->from == from;
    }
    return n < CALLBACK_PER_DEVICE ? CALL_OK : CALL_NO_RESOURCES;
}

/** @return NULL: no memory, or too many */
static struct callback *add(struct call_layer *l, const struct callback *what)
{
    struct callback *cb = pool_get(&l->callback_pool);

    if (cb == NULL) {
        return NULL;
    }
    *cb = *what;
    cb->layer = l;
    timer_init(&cb->timer, on_timer);
    list_append(&l->callbacks, &cb->link);
    return cb;
}

static enum call_error set(struct call_layer *l, struct device *from, struct device *to,
                           bool after_use, uint64_t now_ms)
{
    enum call_error err = judge(l, from, to);
    struct callback *cb;

    if (err != CALL_OK) {
        return err;
    }
    cb = add(l, &(struct callback){
                    .id = l->last_callback + 1,
                    .from = from,
                    .to = to,
                    .after_use = after_use,
                    .until_ms = now_ms + l->config.callback_s * UINT64_C(1000),
                });
    if (cb == NULL) {
        return CALL_NO_RESOURCES;
    }
    l->last_callback = cb->id;
    look_soon(cb, now_ms);
    keep(cb, now_ms);
    tell(l, from, to, true, now_ms);
    return CALL_OK;
}

enum call_error call_back_set(struct call_layer *l, struct device *from, struct device *to,
                              uint64_t now_ms)
{
    return set(l, from, to, false, now_ms);
}

enum call_error call_back(struct connection *conn, struct device **target, uint64_t now_ms)
{
    struct call *c = conn->call;
    struct connection *b = c->b;
    enum call_error err;

    if (conn != c->a || c->foreign || conn->state != CONN_CONNECTED || conn->device == NULL ||
        c->phase != CALL_SETUP || b == NULL || b->established) {
        return CALL_BAD_STATE;
    }
    if (b->device == NULL) {
        return CALL_UNSUPPORTED;
    }
    err = set(c->layer, conn->device, b->device, b->alerted, now_ms);
    if (err != CALL_OK) {
        return err;
    }
    *target = b->device;
    connection_stop_ringing(b, NULL, STR_NONE, now_ms);
    call_release(c, conn, "callBack", NULL, STR_NONE, now_ms);
    return CALL_OK;
}

bool call_back_cancel(struct call_layer *l, const struct device *from, const struct device *to,
                      uint64_t now_ms)
{
    struct callback *cb = find(l, from, to);

    if (cb != NULL) {
        end(cb, now_ms);
    }
    return cb != NULL;
}

const struct device *call_back_next(const struct call_layer *l, const struct device *from,
                                    const struct device *last)
{
    bool after = last == NULL;

    list_each(it, &l->callbacks)
    {
        const struct callback *cb = list_entry(it, struct callback, link);
        if (cb->from == from && after) {
            return cb->to;
        }
        after = after || (cb->from == from && cb->to == last);
    }
    return NULL;
}

void call_back_forget(struct call_layer *l, const struct device *d, uint64_t now_ms)
{
    struct list *it = l->callbacks.next, *next;

    for (; it != &l->callbacks; it = next) {
        struct callback *cb = list_entry(it, struct callback, link);
        next = it->next;
        if (cb->from == d || cb->to == d) {
            end(cb, now_ms);
        }
    }
}

int call_restore_callback(struct call_layer *l, struct str key, struct str value,
                          uint64_t now_ms)
{
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u);
    uint64_t longest_ms = now_ms + l->config.callback_s * UINT64_C(1000);
    struct str from = unpack_str(&u), to = unpack_str(&u);
    struct callback what = {.after_use = unpack_bool(&u)}, *cb;

    what.until_ms = unpack_date(&u, l->env, now_ms);
    if (version != VERSION && value.n > 0) {
        return E_VERSION;
    }
    if (u.bad || !str_to_u64(key, UINT64_MAX - 1, &what.id)) {
        return E_SYNTAX;
    }
    what.from = directory_device(l->directory, from);
    what.to = directory_device(l->directory, to);
    what.until_ms = what.until_ms < longest_ms ? what.until_ms : longest_ms;
    if (what.from == NULL || what.to == NULL || what.from == what.to) {
        return E_NOTFOUND;
    }
    if (find(l, what.from, what.to) != NULL) {
        return E_EXISTS;
    }
    cb = add(l, &what);
    if (cb == NULL) {
        return l->callback_pool.in_use == l->config.callback_max ? E_TOOMANY : E_NOMEM;
    }
    l->last_callback = what.id > l->last_callback ? what.id : l->last_callback;
    look_soon(cb, now_ms);
    return 0;
}

void callbacks_fini(struct call_layer *l)
{
    list_each(it, &l->callbacks)
    {
        drop(list_entry(it, struct callback, link));
    }
    pool_fini(&l->callback_pool);
}

void callback_pool_init(struct call_layer *l)
{
    list_init(&l->callbacks);
    pool_init(&l->callback_pool, &l->env->mem, sizeof(struct callback), 16,
              l->config.callback_max);
}
