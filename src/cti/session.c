/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a session, whatever carries it (link.h).
 *
 *   session_new ──► open ──► over ──► session_free
 *
 * Over means: no answer is outstanding, no monitor is left, nothing is sent. Calls are not
 * touched by that (TR/87 4.6). The struct lives on until its link says that it is gone.
 *
 * How many there may be, of all applications and of one, is counted here, so that one which
 * loses its mind leaves some to others.
 */
#include "cti/parts.h"

void session_over(struct cti_session *s, uint64_t now_ms)
{
    struct cti *c = s->cti;

    if (s->over) {
        return;
    }
    s->over = true;
    session_unkeep(s);
    c->stats.sessions--;
    pending_drop_session(s);
    routes_drop_session(s, now_ms);
    asks_drop(s, !c->closing, now_ms);
    while (!list_empty(&s->monitors)) {
        monitor_free(list_entry(s->monitors.next, struct monitor, of_session));
    }
    timer_stop(c->wheel, &s->timer);
    list_remove(&s->dirty);
}

void session_end(struct cti_session *s, enum cti_end why, uint64_t now_ms)
{
    if (!s->over) {
        session_over(s, now_ms);
        s->via->end(s, why, now_ms);
    }
}

void session_free(struct cti_session *s)
{
    struct cti *c = s->cti;

    session_over(s, 0);
    list_remove(&s->link);
    mem_free(&c->env->mem, s->queue);
    mem_free(&c->env->mem, (void *)(uintptr_t)s->sdp.p);
    pool_put(&c->session_pool, s);
}

struct cti_session *session_new(struct cti *c, struct application *app,
                                const struct cti_link *via)
{
    struct cti_session *s = pool_get(&c->session_pool);

    if (s == NULL) {
        return NULL;
    }
    s->cti = c;
    s->app = app;
    s->via = via;
    s->id = ++c->last_session;
    list_init(&s->monitors);
    list_init(&s->pending);
    list_init(&s->asks);
    deliver_init(s);
    list_append(&c->sessions, &s->link);
    c->stats.sessions++;
    return s;
}

bool session_has_room(const struct cti *c, const struct application *app)
{
    uint32_t most = app->max_sessions != 0 ? app->max_sessions : c->config.max_app_sessions;
    uint32_t n = 0;

    if (c->stopping || c->stats.sessions >= c->config.max_sessions) {
        return false;
    }
    list_each(it, &c->sessions)
    {
        n += list_entry(it, struct cti_session, link)->app == app;
    }
    return most == 0 || n < most;
}

void cti_end_all(struct cti *c, uint64_t now_ms)
{
    c->stopping = true;
    list_each(it, &c->sessions)
    {
        session_end(list_entry(it, struct cti_session, link), CTI_END_PLAIN, now_ms);
    }
    conn_hang_up_all(c);
}

void cti_free(struct cti *c)
{
    if (c == NULL) {
        return;
    }
    c->closing = true;
    while (!list_empty(&c->sessions)) {
        struct cti_session *s = list_entry(c->sessions.next, struct cti_session, link);
        s->via->drop(s);
        session_free(s);
    }
    conn_free_all(c);
    clients_free(c);
    map_fini(&c->conn_map);
    agents_free(c);
    map_fini(&c->agents);
    c->calls->router = NULL;
    journal_free(c->journal);
    pack_room_fini(&c->room);
    pool_fini(&c->session_pool);
    pool_fini(&c->monitor_pool);
    pool_fini(&c->watch_pool);
    pool_fini(&c->pending_pool);
    pool_fini(&c->agent_pool);
    mem_free(&c->env->mem, c);
}
