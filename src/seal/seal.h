/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed User-to-User Information: integrity and privacy inside the octets (RFC 6567 REQ-13 and
 * REQ-14; RFC 7433 §7, first model).
 *
 * A seal is put around octets before they become a header value, a URI, an ISDN element, and is
 * taken off by who gets the octets; what lies between does not see it, and it is whole after
 * any of them. docs/seal.md has the frame octet by octet, and test vectors:
 *
 *     00 | form | key id | time | what the form and the algorithm add | body | tag
 *
 *     algorithm  octets added (of 128)  gives
 *     aes-siv    22   106 are left      integrity and privacy among those who share a key
 *     x25519     42    86               the same between two parties, who are sure of each
 * other ed25519    70    58               integrity, and a proof of who it was, for everybody
 *
 * The key id leads to a row of the key table, and the row says which algorithm it is, who it is
 * that seals with it, for which packages and from when to when: nothing of that is taken from
 * the message. What is sealed with it besides the octets (struct seal_about) is what a value is
 * for, so that it cannot be used for something else.
 *
 * FRESHNESS. A frame has the time at which it was made. It is good for `window_s` seconds in
 * either direction, and during these it is remembered: the same frame in another call is a
 * replay. The memory is bounded; when it is full the oldest frame is forgotten, and no frame
 * from before that is taken any more. It does not outlive the process; so that it need not, a
 * process takes no frame that was sealed before it began (`since_s`): another one may have.
 *
 * ONE MESSAGE MAY BE ASKED ABOUT ANY NUMBER OF TIMES, by the border, the journal and events:
 * the answer is the same as long as `message` and `wall_s` are those of its arrival.
 *
 * NOT HERE: who wants a seal and what happens without one (seal/value.h), files of keys
 * (server/keys.h).
 */
#ifndef BATON_SEAL_SEAL_H
#define BATON_SEAL_SEAL_H

#include "base/arena.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/out.h"
#include "base/pool.h"
#include "seal/keys.h"

struct sip_msg;

/** What a seal says about a frame, and in which words. */
#define SEAL_RESULT_LIST(X)                                                          \
    X(NOT_SEALED, "not-sealed", "these octets have no seal")                         \
    X(OK, "ok", "the seal is whole")                                                 \
    X(FORGED, "forged", "changed on the way, for something else, or of another key") \
    X(REPLAYED, "replayed", "seen before, in another call")                          \
    X(STALE, "stale", "sealed too long ago, or in the future")                       \
    X(UNKNOWN_KEY, "unknown-key", "there is no key of that number to open it with")  \
    X(NOT_VALID_NOW, "not-valid-now", "the key is not valid at this time")           \
    X(WRONG_PACKAGE, "wrong-package", "the key is not for this package")             \
    X(MALFORMED, "malformed", "begins like a sealed value and is none")              \
    X(FAILED, "failed", "could not be looked at: out of memory, or the library failed")

enum seal_result {
#define SEAL_RESULT_ENUM(name, word, text) SEAL_##name,
    SEAL_RESULT_LIST(SEAL_RESULT_ENUM)
#undef SEAL_RESULT_ENUM
        SEAL_RESULT_COUNT
};

const char *seal_result_word(enum seal_result r); /**< "not-valid-now" */
const char *seal_result_text(enum seal_result r); /**< for people */

/** Which way a value goes. The numbers are those of the frame. */
enum seal_way {
    SEAL_FORWARD,  /**< to the called party: in INVITE, and in a URI that leads to one */
    SEAL_BACKWARD, /**< to the calling party: in responses to INVITE */
    SEAL_END,      /**< with the end of the call: BYE and its responses */
};

/** Of the header lines of a message. In the URIs of Contact, Refer-To … it is SEAL_FORWARD. */
enum seal_way seal_way_of(const struct sip_msg *m);

/** What a value is for: sealed with it. */
struct seal_about {
    struct str package; /**< "isdn-uui"; any case; at most 255 octets */
    struct str content; /**< as written, else the package's default; absent: it has none */
    uint8_t way;        /**< enum seal_way */
};

/** Octets before the body and behind it, together, the leading 00 counted. */
#define SEAL_MIN_OVERHEAD 23
/** … and at most, with a key id of two octets. */
#define SEAL_OVERHEAD_MAX 80
/** Octets that can be sealed; a frame with more is none. */
#define SEAL_PLAIN_MAX 4096

