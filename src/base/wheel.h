/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hierarchical timer wheel, one per worker.
 *
 * Time is milliseconds on a clock that only the environment knows (virtual in tests).
 * A timer is a struct inside its owner; setting, moving and stopping it are O(1) and
 * never allocate. `wheel_advance` fires everything that is due, in order of its
 * deadline to the millisecond (timers of the same millisecond: in the order in which they
 * were set). A callback may set, move or stop any timer, including its own, and may free
 * the owner. A deadline that has passed counts as "now": due_ms becomes the wheel's now_ms
 * and the timer fires at the next advance; set by a callback it waits for the advance after
 * the one that runs, so a timer that renews itself without delay cannot hold the wheel.
 */
#ifndef BATON_BASE_WHEEL_H
#define BATON_BASE_WHEEL_H

#include "base/list.h"
#include <stdint.h>

struct timer;
typedef void (*timer_fn)(struct timer *t, uint64_t now_ms);

struct timer {
    struct list link;
    uint64_t due_ms; /**< meaningful while it is linked */
    timer_fn fire;
};

#define WHEEL_LEVELS 7
#define WHEEL_SLOTS 64

struct wheel {
    uint64_t now_ms; /**< everything before or at this has fired */
    size_t count;    /**< timers that run */
    uint64_t occupied[WHEEL_LEVELS];
    struct list slot[WHEEL_LEVELS][WHEEL_SLOTS];
    struct list late; /**< deadline passed: for the next advance */
};

#define WHEEL_NEVER UINT64_MAX

void wheel_init(struct wheel *w, uint64_t now_ms);

static inline void timer_init(struct timer *t, timer_fn fire)
{
    t->link.next = t->link.prev = NULL;
    t->due_ms = 0;
    t->fire = fire;
}

static inline bool timer_running(const struct timer *t)
{
    return list_linked(&t->link);
}

/** Run `t` so that it fires at `due_ms`; moves it when it runs already. */
void timer_set(struct wheel *w, struct timer *t, uint64_t due_ms);
void timer_stop(struct wheel *w, struct timer *t);

/**
 * Fire what is due at `now_ms` or before; callbacks are given `now_ms`, also those that were
 * due earlier. A time before the wheel's own is taken as the wheel's. Not from a callback.
 * @return how many fired
 */
size_t wheel_advance(struct wheel *w, uint64_t now_ms);

/**
 * When wheel_advance has something to do next, or WHEEL_NEVER. Never later than the
 * next deadline; may be earlier (a cascade), which costs an empty wake-up only.
 */
uint64_t wheel_next(const struct wheel *w);

#endif
