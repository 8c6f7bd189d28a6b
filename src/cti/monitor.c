/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MonitorStart, ChangeMonitorFilter, MonitorStop of the client (ECMA-269 §15; TR/87 9.1).
 *
 * A monitor is a cursor over the records of its device, or of its call, from the moment at
 * which it was started. The same object may be monitored as often as the limits allow, also
 * within one session; each monitor has a reference of its own and is told everything. Events of
 * calls that exist already are told as well (monitorExistingCalls); what they were before,
 * SnapshotDevice and SnapshotCall say.
 *
 * TYPES. A device is monitored as a device: its own view of each event. A call is monitored as
 * a call: what happens to any party of it, once, without localConnectionInfo, and CallCleared
 * at its end. What belongs to devices that the application is not granted is told only as far
 * as one of its own devices hears of it. The type may be left out; the two mixed forms of the
 * standard are refused.
 *
 * SPELLING. A client may write a device in many ways and some compare what they get with what
 * they wrote, octet by octet (TR/87 I-2). So the spelling of MonitorStart is kept, when it is
 * not ours, and used for that device wherever it occurs in this session.
 *
 * FILTER. `true` keeps an event back (filter.c); the answer repeats the filter. A change of the
 * filter can only take away from what was recorded before it.
 */
#include "cti/parts.h"

struct str session_spelling(const struct cti_session *s, struct str id)
{
    struct device *dev = s->spelled == 0 ? NULL : directory_device_named(s->cti->directory, id);
    struct watch *w = dev == NULL ? NULL : dev->cti;

    if (w == NULL || !str_eq(dev->uri, id)) {
        return id;
    }
    list_each(it, &w->monitors)
    {
        const struct monitor *m = list_entry(it, struct monitor, of_device);
        if (m->session == s && str_is_set(m->spelling)) {
            return m->spelling;
        }
    }
    return id;
}

struct str monitor_spelling(const struct monitor *m, struct str id)
{
    if (str_is_set(m->spelling) && str_eq(id, m->watch->device->uri)) { /* of a device */
        return m->spelling;
    }
    return session_spelling(m->session, id);
}

/* ---- MonitorStart ---- */

/** @param w  of its object, perhaps without monitors yet; NULL: there was no memory */
static struct monitor *monitor_new(struct cti_session *s, struct watch *w, struct str spelling,
                                   uint64_t after)
{
    struct cti *c = s->cti;
    struct monitor *m = pool_get(&c->monitor_pool);

    if (m == NULL || w == NULL || ready_reserve(s, s->monitor_count + 1) != 0 ||
        journal_open(c->journal, watch_key(w), after, &m->cursor) != 0) {
        goto out;
    }
    if (w->device != NULL && !str_eq(spelling, w->device->uri) &&
        mem_dup(&c->env->mem, spelling, &m->spelling) != 0) {
        journal_close(c->journal, &m->cursor);
        goto out;
    }
    m->session = s;
    m->watch = w;
    list_append(&s->monitors, &m->of_session);
    list_append(&w->monitors, &m->of_device);
    s->monitor_count++;
    s->spelled += str_is_set(m->spelling) ? 1 : 0;
    c->stats.monitors++;
    return m;
out:
    if (m != NULL) {
        pool_put(&c->monitor_pool, m);
    }
    if (w != NULL) {
        watch_drop(c, w);
    }
    return NULL;
}

/** Monitors of all sessions of this application. */
static size_t monitors_of(const struct cti *c, const struct application *app)
{
    size_t n = 0;

    list_each(it, &c->sessions)
    {
        const struct cti_session *s = list_entry(it, struct cti_session, link);
        n += s->app == app ? s->monitor_count : 0;
    }
    return n;
}

static const char *limit_reached(const struct cti_session *s)
{
    const struct cti *c = s->cti;

    if (c->stats.monitors >= c->config.max_monitors) {
        return "the server has as many monitors as it may have";
    }
    if (s->monitor_count >= c->config.max_session_monitors) {
        return "the session has as many monitors as it may have";
    }
    if (s->app->max_monitors != 0 && monitors_of(c, s->app) >= s->app->max_monitors) {
        return "the application has as many monitors as it may have";
    }
    return NULL;
}

/** What is to be watched: of the two the one that is. */
struct object {
    struct device *device;
    struct call *call;
};

static bool resolve_object(const struct request *r, struct object *out, struct outcome *err)
{
    const struct csta_monitor_start *m = r->msg->monitor_start;
    bool call = m->monitor_object.kind == CSTA_MONITOR_OBJECT_CALL_OBJECT;

    *out = (struct object){NULL, NULL};
    if (m->monitor_type != CSTA_MONITOR_TYPE_ABSENT &&
        (m->monitor_type == CSTA_MONITOR_TYPE_CALL) != call) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_MONITOR_TYPE_NOT_SUPPORTED,
                             "a device is monitored with type device, a call with type call");
        return false;
    }
    if (call) {
        return resolve_call(r, &m->monitor_object.call_object, &out->call, err);
    }
    return resolve_device(r, &m->monitor_object.device_object, CSTA_OPERATION_INVALID_DEVICE_ID,
                          &out->device, err);
}

/** BackInService says "monitored and usable"; it stands before all that comes later. */
static void greet(struct monitor *m)
{
    struct cti_session *s = m->session;

    m->greet = true;
    m->unsent++;
    s->unsent++;
    ready_add(m, journal_head(s->cti->journal));
}

static struct monitor *start(const struct request *r, const struct object *object)
{
    const struct csta_monitor_start *m = r->msg->monitor_start;
    struct cti_session *s = r->from.session;
    uint64_t head = journal_head(r->cti->journal);
    struct monitor *made;

