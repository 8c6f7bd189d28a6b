/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton completion`: the functions by which shells complete what is typed, made of the list of
 * commands and their help.
 *
 * What can be completed is read off the help itself: an option's argument, and what stands
 * behind a command, by its name there: FILE is a file, DEVICE a device and CALL a call of the
 * running server (which is asked, and not waited for), `a|b|c` one of these words. Entries
 * under "Verbs" and "Commands" are words, and their arguments follow the same rule.
 */
#ifndef BATON_CLI_COMPLETION_CMD_H
#define BATON_CLI_COMPLETION_CMD_H

#include "cli/help.h"

extern const struct help help_completion;
int cmd_completion(int argc, char **argv);
/** The same, for tests. */
int completion_run(int argc, char **argv, FILE *out, FILE *err);

#endif
