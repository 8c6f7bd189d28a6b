/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream connection, whatever runs over it: buffers, limits, framing, and its end.
 *
 *   Connecting ──> Open ──> Draining ──> Closed ──> (told, freed)
 *        └───────────┴──────────────────────┘
 *
 * IN. libuv reads into one buffer of the loop. When nothing of the connection waits, the
 * program sees the octets there and only an incomplete message is copied to `in`; an idle
 * connection so owns no input buffer. `in` is bounded by the message limit (and the CRLFs
 * before it).
 *
 * OUT. Octets collect in `out` during a round and are written at its end in one piece, at
 * once if the kernel takes them; the rest moves to `busy`, which libuv writes. `out` and
 * `busy` together hold at most `write_queue`: a peer that does not read is closed.
 *
 * END. stream_drain: the peer closed its side or sent what cannot be framed; what is queued is
 * written, then our side is shut, and what still comes is thrown away until the peer's
 * end or the drain limit: closing with unread octets would be a reset, which can destroy an
 * answer on its way. stream_drop: at once. Both only mark; net_sweep tells the program and
 * conn_close gives the handle to libuv.
 *
 * INVARIANTS. A connection is in net->flows until it was told. After `told` the program's
 * sends fail with E_IO. The handle is closed once, in conn_close, when state is Closed.
 */
#include "base/err.h"
#include "net/net_int.h"
#include <stdlib.h>

/** Octets in `out` from which on it is worth writing before the end of the round. */
#define WRITE_EARLY 65536

/** CRLFs that may stand before a message without counting as a part of it. */
#define CRLF_SLACK 64

/** Buffers larger than this are given back when they are empty. */
#define KEEP_BUFFER 4096

static void mark_dirty(struct conn *c)
{
    if (!list_linked(&c->dirty)) {
        list_append(&c->net->dirty, &c->dirty);
    }
}

static void mark_ended(struct conn *c)
{
    if (!list_linked(&c->ended)) {
        list_append(&c->net->ended, &c->ended);
    }
}

static void emptied(struct buf *b)
{
    b->from = b->n = 0;
    if (b->cap > KEEP_BUFFER) {
        buf_free(b);
    }
}

static size_t pending(const struct buf *b)
{
    return b->n - b->from;
}

void stream_free_buffers(struct conn *c)
{
    buf_free(&c->in);
    buf_free(&c->out);
    buf_free(&c->busy);
}

static void touch(struct conn *c)
{
    c->active_ms = net_now(c->net);
    list_remove(&c->link);
    list_append(&c->net->conns, &c->link);
}

/* ---- the end ---- */

void stream_drop(struct conn *c)
{
    if (c->state == STREAM_CLOSED) {
        return;
    }
    c->state = STREAM_CLOSED;
    c->net->stats.connections--;
    list_remove(&c->link);
    conn_forget_remote(c);
    map_remove(&c->net->by_ip, &c->by_ip);
    uv_read_stop((uv_stream_t *)&c->tcp);
    timer_stop(&c->net->wheel, &c->timer);
    list_remove(&c->dirty);
    mark_ended(c);
}

