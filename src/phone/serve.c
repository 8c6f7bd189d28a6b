/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a phone sends in its session: events, requests of its own, answers that come late.
 *
 *   event                     200 at once, then what it says (mirror.c, device.c, follow.c)
 *   SystemStatus              SystemStatusResponse; not normal: it is looked at again
 *   RequestSystemStatus       its response, `normal`; also in the phone's re-INVITE
 *   MonitorStop of ours       MonitorStopResponse; the session begins anew (N-5)
 *   SwitchingFunctionDevices  an empty 200: it has no response
 *   any other request         CSTAErrorCode serviceNotSupported
 *   a response                200, and whoever waits for it has it (S-11)
 *   what cannot be read       400, and nothing changes
 *
 * The answer goes out before anything follows from what was said: a phone that waits for it
 * keeps its next event back until then.
 */
#include "phone/parts.h"

struct str phone_csta_of(const struct sip_msg *m)
{
    return m != NULL && sip_msg_content_is(m, STR("application"), STR("csta+xml")) &&
                   str_trim(sip_msg_body(m)).n > 0
               ? sip_msg_body(m)
               : STR_NONE;
}

int phone_decode(struct phone *f, struct str xml, struct csta_msg *out)
{
    struct csta_limits limits = {.hash_salt = f->phones->xml_salt};

    return csta_decode(xml, &limits, f->phones->world.scratch, out, NULL);
}

int phone_text(struct phones *p, const struct csta_msg *msg, enum csta_edition edition,
               struct str *out)
{
    struct out o;
    char *buf;
    int err;

    out_init(&o, NULL, 0); /* once to measure, once to write */
    err = csta_encode(msg, edition, &o);
    if (err != 0 && err != E_SPACE) {
        return err;
    }
    buf = arena_alloc(p->world.scratch, o.need);
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, o.need);
    err = csta_encode(msg, edition, &o);
    *out = out_str_of(&o);
    return err;
}

static void answer(struct leg *leg, struct txn *t, unsigned status, uint64_t now_ms)
{
    if (leg_answer(leg, t, status, STR_NONE, &(struct leg_content){0}, now_ms) != 0) {
        leg_refuse(leg, t, status, now_ms);
    }
}

static void answer_csta(struct phone *f, struct leg *leg, struct txn *t,
                        const struct csta_msg *to, enum csta_msg_id id, const void *body,
                        uint64_t now_ms)
{
    struct leg_content content = {.lines = phone_csta_lines, .type = phone_csta_type};
    const struct csta_msg msg = {.id = id, .body = body};

    if (phone_text(f->phones, &msg, to->edition, &content.body) != 0 ||
        leg_answer(leg, t, 200, STR_NONE, &content, now_ms) != 0) {
        leg_refuse(leg, t, 500, now_ms);
    }
}

/* ---- events ---- */

static struct str as_ours(const void *ctx, struct str id)
{
    const struct phone *f = ctx;

    return phone_is_self(f, id) ? f->device->uri : id;
}

/** What its body does is told as it is, but for the name of the device. */
static bool tell_body(struct phone *f, const struct csta_msg *event, uint64_t now_ms)
{
    struct csta_msg msg;

    switch (event->id) {
    case CSTA_MSG_SPEAKER_MUTE_EVENT:
    case CSTA_MSG_SPEAKER_VOLUME_EVENT:
    case CSTA_MSG_MICROPHONE_MUTE_EVENT:
    case CSTA_MSG_RINGER_STATUS_EVENT:
    case CSTA_MSG_HOOKSWITCH_EVENT:
        break;
    default:
        return false;
    }
    if (csta_event_address(event, STR("0"), as_ours, f, f->phones->world.scratch, &msg) == 0) {
        (void)cti_device_event(f->phones->world.cti, f->device, msg.id, &msg, now_ms);
    }
    return true;
}

static void on_event(struct phone *f, const struct csta_msg *event, uint64_t now_ms)
{
    struct fact fact;

    f->phones->stats.events++;
    if (tell_body(f, event, now_ms) || phone_mirror(f, event, now_ms)) {
        return;
    }
    if (fact_of(f, event, &fact)) {
        phone_follow(f, &fact, now_ms);
    }
}

