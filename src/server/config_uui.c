/* SPDX-License-Identifier: Apache-2.0 */
/* Meaning of the keys about the User-to-User of calls: what moves may do to it, and whether
   events say more about it than its octets. */
#include "server/config_map.h"
#include "uui/merge.h"

/** What the word for that move means; NULL: the default. */
static uint8_t replacing_of(const char *word, enum uui_move move)
{
    if (word == NULL) {
        return uui_carriage_default.replacing[move];
    }
    if (strcmp(word, "replace") == 0) {
        return UUI_REPLACE;
    }
    return strcmp(word, "keep") == 0 ? UUI_KEEP : UUI_REPLACE_IN_DOMAIN;
}

static bool map_group(struct config_tree *t, struct config *c, yaml_node_t *at,
                      const struct raw_uui_group *raw, struct uui_domain_group *to)
{
    if (raw->domains_count < 2) {
        return tree_fault(t, at, "domain_groups: a group has two domains or more");
    }
    to->domains = config_strings(c, raw->domains, raw->domains_count);
    to->n = raw->domains_count;
    return to->domains != NULL || tree_fault(t, at, "no memory");
}

bool config_map_uui(struct config_tree *t, struct config *c)
{
    const struct raw_uui *raw = &c->raw->uui;
    struct uui_carriage *to = arena_zalloc(&c->arena, sizeof(*to));
    size_t n = raw->domain_groups_count;
    struct uui_domain_group *groups = arena_zalloc(&c->arena, (n + 1) * sizeof(*groups));
    yaml_node_t *at = tree_key(t, tree_root(t), "uui");

    if (to == NULL || groups == NULL) {
        return tree_fault(t, at, "no memory");
    }
    for (size_t i = 0; i < n; i++) {
        yaml_node_t *entry = tree_entry(t, tree_key(t, at, "domain_groups"), i);
        if (!map_group(t, c, entry, &raw->domain_groups[i], &groups[i])) {
            return false;
        }
    }
    to->groups = groups;
    to->group_count = n;
    const char *const words[UUI_MOVES] = {[UUI_MOVE_REDIRECT] = raw->redirects,
                                          [UUI_MOVE_BLIND] = raw->blind_transfers,
                                          [UUI_MOVE_ATTENDED] = raw->attended_transfers,
                                          [UUI_MOVE_SERVICE] = raw->services};
    for (size_t i = 0; i < UUI_MOVES; i++) {
        to->replacing[i] = replacing_of(words[i], (enum uui_move)i);
    }
    to->isdn_strict = raw->isdn_redirect != NULL && strcmp(raw->isdn_redirect, "strict") == 0;
    c->engine.call.carriage = c->engine.proxy.carriage = to;
    c->engine.cti.no_private_data = !c->raw->cti.private_data;
    return true;
}
