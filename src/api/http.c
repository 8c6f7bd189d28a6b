/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of HTTP/1.1 (RFC 9112) come in on a connection, one after the other.
 *
 *   Head ──whole──> Body ──whole──> Busy ──answered──> Head …
 *     │               │              └──> Stream, Socket ──> Ending
 *     └── 400 408 414 431 501 505 ── 413 408 ──> Ending
 *
 * What a head and a body say is read.c's. All that can be judged by the head is judged before
 * the body comes: whether there is room, a route, a right. So a body of somebody who may not
 * send it is not kept; the connection ends instead, because the octets behind the head could
 * not be told from a request.
 *
 * LIMITS. A head has API_HEAD_MAX octets, a body api.max_body_kb, both together api.request_s
 * seconds, however slowly they trickle. Who sends the next request before he has his answer
 * waits in the kernel's buffer. Who does not take his answers is not asked what else he wants.
 *
 * When all places are taken, the client that has been idle longest gives way; if all are busy
 * the new one is told 503.
 *
 * AT THE END, and when another process goes on with the listeners, who has not been answered is
 * told 503 with Retry-After, whether his request has come or is on its way.
 */
#include "api/parts.h"
#include "base/err.h"
#include <stdlib.h>
#include <wslay/wslay.h>

enum { EVICT_MS = 250 };

/* ---- exchanges ---- */

static struct str peer_text(struct exchange *x, const struct wire_conn *w)
{
    char text[96];
    struct out o;
    out_init(&o, text, sizeof(text));
    wire_write_peer(&o, w);
    return arena_dup(&x->arena, out_str_of(&o));
}

static struct exchange *exchange_new(struct client *c)
{
    struct api *a = c->api;
    struct exchange *x = calloc(1, sizeof(*x));
    if (x == NULL) {
        return NULL;
    }
    arena_init(&x->arena, &mem_libc, 2048);
    x->client = c;
    x->r.api = a;
    x->r.arena = &x->arena;
    x->r.number = ++a->last_number;
    x->r.face = c->wire->face;
    x->came_ns = uv_hrtime();
    x->r.peer = peer_text(x, c->wire);
    list_append(&a->exchanges, &x->link);
    c->x = x;
    return x;
}

void exchange_free(struct exchange *x)
{
    list_remove(&x->link);
    pace_left(x);
    access_release(x->r.who);
    bytes_free(&x->body);
    arena_fini(&x->arena);
    free(x);
}

/* ---- clients ---- */

static void end_client(struct client *c)
{
    c->state = CLIENT_ENDING;
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    wire_end(c->wire);
}

static void await_head(struct client *c)
{
    struct api *a = c->api;
    c->state = CLIENT_HEAD;
    c->complete = false;
    c->fault = 0;
    c->begun_ms = 0;
    list_remove(&c->idle);
    if (bytes_left(&c->in) == 0) {
        bytes_free(&c->in);
        list_append(&a->idle, &c->idle);
        c->idle_ms = wire_now(a->wire);
    }
    timer_set(wire_wheel(a->wire), &c->timer, wire_now(a->wire) + a->config.idle_ms);
}

void exchange_finish(struct exchange *x)
{
    struct client *c = x->client;
    bool keep = x->keep && !x->early;
    exchange_free(x);
    if (c == NULL) {
        return;
    }
    c->x = NULL;
    c->served = true;
    if (!keep || c->api->draining || c->wire->eof) {
        end_client(c);
        return;
    }
    await_head(c);
    wire_pause(c->wire, false);
    client_serve(c);
}

/** What has come of a request goes no further: its answer, which follows, is the last.
    @return false: no memory, dropped */
static bool take_over(struct client *c)
{
    struct exchange *x = c->x != NULL ? c->x : exchange_new(c);
    if (x == NULL) {
        wire_drop(c->wire);
        return false;
    }
    x->early = true;
    x->keep = false;
    c->state = CLIENT_BUSY;
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    list_remove(&c->idle);
    return true;
}

void client_refuse(struct client *c, unsigned status, const char *code, const char *why)
{
    if (take_over(c)) {
        count_one(status == 408 ? &c->api->count.closed_slow : &c->api->count.closed_bad);
        api_refuse(&c->x->r, status, code, "%s", why);
    }
}

static void on_client_timer(struct timer *t, uint64_t now_ms)
{
    struct client *c = list_entry(t, struct client, timer);
    switch (c->state) {
    case CLIENT_SOCKET:
        socket_tick(c, now_ms);
        break;
    case CLIENT_HEAD:
        if (c->begun_ms == 0) {
            end_client(c); /* idle */
            break;
        }
        client_refuse(c, 408, "requestTimeout",
                      "The head of the request did not come in time.");
        break;
    case CLIENT_BODY:
        client_refuse(c, 408, "requestTimeout",
                      "The body of the request did not come in time.");
        break;
    default:
        break;
    }
}

