/* SPDX-License-Identifier: Apache-2.0 */
/* `baton serve`: the server. */
#ifndef BATON_CLI_SERVE_H
#define BATON_CLI_SERVE_H

#include "cli/help.h"

extern const struct help help_serve;
int cmd_serve(int argc, char **argv);

#endif
