/* SPDX-License-Identifier: Apache-2.0 */
/* Upgrade: see upgrade.h. */
#include "server/upgrade.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

enum { TRIAL_MS = 60000, LOOK_MS = 20, ARGS_MAX = 64, HANDLES = 3 };

/** The new program, running with --check-start. Freed when its three handles are closed. */
struct trial {
    uv_process_t process;
    uv_pipe_t pipe;
    uv_timer_t limit;
    struct upgrade *owner; /**< NULL: nobody wants to know any more */
    int open;              /**< handles that are not closed */
    int left;              /**< its end, and that of what it says */
    bool failed;
    char said[512]; /**< the end of it */
    size_t n;
};

void upgrade_init(struct upgrade *u, struct uv_loop_s *loop, struct log *log)
{
    static const char deleted[] = " (deleted)"; /* how Linux names it after one upgrade */
    ssize_t n = readlink("/proc/self/exe", u->program, sizeof(u->program) - 1);
    size_t tail = sizeof(deleted) - 1;
    u->loop = loop;
    u->log = log;
    u->program[n > 0 ? n : 0] = '\0';
    if (n > (ssize_t)tail && strcmp(u->program + (size_t)n - tail, deleted) == 0) {
        u->program[(size_t)n - tail] = '\0';
    }
}

/* ---- waiting ---- */

static void on_timer_closed(uv_handle_t *h)
{
    free(h);
}

static void stop_waiting(struct upgrade *u)
{
    if (u->timer != NULL) {
        uv_close((uv_handle_t *)u->timer, on_timer_closed);
        u->timer = NULL;
    }
}

static void on_look(uv_timer_t *t)
{
    struct upgrade *u = t->data;
    bool late = uv_now(u->loop) >= u->until_ms;
    if (u->state == UPGRADE_LEAVING) {
        stop_waiting(u);
        u->state = UPGRADE_IDLE;
        u->go(u->ctx);
        return;
    }
    if (!late && !u->settled(u->ctx)) {
        return;
    }
    if (!u->settled(u->ctx)) {
        log_fmt(u->log, TRACE_WARN, "upgrade",
                "calls are being set up still; those end now, the others go on");
    }
    u->state = UPGRADE_LEAVING;
    u->hush(u->ctx);
    uv_timer_start(t, on_look, 0, 0);
}

static void wait_for_quiet(struct upgrade *u)
{
    u->timer = malloc(sizeof(*u->timer));
    if (u->timer == NULL) {
        u->state = UPGRADE_IDLE;
        log_fmt(u->log, TRACE_ERROR, "upgrade", "out of memory");
        return;
    }
    u->state = UPGRADE_WAITING;
    uv_timer_init(u->loop, u->timer);
    u->timer->data = u;
    uv_update_time(u->loop);
    u->until_ms = uv_now(u->loop) + u->wait_ms;
    uv_timer_start(u->timer, on_look, 0, LOOK_MS);
}

/* ---- trying ---- */

/** The last line of what it said. */
static const char *last_words(struct trial *t)
{
    while (t->n > 0 && (t->said[t->n - 1] == '\n' || t->said[t->n - 1] == '\r')) {
        t->n--;
    }
    t->said[t->n] = '\0';
    const char *line = strrchr(t->said, '\n');
    return line != NULL ? line + 1 : t->said;
}

static void conclude(struct trial *t)
{
    struct upgrade *u = t->owner;
    t->owner = NULL;
    if (u == NULL) {
        return;
    }
    u->trial = NULL;
    if (t->failed) {
        const char *why = last_words(t);
        u->state = UPGRADE_IDLE;
        log_fmt(u->log, TRACE_ERROR, "upgrade",
                "refused, we go on as before: %s --check-start: %s", u->program,
                *why != '\0' ? why : "it failed and said nothing");
        return;
    }
    wait_for_quiet(u);
}

static void on_trial_closed(uv_handle_t *h)
{
    struct trial *t = h->data;
    if (--t->open == 0) {
        conclude(t);
        free(t);
    }
}

