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

#endif
