/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device identifiers taken apart (TR/87 digest, Rules I-1 and I-2).
 *
 * The same phone is `1001`, `sip:1001@pbx`, `tel:1001;phone-context=x`, `"Bob" <sip:1001@pbx>`
 * or `N<1001>Line1;noa=nk` to different peers. All of them come down to the part that names
 * it. A colon alone is no scheme (a MAC address is an identifier too): only sip, sips and tel
 * are.
 */
#include "csta/csta.h"

/* `text <id> more` and `N<id>name;param`: what is in the brackets. */
static struct str unwrap(struct str id)
{
    size_t open = str_index(id, '<');
    struct str inner = str_from(id, open + 1);
    size_t close = str_index(inner, '>');
    return open < id.n && close < inner.n ? str_upto(inner, close) : id;
}

static bool strip_scheme(struct str *id, struct str scheme)
{
    if (!str_istarts(*id, scheme)) {
        return false;
    }
    *id = str_from(*id, scheme.n);
    return true;
}

static struct str upto_char(struct str s, char c)
{
    return str_upto(s, str_index(s, c));
}

/* host[:port], with an IPv6 address in its brackets. */
static struct str host_of(struct str s)
{
    s = upto_char(upto_char(upto_char(s, '?'), ';'), '>');
    if (s.n > 0 && s.p[0] == '[') {
        return str_upto(s, str_index(s, ']') + 1);
    }
    return upto_char(s, ':');
}

void csta_device_split(struct str id, struct csta_device_parts *out)
{
    *out = (struct csta_device_parts){0};
    id = str_trim(unwrap(str_trim(id)));
    bool sip = strip_scheme(&id, STR("sip:")) || strip_scheme(&id, STR("sips:"));
    bool tel = !sip && strip_scheme(&id, STR("tel:"));
    size_t at = tel ? id.n : str_index(id, '@');
    if (at < id.n) {
        out->user = upto_char(str_upto(id, at), ';');
        out->user = sip ? upto_char(out->user, ':') : out->user;
        out->host = host_of(str_from(id, at + 1));
    } else if (sip) {
        /* `sip:pbx` is a host, but `sip:1001` is what phones write for a user: one name */
        out->user = host_of(id);
    } else {
        out->user = upto_char(id, ';');
    }
}

bool csta_connection_is_absent(const struct csta_connection_id *c)
{
    return c->call_id.n == 0 && c->device_id.value.n == 0;
}
