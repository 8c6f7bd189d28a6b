/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application session, seen from the computing function: over SIP as TR/87 has it, an INVITE
 * dialog with requests and their answers in INFO; or over TCP and TLS, in frames (ECMA-323
 * Annex J.2), with an application session of ECMA-354 or, when the server knows who comes, an
 * implicit one.
 *
 *   IDLE ──open──► OPENING ──200 normal──► UP ──481, BYE, no answer──► LOST
 *                     │ ▲                                               │
 *                     │ └─────────────────────backoff───────────────────┘
 *                     └─ refused ─► LOST when persistent and up before, else CLOSED
 *   any ──close──► CLOSING ──BYE answered, or 3 s──► CLOSED
 *
 * One request is outstanding at a time; further ones wait in a queue. A request that the
 * session did not survive is answered with a failure, never silently dropped, except by close.
 *
 * OWNERSHIP. The session lives in its owner; csta_session_fini after ua_run. Requests' bodies
 * are copied. What callbacks get lives until they return.
 */
#ifndef BATON_CLI_CSTA_SESSION_H
#define BATON_CLI_CSTA_SESSION_H

#include "cli/csta_print.h"
#include "cli/ua.h"

enum csta_session_state {
    CSTA_SESSION_IDLE,
    CSTA_SESSION_OPENING,
    CSTA_SESSION_UP,
    CSTA_SESSION_LOST, /**< a timer runs until the next attempt */
    CSTA_SESSION_CLOSING,
    CSTA_SESSION_CLOSED,
};

/** The slots of ua_after that the session needs; 2 and 3 are its user's. */
enum { CSTA_SLOT_SESSION = 0, CSTA_SLOT_LATE = 1, CSTA_SLOT_REFRESH = 4 };

struct csta_carrier;

/** The answer to one request. */
struct csta_answer {
    bool ok;                     /**< a positive response */
    struct csta_msg msg;         /**< ok: the response; body is NULL when it came without one */
    struct csta_refusal refusal; /**< not ok: why; `what` is for the user to fill in */
    unsigned status;             /**< of the SIP response, 0: none */
    struct str body;             /**< as it came; may be absent */
};
typedef void (*csta_answer_fn)(void *owner, const struct csta_answer *a);

struct csta_session_user {
    void (*on_up)(void *ctx);
    /** An event; already acknowledged. m->body is NULL for one that is known by name only. */
    void (*on_event)(void *ctx, const struct csta_msg *m, struct str body);
    /** A request of the switching function, already answered: MonitorStop, SystemStatus … */
    void (*on_request)(void *ctx, const struct csta_msg *m, struct str body);
    /** The session is lost, or an attempt failed. retry_ms 0: no more attempts, on_closed
     * follows */
    void (*on_down)(void *ctx, const struct csta_refusal *why, uint64_t retry_ms);
    void (*on_closed)(void *ctx);
    /** The first attempt was not answered for a while, and still may be. May be NULL. */
    void (*on_silence)(void *ctx);
};

struct csta_session_config {
    struct str user; /**< NAME or NAME@DOMAIN */
    struct str password;
    struct str device; /**< whom to invite: user part, or a URI; absent: "csta" */
    enum csta_edition edition;
    bool tcp;            /**< over TCP or TLS, not SIP: the ua's transport says which */
    bool implicit;       /**< … without an application session of ECMA-354 */
    struct str tls_name; /**< what the server's certificate must prove; absent: its host */
    uint32_t duration_s; /**< of an application session, to ask for */
};

struct csta_session {
    struct ua *ua;
    struct csta_session_config config;
    const struct csta_carrier *carrier;
    const struct csta_session_user *user;
    void *ctx;
    uint8_t state;   /**< enum csta_session_state */
    bool persistent; /**< re-establish when lost; the user sets it */
    bool late; /**< the first job got an empty 200; its response may come by INFO (S-11) */
    bool was_up;
    bool asking;      /**< the first job is outstanding */
    struct list jobs; /**< the first one is outstanding when `asking` or `late` */
    unsigned attempts;
    uint64_t up_since_ms;

    /* over SIP */
    struct auth_client auth;
    struct leg *leg;
    struct leg_request *request;
    struct csta_refusal
        down; /**< why the leg is about to end, when that is known better here */

    /* over TCP */
    struct hop hop;   /**< flow 0: there is no connection */
    bool resolving;   /**< the name of the server is looked up */
    uint16_t invoke;  /**< of the last request */
    uint16_t refresh; /**< of the outstanding request to go on with the session; 0: none */
    char id[128];     /**< sessionID; empty: none */
    uint32_t given_s; /**< the session lasts that long without a refresh */
};

void csta_session_init(struct csta_session *s, struct ua *ua,
                       const struct csta_session_config *config,
                       const struct csta_session_user *user, void *ctx);
void csta_session_fini(struct csta_session *s);

/** Invite. News come by callback, maybe before this returns. */
void csta_session_open(struct csta_session *s);

/** Send a body, or queue it. @return 0, E_NOMEM, or E_STATE when the session is not UP */
MUST_USE int csta_session_send(struct csta_session *s, enum csta_msg_id request,
                               struct str body, csta_answer_fn fn, void *owner);

/** Is a request out? */
bool csta_session_is_asking(const struct csta_session *s);

/** Ask for the status, to learn now rather than at the next request whether it is still known.
 */
void csta_session_probe(struct csta_session *s);

/** BYE; queued requests are forgotten. on_closed follows. Idempotent. */
void csta_session_close(struct csta_session *s);

/** Nobody listens where the server should be: an attempt that runs has failed. */
void csta_session_refused(struct csta_session *s);

/** A connection closed: is the session on it? */
void csta_session_flow_closed(struct csta_session *s);
/** Octets of a connection over TCP; as net_handler.stream_input. */
size_t csta_session_stream(struct csta_session *s, struct str bytes, uint64_t now_ms);
/** A look-up of a name has ended. */
void csta_session_resolved(struct csta_session *s);

/** The text of a Warning header of `m` (RFC 3261 §20.43), quotes removed; "" when it has none.
 */
struct str csta_warning_text(const struct sip_msg *m);

#endif
