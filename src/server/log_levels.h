/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which lines are written: one level for all, other ones for single modules, and for a while
 * everything about one call or device.
 *
 * A line is written when the level of its module lets it, or it is about somebody who is
 * followed. Both tables are small and bounded; looking at them costs nothing while they are
 * empty.
 */
#ifndef BATON_SERVER_LOG_LEVELS_H
#define BATON_SERVER_LOG_LEVELS_H

#include "base/env.h"

enum { LOG_MODULES = 32, LOG_FOLLOWED = 16, LOG_MODULE_LEN = 24, LOG_ID_LEN = 128 };

struct log_module {
    char name[LOG_MODULE_LEN];
    enum trace_level level;
};

/** Lines about a callID, a SIP Call-ID, or a device by its address or number. */
struct log_follow {
    char id[LOG_ID_LEN];
    uint64_t until_ms;
};

struct log_levels {
    enum trace_level all;
    struct log_module module[LOG_MODULES];
    size_t modules;
    struct log_follow follow[LOG_FOLLOWED];
    size_t followed;
};

/** Every module that writes lines, in the order of the alphabet; ends with NULL. */
extern const char *const log_modules[];
bool log_module_is(const char *name);

/** "debug", "info", "warn", "error". */
const char *log_level_name(enum trace_level level);
/** @return false: it is none of them */
bool log_level_parse(struct str text, enum trace_level *out) MUST_USE;

/** A module's own level. @return 0, E_TOOMANY, E_SYNTAX (no name, or a long one) */
int log_levels_set(struct log_levels *l, struct str module, enum trace_level level) MUST_USE;
/** The module goes with all others again. */
void log_levels_unset(struct log_levels *l, struct str module);

/** Write everything about `id` until then. @return 0, E_TOOMANY, E_SYNTAX */
int log_levels_follow(struct log_levels *l, struct str id, uint64_t until_ms,
                      uint64_t now_ms) MUST_USE;
void log_levels_unfollow(struct log_levels *l, struct str id);
/** Those whose time is over go. */
void log_levels_expire(struct log_levels *l, uint64_t now_ms);

bool log_levels_wants(const struct log_levels *l, enum trace_level level, const char *module,
                      const struct trace_ids *ids, uint64_t now_ms);
/** Below this no line is written, whoever it is about. */
enum trace_level log_levels_lowest(const struct log_levels *l);

#endif
