/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One REGISTER: RFC 3261 §10.3 steps 6 to 8.
 *
 * PLAN    read every Contact, find the binding that each one means, check the CSeq rule and
 *         the limits, and get all memory that the new state and the answer need. Each of
 *         these can refuse the request, and nothing that anybody can see has changed.
 * COMMIT  cannot fail: bindings are dropped, filled and linked, the answer is written into the
 *         space that was reserved, and last on_change is told.
 *
 * Which binding a contact means is found in two rounds. First by identity (contact.c), for
 * all contacts of the request; then what is left over of the record is searched for an older
 * address of the same phone. So a phone that registers two addresses refreshes both, and
 * one that comes back with a new address replaces its ghost.
 *
 * Contacts are committed from the last to the first, so that among equal q the one that the
 * phone names first is the first in the list.
 */
#include "base/err.h"
#include "registrar/parts.h"
#include "registrar/support.h"

struct request {
    struct registrar *r;
    const struct sip_msg *m;
    struct str key;
    const struct hop *from;
    uint64_t now_ms;
    struct arena *arena;
    struct registrar_answer *answer;

    struct record *rec; /* NULL: none yet */
    struct contact_origin origin;
    struct registrar_path path;
    struct answer_form form;
    uint32_t cseq;
    struct contact *contact;
    size_t count;
    bool star;
    struct binding **ghost; /* bindings that a contact replaces besides its match */
    size_t ghosts;
    struct out lines;
};

static bool refuse(struct request *q, unsigned status, struct str reason)
{
    q->answer->status = status;
    q->answer->reason = reason;
    return false;
}

static bool no_memory(struct request *q)
{
    return refuse(q, 503, STR("Out Of Memory"));
}

/* A phrase with a number in it; without memory the default phrase has to do. */
static bool refuse_limit(struct request *q, unsigned status, const char *fmt, unsigned limit)
{
    char text[80];
    struct out o;
    out_init(&o, text, sizeof(text));
    out_c(&o, "At Most ");
    out_u64(&o, limit);
    out_c(&o, fmt);
    return refuse(q, status, arena_dup(q->arena, out_str_of(&o)));
}

/* ---- reading ---- */

static bool read_star(struct request *q)
{
    struct sip_addr a;
    uint32_t at;
    struct str expires = sip_msg_value(q->m, SIP_HDR_EXPIRES);
    struct sip_values it = {0};
    struct str value;
    size_t n = 0;
    bool star = false;
    while (sip_msg_each(q->m, SIP_HDR_CONTACT, &it, &value)) {
        n++;
        star = star || (sip_addr_parse(value, &a, &at) == 0 && a.star);
    }
    if (!star) {
        return true;
    }
    q->star = true;
    if (n != 1) {
        return refuse(q, 400, STR("Contact * Stands Alone"));
    }
    uint32_t seconds;
    if (!str_to_u32(str_trim(expires), &seconds) || seconds != 0) {
        return refuse(q, 400, STR("Contact * Needs Expires 0"));
    }
    return true;
}

static size_t count_contacts(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str value;
    size_t n = 0;
    while (sip_msg_each(m, SIP_HDR_CONTACT, &it, &value)) {
        n++;
    }
    return n;
}

static uint32_t default_expires(const struct request *q)
{
    if (!sip_msg_has(q->m, SIP_HDR_EXPIRES)) {
        return q->r->config.default_expires_s;
    }
    return registrar_contact_expires(sip_msg_value(q->m, SIP_HDR_EXPIRES));
}

/* Step 7: the interval of one contact. */
static bool check_expires(struct request *q, struct contact *c)
{
    const struct registrar_config *config = &q->r->config;
    if (c->expires_s > 0 && c->expires_s < 3600 && c->expires_s < config->min_expires_s) {
        q->answer->lines =
            arena_fmt(q->arena, "Min-Expires: %u\r\n", (unsigned)config->min_expires_s);
        if (!str_is_set(q->answer->lines)) {
            return no_memory(q); /* a 423 without Min-Expires would be none */
        }
        return refuse(q, 423, STR_NONE);
    }
    if (c->expires_s > config->max_expires_s) {
        c->expires_s = config->max_expires_s;
    }
    return true;
}

