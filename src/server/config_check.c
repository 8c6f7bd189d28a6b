/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checks of form: every key is known and given once, every value is of its kind and in its
 * range.
 *
 * Walks the tree and the tables of config_schema.c side by side. What depends on several values
 * is the business of config_map.c.
 */
#include "server/config_tree.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

bool tree_fault(struct config_tree *t, const yaml_node_t *at, const char *fmt, ...)
{
    struct config_error *e = t->error;
    va_list args;
    e->file = t->file;
    e->line = at != NULL ? (unsigned)at->start_mark.line + 1 : 0;
    e->column = at != NULL ? (unsigned)at->start_mark.column + 1 : 0;
    va_start(args, fmt);
    (void)vsnprintf(e->text, sizeof(e->text), fmt, args);
    va_end(args);
    return false;
}

void config_error_print(const struct config_error *e, FILE *to)
{
    if (e->line > 0) {
        fprintf(to, "%s:%u:%u: %s\n", e->file, e->line, e->column, e->text);
    } else {
        fprintf(to, "%s: %s\n", e->file, e->text);
    }
}

/**
 * What libyaml has against the text; where its words do not say so, what people mostly meant.
 * `text` is the file, with the fault at p->problem_mark.
 */
static bool yaml_fault(struct config_tree *t, const yaml_parser_t *p, struct str text)
{
    size_t at = p->problem_mark.index;
    char c = at < text.n ? text.p[at] : '\0';
    const char *hint = "";
    if (p->problem != NULL && strstr(p->problem, "escape character") != NULL) {
        hint = ": put a value with a backslash in single quotes";
    } else if (c == '\t') {
        hint = ": indent with spaces, not with tabs";
    } else if (c != '\0' &&
               strchr("*&!%@`", at > 0 && text.p[at - 1] == '*' ? '*' : c) != NULL) {
        hint = ": put a value that begins with one of *&!%@` in quotes";
    }
    (void)tree_fault(t, NULL, "%s%s", p->problem != NULL ? p->problem : "cannot be read", hint);
    t->error->line = (unsigned)p->problem_mark.line + 1;
    t->error->column = (unsigned)p->problem_mark.column + 1;
    return false;
}

bool tree_load(struct config_tree *t, const char *file, struct str text,
               struct config_error *error)
{
    yaml_parser_t p;
    memset(t, 0, sizeof(*t));
    t->file = file;
    t->error = error;
    if (!yaml_parser_initialize(&p)) {
        return tree_fault(t, NULL, "out of memory");
    }
    yaml_parser_set_input_string(&p, (const unsigned char *)text.p, text.n);
    bool ok = yaml_parser_load(&p, &t->doc);
    t->loaded = ok;
    if (!ok) {
        (void)yaml_fault(t, &p, text);
    } else {
        yaml_document_t more;
        if (yaml_parser_load(&p, &more)) {
            yaml_node_t *second = yaml_document_get_root_node(&more);
            ok = second == NULL || tree_fault(t, second, "only one document is allowed");
            yaml_document_delete(&more);
        } else {
            ok = yaml_fault(t, &p, text);
        }
    }
    /* copies of what may be secrets */
    explicit_bzero(p.raw_buffer.start, (size_t)(p.raw_buffer.end - p.raw_buffer.start));
    explicit_bzero(p.buffer.start, (size_t)(p.buffer.end - p.buffer.start));
    yaml_parser_delete(&p);
    return ok;
}

void tree_free(struct config_tree *t)
{
    if (t->loaded) {
        yaml_document_delete(&t->doc);
        t->loaded = false;
    }
}

yaml_node_t *tree_root(struct config_tree *t)
{
    yaml_node_t *root = yaml_document_get_root_node(&t->doc);
    bool nothing =
        root != NULL && root->type == YAML_SCALAR_NODE && root->data.scalar.length == 0;
    return nothing ? NULL : root;
}

static struct str scalar(const yaml_node_t *n)
{
    return str_make((const char *)n->data.scalar.value, n->data.scalar.length);
}

yaml_node_t *tree_key(struct config_tree *t, yaml_node_t *mapping, const char *key)
{
    if (mapping == NULL || mapping->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start;
         p < mapping->data.mapping.pairs.top; p++) {
        yaml_node_t *name = yaml_document_get_node(&t->doc, p->key);
        if (name->type == YAML_SCALAR_NODE && str_eq(scalar(name), str_c(key))) {
            return yaml_document_get_node(&t->doc, p->value);
        }
    }
    return NULL;
}

