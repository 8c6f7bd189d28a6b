/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pull reader and the writer of strings.
 *
 * A string is looked through once, which finds its end and every fault in it; one with escapes
 * is then copied without looking again.
 */
#include "base/utf8.h"
#include "csta/json_build.h"
#include "csta/xml_char.h"

/* ---- writing */

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static void put_escape(struct out *o, char c)
{
    static const char short_form[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (size_t i = 0; i + 1 < sizeof(short_form); i += 2) {
        if (c == short_form[i]) {
            out_ch(o, '\\');
            out_ch(o, short_form[i + 1]);
            return;
        }
    }
    out_str(o, STR("\\u00"));
    out_hex(o, str_make(&c, 1), true);
}

void json_put_string(struct out *o, struct str s)
{
    size_t from = 0, i = 0;
    if (s.n == 0) { /* absent ones, too, which have no pointer to add to */
        out_str(o, STR("\"\""));
        return;
    }
    out_ch(o, '"');
    while (i < s.n) {
        if (is_plain(s.p[i])) {
            i++;
            continue;
        }
        bool ascii = (unsigned char)s.p[i] < 0x80;
        size_t n = ascii ? 0 : utf8_len(str_from(s, i));
        if (n == 0) {
            out_str(o, str_make(s.p + from, i - from));
            if (ascii) {
                put_escape(o, s.p[i]);
            } else {
                out_str(o, STR("\xEF\xBF\xBD"));
            }
            n = 1;
            from = i + n;
        }
        i += n;
    }
    out_str(o, str_make(s.p + from, i - from));
    out_ch(o, '"');
}

void json_put_token(struct out *o, struct str s)
{
    out_ch(o, '/');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '~') {
            out_str(o, STR("~0"));
        } else if (s.p[i] == '/') {
            out_str(o, STR("~1"));
        } else {
            out_ch(o, s.p[i]);
        }
    }
}

/* ---- reading */

void json_init(struct json_reader *r, struct str text, unsigned values_max, struct arena *arena)
{
    text = text.p != NULL ? text : STR("");
    *r = (struct json_reader){.p = text.p,
                              .start = text.p,
                              .end = text.p + text.n,
                              .at = text.p,
                              .reason = "",
                              .arena = arena,
                              .values_max = values_max};
}

static int wrong(struct json_reader *r, const char *at, const char *reason)
{
    r->at = at;
    r->reason = reason;
    return E_SYNTAX;
}

/* Behind blanks; what stands there, '\0' at the end of the text. */
static char skip_blanks(struct json_reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n')) {
        r->p++;
    }
    r->at = r->p;
    return r->p < r->end ? *r->p : '\0';
}

/* The four digits from `p` on. @return -1: they are not there */
static int32_t read_hex4(const char *p, const char *end)
{
    int32_t value = 0;
    if (end - p < 4) {
        return -1;
    }
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* The character that the escape at `p` (its backslash) stands for. @return octets of the
   escape, 0: it is none */
static size_t read_escape(const char *p, const char *end, uint32_t *cp)
{
    static const char short_form[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
    if (end - p < 2) {
        return 0;
    }
    for (size_t i = 0; i + 1 < sizeof(short_form); i += 2) {
        if (p[1] == short_form[i]) {
            *cp = (unsigned char)short_form[i + 1];
            return 2;
        }
    }
    int32_t high = p[1] == 'u' ? read_hex4(p + 2, end) : -1;
    if (high < 0 || (high >= 0xDC00 && high <= 0xDFFF)) {
        return 0;
    }
    *cp = (uint32_t)high;
    if (high < 0xD800 || high > 0xDFFF) {
        return 6;
    }
    bool pair = end - p >= 12 && p[6] == '\\' && p[7] == 'u';
    int32_t low = pair ? read_hex4(p + 8, end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return 0;
    }
    *cp = 0x10000u + ((uint32_t)(high - 0xD800) << 10 | (uint32_t)(low - 0xDC00));
    return 12;
}

/* Into `text`, what stands between the quotes, all of which is known to be right. */
static int unescape(struct json_reader *r, struct str raw)
{
    char *copy = arena_alloc(r->arena, raw.n);
    const char *end = raw.p + raw.n;
    size_t n = 0;
    if (copy == NULL) {
        return E_NOMEM;
    }
    for (const char *p = raw.p; p < end;) {
        uint32_t cp = 0;
        if (*p == '\\') {
            p += read_escape(p, end, &cp);
            n += xml_utf8_put(cp, copy + n);
        } else {
            copy[n++] = *p++;
        }
    }
    r->text = str_make(copy, n);
    return 0;
}

/* At the opening quote. @return 0, E_SYNTAX, E_NOMEM */
static int read_string(struct json_reader *r)
{
    const char *from = r->p + 1, *p = from;
    bool escapes = false;
    uint32_t cp;
    while (p < r->end && *p != '"') {
        size_t n = 1;
        if (*p == '\\') {
            escapes = true;
            n = read_escape(p, r->end, &cp);
        } else if ((unsigned char)*p < 0x20) {
            n = 0;
        } else if ((unsigned char)*p >= 0x80) {
            n = utf8_len(str_make(p, (size_t)(r->end - p)));
        }
        if (n == 0) {
            return wrong(r, p,
                         *p == '\\'                 ? "an escape that JSON does not have"
                         : (unsigned char)*p < 0x20 ? "a control character in a string"
                                                    : "octets that are not UTF-8");
        }
        p += n;
    }
    if (p >= r->end) {
        return wrong(r, r->end, "a string without an end");
    }
    r->p = p + 1;
    r->text = str_make(from, (size_t)(p - from));
    return escapes ? unescape(r, r->text) : 0;
}

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9') {
        p++;
    }
    return p;
}

