/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user information in the bodies of SIP messages.
 *
 *     application/isup   an ISUP message: SIP-T, SIP-I (RFC 3372, RFC 3204), parameter 0x20
 *     application/gtd    the same as text (Cisco): the UUS line
 *     application/sdp    `a=cs-correlation:uuie:…` (RFC 7195): of a call over circuits, yet to
 * be
 *
 * each alone or in a multipart, at any depth down to ISDN_DEPTH_MAX. A part is looked at if it
 * is as it is: with a Content-Transfer-Encoding other than binary, 8bit or 7bit, or in a
 * message with a Content-Encoding, nothing can be said about it (E_UNSUPPORTED).
 *
 *     struct isdn_body found;
 *     if (isdn_body_may(m) && isdn_body_read(m, arena, &found) == 0) {
 *         octets = isdn_body_octets(&found, ISDN_ISUP | ISDN_GTD);
 *     }
 *
 *     struct isdn_edit e;
 *     if (isdn_body_edit(m, arena, ISDN_ANYWHERE, STR_NONE, &e) == 0 && e.changed) {
 *         sip_edit_body(&edit, e.type, e.body);
 *     }
 *
 * EDITING changes one parameter, line or value and leaves every other octet of the body as it
 * is, delimiters, preamble and part headers included. Octets are put into each ISUP message
 * that may have them (IAM, ACM, CON, ANM, CPG, REL, USR, SGM) and each GTD text; into SDP only
 * where a value stands already. A USR, which is nothing but such information, is taken out as a
 * whole part: when it was the only one, no body is left.
 *
 * WHOSE WORD COUNTS when header and body differ: isdn_settle.
 *
 * OWNERSHIP. Octets and new bodies lie in the arena or in the message. Linear in the body.
 */
#ifndef BATON_ISDN_BODY_H
#define BATON_ISDN_BODY_H

#include "base/arena.h"
#include "isdn/gtd.h"
#include "isdn/isup.h"
#include "sip/msg.h"

/** Bodies of that kind in one message; more is E_TOOMANY. */
#define ISDN_FOUND_MAX 16

/** Multiparts inside of each other. */
#define ISDN_DEPTH_MAX 4

enum isdn_place {
    ISDN_ISUP = 1,
    ISDN_GTD = 2,
    ISDN_SDP = 4,
    ISDN_ANYWHERE = ISDN_ISUP | ISDN_GTD | ISDN_SDP,
};

/** A body or part that could have it. */
struct isdn_found {
    uint8_t place; /**< enum isdn_place */
    int err;       /**< 0, or why there are no octets: E_NOTFOUND, or as the readers say */
    struct str octets;
    struct str isup; /**< the name of the message ("IAM"), for notes; absent for others */
};

struct isdn_body {
    struct isdn_found v[ISDN_FOUND_MAX];
    size_t n;
    uint8_t places; /**< bits: which kinds there are, with or without octets */
};

/** Can there be any? Looks at the Content-Type alone, so it costs next to nothing. */
bool isdn_body_may(const struct sip_msg *m);

/**
 * Find all of them.
 * @return 0; E_TOOMANY; E_SYNTAX: a multipart that is none (what was found until then counts);
 *         E_UNSUPPORTED: Content-Encoding, or deeper than ISDN_DEPTH_MAX; E_NOMEM
 */
int isdn_body_read(const struct sip_msg *m, struct arena *a, struct isdn_body *out) MUST_USE;

/** The same for a body of that Content-Type, with no encoding of its own. */
int isdn_body_find(struct str type, struct str body, struct arena *a,
                   struct isdn_body *out) MUST_USE;

/** The octets of the first in one of these places that has some; absent: none. */
struct str isdn_body_octets(const struct isdn_body *found, unsigned places);

struct isdn_edit {
    bool changed;
    struct str
        type; /**< Content-Type for `body`: the old one, or absent when nothing is left */
    struct str body;
    size_t left; /**< places that could not be changed: malformed, or no room for it */
};

/**
 * The body with `octets` in these places; absent: with none there. A place that cannot be
 * changed stays as it is and counts as `left`.
 * @return 0; E_VALUE: the result would not be read as the same parts (octets that look like a
 *         delimiter, or an inner multipart that is left empty); else as isdn_body_read. Nothing
 *         is changed then
 */
int isdn_body_edit(const struct sip_msg *m, struct arena *a, unsigned places, struct str octets,
                   struct isdn_edit *out) MUST_USE;

/** To whom a message goes. */
enum isdn_side {
    ISDN_TO_NATIVE, /**< an end that understands SIP: it reads the header */
    ISDN_TO_ISUP,   /**< a gateway that reads the body */
};

/** What one message is to say in both places. */
struct isdn_settled {
    struct str octets; /**< absent: none in either */
    bool header;       /**< the header is to be written: it has none, or something else */
    bool body;         /**< the body is to be written, likewise; only towards ISUP */
    bool differ;       /**< both had some, and not the same: worth a note */
};

/**
 * Header wins towards an end that reads headers, body towards one that reads bodies; who has
 * none takes the other's. @param header, body  octets; absent: none
 */
struct isdn_settled isdn_settle(struct str header, struct str body, enum isdn_side side);

#endif
