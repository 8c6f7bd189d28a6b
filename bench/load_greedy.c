/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of the API as nobody wants them, on its UNIX socket, until they are ended.
 *
 *     load_greedy SOCKET sleeps CLIENTS    follow from the earliest event on and never read
 *     load_greedy SOCKET returns MS        takes a snapshot's first octets, leaves, and comes
 * again after MS load_greedy SOCKET wants EVENTS      reads so many events in pages of 1000,
 * again and again
 *
 * Says "here" when the first of it has been done. A server that closes on them is asked again.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { ROOM = 1 << 16, PAGE = 1000, SMALL = 4096 };

static const char *path;

static int connected(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int small = SMALL;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)) != 0 ||
        connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        perror(path);
        exit(1);
    }
    return fd;
}

static void ask(int fd, const char *query, const char *accept)
{
    char text[256];
    int n =
        snprintf(text, sizeof(text),
                 "GET /v1/events?%s HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n\r\n", query, accept);
    if (send(fd, text, (size_t)n, MSG_NOSIGNAL) != n) {
        perror("send");
        exit(1);
    }
}

static void here(void)
{
    static bool said;
    if (!said) {
        said = true;
        (void)puts("here");
        (void)fflush(stdout);
    }
}

/** Reads until so many events have come. @return false: the server closed */
static bool take(int fd, long events)
{
    static const char mark[] = "\"specversion\"";
    static char room[ROOM];
    size_t matched = 0;
    while (events > 0) {
        ssize_t n = recv(fd, room, sizeof(room), 0);
        if (n <= 0) {
            return false;
        }
        for (ssize_t i = 0; i < n; i++) {
            matched = room[i] == mark[matched] ? matched + 1 : room[i] == mark[0];
            if (matched == sizeof(mark) - 1) {
                matched = 0;
                events--;
            }
        }
    }
    return true;
}

static void sleeps(long clients)
{
    for (long i = 0; i < clients; i++) {
        ask(connected(), "from=earliest", "text/event-stream");
    }
    here();
    for (;;) {
        (void)pause();
    }
}

static void returns(long ms)
{
    char first[100];
    for (;;) {
        int fd = connected();
        ask(fd, "from=snapshot", "text/event-stream");
        if (recv(fd, first, sizeof(first), 0) > 0) {
            here();
        }
        (void)close(fd);
        (void)usleep((useconds_t)ms * 1000);
    }
}

static void wants(long events)
{
    for (;;) {
        int fd = connected();
        bool open = true;
        for (long rest = events; open && rest > 0; rest -= PAGE) {
            ask(fd, "from=earliest&limit=1000", "application/json");
            open = take(fd, rest < PAGE ? rest : PAGE);
        }
        if (open) {
            here();
        }
        (void)close(fd);
    }
}

int main(int argc, char **argv)
{
    long n = argc == 4 ? atol(argv[3]) : 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (n > 0) {
        path = argv[1];
        if (strcmp(argv[2], "sleeps") == 0) {
            sleeps(n);
        } else if (strcmp(argv[2], "returns") == 0) {
            returns(n);
        } else if (strcmp(argv[2], "wants") == 0) {
            wants(n);
        }
    }
    fprintf(stderr, "usage: load_greedy SOCKET sleeps CLIENTS|returns MS|wants EVENTS\n");
    return 2;
}
