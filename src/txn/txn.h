/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transaction layer: the four machines of RFC 3261 §17 with RFC 6026, and matching.
 *
 * It absorbs retransmissions, repeats what is unanswered, times out, and tells its users
 * (dialogs, the registrar, a proxy) only what is new. It knows nothing of dialogs, except
 * that it lets 2xx to INVITE and their ACK through to whoever does (RFC 3261 §13).
 *
 *   ICT   INVITE client   Calling → Proceeding → Completed | Accepted → Terminated
 *   NICT  other client    Trying → Proceeding → Completed → Terminated
 *   IST   INVITE server   Proceeding → Completed → Confirmed | Accepted → Terminated
 *   NIST  other server    Trying → Proceeding → Completed → Terminated
 *   plus, for clients, Resolving: the host name of the target is being looked up.
 *
 * OWNERSHIP. The layer owns every transaction. A user holds a plain pointer and drops it
 * in `on_gone`, which is the last thing that it hears; txn_detach ends the relation
 * earlier. A server transaction owns a copy of its request until a final response was
 * sent; a client transaction owns the bytes of its request until it needs them no more.
 *
 * CALLBACKS may call anything of this layer, including txn_detach on the transaction
 * that calls. on_response comes from txn_on_response; on_failure and on_gone come from
 * timers only (wheel_advance), never from inside a call of the user. A transaction that
 * has ended stays in memory until the next tick, so the pointer is good until on_gone.
 *
 * NOBODY LISTENING. A transaction that was detached, or made without a user, cannot hang:
 * an unanswered INVITE is answered 500 after 64*T1, and an outgoing INVITE that rings is
 * forgotten after three minutes (Timer C, RFC 3261 §16.6). A non-INVITE that its user does
 * not answer ends after 64*T1 in any case, because nobody waits for the answer any more
 * (RFC 4320 §4.2).
 *
 * SERVERS (RFC 3263). A target that is a name may have several servers. When one does not
 * answer, refuses with 503 or cannot be reached, the request goes to the next one by itself,
 * with a new branch, and the user hears only of the last one; see way.c.
 *
 * NON-INVITE (RFC 4320). 101-199 and 408 are refused. 100 is sent by the layer when the
 * user is still silent at the time when Timer E reaches T2 (3.5 s).
 */
#ifndef BATON_TXN_TXN_H
#define BATON_TXN_TXN_H

#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/wheel.h"
#include "route/black.h"
#include "sip/hdr.h"
#include "sip/msg.h"

enum txn_kind { TXN_ICT, TXN_NICT, TXN_IST, TXN_NIST };

enum txn_state {
    TXN_RESOLVING,
    TXN_CALLING, /**< also Trying */
    TXN_PROCEEDING,
    TXN_COMPLETED,
    TXN_CONFIRMED,
    TXN_ACCEPTED,
    TXN_TERMINATED,
};

/** Why a transaction failed without a response. */
enum txn_failure {
    TXN_TIMEOUT,    /**< Timer B, F or H: treat as 408 (§8.1.3.1) */
    TXN_TRANSPORT,  /**< not sent or flow lost: treat as 503 */
    TXN_UNRESOLVED, /**< no address for the host name: treat as 503 */
};

struct txn;

/** What a user of a transaction wants to hear. Any member may be NULL. */
struct txn_user {
    /** Client: each provisional, the final, for INVITE also every 2xx. */
    void (*on_response)(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms);
    /** Client: no final response will come. Server: a final response was not acknowledged
        (IST, Timer H) or could not be sent. */
    void (*on_failure)(struct txn *t, enum txn_failure why, uint64_t now_ms);
    /** The transaction is about to be freed. */
    void (*on_gone)(struct txn *t);
    /** Client: header lines with CRLF that depend on the way to the target (t->hop), such as
        Record-Route: put behind our Via each time that a way was found. */
    void (*on_way)(struct txn *t, struct out *o);
};

struct txn_layer;

