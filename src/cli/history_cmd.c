/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton history`: calls that were, as a table, CSV or JSON lines.
 *
 * A server that runs is asked over its socket (GET /v1/history): who may ask it need not be
 * able to read its files. Without one the database is opened, for reading only. The bytes are
 * the same either way: one writer makes them (store/history_text.c), here or there. A table is
 * made of the JSON lines of the server, which pass through a temporary file, as many as they
 * may be.
 *
 * Times are UTC in every form: what is exported means the same everywhere.
 */
#include "cli/history_cmd.h"
#include "base/attr.h"
#include "cli/args.h"
#include "cli/ask_cmd.h"
#include "cli/text.h"
#include "server/config.h"
#include "store/history.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const synopsis[] = {
    "history [-c FILE | --socket FILE | --database FILE] [--csv | --json] [--since TIME] "
    "[--until TIME] [--party TEXT] [--limit N]",
    NULL};

static const struct help_option options[] = {
    {"-c, --config", "FILE",
     "The server's configuration: the server is asked where `api.listen` says, and when it does "
     "not run the database that `store.path` names is read."},
    {"--socket", "FILE",
     "Where the server listens (`api.listen`, unix). Without -c and --database as every command "
     "finds it: $BATON_SOCKET, or /run/baton/control."},
    {"--database", "FILE", "The database itself; no server is asked."},
    {"--csv", NULL,
     "Comma-separated values with a line of names, RFC 4180. An apostrophe stands before what a "
     "spreadsheet would take for a formula (= + - @, tabulator), but not before +DIGITS."},
    {"--json", NULL, "One JSON object a line."},
    {"--since", "TIME",
     "Calls that began then or later: 2026-11-20, 2026-11-20T10:00:05 (UTC), or 90m, 2h, 7d "
     "ago."},
    {"--until", "TIME", "Calls that began before."},
    {"--party", "TEXT", "Calls with this in the identifier of a device that took part."},
    {"--limit", "N", "Only the newest N."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton history --since 24h", "What was there since yesterday?"},
    {"baton history --database copy.db", "What is in that backup?"},
    {"baton history -c baton.yaml --csv --since 2026-11-01 --until 2026-12-01",
     "November, for a spreadsheet."},
    {"baton history -c baton.yaml --json --party 1001 | jq .cause", "How did their calls end?"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "All that was asked for is there, if it was none too."},
    {EXIT_CODE_FAILED, "The server cannot be asked, or the database not be read."},
    {EXIT_CODE_USAGE, "The command line or the configuration is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "serve", NULL};

const struct help help_history = {
    .name = "history",
    .summary = "calls that were: who, when, how they ended",
    .synopsis = synopsis,
    .description =
        "Shows the calls that a server has kept (`store.path`), whether it runs or not. A call "
        "that stands has no end yet. Seconds are those of the conversation; moves "
        "say to whom it was diverted and transferred. User-to-User is shown as far as "
        "`store.uui` lets it be kept.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

/* ---- times ---- */

static bool ago(const char *text, int64_t now_ms, int64_t *out)
{
    char *end = NULL;
    unsigned long long n = strtoull(text, &end, 10);
    int64_t unit = *end == 's'   ? 1000
                   : *end == 'm' ? 60000
                   : *end == 'h' ? 3600000
                   : *end == 'd' ? 86400000
                                 : 0;

    if (end == text || text[0] == '-' || unit == 0 || end[1] != '\0' || n > 1000000) {
        return false;
    }
    *out = now_ms - (int64_t)n * unit;
    return true;
}

bool history_time(const char *text, int64_t now_ms, int64_t *out)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S",
                                        "%Y-%m-%dT%H:%M:%SZ"};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct tm t = {0};
        const char *end = strptime(text, forms[i], &t);
        if (end != NULL && *end == '\0') {
            *out = (int64_t)timegm(&t) * 1000;
            return true;
        }
    }
    return ago(text, now_ms, out);
}

/* ---- forms ---- */

enum form { FORM_TABLE, FORM_CSV, FORM_JSON };

struct show {
    enum form form;
    FILE *out;
    size_t calls;
};

static void put_csv_head(struct out *o, const void *ctx)
{
    (void)ctx;
    history_csv_head(o);
}

static void put_csv(struct out *o, const void *ctx)
{
    history_csv(ctx, o);
}

static void put_json(struct out *o, const void *ctx)
{
    history_json(ctx, o);
    out_ch(o, '\n');
}

/** What a row of the table says; strings may be absent. */
struct row {
    struct str began, talk, calling, called, cause, moves;
    bool stands;
};

static void show_row(const struct row *r, struct show *s)
{
    if (s->calls == 0) {
        fprintf(s->out, "%-19s  %7s  %-28s  %-28s  %s\n", "BEGAN (UTC)", "SECONDS", "CALLING",
                "CALLED", "ENDED BECAUSE");
    }
    fprintf(s->out, "%.*s %.*s  %7.*s  %-28.*s  %-28.*s  %.*s%s%.*s\n",
            STR_ARG(str_upto(r->began, 10)), STR_ARG(str_upto(str_from(r->began, 11), 8)),
            STR_ARG(r->talk), STR_ARG(r->calling), STR_ARG(r->called),
            STR_ARG(r->stands ? STR("(stands)") : r->cause), r->moves.n > 0 ? ", " : "",
            STR_ARG(r->moves));
}

static void show_kept(const struct history_call *c, struct show *s)
{
    char began[40], talk[24];
    struct out b, t;
    struct row row = {.calling = c->calling,
                      .called = c->called,
                      .cause = c->cause,
                      .moves = c->moves,
                      .stands = c->ended_ms == 0};

    out_init(&b, began, sizeof(began));
    history_time_text(c->began_ms, &b);
    row.began = out_str_of(&b);
    out_init(&t, talk, sizeof(talk));
    if (c->answered_ms != 0 && c->ended_ms != 0) {
        out_u64(&t, (uint64_t)history_seconds(c));
    }
    row.talk = out_str_of(&t);
    show_row(&row, s);
}

static struct str text_of(const json_t *call, const char *name)
{
    const json_t *v = json_object_get(call, name);
    return json_is_string(v) ? str_make(json_string_value(v), json_string_length(v)) : STR("");
}

static void show_told(const json_t *call, struct show *s)
{
    const json_t *seconds = json_object_get(call, "seconds");
    char talk[24];
    struct out t;
    struct row row = {.began = text_of(call, "began"),
                      .calling = text_of(call, "calling"),
                      .called = text_of(call, "called"),
                      .cause = text_of(call, "cause"),
                      .moves = text_of(call, "moves"),
                      .stands = json_object_get(call, "ended") == NULL};

    out_init(&t, talk, sizeof(talk));
    if (json_object_get(call, "answered") != NULL && json_is_integer(seconds)) {
        out_u64(&t, (uint64_t)json_integer_value(seconds));
    }
    row.talk = out_str_of(&t);
    show_row(&row, s);
}

static void show_call(void *ctx, const struct history_call *c)
{
    struct show *s = ctx;

    switch (s->form) {
    case FORM_CSV:
        if (s->calls == 0) {
            text_out(s->out, put_csv_head, NULL);
        }
        text_out(s->out, put_csv, c);
        break;
    case FORM_JSON:
        text_out(s->out, put_json, c);
        break;
    case FORM_TABLE:
        show_kept(c, s);
        break;
    }
    s->calls++;
}

/* ---- the command ---- */

struct wish {
    const char *config, *socket, *database, *since, *until, *party, *limit;
    enum form form;
    struct history_query query;
};

/** @return false after the complaint */
static bool read_args(int argc, char **argv, struct wish *w)
{
    for (int i = 1; i < argc; i++) {
        if (args_is(argv[i], NULL, "--csv")) {
            w->form = FORM_CSV;
        } else if (args_is(argv[i], NULL, "--json")) {
            w->form = FORM_JSON;
        } else if (!args_value("-c", "--config", argc, argv, &i, &w->config) &&
                   !args_value(NULL, "--socket", argc, argv, &i, &w->socket) &&
                   !args_value(NULL, "--database", argc, argv, &i, &w->database) &&
                   !args_value(NULL, "--since", argc, argv, &i, &w->since) &&
                   !args_value(NULL, "--until", argc, argv, &i, &w->until) &&
                   !args_value(NULL, "--party", argc, argv, &i, &w->party) &&
                   !args_value(NULL, "--limit", argc, argv, &i, &w->limit)) {
            (void)help_usage_error(&help_history, "unexpected argument %s", argv[i]);
            return false;
        }
    }
    return true;
}

static bool read_query(struct wish *w)
{
    int64_t now_ms = (int64_t)time(NULL) * 1000;

    w->query.party = str_c(w->party);
    if (w->since != NULL && !history_time(w->since, now_ms, &w->query.since_ms)) {
        (void)help_usage_error(&help_history, "--since: %s is no time", w->since);
        return false;
    }
    if (w->until != NULL && !history_time(w->until, now_ms, &w->query.until_ms)) {
        (void)help_usage_error(&help_history, "--until: %s is no time", w->until);
        return false;
    }
    if (w->limit != NULL && !str_to_u32(str_c(w->limit), &w->query.limit)) {
        (void)help_usage_error(&help_history, "--limit: a number is wanted");
        return false;
    }
    return true;
}

static int show_all(const char *path, const struct wish *w, FILE *out, FILE *err)
{
    struct show s = {.form = w->form, .out = out};
    char why[512];

    if (!history_each(path, &w->query, show_call, &s, why, sizeof(why))) {
        fprintf(err, "baton history: %s\n", why);
        return EXIT_CODE_FAILED;
    }
    if (s.calls == 0 && w->form == FORM_TABLE) {
        fputs("no calls\n", out);
    } else if (s.calls == 0 && w->form == FORM_CSV) {
        text_out(out, put_csv_head, NULL);
    }
    return EXIT_CODE_OK;
}

/* ---- a server that runs ---- */

static bool add_word(char *path, size_t cap, const char *name, const char *value)
{
    char before[1024];

    if ((size_t)snprintf(before, sizeof(before), "%s&%s=", path, name) >= sizeof(before)) {
        return false;
    }
    return control_path(path, cap, before, value, "");
}

static bool add_time(char *path, size_t cap, const char *name, int64_t ms)
{
    char text[40];
    struct out o;

    out_init(&o, text, sizeof(text) - 1);
    history_time_text(ms, &o);
    text[o.n] = '\0';
    return ms == 0 || add_word(path, cap, name, text);
}

/** The query as the API has it. @return false: too long */
static bool path_of(const struct wish *w, char *path, size_t cap)
{
    (void)snprintf(path, cap, "/v1/history?order=oldest&format=%s",
                   w->form == FORM_CSV ? "csv" : "jsonl");
    return add_time(path, cap, "from", w->query.since_ms) &&
           add_time(path, cap, "to", w->query.until_ms) &&
           (w->party == NULL || add_word(path, cap, "party", w->party)) &&
           (w->limit == NULL || w->query.limit == 0 || add_word(path, cap, "limit", w->limit));
}

/** JSON lines as a table. */
static int show_lines(FILE *lines, FILE *out, FILE *err)
{
    struct show s = {.form = FORM_TABLE, .out = out};
    char *line = NULL;
    size_t cap = 0;
    int code = EXIT_CODE_OK;

    rewind(lines);
    for (ssize_t n; code == EXIT_CODE_OK && (n = getline(&line, &cap, lines)) > 0; s.calls++) {
        json_t *call = json_loadb(line, (size_t)n, JSON_ALLOW_NUL, NULL);
        if (call != NULL) {
            show_told(call, &s);
        } else {
            fprintf(err, "baton history: the server's answer cannot be read\n");
            code = EXIT_CODE_FAILED;
        }
        json_decref(call);
    }
    free(line);
    if (code == EXIT_CODE_OK && s.calls == 0) {
        fputs("no calls\n", out);
    }
    return code;
}

static int ask_server(const char *socket, const struct wish *w, FILE *out, FILE *err)
{
    bool table = w->form == FORM_TABLE;
    FILE *to = table ? tmpfile() : out;
    struct control c;
    char path[1024];
    int code = control_open(&c, "history", socket, err);

    if (code == EXIT_CODE_OK && !path_of(w, path, sizeof(path))) {
        code = help_usage_error(&help_history, "--party is too long");
    }
    if (code == EXIT_CODE_OK && to == NULL) {
        fprintf(err, "baton history: a temporary file cannot be made: %s\n", strerror(errno));
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        code = control_save(&c, "GET", path, NULL, to);
    }
    if (code == EXIT_CODE_OK && table) {
        code = show_lines(to, out, err);
    }
    if (table && to != NULL) {
        (void)fclose(to);
    }
    control_close(&c);
    return code;
}

/** The server of a configuration when it runs, else its database. */
static int with_config(const struct wish *w, FILE *out, FILE *err)
{
    struct config_error error;
    struct config *c = config_look(w->config, &error);
    const char *socket = c != NULL ? ask_socket_of(c) : NULL;
    int code;

    if (c == NULL) {
        config_error_print(&error, err);
        return EXIT_CODE_USAGE;
    }
    if (c->store.path == NULL) {
        fprintf(err, "baton history: %s has no store.path: nothing is kept\n", w->config);
        code = EXIT_CODE_FAILED;
    } else if (socket != NULL && control_listens(socket)) {
        code = ask_server(socket, w, out, err);
    } else {
        code = show_all(c->store.path, w, out, err);
    }
    config_free(c);
    return code;
}

int history_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct wish w = {.form = FORM_TABLE};

    if (!read_args(argc, argv, &w) || !read_query(&w)) {
        return EXIT_CODE_USAGE;
    }
    if ((w.config != NULL) + (w.database != NULL) + (w.socket != NULL) > 1) {
        return help_usage_error(&help_history, "one of -c, --socket and --database is enough");
    }
    if (w.database != NULL) {
        return show_all(w.database, &w, out, err);
    }
    return w.config != NULL ? with_config(&w, out, err) : ask_server(w.socket, &w, out, err);
}

int cmd_history(int argc, char **argv)
{
    return history_run(argc, argv, stdout, stderr);
}
