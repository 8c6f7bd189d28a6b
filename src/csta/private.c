/* SPDX-License-Identifier: Apache-2.0 */
/* Private data of Baton: see docs/csta-private.md, which has the form of each. */
#include "base/arena.h"
#include "base/err.h"
#include "base/out.h"
#include "csta/csta.h"

int csta_private_user_data(struct arena *arena, struct str octets,
                           const struct csta_common_arguments **out)
{
    struct csta_common_arguments *args;
    size_t cap = 2 * octets.n + 96;
    struct out o;
    char *buf;

    *out = NULL;
    if (octets.n == 0) {
        return 0;
    }
    args = arena_zalloc(arena, sizeof(*args));
    buf = arena_alloc(arena, cap);
    if (args == NULL || buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    out_c(&o, "<userData xmlns=\"" CSTA_PRIVATE_NAMESPACE "\"><string>");
    out_hex(&o, octets, true);
    out_c(&o, "</string></userData>");
    args->private_data.kind = CSTA_DATA_FOREIGN;
    args->private_data.foreign.body = out_str_of(&o);
    *out = args;
    return 0;
}