/** Cookie and random part of a branch of ours; a user's mark may stand behind (txn_target). */
#define TXN_BRANCH_OWN 23
#define TXN_MARK_MAX 16
/** Octets that txn_user.on_way may write. */
#define TXN_WAY_MAX 1024

struct txn {
    struct txn_layer *layer;
    uint8_t kind;   /**< enum txn_kind */
    uint8_t state;  /**< enum txn_state */
    uint8_t method; /**< enum sip_method of the request (CANCEL has one of its own) */
    const struct txn_user *user;
    void *owner; /**< the user's; the layer never looks */

    struct hop hop;          /**< where requests go to / where the request came from */
    struct sip_msg_own *req; /**< server: the request, NULL after the final response */
    struct str sent;         /**< bytes to repeat: client: request; server: last response */
    uint16_t status;         /**< server: last status sent; client: last received */

    /* the rest is the layer's own */
    uint8_t why;          /**< enum txn_failure that on_failure tells when `expire` fires */
    bool tell;            /**< IST: a transport failure is to be told at the next tick */
    bool told;            /**< IST: that of the present response was told */
    uint32_t interval_ms; /**< of the running retransmission timer */
    union {
        struct {                                            /* client */
            char branch[TXN_BRANCH_OWN + TXN_MARK_MAX + 1]; /**< ours, cookie included,
                                                                NUL-terminated */
            uint16_t top_n;       /**< octets that the layer put behind the start line: Via and
                                       what on_way wrote; 0: not yet */
            struct txn__way *way; /**< the name, and the servers that are left; or NULL */
            struct str plain; /**< what the user gave, when the border has changed it and there
                                   are further servers; or absent */
            struct str cancel_lines; /**< header lines for the CANCEL that waits */
            bool cancel_wanted, cancelled;
            bool rang;      /**< more than 100 was heard: it stays with this server */
            bool fixed;     /**< the transport is not to be changed for the size */
            bool grown;     /**< over TCP instead of UDP, for the size */
            bool has_other; /**< the user has another way */
            bool hasty;     /**< `expire` is the end of patience, not Timer B or F */
        };
        struct {                  /* server */
            struct hop reply_hop; /**< UDP: where responses go; stream: where to connect
                                       when the connection of the request is gone */
            struct map_node by_call;
            bool reopened; /**< responses go over a connection of ours */
            bool by_name;  /**< that to the source has failed: to the name in sent-by */
        };
    };
    struct timer retransmit; /**< A, E, G; 100 Trying of a server */
    struct timer expire;     /**< B, F, H, and the end of Completed/Accepted/Confirmed */
    struct map_node by_branch;
    struct list link; /**< resolving, or on its flow, or dying */
};

/** Timer values in milliseconds; zero means the default of RFC 3261 table 4. */
struct txn_timing {
    uint32_t t1;     /**< 500 */
    uint32_t t2;     /**< 4000 */
    uint32_t t4;     /**< 5000 */
    uint32_t silent; /**< a server that has said nothing for so long is left for another one,
                          if there is one (RFC 3263 §4.3); 0: 64*T1, as if there were none */
    uint32_t trying; /**< 200: after this an IST answers 100 by itself (§17.2.1) */
};

struct txn_stats {
    uint64_t server_created, client_created;
    uint64_t retransmitted;    /**< sent again by timer or because the peer repeated itself */
    uint64_t absorbed;         /**< repeated requests, ACKs and responses */
    uint64_t timeouts;         /**< Timers B, F, H, the guard of a CANCEL, no answer by us */
    uint64_t transport_errors; /**< sends that failed */
    uint64_t stray_responses;  /**< no transaction, or not possible in its state */
    uint64_t stray_acks;       /**< ACK before there was a final response */
    uint64_t refused;          /**< transactions not made: memory or the limit */
    uint64_t retargeted;       /**< sent to another server after one had failed */
    uint64_t grown;            /**< sent over TCP for their size */
};

/** Lists over which the transactions are spread by flow: a closed flow walks only one. */
#define TXN_FLOW_LISTS 256

