/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton profiles`: the profiles of phones that there are, which one a phone gets and why, and
 * whether a file is one.
 */
#ifndef BATON_CLI_PROFILE_CMD_H
#define BATON_CLI_PROFILE_CMD_H

#include "cli/help.h"
#include "phone/profile.h"

extern const struct help help_profiles;
int cmd_profiles(int argc, char **argv);

/** The same with these outputs. */
int profiles_run(int argc, char **argv, FILE *out, FILE *err);

/** All about one profile, for people. */
void profile_show(const struct phone_profile *p, FILE *out);

#endif
