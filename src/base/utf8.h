/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 as RFC 3629 has it: the shortest form only, no surrogates, nothing beyond U+10FFFF.
 *
 * For whoever writes text on: JSON, XML, a log. What a quoted-string of SIP may hold is
 * looser (RFC 3261 §25.1) and stands in uui.h.
 */
#ifndef BATON_BASE_UTF8_H
#define BATON_BASE_UTF8_H

#include "base/str.h"

/** Octets of the character that `s` begins with, ASCII included; 0 when it is none. */
static inline size_t utf8_len(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = s.n == 0 || p[0] > 0xF4 ? 0
               : p[0] < 0x80           ? 1
               : p[0] < 0xC2           ? 0
               : p[0] < 0xE0           ? 2
               : p[0] < 0xF0           ? 3
                                       : 4;
    if (n == 0 || n > s.n) {
        return 0;
    }
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool bad = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
               (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F);
    return bad ? 0 : n;
}

/** Characters, valid or not: octets that continue none. */
static inline size_t utf8_count(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    }
    return n;
}

#endif
