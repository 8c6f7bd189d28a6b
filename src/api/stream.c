/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer in parts: in chunks for HTTP/1.1 (RFC 9112 §7.1), up to the connection's end
 * for 1.0.
 */
#include "api/parts.h"
#include "base/err.h"

enum { HEAD_ROOM = 8192, CHUNK_HEAD = 24 };

void api_stream_begin(struct api_request *r, unsigned status, const char *content_type,
                      const struct api_header *headers, size_t header_count,
                      const struct api_stream_ops *ops)
{
    struct exchange *x = exchange_of(r);
    char room[HEAD_ROOM];
    struct out o;
    if (x->begun) {
        return;
    }
    x->begun = true;
    x->stream = ops;
    answer_noted(x, status, ", a stream");
    if (x->client == NULL) {
        x->over = true;
        api_stream_end(r); /* nobody is there: `closed` comes by the loop */
        return;
    }
    x->client->state = CLIENT_STREAM;
    x->keep = x->keep && x->chunked;
    out_init(&o, room, sizeof(room));
    answer_head(x, &o, status, content_type, SIZE_MAX, headers, header_count);
    out_c(&o, x->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
    struct str head = out_str_of(&o);
    (void)wire_send(x->client->wire, &head, 1);
    if (x->head) {
        x->over = true;
        api_stream_end(r);
    }
}

int api_stream_write(struct api_request *r, struct str bytes)
{
    struct exchange *x = exchange_of(r);
    size_t most = r->api->config.client_buffer, waits;
    char head[CHUNK_HEAD];
    struct out o;
    if (x->over || x->client == NULL || x->client->wire->ending || x->client->wire->dropped) {
        return E_STATE;
    }
    if (bytes.n + 2 * CHUNK_HEAD > most) {
        return E_TOOBIG;
    }
    waits = wire_waits(x->client->wire);
    if (waits + bytes.n + 2 * CHUNK_HEAD > most) {
        x->client->wire->long_queue = true;
        return E_SPACE;
    }
    if (bytes.n == 0) {
        return 0; /* an empty chunk would be the end */
    }
    out_init(&o, head, sizeof(head));
    if (x->chunked) {
        out_fmt(&o, "%zx\r\n", bytes.n);
    }
    struct str run[3] = {out_str_of(&o), bytes, x->chunked ? STR("\r\n") : STR("")};
    atomic_fetch_add_explicit(&r->api->count.octets_out, bytes.n, memory_order_relaxed);
    return wire_send(x->client->wire, run, 3) == 0 ? 0 : E_STATE;
}

size_t api_stream_waits(const struct api_request *r)
{
    const struct client *c = exchange_of(r)->client;
    return c != NULL ? wire_waits(c->wire) : 0;
}

void stream_closed(struct exchange *x)
{
    const struct api_stream_ops *ops = x->stream;
    timer_stop(api_wheel(x->r.api), &x->ending);
    x->stream = NULL;
    x->over = true;
    if (ops->closed != NULL) {
        ops->closed(&x->r);
    }
    exchange_finish(x);
}

static void on_ending(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    struct exchange *x = list_entry(t, struct exchange, ending);
    if (x->socket != NULL) {
        socket_closed(x);
    } else {
        stream_closed(x);
    }
}

static void end(struct exchange *x)
{
    x->over = true;
    timer_init(&x->ending, on_ending); /* from the loop: who calls us may still use `r` */
    timer_set(api_wheel(x->r.api), &x->ending, api_now(x->r.api));
}

void api_stream_end(struct api_request *r)
{
    static const struct str last = STR_INIT("0\r\n\r\n");
    struct exchange *x = exchange_of(r);
    if (timer_running(&x->ending)) {
        return;
    }
    if (!x->over && x->client != NULL && x->chunked) {
        (void)wire_send(x->client->wire, &last, 1);
    }
    end(x);
}

void api_stream_cut(struct api_request *r)
{
    struct exchange *x = exchange_of(r);
    x->keep = false;
    if (!timer_running(&x->ending)) {
        end(x);
    }
}

void api_stream_refuse(struct api_request *r, const struct api_fault *fault, const char *detail)
{
    const struct exchange *x = exchange_of(r);
    if (x->stream == NULL || x->stream->whole) {
        api_stream_cut(r);
        return;
    }
    struct str problem = answer_problem(r, fault, detail);
    struct str text = arena_fmt(r->arena, "event: problem\ndata: %.*s\n\n", STR_ARG(problem));
    if (str_is_set(problem) && str_is_set(text)) {
        (void)!api_stream_write(r, text);
    }
    api_stream_end(r);
}

static const char not_any_more[] = "This token was revoked, or has expired.";

void stream_denied(struct api_request *r)
{
    static const struct api_fault fault = {.status = 401, .code = "invalidToken"};
    api_stream_refuse(r, &fault, not_any_more);
}

bool api_may_still(struct api_request *r)
{
    if (access_alive(r->who, allow_now_ms())) {
        return true;
    }
    api_refuse(r, 401, "invalidToken", "%s", not_any_more);
    return false;
}

void stream_drained(struct exchange *x)
{
    if (!x->over && x->stream->writable != NULL) {
        x->stream->writable(&x->r);
    }
}
