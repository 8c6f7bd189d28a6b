/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets: the world as the core sees it (struct env), over one libuv loop.
 *
 * A program makes a `struct net`, adds listeners, gives net_env() to its protocol layers and
 * runs it. What arrives is handed to the program's handler; what the layers send goes out at
 * the end of the loop's round, UDP in batches.
 *
 *     net_new → net_listen … → (engine_new with net_env) → net_run → net_stop → net_free
 *
 * FLOWS. Each UDP listener and each connection has a number of its own. A closed flow is told
 * once, by flow_closed, and never from inside of env->send or env->open.
 *
 * TLS. net_tls_load reads certificates; before it TLS cannot be listened on nor connected to.
 * Called again it replaces them: connections keep what they began with, new ones get the new.
 *
 * BOUNDS. Every table and queue has a limit in net_config; what goes beyond is refused
 * (E_TOOBIG, E_TOOMANY) or dropped and counted. A peer that does not read costs at most
 * `write_queue` octets, one that sends an endless message at most `message_max`, and that for
 * `message_ms`; one address has at most `max_per_address` connections. Connections whose
 * handshake (TLS, WebSocket) is not finished end after `handshake_ms`, and there are at most
 * `max_handshakes` of them: one more, and the oldest of them goes.
 *
 * One thread owns it. Callbacks run on that thread and may call anything here but net_free.
 */
#ifndef BATON_NET_NET_H
#define BATON_NET_NET_H

#include "base/env.h"
#include "net/ws_http.h"
#include "sip/framer.h"

struct uv_loop_s;
struct net;

/** What the program does with what comes in. Members may be NULL where it says so. */
struct net_handler {
    void *ctx;
    /** One message: a datagram, one of WebSocket (both with `datagram`), or cut off a stream.
        `bytes` is valid during the call. */
    void (*input)(void *ctx, const struct hop *from, struct str bytes, bool datagram,
                  uint64_t now_ms);
    /**
     * Octets of a stream, as engine_stream_input has it. NULL: net cuts messages off itself,
     * hands them to `input`, and answers keep-alive pings.
     */
    size_t (*stream_input)(void *ctx, struct sip_framer *f, const struct hop *from,
                           struct str bytes, uint64_t now_ms);
    /** Octets of a connection to a listener of net_listen_csta, as engine_csta_input has it.
        May be NULL when there is no such listener. */
    size_t (*csta_input)(void *ctx, const struct hop *from, struct str bytes, uint64_t now_ms);
    /** Run what is due; NULL: no timers. */
    void (*tick)(void *ctx, uint64_t now_ms);
    /** When `tick` must be called, WHEEL_NEVER: not; NULL: no timers. */
    uint64_t (*deadline)(void *ctx);
    /** A look-up that was answered with E_AGAIN has ended. May be NULL. */
    void (*resolved)(void *ctx, uint64_t now_ms);
    /** May be NULL. */
    void (*flow_closed)(void *ctx, uint32_t flow, uint64_t now_ms);
    /** An HTTP request of env->fetch has ended. @param status of HTTP; 0: no answer. May be
     * NULL.
     */
    void (*fetched)(void *ctx, uint64_t tag, unsigned status, uint64_t now_ms);
    /** What env->send was asked to send, and what it has answered. NULL: nobody wants it. */
    void (*sent)(void *ctx, const struct hop *hop, const struct str *run, size_t n, int err);
    /** env->trace; NULL: nothing is traced. */
    void (*trace)(void *ctx, enum trace_level level, const char *module,
                  const struct trace_ids *ids, struct str text);
    enum trace_level trace_from; /**< the lowest level that is wanted */
};

