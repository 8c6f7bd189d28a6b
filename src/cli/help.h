/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command says about itself, written once: `baton help NAME`, `baton NAME --help` and
 * the man page baton-NAME(1) are three ways of printing the same struct.
 *
 * A command is two things: `const struct help help_NAME` and `int cmd_NAME(argc, argv)`. Its
 * header declares both, main.c lists both in one table. argv[0] is the command's name, argc
 * counts it. `--help` anywhere before "--" is dealt with by main.c.
 *
 * TEXT. Plain sentences; paragraphs are separated by one empty line ("\n\n") and filled by the
 * printer, so a single newline is a space. Lists end with a zeroed entry. NULL: nothing to say.
 */
#ifndef BATON_CLI_HELP_H
#define BATON_CLI_HELP_H

#include "base/attr.h"
#include <stdio.h>

/** Exit codes of every command. */
enum {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1, /**< it was tried and did not work */
    EXIT_CODE_USAGE = 2,  /**< the command line or a file that it names is wrong */
};

/** An option, an argument or a subcommand: "-c, --config", "FILE", "…". */
struct help_option {
    const char *names;
    const char *arg; /**< name of its argument, or NULL */
    const char *text;
};

/** More lists under a title of their own, e.g. "Subcommands". */
struct help_section {
    const char *title;
    const char *text;                  /**< before the list, or NULL */
    const struct help_option *entries; /**< ends with names == NULL; or NULL */
};

struct help_example {
    const char *command; /**< as typed, without a prompt */
    const char *text;    /**< what it does */
};

struct help_exit {
    int code;
    const char *text;
};

struct help {
    const char *name;            /**< "serve"; "" is `baton` itself */
    const char *summary;         /**< at most 60 columns, lower case, no full stop */
    const char *const *synopsis; /**< lines behind "baton ", ends with NULL */
    const char *description;
    const struct help_option *options;   /**< ends with names == NULL */
    const struct help_section *sections; /**< ends with title == NULL */
    const struct help_example *examples; /**< ends with command == NULL */
    const struct help_exit *exits;       /**< ends with text == NULL; NULL: the usual three */
    const char *const *see_also;         /**< names of commands, ends with NULL */
};

/** As text for a terminal, at most 80 columns. */
void help_print(const struct help *h, FILE *to);

/** As a man page (man macros). `version` and `date` (2026-11-20) go into its footer. */
void help_man(const struct help *h, const char *version, const char *date, FILE *to);

/**
 * "baton NAME: MESSAGE" and where to read more, to stderr.
 * @return EXIT_CODE_USAGE, to be returned by the command
 */
int help_usage_error(const struct help *h, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** The name in `names` (n of them) that `text` was probably meant to be, or NULL. */
const char *help_nearest(const char *text, const char *const *names, size_t n);

#endif
