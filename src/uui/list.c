/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All User-to-User elements of one message.
 *
 * Header lines and commas within a line are the same thing twice (RFC 7433 §4.1): the list
 * is flat and in the order of the message, which nobody on the way may change. First the
 * elements are counted, so that the array is allocated once and at its size.
 */
#include "uui/uui.h"
#include "base/err.h"

static size_t count_elements(const struct str *lines, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n && count <= UUI_VALUES_MAX; i++) {
        struct uui_cut it;
        struct str element;
        uui_cut_begin(&it, lines[i]);
        while (count <= UUI_VALUES_MAX && uui_cut_next(&it, &element)) {
            count++;
        }
    }
    return count;
}

int uui_list_parse(const struct str *lines, size_t n, const struct uui_packages *known,
                   struct arena *a, struct uui_list *out)
{
    struct uui_list l = {0};
    *out = l;
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
        struct uui_cut it;
        struct str element;
        uui_cut_begin(&it, lines[i]);
        while (uui_cut_next(&it, &element)) {
            int err = uui_parse(element, known, a, &l.v[l.n]);
            if (err < 0) {
                return err;
            }
            l.n++;
        }
    }
    uui_list_judge(&l, known);
    *out = l;
    return 0;
}
