/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is now, and at which number of the journal: so that who begins knows what stands,
 * and misses and doubles nothing after it.
 *
 *   snapshot_ask ──► engine's thread: lists of devices and calls, one after the other, between
 *                    two inputs, so all of it holds at one number
 *               ──► (kept) ──► API's thread: put together, narrowed by the filter, told
 *
 * The job is on its own: its owner, and the token that asked, may be gone before it is back. So
 * it has a copy of the principal.
 *
 * BOUND: MOST octets of lists; who has more chooses devices, or reads the lists page by page.
 *
 * TURNS. A snapshot is the one thing that costs the engine more the more devices there are. So
 * one is taken at a time, and PAUSES times as long as it took is left before the next one:
 * however many are asked for, signalling has nearly all of the engine. Who has ONE_MOST that
 * wait is told to come again.
 */
#include "api/events.h"
#include "api/parts.h"
#include "base/err.h"
#include "engine/view.h"

enum { PAGE_ROOM = 256 << 10, MOST = 8 << 20, LISTS = 2 };
enum { PAUSES = 9, ONE_MOST = 16, ALL_MOST = 256 };

/** Pages of one list, as view_list has written them. */
struct pages {
    struct str *text;
    size_t n, cap;
};

struct snapshots {
    struct api_events *ev;
    struct list waiting;  /**< struct snapshot.turn */
    struct snapshot *now; /**< the engine has it */
    struct timer next;    /**< the pause after one */
    bool stopped;
};

struct snapshot {
    struct events_job own;
    struct list turn;
    struct str family; /**< whose it counts as; absent: nobody's */
    uint64_t took_ns;  /**< of the engine's time */
    struct api_events *ev;
    void (*done)(void *owner, int err, const struct feed_event *e); /**< NULL: nobody waits */
    void *owner;
    struct arena arena; /**< of who has the job */
    struct access_principal who;
    struct feed_filter filter;
    struct pages list[LISTS];
    size_t octets;
    uint64_t number;
    int err;
};

/* ---- the engine's thread ---- */

