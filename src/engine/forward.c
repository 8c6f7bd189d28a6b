/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a rule's verdict to a plan of the proxy.
 *
 * Each target of the rule is one group or, for a device with phones of different q, several;
 * targets follow each other as they stand in the verdict. `fork: serial` makes every contact a
 * group of its own.
 */
#include "engine/steer.h"
#include "history/history.h"
#include "history/identity.h"
#include "registrar/select.h"

struct planning {
    const struct steering *s;
    struct proxy_target *target;
    size_t count, room;
    uint32_t group;      /**< of the next target */
    struct str lines;    /**< of the rule */
    struct str uui;      /**< all User-to-User of the request, when the rule adds some */
    unsigned status;     /**< why there is nobody … */
    const char *warning; /**< … and a line of the answer to that; NULL: none */
};

static struct proxy_target *next_target(struct planning *p)
{
    struct proxy_target *t;

    if (p->count == p->room) { /* a rule has few targets, a device few phones */
        size_t room = p->room == 0 ? 8 : 2 * p->room;
        t = arena_alloc(&p->s->e->scratch, room * sizeof(*t));
        if (t == NULL) {
            p->status = 503;
            return NULL;
        }
        if (p->count > 0) {
            memcpy(t, p->target, p->count * sizeof(*t));
        }
        p->target = t;
        p->room = room;
    }
    t = &p->target[p->count++];
    *t = (struct proxy_target){.lines = p->lines, .uui = p->uui, .group = p->group};
    return t;
}

static struct identity_args sender(const struct steering *s, bool inside)
{
    const struct device *from = s->who->device;
    struct identity_args id = {.m = s->m, .to_trusted = inside, .proxied = true};

    if (from != NULL) {
        id.uri = from->uri;
        id.tel = from->tel;
        id.display = from->display;
    } else if (s->who->peer != NULL) {
        id.from_trusted = peer_is_inside(s->who->peer);
        id.rpid = s->who->peer->policy.remote_party_id;
    }
    return id;
}

/**
 * What is different about the request on the branch that was added last: who is named in it;
 * and what the proxy has to know to write its history. A branch that cannot have that is taken
 * back.
 * @param peer  where it goes, NULL: to a device or somewhere else
 * @param user  the other user whom it goes to now, absent: the same one
 */
static void border(struct planning *p, struct proxy_target *t, const struct peer *peer,
                   struct str user)
{
    struct engine *e = p->s->e;
    const struct neighbour *policy = peer != NULL ? &peer->policy : &e->config.call.policy;
    bool inside = peer != NULL && peer_is_inside(peer);
    struct identity_args id = sender(p->s, inside);
    struct history_out out = {.lines = t->lines};
    struct str why;

    if (!privacy_is_possible(&e->scratch, p->s->m, inside, true, &why)) {
        p->status = 500; /* RFC 3323 §5 */
        p->count--;
    } else if (identity_pass(&e->scratch, &id, &out) != 0) {
        p->status = 503; /* better not at all than with what may not be told */
        p->count--;
    } else {
        t->lines = out.lines;
        t->cut = out.cut;
        t->inside = inside;
        t->tells = true;
        t->policy = *policy;
        t->user = user;
    }
}

static bool is_sips(const struct planning *p)
{
    return sip_msg_is_sips(p->s->m);
}

/** The other flows of a phone. @return false: no memory */
static bool add_flows(struct planning *p, const struct selected *first, struct proxy_target *t)
{
    struct arena *a = &p->s->e->scratch;
    const struct proxy_flow **tail = &t->flows;

    for (const struct selected *s = first->next_flow; s != NULL; s = s->next_flow) {
        struct proxy_flow *flow = arena_zalloc(a, sizeof(*flow));
        if (flow == NULL) {
            return false;
        }
        flow->request_uri = binding_request_uri(s->binding, is_sips(p), a);
        flow->routes = s->binding->routes;
        flow->binding = s->binding->id;
        if (flow->request_uri.p == NULL) {
            return false;
        }
        if (binding_target(s->binding, &flow->to)) {
            *tail = flow;
            tail = &flow->next;
        }
    }
    return true;
}

