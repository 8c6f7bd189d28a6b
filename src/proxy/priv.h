/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the proxy know of each other.
 *
 *   proxy.c    the layer: what is asked from above; forks come and go
 *   admit.c    may the request be forwarded at all (§16.3)
 *   route.c    which Routes are ours (§16.4), where the request goes (§16.6 steps 6 and 7)
 *   token.c    the user part of our Record-Route URIs
 *   send.c     the bytes of a forwarded request (§16.6)
 *   fork.c     branches that begin and end, Timer C, CANCEL
 *   queue.c    which targets are tried, and when
 *   flow.c     a phone's next flow, when one has failed (RFC 5626 §7)
 *   reply.c    responses (§16.7)
 *   best.c     which response is the best (§16.7 step 6)
 *   early.c    early dialogs that end: 199 (RFC 6228)
 *   recurse.c  3xx that the proxy acts on itself (§16.7 step 4)
 *   trail.c    who is named, and the history of the call
 *   uus.c      User-to-User with the ISDN (RFC 7434)
 */
#ifndef BATON_PROXY_PRIV_H
#define BATON_PROXY_PRIV_H

#include "base/err.h"
#include "history/history.h"
#include "isdn/carried.h"
#include "proxy/proxy.h"
#include "sip/edit.h"

/* ---- token.c ---- */

/** What a Record-Route URI of ours remembers: how the two sides are reached when their own
    addresses do not lead to them (NAT, WebSocket; RFC 5626 §5.3). Flow 0: by address. And
    what came of the service of the ISDN. */
struct proxy__ways {
    struct hop caller, callee;
    uint8_t uus; /**< enum proxy__service */
};

/** Longest token: a MAC of 22 characters, two ways and the service. */
#define PROXY_TOKEN_MAX 96

enum proxy__side { PROXY_FROM_NOBODY, PROXY_FROM_CALLER, PROXY_FROM_CALLEE };

void proxy__token_write(const struct proxy *p, const struct sip_msg *m,
                        const struct proxy__ways *ways, struct out *o);

/** Is `user` a token of ours for the dialog of `m`, and which side sent `m`? */
enum proxy__side proxy__token_read(const struct proxy *p, struct str user,
                                   const struct sip_msg *m, struct proxy__ways *ways);

/** User part of our Path URI: the flow to a phone that registers elsewhere through us. It holds
    for all calls and, over connections, for this run: their numbers mean others in the next. */
void proxy__path_write(const struct proxy *p, const struct hop *flow, struct out *o);

/** @return false: it is no Path token. flow->flow is 0 when it is one that does not hold */
bool proxy__path_read(const struct proxy *p, struct str user, struct hop *flow);

/* ---- route.c ---- */

/** A request after route preprocessing (§16.4). */
struct proxy__route {
    struct str ruri; /**< the Request-URI that it means */
    struct str next; /**< the first Route value that stays; absent: none */
    uint32_t cut;    /**< so many Route values in front are ours */
    bool last_cut;   /**< the last Route value became the Request-URI (strict router) */
    uint8_t side;    /**< enum proxy__side, by token */
    bool strip;      /**< the Request-URI's maddr names us: without it, it means its host */
    bool named;      /**< a Route, or the Request-URI, names us by host, without a token */
    bool by_path;    /**< the Route in front is a Path of ours … */
    struct hop path; /**< … for this flow; 0: it does not hold any more */
    struct proxy__ways ways;
};

void proxy__preprocess(const struct proxy *p, const struct sip_msg *m, const struct hop *from,
                       struct proxy__route *out);

/** The URI of a Route value, and whether it is a loose router (lr). */
bool proxy__route_uri(struct str value, struct sip_uri *uri, bool *loose);

/** Take the Route values that are ours, or became something else, out of `e`. */
void proxy__cut_routes(struct sip_edit *e, const struct proxy__route *r);

/** Can only the flow on which it came lead to the sender of `m`? */
bool proxy__needs_flow(const struct sip_msg *m, const struct hop *from);

/* ---- admit.c ---- */

/** What is known of a request that may go on. */
struct proxy__request {
    const struct sip_msg *m;
    const struct hop *from;
    struct proxy__route route;
    uint32_t max_forwards; /**< for the copies */
    uint32_t breadth;      /**< Incoming Max-Breadth (RFC 5393 §5.3.2) */
    bool outside; /**< nobody of our trust domain sent it, or he wants to be unknown outside */
    char mark[TXN_MARK_MAX + 1]; /**< second part of the branch */
};

/** @return 0, or the status of the answer, with lines for it in *lines (arena) */
unsigned proxy__admit(struct proxy *p, struct proxy__request *r, struct str *lines);

/* ---- uus.c ---- */

/** May User-to-User be used in a dialog? */
enum proxy__service {
    PROXY_UUS_NONE, /**< nobody in it is an ISDN, or it is not known */
    PROXY_UUS_OPEN,
    PROXY_UUS_CLOSED,
};

