/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module know of each other.
 *
 *   peers.c   states, limits, choice
 *   probe.c   OPTIONS, up and down
 *   learn.c   what an answer to OPTIONS says of it
 */
#ifndef BATON_PEERS_PARTS_H
#define BATON_PEERS_PARTS_H

#include "base/err.h"
#include "peers/peers.h"

/** Set the timer for the first probe. */
void probe_begin(struct peer_state *s);
void probe_end(struct peer_state *s);

/** Remember what an answer to OPTIONS says. */
void peer_learn(struct peer_state *s, const struct sip_msg *m, uint64_t now_ms);
void peer_forget(struct peer_state *s);
/** Does the configuration say what it understands? */
bool peer_is_declared(const struct peer *peer);

#endif
