/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP listeners.
 *
 * IN: when the socket is readable, recvmmsg takes up to 32 datagrams into slots that all
 * listeners share; each is handed on from where it lies. A busy socket gets four such batches
 * and then the others have their turn.
 *
 * OUT: datagrams are copied behind each other into one buffer per listener, with a table of
 * where each begins, and go out by sendmmsg, 32 at a time: when 32 are there, or when the loop
 * is about to wait. While the kernel's buffer is full they stay, at most `udp_queue` of them
 * and 4 KiB each on average; beyond that udp_send says E_TOOBIG.
 *
 * A datagram that the kernel refuses for good (no route, too long for the path) is dropped and
 * counted: UDP promises no more, and the transaction layer repeats or gives up.
 *
 * Sockets are handled directly, not through uv_udp_t, which has a request and two callbacks for
 * every datagram.
 */
#include "base/err.h"
#include "net/net_int.h"
#include "net/stun.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCHES_PER_TURN 4

static void on_closed(uv_handle_t *h)
{
    struct udp *u = h->data;
    close(u->fd);
    free(u->out);
    buf_free(&u->bytes);
    free(u);
}

void udp_close(struct udp *u)
{
    list_remove(&u->link);
    list_remove(&u->dirty);
    map_remove(&u->net->flows, &u->flow.node);
    uv_close((uv_handle_t *)&u->poll, on_closed);
}

/** Phones keep NAT bindings open with a few empty octets; they mean nothing (RFC 5626 §3.5). */
static bool is_keep_alive(struct str s)
{
    if (s.n > 4) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0') {
            return false;
        }
    }
    return true;
}

bool udp_init(struct net *n)
{
    struct udp_in *in = &n->udp_in;
    in->bytes = malloc((size_t)UDP_BATCH * UDP_IN_STRIDE);
    for (size_t i = 0; i < UDP_BATCH && in->bytes != NULL; i++) {
        in->iov[i] = (struct iovec){in->bytes + i * UDP_IN_STRIDE, 65536};
        in->msg[i].msg_hdr =
            (struct msghdr){.msg_name = &in->from[i], .msg_iov = &in->iov[i], .msg_iovlen = 1};
    }
    return in->bytes != NULL;
}

/** Phones ask for their address, and keep a NAT's binding open by it (RFC 5626 §8). */
static void answer_stun(struct udp *u, const struct addr *from, struct str request)
{
    unsigned char out[STUN_ANSWER_MAX];
    size_t n = stun_answer(request, from, out);
    struct str run = str_make((const char *)out, n);
    if (n > 0 && udp_send(u, from, &run, 1) == 0) {
        u->net->stats.stun++;
    }
}

static int receive_batch(struct udp *u)
{
    struct net *n = u->net;
    struct udp_in *in = &n->udp_in;
    for (size_t i = 0; i < UDP_BATCH; i++) {
        in->msg[i].msg_hdr.msg_namelen = sizeof(in->from[i]);
    }
    int got = recvmmsg(u->fd, in->msg, UDP_BATCH, MSG_DONTWAIT, NULL);
    if (got <= 0) {
        return 0;
    }
    n->stats.udp_batches_in++;
    n->stats.udp_received += (uint64_t)got;
    const struct net_handler *h = &n->config.handler;
    uint64_t now = net_now(n);
    for (int i = 0; i < got; i++) {
        struct hop hop = {.flow = u->flow.id, .transport = TP_UDP};
        struct str bytes = str_make(in->iov[i].iov_base, in->msg[i].msg_len);
        if (is_keep_alive(bytes) || !sockaddr_read(&in->from[i].sa, &hop.remote) ||
            hop.remote.port == 0) {
            continue;
        }
        if (stun_looks_like(bytes)) {
            answer_stun(u, &hop.remote, bytes);
        } else {
            h->input(h->ctx, &hop, bytes, true, now);
        }
    }
    return got;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct udp *u = poll->data;
    if (status < 0) {
        /* libuv stops a handle whose socket has an error pending. It is one datagram's. */
        int err = 0;
        socklen_t len = sizeof(err);
        (void)getsockopt(u->fd, SOL_SOCKET, SO_ERROR, &err, &len);
        uv_poll_start(&u->poll, u->blocked ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_ready);
        return;
    }
    if ((events & UV_WRITABLE) != 0) {
        u->blocked = false;
        uv_poll_start(&u->poll, UV_READABLE, on_ready);
        udp_flush(u);
    }
    if ((events & UV_READABLE) != 0) {
        for (int i = 0; i < BATCHES_PER_TURN && receive_batch(u) == UDP_BATCH; i++) {
        }
    }
}

