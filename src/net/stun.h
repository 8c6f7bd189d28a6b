/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STUN on the port of SIP over UDP, as far as SIP needs it: the answer to a binding request
 * (RFC 5626 §8, RFC 8489), by which a phone keeps its NAT binding alive and learns its address
 * outside. Octets in, octets out: no socket, no state.
 */
#ifndef BATON_NET_STUN_H
#define BATON_NET_STUN_H

#include "base/addr.h"
#include "base/str.h"

/** An answer is never longer. */
#define STUN_ANSWER_MAX 64

/** Is it STUN, or at least no SIP? Decided by two bits that no character of SIP has at the
    front (RFC 5626 §8.1). */
bool stun_looks_like(struct str datagram);

/**
 * Answer a binding request.
 * @param from  where it came from: what the answer is about
 * @return octets of `out`; 0: nothing is to be said (not a request that is well formed)
 */
size_t stun_answer(struct str datagram, const struct addr *from,
                   unsigned char out[static STUN_ANSWER_MAX]);

#endif
