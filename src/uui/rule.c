/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a receiver has to do with one well-formed element, and why.
 *
 * The order of the questions is the order of severity: does it contradict itself (WRONG),
 * then does a rule tell this receiver to ignore it (IGNORED). So hex that is no hex is
 * called WRONG also in a package that nobody here knows: its sender has a bug, and its
 * receiver should not have to know the package to be told.
 *
 * DOUBLE ESCAPING gets a rule of its own. `%` is a token character, so a value that was
 * escaped for a URI and never unescaped is one legal token without parameters; as "not a
 * hex digit" it would be true and useless. It is the commonest fault in captured traffic.
 *
 * isdn-interwork was the name of the package in drafts of RFC 7434 and is read as isdn-uui
 * (§8). It is noted and never written.
 */
#include "base/err.h"
#include "uui/parts.h"

const struct str uui_isdn = STR_INIT("isdn-uui");

static const struct str isdn_content[] = {STR_INIT("isdn-uui")};
static const struct str hex_encoding[] = {STR_INIT("hex")};

/** No max_octets: longer than UUI_ISDN_OCTETS is legal in SIP and noted (RFC 7434 §6). */
static const struct uui_package isdn_package = {
    .name = STR_INIT("isdn-uui"),
    .contents = isdn_content,
    .content_n = ARRAY_LEN(isdn_content),
    .encodings = hex_encoding,
    .encoding_n = ARRAY_LEN(hex_encoding),
    .feature_tag = STR_INIT("+sip.uui-isdn"),
    .max_count = 1,
};

static const struct {
    const char *name, *text, *source;
    uint8_t verdict;
} rules[] = {
#define UUI_RULE_ROW(name, verdict, text, source) {#name, text, source, UUI_##verdict},
    UUI_RULE_LIST(UUI_RULE_ROW)
#undef UUI_RULE_ROW
};

const char *uui_verdict_text(enum uui_verdict v)
{
    return v == UUI_VALID ? "valid" : v == UUI_IGNORED ? "ignored" : "wrong";
}

const char *uui_rule_name(enum uui_rule r)
{
    return (unsigned)r < UUI_R_COUNT ? rules[r].name : "";
}

const char *uui_rule_text(enum uui_rule r)
{
    return (unsigned)r < UUI_R_COUNT ? rules[r].text : "";
}

const char *uui_rule_source(enum uui_rule r)
{
    return (unsigned)r < UUI_R_COUNT ? rules[r].source : "";
}

enum uui_verdict uui_rule_verdict(enum uui_rule r)
{
    return (unsigned)r < UUI_R_COUNT ? (enum uui_verdict)rules[r].verdict : UUI_WRONG;
}

static const struct {
    unsigned bit;
    const char *name, *text;
} notes[] = {
#define UUI_NOTE_ROW(bit, name, text) {bit, #name, text},
    UUI_NOTE_LIST(UUI_NOTE_ROW)
#undef UUI_NOTE_ROW
};

static size_t note_at(unsigned bit)
{
    size_t i = 0;
    while (i < ARRAY_LEN(notes) && notes[i].bit != bit) {
        i++;
    }
    return i;
}

const char *uui_note_name(unsigned bit)
{
    size_t i = note_at(bit);
    return i < ARRAY_LEN(notes) ? notes[i].name : "";
}

const char *uui_note_text(unsigned bit)
{
    size_t i = note_at(bit);
    return i < ARRAY_LEN(notes) ? notes[i].text : "";
}

/** What a package may have in contents, encodings and number. */
struct allowed {
    const struct str *contents, *encodings;
    size_t content_n, encoding_n;
    uint32_t max_count; /**< 0: any number */
};

/**
 * isdn-uui has what RFC 7434 gives it, whatever its row leaves out or says: one content, one
 * encoding, one value. Only a row that is `loose` may say more.
 */
static struct allowed allowed_of(const struct uui_package *p)
{
    struct allowed a = {p->contents, p->encodings, p->content_n, p->encoding_n, p->max_count};
    bool isdn = str_ieq(p->name, isdn_package.name);
    bool strict = isdn && !p->loose;
    if (strict || a.encoding_n == 0) {
        a.encodings = hex_encoding;
        a.encoding_n = ARRAY_LEN(hex_encoding);
    }
    if (strict || (isdn && a.content_n == 0)) {
        a.contents = isdn_content;
        a.content_n = ARRAY_LEN(isdn_content);
    }
    if (strict || (isdn && a.max_count == 0)) {
        a.max_count = isdn_package.max_count;
    }
    return a;
}

const struct uui_package *uui_package_of(const struct uui_packages *known, struct str name)
{
    for (size_t i = 0; known && i < known->n; i++) {
        if (str_ieq(name, known->row[i].name)) {
            return &known->row[i];
        }
    }
    return str_ieq(name, isdn_package.name) ? &isdn_package : NULL;
}

bool uui_strike(struct uui_value *v, enum uui_rule rule, size_t at)
{
    v->rule = (uint8_t)rule;
    v->verdict = (uint8_t)uui_rule_verdict(rule);
    v->at = at;
    return false;
}

