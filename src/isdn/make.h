/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages that Baton makes itself, for a gateway that reads User-to-User out of them and
 * is called by somebody who has none (Q.763, with the values of RFC 3398 and Q.1912.5).
 *
 * THE MINIMUM. Each has the parameters that are mandatory in it, the number of a caller who is
 * known, and the user-to-user information. What is said is true of a call that comes from SIP,
 * or is what a gateway is to say by default when it knows nothing (RFC 3398 §7.2.1.1, §8.2.3):
 *
 *     nature of connection     no satellite, no continuity check, no echo control
 *     forward call             ISDN user part all the way, not required; no ISDN access
 *     calling party's category ordinary subscriber
 *     transmission medium      3.1 kHz audio (ANSI: the same as user service information)
 *     backward call            charge, ordinary subscriber, ISDN user part all the way
 *
 * "All the way", because an exchange may drop user-to-user information where it is not. A
 * number with '+' is an international one, and any other is of unknown nature. Without a number
 * that is called there is no IAM: E_VALUE, and nobody makes one up.
 *
 * Numbers are those of E.164; an IAM of ITU ends its number with ST, for all of it is there.
 * Neither of the two languages has RLC or CON the same: ANSI has no CON, and an ANM stands for
 * it.
 */
#ifndef BATON_ISDN_MAKE_H
#define BATON_ISDN_MAKE_H

#include "isdn/isup.h"

/** Digits of a number. */
#define ISUP_DIGITS_MAX 32

/** Longest message that is made. */
#define ISUP_MADE_MAX 256

/** What a CPG tells (Q.763 §3.21). */
enum isup_event {
    ISUP_EVENT_ALERTING = 1,
    ISUP_EVENT_PROGRESS = 2,
    ISUP_EVENT_IN_BAND = 3,
    ISUP_EVENT_FORWARDED = 6,
};

/** Where a cause comes from (Q.850). */
enum isup_location {
    ISUP_BY_USER = 0,
    ISUP_BY_NETWORK = 10, /**< beyond the interworking point */
};

struct isup_new {
    uint8_t type;            /**< IAM, ACM, CPG, CON, ANM, REL, RLC */
    uint8_t base;            /**< enum isup_base */
    struct str called;       /**< IAM: digits, '*' and '#', with a '+' in front or without */
    struct str calling;      /**< IAM: likewise; absent: none is told */
    bool restricted;         /**< … and it is not to be shown */
    bool free;               /**< ACM: the called party is free, and rings */
    uint8_t event;           /**< CPG: enum isup_event */
    uint8_t cause, location; /**< REL: of Q.850, 1 to 127; enum isup_location */
    struct str uui;          /**< discriminator first; absent: none */
};

/**
 * @return 0; E_VALUE: no number, one with anything else or too long, no cause, or user-to-user
 *         information without an octet; E_TOOBIG: more of that than ISDN_UUI_MAX;
 *         E_UNSUPPORTED: a type that is not made, or that has no room for it (RLC); E_SPACE.
 *         Nothing is written then
 */
int isup_write(struct out *o, const struct isup_new *m) MUST_USE;

/**
 * The number in a URI: of a tel URI without its separators (RFC 3966 §5.1.1), else the user
 * part when it is one. In the buffer. @return absent: there is none
 */
struct str isup_number_of(struct str uri, char buf[static ISUP_DIGITS_MAX + 1]);

#endif
