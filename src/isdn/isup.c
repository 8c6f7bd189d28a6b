/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages: see isup.h.
 *
 * A change is one span that becomes another: all optional parameters, or (USR) the one
 * mandatory parameter. What lies behind the span moves, so each pointer that leads behind it is
 * written anew; everything else is copied.
 */
#include "isdn/isup.h"
#include "base/err.h"
#include "mime/multipart.h"

static uint8_t octet(struct str s, size_t i)
{
    return (uint8_t)s.p[i];
}

/* ---- the table: type, name, fixed octets, variable parameters, optional part, UUI, indicators
 * ---- */

/* Q.763 Tables 21 to 55. */
static const struct isup_layout itu[] = {
    {0x01, "IAM", 5, 1, true, true, true},    {0x02, "SAM", 0, 1, true, false, false},
    {0x03, "INR", 2, 0, true, false, false},  {0x04, "INF", 2, 0, true, false, false},
    {0x05, "COT", 1, 0, false, false, false}, {0x06, "ACM", 2, 0, true, true, true},
    {0x07, "CON", 2, 0, true, true, true},    {0x08, "FOT", 0, 0, true, false, false},
    {0x09, "ANM", 0, 0, true, true, true},    {0x0C, "REL", 0, 1, true, true, true},
    {0x0D, "SUS", 1, 0, true, false, false},  {0x0E, "RES", 1, 0, true, false, false},
    {0x10, "RLC", 0, 0, true, false, false},  {0x11, "CCR", 0, 0, false, false, false},
    {0x12, "RSC", 0, 0, false, false, false}, {0x13, "BLO", 0, 0, false, false, false},
    {0x14, "UBL", 0, 0, false, false, false}, {0x15, "BLA", 0, 0, false, false, false},
    {0x16, "UBA", 0, 0, false, false, false}, {0x17, "GRS", 0, 1, false, false, false},
    {0x18, "CGB", 1, 1, false, false, false}, {0x19, "CGU", 1, 1, false, false, false},
    {0x1A, "CGA", 1, 1, false, false, false}, {0x1B, "CUA", 1, 1, false, false, false},
    {0x1F, "FAR", 1, 0, true, false, true},   {0x20, "FAA", 1, 0, true, false, true},
    {0x21, "FRJ", 1, 1, true, false, true},   {0x24, "LPA", 0, 0, false, false, false},
    {0x29, "GRA", 0, 1, false, false, false}, {0x2A, "CQM", 0, 1, false, false, false},
    {0x2B, "CQR", 0, 2, false, false, false}, {0x2C, "CPG", 1, 0, true, true, true},
    {0x2D, "USR", 0, 1, true, true, false},   {0x2E, "UCI", 0, 0, false, false, false},
    {0x2F, "CFN", 0, 1, true, false, false},  {0x30, "OLM", 0, 0, false, false, false},
    {0x32, "NRM", 0, 0, true, false, false},  {0x33, "FAC", 0, 0, true, false, false},
    {0x34, "UPT", 0, 0, true, false, false},  {0x35, "UPA", 0, 0, true, false, false},
    {0x36, "IDR", 0, 0, true, false, false},  {0x37, "IRS", 0, 0, true, false, false},
    {0x38, "SGM", 0, 0, true, true, false},   {0x40, "LPR", 0, 0, true, false, false},
    {0x41, "APM", 0, 0, true, false, false},  {0x42, "PRI", 0, 0, true, false, false},
    {0x43, "SDN", 0, 0, true, false, false},
};

/* T1.113.3: IAM has a mandatory User service information, and no transmission medium. */
static const struct isup_layout ansi[] = {
    {0x01, "IAM", 4, 2, true, true, true},
    {0x10, "RLC", 0, 0, false, false, false},
};

static const struct isup_layout *search(const struct isup_layout *row, size_t n, uint8_t type)
{
    for (size_t i = 0; i < n; i++) {
        if (row[i].type == type) {
            return &row[i];
        }
    }
    return NULL;
}

static const struct isup_layout *layout_of(uint8_t type, enum isup_base base)
{
    const struct isup_layout *own =
        base == ISUP_ANSI ? search(ansi, ARRAY_LEN(ansi), type) : NULL;

    return own != NULL ? own : search(itu, ARRAY_LEN(itu), type);
}

enum isup_base isup_base_of(struct str content_type)
{
    struct str name;

    if (!mime_param(content_type, STR("base"), &name) &&
        !mime_param(content_type, STR("version"), &name)) {
        return ISUP_ITU;
    }
    return str_istarts(name, STR("ansi")) || str_istarts(name, STR("gr317")) ? ISUP_ANSI
                                                                             : ISUP_ITU;
}

/* ---- reading ---- */

/** Where a pointer leads. @return false: before the end of the pointers, or out of the message
 */
