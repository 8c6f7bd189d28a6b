/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events and messages: see events_cmd.h.
 *
 * A line is written whole and at once, so that what reads it behind a pipe has it when it
 * happens.
 */
#include "cli/events_cmd.h"
#include "cli/args.h"
#include "cli/ask_cmd.h"
#include "cli/text.h"
#include "cli/view.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_LEN = 2048 };

/* ---- help ---- */

static const char *const events_synopsis[] = {
    "events --follow [--from WHERE] [--device LIST] [--type LIST] [--call CALL] [--json]",
    "events [--limit N] …", "events --from SEQUENCE [--limit N] …", NULL};

static const struct help_option events_options[] = {
    {"-f, --follow", NULL,
     "What happens from now on, until it is interrupted. A connection that is lost is made "
     "again, and nothing is missed."},
    {"--from", "WHERE",
     "`now`, `earliest`, `snapshot`, or the number of an event that was seen: what came behind "
     "it, the oldest first. Unless given: with --follow `now`; else the newest are shown."},
    {"--device", "DEVICE",
     "Of these devices only: numbers, or beginnings with `*`; with commas."},
    {"--type", "LIST", "Of these types only: `delivered`, `agent*`; with commas."},
    {"--call", "CALL", "Of this call only."},
    {"--limit", "N", "Without --follow: no more than N; 100 unless given."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};

static const struct help_example events_examples[] = {
    {"baton events --follow --device '10*'", "What happens at those phones?"},
    {"baton events --follow --json | jq -r .type", "For a script, one JSON object a line."},
    {"baton events --from 4711 --limit 20", "What came behind number 4711?"},
    {NULL, NULL},
};

static const char *const trace_synopsis[] = {
    "trace [CALL] [--format json|svg|pcap] [--output FILE]", "trace --follow [--json]", NULL};

static const struct help_option trace_options[] = {
    {"CALL", NULL,
     "A callID, or the Call-ID of SIP. Without one: the calls that are remembered."},
    {"-f, --follow", NULL, "Every message when it comes or goes, until it is interrupted."},
    {"--format", "json|svg|pcap",
     "The ladder of the call for programs, as a picture, or for Wireshark; a table unless "
     "given."},
    {"-o, --output", "FILE", "There, and not to the standard output."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};

static const struct help_example trace_examples[] = {
    {"baton trace", "Of which calls are there messages?"},
    {"baton trace 5c3f --format pcap -o call.pcap", "For Wireshark."},
    {"baton trace --follow", "What is being said?"},
    {NULL, NULL},
};

static const struct help_exit exits[] = {CONTROL_EXITS("It was shown.")};
static const char *const see_also[] = {"calls", "history", "status", NULL};

const struct help help_events = {
    .name = "events",
    .summary = "what happens, and what happened",
    .synopsis = events_synopsis,
    .description = "Reads the journal of the running server (docs/events.md): calls, agents, "
                   "registrations, commands, each event once and in order.",
    .options = events_options,
    .examples = events_examples,
    .exits = exits,
    .see_also = see_also,
};

const struct help help_trace = {
    .name = "trace",
    .summary = "what was said in a call: SIP, CSTA, HTTP",
    .synopsis = trace_synopsis,
    .description =
        "Shows the messages of recent calls that the running server remembers (docs/trace.md), "
        "User-to-User decoded at each hop.",
    .options = trace_options,
    .examples = trace_examples,
    .exits = exits,
    .see_also = see_also,
};

/* ---- lines ---- */

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : "";
}

static void put(const char *text, FILE *out)
{
    text_put(str_c(text), out);
}

/** "org.baton.csta.delivered.v1" as "delivered". */
static struct str short_type(struct str type)
{
    static const struct str heads[] = {STR_INIT("org.baton.csta."), STR_INIT("org.baton.")};
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        if (str_starts(type, heads[i])) {
            type = str_from(type, heads[i].n);
            break;
        }
    }
    return str_ends(type, STR(".v1")) ? str_upto(type, type.n - 3) : type;
}

/** The event of CSTA within `data`: the member that ends in "Event". */
static const json_t *csta_of(const json_t *data)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)data, name, v)
    {
        if (str_ends(str_c(name), STR("Event"))) {
            return v;
        }
    }
    return NULL;
}

