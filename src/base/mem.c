/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory through a table of two functions, and the table over the C library.
 *
 * The one object of L0-L5 that may name malloc: everything else gets its memory from a
 * `struct mem` that was handed to it. A request for nothing asks for one byte, so that
 * NULL always means failure.
 */
#include "base/mem.h"
#include "base/err.h"
#include <stdlib.h>

static void *libc_alloc(void *ctx, size_t n)
{
    (void)ctx;
    return malloc(n);
}

static void libc_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

const struct mem mem_libc = {libc_alloc, libc_free, NULL};

void *mem_alloc(const struct mem *m, size_t n)
{
    return m->alloc(m->ctx, n > 0 ? n : 1);
}

void *mem_zalloc(const struct mem *m, size_t n)
{
    void *p = mem_alloc(m, n);
    if (p != NULL) {
        memset(p, 0, n);
    }
    return p;
}

void mem_free(const struct mem *m, void *p)
{
    m->free(m->ctx, p);
}

int mem_dup(const struct mem *m, struct str s, struct str *out)
{
    if (s.n == 0) {
        *out = STR_NONE;
        return 0;
    }
    char *p = mem_alloc(m, s.n);
    if (p == NULL) {
        return E_NOMEM;
    }
    memcpy(p, s.p, s.n);
    *out = str_make(p, s.n);
    return 0;
}
