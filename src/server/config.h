/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: a YAML file, checked and turned into what the parts of the server want.
 *
 * Loading has no side effect: no socket is opened and no name looked up. The first thing that
 * is wrong is told with file, line, column, and what would be right. Secrets are read here,
 * from the file itself, from a file of their own or from the environment, and shown nowhere.
 *
 * docs/configuration.md is printed by config_write_doc from the table that the file is checked
 * by.
 */
#ifndef BATON_SERVER_CONFIG_H
#define BATON_SERVER_CONFIG_H

#include "api/api.h"
#include "base/arena.h"
#include "base/env.h"
#include "capture/hep_sender.h"
#include "capture/story.h"
#include "engine/engine.h"
#include "net/net.h"
#include "rules/rules.h"
#include "server/log.h"
#include "store/store.h"
#include <stdio.h>

struct config_listen {
    uint8_t transport;
    struct addr at;
    struct addr shown; /**< to others instead; family ADDR_NONE: not set */
};

/** Where something stands in the file; line 0: nowhere. */
struct config_mark {
    unsigned line, column; /**< from 1 */
};

struct config_tls_marks {
    struct config_mark section, ca, ciphers;
    struct config_mark (*cert)[2]; /**< of each certificate: its file, its key */
};

struct profile_set;

struct config {
    struct engine_config engine; /**< without `directory` */
    struct net_config net;       /**< without `handler` */
    struct config_listen *listen;
    size_t listen_count;
    struct config_listen *csta_listen; /**< for CSTA in frames; TP_TCP or TP_TLS */
    size_t csta_listen_count;
    struct net_tls tls; /**< names of files; they are read by the network layer */
    struct config_tls_marks tls_marks;
    struct str *domains; /**< the configured ones, then our numeric addresses */
    size_t domain_count, domain_room;
    struct addr *own; /**< where we listen, and as what others see that */
    size_t own_count;
    struct device *devices;
    size_t device_count;
    struct application *applications;
    size_t application_count;
    struct peer *peers;
    size_t peer_count;
    struct zone zone; /**< of times in routes */
    struct dial_plan *plans;
    size_t plan_count;
    struct rule_table routes;
    struct border_policy policy;  /**< what of User-to-User may cross the border */
    struct seal_keys *seal_keys;  /**< NULL: none; replaced by a reload */
    struct profile_set *profiles; /**< of phones */
    const char *pid_file;         /**< NULL: none */
    const char *file;             /**< as it was named; absent for text from memory */
    bool log_all;     /**< the command line wants every line, whatever log_level says */
    size_t peer_room; /**< peers that a running server has room for */
    enum trace_level log_level;
    bool log_json;
    enum log_uui log_uui;
    const char *log_file;      /**< NULL: standard error */
    const char *sip_trace;     /**< NULL: none */
    struct store_config store; /**< path NULL: there is none */
    bool store_refuses;        /**< nothing new comes in while it is broken */
    struct api_config api;     /**< listen_count 0: there is none; its functions are not set */
    struct net_tls api_tls;    /**< as `tls`, with the API's wish for clients' certificates */
    bool trace_enabled;        /**< recent messages are kept in memory … */
    struct capture_config trace; /**< … so many … */
    struct story_options story;  /**< … and shown like this */
    struct hep_config hep;       /**< who gets a copy; host NULL: nobody */
    uint32_t stop_ms, upgrade_ms;
    const char *unset;  /**< config_look: the first environment variable that is not set */
    size_t unset_count; /**< how many are not */
    bool exposed;       /**< secrets are in a file that others on this machine can read */

    struct arena arena; /**< what of the above is not raw's */
    struct raw_root *raw;
};

struct config_error {
    const char *file;      /**< as it was passed */
    unsigned line, column; /**< from 1; 0: not about a place */
    char text[480];
};

/** @return NULL with *error filled */
struct config *config_load(const char *path, struct config_error *error);
/**
 * The same for who looks at a configuration and does not serve with it: the environment
 * variables of `password_env` are the server's, and need not be set here. The passwords
 * themselves are then not what the server has; `unset` and `unset_count` say of which.
 */
struct config *config_look(const char *path, struct config_error *error);
void config_free(struct config *c);

/** The same for text that is in memory; `path` names it and is where relative files start. */
struct config *config_read(const char *path, struct str text, struct config_error *error);

/** Which place of the file a fault in what `tls` names is about. */
struct config_mark config_tls_mark(const struct config *c, const struct net_tls_fault *fault);

/** "FILE:LINE:COLUMN: TEXT" and a line end. */
void config_error_print(const struct config_error *e, FILE *to);

/** "udp:127.0.0.1:5060", "tls:10.0.0.5 as 198.51.100.7". @return false when it is none */
bool config_parse_listen(struct str text, struct config_listen *out);

/** Replace the listeners (the command line's); at least one. @return 0 or E_NOMEM */
int config_set_listen(struct config *c, const struct config_listen *listen, size_t n);

/** Another name of the default domain. Nothing happens when it is known, or a wildcard. */
void config_add_own_address(struct config *c, const struct addr *a);

/** The server starts at this time: what was sealed before may have been taken by another one.
 */
void config_set_start(struct config *c, uint64_t wall_s);

/** What of `b` differs from `a` and a running server takes over: fn hears "routes" … */
void config_each_taken_change(const struct config *a, const struct config *b,
                              void (*fn)(void *ctx, const char *key), void *ctx);
/** What of `b` differs from `a` and only a restart takes over: fn hears "limits.calls" … */
void config_each_fixed_change(const struct config *a, const struct config *b,
                              void (*fn)(void *ctx, const char *key), void *ctx);

/** Put devices, applications and peers in; `d` was initialised with c->domains. @return 0 */
int config_fill_directory(struct config *c, struct directory *d);

/** docs/configuration.md */
void config_write_doc(FILE *to);
/** The same as the man page baton.yaml(5). */
void config_write_man(const char *version, const char *date, FILE *to);

#endif
