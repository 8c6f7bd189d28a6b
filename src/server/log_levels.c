/* SPDX-License-Identifier: Apache-2.0 */
/* Levels of the log: see log_levels.h. Plain arrays, searched from the front. */
#include "server/log_levels.h"
#include "base/attr.h"
#include "base/err.h"

static const char *const names[] = {"debug", "info", "warn", "error"};

const char *log_level_name(enum trace_level level)
{
    return names[level];
}

bool log_level_parse(struct str text, enum trace_level *out)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_eq(text, str_c(names[i]))) {
            *out = (enum trace_level)i;
            return true;
        }
    }
    return false;
}

static void copy_name(char *to, struct str name)
{
    memcpy(to, name.p, name.n);
    to[name.n] = '\0';
}

/* ---- modules ---- */

const char *const log_modules[] = {
    "api",     "audit", "auth",  "call",  "cti",     "event",     "guard", "history",
    "log",     "net",   "peers", "phone", "proxy",   "registrar", "route", "server",
    "service", "sip",   "store", "trace", "upgrade", "uui",       NULL};

bool log_module_is(const char *name)
{
    size_t i = 0;
    while (log_modules[i] != NULL && strcmp(log_modules[i], name) != 0) {
        i++;
    }
    return log_modules[i] != NULL;
}

static size_t module_at(const struct log_levels *l, struct str module)
{
    size_t i = 0;
    while (i < l->modules && !str_eq(str_c(l->module[i].name), module)) {
        i++;
    }
    return i;
}

int log_levels_set(struct log_levels *l, struct str module, enum trace_level level)
{
    size_t i = module_at(l, module);
    if (module.n == 0 || module.n >= LOG_MODULE_LEN) {
        return E_SYNTAX;
    }
    if (i == LOG_MODULES) {
        return E_TOOMANY;
    }
    if (i == l->modules) {
        copy_name(l->module[i].name, module);
        l->modules++;
    }
    l->module[i].level = level;
    return 0;
}

void log_levels_unset(struct log_levels *l, struct str module)
{
    size_t i = module_at(l, module);
    if (i < l->modules) {
        l->module[i] = l->module[--l->modules];
    }
}

/* ---- who is followed ---- */

static size_t follow_at(const struct log_levels *l, struct str id)
{
    size_t i = 0;
    while (i < l->followed && !str_eq(str_c(l->follow[i].id), id)) {
        i++;
    }
    return i;
}

int log_levels_follow(struct log_levels *l, struct str id, uint64_t until_ms, uint64_t now_ms)
{
    size_t i;
    if (id.n == 0 || id.n >= LOG_ID_LEN) {
        return E_SYNTAX;
    }
    log_levels_expire(l, now_ms);
    i = follow_at(l, id);
    if (i == LOG_FOLLOWED) {
        return E_TOOMANY;
    }
    if (i == l->followed) {
        copy_name(l->follow[i].id, id);
        l->followed++;
    }
    l->follow[i].until_ms = until_ms;
    return 0;
}

void log_levels_unfollow(struct log_levels *l, struct str id)
{
    size_t i = follow_at(l, id);
    if (i < l->followed) {
        l->follow[i] = l->follow[--l->followed];
    }
}

void log_levels_expire(struct log_levels *l, uint64_t now_ms)
{
    for (size_t i = 0; i < l->followed;) {
        if (l->follow[i].until_ms <= now_ms) {
            l->follow[i] = l->follow[--l->followed];
        } else {
            i++;
        }
    }
}

/** "sip:1001@example.com" is it, and so is "1001". */
static bool is_device(struct str device, struct str id)
{
    size_t colon = str_index(device, ':');
    struct str user = colon < device.n ? str_from(device, colon + 1) : device;

    return str_eq(device, id) || str_eq(str_upto(user, str_index(user, '@')), id);
}

static bool is_followed(const struct log_levels *l, const struct trace_ids *ids,
                        uint64_t now_ms)
{
    for (size_t i = 0; i < l->followed; i++) {
        struct str id = str_c(l->follow[i].id);
        if (now_ms < l->follow[i].until_ms &&
            (str_eq(ids->call, id) || str_eq(ids->sip_call, id) || str_eq(ids->request, id) ||
             is_device(ids->device, id))) {
            return true;
        }
    }
    return false;
}

bool log_levels_wants(const struct log_levels *l, enum trace_level level, const char *module,
                      const struct trace_ids *ids, uint64_t now_ms)
{
    size_t i = l->modules > 0 ? module_at(l, str_c(module)) : l->modules;
    enum trace_level from = i < l->modules ? l->module[i].level : l->all;

    return level >= from || (l->followed > 0 && is_followed(l, ids, now_ms));
}

enum trace_level log_levels_lowest(const struct log_levels *l)
{
    enum trace_level lowest = l->followed > 0 ? TRACE_DEBUG : l->all;
    for (size_t i = 0; i < l->modules; i++) {
        lowest = l->module[i].level < lowest ? l->module[i].level : lowest;
    }
    return lowest;
}
