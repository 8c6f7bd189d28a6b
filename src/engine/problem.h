/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a command of the HTTP API did not work: CSTA's error and SIP's status as a status of
 * HTTP, and all of it as a problem (RFC 9457).
 *
 *     {"type":"urn:baton:problem:noHeldCall","title":"Conflict","status":409,
 *      "detail":"Not possible in the state of the connection.","code":"noHeldCall",
 *      "csta":{"category":"stateIncompatibility","value":"noHeldCall"}}
 *
 * `code` is what programs look at: CSTA's own word where there is one.
 */
#ifndef BATON_ENGINE_PROBLEM_H
#define BATON_ENGINE_PROBLEM_H

#include "csta/csta.h"

struct problem {
    unsigned status;         /**< of HTTP; 0: what problem_status says */
    struct csta_error error; /**< absent: none of CSTA's */
    unsigned sip;            /**< status of SIP behind it, or 0 */
    struct str code;         /**< absent: CSTA's value, or "refused" */
    struct str detail;       /**< what a log line or a Warning would say, or absent */
};

enum { PROBLEM_SENTENCE_MAX = 512 };

/**
 * The one table of what is what:
 *
 *     403 may not   404 is not there   409 not in this state   400 wrong   501 not served
 *     429 too many  503 no room here   504 no answer in time   502 the phone or peer said no
 */
unsigned problem_status(struct csta_error error, unsigned sip);

/** "noHeldCall" */
struct str problem_code(const struct problem *p);
/** The detail for people: with a capital, unless it begins with a name (callID), and a full
 * stop.
 *  @return in `buf`, or itself when it is too long for that or is one already */
struct str problem_sentence(struct str detail, char buf[PROBLEM_SENTENCE_MAX]);
/** What HTTP calls that status. */
const char *problem_title(unsigned status);

void problem_write(const struct problem *p, struct out *o);

#endif
