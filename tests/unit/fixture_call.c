/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture_call.h"

#include <stdarg.h>
#include <stdio.h>

static const struct str domains[] = {STR_INIT("example.com")};

static void settle(struct exchange *x)
{
    leg_layer_sweep(&x->legs);
    call_layer_sweep(&x->calls);
    arena_reset(&x->arena);
}

void exchange_settle(struct exchange *x)
{
    settle(x);
}

static void append(char *buf, size_t cap, size_t *n, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void append(char *buf, size_t cap, size_t *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int got = vsnprintf(buf + *n, cap - *n, fmt, ap);
    va_end(ap);
    *n += got > 0 && (size_t)got < cap - *n ? (size_t)got : 0;
}

static struct str user_of(struct str id)
{
    struct sip_uri u;
    uint32_t at;
    return sip_uri_parse(id, 0, &u, &at) == 0 ? u.user : id;
}

static void on_event(void *ctx, const struct call_event *e)
{
    static const char *const names[] = {
        [CALL_EV_SERVICE_INITIATED] = "initiated", [CALL_EV_ORIGINATED] = "originated",
        [CALL_EV_NETWORK_REACHED] = "network",     [CALL_EV_DELIVERED] = "delivered",
        [CALL_EV_ESTABLISHED] = "established",     [CALL_EV_HELD] = "held",
        [CALL_EV_RETRIEVED] = "retrieved",         [CALL_EV_DIVERTED] = "diverted",
        [CALL_EV_TRANSFERRED] = "transferred",     [CALL_EV_FAILED] = "failed",
        [CALL_EV_CONNECTION_CLEARED] = "cleared",  [CALL_EV_QUEUED] = "queued",
        [CALL_EV_INFORMATION] = "information"};
    struct exchange *x = ctx;
    struct str subject = user_of(e->subject->id);
    append(x->log, sizeof(x->log), &x->log_n, "%s%s:%.*s/%s", x->log_n == 0 ? "" : " ",
           names[e->kind], STR_ARG(subject), e->cause);
    if (e->uui_to.n + e->uui_from.n > 0) {
        append(x->uui, sizeof(x->uui), &x->uui_n, "%s%s:%.*s|%.*s", x->uui_n == 0 ? "" : " ",
               names[e->kind], STR_ARG(e->uui_to), STR_ARG(e->uui_from));
    }
}

static void answer(struct exchange *x, const struct sip_msg *m, const struct hop *from,
                   unsigned status, uint64_t now_ms)
{
    struct txn *t = txn_server_new(&x->txn, m, from, NULL, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply_status(t, status, now_ms);
    }
}

static void on_new(struct exchange *x, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    struct sip_addr who;
    if (sip_msg_tag(m, SIP_HDR_TO).n > 0) {
        if (!leg_on_request(&x->legs, m, from, now_ms)) {
            answer(x, m, from, 481, now_ms);
        }
    } else if (m->method == SIP_METHOD_INVITE) {
        struct device *d = NULL;
        if (sip_msg_addr(m, SIP_HDR_FROM, &who) == 0) {
            d = directory_device_of_uri(&x->directory, &who.uri);
        }
        call_incoming_by(&x->calls, m, from, d, x->plan, now_ms);
    } else {
        answer(x, m, from, 405, now_ms);
    }
}

static void on_request(struct exchange *x, const struct sip_msg *m, const struct hop *from,
                       uint64_t now_ms)
{
    struct txn *t = NULL;
    switch (txn_on_request(&x->txn, m, from, now_ms, &t)) {
    case TXN_IN_ABSORBED:
        break;
    case TXN_IN_CANCEL:
        if (t->owner != NULL) {
            leg_on_cancel(&x->legs, t, m, from, now_ms);
        } else {
            answer(x, m, from, 200, now_ms);
        }
        break;
    case TXN_IN_MERGED:
        answer(x, m, from, 482, now_ms);
        break;
    case TXN_IN_ACK:
        (void)leg_on_request(&x->legs, m, from, now_ms);
        break;
    case TXN_IN_NEW:
        on_new(x, m, from, now_ms);
        break;
    }
}

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct exchange *x = ctx;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    (void)wheel_advance(&x->wheel, now_ms);
    if (!CHECK(sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) == 0 &&
               sip_msg_check(&m, &sip_limits_default, &fault) == 0)) {
        return;
    }
    if (sip_is_request(&m)) {
        on_request(x, &m, from, now_ms);
    } else {
        (void)txn_on_response(&x->txn, &m, from, now_ms);
    }
    settle(x);
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct exchange *x = ctx;
    (void)wheel_advance(&x->wheel, now_ms);
    settle(x);
}

