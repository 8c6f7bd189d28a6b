/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler extensions that L0-L5 use, in one place, and what every module wants. */
#ifndef BATON_BASE_ATTR_H
#define BATON_BASE_ATTR_H

#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/** The struct that holds `member` at address `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** Have the cache line at `p` fetched while other work goes on; `p` need not be valid. */
#define PREFETCH(p) __builtin_prefetch(p)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** A configured number, of which 0 means that it was not said. */
static inline uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value != 0 ? value : fallback;
}

#endif
