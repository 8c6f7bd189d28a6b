/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server can do, as GetCSTAFeatures tells it.
 *
 * The lists come from the table: a service or event stands in one when its message is marked
 * as supported, so the announcement cannot differ from the coverage page. Bits are those
 * that the table gives.
 */
#include "csta/table.h"

/* The supported features of one list; {NULL, 0} when there are none. */
static int fill_list(struct arena *arena, const struct csta_type *type,
                     struct csta_feature_list *out)
{
    *out = (struct csta_feature_list){NULL, 0};
    size_t n = 0;
    for (size_t i = 0; i < type->ncap; i++) {
        n += type->caps[i].supported;
    }
    if (n == 0) {
        return 0;
    }
    struct csta_feature *items = arena_alloc(arena, n * sizeof(*items));
    if (items == NULL) {
        return E_NOMEM;
    }
    out->item = items;
    for (size_t i = 0; i < type->ncap; i++) {
        const struct csta_cap *cap = &type->caps[i];
        if (cap->supported) {
            items[out->n++] = (struct csta_feature){cap->id, cap->bit, cap->nbit};
        }
    }
    return 0;
}

static int fill_lists(struct arena *arena, const struct csta_type *type, char *base)
{
    for (size_t i = 0; i < type->nfield; i++) {
        struct csta_feature_list list;
        int err = fill_list(arena, type->field[i].type, &list);
        if (err) {
            return err;
        }
        memcpy(base + type->field[i].offset, &list, sizeof(list));
    }
    return 0;
}

int csta_features_supported(struct arena *arena, struct csta_get_csta_features_response *out)
{
    struct csta_supported_services *services = arena_zalloc(arena, sizeof(*services));
    struct csta_supported_events *events = arena_zalloc(arena, sizeof(*events));
    if (services == NULL || events == NULL ||
        fill_lists(arena, csta_type_supported_services, (char *)services) != 0 ||
        fill_lists(arena, csta_type_supported_events, (char *)events) != 0) {
        return E_NOMEM;
    }
    *out = (struct csta_get_csta_features_response){.supported_services = services,
                                                    .supported_events = events};
    return 0;
}
