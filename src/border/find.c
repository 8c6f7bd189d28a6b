/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a message, and lists of values; URIs are find_uri.c's. */
#include "border/find.h"

#include "base/err.h"
#include "border/scan.h"

enum { FIRST_ROOM = 8 };

void *border__push(struct border_found *f, struct border_list *l, size_t size)
{
    if (f->err != 0) {
        return NULL;
    }
    if (l->n == l->room) {
        uint32_t room = l->room == 0 ? FIRST_ROOM : l->room * 2;
        char *more = room <= 2 * BORDER_VALUES_MAX ? arena_alloc(f->arena, room * size) : NULL;
        if (more == NULL) {
            f->err = room <= 2 * BORDER_VALUES_MAX ? E_NOMEM : E_TOOMANY;
            return NULL;
        }
        if (l->n > 0) {
            memcpy(more, l->at, l->n * size);
        }
        l->at = more;
        l->room = room;
    }
    void *at = (char *)l->at + size * l->n++;
    memset(at, 0, size);
    return at;
}

/** Read it as the neighbour means it: in its dialect where that writes, else as it stands. */
static int read_value(const struct border_found *f, struct border_value *b)
{
    static const struct uui_far canonical = {0};
    int err = uui_dialect_read(b->foreign ? f->far : &canonical, f->packages, b->text.s,
                               f->arena, &b->v);
    if (err == 0 && b->place != BORDER_HEADER && b->place != BORDER_URI_HEADER &&
        b->v.package.n == 0) {
        b->v.package = uui_isdn; /* in whatever form, that is what these places are for */
        b->v.isdn = true;
    }
    return err;
}

static void add_value(struct border_found *f, const struct border_value *like,
                      const struct border_text *element)
{
    struct border_value *b =
        f->values.n < BORDER_VALUES_MAX ? border__push(f, &f->values, sizeof(*b)) : NULL;
    if (b == NULL) {
        f->err = f->err != 0 ? f->err : E_TOOMANY;
        return;
    }
    *b = *like;
    b->text = *element;
    if (read_value(f, b) != 0) {
        f->err = E_NOMEM;
    }
}

uint32_t border__values(struct border_found *f, const struct border_text *t,
                        enum border_place place, struct str name, enum sip_hdr_id header)
{
    const struct uui_dialect *d = f->far->dialect;
    enum uui_place at = place == BORDER_URI_PARAM ? UUI_AT_URI_PARAM : UUI_AT_HEADER;
    bool foreign = d != NULL && uui_dialect_owns(d, at, name);
    bool list = foreign ? d->lists : str_ieq(name, STR("User-to-User")) && at == UUI_AT_HEADER;
    uint32_t index = f->groups.n;
    struct border_value like = {
        .group = index, .place = (uint8_t)place, .header = (uint8_t)header, .foreign = foreign};
    struct border_group *g = border__push(f, &f->groups, sizeof(*g));
    struct uui_cut it;
    struct str element;
    if (g == NULL) {
        return BORDER_NOWHERE;
    }
    g->first = f->values.n;
    if (list) {
        uui_cut_begin(&it, t->s);
        while (f->err == 0 && uui_cut_next(&it, &element)) {
            struct border_text one = border_text_part(t, element);
            add_value(f, &like, &one);
        }
    } else {
        add_value(f, &like, t);
    }
    g = border_group_at(f, index);
    g->n = f->values.n - g->first;
    return f->err == 0 ? index : BORDER_NOWHERE;
}

void border__judge(struct border_found *f, uint32_t first)
{
    uint32_t n = f->values.n - first;
    struct uui_list l = {.n = n};
    if (f->err != 0 || n < 2) {
        return;
    }
    l.v = arena_alloc(f->arena, n * sizeof(*l.v));
    if (l.v == NULL) {
        f->err = E_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        l.v[i] = border_value_at(f, first + i)->v;
    }
    uui_list_judge(&l, f->packages);
    for (uint32_t i = 0; i < n; i++) {
        border_value_at(f, first + i)->v = l.v[i];
    }
}

static struct border_text text_of(const struct sip_msg *m, struct str s)
{
    return (struct border_text){.s = s, .base = (uint32_t)(s.p - m->buf)};
}

/** A line of values: it goes with the last of them. */
static void add_line(struct border_found *f, const struct sip_hdr *h, enum border_place place)
{
    const struct sip_msg *m = f->m;
    struct border_text t = text_of(m, sip_hdr_value(m, h));
    const struct sip_hdr *next = h + 1;
    uint32_t group = border__values(f, &t, place, sip_hdr_name(m, h), (enum sip_hdr_id)h->id);
    if (group == BORDER_NOWHERE) {
        return;
    }
    struct border_group *g = border_group_at(f, group);
    g->from = h->name_off;
    g->to = next < m->hdr + m->hdr_count ? next->name_off : m->head_len - 2;
    g->name_from = h->name_off;
    g->name_to = h->name_off + h->name_len;
}

static void find_in_uris(struct border_found *f)
{
    const struct sip_msg *m = f->m;
    if (sip_is_request(m)) {
        struct border_text t = text_of(m, sip_msg_ruri(m));
        border__uri(f, &t, SIP_HDR_OTHER);
    }
    for (const struct sip_hdr *h = m->hdr; h < m->hdr + m->hdr_count && f->err == 0; h++) {
        enum sip_hdr_id id = (enum sip_hdr_id)h->id;
        if (border_has_uris(id)) {
            struct border_text t = text_of(m, sip_hdr_value(m, h));
            border__addresses(f, &t, (sip_hdr_flags(id) & SIP_HDRF_LIST) != 0, id);
        }
    }
}

int border_find(const struct sip_msg *m, unsigned what, const struct uui_packages *packages,
                const struct uui_far *far, struct arena *a, struct border_found *out)
{
    struct border_found *f = out;
    *f = (struct border_found){.m = m, .arena = a, .packages = packages, .far = far};
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_USER_TO_USER); h != NULL;
         h = sip_msg_next_line(m, h)) {
        add_line(f, h, BORDER_HEADER);
    }
    border__judge(f, 0);
    for (const struct sip_hdr *h = m->hdr;
         (what & BORDER_SCAN_X) != 0 && h < m->hdr + m->hdr_count && f->err == 0; h++) {
        if (h->id == SIP_HDR_OTHER && border_is_x_header(sip_hdr_name(m, h))) {
            add_line(f, h, BORDER_X_HEADER);
        }
    }
    if ((what & BORDER_SCAN_URI) != 0) {
        find_in_uris(f);
    }
    if ((what & BORDER_SCAN_BODY) != 0) {
        border__body(f);
        border__fragments(f);
    }
    return f->err;
}
