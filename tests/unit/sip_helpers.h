/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of src/sip share: a message from a literal, and its verdict. */
#ifndef BATON_TESTS_SIP_HELPERS_H
#define BATON_TESTS_SIP_HELPERS_H

#include "base/err.h"
#include "sip/msg.h"

struct sip_parsed {
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m;
    struct sip_fault fault;
    int err;
};

static inline int sip_test_index(struct sip_parsed *p, struct str bytes)
{
    p->m.hdr = p->hdr;
    p->err = sip_msg_index(&p->m, bytes, true, &sip_limits_default, &p->fault);
    return p->err;
}

/* Index and, when that is well, check. */
static inline int sip_test_judge(struct sip_parsed *p, struct str bytes)
{
    if (sip_test_index(p, bytes) == 0) {
        p->err = sip_msg_check(&p->m, &sip_limits_default, &p->fault);
    }
    return p->err;
}

/* xorshift: the same numbers in every run. */
static inline uint32_t sip_test_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

#endif
