/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that this process was started with, and those that it leaves: see inherit.h.
 *
 * THE STATE is: a version; then for each descriptor its number, its name, its row (pack.h).
 */
#include "server/inherit.h"
#include "base/err.h"
#include "base/pack.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 1, COPIES_MAX = 64, FIRST = 3, MOST = 65536, STATE_MAX = 1 << 30 };

#define VARIABLE "BATON_HANDOVER"

/** @return the number; -1: it is not there, or is none */
static long number_of(const char *name)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9') {
        return -1;
    }
    errno = 0;
    long value = strtol(text, &end, 10);
    return errno == 0 && *end == '\0' ? value : -1;
}

/* ---- from the service manager ---- */

/** Cut "udp:tcp:" at its colons; what is missing at the end is "". */
static int read_listen_fds(struct inherited *in, const char *names, size_t count)
{
    in->text = strdup(names != NULL ? names : "");
    in->fds = calloc(count, sizeof(*in->fds));
    if (in->text == NULL || in->fds == NULL) {
        return E_NOMEM;
    }
    char *at = in->text;
    for (size_t i = 0; i < count; i++) {
        char *end = strchr(at, ':');
        in->fds[i] = (struct inherited_fd){.fd = FIRST + (int)i, .name = at};
        if (end != NULL) {
            *end = '\0';
            at = end + 1;
        } else {
            at += strlen(at);
        }
    }
    in->count = count;
    return 0;
}

static int from_manager(struct inherited *in)
{
    if (getenv("LISTEN_FDS") == NULL || number_of("LISTEN_PID") != (long)getpid()) {
        return 0;
    }
    long count = number_of("LISTEN_FDS");
    if (count < 0 || count > MOST) {
        return E_VALUE;
    }
    return count > 0 ? read_listen_fds(in, getenv("LISTEN_FDNAMES"), (size_t)count) : 0;
}

/* ---- from the process before ---- */

/** The whole file, into in->text. @return its octets, absent: it cannot be read */
static struct str read_state(struct inherited *in)
{
    struct stat st;
    if (fstat(in->state, &st) != 0 || st.st_size <= 0 || st.st_size > STATE_MAX) {
        return STR_NONE;
    }
    size_t size = (size_t)st.st_size, done = 0;
    in->text = malloc(size);
    while (in->text != NULL && done < size) {
        ssize_t got = pread(in->state, in->text + done, size - done, (off_t)done);
        if (got <= 0) {
            return STR_NONE;
        }
        done += (size_t)got;
    }
    return in->text != NULL ? str_make(in->text, size) : STR_NONE;
}

/** Names are followed by a NUL in the file, so that they can be used where they stand. */
static bool next_fd(struct unpack *u, struct inherited_fd *out)
{
    *out = (struct inherited_fd){.fd = (int)unpack_upto(u, INT32_MAX)};
    struct str name = unpack_str(u);
    out->row = unpack_str(u);
    if (name.n > 0 && name.p[name.n - 1] == '\0') {
        out->name = name.p;
    }
    return !u->bad && (out->name != NULL || str_is_set(out->row));
}

static int from_before(struct inherited *in)
{
    long pid = -1;
    const char *text = getenv(VARIABLE);
    if (text == NULL || sscanf(text, "%ld:%d:%d", &pid, &in->state, &in->program) != 3 ||
        pid != (long)getpid()) {
        in->state = in->program = -1;
        return 0;
    }
    struct str all = read_state(in);
    struct unpack u = unpack_of(all);
    if (!str_is_set(all) || unpack_number(&u) != VERSION) {
        return E_SYNTAX;
    }
    size_t count = (size_t)unpack_upto(&u, MOST);
    in->fds = calloc(count + 1, sizeof(*in->fds));
    if (in->fds == NULL) {
        return E_NOMEM;
    }
    while (in->count < count) {
        if (!next_fd(&u, &in->fds[in->count])) {
            return E_SYNTAX;
        }
        in->count++;
    }
    return 0;
}

static void keep_from_children(int fd)
{
    if (fd >= 0) {
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
}

int inherit_read(struct inherited *in)
{
    *in = (struct inherited){.state = -1, .program = -1};
    int err = from_before(in);
    if (in->state < 0) {
        err = from_manager(in);
    }
    for (size_t i = 0; i < in->count; i++) {
        keep_from_children(in->fds[i].fd);
    }
    keep_from_children(in->state);
    keep_from_children(in->program);
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    (void)unsetenv(VARIABLE);
    return err;
}

bool inherit_sockets(const struct inherited *in, struct net *n, struct log *log)
{
    for (size_t i = 0; i < in->count; i++) {
        const struct inherited_fd *it = &in->fds[i];
        int fd = it->name != NULL ? fcntl(it->fd, F_DUPFD_CLOEXEC, 0) : -1;
        if (it->name == NULL) {
            continue;
        }
        if (fd < 0 && errno == EBADF) {
            log_fmt(log, TRACE_WARN, "server",
                    "descriptor %d \"%s\", which was to be handed over, is not open", it->fd,
                    it->name);
            continue;
        }
        if (fd < 0 || net_give(n, fd, it->name) != 0) {
            log_fmt(log, TRACE_ERROR, "server", "descriptors cannot be taken over: %s",
                    fd < 0 ? strerror(errno) : err_text(E_NOMEM));
            if (fd >= 0) {
                (void)close(fd);
            }
            return false;
        }
    }
    return true;
}

size_t inherit_connections(const struct inherited *in, struct net *n, struct log *log)
{
    size_t done = 0, all = 0;
    for (size_t i = 0; i < in->count; i++) {
        const struct inherited_fd *it = &in->fds[i];
        if (it->name == NULL) {
            int fd = fcntl(it->fd, F_DUPFD_CLOEXEC, 0);
            done += fd >= 0 && net_adopt(n, fd, it->row) == 0;
            all++;
        }
    }
    if (all > done) {
        log_fmt(log, TRACE_WARN, "server",
                "%zu of %zu connections cannot go on here and are closed", all - done, all);
    }
    return done;
}

static void forget(struct inherited *in)
{
    free(in->fds);
    free(in->text);
    *in = (struct inherited){.state = -1, .program = -1};
}

void inherit_close(struct inherited *in)
{
    for (size_t i = 0; i < in->count; i++) {
        (void)close(in->fds[i].fd);
    }
    if (in->state >= 0) {
        (void)close(in->state);
    }
    if (in->program >= 0) {
        (void)close(in->program);
    }
    forget(in);
}

/* ---- becoming another program ---- */

static bool open_for_exec(int fd)
{
    return fcntl(fd, F_SETFD, 0) == 0;
}

static bool set_variable(int state, int program)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "%ld:%d:%d", (long)getpid(), state, program);
    return setenv(VARIABLE, text, 1) == 0;
}

