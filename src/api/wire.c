/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See wire.h. The loop's rounds end in `flush`, which writes what has been queued, tells of
 * connections that have ended, and arms the one timer of the loop for the wheel.
 */
#include "api/wire.h"
#include "base/err.h"
#include "net/sockaddr.h"
#include "net/tls_store.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { IN_SIZE = 65536, BACKLOG = 128 };

struct listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    struct wire *wire;
    struct list link;
    struct api_listen at;
    char *path;  /**< of a UNIX socket that we made: unlinked at the end */
    ino_t inode; /**< so that it is ours that we unlink */
};

struct wire {
    struct wire_config config;
    uv_loop_t loop;
    uv_async_t async;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uint64_t armed_ms;
    struct wheel wheel;
    struct list listeners, conns, dirty, ended;
    atomic_bool leaves; /**< paths of UNIX sockets are for the process after us */
    struct tls_store *tls;
    struct bio_method_st *bio;
    char *in;
    bool stopped;
};

/* ---- runs of octets ---- */

bool bytes_room(struct bytes *b, size_t more)
{
    size_t cap = b->cap == 0 ? 512 : b->cap;
    if (b->from == b->n) {
        b->from = b->n = 0;
    }
    if (more <= b->cap - b->n) {
        return true;
    }
    if (b->from > 0) {
        memmove(b->p, b->p + b->from, b->n - b->from);
        b->n -= b->from;
        b->from = 0;
    }
    while (cap - b->n < more) {
        cap *= 2;
    }
    if (cap != b->cap) {
        char *p = realloc(b->p, cap);
        if (p == NULL) {
            return false;
        }
        b->p = p;
        b->cap = cap;
    }
    return true;
}

bool bytes_add(struct bytes *b, struct str s)
{
    if (s.n == 0) {
        return true;
    }
    if (!bytes_room(b, s.n)) {
        return false;
    }
    memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
    return true;
}

void bytes_free(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}

/* ---- the end of a connection ---- */

void wire_drop(struct wire_conn *c)
{
    if (c->dropped) {
        return;
    }
    c->dropped = true;
    uv_read_stop(&c->stream);
    timer_stop(&c->wire->wheel, &c->timer);
    list_remove(&c->dirty);
    list_append(&c->wire->ended, &c->ended);
}

static void mark_dirty(struct wire_conn *c)
{
    if (!c->dropped && !list_linked(&c->dirty)) {
        list_append(&c->wire->dirty, &c->dirty);
    }
}

void wire_end(struct wire_conn *c)
{
    if (c->ending || c->dropped) {
        return;
    }
    wire_tls_close(c);
    c->ending = true;
    c->moved_ms = wire_now(c->wire);
    wire_pause(c, false);
    timer_set(&c->wire->wheel, &c->timer, wire_now(c->wire) + c->wire->config.linger_ms);
    mark_dirty(c);
}

static void on_closed(uv_handle_t *h)
{
    struct wire_conn *c = h->data;
    wire_tls_free(c);
    bytes_free(&c->out);
    bytes_free(&c->busy);
    free(c);
}

/** From the loop, where no callback of the connection runs. */
static void bury(struct wire_conn *c)
{
    list_remove(&c->ended);
    list_remove(&c->link);
    if (!c->told) {
        c->told = true;
        c->wire->config.handler.closed(c);
    }
    uv_close(&c->handle, on_closed);
}

/** A limit has passed: of the handshake, of the queue's standing still, of lingering. */
static void on_limit(struct timer *t, uint64_t now_ms)
{
    struct wire_conn *c = list_entry(t, struct wire_conn, timer);
    const struct wire_config *config = &c->wire->config;
    if (!c->ending && !c->shaking && wire_waits(c) == 0) {
        return;
    }
    if (!c->shaking && wire_waits(c) > 0 && now_ms - c->moved_ms < config->stalled_ms) {
        timer_set(&c->wire->wheel, t, c->moved_ms + config->stalled_ms);
        return;
    }
    wire_drop(c);
}

/* ---- out ---- */

size_t wire_waits(const struct wire_conn *c)
{
    return bytes_left(&c->out) + bytes_left(&c->busy);
}

