/* SPDX-License-Identifier: Apache-2.0 */
/* `baton phone`: options, keyboard, the end. */
#include "cli/phone.h"

#include "base/err.h"
#include "cli/args.h"
#include "cli/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const synopsis[] = {"phone [OPTION]... -s SERVER AOR", NULL};

static const struct help_option options[] = {
    {"-s, --server", "SERVER",
     "Where to register and send calls: HOST[:PORT] or sip:HOST:PORT;transport=tcp."},
    {"-u, --user", "NAME", "User name for digest; default: the user part of AOR."},
    {"--password", "TEXT",
     "Password. Better: the environment variable BATON_PASSWORD, which other users of the machine do not see."},
    {"-a, --auto-answer", "[MS]",
     "Answer every call, after MS milliseconds when given (--auto-answer=MS)."},
    {"--refuse", "STATUS", "Refuse every call with this status, e.g. 486."},
    {"--no-requested-answer", NULL,
     "Do not answer just because the caller asks for it (Answer-Mode, Call-Info answer-after)."},
    {"--uui-ringing", "HEX", "User-to-User octets to send with the 180."},
    {"--uui-answer", "HEX", "The same with the 200."},
    {"--uui-bye", "HEX", "The same with BYE, ours or the answer to theirs."},
    {"--expires", "SECONDS", "Registration time to ask for; default 300."},
    {"--no-register", NULL, "Only place calls."},
    {"-j, --json", NULL, "Print one JSON object a line."},
    {"-v, --verbose", NULL, "Say on standard error what the protocol layers have to say."},
    {NULL, NULL, NULL},
};

static const struct help_option commands[] = {
    {"call", "URI [HEX]", "Place a call, with User-to-User octets when given."},
    {"answer", "[N]", "Answer call N, or the one that rings."},
    {"(Enter)", NULL, "The key alone does the same: answer the call that rings."},
    {"reject", "[N] [STATUS]", "Refuse it; default 486. A number from 300 is a status."},
    {"hangup", "[N] [HEX]", "End it, with User-to-User octets in the BYE when given."},
    {"hold, resume", "[N]", "Hold and retrieve."},
    {"quit", NULL,
     "End all calls, unregister, leave, as Ctrl-C does. The end of input does the same when "
     "commands were typed, but waits for the calls to end."},
    {NULL, NULL, NULL},
};

static const struct help_section sections[] = {
    {"Commands", "Typed on standard input, one a line; N is the number that the phone shows.",
     commands},
    {NULL, NULL, NULL},
};

static const struct help_example examples[] = {
    {"BATON_PASSWORD=secret baton phone -s 127.0.0.1 sip:1001@example.com",
     "Register and wait for calls."},
    {"baton phone -s 127.0.0.1 --auto-answer=500 sip:1002@example.com",
     "Answer after half a second."},
    {"echo call 1002 04C8 | baton phone -s 127.0.0.1 sip:1001@example.com",
     "Call with two octets of User-to-User, and leave when the call has ended."},
    {NULL, NULL},
};

static const struct help_exit exits[] = {
    {0, "It was told to leave, or the call that was asked for took place."},
    {1,
     "It was never registered, or input has ended and a call that it asked for was refused."},
    {2, "The command line is wrong."},
    {0, NULL},
};

static const char *const see_also[] = {"serve", "csta", "uui", NULL};

const struct help help_phone = {
    .name = "phone",
    .summary = "a SIP phone without audio",
    .synopsis = synopsis,
    .description =
        "Registers AOR, takes and places calls, and shows each step with the User-to-User information "
        "that came with it. It sends no audio: its session description names a port on which nobody "
        "listens. It answers by itself when told to by --auto-answer, by the caller (Answer-Mode: Auto "
        "and the headers that phones of the field use) or by NOTIFY \"Event: talk\".",
    .options = options,
    .sections = sections,
    .examples = examples,
    .exits = exits,
    .see_also = see_also,
};

/* ---- commands ---- */

static struct phone_call *pick(struct phone *p, uint32_t id, bool ringing)
{
    struct phone_call *best = NULL;

    for (int i = 0; i < PHONE_CALLS; i++) {
        struct phone_call *c = &p->call[i];
        if (c->leg == NULL) {
            continue;
        }
        if (id != 0 ? c->id == id : !ringing || (c->incoming && !c->answered)) {
            best = best == NULL || c->id < best->id ? c : best;
        }
    }
    return best;
}

static struct str word(struct str *rest)
{
    struct str s = str_trim(*rest);
    size_t end = str_index(s, ' ');

