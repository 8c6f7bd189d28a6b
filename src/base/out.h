/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded writer with a sticky error: write ten fields, check once.
 *
 * Writes into the caller's buffer and never beyond it. After the first write that does
 * not fit, `over` is set and nothing more is written; `need` goes on counting, so a
 * caller can tell how large the buffer should have been.
 */
#ifndef BATON_BASE_OUT_H
#define BATON_BASE_OUT_H

#include "base/attr.h"
#include "base/str.h"

struct out {
    char *p;
    size_t n;    /**< bytes written */
    size_t cap;
    size_t need; /**< bytes that all writes so far wanted */
    bool over;
};

static inline void out_init(struct out *o, char *buf, size_t cap)
{
    *o = (struct out){buf, 0, cap, 0, false};
}

static inline struct str out_str_of(const struct out *o)
{
    return (struct str){o->p, o->n};
}

/* Inline, because messages are made of many short writes, most of them literals: then length
   and copy are known when compiling. */
static inline void out_str(struct out *o, struct str s)
{
    o->need += s.n;
    if (o->over || s.n > o->cap - o->n) {
        o->over = o->over || s.n > 0;
    } else if (s.n > 0) {
        memcpy(o->p + o->n, s.p, s.n);
        o->n += s.n;
    }
}

static inline void out_c(struct out *o, const char *s)
{
    out_str(o, str_c(s));
}

static inline void out_ch(struct out *o, char c)
{
    out_str(o, str_make(&c, 1));
}

void out_u64(struct out *o, uint64_t v);
void out_fmt(struct out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** Hex digits of `s`; `upper` as RFC 4648 §8 has them. */
void out_hex(struct out *o, struct str s, bool upper);

#endif
