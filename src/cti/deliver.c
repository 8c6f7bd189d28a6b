/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records go out: one INFO an event, in order (TR/87 S-13 to S-16).
 *
 *   records ──► ready queue ──► INFO ──► final response ──► next
 *
 * ONE AT A TIME. Over UDP two INFOs can overtake each other, and a client has to refuse the
 * older one for its CSeq. So the next one waits for the answer to the last.
 *
 * STREAMS keep the order by themselves. A real client never answers event INFOs; on a stream,
 * after half a second without an answer the session counts as mute and is no longer waited
 * for, up to a number of open INFOs. The first answer that comes undoes that. That an INFO
 * timed out says nothing about a stream that lives: the leg ends only what is dead (481, 408,
 * no answer over UDP), and then on_ended ends the session. Any other refusal is noted and
 * passed over.
 *
 * GAPS. A client that is too far behind, or whose next record is gone, has missed something. It
 * did not register for system status (SystemRegister is not served), so nothing could tell it;
 * the session is closed with `Reason: SIP;cause=500;text="messagesLost"`, which every client
 * understands: it opens a new one, monitors and takes a snapshot (TR/87 4.3).
 *
 * An event for which there is no memory waits for a second.
 */
#include "cti/parts.h"

enum { PATIENCE_MS = 500, RETRY_MS = 1000, MUTE_MAX = 128 };

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

static bool on_stream(const struct cti_session *s)
{
    return transport_is_reliable((enum transport)s->leg->hop.transport);
}

static bool may_send(const struct cti_session *s)
{
    if (s->over || s->busy > 0 || s->leg->state != LEG_CONFIRMED) {
        return false;
    }
    return s->in_flight == 0 || (s->mute && on_stream(s) && s->in_flight < MUTE_MAX);
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct cti_session *s = container_of(t, struct cti_session, timer);

    if (s->in_flight > 0 && on_stream(s)) {
        s->mute = true;
    }
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

void deliver_answered(struct cti_session *s, bool by_peer)
{
    s->in_flight--;
    if (s->over) {
        return;
    }
    if (by_peer) {
        s->mute = false;
    }
    if (s->in_flight == 0) {
        timer_stop(s->cti->wheel, &s->timer);
    }
}

static void on_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct cti_session *s = r->owner;

    if (status < 200) {
        return;
    }
    deliver_answered(s, m != NULL);
    if (s->over) {
        return;
    }
    if (status >= 300) {
        env_trace(s->cti->env, TRACE_INFO, "cti", "%.*s: event answered %u",
                  STR_ARG(s->app->name), status);
    }
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

static void messages_lost(struct cti_session *s, uint64_t now_ms)
{
    s->cti->stats.gaps++;
    env_trace(s->cti->env, TRACE_WARN, "cti", "%.*s: too far behind, session closed",
              STR_ARG(s->app->name));
    session_end(s, STR("Reason: SIP;cause=500;text=\"messagesLost\"\r\n"), now_ms);
}

/** The monitor has told one record (or its greeting): on to its next one. */
static void advance(struct monitor *m, const struct journal_record *r)
{
    const struct journal_record *next;

    if (r == NULL) {
        m->greet = false;
    } else {
        journal_step(&m->cursor, r);
    }
    m->unsent--;
    m->session->unsent--;
    ready_remove(m);
    switch (journal_peek(m->session->cti->journal, &m->cursor, &next)) {
    case 0:
        ready_add(m, next->number);
        break;
    case E_AGAIN:
        break;
    default:
        ready_add(m, 0); /* a gap: to be found at once */
        break;
    }
}

int deliver_info(struct cti_session *s, struct str text, leg_response_fn fn, void *owner,
                 struct leg_request **out, uint64_t now_ms)
{
    struct leg_content content = {.lines = csta_disposition, .type = csta_type, .body = text};
    int err = leg_send(s->leg, NULL, STR("INFO"), &content, fn, owner, out, now_ms);

    if (err == 0) {
        s->in_flight++;
        if (on_stream(s) && !s->mute) {
            timer_set(s->cti->wheel, &s->timer, now_ms + PATIENCE_MS);
        }
    }
    return err;
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
        messages_lost(s, now_ms);
        return false;
    } else {
        err = event_text(m, r, &text);
    }
    if (err == 0) {
        err = deliver_info(s, text, on_response, s, NULL, now_ms);
        s->cti->stats.events_sent += err == 0 ? 1 : 0;
    }
    if (err == E_NOMEM) {
        timer_set(s->cti->wheel, &s->timer, now_ms + RETRY_MS);
        return false;
    }
    if (err == E_STATE) {
        return false; /* the leg is on its way out and will say so */
    }
    if (err != 0) {
        env_trace(s->cti->env, TRACE_ERROR, "cti", "event %u cannot be sent: %s",
                  r == NULL ? 0U : (unsigned)r->event, err_text(err));
    }
    advance(m, r);
    return true;
}

/** A request of ours. @return false: not now */
static bool send_ask(struct cti_session *s, struct ask *a, uint64_t now_ms)
{
    int err = ask_send(a, now_ms);

    if (err == E_NOMEM) {
        timer_set(s->cti->wheel, &s->timer, now_ms + RETRY_MS);
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
        messages_lost(s, now_ms);
    }
    while (may_send(s) && send_oldest(s, now_ms)) {
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
