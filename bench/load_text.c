/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages out, messages in, with as little work as the purpose allows.
 *
 * Reading walks over the lines of the head once and keeps those that an answer repeats or that
 * name the call. It believes its server: no syntax is checked beyond what finds the lines.
 */
#include "load.h"
#include <stdarg.h>
#include <stdlib.h>

void mould_make(struct mould *m, const char *fmt, ...)
{
    static const char marks[] = "################";
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(m->text, sizeof(m->text), fmt, ap);
    va_end(ap);
    m->n = (uint32_t)n;
    m->places = 0;
    for (const char *p = m->text; n >= 0 && (p = strstr(p, marks)) != NULL; p += 16) {
        if (m->places == sizeof(m->at) / sizeof(m->at[0])) {
            n = -1;
            break;
        }
        m->at[m->places++] = (uint32_t)(p - m->text);
    }
    if (n < 0 || (size_t)n >= sizeof(m->text)) {
        fprintf(stderr, "load: a message template is too long\n");
        exit(1);
    }
}

char *mould_pour(const struct mould *m, char *to, uint64_t id)
{
    char digits[16];
    hex16_write(digits, id);
    memcpy(to, m->text, m->n);
    for (uint32_t i = 0; i < m->places; i++) {
        memcpy(to + m->at[i], digits, 16);
    }
    return to + m->n;
}

void hex16_write(char *to, uint64_t id)
{
    for (int i = 15; i >= 0; i--, id >>= 4) {
        to[i] = "0123456789abcdef"[id & 15];
    }
}

bool hex16_read(struct str s, uint64_t *id)
{
    uint64_t v = 0;
    if (s.n < 16) {
        return false;
    }
    for (int i = 0; i < 16; i++) {
        int d = hex_digit(s.p[i]);
        if (d < 0) {
            return false;
        }
        v = v << 4 | (unsigned)d;
    }
    *id = v;
    return true;
}

static uint32_t number_at(const char *p, const char *end)
{
    uint32_t v = 0;
    while (p < end && *p >= '0' && *p <= '9') {
        v = v * 10 + (uint32_t)(*p++ - '0');
    }
    return v;
}

static void on_cseq(struct seen *s, struct str line)
{
    struct str v = seen_value(line);
    const char *end = v.p + v.n;
    const char *sp = memchr(v.p, ' ', v.n);
    s->cseq = line;
    s->cseq_number = number_at(v.p, end);
    if (s->status != 0 && sp != NULL && sp + 1 < end) {
        s->method = sp[1];
    }
}

/** Which line it is shows in its first letter and the place of its colon. */
static void on_line(struct seen *s, struct str line)
{
    const char *colon = memchr(line.p, ':', line.n < 24 ? line.n : 24);
    size_t n = colon == NULL ? 0 : (size_t)(colon - line.p);
    switch (line.p[0] | 0x20) {
    case 'v':
        if ((n == 3 || n == 1) && s->vias < LOAD_VIAS) {
            s->via[s->vias++] = line;
        }
        break;
    case 'r':
        if (n == 12 && (line.p[2] | 0x20) == 'c' && s->record_routes < LOAD_ROUTES) {
            s->record_route[s->record_routes++] = line;
        }
        break;
    case 'f':
        s->from = n == 4 || n == 1 ? line : s->from;
        break;
    case 't':
        s->to = n == 2 || n == 1 ? line : s->to;
        break;
    case 'i':
        s->call_id = n == 1 ? line : s->call_id;
        break;
    case 'm':
        s->contact = n == 1 ? line : s->contact;
        break;
    case 'u':
        s->uui = n == 12 ? line : s->uui;
        break;
    case 'c':
        if (n == 4) {
            on_cseq(s, line);
        } else if (n == 7) {
            *((line.p[1] | 0x20) == 'a' ? &s->call_id : &s->contact) = line;
        }
        break;
    default:
        break;
    }
}

bool seen_read(struct seen *s, struct str msg)
{
    const char *p = msg.p;
    const char *end = msg.p + msg.n;
    memset(s, 0, sizeof(*s));
    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        if (nl == NULL) {
            return false;
        }
        struct str line = {p, (size_t)(nl + 1 - p)};
        p = nl + 1;
        if (line.n <= 2) {
            s->body = str_make(p, (size_t)(end - p));
            return s->from.p != NULL && s->to.p != NULL && s->call_id.p != NULL &&
                   s->cseq.p != NULL && s->vias > 0;
        }
        if (s->start.p == NULL) {
            bool answer = line.n > 12 && memcmp(line.p, "SIP/2.0 ", 8) == 0;
            s->start = line;
            s->status = answer ? number_at(line.p + 8, nl) : 0;
            s->method = answer ? '?' : line.p[0];
        } else {
            on_line(s, line);
        }
    }
    return false;
}

struct str seen_value(struct str line)
{
    size_t colon = str_index(line, ':');
    return str_trim(str_from(line, colon + 1));
}

struct str seen_uri(struct str line)
{
    size_t from = str_index(line, '<') + 1;
    struct str rest = str_from(line, from);
    size_t n = str_index(rest, '>');
    return from < line.n && n < rest.n ? str_upto(rest, n) : STR_NONE;
}

size_t seen_answer(const struct seen *s, struct str status, struct str tag, struct str rest,
                   char *to)
{
    char *p = put(to, status);
    bool has_tag = str_find(s->to, STR(";tag=")) < s->to.n;
    for (unsigned i = 0; i < s->vias; i++) {
        p = put(p, s->via[i]);
    }
    for (unsigned i = 0; i < s->record_routes; i++) {
        p = put(p, s->record_route[i]);
    }
    p = put(p, s->from);
    if (has_tag) {
        p = put(p, s->to);
    } else {
        p = put(p, str_upto(s->to, s->to.n - 2));
        p = put(p, STR(";tag="));
        p = put(p, tag);
        p = put(p, STR("\r\n"));
    }
    p = put(p, s->call_id);
    p = put(p, s->cseq);
    return (size_t)(put(p, rest) - to);
}