/** What matching has read of the last new request, for the transaction made of it. */
struct txn_seen {
    const struct sip_msg *m; /**< NULL: nothing */
    const char *buf;
    struct sip_via via; /**< of the top Via */
    uint64_t hash;      /**< by branch */
};

/** A response made here from the request. All members may be zero except status. */
struct txn_reply {
    unsigned status;
    struct str reason; /**< absent: the default phrase */
    struct str to_tag; /**< added to To when it has none; absent: a tag of the layer's for
                            101-699, the same for all responses to a request, and for the
                            CANCEL of an INVITE the same as for that (§9.2) */
    struct str lines;  /**< further header lines, each with CRLF */
    bool record_route; /**< copy Record-Route (2xx and 101-199 that make a dialog) */
    struct str type;   /**< Content-Type value when there is a body */
    struct str body;
};

/** What is decided about a message that is about to leave. */
enum txn_exit {
    TXN_EXIT_PASS,    /**< as it is */
    TXN_EXIT_CHANGED, /**< `bytes` instead */
    TXN_EXIT_REFUSED, /**< not at all; `refusal` is its answer. For requests of client
                           transactions only */
    TXN_EXIT_FAILED,  /**< memory is out: nothing leaves */
};

struct txn_exit_out {
    struct str bytes;         /**< the whole message; good until the next call */
    struct txn_reply refusal; /**< status, reason, lines; likewise */
};

/** A message whose octets the border has seen. */
struct txn_known {
    const char *octets; /**< of the message that is dealt with now; NULL: of none */
    const char *copy;   /**< of the copy that its server transaction keeps; NULL: none */
    bool clean;         /**< there was nothing in it: its copies need not be shown */
};

/** What is about to leave. */
struct txn_leaving {
    struct str name;       /**< the host that the target was named by, or absent */
    const struct str *run; /**< what of the message its user gave, as it is in it … */
    size_t n;              /**< … in so many runs */
    struct str bytes;      /**< the whole message; absent: it is those runs */
    bool known; /**< it is the message of struct txn_known, changed in nothing but its
                start line and lines about its way */
};

/**
 * Who looks at every message before it leaves: at a request when its way is known, again for
 * each server; at each response but 100. ACK and CANCEL of a transaction, which this layer
 * makes, and repetitions of the same bytes are not shown. Our Via line and what on_way has
 * written must stay as they are.
 */
struct txn_border {
    enum txn_exit (*leaves)(void *ctx, const struct hop *hop, const struct txn_leaving *what,
                            struct txn_exit_out *out);
    /** A server transaction keeps this copy of the message. May be NULL. */
    void (*copied)(void *ctx, const struct sip_msg *m, const struct sip_msg *copy);
    void *ctx;
    /** The message at which it has looked last, for those who send it on as it came (`same`
        of txn_target). NULL: it looks at all of them */
    const struct txn_known *known;
};

struct txn_layer {
    const struct env *env;
    struct wheel *wheel;
    struct txn_timing timing;
    struct hash_key key;
    struct pool pool;
    struct map by_branch; /**< both sides: hash of branch, method, side (and sent-by) */
    struct map by_call;   /**< servers: hash of Call-ID, From tag, CSeq number */
    struct list resolving, dying;
    struct list flows[TXN_FLOW_LISTS]; /**< transactions by the flow they stand on */
    struct timer reap;                 /**< frees the dying at the next tick */
    struct txn_seen seen;              /**< good from txn_on_request to txn_server_new */
    const char *same;                  /**< txn_target.same, within txn_client_new */
    struct txn_stats stats;
    struct route_black black; /**< servers that have failed; its times may be set */
    /** Octets up to which a request goes over UDP (RFC 3261 §18.1.1); 0: any. */
    uint32_t udp_max;
    /** Header lines with CRLF, or absent, that are put on what the layer itself builds:
        responses of txn_reply and txn_reply_stateless; ACK and CANCEL. */
    struct str server_line, user_agent_line;
    struct txn_border border; /**< zeros: nobody looks */
};

