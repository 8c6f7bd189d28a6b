/* SPDX-License-Identifier: Apache-2.0 */
/* See wire.h. */
#include "wire.h"

#include <stdlib.h>

static struct str line_of(struct str bytes)
{
    return str_upto(bytes, str_find(bytes, STR("\r\n")));
}

/** Method of the CSeq. */
static struct str cseq_method(struct str bytes)
{
    struct str v = str_trim(wire_raw(bytes, "CSeq", 0));
    return str_trim(str_from(v, str_index(v, ' ')));
}

static bool status_is(struct str line, struct str digits)
{
    struct str got = str_upto(str_from(line, 8), 3);
    for (size_t i = 0; i < 3; i++) {
        if (got.n < 3 || (digits.p[i] != 'x' && digits.p[i] != got.p[i])) {
            return false;
        }
    }
    return true;
}

bool wire_is(struct str bytes, const char *pattern)
{
    struct str p = str_c(pattern), line = line_of(bytes);
    size_t lt = str_index(p, '<'), sp = str_index(p, ' ');
    if (str_starts(line, STR("SIP/2.0 "))) {
        return sp == 3 && status_is(line, p) && str_eq(cseq_method(bytes), str_from(p, 4));
    }
    struct str method = str_upto(line, str_index(line, ' '));
    if (!str_eq(method, str_upto(p, lt))) {
        return false;
    }
    struct str text = str_upto(str_from(p, lt + 1), p.n - lt - (lt < p.n ? 2 : 0));
    return lt == p.n || str_find(wire_body(bytes), text) < wire_body(bytes).n;
}

static struct str copy_of(struct str s)
{
    char *copy = malloc(s.n + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, s.p, s.n);
    return str_make(copy, s.n);
}

static void tap(void *ctx, struct vpacket *p)
{
    struct wire *w = ctx;
    for (size_t i = 0; i < w->rules; i++) {
        struct wire_rule *r = &w->rule[i];
        if ((r->from != NULL && r->from != p->from) || (r->to != NULL && r->to != p->to) ||
            !wire_is(p->bytes, r->pattern)) {
            continue;
        }
        if (r->skip > 0) {
            r->skip--;
        } else if (r->count > 0) {
            r->count--;
            p->copies = r->delay_ms == 0 ? 0 : p->copies;
            p->delay_ms += r->delay_ms;
        }
    }
    if (w->n == w->cap) {
        w->cap = w->cap == 0 ? 256 : w->cap * 2;
        w->packet = realloc(w->packet, w->cap * sizeof(*w->packet));
    }
    struct str sent = copy_of(p->bytes);
    if (w->packet == NULL) {
        abort();
    }
    if (w->box != NULL) {
        w->box(w->box_ctx, p);
    }
    bool changed = !str_eq(sent, p->bytes);
    w->packet[w->n++] = (struct wire_packet){.from = p->from,
                                             .to = p->to,
                                             .time_ms = w->net->now_ms,
                                             .lost = p->copies == 0,
                                             .bytes = sent,
                                             .arrived = changed ? copy_of(p->bytes) : STR_NONE};
}

void wire_up(struct wire *w, struct vnet *net)
{
    *w = (struct wire){.net = net};
    net->tap = tap;
    net->tap_ctx = w;
}

void wire_down(struct wire *w)
{
    for (size_t i = 0; i < w->n; i++) {
        free((void *)(uintptr_t)w->packet[i].bytes.p);
        free((void *)(uintptr_t)w->packet[i].arrived.p);
    }
    free(w->packet);
    w->net->tap = NULL;
    *w = (struct wire){0};
}

void wire_delay(struct wire *w, const struct vnode *from, const struct vnode *to,
                const char *pattern, unsigned skip, unsigned count, uint32_t ms)
{
    if (w->rules == WIRE_RULES) {
        abort();
    }
    w->rule[w->rules++] = (struct wire_rule){from, to, pattern, skip, count, ms};
}

void wire_lose(struct wire *w, const struct vnode *from, const struct vnode *to,
               const char *pattern, unsigned skip, unsigned count)
{
    wire_delay(w, from, to, pattern, skip, count, 0);
}

static bool matches(const struct wire_packet *p, const struct vnode *from,
                    const struct vnode *to, const char *pattern)
{
    return (from == NULL || p->from == from) && (to == NULL || p->to == to) &&
           wire_is(p->bytes, pattern);
}

static const struct wire_packet *find(const struct wire *w, const struct vnode *from,
                                      const struct vnode *to, const char *pattern, size_t nth)
{
    for (size_t i = 0; i < w->n; i++) {
        if (matches(&w->packet[i], from, to, pattern) && nth-- == 0) {
            return &w->packet[i];
        }
    }
    return NULL;
}

struct str wire_find(const struct wire *w, const struct vnode *from, const struct vnode *to,
                     const char *pattern, size_t nth)
{
    const struct wire_packet *p = find(w, from, to, pattern, nth);
    return p != NULL ? p->bytes : STR_NONE;
}

struct str wire_arrived(const struct wire *w, const struct vnode *from, const struct vnode *to,
                        const char *pattern, size_t nth)
{
    const struct wire_packet *p = find(w, from, to, pattern, nth);
    return p == NULL ? STR_NONE : str_is_set(p->arrived) ? p->arrived : p->bytes;
}

size_t wire_count(const struct wire *w, const struct vnode *from, const struct vnode *to,
                  const char *pattern)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        n += matches(&w->packet[i], from, to, pattern);
    }
    return n;
}

/** Octets of the header line at the front, its folds included, without the last CRLF. */
static size_t line_length(struct str rest)
{
    size_t at = 0;
    for (;;) {
        at += str_find(str_from(rest, at), STR("\r\n"));
        if (at + 2 >= rest.n || (rest.p[at + 2] != ' ' && rest.p[at + 2] != '\t')) {
            return at;
        }
        at += 2;
    }
}

struct str wire_raw(struct str bytes, const char *name, size_t nth)
{
    struct str rest = str_from(bytes, str_find(bytes, STR("\r\n")) + 2);
    while (rest.n > 2 && !str_starts(rest, STR("\r\n"))) {
        size_t n = line_length(rest);
        struct str line = str_upto(rest, n);
        size_t colon = str_index(line, ':');
        if (str_ieq(str_trim(str_upto(line, colon)), str_c(name)) && nth-- == 0) {
            return str_from(line, colon + 1);
        }
        rest = str_from(rest, n + 2);
    }
    return STR_NONE;
}

struct str wire_body(struct str bytes)
{
    return str_from(bytes, str_find(bytes, STR("\r\n\r\n")) + 4);
}
