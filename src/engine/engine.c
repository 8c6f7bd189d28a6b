/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's life and its five entries.
 *
 * Every entry does the same: run the timers that are due, do its work, then settle. Settling
 * frees what has ended (legs first, since their going is told to calls, then calls), has
 * subscribers told what is the state now, and resets the scratch arena, so nothing that one
 * input made survives it by accident.
 *
 * OWNERSHIP. The engine owns all layers. They refer to each other by plain pointers in the
 * order of their making, and go in the reverse order.
 */
#include "engine/engine.h"

#include "call/services.h"
#include "dialog/keep.h"
#include "engine/operation.h"
#include "engine/parts.h"
#include "registrar/select.h"

enum { SCRATCH_CHUNK = 32 * 1024 };

void engine_settle(struct engine *e)
{
    engine_keep(e);
    leg_layer_sweep(&e->legs);
    call_layer_sweep(&e->calls);
    event_settle(e->events, e->wheel.now_ms);
    engine_keep(e); /* what that has changed */
    border_forget(&e->border);
    arena_reset(&e->scratch);
}

static void limits_defaults(struct sip_limits *l)
{
    l->message = l->message != 0 ? l->message : sip_limits_default.message;
    l->headers = l->headers != 0 ? l->headers : sip_limits_default.headers;
    l->uri = l->uri != 0 ? l->uri : sip_limits_default.uri;
}

/** "Server: x" and "User-Agent: x" lines from the configured name. */
static int name_lines(struct engine *e)
{
    struct str name = e->config.server_name;
    struct str server[] = {STR("Server: "), name, STR("\r\n")};
    struct str agent[] = {STR("User-Agent: "), name, STR("\r\n")};

    if (name.n == 0) {
        return 0;
    }
    if (mem_dup(&e->env->mem, arena_join(&e->scratch, server, 3), &e->txn.server_line) != 0 ||
        mem_dup(&e->env->mem, arena_join(&e->scratch, agent, 3), &e->txn.user_agent_line) !=
            0) {
        return E_NOMEM;
    }
    return e->txn.server_line.n == 0 || e->txn.user_agent_line.n == 0 ? E_NOMEM : 0;
}

/** Which phone a GRUU means, for requests of dialogs that have one as target. */
static bool locate(void *ctx, const struct sip_uri *gruu, struct dialog_place *out)
{
    struct engine *e = ctx;
    struct binding *only;
    struct sip_uri u;
    uint32_t at;

    bool sips = gruu->scheme == SIP_SCHEME_SIPS;
    if (registrar_find_gruu(&e->registrar, gruu, &only) == NULL || only == NULL ||
        (sips && !binding_is_sips(only))) {
        return false;
    }
    out->request_uri = binding_request_uri(only, sips, &e->scratch);
    if (sip_uri_parse(out->request_uri, 0, &u, &at) != 0) {
        return false;
    }
    if (str_is_set(u.headers)) {
        out->request_uri =
            str_upto(out->request_uri, (size_t)(u.headers.p - out->request_uri.p) - 1);
    }
    out->routes = only->routes;
    return binding_target(only, &out->target);
}

/** The registration of the phone at the other end of a leg, or NULL. */
static const struct record *record_of(const struct engine *e, const struct dialog *d)
{
    const struct device *dev = d->leg != NULL ? call_device_of_leg(d->leg) : NULL;

    return dev != NULL ? registrar_find(&e->registrar, dev->key) : NULL;
}

static uint64_t instance_of(const struct engine *e, const struct binding *b)
{
    return str_is_set(b->instance) ? hash_bytes(&e->registrar.key, b->instance) | 1 : 0;
}

/** The phone whose registration is on the flow of the dialog. */
static uint64_t phone_of(void *ctx, const struct dialog *d)
{
    const struct engine *e = ctx;
    const struct record *rec = record_of(e, d);
    uint64_t phone = 0;

    if (rec != NULL) {
        list_each(it, &rec->bindings)
        {
            const struct binding *b = list_entry(it, struct binding, link);
            phone = b->hop.flow == d->next.hop.flow ? instance_of(e, b) : phone;
        }
    }
    return phone;
}

