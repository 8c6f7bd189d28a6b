/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hierarchical timer wheel: seven levels of 64 slots, one tick a millisecond.
 *
 * Write times as numbers in base 64. A timer stands on the level of the highest digit in
 * which its deadline differs from now, in the slot that this digit names: a slot of level 0
 * is one millisecond, one of level 1 is 64 of them, and so on. Everything on a level is
 * due before anything on the level above, so the next thing to do is the first occupied slot
 * of the lowest occupied level: two bit operations, however far away it is. When time
 * reaches a slot of a higher level, its timers move down (cascade), each at most six times
 * in its life.
 *
 * The top level is a ring, because time does not end when its digit wraps: a slot there is
 * a distance of 1 to 64 from now, 2 to 139 years. A deadline still farther away stands in the
 * slot of its digit all the same: time gets there a turn or more too early, and the timer is
 * placed again.
 *
 * ORDER       For one `now` the place depends on the deadline only, and lists keep the
 *             order in which timers came. So timers of one millisecond are always in one
 *             list, in the order in which they were set (but for those beyond the range).
 * INVARIANTS  Timers in slots are due after now_ms; those that are not stand in `late`. A
 *             bit of `occupied` is set exactly when its slot has timers. Below the top level
 *             only slots after now's own digit have any.
 * COST        7 KiB a wheel, 32 bytes a timer; set and stop O(1); advance O(fired + moved),
 *             not of the time that passed.
 */
#include "base/wheel.h"

#define BITS 6
#define DIGIT_MASK (WHEEL_SLOTS - 1)
#define TOP (WHEEL_LEVELS - 1)
#define TOP_SHIFT (BITS * TOP)

void wheel_init(struct wheel *w, uint64_t now_ms)
{
    w->now_ms = now_ms;
    w->count = 0;
    list_init(&w->late);
    for (int level = 0; level < WHEEL_LEVELS; level++) {
        w->occupied[level] = 0;
        for (int i = 0; i < WHEEL_SLOTS; i++) {
            list_init(&w->slot[level][i]);
        }
    }
}

/** Put `t`, due after now, into its slot. */
static void place(struct wheel *w, struct timer *t)
{
    int level = TOP;
    if (t->due_ms >> TOP_SHIFT == w->now_ms >> TOP_SHIFT) {
        level = (63 - __builtin_clzll(t->due_ms ^ w->now_ms)) / BITS;
    }
    size_t digit = (size_t)(t->due_ms >> (BITS * level)) & DIGIT_MASK;
    w->occupied[level] |= (uint64_t)1 << digit;
    list_append(&w->slot[level][digit], &t->link);
}

void timer_set(struct wheel *w, struct timer *t, uint64_t due_ms)
{
    timer_stop(w, t);
    w->count++;
    if (due_ms > w->now_ms) {
        t->due_ms = due_ms;
        place(w, t);
    } else {
        t->due_ms = w->now_ms;
        list_append(&w->late, &t->link);
    }
}

void timer_stop(struct wheel *w, struct timer *t)
{
    if (!timer_running(t)) {
        return;
    }
    struct list *head = t->link.next;
    bool alone = head == t->link.prev;
    list_remove(&t->link);
    w->count--;
    if (alone && head != &w->late) { /* the only neighbour left is the slot's own head */
        size_t at = (size_t)(head - &w->slot[0][0]);
        w->occupied[at / WHEEL_SLOTS] &= ~((uint64_t)1 << at % WHEEL_SLOTS);
    }
}

/**
 * The first occupied slot in time: its level, or -1 when all are empty; `*start` is the
 * millisecond at which it begins.
 */
static int first_slot(const struct wheel *w, uint64_t *start)
{
    for (int level = 0; level < TOP; level++) {
        if (w->occupied[level] != 0) {
            int shift = BITS * level;
            uint64_t digit = (uint64_t)__builtin_ctzll(w->occupied[level]);
            *start = (w->now_ms >> shift >> BITS << BITS | digit) << shift;
            return level;
        }
    }
    if (w->occupied[TOP] == 0) {
        return -1;
    }
    /* The slots after now's digit come first, then, a turn later, those up to it. Shifted in
       two steps because a shift by 64 is undefined. */
    uint64_t now = w->now_ms >> TOP_SHIFT;
    unsigned digit = (unsigned)(now & DIGIT_MASK);
    uint64_t ring = w->occupied[TOP] >> digit >> 1;
    if (ring != 0) {
        *start = (now + 1 + (uint64_t)__builtin_ctzll(ring)) << TOP_SHIFT;
    } else {
        uint64_t ahead = (uint64_t)__builtin_ctzll(w->occupied[TOP]) + WHEEL_SLOTS - digit;
        *start = (now + ahead) << TOP_SHIFT;
    }
    return TOP;
}

/** Fire what stands in `late` before `mark`. */
static size_t fire_until(struct wheel *w, struct list *mark, uint64_t now_ms)
{
    size_t fired = 0;
    while (w->late.next != mark) {
        struct timer *t = list_entry(w->late.next, struct timer, link);
        PREFETCH((char *)t->link.next + 64); /* what the next one's owner has behind it */
        list_remove(&t->link);
        w->count--;
        fired++;
        t->fire(t, now_ms);
    }
    return fired;
}

/** Time has reached the slot of `level` that begins now: empty it downwards. */
static void open_slot(struct wheel *w, int level, struct list *mark)
{
    size_t digit = (size_t)(w->now_ms >> (BITS * level)) & DIGIT_MASK;
    struct list *head = &w->slot[level][digit];
    struct list all = *head;
    all.next->prev = all.prev->next = &all; /* the slot may get some of them back */
    list_init(head);
    w->occupied[level] &= ~((uint64_t)1 << digit);
    while (!list_empty(&all)) {
        struct timer *t = list_entry(all.next, struct timer, link);
        PREFETCH(t->link.next->next); /* most have slept for long and are in no cache */
        list_remove(&t->link);
        if (t->due_ms == w->now_ms) {
            list_insert_before(mark, &t->link);
        } else {
            place(w, t);
        }
    }
}

size_t wheel_advance(struct wheel *w, uint64_t now_ms)
{
    struct list mark;
    uint64_t start;
    int level;
    /* What callbacks set into the past goes to the end of `late`, behind the mark, and stays
       there until the next advance; what falls due goes before the mark. */
    list_append(&w->late, &mark);
    size_t fired = fire_until(w, &mark, now_ms > w->now_ms ? now_ms : w->now_ms);
    while ((level = first_slot(w, &start)) >= 0 && start <= now_ms) {
        w->now_ms = start;
        open_slot(w, level, &mark);
        fired += fire_until(w, &mark, now_ms);
    }
    list_remove(&mark);
    if (now_ms > w->now_ms) {
        w->now_ms = now_ms;
    }
    return fired;
}

uint64_t wheel_next(const struct wheel *w)
{
    uint64_t start;
    if (!list_empty(&w->late)) {
        return w->now_ms;
    }
    return first_slot(w, &start) >= 0 ? start : WHEEL_NEVER;
}
