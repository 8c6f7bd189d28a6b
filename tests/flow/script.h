/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Representative flows that go on whatever happens: each waits for what should come, and when
 * it does not come goes on as a user would. For sweeps over lossy networks and failing memory.
 */
#ifndef BATON_TESTS_SCRIPT_H
#define BATON_TESTS_SCRIPT_H

#include "world.h"

struct script {
    const char *name;
    void (*run)(struct world *w);
    bool unregistered;              /**< the phones do not register before it */
    void (*tweak)(struct world *w); /**< of the configuration, or NULL */
};

extern const struct script scripts[];
extern const size_t script_count;

#endif
