/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `events`: bounds of subscriptions, what watchers see, and who may watch whom.
 */
#include "base/err.h"
#include "server/config_map.h"

static bool check_list(struct config_tree *t, yaml_node_t *at, const char *name,
                       char *const *patterns, size_t n)
{
    yaml_node_t *list = tree_key(t, at, name);
    return config_check_patterns(t, list, patterns, n, name) &&
           (n > 0 ||
            tree_fault(t, list != NULL ? list : at, "%s: at least one is wanted", name));
}

static bool check_packages(struct config_tree *t, yaml_node_t *list,
                           const struct event_rule *rule)
{
    static const struct str known[] = {STR_INIT("dialog"), STR_INIT("reg"),
                                       STR_INIT("message-summary"),
                                       STR_INIT("as-feature-event")};
    for (size_t i = 0; i < rule->package_count; i++) {
        bool found = false;
        for (size_t k = 0; k < ARRAY_LEN(known); k++) {
            found = found || str_eq(known[k], rule->packages[i]);
        }
        if (!found) {
            return tree_fault(t, tree_entry(t, list, i),
                              "packages: dialog, reg, message-summary or as-feature-event is "
                              "wanted");
        }
    }
    return true;
}

static bool map_watcher(struct config_tree *t, struct config *c, yaml_node_t *at,
                        const struct raw_watcher *raw, struct event_rule *to)
{
    *to = (struct event_rule){.who = config_strings(c, raw->who, raw->who_count),
                              .who_count = raw->who_count,
                              .devices = config_strings(c, raw->devices, raw->devices_count),
                              .device_count = raw->devices_count,
                              .packages = config_strings(c, raw->packages, raw->packages_count),
                              .package_count = raw->packages_count};
    if (to->who == NULL || to->devices == NULL || to->packages == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    return check_list(t, at, "who", raw->who, raw->who_count) &&
           check_list(t, at, "devices", raw->devices, raw->devices_count) &&
           check_packages(t, tree_key(t, at, "packages"), to);
}

bool config_map_events(struct config_tree *t, struct config *c)
{
    const struct raw_events *raw = &c->raw->events;
    struct event_config *to = &c->engine.event;
    yaml_node_t *section = tree_key(t, tree_root(t), "events");
    const char *word = raw->dialog_replaces != NULL ? raw->dialog_replaces : "early";
    if (raw->min_expires_s > raw->max_expires_s) {
        return tree_fault(t, section,
                          "events: min_expires_s (%u) is larger than max_expires_s "
                          "(%u)",
                          raw->min_expires_s, raw->max_expires_s);
    }
    struct event_rule *rules =
        arena_zalloc(&c->arena, (raw->watchers_count + 1) * sizeof(*rules));
    if (rules == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    yaml_node_t *list = tree_key(t, section, "watchers");
    for (size_t i = 0; i < raw->watchers_count; i++) {
        if (!map_watcher(t, c, tree_entry(t, list, i), &raw->watchers[i], &rules[i])) {
            return false;
        }
    }
    *to = (struct event_config){
        .max_subscriptions = raw->max_subscriptions,
        .max_per_subscriber = raw->max_per_subscriber,
        .max_per_resource = raw->max_per_resource,
        .max_publications = raw->max_publications,
        .min_expires_s = raw->min_expires_s,
        .max_expires_s = raw->max_expires_s,
        .interval_ms = raw->interval_ms,
        .rules = rules,
        .rule_count = raw->watchers_count,
        .dialog_partial = raw->dialog_partial,
        .dialog_identity = raw->dialog_identity,
        .unsolicited_mwi = raw->unsolicited_mwi,
        .replaces = strcmp(word, "none") == 0  ? EVENT_REPLACES_NONE
                    : strcmp(word, "all") == 0 ? EVENT_REPLACES_ALL
                                               : EVENT_REPLACES_EARLY,
    };
    return true;
}
