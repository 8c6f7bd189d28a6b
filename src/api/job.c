/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See job.h. Three lists: `posted` and `home`, under the lock; `finished`, the engine thread's,
 * of jobs whose `done` waits for the disk. A job gets its mark when the input that finished it
 * has been flushed (api_release): only then does the store know all that it tells of.
 */
#include "api/parts.h"
#include "base/err.h"

/** Between two looks at the sockets of SIP: however much is asked, and whatever it costs,
    signalling does not wait for more than one job. */
enum { JOBS_AT_ONCE = 16, JOBS_NS = 500000 };

void jobs_init(struct api *a)
{
    list_init(&a->posted);
    list_init(&a->home);
    list_init(&a->finished);
}

/* ---- the API's thread ---- */

int api_post(struct api *a, struct api_job *job)
{
    int err = 0;
    if (a->jobs_out[job->own] >= a->config.max_jobs) {
        count_one(&a->count.jobs_refused);
        return E_TOOMANY;
    }
    job->api = a;
    job->refused = false;
    job->mark = 0;
    (void)pthread_mutex_lock(&a->lock);
    if (a->stopping) {
        err = E_STATE;
    } else {
        list_append(&a->posted, &job->link);
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (err == 0) {
        a->jobs_out[job->own]++;
        count_one(&a->count.jobs);
        a->config.wake_engine(a->config.wake_ctx);
    }
    return err;
}

/** All of a list that other threads put into, at once. */
static void take(struct api *a, struct list *from, struct list *to)
{
    list_init(to);
    (void)pthread_mutex_lock(&a->lock);
    if (!list_empty(from)) {
        to->next = from->next;
        to->prev = from->prev;
        to->next->prev = to;
        to->prev->next = to;
        list_init(from);
    }
    (void)pthread_mutex_unlock(&a->lock);
}

static void abandon(struct list *jobs)
{
    while (!list_empty(jobs)) {
        struct api_job *job = list_entry(jobs->next, struct api_job, link);
        list_remove(&job->link);
        if (job->abandon != NULL) {
            job->abandon(job);
        }
    }
}

void jobs_abandon(struct api *a)
{
    abandon(&a->posted);
    abandon(&a->finished);
    abandon(&a->home);
}

void jobs_home(struct api *a)
{
    struct list all;
    take(a, &a->home, &all);
    while (!list_empty(&all)) {
        struct api_job *job = list_entry(all.next, struct api_job, link);
        list_remove(&job->link);
        if (job->run != NULL) {
            a->jobs_out[job->own]--;
        }
        job->done(job);
    }
}

void jobs_refuse(struct api *a)
{
    struct list all;
    take(a, &a->posted, &all);
    while (!list_empty(&all)) {
        struct api_job *job = list_entry(all.next, struct api_job, link);
        list_remove(&job->link);
        job->refused = true;
        a->jobs_out[job->own]--;
        job->done(job);
    }
}

/* ---- the engine's ---- */

/** The first of those that wait, and whether there are more. @return NULL: none does */
static struct api_job *take_one(struct api *a, bool *more)
{
    struct api_job *job = NULL;
    (void)pthread_mutex_lock(&a->lock);
    if (!list_empty(&a->posted)) {
        job = list_entry(a->posted.next, struct api_job, link);
        list_remove(&job->link);
    }
    *more = !list_empty(&a->posted);
    (void)pthread_mutex_unlock(&a->lock);
    return job;
}

void api_run_jobs(struct api *a, struct engine *e, uint64_t now_ms)
{
    bool more = true;
    uint64_t end = uv_hrtime() + JOBS_NS;
    for (unsigned i = 0; more && i < JOBS_AT_ONCE && (i == 0 || uv_hrtime() < end); i++) {
        struct api_job *job = take_one(a, &more);
        if (job != NULL) {
            job->run(job, e, now_ms);
        }
    }
    if (more) {
        a->config.wake_engine(a->config.wake_ctx);
    }
}

void api_job_finish(struct api_job *job)
{
    list_append(&job->api->finished, &job->link);
    job->api->unmarked++;
}

static void mark_new(struct api *a, uint64_t mark)
{
    struct list *at = a->finished.prev;
    for (; a->unmarked > 0; a->unmarked--, at = at->prev) {
        list_entry(at, struct api_job, link)->mark = mark;
    }
}

void api_release(struct api *a, uint64_t mark, uint64_t done)
{
    bool any = false;
    if (list_empty(&a->finished)) {
        return;
    }
    mark_new(a, mark);
    (void)pthread_mutex_lock(&a->lock);
    while (!list_empty(&a->finished) &&
           list_entry(a->finished.next, struct api_job, link)->mark <= done) {
        struct list *node = a->finished.next;
        list_remove(node);
        list_append(&a->home, node);
        any = true;
    }
    (void)pthread_mutex_unlock(&a->lock);
    if (any) {
        wire_wake(a->wire);
    }
}

bool api_waits(const struct api *a)
{
    return !list_empty(&a->finished);
}

/* ---- any thread ---- */

void api_send_home(struct api *a, struct api_job *job)
{
    job->api = a;
    job->run = NULL; /* it is not one of those that are counted */
    (void)pthread_mutex_lock(&a->lock);
    list_append(&a->home, &job->link);
    (void)pthread_mutex_unlock(&a->lock);
    wire_wake(a->wire);
}
