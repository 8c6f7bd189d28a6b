/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that is answered only to send its caller somewhere else (RFC 3515; RFC 6567 §3.4: the
 * referrer gives the context along).
 *
 *   caller ── INVITE ──► Baton
 *          ◄── 200 ─────        an answer without media
 *          ─── ACK ─────►
 *          ◄── REFER ───        Refer-To: the first target, headers embedded
 *          ─── 202, NOTIFY 100, 180 … ►      each gives it its time anew
 *          ─── NOTIFY 200 ─►    BYE: the caller talks to the target
 *          ─── NOTIFY 486 ─►    REFER to the next target; after the last one BYE, with why
 *
 * For observers who was called has answered: a connection without a leg, which is what Baton
 * plays. Nothing else of the call can be commanded but clearing it.
 *
 * A caller whose Allow has no REFER, and one who offers nothing that could be answered, is not
 * sent away; the call is bridged to the same targets. One whose Allow says nothing is asked.
 *
 * OWNERSHIP. struct away lies in the call's arena. TIME. `calls.step_s` for each piece of news;
 * a caller who is silent longer is left to himself.
 */
#include "base/err.h"
#include "call/parts.h"

struct away {
    struct str *to;
    size_t count, next;
    struct leg_request *request; /**< the REFER that has no final answer */
    uint32_t cseq;               /**< of the last one */
    unsigned status;             /**< of the last failure */
};

bool away_suits(const struct sip_msg *m)
{
    return media_has_sdp(m) && (!sip_msg_has(m, SIP_HDR_ALLOW) ||
                                sip_msg_has_token(m, SIP_HDR_ALLOW, STR("REFER")));
}

static void patience(struct call *c, uint64_t now_ms)
{
    call_set_timer(c, c->layer->config.step_s * 1000, now_ms);
}

/** Nobody is left who would take the caller. */
static void give_up(struct call *c, unsigned status, uint64_t now_ms)
{
    struct leg_content why = {
        .lines = arena_fmt(c->layer->scratch, "Reason: SIP;cause=%u\r\n", status)};

    c->layer->failed++;
    call_release(c, c->b, cause_of_status(status, NULL, false), &why, STR_NONE, now_ms);
}

static void on_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                      uint64_t now_ms);

/** REFER to the next target. */
static void go_on(struct call *c, uint64_t now_ms)
{
    struct away *w = c->away;
    struct leg *leg = connection_leg(c->a);

    while (leg != NULL && w->next < w->count) {
        struct leg_content content = {
            .lines = arena_fmt(c->layer->scratch, "Refer-To: <%.*s>\r\nReferred-By: <%.*s>\r\n",
                               STR_ARG(w->to[w->next]), STR_ARG(c->b->id))};
        w->next++;
        if (content.lines.p != NULL && leg_send(leg, NULL, STR("REFER"), &content, on_answer, c,
                                                &w->request, now_ms) == 0) {
            w->cseq = w->request != NULL ? w->request->cseq : w->cseq;
            patience(c, now_ms);
            return;
        }
        w->status = 500;
    }
    give_up(c, w->status != 0 ? w->status : 480, now_ms);
}

static void failed(struct call *c, unsigned status, uint64_t now_ms)
{
    c->away->status = status;
    go_on(c, now_ms);
}

static void on_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct call *c = r->owner;

    (void)m;
    if (status < 200) {
        return;
    }
    c->away->request = NULL;
    if (c->phase == CALL_ENDING) {
        return;
    }
    if (status == 405 || status == 420 || status == 501) {
        c->away->next = c->away->count; /* not even the next one */
    }
    if (status >= 300) {
        failed(c, status, now_ms);
    } else {
        patience(c, now_ms);
    }
}

/* ---- the caller's side ---- */

/** Is this NOTIFY about the REFER that was sent last? */
static bool is_news(const struct away *w, const struct sip_msg *m)
{
    struct str event = sip_msg_value(m, SIP_HDR_EVENT), id;
    size_t name = str_index(event, ';');
    uint32_t cseq;

    if (!str_ieq(str_trim(str_upto(event, name)), STR("refer"))) {
        return false;
    }
    return !sip_param(str_from(event, name < event.n ? name + 1 : event.n), STR("id"), &id) ||
           (str_to_u32(id, &cseq) && cseq == w->cseq);
}

/** Status of the sipfrag in a NOTIFY; 0: it has none. */
static unsigned refer_status(struct str body)
{
    uint32_t status = 0;

    return str_istarts(body, STR("SIP/2.0 ")) &&
                   str_to_u32(str_upto(str_from(body, 8), 3), &status) && status >= 100 &&
                   status <= 699
               ? status
               : 0;
}

