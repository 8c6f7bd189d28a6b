/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times of day, days of the week and dates, as people write opening hours; and the zone that
 * they are meant in.
 *
 *     mon-fri 08:00-18:00      sat,sun          22:00-06:00
 *     2026-12-24..2027-01-01   12-24..12-26     12-31 12:00-24:00
 *
 * A period has days of the week, dates and a span of time, each at most once and in any
 * order; all that are given must hold. A span that runs over midnight belongs to the day on
 * which it begins: `fri 22:00-06:00` ends on Saturday morning.
 *
 * ZONES. The core has no clock and no time zone of its own. A zone is a table of the moments
 * at which its offset changed or will, and a rule for the time after the last: both come in the
 * form in which systems keep them (RFC 8536 "TZif", the rule being a POSIX TZ text). Whoever
 * has files reads them; the zone itself is plain data. Offsets are seconds east of Greenwich.
 */
#ifndef BATON_RULES_WHEN_H
#define BATON_RULES_WHEN_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

/* ---- zones ---- */

/** "The last Sunday of March, two o'clock": when a half of the year begins (POSIX TZ). */
struct zone_change {
    uint8_t form;             /**< 'M' month.week.day, 'J' day without 29 February, '0' day */
    uint8_t month, week, day; /**< M: 1-12, 1-5 (5: the last), 0-6 from Sunday */
    uint16_t year_day;        /**< J: 1-365; 0: 0-365 */
    int32_t at_s;             /**< local time, may be negative or beyond 24 hours */
};

struct zone_step {
    int64_t from_s; /**< seconds since 1970 */
    int32_t offset_s;
};

struct zone {
    const struct zone_step *step; /**< in ascending order; may be NULL */
    size_t step_count;
    int32_t before_s; /**< offset before the first step */
    bool has_rule;    /**< for the time after the last step */
    bool has_summer;
    int32_t standard_s, summer_s; /**< offsets by that rule */
    struct zone_change to_summer, to_standard;
};

/** Zeros are UTC. A POSIX TZ text: "CET-1CEST,M3.5.0,M10.5.0/3". @return false: it is none */
bool zone_parse_posix(struct str text, struct zone *out);

/** "+01:00", "-0330", "UTC", "Z". @return false: it is none */
bool zone_parse_offset(struct str text, struct zone *out);

/** A TZif file (RFC 8536), its table copied into the arena. @return 0, E_SYNTAX, E_NOMEM */
int zone_parse_tzif(struct arena *a, struct str bytes, struct zone *out) MUST_USE;

int32_t zone_offset(const struct zone *z, int64_t unix_s);

/** A moment as a wall clock shows it. */
struct local_time {
    int32_t day;      /**< days since 1970-01-01 */
    uint16_t minute;  /**< of the day */
    uint8_t week_day; /**< 0: Sunday */
    int32_t year;
    uint8_t month, month_day; /**< from 1 */
};

void local_time_of(const struct zone *z, int64_t unix_s, struct local_time *out);

/** Days since 1970-01-01 of a date of the Gregorian calendar. */
int32_t days_of_date(int32_t year, unsigned month, unsigned day);

/* ---- periods ---- */

struct period {
    uint8_t week_days; /**< bit n: day n; 0: all */
    bool has_dates, yearly;
    int32_t first, last; /**< days since 1970; yearly: month * 100 + day */
    uint16_t from, to;   /**< minutes; equal: all day */
};

/** @return false with the offset of what is wrong in *at */
bool period_parse(struct str text, struct period *out, size_t *at);
bool period_holds(const struct period *p, const struct zone *z, int64_t unix_s);

#endif
