/* SPDX-License-Identifier: Apache-2.0 */
/* Which contacts of a record, in which order: see select.h. */
#include "registrar/select.h"

size_t registrar_select(const struct record *rec, const struct sip_msg *m, struct arena *arena,
                        struct selected **out, unsigned *status)
{
    size_t n = 0;

    (void)m;
    *status = 480;
    *out = arena_zalloc(arena, (rec->count + 1) * sizeof(**out));
    if (*out == NULL) {
        *status = 503;
        return 0;
    }
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        struct txn_target target;
        if (!binding_target(b, &target)) {
            continue;
        }
        (*out)[n] = (struct selected){.binding = b, .q_milli = b->q_milli};
        if (n > 0) {
            const struct selected *last = &(*out)[n - 1];
            (*out)[n].group = last->group + (last->q_milli != b->q_milli);
        }
        n++;
    }
    return n;
}
