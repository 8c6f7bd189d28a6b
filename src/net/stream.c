/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream connection, whatever runs over it: buffers, limits, framing, and its end.
 *
 *   Connecting ──> (Shaking ──>) Open ──> Draining ──> Closed ──> (told, freed)
 *        └────────────┴───────────┴────────────────────┘
 *
 * SHAKING. TCP stands, but TLS or WebSocket are not agreed on yet. Whoever stops there holds
 * memory and has proved nothing, so these connections have a time, and those that come in a
 * number of their own; when there are too many, the oldest goes: it had the most time.
 *
 * IN. libuv reads into one buffer of the loop. When nothing of the connection waits, the
 * program sees the octets there and only an incomplete message is copied to `in`; an idle
 * connection so owns no input buffer. `in` is bounded by the message limit (and the CRLFs
 * before it).
 *
 * KEEP-ALIVE. On a connection that we opened and on which nothing came for `keepalive_ms`, CRLF
 * CRLF is sent; when nothing at all comes within `pong_ms` the connection is dead (RFC 5626
 * §4.4.1). Any octets count as an answer: they show what the ping wants to know.
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
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/** CRLFs that may stand before a message without counting as a part of it. */
#define CRLF_SLACK 64

static void mark_ended(struct conn *c)
{
    if (!list_linked(&c->ended)) {
        list_append(&c->net->ended, &c->ended);
    }
}

void stream_free_buffers(struct conn *c)
{
    ws_free(c);
    tls_free(c);
    buf_free(&c->in);
    buf_free(&c->out);
    buf_free(&c->busy);
}

void stream_touch(struct conn *c)
{
    c->active_ms = net_now(c->net);
    list_remove(&c->link);
    list_append(&c->net->conns, &c->link);
}

void conn_trace(const struct conn *c, enum trace_level level, const char *fmt, ...)
{
    char where[96], what[256];
    struct out o;
    va_list args;

    if (c->acceptor != NULL && !net_may_complain(c->net, &c->remote)) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    out_init(&o, where, sizeof(where));
    addr_write(&o, &c->remote);
    env_trace(&c->net->env, level, "net", "%s %.*s: %s",
              transport_name((enum transport)c->ops->transport), STR_ARG(out_str_of(&o)), what);
}

/** Are octets from the wire still for anybody? */
bool stream_takes_input(const struct conn *c)
{
    return c->state == STREAM_OPEN || c->state == STREAM_SHAKING;
}

static void leave_shaking(struct conn *c)
{
    if (list_linked(&c->half)) {
        list_remove(&c->half);
        c->net->stats.half_open--;
    }
}

/* ---- the end ---- */

void stream_drop(struct conn *c)
{
    if (c->state == STREAM_CLOSED) {
        return;
    }
    c->state = STREAM_CLOSED;
    leave_shaking(c);
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
    if (!stream_takes_input(c)) {
        return;
    }
    c->state = STREAM_DRAINING;
    leave_shaking(c);
    conn_forget_remote(c);
    ws_close(c);
    tls_close(c);
    if (c->state == STREAM_CLOSED) {
        return; /* there was no room for the goodbye */
    }
    buf_free(&c->in);
    timer_set(&c->net->wheel, &c->timer, net_now(c->net) + c->net->config.drain_ms);
    mark_ended(c);
    stream_mark_dirty(c);
}

void stream_failed(struct conn *c)
{
    c->net->stats.handshakes_failed++;
    stream_drain(c);
}

/* ---- time ---- */

/** Only who opened a connection keeps it alive (RFC 5626 §3.5.1). */
static bool keeps_alive(const struct conn *c)
{
    return c->net->config.keepalive_ms != 0 && c->acceptor == NULL;
}

/** When it is to be asked, or, when it was, to be given up. */
static uint64_t alive_until(const struct conn *c)
{
    const struct net_config *config = &c->net->config;
    return c->heard_ms + config->keepalive_ms + (c->pinged ? config->pong_ms : 0);
}

/** Wait for the first of: the end of the silence that is allowed, that of the time for the
    message that has begun, the next keep-alive. */
static void arm_open(struct conn *c)
{
    const struct net_config *config = &c->net->config;
    uint64_t due = c->active_ms + config->idle_ms;
    if (c->begun_ms != 0 && c->begun_ms + config->message_ms < due) {
        due = c->begun_ms + config->message_ms;
    }
    if (keeps_alive(c) && alive_until(c) < due) {
        due = alive_until(c);
    }
    timer_set(&c->net->wheel, &c->timer, due);
}

static void ask_whether_alive(struct conn *c)
{
    static const struct str ping = STR_INIT("\r\n\r\n");
    c->pinged = true;
    if (stream_send(c, &ping, 1) == 0) {
        arm_open(c);
    }
}

static void open_timer(struct conn *c, uint64_t now_ms)
{
    struct net *n = c->net;
    if (c->begun_ms != 0 && now_ms - c->begun_ms >= n->config.message_ms) {
        n->stats.closed_bad++;
        conn_trace(c, TRACE_INFO, "closed: half a message in %u ms", n->config.message_ms);
        stream_drain(c);
    } else if (now_ms - c->active_ms >= n->config.idle_ms) {
        n->stats.closed_idle++;
        stream_drain(c);
    } else if (keeps_alive(c) && now_ms >= alive_until(c)) {
        if (!c->pinged) {
            ask_whether_alive(c);
            return;
        }
        n->stats.closed_dead++;
        conn_trace(c, TRACE_INFO, "closed: no answer to a keep-alive");
        stream_drop(c);
    } else {
        arm_open(c);
    }
}