/* number = [ minus ] int [ frac ] [ exp ], RFC 8259 §6 */
static int read_number(struct json_reader *r)
{
    const char *p = r->p, *from = p, *end = r->end, *part;
    p += p < end && *p == '-';
    part = p;
    p = digits(p, end);
    bool ok = p > part && (*part != '0' || p == part + 1);
    if (ok && p < end && *p == '.') {
        part = p + 1;
        p = digits(part, end);
        ok = p > part;
    }
    if (ok && p < end && (*p == 'e' || *p == 'E')) {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        part = p;
        p = digits(p, end);
        ok = p > part;
    }
    if (!ok) {
        return wrong(r, from, "not a JSON value");
    }
    r->p = p;
    r->text = str_make(from, (size_t)(p - from));
    return JSON_NUMBER;
}

static int read_word(struct json_reader *r)
{
    static const struct str words[] = {[JSON_NULL] = STR_INIT("null"),
                                       [JSON_FALSE] = STR_INIT("false"),
                                       [JSON_TRUE] = STR_INIT("true")};
    struct str rest = str_make(r->p, (size_t)(r->end - r->p));
    for (int i = JSON_NULL; i <= JSON_TRUE; i++) {
        if (str_starts(rest, words[i])) {
            r->p += words[i].n;
            return i;
        }
    }
    return wrong(r, r->p, "not a JSON value");
}

int json_value(struct json_reader *r)
{
    char c = skip_blanks(r);
    const char *at = r->at;
    int err;
    if (r->values++ >= r->values_max) {
        r->reason = "more values than allowed";
        return E_TOOMANY;
    }
    if (r->p == r->end) {
        return wrong(r, r->p, "the text ends where a value should be");
    }
    switch (c) {
    case '{':
    case '[':
        r->p++;
        r->fresh = true;
        return c == '{' ? JSON_OBJECT : JSON_ARRAY;
    case '"':
        err = read_string(r);
        r->at = err ? r->at : at;
        return err ? err : JSON_STRING;
    case 'n':
    case 't':
    case 'f':
        return read_word(r);
    default:
        return read_number(r);
    }
}

/* The comma before what comes next. @return 1, 0 at the closing bracket */
static int next(struct json_reader *r, char close)
{
    bool first = r->fresh;
    char c = skip_blanks(r);
    r->fresh = false;
    if (c == close) {
        r->p++;
        return 0;
    }
    if (first) {
        return 1;
    }
    if (c != ',') {
        return wrong(r, r->p, "a comma or a closing bracket is missing");
    }
    r->p++;
    (void)skip_blanks(r);
    return 1;
}

int json_next_item(struct json_reader *r)
{
    return next(r, ']');
}

int json_next_member(struct json_reader *r)
{
    int err = next(r, '}');
    const char *at = r->p;
    if (err <= 0) {
        return err;
    }
    if (at >= r->end || *at != '"') {
        return wrong(r, at, "the name of a member is missing");
    }
    err = read_string(r);
    if (err) {
        return err;
    }
    if (skip_blanks(r) != ':') {
        return wrong(r, r->p, "a colon is missing");
    }
    r->p++;
    r->at = at;
    return 1;
}

int json_end(struct json_reader *r)
{
    (void)skip_blanks(r);
    return r->p == r->end ? 0 : wrong(r, r->p, "something behind the end");
}

/* ---- for json_build.h */

/** Days since 1970 as a date (the usual way with years that begin in March). */
static void put_date(struct out *o, uint64_t days)
{
    uint64_t z = days + 719468, era = z / 146097, doe = z - era * 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint64_t month = mp < 10 ? mp + 3 : mp - 9;

    out_fmt(o, "%04llu-%02llu-%02llu",
            (unsigned long long)(yoe + era * 400 + (month <= 2 ? 1 : 0)),
            (unsigned long long)month, (unsigned long long)(doy - (153 * mp + 2) / 5 + 1));
}

static void put_second(struct out *o, const char *name, uint64_t s)
{
    json_key(o, name);
    out_ch(o, '"');
    put_date(o, s / 86400);
    out_fmt(o, "T%02u:%02u:%02u", (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60),
            (unsigned)(s % 60));
}

void json_time(struct out *o, const char *name, uint64_t ms)
{
    if (ms != 0) {
        put_second(o, name, ms / 1000);
        out_fmt(o, ".%03uZ\"", (unsigned)(ms % 1000));
    }
}

void json_second(struct out *o, const char *name, uint64_t s)
{
    if (s != 0) {
        put_second(o, name, s);
        out_c(o, "Z\"");
    }
}
