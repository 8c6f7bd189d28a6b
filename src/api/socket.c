/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSockets (RFC 6455), our end of them: always the server, text only. wslay takes frames
 * apart and puts them together; here is the handshake, what a handler hears of it, and the
 * clock: who says nothing for PING_MS is asked, and who then says nothing for as long again is
 * gone.
 *
 * BOUNDS. Each ping is answered: who sends them and does not take the answers is not read any
 * more until he does. A message has FRAGMENTS_MAX frames, because each costs its own block, and
 * of somebody who has not said yet who he is UNKNOWN_MAX octets.
 */
#include "api/parts.h"
#include "base/err.h"
#include <openssl/evp.h>
#include <wslay/wslay.h>

/** RFC 6455 §1.3 */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
enum { KEY_SIZE = 24, HEAD_ROOM = 8192, FRAME_HEAD = 10, PING_MS = 20000 };
enum { FRAGMENTS_MAX = 1024, UNKNOWN_MAX = 4096 };

bool api_wants_socket(const struct api_request *r)
{
    return exchange_of(r)->upgrade;
}

/* ---- what wslay asks ---- */

static ssize_t want_octets(wslay_event_context_ptr w, uint8_t *buf, size_t most, int flags,
                           void *arg)
{
    struct client *c = arg;
    size_t n = c->feed.n < most ? c->feed.n : most;
    (void)flags;
    if (n == 0) {
        wslay_event_set_error(w, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, c->feed.p, n);
    c->feed = str_from(c->feed, n);
    return (ssize_t)n;
}

static ssize_t take_octets(wslay_event_context_ptr w, const uint8_t *bytes, size_t n, int flags,
                           void *arg)
{
    struct client *c = arg;
    struct str run = str_make((const char *)bytes, n);
    (void)flags;
    if (wire_send(c->wire, &run, 1) != 0) {
        wslay_event_set_error(w, WSLAY_ERR_CALLBACK_FAILURE);
        return -1;
    }
    return (ssize_t)n;
}

static void on_frame(wslay_event_context_ptr w,
                     const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct client *c = arg;
    if (wslay_is_ctrl_frame(frame->opcode)) {
        return;
    }
    c->fragments = frame->opcode == WSLAY_CONTINUATION_FRAME ? c->fragments + 1 : 1;
    if (c->fragments > FRAGMENTS_MAX) {
        (void)wslay_event_queue_close(w, WSLAY_CODE_MESSAGE_TOO_BIG, NULL, 0);
        wslay_event_shutdown_read(w);
    }
}

static void on_message(wslay_event_context_ptr w,
                       const struct wslay_event_on_msg_recv_arg *message, void *arg)
{
    struct client *c = arg;
    if (wslay_is_ctrl_frame(message->opcode) || c->x == NULL || c->x->over) {
        return;
    }
    if (message->opcode != WSLAY_TEXT_FRAME) {
        (void)wslay_event_queue_close(w, WSLAY_CODE_UNSUPPORTED_DATA, NULL, 0);
        wslay_event_shutdown_read(w);
        return;
    }
    c->x->socket->message(&c->x->r, str_make((const char *)message->msg, message->msg_length));
}

static bool begin_frames(struct client *c)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = want_octets,
        .send_callback = take_octets,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message,
    };
    wslay_event_context_ptr w;
    if (wslay_event_context_server_init(&w, &callbacks, c) != 0) {
        return false;
    }
    c->frames = w;
    return true;
}

/* ---- the handshake ---- */

static void write_accept(struct out *o, struct str key)
{
    char text[KEY_SIZE + sizeof(GUID)];
    unsigned char sum[EVP_MAX_MD_SIZE], digits[64];
    unsigned n = 0;
    memcpy(text, key.p, KEY_SIZE);
    memcpy(text + KEY_SIZE, GUID, sizeof(GUID) - 1);
    if (EVP_Digest(text, KEY_SIZE + sizeof(GUID) - 1, sum, &n, EVP_sha1(), NULL) == 1) {
        int len = EVP_EncodeBlock(digits, sum, (int)n);
        out_str(o, str_make((const char *)digits, (size_t)len));
    }
}

