/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of each value of a message: the rules' word, then what the package and the hop
 * allow, then what the neighbour can take.
 *
 * A request is refused as a whole by the first value that is to be refused; then nothing else
 * of the decisions matters. What may not be refused (responses; ACK, CANCEL, BYE and PRACK,
 * without which a call does not work) goes on without the value instead.
 */
#include "base/err.h"
#include "border/origin.h"
#include "border/parts.h"
#include "border/source.h"
#include "seal/value.h"

/** What rules ask about one value. */
struct asking {
    struct crossing *x;
    const struct border_value *value;
    struct border_party from;
};

static bool is_refusable(const struct sip_msg *m)
{
    return sip_is_request(m) && m->method != SIP_METHOD_ACK && m->method != SIP_METHOD_CANCEL &&
           m->method != SIP_METHOD_BYE && m->method != SIP_METHOD_PRACK;
}

/** What the seal of a value says, when it has one. */
static enum seal_result open_seal(const struct asking *a, struct seal_opened *opened)
{
    const struct crossing *x = a->x;
    struct border *b = x->b;
    const struct uui_value *v = &a->value->v;
    bool uri = a->value->place == BORDER_URI_HEADER || a->value->place == BORDER_URI_PARAM;
    struct str frame = seal_frame_in(b->arena, v->octets);
    *opened = (struct seal_opened){0};
    if (v->octets.n > 0 && frame.n == 0) {
        return SEAL_FAILED;
    }
    if (!seal_is_sealed(frame)) {
        return SEAL_NOT_SEALED;
    }
    if (b->seal == NULL) {
        return SEAL_UNKNOWN_KEY;
    }
    struct seal_about about = seal_about_of(uui_package_of(b->packages, v->package), v->package,
                                            v->content, uri ? SEAL_FORWARD : seal_way_of(x->m));
    /* what leaves is in another call than what came in: there it is no replay */
    uint64_t message = x->direction == BORDER_IN ? seal_message_of(b->seal, x->m) : 0;
    return seal_open(b->seal, &about, frame, message, b->env->wall_s(b->env->ctx), b->arena,
                     opened);
}

static unsigned ask_seal(void *ctx)
{
    struct seal_opened opened;
    return (unsigned)open_seal(ctx, &opened);
}

static unsigned ask_origin(void *ctx)
{
    const struct asking *a = ctx;
    struct uui_origin origin;
    struct seal_opened opened;
    if (a->from.peer == NULL && !a->from.device) {
        return UUI_ROLE_BATON;
    }
    struct origin_args args = {.m = a->x->m,
                               .value = &a->value->v,
                               .known = a->x->b->packages,
                               .trusted = a->from.peer != NULL && peer_is_inside(a->from.peer)};
    if (open_seal(a, &opened) == SEAL_OK) {
        args.sealed = opened.identity;
    }
    return origin_of(a->x->b->arena, &args, &origin) == 0 ? origin.role : UUI_ROLE_UNKNOWN;
}

static unsigned ask_understood(void *ctx)
{
    const struct asking *a = ctx;
    const struct crossing *x = a->x;
    const struct uui_value *v = &a->value->v;
    const struct uui_package *p = uui_package_of(x->b->packages, v->package);
    if (x->b->understands == NULL || v->package.n == 0 ||
        (x->neighbour.peer == NULL && !sip_is_request(x->m))) {
        return BORDER_UNKNOWN; /* where a response goes its message does not say */
    }
    return x->b->understands(x->b->understands_ctx, x->neighbour.peer, x->m, v->package,
                             p != NULL ? p->feature_tag : STR_NONE);
}

/* ---- what is done ---- */

void border__name_group(struct crossing *x, const struct border_value *b, struct str name)
{
    if (b->place == BORDER_X_HEADER || b->place == BORDER_HEADER ||
        b->place == BORDER_URI_HEADER) {
        border_group_at(&x->found, b->group)->name = name;
    }
}

static void refuse(struct crossing *x, const struct border_event *e)
{
    const struct border_rule *r = e->rule;
    struct txn_reply *reply = &x->out->refusal;
    struct str package = e->value->v.package;
    unsigned status = r != NULL && r->status != 0 ? r->status : 403;
    reply->status = status;
    reply->reason = r != NULL && str_is_set(r->reason) ? r->reason
                    : status == 403                    ? STR("User-to-User Not Allowed")
                                                       : STR_NONE;
    reply->lines = arena_fmt(
        x->b->arena, "%sWarning: 399 baton \"User-to-User (%.*s): %s\"\r\n",
        status == 420 ? "Unsupported: uui\r\n" : "", (int)package.n,
        package.n > 0 ? package.p : "?", e->why != NULL ? e->why : "refused by policy");
    x->refused = true;
}

static void count(struct crossing *x, enum border_action action)
{
    struct border_stats *s = &x->b->stats;
    s->stripped += action == BORDER_STRIP ? 1 : 0;
    s->replaced += action == BORDER_REPLACE ? 1 : 0;
    s->refused += action == BORDER_REFUSE ? 1 : 0;
}

/** A body that is not to be changed, or cannot be. @return true: it stays as it is */
static bool is_left(struct crossing *x, struct border_value *b, struct border_event e)
{
    if (b->place != BORDER_BODY || !border_body_is_signed(x->m)) {
        return false;
    }
    e.value = b;
    e.action = BORDER_PASS;
    e.why = "left as it is: somebody has signed the body";
    x->b->stats.left += border__note(x, &e) ? 1 : 0;
    return true;
}

