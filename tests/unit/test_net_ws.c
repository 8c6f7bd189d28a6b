/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP over WebSocket: the request that begins it, as a function; frames, over real loopback
 * sockets, written by hand here so that they can be wrong.
 */
#include "kit_tls.h"

#define KEY "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* RFC 7118 §4.1, RFC 6455 §1.3 */
#define GET(path) "GET " path " HTTP/1.1\r\n"
#define HOST "Host: sip.example.com\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define WANTED "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
#define SIP "Sec-WebSocket-Protocol: sip\r\n"
#define GOOD GET("/") HOST UPGRADE WANTED SIP "\r\n"

enum { CONT = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, FINAL = 0x80 };

/* ---- the request ---- */

static unsigned answer(const char *text, const struct ws_rules *rules, char *buf,
                       struct str *out)
{
    struct out o;
    struct str head = test_guard(str_c(text));
    out_init(&o, buf, WS_ANSWER_MAX);
    unsigned status = ws_http_answer(head, rules, &o);
    CHECK(!o.over);
    *out = out_str_of(&o);
    test_guard_free(head);
    return status;
}

static void test_the_example_of_the_rfc(void)
{
    struct ws_rules none = {0};
    char buf[WS_ANSWER_MAX];
    struct str out;
    CHECK_INT(
        answer(GET("/") "Host: sip-ws.example.com\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Key: " KEY "\r\n"
                        "Origin: http://www.example.com\r\n"
                        "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n",
               &none, buf, &out),
        101);
    CHECK_STR(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n"
                   "Sec-WebSocket-Accept: " ACCEPT "\r\n\r\n");
}

static void test_requests(void)
{
    static const struct str origins[] = {STR_INIT("https://a.example"),
                                         STR_INIT("https://b.example:8443")};
    static const struct ws_rules strict = {
        .path = STR_INIT("/sip"), .origin = origins, .origin_count = 2};
    static const struct ws_rules none = {0};
    static const struct {
        const char *text;
        const struct ws_rules *rules;
        unsigned status;
    } table[] = {
        {GOOD, &none, 101},
        {GET("/x?y=z") HOST UPGRADE WANTED SIP "\r\n", &none, 101},
        {GET("/") HOST "upgrade: WebSocket\r\nCONNECTION: keep-alive, upgrade\r\n" WANTED
                       "Sec-WebSocket-Protocol: chat, sip\r\n\r\n",
         &none, 101},
        {GET("/") HOST UPGRADE WANTED
         "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
         &none, 101},
        /* no HTTP, or not this HTTP */
        {"", &none, 400},
        {"OPTIONS sip:a@b SIP/2.0\r\n\r\n", &none, 400},
        {"POST / HTTP/1.1\r\n" HOST UPGRADE WANTED SIP "\r\n", &none, 400},
        {"GET / HTTP/1.0\r\n" HOST UPGRADE WANTED SIP "\r\n", &none, 400},
        {"CONNECT a:1 HTTP/1.1\r\n" HOST WANTED SIP "\r\n", &none, 400},
        {GET("/") UPGRADE WANTED SIP "\r\n", &none, 400},
        {GET("/") HOST HOST UPGRADE WANTED SIP "\r\n", &none, 400},
        {GET("/") HOST "X: a\r\n b\r\n" UPGRADE WANTED SIP "\r\n", &none, 400},
        {GET("/") HOST " folded: first\r\n" UPGRADE WANTED SIP "\r\n", &none, 400},
        /* no WebSocket, or not this WebSocket */
        {GET("/") HOST "\r\n", &none, 426},
        {GET("/") HOST "Upgrade: websocket\r\n" WANTED SIP "\r\n", &none, 426},
        {GET("/") HOST UPGRADE "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 8\r\n" SIP
                               "\r\n",
         &none, 426},
        {GET("/") HOST UPGRADE "Sec-WebSocket-Key: " KEY "\r\n" SIP "\r\n", &none, 426},
        {GET("/") HOST UPGRADE "Sec-WebSocket-Version: 13\r\n" SIP "\r\n", &none, 400},
        {GET("/") HOST UPGRADE WANTED WANTED SIP "\r\n", &none, 400},
        {GET("/") HOST UPGRADE
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n" SIP "\r\n",
         &none, 400},
        {GET("/") HOST UPGRADE
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhl*HNhbXBsZSBub25jZQ==\r\n" SIP
         "\r\n",
         &none, 400},
        {GET("/") HOST UPGRADE WANTED "\r\n", &none, 400},
        {GET("/") HOST UPGRADE WANTED "Sec-WebSocket-Protocol: sips, SIP\r\n\r\n", &none, 400},
        /* not here, and not from there */
        {GET("/sip") HOST UPGRADE WANTED SIP "Origin: https://a.example\r\n\r\n", &strict, 101},
        {GET("/sip?x") HOST UPGRADE WANTED SIP "Origin: HTTPS://B.example:8443\r\n\r\n",
         &strict, 101},
        {GET("/sip") HOST UPGRADE WANTED SIP "\r\n", &strict, 101}, /* no browser */
        {GET("/") HOST UPGRADE WANTED SIP "Origin: https://a.example\r\n\r\n", &strict, 404},
        {GET("/sip/") HOST UPGRADE WANTED SIP "\r\n", &strict, 404},
        {GET("/sip") HOST UPGRADE WANTED SIP "Origin: https://c.example\r\n\r\n", &strict, 403},
        {GET("/sip") HOST UPGRADE WANTED SIP "Origin: https://a.example.evil\r\n\r\n", &strict,
         403},
        {GET("/sip") HOST UPGRADE WANTED SIP "Origin: null\r\n\r\n", &strict, 403},
        {GET("/sip") HOST UPGRADE WANTED SIP "Origin: https://c.example\r\n"
                                             "Origin: https://a.example\r\n\r\n",
         &strict, 403},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char buf[WS_ANSWER_MAX], want[32];
        struct str out;
        test_context(table[i].text);
        CHECK_INT(answer(table[i].text, table[i].rules, buf, &out), table[i].status);
        (void)snprintf(want, sizeof(want), "HTTP/1.1 %u ", table[i].status);
        CHECK(str_starts(out, str_c(want)));
        CHECK_INT(str_find(out, STR("Sec-WebSocket-Version: 13\r\n")) < out.n,
                  table[i].status == 426);
    }
    test_context(NULL);
}

