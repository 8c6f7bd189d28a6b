/* SPDX-License-Identifier: Apache-2.0 */
/* Options that may stand anywhere among the words of a command line. */
#ifndef BATON_CLI_ARGS_H
#define BATON_CLI_ARGS_H

#include <stdbool.h>

/** Is `arg` this option? `alias` may be NULL. */
bool args_is(const char *arg, const char *alias, const char *name);

/** Take an option without a value out of the words, wherever it stands. @return was it there?
 */
bool args_take(int *argc, char **argv, const char *name);

/**
 * Is argv[*i] this option with a value: `-x VALUE`, `--name VALUE` or `--name=VALUE`? Then it
 * is in *out, and *i at the last word of it.
 */
bool args_value(const char *alias, const char *name, int argc, char **argv, int *i,
                const char **out);

#endif
