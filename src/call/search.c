/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ringing the contacts of a device, in the order that registrar_select gives.
 *
 *   group      contacts that ring at the same time, a branch each
 *   search     the groups that have not rung yet: the next one rings when all before have
 *              refused, or after calls.group_s, and then the ones before are called off: one
 *              search at a time (RFC 3261 §16.6, RFC 3841 §9.1 "sequential")
 *   flow       a phone that registered over several flows rings on one. When that one fails
 *              (430, 408, nothing could be sent) the next one takes its place in the group
 *              (RFC 5626 §7)
 *
 * A device with one contact, the common case, has no search. A search keeps copies of what it
 * needs in the call's arena: by the time that a group rings the registrar may have forgotten
 * the binding.
 *
 * INVARIANT  the timer runs only while a group waits, and no longer than the search is its
 *            connection's.
 */
#include "base/err.h"
#include "call/parts.h"
#include "registrar/select.h"

struct search {
    struct connection *conn;
    struct way *waiting; /**< of the groups that have not rung, in order */
    struct ring ring;    /**< copied; `pass` is looked up when it is needed … */
    bool passes;         /**< … if there was one */
    struct timer timer;
};

static bool is_open(const struct connection *conn)
{
    return conn->call->phase != CALL_ENDING && !conn->ended && conn->stem == NULL;
}

void search_stop(struct connection *conn)
{
    if (conn->search != NULL) {
        timer_stop(conn->call->layer->wheel, &conn->search->timer);
        conn->search = NULL;
    }
}

/** What the INVITEs of the search are made of now. @return false: the caller's is gone */
static bool ring_now(const struct search *h, struct ring *out)
{
    const struct leg *caller = h->passes ? connection_leg(h->conn->call->a) : NULL;
    bool has = caller != NULL && caller->invite != NULL && caller->invite->req != NULL;

    *out = h->ring;
    out->pass = has ? &caller->invite->req->m : NULL;
    return has || !h->passes;
}

/** INVITE by this way, or else by the ways of the other flows behind it. @return 0 or a status
 */
static unsigned ring_phone(struct connection *conn, const struct way *w, const struct ring *r,
                           uint64_t now_ms)
{
    unsigned status = 480;

    for (; w != NULL && status != 0; w = w->next_flow) {
        status = connection_ring_way(conn, w, r, now_ms);
    }
    return status;
}

/** Ring the next group that can be rung. @return 0, or the status of the last that could not */
static unsigned ring_next(struct search *h, const struct ring *r, uint64_t now_ms)
{
    struct call_layer *l = h->conn->call->layer;
    unsigned status = 480;
    bool any = false;

    while (h->waiting != NULL && !any) {
        uint32_t group = h->waiting->group;
        while (h->waiting != NULL && h->waiting->group == group) {
            const struct way *w = h->waiting;
            h->waiting = w->next;
            status = ring_phone(h->conn, w, r, now_ms);
            any = any || status == 0;
        }
    }
    timer_stop(l->wheel, &h->timer);
    if (h->waiting != NULL) {
        timer_set(l->wheel, &h->timer, now_ms + l->config.group_s * UINT64_C(1000));
    }
    return any ? 0 : status;
}

static void call_off_before(struct connection *conn, uint32_t group, uint64_t now_ms)
{
    list_each(it, &conn->branches)
    {
        struct branch *b = list_entry(it, struct branch, link);
        if (b->group < group && b->leg != NULL && !b->refused) {
            b->refused = true;
            leg_cancel(b->leg, STR("Reason: Q.850;cause=19\r\n"), now_ms);
        }
    }
}

static void on_timer(struct timer *t, uint64_t now_ms)
{
    struct search *h = container_of(t, struct search, timer);
    struct ring ring;
    uint32_t group;

    if (h->waiting == NULL || !is_open(h->conn)) {
        return;
    }
    group = h->waiting->group;
    if (ring_now(h, &ring) && ring_next(h, &ring, now_ms) == 0) {
        call_off_before(h->conn, group, now_ms);
    }
}

bool search_next(struct connection *conn, uint64_t now_ms)
{
    struct search *h = conn->search;
    struct ring ring;

    return h != NULL && h->waiting != NULL && is_open(conn) && ring_now(h, &ring) &&
           ring_next(h, &ring, now_ms) == 0;
}

