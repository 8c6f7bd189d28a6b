/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the network layer: what its files share.
 *
 *   net.c     the loop: timer, flushing, telling of closed flows; struct env
 *   udp.c     datagram listeners, in and out in batches
 *   stream.c  what any stream connection does: buffers, limits, framing, life cycle
 *   conn.c    TCP: accepting, connecting, looking connections up
 *   names.c   DNS records and their cache
 *   answer.c  records from the octets of an answer
 *   local.c   which address of ours a peer should see
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
    bool blocked; /**< the kernel's buffer is full: waiting for writability */
    struct udp_out *out;
    uint32_t out_first, out_n;
    struct buf bytes; /**< what `out` points into */
};

struct acceptor {
    struct net *net;
    struct list link; /**< net->acceptors */
    uv_tcp_t tcp;
    struct timer retry; /**< memory was out for a connection */
    struct addr bound;
    uint8_t transport;
};

enum stream_state {
    STREAM_CONNECTING, /**< output is kept */
    STREAM_OPEN,
    STREAM_DRAINING, /**< the program was told that it is closed; output still goes out */
    STREAM_CLOSED,   /**< waits for net_sweep, then for libuv */
};

struct conn;

/**
 * What differs between transports over TCP. TLS and WebSocket each put a translation between
 * the wire's octets and SIP's: `wire_in` calls stream_message_bytes with what it decoded,
 * `plain_out` stream_wire_out with what it encoded.
 */
struct stream_ops {
    uint8_t transport;
    /** The TCP connection stands. @return 0, or an error that closes it */
    int (*start)(struct conn *c);
    void (*wire_in)(struct conn *c, struct str bytes, uint64_t now_ms);
    int (*plain_out)(struct conn *c, const struct str *run, size_t n);
};

extern const struct stream_ops stream_tcp;

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
    struct map_node by_remote, by_ip;
    struct timer timer; /**< connect, idle or drain limit, by state */
    struct addr remote, local;
    uint8_t state;
    bool writing, eof, told, shut;
    uint64_t active_ms;
    uint64_t begun_ms; /**< when the message in `in` began; 0: there is none */
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

struct route {
    struct addr remote, local;
    uint64_t until_ms;
};
#define ROUTE_CACHE 64

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
    struct list conns, dirty, ended;
    struct list name_age; /**< finished look-ups, oldest first */
    struct net_dns dns;

    struct udp_in udp_in;
    char *wire_in; /**< what libuv reads streams into */
    struct route routes[ROUTE_CACHE];
    unsigned char random[512];
    size_t random_left;
    struct net_stats stats;
};

/**
 * Distance of the slots that datagrams are received into. Not a power of two: slots that begin
 * at the same offset of a page would fight for the same few lines of the first-level cache.
 */
#define UDP_IN_STRIDE (65536 + 1024 + 64)

#define WIRE_IN_SIZE 65536

/* net.c */
void flow_add(struct net *n, struct flow *f);
struct flow *flow_find(const struct net *n, uint32_t id);

/* udp.c */
bool udp_init(struct net *n);
int udp_listen(struct net *n, const struct addr *at, struct addr *bound);
struct udp *udp_for(struct net *n, const struct addr *remote);
int udp_send(struct udp *u, const struct addr *to, const struct str *run, size_t n);
void udp_flush(struct udp *u);
void udp_close(struct udp *u);

/* stream.c */
int stream_send(struct conn *c, const struct str *run, size_t n);
void stream_message_bytes(struct conn *c, struct str bytes, uint64_t now_ms);
int stream_wire_out(struct conn *c, const struct str *run, size_t n);
void stream_started(struct conn *c);
void stream_flush(struct conn *c);
/** Begin to end: no more for the program; what is queued is still written. */
void stream_drain(struct conn *c);
/** End at once. Safe anywhere: the program is told, and memory freed, by net_sweep. */
void stream_drop(struct conn *c);
void stream_free_buffers(struct conn *c);
void stream_timer(struct timer *t, uint64_t now_ms);

/* conn.c */
int conn_listen(struct net *n, const struct addr *at, struct addr *bound);
int conn_open(struct net *n, struct hop *hop);
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

#endif
