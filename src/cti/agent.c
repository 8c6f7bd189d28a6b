/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents: who is logged on at which device, and what for (ECMA-269 §6.1.3.3, §22).
 *
 * An AGENT is an identifier at a device. Applications log it on and off and say what it is
 * ready for; what follows from that (which calls it gets) is theirs too. Baton keeps the state,
 * tells everybody who watches the device, and knows when the agent is busy:
 *
 *   null ──loggedOn──► not ready ◄──► ready ◄──► working after call ──loggedOff──► null
 *                          │  any of these      ▲
 *          its device has  ▼                    │  it has none any more: what is pending,
 *          a call          busy ────────────────┘  else what it was before
 *
 * PENDING. What is asked of a busy agent comes when the call is over; until then it is pending,
 * and told so. The newest wish counts. An agent that logs off while busy is there until then.
 *
 * A device has a call while a connection of it is connected or held; ringing is not busy. That
 * is read off the calls each time one of its device's calls changes, so it cannot go astray.
 *
 * An agent lives until it is logged off or its device is no device any more. The session of the
 * application that logged it on does not matter: applications restart, people stay at their
 * desks. Bounded in all (max_agents) and at a device (AGENTS_PER_DEVICE).
 *
 * KEPT (base/store.h) are the agents of a device in one row under its key, written with each
 * change and dropped with the last of them. After a restart nobody logs on again; what has
 * become of its device's calls meanwhile is told then.
 *
 * COST. A call event looks its devices up in a table when there are agents at all.
 */
#include "base/hash.h"
#include "base/pack.h"
#include "cti/parts.h"

enum { AGENTS_PER_DEVICE = 16, VERSION = 1 };

/* They stand in databases as these numbers: other numbers are another VERSION. */
_Static_assert(CSTA_AGENT_STATE_AGENT_NOT_READY == 1 && CSTA_AGENT_STATE_AGENT_NULL == 2 &&
                   CSTA_AGENT_STATE_AGENT_READY == 3 && CSTA_AGENT_STATE_AGENT_BUSY == 4 &&
                   CSTA_AGENT_STATE_AGENT_WORKING_AFTER_CALL == 5,
               "states as they are kept");

static uint64_t hash_of(const struct cti *c, const struct device *d)
{
    return hash_bytes(&c->agent_key, d->key);
}

struct agent *agent_next(const struct cti *c, const struct device *d, const struct agent *last)
{
    struct map_node *n =
        last == NULL ? map_first(&c->agents, hash_of(c, d)) : map_next(&last->node);

    for (; n != NULL; n = map_next(n)) {
        struct agent *a = container_of(n, struct agent, node);
        if (a->device == d) {
            return a;
        }
    }
    return NULL;
}

struct agent *agent_find(const struct cti *c, const struct device *d, struct str id)
{
    struct agent *a = NULL;

    while ((a = agent_next(c, d, a)) != NULL) {
        if (str_eq(a->id, id)) {
            return a;
        }
    }
    return NULL;
}

static void agent_free(struct cti *c, struct agent *a)
{
    map_remove(&c->agents, &a->node);
    mem_free(&c->env->mem, (void *)(uintptr_t)a->id.p);
    pool_put(&c->agent_pool, a);
}

/** Those of a device, without a word to anybody. */
static void release_all(struct cti *c, const struct device *d)
{
    struct agent *a;

    while ((a = agent_next(c, d, NULL)) != NULL) {
        agent_free(c, a);
    }
}

/** One that has no state yet. @return 0, E_TOOMANY, E_NOMEM */
static int agent_new(struct cti *c, struct device *d, struct str id, struct agent **out)
{
    struct agent *a = NULL;
    unsigned n = 0;

    while ((a = agent_next(c, d, a)) != NULL) {
        n++;
    }
    if (n >= AGENTS_PER_DEVICE || c->agents.count >= c->config.max_agents) {
        return E_TOOMANY;
    }
    a = pool_get(&c->agent_pool);
    if (a == NULL || mem_dup(&c->env->mem, id, &a->id) != 0) {
        if (a != NULL) {
            pool_put(&c->agent_pool, a);
        }
        return E_NOMEM;
    }
    a->device = d;
    map_add(&c->agents, &a->node, hash_of(c, d));
    *out = a;
    return 0;
}

