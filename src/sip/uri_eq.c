/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What URIs mean: comparison (RFC 3261 §19.1.4, RFC 3966 §4), the default port, escapes,
 * and the key of an address of record.
 *
 * ESCAPES   A character that is not reserved equals its escape; a reserved one does not:
 *           "%61lice" is "alice", "a%40b" is not "a@b". Comparison therefore decodes an
 *           escape only when it stands for an unreserved character, and the key of an
 *           address of record writes it in one way: unreserved plain, the rest as %HH with
 *           upper-case digits.
 * COST      parameters and headers are compared by walking one list per element of the
 *           other; lists longer than LIST_MAX are compared as they stand, so that nobody
 *           buys seconds of work with one Contact.
 */
#include "sip/uri.h"

#include "base/addr.h"
#include "sip/lex.h"

/* Octets of parameters or headers whose order does not count. */
#define LIST_MAX 2048

/* One character of an escaped text: its octet, and whether it may be written plainly. */
struct unit {
    unsigned char octet;
    bool escaped; /* stands as %HH and means something else than the plain octet */
};

static const char *next_unit(const char *p, const char *end, struct unit *u)
{
    if (end - p >= 3 && *p == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
        u->octet = (unsigned char)(hex_digit(p[1]) * 16 + hex_digit(p[2]));
        u->escaped = !sip_char_is((char)u->octet, SIP_C_UNRESERVED);
        return p + 3;
    }
    u->octet = (unsigned char)*p;
    u->escaped = u->octet == '#'; /* tolerated raw, means %23 */
    return p + 1;
}

static bool escaped_eq(struct str a, struct str b, bool fold)
{
    if (a.n == 0 || b.n == 0) {
        return a.n == b.n; /* absent: there is no pointer to add to */
    }
    const char *p = a.p;
    const char *q = b.p;
    const char *p_end = sip_end(a);
    const char *q_end = sip_end(b);
    while (p < p_end && q < q_end) {
        struct unit u;
        struct unit v;
        p = next_unit(p, p_end, &u);
        q = next_unit(q, q_end, &v);
        bool same = u.octet == v.octet ||
                    (fold && ascii_lower((char)u.octet) == ascii_lower((char)v.octet));
        if (!same || u.escaped != v.escaped) {
            return false;
        }
    }
    return p == p_end && q == q_end;
}

static bool find_param(struct str params, struct str name, struct str *value)
{
    struct str n;
    while (sip_param_next(&params, &n, value)) {
        if (escaped_eq(n, name, true)) {
            return true;
        }
    }
    return false;
}

/*
 * These make URIs differ when only one has them. §19.1.4 names user, ttl, method and maddr
 * in its rules, and transport by its example of two URIs that are not equivalent.
 */
static bool counts_alone(struct str name)
{
    return escaped_eq(name, STR("user"), true) || escaped_eq(name, STR("ttl"), true) ||
           escaped_eq(name, STR("method"), true) || escaped_eq(name, STR("maddr"), true) ||
           escaped_eq(name, STR("transport"), true);
}

/* Every parameter of `a` agrees with `b`; of two with one name the first one counts. */
static bool params_agree(struct str a, struct str b)
{
    struct str rest = a;
    struct str name;
    struct str value;
    while (sip_param_next(&rest, &name, &value)) {
        struct str other;
        if (find_param(b, name, &other)) {
            (void)find_param(a, name, &value); /* found: this one, or one before */
            if (str_is_set(value) != str_is_set(other) || !escaped_eq(value, other, true)) {
                return false;
            }
        } else if (counts_alone(name)) {
            return false;
        }
    }
    return true;
}

static size_t count_header(struct str headers, struct str name, struct str value)
{
    size_t count = 0;
    struct str n;
    struct str v;
    while (sip_uri_header_next(&headers, &n, &v)) {
        count += escaped_eq(n, name, true) && escaped_eq(v, value, false);
    }
    return count;
}

/* As sets with repetition: each header occurs as often in `b` as in `a`. */
static bool headers_within(struct str a, struct str b)
{
    struct str rest = a;
    struct str name;
    struct str value;
    while (sip_uri_header_next(&rest, &name, &value)) {
        if (count_header(a, name, value) != count_header(b, name, value)) {
            return false;
        }
    }
    return true;
}

static bool host_eq(struct str a, struct str b)
{
    struct addr x;
    struct addr y;
    if (a.n > 0 && b.n > 0 && a.p[0] == '[' && b.p[0] == '[' && addr_parse_host(a, 0, &x) &&
        addr_parse_host(b, 0, &y)) {
        return memcmp(x.ip, y.ip, sizeof(x.ip)) == 0 && x.family == y.family;
    }
    return str_ieq(a, b);
}

static bool is_separator(char c)
{
    return c == '-' || c == '.' || c == '(' || c == ')';
}

/* RFC 3966 §4: digit by digit without visual separators. */
static bool number_eq(struct str a, struct str b)
{
    size_t i = 0;
    size_t j = 0;
    for (;;) {
        while (i < a.n && is_separator(a.p[i])) {
            i++;
        }
        while (j < b.n && is_separator(b.p[j])) {
            j++;
        }
        if (i == a.n || j == b.n) {
            return i == a.n && j == b.n;
        }
        if (ascii_lower(a.p[i++]) != ascii_lower(b.p[j++])) {
            return false;
        }
    }
}

