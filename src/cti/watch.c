/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches what, and how a monitor comes to its end.
 *
 *   device->cti ──► watch ──► monitors of that device, of any session
 *   call->cti   ──► watch ──► next: one for each application that watches the call
 *
 * A call is watched as an application may see it, and what it may see differs, so each has
 * records of its own in the journal. When two calls become one, the watches of the one that
 * ends go over to the one that goes on. A monitor of a call is told CallCleared last and is
 * gone then, without MonitorStop.
 *
 * A RECORD that a monitor's filter keeps back is not counted as unsent. A monitor that has
 * nothing to tell passes it at once; one that is behind passes it when it comes to it
 * (deliver.c). So a filter costs what is not sent nothing, and leaves no gap.
 *
 * END. MonitorStop of the client, or the end of its session, frees a monitor at once. When the
 * switching function ends it (the device is removed, the application may not see it any more),
 * it takes no more records, tells those that it has, and then its session sends MonitorStop.
 */
#include "cti/parts.h"

struct watch *watch_of_device(struct cti *c, struct device *dev)
{
    struct watch *w = dev->cti;

    if (w == NULL) {
        w = pool_get(&c->watch_pool);
        if (w == NULL) {
            return NULL;
        }
        w->device = dev;
        list_init(&w->monitors);
        dev->cti = w;
    }
    return w;
}

struct watch *watch_of_call(struct cti *c, struct call *call, const struct application *app)
{
    struct out name;
    struct watch *w;

    for (w = call->cti; w != NULL; w = w->next) {
        if (w->app == app) {
            return w;
        }
    }
    w = pool_get(&c->watch_pool);
    if (w == NULL) {
        return NULL;
    }
    w->call = call;
    w->app = app;
    list_init(&w->monitors);
    out_init(&name, w->name, sizeof(w->name) - 1);
    out_fmt(&name, "call %llu", (unsigned long long)++c->call_watches); /* no key has blanks */
    w->next = call->cti;
    call->cti = w;
    return w;
}

struct watch *watch_restored(struct cti *c, struct call *call, const struct application *app,
                             struct str name)
{
    struct watch *w = call != NULL ? watch_of_call(c, call, app) : pool_get(&c->watch_pool);
    struct str number = str_from(name, sizeof("call ") - 1);
    uint64_t n = 0;

    if (w == NULL || name.n >= sizeof(w->name)) {
        return w;
    }
    if (call == NULL) {
        w->app = app;
        list_init(&w->monitors);
    }
    memcpy(w->name, name.p, name.n);
    w->name[name.n] = '\0';
    if (str_to_u64(number, UINT64_MAX, &n) && n > c->call_watches) {
        c->call_watches = n;
    }
    return w;
}

/** The rows of its monitors name the call. */
static void touch_all(const struct watch *w)
{
    list_each(it, &w->monitors)
    {
        monitor_touch(list_entry(it, struct monitor, of_device));
    }
}

static void leave_call(struct watch *w)
{
    struct watch *at = w->call->cti;

    if (at == w) {
        w->call->cti = w->next;
    } else {
        while (at->next != w) {
            at = at->next;
        }
        at->next = w->next;
    }
    w->call = NULL;
    w->next = NULL;
}

void watch_drop(struct cti *c, struct watch *w)
{
    if (!list_empty(&w->monitors)) {
        return;
    }
    if (w->device != NULL) {
        w->device->cti = NULL;
    }
    if (w->call != NULL) {
        leave_call(w);
    }
    pool_put(&c->watch_pool, w);
}

struct str watch_key(const struct watch *w)
{
    return w->device != NULL ? w->device->key : str_c(w->name);
}

void watch_on_record(struct watch *w, uint64_t number)
{
    list_each(it, &w->monitors)
    {
        struct monitor *m = list_entry(it, struct monitor, of_device);
        const struct journal_record *r = journal_find(m->session->cti->journal, number);
        if (m->ending) {
            continue;
        }
        if (r != NULL && monitor_hides(m, r)) {
            if (m->unsent == 0) {
                journal_skip(&m->cursor);
            }
            continue;
        }
        m->unsent++;
        m->session->unsent++;
        ready_add(m, number);
        deliver_mark(m->session);
    }
}

void watch_call_moved(struct call *from, struct call *to)
{
    struct watch *w = from->cti;

    if (w == NULL || from == to) {
        return;
    }
    for (;; w = w->next) {
        w->call = to;
        touch_all(w);
        if (w->next == NULL) {
            break;
        }
    }
    w->next = to->cti;
    to->cti = from->cti;
    from->cti = NULL;
}

/** All of them are told what the call had to tell; the last one takes the watch with it. */
static void watch_over(struct watch *w)
{
    struct list *it = w->monitors.next, *next;

    for (; it != NULL; it = next) {
        next = it->next == &w->monitors ? NULL : it->next;
        monitor_told_all(list_entry(it, struct monitor, of_device), 0);
    }
}

void watch_call_over(struct call *call)
{
    while (call->cti != NULL) {
        struct watch *w = call->cti;
        leave_call(w);
        touch_all(w);
        watch_over(w);
    }
}

/* ---- monitors ---- */

void monitor_free(struct monitor *m)
{
    struct cti_session *s = m->session;
    struct cti *c = s->cti;

    monitor_unkeep(m);
    ready_remove(m);
    s->unsent -= m->unsent;
    s->spelled -= str_is_set(m->spelling) ? 1 : 0;
    s->monitor_count--;
    c->stats.monitors--;
    journal_close(c->journal, &m->cursor);
    mem_free(&c->env->mem, (void *)(uintptr_t)m->spelling.p);
    list_remove(&m->of_session);
    list_remove(&m->of_device);
    watch_drop(c, m->watch);
    pool_put(&c->monitor_pool, m);
}

void monitor_told_all(struct monitor *m, uint64_t now_ms)
{
    struct cti_session *s = m->session;
    struct csta_monitor_stop stop;
    struct csta_msg msg = {.id = CSTA_MSG_MONITOR_STOP,
                           .edition = (enum csta_edition)m->edition};
    bool over = m->watch->device == NULL && m->watch->call == NULL;

    if (m->unsent > 0 || (!m->ending && !over)) {
        return;
    }
    stop = (struct csta_monitor_stop){.monitor_cross_ref_id =
                                          arena_fmt(s->cti->scratch, "%u", m->ref)};
    msg.monitor_stop = &stop;
    over = !m->ending;
    monitor_free(m);
    if (!over && cti_ask(s, &msg, NULL, NULL, now_ms) != 0) {
        env_trace_of(s->cti->env, TRACE_WARN, "cti", &(struct trace_ids){.who = s->app->name},
                     "%.*s: a monitor ended, and it is not told", STR_ARG(s->app->name));
    }
}

void monitor_skip(struct monitor *m)
{
    ready_remove(m);
    m->session->unsent -= m->unsent;
    m->unsent = 0;
    m->greet = false;
    journal_skip(&m->cursor);
    monitor_touch(m);
}

void monitor_end(struct monitor *m, uint64_t now_ms)
{
    m->ending = true;
    monitor_touch(m);
    monitor_told_all(m, now_ms);
}
