/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages in memory of somebody's own: the configuration that they come from may go, and other
 * threads read them. Sealing keys are numbers here; nothing secret is copied.
 */
#include "uui/uui.h"

static bool copy_names(struct arena *a, const struct str **names, size_t n)
{
    struct str *all = arena_alloc(a, (n + 1) * sizeof(*all));

    for (size_t i = 0; all != NULL && i < n; i++) {
        all[i] = arena_dup(a, (*names)[i]);
        if (!str_is_set(all[i])) {
            return false;
        }
    }
    *names = all;
    return all != NULL;
}

static bool copy_row(struct arena *a, struct uui_package *to)
{
    struct str name = to->name, tag = to->feature_tag;

    to->name = arena_dup(a, name);
    to->feature_tag = arena_dup(a, tag);
    return str_is_set(to->name) && str_is_set(to->feature_tag) == str_is_set(tag) &&
           copy_names(a, &to->contents, to->content_n) &&
           copy_names(a, &to->encodings, to->encoding_n);
}

struct uui_packages *uui_packages_copy(const struct uui_packages *from, struct arena *a)
{
    struct uui_packages *to = arena_alloc(a, sizeof(*to));
    size_t n = from != NULL ? from->n : 0;
    struct uui_package *row = arena_alloc(a, (n + 1) * sizeof(*row));

    if (to == NULL || row == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        row[i] = from->row[i];
        if (!copy_row(a, &row[i])) {
            return NULL;
        }
    }
    *to = (struct uui_packages){row, n, from != NULL && from->lenient};
    return to;
}
