/* SPDX-License-Identifier: Apache-2.0 */
/* A UDP socket that takes and gives 32 datagrams a system call. */
#include "load.h"
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

void port_open(struct port *p, const char *ip, uint16_t number)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(number)};
    socklen_t n = sizeof(at);
    int size = 4 << 20;
    p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    (void)setsockopt(p->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(p->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    if (p->fd < 0 || inet_pton(AF_INET, ip, &at.sin_addr) != 1 ||
        bind(p->fd, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        getsockname(p->fd, (struct sockaddr *)&at, &n) != 0) {
        fprintf(stderr, "load: %s:%u: %s\n", ip, number, strerror(errno));
        exit(1);
    }
    p->number = ntohs(at.sin_port);
    for (unsigned i = 0; i < LOAD_BATCH; i++) {
        p->in_iov[i] = (struct iovec){p->in_buf[i], LOAD_OCTETS};
        p->out_iov[i] = (struct iovec){p->out_buf[i], 0};
        p->in[i].msg_hdr = (struct msghdr){.msg_name = &p->from[i],
                                           .msg_namelen = sizeof(p->from[i]),
                                           .msg_iov = &p->in_iov[i],
                                           .msg_iovlen = 1};
        p->out[i].msg_hdr = (struct msghdr){.msg_name = &p->to[i],
                                            .msg_namelen = sizeof(p->to[i]),
                                            .msg_iov = &p->out_iov[i],
                                            .msg_iovlen = 1};
    }
}

char *port_room(struct port *p)
{
    if (p->queued == LOAD_BATCH) {
        port_flush(p);
    }
    return p->out_buf[p->queued];
}

void port_send(struct port *p, size_t n, const struct sockaddr_in *to)
{
    p->to[p->queued] = *to;
    p->out_iov[p->queued].iov_len = n;
    p->queued++;
}

void port_flush(struct port *p)
{
    unsigned done = 0;
    while (done < p->queued) {
        int n = sendmmsg(p->fd, p->out + done, p->queued - done, 0);
        if (n > 0) {
            done += (unsigned)n;
        } else if (errno == EAGAIN || errno == EINTR) {
            struct pollfd wait = {.fd = p->fd, .events = POLLOUT};
            (void)poll(&wait, 1, 100);
        } else {
            done++; /* refused by the other side: as good as lost */
        }
    }
    p->sent += p->queued;
    p->queued = 0;
}

unsigned port_receive(struct port *p)
{
    for (unsigned i = 0; i < LOAD_BATCH; i++) {
        p->in[i].msg_hdr.msg_namelen = sizeof(p->from[i]);
    }
    int n = recvmmsg(p->fd, p->in, LOAD_BATCH, MSG_DONTWAIT, NULL);
    if (n <= 0) {
        return 0;
    }
    p->received += (unsigned)n;
    return (unsigned)n;
}
