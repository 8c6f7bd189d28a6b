/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui lint`: the command, and how it shows what a lint finds (lint/lint.h). */
#ifndef BATON_CLI_UUI_LINT_H
#define BATON_CLI_UUI_LINT_H

#include "lint/lint.h"
#include <stdio.h>

enum lint_form { LINT_TEXT, LINT_BRIEF, LINT_JSON };

/** Write one report. `first`: nothing was written before. */
void lint_show(const struct lint_report *r, enum lint_form form, bool first, FILE *to);
/** What there was in all. */
void lint_show_end(const struct lint *l, enum lint_form form, bool any, FILE *to);

/** The command behind `baton uui lint`; argv[0] is "lint". @return the exit code */
int uui_lint_run(int argc, char **argv, FILE *in, FILE *out, FILE *err);

#endif