/** The same, `where` being a slice of v->text. */
static bool strike(struct uui_value *v, enum uui_rule rule, struct str where)
{
    return uui_strike(v, rule, str_is_set(where) ? (size_t)(where.p - v->text.p) : 0);
}

/** purpose="x" is a generic-param by grammar; taking it for an absent purpose would turn it
    into isdn-uui. */
static bool check_form(struct uui_value *v)
{
    if (str_is_set(v->purpose) && !uui_is_token(v->purpose)) {
        return strike(v, UUI_R_PURPOSE_FORM, v->purpose);
    }
    if (str_is_set(v->content) && !uui_is_token(v->content)) {
        return strike(v, UUI_R_CONTENT_FORM, v->content);
    }
    if (str_is_set(v->encoding) && !uui_is_token(v->encoding)) {
        return strike(v, UUI_R_ENCODING_FORM, v->encoding);
    }
    return true;
}

/** Does an escaped `c` start *s, escaped once or more often (%3B, %253B, ...)? Skip it. */
static bool skip_escaped(struct str *s, const char *hex)
{
    if (s->n == 0 || s->p[0] != '%') {
        return false;
    }
    struct str r = str_from(*s, 1);
    while (str_starts(r, STR("25"))) {
        r = str_from(r, 2);
    }
    if (!str_istarts(r, str_c(hex))) {
        return false;
    }
    *s = str_from(r, 2);
    return true;
}

/** The '%' of an escaped ";purpose=", ";content=" or ";encoding=" in a token, else absent. */
static struct str find_escaped(const struct uui_value *v)
{
    static const struct str names[] = {STR_INIT("encoding"), STR_INIT("purpose"),
                                       STR_INIT("content")};
    struct str rest = v->quoted ? STR_NONE : v->data;
    while (rest.n > 0) {
        rest = str_from(rest, str_index(rest, '%'));
        struct str s = rest;
        if (skip_escaped(&s, "3B")) {
            for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                struct str value = str_from(s, names[i].n);
                if (str_istarts(s, names[i]) && skip_escaped(&value, "3D")) {
                    return rest;
                }
            }
        }
        rest = str_from(rest, 1);
    }
    return STR_NONE;
}

static bool check_hex(struct uui_value *v)
{
    for (size_t i = 0; i < v->data.n; i++) {
        if (hex_digit(v->data.p[i]) < 0) {
            return strike(v, UUI_R_HEX_CHAR, str_from(v->data, i));
        }
    }
    if (v->data.n % 2 != 0) {
        return strike(v, UUI_R_HEX_ODD, str_from(v->data, v->data.n - 1));
    }
    if (v->isdn && v->data.n == 0) {
        return strike(v, UUI_R_NO_PD, v->data);
    }
    return true;
}

static void resolve_package(struct uui_value *v)
{
    v->package = str_is_set(v->purpose) ? v->purpose : uui_isdn;
    if (str_ieq(v->package, STR("isdn-interwork"))) {
        v->notes |= UUI_NOTE_DRAFT_PURPOSE;
        v->package = uui_isdn;
    }
    if (str_ieq(v->package, uui_isdn)) {
        v->package = uui_isdn;
        v->isdn = true;
    }
}

static bool is_among(const struct str *list, size_t n, struct str s)
{
    for (size_t i = 0; i < n; i++) {
        if (str_ieq(list[i], s)) {
            return true;
        }
    }
    return false;
}

/** @param a  NULL: the package is not known */
static enum uui_encoding resolve_encoding(const struct uui_value *v, const struct allowed *a)
{
    if (!str_is_set(v->encoding) && !a) {
        return UUI_ENC_OTHER;
    }
    struct str name = str_is_set(v->encoding) ? v->encoding : a->encodings[0];
    if (str_ieq(name, hex_encoding[0])) {
        return UUI_ENC_HEX;
    }
    return a && is_among(a->encodings, a->encoding_n, name) ? UUI_ENC_TEXT : UUI_ENC_OTHER;
}

/** Which encodings are the package's own: hex may not be among them. */
static bool is_own_encoding(const struct uui_value *v, const struct allowed *a)
{
    return !str_is_set(v->encoding) || is_among(a->encodings, a->encoding_n, v->encoding);
}

/** Pairs of hex digits, and enough of them not to be a short number. */
static bool looks_hex(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (hex_digit(s.p[i]) < 0) {
            return false;
        }
    }
    return s.n >= 4 && s.n % 2 == 0;
}

/** What does the data look like, whatever its encoding says? */
static void note_encoding(struct uui_value *v)
{
    bool text = str_ieq(v->encoding, STR("ascii")) || str_ieq(v->encoding, STR("text"));
    if (!str_is_set(v->encoding)) {
        v->notes |= UUI_NOTE_NO_ENCODING;
    }
    if ((text || v->encoding_id == UUI_ENC_TEXT) && looks_hex(v->data)) {
        v->notes |= UUI_NOTE_LOOKS_HEX;
    }
}

