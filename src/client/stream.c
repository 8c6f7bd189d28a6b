/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream of events: GET /v1/events (Server-Sent Events), again and again.
 *
 *   connect ──► events into the queue ──► the connection ends, or is silent ──► wait ──►
 * connect … └──► a refusal that waiting does not mend, as the answer or as `event: problem`:
 * ended
 *
 * WHERE IT IS. `last` is the number of the newest event that was read; a new connection begins
 * behind it (Last-Event-ID), and what is not above it is not told twice. An `id` without an
 * event moves it, too: up to there is nothing for us. A gap moves it to the gap's end; when the
 * journal is another one (reason `reset`) its numbers begin anew, below the one that we had.
 *
 * BOUND. With QUEUE_MOST events that nobody has taken, or OCTETS_MOST of them, nothing more is
 * read; TCP tells the server, and its journal keeps the rest. Waits grow until a connection has
 * told something: one that is taken and dropped at once is no reason to hurry. One gap after
 * the other is none, either: who begins anew does so once in RENEW_MS.
 */
#include "client/parts.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { QUEUE_MOST = 256, QUEUE_LOW = 64, OCTETS_MOST = 32 << 20, PATH_MAX_LEN = 8192 };
enum { RENEW_MS = 1000 };

/* ---- what comes ---- */

/** "org.baton.csta.delivered.v1" as "delivered". */
static void short_type(const char *type, char *out, size_t cap)
{
    struct str t = str_c(type);

    if (str_starts(t, STR("org.baton."))) {
        t = str_from(t, 10);
        t = str_from(t, str_starts(t, STR("csta.")) ? 5 : 0);
        t = str_upto(t, str_index(t, '.'));
    }
    (void)snprintf(out, cap, "%.*s", STR_ARG(t));
}

/** The message of CSTA among what describes it. */
static const json_t *csta_in(const json_t *data)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)data, name, value)
    {
        if (name[0] >= 'A' && name[0] <= 'Z' && json_is_object(value)) {
            return value;
        }
    }
    return NULL;
}

static void free_event(struct event *e)
{
    if (e != NULL) {
        json_decref(e->json);
        free(e);
    }
}

/** @param json  taken over */
static bool enqueue(struct baton_stream *s, enum baton_event_kind kind, json_t *json)
{
    struct event *e = calloc(1, sizeof(*e));

    if (e == NULL) {
        json_decref(json);
        return false;
    }
    short_type(baton_text(json, "type"), e->type, sizeof(e->type));
    text_copy(e->sequence, sizeof(e->sequence), baton_text(json, "sequence"));
    (void)baton_number(baton_at(json, "data.ids.deviceID"), e->number, sizeof(e->number));
    e->json = json;
    e->e = (struct baton_event){.kind = kind,
                                .type = e->type,
                                .sequence = e->sequence,
                                .call = baton_text(json, "data.ids.callID"),
                                .device = e->number,
                                .csta = csta_in(baton_at(json, "data")),
                                .json = json};
    e->octets = s->reading;
    list_append(&s->queue, &e->link);
    s->queued++;
    s->octets += e->octets;
    return true;
}

static bool number_at(const json_t *json, const char *path, uint64_t *out)
{
    return str_to_u64(str_c(baton_text(json, path)), INT64_MAX, out);
}

static void heard(struct baton_stream *s)
{
    s->open = true;
    s->tries = 0;
}

/** There is nothing for us up to there. */
static void place(struct baton_stream *s, struct str id)
{
    uint64_t at;

    heard(s);
    if (!str_to_u64(id, INT64_MAX, &at) || (s->has_last && at <= s->last)) {
        return;
    }
    s->last = at;
    s->has_last = true;
    if (s->queued == 0) {
        (void)snprintf(s->given, sizeof(s->given), "%" PRIu64, at);
    }
}

/** @return false: this connection is of no more use */
static bool take_gap(struct baton_stream *s, json_t *json)
{
    uint64_t from = 0, to = 0;
    bool reset = strcmp(baton_text(json, "data.reason"), "reset") == 0;

    (void)number_at(json, "data.from", &from);
    (void)number_at(json, "data.to", &to);
    if (reset) {
        s->last = from > 0 ? from - 1 : 0;
    } else if (!s->has_last || to > s->last) {
        s->last = to;
    }
    s->has_last = true;
    s->anew = strcmp(s->from, "snapshot") == 0; /* the present, instead of what led to it */
    return enqueue(s, BATON_GAP, json) && !s->anew;
}

