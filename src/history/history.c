/* SPDX-License-Identifier: Apache-2.0 */
/* The history of one request: see history.h. */
#include "history/history.h"

#include "base/err.h"
#include "history/identity.h"
#include "sip/hdr.h"
#include "sip/uri.h"

/* ---- the cache ---- */

static int keep_entry(struct history *h, struct hi_entry *e)
{
    struct str text = arena_dup(h->arena, e->text);
    if (!str_is_set(text)) {
        return E_NOMEM;
    }
    return hi_entry_parse(text, e);
}

static int keep_entries(struct history *h, const struct sip_msg *m)
{
    int err = hi_list_parse(h->arena, m, &h->cache);
    for (uint32_t i = 0; i < h->cache.count && err == 0; i++) {
        err = keep_entry(h, &h->cache.entry[i]);
    }
    return err;
}

/** Diversion values, and what they say of the history. */
static int keep_diversions(struct history *h, const struct sip_msg *m, bool convert)
{
    int err = diversion_list_parse(h->arena, m, &h->diversions);
    for (uint32_t i = 0; i < h->diversions.count && err == 0; i++) {
        struct diversion *d = &h->diversions.entry[i];
        struct str text = arena_dup(h->arena, d->text);
        err = str_is_set(text) ? diversion_parse(text, d) : E_NOMEM;
    }
    if (err != 0 || !convert || h->diversions.count == 0) {
        return err;
    }
    return diversion_to_history(h->arena, &h->diversions, sip_msg_ruri(m), &h->cache);
}

/** The Request-URI that we received must be the last entry (§9.1, §10.3 rule 6). */
static int fill_gap(struct history *h, struct str ruri)
{
    const struct hi_entry *last =
        h->cache.count > 0 ? &h->cache.entry[h->cache.count - 1] : NULL;
    struct hi_new from = {.uri = ruri, .domain = h->domain, .index = STR("1")};
    struct hi_entry e;
    if (last != NULL && hi_same_target(last->uri, ruri)) {
        h->root = last->index;
        return 0;
    }
    if (last != NULL) {
        from.index = hi_index_child(h->arena, last->index, 0);
        if (!str_is_set(from.index)) {
            return E_TOOMANY;
        }
    }
    int err = hi_entry_make(h->arena, &from, &e);
    if (err == 0) {
        err = hi_list_add(h->arena, &h->cache, &e);
    }
    h->root = e.index;
    return err;
}

int history_begin(struct history *h, struct arena *a, const struct sip_msg *m, bool convert,
                  struct str domain)
{
    *h = (struct history){.arena = a, .domain = domain};
    h->asked = sip_msg_has(m, SIP_HDR_HISTORY_INFO) ||
               sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("histinfo"));
    int err = keep_entries(h, m);
    h->supplementary = err == 0 && h->cache.count > 0 && !diversion_is_all(&h->cache);
    if (err == 0) {
        err = keep_diversions(h, m, convert);
    }
    if (err == 0) {
        err = fill_gap(h, sip_msg_ruri(m));
    }
    h->target = h->root;
    h->unreadable = err != 0;
    return err == E_NOMEM ? E_NOMEM : 0;
}

int history_begin_at(struct history *h, struct arena *a, struct str uri, struct str domain)
{
    *h = (struct history){.arena = a, .domain = domain};
    int err = fill_gap(h, uri);
    h->target = h->root;
    h->unreadable = err != 0;
    return err == E_NOMEM ? E_NOMEM : 0;
}

/** A diversion is a sibling of the branches that were tried before. */
static int retarget(struct history *h, struct hi_new *from)
{
    struct hi_entry e;
    if (h->unreadable) {
        return 0;
    }
    from->domain = h->domain;
    from->index = hi_index_child(h->arena, h->root, h->tried + 1);
    if (!str_is_set(from->index)) {
        return E_TOOMANY;
    }
    int err = hi_entry_make(h->arena, from, &e);
    if (err == 0) {
        err = hi_list_add(h->arena, &h->cache, &e);
    }
    if (err == 0) {
        h->tried++;
        h->target = e.index;
        h->contacts = 0;
        h->diverted = h->diverted || from->cause != 0;
    }
    return err;
}

int history_divert(struct history *h, struct str uri, uint32_t cause)
{
    return retarget(
        h,
        &(struct hi_new){.uri = uri, .cause = cause, .target = HI_TARGET_MP, .of = h->target});
}

