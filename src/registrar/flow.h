/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flow tokens (RFC 5626 §5.2): a hop as text that only we can have written.
 *
 * An edge proxy puts one into the user part of its Path or Record-Route URI; a request that
 * comes back with it is sent over that flow and no other. The token holds the flow, its
 * transport and its remote address, and a MAC over them: nobody can aim us at a flow or an
 * address of his choice. The key is made when the server starts, so a token from before a
 * restart, when flow numbers meant something else, is refused like a forged one. Not secret:
 * who sees a token sees the address.
 */
#ifndef BATON_REGISTRAR_FLOW_H
#define BATON_REGISTRAR_FLOW_H

#include "base/env.h"

struct flow_key {
    uint8_t octets[32];
};

void flow_key_init(struct flow_key *key, const struct env *env);

/** The most characters of a token; all of them may stand in a user part. */
#define FLOW_TOKEN_MAX 48

/** @return false: nothing was written (the hop has no flow or address, or the library failed)
 */
bool flow_token_write(const struct flow_key *key, const struct hop *hop,
                      struct out *out) MUST_USE;

/** @return false: not written with this key. Whether the flow is still open, sending says. */
bool flow_token_read(const struct flow_key *key, struct str text, struct hop *out) MUST_USE;

#endif
