/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests (env->fetch), which nobody makes: they are kept, and a test says how they end
 * (engine_fetched).
 */
#ifndef BATON_TESTS_FETCH_H
#define BATON_TESTS_FETCH_H

#include "base/env.h"

struct fetched {
    size_t times;
    char url[512]; /**< of the last */
    uint64_t tag;  /**< of the last */
    int answer;    /**< what who asks is told at once; 0 */
};
extern struct fetched fetched;

/** Forget those that were made; from now on, those of this environment are kept. */
void fetch_keep(struct env *env);

#endif
