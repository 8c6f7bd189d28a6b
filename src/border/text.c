/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping as RFC 3261 §25.1 has it for the headers of a URI; see text.h. */
#include "border/text.h"

#include "base/err.h"
#include "sip/uri.h"

struct border_text border_text_part(const struct border_text *t, struct str part)
{
    size_t from = part.p != NULL ? (size_t)(part.p - t->s.p) : 0;
    struct border_text out = *t;
    out.s = part.p != NULL ? part : str_upto(t->s, 0);
    out.base = border_text_at(t, from);
    out.at = t->at != NULL ? t->at + from : NULL;
    return out;
}

/** The character that %HH at `i` means, or -1. */
static int escaped(struct str s, size_t i)
{
    if (s.p[i] != '%' || i + 2 >= s.n || hex_digit(s.p[i + 1]) < 0 ||
        hex_digit(s.p[i + 2]) < 0) {
        return -1;
    }
    return hex_digit(s.p[i + 1]) * 16 + hex_digit(s.p[i + 2]);
}

int border_text_unescape(const struct border_text *t, struct arena *a, struct border_text *out)
{
    char *p = arena_alloc(a, t->s.n + 1);
    uint32_t *at = arena_alloc(a, (t->s.n + 1) * sizeof(*at));
    size_t n = 0;
    if (p == NULL || at == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < t->s.n; n++) {
        int c = escaped(t->s, i);
        at[n] = border_text_at(t, i);
        p[n] = c >= 0 ? (char)(unsigned char)c : t->s.p[i];
        i += c >= 0 ? 3 : 1;
    }
    at[n] = border_text_at(t, t->s.n);
    *out = (struct border_text){
        .s = str_make(p, n), .at = at, .base = at[0], .depth = (uint8_t)(t->depth + 1)};
    return 0;
}

struct str border_text_escape(struct arena *a, struct str s, unsigned depth)
{
    for (; depth > 0 && str_is_set(s); depth--) {
        char *p = arena_alloc(a, s.n * 3 + 1);
        struct out o;
        if (p == NULL) {
            return STR_NONE;
        }
        out_init(&o, p, s.n * 3);
        sip_escape_header(&o, s);
        s = out_str_of(&o);
    }
    return s;
}
