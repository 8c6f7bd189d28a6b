/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User from several sources: what a REFER or a redirection gives, and what the call
 * had; uui_merge says which values stay.
 */
#include "call/parts.h"

struct str call_uui_merge(struct arena *a, struct str given, struct str had)
{
    return uui_merge(a, given, had);
}

struct str call_uui_values_line(struct arena *a, struct str values)
{
    struct str part[] = {STR("User-to-User: "), values, STR("\r\n")};

    return values.n > 0 ? arena_join(a, part, ARRAY_LEN(part)) : STR_NONE;
}
