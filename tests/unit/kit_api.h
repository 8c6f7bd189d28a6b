/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API on a UNIX socket of its own, with routes of the test's (api_routes, which the
 * test defines) and a thread that plays the engine's: it runs jobs when it is woken, unless
 * `held`.
 */
#ifndef BATON_TESTS_KIT_API_H
#define BATON_TESTS_KIT_API_H

#include "api/api.h"
#include "api/route.h"
#include "base/attr.h"
#include "base/err.h"
#include "test.h"
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { KIT_WAIT_MS = 20000, KIT_ANSWER = 1 << 20 };

/** In a handler, which runs in another thread than the checks of the test. */
static atomic_int kit_faults;
#define EXPECT(cond)                                                     \
    do {                                                                 \
        if (!(cond)) {                                                   \
            fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
            kit_faults++;                                                \
        }                                                                \
    } while (0)

struct kit_api {
    struct api *api;
    struct api_config config;
    struct api_listen listen;
    struct env env;
    char folder[64], path[96];
    pthread_t engine;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool woken, over, held;
    uint64_t mark, done; /**< what the store says */
    char log[4096];
};

static inline uint64_t kit_wall(void *ctx)
{
    (void)ctx;
    return 1768478400;
}

static inline void kit_log(void *ctx, enum trace_level level, const char *module,
                           const struct trace_ids *ids, struct str text)
{
    (void)ids;
    (void)ctx;
    (void)level;
    (void)module;
    if (getenv("BATON_TEST_LOG") != NULL) {
        fprintf(stderr, "%s: %.*s\n", module, STR_ARG(text));
    }
}

static inline void kit_count(void *ctx, api_count_fn fn, void *to)
{
    (void)ctx;
    fn(to, "engine", "calls", 3);
}

static inline void kit_wake(void *ctx)
{
    struct kit_api *k = ctx;
    (void)pthread_mutex_lock(&k->lock);
    k->woken = true;
    (void)pthread_cond_broadcast(&k->news);
    (void)pthread_mutex_unlock(&k->lock);
}

static inline void *kit_engine(void *arg)
{
    struct kit_api *k = arg;
    for (;;) {
        (void)pthread_mutex_lock(&k->lock);
        while (!k->over && (!k->woken || k->held)) {
            (void)pthread_cond_wait(&k->news, &k->lock);
        }
        bool over = k->over;
        uint64_t mark = k->mark, done = k->done;
        k->woken = false;
        (void)pthread_mutex_unlock(&k->lock);
        if (over) {
            return NULL;
        }
        api_run_jobs(k->api, (struct engine *)(void *)k, 1000);
        api_release(k->api, mark, done);
    }
}

/** From the test's thread: change what the engine's thread sees, and wake it. */
static inline void kit_set(struct kit_api *k, bool held, uint64_t mark, uint64_t done)
{
    (void)pthread_mutex_lock(&k->lock);
    k->held = held;
    k->mark = mark;
    k->done = done;
    k->woken = true;
    (void)pthread_cond_broadcast(&k->news);
    (void)pthread_mutex_unlock(&k->lock);
}

/** k->config may have been filled. */
static inline bool kit_up(struct kit_api *k)
{
    char why[256] = "";
    (void)snprintf(k->folder, sizeof(k->folder), "/tmp/baton-api-XXXXXX");
    if (mkdtemp(k->folder) == NULL) {
        return test_check(false, "mkdtemp", __FILE__, __LINE__);
    }
    (void)snprintf(k->path, sizeof(k->path), "%s/api.sock", k->folder);
    k->listen = (struct api_listen){.face = API_FACE_UNIX, .path = k->path, .fd = -1};
    k->env = (struct env){.wall_s = kit_wall};
    k->config.listen = &k->listen;
    k->config.listen_count = 1;
    k->config.env = &k->env;
    k->config.log = kit_log;
    k->config.each_count = kit_count;
    k->config.wake_engine = kit_wake;
    k->config.wake_ctx = k;
    k->done = UINT64_MAX;
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->news, NULL);
    k->api = api_new(&k->config, why, sizeof(why));
    if (!test_check(k->api != NULL, why, __FILE__, __LINE__)) {
        return false;
    }
    bool ok = pthread_create(&k->engine, NULL, kit_engine, k) == 0 && api_start(k->api);
    return test_check(ok, "threads", __FILE__, __LINE__);
}

static inline void kit_down(struct kit_api *k)
{
    (void)pthread_mutex_lock(&k->lock);
    k->over = true;
    (void)pthread_cond_broadcast(&k->news);
    (void)pthread_mutex_unlock(&k->lock);
    (void)pthread_join(k->engine, NULL);
    api_stop(k->api, 2000);
    api_free(k->api);
    CHECK_INT(kit_faults, 0);
    CHECK(access(k->path, F_OK) != 0); /* the socket went with it */
    (void)rmdir(k->folder);
}

static inline int kit_connect(const struct kit_api *k)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", k->path);
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0) {
        close(fd);
        fd = -1;
    }
    CHECK(fd >= 0);
    return fd;
}

/** All of it; false when the peer has closed. */
static inline bool kit_send(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        bytes = str_from(bytes, (size_t)n);
    }
    return true;
}

/** What comes until `text` has come, or the end when it is NULL. @return in `buf`, terminated
 */
static inline struct str kit_read(int fd, char *buf, size_t cap, const char *text)
{
    size_t n = 0;
    buf[0] = '\0';
    while (n + 1 < cap && (text == NULL || strstr(buf, text) == NULL)) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, KIT_WAIT_MS) != 1) {
            test_check(false, "nothing comes", __FILE__, __LINE__);
            break;
        }
        ssize_t got = recv(fd, buf + n, cap - 1 - n, 0);
        if (got <= 0) {
            break;
        }
        n += (size_t)got;
        buf[n] = '\0';
    }
    return str_make(buf, n);
}

/** Status of the first answer; 0: there is none. */
static inline int kit_status(struct str answer)
{
    return str_starts(answer, STR("HTTP/1.1 ")) ? atoi(answer.p + 9) : 0;
}

/** One connection: send, and what comes until the end. */
static inline struct str kit_ask(const struct kit_api *k, struct str bytes, char *buf,
                                 size_t cap)
{
    int fd = kit_connect(k);
    (void)kit_send(fd, bytes);
    struct str answer = kit_read(fd, buf, cap, NULL);
    close(fd);
    return answer;
}

#endif
