/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIP over WebSocket (RFC 7118 over RFC 6455), our end of it: always the server.
 *
 * A connection begins with a request of HTTP (ws_http.c). From then on wslay takes the frames
 * apart: masks, fragments, control frames between them, UTF-8, lengths, closing. What it gives
 * is collected in the connection's `in`, as on any stream, with the same limits of size and
 * time; one message of WebSocket is one message of SIP and needs no framer. Frames that we send
 * are not masked and not fragmented, so their head is two to ten octets, written here, and the
 * message's runs go out behind it without another copy.
 *
 * A message goes as text when all of it is UTF-8, else as binary (RFC 7118 §4.2). Pings are
 * answered by wslay, keep-alives of CRLF here (§6).
 */
#include "base/err.h"
#include "base/utf8.h"
#include "net/net_int.h"
#include <stdlib.h>
#include <wslay/wslay.h>

#define FIN 0x80u

/** Runs of a message that go out with their head in one piece. */
#define RUNS 64

struct ws {
    wslay_event_context_ptr frames; /**< NULL: HTTP still */
    struct str feed;                /**< octets that wslay has not taken yet */
    bool skip;                      /**< the frame that comes is no part of a message */
    uint64_t now_ms;
};

/* ---- what wslay asks ---- */

static ssize_t want_octets(wslay_event_context_ptr w, uint8_t *buf, size_t most, int flags,
                           void *arg)
{
    struct conn *c = arg;
    size_t n = c->ws->feed.n < most ? c->ws->feed.n : most;
    (void)flags;
    if (n == 0 || c->state != STREAM_OPEN) {
        wslay_event_set_error(w, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, c->ws->feed.p, n);
    c->ws->feed = str_from(c->ws->feed, n);
    return (ssize_t)n;
}

static ssize_t take_octets(wslay_event_context_ptr w, const uint8_t *bytes, size_t n, int flags,
                           void *arg)
{
    struct conn *c = arg;
    struct str run = str_make((const char *)bytes, n);
    (void)flags;
    if (c->ops->clear_out(c, &run, 1) != 0) {
        wslay_event_set_error(w, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)n;
}

static void on_frame(wslay_event_context_ptr w,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct conn *c = arg;
    c->ws->skip = wslay_is_ctrl_frame(frame->opcode);
    if (c->ws->skip || c->state != STREAM_OPEN) {
        return;
    }
    if (frame->payload_length > c->net->config.limits.message - buf_pending(&c->in)) {
        c->ws->skip = true; /* wslay, which keeps nothing for us, sees single frames only */
        (void)wslay_event_queue_close(w, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
        wslay_event_shutdown_read(w);
    } else {
        (void)stream_keep(c, STR_NONE); /* the time for the message begins */
    }
}

static void on_payload(wslay_event_context_ptr w,
                       const struct wslay_event_on_frame_recv_chunk_arg *part, void *arg)
{
    struct conn *c = arg;
    (void)w;
    if (!c->ws->skip && c->state == STREAM_OPEN) {
        (void)stream_keep(c, str_make((const char *)part->data, part->data_length));
    }
}

static void on_message(wslay_event_context_ptr w,
                       const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    struct conn *c = arg;
    static const struct str pong = STR_INIT("\r\n");
    if (wslay_is_ctrl_frame(message->opcode) || c->state != STREAM_OPEN ||
        !wslay_event_get_read_enabled(w)) {
        return;
    }
    if (buf_pending(&c->in) > 0) {
        struct str bytes = str_make(c->in.p + c->in.from, buf_pending(&c->in));
        if (str_eq(bytes, STR("\r\n\r\n"))) {
            (void)ws_plain_out(c, &pong, 1);
        } else if (!str_eq(bytes, pong)) {
            stream_message(c, bytes, c->ws->now_ms);
        }
    }
    if (c->state == STREAM_OPEN) {
        stream_kept_none(c);
    }
}

/* ---- life ---- */

int ws_attach(struct conn *c)
{
    c->ws = calloc(1, sizeof(*c->ws));
    return c->ws != NULL ? 0 : E_NOMEM;
}

void ws_free(struct conn *c)
{
    if (c->ws != NULL) {
        wslay_event_context_free(c->ws->frames);
        free(c->ws);
        c->ws = NULL;
    }
}

void ws_close(struct conn *c)
{
    if (c->ws == NULL || c->ws->frames == NULL) {
        return;
    }
    if (!wslay_event_get_close_sent(c->ws->frames)) {
        (void)wslay_event_queue_close(c->ws->frames, WSLAY_CODE_GOING_AWAY, NULL, 0);
    }
    (void)wslay_event_send(c->ws->frames);
}

static bool begin_frames(struct conn *c)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = want_octets,
        .send_callback = take_octets,
        .on_frame_recv_start_callback = on_frame,
        .on_frame_recv_chunk_callback = on_payload,
        .on_msg_recv_callback = on_message,
    };
    if (wslay_event_context_server_init(&c->ws->frames, &callbacks, c) != 0) {
        c->ws->frames = NULL;
        return false;
    }
    wslay_event_config_set_no_buffering(c->ws->frames, 1);
    wslay_event_config_set_max_recv_msg_length(c->ws->frames, c->net->config.limits.message);
    return true;
}

/* ---- in ---- */

/** HTTP, until its head is whole. @return what follows it, absent while it is not */
static struct str shake(struct conn *c, struct str bytes)
{
    char text[WS_ANSWER_MAX];
    struct out o;
    if (!stream_keep(c, bytes)) {
        return STR_NONE;
    }
    struct str all = str_make(c->in.p + c->in.from, buf_pending(&c->in));
    size_t head = ws_http_head(str_upto(all, WS_HEAD_MAX));
    if (head == 0 && all.n < WS_HEAD_MAX) {
        return STR_NONE;
    }
    out_init(&o, text, sizeof(text));
    unsigned status = ws_http_answer(str_upto(all, head), &c->net->config.ws, &o);
    struct str answer = out_str_of(&o);
    if (c->ops->clear_out(c, &answer, 1) != 0) {
        return STR_NONE;
    }
    if (status != 101 || !begin_frames(c)) {
        conn_trace(c, TRACE_INFO, "no WebSocket: answered %u", status);
        stream_failed(c);
        return STR_NONE;
    }
    stream_opened(c);
    return str_from(bytes, bytes.n - (all.n - head));
}

/** Has the peer, or wslay on reading what it must not, ended it? */
static bool is_over(struct conn *c, int err)
{
    return err != 0 || !wslay_event_get_read_enabled(c->ws->frames);
}

void ws_clear_in(struct conn *c, struct str bytes, uint64_t now_ms)
{
    struct ws *w = c->ws;
    if (w->frames == NULL) {
        bytes = shake(c, bytes);
        if (!str_is_set(bytes)) {
            return;
        }
        stream_kept_none(c);
    }
    w->feed = bytes;
    w->now_ms = now_ms;
    int err = wslay_event_recv(w->frames);
    w->feed = STR_NONE;
    if (stream_takes_input(c) && wslay_event_want_write(w->frames)) {
        err = wslay_event_send(w->frames) != 0 ? E_IO : err;
    }
    if (stream_takes_input(c) && is_over(c, err)) {
        c->net->stats.closed_bad += !wslay_event_get_close_received(w->frames);
        stream_drain(c);
    }
}

/* ---- out ---- */

/** Octets of 0 to 127 only: nearly every message. */
static bool is_ascii(const struct str *run, size_t n)
{
    unsigned char all = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < run[i].n; k++) {
            all |= (unsigned char)run[i].p[k];
        }
    }
    return all < 0x80;
}

