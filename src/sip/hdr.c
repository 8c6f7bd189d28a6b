/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of the smaller header values, and the shorthands that find and parse one.
 *
 * Numbers follow one rule: what does not fit the range that the header's RFC gives is
 * E_VALUE, never a wrapped or a cut number; what is no number is E_SYNTAX.
 */
#include "sip/hdr.h"

#include "base/err.h"
#include "sip/lex.h"
#include "sip/names.h"
#include "sip/scan.h"

#define CSEQ_MAX 0x7fffffffU /* RFC 3261 §8.1.1.5: below 2^31 */

int sip_cseq_parse(struct str value, struct sip_cseq *out, uint32_t *at)
{
    sip_zero(out, sizeof(*out));
    *at = 0;
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    bool big;
    const char *q = sip_digits(p, end, CSEQ_MAX, &out->number, &big);
    if (q == NULL) {
        *at = (uint32_t)(p - value.p);
        return big ? E_VALUE : E_SYNTAX;
    }
    p = sip_skip_ws(q, end);
    const char *method_end = sip_span(p, end, SIP_C_TOKEN);
    if (p == q || method_end == p || sip_skip_ws(method_end, end) != end) {
        *at = (uint32_t)(method_end - value.p);
        return E_SYNTAX;
    }
    out->method = sip_slice(p, method_end);
    out->method_id = sip_method_lookup(p, out->method.n, out->method.n);
    return 0;
}

int sip_rack_parse(struct str value, struct sip_rack *out, uint32_t *at)
{
    memset(out, 0, sizeof(*out));
    *at = 0;
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    bool big;
    const char *q = sip_digits(p, end, UINT32_MAX, &out->rseq, &big);
    if (q == NULL || q == end || !sip_char_is(*q, SIP_C_WS)) {
        return big ? E_VALUE : E_SYNTAX;
    }
    int err = sip_cseq_parse(sip_slice(q, end), &out->cseq, at);
    *at += (uint32_t)(q - value.p);
    return err;
}

/* A comment that opens at `p`, with those in it; NULL when it does not close. */
static const char *skip_comment(const char *p, const char *end)
{
    unsigned depth = 0;
    for (; p < end; p++) {
        if (*p == '\\') {
            p++;
        } else if (*p == '(') {
            depth++;
        } else if (*p == ')' && --depth == 0) {
            return p + 1;
        }
    }
    return NULL;
}

int sip_number_parse(struct str value, uint32_t *out, struct str *params)
{
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    bool big;
    uint32_t v = 0;
    *params = STR_NONE;
    const char *q = sip_digits(p, end, UINT32_MAX, &v, &big);
    if (q == NULL) {
        return big ? E_VALUE : E_SYNTAX;
    }
    q = sip_skip_ws(q, end);
    if (q < end && *q == '(') {
        q = skip_comment(q, end);
        if (q == NULL) {
            return E_SYNTAX;
        }
        q = sip_skip_ws(q, end);
    }
    if (q < end && *q == ';') {
        *params = sip_slice(q + 1, end);
    } else if (q < end) {
        return E_SYNTAX;
    }
    *out = v;
    return 0;
}

struct str sip_value_head(struct str value, struct str *params)
{
    size_t semi = str_index(value, ';');
    if (params != NULL) {
        *params = semi < value.n ? str_from(value, semi + 1) : STR_NONE;
    }
    return str_trim(str_upto(value, semi));
}

/* qvalue = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ) */
bool sip_q_parse(struct str text, uint16_t *milli)
{
    unsigned unit = 100;
    if (text.n == 0 || text.n > 5 || (text.p[0] != '0' && text.p[0] != '1') ||
        (text.n > 1 && text.p[1] != '.')) {
        return false;
    }
    unsigned v = text.p[0] == '1' ? 1000 : 0;
    for (size_t i = 2; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        v += unit * (unsigned)(text.p[i] - '0');
        unit /= 10;
    }
    if (v > 1000) {
        return false;
    }
    *milli = (uint16_t)v;
    return true;
}

