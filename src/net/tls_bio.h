/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands between OpenSSL and a connection of ours, instead of a socket: it reads from a
 * slice, the octets that just came, and what it writes goes to whoever queues it. No octet is
 * copied to a buffer in between; what it has not understood yet it keeps itself.
 *
 * Connections of SIP and CSTA (tls.c) and of the HTTP API (api/wire_tls.c) have one each.
 */
#ifndef BATON_NET_TLS_BIO_H
#define BATON_NET_TLS_BIO_H

#include "base/str.h"
#include <openssl/ssl.h>

struct tls_bio {
    struct str feed; /**< octets from the wire that OpenSSL has not taken yet */
    int (*send)(void *ctx, const struct str *run, size_t n); /**< @return 0, or it is over */
    void *ctx;
};

/**
 * Have `ssl` read and write by `t`, which outlives it.
 * @param kind  where the kind of BIO is, made when it is first needed; BIO_meth_free after the
 *              last connection
 * @return false: no memory
 */
bool tls_bio_attach(BIO_METHOD **kind, struct tls_bio *t, SSL *ssl);

#endif
