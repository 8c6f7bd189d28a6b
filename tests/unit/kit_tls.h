/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that the tests make for themselves, in files of a folder that goes away, and the
 * other end of a TLS connection: OpenSSL over a plain socket of this process.
 */
#ifndef BATON_TESTS_KIT_TLS_H
#define BATON_TESTS_KIT_TLS_H

#include "kit_net.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define DAY 86400

/** A certificate with its key; a root when it signed itself. */
struct cert {
    X509 *x;
    EVP_PKEY *key;
};

/** What one is made of. Zeros: valid from yesterday to tomorrow, no names, no authority. */
struct cert_spec {
    const struct cert *by; /**< NULL: by itself */
    const char *cn, *san;  /**< san as OpenSSL's configuration has it: "DNS:a,URI:sip:b" */
    long from_s, to_s;     /**< seconds from now */
};

static inline void cert_extension(X509 *x, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    CHECK(e != NULL && X509_add_ext(x, e, -1) == 1);
    X509_EXTENSION_free(e);
}

static inline struct cert cert_make(const struct cert_spec *spec)
{
    static long serial = 1;
    struct cert c = {.x = X509_new(), .key = EVP_EC_gen("P-256")};
    const struct cert *by = spec->by != NULL ? spec->by : &c;
    (void)X509_set_version(c.x, 2);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(c.x), serial++);
    (void)X509_gmtime_adj(X509_getm_notBefore(c.x), spec->from_s != 0 ? spec->from_s : -DAY);
    (void)X509_gmtime_adj(X509_getm_notAfter(c.x), spec->to_s != 0 ? spec->to_s : DAY);
    (void)X509_set_pubkey(c.x, c.key);
    (void)X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x), "CN", MBSTRING_ASC,
                                     (const unsigned char *)spec->cn, -1, -1, 0);
    (void)X509_set_issuer_name(c.x, X509_get_subject_name(by->x));
    if (spec->by == NULL) {
        cert_extension(c.x, NID_basic_constraints, "critical,CA:TRUE");
    }
    if (spec->san != NULL) {
        cert_extension(c.x, NID_subject_alt_name, spec->san);
    }
    CHECK(X509_sign(c.x, by->key, EVP_sha256()) > 0);
    return c;
}

static inline void cert_free(struct cert *c)
{
    X509_free(c->x);
    EVP_PKEY_free(c->key);
}

/** A folder with the files of one test. */
struct files {
    char dir[32];
    char path[16][64];
    size_t n;
};

static inline void files_init(struct files *f)
{
    f->n = 0;
    (void)snprintf(f->dir, sizeof(f->dir), "/tmp/baton-XXXXXX");
    CHECK(mkdtemp(f->dir) != NULL);
}

static inline const char *files_text(struct files *f, const char *name, const char *text)
{
    char *path = NULL;
    for (size_t i = 0; i < f->n; i++) {
        if (strcmp(strrchr(f->path[i], '/') + 1, name) == 0) {
            path = f->path[i];
        }
    }
    if (path == NULL) {
        char whole[sizeof(f->path[0])];
        int n = snprintf(whole, sizeof(whole), "%s/%s", f->dir, name);
        CHECK(n > 0 && (size_t)n < sizeof(whole));
        path = f->path[f->n++];
        memcpy(path, whole, sizeof(whole));
    }
    FILE *to = fopen(path, "w");
    CHECK(to != NULL && fputs(text, to) >= 0 && fclose(to) == 0);
    return path;
}

static inline const char *files_cert(struct files *f, const char *name, const struct cert *c)
{
    const char *path = files_text(f, name, "");
    FILE *to = fopen(path, "w");
    CHECK(PEM_write_X509(to, c->x) == 1);
    (void)fclose(to);
    return path;
}

static inline const char *files_key(struct files *f, const char *name, const struct cert *c)
{
    const char *path = files_text(f, name, "");
    FILE *to = fopen(path, "w");
    CHECK(PEM_write_PrivateKey(to, c->key, NULL, NULL, 0, NULL, NULL) == 1);
    (void)fclose(to);
    return path;
}

static inline void files_fini(struct files *f)
{
    for (size_t i = 0; i < f->n; i++) {
        (void)unlink(f->path[i]);
    }
    CHECK_INT(rmdir(f->dir), 0);
}

/** A root, and a certificate of example.com under it, in files and loaded. */
struct pki {
    struct files files;
    struct cert root, leaf;
    struct net_tls_cert cert;
    struct net_tls tls;
};

static inline void pki_init(struct pki *p, const char *san)
{
    memset(p, 0, sizeof(*p));
    files_init(&p->files);
    p->root = cert_make(&(struct cert_spec){.cn = "root"});
    p->leaf = cert_make(&(struct cert_spec){.by = &p->root, .cn = "leaf", .san = san});
    p->cert.cert_file = files_cert(&p->files, "leaf.pem", &p->leaf);
    p->cert.key_file = files_key(&p->files, "leaf.key", &p->leaf);
    p->tls = (struct net_tls){.cert = &p->cert,
                              .cert_count = 1,
                              .ca_file = files_cert(&p->files, "root.pem", &p->root)};
}

