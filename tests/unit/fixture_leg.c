/* SPDX-License-Identifier: Apache-2.0 */
/* See fixture_leg.h. */
#include "fixture_leg.h"

#include "base/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what a station hears ---- */

static void say(struct station *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct station *s, const char *fmt, ...)
{
    va_list ap;
    if (s->log_n > 0 && s->log_n + 1 < sizeof(s->log)) {
        s->log[s->log_n++] = ' ';
    }
    va_start(ap, fmt);
    int n = vsnprintf(s->log + s->log_n, sizeof(s->log) - s->log_n, fmt, ap);
    va_end(ap);
    s->log_n += n > 0 && s->log_n + (size_t)n < sizeof(s->log) ? (size_t)n : 0;
}

static void keep(struct station *s, const struct sip_msg *m)
{
    mem_free(&mem_libc, s->last);
    s->last = m != NULL ? sip_msg_dup(&mem_libc, m) : NULL;
}

static void hook(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    if (s->hook != NULL) {
        s->hook(s, what, leg, now_ms);
    }
}

static void on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms)
{
    struct station *s = leg->owner;
    s->dialog = d;
    keep(s, m);
    say(s, "%u%s", m->status, d == NULL ? "(no tag)" : "");
    hook(s, "provisional", leg, now_ms);
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct station *s = leg->owner;
    keep(s, m);
    say(s, "answered");
    if (s->auto_ack) {
        (void)leg_ack(leg, NULL, now_ms); /* without memory: the 2xx times out */
    }
    hook(s, "answered", leg, now_ms);
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct station *s = leg->owner;
    keep(s, m);
    say(s, "rejected:%u%s", status, m == NULL ? "(here)" : "");
    hook(s, "rejected", leg, now_ms);
}

static void on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct station *s = leg->owner;
    keep(s, m);
    say(s, "cancelled");
    hook(s, "cancelled", leg, now_ms);
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    struct station *s = leg->owner;
    keep(s, m);
    say(s, initial ? "acked" : "reacked");
    hook(s, "acked", leg, now_ms);
}

static struct leg_content sdp_content(struct str sdp);

static void on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct station *s = leg->owner;
    keep(s, m);
    s->request = t;
    s->dialog = d;
    say(s, "%.*s", STR_ARG(sip_msg_method(m)));
    if (s->auto_answer) {
        bool sdp = m->method == SIP_METHOD_INVITE || sip_msg_body(m).n > 0;
        struct leg_content c = sdp_content(sdp ? s->answer_body : STR_NONE);
        (void)leg_answer(leg, t, 200, STR_NONE, &c, now_ms); /* not only of its last call */
    }
    hook(s, "request", leg, now_ms);
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    struct station *s = leg->owner;
    s->request = t;
    say(s, "request-cancelled");
    hook(s, "request-cancelled", leg, now_ms);
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct station *s = leg->owner;
    keep(s, m);
    s->bye = t;
    say(s, "bye");
    if (s->auto_answer) {
        (void)leg_answer(leg, t, 200, STR_NONE, NULL, now_ms);
    }
    hook(s, "bye", leg, now_ms);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    static const char *const text[] = {"bye", "local", "no-ack", "expired", "lost"};
    struct station *s = leg->owner;
    say(s, "ended:%s", text[why]);
    hook(s, "ended", leg, now_ms);
}

static void on_gone(struct leg *leg)
{
    struct station *s = leg->owner;
    s->gone++;
    s->leg = s->leg == leg ? NULL : s->leg;
    say(s, "gone");
}

const struct leg_user station_user = {
    .on_provisional = on_provisional,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = on_cancelled,
    .on_acked = on_acked,
    .on_request = on_request,
    .on_request_cancelled = on_request_cancelled,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = on_gone,
};

void station_listen(struct leg_request *r, unsigned status, const struct sip_msg *m,
                    uint64_t now_ms)
{
    struct station *s = r->owner;
    keep(s, m);
    s->last_status = status;
    say(s, "%s:%u%s", sip_method_name((enum sip_method)r->method).p ? "answer" : "?", status,
        m == NULL ? "(here)" : "");
    if (status >= 200 && status < 300 && r->method == SIP_METHOD_INVITE && s->auto_ack) {
        (void)leg_ack(r->leg, NULL, now_ms);
    }
    hook(s, "response", r->leg, now_ms);
}

/* ---- the node ---- */

static void end_input(struct station *s)
{
    leg_layer_sweep(&s->legs);
    arena_reset(&s->arena);
}

static void take_call(struct station *s, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct leg *leg = leg_incoming(&s->legs, m, from, &station_user, s, now_ms);
    if (leg == NULL) {
        say(s, "refused");
        return;
    }
    s->leg = leg;
    keep(s, m);
    say(s, "call");
    if (s->on_call != NULL) {
        s->on_call(s, leg, m);
    }
}

