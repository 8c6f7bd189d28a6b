/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One Via value to view (RFC 3261 §20.42, §25.1; RFC 3581; RFC 5118 §4.5).
 *
 *     SIP / 2.0 / UDP  host : port ; param = value ...
 *
 * with white space and folds between any two of these. The compact spelling that nearly
 * every sender uses is tried first. `received` and `maddr` may be IPv6 addresses with or
 * without brackets; they stay as written.
 */
#include "sip/hdr.h"

#include "base/err.h"
#include "sip/lex.h"
#include "sip/scan.h"

static int fail(const struct sip_via *v, const char *p, uint32_t *at)
{
    *at = (uint32_t)(p - v->text.p);
    return E_SYNTAX;
}

/* token, white space around it. */
static const char *spaced_token(const char *p, const char *end, struct str *out)
{
    p = sip_skip_ws(p, end);
    const char *q = sip_span(p, end, SIP_C_TOKEN);
    *out = sip_slice(p, q);
    return sip_skip_ws(q, end);
}

/* sent-protocol: behind it and the white space that must follow; NULL with *bad. */
static const char *parse_protocol(const char *p, const char *end, struct sip_via *out,
                                  const char **bad)
{
    if (end - p > 8 && memcmp(p, "SIP/2.0/", 8) == 0) {
        p += 8;
    } else {
        for (int part = 0; part < 2; part++) {
            struct str token;
            *bad = p;
            p = spaced_token(p, end, &token);
            if (token.n == 0 || p == end || *p != '/') {
                return NULL;
            }
            p++;
        }
        p = sip_skip_ws(p, end);
    }
    const char *q = sip_span(p, end, SIP_C_TOKEN);
    *bad = q;
    out->transport = sip_slice(p, q);
    p = sip_skip_ws(q, end);
    return q > out->transport.p && p > q ? p : NULL;
}

/* sent-by: host [ ":" port ]. Behind it and white space; NULL with *bad. */
static const char *parse_sent_by(const char *p, const char *end, struct sip_via *out,
                                 const char **bad)
{
    const char *q;
    *bad = p;
    if (p < end && *p == '[') {
        struct addr ignored;
        q = memchr(p, ']', (size_t)(end - p));
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
    q = sip_skip_ws(q, end);
    if (q == end || *q != ':') {
        return q;
    }
    bool big;
    p = sip_skip_ws(q + 1, end);
    *bad = p;
    q = sip_digits(p, end, UINT16_MAX, &out->port, &big);
    return q == NULL || out->port == 0 ? NULL : sip_skip_ws(q, end);
}

/* Keep what the stack asks for. @return false when the value is impossible */
static bool take_param(struct sip_via *out, struct str name, struct str value)
{
    switch (name.n) {
    case 5:
        if (SIP_IS_WORD(name, "rport")) {
            out->has_rport = true;
            bool big;
            return value.n == 0 || sip_digits(value.p, value.p + value.n, UINT16_MAX,
                                              &out->rport, &big) == value.p + value.n;
        }
        if (SIP_IS_WORD(name, "maddr")) {
            out->maddr = value;
        }
        return true;
    case 6:
        if (SIP_IS_WORD(name, "branch")) {
            out->branch = value;
        }
        return true;
    case 8:
        if (SIP_IS_WORD(name, "received")) {
            out->received = value;
        }
        return true;
    default:
        return true;
    }
}

int sip_via_parse(struct str value, struct sip_via *out, uint32_t *at)
{
    sip_zero(out, sizeof(*out));
    out->text = value;
    *at = 0;
    const char *p = value.p;
    const char *end = sip_end(value);
    const char *bad = p;
    p = parse_protocol(p, end, out, &bad);
    if (p != NULL) {
        p = parse_sent_by(p, end, out, &bad);
    }
    if (p == NULL) {
        return fail(out, bad, at);
    }
    if (p < end && *p == ';') {
        out->params = sip_slice(p + 1, end);
    }
    while (p < end) {
        if (*p != ';') {
            return fail(out, p, at);
        }
        struct str name;
        struct str v;
        const char *from = p + 1;
        p = sip_generic_param(from, end, &name, &v, &bad);
        if (p == NULL) {
            return fail(out, bad, at);
        }
        if (!take_param(out, name, v)) {
            return fail(out, from, at);
        }
    }
    return 0;
}
