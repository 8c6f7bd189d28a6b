/* SPDX-License-Identifier: Apache-2.0 */
/* `baton serve`: read the configuration, say what is wrong with it, run the server. */
#include "cli/serve.h"
#include "base/err.h"
#include "base/str.h"
#include "server/config.h"
#include "server/inherit.h"
#include "server/log.h"
#include "server/server.h"
#include <errno.h>
#include <getopt.h>

#define LISTEN_MAX 16

static const char *const synopsis[] = {
    "serve -c FILE [--check|--check-start] [--listen WHERE]... [--sip-trace FILE] [-v]",
    "serve --explain-config",
    NULL,
};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The configuration. docs/configuration.md explains its keys."},
    {"--check", NULL,
     "Only say whether this version can run with the configuration, its certificates and its "
     "database; the first fault is shown with line and column. The variables of password_env need not be set for that."},
    {"--check-start", NULL,
     "The same for who is about to start it here: those variables must be set."},
    {"--listen", "WHERE",
     "Listen here instead of where the configuration says: udp:ADDRESS:PORT, also tcp:, tls:, "
     "ws: and wss:. May be given several times."},
    {"--sip-trace", "FILE",
     "Append one JSON object per SIP message to FILE, as log.sip_trace does."},
    {"-v, --verbose", NULL, "Log everything, whatever the configuration says."},
    {"--explain-config", NULL,
     "Print docs/configuration.md: every key, its default and range."},
    {NULL, NULL, NULL},
};

static const struct help_option signals[] = {
    {"SIGTERM, SIGINT", NULL,
     "End the standing calls and sessions, then exit; after timers.stop_s exit anyway. "
     "A second one: exit at once."},
    {"SIGHUP", NULL,
     "Open the log file and the trace again, after they were rotated, and read the "
     "certificates and the configuration again: baton-reload(1) says what is taken over."},
    {"SIGUSR1", NULL, "Write the counters into the log."},
    {"SIGUSR2", NULL,
     "Become the program that stands now where this one was started from; what was kept "
     "(store.path), listeners and connections of TCP go on: baton-upgrade(1)."},
    {NULL, NULL, NULL},
};

static const struct help_section sections[] = {{"Signals", NULL, signals}, {NULL, NULL, NULL}};

