/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: a UDP echo that does nothing but receive and send, 32 datagrams a call.
 *
 *     floor_udp [-1] PORT [REPLY_OCTETS]
 *
 * Whatever a SIP server costs per message, it cannot cost less than this on the same machine;
 * the benches give their results as multiples of it. `-1` uses recvfrom and sendto, one
 * datagram a call, which is what most servers do. REPLY_OCTETS: answers have that size,
 * whatever came, so that the floor moves as many octets as the server that it is compared with.
 * SIGTERM ends it and prints what it cost.
 */
#include "cpu.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32
#define STRIDE (65536 + 1088)

static size_t reply_octets;

static int open_socket(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int size = 4 << 20;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0) {
        perror("floor_udp");
        exit(1);
    }
    return fd;
}

static size_t reply_size(size_t received)
{
    return reply_octets > 0 ? reply_octets : received;
}

static uint64_t echo_single(int fd)
{
    static char buf[65536];
    uint64_t count = 0;
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof(from);
        ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);
        if (n < 0) {
            return count;
        }
        count++;
        (void)sendto(fd, buf, reply_size((size_t)n), 0, (struct sockaddr *)&from, len);
    }
}

static uint64_t echo_batches(int fd)
{
    static char *buf;
    static struct mmsghdr msg[BATCH];
    static struct iovec iov[BATCH];
    static struct sockaddr_in from[BATCH];
    uint64_t count = 0;
    if (buf == NULL && (buf = malloc((size_t)BATCH * STRIDE)) == NULL) {
        exit(1);
    }
    for (;;) {
        for (size_t i = 0; i < BATCH; i++) {
            iov[i] = (struct iovec){buf + i * STRIDE, 65536};
            msg[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
                                             .msg_namelen = sizeof(from[i]),
                                             .msg_iov = &iov[i],
                                             .msg_iovlen = 1};
        }
        int n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0) {
            return count;
        }
        for (int i = 0; i < n; i++) {
            iov[i].iov_len = reply_size(msg[i].msg_len);
        }
        (void)sendmmsg(fd, msg, (unsigned)n, 0);
        count += (uint64_t)n;
    }
}

int main(int argc, char **argv)
{
    bool single = argc > 1 && strcmp(argv[1], "-1") == 0;
    if (argc < 2 + single || argc > 3 + single) {
        fprintf(stderr, "usage: floor_udp [-1] PORT [REPLY_OCTETS]\n");
        return 2;
    }
    if (argc == 3 + single) {
        reply_octets = strtoul(argv[2 + single], NULL, 10);
        if (reply_octets == 0 || reply_octets > 65507) {
            fprintf(stderr, "floor_udp: a reply has 1 to 65507 octets\n");
            return 2;
        }
    }
    int fd = open_socket((uint16_t)strtoul(argv[1 + single], NULL, 10));
    uint64_t count = 0;
    cpu_stop_on_signals();
    while (!cpu_stop) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, -1) > 0) {
            count += single ? echo_single(fd) : echo_batches(fd);
        }
    }
    cpu_report(single ? "floor_udp -1" : "floor_udp", count);
    return 0;
}
