/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton csta`: the command line.
 *
 * All options may stand anywhere. Those of the session are taken here; whatever else is there,
 * in its order, is the command with its arguments and options, which csta_request reads with
 * the command in front. So `baton csta -s HOST -u crm clear 1001 --reason busy --json` is as
 * good as with --json, or with --reason busy, in front of clear.
 */
#include "cli/csta_cmd.h"

#include "base/err.h"
#include "cli/args.h"
#include <stdlib.h>
#include <string.h>

enum { REFRESH_DEFAULT_S = 600, REFRESH_MIN_S = 90, REFRESH_MAX_S = 86400 };

struct raw_options {
    const char *edition, *refresh;
};

static bool take_flag(struct csta_command *c, const char *arg)
{
    if (args_is(arg, "-j", "--json")) {
        c->json = true;
    } else if (args_is(arg, "-v", "--verbose")) {
        c->verbose = true;
    } else if (args_is(arg, "-e", "--exit-on-error")) {
        c->exit_on_error = true;
    } else if (args_is(arg, NULL, "--implicit")) {
        c->implicit = true;
    } else {
        return false;
    }
    return true;
}

/** Put argv[*i] to the command's words, with its value when it is an option that takes one. */
static bool take_word(struct csta_command *c, int argc, char **argv, int *i)
{
    if (c->nword + 2 > CSTA_WORDS_MAX) {
        return false;
    }
    c->word[c->nword++] = str_c(argv[*i]);
    if (csta_option_takes_value(str_c(argv[*i])) && *i + 1 < argc) {
        c->word[c->nword++] = str_c(argv[++*i]);
    }
    return true;
}

static int read_words(int argc, char **argv, struct csta_command *c, struct raw_options *raw)
{
    bool only_words = false;

    for (int i = 1; i < argc; i++) {
        only_words = only_words || strcmp(argv[i], "--") == 0;
        if (!only_words && (args_value("-s", "--server", argc, argv, &i, &c->server_text) ||
                            args_value("-u", "--user", argc, argv, &i, &c->user) ||
                            args_value(NULL, "--password", argc, argv, &i, &c->password) ||
                            args_value(NULL, "--device", argc, argv, &i, &c->device) ||
                            args_value(NULL, "--tcp", argc, argv, &i, &c->tcp_text) ||
                            args_value(NULL, "--tls", argc, argv, &i, &c->tls_text) ||
                            args_value(NULL, "--tls-ca", argc, argv, &i, &c->tls_ca) ||
                            args_value(NULL, "--tls-name", argc, argv, &i, &c->tls_name) ||
                            args_value(NULL, "--tls-cert", argc, argv, &i, &c->tls_cert) ||
                            args_value(NULL, "--tls-key", argc, argv, &i, &c->tls_key) ||
                            args_value(NULL, "--edition", argc, argv, &i, &raw->edition) ||
                            args_value(NULL, "--refresh", argc, argv, &i, &raw->refresh) ||
                            take_flag(c, argv[i]))) {
            continue;
        }
        if (!take_word(c, argc, argv, &i)) {
            return help_usage_error(&help_csta, "too many arguments");
        }
    }
    return EXIT_CODE_OK;
}

/** The command's own options that stand before it go right behind it: `--` may come later. */
static void command_first(struct csta_command *c)
{
    struct str name;
    size_t n = 0;

    while (n < c->nword && csta_option_known(c->word[n])) {
        n += csta_option_takes_value(c->word[n]) ? 2 : 1;
    }
    if (n == 0 || n >= c->nword) {
        return;
    }
    name = c->word[n];
    memmove(c->word + 1, c->word, n * sizeof(name));
    c->word[0] = name;
}

/** Where the server is, and what carries the session. */
static int check_server(struct csta_command *c)
{
    const char *stream = c->tcp_text != NULL ? c->tcp_text : c->tls_text;
    bool tls_only = c->tls_ca != NULL || c->tls_name != NULL || c->tls_cert != NULL;

    if ((c->server_text != NULL) + (c->tcp_text != NULL) + (c->tls_text != NULL) > 1) {
        return help_usage_error(&help_csta, "one of --server, --tcp and --tls is enough");
    }
    if ((tls_only && c->tls_text == NULL) || (c->implicit && stream == NULL)) {
        return help_usage_error(&help_csta,
                                tls_only ? "--tls-ca, --tls-name and --tls-cert go with --tls"
                                         : "--implicit goes with --tcp or --tls");
    }
    if ((c->tls_cert == NULL) != (c->tls_key == NULL)) {
        return help_usage_error(&help_csta, "--tls-cert and --tls-key go together");
    }
    if (stream == NULL) {
        return c->server_text != NULL && ua_server_parse(c->server_text, &c->server)
                   ? EXIT_CODE_OK
                   : help_usage_error(&help_csta,
                                      "\"%s\" is no server: HOST[:PORT] or "
                                      "sip:HOST:PORT;transport=tcp (UDP and TCP only)",
                                      c->server_text);
    }
    if (!ua_server_parse(stream, &c->server) || c->server.port == 0 ||
        c->server.transport != TP_NONE) {
        return help_usage_error(&help_csta, "\"%s\" is not HOST:PORT", stream);
    }
    c->server.transport = c->tls_text != NULL ? TP_TLS : TP_TCP;
    c->stream = true;
    return EXIT_CODE_OK;
}

int csta_command_parse(int argc, char **argv, struct csta_command *out)
{
    struct raw_options raw = {0};
    int code;

    *out = (struct csta_command){.edition = CSTA_ED3, .refresh_s = REFRESH_DEFAULT_S};
    code = read_words(argc, argv, out, &raw);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    command_first(out);
    if (out->nword > 0 && out->word[0].n > 1 && out->word[0].p[0] == '-' &&
        !csta_option_known(out->word[0])) {
        return help_usage_error(&help_csta, "unknown option \"%s\", or its value is missing",
                                out->word[0].p);
    }
    if (out->nword == 0 || csta_option_known(out->word[0])) {
        return help_usage_error(&help_csta, "a command is needed");
    }
    if (out->implicit && out->user == NULL) {
        out->user = "baton"; /* the server knows who comes */
    }
    if ((out->server_text == NULL && out->tcp_text == NULL && out->tls_text == NULL) ||
        out->user == NULL) {
        return help_usage_error(&help_csta, "--server and --user are needed");
    }
    code = check_server(out);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (out->user[0] == '\0' || out->user[0] == '@') {
        return help_usage_error(&help_csta, "\"%s\" is no user name", out->user);
    }
    if (raw.edition != NULL) {
        out->edition = csta_edition_find(str_c(raw.edition));
        if (out->edition == CSTA_EDITION_NONE) {
            return help_usage_error(&help_csta, "--edition takes ed2, ed3, ed4, ed5 or ed6");
        }
    }
    if (raw.refresh != NULL &&
        (!str_to_u32(str_c(raw.refresh), &out->refresh_s) || out->refresh_s < REFRESH_MIN_S ||
         out->refresh_s > REFRESH_MAX_S)) {
        return help_usage_error(&help_csta, "--refresh takes %d to %d seconds", REFRESH_MIN_S,
                                REFRESH_MAX_S);
    }
    return EXIT_CODE_OK;
}

/** The words to an order in the client's arena. */
static int read_order(struct csta_command *c, struct csta_client *client,
                      struct csta_order *order)
{
    struct str complaint;
    int err = csta_order_parse(c->word, c->nword, &client->arena, order, &complaint);

    if (err == 0 && (order->verb == CSTA_VERB_WAIT || order->verb == CSTA_VERB_QUIT ||
                     order->verb == CSTA_VERB_STOP)) {
        return help_usage_error(&help_csta, "\"%s\" is a command of the shell", c->word[0].p);
    }
    if (err != 0) {
        return help_usage_error(
            &help_csta, "%.*s",
            STR_ARG(str_is_set(complaint) ? complaint : str_c(err_text(err))));
    }
    return EXIT_CODE_OK;
}

static int run(const struct csta_command *c, struct csta_client *client, struct ua *ua,
               const struct csta_order *order)
{
    const char *password = c->password != NULL ? c->password : getenv("BATON_PASSWORD");
    struct csta_session_config config = {.user = str_c(c->user),
                                         .password = str_c(password == NULL ? "" : password),
                                         .device = str_c(c->device),
                                         .edition = c->edition,
                                         .tcp = c->stream,
                                         .implicit = c->implicit,
                                         .tls_name = str_c(c->tls_name),
                                         .duration_s = c->refresh_s};
    int code;

    ua_on_signal(ua, csta_client_interrupt, client);
    code = csta_client_start(client, ua, &config, order);
    ua_settle(ua);
    if (code == EXIT_CODE_OK) {
        ua_run(ua);
        code = client->exit_code;
    }
    return code;
}

static size_t on_stream(void *ctx, struct str bytes, uint64_t now_ms)
{
    struct csta_client *client = ctx;

    return csta_session_stream(&client->session, bytes, now_ms);
}

static void on_resolved(void *ctx)
{
    struct csta_client *client = ctx;

    if (client->ua != NULL) {
        csta_session_resolved(&client->session);
    }
}

static void on_refused(void *ctx)
{
    struct csta_client *client = ctx;

    if (client->ua != NULL) {
        csta_session_refused(&client->session);
    }
}

int cmd_csta(int argc, char **argv)
{
    struct csta_command c;
    struct csta_client client;
    struct csta_order order;
    struct ua *ua = NULL;
    struct ua_config config = {
        .user_agent = "baton csta",
        .allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"),
        .accept = STR("application/csta+xml"),
    };
    int code = csta_command_parse(argc, argv, &c);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    config.server = c.server;
    config.contact_user = str_upto(str_c(c.user), strcspn(c.user, "@"));
    config.session_expires_s = c.refresh_s;
    config.trace = c.verbose;
    config.ctx = &client;
    config.on_flow_closed = csta_client_flow_closed;
    config.on_stream = c.stream ? on_stream : NULL;
    config.on_resolved = on_resolved;
    config.on_refused = on_refused;
    config.tls = c.server.transport == TP_TLS;
    config.tls_ca = c.tls_ca;
    config.tls_cert = c.tls_cert;
    config.tls_key = c.tls_key;
    csta_client_init(&client, stdout, stderr, c.json);
    client.exit_on_error = c.exit_on_error;
    code = read_order(&c, &client, &order);
    if (code == EXIT_CODE_OK) {
        ua = ua_new(&config);
        code = ua == NULL ? EXIT_CODE_FAILED : run(&c, &client, ua, &order);
    }
    csta_client_fini(&client);
    if (ua != NULL) {
        ua_free(ua);
    }
    return code;
}
