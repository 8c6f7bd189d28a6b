/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meaning of the sections `guard` and `overload`: what strangers may cost us, and what is
 * refused before nothing works any more (engine/guard.h, engine/load.h).
 */
#include "server/config_map.h"

/** What the file says in the place of the list that is there. @return false: no memory */
static bool take_list(struct config_tree *t, struct config *c, yaml_node_t *given,
                      char *const *raw, size_t count, const struct str **list, size_t *n)
{
    if (given != NULL) {
        *list = config_strings(c, raw, count);
        *n = count;
    }
    return *list != NULL || tree_fault(t, NULL, "out of memory");
}

static bool map_guard(struct config_tree *t, struct config *c)
{
    static const struct str scanners[] = {
        STR_INIT("friendly-scanner"), STR_INIT("sipvicious"), STR_INIT("sipcli"),
        STR_INIT("VaxSIPUserAgent"),  STR_INIT("sip-scan"),   STR_INIT("sundayddr")};
    static const struct str users[] = {STR_INIT("sipvicious"), STR_INIT("friendly-scanner")};
    const struct raw_guard *raw = &c->raw->guard;
    struct guard_config *g = &c->engine.guard;
    yaml_node_t *at = tree_key(t, tree_root(t), "guard");
    *g = (struct guard_config){.rate = raw->rate,
                               .burst = raw->burst,
                               .ban_after = raw->ban_after,
                               .window_s = raw->window_s,
                               .ban_s = raw->ban_s,
                               .max_ban_s = raw->max_ban_s,
                               .slow_after = raw->slow_after,
                               .slow_s = raw->slow_s,
                               .max_slow_s = raw->max_slow_s,
                               .max_sources = raw->sources,
                               .loopback = raw->loopback,
                               .scanners = scanners,
                               .scanner_count = ARRAY_LEN(scanners),
                               .scanner_users = users,
                               .scanner_user_count = ARRAY_LEN(users)};
    if (raw->burst < raw->rate) {
        return tree_fault(t, at, "guard: burst (%u) must not be less than rate (%u)",
                          raw->burst, raw->rate);
    }
    return take_list(t, c, tree_key(t, at, "scanners"), raw->scanners, raw->scanners_count,
                     &g->scanners, &g->scanner_count) &&
           take_list(t, c, tree_key(t, at, "scanner_users"), raw->scanner_users,
                     raw->scanner_users_count, &g->scanner_users, &g->scanner_user_count);
}

static bool map_overload(struct config_tree *t, struct config *c)
{
    static const struct str numbers[] = {STR_INIT("110"), STR_INIT("112"), STR_INIT("911")};
    const struct raw_overload *raw = &c->raw->overload;
    struct load_config *l = &c->engine.load;
    yaml_node_t *at = tree_key(t, tree_root(t), "overload");
    *l = (struct load_config){.high_percent = raw->high_percent,
                              .full_percent = raw->full_percent,
                              .lag_ms = raw->lag_ms,
                              .retry_s = raw->retry_s,
                              .emergency = numbers,
                              .emergency_count = ARRAY_LEN(numbers)};
    if (raw->full_percent < raw->high_percent) {
        return tree_fault(t, at,
                          "overload: full_percent (%u) must not be less than high_percent (%u)",
                          raw->full_percent, raw->high_percent);
    }
    return take_list(t, c, tree_key(t, at, "emergency"), raw->emergency, raw->emergency_count,
                     &l->emergency, &l->emergency_count);
}

bool config_map_guard(struct config_tree *t, struct config *c)
{
    return map_guard(t, c) && map_overload(t, c);
}