void inherit_go_back(struct inherited *in, char *const argv[])
{
    if (in->program < 0) {
        inherit_close(in);
        return;
    }
    for (size_t i = 0; i < in->count; i++) {
        (void)open_for_exec(in->fds[i].fd);
    }
    fprintf(stderr, "baton serve: this version cannot start; going back to the one before\n");
    if (open_for_exec(in->state) && set_variable(in->state, -1)) {
        (void)fexecve(in->program, argv, environ);
    }
    fprintf(stderr, "baton serve: no way back: %s\n", strerror(errno));
    inherit_close(in);
}

struct legacy {
    struct out o; /**< the records */
    char *p;
    size_t cap, count;
    int *fds;
    int copies[COPIES_MAX]; /**< of those descriptors, ours alone */
    size_t copy_count;
    int state; /**< once sealed; -1: not */
    bool failed;
};

struct legacy *legacy_new(void)
{
    struct legacy *l = calloc(1, sizeof(*l));
    if (l != NULL) {
        l->state = -1;
        out_init(&l->o, NULL, 0);
    }
    return l;
}

void legacy_free(struct legacy *l)
{
    if (l != NULL) {
        if (l->state >= 0) {
            (void)close(l->state);
        }
        for (size_t i = 0; i < l->copy_count; i++) {
            (void)close(l->copies[i]);
        }
        free(l->p);
        free(l->fds);
        free(l);
    }
}

/** Room for `more` octets and one more descriptor. */
static bool make_room(struct legacy *l, size_t more)
{
    size_t need = l->o.n + more, cap = l->cap == 0 ? 4096 : l->cap;
    int *fds = realloc(l->fds, (l->count + 1) * sizeof(*fds));
    if (fds != NULL) {
        l->fds = fds;
    }
    while (cap < need) {
        cap *= 2;
    }
    char *p = cap != l->cap ? realloc(l->p, cap) : l->p;
    if (p != NULL) {
        size_t n = l->o.n;
        l->p = p;
        l->cap = cap;
        out_init(&l->o, p, cap);
        l->o.n = n;
    }
    return fds != NULL && p != NULL;
}

void legacy_add(struct legacy *l, int fd, const char *name, struct str row)
{
    size_t len = name != NULL ? strlen(name) + 1 : 0;
    if (l->count == MOST || !make_room(l, len + row.n + 3 * (PACK_NUMBER_MAX + 1))) {
        l->failed = true;
        return;
    }
    pack_number(&l->o, (uint64_t)fd);
    pack_str(&l->o, name != NULL ? str_make(name, len) : STR_NONE);
    pack_str(&l->o, row);
    l->fds[l->count++] = fd;
}

void legacy_add_copy(struct legacy *l, int fd, const char *name)
{
    int copy = l->copy_count < COPIES_MAX ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
    if (copy < 0) {
        l->failed = true;
        return;
    }
    l->copies[l->copy_count++] = copy;
    legacy_add(l, copy, name, STR_NONE);
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done <= 0) {
            return false;
        }
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/** @return the descriptor, -1 with errno */
static int write_state(const struct legacy *l)
{
    char head[2 * PACK_NUMBER_MAX];
    struct out o;
    int fd = memfd_create("baton-handover", MFD_CLOEXEC);
    out_init(&o, head, sizeof(head));
    pack_number(&o, VERSION);
    pack_number(&o, l->count);
    if (fd >= 0 && (!write_all(fd, head, o.n) || !write_all(fd, l->p, l->o.n))) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

bool legacy_seal(struct legacy *l)
{
    l->state = l->failed ? -1 : write_state(l);
    return l->state >= 0;
}

void legacy_exec(struct legacy *l, const char *program, char *const argv[])
{
    int before = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < l->count; i++) {
        (void)open_for_exec(l->fds[i]);
    }
    (void)open_for_exec(l->state);
    if (before >= 0) {
        (void)open_for_exec(before);
    }
    if (set_variable(l->state, before)) {
        (void)execve(program, argv, environ);
    }
    int err = errno;
    if (before >= 0 && set_variable(l->state, -1)) { /* it has gone since it was tried */
        (void)fexecve(before, argv, environ);
    }
    errno = err;
}
