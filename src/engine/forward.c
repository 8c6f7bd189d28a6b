/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a rule's verdict to a plan of the proxy.
 *
 * Each target of the rule is one group or, for a device with phones of different q, several;
 * targets follow each other as they stand in the verdict. `fork: serial` makes every contact a
 * group of its own.
 */
#include "engine/steer.h"
#include "registrar/select.h"

struct planning {
    const struct steering *s;
    struct proxy_target *target;
    size_t count, room;
    uint32_t group;   /**< of the next target */
    struct str lines; /**< of the rule */
    unsigned status;  /**< why there is nobody */
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
    *t = (struct proxy_target){.lines = p->lines, .group = p->group};
    return t;
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
        t->request_uri = phone[i].binding->contact;
        t->routes = phone[i].binding->routes;
        t->to = way;
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
    if (!call_way_to_peer(to->peer, to->number, &o, &t->to)) {
        p->count--;
        return;
    }
    if (to->number.n > 0) { /* else it is the server that is asked for, as in REGISTER */
        t->request_uri = out_str_of(&o);
    }
    p->group++;
}

static void add_uri(struct planning *p, const struct destination *to)
{
    struct proxy_target *t = next_target(p);

    if (t != NULL) { /* the proxy looks up what it says (§16.6 step 7) */
        t->request_uri = str_eq(to->uri, sip_msg_ruri(p->s->m)) ? STR_NONE : to->uri;
        p->group++;
    }
}

static bool follows_route(const struct steering *s)
{
    return s->verdict.rule->target_count == 0 && !s->verdict.called_changed &&
           proxy_has_route(&s->e->proxy, s->m, s->from);
}

unsigned steer_forward(const struct steering *s)
{
    const struct rule *r = s->verdict.rule;
    struct planning p = {.s = s, .status = 404};
    struct proxy_plan plan = {
        .record_route = r->record_route, .recurse = r->recurse, .group_s = r->ring_s};
    bool no_memory = false;
    struct str lines = steer_lines(s, &no_memory);

    if (str_is_set(r->uui_value) && !sip_msg_has(s->m, SIP_HDR_USER_TO_USER)) {
        struct str uui = arena_fmt(&s->e->scratch, "User-to-User: %.*s\r\n%.*s",
                                   STR_ARG(r->uui_value), STR_ARG(lines));
        no_memory = no_memory || uui.p == NULL;
        lines = uui;
    }
    if (no_memory) {
        return 503;
    }
    p.lines = lines;
    for (size_t i = 0; i < s->verdict.target_count && !follows_route(s); i++) {
        struct destination to;
        if (!steer_place(s, s->verdict.target[i], &to)) {
            continue;
        }
        p.status = p.status == 404 ? 480 : p.status;
        if (to.device != NULL) {
            add_device(&p, to.device);
        } else if (to.peer != NULL) {
            add_peer(&p, &to);
        } else {
            add_uri(&p, &to);
        }
    }
    if (p.count == 0 && !follows_route(s)) {
        return p.status;
    }
    plan.target = p.target;
    plan.count = p.count;
    proxy_forward(&s->e->proxy, s->m, s->from, &plan, s->now_ms);
    return 0;
}
