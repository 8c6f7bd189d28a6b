/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a string that names a device or a number is made of, and the one form of that number.
 *
 *     written as                                   number            world
 *     1001                                         1001
 *     sip:1001@example.com;user=phone              1001
 *     tel:1001;phone-context=dialstring            1001
 *     N<1001>Line 1;noa=nk                         1001
 *     tel:+49-30-1234-1001                         +493012341001     yes
 *     tel:1001;phone-context=+49-30-1234           +493012341001     yes
 *     "Ann" <sip:+493012341001@example.com>        +493012341001     yes
 *     +49 30 1234-1001                             +493012341001     yes
 *
 * A number of the world begins with + (E.164, RFC 3966 §5.1.4); phone-context of a local one is
 * its beginning when it is a number itself (§5.1.5), else the name of a place, which is not
 * looked at: applications write there what they please.
 */
#ifndef BATON_AUTH_NAMED_H
#define BATON_AUTH_NAMED_H

#include "base/str.h"

/** Octets of the longest number that is read. */
#define NAMED_MAX 256

struct named {
    struct str scheme;  /**< "sip", "sips", "tel" as written; absent: none */
    struct str user;    /**< as written, without parameters */
    struct str host;    /**< absent: none */
    struct str context; /**< phone-context, or absent */
    struct str number;  /**< the one form; lies in the caller's buffer */
    bool bracketed;     /**< it stood between < and > */
    bool world;         /**< the number is one of E.164 */
};

/** @param buf  NAMED_MAX octets. @return false: there is no name in it, or it is too long */
bool named_read(struct str text, char *buf, struct named *out);

/** What stands between < and >, trimmed; all of it when there are none; empty when `>` is
    missing. */
struct str named_unwrap(struct str text);
bool named_has_scheme(struct str text);

#endif
