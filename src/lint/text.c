/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts and logs: finding messages in them, and User-to-User where there is no message; see
 * lint.h.
 *
 *   outside ──a start line, also behind a log prefix──► in the head of a message
 *      ^                                                      |
 *      +──an empty line, or one that is no header line────────+
 *
 * PREFIXES. A log may put time and source before each line of a message, or before the first
 * only. Which it is shows at the second line: it begins with a header that we know, or it does
 * so behind as many octets as stood before the start line.
 *
 * ONE LINE. Logs that write a whole message into one line spell its line ends "\r\n"; the parts
 * are taken as lines.
 *
 * Lines of GTD and SDP bodies that have a value are taken where they begin a line. Outside of
 * messages "User-to-User: …" is taken wherever it stands, up to the end of the line
 * or of the quotes around it, and so is "User-to-User=…" as part of a URI.
 */
#include "lint/frames.h"
#include "lint/lint.h"
#include "sip/msg.h"

static const struct str header_name = STR_INIT("User-to-User");

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '-' || c == '_';
}

/* ---- values outside of messages ---- */

/** "User-to-User" in any case from `from` on; line.n: not there. Linear. */
static size_t find_name(struct str line, size_t from)
{
    for (size_t i = from; i + header_name.n <= line.n; i++) {
        if (ascii_lower(line.p[i]) == 'u' && str_istarts(str_from(line, i), header_name)) {
            return i;
        }
    }
    return line.n;
}

/** What follows "User-to-User:" up to where it must have ended. */
static struct str cut_value(struct str line, size_t name_at, struct str rest)
{
    char before = name_at > 0 ? line.p[name_at - 1] : ' ';
    size_t end = str_find(rest, STR("\\r"));
    size_t other = str_find(rest, STR("\\n"));
    end = other < end ? other : end;
    rest = str_trim(str_upto(rest, end));
    if ((before == '"' || before == '\'') && rest.n > 0) {
        end = str_index(rest, before);
        rest = str_upto(rest, end);
    }
    return str_trim(rest);
}

/** `"User-to-User": "VALUE"` of a log in JSON: the value between its quotes. */
static bool is_json_member(struct str rest, struct str *value)
{
    if (!str_starts(rest, STR("\""))) {
        return false;
    }
    rest = str_trim(str_from(rest, 1));
    if (!str_starts(rest, STR(":"))) {
        return false;
    }
    rest = str_trim(str_from(rest, 1));
    if (!str_starts(rest, STR("\""))) {
        return false;
    }
    rest = str_from(rest, 1);
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '"') {
        end += rest.p[end] == '\\' ? 2 : 1;
    }
    *value = str_upto(rest, end);
    return true;
}

/** The value without the backslashes that JSON needs before quotes and backslashes. */
static struct str unescape(struct lint *l, struct str value)
{
    char *buf = arena_alloc(&l->arena, value.n + 1);
    size_t n = 0;
    for (size_t i = 0; buf != NULL && i < value.n; i++) {
        i += value.p[i] == '\\' && i + 1 < value.n;
        buf[n++] = value.p[i];
    }
    return buf != NULL ? str_make(buf, n) : value;
}

static bool is_uri_end(char c)
{
    return c == '>' || c == '"' || c == ' ' || c == '\t' || c == '\'' || c == '\\';
}

/** "?User-to-User=…" or "&User-to-User=…": from the '?' of its URI on. @return octets used */
static size_t take_uri(struct lint *l, struct str line, size_t at,
                       const struct lint_place *place)
{
    size_t begin = at, end = at;
    while (begin > 0 && line.p[begin] != '?' && !is_uri_end(line.p[begin - 1])) {
        begin--;
    }
    while (end < line.n && !is_uri_end(line.p[end])) {
        end++;
    }
    struct str uri = arena_fmt(
        &l->arena, "<sip:x?%.*s>",
        STR_ARG(str_from(str_make(line.p + begin, end - begin), line.p[begin] == '?')));
    struct lint_line as_line = {.value = uri, .line = place->line};
    (void)lint_uris(l, &as_line, place);
    return end;
}

static void read_outside(struct lint *l, struct str line, const struct lint_place *place)
{
    size_t at = find_name(line, 0);
    if (lint_body_line(l, line, place)) {
        at = line.n;
    }
    while (at < line.n) {
        size_t behind = at + header_name.n;
        struct str rest = str_from(line, behind);
        struct str value;
        bool whole = at == 0 || !is_word_char(line.p[at - 1]);
        if (whole && is_json_member(rest, &value)) {
            struct lint_line one = {header_name, unescape(l, value), place->line};
            lint_list(l, &one, 1, place);
            behind = (size_t)(value.p - line.p) + value.n;
        } else if (whole && str_starts(str_trim(rest), STR(":"))) {
            value = cut_value(line, at, str_from(rest, str_index(rest, ':') + 1));
            struct lint_line one = {header_name, value, place->line};
            lint_list(l, &one, 1, place);
            behind = str_is_set(value) ? (size_t)(value.p - line.p) + value.n : behind;
        } else if (whole && str_starts(rest, STR("="))) {
            behind = take_uri(l, line, at, place);
        }
        at = find_name(line, behind);
    }
    arena_reset(&l->arena);
}

/* ---- lines ---- */

static bool is_known_header(struct str line)
{
    size_t colon = str_index(line, ':');
    struct str name = str_trim(str_upto(line, colon));
    return colon < line.n && name.n > 0 && sip_hdr_id_of(name) != SIP_HDR_OTHER;
}

static void read_line(struct lint *l, struct str line, const struct lint_place *place);

/** A line while a message is open. */
static void read_inside(struct lint *l, struct str line, const struct lint_place *place)
{
    if (!l->prefix_known && l->prefix > 0) {
        l->prefix_known = true;
        l->prefix = is_known_header(line) ? 0 : l->prefix;
    }
    struct str head = str_from(line, l->prefix);
    bool starts = frames_find_start(line) < line.n;
    if (str_trim(head).n == 0 && line.n <= l->prefix + 1) {
        lint_end(l);
    } else if (starts || line.n < l->prefix || !lint_header(l, head, place->line)) {
        lint_end(l);
        read_line(l, line, place);
    }
}

static void read_line(struct lint *l, struct str line, const struct lint_place *place)
{
    if (l->m.open) {
        read_inside(l, line, place);
        return;
    }
    size_t at = frames_find_start(line);
    if (at < line.n) {
        lint_begin(l, str_from(line, at), place);
        l->prefix = at;
        l->prefix_known = false;
    } else {
        read_outside(l, line, place);
    }
}

void lint_text_line(struct lint *l, struct str line, const struct lint_place *place)
{
    static const struct str spelled = STR_INIT("\\r\\n");
    size_t end = str_find(line, spelled);
    line = str_ends(line, STR("\r")) ? str_upto(line, line.n - 1) : line;
    if (end >= line.n || frames_find_start(str_upto(line, end)) >= end) {
        read_line(l, line, place);
        return;
    }
    struct str first = str_upto(line, end);
    lint_end(l);
    lint_begin(l, str_from(first, frames_find_start(first)), place);
    l->prefix = 0;
    for (line = str_from(line, end + spelled.n); line.n > 0 && l->m.open;) {
        end = str_find(line, spelled);
        if (end == 0 || !lint_header(l, str_upto(line, end), place->line)) {
            break;
        }
        line = str_from(line, end + spelled.n);
    }
    lint_end(l);
}

void lint_text_end(struct lint *l)
{
    lint_end(l);
}
