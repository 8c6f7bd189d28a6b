/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogs and legs in rows that outlive the process: see keep.c.
 */
#ifndef BATON_DIALOG_KEEP_H
#define BATON_DIALOG_KEEP_H

#include "base/pack.h"
#include "dialog/leg.h"

/** A confirmed dialog. */
void dialog_pack(struct out *o, const struct dialog *d, const struct env *env,
                 const struct dialog_locator *locator);
/** Into a zeroed struct, in no list or table. dialog_clear it also after a failure.
    @return 0, E_SYNTAX, E_NOMEM */
int dialog_unpack(struct unpack *u, struct dialog *d, const struct mem *mem,
                  const struct env *env) MUST_USE;

/** Has it a confirmed dialog that goes on? NULL: no. */
bool leg_is_kept(const struct leg *leg);
/** Is a BYE of ours on its way in that, and not answered yet? What comes back of such a leg is
   to be ended once more. NULL: no. */
bool leg_is_leaving(const struct leg *leg);

/** Is nothing of it half done: neither being set up nor ended, no request without its answer,
   no 2xx without its ACK? */
bool leg_is_settled(const struct leg *leg);
/** One for which that is so. */
void leg_pack(struct out *o, const struct leg *leg, uint64_t now_ms);
/** A confirmed leg. @return 0 and *out; E_SYNTAX, E_VERSION, E_NOMEM and *out is NULL */
int leg_unpack(struct leg_layer *l, struct unpack *u, const struct leg_user *user, void *owner,
               struct leg **out, uint64_t now_ms) MUST_USE;

/** One that was changed since it was given last, or NULL. Needs leg_layer.keeps. */
struct leg *leg_next_touched(struct leg_layer *l);

#endif
