/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions of rules, one after another; see policy.h. */
#include "border/policy.h"

static const char *const place_names[] = {
#define PLACE_NAME(name, word, text) word,
    BORDER_PLACES(PLACE_NAME)
#undef PLACE_NAME
};

static const char *const action_names[] = {
#define ACTION_NAME(name, word, text) word,
    BORDER_ACTIONS(ACTION_NAME)
#undef ACTION_NAME
};

const char *border_place_name(enum border_place place)
{
    return place < BORDER_PLACE_COUNT ? place_names[place] : "?";
}

const char *border_action_name(enum border_action action)
{
    return (size_t)action < sizeof(action_names) / sizeof(*action_names) ? action_names[action]
                                                                         : "?";
}

static int word_named(const char *const *names, int n, struct str word)
{
    for (int i = 0; i < n; i++) {
        if (str_eq(word, str_c(names[i]))) {
            return i;
        }
    }
    return -1;
}

int border_place_named(struct str word)
{
    return word_named(place_names, BORDER_PLACE_COUNT, word);
}

int border_action_named(struct str word)
{
    return word_named(action_names, BORDER_REFUSE + 1, word);
}

struct str border_party_name(const struct border_party *p)
{
    return p->peer != NULL ? p->peer->name : p->device ? STR("device") : STR("baton");
}

/* ---- conditions ---- */

static bool is_party(const struct str *list, size_t n, const struct border_party *p)
{
    struct str name = border_party_name(p);
    for (size_t i = 0; i < n; i++) {
        bool any = p->peer != NULL && str_eq(list[i], STR("*"));
        if (any || str_eq(list[i], name)) {
            return true;
        }
    }
    return false;
}

/** One of these names, in any case, or the beginning of one. */
static bool is_named(const struct str *list, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++) {
        struct str p = list[i];
        bool open = p.n > 0 && p.p[p.n - 1] == '*';
        if (open ? str_istarts(name, str_upto(p, p.n - 1)) : str_ieq(p, name)) {
            return true;
        }
    }
    return false;
}

static bool is_flag(uint8_t flag, bool is)
{
    return flag == BORDER_EITHER || (flag == BORDER_YES) == is;
}

static struct str package_of(const struct uui_value *v)
{
    return v->package.n > 0 ? v->package : STR("?");
}

static struct str encoding_of(const struct uui_value *v)
{
    return v->encoding.n > 0 ? v->encoding : STR("hex");
}

static bool in_bits(unsigned bits, unsigned (*ask)(void *ctx), void *ctx)
{
    return bits == 0 || (ask != NULL && (bits >> ask(ctx) & 1u) != 0);
}

/** Of those that border_rule_ready makes bits of. */
static const char *failing_fact(const struct border_rule *r, const struct border_question *q)
{
    if (r->direction != BORDER_BOTH && r->direction != q->direction) {
        return "direction";
    }
    if (q->direction == BORDER_IN && r->to_count > 0) {
        return "to: it is for values that leave";
    }
    if (q->direction == BORDER_IN && r->understood != 0) {
        return "understood";
    }
    if (r->kind != BORDER_ANY_KIND && (r->kind == BORDER_RESPONSE) != q->response) {
        return "message";
    }
    if (!is_flag(r->secure, q->secure)) {
        return "tls";
    }
    if (r->places != 0 && (r->places >> q->place & 1u) == 0) {
        return "place";
    }
    return r->verdicts != 0 && (r->verdicts >> q->value->verdict & 1u) == 0 ? "verdict" : NULL;
}

