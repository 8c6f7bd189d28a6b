/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nobody is shown who does not need it: credentials, keys, passwords, and User-to-User
 * where the policy has it so. Blanked in place and without a change of length, by '*', so that
 * offsets, Content-Length and packets stay as they were.
 *
 *   Authorization, Proxy-Authorization, Cookie   what stands behind the scheme
 *   SDP a=crypto, k=                             the key (RFC 4568)
 *   ECMA-354 password                            what is in the element
 *   JSON "password", "secret", "token"           the string
 *   userinfo of a URI with a password            sip:alice:*****@…
 *
 * Blanking may hide too much, never too little: it looks at octets, whatever the message is.
 */
#ifndef BATON_CAPTURE_BLANK_H
#define BATON_CAPTURE_BLANK_H

#include "base/str.h"

/** What of User-to-User is shown. */
enum blank_uui { BLANK_UUI_FULL, BLANK_UUI_LENGTH, BLANK_UUI_NONE };

void blank_secrets(char *p, size_t n);

/** Values of User-to-User headers, in URIs too, and what userData holds. */
void blank_uui(char *p, size_t n);

#endif
