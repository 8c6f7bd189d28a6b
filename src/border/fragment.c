/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user information in fragments of messages: `message/sipfrag` (RFC 3420), in which a
 * NOTIFY may repeat the response that a referred party gave, and `message/sip`; alone or as
 * parts. Their headers are looked at like those of a message: lines of values, and URIs that
 * embed some. To the rules all of it stands in the body.
 *
 * Nothing is translated: a fragment quotes somebody. A body of it within the body is not looked
 * at. COST: linear in the fragment; nothing where the Content-Type is another one.
 */
#include "base/err.h"
#include "border/find.h"
#include "border/scan.h"
#include "mime/multipart.h"
#include "sip/hdr.h"

enum {
    PARTS_DEPTH = 4,
    SHORTER = 8, /**< has no room for a value, and the scan does not look at it */
};

static bool is_fragment(struct str type)
{
    type = str_trim(str_upto(type, str_index(type, ';')));
    return str_ieq(type, STR("message/sipfrag")) || str_ieq(type, STR("message/sip"));
}

/** The next header with its folds and line ends. @return false: behind the last one */
static bool cut_header(struct str *rest, struct str *out)
{
    size_t n = 0;
    if (rest->n == 0 || rest->p[0] == '\r' || rest->p[0] == '\n') {
        return false;
    }
    do {
        n += str_index(str_from(*rest, n), '\n');
        n += n < rest->n ? 1 : 0;
    } while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'));
    *out = str_upto(*rest, n);
    *rest = str_from(*rest, n);
    return true;
}

static void find_in_header(struct border_found *f, struct str line)
{
    size_t colon = str_index(line, ':');
    struct str name = str_trim(str_upto(line, colon));
    struct str value = str_trim(str_from(line, colon + 1));
    enum sip_hdr_id id = sip_hdr_id_of(name);
    struct border_text t = {.s = value, .base = (uint32_t)(value.p - f->m->buf)};
    if (value.n == 0) {
        return;
    }
    if (id == SIP_HDR_USER_TO_USER || border_is_x_header(name)) {
        uint32_t group = border__values(f, &t, BORDER_BODY, name, SIP_HDR_OTHER);
        if (group != BORDER_NOWHERE) {
            struct border_group *g = border_group_at(f, group);
            g->from = (uint32_t)(line.p - f->m->buf);
            g->to = g->from + (uint32_t)line.n;
        }
    } else if (border_has_uris(id)) {
        border__addresses(f, &t, (sip_hdr_flags(id) & SIP_HDRF_LIST) != 0, id);
    }
}

static void find_in_fragment(struct border_found *f, struct str rest)
{
    uint32_t first = f->values.n;
    struct str line;
    while (f->err == 0 && cut_header(&rest, &line)) {
        find_in_header(f, line);
    }
    for (uint32_t i = first; i < f->values.n; i++) {
        struct border_value *b = border_value_at(f, i);
        b->place = BORDER_BODY;
        b->header = SIP_HDR_OTHER;
        b->foreign = false;
    }
}

static void walk(struct border_found *f, struct str type, struct str body, unsigned depth)
{
    struct multipart it;
    struct mime_part part;
    if (is_fragment(type)) {
        find_in_fragment(f, body);
        return;
    }
    if (depth == PARTS_DEPTH || !mime_is_multipart(type) ||
        multipart_begin(&it, type, body) != 0) {
        return;
    }
    while (f->err == 0 && multipart_next(&it, &part) == 1) {
        if (!str_is_set(mime_header(&part, STR("Content-Transfer-Encoding")))) {
            walk(f, mime_header(&part, STR("Content-Type")), part.body, depth + 1);
        }
    }
}

void border__fragments(struct border_found *f)
{
    struct str type = sip_msg_value(f->m, SIP_HDR_CONTENT_TYPE);
    struct str body = sip_msg_body(f->m);
    if (f->err == 0 && str_is_set(type) && body.n > SHORTER &&
        !sip_msg_has(f->m, SIP_HDR_CONTENT_ENCODING)) {
        walk(f, type, body, 0);
    }
}

bool border_changes_fragment(const struct border_found *f)
{
    for (uint32_t i = 0; i < f->values.n; i++) {
        const struct border_value *b = border_value_at(f, i);
        if (b->place == BORDER_BODY && b->body == 0 && (b->gone || str_is_set(b->put))) {
            return true;
        }
    }
    return false;
}

int border_emit(const struct border_found *f, struct border_patch *p, struct str *out)
{
    const struct sip_msg *m = f->m;
    const struct sip_hdr *length = sip_msg_line(m, SIP_HDR_CONTENT_LENGTH);
    struct str whole = str_make(m->buf, m->len), n;
    int err = border_patch_emit(p, whole, out);
    if (err != 0 || length == NULL || !border_changes_fragment(f)) {
        return err;
    }
    /* how long it has become shows in what comes out: cuts may overlap */
    size_t head = str_find(*out, STR("\r\n\r\n")) + 4;
    n = arena_fmt(f->arena, "%zu", out->n - (head < out->n ? head : out->n));
    if (!str_is_set(n)) {
        return E_NOMEM;
    }
    border_patch_add(p, length->val_off, length->val_off + length->val_len, n);
    return border_patch_emit(p, whole, out);
}
