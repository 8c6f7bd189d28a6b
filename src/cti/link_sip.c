/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session over SIP: an INVITE dialog that carries CSTA (TR/87 4.1 to 4.6).
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
 * EVENTS go out as INFO, ONE AT A TIME (S-13 to S-16). Over UDP two INFOs can overtake each
 * other, and a client has to refuse the older one for its CSeq. So the next one waits for the
 * answer to the last.
 *
 * STREAMS keep the order by themselves. A real client never answers event INFOs; on a stream,
 * after half a second without an answer the session counts as mute and is no longer waited
 * for, up to a number of open INFOs. The first answer that comes undoes that. That an INFO
 * timed out says nothing about a stream that lives: the leg ends only what is dead (481, 408,
 * no answer over UDP), and then on_ended ends the session. Any other refusal is noted and
 * passed over.
 *
 * A client that has missed events hears BYE with `Reason: SIP;cause=500;text="messagesLost"`.
 */
#include "cti/sip.h"

enum { PATIENCE_MS = 500, MUTE_MAX = 128 };

/* ---- events ---- */

static bool on_stream(const struct cti_session *s)
{
    return transport_is_reliable((enum transport)s->leg->hop.transport);
}

static bool ready(struct cti_session *s, uint64_t now_ms)
{
    (void)now_ms;
    s->waits = s->waits && s->leg->dialog->lost;
    if (s->leg->state != LEG_CONFIRMED || s->waits) {
        return false;
    }
    return s->in_flight == 0 || (s->mute && on_stream(s) && s->in_flight < MUTE_MAX);
}

static void waited(struct cti_session *s, uint64_t now_ms)
{
    (void)now_ms;
    if (s->in_flight > 0 && on_stream(s)) {
        s->mute = true;
    }
}

/** An INFO of ours is answered. @param by_peer  the peer has said something */
static void answered(struct cti_session *s, bool by_peer)
{
    s->in_flight--;
    s->flying.cseq = s->in_flight > 0 ? s->flying.cseq : 0;
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

static void on_event_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                            uint64_t now_ms)
{
    struct cti_session *s = r->owner;

    if (status < 200) {
        return;
    }
    answered(s, m != NULL);
    if (s->over) {
        return;
    }
    if (status >= 300) {
        env_trace_of(s->cti->env, TRACE_INFO, "cti", &(struct trace_ids){.who = s->app->name},
                     "%.*s: event answered %u", STR_ARG(s->app->name), status);
    }
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

static int send_info(struct cti_session *s, struct str csta, leg_response_fn fn, void *owner,
                     struct leg_request **out, uint64_t now_ms)
{
    struct leg_content content = {.lines = csta_disposition, .type = csta_type, .body = csta};
    int err = leg_send(s->leg, NULL, STR("INFO"), &content, fn, owner, out, now_ms);

    if (err == 0) {
        s->in_flight++;
        if (on_stream(s) && !s->mute) {
            deliver_wait(s, now_ms + PATIENCE_MS);
        }
    }
    return err;
}

static int send_event(struct cti_session *s, struct str csta, uint64_t now_ms)
{
    struct leg_request *r = NULL;
    bool alone = s->in_flight == 0;
    int err = send_info(s, csta, on_event_answer, s, &r, now_ms);

    s->flying.cseq = err == 0 && alone ? r->cseq : 0;
    return err;
}

/* ---- requests of ours ---- */

static void on_ask_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                          uint64_t now_ms)
{
    struct ask *a = r->owner;
    struct cti_session *s = ask_session(a);
    struct content content = {.kind = CONTENT_NONE};

    if (status < 200) {
        return;
    }
    answered(s, m != NULL);
    if (m != NULL) {
        content = content_of(m);
    }
    ask_on_answer(a, m != NULL ? status : 0,
                  content.kind == CONTENT_CSTA ? content.csta : STR_NONE, now_ms);
    deliver_mark(s);
    cti_flush(s->cti, now_ms);
}

static int send_ask(struct cti_session *s, struct str csta, struct ask *a, uintptr_t *tag,
                    uint64_t now_ms)
{
    struct leg_request *r = NULL;
    int err = send_info(s, csta, on_ask_answer, a, &r, now_ms);

    if (err == 0) {
        *tag = (uintptr_t)r;
    }
    return err;
}

static void forget(struct cti_session *s, uintptr_t tag)
{
    (void)s;
    if (tag != 0) {
        leg_request_detach((struct leg_request *)tag);
    }
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
        sip_on_message(s, t, m, now_ms);
        break;
    case SIP_METHOD_OPTIONS:
        sip_answer(&(struct asker){.session = s, .txn = t}, 200,
                   "Accept: application/csta+xml, multipart/mixed\r\n", STR_NONE, now_ms);
        break;
    default:
        sip_answer(&(struct asker){.session = s, .txn = t}, 405, NULL,
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
        env_trace_of(s->cti->env, TRACE_INFO, "cti", &(struct trace_ids){.who = s->app->name},
                     "%.*s: session lost", STR_ARG(s->app->name));
    }
    session_over(s, now_ms);
}

static void on_gone(struct leg *leg)
{
    session_free(leg->owner);
}

const struct leg_user cti_session_user = {
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

/* ---- the end ---- */

static void end(struct cti_session *s, enum cti_end why, uint64_t now_ms)
{
    struct leg_content content = {0};

    if (why == CTI_END_MESSAGES_LOST) {
        content.lines = STR("Reason: SIP;cause=500;text=\"messagesLost\"\r\n");
    }
    leg_end(s->leg, 503, &content, NULL, NULL, now_ms);
}

static void drop(struct cti_session *s)
{
    leg_free(s->leg);
}

const struct cti_link cti_link_sip = {
    .name = "SIP",
    .answer = sip_reply,
    .ready = ready,
    .event = send_event,
    .ask = send_ask,
    .forget = forget,
    .waited = waited,
    .end = end,
    .drop = drop,
};

/* ---- opening ---- */

/** Does the Accept header name CSTA and nothing else? */
static bool accepts_only_csta(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct sip_media media;
    struct str v;
    bool any = false;

    while (sip_msg_each(m, SIP_HDR_ACCEPT, &it, &v)) {
        if (sip_media_parse(v, &media) != 0 ||
            !sip_media_is(&media, STR("application"), STR("csta+xml"))) {
            return false;
        }
        any = true;
    }
    return any;
}

bool cti_wants(const struct sip_msg *m)
{
    if (m->method != SIP_METHOD_INVITE) {
        return false;
    }
    if (sip_msg_has(m, SIP_HDR_CONTENT_TYPE)) {
        return content_has_csta(m);
    }
    return sip_msg_body(m).n == 0 && accepts_only_csta(m);
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

void cti_incoming(struct cti *c, const struct sip_msg *m, const struct hop *from,
                  struct application *app, uint64_t now_ms)
{
    struct cti_session *s = NULL;

    if (session_has_room(c, app)) {
        s = session_new(c, app, &cti_link_sip);
    }
    if (s == NULL) {
        refuse(c, m, from, now_ms);
        return;
    }
    s->leg = leg_incoming(c->legs, m, from, &cti_session_user, s, now_ms);
    if (s->leg == NULL) {
        session_free(s);
        return;
    }
    sip_on_message(s, NULL, m, now_ms);
}
