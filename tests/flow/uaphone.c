/* SPDX-License-Identifier: Apache-2.0 */
/* See uaphone.h: the phone on the network, its session, its events. */
#include "uaphone.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct str csta_lines =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");
static const struct str csta_type = STR_INIT("application/csta+xml");

static uint64_t now_of(const struct uaphone *u)
{
    return station_now(&u->p.s);
}

static struct leg_content content_of(const char *xml)
{
    return xml != NULL ? (struct leg_content){.lines = csta_lines,
                                              .type = csta_type,
                                              .body = str_c(xml)}
                       : (struct leg_content){0};
}

static void note(char *to, size_t cap, struct str word)
{
    size_t n = strlen(to);
    (void)snprintf(to + n, cap - n, "%s%.*s", n > 0 ? " " : "", STR_ARG(word));
}

char *uaphone_text(const struct uaphone *u, enum csta_edition asked, const char *root,
                   const char *inner)
{
    char *text = NULL;
    enum csta_edition e =
        (u->profile->quirks & PHONE_QUIRK_OWN_EDITION) != 0 ? CSTA_ED5 : asked;
    struct str ns = csta_edition_ns(e != CSTA_EDITION_NONE ? e : CSTA_ED3);
    if (asprintf(&text,
                 "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"%.*s\">%s</%s>", root,
                 STR_ARG(ns), inner, root) < 0) {
        abort();
    }
    return text;
}

/* ---- events ---- */

static void on_event_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                            uint64_t now_ms)
{
    struct uaphone *u = r->owner;
    (void)m;
    (void)now_ms;
    if (status >= 200) {
        u->sending = false;
        uaphone_flush(u);
    }
}

void uaphone_flush(struct uaphone *u)
{
    if (u->sending || u->queued == 0 || !u->up || timer_running(&u->timer)) {
        return;
    }
    char *xml = u->queue[0];
    struct leg_content c = content_of(xml);
    u->queued--;
    memmove(&u->queue[0], &u->queue[1], u->queued * sizeof(u->queue[0]));
    u->sending =
        leg_send(u->session, NULL, STR("INFO"), &c, on_event_answer, u, NULL, now_of(u)) == 0;
    free(xml);
    if (!u->sending) {
        uaphone_flush(u);
    }
}

static void on_late(struct timer *t, uint64_t now_ms)
{
    (void)now_ms;
    uaphone_flush(container_of(t, struct uaphone, timer));
}

static void enqueue(struct uaphone *u, char *xml)
{
    if (u->queued == UAPHONE_QUEUE) {
        abort();
    }
    u->queue[u->queued++] = xml;
}

void uaphone_tell(struct uaphone *u, const char *event, const char *fmt, ...)
{
    char inner[2048], whole[2304];
    va_list ap;
    if (u->ref[0] == '\0' || !u->profile->own_events) {
        return;
    }
    va_start(ap, fmt);
    (void)vsnprintf(inner, sizeof(inner), fmt, ap);
    va_end(ap);
    (void)snprintf(whole, sizeof(whole), "<monitorCrossRefID>%s</monitorCrossRefID>%s", u->ref,
                   inner);
    if ((u->odd & UAPHONE_GARBAGE) != 0 && !u->garbled) {
        u->garbled = true;
        enqueue(u, strdup("<DeliveredEvent xmlns=\"\"><monitorCrossRefID>&#0;<"));
    }
    enqueue(u, uaphone_text(u, u->profile->edition, event, whole));
    if ((u->odd & UAPHONE_REPEATS) != 0) {
        enqueue(u, uaphone_text(u, u->profile->edition, event, whole));
    }
    note(u->told, sizeof(u->told), str_c(event));
    if ((u->odd & UAPHONE_LATE) != 0 && !timer_running(&u->timer)) {
        timer_set(&u->p.s.wheel, &u->timer, now_of(u) + 1500);
    }
}

static void forget_events(struct uaphone *u)
{
    while (u->queued > 0) {
        free(u->queue[--u->queued]);
    }
    u->sending = false;
    timer_stop(&u->p.s.wheel, &u->timer);
}

