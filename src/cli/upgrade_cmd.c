/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton upgrade`: see whether this version can go on where the running one is, then send
 * SIGUSR2 to that, and wait until it has become the other program.
 *
 * That it has is seen by its pid file: the process stays, the file is another one, written by
 * the program that has started.
 */
#include "cli/upgrade_cmd.h"
#include "cli/args.h"
#include "cli/serve.h"
#include "server/pid_file.h"
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Beyond timers.upgrade_s: for the trial, and to read the database. */
enum { PATIENCE_MS = 120000, LOOK_MS = 50 };

static const char *const synopsis[] = {"upgrade -c FILE [--json]", NULL};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The configuration with which the server was started."},
    {"--json", NULL,
     "What was done as one JSON object: {\"process\": 4711, \"upgraded\": true}."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton upgrade -c /etc/baton/baton.yaml",
     "After a new version was installed: have the server become it."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "The server is the new version now."},
    {EXIT_CODE_FAILED,
     "It is not: this version cannot run there, no server runs, or it refused. Its log says why."},
    {EXIT_CODE_USAGE, "The command line is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "serve", "reload", NULL};

const struct help help_upgrade = {
    .name = "upgrade",
    .summary = "have a running server become the installed version; calls stay",
    .synopsis = synopsis,
    .description =
        "The server that was started with this configuration, found by its `pid_file`, tries the "
        "program that stands now where it was started from. If that finds configuration, "
        "certificates and database right, the server becomes it: the process stays the same, and "
        "so do its listeners and its connections of SIP and CSTA over TCP. Registrations, standing "
        "calls and CSTA sessions come back from the store; what arrives meanwhile waits and is "
        "answered then. Connections of TLS and WebSocket end, and their peers "
        "connect again. A call that is being set up ends if it still is after timers.upgrade_s.\n\n"
        "Without a `store` there is nothing to come back from, and the server refuses. The "
        "configuration is read anew, as for a restart.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

/** @return whether both are the same file, written once */
static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool wait_for_new(const struct config *c, pid_t pid, const struct stat *before)
{
    struct timespec step = {.tv_nsec = LOOK_MS * 1000000L};
    for (uint32_t ms = 0; ms < PATIENCE_MS + c->upgrade_ms; ms += LOOK_MS) {
        struct stat now;
        if (kill(pid, 0) != 0 && errno == ESRCH) {
            fprintf(stderr, "baton upgrade: process %ld has ended\n", (long)pid);
            return false;
        }
        if (stat(c->pid_file, &now) == 0 && !same_file(before, &now) &&
            pid_file_holder(c->pid_file) == pid) {
            return true;
        }
        (void)nanosleep(&step, NULL);
    }
    fprintf(stderr, "baton upgrade: process %ld has not; its log says why\n", (long)pid);
    return false;
}

static int upgrade(const struct config *c, const char *file, bool json)
{
    struct stat before;
    if (c->pid_file == NULL) {
        fprintf(stderr, "baton upgrade: %s has no pid_file; send SIGUSR2 to the server\n",
                file);
        return EXIT_CODE_FAILED;
    }
    pid_t pid = pid_file_holder(c->pid_file);
    if (pid <= 0 || stat(c->pid_file, &before) != 0) {
        fprintf(stderr, "baton upgrade: no server runs with %s\n", c->pid_file);
        return EXIT_CODE_FAILED;
    }
    if (c->store.path == NULL) {
        fprintf(
            stderr,
            "baton upgrade: %s has no store; calls would be forgotten. Restart the server\n",
            file);
        return EXIT_CODE_FAILED;
    }
    if (kill(pid, SIGUSR2) != 0) {
        fprintf(stderr, "baton upgrade: process %ld: %s\n", (long)pid, strerror(errno));
        return EXIT_CODE_FAILED;
    }
    if (!wait_for_new(c, pid, &before)) {
        return EXIT_CODE_FAILED;
    }
    printf(json ? "{\"process\": %ld, \"upgraded\": true}\n"
                : "process %ld is the installed version now\n",
           (long)pid);
    return EXIT_CODE_OK;
}

int cmd_upgrade(int argc, char **argv)
{
    const char *file = NULL;
    bool json = false;
    for (int i = 1; i < argc; i++) {
        if (args_is(argv[i], NULL, "--json")) {
            json = true;
        } else if (!args_value("-c", "--config", argc, argv, &i, &file)) {
            return help_usage_error(&help_upgrade, "%s: unknown, or its value is missing",
                                    argv[i]);
        }
    }
    if (file == NULL) {
        return help_usage_error(&help_upgrade, "-c FILE is missing");
    }
    struct config_error error;
    struct config *c = config_look(file, &error);
    if (c == NULL) {
        config_error_print(&error, stderr);
        return EXIT_CODE_FAILED;
    }
    int code = EXIT_CODE_FAILED;
    if (serve_check_certificates(c, file) && serve_check_store(c)) {
        code = upgrade(c, file, json);
    }
    config_free(c);
    return code;
}
