/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones as data: the TZif reader, the POSIX TZ rule, the civil calendar.
 *
 * A TZif file (RFC 8536) has its data twice, in 32 and 64 bits; the second block is the one to
 * read, and behind it stands the rule for the future between two line ends. A file of version 1
 * has only the first block, and its last offset goes on for ever.
 *
 * Leap seconds in such files ("right/") are not applied: unix_s does not count them.
 */
#include "base/err.h"
#include "rules/when.h"

enum { DAY_S = 86400, STEPS_MAX = 2000 };

/* ---- the calendar (proleptic Gregorian, days from 1970-01-01) ---- */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

int32_t days_of_date(int32_t year, unsigned month, unsigned day)
{
    /* years from March, so that the leap day is the last one; eras of 400 years */
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = floor_div(y, 400);
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    return (int32_t)(era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468);
}

static void date_of_days(int32_t days, struct local_time *out)
{
    int64_t z = (int64_t)days + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    out->month_day = (uint8_t)(doy - (153 * mp + 2) / 5 + 1);
    out->month = (uint8_t)(mp < 10 ? mp + 3 : mp - 9);
    out->year = (int32_t)(yoe + era * 400 + (out->month <= 2));
}

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint8_t week_day_of(int32_t days)
{
    int64_t w = ((int64_t)days + 4) % 7;
    return (uint8_t)(w < 0 ? w + 7 : w);
}

/* ---- the rule ---- */

/** Seconds since 1970 of local midnight of the day that the change falls on, plus its time. */
static int64_t change_at(const struct zone_change *c, int32_t year)
{
    int32_t day;
    if (c->form == 'M') {
        int32_t first = days_of_date(year, c->month, 1);
        int32_t next = c->month == 12 ? days_of_date(year + 1, 1, 1)
                                      : days_of_date(year, c->month + 1u, 1);
        day = first + (c->day + 7 - week_day_of(first)) % 7 + 7 * (c->week - 1);
        if (day >= next) {
            day -= 7;
        }
    } else if (c->form == 'J') {
        day = days_of_date(year, 1, 1) + c->year_day - 1 + (is_leap(year) && c->year_day > 59);
    } else {
        day = days_of_date(year, 1, 1) + c->year_day;
    }
    return (int64_t)day * DAY_S + c->at_s;
}

static int32_t rule_offset(const struct zone *z, int64_t unix_s)
{
    struct local_time t;
    if (!z->has_summer) {
        return z->standard_s;
    }
    date_of_days((int32_t)floor_div(unix_s + z->standard_s, DAY_S), &t);
    /* each change is given in the time that was valid until then */
    int64_t summer = change_at(&z->to_summer, t.year) - z->standard_s;
    int64_t standard = change_at(&z->to_standard, t.year) - z->summer_s;
    bool in_summer = summer < standard ? unix_s >= summer && unix_s < standard
                                       : unix_s >= summer || unix_s < standard;
    return in_summer ? z->summer_s : z->standard_s;
}

int32_t zone_offset(const struct zone *z, int64_t unix_s)
{
    size_t lo = 0, hi = z->step_count;
    if (z->has_rule && (hi == 0 || unix_s >= z->step[hi - 1].from_s)) {
        return rule_offset(z, unix_s);
    }
    while (lo < hi) { /* the first step that is later */
        size_t mid = lo + (hi - lo) / 2;
        if (z->step[mid].from_s <= unix_s) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo == 0 ? z->before_s : z->step[lo - 1].offset_s;
}

void local_time_of(const struct zone *z, int64_t unix_s, struct local_time *out)
{
    int64_t local = unix_s + zone_offset(z, unix_s);
    out->day = (int32_t)floor_div(local, DAY_S);
    out->minute = (uint16_t)((local - (int64_t)out->day * DAY_S) / 60);
    out->week_day = week_day_of(out->day);
    date_of_days(out->day, out);
}

/* ---- POSIX TZ ---- */

struct reader {
    const char *p, *end;
    bool bad;
};

static bool take(struct reader *r, char c)
{
    if (r->p < r->end && *r->p == c) {
        r->p++;
        return true;
    }
    return false;
}

static uint32_t number(struct reader *r, uint32_t most)
{
    uint32_t v = 0;
    const char *from = r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && r->p - from < 6) {
        v = v * 10 + (uint32_t)(*r->p++ - '0');
    }
    r->bad = r->bad || r->p == from || v > most;
    return v;
}

/** hh[:mm[:ss]] with a sign. */
static int32_t clock_value(struct reader *r)
{
    bool minus = take(r, '-');
    if (!minus) {
        (void)take(r, '+');
    }
    uint32_t s = number(r, 167) * 3600;
    if (take(r, ':')) {
        s += number(r, 59) * 60;
        if (take(r, ':')) {
            s += number(r, 59);
        }
    }
    return minus ? -(int32_t)s : (int32_t)s;
}

/** A zone's name: letters, or anything of <+03>. */
static void skip_name(struct reader *r)
{
    const char *from = r->p;
    if (take(r, '<')) {
        while (r->p < r->end && *r->p != '>') {
            r->p++;
        }
        r->bad = r->bad || !take(r, '>');
        return;
    }
    while (r->p < r->end && ascii_lower(*r->p) >= 'a' && ascii_lower(*r->p) <= 'z') {
        r->p++;
    }
    r->bad = r->bad || r->p - from < 3;
}

