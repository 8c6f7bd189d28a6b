/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The values of a text, one by one: of a value, a header line, a URI, a whole message, or one
 * of those on each line; see lint.h.
 */
#include "base/err.h"
#include "lint/lint.h"
#include "sip/msg.h"

static void tell(struct lint_decoding *d, const struct uui_list *l, struct str where)
{
    for (size_t i = 0; i < l->n; i++) {
        d->value(d->ctx, &l->v[i], where);
    }
}

static void decode_lines(struct lint_decoding *d, const struct str *lines, size_t n)
{
    struct uui_list l;
    int err = uui_list_parse(lines, n, d->known, d->arena, &l);
    if (err < 0) {
        d->failed(d->ctx, err);
    }
    tell(d, &l, STR_NONE);
}

/** A line in the dialect: a header that it owns, a URI, or the value alone. */
static void decode_line(struct lint_decoding *d, struct str line, struct str where)
{
    struct uui_list l;
    int err = lint_read_line(d->far, d->known, line, d->arena, &l);
    if (err < 0) {
        d->failed(d->ctx, err);
    } else {
        tell(d, &l, where);
    }
}

/** User-to-User embedded in the URIs of a header's values. @return were there any? */
static bool decode_uris(struct lint_decoding *d, struct str name, struct str addresses)
{
    struct str address;
    bool any = false;
    while (sip_list_next(&addresses, &address)) {
        struct uui_list l;
        struct str headers = uui_uri_headers(address);
        int err = uui_list_parse_uri(headers, d->known, d->arena, &l);
        if (err < 0) {
            d->failed(d->ctx, err);
        }
        any = any || err < 0 || l.n > 0;
        tell(d, &l, str_is_set(name) ? name : STR("URI"));
    }
    return any;
}

/** Split "Name: value". @return false when `line` does not begin with a header name */
static bool split_header(struct str line, struct str *name, struct str *value)
{
    size_t colon = str_index(line, ':');
    *name = str_trim(str_upto(line, colon));
    *value = str_trim(str_from(line, colon + 1));
    return colon < line.n && uui_is_token(*name);
}

/** A header line of a message: collected, or searched for embedded values. */
static void read_header(struct lint_decoding *d, struct str line)
{
    struct str name, value;
    if (!split_header(line, &name, &value)) {
        return;
    }
    const struct uui_dialect *dialect = d->far->dialect;
    if (dialect && uui_dialect_owns(dialect, UUI_AT_HEADER, name)) {
        decode_line(d, line, name);
    } else if (!str_ieq(name, STR("User-to-User"))) {
        decode_uris(d, name, value);
    } else if (d->line_count < UUI_VALUES_MAX) {
        d->lines[d->line_count++] = value;
    } else {
        d->failed(d->ctx, E_TOOMANY);
    }
}

/** A value, a header line or a URI, as an argument or as a line of a text. */
void lint_decode_one(struct lint_decoding *d, struct str text)
{
    struct str name, value;
    bool header = split_header(text, &name, &value);
    if (d->far->dialect) {
        decode_line(d, text, STR_NONE);
        return;
    }
    if (header && str_ieq(name, STR("User-to-User"))) {
        decode_lines(d, &value, 1);
        return;
    }
    if (str_index(text, '?') < text.n) {
        bool address = header && !str_istarts(name, STR("sip")) && !str_ieq(name, STR("tel"));
        if (decode_uris(d, address ? name : STR_NONE, address ? value : text)) {
            return;
        }
    }
    decode_lines(d, &text, 1);
}

/** The next line with its folded continuations, cut off *rest. */
static struct str next_line(struct str *rest)
{
    size_t end = str_index(*rest, '\n');
    while (end + 1 < rest->n && (rest->p[end + 1] == ' ' || rest->p[end + 1] == '\t')) {
        end += 1 + str_index(str_from(*rest, end + 1), '\n');
    }
    struct str line = str_upto(*rest, end);
    *rest = str_from(*rest, end + 1);
    return str_trim(line);
}

static bool is_start_line(struct str line)
{
    return str_starts(line, STR("SIP/2.0 ")) || str_ends(line, STR(" SIP/2.0"));
}

void lint_decode_text(struct lint_decoding *d, struct str text)
{
    bool message = false;
    while (text.n > 0) {
        struct str line = next_line(&text);
        if (message && line.n == 0) {
            break; /* what follows is the body */
        }
        if (line.n == 0 || line.p[0] == '#') {
            continue;
        }
        if (message) {
            read_header(d, line);
        } else if (is_start_line(line)) {
            message = true;
        } else {
            lint_decode_one(d, line);
        }
    }
    if (d->line_count > 0) {
        decode_lines(d, d->lines, d->line_count);
        d->line_count = 0;
    }
}
