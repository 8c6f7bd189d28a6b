/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where memory comes from.
 *
 * L0-L5 never call malloc: they hold a `const struct mem *` from their environment. The
 * server passes `mem_libc`; tests pass one that counts, or that fails at the n-th call.
 * A failed allocation is an ordinary error (E_NOMEM), never an abort.
 */
#ifndef BATON_BASE_MEM_H
#define BATON_BASE_MEM_H

#include "base/str.h"

struct mem {
    /** Memory for any type, not zeroed; NULL when there is none. */
    void *(*alloc)(void *ctx, size_t n);
    /** Gives back what alloc returned; NULL is allowed. */
    void (*free)(void *ctx, void *p);
    void *ctx;
};

extern const struct mem mem_libc;

void *mem_alloc(const struct mem *m, size_t n);
void *mem_zalloc(const struct mem *m, size_t n);
void mem_free(const struct mem *m, void *p);

/**
 * A copy of `s` in memory of its own; the caller gives `out->p` back with mem_free.
 * An empty or absent string copies to {NULL, 0}. @return 0 or E_NOMEM
 */
int mem_dup(const struct mem *m, struct str s, struct str *out);

#endif
