/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui policy explain`: what the border would do to a message, and which rule says so. */
#ifndef BATON_CLI_UUI_POLICY_H
#define BATON_CLI_UUI_POLICY_H

#include <stdio.h>

/** argv[0] is "policy". @return the exit code */
int uui_policy_run(int argc, char **argv, FILE *in, FILE *out, FILE *err);

#endif
