/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature sets: see feature.h.
 *
 * A value is one of three kinds: token, string, number range. Each may be negated. Two values
 * have something in common when
 *
 *   both say what it is       they are equal, or the ranges overlap
 *   one says what it is not   it is something else
 *   both say what it is not   always (there are more tokens and strings than two), but for
 *                             ranges only when they do not cover everything together
 *
 * TRUE and FALSE are all that there is of their kind, so "!TRUE" is read as FALSE. Numbers are
 * doubles, as RFC 3840 §9 wants: mantissa and power of ten are exact up to 15 digits, so equal
 * numbers are equal however they are written.
 */
#include "registrar/feature.h"

#include "sip/hdr.h"

/* ---- tags ---- */

/** RFC 3840 §9: the tags that are written without '+'. */
static bool is_base_tag(struct str name)
{
    static const struct str base[] = {
        STR_INIT("audio"),    STR_INIT("automata"),    STR_INIT("class"),
        STR_INIT("duplex"),   STR_INIT("data"),        STR_INIT("control"),
        STR_INIT("mobility"), STR_INIT("description"), STR_INIT("events"),
        STR_INIT("priority"), STR_INIT("methods"),     STR_INIT("schemes"),
        STR_INIT("video"),    STR_INIT("application"), STR_INIT("language"),
        STR_INIT("type"),     STR_INIT("isfocus"),     STR_INIT("actor"),
        STR_INIT("text"),     STR_INIT("extensions"),
    };
    for (size_t i = 0; i < ARRAY_LEN(base); i++) {
        if (str_ieq(name, base[i])) {
            return true;
        }
    }
    return false;
}

/** The name under which a parameter is compared; absent: it is no feature. */
static struct str feature_name(struct str param)
{
    static const struct str sip = STR_INIT("sip.");
    if (param.n < 2 || param.p[0] != '+') {
        return is_base_tag(param) ? param : STR_NONE;
    }
    struct str name = str_from(param, 1);
    if (str_istarts(name, sip) && is_base_tag(str_from(name, sip.n))) {
        return str_from(name, sip.n);
    }
    return name;
}

bool feature_is(struct str param)
{
    return str_is_set(feature_name(param));
}

const struct feature *feature_find(const struct feature_set *set, struct str name)
{
    for (size_t i = 0; i < set->count; i++) {
        if (str_ieq(set->tag[i].name, name)) {
            return &set->tag[i];
        }
    }
    return NULL;
}

bool feature_add(struct feature_set *set, struct str name, struct str value)
{
    if (feature_find(set, name) != NULL) {
        return true;
    }
    if (set->count == FEATURE_TAGS_MAX) {
        return false;
    }
    set->tag[set->count++] = (struct feature){name, value};
    return true;
}

bool feature_read(struct feature_set *set, struct str params)
{
    struct str name, value;
    bool room = true;
    set->count = 0;
    params = str_trim(params);
    if (params.n > 0 && params.p[0] == ';') {
        params = str_from(params, 1);
    }
    while (sip_param_next(&params, &name, &value)) {
        name = feature_name(name);
        if (!str_is_set(name)) {
            continue;
        }
        if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"') {
            value = str_make(value.p + 1, value.n - 2);
        }
        room = feature_add(set, name, value) && room;
    }
    return room;
}

/* ---- values ---- */

enum kind { TOKEN, STRING, NUMBER };

/** Numbers from lo to hi; a bound that is `open` does not belong to it. */
struct range {
    double lo, hi;
    bool open_lo, open_hi;
};

static const double endless = 1e300 * 1e300;

struct value {
    enum kind kind;
    bool not ;
    struct str text;
    struct range range; /**< NUMBER, as if it were not negated */
};

/** [sign] digits [. digits], the whole of `s`. */
static bool read_number(struct str s, double *out)
{
    double mantissa = 0;
    double scale = 1;
    size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+') ? 1 : 0;
    bool negative = i == 1 && s.p[0] == '-';
    bool dot = false;
    if (i == s.n || s.p[i] == '.' || s.n > 40) {
        return false;
    }
    for (; i < s.n; i++) {
        if (s.p[i] == '.' && !dot) {
            dot = true;
        } else if (s.p[i] >= '0' && s.p[i] <= '9') {
            mantissa = mantissa * 10 + (s.p[i] - '0');
            scale *= dot ? 10 : 1;
        } else {
            return false;
        }
    }
    *out = (negative ? -mantissa : mantissa) / scale;
    return true;
}

