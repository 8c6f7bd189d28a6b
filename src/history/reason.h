/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reason (RFC 3326, in responses RFC 6432): why a request was ended or refused, in the words of
 * one or several protocols, one value each; and what a SIP status is as a Q.850 cause and the
 * other way (RFC 3398 §8.2.6.1).
 */
#ifndef BATON_HISTORY_REASON_H
#define BATON_HISTORY_REASON_H

#include "base/arena.h"
#include "sip/msg.h"

struct reason {
    struct str protocol; /**< "SIP", "Q.850", "preemption", … as written */
    bool has_cause;
    uint32_t cause;  /**< of that protocol's numbers, with has_cause */
    struct str text; /**< in its quotes, as written; absent: none */
};

/** One element of the header. A cause that is no number is none. @return 0 or E_SYNTAX */
int reason_parse(struct str value, struct reason *out);

/** The first value of that protocol (any case) with a cause. @return false: there is none */
bool reason_find(const struct sip_msg *m, struct str protocol, struct reason *out);

/** The Reason lines of a message with CRLF, each as it was; absent when there are none (or no
    memory), or when `m` is NULL. */
struct str reason_lines(struct arena *a, const struct sip_msg *m);

/** The Q.850 cause of a final response; 31 (normal, unspecified) for one that the table does
    not have; 0: no mapping (487, statuses below 300). RFC 3398 §8.2.6.1. */
uint32_t reason_q850_of_status(unsigned status);

/**
 * "Reason: Q.850;cause=…" with CRLF for a refusal that says nothing in these terms yet; absent
 * when `m` has a Q.850 reason or the status has no cause. @param m  NULL: made here
 */
struct str reason_q850_line(struct arena *a, unsigned status, const struct sip_msg *m);

#endif
