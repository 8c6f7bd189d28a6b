/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How dialogs come to be: private to src/dialog.
 *
 * A dialog is made from parts, all of which are copied into its block in one go. `seed` is
 * the dialog of a UAC before any response: it has no remote tag, stands in no table, and is
 * what the INVITE is written from and what each fork's dialog is derived from.
 */
#ifndef BATON_DIALOG_DIALOG_IMPL_H
#define BATON_DIALOG_DIALOG_IMPL_H

#include "dialog/dialog.h"

/** The longest route set of a dialog. */
#define DIALOG_ROUTES_MAX 64

struct dialog_parts {
    struct str call_id, local_tag, remote_tag;
    struct str local_addr, remote_addr; /**< with or without a tag: it is left out */
    struct str remote_target;
    struct str route_set;         /**< lines as they are … */
    const struct sip_msg *record; /**< … or the message whose Record-Route makes them */
    bool reverse;                 /**< last Record-Route first (UAC) */
};

/** Give `d` these strings, and next.host as it is; what it had is freed after that.
    @return 0, E_NOMEM, E_TOOMANY (routes) */
int dialog_build(struct dialog *d, const struct mem *mem, const struct dialog_parts *p);

/** UAC: from a 101-299 to an INVITE (§12.1.2, §13.2.2.4); again for a 2xx after a provisional.
 */
int dialog_from_response(struct dialog *d, const struct mem *mem, const struct dialog *seed,
                         const struct sip_msg *m);

/** UAC, when nothing is known but the response: all identity is in there. @return 0, E_NOMEM */
int dialog_from_response_only(struct dialog *d, const struct mem *mem, const struct sip_msg *m);

/** Put it on the list of the flow that it is pinned to, or on none. */
void dialog_bind_flow(struct dialog *d);

/** Does this request show that its sender must be reached by its source? Then pin. */
void dialog_pin(struct dialog *d, const struct sip_msg *m, const struct hop *from);

/** Allow, Allow-Events. */
void dialog_learn(struct dialog *d, const struct sip_msg *m);

/** URI of the first Contact that is one, or absent. */
struct str dialog_contact_of(const struct sip_msg *m);

#endif
