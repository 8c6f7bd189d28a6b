/* SPDX-License-Identifier: Apache-2.0 */
/* What there is now, for whoever shows it: see view.h. */
#include "cti/view.h"
#include "cti/parts.h"

/* ---- sessions ---- */

static struct cti_session *session_find(const struct cti *c, uint64_t id)
{
    list_each(it, &c->sessions)
    {
        struct cti_session *s = list_entry(it, struct cti_session, link);
        if (s->id == id && !s->over) {
            return s;
        }
    }
    return NULL;
}

/** The one with the lowest id from `from` on. */
static const struct cti_session *session_from(const struct cti *c, uint64_t from)
{
    const struct cti_session *best = NULL;

    list_each(it, &c->sessions)
    {
        const struct cti_session *s = list_entry(it, struct cti_session, link);
        if (!s->over && s->id >= from && (best == NULL || s->id < best->id)) {
            best = s;
        }
    }
    return best;
}

bool cti_next_session(const struct cti *c, uint64_t after, struct cti_session_about *out)
{
    const struct cti_session *s = session_from(c, after + 1);

    if (s == NULL) {
        return false;
    }
    *out = (struct cti_session_about){.id = s->id,
                                      .application = s->app->name,
                                      .link = s->via->name,
                                      .monitors = s->monitor_count,
                                      .unsent = s->unsent,
                                      .pending = s->pending_count,
                                      .routes = session_is_routing(s),
                                      .waits = s->waits};
    return true;
}

bool cti_end_session(struct cti *c, uint64_t id, uint64_t now_ms)
{
    struct cti_session *s = session_find(c, id);

    if (s != NULL) {
        session_end(s, CTI_END_PLAIN, now_ms);
    }
    return s != NULL;
}

/* ---- monitors ---- */

static struct cti_monitor_about about_monitor(const struct monitor *m)
{
    return (struct cti_monitor_about){.session = m->session->id,
                                      .ref = m->ref,
                                      .application = m->session->app->name,
                                      .device = m->watch->device,
                                      .call = m->watch->call,
                                      .unsent = m->unsent,
                                      .ending = m->ending};
}

/** The one of a session with the lowest reference from `from` on. */
static struct monitor *monitor_from(const struct cti_session *s, uint64_t from)
{
    struct monitor *best = NULL;

    list_each(it, &s->monitors)
    {
        struct monitor *m = list_entry(it, struct monitor, of_session);
        if (m->ref >= from && (best == NULL || m->ref < best->ref)) {
            best = m;
        }
    }
    return best;
}

bool cti_next_monitor(const struct cti *c, uint64_t session, uint32_t ref,
                      struct cti_monitor_about *out)
{
    const struct cti_session *s = session_from(c, session);
    const struct monitor *m = NULL;

    while (s != NULL && m == NULL) {
        m = monitor_from(s, s->id == session ? (uint64_t)ref + 1 : 0);
        s = m == NULL ? session_from(c, s->id + 1) : s;
    }
    if (m != NULL) {
        *out = about_monitor(m);
    }
    return m != NULL;
}

static struct monitor *find_monitor(const struct cti *c, uint64_t session, uint32_t ref)
{
    const struct cti_session *s = session_find(c, session);
    struct monitor *m = s != NULL ? monitor_from(s, ref) : NULL;

    return m != NULL && m->ref == ref ? m : NULL;
}

bool cti_find_monitor(const struct cti *c, uint64_t session, uint32_t ref,
                      struct cti_monitor_about *out)
{
    const struct monitor *m = find_monitor(c, session, ref);

    if (m != NULL) {
        *out = about_monitor(m);
    }
    return m != NULL;
}

bool cti_end_monitor(struct cti *c, uint64_t session, uint32_t ref, uint64_t now_ms)
{
    struct monitor *m = find_monitor(c, session, ref);

    if (m != NULL) {
        monitor_end(m, now_ms);
        cti_flush(c, now_ms);
    }
    return m != NULL;
}

/* ---- agents ---- */

static struct cti_agent_about about_agent(const struct agent *a)
{
    enum csta_pending_agent_state pending = agent_pending(a);

    return (struct cti_agent_about){
        .device = a->device,
        .id = a->id,
        .state = csta_agent_state_name((enum csta_agent_state)a->state),
        .pending = pending != 0 ? csta_pending_agent_state_name(pending) : STR_NONE};
}

bool cti_next_agents(const struct cti *c, uint64_t *place,
                     void (*fn)(void *ctx, const struct cti_agent_about *a), void *ctx)
{
    const struct map_node *n = map_after(&c->agents, place);
    bool any = n != NULL;

    for (; n != NULL; n = map_next(n)) {
        struct cti_agent_about about =
            about_agent(container_of((struct map_node *)(uintptr_t)n, struct agent, node));
        fn(ctx, &about);
    }
    return any;
}

void cti_each_agent(const struct cti *c, const struct device *d,
                    void (*fn)(void *ctx, const struct cti_agent_about *a), void *ctx)
{
    for (const struct agent *a = NULL; (a = agent_next(c, d, a)) != NULL;) {
        struct cti_agent_about about = about_agent(a);
        fn(ctx, &about);
    }
}

/* ---- what works ---- */

unsigned cti_connection_services(const struct cti *c, const struct connection *conn)
{
    return c->driver->services(c->driver_ctx, conn);
}

bool cti_device_serves(const struct cti *c, const struct device *d, enum csta_msg_id id)
{
    return cti_serves(c, id) && phone_has(c, d, id);
}

struct str cti_connection_state(const struct connection *conn)
{
    return csta_local_connection_state_name(connection_csta_state(conn));
}

bool cti_connection_is_live(const struct connection *conn)
{
    return connection_is_live(conn);
}
