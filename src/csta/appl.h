/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Application sessions of ECMA-354: the messages by which an application on a stream says who
 * it is, for how long, and in which edition of CSTA it wants to speak.
 *
 * They are few, small, and of a namespace of their own, so they are not rows of gen/csta.txt:
 * all of them fit into one flat struct. Elements are told by their local names, in any order;
 * what is not known is passed over.
 *
 * CREDENTIALS. The standard leaves applicationSpecificInfo to each product. Clients put a login
 * there under various names (Eltex and Avaya: SessionLoginInfo/userName, password). Taken are,
 * in any case of letters: userName, user, login, loginName; password, passwd, pwd.
 */
#ifndef BATON_CSTA_APPL_H
#define BATON_CSTA_APPL_H

#include "csta/csta.h"

#define CSTA_APPL_NAMESPACE "http://www.ecma-international.org/standards/ecma-354/appl_session"

enum csta_appl_kind {
    CSTA_APPL_NONE, /**< some other message */
    CSTA_APPL_START,
    CSTA_APPL_START_POS,
    CSTA_APPL_START_NEG,
    CSTA_APPL_RESET,
    CSTA_APPL_RESET_POS,
    CSTA_APPL_RESET_NEG,
    CSTA_APPL_STOP,
    CSTA_APPL_STOP_POS,
    CSTA_APPL_STOP_NEG,
    CSTA_APPL_TERMINATED,
};

/** What is not in the message is absent, or 0. */
struct csta_appl {
    enum csta_appl_kind kind;
    struct str application_id, user, password; /**< Start */
    /** Start: the first one of those wanted that is spoken here; Pos: the one that is spoken.
        Its namespace, as it was written. */
    struct str version;
    struct str session_id;
    uint32_t duration_s; /**< that is wanted, or given */
    struct str reason;   /**< Neg: the error; Stop and Terminated: the reason */
    bool defined;        /**< to be written: `reason` is one of the standard's */
};

/**
 * Read one, or find out that the message is another.
 * @param salt  as in csta_limits
 * @return 0; E_VALUE: a value is wrong; E_SYNTAX, E_DENIED, E_TOOBIG, E_TOOMANY: the XML is;
 *         E_NOMEM. kind is set in all cases in which the root could be read.
 *
 * Text lives in the arena or is borrowed from `xml`.
 */
int csta_appl_read(struct str xml, unsigned long salt, struct arena *a,
                   struct csta_appl *out) MUST_USE;

/** Write one. Login and password are written in a SessionLoginInfo. */
void csta_appl_write(const struct csta_appl *m, struct out *o);

#endif
