/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagrams, connections over TCP, names and addresses, over real loopback sockets.
 */
#include "kit_net.h"

/* ---- UDP ---- */

static void test_udp_in_batches(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    w.echo = true;
    int fd = client(SOCK_DGRAM, &w.udp);
    char text[16];
    for (int i = 0; i < 100; i++) {
        int n = snprintf(text, sizeof(text), "datagram %02d", i);
        put(fd, str_make(text, (size_t)n));
    }
    CHECK(until(&w, &w.inputs, 100));
    CHECK_INT(w.last.transport, TP_UDP);
    CHECK(addr_is_loopback(&w.last.remote));
    for (int i = 0; i < 100; i++) {
        int n = snprintf(text, sizeof(text), "datagram %02d", i);
        char back[64];
        CHECK_INT(receive(&w, fd, back, (size_t)n), n);
        CHECK_BYTES(str_make(back, (size_t)n), str_make(text, (size_t)n));
    }
    struct net_stats s = stats(&w);
    CHECK_INT(s.udp_received, 100);
    CHECK_INT(s.udp_sent, 100);
    CHECK_INT(s.udp_batches_in, 4);
    CHECK_INT(s.udp_batches_out, 4);
    close(fd);
    world_fini(&w);
}

static void test_udp_keep_alives_mean_nothing(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    int fd = client(SOCK_DGRAM, &w.udp);
    put(fd, STR("\r\n\r\n"));
    put(fd, STR("\0\0\0\0"));
    put(fd, STR(""));
    put(fd, STR("hello"));
    CHECK(until(&w, &w.inputs, 1));
    CHECK_BYTES(str_make(w.text, w.text_n), STR("hello"));
    close(fd);
    world_fini(&w);
}

static void test_udp_refuses(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    struct hop hop = {.transport = TP_UDP};
    CHECK(addr_parse(STR("127.0.0.1:9"), &hop.remote));
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), 0);
    CHECK(hop.flow != 0);
    static char big[65536];
    struct str run[2] = {str_make(big, 65000), str_make(big, 508)};
    CHECK_INT(w.env->send(w.env->ctx, &hop, run, 2), E_TOOBIG);
    hop.remote.port = 0;
    CHECK_INT(w.env->send(w.env->ctx, &hop, run, 1), E_IO);
    CHECK(addr_parse(STR("[::1]:9"), &hop.remote));
    CHECK_INT(w.env->send(w.env->ctx, &hop, run, 1), E_IO);
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), E_UNSUPPORTED);
    hop.flow = 4711;
    CHECK_INT(w.env->send(w.env->ctx, &hop, run, 1), E_IO);
    hop.transport = TP_WSS;
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), E_UNSUPPORTED);
    world_fini(&w);
}

/**
 * What the kernel does not take waits, is bounded, and goes out later in order. The loopback
 * interface never pushes back, so the test says in its stead that the socket is full.
 */
static void test_udp_queue_is_bounded(void)
{
    struct world w;
    struct net_config config = {.udp_queue = 64};
    world_init(&w, config);
    w.echo = false;
    int fd = client(SOCK_DGRAM, &w.udp);
    put(fd, STR("hello"));
    CHECK(until(&w, &w.inputs, 1));
    struct udp *u = udp_for(w.net, &w.last.remote);
    u->blocked = true;
    char text[16];
    size_t next = 0, refused = 0;
    for (; next < 100 && refused == 0; next++) {
        int n = snprintf(text, sizeof(text), "%03zu", next);
        struct str run = str_make(text, (size_t)n);
        int err = w.env->send(w.env->ctx, &w.last, &run, 1);
        CHECK_INT(err, next < 64 ? 0 : E_TOOBIG);
        refused += err != 0;
    }
    CHECK_INT(next, 65);
    CHECK_INT(stats(&w).udp_dropped, 1);
    u->out_first = 10; /* as if ten of them had gone */
    for (next = 64; next < 74; next++) {
        int n = snprintf(text, sizeof(text), "%03zu", next);
        struct str run = str_make(text, (size_t)n);
        CHECK_INT(w.env->send(w.env->ctx, &w.last, &run, 1), 0);
    }
    struct str run = STR("x");
    CHECK_INT(w.env->send(w.env->ctx, &w.last, &run, 1), E_TOOBIG);
    net_turn(w.net, false);
    CHECK_INT(stats(&w).udp_sent, 0);
    u->blocked = false;
    udp_flush(u);
    CHECK_INT(stats(&w).udp_sent, 64);
    for (next = 10; next < 74; next++) {
        char back[8];
        int n = snprintf(text, sizeof(text), "%03zu", next);
        CHECK_INT(recv(fd, back, sizeof(back), MSG_DONTWAIT), n);
        CHECK(memcmp(back, text, 3) == 0);
    }
    close(fd);
    world_fini(&w);
}