static void new_request(struct station *s, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    bool inside = sip_msg_tag(m, SIP_HDR_TO).n > 0;
    if (inside && leg_on_request(&s->legs, m, from, now_ms)) {
        return;
    }
    if (m->method == SIP_METHOD_ACK) {
        return;
    }
    if (!inside && m->method == SIP_METHOD_INVITE && !s->refuse_calls) {
        take_call(s, m, from, now_ms);
        return;
    }
    struct txn *t = txn_server_new(&s->txn, m, from, NULL, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply_status(t, inside ? 481 : 404, now_ms);
    }
}

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct station *s = ctx;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct txn *t = NULL;
    if (!s->up ||
        !test_check(sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) == 0 &&
                        sip_msg_check(&m, &sip_limits_default, &fault) == 0,
                    "well-formed on the wire", __FILE__, __LINE__)) {
        return;
    }
    if (!sip_is_request(&m)) {
        (void)txn_on_response(&s->txn, &m, from, now_ms);
    } else {
        switch (txn_on_request(&s->txn, &m, from, now_ms, &t)) {
        case TXN_IN_NEW:
        case TXN_IN_ACK:
            new_request(s, &m, from, now_ms);
            break;
        case TXN_IN_CANCEL:
            leg_on_cancel(&s->legs, t, &m, from, now_ms);
            break;
        case TXN_IN_ABSORBED:
        case TXN_IN_MERGED:
            break;
        }
    }
    end_input(s);
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct station *s = ctx;
    (void)wheel_advance(&s->wheel, now_ms);
    end_input(s);
}

static uint64_t deadline(void *ctx)
{
    struct station *s = ctx;
    return s->up ? wheel_next(&s->wheel) : WHEEL_NEVER;
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct station *s = ctx;
    leg_on_flow_closed(&s->legs, flow, now_ms);
    txn_on_flow_closed(&s->txn, flow, now_ms);
    end_input(s);
}

static void resolved(void *ctx, uint64_t now_ms)
{
    struct station *s = ctx;
    txn_on_resolved(&s->txn, now_ms);
    end_input(s);
}

static const struct vnode_user station_node = {receive, tick, deadline, flow_closed, resolved};

void station_up(struct station *s, struct vnet *net, const char *name, const char *ip,
                const struct leg_config *config)
{
    static const struct leg_config plain = {
        .allow = STR_INIT("INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK, REFER"),
        .contact_user = STR_INIT("baton"),
    };
    static const struct txn_timing timing = {0};
    *s = (struct station){.up = true, .auto_ack = true, .auto_answer = true};
    s->answer_body = SDP_B;
    test_mem_init(&s->mem);
    vnet_add(net, &s->node, name, ip, &s->mem.mem, &station_node, s);
    wheel_init(&s->wheel, net->now_ms);
    arena_init(&s->arena, &s->mem.mem, 32768);
    if (txn_layer_init(&s->txn, &s->node.env, &s->wheel, &timing, 0) != 0 ||
        leg_layer_init(&s->legs, &s->node.env, &s->wheel, &s->txn, &s->arena,
                       config != NULL ? config : &plain, 0) != 0) {
        abort();
    }
}

void station_check_empty(struct station *s)
{
    CHECK_INT(s->legs.leg_pool.in_use, 0);
    CHECK_INT(s->legs.dialog_pool.in_use, 0);
    CHECK_INT(s->legs.request_pool.in_use, 0);
    CHECK_INT(s->legs.served_pool.in_use, 0);
    CHECK_INT(s->legs.dialogs.count, 0);
    CHECK_INT(txn_count(&s->txn), 0);
    CHECK_INT(s->wheel.count, 0);
}

void station_down(struct station *s)
{
    s->up = false;
    leg_layer_fini(&s->legs);
    txn_layer_fini(&s->txn);
    arena_fini(&s->arena);
    mem_free(&mem_libc, s->last);
    s->last = NULL;
    CHECK_INT(s->mem.live, 0);
}

/* ---- what a station does ---- */

uint64_t station_now(const struct station *s)
{
    return s->node.net->now_ms;
}

static struct leg_content sdp_content(struct str sdp)
{
    return (struct leg_content){.type = sdp.n > 0 ? STR("application/sdp") : STR_NONE,
                                .body = sdp};
}

struct leg *station_call(struct station *a, const struct vnode *b, enum transport transport,
                         struct str sdp, struct str lines)
{
    char uri[96];
    struct out o;
    out_init(&o, uri, sizeof(uri));
    out_c(&o, "sip:bob@");
    addr_write_host(&o, &b->addr);
    struct leg_invite args = {
        .request_uri = out_str_of(&o),
        .from = STR("\"Alice\" <sip:alice@example.com>"),
        .to = STR("<sip:bob@example.com>"),
        .target = {.hop = vnet_hop(b, transport)},
        .content = sdp_content(sdp),
    };
    args.content.lines = lines;
    a->leg = leg_invite(&a->legs, &args, &station_user, a, station_now(a));
    arena_reset(&a->arena);
    return a->leg;
}

