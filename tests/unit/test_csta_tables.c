/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every message of the table with every field set: written, read, written again. What the
 * generator makes of a row is tested here, whatever the row says.
 */
#include "fixture_csta.h"
#include "test.h"
#include <stdio.h>

static struct arena arena;
static char first[1 << 17], second[1 << 17];

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

static void check_message(enum csta_msg_id id, unsigned turn, enum csta_edition edition)
{
    const struct csta_limits limits = {.bytes = sizeof(first)};
    struct csta_fault fault = {0};
    arena_init(&arena, &mem_libc, 65536);
    struct csta_msg msg = {.id = id, .body = csta_filled(id, turn, &arena)};
    struct str once = encode(&msg, edition, first);
    struct csta_msg again;
    test_context(once.p);
    CHECK_INT(csta_decode(once, &limits, &arena, &again, &fault), 0);
    CHECK_INT(again.id, id);
    CHECK_INT(again.edition, edition);
    if (again.body != NULL) {
        CHECK_BYTES(encode(&again, edition, second), once);
        check_there(csta_msg_infos[id].body, again.body, edition);
    } else {
        printf("# %s: %s\n", fault.reason, fault.element.p);
    }
    test_context(NULL);
    arena_fini(&arena);
}

static void test_every_message(void)
{
    for (unsigned id = 1; id <= CSTA_MSG_LAST_BODY; id++) {
        for (unsigned turn = 0; turn < CSTA_FILLED_TURNS; turn++) {
            check_message((enum csta_msg_id)id, turn, CSTA_ED3);
            check_message((enum csta_msg_id)id, turn, CSTA_ED6);
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
