/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a URI; with a line break in them, as two URIs to compare. Demanded: parts lie
 * in the text; a URI equals itself; comparison is symmetric; equal addresses have equal
 * keys; what is escaped is accepted and unescapes to what it was.
 */
#include "sip/uri.h"
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

static bool parse(struct str text, struct sip_uri *u)
{
    uint32_t at = 0;
    int err = sip_uri_parse(text, 0, u, &at);
    demand(at <= text.n);
    within(u->user, text);
    within(u->password, text);
    within(u->host, text);
    within(u->params, text);
    within(u->headers, text);
    within(u->opaque, text);
    return err == 0;
}

static struct str key(const struct sip_uri *u, char *buf, size_t cap)
{
    struct out o;
    out_init(&o, buf, cap);
    sip_uri_write_aor(&o, u);
    demand(!o.over);
    return out_str_of(&o);
}

/* Any octets can be a user part once they are escaped. */
static void escape_round_trip(struct str s)
{
    size_t cap = 3 * s.n + 16;
    char *text = malloc(cap);
    char *back = malloc(s.n + 1);
    struct out o;
    struct sip_uri u;
    demand(text != NULL && back != NULL);
    out_init(&o, text, cap);
    out_c(&o, "sip:");
    sip_escape_user(&o, s);
    out_c(&o, "@h");
    demand(!o.over);
    demand(parse(out_str_of(&o), &u) == (s.n > 0));
    if (s.n > 0) {
        out_init(&o, back, s.n + 1);
        sip_unescape(&o, u.user);
        demand(str_eq(out_str_of(&o), s));
    }
    free(text);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_make((const char *)data, size);
    struct sip_uri a;
    struct sip_uri b;
    if (size > 4096) {
        return 0;
    }
    escape_round_trip(text);
    size_t nl = str_index(text, '\n');
    bool ok_a = parse(str_upto(text, nl), &a);
    bool ok_b = parse(str_from(text, nl + 1), &b);
    char buf_a[3 * 4096 + 64];
    char buf_b[3 * 4096 + 64];
    if (ok_a) {
        demand(sip_uri_eq(&a, &a));
        demand(sip_uri_port(&a) != 0);
        (void)key(&a, buf_a, sizeof(buf_a));
    }
    if (ok_a && ok_b) {
        bool eq = sip_uri_eq(&a, &b);
        demand(eq == sip_uri_eq(&b, &a));
        demand(!eq || str_eq(key(&a, buf_a, sizeof(buf_a)), key(&b, buf_b, sizeof(buf_b))));
    }
    return 0;
}
