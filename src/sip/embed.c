/* SPDX-License-Identifier: Apache-2.0 */
/* The table of RFC 3261 §19.1.5; see embed.h for what is taken and why. */
#include "sip/embed.h"

#include "base/err.h"

enum verdict { TAKEN, IGNORED, UUI, REPLACES, REQUIRE };

/** Who somebody is, on whose word and at whose expense: said only inside a trust domain (the
    P- headers of RFC 7315 and RFC 6050), or with a signature (RFC 8224). */
static bool is_identity(struct str name)
{
    return str_istarts(name, STR("P-")) || str_ieq(name, STR("Identity")) ||
           str_ieq(name, STR("Identity-Info"));
}

static enum verdict judge(enum sip_hdr_id id, struct str name)
{
    switch (id) {
    case SIP_HDR_USER_TO_USER:
        return UUI;
    case SIP_HDR_REPLACES:
        return REPLACES;
    case SIP_HDR_REQUIRE:
        return REQUIRE;
    case SIP_HDR_ACCEPT: /* false advertising */
    case SIP_HDR_ACCEPT_ENCODING:
    case SIP_HDR_ACCEPT_LANGUAGE:
    case SIP_HDR_ALLOW_EVENTS:
    case SIP_HDR_ORGANIZATION:
    case SIP_HDR_USER_AGENT:
    case SIP_HDR_CONTENT_DISPOSITION: /* descriptions */
    case SIP_HDR_CONTENT_ENCODING:
    case SIP_HDR_CONTENT_LANGUAGE:
    case SIP_HDR_CONTENT_TYPE:
    case SIP_HDR_DATE:
    case SIP_HDR_MIME_VERSION:
    case SIP_HDR_P_ASSERTED_IDENTITY: /* identities, and the history of the call */
    case SIP_HDR_P_PREFERRED_IDENTITY:
    case SIP_HDR_REMOTE_PARTY_ID:
    case SIP_HDR_PRIVACY: /* the caller's: not to be asked for, nor taken back, in his name */
    case SIP_HDR_REFERRED_BY:
    case SIP_HDR_DIVERSION:
    case SIP_HDR_HISTORY_INFO:
    case SIP_HDR_REFER_TO: /* of other requests */
    case SIP_HDR_EVENT:
    case SIP_HDR_SUBSCRIPTION_STATE:
    case SIP_HDR_SIP_ETAG:
    case SIP_HDR_SIP_IF_MATCH:
    case SIP_HDR_RSEQ:
    case SIP_HDR_EXPIRES:
        return IGNORED;
    case SIP_HDR_OTHER:
        return is_identity(name) || str_ieq(name, STR("body")) ? IGNORED : TAKEN;
    default:
        break;
    }
    return (sip_hdr_flags(id) & (SIP_HDRF_HOP | SIP_HDRF_OWN)) != 0 ? IGNORED : TAKEN;
}

static bool is_token(struct str s)
{
    static const char marks[] = "-.!%*_+`'~";

    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            (c == '\0' || strchr(marks, c) == NULL)) {
            return false;
        }
    }
    return s.n > 0;
}

static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

/** Decoded, trimmed; absent when memory is out. */
static struct str decoded(struct arena *a, struct str s)
{
    char *buf = arena_alloc(a, s.n + 1);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, s.n);
    sip_unescape(&o, s);
    return str_make(buf, o.n);
}

/** Is `value` one of the elements of `list`, which are joined by ", "? */
static bool has_value(struct str list, struct str value)
{
    struct str one;

    while (list.n > 0 && sip_list_next(&list, &one)) {
        if (str_eq(str_trim(one), value)) {
            return true;
        }
    }
    return false;
}

