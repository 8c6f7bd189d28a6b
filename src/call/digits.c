/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GenerateDigits: digits to the other end of a call, without media of our own (TR/87 7.13).
 *
 * Telephone-events (RFC 4733) are part of the media, which does not pass here; what a bridge
 * can send is INFO inside the dialog (RFC 6086 §2). One digit a message, as all who understand
 * it expect:
 *
 *   application/dtmf-relay     "Signal=5\r\nDuration=100\r\n"     tried first: it has a
 * duration application/dtmf           "5"                                after a 415 to that
 *
 *   SENDING ── 2xx ─► WAITING (tone and pause) ─► the next one … ─► DigitsGenerated
 *
 * The far end has no way when its Allow has no INFO, or when it refuses the first one: then
 * the service is refused and nothing is told. Once the first was taken the service is answered;
 * when a later one is refused the rest is dropped, and the event has what was taken.
 *
 * Other procedures of the call go on meanwhile; the digits end with the call, or when it
 * changes hands. One run at a time for a call.
 */
#include "call/parts.h"

enum {
    TONE_MS = 100,
    PAUSE_MS = 70,
    COMMA_MS = 1000,
    LONGEST_MS = 10000,
};

struct digits {
    struct call *call;
    struct connection *conn, *to;
    char text[CALL_DIGITS_MAX]; /**< in capitals */
    size_t n, at;
    char taken[CALL_DIGITS_MAX];
    size_t taken_n;
    uint32_t tone_ms, pause_ms;
    bool plain; /**< application/dtmf */
    call_done_fn fn;
    void *owner;
    struct leg_request *request;
    struct timer timer;
};

static void go_on(struct digits *d, uint64_t now_ms);

void digits_pool_init(struct call_layer *l)
{
    pool_init(&l->digits_pool, &l->env->mem, sizeof(struct digits), 4, 0);
}

static void digits_free(struct digits *d)
{
    struct call *c = d->call;

    timer_stop(c->layer->wheel, &d->timer);
    if (d->request != NULL) {
        leg_request_detach(d->request);
    }
    c->digits = NULL;
    pool_put(&c->layer->digits_pool, d);
}

void digits_fini(struct call *c)
{
    if (c->digits != NULL) {
        digits_free(c->digits);
    }
}

void digits_forget(struct call *c, const void *owner)
{
    if (c->digits != NULL && c->digits->owner == owner) {
        c->digits->fn = NULL;
    }
}

static void answer(struct digits *d, enum call_error err, unsigned status, uint64_t now_ms)
{
    call_done_fn fn = d->fn;

    d->fn = NULL;
    if (fn != NULL) {
        fn(d->owner, err, status, now_ms);
    }
}

/** No more of them: tell what was taken. */
static void over(struct digits *d, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct str taken = arena_dup(d->call->layer->scratch, str_make(d->taken, d->taken_n));
    struct connection *conn = d->conn;
    struct call_event e =
        call_event_make(d->call, CALL_EV_DIGITS_GENERATED, conn, "normal", now_ms);

    e.digits = taken;
    e.tone_ms = d->tone_ms;
    e.pause_ms = d->pause_ms;
    answer(d, err, status, now_ms);
    digits_free(d);
    if (taken.n > 0 && !conn->ended) {
        call_tell(&e);
    }
}

void digits_stop(struct call *c, uint64_t now_ms)
{
    if (c->digits != NULL) {
        over(c->digits, CALL_GONE, 0, now_ms);
    }
}

/** It would take the same in other words (RFC 3261 §21.4.13). */
static bool wants_plain(const struct digits *d, unsigned status, const struct sip_msg *m)
{
    return status == 415 && !d->plain &&
           (m == NULL || m->count[SIP_HDR_ACCEPT] == 0 ||
            sip_msg_has_token(m, SIP_HDR_ACCEPT, STR("application/dtmf")));
}