static bool follow(struct str octets, size_t pointer, size_t pointers_end, size_t *to)
{
    *to = pointer + octet(octets, pointer);
    return *to >= pointers_end && *to < octets.n;
}

/** Optional parameters from `at`: offset of the 00 behind them. @return false: there is none */
static bool find_end(struct str octets, size_t at, size_t *end)
{
    while (at < octets.n && octet(octets, at) != 0) {
        if (at + 1 >= octets.n) {
            return false;
        }
        at += 2 + (size_t)octet(octets, at + 1);
    }
    *end = at;
    return at < octets.n;
}

struct span {
    size_t from, to;
};

static bool overlaps(const struct span *span, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (span[i].from < span[k].to && span[k].from < span[i].to) {
                return true;
            }
        }
    }
    return false;
}

int isup_view(struct str octets, enum isup_base base, struct isup_msg *out)
{
    struct span span[ISUP_VARIABLE_MAX + 1];
    const struct isup_layout *l;
    size_t n = 0, end;

    *out = (struct isup_msg){.octets = octets};
    if (octets.n == 0) {
        return E_SYNTAX;
    }
    l = layout_of(octet(octets, 0), base);
    if (l == NULL) {
        return E_UNSUPPORTED;
    }
    out->layout = l;
    out->pointers = 1 + (size_t)l->fixed;
    end = out->pointers + l->variable + (l->optional ? 1 : 0);
    if (octets.n < end) {
        return E_SYNTAX;
    }
    out->fixed = str_make(octets.p + 1, l->fixed);
    for (; n < l->variable; n++) {
        struct span *s = &span[n];
        if (!follow(octets, out->pointers + n, end, &s->from)) {
            return E_SYNTAX;
        }
        s->to = s->from + 1 + octet(octets, s->from);
        if (s->to > octets.n) {
            return E_SYNTAX;
        }
        out->variable[n] = str_make(octets.p + s->from + 1, s->to - s->from - 1);
    }
    if (l->optional && octet(octets, end - 1) != 0) {
        struct span *s = &span[n++];
        if (!follow(octets, end - 1, end, &s->from) || !find_end(octets, s->from, &s->to)) {
            return E_SYNTAX;
        }
        out->optional = str_make(octets.p + s->from, s->to - s->from);
        s->to++;
    }
    return overlaps(span, n) ? E_SYNTAX : 0;
}

bool isup_param_next(struct str *rest, struct isup_param *out)
{
    if (rest->n < 2 || rest->n < 2 + (size_t)octet(*rest, 1)) {
        return false;
    }
    out->code = octet(*rest, 0);
    out->content = str_make(rest->p + 2, octet(*rest, 1));
    *rest = str_from(*rest, 2 + out->content.n);
    return true;
}

/** How many there are with that code; *last: the last one. */
static size_t find(const struct isup_msg *m, uint8_t code, struct str *last)
{
    struct str rest = m->optional;
    struct isup_param p;
    size_t n = 0;

    while (isup_param_next(&rest, &p)) {
        if (p.code == code) {
            *last = p.content;
            n++;
        }
    }
    return n;
}

int isup_uui_get(const struct isup_msg *m, struct str *octets)
{
    struct str found = STR_NONE;
    size_t n = find(m, ISUP_USER_TO_USER, &found);

    *octets = STR_NONE;
    if (m->layout->type == ISUP_USR) {
        found = m->variable[0];
        n++;
    }
    if (n > 1) {
        return E_TOOMANY;
    }
    if (found.n == 0) {
        return E_NOTFOUND;
    }
    if (found.n > ISDN_UUI_MAX) {
        return E_TOOBIG;
    }
    *octets = found;
    return 0;
}

/* ---- writing ---- */

/** @param content  at most 255 octets */
static void put_param(struct out *o, uint8_t code, struct str content)
{
    out_ch(o, (char)code);
    out_ch(o, (char)content.n);
    out_str(o, content);
}

int isup_param_write(struct out *o, uint8_t code, struct str content)
{
    if (content.n > UINT8_MAX) {
        return E_TOOBIG;
    }
    put_param(o, code, content);
    return o->over ? E_SPACE : 0;
}

/**
 * All that stands before the span, which gets `len` octets instead of what it has: pointers
 * that lead behind it are put right. @param optional  where the optional part begins; 0: none
 */
static int write_head(const struct isup_msg *m, struct span span, size_t len, size_t optional,
                      struct out *o)
{
    const struct isup_layout *l = m->layout;
    size_t end = m->pointers + l->variable + (l->optional ? 1 : 0);

