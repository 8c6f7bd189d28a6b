/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies with several parts (RFC 2046 §5.1.1).
 *
 *     preamble CRLF                                      skipped
 *     --boundary [blanks] CRLF                           multipart_begin
 *     headers CRLF CRLF body                             a part
 *     CRLF --boundary [blanks] CRLF                      ends it, and begins the next
 *     ...
 *     CRLF --boundary-- [blanks] (CRLF epilogue | end)   ends the last
 *
 * The CRLF before a delimiter belongs to it, not to the part. A line that only begins like a
 * delimiter is content: the boundary of an outer multipart may be a prefix of an inner one.
 */
#include "mime/multipart.h"
#include "base/err.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str skip_blanks(struct str s)
{
    size_t i = 0;

    while (i < s.n && is_blank(s.p[i])) {
        i++;
    }
    return str_from(s, i);
}

/* ---- the boundary ---- */

/** bchars of RFC 2046 §5.1.1. */
static bool is_bchar(char c)
{
    char l = ascii_lower(c);

    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("'()+_,-./:=? ", c) != NULL);
}

static bool is_boundary(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_bchar(s.p[i])) {
            return false;
        }
    }
    return s.n > 0 && s.n <= MIME_BOUNDARY_MAX && s.p[s.n - 1] != ' ';
}

/** Cut a parameter's value off *rest: a quoted-string, quotes left out, or up to ';'. */
static bool cut_value(struct str *rest, struct str *value)
{
    struct str s = *rest;
    size_t i = 1;

    if (s.n == 0 || s.p[0] != '"') {
        *value = str_trim(str_upto(s, str_index(s, ';')));
        *rest = str_from(s, str_index(s, ';'));
        return true;
    }
    while (i < s.n && s.p[i] != '"') {
        i += s.p[i] == '\\' ? 2 : 1;
    }
    if (i >= s.n) {
        return false;
    }
    *value = str_make(s.p + 1, i - 1);
    *rest = str_trim(str_from(s, i + 1));
    return rest->n == 0 || rest->p[0] == ';';
}

bool mime_param(struct str content_type, struct str name, struct str *out)
{
    struct str rest = str_from(content_type, str_index(content_type, ';'));

    while (rest.n > 0) { /* at a ';' */
        struct str key, value;
        size_t eq;
        rest = str_trim(str_from(rest, 1));
        eq = str_index(rest, '=');
        if (str_index(rest, ';') < eq) { /* a flag, or nothing */
            rest = str_from(rest, str_index(rest, ';'));
            continue;
        }
        key = str_trim(str_upto(rest, eq));
        rest = str_trim(str_from(rest, eq + 1));
        if (!cut_value(&rest, &value)) {
            return false;
        }
        if (str_ieq(key, name)) {
            *out = value;
            return true;
        }
    }
    return false;
}

bool mime_is_multipart(struct str content_type)
{
    struct str type = str_trim(str_upto(content_type, str_index(content_type, '/')));

    return type.n < content_type.n && str_ieq(type, STR("multipart"));
}

/* ---- delimiters ---- */

/** Is there a delimiter at the start of `s`, a line? *after: what follows its line. */
static bool at_delimiter(struct str s, struct str boundary, struct str *after, bool *closing)
{
    if (!str_starts(s, STR("--")) || !str_starts(str_from(s, 2), boundary)) {
        return false;
    }
    s = str_from(s, 2 + boundary.n);
    *closing = str_starts(s, STR("--"));
    s = skip_blanks(str_from(s, *closing ? 2 : 0));
    if (str_starts(s, STR("\r\n"))) {
        *after = str_from(s, 2);
        return true;
    }
    *after = str_from(s, s.n);
    return *closing && s.n == 0;
}

/** The first delimiter that begins a line behind a CRLF in `s`: offset of that CRLF, or s.n. */
static size_t find_delimiter(struct str s, struct str boundary, struct str *after,
                             bool *closing)
{
    for (size_t at = 0; at < s.n; at += 2) {
        at += str_find(str_from(s, at), STR("\r\n--"));
        if (at < s.n && at_delimiter(str_from(s, at + 2), boundary, after, closing)) {
            return at;
        }
    }
    return s.n;
}

