/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy: requests go through, and nothing of them changes but what a proxy must change
 * (RFC 3261 §16, RFC 4028 §8, RFC 4320, RFC 5393, RFC 5658, RFC 6026, RFC 6228).
 *
 * Where a request goes is decided above: the proxy is given a plan, a list of targets in
 * groups. A FORK is what RFC 3261 calls a response context: one server transaction, and a
 * BRANCH for each target that was tried, each with its client transaction.
 *
 *     plan → admit (§16.3) → fork → group of branches → responses → best (§16.7) → done
 *                                     ^     |  all have failed, or the group's time is over
 *                                     +-----+
 *
 * INSIDE A DIALOG there is no plan. The proxy that record-routed finds itself in the Route and
 * sends the request where Route and Request-URI say; a Request-URI that is a GRUU of ours means
 * the phone, wherever it is registered now (RFC 5627 §6.1). It is no open relay: its
 * Record-Route URI has a token in the user part, made with a secret over the Call-ID and the
 * initiator's tag, and only who brings it, in that dialog, is served. A trusted peer needs
 * none.
 *
 * REGISTER that goes to a registrar elsewhere gets a Path to us, whose token holds the flow
 * that it came on; what the registrar sends to the phone comes back with it.
 *
 * OWNERSHIP. The layer owns forks and branches; they live as long as a late 2xx may come. What
 * a plan points to is borrowed for the call; targets that have to wait are copied.
 *
 * COST. One fork and one branch from pools, the request once in each transaction; no block of
 * its own as long as there is one group of targets and nobody asks for recursion or 199.
 */
#ifndef BATON_PROXY_PROXY_H
#define BATON_PROXY_PROXY_H

#include "auth/directory.h"
#include "dialog/dialog.h"
#include "txn/txn.h"

/** A further flow of a phone that has registered over several (RFC 5626). */
struct proxy_flow {
    const struct proxy_flow *next;
    struct str request_uri, routes; /**< in place of the target's */
    struct txn_target to;
    uint64_t binding;
};

/** One place to which a request may go. */
struct proxy_target {
    struct str request_uri; /**< absent: keep the request's own Request-URI */
    struct txn_target to; /**< flow, address, or name; nothing set: routes, then Route headers,
                               then the Request-URI say (§16.6 step 7) */
    struct str routes; /**< "Route: …" lines with CRLF put on top (Path of a binding, a peer's
                            route), may be empty */
    struct str lines;  /**< further header lines for this branch, each with CRLF */
    const enum sip_hdr_id *cut; /**< headers cut on this branch, ends with SIP_HDR_OTHER; NULL:
                                     none */
    uint32_t group;          /**< equal numbers ring in parallel; groups in ascending order */
    const struct peer *peer; /**< an INVITE takes room on it; NULL: on nobody */
    bool inside; /**< it is in our trust domain: what it asserts is believed (RFC 3325) */
    bool tells;  /**< the history is written for it, as `policy` says (RFC 7044) */
    struct neighbour policy;
    struct str user; /**< with `tells`: the other user whom it goes to; absent: the same one */
    /* of a phone with several flows: the others are tried one by one when the one before has
       failed (430, 408, not sent), and who keeps the registration hears of it (§7) */
    const struct proxy_flow *flows; /**< NULL: no other */
    struct str record;              /**< key of the registration … */
    uint64_t binding;               /**< … and which binding of it; 0: has one flow only */
    struct str domain; /**< of what administration it is; absent: the host of its URI says */
    /* of a target that came with a redirection: its Contact, what was redirected, and the
       User-to-User values of its request when they are not as they came: all, and those that
       the Contact brought */
    struct str contact, of, uui, fresh;
};

struct proxy_plan {
    const struct proxy_target *target; /**< none: Route or Request-URI say where (§16.6) */
    size_t count;
    bool record_route;         /**< also: Path in a REGISTER (RFC 3327) */
    bool recurse;              /**< on 3xx, by our own means (§16.7 step 4) */
    bool no_cancel;            /**< branches ring on when one has answered (RFC 3841 §9.1) */
    uint32_t ring_s;           /**< Timer C; 0: of the configuration */
    uint32_t group_s;          /**< the next group begins after this; 0: 20 */
    const struct peer *caller; /**< on whom an INVITE has taken room: the proxy gives it back,
                                    whatever comes; NULL: on nobody */
};

struct proxy_config {
    uint32_t max_forks;    /**< requests on their way at a time; 0: 100000 */
    uint32_t max_branches; /**< of one request, those of redirections included; 0: 32 */
    uint32_t max_breadth;  /**< greatest Max-Breadth that is taken over (RFC 5393); 0: 60 */
    uint32_t ring_s;       /**< Timer C; 0: 181. It must be more than three minutes */
    /** What redirections may do to User-to-User (uui/merge.h); the caller's. NULL: the default
     */
    const struct uui_carriage *carriage;
    uint32_t min_se_s; /**< smallest Session-Expires (RFC 4028 §8.1); 0: any */
    struct str secret; /**< of the Record-Route tokens, so that dialogs outlive a restart;
                            absent: a random one. Borrowed for proxy_init only */
};

/**
 * Where a redirection of `m`, which came from there, leads: at most `room` targets in the order
 * in which they are to be tried, with request_uri and group. They may lie in the scratch arena.
 * @return how many, 0: it leads nowhere
 */
typedef size_t (*proxy_places_fn)(void *ctx, const struct sip_msg *m, const struct hop *from,
                                  const struct sip_uri *u, struct proxy_target *out,
                                  size_t room);

/** The flow of that binding does not work. */
typedef void (*proxy_flow_failed_fn)(void *ctx, struct str record, uint64_t binding);

