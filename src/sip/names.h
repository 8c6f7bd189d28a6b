/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header and method names to ids, inline: private to the sip module.
 *
 * The slot of a name is computed from three of its octets and its length (perfect hash of
 * gen/gen_sip.py); one comparison decides. Header names are folded to lower case by
 * setting bit 5, which is right for letters and '-'; the one false friend is CR, which
 * folds to '-' and which no caller may pass.
 */
#ifndef BATON_SIP_NAMES_H
#define BATON_SIP_NAMES_H

#include "sip/vocab_tab.h"

#define SIP_FOLD 0x20U

static inline uint64_t sip_load64(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
    return v;
}

/* Equality of n >= 2 folded octets with a key of the table, by overlapping words. */
static inline bool sip_name_folds_to(const char *p, size_t n, const char *key)
{
    const uint64_t fold = 0x2020202020202020U;
    if (n >= 8) {
        uint64_t diff = (sip_load64(p) | fold) ^ sip_load64(key);
        if (n > 16) {
            diff |= (sip_load64(p + 8) | fold) ^ sip_load64(key + 8);
        }
        return (diff | ((sip_load64(p + n - 8) | fold) ^ sip_load64(key + n - 8))) == 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (((unsigned char)p[i] | SIP_FOLD) != (unsigned char)key[i]) {
            return false;
        }
    }
    return true;
}

/* `n` is at least 1; no CR in it. */
static inline uint8_t sip_hdr_lookup(const char *p, size_t n)
{
    unsigned first = (unsigned char)p[0] | SIP_FOLD;
    if (n == 1) {
        return first - 'a' < 26U && p[0] >= 'A' ? sip_vocab_compact[first - 'a'] : 0;
    }
    unsigned middle = (unsigned char)p[n / 2] | SIP_FOLD;
    unsigned last = (unsigned char)p[n - 1] | SIP_FOLD;
    unsigned slot = (first * SIP_VOCAB_HDR_A + middle * SIP_VOCAB_HDR_B +
                     last * SIP_VOCAB_HDR_C + (unsigned)n * SIP_VOCAB_HDR_D) %
                    SIP_VOCAB_HDR_SLOTS;
    uint8_t id = sip_vocab_hdr_slot[slot];
    const struct sip_vocab_name *entry = &sip_vocab_hdr[id];
    return entry->len == n && sip_name_folds_to(p, n, entry->key) ? id : 0;
}

/* `n` is at least 1. */
static inline uint8_t sip_method_lookup(const char *p, size_t n)
{
    unsigned slot =
        ((unsigned char)p[0] * SIP_VOCAB_METHOD_A +
         (unsigned char)p[n / 2] * SIP_VOCAB_METHOD_B +
         (unsigned char)p[n - 1] * SIP_VOCAB_METHOD_C + (unsigned)n * SIP_VOCAB_METHOD_D) %
        SIP_VOCAB_METHOD_SLOTS;
    uint8_t id = sip_vocab_method_slot[slot];
    const struct sip_vocab_name *entry = &sip_vocab_method[id];
    return entry->len == n && memcmp(p, entry->key, n) == 0 ? id : 0;
}

#endif
