/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session begins: what the phone can do, its monitor, its calls, its switches (TR/87 4.3,
 * 4.10).
 *
 *   GetCSTAFeatures ─► MonitorStart ─► SnapshotDevice ─► GetDoNotDisturb ─► GetForwarding ─►
 *   GetMessageWaitingIndicator ─► up
 *
 * Each is asked only when the profile says that the phone has it, and a refusal of one that is
 * not needed is no harm: the phone has said what it cannot do. What is needed is the monitor
 * of a phone that tells of its calls. A phone that does not know MonitorStart at all is one
 * that tells no events; one that refuses it for another reason is tried again.
 *
 * Monitor before snapshot: what happens between the two is told twice and not lost, and what
 * is told twice is told on once.
 */
#include "phone/parts.h"

enum start_step {
    STEP_FEATURES,
    STEP_MONITOR,
    STEP_SNAPSHOT,
    STEP_DND,
    STEP_FORWARDING,
    STEP_WAITING,
    STEP_COUNT,
};

static const uint16_t services[] = {
    [STEP_FEATURES] = CSTA_MSG_GET_CSTA_FEATURES,
    [STEP_MONITOR] = CSTA_MSG_MONITOR_START,
    [STEP_SNAPSHOT] = CSTA_MSG_SNAPSHOT_DEVICE,
    [STEP_DND] = CSTA_MSG_GET_DO_NOT_DISTURB,
    [STEP_FORWARDING] = CSTA_MSG_GET_FORWARDING,
    [STEP_WAITING] = CSTA_MSG_GET_MESSAGE_WAITING_INDICATOR,
};

static void next_step(struct phone *f, uint64_t now_ms);

/* ---- what it can do ---- */

static bool is_listed(const struct csta_supported_services *s, enum csta_msg_id service)
{
    const struct csta_feature_list *list = (const struct csta_feature_list *)s;

    for (size_t i = 0; i < sizeof(*s) / sizeof(*list); i++) {
        for (size_t k = 0; k < list[i].n; k++) {
            if (list[i].item[k].id == service) {
                return true;
            }
        }
    }
    return false;
}

/** Commands that it does not list are none that it has. Questions cost nothing to ask. */
static void take_features(struct phone *f, const struct csta_get_csta_features_response *m)
{
    const struct csta_supported_services *s = m == NULL ? NULL : m->supported_services;

    _Static_assert(sizeof(*s) % sizeof(struct csta_feature_list) == 0, "lists and no more");
    if (s == NULL || s->call_control_serv_list.n == 0) {
        return;
    }
    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        enum csta_msg_id service = (enum csta_msg_id)id;
        if (csta_msg_role(service) == CSTA_ROLE_REQUEST && service != CSTA_MSG_MONITOR_START &&
            service != CSTA_MSG_SNAPSHOT_DEVICE && service != CSTA_MSG_MONITOR_STOP &&
            service != CSTA_MSG_REQUEST_SYSTEM_STATUS && phone_serves(f, service) &&
            !is_listed(s, service)) {
            phone_strike(f, service);
        }
    }
}

/* ---- answers ---- */

/** @return false: without it there is no use in going on */
static bool take_monitor(struct phone *f, const struct csta_msg *answer)
{
    struct str ref;

    if (answer->id == CSTA_MSG_ERROR_CODE) {
        return phone_messages_has(&f->refused, CSTA_MSG_MONITOR_START);
    }
    ref = answer->monitor_start_response->monitor_cross_ref_id;
    if (ref.n == 0 || ref.n > PHONE_REF_MAX) {
        return false;
    }
    memcpy(f->ref, ref.p, ref.n);
    f->ref[ref.n] = '\0';
    f->monitored = true;
    return true;
}

static void on_answer(void *owner, struct phone *f, const struct csta_msg *answer,
                      uint64_t now_ms)
{
    uint8_t step = f->step;
    bool good;

    (void)owner;
    if (f->state != PHONE_STARTING) {
        return;
    }
    if (answer == NULL && step <= STEP_SNAPSHOT && step != STEP_FEATURES) {
        phone_lost(f, PHONE_LOSS_SILENT, now_ms);
        return;
    }
    good = answer != NULL && answer->id != CSTA_MSG_ERROR_CODE;
    switch ((enum start_step)step) {
    case STEP_FEATURES:
        take_features(f, good ? answer->get_csta_features_response : NULL);
        break;
    case STEP_MONITOR:
        if (!take_monitor(f, answer)) {
            f->trouble = "the phone cannot be monitored";
            phone_lost(f, PHONE_LOSS_REFUSED, now_ms);
            return;
        }
        break;
    case STEP_SNAPSHOT:
        phone_resync(f, good ? answer->snapshot_device_response : NULL, now_ms);
        break;
    case STEP_DND:
    case STEP_FORWARDING:
    case STEP_WAITING:
        if (good) {
            phone_mirror_answer(f, answer, now_ms);
        }
        break;
    case STEP_COUNT:
        return;
    }
    f->step++;
    next_step(f, now_ms);
}

