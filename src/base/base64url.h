/* SPDX-License-Identifier: Apache-2.0 */
/* Base 64 in the alphabet for URLs and file names, without padding (RFC 4648 §5): every
   character may stand in the user part of a SIP URI as it is. */
#ifndef BATON_BASE_BASE64URL_H
#define BATON_BASE_BASE64URL_H

#include "base/out.h"

/** Characters for n octets. */
#define BASE64URL_LEN(n) (((n)*4 + 2) / 3)

void base64url_write(struct out *o, const uint8_t *octets, size_t n);

/**
 * Only what base64url_write would write is read: spare bits that are not zero are refused.
 * @return how many octets, or SIZE_MAX: no such text, or more than `cap` octets
 */
size_t base64url_read(struct str text, uint8_t *octets, size_t cap);

#endif
