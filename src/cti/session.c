/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life of a session: an INVITE dialog that carries CSTA (TR/87 4.1 to 4.6).
 *
 *   INVITE ──► opening ── 200, ACK ──► open ── BYE, 481, timeout, expiry ──► over ──► gone
 *                └ 4xx ─────────────────────────────────────────────────────► over ──► gone
 *
 * The INVITE carries a request like any INFO, RequestSystemStatus by custom, and its 200 the
 * response; without a body it is answered without one. A session description may come with it
 * (content.c) and gets no media. There is no 180 and nothing rings. A
 * re-INVITE or UPDATE that refreshes the session is the same thing again: what it carries is
 * served, and sessions and monitors stay as they are.
 *
 * Over means: no answer is outstanding, no monitor is left, nothing is sent. Calls are not
 * touched by that (4.6). The struct lives on until the leg says that it is gone.
 */
#include "cti/parts.h"

void session_over(struct cti_session *s, uint64_t now_ms)
{
    struct cti *c = s->cti;

    if (s->over) {
        return;
    }
    s->over = true;
    c->stats.sessions--;
    pending_drop_session(s);
    asks_drop(s, !c->closing, now_ms);
    while (!list_empty(&s->monitors)) {
        monitor_free(list_entry(s->monitors.next, struct monitor, of_session));
    }
    timer_stop(c->wheel, &s->timer);
    list_remove(&s->dirty);
}

void session_end(struct cti_session *s, struct str reason_line, uint64_t now_ms)
{
    struct leg_content content = {.lines = reason_line};

    if (!s->over) {
        session_over(s, now_ms);
        leg_end(s->leg, 503, &content, NULL, NULL, now_ms);
    }
}

static void session_free(struct cti_session *s)
{
    struct cti *c = s->cti;

    session_over(s, 0);
    list_remove(&s->link);
    mem_free(&c->env->mem, s->queue);
    mem_free(&c->env->mem, (void *)(uintptr_t)s->sdp.p);
    pool_put(&c->session_pool, s);
}

/* ---- what the leg tells ---- */

static void on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms)
{
    (void)leg;
    (void)d;
    (void)m;
    (void)now_ms;
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)now_ms;
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)status;
    (void)m;
    session_over(leg->owner, now_ms);
}

static void on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    session_over(leg->owner, now_ms);
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    struct cti_session *s = leg->owner;

    (void)m;
    (void)initial;
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

static void on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct cti_session *s = leg->owner;

    (void)d;
    if (s->over) {
        (void)leg_answer(leg, t, 481, STR_NONE, &(struct leg_content){0}, now_ms);
        return;
    }
    switch (m->method) {
    case SIP_METHOD_INVITE:
    case SIP_METHOD_UPDATE:
    case SIP_METHOD_INFO:
        request_on_message(s, t, m, now_ms);
        break;
    case SIP_METHOD_OPTIONS:
        answer_sip(&(struct asker){.session = s, .txn = t}, 200,
                   "Accept: application/csta+xml, multipart/mixed\r\n", STR_NONE, now_ms);
        break;
    default:
        answer_sip(&(struct asker){.session = s, .txn = t}, 405, NULL,
                   STR("nothing but CSTA is served in this session"), now_ms);
        break;
    }
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    if (pending_drop_txn(leg->owner, t)) {
        (void)leg_answer(leg, t, 487, STR_NONE, &(struct leg_content){0}, now_ms);
    }
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    (void)leg_answer(leg, t, 200, STR_NONE, &(struct leg_content){0}, now_ms);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    struct cti_session *s = leg->owner;

    if (!s->over && why != LEG_END_BYE && why != LEG_END_LOCAL) {
        env_trace(s->cti->env, TRACE_INFO, "cti", "%.*s: session lost", STR_ARG(s->app->name));
    }
    session_over(s, now_ms);
}

static void on_gone(struct leg *leg)
{
    session_free(leg->owner);
}

static const struct leg_user session_user = {
    .on_provisional = on_provisional,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = on_cancelled,
    .on_acked = on_acked,
    .on_request = on_request,
    .on_request_cancelled = on_request_cancelled,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = on_gone,
};

/* ---- opening ---- */

static struct cti_session *session_new(struct cti *c, struct application *app)
{
    struct cti_session *s = pool_get(&c->session_pool);

    if (s == NULL) {
        return NULL;
    }
    s->cti = c;
    s->app = app;
    list_init(&s->monitors);
    list_init(&s->pending);
    list_init(&s->asks);
    deliver_init(s);
    list_append(&c->sessions, &s->link);
    c->stats.sessions++;
    return s;
}

static void refuse(struct cti *c, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    struct txn *t = txn_server_new(c->legs->txn, m, from, NULL, NULL, now_ms);
    struct txn_reply r = {.status = 503, .lines = STR("Retry-After: 30\r\n")};

    if (t == NULL) {
        (void)txn_reply_stateless(c->legs->txn, m, from, &r);
    } else {
        (void)txn_reply(t, &r, now_ms);
    }
}

/** May this application have one more? So that one which loses its mind leaves some to others.
 */
static bool has_room(const struct cti *c, const struct application *app)
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

void cti_incoming(struct cti *c, const struct sip_msg *m, const struct hop *from,
                  struct application *app, uint64_t now_ms)
{
    struct cti_session *s = NULL;

    if (has_room(c, app)) {
        s = session_new(c, app);
    }
    if (s == NULL) {
        refuse(c, m, from, now_ms);
        return;
    }
    s->leg = leg_incoming(c->legs, m, from, &session_user, s, now_ms);
    if (s->leg == NULL) {
        session_free(s);
        return;
    }
    request_on_message(s, NULL, m, now_ms);
}

void cti_end_all(struct cti *c, uint64_t now_ms)
{
    c->stopping = true;
    list_each(it, &c->sessions)
    {
        session_end(list_entry(it, struct cti_session, link), STR_NONE, now_ms);
    }
}

void cti_free(struct cti *c)
{
    if (c == NULL) {
        return;
    }
    c->closing = true;
    while (!list_empty(&c->sessions)) {
        struct cti_session *s = list_entry(c->sessions.next, struct cti_session, link);
        leg_free(s->leg);
        session_free(s);
    }
    journal_free(c->journal);
    pool_fini(&c->session_pool);
    pool_fini(&c->monitor_pool);
    pool_fini(&c->watch_pool);
    pool_fini(&c->pending_pool);
    mem_free(&c->env->mem, c);
}
