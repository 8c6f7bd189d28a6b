/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conferences: ConferenceCall and SingleStepConferenceCall (ECMA-269 §17.1; TR/87 7.11, 7.12).
 *
 * Baton mixes no media. A focus does (RFC 4579), and each party of a conference has a dialog of
 * its own there, which Baton leads on its behalf: its SEAT. What the phone says goes to the
 * seat, and back, as in a call of two; so a phone needs nothing but re-INVITE, and what is done
 * to a party (hold, retrieve, consult, digits, clear) is done between it and its seat. See
 * conference.c for the life of a conference, gather.c for how parties come there.
 */
#ifndef BATON_CALL_CONFERENCE_H
#define BATON_CALL_CONFERENCE_H

#include "call/call.h"

/** Is there a focus, so that conferences are possible? */
bool call_has_focus(const struct call_layer *l);

/**
 * ConferenceCall: the parties of `held` and `active`, both of one device, and the device itself
 * meet at the focus. On CALL_OK *out is its connection in the call that remains: that of `held`
 * unless only `active` is a conference already. `fn` hears when all of them are there; any
 * other outcome: nothing has changed.
 */
enum call_error call_conference(struct connection *held, struct connection *active,
                                struct connection **out, call_done_fn fn, void *owner,
                                uint64_t now_ms);

/** Whom SingleStepConferenceCall brings in. */
struct call_invite_args {
    struct str to;
    struct str uui;
    bool silent; /**< hears the others and is heard by nobody */
};

/**
 * SingleStepConferenceCall: `to` is called, and when it answers, it and the parties of the call
 * of `c` meet at the focus. On CALL_OK *out is its connection. `fn` hears when it rings, or
 * when all are there; any other outcome: nothing has changed.
 */
enum call_error call_invite_party(struct connection *c, const struct call_invite_args *args,
                                  struct connection **out, call_done_fn fn, void *owner,
                                  uint64_t now_ms);

#endif
