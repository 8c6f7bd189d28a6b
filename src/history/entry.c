/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of History-Info: see entry.h.
 *
 * COST. Parsing an entry copies nothing. A list has HI_MAX places from its first entry on, so
 * that adding to it never moves one; entries are found by walking, there are few.
 */
#include "history/entry.h"

#include "base/err.h"
#include "sip/hdr.h"
#include "sip/uri.h"

#define ANONYMOUS "sip:anonymous@anonymous.invalid"

/* ---- indexes ---- */

/** Cut the next number off *rest. */
static struct str next_number(struct str *rest)
{
    size_t dot = str_index(*rest, '.');
    struct str number = str_upto(*rest, dot);
    *rest = dot < rest->n ? str_from(*rest, dot + 1) : STR_NONE;
    return number;
}

static bool is_number(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') {
            return false;
        }
    }
    return s.n == 1 || (s.n > 1 && s.p[0] != '0');
}

bool hi_index_valid(struct str index)
{
    bool more = index.n > 0 && index.n <= HI_INDEX_MAX && index.p[index.n - 1] != '.';
    while (more && str_is_set(index)) {
        more = is_number(next_number(&index));
    }
    return more;
}

int hi_index_cmp(struct str a, struct str b)
{
    while (str_is_set(a) && str_is_set(b)) {
        struct str x = next_number(&a);
        struct str y = next_number(&b);
        /* no leading zeros: the longer number is the larger one */
        int order = x.n != y.n ? (x.n < y.n ? -1 : 1) : str_cmp(x, y);
        if (order != 0) {
            return order;
        }
    }
    return (int)str_is_set(a) - (int)str_is_set(b);
}

struct str hi_index_child(struct arena *a, struct str parent, uint32_t n)
{
    struct str child = arena_fmt(a, "%.*s.%u", STR_ARG(parent), n);
    return child.n > HI_INDEX_MAX ? STR_NONE : child;
}

/* ---- reading ---- */

static void read_target(struct hi_entry *e, struct str params)
{
    static const struct {
        struct str name;
        enum hi_target target;
    } kinds[] = {{STR_INIT("rc"), HI_TARGET_RC},
                 {STR_INIT("mp"), HI_TARGET_MP},
                 {STR_INIT("np"), HI_TARGET_NP}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct str of;
        if (sip_param(params, kinds[i].name, &of) && hi_index_valid(of)) {
            e->target = (uint8_t)kinds[i].target;
            e->of = of;
            return;
        }
    }
}

int hi_entry_parse(struct str value, struct hi_entry *out)
{
    struct sip_addr addr;
    uint32_t at;
    *out = (struct hi_entry){.text = str_trim(value)};
    if (sip_addr_parse(out->text, &addr, &at) != 0 || addr.star) {
        return E_SYNTAX;
    }
    out->headers = addr.uri.headers;
    out->uri = str_is_set(out->headers) /* "?" stands between */
                   ? str_upto(addr.uri_text, addr.uri_text.n - out->headers.n - 1)
                   : addr.uri_text;
    out->params = addr.params;
    if (addr.bracketed) { /* without the bracket itself */
        out->name = str_upto(addr.text, (size_t)(addr.uri_text.p - addr.text.p) - 1);
    }
    if (!str_is_set(addr.params) || !sip_param(addr.params, STR("index"), &out->index) ||
        !hi_index_valid(out->index)) {
        return E_SYNTAX;
    }
    read_target(out, addr.params);
    return 0;
}

static int read_list(struct arena *a, const struct sip_msg *m, struct hi_list *out)
{
    struct sip_values it = {0};
    struct str value;
    out->entry = arena_alloc(a, HI_MAX * sizeof(*out->entry));
    if (out->entry == NULL) {
        return E_NOMEM;
    }
    while (sip_msg_each(m, SIP_HDR_HISTORY_INFO, &it, &value)) {
        if (value.n == 0) {
            continue;
        }
        if (out->count == HI_MAX) {
            return E_TOOMANY;
        }
        if (hi_entry_parse(value, &out->entry[out->count]) != 0) {
            return E_SYNTAX;
        }
        out->count++;
    }
    return 0;
}

int hi_list_parse(struct arena *a, const struct sip_msg *m, struct hi_list *out)
{
    *out = (struct hi_list){0};
    int err = sip_msg_has(m, SIP_HDR_HISTORY_INFO) ? read_list(a, m, out) : 0;
    if (err != 0) {
        *out = (struct hi_list){0};
    }
    return err;
}

