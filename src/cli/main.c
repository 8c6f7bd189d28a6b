/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `baton` command: finds the subcommand, deals with --help, --version and `help`.
 *
 * One table has every command (commands.h). The man pages are printed by `baton help --man
 * NAME` from the same structs as --help.
 */
#include "base/attr.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "server/config.h"
#include <errno.h>
#include <string.h>

/** More than there are. */
enum { COMMANDS_MAX = 64 };

static const char *const synopsis[] = {"COMMAND [ARGUMENTS]", "help [--man] [COMMAND]",
                                       "--version", NULL};

static const struct help_option options[] = {
    {"-h, --help", NULL, "This text; behind a command, that command's."},
    {"--version", NULL, "The version."},
    {"help", "[COMMAND]", "The same as --help."},
    {"help --man", "[COMMAND]", "As a man page, for `man -l -`."},
    {"help --man", "baton.yaml", "The configuration, as a man page."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton serve -c baton.yaml", "Run the server."},
    {"BATON_PASSWORD=secret baton phone -s 127.0.0.1 sip:1001@example.com",
     "Be a phone that registers with it."},
    {"BATON_PASSWORD=secret baton csta -s 127.0.0.1 -u crm make-call 1001 1002 --watch",
     "Have one phone call another, and follow the call."},
    {"baton uui decode '04C8034B3D31;encoding=hex'", "Read a User-to-User value."},
    {"baton help csta", "Everything that csta can do."},
    {NULL, NULL},
};

/** The help of `baton` itself; `entries` is filled with the commands. */
static void write_own_help(bool man)
{
    struct help_option entries[COMMANDS_MAX + 1] = {0};
    const char *others[COMMANDS_MAX + 1] = {0};
    for (size_t i = 0; i < command_count; i++) {
        entries[i].names = commands[i].help->name;
        entries[i].text = commands[i].help->summary;
        others[i] = commands[i].help->name;
    }
    const struct help_section sections[] = {{"Commands", NULL, entries}, {NULL, NULL, NULL}};
    const struct help own = {
        .name = "",
        .summary = "SIP call control and context",
        .synopsis = synopsis,
        .description =
            "Baton controls and watches any SIP phone in CSTA over SIP (ECMA TR/87), and "
            "keeps User-to-User Information (RFC 7433) with the call wherever it goes. "
            "One program: the server, and the tools to try it with.",
        .options = options,
        .sections = sections,
        .examples = examples,
        .see_also = others,
    };
    if (man) {
        help_man(&own, BATON_VERSION, BATON_DATE, stdout);
    } else {
        help_print(&own, stdout);
    }
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < command_count; i++) {
        if (strcmp(commands[i].help->name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

static int unknown(const char *name)
{
    const char *names[COMMANDS_MAX + 1];
    for (size_t i = 0; i < command_count; i++) {
        names[i] = commands[i].help->name;
    }
    names[command_count] = "help";
    const char *near = help_nearest(name, names, command_count + 1);
    fprintf(stderr, "baton: there is no command \"%s\".", name);
    if (near != NULL) {
        fprintf(stderr, " Did you mean \"%s\"?", near);
    }
    fprintf(stderr, "\nTry 'baton help'.\n");
    return EXIT_CODE_USAGE;
}

static int run_help(int argc, char **argv)
{
    bool man = argc > 1 && strcmp(argv[1], "--man") == 0;
    const char *name = argc > 1 + man ? argv[1 + man] : NULL;
    if (argc > 2 + man) {
        fprintf(stderr, "baton help: one command at a time\n");
        return EXIT_CODE_USAGE;
    }
    if (name == NULL || strcmp(name, "baton") == 0 || strcmp(name, "--help") == 0) {
        write_own_help(man);
        return EXIT_CODE_OK;
    }
    if (strcmp(name, "baton.yaml") == 0) {
        if (man) {
            config_write_man(BATON_VERSION, BATON_DATE, stdout);
        } else {
            config_write_doc(stdout);
        }
        return EXIT_CODE_OK;
    }
    const struct command *c = find(name);
    if (c == NULL) {
        return unknown(name);
    }
    if (man) {
        help_man(c->help, BATON_VERSION, BATON_DATE, stdout);
    } else {
        help_print(c->help, stdout);
    }
    return EXIT_CODE_OK;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || (i == 1 && strcmp(argv[i], "-h") == 0)) {
            return true;
        }
    }
    return false;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "baton: a command is missing\nTry 'baton help'.\n");
        return EXIT_CODE_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("baton %s\n", BATON_VERSION);
        return EXIT_CODE_OK;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        write_own_help(false);
        return EXIT_CODE_OK;
    }
    if (strcmp(name, "help") == 0) {
        return run_help(argc - 1, argv + 1);
    }
    const struct command *c = find(name);
    if (c == NULL) {
        return unknown(name);
    }
    if (wants_help(argc - 1, argv + 1)) {
        help_print(c->help, stdout);
        return EXIT_CODE_OK;
    }
    return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int code = run(argc, argv);
    bool lost = ferror(stdout) != 0;
    /* what was asked for did not arrive: on a full disk, say; a reader that has gone knows */
    if ((fflush(stdout) != 0 || lost) && errno != EPIPE) {
        fprintf(stderr, "baton: standard output: %s\n",
                errno != 0 ? strerror(errno) : "cannot be written");
        return code != EXIT_CODE_OK ? code : EXIT_CODE_FAILED;
    }
    return code;
}
