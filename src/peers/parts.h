/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module know of each other.
 *
 *   peers.c   states, limits, choice
 *   probe.c   OPTIONS, up and down
 */
#ifndef BATON_PEERS_PARTS_H
#define BATON_PEERS_PARTS_H

#include "base/err.h"
#include "peers/peers.h"

/** Set the timer for the first probe. */
void probe_begin(struct peer_state *s);
void probe_end(struct peer_state *s);

#endif