/** What follows '#': "=4", ">=4", "<=4", "1:4" (RFC 3840 §9). */
static bool read_range(struct str s, struct range *out)
{
    *out = (struct range){.lo = -endless, .hi = endless};
    if (str_starts(s, STR(">="))) {
        return read_number(str_from(s, 2), &out->lo);
    }
    if (str_starts(s, STR("<="))) {
        return read_number(str_from(s, 2), &out->hi);
    }
    if (str_starts(s, STR("="))) {
        bool ok = read_number(str_from(s, 1), &out->lo);
        out->hi = out->lo;
        return ok;
    }
    size_t colon = str_index(s, ':');
    return read_number(str_upto(s, colon), &out->lo) &&
           read_number(str_from(s, colon + 1), &out->hi) && out->lo <= out->hi;
}

static struct value read_value(struct str s)
{
    struct value v = {.kind = TOKEN};
    s = str_trim(s);
    while (s.n > 0 && s.p[0] == '!') {
        v.not = !v.not ;
        s = str_from(s, 1);
    }
    v.text = s;
    if (s.n >= 2 && s.p[0] == '<' && s.p[s.n - 1] == '>') {
        v.kind = STRING;
    } else if (s.n > 0 && s.p[0] == '#' && read_range(str_from(s, 1), &v.range)) {
        v.kind = NUMBER;
    } else if (v.not &&(str_ieq(s, STR("TRUE")) || str_ieq(s, STR("FALSE")))) {
        v.not = false;
        v.text = str_ieq(s, STR("TRUE")) ? STR("FALSE") : STR("TRUE");
    }
    return v;
}

static bool overlap(const struct range *a, const struct range *b)
{
    double lo = a->lo > b->lo ? a->lo : b->lo;
    double hi = a->hi < b->hi ? a->hi : b->hi;
    bool open = (a->lo == lo && a->open_lo) || (b->lo == lo && b->open_lo) ||
                (a->hi == hi && a->open_hi) || (b->hi == hi && b->open_hi);
    return lo < hi || (lo == hi && !open);
}

/** The numbers that a value allows: one range, or the two beside it. */
static size_t ranges_of(const struct value *v, struct range out[2])
{
    size_t n = 0;
    if (!v->not ) {
        out[0] = v->range;
        return 1;
    }
    if (v->range.lo > -endless) {
        out[n++] = (struct range){.lo = -endless, .hi = v->range.lo, .open_hi = true};
    }
    if (v->range.hi < endless) {
        out[n++] = (struct range){.lo = v->range.hi, .hi = endless, .open_lo = true};
    }
    return n;
}

static bool numbers_meet(const struct value *a, const struct value *b)
{
    struct range ra[2], rb[2];
    size_t na = ranges_of(a, ra);
    size_t nb = ranges_of(b, rb);
    for (size_t i = 0; i < na * nb; i++) {
        if (overlap(&ra[i / nb], &rb[i % nb])) {
            return true;
        }
    }
    return false;
}

static bool values_meet(const struct value *a, const struct value *b)
{
    if (a->kind == NUMBER && b->kind == NUMBER) {
        return numbers_meet(a, b);
    }
    bool same = a->kind == b->kind &&
                (a->kind == STRING ? str_eq(a->text, b->text) : str_ieq(a->text, b->text));
    return a->not &&b->not ? true : a->not || b->not ? !same : same;
}

/** Values apart at their commas; a string is one value, whatever is in it. */
static size_t read_values(struct str s, struct value out[FEATURE_VALUES_MAX])
{
    size_t n = 0;
    if (!str_is_set(s)) {
        s = STR("TRUE");
    }
    if (str_starts(s, STR("<")) || str_starts(s, STR("!<"))) {
        out[0] = read_value(s);
        return 1;
    }
    for (bool more = true; more && n < FEATURE_VALUES_MAX;) {
        size_t comma = str_index(s, ',');
        out[n++] = read_value(str_upto(s, comma));
        more = comma < s.n;
        s = str_from(s, comma + 1);
    }
    return n;
}

static bool tags_meet(struct str a, struct str b)
{
    struct value va[FEATURE_VALUES_MAX], vb[FEATURE_VALUES_MAX];
    size_t na = read_values(a, va);
    size_t nb = read_values(b, vb);
    for (size_t i = 0; i < na; i++) {
        for (size_t k = 0; k < nb; k++) {
            if (values_meet(&va[i], &vb[k])) {
                return true;
            }
        }
    }
    return false;
}

bool feature_fit(const struct feature_set *a, const struct feature_set *b)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct feature *other = feature_find(b, a->tag[i].name);
        if (other != NULL && !tags_meet(a->tag[i].value, other->value)) {
            return false;
        }
    }
    return true;
}

size_t feature_common(const struct feature_set *want, const struct feature_set *has)
{
    size_t n = 0;
    for (size_t i = 0; i < want->count; i++) {
        n += feature_find(has, want->tag[i].name) != NULL;
    }
    return n;
}
