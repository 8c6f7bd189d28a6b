/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SIP trace: one JSON object per message that came in or went out, in the order in which it
 * did, for people who want to see what was said and for tools that draw ladders.
 *
 *     {"time":"2026-01-31T12:00:00.123Z","direction":"received","transport":"UDP",
 *      "remote":"192.0.2.9:5060","local":"192.0.2.2:5060","start":"INFO sip:… SIP/2.0",
 *      "call_id":"…","cseq":"2 INFO","from":"sip:…","to":"sip:…","uui":["…"],
 *      "csta":{"message":"MakeCall","callingDevice":"1001","userData":"04C842"},"body":250}
 *
 * Members without a value are left out. `uui` has the value of each User-to-User line as it
 * stood on the wire; `event` that of Event; `csta` the root element and those of the elements
 * named in trace.c that are there; `sdp` the direction of the first stream. No other header
 * field and no more of a body is written, so no credentials are.
 *
 * It stands between the sockets and the engine: the engine is given sip_trace_env, and what
 * came in is shown to sip_trace_received before the engine gets it. Without a trace neither
 * exists.
 */
#ifndef BATON_SERVER_TRACE_H
#define BATON_SERVER_TRACE_H

#include "base/env.h"
#include "sip/msg.h"

struct sip_trace;

/**
 * @param file    appended to
 * @param limits  the engine's: what that one reads is shown (copied)
 * @return NULL with errno set
 */
struct sip_trace *sip_trace_new(const char *file, const struct sip_limits *limits);
void sip_trace_free(struct sip_trace *t);

/** Open the file again by its name, after it was rotated. @return false: the old one is kept */
bool sip_trace_reopen(struct sip_trace *t);

/** `inner`, with what is sent written down. Valid as long as both are. */
const struct env *sip_trace_env(struct sip_trace *t, const struct env *inner);

/** One whole message that came in; sip_trace_env comes first. */
void sip_trace_received(struct sip_trace *t, const struct hop *from, struct str bytes);

/** The line of one message without its time, for tests. `err` of a failed send, or 0. */
void sip_trace_format(struct out *o, bool sent, const struct hop *hop, const struct addr *local,
                      struct str bytes, const struct sip_limits *limits, int err);

#endif
