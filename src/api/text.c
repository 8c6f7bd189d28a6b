/* SPDX-License-Identifier: Apache-2.0 */
/* See text.h. */
#include "api/text.h"
#include "base/err.h"
#include "csta/json_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

static bool room(struct text *t, size_t more)
{
    size_t cap = t->cap == 0 ? 1024 : t->cap;
    if (t->failed || more <= t->cap - t->n) {
        return !t->failed;
    }
    while (cap - t->n < more) {
        cap *= 2;
    }
    char *p = arena_alloc(t->arena, cap);
    t->failed = p == NULL;
    if (p != NULL) {
        memcpy(p, text_str(t).p, t->n);
        t->p = p;
        t->cap = cap;
    }
    return !t->failed;
}

void text_add(struct text *t, struct str s)
{
    if (s.n > 0 && room(t, s.n)) {
        memcpy(t->p + t->n, s.p, s.n);
        t->n += s.n;
    }
}

void text_c(struct text *t, const char *s)
{
    text_add(t, str_c(s));
}

void text_fmt(struct text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n > 0 && room(t, (size_t)n + 1)) {
        (void)vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void text_json(struct text *t, struct str s)
{
    size_t most = s.n * 6 + 2;
    struct out o;
    if (room(t, most)) {
        out_init(&o, t->p + t->n, most);
        json_put_string(&o, s);
        t->n += o.n;
    }
}

void text_name(struct text *t, const char *name)
{
    char last = t->n > 0 ? t->p[t->n - 1] : '{';
    text_fmt(t, "%s\"%s\":", last == '{' || last == '[' ? "" : ",", name);
}

void text_member(struct text *t, const char *name, struct str value)
{
    text_name(t, name);
    text_json(t, value);
}

void text_time(struct text *t, uint64_t wall_ms)
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    (void)gmtime_r(&s, &tm);
    text_fmt(t, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", tm.tm_year + 1900, tm.tm_mon + 1,
             tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(wall_ms % 1000));
}

void text_reply(struct api_request *r, const struct text *t)
{
    if (t->failed) {
        api_busy(r, E_NOMEM);
    } else {
        api_reply_json(r, text_str(t));
    }
}
