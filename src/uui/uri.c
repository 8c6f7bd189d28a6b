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
#include "sip/chars.h"
#include "uui/uui.h"

static const struct str header_name = STR_INIT("User-to-User");

/** The octet at *i of an hname or hvalue, decoded; -1 with *rule when it is none. */
static int decode_at(struct str s, size_t *i, enum uui_rule *rule)
{
    char c = s.p[*i];
    if (c != '%') {
        *rule = UUI_R_URI_CHAR;
        (*i)++;
        return sip_char_is(c, SIP_C_HNV) ? (unsigned char)c : -1;
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

/** Look whether every octet of the value is escaped where it has to be. */
static void check_value(struct uui_embedded *e)
{
    for (size_t i = 0; i < e->value.n;) {
        size_t at = i;
        if (decode_at(e->value, &i, &e->rule) < 0) {
            e->at = (size_t)(e->value.p - e->header.p) + at;
            return;
        }
    }
    e->rule = UUI_R_NONE;
}

/** Is `header` a User-to-User header, in whatever state? */
static bool view_header(struct str header, struct uui_embedded *out)
{
    size_t end;
    if (!match_name(header, &end)) {
        return false;
    }
    *out = (struct uui_embedded){.header = header, .at = end, .rule = UUI_R_URI_EQUALS};
    if (end == header.n || str_istarts(str_from(header, end), STR("%3D"))) {
        return true;
    }
    if (header.p[end] != '=') {
        return false; /* User-to-User-Something=... */
    }
    out->value = str_from(header, end + 1);
    out->at = 0;
    check_value(out);
    return true;
}

bool uui_uri_next(struct str *headers, struct uui_embedded *out)
{
    while (headers->n > 0) {
        size_t end = str_index(*headers, '&');
        struct str header = str_upto(*headers, end);
        *headers = str_from(*headers, end + 1);
        if (view_header(header, out)) {
            return true;
        }
    }
    return false;
}

size_t uui_unescape(const struct uui_embedded *e, char *buf)
{
    size_t n = 0;
    enum uui_rule rule;
    for (size_t i = 0; i < e->value.n;) {
        int c = decode_at(e->value, &i, &rule);
        if (c < 0) {
            break;
        }
        buf[n++] = (char)(unsigned char)c;
    }
    return n;
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
