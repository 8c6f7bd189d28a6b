/* SPDX-License-Identifier: Apache-2.0 */
/* See args.h. getopt would stop at, or reorder, what is the command's own. */
#include "cli/args.h"

#include <string.h>

bool args_is(const char *arg, const char *alias, const char *name)
{
    return strcmp(arg, name) == 0 || (alias != NULL && strcmp(arg, alias) == 0);
}

bool args_value(const char *alias, const char *name, int argc, char **argv, int *i,
                const char **out)
{
    size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) == 0 && argv[*i][n] == '=') {
        *out = argv[*i] + n + 1;
        return true;
    }
    if (args_is(argv[*i], alias, name) && *i + 1 < argc) {
        *out = argv[++*i];
        return true;
    }
    return false;
}

bool args_take(int *argc, char **argv, const char *name)
{
    int kept = 0;
    bool there = false;

    for (int i = 0; i < *argc; i++) {
        if (i > 0 && strcmp(argv[i], name) == 0) {
            there = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    *argc = kept;
    return there;
}