static bool says(const struct request *q, struct str tag)
{
    return sip_msg_has_token(q->m, SIP_HDR_SUPPORTED, tag) ||
           sip_msg_has_token(q->m, SIP_HDR_REQUIRE, tag);
}

/* Did the phone send it to us itself? */
static bool is_direct(const struct request *q)
{
    struct sip_values it = {0};
    struct str value;
    return !(sip_msg_each(q->m, SIP_HDR_VIA, &it, &value) &&
             sip_msg_each(q->m, SIP_HDR_VIA, &it, &value));
}

/* Does the first node behind the phone keep flows? It says so by ;ob in its Path URI. */
static bool first_hop_keeps_flows(const struct request *q)
{
    struct sip_addr a;
    uint32_t at;
    struct str ob;
    return q->path.first_hop.n > 0 && sip_addr_parse(q->path.first_hop, &a, &at) == 0 &&
           sip_param(a.uri.params, STR("ob"), &ob);
}

/* RFC 5626 §6: may reg-id count? */
static bool check_flows(struct request *q)
{
    bool any = false;
    bool flows = false;
    size_t added = 0;
    for (size_t i = 0; i < q->count; i++) {
        const struct contact *c = &q->contact[i];
        added += c->expires_s > 0;
        any = any || c->reg_id != 0;
        flows = flows || (c->expires_s > 0 && c->reg_id != 0);
    }
    if (!any) {
        return true;
    }
    bool direct = is_direct(q);
    if (!direct && !first_hop_keeps_flows(q)) {
        if (says(q, STR("outbound"))) {
            return refuse(q, 439, STR_NONE);
        }
        for (size_t i = 0; i < q->count; i++) {
            q->contact[i].reg_id = 0;
        }
        return true;
    }
    if (flows && added > 1) {
        return refuse(q, 400, STR("reg-id Needs A Single Contact"));
    }
    q->form.outbound = says(q, STR("outbound"));
    q->form.flow_timer = q->form.outbound && direct;
    return true;
}

/* RFC 5627 §5.1: a phone with an instance whose contact is its own address would call itself.
 */
static bool check_loops(struct request *q)
{
    char text[512];
    for (size_t i = 0; i < q->count; i++) {
        const struct contact *c = &q->contact[i];
        struct binding *only;
        struct out o;
        out_init(&o, text, sizeof(text));
        registrar_write_key(&o, &c->addr.uri);
        struct record *rec = registrar_find_gruu(q->r, &c->addr.uri, &only);
        if (c->expires_s > 0 && str_is_set(c->instance) &&
            ((rec != NULL && rec == q->rec) || (!o.over && str_eq(out_str_of(&o), q->key)))) {
            return refuse(q, 403, STR("Contact Is The Address Itself"));
        }
    }
    return true;
}

static bool is_sips_value(struct str value)
{
    struct sip_addr a;
    uint32_t at;
    return sip_addr_parse(value, &a, &at) == 0 && a.uri.scheme == SIP_SCHEME_SIPS;
}

/* RFC 5630 §5.2: a sips contact only where everything on the way to it is. */
static bool check_sips(struct request *q)
{
    struct sip_values it = {0};
    struct str value;
    size_t sips = 0;
    for (size_t i = 0; i < q->count; i++) {
        sips += q->contact[i].addr.uri.scheme == SIP_SCHEME_SIPS;
    }
    bool all = sips == q->count && sip_msg_is_sips(q->m);
    while (sips > 0 && all && sip_msg_each(q->m, SIP_HDR_PATH, &it, &value)) {
        all = is_sips_value(value);
    }
    return sips == 0 || all ? true : refuse(q, 400, STR("A sips Contact Needs sips All Along"));
}

