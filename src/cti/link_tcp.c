/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions over a TCP or TLS connection: CSTA XML in frames (csta/frame.h), with or without an
 * application session of ECMA-354 (csta/appl.h).
 *
 *   connected ── StartApplicationSession ──► session ── StopApplicationSession ──► connected
 *        │   └── any CSTA request, known host ──► session          └ timer ──► Terminated,
 * closed └ 10 s, wrong login, request of nobody ──► closed
 *
 * WHO IT IS. An application proves itself by name and password in its StartApplicationSession,
 * or is known before it says a word, by its address or its certificate (struct cti_gate). Only
 * such a one may leave the application session out ("implicit association") or its password.
 * There is one session on a connection at a time, and it ends with the connection.
 *
 * ANSWERS repeat the invoke identifier of their request and may overtake each other. There are
 * no refusals beneath CSTA here: what SIP says with 400 is a CSTAErrorCode too.
 *
 * EVENTS have the identifier 9999, and nobody acknowledges them. TCP keeps their order; what is
 * to be bounded is a client that does not read. When more than a little waits in its
 * connection, events stay in the journal, where they cost nothing, and are looked at again
 * every tenth of a second. A client that falls too far behind is told that the session is
 * terminated (messagesLost) and is disconnected, like one over SIP.
 *
 * ANOTHER PROGRAM goes on with a connection and its session, if its socket is handed over: the
 * row of such a session (keep.c) is written for that alone.
 *
 * LIFE. A connection stands in the table from its first octet until engine_flow_closed. Its
 * session is freed when it is stopped, and else not before that: who is told that a session has
 * ended may be inside of it.
 */
#include "cti/parts.h"

#include "base/hop.h"
#include "csta/appl.h"
#include "csta/frame.h"

enum {
    IDENTIFY_MS = 10000,    /**< to say who one is */
    BACKLOG_OCTETS = 65536, /**< that wait in a connection before events wait for it */
    LOOK_AGAIN_MS = 100,
    DURATION_MIN_S = 30,
    DURATION_S = 300, /**< when the application wants none in particular */
    DURATION_MAX_S = 3600,
    ID_LEN = 12,
};

struct cti_conn {
    struct map_node by_flow;
    struct list link; /**< cti->conns */
    struct cti *cti;
    struct hop hop;
    struct cti_session *session; /**< NULL: none */
    struct timer timer;          /**< to identify itself, or end of the application session */
    enum csta_edition edition;   /**< agreed on, for errors of what cannot be read */
    uint32_t duration_s;
    uint16_t last_invoke;
    char id[ID_LEN]; /**< sessionID */
    bool appl;       /**< the session is one of ECMA-354 */
    bool closing;    /**< we have closed it: nothing is read or sent any more */
};

static uint64_t flow_hash(uint32_t flow)
{
    return flow * UINT64_C(0x9E3779B97F4A7C15); /* numbers of our own making */
}

static struct cti_conn *conn_find(const struct cti *c, uint32_t flow)
{
    struct map_node *n = map_first(&c->conn_map, flow_hash(flow));

    for (; n != NULL; n = map_next(n)) {
        struct cti_conn *conn = container_of(n, struct cti_conn, by_flow);
        if (conn->hop.flow == flow) {
            return conn;
        }
    }
    return NULL;
}

/* ---- out ---- */

static void hang_up(struct cti_conn *conn)
{
    const struct env *env = conn->cti->env;

    if (!conn->closing) {
        conn->closing = true;
        timer_stop(conn->cti->wheel, &conn->timer);
        env->close(env->ctx, conn->hop.flow);
    }
}

/** @return 0; E_TOOBIG: too long for a frame; E_STATE: the connection is on its way out */
static int send_frame(struct cti_conn *conn, unsigned invoke, struct str xml)
{
    const struct env *env = conn->cti->env;
    char header[CSTA_FRAME_HEADER] = {0};
    struct str run[2] = {str_make(header, sizeof(header)), xml};

    if (conn->closing) {
        return E_STATE;
    }
    if (!csta_frame_header(header, invoke, xml.n)) {
        return E_TOOBIG;
    }
    return env->send(env->ctx, &conn->hop, run, ARRAY_LEN(run)) == 0 ? 0 : E_STATE;
}