/** What an event that is none of CSTA says for itself: an audit, an operation, a gap. */
static void put_words(const json_t *data, FILE *out)
{
    static const char *const words[] = {"who",   "action", "outcome", "service",
                                        "state", "from",   "to",      "reason"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (text_of(data, words[i])[0] != '\0') {
            fputs("  ", out);
            put(text_of(data, words[i]), out);
        }
    }
}

void events_line(const json_t *event, FILE *out)
{
    const json_t *data = json_object_get(event, "data"), *ids = json_object_get(data, "ids");
    const json_t *uui = json_object_get(data, "uui");
    const char *time = text_of(event, "time");
    char buf[16384];
    size_t i;
    json_t *v;

    put(strlen(time) > 11 ? time + 11 : time, out); /* the time of the day */
    fputs("  ", out);
    put(text_of(event, "sequence"), out);
    fputs("  ", out);
    text_put(short_type(str_c(text_of(event, "type"))), out);
    fputs("  ", out);
    put(text_of(event, "subject"), out);
    if (text_of(ids, "deviceID")[0] != '\0') {
        fputs("  ", out);
        put(text_of(ids, "deviceID"), out);
    }
    if (text_of(csta_of(data), "cause")[0] != '\0') {
        fputs("  ", out);
        put(text_of(csta_of(data), "cause"), out);
    }
    put_words(data, out);
    json_array_foreach(uui, i, v)
    {
        fputs("  ", out);
        text_put(view_text(v, VIEW_CONTEXT, buf, sizeof(buf)), out);
    }
    fputc('\n', out);
}

/** A message of the live trace (docs/trace.md). */
static void message_line(const json_t *m, FILE *out)
{
    const char *time = text_of(m, "time");

    put(strlen(time) > 11 ? time + 11 : time, out);
    fputs("  ", out);
    put(text_of(m, "from"), out);
    fputs(" > ", out);
    put(text_of(m, "to"), out);
    fputs("  ", out);
    put(text_of(m, "protocol"), out);
    fputs("  ", out);
    put(text_of(m, "label"), out);
    fputs("  ", out);
    put(text_of(m, "summary"), out);
    fputc('\n', out);
}

struct following {
    FILE *out;
    bool json;
    void (*line)(const json_t *one, FILE *out);
};

static bool on_event(void *ctx, const json_t *event, struct str text)
{
    const struct following *f = ctx;

    if (f->json) {
        fprintf(f->out, "%.*s\n", STR_ARG(text));
    } else if (event != NULL) {
        f->line(event, f->out);
    }
    return fflush(f->out) == 0; /* nobody reads any more */
}

/* ---- events ---- */

struct words {
    struct ask_words ask;
    const char *from, *device, *type, *call, *limit;
    bool follow;
};

static bool add(char *path, const char *name, const char *value)
{
    char head[PATH_MAX_LEN];
    int n = snprintf(head, sizeof(head), "%s%c%s=", path, strchr(path, '?') != NULL ? '&' : '?',
                     name);
    return value == NULL || (n > 0 && (size_t)n < sizeof(head) &&
                             control_path(path, PATH_MAX_LEN, head, value, ""));
}

static void show_event(const json_t *event, bool json, FILE *out)
{
    if (json) {
        (void)json_dumpf(event, out, JSON_COMPACT);
        fputc('\n', out);
    } else {
        events_line(event, out);
    }
}

static int show_page(struct control *c, const char *path, uint32_t limit, const struct words *w,
                     FILE *out)
{
    json_t *items = NULL, *one;
    size_t i;
    int code = control_list(c, path, limit, &items);

    json_array_foreach(items, i, one)
    {
        show_event(one, w->ask.json, out);
    }
    json_decref(items);
    return code;
}

/** The number of the newest event. @return an exit code */
static int ask_head(struct control *c, uint64_t *head)
{
    struct control_answer a = {0};
    int code = control_ask(c, "GET", "/v1/events?from=now&limit=1", NULL, &a);
    const char *text = json_string_value(json_object_get(a.json, "sequence"));

    *head = text != NULL ? strtoull(text, NULL, 10) : 0;
    control_answer_free(&a);
    return code;
}

/**
 * The newest `limit` that fit. How many of the events before the newest one do is not known: a
 * stretch of them is read, and a longer one when it has too few.
 */
