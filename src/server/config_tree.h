/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The YAML file as a tree of nodes that know their line and column.
 *
 * libcyaml maps values into structs but is lenient ("12abc" is 12, "maybe" is true, 010 is 8)
 * and cannot say where an unknown key stands; so the tree is checked first, strictly.
 */
#ifndef BATON_SERVER_CONFIG_TREE_H
#define BATON_SERVER_CONFIG_TREE_H

#include "server/config.h"
#include "server/config_raw.h"
#include <yaml.h>

struct config_tree {
    yaml_document_t doc;
    bool loaded;
    bool look; /**< config_look: the server's environment is not here */
    const char *file;
    struct config_error *error;
};

/** @return false with *error filled */
bool tree_load(struct config_tree *t, const char *file, struct str text,
               struct config_error *error);
void tree_free(struct config_tree *t);

/** NULL when the document is empty. */
yaml_node_t *tree_root(struct config_tree *t);

/** Value of a key of a mapping, NULL when absent or `mapping` is NULL. */
yaml_node_t *tree_key(struct config_tree *t, yaml_node_t *mapping, const char *key);

/** Entry of a sequence, from 0. */
yaml_node_t *tree_entry(struct config_tree *t, yaml_node_t *sequence, size_t i);

/** Say what is wrong at a node (NULL: the file as a whole). @return false */
bool tree_fault(struct config_tree *t, const yaml_node_t *at, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/** Check a mapping by a table: the form of every key in it. */
bool tree_check(struct config_tree *t, yaml_node_t *n, const char *name,
                const struct config_section *s);

/** Check everything by the tables. @return false with the error filled */
bool config_check(struct config_tree *t);

/** Put the defaults where the file has no value. */
void config_set_defaults(struct config_tree *t, struct raw_root *raw);

#endif
