/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists in pages, and single things: see view.h. What a thing looks like is said in
 * view_device.c, view_call.c and view_other.c.
 *
 * An item that does not fit the buffer is taken back, and the page ends before it. So the
 * writers write without looking, and only here is anything judged.
 */
#include "base/err.h"
#include "engine/view_parts.h"
#include <stdarg.h>
#include <stdio.h>

enum { TAIL_MAX = 160 }; /* what stands behind the items */

/** A page that is being written. */
struct page {
    struct view v;
    uint32_t left, looked;
    size_t items;
    bool full;                    /**< the last item did not fit, or there are enough */
    char cursor[VIEW_CURSOR_MAX]; /**< of the last thing that was passed */
    size_t cursor_n;
};

bool view_sees_device(const struct view *v, const struct device *d)
{
    return access_observe(v->who, d->key);
}

bool view_sees_call(const struct view *v, const struct call *c)
{
    if (access_is_admin(v->who)) {
        return true;
    }
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->device != NULL && view_sees_device(v, conn->device)) {
            return true;
        }
    }
    return false;
}

bool view_sees_application(const struct view *v, struct str application)
{
    return access_is_admin(v->who) || (v->who != NULL && str_eq(v->who->name, application));
}

uint64_t view_wall_ms(const struct view *v, uint64_t at_ms)
{
    uint64_t wall_ms = v->e->env->wall_s(v->e->env->ctx) * 1000;

    return at_ms > v->now_ms ? wall_ms + (at_ms - v->now_ms) : wall_ms - (v->now_ms - at_ms);
}

/* ---- items ---- */

/** What an item looked like before it was begun. */
struct mark {
    size_t n, need;
};

static struct mark begin(const struct page *p)
{
    return (struct mark){p->v.o->n, p->v.o->need};
}

/** Keep what was written since, or take it back. @return false: the page ends before it */
static bool keep(struct page *p, const struct mark *m)
{
    struct out *o = p->v.o;

    if (o->over || o->cap - o->n < TAIL_MAX) {
        o->n = m->n;
        o->need = m->need;
        o->over = false;
        p->full = true;
        return false;
    }
    p->items++;
    p->left--;
    return true;
}

static void pass(struct page *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Everything up to here is dealt with. */
static void pass(struct page *p, const char *fmt, ...)
{
    va_list args;
    int n;

    va_start(args, fmt);
    n = vsnprintf(p->cursor, sizeof(p->cursor), fmt, args);
    va_end(args);
    p->cursor_n = n > 0 && (size_t)n < sizeof(p->cursor) ? (size_t)n : 0;
    p->looked++;
    p->full = p->left == 0 || p->looked >= VIEW_LOOKED;
}

static bool read_hex(struct str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n != 16) {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_digit(s.p[i]);
        if (digit < 0) {
            return false;
        }
        v = v << 4 | (unsigned)digit;
    }
    *out = v;
    return true;
}

/** "12.3" */
static bool read_pair(struct str s, uint64_t *first, uint32_t *second)
{
    size_t dot = str_index(s, '.');

    return dot < s.n && str_to_u64(str_upto(s, dot), UINT64_MAX, first) &&
           str_to_u32(str_from(s, dot + 1), second);
}

/* ---- what stands in maps ---- */

typedef void (*node_fn)(struct page *p, const struct map_node *n);

static void put_device_node(struct page *p, const struct map_node *n)
{
    const struct device *d =
        container_of((struct map_node *)(uintptr_t)n, struct device, by_key);

    if (view_sees_device(&p->v, d)) {
        json_next(p->v.o);
        view_put_device(&p->v, d);
    }
}

static void put_call_node(struct page *p, const struct map_node *n)
{
    const struct call *c = container_of((struct map_node *)(uintptr_t)n, struct call, by_id);

    if (c->phase != CALL_ENDING && view_sees_call(&p->v, c)) {
        json_next(p->v.o);
        view_put_call(&p->v, c);
    }
}

static void put_record_node(struct page *p, const struct map_node *n)
{
    const struct record *rec =
        container_of((struct map_node *)(uintptr_t)n, struct record, node);

    if (access_observe(p->v.who, rec->key)) {
        json_next(p->v.o);
        view_put_record(&p->v, rec);
    }
}

/** All that have one hash are one item, and nearly always one thing. */
static int put_map(struct page *p, const struct map *m, node_fn fn, struct str after)
{
    uint64_t place = 0;
    struct map_node *n;

    if (str_is_set(after) && !read_hex(after, &place)) {
        return E_VALUE;
    }
    while (!p->full && (n = map_after(m, &place)) != NULL) {
        struct mark mark = begin(p);
        for (; n != NULL; n = map_next(n)) {
            fn(p, n);
        }
        if (p->v.o->need != mark.need && !keep(p, &mark)) {
            return 0;
        }
        pass(p, "%016llx", (unsigned long long)place);
    }
    return 0;
}