static const struct help_example examples[] = {
    {"baton serve -c baton.yaml --check", "Is the file right?"},
    {"baton serve -c baton.yaml", "Run in the foreground; the log goes to standard error."},
    {"baton serve -c baton.yaml --listen udp:0.0.0.0:5060 -v",
     "Listen on every IPv4 address, by UDP only, and log everything."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "It ran and was told to stop; or the configuration is right."},
    {EXIT_CODE_FAILED, "It could not start (an address in use), or was made to stop with calls "
                       "standing."},
    {EXIT_CODE_USAGE, "The command line or the configuration is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "phone", "csta", "uui", NULL};

const struct help help_serve = {
    .name = "serve",
    .summary = "run the server: registrar, call control, CSTA",
    .synopsis = synopsis,
    .description =
        "Runs Baton: devices register with it and call each other through it, applications "
        "control and watch them in CSTA over SIP (ECMA TR/87), and User-to-User Information "
        "stays with each call.\n\n"
        "It listens on this machine only, knows no device and no password until the "
        "configuration says otherwise.",
    .options = options,
    .sections = sections,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

struct serve_args {
    const char *file, *sip_trace;
    bool check, check_start, verbose, explain;
    struct config_listen listen[LISTEN_MAX];
    size_t listen_count;
};

/** @return 0 or the exit code after the complaint */
static int read_args(int argc, char **argv, struct serve_args *a)
{
    enum { OPT_CHECK = 256, OPT_CHECK_START, OPT_LISTEN, OPT_EXPLAIN, OPT_TRACE };
    static const struct option table[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, OPT_CHECK},
        {"check-start", no_argument, NULL, OPT_CHECK_START},
        {"listen", required_argument, NULL, OPT_LISTEN},
        {"sip-trace", required_argument, NULL, OPT_TRACE},
        {"verbose", no_argument, NULL, 'v'},
        {"explain-config", no_argument, NULL, OPT_EXPLAIN},
        {NULL, 0, NULL, 0},
    };
    int opt;
    optind = 1;
    opterr = 0;
    while ((opt = getopt_long(argc, argv, ":c:v", table, NULL)) != -1) {
        switch (opt) {
        case 'c':
            a->file = optarg;
            break;
        case 'v':
            a->verbose = true;
            break;
        case OPT_TRACE:
            a->sip_trace = optarg;
            break;
        case OPT_CHECK:
            a->check = true;
            break;
        case OPT_CHECK_START:
            a->check_start = true;
            break;
        case OPT_EXPLAIN:
            a->explain = true;
            break;
        case OPT_LISTEN:
            if (a->listen_count == LISTEN_MAX) {
                return help_usage_error(&help_serve, "--listen: at most %d", LISTEN_MAX);
            }
            if (!config_parse_listen(str_c(optarg), &a->listen[a->listen_count++])) {
                return help_usage_error(&help_serve,
                                        "--listen %s: udp:ADDRESS:PORT, or tcp, tls, ws, wss, "
                                        "is wanted",
                                        optarg);
            }
            break;
        case ':':
            return help_usage_error(&help_serve, "%s: a value is missing", argv[optind - 1]);
        default:
            return help_usage_error(&help_serve, "unknown option %s", argv[optind - 1]);
        }
    }
    if (optind < argc) {
        return help_usage_error(&help_serve, "unexpected argument %s", argv[optind]);
    }
    if (a->file == NULL && !a->explain) {
        return help_usage_error(&help_serve, "-c FILE is missing");
    }
    return 0;
}

/** The configuration only names them. */
bool serve_check_certificates(const struct config *c, const char *file)
{
    char why[512] = "out of memory";
    struct net *n = net_new(&c->net);
    bool ok = n != NULL && net_tls_load(n, &c->tls, why, sizeof(why)) == 0;
    net_free(n);
    if (!ok) {
        fprintf(stderr, "%s: tls: %s\n", file, why);
    }
    return ok;
}

bool serve_check_store(const struct config *c)
{
    char why[512];
    bool ok = c->store.path == NULL || store_look(c->store.path, why, sizeof(why));
    if (!ok) {
        fprintf(stderr, "%s\n", why);
    }
    return ok;
}

/** `--check`, `--check-start`. */
static int look(const struct serve_args *args)
{
    struct config_error error;
    const char *file = args->file;
    struct config *c =
        args->check_start ? config_load(file, &error) : config_look(file, &error);
    if (c == NULL) {
        config_error_print(&error, stderr);
        return EXIT_CODE_USAGE;
    }
    bool ok = serve_check_certificates(c, file) && serve_check_store(c);
    if (ok) {
        printf(
            "%s: right: %zu listeners, %zu routes, %zu devices, %zu applications, %zu peers\n",
            file, c->listen_count, c->routes.count, c->device_count, c->application_count,
            c->peer_count);
    }
    if (ok && c->unset_count > 0) {
        fprintf(stderr,
                "%s: %zu times password_env names a variable that is not set here (%s); the "
                "server needs it\n",
                file, c->unset_count, c->unset);
    }
    config_free(c);
    return ok ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static int run(const struct serve_args *args, struct inherited *in, char *const *argv)
{
    struct config_error error;
    struct config *c = config_load(args->file, &error);
    if (c == NULL) {
        config_error_print(&error, stderr);
        return EXIT_CODE_USAGE;
    }
    struct log *log =
        log_new(args->verbose ? TRACE_DEBUG : c->log_level, c->log_json, c->log_file);
    if (log == NULL) {
        fprintf(stderr, "baton serve: %s: %s\n", c->log_file, strerror(errno));
        config_free(c);
        return EXIT_CODE_FAILED;
    }
    log_set_uui(log, c->log_uui);
    c->log_all = args->verbose;
    if (args->sip_trace != NULL) {
        c->sip_trace = args->sip_trace;
    }
    int code = EXIT_CODE_FAILED;
    if (args->listen_count == 0 ||
        config_set_listen(c, args->listen, args->listen_count) == 0) {
        code = server_run(c, log, in, argv);
    }
    log_free(log);
    config_free(c);
    return code;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_args args = {0};
    int code = read_args(argc, argv, &args);
    if (code != 0) {
        return code;
    }
    if (args.explain) {
        config_write_doc(stdout);
        return EXIT_CODE_OK;
    }
    if (args.check || args.check_start) {
        return look(&args);
    }
    struct inherited in;
    int err = inherit_read(&in);
    if (err != 0) {
        fprintf(stderr, "baton serve: what was handed over is left alone: %s\n", err_text(err));
    }
    char *const *whole = argv - 1; /* with the program's own name before the command's */
    code = err != 0 && in.state >= 0 ? EXIT_CODE_FAILED : run(&args, &in, whole);
    inherit_go_back(&in, whole); /* if it was never ready */
    return code;
}
