/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link: what carries a session between Baton and its application.
 *
 * A session serves requests and tells events; that these come in INFO of a SIP dialog, or in
 * frames of a TCP connection, is the business of its link alone. Above this table nothing
 * knows of SIP; below it nothing knows of services and monitors.
 *
 *   request ──► link ── request_on_csta ──► service ── answer_… ──► link->answer
 *   record  ──► deliver.c ── link->ready? ── link->event ──► … ── deliver_mark
 *   over    ──► session_end ── link->end
 *
 * A session is made by its link and lives until the link calls session_free, which it does when
 * nothing of it is left on its side.
 */
#ifndef BATON_CTI_LINK_H
#define BATON_CTI_LINK_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ask;
struct csta_msg;
struct asker;
struct cti_session;

/** Why we end a session. */
enum cti_end {
    CTI_END_PLAIN,         /**< the server stops, or the session never came about */
    CTI_END_MESSAGES_LOST, /**< the client has missed events and can only begin again */
};

/** An answer, whatever carries it. */
struct cti_reply {
    unsigned status; /**< 200, or SIP's word for why there is no CSTA in it: 400, 500, 503 */
    struct str csta; /**< XML, in the scratch arena; absent: none */
    struct str why;  /**< of a refusal, for people; absent: none */
};

struct cti_link {
    const char *name;
    /**
     * Answer a request, once. A session that is over is not asked to.
     * When there is no memory for it the link answers what it can instead.
     */
    void (*answer)(const struct asker *to, const struct cti_reply *reply, uint64_t now_ms);
    /** A link that takes messages as they are; NULL: they are written, for `answer`. A
       CSTAErrorCode comes with the SIP status behind it, or 0, and with a sentence. */
    void (*message)(const struct asker *to, const struct csta_msg *msg, unsigned sip,
                    struct str why, uint64_t now_ms);
    /**
     * May an event go out now? When it may not, the link calls deliver_mark as soon as it may,
     * or sets the session's timer (deliver_wait).
     */
    bool (*ready)(struct cti_session *s, uint64_t now_ms);
    /** Send an event. @return 0; E_NOMEM: not now; E_STATE: the link is on its way out;
        others: never */
    int (*event)(struct cti_session *s, struct str csta, uint64_t now_ms);
    /**
     * Send a request of ours; the outcome is told by ask_on_answer, later, or comes as a
     * message of its own (answers_apart), with *tag as its invoke identifier. @return as
     * `event`
     */
    int (*ask)(struct cti_session *s, struct str csta, struct ask *a, uintptr_t *tag,
               uint64_t now_ms);
    /** Nobody waits for that outcome any more. */
    void (*forget)(struct cti_session *s, uintptr_t tag);
    bool answers_apart;
    /** The session's timer has run out. */
    void (*waited)(struct cti_session *s, uint64_t now_ms);
    /** The session is over, by us: tell the client. */
    void (*end)(struct cti_session *s, enum cti_end why, uint64_t now_ms);
    /** The session is freed without a word: the link ends with it, and does not call back. */
    void (*drop)(struct cti_session *s);
    bool once;            /**< there is one request in it, and nothing after its answer */
    bool unmonitored;     /**< its client hears of events in another way */
    uint32_t pending_max; /**< requests that wait for an outcome; 0: PENDING_PER_SESSION */
};

/** An INVITE dialog (TR/87). */
extern const struct cti_link cti_link_sip;
/** A single request in SIP, outside of any dialog. */
extern const struct cti_link cti_link_once;
/** Frames on a TCP or TLS connection (ECMA-323 Annex J.2). */
extern const struct cti_link cti_link_tcp;
/** Structs, in the process (client.h). */
extern const struct cti_link cti_link_api;

#endif
