/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hops and times in rows that outlive the process (base/pack.h).
 *
 * A flow is a number of one run. What lives on is where it was: the address of ours that the
 * peer knows, and the peer's. A datagram's flow is found again by them, so that a phone behind
 * NAT is reached through the hole that it opened to that listener; a connection is gone with
 * the process, and its flow comes back as 0.
 *
 * `now_ms` has any origin, so dates are written as seconds of the wall clock, and as what is
 * left of them when they are read.
 */
#ifndef BATON_BASE_HOP_H
#define BATON_BASE_HOP_H

#include "base/env.h"
#include "base/pack.h"

void pack_addr(struct out *o, const struct addr *a);
void unpack_addr(struct unpack *u, struct addr *out);

void pack_hop(struct out *o, const struct env *env, const struct hop *hop);
/** *out is written even if the row is bad. */
void unpack_hop(struct unpack *u, const struct env *env, struct hop *out);

/** A date on the clock of now_ms; UINT64_MAX: never. */
void pack_date(struct out *o, const struct env *env, uint64_t date_ms, uint64_t now_ms);
/** What was due meanwhile is due at now_ms. */
uint64_t unpack_date(struct unpack *u, const struct env *env, uint64_t now_ms);

#endif
