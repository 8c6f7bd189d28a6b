/* SPDX-License-Identifier: Apache-2.0 */
/* The session: opening, losing, re-opening, closing; requests one at a time. */
#include "cli/csta_session.h"

#include "base/err.h"
#include "cli/csta_request.h"

#define BACKOFF_FIRST_MS 1000u
#define BACKOFF_MAX_MS 30000u
/** A session that stood that long has earned a quick first attempt again. */
#define STEADY_MS 10000u
/** How long an answer may come in an INFO of its own after an empty 200 (S-11). */
#define LATE_MS 5000u
/** After that the answer to BYE is not waited for. */
#define CLOSE_MS 3000u

static const struct str content_type = STR_INIT("application/csta+xml");
static const struct str disposition =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

struct job {
    struct list link;
    enum csta_msg_id request;
    csta_answer_fn fn;
    void *owner;
    size_t n;
    char body[];
};

static struct job *first_job(struct csta_session *s)
{
    return list_empty(&s->jobs) ? NULL : list_entry(s->jobs.next, struct job, link);
}

static void drop_job(struct job *j)
{
    list_remove(&j->link);
    mem_free(&mem_libc, j);
}

static bool is_busy(const struct csta_session *s)
{
    return s->request != NULL || s->late;
}

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
        a->refusal.because = err == 0 ? NULL : fault.reason;
    }
    if (err == 0 && a->msg.id == CSTA_MSG_ERROR_CODE) {
        a->refusal.error = *a->msg.error_code;
    } else if (status >= 200 && status < 300) {
        /* a response that is known by name only is a positive one, and so is an empty 200
         * (S-12) */
        a->ok = err == 0 || (err == E_UNSUPPORTED && a->msg.id != CSTA_MSG_NONE) ||
                !str_is_set(a->body);
        if (err == E_NOTFOUND && !a->ok) {
            a->refusal.because = "the answer is not application/csta+xml";
        }
    }
    if (err != 0) {
        a->msg.body = NULL;
    }
}

/** Does this request make no sense without a response body? */
static bool needs_body(enum csta_msg_id request)
{
    return request == CSTA_MSG_MAKE_CALL || request == CSTA_MSG_MONITOR_START ||
           request == CSTA_MSG_SNAPSHOT_DEVICE || request == CSTA_MSG_GET_CSTA_FEATURES;
}

/* ---- sending ---- */

static void start_job(struct csta_session *s);

static void finish_job(struct csta_session *s, const struct csta_answer *a)
{
    struct job *j = first_job(s);
    csta_answer_fn fn = j->fn;
    void *owner = j->owner;

    s->late = false;
    ua_after(s->ua, CSTA_SLOT_LATE, 0, NULL, NULL);
    drop_job(j);
    if (fn != NULL) {
        fn(owner, a);
    }
}

static void fail_jobs(struct csta_session *s, const struct csta_refusal *why)
{
    struct csta_answer a = {.refusal = *why};

    if (s->request != NULL) {
        leg_request_detach(s->request);
        s->request = NULL;
    }
    /* what a callback queues now is refused: the state is no longer UP */
    while (first_job(s) != NULL) {
        finish_job(s, &a);
    }
}

static void on_late(void *ctx)
{
    struct csta_session *s = ctx;
    struct csta_answer a = {.status = 200,
                            .refusal.because =
                                "the answer is empty where there should be an identifier"};

    if (s->late) {
        finish_job(s, &a);
        start_job(s);
    }
}

static void on_pause_over(void *ctx)
{
    start_job(ctx);
}