/* ---- the session ---- */

static void session_over(struct uaphone *u)
{
    u->session = NULL;
    u->up = false;
    u->ref[0] = '\0';
    forget_events(u);
}

static void sends_nothing(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                          uint64_t now_ms)
{
    (void)leg;
    (void)d;
    (void)m;
    (void)now_ms;
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    (void)leg_ack(leg, NULL, now_ms);
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)leg;
    (void)status;
    (void)m;
    (void)now_ms;
}

static void on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct uaphone *u = leg->owner;
    (void)m;
    (void)now_ms;
    if (u->session == leg) {
        session_over(u);
    }
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    struct uaphone *u = leg->owner;
    (void)m;
    (void)initial;
    (void)now_ms;
    u->up = u->session == leg;
    uaphone_flush(u);
}

static bool has_csta(const struct sip_msg *m)
{
    return sip_msg_content_is(m, STR("application"), STR("csta+xml"));
}

static struct str status_xml(const struct uaphone *u, char **text)
{
    *text = NULL;
    if ((u->odd & UAPHONE_NO_STATUS) == 0) {
        *text = uaphone_text(u, u->profile->edition, "RequestSystemStatusResponse",
                             (u->odd & UAPHONE_DISABLED) != 0
                                 ? "<systemStatus>disabled</systemStatus>"
                                 : "<systemStatus>normal</systemStatus>");
    }
    return str_c(*text);
}

/** An answer as an INFO of its own, behind an empty 200. */
static void answer_apart(struct uaphone *u, struct leg *leg, struct txn *t, char *xml)
{
    struct leg_content c = {0};
    (void)leg_answer(leg, t, 200, STR_NONE, &c, now_of(u));
    if (xml != NULL) {
        memmove(&u->queue[1], &u->queue[0], u->queued * sizeof(u->queue[0]));
        u->queue[0] = xml;
        u->queued++;
        uaphone_flush(u);
    }
}

static void on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct uaphone *u = leg->owner;
    struct leg_content c = {0};
    unsigned status = 200;
    char *xml = NULL;
    (void)d;
    if (m->method == SIP_METHOD_INVITE || m->method == SIP_METHOD_UPDATE) {
        (void)status_xml(u, &xml);
        c = content_of(m->method == SIP_METHOD_INVITE ? xml : NULL);
        (void)leg_answer(leg, t, 200, STR_NONE, &c, now_ms);
        free(xml);
        return;
    }
    if (m->method != SIP_METHOD_INFO || !has_csta(m)) {
        (void)leg_answer(leg, t, m->method == SIP_METHOD_INFO ? 415 : 200, STR_NONE, &c,
                         now_ms);
        return;
    }
    if ((u->odd & UAPHONE_MUTE) != 0) {
        return;
    }
    xml = uaphone_serve(u, sip_msg_body(m), &status);
    if ((u->odd & UAPHONE_EVENT_FIRST) != 0) {
        uaphone_flush(u);
    }
    if ((u->odd & UAPHONE_APART) != 0) {
        answer_apart(u, leg, t, xml);
        return;
    }
    c = content_of(xml);
    (void)leg_answer(leg, t, status, STR_NONE, &c, now_ms);
    free(xml);
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    (void)leg;
    (void)t;
    (void)now_ms;
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg_content c = {0};
    (void)m;
    (void)leg_answer(leg, t, 200, STR_NONE, &c, now_ms);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    struct uaphone *u = leg->owner;
    (void)why;
    (void)now_ms;
    if (u->session == leg) {
        session_over(u);
    }
}

static void on_gone(struct leg *leg)
{
    struct uaphone *u = leg->owner;
    if (u->session == leg) {
        session_over(u);
    }
}

