/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/stream: events over a WebSocket, subprotocol baton.v1 (docs/events.md).
 *
 *   open ──► (auth ──►) subscribe ──► subscribed, events … ──► subscribe anew, unsubscribe
 *
 * What a client says is one JSON object with `op`; what it is told is an object with `op`, or
 * an event. Who comes without credentials, as pages of browsers must, has AUTH_MS to say `auth`
 * with a token, or offers it as a subprotocol `bearer.TOKEN`; it is never part of the URL.
 *
 * One socket has one subscription; to subscribe again replaces it. A message that is none is
 * answered with `error`, and the socket stays; ERRORS_MAX of them, and it is closed.
 */
#include "api/events.h"
#include "api/handlers.h"
#include "api/parts.h"
#include "base/err.h"

enum { AUTH_MS = 10000, ERRORS_MAX = 20, CODE_AUTH = 4001, CODE_SLOW = 4008, CODE_MANY = 4029 };

struct socket {
    struct feed_reader reader;
    struct api_request *r;
    struct snapshot *snapshot;
    struct timer auth;
    struct arena choice; /**< strings of the filter */
    unsigned errors;
    bool known; /**< who it is */
    bool closing;
};

static struct socket *socket_of(const struct feed_reader *r)
{
    return container_of((struct feed_reader *)(uintptr_t)r, struct socket, reader);
}

static const char too_many[] = "there are as many streams as one may hold";

/* ---- out ---- */

static void say(struct socket *s, json_t *msg)
{
    char *text = msg != NULL ? json_dumps(msg, JSON_COMPACT) : NULL;

    if (text != NULL) {
        (void)!api_socket_send(s->r, str_c(text));
    }
    free(text);
    json_decref(msg);
}

static void close_with(struct socket *s, unsigned code, const char *why)
{
    s->closing = true;
    feed_close(&s->reader);
    api_socket_close(s->r, code, str_c(why));
}

static void say_error(struct socket *s, const char *code, const char *why)
{
    say(s, json_pack("{s:s,s:s,s:s}", "op", "error", "code", code, "detail", why));
    if (++s->errors == ERRORS_MAX) {
        close_with(s, 1008, "too many messages that are none");
    }
}

static json_t *number_json(uint64_t n)
{
    char text[24];
    struct out o;

    out_init(&o, text, sizeof(text));
    out_u64(&o, n);
    return json_stringn(text, o.n);
}

/* ---- events ---- */

static int on_event(struct feed_reader *reader, const struct feed_event *e)
{
    return api_socket_send(socket_of(reader)->r, e->e.text);
}

static void on_beat(struct feed_reader *reader)
{
    say(socket_of(reader),
        json_pack("{s:s,s:o}", "op", "heartbeat", "sequence", number_json(reader->after)));
}

static void on_placed(struct feed_reader *reader)
{
    say(socket_of(reader),
        json_pack("{s:s,s:o}", "op", "subscribed", "sequence", number_json(reader->after)));
}

static bool on_may(const struct feed_reader *reader, const struct cloud_event *e)
{
    return feed_may(socket_of(reader)->r->who, e);
}

static bool on_alive(const struct feed_reader *reader, uint64_t now_ms)
{
    const struct api_request *r = socket_of(reader)->r;

    (void)now_ms;
    return access_alive(r->who, events_wall_ms(api_events(r->api)));
}

static void on_end(struct feed_reader *reader, enum feed_end why)
{
    struct socket *s = socket_of(reader);

    if (why == FEED_DENIED) {
        close_with(s, CODE_AUTH, "the token is not good any more");
    } else {
        close_with(s, CODE_SLOW, "too slow: nothing was taken");
    }
}

static const struct feed_sink sink = {on_event, on_beat, on_may, on_alive, on_end, on_placed};

static void on_snapshot(void *owner, int err, const struct feed_event *e)
{
    struct socket *s = owner;

    s->snapshot = NULL;
    err = err != 0 ? err : api_socket_send(s->r, e->e.text);
    if (err != 0) {
        say_error(s, err == E_TOOBIG ? "snapshotTooBig" : "noSnapshot",
                  err == E_TOOBIG ? SNAPSHOT_TOO_BIG : "There is no snapshot now; ask again.");
        return;
    }
    feed_open(events_feed(api_events(s->r->api)), &s->reader, FEED_AFTER, e->e.number,
              api_now(s->r->api));
}

/* ---- what is said to us ---- */

static void leave(struct socket *s)
{
    snapshot_forget(s->snapshot);
    s->snapshot = NULL;
    feed_close(&s->reader);
    arena_reset(&s->choice);
}

static void do_subscribe(struct socket *s, const json_t *msg)
{
    struct api_events *ev = api_events(s->r->api);
    const char *why = "";
    struct choice c;

    leave(s);
    if (!choice_of_json(msg, &s->choice, &c, &why)) {
        say_error(s, "badSubscription", why);
        return;
    }
    s->reader = (struct feed_reader){.sink = &sink,
                                     .filter = c.filter,
                                     .kind = "websocket",
                                     .name = s->r->who->name,
                                     .peer = s->r->peer};
    if (!c.snapshot) {
        feed_open(events_feed(ev), &s->reader, c.from, c.after, api_now(s->r->api));
        return;
    }
    s->snapshot = snapshot_ask(ev, s->r->who, &s->reader.filter, on_snapshot, s);
    if (s->snapshot == NULL) {
        say_error(s, "noSnapshot", "The server has too much to do for a snapshot; ask again.");
    }
}

