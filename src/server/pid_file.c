/* SPDX-License-Identifier: Apache-2.0 */
/* The pid file: see pid_file.h. */
#include "server/pid_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct flock whole_file(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

int pid_file_take(const char *path)
{
    struct flock lock = whole_file();
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) {
        return -1;
    }
    if (fcntl(fd, F_SETLK, &lock) != 0) {
        int err = errno == EACCES || errno == EAGAIN ? EEXIST : errno;
        (void)close(fd);
        errno = err;
        return -1;
    }
    char text[32];
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || write(fd, text, (size_t)n) != n) {
        int err = errno;
        (void)close(fd);
        errno = err;
        return -1;
    }
    return fd;
}

void pid_file_drop(const char *path, int fd)
{
    if (fd >= 0) {
        (void)unlink(path);
        (void)close(fd);
    }
}

pid_t pid_file_holder(const char *path)
{
    struct flock lock = whole_file();
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* enough for asking */
    if (fd < 0) {
        return 0;
    }
    if (fcntl(fd, F_GETLK, &lock) != 0) {
        lock.l_type = F_UNLCK;
    }
    (void)close(fd);
    return lock.l_type == F_UNLCK ? 0 : lock.l_pid;
}
