/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meaning of `uui_tags`: what a peer understands of User-to-User, for one that cannot be asked;
 * and how the others are asked.
 *
 * Three kinds of words are two texts of struct support: a feature tag ("+sip.uui-isdn") is a
 * feature parameter; the option tag "uui" and names of packages are tags. "none" alone declares
 * that it understands nothing.
 */
#include "registrar/support.h"
#include "server/config_map.h"
#include "uui/uui.h"

bool config_map_support(struct config_tree *t, struct config *c, yaml_node_t *list,
                        char *const *words, size_t n, struct peer *to)
{
    size_t size = sizeof(";extensions=\"\"") + n * sizeof(";+sip.uui-isdn");
    struct out tags, features;
    for (size_t i = 0; i < n; i++) {
        size += 2 * (strlen(words[i]) + 1);
    }
    char *buf = n > 0 ? arena_alloc(&c->arena, 2 * size) : NULL;
    if (n == 0 || buf == NULL) {
        return n == 0 || tree_fault(t, NULL, "out of memory");
    }
    out_init(&tags, buf, size);
    out_init(&features, buf + size, size);
    for (size_t i = 0; i < n; i++) {
        struct str word = str_c(words[i]);
        bool feature = word.n > 1 && word.p[0] == '+';
        bool none = str_ieq(word, STR("none"));
        if ((none && n > 1) || !uui_is_token(feature ? str_from(word, 1) : word)) {
            return tree_fault(
                t, tree_entry(t, list, i),
                "uui_tags: `uui`, a feature tag such as +sip.uui-isdn or the name "
                "of a package is wanted, or `none` alone");
        }
        out_c(&features, str_ieq(word, uui_isdn) ? ";+sip.uui-isdn" : "");
        struct out *o = feature ? &features : &tags;
        out_c(o, feature ? ";" : tags.n > 0 ? "," : "");
        out_str(o, none ? STR("") : word);
    }
    to->uui_option = out_str_of(&tags);
    out_c(&features, ";extensions=\"");
    out_str(&features, to->uui_option);
    out_c(&features, "\"");
    to->uui_features = out_str_of(&features);
    return true;
}

void config_map_asking(struct config *c)
{
    const struct raw_uui *raw = &c->raw->uui;
    c->engine.peers = (struct peers_config){
        .ask_s = raw->ask_s, .keep_s = raw->keep_s, .keep_no_s = raw->keep_no_s};
}