/** @param max most transactions at a time, 0: no limit. @return 0 or E_NOMEM */
int txn_layer_init(struct txn_layer *l, const struct env *env, struct wheel *wheel,
                   const struct txn_timing *timing, size_t max);

/** Frees all transactions without callbacks. */
void txn_layer_fini(struct txn_layer *l);

/* ---- requests that arrive ---- */

enum txn_in {
    TXN_IN_NEW,      /**< nothing known: the user makes a server transaction or not */
    TXN_IN_ABSORBED, /**< retransmission, or ACK to a non-2xx: dealt with */
    TXN_IN_ACK,      /**< an ACK for nobody here: for a dialog's 2xx, or stray */
    TXN_IN_CANCEL,   /**< CANCEL for the INVITE transaction *out (which may be finished) */
    TXN_IN_MERGED,   /**< came a second time by another path (§8.2.2.2): answer 482 */
};

/**
 * Match a checked request (RFC 3261 §17.2.3, both the cookie and the RFC 2543 way).
 * @param out  the transaction that matched, or NULL. ACK: the INVITE transaction when it
 *             has the branch of one that was accepted (an old client); MERGED: the
 *             transaction of the first copy. A proxy through which a request comes twice
 *             (a spiral) may treat MERGED as NEW.
 */
enum txn_in txn_on_request(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms, struct txn **out);

/**
 * Make the server transaction of a request that txn_on_request called NEW (or of the CANCEL
 * itself; MERGED is allowed). Copies the message. @return NULL when memory or the limit is
 * out: answer 503 with txn_reply_stateless. Also NULL for ACK, and without a usable Via
 */
struct txn *txn_server_new(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                           const struct txn_user *user, void *owner, uint64_t now_ms);

/**
 * Send a response whose bytes the caller made (runs as from sip_edit_emit; the Via lines are
 * the request's, with received and rport as txn_write_vias puts them).
 * Provisional responses after a final one, and a second final one, are E_STATE; a 2xx of an
 * INVITE may be sent again (the user repeats it until the ACK, §13.3.1.4: txn_resend).
 * The request (t->req) is freed by the first final response.
 * @return 0; E_STATE; E_VALUE (no status; 101-199 or 408 to a non-INVITE); E_NOMEM: nothing
 *         was sent and nothing changed; E_IO, E_TOOBIG and what env->open says: not sent,
 *         on_failure follows
 */
int txn_respond(struct txn *t, unsigned status, const struct str *run, size_t n,
                uint64_t now_ms);

/** The same with a response that came from elsewhere. @param same  as of txn_target; NULL when
    it was changed in more than its way */
int txn_pass_response(struct txn *t, unsigned status, const struct str *run, size_t n,
                      const char *same, uint64_t now_ms);

/** 100 gets the request's Timestamp (§8.2.6.1). @return as txn_respond; E_STATE also when
    the request is no longer kept, i.e. after a final response */
int txn_reply(struct txn *t, const struct txn_reply *r, uint64_t now_ms);

/** Just a status with its default phrase. */
int txn_reply_status(struct txn *t, unsigned status, uint64_t now_ms);

/** Send the last response to an INVITE again (a 2xx that was not acknowledged yet, a
    reliable provisional). @return 0, E_STATE, or what sending says */
int txn_resend(struct txn *t);

/**
 * Answer without a transaction, for overload and for messages that cannot be processed. The
 * To tag is derived from the request so that repeats get the same (§8.2.7). Never answers
 * ACK or a response, or a message without a usable Via.
 * @return 0; E_STATE: never answered; E_VALUE: a provisional status; E_SYNTAX: no Via;
 *         E_NOMEM; E_IO, E_TOOBIG
 */
int txn_reply_stateless(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                        const struct txn_reply *r);

/**
 * The Via lines of a response to `m` from `from`: all of the request's in order, the top one
 * with received= and rport= (RFC 3261 §18.2.1, RFC 3581 §4).
 */
void txn_write_vias(struct out *o, const struct sip_msg *m, const struct hop *from);

