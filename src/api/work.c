/* SPDX-License-Identifier: Apache-2.0 */
/* Work that takes its time: see work.h. */
#include "api/work.h"
#include "api/parts.h"
#include "base/err.h"
#include <signal.h>
#include <stdlib.h>

/** Of one payer only so much waits: the worker has room for others. */
enum { WAITING_MAX = 100, PAYER_MAX = 25 };

struct worker {
    struct api *api;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came;
    struct list queue;
    unsigned waiting;
    atomic_bool stop;
};

const atomic_bool *work_over_flag(const struct api_work *w)
{
    return &w->home.api->worker->stop;
}

static void on_home(struct api_job *job)
{
    struct api_work *w = container_of(job, struct api_work, home);
    w->done(w);
}

static void on_abandon(struct api_job *job)
{
    struct api_work *w = container_of(job, struct api_work, home);
    if (w->abandon != NULL) {
        w->abandon(w);
    }
}

static void *work_on(void *ctx)
{
    struct worker *w = ctx;

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        while (list_empty(&w->queue) && !atomic_load(&w->stop)) {
            (void)pthread_cond_wait(&w->came, &w->lock);
        }
        if (atomic_load(&w->stop)) {
            break;
        }
        struct api_work *piece = list_entry(w->queue.next, struct api_work, link);
        list_remove(&piece->link);
        w->waiting--;
        (void)pthread_mutex_unlock(&w->lock);
        piece->run(piece);
        api_send_home(w->api, &piece->home);
        (void)pthread_mutex_lock(&w->lock);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static struct worker *worker_new(struct api *a)
{
    struct worker *w = calloc(1, sizeof(*w));
    sigset_t all, before;
    bool ok;

    if (w == NULL) {
        return NULL;
    }
    w->api = a;
    list_init(&w->queue);
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->came, NULL);
    (void)sigfillset(&all); /* signals are the engine's thread's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = pthread_create(&w->thread, NULL, work_on, w) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        (void)pthread_mutex_destroy(&w->lock);
        (void)pthread_cond_destroy(&w->came);
        free(w);
        return NULL;
    }
    return w;
}

void worker_stop(struct worker *w)
{
    if (w != NULL) {
        (void)pthread_mutex_lock(&w->lock);
        atomic_store(&w->stop, true);
        (void)pthread_cond_signal(&w->came);
        (void)pthread_mutex_unlock(&w->lock);
    }
}

void worker_free(struct worker *w)
{
    if (w == NULL) {
        return;
    }
    worker_stop(w);
    (void)pthread_join(w->thread, NULL);
    while (!list_empty(&w->queue)) { /* they have not run */
        struct api_work *piece = list_entry(w->queue.next, struct api_work, link);
        list_remove(&piece->link);
        on_abandon(&piece->home);
    }
    (void)pthread_mutex_destroy(&w->lock);
    (void)pthread_cond_destroy(&w->came);
    free(w);
}

/** Of those that wait, how many he has. */
static unsigned count_of_payer(const struct worker *w, uint64_t payer)
{
    unsigned n = 0;

    list_each(it, (struct list *)(uintptr_t)&w->queue)
    {
        n += payer != 0 && list_entry(it, struct api_work, link)->payer == payer;
    }
    return n;
}

int api_work(struct api *a, struct api_work *w)
{
    int err = 0;

    if (a->worker == NULL) {
        a->worker = worker_new(a);
    }
    if (a->worker == NULL) {
        return E_NOMEM;
    }
    w->home = (struct api_job){.done = on_home, .abandon = on_abandon, .api = a};
    (void)pthread_mutex_lock(&a->worker->lock);
    if (a->worker->waiting >= WAITING_MAX || count_of_payer(a->worker, w->payer) >= PAYER_MAX) {
        err = E_TOOMANY;
    } else {
        list_append(&a->worker->queue, &w->link);
        a->worker->waiting++;
        (void)pthread_cond_signal(&a->worker->came);
    }
    (void)pthread_mutex_unlock(&a->worker->lock);
    return err;
}
