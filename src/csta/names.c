/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and numbers: root elements, enumerations, editions, errors.
 *
 * The tables are sorted by length first, so that most steps of a search compare numbers;
 * a name is found in about nine.
 */
#include "csta/table.h"

unsigned csta_name_find(const struct csta_name *table, size_t n, struct str name)
{
    size_t lo = 0;
    while (lo < n) {
        size_t mid = lo + (n - lo) / 2;
        const struct csta_name *m = &table[mid];
        int order = m->len < name.n ? -1 : m->len > name.n ? 1 : 0;
        if (order == 0 && name.n > 0) {
            order = memcmp(m->name, name.p, name.n);
        }
        if (order == 0) {
            return m->value;
        }
        if (order < 0) {
            lo = mid + 1;
        } else {
            n = mid;
        }
    }
    return 0;
}

struct str csta_enum_name(const struct csta_enum *e, unsigned value)
{
    return value <= e->n ? e->name[value] : STR("");
}

unsigned csta_enum_find(const struct csta_enum *e, struct str name)
{
    return csta_name_find(e->find, e->nfind, name);
}

enum csta_msg_id csta_msg_find(struct str root)
{
    return (enum csta_msg_id)csta_name_find(csta_roots, csta_nroot, root);
}

static const struct csta_msg_info *info_of(enum csta_msg_id id)
{
    return &csta_msg_infos[(unsigned)id < CSTA_MSG_COUNT ? id : CSTA_MSG_NONE];
}

struct str csta_msg_name(enum csta_msg_id id)
{
    struct str name = info_of(id)->name;
    return str_is_set(name) ? name : STR("");
}

enum csta_role csta_msg_role(enum csta_msg_id id)
{
    return info_of(id)->role;
}

bool csta_msg_is_supported(enum csta_msg_id id)
{
    return info_of(id)->supported;
}

enum csta_msg_id csta_msg_response(enum csta_msg_id request)
{
    return info_of(request)->response;
}

bool csta_edition_of_ns(struct str ns, enum csta_edition *out)
{
    static const struct str mark = STR_INIT("ecma-323/csta/ed");
    size_t tail = ns.n > mark.n ? ns.n - 1 - mark.n : 0; /* where it usually is */
    size_t at = str_starts(str_from(ns, tail), mark) ? tail : str_find(ns, mark);
    char digit;

    at += mark.n;
    digit = at < ns.n ? ns.p[at] : '\0';
    *out =
        digit >= '2' && digit <= '6' ? (enum csta_edition)(CSTA_ED2 + (digit - '2')) : CSTA_ED3;
    return at <= ns.n;
}

struct str csta_edition_ns(enum csta_edition edition)
{
    static const struct str ns[] = {
        [CSTA_EDITION_NONE] = {NULL, 0},
        [CSTA_ED2] = STR_INIT("http://www.ecma.ch/standards/ecma-323/csta/ed2"),
        [CSTA_ED3] = STR_INIT("http://www.ecma-international.org/standards/ecma-323/csta/ed3"),
        [CSTA_ED4] = STR_INIT("http://www.ecma-international.org/standards/ecma-323/csta/ed4"),
        [CSTA_ED5] = STR_INIT("http://www.ecma-international.org/standards/ecma-323/csta/ed5"),
        [CSTA_ED6] = STR_INIT("http://www.ecma-international.org/standards/ecma-323/csta/ed6"),
    };
    return (unsigned)edition < ARRAY_LEN(ns) ? ns[edition] : STR_NONE;
}

/* The alternative of a CSTAErrorCode that stands for `kind`. */
static const struct csta_field *category(enum csta_error_kind kind)
{
    const struct csta_type *type = csta_msg_infos[CSTA_MSG_ERROR_CODE].body;
    for (size_t i = 0; i < type->nfield; i++) {
        if (type->field[i].kind == kind && !(type->field[i].flags & CSTA_F_ALIAS)) {
            return &type->field[i];
        }
    }
    return NULL;
}

struct str csta_error_category_name(enum csta_error_kind kind)
{
    const struct csta_field *f = category(kind);
    return f != NULL ? str_make(f->name, f->len) : STR("");
}

struct str csta_error_value_name(struct csta_error error)
{
    const struct csta_field *f = category(error.kind);
    if (f != NULL && f->type->kind == CSTA_K_ENUM) {
        return csta_enum_name(f->type->names, error.value);
    }
    bool has_text = f != NULL && f->type->kind == CSTA_K_STR;
    return has_text ? error.private_error_code : STR("");
}
