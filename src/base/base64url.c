/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 for URLs: see base64url.h. Bits go through a small accumulator, highest first. */
#include "base/base64url.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_write(struct out *o, const uint8_t *octets, size_t n)
{
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = (bits << 8 | octets[i]) & 0xffff;
        for (have += 8; have >= 6; have -= 6) {
            out_ch(o, digits[bits >> (have - 6) & 63]);
        }
    }
    if (have > 0) {
        out_ch(o, digits[bits << (6 - have) & 63]);
    }
}

static int value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

size_t base64url_read(struct str text, uint8_t *octets, size_t cap)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        int v = value_of(text.p[i]);
        if (v < 0) {
            return SIZE_MAX;
        }
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            if (n == cap) {
                return SIZE_MAX;
            }
            octets[n++] = (uint8_t)(bits >> have);
            bits &= (1u << have) - 1;
        }
    }
    return have < 6 && bits == 0 ? n : SIZE_MAX;
}
