/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work that takes its time: a question to the database, the ladder of a call. One thread does
 * it, one piece after the other, so that neither the API's clients nor the engine wait.
 *
 *   API thread                      worker                        API thread
 *   api_work ──► queue ──►  run(w): touches what is w's alone ──►  done(w)
 *
 * OWNERSHIP travels with the work, as with jobs (job.h). The thread is made for the first
 * piece, and ends with the API; pieces that have not run by then belong to nobody any more, as
 * their requests do.
 */
#ifndef BATON_API_WORK_H
#define BATON_API_WORK_H

#include "api/job.h"

struct api_work {
    void (*run)(struct api_work *w);
    void (*done)(struct api_work *w);
    struct list link; /**< private, as what follows */
    struct api_job home;
};

/** @return 0; E_TOOMANY: too many wait; E_NOMEM: no thread. Then nothing is called */
int api_work(struct api *a, struct api_work *w) MUST_USE;

struct worker;
/** What runs is waited for. NULL is allowed. After the API's thread has ended. */
void worker_free(struct worker *w);

#endif
