/* SPDX-License-Identifier: Apache-2.0 */
/* Diversion and its mapping: see diversion.h. */
#include "history/diversion.h"

#include "base/err.h"
#include "sip/hdr.h"
#include "sip/uri.h"

/* ---- tables ---- */

struct mapping {
    const char *reason;
    uint16_t cause;
    bool back; /**< the reason that this cause becomes */
};

static const struct mapping mappings[] = {
    {"unknown", 404, true},    {"unconditional", 302, true},   {"user-busy", 486, true},
    {"no-answer", 408, true},  {"deflection", 480, true},      {"unavailable", 503, true},
    {"deflection", 487, true}, {"time-of-day", 404, false},    {"do-not-disturb", 404, false},
    {"follow-me", 404, false}, {"out-of-service", 404, false}, {"away", 404, false},
};

uint32_t diversion_cause(struct str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(mappings); i++) {
        if (str_ieq(reason, str_c(mappings[i].reason))) {
            return mappings[i].cause;
        }
    }
    return 404;
}

struct str diversion_reason(uint32_t cause)
{
    for (size_t i = 0; i < ARRAY_LEN(mappings); i++) {
        if (mappings[i].back && mappings[i].cause == cause) {
            return str_c(mappings[i].reason);
        }
    }
    return STR_NONE;
}

/* ---- reading ---- */

/** A token or what stands between quotes. */
static struct str unquoted(struct str s)
{
    bool quoted = s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
    return quoted ? str_make(s.p + 1, s.n - 2) : s;
}

static bool read_number(struct str text, uint32_t *out)
{
    return text.n <= 2 && str_to_u32(text, out);
}

static bool read_param(struct diversion *d, struct str name, struct str value)
{
    if (str_ieq(name, STR("reason"))) {
        d->reason = unquoted(value);
    } else if (str_ieq(name, STR("privacy"))) {
        d->privacy = unquoted(value);
    } else if (str_ieq(name, STR("screen"))) {
        d->screen = unquoted(value);
    } else if (str_ieq(name, STR("counter"))) {
        return read_number(value, &d->counter);
    } else if (str_ieq(name, STR("limit"))) {
        return read_number(value, &d->limit);
    }
    return true;
}

int diversion_parse(struct str value, struct diversion *out)
{
    struct sip_addr addr;
    struct str name;
    struct str text;
    uint32_t at;
    *out = (struct diversion){.text = str_trim(value), .counter = 1};
    if (sip_addr_parse(out->text, &addr, &at) != 0 || addr.star) {
        return E_SYNTAX;
    }
    out->uri = addr.uri_text;
    struct str rest = addr.params;
    while (sip_param_next(&rest, &name, &text)) {
        if (!read_param(out, name, text)) {
            return E_SYNTAX;
        }
    }
    out->counter = out->counter == 0 ? 1 : out->counter;
    return 0;
}

static int read_list(struct arena *a, const struct sip_msg *m, struct diversion_list *out)
{
    struct sip_values it = {0};
    struct str value;
    out->entry = arena_alloc(a, HI_MAX * sizeof(*out->entry));
    if (out->entry == NULL) {
        return E_NOMEM;
    }
    while (sip_msg_each(m, SIP_HDR_DIVERSION, &it, &value)) {
        if (value.n == 0) {
            continue;
        }
        if (out->count == HI_MAX) {
            return E_TOOMANY;
        }
        if (diversion_parse(value, &out->entry[out->count]) != 0) {
            return E_SYNTAX;
        }
        out->count++;
    }
    return 0;
}

int diversion_list_parse(struct arena *a, const struct sip_msg *m, struct diversion_list *out)
{
    *out = (struct diversion_list){0};
    int err = sip_msg_has(m, SIP_HDR_DIVERSION) ? read_list(a, m, out) : 0;
    if (err != 0) {
        *out = (struct diversion_list){0};
    }
    return err;
}

bool diversion_is_private(const struct diversion *d)
{
    return str_ieq(d->privacy, STR("full")) || str_ieq(d->privacy, STR("name")) ||
           str_ieq(d->privacy, STR("uri"));
}

struct str diversion_concealed(struct arena *a, const struct diversion *d)
{
    struct sip_addr addr;
    struct out o;
    uint32_t at;
    size_t cap = d->text.n + 64;
    char *buf = arena_alloc(a, cap);
    if (buf == NULL || sip_addr_parse(d->text, &addr, &at) != 0) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "<sip:anonymous@anonymous.invalid>");
    sip_params_write(&o, addr.params, STR("privacy"));
    return o.over ? STR_NONE : out_str_of(&o);
}

/* ---- who diverted ---- */

static bool is_target(const struct hi_entry *e)
{
    return str_is_set(diversion_reason(hi_entry_cause(e)));
}

/** Who diverted to the i-th entry; NULL: that is no target of a diversion. */
static const struct hi_entry *diverter_of(const struct hi_list *l, uint32_t i)
{
    const struct hi_entry *e = &l->entry[i];
    const struct hi_entry *who = NULL;
    if (!is_target(e)) {
        return NULL;
    }
    if (e->target == HI_TARGET_MP) {
        who = hi_list_find(l, e->of);
    }
    return who != NULL ? who : (i > 0 ? &l->entry[i - 1] : NULL);
}

static bool history_knows(const struct hi_list *l, struct str uri)
{
    for (uint32_t i = 0; i < l->count; i++) {
        const struct hi_entry *who = diverter_of(l, i);
        if (who != NULL && hi_same_target(who->uri, uri)) {
            return true;
        }
    }
    return false;
}

