/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton diagnose`: what a running server knows of one device, in plain words, and what to do
 * where something fails.
 */
#ifndef BATON_CLI_DIAGNOSE_CMD_H
#define BATON_CLI_DIAGNOSE_CMD_H

#include "cli/ask_cmd.h"
#include "cli/help.h"
#include "server/config.h"

extern const struct help help_diagnose;
int cmd_diagnose(int argc, char **argv);

/**
 * Show what the server says: a `<deviceReport>` (docs/csta-private.md).
 * @return EXIT_CODE_OK: all is as it should be; EXIT_CODE_FAILED: something is not
 */
int diagnose_show(struct str report, FILE *out);
/** The same of the API's answer (docs/api.md). */
int diagnose_show_json(const json_t *report, FILE *out);

/** `baton diagnose --socket …`, for tests. */
int diagnose_over_socket(const struct ask_words *where, const char *device, FILE *out,
                         FILE *err);

/** What the configuration has to say about it. `application` may be NULL. @return as above */
int diagnose_config(const struct config *c, const char *device, const char *application,
                    FILE *out);

#endif
