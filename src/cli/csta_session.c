/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session, whatever carries it: lost and re-opened, requests one at a time, what the
 * switching function asks and tells. csta_session_sip.c and csta_session_tcp.c carry it.
 */
#include "cli/csta_session_parts.h"

#include "cli/csta_request.h"

#define SILENCE_MS 3000u
#define BACKOFF_FIRST_MS 1000u
#define BACKOFF_MAX_MS 30000u
/** A session that stood that long has earned a quick first attempt again. */
#define STEADY_MS 10000u
/** After that the end of the session is not waited for. */
#define CLOSE_MS 3000u

struct job {
    struct list link;
    enum csta_msg_id request;
    csta_answer_fn fn;
    void *owner;
    size_t n;
    char body[];
};

static struct job *first_job(const struct csta_session *s)
{
    return list_empty(&s->jobs) ? NULL : list_entry(s->jobs.next, struct job, link);
}

static void drop_job(struct job *j)
{
    list_remove(&j->link);
    mem_free(&mem_libc, j);
}

bool csta_session_is_asking(const struct csta_session *s)
{
    return s->asking || s->late;
}

/* ---- requests ---- */

enum csta_msg_id csta_session_asking(const struct csta_session *s)
{
    struct job *j = first_job(s);

    return j == NULL ? CSTA_MSG_NONE : j->request;
}

void csta_session_read(int err, const struct csta_fault *fault, struct csta_answer *a)
{
    a->refusal.because = err == 0 ? NULL : fault->reason;
    if (err == 0 && a->msg.id == CSTA_MSG_ERROR_CODE) {
        a->refusal.error = *a->msg.error_code;
    } else {
        /* a response that is known by name only is a positive one */
        a->ok = err == 0 || (err == E_UNSUPPORTED && a->msg.id != CSTA_MSG_NONE);
    }
    if (err != 0) {
        a->msg.body = NULL;
    }
}

void csta_session_answered(struct csta_session *s, const struct csta_answer *a)
{
    struct job *j = first_job(s);
    csta_answer_fn fn = j->fn;
    void *owner = j->owner;

    s->asking = s->late = false;
    ua_after(s->ua, CSTA_SLOT_LATE, 0, NULL, NULL);
    drop_job(j);
    if (fn != NULL) {
        fn(owner, a);
    }
}

static void fail_jobs(struct csta_session *s, const struct csta_refusal *why)
{
    struct csta_answer a = {.refusal = *why};

    s->carrier->forget(s);
    /* what a callback queues now is refused: the state is no longer UP */
    while (first_job(s) != NULL) {
        csta_session_answered(s, &a);
    }
}

