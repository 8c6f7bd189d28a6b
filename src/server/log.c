/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log.
 *
 *   text   2026-01-31T12:00:00.123Z warn  net: flow 7 closed: its peer does not read
 *   json   {"time":"2026-01-31T12:00:00.123Z","level":"warn","module":"net","text":"…"}
 *
 * Behind the text stands whom the line is about, as far as it is known: callID, device,
 * sipCallID, who, request, traceparent; `key=value` in text, members in JSON.
 *
 * THREADS. Lines may come from any; each is one write. Levels are behind a lock.
 */
#include "server/log.h"
#include "base/out.h"
#include "base/utf8.h"
#include "server/lines.h"
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TEXT_MAX_LEN = 1024, ID_MAX_LEN = 160 };

struct log {
    struct log_form form;
    struct lines lines;
    pthread_mutex_t lock; /**< of levels and form */
    struct log_levels levels;
};

static const struct trace_ids nobody = {0};

/** Of a clock that never jumps: a following ends by it. */
static uint64_t now_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct log *log_new(enum trace_level level, bool json, const char *file)
{
    struct log *l = calloc(1, sizeof(*l));
    if (l == NULL || !lines_open(&l->lines, file)) {
        free(l);
        return NULL;
    }
    (void)pthread_mutex_init(&l->lock, NULL);
    l->levels.all = level;
    l->form.json = json;
    return l;
}

void log_free(struct log *l)
{
    if (l != NULL) {
        lines_close(&l->lines);
        (void)pthread_mutex_destroy(&l->lock);
        free(l);
    }
}

void log_reopen(struct log *l)
{
    if (!lines_reopen(&l->lines)) {
        log_fmt(l, TRACE_ERROR, "log", "%s: %s", l->lines.file, strerror(errno));
    }
}

void log_set_uui(struct log *l, enum log_uui uui)
{
    (void)pthread_mutex_lock(&l->lock);
    l->form.uui = uui;
    (void)pthread_mutex_unlock(&l->lock);
}

/* ---- levels ---- */

void log_set_level(struct log *l, enum trace_level level)
{
    pthread_mutex_lock(&l->lock);
    l->levels.all = level;
    pthread_mutex_unlock(&l->lock);
}

void log_levels_get(struct log *l, struct log_levels *out)
{
    pthread_mutex_lock(&l->lock);
    log_levels_expire(&l->levels, now_ms());
    *out = l->levels;
    pthread_mutex_unlock(&l->lock);
}

int log_level_change(struct log *l, struct str module, const enum trace_level *level)
{
    int err = 0;
    pthread_mutex_lock(&l->lock);
    if (level != NULL) {
        err = log_levels_set(&l->levels, module, *level);
    } else {
        log_levels_unset(&l->levels, module);
    }
    pthread_mutex_unlock(&l->lock);
    return err;
}

int log_follow_change(struct log *l, struct str id, uint64_t for_ms)
{
    uint64_t now = now_ms();
    int err = 0;
    pthread_mutex_lock(&l->lock);
    if (for_ms > 0) {
        err = log_levels_follow(&l->levels, id, now + for_ms, now);
    } else {
        log_levels_unfollow(&l->levels, id);
    }
    pthread_mutex_unlock(&l->lock);
    return err;
}

uint64_t log_seconds_until(uint64_t until_ms)
{
    uint64_t now = now_ms();
    return until_ms > now ? (until_ms - now + 999) / 1000 : 0;
}

static bool wants(struct log *l, enum trace_level level, const char *module,
                  const struct trace_ids *ids)
{
    pthread_mutex_lock(&l->lock);
    bool yes =
        log_levels_wants(&l->levels, level, module, ids, l->levels.followed > 0 ? now_ms() : 0);
    pthread_mutex_unlock(&l->lock);
    return yes;
}

bool log_wants(struct log *l, enum trace_level level)
{
    return wants(l, level, "", &nobody);
}

enum trace_level log_lowest(struct log *l)
{
    struct log_levels now;
    log_levels_get(l, &now);
    return log_levels_lowest(&now);
}

/* ---- the line ---- */

void log_escape(struct out *o, struct str s, bool json)
{
    for (size_t i = 0; i < s.n;) {
        unsigned char c = (unsigned char)s.p[i];
        size_t n = utf8_len(str_from(s, i));
        /* U+0080 to U+009F are control characters too: a terminal may obey them */
        bool control = n == 2 && c == 0xc2 && (unsigned char)s.p[i + 1] < 0xa0;
        if (control && json) {
            out_fmt(o, "\\u%04x", (unsigned char)s.p[i + 1]);
            i += n;
            continue;
        }
        if (n > 1 && !control) {
            out_str(o, str_upto(str_from(s, i), n));
            i += n;
            continue;
        }
        if (n != 1 || c < 0x20 || c == 0x7f) {
            out_fmt(o, json ? "\\u%04x" : "\\x%02x", c);
        } else {
            if (json && (c == '"' || c == '\\')) {
                out_ch(o, '\\');
            }
            out_ch(o, (char)c);
        }
        i++;
    }
}

