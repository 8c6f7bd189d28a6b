/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a header value, through every view. Demanded: where a view stopped lies in
 * the value; slices lie in the value; what is quoted unquotes to what it was; the elements
 * of a list, joined, make the same list.
 */
#include "sip/hdr.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static void within(struct str part, struct str whole)
{
    demand(part.p == NULL || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n));
}

static void addresses(struct str s)
{
    struct sip_via via;
    struct sip_addr addr;
    uint32_t at = 0;
    demand(sip_via_parse(s, &via, &at) == 0 ? via.host.n > 0 : at <= s.n);
    within(via.branch, s);
    within(via.received, s);
    within(via.params, s);
    demand(via.port <= UINT16_MAX && via.rport <= UINT16_MAX);
    at = 0;
    demand(sip_addr_parse(s, &addr, &at) == 0 || at <= s.n);
    within(addr.display, s);
    within(addr.uri_text, s);
    within(addr.params, s);
    within(sip_addr_tag(&addr), s);
}

static void numbers(struct str s)
{
    struct sip_cseq cseq;
    struct sip_rack rack;
    struct sip_session_expires se;
    struct str params;
    uint32_t n;
    uint32_t at = 0;
    if (sip_cseq_parse(s, &cseq, &at) == 0) {
        demand(cseq.number <= INT32_MAX && cseq.method.n > 0);
        demand(sip_method_of(cseq.method) == (enum sip_method)cseq.method_id);
    }
    demand(at <= s.n);
    (void)sip_rack_parse(s, &rack, &at); /* read for the sanitizers */
    demand(at <= s.n);
    if (sip_session_expires_parse(s, &se) == 0) {
        demand(sip_number_parse(s, &n, &params) == 0 && n == se.seconds);
        within(params, s);
    }
}

static void words(struct str s)
{
    struct sip_media media;
    struct sip_credentials cred;
    struct sip_replaces rep;
    struct str k;
    struct str v;
    if (sip_media_parse(s, &media) == 0) {
        demand(media.type.n > 0 && media.subtype.n > 0);
        demand(sip_media_is(&media, media.type, media.subtype));
    }
    if (sip_credentials_parse(s, &cred) == 0) {
        within(cred.params, s);
        while (sip_credentials_next(&cred.params, &k, &v)) {
            within(k, s);
            within(v, s);
        }
    }
    if (sip_replaces_parse(s, &rep) == 0) {
        demand(rep.call_id.n > 0 && rep.to_tag.n > 0 && rep.from_tag.n > 0);
    }
}

static void lists(struct str s)
{
    char *joined = malloc(2 * s.n + 1);
    struct out o;
    demand(joined != NULL);
    out_init(&o, joined, 2 * s.n + 1);
    struct str rest = s;
    struct str a;
    struct str b;
    while (sip_list_next(&rest, &a)) {
        within(a, s);
        out_str(&o, a);
        out_ch(&o, ',');
    }
    struct str again = out_str_of(&o);
    rest = s;
    while (sip_list_next(&rest, &a)) {
        /* an open quote or bracket swallows the comma that was put behind it */
        if (!sip_list_next(&again, &b)) {
            abort();
        }
        demand(str_eq(a, b) || again.n == 0);
    }
    free(joined);
}

static void quoting(struct str s)
{
    size_t cap = 2 * s.n + 2;
    char *quoted = malloc(cap);
    char *back = malloc(cap);
    struct out o;
    struct out p;
    demand(quoted != NULL && back != NULL);
    out_init(&o, quoted, cap);
    sip_quote(&o, s);
    out_init(&p, back, cap);
    sip_unquote(&p, out_str_of(&o));
    demand(!o.over && !p.over && str_eq(out_str_of(&p), s));
    free(quoted);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str s = str_make((const char *)data, size);
    addresses(s);
    numbers(s);
    words(s);
    lists(s);
    quoting(s);
    return 0;
}
