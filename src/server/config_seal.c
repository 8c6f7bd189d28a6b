/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys for sealed User-to-User (docs/seal.md): the file that `uui.keys` names is read with the
 * configuration, and what packages say about seals has to be possible with it.
 */
#include "server/config_map.h"
#include "server/seal_file.h"

static yaml_node_t *section(struct config_tree *t)
{
    return tree_key(t, tree_root(t), "uui");
}

static bool read_keys(struct config_tree *t, struct config *c)
{
    yaml_node_t *at = tree_key(t, section(t), "keys");
    struct config_error error;
    if (c->raw->uui.keys == NULL || t->look) {
        return true; /* who only looks seals nothing */
    }
    const char *file = config_file_path(t, c, at, c->raw->uui.keys);
    if (file == NULL) {
        return false;
    }
    c->seal_keys = seal_file_load(file, &error);
    if (c->seal_keys != NULL) {
        return true;
    }
    return error.line > 0 ? tree_fault(t, at, "keys: %s, line %u, column %u: %s", file,
                                       error.line, error.column, error.text)
                          : tree_fault(t, at, "keys: %s: %s", file, error.text);
}

/** What a rule or an application gives goes out as hex. */
static bool takes_hex(const struct uui_package *p)
{
    for (size_t i = 0; i < p->encoding_n; i++) {
        if (str_ieq(p->encodings[i], STR("hex"))) {
            return true;
        }
    }
    return p->encoding_n == 0;
}

static bool check_package(struct config_tree *t, const struct config *c, yaml_node_t *at,
                          const struct uui_package *p)
{
    if (c->raw->uui.keys == NULL && p->seal != UUI_SEAL_OFF) {
        return tree_fault(t, tree_key(t, at, "seal"), "seal: needs keys (uui.keys)");
    }
    if (c->raw->uui.keys == NULL && p->seal_key != 0) {
        return tree_fault(t, tree_key(t, at, "seal_key"), "seal_key: needs keys (uui.keys)");
    }
    if (p->seal_key != 0 && !takes_hex(p)) {
        return tree_fault(
            t, tree_key(t, at, "seal_key"),
            "seal_key: a seal is sent as hex, and the package has other encodings");
    }
    return p->seal_key == 0 || t->look ||
           seal_keys_can_seal(c->seal_keys, p->seal_key, p->name, 0) ||
           tree_fault(t, tree_key(t, at, "seal_key"),
                      "seal_key: uui.keys has no key %u that seals %.*s", p->seal_key,
                      STR_ARG(p->name));
}

void config_set_start(struct config *c, uint64_t wall_s)
{
    c->engine.seal.since_s = wall_s + c->raw->uui.replay_start_s;
}

bool config_map_seal(struct config_tree *t, struct config *c)
{
    const struct uui_packages *all = c->engine.packages;
    yaml_node_t *list = tree_key(t, section(t), "packages");
    c->engine.seal = (struct seal_config){.window_s = c->raw->uui.replay_s,
                                          .max_entries = c->raw->uui.replay_entries};
    if (!read_keys(t, c)) {
        return false;
    }
    c->engine.seal_keys = c->seal_keys;
    for (size_t i = 0; i < all->n; i++) {
        if (!check_package(t, c, tree_entry(t, list, i), &all->row[i])) {
            return false;
        }
    }
    return true;
}
