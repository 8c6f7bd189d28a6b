/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CallBack, CallBackNonCallRelated, CancelCallBack, GetCallBack, and their event (ECMA-269
 * §17.1.3, §22.1): call/callback.c does it.
 *
 * The originating device must be granted. The event goes to those who watch either device: it
 * is set, or it is no more, since it was cancelled, carried out, or given up.
 */
#include "cti/serve.h"

/** Where the event is about a device: both of them. */
void cti_on_callback(void *cti, const struct device *from, const struct device *to, bool set,
                     uint64_t now_ms)
{
    struct cti *c = cti;
    struct csta_call_back_event e = {
        .originating_device = csta_device_ref_of(from->uri),
        .target_device = csta_device_ref_of(to->uri),
        .call_back_set_canceled = set ? CSTA_TRUE : CSTA_FALSE,
    };
    struct csta_msg msg = {.id = CSTA_MSG_CALL_BACK_EVENT};

    msg.call_back_event = &e;
    /* not told: who watches finds a gap */
    (void)!cti_pair_event(c, from, to, msg.id, &msg, now_ms);
}

static struct outcome error_of_set(const struct request *r, enum call_error err)
{
    if (err == CALL_OCCUPIED) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_FEATURE_ALREADY_SET,
                             "it is set already");
    }
    if (err == CALL_UNSUPPORTED) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CALLED_DEVICE,
                             "of a device that is not ours nobody knows when it is free");
    }
    return error_of_call(r->msg->id, err, 0, r->cti->scratch);
}

struct outcome service_call_back(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_CALL_BACK, STATE(CONNECTED)};
    struct csta_call_back_response *answer = arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct connection *conn;
    struct device *target = NULL;
    struct outcome err;
    enum call_error failed;

    if (answer == NULL) {
        return outcome_nomem();
    }
    if (!resolve_connection(r, &r->msg->call_back->callback_connection, &want, &conn, &err)) {
        return err;
    }
    failed = call_back(conn, &target, r->now_ms);
    if (failed != CALL_OK) {
        return error_of_set(r, failed);
    }
    answer->target_device.value = session_spelling(r->from.session, target->uri);
    return outcome_answer(r, answer);
}

/** The two devices of a request: the first is to be granted. */
static bool pair(const struct request *r, const struct csta_device_id *from,
                 const struct csta_device_id *to, struct device **originating,
                 struct device **target, struct outcome *err)
{
    if (!resolve_device(r, from, CSTA_OPERATION_INVALID_CALLING_DEVICE_ID, originating, err)) {
        return false;
    }
    *target = directory_device_named(r->cti->directory, to->value);
    if (*target == NULL) {
        *err = outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CALLED_DEVICE_ID,
                             "there is no such device of ours");
    }
    return *target != NULL;
}

struct outcome service_call_back_non_call_related(struct request *r)
{
    static const struct csta_call_back_non_call_related_response answer;
    const struct csta_call_back_non_call_related *m = r->msg->call_back_non_call_related;
    struct device *from, *to;
    struct outcome err;
    enum call_error failed;

    if (!pair(r, &m->originating_device, &m->target_device, &from, &to, &err)) {
        return err;
    }
    failed = call_back_set(r->cti->calls, from, to, r->now_ms);
    return failed != CALL_OK ? error_of_set(r, failed) : outcome_answer(r, &answer);
}

struct outcome service_cancel_call_back(struct request *r)
{
    static const struct csta_cancel_call_back_response answer;
    const struct csta_cancel_call_back *m = r->msg->cancel_call_back;
    struct device *from, *to;
    struct outcome err;

    if (!pair(r, &m->originating_device, &m->target_device, &from, &to, &err)) {
        return err;
    }
    return call_back_cancel(r->cti->calls, from, to, r->now_ms)
               ? outcome_answer(r, &answer)
               : outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_FEATURE,
                               "no call back of these devices is set");
}

struct outcome service_get_call_back(struct request *r)
{
    struct arena *a = r->cti->scratch;
    struct csta_get_call_back_response *answer = arena_zalloc(a, sizeof(*answer));
    struct csta_call_back_list_item *item;
    const struct device *to = NULL;
    struct device *from;
    struct outcome err;
    size_t n = 0;

    if (!resolve_device(r, &r->msg->get_call_back->device, CSTA_OPERATION_INVALID_DEVICE_ID,
                        &from, &err)) {
        return err;
    }
    while ((to = call_back_next(r->cti->calls, from, to)) != NULL) {
        n++;
    }
    item = arena_zalloc(a, (n + 1) * sizeof(*item));
    if (answer == NULL || item == NULL) {
        return outcome_nomem();
    }
    n = 0;
    while ((to = call_back_next(r->cti->calls, from, to)) != NULL) {
        item[n].originating_device.value = r->msg->get_call_back->device.value;
        item[n].target_device.value = session_spelling(r->from.session, to->uri);
        n++;
    }
    answer->call_back_list.item = item;
    answer->call_back_list.n = n;
    return outcome_answer(r, answer);
}
