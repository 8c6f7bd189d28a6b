/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone's calls: one leg each, and a session description that names audio that nobody
 * sends.
 *
 * Answering by itself: --auto-answer, or when the caller asks for it the way phones are asked
 * (Answer-Mode: Auto, RFC 5373; Call-Info answer-after; Alert-Info info=alert-autoanswer), or
 * by NOTIFY "Event: talk" while it rings.
 */
#include "base/err.h"
#include "cli/phone.h"
#include "sdp/sdp.h"
#include <stdio.h>

enum { SLOT_ANSWER = 1, MEDIA_PORT = 40000, SDP_MAX = 8192 };

static uint64_t now_of(const struct phone_call *c)
{
    return ua_now(c->phone->ua);
}

static void show(struct phone_call *c, const char *event, unsigned status,
                 const struct sip_msg *uui_of)
{
    phone_show(c->phone, &(struct phone_news){.event = event,
                                              .call = c,
                                              .peer = str_c(c->peer),
                                              .status = status,
                                              .uui_of = uui_of});
}

unsigned phone_number(struct phone *p)
{
    bool taken = true;

    while (taken) {
        p->last_number = p->last_number % PHONE_NUMBERS + 1;
        taken = false;
        for (int i = 0; i < PHONE_CALLS; i++) {
            taken = taken || (p->call[i].leg != NULL && p->call[i].id == p->last_number);
        }
    }
    return p->last_number;
}

static struct phone_call *new_call(struct phone *p)
{
    for (int i = 0; i < PHONE_CALLS; i++) {
        if (p->call[i].leg == NULL) {
            p->call[i] = (struct phone_call){.phone = p, .id = phone_number(p)};
            return &p->call[i];
        }
    }
    return NULL;
}

/* ---- descriptions ---- */

/** Our description: an answer to c->offer when there is one, else an offer. */
static struct str describe(struct phone_call *c, const struct hop *hop)
{
    struct ua *u = c->phone->ua;
    struct sdp_local local = {.username = STR("baton"),
                              .id = 1000 + c->id,
                              .version = ++c->sdp_version,
                              .port = (uint16_t)(MEDIA_PORT + 2 * c->id),
                              .dir = c->held ? SDP_SENDONLY : SDP_SENDRECV};
    char *buf = arena_alloc(&u->scratch, SDP_MAX);
    uint8_t entropy[SDP_ENTROPY];
    struct addr addr = {0};
    struct sdp offer;
    struct out o, h;
    char host[64];
    int err;

    u->env->local(u->env->ctx, hop, &addr);
    out_init(&h, host, sizeof(host));
    addr_write_host(&h, &addr);
    local.address = out_str_of(&h);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, SDP_MAX);
    if (c->offer_len == 0) {
        err = sdp_write_offer(&o, &local);
    } else if (sdp_parse(str_make(c->offer, c->offer_len), &offer, NULL) != 0) {
        err = E_SYNTAX;
    } else {
        local.dir =
            (uint8_t)(offer.media_count > 0 ? sdp_dir_answer(offer.media[0].dir, local.dir)
                                            : local.dir);
        err = sdp_write_answer(&o, &local, &offer);
        if (err != 0) { /* without audio that we know, or with keys: taken silently */
            u->env->random(u->env->ctx, entropy, sizeof(entropy));
            local.entropy = entropy;
            err = sdp_write_black_hole(&o, &local, &offer);
        }
    }
    c->offer_len = 0;
    return err == 0 ? out_str_of(&o) : STR_NONE;
}

static bool take_offer(struct phone_call *c, const struct sip_msg *m)
{
    struct str body = sip_msg_body(m);

    c->offer_len = 0;
    if (body.n == 0 || body.n > sizeof(c->offer) ||
        !sip_msg_content_is(m, STR("application"), STR("sdp"))) {
        return false;
    }
    memcpy(c->offer, body.p, body.n);
    c->offer_len = body.n;
    return true;
}

static struct leg_content content_of(struct phone_call *c, const char *uui)
{
    struct leg_content content = {.body = describe(c, &c->leg->hop)};

    content.type = str_is_set(content.body) ? STR("application/sdp") : STR_NONE;
    content.lines = phone_uui_line(c->phone, str_c(uui));
    return content;
}

/* ---- actions ---- */

void phone_answer(struct phone_call *c)
{
    struct leg_content content;

    if (c->leg == NULL || !c->incoming || c->answered) {
        return;
    }
    content = content_of(c, c->phone->opt.uui_answer);
    if (leg_respond(c->leg, NULL, 200, STR_NONE, &content, now_of(c)) == 0) {
        c->answered = true;
        show(c, "answered", 0, NULL);
    }
}

