/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could have stood in place of a wrong value: one line for people, from the tables.
 *
 * A client's developer who reads "not one of the values" needs the values. They are written in
 * the schema's order and spelling; a list that would be longer than a header field should be
 * is cut behind a whole name.
 */
#include "csta/table.h"

enum { NAMES_MAX = CSTA_ALLOWED_MAX - 8 }; /* room for ", ..." */

static void write_i64(struct out *o, int64_t v)
{
    if (v < 0) {
        out_ch(o, '-');
    }
    out_u64(o, v < 0 ? (uint64_t) - (v + 1) + 1 : (uint64_t)v);
}

static void write_names(struct out *o, const struct csta_enum *e)
{
    size_t n = 0;

    for (unsigned i = 1; i <= e->n; i++) {
        struct str name = csta_enum_name(e, i);
        if (name.n == 0) {
            continue;
        }
        if (n + name.n + 2 > NAMES_MAX) {
            out_c(o, ", ...");
            return;
        }
        out_c(o, n > 0 ? ", " : "");
        out_str(o, name);
        n += name.n + 2;
    }
}

void csta_fault_allowed(const struct csta_fault *fault, struct out *out)
{
    const struct csta_type *type = fault->type;

    if (type == NULL) {
        return;
    }
    switch (type->kind) {
    case CSTA_K_BOOL:
        out_c(out, "true, false, 1 or 0");
        break;
    case CSTA_K_INT:
        write_i64(out, type->min);
        out_c(out, " to ");
        write_i64(out, type->max);
        break;
    case CSTA_K_ENUM:
        write_names(out, type->names);
        break;
    case CSTA_K_HEX:
        out_c(out, "pairs of hex digits");
        break;
    case CSTA_K_ID:
        out_fmt(out, "at most %d octets", CSTA_ID_MAX);
        break;
    default:
        break;
    }
}
