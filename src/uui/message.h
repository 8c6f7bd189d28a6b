/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User of a whole SIP message: the one place where this module meets the
 * message; of the sip module the others know characters and escapes only.
 */
#ifndef BATON_UUI_MESSAGE_H
#define BATON_UUI_MESSAGE_H

#include "sip/msg.h"
#include "uui/uui.h"

/**
 * All elements of the User-to-User lines of `m`, judged (uui_list_parse).
 * The values borrow the message's buffer. @return 0, E_TOOMANY, E_NOMEM
 */
int uui_list_of_msg(const struct sip_msg *m, const struct uui_packages *known, struct arena *a,
                    struct uui_list *out) MUST_USE;

/** The values of all User-to-User lines of a message (may be NULL), joined by ", ", in the
   arena or borrowed; absent: there are none, or memory is out. */
struct str uui_of_msg(struct arena *a, const struct sip_msg *m);

#endif
