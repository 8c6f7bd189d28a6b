/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of the HTTP API on its UNIX socket: each has one request out, and sends the next when
 * the answer is whole.
 *
 *     load_http SOCKET CLIENTS REQUESTS status|post    answers a second, and how long they took
 *     load_http SOCKET CLIENTS 0 hold                  one request each, then silence until
 * stdin ends
 *
 * Prints "http-rate", "http-p50-us", "http-p99-us".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BODY \
    "{\"MakeCall\":{\"callingDevice\":{\"id\":\"1001\"},\"calledDirectoryNumber\":{\"id\":\"1002\"}}}"

enum { ROOM = 65536, BATCH = 64 };

struct client {
    int fd;
    size_t n;
    uint64_t sent_ns;
    char in[ROOM];
};

static const char *request;
static uint64_t *took;
static size_t answers;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static void ask(struct client *c)
{
    size_t n = strlen(request);
    c->n = 0;
    c->sent_ns = now_ns();
    if (send(c->fd, request, n, MSG_NOSIGNAL) != (ssize_t)n) {
        fail("send");
    }
}

/** Is the answer whole? One that is not 200 ends the measurement. */
static bool is_whole(struct client *c)
{
    c->in[c->n] = '\0';
    char *end = strstr(c->in, "\r\n\r\n"), *length = strstr(c->in, "Content-Length: ");
    if (end == NULL || length == NULL) {
        return false;
    }
    if (strncmp(c->in, "HTTP/1.1 200", 12) != 0) {
        fprintf(stderr, "load_http: %.200s\n", c->in);
        exit(1);
    }
    return c->n >= (size_t)(end + 4 - c->in) + strtoul(length + 16, NULL, 10);
}

/** @return true when another answer has come */
static bool take(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->n, ROOM - 1 - c->n, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        return false;
    }
    if (n <= 0) {
        fail("recv");
    }
    c->n += (size_t)n;
    if (!is_whole(c)) {
        return false;
    }
    if (took != NULL) {
        took[answers] = now_ns() - c->sent_ns;
    }
    answers++;
    return true;
}

static int connect_to(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        fail(path);
    }
    return fd;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void run(struct client *all, size_t clients, size_t requests)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    size_t asked = 0;
    for (size_t i = 0; i < clients; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &all[i]};
        (void)epoll_ctl(poll, EPOLL_CTL_ADD, all[i].fd, &e);
        ask(&all[i]);
        asked++;
    }
    while (answers < requests) {
        struct epoll_event e[BATCH];
        int n = epoll_wait(poll, e, BATCH, 10000);
        if (n <= 0) {
            fail("no answer");
        }
        for (int i = 0; i < n && answers < requests; i++) {
            if (take(e[i].data.ptr) && asked < requests) {
                ask(e[i].data.ptr);
                asked++;
            }
        }
    }
    close(poll);
}

int main(int argc, char **argv)
{
    size_t clients = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    size_t requests = argc == 5 ? strtoul(argv[3], NULL, 10) : 0;
    if (clients == 0) {
        fprintf(stderr, "usage: load_http SOCKET CLIENTS REQUESTS status|post|hold\n");
        return 2;
    }
    bool hold = strcmp(argv[4], "hold") == 0;
    char post[512];
    (void)snprintf(post, sizeof(post),
                   "POST /v1/csta/xml HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   sizeof(BODY) - 1, BODY);
    request =
        strcmp(argv[4], "post") == 0 ? post : "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n";
    requests = hold ? clients : requests;
    struct client *all = calloc(clients, sizeof(*all));
    took = calloc(requests + clients, sizeof(*took));
    if (all == NULL || took == NULL) {
        fail("calloc");
    }
    for (size_t i = 0; i < clients; i++) {
        all[i].fd = connect_to(argv[1]);
    }
    uint64_t begun = now_ns();
    run(all, clients, requests);
    double s = (double)(now_ns() - begun) / 1e9;
    if (hold) {
        printf("held %zu\n", clients);
        (void)fflush(stdout);
        (void)getchar();
        return 0;
    }
    qsort(took, answers, sizeof(*took), by_size);
    printf("http-rate %.0f\nhttp-p50-us %.1f\nhttp-p99-us %.1f\n", (double)answers / s,
           (double)took[answers / 2] / 1e3, (double)took[answers * 99 / 100] / 1e3);
    return 0;
}