static bool diversions_know(const struct diversion_list *l, struct str uri)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (hi_same_target(l->entry[i].uri, uri)) {
            return true;
        }
    }
    return false;
}

bool diversion_is_all(const struct hi_list *l)
{
    for (uint32_t i = 0; i < l->count; i++) {
        bool known = is_target(&l->entry[i]);
        for (uint32_t k = 0; k < l->count && !known; k++) {
            known = diverter_of(l, k) == &l->entry[i];
        }
        if (!known) {
            return false;
        }
    }
    return true;
}

/* ---- Diversion to History-Info ---- */

/** The branch of the tree that grows, one entry below the other. */
struct chain {
    struct arena *arena;
    struct hi_list *list;
    struct str index; /**< of the last entry of the branch; absent: it begins */
    uint32_t cause;   /**< why the next target was chosen */
};

static int grow(struct chain *c, struct str uri, struct str privacy)
{
    bool begins = !str_is_set(c->index);
    uint32_t n = c->list->count;
    struct hi_new from = {.uri = uri, .privacy = privacy};
    struct hi_entry e;
    if (!begins) {
        from.index = hi_index_child(c->arena, c->index, 1);
        from.cause = c->cause;
        from.target = HI_TARGET_MP;
        from.of = c->index;
    } else if (n == 0) {
        from.index = STR("1");
    } else { /* what lies between is not known (RFC 7044 §10.3 rule 6) */
        from.index = arena_fmt(c->arena, "%.*s.0.1", STR_ARG(c->list->entry[n - 1].index));
    }
    if (!str_is_set(from.index)) {
        return E_NOMEM;
    }
    if (!hi_index_valid(from.index)) {
        return E_TOOMANY;
    }
    int err = hi_entry_make(c->arena, &from, &e);
    if (err == 0) {
        err = hi_list_add(c->arena, c->list, &e);
    }
    c->index = e.index;
    return err;
}

static struct str privacy_of(const struct diversion *d)
{
    if (diversion_is_private(d)) {
        return STR("history");
    }
    return str_is_set(d->privacy) ? STR("none") : STR_NONE;
}

/** One Diversion value: itself, after one placeholder for each that its counter hides. */
static int grow_diverter(struct chain *c, const struct diversion *d)
{
    const struct hi_entry *last =
        c->list->count > 0 ? &c->list->entry[c->list->count - 1] : NULL;
    bool begins = !str_is_set(c->index);
    int err = 0;
    if (begins && last != NULL && d->counter == 1 && hi_same_target(last->uri, d->uri) &&
        hi_entry_private(last) == diversion_is_private(d)) {
        c->index = last->index; /* it is there already, only nobody has said that it diverted */
    } else {
        for (uint32_t i = 1; i < d->counter && err == 0; i++) {
            err = grow(c, STR("sip:unknown@unknown.invalid"), STR_NONE);
            c->cause = 404;
        }
        err = err != 0 ? err : grow(c, d->uri, privacy_of(d));
    }
    c->cause = diversion_cause(d->reason);
    return err;
}

int diversion_to_history(struct arena *a, const struct diversion_list *from,
                         struct str request_uri, struct hi_list *l)
{
    struct hi_list grown = {.count = l->count};
    struct chain c = {.arena = a, .list = &grown};
    bool any = false;
    int err = 0;
    grown.entry = arena_alloc(a, HI_MAX * sizeof(*grown.entry));
    if (grown.entry == NULL) {
        return E_NOMEM;
    }
    if (l->count > 0) {
        memcpy(grown.entry, l->entry, l->count * sizeof(*l->entry));
    }
    for (uint32_t i = from->count; i > 0 && err == 0; i--) {
        if (!history_knows(l, from->entry[i - 1].uri)) {
            err = grow_diverter(&c, &from->entry[i - 1]);
            any = true;
        }
    }
    if (any && err == 0) {
        err = grow(&c, request_uri, STR_NONE);
    }
    if (any && err == 0) {
        *l = grown;
    }
    return err;
}

/* ---- History-Info to Diversion ---- */

static void write_uri(struct out *o, struct str uri)
{
    struct sip_uri u;
    uint32_t at;
    if (sip_uri_parse(uri, 0, &u, &at) != 0 || !str_is_set(u.params)) {
        out_str(o, uri);
        return;
    }
    out_str(o, str_upto(uri, (size_t)(u.params.p - uri.p) - 1));
    sip_params_write(o, u.params, STR("cause"));
}

static void write_diversion(struct out *o, const struct hi_entry *who, uint32_t cause)
{
    out_c(o, o->n > 0 ? ", <" : "<");
    write_uri(o, who->uri);
    out_c(o, ">;reason=");
    out_str(o, diversion_reason(cause));
    out_c(o, ";counter=1;privacy=");
    out_c(o, hi_entry_private(who) ? "full" : "off");
}

int diversion_from_history(struct arena *a, const struct hi_list *l,
                           const struct diversion_list *present, struct str *out)
{
    size_t cap = 1;
    struct out o;
    for (uint32_t i = 0; i < l->count; i++) {
        const struct hi_entry *who = diverter_of(l, i);
        cap += who != NULL ? who->uri.n + 64 : 0;
    }
    char *buf = arena_alloc(a, cap);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    for (uint32_t i = l->count; i > 0; i--) {
        const struct hi_entry *who = diverter_of(l, i - 1);
        if (who != NULL && !diversions_know(present, who->uri)) {
            write_diversion(&o, who, hi_entry_cause(&l->entry[i - 1]));
        }
    }
    *out = out_str_of(&o);
    return o.over ? E_NOMEM : 0;
}