yaml_node_t *tree_entry(struct config_tree *t, yaml_node_t *sequence, size_t i)
{
    if (sequence == NULL || sequence->type != YAML_SEQUENCE_NODE) {
        return NULL;
    }
    yaml_node_item_t *item = sequence->data.sequence.items.start + i;
    return item < sequence->data.sequence.items.top ? yaml_document_get_node(&t->doc, *item)
                                                    : NULL;
}

/* ---- the values ---- */

static const char *kind_name(const yaml_node_t *n)
{
    switch (n->type) {
    case YAML_SEQUENCE_NODE:
        return "a list";
    case YAML_MAPPING_NODE:
        return "a section";
    default:
        return n->data.scalar.length == 0 ? "nothing" : "a single value";
    }
}

static bool check_string(struct config_tree *t, yaml_node_t *n, const char *name)
{
    if (n->type != YAML_SCALAR_NODE) {
        return tree_fault(t, n, "%s: a single value is wanted, not %s", name, kind_name(n));
    }
    struct str s = scalar(n);
    if (s.n == 0) {
        return tree_fault(t, n, "%s: must not be empty; leave the key out instead", name);
    }
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f) {
            return tree_fault(t, n, "%s: control characters and line breaks are not allowed",
                              name);
        }
    }
    return true;
}

static bool check_number(struct config_tree *t, yaml_node_t *n, const struct config_key *k)
{
    uint32_t v;
    if (n->type != YAML_SCALAR_NODE || !str_to_u32(scalar(n), &v)) {
        return tree_fault(t, n, "%s: a number from %u to %u is wanted", k->name, k->least,
                          k->most);
    }
    if (v < k->least || v > k->most) {
        return tree_fault(t, n, "%s: %u is not between %u and %u", k->name, v, k->least,
                          k->most);
    }
    if (scalar(n).p[0] == '0' && scalar(n).n > 1) {
        return tree_fault(t, n, "%s: a number does not begin with 0", k->name);
    }
    return true;
}

static bool check_bool(struct config_tree *t, yaml_node_t *n, const struct config_key *k)
{
    if (n->type != YAML_SCALAR_NODE ||
        (!str_eq(scalar(n), STR("true")) && !str_eq(scalar(n), STR("false")))) {
        return tree_fault(t, n, "%s: true or false is wanted", k->name);
    }
    return true;
}

static bool check_word(struct config_tree *t, yaml_node_t *n, const struct config_key *k)
{
    if (n->type == YAML_SCALAR_NODE && scalar(n).n > 0) {
        struct str rest = str_c(k->words);
        while (rest.n > 0) {
            size_t end = str_index(rest, ' ');
            if (str_eq(str_upto(rest, end), scalar(n))) {
                return true;
            }
            rest = str_from(rest, end + 1);
        }
    }
    return tree_fault(t, n, "%s: one of these is wanted: %s", k->name, k->words);
}

static bool check_section(struct config_tree *t, yaml_node_t *n, const char *name,
                          const struct config_section *s);

static bool check_list(struct config_tree *t, yaml_node_t *n, const struct config_key *k)
{
    if (n->type != YAML_SEQUENCE_NODE) {
        return tree_fault(t, n, "%s: a list is wanted, not %s", k->name, kind_name(n));
    }
    yaml_node_t *entry;
    for (size_t i = 0; (entry = tree_entry(t, n, i)) != NULL; i++) {
        bool ok = k->kind == KEY_LIST ? check_string(t, entry, k->name)
                                      : check_section(t, entry, k->name, k->section);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool check_value(struct config_tree *t, yaml_node_t *n, const struct config_key *k)
{
    switch (k->kind) {
    case KEY_NUMBER:
        return check_number(t, n, k);
    case KEY_BOOL:
        return check_bool(t, n, k);
    case KEY_WORD:
        return check_word(t, n, k);
    case KEY_STRING:
    case KEY_NEEDED:
        return check_string(t, n, k->name);
    case KEY_LIST:
    case KEY_SECTIONS:
        return check_list(t, n, k);
    case KEY_SECTION:
        return check_section(t, n, k->name, k->section);
    }
    return false;
}

enum { NAME_SHOWN = 60, SLIPS = 2 };

/** How many octets of `a`, of at most NAME_SHOWN, have to be put in, left out or changed to
 * have `b` (Levenshtein). */
static size_t slips_between(struct str a, struct str b)
{
    size_t row[NAME_SHOWN + 1];

    for (size_t i = 0; i <= a.n; i++) {
        row[i] = i;
    }
    for (size_t j = 1; j <= b.n; j++) {
        size_t before = row[0];
        row[0] = j;
        for (size_t i = 1; i <= a.n; i++) {
            size_t changed = before + (a.p[i - 1] != b.p[j - 1]);
            before = row[i];
            row[i] = 1 + (row[i - 1] < before ? row[i - 1] : before);
            row[i] = changed < row[i] ? changed : row[i];
        }
    }
    return row[a.n];
}

/** The key that was meant, of those that are longer than the slips. NULL: none is near. */
static const struct config_key *likely_key(const struct config_section *s, struct str name)
{
    const struct config_key *likely = NULL;
    size_t least = SLIPS + 1;

    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        size_t n = slips_between(name, str_c(k->name));
        if (n < least && strlen(k->name) > 2 * n) {
            least = n;
            likely = k;
        }
    }
    return likely;
}

/** "Unknown key": with the likely one, and all that there are. */
static bool unknown_key(struct config_tree *t, yaml_node_t *n, const struct config_section *s)
{
    struct str name = str_upto(scalar(n), NAME_SHOWN);
    const struct config_key *likely = likely_key(s, name);
    char all[400];
    struct out o;

    out_init(&o, all, sizeof(all));
    if (likely != NULL) {
        out_fmt(&o, "is \"%s\" meant? ", likely->name);
    }
    out_c(&o, "known here: ");
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        out_c(&o, k == s->keys ? "" : ", ");
        out_c(&o, k->name);
    }
    return tree_fault(t, n, "unknown key \"%.*s\"; %.*s", STR_ARG(name),
                      STR_ARG(out_str_of(&o)));
}

