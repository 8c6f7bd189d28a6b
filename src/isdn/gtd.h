/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user information in texts that gateways put into bodies:
 *
 *     UUS,3,3132333435                                a line of a GTD body (Cisco, Q.1980.1)
 *     a=cs-correlation:callerid:+49301 uuie:5600AB    a line of SDP (RFC 7195 §5.2.3.3)
 *
 * GTD. The second field is the protocol discriminator, where 3 means IA5 characters (4 in
 * Q.931) and all others are as in Q.931: the 3 of Q.931 has no number. The hex digits are the
 * data alone; octets begin with the discriminator here as everywhere.
 *
 * CS-CORRELATION. The hex digits are the octets, discriminator first. A mechanism without a
 * value (`uuie`) says that it is understood; it stays as it is.
 *
 * Lines end in CRLF or LF. What is not touched stays octet for octet.
 */
#ifndef BATON_ISDN_GTD_H
#define BATON_ISDN_GTD_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"

/**
 * The value of the UUS line.
 * @return 0, *octets in the arena; E_NOTFOUND: no such line, or one without digits; E_TOOMANY:
 *         several; E_SYNTAX: no hex, an odd number of digits, no discriminator; E_TOOBIG;
 * E_NOMEM
 */
int gtd_uui_get(struct str gtd, struct arena *a, struct str *octets) MUST_USE;

/** The text with that value in its first UUS line, other UUS lines cut; without one, a line is
    added. Absent: without any. @return 0; E_VALUE: set, and no octet or a discriminator of 3;
    E_SPACE */
int gtd_uui_set(struct str gtd, struct str octets, struct out *o) MUST_USE;

/**
 * The value of the `uuie:` mechanism of SDP; the same one may stand there several times.
 * @return as gtd_uui_get; E_TOOMANY: several that differ
 */
int correlation_get(struct str sdp, struct arena *a, struct str *octets) MUST_USE;

/** The SDP with these octets in all `uuie:` values; absent: without those, and without a line
    that has nothing else. @return 0; E_VALUE: set, and no octet; E_SPACE */
int correlation_set(struct str sdp, struct str octets, struct out *o) MUST_USE;

#endif
