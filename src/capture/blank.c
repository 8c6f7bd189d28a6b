/* SPDX-License-Identifier: Apache-2.0 */
/* What nobody is shown who does not need it: see blank.h. */
#include "capture/blank.h"
#include "base/attr.h"

/** What ends a secret. */
enum until { END_OF_LINE, END_OF_TAG, END_OF_STRING, END_OF_URI };

struct secret {
    struct str name;
    enum until until;
    bool line; /**< it begins a line */
    bool word; /**< one word of the value, the scheme, stays */
};

static const struct secret secrets[] = {
    {STR_INIT("Authorization:"), END_OF_LINE, true, true},
    {STR_INIT("Proxy-Authorization:"), END_OF_LINE, true, true},
    {STR_INIT("Cookie:"), END_OF_LINE, true, false},
    {STR_INIT("Set-Cookie:"), END_OF_LINE, true, false},
    {STR_INIT("a=crypto:"), END_OF_LINE, true, false},
    {STR_INIT("a=key-mgmt:"), END_OF_LINE, true, false},
    {STR_INIT("k="), END_OF_LINE, true, false},
    {STR_INIT("password>"), END_OF_TAG, false, false},
    {STR_INIT("\"password\":"), END_OF_STRING, false, false},
    {STR_INIT("\"secret\":"), END_OF_STRING, false, false},
    {STR_INIT("\"token\":"), END_OF_STRING, false, false},
    {STR_INIT("Authorization="), END_OF_URI, false, false},
};

static const struct secret uuis[] = {
    {STR_INIT("User-to-User:"), END_OF_LINE, true, false},
    {STR_INIT("X-User-to-User:"), END_OF_LINE, true, false},
    {STR_INIT("X-UUI:"), END_OF_LINE, true, false},
    {STR_INIT("User-to-User="), END_OF_URI, false, false},
    {STR_INIT("uui="), END_OF_URI, false, false},
    {STR_INIT("userData>"), END_OF_TAG, false, false},
    {STR_INIT("\"userData\":"), END_OF_STRING, false, false},
    {STR_INIT("\"uui\":"), END_OF_STRING, false, false},
};

static bool is_lws(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_folded(struct str s, size_t i)
{
    return i + 1 < s.n && s.p[i] == '\n' && is_lws(s.p[i + 1]);
}

/** Octets of a header's value, folded lines too. */
static size_t line_end(struct str s)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] != '\n' || is_folded(s, i))) {
        i++;
    }
    return i;
}

/** Up to the tag that ends the element, whatever is inside. */
static size_t tag_end(struct str s, struct str name)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] == '<' && s.p[i + 1] == '/') {
            size_t close = str_index(str_from(s, i), '>');
            struct str tag = str_upto(str_from(s, i), close + 1);
            if (str_ends(tag, name)) {
                return i;
            }
        }
    }
    return s.n;
}

/** A JSON string, array or object; what it is in does not end in it. */
static size_t string_end(struct str s)
{
    bool quoted = false;
    size_t depth = 0, i = 0;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (quoted) {
            i += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            depth++;
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        } else if ((c == ',' || c == ']' || c == '}') && depth == 0) {
            break;
        }
    }
    return i < s.n ? i : s.n;
}

static size_t uri_end(struct str s)
{
    size_t i = 0;
    while (i < s.n && strchr("&>;,\" \r\n", s.p[i]) == NULL) {
        i++;
    }
    return i;
}

static size_t secret_end(const struct secret *what, struct str s)
{
    switch (what->until) {
    case END_OF_LINE:
        return line_end(s);
    case END_OF_TAG:
        return tag_end(s, what->name);
    case END_OF_STRING:
        return string_end(s);
    case END_OF_URI:
        break;
    }
    return uri_end(s);
}

/** What shows the form of the message stays. */
static void cover(char *p, size_t n, bool keep_tags)
{
    bool tag = false;
    for (size_t i = 0; i < n; i++) {
        tag = keep_tags && (p[i] == '<' || tag);
        if (!tag && p[i] != '\r' && p[i] != '\n' && !is_lws(p[i]) &&
            !(keep_tags && p[i] == '>') && p[i] != '"') {
            p[i] = '*';
        }
        tag = tag && p[i] != '>';
    }
}

static size_t past_scheme(struct str s)
{
    size_t i = 0;
    while (i < s.n && is_lws(s.p[i])) {
        i++;
    }
    while (i < s.n && !is_lws(s.p[i])) {
        i++;
    }
    return i < s.n ? i : 0; /* one word is no scheme, but all there is */
}

static void blank(char *p, size_t n, const struct secret *list, size_t count)
{
    struct str all = str_make(p, n);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < count; k++) {
            const struct secret *what = &list[k];
            struct str rest;
            size_t len, from;
            if ((what->line && i > 0 && p[i - 1] != '\n') ||
                ascii_lower(p[i]) != ascii_lower(what->name.p[0]) ||
                !str_istarts(str_from(all, i), what->name)) {
                continue;
            }
            rest = str_from(all, i + what->name.n);
            len = secret_end(what, rest);
            from = what->word ? past_scheme(str_upto(rest, len)) : 0;
            cover(p + i + what->name.n + from, len - from, what->until == END_OF_TAG);
            i += what->name.n + len - 1;
            break;
        }
    }
}

/** sip:user:PASSWORD@host */
static void blank_userinfo(char *p, size_t n)
{
    struct str all = str_make(p, n);
    for (size_t i = 0; i + 4 < n; i++) {
        struct str rest = str_from(all, i);
        size_t at = str_istarts(rest, STR("sip:"))    ? 4
                    : str_istarts(rest, STR("sips:")) ? 5
                                                      : 0;
        size_t colon = n;
        for (size_t k = i + at; at != 0 && k < n && strchr("<>\"; \r\n,?", p[k]) == NULL; k++) {
            colon = p[k] == ':' && colon == n ? k : colon;
            if (p[k] == '@') {
                cover(p + colon + 1, colon < k ? k - colon - 1 : 0, false);
                break;
            }
        }
    }
}

void blank_secrets(char *p, size_t n)
{
    blank(p, n, secrets, ARRAY_LEN(secrets));
    blank_userinfo(p, n);
}

void blank_uui(char *p, size_t n)
{
    blank(p, n, uuis, ARRAY_LEN(uuis));
}