/** A phone that has lost its flow registers again: the same instance, or the same contact. */
static bool follow(void *ctx, const struct dialog *d, struct dialog_place *out)
{
    const struct engine *e = ctx;
    const struct record *rec = record_of(e, d);
    const struct binding *best = NULL;

    if (rec == NULL) {
        return false;
    }
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        bool same = str_eq(b->contact, d->remote_target) ||
                    (d->phone != 0 && instance_of(e, b) == d->phone);
        if (same && (b->hop.flow != 0 || b->routes.n > 0) &&
            (best == NULL || b->serial > best->serial)) {
            best = b;
        }
    }
    if (best == NULL || !binding_target(best, &out->target)) {
        return false;
    }
    out->request_uri = d->request_uri;
    out->routes = best->routes;
    return true;
}

_Static_assert((int)BORDER_UNKNOWN == (int)UNDERSTANDS_UNKNOWN &&
                   (int)BORDER_NOT_UNDERSTOOD == (int)UNDERSTANDS_NO &&
                   (int)BORDER_UNDERSTOOD == (int)UNDERSTANDS_YES,
               "the same words");

/** What rules of the border ask of a peer, or of the phone whose contact a request is for. */
static unsigned understands(void *ctx, const struct peer *to, const struct sip_msg *m,
                            struct str package, struct str feature_tag)
{
    struct engine *e = ctx;
    const struct binding *phone;
    struct support said;
    struct sip_uri uri;
    uint32_t at;

    if (to != NULL) {
        return peer_understands(to, package, feature_tag);
    }
    if (sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) != 0) {
        return BORDER_UNKNOWN;
    }
    phone = registrar_find_contact(&e->registrar, &uri);
    if (phone == NULL) {
        return BORDER_UNKNOWN;
    }
    said = binding_support(phone);
    return support_package(&said, package, feature_tag);
}

static int make_phones(struct engine *e)
{
    const struct engine_config *c = &e->config;
    const struct phone_world world = {.env = e->env,
                                      .wheel = &e->wheel,
                                      .legs = &e->legs,
                                      .calls = &e->calls,
                                      .registrar = &e->registrar,
                                      .directory = c->directory,
                                      .cti = e->cti,
                                      .events = e->events,
                                      .scratch = &e->scratch,
                                      .profiles = c->phone_profiles};

    cti_set_events(e->cti, e->events);
    e->phones = phones_new(&world, &c->phone);
    cti_set_report(e->cti, phones_report, e->phones);
    return e->phones == NULL ? E_NOMEM : 0;
}

/** What the layers tell and ask comes to the engine. */
static void hear_layers(struct engine *e)
{
    const struct engine_config *c = &e->config;
    event_on_waiting(e->events, report_waiting, e);
    e->calls.on_event = report_call_event;
    e->calls.on_gone = cti_on_call_gone;
    e->calls.on_feature = report_feature;
    e->calls.on_callback = report_callback;
    e->calls.permits = steer_permits;
    seal_set_keys(&e->seal, c->seal_keys);
    e->border.seal = &e->seal;
    e->calls.border = e->proxy.border = &e->border;
    e->calls.seal = &e->seal;
    e->calls.packages = e->proxy.packages = c->packages;
    e->calls.ctx = e;
    e->registrar.on_change = report_registration;
    e->registrar.on_binding = report_binding;
    e->registrar.ctx = e;
}