int multipart_begin(struct multipart *it, struct str content_type, struct str body)
{
    bool closing = false;

    *it = (struct multipart){0};
    if (!mime_is_multipart(content_type)) {
        return E_UNSUPPORTED;
    }
    if (!mime_param(content_type, STR("boundary"), &it->boundary) ||
        !is_boundary(it->boundary)) {
        return E_SYNTAX;
    }
    if (!at_delimiter(body, it->boundary, &it->rest, &closing) &&
        find_delimiter(body, it->boundary, &it->rest, &closing) == body.n) {
        return E_SYNTAX;
    }
    it->open = !closing;
    return closing ? E_SYNTAX : 0; /* a body has at least one part */
}

/* ---- parts ---- */

/** Cut a header line with its folds off *rest, without the CRLF at its end. */
static struct str cut_line(struct str *rest)
{
    struct str s = *rest;
    size_t n = 0;

    for (;;) {
        n += str_find(str_from(s, n), STR("\r\n"));
        if (n + 2 >= s.n || !is_blank(s.p[n + 2])) {
            break;
        }
        n += 2;
    }
    *rest = str_from(s, n + 2);
    return str_upto(s, n);
}

/** Each header line has a name: visible characters, then a colon. */
static bool are_headers(struct str rest)
{
    while (rest.n > 0) {
        struct str line = cut_line(&rest);
        struct str name = str_upto(line, str_index(line, ':'));
        for (size_t i = 0; i < name.n; i++) {
            if (name.p[i] <= 0x20 || name.p[i] == 0x7F) {
                return false;
            }
        }
        if (name.n == 0 || name.n == line.n) {
            return false;
        }
    }
    return true;
}

static void split(struct str content, struct mime_part *part)
{
    size_t at = str_find(content, STR("\r\n\r\n"));

    if (str_starts(content, STR("\r\n"))) { /* no header at all */
        part->headers = str_upto(content, 0);
        part->body = str_from(content, 2);
    } else {
        bool bare = at == content.n && str_ends(content, STR("\r\n")); /* the body left away */
        part->headers = str_upto(content, bare ? at - 2 : at);
        part->body = str_from(content, at + 4);
    }
}

int multipart_next(struct multipart *it, struct mime_part *part)
{
    struct str content = it->rest, after = STR_NONE;
    bool closing = false;
    size_t n;

    *part = (struct mime_part){0};
    if (!it->open) {
        return 0;
    }
    it->open = false;
    if (it->count >= MIME_PARTS_MAX) {
        return E_TOOMANY;
    }
    n = find_delimiter(content, it->boundary, &after, &closing);
    if (n == content.n) {
        return E_SYNTAX;
    }
    split(str_upto(content, n), part);
    if (!are_headers(part->headers)) {
        *part = (struct mime_part){0};
        return E_SYNTAX;
    }
    it->rest = after;
    it->open = !closing;
    it->count++;
    return 1;
}

struct str mime_header(const struct mime_part *part, struct str name)
{
    struct str rest = part->headers;

    while (rest.n > 0) {
        struct str line = cut_line(&rest);
        size_t colon = str_index(line, ':');
        if (str_ieq(str_upto(line, colon), name)) {
            return str_trim(str_from(line, colon + 1));
        }
    }
    return STR_NONE;
}

/* ---- writing ---- */

void multipart_write_part(struct out *o, struct str boundary, struct str lines, struct str body)
{
    out_c(o, "--");
    out_str(o, boundary);
    out_c(o, "\r\n");
    out_str(o, lines);
    out_c(o, "\r\n");
    out_str(o, body);
    out_c(o, "\r\n");
}

void multipart_write_end(struct out *o, struct str boundary)
{
    out_c(o, "--");
    out_str(o, boundary);
    out_c(o, "--\r\n");
}
