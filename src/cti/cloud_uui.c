/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private data about User-to-User as JSON: see cloud_uui.h.
 *
 * Attributes become members of the same name, in their order. Few have another type than
 * strings: `numbers`, `flags` and `lists` below. So an attribute that is added to the private
 * data needs nothing here, unless it is one of those.
 */
#include "cti/cloud_uui.h"
#include "base/err.h"
#include "base/utf8.h"
#include "csta/json_text.h"
#include "csta/xml.h"

static const struct xml_limits limits = {.bytes = 8192, .depth = 6, .elements = 64};

/* ---- reading ---- */

static int read_attrs(const struct xml_reader *x, struct arena *a, struct cloud_element *out)
{
    int err = 0;

    out->n = 0;
    for (unsigned i = 0; err == 0 && i < x->nattr && out->n < CLOUD_ATTRS; i++) {
        if (str_eq(x->attr[i].qname, STR("xmlns"))) {
            continue;
        }
        out->name[out->n] = x->attr[i].name;
        err = xml_attr_of(&x->attr[i].value, a, &out->value[out->n]);
        out->n += err == 0 ? 1 : 0;
    }
    return err;
}

static struct str attr(const struct cloud_element *e, struct str name)
{
    for (size_t i = 0; i < e->n; i++) {
        if (str_eq(e->name[i], name)) {
            return e->value[i];
        }
    }
    return STR_NONE;
}

/** Octets of "0A1B"; absent when it is none. @return 0, E_NOMEM */
static int from_hex(struct str hex, struct arena *a, struct str *out)
{
    static const struct str digits = STR_INIT("0123456789ABCDEF");
    char *p;

    *out = STR_NONE;
    if (hex.n == 0 || hex.n % 2 != 0) {
        return 0;
    }
    p = arena_alloc(a, hex.n / 2);
    if (p == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < hex.n; i++) {
        size_t d = str_index(digits, hex.p[i]);
        if (d >= 16) {
            return 0;
        }
        p[i / 2] = (char)(i % 2 == 0 ? d << 4 : (uint8_t)p[i / 2] | d);
    }
    *out = str_make(p, hex.n / 2);
    return 0;
}

static int read_start(const struct xml_reader *x, const struct journal_record *r,
                      struct arena *a, struct cloud_uui *out)
{
    struct cloud_value *v = out->values > 0 ? &out->value[out->values - 1] : NULL;
    int err = 0;

    if (str_eq(x->name, STR("value")) && out->values < CLOUD_VALUES) {
        v = &out->value[out->values++];
        *v = (struct cloud_value){.octets = STR_NONE};
        err = read_attrs(x, a, &v->self);
        if (str_is_set(attr(&v->self, STR("userData")))) {
            v->octets = r->user_data;
        } else if (err == 0) {
            err = from_hex(attr(&v->self, STR("data")), a, &v->octets);
        }
    } else if (str_eq(x->name, STR("origin")) && v != NULL) {
        err = read_attrs(x, a, &v->origin);
    } else if (str_eq(x->name, STR("seal")) && v != NULL) {
        err = read_attrs(x, a, &v->seal);
    } else if (str_eq(x->name, STR("change")) && out->changes < CLOUD_VALUES) {
        err = read_attrs(x, a, &out->change[out->changes++]);
    }
    return err;
}

int cloud_read_uui(const struct journal_record *r, struct arena *a, struct cloud_uui *out)
{
    struct xml_reader x;
    int err, what;

    out->values = out->changes = 0;
    if (r->about.n == 0) {
        if (r->user_data.n > 0) { /* nothing is known but its octets */
            out->value[out->values++] = (struct cloud_value){.octets = r->user_data};
        }
        return 0;
    }
    err = xml_init(&x, r->about, &limits);
    while (err == 0 && (what = xml_next(&x)) != XML_END_OF_DOCUMENT) {
        err = what < 0 ? what : what == XML_START ? read_start(&x, r, a, out) : 0;
    }
    return err;
}

/* ---- writing ---- */

static bool is_one_of(struct str name, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (str_eq(name, str_c(*list))) {
            return true;
        }
    }
    return false;
}

static void put_words(struct out *o, struct str words)
{
    bool first = true;

    out_ch(o, '[');
    while (words.n > 0) {
        struct str one = str_upto(words, str_index(words, ' '));
        words = str_from(words, one.n + 1);
        if (one.n > 0) {
            if (!first) {
                out_ch(o, ',');
            }
            json_put_string(o, one);
            first = false;
        }
    }
    out_ch(o, ']');
}