static bool read_contacts(struct request *q)
{
    size_t n = count_contacts(q->m);
    size_t limit = (size_t)q->r->config.max_contacts * 2; /* old ones leave, new ones come */
    uint32_t expires = default_expires(q);
    struct sip_values it = {0};
    struct str value;
    if (n == 0) {
        return refuse(q, 400, STR("Empty Contact"));
    }
    if (n > limit) {
        return refuse_limit(q, 403, " Contacts In A Request", (unsigned)limit);
    }
    q->contact = arena_zalloc(q->arena, n * sizeof(*q->contact));
    if (q->contact == NULL) {
        return no_memory(q);
    }
    while (q->count < n && sip_msg_each(q->m, SIP_HDR_CONTACT, &it, &value)) {
        struct contact *c = &q->contact[q->count++];
        struct contact_fault fault;
        if (!registrar_contact_parse(value, expires, c, &fault)) {
            return refuse(q, fault.status, str_c(fault.reason));
        }
        if (!check_expires(q, c)) {
            return false;
        }
    }
    return check_sips(q) && check_flows(q) && check_loops(q);
}

static bool read_path(struct request *q)
{
    struct contact_fault fault;
    if (registrar_path_read(q->m, q->r->config.path_lenient, q->arena, &q->path, &fault)) {
        q->origin.routes = q->path.routes;
        q->form.path = q->path.answer;
        return true;
    }
    if (fault.status == 420) {
        q->answer->lines = STR("Unsupported: path\r\n");
    }
    return refuse(q, fault.status, str_c(fault.reason));
}

static bool read_request(struct request *q)
{
    struct sip_cseq cseq;
    q->origin.call_id = sip_msg_value(q->m, SIP_HDR_CALL_ID);
    q->origin.user_agent = sip_msg_value(q->m, SIP_HDR_USER_AGENT);
    if (q->origin.call_id.n == 0 || sip_msg_cseq(q->m, &cseq) < 0) {
        return refuse(q, 400, STR_NONE);
    }
    q->cseq = cseq.number;
    if (support_tags_of(q->m, q->arena, &q->origin.supported) != 0) {
        return no_memory(q);
    }
    if (q->origin.supported.n > REGISTRAR_SUPPORTED_MAX) {
        q->origin.supported = STR_NONE;
    }
    if (!read_star(q)) {
        return false;
    }
    return q->star || read_contacts(q);
}

/* ---- matching ---- */

static bool is_claimed(const struct request *q, const struct binding *b)
{
    for (size_t i = 0; i < q->count; i++) {
        if (q->contact[i].match == b) {
            return true;
        }
    }
    return false;
}

/* Two new contacts that are one. Bindings of the record cannot be claimed twice either. */
static bool is_twice(const struct request *q, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (sip_uri_eq(&q->contact[i].addr.uri, &q->contact[at].addr.uri) &&
            q->contact[i].reg_id == q->contact[at].reg_id) {
            return true;
        }
    }
    return false;
}

static bool match_by_identity(struct request *q)
{
    for (size_t i = 0; i < q->count; i++) {
        struct contact *c = &q->contact[i];
        if (is_twice(q, i)) {
            return refuse(q, 400, STR("Same Contact Twice"));
        }
        if (q->rec == NULL) {
            continue;
        }
        list_each(it, &q->rec->bindings)
        {
            struct binding *b = list_entry(it, struct binding, link);
            if (c->match == NULL && registrar_contact_is(c, b) && !is_claimed(q, b)) {
                c->match = b;
            }
        }
    }
    return true;
}

static bool match_by_phone(struct request *q)
{
    if (q->rec == NULL) {
        return true;
    }
    q->ghost = arena_alloc(q->arena, (q->rec->count + 1) * sizeof(*q->ghost));
    if (q->ghost == NULL) {
        return no_memory(q);
    }
    list_each(it, &q->rec->bindings)
    {
        struct binding *b = list_entry(it, struct binding, link);
        for (size_t i = 0; i < q->count && !is_claimed(q, b); i++) {
            struct contact *c = &q->contact[i];
            if (!registrar_contact_same_phone(c, b)) {
                continue;
            }
            if (c->match == NULL) {
                c->match = b;
            } else if (c->expires_s > 0) {
                q->ghost[q->ghosts++] = b;
                break;
            }
        }
    }
    return true;
}

