/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GTD bodies that Baton makes itself: for a Cisco gateway or CVP, which reads User-to-User out
 * of them and of nothing else, when the other end of the call has none.
 *
 *     IAM,                     INVITE
 *     PRN,isdn*,,NET5*,        whose signalling it stands for: Euro-ISDN
 *     USI,rate,c,s,c,1         bearer: speech, circuit mode, 64 kbit/s
 *     TMR,00                   transmission medium: speech
 *     CPN,00,,u,8555           called number, of unknown nature and plan
 *     CPC,09                   an ordinary subscriber
 *     FCI,,,,,,,y,             forward call indicators
 *     UUS,3,4869               User-to-User, see gtd.h
 *     GCI,5c2f…d880            identifies the call: 16 octets
 *
 *     ANM,                     200; ACM and CPG in 1xx, REL in BYE and refusals
 *     PRN,isdn*,,NET5*,
 *     UUS,3,4869
 *
 * ONLY WHAT HAS BEEN SEEN. No description of GTD is published; a line is written here only in a
 * form that gateways of Cisco have sent, all of which have just these lines (sources:
 * docs/uui-dialects.md). What the numbers of other natures and of a restricted presentation are
 * is not among it. So the called number is told if it is digits alone, and the caller's never
 * is: Request-URI, From and P-Asserted-Identity say both, and nobody needs them here. A REL has
 * no cause, which the Reason header has.
 */
#ifndef BATON_ISDN_GTD_MAKE_H
#define BATON_ISDN_GTD_MAKE_H

#include "isdn/isup.h"

/** Longest text that is made. */
#define GTD_MADE_MAX 512

/** Octets that identify a call. */
#define GTD_CALL_ID_LEN 16

struct gtd_new {
    uint8_t type;       /**< enum isup_type: IAM, ACM, CPG, ANM, REL */
    struct str called;  /**< IAM: told when it is digits alone; may be absent */
    struct str call_id; /**< IAM: GTD_CALL_ID_LEN octets */
    struct str uui;     /**< discriminator first */
};

/**
 * @return 0; E_VALUE: no user-to-user information, nothing but a discriminator, one that has
 *         no number in GTD (3), or an IAM without call_id; E_TOOBIG: more than ISDN_UUI_MAX;
 * E_UNSUPPORTED: another type; E_SPACE. Nothing is written then
 */
int gtd_write(struct out *o, const struct gtd_new *m) MUST_USE;

#endif
