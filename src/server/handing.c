/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other program takes over: upgrade.h says when, inherit.h how. Here is what of the server
 * goes along: listeners, connections that can go on, and by the store everything else. What
 * cannot go on is told so.
 */
#include "engine/engine.h"
#include "net/net.h"
#include "server/frame.h"
#include "server/inherit.h"
#include "server/pid_file.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_settled(void *ctx)
{
    struct server *s = ctx;
    return engine_settled(s->engine) && !keeping_waits(&s->keeping);
}

static void leave_listener(void *ctx, const char *kind, int fd)
{
    legacy_add(ctx, fd, kind, STR_NONE);
}

/** Of a socket that is closed with the API's thread, before we go. */
static void leave_copy(void *ctx, const char *kind, int fd)
{
    legacy_add_copy(ctx, fd, kind);
}

static void leave_connection(void *ctx, int fd, struct str row)
{
    legacy_add(ctx, fd, NULL, row);
}

static void hush(void *ctx)
{
    (void)ctx;
    server_block_signals(true);
}

/** Become the other program. What comes in from here on is for that one. */
static void hand_over(void *ctx)
{
    struct server *s = ctx;
    struct legacy *l = legacy_new();
    if (l == NULL || s->stopping) {
        log_fmt(s->log, TRACE_WARN, "upgrade",
                l == NULL ? "out of memory" : "given up: stopping");
        legacy_free(l);
        server_block_signals(false);
        return;
    }
    service_reloading(&s->service);
    engine_keep_connections(s->engine);
    keeping_settle(&s->keeping);
    server_after(s);
    net_each_listener(s->net, leave_listener, l);
    serving_hand_over(&s->serving, leave_copy, l);
    size_t others = net_hand_over(s->net, leave_connection, l);
    if (!legacy_seal(l)) {
        log_fmt(s->log, TRACE_ERROR, "upgrade",
                "out of memory or descriptors; we go on as before");
        legacy_free(l);
        server_block_signals(false);
        service_ready(&s->service, s->keeping.store);
        return;
    }
    log_fmt(s->log, TRACE_INFO, "upgrade", "becoming %s; %zu connections end",
            s->upgrade.program, others);
    server_write_counters(s);
    net_say_goodbye(s->net);
    serving_stop(&s->serving, SERVING_UPGRADE_MS);
    keeping_close(&s->keeping);
    if (s->config->pid_file != NULL) {
        pid_file_drop(s->config->pid_file, s->pid_file);
        s->pid_file = -1;
    }
    legacy_exec(l, s->upgrade.program, s->upgrade.argv);
    log_fmt(s->log, TRACE_ERROR, "upgrade", "%s: %s; there is nothing left but to stop",
            s->upgrade.program, strerror(errno));
    _exit(1);
}

void handing_begin(struct server *s)
{
    if (s->stopping || s->config->store.path == NULL) {
        log_fmt(s->log, TRACE_ERROR, "upgrade", "refused: %s",
                s->stopping ? "we are stopping"
                            : "without a store (store.path) calls would be forgotten; restart");
        return;
    }
    upgrade_begin(&s->upgrade);
}

void handing_init(struct server *s)
{
    s->upgrade.settled = is_settled;
    s->upgrade.hush = hush;
    s->upgrade.go = hand_over;
    s->upgrade.ctx = s;
    s->upgrade.wait_ms = s->config->upgrade_ms;
    upgrade_init(&s->upgrade, net_loop(s->net), s->log);
}