/* ---- what he sends ---- */

static void dispatch(struct client *c)
{
    struct exchange *x = c->x;
    c->state = CLIENT_BUSY;
    timer_stop(wire_wheel(c->api->wire), &c->timer);
    x->r.body = bytes_str(&x->body);
    heard_request(x);
    if (x->r.route->socket && !x->upgrade) {
        api_refuse(&x->r, 426, "webSocketWanted", "Here is a WebSocket (RFC 6455).");
    } else if (judge_request(x)) {
        x->r.route->handler(&x->r);
    }
}

/** @return false: nothing more can be done now */
static bool feed_body(struct client *c)
{
    if (!client_read_body(c) || !c->complete) {
        return false;
    }
    dispatch(c);
    return true;
}

/** A whole head: read, judged; then the body, or the handler. */
static void take_head(struct client *c, struct str head)
{
    struct exchange *x = exchange_new(c);
    struct str copy = x != NULL ? arena_dup(&x->arena, head) : STR_NONE;
    bool waits = false;
    if (copy.p == NULL) {
        wire_drop(c->wire);
        return;
    }
    c->in.from += head.n;
    c->state = CLIENT_BODY;
    list_remove(&c->idle);
    count_one(&c->api->count.requests);
    if (!client_read_head(c, copy, &waits)) {
        return;
    }
    if (c->complete) {
        dispatch(c);
    } else if (waits) {
        static const struct str go_on = STR_INIT("HTTP/1.1 100 Continue\r\n\r\n");
        (void)wire_send(c->wire, &go_on, 1);
    }
}

/** @return false: it is not whole */
static bool look_for_head(struct client *c)
{
    struct api *a = c->api;
    struct str all;
    size_t end;
    while (bytes_left(&c->in) > 0 &&
           (c->in.p[c->in.from] == '\r' || c->in.p[c->in.from] == '\n')) {
        c->in.from++; /* RFC 9112 §2.2 */
    }
    all = bytes_str(&c->in);
    if (all.n == 0) {
        return false;
    }
    if (c->begun_ms == 0) {
        c->begun_ms = wire_now(a->wire);
        list_remove(&c->idle);
        timer_set(wire_wheel(a->wire), &c->timer, c->begun_ms + a->config.request_ms);
    }
    end = str_find(str_upto(all, API_HEAD_MAX), STR("\r\n\r\n"));
    if (end < all.n && end + 4 <= API_HEAD_MAX) {
        take_head(c, str_upto(all, end + 4));
        return true;
    }
    if (all.n >= API_HEAD_MAX) {
        bool line = str_find(str_upto(all, API_HEAD_MAX), STR("\r\n")) >= API_HEAD_MAX;
        client_refuse(c, line ? 414 : 431, line ? "targetTooLong" : "headTooLarge",
                      "The head of the request is longer than 16384 octets.");
    }
    return false;
}

void client_serve(struct client *c)
{
    if (c->serving) {
        return;
    }
    c->serving = true;
    bool more = true;
    while (more && !c->wire->dropped) {
        if (c->state == CLIENT_HEAD && wire_waits(c->wire) > c->api->config.client_buffer / 2) {
            break; /* he does not take what he has asked for */
        }
        more = c->state == CLIENT_HEAD   ? look_for_head(c)
               : c->state == CLIENT_BODY ? feed_body(c)
                                         : false;
    }
    c->serving = false;
    if (c->state == CLIENT_ENDING || c->wire->dropped) {
        return;
    }
    wire_pause(c->wire, bytes_left(&c->in) > API_AHEAD_MAX);
}

/* ---- what the wire tells ---- */

static void turn_away(struct api *a, struct wire_conn *w)
{
    char room[512];
    struct out o;
    out_init(&o, room, sizeof(room));
    answer_full(&o);
    struct str text = out_str_of(&o);
    count_one(&a->count.turned_away);
    if (w->tls == NULL) { /* else there is nobody to talk to before the handshake */
        (void)wire_send(w, &text, 1);
    }
}

/** Of the UNIX socket, which is for who runs the server? It has as many places of its own. */
static bool is_local(const struct wire_conn *w)
{
    return w->face == API_FACE_UNIX;
}

/** Who has been idle longest gives his place; not who has just come: his request is on its way.
 */
static bool make_room(struct api *a, const struct wire_conn *w)
{
    uint32_t n = is_local(w) ? a->local_count : a->client_count - a->local_count;
    if (n < a->config.max_clients) {
        return true;
    }
    list_each(it, &a->idle)
    {
        struct client *oldest = list_entry(it, struct client, idle);
        if (wire_now(a->wire) - oldest->idle_ms < EVICT_MS) {
            break;
        }
        if (is_local(oldest->wire) == is_local(w)) {
            list_remove(&oldest->idle);
            end_client(oldest);
            return true;
        }
    }
    return false;
}