static bool take_event(struct baton_stream *s, json_t *json)
{
    const char *type = baton_text(json, "type");
    bool snapshot = strcmp(type, "org.baton.snapshot.v1") == 0;
    uint64_t at = 0;

    heard(s);
    if (strcmp(type, "org.baton.gap.v1") == 0) {
        return take_gap(s, json);
    }
    if (!number_at(json, "sequence", &at) || (!snapshot && s->has_last && at <= s->last)) {
        json_decref(json); /* had it */
        return true;
    }
    s->last = at;
    s->has_last = true;
    return enqueue(s, snapshot ? BATON_SNAPSHOT : BATON_EVENT, json);
}

/** What the server says before it ends a stream: 4xx would be said again. */
static void take_problem(struct baton_stream *s, const json_t *json)
{
    long status = (long)json_integer_value(json_object_get(json, "status"));

    if (status >= 400 && status < 500 && status != 408 && status != 429) {
        problem_of_answer(&s->problem, status, json);
        s->refused = true;
    }
}

static bool on_sse(void *ctx, const struct sse_event *e)
{
    struct baton_stream *s = ctx;
    json_t *json;

    if (s->anew || s->refused) {
        return false;
    }
    if (str_eq(e->type, STR("problem"))) {
        json = json_loadb(e->data.p, e->data.n, 0, NULL);
        take_problem(s, json);
        json_decref(json);
        return !s->refused;
    }
    if (e->data.n == 0) {
        place(s, e->id);
        return true;
    }
    s->reading = e->data.n;
    json = json_loadb(e->data.p, e->data.n, JSON_ALLOW_NUL, NULL);
    return json == NULL || take_event(s, json);
}

static size_t on_take(struct transfer *t, const char *p, size_t n)
{
    struct baton_stream *s = container_of(t, struct baton_stream, t);

    if (s->queued >= QUEUE_MOST || s->octets >= OCTETS_MOST) {
        return CURL_WRITEFUNC_PAUSE;
    }
    return sse_read(&s->sse, str_make(p, n)) ? n : 0;
}

/* ---- one connection after the other ---- */

static void finish(struct baton_stream *s)
{
    s->ended = true;
    later_stop(&s->again);
    later_set(s->c, &s->again, client_now()); /* so that a loop wakes up for it */
}

static void go(struct baton_stream *s)
{
    char path[PATH_MAX_LEN], last[64];
    struct transfer_how how = {.method = "GET", .path = path, .accept = "text/event-stream"};
    char from[128];
    int err;

    if (s->anew) {
        s->anew = s->has_last = false;
    }
    (void)baton_path(from, sizeof(from), "%s", s->from);
    (void)snprintf(path, sizeof(path), "/v1/events?from=%s%s", from, s->query);
    if (s->has_last) {
        (void)snprintf(last, sizeof(last), "Last-Event-ID: %" PRIu64, s->last);
        how.extra[0] = last;
    }
    how.silence_ms = s->c->silence_ms;
    sse_fini(&s->sse);
    sse_init(&s->sse, on_sse, s);
    err = transfer_begin(&s->t, &how);
    if (err == BATON_WRONG) {
        problem_set(&s->problem, "wrong", "No such request",
                    "The token cannot be sent as it is.");
        finish(s);
    } else if (err != 0) {
        later_set(s->c, &s->again, client_now() + client_backoff(s->c, s->tries++));
    }
}

static void on_again(struct later *l)
{
    struct baton_stream *s = container_of(l, struct baton_stream, again);

    if (!s->ended) {
        go(s);
    }
}

/** @return milliseconds until it may begin anew */
static uint64_t renewal(struct baton_stream *s)
{
    uint64_t now = client_now(), at = s->renewed_ms + RENEW_MS;

    s->renewed_ms = s->renewed_ms != 0 && at > now ? at : now;
    return s->renewed_ms - now;
}

static void on_ended(struct transfer *t, CURLcode code)
{
    struct baton_stream *s = container_of(t, struct baton_stream, t);
    bool broken = t->status == 200; /* it stood, whatever ended it */
    uint64_t wait = s->anew ? renewal(s) : client_backoff(s->c, s->tries);
    json_t *json = t->text != NULL ? json_loadb(t->text, t->text_len, 0, NULL) : NULL;

    s->open = false;
    if (s->refused) {
        finish(s);
    } else if (!broken && code != CURLE_OK && !problem_is_passing(t, code, NULL)) {
        (void)problem_of_transfer(&s->problem, t, code);
        finish(s);
    } else if (!broken && code == CURLE_OK && t->status < 500 && t->status != 408 &&
               t->status != 429) {
        problem_of_answer(&s->problem, t->status, json);
        finish(s);
    } else {
        if (t->retry_after_s > 0 && t->retry_after_s <= 60 &&
            wait < (uint64_t)t->retry_after_s * 1000) {
            wait += (uint64_t)t->retry_after_s * 1000;
        }
        s->tries += !s->anew;
        later_set(s->c, &s->again, client_now() + wait);
    }
    json_decref(json);
}