    *rest = str_from(s, end);
    return str_upto(s, end);
}

static void give_up(void *ctx)
{
    struct phone *p = ctx;

    p->unregistered = true; /* no answer either */
    ua_stop(p->ua);
}

void phone_quit(void *ctx)
{
    enum { SLOT_QUIT = 2, QUIT_MS = 4000 }; /* a server that is gone is not waited for longer */
    struct phone *p = ctx;

    p->quitting = true;
    ua_after(p->ua, SLOT_QUIT, QUIT_MS, give_up, p);
    for (int i = 0; i < PHONE_CALLS; i++) {
        phone_hang_up(&p->call[i], STR_NONE);
    }
    if (p->registered || p->reg != NULL) {
        phone_register(p, 0);
    } else {
        ua_stop(p->ua);
    }
}

void phone_maybe_leave(struct phone *p)
{
    enum { SLOT_LEAVE = 3 };

    if (p->leaving && !p->quitting && pick(p, 0, false) == NULL) {
        ua_after(p->ua, SLOT_LEAVE, 1, phone_quit, p); /* not from inside the leg's callback */
    }
}

static void say(const char *text)
{
    fprintf(stderr, "baton phone: %s\n", text);
}

/** Octets for User-to-User, or none; says so when they are not. */
static bool is_hex(struct phone *p, struct str digits)
{
    struct str octets;
    bool ok = text_hex(digits, &p->ua->scratch, &octets) == 0;

    if (!ok) {
        say("User-to-User octets are pairs of hex digits");
    }
    return ok;
}

static void command(struct phone *p, struct str name, struct str a, struct str b)
{
    uint32_t id = 0, status = 486;
    bool answers = str_eq(name, STR("answer")), rejects = str_eq(name, STR("reject"));
    bool numbered = str_to_u32(a, &id) && id > 0 && id < 1000 && !(rejects && id >= 300);
    struct phone_call *c;

    if (str_eq(name, STR("call"))) {
        if (a.n == 0) {
            say("call whom? call URI [HEX]");
        } else if (is_hex(p, b)) {
            phone_dial(p, a, b);
        }
        return;
    }
    c = pick(p, numbered ? id : 0, answers || rejects);
    if (c == NULL) {
        say(numbered             ? "there is no such call"
            : answers || rejects ? "no call rings"
                                 : "there is no call");
    } else if (answers) {
        phone_answer(c);
    } else if (rejects) {
        (void)str_to_u32(numbered ? b : a, &status);
        phone_reject(c, status >= 300 && status < 700 ? status : 486);
    } else if (str_eq(name, STR("hangup"))) {
        struct str hex = numbered ? b : a;
        if (is_hex(p, hex)) {
            phone_hang_up(c, hex);
        }
    } else if (str_eq(name, STR("hold"))) {
        phone_hold(c, true);
    } else {
        phone_hold(c, false);
    }
}

static void on_line(void *ctx, struct str line)
{
    static const char *const known[] = {"call", "answer", "reject", "hangup", "hold", "resume"};
    struct phone *p = ctx;
    struct str name, a, b;

    if (!str_is_set(line)) {
        p->leaving = p->typed; /* without commands it is no reason to stop being a phone */
        phone_maybe_leave(p);
        return;
    }
    name = word(&line);
    a = word(&line);
    b = word(&line);
    if (name.n == 0) { /* Enter */
        struct phone_call *c = pick(p, 0, true);
        if (c != NULL) {
            phone_answer(c);
        }
        return;
    }
    p->typed = true;
    if (str_eq(name, STR("quit"))) {
        phone_quit(p);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(name, str_c(known[i]))) {
            command(p, name, a, b);
            return;
        }
    }
    say("commands: call URI [HEX], answer, reject, hangup, hold, resume, quit");
}

/* ---- options ---- */

static bool take_flag(struct phone_options *o, const char *arg, bool *verbose)
{
    if (args_is(arg, "-a", "--auto-answer")) {
        o->auto_answer = true;
    } else if (strncmp(arg, "--auto-answer=", 14) == 0) {
        o->auto_answer = true;
        return str_to_u32(str_c(arg + 14), &o->answer_ms);
    } else if (args_is(arg, NULL, "--no-requested-answer")) {
        o->ignore_requests = true;
    } else if (args_is(arg, NULL, "--no-register")) {
        o->no_register = true;
    } else if (args_is(arg, "-j", "--json")) {
        o->json = true;
    } else if (args_is(arg, "-v", "--verbose")) {
        *verbose = true;
    } else {
        return false;
    }
    return true;
}

