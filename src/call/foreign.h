/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that Baton does not carry, and of which a phone tells: what the phone layer does to
 * them. foreign.c says what such a call is.
 */
#ifndef BATON_CALL_FOREIGN_H
#define BATON_CALL_FOREIGN_H

#include "call/call.h"

struct call_foreign {
    struct device *device; /**< whose phone tells of it */
    bool outgoing;         /**< that device has begun it */
    bool restricted;       /**< the other party is not to be shown */
    struct str other;      /**< identifier of the other party, copied; absent: not known */
};

/** Nothing is told yet. @return the device's own connection; NULL: memory or a limit */
struct connection *call_foreign_new(struct call_layer *l, const struct call_foreign *f);
/** It was none, or nobody shall hear how it ended: nothing is told. */
void call_foreign_forget(struct call *c);
/** Who the other party is, now that it is known. @return false: no memory */
bool call_foreign_name(struct connection *other, struct str id) MUST_USE;
/** That happened to this connection, of all kinds but Diverted and Transferred. No news are not
    told. `cause`: lives as long as the program. */
void call_foreign_tell(struct connection *subject, enum call_event_kind kind, const char *cause,
                       uint64_t now_ms);
/** The device has dialled some more of a number (DigitsDialed). */
void call_foreign_dialed(struct connection *own, struct str digits, const char *cause,
                         uint64_t now_ms);
/** It is over. @param by  who has released it, or NULL */
void call_foreign_over(struct call *c, struct connection *by, const char *cause,
                       uint64_t now_ms);
void call_foreign_diverted(struct connection *own, struct str to, const char *cause,
                           uint64_t now_ms);
/** The device leaves the call, and `second` too (its connection of another one), or NULL. */
void call_foreign_transferred(struct connection *own, struct connection *second, struct str to,
                              const char *cause, uint64_t now_ms);
/** Who meets in a foreign call that a phone makes a conference. */
struct call_foreign_meeting {
    struct connection *by;     /**< who brings them together: a connection of that call */
    struct connection *second; /**< the device's own connection of the call that is over with
                                    it, a foreign one, or NULL */
    const struct str *party;   /**< identifiers of all whom the phone names, borrowed */
    size_t count;
    struct str added; /**< who comes new; absent: the first that nobody has heard of */
};
/**
 * A call of several parties: those of `by`'s, those of `second`'s, and who else is named.
 * @return false: no memory, or more than CALL_PARTIES_MAX; nothing is told
 */
bool call_foreign_conferenced(const struct call_foreign_meeting *m, const char *cause,
                              uint64_t now_ms);
/** One party of a foreign conference leaves; the others talk on. */
void call_foreign_left(struct connection *party, const char *cause, uint64_t now_ms);
/** Parties that are in it now, the device too. */
unsigned call_foreign_count(const struct call *c);
/** The party of that name that is in it, or NULL. */
struct connection *call_foreign_party(const struct call *c, struct str id);
/** The other party hands the device over to `to`, who is the other party from now on. */
void call_foreign_moved(struct connection *other, struct str to, const char *cause,
                        uint64_t now_ms);

#endif
