/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who wants to hear of the system: SystemRegister, its end, and what is told to those who
 * registered (ECMA-269 §14; TR/87 9.3).
 *
 *   SystemRegister ──► registered ──► SystemStatus messagesLost    events were lost
 *                         │      ──► SwFunctionDevicesChanged      after a reload
 *                         ├── SystemRegisterCancel ──► not registered
 *                         └── the application is gone: SystemRegisterAbort ──► not registered
 *
 * LOST EVENTS. A session that registered for systemStatus is told, in the turn of what was
 * lost, and goes on with what happens from then on; it takes snapshots. Nothing else could
 * tell the others: their session is ended (deliver.c). While the report is on its way further
 * losses are part of it.
 *
 * A session has one registration at a time. In the status filter, as in that of a monitor,
 * `true` keeps a status back; only messagesLost is ever sent. Who keeps that back did not
 * register for it, as far as losses go.
 *
 * RELOAD. cti_roster_changed looks at every session: monitors of what the application may not
 * see any more are ended by MonitorStop. The set of its devices is compared by a sum of hashes,
 * so no list is kept.
 */
#include "cti/parts.h"

uint64_t devices_seen(const struct cti *c, const struct application *app)
{
    const struct directory *d = c->directory;
    uint64_t sum = 0;
    size_t slot = 0;

    for (struct map_node *n = map_walk(&d->devices, &slot, NULL); n != NULL;
         n = map_walk(&d->devices, &slot, n)) {
        const struct device *dev = container_of(n, struct device, by_key);
        sum += directory_may_observe(app, dev) ? hash_bytes(&d->key, dev->key) : 0;
    }
    return sum;
}

/* ---- services ---- */

struct outcome service_system_register(struct request *r)
{
    const struct csta_system_register *asked = r->msg->system_register;
    const struct csta_request_types *types = asked->request_types;
    const struct csta_status_filter *filter = asked->requested_status_filter;
    struct cti_session *s = r->from.session;
    struct csta_system_register_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct enlistment made = {
        .status = types->system_status == CSTA_TRUE &&
                  (filter == NULL || filter->messages_lost != CSTA_TRUE),
        .devices = types->switching_function_devices_changed == CSTA_TRUE,
    };

    if (types->system_status != CSTA_TRUE && types->request_system_status != CSTA_TRUE &&
        types->switching_function_caps_changed != CSTA_TRUE && !made.devices) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                             "requestTypes asks for nothing");
    }
    if (s->system.id != 0) {
        return outcome_error(CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY,
                             CSTA_SUBSCRIBED_OBJECT_REGISTRATION_LIMIT_EXCEEDED,
                             "this session is registered already");
    }
    if (answer == NULL) {
        return outcome_nomem();
    }
    answer->sys_stat_register_id = arena_fmt(r->cti->scratch, "%u", s->last_system_ref + 1);
    if (answer->sys_stat_register_id.n == 0) {
        return outcome_nomem();
    }
    answer->actual_status_filter = filter;
    made.id = ++s->last_system_ref;
    made.telling = s->system.telling;
    made.seen = made.devices ? devices_seen(r->cti, s->app) : 0;
    s->system = made;
    return outcome_answer(r, answer);
}

struct outcome service_system_register_cancel(struct request *r)
{
    static const struct csta_system_register_cancel_response answer;
    const struct csta_system_register_cancel *asked = r->msg->system_register_cancel;
    struct cti_session *s = r->from.session;
    uint32_t id = s->system.id;

    if (asked != NULL && str_is_set(asked->sys_stat_register_id) &&
        !str_to_u32(asked->sys_stat_register_id, &id)) {
        id = 0;
    }
    if (id == 0 || id != s->system.id) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CROSS_REF_ID,
                             "this session has no such registration");
    }
    s->system.id = 0;
    return outcome_answer(r, &answer);
}

/* ---- what is told ---- */

static void on_lost_told(void *owner, enum cti_ask_end end, const struct csta_msg *answer,
                         uint64_t now_ms)
{
    struct cti_session *s = owner;

    (void)end;
    (void)answer;
    (void)now_ms;
    s->system.telling = false;
}

