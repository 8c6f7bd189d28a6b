/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connections do when time goes by: half a message, keep-alives. The sockets are real, the
 * time is told: each test fires the timer of a connection at the moment that it names, far from
 * now, so that a machine that stands still for a while changes nothing.
 */
#include "kit_net.h"

/** The connection that `fd` is the other end of. */
static struct conn *other_end(struct world *w, int fd)
{
    union net_sockaddr sa;
    socklen_t len = sizeof(sa);
    struct addr remote;
    CHECK_INT(getsockname(fd, &sa.sa, &len), 0);
    CHECK(sockaddr_read(&sa.sa, &remote));
    return conn_with(w->net, TP_TCP, &remote);
}

/** As if so much time had gone by: the timer of the connection, when it is due by then. */
static void later(struct world *w, struct conn *c, uint64_t now_ms)
{
    if (c != NULL && timer_running(&c->timer) && c->timer.due_ms <= now_ms) {
        timer_stop(&w->net->wheel, &c->timer);
        stream_timer(&c->timer, now_ms);
    }
}

/** Half a message, octet by octet, is not for ever; whole ones start the time again. */
static void test_tcp_half_a_message(void)
{
    struct world w;
    struct net_config config = {.message_ms = 30000, .idle_ms = 3600000};
    world_init(&w, config);
    int fd = client(SOCK_STREAM, &w.tcp);
    put(fd, STR(MESSAGE)); /* so that it is there */
    CHECK(until(&w, &w.inputs, 1));
    struct conn *c = other_end(&w, fd);
    REQUIRE(c != NULL);
    for (size_t i = 1; i <= 5; i++) { /* each time the rest of one and half of the next */
        if (c->begun_ms != 0) {
            c->begun_ms -= 20000;
        }
        put(fd, i == 1 ? STR(MESSAGE "OPTIONS sip:a")
                       : STR("@b SIP/2.0\r\nl: 0\r\n\r\nOPTIONS sip:a"));
        CHECK(until(&w, &w.inputs, i + 1));
        CHECK(c->begun_ms != 0);
        later(&w, c, net_now(w.net) + 15000);
        CHECK_INT(c->state, STREAM_OPEN);
    }
    uint64_t begun = c->begun_ms;
    for (int i = 0; i < 5; i++) {
        uint64_t before = stats(&w).stream_received;
        put(fd, STR("a"));
        for (int k = 0; k < ROUNDS && stats(&w).stream_received == before && !w.late; k++) {
            net_turn(w.net, true);
        }
        CHECK_INT(c->begun_ms, begun);
    }
    CHECK_INT(stats(&w).closed_bad, 0);
    CHECK(c->timer.due_ms <= begun + 30000);
    later(&w, c, begun + 30000);
    CHECK_INT(stats(&w).closed_bad, 1);
    CHECK(ends(&w, fd));
    close(fd);
    CHECK(until(&w, &w.closed, 1));
    world_fini(&w);
}

/** Turn until the other side has been told so much. */
static void expect(struct world *w, int fd, const char *text)
{
    char buf[64];
    size_t n = strlen(text);
    CHECK_INT(receive(w, fd, buf, n), n);
    CHECK_STR(str_make(buf, n), text);
}

/** Who opened a connection asks whether it lives, and any octets are an answer. */
static void test_keep_alive(void)
{
    struct world w;
    struct net_config config = {.keepalive_ms = 30000, .pong_ms = 10000};
    world_init(&w, config);
    struct addr at;
    int fd = listener(&at, 5);
    int passive = client(SOCK_STREAM, &w.tcp); /* this one is the peer's to keep alive */
    put(passive, STR(MESSAGE));
    CHECK(until(&w, &w.inputs, 1));
    struct hop hop = {.transport = TP_TCP, .remote = at};
    CHECK_INT(w.env->open(w.env->ctx, &hop, STR_NONE), 0);
    struct str run = STR(MESSAGE);
    CHECK_INT(w.env->send(w.env->ctx, &hop, &run, 1), 0);
    int peer = accept(fd, NULL, NULL);
    expect(&w, peer, MESSAGE);
    struct conn *c = conn_with(w.net, TP_TCP, &at);
    REQUIRE(c != NULL);
    for (int i = 0; i < 3; i++) {
        uint64_t asked = 0;
        for (int k = 0; k < 3 && !c->pinged; k++) {
            asked = c->timer.due_ms;
            later(&w, c, asked);
        }
        CHECK(c->pinged);
        CHECK(asked >= c->heard_ms + 30000 && asked <= c->heard_ms + 40000);
        expect(&w, peer, "\r\n\r\n");
        put(peer, i == 1 ? STR(MESSAGE) : STR("\r\n"));
        for (int k = 0; k < ROUNDS && c->pinged && !w.late; k++) {
            net_turn(w.net, true);
        }
        CHECK(!c->pinged);
    }
    for (int k = 0; k < 3 && !c->pinged; k++) {
        later(&w, c, c->timer.due_ms);
    }
    expect(&w, peer, "\r\n\r\n"); /* and now there is no answer */
    later(&w, c, c->heard_ms + 39999);
    later(&w, other_end(&w, passive), net_now(w.net) + 39999);
    CHECK_INT(w.closed, 0);
    later(&w, c, c->heard_ms + 40000);
    CHECK(until(&w, &w.closed, 1));
    CHECK_INT(w.closed_flow[0], hop.flow);
    CHECK_INT(stats(&w).closed_dead, 1);
    CHECK_INT(stats(&w).connections, 1);
    char text;
    CHECK_INT(recv(passive, &text, 1, MSG_DONTWAIT), -1);
    close(passive);
    close(peer);
    close(fd);
    world_fini(&w);
}

TEST_MAIN(T(test_tcp_half_a_message), T(test_keep_alive))
