/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading leniently: what a value that breaks a rule can be taken for all the same.
 *
 *     rule               what is done
 *     ESCAPED            the whole value is unescaped, as often as it was escaped (3 times)
 *     CHAR               data goes to the next known parameter, whatever characters it has
 *     PARAM_NAME         a ';' at the end is not there
 *     PURPOSE_FORM, CONTENT_FORM, ENCODING_FORM    quotes around a token are not there
 *     HEX_CHAR           it is text
 *     HEX_ODD            the pairs that there are; the last digit is lost
 *     ENCODING           ascii and text of isdn-uui are text
 *
 * One rule of those is forgiven a value after the other, since a text that was escaped may be
 * text besides; `forgiven` names the first. Nothing is repaired in silence: the note is there,
 * the text stays as it came, and what is not in this list stays WRONG. What a package forbids
 * is never forgiven.
 *
 * Text in isdn-uui gets the discriminator of IA5 characters in front, because the first octet
 * of that package always is one (RFC 7434 §9), and a note that it was not in the data.
 */
#include "base/err.h"
#include "uui/parts.h"

/** How often a value may have been escaped, and rules that one value may break. */
enum { ROUNDS_MAX = 4 };

static const struct str tail_names[] = {STR_INIT("encoding"), STR_INIT("purpose"),
                                        STR_INIT("content"), STR_INIT("pd")};

size_t uui_tail_at(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        struct str rest = str_from(s, i + 1);
        while (s.p[i] == ';' && rest.n > 0 && (rest.p[0] == ' ' || rest.p[0] == '\t')) {
            rest = str_from(rest, 1);
        }
        for (size_t k = 0; s.p[i] == ';' && k < ARRAY_LEN(tail_names); k++) {
            struct str value = str_from(rest, tail_names[k].n);
            if (str_istarts(rest, tail_names[k]) && value.n > 0 && value.p[0] == '=') {
                return i;
            }
        }
    }
    return s.n;
}

size_t uui_percent_decode(struct str s, bool strict, char *buf, size_t *at)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_digit(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (s.p[i] == '%' && low < 0 && strict) {
            *at = i;
            return SIZE_MAX;
        }
        buf[n++] = low >= 0 ? (char)(unsigned char)(high * 16 + low) : s.p[i];
        i += low >= 0 ? 2 : 0;
    }
    return n;
}

/** A copy of the value, unescaped once. @return 1; 0: it may not be unescaped; E_NOMEM */
static int unescape(struct uui_value *v, struct arena *a)
{
    size_t at = 0;
    char *buf = arena_alloc(a, v->text.n + 1);
    if (!buf) {
        return E_NOMEM;
    }
    struct str text = str_make(buf, uui_percent_decode(v->text, false, buf, &at));
    if (!uui_is_quotable(text)) {
        return 0;
    }
    uui_view(text, v);
    return 1;
}

/** "isdn-uui" for "\"isdn-uui\"". */
static bool unquote_name(struct str *s)
{
    struct str inner = s->n > 2 && s->p[0] == '"' ? str_make(s->p + 1, s->n - 2) : STR_NONE;
    if (!uui_is_token(inner)) {
        return false;
    }
    *s = inner;
    return true;
}

static bool unquote_names(struct uui_value *v)
{
    struct str *const name[] = {&v->purpose, &v->content, &v->encoding};
    for (size_t i = 0; i < ARRAY_LEN(name); i++) {
        if (str_is_set(*name[i]) && !uui_is_token(*name[i]) && !unquote_name(name[i])) {
            return false;
        }
    }
    return true;
}

/** Data of any characters up to the parameters that are known. */
static bool view_loose(struct uui_value *v)
{
    size_t tail = uui_tail_at(v->text);
    struct str data = str_trim(str_upto(v->text, tail));
    if (data.n == 0 || data.p[0] == '"' || !uui_is_quotable(data)) {
        return false;
    }
    v->data = data;
    v->quoted = false;
    (void)uui_view_tail(v, tail);
    return true;
}

