/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any value of the table with every field set. `turn` says which alternative a choice takes,
 * which end of its range a number has, and which word an enumeration says.
 */
#include "fixture_csta.h"

static struct arena *arena;
static unsigned turn;

static void fill(const struct csta_type *type, void *p);

static void fill_field(const struct csta_field *f, char *base)
{
    char *p = base + f->offset;
    if (f->flags & CSTA_F_ALIAS) {
        return;
    }
    if (f->flags & CSTA_F_POINTER) {
        void *value = arena_zalloc(arena, f->type->size);
        memcpy(p, &value, sizeof(value));
        p = value;
    }
    fill(f->type, p);
}

static void fill_fields(const struct csta_type *type, char *base)
{
    for (size_t i = 0; i < type->nfield; i++) {
        fill_field(&type->field[i], base);
    }
}

static void fill_list(const struct csta_type *type, void *p)
{
    struct csta_any_list list = {arena_zalloc(arena, 2 * type->item_size), 2};
    fill(type->field->type, list.item);
    fill(type->field->type, (char *)list.item + type->item_size);
    memcpy(p, &list, sizeof(list));
}

static void fill_caps(const struct csta_type *type, void *p)
{
    static const struct csta_feature_bit bits[] = {{STR_INIT("one"), true},
                                                   {STR_INIT("two"), false}};
    struct csta_feature *items = arena_zalloc(arena, (type->ncap + 1u) * sizeof(*items));
    struct csta_feature_list list = {items, type->ncap};
    for (size_t i = 0; i < type->ncap; i++) {
        items[i] = (struct csta_feature){type->caps[i].id, bits, i % 3};
    }
    memcpy(p, &list, sizeof(list));
}

static void fill_simple(const struct csta_type *type, void *p)
{
    struct str text = STR(" a<&>\"b ");
    struct str id = STR("N<1>;a=b");
    struct csta_int number = {turn % 2 ? type->max : type->min, true};
    unsigned value = type->kind == CSTA_K_BOOL ? 1 + turn % 2
                     : type->names != NULL     ? 1 + turn % type->names->n
                                               : 0;
    switch (type->kind) {
    case CSTA_K_BOOL:
    case CSTA_K_ENUM:
        memcpy(p, &value, sizeof(value));
        break;
    case CSTA_K_INT:
        memcpy(p, &number, sizeof(number));
        break;
    case CSTA_K_STR:
    case CSTA_K_HEX:
        memcpy(p, &text, sizeof(text));
        break;
    default:
        memcpy(p, &id, sizeof(id));
    }
}

static void fill(const struct csta_type *type, void *p)
{
    struct csta_xml xml = {STR_INIT(" xmlns:y='u'"), STR_INIT("<y:x/>z")};
    unsigned kind;
    switch (type->kind) {
    case CSTA_K_STRUCT:
        fill_fields(type, p);
        break;
    case CSTA_K_TEXT:
        fill_simple(type, p);
        fill_fields(type, p);
        if (type->more != NULL) {
            char *more = arena_zalloc(arena, type->more->size);
            memcpy((char *)p + type->more_offset, &more, sizeof(more));
            fill_fields(type->more, more);
        }
        break;
    case CSTA_K_CHOICE:
        kind = type->field[turn % type->nfield].kind;
        memcpy(p, &kind, sizeof(kind));
        for (size_t i = 0; i < type->nfield; i++) {
            if (type->field[i].kind == kind) {
                fill_field(&type->field[i], p);
            }
        }
        break;
    case CSTA_K_LIST:
        fill_list(type, p);
        break;
    case CSTA_K_CAPS:
        fill_caps(type, p);
        break;
    case CSTA_K_XML:
        memcpy(p, &xml, sizeof(xml));
        break;
    case CSTA_K_EMPTY:
        break;
    default:
        fill_simple(type, p);
    }
}

void *csta_filled(enum csta_msg_id id, unsigned turn_now, struct arena *a)
{
    const struct csta_type *type = csta_msg_infos[id].body;
    void *body = arena_zalloc(a, type->size);
    arena = a;
    turn = turn_now;
    fill(type, body);
    return body;
}