/**
 * The same for one Via value, for who forwards the request: "host;branch=x;rport" becomes
 * "host;branch=x;rport=5060;received=192.0.2.9". What needs no change comes out as it was.
 */
void txn_write_top_via(struct out *o, struct str value, const struct hop *from);

/* ---- requests that we send ---- */

/** Where a request is to go: an address, or a name with a port. */
struct txn_target {
    struct hop hop;    /**< flow: use it; else transport (TP_NONE: to be found out) and remote,
                            when family is set */
    struct str host;   /**< without an address this name is looked up (copied); with one it says
                            whom a TLS connection there must prove to be (env->open) */
    uint16_t port;     /**< 0: not given (a name with a port has no SRV records) */
    bool sips;         /**< TLS on each way */
    bool fixed;        /**< the transport is somebody's decision: also for large requests */
    bool has_other;    /**< the user has another way to go on with: silence is told him after
                            timing.silent, as a timeout */
    struct str mark;   /**< text put behind our own part of the branch, at most TXN_MARK_MAX
                            octets of a token: what a proxy knows loops by (RFC 5393 §4.2.1) */
    struct str branch; /**< txn_send_ack: this and no other, when it is set (§16.11) */
    const char *same;  /**< the octets of the message of which this is a copy, changed in
                            nothing but its start line and lines about its way; NULL: of none */
};

/**
 * The target that a sip or sips URI means: its maddr or host, its port and transport (sips:
 * TLS); with a numeric host the defaults of both, with a name only what the URI says. out->host
 * is a slice of the URI. @return false: another scheme
 */
bool txn_target_of_uri(const struct sip_uri *u, struct txn_target *out);

/**
 * Send a request. run[0] is the start line with its CRLF; the layer puts its Via line behind
 * it (branch of its own, sent-by from env->local, rport on UDP) and then the other runs.
 * @param method  enum sip_method or SIP_METHOD_OTHER for an unknown one
 * @return NULL when memory or the limit is out. A transport error is told by on_failure, a
 *         refusal of the border by on_response with a response made here, both after this has
 *         returned (at the next tick), never from inside.
 */
struct txn *txn_client_new(struct txn_layer *l, enum sip_method method,
                           const struct txn_target *to, const struct str *run, size_t n,
                           const struct txn_user *user, void *owner, uint64_t now_ms);

/**
 * Cancel an INVITE client transaction (§9.1): at once when a provisional response has come,
 * else when the first one comes. `lines`: header lines for the CANCEL, e.g. Reason, copied.
 * If no final response follows within 64*T1 after the CANCEL, on_failure(TXN_TIMEOUT); so
 * also, at the next tick, when the name of the target was not yet known and nothing was sent.
 * Harmless when a final response was received. @return 0; E_NOMEM; E_STATE: no INVITE of ours;
 * E_SYNTAX: its bytes were no message
 */
int txn_cancel(struct txn *t, struct str lines, uint64_t now_ms);

/** The user leaves: no callback any more. The transaction lives on as the RFC wants. */
void txn_detach(struct txn *t);

/** Hand in a checked response. @return false when it matches nothing (counted) */
bool txn_on_response(struct txn_layer *l, const struct sip_msg *m, const struct hop *from,
                     uint64_t now_ms);

/** A look-up has ended: try all that wait. */
void txn_on_resolved(struct txn_layer *l, uint64_t now_ms);

/** A flow is gone: client transactions that wait on it fail; servers forget the flow. */
void txn_on_flow_closed(struct txn_layer *l, uint32_t flow, uint64_t now_ms);

/** Send a message outside of any transaction, e.g. an ACK to a 2xx, with a Via of its own and
    a fresh branch. @return 0, E_AGAIN (name is being looked up; nothing sent), E_NOTFOUND,
    E_TOOMANY (runs), and what env->open and env->send say */
int txn_send_ack(struct txn_layer *l, const struct txn_target *to, const struct str *run,
                 size_t n);

/** How many transactions live. */
static inline size_t txn_count(const struct txn_layer *l)
{
    return l->pool.in_use;
}

#endif