/** Does a value of `key=value` need quotes? */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ' || s.p[i] == '"' || s.p[i] == '=') {
            return false;
        }
    }
    return s.n > 0;
}

/** Between quotes of the text form nothing of a value ends them: else whoever chooses the value
    could write fields of his own behind it. */
static void write_quoted(struct out *o, struct str s)
{
    while (s.n > 0) {
        size_t n = 0;
        while (n < s.n && s.p[n] != '"' && s.p[n] != '\\') {
            n++;
        }
        log_escape(o, str_upto(s, n), false);
        if (n < s.n) {
            out_ch(o, '\\');
            out_ch(o, s.p[n++]);
        }
        s = str_from(s, n);
    }
}

static void write_id(struct out *o, const struct log_form *f, const char *name, struct str id)
{
    char buf[ID_MAX_LEN * 2];
    struct out clean;
    if (id.n == 0) {
        return;
    }
    out_init(&clean, buf, sizeof(buf));
    log_blank(&clean, str_upto(id, ID_MAX_LEN), f->uui);
    bool quotes = f->json || !is_plain(id);
    out_fmt(o, f->json ? ",\"%s\":" : " %s=", name);
    out_c(o, quotes ? "\"" : "");
    if (quotes && !f->json) {
        write_quoted(o, out_str_of(&clean));
    } else {
        log_escape(o, out_str_of(&clean), f->json);
    }
    out_c(o, quotes ? "\"" : "");
}

static void write_ids(struct out *o, const struct log_form *f, const struct trace_ids *ids)
{
    write_id(o, f, "callID", ids->call);
    write_id(o, f, "device", ids->device);
    write_id(o, f, "sipCallID", ids->sip_call);
    write_id(o, f, "who", ids->who);
    write_id(o, f, "request", ids->request);
    write_id(o, f, "traceparent", ids->parent);
}

void log_format(struct out *o, const struct log_form *form, enum trace_level level,
                const char *module, const struct trace_ids *ids, struct str text)
{
    char buf[TEXT_MAX_LEN * 2];
    struct out clean;
    out_init(&clean, buf, sizeof(buf));
    log_blank(&clean, str_upto(text, TEXT_MAX_LEN), form->uui);
    if (form->json) {
        out_fmt(o, "\"level\":\"%s\",\"module\":\"%s\",\"text\":\"", log_level_name(level),
                module);
        log_escape(o, out_str_of(&clean), true);
        out_ch(o, '"');
    } else {
        out_fmt(o, "%-5s %s: ", log_level_name(level), module);
        log_escape(o, out_str_of(&clean), false);
    }
    write_ids(o, form, ids);
    out_c(o, form->json ? "}" : "");
}

void log_time(struct out *o)
{
    struct timespec now;
    struct tm tm;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &tm);
    out_fmt(o, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900, tm.tm_mon + 1,
            tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static void write_line(struct log *l, enum trace_level level, const char *module,
                       const struct trace_ids *ids, struct str text)
{
    /* every octet may become an escape of six */
    char line[(TEXT_MAX_LEN + 6 * ID_MAX_LEN) * 2 * 6 + 512];
    struct out o;
    (void)pthread_mutex_lock(&l->lock);
    const struct log_form form = l->form;
    (void)pthread_mutex_unlock(&l->lock);
    out_init(&o, line, sizeof(line));
    out_c(&o, form.json ? "{\"time\":\"" : "");
    log_time(&o);
    out_c(&o, form.json ? "\"," : " ");
    log_format(&o, &form, level, module, ids, text);
    out_ch(&o, '\n');
    lines_write(&l->lines, out_str_of(&o));
}

void log_write(void *ctx, enum trace_level level, const char *module,
               const struct trace_ids *ids, struct str text)
{
    struct log *l = ctx;
    if (wants(l, level, module, ids)) {
        write_line(l, level, module, ids, text);
    }
}

static void write_fmt(struct log *l, enum trace_level level, const char *module,
                      const struct trace_ids *ids, const char *fmt, va_list args)
{
    char text[TEXT_MAX_LEN];
    int n = vsnprintf(text, sizeof(text), fmt, args);
    if (n > 0) {
        write_line(l, level, module, ids,
                   str_make(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
    }
}

void log_fmt(struct log *l, enum trace_level level, const char *module, const char *fmt, ...)
{
    va_list args;
    if (wants(l, level, module, &nobody)) {
        va_start(args, fmt);
        write_fmt(l, level, module, &nobody, fmt, args);
        va_end(args);
    }
}

void log_fmt_of(struct log *l, enum trace_level level, const char *module,
                const struct trace_ids *ids, const char *fmt, ...)
{
    va_list args;
    if (wants(l, level, module, ids)) {
        va_start(args, fmt);
        write_fmt(l, level, module, ids, fmt, args);
        va_end(args);
    }
}