static void send_error(struct cti_conn *conn, unsigned invoke, enum csta_edition edition,
                       struct csta_error error)
{
    const struct csta_msg msg = {.id = CSTA_MSG_ERROR_CODE, .error_code = &error};
    struct str xml;

    if (csta_text(conn->cti, &msg, edition, &xml) != 0 || send_frame(conn, invoke, xml) != 0) {
        hang_up(conn); /* it would wait for an answer that does not come */
    }
}

/** What SIP says with a status, in CSTA's words. */
static struct csta_error error_of_status(unsigned status)
{
    if (status == 503) {
        return csta_error_of(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY);
    }
    return status == 400
               ? csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_GENERIC)
               : csta_error_of(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_GENERIC);
}

static void answer(const struct asker *to, const struct cti_reply *reply, uint64_t now_ms)
{
    struct cti_conn *conn = to->session->conn;
    enum csta_edition edition = to->edition;

    (void)now_ms;
    if (str_is_set(reply->csta)) {
        if (send_frame(conn, to->invoke, reply->csta) == E_TOOBIG) {
            send_error(conn, to->invoke, edition, error_of_status(500));
        }
    } else if (reply->status >= 300) {
        send_error(conn, to->invoke, edition == CSTA_EDITION_NONE ? conn->edition : edition,
                   error_of_status(reply->status));
    }
    if (reply->why.n > 0) {
        env_trace_of(conn->cti->env, TRACE_DEBUG, "cti",
                     &(struct trace_ids){.who = to->session->app->name}, "%.*s: %.*s",
                     STR_ARG(to->session->app->name), STR_ARG(reply->why));
    }
}

static bool ready(struct cti_session *s, uint64_t now_ms)
{
    const struct env *env = s->cti->env;

    if (s->conn->closing) {
        return false;
    }
    if (env->queued != NULL && env->queued(env->ctx, s->conn->hop.flow) > BACKLOG_OCTETS) {
        deliver_wait(s, now_ms + LOOK_AGAIN_MS);
        return false;
    }
    return true;
}

static int send_event(struct cti_session *s, struct str csta, uint64_t now_ms)
{
    (void)now_ms;
    return send_frame(s->conn, CSTA_INVOKE_EVENT, csta);
}

/** Requests of ours, 1 to 9998 and again from 1; so many are never open. */
static int send_ask(struct cti_session *s, struct str csta, struct ask *a, uintptr_t *tag,
                    uint64_t now_ms)
{
    struct cti_conn *conn = s->conn;
    int err;

    (void)a;
    (void)now_ms;
    conn->last_invoke = (uint16_t)(conn->last_invoke % (CSTA_INVOKE_EVENT - 1) + 1);
    err = send_frame(conn, conn->last_invoke, csta);
    if (err == 0) {
        *tag = conn->last_invoke;
    }
    return err;
}

static void forget(struct cti_session *s, uintptr_t tag)
{
    (void)s;
    (void)tag; /* an answer that comes then finds nobody */
}

static void waited(struct cti_session *s, uint64_t now_ms)
{
    (void)s;
    (void)now_ms;
}

static void send_appl(struct cti_conn *conn, unsigned invoke, const struct csta_appl *m)
{
    char buf[1024];
    struct out o;

    out_init(&o, buf, sizeof(buf));
    csta_appl_write(m, &o);
    if (o.over || send_frame(conn, invoke, out_str_of(&o)) != 0) {
        hang_up(conn);
    }
}

static struct str conn_id(const struct cti_conn *conn)
{
    return str_make(conn->id, ID_LEN);
}

/** Say that the session is terminated, where there is a word for it, and disconnect. */
static void terminate(struct cti_conn *conn, const char *reason, bool defined)
{
    const struct csta_appl m = {.kind = CSTA_APPL_TERMINATED,
                                .session_id = conn_id(conn),
                                .reason = str_c(reason),
                                .defined = defined};

    if (conn->appl) {
        send_appl(conn, CSTA_INVOKE_EVENT, &m);
    }
    hang_up(conn);
}

static void end(struct cti_session *s, enum cti_end why, uint64_t now_ms)
{
    (void)now_ms;
    terminate(s->conn, why == CTI_END_MESSAGES_LOST ? "messagesLost" : "serverStops", false);
}

static void drop(struct cti_session *s)
{
    s->conn->session = NULL;
}