/* ---- agents ---- */

static void put_agent(void *ctx, const struct cti_agent_about *a)
{
    struct page *p = ctx;

    if (view_sees_device(&p->v, a->device)) {
        json_next(p->v.o);
        view_put_agent(&p->v, a);
    }
}

static int put_agents(struct page *p, struct str after)
{
    uint64_t place = 0;

    if (str_is_set(after) && !read_hex(after, &place)) {
        return E_VALUE;
    }
    while (!p->full) {
        struct mark mark = begin(p);
        if (!cti_next_agents(p->v.e->cti, &place, put_agent, p)) {
            break;
        }
        if (p->v.o->need != mark.need && !keep(p, &mark)) {
            return 0;
        }
        pass(p, "%016llx", (unsigned long long)place);
    }
    return 0;
}

/* ---- what has numbers ---- */

static int put_sessions(struct page *p, struct str after)
{
    struct cti_session_about s = {.id = 0};

    if (str_is_set(after) && !str_to_u64(after, UINT64_MAX, &s.id)) {
        return E_VALUE;
    }
    while (!p->full && cti_next_session(p->v.e->cti, s.id, &s)) {
        struct mark mark = begin(p);
        if (view_sees_application(&p->v, s.application)) {
            json_next(p->v.o);
            view_put_session(&p->v, &s);
            if (!keep(p, &mark)) {
                return 0;
            }
        }
        pass(p, "%llu", (unsigned long long)s.id);
    }
    return 0;
}

static int put_monitors(struct page *p, struct str after)
{
    struct cti_monitor_about m = {.session = 0};

    if (str_is_set(after) && !read_pair(after, &m.session, &m.ref)) {
        return E_VALUE;
    }
    while (!p->full && cti_next_monitor(p->v.e->cti, m.session, m.ref, &m)) {
        struct mark mark = begin(p);
        if (view_sees_application(&p->v, m.application)) {
            json_next(p->v.o);
            view_put_monitor(&p->v, &m);
            if (!keep(p, &mark)) {
                return 0;
            }
        }
        pass(p, "%llu.%u", (unsigned long long)m.session, m.ref);
    }
    return 0;
}

static int put_peers(struct page *p, struct str after)
{
    const struct directory *dir = p->v.e->config.directory;
    uint64_t i = 0;

    if (str_is_set(after) && !str_to_u64(after, UINT32_MAX, &i)) {
        return E_VALUE;
    }
    for (; !p->full && i < dir->peer_count; i++) {
        struct mark mark = begin(p);
        if (dir->peers[i].name.n > 0 && access_is_admin(p->v.who)) {
            json_next(p->v.o);
            view_put_peer(&p->v, &dir->peers[i]);
            if (!keep(p, &mark)) {
                return 0;
            }
        }
        pass(p, "%llu", (unsigned long long)i + 1);
        p->full = p->full && i + 1 < dir->peer_count;
    }
    return 0;
}

/** A routing that is to be written, and which number was passed already. */
struct routings {
    struct page *page;
    uint64_t after;
    struct cti_routing_about next;
};

static void take_routing(void *ctx, const struct cti_routing_about *a)
{
    struct routings *r = ctx;

    if (a->id > r->after && (r->next.id == 0 || a->id < r->next.id)) {
        r->next = *a;
    }
}

static int put_routings(struct page *p, struct str after)
{
    struct routings r = {.page = p};

    if (str_is_set(after) && !str_to_u64(after, UINT32_MAX, &r.after)) {
        return E_VALUE;
    }
    while (!p->full) {
        struct mark mark = begin(p);
        r.next.id = 0;
        cti_each_routing(p->v.e->cti, take_routing, &r);
        if (r.next.id == 0) {
            break;
        }
        r.after = r.next.id;
        if (view_sees_application(&p->v, r.next.application)) {
            json_next(p->v.o);
            view_put_routing(&p->v, &r.next);
            if (!keep(p, &mark)) {
                return 0;
            }
        }
        pass(p, "%u", r.next.id);
    }
    return 0;
}

/* ---- pages ---- */

