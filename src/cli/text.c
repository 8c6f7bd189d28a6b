/* SPDX-License-Identifier: Apache-2.0 */
/* What comes off the wire is shown on a terminal here, and what people type is read. */
#include "cli/text.h"

#include "base/err.h"
#include "base/utf8.h"
#include <stdlib.h>

void text_put(struct str s, FILE *to)
{
    while (s.n > 0) {
        size_t n = utf8_len(s);
        unsigned char c = (unsigned char)s.p[0];
        bool control =
            c < 0x20 || c == 0x7F || (c == 0xC2 && n == 2 && (unsigned char)s.p[1] < 0xA0);
        if (n == 0 || control) {
            fputc('.', to);
        } else {
            (void)fwrite(s.p, 1, n, to);
        }
        s = str_from(s, n > 0 ? n : 1);
    }
}

int text_hex(struct str digits, struct arena *a, struct str *octets)
{
    char *to = arena_alloc(a, digits.n / 2 + 1);
    size_t n = 0;
    *octets = STR_NONE;
    if (to == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < digits.n;) {
        char c = digits.p[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == ':') {
            i++;
            continue;
        }
        int high = hex_digit(c);
        int low = high >= 0 && i + 1 < digits.n ? hex_digit(digits.p[i + 1]) : -1;
        if (low < 0) {
            return E_SYNTAX;
        }
        to[n++] = (char)(high << 4 | low);
        i += 2;
    }
    *octets = str_make(to, n);
    return 0;
}

void text_out(FILE *to, void (*put)(struct out *o, const void *ctx), const void *ctx)
{
    struct out o;
    char *p;

    out_init(&o, NULL, 0);
    put(&o, ctx);
    p = malloc(o.need + 1);
    if (p != NULL) {
        out_init(&o, p, o.need + 1);
        put(&o, ctx);
        fwrite(p, 1, o.n, to);
        free(p);
    }
}