/* ---- TCP ---- */

static void test_tcp_octet_by_octet(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    w.echo = true;
    int fd = client(SOCK_STREAM, &w.tcp);
    struct str m = STR("\r\n" MESSAGE);
    for (size_t i = 0; i < m.n; i++) {
        uint64_t before = stats(&w).stream_received;
        CHECK_INT(w.inputs, 0);
        put(fd, str_upto(str_from(m, i), 1));
        for (int k = 0; k < ROUNDS && stats(&w).stream_received == before && !w.late; k++) {
            net_turn(w.net, true);
        }
    }
    CHECK_INT(w.inputs, 1);
    CHECK_BYTES(str_make(w.text, w.text_n), STR(MESSAGE));
    char back[sizeof(MESSAGE)];
    CHECK_INT(receive(&w, fd, back, sizeof(MESSAGE) - 1), sizeof(MESSAGE) - 1);
    CHECK_BYTES(str_make(back, sizeof(MESSAGE) - 1), STR(MESSAGE));
    close(fd);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed_flow[0], w.last.flow);
    world_fini(&w);
}

static void test_tcp_several_in_one(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR(MESSAGE MESSAGE "\r\n\r\n" MESSAGE "OPTIONS"));
    CHECK(until(&w, &w.inputs, 3));
    CHECK_BYTES(str_make(w.text, w.text_n), STR(MESSAGE MESSAGE MESSAGE));
    char pong[2];
    CHECK_INT(receive(&w, fd, pong, 2), 2);
    CHECK_BYTES(str_make(pong, 2), STR("\r\n"));
    close(fd);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.inputs, 3);
    world_fini(&w);
}

static void test_tcp_reset_in_a_message(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR("OPTIONS sip:a@b SIP/2.0\r\nContent-Le"));
    for (int i = 0; i < ROUNDS && stats(&w).stream_received == 0 && !w.late; i++) {
        net_turn(w.net, true);
    }
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
    close(fd);
    CHECK(until(&w, &w.closed, 1));
    net_turn(w.net, false);
    CHECK_INT(w.closed, 1);
    CHECK_INT(w.inputs, 0);
    CHECK_INT(stats(&w).connections, 0);
    world_fini(&w);
}

static void test_tcp_half_close_still_answers(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    w.echo = true;
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR(MESSAGE));
    shutdown(fd, SHUT_WR);
    char back[sizeof(MESSAGE)];
    CHECK_INT(receive(&w, fd, back, sizeof(MESSAGE) - 1), sizeof(MESSAGE) - 1);
    CHECK(ends(&w, fd));
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed, 1);
    close(fd);
    world_fini(&w);
}

static void test_tcp_garbage_is_closed(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: x\r\n\r\n"));
    CHECK(ends(&w, fd));
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(stats(&w).closed_bad, 1);
    CHECK_INT(w.inputs, 0);
    CHECK(strncmp(w.logged, "net: TCP 127.0.0.1:", 19) == 0); /* whom it is about */
    CHECK(strstr(w.logged, ": closed: cannot be framed") != NULL);
    close(fd);
    world_fini(&w);
}

/** Whoever sends rubbish again and again does not fill the log: lines are limited by source. */
static void test_lines_are_limited(void)
{
    struct world w;
    struct addr other = {0};
    world_init(&w, (struct net_config){0});
    for (size_t i = 0; i < 20; i++) {
        w.logged[0] = '\0';
        int fd = client(SOCK_STREAM, &w.tcp);
        put(fd, STR("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: x\r\n\r\n"));
        CHECK(ends(&w, fd));
        CHECK(until(&w, &w.closed, i + 1));
        CHECK_INT(w.logged[0] != '\0', i < 5);
        close(fd);
    }
    CHECK_INT(stats(&w).closed_bad, 20);
    CHECK(addr_parse_host(STR("192.0.2.77"), 0, &other));
    bool written = false; /* of other sources they are, but of one in COMPLAINT_SLOTS */
    for (int i = 0; i < 16; i++) {
        other.ip[3] = (unsigned char)i;
        written = written || net_may_complain(w.net, &other);
    }
    CHECK(written);
    world_fini(&w);
}

