/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow tokens: see flow.h.
 *
 *   octets   1          1        4     2     4 or 16   12
 *            transport  family   flow  port  address   HMAC-SHA-256 of the others, cut
 *
 * in base 64 for URLs: 32 characters for IPv4, 48 for IPv6. Cost: about 1 us.
 */
#include "registrar/flow.h"

#include "base/base64url.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum { HEAD = 8, MAC = 12, OCTETS_MAX = HEAD + 16 + MAC };

_Static_assert(BASE64URL_LEN(OCTETS_MAX) == FLOW_TOKEN_MAX, "length of a token");

void flow_key_init(struct flow_key *key, const struct env *env)
{
    env->random(env->ctx, key->octets, sizeof(key->octets));
}

static bool write_mac(const struct flow_key *key, const uint8_t *octets, size_t n, uint8_t *mac)
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (HMAC(EVP_sha256(), key->octets, (int)sizeof(key->octets), octets, n, whole, &len) ==
            NULL ||
        len < MAC) {
        return false;
    }
    memcpy(mac, whole, MAC);
    return true;
}

static size_t address_len(uint8_t family)
{
    return family == ADDR_IP4 ? 4 : family == ADDR_IP6 ? 16 : 0;
}

bool flow_token_write(const struct flow_key *key, const struct hop *hop, struct out *out)
{
    uint8_t octets[OCTETS_MAX];
    size_t n = HEAD + address_len(hop->remote.family);
    if (hop->flow == 0 || n == HEAD) {
        return false;
    }
    octets[0] = hop->transport;
    octets[1] = hop->remote.family;
    for (int i = 0; i < 4; i++) {
        octets[2 + i] = (uint8_t)(hop->flow >> (24 - 8 * i));
    }
    octets[6] = (uint8_t)(hop->remote.port >> 8);
    octets[7] = (uint8_t)hop->remote.port;
    memcpy(octets + HEAD, hop->remote.ip, n - HEAD);
    if (!write_mac(key, octets, n, octets + n)) {
        return false;
    }
    base64url_write(out, octets, n + MAC);
    return true;
}

bool flow_token_read(const struct flow_key *key, struct str text, struct hop *out)
{
    uint8_t octets[OCTETS_MAX];
    uint8_t mac[MAC];
    size_t n = base64url_read(text, octets, sizeof(octets));
    if (n == SIZE_MAX || n < HEAD + MAC || n != HEAD + address_len(octets[1]) + MAC ||
        !write_mac(key, octets, n - MAC, mac) ||
        !str_eq_secret(str_make((const char *)mac, MAC),
                       str_make((const char *)octets + n - MAC, MAC))) {
        return false;
    }
    *out = (struct hop){.transport = octets[0], .remote = {.family = octets[1]}};
    for (int i = 0; i < 4; i++) {
        out->flow = out->flow << 8 | octets[2 + i];
    }
    out->remote.port = (uint16_t)(octets[6] << 8 | octets[7]);
    memcpy(out->remote.ip, octets + HEAD, n - MAC - HEAD);
    return true;
}