void phone_reject(struct phone_call *c, unsigned status)
{
    if (c->leg != NULL && c->incoming && !c->answered) {
        show(c, "rejected", status, NULL);
        leg_end(c->leg, status, NULL, NULL, NULL, now_of(c));
    }
}

void phone_hang_up(struct phone_call *c, struct str uui_hex)
{
    struct leg_content content = {0};

    if (c->leg == NULL) {
        return;
    }
    content.lines =
        phone_uui_line(c->phone, uui_hex.n > 0 ? uui_hex : str_c(c->phone->opt.uui_bye));
    leg_end(c->leg, 486, &content, NULL, NULL, now_of(c));
}

static void on_reinvite(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct phone_call *c = r->leg->owner;

    (void)m;
    if (status < 200) {
        return;
    }
    if (status < 300) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
        show(c, c->held ? "held" : "retrieved", 0, NULL);
    } else {
        c->held = !c->held;
        show(c, "hold-failed", status, NULL);
    }
}

void phone_hold(struct phone_call *c, bool hold)
{
    struct leg_content content;

    if (c->leg == NULL || !c->answered || c->held == hold) {
        return;
    }
    c->held = hold;
    content = content_of(c, NULL);
    if (leg_send(c->leg, NULL, STR("INVITE"), &content, on_reinvite, c, NULL, now_of(c)) != 0) {
        c->held = !hold;
        show(c, "hold-failed", 491, NULL);
    }
}

void phone_dial(struct phone *p, struct str to, struct str uui_hex)
{
    struct phone_call *c = new_call(p);
    struct arena *a = &p->ua->scratch;
    struct leg_invite args = {.target = ua_target(p->ua), .auth = &p->auth, .pin = true};

    if (c == NULL) {
        return;
    }
    if (str_index(to, ':') == to.n) {
        to = str_index(to, '@') < to.n
                 ? arena_fmt(a, "sip:%.*s", STR_ARG(to))
                 : arena_fmt(a, "sip:%.*s@%.*s", STR_ARG(to), STR_ARG(p->aor.host));
    }
    (void)snprintf(c->peer, sizeof(c->peer), "%.*s", STR_ARG(to));
    args.request_uri = to;
    args.from = arena_fmt(a, "<%s>", p->opt.aor);
    args.to = arena_fmt(a, "<%.*s>", STR_ARG(to));
    args.content.type = STR("application/sdp");
    args.content.body = describe(c, &args.target.hop);
    args.content.lines = phone_uui_line(p, uui_hex);
    c->leg = leg_invite(&p->ua->legs, &args, &phone_user, c, ua_now(p->ua));
    show(c, c->leg != NULL ? "calling" : "failed", 0, NULL);
    p->refused = p->refused || c->leg == NULL;
}

/* ---- what the leg tells ---- */

static void on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                           uint64_t now_ms)
{
    (void)d;
    (void)now_ms;
    show(leg->owner, "progress", m->status, m);
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct phone_call *c = leg->owner;

    c->answered = true;
    (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    show(c, "established", 0, m);
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)now_ms;
    ((struct phone_call *)leg->owner)->phone->refused = true;
    show(leg->owner, "refused", status, m);
}

static void on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    (void)now_ms;
    show(leg->owner, "cancelled", 0, NULL);
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    (void)m;
    (void)now_ms;
    if (initial) {
        show(leg->owner, "established", 0, NULL);
    }
}

static void on_notify(struct phone_call *c, struct txn *t, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct str event = sip_msg_value(m, SIP_HDR_EVENT);
    bool talk = str_ieq(event, STR("talk")), hold = str_ieq(event, STR("hold"));

    (void)leg_answer(c->leg, t, talk || hold ? 200 : 489, STR_NONE, &(struct leg_content){0},
                     now_ms);
    if (talk) {
        show(c, "asked-to-talk", 0, NULL);
        if (c->answered) {
            phone_hold(c, false);
        } else {
            phone_answer(c);
        }
    } else if (hold) {
        show(c, "asked-to-hold", 0, NULL);
        phone_hold(c, true);
    }
}

