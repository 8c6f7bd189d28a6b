/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that were: the view `history` of the database, read while a server may be writing.
 *
 * A call is one line, made of the events that stand in the journal and of nothing else; it is
 * there from its first event on, and goes when its events are too old.
 */
#ifndef BATON_STORE_HISTORY_H
#define BATON_STORE_HISTORY_H

#include "base/str.h"

/** Times are milliseconds since 1970, 0: it has not come to that. Strings may be absent. */
struct history_call {
    struct str call;
    int64_t began_ms, answered_ms, ended_ms;
    struct str calling, called, answered_by; /**< device identifiers */
    struct str cause;                        /**< why it failed or ended, as CSTA has it */
    struct str moves; /**< "diverted:WHOM transferred:WHOM …", in order */
    struct str uui;   /**< as the server's policy shows it */
};

struct history_query {
    int64_t since_ms, until_ms; /**< calls that began then: not before, and before; 0: any */
    struct str party; /**< only those with this in one of the identifiers; absent: all */
    uint32_t limit;   /**< only the newest; 0: all */
};

/**
 * Each call, the oldest first; strings are borrowed for the call of `fn`.
 * @param why  out: a sentence about what is wrong
 * @return false with *why
 */
bool history_each(const char *path, const struct history_query *q,
                  void (*fn)(void *ctx, const struct history_call *c), void *ctx, char *why,
                  size_t cap);

#endif