/** What is not there is right. */
static bool is_hex_option(const char *digits)
{
    struct arena a;
    struct str octets;
    bool ok;

    arena_init(&a, &mem_libc, 1024);
    ok = digits == NULL || (text_hex(str_c(digits), &a, &octets) == 0 && octets.n > 0);
    arena_fini(&a);
    return ok;
}

/** @return EXIT_CODE_OK, or what the command returns at once */
static int parse(int argc, char **argv, struct phone_options *o, const char **server,
                 bool *verbose)
{
    const char *expires = NULL, *refuse = NULL;

    for (int i = 1; i < argc; i++) {
        if (args_value("-s", "--server", argc, argv, &i, server) ||
            args_value("-u", "--user", argc, argv, &i, &o->user) ||
            args_value(NULL, "--password", argc, argv, &i, &o->password) ||
            args_value(NULL, "--uui-ringing", argc, argv, &i, &o->uui_ringing) ||
            args_value(NULL, "--uui-answer", argc, argv, &i, &o->uui_answer) ||
            args_value(NULL, "--uui-bye", argc, argv, &i, &o->uui_bye) ||
            args_value(NULL, "--expires", argc, argv, &i, &expires) ||
            args_value(NULL, "--refuse", argc, argv, &i, &refuse) ||
            take_flag(o, argv[i], verbose)) {
            continue;
        }
        if (argv[i][0] == '-' || o->aor != NULL) {
            return help_usage_error(&help_phone, "unexpected argument \"%s\"", argv[i]);
        }
        o->aor = argv[i];
    }
    if (o->aor == NULL || *server == NULL) {
        return help_usage_error(&help_phone, "an address of record and --server are needed");
    }
    if ((expires != NULL &&
         (!str_to_u32(str_c(expires), &o->expires_s) || o->expires_s == 0)) ||
        (refuse != NULL &&
         (!str_to_u32(str_c(refuse), &o->refuse) || o->refuse < 300 || o->refuse > 699))) {
        return help_usage_error(&help_phone,
                                "--expires takes seconds, --refuse a status of 300 to 699");
    }
    if (!is_hex_option(o->uui_ringing) || !is_hex_option(o->uui_answer) ||
        !is_hex_option(o->uui_bye)) {
        return help_usage_error(
            &help_phone, "--uui-ringing, --uui-answer and --uui-bye take pairs of hex digits");
    }
    return EXIT_CODE_OK;
}

int cmd_phone(int argc, char **argv)
{
    struct phone p = {.opt = {.expires_s = 300}};
    struct ua_config config = {
        .user_agent = "baton phone",
        .allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"),
        .accept = STR("application/sdp"),
        .allow_events = STR("talk, hold"),
        .ctx = &p,
        .on_invite = phone_on_invite};
    const char *server = NULL;
    uint32_t at;
    int code = parse(argc, argv, &p.opt, &server, &config.trace);

    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (sip_uri_parse(str_c(p.opt.aor), 0, &p.aor, &at) != 0 ||
        p.aor.scheme != SIP_SCHEME_SIP || p.aor.user.n == 0) {
        return help_usage_error(&help_phone, "\"%s\" is no address of record: sip:USER@DOMAIN",
                                p.opt.aor);
    }
    if (!ua_server_parse(server, &config.server)) {
        return help_usage_error(&help_phone,
                                "\"%s\" is no server: HOST[:PORT] or "
                                "sip:HOST:PORT;transport=tcp (UDP and TCP only)",
                                server);
    }
    if (p.opt.password == NULL) {
        p.opt.password = getenv("BATON_PASSWORD");
    }
    p.auth.user = p.opt.user != NULL ? str_c(p.opt.user) : p.aor.user;
    p.auth.password = str_c(p.opt.password == NULL ? "" : p.opt.password);
    config.contact_user = p.aor.user;
    p.ua = ua_new(&config);
    if (p.ua == NULL) {
        return EXIT_CODE_FAILED;
    }
    ua_on_signal(p.ua, phone_quit, &p);
    if (ua_read_lines(p.ua, on_line, &p) != 0) {
        say("standard input cannot be read");
    }
    if (!p.opt.no_register) {
        phone_register(&p, p.opt.expires_s);
        ua_settle(p.ua);
    }
    ua_run(p.ua);
    ua_free(p.ua);
    return (p.unregistered && !p.was_registered) || (p.leaving && p.refused) ? EXIT_CODE_FAILED
                                                                             : EXIT_CODE_OK;
}