/** A phone, and how it is reached. @return false: no memory */
static bool set_phone(struct planning *p, const struct device *d, const struct selected *s,
                      struct proxy_target *t)
{
    t->request_uri = binding_request_uri(s->binding, is_sips(p), &p->s->e->scratch);
    t->routes = s->binding->routes;
    if (s->next_flow != NULL) {
        t->record = d->key;
        t->binding = s->binding->id;
    }
    return t->request_uri.p != NULL && add_flows(p, s, t);
}

static void add_device(struct planning *p, const struct device *d)
{
    struct engine *e = p->s->e;
    const struct record *rec = registrar_find(&e->registrar, d->key);
    bool serial = !p->s->verdict.rule->parallel;
    struct selected *phone = NULL;
    uint32_t base = p->group;
    size_t n = 0;

    if (rec != NULL) {
        n = registrar_select(rec, p->s->m, &e->scratch, &phone, &p->status);
        if (n == 0 && is_sips(p) && !record_has_sips(rec)) {
            p->warning = SIPS_NOT_ALLOWED;
        }
        if (n == 0 && p->status == 420) {
            p->warning = UNSUPPORTED_UUI;
        }
    }
    for (size_t i = 0; i < n; i++) {
        struct txn_target way;
        struct proxy_target *t;
        if (!binding_target(phone[i].binding, &way)) {
            continue;
        }
        p->group = base + (serial ? (uint32_t)i : phone[i].group);
        t = next_target(p);
        if (t == NULL) {
            return;
        }
        if (!set_phone(p, d, &phone[i], t)) {
            p->status = 503;
            p->count--;
            return;
        }
        t->to = way;
        t->domain = e->config.directory->domains[0];
        border(p, t, NULL, steer_is_called(p->s, d) ? STR_NONE : d->uri);
    }
    p->group++;
}

static void add_peer(struct planning *p, const struct destination *to)
{
    struct proxy_target *t;
    char *uri = arena_alloc(&p->s->e->scratch, 512);
    struct out o;

    if (!peer_usable(to->peer)) {
        p->status = 503;
        return;
    }
    t = next_target(p);
    if (t == NULL || uri == NULL) {
        p->count -= t != NULL;
        p->status = 503;
        return;
    }
    out_init(&o, uri, 512);
    if (!call_way_to_peer(to->peer, to->number, is_sips(p), &o, &t->to)) {
        p->warning = o.over ? p->warning : SIPS_NOT_ALLOWED;
        p->count--;
        return;
    }
    if (to->number.n > 0) { /* else it is the server that is asked for, as in REGISTER */
        t->request_uri = out_str_of(&o);
    }
    t->peer = to->peer;
    t->domain = peer_is_inside(to->peer) ? p->s->e->config.directory->domains[0] : STR_NONE;
    border(p, t, to->peer, STR_NONE);
    p->group++;
}

/** Neither down to sip nor, misleading, up to sips (RFC 5630 §5.3). */
static void add_uri(struct planning *p, const struct destination *to)
{
    bool sips = str_istarts(to->uri, STR("sips:"));
    struct proxy_target *t = sips == is_sips(p) ? next_target(p) : NULL;

    if (sips != is_sips(p)) {
        p->warning = sips ? SIPS_REQUIRED : SIPS_NOT_ALLOWED;
    }
    if (t != NULL) { /* the proxy looks up what it says (§16.6 step 7) */
        t->request_uri = str_eq(to->uri, sip_msg_ruri(p->s->m)) ? STR_NONE : to->uri;
        border(p, t, NULL, STR_NONE);
        p->group++;
    }
}

static void add_destination(struct planning *p, const struct destination *to)
{
    if (to->device != NULL) {
        add_device(p, to->device);
    } else if (to->peer != NULL) {
        add_peer(p, to);
    } else {
        add_uri(p, to);
    }
}

/** Where its Routes lead: nothing is chosen here, but who is named is our business. */
static void add_route(struct planning *p)
{
    struct proxy_target *t = next_target(p);

    if (t != NULL) {
        t->lines = t->uui = STR_NONE;
        border(p, t, NULL, STR_NONE);
    }
}

static const struct rule found_by_redirection = {.parallel = true};

/* Who sent the request has been found out when it came: a device's From is its own, or says
   nothing. */
static struct identity sender_of(struct engine *e, const struct sip_msg *m,
                                 const struct hop *from)
{
    struct identity who = {.peer = directory_peer_from(e->config.directory, from)};
    struct sip_addr addr;

    if (who.peer != NULL && !who.peer->trusted) {
        who.peer = NULL;
    }
    if (who.peer == NULL && sip_msg_addr(m, SIP_HDR_FROM, &addr) == 0) {
        who.device = directory_device_of_uri(e->config.directory, &addr.uri);
    }
    return who;
}

