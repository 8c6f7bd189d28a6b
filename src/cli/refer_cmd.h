/* SPDX-License-Identifier: Apache-2.0 */
/* `baton refer`: have a phone call somebody, over plain SIP (REFER outside of any dialog). */
#ifndef BATON_CLI_REFER_CMD_H
#define BATON_CLI_REFER_CMD_H

#include "base/out.h"
#include "cli/help.h"
#include "cli/ua.h"
#include <stdbool.h>

extern const struct help help_refer;
int cmd_refer(int argc, char **argv);

/** The command line, read. Strings are argv's. */
struct refer_command {
    struct ua_server server;
    const char *user, *password, *device, *target, *uui;
    bool quiet, json, verbose;
};

/** @return EXIT_CODE_OK, or EXIT_CODE_USAGE after saying why */
int refer_command_parse(int argc, char **argv, struct refer_command *out);

/** A number or URI as a URI: "1001" is `sip:1001@HOST`. */
void refer_write_uri(struct out *o, struct str text, struct str host);

/** Refer-To value: the target's URI in brackets, with `uui` (a header value) embedded, escaped.
 */
void refer_write_to(struct out *o, struct str target, struct str host, struct str uui);

/** What a NOTIFY says: the status line of its sipfrag. @return 0: it has none */
unsigned refer_read_status(struct str body, struct str *reason);

#endif
