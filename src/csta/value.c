/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Simple values: from text, and whether they are there.
 *
 * All values are reached through memcpy, because the tables know them by size and offset
 * only; the compiler makes plain loads and stores of it.
 */
#include "csta/table.h"

void *csta_no_items(void)
{
    static const max_align_t none;
    union {
        const void *from;
        void *to;
    } u = {&none}; /* never written to: there are no items */
    return u.to;
}

static int parse_bool(struct str text, void *p, const char **reason)
{
    enum csta_bool value;
    if (str_eq(text, STR("true")) || str_eq(text, STR("1"))) {
        value = CSTA_TRUE;
    } else if (str_eq(text, STR("false")) || str_eq(text, STR("0"))) {
        value = CSTA_FALSE;
    } else {
        *reason = "not a boolean";
        return E_SYNTAX;
    }
    memcpy(p, &value, sizeof(value));
    return 0;
}

static int parse_int(const struct csta_type *type, struct str text, void *p,
                     const char **reason)
{
    bool minus = text.n > 0 && text.p[0] == '-';
    struct str digits = str_from(text, minus || (text.n > 0 && text.p[0] == '+') ? 1 : 0);
    uint64_t magnitude;
    *reason = "not a number";
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return E_SYNTAX;
        }
    }
    if (digits.n == 0) {
        return E_SYNTAX;
    }
    *reason = "a number out of range";
    uint64_t max = minus ? (uint64_t) - (type->min + 1) + 1 : (uint64_t)type->max;
    if (!str_to_u64(digits, type->min == 0 && minus ? 0 : max, &magnitude)) {
        return E_VALUE;
    }
    struct csta_int value = {(int64_t)magnitude, true};
    if (minus && magnitude > 0) {
        value.value = -(int64_t)(magnitude - 1) - 1;
    }
    memcpy(p, &value, sizeof(value));
    return 0;
}

static int parse_enum(const struct csta_type *type, struct str text, void *p,
                      const char **reason)
{
    unsigned value = csta_enum_find(type->names, text);
    value = value != 0 ? value : type->names->lax;
    *reason = "not one of the values";
    memcpy(p, &value, sizeof(value));
    return value != 0 ? 0 : E_SYNTAX;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Captures have line breaks inside of hexBinary. */
static int parse_hex(struct str text, struct arena *arena, void *p, const char **reason)
{
    struct str out = STR("");
    char *octets = text.n > 0 ? arena_alloc(arena, text.n / 2 + 1) : NULL;
    if (text.n > 0 && octets == NULL) {
        return E_NOMEM;
    }
    int high = -1;
    for (size_t i = 0; i < text.n; i++) {
        if (is_space(text.p[i])) {
            continue;
        }
        int digit = hex_digit(text.p[i]);
        if (digit < 0) {
            *reason = "not a hexadecimal digit";
            return E_SYNTAX;
        }
        if (high >= 0) {
            octets[out.n++] = (char)(high << 4 | digit);
            high = -1;
        } else {
            high = digit;
        }
    }
    if (high >= 0) {
        *reason = "an odd number of hexadecimal digits";
        return E_SYNTAX;
    }
    out.p = octets != NULL ? octets : out.p;
    memcpy(p, &out, sizeof(out));
    return 0;
}

int csta_value_parse(const struct csta_type *type, struct str text, struct arena *arena,
                     void *p, const char **reason)
{
    if (type->kind == CSTA_K_STR) {
        memcpy(p, &text, sizeof(text));
        return 0;
    }
    text = str_trim(text);
    switch (type->kind) {
    case CSTA_K_BOOL:
        return parse_bool(text, p, reason);
    case CSTA_K_INT:
        return parse_int(type, text, p, reason);
    case CSTA_K_ENUM:
        return parse_enum(type, text, p, reason);
    case CSTA_K_HEX:
        return parse_hex(text, arena, p, reason);
    default:
        break;
    }
    if (text.n > CSTA_ID_MAX) {
        *reason = "an identifier is too long";
        return E_TOOBIG;
    }
    memcpy(p, &text, sizeof(text));
    return 0;
}

bool csta_is_bit_name(struct str name)
{
    for (size_t i = 0; i < name.n; i++) {
        char c = ascii_lower(name.p[i]);
        bool letter = (c >= 'a' && c <= 'z') || c == '_';
        bool more = (c >= '0' && c <= '9') || c == '-' || c == '.';
        if (!letter && (i == 0 || !more)) {
            return false;
        }
    }
    return name.n > 0;
}

/* A struct held by value is there when something in it is. */
static bool any_present(const struct csta_type *type, const char *p)
{
    for (size_t i = 0; i < type->nfield; i++) {
        if (csta_field_is_present(&type->field[i], p + type->field[i].offset)) {
            return true;
        }
    }
    return false;
}

bool csta_is_present(const struct csta_type *type, const void *p)
{
    unsigned number;
    struct str text;
    struct csta_int integer;
    struct csta_xml xml;
    struct csta_any_list list;
    switch (type->kind) {
    case CSTA_K_BOOL:
    case CSTA_K_ENUM:
    case CSTA_K_CHOICE:
        memcpy(&number, p, sizeof(number));
        return number != 0;
    case CSTA_K_INT:
        memcpy(&integer, p, sizeof(integer));
        return integer.set;
    case CSTA_K_STR:
    case CSTA_K_ID:
    case CSTA_K_HEX:
    case CSTA_K_TARGET:
    case CSTA_K_TEXT:
        memcpy(&text, p, sizeof(text));
        return str_is_set(text);
    case CSTA_K_XML:
        memcpy(&xml, p, sizeof(xml));
        return str_is_set(xml.body);
    case CSTA_K_STRUCT:
        return any_present(type, p);
    case CSTA_K_LIST:
    case CSTA_K_CAPS:
        memcpy(&list, p, sizeof(list));
        return list.item != NULL;
    case CSTA_K_EMPTY:
        break;
    }
    return false;
}

bool csta_field_is_present(const struct csta_field *f, const void *p)
{
    const void *value;
    if (f->flags & CSTA_F_POINTER) {
        memcpy(&value, p, sizeof(value));
        return value != NULL;
    }
    return csta_is_present(f->type, p);
}
