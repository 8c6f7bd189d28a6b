/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/admin/backup: the database as it is now, as one file.
 *
 *   API thread ──► a thread of its own: store_copy ──► api_send_home ──► the file, in parts
 *
 * The copy is made beside the database, where there is room and the right to write, under a
 * name that is gone as soon as the file is open: what remains of a server that is killed
 * meanwhile is removed by the next copy. One at a time; a server that stops waits for the copy.
 * A client that takes it slowly keeps a file, and holds up nobody; one that leaves ends it, and
 * so does one whose token is revoked.
 */
#include "api/handlers.h"
#include "base/err.h"
#include "server/admin.h"
#include "store/copy.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PART = API_STREAM_PART };

struct backup {
    struct api_job job; /**< the way home */
    struct api *api;
    struct api_request *r; /**< the API thread's */
    pthread_t thread;
    bool running; /**< it has to be joined */
    struct admin *admin;
    char from[4096], to[4096], why[512];
    bool ok;
    int fd; /**< of the copy; -1: none */
    char *part;
    size_t n; /**< octets of `part` that have not gone yet */
};

static void end(struct backup *b)
{
    b->admin->backup = NULL;
    if (b->fd >= 0) {
        (void)close(b->fd);
    }
    free(b->part);
    free(b);
}

static void join(struct backup *b)
{
    if (b->running) {
        (void)pthread_join(b->thread, NULL);
        b->running = false;
    }
}

/* ---- the file leaves ---- */

static void send_on(struct api_request *r)
{
    struct backup *b = r->ctx;
    for (;;) {
        if (b->n == 0) {
            ssize_t n = read(b->fd, b->part, PART);
            if (n <= 0) {
                (n == 0 ? api_stream_end : api_stream_cut)(r);
                return;
            }
            b->n = (size_t)n;
        }
        int err = api_stream_write(r, str_make(b->part, b->n));
        if (err == E_SPACE) {
            return; /* until it is writable */
        }
        if (err != 0) {
            api_stream_cut(r);
            return;
        }
        b->n = 0;
    }
}

static void on_closed(struct api_request *r)
{
    end(r->ctx);
}

static void send_file(struct backup *b)
{
    static const struct api_stream_ops ops = {
        .whole = true, .writable = send_on, .closed = on_closed};
    static const struct api_header name = {"Content-Disposition",
                                           STR_INIT("attachment; filename=\"baton.db\"")};
    b->r->ctx = b;
    api_stream_begin(b->r, 200, "application/vnd.sqlite3", &name, 1, &ops);
    send_on(b->r);
}

/** Back in the API's thread. */
static void on_home(struct api_job *job)
{
    struct backup *b = container_of(job, struct backup, job);
    join(b);
    if (!api_may_still(b->r)) {
        end(b);
        return;
    }
    if (b->ok) {
        log_fmt_of(b->admin->log, TRACE_INFO, "store",
                   &(struct trace_ids){.who = b->r->who->name}, "a backup was made");
        send_file(b);
        return;
    }
    log_fmt(b->admin->log, TRACE_ERROR, "store", "no backup: %s", b->why);
    api_refuse(b->r, 500, "backupFailed", "No backup could be made: %s.", b->why);
    end(b);
}

/** It did not come home. */
static void on_left(struct api_job *job)
{
    end(container_of(job, struct backup, job));
}

/* ---- the copy is made ---- */

static void *copy(void *arg)
{
    struct backup *b = arg;
    b->ok = store_copy(b->from, b->to, b->why, sizeof(b->why));
    if (b->ok) {
        b->fd = open(b->to, O_RDONLY | O_CLOEXEC);
        b->ok = b->fd >= 0;
        (void)snprintf(b->why, sizeof(b->why), "it cannot be read: %s", strerror(errno));
        (void)unlink(b->to);
    }
    api_send_home(b->api, &b->job);
    return NULL;
}

static bool start(struct backup *b)
{
    sigset_t all, had;

    (void)sigfillset(&all); /* signals are the program's business */
    (void)pthread_sigmask(SIG_SETMASK, &all, &had);
    b->running = pthread_create(&b->thread, NULL, copy, b) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &had, NULL);
    return b->running;
}

void admin_stop(struct admin *a)
{
    if (a->backup != NULL) { /* its answer has nowhere to go any more: abandoned, or closed */
        join(a->backup);
    }
}

void api_post_backup(struct api_request *r)
{
    struct admin *a = api_host(r->api);
    const char *path = a->config->store.path;
    struct backup *b;

    if (path == NULL) {
        api_refuse(r, 409, "noStore",
                   "Nothing is kept on disk: `store.path` is not in the configuration.");
        return;
    }
    if (a->backup != NULL) {
        api_refuse(r, 409, "backupRuns", "A backup is being made; ask again when it is done.");
        return;
    }
    b = calloc(1, sizeof(*b));
    if (b == NULL || (b->part = malloc(PART)) == NULL) {
        free(b);
        api_busy(r, E_NOMEM);
        return;
    }
    b->fd = -1;
    b->r = r;
    b->admin = a;
    b->job.done = on_home;
    b->job.abandon = on_left;
    b->api = r->api;
    a->backup = b;
    if ((size_t)snprintf(b->from, sizeof(b->from), "%s", path) >= sizeof(b->from) ||
        (size_t)snprintf(b->to, sizeof(b->to), "%s.backup", path) >= sizeof(b->to) ||
        !start(b)) {
        api_busy(r, E_NOMEM);
        end(b);
    }
}