/** Are these octets a frame? Two octets are looked at. */
static inline bool seal_is_sealed(struct str octets)
{
    return octets.n >= 2 && octets.p[0] == 0 && ((uint8_t)octets.p[1] & 0xfe) == 0xb2;
}

/** The plain part of a frame. Nothing of it is proved. */
struct seal_frame {
    uint16_t key_id;
    uint32_t time; /**< seconds since 1970, modulo 2^32 */
    bool salted;
    struct str header; /**< from the form octet on, salt included */
    struct str rest;   /**< what comes behind that */
};

/** @return SEAL_OK, SEAL_NOT_SEALED or SEAL_MALFORMED */
enum seal_result seal_peek(struct str octets, struct seal_frame *out);

struct seal_config {
    uint32_t window_s;    /**< 0: 120 */
    uint32_t max_entries; /**< frames remembered; 0: 65536 */
    uint64_t since_s;     /**< frames sealed at this time or before may have come to the process
                             before     this one, and are stale; 0: there was none */
};

/** One per engine: keys, memory, counters. */
struct seal {
    const struct env *env;
    struct seal_keys *keys; /**< borrowed; NULL: none */
    struct seal_config config;
    uint64_t sealed;                  /**< frames made */
    uint64_t seen[SEAL_RESULT_COUNT]; /**< questions, by what was answered */
    uint64_t evicted;                 /**< forgotten before their time: the memory is full */

    /* the rest is the module's own */
    struct evp_md_st *sha256;
    struct evp_md_ctx_st *md;
    struct hash_key key;
    struct pool pool; /**< struct remembered, see replay.c */
    struct map by_mark;
    struct list by_age;
    uint32_t floor; /**< frames up to this time are stale unless remembered */
    bool has_floor;
};

/** @param c  zeros: defaults. @return 0 or E_NOMEM; seal_fini in either case */
int seal_init(struct seal *s, const struct env *env, const struct seal_config *c) MUST_USE;
void seal_fini(struct seal *s);

/** Go on with these keys; NULL: with none. The table before is not looked at any more. */
void seal_set_keys(struct seal *s, struct seal_keys *keys);

/**
 * Seal octets.
 * @param plain   1 to SEAL_PLAIN_MAX octets
 * @param most    octets that the frame may have, the leading 00 counted: UUI_ISDN_OCTETS for an
 *                ISDN; 0: no limit. Where there is room for it a frame of aes-siv and ed25519
 *                gets a salt of eight octets, without which equal octets sealed in the same
 *                second would be equal frames, and one of them a replay
 * @param wall_s  the time now
 * @return 0; E_NOTFOUND: no such key; E_DENIED: the key is not for sealing, not for the package
 *         or not valid now; E_TOOBIG: the octets do not fit into `most`; E_VALUE: no octets, or
 *         `about` is not one; E_AGAIN: equal octets were sealed too often just now; E_NOMEM;
 *         E_SPACE: `o` is too small. Nothing is written then
 */
int seal_close(struct seal *s, uint16_t key_id, const struct seal_about *about,
               struct str plain, size_t most, uint64_t wall_s, struct out *o) MUST_USE;

/** What is known of a sealed value. */
struct seal_opened {
    struct str plain; /**< in the arena; set only when OK */
    struct str
        identity;      /**< who seals with the key, in the arena; only when the tag was right,
                            which it is of OK, REPLAYED, STALE, NOT_VALID_NOW, WRONG_PACKAGE */
    uint64_t sealed_s; /**< when; a claim when FORGED or UNKNOWN_KEY */
    uint16_t key_id;   /**< likewise */
    uint8_t alg;       /**< enum seal_alg; when the key is known */
    bool own;          /**< we ourselves made it; `identity` is then ours, or absent */
};

/**
 * Take the seal off.
 * @param message  which message it came with: seal_message_of(); 0: replays do not matter
 * @param wall_s   when that message came: not "now", when it is asked about later again
 */
enum seal_result seal_open(struct seal *s, const struct seal_about *about, struct str octets,
                           uint64_t message, uint64_t wall_s, struct arena *a,
                           struct seal_opened *out);

/**
 * Which call a message is of: a keyed hash of its Call-ID, never 0. Not of CSeq: a request that
 * comes again with credentials or after a 3xx, and a spiral, are no replays.
 */
uint64_t seal_message(const struct seal *s, struct str call_id);
uint64_t seal_message_of(const struct seal *s, const struct sip_msg *m);

/** We pass this value on in another call, under that identity: no replay should it come back.
 */
void seal_passes_on(struct seal *s, const struct seal_about *about, struct str octets,
                    uint64_t message);

#endif
