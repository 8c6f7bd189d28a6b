/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session over SIP (TR/87): an INVITE dialog, requests and events in INFO, answers in the 200
 * to those.
 */
#include "cli/csta_session_parts.h"

#include "cli/csta_request.h"

/** How long an answer may come in an INFO of its own after an empty 200 (S-11). */
#define LATE_MS 5000u

static const struct str content_type = STR_INIT("application/csta+xml");
static const struct str disposition =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

/* ---- reading answers ---- */

struct str csta_warning_text(const struct sip_msg *m)
{
    const struct sip_hdr *h = m == NULL ? NULL : sip_msg_named(m, STR("Warning"));
    struct str v = h == NULL ? STR("") : sip_hdr_value(m, h);
    size_t open = str_index(v, '"');

    if (open < v.n && v.p[v.n - 1] == '"' && open + 1 < v.n) {
        return str_upto(str_from(v, open + 1), v.n - open - 2);
    }
    return v;
}

/** What a final response says; `request` is what it answers. */
static void read_answer(struct csta_session *s, unsigned status, const struct sip_msg *m,
                        struct csta_answer *a)
{
    bool csta = m != NULL && sip_msg_content_is(m, STR("application"), STR("csta+xml"));
    int err = E_NOTFOUND;

    *a = (struct csta_answer){.status = status};
    if (m == NULL) { /* made here, not by the server */
        a->refusal.because =
            status == 503 ? "the server cannot be reached" : "the server does not answer";
        return;
    }
    a->refusal.status = status;
    a->refusal.warning = csta_warning_text(m);
    a->refusal.reason = sip_msg_reason(m);
    if (sip_msg_body(m).n > 0) {
        a->body = sip_msg_body(m);
    }
    if (csta && str_is_set(a->body)) {
        struct csta_fault fault = {.reason = "it is not understood"};
        err = csta_decode(a->body, NULL, &s->ua->scratch, &a->msg, &fault);
        csta_session_read(err, &fault, a);
    }
    if (status < 200 || status >= 300) {
        a->ok = false;
    } else if (!str_is_set(a->body)) {
        a->ok = true; /* S-12 */
    } else if (err == E_NOTFOUND) {
        a->refusal.because = "the answer is not application/csta+xml";
    }
}

/** Does this request make no sense without a response body? */
static bool needs_body(enum csta_msg_id request)
{
    return request == CSTA_MSG_MAKE_CALL || request == CSTA_MSG_MONITOR_START ||
           request == CSTA_MSG_SNAPSHOT_DEVICE || request == CSTA_MSG_GET_CSTA_FEATURES;
}

/* ---- sending ---- */

static void on_late(void *ctx)
{
    struct csta_session *s = ctx;
    struct csta_answer a = {.status = 200,
                            .refusal.because =
                                "the answer is empty where there should be an identifier"};

    if (s->late) {
        csta_session_answered(s, &a);
        csta_session_next(s);
    }
}

static void on_pause_over(void *ctx)
{
    csta_session_next(ctx);
}

static void on_info_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                             uint64_t now_ms)
{
    struct csta_session *s = r->owner;
    struct csta_answer a;

    (void)now_ms;
    if (status < 200) {
        return;
    }
    s->request = NULL;
    read_answer(s, status, m, &a);
    if (a.ok && !str_is_set(a.body) && needs_body(csta_session_asking(s))) {
        s->asking = false;
        s->late = true;
        ua_after(s->ua, CSTA_SLOT_LATE, LATE_MS, on_late, s);
        return;
    }
    csta_session_answered(s, &a);
    if (status == 481 || status == 408 || status == 503) {
        /* on_ended may follow; only when it does not, there is something to send on */
        if (s->state == CSTA_SESSION_UP) {
            ua_after(s->ua, CSTA_SLOT_SESSION, 1, on_pause_over, s);
        }
    } else {
        csta_session_next(s);
    }
}

