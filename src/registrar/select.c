/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which contacts of a record, in which order: see select.h.
 *
 *   gather    every binding that can be reached, of the instance that is wanted
 *   prefer    those that the caller refuses leave (RFC 3841 §7.2.4)
 *   require   those that lack what he requires leave, and who may lack it when others do not
 *   fold      of one instance the best stays in front, the others hang behind it (RFC 5626 §7)
 *   order     by q, by the caller's preference, by the time of the last REGISTER
 *   group     numbers
 *
 * A record has at most registrar.max_contacts bindings, so insertion sorts it.
 */
#include "registrar/select.h"

#include "base/err.h"

/** One run of the above. */
struct choice {
    const struct record *rec;
    const struct sip_msg *m; /* may be NULL */
    struct selected *at;
    size_t count;
    struct prefs prefs;
    struct disposition said;
};

/** Is `gr`, if it is given, the instance of this binding? A temporary GRUU is known by its
 * life. */
struct wanted {
    bool any;
    bool sips;
    struct str gr;
    uint64_t life; /* 0: by gr */
};

static bool is_wanted(const struct wanted *w, const struct binding *b)
{
    if (w->sips && !binding_is_sips(b)) {
        return false;
    }
    if (w->any) {
        return true;
    }
    return w->life != 0 ? b->gruu_life == w->life : gruu_is_instance(w->gr, b->instance);
}

static void gather(struct choice *c, const struct wanted *w)
{
    struct txn_target target;
    list_each(it, &c->rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        if (is_wanted(w, b) && binding_target(b, &target)) {
            c->at[c->count++] =
                (struct selected){.binding = b, .q_milli = b->q_milli, .qa_milli = 1000};
        }
    }
}

/** @return 0 or a status */
static unsigned prefer(struct choice *c, struct arena *arena)
{
    if (c->m == NULL) {
        return 0;
    }
    int err = prefs_read(c->m, arena, &c->prefs);
    if (err != 0) {
        return err == E_NOMEM ? 503 : 400;
    }
    struct selected *stay = arena_alloc(arena, (c->count + 1) * sizeof(*stay));
    size_t n = 0;
    if (stay == NULL) {
        return 503;
    }
    for (size_t i = 0; i < c->count; i++) {
        stay[n] = c->at[i];
        n += prefs_score(&c->prefs, stay[n].binding->params, &stay[n].qa_milli);
    }
    if (n == 0 && c->prefs.implicit) {
        return 0; /* as they were: they will say 405 or 489 themselves */
    }
    memcpy(c->at, stay, n * sizeof(*stay));
    c->count = n;
    return 0;
}

/** @return 0 or 420 */
static unsigned require(struct choice *c)
{
    struct demand w = {.uui = c->m != NULL &&
                              sip_msg_has_token(c->m, SIP_HDR_REQUIRE, STR("uui"))};
    enum fit best = FIT_NO_OPTION;
    size_t n = 0;
    if (!w.uui || c->count == 0) {
        return 0;
    }
    for (size_t i = 0; i < c->count; i++) {
        struct support s = binding_support(c->at[i].binding);
        enum fit f = demand_fit(&w, &s);
        n = f > best ? 0 : n;
        best = f > best ? f : best;
        if (f == best && fits(f)) {
            c->at[n++] = c->at[i];
        }
    }
    c->count = n;
    return n > 0 ? 0 : 420;
}

static bool is_weak(const struct binding *b)
{
    return b->failed || (b->hop.flow == 0 && b->routes.n == 0);
}

/** Of two flows of one phone: one that works, and the one that was heard of last. */
static bool flow_before(const struct selected *a, const struct selected *b)
{
    bool a_weak = is_weak(a->binding);
    bool b_weak = is_weak(b->binding);
    return a_weak != b_weak ? b_weak : a->binding->serial > b->binding->serial;
}

static bool phone_before(const struct selected *a, const struct selected *b)
{
    if (a->q_milli != b->q_milli) {
        return a->q_milli > b->q_milli;
    }
    if (a->qa_milli != b->qa_milli) {
        return a->qa_milli > b->qa_milli;
    }
    return a->binding->serial > b->binding->serial;
}

static void sort(struct selected *at, size_t n,
                 bool (*before)(const struct selected *, const struct selected *))
{
    for (size_t i = 1; i < n; i++) {
        struct selected it = at[i];
        size_t k = i;
        for (; k > 0 && before(&it, &at[k - 1]); k--) {
            at[k] = at[k - 1];
        }
        at[k] = it;
    }
}

static bool is_same_phone(const struct selected *a, const struct selected *b)
{
    return str_is_set(a->binding->instance) && str_is_set(b->binding->instance) &&
           str_ieq(a->binding->instance, b->binding->instance);
}

/**
 * Phones to the front, each the first of its flows; the flows behind it go to `rest`, linked.
 * What is first in `at` is the best flow of its phone, since it is sorted by flow_before.
 */
static void fold(struct choice *c, struct selected *rest)
{
    size_t phones = 0;
    size_t flows = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct selected *last = NULL;
        for (size_t k = 0; k < phones && last == NULL; k++) {
            last = is_same_phone(&c->at[k], &c->at[i]) ? &c->at[k] : NULL;
        }
        if (last == NULL) {
            c->at[phones++] = c->at[i];
            continue;
        }
        struct selected *flow = &rest[flows++];
        *flow = c->at[i];
        const struct selected **tail = &last->next_flow;
        while (*tail != NULL) {
            /* the chain's entries are ours, in `rest` */
            tail = &rest[*tail - rest].next_flow;
        }
        *tail = flow;
    }
    c->count = phones;
}