static void test_tcp_endless_message_is_closed(void)
{
    struct world w;
    struct net_config config = {.limits = {.message = 2000}};
    world_init(&w, config);
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR("OPTIONS sip:a@b SIP/2.0\r\nX: "));
    static char junk[4000];
    memset(junk, 'a', sizeof(junk));
    put(fd, str_make(junk, sizeof(junk)));
    CHECK(ends(&w, fd));
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(stats(&w).closed_bad, 1);
    close(fd);
    world_fini(&w);
}

static void test_tcp_slow_reader_is_closed(void)
{
    struct world w;
    struct net_config config = {.write_queue = 100000};
    world_init(&w, config);
    w.flood = true;
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR(MESSAGE));
    CHECK(until(&w, &w.inputs, 1));
    CHECK_INT(w.flood_err, E_TOOBIG);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed_flow[0], w.last.flow);
    struct net_stats s = stats(&w);
    CHECK_INT(s.closed_slow, 1);
    CHECK_INT(s.connections, 0);
    struct str run = STR("x");
    CHECK_INT(w.env->send(w.env->ctx, &w.last, &run, 1), E_IO);
    close(fd);
    world_fini(&w);
}

/** A reader that is slower than the writer, but reads, gets everything. */
static void test_tcp_queue_is_written_later(void)
{
    struct world w;
    struct net_config config = {.write_queue = 64u << 20};
    world_init(&w, config);
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR(MESSAGE));
    CHECK(until(&w, &w.inputs, 1));
    static char block[1u << 20];
    for (size_t i = 0; i < sizeof(block); i++) {
        block[i] = (char)(i * 7 + (i >> 9));
    }
    struct str run = str_make(block, sizeof(block));
    for (int i = 0; i < 16; i++) {
        CHECK_INT(w.env->send(w.env->ctx, &w.last, &run, 1), 0);
    }
    static char back[1u << 20];
    for (int i = 0; i < 16; i++) {
        CHECK_INT(receive(&w, fd, back, sizeof(back)), sizeof(back));
        CHECK(memcmp(back, block, sizeof(back)) == 0);
    }
    close(fd);
    CHECK(until(&w, &w.closed, 1));
    world_fini(&w);
}

static void test_tcp_connections_are_limited(void)
{
    struct world w;
    struct net_config config = {.max_connections = 2, .evict_ms = 3600000};
    world_init(&w, config);
    int fd[3];
    for (int i = 0; i < 3; i++) {
        fd[i] = client(SOCK_STREAM, &w.tcp);
    }
    CHECK(ends(&w, fd[2]));
    CHECK_INT(stats(&w).connections, 2);
    CHECK_INT(stats(&w).refused, 1);
    CHECK_INT(w.closed, 0);
    struct hop hop = {.transport = TP_TCP};
    CHECK(addr_parse(STR("127.0.0.1:9"), &hop.remote));
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), E_TOOMANY);
    for (int i = 0; i < 3; i++) {
        close(fd[i]);
    }
    CHECK(until(&w, &w.closed, 2));
    world_fini(&w);
}

static void test_tcp_silent_connection_makes_room(void)
{
    struct world w;
    struct net_config config = {.max_connections = 2, .evict_ms = 1};
    world_init(&w, config);
    int fd[3];
    for (size_t i = 0; i < 2; i++) {
        fd[i] = client(SOCK_STREAM, &w.tcp);
        put(fd[i], STR(MESSAGE));
        CHECK(until(&w, &w.inputs, i + 1));
    }
    uint32_t second = w.last.flow;
    put(fd[0], STR(MESSAGE)); /* now the second is the one that was silent longest */
    CHECK(until(&w, &w.inputs, 3));
    w.deadline = net_now(w.net) + 5;
    CHECK(until(&w, &w.ticks, 1));
    fd[2] = client(SOCK_STREAM, &w.tcp);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed_flow[0], second);
    CHECK_INT(stats(&w).evicted, 1);
    CHECK_INT(stats(&w).connections, 2);
    CHECK(ends(&w, fd[1]));
    for (int i = 0; i < 3; i++) {
        close(fd[i]);
    }
    world_fini(&w);
}

