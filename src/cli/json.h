/* SPDX-License-Identifier: Apache-2.0 */
/* JSON text on a stream, for commands that print a few objects and need no library for it; and
   what those share that make whole values. */
#ifndef BATON_CLI_JSON_H
#define BATON_CLI_JSON_H

#include "base/str.h"
#include <jansson.h>
#include <stdio.h>

/** A string with its quotes. Octets that are no UTF-8 come out as U+FFFD. */
void json_print_string(struct str s, FILE *to);

/** `"name": "value"`, after a comma unless `first`; nothing when `value` is absent. */
void json_print_member(const char *name, struct str value, bool first, FILE *to);

/** A member of an object; nothing when `value` is absent. What is no UTF-8 is left out, too. */
void json_set_str(json_t *object, const char *name, struct str value);

/** A value on a line of its own, and it is let go of. NULL: memory was out; `null` then. */
void json_print_line(json_t *value, FILE *to);

#endif
