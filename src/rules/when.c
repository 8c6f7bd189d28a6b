/* SPDX-License-Identifier: Apache-2.0 */
/* Periods: reading them, and whether one holds. See when.h. */
#include "rules/when.h"

static const char day_names[7][4] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

enum { MINUTES = 24 * 60 };

static bool two_digits(struct str s, size_t at, unsigned *out)
{
    if (s.n < at + 2 || s.p[at] < '0' || s.p[at] > '9' || s.p[at + 1] < '0' ||
        s.p[at + 1] > '9') {
        return false;
    }
    *out = (unsigned)(s.p[at] - '0') * 10 + (unsigned)(s.p[at + 1] - '0');
    return true;
}

/** "08:00-18:00" */
static bool parse_span(struct str s, struct period *p)
{
    unsigned h[2], m[2];
    for (size_t i = 0; i < 2; i++) {
        size_t at = i * 6;
        if (!two_digits(s, at, &h[i]) || !two_digits(s, at + 3, &m[i]) || s.p[at + 2] != ':' ||
            m[i] > 59 || h[i] * 60 + m[i] > MINUTES) {
            return false;
        }
    }
    p->from = (uint16_t)(h[0] * 60 + m[0]);
    p->to = (uint16_t)(h[1] * 60 + m[1]);
    return s.n == 11 && s.p[5] == '-' && p->from != p->to && p->from < MINUTES;
}

static bool parse_day(struct str s, unsigned *out)
{
    for (unsigned i = 0; i < 7; i++) {
        if (str_ieq(s, str_c(day_names[i]))) {
            *out = i;
            return true;
        }
    }
    return false;
}

/** "mon-fri,sun": ranges may run over the end of the week. */
static bool parse_days(struct str s, struct period *p)
{
    while (s.n > 0) {
        struct str one = str_upto(s, str_index(s, ','));
        unsigned first, last;
        if (!parse_day(str_upto(one, 3), &first)) {
            return false;
        }
        last = first;
        if (one.n > 3 && (one.p[3] != '-' || !parse_day(str_from(one, 4), &last))) {
            return false;
        }
        for (unsigned d = first;; d = (d + 1) % 7) {
            p->week_days |= (uint8_t)(1u << d);
            if (d == last) {
                break;
            }
        }
        if (one.n < s.n && one.n + 1 == s.n) {
            return false; /* a comma at the end */
        }
        s = str_from(s, one.n + 1);
    }
    return true;
}

static bool month_and_day(struct str s, int32_t year, unsigned *month, unsigned *day)
{
    static const uint8_t most[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (s.n != 5 || s.p[2] != '-' || !two_digits(s, 0, month) || !two_digits(s, 3, day) ||
        *month < 1 || *month > 12 || *day < 1 || *day > most[*month - 1]) {
        return false;
    }
    return *month != 2 || *day != 29 || year == 0 ||
           days_of_date(year, 3, 1) - days_of_date(year, 2, 29) == 1;
}

/** "2026-12-24" or "12-24". */
static bool parse_date(struct str s, bool *yearly, int32_t *out)
{
    unsigned century, rest, month, day;
    *yearly = s.n == 5;
    if (*yearly) {
        bool ok = month_and_day(s, 0, &month, &day);
        *out = ok ? (int32_t)(month * 100 + day) : 0;
        return ok;
    }
    if (s.n != 10 || !two_digits(s, 0, &century) || !two_digits(s, 2, &rest) || s.p[4] != '-') {
        return false;
    }
    int32_t year = (int32_t)(century * 100 + rest);
    if (year < 1970 || !month_and_day(str_from(s, 5), year, &month, &day)) {
        return false;
    }
    *out = days_of_date(year, month, day);
    return true;
}

static bool parse_dates(struct str s, struct period *p)
{
    size_t dots = str_find(s, STR(".."));
    bool yearly;
    p->has_dates = true;
    if (!parse_date(str_upto(s, dots), &p->yearly, &p->first)) {
        return false;
    }
    p->last = p->first;
    if (dots == s.n) {
        return true;
    }
    return parse_date(str_from(s, dots + 2), &yearly, &p->last) && yearly == p->yearly &&
           (yearly || p->first <= p->last);
}

static bool parse_word(struct str s, struct period *p)
{
    bool digit = s.p[0] >= '0' && s.p[0] <= '9';
    if (!digit) {
        return p->week_days == 0 && parse_days(s, p);
    }
    if (s.n > 2 && s.p[2] == ':') {
        return p->from == p->to && parse_span(s, p);
    }
    return !p->has_dates && parse_dates(s, p);
}

bool period_parse(struct str text, struct period *out, size_t *at)
{
    size_t i = 0;
    bool any = false;
    *out = (struct period){0};
    while (i < text.n) {
        if (text.p[i] == ' ') {
            i++;
            continue;
        }
        struct str word = str_from(text, i);
        word = str_upto(word, str_index(word, ' '));
        *at = i;
        if (!parse_word(word, out)) {
            return false;
        }
        any = true;
        i += word.n;
    }
    *at = 0;
    return any;
}

/** Do the days of the period have this one? `t` is the moment, `back` 1: the day before. */
static bool on_day(const struct period *p, const struct local_time *t, int32_t back)
{
    struct local_time day = *t;
    if (back != 0) {
        static const struct zone utc = {0};
        local_time_of(&utc, ((int64_t)t->day - back) * 86400, &day);
    }
    if (p->week_days != 0 && (p->week_days >> day.week_day & 1) == 0) {
        return false;
    }
    if (!p->has_dates) {
        return true;
    }
    int32_t v = p->yearly ? day.month * 100 + day.month_day : day.day;
    if (p->first <= p->last) {
        return v >= p->first && v <= p->last;
    }
    return v >= p->first || v <= p->last; /* over the new year */
}

bool period_holds(const struct period *p, const struct zone *z, int64_t unix_s)
{
    struct local_time t;
    local_time_of(z, unix_s, &t);
    if (p->from == p->to) {
        return on_day(p, &t, 0);
    }
    if (p->from < p->to) {
        return t.minute >= p->from && t.minute < p->to && on_day(p, &t, 0);
    }
    return (t.minute >= p->from && on_day(p, &t, 0)) || (t.minute < p->to && on_day(p, &t, 1));
}