const struct cti_link cti_link_tcp = {
    .name = "TCP",
    .answer = answer,
    .ready = ready,
    .event = send_event,
    .ask = send_ask,
    .forget = forget,
    .answers_apart = true,
    .waited = waited,
    .end = end,
    .drop = drop,
};

/* ---- sessions ---- */

static void session_leave(struct cti_conn *conn, uint64_t now_ms)
{
    struct cti_session *s = conn->session;

    conn->session = NULL;
    conn->appl = false;
    if (s != NULL) {
        session_over(s, now_ms);
        session_free(s);
    }
}

/** The time to say who one is, or the application session, is over. */
static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct cti_conn *conn = container_of(t, struct cti_conn, timer);

    if (conn->session == NULL) {
        hang_up(conn);
        return;
    }
    env_trace_of(conn->cti->env, TRACE_INFO, "cti",
                 &(struct trace_ids){.who = conn->session->app->name},
                 "%.*s: session timer expired", STR_ARG(conn->session->app->name));
    session_over(conn->session, now_ms);
    terminate(conn, "sessionTimerExpired", true);
}

/** @return false: there is no room */
static bool session_begin(struct cti_conn *conn, struct application *app)
{
    struct cti *c = conn->cti;

    conn->session = session_has_room(c, app) ? session_new(c, app, &cti_link_tcp) : NULL;
    if (conn->session == NULL) {
        return false;
    }
    conn->session->conn = conn;
    timer_stop(c->wheel, &conn->timer);
    return true;
}

/* ---- ECMA-354 ---- */

static void run_session_timer(struct cti_conn *conn, uint32_t wanted_s, uint64_t now_ms)
{
    uint32_t s = wanted_s == 0 ? DURATION_S : wanted_s;

    s = s < DURATION_MIN_S ? DURATION_MIN_S : s;
    conn->duration_s = s > DURATION_MAX_S ? DURATION_MAX_S : s;
    timer_set(conn->cti->wheel, &conn->timer, now_ms + conn->duration_s * UINT64_C(1000));
}

static void refuse(struct cti_conn *conn, unsigned invoke, enum csta_appl_kind kind,
                   const char *error)
{
    send_appl(conn, invoke,
              &(struct csta_appl){.kind = kind, .reason = str_c(error), .defined = true});
}

/** Whose session it is to be; NULL: nobody's. */
static struct application *identify(struct cti_conn *conn, const struct csta_appl *m,
                                    uint64_t now_ms)
{
    const struct cti_gate *gate = &conn->cti->gate;
    struct application *app;

    if (str_is_set(m->password)) {
        return gate->login(gate->ctx, &conn->hop,
                           str_is_set(m->user) ? m->user : m->application_id, m->password,
                           now_ms);
    }
    app = gate->known(gate->ctx, &conn->hop); /* a name that it gives must be its own */
    return app != NULL && m->user.n > 0 && !str_eq(m->user, app->name) ? NULL : app;
}

static void start(struct cti_conn *conn, unsigned invoke, const struct csta_appl *m,
                  uint64_t now_ms)
{
    struct application *app;

    if (conn->session != NULL) {
        refuse(conn, invoke, CSTA_APPL_START_NEG, "maxNumberSessions");
        return;
    }
    app = identify(conn, m, now_ms);
    if (app == NULL) {
        refuse(conn, invoke, CSTA_APPL_START_NEG, "invalidApplicationInfo");
        hang_up(conn);
        return;
    }
    if (!str_is_set(m->version)) {
        refuse(conn, invoke, CSTA_APPL_START_NEG, "requestedProtocolVersionNotSupported");
        return;
    }
    if (!session_begin(conn, app)) {
        refuse(conn, invoke, CSTA_APPL_START_NEG,
               conn->cti->stopping ? "serverResourcesBusy" : "maxNumberSessions");
        return;
    }
    conn->appl = true;
    (void)csta_edition_of_ns(m->version, &conn->edition);
    env_random_token(conn->cti->env, conn->id, ID_LEN);
    run_session_timer(conn, m->duration_s, now_ms);
    send_appl(conn, invoke,
              &(struct csta_appl){.kind = CSTA_APPL_START_POS,
                                  .session_id = conn_id(conn),
                                  .version = m->version,
                                  .duration_s = conn->duration_s});
}

static void reset(struct cti_conn *conn, unsigned invoke, const struct csta_appl *m,
                  uint64_t now_ms)
{
    run_session_timer(conn, m->duration_s, now_ms);
    send_appl(conn, invoke,
              &(struct csta_appl){.kind = CSTA_APPL_RESET_POS, .duration_s = conn->duration_s});
}

