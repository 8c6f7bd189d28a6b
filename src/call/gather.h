/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files about conferences share: the room at the focus, the seats in it, and how
 * parties are brought there.
 *
 *   conference.c   life: who leaves, what the focus ends, collapse
 *   focus.c        where the focus is, and what it says of itself
 *   gather.c       the procedure that brings parties there, and its undoing
 *   invite.c       SingleStepConferenceCall: the party that is called first
 */
#ifndef BATON_CALL_GATHER_H
#define BATON_CALL_GATHER_H

#include "call/conference.h"
#include "call/parts.h"

/** A room at the focus. Lies in the arena of its call. */
struct conference {
    struct call *call;
    struct list seats; /**< all that there have been: struct connection.link */
    struct str uri;    /**< URI of the room; absent: it is a user part at the peer `focus` */
    struct str user;   /**< … this one */
    struct str number; /**< that is in it; absent: a factory's room
                        */
    bool known;        /**< it stands: a factory's, once that has answered */
    bool isfocus;      /**< the focus says that it is one (RFC 4579 §5.1) */
};

enum gather_stage {
    GATHER_INVITING, /**< the party that comes new is being called */
    GATHER_CALLING,  /**< the focus is: seats */
    GATHER_MOVING,   /**< the phones are told their seats' descriptions */
};

enum member_stage {
    MEMBER_WAITS,
    MEMBER_CALLS, /**< INVITE to its seat is out */
    MEMBER_READY, /**< the seat has answered */
    MEMBER_MOVES, /**< and its phone is being told */
    MEMBER_THERE,
};

/** A party that is being brought to the focus. */
struct member {
    struct gather *gather;
    struct connection *party;   /**< as it is now, with its leg */
    struct connection *becomes; /**< and in the conference: itself, or one made like it */
    struct connection *seat;    /**< that will be its */
    uint8_t stage, retries;
    bool touched; /**< its phone has been sent the seat's description */
    struct leg_request *request;
    struct timer retry;
};

/** Most parties that come at a time: two calls, or one and who is invited. */
#define GATHER_MAX 3

struct gather {
    struct call *call;        /**< that is the conference */
    struct call *other;       /**< whose party comes along; NULL: none */
    struct connection *by;    /**< the device whose application asks, in `call` … */
    struct connection *with;  /**< … and in `other` */
    struct connection *added; /**< who comes new, in `call` */
    struct connection *husk;  /**< the same as it stands in `other` */
    struct member member[GATHER_MAX];
    size_t count;
    uint8_t stage;         /**< enum gather_stage */
    bool first;            /**< there is no room yet: the first seat makes it */
    bool silent;           /**< who comes new is heard by nobody */
    struct str uui_answer; /**< User-to-User of the answer of who was invited */
    struct timer limit;
    call_done_fn fn;
    void *owner;
};

/* ---- focus.c ---- */

/** The room of a conference that begins. NULL: no memory, or the configuration names nobody */
struct conference *focus_room(struct call *c);
/** Where a seat is to be had. @return false: nowhere any more, or no memory */
bool focus_place(const struct call *c, bool silent, struct destination *out);
/** The focus has answered, or sends elsewhere (3xx): what it says of itself. @return false:
    nothing that leads anywhere, or no memory */
bool focus_learn(struct call *c, const struct sip_msg *m);

/* ---- conference.c ---- */

/** Legs to the focus. */
extern const struct leg_user seat_user;

/** A seat without a party yet; NULL: no memory. */
struct connection *seat_new(struct call *c);
/** It is given back: CANCEL, or BYE behind what is still to be acknowledged. */
void seat_leave(struct connection *seat, const struct leg_content *content, uint64_t now_ms);
/** That party's legs end: CANCEL, BYE, ACK and BYE. Nobody is told. */
void connection_let_go(struct connection *conn, const struct leg_content *content,
                       uint64_t now_ms);
/** They belong together from now on; the seat that the party had is left. */
void seat_take(struct connection *party, struct connection *seat, uint64_t now_ms);
/** Parties that are in the call now. */
unsigned conference_count(const struct call *c);

/* ---- gather.c ---- */

/** NULL: no memory. Both calls know it from now on. */
struct gather *gather_new(struct call *c, struct call *other, call_done_fn fn, void *owner);
/** One more party that needs a seat. @return false: no memory */
bool gather_add(struct gather *g, struct connection *party, struct connection *becomes);
/** All are named: to the focus with them. What becomes of it is told. */
void gather_go(struct gather *g, uint64_t now_ms);
/** Everything is as it was before; `err` is told. */
void gather_fail(struct gather *g, enum call_error err, unsigned status, uint64_t now_ms);
/** Is that party part of it? It leaves: all is undone. */
void gather_lose(const struct connection *party, uint64_t now_ms);
/** It is not known any more, and nobody is told. */
void gather_free(struct gather *g);
/** The outcome is told, if it has not been. */
void gather_tell(struct gather *g, enum call_error err, unsigned status, uint64_t now_ms);
/** The one that this seat is for, or NULL. */
struct member *gather_member(const struct connection *seat);
/** A seat has answered, or refused. */
void gather_on_seat(struct member *m, struct leg *leg, const struct sip_msg *msg,
                    uint64_t now_ms);
void gather_on_refusal(struct member *m, unsigned status, const struct sip_msg *msg,
                       uint64_t now_ms);

/* ---- invite.c ---- */

/** Who was called by SingleStepConferenceCall is let go; `status` is told with it. */
void invite_drop(struct gather *g, unsigned status, uint64_t now_ms);

#endif
