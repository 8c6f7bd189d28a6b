/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes as octets: what the engine hands over is copied once, into a buffer that grows to
 * the largest batch there was, and travels to the database in there. No allocation each.
 *
 * A change that finds no memory is refused as a whole; the caller counts it.
 */
#include "store/parts.h"
#include <stdlib.h>

enum { NUMBERS = 16 }; /* more than any change has, lengths of strings included */

bool mail_room(struct mail *m, size_t n)
{
    size_t cap = m->cap == 0 ? 4096 : m->cap;
    char *p;

    if (n <= m->cap - m->n) {
        return true;
    }
    while (cap - m->n < n) {
        cap *= 2;
    }
    p = realloc(m->p, cap);
    if (p == NULL) {
        return false;
    }
    m->p = p;
    m->cap = cap;
    return true;
}

void mail_free(struct mail *m)
{
    free(m->p);
    *m = (struct mail){0};
}

bool mail_join(struct mail *to, struct mail *from)
{
    if (!mail_room(to, from->n)) {
        return false;
    }
    if (from->n > 0) {
        memcpy(to->p + to->n, from->p, from->n);
    }
    to->n += from->n;
    to->changes += from->changes;
    to->batches += from->batches;
    to->first = to->first == 0 ? from->first : to->first;
    to->last = from->last != 0 ? from->last : to->last;
    *from = (struct mail){.p = from->p, .cap = from->cap};
    return true;
}

static bool begin(struct mail *m, struct out *o, size_t strings)
{
    size_t most = 1 + strings + NUMBERS * (size_t)PACK_NUMBER_MAX;

    if (!mail_room(m, most)) {
        return false;
    }
    out_init(o, m->p + m->n, most);
    return true;
}

static bool end(struct mail *m, const struct out *o)
{
    m->n += o->n;
    m->changes++;
    return true;
}

bool mail_event(struct mail *m, const struct store_event *e, int64_t at_ms)
{
    const struct str *part[] = {&e->watched, &e->call_id, &e->event, &e->cause, &e->subject,
                                &e->calling, &e->called,  &e->other, &e->data,  &e->user_data};
    size_t strings = 0;
    struct out o;

    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        strings += part[i]->n;
    }
    if (!begin(m, &o, strings)) {
        return false;
    }
    pack_number(&o, MAIL_EVENT);
    pack_number(&o, e->number);
    pack_signed(&o, at_ms);
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        pack_str(&o, *part[i]);
    }
    m->first = m->first == 0 ? e->number : m->first;
    m->last = e->number;
    return end(m, &o);
}

bool mail_put(struct mail *m, enum store_kind kind, struct str key, struct str value)
{
    struct out o;

    if (!begin(m, &o, key.n + value.n)) {
        return false;
    }
    pack_number(&o, MAIL_PUT);
    pack_number(&o, kind);
    pack_str(&o, key);
    pack_str(&o, value);
    return end(m, &o);
}

bool mail_drop(struct mail *m, enum store_kind kind, struct str key)
{
    struct out o;

    if (!begin(m, &o, key.n)) {
        return false;
    }
    pack_number(&o, MAIL_DROP);
    pack_number(&o, kind);
    pack_str(&o, key);
    return end(m, &o);
}

bool mail_clear(struct mail *m)
{
    struct out o;

    if (!begin(m, &o, 0)) {
        return false;
    }
    pack_number(&o, MAIL_CLEAR);
    return end(m, &o);
}

bool mail_read_event(struct unpack *u, struct store_row *out)
{
    struct store_event *e = &out->event;
    struct str *part[] = {&e->watched, &e->call_id, &e->event, &e->cause, &e->subject,
                          &e->calling, &e->called,  &e->other, &e->data,  &e->user_data};

    out->number = e->number = unpack_number(u);
    out->at_ms = unpack_signed(u);
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        *part[i] = unpack_str(u);
    }
    return !u->bad;
}

bool mail_next(struct unpack *u, struct change *out)
{
    if (u->rest.n == 0) {
        return false;
    }
    *out = (struct change){.what = (enum mail_kind)unpack_upto(u, MAIL_CLEAR)};
    if (out->what == MAIL_EVENT) {
        return mail_read_event(u, &out->row);
    }
    if (out->what == MAIL_CLEAR) {
        return !u->bad;
    }
    out->kind = (enum store_kind)unpack_upto(u, STORE_KINDS - 1);
    out->key = unpack_str(u);
    out->value = out->what == MAIL_PUT ? unpack_str(u) : STR_NONE;
    return !u->bad;
}
