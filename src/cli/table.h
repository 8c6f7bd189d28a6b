/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table on a terminal: columns as wide as what stands in them, and no wider than the window.
 *
 *   table_init ──► table_cell × columns ──► … ──► table_print ──► table_fini
 *
 * When the window is too narrow the widest columns give way, down to SHORTEST characters, and
 * what is cut ends in "…". Into a file or a pipe nothing is cut, and nothing is coloured. Text
 * of others cannot steer the terminal (text_put).
 */
#ifndef BATON_CLI_TABLE_H
#define BATON_CLI_TABLE_H

#include "base/attr.h"
#include "base/str.h"
#include <stdio.h>

enum { TABLE_COLUMNS = 16 };

/** What a stream takes. */
struct table_style {
    size_t width; /**< columns of the window; 0: any number */
    bool colour;
};
/** Of a terminal its width and colour, unless $NO_COLOR is set or $TERM is dumb. */
struct table_style table_style_of(FILE *to);

struct table {
    const char *const *titles;
    size_t columns;
    char **cell; /**< row by row */
    size_t n, cap;
    bool failed; /**< memory was out; what is there is printed */
};

/** @param titles  `columns` of them (at most TABLE_COLUMNS), borrowed */
void table_init(struct table *t, const char *const *titles, size_t columns);
void table_fini(struct table *t);

/** The next cell, copied; an absent or empty one is shown as "-". */
void table_cell(struct table *t, struct str text);

size_t table_rows(const struct table *t);

/** @param indent  blanks before each line */
void table_print(const struct table *t, const struct table_style *style, size_t indent,
                 FILE *to);

#endif
