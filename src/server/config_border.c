/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of the border: from libcyaml's structs to a table that cannot fail. Words, names of
 * peers, statuses and values are looked at here, and faults have line and column.
 */
#include "border/origin.h"
#include "registrar/support.h"
#include "seal/seal.h"
#include "server/config_map.h"
#include "sip/names.h"

/** One rule on its way. */
struct making {
    struct config_tree *t;
    struct config *c;
    yaml_node_t *at, *match;
    const struct raw_uui_rule *raw;
    struct border_rule *to;
};

static yaml_node_t *item(struct making *k, const char *key, size_t i)
{
    return tree_entry(k->t, tree_key(k->t, k->match, key), i);
}

static bool no_memory(struct config_tree *t)
{
    return tree_fault(t, NULL, "out of memory");
}

/* ---- words to bits ---- */

typedef const char *(*word_fn)(unsigned i);

static const char *place_word(unsigned i)
{
    return i < BORDER_PLACE_COUNT ? border_place_name((enum border_place)i) : NULL;
}

static const char *role_word(unsigned i)
{
    return i < UUI_ROLE_COUNT ? uui_role_text((enum uui_role)i) : NULL;
}

static const char *verdict_word(unsigned i)
{
    return i <= UUI_WRONG ? uui_verdict_text((enum uui_verdict)i) : NULL;
}

static const char *understood_word(unsigned i)
{
    return i <= UNDERSTANDS_YES ? understands_text((enum understands)i) : NULL;
}

static const char *seal_word(unsigned i)
{
    return i < SEAL_RESULT_COUNT ? seal_result_word((enum seal_result)i) : NULL;
}

/** Each word of the list sets its bit. */
static bool words(struct making *k, const char *key, char *const *list, size_t n, word_fn word,
                  unsigned *bits)
{
    char all[200];
    struct out o;
    out_init(&o, all, sizeof(all));
    *bits = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned at = 0;
        while (word(at) != NULL && strcmp(word(at), list[i]) != 0) {
            at++;
        }
        if (word(at) != NULL) {
            *bits |= 1u << at;
            continue;
        }
        for (at = 0; word(at) != NULL; at++) {
            out_c(&o, at > 0 ? " " : "");
            out_c(&o, word(at));
        }
        return tree_fault(k->t, item(k, key, i), "%s: one of %.*s is wanted", key, (int)o.n,
                          all);
    }
    return true;
}

static uint8_t flag(const char *word, const char *one, const char *two)
{
    return word == NULL ? 0 : strcmp(word, one) == 0 ? 1 : strcmp(word, two) == 0 ? 2 : 0;
}

/* ---- conditions ---- */

static bool peer_exists(const struct config *c, const char *name)
{
    for (size_t i = 0; i < c->peer_count; i++) {
        if (str_eq(c->peers[i].name, str_c(name))) {
            return true;
        }
    }
    return false;
}

static bool parties(struct making *k, const char *key, char *const *list, size_t n, bool baton,
                    const struct str **out, size_t *count)
{
    for (size_t i = 0; i < n; i++) {
        bool word = strcmp(list[i], "*") == 0 || strcmp(list[i], "device") == 0 ||
                    (baton && strcmp(list[i], "baton") == 0);
        if (!word && !peer_exists(k->c, list[i])) {
            return tree_fault(k->t, item(k, key, i),
                              "%s: there is no peer %s; its name, * or device%s is wanted", key,
                              list[i], baton ? " or baton" : "");
        }
    }
    *out = config_strings(k->c, list, n);
    *count = n;
    return *out != NULL || no_memory(k->t);
}

static bool methods(struct making *k)
{
    for (size_t i = 0; i < k->raw->match.method_count; i++) {
        enum sip_method m = sip_method_of(str_c(k->raw->match.method[i]));
        if (m == SIP_METHOD_OTHER) {
            return tree_fault(k->t, item(k, "method", i), "method: %s is not known",
                              k->raw->match.method[i]);
        }
        k->to->methods |= 1u << m;
    }
    return true;
}

static bool names(struct making *k, char *const *list, size_t n, const struct str **out,
                  size_t *count)
{
    *out = config_strings(k->c, list, n);
    *count = n;
    return *out != NULL || no_memory(k->t);
}