size_t steer_redirected(void *ctx, const struct sip_msg *m, const struct hop *from,
                        const struct sip_uri *u, struct proxy_target *out, size_t room)
{
    struct engine *e = ctx;
    struct identity who = sender_of(e, m, from);
    struct steering s = {
        .e = e, .m = m, .from = from, .who = &who, .verdict.rule = &found_by_redirection};
    struct planning p = {.s = &s};
    struct destination to;

    if (!steer_place_of_uri(&s, u->text, &to) || !steer_permits(e, who.device, &to) ||
        steer_demand(&s) != 0 || !fits(steer_fit(&s, &to))) {
        return 0;
    }
    add_destination(&p, &to);
    p.count = p.count < room ? p.count : room;
    if (p.count > 0) {
        memcpy(out, p.target, p.count * sizeof(*out));
    }
    return p.count;
}

void steer_flow_failed(void *ctx, struct str record, uint64_t binding)
{
    struct engine *e = ctx;

    registrar_on_flow_failed(&e->registrar, record, binding);
}

static bool follows_route(const struct steering *s)
{
    return s->verdict.rule->target_count == 0 && !s->verdict.called_changed &&
           proxy_has_route(&s->e->proxy, s->m, s->from);
}

static void add_targets(struct planning *p)
{
    const struct steering *s = p->s;
    struct destination *to =
        arena_alloc(&s->e->scratch, (s->verdict.target_count + 1) * sizeof(*to));
    enum fit best;
    size_t n = 0, kept;

    if (to == NULL) {
        p->status = 503;
        return;
    }
    for (size_t i = 0; i < s->verdict.target_count; i++) {
        n += steer_place(s, s->verdict.target[i], &to[n]);
    }
    kept = steer_suit(s, to, n, &best);
    if (n > 0) {
        p->status = kept > 0 ? 480 : fit_status(best, &p->warning);
    }
    for (size_t i = 0; i < kept; i++) {
        add_destination(p, &to[i]);
    }
}

/**
 * A line with the rule's value; the caller's own lines stay as they are, and of a package that
 * he has sent he has the only value. @return false: no memory
 */
static bool add_uui(struct planning *p)
{
    const struct steering *s = p->s;
    struct arena *a = &s->e->scratch;
    struct uui_merge_args q = {.given = s->uui, .known = s->e->config.packages};
    struct uui_merged joined;

    if (s->uui.n == 0 || s->m->method != SIP_METHOD_INVITE) {
        return true;
    }
    q.had = uui_of_msg(a, s->m);
    if ((q.had.p == NULL && sip_msg_has(s->m, SIP_HDR_USER_TO_USER)) ||
        uui_merge(a, &q, &joined) != 0) {
        return false;
    }
    if (joined.fresh.n > 0) {
        p->uui = joined.values;
        p->lines = arena_fmt(a, "User-to-User: %.*s\r\n%.*s", STR_ARG(joined.fresh),
                             STR_ARG(p->lines));
    }
    return joined.fresh.n == 0 || p->lines.p != NULL;
}

unsigned steer_forward(const struct steering *s, const char **lines_out)
{
    const struct rule *r = s->verdict.rule;
    struct planning p = {.s = s, .status = 404};
    struct proxy_plan plan = {
        .record_route = r->record_route, .recurse = r->recurse, .group_s = r->ring_s};
    bool no_memory = false;

    p.lines = steer_lines(s, &no_memory);
    *lines_out = NULL;
    if (no_memory || !add_uui(&p)) {
        return 503;
    }
    if (follows_route(s)) {
        add_route(&p);
    } else {
        add_targets(&p);
    }
    if (p.count == 0) {
        *lines_out = p.status == 480 || p.status == 420 ? p.warning : NULL;
        return p.status;
    }
    plan.caller = s->m->method == SIP_METHOD_INVITE ? s->who->peer : NULL;
    if (plan.caller != NULL && !peer_enter(plan.caller)) {
        return 503;
    }
    plan.target = p.target;
    plan.count = p.count;
    proxy_forward(&s->e->proxy, s->m, s->from, &plan, s->now_ms);
    return 0;
}
