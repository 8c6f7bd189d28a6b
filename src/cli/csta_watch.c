/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Monitors and their events: to whom an event belongs, when it is printed, who has waited for
 * it.
 *
 * HELD EVENTS. While a MakeCall has no answer, events of calls that nobody has heard of wait,
 * so that the answer, which names the call, is printed before them (TR/87 digest S-16).
 *
 * SEEN EVENTS. `wait` must not miss what came between two lines of a script. Events are kept
 * from the first command of a group on; a group is a row of commands and the waits behind them.
 * Each event answers one wait.
 */
#include "cli/csta_client.h"

#include <stdlib.h>

/** Beyond this the oldest event is forgotten: nobody waits for it any more. */
#define SEEN_MAX 4096u
/** After the other party has left, our own ConnectionCleared may take that long (11.1). */
#define GONE_MS 2000u

struct call {
    struct list link;
    size_t n;
    char id[];
};

struct held {
    struct list link;
    uint64_t wall_ms;
    size_t n;
    char body[];
};

struct seen {
    struct list link;
    enum csta_msg_id event;
    size_t n;
    char device[];
};

static char *dup_text(struct str s)
{
    char *p = malloc(s.n + 1);

    if (p == NULL) {
        fputs("baton csta: out of memory\n", stderr);
        exit(EXIT_CODE_FAILED);
    }
    memcpy(p, s.p == NULL ? "" : s.p, s.n);
    p[s.n] = '\0';
    return p;
}

static void *alloc(size_t n)
{
    void *p = calloc(1, n);

    if (p == NULL) {
        fputs("baton csta: out of memory\n", stderr);
        exit(EXIT_CODE_FAILED);
    }
    return p;
}

/* ---- calls ---- */

static struct call *call_find(struct csta_client *c, struct str id)
{
    list_each(it, &c->calls)
    {
        struct call *call = list_entry(it, struct call, link);
        if (str_eq(str_make(call->id, call->n), id)) {
            return call;
        }
    }
    return NULL;
}

void csta_call_known(struct csta_client *c, struct str call_id)
{
    struct call *call;

    if (call_id.n == 0 || call_find(c, call_id) != NULL) {
        return;
    }
    call = alloc(sizeof(*call) + call_id.n);
    call->n = call_id.n;
    memcpy(call->id, call_id.p, call_id.n);
    list_append(&c->calls, &call->link);
}

static void calls_clear(struct csta_client *c)
{
    while (!list_empty(&c->calls)) {
        struct call *call = list_entry(c->calls.next, struct call, link);
        list_remove(&call->link);
        free(call);
    }
}

static void track_call(struct csta_client *c, const struct csta_event_view *v)
{
    struct call *call;

    if (v->connection == NULL || v->connection->call_id.n == 0) {
        return;
    }
    if (v->local != CSTA_STATE_NULL) {
        csta_call_known(c, v->connection->call_id);
        return;
    }
    call = call_find(c, v->connection->call_id);
    if (call != NULL) {
        list_remove(&call->link);
        free(call);
    }
}

/* ---- watching a call ---- */

static void watch_settle(struct csta_client *c)
{
    if (c->watch.on && c->watch.answered && c->watch.over) {
        csta_client_done(c, c->watch.failed ? EXIT_CODE_FAILED : EXIT_CODE_OK);
    }
}

void csta_watch_end(struct csta_client *c)
{
    free(c->watch.call_id);
    c->watch = (struct csta_watch){0};
    ua_after(c->ua, CSTA_SLOT_GONE, 0, NULL, NULL);
}

void csta_watch_set_call(struct csta_client *c, struct str call_id)
{
    free(c->watch.call_id);
    c->watch.call_id = call_id.n > 0 ? dup_text(call_id) : NULL;
}

void csta_watch_begin(struct csta_client *c, struct str device, struct str call_id)
{
    csta_watch_end(c);
    c->watch.on = true;
    c->watch.device = device;
    csta_watch_set_call(c, call_id);
}

void csta_watch_answered(struct csta_client *c)
{
    c->watch.answered = true;
    watch_settle(c);
}

