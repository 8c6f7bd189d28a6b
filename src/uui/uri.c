/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User inside of a URI: how a redirect or a REFER hands it on.
 *
 *     Refer-To: <sip:agent@example.com?User-to-User=00C8034B3D31%3Bencoding%3Dhex>
 *
 * headers = "?" hname "=" hvalue *("&" ...); in the value ';', '=' and ',' are escaped, the
 * '=' after the name is not (RFC 3261 §19.1.1; RFC 7433 §4.1). Both mistakes are documented
 * vendor behaviour: parameters left unescaped, and the first '=' escaped too, which leaves
 * a header without a value. Each has its rule.
 *
 * The value is unescaped exactly once. What then still looks escaped is called so by the
 * rules of the element. An escaped line break or NUL is refused: once decoded it could end
 * the header of the request that is built from this URI.
 */
#include "uui/uui.h"
#include "base/err.h"

static const struct str header_name = STR_INIT("User-to-User");

static bool is_plain(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c != '\0' && strchr("-_.!~*'()[]/?:+$", c) != NULL;
}

/** The octet at *i of an hname or hvalue, decoded; -1 with *rule when it is none. */
static int decode_at(struct str s, size_t *i, enum uui_rule *rule)
{
    char c = s.p[*i];
    if (c != '%') {
        *rule = UUI_R_URI_CHAR;
        (*i)++;
        return is_plain(c) ? (unsigned char)c : -1;
    }
    *rule = UUI_R_URI_ESCAPE;
    int high = *i + 2 < s.n ? hex_digit(s.p[*i + 1]) : -1;
    int low = *i + 2 < s.n ? hex_digit(s.p[*i + 2]) : -1;
    int octet = high * 16 + low;
    if (high < 0 || low < 0 || octet == 0 || octet == '\r' || octet == '\n') {
        return -1;
    }
    *i += 3;
    return octet;
}

/** Does `s` begin with the header's name when it is unescaped? *end is behind it then. */
static bool match_name(struct str s, size_t *end)
{
    size_t i = 0;
    for (size_t k = 0; k < header_name.n; k++) {
        enum uui_rule rule;
        int c = i < s.n ? decode_at(s, &i, &rule) : -1;
        if (c < 0 || ascii_lower((char)c) != ascii_lower(header_name.p[k])) {
            return false;
        }
    }
    *end = i;
    return true;
}

static void wrong(struct uui_value *v, struct str text, enum uui_rule rule, size_t at)
{
    *v = (struct uui_value){.text = text, .at = at};
    v->rule = (uint8_t)rule;
    v->verdict = (uint8_t)uui_rule_verdict(rule);
}

/** Unescape `s` into the arena. @return E_SYNTAX with *rule and *at */
static int unescape(struct str s, struct arena *a, struct str *out, enum uui_rule *rule,
                    size_t *at)
{
    char *buf = arena_alloc(a, s.n > 0 ? s.n : 1);
    if (!buf) {
        return E_NOMEM;
    }
    size_t n = 0;
    for (size_t i = 0; i < s.n;) {
        *at = i;
        int c = decode_at(s, &i, rule);
        if (c < 0) {
            return E_SYNTAX;
        }
        buf[n++] = (char)(unsigned char)c;
    }
    *out = str_make(buf, n);
    return 0;
}

/** One "name=value"; `l->v` has room for UUI_VALUES_MAX. */
static int add_header(struct str header, const struct uui_packages *known, struct arena *a,
                      struct uui_list *l)
{
    size_t end;
    if (!match_name(header, &end)) {
        return 0;
    }
    bool escaped = str_istarts(str_from(header, end), STR("%3D"));
    if (!escaped && end < header.n && header.p[end] != '=') {
        return 0; /* User-to-User-Something=... */
    }
    if (l->n == UUI_VALUES_MAX) {
        return E_TOOMANY;
    }
    if (escaped || end == header.n) {
        wrong(&l->v[l->n++], header, UUI_R_URI_EQUALS, end);
        return 0;
    }
    struct str line;
    enum uui_rule rule = UUI_R_NONE;
    size_t at = 0;
    int err = unescape(str_from(header, end + 1), a, &line, &rule, &at);
    if (err == E_SYNTAX) {
        wrong(&l->v[l->n++], header, rule, end + 1 + at);
        return 0;
    }
    if (err < 0) {
        return err;
    }
    struct uui_cut it;
    struct str element;
    uui_cut_begin(&it, line);
    while (uui_cut_next(&it, &element)) {
        if (l->n == UUI_VALUES_MAX) {
            return E_TOOMANY;
        }
        err = uui_parse(element, known, a, &l->v[l->n]);
        if (err < 0) {
            return err;
        }
        l->n++;
    }
    return 0;
}

int uui_list_parse_uri(struct str headers, const struct uui_packages *known, struct arena *a,
                       struct uui_list *out)
{
    struct uui_list l = {0};
    *out = l;
    struct str rest = headers;
    while (rest.n > 0) {
        size_t end = str_index(rest, '&');
        struct str header = str_upto(rest, end);
        rest = str_from(rest, end + 1);
        size_t name_end;
        if (!l.v && match_name(header, &name_end)) {
            l.v = arena_alloc(a, UUI_VALUES_MAX * sizeof(*l.v));
            if (!l.v) {
                return E_NOMEM;
            }
        }
        int err = add_header(header, known, a, &l);
        if (err < 0) {
            return err;
        }
    }
    uui_list_judge(&l, known);
    *out = l;
    return 0;
}

/** Behind the closing quote of the display name at the start of `s`, or 0. */
static size_t display_end(struct str s)
{
    size_t i = 0;
    if (s.n == 0 || s.p[0] != '"') {
        return 0;
    }
    for (i = 1; i < s.n && s.p[i] != '"'; i++) {
        i += s.p[i] == '\\' ? 1 : 0;
    }
    return i < s.n ? i + 1 : s.n;
}

struct str uui_uri_headers(struct str address)
{
    struct str s = str_trim(address);
    s = str_from(s, display_end(s));
    size_t open = str_index(s, '<');
    if (open < s.n) {
        s = str_from(s, open + 1);
        s = str_upto(s, str_index(s, '>'));
    }
    /* '?' is legal in the user part, '@' nowhere behind it. */
    size_t user = str_index(s, '@');
    if (user < s.n) {
        s = str_from(s, user);
    }
    size_t mark = str_index(s, '?');
    return mark < s.n ? str_from(s, mark + 1) : STR_NONE;
}

void uui_write_escaped(struct out *o, struct str value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (is_plain(value.p[i])) {
            out_ch(o, value.p[i]);
        } else {
            out_ch(o, '%');
            out_hex(o, str_make(value.p + i, 1), true);
        }
    }
}