/** Zeros mean the defaults. */
struct net_config {
    struct net_handler handler;
    struct sip_limits limits;            /**< for streams; default sip_limits_default */
    uint32_t write_queue;                /**< octets per connection; default 1 MiB */
    uint32_t udp_queue;                  /**< datagrams per listener that wait; default 1024 */
    uint32_t udp_receive_buffer;         /**< asked of the kernel, octets; default 4 MiB */
    uint32_t max_connections;            /**< in and out; default 10000 */
    uint32_t max_per_address;            /**< accepted from one address; default 500 */
    uint32_t max_handshakes;             /**< unfinished ones; default 1000 */
    uint32_t max_handshakes_per_address; /**< default 100 */
    uint32_t handshake_ms;               /**< TLS and WebSocket together; default 10000 */
    uint32_t connect_ms;                 /**< default 5000 */
    uint32_t message_ms;     /**< for a message, once begun, to be whole; default 30000 */
    uint32_t idle_ms;        /**< silent connections are closed; default 3 900 000 (65 min) */
    uint32_t evict_ms;       /**< when all are taken, a connection that was silent for so
                                  long makes room; default 60000 */
    uint32_t keepalive_ms;   /**< a connection that we opened and on which nothing came for so
                                  long is asked by CRLF CRLF (RFC 5626 §4.4.1); 0: never */
    uint32_t pong_ms;        /**< and is closed when nothing comes for so long; default 10000 */
    uint32_t drain_ms;       /**< time to write what is queued after a peer closed its
                                  side; default 2000 */
    uint32_t resolve_min_ms; /**< DNS records are kept for their TTL, but at least so long:
                                  default 5000 … */
    uint32_t resolve_max_ms; /**< … and at most: default 86 400 000 */
    uint32_t resolve_fail_ms;  /**< that there is none, or no answer, for: default 5000 */
    uint32_t resolve_stale_ms; /**< records outlive their TTL so long while no name server
                                    answers; 0: not at all */
    uint32_t dns_timeout_ms;   /**< for the first answer of a name server; default 2000 */
    uint32_t dns_tries;        /**< of each name server; default 2 */
    const char *dns_servers;   /**< "127.0.0.1:5353,[::1]:53"; NULL: those of resolv.conf */
    uint32_t max_names;        /**< (name, type) pairs kept; default 1024 */
    uint32_t max_lookups;      /**< at a time; default 256 */
    uint32_t max_fetches;      /**< HTTP requests at a time; default 100 */
    struct ws_rules ws;       /**< whom WebSocket listeners let in; strings stay the caller's */
    struct addr advertise[2]; /**< shown instead of ours, per family; port 0: the
                                   listener's; family ADDR_NONE: not set */
};

/** @return NULL when memory or file descriptors are out, or dns_servers is no such list */
struct net *net_new(const struct net_config *config);

/** Closes everything without telling the handler. */
void net_free(struct net *n);

/** One certificate with its private key. All strings are the caller's, for the call only. */
struct net_tls_cert {
    const char *cert_file;   /**< PEM: the certificate, then those that lead to its root */
    const char *key_file;    /**< PEM, without a pass phrase */
    const struct str *names; /**< server names that it is for, "*.example.com" too; none: those
                                  that it shows */
    size_t name_count;
};

enum net_tls_verify { NET_TLS_NO_CLIENT_CERT, NET_TLS_REQUEST, NET_TLS_REQUIRE };

struct net_tls {
    const struct net_tls_cert *cert; /**< the first: when no name fits, and when we connect */
    size_t cert_count;
    const char *ca_file; /**< whose certificates we believe, PEM; NULL: the system's */
    /**
     * REQUEST: a client may show a certificate; one that cannot be verified proves nothing, but
     * is no obstacle (phones show those of their maker). REQUIRE: no connection without.
     */
    enum net_tls_verify client_verify;
    bool only_tls13;     /**< else TLS 1.2 is possible too; nothing older ever */
    const char *ciphers; /**< of TLS 1.2, as OpenSSL lists them; NULL: those with ECDHE and AEAD
                          */
};

/**
 * Read certificates, keys and trusted roots, all or nothing: when one file is bad, what was
 * loaded before stays.
 * @param why  out: a sentence about what is wrong, with the file's name; `cap` octets
 * @return 0, E_SYNTAX (a file is bad), E_NOMEM
 */
int net_tls_load(struct net *n, const struct net_tls *tls, char *why, size_t cap);

/** What of a net_tls is bad. */
enum net_tls_item { NET_TLS_CERT, NET_TLS_KEY, NET_TLS_CA, NET_TLS_CIPHERS, NET_TLS_ANY };
struct net_tls_fault {
    enum net_tls_item item;
    size_t index; /**< of the certificate */
    char why[400];
};

struct tls_store;

/**
 * The same in two steps, for who has more to check before anything changes: read everything,
 * then take it into use, or drop it.
 * @return 0; E_SYNTAX, E_NOMEM with *fault
 */
int net_tls_read(const struct net_tls *tls, struct tls_store **out,
                 struct net_tls_fault *fault);
/** @param tls  what it was read from, for warnings */
void net_tls_take(struct net *n, struct tls_store *store, const struct net_tls *tls);
void net_tls_drop(struct tls_store *store);

/**
 * Listen. Port 0 picks one.
 * @param bound      out, may be NULL: the address with its port
 * @return 0; E_EXISTS (in use), E_DENIED (no right), E_NOTFOUND (not an address of this
 *         machine), E_UNSUPPORTED (transport or family), E_STATE (TLS or WSS: there is no
 *         certificate), E_TOOMANY, E_NOMEM, E_IO
 */
int net_listen(struct net *n, enum transport transport, const struct addr *at,
               struct addr *bound);

/** The same, and what peers of this listener are shown as our address: port 0: the listener's
 */
int net_listen_as(struct net *n, enum transport transport, const struct addr *at,
                  const struct addr *shown, struct addr *bound);

/** Listen for CSTA in frames (handler.csta_input) over TP_TCP or TP_TLS; errors as net_listen.
 */
