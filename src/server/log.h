/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: lines of text or one JSON object per line, to standard error or a file.
 *
 * A line never holds a control character that came from outside, nor a secret: digest
 * responses, passwords, tokens and, unless wished otherwise, values of User-to-User are
 * blanked, whoever wrote the line (log_blank.c).
 */
#ifndef BATON_SERVER_LOG_H
#define BATON_SERVER_LOG_H

#include "base/env.h"
#include "server/log_levels.h"

struct log;

/** What lines show of values of User-to-User that they quote. */
enum log_uui { LOG_UUI_REDACT, LOG_UUI_LENGTH, LOG_UUI_FULL };

struct log_form {
    bool json;
    enum log_uui uui;
};

/** @param file  appended to; NULL: standard error. @return NULL with errno set */
struct log *log_new(enum trace_level level, bool json, const char *file);
void log_free(struct log *l);

/** Open the file again by its name, after it was rotated. Keeps the old one if that fails. */
void log_reopen(struct log *l);

/** What values show from now on; LOG_UUI_REDACT at first. */
void log_set_uui(struct log *l, enum log_uui uui);

/** The signature of env->trace; ctx is the struct log. From any thread. */
void log_write(void *ctx, enum trace_level level, const char *module,
               const struct trace_ids *ids, struct str text);

void log_fmt(struct log *l, enum trace_level level, const char *module, const char *fmt, ...)
    PRINTF_LIKE(4, 5);
/** The same about somebody. */
void log_fmt_of(struct log *l, enum trace_level level, const char *module,
                const struct trace_ids *ids, const char *fmt, ...) PRINTF_LIKE(5, 6);

/** Of all modules that have none of their own. */
void log_set_level(struct log *l, enum trace_level level);

/** Which lines are written, as a copy; and changing that: 0 or what log_levels.h says.
    From any thread. */
void log_levels_get(struct log *l, struct log_levels *out);
/** `level` NULL: the module has none of its own any more. */
int log_level_change(struct log *l, struct str module, const enum trace_level *level) MUST_USE;
/** Everything about `id` for so long; 0: not any more. */
int log_follow_change(struct log *l, struct str id, uint64_t for_ms) MUST_USE;

/** Seconds until a following ends, rounded up; 0: it has. */
uint64_t log_seconds_until(uint64_t until_ms);

/** Would a line of this level, about nobody, be written? */
bool log_wants(struct log *l, enum trace_level level);

/** The lowest level of which a line may be written. */
enum trace_level log_lowest(struct log *l);

/** The text of one line without its time, for tests: blanked and escaped. */
void log_format(struct out *o, const struct log_form *form, enum trace_level level,
                const char *module, const struct trace_ids *ids, struct str text);

/* The pieces of a line, for the SIP trace. */

/** `s` with *** for secrets, and User-to-User as wished. */
void log_blank(struct out *o, struct str s, enum log_uui uui);
/** What is no printable character becomes \xHH (text) or \u00HH (JSON). */
void log_escape(struct out *o, struct str s, bool json);
/** The time now: 2026-01-31T12:00:00.123Z. */
void log_time(struct out *o);

#endif