int history_redirected(struct history *h, struct str of, struct str contact)
{
    struct hi_new from = {.of = str_is_set(of) ? of : h->target};
    struct sip_addr addr;
    struct str value;
    uint32_t at;
    if (sip_addr_parse(contact, &addr, &at) != 0 || addr.star) {
        return E_SYNTAX;
    }
    from.uri = addr.uri_text;
    if (str_is_set(addr.uri.headers)) { /* they become headers of the request, not history */
        from.uri = str_upto(from.uri, from.uri.n - addr.uri.headers.n - 1);
    }
    if (!str_is_set(addr.uri.params) || !sip_param(addr.uri.params, STR("cause"), &value)) {
        from.cause = 302;
    }
    if (sip_param(addr.params, STR("mp"), &value)) {
        from.target = HI_TARGET_MP;
    } else if (sip_param(addr.params, STR("rc"), &value)) {
        from.target = HI_TARGET_RC;
    }
    return retarget(h, &from);
}

int history_carry(struct history *h, struct str uui)
{
    struct hi_entry *e = hi_list_find(&h->cache, h->target);
    if (h->unreadable || uui.n == 0 || e == NULL || str_eq(h->target, h->root)) {
        return 0;
    }
    h->diverted = true; /* it is told to whoever does not refuse to hear */
    return hi_entry_add_header(h->arena, e, STR("User-to-User"), uui);
}

int history_branch(struct history *h, struct str uri, struct hi_entry *e)
{
    const struct hi_entry *target = hi_list_find(&h->cache, h->target);
    bool root = str_eq(h->target, h->root);
    uint32_t *n = root ? &h->tried : &h->contacts;
    if (h->unreadable || target == NULL) {
        return E_SYNTAX;
    }
    struct hi_new from = {.uri = uri,
                          .domain = h->domain,
                          .index = hi_index_child(h->arena, h->target, *n + 1),
                          .target =
                              hi_same_target(uri, target->uri) ? HI_TARGET_NP : HI_TARGET_RC,
                          .of = h->target};
    if (!str_is_set(from.index)) {
        return E_TOOMANY;
    }
    int err = hi_entry_make(h->arena, &from, e);
    if (err == 0) {
        ++*n;
    }
    return err;
}

/* ---- responses in ---- */

static int add_reasons(struct history *h, struct hi_entry *e, unsigned status,
                       const struct sip_msg *m)
{
    char text[32];
    struct sip_values it = {0};
    struct str value;
    struct out o;
    out_init(&o, text, sizeof(text));
    out_fmt(&o, "SIP;cause=%u", status);
    int err = hi_entry_add_reason(h->arena, e, out_str_of(&o));
    while (err == 0 && m != NULL && sip_msg_each(m, SIP_HDR_REASON, &it, &value)) {
        err = value.n > 0 ? hi_entry_add_reason(h->arena, e, value) : 0;
    }
    return err;
}

static bool has_entry(const struct hi_list *l, const struct hi_entry *e)
{
    for (uint32_t i = 0; i < l->count; i++) {
        if (hi_entry_same(&l->entry[i], e)) {
            return true;
        }
    }
    return false;
}

static int keep_answer(struct history *h, const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str value;
    struct hi_entry e;
    int err = 0;
    while (err == 0 && sip_msg_each(m, SIP_HDR_HISTORY_INFO, &it, &value)) {
        if (hi_entry_parse(value, &e) != 0 || has_entry(&h->cache, &e)) {
            continue;
        }
        err = keep_entry(h, &e);
        err = err != 0 ? err : hi_list_add(h->arena, &h->cache, &e);
    }
    return err;
}

int history_answered(struct history *h, struct hi_entry *e, unsigned status,
                     const struct sip_msg *m)
{
    struct hi_entry *known = hi_list_find(&h->cache, e->index);
    int err = 0;
    if (h->unreadable || status == 100) {
        return 0;
    }
    h->answered = e->index;
    if (known != NULL && !hi_entry_same(known, e)) {
        known = NULL;
    }
    if (known == NULL) {
        err = hi_list_add(h->arena, &h->cache, e);
        known = err == 0 ? hi_list_find(&h->cache, e->index) : NULL;
    }
    if (known != NULL && status >= 300) {
        err = add_reasons(h, known, status, m);
        *e = *known;
    }
    if (err == 0 && m != NULL) {
        err = keep_answer(h, m);
    }
    return err == E_NOMEM ? E_NOMEM : 0;
}

/* ---- what goes out ---- */