/** The monitors that were only waiting for their last records have no more. */
static void end_done(struct cti_session *s, uint64_t now_ms)
{
    bool again = true;

    while (again && !s->over) {
        again = false;
        list_each(it, &s->monitors)
        {
            struct monitor *m = list_entry(it, struct monitor, of_session);
            if (m->ending || (m->watch->device == NULL && m->watch->call == NULL)) {
                monitor_told_all(m, now_ms); /* it is freed */
                again = true;
                break;
            }
        }
    }
}

bool system_tell_lost(struct cti_session *s, uint64_t now_ms)
{
    struct csta_system_status body = {.system_status = CSTA_STATUS_MESSAGES_LOST};
    struct csta_msg msg = {.id = CSTA_MSG_SYSTEM_STATUS, .system_status = &body};

    if (s->system.id == 0 || !s->system.status) {
        return false;
    }
    list_each(it, &s->monitors)
    {
        monitor_skip(list_entry(it, struct monitor, of_session));
    }
    if (!s->system.telling) {
        body.sys_stat_register_id = arena_fmt(s->cti->scratch, "%u", s->system.id);
        s->system.telling = true;
        if (body.sys_stat_register_id.n == 0 ||
            cti_ask(s, &msg, on_lost_told, s, now_ms) != 0) {
            return false;
        }
    }
    end_done(s, now_ms);
    return true;
}

/** Tell it that its devices are others now. */
static void tell_devices(struct cti_session *s, uint64_t now_ms)
{
    struct csta_sw_function_devices_changed body = {
        .sys_stat_register_id = arena_fmt(s->cti->scratch, "%u", s->system.id)};
    struct csta_msg msg = {.id = CSTA_MSG_SW_FUNCTION_DEVICES_CHANGED,
                           .sw_function_devices_changed = &body};
    uint64_t seen = devices_seen(s->cti, s->app);

    if (seen != s->system.seen && cti_ask(s, &msg, NULL, NULL, now_ms) == 0) {
        s->system.seen = seen;
    }
}

static void tell_abort(struct cti_session *s, uint64_t now_ms)
{
    struct csta_system_register_abort body = {
        .sys_stat_register_id = arena_fmt(s->cti->scratch, "%u", s->system.id)};
    struct csta_msg msg = {.id = CSTA_MSG_SYSTEM_REGISTER_ABORT,
                           .system_register_abort = &body};

    s->system.id = 0;
    if (cti_ask(s, &msg, NULL, NULL, now_ms) != 0) {
        env_trace_of(s->cti->env, TRACE_WARN, "cti", &(struct trace_ids){.who = s->app->name},
                     "%.*s: not told that its registration ended", STR_ARG(s->app->name));
    }
}

/** May the application still see what this monitor watches? */
static bool may_watch(const struct monitor *m)
{
    const struct cti_session *s = m->session;
    const struct watch *w = m->watch;

    if (w->device != NULL) {
        return directory_device(s->cti->directory, w->device->key) == w->device &&
               directory_may_observe(s->app, w->device);
    }
    return w->call == NULL || call_may_observe(w->call, s->app);
}

static struct monitor *find_lost(const struct cti_session *s)
{
    list_each(it, &s->monitors)
    {
        struct monitor *m = list_entry(it, struct monitor, of_session);
        if (!m->ending && !may_watch(m)) {
            return m;
        }
    }
    return NULL;
}

void cti_roster_changed(struct cti *c, uint64_t now_ms)
{
    list_each(it, &c->sessions)
    {
        struct cti_session *s = list_entry(it, struct cti_session, link);
        struct monitor *m;
        while (!s->over && (m = find_lost(s)) != NULL) {
            monitor_end(m, now_ms);
        }
        if (s->over || s->system.id == 0) {
            continue;
        }
        if (directory_application(c->directory, s->app->name) != s->app) {
            tell_abort(s, now_ms);
        } else if (s->system.devices) {
            tell_devices(s, now_ms);
        }
    }
}
