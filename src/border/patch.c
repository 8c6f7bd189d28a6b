/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes come nearly in the order of the message, so they are sorted by insertion; there are
 * few, since each belongs to an element that a rule has spoken about.
 */
#include "border/patch.h"

#include "base/err.h"
#include "base/out.h"

void border_patch_init(struct border_patch *p, struct arena *a)
{
    *p = (struct border_patch){.arena = a};
}

static bool grow(struct border_patch *p)
{
    uint32_t room = p->room == 0 ? 16 : p->room * 2;
    struct border_change *more = arena_alloc(p->arena, room * sizeof(*more));
    if (more == NULL) {
        p->failed = true;
        return false;
    }
    if (p->n > 0) {
        memcpy(more, p->change, p->n * sizeof(*more));
    }
    p->change = more;
    p->room = room;
    return true;
}

static bool is_before(const struct border_change *a, const struct border_change *b)
{
    return a->from < b->from || (a->from == b->from && a->order < b->order);
}

void border_patch_add(struct border_patch *p, uint32_t from, uint32_t to, struct str put)
{
    struct border_change c = {from, to, put, p->n};
    uint32_t i;
    if (p->failed || (p->n == p->room && !grow(p))) {
        return;
    }
    for (i = p->n; i > 0 && is_before(&c, &p->change[i - 1]); i--) {
        p->change[i] = p->change[i - 1];
    }
    p->change[i] = c;
    p->n++;
}

int border_patch_emit(struct border_patch *p, struct str whole, struct str *out)
{
    size_t room = whole.n, pos = 0;
    struct out o;
    char *buf;
    if (p->failed) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < p->n; i++) {
        room += p->change[i].put.n;
    }
    buf = arena_alloc(p->arena, room + 1);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, room);
    for (uint32_t i = 0; i < p->n; i++) {
        const struct border_change *c = &p->change[i];
        if (c->from > pos) {
            out_str(&o, str_make(whole.p + pos, c->from - pos));
            pos = c->from;
        }
        out_str(&o, c->put);
        pos = c->to > pos ? c->to : pos;
    }
    out_str(&o, str_from(whole, pos));
    *out = out_str_of(&o);
    return 0;
}
