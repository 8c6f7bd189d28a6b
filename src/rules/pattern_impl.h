/* SPDX-License-Identifier: Apache-2.0 */
/* The program of a pattern: what pattern.c writes and match.c runs. */
#ifndef BATON_RULES_PATTERN_IMPL_H
#define BATON_RULES_PATTERN_IMPL_H

#include "rules/pattern.h"

#define PATTERN_SETS_MAX 32

enum pattern_kind {
    PATTERN_PROGRAM,
    PATTERN_PLAIN, /**< equal to `literal` */
    PATTERN_BEGIN, /**< begins with `literal` */
};

enum pattern_op_kind {
    OP_CHAR,  /**< the octet `ch`; in lower case when case does not count */
    OP_ANY,   /**< any octet */
    OP_SET,   /**< an octet of set[ch] */
    OP_SPLIT, /**< go on at a, or else at b */
    OP_JUMP,  /**< go on at a */
    OP_SAVE,  /**< here begins (even) or ends (odd) part ch / 2 */
    OP_END,
};

/** `a` and `b` count from the step they stand in. */
struct pattern_op {
    uint8_t kind, ch;
    int16_t a, b;
};

struct pattern_set {
    uint64_t bits[4];
};

#endif
