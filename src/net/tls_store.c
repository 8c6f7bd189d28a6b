/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading what TLS needs, and the decisions that OpenSSL asks for during a handshake.
 *
 * There is one context for connections that we open and one for each certificate that we serve
 * with. A connection that comes in begins with the first; when the client names the server that
 * it wants, the context of the certificate for that name takes its place.
 *
 * WHO IS BELIEVED. A server that we connect to must have a certificate which leads to a root of
 * ours and names the domain that we wanted (RFC 5922 §7.3). Both are judged in one place,
 * inside of the handshake, so that a wrong server gets an alert and nothing of ours. A client
 * is asked as the configuration says (§7.4); what it proved is looked up later, by tls_proves.
 *
 * RESUMPTION. Sessions live in tickets that the client keeps, under a key that is made with the
 * store and dies with it: after a reload nobody gets in by what an older configuration
 * believed. We keep none, neither for clients nor for servers: SIP connections stay.
 */
#include "net/tls_store.h"
#include "base/err.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

/** Forward secrecy and authenticated encryption. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

/** A list of roots that is longer than this is not sent to clients as a hint. */
#define HINTS_MAX 32

struct served {
    SSL_CTX *ctx;
    struct str *names; /**< copies; none: what the certificate shows */
    size_t name_count;
};

struct tls_store {
    SSL_CTX *connect;
    struct served *served;
    size_t count;
};

struct loading {
    const struct net_tls *from;
    struct net_tls_fault *fault;
};

static int complain(struct loading *l, int err, const char *fmt, ...) PRINTF_LIKE(3, 4);

static int complain(struct loading *l, int err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(l->fault->why, sizeof(l->fault->why), fmt, args);
    va_end(args);
    return err;
}

/** Why a file is of no use: it cannot be read, or there is no `wanted` in it. */
static int bad_file(struct loading *l, const char *what, const char *file, const char *wanted)
{
    unsigned long code = ERR_peek_error(); /* the first is the nearest to the file */
    const char *reason = ERR_reason_error_string(code);
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code)) {
        return complain(l, E_SYNTAX, "%s %s: %s", what, file, strerror(ERR_GET_REASON(code)));
    }
    return complain(l, E_SYNTAX, "%s %s: there is no %s in it (OpenSSL says: %s)", what, file,
                    wanted, reason != NULL ? reason : "cannot be read");
}

static int no_pass_phrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1; /* nobody is there to be asked */
}

/* ---- decisions in a handshake ---- */

static SSL *ssl_of(X509_STORE_CTX *x)
{
    return X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
}

/** Of a server: is it verified, and is it whom we wanted? */
static int judge_server(X509_STORE_CTX *x, void *arg)
{
    (void)arg;
    const struct tls_peer *peer = SSL_get_app_data(ssl_of(x));
    if (X509_verify_cert(x) != 1) {
        return 0;
    }
    if (!tls_cert_names(X509_STORE_CTX_get0_cert(x), peer->name)) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
        return 0;
    }
    return 1;
}

/** Of a client that is only asked: a bad certificate is like none, and remembered as bad. */
static int judge_asked_client(X509_STORE_CTX *x, void *arg)
{
    (void)arg;
    if (X509_verify_cert(x) != 1 && X509_STORE_CTX_get_error(x) == X509_V_OK) {
        X509_STORE_CTX_set_error(x, X509_V_ERR_UNSPECIFIED);
    }
    return 1;
}

/** "*.example.com" is for one label in its place, as certificates mean it. */
static bool pattern_fits(struct str pattern, struct str name)
{
    if (!str_starts(pattern, STR("*."))) {
        return str_ieq(pattern, name);
    }
    size_t dot = str_index(name, '.');
    return dot > 0 && dot < name.n && str_ieq(str_from(pattern, 1), str_from(name, dot));
}

static bool serves_name(const struct served *s, struct str name)
{
    for (size_t i = 0; i < s->name_count; i++) {
        if (pattern_fits(s->names[i], name)) {
            return true;
        }
    }
    X509 *cert = SSL_CTX_get0_certificate(s->ctx);
    return s->name_count == 0 &&
           (tls_cert_names(cert, name) || X509_check_host(cert, name.p, name.n, 0, NULL) == 1);
}

