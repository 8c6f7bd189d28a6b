/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session timer (RFC 4028), both roles.
 *
 * As UAC every INVITE offers an interval; the 2xx says what is agreed and who refreshes. As UAS
 * the 2xx takes what was asked for, at most ours and at least the Min-SE, and leaves refreshing
 * to a peer that can; for a peer that cannot but whose proxy asked, we refresh ourselves. A
 * peer that neither supports nor asks gets no timer: it is asked by OPTIONS every half
 * interval whether it still knows the dialog, and one that is gone ends the leg like any
 * request without an answer (leg_request.c). So no call outlives both of its phones.
 *
 *   when                         what
 *   interval / 2, we refresh     UPDATE if the peer allows it, else re-INVITE with our last SDP
 *   refresh refused              again: 491 after 2.1-4 s as caller, 0-2 s as callee (RFC 3261
 *                                §14.1); 500 after its Retry-After; 405, 501 to UPDATE: by
 *                                re-INVITE at once; else after an eighth of the interval
 *   interval - min(32 s, 1/3)    BYE, on_ended(EXPIRED) (§10)
 *   2xx to INVITE or UPDATE      all starts again, in either direction
 *
 * A phone whose flow has closed, and which cannot be reached in another way, would leave the
 * other party in a dead call until the session timer runs out. So after flow_lost_s it is asked
 * by OPTIONS as well, over its new registration if it has come back (dialog_locate), else at
 * its target; when that leads nowhere, or the phone does not know the dialog any more, the leg
 * is lost. No RFC has this. What comes from the phone meanwhile calls it off.
 *
 * One timer serves all dates: `refresh_ms` (WHEEL_NEVER: not ours, or under way), `lost_ms` and
 * `expires_ms`. A refresh that cannot be sent because something is pending is tried again in
 * two seconds: what is pending may be a refresh by itself.
 */
#include "dialog/leg_impl.h"

#define MIN_SE_DEFAULT_S 90u /* RFC 4028 §5 */
#define INTERVAL_FLOOR_S 10u /* a peer that breaks Min-SE does not make us send faster */
#define RETRY_BUSY_MS 2000u

bool leg_timer_is_on(const struct leg *leg)
{
    return leg->layer->config.session_expires_s > 0 && !leg->no_timer;
}

void leg_timer_stop(struct leg *leg)
{
    timer_stop(leg->layer->wheel, &leg->session);
    leg->refresh_ms = leg->expires_ms = leg->lost_ms = WHEEL_NEVER;
}

static void arm(struct leg *leg)
{
    uint64_t due = leg->refresh_ms < leg->expires_ms ? leg->refresh_ms : leg->expires_ms;
    due = leg->lost_ms < due ? leg->lost_ms : due;
    if (due == WHEEL_NEVER) {
        timer_stop(leg->layer->wheel, &leg->session);
    } else {
        timer_set(leg->layer->wheel, &leg->session, due);
    }
}

void leg_timer_agree(struct leg *leg, const struct leg_session *s, uint64_t now_ms)
{
    leg->interval_s = s->interval_s;
    leg->we_refresh = s->we_refresh;
    if (s->interval_s == 0) {
        leg->refresh_ms = leg->expires_ms = WHEEL_NEVER;
        if (leg_timer_is_on(leg)) {
            leg->refresh_ms = now_ms + leg->layer->config.session_expires_s * 500ull;
        }
        arm(leg);
        return;
    }
    uint32_t margin = s->interval_s / 3 < 32 ? s->interval_s / 3 : 32;
    leg->refresh_ms = s->we_refresh ? now_ms + s->interval_s * 500ull : WHEEL_NEVER;
    leg->expires_ms = now_ms + (s->interval_s - margin) * 1000ull;
    arm(leg);
}

/* ---- what messages say ---- */