/** Of the others. The costly ones come last. */
static const char *failing_other(const struct border_rule *r, const struct border_question *q)
{
    const struct uui_value *v = q->value;
    if (r->longer_than != 0 && v->octets.n <= r->longer_than) {
        return "longer_than";
    }
    if (r->methods != 0 && (r->methods >> q->method & 1u) == 0) {
        return "method";
    }
    if (r->from_count > 0 && !is_party(r->from, r->from_count, &q->from)) {
        return "from";
    }
    if (r->to_count > 0 && !is_party(r->to, r->to_count, &q->to)) {
        return "to";
    }
    if (r->package_count > 0 && !is_named(r->package, r->package_count, package_of(v))) {
        return "package";
    }
    if (r->encoding_count > 0 && !is_named(r->encoding, r->encoding_count, encoding_of(v))) {
        return "encoding";
    }
    if (!in_bits(r->understood, q->understood, q->ctx)) {
        return "understood";
    }
    if (!in_bits(r->seals, q->seal, q->ctx)) {
        return "seal";
    }
    return in_bits(r->origins, q->origin, q->ctx) ? NULL : "origin";
}

/** The condition that does not hold; NULL: all do. */
static const char *failing(const struct border_rule *r, const struct border_question *q)
{
    const char *no = failing_fact(r, q);
    return no != NULL ? no : failing_other(r, q);
}

bool border_rule_holds(const struct border_rule *r, const struct border_question *q,
                       struct out *why)
{
    const char *no = failing(r, q);
    if (no != NULL && why != NULL) {
        out_c(why, no);
    }
    return no == NULL;
}

/*
 * What is simple about a value and its message, one bit each; `allows` of a rule has the bits
 * with which it can hold. Most rules are done with by that.
 */
enum fact {
    FACT_IN = 0,
    FACT_OUT,
    FACT_REQUEST,
    FACT_RESPONSE,
    FACT_SECURE,
    FACT_PLAIN,
    FACT_VERDICT,                  /**< and two more */
    FACT_PLACE = FACT_VERDICT + 3, /**< and the others */
    FACT_COUNT = FACT_PLACE + BORDER_PLACE_COUNT
};

_Static_assert(FACT_COUNT <= 32, "facts are bits of one word");

static uint32_t either(enum fact first, bool no_first, bool no_second)
{
    return (no_first ? 0 : 1u << first) | (no_second ? 0 : 2u << first);
}

void border_rule_ready(struct border_rule *r)
{
    bool of_out = r->to_count > 0 || r->understood != 0;
    r->allows =
        either(FACT_IN, r->direction == BORDER_OUT || of_out, r->direction == BORDER_IN) |
        either(FACT_REQUEST, r->kind == BORDER_RESPONSE, r->kind == BORDER_REQUEST) |
        either(FACT_SECURE, r->secure == BORDER_NO, r->secure == BORDER_YES) |
        (uint32_t)(r->verdicts != 0 ? r->verdicts : 7u) << FACT_VERDICT |
        (uint32_t)(r->places != 0 ? r->places : 0xffu) << FACT_PLACE;
}

static uint32_t facts_of(const struct border_question *q)
{
    return 1u << (q->direction == BORDER_IN ? FACT_IN : FACT_OUT) |
           1u << (q->response ? FACT_RESPONSE : FACT_REQUEST) |
           1u << (q->secure ? FACT_SECURE : FACT_PLAIN) |
           1u << (FACT_VERDICT + q->value->verdict) | 1u << (FACT_PLACE + q->place);
}

const struct border_rule *border_rule_find(const struct border_policy *p,
                                           const struct border_question *q)
{
    uint32_t facts = facts_of(q);
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        const struct border_rule *r = &p->rule[i];
        bool can = r->allows != 0 ? (facts & ~r->allows) == 0 : failing_fact(r, q) == NULL;
        if (can && failing_other(r, q) == NULL) {
            return r;
        }
    }
    return NULL;
}

bool border_policy_asks_source_of(const struct border_policy *p, const struct uui_value *v)
{
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        const struct border_rule *r = &p->rule[i];
        if (r->from_count > 0 && r->direction != BORDER_IN &&
            (r->longer_than == 0 || v->octets.n > r->longer_than) &&
            (r->package_count == 0 || is_named(r->package, r->package_count, package_of(v)))) {
            return true;
        }
    }
    return false;
}

bool border_policy_asks_source(const struct border_policy *p)
{
    for (size_t i = 0; p != NULL && i < p->count; i++) {
        if (p->rule[i].from_count > 0 && p->rule[i].direction != BORDER_IN) {
            return true;
        }
    }
    return false;
}