static bool starts_group(const struct choice *c, const struct selected *last,
                         const struct selected *next)
{
    bool picky = c->m != NULL && (!c->prefs.implicit || c->m->method != SIP_METHOD_INVITE);
    if (c->said.parallel != DIRECTIVE_NONE) {
        return c->said.parallel == DIRECTIVE_NO;
    }
    return last->q_milli != next->q_milli || (picky && last->qa_milli != next->qa_milli);
}

static void group(struct choice *c)
{
    for (size_t i = 1; i < c->count; i++) {
        c->at[i].group = c->at[i - 1].group + starts_group(c, &c->at[i - 1], &c->at[i]);
    }
    if (c->said.fork == DIRECTIVE_NO && c->count > 1) {
        c->count = 1;
    }
}

static size_t choose(const struct record *rec, const struct sip_msg *m, const struct wanted *w,
                     struct arena *arena, struct selected **out, unsigned *status)
{
    struct choice c = {.rec = rec, .m = m};
    /* as many places again for flows that hang behind others */
    c.at = arena_alloc(arena, (2 * (size_t)rec->count + 1) * sizeof(*c.at));
    if (c.at == NULL) {
        *status = 503;
        return 0;
    }
    gather(&c, w);
    *status = prefer(&c, arena);
    *status = *status != 0 ? *status : require(&c);
    if (*status != 0) {
        return 0;
    }
    if (m != NULL) {
        disposition_read(m, &c.said);
    }
    sort(c.at, c.count, flow_before);
    fold(&c, c.at + rec->count);
    sort(c.at, c.count, phone_before);
    group(&c);
    *out = c.at;
    *status = c.count > 0 ? 0 : 480;
    return c.count;
}

/** The user part alone: a domain may have several names. */
static bool is_user_of(const struct record *rec, struct str user)
{
    char text[256];
    struct out o;
    out_init(&o, text, sizeof(text));
    sip_unescape(&o, user);
    return !o.over && str_eq(out_str_of(&o), str_upto(rec->key, str_index(rec->key, '@')));
}

/** Whom the Request-URI means, when it is a GRUU. */
static void read_gruu(const struct record *rec, const struct sip_msg *m, struct wanted *w)
{
    struct binding *only;
    struct sip_uri u;
    uint32_t at;
    if (m == NULL || sip_uri_parse(sip_msg_ruri(m), 0, &u, &at) != 0 ||
        !gruu_in_uri(&u, &w->gr)) {
        return;
    }
    if (w->gr.n > 0) {
        w->any = !is_user_of(rec, u.user);
    } else if (registrar_find_gruu(rec->registrar, &u, &only) == rec) {
        w->any = false;
        w->life = only->gruu_life;
    }
}

size_t registrar_select_by(const struct record *rec, const struct select_query *q,
                           struct arena *arena, struct selected **out, unsigned *status)
{
    struct wanted w = {.gr = q->gr, .any = !str_is_set(q->gr)};
    if (w.any) {
        read_gruu(rec, q->m, &w);
    }
    w.sips = q->sips || (q->m != NULL && sip_msg_is_sips(q->m));
    return choose(rec, q->m, &w, arena, out, status);
}

size_t registrar_select(const struct record *rec, const struct sip_msg *m, struct arena *arena,
                        struct selected **out, unsigned *status)
{
    return registrar_select_by(rec, &(struct select_query){.m = m}, arena, out, status);
}

/* ---- what phones said of themselves ---- */

struct support binding_support(const struct binding *b)
{
    return (struct support){.supported = b->supported, .features = b->params};
}

enum fit record_fit(const struct record *rec, const struct demand *w)
{
    enum fit best = rec != NULL ? FIT_NO_OPTION : FIT_UNKNOWN;
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            struct support s = binding_support(list_entry(it, struct binding, link));
            enum fit f = demand_fit(w, &s);
            best = f > best ? f : best;
        }
    }
    return best;
}

static enum understands better(enum understands a, enum understands b)
{
    return a == UNDERSTANDS_YES || b == UNDERSTANDS_YES           ? UNDERSTANDS_YES
           : a == UNDERSTANDS_UNKNOWN || b == UNDERSTANDS_UNKNOWN ? UNDERSTANDS_UNKNOWN
                                                                  : UNDERSTANDS_NO;
}

enum understands record_option(const struct record *rec, struct str option_tag)
{
    enum understands best = rec != NULL ? UNDERSTANDS_NO : UNDERSTANDS_UNKNOWN;
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            struct support s = binding_support(list_entry(it, struct binding, link));
            best = better(best, support_option(&s, option_tag));
        }
    }
    return best;
}

enum understands record_understands(const struct record *rec, struct str package,
                                    struct str feature_tag)
{
    enum understands best = rec != NULL ? UNDERSTANDS_NO : UNDERSTANDS_UNKNOWN;
    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            struct support s = binding_support(list_entry(it, struct binding, link));
            best = better(best, support_package(&s, package, feature_tag));
        }
    }
    return best;
}