/** Nobody beyond this machine takes all places for himself. */
static bool has_too_many(const struct api *a, const struct wire_conn *w)
{
    uint32_t n = 0;
    if (w->face == API_FACE_UNIX || addr_is_loopback(&w->remote)) {
        return false;
    }
    list_each(it, &a->clients)
    {
        n += addr_ip_eq(&list_entry(it, struct client, link)->wire->remote, &w->remote);
    }
    return n >= a->config.max_per_address;
}

static bool on_opened(void *ctx, struct wire_conn *w)
{
    struct api *a = ctx;
    struct client *c;
    if (has_too_many(a, w) || !make_room(a, w) || (c = calloc(1, sizeof(*c))) == NULL) {
        turn_away(a, w);
        return false;
    }
    count_one(&a->count.accepted);
    a->client_count++;
    a->local_count += is_local(w);
    count_one(&a->count.clients);
    c->api = a;
    c->wire = w;
    w->user = c;
    timer_init(&c->timer, on_client_timer);
    list_append(&a->clients, &c->link);
    await_head(c);
    return true;
}

static void on_input(struct wire_conn *w, struct str bytes)
{
    struct client *c = w->user;
    atomic_fetch_add_explicit(&c->api->count.octets_in, bytes.n, memory_order_relaxed);
    if (c->state == CLIENT_SOCKET) {
        socket_input(c, bytes);
        return;
    }
    if (c->state == CLIENT_ENDING) {
        return;
    }
    if (!bytes_add(&c->in, bytes)) {
        wire_drop(w);
        return;
    }
    client_serve(c);
}

/** Half closed: who asked may still be waiting for his answer; who only listens is gone. */
static void on_eof(struct wire_conn *w)
{
    struct client *c = w->user;
    if (c->state != CLIENT_BUSY) {
        end_client(c);
    }
    if (c->state == CLIENT_ENDING && c->x != NULL) {
        wire_drop(w);
    }
}

static void on_drained(struct wire_conn *w)
{
    struct client *c = w->user;
    if (c->state == CLIENT_STREAM) {
        stream_drained(c->x);
    } else if (c->state == CLIENT_SOCKET) {
        socket_drained(c->x);
    } else if (c->state != CLIENT_ENDING) {
        client_serve(c);
    }
}

static void on_closed(struct wire_conn *w)
{
    struct client *c = w->user;
    struct api *a = c->api;
    struct exchange *x = c->x;
    enum client_state was = c->state;
    timer_stop(wire_wheel(a->wire), &c->timer);
    c->state = CLIENT_ENDING;
    list_remove(&c->link);
    list_remove(&c->idle);
    a->client_count--;
    a->local_count -= is_local(w);
    atomic_fetch_sub_explicit(&a->count.clients, 1, memory_order_relaxed);
    if (x != NULL) {
        x->client = NULL;
        if (!x->away) {
            x->r.gone = true;
        }
        if (x->socket != NULL) {
            socket_closed(x);
        } else if (x->stream != NULL) {
            stream_closed(x);
        } else if (was == CLIENT_HEAD || was == CLIENT_BODY) {
            exchange_free(x); /* no handler has heard of it */
        }
    }
    bytes_free(&c->in);
    if (c->frames != NULL) {
        wslay_event_context_free(c->frames);
    }
    free(c);
}

static void on_woken(void *ctx)
{
    struct api *a = ctx;
    jobs_home(a);
    api_look_around(a);
}

const struct wire_handler api_wire_handler = {
    .opened = on_opened,
    .input = on_input,
    .eof = on_eof,
    .drained = on_drained,
    .closed = on_closed,
    .woken = on_woken,
};

/** Of whom no answer is owed yet. Who has just come has asked something, or is about to: closed
    without a word he could not know that nothing was done. One that was served is idle, and
    RFC 9112 §9.5 has it closed like that. */
static void send_away(struct client *c)
{
    if (c->wire->shaking || (c->served && c->begun_ms == 0)) {
        end_client(c);
    } else if (take_over(c)) {
        api_busy(&c->x->r, E_STATE);
    }
}

void clients_drain(struct api *a)
{
    list_each(it, &a->clients)
    {
        struct client *c = list_entry(it, struct client, link);
        if (c->state == CLIENT_SOCKET) {
            socket_leave(c);
        } else if (c->state == CLIENT_STREAM) {
            (c->x->stream->whole ? api_stream_cut : api_stream_end)(&c->x->r);
        } else if (c->state == CLIENT_BUSY && c->x != NULL && c->x->away) {
            c->x->away = false; /* the engine has ended: it is ours again */
            api_busy(&c->x->r, E_STATE);
        } else if (c->state == CLIENT_HEAD || c->state == CLIENT_BODY) {
            send_away(c);
        }
    }
}