/** A wish: the kernel grants what net.core.rmem_max allows. */
static void ask_for_buffers(int fd, const struct net_config *config)
{
    int size = (int)config->udp_receive_buffer;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static int open_socket(const struct addr *at)
{
    union net_sockaddr sa;
    socklen_t len = sockaddr_of(at, &sa);
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int on = 1;
    if (at->family == ADDR_IP6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(fd, &sa.sa, len) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int udp_listen(struct net *n, const struct addr *at, const struct addr *shown,
               struct addr *bound)
{
    if (at->family == ADDR_NONE) {
        return E_UNSUPPORTED;
    }
    struct udp *u = calloc(1, sizeof(*u));
    struct udp_out *out = calloc(n->config.udp_queue, sizeof(*out));
    if (u == NULL || out == NULL) {
        free(u);
        free(out);
        return E_NOMEM;
    }
    int fd = given_take(n, TP_UDP, false, at);
    fd = fd >= 0 ? fd : open_socket(at);
    if (fd < 0) {
        free(u);
        free(out);
        return net_err(fd);
    }
    ask_for_buffers(fd, &n->config);
    union net_sockaddr sa;
    socklen_t len = sizeof(sa);
    if (getsockname(fd, &sa.sa, &len) != 0 || !sockaddr_read(&sa.sa, &u->bound) ||
        uv_poll_init(&n->loop, &u->poll, fd) != 0) {
        close(fd);
        free(u);
        free(out);
        return E_IO;
    }
    u->net = n;
    u->fd = fd;
    u->out = out;
    u->shown = *shown;
    u->poll.data = u;
    flow_add(n, &u->flow);
    list_append(&n->udp, &u->link);
    uv_poll_start(&u->poll, UV_READABLE, on_ready);
    *bound = u->bound;
    return 0;
}

struct udp *udp_for(struct net *n, const struct addr *remote)
{
    struct udp *best = NULL;
    int best_score = 0;
    list_each(it, &n->udp)
    {
        struct udp *u = list_entry(it, struct udp, link);
        int score = local_score(&u->bound, remote);
        if (score > best_score) {
            best = u;
            best_score = score;
        }
    }
    return best;
}

/** Give the first up to 32 to the kernel. @return how many are done with, 0: it is full */
static uint32_t send_batch(struct udp *u)
{
    struct mmsghdr msg[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    uint32_t want = u->out_n - u->out_first;
    if (want > UDP_BATCH) {
        want = UDP_BATCH;
    }
    for (uint32_t i = 0; i < want; i++) {
        struct udp_out *o = &u->out[u->out_first + i];
        iov[i] = (struct iovec){u->bytes.p + o->off, o->len};
        msg[i].msg_hdr = (struct msghdr){
            .msg_name = &o->to, .msg_namelen = o->to_len, .msg_iov = &iov[i], .msg_iovlen = 1};
    }
    int sent = sendmmsg(u->fd, msg, want, MSG_DONTWAIT);
    if (sent > 0) {
        u->net->stats.udp_batches_out++;
        u->net->stats.udp_sent += (uint64_t)sent;
        return (uint32_t)sent;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        return 0;
    }
    if (errno == EINTR) {
        return send_batch(u);
    }
    u->net->stats.udp_dropped++; /* the first one cannot be sent; the others can try */
    return 1;
}

void udp_flush(struct udp *u)
{
    while (u->out_first < u->out_n && !u->blocked) {
        uint32_t done = send_batch(u);
        u->out_first += done;
        if (done == 0) {
            u->blocked = true;
            uv_poll_start(&u->poll, UV_READABLE | UV_WRITABLE, on_ready);
        }
    }
    if (u->out_first == u->out_n) {
        u->out_first = u->out_n = 0;
        u->bytes.n = 0;
        list_remove(&u->dirty);
    }
}

/** Move what still waits to the front, when the table or the buffer has come to its end. */
static void compact(struct udp *u)
{
    if (u->out_first == 0) {
        return;
    }
    uint32_t shift = u->out[u->out_first].off;
    memmove(u->bytes.p, u->bytes.p + shift, u->bytes.n - shift);
    u->bytes.n -= shift;
    u->out_n -= u->out_first;
    memmove(u->out, u->out + u->out_first, u->out_n * sizeof(*u->out));
    u->out_first = 0;
    for (uint32_t i = 0; i < u->out_n; i++) {
        u->out[i].off -= shift;
    }
}

int udp_send(struct udp *u, const struct addr *to, const struct str *run, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += run[i].n;
    }
    if (len > UDP_MAX) {
        return E_TOOBIG;
    }
    if (to->family != u->bound.family || to->port == 0) {
        return E_IO;
    }
    size_t most = (size_t)u->net->config.udp_queue * 4096 + UDP_MAX;
    if (u->out_n == u->net->config.udp_queue || u->bytes.n + len > most) {
        compact(u);
        if (u->out_n == u->net->config.udp_queue || u->bytes.n + len > most) {
            u->net->stats.udp_dropped++;
            return E_TOOBIG;
        }
    }
    if (!buf_room(&u->bytes, len)) {
        return E_TOOBIG;
    }
    struct udp_out *o = &u->out[u->out_n++];
    o->to_len = (uint8_t)sockaddr_of(to, &o->to);
    o->off = (uint32_t)u->bytes.n;
    o->len = (uint32_t)len;
    for (size_t i = 0; i < count; i++) {
        if (run[i].n > 0) {
            memcpy(u->bytes.p + u->bytes.n, run[i].p, run[i].n);
            u->bytes.n += run[i].n;
        }
    }
    if (!list_linked(&u->dirty)) {
        list_append(&u->net->udp_dirty, &u->dirty);
    }
    if (u->out_n - u->out_first >= UDP_BATCH && !u->blocked) {
        udp_flush(u);
    }
    return 0;
}
