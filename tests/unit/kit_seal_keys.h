/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of two ends, A and B: each algorithm once, with those of the RFCs where there are some.
 */
#ifndef BATON_TESTS_KIT_SEAL_KEYS_H
#define BATON_TESTS_KIT_SEAL_KEYS_H

#include "base/attr.h"
#include "seal/keys.h"

/** Ids of the keys that both have. 300 takes two octets in a frame. */
enum { SIV_KEY = 5, SIV64_KEY = 300, BOX_KEY = 6, SIGN_KEY = 7 };

/** 00 01 02 … from `first` on. */
#define KIT_OCTETS(name, first, n)     \
    char name[n];                      \
    for (size_t i = 0; i < (n); i++) { \
        name[i] = (char)((first) + i); \
    }

/** RFC 7748 §6.1: Alice and Bob. */
#define ALICE_SECRET                                                                   \
    "\x77\x07\x6d\x0a\x73\x18\xa5\x7d\x3c\x16\xc1\x72\x51\xb2\x66\x45\xdf\x4c\x2f\x87" \
    "\xeb\xc0\x99\x2a\xb1\x77\xfb\xa5\x1d\xb9\x2c\x2a"
#define ALICE_PUBLIC                                                                   \
    "\x85\x20\xf0\x09\x89\x30\xa7\x54\x74\x8b\x7d\xdc\xb4\x3e\xf7\x5a\x0d\xbf\x3a\x0d" \
    "\x26\x38\x1a\xf4\xeb\xa4\xa9\x8e\xaa\x9b\x4e\x6a"
#define BOB_SECRET                                                                     \
    "\x5d\xab\x08\x7e\x62\x4a\x8a\x4b\x79\xe1\x7f\x8b\x83\x80\x0e\xe6\x6f\x3b\xb1\x29" \
    "\x26\x18\xb6\xfd\x1c\x2f\x8b\x27\xff\x88\xe0\xeb"
#define BOB_PUBLIC                                                                     \
    "\xde\x9e\xdb\x7d\x7b\x7d\xc1\xb4\xd3\x5b\x61\xc2\xec\xe4\x35\x37\x3f\x83\x43\xc8" \
    "\x5b\x78\x67\x4d\xad\xfc\x7e\x14\x6f\x88\x2b\x4f"
/** RFC 8032 §7.1, test 1. */
#define SIGN_SECRET                                                                    \
    "\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69" \
    "\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60"
#define SIGN_PUBLIC                                                                    \
    "\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\x0e\xe1\x72\xf3" \
    "\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a"

/** Rows for A, who signs, or for B. @return 0 or what seal_keys_add says */
static inline int kit_add_keys(struct seal_keys *keys, bool first)
{
    KIT_OCTETS(shared, 0, 64)
    const char *why = "";
    const struct seal_key row[] = {
        {.id = SIV_KEY, .secret = {shared, 32}, .identity = STR("sip:group@example.com")},
        {.id = SIV64_KEY, .secret = {shared, 64}, .identity = STR("sip:group@example.com")},
        {.id = BOX_KEY,
         .alg = SEAL_X25519,
         .secret = first ? STR(ALICE_SECRET) : STR(BOB_SECRET),
         .public_key = first ? STR(BOB_PUBLIC) : STR(ALICE_PUBLIC),
         .identity = first ? STR("sip:b@example.com") : STR("sip:a@example.com")},
        {.id = SIGN_KEY,
         .alg = SEAL_ED25519,
         .secret = first ? STR(SIGN_SECRET) : STR_NONE,
         .public_key = first ? STR_NONE : STR(SIGN_PUBLIC),
         .identity = STR("sip:a@example.com")},
    };
    int err = 0;
    for (size_t i = 0; i < ARRAY_LEN(row) && err == 0; i++) {
        err = seal_keys_add(keys, &row[i], &why);
    }
    return err;
}

#endif