static bool asked_for(const struct sip_msg *m, struct sip_session_expires *se)
{
    return sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), se) == 0;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void leg_timer_write_request(const struct leg *leg, bool initial, struct out *o)
{
    const struct leg_config *c = &leg->layer->config;
    uint32_t min = larger(c->min_se_s, leg->min_se_s);
    if (!leg_timer_is_on(leg)) {
        return;
    }
    if (initial) {
        out_fmt(o, "Session-Expires: %u\r\n", larger(c->session_expires_s, min));
    } else if (leg->state == LEG_CONFIRMED && leg->interval_s > 0) {
        out_fmt(o, "Session-Expires: %u;refresher=%s\r\n", larger(leg->interval_s, min),
                leg->we_refresh ? "uac" : "uas");
    } else {
        return;
    }
    if (min > MIN_SE_DEFAULT_S) {
        out_fmt(o, "Min-SE: %u\r\n", min);
    }
}

bool leg_timer_refuses(const struct leg *leg, const struct sip_msg *m)
{
    struct sip_session_expires se;
    return leg_timer_is_on(leg) && sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("timer")) &&
           asked_for(m, &se) && se.seconds < leg->layer->config.min_se_s;
}

struct leg_session leg_timer_answer(const struct leg *leg, const struct sip_msg *m)
{
    const struct leg_config *c = &leg->layer->config;
    struct leg_session s = {0};
    struct sip_session_expires se = {0};
    bool supports = sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("timer"));
    bool asked = asked_for(m, &se);
    uint32_t min = 0;
    if (!leg_timer_is_on(leg) || (!supports && !asked)) {
        return s;
    }
    (void)sip_msg_number(m, SIP_HDR_MIN_SE, &min); /* absent: 0 */
    min = larger(min, c->min_se_s);
    s.interval_s =
        asked && se.seconds < c->session_expires_s ? se.seconds : c->session_expires_s;
    s.interval_s = larger(s.interval_s, min);
    if (!supports) {
        s.we_refresh = true;
    } else if (asked && se.refresher != SIP_REFRESHER_NONE) {
        s.we_refresh = se.refresher == SIP_REFRESHER_UAS;
    } else {
        s.we_refresh = leg->interval_s > 0 && leg->we_refresh;
    }
    s.require = supports;
    return s;
}

void leg_timer_on_2xx(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct sip_session_expires se;
    struct leg_session s = {0};
    if (leg_timer_is_on(leg) && asked_for(m, &se)) {
        s.interval_s = larger(se.seconds, INTERVAL_FLOOR_S);
        s.we_refresh = se.refresher != SIP_REFRESHER_UAS;
    }
    leg_timer_agree(leg, &s, now_ms);
}

/* ---- refreshing ---- */

static bool send_refresh(struct leg *leg, uint64_t now_ms)
{
    struct dialog *d = leg->dialog;
    bool update = (d->peer_methods & 1u << SIP_METHOD_UPDATE) != 0;
    struct leg_content c = {.type = leg->last_type, .body = leg->last_body};
    struct leg_parts p;
    if (update ? leg_update_pending(leg) : !leg_can_offer(leg)) {
        return false;
    }
    if (leg_parts_make(leg, update ? NULL : &c, 0, &p) != 0) {
        return false;
    }
    struct leg_request *r = leg_request_new(leg, d, update ? STR("UPDATE") : STR("INVITE"));
    if (r == NULL) {
        return false;
    }
    r->refresh = true;
    if (leg_request_start(r, &p, now_ms) != 0) {
        leg_request_free(r);
        return false;
    }
    return true;
}

/** Without an agreed timer: is it still there? What comes of it: leg_request.c, ends_leg. */
static void probe(struct leg *leg, uint64_t now_ms)
{
    leg->refresh_ms = now_ms + leg->layer->config.session_expires_s * 500ull;
    if (leg->state == LEG_CONFIRMED) {
        /* Without memory the next one has to do. */
        (void)leg_send(leg, NULL, STR("OPTIONS"), NULL, NULL, NULL, NULL, now_ms);
    }
}