static uint64_t deadline(void *ctx)
{
    struct exchange *x = ctx;
    return x->up ? wheel_next(&x->wheel) : WHEEL_NEVER;
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct exchange *x = ctx;
    registrar_on_flow_closed(&x->registrar, flow, now_ms);
    leg_on_flow_closed(&x->legs, flow, now_ms);
    txn_on_flow_closed(&x->txn, flow, now_ms);
    settle(x);
}

static void resolved(void *ctx, uint64_t now_ms)
{
    struct exchange *x = ctx;
    txn_on_resolved(&x->txn, now_ms);
    settle(x);
}

static void add_devices(struct exchange *x)
{
    static const char *const numbers[] = {"1001", "1002", "1003", "1004", "1005"};
    static const char *const uris[] = {"sip:1001@example.com", "sip:1002@example.com",
                                       "sip:1003@example.com", "sip:1004@example.com",
                                       "sip:1005@example.com"};
    for (unsigned i = 0; i < EXCHANGE_DEVICES; i++) {
        struct device *d = &x->device[i];
        *d = (struct device){.number = str_c(numbers[i]),
                             .uri = str_c(uris[i]),
                             .key = str_from(str_c(uris[i]), 4)};
        CHECK_INT(directory_add_device(&x->directory, d), 0);
    }
}

void exchange_up(struct exchange *x, struct vnet *net, const char *ip)
{
    static const struct vnode_user user = {receive, tick, deadline, flow_closed, resolved};
    const struct env *env;
    *x = (struct exchange){.done = -1};
    test_mem_init(&x->mem);
    vnet_add(net, &x->node, "baton", ip, &x->mem.mem, &user, x);
    env = &x->node.env;
    wheel_init(&x->wheel, net->now_ms);
    arena_init(&x->arena, &env->mem, 16384);
    CHECK_INT(txn_layer_init(&x->txn, env, &x->wheel, &(struct txn_timing){0}, 0), 0);
    CHECK_INT(
        leg_layer_init(&x->legs, env, &x->wheel, &x->txn, &x->arena,
                       &(struct leg_config){.allow = STR("INVITE, ACK, BYE, CANCEL, UPDATE, "
                                                         "PRACK, INFO, OPTIONS, NOTIFY")},
                       0),
        0);
    CHECK_INT(registrar_init(&x->registrar, env, &x->wheel, &(struct registrar_config){0}), 0);
    CHECK_INT(directory_init(&x->directory, env, domains, 1), 0);
    add_devices(x);
    CHECK_INT(call_layer_init(&x->calls, env, &x->wheel, &x->legs, &x->registrar, &x->directory,
                              &x->arena,
                              &(struct call_config){.auto_answer = true, .pickup = true}),
              0);
    x->calls.on_event = on_event;
    x->calls.ctx = x;
    x->up = true;
}

void exchange_check_empty(struct exchange *x)
{
    CHECK_INT(x->calls.by_id.count, 0);
    CHECK_INT(x->legs.leg_pool.in_use, 0);
    CHECK_INT(x->legs.dialog_pool.in_use, 0);
    CHECK_INT(x->legs.request_pool.in_use, 0);
    CHECK_INT(x->calls.step_pool.in_use, 0);
    CHECK_INT(x->calls.relay_pool.in_use, 0);
    CHECK_INT(x->calls.referral_pool.in_use, 0);
    CHECK_INT(txn_count(&x->txn), 0);
    for (unsigned i = 0; i < EXCHANGE_DEVICES; i++) {
        CHECK(exchange_connection(x, i) == NULL);
    }
}

void exchange_down(struct exchange *x)
{
    x->up = false;
    call_layer_fini(&x->calls);
    leg_layer_fini(&x->legs);
    registrar_fini(&x->registrar);
    directory_fini(&x->directory);
    txn_layer_fini(&x->txn);
    arena_fini(&x->arena);
    CHECK_INT(x->mem.live, 0);
}

