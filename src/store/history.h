/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that were: the view `history` of the database, read while a server may be writing.
 *
 * A call is one line, made of the events that stand in the journal and of nothing else; it is
 * there from its first event on, and goes when its events are too old.
 */
#ifndef BATON_STORE_HISTORY_H
#define BATON_STORE_HISTORY_H

#include "base/out.h"
#include "base/str.h"
#include <stdatomic.h>
#include <stdbool.h>

/** Times are milliseconds since 1970, 0: it has not come to that. Strings may be absent. */
struct history_call {
    struct str call;
    int64_t began_ms, answered_ms, ended_ms;
    struct str calling, called, answered_by; /**< device identifiers */
    struct str cause;                        /**< why it failed or ended, as CSTA has it */
    struct str moves; /**< "diverted:WHOM transferred:WHOM …", in order */
    struct str uui;   /**< as the server's policy shows it */
};

/** Strings may be absent: no condition then. */
struct history_query {
    int64_t since_ms, until_ms; /**< calls that began then: not before, and before; 0: any */
    struct str party;           /**< only those with this in one of the identifiers */
    struct str device; /**< only those of that identifier, or of that user part or number */
    struct str cause;  /**< only those that have ended with it */
    struct str text;   /**< only those with this in any column, whatever its case */
    uint32_t limit;    /**< only the newest; 0: all */
    bool newest_first; /**< else the oldest first */
    int64_t after_ms;  /**< with after_call: only those behind this one, newest first */
    struct str after_call;
    /** Looked at while it is read: when it is set, reading ends with -1. May be NULL. */
    const atomic_bool *over;
};

struct history_reader;

/**
 * Begin to read; nothing is held in memory but the call that was read last.
 * @param path  must outlive the reader
 * @param why  out: a sentence about what is wrong
 * @return NULL with *why
 */
struct history_reader *history_open(const char *path, const struct history_query *q, char *why,
                                    size_t cap);
/** @return 1 and *c, borrowed until the next one; 0: no more; -1: history_why */
int history_next(struct history_reader *r, struct history_call *c);
const char *history_why(const struct history_reader *r);
/** NULL is allowed. */
void history_close(struct history_reader *r);

/**
 * Each call, the oldest first; strings are borrowed for the call of `fn`.
 * @param why  out: a sentence about what is wrong
 * @return false with *why
 */
bool history_each(const char *path, const struct history_query *q,
                  void (*fn)(void *ctx, const struct history_call *c), void *ctx, char *why,
                  size_t cap);

/* ---- history_text.c ---- */

/** The conversation, in seconds; 0: there was none, or the call stands: it is not told then. */
int64_t history_seconds(const struct history_call *c);
/** "2026-11-20T10:00:05.123Z"; nothing for 0. */
void history_time_text(int64_t ms, struct out *o);
/** The names of the columns, and one call, as lines of CSV (RFC 4180). */
void history_csv_head(struct out *o);
void history_csv(const struct history_call *c, struct out *o);
/** One call as a JSON object, without a line end. */
void history_json(const struct history_call *c, struct out *o);

#endif
