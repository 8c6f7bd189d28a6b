/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: its index, the look-up, and what a matching rule makes of numbers and targets.
 *
 * INDEX. One row for each rule, side by side in memory: the methods, and the octets that all of
 * its called numbers begin with, up to eight, as a masked word. Most rules of a large table are
 * told apart by that alone.
 *
 * WEIGHTS are drawn as RFC 2782 draws SRV records: each target in turn by its share of what is
 * left, so that the order in which the others are tried is by weight as well.
 */
#include "rules/rules.h"
#include "base/err.h"
#include "base/hash.h"

const char *rule_action_name(enum rule_action a)
{
    static const char *const names[] = {"bridge", "proxy", "redirect", "refuse", "refer"};
    return names[a];
}

/** The first octets of a text as a word; what is missing is zero. */
static uint64_t first_octets(struct str s)
{
    uint64_t v = 0;
    if (s.n > 0) {
        memcpy(&v, s.p, s.n < 8 ? s.n : 8);
    }
    return v;
}

static uint64_t mask_of(size_t n)
{
    uint64_t v = 0;
    memset(&v, 0xff, n < 8 ? n : 8);
    return v;
}

/** Octets that all patterns' matches begin with; an address pattern begins with the number. */
static size_t common_beginning(const struct rule *r)
{
    size_t n = r->to_count == 0 ? 0 : 8;
    for (size_t i = 0; i < r->to_count; i++) {
        struct str lit = r->to[i].literal;
        size_t at = str_index(lit, '@'); /* the number ends there, and nothing follows it */
        size_t same = 0;
        while (same < at && same < r->to[0].literal.n && same < n &&
               lit.p[same] == r->to[0].literal.p[same]) {
            same++;
        }
        n = same;
    }
    return n;
}

int rule_table_init(struct rule_table *t, struct arena *a, const struct rule *rule,
                    size_t count, const struct zone *zone)
{
    *t = (struct rule_table){.rule = rule, .count = count, .zone = zone};
    t->quick = arena_alloc(a, (count + 1) * sizeof(*t->quick));
    if (t->quick == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        size_t n = common_beginning(&rule[i]);
        t->quick[i].mask = mask_of(n);
        t->quick[i].value = n == 0 ? 0 : first_octets(rule[i].to[0].literal) & mask_of(n);
        t->quick[i].methods = rule[i].methods;
        t->methods |= rule[i].methods;
    }
    return 0;
}

/* ---- numbers ---- */

/** The parts that the pattern which matched has kept; all absent when none was asked. */
static void parts_of(const struct pattern *p, size_t n, struct str number, struct str address,
                     struct pattern_match *m)
{
    for (size_t i = 0; i < n; i++) {
        bool whole = str_index(p[i].text, '@') < p[i].text.n;
        if (pattern_matches(&p[i], whole ? address : number, m)) {
            m->part[0] = number;
            return;
        }
    }
    *m = (struct pattern_match){{number}};
}

/** Into the arena. @return absent when memory is out */
static struct str changed(struct arena *a, const struct rule_number *c, struct str number,
                          const struct pattern_match *m)
{
    size_t cap =
        (number.n + 1) * (c->replace.n / 2 + 1) + c->replace.n + c->prepend.n + 2 * NUMBER_MAX;
    char *buf[2] = {arena_alloc(a, cap), arena_alloc(a, cap)};
    struct out o;
    if (buf[0] == NULL || buf[1] == NULL) {
        return STR_NONE;
    }
    if (str_is_set(c->replace)) {
        out_init(&o, buf[0], cap);
        pattern_replace(&o, c->replace, m);
        number = out_str_of(&o);
    }
    out_init(&o, buf[1], cap);
    out_str(&o, c->prepend);
    out_str(&o, str_from(number, c->strip));
    number = out_str_of(&o);
    if (c->to_e164 != NULL) {
        out_init(&o, buf[0], cap);
        number_to_e164(&o, c->to_e164, number);
        number = out_str_of(&o);
    }
    if (c->from_e164 != NULL) {
        out_init(&o, number.p == buf[0] ? buf[1] : buf[0], cap);
        number_from_e164(&o, c->from_e164, number);
        number = out_str_of(&o);
    }
    return number;
}

static bool changes(const struct rule_number *c)
{
    return str_is_set(c->replace) || c->strip > 0 || c->prepend.n > 0 || c->to_e164 != NULL ||
           c->from_e164 != NULL;
}

static int rewrite(const struct rule_query *q, struct rule_verdict *v)
{
    const struct rule *r = v->rule;
    struct pattern_match m;
    if (changes(&r->called_number)) {
        parts_of(r->to, r->to_count, q->called, q->called_address, &m);
        v->called = changed(q->scratch, &r->called_number, q->called, &m);
        v->called_changed = !str_eq(v->called, q->called);
    }
    if (changes(&r->calling_number)) {
        parts_of(r->from, r->from_count, q->calling, q->calling_address, &m);
        v->calling = changed(q->scratch, &r->calling_number, q->calling, &m);
        v->calling_changed = !str_eq(v->calling, q->calling);
    }
    return str_is_set(v->called) && str_is_set(v->calling) ? 0 : E_NOMEM;
}

/* ---- targets ---- */

static void draw_by_weight(const struct rule_query *q, struct rule_verdict *v)
{
    static const struct hash_key key = {0x77656967687473, 2};
    uint64_t dice = hash_mix(hash_mac(&key, sip_msg_value(q->m, SIP_HDR_CALL_ID)),
                             hash_mac(&key, v->rule->name));
    for (size_t i = 0; i + 1 < v->target_count; i++) {
        uint64_t total = 0;
        for (size_t k = i; k < v->target_count; k++) {
            total += v->target[k]->weight;
        }
        if (total == 0) {
            return; /* those without a share stay at the end, in their order */
        }
        dice = hash_mix(dice, i + 1);
        uint64_t at = (dice >> 16) % total;
        size_t chosen = i;
        while (at >= v->target[chosen]->weight) {
            at -= v->target[chosen++]->weight;
        }
        const struct rule_target *t = v->target[chosen];
        memmove(&v->target[i + 1], &v->target[i], (chosen - i) * sizeof(v->target[0]));
        v->target[i] = t;
    }
}

static int line_up(const struct rule_query *q, struct rule_verdict *v)
{
    static const struct rule_target location = {
        .kind = RULE_TO_LOCATION, .weight = 1, .q = RULE_NO_Q};
    const struct rule *r = v->rule;
    v->target_count = r->target_count > 0 ? r->target_count : 1;
    v->target = arena_alloc(q->scratch, v->target_count * sizeof(v->target[0]));
    if (v->target == NULL) {
        return E_NOMEM;
    }
    v->target[0] = &location;
    for (size_t i = 0; i < r->target_count; i++) {
        v->target[i] = &r->target[i];
    }
    if (r->by_weight) {
        draw_by_weight(q, v);
    }
    return 0;
}

int rule_find(const struct rule_table *t, const struct rule_query *q, struct rule_verdict *out)
{
    uint64_t begin = first_octets(q->called);
    uint32_t method = 1u << q->m->method;
    *out = (struct rule_verdict){.called = q->called, .calling = q->calling};
    for (size_t i = 0; i < t->count; i++) {
        const struct rule_quick *k = &t->quick[i];
        if (((begin ^ k->value) & k->mask) == 0 && (k->methods & method) != 0 &&
            rule_holds(&t->rule[i], t->zone, q, NULL)) {
            out->rule = &t->rule[i];
            int err = rewrite(q, out);
            return err != 0 ? err : line_up(q, out);
        }
    }
    return 0;
}
