/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui keygen`, `seal`, `open` and `vectors`: sealed values (docs/seal.md). */
#ifndef BATON_CLI_UUI_SEAL_H
#define BATON_CLI_UUI_SEAL_H

#include "cli/help.h"
#include <stdbool.h>
#include <stdio.h>

extern const struct help_option uui_keygen_options[], uui_seal_options[], uui_open_options[];

/** argv[0] says which of the four. @return the exit code */
int uui_seal_run(int argc, char **argv, FILE *in, FILE *out, FILE *err);

/** A file of keys with one row, and what the others need. */
int uui_keygen(int argc, char **argv, FILE *out, FILE *err);

/** Test vectors as JSON: always the same octets. @return false: the library failed */
bool uui_seal_vectors(FILE *to);

#endif
