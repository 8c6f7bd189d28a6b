/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of one message, and the rules about where its User-to-User stands; see lint.h.
 *
 * Which message of a call may carry isdn-uui depends on its first INVITE (RFC 7434 §7). What
 * that had is remembered by Call-ID in a table of fixed size, where a later call takes the
 * place of an earlier one of the same hash; of a call that is not known nothing is said.
 */
#include "base/err.h"
#include "base/hash.h"
#include "lint/lint.h"
#include "sip/hdr.h"
#include "sip/msg.h"

static const struct {
    enum lint_level level;
    const char *name, *text, *source;
} rules[] = {
#define LINT_RULE_ROW(name, level, text, source) {LINT_##level, #name, text, source},
    LINT_RULE_LIST(LINT_RULE_ROW)
#undef LINT_RULE_ROW
};

/* ---- reading ---- */

static struct lint_call *call_of(struct lint *l, struct str call_id)
{
    static const struct hash_key key = {0x62617473, 0x6c696e74};
    uint64_t hash = hash_bytes(&key, call_id);
    struct lint_call *c = &l->calls[hash % LINT_CALLS];
    if (c->hash != hash) {
        *c = (struct lint_call){.hash = hash};
    }
    return c;
}

void lint_begin(struct lint *l, struct str start, const struct lint_place *place)
{
    lint_end(l);
    l->m.open = true;
    l->m.place = *place;
    l->m.start = arena_dup(&l->arena, start);
    l->messages++;
}

/** Headers whose URIs may embed it, and those that vendors use in its place. */
static bool is_looked_at(struct str name)
{
    static const struct str names[] = {STR_INIT("Contact"),      STR_INIT("m"),
                                       STR_INIT("Refer-To"),     STR_INIT("r"),
                                       STR_INIT("Referred-By"),  STR_INIT("b"),
                                       STR_INIT("History-Info"), STR_INIT("Diversion")};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_ieq(name, names[i])) {
            return true;
        }
    }
    return uui_dialect_any_owns(UUI_AT_HEADER, name);
}

static void keep(struct lint *l, struct lint_line *list, size_t *n, struct lint_line line)
{
    l->m.last = NULL;
    if (*n == UUI_VALUES_MAX) {
        l->m.too_many = true;
        return;
    }
    line.name = arena_dup(&l->arena, line.name);
    line.value = arena_dup(&l->arena, line.value);
    l->m.last = &list[*n];
    list[(*n)++] = line;
}

/** A folded line: RFC 3261 §7.3.1 says that it is a space. */
static bool fold(struct lint *l, struct str line)
{
    if (l->m.last != NULL) {
        l->m.last->value = arena_fmt(&l->arena, "%.*s %.*s", STR_ARG(l->m.last->value),
                                     STR_ARG(str_trim(line)));
    }
    return true;
}

bool lint_header(struct lint *l, struct str line, size_t number)
{
    size_t colon = str_index(line, ':');
    struct str name = str_trim(str_upto(line, colon));
    struct str value = str_trim(str_from(line, colon + 1));
    if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
        return fold(l, line);
    }
    if (colon == line.n || !uui_is_token(name)) {
        return false;
    }
    l->m.last = NULL;
    switch (sip_hdr_id_of(name)) {
    case SIP_HDR_USER_TO_USER:
        keep(l, l->m.uui, &l->m.uui_n, (struct lint_line){name, value, number});
        return true;
    case SIP_HDR_CALL_ID:
        l->m.call_id = arena_dup(&l->arena, value);
        return true;
    case SIP_HDR_CSEQ:
        l->m.cseq_method =
            arena_dup(&l->arena, str_trim(str_from(value, str_index(value, ' '))));
        return true;
    case SIP_HDR_TO:
        l->m.to_tag = str_find(value, STR(";tag=")) < value.n;
        return true;
    default:
        if (is_looked_at(name)) {
            keep(l, l->m.other, &l->m.other_n, (struct lint_line){name, value, number});
        }
        return true;
    }
}

/* ---- where it may stand ---- */

static bool is_response(const struct lint_message *m)
{
    return str_starts(m->start, STR("SIP/2.0 "));
}

static struct str method_of(const struct lint_message *m)
{
    return is_response(m) ? m->cseq_method : str_upto(m->start, str_index(m->start, ' '));
}

static unsigned status_of(const struct lint_message *m)
{
    uint32_t status = 0;
    return is_response(m) && str_to_u32(str_upto(str_from(m->start, 8), 3), &status) ? status
                                                                                     : 0;
}

