/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routeing services (ECMA-269): an application says where calls go.
 *
 * A REGISTRATION is an application's wish to be asked about the calls that reach a routing
 * device, or all that it is granted. One for a device goes before one for all. A device has one
 * registration: another application is refused (objectRegistrationLimitExceeded); the same
 * application takes it over, and the session that had it hears RouteRegisterAbort, so that one
 * which has lost its connection need not wait until that is noticed.
 *
 * A ROUTEING is the dialogue about one call (crossRefIdentifier):
 *
 *   RouteRequest ──► asked ──RouteSelect──► selected ──answered──► RouteUsed, RouteEnd
 *                      │ ▲                     │
 *                      │ └──────ReRoute────────┘ busy, no answer, not reached
 *                      ├─RouteEnd of the application, refused, lost──► the rule's own targets
 *                      ├─RouteReject──► the caller is refused
 *                      └─too late: RouteEnd (routeingTimerExpired)──► the rule's own targets
 *   the caller hangs up: RouteEnd (noActiveCall)
 *
 * These services have no response but an empty 200: RouteSelect, RouteEnd and RouteReject are
 * answered so, or with an error, and then the dialogue stands as before. An application that
 * puts its RouteSelect into the 200 of the RouteRequest is understood as well.
 *
 * User-to-User of the call stands in private data, for ECMA-323 has no userData here
 * (docs/csta-private.md); RouteSelect may bring new ones in the same way.
 *
 * A CLIENT OF THE API has no connection whose end would tell that it is gone (client.h). When
 * it has left SILENT_ROUTES questions in a row without an answer, and has asked for nothing
 * itself meanwhile, its registrations are aborted, and it is told so.
 *
 * LIFE. Both end with their session; the calls then go where the rule says. A routeing ends
 * with its call. What the call does is call/asked.c. BOUNDS. Registrations: one for each
 * device, one for all and session. Routeings: one for a call.
 */
#include "csta/xml.h"
#include "cti/serve.h"
#include "cti/view.h"
#include "uui/uui.h"

enum { SILENT_ROUTES = 3 };

struct registration {
    struct list of_cti;
    struct cti_session *session;
    enum csta_edition edition; /**< in which it is asked */
    uint32_t id;
    struct str
        key; /**< of the device; absent: all that the application is granted. Behind it */
};

struct routeing {
    struct list of_cti;
    struct cti_session *session;
    enum csta_edition edition;
    uint32_t id, registration;
    char call_id[CALL_ID_LEN];
    bool selected;  /**< it has said where; else it is being asked */
    bool used;      /**< RouteUsed is wanted */
    bool last_time; /**< it does not want to hear ReRoute */
};

static struct routeing *routeing_of_session(const struct cti_session *s);

/* ---- registrations ---- */

static void registration_free(struct registration *g)
{
    list_remove(&g->of_cti);
    mem_free(&g->session->cti->env->mem, g);
}

static struct registration *registration_of(const struct cti_session *s, struct str id)
{
    uint32_t n;

    if (!str_to_u32(id, &n)) {
        return NULL;
    }
    list_each(it, &s->cti->registrations)
    {
        struct registration *g = list_entry(it, struct registration, of_cti);
        if (g->session == s && g->id == n) {
            return g;
        }
    }
    return NULL;
}

/** The one for exactly this device, or absent: for all, of the application. */
static struct registration *registered(const struct cti *c, struct str key,
                                       const struct application *app)
{
    list_each(it, &c->registrations)
    {
        struct registration *g = list_entry(it, struct registration, of_cti);
        if (str_is_set(key) ? str_eq(g->key, key)
                            : !str_is_set(g->key) && g->session->app == app) {
            return g;
        }
    }
    return NULL;
}

/** Who is to be asked about calls at that device, or NULL. */
static struct registration *who_routes(const struct cti *c, const struct device *d)
{
    struct registration *g = registered(c, d->key, NULL);

    if (g != NULL && directory_may_control(g->session->app, d)) {
        return g;
    }
    list_each(it, &c->registrations)
    {
        g = list_entry(it, struct registration, of_cti);
        if (!str_is_set(g->key) && directory_may_control(g->session->app, d)) {
            return g;
        }
    }
    return NULL;
}

static struct str number_text(const struct cti *c, uint32_t n)
{
    return arena_fmt(c->scratch, "%u", n);
}

