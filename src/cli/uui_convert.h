/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui convert` and `baton uui dialects`. */
#ifndef BATON_CLI_UUI_CONVERT_H
#define BATON_CLI_UUI_CONVERT_H

#include "cli/uui_options.h"
#include <stdio.h>

/** Values of one dialect into another. argv[0] is "convert". @return the exit code */
int uui_convert(int argc, char **argv, FILE *in, FILE *out, FILE *err);

/** The dialects with their sentences. @return the exit code */
int uui_list_dialects(FILE *out);

/** One value as the far side gets it, and what was lost. @return was it written? */
bool uui_write_far(const struct uui_far *far, const struct uui_packages *known,
                   const struct uui_value *v, struct arena *a, FILE *out, FILE *err);

#endif
