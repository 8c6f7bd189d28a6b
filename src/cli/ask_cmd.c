/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands that ask: see ask_cmd.h. One table says what each asks for and which columns people
 * see.
 */
#include "cli/ask_cmd.h"
#include "cli/args.h"
#include "cli/view.h"
#include <stdlib.h>

static const char *const see_also[] = {"status", "devices", "calls", "events", "serve", NULL};

static const struct help_exit exits[] = {CONTROL_EXITS("What is asked for was shown.")};

static const struct help_option list_options[] = {
    CONTROL_OPTIONS,
    {"--limit", "N", "No more than N."},
    {NULL, NULL, NULL},
};

static const struct help_option status_options[] = {
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};

static const struct help_option device_options[] = {
    {"DEVICE", NULL, "Its number or address."},
    CONTROL_OPTIONS,
    {NULL, NULL, NULL},
};

/** A command that takes no more than the options. */
#define ASK_HELP(var, word, short_text, long_text, opts, example, example_text)              \
    static const char *const var##_synopsis[] = {word " [-c FILE | --socket FILE] [--json]", \
                                                 NULL};                                      \
    static const struct help_example var##_examples[] = {{"baton " example, example_text},   \
                                                         {NULL, NULL}};                      \
    const struct help help_##var = {.name = #var,                                            \
                                    .summary = short_text,                                   \
                                    .synopsis = var##_synopsis,                              \
                                    .description = long_text,                                \
                                    .options = opts,                                         \
                                    .examples = var##_examples,                              \
                                    .exits = exits,                                          \
                                    .see_also = see_also}

ASK_HELP(status, "status", "how the running server is",
         "Asks the running server for its version, since when it runs, what stands, its "
         "counters, and whether it lets new calls in.",
         status_options, "status --json | jq .counters", "A counter for a script.");
ASK_HELP(
    devices, "devices", "the devices of the running server",
    "Lists the configured devices by number: whether a phone is registered, in how many calls "
    "it is, and its features.",
    list_options, "devices", "Who is there?");
ASK_HELP(device, "device DEVICE", "one device of the running server",
         "Shows what the running server knows of one device: its registrations, calls, "
         "features, agent, and which services work with it. `baton diagnose` says what to do "
         "when something does not.",
         device_options, "device 1001", "All about 1001.");
ASK_HELP(
    calls, "calls", "the calls that stand now",
    "Lists the calls that stand now, the oldest first, with their parties and their context: "
    "User-to-User by package, as text where it is text, and correlator data. `baton history` "
    "has those that were, `baton call CALL` one of them.",
    list_options, "calls", "Who talks to whom?");
ASK_HELP(sessions, "sessions", "the applications' CSTA sessions",
         "Lists the CSTA sessions: of which application, over what, since when, and how far it "
         "is behind with its events.",
         list_options, "sessions", "Who controls the phones?");
ASK_HELP(monitors, "monitors", "who watches which device",
         "Lists the monitors that applications have started.", list_options, "monitors",
         "Who watches what?");
ASK_HELP(agents, "agents", "who is logged on, and in which state",
         "Lists the agents that are logged on at devices.", list_options, "agents",
         "Who is ready?");
ASK_HELP(peers, "peers", "PBX, trunks and gateways: up or not",
         "Lists the configured peers: whether they answer, and how many calls they carry.",
         list_options, "peers", "Is the PBX up?");
ASK_HELP(registrations, "registrations", "where the phones are",
         "Lists the registrations: contact, transport, where from, for how long.", list_options,
         "registrations", "From where is 1001 registered?");
ASK_HELP(listeners, "listeners", "where the server listens",
         "Lists the sockets at which the server listens, and for what.", list_options,
         "listeners", "Which ports are open?");
ASK_HELP(
    subscribers, "subscribers", "who reads events, and how far behind",
    "Lists those who are told events: streams, webhooks, CSTA sessions; each with how many "
    "events it is behind.",
    list_options, "subscribers", "Who does not keep up?");

/* ---- what is asked, and shown ---- */