static bool conditions(struct making *k)
{
    const struct raw_uui_match *m = &k->raw->match;
    struct border_rule *r = k->to;
    unsigned places, roles, verdicts, seals, understood;
    if (!parties(k, "from", m->from, m->from_count, true, &r->from, &r->from_count) ||
        !parties(k, "to", m->to, m->to_count, false, &r->to, &r->to_count) || !methods(k) ||
        !names(k, m->package, m->package_count, &r->package, &r->package_count) ||
        !names(k, m->encoding, m->encoding_count, &r->encoding, &r->encoding_count) ||
        !words(k, "place", m->place, m->place_count, place_word, &places) ||
        !words(k, "origin", m->origin, m->origin_count, role_word, &roles) ||
        !words(k, "verdict", m->verdict, m->verdict_count, verdict_word, &verdicts) ||
        !words(k, "understood", m->understood, m->understood_count, understood_word,
               &understood) ||
        !words(k, "seal", m->seal, m->seal_count, seal_word, &seals)) {
        return false;
    }
    r->places = (uint8_t)places;
    r->origins = (uint16_t)roles;
    r->verdicts = (uint8_t)verdicts;
    r->understood = (uint8_t)understood;
    r->seals = (uint16_t)seals;
    r->longer_than = m->longer_than;
    r->direction = flag(m->direction, "in", "out");
    r->kind = flag(m->message, "request", "response");
    r->secure = flag(m->tls, "yes", "no");
    return (r->direction != BORDER_IN || r->to_count == 0) ||
           tree_fault(k->t, tree_key(k->t, k->match, "to"),
                      "to: a value that comes in goes to nobody yet");
}

/* ---- action ---- */

static bool replacement(struct making *k)
{
    struct uui_value v;
    struct border_rule *r = k->to;
    bool wants = r->action == BORDER_REPLACE;
    if (wants != (k->raw->value != NULL)) {
        return tree_fault(k->t, wants ? k->at : tree_key(k->t, k->at, "value"),
                          wants ? "value: a rule that replaces has one"
                                : "value: only a rule that replaces has one");
    }
    if (!wants) {
        return true;
    }
    r->value = str_trim(str_c(k->raw->value));
    uui_view(r->value, &v);
    uui_judge(&v, k->c->engine.packages);
    return v.verdict == UUI_VALID ||
           tree_fault(k->t, tree_key(k->t, k->at, "value"), "value: %s, at character %zu",
                      uui_rule_text((enum uui_rule)v.rule), v.at + 1);
}

static bool action(struct making *k)
{
    struct border_rule *r = k->to;
    int a = k->raw->action != NULL ? border_action_named(str_c(k->raw->action)) : BORDER_PASS;
    bool refuses = a == BORDER_REFUSE;
    r->action = (uint8_t)a;
    r->status = (uint16_t)(k->raw->status != 0 ? k->raw->status : 403);
    r->reason = str_c(k->raw->reason);
    if (!refuses && (k->raw->status != 0 || k->raw->reason != NULL)) {
        const char *key = k->raw->status != 0 ? "status" : "reason";
        return tree_fault(k->t, tree_key(k->t, k->at, key), "%s: only a refusal has one", key);
    }
    if (refuses && r->status < 400) {
        return tree_fault(k->t, tree_key(k->t, k->at, "status"),
                          "status: 400 to 699 is wanted");
    }
    return replacement(k);
}

static bool map_rule(struct making *k, size_t i)
{
    struct border_rule *r = k->to;
    r->line = (unsigned)k->at->start_mark.line + 1;
    r->name =
        k->raw->name != NULL ? str_c(k->raw->name) : arena_fmt(&k->c->arena, "rule %zu", i + 1);
    if (r->name.p == NULL) {
        return no_memory(k->t);
    }
    for (size_t j = 1; j <= i; j++) {
        if (str_eq(r[-(ptrdiff_t)j].name, r->name)) {
            return tree_fault(k->t, tree_key(k->t, k->at, "name"),
                              "name: there is a rule %.*s already", STR_ARG(r->name));
        }
    }
    if (!conditions(k) || !action(k)) {
        return false;
    }
    border_rule_ready(r);
    return true;
}

bool config_map_border(struct config_tree *t, struct config *c)
{
    const struct raw_uui *raw = &c->raw->uui;
    yaml_node_t *list = tree_key(t, tree_key(t, tree_root(t), "uui"), "rules");
    struct border_rule *rules =
        arena_zalloc(&c->arena, (raw->rules_count + 1u) * sizeof(*rules));
    if (rules == NULL) {
        return no_memory(t);
    }
    for (size_t i = 0; i < raw->rules_count; i++) {
        yaml_node_t *at = tree_entry(t, list, i);
        struct making k = {t, c, at, tree_key(t, at, "match"), &raw->rules[i], &rules[i]};
        if (!map_rule(&k, i)) {
            return false;
        }
    }
    c->policy = (struct border_policy){
        .rule = rules,
        .count = raw->rules_count,
        .refuse_plain = raw->tls_only != NULL && strcmp(raw->tls_only, "refuse") == 0,
        .strip_long = raw->too_long != NULL && strcmp(raw->too_long, "strip") == 0};
    c->engine.policy = &c->policy;
    return true;
}
