/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User as a call carries it: what the files of this module share of it.
 *
 *   context.c    the values that go with a call, where they come from and what a move does to
 *                them; seals.c  those that were sealed here
 *   uus.c        user-to-user signalling with the ISDN (RFC 7434): when it may be used
 *   uus_make.c   ISUP messages, and GTD, of our own
 */
#ifndef BATON_CALL_CARRY_H
#define BATON_CALL_CARRY_H

#include "call/call.h"
#include "sip/embed.h"
#include "uui/message.h"

/* ---- context.c: User-to-User ---- */

/** The values of a line as the functions below write it; absent for none. */
struct str call_uui_values(struct str line);
/** "User-to-User: …" with CRLF for values, in the arena; absent for none or no memory. */
struct str call_uui_values_line(struct arena *a, struct str values);
/**
 * For the seals of values that have come just now, in a dialog; NULL: in none, and then whether
 * they came before does not matter.
 */
struct seal_from context_came(const struct call_layer *l, enum seal_way way,
                              const struct dialog *d);
/** "User-to-User: …" with CRLF for octets (isdn-uui hex), in the arena; absent when none. */
struct str call_uui_line(struct arena *a, struct str octets);
/**
 * One value of a package for octets that an application or a rule gave, in the scratch arena:
 * sealed when the package says with which key. @return CALL_UNFIT_DATA: there is no room for
 * them under the seal; CALL_NO_RESOURCES: they cannot be sealed, or no memory
 */
enum call_error call_uui_value(struct call_layer *l, struct str package, struct str octets,
                               enum seal_way way, struct str *value) MUST_USE;
/** The line of such a value of isdn-uui. */
enum call_error call_uui_sealed_line(struct call_layer *l, struct str octets, enum seal_way way,
                                     struct str *line) MUST_USE;
/**
 * `value` is what was made of these octets of that package for this call (seals.c).
 * @return false: no memory
 */
bool context_sealed(struct call *c, struct str package, struct str value, struct str octets);
/** The call's values have gone out on a leg of ours: there they are no replay (seals.c). */
void context_passes_on(const struct call *c, const struct leg *leg);
/** What was sealed here for the other call can be sealed anew in this one. @return false: no
    memory */
bool context_seals_of(struct call *c, const struct call *other);
/** Values to be sent now: those that were sealed here a while ago are sealed anew. */
struct str context_fresh(struct call *c, struct str values);
/** From now on `line` ("User-to-User: …" with CRLF, in the call's arena) is the call's context.
 */
void call_set_uui(struct call *c, struct str line);

/** How a call goes to somebody else, for the rules about its User-to-User. */
struct move {
    enum uui_move how;
    const struct connection *by; /**< who sends it there; NULL: an application or a rule */
    const struct hop *over; /**< over which hop `by` has said so; NULL: that does not matter */
    struct str to;          /**< the domain of who is called now (context_domain…) */
    struct str given, had;  /**< values that the move brings, and those of the call */
    const struct call *of;  /**< whose context `given` is: who put it in there has put it in
                               here; NULL: nobody's, `by` brings it */
};

/** The administrative domain of a party: ours for our devices and inside of our trust domain.
 */
struct str context_domain(const struct connection *conn);
struct str context_domain_of(const struct call_layer *l, const struct destination *to);

/** May it put others in place of the call's values? */
bool context_may_replace(const struct call *c, const struct move *m);
/** Join them by the table of uui/merge.h; what becomes of them is counted, traced, and marked
   as whose it is. @return false: no memory */
bool context_move(struct call *c, const struct move *m, struct uui_merged *out);

/** The same for octets that an application gives, or none: the line of what goes to `to`, in
   the call's arena; absent: nothing goes. @return CALL_OK, CALL_UNFIT_DATA, CALL_NO_RESOURCES
 */
enum call_error context_of_service(struct call *c, struct str octets,
                                   const struct destination *to, struct str *line) MUST_USE;

/* ---- uus.c: User-to-User with the ISDN ---- */

/** Messages besides an INVITE that begins a leg. */
enum uus_message {
    UUS_ANSWER,    /**< 101-199 and 2xx to it */
    UUS_REFUSAL,   /**< 300-699 to it */
    UUS_END,       /**< BYE … */
    UUS_ENDED,     /**< … and 2xx to it */
    UUS_ELSEWHERE, /**< everything else */
};

/** Is one of them an ISDN? Either may be NULL. */
bool uus_concerns(const struct connection *from, const struct connection *to);
/** The INVITE of this caller has come. */
void uus_called(struct connection *from, const struct sip_msg *m);
/** An INVITE with that is about to go to `to`. `from`: whose message it passes on; `target`:
    its Request-URI */
void uus_invite(const struct connection *from, struct connection *to, struct str target,
                struct leg_content *content);
/** The same for another message. @param from  NULL: Baton's own */
void uus_pass(const struct connection *from, struct connection *to, enum uus_message kind,
              struct leg_content *content);
/** The same for a refusal with that status, of which the message may not be there. */
void uus_refuse(const struct connection *from, struct connection *to, unsigned status,
                struct leg_content *content);
/** The call has been transferred: no ISDN in it has the service any more (RFC 7434 §3.2). */
void uus_transferred(struct call *c);
/** The User-to-User values of a message that count, for events; as uui_of_msg. `m` may be NULL
 */
struct str uus_values(const struct connection *from, enum uus_message kind,
                      const struct sip_msg *m);

/** What the body of a REFER or 3xx of that party has for the new target (CVP puts it there,
    and not into the URI): values, of a party that has it in bodies; absent: none */
struct str uus_for_target(const struct connection *from, const struct sip_msg *m);

/* ---- uus_make.c: ISUP messages, and GTD, of our own ---- */

/** The INVITE of this caller has come. */
void isup_called(struct connection *from, const struct sip_msg *m);
/** What `to` is about to be sent, with its User-to-User `uui` (absent: none), gets its ISUP
    message or GTD where it is to have one. @param target  Request-URI */
void isup_invite(struct connection *to, struct str target, struct str uui,
                 struct leg_content *content);
/** @param status  of a response, else 0 */
void isup_pass(struct connection *to, enum uus_message kind, unsigned status, struct str uui,
               struct leg_content *content);

#endif