void csta_session_next(struct csta_session *s)
{
    while (s->state == CSTA_SESSION_UP && !csta_session_is_asking(s) && first_job(s) != NULL) {
        struct job *j = first_job(s);
        struct csta_answer a = {.refusal.because = "it could not be sent"};
        s->asking = true;
        if (s->carrier->send(s, str_make(j->body, j->n)) == 0) {
            return;
        }
        csta_session_answered(s, &a);
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
    csta_session_next(s);
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

void csta_session_went_down(struct csta_session *s, const struct csta_refusal *why)
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

void csta_session_came_up(struct csta_session *s, uint64_t now_ms)
{
    s->state = CSTA_SESSION_UP;
    s->was_up = true;
    s->up_since_ms = now_ms;
    ua_after(s->ua, CSTA_SLOT_SESSION, 0, NULL, NULL);
    s->user->on_up(s->ctx);
}

/* ---- what the switching function asks and tells ---- */

static void answer(struct csta_session *s, const struct csta_asked *to,
                   const struct csta_msg *msg, enum csta_edition edition)
{
    struct str body = STR_NONE;

    if (csta_body_write(msg, edition, &s->ua->scratch, &body) != 0) {
        body = STR_NONE;
    }
    s->carrier->answer(s, to, body);
}

/** Services that a computing function offers (TR/87 digest 9.3, N-5). */
static void serve(struct csta_session *s, const struct csta_asked *from,
                  const struct csta_msg *m)
{
    static const struct csta_request_system_status_response normal = {.system_status =
                                                                          CSTA_STATUS_NORMAL};
    static const struct csta_system_status_response status_response;
    static const struct csta_monitor_stop_response stop_response;
    static const struct csta_sw_function_devices_changed_response changed_response;
    static const struct csta_error refused = {
        CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED, STR_INIT("")};
    struct csta_msg a = {0};

    switch ((unsigned)m->id) {
    case CSTA_MSG_REQUEST_SYSTEM_STATUS:
        a.id = CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE;
        a.request_system_status_response = &normal;
        break;
    case CSTA_MSG_SYSTEM_STATUS:
        a.id = CSTA_MSG_SYSTEM_STATUS_RESPONSE;
        a.system_status_response = &status_response;
        break;
    case CSTA_MSG_MONITOR_STOP:
        a.id = CSTA_MSG_MONITOR_STOP_RESPONSE;
        a.monitor_stop_response = &stop_response;
        break;
    case CSTA_MSG_SW_FUNCTION_DEVICES_CHANGED:
        a.id = CSTA_MSG_SW_FUNCTION_DEVICES_CHANGED_RESPONSE;
        a.sw_function_devices_changed_response = &changed_response;
        break;
    case CSTA_MSG_SWITCHING_FUNCTION_DEVICES:
    case CSTA_MSG_SYSTEM_REGISTER_ABORT:
    case CSTA_MSG_ROUTE_REQUEST: /* what it says to that is a request of its own */
    case CSTA_MSG_RE_ROUTE:
    case CSTA_MSG_ROUTE_USED:
    case CSTA_MSG_ROUTE_END:
    case CSTA_MSG_ROUTE_REGISTER_ABORT:
        s->carrier->answer(s, from, STR_NONE); /* it has no response in CSTA */
        return;
    default:
        a.id = CSTA_MSG_ERROR_CODE;
        a.error_code = &refused;
        break;
    }
    answer(s, from, &a, m->edition);
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
    csta_session_answered(s, &a);
    csta_session_next(s);
}

int csta_session_take(struct csta_session *s, const struct csta_asked *from, struct str body)
{
    struct csta_msg msg;
    struct csta_fault fault;
    int err = csta_decode(body, NULL, &s->ua->scratch, &msg, &fault);

    if (err != 0 && err != E_UNSUPPORTED) {
        if (s->ua->config.trace) {
            fprintf(stderr, "csta: a message of the server cannot be read: %s\n", fault.reason);
        }
        return err;
    }
    if (err != 0) {
        msg.body = NULL;
    }
    if (msg.id == CSTA_MSG_NONE ? str_ends(msg.root_name, STR("Event"))
                                : csta_msg_role(msg.id) == CSTA_ROLE_EVENT) {
        s->carrier->answer(s, from, STR_NONE);
        s->user->on_event(s->ctx, &msg, body);
    } else if (msg.id != CSTA_MSG_NONE && csta_msg_role(msg.id) == CSTA_ROLE_RESPONSE) {
        s->carrier->answer(s, from, STR_NONE);
        if (err == 0) {
            take_late(s, &msg, body);
        }
    } else {
        serve(s, from, &msg);
        s->user->on_request(s->ctx, &msg, body);
    }
    return 0;
}

/* ---- life ---- */

void csta_session_init(struct csta_session *s, struct ua *ua,
                       const struct csta_session_config *config,
                       const struct csta_session_user *user, void *ctx)
{
    *s = (struct csta_session){.ua = ua, .config = *config, .user = user, .ctx = ctx};
    s->carrier = config->tcp ? &csta_carrier_tcp : &csta_carrier_sip;
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

static void on_silence(void *ctx)
{
    struct csta_session *s = ctx;

    if (s->state == CSTA_SESSION_OPENING) {
        s->user->on_silence(s->ctx);
    }
}

void csta_session_open(struct csta_session *s)
{
    s->state = CSTA_SESSION_OPENING;
    s->carrier->open(s);
    if (s->state == CSTA_SESSION_OPENING && !s->was_up && s->user->on_silence != NULL) {
        ua_after(s->ua, CSTA_SLOT_SESSION, SILENCE_MS, on_silence, s);
    }
}

void csta_session_refused(struct csta_session *s)
{
    if (s->state == CSTA_SESSION_OPENING && s->leg != NULL) {
        struct csta_refusal r = {.what = STR("the session"),
                                 .because = "nobody listens at that UDP port"};
        leg_free(s->leg);
        s->leg = NULL;
        csta_session_went_down(s, &r);
    }
}

void csta_session_flow_closed(struct csta_session *s)
{
    if (s->ua != NULL && s->carrier->flow_closed != NULL) {
        s->carrier->flow_closed(s);
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
    s->carrier->forget(s);
    s->asking = s->late = false;
    ua_after(s->ua, CSTA_SLOT_LATE, 0, NULL, NULL);
    ua_after(s->ua, CSTA_SLOT_SESSION, CLOSE_MS, on_close_timeout, s);
    if (!s->carrier->close(s)) {
        closed(s);
    }
}