static void test_every_prefix_of_a_request(void)
{
    static const struct ws_rules none = {0};
    char buf[WS_ANSWER_MAX];
    for (size_t n = 0; n < sizeof(GOOD) - 1; n++) {
        struct out o;
        struct str head = test_guard(str_make(GOOD, n));
        CHECK_INT(ws_http_head(head), 0);
        out_init(&o, buf, sizeof(buf));
        CHECK(ws_http_answer(head, &none, &o) >= 400 || n == sizeof(GOOD) - 3);
        test_guard_free(head);
    }
    CHECK_INT(ws_http_head(STR(GOOD "more")), sizeof(GOOD) - 1);
}

/* ---- a connection ---- */

static struct addr serve(struct world *w, struct net_config config)
{
    world_init(w, config);
    return listen_at(w, TP_WS);
}

/** Octets until the answer's head is over, or the end. */
static size_t read_answer(struct world *w, int fd, char *buf, size_t cap)
{
    size_t n = 0;
    while (n < cap && (n < 4 || memcmp(buf + n - 4, "\r\n\r\n", 4) != 0)) {
        if (receive(w, fd, buf + n, 1) != 1) {
            break;
        }
        n++;
    }
    return n;
}

static int upgraded(struct world *w, const struct addr *at)
{
    char buf[WS_ANSWER_MAX];
    int fd = client(SOCK_STREAM, at);
    put(fd, STR(GOOD));
    size_t n = read_answer(w, fd, buf, sizeof(buf));
    CHECK(str_find(str_make(buf, n), STR(ACCEPT)) < n);
    return fd;
}

/** A frame as a client writes it. @return its length */
static size_t frame(unsigned char *to, unsigned first, struct str payload)
{
    static const unsigned char mask[] = {0x37, 0xfa, 0x21, 0x3d};
    size_t n = 0;
    to[n++] = (unsigned char)first;
    if (payload.n < 126) {
        to[n++] = (unsigned char)(0x80 | payload.n);
    } else if (payload.n <= 65535) {
        to[n++] = 0x80 | 126;
        to[n++] = (unsigned char)(payload.n >> 8);
        to[n++] = (unsigned char)payload.n;
    } else {
        to[n++] = 0x80 | 127;
        for (int i = 7; i >= 0; i--) {
            to[n++] = (unsigned char)((uint64_t)payload.n >> (8 * i));
        }
    }
    memcpy(to + n, mask, 4);
    n += 4;
    for (size_t i = 0; i < payload.n; i++) {
        to[n++] = (unsigned char)payload.p[i] ^ mask[i % 4];
    }
    return n;
}