static int make_layers(struct engine *e)
{
    const struct engine_config *c = &e->config;
    struct directory *dir = c->directory;
    struct str realm = c->realm.n > 0 ? c->realm : dir->domains[0];
    struct dialog_locator locator = {
        .find = locate, .phone = phone_of, .follow = follow, .ctx = e};
    uint32_t max_txn = c->max_transactions != 0 ? c->max_transactions : 100000;

    if (border_init(&e->border, e->env, &e->wheel, dir, &e->scratch) != 0 ||
        border_refresh(&e->border, c->policy, c->packages) != 0 ||
        txn_layer_init(&e->txn, e->env, &e->wheel, &c->timing, max_txn) != 0 ||
        guard_init(&e->guard, e->env, &c->guard) != 0 || rows_init(e) != 0 ||
        auth_server_init(&e->auth, e->env, realm, 0) != 0 ||
        seal_init(&e->seal, e->env, &c->seal) != 0 ||
        peers_init(&e->peers, e->env, &e->wheel, &e->txn, dir, &c->peers) != 0 ||
        registrar_init(&e->registrar, e->env, &e->wheel, &c->registrar) != 0 ||
        leg_layer_init(&e->legs, e->env, &e->wheel, &e->txn, &e->scratch, &c->leg, 0) != 0 ||
        call_layer_init(&e->calls, e->env, &e->wheel, &e->legs, &e->registrar, dir, &e->scratch,
                        &c->call) != 0 ||
        proxy_init(&e->proxy, e->env, &e->wheel, &e->txn, dir, &e->scratch, &c->proxy) != 0 ||
        name_lines(e) != 0) {
        return E_NOMEM;
    }
    e->border.understands = understands;
    e->border.understands_ctx = e;
    e->legs.locator = e->proxy.locator = locator;
    e->proxy.realm = realm;
    e->proxy.policy = c->call.policy;
    e->proxy.places = steer_redirected;
    e->proxy.flow_failed = steer_flow_failed;
    e->proxy.ctx = e;
    e->txn.border =
        (struct txn_border){border_leaves, border_copied, &e->border, &e->border.known};
    e->txn.udp_max = c->udp_max;
    e->txn.black.most_ms = c->blacklist_ms;
    if (c->nonce_life_s != 0) {
        e->auth.nonce_life_ms = c->nonce_life_s * 1000;
    }
    if (c->digest_md5 || c->digest_sha256) {
        e->auth.md5 = c->digest_md5;
        e->auth.sha256 = c->digest_sha256;
    }
    e->cti = cti_new(e->env, &e->wheel, &e->legs, &e->calls, &e->registrar, dir, &e->scratch,
                     &c->cti);
    if (e->cti == NULL) {
        return E_NOMEM;
    }
    cti_set_packages(e->cti, c->packages);
    cti_set_border(e->cti, &e->border);
    cti_set_gate(
        e->cti, &(struct cti_gate){.ctx = e, .login = login_application, .known = login_known});
    cti_set_asked(e->cti, engine_asked, e);
    e->events = event_new(&(struct event_world){.env = e->env,
                                                .wheel = &e->wheel,
                                                .txn = &e->txn,
                                                .registrar = &e->registrar,
                                                .calls = &e->calls,
                                                .directory = dir,
                                                .scratch = &e->scratch,
                                                .locator = locator},
                          &c->event);
    e->operations = operations_new(e, &c->operation);
    if (e->events == NULL || e->operations == NULL || make_phones(e) != 0) {
        return E_NOMEM;
    }
    hear_layers(e);
    engine_keep_in(e, c->store);
    return 0;
}

struct engine *engine_new(const struct env *env, const struct engine_config *config,
                          uint64_t now_ms)
{
    struct engine *e = mem_zalloc(&env->mem, sizeof(*e));

    if (e == NULL) {
        return NULL;
    }
    e->env = env;
    e->config = *config;
    e->config.cti.store = config->store;
    limits_defaults(&e->config.limits);
    e->routes = config->routes;
    wheel_init(&e->wheel, now_ms);
    load_init(&e->load, &config->load);
    arena_init(&e->scratch, &env->mem, SCRATCH_CHUNK);
    list_init(&e->references);
    if (make_layers(e) != 0) {
        engine_free(e);
        return NULL;
    }
    phones_roster_changed(e->phones, now_ms);
    arena_reset(&e->scratch);
    return e;
}