/** Carry out STRIP or REFUSE. */
void border__drop(struct crossing *x, struct border_value *b, struct border_event e)
{
    if (e.action == BORDER_REFUSE && !is_refusable(x->m)) {
        e.action = BORDER_STRIP;
    }
    if (e.action == BORDER_STRIP && is_left(x, b, e)) {
        return;
    }
    e.value = b;
    if (border__note(x, &e)) {
        count(x, e.action);
    }
    if (e.action == BORDER_REFUSE) {
        refuse(x, &e);
    } else {
        b->gone = true;
        x->changed = true;
    }
}

static void replace(struct crossing *x, struct border_value *b, const struct border_rule *r)
{
    struct border_event e = {.value = b, .action = BORDER_REPLACE, .rule = r};
    if (str_eq(b->text.s, r->value) || is_left(x, b, e)) {
        return;
    }
    if (border__note(x, &e)) {
        count(x, BORDER_REPLACE);
    }
    b->hash = 0;
    if (uui_parse(r->value, x->b->packages, x->b->arena, &b->v) != 0) {
        x->err = E_NOMEM;
        return;
    }
    b->put = r->value;
    border__name_group(x, b, STR("User-to-User"));
    x->changed = true;
}

/** @return false: there is nothing left to look at */
static bool obey(struct crossing *x, struct border_value *b, const struct border_rule *r)
{
    switch (r != NULL ? (enum border_action)r->action : BORDER_PASS) {
    case BORDER_PASS:
    case BORDER_DECODE: /* not of rules */
    case BORDER_ENCODE:
        return true;
    case BORDER_REPLACE:
        replace(x, b, r);
        return true;
    case BORDER_STRIP:
    case BORDER_REFUSE:
        break;
    }
    border__drop(x, b,
                 (struct border_event){.action = (enum border_action)r->action, .rule = r});
    return false;
}

/* ---- the two doors ---- */

static const struct border_rule *rule_for(struct crossing *x, struct border_value *b,
                                          struct border_party from)
{
    struct asking a = {.x = x, .value = b, .from = from};
    struct border_question q = {.direction = x->direction,
                                .from = from,
                                .to = x->neighbour,
                                .value = &b->v,
                                .place = (enum border_place)b->place,
                                .header = b->header,
                                .method = x->m->method,
                                .response = !sip_is_request(x->m),
                                .secure = x->secure,
                                .origin = ask_origin,
                                .seal = ask_seal,
                                .understood = ask_understood,
                                .ctx = &a};
    const struct border_rule *r = border_rule_find(x->b->policy, &q);
    if (x->b->asked != NULL) {
        x->b->asked(x->b->ctx, &q, r);
    }
    return r;
}

static uint64_t hash_of(const struct crossing *x, struct border_value *b)
{
    if (b->hash == 0) {
        b->hash = border_value_hash(&x->b->key, &b->v);
    }
    return b->hash;
}

static void comes_in(struct crossing *x, struct border_value *b)
{
    if (obey(x, b, rule_for(x, b, x->neighbour)) && border__decode(x, b) &&
        border_policy_asks_source_of(x->b->policy, &b->v)) {
        border_source_put(x->b, hash_of(x, b), &x->neighbour);
    }
}

/** What the package itself forbids. @return false: it stays here */
static bool package_allows(struct crossing *x, struct border_value *b)
{
    const struct uui_package *p =
        b->v.package.n > 0 ? uui_package_of(x->b->packages, b->v.package) : NULL;
    bool refuses = x->b->policy != NULL && x->b->policy->refuse_plain;
    if (p == NULL) {
        return true;
    }
    if (p->tls_only && !x->secure) {
        x->b->stats.withheld++;
        border__drop(x, b,
                     (struct border_event){.action = refuses ? BORDER_REFUSE : BORDER_STRIP,
                                           .why = "not over a hop without TLS"});
        return false;
    }
    if (p->direction == UUI_IN) {
        border__drop(
            x, b,
            (struct border_event){.action = BORDER_STRIP, .why = "the package is not sent"});
        return false;
    }
    return true;
}

static void goes_out(struct crossing *x, struct border_value *b)
{
    struct border_party from = border_source_get(x->b, hash_of(x, b));
    if (obey(x, b, rule_for(x, b, from)) && x->err == 0 && package_allows(x, b)) {
        border__encode(x, b);
    }
}

bool border__all_pass(struct crossing *x)
{
    for (uint32_t i = 0; i < x->found.values.n; i++) {
        struct border_value *b = border_value_at(&x->found, i);
        const struct uui_package *p =
            b->v.package.n > 0 ? uui_package_of(x->b->packages, b->v.package) : NULL;
        struct border_party from =
            x->from != NULL ? *x->from : border_source_get(x->b, hash_of(x, b));
        const struct border_rule *r = rule_for(x, b, from);
        if ((r != NULL && r->action != BORDER_PASS) ||
            (p != NULL && ((p->tls_only && !x->secure) || p->direction == UUI_IN))) {
            return false;
        }
    }
    return true;
}

void border__decide(struct crossing *x)
{
    x->b->stats.seen += x->found.values.n;
    for (uint32_t i = 0; i < x->found.values.n && !x->refused && x->err == 0; i++) {
        struct border_value *b = border_value_at(&x->found, i);
        if (x->direction == BORDER_IN) {
            comes_in(x, b);
        } else {
            goes_out(x, b);
        }
    }
}
