/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One User-to-User element: where its parts are, and what octets it stands for.
 *
 *     uui-value = uui-data *(SEMI uui-param)          RFC 7433 §4.1
 *     uui-data  = token / quoted-string
 *
 * The grammar is followed to the letter, because the interesting faults of this header are
 * near misses: base64 whose '=' is no token character, text with spaces, a list that ends in
 * a comma. The first octet that breaks the grammar ends the parse and is what `at` points to.
 *
 * White space may stand around ';' and '=' and may be folded over lines (RFC 3261 §7.3.1);
 * the LF of a fold may lack its CR, since text files and logs come that way.
 *
 * COST: one pass, except that each parameter is compared with those before it; their number
 * is limited so that this cannot be made to hurt.
 */
#include "base/err.h"
#include "sip/chars.h"
#include "uui/parts.h"

static size_t token_end(struct str s, size_t i)
{
    while (i < s.n && sip_char_is(s.p[i], SIP_C_TOKEN)) {
        i++;
    }
    return i;
}

bool uui_is_token(struct str s)
{
    return s.n > 0 && token_end(s, 0) == s.n;
}

/** Octets of the line break at `i` when white space follows it, else 0. */
static size_t fold_len(struct str s, size_t i)
{
    size_t n = i < s.n && s.p[i] == '\r' ? 1 : 0;
    if (i + n + 1 >= s.n || s.p[i + n] != '\n') {
        return 0;
    }
    char next = s.p[i + n + 1];
    return next == ' ' || next == '\t' ? n + 1 : 0;
}

static size_t skip_space(struct str s, size_t i)
{
    while (i < s.n) {
        size_t fold = fold_len(s, i);
        if (fold == 0 && s.p[i] != ' ' && s.p[i] != '\t') {
            break;
        }
        i += fold > 0 ? fold : 1;
    }
    return i;
}