static const struct view_column device_columns[] = {
    {"NUMBER", "number", VIEW_TEXT},
    {"NAME", "display", VIEW_TEXT},
    {"REGISTERED", "registered", VIEW_TEXT},
    {"PHONES", "bindings", VIEW_COUNT},
    {"CALLS", "calls", VIEW_COUNT},
    {"DND", "features.doNotDisturb", VIEW_TEXT},
    {"AGENTS", "agents", VIEW_COUNT},
    {"ADDRESS", "deviceID", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column call_columns[] = {
    {"CALL", "callID", VIEW_TEXT},
    {"SINCE", "created", VIEW_AGO},
    {"PARTIES", "connections", VIEW_PARTIES},
    {"CONTEXT", "", VIEW_CONTEXT},
    {"CORRELATOR", "correlatorData", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column session_columns[] = {
    {"SESSION", "session", VIEW_TEXT}, {"APPLICATION", "application", VIEW_TEXT},
    {"OVER", "link", VIEW_TEXT},       {"MONITORS", "monitors", VIEW_TEXT},
    {"UNSENT", "unsent", VIEW_TEXT},   {"PENDING", "pending", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column monitor_columns[] = {
    {"MONITOR", "monitorCrossRefID", VIEW_TEXT},
    {"APPLICATION", "application", VIEW_TEXT},
    {"SESSION", "session", VIEW_TEXT},
    {"DEVICE", "deviceID", VIEW_TEXT},
    {"CALL", "callID", VIEW_TEXT},
    {"UNSENT", "unsent", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column agent_columns[] = {
    {"AGENT", "agentID", VIEW_TEXT},
    {"DEVICE", "deviceID", VIEW_TEXT},
    {"STATE", "agentState", VIEW_TEXT},
    {"PENDING", "pendingAgentState", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column peer_columns[] = {
    {"PEER", "peer", VIEW_TEXT},   {"UP", "up", VIEW_TEXT},
    {"CALLS", "calls", VIEW_TEXT}, {"MOST", "maxCalls", VIEW_TEXT},
    {"ADDRESS", "uri", VIEW_TEXT}, {"NUMBERS", "numbers", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column registration_columns[] = {
    {"DEVICE", "deviceID", VIEW_TEXT},
    {"PHONES", "bindings", VIEW_COUNT},
    {"CONTACTS", "bindings", VIEW_CONTACTS},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column listener_columns[] = {
    {"FOR", "protocol", VIEW_TEXT},
    {"TRANSPORT", "transport", VIEW_TEXT},
    {"ADDRESS", "address", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};
static const struct view_column subscriber_columns[] = {
    {"SUBSCRIBER", "subscriber", VIEW_TEXT},
    {"KIND", "kind", VIEW_TEXT},
    {"WHO", "who", VIEW_TEXT},
    {"FROM", "peer", VIEW_TEXT},
    {"SINCE", "since", VIEW_AGO},
    {"AT", "sequence", VIEW_TEXT},
    {"BEHIND", "lag", VIEW_TEXT},
    {"WAITS", "waits", VIEW_TEXT},
    {NULL, NULL, VIEW_TEXT},
};

/** `columns` NULL: one thing; the path then takes the argument, when there is one. */
static const struct question {
    const struct help *help;
    const char *path;
    const struct view_column *columns;
    const char *none;
    enum { PAGED, WHOLE } comes; /**< of lists: page by page, or whole */
    const char *order; /**< the member by which people look for one; NULL: as they come */
} questions[] = {
    {&help_status, "/v1/status", NULL, NULL, PAGED, NULL},
    {&help_device, "/v1/devices/", NULL, NULL, PAGED, NULL},
    {&help_devices, "/v1/devices", device_columns, "no devices are configured", PAGED,
     "number"},
    {&help_calls, "/v1/calls", call_columns, "no calls", PAGED, "created"},
    {&help_sessions, "/v1/sessions", session_columns, "no sessions", PAGED, NULL},
    {&help_monitors, "/v1/monitors", monitor_columns, "nobody watches anything", PAGED, NULL},
    {&help_agents, "/v1/agents", agent_columns, "nobody is logged on", PAGED, "agentID"},
    {&help_peers, "/v1/peers", peer_columns, "no peers are configured", PAGED, NULL},
    {&help_registrations, "/v1/registrations", registration_columns, "nobody is registered",
     PAGED, "deviceID"},
    {&help_listeners, "/v1/listeners", listener_columns, "it listens nowhere", WHOLE, NULL},
    {&help_subscribers, "/v1/subscribers", subscriber_columns, "nobody reads events", WHOLE,
     NULL},
};

bool ask_word(struct ask_words *w, int argc, char **argv, int *i)
{
    if (args_is(argv[*i], NULL, "--json")) {
        w->json = true;
        return true;
    }
    return args_value(NULL, "--socket", argc, argv, i, &w->socket) ||
           args_value("-c", "--config", argc, argv, i, &w->config);
}

const char *ask_socket_of(const struct config *c)
{
    for (size_t i = 0; i < c->api.listen_count; i++) {
        if (c->api.listen[i].path != NULL) {
            return c->api.listen[i].path;
        }
    }
    return NULL;
}

int ask_open(struct control *c, const char *command, const struct ask_words *w, FILE *err)
{
    struct config_error error;
    struct config *config;
    const char *socket;
    int code = EXIT_CODE_USAGE;

    if (w->socket != NULL || w->config == NULL) {
        return control_open(c, command, w->socket, err);
    }
    *c = (struct control){.command = command, .err = err};
    config = config_look(w->config, &error);
    socket = config != NULL ? ask_socket_of(config) : NULL;
    if (config == NULL) {
        config_error_print(&error, err);
    } else if (socket == NULL) {
        fprintf(err,
                "baton %s: the server of %s listens at no UNIX socket: add "
                "unix:/run/baton/control to its api.listen\n",
                command, w->config);
    } else {
        code = control_open(c, command, socket, err);
    }
    config_free(config);
    return code;
}

void ask_show(const struct control_answer *a, bool json, FILE *out)
{
    struct table_style style = table_style_of(out);

    if (json && a->text != NULL) {
        fprintf(out, "%s%s", a->text, a->n > 0 && a->text[a->n - 1] == '\n' ? "" : "\n");
    } else if (json_is_object(a->json)) {
        view_object(a->json, &style, 0, out);
    }
}

static int show_list(struct control *c, const struct question *q, const struct ask_words *w,
                     size_t most, FILE *out)
{
    struct table_style style = table_style_of(out);
    json_t *items = NULL;
    int code = (q->comes == WHOLE ? control_items : control_list)(
        c, q->path, q->order == NULL ? most : 0, &items);

    if (q->order != NULL) {
        view_sort(items, q->order);
    }
    while (most != 0 && json_array_size(items) > most) { /* the first of the order */
        (void)json_array_remove(items, json_array_size(items) - 1);
    }
    if (code == EXIT_CODE_OK && w->json) {
        (void)json_dumpf(items, out, JSON_COMPACT);
        fputc('\n', out);
    } else if (code == EXIT_CODE_OK) {
        view_items(items, q->columns, q->none, &style, out);
    }
    json_decref(items);
    return code;
}

static int show_one(struct control *c, const char *path, const struct ask_words *w, FILE *out)
{
    struct control_answer a = {0};
    int code = control_ask(c, "GET", path, NULL, &a);

    if (code == EXIT_CODE_OK) {
        ask_show(&a, w->json, out);
    }
    control_answer_free(&a);
    return code;
}

static const struct question *question_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        if (strcmp(questions[i].help->name, name) == 0) {
            return &questions[i];
        }
    }
    return NULL;
}

int ask_run(int argc, char **argv, FILE *out, FILE *err)
{
    const struct question *q = question_of(argv[0]);
    const char *limit = NULL, *thing = NULL;
    bool wants_thing = q == &questions[1];
    struct ask_words w = {0};
    struct control c;
    uint32_t most = 0;
    char path[512];

    for (int i = 1; i < argc; i++) {
        if (ask_word(&w, argc, argv, &i) ||
            (q->columns != NULL && args_value(NULL, "--limit", argc, argv, &i, &limit))) {
            continue;
        }
        if (!wants_thing || argv[i][0] == '-' || thing != NULL) {
            return help_usage_error(q->help, "what is \"%s\"?", argv[i]);
        }
        thing = argv[i];
    }
    if (limit != NULL && (!str_to_u32(str_c(limit), &most) || most == 0)) {
        return help_usage_error(q->help, "--limit: a number is wanted");
    }
    if (wants_thing && thing == NULL) {
        return help_usage_error(q->help, "which device?");
    }
    if (!control_path(path, sizeof(path), q->path, thing != NULL ? thing : "", "")) {
        return help_usage_error(q->help, "\"%s\" is too long", thing);
    }
    int code = ask_open(&c, argv[0], &w, err);
    if (code == EXIT_CODE_OK) {
        code =
            q->columns != NULL ? show_list(&c, q, &w, most, out) : show_one(&c, path, &w, out);
    }
    control_close(&c);
    return code;
}

int cmd_ask(int argc, char **argv)
{
    return ask_run(argc, argv, stdout, stderr);
}