void csta_watch_learn(struct csta_client *c, const struct csta_msg *snapshot)
{
    const struct csta_snapshot_device_response_info_list *l = csta_snapshot_calls(snapshot);

    for (size_t i = 0; i < l->n; i++) {
        csta_call_known(c, l->item[i].connection_identifier.call_id);
    }
    if (l->n == 1) {
        csta_watch_set_call(c, l->item[0].connection_identifier.call_id);
    }
}

static void on_gone(void *ctx)
{
    struct csta_client *c = ctx;

    c->watch.over = true;
    watch_settle(c);
}

/** The call goes on under another id. */
static void watch_follow(struct csta_client *c, const struct csta_event_view *v)
{
    for (size_t i = 0; v->connections != NULL && i < v->connections->n; i++) {
        const struct csta_connection_list_item *item = &v->connections->item[i];
        if (str_eq(item->old_connection.call_id, str_c(c->watch.call_id)) &&
            item->new_connection.call_id.n > 0) {
            csta_watch_set_call(c, item->new_connection.call_id);
            return;
        }
    }
}

static void watch_event(struct csta_client *c, const struct csta_event_view *v,
                        struct str device)
{
    struct csta_watch *w = &c->watch;

    if (!w->on || w->over || v->connection == NULL || !csta_device_same(device, w->device)) {
        return;
    }
    if (w->call_id == NULL && w->answered && v->connection->call_id.n > 0) {
        csta_watch_set_call(c, v->connection->call_id);
    }
    if (w->call_id == NULL || !str_eq(v->connection->call_id, str_c(w->call_id))) {
        return;
    }
    ua_after(c->ua, CSTA_SLOT_GONE, 0, NULL, NULL);
    w->failed = w->failed || v->id == CSTA_MSG_FAILED_EVENT;
    w->conference = w->conference || v->id == CSTA_MSG_CONFERENCED_EVENT;
    switch (csta_event_ends_call(v, w->device)) {
    case CSTA_CALL_OVER:
        w->over = true;
        watch_settle(c);
        break;
    case CSTA_CALL_MAYBE_OVER:
        if (!w->conference) {
            ua_after(c->ua, CSTA_SLOT_GONE, GONE_MS, on_gone, c);
        }
        break;
    case CSTA_CALL_GOES_ON:
        watch_follow(c, v);
        break;
    }
}

/* ---- wait ---- */

void csta_seen_clear(struct csta_client *c)
{
    while (!list_empty(&c->seen)) {
        struct seen *s = list_entry(c->seen.next, struct seen, link);
        list_remove(&s->link);
        free(s);
    }
    c->nseen = 0;
}

static void seen_add(struct csta_client *c, enum csta_msg_id event, struct str device)
{
    struct seen *s = alloc(sizeof(*s) + device.n);

    s->event = event;
    s->n = device.n;
    memcpy(s->device, device.p == NULL ? "" : device.p, device.n);
    list_append(&c->seen, &s->link);
    if (++c->nseen > SEEN_MAX) {
        s = list_entry(c->seen.next, struct seen, link);
        list_remove(&s->link);
        free(s);
        c->nseen--;
    }
}

bool csta_seen_take(struct csta_client *c, enum csta_msg_id event, struct str device)
{
    list_each(it, &c->seen)
    {
        struct seen *s = list_entry(it, struct seen, link);
        if (s->event == event &&
            (!str_is_set(device) || csta_device_same(str_make(s->device, s->n), device))) {
            list_remove(&s->link);
            free(s);
            c->nseen--;
            return true;
        }
    }
    return false;
}

/* ---- monitors ---- */

struct csta_monitor *csta_monitor_find(struct csta_client *c, struct str device)
{
    list_each(it, &c->monitors)
    {
        struct csta_monitor *m = list_entry(it, struct csta_monitor, link);
        if (!m->dropped && csta_device_same(str_c(m->device), device)) {
            return m;
        }
    }
    return NULL;
}

static struct csta_monitor *monitor_by_ref(struct csta_client *c, struct str cross_ref)
{
    list_each(it, &c->monitors)
    {
        struct csta_monitor *m = list_entry(it, struct csta_monitor, link);
        if (m->running && str_eq(str_c(m->cross_ref), cross_ref)) {
            return m;
        }
    }
    return NULL;
}

