/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a session share: csta_session.c and those that carry it.
 */
#ifndef BATON_CLI_CSTA_SESSION_PARTS_H
#define BATON_CLI_CSTA_SESSION_PARTS_H

#include "base/err.h"
#include "cli/csta_session.h"

/** Who waits for an answer of ours. */
struct csta_asked {
    struct leg *leg; /**< over SIP */
    struct txn *txn;
    uint16_t invoke; /**< over TCP */
};

/**
 * What carries a session: how it is opened, and how one message goes out. A carrier says
 * csta_session_came_up or csta_session_went_down, csta_session_answered for the request that is
 * out, and csta_session_take for what comes by itself.
 */
struct csta_carrier {
    void (*open)(struct csta_session *s);
    /** The body of a request. @return 0: an answer will come, or the session goes down */
    int (*send)(struct csta_session *s, struct str body);
    /** Nobody waits for the answer any more. */
    void (*forget)(struct csta_session *s);
    /** @param csta  absent: there is nothing to say */
    void (*answer)(struct csta_session *s, const struct csta_asked *to, struct str csta);
    /** End it. @return false: nothing is there, it is over */
    bool (*close)(struct csta_session *s);
    /** The connection is gone. */
    void (*flow_closed)(struct csta_session *s);
};

extern const struct csta_carrier csta_carrier_sip, csta_carrier_tcp;

/* ---- csta_session.c ---- */

/** The first request in the queue: the one that is out, when one is. */
enum csta_msg_id csta_session_asking(const struct csta_session *s);
/** … and it is answered; the next one is not sent yet. */
void csta_session_answered(struct csta_session *s, const struct csta_answer *a);
/** Send the next one, when there is one and none is out. */
void csta_session_next(struct csta_session *s);
/** What a message says as the answer to a request: ok or a refusal. `err` as of csta_decode */
void csta_session_read(int err, const struct csta_fault *fault, struct csta_answer *a);

void csta_session_came_up(struct csta_session *s, uint64_t now_ms);
/** The session is lost, or did not come about. */
void csta_session_went_down(struct csta_session *s, const struct csta_refusal *why);

/** An event or a request of the switching function: told, and answered when that is due.
    @return 0; an error of csta_decode: it could not be read, and was not answered */
int csta_session_take(struct csta_session *s, const struct csta_asked *from, struct str body);

#endif