void stream_drain(struct conn *c)
{
    if (c->state == STREAM_CONNECTING) {
        stream_drop(c);
        return;
    }
    if (c->state != STREAM_OPEN) {
        return;
    }
    c->state = STREAM_DRAINING;
    conn_forget_remote(c);
    buf_free(&c->in);
    timer_set(&c->net->wheel, &c->timer, net_now(c->net) + c->net->config.drain_ms);
    mark_ended(c);
    mark_dirty(c);
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

/** Wait for the end of the silence that is allowed, or of the message that has begun. */
static void arm_open(struct conn *c)
{
    const struct net_config *config = &c->net->config;
    uint64_t idle = c->active_ms + config->idle_ms;
    uint64_t whole = c->begun_ms + config->message_ms;
    timer_set(&c->net->wheel, &c->timer, c->begun_ms != 0 && whole < idle ? whole : idle);
}

void stream_timer(struct timer *t, uint64_t now_ms)
{
    struct conn *c = container_of(t, struct conn, timer);
    struct net *n = c->net;
    switch (c->state) {
    case STREAM_CONNECTING:
        n->stats.connect_failed++;
        env_trace(&n->env, TRACE_INFO, "net", "flow %u: no connection within %u ms", c->flow.id,
                  n->config.connect_ms);
        stream_drop(c);
        break;
    case STREAM_OPEN:
        if (c->begun_ms != 0 && now_ms - c->begun_ms >= n->config.message_ms) {
            n->stats.closed_bad++;
            env_trace(&n->env, TRACE_INFO, "net", "flow %u closed: half a message in %u ms",
                      c->flow.id, n->config.message_ms);
            stream_drain(c);
            break;
        }
        if (now_ms - c->active_ms < n->config.idle_ms) {
            arm_open(c);
            break;
        }
        n->stats.closed_idle++;
        stream_drain(c);
        break;
    case STREAM_DRAINING:
        stream_drop(c);
        break;
    default:
        break;
    }
}

/* ---- out ---- */

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
    c->net->stats.stream_sent += pending(&c->busy);
    emptied(&c->busy);
    touch(c);
    mark_dirty(c);
}

/** Hand what the kernel did not take at once to libuv. */
static void write_rest(struct conn *c)
{
    struct buf rest = c->out;
    c->out = c->busy;
    c->busy = rest;
    uv_buf_t run = uv_buf_init(c->busy.p + c->busy.from, (unsigned)pending(&c->busy));
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
    if (pending(&c->out) == 0) {
        if (c->state == STREAM_DRAINING) {
            finish_drain(c);
        }
        return;
    }
    uv_buf_t run = uv_buf_init(c->out.p + c->out.from, (unsigned)pending(&c->out));
    int sent = uv_try_write((uv_stream_t *)&c->tcp, &run, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        stream_drop(c);
        return;
    }
    if (sent > 0) {
        c->out.from += (size_t)sent;
        c->net->stats.stream_sent += (uint64_t)sent;
        touch(c);
    }
    if (pending(&c->out) > 0) {
        write_rest(c);
        return;
    }
    emptied(&c->out);
    if (c->state == STREAM_DRAINING) {
        finish_drain(c);
    }
}

int stream_wire_out(struct conn *c, const struct str *run, size_t count)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        len += run[i].n;
    }
    if (pending(&c->out) >= WRITE_EARLY) {
        stream_flush(c);
        if (c->state == STREAM_CLOSED) {
            return E_IO;
        }
    }
    if (pending(&c->out) + pending(&c->busy) + len > c->net->config.write_queue) {
        c->net->stats.closed_slow++;
        env_trace(&c->net->env, TRACE_WARN, "net", "flow %u closed: its peer does not read",
                  c->flow.id);
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
    mark_dirty(c);
    return 0;
}

int stream_send(struct conn *c, const struct str *run, size_t count)
{
    if (c->state != STREAM_OPEN && c->state != STREAM_CONNECTING) {
        return E_IO;
    }
    return c->ops->plain_out(c, run, count);
}

/* ---- in ---- */

/** Framing for programs that want whole messages; same contract as engine_stream_input. */
static size_t cut_messages(struct conn *c, const struct hop *hop, struct str bytes,
                           uint64_t now_ms)
{
    const struct net_handler *h = &c->net->config.handler;
    size_t done = 0;
    while (c->state == STREAM_OPEN) {
        struct str msg = STR_NONE;
        struct sip_fault fault = {0};
        size_t used = 0;
        enum sip_frame frame = sip_framer_next(&c->framer, str_from(bytes, done),
                                               &c->net->config.limits, &msg, &used, &fault);
        if (frame == SIP_FRAME_BAD) {
            return SIZE_MAX;
        }
        if (frame == SIP_FRAME_MESSAGE) {
            h->input(h->ctx, hop, msg, false, now_ms);
        } else if (frame == SIP_FRAME_PING) {
            struct str pong = STR("\r\n");
            (void)stream_send(c, &pong, 1); /* a failure ends the connection by itself */
        }
        done += used;
        if (frame == SIP_FRAME_MORE || used == 0) {
            break;
        }
    }
    return done;
}

