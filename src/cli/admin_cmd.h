/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a server from the shell: no new calls (`drain`, `undrain`), what the log gets
 * (`log`), a copy of the database while it is written to (`backup`), and putting one in its
 * place (`restore`, without a server).
 */
#ifndef BATON_CLI_ADMIN_CMD_H
#define BATON_CLI_ADMIN_CMD_H

#include "cli/help.h"
#include <stdbool.h>

extern const struct help help_drain, help_undrain, help_log, help_backup, help_restore;
int cmd_admin(int argc, char **argv);
/** The same, for tests; argv[0] says which. */
int admin_run(int argc, char **argv, FILE *out, FILE *err);

/** "90", "10m", "2h", "1d" as seconds. @return false: it is none, or more than a day */
bool admin_seconds(const char *text, unsigned *out);

#endif