/** The rule that a header in this message breaks, whatever its package. */
static enum lint_rule place_rule(const struct lint_message *m)
{
    struct str method = method_of(m);
    unsigned status = status_of(m);
    if (!m->open || method.n == 0) {
        return LINT_R_NONE; /* a trace without CSeq */
    }
    if (str_eq(method, STR("REFER")) && status == 0) {
        return LINT_R_REFER_HEADER;
    }
    bool invite = str_eq(method, STR("INVITE"));
    bool bye = str_eq(method, STR("BYE"));
    if ((!invite && !bye) || status == 100 || status >= 400 || (bye && status >= 300)) {
        return LINT_R_PLACE;
    }
    return LINT_R_NONE;
}

static enum lint_rule isdn_rule(struct lint *l)
{
    const struct lint_message *m = &l->m;
    struct str method = method_of(m);
    const struct lint_call *c = m->call_id.n > 0 ? call_of(l, m->call_id) : NULL;
    bool first = str_eq(method, STR("INVITE")) && status_of(m) == 0 && !m->to_tag;
    if (str_eq(method, STR("INVITE")) && status_of(m) == 0 && m->to_tag) {
        return LINT_R_ISDN_PLACE;
    }
    return !first && m->open && c != NULL && c->seen && !c->opened ? LINT_R_ISDN_NOT_OPENED
                                                                   : LINT_R_NONE;
}

/* ---- reporting ---- */

static void add(struct lint_report *r, struct lint_finding *list, struct lint_finding f)
{
    if (r->findings < LINT_FINDINGS_MAX) {
        list[r->findings++] = f;
    }
}

static void add_rule(struct lint_report *r, struct lint_finding *list, enum lint_rule rule)
{
    if (rule != LINT_R_NONE) {
        add(r, list,
            (struct lint_finding){rules[rule].level, rules[rule].name, rules[rule].text,
                                  rules[rule].source, SIZE_MAX});
    }
}

/** What the codec says of the value by itself. */
static void add_verdict(struct lint_report *r, struct lint_finding *list,
                        const struct uui_value *v)
{
    if (v->rule != UUI_R_NONE) {
        add(r, list,
            (struct lint_finding){v->verdict == UUI_WRONG ? LINT_WRONG : LINT_IGNORED,
                                  uui_rule_name(v->rule), uui_rule_text(v->rule),
                                  uui_rule_source(v->rule), v->at});
    }
}

static bool is_link(struct str octets)
{
    static const struct str schemes[] = {STR_INIT("http://"), STR_INIT("https://"),
                                         STR_INIT("ftp://"),  STR_INIT("sip:"),
                                         STR_INIT("sips:"),   STR_INIT("cid:")};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_istarts(octets, schemes[i])) {
            return true;
        }
    }
    return false;
}

static void tell(struct lint *l, struct lint_report *r)
{
    l->values++;
    l->sound += r->findings == 0;
    for (size_t i = 0; i < r->findings; i++) {
        l->level[r->finding[i].level]++;
    }
    l->report(l, r);
}

static struct lint_report report_of(const struct lint *l, const struct lint_place *place)
{
    return (struct lint_report){.place = place,
                                .start = l->m.open ? l->m.start : STR_NONE,
                                .call_id = l->m.open ? l->m.call_id : STR_NONE};
}

/** @param embedded  in a URI: there any message may have it */
static void tell_read(struct lint *l, const struct uui_value *v, struct str where,
                      struct str written, const struct lint_place *place, bool embedded)
{
    struct lint_finding list[LINT_FINDINGS_MAX];
    struct lint_report r = report_of(l, place);
    struct str data = str_from(v->octets, v->isdn ? 1 : 0);
    r.value = v;
    r.where = where;
    r.text = str_eq(written, v->text) ? STR_NONE : written;
    r.finding = list;
    add_verdict(&r, list, v);
    if (!embedded) {
        enum lint_rule place_of = place_rule(&l->m);
        add_rule(&r, list, place_of);
        add_rule(&r, list, place_of == LINT_R_NONE && v->isdn ? isdn_rule(l) : LINT_R_NONE);
    } else if (v->isdn && status_of(&l->m) >= 300 && status_of(&l->m) < 400) {
        add_rule(&r, list, LINT_R_ISDN_REDIRECT);
    }
    add_rule(&r, list, v->notes & UUI_NOTE_DRAFT_PURPOSE ? LINT_R_DRAFT : LINT_R_NONE);
    add_rule(&r, list, v->notes & UUI_NOTE_LONG ? LINT_R_ISDN_LONG : LINT_R_NONE);
    add_rule(&r, list, is_link(v->octets) || is_link(data) ? LINT_R_LINK : LINT_R_NONE);
    tell(l, &r);
}

