/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL without sockets: see tls_bio.h. */
#include "net/tls_bio.h"
#include <string.h>

static int bio_read(BIO *b, char *out, int most)
{
    struct tls_bio *t = BIO_get_data(b);
    size_t n = t->feed.n < (size_t)most ? t->feed.n : (size_t)most;

    BIO_clear_retry_flags(b);
    if (n == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(out, t->feed.p, n);
    t->feed = str_from(t->feed, n);
    return (int)n;
}

static int bio_write(BIO *b, const char *bytes, int n)
{
    const struct tls_bio *t = BIO_get_data(b);
    struct str run = str_make(bytes, (size_t)n);

    BIO_clear_retry_flags(b);
    return t->send(t->ctx, &run, 1) == 0 ? n : -1;
}

static long bio_ctrl(BIO *b, int what, long arg, void *ptr)
{
    (void)b;
    (void)arg;
    (void)ptr;
    return what == BIO_CTRL_FLUSH; /* done at the end of the round; all else: no */
}

static BIO_METHOD *kind_of(BIO_METHOD **kind)
{
    if (*kind == NULL) {
        *kind = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "baton");
        if (*kind != NULL) {
            (void)BIO_meth_set_read(*kind, bio_read);
            (void)BIO_meth_set_write(*kind, bio_write);
            (void)BIO_meth_set_ctrl(*kind, bio_ctrl);
        }
    }
    return *kind;
}

bool tls_bio_attach(BIO_METHOD **kind, struct tls_bio *t, SSL *ssl)
{
    BIO_METHOD *own = kind_of(kind);
    BIO *b = own != NULL ? BIO_new(own) : NULL;

    if (b == NULL) {
        return false;
    }
    BIO_set_data(b, t);
    BIO_set_init(b, 1);
    SSL_set_bio(ssl, b, b);
    return true;
}