static void stop(struct cti_conn *conn, unsigned invoke, uint64_t now_ms)
{
    session_leave(conn, now_ms);
    timer_set(conn->cti->wheel, &conn->timer, now_ms + IDENTIFY_MS);
    send_appl(conn, invoke, &(struct csta_appl){.kind = CSTA_APPL_STOP_POS});
}

static void on_appl(struct cti_conn *conn, unsigned invoke, const struct csta_appl *m,
                    bool readable, uint64_t now_ms)
{
    bool ours = readable && conn->appl && str_eq(m->session_id, conn_id(conn));

    switch (m->kind) {
    case CSTA_APPL_START:
        if (readable) {
            start(conn, invoke, m, now_ms);
        } else {
            refuse(conn, invoke, CSTA_APPL_START_NEG, "invalidApplicationInfo");
        }
        break;
    case CSTA_APPL_RESET:
        if (ours) {
            reset(conn, invoke, m, now_ms);
        } else {
            refuse(conn, invoke, CSTA_APPL_RESET_NEG, "invalidSessionID");
        }
        break;
    case CSTA_APPL_STOP:
        if (ours) {
            stop(conn, invoke, now_ms);
        } else {
            refuse(conn, invoke, CSTA_APPL_STOP_NEG, "invalidSessionID");
        }
        break;
    default:
        break; /* an answer that nobody asked for */
    }
}

/* ---- in ---- */

/** A request without an application session. @return false: it has been refused */
static bool associate(struct cti_conn *conn, unsigned invoke)
{
    struct cti *c = conn->cti;
    struct application *app = c->gate.known(c->gate.ctx, &conn->hop);

    if (app == NULL) {
        send_error(conn, invoke, CSTA_ED3,
                   csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_SECURITY_VIOLATION));
        hang_up(conn);
        return false;
    }
    if (!session_begin(conn, app)) {
        send_error(conn, invoke, CSTA_ED3, error_of_status(503));
        hang_up(conn);
        return false;
    }
    return true;
}

static void watched(const struct cti_conn *conn, const struct csta_frame *f)
{
    const struct env_watch *w = conn->cti->env->watch;

    if (w != NULL) {
        w->csta(w->ctx, &(struct env_csta){
                            .hop = &conn->hop,
                            .invoke = f->invoke,
                            .who = conn->session != NULL ? conn->session->app->name : STR_NONE,
                            .text = f->xml});
    }
}

static void on_frame(struct cti_conn *conn, const struct csta_frame *f, uint64_t now_ms)
{
    struct cti *c = conn->cti;
    struct asker from = {0};
    struct csta_appl m;
    int err = csta_appl_read(f->xml, c->xml_salt, c->scratch, &m);

    watched(conn, f);
    if (m.kind != CSTA_APPL_NONE) {
        on_appl(conn, f->invoke, &m, err == 0, now_ms);
    } else if (conn->session != NULL || associate(conn, f->invoke)) {
        from.session = conn->session;
        from.invoke = f->invoke;
        request_on_csta(&from, f->xml, now_ms);
    }
}

/** @return NULL: there are enough, or memory is out */
static struct cti_conn *conn_new(struct cti *c, const struct hop *from, uint64_t now_ms)
{
    struct cti_conn *conn = NULL;

    if (!c->stopping && c->gate.login != NULL && c->env->close != NULL &&
        c->stats.connections < c->config.max_connections) {
        conn = mem_zalloc(&c->env->mem, sizeof(*conn));
    }
    if (conn == NULL) {
        return NULL;
    }
    conn->cti = c;
    conn->hop = *from;
    conn->edition = CSTA_ED3;
    timer_init(&conn->timer, on_timer);
    timer_set(c->wheel, &conn->timer, now_ms + IDENTIFY_MS);
    map_add(&c->conn_map, &conn->by_flow, flow_hash(from->flow));
    list_append(&c->conns, &conn->link);
    c->stats.connections++;
    return conn;
}

static void conn_free(struct cti_conn *conn, uint64_t now_ms)
{
    struct cti *c = conn->cti;

    session_leave(conn, now_ms);
    timer_stop(c->wheel, &conn->timer);
    map_remove(&c->conn_map, &conn->by_flow);
    list_remove(&conn->link);
    c->stats.connections--;
    mem_free(&c->env->mem, conn);
}