/** One address does not take all, nor does it push others out when it tries. */
static void test_tcp_connections_of_one_address(void)
{
    struct world w;
    struct net_config config = {.max_connections = 3, .max_per_address = 2, .evict_ms = 1};
    world_init(&w, config);
    int fd[4];
    for (int i = 0; i < 2; i++) {
        fd[i] = client(SOCK_STREAM, &w.tcp);
    }
    union net_sockaddr other = {.in4 = {.sin_family = AF_INET}}, to;
    other.in4.sin_addr.s_addr = htonl(0x7f000002);
    fd[2] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(fd[2], &other.sa, sizeof(other.in4)), 0);
    CHECK_INT(connect(fd[2], &to.sa, sockaddr_of(&w.tcp, &to)), 0);
    put(fd[2], STR(MESSAGE));
    CHECK(until(&w, &w.inputs, 1));
    w.deadline = net_now(w.net) + 5;
    CHECK(until(&w, &w.ticks, 1));
    fd[3] = client(SOCK_STREAM, &w.tcp);
    CHECK(ends(&w, fd[3]));
    CHECK_INT(stats(&w).connections, 3);
    CHECK_INT(stats(&w).evicted, 0);
    CHECK_INT(w.closed, 0);
    close(fd[0]); /* one that goes makes room */
    CHECK(until(&w, &w.closed, 1));
    close(fd[3]);
    fd[3] = client(SOCK_STREAM, &w.tcp);
    put(fd[3], STR(MESSAGE));
    CHECK(until(&w, &w.inputs, 2));
    for (int i = 1; i < 4; i++) {
        close(fd[i]);
    }
    world_fini(&w);
}

static void test_tcp_idle_is_closed(void)
{
    struct world w;
    struct net_config config = {.idle_ms = 20};
    world_init(&w, config);
    int fd = client(SOCK_STREAM, &w.tcp);
    CHECK(until(&w, &w.closed, 1));
    CHECK(ends(&w, fd));
    CHECK_INT(stats(&w).closed_idle, 1);
    close(fd);
    world_fini(&w);
}

/** A peer that never closes its side does not keep ours for longer than the drain time. */
static void test_tcp_drain_ends(void)
{
    struct world w;
    struct net_config config = {.idle_ms = 10, .drain_ms = 20};
    world_init(&w, config);
    int fd = client(SOCK_STREAM, &w.tcp);
    CHECK(until(&w, &w.closed, 1));
    for (int i = 0; i < ROUNDS && stats(&w).connections > 0 && !w.late; i++) {
        net_turn(w.net, true);
    }
    CHECK_INT(stats(&w).connections, 0);
    close(fd);
    world_fini(&w);
}

/* ---- connections that we open ---- */

static void test_open_queues_and_reuses(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    struct addr at;
    int fd = listener(&at, 5);
    struct hop hop = {.transport = TP_TCP, .remote = at};
    struct hop again = hop;
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), 0);
    CHECK_INT(w.env->open(w.env->ctx, &again, STR_NONE), 0);
    CHECK_INT(again.flow, hop.flow);
    struct str run = STR(MESSAGE);
    CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), 0);
    int peer = accept(fd, NULL, NULL);
    CHECK(peer >= 0);
    char back[sizeof(MESSAGE)];
    CHECK_INT(receive(&w, peer, back, sizeof(MESSAGE) - 1), sizeof(MESSAGE) - 1);
    CHECK_INT(stats(&w).connected, 1);
    put(peer, STR(MESSAGE));
    CHECK(until(&w, &w.inputs, 1));
    CHECK_INT(w.last.flow, hop.flow);

    struct addr own;
    w.env->local(w.env->ctx, &hop, &own);
    CHECK(addr_eq(&own, &w.tcp)); /* our listener, not the port of this connection */

    close(peer);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.env->open(w.env->ctx, &again, STR_NONE), 0);
    CHECK(again.flow != hop.flow);
    close(fd);
    world_fini(&w);
}

static void test_open_refused(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    struct addr at;
    close(listener(&at, 5));
    struct hop hop = {.transport = TP_TCP, .remote = at};
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), 0);
    struct str run = STR(MESSAGE);
    CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), 0);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed_flow[0], hop.flow);
    CHECK_INT(stats(&w).connect_failed, 1);
    CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), E_IO);
    world_fini(&w);
}

