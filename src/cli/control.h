/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the running server: the HTTP API over its UNIX socket (docs/api.md).
 *
 *   control_open ──► control_ask … ──► control_close
 *               └──► control_follow (Server-Sent Events, until somebody has enough)
 *
 * Whoever may open the socket as root or as the server's own user is an administrator there;
 * no token is needed. Every failure is one sentence on the stream for complaints that says what
 * to do; the functions return the exit code of the command.
 *
 * WHERE the server listens: `--socket`, else what the configuration of `-c` says (ask_open),
 * else $BATON_SOCKET, else the first of these that is there: $RUNTIME_DIRECTORY/control,
 * $XDG_RUNTIME_DIR/baton/control, /run/baton/control.
 */
#ifndef BATON_CLI_CONTROL_H
#define BATON_CLI_CONTROL_H

#include "base/attr.h"
#include "base/str.h"
#include <jansson.h>
#include <stdio.h>

/** The words of every command that speaks to a running server; -c for those that give it no
    other meaning. */
#define CONTROL_OPTIONS                                                        \
    {"-c, --config", "FILE",                                                   \
     "The server's configuration, whose `api.listen` says where it listens."}, \
        CONTROL_SOCKET_OPTIONS
#define CONTROL_SOCKET_OPTIONS                                                              \
    {"--socket", "FILE",                                                                    \
     "Where the server listens (`api.listen`, unix); else $BATON_SOCKET, else "             \
     "$RUNTIME_DIRECTORY/control, $XDG_RUNTIME_DIR/baton/control, /run/baton/control, the " \
     "first of them that is there."},                                                       \
    {                                                                                       \
        "--json", NULL, "The server's answer as JSON."                                      \
    }

/** Their exit codes. */
#define CONTROL_EXITS(worked)                                                        \
    {EXIT_CODE_OK, worked},                                                          \
        {EXIT_CODE_FAILED, "The server refuses, knows it not, or cannot be asked."}, \
        {EXIT_CODE_USAGE, "The command line is wrong."},                             \
    {                                                                                \
        0, NULL                                                                      \
    }

struct control {
    const char *command; /**< for complaints: "status" */
    FILE *err;
    void *curl;
    char socket[108]; /**< as sun_path has it */
};

/** @param socket  of --socket, or NULL. @return an exit code; control_close in either case */
int control_open(struct control *c, const char *command, const char *socket,
                 FILE *err) MUST_USE;
void control_close(struct control *c);

/** Does somebody listen there, and may this user speak to him? Says nothing. */
bool control_listens(const char *socket) MUST_USE;

/** Zeros before; control_answer_free after. */
struct control_answer {
    long status; /**< of HTTP */
    char *text;  /**< NUL-terminated body, or NULL */
    size_t n;
    json_t *json;       /**< the body, when it is JSON; else NULL */
    char location[160]; /**< header field; "" when there is none */
};
void control_answer_free(struct control_answer *a);

/**
 * One request. What is refused (4xx, 5xx) is told as the server's sentence.
 * @param path  with its query, encoded. @param body JSON or NULL
 */
int control_ask(struct control *c, const char *method, const char *path, const char *body,
                struct control_answer *out) MUST_USE;

/** The same, and the body goes to a file as it comes. */
int control_save(struct control *c, const char *method, const char *path, const char *body,
                 FILE *to) MUST_USE;

/**
 * A list, page by page: {"items":[…],"next":…}.
 * @param most  items at most; 0: all
 * @param items  out: a new array; json_decref
 */
int control_list(struct control *c, const char *path, size_t most, json_t **items) MUST_USE;

/** The same of a list that comes whole, and knows no `limit`. */
int control_items(struct control *c, const char *path, size_t most, json_t **items) MUST_USE;

/** One event. @return false: enough */
typedef bool (*control_event_fn)(void *ctx, const json_t *event, struct str text);

/**
 * Server-Sent Events until `fn` has enough or a signal ends the program. A connection that is
 * lost is made again, at first at once and then after up to ten seconds, and goes on behind the
 * last event that came (Last-Event-ID), so nothing is missed and nothing comes twice.
 * @param tries  connections that may fail one after the other; 0: any number
 */
int control_follow(struct control *c, const char *path, unsigned tries, control_event_fn fn,
                   void *ctx) MUST_USE;

/** `text` percent-encoded behind `path`, which has room for `cap`. @return false: too long */
bool control_path(char *path, size_t cap, const char *prefix, const char *text,
                  const char *suffix) MUST_USE;

/** The socket to be used, when nobody names one: into `out`. For tests and completion. */
void control_default_socket(char *out, size_t cap);

#endif