static void on_info_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                             uint64_t now_ms)
{
    struct csta_session *s = r->owner;
    struct job *j = first_job(s);
    struct csta_answer a;

    (void)now_ms;
    if (status < 200) {
        return;
    }
    s->request = NULL;
    read_answer(s, status, m, &a);
    if (a.ok && !str_is_set(a.body) && needs_body(j->request)) {
        s->late = true;
        ua_after(s->ua, CSTA_SLOT_LATE, LATE_MS, on_late, s);
        return;
    }
    finish_job(s, &a);
    if (status == 481 || status == 408 || status == 503) {
        /* on_ended may follow; only when it does not, there is something to send on */
        if (s->state == CSTA_SESSION_UP) {
            ua_after(s->ua, CSTA_SLOT_SESSION, 1, on_pause_over, s);
        }
    } else {
        start_job(s);
    }
}

static void start_job(struct csta_session *s)
{
    while (s->state == CSTA_SESSION_UP && !is_busy(s) && first_job(s) != NULL) {
        struct job *j = first_job(s);
        struct leg_content c = {
            .lines = disposition, .type = content_type, .body = str_make(j->body, j->n)};
        struct csta_answer a = {.refusal.because = "it could not be sent"};
        if (leg_send(s->leg, NULL, STR("INFO"), &c, on_info_response, s, &s->request,
                     ua_now(s->ua)) == 0) {
            return;
        }
        s->request = NULL;
        finish_job(s, &a);
    }
}

int csta_session_send(struct csta_session *s, enum csta_msg_id request, struct str body,
                      csta_answer_fn fn, void *owner)
{
    struct job *j;

    if (s->state != CSTA_SESSION_UP) {
        return E_STATE;
    }
    j = mem_alloc(&mem_libc, sizeof(*j) + body.n);
    if (j == NULL) {
        return E_NOMEM;
    }
    *j = (struct job){.request = request, .fn = fn, .owner = owner, .n = body.n};
    memcpy(j->body, body.p, body.n);
    list_append(&s->jobs, &j->link);
    start_job(s);
    return 0;
}

void csta_session_probe(struct csta_session *s)
{
    static const struct csta_request_system_status ask;
    const struct csta_msg msg = {.id = CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                 .request_system_status = &ask};
    struct str body;
    int err = s->state == CSTA_SESSION_UP ? 0 : E_STATE;

    err = err == 0 ? csta_body_write(&msg, s->config.edition, &s->ua->scratch, &body) : err;
    err = err == 0 ? csta_session_send(s, msg.id, body, NULL, NULL) : err;
    (void)err; /* without memory the next refresh tells as well */
}

/* ---- down and up again ---- */

static void closed(struct csta_session *s)
{
    if (s->state != CSTA_SESSION_CLOSED) {
        s->state = CSTA_SESSION_CLOSED;
        ua_after(s->ua, CSTA_SLOT_SESSION, 0, NULL, NULL);
        ua_after(s->ua, CSTA_SLOT_LATE, 0, NULL, NULL);
        s->user->on_closed(s->ctx);
    }
}

static void on_retry(void *ctx)
{
    csta_session_open(ctx);
}

static void down(struct csta_session *s, const struct csta_refusal *why)
{
    uint64_t wait = 0;

    if (s->state == CSTA_SESSION_CLOSING || s->state == CSTA_SESSION_CLOSED) {
        closed(s);
        return;
    }
    if (s->state == CSTA_SESSION_UP && ua_now(s->ua) - s->up_since_ms >= STEADY_MS) {
        s->attempts = 0;
    }
    s->state = CSTA_SESSION_LOST;
    fail_jobs(s, why);
    if (s->state == CSTA_SESSION_CLOSED) {
        return; /* a callback has closed it */
    }
    if (s->persistent && s->was_up) {
        wait = (uint64_t)BACKOFF_FIRST_MS << (s->attempts < 5 ? s->attempts : 5);
        wait = wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
        s->attempts++;
        ua_after(s->ua, CSTA_SLOT_SESSION, wait, on_retry, s);
    }
    s->user->on_down(s->ctx, why, wait);
    if (wait == 0) {
        closed(s);
    }
}

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
        s->state = CSTA_SESSION_UP;
        s->was_up = true;
        s->up_since_ms = now_ms;
        s->user->on_up(s->ctx);
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
    down(s, &a.refusal);
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
    down(s, &r);
}

