/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is in a conference, as one text of a journal record.
 *
 * A record has a place for each part that a device can play; in Conferenced there are as many
 * parties as there are. They are packed: identity, where the party was before, two octets of
 * length, the identifier; one after another. Nobody but these functions looks inside.
 */
#include "cti/parts.h"

enum { HEAD = 4 };

bool parties_add(struct arena *a, struct str *list, const struct journal_member *m)
{
    size_t n = m->id.n > UINT16_MAX ? 0 : m->id.n;
    char *text = arena_alloc(a, list->n + HEAD + n);

    if (text == NULL) {
        return false;
    }
    if (list->n > 0) {
        memcpy(text, list->p, list->n);
    }
    text[list->n] = (char)m->identity;
    text[list->n + 1] = (char)m->before;
    text[list->n + 2] = (char)(n >> 8);
    text[list->n + 3] = (char)(n & 0xff);
    if (n > 0) {
        memcpy(text + list->n + HEAD, m->id.p, n);
    }
    *list = str_make(text, list->n + HEAD + n);
    return true;
}

bool parties_next(struct str *list, struct journal_member *out)
{
    const unsigned char *p = (const unsigned char *)list->p;
    size_t n;

    if (list->n < HEAD) {
        return false;
    }
    n = (size_t)p[2] << 8 | p[3];
    if (list->n < HEAD + n) {
        return false;
    }
    *out = (struct journal_member){
        .identity = p[0], .before = p[1], .id = str_make(list->p + HEAD, n)};
    *list = str_make(list->p + HEAD + n, list->n - HEAD - n);
    return true;
}