static void on_response(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct digits *d = r->owner;

    if (status < 200) {
        return;
    }
    d->request = NULL;
    if (wants_plain(d, status, m)) {
        d->plain = true;
        go_on(d, now_ms);
        return;
    }
    if (status >= 300) {
        over(d, CALL_REFUSED, status, now_ms);
        return;
    }
    d->taken[d->taken_n++] = d->text[d->at++];
    answer(d, CALL_OK, 0, now_ms);
    timer_set(d->call->layer->wheel, &d->timer, now_ms + d->tone_ms + d->pause_ms);
}

static void send_one(struct digits *d, uint64_t now_ms)
{
    struct arena *a = d->call->layer->scratch;
    char c = d->text[d->at];
    struct leg_content content = {.type = STR("application/dtmf-relay")};
    struct leg *leg = connection_leg(d->to);

    if (d->plain) {
        content.type = STR("application/dtmf");
        content.body = str_make(&d->text[d->at], 1);
    } else {
        content.body = arena_fmt(a, "Signal=%c\r\nDuration=%u\r\n", c, d->tone_ms);
    }
    if (leg == NULL || leg->state != LEG_CONFIRMED || call_other(d->conn) != d->to) {
        over(d, CALL_GONE, 0, now_ms); /* a transfer, or the phone is in another call */
    } else if (content.body.n == 0 || leg_send(leg, NULL, STR("INFO"), &content, on_response, d,
                                               &d->request, now_ms) != 0) {
        over(d, CALL_NO_RESOURCES, 0, now_ms);
    }
}

static void go_on(struct digits *d, uint64_t now_ms)
{
    if (d->at == d->n) {
        over(d, CALL_OK, 0, now_ms);
    } else if (d->text[d->at] == ',') {
        d->at++;
        timer_set(d->call->layer->wheel, &d->timer, now_ms + COMMA_MS);
    } else {
        send_one(d, now_ms);
    }
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    go_on(container_of(t, struct digits, timer), now_ms);
}

/** In capitals. @return false: there is something else than digits, or none */
static bool take(struct digits *d, struct str text)
{
    static const char known[] = "0123456789*#ABCD,";
    bool any = false;

    if (text.n == 0 || text.n > sizeof(d->text)) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        char c =
            text.p[i] >= 'a' && text.p[i] <= 'd' ? (char)(text.p[i] - 'a' + 'A') : text.p[i];
        if (c == '\0' || strchr(known, c) == NULL) {
            return false;
        }
        any = any || c != ',';
        d->text[d->n++] = c;
    }
    return any;
}

static uint32_t within(uint32_t ms, uint32_t otherwise)
{
    return ms == 0 ? otherwise : ms > LONGEST_MS ? LONGEST_MS : ms;
}

enum call_error call_send_digits(struct connection *conn, const struct call_digits *args,
                                 call_done_fn fn, void *owner, uint64_t now_ms)
{
    struct call *c = conn->call;
    struct connection *to = call_other(conn);
    struct leg *leg = connection_leg(to);
    struct digits *d;

    if (conn->state != CONN_CONNECTED || leg == NULL || leg->state != LEG_CONFIRMED) {
        return CALL_BAD_STATE;
    }
    if (c->digits != NULL) {
        return CALL_BUSY_STEP;
    }
    if (leg->dialog->peer_methods != 0 &&
        (leg->dialog->peer_methods >> SIP_METHOD_INFO & 1U) == 0) {
        return CALL_UNSUPPORTED;
    }
    d = pool_get(&c->layer->digits_pool);
    if (d == NULL) {
        return CALL_NO_RESOURCES;
    }
    *d = (struct digits){.call = c, .conn = conn, .to = to};
    d->tone_ms = within(args->tone_ms, TONE_MS);
    d->pause_ms = within(args->pause_ms, PAUSE_MS);
    timer_init(&d->timer, on_timer);
    c->digits = d;
    if (!take(d, args->digits)) {
        digits_free(d);
        return CALL_UNKNOWN_DESTINATION;
    }
    d->fn = fn;
    d->owner = owner;
    go_on(d, now_ms);
    return CALL_OK;
}