static void monitor_free(struct csta_monitor *m)
{
    if (m->pending > 0) {
        m->dropped = true;
        m->running = false;
        return;
    }
    list_remove(&m->link);
    free(m->device);
    free(m->without);
    free(m->cross_ref);
    free(m);
}

void csta_monitor_forget(struct csta_client *c, struct str cross_ref)
{
    struct csta_monitor *m = monitor_by_ref(c, cross_ref);

    if (m != NULL) {
        monitor_free(m);
    }
}

static void on_again_snapshot(void *owner, const struct csta_answer *a)
{
    struct csta_monitor *m = owner;
    struct csta_client *c = m->client;
    const struct csta_snapshot_device_response_info_list *l;
    bool still = false;

    m->pending--;
    if (m->dropped) {
        monitor_free(m);
        return;
    }
    if (!a->ok || a->msg.body == NULL) {
        csta_client_refused(c, csta_msg_name(CSTA_MSG_SNAPSHOT_DEVICE), a);
        return;
    }
    csta_print_answer(&c->printer, csta_wall_ms(), CSTA_MSG_SNAPSHOT_DEVICE, str_c(m->device),
                      &a->msg, a->body);
    l = csta_snapshot_calls(&a->msg);
    for (size_t i = 0; i < l->n; i++) {
        struct str id = l->item[i].connection_identifier.call_id;
        csta_call_known(c, id);
        still = still || (c->watch.call_id != NULL && str_eq(id, str_c(c->watch.call_id)));
    }
    if (c->watch.on && !still && csta_device_same(str_c(m->device), c->watch.device)) {
        c->watch.over = true; /* it ended while nobody was looking */
        watch_settle(c);
    }
}

/** After a session was lost: what is going on at the device now? */
static void snapshot_again(struct csta_monitor *m)
{
    struct csta_snapshot_device body = {.snapshot_object = {.value = str_c(m->device)}};
    const struct csta_msg msg = {.id = CSTA_MSG_SNAPSHOT_DEVICE, .snapshot_device = &body};

    m->pending++;
    if (!csta_client_send(m->client, &msg, on_again_snapshot, m)) {
        m->pending--;
    }
}

static void on_monitor_answer(void *owner, const struct csta_answer *a)
{
    struct csta_monitor *m = owner;
    struct csta_client *c = m->client;
    bool ok = a->ok && a->msg.body != NULL && a->msg.id == CSTA_MSG_MONITOR_START_RESPONSE;
    bool asked = m->asked;

    m->pending--;
    m->asked = false;
    if (ok) {
        free(m->cross_ref);
        m->cross_ref = dup_text(a->msg.monitor_start_response->monitor_cross_ref_id);
        m->running = true;
        csta_print_answer(&c->printer, csta_wall_ms(), CSTA_MSG_MONITOR_START, str_c(m->device),
                          &a->msg, a->body);
        if (!asked && !m->call) {
            snapshot_again(m);
        }
    } else {
        csta_client_refused(c, arena_fmt(&c->ua->scratch, "MonitorStart of %s", m->device), a);
        if (asked || c->session.state == CSTA_SESSION_UP) {
            monitor_free(m); /* refused; a lost session only means to try again in the next */
        }
    }
    if (asked) {
        csta_client_monitor_answered(c, ok);
    }
}

static bool monitor_send(struct csta_monitor *m)
{
    struct csta_monitor_start body = {
        .monitor_object = {.kind = CSTA_MONITOR_OBJECT_DEVICE_OBJECT,
                           .device_object = {.value = str_c(m->device)}},
        .monitor_type = CSTA_MONITOR_TYPE_DEVICE};
    const struct csta_msg msg = {.id = CSTA_MSG_MONITOR_START, .monitor_start = &body};
    struct str wrong;

    if (m->call) {
        body.monitor_object = (struct csta_monitor_object){
            .kind = CSTA_MONITOR_OBJECT_CALL_OBJECT,
            .call_object = csta_connection_parse(str_c(m->device))};
        body.monitor_type = CSTA_MONITOR_TYPE_CALL;
    }
    if (m->without != NULL && csta_filter_read(str_c(m->without), &m->client->ua->scratch,
                                               &body.requested_monitor_filter, &wrong) != 0) {
        return false;
    }
    m->pending++;
    if (!csta_client_send(m->client, &msg, on_monitor_answer, m)) {
        m->pending--;
        return false;
    }
    return true;
}