static int show_newest(struct control *c, const char *path, uint32_t limit,
                       const struct words *w, FILE *out)
{
    json_t *items = NULL, *one;
    char from[PATH_MAX_LEN], number[24];
    uint64_t head = 0, stretch = limit;
    size_t i, n = 0;
    int code = ask_head(c, &head);

    for (bool all = false; code == EXIT_CODE_OK && n < limit && !all; stretch *= 8) {
        all = stretch >= head;
        (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)(head - stretch));
        (void)snprintf(from, sizeof(from), "%s", path);
        if (!add(from, "from", all ? "earliest" : number)) {
            return help_usage_error(&help_events, "that is too long");
        }
        json_decref(items);
        code = control_list(c, from, 0, &items);
        n = json_array_size(items);
    }
    json_array_foreach(items, i, one)
    {
        if (code == EXIT_CODE_OK && i + limit >= n) {
            show_event(one, w->ask.json, out);
        }
    }
    json_decref(items);
    return code;
}

static int run_events(struct control *c, const struct words *w, FILE *out)
{
    struct following f = {.out = out, .json = w->ask.json, .line = events_line};
    char path[PATH_MAX_LEN] = "/v1/events";
    uint32_t limit = 100;

    if (w->limit != NULL && (!str_to_u32(str_c(w->limit), &limit) || limit == 0)) {
        return help_usage_error(&help_events, "--limit: a number is wanted");
    }
    if (!add(path, "from", w->from == NULL && w->follow ? "now" : w->from) ||
        !add(path, "device", w->device) || !add(path, "type", w->type) ||
        !add(path, "callID", w->call)) {
        return help_usage_error(&help_events, "that is too long");
    }
    if (w->follow) {
        return control_follow(c, path, 0, on_event, &f);
    }
    return w->from != NULL ? show_page(c, path, limit, w, out)
                           : show_newest(c, path, limit, w, out);
}

int events_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct words w = {.from = NULL};
    struct control c;

    for (int i = 1; i < argc; i++) {
        if (args_is(argv[i], "-f", "--follow")) {
            w.follow = true;
        } else if (!ask_word(&w.ask, argc, argv, &i) &&
                   !args_value(NULL, "--from", argc, argv, &i, &w.from) &&
                   !args_value(NULL, "--device", argc, argv, &i, &w.device) &&
                   !args_value(NULL, "--type", argc, argv, &i, &w.type) &&
                   !args_value(NULL, "--call", argc, argv, &i, &w.call) &&
                   !args_value(NULL, "--limit", argc, argv, &i, &w.limit)) {
            return help_usage_error(&help_events, "what is \"%s\"?", argv[i]);
        }
    }
    int code = ask_open(&c, "events", &w.ask, err);
    if (code == EXIT_CODE_OK) {
        code = run_events(&c, &w, out);
    }
    control_close(&c);
    return code;
}

int cmd_events(int argc, char **argv)
{
    return events_run(argc, argv, stdout, stderr);
}

/* ---- trace ---- */

struct trace_words {
    struct ask_words ask;
    const char *call, *format, *output;
    bool follow;
};