static void on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct phone_call *c = leg->owner;
    struct leg_content content = {0};
    bool offer;

    (void)d;
    switch ((enum sip_method)m->method) {
    case SIP_METHOD_INVITE:
    case SIP_METHOD_UPDATE:
        offer = take_offer(c, m);
        if (offer || m->method == SIP_METHOD_INVITE) {
            struct sdp s;
            bool held = offer && sdp_parse(str_make(c->offer, c->offer_len), &s, NULL) == 0 &&
                        sdp_is_held(&s);
            content = content_of(c, NULL);
            show(c, offer ? (held ? "held-by-peer" : "media-changed") : "asked-for-offer", 0,
                 NULL);
        }
        (void)leg_answer(leg, t, 200, STR_NONE, &content, now_ms);
        break;
    case SIP_METHOD_NOTIFY:
        on_notify(c, t, m, now_ms);
        break;
    default:
        (void)leg_answer(leg, t, 200, STR_NONE, &content, now_ms);
        break;
    }
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    (void)leg_answer(leg, t, 487, STR_NONE, &(struct leg_content){0}, now_ms);
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct phone_call *c = leg->owner;
    struct leg_content content = {.lines =
                                      phone_uui_line(c->phone, str_c(c->phone->opt.uui_bye))};

    show(c, "bye", 0, m);
    (void)leg_answer(leg, t, 200, STR_NONE, &content, now_ms);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    static const char *const texts[] = {[LEG_END_BYE] = "by the peer",
                                        [LEG_END_LOCAL] = "by us",
                                        [LEG_END_NO_ACK] = "never acknowledged",
                                        [LEG_END_EXPIRED] = "session expired",
                                        [LEG_END_LOST] = "the dialog is lost"};
    struct phone_call *c = leg->owner;

    (void)now_ms;
    phone_show(c->phone, &(struct phone_news){.event = "ended",
                                              .call = c,
                                              .peer = str_c(c->peer),
                                              .text = str_c(texts[why])});
}

static void on_gone(struct leg *leg)
{
    struct phone_call *c = leg->owner;

    c->leg = NULL;
    phone_maybe_leave(c->phone);
}

const struct leg_user phone_user = {
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

/* ---- a call comes in ---- */

static bool wants_auto_answer(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str v;

    if (str_istarts(sip_msg_value(m, SIP_HDR_ANSWER_MODE), STR("Auto"))) {
        return true;
    }
    while (sip_msg_each(m, SIP_HDR_CALL_INFO, &it, &v)) {
        if (str_find(v, STR("answer-after")) < v.n) {
            return true;
        }
    }
    it = (struct sip_values){0};
    while (sip_msg_each(m, SIP_HDR_ALERT_INFO, &it, &v)) {
        if (str_find(v, STR("alert-autoanswer")) < v.n) {
            return true;
        }
    }
    return false;
}

static void answer_ringing(void *ctx)
{
    struct phone *p = ctx;

    for (int i = 0; i < PHONE_CALLS; i++) {
        phone_answer(&p->call[i]);
    }
}

void phone_on_invite(void *ctx, const struct sip_msg *m, const struct hop *from,
                     uint64_t now_ms)
{
    struct phone *p = ctx;
    struct phone_call *c = new_call(p);
    struct leg_content ringing = {0};
    struct sip_addr who;

    if (c == NULL) {
        struct txn *t = txn_server_new(&p->ua->txn, m, from, NULL, NULL, now_ms);
        if (t != NULL) {
            (void)txn_reply_status(t, 486, now_ms);
        }
        return;
    }
    c->incoming = true;
    if (sip_msg_addr(m, SIP_HDR_FROM, &who) == 0) {
        (void)snprintf(c->peer, sizeof(c->peer), "%.*s", STR_ARG(who.uri_text));
    }
    c->leg = leg_incoming(&p->ua->legs, m, from, &phone_user, c, now_ms);
    if (c->leg == NULL) {
        return;
    }
    (void)take_offer(c, m); /* without one, ours goes into the 200 */
    show(c, "incoming", 0, m);
    if (p->opt.refuse != 0) {
        phone_reject(c, p->opt.refuse);
        return;
    }
    ringing.lines = phone_uui_line(p, str_c(p->opt.uui_ringing));
    (void)leg_respond(c->leg, NULL, 180, STR_NONE, &ringing, now_ms);
    if (!p->opt.ignore_requests && wants_auto_answer(m)) {
        phone_answer(c);
    } else if (p->opt.auto_answer && p->opt.answer_ms == 0) {
        phone_answer(c);
    } else if (p->opt.auto_answer) {
        ua_after(p->ua, SLOT_ANSWER, p->opt.answer_ms, answer_ringing, p);
    }
}