/* ---- what outlives the process ---- */

struct house {
    const struct cti *cti;
    const struct device *device;
    uint64_t count;
};

static void write_agents(struct out *o, const void *what, uint64_t now_ms)
{
    const struct house *h = what;
    struct agent *a = NULL;

    (void)now_ms;
    pack_number(o, VERSION);
    pack_number(o, h->count);
    while ((a = agent_next(h->cti, h->device, a)) != NULL) {
        pack_str(o, a->id);
        pack_number(o, a->state);
        pack_number(o, a->after);
        pack_bool(o, a->asked);
    }
}

/** Those of that device have changed. */
static void keep(struct cti *c, const struct device *d)
{
    const struct store_ops *store = c->config.store;
    struct house h = {.cti = c, .device = d};
    struct agent *a = NULL;
    struct str row;

    if (store == NULL) {
        return;
    }
    while ((a = agent_next(c, d, a)) != NULL) {
        h.count++;
    }
    if (h.count == 0) {
        store->drop(store->ctx, STORE_AGENTS, d->key);
        return;
    }
    row = pack_in(&c->room, write_agents, &h, 0);
    if (row.n > 0) { /* without memory the next change writes it */
        store->put(store->ctx, STORE_AGENTS, d->key, row);
    }
}

void agents_keep_all(struct cti *c)
{
    size_t slot = 0;

    for (struct map_node *n = map_walk(&c->agents, &slot, NULL); n != NULL;
         n = map_walk(&c->agents, &slot, n)) {
        const struct agent *a = container_of(n, struct agent, node);
        if (agent_next(c, a->device, NULL) == a) { /* once for each device */
            keep(c, a->device);
        }
    }
}

static bool is_state(uint64_t state, bool also_null)
{
    return state == CSTA_AGENT_STATE_AGENT_NOT_READY || state == CSTA_AGENT_STATE_AGENT_READY ||
           state == CSTA_AGENT_STATE_AGENT_WORKING_AFTER_CALL ||
           (also_null && state == CSTA_AGENT_STATE_AGENT_NULL);
}

/** @return 0; E_SYNTAX, E_TOOMANY, E_NOMEM */
static int read_agent(struct cti *c, struct device *d, struct unpack *u)
{
    struct str id = unpack_str(u);
    uint64_t state = unpack_upto(u, UINT8_MAX), after = unpack_upto(u, UINT8_MAX);
    bool asked = unpack_bool(u), busy = state == CSTA_AGENT_STATE_AGENT_BUSY;
    struct agent *a;
    int err;

    if (u->bad || id.n == 0 || id.n > AGENT_ID_MAX || agent_find(c, d, id) != NULL ||
        !(busy ? is_state(after, true) : is_state(state, false) && !asked)) {
        return E_SYNTAX;
    }
    err = agent_new(c, d, id, &a);
    if (err == 0) {
        a->state = (uint8_t)state;
        a->after = busy ? (uint8_t)after : 0;
        a->asked = asked;
    }
    return err;
}

int cti_restore_agents(struct cti *c, struct str key, struct str value)
{
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u), n = unpack_upto(&u, AGENTS_PER_DEVICE);
    struct device *d = directory_device(c->directory, key);
    int err = 0;

    if (version != VERSION || u.bad || n == 0) {
        return version == VERSION || value.n == 0 ? E_SYNTAX : E_VERSION;
    }
    if (d == NULL) {
        return E_NOTFOUND;
    }
    if (agent_next(c, d, NULL) != NULL) {
        return E_EXISTS;
    }
    for (uint64_t i = 0; i < n && err == 0; i++) {
        err = read_agent(c, d, &u);
    }
    if (err != 0) {
        release_all(c, d);
    }
    return err;
}