size_t cti_stream_input(struct cti *c, const struct hop *from, struct str bytes,
                        uint64_t now_ms)
{
    struct cti_conn *conn = conn_find(c, from->flow);
    struct csta_frame f;
    size_t done = 0, used = 0;

    conn = conn != NULL ? conn : conn_new(c, from, now_ms);
    if (conn == NULL) {
        return SIZE_MAX;
    }
    while (!conn->closing) {
        switch (csta_frame_next(str_from(bytes, done), &f, &used)) {
        case CSTA_FRAME_WHOLE:
            on_frame(conn, &f, now_ms);
            done += used;
            break;
        case CSTA_FRAME_MORE:
            return done;
        case CSTA_FRAME_BAD:
            c->stats.unframed++;
            return SIZE_MAX;
        }
    }
    return bytes.n; /* what stands behind the end is nobody's */
}

void cti_on_flow_closed(struct cti *c, uint32_t flow, uint64_t now_ms)
{
    struct cti_conn *conn = conn_find(c, flow);

    if (conn != NULL) {
        conn_free(conn, now_ms);
    }
}

/* ---- from the process before us ---- */

void conn_pack(struct out *o, const struct cti_session *s, uint64_t now_ms)
{
    const struct cti_conn *conn = s->conn;
    bool runs = timer_running(&conn->timer);

    pack_addr(o, &conn->hop.remote);
    pack_str(o, conn_id(conn));
    pack_number(o, conn->edition);
    pack_number(o, conn->duration_s);
    pack_number(o, conn->last_invoke);
    pack_bool(o, conn->appl);
    pack_date(o, s->cti->env, runs ? conn->timer.due_ms : UINT64_MAX, now_ms);
}

/* Flow 0 is nobody's: there it waits. */
int conn_unpack(struct unpack *u, struct cti_session *s, uint64_t now_ms)
{
    struct hop hop = {.transport = TP_TCP};
    struct cti_conn *conn;
    struct str id;
    uint64_t ends_ms;

    unpack_addr(u, &hop.remote);
    id = unpack_str(u);
    if (u->bad || id.n != ID_LEN || hop.remote.family == ADDR_NONE) {
        return E_SYNTAX;
    }
    conn = conn_new(s->cti, &hop, now_ms);
    if (conn == NULL) {
        return E_NOMEM;
    }
    memcpy(conn->id, id.p, ID_LEN);
    conn->session = s;
    s->conn = conn;
    conn->edition = (enum csta_edition)unpack_upto(u, CSTA_ED6);
    conn->duration_s = (uint32_t)unpack_upto(u, DURATION_MAX_S);
    conn->last_invoke = (uint16_t)unpack_upto(u, CSTA_INVOKE_EVENT);
    conn->appl = unpack_bool(u);
    ends_ms = unpack_date(u, s->cti->env, now_ms);
    timer_stop(s->cti->wheel, &conn->timer);
    if (conn->appl && ends_ms != UINT64_MAX) {
        timer_set(s->cti->wheel, &conn->timer, ends_ms);
    }
    return u->bad ? E_SYNTAX : 0;
}

bool conn_is_there(const struct cti_session *s)
{
    return s->conn->hop.flow != 0;
}

void conn_give_up(struct cti_session *s, uint64_t now_ms)
{
    conn_free(s->conn, now_ms);
}

void cti_adopted(struct cti *c, const struct hop *from)
{
    struct map_node *n = map_first(&c->conn_map, flow_hash(0));

    for (; n != NULL; n = map_next(n)) {
        struct cti_conn *conn = container_of(n, struct cti_conn, by_flow);
        if (conn->hop.flow == 0 && addr_eq(&conn->hop.remote, &from->remote)) {
            map_remove(&c->conn_map, &conn->by_flow);
            conn->hop = *from;
            map_add(&c->conn_map, &conn->by_flow, flow_hash(from->flow));
            return;
        }
    }
}

void conn_hang_up_all(struct cti *c)
{
    list_each(it, &c->conns)
    {
        hang_up(list_entry(it, struct cti_conn, link));
    }
}

void conn_free_all(struct cti *c)
{
    while (!list_empty(&c->conns)) {
        conn_free(list_entry(c->conns.next, struct cti_conn, link), 0);
    }
}
