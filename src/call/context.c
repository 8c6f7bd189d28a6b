/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of a call: User-to-User, kept as a header line. Which of the values of several
 * sources stay, uui_merge says.
 */
#include "call/parts.h"

struct str call_uui_values(struct str line)
{
    return line.n == 0 ? STR_NONE : str_trim(str_from(line, sizeof("User-to-User:") - 1));
}

struct str call_uui_values_line(struct arena *a, struct str values)
{
    struct str part[] = {STR("User-to-User: "), values, STR("\r\n")};

    return values.n > 0 ? arena_join(a, part, ARRAY_LEN(part)) : STR_NONE;
}

struct str call_uui_line(struct arena *a, struct str octets)
{
    size_t cap = octets.n * 2 + 64;
    char *buf;
    struct out o;

    if (!str_is_set(octets) || octets.n == 0 || (buf = arena_alloc(a, cap)) == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "User-to-User: ");
    if (uui_write(&o, octets, &(struct uui_format){0}, NULL) != 0) {
        return STR_NONE;
    }
    out_c(&o, "\r\n");
    return o.over ? STR_NONE : out_str_of(&o);
}

void call_set_uui(struct call *c, struct str line)
{
    c->uui_lines = line;
    c->uui_told = false;
    c->uui = call_uui_values(line);
}
