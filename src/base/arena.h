/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: many small allocations, one release.
 *
 * Two uses: the event arena of a worker, reset after each input, and the arena of one
 * long-lived object (a dialog's strings). Chunks come from a `struct mem`; reset keeps
 * the largest chunk, so that a warm arena does not allocate. Pointers die at reset/fini.
 */
#ifndef BATON_BASE_ARENA_H
#define BATON_BASE_ARENA_H

#include "base/attr.h"
#include "base/mem.h"

struct arena_chunk;

struct arena {
    const struct mem *mem;
    struct arena_chunk *head; /**< the chunk in use; older ones behind it */
    size_t chunk_size;
};

/** Allocates nothing yet. `chunk_size` is the usual size of a chunk in bytes. */
void arena_init(struct arena *a, const struct mem *mem, size_t chunk_size);
void arena_fini(struct arena *a);

/** Forget everything, keep one chunk. */
void arena_reset(struct arena *a);

/** 16-byte aligned, not zeroed; NULL when memory is out. */
void *arena_alloc(struct arena *a, size_t n);
void *arena_zalloc(struct arena *a, size_t n);

/** Copy `s`; {NULL,0} when memory is out and `s` was not empty. */
struct str arena_dup(struct arena *a, struct str s);

/** Concatenation of `n` parts; {NULL,0} when memory is out. */
struct str arena_join(struct arena *a, const struct str *parts, size_t n);

/** printf into the arena; {NULL,0} when memory is out. */
struct str arena_fmt(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
