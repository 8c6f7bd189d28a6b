/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Meaning of what the file says about User-to-User: the packages, and how peers write it.
 *
 * isdn-uui cannot be loosened but by who reads leniently anyhow (`uui.strict: false`): RFC 7434
 * has one content, one encoding and one value for it.
 */
#include "server/config_map.h"

static const char *const directions[] = {
    [UUI_BOTH] = "both", [UUI_IN] = "in", [UUI_OUT] = "out"};
static const char *const seals[] = {
    [UUI_SEAL_OFF] = "off", [UUI_SEAL_OPTIONAL] = "optional", [UUI_SEAL_REQUIRED] = "required"};
static const char *const readings[] = {[UUI_READ_AS_ALL] = "default",
                                       [UUI_READ_STRICT] = "strict",
                                       [UUI_READ_LENIENT] = "lenient"};

/** Which of the words it is; absent: the first. */
static uint8_t word_of(const char *word, const char *const *words, size_t n)
{
    size_t i = 0;
    while (word != NULL && i + 1 < n && strcmp(word, words[i]) != 0) {
        i++;
    }
    return (uint8_t)i;
}

static bool check_tokens(struct config_tree *t, yaml_node_t *list, const struct str *names,
                         size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) {
        if (!uui_is_token(names[i])) {
            return tree_fault(t, tree_entry(t, list, i), "%s: a token is wanted", what);
        }
    }
    return true;
}

/** What RFC 7434 leaves open for isdn-uui. */
static bool check_isdn(struct config_tree *t, yaml_node_t *at, const struct uui_package *p)
{
    const struct uui_package *isdn = uui_package_of(NULL, uui_isdn);
    if (p->content_n != 1 || !str_ieq(p->contents[0], isdn->contents[0])) {
        return tree_fault(t, tree_key(t, at, "contents"),
                          "contents: isdn-uui has the content isdn-uui only (RFC 7434)");
    }
    if (p->encoding_n != 1 || !str_ieq(p->encodings[0], isdn->encodings[0])) {
        return tree_fault(t, tree_key(t, at, "encodings"),
                          "encodings: isdn-uui has the encoding hex only (RFC 7434)");
    }
    return p->max_count == 1 || tree_fault(t, tree_key(t, at, "max_count"),
                                           "max_count: isdn-uui may be in a message once only "
                                           "(RFC 7434)");
}

/** "+com.example.crm". */
static bool is_feature_tag(struct str s)
{
    return s.n > 1 && s.p[0] == '+' && uui_is_token(s);
}

static bool check_names(struct config_tree *t, yaml_node_t *at,
                        const struct raw_uui_package *raw, const struct uui_package *p)
{
    if (!uui_is_token(p->name) || str_ieq(p->name, STR("isdn-interwork"))) {
        return tree_fault(t, tree_key(t, at, "name"),
                          "name: a token is wanted, and not isdn-interwork");
    }
    if (raw->feature_tag != NULL && !is_feature_tag(p->feature_tag)) {
        return tree_fault(t, tree_key(t, at, "feature_tag"),
                          "feature_tag: + and a name are wanted, e.g. +com.example.crm");
    }
    return check_tokens(t, tree_key(t, at, "contents"), p->contents, p->content_n,
                        "contents") &&
           check_tokens(t, tree_key(t, at, "encodings"), p->encodings, p->encoding_n,
                        "encodings") &&
           (!str_ieq(p->name, uui_isdn) || p->loose || check_isdn(t, at, p));
}

static bool map_package(struct config_tree *t, struct config *c, yaml_node_t *at,
                        const struct raw_uui_package *raw, struct uui_package *to)
{
    const struct uui_package *isdn = uui_package_of(NULL, uui_isdn);
    struct uui_package p =
        str_ieq(str_c(raw->name), uui_isdn) ? *isdn : (struct uui_package){0};
    p.name = str_c(raw->name);
    if (raw->contents_count > 0) {
        p.contents = config_strings(c, raw->contents, raw->contents_count);
        p.content_n = raw->contents_count;
    }
    if (raw->encodings_count > 0) {
        p.encodings = config_strings(c, raw->encodings, raw->encodings_count);
        p.encoding_n = raw->encodings_count;
    }
    if ((p.content_n > 0 && p.contents == NULL) || (p.encoding_n > 0 && p.encodings == NULL)) {
        return tree_fault(t, NULL, "out of memory");
    }
    if (raw->feature_tag != NULL) {
        p.feature_tag = str_c(raw->feature_tag);
    }
    p.max_octets = raw->max_octets;
    p.max_count = raw->max_count;
    p.loose = str_ieq(p.name, uui_isdn) && !c->raw->uui.strict;
    if (p.loose && p.max_count == 0) {
        p.max_count = UUI_VALUES_MAX; /* 0 in a row of isdn-uui is what RFC 7434 says */
    }
    p.seal_key = (uint16_t)raw->seal_key;
    p.direction = word_of(raw->direction, directions, ARRAY_LEN(directions));
    p.seal = word_of(raw->seal, seals, ARRAY_LEN(seals));
    p.tls_only = raw->tls_only;
    *to = p;
    return check_names(t, at, raw, to);
}