static inline void pki_fini(struct pki *p)
{
    cert_free(&p->root);
    cert_free(&p->leaf);
    files_fini(&p->files);
}

static inline void load(struct world *w, const struct net_tls *tls)
{
    char why[256] = "";
    CHECK_INT(net_tls_load(w->net, tls, why, sizeof(why)), 0);
    CHECK_STR(str_c(why), "");
}

static inline struct addr listen_at(struct world *w, enum transport t)
{
    struct addr at, bound = {0};
    CHECK(addr_parse(STR("127.0.0.1"), &at));
    CHECK_INT(net_listen(w->net, t, &at, &bound), 0);
    return bound;
}

/* ---- the other end ---- */

struct tls_end {
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
};

/** A client that believes `root` and does not care for names. Change ctx before tls_connect. */
static inline struct tls_end tls_client(const struct cert *root)
{
    struct tls_end e = {.ctx = SSL_CTX_new(TLS_client_method()), .fd = -1};
    (void)X509_STORE_add_cert(SSL_CTX_get_cert_store(e.ctx), root->x);
    SSL_CTX_set_verify(e.ctx, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_security_level(e.ctx, 0);
    return e;
}

/** Give the world, and the socket, a chance. */
static inline void tls_wait(struct world *w, int fd)
{
    net_turn(w->net, false);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    (void)poll(&p, 1, 1);
}

static inline void tls_begin(struct tls_end *e, const struct addr *to, const char *sni)
{
    e->fd = client(SOCK_STREAM, to);
    (void)fcntl(e->fd, F_SETFL, O_NONBLOCK);
    e->ssl = SSL_new(e->ctx);
    (void)SSL_set_fd(e->ssl, e->fd);
    if (sni != NULL) {
        char name[128]; /* OpenSSL's macro drops the const */
        (void)snprintf(name, sizeof(name), "%s", sni);
        (void)SSL_set_tlsext_host_name(e->ssl, name);
    }
}

static inline bool tls_shake(struct world *w, struct tls_end *e)
{
    for (int i = 0; i < ROUNDS && !w->late; i++) {
        ERR_clear_error();
        int done = SSL_connect(e->ssl);
        if (done == 1) {
            return true;
        }
        if (SSL_get_error(e->ssl, done) != SSL_ERROR_WANT_READ) {
            return false;
        }
        tls_wait(w, e->fd);
    }
    return false;
}

static inline bool tls_connect(struct world *w, struct tls_end *e, const struct addr *to,
                               const char *sni)
{
    tls_begin(e, to, sni);
    return tls_shake(w, e);
}

static inline bool tls_put(struct world *w, struct tls_end *e, struct str s)
{
    for (int i = 0; i < ROUNDS && !w->late; i++) {
        ERR_clear_error();
        int done = SSL_write(e->ssl, s.p, (int)s.n);
        if (done > 0) {
            return true;
        }
        int err = SSL_get_error(e->ssl, done);
        if (err != SSL_ERROR_WANT_READ && err != SSL_ERROR_WANT_WRITE) {
            return false;
        }
        tls_wait(w, e->fd);
    }
    return false;
}

/** Octets until `want`, or the end. */
static inline size_t tls_get(struct world *w, struct tls_end *e, char *buf, size_t want)
{
    size_t got = 0;
    for (int i = 0; i < ROUNDS && got < want && !w->late; i++) {
        ERR_clear_error();
        int n = SSL_read(e->ssl, buf + got, (int)(want - got));
        if (n > 0) {
            got += (size_t)n;
        } else if (SSL_get_error(e->ssl, n) == SSL_ERROR_WANT_READ) {
            tls_wait(w, e->fd);
        } else {
            break;
        }
    }
    return got;
}

/** The CN of the certificate that the server showed. */
static inline struct str tls_shown(const struct tls_end *e, char buf[static 64])
{
    X509 *x = SSL_get0_peer_certificate(e->ssl);
    int n = x == NULL
                ? 0
                : X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, buf, 64);
    return str_make(buf, n > 0 ? (size_t)n : 0);
}

static inline void tls_end(struct tls_end *e)
{
    SSL_free(e->ssl);
    SSL_CTX_free(e->ctx);
    if (e->fd >= 0) {
        close(e->fd);
    }
    memset(e, 0, sizeof(*e));
    e->fd = -1;
}

/** Turn two worlds until *value reaches `want`. */
static inline bool both_until(struct world *a, struct world *b, const size_t *value,
                              size_t want)
{
    for (int i = 0; i < ROUNDS && *value < want && !a->late; i++) {
        net_turn(a->net, false);
        net_turn(b->net, false);
        struct pollfd p[2] = {{.fd = uv_backend_fd(net_loop(a->net)), .events = POLLIN},
                              {.fd = uv_backend_fd(net_loop(b->net)), .events = POLLIN}};
        (void)poll(p, 2, 1);
    }
    return *value >= want;
}

#endif