static void put_attr(struct out *o, struct str name, struct str value)
{
    static const char *const numbers[] = {"octets", "key", "lostMs", "changes", NULL};
    static const char *const flags[] = {"userData", "withheld", NULL};
    static const char *const lists[] = {"evidence", "conflicts", NULL};
    uint64_t n;

    json_put_string(o, name);
    out_ch(o, ':');
    if (is_one_of(name, numbers) && str_to_u64(value, UINT32_MAX, &n)) {
        out_u64(o, n);
    } else if (is_one_of(name, flags)) {
        out_c(o, str_eq(value, STR("true")) ? "true" : "false");
    } else if (is_one_of(name, lists)) {
        put_words(o, value);
    } else {
        json_put_string(o, value);
    }
}

/** @param first  in, out: does no member stand there yet? */
static void put_attrs(struct out *o, const struct cloud_element *e, bool *first)
{
    for (size_t i = 0; i < e->n; i++) {
        if (str_eq(e->name[i], STR("data"))) {
            continue; /* as `hex` */
        }
        if (!*first) {
            out_ch(o, ',');
        }
        *first = false;
        put_attr(o, e->name[i], e->value[i]);
    }
}

static void put_element(struct out *o, const char *name, const struct cloud_element *e,
                        bool *first)
{
    bool inner = true;

    if (e->n == 0) {
        return;
    }
    out_fmt(o, "%s\"%s\":{", *first ? "" : ",", name);
    *first = false;
    put_attrs(o, e, &inner);
    out_ch(o, '}');
}

/** The octets as people may read them: behind the discriminator, when all of it is text. */
static struct str text_of(const struct cloud_value *v)
{
    struct str text = v->octets;

    if (str_is_set(attr(&v->self, STR("discriminator")))) {
        text = str_from(text, 1);
    }
    for (struct str rest = text; rest.n > 0;) {
        size_t n = utf8_len(rest);
        if (n == 0 || (uint8_t)rest.p[0] < 0x20 || rest.p[0] == 0x7f) {
            return STR_NONE;
        }
        rest = str_from(rest, n);
    }
    return text.n > 0 ? text : STR_NONE;
}

static void put_value(struct out *o, const struct cloud_value *v)
{
    struct str text = text_of(v);
    bool first = true;

    out_ch(o, '{');
    put_attrs(o, &v->self, &first);
    if (str_is_set(v->octets)) {
        out_fmt(o, "%s\"hex\":\"", first ? "" : ",");
        out_hex(o, v->octets, true);
        out_ch(o, '"');
        first = false;
    }
    if (str_is_set(text)) {
        out_c(o, ",\"text\":");
        json_put_string(o, text);
    }
    put_element(o, "origin", &v->origin, &first);
    put_element(o, "seal", &v->seal, &first);
    out_ch(o, '}');
}

void cloud_put_uui(struct out *o, const struct cloud_uui *u)
{
    if (u->values > 0) {
        out_c(o, ",\"uui\":[");
        for (size_t i = 0; i < u->values; i++) {
            out_c(o, i > 0 ? "," : "");
            put_value(o, &u->value[i]);
        }
        out_ch(o, ']');
    }
    if (u->changes > 0) {
        out_c(o, ",\"uuiChanges\":[");
        for (size_t i = 0; i < u->changes; i++) {
            bool first = true;
            out_c(o, i > 0 ? ",{" : "{");
            put_attrs(o, &u->change[i], &first);
            out_ch(o, '}');
        }
        out_ch(o, ']');
    }
}

/* ---- a session with a phone that stands again ---- */

int cloud_read_resynced(const struct csta_msg *event, struct arena *a,
                        struct cloud_resynced *out)
{
    const struct csta_common_arguments *more;
    struct xml_reader x;

    *out = (struct cloud_resynced){.there = false};
    if (event->id != CSTA_MSG_BACK_IN_SERVICE_EVENT) {
        return 0;
    }
    more = event->back_in_service_event->extensions;
    if (more == NULL || more->private_data.kind != CSTA_DATA_FOREIGN ||
        xml_init(&x, str_trim(more->private_data.foreign.body), &limits) != 0 ||
        xml_next(&x) != XML_START || !str_eq(x.name, STR("resynced"))) {
        return 0;
    }
    out->there = true;
    return read_attrs(&x, a, &out->self);
}

void cloud_put_resynced(struct out *o, const struct cloud_resynced *r)
{
    bool first = true;

    if (r->there) {
        out_c(o, ",\"resynced\":{");
        put_attrs(o, &r->self, &first);
        out_ch(o, '}');
    }
}
