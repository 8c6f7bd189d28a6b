/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetForwarding, SetForwarding, ForwardingEvent (ECMA-269 §22; TR/87 8.2).
 *
 * Three forwardings are the device's (call/features.h): immediate, busy, no answer. A request
 * without a type means immediate. The other types of CSTA tell callers of the house from those
 * outside (…Int, …Ext), or stand for what busy does already here (…DND): they are refused with
 * invalidForwardingType, because a forwarding that catches more or fewer calls than was asked
 * for is worse than none.
 *
 *   activateForward  forwardDN   what becomes of it
 *   true             given       on, to that number
 *   true             absent      on, to the number of before; invalidForwardingDestination when
 *                                there was none
 *   false            any         off; the number, the new one or the one of before, is kept
 *
 * No answer counts rings or, from edition 6 on, seconds (ringDuration); whichever was said last
 * counts, and readers of older editions get it in rings. With the other types they mean
 * nothing and are passed over.
 */
#include "cti/parts.h"

static const uint8_t type_names[] = {
    [FORWARD_IMMEDIATE] = CSTA_FORWARDING_TYPE_FORWARD_IMMEDIATE,
    [FORWARD_BUSY] = CSTA_FORWARDING_TYPE_FORWARD_BUSY,
    [FORWARD_NO_ANSWER] = CSTA_FORWARDING_TYPE_FORWARD_NO_ANS,
};

static struct str number_of(const struct forward *f)
{
    return f->to[0] != '\0' ? str_c(f->to) : STR_NONE;
}

/** How long it rings, as far as that has a meaning for the type. */
static void write_patience(const struct forward *f, enum forward_type type,
                           struct csta_int *rings, struct csta_int *seconds)
{
    if (type == FORWARD_NO_ANSWER) {
        *rings = (struct csta_int){.set = true, .value = forward_ring_count(f)};
        *seconds = (struct csta_int){.set = f->seconds != 0, .value = f->seconds};
    }
}

void forwarding_tell(struct cti *c, const struct device *d, enum forward_type type,
                     uint64_t now_ms)
{
    const struct forward *f = &call_features(d)->forward[type];
    struct csta_forwarding_event event = {
        .device = csta_device_ref_of(d->uri),
        .forwarding_type = (enum csta_forwarding_type)type_names[type],
        .forward_status = f->on ? CSTA_TRUE : CSTA_FALSE,
        .forward_to.value = number_of(f),
    };
    const struct csta_msg msg = {.forwarding_event = &event};

    write_patience(f, type, &event.ring_count, &event.ring_duration);
    (void)cti_device_event(c, d, CSTA_MSG_FORWARDING_EVENT, &msg, now_ms);
}

struct outcome service_get_forwarding(struct request *r)
{
    struct arena *a = r->cti->scratch;
    struct csta_get_forwarding_response *answer = arena_zalloc(a, sizeof(*answer));
    struct csta_forward_list_item *item = arena_zalloc(a, FORWARD_COUNT * sizeof(*item));
    struct device *d;
    struct outcome err;

    if (!resolve_device(r, &r->msg->get_forwarding->device, CSTA_OPERATION_INVALID_DEVICE_ID,
                        &d, &err)) {
        return err;
    }
    if (answer == NULL || item == NULL) {
        return outcome_nomem();
    }
    for (unsigned i = 0; i < FORWARD_COUNT; i++) {
        const struct forward *f = &call_features(d)->forward[i];
        item[i].forwarding_type = (enum csta_forwarding_type)type_names[i];
        item[i].forward_status = f->on ? CSTA_TRUE : CSTA_FALSE;
        item[i].forward_dn.value = number_of(f);
        write_patience(f, (enum forward_type)i, &item[i].ring_count, &item[i].ring_duration);
    }
    answer->forwarding_list.item = item;
    answer->forwarding_list.n = FORWARD_COUNT;
    return outcome_answer(r, answer);
}

static bool take_type(enum csta_forwarding_type asked, enum forward_type *out,
                      struct outcome *err)
{
    *out = FORWARD_IMMEDIATE;
    if (asked == CSTA_FORWARDING_TYPE_ABSENT) {
        return true;
    }
    for (unsigned i = 0; i < FORWARD_COUNT; i++) {
        if (asked == (enum csta_forwarding_type)type_names[i]) {
            *out = (enum forward_type)i;
            return true;
        }
    }
    *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_FORWARDING_TYPE,
                         "calls are forwarded immediately, when busy and without an answer, "
                         "whoever calls: forwardImmediate, forwardBusy, forwardNoAns");
    return false;
}

static bool take_patience(const struct csta_set_forwarding *m, enum forward_type type,
                          struct forward_change *out, struct outcome *err)
{
    int64_t rings = m->ring_count.set ? m->ring_count.value : 1;
    int64_t seconds = m->ring_duration.set ? m->ring_duration.value : 1;

    if (type != FORWARD_NO_ANSWER) {
        return true;
    }
    if (rings < 1 || rings > FORWARD_RINGS_MAX) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_RING_COUNT,
                             "a ringCount is 1 to 100");
        return false;
    }
    if (seconds < 1 || seconds > FORWARD_SECONDS_MAX) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_VALUE_OUT_OF_RANGE,
                             "a ringDuration is 1 to 600 seconds");
        return false;
    }
    out->rings = m->ring_count.set ? (uint32_t)rings : 0;
    out->seconds = m->ring_duration.set ? (uint32_t)seconds : 0;
    return true;
}

struct outcome service_set_forwarding(struct request *r)
{
    static const struct csta_set_forwarding_response answer;
    const struct csta_set_forwarding *m = r->msg->set_forwarding;
    struct forward_change change = {.on = m->activate_forward == CSTA_TRUE,
                                    .to = number_dialled(r, str_trim(m->forward_dn.value))};
    enum forward_type type;
    struct outcome err;
    struct device *d;

    if (!take_type(m->forwarding_type, &type, &err) || !take_patience(m, type, &change, &err) ||
        !resolve_device(r, &m->device, CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    switch (call_change_forward(r->cti->calls, d, type, &change, r->now_ms)) {
    case 0:
        return outcome_answer(r, &answer);
    case E_NOMEM:
        return outcome_nomem();
    default:
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_INVALID_FORWARDING_DESTINATION,
                             "calls of the device cannot be forwarded there: it is no number "
                             "that leads anywhere, the device itself, or none at all");
    }
}