static void tell_value(struct lint *l, const struct uui_value *v, struct str where,
                       const struct lint_place *place, bool embedded)
{
    tell_read(l, v, where, v->text, place, embedded);
}

void lint_found(struct lint *l, const struct uui_value *v, struct str where, struct str text,
                enum lint_rule rule, const struct lint_place *place)
{
    struct lint_finding list[LINT_FINDINGS_MAX];
    struct lint_report r = report_of(l, place);
    r.value = v;
    r.where = where;
    r.text = v == NULL ? text : STR_NONE;
    r.finding = list;
    if (v != NULL) {
        add_verdict(&r, list, v);
    }
    add_rule(&r, list, rule);
    if (v != NULL) {
        struct str data = str_from(v->octets, v->isdn ? 1 : 0);
        add_rule(&r, list, is_link(data) ? LINT_R_LINK : LINT_R_NONE);
    }
    tell(l, &r);
}

/** Something that is no value for us: a vendor's header, a list that is too long. */
static void tell_text(struct lint *l, enum lint_rule rule, const struct lint_line *line,
                      const struct lint_place *place)
{
    struct lint_finding list[LINT_FINDINGS_MAX];
    struct lint_report r = report_of(l, place);
    r.where = line->name;
    r.text = line->value;
    r.finding = list;
    add_rule(&r, list, rule);
    tell(l, &r);
}

/* ---- lists ---- */

static struct lint_place at_line(const struct lint_place *place, size_t line)
{
    struct lint_place at = *place;
    at.line = line;
    return at;
}

/** The line that a value of the list came from: the list keeps slices of them. */
static size_t line_of(const struct lint_line *lines, size_t n, struct str text)
{
    for (size_t i = 0; i < n; i++) {
        if (text.p >= lines[i].value.p && text.p <= lines[i].value.p + lines[i].value.n) {
            return lines[i].line;
        }
    }
    return n > 0 ? lines[0].line : 0;
}

/** Values that are read in the dialect. */
struct far_list {
    struct uui_list list;
    struct uui_value values[UUI_VALUES_MAX];
    struct str written[UUI_VALUES_MAX];
    size_t line[UUI_VALUES_MAX];
};

static bool read_far(struct lint *l, struct str text, size_t line, struct far_list *f)
{
    size_t n = f->list.n;
    if (n == UUI_VALUES_MAX ||
        uui_dialect_read(&l->far, l->packages, text, &l->arena, &f->values[n]) != 0) {
        return false;
    }
    f->written[n] = text;
    f->line[n] = line;
    f->list.n++;
    return true;
}

/** Lines of one header as the dialect has them. */
static void list_far(struct lint *l, const struct lint_line *lines, size_t n,
                     const struct lint_place *place)
{
    struct far_list f = {.list.v = f.values};
    bool lists = l->far.dialect->lists;
    bool room = true;
    for (size_t i = 0; i < n && room; i++) {
        struct uui_cut cut;
        struct str one;
        uui_cut_begin(&cut, lines[i].value);
        room = lists || read_far(l, lines[i].value, lines[i].line, &f);
        while (lists && room && uui_cut_next(&cut, &one)) {
            room = read_far(l, one, lines[i].line, &f);
        }
    }
    uui_list_judge(&f.list, l->packages);
    for (size_t i = 0; i < f.list.n; i++) {
        struct lint_place where = at_line(place, f.line[i]);
        tell_read(l, &f.values[i], lines[0].name, f.written[i], &where, false);
    }
    if (!room) {
        tell_text(l, LINT_R_TOO_MANY, &lines[0], place);
    }
}

/** Is it a header of the dialect? A bare value is taken for one of it. */
static bool is_far(const struct lint *l, struct str header)
{
    return l->far.dialect != NULL &&
           (!str_is_set(header) || uui_dialect_owns(l->far.dialect, UUI_AT_HEADER, header));
}

void lint_list(struct lint *l, const struct lint_line *lines, size_t n,
               const struct lint_place *place)
{
    if (n > 0 && is_far(l, lines[0].name)) {
        list_far(l, lines, n, place);
        return;
    }
    struct str values[UUI_VALUES_MAX];
    struct uui_list list;
    for (size_t i = 0; i < n; i++) {
        values[i] = lines[i].value;
    }
    if (n > 0 && uui_list_parse(values, n, l->packages, &l->arena, &list) == E_TOOMANY) {
        tell_text(l, LINT_R_TOO_MANY, &lines[0], place);
        return;
    }
    for (size_t i = 0; n > 0 && i < list.n; i++) {
        struct lint_place at = at_line(place, line_of(lines, n, list.v[i].text));
        tell_value(l, &list.v[i], STR_NONE, &at, false);
    }
}

