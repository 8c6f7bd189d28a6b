/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services on calls besides those of call.h: somebody takes a call of another device, it is
 * parked, called back, or sends User-to-User while it is set up.
 */
#ifndef BATON_CALL_SERVICES_H
#define BATON_CALL_SERVICES_H

#include "call/call.h"

/** A call is picked up: who does it. */
struct call_pickup {
    struct device *by;
    struct str uui; /**< octets in place of the set-up's, as isdn-uui; absent: as it came */
};

/**
 * DirectedPickupCall: the phone of `by` is called, and when it answers has the place of `c`,
 * which is called (rings or does not yet), waits, is parked, or holds. Until then nothing has
 * changed. On CALL_OK *out is its connection, good when `fn` hears CALL_OK.
 */
enum call_error call_pickup(struct connection *c, const struct call_pickup *args,
                            struct connection **out, call_done_fn fn, void *owner,
                            uint64_t now_ms);

/**
 * ParkCall: the party of `c`, which talks or holds, is left at the device `to`, and `c` leaves.
 * On CALL_OK *out is the connection there, good when `fn` hears CALL_OK. CALL_OCCUPIED.
 */
enum call_error call_park(struct connection *c, struct str to, struct connection **out,
                          call_done_fn fn, void *owner, uint64_t now_ms);

/**
 * SendUserInformation: `uui` (octets) goes from `c`, which rings or waits, to the caller.
 * CALL_UNSUPPORTED: no message of that state could carry it.
 */
enum call_error call_inform(struct connection *c, struct str uui, uint64_t now_ms);

/** A group of devices whose users take each other's calls. */
struct call_group {
    struct str name;
    const struct str *members; /**< numbers, `number@domain`, or beginnings with '*' */
    size_t member_count;
};
bool call_group_has(const struct call_group *g, const struct device *d);
/** The call that has been at members of the group longest without an answer, but at `not`;
    its connection there, or NULL. */
struct connection *call_group_call(const struct call_layer *l, const struct call_group *g,
                                   const struct device * not );

/**
 * CallBack: `c` calls and is not answered. It is cleared, and when both devices are free its
 * phone rings and calls again; *target. CALL_OCCUPIED: that is set already; CALL_UNSUPPORTED:
 * who is called is no device of ours.
 */
enum call_error call_back(struct connection *c, struct device **target, uint64_t now_ms);
/** CallBackNonCallRelated: the same without a call. */
enum call_error call_back_set(struct call_layer *l, struct device *from, struct device *to,
                              uint64_t now_ms);
/** @return false: none is set */
bool call_back_cancel(struct call_layer *l, const struct device *from, const struct device *to,
                      uint64_t now_ms);
/** Walk the targets of an originator: pass NULL first. */
const struct device *call_back_next(const struct call_layer *l, const struct device *from,
                                    const struct device *last);
/** It is no device any more. */
void call_back_forget(struct call_layer *l, const struct device *d, uint64_t now_ms);

#endif