static size_t give(struct conn *c, struct str bytes, uint64_t now_ms)
{
    const struct net_handler *h = &c->net->config.handler;
    struct hop hop = {.flow = c->flow.id, .transport = c->ops->transport, .remote = c->remote};
    size_t used = h->stream_input != NULL
                      ? h->stream_input(h->ctx, &c->framer, &hop, bytes, now_ms)
                      : cut_messages(c, &hop, bytes, now_ms);
    if (used == SIZE_MAX) {
        c->net->stats.closed_bad++;
        env_trace(&c->net->env, TRACE_INFO, "net", "flow %u closed: cannot be framed",
                  c->flow.id);
        stream_drain(c);
        return bytes.n;
    }
    return used;
}

/** Keep what is not a whole message yet. */
static void keep(struct conn *c, struct str rest)
{
    size_t most = (size_t)c->net->config.limits.message + CRLF_SLACK + WIRE_IN_SIZE;
    if (pending(&c->in) + rest.n > most || !buf_room(&c->in, rest.n)) {
        c->net->stats.closed_bad++;
        env_trace(&c->net->env, TRACE_INFO, "net", "flow %u closed: message too large",
                  c->flow.id);
        stream_drain(c);
        return;
    }
    memcpy(c->in.p + c->in.n, rest.p, rest.n);
    c->in.n += rest.n;
    if (c->begun_ms == 0) {
        c->begun_ms = net_now(c->net);
        arm_open(c);
    }
}

void stream_message_bytes(struct conn *c, struct str bytes, uint64_t now_ms)
{
    if (c->state != STREAM_OPEN) {
        return;
    }
    if (pending(&c->in) == 0) {
        size_t used = give(c, bytes, now_ms);
        if (used < bytes.n && c->state == STREAM_OPEN) {
            keep(c, str_from(bytes, used));
        }
        return;
    }
    keep(c, bytes);
    if (c->state != STREAM_OPEN) {
        return;
    }
    struct str all = str_make(c->in.p + c->in.from, pending(&c->in));
    size_t used = give(c, all, now_ms);
    if (c->state != STREAM_OPEN) {
        return;
    }
    c->in.from += used;
    c->begun_ms = used == 0 ? c->begun_ms : now_ms;
    if (pending(&c->in) == 0) {
        emptied(&c->in);
        c->begun_ms = 0;
    } else if (pending(&c->in) > c->net->config.limits.message + CRLF_SLACK) {
        c->net->stats.closed_bad++; /* the framer should have said so */
        stream_drain(c);
    }
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
    (void)hint;
    struct conn *c = h->data;
    *out = uv_buf_init(c->net->wire_in, WIRE_IN_SIZE);
}

static void on_read(uv_stream_t *s, ssize_t got, const uv_buf_t *b)
{
    struct conn *c = s->data;
    if (got > 0) {
        if (c->state == STREAM_OPEN) {
            c->net->stats.stream_received += (uint64_t)got;
            touch(c);
            c->ops->wire_in(c, str_make(b->base, (size_t)got), net_now(c->net));
        }
        return;
    }
    if (got == UV_EOF) {
        c->eof = true;
        if (c->state == STREAM_DRAINING && c->shut) {
            stream_drop(c); /* both sides have said their last */
        } else {
            uv_read_stop(s);
            stream_drain(c);
        }
        return;
    }
    if (got < 0) {
        stream_drop(c);
    }
}

void stream_started(struct conn *c)
{
    c->state = STREAM_OPEN;
    sip_framer_init(&c->framer);
    touch(c);
    timer_set(&c->net->wheel, &c->timer, c->active_ms + c->net->config.idle_ms);
    if ((c->ops->start != NULL && c->ops->start(c) != 0) ||
        uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        stream_drop(c);
        return;
    }
    mark_dirty(c);
}
