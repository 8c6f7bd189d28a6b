/* SPDX-License-Identifier: Apache-2.0 */
/* A server at a UNIX socket that answers from a list, one connection after the other, and keeps
   what it was asked. */
#ifndef BATON_TESTS_KIT_CONTROL_H
#define BATON_TESTS_KIT_CONTROL_H

#include "base/attr.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct fake {
    char dir[64], socket[96];
    const char *const *answers; /**< whole ones of HTTP; ends with NULL */
    char seen[16384];           /**< all requests, one behind the other */
    size_t n;
    int fd;
    pthread_t thread;
};

/** A status line, a type and a body as one literal. */
#define FAKE_ANSWER(status, type, body) \
    "HTTP/1.1 " status "\r\nContent-Type: " type "\r\nConnection: close\r\n\r\n" body
#define FAKE_JSON(body) FAKE_ANSWER("200 OK", "application/json", body)

/** Has the head ended, and as much come behind it as it says? */
static inline bool fake_whole(const char *text)
{
    const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "Content-Length: ");
    return end != NULL &&
           (length == NULL || length > end ||
            strlen(end + 4) >= (size_t)strtoul(length + strlen("Content-Length: "), NULL, 10));
}

static inline void *fake_run(void *arg)
{
    struct fake *f = arg;
    for (size_t i = 0; f->answers[i] != NULL; i++) {
        size_t begin = f->n;
        int fd = accept(f->fd, NULL, NULL);
        if (fd < 0) {
            break;
        }
        do {
            ssize_t n = read(fd, f->seen + f->n, sizeof(f->seen) - 1 - f->n);
            if (n <= 0) {
                break;
            }
            f->n += (size_t)n;
            f->seen[f->n] = '\0';
        } while (!fake_whole(f->seen + begin));
        size_t len = strlen(f->answers[i]);
        (void)!write(fd, f->answers[i], len);
        (void)close(fd);
    }
    return NULL;
}

/** A folder, and the name of a socket in it at which nobody listens yet. */
static inline void fake_make(struct fake *f)
{
    *f = (struct fake){.fd = -1};
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/baton-fake-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
    (void)snprintf(f->socket, sizeof(f->socket), "%s/control", f->dir);
}

static inline void fake_up(struct fake *f, const char *const *answers)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    fake_make(f);
    f->answers = answers;
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->socket);
    f->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(bind(f->fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(f->fd, 8) == 0);
    CHECK_INT(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

/** All answers were asked for. */
static inline void fake_down(struct fake *f)
{
    if (f->fd >= 0) {
        (void)shutdown(f->fd, SHUT_RDWR); /* who still waits is woken */
        CHECK_INT(pthread_join(f->thread, NULL), 0);
        (void)close(f->fd);
    }
    (void)unlink(f->socket);
    (void)rmdir(f->dir);
}

/** What a command with two streams says; static buffers, NUL-terminated. */
struct fake_said {
    char out[16384], err[4096];
    int code;
};

static inline struct fake_said *fake_ask(int (*run)(int, char **, FILE *, FILE *),
                                         const char *const *words)
{
    static struct fake_said s;
    char *argv[32] = {NULL};
    int argc = 0;
    FILE *out = fmemopen(s.out, sizeof(s.out), "w"), *err = fmemopen(s.err, sizeof(s.err), "w");
    s = (struct fake_said){.code = -1};
    while (words[argc] != NULL) {
        argv[argc] = strdup(words[argc]);
        argc++;
    }
    s.code = run(argc, argv, out, err);
    (void)fclose(out);
    (void)fclose(err);
    while (argc > 0) {
        free(argv[--argc]);
    }
    return &s;
}

#define FAKE_ASK(run, ...) fake_ask((run), (const char *const[]){__VA_ARGS__, NULL})

#endif