/* ---- what the switching function asks and tells ---- */

static void answer_status(struct leg *leg, struct txn *t, unsigned status, uint64_t now_ms)
{
    (void)leg_answer(leg, t, status, STR_NONE, &(struct leg_content){0}, now_ms);
}

static void answer_csta(struct csta_session *s, struct leg *leg, struct txn *t,
                        const struct csta_msg *msg, enum csta_edition edition, uint64_t now_ms)
{
    struct leg_content c = {.lines = disposition, .type = content_type};

    if (csta_body_write(msg, edition, &s->ua->scratch, &c.body) != 0) {
        c = (struct leg_content){0};
    }
    (void)leg_answer(leg, t, 200, STR_NONE, &c, now_ms);
}

/** Services that a computing function offers (TR/87 digest 9.3, N-5). */
static void serve(struct csta_session *s, struct leg *leg, struct txn *t,
                  const struct csta_msg *m, uint64_t now_ms)
{
    static const struct csta_request_system_status_response normal = {.system_status =
                                                                          CSTA_STATUS_NORMAL};
    static const struct csta_system_status_response status_response;
    static const struct csta_monitor_stop_response stop_response;
    static const struct csta_error refused = {
        CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED, STR_INIT("")};
    struct csta_msg answer = {0};

    switch ((unsigned)m->id) {
    case CSTA_MSG_REQUEST_SYSTEM_STATUS:
        answer.id = CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE;
        answer.request_system_status_response = &normal;
        break;
    case CSTA_MSG_SYSTEM_STATUS:
        answer.id = CSTA_MSG_SYSTEM_STATUS_RESPONSE;
        answer.system_status_response = &status_response;
        break;
    case CSTA_MSG_MONITOR_STOP:
        answer.id = CSTA_MSG_MONITOR_STOP_RESPONSE;
        answer.monitor_stop_response = &stop_response;
        break;
    case CSTA_MSG_SWITCHING_FUNCTION_DEVICES:
    case CSTA_MSG_ROUTE_REQUEST: /* what it says to that is a request of its own */
    case CSTA_MSG_RE_ROUTE:
    case CSTA_MSG_ROUTE_USED:
    case CSTA_MSG_ROUTE_END:
    case CSTA_MSG_ROUTE_REGISTER_ABORT:
        answer_status(leg, t, 200, now_ms); /* it has no response in CSTA */
        return;
    default:
        answer.id = CSTA_MSG_ERROR_CODE;
        answer.error_code = &refused;
        break;
    }
    answer_csta(s, leg, t, &answer, m->edition, now_ms);
}

static void take_late(struct csta_session *s, const struct csta_msg *m, struct str body)
{
    struct csta_answer a = {.ok = true, .msg = *m, .status = 200, .body = body};
    struct job *j = first_job(s);

    if (!s->late || (m->id != csta_msg_response(j->request) && m->id != CSTA_MSG_ERROR_CODE)) {
        return;
    }
    if (m->id == CSTA_MSG_ERROR_CODE) {
        a.ok = false;
        a.refusal.error = *m->error_code;
    }
    finish_job(s, &a);
    start_job(s);
}

