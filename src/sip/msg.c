/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an indexed message: its parts, its lines, the values of its lists, and a copy
 * that owns itself.
 *
 * LISTS     A comma separates elements unless it stands in a quoted string or in angle
 *           brackets. Empty elements (",,", a trailing comma) are skipped, as the older
 *           list rule of RFC 2543 allowed; white space and folds around elements are
 *           taken off.
 * COPY      One block: struct, header array, octets, in this order. Only offsets are
 *           stored in the index, so nothing needs translation.
 */
#include "sip/msg.h"

#include "sip/lex.h"

struct str sip_msg_method(const struct sip_msg *m)
{
    return m->status == 0 ? str_make(m->buf, m->method_len) : STR_NONE;
}

struct str sip_msg_ruri(const struct sip_msg *m)
{
    return m->status == 0 ? str_make(m->buf + m->ruri_off, m->ruri_len) : STR_NONE;
}

bool sip_msg_is_sips(const struct sip_msg *m)
{
    return str_istarts(sip_msg_ruri(m), STR("sips:"));
}

struct str sip_msg_reason(const struct sip_msg *m)
{
    return m->status != 0 ? str_make(m->buf + m->ruri_off, m->ruri_len) : STR_NONE;
}

struct str sip_msg_body(const struct sip_msg *m)
{
    return str_make(m->buf + m->head_len, m->len - m->head_len);
}

const struct sip_hdr *sip_msg_line(const struct sip_msg *m, enum sip_hdr_id id)
{
    return m->first[id] == 0 ? NULL : &m->hdr[m->first[id] - 1];
}

const struct sip_hdr *sip_msg_next_line(const struct sip_msg *m, const struct sip_hdr *h)
{
    return h->next == 0 ? NULL : &m->hdr[h->next];
}

struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id)
{
    const struct sip_hdr *h = sip_msg_line(m, id);
    return h == NULL ? STR_NONE : sip_hdr_value(m, h);
}

const struct sip_hdr *sip_msg_named(const struct sip_msg *m, struct str name)
{
    enum sip_hdr_id id = sip_hdr_id_of(name);
    if (id != SIP_HDR_OTHER) {
        return sip_msg_line(m, id);
    }
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_OTHER); h != NULL;
         h = sip_msg_next_line(m, h)) {
        if (str_ieq(sip_hdr_name(m, h), name)) {
            return h;
        }
    }
    return NULL;
}

/* The first comma in [p, end) that separates, or `end`. Most values hold none at all. */
static const char *find_comma(const char *p, const char *end)
{
    if (memchr(p, ',', (size_t)(end - p)) == NULL) {
        return end;
    }
    bool quoted = false;
    bool angle = false;
    for (; p < end; p++) {
        char c = *p;
        if (quoted) {
            if (c == '\\' && p + 1 < end) {
                p++;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (angle) {
            angle = c != '>';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '<') {
            angle = true;
        } else if (c == ',') {
            return p;
        }
    }
    return end;
}

bool sip_list_next(struct str *rest, struct str *element)
{
    if (rest->n == 0) {
        return false; /* absent: there is no pointer to add to */
    }
    const char *p = rest->p;
    const char *end = sip_end(*rest);
    while (p < end) {
        const char *comma = find_comma(p, end);
        struct str e = str_trim(str_make(p, (size_t)(comma - p)));
        p = comma < end ? comma + 1 : end;
        if (e.n > 0) {
            *element = e;
            *rest = str_make(p, (size_t)(end - p));
            return true;
        }
    }
    *rest = str_make(end, 0);
    return false;
}

bool sip_msg_each(const struct sip_msg *m, enum sip_hdr_id id, struct sip_values *it,
                  struct str *value)
{
    if (!it->begun) {
        it->begun = true;
        it->line = sip_msg_line(m, id);
        it->at = 0;
    }
    while (it->line != NULL) {
        struct str whole = sip_hdr_value(m, it->line);
        struct str rest = str_from(whole, it->at);
        if (sip_list_next(&rest, value)) {
            it->at = (uint32_t)(whole.n - rest.n);
            return true;
        }
        it->line = sip_msg_next_line(m, it->line);
        it->at = 0;
    }
    return false;
}

bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct str token)
{
    struct sip_values it = {0};
    struct str v;
    while (sip_msg_each(m, id, &it, &v)) {
        if (str_ieq(v, token)) {
            return true;
        }
    }
    return false;
}

struct sip_msg_own *sip_msg_dup(const struct mem *mem, const struct sip_msg *m)
{
    size_t hdr_size = m->hdr_count * sizeof(struct sip_hdr);
    struct sip_msg_own *own = mem_alloc(mem, sizeof(*own) + hdr_size + m->len);
    if (own == NULL) {
        return NULL;
    }
    struct sip_hdr *hdr = (struct sip_hdr *)(void *)(own + 1);
    char *buf = (char *)hdr + hdr_size;
    own->m = *m;
    own->m.hdr = hdr;
    own->m.buf = buf;
    if (hdr_size > 0) {
        memcpy(hdr, m->hdr, hdr_size);
    }
    if (m->len > 0) {
        memcpy(buf, m->buf, m->len);
    }
    return own;
}