static void put_frame(int fd, unsigned first, struct str payload)
{
    static unsigned char buf[200000];
    size_t n = frame(buf, first, payload);
    put(fd, str_make((const char *)buf, n));
}

/** The next frame from the server. @return its first octet, 0 at the end */
static unsigned get_frame_of(struct world *w, int fd, char *buf, size_t cap, size_t *n)
{
    unsigned char head[2], more[8];
    *n = 0;
    if (receive(w, fd, (char *)head, 2) != 2) {
        return 0;
    }
    CHECK_INT(head[1] & 0x80, 0); /* a server does not mask */
    *n = head[1];
    size_t extra = head[1] == 126 ? 2 : head[1] == 127 ? 8 : 0;
    CHECK_INT(receive(w, fd, (char *)more, extra), extra);
    for (size_t i = 0; i < extra; i++) {
        *n = (i == 0 ? 0 : *n << 8) | more[i];
    }
    if (!CHECK(*n <= cap)) {
        *n = 0;
        return 0;
    }
    CHECK_INT(receive(w, fd, buf, *n), *n);
    return head[0];
}

#define get_frame(w, fd, buf, n) get_frame_of(w, fd, buf, sizeof(buf), n)

/** Expect a close frame with that status (0: none), then the end. */
static void expect_close(struct world *w, int fd, unsigned status)
{
    char buf[256];
    size_t n;
    CHECK_INT(get_frame(w, fd, buf, &n), FINAL | CLOSE);
    CHECK_INT(n, status == 0 ? 0 : 2);
    CHECK(n < 2 || ((unsigned)(unsigned char)buf[0] << 8 | (unsigned char)buf[1]) == status);
    CHECK(ends(w, fd));
}

#define BARE \
    "OPTIONS sip:a@b SIP/2.0\r\nCall-ID: 1\r\n\r\nbody" /* no Content-Length: RFC 7118 §5 */

static void test_messages(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    static const char odd[] = "MESSAGE sip:a@b SIP/2.0\r\n\r\n\xff\xfe",
                      ch[] = "MESSAGE sip:a@b SIP/2.0\r\n\r\nJ\xc3\xbcrgen";
    char buf[256];
    size_t n;
    w.echo = true; /* in two runs, so that a character may be cut */
    int fd = upgraded(&w, &at);
    CHECK_INT(stats(&w).handshakes, 1);
    CHECK_INT(stats(&w).half_open, 0);
    put_frame(fd, FINAL | TEXT, STR(BARE));
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | TEXT);
    CHECK_BYTES(str_make(buf, n), STR(BARE));
    CHECK_INT(w.last.transport, TP_WS);
    put_frame(fd, FINAL | BINARY, str_c(odd));
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | BINARY);
    CHECK_STR(str_make(buf, n), odd);
    put_frame(fd, FINAL | BINARY, str_c(ch));
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | TEXT);
    CHECK_STR(str_make(buf, n), ch);
    CHECK_INT(w.inputs, 3);
    struct addr own;
    w.env->local(w.env->ctx, &w.last, &own);
    CHECK(addr_eq(&own, &at));
    struct hop other = {.transport = TP_WS, .remote = w.last.remote};
    CHECK_INT(w.env->open(w.env->ctx, &other, STR_NONE), E_UNSUPPORTED);
    CHECK(!w.env->proves(w.env->ctx, &w.last, STR("example.com")));
    close(fd);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed_flow[0], w.last.flow);
    world_fini(&w);
}

static void test_utf8_over_the_end_of_a_run(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    char buf[256];
    size_t n;
    int fd = upgraded(&w, &at);
    put_frame(fd, FINAL | TEXT, STR(BARE));
    CHECK(until(&w, &w.inputs, 1));
    struct str cut[3] = {STR("x\xc3"), STR(""), STR("\xbcy")}, bad[2] = {STR("\xc3"), STR("x")};
    CHECK_INT(w.env->send(w.env->ctx, &w.last, cut, 3), 0);
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | TEXT);
    CHECK_STR(str_make(buf, n), "x\xc3\xbcy");
    CHECK_INT(w.env->send(w.env->ctx, &w.last, bad, 2), 0);
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | BINARY);
    struct str many[100];
    for (size_t i = 0; i < 100; i++) {
        many[i] = STR("z");
    }
    CHECK_INT(w.env->send(w.env->ctx, &w.last, many, 100), 0);
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | TEXT);
    CHECK_INT(n, 100);
    close(fd);
    world_fini(&w);
}