static void on_shutdown(uv_shutdown_t *req, int status)
{
    struct wire_conn *c = req->data;
    if (status != 0 || c->eof) {
        wire_drop(c);
    }
}

static void finish_ending(struct wire_conn *c)
{
    if (c->shut) {
        return;
    }
    c->shut = true;
    c->shutdown.data = c;
    if (uv_shutdown(&c->shutdown, &c->stream, on_shutdown) != 0) {
        wire_drop(c);
    }
}

static void moved(struct wire_conn *c)
{
    c->moved_ms = wire_now(c->wire);
    if (c->long_queue && wire_waits(c) <= c->wire->config.queue / 2) {
        c->long_queue = false;
        if (!c->ending) {
            c->wire->config.handler.drained(c);
        }
    }
}

static void on_written(uv_write_t *req, int status)
{
    struct wire_conn *c = req->data;
    c->writing = false;
    if (c->dropped) {
        return;
    }
    if (status != 0) {
        wire_drop(c);
        return;
    }
    bytes_free(&c->busy);
    moved(c);
    mark_dirty(c);
}

/** What the kernel did not take at once is libuv's. */
static void write_rest(struct wire_conn *c)
{
    c->busy = c->out;
    c->out = (struct bytes){0};
    uv_buf_t run = uv_buf_init(c->busy.p + c->busy.from, (unsigned)bytes_left(&c->busy));
    c->write.data = c;
    if (uv_write(&c->write, &c->stream, &run, 1, on_written) != 0) {
        wire_drop(c);
        return;
    }
    c->writing = true;
    c->long_queue = true;
    if (!timer_running(&c->timer)) {
        timer_set(&c->wire->wheel, &c->timer, wire_now(c->wire) + c->wire->config.stalled_ms);
    }
}

static void flush(struct wire_conn *c)
{
    if (c->writing || c->dropped) {
        return;
    }
    if (bytes_left(&c->out) > 0) {
        uv_buf_t run = uv_buf_init(c->out.p + c->out.from, (unsigned)bytes_left(&c->out));
        int sent = uv_try_write(&c->stream, &run, 1);
        if (sent < 0 && sent != UV_EAGAIN) {
            wire_drop(c);
            return;
        }
        c->out.from += sent > 0 ? (size_t)sent : 0;
        if (bytes_left(&c->out) > 0) {
            c->moved_ms = wire_now(c->wire);
            write_rest(c);
            return;
        }
        bytes_free(&c->out);
        moved(c);
    }
    if (c->ending && !c->dropped && bytes_left(&c->out) == 0) {
        finish_ending(c);
    }
}

int wire_raw_send(struct wire_conn *c, const struct str *run, size_t n)
{
    if (c->dropped) {
        return E_STATE;
    }
    for (size_t i = 0; i < n; i++) {
        if (!bytes_add(&c->out, run[i])) {
            wire_drop(c);
            return E_NOMEM;
        }
    }
    if (wire_waits(c) > c->wire->config.queue / 2) {
        c->long_queue = true;
    }
    mark_dirty(c);
    return 0;
}

int wire_send(struct wire_conn *c, const struct str *run, size_t n)
{
    if (c->ending || c->dropped) {
        return E_STATE;
    }
    return c->tls != NULL ? wire_tls_send(c, run, n) : wire_raw_send(c, run, n);
}

/* ---- in ---- */

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *buf)
{
    struct wire_conn *c = h->data;
    (void)hint;
    *buf = uv_buf_init(c->wire->in, IN_SIZE);
}

void wire_deliver(struct wire_conn *c, struct str bytes)
{
    if (!c->ending && !c->dropped) {
        c->wire->config.handler.input(c, bytes);
    }
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct wire_conn *c = s->data;
    if (c->dropped || n == 0) {
        return;
    }
    if (n < 0) {
        c->eof = true;
        uv_read_stop(s);
        if (n != UV_EOF || c->shut) {
            wire_drop(c);
        } else if (!c->ending) {
            c->wire->config.handler.eof(c);
        }
        return;
    }
    if (c->ending) {
        return; /* thrown away, so that our last words arrive */
    }
    struct str bytes = str_make(buf->base, (size_t)n);
    if (c->tls != NULL) {
        wire_tls_input(c, bytes);
    } else {
        wire_deliver(c, bytes);
    }
}

