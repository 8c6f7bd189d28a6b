/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a message have anything to do with User-to-User information? Most have not, and this is
 * all that they cost. Says yes too often, never too seldom: a '?' in the Contact is enough.
 * Private to the border.
 */
#ifndef BATON_BORDER_SCAN_H
#define BATON_BORDER_SCAN_H

#include "sip/msg.h"

/** A message that was indexed. */
bool border_scan_msg(const struct sip_msg *m);

/** The bytes of a message, head and body. */
bool border_scan_bytes(struct str bytes);

/** Is this the name of a header in which somebody keeps User-to-User information: X-UUI,
    X-User-to-User, X-UserToUser and what begins like these? */
bool border_is_x_header(struct str name);

/** Values of this header are addresses whose URIs may embed some. */
bool border_has_uris(enum sip_hdr_id id);

#endif
