/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load for an echo: keeps WINDOW datagrams of SIZE octets under way until COUNT came back.
 *
 *     udp_load PORT COUNT [SIZE [WINDOW [GAP_US]]]
 *
 * GAP_US > 0: instead one datagram each GAP_US microseconds, to measure low rates.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32

static unsigned long arg(int argc, char **argv, int i, unsigned long def)
{
    return i < argc ? strtoul(argv[i], NULL, 10) : def;
}

static unsigned send_some(int fd, char *buf, size_t size, unsigned want)
{
    struct mmsghdr msg[BATCH] = {0};
    struct iovec iov = {buf, size};
    if (want > BATCH) {
        want = BATCH;
    }
    for (unsigned i = 0; i < want; i++) {
        msg[i].msg_hdr = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
    }
    int n = sendmmsg(fd, msg, want, 0);
    return n > 0 ? (unsigned)n : 0;
}

static unsigned receive_some(int fd)
{
    static char buf[BATCH][4096];
    struct mmsghdr msg[BATCH] = {0};
    struct iovec iov[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){buf[i], sizeof(buf[i])};
        msg[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    int n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

int main(int argc, char **argv)
{
    unsigned long port = arg(argc, argv, 1, 0), count = arg(argc, argv, 2, 0);
    unsigned long size = arg(argc, argv, 3, 600), window = arg(argc, argv, 4, 64);
    unsigned long gap_us = arg(argc, argv, 5, 0);
    static char buf[4096];
    if (port == 0 || count == 0 || size > sizeof(buf)) {
        fprintf(stderr, "usage: udp_load PORT COUNT [SIZE [WINDOW [GAP_US]]]\n");
        return 2;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("udp_load");
        return 1;
    }
    memset(buf, 'x', sizeof(buf));
    unsigned long sent = 0, back = 0, lost = 0;
    while (back + lost < count) {
        if (gap_us > 0) {
            struct timespec gap = {(time_t)(gap_us / 1000000), (long)(gap_us % 1000000) * 1000};
            sent += send_some(fd, buf, size, 1);
            (void)nanosleep(&gap, NULL);
        }
        while (gap_us == 0 && sent < count && sent - back - lost < window) {
            unsigned long room = window - (sent - back - lost);
            sent +=
                send_some(fd, buf, size, (unsigned)(room < count - sent ? room : count - sent));
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, gap_us > 0 ? 0 : 200) > 0) {
            back += receive_some(fd);
        } else if (gap_us == 0) {
            lost = sent - back;
        }
        if (gap_us > 0 && sent >= count) {
            break;
        }
    }
    printf("%lu sent, %lu back\n", sent, back);
    close(fd);
    return 0;
}
