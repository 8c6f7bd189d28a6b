/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one session with a phone (TR/87 4.2, 4.3).
 *
 *   INVITE with RequestSystemStatus ──► 200 `normal` ──► start.c ──► up
 *
 * Whatever ends it leads to phone_lost: those who wait for answers hear that there is none,
 * the dialog is given up with a BYE (if it stands), and the next attempt waits for retry_ms,
 * twice as long after each failure, up to retry_max_s, with some chance in it so that a
 * thousand phones do not come back in step. A session that has stood for STEADY_MS has earned a
 * quick first attempt again. A refusal that will not change by itself (415, 488, 403 …) is
 * believed for refused_s, or until the phone begins anew.
 *
 * A dialog that is given up belongs to nobody (`deaf`): what still comes in it is answered,
 * and changes nothing. So a phone has one session, however old ones linger.
 *
 * KEEP-ALIVE. The leg refreshes the dialog. That may be as seldom as half an hour, and a phone
 * need not support it, so one that has said nothing for refresh_s is asked for its status.
 */
#include "phone/parts.h"

enum { STEADY_MS = 10000, OPEN_MS = 32000, REFUSED_AGAIN = 6 };

const struct str phone_csta_type = STR_INIT("application/csta+xml");
const struct str phone_csta_lines =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

const char *phone_loss_name(enum phone_loss why)
{
    static const char *const names[] = {
        [PHONE_LOSS_NONE] = "first",      [PHONE_LOSS_UNKNOWN] = "unknownSession",
        [PHONE_LOSS_SILENT] = "noAnswer", [PHONE_LOSS_BYE] = "ended",
        [PHONE_LOSS_EXPIRED] = "expired", [PHONE_LOSS_RESTART] = "restarted",
        [PHONE_LOSS_PATH] = "moved",      [PHONE_LOSS_MONITOR] = "monitorStopped",
        [PHONE_LOSS_REFUSED] = "refused",
    };

    return names[why];
}

/* ---- dialogs that were given up ---- */

static void deaf_message(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                         uint64_t now_ms)
{
    (void)leg;
    (void)d;
    (void)m;
    (void)now_ms;
}

static void deaf_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    leg_end(leg, 0, NULL, NULL, NULL, now_ms);
}

static void no_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)leg;
    (void)status;
    (void)m;
    (void)now_ms;
}

static void no_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)now_ms;
}

static void no_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)initial;
    (void)now_ms;
}

static void no_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    (void)leg;
    (void)t;
    (void)now_ms;
}

static void deaf_request(struct leg *leg, struct dialog *d, struct txn *t,
                         const struct sip_msg *m, uint64_t now_ms)
{
    (void)d;
    (void)m;
    leg_refuse(leg, t, 481, now_ms);
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    leg_refuse(leg, t, 200, now_ms);
}

static void deaf_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    (void)leg;
    (void)why;
    (void)now_ms;
}

static void no_gone(struct leg *leg)
{
    (void)leg;
}

static const struct leg_user deaf = {
    .on_provisional = deaf_message,
    .on_answered = deaf_answered,
    .on_rejected = no_rejected,
    .on_cancelled = no_cancelled,
    .on_acked = no_acked,
    .on_request = deaf_request,
    .on_request_cancelled = no_request_cancelled,
    .on_bye = on_bye,
    .on_ended = deaf_ended,
    .on_gone = no_gone,
};

bool phones_gave_up(const struct leg *leg)
{
    return leg->user == &deaf;
}

static void give_up(struct phone *f, uint64_t now_ms)
{
    struct leg *leg = f->leg;

    f->leg = NULL;
    f->request = NULL;
    if (leg != NULL) {
        leg->user = &deaf;
        leg->owner = NULL;
        leg_end(leg, 0, NULL, NULL, NULL, now_ms);
    }
}

/* ---- down ---- */

static uint32_t back_off(const struct phone *f)
{
    const struct phone_config *c = &f->phones->config;
    uint64_t wait = (uint64_t)c->retry_ms << (f->attempts < 16 ? f->attempts : 16);
    uint64_t most = c->retry_max_s * 1000ull;

    wait = wait < most ? wait : most;
    return (uint32_t)(wait - wait / 4 + env_random64(f->phones->env) % (wait / 4 + 1));
}

void phone_open_soon(struct phone *f, uint32_t after_ms, uint64_t now_ms)
{
    timer_set(f->phones->world.wheel, &f->timer, now_ms + after_ms);
}

/** A device that only this phone speaks for is out of service until it is back. */
static void tell_out(struct phone *f, uint64_t now_ms)
{
    const struct csta_out_of_service_event event = {
        .device = csta_device_ref_of(f->device->uri),
        .cause = CSTA_CAUSE_NORMAL,
    };
    const struct csta_msg msg = {.out_of_service_event = &event};

    if (f->id.n == 0 && f->was_up && !f->out) {
        f->out = true;
        (void)cti_device_event(f->phones->world.cti, f->device, CSTA_MSG_OUT_OF_SERVICE_EVENT,
                               &msg, now_ms);
    }
}

