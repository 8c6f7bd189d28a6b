/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The User-user information element of Q.931 (§4.5.30), and just enough of a message to find
 * it.
 *
 *     7E  length  protocol discriminator  user information (0 to 128 octets)
 *                 `------ octets: what isdn-uui carries in hex (RFC 7434 §9) ------'
 *
 * The discriminator is one of the octets, here as everywhere in Baton, and nothing is guessed
 * about it. An element of length 0 has none: it says nothing and is like an absent one.
 *
 * MESSAGES. An element whose first octet has bit 8 set is that octet alone, others have a
 * length; shifts choose the codeset of what follows (§4.5.3, §4.5.4), and only in codeset 0 is
 * 7E User-user. H.225.0 looks the same but for a length of two octets in this one element,
 * and what it holds is its own business (ASN.1), not a user's.
 *
 * OWNERSHIP. Everything borrows from the octets. No memory; linear in their number.
 */
#ifndef BATON_ISDN_Q931_H
#define BATON_ISDN_Q931_H

#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"

/** Octets of user-to-user information, its protocol discriminator included. */
#define ISDN_UUI_MAX 129

/** Identifier of the User-user element, in codeset 0. */
#define Q931_USER_USER 0x7E

/** Protocol discriminator of call control messages. */
#define Q931_CALL_CONTROL 0x08

/**
 * Read one User-user element, which is all of `element`.
 * @return 0; E_NOTFOUND: it is empty, so there is nothing; E_TOOBIG: more than ISDN_UUI_MAX;
 *         E_SYNTAX: not that element, cut short, or something behind it
 */
int q931_uui_read(struct str element, struct str *octets) MUST_USE;

/** Write the element. @return 0; E_VALUE: no octet; E_TOOBIG; E_SPACE. Then nothing is written
 */
int q931_uui_write(struct out *o, struct str octets) MUST_USE;

/** A message: what stands before its elements, and they. */
struct q931_msg {
    uint8_t type;         /**< 0x05 SETUP, 0x07 CONNECT, … */
    struct str reference; /**< the call's, its flag included; may be empty */
    struct str elements;
};

/** @return 0; E_SYNTAX: cut short, or not Q.931; E_UNSUPPORTED: a national message type */
int q931_view(struct str message, struct q931_msg *out) MUST_USE;

/** "SETUP", or "" for one that is not known. */
const char *q931_type_name(uint8_t type);

/** One element of a message. */
struct q931_element {
    uint8_t id;         /**< of one octet: all of it */
    uint8_t codeset;    /**< 0 to 7 */
    struct str whole;   /**< with id and length */
    struct str content; /**< absent for one of a single octet */
};

/** A walk over elements. Start with {.rest = msg.elements}. */
struct q931_walk {
    struct str rest;
    bool h225;       /**< User-user has a length of two octets */
    uint8_t locked;  /**< the codeset until the next locking shift */
    uint8_t shifted; /**< 8 + codeset of the next element alone, or 0 */
};

/** @return 1; 0 at the end; E_SYNTAX: the element is cut short, and the walk is over */
int q931_next(struct q931_walk *it, struct q931_element *out) MUST_USE;

/**
 * The user-to-user information of a message.
 * @return 0; E_NOTFOUND; E_TOOMANY: several, of which none counts; or as q931_view, q931_next
 *         and q931_uui_read
 */
int q931_uui_find(const struct q931_msg *m, struct str *octets) MUST_USE;

#endif