static bool map_packages(struct config_tree *t, struct config *c, struct uui_packages *to)
{
    const struct raw_uui *raw = &c->raw->uui;
    yaml_node_t *list = tree_key(t, tree_key(t, tree_root(t), "uui"), "packages");
    struct uui_package *row = arena_zalloc(&c->arena, (raw->packages_count + 1) * sizeof(*row));
    if (row == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    for (size_t i = 0; i < raw->packages_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        if (!map_package(t, c, at, &raw->packages[i], &row[i])) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (str_ieq(row[k].name, row[i].name)) {
                return tree_fault(t, tree_key(t, at, "name"),
                                  "name: there is a package %s already", raw->packages[i].name);
            }
        }
    }
    *to = (struct uui_packages){row, raw->packages_count, !raw->strict};
    return true;
}

/** Identifiers of shared UUI. */
static bool map_items(struct config_tree *t, yaml_node_t *at, const struct raw_peer *raw,
                      struct uui_far *to)
{
    if (raw->uui_items_count > UUI_FAR_ITEMS_MAX) {
        return tree_fault(t, at, "uui_items: at most %d", UUI_FAR_ITEMS_MAX);
    }
    for (size_t i = 0; i < raw->uui_items_count; i++) {
        struct str s = str_c(raw->uui_items[i]);
        int high = s.n == 2 ? hex_digit(s.p[0]) : -1;
        int low = s.n == 2 ? hex_digit(s.p[1]) : -1;
        if (high < 0 || low < 0) {
            return tree_fault(t, tree_entry(t, at, i),
                              "uui_items: two hex digits are wanted, e.g. C8");
        }
        to->item[i] = (uint8_t)(high * 16 + low);
    }
    to->item_n = (uint8_t)raw->uui_items_count;
    return to->item_n == 0 || (to->dialect != NULL && to->dialect->shared) ||
           tree_fault(t, at, "uui_items: the dialect has no items (avaya-shared, cisco-aai)");
}

static bool map_far(struct config_tree *t, yaml_node_t *at, const struct raw_peer *raw,
                    struct uui_far *to)
{
    *to = (struct uui_far){
        .max_octets = raw->uui_max_octets,
        .reading = word_of(raw->uui_reading, readings, ARRAY_LEN(readings)),
        .pd = (uint8_t)(raw->uui_pd & 0xFF),
        .has_pd = raw->uui_pd < 256,
    };
    if (raw->uui_dialect == NULL) {
        bool alone =
            raw->uui_pd == 256 && to->reading == UUI_READ_AS_ALL && raw->uui_items_count == 0;
        return alone || tree_fault(t, at,
                                   "uui_pd, uui_reading and uui_items need a uui_dialect; "
                                   "`rfc7434` is the standard");
    }
    to->dialect = uui_dialect_named(str_c(raw->uui_dialect));
    if (to->dialect == NULL) {
        return tree_fault(t, tree_key(t, at, "uui_dialect"),
                          "uui_dialect: there is no %s; `baton uui dialects` lists them",
                          raw->uui_dialect);
    }
    return map_items(t, tree_key(t, at, "uui_items"), raw, to);
}

bool config_map_packages(struct config_tree *t, struct config *c)
{
    struct uui_packages *to = arena_zalloc(&c->arena, sizeof(*to));
    if (to == NULL) {
        return tree_fault(t, NULL, "out of memory");
    }
    c->engine.packages = to;
    for (size_t i = 0; i < c->peer_count; i++) {
        yaml_node_t *at = tree_entry(t, tree_key(t, tree_root(t), "peers"), i);
        if (!map_far(t, at, &c->raw->peers[i], &c->peers[i].uui)) {
            return false;
        }
    }
    return map_packages(t, c, to);
}
