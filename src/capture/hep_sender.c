/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sender of HEP: see hep_sender.h.
 *
 * It sleeps a little after each round, so that messages are sent several at a time, and so that
 * the call to which an INVITE belongs is known when the INVITE is sent.
 */
#include "capture/hep_sender.h"
#include "capture/story.h"
#include "sip/msg.h"
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    GATHER_MS = 20,     /**< between two rounds */
    IDLE_MS = 500,      /**< how long a round waits for messages */
    AGAIN_MS = 2000,    /**< after a connection failed */
    PATIENCE_MS = 2000, /**< for a collector to take what is written */
};

struct hep_sender {
    struct hep_config config;
    struct capture *capture;
    pthread_t thread;
    atomic_bool stop;
    _Atomic uint64_t sent, dropped, failed;
    int fd;
    SSL_CTX *tls;
    SSL *ssl;
    int64_t again_ms; /**< not before that is a connection tried */
    char packet[HEP_MAX];
};

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- the connection ---- */

static void hang_up(struct hep_sender *h)
{
    if (h->ssl != NULL) {
        SSL_free(h->ssl);
        h->ssl = NULL;
    }
    if (h->fd >= 0) {
        (void)close(h->fd);
        h->fd = -1;
    }
    h->again_ms = now_ms() + AGAIN_MS;
    h->failed++;
}

static bool wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};
    return poll(&p, 1, PATIENCE_MS) == 1 && (p.revents & (POLLERR | POLLNVAL)) == 0;
}

static int open_to(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, at->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int err = 0;
    socklen_t n = sizeof(err);

    if (fd < 0) {
        return -1;
    }
    if (connect(fd, at->ai_addr, at->ai_addrlen) != 0 &&
        (errno != EINPROGRESS || !wait_for(fd, POLLOUT) ||
         getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) != 0 || err != 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool shake_hands(struct hep_sender *h)
{
    char name[256]; /* OpenSSL's macro wants one that could be written to */
    struct addr numeric;
    int done;

    if ((size_t)snprintf(name, sizeof(name), "%s", h->config.host) >= sizeof(name)) {
        return false;
    }
    h->ssl = SSL_new(h->tls);
    if (h->ssl == NULL || SSL_set_fd(h->ssl, h->fd) != 1) {
        return false;
    }
    /* an address is no server name (RFC 6066 §3) */
    if (!addr_parse_host(str_c(name), 0, &numeric) &&
        SSL_set_tlsext_host_name(h->ssl, name) != 1) {
        return false;
    }
    if (!h->config.unverified) {
        SSL_set_verify(h->ssl, SSL_VERIFY_PEER, NULL);
        if (SSL_set1_host(h->ssl, h->config.host) != 1) {
            return false;
        }
    }
    while ((done = SSL_connect(h->ssl)) != 1) {
        int why = SSL_get_error(h->ssl, done);
        if ((why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) ||
            !wait_for(h->fd, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT)) {
            return false;
        }
    }
    return true;
}

/** @return false: there is no collector now */
static bool connected(struct hep_sender *h)
{
    struct addrinfo hints = {.ai_socktype =
                                 h->config.transport == TP_UDP ? SOCK_DGRAM : SOCK_STREAM};
    struct addrinfo *list = NULL;
    char port[8];

    if (h->fd >= 0) {
        return true;
    }
    if (now_ms() < h->again_ms) {
        return false;
    }
    (void)snprintf(port, sizeof(port), "%u", h->config.port);
    if (getaddrinfo(h->config.host, port, &hints, &list) != 0) {
        hang_up(h);
        return false;
    }
    for (const struct addrinfo *at = list; at != NULL && h->fd < 0; at = at->ai_next) {
        h->fd = open_to(at);
    }
    freeaddrinfo(list);
    if (h->fd < 0 || (h->config.transport == TP_TLS && !shake_hands(h))) {
        hang_up(h);
        return false;
    }
    return true;
}

/** @return octets that were taken; -1: the connection is gone, or too slow */
static ssize_t write_some(struct hep_sender *h, struct str s)
{
    for (;;) {
        ssize_t n;
        bool wait_in = false;
        if (h->ssl != NULL) {
            n = SSL_write(h->ssl, s.p, (int)s.n);
            int why = n > 0 ? SSL_ERROR_NONE : SSL_get_error(h->ssl, (int)n);
            if (n <= 0 && why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
                return -1;
            }
            wait_in = why == SSL_ERROR_WANT_READ;
        } else {
            n = send(h->fd, s.p, s.n, MSG_NOSIGNAL);
            if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
                return -1;
            }
        }
        if (n > 0) {
            return n;
        }
        if (h->stop || !wait_for(h->fd, wait_in ? POLLIN : POLLOUT)) {
            return -1;
        }
    }
}

/** @return false: it is not known to have been sent */
static bool send_packet(struct hep_sender *h, struct str packet)
{
    if (!connected(h)) {
        return false;
    }
    if (h->config.transport == TP_UDP) {
        /* ECONNREFUSED tells of an earlier one: nobody listens yet */
        return send(h->fd, packet.p, packet.n, MSG_NOSIGNAL) == (ssize_t)packet.n;
    }
    while (packet.n > 0) {
        ssize_t n = write_some(h, packet);
        if (n < 0) {
            hang_up(h);
            return false;
        }
        packet = str_from(packet, (size_t)n);
    }
    return true;
}

/* ---- messages ---- */

/** What a message of SIP is about. @param other  out: it begins no call */
static struct str call_of_sip(struct hep_sender *h, const struct capture_msg *m, char buf[256])
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg s;

    return story_index(m->bytes, &s, hdr)
               ? capture_call_of(h->capture, sip_msg_value(&s, SIP_HDR_CALL_ID), buf)
               : STR_NONE;
}

