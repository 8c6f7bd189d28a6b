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
 * WHAT IT UNDERSTANDS. An answer to OPTIONS also says which extensions and packages of
 * User-to-User a peer supports (RFC 3261 §11.2, RFC 3840 §8). It is remembered (learn.c) and
 * asked for when a call wants somebody who does. `ask_s` has peers without probes asked, too;
 * whether they live is not judged by that.
 *
 * OWNERSHIP. struct peers owns the states, one for each peer of the directory, to which they
 * are fastened; both must outlive whoever asks. COST. A transaction a probe; a question is
 * O(1), a choice O(peers).
 */
#ifndef BATON_PEERS_PEERS_H
#define BATON_PEERS_PEERS_H

#include "auth/directory.h"
#include "base/wheel.h"
#include "registrar/support.h"
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
    struct support said;    /**< in answer to OPTIONS; slices of `block` */
    char *block;            /**< NULL: nothing yet */
    uint64_t said_until_ms; /**< it counts until then */
    char call_id[33], tag[17];
};

/** How peers are asked what they understand. */
struct peers_config {
    uint32_t ask_s;     /**< peers without probe_s are asked in this interval; 0: not */
    uint32_t keep_s;    /**< what a peer said counts so long; 0: an hour */
    uint32_t keep_no_s; /**< that it said nothing counts so long; 0: five minutes */
};

struct peers {
    const struct env *env;
    struct wheel *wheel;
    struct txn_layer *txn;
    struct directory *dir;
    struct peer_state *state; /**< one for each peer that the directory had then */
    size_t count;
    struct peers_config config;
    uint64_t learned;                        /**< counter: answers that said something new */
    uint64_t probes, answered, silent, full; /**< counters; full: calls refused by max_calls */
};

/** Begins to probe, and to ask. `config` NULL: nobody is only asked. @return 0 or E_NOMEM */
int peers_init(struct peers *p, const struct env *env, struct wheel *wheel,
               struct txn_layer *txn, struct directory *dir, const struct peers_config *config);
/** Before txn_layer_fini. */
void peers_fini(struct peers *p);
/** Peers of the directory were changed in their places: go on with what they are now. */
void peers_changed(struct peers *p);

/** What is declared of it, or it has said itself and still counts. Borrowed until time passes.
 */
struct support peer_support(const struct peer *peer);

/** How well it fits; `w` NULL: FIT_YES. */
enum fit peer_fit(const struct peer *peer, const struct demand *w);

/** Does it understand that package? See support_package. */
enum understands peer_understands(const struct peer *peer, struct str package,
                                  struct str feature_tag);

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

/**
 * The same among those that fit best (`w` NULL: all of them); who does not fit is not chosen.
 * @param best  how well the best of all that take the number fits: why there is nobody
 */
const struct peer *peer_for_demand(const struct env *env, const struct directory *dir,
                                   struct str number, const struct demand *w, enum fit *best);

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