/** Characters may go over the end of a run. @return false also when memory is out */
static bool is_utf8(const struct str *run, size_t n, size_t total)
{
    char *all = malloc(total + 1);
    size_t at = 0;
    for (size_t i = 0; all != NULL && i < n; i++) {
        if (run[i].n > 0) {
            memcpy(all + at, run[i].p, run[i].n);
            at += run[i].n;
        }
    }
    struct str rest = str_make(all, at);
    while (rest.n > 0) {
        size_t step = utf8_len(rest);
        if (step == 0) {
            break;
        }
        rest = str_from(rest, step);
    }
    free(all);
    return all != NULL && rest.n == 0;
}

/** RFC 6455 §5.2. @return octets of `head` */
static size_t write_head(unsigned char head[static 10], unsigned opcode, uint64_t len)
{
    size_t more = len < 126 ? 0 : len <= UINT16_MAX ? 2 : 8;
    head[0] = (unsigned char)(FIN | opcode);
    head[1] = (unsigned char)(more == 0 ? len : more == 2 ? 126 : 127);
    for (size_t i = 0; i < more; i++) {
        head[2 + i] = (unsigned char)(len >> (8 * (more - 1 - i)));
    }
    return 2 + more;
}

int ws_plain_out(struct conn *c, const struct str *run, size_t n)
{
    unsigned char head[10];
    struct str all[RUNS];
    size_t len = 0;
    if (c->ws->frames == NULL) {
        return E_IO; /* HTTP still: nobody was told of this flow */
    }
    for (size_t i = 0; i < n; i++) {
        len += run[i].n;
    }
    bool text = is_ascii(run, n) || is_utf8(run, n, len);
    size_t head_n = write_head(head, text ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME, len);
    all[0] = str_make((const char *)head, head_n);
    if (n >= RUNS) {
        int err = c->ops->clear_out(c, all, 1);
        return err != 0 ? err : c->ops->clear_out(c, run, n);
    }
    memcpy(all + 1, run, n * sizeof(*run));
    return c->ops->clear_out(c, all, n + 1);
}
