/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/events: a stream of Server-Sent Events, or with `Accept: application/json` one page
 * of past events.
 *
 * `id:` is the sequence, so a client that comes again says by itself where it was
 * (Last-Event-ID). A client that was filtered out of everything is told now and then where it
 * stands: an `id:` without data is no event, but it is remembered.
 *
 * A stream that cannot go on says why before it ends: `event: problem`, with the problem that
 * would have been the answer (RFC 9457). So a client knows whether to come again.
 */
#include "api/events.h"
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "base/err.h"

/* ---- a stream ---- */

struct stream {
    struct feed_reader reader;
    struct api_request *r;
    struct snapshot *snapshot;
    bool over;
};

static struct stream *stream_of(const struct feed_reader *r)
{
    return container_of((struct feed_reader *)(uintptr_t)r, struct stream, reader);
}

static int on_event(struct feed_reader *reader, const struct feed_event *e)
{
    return api_stream_write(stream_of(reader)->r, e->sse);
}

static void say_place(struct feed_reader *reader)
{
    char line[64];
    struct out o;

    out_init(&o, line, sizeof(line));
    out_fmt(&o, ": here\nid: %llu\n\n", (unsigned long long)reader->after);
    (void)!api_stream_write(stream_of(reader)->r, out_str_of(&o));
}

static bool on_may(const struct feed_reader *reader, const struct cloud_event *e)
{
    return feed_may(stream_of(reader)->r->who, e);
}

static bool on_alive(const struct feed_reader *reader, uint64_t now_ms)
{
    const struct api_request *r = stream_of(reader)->r;

    (void)now_ms;
    return access_alive(r->who, events_wall_ms(api_events(r->api)));
}

static void on_end(struct feed_reader *reader, enum feed_end why)
{
    struct stream *s = stream_of(reader);

    if (why == FEED_DENIED) {
        stream_denied(s->r);
    } else {
        api_stream_end(s->r); /* of one that takes nothing */
    }
}

static const struct feed_sink sink = {on_event, say_place, on_may, on_alive, on_end, say_place};

static void on_writable(struct api_request *r)
{
    feed_go(&((struct stream *)r->ctx)->reader, api_now(r->api));
}

static void on_closed(struct api_request *r)
{
    struct stream *s = r->ctx;

    s->over = true;
    snapshot_forget(s->snapshot);
    feed_close(&s->reader);
}

static const struct api_stream_ops stream_ops = {.writable = on_writable, .closed = on_closed};

static void on_snapshot(void *owner, int err, const struct feed_event *e)
{
    struct stream *s = owner;

    s->snapshot = NULL;
    err = err != 0 ? err : api_stream_write(s->r, e->sse);
    if (err == E_TOOBIG) {
        static const struct api_fault fault = {.status = 413, .code = "snapshotTooBig"};
        api_stream_refuse(s->r, &fault, SNAPSHOT_TOO_BIG);
        return;
    }
    if (err != 0) {
        static const struct api_fault fault = {.status = 503, .code = "noSnapshot"};
        api_stream_refuse(s->r, &fault, "There is no snapshot now; come again.");
        return;
    }
    feed_open(events_feed(api_events(s->r->api)), &s->reader, FEED_AFTER, e->e.number,
              api_now(s->r->api));
}

