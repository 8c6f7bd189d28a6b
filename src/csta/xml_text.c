/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters, references, and what text means once they are replaced.
 *
 * The reader has checked all that comes here, so decoding cannot fail but for memory; and
 * since every replacement is shorter than what it replaces, the raw length is room enough.
 */
#include "base/utf8.h"
#include "csta/xml.h"
#include "csta/xml_char.h"

/* One row holds 16 octets; see the classes in xml_char.h. */
const unsigned char xml_classes[256] = {
    0,  0,  0,  0,  0,  0,  0,  0,  0,  20, 20, 0,  0,  16, 0,  0,  0,  0,  0,  0,  0,  0,
    0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  28, 12, 4,  12, 12, 12, 0,  4,  12, 12, 12, 12,
    12, 14, 14, 12, 14, 14, 14, 14, 14, 14, 14, 14, 14, 14, 13, 12, 0,  12, 12, 12, 12, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 12, 12, 8,  12, 15, 12, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15,
    15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 12, 12, 12, 12, 12,
};

size_t xml_utf8_len(const char *p, const char *end)
{
    size_t n = utf8_len(str_make(p, (size_t)(end - p)));
    const unsigned char *s = (const unsigned char *)p;
    bool none = n == 3 && s[0] == 0xEF && s[1] == 0xBF && s[2] >= 0xBE; /* U+FFFE, U+FFFF */
    return n < 2 || none ? 0 : n;
}

static bool is_char(uint32_t cp)
{
    if (cp < 0x20) {
        return cp == '\t' || cp == '\n' || cp == '\r';
    }
    return cp < 0xD800 || (cp > 0xDFFF && cp < 0xFFFE) || (cp >= 0x10000 && cp <= 0x10FFFF);
}

/* Digits of a character reference from *i on. */
static bool read_digits(struct str s, size_t *i, unsigned base, uint32_t *cp)
{
    size_t from = *i;
    uint32_t value = 0;
    while (*i < s.n && s.p[*i] != ';') {
        int digit = hex_digit(s.p[*i]);
        if (digit < 0 || (unsigned)digit >= base) {
            return false;
        }
        value = value * base + (unsigned)digit;
        if (value > 0x10FFFF) {
            return false;
        }
        ++*i;
    }
    *cp = value;
    return *i > from && *i < s.n && is_char(value);
}

size_t xml_ref_len(const char *p, const char *end, uint32_t *cp)
{
    static const struct {
        struct str text;
        char c;
    } entities[] = {{STR_INIT("&amp;"), '&'},
                    {STR_INIT("&lt;"), '<'},
                    {STR_INIT("&gt;"), '>'},
                    {STR_INIT("&quot;"), '"'},
                    {STR_INIT("&apos;"), '\''}};
    struct str s = str_make(p, (size_t)(end - p));
    if (s.n > 2 && s.p[1] == '#') {
        bool hex = s.p[2] == 'x';
        size_t i = hex ? 3 : 2;
        return read_digits(s, &i, hex ? 16 : 10, cp) ? i + 1 : 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(entities); i++) {
        if (str_starts(s, entities[i].text)) {
            *cp = (unsigned char)entities[i].c;
            return entities[i].text.n;
        }
    }
    return 0;
}

struct str xml_escape(char c, bool attr)
{
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '\r':
        return STR("&#13;");
    case '"':
        return attr ? STR("&quot;") : STR_NONE;
    case '\n':
        return attr ? STR("&#10;") : STR_NONE;
    case '\t':
        return attr ? STR("&#9;") : STR_NONE;
    default:
        return STR_NONE;
    }
}

size_t xml_utf8_put(uint32_t cp, char *out)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (cp & 63));
        cp >>= 6;
    }
    out[0] = (char)(lead[n] | cp);
    return n;
}

struct copy {
    const char *p, *end;
    char *out;
    size_t n;
    bool attr;
};

