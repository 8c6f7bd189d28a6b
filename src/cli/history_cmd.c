/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton history`: calls that were, as a table, CSV or JSON lines.
 *
 * The database is opened for reading only, so this may run beside the server. Times are UTC in
 * every form: what is exported means the same everywhere.
 */
#include "cli/history_cmd.h"
#include "base/attr.h"
#include "cli/args.h"
#include "cli/text.h"
#include "server/config.h"
#include "store/history.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const synopsis[] = {
    "history (-c FILE | --database FILE) [--csv | --json] [--since TIME] [--until TIME] "
    "[--party TEXT] [--limit N]",
    NULL};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The server's configuration, which names the database."},
    {"--database", "FILE", "The database itself."},
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
    {"baton history -c baton.yaml --since 24h", "What was there since yesterday?"},
    {"baton history -c baton.yaml --csv --since 2026-11-01 --until 2026-12-01",
     "November, for a spreadsheet."},
    {"baton history -c baton.yaml --json --party 1001 | jq .cause", "How did their calls end?"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "All that was asked for is there, if it was none too."},
    {EXIT_CODE_FAILED, "The database cannot be read."},
    {EXIT_CODE_USAGE, "The command line or the configuration is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "serve", NULL};

const struct help help_history = {
    .name = "history",
    .summary = "calls that were: who, when, how they ended",
    .synopsis = synopsis,
    .description =
        "Reads the calls out of the database of a server (`store.path`), whether it runs or "
        "not. A call that stands has no end yet. Seconds are those of the conversation; moves "
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

static void show_row(const struct history_call *c, struct show *s)
{
    char buf[40] = "", talk[24] = "";
    struct out began;

    out_init(&began, buf, sizeof(buf));
    history_time_text(c->began_ms, &began);

    if (s->calls == 0) {
        fprintf(s->out, "%-19s  %7s  %-28s  %-28s  %s\n", "BEGAN (UTC)", "SECONDS", "CALLING",
                "CALLED", "ENDED BECAUSE");
    }
    if (c->answered_ms != 0 && c->ended_ms != 0) {
        (void)snprintf(talk, sizeof(talk), "%lld", (long long)history_seconds(c));
    }
    fprintf(s->out, "%.10s %.8s  %7s  %-28.*s  %-28.*s  %.*s%s%.*s\n", buf, buf + 11, talk,
            STR_ARG(c->calling), STR_ARG(c->called),
            STR_ARG(c->ended_ms == 0 ? STR("(stands)") : c->cause), c->moves.n > 0 ? ", " : "",
            STR_ARG(c->moves));
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
        show_row(c, s);
        break;
    }
    s->calls++;
}

/* ---- the command ---- */

struct wish {
    const char *config, *database, *since, *until, *party, *limit;
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
    }
    return EXIT_CODE_OK;
}

int history_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct wish w = {.form = FORM_TABLE};
    struct config_error error;
    struct config *c;
    int code;

    if (!read_args(argc, argv, &w) || !read_query(&w)) {
        return EXIT_CODE_USAGE;
    }
    if ((w.config == NULL) == (w.database == NULL)) {
        return help_usage_error(&help_history, "one of -c and --database is wanted");
    }
    if (w.database != NULL) {
        return show_all(w.database, &w, out, err);
    }
    c = config_look(w.config, &error);
    if (c == NULL) {
        config_error_print(&error, err);
        return EXIT_CODE_USAGE;
    }
    if (c->store.path == NULL) {
        fprintf(err, "baton history: %s has no store.path: nothing is kept\n", w.config);
        code = EXIT_CODE_FAILED;
    } else {
        code = show_all(c->store.path, &w, out, err);
    }
    config_free(c);
    return code;
}

int cmd_history(int argc, char **argv)
{
    return history_run(argc, argv, stdout, stderr);
}