void engine_free(struct engine *e)
{
    if (e == NULL) {
        return;
    }
    if (e->events != NULL) {
        engine_keep_in(e, NULL); /* what stands is to stand again */
    }
    e->registrar.on_change = NULL;
    e->registrar.on_binding = NULL;
    phones_free(e->phones);
    event_free(e->events);
    operations_free(e->operations);
    cti_free(e->cti);
    refer_fini(e);
    call_layer_fini(&e->calls);
    leg_layer_fini(&e->legs);
    proxy_fini(&e->proxy);
    registrar_fini(&e->registrar);
    peers_fini(&e->peers);
    guard_fini(&e->guard);
    rows_fini(e);
    seal_fini(&e->seal);
    auth_server_fini(&e->auth);
    mem_free(&e->env->mem, (void *)(uintptr_t)e->txn.server_line.p);
    mem_free(&e->env->mem, (void *)(uintptr_t)e->txn.user_agent_line.p);
    txn_layer_fini(&e->txn);
    border_fini(&e->border);
    arena_fini(&e->scratch);
    mem_free(&e->env->mem, e);
}

void engine_begin(struct engine *e, uint64_t now_ms)
{
    uint64_t due_ms = wheel_next(&e->wheel);

    if (due_ms < now_ms) {
        load_lag(&e->load, now_ms - due_ms, now_ms);
    }
    if (wheel_next(&e->wheel) <= now_ms || e->wheel.now_ms < now_ms) {
        (void)wheel_advance(&e->wheel, now_ms);
    }
}

/** CRLF keep-alives (RFC 5626 §3.5.1) and the zero bytes that some phones send. */
static bool is_keepalive(struct str bytes)
{
    if (bytes.n > 4) {
        return false;
    }
    for (size_t i = 0; i < bytes.n; i++) {
        if (bytes.p[i] != '\r' && bytes.p[i] != '\n' && bytes.p[i] != '\0') {
            return false;
        }
    }
    return true;
}

/** Can a response be addressed: does the message have what a response copies? */
static bool is_answerable(const struct sip_msg *m)
{
    return sip_is_request(m) && sip_msg_has(m, SIP_HDR_VIA) && sip_msg_has(m, SIP_HDR_FROM) &&
           sip_msg_has(m, SIP_HDR_TO) && sip_msg_has(m, SIP_HDR_CALL_ID) &&
           sip_msg_has(m, SIP_HDR_CSEQ);
}

bool engine_may_complain(struct engine *e)
{
    uint64_t now_ms = e->wheel.now_ms;

    if (now_ms - e->complaint_ms >= 10000) {
        if (e->complaints > ENGINE_COMPLAINTS) {
            env_trace(e->env, TRACE_WARN, "sip", "%u more like these were not written",
                      e->complaints - ENGINE_COMPLAINTS);
        }
        e->complaint_ms = now_ms;
        e->complaints = 0;
    }
    return e->complaints++ < ENGINE_COMPLAINTS;
}

static void on_fault(struct engine *e, const struct sip_msg *m, const struct hop *from,
                     const struct sip_fault *fault)
{
    struct txn_reply r = {.status = fault->status};

    e->count.malformed++;
    if (!gate_fault(e, from, e->wheel.now_ms)) {
        e->count.dropped++;
        return;
    }
    if (engine_may_complain(e)) {
        report_fault(e, from, fault);
    }
    if (fault->status == 0 || !is_answerable(m)) {
        e->count.dropped++;
        return;
    }
    if (fault->reason != NULL) {
        r.lines = arena_fmt(&e->scratch, "Warning: 399 baton \"%s, at octet %u\"\r\n",
                            fault->reason, fault->at);
    }
    r.lines = gate_modest(m, from, &r);
    (void)txn_reply_stateless(&e->txn, m, from, &r);
}

/**
 * Past the border: `m` may be another message then. @return false: it goes no further
 */
static bool past_border(struct engine *e, const struct hop *from, struct sip_msg *m,
                        uint64_t now_ms)
{
    struct border_result r;
    struct sip_fault fault = {0};

    if (!shed_past(e, from, m)) {
        e->count.dropped++;
        return false;
    }
    switch (border_in(&e->border, m, from, &r)) {
    case BORDER_AS_IT_IS:
        return true;
    case BORDER_CHANGED:
        if (sip_msg_index(m, r.bytes, true, &e->config.limits, &fault) != 0) {
            on_fault(e, m, from, &fault); /* a dialect's value was shorter than ours is */
            return false;
        }
        return true;
    case BORDER_REFUSED:
        if (gate_stranger(e, m, from, now_ms)) {
            dispatch_stranger(e, m, from, &r.refusal);
        }
        return false;
    case BORDER_NO_MEMORY:
        break;
    }
    e->count.dropped++; /* it comes again */
    return false;
}