/** User-to-user signalling with the ISDN: times that something was so (uus.c). */
struct proxy_isdn {
    uint64_t opened, closed, too_long, several, malformed, misplaced, differed;
};

/** Calls whose service of the ISDN has ended before they did. */
#define PROXY_ENDED 1024
#define PROXY_ENDED_ROW 4
#define PROXY_ENDED_MS (12 * 3600 * 1000ull) /* so long one is remembered */

struct proxy_ended {
    uint64_t call; /**< hash of its Call-ID; 0: free */
    uint64_t until_ms;
};

struct proxy_stats {
    struct proxy_isdn isdn;
    uint64_t forwarded;     /**< requests that got a fork */
    uint64_t branches;      /**< client transactions made for them */
    uint64_t responses;     /**< passed on */
    uint64_t acks;          /**< passed on without state */
    uint64_t recursed;      /**< targets from redirections */
    uint64_t uui_replaced;  /**< User-to-User values, by what a redirection brought … */
    uint64_t uui_refused;   /**< … those of redirections that were not allowed to … */
    uint64_t uui_forbidden; /**< … and isdn-uui of redirections where it is not taken */
    uint64_t reflowed;      /**< tried over another flow of the phone */
    uint64_t cancelled;     /**< by the caller */
    uint64_t loops;         /**< refused with 482 */
    uint64_t hops;          /**< refused with 483 */
    uint64_t refused;       /**< refused for any other reason */
    uint64_t ring_timeouts; /**< Timer C */
    uint64_t forged;        /**< Route headers that claim to be ours and are not */
};

struct proxy {
    const struct env *env;
    struct wheel *wheel;
    struct txn_layer *txn;
    struct directory
        *directory;        /**< the caller's; NULL: no domain is ours and no peer trusted */
    struct arena *scratch; /**< the caller's, good for one input */
    struct dialog_locator locator; /**< whom GRUUs of ours mean; may be zeros; set after init */
    struct proxy_config config;
    struct proxy_stats stats;

    /* may be set after proxy_init */
    struct border *border; /**< its notes tell which values stayed behind; NULL: nobody's do */
    const struct uui_packages
        *packages;           /**< with which values are compared; NULL: isdn-uui alone */
    struct str realm;        /**< credentials for it are for us: they go no further (RFC 3261
                                  §22.3). Absent: none are. Borrowed */
    struct neighbour policy; /**< for callers that are no peer */
    proxy_places_fn places;  /**< NULL: redirections go where their contacts say */
    proxy_flow_failed_fn flow_failed; /**< may be NULL */
    void *ctx;                        /**< of both */

    /* the rest is the layer's own */
    struct hash_key loop_key, dialog_key, token_key[2];
    struct pool forks, branches;
    struct list all; /**< every fork */
    struct proxy_ended ended[PROXY_ENDED];
};

/** @return 0. Cannot fail: tables grow when they are needed. */
int proxy_init(struct proxy *p, const struct env *env, struct wheel *wheel,
               struct txn_layer *txn, struct directory *directory, struct arena *scratch,
               const struct proxy_config *config);

/** Frees all forks without callbacks. Before the transaction layer goes. */
void proxy_fini(struct proxy *p);

/**
 * Forward a request that starts something here (INVITE, MESSAGE, SUBSCRIBE, …), stateful. It
 * has matched no transaction (txn_on_request said NEW, or MERGED with proxy_owns). Everything
 * borrowed is copied. Answers the request itself when it cannot be forwarded: 400, 403, 420,
 * 422, 440, 480, 482, 483, 503.
 */
void proxy_forward(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                   const struct proxy_plan *plan, uint64_t now_ms);

/**
 * A request inside a dialog, or an ACK to a 2xx, that nobody else here owns: when its Route is
 * ours, it is forwarded. @return false: it is not; nothing was done
 */
bool proxy_on_request(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms);

/**
 * A request inside a dialog of others, or an ACK, whose Request-URI is a GRUU of ours and which
 * has no Route, because nobody record-routed (RFC 5627 §6.1): to that phone.
 * @return false: it is none, or nobody is there; nothing was done
 */
bool proxy_to_gruu(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms);

/** CANCEL of an INVITE that the proxy forwards: answers it and cancels all branches.
    @return false: `invite` is not the proxy's */
bool proxy_on_cancel(struct proxy *p, struct txn *invite, const struct sip_msg *m,
                     const struct hop *from, uint64_t now_ms);

/** Is this server transaction the proxy's, or was it? Then a request that txn_on_request calls
    MERGED with it is another branch of a fork upstream, or a spiral: forward it. */
bool proxy_owns(const struct txn *t);

/**
 * Does the request carry Routes beyond us, i.e. does its sender say himself where it goes on
 * (§16.4)? Then a plan without targets follows them, if the sender may do that.
 */
bool proxy_has_route(const struct proxy *p, const struct sip_msg *m, const struct hop *from);

/**
 * Does the topmost Route say by a token of ours how a phone is reached: a Path that we once put
 * into its REGISTER (RFC 3327 §5.2)? Then a plan without targets sends the request over that
 * flow and no other, and answers 430 when it is gone (RFC 5626 §5.3).
 */
bool proxy_has_path(const struct proxy *p, const struct sip_msg *m, const struct hop *from);

/** Does any request still wait for its final response? Looks at all of them. */
bool proxy_busy(const struct proxy *p);

/** Forks that live: also those that have answered and are kept for a late 2xx. */
static inline size_t proxy_count(const struct proxy *p)
{
    return p->forks.in_use;
}

#endif