static const struct config_key *find_key(const struct config_section *s, struct str name)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        if (str_eq(str_c(k->name), name)) {
            return k;
        }
    }
    return NULL;
}

static bool given_before(struct config_tree *t, yaml_node_t *mapping, yaml_node_pair_t *pair,
                         struct str name)
{
    for (yaml_node_pair_t *p = mapping->data.mapping.pairs.start; p < pair; p++) {
        yaml_node_t *key = yaml_document_get_node(&t->doc, p->key);
        if (key->type == YAML_SCALAR_NODE && str_eq(scalar(key), name)) {
            return true;
        }
    }
    return false;
}

static bool check_section(struct config_tree *t, yaml_node_t *n, const char *name,
                          const struct config_section *s)
{
    if (n->type != YAML_MAPPING_NODE) {
        return tree_fault(t, n, "%s: keys with values are wanted, not %s", name, kind_name(n));
    }
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
         p++) {
        yaml_node_t *key = yaml_document_get_node(&t->doc, p->key);
        if (key->type != YAML_SCALAR_NODE) {
            return tree_fault(t, key, "a key must be a name");
        }
        const struct config_key *k = find_key(s, scalar(key));
        if (k == NULL) {
            return unknown_key(t, key, s);
        }
        if (given_before(t, n, p, scalar(key))) {
            return tree_fault(t, key, "%s: given twice", k->name);
        }
        if (!check_value(t, yaml_document_get_node(&t->doc, p->value), k)) {
            return false;
        }
    }
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        if (k->kind == KEY_NEEDED && tree_key(t, n, k->name) == NULL) {
            return tree_fault(t, n, "%s: %s is missing here", name, k->name);
        }
    }
    return true;
}

bool tree_check(struct config_tree *t, yaml_node_t *n, const char *name,
                const struct config_section *s)
{
    return check_section(t, n, name, s);
}

bool config_check(struct config_tree *t)
{
    yaml_node_t *root = tree_root(t);
    return root == NULL || check_section(t, root, t->file, &config_root_section);
}

/* ---- the defaults ---- */

static void section_defaults(struct config_tree *t, yaml_node_t *n, char *base,
                             const struct config_section *s)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        yaml_node_t *value = tree_key(t, n, k->name);
        char *member = base + k->offset;
        if (k->kind == KEY_SECTION) {
            section_defaults(t, value, member, k->section);
        } else if (k->kind == KEY_SECTIONS) {
            char *entries;
            memcpy(&entries, member, sizeof(entries));
            for (size_t i = 0; tree_entry(t, value, i) != NULL; i++) {
                section_defaults(t, tree_entry(t, value, i), entries + i * k->section->size,
                                 k->section);
            }
        } else if (value == NULL && k->kind == KEY_NUMBER) {
            memcpy(member, &k->def, sizeof(k->def));
        } else if (value == NULL && k->kind == KEY_BOOL) {
            *(bool *)member = k->def != 0;
        }
    }
}

void config_set_defaults(struct config_tree *t, struct raw_root *raw)
{
    section_defaults(t, tree_root(t), (char *)raw, &config_root_section);
}