void stream_timer(struct timer *t, uint64_t now_ms)
{
    struct conn *c = container_of(t, struct conn, timer);
    struct net *n = c->net;
    switch (c->state) {
    case STREAM_CONNECTING:
        n->stats.connect_failed++;
        conn_trace(c, TRACE_INFO, "no connection within %u ms", n->config.connect_ms);
        stream_drop(c);
        break;
    case STREAM_SHAKING:
        n->stats.handshakes_failed++;
        conn_trace(c, TRACE_INFO, "closed: no handshake within %u ms", n->config.handshake_ms);
        stream_drop(c);
        break;
    case STREAM_OPEN:
        open_timer(c, now_ms);
        break;
    case STREAM_DRAINING:
        stream_drop(c);
        break;
    default:
        break;
    }
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

static struct hop hop_of(const struct conn *c)
{
    return (struct hop){
        .flow = c->flow.id, .transport = c->ops->transport, .remote = c->remote};
}

void stream_message(struct conn *c, struct str message, uint64_t now_ms)
{
    const struct net_handler *h = &c->net->config.handler;
    struct hop hop = hop_of(c);
    h->input(h->ctx, &hop, message, true, now_ms);
}

static size_t give(struct conn *c, struct str bytes, uint64_t now_ms)
{
    const struct net_handler *h = &c->net->config.handler;
    struct hop hop = hop_of(c);
    size_t used;
    if (c->ops->csta) {
        used = h->csta_input(h->ctx, &hop, bytes, now_ms);
    } else {
        used = h->stream_input != NULL
                   ? h->stream_input(h->ctx, &c->framer, &hop, bytes, now_ms)
                   : cut_messages(c, &hop, bytes, now_ms);
    }
    if (used == SIZE_MAX) {
        c->net->stats.closed_bad++;
        conn_trace(c, TRACE_INFO, "closed: cannot be framed");
        stream_drain(c);
        return bytes.n;
    }
    return used;
}

bool stream_keep(struct conn *c, struct str rest)
{
    size_t most = (size_t)c->net->config.limits.message + CRLF_SLACK + WIRE_IN_SIZE;
    if (buf_pending(&c->in) + rest.n > most || !buf_room(&c->in, rest.n)) {
        c->net->stats.closed_bad++;
        conn_trace(c, TRACE_INFO, "closed: message too large");
        stream_drain(c);
        return false;
    }
    if (rest.n > 0) {
        memcpy(c->in.p + c->in.n, rest.p, rest.n);
        c->in.n += rest.n;
    }
    if (c->begun_ms == 0 && c->state == STREAM_OPEN) {
        c->begun_ms = net_now(c->net);
        arm_open(c);
    }
    return true;
}

void stream_kept_none(struct conn *c)
{
    buf_emptied(&c->in);
    c->begun_ms = 0;
}

void stream_message_bytes(struct conn *c, struct str bytes, uint64_t now_ms)
{
    if (c->state != STREAM_OPEN) {
        return;
    }
    if (buf_pending(&c->in) == 0) {
        size_t used = give(c, bytes, now_ms);
        if (used < bytes.n && c->state == STREAM_OPEN) {
            (void)stream_keep(c, str_from(bytes, used));
        }
        return;
    }
    if (!stream_keep(c, bytes)) {
        return;
    }
    struct str all = str_make(c->in.p + c->in.from, buf_pending(&c->in));
    size_t used = give(c, all, now_ms);
    if (c->state != STREAM_OPEN) {
        return;
    }
    c->in.from += used;
    c->begun_ms = used == 0 ? c->begun_ms : now_ms;
    if (buf_pending(&c->in) == 0) {
        stream_kept_none(c);
    } else if (buf_pending(&c->in) > c->net->config.limits.message + CRLF_SLACK) {
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
        if (stream_takes_input(c)) {
            c->net->stats.stream_received += (uint64_t)got;
            stream_touch(c);
            c->heard_ms = c->active_ms;
            c->pinged = false;
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
            c->net->stats.handshakes_failed += c->state == STREAM_SHAKING;
            stream_drain(c);
        }
        return;
    }
    if (got < 0) {
        stream_drop(c);
    }
}

/* ---- the beginning ---- */

void stream_opened(struct conn *c)
{
    if (c->state == STREAM_SHAKING) {
        leave_shaking(c);
        c->net->stats.handshakes++;
    }
    c->state = STREAM_OPEN;
    c->heard_ms = c->active_ms;
    arm_open(c);
}

static void begin_shaking(struct conn *c)
{
    struct net *n = c->net;
    c->state = STREAM_SHAKING;
    timer_set(&n->wheel, &c->timer, c->active_ms + n->config.handshake_ms);
    if (c->acceptor != NULL) { /* our own are not for strangers to push out */
        list_append(&n->half, &c->half);
        n->stats.half_open++;
    }
    if (n->stats.half_open > n->config.max_handshakes) {
        n->stats.evicted++;
        n->stats.handshakes_failed++;
        stream_drop(list_entry(n->half.next, struct conn, half));
    }
    if (c->ops->tls && c->state == STREAM_SHAKING) {
        tls_start(c);
    }
}

void stream_started(struct conn *c)
{
    sip_framer_init(&c->framer);
    stream_touch(c);
    if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read) != 0) {
        stream_drop(c);
        return;
    }
    if (c->ops->tls || c->ops->ws) {
        begin_shaking(c);
    } else {
        stream_opened(c);
    }
    if (c->state != STREAM_CLOSED) {
        stream_mark_dirty(c);
    }
}
