/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user part of our Record-Route URIs.
 *
 *     token = MAC [ "." ways ]
 *
 * MAC is 128 bits: two SipHash-2-4 under keys of their own over the keyed hashes of Call-ID,
 * the tag of the dialog's initiator, and the ways. It proves that the proxy has forwarded the
 * request that began this dialog; compared in constant time. Which tag fits, From or To, tells
 * the direction. SipHash was made to be a MAC for short inputs, and costs a tenth of HMAC-SHA-1
 * (which RFC 5626 §5.2 gives as an example); every request of every dialog pays for this.
 *
 * WAYS are the hops of caller and callee when only these lead to them: for each a letter (none,
 * IPv4, IPv6) and then flow, transport, port and address. A flow number is good within a run
 * only; when it is gone, the sender hears 430 (RFC 5626 §5.3). An octet behind them says what
 * came of the service of the ISDN (uus.c); without it none of the two is one.
 *
 * A PATH token begins with '~' and has one way. Its MAC is over "Path" and the way, and for a
 * connection over a key of this run.
 *
 * All in the alphabet of base64url, which needs no escapes in a user part (RFC 3261 §25.1).
 */
#include "proxy/priv.h"

#include "base/base64url.h"

enum {
    PATH_MARK = '~',
    MAC_LEN = 16,
    MAC_TEXT = BASE64URL_LEN(MAC_LEN),
    WAYS_MAX = 2 * (1 + 4 + 1 + 2 + 16) + 1
};

/* ---- ways ---- */

static size_t address_size(uint8_t family)
{
    return family == ADDR_IP6 ? 16 : 4;
}

static size_t put_way(unsigned char *p, const struct hop *h)
{
    if (h->flow == 0) {
        p[0] = ADDR_NONE;
        return 1;
    }
    size_t n = address_size(h->remote.family);
    p[0] = h->remote.family;
    memcpy(p + 1, &h->flow, 4);
    p[5] = h->transport;
    memcpy(p + 6, &h->remote.port, 2);
    memcpy(p + 8, h->remote.ip, n);
    return 8 + n;
}

/** @return octets used; 0: malformed, which a MAC of ours rules out */
static size_t get_way(const unsigned char *p, size_t have, struct hop *h)
{
    *h = (struct hop){0};
    if (have == 0) {
        return 0;
    }
    if (p[0] == ADDR_NONE) {
        return 1;
    }
    size_t n = address_size(p[0]);
    if (have < 8 + n) {
        return 0;
    }
    h->remote.family = p[0];
    memcpy(&h->flow, p + 1, 4);
    h->transport = p[5];
    memcpy(&h->remote.port, p + 6, 2);
    memcpy(h->remote.ip, p + 8, n);
    return 8 + n;
}

/* ---- the MAC ---- */

static void make_mac(const struct proxy *p, struct str call_id, struct str tag, struct str ways,
                     unsigned char mac[static MAC_LEN])
{
    uint64_t part[3] = {hash_mac(&p->dialog_key, call_id), hash_mac(&p->dialog_key, tag),
                        hash_mac(&p->dialog_key, ways)};
    struct str all = str_make((const char *)part, sizeof(part));
    uint64_t half[2] = {hash_mac(&p->token_key[0], all), hash_mac(&p->token_key[1], all)};
    memcpy(mac, half, MAC_LEN);
}

/* ---- Path ---- */

/** What a flow number means: a socket of ours in every run, a connection in this one only. */
static void make_path_mac(const struct proxy *p, struct str way, uint8_t transport,
                          unsigned char mac[static MAC_LEN])
{
    struct str run = str_make((const char *)&p->loop_key, sizeof(p->loop_key));
    make_mac(p, STR("Path"), transport == TP_UDP ? STR_NONE : run, way, mac);
}