void api_socket_accept(struct api_request *r, struct str subprotocol,
                       const struct api_socket_ops *ops)
{
    struct exchange *x = exchange_of(r);
    struct client *c = x->client;
    char room[HEAD_ROOM];
    struct out o;
    if (x->begun) {
        return;
    }
    if (c != NULL && !begin_frames(c)) {
        api_busy(r, E_NOMEM);
        return;
    }
    x->begun = true;
    x->keep = false;
    x->socket = ops;
    answer_noted(x, 101, "");
    if (c == NULL) {
        api_stream_end(r); /* nobody is there: `closed` comes by the loop */
        return;
    }
    out_init(&o, room, sizeof(room));
    answer_head(x, &o, 101, NULL, SIZE_MAX, NULL, 0);
    out_c(&o, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ");
    write_accept(&o, x->ws_key);
    if (str_is_set(subprotocol)) {
        out_fmt(&o, "\r\nSec-WebSocket-Protocol: %.*s", STR_ARG(subprotocol));
    }
    out_c(&o, "\r\n\r\n");
    struct str head = out_str_of(&o);
    (void)wire_send(c->wire, &head, 1);
    c->state = CLIENT_SOCKET;
    c->heard_ms = wire_now(c->api->wire);
    timer_set(wire_wheel(c->api->wire), &c->timer, c->heard_ms + PING_MS);
    if (bytes_left(&c->in) > 0) { /* frames that came with the handshake */
        struct bytes early = c->in;
        c->in = (struct bytes){0};
        socket_input(c, bytes_str(&early));
        bytes_free(&early);
    }
}

/* ---- in ---- */

static void push(struct client *c)
{
    if (c->frames != NULL && wslay_event_want_write(c->frames)) {
        (void)wslay_event_send(c->frames);
    }
}

/** Octets of a message that he may send now. */
static size_t message_max(const struct client *c)
{
    size_t most = c->api->config.max_body;
    bool known = c->x != NULL && c->x->r.who != NULL && c->x->r.who->entry != NULL;
    return known || most < UNKNOWN_MAX ? most : UNKNOWN_MAX;
}

/** Who does not take what he is told is not heard. */
static void hold_back(struct client *c)
{
    wire_pause(c->wire, wire_waits(c->wire) > c->api->config.client_buffer);
}

void socket_input(struct client *c, struct str bytes)
{
    c->heard_ms = wire_now(c->api->wire);
    c->feed = bytes;
    wslay_event_config_set_max_recv_msg_length(c->frames, message_max(c));
    int err = wslay_event_recv(c->frames);
    c->feed = STR_NONE;
    push(c);
    if (err != 0 || !wslay_event_get_read_enabled(c->frames)) {
        if (!wslay_event_get_close_received(c->frames)) {
            count_one(&c->api->count.closed_bad);
        }
        c->state = CLIENT_ENDING;
        wire_end(c->wire);
        return;
    }
    if (c->state == CLIENT_SOCKET) {
        hold_back(c);
    }
}

void socket_tick(struct client *c, uint64_t now_ms)
{
    if (now_ms - c->heard_ms >= 2 * PING_MS) {
        wire_drop(c->wire);
        return;
    }
    if (now_ms - c->heard_ms >= PING_MS) {
        const struct wslay_event_msg ping = {WSLAY_PING, NULL, 0};
        (void)wslay_event_queue_msg(c->frames, &ping);
        push(c);
    }
    timer_set(wire_wheel(c->api->wire), &c->timer, now_ms + PING_MS);
}

/* ---- out ---- */

int api_socket_send(struct api_request *r, struct str text)
{
    struct exchange *x = exchange_of(r);
    struct client *c = x->client;
    size_t most = r->api->config.client_buffer;
    if (c == NULL || x->over || c->state != CLIENT_SOCKET ||
        wslay_event_get_close_sent(c->frames)) {
        return E_STATE;
    }
    if (text.n + FRAME_HEAD > most) {
        return E_TOOBIG;
    }
    if (wire_waits(c->wire) + text.n + FRAME_HEAD > most) {
        c->wire->long_queue = true;
        return E_SPACE;
    }
    const struct wslay_event_msg message = {WSLAY_TEXT_FRAME, (const uint8_t *)text.p, text.n};
    if (wslay_event_queue_msg(c->frames, &message) != 0) {
        return E_STATE;
    }
    atomic_fetch_add_explicit(&r->api->count.octets_out, text.n, memory_order_relaxed);
    push(c);
    return c->wire->dropped ? E_STATE : 0;
}

size_t api_socket_waits(const struct api_request *r)
{
    return api_stream_waits(r);
}

void api_socket_close(struct api_request *r, unsigned code, struct str reason)
{
    struct exchange *x = exchange_of(r);
    struct client *c = x->client;
    if (c == NULL || x->over || c->state != CLIENT_SOCKET) {
        return;
    }
    x->over = true;
    (void)wslay_event_queue_close(c->frames, (uint16_t)code, (const uint8_t *)reason.p,
                                  reason.n <= 123 ? reason.n : 0);
    push(c);
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    c->state = CLIENT_ENDING;
    wire_end(c->wire);
}

void socket_leave(struct client *c)
{
    api_socket_close(&c->x->r, 4009, STR("the server stops"));
}

void socket_drained(struct exchange *x)
{
    if (x->client != NULL) {
        hold_back(x->client);
    }
    if (!x->over && x->socket->writable != NULL) {
        x->socket->writable(&x->r);
    }
}

void socket_closed(struct exchange *x)
{
    const struct api_socket_ops *ops = x->socket;
    x->socket = NULL;
    x->over = true;
    if (ops->closed != NULL) {
        ops->closed(&x->r);
    }
    exchange_finish(x);
}
