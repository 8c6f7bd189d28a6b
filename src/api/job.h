/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: the one way from the API's thread into the engine's, and back.
 *
 *   API thread                      engine thread                     API thread
 *   api_post ──► queue ──wake──►  run(job, engine, now)
 *                                 api_job_finish, now or later
 *                                   │ what run changed is flushed
 *                                   │ and KEPT (store_mark, store_done)
 *                                   └────────── queue ──wake──►       done(job)
 *
 * OWNERSHIP travels with the job: whoever has it may read and write everything that belongs to
 * it, and nobody else touches that meanwhile. There is no lock but in the two queues. A job is
 * part of a larger struct of whoever made it (container_of), most often of a request's arena.
 *
 * WHAT `run` MAY DO: anything the engine's own callbacks may. It is called between two inputs.
 * It may keep the job and finish it when an answer has come; then it must see to it that the
 * job ends when what it waits for never comes.
 *
 * LOG FIRST: `done` runs when all that the engine had changed up to api_job_finish is kept, so
 * an answer never tells of what a `kill -9` could still undo (store/hold.h has the same for
 * SIP). Without a store, or with a broken one, it runs at once.
 *
 * BOUNDS: api.max_jobs are on their way at a time, and as many of the server itself and of who
 * came over the UNIX socket: he gets in whatever others ask. Only some are run in one turn of
 * the engine's loop: what has come from phones meanwhile is not behind all of them. At the end
 * of the server jobs that were not run come back with `refused` set; a job that was run is
 * waited for until the server's own limit (timers.stop_s) and belongs to nobody after that.
 */
#ifndef BATON_API_JOB_H
#define BATON_API_JOB_H

#include "base/attr.h"
#include "base/list.h"

struct api;
struct engine;

struct api_job {
    /** In the engine's thread. Ends with api_job_finish, there or later. */
    void (*run)(struct api_job *job, struct engine *e, uint64_t now_ms);
    /** In the API's thread; the job is the caller's again. */
    void (*done)(struct api_job *job);
    /** The API is freed while the job is on its way: free what is its own. NULL: nothing is. */
    void (*abandon)(struct api_job *job);
    bool own;     /**< not somebody's request from afar: has room of its own */
    bool refused; /**< set for `done`: the server stops, `run` was not called */

    struct list link; /**< of the queue that has it; private, as what follows */
    struct api *api;
    uint64_t mark; /**< what must be kept before `done` */
};

/**
 * From the API's thread. `run` and `done` are set; the rest is made here.
 * @return 0; E_TOOMANY: too many are on their way; E_STATE: the server stops. Then it was not
 * taken and nothing is called: answer 503 (api_busy of request.h does).
 */
int api_post(struct api *a, struct api_job *job) MUST_USE;

/** From the engine's thread, once for each job that was run. */
void api_job_finish(struct api_job *job);

/**
 * From any thread: have `done` called in the API's, without a run. For who is told of something
 * elsewhere (in the store's thread, by store_read) and wants to answer here. Does not wait for
 * the disk. The job may be sent again from `done` on, not before.
 */
void api_send_home(struct api *a, struct api_job *job);

#endif
