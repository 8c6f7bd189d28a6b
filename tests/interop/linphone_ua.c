/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone made of liblinphone, steered by lines on standard input; events are lines of JSON.
 *
 * Debian's linphonec and linphone-daemon cannot set a header of a call or answer 302, which is
 * what the scenarios are about, so this program uses the library that they use.
 *
 *   linphone_ua FOLDER ADDRESS PORT udp|tcp|tls
 *     register URI SERVER-URI PASSWORD | call URI [Name: value]… (parts split by '|')
 *     answer | busy | decline | redirect URI | hold | resume | transfer URI | attend | hangup |
 * quit
 *
 * Commands act on the newest call that has not ended; "attend" connects the two newest with
 * each other (attended transfer). One thread: the core is iterated every 20 ms, which is how
 * liblinphone is meant to be run; commands are read in between. Calls are referenced until the
 * end.
 *
 * If there is FOLDER/voice.wav it says that over and over to who it talks to.
 *
 * The [storage] uri keeps its data base in FOLDER: without one it answers calls with 503.
 */
#include <linphone/core.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 16, LINE = 8192, ITERATE_MS = 20 };

static LinphoneCore *core;
static LinphoneCall *calls[CALLS];
static int call_count;
static bool running = true;

static void json_text(const char *text)
{
    putchar('"');
    for (; text != NULL && *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else if (c < 0x20) {
            printf("\\u%04x", c);
        } else {
            putchar(c);
        }
    }
    putchar('"');
}

static void tell(const char *event, const char *key, const char *value)
{
    printf("{\"event\": \"%s\", \"%s\": ", event, key);
    json_text(value);
    puts("}");
    fflush(stdout);
}

/* ---- what the library tells ---- */

static bool is_over(const LinphoneCall *c)
{
    LinphoneCallState s = linphone_call_get_state(c);
    return s == LinphoneCallStateEnd || s == LinphoneCallStateError ||
           s == LinphoneCallStateReleased;
}

/** The newest call that lives, but for the `skip` newest of these. */
static LinphoneCall *newest(int skip)
{
    for (int i = call_count - 1; i >= 0; i--) {
        if (!is_over(calls[i]) && skip-- == 0) {
            return calls[i];
        }
    }
    return NULL;
}

static void remember(LinphoneCall *c)
{
    for (int i = 0; i < call_count; i++) {
        if (calls[i] == c) {
            return;
        }
    }
    if (call_count < CALLS) {
        calls[call_count++] = linphone_call_ref(c);
    }
}

static void on_call(LinphoneCore *lc, LinphoneCall *c, LinphoneCallState state,
                    const char *text)
{
    static const char *const shown[] = {"User-to-User", "Replaces",  "Referred-By",
                                        "History-Info", "Diversion", "Reason"};
    const LinphoneCallParams *remote = linphone_call_get_remote_params(c);
    (void)lc;
    remember(c);
    printf("{\"event\": \"call\", \"state\": \"%s\", \"text\": ",
           linphone_call_state_to_string(state));
    json_text(text);
    char *who = linphone_address_as_string_uri_only(linphone_call_get_remote_address(c));
    printf(", \"remote\": ");
    json_text(who);
    ms_free(who);
    for (size_t i = 0; remote != NULL && i < sizeof(shown) / sizeof(shown[0]); i++) {
        const char *value = linphone_call_params_get_custom_header(remote, shown[i]);
        if (value != NULL) {
            printf(", \"%s\": ", shown[i]);
            json_text(value);
        }
    }
    puts("}");
    fflush(stdout);
}

static void on_registration(LinphoneCore *lc, LinphoneAccount *a, LinphoneRegistrationState s,
                            const char *text)
{
    (void)lc, (void)a, (void)text;
    tell("registration", "state", linphone_registration_state_to_string(s));
}

static void on_transfer(LinphoneCore *lc, LinphoneCall *c, LinphoneCallState s)
{
    (void)lc, (void)c;
    tell("transfer", "state", linphone_call_state_to_string(s));
}

/* ---- commands ---- */

static void do_register(char *uri, char *server, char *password)
{
    LinphoneFactory *f = linphone_factory_get();
    LinphoneAddress *id = linphone_factory_create_address(f, uri);
    LinphoneAddress *to = linphone_factory_create_address(f, server);
    LinphoneAccountParams *p = linphone_core_create_account_params(core);
    LinphoneAuthInfo *auth = linphone_factory_create_auth_info(
        f, linphone_address_get_username(id), NULL, password, NULL, NULL, NULL);
    linphone_account_params_set_identity_address(p, id);
    linphone_account_params_set_server_address(p, to);
    linphone_account_params_set_register_enabled(p, TRUE);
    linphone_account_params_set_outbound_proxy_enabled(p, TRUE);
    linphone_account_params_set_expires(p, 60);
    linphone_core_add_auth_info(core, auth);
    LinphoneAccount *a = linphone_core_create_account(core, p);
    linphone_core_add_account(core, a);
    linphone_core_set_default_account(core, a);
}

/** `headers`: "Name: value" parts with '|' between them, or NULL. */
static void do_call(char *uri, char *headers)
{
    LinphoneCallParams *p = linphone_core_create_call_params(core, NULL);
    char *rest = NULL;
    linphone_call_params_enable_video(p, FALSE);
    for (char *part = headers != NULL ? strtok_r(headers, "|", &rest) : NULL; part != NULL;
         part = strtok_r(NULL, "|", &rest)) {
        char *colon = strchr(part, ':');
        if (colon != NULL) {
            *colon = '\0';
            linphone_call_params_add_custom_header(p, part, colon + 1 + strspn(colon + 1, " "));
        }
    }
    if (linphone_core_invite_with_params(core, uri, p) == NULL) {
        tell("error", "text", "the call was not made");
    }
}

