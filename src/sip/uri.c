/* SPDX-License-Identifier: Apache-2.0 */
/*
 * URI to view (RFC 3261 §19.1.1, §25.1; RFC 3966 §3), and walks over its parameters.
 *
 * The one ambiguity of the grammar is whether there is a user part: its characters include
 * ';', '?' and '/', and only the '@' behind decides. So the user part is tried first: a
 * span of user characters, perhaps ':' and a password, and then '@'; when no '@' stands
 * there, the host begins where the span began. Nothing behind the user part may hold an
 * '@' that is not escaped, so the first one is the only one.
 *
 * LENIENT   '#' in a user part and '_' in a host name, which phones send; empty parameters
 *           (";;", a trailing ';'). Everything else that the grammar forbids is refused,
 *           above all '%' without two hex digits.
 * COST      every octet is read once, the octets of a host twice; no allocation.
 */
#include "sip/uri.h"

#include "base/addr.h"
#include "base/err.h"
#include "sip/lex.h"
#include "sip/scan.h"

static int fail(const struct sip_uri *u, const char *p, uint32_t *at)
{
    *at = (uint32_t)(p - u->text.p);
    return E_SYNTAX;
}

/* [ userinfo "@" ]: NULL when there is no '@', else behind it. */
static const char *parse_userinfo(const char *p, const char *end, struct sip_uri *out)
{
    const char *q = sip_span_escaped(p, end, SIP_C_USER);
    if (q == end || q == p) {
        return NULL;
    }
    if (*q == '@') {
        out->user = sip_slice(p, q);
        return q + 1;
    }
    if (*q != ':') {
        return NULL;
    }
    const char *r = sip_span_escaped(q + 1, end, SIP_C_PASSWORD);
    if (r == end || *r != '@') {
        return NULL;
    }
    out->user = sip_slice(p, q);
    out->password = sip_slice(q + 1, r);
    return r + 1;
}

/* host [ ":" port ]: behind it, or NULL with *bad. */
static const char *parse_hostport(const char *p, const char *end, struct sip_uri *out,
                                  const char **bad)
{
    const char *q;
    *bad = p;
    if (p < end && *p == '[') {
        q = memchr(p, ']', (size_t)(end - p));
        struct addr ignored;
        if (q == NULL || !addr_parse_host(sip_slice(p, q + 1), 0, &ignored)) {
            return NULL;
        }
        q++;
    } else {
        q = sip_span(p, end, SIP_C_HOST);
        if (q == p) {
            return NULL;
        }
    }
    out->host = sip_slice(p, q);
    if (q == end || *q != ':') {
        return q;
    }
    bool big;
    *bad = q + 1;
    p = sip_digits(q + 1, end, UINT16_MAX, &out->port, &big);
    return p == NULL || out->port == 0 ? NULL : p;
}

/* uri-parameters behind the first ';' */
static const char *span_params(const char *p, const char *end)
{
    for (;;) {
        p = sip_span_escaped(p, end, SIP_C_PARAM);
        if (p == end || (*p != ';' && *p != '=')) {
            return p;
        }
        p++;
    }
}

/* headers behind the '?' */
static const char *span_headers(const char *p, const char *end)
{
    for (;;) {
        p = sip_span_escaped(p, end, SIP_C_HNV);
        if (p == end || (*p != '&' && *p != '=')) {
            return p;
        }
        p++;
    }
}

static int parse_sip(const char *p, const char *end, struct sip_uri *out, uint32_t *at)
{
    const char *host = parse_userinfo(p, end, out);
    const char *bad = NULL;
    p = parse_hostport(host == NULL ? p : host, end, out, &bad);
    if (p == NULL) {
        return fail(out, bad, at);
    }
    if (p < end && *p == ';') {
        const char *q = span_params(p + 1, end);
        out->params = sip_slice(p + 1, q);
        p = q;
    }
    if (p < end && *p == '?') {
        const char *q = span_headers(p + 1, end);
        out->headers = sip_slice(p + 1, q);
        p = q;
    }
    return p == end ? 0 : fail(out, p, at);
}

static int parse_tel(const char *p, const char *end, struct sip_uri *out, uint32_t *at)
{
    const char *q = sip_span(p, end, SIP_C_PHONE);
    if (q == p || memchr(p + 1, '+', (size_t)(q - p - 1)) != NULL) {
        return fail(out, p, at);
    }
    out->user = sip_slice(p, q);
    if (q < end && *q == ';') {
        p = q + 1;
        q = span_params(p, end);
        out->params = sip_slice(p, q);
    }
    return q == end ? 0 : fail(out, q, at);
}