/** It has another one now. */
static void take_over(struct registration *g, uint64_t now_ms)
{
    struct cti_session *s = g->session;
    struct csta_route_register_abort abort = {.route_register_req_id =
                                                  number_text(s->cti, g->id)};
    struct csta_msg msg = {.id = CSTA_MSG_ROUTE_REGISTER_ABORT, .edition = g->edition};

    msg.route_register_abort = &abort;
    registration_free(g);
    (void)!cti_ask(s, &msg, NULL, NULL, now_ms); /* without memory it learns nothing */
}

static struct registration *registration_new(struct cti *c, const struct asker *who,
                                             struct str key)
{
    struct registration *g = mem_zalloc(&c->env->mem, sizeof(*g) + key.n);

    if (g == NULL) {
        return NULL;
    }
    g->session = who->session;
    g->edition = who->edition;
    g->id = ++c->last_registration;
    if (str_is_set(key)) {
        memcpy(g + 1, key.p, key.n);
        g->key = str_make((const char *)(g + 1), key.n);
    }
    list_append(&c->registrations, &g->of_cti);
    return g;
}

bool session_is_routing(const struct cti_session *s)
{
    list_each(it, &s->cti->registrations)
    {
        if (list_entry(it, struct registration, of_cti)->session == s) {
            return true;
        }
    }
    return routeing_of_session(s) != NULL;
}

void cti_each_routing(const struct cti *c,
                      void (*fn)(void *ctx, const struct cti_routing_about *a), void *ctx)
{
    list_each(it, &c->registrations)
    {
        const struct registration *g = list_entry(it, struct registration, of_cti);
        fn(ctx, &(struct cti_routing_about){
                    .id = g->id, .application = g->session->app->name, .device = g->key});
    }
}

void routes_pack(struct out *o, const struct cti_session *s)
{
    uint64_t n = 0;

    list_each(it, &s->cti->registrations)
    {
        n += list_entry(it, struct registration, of_cti)->session == s ? 1 : 0;
    }
    pack_number(o, n);
    list_each(jt, &s->cti->registrations)
    {
        const struct registration *g = list_entry(jt, struct registration, of_cti);
        if (g->session == s) {
            pack_number(o, g->id);
            pack_number(o, g->edition);
            pack_str(o, g->key);
        }
    }
}

int routes_unpack(struct unpack *u, struct cti_session *s)
{
    struct cti *c = s->cti;
    uint64_t n = unpack_number(u);

    for (uint64_t i = 0; i < n && !u->bad; i++) {
        uint32_t id = (uint32_t)unpack_upto(u, UINT32_MAX);
        struct asker who = {.session = s,
                            .edition = (enum csta_edition)unpack_upto(u, CSTA_ED6)};
        struct registration *g = registration_new(c, &who, unpack_str(u));
        if (g == NULL) {
            return E_NOMEM;
        }
        c->last_registration = id > c->last_registration - 1 ? id : c->last_registration - 1;
        g->id = id;
    }
    return 0;
}

struct outcome service_route_register(struct request *r)
{
    const struct csta_route_register *m = r->msg->route_register;
    struct csta_route_register_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct registration *old, *g;
    struct str key = STR_NONE;
    struct device *d;
    struct outcome err;

    if (m->routeing_device.value.n > 0) {
        if (!resolve_device(r, &m->routeing_device, CSTA_OPERATION_INVALID_DEVICE_ID, &d,
                            &err)) {
            return err;
        }
        key = d->key;
    }
    old = registered(r->cti, key, r->from.session->app);
    if (old != NULL && old->session->app != r->from.session->app) {
        return outcome_error(CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY,
                             CSTA_SUBSCRIBED_OBJECT_REGISTRATION_LIMIT_EXCEEDED,
                             "another application routes the calls of this device");
    }
    g = registration_new(r->cti, &r->from, key);
    if (answer == NULL || g == NULL) {
        return outcome_nomem();
    }
    answer->route_register_req_id = number_text(r->cti, g->id);
    if (answer->route_register_req_id.n == 0) {
        registration_free(g);
        return outcome_nomem();
    }
    if (old != NULL) {
        take_over(old, r->now_ms);
    }
    return outcome_answer(r, answer);
}

struct outcome service_route_register_cancel(struct request *r)
{
    static const struct csta_route_register_cancel_response answer;
    struct registration *g =
        registration_of(r->from.session, r->msg->route_register_cancel->route_register_req_id);

