/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The STUN server of RFC 5626 §8: no credentials, no other method than Binding.
 *
 * What is malformed, has another magic number, or a FINGERPRINT that does not fit is not
 * answered at all: anyone can send it, in anyone's name. An attribute that must be understood
 * and is not gets 420 with its number (RFC 8489 §6.3.1). Answers are hardly longer than
 * requests, so they are of no use to who wants to flood a third party.
 */
#include "net/stun.h"
#include <string.h>

#define HEADER 20
#define MAGIC 0x2112A442u
#define BINDING_REQUEST 0x0001u
#define BINDING_SUCCESS 0x0101u
#define BINDING_ERROR 0x0111u
#define ATTR_ERROR_CODE 0x0009u
#define ATTR_UNKNOWN 0x000Au
#define ATTR_XOR_MAPPED 0x0020u
#define ATTR_FINGERPRINT 0x8028u
#define FINGERPRINT_XOR 0x5354554Eu
#define FINGERPRINT_SIZE 8

/** Unknown attributes that an error names. */
#define UNKNOWN_MAX 4

static unsigned read16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static uint32_t read32(const unsigned char *p)
{
    return (uint32_t)read16(p) << 16 | read16(p + 2);
}

static void write16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
}

static void write32(unsigned char *p, uint32_t v)
{
    write16(p, v >> 16);
    write16(p + 2, v & 0xFFFF);
}

/** CRC-32 of ISO 3309, as in Ethernet; a few dozen octets at a time do not need a table. */
static uint32_t crc32(const unsigned char *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) {
            crc = crc >> 1 ^ (0xEDB88320u & (0u - (crc & 1)));
        }
    }
    return ~crc;
}

static uint32_t fingerprint(const unsigned char *p, size_t n)
{
    return crc32(p, n) ^ FINGERPRINT_XOR;
}

/** What a request says besides being one. */
struct request {
    bool fingerprint;
    unsigned unknown[UNKNOWN_MAX];
    size_t unknown_n;
};

/** Those of RFC 8489 that a request may have: credentials, which nobody asked for. */
static bool is_known(unsigned type)
{
    static const uint16_t known[] = {0x0006, 0x0008, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (type == known[i]) {
            return true;
        }
    }
    return false;
}

/** Attributes with numbers below 0x8000 must be understood. @return false: malformed */
static bool read_attributes(const unsigned char *p, size_t n, struct request *r)
{
    size_t at = HEADER;
    while (at < n) {
        if (n - at < 4) {
            return false;
        }
        unsigned type = read16(p + at), len = read16(p + at + 2);
        size_t padded = (len + 3u) & ~(size_t)3;
        if (padded > n - at - 4) {
            return false;
        }
        if (type == ATTR_FINGERPRINT) {
            /* the last one, over all that is before it (RFC 8489 §14.7) */
            r->fingerprint = true;
            return len == 4 && at + FINGERPRINT_SIZE == n &&
                   read32(p + at + 4) == fingerprint(p, at);
        }
        if (type < 0x8000 && !is_known(type) && r->unknown_n < UNKNOWN_MAX) {
            r->unknown[r->unknown_n++] = type;
        }
        at += 4 + padded;
    }
    return true;
}

static size_t write_mapped(unsigned char *p, const struct addr *from, const unsigned char *id)
{
    unsigned char key[16];
    size_t len = from->family == ADDR_IP4 ? 4 : 16;
    write32(key, MAGIC);
    memcpy(key + 4, id, 12);
    write16(p, ATTR_XOR_MAPPED);
    write16(p + 2, (unsigned)(4 + len));
    p[4] = 0;
    p[5] = from->family == ADDR_IP4 ? 1 : 2;
    write16(p + 6, from->port ^ (MAGIC >> 16));
    for (size_t i = 0; i < len; i++) {
        p[8 + i] = from->ip[i] ^ key[i];
    }
    return 8 + len;
}

static size_t write_unknown(unsigned char *p, const struct request *r)
{
    static const unsigned char error[] = {0, 0, 4, 20};
    size_t len = 2 * r->unknown_n, padded = (len + 3) & ~(size_t)3;
    write16(p, ATTR_ERROR_CODE);
    write16(p + 2, sizeof(error));
    memcpy(p + 4, error, sizeof(error));
    p += 8;
    memset(p, 0, 4 + padded);
    write16(p, ATTR_UNKNOWN);
    write16(p + 2, (unsigned)len);
    for (size_t i = 0; i < r->unknown_n; i++) {
        write16(p + 4 + 2 * i, r->unknown[i]);
    }
    return 8 + 4 + padded;
}

bool stun_looks_like(struct str datagram)
{
    return datagram.n >= HEADER && ((unsigned char)datagram.p[0] & 0xC0) == 0 &&
           read32((const unsigned char *)datagram.p + 4) == MAGIC;
}

size_t stun_answer(struct str datagram, const struct addr *from,
                   unsigned char out[static STUN_ANSWER_MAX])
{
    const unsigned char *in = (const unsigned char *)datagram.p;
    struct request r = {0};
    if (!stun_looks_like(datagram) || read16(in) != BINDING_REQUEST ||
        read16(in + 2) != datagram.n - HEADER || datagram.n % 4 != 0 ||
        !read_attributes(in, datagram.n, &r)) {
        return 0;
    }
    bool bad = r.unknown_n > 0;
    memcpy(out, in, HEADER);
    write16(out, bad ? BINDING_ERROR : BINDING_SUCCESS);
    size_t n = HEADER + (bad ? write_unknown(out + HEADER, &r)
                             : write_mapped(out + HEADER, from, in + 8));
    write16(out + 2, (unsigned)(n - HEADER));
    if (r.fingerprint) {
        write16(out + 2, (unsigned)(n + FINGERPRINT_SIZE - HEADER));
        write16(out + n, ATTR_FINGERPRINT);
        write16(out + n + 2, 4);
        write32(out + n + 4, fingerprint(out, n));
        n += FINGERPRINT_SIZE;
    }
    return n;
}
