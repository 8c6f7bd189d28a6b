/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that outlive the process: see keep.c.
 */
#ifndef BATON_CALL_KEEP_H
#define BATON_CALL_KEEP_H

#include "call/call.h"

/** From now on calls are handed to that; borrowed. NULL: to nobody. */
void call_keep_in(struct call_layer *l, const struct store_ops *store);

/** Something of it is another: it is written at the end of this input. */
void call_touch(struct call *c);
/** The same for the call of that leg. @return false: it is no call's */
bool call_touch_leg(const struct leg *leg);

/** What was touched is written. At the end of each input, before anything is freed. */
void call_keep(struct call_layer *l, uint64_t now_ms);
/** All calls, whatever was written before. */
void call_keep_all(struct call_layer *l, uint64_t now_ms);

/**
 * Put a call back. @return 0; E_VERSION, E_SYNTAX, E_NOMEM, E_TOOMANY; E_EXISTS. Nothing is
 * left of it then
 */
int call_restore(struct call_layer *l, struct str key, struct str value, uint64_t now_ms);

/** They are of another time, or another server has them: their phones shall hear nothing of it.
    Before call_restored, by which all of them end then. */
void call_disown(struct call_layer *l);

/** All of them are back, and who watches them. Those that cannot go on end now. */
void call_restored(struct call_layer *l, uint64_t now_ms);

/** All that are to be called back (callback.c), whatever was written before. */
void call_keep_callbacks(const struct call_layer *l, uint64_t now_ms);
/** Put one back. @return 0; E_VERSION, E_SYNTAX, E_NOMEM, E_TOOMANY, E_EXISTS; E_NOTFOUND: one
   of them is no device any more. Nothing is left of it then */
int call_restore_callback(struct call_layer *l, struct str key, struct str value,
                          uint64_t now_ms) MUST_USE;

/** It has that callID, CALL_ID_LEN octets that no other call has. Before anybody was told. */
void call_rename(struct call *c, struct str id);
/** Is it one, and no call's? */
bool call_id_is_free(const struct call_layer *l, struct str id);

#endif
