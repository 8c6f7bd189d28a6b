/* SPDX-License-Identifier: Apache-2.0 */
/* Octets written as hex digits, for tests of binary formats. */
#ifndef BATON_TESTS_KIT_HEX_H
#define BATON_TESTS_KIT_HEX_H

#include "base/str.h"

/** Octets of `hex` (blanks and line ends are skipped) in `buf`, which is large enough. */
static inline struct str kit_hex(struct str hex, char *buf)
{
    size_t n = 0;
    int high = -1;

    for (size_t i = 0; i < hex.n; i++) {
        int d = hex_digit(hex.p[i]);
        if (d < 0) {
            continue;
        }
        if (high < 0) {
            high = d;
        } else {
            buf[n++] = (char)(high << 4 | d);
            high = -1;
        }
    }
    return str_make(buf, n);
}

#endif
