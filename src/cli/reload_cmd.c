/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton reload`: check the configuration, then send SIGHUP to the server that runs with it.
 *
 * The server is found by its pid_file: not by the number in it, which may be an old one, but by
 * the lock that a running server holds on it.
 */
#include "cli/reload_cmd.h"
#include "cli/args.h"
#include "cli/serve.h"
#include "server/config.h"
#include "server/pid_file.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

static const char *const synopsis[] = {"reload -c FILE", NULL};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The configuration with which the server was started."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton reload -c baton.yaml", "Take over what was changed in baton.yaml."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "The file is right, and the server was told."},
    {EXIT_CODE_FAILED, "The file is wrong, or no server runs with it."},
    {EXIT_CODE_USAGE, "The command line is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "serve", "route", NULL};

const struct help help_reload = {
    .name = "reload",
    .summary = "check the configuration and have the server take it",
    .synopsis = synopsis,
    .description =
        "Reads the configuration and the certificates that it names. When something is wrong it is shown with line and column, and "
        "the server goes on as it is. Otherwise the server that was started with it, found by "
        "the `pid_file` of the configuration, gets SIGHUP and takes over routes, dialling "
        "plans, time zone, devices, applications, peers and the log level, all at once. Calls, "
        "sessions and registrations go on. What else has changed is named in the server's log: "
        "it needs a restart. The variables of password_env are those with which the server "
        "was started; here they need not be set.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

int cmd_reload(int argc, char **argv)
{
    const char *file = NULL;
    for (int i = 1; i < argc; i++) {
        if (!args_value("-c", "--config", argc, argv, &i, &file)) {
            return help_usage_error(&help_reload, "%s: unknown, or its value is missing",
                                    argv[i]);
        }
    }
    if (file == NULL) {
        return help_usage_error(&help_reload, "-c FILE is missing");
    }
    struct config_error error;
    struct config *c = config_look(file, &error);
    if (c == NULL) {
        config_error_print(&error, stderr);
        return EXIT_CODE_FAILED;
    }
    if (!serve_check_certificates(c, file)) {
        config_free(c);
        return EXIT_CODE_FAILED;
    }
    int code = EXIT_CODE_FAILED;
    pid_t pid = c->pid_file != NULL ? pid_file_holder(c->pid_file) : 0;
    if (c->pid_file == NULL) {
        fprintf(stderr, "baton reload: %s has no pid_file; send SIGHUP to the server\n", file);
    } else if (pid <= 0) {
        fprintf(stderr, "baton reload: no server runs with %s\n", c->pid_file);
    } else if (kill(pid, SIGHUP) != 0) {
        fprintf(stderr, "baton reload: process %ld: %s\n", (long)pid, strerror(errno));
    } else {
        printf("%s is right; process %ld reads its configuration again, and its log says what "
               "became of it\n",
               file, (long)pid);
        code = EXIT_CODE_OK;
    }
    config_free(c);
    return code;
}
