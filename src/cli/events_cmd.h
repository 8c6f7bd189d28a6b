/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton events` and `baton trace`: what happens, and what was said in a call, from the running
 * server.
 */
#ifndef BATON_CLI_EVENTS_CMD_H
#define BATON_CLI_EVENTS_CMD_H

#include "cli/help.h"
#include <jansson.h>

extern const struct help help_events, help_trace;
int cmd_events(int argc, char **argv);
int cmd_trace(int argc, char **argv);
/** The same, for tests. */
int events_run(int argc, char **argv, FILE *out, FILE *err);
int trace_run(int argc, char **argv, FILE *out, FILE *err);

/** One CloudEvent on one line. */
void events_line(const json_t *event, FILE *out);

#endif