static int send_request(struct csta_session *s, struct str body)
{
    struct leg_content c = {.lines = disposition, .type = content_type, .body = body};
    int err = leg_send(s->leg, NULL, STR("INFO"), &c, on_info_response, s, &s->request,
                       ua_now(s->ua));

    if (err != 0) {
        s->request = NULL;
    }
    return err;
}

static void forget(struct csta_session *s)
{
    if (s->request != NULL) {
        leg_request_detach(s->request);
        s->request = NULL;
    }
}

/* ---- down and up again ---- */

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct csta_session *s = leg->owner;
    struct csta_answer a;
    bool status_known;

    (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    if (s->state != CSTA_SESSION_OPENING) {
        return;
    }
    read_answer(s, m->status, m, &a);
    status_known =
        a.ok && a.msg.body != NULL && a.msg.id == CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE;
    if (status_known &&
        a.msg.request_system_status_response->system_status == CSTA_STATUS_NORMAL) {
        csta_session_came_up(s, now_ms);
        return;
    }
    s->down = (struct csta_refusal){.what = STR("the session"), .error = a.refusal.error};
    s->down.because = status_known         ? "the server's system status is not normal"
                      : str_is_set(a.body) ? "the INVITE was not answered with a system status"
                                           : "the INVITE was answered without a CSTA message";
    leg_end(leg, 0, NULL, NULL, NULL, now_ms);
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct csta_session *s = leg->owner;
    struct csta_answer a;

    (void)now_ms;
    s->leg = NULL;
    read_answer(s, status, m, &a);
    a.refusal.what = STR("the session");
    if (status == 401 || status == 407) {
        a.refusal.because = s->config.password.n == 0
                                ? "no password was given (BATON_PASSWORD or --password)"
                                : "the user name or the password is wrong";
    }
    csta_session_went_down(s, &a.refusal);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    static const char *const texts[] = {
        [LEG_END_BYE] = "the server has ended the session",
        [LEG_END_LOCAL] = "the session was ended here",
        [LEG_END_NO_ACK] = "the session was never acknowledged",
        [LEG_END_EXPIRED] = "the session timer ran out",
        [LEG_END_LOST] = "the server does not answer, or does not know the session any more"};
    struct csta_session *s = leg->owner;
    struct csta_refusal r = s->down;

    (void)now_ms;
    s->leg = NULL;
    s->down = (struct csta_refusal){0};
    if (r.because == NULL) {
        r = (struct csta_refusal){.because = texts[why]};
    }
    csta_session_went_down(s, &r);
}

/* ---- what the switching function asks and tells ---- */

static void answer_status(struct leg *leg, struct txn *t, unsigned status, uint64_t now_ms)
{
    (void)leg_answer(leg, t, status, STR_NONE, &(struct leg_content){0}, now_ms);
}

static void answer(struct csta_session *s, const struct csta_asked *to, struct str csta)
{
    struct leg_content c = {.lines = disposition, .type = content_type, .body = csta};

    if (!str_is_set(csta)) {
        c = (struct leg_content){0};
    }
    (void)leg_answer(to->leg, to->txn, 200, STR_NONE, &c, ua_now(s->ua));
}

static void on_info(struct csta_session *s, struct leg *leg, struct txn *t,
                    const struct sip_msg *m, uint64_t now_ms)
{
    struct csta_asked from = {.leg = leg, .txn = t};

    if (!sip_msg_content_is(m, STR("application"), STR("csta+xml"))) {
        answer_status(leg, t, 415, now_ms);
    } else if (csta_session_take(s, &from, sip_msg_body(m)) != 0) {
        answer_status(leg, t, 400, now_ms);
    }
}

/** A refresh from the other side: with CSTA inside or without. */
static void on_refresh(struct csta_session *s, struct leg *leg, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct csta_asked from = {.leg = leg, .txn = t};

    if (sip_msg_body(m).n == 0 || !sip_msg_content_is(m, STR("application"), STR("csta+xml")) ||
        csta_session_take(s, &from, sip_msg_body(m)) != 0) {
        answer_status(leg, t, 200, now_ms);
    }
}

