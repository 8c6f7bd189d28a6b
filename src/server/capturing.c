/* SPDX-License-Identifier: Apache-2.0 */
/* The server's capture: see capturing.h. */
#include "server/capturing.h"

/** For one who only sends copies on, seconds are enough. */
enum { FOR_HEP = 4 << 20 };

bool capturing_open(struct capturing *k, const struct config *c, struct log *log,
                    struct net *net)
{
    struct capture_config config = c->trace;

    if (!c->trace_enabled && c->hep.host == NULL) {
        return true;
    }
    if (!c->trace_enabled) {
        config = (struct capture_config){.octets = FOR_HEP, .calls = c->trace.calls};
    }
    k->capture = capture_new(&config);
    if (k->capture != NULL && c->hep.host != NULL) {
        k->hep = hep_sender_new(&c->hep, k->capture);
    }
    if (k->capture == NULL || (c->hep.host != NULL && k->hep == NULL)) {
        log_fmt(log, TRACE_ERROR, "trace",
                k->capture == NULL
                    ? "out of memory: trace.memory_mb"
                    : "hep: no memory, no thread, or hep.ca_file cannot be read");
        return false;
    }
    net_set_watch(net, capture_watch(k->capture, net_env(net)));
    return true;
}

void capturing_sent(struct capturing *k, const struct hop *hop, const struct str *run, size_t n,
                    int err)
{
    if (k->capture != NULL) {
        capture_sent(k->capture, hop, run, n, err);
    }
}

void capturing_each_stat(struct capturing *k,
                         void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx)
{
    struct capture_stats s;
    struct hep_stats h;

    if (k->capture == NULL) {
        return;
    }
    capture_stats(k->capture, &s);
    fn(ctx, "messages", s.messages);
    fn(ctx, "octets", s.octets);
    fn(ctx, "captured", s.captured);
    fn(ctx, "gone", s.gone);
    fn(ctx, "calls", s.calls);
    if (k->hep != NULL) {
        hep_sender_stats(k->hep, &h);
        fn(ctx, "hep_sent", h.sent);
        fn(ctx, "hep_dropped", h.dropped);
        fn(ctx, "hep_failed", h.failed);
    }
}

void capturing_close(struct capturing *k)
{
    hep_sender_free(k->hep);
    capture_free(k->capture);
    *k = (struct capturing){0};
}
