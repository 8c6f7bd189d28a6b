/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session over TCP or TLS: CSTA in frames (ECMA-323 Annex J.2).
 *
 *   connect ──► StartApplicationSession ──PosResponse──► up ──half of its time──► Reset …
 *           └─► RequestSystemStatus ──normal──► up          (implicit: ECMA-354 is left out)
 *   close   ──► StopApplicationSession ──answer──► connection closed
 *
 * An answer has the invoke identifier of its request. A service without a response is taken for
 * done when nothing came against it for half a second. Events are not acknowledged.
 */
#include "cli/csta_session_parts.h"

#include "cli/csta_request.h"
#include "csta/appl.h"
#include "csta/frame.h"

#include <stdio.h>

enum {
    INVOKE_LAST = 9998,
    ANSWER_MS = 30000, /**< for an answer, and for a session to come about */
    QUIET_MS = 500,
};

static void hang_up(struct csta_session *s)
{
    const struct env *env = s->ua->env;

    if (s->hop.flow != 0 && env->close != NULL) {
        env->close(env->ctx, s->hop.flow);
    }
    s->hop.flow = 0;
    s->id[0] = '\0';
}

static void forget(struct csta_session *s)
{
    ua_after(s->ua, CSTA_SLOT_LATE, 0, NULL, NULL);
    ua_after(s->ua, CSTA_SLOT_REFRESH, 0, NULL, NULL);
    s->refresh = 0;
}

/** The session did not come about, or is over. */
static void lose(struct csta_session *s, const char *because, struct str warning)
{
    struct csta_refusal r = {
        .what = STR("the session"), .because = because, .warning = warning};

    s->resolving = false;
    hang_up(s);
    csta_session_went_down(s, &r);
}

/* ---- out ---- */

static int send_frame(struct csta_session *s, uint16_t invoke, struct str xml)
{
    const struct env *env = s->ua->env;
    char header[CSTA_FRAME_HEADER] = "";
    struct str run[2] = {str_make(header, sizeof(header)), xml};

    if (!csta_frame_header(header, invoke, xml.n)) {
        return E_TOOBIG;
    }
    return env->send(env->ctx, &s->hop, run, ARRAY_LEN(run));
}

static uint16_t next_invoke(struct csta_session *s)
{
    s->invoke = (uint16_t)(s->invoke % INVOKE_LAST + 1);
    return s->invoke;
}

static int send_appl(struct csta_session *s, uint16_t invoke, const struct csta_appl *m)
{
    static char buf[4096];
    struct out o;

    out_init(&o, buf, sizeof(buf));
    csta_appl_write(m, &o);
    return o.over ? E_TOOBIG : send_frame(s, invoke, out_str_of(&o));
}

static void answer(struct csta_session *s, const struct csta_asked *to, struct str csta)
{
    if (str_is_set(csta)) {
        (void)send_frame(s, to->invoke, csta); /* a connection that is gone says so itself */
    }
}

static void on_no_answer(void *ctx)
{
    struct csta_session *s = ctx;
    struct csta_answer a = {.refusal.because = "the server does not answer"};

    if (s->state == CSTA_SESSION_OPENING) {
        lose(s, "the server does not answer", STR_NONE);
    } else if (s->asking) {
        csta_session_answered(s, &a);
        csta_session_next(s);
    }
}

/** A service without a response: nobody has refused it. */
static void on_quiet(void *ctx)
{
    struct csta_session *s = ctx;
    struct csta_answer a = {.ok = true, .status = 200};

    if (s->asking) {
        csta_session_answered(s, &a);
        csta_session_next(s);
    }
}

static int send_request(struct csta_session *s, struct str body)
{
    enum csta_msg_id id = csta_session_asking(s);
    bool quiet = id != CSTA_MSG_NONE && csta_msg_response(id) == CSTA_MSG_NONE;
    int err = send_frame(s, next_invoke(s), body);

    if (err == 0) {
        ua_after(s->ua, CSTA_SLOT_LATE, quiet ? QUIET_MS : ANSWER_MS,
                 quiet ? on_quiet : on_no_answer, s);
    }
    return err;
}