static int put_items(struct page *p, enum view_list what, struct str after)
{
    struct engine *e = p->v.e;

    switch (what) {
    case VIEW_DEVICES:
        return put_map(p, &e->config.directory->devices, put_device_node, after);
    case VIEW_CALLS:
        return put_map(p, &e->calls.by_id, put_call_node, after);
    case VIEW_REGISTRATIONS:
        return put_map(p, &e->registrar.records, put_record_node, after);
    case VIEW_AGENTS:
        return put_agents(p, after);
    case VIEW_MONITORS:
        return put_monitors(p, after);
    case VIEW_SESSIONS:
        return put_sessions(p, after);
    case VIEW_PEERS:
        return put_peers(p, after);
    case VIEW_ROUTES:
        return put_routings(p, after);
    }
    return E_VALUE;
}

/** How many there are at most in a page of those that take a walk each. */
static uint32_t limit_of(enum view_list what, uint32_t asked)
{
    uint32_t most = what == VIEW_MONITORS || what == VIEW_SESSIONS || what == VIEW_ROUTES
                        ? VIEW_LIMIT
                        : VIEW_LIMIT_MAX;
    uint32_t limit = or_default(asked, VIEW_LIMIT);

    return limit < most ? limit : most;
}

int view_list(struct engine *e, enum view_list what, const struct view_ask *ask, struct out *o,
              uint64_t now_ms)
{
    struct page p = {.v = {.e = e, .who = ask->who, .o = o, .now_ms = now_ms},
                     .left = limit_of(what, ask->limit)};
    int err;

    out_c(o, "{\"items\":[");
    err = put_items(&p, what, ask->after);
    arena_reset(&e->scratch);
    if (err != 0 || (p.full && p.items == 0 && p.looked == 0)) {
        return err != 0 ? err : E_SPACE;
    }
    out_ch(o, ']');
    if (p.full) {
        json_text(o, "next", p.looked > 0 ? str_make(p.cursor, p.cursor_n) : ask->after);
    }
    json_long(o, "sequence", engine_head(e));
    out_ch(o, '}');
    return o->over ? E_SPACE : 0;
}

/* ---- single things ---- */

struct device *view_find_device(const struct engine *e, const struct access_principal *who,
                                struct str text, bool control)
{
    struct device *d = directory_device_named(e->config.directory, text);

    if (d == NULL || !(control ? access_control(who, d->key) : access_observe(who, d->key))) {
        return NULL;
    }
    return d;
}

struct str view_device_uri(const struct engine *e, struct str text)
{
    const struct device *d =
        str_is_set(text) ? directory_device_named(e->config.directory, text) : NULL;

    return d != NULL ? d->uri : STR_NONE;
}

/** The object is closed; the journal's number is put into it. */
static int finish(const struct view *v)
{
    struct out *o = v->o;

    arena_reset(&v->e->scratch);
    if (!o->over && o->n > 0 && o->p[o->n - 1] == '}') {
        o->n--; /* once more open */
        json_long(o, "sequence", engine_head(v->e));
        out_ch(o, '}');
    }
    return o->over ? E_SPACE : 0;
}

int view_device(struct engine *e, const struct access_principal *who, struct str device,
                struct out *o, uint64_t now_ms)
{
    struct view v = {.e = e, .who = who, .o = o, .now_ms = now_ms};
    const struct device *d = view_find_device(e, who, device, false);

    if (d == NULL) {
        return E_NOTFOUND;
    }
    view_put_device(&v, d);
    return finish(&v);
}

int view_call(struct engine *e, const struct access_principal *who, struct str call_id,
              struct out *o, uint64_t now_ms)
{
    struct view v = {.e = e, .who = who, .o = o, .now_ms = now_ms};
    const struct call *c = call_find(&e->calls, call_id);

    if (c == NULL || !view_sees_call(&v, c)) {
        return E_NOTFOUND;
    }
    view_put_call(&v, c);
    return finish(&v);
}

/* ---- to end something ---- */

int view_end_monitor(struct engine *e, const struct access_principal *who, struct str id,
                     uint64_t now_ms)
{
    struct view v = {.e = e, .who = who};
    struct cti_monitor_about m;
    uint64_t session;
    uint32_t ref;

    if (!read_pair(id, &session, &ref) || !cti_find_monitor(e->cti, session, ref, &m)) {
        return E_NOTFOUND;
    }
    if (!view_sees_application(&v, m.application)) {
        return E_DENIED;
    }
    (void)cti_end_monitor(e->cti, session, ref, now_ms);
    engine_settle(e);
    return 0;
}

int view_end_session(struct engine *e, const struct access_principal *who, struct str id,
                     uint64_t now_ms)
{
    uint64_t session;

    if (!access_is_admin(who)) {
        return E_DENIED;
    }
    if (!str_to_u64(id, UINT64_MAX, &session) || !cti_end_session(e->cti, session, now_ms)) {
        return E_NOTFOUND;
    }
    engine_settle(e);
    return 0;
}
