/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton csta` against a switching function that does what each test wants: a UDP socket on the
 * same loop, which answers by a script. It also does what a good one would not: events before
 * the answer that names their call, answers in the wrong place, a session that is gone.
 */
#include "cli/csta_client.h"
#include "test.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#define ED3 " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define NORMAL                                                                \
    "<RequestSystemStatusResponse" ED3 "><systemStatus>normal</systemStatus>" \
    "</RequestSystemStatusResponse>"
#define MONITOR_RESPONSE                                                     \
    "<MonitorStartResponse" ED3 "><monitorCrossRefID>43</monitorCrossRefID>" \
    "</MonitorStartResponse>"
#define MAKE_CALL_RESPONSE                                        \
    "<MakeCallResponse" ED3 "><callingDevice><callID>c7</callID>" \
    "<deviceID>1001</deviceID></callingDevice></MakeCallResponse>"
#define EVENT(root, connection, local, cause)                             \
    "<" root ED3 "><monitorCrossRefID>43</monitorCrossRefID><" connection \
    "><callID>c7</callID><deviceID>1001</deviceID></" connection          \
    "><localConnectionInfo>" local "</localConnectionInfo><cause>" cause "</cause></" root ">"
#define ORIGINATED EVENT("OriginatedEvent", "originatedConnection", "connected", "makeCall")
#define DELIVERED EVENT("DeliveredEvent", "connection", "connected", "newCall")
#define FAILED EVENT("FailedEvent", "failedConnection", "connected", "busy")
#define CLEARED EVENT("ConnectionClearedEvent", "droppedConnection", "null", "normalClearing")

enum { LINE = 1024 };

struct fake {
    struct ua *ua;
    int fd;
    uint16_t port;
    uv_poll_t poll;
    struct sockaddr_in peer;
    struct sip_hdr hdr[SIP_HDR_MAX];
    char from[LINE], to[LINE], call_id[LINE], contact[LINE]; /**< of the session */
    char request[4096];  /**< the head of the request to be answered, for its headers */
    char invite[4096];   /**< the last INVITE, whole */
    char answered[4096]; /**< what the client answered to our last INFO, whole */
    unsigned status;     /**< … and its status */
    unsigned cseq, invites, infos, byes, responses;
    const char *invite_answer; /**< body of the 200; NULL: 403 with a Warning */
    /** Answer the n-th INFO (from 1), or do something else. */
    void (*on_info)(struct fake *f, unsigned n, struct str body);
    void (*on_ack)(struct fake *f);
    void (*on_response)(struct fake *f);
};

static struct fake fake;

static void put(struct fake *f, const char *text, size_t n)
{
    CHECK(sendto(f->fd, text, n, 0, (struct sockaddr *)&f->peer, sizeof(f->peer)) ==
          (ssize_t)n);
}

static struct str line_of(const char *text, const char *name)
{
    struct str s = str_c(text);
    size_t at = str_find(s, str_c(name));

    s = str_from(s, at + strlen(name));
    return str_upto(s, str_index(s, '\r'));
}

/** Answer the request in f->request. */
static void reply(struct fake *f, unsigned status, const char *type, const char *body)
{
    char text[8192];
    const char *r = f->request;
    struct str to = line_of(r, "\r\nTo: ");
    int n = snprintf(
        text, sizeof(text),
        "SIP/2.0 %u %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\n"
        "CSeq: %.*s\r\nContact: <sip:fake@127.0.0.1:%u>\r\nAllow: INVITE, INFO, BYE\r\n"
        "%s%s%sContent-Length: %zu\r\n\r\n%s",
        status, sip_reason(status), STR_ARG(line_of(r, "\r\nVia: ")),
        STR_ARG(line_of(r, "\r\nFrom: ")), STR_ARG(to),
        str_find(to, STR(";tag=")) < to.n ? "" : ";tag=fake",
        STR_ARG(line_of(r, "\r\nCall-ID: ")), STR_ARG(line_of(r, "\r\nCSeq: ")), f->port,
        status >= 400 ? "Warning: 399 fake \"not today\"\r\n" : "",
        body[0] == '\0' ? "" : "Content-Type: ", body[0] == '\0' ? "" : type, strlen(body),
        body);

    if (body[0] != '\0') { /* the type's line end is part of it */
        CHECK(str_ends(str_c(type), STR("\r\n")));
    }
    put(f, text, (size_t)n);
}

#define CSTA "application/csta+xml\r\n"

static void answer(struct fake *f, const char *body)
{
    reply(f, 200, CSTA, body);
}

/** A request inside the session. */
static void request(struct fake *f, const char *method, const char *type, const char *body)
{
    char text[8192];
    unsigned cseq = ++f->cseq;
    int n =
        snprintf(text, sizeof(text),
                 "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK-%u-%u;rport\r\n"
                 "Max-Forwards: 70\r\nFrom: %s;tag=fake\r\nTo: %s\r\nCall-ID: %s\r\n"
                 "CSeq: %u %s\r\nContent-Type: %sContent-Length: %zu\r\n\r\n%s",
                 method, f->contact, f->port, f->invites, cseq, f->to, f->from, f->call_id,
                 cseq, method, type, strlen(body), body);

    put(f, text, (size_t)n);
}

static void event(struct fake *f, const char *body)
{
    request(f, "INFO", CSTA, body);
}

static void copy(char *to, size_t cap, struct str s)
{
    CHECK(s.n < cap);
    memcpy(to, s.p, s.n < cap ? s.n : cap - 1);
    to[s.n < cap ? s.n : cap - 1] = '\0';
}

static void on_invite(struct fake *f, const struct sip_msg *m, struct str text)
{
    struct sip_addr contact;

    f->invites++;
    copy(f->invite, sizeof(f->invite), text);
    copy(f->from, LINE, sip_msg_value(m, SIP_HDR_FROM));
    copy(f->to, LINE, sip_msg_value(m, SIP_HDR_TO));
    copy(f->call_id, LINE, sip_msg_value(m, SIP_HDR_CALL_ID));
    CHECK_INT(sip_msg_addr(m, SIP_HDR_CONTACT, &contact), 0);
    copy(f->contact, LINE, contact.uri_text);
    if (f->invite_answer == NULL) {
        reply(f, 403, "", "");
    } else {
        answer(f, f->invite_answer);
    }
}

static void on_message(struct fake *f, struct str text)
{
    struct sip_msg m = {.hdr = f->hdr};
    struct sip_fault fault;

    REQUIRE(sip_msg_index(&m, text, true, &sip_limits_default, &fault) == 0);
    if (!sip_is_request(&m)) {
        f->responses++;
        f->status = m.status;
        copy(f->answered, sizeof(f->answered), text);
        if (f->on_response != NULL) {
            f->on_response(f);
        }
        return;
    }
    if (m.method != SIP_METHOD_ACK) {
        copy(f->request, sizeof(f->request), str_upto(text, m.head_len));
    }
    switch ((enum sip_method)m.method) {
    case SIP_METHOD_INVITE:
        on_invite(f, &m, text);
        break;
    case SIP_METHOD_ACK:
        if (f->on_ack != NULL) {
            f->on_ack(f);
        }
        break;
    case SIP_METHOD_INFO:
        f->on_info(f, ++f->infos, sip_msg_body(&m));
        break;
    case SIP_METHOD_BYE:
        f->byes++;
        reply(f, 200, "", "");
        break;
    default:
        CHECK(false); /* no other method is expected */
        break;
    }
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct fake *f = h->data;
    char text[65536];
    socklen_t len = sizeof(f->peer);
    ssize_t n = recvfrom(f->fd, text, sizeof(text), 0, (struct sockaddr *)&f->peer, &len);

    (void)status;
    (void)events;
    if (n > 4) { /* not a keep-alive */
        on_message(f, str_make(text, (size_t)n));
    }
}

/* ---- one run of the client ---- */

struct run {
    int code;
    char *out, *err;
    size_t nout, nerr;
};

static void start_fake(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);

    fake = (struct fake){.fd = socket(AF_INET, SOCK_DGRAM, 0), .invite_answer = NORMAL};
    CHECK_INT(bind(fake.fd, (struct sockaddr *)&at, sizeof(at)), 0);
    CHECK_INT(getsockname(fake.fd, (struct sockaddr *)&at, &len), 0);
    fake.port = ntohs(at.sin_port);
}

static void on_poll_closed(uv_handle_t *h)
{
    (void)h;
}

/** A test that hangs is a failure, not a hanging test suite. */
static void on_hang(uv_timer_t *t)
{
    CHECK(false); /* the client has not ended */
    ua_stop(t->data);
}

static void run(struct run *r, bool json, const char *const *words)
{
    struct ua_config config = {
        .server = {.host = "127.0.0.1", .port = fake.port, .transport = TP_UDP},
        .user_agent = "test",
        .contact_user = STR("crm"),
        .allow = STR("INVITE, ACK, CANCEL, BYE, INFO"),
        .accept = STR("application/csta+xml"),
        .session_expires_s = 90};
    struct csta_session_config session = {
        .user = STR("crm@example.com"), .password = STR("x"), .edition = CSTA_ED3};
    struct str word[16], complaint;
    struct csta_order order;
    struct csta_client c;
    uv_timer_t hang;
    size_t n = 0;

    *r = (struct run){0};
    FILE *out = open_memstream(&r->out, &r->nout), *err = open_memstream(&r->err, &r->nerr);
    while (words[n] != NULL) {
        word[n] = str_c(words[n]);
        n++;
    }
    csta_client_init(&c, out, err, json);
    CHECK_INT(csta_order_parse(word, n, &c.arena, &order, &complaint), 0);
    fake.ua = ua_new(&config);
    REQUIRE(fake.ua != NULL);
    uv_poll_init(net_loop(fake.ua->net), &fake.poll, fake.fd);
    fake.poll.data = &fake;
    uv_poll_start(&fake.poll, UV_READABLE, on_readable);
    uv_timer_init(net_loop(fake.ua->net), &hang);
    hang.data = fake.ua;
    uv_timer_start(&hang, on_hang, 20000, 0);
    r->code = csta_client_start(&c, fake.ua, &session, &order);
    ua_settle(fake.ua);
    if (r->code == EXIT_CODE_OK) {
        ua_run(fake.ua);
        r->code = c.exit_code;
    }
    uv_close((uv_handle_t *)&fake.poll, on_poll_closed);
    uv_close((uv_handle_t *)&hang, NULL);
    csta_client_fini(&c);
    ua_free(fake.ua);
    close(fake.fd);
    fclose(out);
    fclose(err);
}

#define RUN(r, json, ...) run(r, json, (const char *const[]){__VA_ARGS__, NULL})

static void drop(struct run *r)
{
    free(r->out);
    free(r->err);
}

static bool has(const char *text, const char *what)
{
    if (strstr(text, what) == NULL) {
        fprintf(stderr, "# \"%s\" is not in:\n%s", what, text);
        return false;
    }
    return true;
}

/** Are these in `text` in this order? */
static bool in_order(const char *text, const char *const *what)
{
    for (; *what != NULL; what++) {
        text = strstr(text, *what);
        if (text == NULL) {
            fprintf(stderr, "# \"%s\" is not there, or not in order\n", *what);
            return false;
        }
    }
    return true;
}

#define IN_ORDER(text, ...) in_order(text, (const char *const[]){__VA_ARGS__, NULL})

/* ---- opening ---- */

static void answer_status(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    CHECK(str_find(body, STR("<RequestSystemStatus")) < body.n);
    answer(f, NORMAL);
}

static void test_a_session(void)
{
    struct run r;

    start_fake();
    fake.on_info = answer_status;
    RUN(&r, false, "status");
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "RequestSystemStatus: normal\n");
    CHECK_STR(str_c(r.err), "");
    CHECK(str_starts(str_c(fake.invite), STR("INVITE sip:csta@example.com SIP/2.0\r\n")));
    CHECK(has(fake.invite, "\r\nContent-Type: application/csta+xml\r\n"));
    CHECK(has(fake.invite, "\r\nContent-Disposition: signal;handling=required\r\n"));
    CHECK(has(fake.invite, "\r\nSupported: timer"));
    CHECK(has(fake.invite, "\r\nFrom: <sip:crm@example.com>;tag="));
    CHECK(has(fake.invite, "<RequestSystemStatus" ED3 "/>"));
    CHECK_INT(fake.infos, 1);
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void test_sessions_that_are_refused(void)
{
    struct run r;

    start_fake();
    fake.invite_answer = NULL;
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK_STR(str_c(r.err), "baton csta: the session failed: SIP 403 Forbidden\n"
                            "  the server says: not today\n");
    CHECK_INT(fake.byes, 0);
    drop(&r);

    start_fake();
    fake.invite_answer = "<RequestSystemStatusResponse" ED3 "><systemStatus>disabled"
                         "</systemStatus></RequestSystemStatusResponse>";
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "the server's system status is not normal"));
    CHECK_INT(fake.byes, 1);
    CHECK_INT(fake.infos, 0);
    drop(&r);

    start_fake();
    fake.invite_answer = "<CSTAErrorCode" ED3 "><operation>privilegeViolationSpecifiedDevice"
                         "</operation></CSTAErrorCode>";
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "operation/privilegeViolationSpecifiedDevice: this application may not"));
    CHECK_INT(fake.byes, 1);
    drop(&r);

    start_fake();
    fake.invite_answer = "";
    RUN(&r, false, "status");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "without a CSTA message"));
    drop(&r);
}

static void refuse_request(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    answer(f, "<CSTAErrorCode" ED3 "><operation>invalidDeviceID</operation></CSTAErrorCode>");
}

static void refuse_by_sip(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    reply(f, 500, "", "");
}

static void test_requests_that_are_refused(void)
{
    struct run r;

    start_fake();
    fake.on_info = refuse_request;
    RUN(&r, false, "snapshot", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "SnapshotDevice failed: operation/invalidDeviceID: the server does not "
                     "know the device\n"));
    drop(&r);

    start_fake();
    fake.on_info = refuse_by_sip;
    RUN(&r, false, "clear", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "ClearConnection failed: SIP 500 "));
    CHECK(has(r.err, "the server says: not today\n"));
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

/* ---- calls ---- */

static void early_events(struct fake *f, unsigned n, struct str body)
{
    if (n == 1) {
        CHECK(str_find(body, STR("<MonitorStart")) < body.n);
        answer(f, MONITOR_RESPONSE);
    } else if (n == 2) {
        CHECK(str_find(body, STR("<MakeCall")) < body.n);
        event(f, ORIGINATED);
    } else {
        CHECK(str_find(body, STR("<MonitorStop")) < body.n);
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

/** The event is acknowledged while MakeCall is open; then its answer, then the end. */
static void answer_late(struct fake *f)
{
    CHECK_INT(f->status, 200);
    if (f->responses == 1) {
        answer(f, MAKE_CALL_RESPONSE);
        event(f, CLEARED);
    }
}

static void test_events_wait_for_the_answer(void)
{
    struct run r;

    start_fake();
    fake.on_info = early_events;
    fake.on_response = answer_late;
    RUN(&r, false, "make-call", "1001", "1002", "--watch");
    CHECK_INT(r.code, 0);
    CHECK(IN_ORDER(r.out, "1001 is monitored as 43", "MakeCall: c7/1001", "Originated",
                   "ConnectionCleared"));
    CHECK_INT(fake.infos, 3);
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void busy(struct fake *f, unsigned n, struct str body)
{
    (void)body;
    if (n == 1) {
        answer(f, MONITOR_RESPONSE);
    } else if (n == 2) {
        answer(f, MAKE_CALL_RESPONSE);
        event(f, FAILED);
        event(f, CLEARED);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_a_call_that_fails(void)
{
    struct run r;

    start_fake();
    fake.on_info = busy;
    RUN(&r, true, "make-call", "1001", "1002", "--watch");
    CHECK_INT(r.code, 1);
    CHECK(IN_ORDER(r.out, "\"event\": \"Failed\"", "\"cause\": \"busy\"",
                   "\"event\": \"ConnectionCleared\""));
    drop(&r);
}

static void learn_call(struct fake *f, unsigned n, struct str body)
{
    static const char snapshot[] =
        "<SnapshotDeviceResponse" ED3 "><crossRefIDorSnapshotData><snapshotData>"
        "<snapshotDeviceResponseInfo><connectionIdentifier><callID>c7</callID>"
        "<deviceID>1001</deviceID></connectionIdentifier><localCallState><compoundCallState>"
        "<localConnectionState>connected</localConnectionState></compoundCallState>"
        "</localCallState></snapshotDeviceResponseInfo></snapshotData>"
        "</crossRefIDorSnapshotData></SnapshotDeviceResponse>";

    switch (n) {
    case 1:
        answer(f, MONITOR_RESPONSE);
        break;
    case 2:
        CHECK(str_find(body, STR("<SnapshotDevice")) < body.n);
        answer(f, snapshot);
        break;
    case 3:
        CHECK(str_find(body, STR("<ClearConnection")) < body.n);
        event(f, CLEARED); /* over before it is answered */
        answer(f, "<ClearConnectionResponse" ED3 "/>");
        break;
    default:
        answer(f, "<MonitorStopResponse" ED3 "/>");
        break;
    }
}

static void test_the_call_of_a_device_is_watched(void)
{
    struct run r;

    start_fake();
    fake.on_info = learn_call;
    RUN(&r, false, "clear", "1001", "--watch", "--timeout", "5");
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "ConnectionCleared"));
    CHECK(has(r.out, "ClearConnection 1001: done"));
    CHECK_INT(fake.infos, 4);
    drop(&r);
}

static void monitor_only(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    answer(f, str_find(body, STR("<MonitorStop")) < body.n ? "<MonitorStopResponse" ED3 "/>"
                                                           : MONITOR_RESPONSE);
    if (n == 1) {
        event(f, DELIVERED);
    }
}

static void test_monitor_ends(void)
{
    struct run r;

    start_fake();
    fake.on_info = monitor_only;
    RUN(&r, false, "monitor", "1001", "--count", "1");
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "Delivered"));
    drop(&r);

    start_fake();
    fake.on_info = monitor_only;
    RUN(&r, false, "monitor", "1001", "--until", "Held", "--timeout", "0.1");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "did not come in time"));
    CHECK_INT(fake.byes, 1);
    drop(&r);

    start_fake();
    fake.on_info = monitor_only;
    RUN(&r, false, "monitor", "1001", "--timeout", "0.1");
    CHECK_INT(r.code, 0);
    drop(&r);
}

/* ---- losing the session ---- */

static void lose_and_find(struct fake *f, unsigned n, struct str body)
{
    switch (n) {
    case 1: /* the first session's MonitorStart */
        answer(f, MONITOR_RESPONSE);
        request(f, "BYE", "text/plain\r\n", "");
        break;
    case 2:
        CHECK_INT(f->invites, 2);
        CHECK(str_find(body, STR("<MonitorStart")) < body.n);
        answer(f, MONITOR_RESPONSE);
        break;
    case 3:
        CHECK(str_find(body, STR("<SnapshotDevice")) < body.n);
        answer(f, "<SnapshotDeviceResponse" ED3 "><crossRefIDorSnapshotData><snapshotData/>"
                  "</crossRefIDorSnapshotData></SnapshotDeviceResponse>");
        event(f, DELIVERED);
        break;
    default:
        answer(f, "<MonitorStopResponse" ED3 "/>");
        break;
    }
}

static void test_a_lost_session_comes_back(void)
{
    struct run r;

    start_fake();
    fake.on_info = lose_and_find;
    RUN(&r, false, "monitor", "1001", "--until", "Delivered");
    CHECK_INT(r.code, 0);
    CHECK_INT(fake.invites, 2);
    CHECK(IN_ORDER(r.err, "the server has ended the session", "the next attempt is in 1 s",
                   "the session is up again"));
    CHECK(IN_ORDER(r.out, "monitored as 43", "monitored as 43", "1001 has no calls",
                   "Delivered"));
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void say_481(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    reply(f, 481, "", "");
}

static void test_a_command_does_not_survive_its_session(void)
{
    struct run r;

    start_fake();
    fake.on_info = say_481;
    RUN(&r, false, "snapshot", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "SnapshotDevice failed: SIP 481"));
    CHECK_INT(fake.invites, 1);
    drop(&r);
}

/* ---- what is odd ---- */

static void late_response(struct fake *f, unsigned n, struct str body)
{
    (void)body;
    if (n == 1) {
        reply(f, 200, "", "");
        event(f, "<HoldCallResponse" ED3 "/>"); /* an answer to something else */
        event(f, MONITOR_RESPONSE);
        event(f, DELIVERED);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_an_answer_in_an_info_of_its_own(void)
{
    struct run r;

    start_fake();
    fake.on_info = late_response;
    RUN(&r, false, "monitor", "1001", "--count", "1");
    CHECK_INT(r.code, 0);
    CHECK(IN_ORDER(r.out, "1001 is monitored as 43", "1001              Delivered"));
    drop(&r);
}

static void empty_answer(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    reply(f, 200, "", "");
}

static void test_an_empty_answer_is_a_positive_one(void)
{
    struct run r;

    start_fake();
    fake.on_info = empty_answer;
    RUN(&r, false, "hold", "c7/1001");
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "HoldCall c7/1001: done\n");
    drop(&r);
}

/** What the switching function sends, what it has to get, one after the other. */
static const struct {
    const char *type, *body;
    unsigned status;
    const char *want;
} questions[] = {
    {CSTA, "<RequestSystemStatus" ED3 "/>", 200, "<systemStatus>normal</systemStatus>"},
    {CSTA, "<SystemStatus" ED3 "><systemStatus>overloadReached</systemStatus></SystemStatus>",
     200, "<SystemStatusResponse"},
    {CSTA,
     "<SwitchingFunctionDevices" ED3 "><lastSegment>true</lastSegment>"
     "</SwitchingFunctionDevices>",
     200, "Content-Length: 0"},
    {CSTA, "<RouteRequest" ED3 "/>", 200, "<operation>serviceNotSupported</operation>"},
    {CSTA, "<RouteRequest", 400, ""},
    {"text/plain\r\n", "hello", 415, ""},
    {CSTA, "<BrandNewEvent" ED3 "/>", 200, "Content-Length: 0"},
};

static void ask(struct fake *f)
{
    if (f->responses > 0) {
        test_context(questions[f->responses - 1].body);
        CHECK_INT(f->status, questions[f->responses - 1].status);
        CHECK(has(f->answered, questions[f->responses - 1].want));
    }
    if (f->responses < ARRAY_LEN(questions)) {
        request(f, "INFO", questions[f->responses].type, questions[f->responses].body);
    } else {
        event(f, DELIVERED);
        f->on_response = NULL;
    }
}

static void start_asking(struct fake *f, unsigned n, struct str body)
{
    (void)body;
    if (n == 1) {
        answer(f, MONITOR_RESPONSE);
        ask(f);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_questions_of_the_server(void)
{
    struct run r;

    start_fake();
    fake.on_info = start_asking;
    fake.on_response = ask;
    RUN(&r, false, "monitor", "1001", "--until", "Delivered");
    test_context(NULL);
    CHECK_INT(r.code, 0);
    CHECK(has(r.err, "the server's system status is overloadReached\n"));
    CHECK(has(r.err, "the server asks: RouteRequest\n"));
    CHECK(has(r.out, "BrandNewEvent"));
    drop(&r);
}

static void stop_the_monitor(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    (void)body;
    answer(f, MONITOR_RESPONSE);
    event(f, "<MonitorStop" ED3 "><monitorCrossRefID>43</monitorCrossRefID></MonitorStop>");
}

static void test_the_server_ends_a_monitor(void)
{
    struct run r;

    start_fake();
    fake.on_info = stop_the_monitor;
    RUN(&r, false, "monitor", "1001");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "the server has ended the monitor 43\n"));
    CHECK_INT(fake.infos, 1); /* no MonitorStop for what is gone */
    drop(&r);
}

/* ---- the shell ---- */

static void use_input(const char *text)
{
    char name[] = "/tmp/baton-test-XXXXXX";
    int fd = mkstemp(name);

    CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    CHECK(freopen(name, "r", stdin) != NULL);
    unlink(name);
}

static void play_call(struct fake *f, unsigned n, struct str body)
{
    (void)n;
    if (str_find(body, STR("<MonitorStart")) < body.n) {
        answer(f, MONITOR_RESPONSE);
    } else if (str_find(body, STR("<MakeCall")) < body.n) {
        answer(f, MAKE_CALL_RESPONSE);
        event(f, ORIGINATED);
        event(f, DELIVERED);
    } else if (str_find(body, STR("<ClearConnection")) < body.n) {
        answer(f, "<ClearConnectionResponse" ED3 "/>");
        event(f, CLEARED);
    } else {
        answer(f, "<MonitorStopResponse" ED3 "/>");
    }
}

static void test_a_script(void)
{
    struct run r;

    start_fake();
    fake.on_info = play_call;
    use_input("# a call\n"
              "monitor 1001\n"
              "\n"
              "make-call 1001 1002\n"
              "wait Delivered\n"
              "wait Originated sip:1001@example.com 5\n"
              "clear 1001\n"
              "wait ConnectionCleared 1001");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.err), "");
    CHECK(IN_ORDER(r.out, "> monitor 1001\n", "1001 is monitored as 43",
                   "> make-call 1001 1002\n", "MakeCall: c7/1001", "> wait Delivered\n",
                   "> clear 1001\n", "ConnectionCleared"));
    CHECK_INT(fake.infos, 4);
    CHECK_INT(fake.byes, 1);
    drop(&r);
}

static void test_waits_answer_once(void)
{
    struct run r;

    start_fake();
    fake.on_info = play_call;
    use_input("monitor 1001\nmake-call 1001 1002\nwait Delivered\nwait Delivered 1001 0.05\n"
              "quit\nstatus\n");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "wait Delivered failed: the event did not come in time\n"));
    CHECK(strstr(r.out, "> status") == NULL);
    drop(&r);

    /* a command begins a new group: what came before does not count */
    start_fake();
    fake.on_info = play_call;
    use_input("monitor 1001\nmake-call 1001 1002\nwait Delivered\nclear 1001\n"
              "wait Originated 1001 0.05\n");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "wait Originated failed"));
    drop(&r);
}

static void test_errors_in_a_script(void)
{
    struct run r;

    start_fake();
    fake.on_info = play_call;
    use_input("dance\nclear '1\nmonitor 1001 --count 3\nshell\nmonitor 1001\nmonitor 1001\n"
              "stop 43\nraw -\n");
    RUN(&r, false, "shell");
    CHECK_INT(r.code, 1);
    CHECK(
        IN_ORDER(r.err, "dance failed: there is no command \"dance\"\n",
                 "failed: a quote is not closed\n", "monitor failed: in the shell, use wait\n",
                 "shell failed: this is the shell\n", "1001 failed: it is monitored already\n",
                 "raw failed: the file cannot be opened\n"));
    CHECK(has(r.out, "MonitorStop 43: done\n"));
    CHECK_INT(fake.infos, 2);
    drop(&r);
}

int main(int argc, char **argv)
{
    static const struct test table[] = {T(test_a_session),
                                        T(test_sessions_that_are_refused),
                                        T(test_requests_that_are_refused),
                                        T(test_events_wait_for_the_answer),
                                        T(test_a_call_that_fails),
                                        T(test_the_call_of_a_device_is_watched),
                                        T(test_monitor_ends),
                                        T(test_a_lost_session_comes_back),
                                        T(test_a_command_does_not_survive_its_session),
                                        T(test_an_answer_in_an_info_of_its_own),
                                        T(test_an_empty_answer_is_a_positive_one),
                                        T(test_questions_of_the_server),
                                        T(test_the_server_ends_a_monitor),
                                        T(test_a_script),
                                        T(test_waits_answer_once),
                                        T(test_errors_in_a_script)};

    setenv("TZ", "UTC", 1);
    tzset();
    return test_run(table, ARRAY_LEN(table), argc, argv);
}
