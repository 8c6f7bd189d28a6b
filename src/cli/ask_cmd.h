/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands that show what a running server knows: each is one GET of its API
 * (docs/api.md), as a table or, with --json, as it came.
 */
#ifndef BATON_CLI_ASK_CMD_H
#define BATON_CLI_ASK_CMD_H

#include "cli/control.h"
#include "cli/help.h"
#include "server/config.h"

extern const struct help help_status, help_devices, help_device, help_calls, help_sessions,
    help_monitors, help_agents, help_peers, help_registrations, help_listeners,
    help_subscribers;

/** Any of them; argv[0] says which. */
int cmd_ask(int argc, char **argv);
/** The same, for tests and for commands that show one thing too. */
int ask_run(int argc, char **argv, FILE *out, FILE *err);

/** What all commands that ask a server take. */
struct ask_words {
    const char *socket;
    const char *config; /**< names the socket, when `socket` does not */
    bool json;
};
/** Is argv[*i] one of them? *i is at its last word then. */
bool ask_word(struct ask_words *w, int argc, char **argv, int *i);

/** Where a server with that configuration listens. NULL: at no UNIX socket */
const char *ask_socket_of(const struct config *c);

/** control_open where the words say. @return an exit code; control_close in either case */
int ask_open(struct control *c, const char *command, const struct ask_words *w,
             FILE *err) MUST_USE;

/** One answer: as it came or as names and values. */
void ask_show(const struct control_answer *a, bool json, FILE *out);

#endif