/** That of a branch. */
struct proxy__uus {
    struct neighbour near, far; /**< who sent the request, whom it went to; zeros: no peer */
    uint8_t service;            /**< enum proxy__service */
};

/** What is different about a message then. */
struct proxy__said {
    struct str lines; /**< in place of those that were to be added; with User-to-User */
    bool header;      /**< the message's own User-to-User goes */
    bool body;        /**< and it has this body */
    struct isdn_edit edit;
};

struct proxy__copy;
struct proxy__fork;
struct proxy__branch;

/** A copy on its way to `to`; what is found out about the dialog is put into *c->uus.
    @return 0 or E_NOMEM */
int proxy__uus_request(struct proxy *p, const struct proxy__copy *c,
                       const struct txn_target *to, struct proxy__said *out);
/** A response has come on that branch, whose request had nothing to do with the ISDN. */
void proxy__uus_heard(struct proxy__branch *b, const struct sip_msg *m);
/** A response on its way back. `uus`: of its branch. @return 0 or E_NOMEM */
int proxy__uus_response(struct proxy__fork *f, const struct sip_msg *m, unsigned status,
                        struct proxy__uus *uus, struct proxy__said *out);
/** All but the lines. */
void proxy__put_said(struct sip_edit *e, const struct proxy__said *s);

/* ---- send.c ---- */

/** One copy of a request. */
struct proxy__copy {
    const struct proxy__request *request;
    const struct proxy_target *target; /**< NULL: Route and Request-URI decide */
    uint32_t breadth;
    struct proxy__uus *uus; /**< of its branch, is set; NULL: it has none */
    bool *sized;            /**< is set: it has a Content-Length of its own; or NULL */
};

/** The runs of a copy, and its target. @return their number, or E_…: E_NOTFOUND: no such
    scheme can be reached */
int proxy__write_copy(struct proxy *p, const struct proxy__copy *c, struct str *run,
                      struct txn_target *to);

/** txn_user.on_way of branches: Record-Route, and Content-Length where it is needed. */
void proxy__on_way(struct txn *t, struct out *o);

/* ---- fork.c ---- */

struct proxy__fork;

/** An early dialog that a branch has made (RFC 6228 §6). */
struct proxy__early {
    struct proxy__early *next;
    struct str tag;
    bool ended; /**< a 199 was sent or passed on */
};

struct proxy__branch {
    struct list link;
    struct proxy__fork *fork;
    struct txn *txn;   /**< NULL: gone */
    struct timer ring; /**< Timer C */
    struct hop pinned; /**< flow 0: the branch was not sent on a given flow */
    struct proxy__early *early;
    const struct peer *peer;    /**< on whom it takes room, or NULL */
    struct proxy_target *phone; /**< in the fork's queue: has several flows; else NULL */
    uint32_t breadth;
    bool by_token;  /**< on the flow of a token: when it is gone, that is said (430) */
    bool rang;      /**< a provisional response has come */
    bool done;      /**< a final response, or none will come */
    bool cancelled; /**< CANCEL was asked for */
    bool inside;    /**< its target is in our trust domain … */
    bool unknown;   /**< … or nobody has said that, and its way tells */
    struct neighbour policy;
    struct hi_entry *trail; /**< what its request said of itself in History-Info, or NULL */
    /** Where 3xx are acted on, its target in the queue; else NULL */
    const struct proxy_target *target;
    struct proxy__uus uus; /**< with the ISDN, if there is one */
    bool sized;            /**< its request has a Content-Length of ours */
};

/** A target that waits, or was tried and is remembered because of recursion. */
struct proxy__waiting {
    struct proxy__waiting *next;
    struct proxy_target target;
    bool tried;
};

struct proxy__fork {
    struct proxy *proxy;
    struct list link;
    struct txn *server; /**< NULL: it has ended */
    struct list branches;
    struct proxy__waiting *queue;  /**< in the order in which they are tried */
    struct arena keep;             /**< of the queue, early dialogs, challenges; mostly empty */
    struct timer group;            /**< the next group begins */
    struct proxy__request request; /**< m: server->req, as long as it is there */
    struct hop from;
    struct sip_msg_own *best;   /**< the best response but one that we made ourselves */
    struct str challenges;      /**< lines of 401 and 407 that are not the best */
    uint16_t best_status;       /**< 0: none yet */
    bool best_inside;           /**< it came from inside of our trust domain */
    struct proxy__uus best_uus; /**< of its branch */
    bool tells;                 /**< targets are told the history … */
    struct history *trail;      /**< … which this is, in `keep`; NULL: nobody asks */
    uint16_t tried, pending;    /**< branches made; those without a final response */
    uint32_t breadth_out;       /**< Outgoing Max-Breadth */
    uint32_t open_group;        /**< the group that was begun last */
    uint32_t recursions;        /**< groups that redirections have made */
    const struct peer
        *caller; /**< on whom the INVITE takes room until it is answered, or NULL */
    uint32_t ring_ms, group_ms;
    bool record_route, recurse, no_cancel;
    bool wants_199;
    bool no_sips;   /**< the 480 that is the best is about TLS that cannot be had */
    bool answered;  /**< a final response was sent */
    bool cancelled; /**< by the caller */
    bool stopped;   /**< no new branches: answered, cancelled, or declined by a 6xx */
};