bool csta_monitor_start(struct csta_client *c, struct str device, bool call, struct str without)
{
    struct csta_monitor *m = alloc(sizeof(*m));

    m->client = c;
    m->asked = true;
    m->call = call;
    m->device = dup_text(device);
    m->without = str_is_set(without) ? dup_text(without) : NULL;
    list_append(&c->monitors, &m->link);
    if (!monitor_send(m)) {
        monitor_free(m);
        return false;
    }
    return true;
}

void csta_monitors_again(struct csta_client *c)
{
    calls_clear(c);
    list_each(it, &c->monitors)
    {
        struct csta_monitor *m = list_entry(it, struct csta_monitor, link);
        m->running = false;
        (void)monitor_send(m);
    }
}

/* ---- events ---- */

static void show(struct csta_client *c, uint64_t wall_ms, const struct csta_msg *m,
                 struct str body)
{
    struct csta_event_view v;
    struct csta_monitor *monitor;
    struct str device;

    (void)csta_event_view(m, &v);
    monitor = monitor_by_ref(c, v.cross_ref);
    device = monitor == NULL ? STR_NONE : str_c(monitor->device);
    csta_print_event(&c->printer, wall_ms, device, m, body);
    track_call(c, &v);
    if (c->order.verb == CSTA_VERB_WAIT && m->id == c->order.event &&
        (!str_is_set(c->order.wait_device) || csta_device_same(device, c->order.wait_device))) {
        csta_client_done(c, EXIT_CODE_OK);
        return;
    }
    if (c->shell) {
        seen_add(c, m->id, device);
    }
    if (c->order.verb == CSTA_VERB_MONITOR && !c->shell) {
        c->counted++;
        if ((c->order.count > 0 && c->counted >= c->order.count) ||
            (c->order.event != CSTA_MSG_NONE && c->order.event == m->id)) {
            csta_client_done(c, EXIT_CODE_OK);
        }
        return;
    }
    watch_event(c, &v, device);
}

static bool must_hold(struct csta_client *c, const struct csta_msg *m)
{
    struct csta_event_view v;

    return c->call_pending && csta_event_view(m, &v) && v.connection != NULL &&
           v.connection->call_id.n > 0 && call_find(c, v.connection->call_id) == NULL;
}

void csta_client_on_event(void *client, const struct csta_msg *m, struct str body)
{
    struct csta_client *c = client;
    struct held *h;

    if (!must_hold(c, m)) {
        show(c, csta_wall_ms(), m, body);
        return;
    }
    h = alloc(sizeof(*h) + body.n);
    h->wall_ms = csta_wall_ms();
    h->n = body.n;
    memcpy(h->body, body.p, body.n);
    list_append(&c->held, &h->link);
}

void csta_held_release(struct csta_client *c)
{
    while (!list_empty(&c->held)) {
        struct held *h = list_entry(c->held.next, struct held, link);
        struct str body = str_make(h->body, h->n);
        struct csta_msg m;
        list_remove(&h->link);
        if (csta_decode(body, NULL, &c->ua->scratch, &m, NULL) == 0) {
            show(c, h->wall_ms, &m, body);
        }
        free(h);
    }
}

void csta_watch_fini(struct csta_client *c)
{
    csta_watch_end(c);
    csta_seen_clear(c);
    calls_clear(c);
    while (!list_empty(&c->held)) {
        struct held *h = list_entry(c->held.next, struct held, link);
        list_remove(&h->link);
        free(h);
    }
    while (!list_empty(&c->monitors)) {
        struct csta_monitor *m = list_entry(c->monitors.next, struct csta_monitor, link);
        m->pending = 0; /* the session has forgotten its requests */
        monitor_free(m);
    }
}
