/* SPDX-License-Identifier: Apache-2.0 */
/* `baton reload`: check the configuration, then have the running server take it. */
#ifndef BATON_CLI_RELOAD_CMD_H
#define BATON_CLI_RELOAD_CMD_H

#include "cli/ask_cmd.h"
#include "cli/help.h"

extern const struct help help_reload;
int cmd_reload(int argc, char **argv);
/** Without -c. */
int reload_over_socket(const struct ask_words *w, FILE *out, FILE *err);

#endif