    if (g == NULL) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_INVALID_ROUTE_REGISTRATION_CROSS_REF_ID,
                             "this session has no such registration");
    }
    registration_free(g); /* what was asked already may be answered */
    return outcome_answer(r, &answer);
}

/* ---- a dialogue ---- */

static void routeing_free(struct routeing *q)
{
    cti_ask_forget(q->session, q);
    list_remove(&q->of_cti);
    mem_free(&q->session->cti->env->mem, q);
}

static struct routeing *routeing_of_call(const struct cti *c, const struct call *call)
{
    list_each(it, &c->routeings)
    {
        struct routeing *q = list_entry(it, struct routeing, of_cti);
        if (memcmp(q->call_id, call->id, CALL_ID_LEN) == 0) {
            return q;
        }
    }
    return NULL;
}

static struct routeing *routeing_of_session(const struct cti_session *s)
{
    list_each(it, &s->cti->routeings)
    {
        struct routeing *q = list_entry(it, struct routeing, of_cti);
        if (q->session == s) {
            return q;
        }
    }
    return NULL;
}

static struct call *call_of(const struct routeing *q)
{
    return call_find(q->session->cti->calls, str_make(q->call_id, CALL_ID_LEN));
}

/** The dialogue is over without an answer: the call goes where the rule says. */
static void give_up(struct routeing *q, uint64_t now_ms)
{
    struct call *call = call_of(q);
    bool waits = !q->selected;

    routeing_free(q);
    if (waits && call != NULL) {
        (void)call_route_default(call, now_ms);
    }
}

static struct csta_data data_of(struct str octets)
{
    struct csta_data d = {.kind = CSTA_DATA_ABSENT};

    if (octets.n > 0) {
        d.kind = CSTA_DATA_STRING;
        d.string = octets;
    }
    return d;
}

/** Tell the application something about this dialogue that it need not answer. The session may
   be over after that, and the dialogue gone with it. */
static void say(const struct routeing *q, struct csta_msg *msg, uint64_t now_ms)
{
    msg->edition = q->edition;
    if (cti_ask(q->session, msg, NULL, NULL, now_ms) != 0) {
        env_trace_of(q->session->cti->env, TRACE_WARN, "cti",
                     &(struct trace_ids){.who = q->session->app->name},
                     "%.*s: routeing %u: not told", STR_ARG(q->session->app->name), q->id);
    }
}

/** RouteEnd of ours, and that is the end of it. The call goes on as it is. */
static void end_with(struct routeing *q, struct csta_error why, uint64_t now_ms)
{
    struct cti *c = q->session->cti;
    const struct call *call = call_of(q);
    struct csta_route_end end = {
        .cross_ref_identifier = number_text(c, q->id),
        .route_register_req_id = number_text(c, q->registration),
        .error_value = why,
        .correlator_data = data_of(call != NULL ? call->correlator : STR_NONE),
    };
    struct csta_msg msg = {.id = CSTA_MSG_ROUTE_END};

    msg.route_end = &end;
    list_remove(&q->of_cti); /* nobody else ends it */
    say(q, &msg, now_ms);
    routeing_free(q);
}

/* ---- what is asked ---- */

static void on_asked(void *owner, enum cti_ask_end end, const struct csta_msg *answer,
                     uint64_t now_ms);

/** A party as the application may see it. */
static struct csta_device_ref party_of(const struct cti_session *s, const struct connection *x)
{
    if (x == NULL || x->id.n == 0 || x->id.n > CSTA_ID_MAX) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_KNOWN};
    }
    if (x->restricted) {
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_RESTRICTED};
    }
    return csta_device_ref_of(session_spelling(s, x->id));
}

static int ask_first_time(struct routeing *q, const struct call *call, uint32_t wait_ms,
                          uint64_t now_ms)
{
    struct cti_session *s = q->session;
    struct cti *c = s->cti;
    struct csta_route_request ask = {
        .cross_ref_identifier = number_text(c, q->id),
        .route_register_req_id = number_text(c, q->registration),
        .current_route = csta_device_ref_of(session_spelling(s, call->called)),
        .calling_device = party_of(s, call->a),
        .routeing_device = party_of(s, call->b),
        .routed_call = {.call_id = str_make(call->id, CALL_ID_LEN),
                        .device_id.value = session_spelling(s, call->b->id)},
        .reply_timeout = {.value = wait_ms, .set = true},
        .correlator_data = data_of(call->correlator),
    };
    struct csta_msg msg = {.id = CSTA_MSG_ROUTE_REQUEST, .edition = q->edition};

    msg.route_request = &ask;
    if (csta_private_user_data(c->scratch, event_user_data(c, call->uui, &call->uui_came),
                               &ask.extensions) != 0) {
        return E_NOMEM;
    }
    return cti_ask(s, &msg, on_asked, q, now_ms);
}