static void on_info(struct csta_session *s, struct leg *leg, struct txn *t,
                    const struct sip_msg *m, uint64_t now_ms)
{
    struct str body = sip_msg_body(m);
    struct csta_msg msg;
    struct csta_fault fault;
    int err;

    if (!sip_msg_content_is(m, STR("application"), STR("csta+xml"))) {
        answer_status(leg, t, 415, now_ms);
        return;
    }
    err = csta_decode(body, NULL, &s->ua->scratch, &msg, &fault);
    if (err != 0 && err != E_UNSUPPORTED) {
        if (s->ua->config.trace) {
            fprintf(stderr, "csta: a message of the server cannot be read: %s\n", fault.reason);
        }
        answer_status(leg, t, 400, now_ms);
        return;
    }
    if (err != 0) {
        msg.body = NULL;
    }
    if (msg.id == CSTA_MSG_NONE ? str_ends(msg.root_name, STR("Event"))
                                : csta_msg_role(msg.id) == CSTA_ROLE_EVENT) {
        answer_status(leg, t, 200, now_ms);
        s->user->on_event(s->ctx, &msg, body);
    } else if (msg.id != CSTA_MSG_NONE && csta_msg_role(msg.id) == CSTA_ROLE_RESPONSE) {
        answer_status(leg, t, 200, now_ms);
        if (err == 0) {
            take_late(s, &msg, body);
        }
    } else {
        serve(s, leg, t, &msg, now_ms);
        s->user->on_request(s->ctx, &msg, body);
    }
}

/** A refresh from the other side: with CSTA inside or without. */
static void on_refresh(struct csta_session *s, struct leg *leg, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct csta_msg msg;

    if (sip_msg_body(m).n > 0 && sip_msg_content_is(m, STR("application"), STR("csta+xml")) &&
        csta_decode(sip_msg_body(m), NULL, &s->ua->scratch, &msg, NULL) == 0) {
        serve(s, leg, t, &msg, now_ms);
    } else {
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

/* ---- life ---- */

void csta_session_init(struct csta_session *s, struct ua *ua,
                       const struct csta_session_config *config,
                       const struct csta_session_user *user, void *ctx)
{
    *s = (struct csta_session){.ua = ua, .config = *config, .user = user, .ctx = ctx};
    list_init(&s->jobs);
    s->auth.user = str_upto(config->user, str_index(config->user, '@'));
    s->auth.password = config->password;
}

void csta_session_fini(struct csta_session *s)
{
    while (first_job(s) != NULL) {
        drop_job(first_job(s));
    }
}

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

void csta_session_open(struct csta_session *s)
{
    static const struct csta_request_system_status ask;
    const struct csta_msg msg = {.id = CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                 .request_system_status = &ask};
    struct csta_refusal r = {.what = STR("the session"), .because = "out of memory"};
    struct arena *a = &s->ua->scratch;
    struct leg_invite args = {.target = ua_target(s->ua), .auth = &s->auth};

    s->state = CSTA_SESSION_OPENING;
    args.request_uri = uri_of(s);
    args.to = arena_fmt(a, "<%.*s>", STR_ARG(args.request_uri));
    args.from = arena_fmt(a, "<sip:%.*s@%.*s>", STR_ARG(s->auth.user), STR_ARG(domain_of(s)));
    args.pin = args.target.host.n == 0;
    args.content.lines = disposition;
    args.content.type = content_type;
    if (csta_body_write(&msg, s->config.edition, a, &args.content.body) != 0 ||
        !str_is_set(args.from) || !str_is_set(args.to)) {
        down(s, &r);
        return;
    }
    s->leg = leg_invite(&s->ua->legs, &args, &session_user, s, ua_now(s->ua));
    if (s->leg == NULL) {
        down(s, &r);
    }
}

static void on_close_timeout(void *ctx)
{
    closed(ctx);
}

void csta_session_close(struct csta_session *s)
{
    if (s->state == CSTA_SESSION_CLOSING || s->state == CSTA_SESSION_CLOSED) {
        return;
    }
    s->state = CSTA_SESSION_CLOSING;
    csta_session_fini(s);
    if (s->request != NULL) {
        leg_request_detach(s->request);
        s->request = NULL;
    }
    s->late = false;
    ua_after(s->ua, CSTA_SLOT_LATE, 0, NULL, NULL);
    if (s->leg == NULL) {
        closed(s);
        return;
    }
    ua_after(s->ua, CSTA_SLOT_SESSION, CLOSE_MS, on_close_timeout, s);
    leg_end(s->leg, 0, NULL, NULL, NULL, ua_now(s->ua));
}
