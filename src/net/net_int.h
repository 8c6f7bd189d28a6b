/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the network layer: what its files share.
 *
 *   net.c     the loop: timer, flushing, telling of closed flows; struct env
 *   udp.c     datagram listeners, in and out in batches
 *   stream.c  what any stream connection does: buffers, limits, framing, life cycle
 *   stream_out.c  its way out
 *   conn.c    TCP: accepting, connecting, looking connections up
 *   tls.c     TLS between the wire and the rest; tls_store.c its certificates, tls_name.c whom
 *             a certificate names
 *   ws.c      WebSocket frames; ws_http.c the request that begins it
 *   stun.c    the answer to a STUN binding request
 *   names.c   DNS records and their cache
 *   answer.c  records from the octets of an answer
 *   fetch.c   HTTP requests of the program
 *   local.c   which address of ours a peer should see
 *   given.c   sockets that were opened for us
 *   handover.c connections for the process after us
 */
#ifndef BATON_NET_NET_INT_H
#define BATON_NET_NET_INT_H

#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/wheel.h"
#include "net/net.h"
#include "net/sockaddr.h"
#include <uv.h>

/** Datagrams of one system call. */
#define UDP_BATCH 32

/** The largest UDP payload over IPv4; a datagram that is larger cannot exist there. */
#define UDP_MAX 65507

/** Common head of everything that has a flow number. */
struct flow {
    struct map_node node; /**< net->flows, by number */
    uint32_t id;
    bool stream; /**< struct conn, else struct udp */
};

/** A growing run of octets: [from, n) is still to be used. */
struct buf {
    char *p;
    size_t from, n, cap;
};

struct udp_out {
    union net_sockaddr to;
    uint32_t off, len;
    uint8_t to_len;
};

/** Where datagrams are received into; the listeners share it. */
struct udp_in {
    struct mmsghdr msg[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    union net_sockaddr from[UDP_BATCH];
    char *bytes;
};

struct udp {
    struct flow flow;
    struct net *net;
    struct list link;  /**< net->udp */
    struct list dirty; /**< net->udp_dirty while datagrams wait */
    uv_poll_t poll;
    int fd;
    struct addr bound;
    bool blocked;      /**< the kernel's buffer is full: waiting for writability */
    struct addr shown; /**< to peers instead of `bound`; ADDR_NONE: not set */
    struct udp_out *out;
    uint32_t out_first, out_n;
    struct buf bytes; /**< what `out` points into */
};

/** A socket that nobody has taken yet (given.c). */
struct given {
    struct list link; /**< net->given */
    int fd;
    bool datagrams;
    struct addr at;  /**< family ADDR_NONE: none of IP */
    const char *why; /**< it cannot be used; NULL: it can */
    char name[32];
    char path[108]; /**< of a UNIX socket; else "" */
};

struct acceptor {
    struct net *net;
    struct list link; /**< net->acceptors */
    uv_tcp_t tcp;
    struct timer retry; /**< memory was out for a connection */
    struct addr bound, shown;
    const struct stream_ops *ops; /**< of the connections */
};

enum stream_state {
    STREAM_CONNECTING, /**< output is kept */
    STREAM_SHAKING,    /**< TCP stands; TLS or WebSocket do not yet: output is kept */
    STREAM_OPEN,
    STREAM_DRAINING, /**< the program was told that it is closed; output still goes out */
    STREAM_CLOSED,   /**< waits for net_sweep, then for libuv */
};

struct conn;

/**
 * What differs between transports over TCP. TLS and WebSocket each are a translation between
 * the wire's octets and SIP's, one upon the other:
 *
 *   wire ──wire_in──> TLS ──clear_in──> WebSocket ──> program
 *   wire <─stream_wire_out─ TLS <─clear_out── WebSocket <──plain_out── program
 *
 * Where a transport lacks one of them, its neighbours meet.
 */
struct stream_ops {
    uint8_t transport;
    bool tls, ws;
    bool csta; /**< not SIP: CSTA in frames, of those who come to us */
    void (*wire_in)(struct conn *c, struct str bytes, uint64_t now_ms);
    void (*clear_in)(struct conn *c, struct str bytes, uint64_t now_ms);
    int (*clear_out)(struct conn *c, const struct str *run, size_t n);
    int (*plain_out)(struct conn *c, const struct str *run, size_t n);
};

struct tls;
struct tls_store;
struct ws;

struct conn {
    struct flow flow;
    struct net *net;
    const struct stream_ops *ops;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct list link;  /**< net->conns, least recently used first */
    struct list dirty; /**< net->dirty while output waits */
    struct list ended; /**< net->ended until net_sweep */
    struct list half;  /**< net->half in Shaking, when it came in; oldest first */
    struct map_node by_remote, by_ip;
    struct timer timer;              /**< connect, handshake, idle or drain limit, by state */
    const struct acceptor *acceptor; /**< NULL: we opened it */
    struct tls *tls;                 /**< NULL: in the clear */
    struct ws *ws;                   /**< NULL: no WebSocket */
    struct addr remote, local;
    uint8_t state;
    bool writing, eof, told, shut;
    bool pinged;        /**< asked by CRLF CRLF at heard_ms + keepalive_ms, no answer yet */
    uint64_t active_ms; /**< octets went or came */
    uint64_t heard_ms;  /**< octets came, or it was opened */
    uint64_t begun_ms;  /**< when the message in `in` began; 0: there is none */
    struct sip_framer framer;
    struct buf in;   /**< octets of an incomplete message */
    struct buf out;  /**< not yet given to libuv */
    struct buf busy; /**< libuv is writing these */
};

/** The resolver (names.c). */
struct net_dns {
    struct ares_channeldata *channel;
    struct timer timer;  /**< when c-ares wants to be called at the latest */
    struct list watches; /**< its sockets */
    bool library;
    bool asking;   /**< inside of a question: an answer is not told now */
    bool answered; /**< something came that the program has not been told of */
};

/** HTTP requests (fetch.c). */
struct net_fetch {
    void *multi; /**< of libcurl; NULL until the first one */
    struct timer timer;
    struct list running;
    uint32_t count;
};

struct route {
    struct addr remote, local;
    uint64_t until_ms;
};
#define ROUTE_CACHE 64

#define COMPLAINT_SLOTS 64

/** Lines that were written about a source of late (complaint.c). */
struct net_complaint {
    uint64_t since_ms;
    uint32_t n;
};

struct net {
    struct env env;
    struct net_config config;
    struct hash_key key;
    uv_loop_t loop;
    uv_timer_t timer;
    uv_prepare_t prepare;
    uint64_t armed_ms; /**< what `timer` runs for; WHEEL_NEVER: it does not */
    bool stopped;
    struct wheel wheel;