static bool router_can(void *ctx, const struct device *at)
{
    return who_routes(ctx, at) != NULL;
}

static bool router_ask(void *ctx, struct call *call, uint32_t wait_ms, uint64_t now_ms)
{
    struct cti *c = ctx;
    struct registration *g = who_routes(c, call->b->device);
    struct routeing *q = g != NULL ? mem_zalloc(&c->env->mem, sizeof(*q)) : NULL;

    if (q == NULL) {
        return false;
    }
    q->session = g->session;
    q->edition = g->edition;
    q->registration = g->id;
    q->id = ++c->last_routeing;
    memcpy(q->call_id, call->id, CALL_ID_LEN);
    list_append(&c->routeings, &q->of_cti);
    if (ask_first_time(q, call, wait_ms, now_ms) != 0) {
        routeing_free(q);
        return false;
    }
    c->stats.route_requests++;
    return true;
}

static bool router_can_again(void *ctx, const struct call *call)
{
    struct cti *c = ctx;
    struct routeing *q = routeing_of_call(c, call);
    bool can = q != NULL && q->selected && !q->last_time;

    return can;
}

static bool router_again(void *ctx, struct call *call, unsigned status, uint32_t wait_ms,
                         uint64_t now_ms)
{
    struct cti *c = ctx;
    struct routeing *q = routeing_of_call(c, call);
    struct csta_re_route ask = {.reply_timeout = {.value = wait_ms, .set = true},
                                .correlator_data = data_of(call->correlator)};
    struct csta_msg msg = {.id = CSTA_MSG_RE_ROUTE};

    (void)status;
    if (q == NULL) {
        return false;
    }
    ask.cross_ref_identifier = number_text(c, q->id);
    ask.route_register_req_id = number_text(c, q->registration);
    msg.re_route = &ask;
    msg.edition = q->edition;
    q->selected = false;
    if (cti_ask(q->session, &msg, on_asked, q, now_ms) != 0) {
        routeing_free(q);
        return false;
    }
    return true;
}

/** Nobody is there any more: calls shall not wait for him. */
static void abort_all(struct cti_session *s, uint64_t now_ms)
{
    env_trace(s->cti->env, TRACE_WARN, "cti", "%.*s does not say where calls go: asked no more",
              STR_ARG(s->app->name));
    list_each(it, &s->cti->registrations)
    {
        struct registration *g = list_entry(it, struct registration, of_cti);
        if (g->session == s) {
            take_over(g, now_ms);
        }
    }
}

static void router_late(void *ctx, struct call *call, uint64_t now_ms)
{
    struct routeing *q = routeing_of_call(ctx, call);
    struct cti_session *s;

    if (q == NULL) {
        return;
    }
    s = q->session;
    s->cti->stats.route_timeouts++;
    end_with(q, csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_ROUTEING_TIMER_EXPIRED),
             now_ms);
    if (!s->over && s->via->unmonitored && ++s->silent_routes >= SILENT_ROUTES) {
        abort_all(s, now_ms);
    }
}

const struct call_router cti_router = {
    .can = router_can,
    .ask = router_ask,
    .can_again = router_can_again,
    .again = router_again,
    .late = router_late,
};

/* ---- what becomes of the call ---- */

static void tell_used(const struct routeing *q, const struct call *call,
                      const struct connection *who, uint64_t now_ms)
{
    struct cti *c = q->session->cti;
    struct csta_route_used used = {
        .cross_ref_identifier = number_text(c, q->id),
        .route_register_req_id = number_text(c, q->registration),
        .route_used = party_of(q->session, who),
        .calling_device = party_of(q->session, call->a),
        .correlator_data = data_of(call->correlator),
    };
    struct csta_msg msg = {.id = CSTA_MSG_ROUTE_USED};

    msg.route_used = &used;
    say(q, &msg, now_ms);
}

