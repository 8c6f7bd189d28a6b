/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: what strangers may cost us.
 *
 * Every request that belongs to no dialog and comes from no trusted peer is judged here before
 * anything is made for it. A source is an IPv4 address, or the /64 of an IPv6 one.
 *
 *   scanner patterns   dropped, and an offence
 *   bans               `ban_after` offences in `window_s` (messages that cannot be read, wrong
 *                      credentials, scanners): everything is dropped for `ban_s`, twice as long
 *                      each time, up to `max_ban_s`
 *   guessing           after `slow_after` wrong credentials in a row, of one source or for one
 *                      user, further credentials are not looked at for `slow_s`, twice as long
 *                      each time; whoever guesses hears nothing at all, and to go on with it is
 *                      an offence
 *   rates              a token bucket for each source: over UDP, where a source can be forged,
 *                      what is over the rate is dropped; else it is answered 503
 *
 * NOBODY LOCKS OUT A PHONE. Who has proven to be a user, from one source, is known for a day:
 * as this user, from there, he is neither slowed nor banned, whatever others do in his name or
 * with his address. The rate counts for him, in a bucket of his own. A user name that is being
 * guessed is slowed for all sources but those.
 *
 * BOUNDS. Three tables of at most `max_sources` entries each, the one that was quiet longest
 * making room. Those who have proven something cannot be pushed out by those who have not.
 * Nothing here keeps an answer waiting: slowing costs no state but the entry.
 *
 * TIME. It comes with each call; nothing here runs by itself.
 */
#ifndef BATON_ENGINE_GUARD_H
#define BATON_ENGINE_GUARD_H

#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "sip/msg.h"

struct guard_config {
    uint32_t rate;              /**< requests a second from one source; 0: no limit */
    uint32_t burst;             /**< and so many at once; 0: `rate` */
    uint32_t ban_after;         /**< offences; 0: nobody is banned */
    uint32_t window_s;          /**< in so many seconds; 0: 60 */
    uint32_t ban_s;             /**< 0: 60 */
    uint32_t max_ban_s;         /**< 0: an hour */
    uint32_t slow_after;        /**< wrong credentials in a row; 0: nobody is slowed */
    uint32_t slow_s;            /**< 0: 1 */
    uint32_t max_slow_s;        /**< 0: 60 */
    uint32_t max_sources;       /**< of each table; 0: 16384 */
    bool loopback;              /**< requests from this machine are judged as well */
    const struct str *scanners; /**< what User-Agent holds, any case */
    size_t scanner_count;
    const struct str *scanner_users; /**< the whole user part of From or To */
    size_t scanner_user_count;
};

enum guard_verdict {
    GUARD_PASS,
    GUARD_DROP,  /**< no answer */
    GUARD_LIMIT, /**< 503, or no answer when that could go to somebody else */
};

enum guard_offence { GUARD_MALFORMED, GUARD_WRONG, GUARD_SCANNER };

struct guard_entry;

struct guard_table {
    struct map map;
    struct list quiet; /**< the one that was heard of longest ago first */
    struct pool pool;
};

struct guard {
    const struct env *env;
    struct guard_config config;
    struct hash_key key;
    struct guard_table sources; /**< by address */
    struct guard_table users;   /**< wrong credentials for a user, by name */
    struct guard_table proven;  /**< by user and address */
    uint64_t banned_until_ms;   /**< the latest end of any ban */
    uint32_t last_ban_s;        /**< how long the last ban is */
    uint64_t scanners, banned, bans, slowed, limited,
        evicted; /**< counters: messages, but bans */
};

/** @return 0 or E_NOMEM. The patterns stay the caller's. */
int guard_init(struct guard *g, const struct env *env, const struct guard_config *config);
void guard_fini(struct guard *g);

/** A request outside of any dialog from somebody who is no trusted peer. */
enum guard_verdict guard_request(struct guard *g, const struct sip_msg *m,
                                 const struct hop *from, uint64_t now_ms);

/** Is everything from there dropped? For messages that cannot be read. */
bool guard_is_banned(const struct guard *g, const struct addr *from, uint64_t now_ms);

/**
 * Something that honest phones do not do. @return seconds for which that source is banned from
 * now on, for a log line; 0: it was not the last straw
 */
uint32_t guard_offend(struct guard *g, const struct addr *from, enum guard_offence what,
                      uint64_t now_ms);

/**
 * Credentials were checked. @return as guard_offend
 * @param right  they prove the user whom guard_claim names
 */
uint32_t guard_credentials(struct guard *g, const struct sip_msg *m, const struct addr *from,
                           bool right, uint64_t now_ms);

/** Who a request says it is from: the user of its credentials, else of From. */
struct str guard_claim(const struct sip_msg *m);

#endif