void wire_pause(struct wire_conn *c, bool pause)
{
    if (c->paused == pause || c->eof || c->dropped) {
        return;
    }
    c->paused = pause;
    if (pause) {
        uv_read_stop(&c->stream);
    } else if (uv_read_start(&c->stream, on_alloc, on_read) != 0) {
        wire_drop(c);
    }
}

/* ---- connections ---- */

static void read_names(struct wire_conn *c)
{
    union net_sockaddr sa;
    int n = sizeof(sa);
    if (c->face == API_FACE_UNIX) {
        struct ucred who = {.uid = UINT32_MAX};
        socklen_t len = sizeof(who);
        uv_os_fd_t fd;
        c->uid = UINT32_MAX;
        if (uv_fileno(&c->handle, &fd) == 0 &&
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0) {
            c->uid = who.uid;
        }
        return;
    }
    if (uv_tcp_getpeername(&c->tcp, &sa.sa, &n) == 0) {
        (void)sockaddr_read(&sa.sa, &c->remote);
    }
    n = sizeof(sa);
    if (uv_tcp_getsockname(&c->tcp, &sa.sa, &n) == 0) {
        (void)sockaddr_read(&sa.sa, &c->local);
    }
}

static void on_connection(uv_stream_t *s, int status)
{
    struct listener *l = s->data;
    struct wire *w = l->wire;
    struct wire_conn *c = status == 0 ? calloc(1, sizeof(*c)) : NULL;
    if (c == NULL) {
        return;
    }
    c->wire = w;
    c->face = l->at.face;
    timer_init(&c->timer, on_limit);
    int err = l->at.face == API_FACE_UNIX ? uv_pipe_init(&w->loop, &c->pipe, 0)
                                          : uv_tcp_init(&w->loop, &c->tcp);
    if (err != 0) {
        free(c);
        return;
    }
    c->handle.data = c;
    list_append(&w->conns, &c->link);
    if (uv_accept(s, &c->stream) != 0) {
        c->told = true;
        wire_drop(c);
        return;
    }
    read_names(c);
    if (l->at.face != API_FACE_UNIX) {
        (void)uv_tcp_nodelay(&c->tcp, 1);
    }
    if (l->at.face == API_FACE_TLS && wire_tls_attach(c) != 0) {
        c->told = true;
        wire_drop(c);
        return;
    }
    c->paused = true;
    if (!w->config.handler.opened(w->config.handler.ctx, c)) {
        c->told = true;
        wire_end(c);
        return;
    }
    if (c->tls != NULL) {
        timer_set(&w->wheel, &c->timer, wire_now(w) + w->config.shake_ms);
    }
    wire_pause(c, false);
}

void wire_shaken(struct wire_conn *c)
{
    c->shaking = false;
    timer_stop(&c->wire->wheel, &c->timer);
}

void wire_write_peer(struct out *o, const struct wire_conn *c)
{
    if (c->face == API_FACE_UNIX) {
        out_fmt(o, "uid %u", c->uid);
    } else {
        addr_write(o, &c->remote);
    }
}

/* ---- listening ---- */

static int complain(char *why, size_t cap, const char *what, const char *where, int uv)
{
    (void)snprintf(why, cap, "cannot listen on %s%s: %s", what, where,
                   uv == UV_EADDRINUSE      ? "another program has it"
                   : uv == UV_EACCES        ? "not permitted"
                   : uv == UV_EADDRNOTAVAIL ? "this machine does not have the address"
                   : uv == UV_ENOENT        ? "its folder is not there"
                                            : uv_strerror(uv));
    return uv == UV_EADDRINUSE ? E_EXISTS : uv == UV_EACCES ? E_DENIED : E_IO;
}