static void on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct csta_session *s = leg->owner;

    (void)d;
    switch ((enum sip_method)m->method) {
    case SIP_METHOD_INFO:
        on_info(s, leg, t, m, now_ms);
        break;
    case SIP_METHOD_INVITE:
    case SIP_METHOD_UPDATE:
        on_refresh(s, leg, t, m, now_ms);
        break;
    case SIP_METHOD_OPTIONS:
        answer_status(leg, t, 200, now_ms);
        break;
    default:
        answer_status(leg, t, 405, now_ms);
        break;
    }
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct csta_session *s = leg->owner;
    struct str why = sip_msg_value(m, SIP_HDR_REASON);

    s->down =
        (struct csta_refusal){.because = "the server has ended the session", .warning = why};
    answer_status(leg, t, 200, now_ms);
}

static void on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms)
{
    (void)leg;
    (void)d;
    (void)m;
    (void)now_ms;
}

static void on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)now_ms;
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)initial;
    (void)now_ms;
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    answer_status(leg, t, 487, now_ms);
}

static void on_gone(struct leg *leg)
{
    struct csta_session *s = leg->owner;

    if (s->leg == leg) {
        s->leg = NULL;
    }
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

/* ---- opening and closing ---- */

/** The domain of the user, else of the server. */
static struct str domain_of(const struct csta_session *s)
{
    size_t at = str_index(s->config.user, '@');

    return at < s->config.user.n ? str_from(s->config.user, at + 1)
                                 : str_c(s->ua->config.server.host);
}

static struct str uri_of(struct csta_session *s)
{
    struct arena *a = &s->ua->scratch;
    struct str device = str_is_set(s->config.device) ? s->config.device : STR("csta");

    if (str_istarts(device, STR("sip:")) || str_istarts(device, STR("sips:"))) {
        return device;
    }
    if (str_index(device, '@') < device.n) {
        return arena_fmt(a, "sip:%.*s", STR_ARG(device));
    }
    return arena_fmt(a, "sip:%.*s@%.*s", STR_ARG(device), STR_ARG(domain_of(s)));
}

static void open_session(struct csta_session *s)
{
    static const struct csta_request_system_status ask;
    const struct csta_msg msg = {.id = CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                 .request_system_status = &ask};
    struct csta_refusal r = {.what = STR("the session"), .because = "out of memory"};
    struct arena *a = &s->ua->scratch;
    struct leg_invite args = {.target = ua_target(s->ua), .auth = &s->auth};

    args.request_uri = uri_of(s);
    args.to = arena_fmt(a, "<%.*s>", STR_ARG(args.request_uri));
    args.from = arena_fmt(a, "<sip:%.*s@%.*s>", STR_ARG(s->auth.user), STR_ARG(domain_of(s)));
    args.pin = args.target.host.n == 0;
    args.content.lines = disposition;
    args.content.type = content_type;
    if (csta_body_write(&msg, s->config.edition, a, &args.content.body) != 0 ||
        !str_is_set(args.from) || !str_is_set(args.to)) {
        csta_session_went_down(s, &r);
        return;
    }
    s->leg = leg_invite(&s->ua->legs, &args, &session_user, s, ua_now(s->ua));
    if (s->leg == NULL) {
        csta_session_went_down(s, &r);
    }
}

static bool close_session(struct csta_session *s)
{
    if (s->leg == NULL) {
        return false;
    }
    leg_end(s->leg, 0, NULL, NULL, NULL, ua_now(s->ua));
    return true;
}

/** Perhaps not the session's: asked at once whether it is still known, we learn it early. */
static void flow_closed(struct csta_session *s)
{
    csta_session_probe(s);
}

const struct csta_carrier csta_carrier_sip = {
    .open = open_session,
    .send = send_request,
    .forget = forget,
    .answer = answer,
    .close = close_session,
    .flow_closed = flow_closed,
};
