/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patterns for numbers, names and header values: compiled once, matched in bounded time.
 *
 * Two ways of writing the same thing; a pattern always means the whole text:
 *
 *     49*            what begins with 49            * any run of characters, also none
 *     [2-9]XX        three digits                   X one digit, ? one character
 *     +49(*)         with a part to be kept: $1     [2-9a] [!0] one of a set, not one of it
 *     (00|+)49*      either of two beginnings       \* the character itself
 *
 *     /\+49([0-9]{3,})/                             a regular expression, between slashes:
 *                                                   . [] [^] () | * + ? {m,n} \d ^ $
 *
 * Text is compared octet by octet, with case, unless the pattern was compiled with
 * PATTERN_NO_CASE.
 *
 * COST. A pattern becomes a program of at most PATTERN_OPS_MAX steps, or nothing but a
 * comparison when it is a plain text or a plain beginning. The program is run by keeping
 * the set of steps that are possible after each octet (Thompson, Pike): time is at most
 * steps × octets whatever the pattern is, memory a fixed amount of stack. No pattern explodes.
 * Where several ways fit, the one that a backtracking matcher would find first counts:
 * runs are as long as possible, from the left.
 *
 * OWNERSHIP. Everything a pattern needs lies in the arena it was compiled into, its text too.
 */
#ifndef BATON_RULES_PATTERN_H
#define BATON_RULES_PATTERN_H

#include "base/arena.h"
#include "base/out.h"
#include "base/str.h"

#define PATTERN_TEXT_MAX 200     /**< octets of a pattern */
#define PATTERN_OPS_MAX 256      /**< steps of its program */
#define PATTERN_GROUPS 9         /**< $1 to $9 */
#define PATTERN_SUBJECT_MAX 4096 /**< a longer text matches only patterns without a program */

enum pattern_flag { PATTERN_NO_CASE = 1 };

struct pattern_op;
struct pattern_set;

struct pattern {
    struct str text;    /**< as it was written */
    struct str literal; /**< what every match begins with, may be empty */
    uint8_t kind;       /**< private */
    uint8_t flags;      /**< enum pattern_flag */
    uint8_t groups;     /**< how many parts it keeps */
    uint16_t op_count;
    const struct pattern_op *op;
    const struct pattern_set *set;
};

/** Why a text is no pattern. */
struct pattern_fault {
    size_t at;        /**< octet offset in the text */
    const char *what; /**< static text */
};

/**
 * @param flags  enum pattern_flag
 * @return 0; E_SYNTAX, E_TOOBIG with *fault; E_NOMEM with *fault
 */
int pattern_compile(struct arena *a, struct str text, unsigned flags, struct pattern *out,
                    struct pattern_fault *fault) MUST_USE;

/** What matched: [0] the whole text, [1] to [9] the kept parts (absent: took no part). */
struct pattern_match {
    struct str part[PATTERN_GROUPS + 1];
};

/** @param m  may be NULL; its slices are of `text` */
bool pattern_matches(const struct pattern *p, struct str text, struct pattern_match *m);

/**
 * Is `text` a replacement for a pattern with `groups` parts: "+49$1", "$$" for a dollar, "$0"
 * for the whole text? @return true, or false with *fault
 */
bool pattern_replacement_ok(struct str text, unsigned groups, struct pattern_fault *fault);

/** Write the replacement with the parts put in. */
void pattern_replace(struct out *o, struct str replacement, const struct pattern_match *m);

#endif
