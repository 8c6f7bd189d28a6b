/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way out of a stream connection.
 *
 * Octets collect in `out` during a round and are written at its end in one piece, at once if
 * the kernel takes them; the rest moves to `busy`, which libuv writes. `out` and `busy`
 * together hold at most `write_queue`: a peer that does not read is closed.
 *
 * On a connection that drains, the last octet is followed by the shutdown of our side.
 */
#include "base/err.h"
#include "net/net_int.h"

/** Octets in `out` from which on it is worth writing before the end of the round. */
#define WRITE_EARLY 65536

void stream_mark_dirty(struct conn *c)
{
    if (!list_linked(&c->dirty)) {
        list_append(&c->net->dirty, &c->dirty);
    }
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct conn *c = req->data;
    if (c->state == STREAM_DRAINING && (c->eof || status != 0)) {
        stream_drop(c);
    }
}

/** Nothing is left to write on a connection that drains. */
static void finish_drain(struct conn *c)
{
    if (c->shut) {
        return;
    }
    c->shut = true;
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, (uv_stream_t *)&c->tcp, on_shutdown) != 0) {
        stream_drop(c);
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct conn *c = req->data;
    c->writing = false;
    if (c->state == STREAM_CLOSED) {
        return;
    }
    if (status != 0) {
        stream_drop(c);
        return;
    }
    c->net->stats.stream_sent += buf_pending(&c->busy);
    buf_emptied(&c->busy);
    stream_touch(c);
    stream_mark_dirty(c);
}

/** Hand what the kernel did not take at once to libuv. */
static void write_rest(struct conn *c)
{
    struct buf rest = c->out;
    c->out = c->busy;
    c->busy = rest;
    uv_buf_t run = uv_buf_init(c->busy.p + c->busy.from, (unsigned)buf_pending(&c->busy));
    c->write.data = c;
    if (uv_write(&c->write, (uv_stream_t *)&c->tcp, &run, 1, on_written) != 0) {
        stream_drop(c);
        return;
    }
    c->writing = true;
}

void stream_flush(struct conn *c)
{
    if (c->writing || c->state == STREAM_CONNECTING || c->state == STREAM_CLOSED) {
        return;
    }
    if (buf_pending(&c->out) == 0) {
        if (c->state == STREAM_DRAINING) {
            finish_drain(c);
        }
        return;
    }
    uv_buf_t run = uv_buf_init(c->out.p + c->out.from, (unsigned)buf_pending(&c->out));
    int sent = uv_try_write((uv_stream_t *)&c->tcp, &run, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        stream_drop(c);
        return;
    }
    if (sent > 0) {
        c->out.from += (size_t)sent;
        c->net->stats.stream_sent += (uint64_t)sent;
        stream_touch(c);
    }
    if (buf_pending(&c->out) > 0) {
        write_rest(c);
        return;
    }
    buf_emptied(&c->out);
    if (c->state == STREAM_DRAINING) {
        finish_drain(c);
    }
}

int stream_wire_out(struct conn *c, const struct str *run, size_t count)
{
    size_t len = 0;
    if (c->state == STREAM_CLOSED) {
        return E_IO;
    }
    for (size_t i = 0; i < count; i++) {
        len += run[i].n;
    }
    if (buf_pending(&c->out) >= WRITE_EARLY) {
        stream_flush(c);
        if (c->state == STREAM_CLOSED) {
            return E_IO;
        }
    }
    if (buf_pending(&c->out) + buf_pending(&c->busy) + len > c->net->config.write_queue) {
        c->net->stats.closed_slow++;
        conn_trace(c, TRACE_WARN, "closed: its peer does not read");
        stream_drop(c);
        return E_TOOBIG;
    }
    if (!buf_room(&c->out, len)) {
        stream_drop(c);
        return E_TOOBIG;
    }
    for (size_t i = 0; i < count; i++) {
        if (run[i].n > 0) {
            memcpy(c->out.p + c->out.n, run[i].p, run[i].n);
            c->out.n += run[i].n;
        }
    }
    stream_mark_dirty(c);
    return 0;
}

int stream_send(struct conn *c, const struct str *run, size_t count)
{
    if (c->state != STREAM_OPEN && c->state != STREAM_SHAKING &&
        c->state != STREAM_CONNECTING) {
        return E_IO;
    }
    return c->ops->plain_out(c, run, count);
}