int sip_session_expires_parse(struct str value, struct sip_session_expires *out)
{
    struct str params;
    struct str who;
    memset(out, 0, sizeof(*out));
    int err = sip_number_parse(value, &out->seconds, &params);
    if (err != 0 || !sip_param(params, STR("refresher"), &who)) {
        return err;
    }
    if (str_ieq(who, STR("uac"))) {
        out->refresher = SIP_REFRESHER_UAC;
    } else if (str_ieq(who, STR("uas"))) {
        out->refresher = SIP_REFRESHER_UAS;
    } else {
        return E_SYNTAX;
    }
    return 0;
}

int sip_media_parse(struct str value, struct sip_media *out)
{
    memset(out, 0, sizeof(*out));
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    const char *q = sip_span(p, end, SIP_C_TOKEN);
    out->type = sip_slice(p, q);
    p = sip_skip_ws(q, end);
    if (out->type.n == 0 || p == end || *p != '/') {
        return E_SYNTAX;
    }
    p = sip_skip_ws(p + 1, end);
    q = sip_span(p, end, SIP_C_TOKEN);
    out->subtype = sip_slice(p, q);
    p = sip_skip_ws(q, end);
    if (out->subtype.n == 0 || (p < end && *p != ';')) {
        return E_SYNTAX;
    }
    if (p < end) {
        out->params = sip_slice(p + 1, end);
    }
    return 0;
}

bool sip_media_is(const struct sip_media *m, struct str type, struct str subtype)
{
    return str_ieq(m->type, type) && str_ieq(m->subtype, subtype);
}

int sip_credentials_parse(struct str value, struct sip_credentials *out)
{
    memset(out, 0, sizeof(*out));
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    const char *q = sip_span(p, end, SIP_C_TOKEN);
    const char *params = sip_skip_ws(q, end);
    if (q == p || (params == q && q < end)) {
        return E_SYNTAX;
    }
    out->scheme = sip_slice(p, q);
    out->params = str_trim(sip_slice(params, end));
    return 0;
}

bool sip_credentials_next(struct str *rest, struct str *key, struct str *value)
{
    struct str one;
    while (sip_list_next(rest, &one)) {
        size_t eq = str_index(one, '=');
        *key = str_trim(str_upto(one, eq));
        if (eq == one.n || key->n == 0) {
            continue; /* no pair: nothing that a digest could use */
        }
        *value = str_trim(str_from(one, eq + 1));
        if (value->n >= 2 && value->p[0] == '"' && value->p[value->n - 1] == '"') {
            *value = str_make(value->p + 1, value->n - 2);
        }
        return true;
    }
    return false;
}

/* callid = word [ "@" word ] */
static const char *span_call_id(const char *p, const char *end)
{
    const char *q = sip_span(p, end, SIP_C_WORD);
    if (q > p && end - q > 1 && *q == '@') {
        const char *r = sip_span(q + 1, end, SIP_C_WORD);
        return r > q + 1 ? r : p;
    }
    return q;
}

int sip_replaces_parse(struct str value, struct sip_replaces *out)
{
    memset(out, 0, sizeof(*out));
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    const char *q = span_call_id(p, end);
    if (q == p) {
        return E_SYNTAX;
    }
    out->call_id = sip_slice(p, q);
    q = sip_skip_ws(q, end);
    if (q == end || *q != ';') {
        return E_SYNTAX;
    }
    struct str params = sip_slice(q + 1, end);
    struct str name;
    struct str v;
    while (sip_param_next(&params, &name, &v)) {
        struct str *tag = NULL;
        if (str_ieq(name, STR("to-tag")) || str_ieq(name, STR("remote-tag"))) {
            tag = &out->to_tag; /* remote-tag, local-tag: Target-Dialog, RFC 4538 §7 */
        } else if (str_ieq(name, STR("from-tag")) || str_ieq(name, STR("local-tag"))) {
            tag = &out->from_tag;
        } else if (str_ieq(name, STR("early-only"))) {
            out->early_only = true;
        }
        if (tag != NULL) {
            if (str_is_set(*tag) || v.n == 0) {
                return E_SYNTAX; /* exactly one each, RFC 3891 §3 */
            }
            *tag = v;
        }
    }
    return str_is_set(out->to_tag) && str_is_set(out->from_tag) ? 0 : E_SYNTAX;
}

