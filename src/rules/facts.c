/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The facts of a request: called and calling number as rules see them.
 *
 * A number is the user part with its escapes undone, without telephone parameters behind ';'
 * and, when it is made of digits, without visual separators. Hosts are put in lower case.
 */
#include "base/err.h"
#include "rules/rules.h"
#include "sip/hdr.h"

/** "number@host" in the arena; *number is its front. */
static bool address_of(struct arena *a, const struct sip_uri *u, struct str *number,
                       struct str *address, struct str *host)
{
    struct str user = str_upto(u->user, str_index(u->user, ';'));
    size_t cap = user.n + u->host.n + 2;
    char *plain = arena_alloc(a, cap), *buf = arena_alloc(a, cap);
    struct out o, out;
    if (plain == NULL || buf == NULL) {
        return false;
    }
    out_init(&o, plain, cap);
    sip_unescape(&o, user);
    out_init(&out, buf, cap);
    number_plain(&out, out_str_of(&o));
    size_t n = out.n;
    *number = str_make(buf, n);
    if (u->host.n > 0) {
        out_ch(&out, '@');
        for (size_t i = 0; i < u->host.n; i++) {
            out_ch(&out, ascii_lower(u->host.p[i]));
        }
        *host = str_make(buf + n + 1, u->host.n);
    } else {
        *host = STR("");
    }
    *address = out_str_of(&out);
    return true;
}

int rule_query_read(struct rule_query *q)
{
    struct sip_uri uri;
    struct sip_addr from;
    struct str number, host;
    uint32_t at;
    q->called = q->called_address = q->domain = q->calling_address = STR("");
    if (sip_uri_parse(sip_msg_ruri(q->m), 0, &uri, &at) == 0 &&
        !address_of(q->scratch, &uri, &q->called, &q->called_address, &q->domain)) {
        return E_NOMEM;
    }
    number = STR("");
    bool asserted = q->asserted && sip_msg_addr(q->m, SIP_HDR_P_ASSERTED_IDENTITY, &from) == 0;
    if ((asserted || sip_msg_addr(q->m, SIP_HDR_FROM, &from) == 0) &&
        !address_of(q->scratch, &from.uri, &number, &q->calling_address, &host)) {
        return E_NOMEM;
    }
    if (!str_is_set(q->calling)) {
        q->calling = number;
    }
    return 0;
}
