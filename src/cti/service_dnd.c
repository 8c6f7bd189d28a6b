/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetDoNotDisturb, SetDoNotDisturb, DoNotDisturbEvent (ECMA-269 §22; TR/87 8.1).
 *
 * The switch is the device's (call/features.h), and what calls do about it is call/forward.c's.
 * It is one switch for all callers: a request for some of them only (callOrigination, a list of
 * callers) is refused, because an application that believes that the others get through would
 * be wrong.
 *
 * Setting what is set is answered well and told nobody; a change is told every monitor of the
 * device, whoever made it.
 */
#include "cti/parts.h"

void dnd_tell(struct cti *c, const struct device *d, uint64_t now_ms)
{
    const struct csta_do_not_disturb_event event = {
        .device = csta_device_ref_of(d->uri),
        .do_not_disturb_on = call_features(d)->dnd ? CSTA_TRUE : CSTA_FALSE,
    };
    const struct csta_msg msg = {.do_not_disturb_event = &event};

    (void)cti_device_event(c, d, CSTA_MSG_DO_NOT_DISTURB_EVENT, &msg, now_ms);
}

void cti_on_feature(void *cti, struct device *d, unsigned which, uint64_t now_ms)
{
    if (which == FEATURE_DND) {
        dnd_tell(cti, d, now_ms);
    } else {
        forwarding_tell(cti, d, (enum forward_type)which, now_ms);
    }
}

struct outcome service_get_do_not_disturb(struct request *r)
{
    struct csta_get_do_not_disturb_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct device *d;
    struct outcome err;

    if (!resolve_device(r, &r->msg->get_do_not_disturb->device,
                        CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    if (answer != NULL) {
        answer->do_not_disturb_on = call_features(d)->dnd ? CSTA_TRUE : CSTA_FALSE;
    }
    return outcome_answer(r, answer);
}

/** Does it speak of all callers? */
static bool is_for_all(const struct csta_set_do_not_disturb *m)
{
    const struct csta_call_origination *o = m->call_origination;
    bool some = o != NULL && (o->internal == CSTA_TRUE) != (o->external == CSTA_TRUE);

    return !some && m->calling_device_list.n == 0;
}

struct outcome service_set_do_not_disturb(struct request *r)
{
    static const struct csta_set_do_not_disturb_response answer;
    const struct csta_set_do_not_disturb *m = r->msg->set_do_not_disturb;
    struct device *d;
    struct outcome err;

    if (!is_for_all(m)) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_PARAMETER_NOT_SUPPORTED,
                             "do not disturb is for all callers: neither callOrigination nor "
                             "a list of callers can be served");
    }
    if (!resolve_device(r, &m->device, CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    if (call_set_dnd(r->cti->calls, d, m->do_not_disturb_on == CSTA_TRUE, r->now_ms) != 0) {
        return outcome_nomem();
    }
    return outcome_answer(r, &answer);
}
