/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded writer.
 *
 * A write goes in whole or not at all; after the first that does not fit, `over` stays set
 * and later ones are only counted. A buffer of `need` bytes is always large enough for a
 * second try; for one out_fmt text longer than FMT_MAX it may be one byte more than is
 * used, because vsnprintf insists on a place for its NUL.
 */
#include "base/out.h"
#include <stdarg.h>
#include <stdio.h>

#define FMT_MAX 256

void out_u64(struct out *o, uint64_t v)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    out_str(o, str_make(digits + at, sizeof(digits) - at));
}

void out_fmt(struct out *o, const char *fmt, ...)
{
    char text[FMT_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0) {
        o->over = true;
        return;
    }
    size_t n = (size_t)len;
    if (n < sizeof(text)) {
        out_str(o, str_make(text, n));
        return;
    }
    if (o->over || n >= o->cap - o->n) {
        o->need += n + 1;
        o->over = true;
        return;
    }
    va_start(args, fmt);
    vsnprintf(o->p + o->n, n + 1, fmt, args);
    va_end(args);
    o->need += n;
    o->n += n;
}

void out_hex(struct out *o, struct str s, bool upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char byte = (unsigned char)s.p[i];
        char pair[2] = {digits[byte >> 4], digits[byte & 15]};
        out_str(o, str_make(pair, 2));
    }
}