bool hi_entry_private(const struct hi_entry *e)
{
    struct str rest = e->headers;
    struct str name;
    struct str value;
    while (sip_uri_header_next(&rest, &name, &value)) {
        if (str_ieq(name, STR("Privacy")) && str_ieq(value, STR("history"))) {
            return true;
        }
    }
    return false;
}

uint32_t hi_entry_cause(const struct hi_entry *e)
{
    struct sip_uri u;
    struct str text;
    uint32_t at;
    uint32_t cause;
    if (sip_uri_parse(e->uri, 0, &u, &at) != 0 || !str_is_set(u.params) ||
        !sip_param(u.params, STR("cause"), &text) || !str_to_u32(text, &cause)) {
        return 0;
    }
    return cause;
}

/* ---- comparing ---- */

bool hi_same_target(struct str a, struct str b)
{
    struct sip_uri x;
    struct sip_uri y;
    uint32_t at;
    if (sip_uri_parse(a, 0, &x, &at) != 0 || sip_uri_parse(b, 0, &y, &at) != 0) {
        return str_eq(a, b);
    }
    x.headers = STR_NONE;
    y.headers = STR_NONE;
    /* A parameter that only one has does not make URIs differ (RFC 3261 §19.1.4), but two
       causes would. */
    struct str cause;
    if (str_is_set(x.params) && str_is_set(y.params) &&
        sip_param(x.params, STR("cause"), &cause) &&
        sip_param(y.params, STR("cause"), &cause)) {
        char text[1024];
        struct out o;
        out_init(&o, text, sizeof(text));
        sip_params_write(&o, y.params, STR("cause"));
        if (o.over) {
            return false;
        }
        y.params = o.n > 0 ? str_from(out_str_of(&o), 1) : STR_NONE;
        return sip_uri_eq(&x, &y);
    }
    return sip_uri_eq(&x, &y);
}

bool hi_entry_same(const struct hi_entry *a, const struct hi_entry *b)
{
    return str_eq(a->index, b->index) && hi_same_target(a->uri, b->uri);
}

/* ---- changing ---- */

/** Write the text anew from the parts. */
static int rewrite(struct arena *a, struct hi_entry *e)
{
    bool headers = e->headers.n > 0;
    const struct str part[] = {e->name,    STR("<"),
                               e->uri,     headers ? STR("?") : STR_NONE,
                               e->headers, e->params.n > 0 ? STR(">;") : STR(">"),
                               e->params};
    struct str text = arena_join(a, part, ARRAY_LEN(part));
    if (!str_is_set(text)) {
        return E_NOMEM;
    }
    e->text = text;
    return 0;
}

int hi_entry_add_reason(struct arena *a, struct hi_entry *e, struct str reason)
{
    struct str rest = e->headers;
    struct str name;
    struct str value;
    struct str protocol = sip_value_head(reason, NULL);
    if (str_istarts(e->uri, STR("tel:"))) {
        return 0;
    }
    while (sip_uri_header_next(&rest, &name, &value)) {
        if (str_ieq(name, STR("Reason")) && str_istarts(value, protocol) &&
            (value.n == protocol.n || value.p[protocol.n] == '%')) {
            return 0;
        }
    }
    size_t cap = e->headers.n + 3 * reason.n + 16;
    char *buf = arena_alloc(a, cap);
    struct out o;
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    out_str(&o, e->headers);
    out_c(&o, e->headers.n > 0 ? "&Reason=" : "Reason=");
    sip_escape_header(&o, reason);
    e->headers = out_str_of(&o);
    return rewrite(a, e);
}

int hi_entry_add_header(struct arena *a, struct hi_entry *e, struct str name, struct str value)
{
    size_t cap = e->headers.n + name.n + 3 * value.n + 2;
    struct out o;
    char *buf;
    if (str_istarts(e->uri, STR("tel:"))) {
        return 0;
    }
    buf = arena_alloc(a, cap);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    out_str(&o, e->headers);
    out_c(&o, e->headers.n > 0 ? "&" : "");
    out_str(&o, name);
    out_ch(&o, '=');
    sip_escape_header(&o, value);
    e->headers = out_str_of(&o);
    return rewrite(a, e);
}

int hi_entry_conceal(struct arena *a, struct hi_entry *e, bool anonymous)
{
    struct str rest = e->headers;
    struct str name;
    struct str value;
    struct out o;
    char *buf = arena_alloc(a, e->headers.n + 1);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, e->headers.n + 1);
    while (sip_uri_header_next(&rest, &name, &value)) {
        if (!str_ieq(name, STR("Privacy"))) {
            out_c(&o, o.n > 0 ? "&" : "");
            out_str(&o, name);
            out_ch(&o, '=');
            out_str(&o, value);
        }
    }
    bool same = o.n == e->headers.n;
    e->headers = out_str_of(&o);
    if (anonymous) {
        uint32_t cause = hi_entry_cause(e); /* says why, not who: stays for the mapping */
        e->name = STR_NONE;
        e->uri = cause == 0 ? STR(ANONYMOUS) : arena_fmt(a, ANONYMOUS ";cause=%u", cause);
    } else if (same) {
        return 0;
    }
    return str_is_set(e->uri) ? rewrite(a, e) : E_NOMEM;
}

