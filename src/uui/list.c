/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All User-to-User elements of one message.
 *
 * Header lines and commas within a line are the same thing twice (RFC 7433 §4.1): the list
 * is flat and in the order of the message, which nobody on the way may change. First the
 * elements are counted, so that the array is allocated once and at its size.
 */
#include "base/err.h"
#include "uui/uui.h"

/** One header line; with a rule it is one WRONG element and not looked into. */
struct line {
    struct str text;
    enum uui_rule rule;
    size_t at;
};

static size_t count_elements(const struct line *lines, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n && count <= UUI_VALUES_MAX; i++) {
        struct uui_cut it;
        struct str element;
        uui_cut_begin(&it, lines[i].text);
        while (count <= UUI_VALUES_MAX && uui_cut_next(&it, &element)) {
            count++;
        }
    }
    return count;
}

static int add_line(struct uui_list *l, const struct line *line,
                    const struct uui_packages *known, struct arena *a)
{
    struct uui_cut it;
    struct str element;
    if (line->rule != UUI_R_NONE) {
        l->v[l->n] = (struct uui_value){.text = line->text};
        uui_strike(&l->v[l->n++], line->rule, line->at);
        return 0;
    }
    uui_cut_begin(&it, line->text);
    while (uui_cut_next(&it, &element)) {
        int err = uui_parse(element, known, a, &l->v[l->n]);
        if (err < 0) {
            return err;
        }
        l->n++;
    }
    return 0;
}

static int build(const struct line *lines, size_t n, const struct uui_packages *known,
                 struct arena *a, struct uui_list *out)
{
    struct uui_list l = {0};
    size_t count = count_elements(lines, n);
    if (count == 0) {
        return 0;
    }
    if (count > UUI_VALUES_MAX) {
        return E_TOOMANY;
    }
    l.v = arena_alloc(a, count * sizeof(*l.v));
    if (!l.v) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        int err = add_line(&l, &lines[i], known, a);
        if (err < 0) {
            return err;
        }
    }
    uui_list_judge(&l, known);
    *out = l;
    return 0;
}

int uui_list_parse(const struct str *lines, size_t n, const struct uui_packages *known,
                   struct arena *a, struct uui_list *out)
{
    struct line table[UUI_VALUES_MAX];
    *out = (struct uui_list){0};
    if (n > UUI_VALUES_MAX) {
        return E_TOOMANY;
    }
    for (size_t i = 0; i < n; i++) {
        table[i] = (struct line){.text = lines[i]};
    }
    return build(table, n, known, a, out);
}

int uui_list_parse_uri(struct str headers, const struct uui_packages *known, struct arena *a,
                       struct uui_list *out)
{
    struct line table[UUI_VALUES_MAX];
    struct uui_embedded e;
    size_t n = 0;
    *out = (struct uui_list){0};
    while (uui_uri_next(&headers, &e)) {
        if (n == UUI_VALUES_MAX) {
            return E_TOOMANY;
        }
        table[n] = (struct line){e.header, e.rule, e.at};
        if (e.rule == UUI_R_NONE) {
            char *buf = arena_alloc(a, e.value.n > 0 ? e.value.n : 1);
            if (!buf) {
                return E_NOMEM;
            }
            table[n].text = str_make(buf, uui_unescape(&e, buf));
        }
        n++;
    }
    return build(table, n, known, a, out);
}
