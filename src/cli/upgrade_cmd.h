/* SPDX-License-Identifier: Apache-2.0 */
/* `baton upgrade`: a running server becomes this version. */
#ifndef BATON_CLI_UPGRADE_CMD_H
#define BATON_CLI_UPGRADE_CMD_H

#include "cli/help.h"

extern const struct help help_upgrade;
int cmd_upgrade(int argc, char **argv);

#endif
