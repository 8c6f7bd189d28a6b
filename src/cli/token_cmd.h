/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton token`: tokens of a running server, made, listed and revoked over its UNIX socket
 * (docs/access.md).
 */
#ifndef BATON_CLI_TOKEN_CMD_H
#define BATON_CLI_TOKEN_CMD_H

#include "cli/help.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

extern const struct help help_token;

int cmd_token(int argc, char **argv);
/** The same, for tests. */
int token_run(int argc, char **argv, FILE *out, FILE *err);

/** "90s", "15m", "12h", "30d", or seconds. @return false: it is none, or nothing, or too long
 */
bool token_duration(const char *text, uint64_t *seconds);

#endif