static void close_trial(struct trial *t)
{
    uv_handle_t *handles[HANDLES] = {(uv_handle_t *)&t->process, (uv_handle_t *)&t->pipe,
                                     (uv_handle_t *)&t->limit};
    for (size_t i = 0; i < HANDLES; i++) {
        if (!uv_is_closing(handles[i])) {
            uv_close(handles[i], on_trial_closed);
        }
    }
}

/** It has ended, or has said all: after both we know. */
static void one_less(struct trial *t)
{
    if (--t->left == 0) {
        close_trial(t);
    }
}

static void on_exit_of(uv_process_t *p, int64_t status, int by_signal)
{
    struct trial *t = p->data;
    t->failed = t->failed || status != 0 || by_signal != 0;
    one_less(t);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
    struct trial *t = h->data;
    (void)hint;
    if (t->n > sizeof(t->said) / 2) { /* its end is what counts */
        size_t keep = sizeof(t->said) / 4;
        memmove(t->said, t->said + t->n - keep, keep);
        t->n = keep;
    }
    *out = uv_buf_init(t->said + t->n, (unsigned)(sizeof(t->said) - 1 - t->n));
}

static void on_said(uv_stream_t *s, ssize_t got, const uv_buf_t *buf)
{
    struct trial *t = s->data;
    (void)buf;
    if (got >= 0) {
        t->n += (size_t)got;
        return;
    }
    (void)uv_read_stop(s);
    one_less(t);
}

static void on_limit(uv_timer_t *timer)
{
    struct trial *t = timer->data;
    t->failed = true;
    (void)snprintf(t->said, sizeof(t->said), "no answer in %d s", TRIAL_MS / 1000);
    t->n = strlen(t->said);
    (void)uv_process_kill(&t->process, SIGKILL);
    close_trial(t);
}

/** @return 0 or an error of libuv */
static int spawn(struct upgrade *u, struct trial *t)
{
    char check[] = "--check-start";
    char *args[ARGS_MAX + 2];
    size_t n = 0;
    while (u->argv[n] != NULL && n < ARGS_MAX) {
        args[n] = u->argv[n];
        n++;
    }
    args[n] = check;
    args[n + 1] = NULL;
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_IGNORE},
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&t->pipe}};
    uv_process_options_t options = {.file = u->program,
                                    .args = args,
                                    .exit_cb = on_exit_of,
                                    .stdio_count = 3,
                                    .stdio = stdio};
    int err = uv_spawn(u->loop, &t->process, &options);
    return err != 0 ? err : uv_read_start((uv_stream_t *)&t->pipe, on_alloc, on_said);
}

void upgrade_begin(struct upgrade *u)
{
    if (u->state != UPGRADE_IDLE) {
        log_fmt(u->log, TRACE_WARN, "upgrade", "under way already");
        return;
    }
    struct trial *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        log_fmt(u->log, TRACE_ERROR, "upgrade", "out of memory");
        return;
    }
    t->owner = u;
    t->open = HANDLES;
    t->left = 2;
    t->process.data = t->pipe.data = t->limit.data = t;
    uv_pipe_init(u->loop, &t->pipe, 0);
    uv_timer_init(u->loop, &t->limit);
    u->trial = t;
    u->state = UPGRADE_TRYING;
    log_fmt(u->log, TRACE_INFO, "upgrade", "to %s", u->program);
    int err = spawn(u, t);
    if (err != 0) {
        t->failed = true;
        (void)snprintf(t->said, sizeof(t->said), "%s", uv_strerror(err));
        t->n = strlen(t->said);
        close_trial(t);
        return;
    }
    uv_timer_start(&t->limit, on_limit, TRIAL_MS, 0);
}

void upgrade_close(struct upgrade *u)
{
    stop_waiting(u);
    if (u->trial != NULL) {
        u->trial->owner = NULL;
        close_trial(u->trial);
        u->trial = NULL;
    }
}
