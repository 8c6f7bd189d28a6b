/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton call`: one call of the running server, and what can be done with calls: make, answer,
 * hold, clear, hand over. Each is one request of its API (docs/api.md), and waits for the
 * outcome.
 */
#ifndef BATON_CLI_CALL_CMD_H
#define BATON_CLI_CALL_CMD_H

#include "cli/help.h"

extern const struct help help_call;
int cmd_call(int argc, char **argv);
/** The same, for tests. */
int call_run(int argc, char **argv, FILE *out, FILE *err);

#endif
