/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that follow the events of a server on its UNIX socket, by Server-Sent Events.
 *
 *     load_stream SOCKET CLIENTS EVENTS FROM
 *
 * Says "following" when all of them stand where they begin. Then each is given EVENTS events,
 * or more; who is given them all keeps quiet. Prints "stream-events" (given to all in all),
 * "stream-rate" a second, from the first one to the last, and "stream-octets" of one event.
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

enum { ROOM = 65536, BATCH = 256, LIMIT_MS = 60000 };

struct client {
    int fd;
    size_t matched; /**< octets of the mark that stood at the end of what came last */
    size_t events;
    bool placed;
};

static const char mark[] = "\ndata: ";
static uint64_t octets, first_ns, last_ns;

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

static void begin(struct client *c, const char *path, const char *from)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char text[256];
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        fail(path);
    }
    int n = snprintf(
        text, sizeof(text),
        "GET /v1/events?from=%s HTTP/1.0\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n",
        from);
    if (send(c->fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        fail("send");
    }
}

/** No octet of the mark is its first one again, so there is nothing to go back to. */
static size_t count(struct client *c, const char *p, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; i < n; i++) {
        c->matched = p[i] == mark[c->matched] ? c->matched + 1 : p[i] == mark[0];
        if (c->matched == sizeof(mark) - 1) {
            c->matched = 0;
            found++;
        }
    }
    return found;
}

/** @return events that have come */
static size_t take(struct client *c)
{
    static char room[ROOM];
    ssize_t n = recv(c->fd, room, sizeof(room) - 1, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) {
        return 0;
    }
    if (n <= 0) {
        fail("recv");
    }
    room[n] = '\0';
    if (!c->placed) {
        c->placed = strstr(room, ": here") != NULL;
    }
    size_t found = count(c, room, (size_t)n);
    if (found > 0) {
        octets += (size_t)n;
        last_ns = now_ns();
        first_ns = first_ns == 0 ? last_ns : first_ns;
    }
    return found;
}

static size_t wait_events(int poll, size_t events, size_t *done)
{
    struct epoll_event e[BATCH];
    size_t all = 0;
    int n = epoll_wait(poll, e, BATCH, LIMIT_MS);
    if (n <= 0) {
        fail("no event");
    }
    for (int i = 0; i < n; i++) {
        struct client *c = e[i].data.ptr;
        size_t found = take(c);
        all += found;
        *done += c->events < events && c->events + found >= events;
        c->events += found;
    }
    return all;
}

int main(int argc, char **argv)
{
    size_t clients = argc == 5 ? strtoul(argv[2], NULL, 10) : 0;
    size_t events = argc == 5 ? strtoul(argv[3], NULL, 10) : 0, all = 0, done = 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (clients == 0 || events == 0) {
        fprintf(stderr, "usage: load_stream SOCKET CLIENTS EVENTS FROM\n");
        return 2;
    }
    struct client *c = calloc(clients, sizeof(*c));
    if (c == NULL) {
        fail("calloc");
    }
    for (size_t i = 0; i < clients; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &c[i]};
        begin(&c[i], argv[1], argv[4]);
        (void)epoll_ctl(poll, EPOLL_CTL_ADD, c[i].fd, &e);
    }
    for (size_t i = 0; i < clients;) {
        if (c[i].placed) {
            i++;
        } else {
            all += wait_events(poll, events, &done);
        }
    }
    printf("following\n");
    (void)fflush(stdout);
    while (done < clients) {
        all += wait_events(poll, events, &done);
    }
    printf("stream-events %zu\nstream-rate %.0f\nstream-octets %.0f\n", all,
           (double)all / ((double)(last_ns - first_ns) / 1e9), (double)octets / (double)all);
    return 0;
}