/** The ';' at the end is not there. */
static bool view_shorter(struct uui_value *v)
{
    struct str s = str_trim(v->text);
    while (s.n > 0 && (s.p[s.n - 1] == ';' || s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) {
        s.n--;
    }
    bool at_end = v->at >= s.n;
    uui_view(s, v);
    return at_end;
}

/** What is left of the hex, or the characters. @return 1; 0: nothing; E_NOMEM */
static int take_octets(struct uui_value *v, enum uui_rule rule, struct arena *a)
{
    if (rule == UUI_R_HEX_ODD) {
        v->data = str_upto(v->data, v->data.n - 1);
        v->encoding_id = UUI_ENC_HEX;
    } else {
        v->encoding_id = UUI_ENC_TEXT;
    }
    bool pd = v->isdn && v->encoding_id == UUI_ENC_TEXT;
    size_t n = uui_decoded_len(v);
    if (n == 0 || (v->encoding_id == UUI_ENC_TEXT && !uui_is_quotable(v->data))) {
        return 0;
    }
    char *buf = arena_alloc(a, n + 1);
    if (!buf) {
        return E_NOMEM;
    }
    buf[0] = UUI_PD_IA5;
    v->octets = str_make(buf, uui_decode(v, buf + (pd ? 1 : 0)) + (pd ? 1 : 0));
    v->notes |= pd ? UUI_NOTE_PD_ADDED : 0;
    return 1;
}

/** Of isdn-uui, and said to be text: the package does not have that, but it can be read. */
static bool is_isdn_text(const struct uui_value *v)
{
    return v->isdn && (str_ieq(v->encoding, STR("ascii")) || str_ieq(v->encoding, STR("text")));
}

/** Does a rule say so that nobody forgives? */
static bool is_ignored(const struct uui_value *v)
{
    return v->verdict == UUI_IGNORED && !(v->rule == UUI_R_ENCODING && is_isdn_text(v));
}

/** One step behind a rule. @return 1: judge it again; 2: it has octets; 0: no; E_NOMEM */
static int step(struct uui_value *v, enum uui_rule rule, struct arena *a)
{
    int err = rule == UUI_R_ENCODING && !is_isdn_text(v) ? 0 : 1;
    switch (rule) {
    case UUI_R_ESCAPED:
        return unescape(v, a);
    case UUI_R_CHAR:
        return view_loose(v) ? 1 : 0;
    case UUI_R_PARAM_NAME:
        return view_shorter(v) ? 1 : 0;
    case UUI_R_PURPOSE_FORM:
    case UUI_R_CONTENT_FORM:
    case UUI_R_ENCODING_FORM:
        return unquote_names(v) ? 1 : 0;
    case UUI_R_ENCODING:
    case UUI_R_HEX_CHAR:
    case UUI_R_HEX_ODD:
        err = err > 0 ? take_octets(v, rule, a) : 0;
        return err > 0 ? 2 : err;
    default:
        return 0;
    }
}

/** Octets of a value that is readable now by the rules themselves. */
static int decode(struct uui_value *v, struct arena *a)
{
    char *buf = arena_alloc(a, uui_decoded_len(v) + 1);
    if (!buf) {
        return E_NOMEM;
    }
    v->octets = str_make(buf, uui_decode(v, buf));
    return 0;
}

/** Up to ROUNDS_MAX steps. @return 1: readable by the rules; 2: it has octets; 0, E_NOMEM */
static int walk(struct uui_value *v, const struct uui_packages *known, struct arena *a)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        enum uui_rule rule = (enum uui_rule)v->rule;
        v->verdict = UUI_VALID;
        v->rule = UUI_R_NONE;
        int done = step(v, rule, a);
        if (done <= 0) {
            return done;
        }
        if (done == 2) {
            (void)uui_judge_use(v, uui_package_of(known, v->package), v->octets.n);
            return 2;
        }
        uui_judge(v, known);
        if (v->verdict == UUI_VALID || is_ignored(v)) {
            return 1;
        }
    }
    return 0;
}

int uui_forgive(struct uui_value *v, const struct uui_packages *known, struct arena *a)
{
    struct uui_value w = *v;
    int done = walk(&w, known, a);
    if (done == 1) {
        int err = decode(&w, a);
        done = err < 0 ? err : 1;
    }
    if (done <= 0) {
        return done;
    }
    if (w.text.p != v->text.p || w.verdict == UUI_VALID) {
        w.at = v->at; /* in the text as it came */
    }
    w.text = v->text;
    w.forgiven = v->rule;
    w.notes |= v->notes | UUI_NOTE_FORGIVEN;
    *v = w;
    return 0;
}
