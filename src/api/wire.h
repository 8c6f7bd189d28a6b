/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets of the API: a libuv loop of its own with listeners and connections, in the clear,
 * over TLS, and on a UNIX socket. Octets in and out; HTTP is http.c's.
 *
 *   accepted ──> (handshake ──>) open ──> ending ──> closed ──> (told, freed)
 *
 * IN. The loop reads into one buffer and hands it on; wire_pause stops the reading of one
 * connection, so that who sends faster than he is served waits in the kernel.
 *
 * OUT. What is sent collects in the connection's queue during a round and is given to the
 * kernel at its end; the queue is bounded by who writes (wire_waits). `drained` comes when it
 * has become short again.
 *
 * END. wire_end: what is queued is written, then our side is shut, and what still comes is
 * thrown away until the peer's end or a short limit: closing with unread octets would be a
 * reset, which can destroy an answer on its way. wire_drop: at once. Both only mark; `closed`
 * is told, and the memory freed, from the loop.
 *
 * TLS is that of SIP (net/tls_store.h): the same certificates, chosen by name, the same rules;
 * the only application protocol is http/1.1.
 */
#ifndef BATON_API_WIRE_H
#define BATON_API_WIRE_H

#include "api/api.h"
#include "api/request.h"
#include "base/addr.h"
#include "base/wheel.h"
#include "net/net.h"
#include <uv.h>

/** A growing run of octets: [from, n) is still to be used. */
struct bytes {
    char *p;
    size_t from, n, cap;
};

/** Room for `more` octets behind b->n. @return false when memory is out */
bool bytes_room(struct bytes *b, size_t more);
bool bytes_add(struct bytes *b, struct str s) MUST_USE;
void bytes_free(struct bytes *b);
static inline size_t bytes_left(const struct bytes *b)
{
    return b->n - b->from;
}
static inline struct str bytes_str(const struct bytes *b)
{
    return b->p != NULL ? str_make(b->p + b->from, b->n - b->from) : STR("");
}

struct wire;
struct wire_conn;

struct wire_handler {
    /** Somebody came. @return false: he is closed */
    bool (*opened)(void *ctx, struct wire_conn *c);
    void (*input)(struct wire_conn *c, struct str bytes);
    /** The peer has closed his side: nothing more comes. */
    void (*eof)(struct wire_conn *c);
    /** The queue has become short (half of wire_config.queue) after having been longer, or is
        empty. */
    void (*drained)(struct wire_conn *c);
    /** Once; the connection is gone after it. */
    void (*closed)(struct wire_conn *c);
    /** After wire_wake, and in each round in which a timer was due. */
    void (*woken)(void *ctx);
    void *ctx;
};

struct wire_config {
    struct wire_handler handler;
    size_t queue;        /**< octets for one connection, for `drained` */
    uint32_t stalled_ms; /**< a connection that takes nothing for so long is closed */
    uint32_t linger_ms;  /**< for the peer to close after wire_end */
    uint32_t shake_ms;   /**< for the TLS handshake */
};

struct tls_store;
struct wire_tls;

struct wire_conn {
    void *user; /**< of the handler */
    struct wire *wire;
    enum api_face face;
    struct addr remote, local; /**< not of UNIX sockets */
    uint32_t uid;              /**< of the peer, of UNIX sockets */

    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct list link, dirty, ended;
    struct timer timer;
    struct wire_tls *tls;
    struct bytes out, busy;
    uint64_t moved_ms; /**< when the peer last took something */
    bool shaking;      /**< TLS is not agreed on yet */
    bool writing, long_queue, ending, dropped, shut, paused, eof, told;
};

/** The loop, without listeners. @return NULL: out of memory or descriptors */
struct wire *wire_new(const struct wire_config *config);

/**
 * @param why  out: a sentence
 * @return 0, or an error with *why
 */
int wire_listen(struct wire *w, const struct api_listen *at, char *why, size_t cap) MUST_USE;

/** The paths of UNIX sockets stay when they are closed: another process goes on with them. Any
    thread. */
void wire_leave(struct wire *w);

/** Each listener, as it is bound; `fd` is its socket. */
void wire_each_listener(const struct wire *w, void (*fn)(void *ctx, const struct api_listen *l),
                        void *ctx);

/** Take over certificates; NULL: TLS listeners close who comes. Before wire_run, or from its
    thread. */
void wire_set_tls(struct wire *w, struct tls_store *store);

/** Until wire_stop. In the thread that is the API's. */
void wire_run(struct wire *w);
/** One round of it without waiting, in the place of wire_run. */
void wire_turn(struct wire *w);
/** From the loop: no more connections are accepted. */
void wire_close_listeners(struct wire *w);
/** From the loop: end everything and return from wire_run. */
void wire_stop(struct wire *w);
/** From any thread. */
void wire_wake(struct wire *w);
/** After wire_run has returned, or instead of it. */
void wire_free(struct wire *w);

uint64_t wire_now(const struct wire *w);
struct wheel *wire_wheel(struct wire *w);
/** For others that wait in the same thread. */
uv_loop_t *wire_loop(struct wire *w);

/** Queue octets. A connection that is ending takes none. @return 0; E_STATE; E_NOMEM (dropped)
 */
int wire_send(struct wire_conn *c, const struct str *run, size_t n);
/** Octets that wait for the peer. */
size_t wire_waits(const struct wire_conn *c);
/** Stop reading, or go on. */
void wire_pause(struct wire_conn *c, bool pause);
void wire_end(struct wire_conn *c);
void wire_drop(struct wire_conn *c);

/** "127.0.0.1:40112" or "uid 1000". */
void wire_write_peer(struct out *o, const struct wire_conn *c);
/** Has the peer shown a certificate that is good, and is it for that name? */
bool wire_proves(const struct wire_conn *c, struct str name);
/** The common name of a good certificate of the peer, into `o`; nothing: there is none. */
void wire_write_certificate(struct out *o, const struct wire_conn *c);

/* ---- inside: wire_tls.c ---- */

int wire_tls_attach(struct wire_conn *c);
void wire_tls_input(struct wire_conn *c, struct str bytes);
int wire_tls_send(struct wire_conn *c, const struct str *run, size_t n);
void wire_tls_close(struct wire_conn *c);
void wire_tls_free(struct wire_conn *c);
/** Queue octets of the wire. */
int wire_raw_send(struct wire_conn *c, const struct str *run, size_t n);
struct tls_store *const *wire_tls_store(const struct wire *w);
/** Tell the handler of clear octets. */
void wire_deliver(struct wire_conn *c, struct str bytes);
/** The handshake is done. */
void wire_shaken(struct wire_conn *c);
/** Methods of BIO, of one wire. */
struct bio_method_st **wire_bio(struct wire *w);

#endif