/** The last one has no callbacks: it tells only whose a server transaction was. */
extern const struct txn_user proxy__server_user, proxy__branch_user, proxy__past_user;

struct proxy__fork *proxy__fork_new(struct proxy *p, const struct proxy__request *r,
                                    const struct proxy_plan *plan, uint64_t now_ms);
/** Nothing more is to be done: leaves the transactions to themselves. */
void proxy__fork_free(struct proxy__fork *f);

/** A call of that peer is over, or was none. */
void proxy__leave_peer(const struct peer **peer);

/** One branch more; when it cannot even begin, the fork goes on as if it had failed with 503.
 */
void proxy__try(struct proxy__fork *f, const struct proxy_target *target, uint32_t breadth,
                uint64_t now_ms);

/* ---- queue.c ---- */

/** Begin with the plan's first group; the others wait. */
void proxy__fork_start(struct proxy__fork *f, const struct proxy_plan *plan, uint64_t now_ms);

/** Start what waits, one group, as far as the breadth allows. @return false: nothing was left
 */
bool proxy__start_group(struct proxy__fork *f, uint64_t now_ms);

/** The next that was not tried, or NULL. */
struct proxy__waiting *proxy__first_waiting(const struct proxy__fork *f);

/** A target that waits, with its texts, behind `*at`; then `*at` is behind it.
    @return 0, E_NOMEM, E_TOOMANY */
int proxy__enqueue(struct proxy__fork *f, struct proxy__waiting ***at,
                   const struct proxy_target *t);

/** CANCEL all that have no final response. `lines` as in txn_cancel. */
void proxy__cancel_branches(struct proxy__fork *f, struct str lines, uint64_t now_ms);

/** A branch has its final response, or will have none: what follows for the fork. */
void proxy__branch_done(struct proxy__branch *b, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms);

/** The first 2xx: passed on, the others are cancelled. */
void proxy__success(struct proxy__branch *b, const struct sip_msg *m, uint64_t now_ms);

/* ---- flow.c ---- */

/**
 * A branch has ended with `status`, of which nobody said a word when `silent`.
 * @return true: that was its flow, and the phone is asked over another one
 */
bool proxy__other_flow(struct proxy__branch *b, unsigned status, bool silent, uint64_t now_ms);

/* ---- reply.c ---- */

void proxy__on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms);
void proxy__on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms);

/** Pass a response on upstream as `status`. @param inside  its sender is in our trust domain.
    @param uus  of its branch. @return as txn_respond */
int proxy__pass_response(struct proxy__fork *f, const struct sip_msg *m, unsigned status,
                         bool inside, struct proxy__uus *uus, uint64_t now_ms);

/** All branches are done: send the best response. `m`: it is this, not yet kept but in
    best_status and best_inside. */
void proxy__answer(struct proxy__fork *f, const struct sip_msg *m, uint64_t now_ms);

/* ---- best.c ---- */

/** Smaller is better. */
unsigned proxy__rank(unsigned status);
/** What may be sent upstream for it: 503 becomes 500 (§16.7 step 6). */
unsigned proxy__outward(unsigned status);

/* ---- early.c ---- */

bool proxy__wants_199(const struct sip_msg *m);
/** A provisional response was passed on. */
void proxy__note_early(struct proxy__branch *b, const struct sip_msg *m);
/** The branch has ended with this status, and the caller does not hear that yet. */
void proxy__end_early(struct proxy__branch *b, unsigned status, uint64_t now_ms);

/* ---- recurse.c ---- */

/** Put the contacts of a 3xx at the head of the queue. @return how many */
size_t proxy__recurse(struct proxy__branch *b, const struct sip_msg *m);

/* ---- trail.c ---- */

/** Is the history written for that target? */
bool proxy__has_trail(const struct proxy__fork *f, const struct proxy_target *t);
/** Then this changes lines and cut of a copy of it, in the scratch arena. @return 0 or E_… */
int proxy__trail_request(struct proxy__fork *f, struct proxy__branch *b,
                         struct proxy_target *t);
/** A response on that branch, or none came: `m` NULL. */
void proxy__trail_answered(struct proxy__branch *b, unsigned status, const struct sip_msg *m);

/** Does a response that names somebody come from inside of our trust domain? */
bool proxy__sender_inside(const struct proxy__branch *b, const struct sip_msg *m);
/** Add to `out` what changes in a response on its way to the caller. `m` NULL: made here.
    @return 0 or E_NOMEM */
int proxy__response_changes(const struct proxy__fork *f, const struct sip_msg *m, bool inside,
                            struct history_out *out);

#endif
