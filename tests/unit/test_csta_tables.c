/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message of the table with every field set: written, read, written again. What the
 * generator makes of a row is tested here, whatever the row says.
 */
#include "csta/table.h"
#include "test.h"
#include <stdio.h>

static struct arena arena;
static unsigned turn; /* which alternative a choice takes */
static char first[1 << 17], second[1 << 17];

static void fill(const struct csta_type *type, void *p);

static void fill_field(const struct csta_field *f, char *base)
{
    char *p = base + f->offset;
    if (f->flags & CSTA_F_ALIAS) {
        return;
    }
    if (f->flags & CSTA_F_POINTER) {
        void *value = arena_zalloc(&arena, f->type->size);
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
    struct csta_any_list list = {arena_zalloc(&arena, 2 * type->item_size), 2};
    fill(type->field->type, list.item);
    fill(type->field->type, (char *)list.item + type->item_size);
    memcpy(p, &list, sizeof(list));
}

static void fill_caps(const struct csta_type *type, void *p)
{
    static const struct csta_feature_bit bits[] = {{STR_INIT("one"), true},
                                                   {STR_INIT("two"), false}};
    struct csta_feature *items = arena_zalloc(&arena, (type->ncap + 1u) * sizeof(*items));
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
            char *more = arena_zalloc(&arena, type->more->size);
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

static struct str encode(const struct csta_msg *msg, enum csta_edition edition, char *buf)
{
    struct out o;
    out_init(&o, buf, sizeof(first));
    CHECK_INT(csta_encode(msg, edition, &o), 0);
    return out_str_of(&o);
}

/* All fields of a decoded body that the edition has are there. */
static void check_there(const struct csta_type *type, const char *base,
                        enum csta_edition edition)
{
    for (size_t i = 0; type->kind == CSTA_K_STRUCT && i < type->nfield; i++) {
        const struct csta_field *f = &type->field[i];
        bool has = !(f->flags & (edition == CSTA_ED6 ? CSTA_F_PRE4 : CSTA_F_ED4 | CSTA_F_ED6));
        test_context(f->name);
        CHECK_INT(csta_field_is_present(f, base + f->offset), has);
        test_context(NULL);
    }
}

static void check_message(enum csta_msg_id id, enum csta_edition edition)
{
    const struct csta_type *type = csta_msg_infos[id].body;
    const struct csta_limits limits = {.bytes = sizeof(first)};
    struct csta_fault fault = {0};
    arena_init(&arena, &mem_libc, 65536);
    void *body = arena_zalloc(&arena, type->size);
    struct csta_msg msg = {.id = id, .body = body};
    fill(type, body);
    struct str once = encode(&msg, edition, first);
    struct csta_msg again;
    test_context(once.p);
    CHECK_INT(csta_decode(once, &limits, &arena, &again, &fault), 0);
    CHECK_INT(again.id, id);
    CHECK_INT(again.edition, edition);
    if (again.body != NULL) {
        CHECK_BYTES(encode(&again, edition, second), once);
        check_there(type, again.body, edition);
    } else {
        printf("# %s: %s\n", fault.reason, fault.element.p);
    }
    test_context(NULL);
    arena_fini(&arena);
}

static void test_every_message(void)
{
    for (unsigned id = 1; id <= CSTA_MSG_LAST_BODY; id++) {
        for (turn = 0; turn < 12; turn++) {
            check_message((enum csta_msg_id)id, CSTA_ED3);
            check_message((enum csta_msg_id)id, CSTA_ED6);
        }
    }
}

static void test_tables_are_sorted(void)
{
    for (size_t i = 1; i < csta_nroot; i++) {
        const struct csta_name *a = &csta_roots[i - 1];
        const struct csta_name *b = &csta_roots[i];
        CHECK(a->len < b->len || (a->len == b->len && memcmp(a->name, b->name, a->len) < 0));
    }
}

TEST_MAIN(T(test_every_message), T(test_tables_are_sorted))
