/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton reload`: have the running server read its configuration again, over its socket, and
 * show what came of it. With -c: check the configuration here, then send SIGHUP to the server
 * that runs with it; for servers without a socket.
 *
 * That server is found by its pid_file: not by the number in it, which may be an old one, but
 * by the lock that a running server holds on it.
 */
#include "cli/reload_cmd.h"
#include "cli/args.h"
#include "cli/serve.h"
#include "cli/view.h"
#include "server/config.h"
#include "server/pid_file.h"
#include <errno.h>
#include <signal.h>
#include <string.h>

static const char *const synopsis[] = {"reload [--socket FILE] [--json]", "reload -c FILE",
                                       NULL};

static const struct help_option options[] = {
    CONTROL_SOCKET_OPTIONS,
    {"-c, --config", "FILE",
     "The configuration with which the server was started: it is checked here, and the server is "
     "found by its `pid_file`."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton reload", "Take over what was changed in the configuration."},
    {"baton reload -c baton.yaml", "The same without a socket."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "It was taken over; with -c: the file is right, and the server was told."},
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
        "Has the running server read its configuration again, and the certificates that it names. "
        "When something is wrong it is shown with line and column, and the server goes on as it "
        "is. Otherwise it takes over routes, dialling plans, time zone, devices, applications, "
        "peers and the log level, all at once, and it is shown what has changed, and what of that "
        "needs a restart. Calls, sessions and registrations go on. With -c the file is checked "
        "here, and the server gets SIGHUP: its log says what came of it. The variables of password_env are those with which the server "
        "was started; here they need not be set.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

static void show_names(const json_t *answer, const char *name, const char *before, FILE *out)
{
    char buf[1024];
    struct str text = view_text(json_object_get(answer, name), VIEW_TEXT, buf, sizeof(buf));

    if (text.n > 0) {
        fprintf(out, "%s%.*s\n", before, STR_ARG(text));
    }
}

static void show(const json_t *answer, FILE *out)
{
    const char *file = json_string_value(json_object_get(answer, "file"));

    fprintf(out, "%s: taken over\n", file != NULL ? file : "-");
    show_names(answer, "changed", "changed: ", out);
    show_names(answer, "needsRestart", "needs a restart: ", out);
}

int reload_over_socket(const struct ask_words *w, FILE *out, FILE *err)
{
    struct control_answer a = {0};
    struct control c;
    int code = ask_open(&c, "reload", w, err);

    if (code == EXIT_CODE_OK) {
        code = control_ask(&c, "POST", "/v1/admin/reload", NULL, &a);
    }
    if (code == EXIT_CODE_OK && w->json) {
        ask_show(&a, true, out);
    } else if (code == EXIT_CODE_OK) {
        show(a.json, out);
    }
    control_answer_free(&a);
    control_close(&c);
    return code;
}

static int reload_by_signal(const char *file);

int cmd_reload(int argc, char **argv)
{
    const char *file = NULL;
    struct ask_words w = {0};
    for (int i = 1; i < argc; i++) {
        if (!args_value("-c", "--config", argc, argv, &i, &file) &&
            !ask_word(&w, argc, argv, &i)) {
            return help_usage_error(&help_reload, "%s: unknown, or its value is missing",
                                    argv[i]);
        }
    }
    if (file != NULL && (w.json || w.socket != NULL)) {
        return help_usage_error(&help_reload, "-c finds the server by its pid_file: without "
                                              "--socket and --json");
    }
    return file == NULL ? reload_over_socket(&w, stdout, stderr) : reload_by_signal(file);
}

static int reload_by_signal(const char *file)
{
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
