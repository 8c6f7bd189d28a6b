/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telephone numbers to and from E.164, by a dialling plan.
 *
 * A plan says how people at one place dial. With country 49, area 30, trunk 0, international
 * 00:
 *
 *     123456        +4930123456      a number of the same area
 *     0891234       +49891234        of the same country
 *     004312345     +4312345         of another country
 *     1001          1001             an extension, when numbers of four digits are that
 *
 * The way back takes the shortest form that leads to the same number again. What is not made of
 * digits is no telephone number and stays as it is in either direction.
 */
#ifndef BATON_RULES_NUMBER_H
#define BATON_RULES_NUMBER_H

#include "base/out.h"
#include "base/str.h"

/** The longest number that is worked on; longer ones stay as they are. */
#define NUMBER_MAX 64

struct dial_plan {
    struct str name;
    struct str country;        /**< "49" */
    struct str area;           /**< "30"; empty: there are none, all dial the whole number */
    struct str trunk;          /**< "0"; empty: none is dialled */
    struct str international;  /**< "00" */
    uint32_t extension_digits; /**< numbers of at most so many digits are extensions */
};

void number_to_e164(struct out *o, const struct dial_plan *plan, struct str number);
void number_from_e164(struct out *o, const struct dial_plan *plan, struct str number);

/** The number without visual separators (RFC 3966 §3), if it is one; else as it is. */
void number_plain(struct out *o, struct str number);

#endif
