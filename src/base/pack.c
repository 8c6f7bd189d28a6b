/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: see pack.h. */
#include "base/pack.h"

void pack_number(struct out *o, uint64_t v)
{
    char text[PACK_NUMBER_MAX];
    size_t n = 0;

    do {
        uint8_t low = (uint8_t)(v & 0x7f);
        v >>= 7;
        text[n++] = (char)(v != 0 ? low | 0x80 : low);
    } while (v != 0);
    out_str(o, str_make(text, n));
}

void pack_signed(struct out *o, int64_t v)
{
    pack_number(o, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

void pack_str(struct out *o, struct str s)
{
    pack_number(o, str_is_set(s) ? (uint64_t)s.n + 1 : 0);
    out_str(o, s);
}

static uint64_t fail(struct unpack *u)
{
    u->bad = true;
    u->rest = str_upto(u->rest, 0);
    return 0;
}

uint64_t unpack_number(struct unpack *u)
{
    uint64_t v = 0;

    for (size_t i = 0; i < u->rest.n && i < PACK_NUMBER_MAX; i++) {
        uint8_t c = (uint8_t)u->rest.p[i];
        if (i == PACK_NUMBER_MAX - 1 && c > 1) {
            break; /* more than 64 bits */
        }
        v |= (uint64_t)(c & 0x7f) << 7 * i;
        if (c < 0x80) {
            u->rest = str_from(u->rest, i + 1);
            return v;
        }
    }
    return fail(u);
}

uint64_t unpack_upto(struct unpack *u, uint64_t most)
{
    uint64_t v = unpack_number(u);
    return v <= most ? v : fail(u);
}

int64_t unpack_signed(struct unpack *u)
{
    uint64_t v = unpack_number(u);
    return (int64_t)(v >> 1 ^ ((v & 1) != 0 ? UINT64_MAX : 0));
}

bool unpack_bool(struct unpack *u)
{
    return unpack_upto(u, 1) == 1;
}

struct str unpack_str(struct unpack *u)
{
    uint64_t n = unpack_number(u);
    struct str s;

    if (n == 0) {
        return STR_NONE;
    }
    if (n - 1 > u->rest.n) {
        (void)fail(u);
        return STR_NONE;
    }
    s = str_upto(u->rest, (size_t)n - 1);
    u->rest = str_from(u->rest, (size_t)n - 1);
    return s;
}

/* ---- room ---- */

struct str pack_in(struct pack_room *room, pack_fn fn, const void *what, uint64_t now_ms)
{
    struct out o;

    out_init(&o, room->p, room->cap);
    fn(&o, what, now_ms);
    if (o.over) {
        size_t cap = o.need * 2;
        pack_room_fini(room);
        room->p = mem_alloc(room->mem, cap);
        if (room->p == NULL) {
            return STR_NONE;
        }
        room->cap = cap;
        out_init(&o, room->p, cap);
        fn(&o, what, now_ms);
    }
    return out_str_of(&o);
}

void pack_room_fini(struct pack_room *room)
{
    if (room->mem != NULL) {
        mem_free(room->mem, room->p);
    }
    room->p = NULL;
    room->cap = 0;
}