void proxy__path_write(const struct proxy *p, const struct hop *flow, struct out *o)
{
    unsigned char raw[WAYS_MAX], mac[MAC_LEN];
    size_t n = put_way(raw, flow);
    make_path_mac(p, str_make((const char *)raw, n), flow->transport, mac);
    out_ch(o, PATH_MARK);
    base64url_write(o, mac, MAC_LEN);
    base64url_write(o, raw, n);
}

bool proxy__path_read(const struct proxy *p, struct str user, struct hop *flow)
{
    unsigned char raw[WAYS_MAX], claimed[MAC_LEN], mac[MAC_LEN];
    struct hop said;
    *flow = (struct hop){0};
    if (user.n <= 1 + MAC_TEXT || user.p[0] != PATH_MARK ||
        base64url_read(str_make(user.p + 1, MAC_TEXT), claimed, MAC_LEN) != MAC_LEN) {
        return false;
    }
    size_t n = base64url_read(str_from(user, 1 + MAC_TEXT), raw, WAYS_MAX);
    if (n == SIZE_MAX || n == 0 || get_way(raw, n, &said) != n) {
        return false;
    }
    make_path_mac(p, str_make((const char *)raw, n), said.transport, mac);
    if (str_eq_secret(str_make((const char *)mac, MAC_LEN),
                      str_make((const char *)claimed, MAC_LEN))) {
        *flow = said;
    }
    return true;
}

/* ---- Record-Route ---- */

void proxy__token_write(const struct proxy *p, const struct sip_msg *m,
                        const struct proxy__ways *ways, struct out *o)
{
    unsigned char raw[WAYS_MAX], mac[MAC_LEN];
    size_t n = 0;
    if (ways->caller.flow != 0 || ways->callee.flow != 0 || ways->uus != 0) {
        n = put_way(raw, &ways->caller);
        n += put_way(raw + n, &ways->callee);
    }
    if (ways->uus != 0) {
        raw[n++] = ways->uus;
    }
    make_mac(p, sip_msg_value(m, SIP_HDR_CALL_ID), sip_msg_tag(m, SIP_HDR_FROM),
             str_make((const char *)raw, n), mac);
    base64url_write(o, mac, MAC_LEN);
    if (n > 0) {
        out_ch(o, '.');
        base64url_write(o, raw, n);
    }
}

enum proxy__side proxy__token_read(const struct proxy *p, struct str user,
                                   const struct sip_msg *m, struct proxy__ways *ways)
{
    static const enum sip_hdr_id initiator[] = {SIP_HDR_FROM, SIP_HDR_TO};
    unsigned char raw[WAYS_MAX], claimed[MAC_LEN], mac[MAC_LEN];
    size_t n = 0;
    *ways = (struct proxy__ways){0};
    if (user.n < MAC_TEXT ||
        base64url_read(str_upto(user, MAC_TEXT), claimed, MAC_LEN) != MAC_LEN) {
        return PROXY_FROM_NOBODY;
    }
    if (user.n > MAC_TEXT) {
        n = user.p[MAC_TEXT] == '.'
                ? base64url_read(str_from(user, MAC_TEXT + 1), raw, WAYS_MAX)
                : SIZE_MAX;
        if (n == 0 || n == SIZE_MAX) {
            return PROXY_FROM_NOBODY;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(initiator); i++) {
        make_mac(p, sip_msg_value(m, SIP_HDR_CALL_ID), sip_msg_tag(m, initiator[i]),
                 str_make((const char *)raw, n), mac);
        if (str_eq_secret(str_make((const char *)mac, MAC_LEN),
                          str_make((const char *)claimed, MAC_LEN))) {
            size_t used = n > 0 ? get_way(raw, n, &ways->caller) : 0;
            used += get_way(raw + used, n - used, &ways->callee);
            ways->uus = used < n ? raw[used] : 0;
            return i == 0 ? PROXY_FROM_CALLER : PROXY_FROM_CALLEE;
        }
    }
    return PROXY_FROM_NOBODY;
}