/** No session stands now, nor is one on its way. */
static void is_down(struct phone *f, bool tell, uint64_t now_ms)
{
    f->state = PHONE_WAITING;
    f->monitored = false;
    timer_stop(f->phones->world.wheel, &f->timer);
    phone_asks_drop(f, tell, now_ms);
    give_up(f, now_ms);
}

void phone_lost(struct phone *f, enum phone_loss why, uint64_t now_ms)
{
    bool stood = f->state >= PHONE_STARTING;

    if (f->state == PHONE_UP && now_ms - f->up_ms >= STEADY_MS) {
        f->attempts = 0;
    }
    if (f->state == PHONE_UP) {
        f->loss = (uint8_t)why;
        f->lost_ms = now_ms;
    }
    if (stood) {
        f->phones->stats.lost++;
        f->trouble = "the session was lost";
        env_trace_of(f->phones->env, TRACE_INFO, "phone",
                     &(struct trace_ids){.device = f->device->uri}, "%.*s: session lost: %s",
                     STR_ARG(f->device->uri), phone_loss_name(why));
    }
    is_down(f, true, now_ms);
    phone_open_soon(f, back_off(f), now_ms);
    f->attempts++;
    if (f->attempts > 1) {
        tell_out(f, now_ms);
    }
}

void phone_close(struct phone *f, uint64_t now_ms)
{
    is_down(f, true, now_ms);
}

/* ---- up ---- */