/* ---- the application session ---- */

static void on_refresh(void *ctx)
{
    struct csta_session *s = ctx;
    struct csta_appl m = {.kind = CSTA_APPL_RESET,
                          .session_id = str_c(s->id),
                          .duration_s = s->config.duration_s};

    if (s->state == CSTA_SESSION_UP) {
        s->refresh = next_invoke(s);
        (void)send_appl(s, s->refresh, &m); /* without it the server ends the session */
    }
}

static void lasts(struct csta_session *s, uint32_t seconds)
{
    s->given_s = seconds;
    if (seconds > 1) {
        ua_after(s->ua, CSTA_SLOT_REFRESH, (uint64_t)seconds * 500, on_refresh, s);
    }
}

static void on_refused(struct csta_session *s, const struct csta_appl *m)
{
    bool who = str_eq(m->reason, STR("invalidApplicationInfo"));

    if (who && s->config.password.n == 0) {
        lose(s, "no password was given (BATON_PASSWORD or --password)", STR_NONE);
    } else if (who) {
        lose(s, "the user name or the password is wrong", STR_NONE);
    } else {
        lose(s, "the server starts no session", m->reason);
    }
}

static void on_appl(struct csta_session *s, const struct csta_appl *m, uint64_t now_ms)
{
    switch (m->kind) {
    case CSTA_APPL_START_POS:
        if (s->state == CSTA_SESSION_OPENING) {
            forget(s);
            (void)snprintf(s->id, sizeof(s->id), "%.*s", STR_ARG(m->session_id));
            lasts(s, m->duration_s);
            csta_session_came_up(s, now_ms);
        }
        break;
    case CSTA_APPL_START_NEG:
        if (s->state == CSTA_SESSION_OPENING) {
            on_refused(s, m);
        }
        break;
    case CSTA_APPL_RESET_POS:
        lasts(s, m->duration_s);
        break;
    case CSTA_APPL_RESET_NEG:
        lose(s, "the server does not go on with the session", m->reason);
        break;
    case CSTA_APPL_STOP_POS:
    case CSTA_APPL_STOP_NEG:
        if (s->state == CSTA_SESSION_CLOSING) {
            lose(s, "the session was ended here", STR_NONE);
        }
        break;
    case CSTA_APPL_TERMINATED:
        lose(s, "the server has ended the session", m->reason);
        break;
    default: /* a server has nothing to ask for in these words */
        break;
    }
}

/* ---- in ---- */

/** The answer to the RequestSystemStatus that begins an implicit session. */
static void on_status(struct csta_session *s, const struct csta_answer *a, uint64_t now_ms)
{
    bool status =
        a->ok && a->msg.body != NULL && a->msg.id == CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE;
    struct csta_refusal r = {.what = STR("the session"), .error = a->refusal.error};

    forget(s);
    if (status && a->msg.request_system_status_response->system_status == CSTA_STATUS_NORMAL) {
        csta_session_came_up(s, now_ms);
        return;
    }
    r.because = status ? "the server's system status is not normal"
                       : "the server does not answer with a system status";
    hang_up(s);
    csta_session_went_down(s, &r);
}

/** Is it what is waited for? Then it is taken. */
static bool take_answer(struct csta_session *s, const struct csta_frame *f, uint64_t now_ms)
{
    struct csta_answer a = {.status = 200, .body = f->xml};
    struct csta_fault fault = {.reason = "it is not understood"};
    bool waiting = s->asking || s->state == CSTA_SESSION_OPENING;
    int err;

    if (!waiting || f->invoke != s->invoke) {
        return false;
    }
    err = csta_decode(f->xml, NULL, &s->ua->scratch, &a.msg, &fault);
    if (a.msg.id != CSTA_MSG_NONE && csta_msg_role(a.msg.id) != CSTA_ROLE_RESPONSE) {
        return false; /* a request of the server with a number of its own */
    }
    csta_session_read(err, &fault, &a);
    if (s->state == CSTA_SESSION_OPENING) {
        on_status(s, &a, now_ms);
    } else {
        csta_session_answered(s, &a);
        csta_session_next(s);
    }
    return true;
}

