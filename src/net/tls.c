/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS between the wire and the rest of a connection (RFC 3261 §26.2).
 *
 * OpenSSL never sees a socket (tls_bio.h): it writes into the connection's queue.
 * Record buffers are given back when they are empty: what an idle connection holds is the SSL
 * object and nothing else.
 *
 * Shaking ends when the handshake is done, and for WebSocket over TLS when the upgrade is. What
 * the program sends to a server before that is kept in `early`, bounded like the queue.
 *
 * WHO IS WHO. Certificates are judged within the handshake (tls_store.c). A connection that we
 * opened has proved the name it was opened for, or it would not be; any connection can be
 * asked later what else its certificate proves.
 */
#include "base/err.h"
#include "net/net_int.h"
#include "net/tls_bio.h"
#include "net/tls_store.h"
#include <openssl/err.h>
#include <stdlib.h>

struct tls {
    SSL *ssl;
    struct tls_peer peer;
    struct tls_bio bio;
    struct buf early; /**< clear text that waits for the end of the handshake */
    bool up;
    char name[]; /**< what peer.name points to */
};

/** Into the connection's queue. */
static int to_wire(void *ctx, const struct str *run, size_t n)
{
    return stream_wire_out(ctx, run, n);
}

/* ---- life ---- */

int tls_attach(struct conn *c, struct str name)
{
    const struct tls_store *store = c->net->tls;
    struct tls *t = calloc(1, sizeof(*t) + name.n + 1);
    if (t == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < name.n; i++) {
        t->name[i] = ascii_lower(name.p[i]);
    }
    t->peer = (struct tls_peer){
        .store = &c->net->tls, .name = str_make(t->name, name.n), .sip = !c->ops->ws};
    t->ssl = c->acceptor == NULL ? tls_store_connect(store, &t->peer)
                                 : tls_store_accept(store, &t->peer);
    t->bio = (struct tls_bio){.send = to_wire, .ctx = c};
    c->tls = t;
    if (t->ssl == NULL || !tls_bio_attach(&c->net->tls_bio, &t->bio, t->ssl)) {
        ERR_clear_error();
        tls_free(c);
        return E_NOMEM;
    }
    return 0;
}

void tls_free(struct conn *c)
{
    struct tls *t = c->tls;
    if (t != NULL) {
        c->tls = NULL;
        SSL_free(t->ssl);
        buf_free(&t->early);
        free(t);
    }
}

void tls_close(struct conn *c)
{
    if (c->tls != NULL && c->tls->up) {
        ERR_clear_error();
        (void)SSL_shutdown(c->tls->ssl);
    }
}

struct str tls_name(const struct conn *c)
{
    return c->tls->peer.name;
}

bool tls_proves(const struct conn *c, struct str name)
{
    const struct tls *t = c->tls;
    if (t == NULL || !t->up || SSL_get_verify_result(t->ssl) != X509_V_OK) {
        return false;
    }
    X509 *cert = SSL_get0_peer_certificate(t->ssl);
    return cert != NULL && tls_cert_names(cert, name);
}

/* ---- out ---- */

static int keep_early(struct conn *c, const struct str *run, size_t n)
{
    struct buf *b = &c->tls->early;
    for (size_t i = 0; i < n; i++) {
        if (b->n + run[i].n > c->net->config.write_queue || !buf_room(b, run[i].n)) {
            stream_drop(c);
            return E_TOOBIG;
        }
        if (run[i].n > 0) {
            memcpy(b->p + b->n, run[i].p, run[i].n);
            b->n += run[i].n;
        }
    }
    return 0;
}

static int write_record(struct conn *c, const char *p, size_t n)
{
    ERR_clear_error();
    if (n > 0 && SSL_write(c->tls->ssl, p, (int)n) != (int)n) {
        stream_drop(c); /* the queue was full, and that has dropped it, or memory was out */
        return E_IO;
    }
    return 0;
}

/** The runs as few records as possible: each costs some thirty octets and a computation. */
int tls_clear_out(struct conn *c, const struct str *run, size_t n)
{
    char *record = c->net->tls_out;
    size_t filled = 0;
    if (!c->tls->up) {
        return keep_early(c, run, n);
    }
    for (size_t i = 0; i < n; i++) {
        struct str rest = run[i];
        while (rest.n > 0) {
            size_t take = rest.n < TLS_RECORD - filled ? rest.n : TLS_RECORD - filled;
            memcpy(record + filled, rest.p, take);
            filled += take;
            rest = str_from(rest, take);
            if (filled == TLS_RECORD && rest.n > 0) {
                if (write_record(c, record, filled) != 0) {
                    return E_IO;
                }
                filled = 0;
            }
        }
    }
    return write_record(c, record, filled);
}

/* ---- in ---- */

static void complain(struct conn *c, const char *what)
{
    SSL *ssl = c->tls->ssl;
    long verdict = SSL_get_verify_result(ssl);
    unsigned long code = ERR_peek_error();
    const char *why = ERR_reason_error_string(code);
    if (verdict != X509_V_OK && c->acceptor == NULL) {
        why = X509_verify_cert_error_string(verdict);
    }
    conn_trace(c, TRACE_INFO, "%s: %s", what, why != NULL ? why : "the connection ended");
    ERR_clear_error();
}

static void handshake_done(struct conn *c)
{
    struct tls *t = c->tls;
    struct buf early = t->early;
    t->early = (struct buf){0};
    t->up = true;
    if (c->ws == NULL) {
        stream_opened(c);
    }
    if (early.n > 0) {
        struct str run = str_make(early.p, early.n);
        (void)tls_clear_out(c, &run, 1);
    }
    buf_free(&early);
}

/** @return true when application data may be read */
static bool shake(struct conn *c)
{
    SSL *ssl = c->tls->ssl;
    if (c->tls->up) {
        return true;
    }
    ERR_clear_error();
    int done = SSL_do_handshake(ssl);
    if (!stream_takes_input(c)) {
        return false;
    }
    if (done == 1) {
        handshake_done(c);
        return stream_takes_input(c);
    }
    if (SSL_get_error(ssl, done) != SSL_ERROR_WANT_READ) {
        complain(c, "TLS handshake failed");
        stream_failed(c);
    }
    return false;
}

static void read_clear(struct conn *c, uint64_t now_ms)
{
    struct tls *t = c->tls;
    char *clear = c->net->tls_in;
    while (stream_takes_input(c)) {
        ERR_clear_error();
        int got = SSL_read(t->ssl, clear, TLS_RECORD);
        if (got > 0) {
            c->ops->clear_in(c, str_make(clear, (size_t)got), now_ms);
            continue;
        }
        int err = SSL_get_error(t->ssl, got);
        if (err == SSL_ERROR_WANT_READ || c->state == STREAM_CLOSED) {
            return;
        }
        if (err == SSL_ERROR_ZERO_RETURN) {
            stream_drain(c); /* close_notify: the peer has said its last */
            return;
        }
        complain(c, "TLS failed");
        c->net->stats.closed_bad++;
        stream_drop(c);
    }
}

void tls_wire_in(struct conn *c, struct str bytes, uint64_t now_ms)
{
    c->tls->bio.feed = bytes;
    if (shake(c)) {
        read_clear(c, now_ms);
    }
    c->tls->bio.feed = STR_NONE;
}

void tls_start(struct conn *c)
{
    (void)shake(c);
}
