/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User of a story: found in each message, wherever it may stand. See story.h; what has
 * become of it from hop to hop is found in story_change.c.
 *
 * A header that is written in a neighbour's dialect looks like one of the standard and means
 * something else, so a message of which the border has noted a dialect is read in that one.
 */
#include "base/err.h"
#include "capture/story.h"
#include "csta/xml.h"
#include "isdn/body.h"
#include "sip/hdr.h"
#include "uui/dialect.h"

enum { FOUND_MAX = 32 };

struct finding {
    struct arena *a;
    const struct uui_packages *packages;
    const struct uui_dialect *dialect; /**< of who is at the other end; NULL: none is known */
    struct story_uui list[FOUND_MAX];
    size_t n;
    bool failed;
};

static void found(struct finding *f, const struct uui_value *v, struct str where)
{
    if (f->n < FOUND_MAX) {
        f->list[f->n++] = (struct story_uui){.value = *v, .where = where};
    }
}

static void found_list(struct finding *f, int err, const struct uui_list *l, struct str where)
{
    f->failed = f->failed || err == E_NOMEM;
    for (size_t i = 0; err == 0 && i < l->n; i++) {
        found(f, &l->v[i], where);
    }
}

/* ---- where it may stand ---- */

/** The dialect that has a header of that name, and not that of the standard; or NULL. */
static const struct uui_dialect *dialect_with(struct str header)
{
    const struct uui_dialect *d;

    for (size_t i = 0; (d = uui_dialect_at(i)) != NULL; i++) {
        if (uui_dialect_owns(d, UUI_AT_HEADER, header)) {
            return d;
        }
    }
    return NULL;
}

/** In that dialect; shown as it is written. */
static void in_dialect(struct finding *f, const struct uui_dialect *d, struct str text,
                       struct str where)
{
    struct uui_far far = {.dialect = d, .reading = UUI_READ_LENIENT};
    struct uui_value v;

    if (uui_dialect_read(&far, f->packages, text, f->a, &v) == 0) {
        v.text = text;
        found(f, &v, where);
    } else {
        f->failed = true;
    }
}

static void in_header(struct finding *f, const struct uui_dialect *d, struct str value,
                      struct str name)
{
    struct uui_cut cut;
    struct str element;

    if (!d->lists) {
        in_dialect(f, d, value, name);
        return;
    }
    uui_cut_begin(&cut, value);
    while (uui_cut_next(&cut, &element)) {
        in_dialect(f, d, element, name);
    }
}

static void in_line(struct finding *f, const struct sip_msg *s, const struct sip_hdr *h)
{
    struct str name = sip_hdr_name(s, h), value = sip_hdr_value(s, h), headers;
    const struct uui_dialect *d;
    struct uui_list l;

    if (f->dialect != NULL && uui_dialect_owns(f->dialect, UUI_AT_HEADER, name)) {
        in_header(f, f->dialect, value, name);
    } else if (h->id == SIP_HDR_USER_TO_USER) {
        found_list(f, uui_list_parse(&value, 1, f->packages, f->a, &l), &l, name);
    } else if (sip_hdr_flags((enum sip_hdr_id)h->id) & SIP_HDRF_URI) {
        headers = uui_uri_headers(value);
        if (str_is_set(headers)) {
            found_list(f, uui_list_parse_uri(headers, f->packages, f->a, &l), &l, name);
        }
    } else if (h->id == SIP_HDR_OTHER && (d = dialect_with(name)) != NULL) {
        in_header(f, d, value, name);
    }
}

/** Octets that stand nowhere as an element: as one of isdn-uui. */
static void octets_found(struct finding *f, struct str octets, struct str where)
{
    size_t room = octets.n * 2 + 64;
    struct uui_value v;
    struct out o;
    char *buf = arena_alloc(f->a, room);

    if (buf == NULL) {
        f->failed = true;
        return;
    }
    out_init(&o, buf, room);
    if (uui_write(&o, octets, &(struct uui_format){0}, NULL) == 0) {
        f->failed = uui_parse(out_str_of(&o), f->packages, f->a, &v) != 0;
        found(f, &v, where);
    }
}