int net_listen_csta(struct net *n, enum transport transport, const struct addr *at,
                    struct addr *bound);

/**
 * A socket that was opened for us: the next listener of its kind and address takes it instead
 * of opening one, so that what came in before is not lost. Before net_listen….
 * @param fd    ours from now on, whatever becomes of it
 * @param name  what it is for, as net_kind_name has it; any other one, or NULL, says nothing
 * @return 0, E_NOMEM (fd is not taken)
 */
int net_give(struct net *n, int fd, const char *name);

/**
 * Take one that was given for a listener which is not of this layer.
 * @param kind  its name; a socket that bears the name of another kind is not for it
 * @param path  of a UNIX socket; NULL: it listens at `at`
 * @return the caller's descriptor; -1: there is none
 */
int net_take_given(struct net *n, const char *kind, const struct addr *at, const char *path);

/** Those that no listener has taken are told, and closed. @param fn  may be NULL. `what` is
    its kind and address, `why` a clause */
void net_given_rest(struct net *n,
                    void (*fn)(void *ctx, const char *name, const char *what, const char *why),
                    void *ctx);

/** The HTTP API's listeners, beside net_kind_name; a UNIX socket that systemd has made, and one
   that we have. */
#define NET_KIND_API "api"
#define NET_KIND_API_TLS "api-tls"
#define NET_KIND_API_UNIX "api-unix"
#define NET_KIND_API_UNIX_OURS "api-unix-ours"

/** Names of kinds, one after the other. @return NULL: there are no more */
const char *net_kind(size_t i);
/** "udp", "tcp", "tls", "ws", "wss", "csta", "csta-tls" */
const char *net_kind_name(enum transport transport, bool csta);

/** Each socket that listens, by the name of its kind; it stays ours. */
void net_each_listener(struct net *n, void (*fn)(void *ctx, const char *kind, int fd),
                       void *ctx);

/**
 * Each connection that another process can go on with, after all has been written that the
 * kernel takes: those over TCP in the clear. TLS and WebSocket have a state that is not in the
 * socket: their peers connect again. The loop must not run any more.
 * @param fn  gets the descriptor, which stays ours, and a row for net_adopt
 * @return how many connections there are besides
 */
size_t net_hand_over(struct net *n, void (*fn)(void *ctx, int fd, struct str row), void *ctx);

/** Open connections of CSTA: those that were adopted, before the loop runs. */
void net_each_csta(struct net *n, void (*fn)(void *ctx, const struct hop *hop), void *ctx);

/** The others are told that they end, as TLS and WebSocket have it, so that their peers come
    again at once. What the kernel does not take now is not said. Nothing else may follow. */
void net_say_goodbye(struct net *n);

/**
 * Go on with a connection of an earlier process. After the listeners, before what was kept is
 * put back.
 * @param fd  ours from now on, whatever becomes of it
 * @return 0, E_SYNTAX (the row), E_NOTFOUND (the listener that accepted it is no more),
 * E_NOMEM, E_IO
 */
int net_adopt(struct net *n, int fd, struct str row);

/** From now on trace lines of lower levels are not wanted. */
void net_set_trace_from(struct net *n, enum trace_level level);

/** The core's view of it; valid until net_free. */
const struct env *net_env(struct net *n);

/** Who watches, as the core's view has it (env->watch). NULL: nobody */
void net_set_watch(struct net *n, const struct env_watch *watch);

/** Monotonic milliseconds, the `now_ms` of every call. */
uint64_t net_now(const struct net *n);

/** Run until net_stop, from a callback or a signal handle of the loop, was called. */
void net_run(struct net *n);
void net_stop(struct net *n);

/** One round: waits for one event when `wait`. For tests and programs with a loop of their own.
 */
void net_turn(struct net *n, bool wait);

/** For handles of the program's own (signals, standard input). Close them before net_free. */
struct uv_loop_s *net_loop(struct net *n);

struct net_stats {
    uint64_t udp_received, udp_sent, udp_batches_in, udp_batches_out;
    uint64_t udp_dropped;                  /**< refused by a full queue or by the kernel */
    uint64_t stream_received, stream_sent; /**< octets */
    uint64_t accepted, connected, refused, evicted, connect_failed;
    uint64_t closed_slow, closed_bad, closed_idle;
    uint64_t closed_dead;                   /**< no answer to a keep-alive */
    uint64_t handshakes, handshakes_failed; /**< of TLS and WebSocket */
    uint64_t stun;                          /**< binding requests answered */
    uint64_t fetches, fetches_failed;       /**< HTTP requests, and those without an answer */
    uint64_t names_asked, names_failed, names_stale;
    uint64_t connections, half_open, names,
        lookups; /**< now; half_open: of those that came in */
};
void net_stats(const struct net *n, struct net_stats *out);

#endif
