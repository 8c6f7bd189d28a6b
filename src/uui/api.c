/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public C interface of this module (include/baton/uui.h) over the internal one.
 *
 * It adds nothing but its promises: no allocation, plain C types, numbers that stay. Octets
 * go to the caller's buffer with uui_decode where the server would use an arena.
 */
#include "uui/api.h"
#include "base/err.h"
#include "sip/uri.h"

_Static_assert((int)BATON_UUI_RULE_MANY == (int)UUI_R_MANY &&
                   (int)BATON_UUI_RULE_SHARED_ITEM == (int)UUI_R_SHARED_ITEM &&
                   (int)BATON_UUI_RULE_SHARED_ITEM + 1 == (int)UUI_R_COUNT,
               "rules are append only, in both lists");
_Static_assert((int)BATON_UUI_RULE_ESCAPED == (int)UUI_R_ESCAPED, "same order");
_Static_assert((int)BATON_UUI_RULE_PACKAGE == (int)UUI_R_PACKAGE, "same order");
_Static_assert((int)BATON_UUI_WRONG == (int)UUI_WRONG, "same order");
_Static_assert((int)BATON_UUI_NOTE_LONG == (int)UUI_NOTE_LONG, "same bits");
_Static_assert((int)BATON_UUI_ETOOMANY == (int)E_TOOMANY, "same numbers");
_Static_assert((int)BATON_UUI_ESPACE == (int)E_SPACE, "same numbers");
_Static_assert((int)BATON_UUI_EVALUE == (int)E_VALUE, "same numbers");
_Static_assert((int)BATON_UUI_ISDN_OCTETS == (int)UUI_ISDN_OCTETS, "same limit");

void uui_export_value(const struct uui_value *v, struct baton_uui_value *out)
{
    *out = (struct baton_uui_value){
        .verdict = (enum baton_uui_verdict)v->verdict,
        .rule = (enum baton_uui_rule)v->rule,
        .at = v->at,
        .notes = v->notes,
        .text = v->text.p,
        .text_len = v->text.n,
        .data = v->data.p,
        .data_len = v->data.n,
        .quoted = v->quoted,
        .octets = (const unsigned char *)v->octets.p,
        .octets_len = v->octets.n,
        .package = v->package.p,
        .package_len = v->package.n,
        .purpose = v->purpose.p,
        .purpose_len = v->purpose.n,
        .content = v->content.p,
        .content_len = v->content.n,
        .encoding = v->encoding.p,
        .encoding_len = v->encoding.n,
        .params = v->params.p,
        .params_len = v->params.n,
        .forgiven = (enum baton_uui_rule)v->forgiven,
    };
}

/** Parse into *v; its octets are taken off *buf. */
static int parse_into(struct str element, struct out *buf, struct uui_value *v)
{
    uui_view(element, v);
    uui_judge(v, NULL);
    if (v->verdict == UUI_WRONG) {
        return 0;
    }
    if (uui_decoded_len(v) > buf->cap - buf->n) {
        return E_SPACE;
    }
    char *octets = buf->p ? buf->p + buf->n : NULL;
    v->octets = str_make(octets, uui_decode(v, octets));
    buf->n += v->octets.n;
    return 0;
}

int baton_uui_parse(const char *text, size_t len, unsigned char *octets, size_t octets_len,
                    struct baton_uui_value *out)
{
    struct out buf;
    struct uui_value v;
    out_init(&buf, (char *)octets, octets_len);
    int err = parse_into(str_make(text, len), &buf, &v);
    if (err == 0) {
        uui_export_value(&v, out);
    }
    return err;
}

/** RFC 7434 §7, §8, as uui_list_judge has it, over values of the public form. */
static void discard_many(struct baton_uui_value *values, size_t n)
{
    size_t isdn = 0;
    for (size_t i = 0; i < n; i++) {
        isdn += values[i].package == uui_isdn.p ? 1 : 0;
    }
    for (size_t i = 0; isdn > 1 && i < n; i++) {
        struct baton_uui_value *v = &values[i];
        if (v->package == uui_isdn.p && v->verdict == BATON_UUI_VALID) {
            v->verdict = BATON_UUI_IGNORED;
            v->rule = BATON_UUI_RULE_MANY;
            v->at = 0;
        }
    }
}

