/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A borrowed run of bytes.
 *
 * Everything that Baton reads off the wire is looked at through a `struct str`: a
 * pointer and a length, never owned, never NUL-terminated, passed by value. A `str`
 * is valid as long as the buffer it points into; whoever wants to keep the bytes
 * longer copies them into an arena or an object of its own (`arena_dup`, `mem_dup`).
 *
 * An absent value is `{NULL, 0}`, an empty one `{p, 0}` with p != NULL; `str_is_set`
 * tells them apart. No function here allocates or fails except where it says so.
 */
#ifndef BATON_BASE_STR_H
#define BATON_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

/** A `str` over a string literal; usable in static initialisers as STR_INIT. */
#define STR_INIT(lit)           \
    {                           \
        "" lit, sizeof(lit) - 1 \
    }
#define STR(lit) ((struct str)STR_INIT(lit))
#define STR_NONE ((struct str){NULL, 0})

/** For printf: `printf("%.*s", STR_ARG(s))`. */
#define STR_ARG(s) (int)(s).n, ((s).p ? (s).p : "")

static inline struct str str_make(const char *p, size_t n)
{
    return (struct str){p, n};
}

/** Over a NUL-terminated string; NULL gives the absent value. */
static inline struct str str_c(const char *s)
{
    return (struct str){s, s ? strlen(s) : 0};
}

static inline bool str_is_set(struct str s)
{
    return s.p != NULL;
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline char ascii_lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/** ascii_lower of the eight octets of a word; other octets stay. */
static inline uint64_t ascii_lower8(uint64_t word)
{
    const uint64_t ones = 0x0101010101010101U;
    uint64_t low7 = word & ones * 0x7f;
    uint64_t above_z = low7 + ones * (0x7f - 'Z');
    uint64_t from_a = low7 + ones * (0x80 - 'A');
    uint64_t upper = (from_a ^ above_z) & ~word & ones * 0x80;
    return word | upper >> 2;
}

/** memcmp order, shorter first on a tie: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_istarts(struct str s, struct str prefix);

/** Equal when ASCII case is ignored (RFC 3261 §7.3.1). */
static inline bool str_ieq(struct str a, struct str b)
{
    if (a.n != b.n || (a.n > 0 && ((unsigned char)(*a.p ^ *b.p) & 0xdf) != 0)) {
        return false; /* most that differ do so at once */
    }
    return str_istarts(a, b);
}

bool str_ends(struct str s, struct str suffix);

/** Offset of the first `c`, or `s.n` when there is none. */
size_t str_index(struct str s, char c);

/** Offset of the first occurrence of `what`, or `s.n` when there is none. */
size_t str_find(struct str s, struct str what);

/** Bytes [from, s.n); `from` is clamped to s.n. */
static inline struct str str_from(struct str s, size_t from)
{
    from = from < s.n ? from : s.n;
    return s.p != NULL ? str_make(s.p + from, s.n - from) : s;
}

/** Bytes [0, n); `n` is clamped to s.n. */
static inline struct str str_upto(struct str s, size_t n)
{
    return str_make(s.p, n < s.n ? n : s.n);
}

/** Without SP, HTAB, CR and LF at either end. */
struct str str_trim(struct str s);

/**
 * Decimal digits only (no sign, no spaces), the whole of `s`.
 * @return false when empty, not all digits, or larger than `max`; *out unchanged then
 */
bool str_to_u64(struct str s, uint64_t max, uint64_t *out);
bool str_to_u32(struct str s, uint32_t *out);

/** Value of one hex digit of either case, -1 for anything else. */
static inline int hex_digit(char c)
{
    unsigned digit = (unsigned char)c - (unsigned)'0';
    unsigned letter = ((unsigned char)c | 0x20u) - (unsigned)'a';
    return digit < 10 ? (int)digit : letter < 6 ? (int)letter + 10 : -1;
}

/**
 * Equality of secrets: time depends on the lengths only, never on the content.
 */
bool str_eq_secret(struct str a, struct str b);

#endif