/** Does nobody answer at that socket? It is left from a process that was killed. */
static bool is_stale(const struct sockaddr_un *at)
{
    struct stat st;
    if (lstat(at->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) != 0 &&
                   errno == ECONNREFUSED;
    if (fd >= 0) {
        close(fd);
    }
    return refused;
}

/** A socket that only we may connect to from the first moment on. @return -errno */
static int unix_socket(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n >= sizeof(at.sun_path)) {
        return UV_ENAMETOOLONG;
    }
    memcpy(at.sun_path, path, n + 1);
    if (is_stale(&at)) {
        (void)unlink(path);
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -errno;
    }
    (void)fchmod(fd, 0600); /* bind makes the file with the socket's mode: never wider */
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || chmod(path, 0600) != 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int open_unix(struct listener *l, const struct api_listen *at)
{
    int fd = at->fd >= 0 ? at->fd : unix_socket(at->path);
    int err;
    if (fd < 0) {
        return fd;
    }
    if (at->fd < 0 || at->ours) {
        struct stat st;
        l->path = strdup(at->path);
        l->inode = lstat(at->path, &st) == 0 ? st.st_ino : 0;
    }
    err = uv_pipe_open(&l->pipe, fd);
    if (err != 0) {
        close(fd);
    }
    return err;
}

static int open_tcp(struct listener *l, const struct api_listen *at)
{
    union net_sockaddr sa;
    if (at->fd >= 0) {
        return uv_tcp_open(&l->tcp, at->fd);
    }
    if (sockaddr_of(&at->at, &sa) == 0) {
        return UV_EINVAL;
    }
    return uv_tcp_bind(&l->tcp, &sa.sa, at->at.family == ADDR_IP6 ? UV_TCP_IPV6ONLY : 0);
}

static void on_listener_closed(uv_handle_t *h)
{
    struct listener *l = h->data;
    free(l->path);
    free(l);
}

static void close_listener(struct listener *l)
{
    struct stat st;
    list_remove(&l->link);
    if (l->path != NULL && !atomic_load(&l->wire->leaves) && lstat(l->path, &st) == 0 &&
        st.st_ino == l->inode) {
        (void)unlink(l->path);
    }
    uv_close(&l->handle, on_listener_closed);
}

int wire_listen(struct wire *w, const struct api_listen *at, char *why, size_t cap)
{
    struct listener *l = calloc(1, sizeof(*l));
    char where[64];
    struct out o;
    bool is_unix = at->face == API_FACE_UNIX;
    int err = l == NULL ? UV_ENOMEM
              : is_unix ? uv_pipe_init(&w->loop, &l->pipe, 0)
                        : uv_tcp_init(&w->loop, &l->tcp);
    out_init(&o, where, sizeof(where) - 1);
    addr_write(&o, &at->at);
    where[o.n] = '\0';
    const char *name = is_unix && at->path != NULL ? at->path : where;
    const char *what = is_unix ? "unix:" : at->face == API_FACE_TLS ? "tls:" : "tcp:";
    if (err != 0) {
        free(l);
        return complain(why, cap, what, name, err);
    }
    l->wire = w;
    l->at = *at;
    l->handle.data = l;
    list_append(&w->listeners, &l->link);
    err = is_unix ? open_unix(l, at) : open_tcp(l, at);
    err = err == 0 ? uv_listen(&l->stream, BACKLOG, on_connection) : err;
    if (err != 0) {
        close_listener(l);
        return complain(why, cap, what, name, err);
    }
    if (!is_unix) {
        union net_sockaddr sa;
        int n = sizeof(sa);
        if (uv_tcp_getsockname(&l->tcp, &sa.sa, &n) == 0) {
            (void)sockaddr_read(&sa.sa, &l->at.at); /* port 0 has become one */
        }
    }
    l->at.path = l->path;
    l->at.ours = l->path != NULL;
    uv_os_fd_t fd;
    l->at.fd = uv_fileno(&l->handle, &fd) == 0 ? fd : -1;
    return 0;
}

void wire_leave(struct wire *w)
{
    atomic_store(&w->leaves, true);
}

void wire_each_listener(const struct wire *w, void (*fn)(void *ctx, const struct api_listen *l),
                        void *ctx)
{
    list_each(it, &w->listeners)
    {
        fn(ctx, &list_entry(it, struct listener, link)->at);
    }
}

void wire_close_listeners(struct wire *w)
{
    list_each(it, &w->listeners)
    {
        close_listener(list_entry(it, struct listener, link));
    }
}

/* ---- the loop ---- */

uint64_t wire_now(const struct wire *w)
{
    return uv_now(&w->loop);
}

uv_loop_t *wire_loop(struct wire *w)
{
    return &w->loop;
}

struct wheel *wire_wheel(struct wire *w)
{
    return &w->wheel;
}

struct tls_store *const *wire_tls_store(const struct wire *w)
{
    return &w->tls;
}

struct bio_method_st **wire_bio(struct wire *w)
{
    return &w->bio;
}

void wire_set_tls(struct wire *w, struct tls_store *store)
{
    tls_store_free(w->tls);
    w->tls = store;
}

static void sweep(struct wire *w)
{
    while (!list_empty(&w->dirty) || !list_empty(&w->ended)) {
        while (!list_empty(&w->dirty)) {
            struct wire_conn *c = list_entry(w->dirty.next, struct wire_conn, dirty);
            list_remove(&c->dirty);
            flush(c);
        }
        while (!list_empty(&w->ended)) {
            bury(list_entry(w->ended.next, struct wire_conn, ended));
        }
    }
}

static void on_timer(uv_timer_t *t)
{
    struct wire *w = t->data;
    w->armed_ms = WHEEL_NEVER;
    wheel_advance(&w->wheel, uv_now(&w->loop));
    w->config.handler.woken(w->config.handler.ctx);
}

/** Before the loop waits: what happened in the round is carried out. */
static void on_prepare(uv_prepare_t *p)
{
    struct wire *w = p->data;
    uint64_t now = uv_now(&w->loop);
    wheel_advance(&w->wheel, now);
    sweep(w);
    uint64_t due = wheel_next(&w->wheel);
    if (due != w->armed_ms && !w->stopped) {
        w->armed_ms = due;
        if (due == WHEEL_NEVER) {
            uv_timer_stop(&w->timer);
        } else {
            uv_timer_start(&w->timer, on_timer, due > now ? due - now : 0, 0);
        }
    }
}

static void on_async(uv_async_t *a)
{
    struct wire *w = a->data;
    w->config.handler.woken(w->config.handler.ctx);
}

void wire_wake(struct wire *w)
{
    (void)uv_async_send(&w->async);
}

struct wire *wire_new(const struct wire_config *config)
{
    struct wire *w = calloc(1, sizeof(*w));
    if (w == NULL || (w->in = malloc(IN_SIZE)) == NULL || uv_loop_init(&w->loop) != 0) {
        free(w != NULL ? w->in : NULL);
        free(w);
        return NULL;
    }
    w->config = *config;
    w->armed_ms = WHEEL_NEVER;
    list_init(&w->listeners);
    list_init(&w->conns);
    list_init(&w->dirty);
    list_init(&w->ended);
    wheel_init(&w->wheel, uv_now(&w->loop));
    uv_timer_init(&w->loop, &w->timer);
    uv_prepare_init(&w->loop, &w->prepare);
    w->timer.data = w->prepare.data = w;
    uv_prepare_start(&w->prepare, on_prepare);
    w->async.data = w;
    if (uv_async_init(&w->loop, &w->async, on_async) != 0) {
        uv_close((uv_handle_t *)&w->timer, NULL);
        uv_close((uv_handle_t *)&w->prepare, NULL);
        uv_run(&w->loop, UV_RUN_DEFAULT);
        uv_loop_close(&w->loop);
        free(w->in);
        free(w);
        return NULL;
    }
    return w;
}

void wire_run(struct wire *w)
{
    uv_run(&w->loop, UV_RUN_DEFAULT);
}

void wire_turn(struct wire *w)
{
    (void)uv_run(&w->loop, UV_RUN_NOWAIT);
}

void wire_stop(struct wire *w)
{
    if (w->stopped) {
        return;
    }
    w->stopped = true;
    wire_close_listeners(w);
    list_each(it, &w->conns)
    {
        wire_drop(list_entry(it, struct wire_conn, link));
    }
    sweep(w);
    uv_close((uv_handle_t *)&w->timer, NULL);
    uv_close((uv_handle_t *)&w->prepare, NULL);
    uv_close((uv_handle_t *)&w->async, NULL);
}

void wire_free(struct wire *w)
{
    if (w == NULL) {
        return;
    }
    wire_stop(w);
    uv_run(&w->loop, UV_RUN_DEFAULT);
    uv_loop_close(&w->loop);
    tls_store_free(w->tls);
    BIO_meth_free(w->bio);
    free(w->in);
    free(w);
}