static void process(struct engine *e, const struct hop *from, struct str bytes, bool datagram,
                    uint64_t now_ms)
{
    struct sip_msg m = {.hdr = e->hdr};
    struct sip_fault fault = {0};

    e->count.received++;
    e->count.bytes += bytes.n;
    border_forget(&e->border); /* of the message before, in a stream */
    if (is_keepalive(bytes)) {
        e->count.keepalives++;
        return;
    }
    if (e->env->watch != NULL && !guard_is_banned(&e->guard, &from->remote, now_ms)) {
        e->env->watch->heard(e->env->watch->ctx, from, bytes);
    }
    if (sip_msg_index(&m, bytes, datagram, &e->config.limits, &fault) != 0 ||
        sip_msg_check(&m, &e->config.limits, &fault) != 0) {
        on_fault(e, &m, from, &fault);
        return;
    }
    if (sip_is_request(&m)) {
        e->count.requests++;
    } else {
        e->count.responses++;
    }
    if (!past_border(e, from, &m, now_ms)) {
        return;
    }
    if (sip_is_request(&m)) {
        dispatch_request(e, &m, from, now_ms);
    } else if (!txn_on_response(&e->txn, &m, from, now_ms)) {
        (void)leg_on_stray_response(&e->legs, &m, from, now_ms);
    }
}

void engine_input(struct engine *e, const struct hop *from, struct str bytes, bool datagram,
                  uint64_t now_ms)
{
    engine_begin(e, now_ms);
    process(e, from, bytes, datagram, now_ms);
    engine_settle(e);
}

/** The stream cannot go on; say why if the head allows it. */
static void answer_unframed(struct engine *e, const struct hop *from, struct str bytes,
                            const struct sip_fault *fault)
{
    struct sip_msg m = {.hdr = e->hdr};
    struct sip_fault ignored;

    if (sip_msg_index(&m, bytes, true, &e->config.limits, &ignored) != 0 && m.hdr_count == 0) {
        e->count.malformed++;
        return;
    }
    on_fault(e, &m, from, fault);
}

size_t engine_stream_input(struct engine *e, struct sip_framer *f, const struct hop *from,
                           struct str bytes, uint64_t now_ms)
{
    static const struct str pong = STR_INIT("\r\n");
    size_t done = 0;

    engine_begin(e, now_ms);
    for (;;) {
        struct str msg, rest = str_from(bytes, done);
        struct sip_fault fault = {0};
        size_t used = 0;
        enum sip_frame frame = sip_framer_next(f, rest, &e->config.limits, &msg, &used, &fault);
        done += used;
        if (frame == SIP_FRAME_MESSAGE) {
            process(e, from, msg, false, now_ms);
        } else if (frame == SIP_FRAME_PING) {
            e->count.keepalives++;
            (void)e->env->send(e->env->ctx, from, &pong, 1);
        } else if (frame == SIP_FRAME_PONG) {
            e->count.keepalives++;
        } else {
            if (frame == SIP_FRAME_BAD) {
                answer_unframed(e, from, rest, &fault);
                done = SIZE_MAX;
            }
            break;
        }
    }
    engine_settle(e);
    return done;
}

size_t engine_csta_input(struct engine *e, const struct hop *from, struct str bytes,
                         uint64_t now_ms)
{
    size_t done = SIZE_MAX;

    engine_begin(e, now_ms);
    if (!guard_is_banned(&e->guard, &from->remote, now_ms)) {
        done = cti_stream_input(e->cti, from, bytes, now_ms);
    }
    engine_settle(e);
    return done;
}

void engine_tick(struct engine *e, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    engine_settle(e);
}

uint64_t engine_deadline(const struct engine *e)
{
    return wheel_next(&e->wheel);
}