static void test_octet_by_octet(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    unsigned char buf[1024];
    char back[256];
    size_t n = 0, len;
    memcpy(buf, GOOD, sizeof(GOOD) - 1);
    n = sizeof(GOOD) - 1;
    n += frame(buf + n, FINAL | TEXT, STR(BARE));
    w.echo = true;
    int fd = client(SOCK_STREAM, &at);
    for (size_t i = 0; i < n; i++) {
        uint64_t before = stats(&w).stream_received;
        CHECK_INT(w.inputs, 0);
        put(fd, str_make((const char *)buf + i, 1));
        for (int k = 0; k < ROUNDS && stats(&w).stream_received == before && !w.late; k++) {
            net_turn(w.net, true);
        }
    }
    CHECK_INT(w.inputs, 1);
    len = read_answer(&w, fd, back, sizeof(back));
    CHECK(str_starts(str_make(back, len), STR("HTTP/1.1 101 ")));
    CHECK_INT(get_frame(&w, fd, back, &len), FINAL | TEXT);
    close(fd);
    world_fini(&w);
}

/** Request and first message in one piece: nothing forbids it. */
static void test_all_at_once(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    unsigned char buf[1024];
    memcpy(buf, GOOD, sizeof(GOOD) - 1);
    size_t n = sizeof(GOOD) - 1;
    n += frame(buf + n, FINAL | TEXT, STR(BARE));
    n += frame(buf + n, FINAL | TEXT, STR(MESSAGE));
    int fd = client(SOCK_STREAM, &at);
    put(fd, str_make((const char *)buf, n));
    CHECK(until(&w, &w.inputs, 2));
    CHECK_BYTES(str_make(w.text, w.text_n), STR(BARE MESSAGE));
    close(fd);
    world_fini(&w);
}

static void test_fragments_with_a_ping_between(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    char buf[256];
    size_t n;
    int fd = upgraded(&w, &at);
    put_frame(fd, TEXT, STR("OPTIONS sip:a@b"));
    put_frame(fd, CONT, STR(""));
    put_frame(fd, FINAL | PING, STR("still there?"));
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | PONG);
    CHECK_STR(str_make(buf, n), "still there?");
    CHECK_INT(w.inputs, 0);
    put_frame(fd, FINAL | CONT, STR(" SIP/2.0\r\n\r\n"));
    CHECK(until(&w, &w.inputs, 1));
    CHECK_STR(str_make(w.text, w.text_n), "OPTIONS sip:a@b SIP/2.0\r\n\r\n");
    put_frame(fd, FINAL | TEXT, STR(BARE)); /* what is next begins anew */
    CHECK(until(&w, &w.inputs, 2));
    CHECK_INT(w.text_n, 27 + sizeof(BARE) - 1);
    close(fd);
    world_fini(&w);
}

static void test_keep_alives(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    char buf[256];
    size_t n;
    int fd = upgraded(&w, &at);
    put_frame(fd, FINAL | TEXT, STR("\r\n\r\n"));
    CHECK_INT(get_frame(&w, fd, buf, &n), FINAL | TEXT);
    CHECK_STR(str_make(buf, n), "\r\n");
    put_frame(fd, FINAL | TEXT, STR("\r\n"));
    put_frame(fd, FINAL | PONG, STR("nobody asked"));
    put_frame(fd, FINAL | TEXT, STR(""));
    put_frame(fd, FINAL | TEXT, STR(BARE));
    CHECK(until(&w, &w.inputs, 1));
    CHECK_STR(str_make(w.text, w.text_n), BARE);
    close(fd);
    world_fini(&w);
}

/** What RFC 6455 forbids ends the connection, with the status that says why. */
static void test_violations(void)
{
    static const struct {
        struct str bytes; /**< on the wire */
        unsigned status;
    } table[] = {
        {STR_INIT("\x81\x05Hello"), 1002},                 /* not masked */
        {STR_INIT("\xc1\x80\x01\x02\x03\x04"), 1002},      /* a reserved bit */
        {STR_INIT("\x83\x80\x01\x02\x03\x04"), 1002},      /* a reserved kind */
        {STR_INIT("\x80\x80\x01\x02\x03\x04"), 1002},      /* continues nothing */
        {STR_INIT("\x09\x80\x01\x02\x03\x04"), 0},         /* a ping in fragments */
        {STR_INIT("\x89\xfe\x00\x7e\x01\x02\x03\x04"), 0}, /* a long ping */
        {STR_INIT("\x81\x81\x00\x00\x00\x00\xff"), 1007},  /* text that is none */
        {STR_INIT("\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xff\x01\x02\x03\x04"
                  "x"),
         1009},
        {STR_INIT("\x82\xff\x00\x00\x00\x00\x00\x02\x00\x01\x01\x02\x03\x04"
                  "x"),
         1009},
    };
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char where[16];
        (void)snprintf(where, sizeof(where), "row %zu", i);
        test_context(where);
        int fd = upgraded(&w, &at);
        put(fd, table[i].bytes);
        expect_close(&w, fd, table[i].status);
        CHECK(until(&w, &w.closed, i + 1));
        CHECK_INT(stats(&w).closed_bad, i + 1);
        close(fd);
    }
    test_context(NULL);
    CHECK_INT(w.inputs, 0);
    world_fini(&w);
}

