/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A switching function for tests of `baton csta`: a UDP socket on the loop of the client, which
 * answers as the test says. start_fake, set the callbacks of `fake`, RUN the client, look.
 */
#ifndef BATON_TESTS_KIT_CSTA_PEER_H
#define BATON_TESTS_KIT_CSTA_PEER_H

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

#endif
