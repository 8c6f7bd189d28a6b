/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui`: read User-to-User values and say what is wrong with them; write them. */
#ifndef BATON_CLI_UUI_CMD_H
#define BATON_CLI_UUI_CMD_H

#include "cli/help.h"
#include <stdbool.h>
#include <stdio.h>

extern const struct help help_uui;
int cmd_uui(int argc, char **argv);

/** cmd_uui with its streams; usage errors still go to stderr. @return the exit code */
int uui_run(int argc, char **argv, FILE *in, FILE *out, FILE *err);

#endif
