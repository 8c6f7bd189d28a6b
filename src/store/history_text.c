/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that were, as CSV and JSON; see history.h. */
#include "csta/json_text.h"
#include "store/history.h"
#include <time.h>

int64_t history_seconds(const struct history_call *c)
{
    return c->answered_ms == 0 || c->ended_ms < c->answered_ms
               ? 0
               : (c->ended_ms - c->answered_ms + 500) / 1000;
}

void history_time_text(int64_t ms, struct out *o)
{
    time_t s = (time_t)(ms / 1000);
    struct tm t;

    if (ms != 0 && gmtime_r(&s, &t) != NULL) {
        out_fmt(o, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", t.tm_year + 1900, t.tm_mon + 1,
                t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, (int)(ms % 1000));
    }
}

/**
 * Would a spreadsheet run it? Who calls chooses what he is called. A number in the world
 * ("+4930123456") is none: it stays as it is.
 */
static bool is_formula(struct str s)
{
    static const char starts[] = {'=', '+', '-', '@', '\t', '\r'};
    struct str digits = str_from(s, 1);

    if (s.n == 0 || memchr(starts, s.p[0], sizeof(starts)) == NULL) {
        return false;
    }
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return true;
        }
    }
    return s.p[0] != '+' || digits.n == 0;
}

static void csv_field(struct out *o, struct str s)
{
    out_ch(o, '"');
    if (is_formula(s)) {
        out_ch(o, '\'');
    }
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"') {
            out_ch(o, '"');
        }
        out_ch(o, s.p[i]);
    }
    out_ch(o, '"');
}

/** The columns of CSV and the members of JSON. */
struct column {
    const char *name;
    struct str value;
    bool number;
};
enum { COLUMNS = 11 };

struct texts {
    char began[40], answered[40], ended[40], seconds[24];
};

static struct str time_of(int64_t ms, char buf[40])
{
    struct out o;

    out_init(&o, buf, 40);
    history_time_text(ms, &o);
    return o.n > 0 ? out_str_of(&o) : STR_NONE;
}

static void columns_of(const struct history_call *c, struct texts *t, struct column *out)
{
    struct out n; /* nothing while the call stands */

    out_init(&n, t->seconds, sizeof(t->seconds));
    if (c->ended_ms != 0) {
        out_u64(&n, (uint64_t)history_seconds(c));
    }
    const struct column all[COLUMNS] = {
        {"call", c->call, false},
        {"began", time_of(c->began_ms, t->began), false},
        {"answered", time_of(c->answered_ms, t->answered), false},
        {"ended", time_of(c->ended_ms, t->ended), false},
        {"seconds", out_str_of(&n), true},
        {"calling", c->calling, false},
        {"called", c->called, false},
        {"answeredBy", c->answered_by, false},
        {"cause", c->cause, false},
        {"moves", c->moves, false},
        {"uui", c->uui, false},
    };

    memcpy(out, all, sizeof(all));
}

void history_csv_head(struct out *o)
{
    struct column col[COLUMNS];
    struct texts t;

    columns_of(&(struct history_call){0}, &t, col);
    for (size_t i = 0; i < COLUMNS; i++) {
        out_c(o, i > 0 ? "," : "");
        out_c(o, col[i].name);
    }
    out_c(o, "\r\n");
}

void history_csv(const struct history_call *c, struct out *o)
{
    struct column col[COLUMNS];
    struct texts t;

    columns_of(c, &t, col);
    for (size_t i = 0; i < COLUMNS; i++) {
        out_c(o, i > 0 ? "," : "");
        csv_field(o, col[i].value);
    }
    out_c(o, "\r\n");
}

void history_json(const struct history_call *c, struct out *o)
{
    struct column col[COLUMNS];
    struct texts t;

    columns_of(c, &t, col);
    for (size_t i = 0; i < COLUMNS; i++) {
        if (!str_is_set(col[i].value)) {
            continue;
        }
        out_fmt(o, "%s\"%s\": ", i > 0 ? ", " : "{", col[i].name);
        if (col[i].number) {
            out_str(o, col[i].value.n > 0 ? col[i].value : STR("null"));
        } else {
            json_put_string(o, col[i].value);
        }
    }
    out_ch(o, '}');
}
