/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies with user-to-user information: see body.h.
 *
 * One walk serves reading and editing: it finds the leaves, the parts that are no multipart
 * themselves, in the order in which they stand. An edit is the list of leaves that change; the
 * new body is what stands between them, octet for octet, and they.
 */
#include "isdn/body.h"
#include "base/err.h"
#include "mime/multipart.h"

struct leaf {
    uint8_t place;
    struct str type, body;
    struct str part; /**< with its delimiter and headers, as far as a cut has to go */
    bool encoded;
};

struct walk {
    struct leaf leaf[ISDN_FOUND_MAX];
    size_t n, parts; /**< parts: leaves of any kind */
};

static bool is_type(struct str value, struct str type)
{
    return str_ieq(str_trim(str_upto(value, str_index(value, ';'))), type);
}

static uint8_t place_of(struct str type)
{
    return is_type(type, STR("application/isup"))  ? ISDN_ISUP
           : is_type(type, STR("application/gtd")) ? ISDN_GTD
           : is_type(type, STR("application/sdp")) ? ISDN_SDP
                                                   : 0;
}

bool isdn_body_may(const struct sip_msg *m)
{
    struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);

    return str_is_set(type) && m->len > m->head_len &&
           (place_of(type) != 0 || mime_is_multipart(type));
}

/* ---- the walk ---- */

static bool is_plain(struct str encoding)
{
    return !str_is_set(encoding) || str_ieq(encoding, STR("binary")) ||
           str_ieq(encoding, STR("8bit")) || str_ieq(encoding, STR("7bit"));
}

static int add_leaf(struct walk *w, struct str type, struct str body, struct str part,
                    struct str encoding)
{
    uint8_t place = place_of(type);

    w->parts++;
    if (place == 0) {
        return 0;
    }
    if (w->n >= ISDN_FOUND_MAX) {
        return E_TOOMANY;
    }
    w->leaf[w->n++] = (struct leaf){place, type, body, part, !is_plain(encoding)};
    return 0;
}

/** A multipart whose parts are being walked. */
struct level {
    struct multipart it;
    const char *from; /**< where the delimiter of the next part begins */
};

/** Part `p` with the delimiter before it: cut out, what stands around it is well-formed. */
static struct str whole_part(struct level *l, const struct mime_part *p)
{
    const char *from = l->from, *end = p->body.p + p->body.n;

    l->from = end;
    return str_make(from, (size_t)(end - from));
}

static int enter(struct level *l, struct str type, struct str body)
{
    struct multipart *it = &l->it;
    int err = multipart_begin(it, type, body);

    if (err == 0) { /* back over the first delimiter's line */
        size_t at = (size_t)(it->rest.p - body.p);
        struct str line = str_upto(body, at - 2);
        size_t start = line.n;
        while (start > 0 && line.p[start - 1] != '\n') {
            start--;
        }
        l->from = body.p + start;
    }
    return err;
}

static int walk(struct walk *w, struct str type, struct str body)
{
    struct level level[ISDN_DEPTH_MAX];
    size_t depth = 0;
    int got;

    if (!mime_is_multipart(type)) {
        return add_leaf(w, type, body, body, STR_NONE);
    }
    got = enter(&level[depth++], type, body);
    while (got >= 0 && depth > 0) {
        struct level *l = &level[depth - 1];
        struct mime_part part;
        got = multipart_next(&l->it, &part);
        if (got == 0) {
            depth--;
        }
        if (got <= 0) {
            continue;
        }
        struct str whole = whole_part(l, &part);
        type = mime_header(&part, STR("Content-Type"));
        if (!mime_is_multipart(type)) {
            got = add_leaf(w, type, part.body, whole,
                           mime_header(&part, STR("Content-Transfer-Encoding")));
        } else if (depth == ISDN_DEPTH_MAX) {
            got = E_UNSUPPORTED;
        } else {
            got = enter(&level[depth++], type, part.body);
        }
    }
    return got;
}

static int walk_message(const struct sip_msg *m, struct walk *w)
{
    struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);

    *w = (struct walk){.n = 0};
    if (!isdn_body_may(m)) {
        return 0;
    }
    if (sip_msg_has(m, SIP_HDR_CONTENT_ENCODING) &&
        !str_ieq(sip_msg_value(m, SIP_HDR_CONTENT_ENCODING), STR("identity"))) {
        return E_UNSUPPORTED;
    }
    return walk(w, type, sip_msg_body(m));
}

/* ---- reading ---- */

static int read_isup(const struct leaf *l, struct isdn_found *f)
{
    struct isup_msg isup;
    int err = isup_view(l->body, isup_base_of(l->type), &isup);

    if (err != 0) {
        return err;
    }
    f->isup = str_c(isup.layout->name);
    return isup_uui_get(&isup, &f->octets);
}

static int read_leaf(const struct leaf *l, struct arena *a, struct isdn_found *f)
{
    if (l->encoded) {
        return E_UNSUPPORTED;
    }
    return l->place == ISDN_ISUP  ? read_isup(l, f)
           : l->place == ISDN_GTD ? gtd_uui_get(l->body, a, &f->octets)
                                  : correlation_get(l->body, a, &f->octets);
}