    out_str(o, str_upto(m->octets, m->pointers));
    for (size_t at = m->pointers; at < end; at++) {
        bool last = l->optional && at == end - 1;
        size_t to = last ? optional : at + octet(m->octets, at);
        if (to >= span.to && to > span.from) {
            to = to - (span.to - span.from) + len;
        }
        if (to > at + UINT8_MAX) {
            return E_TOOBIG;
        }
        out_ch(o, (char)(to == 0 ? 0 : to - at));
    }
    out_str(o, str_make(m->octets.p + end, span.from - end));
    return 0;
}

static int write_tail(const struct isup_msg *m, struct span span, struct out *o)
{
    out_str(o, str_from(m->octets, span.to));
    return o->over ? E_SPACE : 0;
}

/** The optional parameters as they are to be. */
static void write_params(const struct isup_msg *m, struct str octets, struct out *o)
{
    struct str rest = m->optional;
    struct isup_param p;

    while (isup_param_next(&rest, &p)) {
        if (p.code != ISUP_USER_TO_USER) {
            put_param(o, p.code, p.content);
        } else if (str_is_set(octets)) {
            put_param(o, p.code, octets);
            octets = STR_NONE; /* once */
        }
    }
    if (str_is_set(octets)) {
        put_param(o, ISUP_USER_TO_USER, octets);
    }
}

/** A message without optional part gets one, behind all else. */
static int append_optional(const struct isup_msg *m, struct str octets, struct out *o)
{
    struct span span = {m->octets.n, m->octets.n};
    int err = write_head(m, span, 0, m->octets.n, o);

    if (err == 0) {
        write_params(m, octets, o);
        out_ch(o, 0);
        err = o->over ? E_SPACE : 0;
    }
    return err;
}

static int set_optional(const struct isup_msg *m, struct str octets, struct out *o)
{
    size_t from = (size_t)(m->optional.p - m->octets.p);
    struct span span = {from, from + m->optional.n};
    struct out count;
    int err;

    out_init(&count, NULL, 0);
    write_params(m, octets, &count);
    if (count.need == 0) {
        span.to++; /* nothing is left: the 00 goes too, and the pointer says so */
        from = 0;
    }
    err = write_head(m, span, count.need, from, o);
    if (err == 0) {
        write_params(m, octets, o);
        err = write_tail(m, span, o);
    }
    return err;
}

/** USR: length and contents of its first parameter. */
static int set_mandatory(const struct isup_msg *m, struct str octets, struct out *o)
{
    size_t from = (size_t)(m->variable[0].p - m->octets.p) - 1;
    struct span span = {from, from + 1 + m->variable[0].n};
    size_t optional = str_is_set(m->optional) ? (size_t)(m->optional.p - m->octets.p) : 0;
    int err = write_head(m, span, 1 + octets.n, optional, o);

    if (err == 0) {
        out_ch(o, (char)octets.n);
        out_str(o, octets);
        err = write_tail(m, span, o);
    }
    return err;
}

int isup_uui_set(const struct isup_msg *m, struct str octets, struct out *o)
{
    struct str had;

    if (str_is_set(octets) && (octets.n == 0 || octets.n > ISDN_UUI_MAX)) {
        return octets.n == 0 ? E_VALUE : E_TOOBIG;
    }
    if (m->layout->type == ISUP_USR) {
        return str_is_set(octets) ? set_mandatory(m, octets, o) : E_UNSUPPORTED;
    }
    if (str_is_set(octets) && !m->layout->info) {
        return E_UNSUPPORTED;
    }
    if (str_is_set(octets) && !str_is_set(m->optional)) {
        return append_optional(m, octets, o);
    }
    if (!str_is_set(octets) && find(m, ISUP_USER_TO_USER, &had) == 0) {
        out_str(o, m->octets);
        return o->over ? E_SPACE : 0;
    }
    return set_optional(m, octets, o);
}

/* ---- indicators (Q.763 §3.60) ---- */

struct isup_indicators isup_indicators_of(uint8_t octet)
{
    return (struct isup_indicators){
        .response = (octet & 0x01) != 0,
        .service = {octet >> 1 & 3, octet >> 3 & 3, octet >> 5 & 3},
        .discarded = (octet & 0x80) != 0,
    };
}

uint8_t isup_indicators_octet(const struct isup_indicators *i)
{
    return (uint8_t)((i->response ? 0x01 : 0) | (i->service[0] & 3) << 1 |
                     (i->service[1] & 3) << 3 | (i->service[2] & 3) << 5 |
                     (i->discarded ? 0x80 : 0));
}

int isup_indicators_get(const struct isup_msg *m, struct isup_indicators *out)
{
    struct str found = STR_NONE;
    size_t n = find(m, ISUP_USER_TO_USER_INDICATORS, &found);

    *out = (struct isup_indicators){0};
    if (n != 1) {
        return n == 0 ? E_NOTFOUND : E_TOOMANY;
    }
    if (found.n != 1) {
        return E_SYNTAX;
    }
    *out = isup_indicators_of(octet(found, 0));
    return 0;
}