size_t uui_utf8_len(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    size_t n = c >= 0xFE   ? 0
               : c >= 0xFC ? 6
               : c >= 0xF8 ? 5
               : c >= 0xF0 ? 4
               : c >= 0xE0 ? 3
                           : 2;
    if (c < 0xC0 || n == 0 || n > s.n - i) {
        return 0;
    }
    for (size_t k = 1; k < n; k++) {
        if (((unsigned char)s.p[i + k] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return n;
}

bool uui_is_quotable(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = c >= 0x80                               ? uui_utf8_len(s, i)
                   : c == '\t' || (c >= 0x20 && c != 0x7F) ? 1
                                                           : 0;
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

/** Octets of what stands at `i` inside a quoted-string, 0 when it may not. */
static size_t quoted_unit(struct str s, size_t i)
{
    unsigned char c = (unsigned char)s.p[i];
    if (c == '\\') {
        bool pair = i + 1 < s.n && (unsigned char)s.p[i + 1] < 0x80 && s.p[i + 1] != '\r' &&
                    s.p[i + 1] != '\n';
        return pair ? 2 : 0;
    }
    if (c >= 0x80) {
        return uui_utf8_len(s, i);
    }
    if (c == '\r' || c == '\n') {
        return fold_len(s, i);
    }
    return c == '\t' || (c >= 0x20 && c != 0x7F) ? 1 : 0;
}

/** From the opening quote at `i` to behind the closing one; 0 after a failure. */
static size_t quoted_end(struct uui_value *v, size_t i)
{
    struct str s = v->text;
    size_t open = i++;
    while (i < s.n && s.p[i] != '"') {
        size_t n = quoted_unit(s, i);
        if (n == 0) {
            bool cut = s.p[i] == '\\' && i + 1 == s.n;
            uui_strike(v, cut ? UUI_R_QUOTE_OPEN : UUI_R_QUOTE_CHAR, cut ? open : i);
            return 0;
        }
        i += n;
    }
    if (i >= s.n) {
        uui_strike(v, UUI_R_QUOTE_OPEN, open);
        return 0;
    }
    return i + 1;
}

/** gen-value = token / host / quoted-string; a host that is no token is an IPv6reference. */
static size_t value_end(struct uui_value *v, size_t i)
{
    struct str s = v->text;
    if (i < s.n && s.p[i] == '"') {
        return quoted_end(v, i);
    }
    size_t end = token_end(s, i);
    if (i < s.n && s.p[i] == '[') {
        end = i + 1;
        while (end < s.n && (hex_digit(s.p[end]) >= 0 || s.p[end] == ':' || s.p[end] == '.')) {
            end++;
        }
        if (end >= s.n || s.p[end] != ']') {
            uui_strike(v, UUI_R_CHAR, end < s.n ? end : i);
            return 0;
        }
        end++;
    }
    if (end == i) {
        bool bad = i < s.n && s.p[i] != ';';
        uui_strike(v, bad ? UUI_R_CHAR : UUI_R_PARAM_VALUE, i);
        return 0;
    }
    return end;
}

static bool has_param(struct str params, struct str wanted)
{
    struct str name, value;
    while (uui_param_next(&params, &name, &value)) {
        if (str_ieq(name, wanted)) {
            return true;
        }
    }
    return false;
}

/** One parameter from its name on. @return the offset behind it, 0 after a failure */
static size_t view_param(struct uui_value *v, size_t i)
{
    struct str s = v->text;
    size_t name_end = token_end(s, i);
    struct str name = {s.p + i, name_end - i};
    if (name.n == 0) {
        uui_strike(v, i < s.n && s.p[i] != ';' ? UUI_R_CHAR : UUI_R_PARAM_NAME, i);
        return 0;
    }
    struct str before = {v->params.p, (size_t)(name.p - v->params.p)};
    if (has_param(before, name)) {
        uui_strike(v, UUI_R_PARAM_TWICE, i);
        return 0;
    }
    struct str value = {s.p + name_end, 0};
    size_t end = name_end;
    size_t equals = skip_space(s, name_end);
    if (equals < s.n && s.p[equals] == '=') {
        size_t from = skip_space(s, equals + 1);
        end = value_end(v, from);
        if (end == 0) {
            return 0;
        }
        value = str_make(s.p + from, end - from);
    }
    if (str_ieq(name, STR("purpose"))) {
        v->purpose = value;
    } else if (str_ieq(name, STR("content"))) {
        v->content = value;
    } else if (str_ieq(name, STR("encoding"))) {
        v->encoding = value;
    }
    return end;
}

static bool view_params(struct uui_value *v, size_t i)
{
    struct str s = v->text;
    unsigned count = 0;
    for (i = skip_space(s, i); i < s.n; i = skip_space(s, i)) {
        if (s.p[i] != ';') {
            return uui_strike(v, UUI_R_CHAR, i);
        }
        if (count++ == UUI_PARAMS_MAX) {
            return uui_strike(v, UUI_R_PARAM_COUNT, i);
        }
        i = skip_space(s, i + 1);
        if (count == 1) {
            v->params = str_from(s, i);
        }
        i = view_param(v, i);
        if (i == 0) {
            return false;
        }
    }
    return true;
}

static bool view_element(struct uui_value *v)
{
    struct str s = v->text;
    if (s.n == 0 || s.p[0] == ';') {
        return uui_strike(v, UUI_R_EMPTY, 0);
    }
    if (s.p[0] == '"') {
        size_t end = quoted_end(v, 0);
        if (end == 0) {
            return false;
        }
        v->quoted = true;
        v->data = str_make(s.p + 1, end - 2);
        return view_params(v, end);
    }
    size_t end = token_end(s, 0);
    if (end == 0) {
        return uui_strike(v, UUI_R_CHAR, 0);
    }
    v->data = str_upto(s, end);
    return view_params(v, end);
}

void uui_view(struct str element, struct uui_value *out)
{
    *out = (struct uui_value){.text = str_trim(element)};
    if (out->text.p == NULL) {
        out->text = STR("");
    }
    if (!view_element(out)) {
        /* What was found before the fault may belong to something else. */
        out->params = out->purpose = out->content = out->encoding = STR_NONE;
    }
}

bool uui_param_next(struct str *rest, struct str *name, struct str *value)
{
    struct str s = *rest;
    size_t i = skip_space(s, 0);
    while (i < s.n && s.p[i] == ';') {
        i = skip_space(s, i + 1);
    }
    size_t end = token_end(s, i);
    if (end == i) {
        *rest = STR_NONE;
        return false;
    }
    *name = str_make(s.p + i, end - i);
    *value = STR_NONE;
    i = skip_space(s, end);
    if (i < s.n && s.p[i] == '=') {
        size_t from = skip_space(s, i + 1);
        bool quoted = from < s.n && s.p[from] == '"';
        i = quoted ? from + 1 : from;
        while (i < s.n && s.p[i] != (quoted ? '"' : ';')) {
            i += quoted && s.p[i] == '\\' && i + 1 < s.n ? 2 : 1;
        }
        i += quoted && i < s.n ? 1 : 0;
        *value = str_trim(str_make(s.p + from, i - from));
    }
    *rest = str_from(s, i);
    return true;
}

void uui_cut_begin(struct uui_cut *it, struct str line)
{
    *it = (struct uui_cut){str_is_set(line) ? line : STR(""), true};
}

/** The first comma that stands in no quotes, or the end. */
static size_t end_of_quoting(struct str s)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < s.n && (quoted || s.p[i] != ','); i++) {
        if (s.p[i] == '"') {
            quoted = !quoted;
        } else if (quoted && s.p[i] == '\\' && i + 1 < s.n) {
            i++;
        }
    }
    return i < s.n ? i : s.n;
}

bool uui_cut_next(struct uui_cut *it, struct str *element)
{
    if (!it->more) {
        return false;
    }
    struct str s = it->rest;
    size_t i = str_index(s, '"') == s.n ? str_index(s, ',') : end_of_quoting(s);
    *element = str_trim(str_upto(s, i));
    it->more = i < s.n;
    it->rest = str_from(s, i + 1);
    return true;
}

/** Characters of the data with escapes and folds resolved; writes when buf is set. */
static size_t unquote(const struct uui_value *v, char *buf)
{
    struct str s = v->data;
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (v->quoted && c == '\\' && i + 1 < s.n) {
            c = s.p[++i];
        } else if (v->quoted && (c == '\r' || c == '\n')) {
            i = skip_space(s, i) - 1; /* a fold is one space, RFC 3261 §7.3.1 */
            c = ' ';
        }
        if (buf) {
            buf[n] = c;
        }
        n++;
    }
    return n;
}

size_t uui_decoded_len(const struct uui_value *v)
{
    if (v->verdict == UUI_WRONG || v->encoding_id == UUI_ENC_NONE) {
        return 0;
    }
    return v->encoding_id == UUI_ENC_HEX ? v->data.n / 2 : unquote(v, NULL);
}

size_t uui_decode(const struct uui_value *v, char *buf)
{
    size_t n = uui_decoded_len(v);
    if (n == 0) {
        return 0;
    }
    if (v->encoding_id != UUI_ENC_HEX) {
        return unquote(v, buf);
    }
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(v->data.p[2 * i]);
        int low = hex_digit(v->data.p[2 * i + 1]);
        buf[i] = (char)(unsigned char)(high * 16 + low);
    }
    return n;
}

bool uui_view_tail(struct uui_value *v, size_t at)
{
    v->params = v->purpose = v->content = v->encoding = STR_NONE;
    return view_params(v, at);
}

int uui_parse(struct str element, const struct uui_packages *known, struct arena *a,
              struct uui_value *out)
{
    uui_view(element, out);
    uui_judge(out, known);
    if (out->verdict != UUI_VALID && known && known->lenient) {
        int err = uui_forgive(out, known, a);
        if (err < 0 || (out->notes & UUI_NOTE_FORGIVEN)) {
            return err;
        }
    }
    if (out->verdict == UUI_WRONG) {
        return 0;
    }
    size_t n = uui_decoded_len(out);
    char *buf = arena_alloc(a, n > 0 ? n : 1);
    if (!buf) {
        return E_NOMEM;
    }
    out->octets = str_make(buf, uui_decode(out, buf));
    return 0;
}

int uui_discriminator(const struct uui_value *v)
{
    return v->isdn && v->octets.n > 0 ? (unsigned char)v->octets.p[0] : -1;
}