/* ---- making ---- */

/** Parameters of a tel URI as part of a user part (RFC 3261 §19.1.6): what may not stand there
    is escaped, escapes stay. */
static void write_as_user(struct out *o, struct str params)
{
    while (params.n > 0) {
        size_t n = str_index(params, '%');
        struct str plain = str_upto(params, n < params.n ? n : params.n);
        sip_escape_user(o, plain);
        if (plain.n < params.n) {
            out_ch(o, '%');
        }
        params = str_from(params, plain.n < params.n ? plain.n + 1 : params.n);
    }
}

/** The URI of a new entry: never tel, with the cause that is wanted. */
static int write_uri(struct out *o, const struct hi_new *from)
{
    struct sip_uri u;
    uint32_t at;
    if (sip_uri_parse(from->uri, 0, &u, &at) != 0) {
        return E_SYNTAX;
    }
    if (u.scheme == SIP_SCHEME_TEL) {
        struct str domain = from->domain.n > 0 ? from->domain : STR("unknown.invalid");
        out_c(o, "sip:");
        out_str(o, u.user);
        if (str_is_set(u.params)) {
            out_ch(o, ';');
            write_as_user(o, u.params);
        }
        out_ch(o, '@');
        out_str(o, domain);
        out_c(o, ";user=phone");
    } else if (from->cause == 0 || !str_is_set(u.params)) {
        out_str(o,
                str_is_set(u.headers) ? str_upto(u.text, u.text.n - u.headers.n - 1) : u.text);
    } else {
        out_str(o, str_upto(u.text, (size_t)(u.params.p - u.text.p) - 1));
        sip_params_write(o, u.params, STR("cause"));
    }
    if (from->cause != 0) {
        out_fmt(o, ";cause=%u", from->cause);
    }
    return 0;
}

static struct str params_of(struct arena *a, const struct hi_new *from)
{
    static const char *const names[] = {"", "rc", "mp", "np"};
    if (from->target == HI_TARGET_NONE) {
        return arena_fmt(a, "index=%.*s", STR_ARG(from->index));
    }
    return arena_fmt(a, "index=%.*s;%s=%.*s", STR_ARG(from->index), names[from->target],
                     STR_ARG(from->of));
}

int hi_entry_make(struct arena *a, const struct hi_new *from, struct hi_entry *out)
{
    size_t cap = 3 * from->uri.n + from->domain.n + 64;
    char *buf = arena_alloc(a, cap);
    struct out o;
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    int err = write_uri(&o, from);
    if (err != 0) {
        return err;
    }
    struct str params = params_of(a, from);
    *out = (struct hi_entry){.uri = out_str_of(&o), .params = params, .target = from->target};
    if (from->privacy.n > 0) {
        out->headers = arena_fmt(a, "Privacy=%.*s", STR_ARG(from->privacy));
    }
    if (o.over || !str_is_set(params) || (from->privacy.n > 0 && out->headers.p == NULL)) {
        return E_NOMEM;
    }
    (void)sip_param(params, STR("index"), &out->index);
    read_target(out, params);
    return rewrite(a, out);
}

/* ---- lists ---- */

int hi_list_add(struct arena *a, struct hi_list *l, const struct hi_entry *e)
{
    uint32_t at = l->count;
    if (l->entry == NULL) {
        l->entry = arena_alloc(a, HI_MAX * sizeof(*l->entry));
        if (l->entry == NULL) {
            return E_NOMEM;
        }
    }
    if (l->count == HI_MAX) {
        return E_TOOMANY;
    }
    while (at > 0 && hi_index_cmp(l->entry[at - 1].index, e->index) > 0) {
        at--;
    }
    memmove(&l->entry[at + 1], &l->entry[at], (l->count - at) * sizeof(*l->entry));
    l->entry[at] = *e;
    l->count++;
    return 0;
}

struct hi_entry *hi_list_find(const struct hi_list *l, struct str index)
{
    for (uint32_t i = l->count; i > 0; i--) {
        if (hi_index_cmp(l->entry[i - 1].index, index) == 0) {
            return &l->entry[i - 1];
        }
    }
    return NULL;
}
