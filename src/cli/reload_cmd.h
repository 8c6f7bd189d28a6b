/* SPDX-License-Identifier: Apache-2.0 */
/* `baton reload`: check the configuration, then have the running server take it. */
#ifndef BATON_CLI_RELOAD_CMD_H
#define BATON_CLI_RELOAD_CMD_H

#include "cli/help.h"

extern const struct help help_reload;
int cmd_reload(int argc, char **argv);

#endif
