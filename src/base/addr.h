/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport address: IPv4 or IPv6 with a port. A value: 20 bytes, compared octet by octet.
 * IPv4-mapped IPv6 (::ffff:a.b.c.d) is kept as IPv6 text says but compares as IPv4.
 */
#ifndef BATON_BASE_ADDR_H
#define BATON_BASE_ADDR_H

#include "base/out.h"
#include "base/str.h"

enum addr_family { ADDR_NONE = 0, ADDR_IP4 = 4, ADDR_IP6 = 6 };

struct addr {
    uint8_t ip[16]; /**< network order; IPv4 in the first four */
    uint16_t port;  /**< host order; 0: not given */
    uint8_t family; /**< enum addr_family */
    uint8_t pad;
};

enum transport { TP_NONE = 0, TP_UDP, TP_TCP, TP_TLS, TP_WS, TP_WSS, TP_COUNT };

/** "UDP", "TCP", … as Via spells it; "?" for anything else. */
const char *transport_name(enum transport t);

/** Any case; TP_NONE when unknown. */
enum transport transport_of(struct str name);

/** TCP, TLS, WS, WSS. */
bool transport_is_reliable(enum transport t);

/** TLS, WSS. */
bool transport_is_secure(enum transport t);

/** The port of a URI or Via that names none: 5061 over TLS, else 5060 (RFC 3261 §19.1.2). */
uint16_t transport_port(enum transport t);

/**
 * A numeric host: "192.0.2.1", "2001:db8::1" or "[2001:db8::1]" (also the three-colon form
 * of RFC 5118 §4.10). @return true and *out with `port`; false for a name
 */
bool addr_parse_host(struct str host, uint16_t port, struct addr *out);

/** "192.0.2.1:5060", "[::1]:5060"; without a port: port 0. @return false when it is neither */
bool addr_parse(struct str text, struct addr *out);

bool addr_eq(const struct addr *a, const struct addr *b);
bool addr_ip_eq(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);

/**
 * The octets that tell one subscriber from another, borrowed from the address: all of IPv4,
 * also when it is mapped, and the first 64 bits of IPv6. Empty for ADDR_NONE.
 */
struct str addr_source(const struct addr *a);

/** Host only, IPv6 in brackets; with `port`: host:port. At most 48 bytes. */
void addr_write_host(struct out *o, const struct addr *a);
void addr_write(struct out *o, const struct addr *a);

#endif