    uint32_t last_flow;
    struct map flows, by_remote, by_ip, names;
    struct list udp, udp_dirty, acceptors;
    struct list given; /**< waiting for their listeners */
    struct list conns, dirty, ended, half;
    struct list name_age; /**< finished look-ups, oldest first */
    struct net_dns dns;
    struct net_fetch fetch;

    struct udp_in udp_in;
    char *wire_in;                 /**< what libuv reads streams into */
    struct tls_store *tls;         /**< NULL: nothing was loaded */
    struct bio_method_st *tls_bio; /**< tls.c: made when first needed */
    char *tls_in, *tls_out;        /**< clear text of one record */
    struct route routes[ROUTE_CACHE];
    unsigned char random[512];
    size_t random_left;
    struct net_complaint complaint[COMPLAINT_SLOTS];
    struct net_stats stats;
};

/**
 * Distance of the slots that datagrams are received into. Not a power of two: slots that begin
 * at the same offset of a page would fight for the same few lines of the first-level cache.
 */
#define UDP_IN_STRIDE (65536 + 1024 + 64)

#define WIRE_IN_SIZE 65536

/** The largest piece of clear text in one record of TLS (RFC 8446 §5.1). */
#define TLS_RECORD 16384

/* net.c */
/** What is queued goes out as far as the kernel takes it; who ended is told. */
void net_flush(struct net *n);
void flow_add(struct net *n, struct flow *f);
struct flow *flow_find(const struct net *n, uint32_t id);

/* fetch.c */
void fetch_init(struct net *n);
/** Nobody hears of what was under way. Before the loop has run for the last time. */
void fetch_end(struct net *n);
/** As env->fetch. */
int fetch_start(struct net *n, struct str url, uint32_t timeout_ms, uint64_t tag);

/* udp.c */
bool udp_init(struct net *n);
int udp_listen(struct net *n, const struct addr *at, const struct addr *shown,
               struct addr *bound);
struct udp *udp_for(struct net *n, const struct addr *remote);
int udp_send(struct udp *u, const struct addr *to, const struct str *run, size_t n);
void udp_flush(struct udp *u);
void udp_close(struct udp *u);

/* stream.c */
void stream_message_bytes(struct conn *c, struct str bytes, uint64_t now_ms);
/** One whole message that needs no framing. */
void stream_message(struct conn *c, struct str message, uint64_t now_ms);
/** Keep what is not a whole message yet, at most `limits.message` and a little. @return false:
    too much; the connection ends */
bool stream_keep(struct conn *c, struct str bytes);
/** Nothing of a message is kept any more. */
void stream_kept_none(struct conn *c);
/** The TCP connection stands. */
void stream_started(struct conn *c);
/** Handshakes are done: the program may speak. */
void stream_opened(struct conn *c);
/** A handshake went wrong: what is queued (an alert, an answer) is still written. */
void stream_failed(struct conn *c);
/** A line of the log about a connection: "TLS 192.0.2.7:5061: …". */
/** May one more line be written about what `who` (family 0: anybody) does to us? Not many times
    in a row; see complaint.c. */
bool net_may_complain(struct net *n, const struct addr *who);

void conn_trace(const struct conn *c, enum trace_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
bool stream_takes_input(const struct conn *c);
void stream_touch(struct conn *c);
/** Begin to end: no more for the program; what is queued is still written. */
void stream_drain(struct conn *c);
/** End at once. Safe anywhere: the program is told, and memory freed, by net_sweep. */
void stream_drop(struct conn *c);
void stream_free_buffers(struct conn *c);
void stream_timer(struct timer *t, uint64_t now_ms);

/* stream_out.c */
int stream_send(struct conn *c, const struct str *run, size_t n);
int stream_wire_out(struct conn *c, const struct str *run, size_t n);
void stream_flush(struct conn *c);
/** There is something to flush, or to finish, at the end of this round. */
void stream_mark_dirty(struct conn *c);

/* tls.c */
/** Prepare a connection, before it stands. @param name  whom the server must prove to be */
int tls_attach(struct conn *c, struct str name);
void tls_start(struct conn *c);
void tls_wire_in(struct conn *c, struct str bytes, uint64_t now_ms);
int tls_clear_out(struct conn *c, const struct str *run, size_t n);
/** Say goodbye (close_notify). */
void tls_close(struct conn *c);
void tls_free(struct conn *c);
/** Whom the peer must prove to be: lower case; "" when it opened the connection. */
struct str tls_name(const struct conn *c);
/** Has the peer shown a certificate that is good, and is it for that name? */
bool tls_proves(const struct conn *c, struct str name);

/* ws.c */
int ws_attach(struct conn *c);
void ws_clear_in(struct conn *c, struct str bytes, uint64_t now_ms);
int ws_plain_out(struct conn *c, const struct str *run, size_t n);
void ws_close(struct conn *c);
void ws_free(struct conn *c);

/* conn.c */
int conn_listen(struct net *n, enum transport transport, bool csta, const struct addr *at,
                const struct addr *shown, struct addr *bound);
int conn_open(struct net *n, struct hop *hop, struct str name);
/** What of a connection an earlier run has told us. */
struct conn_past {
    bool csta;
    bool ours;              /**< we opened it */
    struct addr remote, at; /**< `at`: the listener's that accepted it */
    struct str in, out;     /**< half a message; what was not written yet */
};
/** An open connection of TCP goes on. @return 0, E_NOTFOUND (its listener), E_NOMEM, E_IO: fd
   is closed */
int conn_adopt(struct net *n, int fd, const struct conn_past *past);
/** The one with that address, whoever opened it; not for TLS. NULL: there is none. */
struct conn *conn_with(const struct net *n, uint8_t transport, const struct addr *remote);
void conn_forget_remote(struct conn *c);
void conn_close(struct conn *c);
void acceptor_close(struct acceptor *a);

/* names.c */
bool names_init(struct net *n);
int names_query(struct net *n, enum dns_type type, struct str host,
                const struct dns_record **records, size_t *count);
/** No more answers: gives up c-ares. Before the loop's last run. */
void names_cancel(struct net *n);
void names_free(struct net *n);

/* answer.c */
struct hostent;
/** Seconds for which an answer may be kept. */
uint32_t answer_ttl(const unsigned char *all, int n);
/** Records of an answer in one block for free(). @return 0, E_NOTFOUND, E_NOMEM, E_IO (broken)
 */
int answer_read(enum dns_type type, const unsigned char *all, int n,
                struct dns_record **records, size_t *count);
int answer_of_host(const struct hostent *host, struct dns_record **records, size_t *count);

/* given.c */
/** The socket that was given for this listener; it is the caller's now. @return -1: there is
 * none
 */
int given_take(struct net *n, enum transport transport, bool csta, const struct addr *at);

/* local.c */
void local_address(struct net *n, const struct hop *hop, struct addr *out);
/** env->reaches. */
bool local_reaches(const struct net *n, const struct hop *hop);
/** How well a listener at `at` suits that remote address; 0: not at all. */
int local_score(const struct addr *at, const struct addr *remote);
/** The listener for connections of that transport that suits best, or NULL. */
struct acceptor *local_acceptor(const struct net *n, uint8_t transport,
                                const struct addr *remote);

/** Room for `more` octets behind buf->n. @return false when memory is out */
bool buf_room(struct buf *b, size_t more);
void buf_free(struct buf *b);
/** Nothing in it is needed any more. */
void buf_emptied(struct buf *b);

static inline size_t buf_pending(const struct buf *b)
{
    return b->n - b->from;
}

#endif
