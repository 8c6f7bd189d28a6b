/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transport addresses: text to value and back.
 *
 * Numbers are read and written by inet_pton and inet_ntop, which are library functions
 * without a system call. Zone identifiers ("fe80::1%eth0") are refused: they mean nothing
 * outside this machine. Nothing here looks names up.
 */
#include "base/addr.h"
#include <arpa/inet.h>

static const struct str names[TP_COUNT] = {
    [TP_NONE] = STR_INIT("?"),  [TP_UDP] = STR_INIT("UDP"), [TP_TCP] = STR_INIT("TCP"),
    [TP_TLS] = STR_INIT("TLS"), [TP_WS] = STR_INIT("WS"),   [TP_WSS] = STR_INIT("WSS"),
};

const char *transport_name(enum transport t)
{
    return (unsigned)t < TP_COUNT ? names[t].p : names[TP_NONE].p;
}

enum transport transport_of(struct str name)
{
    for (int t = TP_UDP; t < TP_COUNT; t++) {
        if (str_ieq(name, names[t])) {
            return (enum transport)t;
        }
    }
    return TP_NONE;
}

bool transport_is_secure(enum transport t)
{
    return t == TP_TLS || t == TP_WSS;
}

bool transport_is_reliable(enum transport t)
{
    return t == TP_TCP || t == TP_TLS || t == TP_WS || t == TP_WSS;
}

uint16_t transport_port(enum transport t)
{
    return t == TP_TLS || t == TP_WSS ? 5061 : 5060;
}

/**
 * The grammar of RFC 3261 gave an IPv4 tail one colon too many, "2001:db8:::192.0.2.1", and
 * RFC 5118 §4.10 wants it understood: drop the third colon, there and nowhere else.
 */
static void drop_third_colon(char *text)
{
    char *at = strstr(text, ":::");
    if (at != NULL && strchr(at + 3, ':') == NULL && strchr(at + 3, '.') != NULL) {
        memmove(at + 2, at + 3, strlen(at + 3) + 1);
    }
}

bool addr_parse_host(struct str host, uint16_t port, struct addr *out)
{
    char text[64];
    struct addr a = {.port = port, .family = ADDR_IP4};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        host = str_make(host.p + 1, host.n - 2);
        a.family = ADDR_IP6;
    } else if (str_index(host, ':') < host.n) {
        a.family = ADDR_IP6;
    }
    if (host.n == 0 || host.n >= sizeof(text) || str_index(host, '\0') < host.n) {
        return false;
    }
    memcpy(text, host.p, host.n);
    text[host.n] = '\0';
    if (a.family == ADDR_IP6) {
        drop_third_colon(text);
    }
    if (inet_pton(a.family == ADDR_IP6 ? AF_INET6 : AF_INET, text, a.ip) != 1) {
        return false;
    }
    *out = a;
    return true;
}

bool addr_parse(struct str text, struct addr *out)
{
    /* The port stands behind "]:" or behind the only colon; "::1" alone has none. */
    size_t colon = str_index(text, ':');
    if (text.n > 0 && text.p[0] == '[') {
        colon = str_index(text, ']');
        colon = colon < text.n ? colon + 1 : text.n;
    }
    struct str rest = str_from(text, colon);
    if (rest.n == 0 || (text.p[0] != '[' && str_index(str_from(rest, 1), ':') < rest.n - 1)) {
        return addr_parse_host(text, 0, out);
    }
    uint64_t port;
    return rest.p[0] == ':' && str_to_u64(str_from(rest, 1), UINT16_MAX, &port) &&
           addr_parse_host(str_upto(text, colon), (uint16_t)port, out);
}

/** The four bytes of an IPv4 address, also of one mapped into IPv6; else NULL. */
static const uint8_t *as_ip4(const struct addr *a)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (a->family == ADDR_IP4) {
        return a->ip;
    }
    bool is_mapped = a->family == ADDR_IP6 && memcmp(a->ip, mapped, sizeof(mapped)) == 0;
    return is_mapped ? a->ip + sizeof(mapped) : NULL;
}

bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
    const uint8_t *a4 = as_ip4(a);
    const uint8_t *b4 = as_ip4(b);
    if (a4 != NULL || b4 != NULL) {
        return a4 != NULL && b4 != NULL && memcmp(a4, b4, 4) == 0;
    }
    return a->family == b->family &&
           (a->family == ADDR_NONE || memcmp(a->ip, b->ip, sizeof(a->ip)) == 0);
}

struct str addr_source(const struct addr *a)
{
    const uint8_t *ip4 = as_ip4(a);
    if (ip4 != NULL) {
        return str_make((const char *)ip4, 4);
    }
    return str_make((const char *)a->ip, a->family == ADDR_IP6 ? 8 : 0);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
    return a->port == b->port && addr_ip_eq(a, b);
}

bool addr_is_loopback(const struct addr *a)
{
    static const uint8_t one[16] = {[15] = 1};
    const uint8_t *ip4 = as_ip4(a);
    return ip4 != NULL ? ip4[0] == 127
                       : a->family == ADDR_IP6 && memcmp(a->ip, one, sizeof(one)) == 0;
}

/* By hand: inet_ntop is a printf, and each Via that is sent or answered has an address. */
static void write_ip4(struct out *o, const uint8_t *ip)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            out_ch(o, '.');
        }
        out_u64(o, ip[i]);
    }
}

void addr_write_host(struct out *o, const struct addr *a)
{
    char text[INET6_ADDRSTRLEN];
    if (a->family == ADDR_IP4) {
        write_ip4(o, a->ip);
    } else if (a->family == ADDR_IP6 &&
               inet_ntop(AF_INET6, a->ip, text, sizeof(text)) != NULL) {
        out_ch(o, '[');
        out_c(o, text);
        out_ch(o, ']');
    } else {
        out_c(o, "?");
    }
}

void addr_write(struct out *o, const struct addr *a)
{
    addr_write_host(o, a);
    if (a->port != 0) {
        out_ch(o, ':');
        out_u64(o, a->port);
    }
}