static const struct leg_user session_user = {
    .on_provisional = sends_nothing,
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

/** INVITE with CSTA. A second session takes the place of the first, and nothing is said. */
static void take_session(struct uaphone *u, const struct sip_msg *m, const struct hop *from)
{
    uint64_t now_ms = now_of(u);
    char *xml;
    struct leg *leg = leg_incoming(&u->p.s.legs, m, from, &session_user, u, now_ms);
    if (leg == NULL) {
        return;
    }
    unsigned refuse = (u->odd & UAPHONE_BUSY) != 0               ? 486
                      : (u->odd & UAPHONE_NO_CSTA) != 0          ? 415
                      : u->profile->means != PHONE_MEANS_SESSION ? 415
                                                                 : 0;
    if (refuse != 0) {
        struct leg_content c = {.lines = refuse == 415 ? STR("Accept: application/sdp\r\n")
                                                       : STR_NONE};
        (void)leg_respond(leg, NULL, refuse, STR_NONE, &c, now_ms);
        return;
    }
    if (u->session != NULL) {
        struct leg *old = u->session;
        session_over(u);
        leg_free(old);
    }
    u->sessions++;
    u->session = leg;
    note(u->heard, sizeof(u->heard), STR("INVITE"));
    (void)status_xml(u, &xml);
    struct leg_content c = content_of(xml);
    (void)leg_respond(leg, NULL, 200, STR_NONE, &c, now_ms);
    free(xml);
}

/** NOTIFY with `Event: uaCSTA`. */
static void take_notify(struct uaphone *u, const struct sip_msg *m, const struct hop *from)
{
    uint64_t now_ms = now_of(u);
    struct txn *t = txn_server_new(&u->p.s.txn, m, from, NULL, NULL, now_ms);
    struct txn_reply r = {.status = 200, .lines = csta_lines, .type = csta_type};
    bool secure = transport_is_secure((enum transport)from->transport);
    if (t == NULL || (u->odd & UAPHONE_MUTE) != 0) {
        return;
    }
    if (u->profile->means != PHONE_MEANS_NOTIFY) {
        (void)txn_reply_status(t, 489, now_ms);
        return;
    }
    if ((u->profile->quirks & PHONE_QUIRK_TLS_ONLY) != 0 && !secure) {
        (void)txn_reply_status(t, 403, now_ms);
        return;
    }
    CHECK(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE).n > 0);
    char *xml = uaphone_serve(u, sip_msg_body(m), &r.status);
    if (xml == NULL) {
        (void)txn_reply_status(t, r.status, now_ms);
    } else {
        r.body = str_c(xml);
        (void)txn_reply(t, &r, now_ms);
    }
    free(xml);
}

/** NOTIFY with `Event: ACTION-URI`. */
static void take_key(struct uaphone *u, const struct sip_msg *m, const struct hop *from)
{
    uint64_t now_ms = now_of(u);
    struct txn *t = txn_server_new(&u->p.s.txn, m, from, NULL, NULL, now_ms);
    struct str body = sip_msg_body(m);
    bool known = u->profile->action_notify && (u->odd & UAPHONE_NO_KEYS) == 0;
    if (t == NULL || (u->odd & UAPHONE_MUTE) != 0) {
        return;
    }
    CHECK(sip_msg_content_is(m, STR("message"), STR("sipfrag")));
    CHECK(str_starts(body, STR("key=")));
    note(u->heard, sizeof(u->heard), body);
    if (!known || uaphone_press(u, str_from(body, 4))) {
        (void)txn_reply_status(t, known ? 200 : 489, now_ms);
    } else {
        (void)txn_reply_status(t, 400, now_ms);
    }
}

/* ---- the node ---- */

static bool is_for_us(const struct sip_msg *m)
{
    if (!sip_is_request(m) || sip_msg_tag(m, SIP_HDR_TO).n > 0) {
        return false;
    }
    return (m->method == SIP_METHOD_INVITE && has_csta(m)) ||
           (m->method == SIP_METHOD_NOTIFY &&
            (str_ieq(sip_msg_value(m, SIP_HDR_EVENT), STR("uaCSTA")) ||
             str_ieq(sip_msg_value(m, SIP_HDR_EVENT), STR("ACTION-URI"))));
}

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct uaphone *u = (struct uaphone *)ctx; /* its station comes first */
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct txn *t = NULL;
    if (!u->p.s.up || sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) != 0 ||
        !is_for_us(&m)) {
        u->base->receive(ctx, bytes, from, now_ms);
        uaphone_flush(u);
        return;
    }
    if (txn_on_request(&u->p.s.txn, &m, from, now_ms, &t) == TXN_IN_NEW) {
        if (m.method == SIP_METHOD_INVITE) {
            take_session(u, &m, from);
        } else if (str_ieq(sip_msg_value(&m, SIP_HDR_EVENT), STR("uaCSTA"))) {
            take_notify(u, &m, from);
        } else {
            take_key(u, &m, from);
            uaphone_flush(u);
        }
    }
    leg_layer_sweep(&u->p.s.legs);
    arena_reset(&u->p.s.arena);
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct uaphone *u = ctx;
    u->base->tick(ctx, now_ms);
}

