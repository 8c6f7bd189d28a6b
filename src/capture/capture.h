/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture: what was said lately, in memory, for the ladder of a call, for pcap, and for who
 * listens (live trace, HEP).
 *
 *   sockets ─ sent ──┐                                 ┌── capture_next: live trace, HEP
 *   engine ── watch ─┼─► ring of calls ─┐              │
 *   API ──── http ───┘   ring of others ┴─ copies ─────┴── story_read: one call (story.h)
 *                        table of calls (calls.h)
 *
 * TWO RINGS, since registrations must not push calls out: requests that begin no call
 * (REGISTER, OPTIONS, SUBSCRIBE, NOTIFY, PUBLISH, MESSAGE) and their answers have a quarter of
 * the memory to themselves. One number counts through both: that is the order in which things
 * happened.
 *
 * THREADS. All functions may be called from any thread. A lock is held for the time of one
 * copy: of a message when it is written, of at most CAPTURE_BATCH octets when they are read.
 *
 * COST. A message: a copy, a look at the clock, a lock that is free, and for a response a
 * search for its CSeq. Nothing is parsed before somebody asks. Not capturing: a test of a
 * pointer.
 *
 * SECRETS are captured as they are; who exports blanks them (blank.h).
 */
#ifndef BATON_CAPTURE_CAPTURE_H
#define BATON_CAPTURE_CAPTURE_H

#include "capture/calls.h"
#include "capture/reel.h"

/** Octets of messages that one reading copies at most. */
#define CAPTURE_BATCH 65536

struct capture_config {
    size_t octets;           /**< of messages, in all; 0: 32 MiB */
    uint32_t messages;       /**< 0: as many as fit */
    uint32_t calls;          /**< whose legs are remembered; 0: 2000 */
    int64_t (*now_us)(void); /**< NULL: the clock of the system. For tests */
};

struct capture;

/** @return NULL: no memory */
struct capture *capture_new(const struct capture_config *config);
void capture_free(struct capture *c);

/** For struct env: good until capture_free. @param env  whose `local` says our addresses; must
    outlive it. NULL: they are not known */
const struct env_watch *capture_watch(struct capture *c, const struct env *env);

/** What the sockets have sent, as env->send was asked to. @param err  what it has answered */
void capture_sent(struct capture *c, const struct hop *hop, const struct str *run, size_t n,
                  int err);

/** An HTTP request or its answer, as text: start line, headers, body. */
struct capture_http {
    bool webhook; /**< we ask; else we answer */
    bool sent;
    uint64_t exchange;                 /**< of the request and its answer; not 0 */
    struct str who;                    /**< whose it is: "token:crm", the subscription */
    const struct addr *remote, *local; /**< NULL: not known, or a UNIX socket */
    struct str head; /**< start line and headers, with the empty line behind them */
    struct str body;
};
void capture_http(struct capture *c, const struct capture_http *m);

/* ---- reading ---- */

/** A place in both rings. Zeros: the oldest. */
struct capture_cursor {
    uint64_t calls, others; /**< positions */
    uint64_t n;             /**< the last number that was read; 0: none yet */
};

struct capture_batch {
    struct capture_msg *msg; /**< in order of their numbers; strings lie in `room` */
    size_t count;
    uint64_t lost; /**< that were pushed out before they were read */
    char *room;
    size_t cap, msg_cap, used;
};

/** From the newest on. */
void capture_now(struct capture *c, struct capture_cursor *at);
/** From the first with that number or a later one. */
void capture_from(struct capture *c, struct capture_cursor *at, uint64_t n);

/**
 * The next messages, at most CAPTURE_BATCH octets of them (one, if it is longer).
 * @param b  zeroed before the first time; reused; capture_batch_fini
 * @return how many; 0: nothing new, or no memory
 */
size_t capture_next(struct capture *c, struct capture_cursor *at, struct capture_batch *b);
void capture_batch_fini(struct capture_batch *b);

/** Wait until something comes, at most `ms`. For a thread of its own. @return false: nothing
    did, or capture_stop */
bool capture_wait(struct capture *c, const struct capture_cursor *at, unsigned ms);
/** Who waits is woken, from now on at once. */
void capture_stop(struct capture *c);

struct capture_leg {
    struct str sip_call, party;
    struct str
        named; /**< not empty: no leg, but a CSTA session with a phone (struct env_leg) */
    bool device;
};

/** A call as it is known. Strings lie in the arena. */
struct capture_call {
    struct str id;
    int64_t began_us, ended_us; /**< 0: it has not ended */
    uint64_t first, last;
    struct capture_leg *leg; /**< in order of their beginning */
    size_t legs;
    struct str *other; /**< callIDs of those it was joined with */
    size_t others;
};

/**
 * A call and all whom it was joined with, itself first.
 * @return how many; 0: not known
 */
size_t capture_family(struct capture *c, struct str id, struct arena *a,
                      struct capture_call **out);

/** The newest calls first, at most `most`, of those that began before `before_us` (0: all).
    @return how many */
size_t capture_calls(struct capture *c, int64_t before_us, size_t most, struct arena *a,
                     struct capture_call **out);

/** callID of the dialog, into `out` (256 octets); empty: it belongs to none. */
struct str capture_call_of(struct capture *c, struct str sip_call, char out[256]);

struct capture_stats {
    uint64_t messages, octets; /**< now */
    uint64_t captured, gone;   /**< so far */
    uint64_t calls;
};
void capture_stats(struct capture *c, struct capture_stats *out);

#endif
