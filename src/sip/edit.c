/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edit list and its resolution.
 *
 * A change is one thing: "octets [from, to) disappear, and this text stands before them".
 * A put has to == from, a cut has no text. Emission sorts the changes by offset, then by
 * the order in which they were made, and walks the message once: what lies between two
 * changes is one borrowed run, each text is one run, and what a cut covers is left out.
 * Every change makes at most two runs, plus one for the rest.
 *
 * INVARIANTS  from <= to <= m->len. Lines are cut from their name to their CRLF, so what
 *             remains is a message with whole lines. Holds for messages that were indexed
 *             without a fault; others may not be edited.
 * COST        insertion sort: changes come nearly in order and are few. Texts that have to
 *             be composed ("Name: value") take one arena allocation each.
 */
#include "sip/edit.h"

#include "base/err.h"
#include "base/out.h"

void sip_edit_init(struct sip_edit *e, const struct sip_msg *m, struct arena *arena)
{
    e->m = m;
    e->arena = arena;
    e->err = 0;
    e->count = 0;
}

static void add(struct sip_edit *e, uint32_t from, uint32_t to, struct str put)
{
    if (e->err != 0 || (from == to && put.n == 0)) {
        return;
    }
    if (e->count == SIP_EDIT_MAX) {
        e->err = E_TOOMANY;
        return;
    }
    e->change[e->count] = (struct sip_change){from, to, put, e->count};
    e->count++;
}

/* Where the first header line starts, or the empty line when there is none. */
static uint32_t headers_start(const struct sip_msg *m)
{
    return m->hdr_count > 0 ? m->hdr[0].name_off : m->head_len - 2;
}

/* Where the empty line starts: new last lines go there. */
static uint32_t headers_end(const struct sip_msg *m)
{
    return m->head_len - 2;
}

static uint32_t line_end(const struct sip_msg *m, const struct sip_hdr *h)
{
    return h + 1 < m->hdr + m->hdr_count ? h[1].name_off : headers_end(m);
}

static void put_line(struct sip_edit *e, uint32_t at, struct str name, struct str value)
{
    const struct str parts[] = {name, STR(": "), value, STR("\r\n")};
    if (e->err != 0) {
        return;
    }
    struct str line = arena_join(e->arena, parts, ARRAY_LEN(parts));
    if (line.p == NULL) {
        e->err = E_NOMEM;
        return;
    }
    add(e, at, at, line);
}

void sip_edit_start_line(struct sip_edit *e, struct str line)
{
    add(e, 0, headers_start(e->m) - 2, line);
}

void sip_edit_cut_line(struct sip_edit *e, const struct sip_hdr *h)
{
    add(e, h->name_off, line_end(e->m, h), STR_NONE);
}

void sip_edit_cut(struct sip_edit *e, enum sip_hdr_id id)
{
    for (const struct sip_hdr *h = sip_msg_line(e->m, id); h != NULL;
         h = sip_msg_next_line(e->m, h)) {
        sip_edit_cut_line(e, h);
    }
}

void sip_edit_value(struct sip_edit *e, const struct sip_hdr *h, struct str value)
{
    add(e, h->val_off, h->val_off + h->val_len, value);
}

void sip_edit_span(struct sip_edit *e, uint32_t off, uint32_t len, struct str text)
{
    add(e, off, off + len, text);
}

void sip_edit_set(struct sip_edit *e, enum sip_hdr_id id, struct str value)
{
    const struct sip_hdr *h = sip_msg_line(e->m, id);
    if (h == NULL) {
        sip_edit_append(e, sip_hdr_id_name(id), value);
        return;
    }
    sip_edit_value(e, h, value);
    while ((h = sip_msg_next_line(e->m, h)) != NULL) {
        sip_edit_cut_line(e, h);
    }
}

void sip_edit_prepend(struct sip_edit *e, enum sip_hdr_id id, struct str value)
{
    const struct sip_hdr *h = sip_msg_line(e->m, id);
    put_line(e, h != NULL ? h->name_off : headers_start(e->m), sip_hdr_id_name(id), value);
}

void sip_edit_append(struct sip_edit *e, struct str name, struct str value)
{
    put_line(e, headers_end(e->m), name, value);
}

void sip_edit_top(struct sip_edit *e, struct str lines)
{
    uint32_t at = headers_start(e->m);
    add(e, at, at, lines);
}

void sip_edit_body(struct sip_edit *e, struct str type, struct str body)
{
    const struct sip_msg *m = e->m;
    sip_edit_cut(e, SIP_HDR_CONTENT_ENCODING);
    if (str_is_set(type)) {
        sip_edit_set(e, SIP_HDR_CONTENT_TYPE, type);
    } else {
        sip_edit_cut(e, SIP_HDR_CONTENT_TYPE);
        sip_edit_cut(e, SIP_HDR_CONTENT_DISPOSITION);
        sip_edit_cut(e, SIP_HDR_CONTENT_LANGUAGE);
    }
    struct str length = arena_fmt(e->arena, "%zu", body.n);
    if (length.p == NULL) {
        e->err = e->err != 0 ? e->err : E_NOMEM;
        return;
    }
    if (!str_eq(sip_msg_value(m, SIP_HDR_CONTENT_LENGTH), length) ||
        m->count[SIP_HDR_CONTENT_LENGTH] > 1) {
        sip_edit_set(e, SIP_HDR_CONTENT_LENGTH, length);
    }
    add(e, m->head_len, m->len, body);
}

/* Ascending by offset, then by order of making. */
static void sort(struct sip_edit *e)
{
    for (uint32_t i = 1; i < e->count; i++) {
        struct sip_change c = e->change[i];
        uint32_t j = i;
        while (j > 0 &&
               (e->change[j - 1].from > c.from ||
                (e->change[j - 1].from == c.from && e->change[j - 1].order > c.order))) {
            e->change[j] = e->change[j - 1];
            j--;
        }
        e->change[j] = c;
    }
}

bool sip_edit_only_cuts(const struct sip_edit *e)
{
    for (uint32_t i = 0; i < e->count; i++) {
        if (e->change[i].put.n > 0) {
            return false;
        }
    }
    return true;
}

int sip_edit_emit(struct sip_edit *e, struct str *run)
{
    const struct sip_msg *m = e->m;
    if (e->err != 0) {
        return e->err;
    }
    sort(e);
    int n = 0;
    uint32_t pos = 0; /* what lies before is emitted or cut */
    for (uint32_t i = 0; i < e->count; i++) {
        const struct sip_change *c = &e->change[i];
        if (c->from > pos) {
            run[n++] = str_make(m->buf + pos, c->from - pos);
            pos = c->from;
        }
        if (c->put.n > 0) {
            run[n++] = c->put;
        }
        if (c->to > pos) {
            pos = c->to;
        }
    }
    if (pos < m->len) {
        run[n++] = str_make(m->buf + pos, m->len - pos);
    }
    return n;
}

size_t sip_runs_len(const struct str *run, size_t n)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        len += run[i].n;
    }
    return len;
}

struct str sip_runs_flatten(const struct mem *mem, const struct str *run, size_t n)
{
    size_t len = sip_runs_len(run, n);
    char *p = mem_alloc(mem, len > 0 ? len : 1);
    if (p == NULL) {
        return STR_NONE;
    }
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (run[i].n > 0) {
            memcpy(p + at, run[i].p, run[i].n);
            at += run[i].n;
        }
    }
    return str_make(p, len);
}