static int on_server_name(SSL *ssl, int *alert, void *arg)
{
    (void)alert;
    (void)arg;
    const struct tls_peer *peer = SSL_get_app_data(ssl);
    const struct tls_store *s = *peer->store;
    const char *wanted = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    for (size_t i = 0; wanted != NULL && i < s->count; i++) {
        if (serves_name(&s->served[i], str_c(wanted))) {
            (void)SSL_set_SSL_CTX(ssl, s->served[i].ctx);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK; /* the first one it is */
}

/** Whoever offers application protocols is told ours if it is among them; else none is agreed.
 */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                        const unsigned char *in, unsigned in_n, void *arg)
{
    static const unsigned char sip[] = "\x05sip/2\x03sip", http[] = "\x08http/1.1";
    (void)arg;
    const struct tls_peer *peer = SSL_get_app_data(ssl);
    unsigned char *chosen;
    int got = SSL_select_next_proto(&chosen, out_n, peer->sip ? sip : http,
                                    (peer->sip ? sizeof(sip) : sizeof(http)) - 1, in, in_n);
    *out = chosen;
    return got == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* ---- loading ---- */

static int common(struct loading *l, SSL_CTX *ctx)
{
    const char *ciphers = l->from->ciphers != NULL ? l->from->ciphers : CIPHERS;
    SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
    (void)SSL_CTX_set_min_proto_version(ctx,
                                        l->from->only_tls13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    (void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                       SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* An idle connection has no record buffers; a retry may come from another place. */
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (SSL_CTX_set_cipher_list(ctx, ciphers) != 1) {
        ERR_clear_error();
        l->fault->item = NET_TLS_CIPHERS;
        return complain(l, E_SYNTAX, "ciphers: OpenSSL knows none of %s", ciphers);
    }
    return 0;
}

static int trust(struct loading *l, SSL_CTX *ctx)
{
    const char *file = l->from->ca_file;
    if (file != NULL && SSL_CTX_load_verify_file(ctx, file) != 1) {
        l->fault->item = NET_TLS_CA;
        return bad_file(l, "ca", file, "certificate in PEM form");
    }
    if (file == NULL) {
        (void)SSL_CTX_set_default_verify_paths(ctx);
    }
    return 0;
}

static int identity(struct loading *l, SSL_CTX *ctx, const struct net_tls_cert *c)
{
    l->fault->index = (size_t)(c - l->from->cert);
    l->fault->item = NET_TLS_CERT;
    if (SSL_CTX_use_certificate_chain_file(ctx, c->cert_file) != 1) {
        return bad_file(l, "certificate", c->cert_file, "certificate in PEM form");
    }
    l->fault->item = NET_TLS_KEY;
    if (SSL_CTX_use_PrivateKey_file(ctx, c->key_file, SSL_FILETYPE_PEM) != 1) {
        return bad_file(l, "key", c->key_file,
                        "private key in PEM form and without a pass phrase");
    }
    if (SSL_CTX_check_private_key(ctx) != 1) {
        ERR_clear_error();
        return complain(l, E_SYNTAX, "key %s: does not belong to %s", c->key_file,
                        c->cert_file);
    }
    l->fault->item = NET_TLS_ANY;
    return 0;
}

/** Tell clients whose certificates are believed: some choose among theirs by that. */
static void hint_roots(struct loading *l, SSL_CTX *ctx)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(l->from->ca_file);
    if (names != NULL && sk_X509_NAME_num(names) <= HINTS_MAX) {
        SSL_CTX_set_client_CA_list(ctx, names);
    } else {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
    }
    ERR_clear_error();
}

static int ask_clients(struct loading *l, SSL_CTX *ctx)
{
    if (l->from->client_verify == NET_TLS_NO_CLIENT_CERT) {
        return 0;
    }
    int err = trust(l, ctx);
    if (err != 0) {
        return err;
    }
    if (l->from->ca_file != NULL) {
        hint_roots(l, ctx);
    }
    if (l->from->client_verify == NET_TLS_REQUIRE) {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    } else {
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(ctx, judge_asked_client, NULL);
    }
    return 0;
}

static bool copy_names(struct served *s, const struct net_tls_cert *c)
{
    s->names = calloc(c->name_count + 1, sizeof(*s->names));
    for (size_t i = 0; s->names != NULL && i < c->name_count; i++) {
        char *p = malloc(c->names[i].n + 1);
        if (p == NULL) {
            return false;
        }
        memcpy(p, c->names[i].p, c->names[i].n);
        s->names[s->name_count++] = str_make(p, c->names[i].n);
    }
    return s->names != NULL;
}

static int load_served(struct loading *l, struct served *s, const struct net_tls_cert *c)
{
    static const unsigned char scope[] = "baton";
    s->ctx = SSL_CTX_new(TLS_server_method());
    if (s->ctx == NULL || !copy_names(s, c)) {
        return complain(l, E_NOMEM, "out of memory");
    }
    SSL_CTX_set_tlsext_servername_callback(s->ctx, on_server_name);
    SSL_CTX_set_alpn_select_cb(s->ctx, on_protocols, NULL);
    (void)SSL_CTX_set_session_id_context(s->ctx, scope, sizeof(scope) - 1);
    (void)SSL_CTX_set_num_tickets(s->ctx, 1);
    int err = common(l, s->ctx);
    err = err == 0 ? identity(l, s->ctx, c) : err;
    return err == 0 ? ask_clients(l, s->ctx) : err;
}

static int load_connect(struct loading *l, struct tls_store *s)
{
    s->connect = SSL_CTX_new(TLS_client_method());
    if (s->connect == NULL) {
        return complain(l, E_NOMEM, "out of memory");
    }
    SSL_CTX_set_verify(s->connect, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(s->connect, judge_server, NULL);
    int err = common(l, s->connect);
    err = err == 0 ? trust(l, s->connect) : err;
    if (err == 0 && l->from->cert_count > 0) {
        err = identity(l, s->connect, &l->from->cert[0]);
    }
    return err;
}

int tls_store_new(const struct net_tls *from, struct tls_store **out,
                  struct net_tls_fault *fault)
{
    struct loading l = {from, fault};
    struct tls_store *s = calloc(1, sizeof(*s));
    *fault = (struct net_tls_fault){.item = NET_TLS_ANY};
    ERR_clear_error();
    if (s == NULL || (s->served = calloc(from->cert_count + 1, sizeof(*s->served))) == NULL) {
        free(s);
        return complain(&l, E_NOMEM, "out of memory");
    }
    int err = load_connect(&l, s);
    for (size_t i = 0; i < from->cert_count && err == 0; i++) {
        s->count++;
        err = load_served(&l, &s->served[i], &from->cert[i]);
    }
    if (err != 0) {
        tls_store_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void tls_store_free(struct tls_store *s)
{
    if (s == NULL) {
        return;
    }
    SSL_CTX_free(s->connect);
    for (size_t i = 0; i < s->count; i++) {
        struct served *v = &s->served[i];
        SSL_CTX_free(v->ctx);
        for (size_t k = 0; k < v->name_count; k++) {
            free((void *)(uintptr_t)v->names[k].p);
        }
        free(v->names);
    }
    free(s->served);
    free(s);
}

void tls_store_warn(const struct tls_store *s, const struct net_tls *from,
                    const struct env *env)
{
    for (size_t i = 0; i < s->count; i++) {
        const X509 *cert = SSL_CTX_get0_certificate(s->served[i].ctx);
        struct stat key;
        if (X509_cmp_current_time(X509_get0_notAfter(cert)) < 0) {
            env_trace(env, TRACE_WARN, "net", "the certificate %s has expired",
                      from->cert[i].cert_file);
        }
        if (stat(from->cert[i].key_file, &key) == 0 && (key.st_mode & S_IROTH) != 0) {
            env_trace(env, TRACE_WARN, "net",
                      "the key %s can be read by everybody on this machine: chmod o-r",
                      from->cert[i].key_file);
        }
    }
}

/* ---- use ---- */

bool tls_store_serves(const struct tls_store *s)
{
    return s != NULL && s->count > 0;
}

SSL *tls_store_accept(const struct tls_store *s, struct tls_peer *peer)
{
    SSL *ssl = tls_store_serves(s) ? SSL_new(s->served[0].ctx) : NULL;
    if (ssl != NULL) {
        SSL_set_app_data(ssl, peer);
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

SSL *tls_store_connect(const struct tls_store *s, struct tls_peer *peer)
{
    SSL *ssl = SSL_new(s->connect);
    struct addr numeric;
    char name[256];
    if (ssl == NULL) {
        return NULL;
    }
    SSL_set_app_data(ssl, peer);
    SSL_set_connect_state(ssl);
    /* RFC 6066 §3: addresses are no server names. */
    if (peer->name.n < sizeof(name) && !addr_parse_host(peer->name, 0, &numeric)) {
        memcpy(name, peer->name.p, peer->name.n);
        name[peer->name.n] = '\0';
        (void)SSL_set_tlsext_host_name(ssl, name);
    }
    return ssl;
}