static void on_frame(struct csta_session *s, const struct csta_frame *f, uint64_t now_ms)
{
    struct csta_asked from = {.invoke = f->invoke};
    struct csta_appl appl = {0};

    if (csta_appl_read(f->xml, 0, &s->ua->scratch, &appl) == 0 && appl.kind != CSTA_APPL_NONE) {
        on_appl(s, &appl, now_ms);
    } else if (!take_answer(s, f, now_ms) && s->state == CSTA_SESSION_UP) {
        (void)csta_session_take(s, &from, f->xml); /* what cannot be read is passed over */
    }
}

size_t csta_session_stream(struct csta_session *s, struct str bytes, uint64_t now_ms)
{
    struct str rest = bytes;
    struct csta_frame f;
    size_t used;

    while (s->hop.flow != 0) {
        switch (csta_frame_next(rest, &f, &used)) {
        case CSTA_FRAME_MORE:
            return bytes.n - rest.n;
        case CSTA_FRAME_BAD:
            lose(s, "the server does not speak CSTA over TCP", STR_NONE);
            return SIZE_MAX;
        case CSTA_FRAME_WHOLE:
            on_frame(s, &f, now_ms);
            rest = str_from(rest, used);
            break;
        }
    }
    return bytes.n;
}

/* ---- opening and closing ---- */

static int begin(struct csta_session *s)
{
    static const struct csta_request_system_status ask;
    const struct csta_msg msg = {.id = CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                 .request_system_status = &ask};
    struct csta_appl m = {.kind = CSTA_APPL_START,
                          .application_id = STR("baton csta"),
                          .user = s->auth.user,
                          .password = s->config.password.n > 0 ? s->config.password : STR_NONE,
                          .version = csta_edition_ns(s->config.edition),
                          .duration_s = s->config.duration_s};
    struct str body;
    int err;

    if (!s->config.implicit) {
        return send_appl(s, next_invoke(s), &m);
    }
    err = csta_body_write(&msg, s->config.edition, &s->ua->scratch, &body);
    return err != 0 ? err : send_frame(s, next_invoke(s), body);
}

static void open_session(struct csta_session *s)
{
    int err = ua_connect(s->ua, s->config.tls_name, &s->hop);

    s->resolving = err == E_AGAIN;
    if (err == E_AGAIN) {
        return;
    }
    err = err == 0 ? begin(s) : err;
    if (err == 0) {
        ua_after(s->ua, CSTA_SLOT_LATE, ANSWER_MS, on_no_answer, s);
    } else {
        lose(s, err == E_NOTFOUND ? "there is no such host" : "the server cannot be reached",
             STR_NONE);
    }
}

void csta_session_resolved(struct csta_session *s)
{
    if (s->resolving && s->state == CSTA_SESSION_OPENING) {
        open_session(s);
    }
}

static bool close_session(struct csta_session *s)
{
    struct csta_appl m = {.kind = CSTA_APPL_STOP,
                          .session_id = str_c(s->id),
                          .reason = STR("normal"),
                          .defined = true};

    if (s->hop.flow != 0 && s->id[0] != '\0' && send_appl(s, next_invoke(s), &m) == 0) {
        return true;
    }
    hang_up(s);
    return false;
}

static void flow_closed(struct csta_session *s)
{
    bool opening = s->state == CSTA_SESSION_OPENING;

    if (s->hop.flow != 0 && s->hop.flow == s->ua->closed_flow) {
        lose(s,
             opening ? "the server cannot be reached, or has closed the connection"
                     : "the server has closed the connection",
             STR_NONE);
    }
}

const struct csta_carrier csta_carrier_tcp = {
    .open = open_session,
    .send = send_request,
    .forget = forget,
    .answer = answer,
    .close = close_session,
    .flow_closed = flow_closed,
};