int station_respond(struct station *s, unsigned status, struct str sdp)
{
    struct leg_content c = sdp_content(sdp);
    return leg_respond(s->leg, NULL, status, STR_NONE, &c, station_now(s));
}

int station_ack(struct station *s, struct str sdp)
{
    struct leg_content c = sdp_content(sdp);
    return leg_ack(s->leg, &c, station_now(s));
}

int station_send(struct station *s, const char *method, struct str sdp)
{
    struct leg_content c = sdp_content(sdp);
    return leg_send(s->leg, NULL, str_c(method), &c, station_listen, s, NULL, station_now(s));
}

int station_answer(struct station *s, unsigned status, struct str sdp)
{
    struct leg_content c = sdp_content(sdp);
    return leg_answer(s->leg, s->request, status, STR_NONE, &c, station_now(s));
}

void station_clear_log(struct station *s)
{
    s->log_n = 0;
    s->log[0] = '\0';
}

struct str station_last(const struct station *s, const char *name)
{
    const struct sip_hdr *h = s->last ? sip_msg_named(&s->last->m, str_c(name)) : NULL;
    return h != NULL ? sip_hdr_value(&s->last->m, h) : STR("");
}

void two_up(struct two *w, uint64_t seed, const struct leg_config *a,
            const struct leg_config *b)
{
    vnet_init(&w->net, seed);
    station_up(&w->a, &w->net, "alice", "10.0.0.1", a);
    station_up(&w->b, &w->net, "bob", "10.0.0.2", b);
}

void two_hang_up(struct two *w)
{
    if (w->a.leg != NULL) {
        leg_end(w->a.leg, 0, NULL, NULL, NULL, w->net.now_ms);
    }
    vnet_run_for(&w->net, 100);
    if (w->b.leg != NULL) {
        leg_end(w->b.leg, 0, NULL, NULL, NULL, w->net.now_ms);
    }
}

void two_down(struct two *w)
{
    CHECK(vnet_run_quiet(&w->net, 400000));
    station_check_empty(&w->a);
    station_check_empty(&w->b);
    station_down(&w->a);
    station_down(&w->b);
    vnet_fini(&w->net);
}

bool stations_talk(struct station *a, struct station *b, enum transport transport)
{
    if (station_call(a, &b->node, transport, SDP_A, STR_NONE) == NULL) {
        return false;
    }
    vnet_run_for(a->node.net, 100);
    if (b->leg == NULL || station_respond(b, 200, SDP_B) != 0) {
        return false;
    }
    vnet_run_for(a->node.net, 100);
    bool ok =
        a->leg != NULL && a->leg->state == LEG_CONFIRMED && b->leg->state == LEG_CONFIRMED;
    station_clear_log(a);
    station_clear_log(b);
    return ok;
}

/* ---- raw peers ---- */

static void raw_receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct raw *r = ctx;
    (void)now_ms;
    if (r->in_n == RAW_MAX) {
        return;
    }
    char *copy = malloc(bytes.n + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, bytes.p, bytes.n);
    r->in[r->in_n] = str_make(copy, bytes.n);
    r->from[r->in_n++] = *from;
}

void raw_up(struct raw *r, struct vnet *net, const char *name, const char *ip)
{
    static const struct vnode_user user = {.receive = raw_receive};
    *r = (struct raw){0};
    test_mem_init(&r->mem);
    vnet_add(net, &r->node, name, ip, &r->mem.mem, &user, r);
}

void raw_down(struct raw *r)
{
    for (size_t i = 0; i < r->in_n; i++) {
        free((void *)(uintptr_t)r->in[i].p);
    }
    r->in_n = 0;
}

struct text_msg text_of_bytes(struct str bytes)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct text_msg t = {NULL, NULL};
    if (sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) == 0) {
        t.own = sip_msg_dup(&mem_libc, &m);
        t.m = t.own != NULL ? &t.own->m : NULL;
    }
    return t;
}

struct text_msg raw_take(struct raw *r)
{
    if (r->taken == r->in_n) {
        return (struct text_msg){NULL, NULL};
    }
    return text_of_bytes(r->in[r->taken++]);
}

struct hop raw_from(const struct raw *r)
{
    return r->taken > 0 ? r->from[r->taken - 1] : (struct hop){0};
}