static void test_open_times_out(void)
{
    struct world w;
    struct net_config config = {.connect_ms = 30};
    world_init(&w, config);
    struct addr at;
    union net_sockaddr sa;
    int fd = listener(&at, 0); /* never accepts: the third one gets no answer */
    int fill[4];
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fill[i], &sa.sa, sockaddr_of(&at, &sa));
    }
    struct hop hop = {.transport = TP_TCP, .remote = at};
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), 0);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(stats(&w).connect_failed, 1);
    for (int i = 0; i < 4; i++) {
        close(fill[i]);
    }
    close(fd);
    world_fini(&w);
}

/* ---- names and addresses ---- */

/** Which ways a request can go: what finds servers asks before it has an address. */
static void test_reaches(void)
{
    static const struct {
        enum transport transport;
        const char *to; /**< zeros: any address of the family */
        bool can;
    } rows[] = {{TP_UDP, "0.0.0.0", true},    {TP_UDP, "127.0.0.7", true},
                {TP_UDP, "192.0.2.1", false}, {TP_UDP, "[::]", false},
                {TP_TCP, "0.0.0.0", true},    {TP_TCP, "192.0.2.1", true},
                {TP_TCP, "[::1]", false},     {TP_TLS, "127.0.0.1", false},
                {TP_WS, "127.0.0.1", false},  {TP_WSS, "127.0.0.1", false}};
    struct world w;
    world_init(&w, (struct net_config){0});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct hop hop = {.transport = (uint8_t)rows[i].transport};
        CHECK(addr_parse(str_c(rows[i].to), &hop.remote));
        CHECK_INT(w.env->reaches(w.env->ctx, &hop), rows[i].can);
    }
    world_fini(&w);
    /* Without any listener only connections can be made, to wherever the machine leads. */
    struct net_config none = {0};
    struct net *n = net_new(&none);
    const struct env *env = net_env(n);
    struct hop hop = {.transport = TP_TCP, .remote = {.family = ADDR_IP6}};
    CHECK(env->reaches(env->ctx, &hop));
    hop.transport = TP_UDP;
    CHECK(!env->reaches(env->ctx, &hop));
    net_free(n);
}

static void test_local_addresses(void)
{
    struct world w;
    struct net_config config = {0};
    world_init(&w, config);
    struct hop hop = {.transport = TP_UDP};
    struct addr own;
    CHECK(addr_parse(STR("127.0.0.9:1"), &hop.remote));
    w.env->local(w.env->ctx, &hop, &own);
    CHECK(addr_eq(&own, &w.udp));
    hop.transport = TP_TCP;
    w.env->local(w.env->ctx, &hop, &own);
    CHECK(addr_eq(&own, &w.tcp));
    world_fini(&w);

    CHECK(addr_parse(STR("198.51.100.7"), &config.advertise[0]));
    world_init(&w, config);
    w.env->local(w.env->ctx, &hop, &own);
    CHECK(addr_ip_eq(&own, &config.advertise[0]));
    CHECK_INT(own.port, w.tcp.port);
    world_fini(&w);
}

/** Each listener shows its own; what is configured for all is for those that have none. */
static void test_local_of_each_listener(void)
{
    struct world w;
    struct net_config config = {0};
    struct addr at, shown, second, own;
    CHECK(addr_parse(STR("198.51.100.7"), &config.advertise[0]));
    world_init(&w, config);
    CHECK(addr_parse(STR("127.0.0.1"), &at));
    CHECK(addr_parse(STR("203.0.113.9:6060"), &shown));
    CHECK_INT(net_listen_as(w.net, TP_TCP, &at, &shown, &second), 0);
    int fd[2] = {client(SOCK_STREAM, &w.tcp), client(SOCK_STREAM, &second)};
    for (size_t i = 0; i < 2; i++) {
        put(fd[i], STR(MESSAGE));
        CHECK(until(&w, &w.inputs, i + 1));
        w.env->local(w.env->ctx, &w.last, &own);
        CHECK(addr_ip_eq(&own, i == 0 ? &config.advertise[0] : &shown));
        CHECK_INT(own.port, i == 0 ? w.tcp.port : 6060);
        close(fd[i]);
    }
    CHECK(addr_parse(STR("203.0.113.10"), &shown));
    CHECK_INT(net_listen_as(w.net, TP_UDP, &at, &shown, &second), 0);
    int u = client(SOCK_DGRAM, &second);
    put(u, STR("hello"));
    CHECK(until(&w, &w.inputs, 3));
    w.env->local(w.env->ctx, &w.last, &own);
    CHECK(addr_ip_eq(&own, &shown));
    CHECK_INT(own.port, second.port);
    close(u);
    world_fini(&w);
}