static bool tel_params_within(struct str a, struct str b)
{
    struct str rest = a;
    struct str name;
    struct str value;
    while (sip_param_next(&rest, &name, &value)) {
        struct str other;
        if (!find_param(b, name, &other) || !find_param(a, name, &value)) {
            return false;
        }
        bool number = str_ieq(name, STR("ext")) ||
                      (str_ieq(name, STR("phone-context")) && str_starts(value, STR("+")));
        if (number ? !number_eq(value, other) : !escaped_eq(value, other, true)) {
            return false;
        }
    }
    return true;
}

static bool lists_eq(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->params.n > LIST_MAX || b->params.n > LIST_MAX || a->headers.n > LIST_MAX ||
        b->headers.n > LIST_MAX) {
        return str_eq(a->params, b->params) && str_eq(a->headers, b->headers);
    }
    if (a->scheme == SIP_SCHEME_TEL) {
        return tel_params_within(a->params, b->params) &&
               tel_params_within(b->params, a->params);
    }
    return params_agree(a->params, b->params) && params_agree(b->params, a->params) &&
           headers_within(a->headers, b->headers) && headers_within(b->headers, a->headers);
}

bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b)
{
    if (a->scheme != b->scheme) {
        return false;
    }
    switch (a->scheme) {
    case SIP_SCHEME_TEL:
        return number_eq(a->user, b->user) && lists_eq(a, b);
    case SIP_SCHEME_OTHER:
        return str_ieq(a->scheme_name, b->scheme_name) && str_eq(a->opaque, b->opaque);
    default:
        return str_is_set(a->user) == str_is_set(b->user) &&
               str_is_set(a->password) == str_is_set(b->password) &&
               escaped_eq(a->user, b->user, false) &&
               escaped_eq(a->password, b->password, false) && host_eq(a->host, b->host) &&
               a->port == b->port && lists_eq(a, b);
    }
}

static uint16_t default_port(const struct sip_uri *u)
{
    struct str transport;
    enum transport t = TP_NONE;
    if (sip_param(u->params, STR("transport"), &transport)) {
        t = transport_of(transport);
    }
    if (t == TP_WSS || (t == TP_WS && u->scheme == SIP_SCHEME_SIPS)) {
        return 443; /* RFC 7118 §5.2.2 */
    }
    if (t == TP_WS) {
        return 80;
    }
    return t == TP_TLS || u->scheme == SIP_SCHEME_SIPS ? 5061 : 5060;
}

uint16_t sip_uri_port(const struct sip_uri *u)
{
    return u->port != 0 ? (uint16_t)u->port : default_port(u);
}

void sip_unescape(struct out *o, struct str s)
{
    const char *end = sip_end(s);
    for (const char *p = s.p; p < end;) {
        if (end - p >= 3 && *p == '%' && hex_digit(p[1]) >= 0 && hex_digit(p[2]) >= 0) {
            out_ch(o, (char)(hex_digit(p[1]) * 16 + hex_digit(p[2])));
            p += 3;
        } else {
            out_ch(o, *p++);
        }
    }
}

static void write_escape(struct out *o, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    out_ch(o, '%');
    out_ch(o, digits[c >> 4]);
    out_ch(o, digits[c & 15]);
}

static void escape(struct out *o, struct str s, unsigned plain)
{
    for (size_t i = 0; i < s.n; i++) {
        if (sip_char_is(s.p[i], plain) && s.p[i] != '#') {
            out_ch(o, s.p[i]);
        } else {
            write_escape(o, (unsigned char)s.p[i]);
        }
    }
}

void sip_escape_user(struct out *o, struct str s)
{
    escape(o, s, SIP_C_USER);
}

void sip_escape_header(struct out *o, struct str s)
{
    escape(o, s, SIP_C_HNV);
}

static void write_user(struct out *o, struct str user)
{
    const char *end = sip_end(user);
    for (const char *p = user.p; p < end;) {
        struct unit u;
        p = next_unit(p, end, &u);
        if (u.escaped) {
            write_escape(o, u.octet);
        } else {
            out_ch(o, (char)u.octet);
        }
    }
}

static void write_lower(struct out *o, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        out_ch(o, ascii_lower(s.p[i]));
    }
}

void sip_uri_write_aor(struct out *o, const struct sip_uri *u)
{
    struct addr a;
    switch (u->scheme) {
    case SIP_SCHEME_TEL:
        for (size_t i = 0; i < u->user.n; i++) {
            if (!is_separator(u->user.p[i])) {
                out_ch(o, ascii_lower(u->user.p[i]));
            }
        }
        return;
    case SIP_SCHEME_OTHER:
        write_lower(o, u->scheme_name);
        out_ch(o, ':');
        out_str(o, u->opaque);
        return;
    default:
        break;
    }
    if (str_is_set(u->user)) {
        write_user(o, u->user);
        out_ch(o, '@');
    }
    if (u->host.n > 0 && u->host.p[0] == '[' && addr_parse_host(u->host, 0, &a)) {
        addr_write_host(o, &a);
    } else {
        write_lower(o, u->host);
    }
    if (u->port != 0 && u->port != default_port(u)) {
        out_ch(o, ':');
        out_u64(o, u->port);
    }
}