/* The value of the first line, or its first element that is not empty. */
static bool first_value(const struct sip_msg *m, enum sip_hdr_id id, bool list, struct str *v)
{
    if (m->first[id] == 0) {
        return false;
    }
    *v = sip_hdr_value(m, &m->hdr[m->first[id] - 1]);
    if (list && (v->n == 0 || sip_scan_char(v->p, v->p + v->n, ',') < v->p + v->n)) {
        struct sip_values it = {0};
        return sip_msg_each(m, id, &it, v);
    }
    return true;
}

bool sip_msg_branch(const struct sip_msg *m, struct str *out)
{
    struct str v;
    /* neither protocol nor sent-by has a semicolon (RFC 3261 §25.1) */
    return first_value(m, SIP_HDR_VIA, true, &v) &&
           sip_param(str_from(v, str_index(v, ';')), STR("branch"), out) && str_is_set(*out);
}

int sip_msg_via(const struct sip_msg *m, struct sip_via *out)
{
    struct str v;
    uint32_t at;
    if (!first_value(m, SIP_HDR_VIA, true, &v)) {
        sip_zero(out, sizeof(*out));
        return E_NOTFOUND;
    }
    return sip_via_parse(v, out, &at);
}

int sip_msg_cseq(const struct sip_msg *m, struct sip_cseq *out)
{
    struct str v;
    uint32_t at;
    if (!first_value(m, SIP_HDR_CSEQ, false, &v)) {
        sip_zero(out, sizeof(*out));
        return E_NOTFOUND;
    }
    int err = sip_cseq_parse(v, out, &at);
    return err == E_VALUE ? E_SYNTAX : err;
}

int sip_msg_addr(const struct sip_msg *m, enum sip_hdr_id id, struct sip_addr *out)
{
    struct str v;
    uint32_t at;
    if (!first_value(m, id, (sip_vocab_hdr[id].flags & SIP_HDRF_LIST) != 0, &v)) {
        sip_zero(out, sizeof(*out));
        return E_NOTFOUND;
    }
    return sip_addr_parse(v, out, &at);
}

/* Behind the address, without looking into the URI: where header parameters may start. */
static const char *skip_address(const char *p, const char *end)
{
    for (; p < end && *p != ';'; p++) {
        if (*p == '"') {
            const char *q = sip_skip_quoted(p, end);
            if (q == NULL) {
                return end;
            }
            p = q - 1;
        } else if (*p == '<') {
            p = memchr(p, '>', (size_t)(end - p));
            if (p == NULL) {
                return end;
            }
        }
    }
    return p;
}

/* The usual spelling, read at once: the tag, a token, is all there is behind the address. */
static bool is_only_tag(const char *p, const char *end)
{
    static const char start[] = ";tag=";
    const size_t n = sizeof(start) - 1;
    return (size_t)(end - p) > n && memcmp(p, start, n) == 0 &&
           sip_span(p + n, end, SIP_C_TOKEN) == end;
}

struct str sip_msg_tag(const struct sip_msg *m, enum sip_hdr_id from_or_to)
{
    struct str v = sip_msg_value(m, from_or_to);
    struct str tag = STR_NONE;
    if (v.n > 0) {
        const char *end = sip_end(v);
        const char *p = skip_address(v.p, end);
        if (is_only_tag(p, end)) {
            tag = sip_slice(p + 5, end);
        } else if (p < end) {
            (void)sip_param(sip_slice(p + 1, end), STR("tag"), &tag); /* absent: no tag */
        }
    }
    return tag;
}

int sip_msg_number(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out)
{
    struct str v = sip_msg_value(m, id);
    struct str params;
    return str_is_set(v) ? sip_number_parse(v, out, &params) : E_NOTFOUND;
}

bool sip_msg_content_is(const struct sip_msg *m, struct str type, struct str subtype)
{
    struct sip_media media;
    struct str v = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
    return str_is_set(v) && sip_media_parse(v, &media) == 0 &&
           sip_media_is(&media, type, subtype);
}

void sip_unquote(struct out *o, struct str s)
{
    if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"') {
        out_str(o, s);
        return;
    }
    for (size_t i = 1; i + 1 < s.n; i++) {
        if (s.p[i] == '\\' && i + 2 < s.n) {
            i++;
        }
        out_ch(o, s.p[i]);
    }
}

void sip_quote(struct out *o, struct str s)
{
    out_ch(o, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\') {
            out_ch(o, '\\');
        }
        out_ch(o, s.p[i]);
    }
    out_ch(o, '"');
}