static void notified(struct call *c, const struct sip_msg *m, uint64_t now_ms)
{
    bool over = str_istarts(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), STR("terminated"));
    unsigned status = refer_status(sip_msg_body(m));

    if (status >= 200 && status < 300) {
        c->layer->transferred++;
        call_release(c, NULL, "transfer", NULL, STR_NONE, now_ms);
    } else if (status >= 300 || over) {
        failed(c, status >= 300 ? status : 480, now_ms);
    } else {
        patience(c, now_ms);
    }
}

/** It changes its media: as long as it waits, it gets none. */
static void reoffered(struct branch *b, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct arena *a = b->conn->call->layer->scratch;
    struct leg_content content = {.type = STR("application/sdp")};
    struct str continued;

    media_received(b->conn, m);
    content.body = media_silence(b->conn, a);
    continued = content.body.n > 0 ? media_continue(b->conn, content.body, a) : STR_NONE;
    content.body = continued.n > 0 ? continued : content.body;
    if (content.body.n == 0 || !media_sent(b->conn, content.body)) {
        call_answer_request(b->leg, t, 488, &(struct leg_content){0}, now_ms);
    } else {
        call_answer_request(b->leg, t, 200, &content, now_ms);
    }
}

static void on_request(struct leg *leg, struct dialog *d, struct txn *t,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct call *c = b->conn->call;
    const struct leg_content none = {0};
    bool plain = t->method == SIP_METHOD_OPTIONS || t->method == SIP_METHOD_UPDATE ||
                 t->method == SIP_METHOD_INFO;

    (void)d;
    if (c->phase == CALL_ENDING) {
        call_answer_request(leg, t, 481, &none, now_ms);
    } else if (t->method == SIP_METHOD_NOTIFY) {
        bool news = is_news(c->away, m);
        call_answer_request(leg, t, 200, &none, now_ms);
        if (news && c->away->next > 0) {
            notified(c, m, now_ms);
        }
    } else if (media_has_sdp(m)) {
        reoffered(b, t, m, now_ms);
    } else if (plain) {
        call_answer_request(leg, t, 200, &none, now_ms);
    } else {
        call_answer_request(leg, t, t->method == SIP_METHOD_INVITE ? 488 : 405, &none, now_ms);
    }
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    call_answer_request(leg, t, 487, &(struct leg_content){0}, now_ms);
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct call *c = b->conn->call;

    call_answer_request(leg, t, 200, &(struct leg_content){0}, now_ms);
    if (c->phase != CALL_ENDING) {
        call_release(c, b->conn, "normalClearing", NULL, uus_values(b->conn, UUS_END, m),
                     now_ms);
    }
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct call *c = b->conn->call;

    (void)m;
    if (initial && c->phase == CALL_ACTIVE && c->away->next == 0) {
        go_on(c, now_ms);
    }
}

const struct leg_user away_user = {
    .on_provisional = leg_no_response,
    .on_answered = leg_no_answer,
    .on_rejected = leg_no_refusal,
    .on_cancelled = leg_no_cancel,
    .on_acked = on_acked,
    .on_request = on_request,
    .on_request_cancelled = on_request_cancelled,
    .on_bye = on_bye,
    .on_ended = branch_on_ended,
    .on_gone = branch_on_gone,
};

void away_on_timer(struct call *c, uint64_t now_ms)
{
    call_release(c, NULL, "timeout", NULL, STR_NONE, now_ms);
}

unsigned away_begin(struct call *c, const struct call_plan *plan, uint64_t now_ms)
{
    struct leg_content content = {.type = STR("application/sdp")};
    struct away *w = arena_zalloc(&c->arena, sizeof(*w));
    bool ok = w != NULL;

    if (ok) {
        w->to = arena_zalloc(&c->arena, plan->refer_count * sizeof(*w->to));
        ok = w->to != NULL;
    }
    for (size_t i = 0; ok && i < plan->refer_count; i++) {
        w->to[w->count++] = arena_dup(&c->arena, plan->refer_to[i]);
        ok = w->to[i].p != NULL;
    }
    if (!ok) {
        return 503;
    }
    c->away = w;
    content.body = media_silence(c->a, c->layer->scratch);
    if (content.body.n == 0) {
        return 488;
    }
    if (!media_sent(c->a, content.body) ||
        leg_respond(connection_leg(c->a), NULL, 200, STR_NONE, &content, now_ms) != 0) {
        return 500;
    }
    c->phase = CALL_ACTIVE;
    connection_established_with(c->b, STR_NONE, "newCall", now_ms);
    return 0;
}