/** Append the elements of `value` that `*list` does not have yet. */
static int join(struct arena *a, struct str *list, struct str value)
{
    struct str one;

    while (value.n > 0 && sip_list_next(&value, &one)) {
        one = str_trim(one);
        if (one.n == 0 || has_value(*list, one)) {
            continue;
        }
        struct str part[] = {*list, list->n > 0 ? STR(", ") : STR(""), one};
        *list = arena_join(a, part, ARRAY_LEN(part));
        if (list->p == NULL) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int take_line(struct sip_embedded *e, struct arena *a, enum sip_hdr_id id,
                     struct str name, struct str value)
{
    struct str part[] = {e->lines, id == SIP_HDR_OTHER ? name : sip_hdr_id_name(id), STR(": "),
                         value, STR("\r\n")};
    size_t n = 0;

    e->lines = arena_join(a, part, ARRAY_LEN(part));
    while (n < SIP_EMBED_MAX && e->cut[n] != SIP_HDR_OTHER && e->cut[n] != id) {
        n++;
    }
    e->cut[n] = id;
    return e->lines.p != NULL ? 0 : E_NOMEM;
}

static int take_replaces(struct sip_embedded *e, struct str value)
{
    if (str_is_set(e->replaces) && !str_eq(e->replaces, value)) {
        return E_EXISTS;
    }
    e->replaces = value;
    return 0;
}

static int take(struct sip_embedded *e, struct arena *a, struct str name, struct str escaped)
{
    struct str plain = decoded(a, name);
    struct str value = decoded(a, escaped);
    enum sip_hdr_id id;

    if (plain.p == NULL || value.p == NULL) {
        return E_NOMEM;
    }
    if (!is_token(plain) || !is_clean(value)) {
        return str_ieq(plain, STR("body")) ? (e->ignored++, 0) : E_SYNTAX;
    }
    value = str_trim(value);
    if (value.n == 0) {
        value = STR("");
    }
    id = sip_hdr_id_of(plain);
    switch (judge(id, plain)) {
    case UUI:
        return join(a, &e->uui, value);
    case REPLACES:
        return take_replaces(e, value);
    case REQUIRE:
        return join(a, &e->require, value);
    case TAKEN:
        return take_line(e, a, id, plain, value);
    case IGNORED:
        break;
    }
    e->ignored++;
    return 0;
}

/** The URI without ";method=…" and without headers. */
static int bare(const struct sip_uri *u, struct arena *a, struct sip_embedded *e)
{
    struct out o;
    char *buf;

    e->uri = str_upto(u->text, u->text.n - (str_is_set(u->headers) ? u->headers.n + 1 : 0));
    if (u->scheme == SIP_SCHEME_TEL || !sip_param(u->params, STR("method"), &e->method)) {
        return 0;
    }
    buf = arena_alloc(a, u->text.n);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, u->text.n);
    out_str(&o, str_upto(u->text, (size_t)(u->params.p - u->text.p) - 1));
    sip_params_write(&o, u->params, STR("method"));
    e->uri = out_str_of(&o);
    return 0;
}

int sip_embed(const struct sip_uri *u, struct arena *a, struct sip_embedded *out)
{
    struct str rest, name, value;
    unsigned n = 0;
    int err;

    *out = (struct sip_embedded){.uri = u->text};
    if (u->scheme == SIP_SCHEME_OTHER) {
        return 0;
    }
    err = bare(u, a, out);
    rest = u->headers;
    while (err == 0 && str_is_set(rest) && sip_uri_header_next(&rest, &name, &value)) {
        err = ++n > SIP_EMBED_MAX ? E_TOOMANY : take(out, a, name, value);
    }
    return err;
}

struct str sip_embedded_lines(struct arena *a, const struct sip_embedded *e)
{
    struct str part[] = {e->lines,
                         e->replaces.n > 0 ? STR("Replaces: ") : STR(""),
                         e->replaces,
                         e->replaces.n > 0 ? STR("\r\n") : STR(""),
                         e->require.n > 0 ? STR("Require: ") : STR(""),
                         e->require,
                         e->require.n > 0 ? STR("\r\n") : STR("")};

    return arena_join(a, part, ARRAY_LEN(part));
}
