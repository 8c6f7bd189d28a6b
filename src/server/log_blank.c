/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What does not get into the log, whoever wrote the line.
 *
 *   secrets        whatever follows `response=`, `password=`, `ha1…=`, `key=`, `token=` or
 *                  `secret=` (also with a colon), the password in `sip:user:password@host`, and
 * tokens (`bt_…_SECRET` keeps what names it) User-to-User   what follows `User-to-User=` in a
 * URI or `User-to-User:` in a message, and what stands in <userData>: nothing of it, its
 * length, or all, by `log.uui`
 *
 * The modules do not log either. This is the second lock, for lines that quote what came in.
 */
#include "base/attr.h"
#include "base/out.h"
#include "server/log.h"
#include <string.h>

static bool is_word(char c)
{
    c = ascii_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/** Octets of a secret's name at the front of `s`, and of what follows it up to the value;
    0: there is none. */
static size_t secret_name(struct str s)
{
    static const struct str names[] = {
        STR_INIT("response"),   STR_INIT("password"), STR_INIT("ha1"),   STR_INIT("ha1_md5"),
        STR_INIT("ha1_sha256"), STR_INIT("key"),      STR_INIT("token"), STR_INIT("secret")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = names[i].n;
        if (!str_istarts(s, names[i])) {
            continue;
        }
        while (n < s.n && s.p[n] == ' ') {
            n++;
        }
        bool colon = n + 1 < s.n && s.p[n] == ':' && s.p[n + 1] == ' ';
        if (!colon && (n >= s.n || s.p[n] != '=')) {
            continue;
        }
        n++;
        while (n < s.n && s.p[n] == ' ') {
            n++;
        }
        return n;
    }
    return 0;
}

/** Octets of the value at the front of `s`: a quoted string or up to a separator. */
static size_t secret_value(struct str s)
{
    size_t n = 0;
    if (s.n > 0 && s.p[0] == '"') {
        n = 1;
        while (n < s.n && s.p[n] != '"') {
            n += s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
        }
        return n < s.n ? n + 1 : n;
    }
    while (n < s.n && s.p[n] != ' ' && s.p[n] != ',' && s.p[n] != ';' && s.p[n] != '\r' &&
           s.p[n] != '\n') {
        n++;
    }
    return n;
}

/** "sip:user:" at the front of `s`, when a password and '@' follow: its length; 0: none. */
static size_t userinfo(struct str s, size_t *password)
{
    if (!str_istarts(s, STR("sip:")) && !str_istarts(s, STR("sips:"))) {
        return 0;
    }
    size_t colon = str_index(s, ':') + 1;
    size_t second = colon;
    while (second < s.n && s.p[second] != ':') {
        if (s.p[second] == ' ' || s.p[second] == '@' || s.p[second] == '>') {
            return 0;
        }
        second++;
    }
    size_t at = second;
    while (at < s.n && s.p[at] != '@') {
        if (s.p[at] == ' ' || s.p[at] == '>' || s.p[at] == ';') {
            return 0;
        }
        at++;
    }
    if (at >= s.n) {
        return 0;
    }
    *password = at - second - 1;
    return second + 1;
}

/** Up to the secret of a token: `bt_ID_SECRET`, or whatever follows `Bearer `; 0: none. */
static size_t token(struct str s, size_t *secret)
{
    size_t n = 0;
    if (str_istarts(s, STR("bearer ")) || str_istarts(s, STR("bearer."))) {
        n = strlen("bearer ");
    } else if (str_starts(s, STR("bt_"))) {
        struct str rest = str_from(s, strlen("bt_"));
        size_t id = str_index(rest, '_');
        n = id < rest.n && id > 0 && id <= 64 ? strlen("bt_") + id + 1 : 0;
    }
    if (n == 0) {
        return 0;
    }
    if (str_starts(str_from(s, n), STR("bt_"))) {
        size_t id = token(str_from(s, n), secret);
        return id > 0 ? n + id : 0;
    }
    *secret = secret_value(str_from(s, n));
    return n;
}

static size_t first_of(struct str s, const char *ends)
{
    size_t n = 0;
    while (n < s.n && strchr(ends, s.p[n]) == NULL) {
        n++;
    }
    return n;
}

/** Up to a value of User-to-User: in a URI, a message, an element or JSON; 0: none. */
static size_t uui(struct str s, size_t *value)
{
    static const struct {
        struct str name;
        const char *ends;
    } places[] = {
        {STR_INIT("User-to-User="), "&> \"\r\n"},
        {STR_INIT("User-to-User:"), "\r\n"},
        {STR_INIT("<userData>"), "/"},
        {STR_INIT("\"userData\":"), "}"},
        {STR_INIT("userData="), "&> ,;\r\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        if (str_istarts(s, places[i].name)) {
            size_t n = places[i].name.n;
            while (n < s.n && s.p[n] == ' ') {
                n++;
            }
            *value = first_of(str_from(s, n), places[i].ends);
            return n;
        }
    }
    return 0;
}

void log_blank(struct out *o, struct str s, enum log_uui how)
{
    size_t i = 0;
    while (i < s.n) {
        struct str rest = str_from(s, i);
        bool word_start = i == 0 || !is_word(s.p[i - 1]);
        size_t skip = 0;
        size_t n = word_start ? secret_name(rest) : 0;
        if (n > 0) {
            skip = secret_value(str_from(rest, n));
        } else if (word_start) {
            n = userinfo(rest, &skip);
            n = n == 0 ? token(rest, &skip) : n;
        }
        bool data = n == 0 && how != LOG_UUI_FULL && (n = uui(rest, &skip)) > 0;
        if (n == 0) {
            out_ch(o, s.p[i++]);
            continue;
        }
        out_str(o, str_upto(rest, n));
        if (data && how == LOG_UUI_LENGTH) {
            out_fmt(o, "(%zu octets)", skip);
        } else {
            out_c(o, "***");
        }
        i += n + skip;
    }
}