void exchange_register(struct exchange *x, unsigned i, const struct vnode *phone, bool talk)
{
    struct hop from = vnet_hop(phone, TP_UDP);
    struct registrar_answer answer;
    struct text_msg t;
    char text[1024], host[64];
    struct out o;
    from.flow = x->node.udp_flow;
    out_init(&o, host, sizeof(host));
    addr_write(&o, &phone->addr);
    x->cseq++;
    (void)snprintf(text, sizeof(text),
                   "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP %.*s;branch=z9hG4bKr%u\n"
                   "Max-Forwards: 70\nFrom: <sip:%.*s@example.com>;tag=r\n"
                   "To: <sip:%.*s@example.com>\nCall-ID: reg-%.*s\nCSeq: %u REGISTER\n"
                   "Contact: <sip:%.*s@%.*s>\nExpires: 36000\n%s\n",
                   (int)o.n, host, x->cseq, STR_ARG(x->device[i].number),
                   STR_ARG(x->device[i].number), (int)o.n, host, x->cseq,
                   STR_ARG(x->device[i].number), (int)o.n, host,
                   talk ? "Allow-Events: talk, hold\n" : "");
    t = text_parse(text);
    registrar_register(&x->registrar, t.m, x->device[i].key, &from, x->node.net->now_ms,
                       &x->arena, &answer);
    CHECK_INT(answer.status, 200);
    text_free(&t);
    arena_reset(&x->arena);
}

struct connection *exchange_connection(struct exchange *x, unsigned i)
{
    return call_of_device(&x->device[i], NULL);
}

void exchange_done(void *ctx, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct exchange *x = ctx;
    (void)now_ms;
    CHECK_INT(x->done, -1);
    x->done = (int)err;
    x->done_status = status;
}

struct leg *exchange_dial(struct exchange *x, struct station *from, unsigned number,
                          const char *to, struct str sdp, struct str lines)
{
    struct hop hop = vnet_hop(&x->node, TP_UDP);
    char from_text[128], to_text[128], uri[128];
    struct leg_invite args = {0};
    (void)snprintf(from_text, sizeof(from_text), "\"Phone %u\" <sip:%u@example.com>", number,
                   number);
    (void)snprintf(to_text, sizeof(to_text), "<sip:%s@example.com>", to);
    (void)snprintf(uri, sizeof(uri), "sip:%s@example.com", to);
    args.request_uri = str_c(uri);
    args.from = str_c(from_text);
    args.to = str_c(to_text);
    args.target.hop = hop;
    args.pin = true;
    args.content.lines = lines;
    args.content.body = sdp;
    args.content.type = sdp.n > 0 ? STR("application/sdp") : STR_NONE;
    from->leg = leg_invite(&from->legs, &args, &station_user, from, station_now(from));
    return from->leg;
}

/* ---- an office ---- */

void trio_up(struct trio *w, uint64_t seed)
{
    static const char *const ip[] = {"10.0.0.1", "10.0.0.2", "10.0.0.3"};
    static const char *const name[] = {"1001", "1002", "1003"};
    vnet_init(&w->net, seed);
    exchange_up(&w->x, &w->net, "10.0.0.9");
    for (unsigned i = 0; i < 3; i++) {
        station_up(&w->s[i], &w->net, name[i], ip[i], NULL);
        w->s[i].auto_answer = w->s[i].auto_ack = true;
        exchange_register(&w->x, i, &w->s[i].node, false);
    }
}

void trio_down(struct trio *w)
{
    CHECK(vnet_run_quiet(&w->net, 400000) || w->x.registrar.binding_pool.in_use > 0);
    for (int i = 0; i < 3; i++) {
        station_check_empty(&w->s[i]);
        station_down(&w->s[i]);
    }
    exchange_check_empty(&w->x);
    exchange_down(&w->x);
    vnet_fini(&w->net);
}

bool trio_talk(struct trio *w)
{
    exchange_dial(&w->x, &w->s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w->net, 100);
    return CHECK_INT(station_respond(&w->s[1], 180, STR_NONE), 0) &&
           (vnet_run_for(&w->net, 100), CHECK_INT(station_respond(&w->s[1], 200, SDP_B), 0)) &&
           (vnet_run_for(&w->net, 100), CHECK_INT(w->s[0].leg->state, LEG_CONFIRMED)) &&
           CHECK_INT(w->s[1].leg->state, LEG_CONFIRMED);
}

void trio_ring_and_answer(struct trio *w, unsigned i, struct str sdp)
{
    vnet_run_for(&w->net, 100);
    CHECK_INT(station_respond(&w->s[i], 180, STR_NONE), 0);
    vnet_run_for(&w->net, 100);
    CHECK_INT(station_respond(&w->s[i], 200, sdp), 0);
    vnet_run_for(&w->net, 200);
}
