/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Seals of a call's User-to-User, where the call has more than one message.
 *
 * SEALED ANEW. What an application gave stays with its call for as long as it lasts, but a seal
 * is good for two minutes. So the call remembers the octets behind each value that was sealed
 * here, and when the call goes to somebody else later, the value that goes along is sealed
 * again. Only what was sealed here: a value that came sealed says who sealed it and when, and
 * nobody else can say that again in his name. It goes on as it came.
 *
 * NO REPLAY. A value goes on under the Call-ID of our other leg. Should it come back under
 * that, from a PBX that sends the call on to another of our devices, it is the same call.
 *
 * OWNERSHIP  The records lie in the call's arena, one for each service or rule that gave octets
 * and for each time that these went on.
 */
#include "call/parts.h"
#include "seal/value.h"

/** Younger than this it is good enough for whoever rings now. */
enum { FRESH_S = 10 };

struct own_seal {
    struct own_seal *next;
    struct str value;  /**< as it stands in the header */
    struct str octets; /**< in it */
    struct str package;
    uint64_t wall_s; /**< when it was sealed */
};

static uint64_t wall_s(const struct call *c)
{
    return c->layer->env->wall_s(c->layer->env->ctx);
}

static bool keep(struct call *c, struct str package, struct str value, struct str octets,
                 uint64_t at_s)
{
    struct own_seal *s = arena_zalloc(&c->arena, sizeof(*s));

    if (s == NULL) {
        return false;
    }
    s->value = arena_dup(&c->arena, value);
    s->octets = arena_dup(&c->arena, octets);
    s->package = arena_dup(&c->arena, package);
    s->wall_s = at_s;
    s->next = c->own_seals;
    c->own_seals = s;
    return s->value.p != NULL && s->octets.p != NULL && s->package.p != NULL;
}

bool context_sealed(struct call *c, struct str package, struct str value, struct str octets)
{
    const struct uui_package *p = uui_package_of(c->layer->packages, package);

    return value.n == 0 || p == NULL || p->seal_key == 0 ||
           keep(c, package, value, octets, wall_s(c));
}

bool context_seals_of(struct call *c, const struct call *other)
{
    for (const struct own_seal *s = other->own_seals; s != NULL; s = s->next) {
        if (!keep(c, s->package, s->value, s->octets, s->wall_s)) {
            return false;
        }
    }
    return true;
}

static struct own_seal *find(struct call *c, struct str value)
{
    for (struct own_seal *s = c->own_seals; s != NULL; s = s->next) {
        if (str_eq(s->value, value)) {
            return s;
        }
    }
    return NULL;
}

/** One value: sealed anew when it is ours and has aged. What cannot be done leaves it as it is.
    The old one is still known: a move that fails leaves it with the call. */
static struct str refresh(struct call *c, struct str value)
{
    struct own_seal *s = find(c, value);
    struct str fresh;

    if (s == NULL || wall_s(c) - s->wall_s < FRESH_S) {
        return value;
    }
    (void)!call_uui_value(c->layer, s->package, s->octets, SEAL_FORWARD, &fresh);
    fresh = arena_dup(&c->arena, fresh);
    if (fresh.n == 0 || !context_mark(c, NULL, fresh, UUI_ROLE_BATON, STR_NONE) ||
        !keep(c, s->package, fresh, s->octets, wall_s(c))) {
        return value;
    }
    return fresh;
}

struct str context_fresh(struct call *c, struct str values)
{
    struct str part[2 * UUI_VALUES_MAX], one, joined;
    struct uui_cut it;
    size_t n = 0;

    if (c->own_seals == NULL || values.n == 0) {
        return values;
    }
    uui_cut_begin(&it, values);
    while (uui_cut_next(&it, &one)) {
        if (n + 2 > ARRAY_LEN(part)) {
            return values;
        }
        part[n] = n > 0 ? STR(", ") : STR("");
        part[n + 1] = refresh(c, one);
        n += 2;
    }
    joined = arena_join(c->layer->scratch, part, n);
    return joined.n > 0 ? joined : values;
}

void context_passes_on(const struct call *c, const struct leg *leg)
{
    struct call_layer *l = c->layer;
    struct uui_list list;

    if (l->seal == NULL || l->seal->keys == NULL || c->uui.n == 0 || leg->seed == NULL ||
        uui_list_parse(&c->uui, 1, l->packages, l->scratch, &list) != 0) {
        return;
    }
    for (size_t i = 0; i < list.n; i++) {
        const struct uui_value *v = &list.v[i];
        struct seal_about about = seal_about_of(uui_package_of(l->packages, v->package),
                                                v->package, v->content, SEAL_FORWARD);
        seal_passes_on(l->seal, &about, seal_frame_in(l->scratch, v->octets),
                       seal_message(l->seal, leg->seed->call_id));
    }
}