static void begin_stream(struct api_request *r, const struct choice *c)
{
    static const struct api_header headers[] = {{"Cache-Control", STR_INIT("no-store")},
                                                {"X-Accel-Buffering", STR_INIT("no")}};
    struct api_events *ev = api_events(r->api);
    struct stream *s = arena_zalloc(r->arena, sizeof(*s));

    if (s == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    if (!pace_stream(r)) {
        return;
    }
    s->r = r;
    s->reader.sink = &sink;
    s->reader.filter = c->filter;
    s->reader.kind = "sse";
    s->reader.name = r->who->name;
    s->reader.peer = r->peer;
    r->ctx = s;
    if (c->snapshot) {
        s->snapshot = snapshot_ask(ev, r->who, &s->reader.filter, on_snapshot, s);
        if (s->snapshot == NULL) {
            api_busy(r, E_TOOMANY);
            return;
        }
    }
    api_stream_begin(r, 200, "text/event-stream", headers, ARRAY_LEN(headers), &stream_ops);
    (void)!api_stream_write(r, STR("retry: 2000\n\n"));
    if (!c->snapshot) {
        feed_open(events_feed(ev), &s->reader, c->from, c->after, api_now(r->api));
    }
}

/* ---- a page ---- */

struct page {
    struct feed_ask ask;
    struct api_request *r;
    struct choice choice;
};

static void put_items(struct page *p, const struct store_page *page, struct text *t)
{
    struct api_events *ev = api_events(p->r->api);
    struct cloud_event e;
    bool first = true;

    for (size_t i = 0; i < page->count && !t->failed; i++) {
        if (feed_make(events_feed(ev), &page->row[i], p->r->arena, &e) != 0) {
            t->failed = true;
        } else if (feed_wants(&p->choice.filter, &e) && feed_may(p->r->who, &e)) {
            text_c(t, first ? "" : ",");
            text_add(t, e.text);
            first = false;
        }
    }
}

static void put_gap(struct text *t, const struct store_page *page, const struct choice *c)
{
    if (page->gap_to != 0 && c->from != FEED_EARLIEST) {
        text_fmt(t, ",\"gap\":{\"from\":\"%llu\",\"to\":\"%llu\",\"reason\":\"retention\"}",
                 (unsigned long long)page->gap_from, (unsigned long long)page->gap_to);
    }
}

static void on_page(struct feed_ask *ask, const struct store_page *page)
{
    struct page *p = container_of(ask, struct page, ask);
    struct text t = text_in(p->r->arena);

    if (page->err != 0) {
        api_refuse(p->r, 503, "journalUnreadable", "The journal cannot be read now.");
        return;
    }
    text_c(&t, "{\"items\":[");
    put_items(p, page, &t);
    text_c(&t, "]");
    put_gap(&t, page, &p->choice);
    if (page->after < page->head) {
        text_fmt(&t, ",\"next\":\"%llu\"", (unsigned long long)page->after);
    }
    text_fmt(&t, ",\"sequence\":\"%llu\"}", (unsigned long long)page->head);
    text_reply(p->r, &t);
}

static void begin_page(struct api_request *r, const struct choice *c)
{
    struct page *p = arena_zalloc(r->arena, sizeof(*p));
    struct str after = api_query(r, "after");
    uint64_t limit = 100;
    int err;

    if (p == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    if (api_query_u64(r, "limit", 1, 1000, &limit) != 0) {
        return;
    }
    *p = (struct page){.r = r, .choice = *c};
    p->ask.limit = (uint32_t)limit;
    p->ask.done = on_page;
    p->ask.after = c->from == FEED_AFTER ? c->after : 0;
    if (c->from == FEED_NOW) {
        p->choice.from = FEED_EARLIEST; /* past events are what is asked for */
    }
    if (after.n > 0) {
        p->choice.from = FEED_AFTER;
        if (!str_to_u64(after, INT64_MAX - 1, &p->ask.after)) {
            api_refuse(r, 400, "badCursor", "`after` is the `next` of the page before.");
            return;
        }
    }
    err = feed_read(events_feed(api_events(r->api)), &p->ask);
    if (err != 0) {
        api_busy(r, err);
    }
}

void api_get_events(struct api_request *r)
{
    struct choice c;
    bool stream = api_accepts(r, "text/event-stream");

    if (!events_there(r) || !choice_of_query(r, &c)) {
        return;
    }
    if (stream) {
        begin_stream(r, &c);
    } else if (c.snapshot) {
        api_refuse(r, 400, "badFrom",
                   "A page has no snapshot: read the lists for what there is "
                   "now, or follow with Accept: text/event-stream.");
    } else {
        begin_page(r, &c);
    }
}
