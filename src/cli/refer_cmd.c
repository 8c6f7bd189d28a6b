/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton refer DEVICE TARGET`: REFER to a server, which calls the device and then the target,
 * and tells by NOTIFY what becomes of it (RFC 3515). Each status is a line.
 *
 *   REFER ──► 401 ──► REFER with credentials ──► 202 ──► NOTIFY … NOTIFY (terminated)
 *
 * The exit code is that of the last status. With --no-wait there is no subscription (RFC 4488),
 * and 2xx to the REFER is success.
 */
#include "cli/refer_cmd.h"

#include "base/err.h"
#include "cli/args.h"
#include "cli/json.h"
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 200000, SLOT_WAIT = 0 };

struct refer_client {
    const struct refer_command *c;
    struct ua *ua;
    struct auth_client auth;
    char credentials[4096]; /**< lines of the REFER that was sent last … */
    size_t credentials_n;   /**< … and how many octets */
    uint32_t cseq;
    char tag[9], call_id[33];
    char device[512], to[4096]; /* Request-URI, Refer-To value */
    int code;
};

static const char *const synopsis[] = {"refer [OPTIONS] -s SERVER -u USER DEVICE TARGET", NULL};

static const struct help_option options[] = {
    {"-s, --server", "HOST[:PORT]", "The server; `;transport=tcp` behind it for TCP."},
    {"-u, --user", "USER",
     "An application that is granted the device, or the device's number."},
    {"--password", "TEXT", "Better: the environment variable BATON_PASSWORD."},
    {"--uui", "VALUE", "User-to-User value that the target gets: `0448;encoding=hex`."},
    {"--no-wait", NULL, "Ask for no news (Refer-Sub: false) and end at once."},
    {"-j, --json", NULL, "One JSON object per line."},
    {"-v, --verbose", NULL, "What the layers have to say."},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"BATON_PASSWORD=secret baton refer -s 127.0.0.1 -u crm 1001 1002",
     "Ring 1001; when it is picked up, call 1002."},
    {"baton refer -s 127.0.0.1 -u 1001 1001 tel:+4989555 --uui '0448;encoding=hex'",
     "As the phone itself, with context for whom it calls."},
    {NULL, NULL},
};

static const char *const see_also[] = {"", "serve", "csta", NULL};

const struct help help_refer = {
    .name = "refer",
    .summary = "have a phone call somebody, over plain SIP",
    .synopsis = synopsis,
    .description =
        "Sends REFER to DEVICE, a number or an address of the server, with TARGET, a number, sip or "
        "tel URI, in Refer-To. The server rings the device, then calls the target in its name. "
        "Each news of it is shown as the status line that it is.",
    .options = options,
    .examples = examples,
    .see_also = see_also,
};

/* ---- command line ---- */

static bool take_flag(struct refer_command *c, const char *arg)
{
    if (args_is(arg, NULL, "--no-wait")) {
        c->quiet = true;
    } else if (args_is(arg, "-j", "--json")) {
        c->json = true;
    } else if (args_is(arg, "-v", "--verbose")) {
        c->verbose = true;
    } else {
        return false;
    }
    return true;
}

int refer_command_parse(int argc, char **argv, struct refer_command *out)
{
    const char *server = NULL;

    *out = (struct refer_command){0};
    for (int i = 1; i < argc; i++) {
        if (args_value("-s", "--server", argc, argv, &i, &server) ||
            args_value("-u", "--user", argc, argv, &i, &out->user) ||
            args_value(NULL, "--password", argc, argv, &i, &out->password) ||
            args_value(NULL, "--uui", argc, argv, &i, &out->uui) || take_flag(out, argv[i])) {
            continue;
        }
        if (argv[i][0] == '-') {
            return help_usage_error(&help_refer,
                                    "unknown option \"%s\", or its value is missing", argv[i]);
        }
        if (out->target != NULL) {
            return help_usage_error(&help_refer, "unexpected argument \"%s\"", argv[i]);
        }
        *(out->device == NULL ? &out->device : &out->target) = argv[i];
    }
    if (out->target == NULL || server == NULL || out->user == NULL) {
        return help_usage_error(&help_refer,
                                "--server, --user, a device and a target are needed");
    }
    if (!ua_server_parse(server, &out->server)) {
        return help_usage_error(&help_refer,
                                "\"%s\" is no server: HOST[:PORT] or "
                                "sip:HOST:PORT;transport=tcp (UDP and TCP only)",
                                server);
    }
    return EXIT_CODE_OK;
}

/* ---- texts ---- */

void refer_write_uri(struct out *o, struct str text, struct str host)
{
    if (str_index(text, ':') < text.n) {
        out_str(o, text);
        return;
    }
    out_c(o, "sip:");
    sip_escape_user(o, str_upto(text, str_index(text, '@')));
    out_ch(o, '@');
    out_str(o, str_index(text, '@') < text.n ? str_from(text, str_index(text, '@') + 1) : host);
}

void refer_write_to(struct out *o, struct str target, struct str host, struct str uui)
{
    out_ch(o, '<');
    refer_write_uri(o, target, host);
    if (uui.n > 0) {
        out_c(o, str_index(target, '?') < target.n ? "&" : "?");
        out_c(o, "User-to-User=");
        sip_escape_header(o, uui);
    }
    out_ch(o, '>');
}

unsigned refer_read_status(struct str body, struct str *reason)
{
    uint32_t status = 0;

    if (!str_istarts(body, STR("SIP/2.0 ")) ||
        !str_to_u32(str_upto(str_from(body, 8), 3), &status) || status < 100 || status > 699) {
        return 0;
    }
    *reason = str_trim(str_upto(str_from(body, 11), str_index(str_from(body, 11), '\r')));
    return status;
}

/* ---- the request ---- */

static void finish(struct refer_client *r, int code)
{
    r->code = code;
    ua_stop(r->ua);
}

static void show(const struct refer_client *r, unsigned status, struct str reason, bool final)
{
    if (r->c->json) {
        printf("{\"status\":%u,\"reason\":", status);
        json_print_string(reason, stdout);
        printf(",\"final\":%s}\n", final ? "true" : "false");
    } else {
        printf("%u %.*s\n", status, STR_ARG(reason));
    }
    fflush(stdout);
}

static void on_patience_over(void *ctx)
{
    fputs("baton refer: nothing was heard of it any more\n", stderr);
    finish(ctx, EXIT_CODE_FAILED);
}

static void send_refer(struct refer_client *r, struct str credentials);

static void on_final(struct refer_client *r, const struct sip_msg *m)
{
    struct str sub = sip_msg_value(m, SIP_HDR_REFER_SUB);

    if (m->status >= 300) {
        fprintf(stderr, "baton refer: %u %.*s\n", m->status, STR_ARG(sip_msg_reason(m)));
        finish(r, EXIT_CODE_FAILED);
    } else if (r->c->quiet && str_istarts(sub, STR("false"))) {
        finish(r, EXIT_CODE_OK);
    } else {
        ua_after(r->ua, SLOT_WAIT, WAIT_MS, on_patience_over, r);
    }
}

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct refer_client *r = t->owner;
    char buf[sizeof(r->credentials)];
    struct out o;

    (void)from;
    (void)now_ms;
    if (m->status < 200) {
        return;
    }
    txn_detach(t);
    out_init(&o, buf, sizeof(buf));
    if ((m->status == 401 || m->status == 407) &&
        auth_client_answer(&r->auth, r->ua->env, m, STR("REFER"), str_c(r->device),
                           str_make(r->credentials, r->credentials_n), &o) == 0 &&
        !o.over) {
        memcpy(r->credentials, buf, o.n);
        r->credentials_n = o.n;
        send_refer(r, out_str_of(&o));
        return;
    }
    on_final(r, m);
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    (void)now_ms;
    fprintf(stderr, "baton refer: %s\n",
            why == TXN_TIMEOUT ? "the server does not answer" : "the server cannot be reached");
    finish(t->owner, EXIT_CODE_FAILED);
}

static const struct txn_user refer_user = {.on_response = on_response,
                                           .on_failure = on_failure};

static void send_refer(struct refer_client *r, struct str credentials)
{
    struct ua *u = r->ua;
    struct txn_target to = ua_target(u);
    const char *host = u->config.server.host;
    struct addr local = {0};
    char head[8192], at[64];
    struct out o, h;
    struct str run[4];

    u->env->local(u->env->ctx, &to.hop, &local);
    out_init(&h, at, sizeof(at));
    addr_write(&h, &local);
    run[0] = arena_fmt(&u->scratch, "REFER %s SIP/2.0\r\n", r->device);
    out_init(&o, head, sizeof(head));
    out_fmt(&o, "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=%s\r\nTo: <%s>\r\nCall-ID: %s\r\n",
            r->c->user, host, r->tag, r->device, r->call_id);
    out_fmt(&o, "CSeq: %u REFER\r\nContact: <sip:%s@%.*s%s>\r\nRefer-To: %s\r\n", ++r->cseq,
            r->c->user, (int)h.n, at, to.hop.transport == TP_TCP ? ";transport=tcp" : "",
            r->to);
    out_c(&o, r->c->quiet ? "Refer-Sub: false\r\nSupported: norefersub\r\n" : "");
    out_fmt(&o, "User-Agent: %s\r\n", u->config.user_agent);
    run[1] = out_str_of(&o);
    run[2] = credentials;
    run[3] = STR("Content-Length: 0\r\n\r\n");
    if (o.over || run[0].p == NULL ||
        txn_client_new(&u->txn, SIP_METHOD_REFER, &to, run, ARRAY_LEN(run), &refer_user, r,
                       ua_now(u)) == NULL) {
        fputs("baton refer: the request is too long\n", stderr);
        finish(r, EXIT_CODE_FAILED);
    }
}

/* ---- news ---- */

static bool on_request(void *ctx, const struct sip_msg *m, const struct hop *from,
                       uint64_t now_ms)
{
    struct refer_client *r = ctx;
    bool final = str_istarts(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), STR("terminated"));
    struct str reason = STR_NONE;
    unsigned status;
    struct txn *t;

    if (m->method != SIP_METHOD_NOTIFY ||
        !str_eq(sip_msg_value(m, SIP_HDR_CALL_ID), str_c(r->call_id)) ||
        !str_eq(sip_msg_tag(m, SIP_HDR_TO), str_c(r->tag))) {
        return false;
    }
    t = txn_server_new(&r->ua->txn, m, from, NULL, NULL, now_ms);
    if (t == NULL || txn_reply_status(t, 200, now_ms) != 0) {
        return true; /* it comes again */
    }
    status = refer_read_status(sip_msg_body(m), &reason);
    if (status != 0) {
        show(r, status, reason, final);
    }
    if (final) {
        finish(r, status >= 200 && status < 300 ? EXIT_CODE_OK : EXIT_CODE_FAILED);
    }
    return true;
}

static void on_signal(void *ctx)
{
    finish(ctx, EXIT_CODE_FAILED);
}

/** @return false after saying why */
static bool prepare(struct refer_client *r, const struct refer_command *c)
{
    struct str host = str_c(c->server.host);
    struct out o;

    r->c = c;
    r->code = EXIT_CODE_FAILED;
    env_random_token(r->ua->env, r->tag, sizeof(r->tag) - 1);
    env_random_token(r->ua->env, r->call_id, sizeof(r->call_id) - 1);
    out_init(&o, r->device, sizeof(r->device) - 1);
    refer_write_uri(&o, str_c(c->device), host);
    r->device[o.n] = '\0';
    if (!o.over) {
        out_init(&o, r->to, sizeof(r->to) - 1);
        refer_write_to(&o, str_c(c->target), host, str_c(c->uui));
        r->to[o.n] = '\0';
    }
    if (o.over) {
        fputs("baton refer: an address is too long\n", stderr);
    }
    return !o.over;
}

int cmd_refer(int argc, char **argv)
{
    struct refer_client r = {0};
    struct refer_command c;
    struct ua_config config = {
        .user_agent = "baton refer",
        .allow = STR("NOTIFY"),
        .ctx = &r,
        .on_request = on_request,
    };
    int code = refer_command_parse(argc, argv, &c);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    config.server = c.server;
    config.trace = c.verbose;
    r.auth.user = str_c(c.user);
    r.auth.password = str_c(c.password != NULL ? c.password : getenv("BATON_PASSWORD"));
    r.ua = ua_new(&config);
    if (r.ua == NULL) {
        return EXIT_CODE_FAILED;
    }
    ua_on_signal(r.ua, on_signal, &r);
    if (prepare(&r, &c)) {
        send_refer(&r, STR_NONE);
        ua_settle(r.ua);
        ua_run(r.ua);
    }
    ua_free(r.ua);
    return r.code;
}
