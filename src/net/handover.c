/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections for the process after us: see net_hand_over.
 *
 * A row holds what the kernel does not know of a connection: who opened it, through which
 * listener it came, the octets of a message that is not whole, and those that its peer has not
 * taken yet. Of a write that libuv has begun, what is left is the end of its buffer.
 */
#include "base/err.h"
#include "base/hop.h"
#include "base/pack.h"
#include "net/net_int.h"
#include <stdlib.h>

enum { VERSION = 2, HEAD_MAX = 256 };

static bool can_go_on(const struct conn *c)
{
    return c->ops->transport == TP_TCP && c->state == STREAM_OPEN && !c->eof;
}

/** What of `busy` libuv has still to write. */
static struct str unwritten(const struct conn *c)
{
    size_t left = c->writing ? uv_stream_get_write_queue_size((const uv_stream_t *)&c->tcp) : 0;
    size_t all = buf_pending(&c->busy);
    left = left < all ? left : all;
    return str_make(left > 0 ? c->busy.p + c->busy.from + (all - left) : "", left);
}

/** @return false when memory is out */
static bool write_row(const struct conn *c, void (*fn)(void *ctx, int fd, struct str row),
                      void *ctx)
{
    struct str busy = unwritten(c);
    size_t in = buf_pending(&c->in), out = buf_pending(&c->out);
    size_t cap = in + out + busy.n + HEAD_MAX;
    char *row = malloc(cap);
    uv_os_fd_t fd;
    struct out o;
    if (row == NULL || uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0) {
        free(row);
        return false;
    }
    out_init(&o, row, cap);
    pack_number(&o, VERSION);
    pack_bool(&o, c->ops->csta);
    pack_bool(&o, c->acceptor == NULL);
    pack_addr(&o, &c->remote);
    pack_addr(&o, c->acceptor != NULL ? &c->acceptor->bound : &(struct addr){0});
    pack_str(&o, str_make(in > 0 ? c->in.p + c->in.from : "", in));
    pack_str(&o, busy);
    pack_str(&o, str_make(out > 0 ? c->out.p + c->out.from : "", out));
    fn(ctx, fd, out_str_of(&o));
    free(row);
    return true;
}

size_t net_hand_over(struct net *n, void (*fn)(void *ctx, int fd, struct str row), void *ctx)
{
    size_t others = 0;
    net_flush(n);
    list_each(it, &n->conns)
    {
        const struct conn *c = list_entry(it, struct conn, link);
        if (!can_go_on(c) || !write_row(c, fn, ctx)) {
            others++;
        }
    }
    return others;
}

void net_say_goodbye(struct net *n)
{
    list_each(it, &n->conns)
    {
        struct conn *c = list_entry(it, struct conn, link);
        if (!can_go_on(c) && c->state == STREAM_OPEN) {
            ws_close(c);
            tls_close(c);
            stream_flush(c);
        }
    }
}

void net_each_csta(struct net *n, void (*fn)(void *ctx, const struct hop *hop), void *ctx)
{
    list_each(it, &n->conns)
    {
        const struct conn *c = list_entry(it, struct conn, link);
        if (c->ops->csta && c->state == STREAM_OPEN) {
            fn(ctx, &(struct hop){.flow = c->flow.id,
                                  .transport = c->ops->transport,
                                  .remote = c->remote});
        }
    }
}

int net_adopt(struct net *n, int fd, struct str row)
{
    struct unpack u = unpack_of(row);
    struct conn_past past = {0};
    bool known = unpack_number(&u) == VERSION;
    past.csta = unpack_bool(&u);
    past.ours = unpack_bool(&u);
    unpack_addr(&u, &past.remote);
    unpack_addr(&u, &past.at);
    past.in = unpack_str(&u);
    struct str busy = unpack_str(&u);
    past.out = unpack_str(&u);
    if (!known || u.bad || past.remote.family == ADDR_NONE) {
        (void)close(fd);
        return E_SYNTAX;
    }
    if (busy.n == 0) {
        return conn_adopt(n, fd, &past);
    }
    char *all = malloc(busy.n + past.out.n);
    if (all == NULL) {
        (void)close(fd);
        return E_NOMEM;
    }
    memcpy(all, busy.p, busy.n);
    if (past.out.n > 0) {
        memcpy(all + busy.n, past.out.p, past.out.n);
    }
    past.out = str_make(all, busy.n + past.out.n);
    int err = conn_adopt(n, fd, &past);
    free(all);
    return err;
}
