/* SPDX-License-Identifier: Apache-2.0 */
/* See lines.h. Used by the log and by the SIP trace. */
#include "server/lines.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int open_file(const char *file)
{
    return open(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

bool lines_open(struct lines *l, const char *file)
{
    *l = (struct lines){NULL, STDERR_FILENO};
    if (file == NULL) {
        return true;
    }
    l->file = strdup(file);
    l->fd = l->file != NULL ? open_file(file) : -1;
    if (l->fd < 0) {
        int err = errno;
        free(l->file);
        l->file = NULL;
        errno = err;
        return false;
    }
    return true;
}

void lines_close(struct lines *l)
{
    if (l->file != NULL) {
        close(l->fd);
        free(l->file);
        l->file = NULL;
    }
}

bool lines_reopen(struct lines *l)
{
    int fd = l->file != NULL ? open_file(l->file) : l->fd;
    if (fd < 0) {
        return false;
    }
    if (l->file != NULL) {
        close(l->fd);
        l->fd = fd;
    }
    return true;
}

void lines_write(const struct lines *l, struct str line)
{
    ssize_t done = write(l->fd, line.p, line.n);
    (void)done;
}
