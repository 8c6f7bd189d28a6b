/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that this process was started with: see inherit.h. */
#include "server/inherit.h"
#include "base/err.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 65536 };

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

/** Cut "udp:tcp:" at its colons; what is missing at the end is "". */
static int cut_names(struct inherited *in, const char *text, int count)
{
    in->text = strdup(text != NULL ? text : "");
    in->names = calloc((size_t)count, sizeof(*in->names));
    if (in->text == NULL || in->names == NULL) {
        free(in->text);
        free(in->names);
        *in = (struct inherited){0};
        return E_NOMEM;
    }
    char *at = in->text;
    for (int i = 0; i < count; i++) {
        char *end = strchr(at, ':');
        in->names[i] = at;
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

int inherit_read(struct inherited *in)
{
    bool told = getenv("LISTEN_FDS") != NULL;
    long pid = number_of("LISTEN_PID"), count = number_of("LISTEN_FDS");
    int err = 0;
    *in = (struct inherited){0};
    if (told && pid == (long)getpid()) {
        err = count < 0 || count > MOST ? E_VALUE : 0;
        if (count > 0 && err == 0) {
            err = cut_names(in, getenv("LISTEN_FDNAMES"), (int)count);
        }
    }
    for (int i = 0; i < in->count; i++) {
        (void)fcntl(INHERIT_FIRST + i, F_SETFD, FD_CLOEXEC);
    }
    (void)unsetenv("LISTEN_PID");
    (void)unsetenv("LISTEN_FDS");
    (void)unsetenv("LISTEN_FDNAMES");
    return err;
}

bool inherit_give(const struct inherited *in, struct net *n, struct log *log)
{
    for (int i = 0; i < in->count; i++) {
        int fd = fcntl(INHERIT_FIRST + i, F_DUPFD_CLOEXEC, 0);
        if (fd < 0 && errno == EBADF) {
            log_fmt(log, TRACE_WARN, "server",
                    "descriptor %d \"%s\", which was to be handed over, is not open",
                    INHERIT_FIRST + i, in->names[i]);
            continue;
        }
        if (fd < 0 || net_give(n, fd, in->names[i]) != 0) {
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

void inherit_close(struct inherited *in)
{
    for (int i = 0; i < in->count; i++) {
        (void)close(INHERIT_FIRST + i);
    }
    free(in->names);
    free(in->text);
    *in = (struct inherited){0};
}