/** The first callID that stands in it. What is of no call hangs together by the application's
    connection: Kamailio, the collector of Homer 5, drops a log that belongs to nothing. */
static struct str call_of_csta(const struct capture_msg *m, char buf[256])
{
    size_t at = str_find(m->bytes, STR("callID>"));
    struct str rest = str_from(m->bytes, at + 7);
    struct str id = str_upto(rest, str_index(rest, '<'));
    struct out o;

    if (id.n > 0 && id.n <= 128) {
        return id;
    }
    out_init(&o, buf, 256);
    addr_write(&o, &m->remote);
    return out_str_of(&o);
}

static bool is_wanted(const struct hep_sender *h, const struct capture_msg *m, struct str call)
{
    return m->kind == CAPTURE_SIP    ? h->config.sip && (!h->config.calls_only || call.n > 0)
           : m->kind == CAPTURE_CSTA ? h->config.csta && m->remote.family != ADDR_NONE
                                     : false;
}

static void on_message(struct hep_sender *h, struct capture_msg *m)
{
    char buf[256];
    struct str call = m->kind == CAPTURE_SIP    ? call_of_sip(h, m, buf)
                      : m->kind == CAPTURE_CSTA ? call_of_csta(m, buf)
                                                : STR_NONE;
    struct out o;

    if (!is_wanted(h, m, call)) {
        return;
    }
    if (!h->config.raw) { /* a copy of ours: capture_next */
        blank_secrets((char *)(uintptr_t)m->bytes.p, m->bytes.n);
    }
    if (h->config.uui != BLANK_UUI_FULL) {
        blank_uui((char *)(uintptr_t)m->bytes.p, m->bytes.n);
    }
    out_init(&o, h->packet, sizeof(h->packet));
    if (hep_write(&h->config.node, m, call, &o) && send_packet(h, out_str_of(&o))) {
        h->sent++;
    } else {
        h->dropped++;
    }
}

static void *run(void *ctx)
{
    struct hep_sender *h = ctx;
    struct capture_cursor at;
    struct capture_batch b = {0};
    const struct timespec gather = {.tv_nsec = GATHER_MS * 1000000L};

    capture_now(h->capture, &at);
    while (!h->stop) {
        uint64_t lost = b.lost;
        if (!capture_wait(h->capture, &at, IDLE_MS)) {
            continue;
        }
        (void)nanosleep(&gather, NULL);
        while (!h->stop && capture_next(h->capture, &at, &b) > 0) {
            for (size_t i = 0; i < b.count && !h->stop; i++) {
                on_message(h, &b.msg[i]);
            }
        }
        h->dropped += b.lost - lost;
    }
    capture_batch_fini(&b);
    return NULL;
}

/* ---- life ---- */

static bool init_tls(struct hep_sender *h)
{
    h->tls = SSL_CTX_new(TLS_client_method());
    return h->tls != NULL && SSL_CTX_set_min_proto_version(h->tls, TLS1_2_VERSION) == 1 &&
           (h->config.ca_file != NULL
                ? SSL_CTX_load_verify_locations(h->tls, h->config.ca_file, NULL) == 1
                : SSL_CTX_set_default_verify_paths(h->tls) == 1);
}

struct hep_sender *hep_sender_new(const struct hep_config *config, struct capture *c)
{
    struct hep_sender *h = calloc(1, sizeof(*h));
    sigset_t all, before;
    bool ok;

    if (h == NULL) {
        return NULL;
    }
    h->config = *config;
    h->capture = c;
    h->fd = -1;
    ok = config->transport != TP_TLS || init_tls(h);
    (void)sigfillset(&all); /* signals are the engine's thread's */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    ok = ok && pthread_create(&h->thread, NULL, run, h) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        SSL_CTX_free(h->tls);
        free(h);
        return NULL;
    }
    return h;
}

void hep_sender_free(struct hep_sender *h)
{
    if (h == NULL) {
        return;
    }
    h->stop = true;
    capture_stop(h->capture);
    (void)pthread_join(h->thread, NULL);
    if (h->ssl != NULL) {
        (void)SSL_shutdown(h->ssl); /* who reads knows that it was all */
    }
    SSL_free(h->ssl);
    if (h->fd >= 0) {
        (void)close(h->fd);
    }
    SSL_CTX_free(h->tls);
    free(h);
}

void hep_sender_stats(struct hep_sender *h, struct hep_stats *out)
{
    *out = (struct hep_stats){.sent = h->sent, .dropped = h->dropped, .failed = h->failed};
}