/* ---- telling ---- */

/** What the events of agents have in common, in the struct of each. */
#define EVENT(name)                                         \
    const struct csta_##name name = {                       \
        .agent_device = csta_device_ref_of(a->device->uri), \
        .agent_id = a->id,                                  \
        .cause = CSTA_CAUSE_NORMAL,                         \
    };                                                      \
    const struct csta_msg msg = {.name = &name}

static void tell_logged_on(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    EVENT(agent_logged_on_event);
    (void)cti_device_event(c, a->device, CSTA_MSG_AGENT_LOGGED_ON_EVENT, &msg, now_ms);
}

static void tell_logged_off(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    EVENT(agent_logged_off_event);
    (void)cti_device_event(c, a->device, CSTA_MSG_AGENT_LOGGED_OFF_EVENT, &msg, now_ms);
}

static void tell_busy(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    const struct csta_agent_busy_event event = {
        .agent_device = csta_device_ref_of(a->device->uri),
        .agent_id = a->id,
        .pending_agent_state = agent_pending(a),
        .cause = CSTA_CAUSE_NORMAL,
    };
    const struct csta_msg msg = {.agent_busy_event = &event};

    (void)cti_device_event(c, a->device, CSTA_MSG_AGENT_BUSY_EVENT, &msg, now_ms);
}

static void tell_not_ready(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    EVENT(agent_not_ready_event);
    (void)cti_device_event(c, a->device, CSTA_MSG_AGENT_NOT_READY_EVENT, &msg, now_ms);
}

static void tell_ready(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    EVENT(agent_ready_event);
    (void)cti_device_event(c, a->device, CSTA_MSG_AGENT_READY_EVENT, &msg, now_ms);
}

static void tell_working(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    EVENT(agent_working_after_call_event);
    (void)cti_device_event(c, a->device, CSTA_MSG_AGENT_WORKING_AFTER_CALL_EVENT, &msg, now_ms);
}

/** The event of the state that it is in. */
static void tell(struct cti *c, const struct agent *a, uint64_t now_ms)
{
    switch ((unsigned)a->state) {
    case CSTA_AGENT_STATE_AGENT_NULL:
        tell_logged_off(c, a, now_ms);
        break;
    case CSTA_AGENT_STATE_AGENT_NOT_READY:
        tell_not_ready(c, a, now_ms);
        break;
    case CSTA_AGENT_STATE_AGENT_READY:
        tell_ready(c, a, now_ms);
        break;
    case CSTA_AGENT_STATE_AGENT_BUSY:
        tell_busy(c, a, now_ms);
        break;
    case CSTA_AGENT_STATE_AGENT_WORKING_AFTER_CALL:
        tell_working(c, a, now_ms);
        break;
    default:
        break;
    }
}

/* ---- changing ---- */

static bool has_call(const struct device *d)
{
    for (struct connection *conn = NULL; (conn = call_of_device(d, conn)) != NULL;) {
        if (connection_is_live(conn) &&
            (conn->state == CONN_CONNECTED || conn->state == CONN_HOLD)) {
            return true;
        }
    }
    return false;
}

enum csta_pending_agent_state agent_pending(const struct agent *a)
{
    if (a->state != CSTA_AGENT_STATE_AGENT_BUSY || !a->asked) {
        return CSTA_PENDING_AGENT_STATE_ABSENT;
    }
    switch ((unsigned)a->after) {
    case CSTA_AGENT_STATE_AGENT_NULL:
        return CSTA_PENDING_AGENT_STATE_AGENT_NULL;
    case CSTA_AGENT_STATE_AGENT_READY:
        return CSTA_PENDING_AGENT_STATE_AGENT_READY;
    case CSTA_AGENT_STATE_AGENT_WORKING_AFTER_CALL:
        return CSTA_PENDING_AGENT_STATE_AGENT_WORKING_AFTER_CALL;
    default:
        return CSTA_PENDING_AGENT_STATE_AGENT_NOT_READY;
    }
}

