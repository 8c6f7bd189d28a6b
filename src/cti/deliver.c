/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records go out, one event each, in order (TR/87 S-13 to S-16).
 *
 *   records ──► ready queue ──► link ──► taken ──► next
 *
 * Whether one more may go is the link's business: over SIP when the last was answered, over
 * TCP when the client reads.
 *
 * GAPS. A client that is too far behind, or whose next record is gone, has missed something. If
 * it registered for that it is told messagesLost and goes on (register.c). Nothing could tell
 * any other; its session is ended with that reason, which every client understands: it opens a
 * new one, monitors and takes a snapshot (TR/87 4.3).
 *
 * An event for which there is no memory waits for a second.
 */
#include "cti/parts.h"

enum { RETRY_MS = 1000 };

static void on_timer(struct timer *t, uint64_t now_ms);

void deliver_init(struct cti_session *s)
{
    timer_init(&s->timer, on_timer);
}

void deliver_mark(struct cti_session *s)
{
    if (!s->over && !list_linked(&s->dirty)) {
        list_append(&s->cti->dirty, &s->dirty);
    }
}

void deliver_wait(struct cti_session *s, uint64_t until_ms)
{
    timer_set(s->cti->wheel, &s->timer, until_ms);
}

static bool may_send(struct cti_session *s, uint64_t now_ms)
{
    return !s->over && s->busy == 0 && s->via->ready(s, now_ms);
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct cti_session *s = container_of(t, struct cti_session, timer);

    s->via->waited(s, now_ms);
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

/** @return false: the session is over */
static bool messages_lost(struct cti_session *s, uint64_t now_ms)
{
    s->cti->stats.gaps++;
    if (system_tell_lost(s, now_ms)) {
        env_trace_of(s->cti->env, TRACE_WARN, "cti", &(struct trace_ids){.who = s->app->name},
                     "%.*s: too far behind, told messagesLost", STR_ARG(s->app->name));
        return !s->over;
    }
    env_trace_of(s->cti->env, TRACE_WARN, "cti", &(struct trace_ids){.who = s->app->name},
                 "%.*s: too far behind, session closed", STR_ARG(s->app->name));
    session_end(s, CTI_END_MESSAGES_LOST, now_ms);
    return false;
}

/** The monitor has told one record (or its greeting): on to its next one, or to its end. */
static void advance(struct monitor *m, const struct journal_record *r, uint64_t now_ms)
{
    struct journal *j = m->session->cti->journal;
    const struct journal_record *next;
    int err;

    monitor_touch(m);
    if (r == NULL) {
        m->greet = false;
    } else {
        journal_step(&m->cursor, r);
    }
    m->unsent--;
    m->session->unsent--;
    ready_remove(m);
    while ((err = journal_peek(j, &m->cursor, &next)) == 0 && monitor_hides(m, next)) {
        journal_step(&m->cursor, next);
    }
    if (m->unsent > 0) {
        ready_add(m, err == 0 ? next->number : 0); /* 0: a gap, to be found at once */
    }
    monitor_told_all(m, now_ms);
}

/** Send what `m` has next. @return false: not now */
static bool send_next(struct cti_session *s, struct monitor *m, uint64_t now_ms)
{
    const struct journal_record *r = NULL;
    struct str text;
    int err;

    if (m->greet) {
        err = event_greeting(m, &text);
    } else if (journal_peek(s->cti->journal, &m->cursor, &r) != 0) {
        return messages_lost(s, now_ms);
    } else {
        err = event_text(m, r, &text);
    }
    if (err == 0) {
        s->flying = (struct flying){.ref = m->ref, .after = m->cursor.after, .greet = m->greet};
        err = s->via->event(s, text, now_ms);
        s->cti->stats.events_sent += err == 0;
    }
    if (err == E_NOMEM) {
        deliver_wait(s, now_ms + RETRY_MS);
        return false;
    }
    if (err == E_STATE) {
        return false; /* the link is on its way out and will say so */
    }
    if (err != 0) {
        env_trace(s->cti->env, TRACE_ERROR, "cti", "event %u cannot be sent: %s",
                  r == NULL ? 0U : (unsigned)r->event, err_text(err));
    }
    advance(m, r, now_ms);
    return true;
}

/** A request of ours. @return false: not now */
static bool send_ask(struct cti_session *s, struct ask *a, uint64_t now_ms)
{
    int err = ask_send(a, now_ms);

    if (err == E_NOMEM) {
        deliver_wait(s, now_ms + RETRY_MS);
    } else if (err != 0) {
        ask_unsendable(a, now_ms);
    }
    return err == 0;
}

/** What is the oldest: an event or a request of ours. @return false: nothing, or not now */
static bool send_oldest(struct cti_session *s, uint64_t now_ms)
{
    struct monitor *m = ready_first(s);
    struct ask *a = ask_first(s);

    if (a != NULL && (m == NULL || m->due > ask_after(a))) {
        return send_ask(s, a, now_ms);
    }
    return m != NULL && send_next(s, m, now_ms);
}

static void pump(struct cti_session *s, uint64_t now_ms)
{
    if (!s->over && s->busy == 0 && s->unsent > s->cti->config.max_unsent) {
        (void)messages_lost(s, now_ms);
    }
    while (may_send(s, now_ms) && send_oldest(s, now_ms)) {
    }
}

void cti_flush(struct cti *c, uint64_t now_ms)
{
    while (!list_empty(&c->dirty)) {
        struct cti_session *s = list_entry(c->dirty.next, struct cti_session, dirty);
        list_remove(&s->dirty);
        pump(s, now_ms);
    }
}
