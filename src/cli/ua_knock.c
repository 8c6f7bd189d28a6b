/* SPDX-License-Identifier: Apache-2.0 */
/* Knocking at a UDP port: see ua_knock.h. Whatever goes wrong here is no news either. */
#include "cli/ua_knock.h"
#include "net/sockaddr.h"

static void give_room(uv_handle_t *handle, size_t want, uv_buf_t *buf)
{
    struct ua_knock *k = handle->data;

    (void)want;
    *buf = uv_buf_init(k->room, sizeof(k->room));
}

static void on_heard(uv_udp_t *socket, ssize_t n, const uv_buf_t *buf,
                     const struct sockaddr *from, unsigned flags)
{
    struct ua_knock *k = socket->data;

    (void)buf;
    (void)from;
    (void)flags;
    if (n == UV_ECONNREFUSED) {
        ua_knock_end(k);
        k->refused(k->owner);
    }
}

void ua_knock_at(struct ua_knock *k, uv_loop_t *loop, const struct addr *to,
                 void (*refused)(void *owner), void *owner)
{
    static char empty_line[] = "\r\n\r\n";
    const uv_buf_t knock = uv_buf_init(empty_line, sizeof(empty_line) - 1);
    union net_sockaddr sa;

    k->refused = refused;
    k->owner = owner;
    if (uv_udp_init(loop, &k->socket) != 0) {
        return;
    }
    k->socket.data = k;
    (void)sockaddr_of(to, &sa);
    if (uv_udp_connect(&k->socket, &sa.sa) != 0 ||
        uv_udp_recv_start(&k->socket, give_room, on_heard) != 0 ||
        uv_udp_try_send(&k->socket, &knock, 1, NULL) < 0) {
        ua_knock_end(k);
    }
}

void ua_knock_end(struct ua_knock *k)
{
    uv_handle_t *h = (uv_handle_t *)&k->socket;

    if (h->type != UV_UNKNOWN_HANDLE && !uv_is_closing(h)) {
        uv_close(h, NULL);
    }
}
