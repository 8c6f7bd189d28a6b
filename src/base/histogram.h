/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long things take: counts by length, with the bounds that metrics show.
 *
 * Sixteen numbers; adding one is a walk over at most fourteen. Whoever owns it counts, others
 * take copies.
 */
#ifndef BATON_BASE_HISTOGRAM_H
#define BATON_BASE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 14 };

/** Microseconds up to which a bucket reaches, itself included; what is longer is in no bucket
    but in `count`. From a write to the disk to a phone that is waited for. */
static const uint32_t histogram_bound_us[HISTOGRAM_BOUNDS] = {
    100,   250,   500,    1000,   2500,    5000,    10000,
    25000, 50000, 100000, 250000, 1000000, 5000000, 30000000};

struct histogram {
    uint64_t bucket[HISTOGRAM_BOUNDS]; /**< each by itself, not added up */
    uint64_t count, sum_us;
};

static inline void histogram_add(struct histogram *h, uint64_t us)
{
    size_t i = 0;
    while (i < HISTOGRAM_BOUNDS && us > histogram_bound_us[i]) {
        i++;
    }
    if (i < HISTOGRAM_BOUNDS) {
        h->bucket[i]++;
    }
    h->count++;
    h->sum_us += us;
}

#endif