static bool is_ours(const struct history_rules *rules, struct str uri)
{
    struct sip_uri u;
    uint32_t at;
    if (rules->ours == NULL) {
        return true;
    }
    return sip_uri_parse(uri, 0, &u, &at) == 0 && rules->ours(rules->ctx, u.host);
}

/** Entries for that neighbour: a copy, with what must not leave made anonymous. */
static int shown(const struct history *h, struct arena *a, const struct hi_entry *more,
                 unsigned privacy, const struct history_rules *rules, struct hi_list *out)
{
    bool all =
        (privacy & PRIVACY_NONE) == 0 && (privacy & (PRIVACY_HEADER | PRIVACY_HISTORY)) != 0;
    int err = 0;
    *out = (struct hi_list){0};
    for (uint32_t i = 0; i < h->cache.count && err == 0; i++) {
        err = hi_list_add(a, out, &h->cache.entry[i]);
    }
    if (err == 0 && more != NULL && !has_entry(out, more) && out->count < HI_MAX) {
        err = hi_list_add(a, out, more);
    }
    for (uint32_t i = 0; i < out->count && err == 0 && rules->leaves; i++) {
        struct hi_entry *e = &out->entry[i];
        bool asks = hi_entry_private(e);
        if (is_ours(rules, e->uri)) {
            err = hi_entry_conceal(a, e, asks || all);
        }
    }
    return err;
}

static int put_entries(struct arena *a, const struct hi_list *l, struct history_out *out)
{
    size_t cap = 0;
    struct out o;
    for (uint32_t i = 0; i < l->count; i++) {
        cap += l->entry[i].text.n + sizeof("History-Info: \r\n");
    }
    char *buf = arena_alloc(a, cap + 1);
    int err = change_cut(out, a, SIP_HDR_HISTORY_INFO);
    if (buf == NULL || err != 0) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap + 1);
    for (uint32_t i = 0; i < l->count; i++) {
        out_c(&o, "History-Info: ");
        out_str(&o, l->entry[i].text);
        out_c(&o, "\r\n");
    }
    return change_add(out, a, out_str_of(&o));
}

/** The Diversion lines that came, as they may leave. */
static int put_diversions(const struct history *h, struct arena *a, unsigned privacy,
                          const struct history_rules *rules, struct str fresh,
                          struct history_out *out)
{
    bool all = (privacy & (PRIVACY_HEADER | PRIVACY_NONE)) == PRIVACY_HEADER;
    int err = change_cut(out, a, SIP_HDR_DIVERSION);
    if (err == 0 && fresh.n > 0) {
        const struct str part[] = {STR("Diversion: "), fresh, STR("\r\n")};
        err = change_add(out, a, arena_join(a, part, ARRAY_LEN(part)));
    }
    for (uint32_t i = 0; i < h->diversions.count && err == 0; i++) {
        const struct diversion *d = &h->diversions.entry[i];
        bool conceal =
            rules->leaves && is_ours(rules, d->uri) && (all || diversion_is_private(d));
        const struct str part[] = {STR("Diversion: "),
                                   conceal ? diversion_concealed(a, d) : d->text, STR("\r\n")};
        struct str line = arena_join(a, part, ARRAY_LEN(part));
        err = str_is_set(part[1]) && str_is_set(line) ? change_add(out, a, line) : E_NOMEM;
    }
    return err;
}

/** What cannot be read stays inside. */
static int put_unreadable(struct arena *a, const struct history_rules *rules,
                          struct history_out *out)
{
    if (!rules->leaves && rules->mode != HISTORY_STRIP) {
        return 0;
    }
    int err = change_cut(out, a, SIP_HDR_HISTORY_INFO);
    return err != 0 ? err : change_cut(out, a, SIP_HDR_DIVERSION);
}