static void on_one_call(LinphoneCall *c, const char *what, const char *arg)
{
    if (c == NULL) {
        tell("error", "text", "there is no call");
    } else if (strcmp(what, "answer") == 0) {
        linphone_call_accept(c);
    } else if (strcmp(what, "busy") == 0) {
        linphone_call_decline(c, LinphoneReasonBusy);
    } else if (strcmp(what, "decline") == 0) {
        linphone_call_decline(c, LinphoneReasonDeclined);
    } else if (strcmp(what, "redirect") == 0 && arg != NULL) {
        linphone_call_redirect(c, arg);
    } else if (strcmp(what, "hold") == 0) {
        linphone_call_pause(c);
    } else if (strcmp(what, "resume") == 0) {
        linphone_call_resume(c);
    } else if (strcmp(what, "transfer") == 0 && arg != NULL) {
        linphone_call_transfer(c, arg);
    } else if (strcmp(what, "attend") == 0 && newest(1) != NULL) {
        linphone_call_transfer_to_another(newest(1), c);
    } else if (strcmp(what, "hangup") == 0) {
        linphone_call_terminate(c);
    } else {
        tell("error", "text", "no such command");
    }
}

static void obey(char *line)
{
    char *rest = NULL;
    char *what = strtok_r(line, " ", &rest);
    char *arg = what != NULL ? strtok_r(NULL, " ", &rest) : NULL;
    if (what == NULL) {
        return;
    }
    if (strcmp(what, "quit") == 0) {
        running = false;
    } else if (strcmp(what, "register") == 0 && arg != NULL) {
        char *server = strtok_r(NULL, " ", &rest);
        do_register(arg, server, strtok_r(NULL, " ", &rest));
    } else if (strcmp(what, "call") == 0 && arg != NULL) {
        do_call(arg, rest != NULL && *rest != '\0' ? rest : NULL);
    } else {
        on_one_call(newest(0), what, arg);
    }
}

/* ---- life ---- */

static bool configure(const char *folder, const char *address, int port, const char *transport)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/linphonerc", folder);
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        return false;
    }
    bool tcp = strcmp(transport, "tcp") == 0, tls = strcmp(transport, "tls") == 0;
    fprintf(f,
            "[sip]\nsip_port=%d\nsip_tcp_port=%d\nsip_tls_port=%d\nbind_address=%s\n"
            "register_only_when_network_is_up=0\nguess_hostname=0\nuse_ipv6=0\n"
            "keepalive_period=0\nverify_server_certs=0\nverify_server_cn=0\n"
            "[rtp]\naudio_rtp_port=%d\n[net]\ndns_srv_enabled=0\n"
            "[storage]\nbackend=sqlite3\nuri=%s/linphone.db\n",
            tcp || tls ? 0 : port, tcp ? port : 0, tls ? port : 0, address,
            20000 + (port % 1000) * 10, folder);
    return fclose(f) == 0;
}

static bool start(const char *folder)
{
    LinphoneFactory *f = linphone_factory_get();
    LinphoneCoreCbs *cbs = linphone_factory_create_core_cbs(f);
    char path[512];
    snprintf(path, sizeof(path), "%s/linphonerc", folder);
    linphone_logging_service_set_log_level(linphone_logging_service_get(),
                                           LinphoneLogLevelFatal);
    core = linphone_factory_create_core_3(f, path, NULL, NULL);
    if (core == NULL) {
        return false;
    }
    linphone_core_cbs_set_call_state_changed(cbs, on_call);
    linphone_core_cbs_set_account_registration_state_changed(cbs, on_registration);
    linphone_core_cbs_set_transfer_state_changed(cbs, on_transfer);
    linphone_core_add_callbacks(core, cbs);
    linphone_core_set_use_files(core, TRUE);
    linphone_core_set_ring(core, NULL);
    snprintf(path, sizeof(path), "%s/voice.wav", folder);
    linphone_core_set_play_file(core, path);
    linphone_core_enable_ipv6(core, FALSE);
    linphone_core_set_network_reachable(core, TRUE);
    return linphone_core_start(core) == 0;
}

static void loop(void)
{
    char buf[LINE];
    size_t n = 0;
    while (running) {
        struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
        linphone_core_iterate(core);
        if (poll(&in, 1, ITERATE_MS) <= 0) {
            continue;
        }
        ssize_t got = read(STDIN_FILENO, buf + n, sizeof(buf) - 1 - n);
        if (got <= 0) {
            return;
        }
        n += (size_t)got;
        buf[n] = '\0';
        for (char *end; (end = strchr(buf, '\n')) != NULL;) {
            *end = '\0';
            obey(buf);
            n -= (size_t)(end + 1 - buf);
            memmove(buf, end + 1, n + 1);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: linphone_ua FOLDER ADDRESS PORT udp|tcp|tls\n");
        return 2;
    }
    if (!configure(argv[1], argv[2], atoi(argv[3]), argv[4]) || !start(argv[1])) {
        fprintf(stderr, "linphone_ua: cannot start in %s\n", argv[1]);
        return 1;
    }
    tell("ready", "transport", argv[4]);
    loop();
    for (int i = 0; i < call_count; i++) {
        linphone_call_unref(calls[i]);
    }
    linphone_core_stop(core);
    return 0;
}
