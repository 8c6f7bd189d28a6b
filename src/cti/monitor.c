/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device monitors: MonitorStart, MonitorStop, and who watches which device (ECMA-269 §15;
 * TR/87 9.1).
 *
 * A monitor is a cursor over the records of its device from the moment at which it was started.
 * The same device may be monitored as often as the limits allow, also within one session; each
 * monitor has a reference of its own and is told everything. Events of calls that exist already
 * are told as well (monitorExistingCalls); what they were before, SnapshotDevice says.
 *
 * SPELLING. A client may write a device in many ways and some compare what they get with what
 * they wrote, octet by octet (TR/87 I-2). So the spelling of MonitorStart is kept, when it is
 * not ours, and used for that device wherever it occurs in this session.
 *
 * FILTER. Its polarity is disputed among implementations (N-4), so none is applied: the answer
 * has no actualMonitorFilter and all events are sent.
 */
#include "cti/parts.h"

static struct watch *watch_get(struct cti *c, struct device *dev)
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

static void watch_drop(struct cti *c, struct watch *w)
{
    if (list_empty(&w->monitors)) {
        w->device->cti = NULL;
        pool_put(&c->watch_pool, w);
    }
}

void watch_on_record(struct watch *w, uint64_t number)
{
    list_each(it, &w->monitors)
    {
        struct monitor *m = list_entry(it, struct monitor, of_device);
        m->unsent++;
        m->session->unsent++;
        ready_add(m, number);
        deliver_mark(m->session);
    }
}

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

void monitor_free(struct monitor *m)
{
    struct cti_session *s = m->session;
    struct cti *c = s->cti;

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

/* ---- MonitorStart ---- */

static struct monitor *monitor_new(struct cti_session *s, struct device *dev,
                                   struct str spelling)
{
    struct cti *c = s->cti;
    struct monitor *m = pool_get(&c->monitor_pool);
    struct watch *w = watch_get(c, dev);

    if (m == NULL || w == NULL || ready_reserve(s, s->monitor_count + 1) != 0 ||
        journal_open(c->journal, dev->key, journal_head(c->journal), &m->cursor) != 0) {
        goto out;
    }
    if (!str_eq(spelling, dev->uri) && mem_dup(&c->env->mem, spelling, &m->spelling) != 0) {
        journal_close(c->journal, &m->cursor);
        goto out;
    }
    m->session = s;
    m->watch = w;
    m->ref = ++s->last_ref;
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

static bool resolve_object(const struct request *r, struct device **out, struct outcome *err)
{
    const struct csta_monitor_start *m = r->msg->monitor_start;

    if (m->monitor_object.kind != CSTA_MONITOR_OBJECT_DEVICE_OBJECT) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_MONITOR_OBJECT_TYPE,
                             "only devices can be monitored");
        return false;
    }
    if (m->monitor_type == CSTA_MONITOR_TYPE_CALL) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_MONITOR_TYPE_NOT_SUPPORTED,
                             "only monitors of type device are supported");
        return false;
    }
    return resolve_device(r, &m->monitor_object.device_object, CSTA_OPERATION_INVALID_DEVICE_ID,
                          out, err);
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

struct outcome service_monitor_start(struct request *r)
{
    struct cti_session *s = r->from.session;
    struct cti *c = r->cti;
    struct csta_monitor_start_response *answer = arena_zalloc(c->scratch, sizeof(*answer));
    struct monitor *m;
    struct device *dev;
    struct outcome err;
    const char *limit;

    if (!resolve_object(r, &dev, &err)) {
        return err;
    }
    limit = limit_reached(s);
    if (limit != NULL) {
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_OVERALL_MONITOR_LIMIT_EXCEEDED, limit);
    }
    m = answer == NULL
            ? NULL
            : monitor_new(s, dev, r->msg->monitor_start->monitor_object.device_object.value);
    if (m == NULL) {
        return outcome_nomem();
    }
    m->edition = (uint8_t)r->from.edition;
    answer->monitor_cross_ref_id = arena_fmt(c->scratch, "%u", m->ref);
    answer->monitor_existing_calls = CSTA_TRUE;
    if (answer->monitor_cross_ref_id.n == 0) {
        monitor_free(m);
        return outcome_nomem();
    }
    if (c->config.back_in_service_on_monitor &&
        registrar_find(c->registrar, dev->key) != NULL) {
        greet(m);
    }
    return outcome_answer(r, answer);
}

/* ---- MonitorStop ---- */

static struct monitor *monitor_find(const struct cti_session *s, struct str ref)
{
    uint32_t n;

    if (!str_to_u32(ref, &n)) {
        return NULL;
    }
    list_each(it, &s->monitors)
    {
        struct monitor *m = list_entry(it, struct monitor, of_session);
        if (m->ref == n) {
            return m;
        }
    }
    return NULL;
}

struct outcome service_monitor_stop(struct request *r)
{
    static const struct csta_monitor_stop_response answer;
    struct monitor *m =
        monitor_find(r->from.session, r->msg->monitor_stop->monitor_cross_ref_id);

    if (m == NULL) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_MONITOR_CROSS_REF_ID,
                             "this session has no such monitor");
    }
    monitor_free(m);
    return outcome_answer(r, &answer);
}
