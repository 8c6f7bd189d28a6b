/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/trace/live: each message as it comes and goes, as Server-Sent Events.
 *
 * A follower is a cursor over what is captured, looked at a few times a second: it costs the
 * engine nothing. What it is too slow for, and what was pushed out meanwhile, is counted and
 * told.
 */
#include "api/handlers.h"
#include "api/parts.h"
#include "base/err.h"
#include "capture/story.h"
#include <stdlib.h>

enum {
    LOOK_MS = 200,
    BEAT_MS = 20000,
    EVENT_MAX = 256 << 10, /**< octets of one; what is longer is told without its message */
};

struct follower {
    struct api_request *r;
    struct capture *capture;
    struct capture_cursor at;
    struct capture_batch batch;
    struct story_options o;
    struct timer timer;
    uint64_t told_ms;
    uint64_t missed, lost; /**< not told yet; of batch.lost, told */
    struct str call, protocol;
    bool bytes;
    char *room;
};

/** The call that a message belongs to. */
static struct str call_of(struct follower *f, const struct story_msg *m, char buf[256])
{
    if (m->m.kind == CAPTURE_SIP || m->m.kind == CAPTURE_NOTE) {
        struct str sip = m->m.kind == CAPTURE_SIP ? m->sip_call : m->m.who;
        struct str id = capture_call_of(f->capture, sip, buf);
        return id.n > 0 ? id : STR_NONE;
    }
    return STR_NONE;
}

static bool is_wanted(const struct follower *f, const struct story_msg *m, struct str call)
{
    if (m->m.kind == CAPTURE_NOTE ||
        (str_is_set(f->protocol) && !str_eq(f->protocol, str_c(story_protocol(m))))) {
        return false;
    }
    return !str_is_set(f->call) || str_eq(f->call, call) || story_names(m->m.bytes, f->call) ||
           str_eq(f->call, m->sip_call);
}

static struct str write_event(struct follower *f, const struct story_msg *m, struct str call)
{
    struct out o;

    for (int with = f->bytes ? 1 : 0; with >= 0; with--) {
        out_init(&o, f->room, EVENT_MAX);
        out_fmt(&o, "id: %llu\ndata: ", (unsigned long long)m->m.n);
        story_json_msg(m, call, with == 1, &f->o, &o);
        out_c(&o, "\n\n");
        if (!o.over) {
            break;
        }
    }
    return o.over ? STR_NONE : out_str_of(&o);
}

static void put_event(struct follower *f, struct str event)
{
    if (!str_is_set(event) || api_stream_write(f->r, event) != 0) {
        f->missed++;
    } else {
        f->told_ms = api_now(f->r->api);
    }
}

static void on_message(struct follower *f, const struct capture_msg *m, struct arena *a)
{
    struct story_msg msg = {.m = *m};
    char buf[256];
    struct str call;

    if (!story_label(a, &msg)) {
        f->missed++;
        return;
    }
    call = call_of(f, &msg, buf);
    if (is_wanted(f, &msg, call) &&
        story_find_uui(a, f->r->api->rules->rules.packages, NULL, &msg)) {
        story_blank(&msg, &f->o); /* the batch is a copy of ours */
        put_event(f, write_event(f, &msg, call));
    }
}

static void tell_missed(struct follower *f)
{
    char text[96];
    struct out o;

    f->missed += f->batch.lost - f->lost;
    f->lost = f->batch.lost;
    if (f->missed == 0) {
        return;
    }
    out_init(&o, text, sizeof(text));
    out_fmt(&o, "event: gap\ndata: {\"missed\":%llu}\n\n", (unsigned long long)f->missed);
    if (api_stream_write(f->r, out_str_of(&o)) == 0) {
        f->missed = 0;
    }
}

static void look(struct follower *f)
{
    struct arena a;

    arena_init(&a, &mem_libc, 65536);
    /* one batch a time: others have their turn */
    if (capture_next(f->capture, &f->at, &f->batch) > 0) {
        for (size_t i = 0; i < f->batch.count; i++) {
            on_message(f, &f->batch.msg[i], &a);
            arena_reset(&a);
        }
    }
    arena_fini(&a);
    tell_missed(f);
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    static const struct str beat = STR_INIT(": still here\n\n");
    struct follower *f = container_of(t, struct follower, timer);

    look(f);
    if (now_ms - f->told_ms >= BEAT_MS && api_stream_write(f->r, beat) == 0) {
        f->told_ms = now_ms;
    }
    timer_set(api_wheel(f->r->api), &f->timer, now_ms + (f->batch.count > 0 ? 10 : LOOK_MS));
}

static void on_closed(struct api_request *r)
{
    struct follower *f = r->ctx;

    timer_stop(api_wheel(r->api), &f->timer);
    capture_batch_fini(&f->batch);
    free(f->room);
    free(f);
}

static const struct api_stream_ops ops = {.closed = on_closed};

void api_follow_trace(struct api_request *r)
{
    struct follower *f;
    struct str raw = api_query(r, "raw"), bytes = api_query(r, "bytes");

    if (r->api->config.capture == NULL) {
        api_refuse(r, 409, "noTrace",
                   "Messages are not kept: set trace.enabled in the configuration.");
        return;
    }
    if (!pace_stream(r)) {
        return;
    }
    f = calloc(1, sizeof(*f));
    if (f == NULL || (f->room = malloc(EVENT_MAX)) == NULL) {
        free(f);
        api_busy(r, E_TOOMANY);
        return;
    }
    r->ctx = f;
    f->r = r;
    f->capture = r->api->config.capture;
    f->o = r->api->config.story;
    f->o.raw = str_eq(raw, STR("true"));
    f->bytes = str_eq(bytes, STR("true"));
    f->call = api_query(r, "call");
    f->protocol = api_query(r, "protocol");
    f->told_ms = api_now(r->api);
    capture_now(f->capture, &f->at);
    timer_init(&f->timer, on_timer);
    api_stream_begin(r, 200, "text/event-stream", NULL, 0, &ops);
    timer_set(api_wheel(r->api), &f->timer, api_now(r->api) + LOOK_MS);
}