void route_on_event(struct cti *c, const struct call_event *e)
{
    bool answered = e->kind == CALL_EV_ESTABLISHED;
    struct routeing *q;

    if (list_empty(&c->routeings) || (!answered && e->kind != CALL_EV_CONNECTION_CLEARED) ||
        (!answered && e->subject != e->call->a) || (q = routeing_of_call(c, e->call)) == NULL) {
        return;
    }
    if (!answered) {
        end_with(
            q,
            csta_error_of(CSTA_ERROR_STATE_INCOMPATIBILITY, CSTA_INCOMPATIBLE_NO_ACTIVE_CALL),
            e->now_ms);
        return;
    }
    if (q->used) {
        tell_used(q, e->call, e->subject, e->now_ms);
        q = routeing_of_call(c, e->call);
    }
    if (q != NULL) {
        end_with(q, (struct csta_error){.kind = CSTA_ERROR_ABSENT}, e->now_ms);
    }
}

/* ---- what the application says ---- */

/** The dialogue that a message means. @return NULL with *err */
static struct routeing *find(const struct cti_session *s, struct str id, struct outcome *err)
{
    uint32_t n;

    if (str_to_u32(id, &n)) {
        list_each(it, &s->cti->routeings)
        {
            struct routeing *q = list_entry(it, struct routeing, of_cti);
            if (q->session == s && q->id == n) {
                return q;
            }
        }
    }
    *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_ROUTEING_CROSS_REF_ID,
                         "this session is asked no such thing, or not any more");
    return NULL;
}

/** userData in private data: octets in `out`, or absent. @return false with *err */
static bool take_private(const struct request *r, const struct csta_common_arguments *args,
                         struct str *out, struct outcome *err)
{
    static const struct xml_limits limits = {.bytes = 4096, .depth = 4, .elements = 4};
    struct csta_data data = {.kind = CSTA_DATA_ABSENT};
    struct xml_reader x;
    bool good;
    char *buf;

    *out = STR_NONE;
    if (args == NULL || args->private_data.kind != CSTA_DATA_FOREIGN ||
        xml_init(&x, str_trim(args->private_data.foreign.body), &limits) != 0 ||
        xml_next(&x) != XML_START || !str_eq(x.name, STR("userData"))) {
        return true;
    }
    good = xml_next(&x) == XML_START && str_eq(x.name, STR("string"));
    if (good && xml_next(&x) == XML_TEXT) {
        struct str hex = str_trim(x.text.raw);
        buf = arena_alloc(r->cti->scratch, hex.n / 2 + 1);
        good = buf != NULL && hex.n % 2 == 0;
        for (size_t i = 0; good && i < hex.n; i++) {
            good = hex_digit(hex.p[i]) >= 0;
            if (good && i % 2 == 1) {
                buf[i / 2] = (char)(hex_digit(hex.p[i - 1]) << 4 | hex_digit(hex.p[i]));
            }
        }
        data.kind = good ? CSTA_DATA_STRING : CSTA_DATA_ABSENT;
        data.string = good ? str_make(buf, hex.n / 2) : STR_NONE;
    }
    if (!good) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                             "userData in the private data: a string of hex digits is wanted");
        return false;
    }
    return take_user_data(r, &data, out, err);
}

static bool is_asked(const struct routeing *q, struct outcome *err)
{
    if (q->selected) {
        *err = outcome_error(CSTA_ERROR_STATE_INCOMPATIBILITY,
                             CSTA_INCOMPATIBLE_INVALID_OBJECT_STATE,
                             "it has been said where this call goes");
    }
    return !q->selected;
}

/** Those that are tried after the first. @return false: no memory */
static bool take_others(const struct request *r, const struct csta_route_select *m,
                        struct call_routed *to)
{
    struct str *other =
        arena_alloc(r->cti->scratch, (m->alternate_routes.n + 1) * sizeof(*other));

    if (other == NULL) {
        return false;
    }
    for (size_t i = 0; i < m->alternate_routes.n; i++) {
        other[i] = number_dialled(r, m->alternate_routes.item[i].value);
    }
    to->other = other;
    to->other_count = m->alternate_routes.n;
    return true;
}

struct outcome service_route_select(struct request *r)
{
    const struct csta_route_select *m = r->msg->route_select;
    struct call_routed to = {.to = number_dialled(r, m->route_selected.value)};
    struct str correlator, before;
    struct outcome err;
    struct routeing *q = find(r->from.session, m->cross_ref_identifier, &err);
    struct call *call = q != NULL ? call_of(q) : NULL;
    enum call_error failed;