static const struct view_column recent_columns[] = {
    {"CALL", "callID", VIEW_TEXT},  {"BEGAN", "began", VIEW_AGO},  {"ENDED", "ended", VIEW_AGO},
    {"PARTIES", "legs", VIEW_TEXT}, {"WITH", "joined", VIEW_TEXT}, {NULL, NULL, VIEW_TEXT},
};
static const struct view_column message_columns[] = {
    {"TIME", "time", VIEW_TEXT},     {"FROM", "from", VIEW_TEXT},
    {"TO", "to", VIEW_TEXT},         {"PROTOCOL", "protocol", VIEW_TEXT},
    {"MESSAGE", "label", VIEW_TEXT}, {"", "summary", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};

static int show_recent(struct control *c, const struct trace_words *w, FILE *out)
{
    struct table_style style = table_style_of(out);
    json_t *items = NULL;
    int code = control_list(c, "/v1/trace", 0, &items);

    if (code == EXIT_CODE_OK && w->ask.json) {
        (void)json_dumpf(items, out, JSON_COMPACT);
        fputc('\n', out);
    } else if (code == EXIT_CODE_OK) {
        view_items(items, recent_columns, "no calls are remembered", &style, out);
    }
    json_decref(items);
    return code;
}

/** Lanes by their labels, where the messages have their ids. */
static void name_lanes(json_t *ladder)
{
    const json_t *lanes = json_object_get(ladder, "lanes");
    size_t i, k;
    json_t *m, *lane;

    json_array_foreach(json_object_get(ladder, "messages"), i, m)
    {
        static const char *const ends[] = {"from", "to"};
        for (size_t e = 0; e < ARRAY_LEN(ends); e++) {
            json_array_foreach(lanes, k, lane)
            {
                if (json_equal(json_object_get(lane, "id"), json_object_get(m, ends[e]))) {
                    (void)json_object_set(m, ends[e], json_object_get(lane, "label"));
                    break;
                }
            }
        }
    }
}

static int show_ladder(struct control *c, const char *path, const struct trace_words *w,
                       FILE *out)
{
    struct table_style style = table_style_of(out);
    struct control_answer a = {0};
    int code = control_ask(c, "GET", path, NULL, &a);

    if (code == EXIT_CODE_OK && w->ask.json) {
        ask_show(&a, true, out);
    } else if (code == EXIT_CODE_OK) {
        name_lanes(a.json);
        view_items(json_object_get(a.json, "messages"), message_columns, "no messages", &style,
                   out);
    }
    control_answer_free(&a);
    return code;
}

static int save(struct control *c, const char *path, const struct trace_words *w, FILE *out)
{
    FILE *to = w->output != NULL ? fopen(w->output, "wbe") : out;
    int code;

    if (to == NULL) {
        fprintf(c->err, "baton trace: %s: %s\n", w->output, strerror(errno));
        return EXIT_CODE_FAILED;
    }
    code = control_save(c, "GET", path, NULL, to);
    if (to != out && fclose(to) != 0) {
        fprintf(c->err, "baton trace: %s: %s\n", w->output, strerror(errno));
        code = EXIT_CODE_FAILED;
    }
    return code;
}

static int run_trace(struct control *c, const struct trace_words *w, FILE *out)
{
    struct following f = {.out = out, .json = w->ask.json, .line = message_line};
    char path[PATH_MAX_LEN];

    if (w->follow) {
        return control_follow(c, "/v1/trace/live", 0, on_event, &f);
    }
    if (w->call == NULL) {
        return show_recent(c, w, out);
    }
    if (!control_path(path, sizeof(path), "/v1/trace/", w->call, "")) {
        return help_usage_error(&help_trace, "%s is too long", w->call);
    }
    if (w->format == NULL && w->output == NULL) {
        return show_ladder(c, path, w, out);
    }
    (void)add(path, "format", w->format != NULL ? w->format : "json");
    return save(c, path, w, out);
}

int trace_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct trace_words w = {.call = NULL};
    struct control c;

    for (int i = 1; i < argc; i++) {
        if (args_is(argv[i], "-f", "--follow")) {
            w.follow = true;
        } else if (ask_word(&w.ask, argc, argv, &i) ||
                   args_value(NULL, "--format", argc, argv, &i, &w.format) ||
                   args_value("-o", "--output", argc, argv, &i, &w.output)) {
            continue;
        } else if (argv[i][0] == '-' || w.call != NULL) {
            return help_usage_error(&help_trace, "what is \"%s\"?", argv[i]);
        } else {
            w.call = argv[i];
        }
    }
    if (w.format != NULL && strcmp(w.format, "json") != 0 && strcmp(w.format, "svg") != 0 &&
        strcmp(w.format, "pcap") != 0) {
        return help_usage_error(&help_trace, "--format is json, svg or pcap");
    }
    if ((w.follow && w.call != NULL) ||
        (w.call == NULL && (w.format != NULL || w.output != NULL))) {
        return help_usage_error(&help_trace, "--format and --output are about one call");
    }
    int code = ask_open(&c, "trace", &w.ask, err);
    if (code == EXIT_CODE_OK) {
        code = run_trace(&c, &w, out);
    }
    control_close(&c);
    return code;
}

int cmd_trace(int argc, char **argv)
{
    return trace_run(argc, argv, stdout, stderr);
}