static void test_local_of_a_wildcard(void)
{
    struct world w;
    memset(&w, 0, sizeof(w));
    struct net_config config = {.handler = {.ctx = &w, .input = on_input}};
    struct net *n = net_new(&config);
    struct addr at, bound, own;
    CHECK(addr_parse(STR("0.0.0.0"), &at));
    CHECK_INT(net_listen(n, TP_UDP, &at, &bound), 0);
    struct hop hop = {.transport = TP_UDP};
    CHECK(addr_parse(STR("127.0.0.1:5060"), &hop.remote));
    const struct env *env = net_env(n);
    for (int i = 0; i < 2; i++) { /* asked, then remembered */
        env->local(env->ctx, &hop, &own);
        CHECK(addr_is_loopback(&own));
        CHECK_INT(own.port, bound.port);
    }
    net_free(n);
}

static void test_listen_errors(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    struct addr at;
    CHECK_INT(net_listen(w.net, TP_UDP, &w.udp, NULL), E_EXISTS);
    CHECK_INT(net_listen(w.net, TP_TCP, &w.tcp, NULL), E_EXISTS);
    CHECK(addr_parse(STR("203.0.113.77:5060"), &at));
    CHECK_INT(net_listen(w.net, TP_UDP, &at, NULL), E_NOTFOUND);
    CHECK_INT(net_listen(w.net, TP_TCP, &at, NULL), E_NOTFOUND);
    CHECK_INT(net_listen(w.net, TP_TLS, &at, NULL), E_STATE); /* no certificate */
    at = (struct addr){0};
    CHECK_INT(net_listen(w.net, TP_UDP, &at, NULL), E_UNSUPPORTED);
    CHECK_INT(net_listen(w.net, TP_TCP, &at, NULL), E_UNSUPPORTED);
    net_turn(w.net, false);
    world_fini(&w);
}

/* ---- the rest of env ---- */

static void test_tick_is_not_early(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    uint64_t due = net_now(w.net) + 20;
    w.deadline = due;
    CHECK(until(&w, &w.ticks, 1));
    CHECK(w.ticked_at >= due);
    w.deadline = net_now(w.net); /* overdue: in the next round */
    CHECK(until(&w, &w.ticks, 2));
    world_fini(&w);
}

static void test_random_and_time(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    uint64_t seen[300];
    for (size_t i = 0; i < 300; i++) {
        seen[i] = env_random64(w.env);
        for (size_t k = 0; k < i; k++) {
            CHECK(seen[k] != seen[i]);
        }
    }
    char large[2000] = {0};
    w.env->random(w.env->ctx, large, sizeof(large));
    CHECK(memchr(large + 1990, 0, 10) == NULL || memchr(large, 0, 10) == NULL);
    CHECK(w.env->wall_s(w.env->ctx) > 1700000000);
    CHECK(net_now(w.net) > 0);
    world_fini(&w);
}

/* Told to stop while nothing runs: closing all handles needs rounds of the loop all the same.
 */
static void test_free_after_a_stop(void)
{
    struct world w;
    world_init(&w, (struct net_config){0});
    net_stop(w.net);
    uv_loop_t *loop = net_loop(w.net);
    CHECK(uv_loop_alive(loop));
    world_fini(&w); /* the leak checker tells */
}

TEST_MAIN(T(test_udp_in_batches), T(test_udp_keep_alives_mean_nothing), T(test_udp_refuses),
          T(test_udp_queue_is_bounded), T(test_tcp_octet_by_octet), T(test_tcp_several_in_one),
          T(test_tcp_reset_in_a_message), T(test_tcp_half_close_still_answers),
          T(test_tcp_garbage_is_closed), T(test_lines_are_limited),
          T(test_tcp_endless_message_is_closed), T(test_tcp_slow_reader_is_closed),
          T(test_tcp_queue_is_written_later), T(test_tcp_connections_are_limited),
          T(test_tcp_silent_connection_makes_room), T(test_tcp_connections_of_one_address),
          T(test_tcp_idle_is_closed), T(test_tcp_drain_ends), T(test_open_queues_and_reuses),
          T(test_open_refused), T(test_open_times_out), T(test_reaches),
          T(test_local_addresses), T(test_local_of_each_listener), T(test_local_of_a_wildcard),
          T(test_listen_errors), T(test_tick_is_not_early), T(test_random_and_time),
          T(test_free_after_a_stop))