static void in_body(struct finding *f, const struct sip_msg *s)
{
    struct isdn_body body;

    if (!isdn_body_may(s) || isdn_body_read(s, f->a, &body) != 0) {
        return;
    }
    for (size_t i = 0; i < body.n; i++) {
        if (body.v[i].err == 0 && body.v[i].octets.n > 0) {
            octets_found(f, body.v[i].octets,
                         body.v[i].place == ISDN_ISUP  ? STR("ISUP")
                         : body.v[i].place == ISDN_GTD ? STR("GTD")
                                                       : STR("SDP"));
        }
    }
}

static bool unhex(struct arena *a, struct str text, struct str *out)
{
    char *p = text.n > 0 && text.n % 2 == 0 ? arena_alloc(a, text.n / 2) : NULL;

    for (size_t i = 0; p != NULL && i < text.n; i += 2) {
        int high = hex_digit(text.p[i]), low = hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        p[i / 2] = (char)(high * 16 + low);
    }
    *out = str_make(p, text.n / 2);
    return p != NULL;
}

/** userData of CSTA: hex digits, in an element of their own or not. */
static void in_csta(struct finding *f, struct str xml)
{
    static const struct xml_limits bounds = {.bytes = 1 << 20, .depth = 32, .elements = 8192};
    struct xml_reader r;
    unsigned depth = 0;
    int event;

    if (xml_init(&r, xml, &bounds) != 0) {
        return;
    }
    while ((event = xml_next(&r)) > XML_END_OF_DOCUMENT) {
        struct str text, octets;
        if (event == XML_START) {
            depth += depth > 0 || str_eq(r.name, STR("userData")) ? 1 : 0;
        } else if (event == XML_END) {
            depth -= depth > 0 ? 1 : 0;
        } else if (depth > 0 && xml_text_of(&r.text, f->a, &text) == 0 &&
                   unhex(f->a, str_trim(text), &octets)) {
            octets_found(f, octets, STR("userData"));
        }
    }
}

static void in_sip(struct finding *f, struct story_msg *m)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg s;

    if (!story_index(m->m.bytes, &s, hdr)) {
        return;
    }
    for (size_t i = 0; i < s.hdr_count; i++) {
        in_line(f, &s, &s.hdr[i]);
    }
    if (m->csta) {
        in_csta(f, sip_msg_body(&s));
    } else {
        in_body(f, &s);
    }
}

/** The message is blanked later: what was found must not lie in it. */
static struct story_uui *kept(struct arena *a, const struct finding *f)
{
    struct story_uui *own = arena_zalloc(a, f->n * sizeof(*own));

    for (size_t i = 0; own != NULL && i < f->n; i++) {
        struct uui_value *v;
        own[i] = f->list[i];
        v = &own[i].value;
        v->text = arena_dup(a, v->text);
        v->package = arena_dup(a, v->package);
        v->octets = arena_dup(a, v->octets);
        v->data = v->params = STR_NONE;
        v->purpose = arena_dup(a, v->purpose);
        v->content = arena_dup(a, v->content);
        v->encoding = arena_dup(a, v->encoding);
        own[i].where = arena_dup(a, own[i].where);
    }
    return own;
}

bool story_find_uui(struct arena *a, const struct uui_packages *packages,
                    const struct uui_dialect *dialect, struct story_msg *m)
{
    struct finding f = {.a = a, .packages = packages, .dialect = dialect};

    if (m->m.kind == CAPTURE_SIP) {
        in_sip(&f, m);
    } else if (m->m.kind == CAPTURE_CSTA) {
        in_csta(&f, m->m.bytes);
    }
    if (f.n > 0) {
        m->uui = kept(a, &f);
        m->uuis = m->uui != NULL ? f.n : 0;
        f.failed = f.failed || m->uui == NULL;
    }
    return !f.failed;
}
