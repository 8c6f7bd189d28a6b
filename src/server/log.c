/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log.
 *
 *   text   2026-01-31T12:00:00.123Z warn  net: flow 7 closed: its peer does not read
 *   json   {"time":"2026-01-31T12:00:00.123Z","level":"warn","module":"net","text":"…"}
 *
 * SECRETS. Whatever follows `response=`, `password=`, `ha1…=` or `key=` (also with a colon),
 * and the password in `sip:user:password@host`, becomes `***`. The modules do not log secrets;
 * this is the second lock, for lines that quote what came in.
 */
#include "server/log.h"
#include "base/out.h"
#include "base/utf8.h"
#include "server/lines.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXT_MAX_LEN 1024

struct log {
    enum trace_level level;
    bool json;
    struct lines lines;
};

struct log *log_new(enum trace_level level, bool json, const char *file)
{
    struct log *l = calloc(1, sizeof(*l));
    if (l == NULL || !lines_open(&l->lines, file)) {
        free(l);
        return NULL;
    }
    l->level = level;
    l->json = json;
    return l;
}

void log_free(struct log *l)
{
    if (l != NULL) {
        lines_close(&l->lines);
        free(l);
    }
}

void log_reopen(struct log *l)
{
    if (!lines_reopen(&l->lines)) {
        log_fmt(l, TRACE_ERROR, "log", "%s: %s", l->lines.file, strerror(errno));
    }
}

void log_set_level(struct log *l, enum trace_level level)
{
    l->level = level;
}

bool log_wants(const struct log *l, enum trace_level level)
{
    return level >= l->level;
}

/* ---- secrets ---- */

static bool is_word(char c)
{
    c = ascii_lower(c);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/** Octets of a secret's name at the front of `s`, and of what follows it up to the value;
    0: there is none. */
static size_t secret_name(struct str s)
{
    static const struct str names[] = {STR_INIT("response"),   STR_INIT("password"),
                                       STR_INIT("ha1"),        STR_INIT("ha1_md5"),
                                       STR_INIT("ha1_sha256"), STR_INIT("key")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = names[i].n;
        if (!str_istarts(s, names[i])) {
            continue;
        }
        while (n < s.n && s.p[n] == ' ') {
            n++;
        }
        bool colon = n + 1 < s.n && s.p[n] == ':' && s.p[n + 1] == ' ';
        if (!colon && (n >= s.n || s.p[n] != '=')) {
            continue;
        }
        n++;
        while (n < s.n && s.p[n] == ' ') {
            n++;
        }
        return n;
    }
    return 0;
}

/** Octets of the value at the front of `s`: a quoted string or up to a separator. */
static size_t secret_value(struct str s)
{
    size_t n = 0;
    if (s.n > 0 && s.p[0] == '"') {
        n = 1;
        while (n < s.n && s.p[n] != '"') {
            n += s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
        }
        return n < s.n ? n + 1 : n;
    }
    while (n < s.n && s.p[n] != ' ' && s.p[n] != ',' && s.p[n] != ';' && s.p[n] != '\r' &&
           s.p[n] != '\n') {
        n++;
    }
    return n;
}

/** "sip:user:" at the front of `s`, when a password and '@' follow: its length; 0: none. */
static size_t userinfo(struct str s, size_t *password)
{
    if (!str_istarts(s, STR("sip:")) && !str_istarts(s, STR("sips:"))) {
        return 0;
    }
    size_t colon = str_index(s, ':') + 1;
    size_t second = colon;
    while (second < s.n && s.p[second] != ':') {
        if (s.p[second] == ' ' || s.p[second] == '@' || s.p[second] == '>') {
            return 0;
        }
        second++;
    }
    size_t at = second;
    while (at < s.n && s.p[at] != '@') {
        if (s.p[at] == ' ' || s.p[at] == '>' || s.p[at] == ';') {
            return 0;
        }
        at++;
    }
    if (at >= s.n) {
        return 0;
    }
    *password = at - second - 1;
    return second + 1;
}

void log_blank(struct out *o, struct str s)
{
    size_t i = 0;
    while (i < s.n) {
        bool word_start = i == 0 || !is_word(s.p[i - 1]);
        size_t skip = 0;
        size_t n = word_start ? secret_name(str_from(s, i)) : 0;
        if (n > 0) {
            skip = secret_value(str_from(s, i + n));
        } else if (word_start) {
            n = userinfo(str_from(s, i), &skip);
        }
        if (n == 0) {
            out_ch(o, s.p[i++]);
            continue;
        }
        out_str(o, str_upto(str_from(s, i), n));
        out_c(o, "***");
        i += n + skip;
    }
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

void log_format(struct out *o, bool json, enum trace_level level, const char *module,
                struct str text)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char buf[TEXT_MAX_LEN * 2];
    struct out clean;
    out_init(&clean, buf, sizeof(buf));
    log_blank(&clean, str_upto(text, TEXT_MAX_LEN));
    if (json) {
        out_fmt(o, "\"level\":\"%s\",\"module\":\"%s\",\"text\":\"", names[level], module);
        log_escape(o, out_str_of(&clean), true);
        out_c(o, "\"}");
    } else {
        out_fmt(o, "%-5s %s: ", names[level], module);
        log_escape(o, out_str_of(&clean), false);
    }
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

void log_write(void *ctx, enum trace_level level, const char *module, struct str text)
{
    struct log *l = ctx;
    if (!log_wants(l, level)) {
        return;
    }
    char line[TEXT_MAX_LEN * 2 * 6 + 256]; /* every octet may become an escape of six */
    struct out o;
    out_init(&o, line, sizeof(line));
    out_c(&o, l->json ? "{\"time\":\"" : "");
    log_time(&o);
    out_c(&o, l->json ? "\"," : " ");
    log_format(&o, l->json, level, module, text);
    out_ch(&o, '\n');
    lines_write(&l->lines, out_str_of(&o));
}

void log_fmt(struct log *l, enum trace_level level, const char *module, const char *fmt, ...)
{
    if (!log_wants(l, level)) {
        return;
    }
    char text[TEXT_MAX_LEN];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (n > 0) {
        log_write(l, level, module,
                  str_make(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1));
    }
}
