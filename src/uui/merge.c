/* SPDX-License-Identifier: Apache-2.0 */
/* User-to-User from two sources: the table of merge.h. */
#include "uui/merge.h"

#include "base/err.h"

const struct uui_carriage uui_carriage_default = {
    .replacing = {[UUI_MOVE_REDIRECT] = UUI_REPLACE_IN_DOMAIN,
                  [UUI_MOVE_BLIND] = UUI_REPLACE,
                  [UUI_MOVE_ATTENDED] = UUI_REPLACE,
                  [UUI_MOVE_SERVICE] = UUI_REPLACE},
};

static bool is_in(const struct uui_domain_group *g, struct str host)
{
    for (size_t i = 0; i < g->n; i++) {
        if (str_ieq(g->domains[i], host)) {
            return true;
        }
    }
    return false;
}

bool uui_same_domain(const struct uui_carriage *c, struct str a, struct str b)
{
    if (a.n == 0 || b.n == 0) {
        return false;
    }
    bool same = str_ieq(a, b);
    for (size_t i = 0; i < c->group_count && !same; i++) {
        same = is_in(&c->groups[i], a) && is_in(&c->groups[i], b);
    }
    return same;
}

static bool is_proven(const struct env *env, const struct hop *hop, struct str name)
{
    return name.n > 0 && env->proves != NULL && env->proves(env->ctx, hop, name);
}

struct str uui_proven_domain(const struct uui_carriage *c, const struct env *env,
                             const struct hop *hop, struct str claimed, struct str to)
{
    if (hop == NULL || !transport_is_secure((enum transport)hop->transport) ||
        is_proven(env, hop, claimed)) {
        return claimed;
    }
    if (is_proven(env, hop, to)) {
        return to;
    }
    for (size_t i = 0; i < c->group_count; i++) {
        const struct uui_domain_group *g = &c->groups[i];
        for (size_t k = 0; is_in(g, to) && k < g->n; k++) {
            if (is_proven(env, hop, g->domains[k])) {
                return g->domains[k];
            }
        }
    }
    return STR_NONE;
}

bool uui_may_replace(const struct uui_carriage *c, enum uui_move move, struct str by,
                     struct str to)
{
    c = c != NULL ? c : &uui_carriage_default;
    switch ((enum uui_replacing)c->replacing[move]) {
    case UUI_REPLACE:
        return true;
    case UUI_REPLACE_IN_DOMAIN:
        return uui_same_domain(c, by, to);
    case UUI_KEEP:
        break;
    }
    return false;
}

/* ---- values ---- */

const char *uui_fate_text(enum uui_fate f)
{
    switch (f) {
    case UUI_FATE_REPLACED:
        return "replaced";
    case UUI_FATE_REFUSED:
        return "foreign replacement refused";
    case UUI_FATE_FORBIDDEN:
        break;
    }
    return "isdn-uui is not taken from others than the caller (RFC 7434 §8)";
}

static void lose(const struct uui_merge_args *q, const struct uui_value *v, enum uui_fate fate)
{
    if (q->lost != NULL) {
        q->lost(q->ctx, v, fate);
    }
}

/** One element, and what is decided about it. */
struct side {
    struct uui_list list;
    bool *out; /* of each element: it does not go on */
};

static int read_side(struct arena *a, struct str values, const struct uui_packages *known,
                     struct side *s)
{
    int err = 0;
    *s = (struct side){0};
    if (values.n > 0) {
        err = uui_list_parse(&values, 1, known, a, &s->list);
    }
    if (err == 0 && s->list.n > 0) {
        s->out = arena_zalloc(a, s->list.n * sizeof(*s->out));
        err = s->out == NULL ? E_NOMEM : 0;
    }
    return err;
}

/** The same octets of the same package, or the same text of whatever it is. */
static bool is_same(const struct uui_value *a, const struct uui_value *b)
{
    if (str_eq(a->text, b->text)) {
        return true;
    }
    return str_is_set(a->package) && str_ieq(a->package, b->package) && str_is_set(a->octets) &&
           str_is_set(b->octets) && str_eq(a->octets, b->octets);
}

static bool is_among(const struct uui_list *l, const struct uui_value *v)
{
    for (size_t i = 0; i < l->n; i++) {
        if (is_same(&l->v[i], v)) {
            return true;
        }
    }
    return false;
}

/** Does the side have anything of that package that still goes on? */
static bool has_package(const struct side *s, struct str package)
{
    for (size_t i = 0; str_is_set(package) && i < s->list.n; i++) {
        if (!s->out[i] && str_ieq(s->list.v[i].package, package)) {
            return true;
        }
    }
    return false;
}

static void drop_forbidden(const struct uui_merge_args *q, struct side *given,
                           struct uui_merged *out)
{
    for (size_t i = 0; i < given->list.n; i++) {
        if (given->list.v[i].isdn) {
            given->out[i] = true;
            out->forbidden++;
            lose(q, &given->list.v[i], UUI_FATE_FORBIDDEN);
        }
    }
}

/** What the call has already is not given anew. */
static void drop_known(struct side *given, const struct side *had)
{
    for (size_t i = 0; i < given->list.n; i++) {
        given->out[i] = given->out[i] || is_among(&had->list, &given->list.v[i]);
    }
}

/** Of a package that both have, one side's go. @return how many */
static uint32_t drop_shared(const struct uui_merge_args *q, struct side *loser,
                            const struct side *winner, const struct uui_list *repeated)
{
    enum uui_fate fate = q->may_replace ? UUI_FATE_REPLACED : UUI_FATE_REFUSED;
    uint32_t n = 0;
    for (size_t i = 0; i < loser->list.n; i++) {
        const struct uui_value *v = &loser->list.v[i];
        if (!loser->out[i] && has_package(winner, v->package) &&
            (repeated == NULL || !is_among(repeated, v))) {
            loser->out[i] = true;
            lose(q, v, fate);
            n++;
        }
    }
    return n;
}

static int append(struct arena *a, const struct side *s, struct str *all)
{
    for (size_t i = 0; i < s->list.n; i++) {
        if (s->out[i]) {
            continue;
        }
        struct str part[] = {*all, all->n > 0 ? STR(", ") : STR(""), s->list.v[i].text};
        *all = arena_join(a, part, ARRAY_LEN(part));
        if (!str_is_set(*all)) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int write(struct arena *a, const struct uui_merge_args *q, const struct side *given,
                 const struct side *had, struct uui_merged *out)
{
    int err = append(a, given, &out->fresh);
    if (err == 0 && out->fresh.n == 0) {
        out->values = q->had.n > 0 ? q->had : STR(""); /* as it stands */
        return 0;
    }
    out->values = out->fresh;
    return err != 0 ? err : append(a, had, &out->values);
}

int uui_merge(struct arena *a, const struct uui_merge_args *q, struct uui_merged *out)
{
    struct side given, had;
    *out = (struct uui_merged){.values = STR(""), .fresh = STR("")};
    int err = read_side(a, q->given, q->known, &given);
    if (err == 0) {
        err = read_side(a, q->had, q->known, &had);
    }
    if (err == E_TOOMANY) { /* more than anybody looks at: what the call has goes on */
        out->values = q->had.n > 0 ? q->had : STR("");
        return 0;
    }
    if (err != 0) {
        return err;
    }
    if (q->isdn_strict) {
        drop_forbidden(q, &given, out);
    }
    drop_known(&given, &had);
    if (q->may_replace) {
        out->replaced = drop_shared(q, &had, &given, &given.list);
    } else {
        out->refused = drop_shared(q, &given, &had, NULL);
    }
    return write(a, q, &given, &had, out);
}
