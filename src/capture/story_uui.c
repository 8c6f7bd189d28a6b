/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User of a story: found in each message, compared from hop to hop: see story.h.
 *
 * What a message that leaves is compared with: the last one that came in with the same method
 * and status; for what Baton sends on behalf of an application, the request of CSTA that gave
 * the value. Values are the same when package and octets are: another spelling of the same
 * octets is no change of what is told.
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

static void in_line(struct finding *f, const struct sip_msg *s, const struct sip_hdr *h)
{
    struct str name = sip_hdr_name(s, h), value = sip_hdr_value(s, h), headers;
    const struct uui_dialect *d;
    struct uui_far far = {0};
    struct uui_value v;
    struct uui_list l;

    if (h->id == SIP_HDR_USER_TO_USER) {
        found_list(f, uui_list_parse(&value, 1, f->packages, f->a, &l), &l, name);
    } else if (sip_hdr_flags((enum sip_hdr_id)h->id) & SIP_HDRF_URI) {
        headers = uui_uri_headers(value);
        if (str_is_set(headers)) {
            found_list(f, uui_list_parse_uri(headers, f->packages, f->a, &l), &l, name);
        }
    } else if (h->id == SIP_HDR_OTHER && (d = dialect_with(name)) != NULL) {
        far.dialect = d;
        far.reading = UUI_READ_LENIENT;
        if (uui_dialect_read(&far, f->packages, value, f->a, &v) == 0) {
            found(f, &v, name);
        } else {
            f->failed = true;
        }
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

bool story_find_uui(struct arena *a, const struct uui_packages *packages, struct story_msg *m)
{
    struct finding f = {.a = a, .packages = packages};

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

/* ---- from hop to hop ---- */

static bool gives_value(const struct story_msg *m)
{
    return !m->m.sent && m->uuis > 0 && (m->m.kind == CAPTURE_CSTA || m->csta);
}

/** What led to a message that leaves: before it, of the same kind. NULL: nothing did. */
static const struct story_msg *hop_before(const struct story *s, size_t i)
{
    const struct story_msg *m = &s->msg[i];

    if (!m->m.sent || m->m.kind != CAPTURE_SIP || m->csta) {
        return NULL;
    }
    while (i-- > 0) {
        const struct story_msg *p = &s->msg[i];
        if (gives_value(p) && m->status == 0 && m->uuis > 0) {
            return p;
        }
        if (!p->m.sent && p->m.kind == CAPTURE_SIP && !p->csta && p->status == m->status &&
            str_eq(p->method, m->method)) {
            return p;
        }
    }
    return NULL;
}

static struct str package_of(const struct story_uui *u)
{
    return str_is_set(u->value.package) ? u->value.package : STR("");
}

/** userData has no protocol discriminator: the text behind it is the same value. */
static bool same_value(const struct story_uui *a, const struct story_uui *b)
{
    bool data = str_eq(a->where, STR("userData"));

    return str_eq(package_of(a), package_of(b)) &&
           (str_eq(a->value.octets, b->value.octets) ||
            (data && str_eq(a->value.octets, str_from(b->value.octets, 1))));
}

static const struct story_uui *with_package(const struct story_msg *m,
                                            const struct story_uui *like, bool exactly)
{
    for (size_t i = 0; i < m->uuis; i++) {
        if (exactly ? same_value(&m->uui[i], like)
                    : str_eq(package_of(&m->uui[i]), package_of(like))) {
            return &m->uui[i];
        }
    }
    return NULL;
}

/** What the border has noted about a value of that package between the two messages. */
static struct str why(const struct story *s, const struct story_msg *before,
                      const struct story_msg *m, const struct story_uui *u)
{
    for (size_t i = 0; i < s->notes; i++) {
        const struct capture_msg *n = &s->note[i];
        const struct story_msg *of = n->sent ? m : before;
        struct str package = str_from(n->about, str_index(n->about, ' ') + 1);

        if (of != NULL && str_eq(n->who, of->sip_call) && n->status == of->status &&
            str_starts(n->about, of->method) && n->n < m->m.n + 1000 &&
            (before == NULL || n->n > before->m.n) &&
            (package.n == 0 || str_ieq(package, package_of(u)))) {
            return n->bytes;
        }
    }
    return STR_NONE;
}

static void mark(const struct story *s, const struct story_msg *before, struct story_msg *m)
{
    for (size_t i = 0; i < m->uuis; i++) {
        struct story_uui *u = &m->uui[i];
        const struct story_uui *was = with_package(before, u, true);
        if (was == NULL) {
            was = with_package(before, u, false);
            u->change = was != NULL ? STORY_CHANGED : STORY_ADDED;
            u->was = was != NULL ? was->value.octets : STR_NONE;
        }
        u->why = why(s, before, m, u);
    }
}

/** Those of the message before that are not in this one, as removed. */
static bool mark_removed(struct story *s, const struct story_msg *before, struct story_msg *m)
{
    size_t room = m->uuis + before->uuis;
    struct story_uui *list;

    if (before->uuis == 0 || before->csta || before->m.kind != CAPTURE_SIP) {
        return true; /* an application's value is used once, and not in each message */
    }
    list = arena_zalloc(&s->arena, room * sizeof(*list));
    if (list == NULL) {
        return false;
    }
    if (m->uuis > 0) {
        memcpy(list, m->uui, m->uuis * sizeof(*list));
    }
    m->uui = list;
    for (size_t i = 0, n = m->uuis; i < before->uuis; i++) {
        struct story_uui *u = &list[m->uuis];
        bool changed = false;
        if (with_package(m, &before->uui[i], true) != NULL) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            changed = changed || (list[k].change == STORY_CHANGED &&
                                  str_eq(package_of(&list[k]), package_of(&before->uui[i])));
        }
        if (!changed) {
            *u = before->uui[i];
            u->change = STORY_REMOVED;
            u->was = u->value.octets;
            u->why = why(s, before, m, u);
            m->uuis++;
        }
    }
    return true;
}

bool story_compare(struct story *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct story_msg *m = &s->msg[i];
        const struct story_msg *before = hop_before(s, i);

        if (before != NULL) {
            mark(s, before, m);
            if (!mark_removed(s, before, m)) {
                return false;
            }
        }
        for (size_t k = 0; k < m->uuis && before == NULL && !m->m.sent; k++) {
            m->uui[k].why = why(s, m, m, &m->uui[k]);
        }
    }
    return true;
}

const char *story_change_name(enum story_change c)
{
    static const char *const names[] = {"same", "added", "changed", "removed"};
    return names[c];
}
