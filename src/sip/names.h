/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Header and method names to ids, inline: private to the sip module.
 *
 * Names are compared as numbers, eight octets at a time. The last eight, the length and the
 * first octet give the slot (perfect hash of gen/gen_sip.py); what stands in the slot is
 * the name or the name is unknown. Header names are folded to lower case by setting bit 5,
 * which is right for letters and '-'; the one false friend is CR, which folds to '-' and
 * which no caller may pass.
 */
#ifndef BATON_SIP_NAMES_H
#define BATON_SIP_NAMES_H

#include "sip/vocab_tab.h"

#define SIP_FOLD8 0x2020202020202020U

/* Eight octets as a little-endian number. */
static inline uint64_t sip_load8(const char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

/* n in 1..7 octets as a number; `room` octets may be read. */
static inline uint64_t sip_load_short(const char *p, size_t n, size_t room)
{
    if (room >= 8) {
        return sip_load8(p) & (UINT64_MAX >> (64 - 8 * n));
    }
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++) {
        v |= (uint64_t)(unsigned char)p[i] << (8 * i);
    }
    return v;
}

/* The entry that may be this name, by number of its slot, and whether it is. */
static inline uint8_t sip_name_lookup(const char *p, size_t n, size_t room, uint64_t fold,
                                      const struct sip_vocab_name *names,
                                      const unsigned char *slots, uint64_t mul, int bits)
{
    uint64_t tail;
    if (n >= 8) {
        tail = sip_load8(p + n - 8) | fold;
    } else {
        tail = sip_load_short(p, n, room) | (fold & (UINT64_MAX >> (64 - 8 * n)));
    }
    uint64_t first = (unsigned char)p[0] | (fold & 0xffU);
    uint8_t id = slots[((tail + n + (first << 32)) * mul) >> (64 - bits)];
    const struct sip_vocab_name *name = &names[id];
    if (name->tail != tail || name->len != n) {
        return 0;
    }
    if (n > 8 && ((sip_load8(p) | fold) != name->head ||
                  (n > 16 && (sip_load8(p + 8) | fold) != name->mid))) {
        return 0;
    }
    return id;
}

/* n >= 1 octets without a CR; `room` >= n octets may be read from `p`. */
static inline uint8_t sip_hdr_lookup(const char *p, size_t n, size_t room)
{
    if (n == 1) {
        unsigned letter = ((unsigned char)p[0] | 0x20U) - 'a';
        return letter < 26U && p[0] >= 'A' ? sip_vocab_compact[letter] : 0;
    }
    return sip_name_lookup(p, n, room, SIP_FOLD8, sip_vocab_hdr, sip_vocab_hdr_slot,
                           SIP_VOCAB_HDR_MUL, SIP_VOCAB_HDR_BITS);
}

/* n >= 1 octets; `room` >= n octets may be read from `p`. */
static inline uint8_t sip_method_lookup(const char *p, size_t n, size_t room)
{
    return sip_name_lookup(p, n, room, 0, sip_vocab_method, sip_vocab_method_slot,
                           SIP_VOCAB_METHOD_MUL, SIP_VOCAB_METHOD_BITS);
}

#endif