/** \n to CRLF in the head, Content-Length when there is none. */
static struct str wire_text(const char *text)
{
    struct str in = str_c(text);
    size_t cap = in.n * 2 + 64;
    char *buf = malloc(cap);
    struct out o;
    if (buf == NULL) {
        abort();
    }
    out_init(&o, buf, cap);
    size_t i = 0;
    bool ended = false;
    while (i < in.n && !ended) {
        if (in.p[i] == '\r') {
            i++;
            continue;
        }
        if (in.p[i] == '\n') {
            ended =
                i + 1 < in.n && (in.p[i + 1] == '\n' ||
                                 (in.p[i + 1] == '\r' && i + 2 < in.n && in.p[i + 2] == '\n'));
            out_c(&o, "\r\n");
            i += ended ? (in.p[i + 1] == '\r' ? 3 : 2) : 1;
        } else {
            out_ch(&o, in.p[i++]);
        }
    }
    if (str_find(out_str_of(&o), STR("\r\nContent-Length:")) == o.n) {
        out_fmt(&o, "Content-Length: %zu\r\n", in.n - i);
    }
    out_c(&o, "\r\n");
    out_str(&o, str_from(in, i));
    return out_str_of(&o);
}

struct text_msg text_parse(const char *text)
{
    struct str wire = wire_text(text);
    struct text_msg t = text_of_bytes(wire);
    free((void *)(uintptr_t)wire.p);
    return t;
}

void text_free(struct text_msg *t)
{
    mem_free(&mem_libc, t->own);
    *t = (struct text_msg){NULL, NULL};
}

struct str text_value(const struct text_msg *t, const char *name)
{
    const struct sip_hdr *h = t->m != NULL ? sip_msg_named(t->m, str_c(name)) : NULL;
    return h != NULL ? sip_hdr_value(t->m, h) : STR("");
}

struct str text_start(const struct text_msg *t)
{
    if (t->m == NULL) {
        return STR("");
    }
    struct str all = str_make(t->m->buf, t->m->len);
    return str_upto(all, str_find(all, STR("\r\n")));
}

void raw_send(struct raw *r, const struct hop *to, const char *text)
{
    struct str wire = wire_text(text);
    struct hop hop = *to;
    if (hop.flow == 0) {
        (void)r->node.env.open(&r->node, &hop, STR_NONE);
    }
    CHECK_INT(r->node.env.send(&r->node, &hop, &wire, 1), 0);
    free((void *)(uintptr_t)wire.p);
}

void raw_sendf(struct raw *r, const struct hop *to, const char *fmt, ...)
{
    char buf[8192];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(buf)) {
        abort();
    }
    raw_send(r, to, buf);
}

void raw_reply(struct raw *r, const struct hop *to, const struct sip_msg *req,
               const char *status, const char *to_tag, const char *lines, const char *body)
{
    char via[1024] = "";
    size_t n = 0;
    for (const struct sip_hdr *h = sip_msg_line(req, SIP_HDR_VIA); h != NULL;
         h = sip_msg_next_line(req, h)) {
        int len =
            snprintf(via + n, sizeof(via) - n, "Via: %.*s\n", STR_ARG(sip_hdr_value(req, h)));
        n += len > 0 ? (size_t)len : 0;
    }
    bool tagged = sip_msg_tag(req, SIP_HDR_TO).n > 0 || to_tag[0] == '\0';
    raw_sendf(
        r, to, "SIP/2.0 %s\n%sFrom: %.*s\nTo: %.*s%s%s\nCall-ID: %.*s\nCSeq: %.*s\n%s\n%s",
        status, via, STR_ARG(sip_msg_value(req, SIP_HDR_FROM)),
        STR_ARG(sip_msg_value(req, SIP_HDR_TO)), tagged ? "" : ";tag=", tagged ? "" : to_tag,
        STR_ARG(sip_msg_value(req, SIP_HDR_CALL_ID)), STR_ARG(sip_msg_value(req, SIP_HDR_CSEQ)),
        lines, body);
}

size_t station_ends(const struct station *s)
{
    return test_count(s->log, "ended:") + test_count(s->log, "rejected:") +
           test_count(s->log, "cancelled") - test_count(s->log, "request-cancelled");
}

void station_stop(struct station *s)
{
    if (s->leg != NULL) {
        leg_end(s->leg, 0, NULL, NULL, NULL, station_now(s));
    }
}

void station_act(struct vnet *net, struct station *s)
{
    if (s->leg == NULL) {
        return;
    }
    switch (vnet_random(net) % 9) {
    case 0:
        (void)station_send(s, "INVITE", SDP_A);
        break;
    case 1:
        (void)station_send(s, "UPDATE", SDP_B);
        break;
    case 2:
        (void)station_send(s, "INFO", STR_NONE);
        break;
    case 3:
        (void)station_send(s, "UPDATE", STR_NONE);
        break;
    case 4:
        if (vnet_random(net) % 4 == 0) {
            station_stop(s);
        }
        break;
    case 5:
        (void)station_respond(s, 183, STR_NONE);
        break;
    default:
        break;
    }
}
