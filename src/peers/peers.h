/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Static peers: is one alive, has it room for a call, which of several takes it?
 *
 *         answered                      `failures` in a row, or 503
 *   up ◄──────────── down        up ────────────────────────────► down
 *
 * A peer with `probe_s` is asked by OPTIONS in that interval. Any final answer proves life, but
 * 503 (it says itself that it takes no calls) and 408 (somebody before it got no answer). What
 * is not answered counts as failed after PEER_WAIT_MS, for a peer that is a name when all its
 * servers have been tried. After a first failure it is asked again within a second. A peer
 * without probes is always up; whoever runs without this module (a state that is NULL) as well.
 *
 * LIMIT. `max_calls` at a time, whoever began them: bridged ones, out and in, from INVITE to
 * BYE; proxied ones as long as their INVITE has no final response, because the proxy keeps
 * nothing about a dialog after that. Who begins a call takes room and releases it. WEIGHT. Of
 * the peers that take a number the first in the configuration is chosen; when it has a weight,
 * by chance among all those with one that are up and have room.
 *
 * OWNERSHIP. struct peers owns the states, one for each peer of the directory, to which they
 * are fastened; both must outlive whoever asks. COST. A transaction a probe; a question is
 * O(1), a choice O(peers).
 */
#ifndef BATON_PEERS_PEERS_H
#define BATON_PEERS_PEERS_H

#include "auth/directory.h"
#include "base/wheel.h"
#include "txn/txn.h"

/** A numeric peer that is silent for so long has not answered. */
#define PEER_WAIT_MS 4000

struct peers;

struct peer_state {
    struct peers *peers;
    struct peer *peer;
    struct timer timer; /**< the next probe; while one is out: its end */
    struct txn *probe;
    uint32_t cseq, failed; /**< probes in a row without an answer */
    uint32_t calls;
    bool down;
    char call_id[33], tag[17];
};

struct peers {
    const struct env *env;
    struct wheel *wheel;
    struct txn_layer *txn;
    struct directory *dir;
    struct peer_state *state; /**< one for each peer that the directory had then */
    size_t count;
    uint64_t probes, answered, silent, full; /**< counters; full: calls refused by max_calls */
};

/** Begins to probe. @return 0 or E_NOMEM */
int peers_init(struct peers *p, const struct env *env, struct wheel *wheel,
               struct txn_layer *txn, struct directory *dir);
/** Before txn_layer_fini. */
void peers_fini(struct peers *p);
/** Peers of the directory were changed in their places: go on with what they are now. */
void peers_changed(struct peers *p);

/** Is it up, and has it room for one more call? */
bool peer_usable(const struct peer *peer);

/** Take room for one call. @return false: it is down or has none */
bool peer_take(const struct peer *peer);
/** The same for a call that comes from it: nobody is down who calls. @return false: no room */
bool peer_enter(const struct peer *peer);
void peer_release(const struct peer *peer);

/** The peer that is to take a call to this number; one that is not usable only when all that
   take the number are so. NULL: nobody takes it */
const struct peer *peer_for(const struct env *env, const struct directory *dir,
                            struct str number);

/** Where a request to it goes. */
void peer_target(const struct peer *peer, struct txn_target *out);
/** "sip:USER@host:port;transport=tcp"; without a user when that is empty. */
/** The same with the scheme sips: only for a peer that is reached over TLS. */
void peer_write_sips_uri(const struct peer *peer, struct str user, struct out *o);
void peer_write_uri(const struct peer *peer, struct str user, struct out *o);

/** How many are up, down, and how many calls all of them have. */
struct peers_now {
    uint64_t up, down, calls;
};
struct peers_now peers_now(const struct peers *p);

#endif
