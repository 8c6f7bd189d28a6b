/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sockets, the clock and the resolver tell the engine, and what follows each time:
 * what it has changed is kept, what waits for that leaves, and a server that stops looks
 * whether it is idle.
 */
#include "net/net.h"
#include "server/frame.h"

void server_after(struct server *s)
{
    keeping_after(&s->keeping);
    serving_after(&s->serving);
    if (s->stopping && engine_idle(s->engine) && !keeping_waits(&s->keeping)) {
        net_stop(s->net);
    }
}

static void on_input(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                     uint64_t now_ms)
{
    struct server *s = ctx;
    if (s->trace != NULL) {
        sip_trace_received(s->trace, from, bytes);
    }
    engine_input(s->engine, from, bytes, datagram, now_ms);
    server_after(s);
}

static void on_sent(void *ctx, const struct hop *hop, const struct str *run, size_t n, int err)
{
    capturing_sent(&((struct server *)ctx)->capturing, hop, run, n, err);
}

/**
 * With a trace the engine gets a stream message by message, so that what it answers stands
 * behind what was asked. What it has looked at before lies within the first message.
 */
static size_t traced_stream_input(struct server *s, struct sip_framer *f,
                                  const struct hop *from, struct str bytes, uint64_t now_ms)
{
    size_t done = 0;
    for (;;) {
        struct sip_framer own;
        struct str msg, rest = str_from(bytes, done);
        struct sip_fault fault;
        size_t used = 0, taken;
        sip_framer_init(&own);
        enum sip_frame frame =
            sip_framer_next(&own, rest, &s->config->engine.limits, &msg, &used, &fault);
        if (frame == SIP_FRAME_MESSAGE) {
            sip_trace_received(s->trace, from, msg);
        }
        if (frame == SIP_FRAME_MORE || frame == SIP_FRAME_BAD) {
            used = rest.n;
        }
        taken = engine_stream_input(s->engine, f, from, str_upto(rest, used), now_ms);
        if (taken == SIZE_MAX) {
            return taken;
        }
        done += taken;
        if (taken == 0 || done == bytes.n) {
            return done;
        }
    }
}

static size_t on_stream_input(void *ctx, struct sip_framer *f, const struct hop *from,
                              struct str bytes, uint64_t now_ms)
{
    struct server *s = ctx;
    size_t used = s->trace != NULL ? traced_stream_input(s, f, from, bytes, now_ms)
                                   : engine_stream_input(s->engine, f, from, bytes, now_ms);
    server_after(s);
    return used;
}

static size_t on_csta_input(void *ctx, const struct hop *from, struct str bytes,
                            uint64_t now_ms)
{
    struct server *s = ctx;
    size_t used = engine_csta_input(s->engine, from, bytes, now_ms);
    server_after(s);
    return used;
}

static void on_tick(void *ctx, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_tick(s->engine, now_ms);
    server_after(s);
}

static uint64_t on_deadline(void *ctx)
{
    struct server *s = ctx;
    return s->engine != NULL ? engine_deadline(s->engine) : UINT64_MAX;
}

static void on_resolved(void *ctx, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_resolved(s->engine, now_ms);
    server_after(s);
}

static void on_fetched(void *ctx, uint64_t tag, unsigned status, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_fetched(s->engine, tag, status, now_ms);
    server_after(s);
}

static void on_flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct server *s = ctx;
    engine_flow_closed(s->engine, flow, now_ms);
    server_after(s);
}

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    struct server *s = ctx;
    log_write(s->log, level, module, ids, text);
}

struct net_handler server_ears(struct server *s)
{
    return (struct net_handler){.ctx = s,
                                .input = on_input,
                                .stream_input = on_stream_input,
                                .csta_input = on_csta_input,
                                .tick = on_tick,
                                .deadline = on_deadline,
                                .resolved = on_resolved,
                                .fetched = on_fetched,
                                .flow_closed = on_flow_closed,
                                .sent = on_sent,
                                .trace = on_trace,
                                .trace_from = log_lowest(s->log)};
}