static void test_close_is_answered(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    int fd = upgraded(&w, &at);
    put_frame(fd, FINAL | CLOSE, STR("\x03\xe8"));
    expect_close(&w, fd, 1000);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(stats(&w).closed_bad, 0);
    close(fd);
    world_fini(&w);
}

static void test_silence_is_closed_politely(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){.idle_ms = 20});
    int fd = upgraded(&w, &at);
    expect_close(&w, fd, 1001);
    close(fd);
    world_fini(&w);
}

/** 64 KiB both ways, through queues that are smaller than that. */
static void test_largest_messages(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){.limits = {.message = 65536}});
    static char text[65536], back[65536];
    size_t n;
    int small = 32768;
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 23);
    }
    w.echo = true;
    int fd = upgraded(&w, &at);
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    for (int i = 0; i < 4; i++) {
        put_frame(fd, FINAL | TEXT, str_make(text, sizeof(text)));
        CHECK_INT(get_frame(&w, fd, back, &n), FINAL | TEXT);
        CHECK_INT(n, sizeof(text));
        CHECK(memcmp(back, text, sizeof(text)) == 0);
    }
    for (size_t i = 0; i < sizeof(text); i += 16384) { /* and one octet too many in fragments */
        put_frame(fd, i == 0 ? TEXT : CONT, str_make(text, 16384));
    }
    put_frame(fd, FINAL | CONT, STR("x"));
    expect_close(&w, fd, 1009);
    CHECK_INT(w.inputs, 4);
    close(fd);
    world_fini(&w);
}

static void test_half_a_message(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){.message_ms = 30});
    int fd = upgraded(&w, &at);
    put_frame(fd, TEXT, STR("OPTIONS"));
    expect_close(&w, fd, 1001);
    CHECK_INT(stats(&w).closed_bad, 1);
    close(fd);
    world_fini(&w);
}

static void test_slow_readers_are_closed(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){.write_queue = 100000});
    w.flood = true;
    int fd = upgraded(&w, &at);
    put_frame(fd, FINAL | TEXT, STR(BARE));
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.flood_err, E_TOOBIG);
    CHECK_INT(stats(&w).closed_slow, 1);
    close(fd);
    world_fini(&w);
}

/* ---- requests that are refused, on the wire ---- */

static void test_refusals_are_read(void)
{
    static const struct str origins[] = {STR_INIT("https://a.example")};
    struct world w;
    struct addr at = serve(&w, (struct net_config){.ws = {STR("/sip"), origins, 1}});
    static const struct {
        const char *request, *status;
    } table[] = {
        {MESSAGE "\r\n\r\n", "HTTP/1.1 400 "},
        {GOOD, "HTTP/1.1 404 "},
        {GET("/sip") HOST "\r\n", "HTTP/1.1 426 "},
        {GET("/sip") HOST UPGRADE WANTED SIP "Origin: https://c.example\r\n\r\n",
         "HTTP/1.1 403 "},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char buf[WS_ANSWER_MAX];
        int fd = client(SOCK_STREAM, &at);
        put(fd, str_c(table[i].request));
        size_t n = read_answer(&w, fd, buf, sizeof(buf));
        CHECK(str_starts(str_make(buf, n), str_c(table[i].status)));
        CHECK(ends(&w, fd));
        close(fd);
    }
    CHECK_INT(stats(&w).handshakes_failed, 4);
    CHECK_INT(stats(&w).half_open, 0);
    CHECK_INT(w.inputs, 0);
    world_fini(&w);
}

