/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML to JSON by shape alone, without the schema, so that private data and elements of other
 * editions come through too. The document becomes a tree in the arena first, because whether
 * an element is repeated is known only when its parent ends.
 *
 * Cost: names of siblings are compared pairwise; a parent with n children costs n²/2, and the
 * reader's limits (2000 elements) bound that.
 */
#include "cli/csta_json.h"

#include "cli/json.h"
#include "csta/xml.h"

struct node {
    struct str name, text;
    bool is_attr, written;
    struct node *first, *last, *next, *parent;
};

static struct node *add(struct arena *a, struct node *parent, struct str name)
{
    struct node *n = arena_zalloc(a, sizeof(*n));

    if (n == NULL) {
        return NULL;
    }
    n->name = name;
    n->parent = parent;
    if (parent->last != NULL) {
        parent->last->next = n;
    } else {
        parent->first = n;
    }
    parent->last = n;
    return n;
}

/** Attributes but declarations of namespaces, which say nothing here. */
static int add_attrs(struct xml_reader *r, struct arena *a, struct node *n)
{
    for (unsigned i = 0; i < r->nattr; i++) {
        struct node *attr;
        if (str_starts(r->attr[i].qname, STR("xmlns")) ||
            str_starts(r->attr[i].qname, STR("xsi:"))) {
            continue;
        }
        attr = add(a, n, r->attr[i].name);
        if (attr == NULL || xml_attr_of(&r->attr[i].value, a, &attr->text) != 0) {
            return E_NOMEM;
        }
        attr->is_attr = true;
    }
    return 0;
}

static int read_tree(struct str body, struct arena *a, struct node *root)
{
    static const struct xml_limits limits = {.bytes = 1 << 20, .depth = 32, .elements = 2000};
    struct xml_reader *r = arena_alloc(a, sizeof(*r));
    struct node *at = root;
    int event;

    if (r == NULL || xml_init(r, body, &limits) != 0) {
        return E_NOMEM;
    }
    while ((event = xml_next(r)) != XML_END_OF_DOCUMENT) {
        int err = 0;
        if (event == XML_START) {
            at = add(a, at, r->name);
            err = at == NULL ? E_NOMEM : add_attrs(r, a, at);
        } else if (event == XML_TEXT) {
            err = xml_text_of(&r->text, a, &at->text);
        } else if (event == XML_END) {
            at = at->parent;
        } else {
            err = event;
        }
        if (err != 0) {
            return err;
        }
    }
    return 0;
}

static bool same_member(const struct node *a, const struct node *b)
{
    return a->is_attr == b->is_attr && str_eq(a->name, b->name);
}

static const struct node *another(const struct node *n)
{
    for (const struct node *o = n->next; o != NULL; o = o->next) {
        if (same_member(n, o)) {
            return o;
        }
    }
    return NULL;
}

static void write_members(struct node *n, FILE *to);

static void write_value(struct node *n, FILE *to)
{
    struct str text = str_trim(n->text);

    if (n->first == NULL) {
        json_print_string(text, to);
        return;
    }
    fputc('{', to);
    write_members(n, to);
    if (text.n > 0) {
        json_print_member("#text", text, false, to);
    }
    fputc('}', to);
}

static void write_members(struct node *n, FILE *to)
{
    bool first = true;

    for (struct node *c = n->first; c != NULL; c = c->next) {
        bool repeated = another(c) != NULL;
        if (c->written) {
            continue;
        }
        fprintf(to, "%s\"%s%.*s\": %s", first ? "" : ", ", c->is_attr ? "@" : "",
                STR_ARG(c->name), repeated ? "[" : "");
        first = false;
        write_value(c, to);
        for (struct node *o = c->next; repeated && o != NULL; o = o->next) {
            if (same_member(c, o)) {
                fputs(", ", to);
                write_value(o, to);
                o->written = true;
            }
        }
        if (repeated) {
            fputc(']', to);
        }
    }
}

bool csta_json_message(struct str body, struct arena *a, FILE *to)
{
    struct node root = {0};

    if (!str_is_set(body) || read_tree(body, a, &root) != 0) {
        return false;
    }
    fputc('{', to);
    write_members(&root, to);
    fputc('}', to);
    return true;
}

static void put_leaf(const struct node *n, const struct node *root, FILE *to)
{
    const struct node *way[XML_DEPTH_MAX];
    size_t depth = 0;
    struct str text = str_trim(n->text);

    for (const struct node *at = n; at != root && depth < XML_DEPTH_MAX; at = at->parent) {
        way[depth++] = at;
    }
    fputs("  ", to);
    while (depth > 0) {
        depth--;
        fprintf(to, "%.*s%s", STR_ARG(way[depth]->name), depth > 0 ? "." : "");
    }
    fprintf(to, "%s%.*s\n", text.n > 0 ? ": " : "", STR_ARG(text));
}

void csta_put_leaves(struct str body, struct arena *a, FILE *to)
{
    struct node tree = {0};
    const struct node *root, *n;

    if (read_tree(body, a, &tree) != 0 || tree.first == NULL) {
        return;
    }
    root = tree.first;
    for (n = root->first; n != NULL;) {
        if (n->first == NULL && !n->is_attr) {
            put_leaf(n, root, to);
        }
        if (n->first != NULL) {
            n = n->first;
            continue;
        }
        while (n != root && n->next == NULL) {
            n = n->parent;
        }
        n = n == root ? NULL : n->next;
    }
}
