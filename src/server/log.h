/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines of text or one JSON object per line, to standard error or a file.
 *
 * A line never holds a control character that came from outside, nor a secret: digest
 * responses and passwords are blanked, whoever wrote the line.
 */
#ifndef BATON_SERVER_LOG_H
#define BATON_SERVER_LOG_H

#include "base/env.h"

struct log;

/** @param file  appended to; NULL: standard error. @return NULL with errno set */
struct log *log_new(enum trace_level level, bool json, const char *file);
void log_free(struct log *l);

/** Open the file again by its name, after it was rotated. Keeps the old one if that fails. */
void log_reopen(struct log *l);

/** The signature of env->trace; ctx is the struct log. */
void log_write(void *ctx, enum trace_level level, const char *module, struct str text);

void log_fmt(struct log *l, enum trace_level level, const char *module, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

void log_set_level(struct log *l, enum trace_level level);

/** Would a line of this level be written? */
bool log_wants(const struct log *l, enum trace_level level);

/** The text of one line without its time, for tests: blanked and escaped. */
void log_format(struct out *o, bool json, enum trace_level level, const char *module,
                struct str text);

/* The pieces of a line, for the SIP trace. */

/** `s` with *** for secrets. */
void log_blank(struct out *o, struct str s);
/** What is no printable character becomes \xHH (text) or \u00HH (JSON). */
void log_escape(struct out *o, struct str s, bool json);
/** The time now: 2026-01-31T12:00:00.123Z. */
void log_time(struct out *o);

#endif
