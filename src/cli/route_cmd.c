/* SPDX-License-Identifier: Apache-2.0 */
/* `baton route`: the command line and its help. */
#include "cli/route_cmd.h"
#include "cli/args.h"
#include <string.h>

static const char *const synopsis[] = {
    "route explain -c FILE --to NUMBER [--from NUMBER] [--method METHOD] [--peer NAME | --device "
    "NUMBER] [--header LINE]... [--uui VALUE] [--at TIME] [--call-id TEXT] [--transport NAME] "
    "[--unregistered] [--json]",
    "route list -c FILE",
    NULL,
};

static const struct help_option options[] = {
    {"-c, --config", "FILE", "The configuration with the rules."},
    {"--to", "NUMBER", "The called number, or a sip:, sips: or tel: URI."},
    {"--from", "NUMBER",
     "The calling number, or a URI. A device of the configuration is taken as the sender "
     "unless --peer or --device says otherwise."},
    {"--method", "METHOD", "The method; INVITE unless given."},
    {"--peer", "NAME", "It comes from this one of `peers`."},
    {"--device", "NUMBER", "It comes from this one of `devices`."},
    {"--header", "LINE", "It has this header line: \"X-Queue: sales\". May be repeated."},
    {"--uui", "VALUE", "It has this User-to-User value."},
    {"--at", "TIME",
     "When: 2026-11-20T09:00, in the zone of the configuration. Now unless given."},
    {"--call-id", "TEXT",
     "Its Call-ID, by which rules with a percentage and targets with weights are drawn."},
    {"--transport", "NAME", "udp, tcp, tls, ws or wss; udp unless given."},
    {"--unregistered", NULL, "Take the called device as not registered."},
    {"--json", NULL, "Print one JSON object."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"baton route explain -c baton.yaml --to 0891234 --from 1001",
     "Where does a call of 1001 to 0891234 go?"},
    {"baton route explain -c baton.yaml --to 700 --peer pbx --at 2026-12-24T20:00",
     "And one that the PBX sends on Christmas Eve?"},
    {"baton route explain -c baton.yaml --to 700 --header 'X-Queue: sales' --json",
     "With a header, as JSON."},
    {"baton route list -c baton.yaml", "All rules, a line each."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {EXIT_CODE_OK, "The answer was printed."},
    {EXIT_CODE_USAGE, "The command line or the configuration is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"", "serve", "reload", NULL};

const struct help help_route = {
    .name = "route",
    .summary = "which route rule a request matches, and why",
    .synopsis = synopsis,
    .description =
        "Shows a request to the route rules of a configuration, as the server would, and says "
        "for each rule in turn why it does not match, up to the one that does: then what becomes "
        "of the request, with the numbers as they are rewritten and the targets in the order "
        "in which they are tried.\n\n"
        "No server is needed and none is asked: who is registered is not known here, so the "
        "called device is taken as registered. No password is needed either: the variables of "
        "password_env need not be set.",
    .options = options,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

/** The option at argv[*i]. @return false: there is none of that name, or it has no value */
static bool read_option(struct route_ask *ask, int argc, char **argv, int *i)
{
    const struct {
        const char *alias, *name;
        const char **value;
    } table[] = {
        {"-c", "--config", &ask->file},     {NULL, "--to", &ask->to},
        {NULL, "--from", &ask->from},       {NULL, "--method", &ask->method},
        {NULL, "--peer", &ask->peer},       {NULL, "--device", &ask->device},
        {NULL, "--uui", &ask->uui},         {NULL, "--at", &ask->at},
        {NULL, "--call-id", &ask->call_id}, {NULL, "--transport", &ask->transport},
    };
    const char *header;
    if (args_is(argv[*i], NULL, "--json") || args_is(argv[*i], NULL, "--unregistered")) {
        *(argv[*i][2] == 'j' ? &ask->json : &ask->unregistered) = true;
        return true;
    }
    for (size_t k = 0; k < ARRAY_LEN(table); k++) {
        if (args_value(table[k].alias, table[k].name, argc, argv, i, table[k].value)) {
            return true;
        }
    }
    if (ask->headers < ROUTE_HEADERS_MAX &&
        args_value(NULL, "--header", argc, argv, i, &header)) {
        ask->header[ask->headers++] = header;
        return true;
    }
    return false;
}

int route_run(int argc, char **argv, FILE *out, FILE *err)
{
    struct route_ask ask = {.method = "INVITE", .call_id = "explain", .transport = "udp"};
    bool list = argc > 1 && strcmp(argv[1], "list") == 0;
    if (!list && (argc < 2 || strcmp(argv[1], "explain") != 0)) {
        return help_usage_error(&help_route, "explain or list?");
    }
    for (int i = 2; i < argc; i++) {
        if (!read_option(&ask, argc, argv, &i)) {
            return help_usage_error(&help_route, "%s: unknown, or its value is missing",
                                    argv[i]);
        }
    }
    if (ask.file == NULL || (!list && ask.to == NULL)) {
        return help_usage_error(&help_route, "%s is missing",
                                ask.file == NULL ? "-c FILE" : "--to NUMBER");
    }
    if (list && argc > 4) {
        fprintf(err, "baton route: list takes -c FILE and nothing else\n");
        return EXIT_CODE_USAGE;
    }
    struct config_error error;
    struct config *c = config_look(ask.file, &error);
    if (c == NULL) {
        config_error_print(&error, err);
        return EXIT_CODE_USAGE;
    }
    int code = EXIT_CODE_OK;
    if (list) {
        route_list(c, out);
    } else {
        code = route_explain(c, &ask, out, err);
    }
    config_free(c);
    return code;
}

int cmd_route(int argc, char **argv)
{
    return route_run(argc, argv, stdout, stderr);
}