bool uui_judge_use(struct uui_value *v, const struct uui_package *p, size_t octets)
{
    v->notes |= v->isdn && octets > UUI_ISDN_OCTETS ? UUI_NOTE_LONG : 0;
    if (!p) {
        return strike(v, UUI_R_PACKAGE, v->purpose);
    }
    struct allowed a = allowed_of(p);
    if (str_is_set(v->content) && a.content_n > 0 &&
        !is_among(a.contents, a.content_n, v->content)) {
        return strike(v, UUI_R_CONTENT, v->content);
    }
    if (p->max_octets > 0 && octets > p->max_octets) {
        return strike(v, UUI_R_LONG, v->data);
    }
    if (p->direction == UUI_OUT) {
        return strike(v, UUI_R_DIRECTION, v->purpose);
    }
    return true;
}

void uui_judge(struct uui_value *v, const struct uui_packages *known)
{
    if (v->verdict != UUI_VALID || !check_form(v)) {
        return;
    }
    resolve_package(v);
    struct str escaped = find_escaped(v);
    if (str_is_set(escaped)) {
        strike(v, UUI_R_ESCAPED, escaped);
        return;
    }
    const struct uui_package *p = uui_package_of(known, v->package);
    struct allowed own = p ? allowed_of(p) : (struct allowed){0};
    v->encoding_id = (uint8_t)resolve_encoding(v, p ? &own : NULL);
    note_encoding(v);
    if (v->encoding_id == UUI_ENC_HEX && !check_hex(v)) {
        v->notes |=
            v->rule == UUI_R_HEX_CHAR && uui_is_quotable(v->data) ? UUI_NOTE_LOOKS_TEXT : 0;
        return;
    }
    if (p && !is_own_encoding(v, &own)) {
        strike(v, UUI_R_ENCODING, v->encoding);
        return;
    }
    (void)uui_judge_use(v, p, uui_decoded_len(v));
}

static size_t count_package(const struct uui_list *l, struct str package)
{
    size_t n = 0;
    for (size_t i = 0; i < l->n; i++) {
        n += str_is_set(l->v[i].package) && str_ieq(l->v[i].package, package) ? 1 : 0;
    }
    return n;
}

/** Are all values of the package there and VALID, with the same octets? */
static bool all_same(const struct uui_list *l, const struct uui_value *v)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct uui_value *w = &l->v[i];
        bool other = !str_is_set(w->package) || !str_ieq(w->package, v->package);
        if (!other && (w->rule != UUI_R_NONE || !str_eq(w->octets, v->octets))) {
            return false;
        }
    }
    return true;
}

/** Lenient: of one value that stands there several times, the first is taken. */
static void judge_copies(struct uui_list *l, const struct uui_packages *known)
{
    for (size_t i = 0; known && known->lenient && i < l->n; i++) {
        struct uui_value *v = &l->v[i];
        const struct uui_package *p =
            str_is_set(v->package) ? uui_package_of(known, v->package) : NULL;
        if (p && allowed_of(p).max_count == 1 && v->forgiven != UUI_R_MANY &&
            count_package(l, v->package) > 1 && all_same(l, v)) {
            v->forgiven = UUI_R_MANY;
            v->notes |= UUI_NOTE_FORGIVEN;
            for (size_t k = i + 1; k < l->n; k++) {
                if (str_is_set(l->v[k].package) && str_ieq(l->v[k].package, v->package)) {
                    uui_strike(&l->v[k], UUI_R_MANY, 0);
                }
            }
        }
    }
}

void uui_list_judge(struct uui_list *l, const struct uui_packages *known)
{
    l->isdn = NULL;
    l->isdn_seen = count_package(l, uui_isdn);
    judge_copies(l, known);
    for (size_t i = 0; i < l->n; i++) {
        struct uui_value *v = &l->v[i];
        const struct uui_package *p =
            str_is_set(v->package) ? uui_package_of(known, v->package) : NULL;
        if (v->verdict != UUI_VALID || !p) {
            continue;
        }
        uint32_t most = allowed_of(p).max_count;
        if (most > 0 && v->forgiven != UUI_R_MANY && count_package(l, v->package) > most) {
            strike(v, UUI_R_MANY, v->text);
        } else if (v->isdn && l->isdn == NULL) {
            l->isdn = v;
        }
    }
}

const char *uui_pd_text(uint8_t pd)
{
    static const char *const low[] = {
        "user-specific protocol",
        "OSI high layer protocols",
        "X.244",
        "reserved for system management convergence function",
        "IA5 characters",
        "X.208 and X.209 coded user information (ASN.1)",
        NULL,
        "V.120 rate adaption",
        "Q.931 user-network call control messages",
    };
    if (pd < ARRAY_LEN(low) && low[pd]) {
        return low[pd];
    }
    if (pd == 0x4F) {
        return "3GPP capability exchange";
    }
    if (pd >= 0x40 && pd <= 0x4E) {
        return "national use";
    }
    if ((pd >= 0x10 && pd <= 0x3F) || (pd >= 0x50 && pd <= 0xFE)) {
        return "reserved for other network layer or layer 3 protocols";
    }
    return "reserved";
}