/* ---- questions ---- */

static const void *body_of(struct phone *f, enum start_step step)
{
    struct arena *a = f->phones->world.scratch;
    struct csta_device_id line = {.value = phone_name(f)};
    struct csta_get_do_not_disturb *asked; /* so begin all that ask about a device */
    struct csta_monitor_start *start;

    switch (step) {
    case STEP_FEATURES:
        return arena_zalloc(a, sizeof(struct csta_get_csta_features));
    case STEP_MONITOR:
        start = arena_zalloc(a, sizeof(*start));
        if (start != NULL) {
            start->monitor_object.kind = CSTA_MONITOR_OBJECT_DEVICE_OBJECT;
            start->monitor_object.device_object = line;
        }
        return start;
    default:
        asked = arena_zalloc(a, sizeof(*asked));
        if (asked != NULL) {
            asked->device = line;
        }
        return asked;
    }
}

_Static_assert(sizeof(struct csta_get_do_not_disturb) == sizeof(struct csta_snapshot_device) &&
                   sizeof(struct csta_get_do_not_disturb) ==
                       sizeof(struct csta_get_forwarding) &&
                   sizeof(struct csta_get_do_not_disturb) ==
                       sizeof(struct csta_get_message_waiting_indicator),
               "a device and extensions");

static bool wanted(const struct phone *f, enum start_step step)
{
    if ((step == STEP_MONITOR || step == STEP_SNAPSHOT) && !f->profile->own_events) {
        return false;
    }
    if (f->profile->feature_event && (step == STEP_DND || step == STEP_FORWARDING)) {
        return false;
    }
    return phone_serves(f, (enum csta_msg_id)services[step]);
}

static void next_step(struct phone *f, uint64_t now_ms)
{
    struct csta_msg msg = {0};

    for (; f->step < STEP_COUNT; f->step++) {
        if (wanted(f, (enum start_step)f->step)) {
            msg.id = (enum csta_msg_id)services[f->step];
            msg.body = body_of(f, (enum start_step)f->step);
            if (msg.body == NULL || phone_ask(f, &msg, on_answer, NULL, now_ms) != 0) {
                phone_lost(f, PHONE_LOSS_REFUSED, now_ms); /* no memory: later */
            }
            return;
        }
        if (f->step == STEP_SNAPSHOT) {
            phone_resync(f, NULL, now_ms);
        }
    }
    phone_is_up(f, now_ms);
    phone_mirror_push(f, now_ms);
}

void phone_start(struct phone *f, uint64_t now_ms)
{
    f->step = 0;
    f->changes = 0;
    next_step(f, now_ms);
}

/* ---- resynced ---- */

void phone_tell_resynced(struct phone *f, uint64_t now_ms)
{
    struct phones *p = f->phones;
    struct csta_common_arguments more = {.private_data = {.kind = CSTA_DATA_FOREIGN}};
    struct csta_back_in_service_event event = {
        .device = csta_device_ref_of(f->device->uri),
        .cause = CSTA_CAUSE_NORMAL,
    };
    const struct csta_msg msg = {.back_in_service_event = &event};
    struct str body;

    if (f->loss == PHONE_LOSS_NONE && f->id.n > 0) {
        return; /* the registrar has told that it is in service */
    }
    if (f->loss != PHONE_LOSS_NONE) {
        body = arena_fmt(p->world.scratch,
                         "<resynced xmlns=\"" CSTA_PRIVATE_NAMESPACE "\" reason=\"%s\" "
                         "lostMs=\"%llu\" changes=\"%u\" calls=\"%s\"/>",
                         phone_loss_name((enum phone_loss)f->loss),
                         (unsigned long long)(now_ms - f->lost_ms), f->changes,
                         f->monitored ? "followed" : "unknown");
        more.private_data.foreign.attrs = STR("");
        more.private_data.foreign.body = body;
        event.extensions = body.n > 0 ? &more : NULL;
        p->stats.resynced++;
    }
    (void)cti_device_event(p->world.cti, f->device, CSTA_MSG_BACK_IN_SERVICE_EVENT, &msg,
                           now_ms);
}
