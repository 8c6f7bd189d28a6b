/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton diagnose DEVICE`: the configuration is looked at, then the server is asked, as an
 * application asks it: over a session with credentials, GetCSTAFeatures with a question in its
 * private data (docs/csta-private.md). So what works here works for applications, and nothing
 * is said that the server does not know.
 */
#include "cli/diagnose_cmd.h"
#include "cli/args.h"
#include "cli/ask_cmd.h"
#include "cli/csta_session.h"
#include "csta/xml.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 20000, SLOT_PATIENCE = 2, SLOT_AGAIN = 3 };

/* A server that has to ask DNS first says so, and is asked again. */
enum { AGAIN_MS = 300, AGAIN_TIMES = 12 };

static const char *const synopsis[] = {"diagnose -s SERVER -u APPLICATION [-c FILE] DEVICE",
                                       "diagnose -c FILE DEVICE",
                                       "diagnose [--socket FILE] [--json] DEVICE", NULL};

static const struct help_option options[] = {
    {"-s, --server", "HOST[:PORT]", "The running server; `;transport=tcp` behind it for TCP."},
    {"-u, --user", "NAME", "An application that is granted the device."},
    {"--password", "TEXT", "Better: the environment variable BATON_PASSWORD."},
    {"-c, --config", "FILE",
     "The server's configuration: is the device in it, and granted to the application? With "
     "--json it only says where the server listens (`api.listen`)."},
    {"-v, --verbose", NULL, "What the layers have to say."},
    CONTROL_SOCKET_OPTIONS,
    {"DEVICE", NULL, "Its number or address."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"BATON_PASSWORD=secret baton diagnose -s 127.0.0.1 -u crm 1001",
     "Why does 1001 not do what it should?"},
    {"baton diagnose 1001", "The same on the server's own machine, over its socket."},
    {"baton diagnose -c baton.yaml 1001", "Is it in the configuration as it should be?"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "All is as it should be."},
    {EXIT_CODE_FAILED, "Something is not, or the server cannot be asked."},
    {EXIT_CODE_USAGE, "The command line or the configuration is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"csta", "profiles", "serve", NULL};

const struct help help_diagnose = {
    .name = "diagnose",
    .summary = "what fails with one device, and what to do",
    .synopsis = synopsis,
    .description =
        "Asks the server, as an application or over its socket, what it knows of DEVICE: where DNS "
        "says that its names lead, which phones are registered and how they are "
        "reached, which profile each has and why, whether the CSTA session with it stands and "
        "if not why, and by whom each service is carried out. Behind -> stands what to do, with "
        "the names that the phone's maker gives its settings.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

/* ---- the configuration ---- */

/** Nothing here has to be unpredictable. */
static void no_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
}

static int look(struct directory *dir, const struct config *c, const char *device,
                const char *application, FILE *out)
{
    const struct device *d = directory_device_named(dir, str_c(device));
    struct str name =
        str_upto(str_c(application), application != NULL ? strcspn(application, "@") : 0);
    const struct application *a = application != NULL ? directory_application(dir, name) : NULL;
    int code = EXIT_CODE_OK;

    if (d == NULL) {
        fprintf(out, "%-12sno device is called %s\n%-12s-> add it to `devices`\n", "config",
                device, "");
        return EXIT_CODE_FAILED;
    }
    fprintf(out, "%-12s%.*s%s\n", "config", STR_ARG(d->uri),
            d->has_secret ? "" : ", without a password");
    if (!d->has_secret) {
        fprintf(out, "%-12s-> it cannot register: give it one\n", "");
        code = EXIT_CODE_FAILED;
    }
    if (application != NULL && a == NULL) {
        fprintf(out, "%-12sno application is called %.*s\n%-12s-> add it to `applications`\n",
                "", STR_ARG(name), "");
        code = EXIT_CODE_FAILED;
    } else if (a != NULL && !directory_may_observe(a, d)) {
        fprintf(out, "%-12s%.*s is not granted it\n%-12s-> add it to `grants` of %.*s\n", "",
                STR_ARG(name), "", STR_ARG(name));
        code = EXIT_CODE_FAILED;
    } else if (a != NULL && !directory_may_control(a, d)) {
        fprintf(out, "%-12s%.*s may only observe it\n%-12s-> add it to `grants` of %.*s\n", "",
                STR_ARG(name), "", STR_ARG(name));
    }
    if (d->phone_profile.n > 0) {
        const struct phone_profile *p =
            phone_profile_named(c->engine.phone_profiles, d->phone_profile);
        fprintf(out, "%-12sprofile %.*s: %.*s\n", "", STR_ARG(d->phone_profile),
                STR_ARG(p != NULL ? p->text : STR("")));
    }
    return code;
}

int diagnose_config(const struct config *c, const char *device, const char *application,
                    FILE *out)
{
    const struct env env = {.mem = mem_libc, .random = no_random};
    struct config *mutable =
        (struct config *)(uintptr_t)c; /* the directory links its devices */
    struct directory dir;
    int code = EXIT_CODE_FAILED;

    if (directory_init(&dir, &env, c->domains, c->domain_count) != 0 ||
        config_fill_directory(mutable, &dir) != 0) {
        fprintf(out, "out of memory\n");
        return code;
    }
    code = look(&dir, c, device, application, out);
    directory_fini(&dir);
    return code;
}

/* ---- the server ---- */

struct diagnosis {
    struct ua *ua;
    struct csta_session session;
    const char *server, *device;
    unsigned asked; /**< so often */
    int code;
};

static void send_question(void *ctx);

static bool is_asking(struct str report)
{
    return str_find(report, STR("found=\"asking\"")) < report.n;
}

static void finish(struct diagnosis *d, int code)
{
    d->code = code;
    csta_session_close(&d->session);
}

static void on_report(void *owner, const struct csta_answer *a)
{
    struct diagnosis *d = owner;
    const struct csta_get_csta_features_response *m =
        a->ok && a->msg.id == CSTA_MSG_GET_CSTA_FEATURES_RESPONSE
            ? a->msg.get_csta_features_response
            : NULL;
    const struct csta_common_arguments *args = m != NULL ? m->extensions : NULL;

    if (args != NULL && args->private_data.kind == CSTA_DATA_FOREIGN) {
        if (d->asked < AGAIN_TIMES && is_asking(args->private_data.foreign.body)) {
            ua_after(d->ua, SLOT_AGAIN, AGAIN_MS, send_question, d);
            return;
        }
        finish(d, diagnose_show(args->private_data.foreign.body, stdout));
        return;
    }
    if (a->ok) {
        printf("the server gives no report: it is no Baton, or an older one\n");
    } else if (a->refusal.error.kind == CSTA_ERROR_OPERATION) {
        struct str why = csta_error_value_name(a->refusal.error);
        printf("the server refuses: %.*s\n%-12s-> is %s a device there, and granted to this "
               "application?\n",
               STR_ARG(why), "", d->device);
    } else {
        printf("the server does not answer the question (%u)\n", a->status);
    }
    finish(d, EXIT_CODE_FAILED);
}

static void send_question(void *ctx)
{
    struct diagnosis *d = ctx;
    char question[1024], xml[2048];
    struct out q, o;
    struct csta_common_arguments args = {.private_data = {.kind = CSTA_DATA_FOREIGN}};
    struct csta_get_csta_features body = {.extensions = &args};
    struct csta_msg msg = {.id = CSTA_MSG_GET_CSTA_FEATURES, .get_csta_features = &body};

    d->asked++;
    out_init(&q, question, sizeof(question));
    out_c(&q, "<deviceReport xmlns=\"" CSTA_PRIVATE_NAMESPACE "\" device=\"");
    xml_write(&q, str_c(d->device), true);
    out_c(&q, "\"/>");
    args.private_data.foreign.attrs = STR("");
    args.private_data.foreign.body = out_str_of(&q);
    out_init(&o, xml, sizeof(xml));
    if (q.over || csta_encode(&msg, CSTA_ED3, &o) != 0 ||
        csta_session_send(&d->session, CSTA_MSG_GET_CSTA_FEATURES, out_str_of(&o), on_report,
                          d) != 0) {
        finish(d, EXIT_CODE_FAILED);
    }
}

static void on_up(void *ctx)
{
    struct diagnosis *d = ctx;

    printf("%-12s%s answers, and knows this application\n", "server", d->server);
    send_question(d);
}

static void on_message(void *ctx, const struct csta_msg *m, struct str body)
{
    (void)ctx;
    (void)m;
    (void)body;
}

static void on_down(void *ctx, const struct csta_refusal *why, uint64_t retry_ms)
{
    struct diagnosis *d = ctx;

    (void)retry_ms;
    printf("%-12s%s: ", "server", d->server);
    if (why->status == 401 || why->status == 403 || why->status == 407) {
        printf("does not let this application in (%u)\n%-12s-> is it in `applications`, and is "
               "the password right?\n",
               why->status, "");
    } else if (why->status != 0) {
        printf("refuses the session: %u %.*s\n", why->status, STR_ARG(why->reason));
    } else {
        printf(
            "%s\n%-12s-> does it run, and listen on that address and transport (`listen`)?\n",
            why->because != NULL ? why->because : "no answer", "");
    }
    d->code = EXIT_CODE_FAILED;
}

static void on_closed(void *ctx)
{
    ua_stop(((struct diagnosis *)ctx)->ua);
}

static void on_refused(void *ctx)
{
    csta_session_refused(&((struct diagnosis *)ctx)->session);
}

static void on_patience_over(void *ctx)
{
    struct diagnosis *d = ctx;
    printf("%-12s%s: no answer\n%-12s-> does it run, and listen on that address and transport "
           "(`listen`)?\n",
           "server", d->server, "");
    ua_stop(d->ua);
}

static void refuse_calls(void *ctx, const struct sip_msg *m, const struct hop *from,
                         uint64_t now_ms)
{
    struct diagnosis *d = ctx;
    struct txn *t = txn_server_new(&d->ua->txn, m, from, NULL, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply_status(t, 603, now_ms);
    }
}

struct words {
    const char *server, *user, *password, *config, *device;
    struct ask_words ask;
    bool verbose;
};

static int ask(const struct words *w, const struct ua_server *server)
{
    static const struct csta_session_user user = {.on_up = on_up,
                                                  .on_event = on_message,
                                                  .on_request = on_message,
                                                  .on_down = on_down,
                                                  .on_closed = on_closed};
    struct diagnosis d = {.server = w->server, .device = w->device, .code = EXIT_CODE_FAILED};
    struct ua_config config = {
        .server = *server,
        .user_agent = "baton diagnose",
        .contact_user = str_upto(str_c(w->user), strcspn(w->user, "@")),
        .allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"),
        .accept = STR("application/csta+xml"),
        .trace = w->verbose,
        .ctx = &d,
        .on_invite = refuse_calls,
        .on_refused = on_refused,
    };
    struct csta_session_config session = {
        .user = str_c(w->user), .password = str_c(w->password), .edition = CSTA_ED3};

    d.ua = ua_new(&config);
    if (d.ua == NULL) {
        return EXIT_CODE_FAILED;
    }
    csta_session_init(&d.session, d.ua, &session, &user, &d);
    csta_session_open(&d.session);
    ua_after(d.ua, SLOT_PATIENCE, PATIENCE_MS, on_patience_over, &d);
    ua_settle(d.ua);
    ua_run(d.ua);
    csta_session_fini(&d.session);
    ua_free(d.ua);
    return d.code;
}

/* ---- the command line ---- */

static int parse(int argc, char **argv, struct words *w)
{
    for (int i = 1; i < argc; i++) {
        if (args_value("-s", "--server", argc, argv, &i, &w->server) ||
            args_value("-u", "--user", argc, argv, &i, &w->user) ||
            args_value(NULL, "--password", argc, argv, &i, &w->password) ||
            args_value("-c", "--config", argc, argv, &i, &w->config)) {
            continue;
        }
        if (ask_word(&w->ask, argc, argv, &i)) {
            continue;
        }
        if (args_is(argv[i], "-v", "--verbose")) {
            w->verbose = true;
        } else if (argv[i][0] == '-' || w->device != NULL) {
            return help_usage_error(&help_diagnose, "what is \"%s\"?", argv[i]);
        } else {
            w->device = argv[i];
        }
    }
    if (w->device == NULL) {
        return help_usage_error(&help_diagnose, "which device?");
    }
    if (w->server != NULL && w->ask.json) {
        return help_usage_error(&help_diagnose, "--json is the answer over the socket: no -s");
    }
    if (w->server != NULL && (w->user == NULL || w->user[0] == '\0')) {
        return help_usage_error(&help_diagnose, "--user is needed");
    }
    w->password = w->password != NULL ? w->password : getenv("BATON_PASSWORD");
    return EXIT_CODE_OK;
}

static int with_config(const struct words *w)
{
    struct config_error error;
    struct config *c = config_look(w->config, &error);
    if (c == NULL) {
        config_error_print(&error, stderr);
        return EXIT_CODE_USAGE;
    }
    int code = diagnose_config(c, w->device, w->user, stdout);
    config_free(c);
    return code;
}

/** As it came; whether all is well is found out all the same. */
static int show_as_it_came(const struct control_answer *a, FILE *out)
{
    FILE *nowhere = fopen("/dev/null", "w");
    int code = nowhere != NULL ? diagnose_show_json(a->json, nowhere) : EXIT_CODE_FAILED;

    ask_show(a, true, out);
    if (nowhere != NULL) {
        (void)fclose(nowhere);
    }
    return code;
}

static bool is_asking_json(const json_t *report)
{
    size_t i;
    json_t *name;

    json_array_foreach(json_object_get(report, "names"), i, name)
    {
        const char *found = json_string_value(json_object_get(name, "found"));
        if (found != NULL && strcmp(found, "asking") == 0) {
            return true;
        }
    }
    return false;
}

/** The running server's own administrator asks. */
int diagnose_over_socket(const struct ask_words *where, const char *device, FILE *out,
                         FILE *err)
{
    struct control_answer a = {0};
    struct control c;
    char path[512];
    int code = ask_open(&c, "diagnose", where, err);

    if (code == EXIT_CODE_OK &&
        !control_path(path, sizeof(path), "/v1/devices/", device, "/diagnosis")) {
        code = help_usage_error(&help_diagnose, "%s is too long", device);
    }
    if (code == EXIT_CODE_OK) {
        code = control_ask(&c, "GET", path, NULL, &a);
    }
    for (unsigned i = 1; code == EXIT_CODE_OK && i < AGAIN_TIMES && is_asking_json(a.json);
         i++) {
        (void)nanosleep(&(struct timespec){.tv_nsec = AGAIN_MS * 1000000L}, NULL);
        control_answer_free(&a);
        a = (struct control_answer){0};
        code = control_ask(&c, "GET", path, NULL, &a);
    }
    if (code == EXIT_CODE_OK) {
        code = where->json ? show_as_it_came(&a, out) : diagnose_show_json(a.json, out);
    }
    control_answer_free(&a);
    control_close(&c);
    return code;
}

int cmd_diagnose(int argc, char **argv)
{
    struct words w = {0};
    struct ua_server server;
    int code = parse(argc, argv, &w), asked = EXIT_CODE_OK;

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (w.ask.json) {
        w.ask.config = w.config; /* says where the server listens, and nothing else */
        return diagnose_over_socket(&w.ask, w.device, stdout, stderr);
    }
    if (w.server == NULL && (w.config == NULL || w.ask.socket != NULL)) {
        code = w.config != NULL ? with_config(&w) : EXIT_CODE_OK;
        asked = code != EXIT_CODE_USAGE ? diagnose_over_socket(&w.ask, w.device, stdout, stderr)
                                        : code;
        return code != EXIT_CODE_OK ? code : asked;
    }
    if (w.server != NULL && !ua_server_parse(w.server, &server)) {
        return help_usage_error(&help_diagnose, "\"%s\" is no server", w.server);
    }
    if (w.config != NULL) {
        code = with_config(&w);
    }
    if (w.server != NULL && code != EXIT_CODE_USAGE) {
        asked = ask(&w, &server);
    }
    return code != EXIT_CODE_OK ? code : asked;
}
