/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small user agent: what `baton phone` and `baton csta` have in common.
 *
 * The same layers as the server (transactions, legs, digest), over the same sockets, without
 * registrar, bridge and CSTA service. The command says what to do with an INVITE that comes in;
 * everything inside a dialog goes to the user of its leg.
 *
 * OWNERSHIP. ua_new makes, ua_free ends and frees it. All callbacks run in ua_run, on the one
 * thread of the command.
 */
#ifndef BATON_CLI_UA_H
#define BATON_CLI_UA_H

#include "auth/auth.h"
#include "dialog/leg.h"
#include "net/net.h"
#include "txn/txn.h"

/** Where the server is: "192.0.2.1", "192.0.2.1:5062", "sip:host:5060;transport=tcp". */
struct ua_server {
    char host[256];
    uint16_t port;
    uint8_t transport;
};

/** @return false when `text` is not one of these forms */
bool ua_server_parse(const char *text, struct ua_server *out);

struct ua_config {
    struct ua_server server;
    const char *user_agent; /**< "baton phone" */
    struct str contact_user;
    struct str allow;           /**< Allow value */
    struct str accept;          /**< Accept value */
    struct str allow_events;    /**< absent: none */
    uint32_t session_expires_s; /**< 0: the default */
    bool trace;                 /**< print what the layers have to say to stderr */
    void *ctx;
    /** A new INVITE: call leg_incoming, or answer with txn_*. */
    void (*on_invite)(void *ctx, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms);
    /** A request of a dialog that no leg has; or NULL. @return false: 481 */
    bool (*on_request)(void *ctx, const struct sip_msg *m, const struct hop *from,
                       uint64_t now_ms);
    /** A connection closed, after the layers were told; or NULL. */
    void (*on_flow_closed)(void *ctx);
    /** The server's machine says that nobody listens at that UDP port; or NULL. It is asked
       only when the server is named by its address. */
    void (*on_refused)(void *ctx);
    /** Not SIP, but octets of streams, taken as net_handler.stream_input does. Then nothing is
        listened on, and connections are made with ua_connect. NULL: SIP. */
    size_t (*on_stream)(void *ctx, struct str bytes, uint64_t now_ms);
    void (*on_resolved)(void *ctx); /**< ua_connect may know more now; or NULL */
    bool tls;                       /**< connections over TLS are made */
    const char *tls_ca; /**< file with the roots that are believed; NULL: the system's */
    const char *tls_cert, *tls_key; /**< shown to the server; NULL: nothing is */
};

struct ua {
    struct ua_config config;
    struct net *net;
    const struct env *env;
    struct wheel wheel;
    struct arena scratch;
    struct txn_layer txn;
    struct leg_layer legs;
    struct sip_hdr hdr[SIP_HDR_MAX];
    uint32_t closed_flow; /**< the last one that on_flow_closed was called for */
    bool ready;
};

/** @return NULL after saying why on stderr */
struct ua *ua_new(const struct ua_config *config);
void ua_free(struct ua *u);

/** Run until ua_stop. */
void ua_run(struct ua *u);
void ua_stop(struct ua *u);

static inline uint64_t ua_now(const struct ua *u)
{
    return net_now(u->net);
}

/**
 * A connection to the server, without waiting for it to be there.
 * @param name  that its certificate must prove; absent: its host
 * @return 0 and *hop; E_AGAIN: its name is looked up, on_resolved says when to try again;
 *         E_NOTFOUND: there is no such host; else as env.open
 */
MUST_USE int ua_connect(struct ua *u, struct str name, struct hop *hop);

/** The server as a target for leg_invite and txn_client_new. */
struct txn_target ua_target(const struct ua *u);

/** Free what has ended and reset the scratch arena: at the end of every callback of the loop
   that is not the network's own (keyboard, signals). */
void ua_settle(struct ua *u);

/** A line of standard input, without its line end and spaces around it; STR_NONE: the end. */
typedef void (*ua_line_fn)(void *ctx, struct str line);
/** Read standard input, be it a terminal, a pipe or a file, line by line in the loop.
    @return 0 or E_IO */
int ua_read_lines(struct ua *u, ua_line_fn fn, void *ctx);

/** SIGINT and SIGTERM call `fn`, a second one ends the process at once. */
void ua_on_signal(struct ua *u, void (*fn)(void *ctx), void *ctx);

/** Call `fn` once after `ms`. One at a time per `slot` (0..4); 0 ms stops it. */
void ua_after(struct ua *u, unsigned slot, uint64_t ms, void (*fn)(void *ctx), void *ctx);

#endif
