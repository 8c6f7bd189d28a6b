/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a folder of its own, which goes with it. */
#ifndef BATON_TESTS_KIT_STORE_H
#define BATON_TESTS_KIT_STORE_H

#include "store/store.h"
#include "test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct kit_store {
    char dir[64], path[96];
    struct store_config config;
    struct store *st;
    pthread_mutex_t lock;
    pthread_cond_t woken;
    unsigned wakes;
};

static inline void kit_wake(void *ctx)
{
    struct kit_store *k = ctx;
    pthread_mutex_lock(&k->lock);
    k->wakes++;
    pthread_cond_broadcast(&k->woken);
    pthread_mutex_unlock(&k->lock);
}

static inline void kit_store_make(struct kit_store *k)
{
    *k = (struct kit_store){.st = NULL};
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->woken, NULL);
    (void)snprintf(k->dir, sizeof(k->dir), "/tmp/baton-store-XXXXXX");
    CHECK(mkdtemp(k->dir) != NULL);
    (void)snprintf(k->path, sizeof(k->path), "%s/db", k->dir);
    k->config.path = k->path;
}

/** @return false: it cannot be opened; `why` says so */
static inline bool kit_store_open(struct kit_store *k, char *why, size_t cap)
{
    k->st = store_open(&k->config, why, cap);
    return k->st != NULL;
}

static inline void kit_store_up(struct kit_store *k)
{
    char why[256] = "";
    if (!kit_store_open(k, why, sizeof(why))) {
        CHECK_STR(str_c(why), "");
        abort();
    }
    CHECK(store_listen(k->st, kit_wake, k));
}

/** Until all that was handed over is done with. */
static inline void kit_store_sync(struct kit_store *k)
{
    store_flush(k->st);
    pthread_mutex_lock(&k->lock);
    while (store_done(k->st) < store_mark(k->st)) {
        pthread_cond_wait(&k->woken, &k->lock);
    }
    pthread_mutex_unlock(&k->lock);
}

static inline uint64_t kit_store_down(struct kit_store *k)
{
    uint64_t lost = store_close(k->st);
    k->st = NULL;
    return lost;
}

static inline void kit_store_remove(struct kit_store *k)
{
    static const char *const names[] = {"db", "db-wal", "db-shm", "db.lock", "copy", "other"};
    char path[96];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", k->dir, names[i]);
        (void)unlink(path);
    }
    CHECK_INT(rmdir(k->dir), 0);
    pthread_cond_destroy(&k->woken);
    pthread_mutex_destroy(&k->lock);
}

/** An event of nobody's, about a call. */
static inline void kit_store_note(struct kit_store *k, uint64_t number, const char *call,
                                  const char *event)
{
    const struct store_ops *ops = store_ops(k->st);
    struct store_event e = {.number = number,
                            .watched = STR(""),
                            .call_id = str_c(call),
                            .event = str_c(event),
                            .data = STR("d")};
    ops->event(ops->ctx, &e);
}

/** And one of a device. */
static inline void kit_store_event(struct kit_store *k, uint64_t number, const char *device)
{
    const struct store_ops *ops = store_ops(k->st);
    struct store_event e = {.number = number,
                            .watched = str_c(device),
                            .event = STR("HeldEvent"),
                            .data = STR("data")};
    ops->event(ops->ctx, &e);
}

#endif
