/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address values: name-addr or addr-spec with header parameters (RFC 3261 §20.10, §25.1).
 *
 *     "Display" <URI> ;param=value        tokens <URI> ;...        URI ;param=value
 *
 * Without brackets everything behind the first ';' belongs to the header, and a URI with
 * ',' or '?' is refused, because it is undecidable whose they are (§20, RFC 4475
 * §3.1.2.13). White space within the brackets is refused (RFC 4475 §3.1.2.14), and so
 * is a display name that should have been quoted (§3.1.2.15).
 *
 * LENIENT   octets above 127 in a display name without quotes, which many phones send.
 */
#include "sip/hdr.h"

#include "base/err.h"
#include "sip/lex.h"
#include "sip/scan.h"

static int fail(const struct sip_addr *a, const char *p, uint32_t *at)
{
    *at = (uint32_t)(p - a->text.p);
    return E_SYNTAX;
}

static int parse_uri(const char *p, const char *end, struct sip_addr *out, uint32_t *at)
{
    out->uri_text = sip_slice(p, end);
    int err = sip__uri_parse(out->uri_text, &out->uri, at);
    *at += (uint32_t)(p - out->text.p);
    return err;
}

/* *( ";" generic-param ) to the end. */
static int parse_params(const char *p, const char *end, struct sip_addr *out, uint32_t *at)
{
    p = sip_skip_ws(p, end);
    if (p < end && *p == ';') {
        out->params = sip_slice(p + 1, end);
    }
    while (p < end) {
        if (*p != ';') {
            return fail(out, p, at);
        }
        struct str name;
        struct str value;
        const char *bad = p;
        p = sip_generic_param(p + 1, end, &name, &value, &bad);
        if (p == NULL) {
            return fail(out, bad, at);
        }
    }
    return 0;
}

/* Behind the '<' at `p`. */
static int parse_bracketed(const char *p, const char *end, struct sip_addr *out, uint32_t *at)
{
    const char *close = sip_scan_char(p, end, '>');
    if (close == end) {
        return fail(out, p, at);
    }
    out->bracketed = true;
    int err = parse_uri(p + 1, close, out, at);
    return err != 0 ? err : parse_params(close + 1, end, out, at);
}

static int parse_bare(const char *p, const char *end, struct sip_addr *out, uint32_t *at)
{
    const char *q = p;
    while (q < end && *q != ';' && !sip_char_is(*q, SIP_C_WS)) {
        if (*q == ',' || *q == '?') {
            return fail(out, q, at);
        }
        q++;
    }
    int err = parse_uri(p, q, out, at);
    return err != 0 ? err : parse_params(q, end, out, at);
}

static bool is_display(char c)
{
    return sip_char_is(c, SIP_C_TOKEN | SIP_C_WS) || (unsigned char)c >= 0x80;
}

int sip_addr_parse(struct str value, struct sip_addr *out, uint32_t *at)
{
    sip_zero(out, sizeof(*out));
    out->text = value;
    *at = 0;
    const char *end = sip_end(value);
    const char *p = sip_skip_ws(value.p, end);
    if (p == end) {
        return E_SYNTAX;
    }
    if (*p == '<') {
        return parse_bracketed(p, end, out, at);
    }
    if (*p == '"') {
        const char *q = sip_skip_quoted(p, end);
        if (q == NULL) {
            return fail(out, p, at);
        }
        out->display = sip_slice(p + 1, q - 1);
        p = sip_skip_ws(q, end);
        return p < end && *p == '<' ? parse_bracketed(p, end, out, at) : fail(out, p, at);
    }
    const char *q = p;
    while (q < end && is_display(*q)) {
        q++;
    }
    if (q < end && *q == '<') {
        out->display = str_trim(sip_slice(p, q));
        return parse_bracketed(q, end, out, at);
    }
    if (*p == '*' && sip_skip_ws(p + 1, end) == end) {
        out->star = true;
        return 0;
    }
    return parse_bare(p, end, out, at);
}

struct str sip_addr_tag(const struct sip_addr *a)
{
    struct str rest = a->params;
    struct str name;
    struct str value;
    while (sip_param_next(&rest, &name, &value)) {
        if (SIP_IS_WORD(name, "tag")) {
            return value;
        }
    }
    return STR_NONE;
}
