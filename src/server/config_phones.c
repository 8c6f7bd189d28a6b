/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `phones`: profiles of phones, the user's and those that came with Baton, and that
 * each profile and peer that a device names is there; what the phone driver may do.
 */
#include "server/config_map.h"
#include "server/profile_file.h"
#include <sys/stat.h>

static bool add(struct config_tree *t, struct config *c, yaml_node_t *at, const char *path,
                bool shipped)
{
    struct config_error error;
    if (profile_set_add(c->profiles, path, shipped, &error)) {
        return true;
    }
    return error.line > 0 ? tree_fault(t, at, "%s, line %u, column %u: %s", error.file,
                                       error.line, error.column, error.text)
                          : tree_fault(t, at, "%s: %s", error.file, error.text);
}

static bool add_all(struct config_tree *t, struct config *c, yaml_node_t *section)
{
    const struct raw_phones *raw = &c->raw->phones;
    yaml_node_t *list = tree_key(t, section, "profiles");
    yaml_node_t *folder = tree_key(t, section, "profile_folder");
    const char *path = profile_folder;
    struct stat st;

    for (size_t i = 0; i < raw->profiles_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        path = config_file_path(t, c, at, raw->profiles[i]);
        if (path == NULL || !add(t, c, at, path, false)) {
            return false;
        }
    }
    if (raw->profile_folder != NULL) {
        path = config_file_path(t, c, folder, raw->profile_folder);
        return path != NULL && add(t, c, folder, path, true);
    }
    /* a program that was not installed has none, and needs none */
    return stat(profile_folder, &st) != 0 || add(t, c, section, profile_folder, true);
}

static void map_driver(struct config *c)
{
    const struct raw_phones *raw = &c->raw->phones;

    c->engine.phone = (struct phone_config){
        .automatic = raw->driver != NULL && strcmp(raw->driver, "auto") == 0,
        .max_phones = raw->max_phones,
        .max_requests = raw->max_requests,
        .max_calls = raw->max_calls,
        .refresh_s = raw->refresh_s,
        .answer_ms = raw->answer_ms,
        .retry_ms = raw->retry_ms,
        .retry_max_s = raw->retry_max_s,
        .refused_s = raw->refused_s,
        .unanchored_ms = raw->unanchored_ms,
    };
}

static bool is_peer(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->peer_count; i++) {
        if (str_eq(c->peers[i].name, name)) {
            return true;
        }
    }
    return false;
}

static bool map_device(struct config_tree *t, struct config *c, yaml_node_t *at,
                       const struct raw_device *raw, struct device *to)
{
    bool on = raw->phone != NULL && strcmp(raw->phone, "on") == 0;
    bool off = raw->phone != NULL && strcmp(raw->phone, "off") == 0;

    to->phone = on ? DEVICE_PHONE_ON : off ? DEVICE_PHONE_OFF : DEVICE_PHONE_DEFAULT;
    to->phone_peer = str_c(raw->phone_peer);
    return to->phone_peer.n == 0 || is_peer(c, to->phone_peer) ||
           tree_fault(t, tree_key(t, at, "phone_peer"), "phone_peer: there is no peer %s",
                      raw->phone_peer);
}

static bool check_devices(struct config_tree *t, struct config *c)
{
    yaml_node_t *list = tree_key(t, tree_root(t), "devices");
    for (size_t i = 0; i < c->device_count; i++) {
        struct str name = c->devices[i].phone_profile;
        if (!map_device(t, c, tree_entry(t, list, i), &c->raw->devices[i], &c->devices[i])) {
            return false;
        }
        if (name.n > 0 && phone_profile_named(&c->profiles->profiles, name) == NULL) {
            return tree_fault(t, tree_key(t, tree_entry(t, list, i), "phone_profile"),
                              "phone_profile: there is no %.*s; `baton profiles` lists them",
                              STR_ARG(name));
        }
    }
    return true;
}

bool config_map_phones(struct config_tree *t, struct config *c)
{
    c->profiles = profile_set_new();
    if (c->profiles == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    c->engine.phone_profiles = &c->profiles->profiles;
    map_driver(c);
    return add_all(t, c, tree_key(t, tree_root(t), "phones")) && check_devices(t, c);
}