bool lint_uris(struct lint *l, const struct lint_line *line, const struct lint_place *place)
{
    struct lint_place at = at_line(place, line->line);
    struct str rest = line->value, address;
    bool any = false;
    while (sip_list_next(&rest, &address)) {
        struct uui_list list;
        struct str headers = uui_uri_headers(address);
        int err = uui_list_parse_uri(headers, l->packages, &l->arena, &list);
        if (err == E_TOOMANY) {
            tell_text(l, LINT_R_TOO_MANY, line, &at);
        }
        any = any || err == E_TOOMANY || list.n > 0;
        for (size_t i = 0; i < list.n; i++) {
            tell_value(l, &list.v[i], str_is_set(line->name) ? line->name : STR("URI"), &at,
                       true);
        }
    }
    return any;
}

/** Remember what the INVITE that begins a call had. */
static void remember(struct lint *l)
{
    const struct lint_message *m = &l->m;
    struct uui_list list;
    struct str values[UUI_VALUES_MAX];
    if (!str_eq(method_of(m), STR("INVITE")) || is_response(m) || m->to_tag ||
        m->call_id.n == 0) {
        return;
    }
    for (size_t i = 0; i < m->uui_n; i++) {
        values[i] = m->uui[i].value;
    }
    struct lint_call *c = call_of(l, m->call_id);
    c->seen = true;
    c->opened = uui_list_parse(values, m->uui_n, l->packages, &l->arena, &list) != 0 ||
                list.isdn_seen > 0 ||
                str_is_set(isdn_body_octets(&m->body, ISDN_ISUP | ISDN_GTD));
}

/** Octets of the one isdn-uui value of the header; absent: none counts. */
static struct str header_octets(struct lint *l)
{
    const struct lint_message *m = &l->m;
    struct str values[UUI_VALUES_MAX];
    struct uui_list list;
    for (size_t i = 0; i < m->uui_n; i++) {
        values[i] = m->uui[i].value;
    }
    return m->body.n > 0 &&
                   uui_list_parse(values, m->uui_n, l->packages, &l->arena, &list) == 0 &&
                   list.isdn != NULL
               ? list.isdn->octets
               : STR_NONE;
}

void lint_end(struct lint *l)
{
    struct lint_message *m = &l->m;
    if (!m->open) {
        return;
    }
    remember(l);
    lint_list(l, m->uui, m->uui_n, &m->place);
    for (size_t i = 0; i < m->other_n; i++) {
        struct lint_place at = at_line(&m->place, m->other[i].line);
        if (is_far(l, m->other[i].name)) {
            list_far(l, &m->other[i], 1, &m->place);
        } else if (uui_dialect_any_owns(UUI_AT_HEADER, m->other[i].name)) {
            tell_text(l, LINT_R_VENDOR, &m->other[i], &at);
        } else {
            (void)lint_uris(l, &m->other[i], &m->place);
        }
    }
    lint_body(l, &m->body, m->body_err, header_octets(l), &m->place);
    if (m->too_many) {
        tell_text(l, LINT_R_TOO_MANY, &m->uui[0], &m->place);
    }
    *m = (struct lint_message){0};
    arena_reset(&l->arena);
}

/** What the bodies of a message have, if it is one that can be indexed. */
static void read_body(struct lint *l, struct str bytes)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    if (sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) == 0 && isdn_body_may(&m)) {
        l->m.body_err = isdn_body_read(&m, &l->arena, &l->m.body);
    }
}

void lint_bytes(struct lint *l, struct str bytes, const struct lint_place *place)
{
    struct str whole = bytes;
    size_t number = 1;
    size_t end = str_index(bytes, '\n');
    lint_begin(l, str_trim(str_upto(bytes, end)), place);
    for (bytes = str_from(bytes, end + 1); bytes.n > 0; bytes = str_from(bytes, end + 1)) {
        end = str_index(bytes, '\n');
        struct str line = str_upto(bytes, end);
        line = str_ends(line, STR("\r")) ? str_upto(line, line.n - 1) : line;
        if (line.n == 0) {
            break;
        }
        (void)lint_header(l, line, ++number);
    }
    read_body(l, whole);
    lint_end(l);
}