bool search_other_flow(struct branch *b, unsigned status, bool silent, uint64_t now_ms)
{
    struct connection *conn = b->conn;
    struct ring ring;
    bool dead = status == 430 || (silent && status == 503);

    if (dead && b->binding != 0 && conn->device != NULL) {
        registrar_on_flow_failed(conn->call->layer->registrar, conn->device->key, b->binding);
    }
    return (dead || status == 408) && b->way != NULL && b->way->next_flow != NULL &&
           conn->search != NULL && is_open(conn) && ring_now(conn->search, &ring) &&
           ring_phone(conn, b->way->next_flow, &ring, now_ms) == 0;
}

/* ---- beginning ---- */

static bool takes_talk(const struct call_layer *l, const struct binding *b)
{
    const struct device *d = l->talks == NULL || b->event_talk
                                 ? NULL
                                 : directory_device(l->directory, b->record->key);

    return b->event_talk || (d != NULL && l->talks(l->phones, d, b));
}

static void way_of(const struct selected *s, const struct call *c, struct way *out)
{
    const struct binding *b = s->binding;

    *out = (struct way){.group = s->group,
                        .binding = b->id,
                        .request_uri = binding_request_uri(b, c->sips, c->layer->scratch),
                        .routes = b->routes,
                        .talk = takes_talk(c->layer, b)};
    (void)binding_target(b, &out->target); /* it was selected because it has one */
}

/** A copy in the call's arena, with the other flows behind it; NULL: no memory. */
static struct way *keep_way(struct call *c, const struct selected *s)
{
    struct arena *a = &c->arena;
    struct way *first = NULL;
    struct way **tail = &first;

    for (; s != NULL; s = s->next_flow) {
        struct way *w = arena_alloc(a, sizeof(*w));
        if (w == NULL) {
            return NULL;
        }
        way_of(s, c, w);
        w->request_uri = arena_dup(a, w->request_uri);
        w->routes = arena_dup(a, w->routes);
        w->target.host = arena_dup(a, w->target.host);
        if (w->request_uri.p == NULL || (s->binding->routes.n > 0 && w->routes.p == NULL)) {
            return NULL;
        }
        if (first != NULL) {
            w->group = first->group;
        }
        *tail = w;
        tail = &w->next_flow;
    }
    return first;
}

static bool keep_ring(struct arena *a, const struct ring *r, struct ring *out)
{
    *out = *r;
    out->pass = NULL;
    out->from = arena_dup(a, r->from);
    out->to = arena_dup(a, r->to);
    out->lines = arena_dup(a, r->lines);
    out->type = arena_dup(a, r->type);
    out->body = arena_dup(a, r->body);
    return out->from.n == r->from.n && out->to.n == r->to.n && out->lines.n == r->lines.n &&
           out->type.n == r->type.n && out->body.n == r->body.n;
}

static struct search *search_new(struct connection *conn, const struct selected *s, size_t n,
                                 const struct ring *r)
{
    struct arena *a = &conn->call->arena;
    struct search *h = arena_zalloc(a, sizeof(*h));
    struct way **tail;

    if (h == NULL || !keep_ring(a, r, &h->ring)) {
        return NULL;
    }
    h->conn = conn;
    h->passes = r->pass != NULL;
    timer_init(&h->timer, on_timer);
    tail = &h->waiting;
    for (size_t i = 0; i < n; i++) {
        *tail = keep_way(conn->call, &s[i]);
        if (*tail == NULL) {
            return NULL;
        }
        tail = &(*tail)->next;
    }
    return h;
}

unsigned search_device(struct connection *conn, const struct destination *to,
                       const struct ring *r, uint64_t now_ms)
{
    struct call_layer *l = conn->call->layer;
    struct record *rec = registrar_find(l->registrar, to->device->key);
    struct selected *s;
    struct way only;
    unsigned status;
    size_t n;

    if (rec == NULL) {
        return 480;
    }
    n = registrar_select_by(
        rec, &(struct select_query){.m = r->pass, .gr = to->gr, .sips = conn->call->sips},
        l->scratch, &s, &status);
    if (n == 0) {
        if (conn->call->sips && !record_has_sips(rec)) {
            conn->call->sips_warning = 380;
        }
        return status;
    }
    search_stop(conn);
    if (n == 1 && s->next_flow == NULL) {
        way_of(s, conn->call, &only);
        return only.request_uri.p == NULL ? 503 : connection_ring_way(conn, &only, r, now_ms);
    }
    conn->search = search_new(conn, s, n, r);
    return conn->search != NULL ? ring_next(conn->search, r, now_ms) : 503;
}