/** Would anything of ours become anonymous on the way out? */
static bool hides(const struct history *h, unsigned privacy, const struct history_rules *rules)
{
    bool all =
        (privacy & PRIVACY_NONE) == 0 && (privacy & (PRIVACY_HEADER | PRIVACY_HISTORY)) != 0;
    if (!rules->leaves) {
        return false;
    }
    for (uint32_t i = 0; i < h->cache.count; i++) {
        if ((all || hi_entry_private(&h->cache.entry[i])) &&
            is_ours(rules, h->cache.entry[i].uri)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < h->diversions.count; i++) {
        if ((all || diversion_is_private(&h->diversions.entry[i])) &&
            is_ours(rules, h->diversions.entry[i].uri)) {
            return true;
        }
    }
    return false;
}

static bool writes(const struct history *h, const struct history_rules *rules)
{
    return rules->mode == HISTORY_WRITE ||
           (rules->mode == HISTORY_AUTO && (h->asked || h->diverted));
}

/** Only what came, without a word of ours. */
static int put_received(const struct history *h, struct arena *a, const struct sip_msg *m,
                        unsigned privacy, const struct history_rules *rules,
                        struct history_out *out)
{
    struct hi_list list;
    if (m == NULL || !sip_msg_has(m, SIP_HDR_HISTORY_INFO) || !hides(h, privacy, rules)) {
        return 0;
    }
    int err = shown(h, a, NULL, privacy, rules, &list);
    return err != 0 ? err : put_entries(a, &list, out);
}

static int put_history(const struct history *h, struct arena *a, const struct hi_entry *e,
                       const struct sip_msg *m, unsigned privacy,
                       const struct history_rules *rules, struct history_out *out)
{
    bool convert = rules->diversion == DIVERSION_HISTORY || rules->diversion == DIVERSION_BOTH;
    struct hi_list list;
    if (rules->mode == HISTORY_STRIP) {
        return change_cut(out, a, SIP_HDR_HISTORY_INFO);
    }
    if (rules->diversion == DIVERSION_WRITE) {
        return h->supplementary ? put_received(h, a, m, privacy, rules, out)
                                : change_cut(out, a, SIP_HDR_HISTORY_INFO);
    }
    if (!writes(h, rules) && !(convert && h->diversions.count > 0)) {
        return put_received(h, a, m, privacy, rules, out);
    }
    int err = shown(h, a, writes(h, rules) ? e : NULL, privacy, rules, &list);
    return err != 0 ? err : put_entries(a, &list, out);
}

static int put_diversion(const struct history *h, struct arena *a, unsigned privacy,
                         const struct history_rules *rules, struct history_out *out)
{
    struct str fresh = STR_NONE;
    if (rules->diversion == DIVERSION_HISTORY) {
        return change_cut(out, a, SIP_HDR_DIVERSION);
    }
    if (rules->diversion == DIVERSION_WRITE || rules->diversion == DIVERSION_BOTH) {
        struct hi_list list;
        int err = shown(h, a, NULL, privacy, rules, &list);
        err = err != 0 ? err : diversion_from_history(a, &list, &h->diversions, &fresh);
        if (err != 0) {
            return err;
        }
    }
    return fresh.n > 0 || hides(h, privacy, rules)
               ? put_diversions(h, a, privacy, rules, fresh, out)
               : 0;
}

int history_request(const struct history *h, struct arena *a, const struct hi_entry *e,
                    const struct sip_msg *m, const struct history_rules *rules,
                    struct history_out *out)
{
    unsigned privacy = privacy_of(m);
    if (h->unreadable) {
        return put_unreadable(a, rules, out);
    }
    int err = put_history(h, a, e, m, privacy, rules, out);
    if (err == 0) {
        err = put_diversion(h, a, privacy, rules, out);
    }
    return err == 0 ? 0 : E_NOMEM;
}

int history_response(const struct history *h, struct arena *a, const struct sip_msg *m,
                     const struct history_rules *rules, struct history_out *out)
{
    struct hi_list list;
    unsigned privacy = privacy_of(m);
    if (h->unreadable) {
        return put_unreadable(a, rules, out);
    }
    if (!h->asked || rules->mode == HISTORY_STRIP) {
        return change_cut(out, a, SIP_HDR_HISTORY_INFO);
    }
    if (!writes(h, rules) && !hides(h, privacy, rules)) {
        return 0;
    }
    int err = shown(h, a, NULL, privacy, rules, &list);
    return err == 0 && put_entries(a, &list, out) == 0 ? 0 : E_NOMEM;
}

struct str history_contact(const struct history *h, struct arena *a, bool same_user)
{
    return arena_fmt(a, ";%s=%.*s", same_user ? "rc" : "mp", STR_ARG(h->target));
}

bool history_concerns(const struct sip_msg *m, const struct history_rules *rules)
{
    if (rules->mode == HISTORY_WRITE || m == NULL) {
        return rules->mode == HISTORY_WRITE;
    }
    return sip_msg_has(m, SIP_HDR_HISTORY_INFO) || sip_msg_has(m, SIP_HDR_DIVERSION) ||
           (rules->mode == HISTORY_AUTO &&
            sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("histinfo")));
}