void leg_timer_on_lost(struct dialog *d, uint64_t now_ms)
{
    struct leg *leg = d->leg;
    if (leg->state == LEG_CONFIRMED && d == leg->dialog &&
        leg->layer->config.flow_lost_s != 0) {
        leg->lost_ms = now_ms + leg->layer->config.flow_lost_s * 1000ull;
        arm(leg);
    }
}

static bool has_gruu(const struct dialog *d)
{
    struct sip_uri u;
    struct str gr;
    uint32_t at;
    return sip_uri_parse(d->remote_target, 0, &u, &at) == 0 &&
           sip_param(u.params, STR("gr"), &gr);
}

/** Is it there? What comes of it: leg_request.c, ends_leg. */
static void ask_lost(struct leg *leg, uint64_t now_ms)
{
    struct dialog *d = leg->dialog;
    leg->lost_ms = WHEEL_NEVER;
    if (leg->state != LEG_CONFIRMED || !d->lost) {
        return;
    }
    if (!dialog_locate(d, &leg->layer->locator, &leg->layer->env->mem) && d->phone != 0 &&
        has_gruu(d)) {
        leg_give_up(leg, LEG_END_LOST, false, now_ms); /* its host is ourselves */
    } else if (leg_send(leg, NULL, STR("OPTIONS"), NULL, NULL, NULL, NULL, now_ms) != 0) {
        leg->lost_ms = now_ms + RETRY_BUSY_MS; /* no memory */
    }
}

void leg_timer_fire(struct timer *t, uint64_t now_ms)
{
    struct leg *leg = container_of(t, struct leg, session);
    if (now_ms >= leg->expires_ms) {
        leg->layer->expired++;
        leg_give_up(leg, LEG_END_EXPIRED, true, now_ms);
        return;
    }
    if (now_ms >= leg->lost_ms) {
        ask_lost(leg, now_ms);
    }
    if (leg->state == LEG_ENDED) {
        return;
    }
    if (now_ms < leg->refresh_ms) {
        arm(leg);
        return;
    }
    if (leg->interval_s == 0) {
        probe(leg, now_ms);
    } else if (now_ms >= leg->refresh_ms) {
        bool sent = leg->state == LEG_CONFIRMED && send_refresh(leg, now_ms);
        leg->refresh_ms = sent ? WHEEL_NEVER : now_ms + RETRY_BUSY_MS;
    }
    arm(leg);
}

void leg_timer_restored(struct leg *leg, uint64_t now_ms)
{
    leg->lost_ms = WHEEL_NEVER;
    if (leg->interval_s > 0 && leg->we_refresh && leg->refresh_ms == WHEEL_NEVER) {
        leg->refresh_ms = now_ms + RETRY_BUSY_MS;
    }
    if (leg->dialog->lost) {
        leg_timer_on_lost(leg->dialog, now_ms);
    }
    arm(leg);
}

static uint64_t retry_delay(struct leg *leg, unsigned status, const struct sip_msg *m)
{
    uint64_t random = env_random64(leg->layer->env);
    uint32_t after;
    if (status == 491) {
        return leg->uac ? 2100 + random % 190 * 10 : random % 200 * 10;
    }
    if (m != NULL && sip_msg_number(m, SIP_HDR_RETRY_AFTER, &after) == 0) {
        return after * 1000ull;
    }
    return larger(leg->interval_s / 8, 5) * 1000ull;
}

void leg_timer_on_refreshed(struct leg_request *r, unsigned status, const struct sip_msg *m,
                            uint64_t now_ms)
{
    struct leg *leg = r->leg;
    if (status < 300) {
        leg->layer->refreshed++;
        return;
    }
    if (leg->state != LEG_CONFIRMED || leg->interval_s == 0) {
        return;
    }
    if (r->method == SIP_METHOD_UPDATE && (status == 405 || status == 501)) {
        leg->dialog->peer_methods &= ~(1u << SIP_METHOD_UPDATE);
        leg->refresh_ms = now_ms;
    } else {
        leg->refresh_ms = now_ms + retry_delay(leg, status, m);
    }
    arm(leg);
}
