/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the process, put back: each kind of row is read by the module that wrote it.
 *
 * A row that no module takes is counted and dropped, with a line that says why: the rest of
 * what was kept is not worth less for it.
 *
 * A COPY that was restored (baton restore) tells of dialogs as they were, perhaps on a server
 * that still has them. Nothing is said in them: calls end here, told as any end, and no phone
 * hears of it; sessions and subscriptions are dropped, and who has one begins anew.
 */
#include "base/err.h"
#include "call/features.h"
#include "call/keep.h"
#include "dialog/keep.h"
#include "engine/operation.h"
#include "engine/parts.h"

void engine_restore_head(struct engine *e, uint64_t from, uint64_t head)
{
    cti_restore_head(e->cti, from, head);
}

void engine_restore_event(struct engine *e, const struct store_event *ev)
{
    cti_restore_event(e->cti, ev);
}

static const char *kind_name(enum store_kind kind)
{
    static const char *const names[STORE_KINDS] = {
        [STORE_SECRET] = "secret",
        [STORE_BINDING] = "registration",
        [STORE_CALL] = "call",
        [STORE_SESSION] = "session",
        [STORE_SUBSCRIPTION] = "subscription",
        [STORE_OPERATION] = "operation",
        [STORE_TOKEN] = "token",
        [STORE_WEBHOOK] = "webhook",
        [STORE_FEATURES] = "row of features",
        [STORE_MAILBOX] = "mailbox",
        [STORE_AGENTS] = "row of agents",
        [STORE_CALLBACK] = "call back",
    };
    return names[kind];
}

static int restore(struct engine *e, enum store_kind kind, struct str key, struct str value,
                   uint64_t now_ms)
{
    switch (kind) {
    case STORE_SECRET:
        if (str_eq(key, STORE_COPY_ROW)) {
            e->of_copy = true;
            return 0;
        }
        return str_eq(key, STR("registrar")) ? registrar_restore_secret(&e->registrar, value)
               : str_eq(key, LEG_MARKS_ROW)  ? leg_restore_marks(&e->legs, value, now_ms)
                                             : E_NOTFOUND;
    case STORE_BINDING:
        if (directory_device(e->config.directory, registrar_row_key(value)) == NULL) {
            return E_NOTFOUND;
        }
        return registrar_restore(&e->registrar, key, value, now_ms);
    case STORE_CALL:
        return call_restore(&e->calls, key, value, now_ms);
    case STORE_SESSION:
        if (e->of_copy) {
            return E_NOTFOUND;
        }
        return cti_restore(e->cti, key, value, now_ms);
    case STORE_SUBSCRIPTION:
        if (e->of_copy) {
            return E_NOTFOUND;
        }
        return event_restore(e->events, value, now_ms);
    case STORE_OPERATION:
        return operations_restore(e->operations, key, value);
    case STORE_FEATURES:
        return call_restore_features(&e->calls, key, value);
    case STORE_MAILBOX:
        return event_restore_mailbox(e->events, key, value, now_ms);
    case STORE_AGENTS:
        return cti_restore_agents(e->cti, key, value);
    case STORE_CALLBACK:
        return call_restore_callback(&e->calls, key, value, now_ms);
    case STORE_TOKEN:
    case STORE_WEBHOOK:
    case STORE_KINDS:
        break;
    }
    return rows_restore(e, kind, key, value);
}

void engine_restore_row(struct engine *e, enum store_kind kind, struct str key,
                        struct str value, uint64_t now_ms)
{
    int err = restore(e, kind, key, value, now_ms);

    if (err == 0) {
        e->count.restored++;
        return;
    }
    e->count.not_restored++;
    env_trace(e->env, err == E_NOTFOUND ? TRACE_DEBUG : TRACE_WARN, "store",
              "a %s of before is dropped: %s", kind_name(kind), err_text(err));
    e->config.store->drop(e->config.store->ctx, kind, key);
}

void engine_restored(struct engine *e, uint64_t now_ms)
{
    if (e->count.restored > 0) {
        env_trace(e->env, TRACE_INFO, "store", "%llu things of before stand again",
                  (unsigned long long)e->count.restored);
    }
    registrar_keep_secret(&e->registrar);
    if (e->config.store != NULL) {
        leg_keep_marks(&e->legs, e->config.store, now_ms);
    }
    if (e->of_copy) {
        call_disown(&e->calls);
    }
    call_restored(&e->calls, now_ms);
    cti_restored(e->cti, now_ms);
    operations_restored(e->operations, now_ms);
    if (e->of_copy) {
        env_trace(
            e->env, TRACE_INFO, "store",
            "this is a copy that was restored: its calls, sessions and subscriptions end");
        e->config.store->drop(e->config.store->ctx, STORE_SECRET, STORE_COPY_ROW);
        e->of_copy = false;
    }
    phones_roster_changed(e->phones, now_ms); /* phones that are registered again */
    engine_settle(e);
}

void engine_keep_connections(struct engine *e)
{
    cti_keep_connections(e->cti, e->wheel.now_ms);
}

void engine_adopted(struct engine *e, const struct hop *from)
{
    cti_adopted(e->cti, from);
}

uint64_t engine_tell(struct engine *e, const struct journal_fact *f)
{
    return cti_tell(e->cti, f);
}

void engine_audit(struct engine *e, const struct cti_audit *a)
{
    cti_audit(e->cti, a);
}

uint64_t engine_head(const struct engine *e)
{
    return cti_head(e->cti);
}

uint32_t engine_journal_records(const struct engine *e)
{
    return cti_journal_records(e->cti);
}

void engine_store_all(struct engine *e, uint64_t now_ms)
{
    e->config.store->clear(e->config.store->ctx);
    registrar_keep_all(&e->registrar, now_ms);
    leg_keep_marks(&e->legs, e->config.store, now_ms);
    call_keep_all(&e->calls, now_ms);
    call_keep_features(&e->calls);
    call_keep_callbacks(&e->calls, now_ms);
    cti_keep_all(e->cti, now_ms);
    event_keep_all(e->events, now_ms);
    rows_keep_all(e);
    operations_keep_all(e->operations);
}

void engine_keep(struct engine *e)
{
    uint64_t now_ms = e->wheel.now_ms;
    const struct leg *leg;

    if (e->config.store == NULL) {
        return;
    }
    while ((leg = leg_next_touched(&e->legs)) != NULL) {
        if (!call_touch_leg(leg)) {
            (void)cti_touch_leg(leg);
        }
    }
    call_keep(&e->calls, now_ms);
    cti_keep(e->cti, now_ms);
    event_keep(e->events, now_ms);
}

void engine_keep_in(struct engine *e, const struct store_ops *store)
{
    e->registrar.store = store;
    e->legs.keeps = store != NULL;
    call_keep_in(&e->calls, store);
    event_keep_in(e->events, store);
}

void engine_drain(struct engine *e, bool on)
{
    e->draining = on;
    e->calls.draining = on;
}

void engine_close_gate(struct engine *e, bool closed)
{
    e->closed = closed;
}