/* ---- requests ---- */

static void on_asked(struct phone *f, struct leg *leg, struct txn *t,
                     const struct csta_msg *msg, uint64_t now_ms)
{
    static const struct csta_system_status_response plain; /* extensions only, as others */
    static const struct csta_request_system_status_response normal = {.system_status =
                                                                          CSTA_STATUS_NORMAL};
    struct csta_error error =
        csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED);

    switch (msg->id) {
    case CSTA_MSG_SYSTEM_STATUS:
        answer_csta(f, leg, t, msg, CSTA_MSG_SYSTEM_STATUS_RESPONSE, &plain, now_ms);
        if (msg->system_status->system_status == CSTA_STATUS_MESSAGES_LOST && f->leg == leg &&
            f->state == PHONE_UP) {
            phone_lost(f, PHONE_LOSS_MONITOR, now_ms); /* it begins with a look at its calls */
        }
        break;
    case CSTA_MSG_REQUEST_SYSTEM_STATUS:
        answer_csta(f, leg, t, msg, CSTA_MSG_REQUEST_SYSTEM_STATUS_RESPONSE, &normal, now_ms);
        break;
    case CSTA_MSG_MONITOR_STOP:
        answer_csta(f, leg, t, msg, CSTA_MSG_MONITOR_STOP_RESPONSE, &plain, now_ms);
        if (f->leg == leg && f->state == PHONE_UP) {
            phone_lost(f, PHONE_LOSS_MONITOR, now_ms);
        }
        break;
    case CSTA_MSG_SWITCHING_FUNCTION_DEVICES:
        answer(leg, t, 200, now_ms);
        break;
    default:
        answer_csta(f, leg, t, msg, CSTA_MSG_ERROR_CODE, &error, now_ms);
        break;
    }
}

static void on_csta(struct phone *f, struct leg *leg, struct txn *t, struct str xml,
                    uint64_t now_ms)
{
    struct csta_msg msg = {0};
    int err = phone_decode(f, xml, &msg);

    if (err != 0 && err != E_UNSUPPORTED && err != E_VALUE) {
        f->phones->stats.unread++;
        answer(leg, t, err == E_NOMEM ? 503 : 400, now_ms);
        return;
    }
    if (msg.id == CSTA_MSG_NONE || csta_msg_role(msg.id) == CSTA_ROLE_EVENT) {
        answer(leg, t, 200, now_ms); /* one that is not known is no less an event */
        if (err == 0 && msg.id != CSTA_MSG_NONE) {
            on_event(f, &msg, now_ms);
        } else {
            f->phones->stats.unread++;
        }
    } else if (csta_msg_role(msg.id) == CSTA_ROLE_RESPONSE) {
        answer(leg, t, 200, now_ms);
        if (err == 0) {
            (void)phone_ask_late(f, &msg, now_ms);
        }
    } else if (err == 0) {
        on_asked(f, leg, t, &msg, now_ms);
    } else {
        answer_csta(f, leg, t, &msg, CSTA_MSG_ERROR_CODE,
                    &(struct csta_error){.kind = CSTA_ERROR_OPERATION,
                                         .value = CSTA_OPERATION_SERVICE_NOT_SUPPORTED},
                    now_ms);
    }
}

void phone_on_request(struct leg *leg, struct dialog *d, struct txn *t, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct phone *f = leg->owner;
    struct str xml = phone_csta_of(m);

    (void)d;
    phone_heard(f, now_ms);
    if (str_is_set(xml)) {
        on_csta(f, leg, t, xml, now_ms);
    } else if (m->method == SIP_METHOD_INFO && sip_msg_body(m).n > 0) {
        if (leg_answer(leg, t, 415, STR_NONE,
                       &(struct leg_content){.lines = STR("Accept: application/csta+xml\r\n")},
                       now_ms) != 0) {
            leg_refuse(leg, t, 415, now_ms);
        }
    } else if (m->method == SIP_METHOD_INVITE || m->method == SIP_METHOD_UPDATE ||
               m->method == SIP_METHOD_OPTIONS || m->method == SIP_METHOD_INFO) {
        answer(leg, t, 200, now_ms);
    } else {
        answer(leg, t, 501, now_ms);
    }
}
