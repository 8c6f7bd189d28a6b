/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests of the program over real sockets: the server is a plain socket of this process
 * that reads what libcurl sends and answers by hand.
 */
#include "kit_net.h"

#include <netdb.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>

/* ---- a name server that is silent ---- */

static sem_t answers; /* when it is told to */
static atomic_bool answered;

/** libcurl's, in a thread of its own. It does not wait for ever, so that the test does not. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **res)
{
    struct timespec end;
    (void)node;
    (void)service;
    (void)hints;
    (void)res;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    (void)sem_timedwait(&answers, &end);
    atomic_store(&answered, true);
    return EAI_AGAIN;
}

static struct world w;
static struct addr at;
static int server;

/** What ended. */
static struct {
    size_t times;
    uint64_t tag;
    unsigned status;
    bool inside;
} end;
static bool calling;

static void on_fetched(void *ctx, uint64_t tag, unsigned status, uint64_t now_ms)
{
    CHECK(ctx == &w);
    CHECK(now_ms > 0);
    end.times++;
    end.tag = tag;
    end.status = status;
    end.inside = end.inside || calling;
}

static void up(uint32_t max)
{
    memset(&end, 0, sizeof(end));
    world_init(&w, (struct net_config){.max_fetches = max});
    w.net->config.handler.fetched = on_fetched;
    server = listener(&at, 8);
}

static void down(void)
{
    CHECK(!end.inside);
    (void)close(server);
    world_fini(&w);
}

static int fetch(const char *path, uint32_t timeout_ms, uint64_t tag)
{
    char url[128];
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", at.port, path);
    struct str guarded = test_guard(str_c(url));
    calling = true;
    int err = w.env->fetch(w.env->ctx, guarded, timeout_ms, tag);
    calling = false;
    test_guard_free(guarded);
    return err;
}

/** Take the next connection and what it asks, up to the empty line. @return its socket */
static int asked(char *buf, size_t cap)
{
    struct pollfd p = {.fd = server, .events = POLLIN};
    int fd = -1;
    size_t n = 0;
    for (int i = 0; i < ROUNDS && !w.late && poll(&p, 1, 0) == 0; i++) {
        net_turn(w.net, false);
    }
    fd = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    buf[0] = '\0';
    while (CHECK(fd >= 0) && n + 1 < cap && strstr(buf, "\r\n\r\n") == NULL && !w.late) {
        size_t got = receive(&w, fd, buf + n, 1);
        if (got == 0) {
            break;
        }
        n += got;
        buf[n] = '\0';
    }
    return fd;
}

static void test_status_is_told(void)
{
    char text[2048];
    up(0);
    CHECK_INT(fetch("/servlet?key=OK", 5000, 7), 0);
    CHECK_INT(end.times, 0);
    int fd = asked(text, sizeof(text));
    CHECK(str_starts(str_c(text), STR("GET /servlet?key=OK HTTP/1.1\r\n")));
    CHECK(strstr(text, "Authorization") == NULL && strstr(text, "Cookie") == NULL);
    put(fd, STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    CHECK(until(&w, &end.times, 1));
    CHECK_INT(end.tag, 7);
    CHECK_INT(end.status, 200);
    (void)close(fd);

    CHECK_INT(fetch("/", 5000, 8), 0);
    fd = asked(text, sizeof(text));
    put(fd, STR("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: "
                "0\r\n\r\n"));
    CHECK(until(&w, &end.times, 2));
    CHECK_INT(end.tag, 8);
    CHECK_INT(end.status, 401);
    (void)close(fd);
    CHECK_INT(stats(&w).fetches, 2);
    CHECK_INT(stats(&w).fetches_failed, 0);
    down();
}

/** Nothing that the other side says leads anywhere else. */
static void test_no_redirection(void)
{
    char text[2048], answer[256];
    up(0);
    CHECK_INT(fetch("/a", 5000, 1), 0);
    int fd = asked(text, sizeof(text));
    (void)snprintf(answer, sizeof(answer),
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/b\r\n"
                   "Content-Length: 0\r\n\r\n",
                   at.port);
    put(fd, str_c(answer));
    CHECK(until(&w, &end.times, 1));
    CHECK_INT(end.status, 302);
    struct pollfd p = {.fd = server, .events = POLLIN};
    CHECK_INT(poll(&p, 1, 0), 0);
    (void)close(fd);
    down();
}

static void test_endless_body(void)
{
    static char block[70000];
    char text[2048];
    up(0);
    CHECK_INT(fetch("/", 5000, 1), 0);
    int fd = asked(text, sizeof(text));
    put(fd, STR("HTTP/1.1 200 OK\r\n\r\n"));
    size_t sent = 0;
    while (sent < sizeof(block) && end.times == 0 && !w.late) {
        ssize_t n = send(fd, block + sent, sizeof(block) - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent += n > 0 ? (size_t)n : 0;
        net_turn(w.net, false);
    }
    CHECK(until(&w, &end.times, 1));
    CHECK_INT(end.status, 200);
    (void)close(fd);
    down();
}

static void test_no_answer(void)
{
    char text[2048];
    up(0);
    CHECK_INT(fetch("/", 50, 1), 0);
    int fd = asked(text, sizeof(text)); /* and nothing is said */
    CHECK(until(&w, &end.times, 1));
    CHECK_INT(end.status, 0);
    (void)close(fd);

    (void)close(server); /* nobody there */
    CHECK_INT(fetch("/", 5000, 2), 0);
    CHECK(until(&w, &end.times, 2));
    CHECK_INT(end.tag, 2);
    CHECK_INT(end.status, 0);
    CHECK_INT(stats(&w).fetches_failed, 2);
    server = -1;
    down();
}

/** The loop does not wait for a name: it would stand still, and all that it serves. */
static void test_name_that_is_not_found(void)
{
    up(0);
    (void)sem_init(&answers, 0, 0);
    atomic_store(&answered, false);
    CHECK_INT(w.env->fetch(w.env->ctx, STR("http://nobody.example/"), 50, 9), 0);
    CHECK(until(&w, &end.times, 1));
    CHECK_INT(end.tag, 9);
    CHECK_INT(end.status, 0);
    CHECK(!atomic_load(&answered));
    (void)sem_post(&answers);
    while (!atomic_load(&answered)) {
        sched_yield();
    }
    down();
}

static void test_bounds(void)
{
    char text[4096];
    up(2);
    CHECK_INT(fetch("/", 5000, 1), 0);
    CHECK_INT(fetch("/", 5000, 2), 0);
    CHECK_INT(fetch("/", 5000, 3), E_TOOMANY);
    CHECK_INT(w.env->fetch(w.env->ctx, STR("ftp://127.0.0.1/"), 1, 4), E_UNSUPPORTED);
    CHECK_INT(w.env->fetch(w.env->ctx, STR("file:///etc/passwd"), 1, 4), E_UNSUPPORTED);
    CHECK_INT(w.env->fetch(w.env->ctx, STR("http://a/\0b"), 1, 4), E_UNSUPPORTED);
    memset(text, 'a', sizeof(text));
    memcpy(text, "http://", 7);
    CHECK_INT(w.env->fetch(w.env->ctx, str_make(text, sizeof(text)), 1, 4), E_UNSUPPORTED);
    down(); /* with two under way */
    CHECK_INT(end.times, 0);
}

TEST_MAIN(T(test_status_is_told), T(test_no_redirection), T(test_endless_body),
          T(test_no_answer), T(test_name_that_is_not_found), T(test_bounds))
