/* SPDX-License-Identifier: Apache-2.0 */
/* The values of one line, as a dialect writes them; see lint.h. */
#include "base/err.h"
#include "lint/lint.h"
#include "sip/chars.h"

struct str lint_write_line(const struct uui_dialect_text *t, struct arena *a)
{
    const struct str header[] = {t->name, STR(": "), t->value};
    const struct str param[] = {STR(";"), t->name, STR("="), t->value};
    return t->place == UUI_AT_HEADER      ? arena_join(a, header, ARRAY_LEN(header))
           : t->place == UUI_AT_URI_PARAM ? arena_join(a, param, ARRAY_LEN(param))
                                          : t->value;
}

/** Value of ";name=" anywhere in a URI or header; absent: there is none. */
static struct str find_uri_param(struct str s, struct str name)
{
    while (s.n > 0) {
        s = str_trim(str_from(s, str_index(s, ';') + 1));
        struct str value = str_from(s, name.n + 1);
        if (str_istarts(s, name) && s.n > name.n && s.p[name.n] == '=') {
            size_t n = 0;
            while (n < value.n && (value.p[n] == '%' || sip_char_is(value.p[n], SIP_C_PARAM))) {
                n++;
            }
            return str_upto(value, n);
        }
    }
    return STR_NONE;
}

/** The text that holds the value: behind the header's name, in the URI, or the line itself. */
static struct str value_in(const struct uui_dialect *d, struct str line)
{
    for (size_t i = 0; i < UUI_CARRIERS_MAX; i++) {
        const struct uui_carrier *c = &d->carrier[i];
        struct str after = str_trim(str_from(line, c->name.n));
        if (c->place == UUI_AT_HEADER && str_istarts(line, c->name) && after.n > 0 &&
            after.p[0] == ':') {
            return str_trim(str_from(after, 1));
        }
        struct str param =
            c->place == UUI_AT_URI_PARAM ? find_uri_param(line, c->name) : STR_NONE;
        if (str_is_set(param)) {
            return param;
        }
    }
    return line;
}

int lint_read_line(const struct uui_far *far, const struct uui_packages *known, struct str line,
                   struct arena *a, struct uui_list *out)
{
    const struct uui_dialect *d = far->dialect;
    struct str rest = d ? value_in(d, line) : line, element;
    struct uui_cut it;
    *out = (struct uui_list){0};
    if (!d) {
        return uui_list_parse(&rest, 1, known, a, out);
    }
    out->v = arena_alloc(a, UUI_VALUES_MAX * sizeof(*out->v));
    if (out->v == NULL) {
        return E_NOMEM;
    }
    uui_cut_begin(&it, rest);
    for (bool more = true; more;) {
        element = rest;
        more = d->lists && uui_cut_next(&it, &element);
        if (d->lists && !more) {
            break;
        }
        if (out->n == UUI_VALUES_MAX) {
            return E_TOOMANY;
        }
        int err = uui_dialect_read(far, known, element, a, &out->v[out->n]);
        if (err < 0) {
            return err;
        }
        out->n++;
    }
    uui_list_judge(out, known);
    return 0;
}