static uint32_t fold4(const char *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof(v));
    return v | 0x20202020U;
}

/* "sip:", "sips:" and "tel:" by one load; others by the grammar. Behind the colon, or NULL. */
static const char *parse_scheme(const char *p, const char *end, struct sip_uri *out)
{
    if (end - p >= 5) {
        uint32_t four = fold4(p);
        if (p[3] == ':' && four == fold4("sip:")) {
            out->scheme = SIP_SCHEME_SIP;
            out->scheme_name = str_make(p, 3);
            return p + 4;
        }
        if (p[4] == ':' && four == fold4("sips")) {
            out->scheme = SIP_SCHEME_SIPS;
            out->scheme_name = str_make(p, 4);
            return p + 5;
        }
        if (p[3] == ':' && four == fold4("tel:")) {
            out->scheme = SIP_SCHEME_TEL;
            out->scheme_name = str_make(p, 3);
            return p + 4;
        }
    }
    if (p == end || !sip_char_is(*p, SIP_C_ALPHA)) {
        return NULL;
    }
    const char *q = sip_span(p, end, SIP_C_SCHEME);
    if (q == end || *q != ':') {
        return NULL;
    }
    out->scheme_name = sip_slice(p, q);
    return q + 1;
}

int sip__uri_parse(struct str text, struct sip_uri *out, uint32_t *at)
{
    out->text = text;
    *at = 0;
    const char *p = text.p;
    const char *end = sip_end(text);
    p = parse_scheme(p, end, out);
    if (p == NULL) {
        return E_SYNTAX;
    }
    switch (out->scheme) {
    case SIP_SCHEME_SIP:
    case SIP_SCHEME_SIPS:
        return parse_sip(p, end, out, at);
    case SIP_SCHEME_TEL:
        return parse_tel(p, end, out, at);
    default:
        out->opaque = sip_slice(p, end);
        const char *q = sip_span(p, end, SIP_C_URIC);
        return q == end && q > p ? 0 : fail(out, q, at);
    }
}

int sip_uri_parse(struct str text, size_t max, struct sip_uri *out, uint32_t *at)
{
    sip_zero(out, sizeof(*out));
    if (max != 0 && text.n > max) {
        out->text = text;
        *at = (uint32_t)max;
        return E_TOOBIG;
    }
    return sip__uri_parse(text, out, at);
}

bool sip_param_next(struct str *rest, struct str *name, struct str *value)
{
    if (rest->n == 0) {
        return false; /* absent: there is no pointer to add to */
    }
    const char *p = rest->p;
    const char *end = sip_end(*rest);
    while (p < end) {
        const char *eq = NULL;
        const char *q = p;
        while (q < end && *q != ';') {
            if (*q == '"') {
                const char *close = sip_skip_quoted(q, end);
                q = close == NULL ? end : close;
                continue;
            }
            if (*q == '=' && eq == NULL) {
                eq = q;
            }
            q++;
        }
        struct str n = sip_trimmed(p, eq == NULL ? q : eq);
        struct str v = eq == NULL ? STR_NONE : sip_trimmed(eq + 1, q);
        p = q < end ? q + 1 : end;
        if (n.n > 0) {
            *name = n;
            *value = v;
            *rest = sip_slice(p, end);
            return true;
        }
    }
    *rest = str_make(end, 0);
    return false;
}

bool sip_param(struct str params, struct str name, struct str *value)
{
    struct str n;
    struct str v;
    while (sip_param_next(&params, &n, &v)) {
        if (str_ieq(n, name)) {
            *value = v;
            return true;
        }
    }
    *value = STR_NONE;
    return false;
}

void sip_params_write(struct out *o, struct str params, struct str but)
{
    struct str name;
    struct str value;
    while (sip_param_next(&params, &name, &value)) {
        if (str_is_set(but) && str_ieq(name, but)) {
            continue;
        }
        out_ch(o, ';');
        out_str(o, name);
        if (str_is_set(value)) {
            out_ch(o, '=');
            out_str(o, value);
        }
    }
}

bool sip_uri_header_next(struct str *rest, struct str *name, struct str *value)
{
    while (rest->n > 0) {
        size_t n = str_index(*rest, '&');
        struct str one = str_upto(*rest, n);
        *rest = str_from(*rest, n + 1);
        if (one.n > 0) {
            size_t eq = str_index(one, '=');
            *name = str_upto(one, eq);
            *value = eq < one.n ? str_from(one, eq + 1) : STR_NONE;
            return true;
        }
    }
    return false;
}
