/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `store`: where what outlives the process is kept, and for how long.
 */
#include "server/config_map.h"

bool config_map_store(struct config_tree *t, struct config *c)
{
    const struct raw_store *raw = &c->raw->store;
    yaml_node_t *section = tree_key(t, tree_root(t), "store");
    const char *uui = raw->uui != NULL ? raw->uui : "none";

    if (raw->path == NULL) {
        c->store = (struct store_config){.keep_bytes = (uint64_t)raw->memory_mb << 20};
        return true;
    }
    c->store = (struct store_config){
        .path = config_file_path(t, c, tree_key(t, section, "path"), raw->path),
        .sync_full = raw->sync != NULL && strcmp(raw->sync, "full") == 0,
        .group_ms = raw->group_ms,
        .group_count = raw->group_count,
        .queue_bytes = (size_t)raw->queue_mb << 20,
        .keep_days = raw->keep_days,
        .keep_bytes = (uint64_t)raw->keep_mb << 20,
        .history_uui = strcmp(uui, "full") == 0     ? STORE_UUI_FULL
                       : strcmp(uui, "length") == 0 ? STORE_UUI_LENGTH
                                                    : STORE_UUI_NONE,
    };
    c->store_refuses = raw->on_error != NULL && strcmp(raw->on_error, "refuse") == 0;
    return c->store.path != NULL;
}