static void begin(struct phone *f, uint64_t now_ms)
{
    timer_stop(f->phones->world.wheel, &f->timer);
    f->state = PHONE_STARTING;
    f->status = 0;
    f->trouble = NULL;
    f->phones->stats.opened++;
    phone_heard(f, now_ms);
    phone_start(f, now_ms);
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct phone *f = leg->owner;
    struct str xml = phone_csta_of(m);
    struct csta_msg msg;
    bool normal;

    (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    normal = !str_is_set(xml); /* an empty 2xx is a yes (S-12) */
    if (str_is_set(xml) && phone_decode(f, xml, &msg) == 0 &&
        msg.id == CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE) {
        normal = msg.request_system_status_response->system_status == CSTA_STATUS_NORMAL ||
                 msg.request_system_status_response->system_status == CSTA_STATUS_ENABLED;
    }
    if (!normal) {
        f->trouble = "the phone is not ready for CSTA";
        f->phones->stats.refused++;
        phone_lost(f, PHONE_LOSS_REFUSED, now_ms);
        return;
    }
    begin(f, now_ms);
}

/** Will it say the same next time? */
static bool is_final(unsigned status)
{
    return status == 403 || status == 404 || status == 405 || status == 415 || status == 420 ||
           status == 488 || status == 501 || status == 505 || status == 606 || status == 401 ||
           status == 407;
}

static const char *trouble_of(unsigned status)
{
    switch (status) {
    case 401:
    case 407:
        return "the phone wants credentials (its CSTA challenge has to be off)";
    case 403:
    case 415:
    case 488:
    case 501:
        return "the phone does not take CSTA (it has to be switched on there)";
    case 404:
        return "the phone does not know the line";
    case 408:
        return "the phone does not answer";
    case 503:
        return "there is no way to the phone";
    default:
        return "the phone refuses the session";
    }
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct phone *f = leg->owner;

    (void)m;
    f->leg = NULL;
    f->status = (uint16_t)status;
    f->phones->stats.refused++;
    phone_lost(f, PHONE_LOSS_REFUSED, now_ms);
    f->trouble = trouble_of(status);
    if (is_final(status)) {
        phone_open_soon(f, f->phones->config.refused_s * 1000, now_ms);
        phone_calls_over(f, "destOutOfOrder", now_ms);
    } else if (f->attempts == REFUSED_AGAIN) {
        phone_calls_over(f, "destOutOfOrder", now_ms);
    }
    env_trace_of(f->phones->env, f->attempts == 1 ? TRACE_INFO : TRACE_DEBUG, "phone",
                 &(struct trace_ids){.device = f->device->uri}, "%.*s: no session: %u, %s",
                 STR_ARG(f->device->uri), status, f->trouble);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    static const uint8_t losses[] = {
        [LEG_END_BYE] = PHONE_LOSS_BYE,       [LEG_END_LOCAL] = PHONE_LOSS_SILENT,
        [LEG_END_NO_ACK] = PHONE_LOSS_SILENT, [LEG_END_EXPIRED] = PHONE_LOSS_EXPIRED,
        [LEG_END_LOST] = PHONE_LOSS_UNKNOWN,
    };
    struct phone *f = leg->owner;

    f->leg = NULL;
    f->request = NULL;
    phone_lost(f, (enum phone_loss)losses[why], now_ms);
}

static const struct leg_user session = {
    .on_provisional = deaf_message,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = no_cancelled,
    .on_acked = no_acked,
    .on_request = phone_on_request,
    .on_request_cancelled = no_request_cancelled,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = no_gone,
};

static int invite(struct phone *f, const struct phone_path *path, uint64_t now_ms)
{
    static const struct csta_request_system_status ask;
    static const struct csta_msg status = {.id = CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                           .request_system_status = &ask};
    struct phones *p = f->phones;
    struct arena *a = p->world.scratch;
    struct leg_invite args = {
        .request_uri = path->request_uri,
        .from = arena_fmt(a, "<sip:csta@%.*s>", STR_ARG(p->world.directory->domains[0])),
        .to = arena_fmt(a, "<%.*s>", STR_ARG(f->device->uri)),
        .target = path->target,
        .routes = path->routes,
        .pin = path->pin,
    };
    int err = args.from.n == 0 || args.to.n == 0 ? E_NOMEM : 0;

    if (f->profile->status_first && err == 0) {
        args.content.lines = phone_csta_lines;
        args.content.type = phone_csta_type;
        err = phone_text(p, &status, f->profile->edition, &args.content.body);
    }
    if (err == 0) {
        f->leg = leg_invite(p->world.legs, &args, &session, f, now_ms);
        err = f->leg == NULL ? E_NOMEM : 0;
    }
    return err;
}

static void open_session(struct phone *f, uint64_t now_ms)
{
    struct phone_path path;

    if (!phone_path(f, &path)) {
        if (f->id.n == 0) {
            f->trouble = "there is no such peer";
            phone_open_soon(f, f->phones->config.refused_s * 1000, now_ms);
            return;
        }
        phone_drop(f, now_ms); /* it has not come back */
        return;
    }
    if (f->profile->means == PHONE_MEANS_NOTIFY) {
        begin(f, now_ms); /* there is nothing to be opened */
        return;
    }
    f->state = PHONE_OPENING;
    if (invite(f, &path, now_ms) != 0) {
        f->trouble = "no memory, or no way to send";
        phone_lost(f, PHONE_LOSS_SILENT, now_ms);
        return;
    }
    timer_set(f->phones->world.wheel, &f->timer, now_ms + OPEN_MS);
}

/** It has said 100 perhaps, and nothing more: no transaction ends by itself then. */
static void not_opened(struct phone *f, uint64_t now_ms)
{
    f->status = 408;
    f->trouble = trouble_of(408);
    f->phones->stats.refused++;
    phone_lost(f, PHONE_LOSS_SILENT, now_ms);
    if (f->attempts == REFUSED_AGAIN) {
        phone_calls_over(f, "destOutOfOrder", now_ms);
    }
}

void phone_is_up(struct phone *f, uint64_t now_ms)
{
    bool first = !f->was_up;

    f->state = PHONE_UP;
    f->was_up = true;
    env_trace_of(f->phones->env, TRACE_INFO, "phone",
                 &(struct trace_ids){.device = f->device->uri}, "%.*s: %s with a %.*s%s",
                 STR_ARG(f->device->uri), first ? "CSTA session" : "CSTA session again",
                 STR_ARG(f->profile->name), f->monitored ? "" : ", which tells no events");
    phone_tell_resynced(f, now_ms);
    f->loss = PHONE_LOSS_NONE;
    f->up_ms = now_ms;
    f->out = false;
}

/* ---- is it still there? ---- */

void phone_heard(struct phone *f, uint64_t now_ms)
{
    f->heard_ms = now_ms;
    if (f->profile->means == PHONE_MEANS_NOTIFY) {
        return; /* no session to be kept; whether it is there its registration tells */
    }
    if (f->state >= PHONE_STARTING && !timer_running(&f->timer)) {
        timer_set(f->phones->world.wheel, &f->timer,
                  now_ms + f->phones->config.refresh_s * 1000ull);
    }
}

static void on_status(void *owner, struct phone *f, const struct csta_msg *answer,
                      uint64_t now_ms)
{
    (void)owner;
    if (answer == NULL && f->state >= PHONE_STARTING) {
        phone_lost(f, PHONE_LOSS_SILENT, now_ms);
    }
}

static void keep_alive(struct phone *f, uint64_t now_ms)
{
    static const struct csta_request_system_status body;
    const struct csta_msg msg = {.id = CSTA_MSG_REQUEST_SYSTEM_STATUS,
                                 .request_system_status = &body};
    uint64_t every_ms = f->phones->config.refresh_s * 1000ull;
    uint64_t due_ms = f->heard_ms + every_ms;

    if (due_ms > now_ms) {
        timer_set(f->phones->world.wheel, &f->timer, due_ms);
        return;
    }
    timer_set(f->phones->world.wheel, &f->timer, now_ms + every_ms);
    if (f->ask_count == 0) {
        (void)!phone_ask(f, &msg, on_status, NULL, now_ms); /* no memory: the next time */
    }
}

void phone_on_timer(struct timer *t, uint64_t now_ms)
{
    struct phone *f = container_of(t, struct phone, timer);

    if (f->state == PHONE_WAITING) {
        open_session(f, now_ms);
    } else if (f->state == PHONE_OPENING) {
        not_opened(f, now_ms);
    } else if (f->state >= PHONE_STARTING) {
        keep_alive(f, now_ms);
    }
}