static bool add_page(struct snapshot *s, struct pages *p, struct str text)
{
    if (p->n == p->cap) {
        size_t cap = p->cap == 0 ? 8 : 2 * p->cap;
        struct str *more = arena_alloc(&s->arena, cap * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        if (p->n > 0) {
            memcpy(more, p->text, p->n * sizeof(*more));
        }
        p->text = more;
        p->cap = cap;
    }
    p->text[p->n] = arena_dup(&s->arena, text);
    return str_is_set(p->text[p->n++]);
}

/** `"next":"…"` of a page; it stands behind the items. */
static struct str next_of(struct str page)
{
    static const struct str mark = STR_INIT("],\"next\":\"");
    struct str found = STR_NONE, rest = page;
    size_t at;

    while ((at = str_find(rest, mark)) < rest.n) {
        rest = str_from(rest, at + mark.n);
        found = str_upto(rest, str_index(rest, '"'));
    }
    return found;
}

static int read_list(struct snapshot *s, struct engine *e, enum view_list what, struct pages *p,
                     char *room, uint64_t now_ms)
{
    struct view_ask ask = {.who = &s->who, .limit = VIEW_LIMIT_MAX};
    struct out o;
    int err;

    do {
        out_init(&o, room, PAGE_ROOM);
        err = view_list(e, what, &ask, &o, now_ms);
        s->octets += o.n;
        if (err != 0 || s->octets > MOST) {
            return err != 0 ? err : E_TOOBIG;
        }
        if (!add_page(s, p, out_str_of(&o))) {
            return E_NOMEM;
        }
        ask.after = next_of(p->text[p->n - 1]);
    } while (str_is_set(ask.after));
    return 0;
}

static void run(struct api_job *job, struct engine *e, uint64_t now_ms)
{
    static const enum view_list what[LISTS] = {VIEW_DEVICES, VIEW_CALLS};
    struct snapshot *s = container_of(job, struct snapshot, own.job);
    char *room = arena_alloc(&s->arena, PAGE_ROOM);
    uint64_t began_ns = uv_hrtime();

    s->number = engine_head(e);
    s->err = room == NULL ? E_NOMEM : 0;
    for (size_t i = 0; s->err == 0 && i < LISTS; i++) {
        s->err = read_list(s, e, what[i], &s->list[i], room, now_ms);
    }
    s->took_ns = uv_hrtime() - began_ns;
    api_job_finish(job);
}

/* ---- the API's thread ---- */

static bool chosen(const struct feed_filter *f, struct str device)
{
    if (str_starts(device, STR("sip:"))) {
        device = str_from(device, sizeof("sip:") - 1);
    }
    return f->devices == 0 || access_scopes_observe(f->device, f->devices, device);
}

static bool has_device(const struct feed_filter *f, const json_t *thing)
{
    const json_t *id = json_object_get(thing, "deviceID");

    return json_is_string(id) &&
           chosen(f, str_make(json_string_value(id), json_string_length(id)));
}

static bool wanted(const struct feed_filter *f, bool call, const json_t *item)
{
    const json_t *id = json_object_get(item, "callID"), *conn;
    size_t i;

    if (!call) {
        return has_device(f, item);
    }
    if (f->call_id.n > 0 &&
        !(json_is_string(id) &&
          str_eq(f->call_id, str_make(json_string_value(id), json_string_length(id))))) {
        return false;
    }
    json_array_foreach(json_object_get(item, "connections"), i, conn)
    {
        if (has_device(f, conn)) {
            return true;
        }
    }
    return f->devices == 0;
}

static json_t *join(const struct snapshot *s, size_t list)
{
    json_t *all = json_array(), *item;
    size_t i;

    for (size_t n = 0; n < s->list[list].n; n++) {
        struct str text = s->list[list].text[n];
        json_t *page = json_loadb(text.p, text.n, 0, NULL);
        json_array_foreach(json_object_get(page, "items"), i, item)
        {
            if (wanted(&s->filter, list == 1, item)) {
                (void)json_object_del(item, "sequence");
                (void)json_array_append(all, item);
            }
        }
        json_decref(page);
    }
    return all;
}

static int make_event(struct snapshot *s, struct feed_event *e)
{
    json_t *data = json_pack("{s:o,s:o}", "devices", join(s, 0), "calls", join(s, 1));
    char *text = data != NULL ? json_dumps(data, JSON_COMPACT) : NULL;
    int err = E_NOMEM;

    *e = (struct feed_event){.e = {.number = s->number,
                                   .at_ms = (int64_t)events_wall_ms(s->ev),
                                   .type = STR("org.baton.snapshot.v1")}};
    if (text != NULL) {
        err = cloud_wrap(&e->e, events_source(s->ev), str_c(text), &s->arena);
    }
    free(text);
    json_decref(data);
    if (err == 0) {
        e->sse = feed_sse(&e->e, &s->arena);
        err = str_is_set(e->sse) ? 0 : E_NOMEM;
    }
    return err;
}

static void destroy(struct events_job *j)
{
    struct snapshot *s = container_of(j, struct snapshot, own);

    arena_fini(&s->arena);
    free(s);
}

/** The next one has its turn. @return 0, or as api_post: then it waits no more */
static int begin(struct snapshots *all, struct snapshot *s)
{
    int err = events_post(all->ev, &s->own);

    list_remove(&s->turn);
    all->now = err == 0 ? s : NULL;
    return err;
}

static void give_up(struct snapshot *s, int err)
{
    list_remove(&s->turn);
    s->done(s->owner, err, NULL);
    destroy(&s->own);
}

static void on_next(struct timer *t, uint64_t now_ms)
{
    struct snapshots *all = container_of(t, struct snapshots, next);

    (void)now_ms;
    while (all->now == NULL && !list_empty(&all->waiting)) {
        struct snapshot *s = list_entry(all->waiting.next, struct snapshot, turn);
        int err = begin(all, s);
        if (err != 0) {
            give_up(s, err);
        }
    }
}

static void on_done(struct api_job *job)
{
    struct snapshot *s = container_of(job, struct snapshot, own.job);
    struct snapshots *all = events_snapshots(s->ev);
    struct feed_event e;

    events_home(&s->own);
    all->now = NULL;
    if (!all->stopped) {
        timer_set(api_wheel(events_api(s->ev)), &all->next,
                  api_now(events_api(s->ev)) + PAUSES * s->took_ns / 1000000);
    }
    if (s->done != NULL) {
        s->err = job->refused ? E_STATE : s->err;
        if (s->err == 0) {
            s->err = make_event(s, &e);
        }
        s->done(s->owner, s->err, s->err == 0 ? &e : NULL);
    }
    destroy(&s->own);
}

static bool copy_scopes(struct arena *a, const struct access_scope *from, size_t n,
                        const struct access_scope **to)
{
    struct access_scope *all = arena_zalloc(a, (n + 1) * sizeof(*all));

    for (size_t i = 0; all != NULL && i < n; i++) {
        all[i].kind = from[i].kind;
        all[i].pattern = arena_dup(a, from[i].pattern);
    }
    *to = all;
    return all != NULL;
}

/** Who runs the server counts for nobody. */
static struct str family_of(const struct access_principal *who)
{
    const struct access_entry *e = who->entry;

    return e != NULL && e->source != ACCESS_LOCAL ? e->family : STR_NONE;
}

/** At once, or behind those that wait. @return false: there are too many */
static bool take_turn(struct snapshots *all, struct snapshot *s)
{
    size_t own = 0, n = 0;

    if (all->now == NULL && list_empty(&all->waiting) && !timer_running(&all->next)) {
        return begin(all, s) == 0;
    }
    list_each(it, &all->waiting)
    {
        const struct snapshot *other = list_entry(it, struct snapshot, turn);
        own += str_is_set(s->family) && str_eq(other->family, s->family);
        n++;
    }
    if (all->stopped || own >= ONE_MOST || n >= ALL_MOST) {
        return false;
    }
    list_append(&all->waiting, &s->turn);
    return true;
}

struct snapshot *snapshot_ask(struct api_events *ev, const struct access_principal *who,
                              const struct feed_filter *filter,
                              void (*done)(void *owner, int err, const struct feed_event *e),
                              void *owner)
{
    struct snapshot *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        return NULL;
    }
    arena_init(&s->arena, &mem_libc, 65536);
    s->own.job.run = run;
    s->own.job.done = on_done;
    s->own.destroy = destroy;
    s->ev = ev;
    s->done = done;
    s->owner = owner;
    s->who = (struct access_principal){.name = arena_dup(&s->arena, who->name),
                                       .count = who->count,
                                       .expires_ms = who->expires_ms,
                                       .admin = who->admin};
    s->family = family_of(who);
    if (str_is_set(s->family)) {
        s->family = arena_dup(&s->arena, s->family);
    }
    s->filter = *filter;
    s->filter.call_id = arena_dup(&s->arena, filter->call_id);
    if (!copy_scopes(&s->arena, who->scopes, who->count, &s->who.scopes) ||
        !copy_scopes(&s->arena, filter->device, filter->devices, &s->filter.device) ||
        !take_turn(events_snapshots(ev), s)) {
        destroy(&s->own);
        return NULL;
    }
    return s;
}

void snapshot_forget(struct snapshot *s)
{
    if (s == NULL) {
        return;
    }
    if (list_linked(&s->turn)) {
        list_remove(&s->turn);
        destroy(&s->own);
    } else {
        s->done = NULL;
    }
}

/* ---- all of them ---- */

struct snapshots *snapshots_new(struct api_events *ev)
{
    struct snapshots *all = calloc(1, sizeof(*all));

    if (all != NULL) {
        all->ev = ev;
        list_init(&all->waiting);
        timer_init(&all->next, on_next);
    }
    return all;
}

void snapshots_stop(struct snapshots *all)
{
    all->stopped = true;
    timer_stop(api_wheel(events_api(all->ev)), &all->next);
    while (!list_empty(&all->waiting)) {
        give_up(list_entry(all->waiting.next, struct snapshot, turn), E_STATE);
    }
}

void snapshots_free(struct snapshots *all)
{
    if (all == NULL) {
        return;
    }
    while (!list_empty(&all->waiting)) { /* it was never begun */
        struct snapshot *s = list_entry(all->waiting.next, struct snapshot, turn);
        list_remove(&s->turn);
        destroy(&s->own);
    }
    free(all);
}