static void change(struct reader *r, struct zone_change *c)
{
    r->bad = r->bad || !take(r, ',');
    if (take(r, 'M')) {
        c->form = 'M';
        c->month = (uint8_t)number(r, 12);
        r->bad = r->bad || !take(r, '.');
        c->week = (uint8_t)number(r, 5);
        r->bad = r->bad || !take(r, '.');
        c->day = (uint8_t)number(r, 6);
        r->bad = r->bad || c->month == 0 || c->week == 0;
    } else if (take(r, 'J')) {
        c->form = 'J';
        c->year_day = (uint16_t)number(r, 365);
        r->bad = r->bad || c->year_day == 0;
    } else {
        c->form = '0';
        c->year_day = (uint16_t)number(r, 365);
    }
    c->at_s = take(r, '/') ? clock_value(r) : 7200;
}

bool zone_parse_posix(struct str text, struct zone *out)
{
    if (text.n == 0) {
        return false;
    }
    struct reader r = {text.p, text.p + text.n, false};
    struct zone z = {.has_rule = true};
    skip_name(&r);
    z.standard_s = -clock_value(&r); /* POSIX counts west */
    z.before_s = z.standard_s;
    if (!r.bad && r.p < r.end) {
        skip_name(&r);
        z.has_summer = true;
        z.summer_s = r.p < r.end && *r.p != ',' ? -clock_value(&r) : z.standard_s + 3600;
        change(&r, &z.to_summer);
        change(&r, &z.to_standard);
    }
    if (r.bad || r.p != r.end) {
        return false;
    }
    *out = z;
    return true;
}

bool zone_parse_offset(struct str text, struct zone *out)
{
    if (str_ieq(text, STR("UTC")) || str_ieq(text, STR("Z"))) {
        *out = (struct zone){0};
        return true;
    }
    if (text.n != 6 && text.n != 5) {
        return false;
    }
    struct reader r = {text.p + 1, text.p + 3, false};
    uint32_t h = number(&r, 14);
    r.bad = r.bad || r.p != r.end;
    bool colon = text.p[3] == ':';
    r = (struct reader){text.p + 3 + colon, text.p + text.n, r.bad};
    uint32_t min = number(&r, 59);
    if (r.bad || r.p != r.end || colon != (text.n == 6) ||
        (text.p[0] != '+' && text.p[0] != '-')) {
        return false;
    }
    int32_t s = (int32_t)(h * 3600 + min * 60);
    *out = (struct zone){.before_s = text.p[0] == '-' ? -s : s};
    return true;
}

/* ---- TZif ---- */

static uint32_t be32(const char *p)
{
    const unsigned char *u = (const unsigned char *)p;
    return (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
}

struct tzif {
    uint32_t isut, isstd, leap, times, types, chars;
};

/** The head of a block. @return octets of the block's data, 0 when it is none */
static size_t read_head(struct str bytes, size_t width, struct tzif *h)
{
    if (bytes.n < 44 || memcmp(bytes.p, "TZif", 4) != 0) {
        return 0;
    }
    *h = (struct tzif){be32(bytes.p + 20), be32(bytes.p + 24), be32(bytes.p + 28),
                       be32(bytes.p + 32), be32(bytes.p + 36), be32(bytes.p + 40)};
    if (h->types == 0 || h->types > 256 || h->times > STEPS_MAX || h->chars > 65536 ||
        h->leap > 65536 || h->isut > 256 || h->isstd > 256) {
        return 0;
    }
    return h->times * (width + 1) + h->types * 6u + h->chars + h->leap * (width + 4) +
           h->isstd + h->isut;
}

static int64_t be_time(const char *p, size_t width)
{
    if (width == 4) {
        return (int32_t)be32(p);
    }
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static int read_block(struct arena *a, const char *p, size_t width, const struct tzif *h,
                      struct zone *z)
{
    const char *index = p + h->times * width;
    const char *types = index + h->times;
    struct zone_step *step = arena_alloc(a, (h->times + 1) * sizeof(*step));
    if (step == NULL) {
        return E_NOMEM;
    }
    for (uint32_t i = 0; i < h->times; i++) {
        unsigned type = (unsigned char)index[i];
        if (type >= h->types) {
            return E_SYNTAX;
        }
        step[i].from_s = be_time(p + i * width, width);
        step[i].offset_s = (int32_t)be32(types + type * 6);
        if ((i > 0 && step[i].from_s <= step[i - 1].from_s) || step[i].offset_s > DAY_S ||
            step[i].offset_s < -DAY_S) {
            return E_SYNTAX;
        }
    }
    z->step = step;
    z->step_count = h->times;
    z->before_s = (int32_t)be32(types);
    return z->before_s > DAY_S || z->before_s < -DAY_S ? E_SYNTAX : 0;
}

int zone_parse_tzif(struct arena *a, struct str bytes, struct zone *out)
{
    struct tzif h;
    struct zone rule;
    size_t width = 4, data = read_head(bytes, width, &h);
    *out = (struct zone){0};
    if (data == 0 || bytes.n - 44 < data) {
        return E_SYNTAX;
    }
    if (bytes.p[4] >= '2') {
        bytes = str_from(bytes, 44 + data);
        width = 8;
        data = read_head(bytes, width, &h);
        if (data == 0 || bytes.n - 44 < data) {
            return E_SYNTAX;
        }
    }
    int err = read_block(a, bytes.p + 44, width, &h, out);
    struct str footer = str_from(bytes, 44 + data);
    if (err == 0 && width == 8 && footer.n >= 2 && footer.p[0] == '\n') {
        footer = str_from(footer, 1);
        if (zone_parse_posix(str_upto(footer, str_index(footer, '\n')), &rule)) {
            rule.step = out->step;
            rule.step_count = out->step_count;
            rule.before_s = out->before_s;
            *out = rule;
        }
    }
    return err;
}
