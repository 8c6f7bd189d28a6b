/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton csta`: a TR/87 client. It opens an application session with a switching function
 * (Baton, a phone, a PBX), sends CSTA services and shows what comes back.
 *
 * Who does what: csta_request turns words into messages, csta_session carries them over SIP,
 * csta_client holds monitors, calls and the script, csta_print shows, csta_cmd reads the
 * command line and starts it all.
 */
#ifndef BATON_CLI_CSTA_CMD_H
#define BATON_CLI_CSTA_CMD_H

#include "cli/csta_client.h"
#include "cli/help.h"
#include "cli/ua.h"

extern const struct help help_csta;
int cmd_csta(int argc, char **argv);

/** What the command line says; strings belong to argv or to the environment. */
struct csta_command {
    const char *tcp_text, *tls_text, *tls_ca, *tls_name, *tls_cert, *tls_key;
    bool implicit;
    bool stream; /**< over TCP or TLS, not SIP */
    const char *server_text;
    struct ua_server server;
    const char *user; /**< NAME or NAME@DOMAIN */
    const char *password;
    const char *device; /**< of the session; NULL: "csta" */
    enum csta_edition edition;
    uint32_t refresh_s;
    bool json, verbose, exit_on_error;
    struct str word[CSTA_WORDS_MAX]; /**< the command, its arguments and its own options */
    size_t nword;
};

/**
 * Read the command line. @return EXIT_CODE_OK, or what the command returns at once, the reason
 * having been said on stderr
 */
int csta_command_parse(int argc, char **argv, struct csta_command *out);

#endif