/* ---- life ---- */

/** "&device=1001%2C10%2A": @return false: no memory, or far too long */
static bool add_choice(char **query, const char *name, const char *value)
{
    char encoded[PATH_MAX_LEN / 4], *more = NULL;

    if (value == NULL || value[0] == '\0') {
        return true;
    }
    if (baton_path(encoded, sizeof(encoded), "%s", value)[0] == '\0' ||
        asprintf(&more, "%s&%s=%s", *query, name, encoded) < 0) {
        return false;
    }
    free(*query);
    *query = more;
    return true;
}

struct baton_stream *baton_stream_open(struct baton_client *c,
                                       const struct baton_filter *filter, baton_event_fn fn,
                                       void *ctx)
{
    static const struct baton_filter all = {0};
    const struct baton_filter *f = filter != NULL ? filter : &all;
    struct baton_stream *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    s->c = c;
    s->fn = fn;
    s->ctx = ctx;
    s->t.c = c;
    s->t.take = on_take;
    s->t.ended = on_ended;
    s->again.fn = on_again;
    list_init(&s->queue);
    list_append(&c->streams, &s->link);
    s->from = strdup(f->from != NULL ? f->from : "now");
    s->query = strdup("");
    if (s->from == NULL || strlen(s->from) > 32 || s->query == NULL ||
        !add_choice(&s->query, "device", f->devices) ||
        !add_choice(&s->query, "type", f->types) || !add_choice(&s->query, "callID", f->call)) {
        stream_free(s);
        return NULL;
    }
    go(s);
    return s;
}

void stream_free(struct baton_stream *s)
{
    transfer_fini(&s->t);
    later_stop(&s->again);
    list_remove(&s->link);
    sse_fini(&s->sse);
    list_each(it, &s->queue)
    {
        free_event(list_entry(it, struct event, link));
    }
    free_event(s->current);
    free(s->from);
    free(s->query);
    free(s);
}

void baton_stream_close(struct baton_stream *s)
{
    if (s == NULL) {
        return;
    }
    if (s->inside) {
        s->closed = true;
    } else {
        stream_free(s);
    }
}

bool baton_stream_is_open(const struct baton_stream *s)
{
    return s->open;
}

const char *baton_stream_sequence(const struct baton_stream *s)
{
    return s->given;
}

const struct baton_problem *baton_stream_problem(const struct baton_stream *s)
{
    return s->ended ? &s->problem : NULL;
}

/* ---- taking ---- */

/** @return NULL: there is none */
static struct event *take(struct baton_stream *s)
{
    struct event *e;

    if (list_empty(&s->queue)) {
        return NULL;
    }
    e = list_entry(s->queue.next, struct event, link);
    list_remove(&e->link);
    s->queued--;
    s->octets -= e->octets;
    text_copy(s->given, sizeof(s->given), e->sequence);
    return e;
}

/** There is room again. Not while an event is read: libcurl may bring the next ones at once. */
static void read_on(struct baton_stream *s)
{
    if (s->t.paused && s->queued <= QUEUE_LOW) {
        transfer_resume(&s->t);
    }
}

const struct baton_event *baton_stream_next(struct baton_stream *s, int timeout_ms)
{
    uint64_t end = client_now() + (uint64_t)(timeout_ms > 0 ? timeout_ms : 0);
    bool looked = false;

    free_event(s->current);
    s->current = NULL;
    while (!s->c->stopped && (s->current = take(s)) == NULL && !s->ended) {
        uint64_t now = client_now();
        if (timeout_ms >= 0 && now >= end && looked) {
            return NULL;
        }
        read_on(s);
        client_step(s->c, timeout_ms < 0 ? -1 : (int)(now < end ? end - now : 0));
        looked = true;
    }
    read_on(s);
    return s->current != NULL ? &s->current->e : NULL;
}

static void tell_one(struct baton_stream *s, struct event *e)
{
    struct baton_client *c = s->c;

    list_remove(&s->link); /* the others have their turn, too */
    list_append(&c->streams, &s->link);
    s->told = s->told || e == NULL;
    s->inside = true;
    s->fn(s->ctx, s, e != NULL ? &e->e : NULL);
    s->inside = false;
    free_event(e);
    if (s->closed) {
        stream_free(s);
    } else {
        read_on(s);
    }
}

bool stream_tell(struct baton_client *c)
{
    list_each(it, &c->streams)
    {
        struct baton_stream *s = list_entry(it, struct baton_stream, link);
        struct event *e;
        if (s->fn == NULL || s->inside || s->closed) {
            continue;
        }
        e = take(s);
        if (e != NULL || (s->ended && !s->told)) {
            tell_one(s, e);
            return true;
        }
    }
    return false;
}
