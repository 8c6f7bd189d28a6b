/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Borrowed runs of bytes: comparing, searching, cutting, reading numbers.
 *
 * Nothing here allocates, and an absent string ({NULL, 0}) is everywhere as good as an empty
 * one; pointers are never handed to a library function with a length of zero, because NULL
 * is undefined there even then.
 */
#include "base/str.h"

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int diff = n > 0 ? memcmp(a.p, b.p, n) : 0;
    if (diff != 0) {
        return diff;
    }
    return (a.n > b.n) - (a.n < b.n);
}

/** Do the eight octets at `a` and `b` differ in more than ASCII case? */
static bool differ8(const char *a, const char *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x != y && ascii_lower8(x) != ascii_lower8(y);
}

/* Eight octets a step, the last step over some that were compared before. */
bool str_istarts(struct str s, struct str prefix)
{
    size_t n = prefix.n;
    if (s.n < n) {
        return false;
    }
    if (n >= 8) {
        for (size_t i = 0; i < n - 8; i += 8) {
            if (differ8(s.p + i, prefix.p + i)) {
                return false;
            }
        }
        return !differ8(s.p + n - 8, prefix.p + n - 8);
    }
    for (size_t i = 0; i < n; i++) {
        if (s.p[i] != prefix.p[i] && ascii_lower(s.p[i]) != ascii_lower(prefix.p[i])) {
            return false;
        }
    }
    return true;
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_from(s, s.n - suffix.n), suffix);
}

size_t str_index(struct str s, char c)
{
    const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;
    return at != NULL ? (size_t)(at - s.p) : s.n;
}

size_t str_find(struct str s, struct str what)
{
    if (what.n == 0) {
        return 0;
    }
    const char *at = s.n >= what.n ? memmem(s.p, s.n, what.p, what.n) : NULL;
    return at != NULL ? (size_t)(at - s.p) : s.n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n > 0 && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_blank(s.p[s.n - 1])) {
        s.n--;
    }
    return s;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.n == 0) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned char)s.p[i] - (unsigned)'0';
        if (digit > 9 || value > (max - digit) / 10 || digit > max) {
            return false;
        }
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

bool str_to_u32(struct str s, uint32_t *out)
{
    uint64_t value;
    if (!str_to_u64(s, UINT32_MAX, &value)) {
        return false;
    }
    *out = (uint32_t)value;
    return true;
}

bool str_eq_secret(struct str a, struct str b)
{
    /* volatile: the compiler may not notice that the answer is known early */
    volatile unsigned char diff = 0;
    if (a.n != b.n) {
        return false;
    }
    for (size_t i = 0; i < a.n; i++) {
        diff = (unsigned char)(diff | (a.p[i] ^ b.p[i]));
    }
    return diff == 0;
}
