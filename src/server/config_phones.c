/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `phones`: profiles of phones, the user's and those that came with Baton, and that
 * each profile that a device names is there.
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

static bool check_devices(struct config_tree *t, struct config *c)
{
    yaml_node_t *list = tree_key(t, tree_root(t), "devices");
    for (size_t i = 0; i < c->device_count; i++) {
        struct str name = c->devices[i].phone_profile;
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
    return add_all(t, c, tree_key(t, tree_root(t), "phones")) && check_devices(t, c);
}