int baton_uui_parse_list(const char *text, size_t len, unsigned char *octets, size_t octets_len,
                         struct baton_uui_value *values, size_t max, size_t *count)
{
    struct out buf;
    struct uui_cut it;
    struct str element;
    size_t n = 0;
    *count = 0;
    out_init(&buf, (char *)octets, octets_len);
    uui_cut_begin(&it, str_make(text, len));
    while (uui_cut_next(&it, &element)) {
        struct uui_value v;
        if (n == max) {
            return E_TOOMANY;
        }
        int err = parse_into(element, &buf, &v);
        if (err < 0) {
            return err;
        }
        uui_export_value(&v, &values[n++]);
    }
    discard_many(values, n);
    *count = n;
    return 0;
}

bool baton_uui_param(const struct baton_uui_value *v, size_t *at, const char **name,
                     size_t *name_len, const char **value, size_t *value_len)
{
    struct str rest = str_from(str_make(v->params, v->params_len), *at);
    struct str key, val;
    if (!uui_param_next(&rest, &key, &val)) {
        return false;
    }
    *at = v->params_len - rest.n;
    *name = key.p;
    *name_len = key.n;
    *value = val.p;
    *value_len = val.n;
    return true;
}

int baton_uui_discriminator(const struct baton_uui_value *v)
{
    return v->package == uui_isdn.p && v->octets_len > 0 ? v->octets[0] : -1;
}

/** Close a C string; sets *len in any case and empties the buffer after a failure. */
static int finish(struct out *o, int err, size_t *len)
{
    size_t need = o->need;
    out_ch(o, '\0');
    if (len) {
        *len = err == E_VALUE ? 0 : need;
    }
    if (err == 0 && o->over) {
        err = E_SPACE;
    }
    if (err < 0 && o->cap > 0) {
        o->p[0] = '\0';
    }
    return err;
}

int baton_uui_encode(const void *octets, size_t octets_len,
                     const struct baton_uui_format *format, char *buf, size_t size, size_t *len,
                     enum baton_uui_rule *why)
{
    const struct baton_uui_format zero = {0};
    const struct baton_uui_format *f = format ? format : &zero;
    const struct uui_format internal = {
        .package = str_c(f->package),
        .content = str_c(f->content),
        .encoding = str_c(f->encoding),
        .has_pd = f->has_pd,
        .pd = f->pd,
    };
    struct out o;
    enum uui_rule rule = UUI_R_NONE;
    out_init(&o, buf, size);
    int err = uui_write(&o, str_make(octets, octets_len), &internal, &rule);
    if (why) {
        *why = (enum baton_uui_rule)rule;
    }
    return finish(&o, err, len);
}

int baton_uui_from_uri(const char *uri, size_t len, char *buf, size_t size, size_t *out_len,
                       enum baton_uui_rule *why, size_t *at)
{
    struct str headers = uui_uri_headers(str_make(uri, len));
    struct uui_embedded e;
    size_t n = 0;
    *out_len = 0;
    while (uui_uri_next(&headers, &e)) {
        if (e.rule != UUI_R_NONE) {
            if (why) {
                *why = (enum baton_uui_rule)e.rule;
            }
            if (at) {
                *at = (size_t)(e.header.p - uri) + e.at;
            }
            return E_VALUE;
        }
        size_t gap = n > 0 ? 2 : 0;
        if (e.value.n + gap > size - n) {
            return E_SPACE;
        }
        if (gap > 0) {
            buf[n] = ',';
            buf[n + 1] = ' ';
        }
        n += gap + uui_unescape(&e, buf + n + gap);
    }
    *out_len = n;
    return 0;
}

int baton_uui_to_uri(const char *value, size_t len, char *buf, size_t size, size_t *out_len)
{
    struct out o;
    out_init(&o, buf, size);
    sip_escape_header(&o, str_make(value, len));
    return finish(&o, 0, out_len);
}

const char *baton_uui_verdict_text(enum baton_uui_verdict v)
{
    return uui_verdict_text((enum uui_verdict)v);
}

const char *baton_uui_rule_name(enum baton_uui_rule r)
{
    return uui_rule_name((enum uui_rule)r);
}

const char *baton_uui_rule_text(enum baton_uui_rule r)
{
    return uui_rule_text((enum uui_rule)r);
}

const char *baton_uui_rule_source(enum baton_uui_rule r)
{
    return uui_rule_source((enum uui_rule)r);
}

const char *baton_uui_discriminator_text(uint8_t pd)
{
    return uui_pd_text(pd);
}