/* Steps 6 and 7: within one Call-ID only a higher CSeq may change a binding. */
static bool is_older(const struct request *q, const struct binding *b)
{
    return str_eq(b->call_id, q->origin.call_id) && q->cseq <= b->cseq;
}

static bool check_order(struct request *q)
{
    bool older = false;
    for (size_t i = 0; i < q->count; i++) {
        older = older || (q->contact[i].match != NULL && is_older(q, q->contact[i].match));
    }
    for (size_t i = 0; i < q->ghosts; i++) {
        older = older || is_older(q, q->ghost[i]);
    }
    if (q->star && q->rec != NULL) {
        list_each(it, &q->rec->bindings)
        {
            older = older || is_older(q, list_entry(it, struct binding, link));
        }
    }
    return older ? refuse(q, 500, STR("CSeq Is Not Higher")) : true;
}

static bool check_limits(struct request *q)
{
    size_t added = 0;
    size_t gone = q->ghosts;
    for (size_t i = 0; i < q->count; i++) {
        const struct contact *c = &q->contact[i];
        added += c->expires_s > 0 && c->match == NULL;
        gone += c->expires_s == 0 && c->match != NULL;
    }
    size_t had = q->rec != NULL ? q->rec->count : 0;
    if (had + added - gone > q->r->config.max_contacts) {
        return refuse_limit(q, 403, " Contacts Of An Address", q->r->config.max_contacts);
    }
    if (q->rec == NULL && added > 0 && q->r->record_pool.in_use >= q->r->config.max_records) {
        return refuse_limit(q, 503, " Addresses Can Be Registered", q->r->config.max_records);
    }
    return true;
}

/* ---- preparing ---- */

static bool prepare_contact(struct request *q, struct contact *c)
{
    if (c->expires_s == 0) {
        return true;
    }
    int err = registrar_contact_prepare(c, &q->r->env->mem, &q->origin);
    if (err == E_TOOBIG) {
        return refuse_limit(q, 403, " Octets Of Text In A Binding", REGISTRAR_TEXT_MAX);
    }
    if (err < 0) {
        return no_memory(q);
    }
    if (c->match == NULL) {
        c->fresh = pool_get(&q->r->binding_pool);
        return c->fresh != NULL ? true : no_memory(q);
    }
    return true;
}

static bool prepare(struct request *q)
{
    bool added = false;
    for (size_t i = 0; i < q->count; i++) {
        if (!prepare_contact(q, &q->contact[i])) {
            return false;
        }
        added = added || q->contact[i].fresh != NULL;
    }
    size_t size = registrar_answer_size(q->r, q->rec, q->key, q->contact, q->count, &q->form);
    char *room = arena_alloc(q->arena, size);
    if (room == NULL) {
        return no_memory(q);
    }
    out_init(&q->lines, room, size);
    if (q->rec == NULL && added) {
        q->rec = registrar_add_record(q->r, q->key);
        return q->rec != NULL ? true : no_memory(q);
    }
    return true;
}

static void unprepare(struct request *q)
{
    for (size_t i = 0; i < q->count; i++) {
        mem_free(&q->r->env->mem, q->contact[i].block);
        pool_put(&q->r->binding_pool, q->contact[i].fresh);
    }
}

/* ---- committing ---- */

static void fill(const struct request *q, const struct contact *c, struct binding *b)
{
    b->block = c->block;
    b->contact = c->uri;
    b->params = c->params;
    b->instance = registrar_contact_instance(str_from(c->params, 1));
    b->reg_id = c->reg_id;
    b->call_id = c->call_id;
    b->cseq = q->cseq;
    b->q_milli = c->q_milli;
    b->has_q = c->has_q;
    b->hop = *q->from;
    b->user_agent = c->user_agent;
    b->routes = c->routes;
    b->supported = c->supported;
    b->methods = registrar_contact_methods(c, q->m);
    b->event_talk = sip_msg_has_token(q->m, SIP_HDR_ALLOW_EVENTS, STR("talk"));
    b->expires_ms = q->now_ms + (uint64_t)c->expires_s * 1000;
    b->serial = ++q->r->last_serial;
    b->failed = false;
}

