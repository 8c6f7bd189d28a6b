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
 * COST. A call event looks its devices up in a table when there are agents at all.
 */
#include "base/hash.h"
#include "cti/parts.h"

enum { AGENTS_PER_DEVICE = 16 };

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
    a->state = (uint8_t)state;
    a->asked = false;
    tell(c, a, now_ms);
    if (state == CSTA_AGENT_STATE_AGENT_NULL) {
        agent_free(c, a);
    }
}

static void become_busy(struct cti *c, struct agent *a, uint64_t now_ms)
{
    a->after = a->state;
    enter(c, a, CSTA_AGENT_STATE_AGENT_BUSY, now_ms);
}

int agent_log_on(struct cti *c, struct device *d, struct str id, uint64_t now_ms)
{
    struct agent *a = NULL;
    unsigned n = 0;

    if (agent_find(c, d, id) != NULL) {
        return 0;
    }
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
    a->state = CSTA_AGENT_STATE_AGENT_NOT_READY;
    map_add(&c->agents, &a->node, hash_of(c, d));
    tell_logged_on(c, a, now_ms);
    if (has_call(d)) {
        become_busy(c, a, now_ms);
    } else {
        tell(c, a, now_ms);
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
    }
    return agent_pending(a);
}

/** The calls of the device have changed. */
static void look_at_calls(struct cti *c, const struct device *d, uint64_t now_ms)
{
    struct agent *a = agent_next(c, d, NULL), *next;
    bool busy = a != NULL && has_call(d);

    for (; a != NULL; a = next) {
        bool was = a->state == CSTA_AGENT_STATE_AGENT_BUSY;
        next = agent_next(c, d, a);
        if (busy && !was) {
            become_busy(c, a, now_ms);
        } else if (!busy && was) {
            enter(c, a, (enum csta_agent_state)a->after, now_ms);
        }
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
    struct agent *a;

    while (c->agents.count > 0 && (a = agent_next(c, d, NULL)) != NULL) {
        agent_free(c, a);
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
