/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers send before anybody knows them, by the first octet:
 *
 *   'S'  a STUN datagram: an answer is well formed, bounded, and about its request
 *   'H'  the head of an HTTP request: it has an answer, which is whole and fits
 *   'W'  octets of WebSocket, over a real connection that was agreed on: whatever they are,
 * what the program gets is within the limits, and the connection ends when the client ends it
 */
#include "fuzz_env.h"
#include "net/net.h"
#include "net/sockaddr.h"
#include "net/stun.h"
#include "net/ws_http.h"
#include <errno.h>
#include <signal.h>
#include <unistd.h>

#define MESSAGE_MAX 4096
#define ROUNDS 100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_stun(struct str datagram)
{
    unsigned char out[STUN_ANSWER_MAX];
    struct addr from;
    MUST(addr_parse(STR("[2001:db8::1]:4711"), &from));
    size_t n = stun_answer(datagram, &from, out);
    MUST(n <= sizeof(out) && n % 4 == 0);
    if (n > 0) {
        MUST(stun_looks_like(datagram) && n >= 20);
        MUST(out[0] == 1 && (size_t)(out[2] << 8 | out[3]) == n - 20);
        MUST(memcmp(out + 4, datagram.p + 4, 16) == 0);
    }
}

static void try_http(struct str head)
{
    static const struct str origins[] = {STR_INIT("https://a.example")};
    static const struct ws_rules rules[] = {
        {.path = {NULL, 0}}, {.path = STR_INIT("/sip"), .origin = origins, .origin_count = 1}};
    MUST(ws_http_head(head) <= head.n);
    for (size_t i = 0; i < 2; i++) {
        char text[WS_ANSWER_MAX];
        struct out o;
        out_init(&o, text, sizeof(text));
        unsigned status = ws_http_answer(head, &rules[i], &o);
        MUST(status == 101 || status == 400 || status == 403 || status == 404 || status == 426);
        MUST(!o.over && str_starts(out_str_of(&o), STR("HTTP/1.1 ")));
        MUST(ws_http_head(out_str_of(&o)) > 0);
    }
}

/* ---- frames ---- */

static struct net *net;
static struct addr at;
static unsigned closed;

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    (void)ctx;
    (void)now_ms;
    MUST(datagram && bytes.n > 0 && bytes.n <= MESSAGE_MAX);
    const struct env *env = net_env(net);
    (void)env->send(env->ctx, from, &bytes, 1);
}

static void on_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    (void)ctx;
    (void)flow;
    (void)now_ms;
    closed++;
}

static void listen_once(void)
{
    struct net_config config = {.handler = {.input = on_input, .flow_closed = on_closed},
                                .limits = {.message = MESSAGE_MAX}};
    struct addr loopback;
    if (net == NULL) {
        (void)signal(SIGPIPE, SIG_IGN);
        net = net_new(&config);
        MUST(net != NULL && addr_parse(STR("127.0.0.1"), &loopback));
        MUST(net_listen(net, TP_WS, &loopback, &at) == 0);
    }
}

static void turn_until_closed(unsigned before)
{
    for (int i = 0; i < ROUNDS && closed == before; i++) {
        net_turn(net, true);
    }
    MUST(closed == before + 1);
}

/** The fuzzer's clock is a signal, which may strike in the middle of a connect. */
static bool connects(int fd)
{
    union net_sockaddr sa;
    socklen_t len = sockaddr_of(&at, &sa);
    int err = connect(fd, &sa.sa, len);
    while (err != 0 && (errno == EINTR || errno == EALREADY)) {
        err = connect(fd, &sa.sa, len);
    }
    return err == 0 || errno == EISCONN;
}

static void try_frames(struct str octets)
{
    static const char get[] =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: sip\r\n\r\n";
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    char sink[4096];
    unsigned before = closed;
    listen_once();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    MUST(fd >= 0 && connects(fd));
    MUST(send(fd, get, sizeof(get) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(get) - 1);
    size_t most = octets.n < 65536 ? octets.n : 65536;
    MUST(send(fd, octets.p, most, MSG_NOSIGNAL) == (ssize_t)most);
    MUST(shutdown(fd, SHUT_WR) == 0);
    turn_until_closed(before);
    while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0) {
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)); /* leave no TIME_WAIT */
    close(fd);
    net_turn(net, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = size > 0 ? str_make((const char *)data + 1, size - 1) : STR_NONE;
    switch (size > 0 ? data[0] : 0) {
    case 'S':
        try_stun(rest);
        break;
    case 'H':
        try_http(rest);
        break;
    case 'W':
        try_frames(rest);
        break;
    default:
        break;
    }
    return 0;
}
