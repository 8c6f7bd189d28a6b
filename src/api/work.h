/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that takes its time: a question to the database, the ladder of a call. One thread does
 * it, one piece after the other, so that neither the API's clients nor the engine wait.
 *
 *   API thread                      worker                        API thread
 *   api_work ──► queue ──►  run(w): touches what is w's alone ──►  done(w)
 *
 * OWNERSHIP travels with the work, as with jobs (job.h). The thread is made for the first
 * piece, and ends with the API. Who is at work then is asked to make an end (work_over_flag),
 * and what has not been told of is abandoned, as its request is.
 */
#ifndef BATON_API_WORK_H
#define BATON_API_WORK_H

#include "api/job.h"
#include <stdatomic.h>

struct api_work {
    void (*run)(struct api_work *w);
    void (*done)(struct api_work *w);
    /** Neither `run` nor `done` is called any more: free what is the work's own. NULL: nothing
        is. When the API is freed, in that thread. */
    void (*abandon)(struct api_work *w);
    uint64_t payer;   /**< whose it is (pace_payer); 0: nobody's */
    struct list link; /**< private, as what follows */
    struct api_job home;
};

/** @return 0; E_TOOMANY: too many wait; E_NOMEM: no thread. Then nothing is called */
int api_work(struct api *a, struct api_work *w) MUST_USE;

/** Set: nobody waits for the answer any more. For a `run` that takes long, to be looked at in
    its thread. */
const atomic_bool *work_over_flag(const struct api_work *w);

struct worker;
/** No more of it: what runs is asked to make an end. Any thread; NULL is allowed. */
void worker_stop(struct worker *w);
/** What runs is waited for. NULL is allowed. After the API's thread has ended. */
void worker_free(struct worker *w);

#endif