/* Is it the same phone as before, and the same start of it? *ends: no, it came anew. */
static void keep_life(const struct request *q, const struct contact *c, struct binding *b,
                      bool *ends)
{
    bool same = str_is_set(b->instance) && str_ieq(b->instance, c->instance);
    *ends = same && !str_eq(b->call_id, q->origin.call_id);
    if (!same) {
        b->gruu_life = 0;
        b->gruu_count = 0;
    }
}

static void commit_contact(struct request *q, struct contact *c)
{
    if (c->expires_s == 0) {
        if (c->match != NULL) {
            registrar_drop(c->match, BINDING_UNREGISTERED, q->now_ms);
            q->r->removed++;
        }
        return;
    }
    struct binding *b = c->fresh;
    bool ends = false;
    if (c->match != NULL) {
        b = c->match;
        registrar_unlink(b);
        keep_life(q, c, b, &ends);
        mem_free(&q->r->env->mem, b->block);
        q->r->refreshed++;
    } else {
        q->r->registered++;
        b->id = ++q->r->last_id;
        b->created_ms = q->now_ms;
    }
    fill(q, c, b);
    registrar_gruu_renew(q->rec, b, ends);
    registrar_link(q->rec, b);
    registrar_tell(b, c->match != NULL ? BINDING_REFRESHED : BINDING_CREATED, q->now_ms);
}

static void commit(struct request *q)
{
    for (size_t i = q->count; i > 0; i--) {
        commit_contact(q, &q->contact[i - 1]);
    }
    for (size_t i = 0; i < q->ghosts; i++) {
        registrar_drop(q->ghost[i], BINDING_UNREGISTERED, q->now_ms);
        q->r->removed++;
    }
    while (q->star && q->rec != NULL && !list_empty(&q->rec->bindings)) {
        registrar_drop(list_entry(q->rec->bindings.next, struct binding, link),
                       BINDING_UNREGISTERED, q->now_ms);
        q->r->removed++;
    }
}

static void tell(struct request *q, bool was, bool is)
{
    struct registrar *r = q->r;
    if (was && !is) {
        registrar_hide_record(q->rec);
    }
    if (was != is && r->on_change != NULL) {
        r->on_change(r->ctx, q->rec, is, q->now_ms);
    }
    if (was && !is) {
        registrar_free_record(q->rec);
    }
}

static bool process(struct request *q)
{
    bool changes = sip_msg_has(q->m, SIP_HDR_CONTACT);
    q->form.gruu = says(q, STR("gruu"));
    if (!read_path(q)) {
        return false;
    }
    if (changes && !(read_request(q) && match_by_identity(q) && match_by_phone(q) &&
                     check_order(q) && check_limits(q))) {
        return false;
    }
    bool was = q->rec != NULL;
    if (!prepare(q)) {
        unprepare(q);
        return false;
    }
    commit(q);
    bool is = q->rec != NULL && q->rec->count > 0;
    registrar_answer_write(q->r, q->rec, &q->form, q->now_ms, &q->lines);
    q->answer->status = 200;
    q->answer->lines = out_str_of(&q->lines);
    tell(q, was, is);
    return true;
}

void registrar_register(struct registrar *r, const struct sip_msg *m, struct str key,
                        const struct hop *from, uint64_t now_ms, struct arena *arena,
                        struct registrar_answer *out)
{
    *out = (struct registrar_answer){0};
    struct request q = {
        .r = r,
        .m = m,
        .key = key,
        .from = from,
        .now_ms = now_ms,
        .arena = arena,
        .answer = out,
        .rec = registrar_find(r, key),
    };
    if (q.rec != NULL) {
        registrar_expire_due(q.rec, now_ms);
        q.rec = registrar_find(r, key);
    }
    if (!process(&q)) {
        r->refused++;
    }
}