/** All leaves. @param err  of the walk @return it, or E_NOMEM */
static int read_leaves(const struct walk *w, int err, struct arena *a, struct isdn_body *out)
{
    *out = (struct isdn_body){.n = w->n};
    for (size_t i = 0; i < w->n; i++) {
        struct isdn_found *f = &out->v[i];
        f->place = w->leaf[i].place;
        f->err = read_leaf(&w->leaf[i], a, f);
        out->places |= f->place;
        if (f->err == E_NOMEM) {
            return E_NOMEM;
        }
    }
    return err;
}

int isdn_body_read(const struct sip_msg *m, struct arena *a, struct isdn_body *out)
{
    struct walk w;
    int err = walk_message(m, &w);

    return read_leaves(&w, err, a, out);
}

int isdn_body_find(struct str type, struct str body, struct arena *a, struct isdn_body *out)
{
    struct walk w = {.n = 0};
    int err = walk(&w, type, body);

    return read_leaves(&w, err, a, out);
}

struct str isdn_body_octets(const struct isdn_body *found, unsigned places)
{
    for (size_t i = 0; i < found->n; i++) {
        if ((found->v[i].place & places) != 0 && found->v[i].err == 0) {
            return found->v[i].octets;
        }
    }
    return STR_NONE;
}

/* ---- editing ---- */

/** What a leaf is to become. @return 0; E_NOTFOUND: as it is */
static int write_leaf(const struct leaf *l, struct str octets, struct out *o)
{
    struct isup_msg isup;
    int err;

    if (l->place == ISDN_GTD) {
        return gtd_uui_set(l->body, octets, o);
    }
    if (l->place == ISDN_SDP) {
        return correlation_set(l->body, octets, o);
    }
    err = isup_view(l->body, isup_base_of(l->type), &isup);
    return err != 0 ? err : isup_uui_set(&isup, octets, o);
}

/** A USR that is to have none: its part goes. */
static bool goes(const struct leaf *l, struct str octets)
{
    return l->place == ISDN_ISUP && !str_is_set(octets) && l->body.n > 0 &&
           (uint8_t)l->body.p[0] == ISUP_USR;
}

/** Append what becomes of the leaf, and what stands before it. @return 0 or E_NOMEM */
static int edit_leaf(struct walk *w, const struct leaf *l, struct arena *a, struct str octets,
                     const char **done, struct out *o, struct isdn_edit *out)
{
    size_t cap = l->body.n + 2 * ISDN_UUI_MAX + 64;
    struct str old = l->body;
    struct out leaf;
    char *room;

    if (l->encoded) {
        out->left++;
        return 0;
    }
    if (goes(l, octets)) {
        out_str(o, str_make(*done, (size_t)(l->part.p - *done)));
        *done = l->part.p + l->part.n;
        out->changed = true;
        w->parts--;
        return 0;
    }
    room = arena_alloc(a, cap);
    if (room == NULL) {
        return E_NOMEM;
    }
    out_init(&leaf, room, cap);
    if (write_leaf(l, octets, &leaf) != 0) {
        out->left++;
    } else if (!str_eq(out_str_of(&leaf), old)) {
        out_str(o, str_make(*done, (size_t)(old.p - *done)));
        out_str(o, out_str_of(&leaf));
        *done = old.p + old.n;
        out->changed = true;
    }
    return 0;
}

int isdn_body_edit(const struct sip_msg *m, struct arena *a, unsigned places, struct str octets,
                   struct isdn_edit *out)
{
    struct str body = sip_msg_body(m);
    struct walk w, again = {.n = 0};
    const char *done = body.p;
    struct out o;
    size_t cap;
    char *room;
    int err = walk_message(m, &w);

    *out = (struct isdn_edit){.type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE), .body = body};
    if (err != 0 || w.n == 0) {
        return err;
    }
    cap = body.n + w.n * (2 * ISDN_UUI_MAX + 64);
    room = arena_alloc(a, cap);
    if (room == NULL) {
        return E_NOMEM;
    }
    out_init(&o, room, cap);
    for (size_t i = 0; i < w.n && err == 0; i++) {
        if ((w.leaf[i].place & places) != 0) {
            err = edit_leaf(&w, &w.leaf[i], a, octets, &done, &o, out);
        }
    }
    out_str(&o, str_make(done, (size_t)(body.p + body.n - done)));
    if (err != 0 || o.over) {
        *out = (struct isdn_edit){.type = out->type, .body = body};
        return err != 0 ? err : E_NOMEM;
    }
    if (!out->changed) {
        return 0;
    }
    if (w.parts == 0) {
        out->type = STR_NONE;
        out->body = STR("");
    } else if (walk(&again, out->type, out_str_of(&o)) != 0 || again.parts != w.parts) {
        *out = (struct isdn_edit){.type = out->type, .body = body};
        return E_VALUE;
    } else {
        out->body = out_str_of(&o);
    }
    return 0;
}

/* ---- whose word counts ---- */

struct isdn_settled isdn_settle(struct str header, struct str body, enum isdn_side side)
{
    bool both = str_is_set(header) && str_is_set(body);
    bool take_body = str_is_set(body) && (side == ISDN_TO_ISUP || !str_is_set(header));
    struct isdn_settled s = {.octets = take_body ? body : header};

    s.differ = both && !str_eq(header, body);
    s.header = str_is_set(s.octets) && !(str_is_set(header) && str_eq(header, s.octets));
    s.body = side == ISDN_TO_ISUP && str_is_set(s.octets) &&
             !(str_is_set(body) && str_eq(body, s.octets));
    return s;
}
