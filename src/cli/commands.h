/* SPDX-License-Identifier: Apache-2.0 */
/* All commands of `baton`, in the order in which help shows them: what runs them, their help,
   their man pages and their completion are made of this one list. */
#ifndef BATON_CLI_COMMANDS_H
#define BATON_CLI_COMMANDS_H

#include "cli/help.h"
#include <stddef.h>

struct command {
    const struct help *help;
    int (*run)(int argc, char **argv);
};

extern const struct command commands[];
extern const size_t command_count;

#endif