/* CR and CRLF are one line end; in an attribute every blank is a space. */
static void put_line_end(struct copy *c)
{
    if (*c->p == '\r' && c->p + 1 < c->end && c->p[1] == '\n') {
        c->p++;
    }
    c->out[c->n++] = c->attr ? ' ' : '\n';
    c->p++;
}

/* Copies up to `stop`, which is there, without looking at markup. */
static void put_section(struct copy *c, struct str stop)
{
    while (!str_starts(str_make(c->p, (size_t)(c->end - c->p)), stop)) {
        if (*c->p == '\r') {
            put_line_end(c);
        } else {
            c->out[c->n++] = *c->p++;
        }
    }
    c->p += stop.n;
}

static int decode(const struct xml_raw *raw, struct arena *a, bool attr, struct str *out)
{
    if (raw->plain) {
        *out = raw->raw;
        return 0;
    }
    struct copy c = {raw->raw.p, raw->raw.p + raw->raw.n, arena_alloc(a, raw->raw.n), 0, attr};
    if (c.out == NULL) {
        return E_NOMEM;
    }
    while (c.p < c.end) {
        uint32_t cp = 0;
        if (*c.p == '&') {
            c.p += xml_ref_len(c.p, c.end, &cp);
            c.n += xml_utf8_put(cp, c.out + c.n);
        } else if (*c.p == '\r' || (attr && xml_is(*c.p, XML_C_SPACE))) {
            put_line_end(&c);
        } else if (*c.p == '<' && c.p[2] == '[') {
            c.p += STR("<![CDATA[").n;
            put_section(&c, STR("]]>"));
        } else if (*c.p == '<') {
            size_t n = str_find(str_make(c.p + 4, (size_t)(c.end - c.p - 4)), STR("-->"));
            c.p += 4 + n + 3;
        } else {
            c.out[c.n++] = *c.p++;
        }
    }
    *out = str_make(c.out, c.n);
    return 0;
}

int xml_text_of(const struct xml_raw *raw, struct arena *a, struct str *out)
{
    return decode(raw, a, false, out);
}

int xml_attr_of(const struct xml_raw *raw, struct arena *a, struct str *out)
{
    return decode(raw, a, true, out);
}

void xml_position(struct str doc, size_t offset, unsigned *line, unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < doc.n; i++) {
        bool pair = doc.p[i] == '\r' && i + 1 < doc.n && doc.p[i + 1] == '\n';
        if ((doc.p[i] == '\n' || doc.p[i] == '\r') && !pair) {
            ++*line;
            *column = 1;
        } else {
            ++*column;
        }
    }
}

/* ---- writing ---- */

/* What the octet at `p` has to be written as; {NULL, 0} and *n octets when as it is. */
static struct str replacement(const char *p, const char *end, bool attr, size_t *n)
{
    struct str escaped = xml_escape(*p, attr);
    *n = 1;
    if (str_is_set(escaped)) {
        return escaped;
    }
    if ((unsigned char)*p >= 0x80) {
        *n = xml_utf8_len(p, end);
        if (*n > 0) {
            return STR_NONE;
        }
        *n = 1;
        return STR("\xEF\xBF\xBD");
    }
    bool stands = (unsigned char)*p >= 0x20 || xml_is(*p, XML_C_SPACE);
    return stands ? STR_NONE : STR("\xEF\xBF\xBD");
}

void xml_write(struct out *o, struct str s, bool attr)
{
    if (s.n == 0) {
        return;
    }
    const char *end = s.p + s.n;
    const char *from = s.p;
    const char *p = from;
    while (p < end) {
        if (xml_is(*p, XML_C_ATTR) && *p != '>') {
            p++;
            continue;
        }
        size_t n;
        struct str other = replacement(p, end, attr, &n);
        if (str_is_set(other)) {
            out_str(o, str_make(from, (size_t)(p - from)));
            out_str(o, other);
            from = p + n;
        }
        p += n;
    }
    out_str(o, str_make(from, (size_t)(p - from)));
}