static void test_endless_requests_are_refused(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){0});
    char buf[WS_ANSWER_MAX], line[1024];
    memset(line, 'a', sizeof(line));
    int fd = client(SOCK_STREAM, &at);
    put(fd, STR(GET("/") "X: "));
    for (int i = 0; i < 8; i++) {
        put(fd, str_make(line, sizeof(line)));
    }
    size_t n = read_answer(&w, fd, buf, sizeof(buf));
    CHECK(str_starts(str_make(buf, n), STR("HTTP/1.1 400 ")));
    CHECK(ends(&w, fd));
    close(fd);
    world_fini(&w);
}

static void test_slow_requests_end(void)
{
    struct world w;
    struct addr at = serve(&w, (struct net_config){.handshake_ms = 40});
    int fd = client(SOCK_STREAM, &at);
    put(fd, STR("GET / HT"));
    CHECK(until(&w, &w.closed, 1));
    CHECK(ends(&w, fd));
    CHECK_INT(stats(&w).handshakes_failed, 1);
    close(fd);
    world_fini(&w);
}

/* ---- over TLS ---- */

static void test_secure(void)
{
    struct pki p;
    struct world w;
    unsigned char buf[1024];
    char back[512];
    pki_init(&p, "DNS:example.com");
    world_init(&w, (struct net_config){0});
    load(&w, &p.tls);
    struct addr at = listen_at(&w, TP_WSS);
    w.echo = true;
    struct tls_end e = tls_client(&p.root);
    (void)SSL_CTX_set_alpn_protos(e.ctx, (const unsigned char *)"\x08http/1.1", 9);
    CHECK(tls_connect(&w, &e, &at, "example.com"));
    const unsigned char *alpn;
    unsigned alpn_n;
    SSL_get0_alpn_selected(e.ssl, &alpn, &alpn_n);
    CHECK_STR(str_make((const char *)alpn, alpn_n), "http/1.1");
    CHECK(tls_put(&w, &e, STR(GOOD)));
    size_t n = 0;
    while (n < sizeof(back) && (n < 4 || memcmp(back + n - 4, "\r\n\r\n", 4) != 0)) {
        REQUIRE(tls_get(&w, &e, back + n, 1) == 1);
        n++;
    }
    CHECK(str_starts(str_make(back, n), STR("HTTP/1.1 101 ")));
    n = frame(buf, FINAL | TEXT, STR(BARE));
    CHECK(tls_put(&w, &e, str_make((const char *)buf, n)));
    CHECK_INT(tls_get(&w, &e, back, sizeof(BARE) + 1), sizeof(BARE) + 1);
    CHECK_BYTES(str_make(back + 2, sizeof(BARE) - 1), STR(BARE));
    CHECK_INT(w.last.transport, TP_WSS);
    CHECK_INT(stats(&w).handshakes, 1);
    n = frame(buf, FINAL | CLOSE, STR(""));
    CHECK(tls_put(&w, &e, str_make((const char *)buf, n)));
    CHECK(tls_get(&w, &e, back, 4) >= 2); /* the close frame, then close_notify */
    CHECK_INT((unsigned char)back[0], FINAL | CLOSE);
    CHECK_INT(tls_get(&w, &e, back, 1), 0);
    CHECK(until(&w, &w.closed, 1));
    tls_end(&e);
    world_fini(&w);
    pki_fini(&p);
}

/** TLS stands, but nobody asks for WebSocket: that is half open still. */
static void test_secure_without_a_request(void)
{
    struct pki p;
    struct world w;
    pki_init(&p, "DNS:example.com");
    world_init(&w, (struct net_config){.handshake_ms = 600});
    load(&w, &p.tls);
    struct addr at = listen_at(&w, TP_WSS);
    struct tls_end e = tls_client(&p.root);
    CHECK(tls_connect(&w, &e, &at, "example.com"));
    CHECK_INT(stats(&w).half_open, 1);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(stats(&w).handshakes_failed, 1);
    tls_end(&e);
    world_fini(&w);
    pki_fini(&p);
}

TEST_MAIN(T(test_the_example_of_the_rfc), T(test_requests), T(test_every_prefix_of_a_request),
          T(test_messages), T(test_utf8_over_the_end_of_a_run), T(test_octet_by_octet),
          T(test_all_at_once), T(test_fragments_with_a_ping_between), T(test_keep_alives),
          T(test_violations), T(test_close_is_answered), T(test_silence_is_closed_politely),
          T(test_largest_messages), T(test_half_a_message), T(test_slow_readers_are_closed),
          T(test_refusals_are_read), T(test_endless_requests_are_refused),
          T(test_slow_requests_end), T(test_secure), T(test_secure_without_a_request))