void engine_resolved(struct engine *e, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    txn_on_resolved(&e->txn, now_ms);
    engine_settle(e);
}

void engine_fetched(struct engine *e, uint64_t tag, unsigned status, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    phones_fetched(e->phones, tag, status, now_ms);
    engine_settle(e);
}

void engine_flow_closed(struct engine *e, uint32_t flow, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    leg_on_flow_closed(&e->legs, flow, now_ms); /* the registrar knows yet who was there */
    registrar_on_flow_closed(&e->registrar, flow, now_ms);
    event_on_flow_closed(e->events, flow);
    cti_on_flow_closed(e->cti, flow, now_ms);
    txn_on_flow_closed(&e->txn, flow, now_ms);
    engine_settle(e);
}

void engine_stop(struct engine *e, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    if (!e->stopping) {
        e->stopping = true;
        phones_end_all(e->phones, now_ms);
        call_end_all(&e->calls, now_ms);
        cti_end_all(e->cti, now_ms);
        event_end_all(e->events, now_ms);
    }
    engine_settle(e);
}

/** Has ended and only waits for the answer to some request of ours, or calls somebody who is
    silent, to whom not even a CANCEL can be sent yet (RFC 3261 §9.1): that holds nobody up. */
static bool is_past(const struct leg *leg)
{
    return leg->state == LEG_ENDED || phones_gave_up(leg) ||
           (leg->cancelled && leg->uac && leg->dialog == NULL);
}

bool engine_idle(const struct engine *e)
{
    list_each(it, &e->legs.legs)
    {
        if (!is_past(list_entry(it, struct leg, all))) {
            return false;
        }
    }
    return !proxy_busy(&e->proxy);
}

bool engine_settled(const struct engine *e)
{
    list_each(it, &e->legs.legs)
    {
        if (!leg_is_settled(list_entry(it, struct leg, all))) {
            return false;
        }
    }
    return !proxy_busy(&e->proxy);
}

void engine_set_routes(struct engine *e, const struct rule_table *routes)
{
    e->routes = routes;
}

/** Without memory for what rules want to know the border holds on to what it can. */
static void refresh_border(struct engine *e)
{
    (void)border_refresh(&e->border, e->config.policy, e->config.packages);
}

void engine_set_policy(struct engine *e, const struct border_policy *policy)
{
    e->config.policy = policy;
    refresh_border(e);
}

void engine_each_note(const struct engine *e, struct str call_id,
                      void (*fn)(void *ctx, const struct border_note *note), void *ctx)
{
    border_each_note(&e->border, call_id, fn, ctx);
}

void engine_set_packages(struct engine *e, const struct uui_packages *packages)
{
    e->config.packages = packages;
    cti_set_packages(e->cti, packages);
    e->calls.packages = e->proxy.packages = packages;
    refresh_border(e);
}

void engine_set_phone_profiles(struct engine *e, const struct phone_profiles *profiles,
                               uint64_t now_ms)
{
    engine_begin(e, now_ms);
    phones_set_profiles(e->phones, profiles, now_ms);
    engine_settle(e);
}

void engine_set_carriage(struct engine *e, const struct uui_carriage *carriage)
{
    e->config.call.carriage = e->config.proxy.carriage = carriage;
    e->calls.config.carriage = e->proxy.config.carriage = carriage;
}

void engine_set_seal_keys(struct engine *e, struct seal_keys *keys)
{
    seal_set_keys(&e->seal, keys);
}

void engine_peers_changed(struct engine *e)
{
    peers_changed(&e->peers);
    refresh_border(e);
}

void engine_roster_changed(struct engine *e, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    cti_roster_changed(e->cti, now_ms);
    phones_roster_changed(e->phones, now_ms);
    engine_settle(e);
}

void engine_forget_device(struct engine *e, struct device *d, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    registrar_remove(&e->registrar, d->key, now_ms);
    event_device_gone(e->events, d, now_ms);
    phones_device_gone(e->phones, d, now_ms);
    call_clear_features(&e->calls, d);
    call_back_forget(&e->calls, d, now_ms);
    cti_device_gone(e->cti, d);
    engine_settle(e);
}
