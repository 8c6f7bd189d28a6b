/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS between the wire and HTTP.
 *
 * OpenSSL never sees a socket (net/tls_bio.h): it writes into the connection's queue.
 */
#include "api/wire.h"
#include "base/err.h"
#include "net/tls_bio.h"
#include "net/tls_store.h"
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { RECORD = 16384 };

struct wire_tls {
    SSL *ssl;
    struct tls_peer peer;
    struct tls_bio bio;
    bool up;
};

/** Into the connection's queue. */
static int to_wire(void *ctx, const struct str *run, size_t n)
{
    return wire_raw_send(ctx, run, n);
}

/* ---- life ---- */

int wire_tls_attach(struct wire_conn *c)
{
    struct wire_tls *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return E_NOMEM;
    }
    t->peer = (struct tls_peer){.store = wire_tls_store(c->wire)};
    t->bio = (struct tls_bio){.send = to_wire, .ctx = c};
    t->ssl = tls_store_accept(*t->peer.store, &t->peer);
    if (t->ssl == NULL || !tls_bio_attach(wire_bio(c->wire), &t->bio, t->ssl)) {
        ERR_clear_error();
        SSL_free(t->ssl);
        free(t);
        return E_NOMEM;
    }
    c->tls = t;
    c->shaking = true;
    return 0;
}

void wire_tls_free(struct wire_conn *c)
{
    if (c->tls != NULL) {
        SSL_free(c->tls->ssl);
        free(c->tls);
        c->tls = NULL;
    }
}

void wire_tls_close(struct wire_conn *c)
{
    if (c->tls != NULL && c->tls->up && !c->dropped) {
        ERR_clear_error();
        (void)SSL_shutdown(c->tls->ssl);
    }
}

/* ---- out ---- */

int wire_tls_send(struct wire_conn *c, const struct str *run, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (struct str rest = run[i]; rest.n > 0;) {
            size_t take = rest.n < RECORD ? rest.n : RECORD;
            ERR_clear_error();
            if (!c->tls->up || SSL_write(c->tls->ssl, rest.p, (int)take) != (int)take) {
                wire_drop(c);
                return E_STATE;
            }
            rest = str_from(rest, take);
        }
    }
    return 0;
}

/* ---- in ---- */

static bool shake(struct wire_conn *c)
{
    struct wire_tls *t = c->tls;
    if (t->up) {
        return true;
    }
    ERR_clear_error();
    int done = SSL_do_handshake(t->ssl);
    if (done == 1) {
        t->up = true;
        wire_shaken(c);
        return true;
    }
    if (SSL_get_error(t->ssl, done) != SSL_ERROR_WANT_READ) {
        ERR_clear_error();
        wire_end(c); /* an alert still leaves */
    }
    return false;
}

void wire_tls_input(struct wire_conn *c, struct str bytes)
{
    struct wire_tls *t = c->tls;
    char clear[RECORD];
    t->bio.feed = bytes;
    if (!shake(c)) {
        t->bio.feed = STR_NONE;
        return;
    }
    while (!c->ending && !c->dropped) {
        ERR_clear_error();
        int got = SSL_read(t->ssl, clear, RECORD);
        if (got > 0) {
            wire_deliver(c, str_make(clear, (size_t)got));
            continue;
        }
        int err = SSL_get_error(t->ssl, got);
        if (err == SSL_ERROR_WANT_READ) {
            break;
        }
        ERR_clear_error();
        if (err == SSL_ERROR_ZERO_RETURN) {
            wire_end(c);
        } else {
            wire_drop(c);
        }
    }
    t->bio.feed = STR_NONE;
}

/* ---- who it is ---- */

static X509 *good_certificate(const struct wire_conn *c)
{
    if (c->tls == NULL || !c->tls->up || SSL_get_verify_result(c->tls->ssl) != X509_V_OK) {
        return NULL;
    }
    return SSL_get0_peer_certificate(c->tls->ssl);
}

bool wire_proves(const struct wire_conn *c, struct str name)
{
    X509 *cert = good_certificate(c);
    return cert != NULL && tls_cert_names(cert, name);
}

void wire_write_certificate(struct out *o, const struct wire_conn *c)
{
    X509 *cert = good_certificate(c);
    X509_NAME *subject = cert != NULL ? X509_get_subject_name(cert) : NULL;
    int at = subject != NULL ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    unsigned char *text = NULL;
    if (at < 0) {
        return;
    }
    int n =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
    if (n > 0) {
        out_str(o, str_make((const char *)text, (size_t)n));
    }
    OPENSSL_free(text);
}