/** It is in another state now. Frees one that has logged off. */
static void enter(struct cti *c, struct agent *a, enum csta_agent_state state, uint64_t now_ms)
{
    const struct device *d = a->device;

    a->state = (uint8_t)state;
    a->asked = false;
    tell(c, a, now_ms);
    if (state == CSTA_AGENT_STATE_AGENT_NULL) {
        agent_free(c, a);
    }
    keep(c, d);
}

static void become_busy(struct cti *c, struct agent *a, uint64_t now_ms)
{
    a->after = a->state;
    enter(c, a, CSTA_AGENT_STATE_AGENT_BUSY, now_ms);
}

int agent_log_on(struct cti *c, struct device *d, struct str id, uint64_t now_ms)
{
    struct agent *a;
    int err;

    if (agent_find(c, d, id) != NULL) {
        return 0;
    }
    err = agent_new(c, d, id, &a);
    if (err != 0) {
        return err;
    }
    a->state = CSTA_AGENT_STATE_AGENT_NOT_READY;
    tell_logged_on(c, a, now_ms);
    if (has_call(d)) {
        become_busy(c, a, now_ms);
    } else {
        tell(c, a, now_ms);
        keep(c, d);
    }
    return 0;
}

enum csta_pending_agent_state agent_set(struct cti *c, struct agent *a,
                                        enum csta_agent_state state, uint64_t now_ms)
{
    if (a->state != CSTA_AGENT_STATE_AGENT_BUSY) {
        if (a->state != state) {
            enter(c, a, state, now_ms);
        }
        return CSTA_PENDING_AGENT_STATE_ABSENT;
    }
    if (!a->asked || a->after != state) {
        a->asked = true;
        a->after = (uint8_t)state;
        tell(c, a, now_ms);
        keep(c, a->device);
    }
    return agent_pending(a);
}

/** Its device has a call, or none. Frees one that has logged off meanwhile. */
static void set_busy(struct cti *c, struct agent *a, bool busy, uint64_t now_ms)
{
    bool was = a->state == CSTA_AGENT_STATE_AGENT_BUSY;

    if (busy && !was) {
        become_busy(c, a, now_ms);
    } else if (!busy && was) {
        enter(c, a, (enum csta_agent_state)a->after, now_ms);
    }
}

/** The calls of the device have changed. */
static void look_at_calls(struct cti *c, const struct device *d, uint64_t now_ms)
{
    struct agent *a = agent_next(c, d, NULL), *next;
    bool busy = a != NULL && has_call(d);

    for (; a != NULL; a = next) {
        next = agent_next(c, d, a);
        set_busy(c, a, busy, now_ms);
    }
}

void agents_restored(struct cti *c, uint64_t now_ms)
{
    size_t slot = 0;
    struct map_node *n = map_walk(&c->agents, &slot, NULL);

    while (n != NULL) {
        struct agent *a = container_of(n, struct agent, node);
        n = map_walk(&c->agents, &slot, n);
        set_busy(c, a, has_call(a->device), now_ms);
    }
}

void agents_on_call(struct cti *c, const struct call_event *e)
{
    if (c->agents.count == 0) {
        return;
    }
    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->device != NULL) {
            look_at_calls(c, conn->device, e->now_ms);
        }
    }
}

void agents_drop(struct cti *c, const struct device *d)
{
    if (c->agents.count > 0 && agent_next(c, d, NULL) != NULL) {
        release_all(c, d);
        keep(c, d);
    }
}

void agents_free(struct cti *c)
{
    struct map_node *n;
    size_t slot = 0;

    if (c->agents.slot == NULL) {
        return;
    }
    for (n = map_walk(&c->agents, &slot, NULL); n != NULL;) {
        struct agent *a = container_of(n, struct agent, node);
        n = map_walk(&c->agents, &slot, n);
        agent_free(c, a);
    }
}