    if (object->call != NULL) {
        made = monitor_new(s, watch_of_call(r->cti, object->call, s->app), STR_NONE, head);
    } else {
        made = monitor_new(s, watch_of_device(r->cti, object->device),
                           m->monitor_object.device_object.value, head);
    }
    if (made != NULL) {
        made->ref = ++s->last_ref;
        monitor_touch(made);
        made->edition = (uint8_t)r->from.edition;
        made->filter = filter_read(m->requested_monitor_filter);
    }
    return made;
}

struct outcome service_monitor_start(struct request *r)
{
    struct cti_session *s = r->from.session;
    struct cti *c = r->cti;
    struct csta_monitor_start_response *answer = arena_zalloc(c->scratch, sizeof(*answer));
    struct monitor *m;
    struct object object;
    struct outcome err;
    const char *limit;

    if (!resolve_object(r, &object, &err)) {
        return err;
    }
    limit = limit_reached(s);
    if (limit != NULL) {
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_OVERALL_MONITOR_LIMIT_EXCEEDED, limit);
    }
    m = answer == NULL ? NULL : start(r, &object);
    if (m == NULL) {
        return outcome_nomem();
    }
    answer->monitor_cross_ref_id = arena_fmt(c->scratch, "%u", m->ref);
    answer->monitor_existing_calls = CSTA_TRUE;
    answer->actual_monitor_filter = r->msg->monitor_start->requested_monitor_filter;
    if (answer->monitor_cross_ref_id.n == 0) {
        monitor_free(m);
        return outcome_nomem();
    }
    if (object.device != NULL && c->config.back_in_service_on_monitor &&
        !filter_has(&m->filter, CSTA_MSG_BACK_IN_SERVICE_EVENT) &&
        registrar_find(c->registrar, object.device->key) != NULL) {
        greet(m);
    }
    return outcome_answer(r, answer);
}

/* ---- of one that runs ---- */

/** One that the server is ending is none any more: the client's request crossed that. */
static struct monitor *monitor_find(const struct cti_session *s, struct str ref)
{
    uint32_t n;

    if (!str_to_u32(ref, &n)) {
        return NULL;
    }
    list_each(it, &s->monitors)
    {
        struct monitor *m = list_entry(it, struct monitor, of_session);
        if (m->ref == n && !m->ending) {
            return m;
        }
    }
    return NULL;
}

static struct outcome no_such_monitor(void)
{
    return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_MONITOR_CROSS_REF_ID,
                         "this session has no such monitor");
}

/** What it may tell of that which was recorded: counted again, from the first such record. */
static void recount(struct monitor *m)
{
    struct journal *j = m->session->cti->journal;
    struct journal_cursor at = m->cursor;
    const struct journal_record *r;
    uint32_t n = m->greet ? 1 : 0;
    uint64_t due = m->greet ? m->due : 0;
    bool shown = false;

    while (journal_peek(j, &at, &r) == 0) {
        journal_step(&at, r);
        if (!monitor_hides(m, r)) {
            due = n == 0 ? r->number : due;
            n++;
            shown = true;
        } else if (!shown) {
            m->cursor = at;
        }
    }
    ready_remove(m);
    m->session->unsent -= m->unsent;
    m->session->unsent += n;
    m->unsent = n;
    if (n > 0) {
        ready_add(m, due);
    }
}

struct monitor *monitor_restored(struct cti_session *s, struct watch *w, struct str spelling,
                                 uint32_t ref, uint64_t after)
{
    /* the client's spelling was kept because it is not ours */
    struct str as = str_is_set(spelling) || w->device == NULL ? spelling : w->device->uri;
    struct monitor *m = monitor_new(s, w, as, after);

    if (m != NULL) {
        m->ref = ref;
    }
    return m;
}

void monitor_catch_up(struct monitor *m)
{
    const struct journal_record *next;

    if (journal_peek(m->session->cti->journal, &m->cursor, &next) == E_NOTFOUND) {
        m->unsent++;
        m->session->unsent++;
        ready_add(m, 0);
    } else {
        m->due = m->cursor.after;
        recount(m);
    }
    monitor_touch(m);
}

struct outcome service_change_monitor_filter(struct request *r)
{
    const struct csta_change_monitor_filter *asked = r->msg->change_monitor_filter;
    struct csta_change_monitor_filter_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct monitor *m = monitor_find(r->from.session, asked->monitor_cross_ref_id);
    const struct journal_record *next;

    if (m == NULL) {
        return no_such_monitor();
    }
    if (answer == NULL) {
        return outcome_nomem();
    }
    for (size_t i = 0; i < ARRAY_LEN(m->earlier.bits); i++) {
        m->earlier.bits[i] = m->filter.bits[i] | (m->unsent > 0 ? m->earlier.bits[i] : 0);
    }
    m->filter = filter_read(asked->requested_filter_list);
    monitor_touch(m);
    m->filter_since = journal_head(r->cti->journal);
    m->greet = m->greet && !filter_has(&m->filter, CSTA_MSG_BACK_IN_SERVICE_EVENT);
    if (journal_peek(r->cti->journal, &m->cursor, &next) != E_NOTFOUND) {
        recount(m); /* else there is a gap, and deliver.c comes to it */
    }
    answer->actual_filter_list = asked->requested_filter_list;
    monitor_told_all(m, r->now_ms);
    return outcome_answer(r, answer);
}

struct outcome service_monitor_stop(struct request *r)
{
    static const struct csta_monitor_stop_response answer;
    struct monitor *m =
        monitor_find(r->from.session, r->msg->monitor_stop->monitor_cross_ref_id);

    if (m == NULL) {
        return no_such_monitor();
    }
    monitor_free(m);
    return outcome_answer(r, &answer);
}
