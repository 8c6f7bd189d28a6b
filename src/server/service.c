/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told: see service.h. */
#include "server/service.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

/* Without a watchdog the state is looked at in this interval. */
enum { STATUS_MS = 5000, BEATS = 4 };

/** @return false: it is no address that sd_notify(3) knows */
static bool read_address(struct service *v, const char *path)
{
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n < 2 || n >= sizeof(v->to.sun_path)) {
        return false;
    }
    v->to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(v->to.sun_path, path, n);
    if (path[0] == '@') {
        v->to.sun_path[0] = '\0'; /* of the abstract name space: no terminator */
        n--;
    }
    v->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return true;
}

/** @return milliseconds between two signs of life; 0: none are wanted of us */
static uint64_t watchdog_ms(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())) {
        return 0;
    }
    unsigned long long every = strtoull(usec, NULL, 10) / 1000 / BEATS;
    return every > 0 ? every : usec[0] != '0';
}

/** @param pass  a descriptor that goes with it; -1: none */
static void send_text(struct service *v, struct str text, int pass)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec iov = {(void *)(uintptr_t)text.p, text.n};
    struct msghdr m = {
        .msg_name = &v->to, .msg_namelen = v->to_len, .msg_iov = &iov, .msg_iovlen = 1};
    if (v->fd < 0) {
        return;
    }
    if (pass >= 0) {
        m.msg_control = &control;
        m.msg_controllen = sizeof(control);
        control.head = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(int)),
                                        .cmsg_level = SOL_SOCKET,
                                        .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &pass, sizeof(pass));
    }
    if (sendmsg(v->fd, &m, MSG_NOSIGNAL) < 0) {
        log_fmt(v->log, TRACE_WARN, "service", "the service manager cannot be told: %s",
                strerror(errno));
    }
}

static void say(struct service *v, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct service *v, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof(text)) {
        send_text(v, str_make(text, (size_t)n), -1);
    }
}

/** @return the state in words when it is another one than before, else NULL */
static const char *news(struct service *v)
{
    char text[sizeof(v->last)];
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    v->status(v->ctx, &o);
    text[o.n] = '\0';
    if (strcmp(text, v->last) == 0) {
        return NULL;
    }
    memcpy(v->last, text, o.n + 1);
    return v->last;
}

/* ---- signs of life ---- */

/** In the store's thread. */
static void on_answer(void *ctx, const struct store_page *page)
{
    (void)page;
    atomic_store(&((struct service *)ctx)->answered, true);
}

/** Has its thread answered since the last time? Asks again if so. */
static bool store_lives(struct service *v)
{
    static const struct store_query nothing = {.after = INT64_MAX, .limit = 1};
    if (v->store == NULL) {
        return true;
    }
    if (!atomic_load(&v->answered)) {
        if (!v->silent) {
            v->silent = true;
            log_fmt(v->log, TRACE_ERROR, "service",
                    "the store's thread does not answer; no sign of life is given");
        }
        return false;
    }
    v->silent = false;
    atomic_store(&v->answered, false);
    if (store_read(v->store, &nothing, on_answer, v) != 0) {
        atomic_store(&v->answered, true); /* many readers wait: it is busy, and asked later */
    }
    return true;
}

static void on_timer(uv_timer_t *t)
{
    struct service *v = t->data;
    const char *text = news(v);
    if (text != NULL) {
        say(v, "STATUS=%s", text);
    }
    if (v->watched && store_lives(v)) {
        say(v, "WATCHDOG=1");
    }
}

/* ---- life ---- */

bool service_open(struct service *v, struct uv_loop_s *loop, struct log *log,
                  service_status_fn status, void *ctx)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct timeval most = {.tv_sec = 1};
    *v = (struct service){.fd = -1, .log = log, .status = status, .ctx = ctx};
    if (path == NULL) {
        return true;
    }
    if (!read_address(v, path)) {
        log_fmt(log, TRACE_WARN, "service", "NOTIFY_SOCKET %s: no address of a UNIX socket",
                path);
        return true;
    }
    v->timer = calloc(1, sizeof(*v->timer));
    if (v->timer == NULL) {
        return false;
    }
    uv_timer_init(loop, v->timer);
    v->timer->data = v;
    v->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (v->fd >= 0) { /* a manager that does not read must not stop calls for long */
        (void)setsockopt(v->fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
    }
    atomic_store(&v->answered, true);
    return true;
}

void service_ready(struct service *v, struct store *store)
{
    uint64_t every = watchdog_ms();
    if (v->fd < 0) {
        return;
    }
    v->store = store;
    v->watched = every > 0;
    (void)news(v);
    say(v, "READY=1\nSTATUS=%s", v->last);
    every = every > 0 && every < STATUS_MS ? every : STATUS_MS;
    uv_timer_start(v->timer, on_timer, every, every);
}

void service_reloading(struct service *v)
{
    struct timespec t;
    if (v->fd < 0) {
        return;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    say(v, "RELOADING=1\nMONOTONIC_USEC=%llu",
        (unsigned long long)t.tv_sec * 1000000 + (unsigned long long)t.tv_nsec / 1000);
}

void service_stopping(struct service *v, uint64_t stop_ms)
{
    if (v->fd < 0) {
        return;
    }
    (void)news(v);
    /* what is kept is written behind that, too */
    say(v, "STOPPING=1\nSTATUS=%s\nEXTEND_TIMEOUT_USEC=%llu", v->last,
        (unsigned long long)(stop_ms + 5000) * 1000);
}

void service_forget(struct service *v, const char *name)
{
    if (v->fd >= 0) {
        say(v, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    }
}

void service_keep(struct service *v, const char *name, int fd)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", name);
    send_text(v, str_make(text, (size_t)n), fd);
}

static void on_closed(uv_handle_t *h)
{
    free(h);
}

void service_close(struct service *v)
{
    if (v->timer != NULL) {
        uv_close((uv_handle_t *)v->timer, on_closed);
        v->timer = NULL;
    }
    if (v->fd >= 0) {
        (void)close(v->fd);
        v->fd = -1;
    }
}
