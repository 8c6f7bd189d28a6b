/* SPDX-License-Identifier: Apache-2.0 */
/* `baton number`: what a string that names a device or a number becomes, and why. */
#ifndef BATON_CLI_NUMBER_CMD_H
#define BATON_CLI_NUMBER_CMD_H

#include "cli/help.h"

extern const struct help help_number;
int cmd_number(int argc, char **argv);

/** cmd_number with its streams; usage errors still go to stderr. @return the exit code */
int number_run(int argc, char **argv, FILE *out, FILE *err);

#endif
