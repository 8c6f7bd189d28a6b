/* SPDX-License-Identifier: Apache-2.0 */
/* See change.h. */
#include "history/change.h"

#include "base/err.h"

int change_cut(struct history_out *c, struct arena *a, enum sip_hdr_id id)
{
    for (uint32_t i = 0; i < c->cuts; i++) {
        if (c->list[i] == id) {
            return 0;
        }
    }
    if (c->list == NULL) {
        c->list = arena_alloc(a, (CHANGE_CUT_MAX + 1) * sizeof(*c->list));
    }
    if (c->list == NULL || c->cuts == CHANGE_CUT_MAX) {
        return E_NOMEM;
    }
    c->list[c->cuts++] = id;
    c->list[c->cuts] = SIP_HDR_OTHER;
    c->cut = c->list;
    return 0;
}

int change_add(struct history_out *c, struct arena *a, struct str lines)
{
    const struct str part[] = {c->lines, lines};
    if (lines.n == 0) {
        return 0;
    }
    struct str all = arena_join(a, part, ARRAY_LEN(part));
    if (!str_is_set(all)) {
        return E_NOMEM;
    }
    c->lines = all;
    return 0;
}

int change_begin(struct history_out *c, struct arena *a, struct str lines,
                 const enum sip_hdr_id *cut)
{
    int err = 0;
    *c = (struct history_out){.lines = lines};
    for (; cut != NULL && *cut != SIP_HDR_OTHER && err == 0; cut++) {
        err = change_cut(c, a, *cut);
    }
    return err;
}
