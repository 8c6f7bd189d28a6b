/* SPDX-License-Identifier: Apache-2.0 */
/* `baton history`: calls that were, out of the database of a server, whether it runs or not. */
#ifndef BATON_CLI_HISTORY_CMD_H
#define BATON_CLI_HISTORY_CMD_H

#include "cli/help.h"
#include <stdbool.h>
#include <stdint.h>

extern const struct help help_history;
int cmd_history(int argc, char **argv);

/** cmd_history with its streams; usage errors still go to stderr. @return the exit code */
int history_run(int argc, char **argv, FILE *out, FILE *err);

/**
 * "2026-11-20", "2026-11-20T10:00", "2026-11-20T10:00:05Z" (all UTC), or "90m", "2h", "7d"
 * before `now_ms`. @return false: it is no time
 */
bool history_time(const char *text, int64_t now_ms, int64_t *out);

#endif