static uint64_t deadline(void *ctx)
{
    struct uaphone *u = ctx;
    return u->base->deadline(ctx);
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct uaphone *u = ctx;
    u->base->flow_closed(ctx, flow, now_ms);
}

static void resolved(void *ctx, uint64_t now_ms)
{
    struct uaphone *u = ctx;
    u->base->resolved(ctx, now_ms);
}

static const struct vnode_user uaphone_node = {receive, tick, deadline, flow_closed, resolved};

static void hook(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    struct uaphone *u = (struct uaphone *)s;
    u->base_hook(s, what, leg, now_ms);
    uaphone_on_sip(u, what, s->last != NULL ? &s->last->m : NULL);
}

static void on_call(struct station *s, struct leg *leg, const struct sip_msg *m)
{
    struct uaphone *u = (struct uaphone *)s;
    u->base_call(s, leg, m);
    uaphone_on_sip(u, "call", m);
}

/* ---- life ---- */

void uaphone_up(struct uaphone *u, struct vnet *net, struct vnode *server, const char *name,
                const char *ip, const char *number, const char *password,
                enum transport transport, const struct phone_profile *profile,
                const char *agent, unsigned odd)
{
    struct str pattern = profile->agent_count > 0 ? profile->agents[0] : STR("uaphone");
    char made[64];
    size_t n = 0;
    *u = (struct uaphone){.profile = profile, .odd = odd, .next_call = 1, .volume = 50};
    for (size_t i = 0; i < pattern.n && n + 1 < sizeof(made); i++) {
        made[n++] = pattern.p[i] == '*' ? '1' : pattern.p[i];
    }
    made[n] = '\0';
    phone_up(&u->p, net, server, name, ip, number, password, transport);
    (void)snprintf(u->lines, sizeof(u->lines), "User-Agent: %s\r\n",
                   agent != NULL ? agent : made);
    u->p.register_lines = u->lines;
    u->p.talk = profile->talk;
    timer_init(&u->timer, on_late);
    u->base = u->p.s.node.user;
    u->p.s.node.user = &uaphone_node;
    u->base_hook = u->p.s.hook;
    u->base_call = u->p.s.on_call;
    u->p.s.hook = hook;
    u->p.s.on_call = on_call;
}

void uaphone_down(struct uaphone *u)
{
    forget_events(u);
    phone_down(&u->p);
}

void uaphone_forget(struct uaphone *u)
{
    struct leg *leg = u->session;
    if (leg != NULL) {
        session_over(u);
        leg_free(leg);
        leg_layer_sweep(&u->p.s.legs);
    }
}

void uaphone_restart(struct uaphone *u)
{
    struct leg *leg = u->p.s.leg;
    uaphone_forget(u);
    if (leg != NULL) {
        u->p.s.leg = NULL;
        leg_free(leg);
        leg_layer_sweep(&u->p.s.legs);
    }
    memset(u->call, 0, sizeof(u->call));
    u->next_call = 1;
    env_random_token(&u->p.s.node.env, u->p.register_id, sizeof(u->p.register_id) - 1);
    u->p.register_cseq = 1;
    phone_register(&u->p, 3600);
}

void uaphone_end_session(struct uaphone *u)
{
    if (u->session != NULL) {
        leg_end(u->session, 0, NULL, NULL, NULL, now_of(u));
    }
}
