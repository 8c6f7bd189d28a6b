/* SPDX-License-Identifier: Apache-2.0 */
/* What the ways of `baton uui` that read values have in common: dialects and strictness. */
#ifndef BATON_CLI_UUI_OPTIONS_H
#define BATON_CLI_UUI_OPTIONS_H

#include "base/arena.h"
#include "uui/dialect.h"
#include <stdbool.h>

struct uui_options {
    bool json;
    struct uui_packages known; /**< `lenient` */
    struct uui_far from, to;   /**< without dialect: the standard, values as they are */
};

/**
 * Take --json, --lenient, --dialect/--from, --to, --pd and --max-octets out of argv[1..).
 * @return operands left in argv[0..), or -1 after a message about what is wrong
 */
int uui_take_options(int argc, char **argv, struct uui_options *o);

/** "4", "255", "0x04". */
bool uui_parse_pd(const char *text, uint8_t *out);

/** A dialect by name. @return false after a message */
bool uui_find_dialect(const char *name, const struct uui_dialect **out);

/** "User-to-User: VALUE", ";aai=VALUE" or the line of a body: what a neighbour would get. */
struct str uui_line(const struct uui_dialect_text *t, struct arena *a);

/**
 * The values of one header line, URI or body line as the dialect has them. Without one: those
 * of User-to-User. @return 0, E_NOMEM, E_TOOMANY
 */
int uui_read_line(const struct uui_options *o, struct str line, struct arena *a,
                  struct uui_list *out) MUST_USE;

#endif