static void do_ack(struct socket *s, const json_t *msg)
{
    const json_t *v = json_object_get(msg, "sequence");
    uint64_t n;

    if (!json_is_string(v) ||
        !str_to_u64(str_make(json_string_value(v), json_string_length(v)), INT64_MAX, &n)) {
        say_error(s, "badAck", "`sequence` is that of an event, a string.");
    } else if (n <= s->reader.after && n > s->reader.acked) {
        s->reader.acked = n;
    }
}

static void do_auth(struct socket *s, const json_t *msg)
{
    const json_t *v = json_object_get(msg, "token");

    if (!json_is_string(v) ||
        !allow_by_token(s->r, str_make(json_string_value(v), json_string_length(v)))) {
        close_with(s, CODE_AUTH, "this token is not known, or not for this");
        return;
    }
    if (!pace_enter(s->r)) {
        close_with(s, CODE_MANY, too_many);
        return;
    }
    s->known = true;
    s->reader.name = s->r->who->name; /* of one who shows another token on the way */
    timer_stop(api_wheel(s->r->api), &s->auth);
    say(s,
        json_pack("{s:s,s:s%}", "op", "welcome", "who", s->r->who->name.p, s->r->who->name.n));
}

static void serve(struct socket *s, const json_t *msg)
{
    const char *op = json_string_value(json_object_get(msg, "op"));

    if (op == NULL) {
        say_error(s, "badMessage", "A message is a JSON object with `op`.");
    } else if (strcmp(op, "auth") == 0) {
        do_auth(s, msg);
    } else if (!s->known) {
        close_with(s, CODE_AUTH, "`auth` comes first");
    } else if (strcmp(op, "subscribe") == 0) {
        do_subscribe(s, msg);
    } else if (strcmp(op, "unsubscribe") == 0) {
        leave(s);
        say(s, json_pack("{s:s}", "op", "unsubscribed"));
    } else if (strcmp(op, "ack") == 0) {
        do_ack(s, msg);
    } else if (strcmp(op, "ping") == 0) {
        say(s, json_pack("{s:s,s:o}", "op", "pong", "sequence", number_json(s->reader.after)));
    } else {
        say_error(s, "unknownOp", "`op` is auth, subscribe, unsubscribe, ack or ping.");
    }
}

static void on_message(struct api_request *r, struct str text)
{
    struct socket *s = r->ctx;
    json_t *msg;

    if (s->closing) {
        return;
    }
    uint32_t wait_s = pace_ask(r);
    if (wait_s > 0) {
        say_error(s, "tooManyRequests", "More messages in a second than api.requests_per_s.");
        return;
    }
    msg = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    serve(s, msg); /* NULL has no op */
    json_decref(msg);
}

static void on_writable(struct api_request *r)
{
    feed_go(&((struct socket *)r->ctx)->reader, api_now(r->api));
}

static void on_closed(struct api_request *r)
{
    struct socket *s = r->ctx;

    leave(s);
    timer_stop(api_wheel(r->api), &s->auth);
    arena_fini(&s->choice);
}

static const struct api_socket_ops socket_ops = {
    .message = on_message, .writable = on_writable, .closed = on_closed};

static void on_auth_late(struct timer *t, uint64_t now_ms)
{
    struct socket *s = container_of(t, struct socket, auth);

    (void)now_ms;
    close_with(s, CODE_AUTH, "nobody has said who it is");
}

/** What the client offers: ours, and perhaps its token. @return ours is among it */
static bool read_offer(struct socket *s)
{
    struct str offer = s->r->field[API_WS_PROTOCOL];
    bool ours = false;

    while (offer.n > 0) {
        struct str one = str_upto(offer, str_index(offer, ','));
        offer = str_from(offer, one.n + 1);
        one = str_trim(one);
        ours = ours || str_eq(one, STR("baton.v1"));
        if (!s->known && str_starts(one, STR("bearer."))) {
            s->known = allow_by_token(s->r, str_from(one, sizeof("bearer.") - 1));
        }
    }
    return ours;
}

void api_get_stream(struct api_request *r)
{
    struct socket *s;
    bool ours;

    if (!events_there(r)) {
        return;
    }
    s = arena_zalloc(r->arena, sizeof(*s));
    if (s == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    s->r = r;
    s->known = access_may_some(r->who, ACCESS_OBSERVE);
    arena_init(&s->choice, &mem_libc, 1024);
    timer_init(&s->auth, on_auth_late);
    r->ctx = s;
    ours = read_offer(s);
    if (s->known && !pace_stream(r)) {
        return;
    }
    if (!s->known) {
        timer_set(api_wheel(r->api), &s->auth, api_now(r->api) + AUTH_MS);
    }
    api_socket_accept(r, ours ? STR("baton.v1") : STR_NONE, &socket_ops);
}
