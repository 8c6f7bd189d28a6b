/* SPDX-License-Identifier: Apache-2.0 */
/* See named.h. */
#include "auth/named.h"

#include "base/out.h"
#include "sip/uri.h"

struct str named_unwrap(struct str text)
{
    size_t open, close;

    text = str_trim(text);
    open = str_index(text, '<');
    if (open == text.n) {
        return text;
    }
    text = str_from(text, open + 1);
    close = str_index(text, '>');
    return close == text.n ? STR("") : str_trim(str_upto(text, close));
}

bool named_has_scheme(struct str s)
{
    return str_istarts(s, STR("sip:")) || str_istarts(s, STR("sips:")) ||
           str_istarts(s, STR("tel:"));
}

/** The value of ";phone-context=" in parameters. */
static struct str context_of(struct str params)
{
    static const struct str name = STR_INIT("phone-context=");

    while (params.n > 0) {
        struct str one = str_upto(params, str_index(params, ';'));
        params = str_from(params, one.n < params.n ? one.n + 1 : one.n);
        if (str_istarts(one, name)) {
            return str_from(one, name.n);
        }
    }
    return STR_NONE;
}

static bool read_uri(struct str text, struct named *out)
{
    struct sip_uri u;
    uint32_t at;
    size_t end;

    if (sip_uri_parse(text, 0, &u, &at) != 0 || !str_is_set(u.user)) {
        return false;
    }
    end = str_index(u.user, ';');
    out->scheme = str_upto(text, str_index(text, ':'));
    out->user = str_upto(u.user, end);
    out->context = context_of(str_from(u.user, end < u.user.n ? end + 1 : end));
    if (!str_is_set(out->context)) {
        out->context = context_of(u.params);
    }
    if (u.scheme != SIP_SCHEME_TEL) {
        out->host = u.host;
    }
    return true;
}

static void read_bare(struct str text, struct named *out)
{
    size_t end = str_index(text, ';'), at;

    out->context = context_of(str_from(text, end < text.n ? end + 1 : end));
    text = str_upto(text, end);
    at = str_index(text, '@');
    if (at < text.n) {
        out->host = str_from(text, at + 1);
    }
    text = str_upto(text, at);
    out->user = str_trim(str_upto(text, str_index(text, '&')));
}

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')' || c == ' ';
}

/** Digits, with separators among them, and perhaps + before them. */
static bool is_number(struct str s)
{
    bool any = false;

    for (size_t i = 0; i < s.n; i++) {
        bool digit = s.p[i] >= '0' && s.p[i] <= '9';
        any = any || digit;
        if (!digit && !is_separator(s.p[i]) && (i != 0 || s.p[i] != '+')) {
            return false;
        }
    }
    return any;
}

static void write_plain(struct out *o, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!is_separator(s.p[i])) {
            out_ch(o, s.p[i]);
        }
    }
}

bool named_read(struct str text, char *buf, struct named *out)
{
    struct str inner = named_unwrap(text);
    bool global, in_global;
    struct out o;

    *out = (struct named){.bracketed = str_index(text, '<') < text.n};
    if (named_has_scheme(inner)) {
        if (!read_uri(inner, out)) {
            return false;
        }
    } else {
        read_bare(inner, out);
    }
    if (out->user.n == 0) {
        return false;
    }
    global = out->user.p[0] == '+' && is_number(out->user);
    in_global = !global && is_number(out->user) && str_starts(out->context, STR("+")) &&
                is_number(out->context);
    out_init(&o, buf, NAMED_MAX);
    if (in_global) {
        write_plain(&o, out->context);
    }
    if (is_number(out->user) && (global || in_global || str_ieq(out->scheme, STR("tel")))) {
        write_plain(&o, out->user);
    } else {
        sip_unescape(&o, out->user);
    }
    out->world = global || in_global;
    out->number = out_str_of(&o);
    return !o.over;
}