    if (q == NULL || !is_asked(q, &err) || !take_private(r, m->extensions, &to.uui, &err) ||
        !take_correlator(r, &m->correlator_data, &correlator, &err)) {
        return err;
    }
    if (call == NULL || !take_others(r, m, &to)) {
        return outcome_nomem();
    }
    before = arena_dup(r->cti->scratch, call->correlator);
    if (correlator.n > 0 && !call_set_correlator(call, correlator)) {
        return outcome_nomem();
    }
    q->used = m->route_used_req == CSTA_TRUE;
    q->last_time = m->remain_retries.kind == CSTA_RETRY_VALUE_RETRY_COUNT &&
                   m->remain_retries.retry_count.value <= 0;
    q->selected = true; /* before it: what comes of it may end the dialogue */
    failed = call_route(call, &to, r->now_ms);
    if (failed == CALL_OK) {
        return outcome_nothing();
    }
    q->selected = false;
    if (correlator.n > 0) {
        (void)!call_set_correlator(call, before);
    }
    return failed == CALL_UNKNOWN_DESTINATION
               ? outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_DESTINATION,
                               "the call cannot go there")
               : error_of_call(r->msg->id, failed, 0, r->cti->scratch);
}

struct outcome service_route_end(struct request *r)
{
    struct outcome err;
    struct routeing *q = find(r->from.session, r->msg->route_end->cross_ref_identifier, &err);

    if (q == NULL) {
        return err;
    }
    give_up(q, r->now_ms);
    return outcome_nothing();
}

struct outcome service_route_reject(struct request *r)
{
    static const uint16_t statuses[] = {
        [CSTA_REJECT_BUSY_OVERFLOW] = 486,     [CSTA_REJECT_QUEUE_TIME_OVERFLOW] = 480,
        [CSTA_REJECT_CAPACITY_OVERFLOW] = 486, [CSTA_REJECT_CALENDAR_OVERFLOW] = 480,
        [CSTA_REJECT_UNKNOWN_OVERFLOW] = 480,
    };
    const struct csta_route_reject *m = r->msg->route_reject;
    struct outcome err;
    struct routeing *q = find(r->from.session, m->cross_ref_identifier, &err);
    struct call *call = q != NULL ? call_of(q) : NULL;
    unsigned status = m->reject_cause < ARRAY_LEN(statuses) ? statuses[m->reject_cause] : 0;

    if (q == NULL || !is_asked(q, &err)) {
        return err;
    }
    routeing_free(q); /* the application has ended it: no RouteEnd */
    if (call != NULL) {
        (void)call_route_refuse(call, status != 0 ? status : 480, r->now_ms);
    }
    return outcome_nothing();
}

/** The 200 of a RouteRequest or ReRoute, or what came instead. */
static void on_asked(void *owner, enum cti_ask_end end, const struct csta_msg *answer,
                     uint64_t now_ms)
{
    struct routeing *q = owner;
    struct request r = {.from = {.session = q->session, .edition = q->edition},
                        .cti = q->session->cti,
                        .msg = answer,
                        .now_ms = now_ms};

    if (end != CTI_ASK_ANSWERED) {
        give_up(q, now_ms);
    } else if (answer != NULL && answer->id == CSTA_MSG_ROUTE_SELECT) {
        if (service_route_select(&r).kind == OUTCOME_ERROR) {
            struct call *call = call_of(q);
            end_with(q, csta_error_of(CSTA_ERROR_UNSPECIFIED, 0), now_ms);
            if (call != NULL) {
                (void)call_route_default(call, now_ms);
            }
        }
    } else if (answer != NULL && answer->id == CSTA_MSG_ROUTE_END) {
        (void)service_route_end(&r);
    } else if (answer != NULL && answer->id == CSTA_MSG_ROUTE_REJECT) {
        (void)service_route_reject(&r);
    }
}

/* ---- the session is over ---- */

void routes_drop_session(struct cti_session *s, uint64_t now_ms)
{
    struct cti *c = s->cti;

    struct routeing *q;

    list_each(it, &c->registrations)
    {
        struct registration *g = list_entry(it, struct registration, of_cti);
        if (g->session == s) {
            registration_free(g);
        }
    }
    while ((q = routeing_of_session(s)) != NULL) { /* giving up one may end others */
        if (c->closing) {
            routeing_free(q);
        } else {
            give_up(q, now_ms);
        }
    }
}
