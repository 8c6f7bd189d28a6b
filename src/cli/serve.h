/* SPDX-License-Identifier: Apache-2.0 */
/* `baton serve`: the server. */
#ifndef BATON_CLI_SERVE_H
#define BATON_CLI_SERVE_H

#include "cli/help.h"
#include "server/config.h"

extern const struct help help_serve;
int cmd_serve(int argc, char **argv);

/** Can the certificates that a configuration names be read? Says on stderr why not. */
bool serve_check_certificates(const struct config *c, const char *file);
/** Can this version read the database, if there is one? Says on stderr why not. */
bool serve_check_store(const struct config *c);

#endif
