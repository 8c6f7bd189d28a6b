/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text in a message, at whatever depth of escaping: its characters as they are meant, and for
 * each of them where it stands in the message.
 *
 *     Contact: <sip:a@b?History-Info=%3Csip:c%40d%3FUser-to-User%3D04%253Bencoding...%3E>
 *     depth 0           `- depth 1: <sip:c@d?User-to-User=04%3Bencoding...>
 *                                                         `- depth 2: 04;encoding...
 *
 * So parsers see plain text, and what they find is cut out of the message where it stands,
 * without writing anything else anew. Private to the border.
 */
#ifndef BATON_BORDER_TEXT_H
#define BATON_BORDER_TEXT_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

struct border_text {
    struct str s;
    const uint32_t *at; /**< offsets of s.p[0..n], the end too; NULL: they follow `base` */
    uint32_t base;
    uint8_t depth; /**< how many times it is escaped in the message */
};

/** Where s.p[i], or for i == n the end, stands in the message. */
static inline uint32_t border_text_at(const struct border_text *t, size_t i)
{
    return t->at != NULL ? t->at[i] : t->base + (uint32_t)i;
}

/** A part of it; `part` is a slice of t->s. */
struct border_text border_text_part(const struct border_text *t, struct str part);

/** The text that it is the escaped form of. @return 0 or E_NOMEM */
int border_text_unescape(const struct border_text *t, struct arena *a,
                         struct border_text *out) MUST_USE;

/** `s` as it has to be written at that depth; absent: memory is out. */
struct str border_text_escape(struct arena *a, struct str s, unsigned depth);

#endif
