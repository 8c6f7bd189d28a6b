/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network layer over real loopback sockets: the program's side is a handler that records,
 * the other side plain sockets of this process.
 *
 * Nothing sleeps: the loop waits for events, and a timer of a minute ends a wait that would
 * not end, which fails the check behind it.
 */
#ifndef BATON_TESTS_KIT_NET_H
#define BATON_TESTS_KIT_NET_H

#include "base/err.h"
#include "net/net_int.h"
#include "test.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROUNDS 100000

struct world {
    struct net *net;
    const struct env *env;
    uv_timer_t guard;
    bool late;
    struct addr udp, tcp;
    /* what the handler saw */
    size_t inputs, octets, resolved, ticks, closed;
    uint32_t closed_flow[16];
    struct hop last;
    char text[4096]; /* all input, one behind the other */
    size_t text_n;
    uint64_t deadline, ticked_at;
    char logged[256]; /* the last line */
    /* what it does */
    bool echo, flood;
    int flood_err;
    bool in_send, closed_inside;
};

static inline void on_log(void *ctx, enum trace_level level, const char *module,
                          const struct trace_ids *ids, struct str text)
{
    (void)ids;
    struct world *w = ctx;
    (void)level;
    (void)snprintf(w->logged, sizeof(w->logged), "%s: %.*s", module, STR_ARG(text));
}

static inline void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                            uint64_t now_ms)
{
    struct world *w = ctx;
    (void)now_ms;
    CHECK_INT(datagram, from->transport != TP_TCP && from->transport != TP_TLS);
    w->inputs++;
    w->octets += bytes.n;
    w->last = *from;
    if (w->text_n + bytes.n <= sizeof(w->text)) {
        memcpy(w->text + w->text_n, bytes.p, bytes.n);
        w->text_n += bytes.n;
    }
    if (w->echo) {
        w->in_send = true;
        struct str run[2] = {str_upto(bytes, 1), str_from(bytes, 1)};
        CHECK_INT(w->env->send(w->env->ctx, from, run, 2), 0);
        w->in_send = false;
    }
    if (w->flood) {
        static char block[10000];
        struct str run = str_make(block, sizeof(block));
        w->in_send = true;
        int i = 0;
        do {
            w->flood_err = w->env->send(w->env->ctx, from, &run, 1);
        } while (w->flood_err == 0 && ++i < 100000);
        w->in_send = false;
    }
}

static inline void on_flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct world *w = ctx;
    (void)now_ms;
    w->closed_inside = w->closed_inside || w->in_send;
    if (w->closed < 16) {
        w->closed_flow[w->closed] = flow;
    }
    w->closed++;
}

static inline void on_resolved(void *ctx, uint64_t now_ms)
{
    (void)now_ms;
    ((struct world *)ctx)->resolved++;
}

static inline void on_tick(void *ctx, uint64_t now_ms)
{
    struct world *w = ctx;
    w->ticks++;
    w->ticked_at = now_ms;
    w->deadline = WHEEL_NEVER;
}

static inline uint64_t on_deadline(void *ctx)
{
    return ((struct world *)ctx)->deadline;
}

static inline void on_guard(uv_timer_t *t)
{
    ((struct world *)t->data)->late = true;
}

static inline void world_init(struct world *w, struct net_config config)
{
    memset(w, 0, sizeof(*w));
    (void)signal(SIGPIPE, SIG_IGN); /* as the programs do */
    w->deadline = WHEEL_NEVER;
    config.handler = (struct net_handler){.ctx = w,
                                          .input = on_input,
                                          .tick = on_tick,
                                          .deadline = on_deadline,
                                          .resolved = on_resolved,
                                          .flow_closed = on_flow_closed,
                                          .trace = on_log};
    w->net = net_new(&config);
    w->env = net_env(w->net);
    struct addr at;
    CHECK(addr_parse(STR("127.0.0.1"), &at));
    CHECK_INT(net_listen(w->net, TP_UDP, &at, &w->udp), 0);
    CHECK_INT(net_listen(w->net, TP_TCP, &at, &w->tcp), 0);
    CHECK(w->udp.port != 0 && w->tcp.port != 0);
    uv_timer_init(net_loop(w->net), &w->guard);
    w->guard.data = w;
    uv_timer_start(&w->guard, on_guard, 60000, 0);
}

static inline void world_fini(struct world *w)
{
    CHECK(!w->late);
    CHECK(!w->closed_inside);
    uv_close((uv_handle_t *)&w->guard, NULL);
    net_free(w->net);
}

/** Turn until *value reaches `want`. */
static inline bool until(struct world *w, const size_t *value, size_t want)
{
    for (int i = 0; i < ROUNDS && *value < want && !w->late; i++) {
        net_turn(w->net, true);
    }
    return *value >= want;
}

static inline struct net_stats stats(struct world *w)
{
    struct net_stats s;
    net_stats(w->net, &s);
    return s;
}

static inline int client(int type, const struct addr *to)
{
    union net_sockaddr sa;
    socklen_t len = sockaddr_of(to, &sa);
    int fd = socket(sa.sa.sa_family, type | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && connect(fd, &sa.sa, len) == 0);
    return fd;
}

static inline void put(int fd, struct str s)
{
    CHECK_INT(send(fd, s.p, s.n, MSG_NOSIGNAL), s.n);
}

/** Turn until `want` octets came, or the end, which counts as 0. @return octets */
static inline size_t receive(struct world *w, int fd, char *buf, size_t want)
{
    size_t got = 0;
    for (int i = 0; i < ROUNDS && got < want && !w->late; i++) {
        ssize_t n = recv(fd, buf + got, want - got, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            break;
        }
        if (n > 0) {
            got += (size_t)n;
            continue;
        }
        net_turn(w->net, false);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        (void)poll(&p, 1, 1);
    }
    return got;
}

/** Does the other side end? What still comes is thrown away. */
static inline bool ends(struct world *w, int fd)
{
    char buf[65536];
    for (int i = 0; i < ROUNDS && !w->late; i++) {
        ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            return true;
        }
        if (n < 0) {
            net_turn(w->net, false);
            struct pollfd p = {.fd = fd, .events = POLLIN};
            (void)poll(&p, 1, 1);
        }
    }
    return false;
}

#define MESSAGE "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 4\r\n\r\nbody"

static inline int listener(struct addr *at, int backlog)
{
    union net_sockaddr sa;
    CHECK(addr_parse(STR("127.0.0.1"), at));
    socklen_t len = sockaddr_of(at, &sa);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0 && bind(fd, &sa.sa, len) == 0 && listen(fd, backlog) == 0);
    len = sizeof(sa);
    CHECK_INT(getsockname(fd, &sa.sa, &len), 0);
    CHECK(sockaddr_read(&sa.sa, at));
    return fd;
}

#endif
