/* SPDX-License-Identifier: Apache-2.0 */
/* Administration from the shell: see admin_cmd.h. Each command is a row of the table below. */
#include "cli/admin_cmd.h"
#include "cli/args.h"
#include "cli/ask_cmd.h"
#include "cli/view.h"
#include "server/config.h"
#include "store/copy.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 4096, LOOK_MS = 500, DAY_S = 86400 };

/* ---- help ---- */

static const struct help_option drain_options[] = {
    {"--wait", NULL,
     "Until no call stands any more; or --timeout is over, which is a failure."},
    {"--timeout", "SECONDS", "With --wait; 600 unless given."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};
static const struct help_option plain_options[] = {
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};
static const struct help_option log_options[] = {
    {"--for", "TIME", "How long somebody is followed: 90, 10m, 2h; 10m unless given."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};
static const struct help_option log_verbs[] = {
    {"level", "debug|info|warn|error|default [MODULE]",
     "What is logged: of all, or of one module: api, audit, auth, call, cti, event, guard, "
     "history, log, net, peers, phone, proxy, registrar, route, server, service, sip, store, "
     "trace, upgrade, uui; `default`: the module goes with all others again."},
    {"follow", "ID",
     "Everything about a callID, a Call-ID of SIP, or a device (number or address)."},
    {"unfollow", "ID", "Not any more."},
    {NULL, NULL, NULL},
};
static const struct help_section log_sections[] = {
    {"Verbs", "Without one: what is set now.", log_verbs}, {NULL, NULL, NULL}};
static const struct help_option backup_options[] = {
    {"FILE", NULL, "The copy; readable by its owner only."},
    {"--force", NULL, "Replace it when it is there."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};
static const struct help_option restore_options[] = {
    {"FILE", NULL, "The copy, as `baton backup` made it."},
    {"-c, --config", "FILE", "The server's configuration, which names the database."},
    {"--database", "FILE", "The database itself."},
    {"--force", NULL, "Replace the database that is there."},
    {"--check", NULL, "Only say whether the copy is sound, and what is in it."},
    {"--json", NULL, "What is said of it, as one JSON object."},
    {NULL, NULL, NULL},
};

static const char *const drain_synopsis[] = {"drain [--wait [--timeout SECONDS]] [--json]",
                                             NULL};
static const char *const undrain_synopsis[] = {"undrain [--json]", NULL};
static const char *const log_synopsis[] = {"log [--json]",
                                           "log level LEVEL [MODULE]",
                                           "log level default MODULE",
                                           "log follow ID [--for TIME]",
                                           "log unfollow ID",
                                           NULL};
static const char *const backup_synopsis[] = {"backup FILE [--force]", NULL};
static const char *const restore_synopsis[] = {
    "restore FILE (-c FILE | --database FILE) [--force] [--json]",
    "restore --check FILE [--json]", NULL};

static const struct help_example drain_examples[] = {
    {"baton drain --wait && systemctl restart baton", "Restart when nobody talks."},
    {NULL, NULL},
};
static const struct help_example undrain_examples[] = {
    {"baton undrain", "The update is done: phones may call again."},
    {NULL, NULL},
};
static const struct help_example log_examples[] = {
    {"baton log level debug cti", "What do applications ask?"},
    {"baton log follow 1001 --for 1h", "All about that phone, for an hour."},
    {NULL, NULL},
};
static const struct help_example backup_examples[] = {
    {"baton backup /var/backups/baton-$(date +%F).db", "A copy each day."},
    {NULL, NULL},
};
static const struct help_example restore_examples[] = {
    {"baton restore --check baton-2026-11-20.db", "Is the copy good?"},
    {"baton restore baton-2026-11-20.db -c /etc/baton/baton.yaml --force",
     "Go back to it; the server is stopped."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {CONTROL_EXITS("It was done.")};
static const char *const see_also[] = {"status", "reload", "serve", "history", NULL};

#define ADMIN_HELP(var, short_text, long_text, opts, examples_) \
    const struct help help_##var = {.name = #var,               \
                                    .summary = short_text,      \
                                    .synopsis = var##_synopsis, \
                                    .description = long_text,   \
                                    .options = opts,            \
                                    .examples = examples_,      \
                                    .exits = exits,             \
                                    .see_also = see_also}

ADMIN_HELP(
    drain, "let no new calls in",
    "Has the running server refuse new calls (503): from phones, peers and applications. "
    "Calls that stand go on, registrations and sessions stay, emergency numbers are "
    "served. Peers hear 503 to their OPTIONS, so that they call elsewhere. It lasts until "
    "`baton undrain` or a restart.",
    drain_options, drain_examples);
ADMIN_HELP(undrain, "let new calls in again", "Ends what `baton drain` has begun.",
           plain_options, undrain_examples);
const struct help help_log = {
    .name = "log",
    .summary = "what the running server logs",
    .synopsis = log_synopsis,
    .description = "Shows and changes what the log of the running server gets, until the next "
                   "reload or restart: the level of all modules or of one, and of whom "
                   "everything is written for a while, whatever the level.",
    .options = log_options,
    .sections = log_sections,
    .examples = log_examples,
    .exits = exits,
    .see_also = see_also,
};
ADMIN_HELP(
    backup, "copy the database of the running server",
    "Copies the database (`store.path`) as it is at one moment, while the server goes on, "
    "and checks the copy. It holds what was said in calls, and hashes of tokens: keep it "
    "as you keep the database.",
    backup_options, backup_examples);
ADMIN_HELP(
    restore, "put a copy of the database in its place",
    "Checks the copy, sees that no server runs with the database, and puts the copy in its "
    "place. What came after the copy is lost; phones register again within their time.",
    restore_options, restore_examples);

/* ---- words ---- */

enum { WORDS = 4 };

struct words {
    struct ask_words ask;
    const char *timeout, *time, *config, *database;
    bool wait, force, check;
    char *word[WORDS];
    size_t n;
    FILE *out, *err;
};

struct command {
    const struct help *help;
    size_t least, most; /**< words */
    int (*run)(const struct words *w);
};

/** @return false: told */
static bool read_words(const struct command *c, int argc, char **argv, struct words *w)
{
    bool drains = c->help == &help_drain, restores = c->help == &help_restore;

    for (int i = 1; i < argc; i++) {
        if ((!restores && ask_word(&w->ask, argc, argv, &i)) ||
            (drains && args_value(NULL, "--timeout", argc, argv, &i, &w->timeout)) ||
            (c->help == &help_log && args_value(NULL, "--for", argc, argv, &i, &w->time)) ||
            (restores && (args_value("-c", "--config", argc, argv, &i, &w->config) ||
                          args_value(NULL, "--database", argc, argv, &i, &w->database)))) {
            continue;
        }
        if (drains && args_is(argv[i], NULL, "--wait")) {
            w->wait = true;
        } else if ((restores || c->help == &help_backup) && args_is(argv[i], NULL, "--force")) {
            w->force = true;
        } else if (restores && args_is(argv[i], NULL, "--check")) {
            w->check = true;
        } else if (restores && args_is(argv[i], NULL, "--json")) {
            w->ask.json = true;
        } else if (argv[i][0] == '-' || w->n == c->most) {
            (void)help_usage_error(c->help, "what is \"%s\"?", argv[i]);
            return false;
        } else {
            w->word[w->n++] = argv[i];
        }
    }
    if (w->n < c->least) {
        (void)help_usage_error(c->help, "words are missing");
    }
    return w->n >= c->least;
}

bool admin_seconds(const char *text, unsigned *out)
{
    char *end = NULL;
    unsigned long n = strtoul(text, &end, 10);
    unsigned long unit = *end == '\0' || *end == 's' ? 1
                         : *end == 'm'               ? 60
                         : *end == 'h'               ? 3600
                         : *end == 'd'               ? DAY_S
                                                     : 0;
    if (end == text || text[0] == '-' || unit == 0 || (*end != '\0' && end[1] != '\0') ||
        n > DAY_S || n * unit > DAY_S) {
        return false;
    }
    *out = (unsigned)(n * unit);
    return true;
}

/** One request, shown as it came with --json, else by `show`. */
static int ask(const struct words *w, const char *name, const char *method, const char *path,
               const char *body, void (*show)(const json_t *answer, FILE *out))
{
    struct control_answer a = {0};
    struct control c;
    int code = ask_open(&c, name, &w->ask, w->err);

    if (code == EXIT_CODE_OK) {
        code = control_ask(&c, method, path, body, &a);
    }
    if (code == EXIT_CODE_OK && w->ask.json) {
        ask_show(&a, true, w->out);
    } else if (code == EXIT_CODE_OK) {
        show(a.json, w->out);
    }
    control_answer_free(&a);
    control_close(&c);
    return code;
}

/* ---- drain ---- */

static long long number(const json_t *answer, const char *name)
{
    return (long long)json_integer_value(json_object_get(answer, name));
}

static void show_drain(const json_t *answer, FILE *out)
{
    fprintf(out,
            json_is_true(json_object_get(answer, "draining"))
                ? "no new calls come in; %lld calls stand, %lld sessions stay\n"
                : "new calls come in; %lld calls stand, %lld sessions\n",
            number(answer, "calls") + number(answer, "proxied"), number(answer, "sessions"));
}

static int run_undrain(const struct words *w)
{
    return ask(w, "undrain", "POST", "/v1/admin/drain", "{\"drain\":false}", show_drain);
}

/** Ask again and again until nothing stands. */
static int wait_for_calls(const struct words *w, struct control *c, unsigned seconds)
{
    struct timespec pause = {.tv_nsec = (long)LOOK_MS * 1000000};
    long long left = 0;

    for (unsigned i = 0; i <= seconds * (1000 / LOOK_MS); i++) {
        struct control_answer a = {0};
        int code = control_ask(c, "POST", "/v1/admin/drain", "{\"drain\":true}", &a);
        left = number(a.json, "calls") + number(a.json, "proxied");
        if (code == EXIT_CODE_OK && (left == 0 || i == 0)) {
            if (w->ask.json) {
                ask_show(&a, true, w->out);
            } else {
                show_drain(a.json, w->out);
            }
            (void)fflush(w->out);
        }
        control_answer_free(&a);
        if (code != EXIT_CODE_OK || left == 0) {
            return code;
        }
        (void)nanosleep(&pause, NULL);
    }
    fprintf(w->err, "baton drain: %lld calls stand after %u s\n", left, seconds);
    return EXIT_CODE_FAILED;
}

static int run_drain(const struct words *w)
{
    unsigned seconds = 600;
    struct control c;
    int code;

    if (!w->wait && w->timeout == NULL) {
        return ask(w, "drain", "POST", "/v1/admin/drain", "{\"drain\":true}", show_drain);
    }
    if (w->timeout != NULL && !admin_seconds(w->timeout, &seconds)) {
        return help_usage_error(&help_drain, "--timeout: seconds are wanted, a day at most");
    }
    code = ask_open(&c, "drain", &w->ask, w->err);
    if (code == EXIT_CODE_OK) {
        code = wait_for_calls(w, &c, seconds);
    }
    control_close(&c);
    return code;
}

/* ---- log ---- */

static void show_levels(const json_t *answer, FILE *out)
{
    const json_t *level = json_object_get(answer, "level");
    const char *name;
    json_t *v;
    size_t i;

    fprintf(out, "all          %s\n", json_is_string(level) ? json_string_value(level) : "-");
    json_object_foreach(json_object_get(answer, "modules"), name, v)
    {
        fprintf(out, "%-11s  %s\n", name, json_is_string(v) ? json_string_value(v) : "-");
    }
    json_array_foreach(json_object_get(answer, "follow"), i, v)
    {
        const char *id = json_string_value(json_object_get(v, "id"));
        fprintf(out, "%-11s  everything, for %lld s\n", id != NULL ? id : "-",
                number(v, "seconds"));
    }
}

/** What a verb wants changed. NULL: the words are wrong. */
static json_t *levels_wanted(const struct words *w)
{
    bool level = strcmp(w->word[0], "level") == 0, follow = strcmp(w->word[0], "follow") == 0;
    unsigned seconds = 600;

    if (level && w->n == 2) {
        return json_pack("{s:s}", "level", w->word[1]);
    }
    if (level && w->n == 3) {
        bool none = strcmp(w->word[1], "default") == 0;
        return none ? json_pack("{s:{s:n}}", "modules", w->word[2])
                    : json_pack("{s:{s:s}}", "modules", w->word[2], w->word[1]);
    }
    if (w->n != 2 || (!follow && strcmp(w->word[0], "unfollow") != 0) ||
        (w->time != NULL && !admin_seconds(w->time, &seconds))) {
        return NULL;
    }
    return json_pack("{s:[{s:s,s:i}]}", "follow", "id", w->word[1], "seconds",
                     follow ? (int)seconds : 0);
}

static int run_log(const struct words *w)
{
    json_t *wanted;
    char *body;
    int code = EXIT_CODE_FAILED;

    if (w->n == 0) {
        return ask(w, "log", "GET", "/v1/admin/log", NULL, show_levels);
    }
    wanted = levels_wanted(w);
    body = json_dumps(wanted, JSON_COMPACT);
    json_decref(wanted);
    if (body == NULL) {
        return help_usage_error(&help_log, "what is that? A level, and a module; or whom to "
                                           "follow, and for how long");
    }
    code = ask(w, "log", "PUT", "/v1/admin/log", body, show_levels);
    free(body);
    return code;
}

/* ---- backup ---- */

/** Is it sound? @return an exit code, after the complaint */
static int check_copy(const struct words *w, const char *name, const char *path,
                      struct store_sum *sum)
{
    char why[512];

    if (!store_check(path, sum, why, sizeof(why))) {
        fprintf(w->err, "baton %s: %s\n", name, why);
        return EXIT_CODE_FAILED;
    }
    return EXIT_CODE_OK;
}

static void tell_sum(const struct words *w, const char *path, const struct store_sum *s)
{
    const struct store_sum sum = *s;

    if (w->ask.json) {
        json_t *said = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "file", path, "octets",
                                 (json_int_t)sum.octets, "events", (json_int_t)sum.events,
                                 "sequence", (json_int_t)sum.head, "rows", (json_int_t)sum.rows,
                                 "version", (json_int_t)sum.version);
        (void)json_dumpf(said, w->out, JSON_COMPACT);
        fputc('\n', w->out);
        json_decref(said);
    } else {
        fprintf(
            w->out,
            "%s: sound; %llu octets, %llu events up to number %llu, %llu things that stood, "
            "version %lld\n",
            path, (unsigned long long)sum.octets, (unsigned long long)sum.events,
            (unsigned long long)sum.head, (unsigned long long)sum.rows, (long long)sum.version);
    }
}

static int tell_copy(const struct words *w, const char *name, const char *path)
{
    struct store_sum sum;
    int code = check_copy(w, name, path, &sum);

    if (code == EXIT_CODE_OK) {
        tell_sum(w, path, &sum);
    }
    return code;
}

static int save(const struct words *w, const char *part)
{
    struct control c;
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
    int code;

    if (to == NULL) {
        fprintf(w->err, "baton backup: %s: %s\n", part, strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return EXIT_CODE_FAILED;
    }
    code = ask_open(&c, "backup", &w->ask, w->err);
    if (code == EXIT_CODE_OK) {
        code = control_save(&c, "POST", "/v1/admin/backup", NULL, to);
    }
    control_close(&c);
    bool written = fflush(to) == 0 && fsync(fd) == 0;
    written = fclose(to) == 0 && written;
    if (code == EXIT_CODE_OK && !written) {
        fprintf(w->err, "baton backup: %s: %s\n", part, strerror(errno));
        code = EXIT_CODE_FAILED;
    }
    return code;
}

static int run_backup(const struct words *w)
{
    char part[NAME_MAX_LEN];
    struct store_sum sum;
    int code;

    if ((size_t)snprintf(part, sizeof(part), "%s.part", w->word[0]) >= sizeof(part)) {
        return help_usage_error(&help_backup, "the name is too long");
    }
    if (!w->force && access(w->word[0], F_OK) == 0) {
        fprintf(w->err, "baton backup: %s is there already; --force replaces it\n", w->word[0]);
        return EXIT_CODE_FAILED;
    }
    (void)unlink(part);
    code = save(w, part);
    if (code == EXIT_CODE_OK) {
        code = check_copy(w, "backup", part, &sum);
    }
    if (code == EXIT_CODE_OK && rename(part, w->word[0]) != 0) {
        fprintf(w->err, "baton backup: %s: %s\n", w->word[0], strerror(errno));
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        tell_sum(w, w->word[0], &sum);
    } else {
        (void)unlink(part);
    }
    return code;
}

/* ---- restore ---- */

static int restore_to(const struct words *w, const char *database)
{
    char why[512];

    if (!store_restore(w->word[0], database, w->force, why, sizeof(why))) {
        fprintf(w->err, "baton restore: %s\n", why);
        return EXIT_CODE_FAILED;
    }
    return tell_copy(w, "restore", database);
}

static int run_restore(const struct words *w)
{
    struct config_error error;
    struct config *c;
    int code;

    if (w->check) {
        return tell_copy(w, "restore", w->word[0]);
    }
    if ((w->config == NULL) == (w->database == NULL)) {
        return help_usage_error(&help_restore, "one of -c and --database is wanted");
    }
    if (w->database != NULL) {
        return restore_to(w, w->database);
    }
    c = config_look(w->config, &error);
    if (c == NULL) {
        config_error_print(&error, w->err);
        return EXIT_CODE_USAGE;
    }
    if (c->store.path == NULL) {
        fprintf(w->err, "baton restore: %s has no store.path: nothing is kept\n", w->config);
        code = EXIT_CODE_FAILED;
    } else {
        code = restore_to(w, c->store.path);
    }
    config_free(c);
    return code;
}

/* ---- the commands ---- */

static const struct command commands[] = {
    {&help_drain, 0, 0, run_drain},     {&help_undrain, 0, 0, run_undrain},
    {&help_log, 0, 3, run_log},         {&help_backup, 1, 1, run_backup},
    {&help_restore, 1, 1, run_restore},
};

int admin_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct words w = {.out = out, .err = err};

    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].help->name, argv[0]) == 0) {
            return read_words(&commands[i], argc, argv, &w) ? commands[i].run(&w)
                                                            : EXIT_CODE_USAGE;
        }
    }
    return EXIT_CODE_USAGE;
}

int cmd_admin(int argc, char **argv)
{
    return admin_run(argc, argv, stdout, stderr);
}
