/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages one behind the other in one block of memory, where the newest push the oldest out.
 *
 *      ┌──────┬────────┬─────────┬───────────┬ … ┬──────┐
 *      │ new  │ (free) │ oldest  │           │   │ skip │      a record never wraps
 *      └──────┴────────┴─────────┴───────────┴ … ┴──────┘
 *             ▲ head   ▲ tail
 *
 * Positions count all octets that were ever written, so one that a reader holds is good for
 * ever: what it points to is there, or it lies before the tail and is gone. A record is its
 * fields and its three strings, 8-aligned.
 *
 * Appending is a copy; nothing is parsed, nothing allocated. Not for several threads: who has
 * some puts a lock around (capture.c).
 */
#ifndef BATON_CAPTURE_REEL_H
#define BATON_CAPTURE_REEL_H

#include "base/attr.h"
#include "base/env.h"

enum capture_kind {
    CAPTURE_SIP,
    CAPTURE_CSTA,    /**< not in SIP: frames on TCP, or within the process */
    CAPTURE_API,     /**< HTTP requests and their answers */
    CAPTURE_WEBHOOK, /**< HTTP requests of ours and their answers */
    CAPTURE_NOTE,    /**< what was done to User-to-User: no message */
};

/** One message. Strings are borrowed: of the caller when it is written, of the ring or a copy
    when it is read. */
struct capture_msg {
    uint64_t n;                /**< 1, 2, 3 … in the order in which they came and went */
    int64_t time_us;           /**< since 1970; never runs back */
    uint64_t exchange;         /**< API and webhooks: request and answer have the same, not 0 */
    struct addr remote, local; /**< family ADDR_NONE: within the process, or not known */
    uint32_t flow;
    uint8_t kind;      /**< enum capture_kind */
    uint8_t transport; /**< enum transport; TP_NONE: within the process */
    bool sent;         /**< by Baton */
    bool failed;       /**< it could not be sent */
    bool cut;          /**< it was longer than this */
    uint16_t invoke;   /**< CSTA: invoke identifier */
    uint16_t status;   /**< NOTE: of the message; 0: a request */
    struct str who;    /**< application, token, subscription; NOTE: Call-ID. May be absent */
    struct str about;  /**< NOTE: "METHOD package dialect"; else absent */
    struct str bytes;
};

struct reel {
    char *p;
    size_t size;         /**< of p, a multiple of 8 */
    uint64_t head, tail; /**< positions: of the next record, and of the oldest */
    uint64_t count, most;
    uint64_t gone; /**< records that made room so far */
};

/** @param octets  at least 4096. @param most  records; 0: as many as fit. @return false: no
    memory */
bool reel_init(struct reel *r, size_t octets, uint64_t most) MUST_USE;
void reel_fini(struct reel *r);

/** What is longer than an eighth of the ring is cut. */
void reel_push(struct reel *r, const struct capture_msg *m);

/**
 * The record at `*at`, or the oldest when that one is gone.
 * @param at  in: a position that reel_push or this has given, or 0; out: that of `*out`
 * @param next  out: of the one behind it
 * @return false: there is none yet
 */
bool reel_get(const struct reel *r, uint64_t *at, struct capture_msg *out, uint64_t *next);

/** About where the records from `n` on begin: not behind them. */
uint64_t reel_seek(const struct reel *r, uint64_t n);

#endif
