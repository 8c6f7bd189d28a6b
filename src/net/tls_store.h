/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, keys and trusted roots, as OpenSSL's contexts: of the network layer, and of the
 * API's listeners (api/wire_tls.c), which has a store of its own.
 *
 * A store is made whole or not at all and never changed afterwards: loading again makes another
 * one. Connections hold references to what they need of it, so the old one can be freed while
 * they live.
 */
#ifndef BATON_NET_TLS_STORE_H
#define BATON_NET_TLS_STORE_H

#include "net/net.h"
#include <openssl/ssl.h>

struct tls_store;

/** What a context needs to know of a connection; kept as the SSL's application data. */
struct tls_peer {
    struct tls_store *const *store; /**< where the one in use stands: it may be replaced */
    struct str name;                /**< whom the server must prove to be; for servers: empty */
    bool sip;                       /**< application protocol of the listener: SIP, else HTTP */
};

/**
 * @return 0; E_SYNTAX, E_NOMEM with *fault
 */
int tls_store_new(const struct net_tls *from, struct tls_store **out,
                  struct net_tls_fault *fault);
void tls_store_free(struct tls_store *s);

/** Say what is allowed but should not be: expired certificates, keys that others can read. */
void tls_store_warn(const struct tls_store *s, const struct net_tls *from,
                    const struct env *env);

/** Is there a certificate to serve with? NULL: no. */
bool tls_store_serves(const struct tls_store *s);

/** A new connection's end, with our BIO to come; NULL when memory is out. */
SSL *tls_store_connect(const struct tls_store *s, struct tls_peer *peer);
SSL *tls_store_accept(const struct tls_store *s, struct tls_peer *peer);

/* tls_name.c */

/**
 * Does the certificate name this SIP domain (RFC 5922 §7.1, §7.2)? SIP URIs of the
 * subjectAltName without a user; if there are none, its DNS names; without any subjectAltName
 * the common name. Whole names, case aside, no wildcards. A numeric `name` is compared with the
 * IP addresses of the subjectAltName.
 */
bool tls_cert_names(X509 *cert, struct str name);

#endif
